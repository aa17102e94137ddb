/*
 * pipeline.h - the whole way of a packet, in the order of the calls
 *
 * An engine does, for each packet:
 *
 *	sl_pipeline_start     the clock, the port
 *	sl_pipeline_network, _inner, _transport   parse; what cannot be measured ends here
 *	sl_pipeline_key       key, hash, bucket        (engine: find the bucket, lock it)
 *	sl_bucket_find        the way of a known flow  (engine: find the flow entry)
 *	  or sl_pipeline_claim   a way for a new one: names, classify, quota, eviction
 *	sl_look_flow      what the slow path has said of the flow meanwhile
 *	sl_pipeline_measure   RTT, loss, liveness, path choice     (engine: unlock)
 *	sl_pipeline_police    rate limit, ECN, DSCP
 *	sl_account_packet   counters and histograms
 *
 * and then does what work->result says.  Between the calls stand only look-ups.
 */
#ifndef SL_PIPELINE_H
#define SL_PIPELINE_H

#include "account.h"
#include "clamp.h"
#include "classify.h"
#include "look.h"
#include "remark.h"
#include "reset.h"
#include "steady.h"
#include "steer.h"
#include "tunnel.h"

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
	work->names = SL_NAMES_NONE;
	work->given_up = SL_FLOW_FREE;
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

