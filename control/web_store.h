/*
 * web_store.h - what the page can look back at: incidents, decisions, events, as JSON
 *
 * Kept as the text that is answered, newest first, bounded in number: a message is turned
 * into JSON once.  Incidents come by (id, newest change); what was heard twice is there once.
 * Pure; one thread.
 */
#ifndef SL_WEB_STORE_H
#define SL_WEB_STORE_H

#include "proto/wire.h"

#define SL_WEB_INCIDENTS_MAX 200
#define SL_WEB_EVENTS_MAX    200
#define SL_WEB_DECISIONS_MAX 200
#define SL_WEB_WHY_MAX       20 /* decisions told of one service */

struct sl_web_incident {
	uint64_t id;
	uint64_t round; /* of reading, in which it was last taken */
	bool open;
	char *whole;   /* all of it */
	char *summary; /* without path and steps */
};

struct sl_web_event {
	uint64_t boot, seq;
	char source[SL_NAME_MAX], service[SL_NAME_MAX];
	char *json;
};

struct sl_web_store {
	uint32_t incidents;
	struct sl_web_incident incident[SL_WEB_INCIDENTS_MAX]; /* by id, highest first */
	uint64_t events, decisions;                            /* ever taken */
	struct sl_web_event event[SL_WEB_EVENTS_MAX];          /* ring */
	struct sl_web_event decision[SL_WEB_DECISIONS_MAX];    /* ring */
};

void sl_web_store_free(struct sl_web_store *store);

enum sl_web_news { SL_WEB_OLD, SL_WEB_CHANGED, SL_WEB_OPENED };

/*
 * Take a change of an incident; what of it is news.  Changes are read newest first: of one
 * @round of reading only the first of an incident stands.
 */
enum sl_web_news sl_web_store_incident(struct sl_web_store *store,
				       const struct sl_incident *incident, uint64_t round);
/* The whole of incident @id; NULL = not here. */
const char *sl_web_store_whole(const struct sl_web_store *store, uint64_t id);
/* The same without path and steps. */
const char *sl_web_store_summary(const struct sl_web_store *store, uint64_t id);

/* Take an event; its JSON, ours until it is crowded out; NULL = it has been here, or no memory. */
const char *sl_web_store_event(struct sl_web_store *store, const struct sl_event *event);

uint32_t sl_web_store_open(const struct sl_web_store *store);

struct evbuffer;

/* JSON lists, added to @to: summaries (only open ones); events; decisions about @service. */
void sl_web_store_put_incidents(const struct sl_web_store *store, bool only_open,
				struct evbuffer *to);
void sl_web_store_put_events(const struct sl_web_store *store, struct evbuffer *to);
void sl_web_store_put_decisions(const struct sl_web_store *store, const char *service,
				struct evbuffer *to);

#endif
