/*
 * incident.h - the incidents of a site, built from what is said and done about them
 *
 * Each decision that has an incident's number becomes a step of it; the first opens it,
 * "resolved" closes it, and the closing text is told from its steps alone.  A case is kept
 * until it is over and Redis has its last version, also over a restart (state.c), so what
 * is sent is always the whole.  Times are wall clock, for people.  Pure.
 */
#ifndef SL_INCIDENT_H
#define SL_INCIDENT_H

#include "proto/wire.h"

#define SL_CASES_MAX          24
#define SL_INCIDENT_FIRST_MAX 8 /* steps kept from the beginning; of the rest the last ones */

struct sl_case {
	struct sl_incident incident;
	uint32_t version; /* grows with each change */
	uint32_t sent;    /* version handed to the bus; 0 = none, or it must be sent again */
	uint32_t taken;   /* version that Redis has */
};

struct sl_cases {
	uint32_t count;
	struct sl_case one[SL_CASES_MAX];
};

/* What a decision says of its incident, beyond the event itself. */
struct sl_incident_fact {
	const struct sl_event *event;      /* with its incident's number and record */
	const char *service;               /* that suffers */
	const struct sl_path_report *path; /* of it, where it is bad; NULL = not known */
	enum sl_outcome outcome;           /* of the remedy; NONE = not known yet */
	uint64_t at_unix_ns, first_bad_unix_ns;
	uint64_t well_unix_ns; /* since when the path is well again; 0 = it is not, or not known */
};

/* Make @fact a step of its incident; opens it unless it says that it is over. */
void sl_incident_note(struct sl_cases *cases, const struct sl_incident_fact *fact);

/* End incident @id, if it is open: its service is there no more, its limit is lifted. */
void sl_incident_end(struct sl_cases *cases, uint64_t id, uint64_t at_unix_ns, const char *why);

/* The case of incident @id; NULL when there is none. */
struct sl_case *sl_incident_find(struct sl_cases *cases, uint64_t id);

/* The next case after @after (NULL = the first) that is to be sent; NULL = none. */
struct sl_case *sl_incident_unsent(struct sl_cases *cases, const struct sl_case *after);

/* Redis has @version of incident @id: what is over is forgotten. */
void sl_incident_taken(struct sl_cases *cases, uint64_t id, uint32_t version);

/* What Redis is not known to have is sent again; @all, what is kept: it may have come back empty. */
void sl_incident_resend(struct sl_cases *cases, bool all);

#endif
