/*
 * web_private.h - the page's server as its own files see it
 */
#ifndef SL_WEB_PRIVATE_H
#define SL_WEB_PRIVATE_H

#include "web.h"
#include "web_flat.h"
#include "web_history.h"
#include "web_http.h"
#include "web_metrics.h"
#include "web_store.h"

/* A file of the page, in the binary (made at build time by web/embed.py). */
struct sl_web_asset {
	const char *path, *type, *etag; /* etag with its quotes */
	const unsigned char *bytes;
	size_t size;
};

extern const struct sl_web_asset sl_web_assets[];
extern const size_t sl_web_assets_count;

struct sl_web {
	char site[SL_NAME_MAX];
	int fd;
	struct sl_web_http *http; /* NULL = nothing is served */
	struct sl_web_flat flat;
	struct sl_bus *bus;
	struct event *tick;
	struct sl_web_stream stream;
	struct sl_web_history history;
	struct sl_web_metrics metrics;
	struct sl_web_store store;
	struct sl_telemetry picture;
	struct sl_policy policy;
	bool has_picture, has_policy, redis;
	uint64_t picture_ms; /* when it came, monotonic */
	uint64_t redis_ms;   /* since when it is there, or lost */
	uint64_t said_ms;    /* when the newest picture was last said to pages */
	uint64_t shape;      /* of that picture: what must be told at once when it changes */
	uint64_t wanted_ms;  /* incidents are to be read at this time; 0 = when it is time */
	uint64_t read_ms;    /* when they were last asked for */
	uint64_t round;      /* how often they were */
	bool reading;
	unsigned int read; /* how many to ask for */
};

uint64_t sl_web_now_ms(void);

/* web_state.c: the present as JSON, added to @to. */
void sl_web_put_state(const struct sl_web *web, struct evbuffer *to);
/* The same as a frame of the stream; caller frees; NULL = no memory. */
char *sl_web_state_frame(const struct sl_web *web);
/* web_state.c: a number over all that must be shown at once when it changes. */
uint64_t sl_web_shape(const struct sl_telemetry *picture);

/* web_answer.c: sl_web_http_config.answer; @arg is the struct sl_web. */
void sl_web_answer(void *arg, const struct sl_web_request *request, struct sl_web_reply *reply);

#endif
