/*
 * pipeline.h - the whole way of a packet, in the order of the calls
 *
 * An engine does, for each packet:
 *
 *	sl_pipeline_start     the clock, the port
 *	sl_pipeline_network, sl_pipeline_transport
 *			      parse; what is not measurable ends here, counted
 *	sl_pipeline_key       key, hash, bucket        (engine: find the bucket, lock it)
 *	sl_pipeline_find      the way of a known flow  (engine: find the flow entry)
 *	  or sl_pipeline_claim   a way for a new one: classify, quota, eviction
 *	sl_pipeline_measure   RTT, loss, liveness, path choice     (engine: unlock)
 *	sl_pipeline_police    rate limit, ECN, DSCP
 *	sl_pipeline_account   counters and histograms
 *
 * and then does what work->result says.  Between the calls stand only look-ups.
 */
#ifndef SL_PIPELINE_H
#define SL_PIPELINE_H

#include "classify.h"
#include "histogram.h"
#include "meter.h"
#include "steady.h"
#include "steer.h"

#define SL_NO_FLOW UINT32_MAX

/* Start: the packet came in by @port at @now_ns.  Sets everything but the parse. */
SL_INLINE void sl_pipeline_start(struct sl_work *work, const struct sl_port *port, uint8_t side,
				 uint64_t now_ns, uint32_t wire_bytes)
{
	work->now_ns = now_ns;
	work->now_tick = (uint32_t)(now_ns >> SL_TICK_LOG2_NS);
	work->wire_bytes = wire_bytes;
	work->sender = 0;
	work->side = side;
	work->port = port->index;
	work->port_uplink = port->uplink;
	work->result = (struct sl_result){.flow_index = SL_NO_FLOW};
	work->result.from_lan = side != SL_SIDE_WAN;
	if (port->uplink != SL_UPLINK_NONE)
		work->result.uplink = port->uplink & (SL_UPLINKS_MAX - 1);
}

/*
 * Parse, in two halves so that BPF verifies their sum and not their product.
 * False: the packet cannot belong to a flow, result.reason says why.
 */
SL_INLINE bool sl_pipeline_network(struct sl_work *work, struct sl_cursor *c)
{
	work->result.reason = (uint8_t)sl_packet_network(c, work->wire_bytes, &work->packet);
	return work->result.reason == SL_REASON_MEASURED;
}

SL_INLINE bool sl_pipeline_transport(struct sl_work *work, struct sl_cursor *c)
{
	work->result.reason = (uint8_t)sl_packet_transport(c, &work->packet);
	return work->result.reason == SL_REASON_MEASURED;
}

/* Key, hash, sender. */
SL_INLINE void sl_pipeline_key(struct sl_work *work, const struct sl_tables *tables)
{
	if (SL_LIKELY(!work->packet.ip6)) {
		work->sender = sl_flow_key_make4(&work->key, &work->packet, tables->hash_seed,
						 &work->hash);
		return;
	}
	work->sender = sl_flow_key_make(&work->key, &work->packet);
	work->hash = sl_flow_hash(&work->key, tables->hash_seed);
}

/* Identifies the datagram that a fragment belongs to (RFC 791 3.2, RFC 8200 4.5). */
SL_INLINE uint64_t sl_pipeline_fragment_tag(const struct sl_work *work,
					    const struct sl_tables *tables)
{
	uint64_t tag =
		sl_hash_mix(tables->hash_seed, work->packet.src.hi ^ work->packet.fragment_id);

	tag = sl_hash_mix(tag, work->packet.src.lo);
	tag = sl_hash_mix(tag, work->packet.dst.hi);
	return sl_hash_mix(tag, work->packet.dst.lo) | 1; /* 0 = an empty slot */
}

#define SL_FRAGMENT_AGE_NS UINT64_C(30000000000) /* reassembly time-out: RFC 791 3.2, Linux 30 s */

/* A later fragment: it shares the fate of its datagram's first, known from @slot. */
SL_INLINE void sl_pipeline_fragment(struct sl_work *work, const struct sl_tables *tables,
				    const struct sl_fragment_slot *slot)
{
	struct sl_result *result = &work->result;

	if (slot->tag != sl_pipeline_fragment_tag(work, tables) ||
	    work->now_ns - slot->seen_ns > SL_FRAGMENT_AGE_NS) {
		result->reason = SL_REASON_FRAGMENT;
		return;
	}
	result->service = slot->service & (SL_SERVICES_MAX - 1);
	result->uplink = slot->uplink & (SL_UPLINKS_MAX - 1);
	result->from_lan = slot->from_lan;
	result->mark = result->from_lan ? sl_steer_mark(tables, result->uplink) : 0;
}

