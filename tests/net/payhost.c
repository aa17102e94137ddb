/*
 * payhost.c - the payment host of the virtual store's datacenter
 *
 *   payhost --cert FILE --key FILE [--port N] [--think-ms N]
 *
 * TLS server for any number of connections on one event loop.  Answers 0200 with
 * 0210 after a think time.  Idempotent: a (terminal, STAN) seen before is answered
 * from memory and not booked again, as a till that asks again must not pay twice.
 * On SIGTERM it says as one JSON line what it booked.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>

#include "message.h"

#define MEMORY (1 << 18) /* transactions remembered; a power of two */

struct booking {
	char terminal[SL_TERMINAL_CHARS + 1]; /* "" = free */
	uint32_t stan;
	uint64_t amount_cents;
};

struct host {
	struct event_base *base;
	SSL_CTX *tls;
	struct timeval think;
	struct booking booking[MEMORY];
	uint64_t booked, repeated, malformed, connections, open;
};

/* One connection; freed when it is closed and its last answer has been thought over. */
struct session {
	struct host *host;
	struct bufferevent *stream; /* NULL = closed */
	unsigned int thinking;
};

struct answer {
	struct session *session;
	struct event *timer;
	struct sl_message message;
};

static uint32_t hash(const struct sl_message *message)
{
	uint32_t sum = 2166136261u ^ message->stan; /* FNV-1a */

	for (const char *c = message->terminal; *c; c++)
		sum = (sum ^ (uint8_t)*c) * 16777619u;
	return (sum ^ message->stan * 2654435761u) & (MEMORY - 1);
}

/* Book a transaction once.  The oldest entry of a full stretch is overwritten. */
static void book(struct host *host, const struct sl_message *message)
{
	uint32_t first = hash(message), at = first;
	struct booking *booking;

	for (unsigned int step = 0; step < 64; step++, at = (at + 1) & (MEMORY - 1)) {
		booking = &host->booking[at];
		if (!*booking->terminal)
			break;
		if (booking->stan == message->stan &&
		    !strcmp(booking->terminal, message->terminal)) {
			host->repeated++;
			return;
		}
	}
	booking = &host->booking[at];
	if (*booking->terminal)
		booking = &host->booking[first];
	strcpy(booking->terminal, message->terminal);
	booking->stan = message->stan;
	booking->amount_cents = message->amount_cents;
	host->booked++;
}

static void release(struct session *session)
{
	if (session->stream || session->thinking)
		return;
	session->host->open--;
	free(session);
}

static void hang_up(struct session *session)
{
	bufferevent_free(session->stream);
	session->stream = NULL;
	release(session);
}

static void on_thought(evutil_socket_t fd, short what, void *arg)
{
	struct answer *answer = arg;
	struct session *session = answer->session;
	uint8_t bytes[SL_MESSAGE_HEADER + SL_MESSAGE_MAX];

	if (session->stream)
		bufferevent_write(session->stream, bytes,
				  sl_message_write(&answer->message, SL_MESSAGE_RESPONSE, bytes));
	event_free(answer->timer);
	free(answer);
	session->thinking--;
	release(session);
}

static void think(struct session *session, const struct sl_message *request)
{
	struct answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		return;
	answer->timer = evtimer_new(session->host->base, on_thought, answer);
	if (!answer->timer) {
		free(answer);
		return;
	}
	answer->session = session;
	answer->message = *request;
	strcpy(answer->message.mti, "0210");
	strcpy(answer->message.code, "00");
	session->thinking++;
	evtimer_add(answer->timer, &session->host->think);
}

static bool take_request(struct session *session, const uint8_t *body, size_t length)
{
	struct sl_message request;

	if (!sl_message_read(&request, body, length) || strcmp(request.mti, "0200")) {
		session->host->malformed++;
		return false;
	}
	book(session->host, &request);
	think(session, &request);
	return true;
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct session *session = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	uint8_t length[SL_MESSAGE_HEADER], body[SL_MESSAGE_MAX];
	size_t size;

	while (evbuffer_copyout(input, length, sizeof(length)) == sizeof(length)) {
		size = (size_t)(length[0] << 8 | length[1]);
		if (size > sizeof(body)) {
			session->host->malformed++;
			hang_up(session);
			return;
		}
		if (evbuffer_get_length(input) < sizeof(length) + size)
			return;
		evbuffer_drain(input, sizeof(length));
		evbuffer_remove(input, body, size);
		if (!take_request(session, body, size)) {
			hang_up(session);
			return;
		}
	}
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		hang_up(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
		      int size, void *arg)
{
	struct host *host = arg;
	struct session *session = calloc(1, sizeof(*session));
	SSL *tls = SSL_new(host->tls);
	int on = 1;

	if (!session || !tls)
		goto err_session;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	session->host = host;
	session->stream =
		bufferevent_openssl_socket_new(host->base, fd, tls, BUFFEREVENT_SSL_ACCEPTING,
					       BEV_OPT_CLOSE_ON_FREE);
	if (!session->stream)
		goto err_session;
	bufferevent_openssl_set_allow_dirty_shutdown(session->stream, 1);
	bufferevent_setcb(session->stream, on_read, NULL, on_event, session);
	bufferevent_enable(session->stream, EV_READ | EV_WRITE);
	host->connections++;
	host->open++;
	return;

err_session:
	SSL_free(tls);
	free(session);
	evutil_closesocket(fd);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	event_base_loopbreak(arg);
}

static SSL_CTX *tls_server(const char *cert, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls && SSL_CTX_use_certificate_file(tls, cert, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}

static int serve(struct host *host, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct evconnlistener *listener;
	struct event *term, *interrupt;

	host->base = event_base_new();
	if (!host->base)
		return -ENOMEM;
	listener = evconnlistener_new_bind(host->base, on_accept, host,
					   LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, 512,
					   (struct sockaddr *)&any, sizeof(any));
	if (!listener) {
		event_base_free(host->base);
		return -errno;
	}
	term = evsignal_new(host->base, SIGTERM, on_signal, host->base);
	interrupt = evsignal_new(host->base, SIGINT, on_signal, host->base);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	signal(SIGPIPE, SIG_IGN);
	fprintf(stderr, "ready\n");
	event_base_dispatch(host->base);
	event_free(term);
	event_free(interrupt);
	evconnlistener_free(listener);
	/* Sessions still open end with the process. */
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"cert", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"port", required_argument, NULL, 'p'},
		{"think-ms", required_argument, NULL, 't'},
		{0},
	};
	static struct host host = {.think = {.tv_usec = 20000}};
	const char *cert = NULL, *key = NULL;
	uint16_t port = 7003;
	int option, err;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'c')
			cert = optarg;
		else if (option == 'k')
			key = optarg;
		else if (option == 'p')
			port = (uint16_t)atoi(optarg);
		else if (option == 't')
			host.think.tv_usec = 1000 * (atoi(optarg) % 1000);
		else
			return 2;
	}
	host.tls = cert && key ? tls_server(cert, key) : NULL;
	if (!host.tls) {
		fprintf(stderr,
			"usage: payhost --cert FILE --key FILE [--port N] [--think-ms N]\n");
		ERR_print_errors_fp(stderr);
		return 2;
	}
	err = serve(&host, port);
	if (err) {
		fprintf(stderr, "payhost: port %u: %s\n", port, strerror(-err));
		return 1;
	}
	printf("{\"booked\":%lu,\"repeated\":%lu,\"malformed\":%lu,\"connections\":%lu}\n",
	       host.booked, host.repeated, host.malformed, host.connections);
	SSL_CTX_free(host.tls);
	return 0;
}
