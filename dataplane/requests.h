/*
 * requests.h - are a service's requests answered, as they usually are?
 *
 * The core counts a request that the server acknowledged and did not answer for 5 s, and the
 * exchanges that ended (fastpath/request.h).  A server that hangs shows here: connections open,
 * nothing is lost, no answer comes.  But some services never answer (telemetry), or take long by
 * design (long polls): so what counts is a service whose requests were nearly all answered, in
 * times that were well.  Pure; a second is whatever the caller says is one.
 */
#ifndef SL_REQUESTS_H
#define SL_REQUESTS_H

#include "fastpath/stats.h"

#define SL_REQUESTS_SPAN_S  20 /* what is judged; a till asks seldom */
#define SL_REQUESTS_SHORT_S 8  /* or this, if enough of it went unanswered already */
#define SL_REQUESTS_KNOWN   16 /* answers of a service before it is known to give them */
#define SL_REQUESTS_USUAL   20 /* one unanswered among so many is still usual */
#define SL_REQUESTS_BAD_MIN 3

/* Of a path: how many in each of the last seconds. */
struct sl_requests_path {
	uint32_t answered[SL_REQUESTS_SPAN_S], unanswered[SL_REQUESTS_SPAN_S];
	uint32_t answered_all, unanswered_all; /* the core's counters, modulo 2^32 */
	bool begun;
};

/* Of a service, over its paths: what was answered in times that were well. */
struct sl_requests_usual {
	uint32_t answered, unanswered;
};

struct sl_requests {
	uint32_t seconds;
	struct sl_requests_path path[SL_PATHS_MAX];
	struct sl_requests_usual service[SL_SERVICES_MAX];
};

/* A second has passed: call it once, then sl_requests_take() for each path. */
void sl_requests_second(struct sl_requests *requests);

/* The core's counters of path SL_PATH(service, uplink), added up over its workers. */
void sl_requests_take(struct sl_requests *requests, unsigned int path, uint32_t answered,
		      uint32_t unanswered);

/* Exchanges that ended, in counters: both legs' transactions, modulo 2^32. */
uint32_t sl_requests_answered(const struct sl_path_stats *stats);

/*
 * What went unanswered on @path in the last 8 s if that is enough to judge by, else in the last
 * 20 s, and *@tried with what was answered; both 0 where the service's requests are not usually
 * answered, or that is not known yet.
 */
uint32_t sl_requests_unanswered(const struct sl_requests *requests, unsigned int path,
				uint32_t *tried);

#endif