/* The first fragment of a datagram: leave word for the later ones. */
SL_INLINE void sl_pipeline_note_fragment(const struct sl_work *work, const struct sl_tables *tables,
					 struct sl_fragment_slot *slot)
{
	slot->tag = sl_pipeline_fragment_tag(work, tables);
	slot->seen_ns = work->now_ns;
	slot->flow_index = work->result.flow_index;
	slot->service = work->result.service;
	slot->uplink = work->result.uplink;
	slot->from_lan = work->result.from_lan;
}

/* The service of a flow whose end @lan (0 = key.a) is on the LAN, opened by @initiator. */
SL_INLINE int sl_pipeline_classify(const struct sl_work *work, const struct sl_tables *tables,
				   uint32_t lan, uint32_t initiator)
{
	struct sl_class class = {
		.lan = lan ? work->key.b : work->key.a,
		.wan = lan ? work->key.a : work->key.b,
		.port = initiator ? work->key.a_port : work->key.b_port,
		.vlan = work->key.vlan,
		.proto = work->key.proto,
		.dscp = work->packet.tos >> 2,
		.in_port = work->port,
	};

	return sl_classify(tables, &class);
}

/* Which end is on the LAN: as the port says, else whoever opened the flow. */
SL_INLINE uint32_t sl_pipeline_lan(const struct sl_work *work, uint32_t initiator)
{
	uint32_t sender = work->sender & 1;

	if (work->side == SL_SIDE_LAN)
		return sender;
	return work->side == SL_SIDE_WAN ? 1 - sender : initiator;
}

/* The packet is counted for its service without flow state, for @reason. */
SL_INLINE void sl_pipeline_flowless(struct sl_work *work, const struct sl_tables *tables,
				    enum sl_reason reason)
{
	struct sl_result *result = &work->result;
	uint32_t initiator = sl_measure_initiator(work);
	uint32_t lan = sl_pipeline_lan(work, initiator);
	bool opens = initiator == (work->sender & 1) &&
		     (work->packet.proto != SL_PROTO_TCP || (work->packet.tcp_flags & SL_TCP_SYN));

	result->reason = (uint8_t)reason;
	result->flow_event = opens ? SL_FLOW_NEW : SL_FLOW_KNOWN;
	result->service = (uint8_t)sl_pipeline_classify(work, tables, lan, initiator);
	result->from_lan = lan == (work->sender & 1);
	result->uplink = sl_steer_uplink(tables, work, result->service);
	result->mark = result->from_lan ? sl_steer_mark(tables, result->uplink) : 0;
}

/* Begin anew in @flow: entry and key are set, nothing of a connection is known. */
SL_INLINE void sl_pipeline_reset(struct sl_flow *flow, struct sl_work *work,
				 const struct sl_tables *tables)
{
	uint16_t incarnation = (uint16_t)(flow->incarnation + 1);

	flow->dir[0] = (struct sl_direction){0};
	flow->dir[1] = (struct sl_direction){0};
	flow->key = work->key;
	flow->generation = (uint32_t)tables->generation;
	flow->flags = 0;
	flow->incarnation = incarnation;
	flow->initiator = sl_measure_initiator(work);
	flow->lan = (uint8_t)sl_pipeline_lan(work, flow->initiator);
	flow->service = (uint8_t)sl_pipeline_classify(work, tables, flow->lan, flow->initiator);
	flow->uplink = sl_steer_uplink(tables, work, flow->service);
	flow->move_epoch = tables->knobs.steer[flow->service & (SL_SERVICES_MAX - 1)].move_epoch;
	if (work->packet.proto == SL_PROTO_TCP && !(work->packet.tcp_flags & SL_TCP_SYN))
		flow->flags = SL_FLOW_MIDSTREAM;
}

/*
 * A way of @bucket for the new flow of @work, or -1 (then the packet is counted
 * without flow state).  Takes the way over: tag, owner, quota counts.
 */
