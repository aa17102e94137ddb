/*
 * account.h - what became of a packet, added to the counters and histograms of its path
 *
 * One writer per struct sl_stats; counters only grow (stats.h).  Pure.
 */
#ifndef SL_ACCOUNT_H
#define SL_ACCOUNT_H

#include "histogram.h"
#include "request.h"

/* Counters of the sender's direction that nearly every packet moves. */
SL_INLINE void sl_account_sender(struct sl_direction_stats *side, const struct sl_work *work)
{
	uint32_t reason = work->result.reason, seen = work->result.seen;

	side->packets++;
	side->bytes += work->packet.ip_bytes;
	side->segments += !!(seen & SL_SEEN_SEGMENT);
	side->demand += !!(seen & SL_SEEN_DEMAND);
	/* An ICMP error is nothing to measure; forged ones must not make a service look blind. */
	if (SL_UNLIKELY(reason != SL_REASON_MEASURED) && reason != SL_REASON_ICMP_ERROR)
		side->unmeasured++;
}

SL_INLINE void sl_account_meter(struct sl_direction_stats *side, const struct sl_work *work)
{
	if (work->result.action == SL_ACTION_DROP) {
		side->meter_dropped++;
		side->meter_dropped_bytes += work->packet.ip_bytes;
	} else {
		side->meter_passed++;
		side->meter_marked += work->result.mark_ecn;
	}
}

/* Counters of what went wrong. */
SL_INLINE void sl_account_trouble(struct sl_direction_stats *side, uint32_t seen)
{
	side->lost_after += !!(seen & SL_SEEN_LOST_AFTER);
	side->lost_before += !!(seen & SL_SEEN_LOST_BEFORE);
	side->spurious += !!(seen & SL_SEEN_SPURIOUS);
	side->reordered += !!(seen & SL_SEEN_REORDERED);
	side->duplicates += !!(seen & SL_SEEN_DUPLICATE);
	side->large_stuck += !!(seen & SL_SEEN_LARGE_STUCK);
	side->bogus_acks += !!(seen & SL_SEEN_BOGUS_ACK);
	side->bogus_seqs += !!(seen & SL_SEEN_BOGUS_SEQ);
	side->bogus_echoes += !!(seen & SL_SEEN_BOGUS_ECHO);
	side->stalls += !!(seen & SL_SEEN_STALL);
	side->stall_repeats += !!(seen & SL_SEEN_STALL_REPEAT);
}

/* Does the LAN side open the connection?  What a SYN-ACK began was asked for before. */
SL_INLINE bool sl_account_asker_is_lan(const struct sl_result *result)
{
	bool answer = result->flow_event == SL_FLOW_RESTARTED && !result->from_initiator;

	return answer ? !result->from_lan : result->from_lan;
}

/* Counters of connections and flows. */
SL_INLINE void sl_account_flow(struct sl_path_stats *path, const struct sl_result *result)
{
	uint32_t seen = result->seen;

	path->flows += result->flow_event != SL_FLOW_KNOWN && result->reason == SL_REASON_MEASURED;
	path->flows_full +=
		result->flow_event == SL_FLOW_NEW && result->reason == SL_REASON_FLOW_FULL;
	path->attempts += sl_account_asker_is_lan(result) && (seen & SL_SEEN_ATTEMPT);
	path->attempts_repeated += result->from_lan && (seen & SL_SEEN_ATTEMPT_AGAIN);
	path->established += !!(seen & SL_SEEN_ESTABLISHED);
	path->refused += !!(seen & SL_SEEN_REFUSED);
	path->resets += !!(seen & SL_SEEN_RESET);
	path->moved += result->moved & SL_MOVED;
	path->cut += !!(result->moved & SL_MOVED_CUT);
}

/* Counters of datagrams' own protocols, and of hellos. */
SL_INLINE void sl_account_asks(struct sl_path_stats *path, struct sl_direction_stats *own,
			       const struct sl_result *result)
{
	uint32_t seen = result->seen;

	path->queries += !!(seen & SL_SEEN_QUERY);
	path->queries_failed += !!(seen & SL_SEEN_QUERY_FAILED);
	path->queries_unanswered += !!(seen & SL_SEEN_QUERY_UNANSWERED);
	path->hellos += !!(seen & SL_SEEN_HELLO);
	path->hellos_unanswered += !!(seen & SL_SEEN_HELLO_UNANSWERED);
	path->requests_unanswered += !!(seen & SL_SEEN_REQUEST_UNANSWERED);
	path->bogus_icmp += !!(seen & SL_SEEN_BOGUS_ICMP);
	path->bogus_answers += !!(seen & SL_SEEN_BOGUS_ANSWER);
	if (!(seen & SL_SEEN_MEDIA))
		return;
	own->media_packets += result->media_packets;
	own->media_expected += result->media_ahead;
	own->media_jitter_ticks += (uint64_t)result->media_jitter_ticks * result->media_packets;
}

