/*
 * web_http.c - connections of the page, each bounded in bytes and time
 */
#include "web_http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_MS  250
#define LINGER_MS 1000

enum phase {
	READING,
	WRITING,
	STREAMING,
	LINGERING, /* said all: what still comes is thrown away, so that no RST eats the answer */
};

struct connection {
	TAILQ_ENTRY(connection) next;
	struct sl_web_http *http;
	struct bufferevent *peer;
	enum phase phase;
	uint64_t deadline_ms; /* STREAMING: 0 = it keeps up */
	uint64_t said_ms;
	uint64_t told; /* STREAMING: number of the last message it was given */
	bool behind;   /* the newest picture is not in its buffer */
};

struct sl_web_http {
	struct sl_web_http_config config;
	struct evconnlistener *listener;
	struct event *sweep;
	char *picture;
	size_t picture_length;
	struct sl_web_http_stats stats;
	TAILQ_HEAD(, connection) connections;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void drop(struct connection *connection)
{
	struct sl_web_http *http = connection->http;

	http->stats.connections--;
	http->stats.streams -= connection->phase == STREAMING;
	TAILQ_REMOVE(&http->connections, connection, next);
	bufferevent_free(connection->peer);
	free(connection);
	evconnlistener_enable(http->listener);
}

static const char *status_words(int status)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {{200, "OK"},
		    {304, "Not Modified"},
		    {400, "Bad Request"},
		    {404, "Not Found"},
		    {405, "Method Not Allowed"},
		    {414, "URI Too Long"},
		    {421, "Misdirected Request"},
		    {431, "Request Header Fields Too Large"},
		    {503, "Service Unavailable"},
		    {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].words;
	return "Error";
}

/*
 * Scripts, styles, pictures and data only from here, nothing inline; uPlot sets the style of
 * its own elements by the DOM, which CSP does not forbid.
 */
static const char safety[] =
	"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'; object-src 'none'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"X-Frame-Options: DENY\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n";

static void put_head(struct evbuffer *to, const struct sl_web_reply *reply)
{
	char date[64];
	time_t now = time(NULL);
	struct tm utc;

	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
	evbuffer_add_printf(to, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n%s",
			    reply->status, status_words(reply->status), date, safety);
	/* An asset is asked for again each time and answered by 304: no old page after an upgrade. */
	evbuffer_add_printf(to, "Cache-Control: %s\r\n", reply->etag ? "no-cache" : "no-store");
	if (reply->etag)
		evbuffer_add_printf(to, "ETag: %s\r\n", reply->etag);
	if (reply->status == 405)
		evbuffer_add_printf(to, "Allow: GET, HEAD\r\n");
	if (reply->status != 304)
		evbuffer_add_printf(to, "Content-Type: %s\r\n", reply->type);
	if (!reply->stream && reply->status != 304)
		evbuffer_add_printf(to, "Content-Length: %zu\r\n",
				    evbuffer_get_length(reply->body));
	evbuffer_add(to, "\r\n", 2);
}

/* Give a stream what it has not, as far as it has room; else it is behind. */
static void feed(struct connection *connection)
{
	struct sl_web_http *http = connection->http;
	const struct sl_web_stream *stream = http->config.stream;
	struct evbuffer *out = bufferevent_get_output(connection->peer);

	if (evbuffer_get_length(out) > SL_WEB_UNSENT_MAX) {
		http->stats.skipped++;
		if (!connection->deadline_ms)
			connection->deadline_ms = now_ms() + SL_WEB_SLOW_MS;
		connection->behind = true;
		return;
	}
	if (!sl_web_stream_again(stream, connection->told, out)) {
		char *reset = sl_web_stream_frame(stream, "reset", "{}");

		if (reset)
			evbuffer_add(out, reset, strlen(reset));
		free(reset);
	}
	connection->told = stream->last;
	if (connection->behind && http->picture)
		evbuffer_add(out, http->picture, http->picture_length);
	connection->behind = false;
	connection->deadline_ms = 0;
	connection->said_ms = now_ms();
}

static void begin_stream(struct connection *connection, const struct sl_web_request *request)
{
	struct sl_web_http *http = connection->http;
	uint64_t after = sl_web_stream_number(http->config.stream, request->last_id);

	connection->phase = STREAMING;
	connection->deadline_ms = 0;
	http->stats.streams++;
	/* Nothing more is expected to come; what does is bounded, and hanging up is still seen. */
	bufferevent_setwatermark(connection->peer, EV_READ, 0, SL_WEB_HEAD_MAX);
	evbuffer_add_printf(bufferevent_get_output(connection->peer), "retry: 1000\n\n");
	/* A browser that comes for the first time has read all by the API, or will. */
	connection->told = request->last_id[0] ? after : http->config.stream->last;
	feed(connection);
}

static void error_body(struct sl_web_reply *reply)
{
	evbuffer_drain(reply->body, evbuffer_get_length(reply->body));
	evbuffer_add_printf(reply->body, "{\"error\":%d,\"text\":\"%s\"}\n", reply->status,
			    status_words(reply->status));
	reply->type = "application/json";
	reply->etag = NULL;
	reply->stream = false;
}

static void reply_to(struct connection *connection, const struct sl_web_request *request,
		     int status)
{
	struct sl_web_http *http = connection->http;
	struct sl_web_reply reply = {.status = status, .body = evbuffer_new()};
	struct evbuffer *out = bufferevent_get_output(connection->peer);

	connection->phase = WRITING;
	connection->deadline_ms = now_ms() + SL_WEB_REPLY_MS;
	if (!reply.body)
		return drop(connection);
	http->stats.requests++;
	if (status == 200)
		http->config.answer(http->config.arg, request, &reply);
	if (reply.stream && http->stats.streams >= SL_WEB_STREAMS_MAX) {
		http->stats.full++;
		reply.status = 503;
	}
	if (reply.status == 200 && reply.etag && sl_web_request_has(request, reply.etag))
		reply.status = 304;
	if (reply.status >= 400) {
		http->stats.refused++;
		error_body(&reply);
	}
	put_head(out, &reply);
	if (reply.stream && !request->head)
		begin_stream(connection, request);
	if (!request->head && reply.status != 304)
		evbuffer_add_buffer(out, reply.body);
	evbuffer_free(reply.body);
}

static void on_read(struct bufferevent *peer, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *in = bufferevent_get_input(peer);
	size_t size = evbuffer_get_length(in);
	struct sl_web_request request = {0};
	int status;

	if (connection->phase == READING) {
		size = size > SL_WEB_HEAD_MAX ? SL_WEB_HEAD_MAX : size;
		status = sl_web_request_parse(&request, (char *)evbuffer_pullup(in, (ssize_t)size),
					      size);
		if (!status)
			return;
		reply_to(connection, &request, status);
		return;
	}
	evbuffer_drain(in, size);
}

/* Called when all that was to be said has gone to the kernel. */
static void on_written(struct bufferevent *peer, void *arg)
{
	struct connection *connection = arg;

	if (connection->phase == STREAMING && connection->behind)
		feed(connection);
	if (connection->phase != WRITING)
		return;
	connection->phase = LINGERING;
	connection->deadline_ms = now_ms() + LINGER_MS;
	shutdown(bufferevent_getfd(peer), SHUT_WR);
}

static void on_end(struct bufferevent *peer, short what, void *arg)
{
	struct connection *connection = arg;

	/* Who only closed its sending side still waits for the answer. */
	if ((what & BEV_EVENT_EOF) && connection->phase == WRITING) {
		bufferevent_disable(peer, EV_READ);
		return;
	}
	drop(connection);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int length, void *arg)
{
	struct sl_web_http *http = arg;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (connection)
		connection->peer =
			bufferevent_socket_new(http->config.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!connection || !connection->peer) {
		close(fd);
		free(connection);
		return;
	}
	connection->http = http;
	connection->deadline_ms = now_ms() + SL_WEB_HEAD_MS;
	TAILQ_INSERT_TAIL(&http->connections, connection, next);
	bufferevent_setcb(connection->peer, on_read, on_written, on_end, connection);
	bufferevent_setwatermark(connection->peer, EV_READ, 0, SL_WEB_HEAD_MAX);
	bufferevent_enable(connection->peer, EV_READ | EV_WRITE);
	/* The rest waits in the kernel's queue. */
	if (++http->stats.connections >= SL_WEB_CONNECTIONS_MAX)
		evconnlistener_disable(listener);
}

/* Out of descriptors or memory: the sweep tries again. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
	evconnlistener_disable(listener);
}

static void look_after(struct connection *connection, uint64_t now)
{
	if (connection->deadline_ms && now > connection->deadline_ms) {
		connection->http->stats.cut += connection->phase != LINGERING;
		drop(connection);
	} else if (connection->phase == STREAMING && !connection->behind &&
		   now - connection->said_ms > SL_WEB_KEEPALIVE_MS) {
		/* So that a proxy, a tunnel, and we see who is gone. */
		evbuffer_add(bufferevent_get_output(connection->peer), ": alive\n\n", 9);
		connection->said_ms = now;
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct sl_web_http *http = arg;
	struct connection *connection = TAILQ_FIRST(&http->connections), *next;
	uint64_t now = now_ms();

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, next);
		look_after(connection, now);
	}
	if (http->stats.connections < SL_WEB_CONNECTIONS_MAX)
		evconnlistener_enable(http->listener);
}

