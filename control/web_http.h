/*
 * web_http.h - connections of the page: bounded in number, bytes and time
 *
 * Own code on libevent's bufferevents, not its evhttp: evhttp 2.1 can bound neither how many
 * connections it has nor what they send, and a page must never cost control its memory or
 * its time.  One request a connection, then it is closed; a stream stays.  Whoever reads too
 * slowly skips to the newest picture, and is cut when it stays slow.  One thread: the loop's.
 */
#ifndef SL_WEB_HTTP_H
#define SL_WEB_HTTP_H

#include "web_request.h"
#include "web_stream.h"

#define SL_WEB_CONNECTIONS_MAX 96
#define SL_WEB_STREAMS_MAX     64
#define SL_WEB_UNSENT_MAX      (64 * 1024) /* of a stream: over it, it skips */
#define SL_WEB_HEAD_MS         5000        /* for a whole head */
#define SL_WEB_REPLY_MS        30000       /* for a whole reply to be taken */
#define SL_WEB_SLOW_MS         10000       /* for a stream to come below the limit again */
#define SL_WEB_KEEPALIVE_MS    15000

struct event_base;
struct evbuffer;
struct sl_web_http;

/* What to answer, filled by the one who knows. */
struct sl_web_reply {
	int status;
	const char *type;      /* of the body; a constant */
	const char *etag;      /* NULL = must not be kept */
	struct evbuffer *body; /* to be added to */
	bool stream;           /* the connection becomes one, that begins with the body */
};

struct sl_web_http_stats {
	uint64_t requests, refused, cut, skipped, full;
	uint32_t streams, connections;
};

struct sl_web_http_config {
	struct event_base *base;
	int fd;                             /* listening; stays the caller's */
	const struct sl_web_stream *stream; /* what is said to streams */
	void (*answer)(void *arg, const struct sl_web_request *request, struct sl_web_reply *reply);
	void *arg;
};

/* 0 and *@http, or -ENOMEM. */
int sl_web_http_open(struct sl_web_http **http, const struct sl_web_http_config *config);
void sl_web_http_close(struct sl_web_http *http);

/* The newest picture as a frame; copied.  Said at once to every stream that can take it. */
void sl_web_http_picture(struct sl_web_http *http, const char *frame);
/* There is a new message in the stream. */
void sl_web_http_said(struct sl_web_http *http);

void sl_web_http_stats(const struct sl_web_http *http, struct sl_web_http_stats *stats);

#endif