/* What was asked after a rest was not answered. */
SL_INLINE void sl_account_idle(struct sl_path_stats *path, const struct sl_result *result)
{
	path->idle_unanswered++;
	path->idle_moments += result->idle_moments;
}

/* How many answers @flow waits for, whose way is of @kind. */
SL_INLINE uint32_t sl_account_waiting(const struct sl_flow *flow, uint32_t kind)
{
	uint32_t asks = flow->gram[flow->initiator & 1].asks;

	return kind == SL_FLOW_QUERY ? (uint32_t)__builtin_popcount(asks) : 1;
}

/* A flow of @kind on @path ended without the @asks answers that it waited for. */
SL_INLINE void sl_account_unanswered(struct sl_path_stats *path, uint32_t kind, uint32_t asks)
{
	if (kind == SL_FLOW_QUERY)
		path->queries_unanswered += asks;
	path->hellos_unanswered += kind == SL_FLOW_HELLO;
}

#define SL_SEEN_TROUBLE                                                                    \
	(SL_SEEN_LOST_AFTER | SL_SEEN_LOST_BEFORE | SL_SEEN_SPURIOUS | SL_SEEN_REORDERED | \
	 SL_SEEN_DUPLICATE | SL_SEEN_BOGUS_ACK | SL_SEEN_BOGUS_SEQ | SL_SEEN_BOGUS_ECHO |  \
	 SL_SEEN_STALL | SL_SEEN_STALL_REPEAT | SL_SEEN_LARGE_STUCK | SL_SEEN_LARGE_PASSED)
#define SL_SEEN_ASKS                                                                            \
	(SL_SEEN_BOGUS_ICMP | SL_SEEN_QUERY | SL_SEEN_QUERY_FAILED | SL_SEEN_QUERY_UNANSWERED | \
	 SL_SEEN_HELLO | SL_SEEN_HELLO_UNANSWERED | SL_SEEN_MEDIA | SL_SEEN_GAVE_UP |           \
	 SL_SEEN_BOGUS_ANSWER | SL_SEEN_REQUEST_UNANSWERED)
#define SL_SEEN_CONNECTION                                                                 \
	(SL_SEEN_ATTEMPT | SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_ESTABLISHED | SL_SEEN_REFUSED | \
	 SL_SEEN_RESET)

/* What next to no packet has to count: behind one test.  Always 0. */
SL_RARE int sl_account_rare(const struct sl_work *work, struct sl_stats *stats,
			    struct sl_path_stats *path, struct sl_direction_stats *own,
			    struct sl_direction_stats *other)
{
	if (!work || !stats || !path || !own || !other)
		return 0;
	const struct sl_result *result = &work->result;

	if (result->metered)
		sl_account_meter(own, work);
	if (result->seen & SL_SEEN_TROUBLE)
		sl_account_trouble(own, result->seen);
	other->large_passed += !!(result->seen & SL_SEEN_LARGE_PASSED);
	other->capture_miss += result->capture_miss;
	path->remarked += result->dscp_rewrite;
	if (result->flow_event != SL_FLOW_KNOWN || result->moved ||
	    (result->seen & SL_SEEN_CONNECTION))
		sl_account_flow(path, result);
	if (result->seen & SL_SEEN_ASKS)
		sl_account_asks(path, own, result);
	if (result->idle_moments && !(result->seen & SL_SEEN_MEDIA))
		sl_account_idle(path, result);
	if (result->seen & SL_SEEN_GAVE_UP)
		sl_account_unanswered(&stats->path[work->given_up_path & (SL_PATHS_MAX - 1)],
				      work->given_up, work->given_up_asks);
	if (result->evicted)
		stats->flows_evicted[(result->evicted - 1u) & (SL_SERVICES_MAX - 1)]++;
	return 0;
}