SL_VERIFY_ONCE int sl_pipeline_claim(struct sl_bucket *bucket, struct sl_work *work,
				     const struct sl_tables *tables, struct sl_shared *shared)
{
	if (!bucket || !work || !tables || !shared)
		return -1;
	uint32_t initiator = sl_measure_initiator(work);
	uint32_t lan = sl_pipeline_lan(work, initiator);
	uint32_t service = (uint32_t)sl_pipeline_classify(work, tables, lan, initiator) &
			   (SL_SERVICES_MAX - 1);
	uint16_t age = sl_flow_age(work->now_ns);
	uint32_t below = shared->flows_held[service] < tables->service[service].flow_quota;
	int way = sl_bucket_claim(bucket, tables, service, age, below);

	SL_OPAQUE(way);
	if (way < 0 || way >= SL_BUCKET_WAYS)
		return -1;
	struct sl_way *taken = &bucket->way[way];
	uint32_t owner = taken->service & (SL_SERVICES_MAX - 1);

	if (taken->kind != SL_FLOW_FREE) {
		__sync_fetch_and_add(&shared->flows_held[owner], (uint32_t)-1);
		if (!sl_way_expired(taken, age))
			work->result.evicted = (uint8_t)(owner + 1);
	}
	__sync_fetch_and_add(&shared->flows_held[service], 1);
	*taken = (struct sl_way){(uint32_t)(work->hash >> 32), age, (uint8_t)service,
				 SL_FLOW_OPENING};
	work->result.flow_event = SL_FLOW_NEW;
	return way;
}

/* An entry whose tag fits but whose key does not: one in 2^32; no room for this flow. */
SL_INLINE bool sl_pipeline_is_ours(const struct sl_flow *flow, const struct sl_work *work)
{
	return sl_flow_key_equal(&flow->key, &work->key);
}

/* The policy changed: the flow may belong elsewhere now. */
SL_INLINE void sl_pipeline_reclassify(struct sl_flow *flow, struct sl_way *way,
				      struct sl_work *work, const struct sl_tables *tables,
				      struct sl_shared *shared)
{
	uint32_t service =
		(uint32_t)sl_pipeline_classify(work, tables, flow->lan, flow->initiator) &
		(SL_SERVICES_MAX - 1);
	uint32_t owner = way->service & (SL_SERVICES_MAX - 1);

	if (owner != service) {
		__sync_fetch_and_add(&shared->flows_held[owner], (uint32_t)-1);
		__sync_fetch_and_add(&shared->flows_held[service], 1);
		way->service = (uint8_t)service;
		flow->service = (uint8_t)service;
		flow->move_epoch = tables->knobs.steer[service].move_epoch;
	}
	flow->generation = (uint32_t)tables->generation;
}

/* Flow level of an ICMP error: the far end refuses what the near end asks. */
SL_INLINE void sl_pipeline_icmp_error(const struct sl_flow *flow, struct sl_work *work)
{
	work->result.reason = SL_REASON_ICMP_ERROR;
	if ((flow->flags & (SL_FLOW_SYNACK_SEEN | SL_FLOW_ESTABLISHED)) == 0)
		work->result.seen |= SL_SEEN_REFUSED;
}

/* What the flow entry says of the packet: service, uplink, sides. */
SL_INLINE void sl_pipeline_describe(const struct sl_flow *flow, struct sl_work *work,
				    const struct sl_tables *tables)
{
	struct sl_result *result = &work->result;

	uint8_t service = flow->service, uplink = flow->uplink;
	uint32_t sender = work->sender & 1, lan = flow->lan, initiator = flow->initiator;
	uint32_t incarnation = flow->incarnation;

	result->service = service;
	result->uplink = uplink;
	result->from_initiator = sender == initiator;
	result->from_lan = sender == lan;
	/* Without a branch, as in flow.h: which side sends is anyone's guess. */
	result->mark = sl_steer_mark(tables, uplink) & (0 - (uint32_t)(sender == lan));
	result->incarnation = incarnation;
}

/* Nothing is to be decided anew for @flow: same tables, same choice of path, no long rest. */
SL_INLINE bool sl_pipeline_stands(const struct sl_flow *flow, const struct sl_work *work,
				  const struct sl_tables *tables)
{
	return work->result.flow_event == SL_FLOW_KNOWN &&
	       flow->generation == (uint32_t)tables->generation &&
	       work->now_ns - flow->seen_ns <= SL_FLOW_REST_NS &&
	       !sl_steer_is_due(tables, work, flow);
}