/* Between the two: into the tunnels of @asked (sl_tables.inner). */
SL_INLINE bool sl_pipeline_inner(struct sl_work *work, struct sl_cursor *c, uint32_t asked)
{
	work->result.reason = (uint8_t)sl_tunnel_enter(c, &work->packet, asked);
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

#define SL_FRAGMENT_AGE_NS INT64_C(30000000000) /* reassembly time-out: RFC 791 3.2, Linux 30 s */

/* A later fragment: it shares the fate of its datagram's first, known from @slot. */
SL_INLINE void sl_pipeline_fragment(struct sl_work *work, const struct sl_tables *tables,
				    const struct sl_fragment_slot *slot)
{
	struct sl_result *result = &work->result;

	if (slot->tag != sl_pipeline_fragment_tag(work, tables) ||
	    (int64_t)(work->now_ns - slot->seen_ns) > SL_FRAGMENT_AGE_NS) {
		result->reason = SL_REASON_FRAGMENT;
		return;
	}
	result->service = slot->service & (SL_SERVICES_MAX - 1);
	result->uplink = slot->uplink & (SL_UPLINKS_MAX - 1);
	result->from_lan = slot->from_lan;
	result->mark = result->from_lan ? sl_steer_mark(tables, result->uplink) : 0;
}

/* Its later fragments follow within this; after it, anyone may have the slot. */
#define SL_FRAGMENT_YOUNG_NS INT64_C(1000000000)

/*
 * The first fragment of a datagram: leave word for the later ones.  False: a young one of a
 * service with a higher priority has the slot, so that a flood of fragments takes no
 * other service's.
 */
SL_INLINE bool sl_pipeline_note_fragment(const struct sl_work *work, const struct sl_tables *tables,
					 struct sl_fragment_slot *slot)
{
	uint32_t theirs = slot->service & (SL_SERVICES_MAX - 1);
	uint32_t ours = work->result.service & (SL_SERVICES_MAX - 1);

	if (slot->tag && (int64_t)(work->now_ns - slot->seen_ns) < SL_FRAGMENT_YOUNG_NS &&
	    tables->service[theirs].priority > tables->service[ours].priority)
		return false;
	slot->tag = sl_pipeline_fragment_tag(work, tables);
	slot->seen_ns = work->now_ns;
	slot->flow_index = work->result.flow_index;
	slot->service = work->result.service;
	slot->uplink = work->result.uplink;
	slot->from_lan = work->result.from_lan;
	return true;
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
		.names = work->names,
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

/* The packet is counted for its service without flow state, for @reason (enum sl_reason).  0. */
SL_RARE int sl_pipeline_flowless(struct sl_work *work, const struct sl_tables *tables,
				 uint32_t reason)
{
	if (!work || !tables)
		return 0;
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
	if (tables->inspect && sl_look_dhcp(work))
		result->inspect = SL_INSPECT_ANSWER;
	sl_clamp_note(work, tables);
	return 0;
}

/* Begin anew in @flow: entry and key are set, nothing of a connection is known. */
SL_INLINE void sl_pipeline_reset(struct sl_flow *flow, struct sl_work *work,
				 const struct sl_tables *tables)
{
	uint16_t incarnation = (uint16_t)(flow->incarnation + 1);

	flow->begin[0] = (struct sl_begin){0};
	flow->begin[1] = (struct sl_begin){0};
	flow->dir[0] = (struct sl_direction){0};
	flow->dir[1] = (struct sl_direction){0};
	flow->key = work->key;
	flow->generation = (uint32_t)tables->generation;
	flow->flags = 0;
	flow->incarnation = incarnation;
	flow->inspected = 0;
	flow->name_looks = 0;
	flow->initiator = (uint8_t)sl_measure_initiator(work);
	flow->lan = (uint8_t)sl_pipeline_lan(work, flow->initiator);
	flow->service = (uint8_t)sl_pipeline_classify(work, tables, flow->lan, flow->initiator);
	flow->uplink = sl_steer_uplink(tables, work, flow->service);
	flow->move_epoch = tables->knobs.steer[flow->service & (SL_SERVICES_MAX - 1)].move_epoch;
	if (work->packet.proto == SL_PROTO_TCP && !(work->packet.tcp_flags & SL_TCP_SYN))
		flow->flags = SL_FLOW_MIDSTREAM;
	if (tables->inspect)
		flow->flags |= SL_FLOW_PENDING;
}

/*
 * A way of @bucket for the new flow of @work, or -1 (then the packet is counted
 * without flow state).  Takes the way over: tag, owner, quota counts.
 */
SL_VERIFY_ONCE int sl_pipeline_claim(struct sl_bucket *bucket, struct sl_work *work,
				     const struct sl_tables *tables, struct sl_shared *shared,
				     const struct sl_names *names)
{
	if (!bucket || !work || !tables || !shared)
		return -1;
	uint32_t initiator = sl_measure_initiator(work);
	uint32_t lan = sl_pipeline_lan(work, initiator);

	if (tables->inspect && names)
		work->names = sl_look_server(work, tables, names, lan);
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
		else if (sl_way_waited(taken))
			work->given_up = taken->kind;
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

/*
 * Is @work's ICMP error not about a segment that was sent?  RFC 5927 4.1: the sequence number
 * that it quotes is of data in flight.  Of a datagram it quotes nothing that could be checked:
 * while the flow is answered, its answers tell better.
 */
SL_INLINE bool sl_pipeline_is_bogus_icmp(const struct sl_flow *flow, const struct sl_work *work)
{
	uint32_t asker = 1 - (work->sender & 1);
	const struct sl_direction *dir = &flow->dir[asker];

	if (work->packet.proto != SL_PROTO_TCP)
		return flow->gram[asker].flags & SL_GRAM_ANSWERED;
	return (dir->flags & SL_DIR_SEQ) && dir->next_seq - work->packet.seq > SL_JUMP_BYTES;
}

/* Flow level of an ICMP error: the far end refuses what the near end asks. */
SL_INLINE void sl_pipeline_icmp_error(const struct sl_flow *flow, struct sl_work *work)
{
	work->result.reason = SL_REASON_ICMP_ERROR;
	if (sl_pipeline_is_bogus_icmp(flow, work))
		work->result.seen |= SL_SEEN_BOGUS_ICMP;
	else if (!(flow->flags & (SL_FLOW_SYNACK_SEEN | SL_FLOW_ESTABLISHED | SL_FLOW_MIDSTREAM)))
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

/* More than @ns.  Signed: a packet of another CPU may have been stamped later and have gone first. */
SL_INLINE bool sl_pipeline_rested(const struct sl_flow *flow, const struct sl_work *work,
				  uint64_t ns)
{
	return (int32_t)(sl_flow_moment(work->now_ns) - flow->seen) > (int32_t)sl_flow_moment(ns);
}

/* Nothing is to be decided anew for @flow: same tables, same choice of path, no rest. */
SL_INLINE bool sl_pipeline_stands(const struct sl_flow *flow, const struct sl_work *work,
				  const struct sl_tables *tables)
{
	return work->result.flow_event == SL_FLOW_KNOWN &&
	       flow->generation == (uint32_t)tables->generation &&
	       !sl_pipeline_rested(flow, work, SL_FLOW_IDLE_NS) && !sl_look_is_turn(flow, work) &&
	       !sl_steer_is_due(tables, work, flow);
}

/* What the entry's former flow never got an answer to: for its own path to count. */
SL_INLINE void sl_pipeline_give_up(const struct sl_flow *flow, struct sl_work *work)
{
	if (!work->given_up)
		return;
	work->result.seen |= SL_SEEN_GAVE_UP;
	work->given_up_asks = (uint8_t)sl_account_waiting(flow, work->given_up);
	work->given_up_path = (uint8_t)SL_PATH(flow->service & (SL_SERVICES_MAX - 1),
					       flow->uplink & (SL_UPLINKS_MAX - 1));
}

/* Begin, restart, reclassify, move: what is decided anew before @flow is measured. */
SL_INLINE void sl_pipeline_decide(struct sl_way *way, struct sl_flow *flow, struct sl_work *work,
				  const struct sl_tables *tables, struct sl_shared *shared)
{
	if (work->result.flow_event == SL_FLOW_NEW) {
		sl_pipeline_give_up(flow, work);
		sl_pipeline_reset(flow, work, tables);
	} else if (sl_believe_is_restart(flow, work)) {
		struct sl_begin asked = flow->begin[1 - (work->sender & 1)];

		sl_pipeline_reset(flow, work, tables);
		if (work->packet.tcp_flags & SL_TCP_ACK)
			sl_believe_asked(flow, &asked, work);
		work->result.flow_event = SL_FLOW_RESTARTED;
	} else if (flow->generation != (uint32_t)tables->generation ||
		   work->names > SL_NAMES_NONE) {
		sl_pipeline_reclassify(flow, way, work, tables, shared);
	}
	work->result.moved = sl_steer_flow(tables, work, flow);
}

/* Nothing waits for an answer any more: it would tell of the way before. */
SL_INLINE void sl_pipeline_forget(struct sl_flow *flow)
{
	if (flow->key.proto != SL_PROTO_TCP)
		return;
	for (int i = 0; i < 2; i++) {
		sl_rtt_forget(&flow->dir[i]);
		sl_request_forget(&flow->dir[i]);
	}
}

/* The first packet after a rest, in a flow that goes on where it was. */
SL_INLINE void sl_pipeline_wake(struct sl_flow *flow, const struct sl_work *work)
{
	if (work->packet.proto == SL_PROTO_TCP && !work->packet.icmp_error &&
	    work->result.flow_event == SL_FLOW_KNOWN && !work->result.moved &&
	    sl_pipeline_rested(flow, work, SL_FLOW_IDLE_NS))
		sl_measure_wake(flow, work, sl_flow_moment(work->now_ns) - flow->seen);
}

/* sl_pipeline_measure() for any packet.  Always 0. */
SL_RARE int sl_pipeline_measure_any(struct sl_way *way, struct sl_flow *flow, struct sl_work *work,
				    const struct sl_tables *tables, struct sl_shared *shared)
{
	if (!way || !flow || !work || !tables || !shared)
		return 0;
	sl_pipeline_decide(way, flow, work, tables, shared);
	if (work->result.moved || sl_pipeline_rested(flow, work, SL_FLOW_REST_NS))
		sl_pipeline_forget(flow);
	sl_pipeline_wake(flow, work);
	flow->seen = sl_flow_moment(work->now_ns);
	sl_pipeline_describe(flow, work, tables);
	if (work->packet.icmp_error)
		sl_pipeline_icmp_error(flow, work);
	else if (work->packet.proto == SL_PROTO_TCP)
		sl_measure_tcp(flow, work);
	else
		sl_datagram_take(flow, work);
	sl_clamp_note(work, tables);
	sl_reset_note(flow, work, tables);
	sl_look_inspect(flow, work, tables);
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
	flow->seen = sl_flow_moment(work->now_ns);
	way->age = sl_flow_age(work->now_ns);
	if (SL_LIKELY(way->kind == SL_FLOW_OPEN || way->kind == SL_FLOW_ASKING))
		way->kind = sl_measure_open_kind(flow);
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

	if (rate.ns_per_kib)
		sl_meter_police(work, &rate, &shared->meter_due_ns[service][side]);
	if (result->from_lan)
		sl_remark_note(work, tables->knobs.remark[service]);
	return 0;
}

/* Rate limit and rewriting: sets action, mark_ecn, dscp_*. */
SL_INLINE void sl_pipeline_police(struct sl_work *work, const struct sl_tables *tables,
				  struct sl_shared *shared)
{
	uint32_t service = work->result.service & (SL_SERVICES_MAX - 1);
	uint32_t lan = work->result.from_lan;
	uint32_t remark = tables->knobs.remark[service] & (0 - lan);

	if (SL_UNLIKELY(tables->knobs.rate[service][lan ? SL_SIDE_LAN : SL_SIDE_WAN].ns_per_kib |
			remark))
		sl_pipeline_police_now(work, tables, shared);
}

#endif