/* A packet's samples, to the histograms of its leg. */
SL_INLINE void sl_account_samples(struct sl_histogram *rtt, const struct sl_result *result)
{
	const struct sl_sample *sample = result->sample;

	if (sample[SL_SAMPLE_SEQ].weight)
		sl_histogram_add(&rtt[SL_METHOD_SEQ], sample[SL_SAMPLE_SEQ].ticks,
				 sample[SL_SAMPLE_SEQ].weight);
	if (sample[SL_SAMPLE_TS].weight)
		sl_histogram_add(&rtt[SL_METHOD_TS], sample[SL_SAMPLE_TS].ticks,
				 sample[SL_SAMPLE_TS].weight);
	if (sample[SL_SAMPLE_EVENT].weight && result->method < SL_METHODS)
		sl_histogram_add(&rtt[result->method], sample[SL_SAMPLE_EVENT].ticks,
				 sample[SL_SAMPLE_EVENT].weight);
	if (sample[SL_SAMPLE_TRANSACTION].weight)
		sl_histogram_add(&rtt[SL_METHOD_TRANSACTION], sample[SL_SAMPLE_TRANSACTION].ticks,
				 sample[SL_SAMPLE_TRANSACTION].weight);
}

/* For the sweep, which has no packet: the path that @flow is on. */
SL_INLINE struct sl_path_stats *sl_account_path(const struct sl_flow *flow, struct sl_stats *stats)
{
	uint32_t path =
		SL_PATH(flow->service & (SL_SERVICES_MAX - 1), flow->uplink & (SL_UPLINKS_MAX - 1));

	return &stats->path[path];
}

/* The request of @flow, whose @way is of kind ASKING, waits at @now_ns: for too long? */
SL_INLINE void sl_account_asking(struct sl_way *way, struct sl_flow *flow, uint64_t now_ns,
				 struct sl_stats *stats)
{
	if (!sl_request_give_up(&flow->dir[flow->initiator & 1],
				(uint32_t)(now_ns >> SL_TICK_LOG2_NS), SL_REQUEST_WAIT_TICKS))
		return;
	way->kind = SL_FLOW_OPEN;
	sl_account_path(flow, stats)->requests_unanswered++;
}

/* The expired @way's @flow waited for an answer: its path counts that none came. */
SL_INLINE void sl_account_expired(const struct sl_way *way, const struct sl_flow *flow,
				  struct sl_stats *stats)
{
	sl_account_unanswered(sl_account_path(flow, stats), way->kind,
			      sl_account_waiting(flow, way->kind));
}

/* The sweep found a large segment of the WAN's side stuck in @flow (large.h). */
SL_INLINE void sl_account_stuck(const struct sl_flow *flow, struct sl_stats *stats)
{
	sl_account_path(flow, stats)->side[SL_SIDE_WAN].large_stuck++;
}

/* The packet is done: count it on its path. */
SL_INLINE void sl_account_packet(struct sl_work *work, struct sl_stats *stats)
{
	const struct sl_result *result = &work->result;

	if (result->reason < SL_REASON_COUNT)
		stats->reason[result->reason]++;
	if (SL_UNLIKELY(result->reason != SL_REASON_MEASURED) && !work->packet.ip_bytes)
		return;
	uint32_t index = SL_PATH(result->service & (SL_SERVICES_MAX - 1),
				 result->uplink & (SL_UPLINKS_MAX - 1));
	struct sl_path_stats *path = &stats->path[index];
	uint32_t side = result->from_lan ? SL_SIDE_LAN : SL_SIDE_WAN;
	struct sl_direction_stats *own = &path->side[side], *other = &path->side[1 - side];
	struct sl_histogram *rtt = path->rtt[side];

	_Static_assert((int)SL_SIDE_LAN == SL_LEG_LAN && (int)SL_SIDE_WAN == SL_LEG_WAN,
		       "a packet's samples are of the leg that it comes by");

	SL_KEEP(own);
	SL_KEEP(other);
	SL_KEEP(rtt);
	sl_account_sender(own, work);
	other->progress += !!(result->seen & SL_SEEN_PROGRESS);
	sl_account_samples(rtt, result);
	if (SL_UNLIKELY(result->rare ||
			(result->seen & (SL_SEEN_TROUBLE | SL_SEEN_CONNECTION | SL_SEEN_ASKS))))
		sl_account_rare(work, stats, path, own, other);
}

#endif