/* sl_pipeline_measure() for any packet.  Always 0. */
SL_RARE int sl_pipeline_measure_any(struct sl_way *way, struct sl_flow *flow, struct sl_work *work,
				    const struct sl_tables *tables, struct sl_shared *shared)
{
	if (!way || !flow || !work || !tables || !shared)
		return 0;
	if (work->result.flow_event == SL_FLOW_NEW) {
		sl_pipeline_reset(flow, work, tables);
	} else if (sl_measure_is_restart(flow, work)) {
		sl_pipeline_reset(flow, work, tables);
		work->result.flow_event = SL_FLOW_RESTARTED;
	} else if (flow->generation != (uint32_t)tables->generation) {
		sl_pipeline_reclassify(flow, way, work, tables, shared);
	}
	work->result.moved = sl_steer_flow(tables, work, flow);
	if (work->result.moved || work->now_ns - flow->seen_ns > SL_FLOW_REST_NS) {
		for (int i = 0; i < 2; i++) {
			sl_rtt_seq_forget(&flow->dir[i]);
			flow->dir[i].ts_used = 0;
		}
	}
	flow->seen_ns = work->now_ns;
	sl_pipeline_describe(flow, work, tables);
	if (work->packet.icmp_error)
		sl_pipeline_icmp_error(flow, work);
	else if (work->packet.proto == SL_PROTO_TCP)
		sl_measure_tcp(flow, work);
	else
		sl_measure_datagram(flow, work);
	way->age = sl_flow_age(work->now_ns);
	way->kind = sl_measure_kind(flow);
	return 0;
}

/*
 * The packet meets its flow entry @flow and its @way (the caller has locked the bucket).
 * A new flow, or a new connection on old ports, begins here.
 */
SL_INLINE void sl_pipeline_measure(struct sl_way *way, struct sl_flow *flow, struct sl_work *work,
				   const struct sl_tables *tables, struct sl_shared *shared)
{
	if (SL_UNLIKELY(!sl_pipeline_stands(flow, work, tables) ||
			!sl_steady_measure(flow, work))) {
		sl_pipeline_measure_any(way, flow, work, tables, shared);
		return;
	}
	flow->seen_ns = work->now_ns;
	way->age = sl_flow_age(work->now_ns); /* its kind stays */
	sl_pipeline_describe(flow, work, tables);
}

/* Rate limit and rewriting of a service that has either.  Always 0. */
SL_RARE int sl_pipeline_police_now(struct sl_work *work, const struct sl_tables *tables,
				   struct sl_shared *shared)
{
	if (!work || !tables || !shared)
		return 0;
	struct sl_result *result = &work->result;
	uint32_t service = result->service & (SL_SERVICES_MAX - 1);
	uint32_t side = result->from_lan ? SL_SIDE_LAN : SL_SIDE_WAN;
	struct sl_rate rate = tables->knobs.rate[service][side];

	if (result->from_lan && tables->service[service].dscp_rewrite) {
		result->dscp_rewrite = 1;
		result->dscp_set = tables->service[service].dscp_set;
	}
	if (!rate.ns_per_kib)
		return 0;
	enum sl_meter_verdict verdict = sl_meter_take(&rate, &shared->meter_due_ns[service][side],
						      work->now_ns, work->wire_bytes);

	result->metered = 1;
	if (verdict == SL_METER_DROP)
		result->action = SL_ACTION_DROP;
	else if (verdict == SL_METER_MARK)
		result->mark_ecn = sl_meter_ecn_capable(work->packet.tos);
	return 0;
}

/* Rate limit and rewriting: sets action, mark_ecn, dscp_*. */
SL_INLINE void sl_pipeline_police(struct sl_work *work, const struct sl_tables *tables,
				  struct sl_shared *shared)
{
	uint32_t service = work->result.service & (SL_SERVICES_MAX - 1);
	uint32_t lan = work->result.from_lan;
	uint32_t rewrites = tables->service[service].dscp_rewrite & (0 - lan);

	if (SL_UNLIKELY(tables->knobs.rate[service][lan ? SL_SIDE_LAN : SL_SIDE_WAN].ns_per_kib |
			rewrites))
		sl_pipeline_police_now(work, tables, shared);
}

