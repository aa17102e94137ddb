/*
 * past.h - what Redis keeps, read back for a verb: incidents, decisions, memory
 *
 * Asked over a session; the answers stay here until the next question.  A struct that
 * has been asked with must live longer than the session.
 */
#ifndef SL_PAST_H
#define SL_PAST_H

#include "session.h"

/* Of a stream, looked through at most: an answer is one message, and the bus takes 32 MiB. */
#define SL_PAST_ENTRIES 1500

struct sl_past {
	/* Which to keep. */
	const char *service;     /* NULL = all */
	uint64_t id;             /* of an incident; 0 = all */
	uint32_t most_incidents; /* different ones */
	uint32_t most_events;
	uint32_t entries; /* to look through; 0 = SL_PAST_ENTRIES */
	bool decisions;   /* of events: only decisions, and what the dataplane did by itself */

	/* Newest first, each once, as it stands. */
	struct sl_incident *incident;
	uint32_t incidents;
	struct sl_event *event;
	uint32_t events;
	struct sl_memory_report *memory; /* a report a site */
	uint32_t memories;
	uint32_t waiting; /* questions not answered */
	bool failed;      /* one of them ended without its answer, or out of memory */
	uint32_t losses;  /* of the session, when it was asked */
	struct sl_session *session;
};

/* Ask; what was there is dropped.  past->waiting falls as the answers come. */
void sl_past_ask_incidents(struct sl_past *past, struct sl_session *session);
void sl_past_ask_events(struct sl_past *past, struct sl_session *session);
void sl_past_ask_memory(struct sl_past *past, struct sl_session *session);

/* All was answered, and is all there: a connection lost on the way ends a question like an answer. */
bool sl_past_whole(const struct sl_past *past);

/* Run until all is answered: 0, or SL_CLI_TIMEOUT and told. */
int sl_past_wait(struct sl_past *past, struct sl_session *session);

/* The open incident of @service, the newest; NULL when there is none. */
const struct sl_incident *sl_past_open(const struct sl_past *past, const char *service);

void sl_past_free(struct sl_past *past);

#endif
