/*
 * web_stream.h - what a stream of server-sent events is made of, and what can be said again
 *
 * HTML 9.2.  A message has an id BOOT-NUMBER: BOOT is new with each start, numbers are without
 * a hole.  The last messages are kept, so that who was away or slow gets what it missed;
 * who missed more is told `reset`, and reads all anew.  Pictures are not kept: only the
 * newest counts.  Pure; one thread.
 */
#ifndef SL_WEB_STREAM_H
#define SL_WEB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_WEB_KEPT       128
#define SL_WEB_AGAIN_MAX  (48 * 1024) /* bytes said again at once */
#define SL_WEB_STREAM_KEY 24

struct evbuffer;

struct sl_web_stream {
	char boot[SL_WEB_STREAM_KEY];
	uint64_t last; /* number of the newest message; 0 = none yet */
	struct {
		char *text; /* a whole frame */
		size_t length;
	} kept[SL_WEB_KEPT]; /* message N is at N % SL_WEB_KEPT */
};

void sl_web_stream_init(struct sl_web_stream *stream, uint64_t boot);
void sl_web_stream_free(struct sl_web_stream *stream);

/* Number @data (one message of @kind) and keep it.  Its frame, ours; NULL when out of memory. */
const char *sl_web_stream_add(struct sl_web_stream *stream, const char *kind, const char *data);

/* A frame of @kind with the newest id: not numbered, not kept.  Caller frees; NULL: no memory. */
char *sl_web_stream_frame(const struct sl_web_stream *stream, const char *kind, const char *data);

/* The number that Last-Event-ID @id means; UINT64_MAX = none of this life. */
uint64_t sl_web_stream_number(const struct sl_web_stream *stream, const char *id);

/*
 * Add to @to what follows message @after.  False, and nothing is added, when that is gone or
 * over SL_WEB_AGAIN_MAX.
 */
bool sl_web_stream_again(const struct sl_web_stream *stream, uint64_t after, struct evbuffer *to);

#endif