int sl_web_http_open(struct sl_web_http **http, const struct sl_web_http_config *config)
{
	struct timeval sweep = {.tv_usec = SWEEP_MS * 1000};
	struct sl_web_http *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->config = *config;
	TAILQ_INIT(&made->connections);
	made->sweep = event_new(config->base, -1, EV_PERSIST, on_sweep, made);
	made->listener = evconnlistener_new(config->base, on_accept, made, LEV_OPT_CLOSE_ON_EXEC, 0,
					    config->fd);
	if (!made->sweep || !made->listener || event_add(made->sweep, &sweep)) {
		sl_web_http_close(made);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(made->listener, on_accept_failed);
	*http = made;
	return 0;
}

void sl_web_http_close(struct sl_web_http *http)
{
	struct connection *connection = TAILQ_FIRST(&http->connections), *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, next);
		drop(connection);
	}
	if (http->listener)
		evconnlistener_free(http->listener);
	if (http->sweep)
		event_free(http->sweep);
	free(http->picture);
	free(http);
}

void sl_web_http_said(struct sl_web_http *http)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &http->connections, next)
	if (connection->phase == STREAMING)
		feed(connection);
}

void sl_web_http_picture(struct sl_web_http *http, const char *frame)
{
	struct connection *connection;
	char *picture = strdup(frame);

	if (!picture)
		return;
	free(http->picture);
	http->picture = picture;
	http->picture_length = strlen(picture);
	TAILQ_FOREACH(connection, &http->connections, next)
	{
		if (connection->phase == STREAMING)
			connection->behind = true;
	}
	sl_web_http_said(http);
}

void sl_web_http_stats(const struct sl_web_http *http, struct sl_web_http_stats *stats)
{
	*stats = http->stats;
}
