/*
 * requests.c - twenty seconds of each path, and what is usual of each service
 */
#include "requests.h"

#define USUAL_MAX 10000 /* then both are halved: what is usual may change */

void sl_requests_second(struct sl_requests *requests)
{
	requests->seconds++;
}

uint32_t sl_requests_answered(const struct sl_path_stats *stats)
{
	uint32_t answered = 0;

	for (int leg = 0; leg < SL_LEGS; leg++)
		for (int i = 0; i < SL_HIST_BUCKETS; i++)
			answered += stats->rtt[leg][SL_METHOD_TRANSACTION].count[i];
	return answered;
}

static bool is_usual(const struct sl_requests_usual *usual)
{
	return usual->answered >= SL_REQUESTS_KNOWN &&
	       (uint64_t)usual->unanswered * SL_REQUESTS_USUAL <= usual->answered;
}

/* Of the last @span seconds, of which @seconds is the newest. */
static uint32_t sum(const uint32_t second[SL_REQUESTS_SPAN_S], uint32_t seconds, uint32_t span)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < span; i++)
		all += second[(seconds - i) % SL_REQUESTS_SPAN_S];
	return all;
}

/* The second that leaves the span was as usual, unless the span is what one would not call well. */
static void learn(struct sl_requests_usual *usual, const struct sl_requests_path *path, uint32_t at)
{
	bool ill = is_usual(usual) && sum(path->unanswered, at + SL_REQUESTS_SPAN_S,
					  SL_REQUESTS_SPAN_S) >= SL_REQUESTS_BAD_MIN;

	if (ill)
		return;
	usual->answered += path->answered[at];
	usual->unanswered += path->unanswered[at];
	if (usual->answered + usual->unanswered > USUAL_MAX) {
		usual->answered /= 2;
		usual->unanswered /= 2;
	}
}

void sl_requests_take(struct sl_requests *requests, unsigned int path, uint32_t answered,
		      uint32_t unanswered)
{
	struct sl_requests_path *p = &requests->path[path];
	uint32_t at = requests->seconds % SL_REQUESTS_SPAN_S;

	learn(&requests->service[path / SL_UPLINKS_MAX], p, at);
	p->answered[at] = p->begun ? answered - p->answered_all : 0;
	p->unanswered[at] = p->begun ? unanswered - p->unanswered_all : 0;
	p->answered_all = answered;
	p->unanswered_all = unanswered;
	p->begun = true;
}

uint32_t sl_requests_unanswered(const struct sl_requests *requests, unsigned int path,
				uint32_t *tried)
{
	const struct sl_requests_path *p = &requests->path[path];
	uint32_t now = requests->seconds % SL_REQUESTS_SPAN_S + SL_REQUESTS_SPAN_S;
	uint32_t span = SL_REQUESTS_SHORT_S, unanswered = sum(p->unanswered, now, span);

	if (unanswered < SL_REQUESTS_BAD_MIN) {
		span = SL_REQUESTS_SPAN_S;
		unanswered = sum(p->unanswered, now, span);
	}
	*tried = 0;
	if (!is_usual(&requests->service[path / SL_UPLINKS_MAX]))
		return 0;
	*tried = unanswered + sum(p->answered, now, span);
	return unanswered;
}