/* The TOS byte that the packet leaves with. */
SL_INLINE uint8_t sl_pipeline_tos(const struct sl_work *work)
{
	uint8_t tos = work->packet.tos;

	if (work->result.dscp_rewrite)
		tos = (uint8_t)(work->result.dscp_set << 2 | (tos & 3));
	return work->result.mark_ecn ? tos | 3 : tos;
}

/* Counters of the sender's direction that nearly every packet moves. */
SL_INLINE void sl_pipeline_count(struct sl_direction_stats *side, const struct sl_work *work)
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

SL_INLINE void sl_pipeline_count_meter(struct sl_direction_stats *side, const struct sl_work *work)
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
SL_INLINE void sl_pipeline_count_trouble(struct sl_direction_stats *side, uint32_t seen)
{
	side->lost_after += !!(seen & SL_SEEN_LOST_AFTER);
	side->lost_before += !!(seen & SL_SEEN_LOST_BEFORE);
	side->spurious += !!(seen & SL_SEEN_SPURIOUS);
	side->reordered += !!(seen & SL_SEEN_REORDERED);
	side->stalls += !!(seen & SL_SEEN_STALL);
	side->stall_repeats += !!(seen & SL_SEEN_STALL_REPEAT);
}

/* Counters of connections and flows. */
SL_INLINE void sl_pipeline_count_flow(struct sl_path_stats *path, const struct sl_result *result)
{
	uint32_t seen = result->seen;

	path->flows += result->flow_event != SL_FLOW_KNOWN && result->reason == SL_REASON_MEASURED;
	path->flows_full +=
		result->flow_event == SL_FLOW_NEW && result->reason == SL_REASON_FLOW_FULL;
	path->attempts += result->from_lan && (seen & SL_SEEN_ATTEMPT);
	path->attempts_repeated += result->from_lan && (seen & SL_SEEN_ATTEMPT_AGAIN);
	path->established += !!(seen & SL_SEEN_ESTABLISHED);
	path->refused += !!(seen & SL_SEEN_REFUSED);
	path->resets += !!(seen & SL_SEEN_RESET);
	path->moved += result->moved;
}

#define SL_SEEN_TROUBLE                                                                    \
	(SL_SEEN_LOST_AFTER | SL_SEEN_LOST_BEFORE | SL_SEEN_SPURIOUS | SL_SEEN_REORDERED | \
	 SL_SEEN_STALL | SL_SEEN_STALL_REPEAT)
#define SL_SEEN_CONNECTION (~(uint32_t)(SL_SEEN_ATTEMPT - 1))

/* What next to no packet has to count: behind one test.  Always 0. */
SL_RARE int sl_pipeline_account_rare(const struct sl_work *work, struct sl_stats *stats,
				     struct sl_path_stats *path, struct sl_direction_stats *own,
				     struct sl_direction_stats *other)
{
	if (!work || !stats || !path || !own || !other)
		return 0;
	const struct sl_result *result = &work->result;

	if (result->metered)
		sl_pipeline_count_meter(own, work);
	if (result->seen & SL_SEEN_TROUBLE)
		sl_pipeline_count_trouble(own, result->seen);
	other->capture_miss += result->capture_miss;
	if (result->flow_event != SL_FLOW_KNOWN || result->moved ||
	    (result->seen & SL_SEEN_CONNECTION))
		sl_pipeline_count_flow(path, result);
	if (result->evicted)
		stats->flows_evicted[(result->evicted - 1u) & (SL_SERVICES_MAX - 1)]++;
	return 0;
}

/* The packet is done: count it on its path. */
SL_INLINE void sl_pipeline_account(struct sl_work *work, struct sl_stats *stats)
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
	sl_pipeline_count(own, work);
	other->progress += !!(result->seen & SL_SEEN_PROGRESS);
	for (uint32_t m = 0; m < SL_METHODS; m++)
		if (result->sample[m].weight)
			sl_histogram_add(&rtt[m], result->sample[m].ticks,
					 result->sample[m].weight);
	if (SL_UNLIKELY(result->rare || (result->seen & (SL_SEEN_TROUBLE | SL_SEEN_CONNECTION))))
		sl_pipeline_account_rare(work, stats, path, own, other);
}

#endif
