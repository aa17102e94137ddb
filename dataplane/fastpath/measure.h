/*
 * measure.h - one packet of a known flow: handshake, RTT, loss, liveness
 *
 * The order is that of MEASUREMENT.md 3: first what the packet acknowledges of the
 * other side's data, then what it is itself.  dir[i] holds the data that side i
 * sends, so a packet of side i answers dir[1 - i].  Results go to work->result,
 * nothing else is written but the flow.  Pure.
 */
#ifndef SL_MEASURE_H
#define SL_MEASURE_H

#include "loss.h"

/* Bits of sl_flow.flags. */
enum {
	SL_FLOW_SYN_SEEN = 1 << 0,
	SL_FLOW_SYNACK_SEEN = 1 << 1,
	SL_FLOW_ESTABLISHED = 1 << 2, /* TCP: handshake done; datagrams: both sides heard */
	SL_FLOW_AMBIGUOUS = 1 << 3,   /* SYN or SYN-ACK sent again: no handshake RTT (Karn) */
	SL_FLOW_FIN_A = 1 << 4,
	SL_FLOW_FIN_B = 1 << 5,
	SL_FLOW_RESET = 1 << 6,
	SL_FLOW_MIDSTREAM = 1 << 7, /* data came before any SYN */
};

/* A datagram flow stalls after this many requests without an answer for this long. */
#define SL_DATAGRAM_STALL_PACKETS 3
#define SL_DATAGRAM_STALL_TICKS   3906250u /* 250 ms */

#define SL_FLOW_REST_NS UINT64_C(60000000000) /* a longer rest voids what waits for an answer */

/* A SYN that cannot belong to the connection in the entry: a new one on old ports. */
SL_INLINE bool sl_measure_is_restart(const struct sl_flow *flow, const struct sl_work *work)
{
	uint32_t sender = work->sender & 1;

	if (work->packet.proto != SL_PROTO_TCP ||
	    (work->packet.tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) != SL_TCP_SYN)
		return false;
	if (flow->flags & SL_FLOW_SYN_SEEN)
		return sender == flow->initiator && flow->dir[sender].syn_seq != work->packet.seq;
	return !(flow->flags & SL_FLOW_SYNACK_SEEN) && (flow->dir[sender].flags & SL_DIR_SEQ);
}

/* Who opened the flow, judged by its first packet: 0 = key.a. */
SL_INLINE uint32_t sl_measure_initiator(const struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	bool answers = work->packet.proto == SL_PROTO_TCP
			       ? (work->packet.tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) ==
					 (SL_TCP_SYN | SL_TCP_ACK)
			       : work->packet.icmp_echo == 2;

	return answers ? 1 - sender : sender;
}

/* A handshake time of the data that @dir's side sent. */
SL_INLINE void sl_measure_handshake_sample(struct sl_direction *dir, struct sl_work *work)
{
	uint32_t ticks = work->now_tick - dir->syn_tick;

	if (ticks > SL_RTT_MAX_TICKS)
		return;
	dir->rtt_handshake = ticks ? ticks : 1;
	work->result.sample[SL_METHOD_HANDSHAKE] = (struct sl_sample){ticks, 1};
}

SL_INLINE void sl_measure_syn(struct sl_flow *flow, struct sl_direction *dir, struct sl_work *work)
{
	if (flow->flags & SL_FLOW_SYN_SEEN) {
		flow->flags |= SL_FLOW_AMBIGUOUS;
		work->result.seen |= SL_SEEN_ATTEMPT_AGAIN;
	} else {
		work->result.seen |= SL_SEEN_ATTEMPT;
	}
	if (!(flow->flags & SL_FLOW_SYNACK_SEEN))
		dir->syn_tick = work->now_tick;
	dir->syn_seq = work->packet.seq;
	flow->flags |= SL_FLOW_SYN_SEEN;
}

SL_INLINE void sl_measure_synack(struct sl_flow *flow, struct sl_direction *dir,
				 struct sl_direction *peer, struct sl_work *work)
{
	if (flow->flags & SL_FLOW_SYNACK_SEEN) {
		flow->flags |= SL_FLOW_AMBIGUOUS;
		return;
	}
	flow->flags |= SL_FLOW_SYNACK_SEEN;
	dir->syn_tick = work->now_tick;
	dir->syn_seq = work->packet.seq;
	if ((flow->flags & (SL_FLOW_SYN_SEEN | SL_FLOW_AMBIGUOUS)) == SL_FLOW_SYN_SEEN)
		sl_measure_handshake_sample(peer, work);
}

/* SYN, SYN-ACK, and the ACK that completes them (RFC 9293 3.5). */
SL_INLINE void sl_measure_handshake(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender];
	struct sl_direction *peer = &flow->dir[1 - sender];
	uint8_t tcp = work->packet.tcp_flags;

	if ((tcp & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN) {
		sl_measure_syn(flow, dir, work);
	} else if (tcp & SL_TCP_SYN) {
		sl_measure_synack(flow, dir, peer, work);
	} else if ((tcp & (SL_TCP_ACK | SL_TCP_RST)) == SL_TCP_ACK &&
		   (flow->flags & (SL_FLOW_SYNACK_SEEN | SL_FLOW_ESTABLISHED)) ==
			   SL_FLOW_SYNACK_SEEN &&
		   sender == flow->initiator && work->packet.ack == peer->syn_seq + 1) {
		flow->flags |= SL_FLOW_ESTABLISHED;
		work->result.seen |= SL_SEEN_ESTABLISHED;
		if (!(flow->flags & SL_FLOW_AMBIGUOUS))
			sl_measure_handshake_sample(peer, work);
	}
}

/* What @work's packet acknowledges of @peer's data. */
SL_INLINE void sl_measure_ack(struct sl_direction *peer, struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	struct sl_result *result = &work->result;

	if (peer->seq_used || (peer->flags & (SL_DIR_NEWEST | SL_DIR_RECOVER)))
		sl_rtt_seq_match(peer, packet->ack, work->now_tick, &result->sample[SL_METHOD_SEQ]);
	if (packet->tsecr && peer->ts_used)
		sl_rtt_ts_match(peer, packet->tsecr, work->now_tick, &result->sample[SL_METHOD_TS]);
	if (peer->flags & SL_DIR_HOLES)
		result->capture_miss = sl_loss_acked(peer, packet->ack);
}

/* Bytes of sequence space that count as data; 0 for keep-alives and probes. */
SL_INLINE uint32_t sl_measure_segment_bytes(const struct sl_direction *dir,
					    const struct sl_direction *peer, struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	uint8_t tcp = packet->tcp_flags;
	bool control = tcp & (SL_TCP_SYN | SL_TCP_FIN);
	uint32_t bytes = packet->payload_bytes + !!(tcp & SL_TCP_SYN) + !!(tcp & SL_TCP_FIN);

	if ((tcp & SL_TCP_RST) && !packet->payload_bytes)
		return 0;
	if (!(dir->flags & SL_DIR_SEQ) || control)
		return bytes;
	/* Keep-alive: the byte before the next, or nothing there (RFC 9293 3.8.4). */
	if (packet->payload_bytes <= 1 && packet->seq == dir->next_seq - 1 && !(tcp & SL_TCP_RST)) {
		work->result.seen |= SL_SEEN_KEEPALIVE;
		return 0;
	}
	/* Zero-window probe (RFC 9293 3.8.6.1). */
	if (bytes == 1 && packet->seq == dir->next_seq && (peer->flags & SL_DIR_SHUT))
		return 0;
	return bytes;
}

/* A segment that is not the next expected one: repeated, late, or behind a gap. */
SL_INLINE void sl_measure_irregular(struct sl_direction *dir, const struct sl_direction *peer,
				    const struct sl_span *span, struct sl_result *result)
{
	if (!sl_before(span->start, dir->next_seq)) {
		if (span->start != dir->next_seq) {
			sl_loss_open_hole(dir, span);
			result->seen |= SL_SEEN_GAP;
		}
		return;
	}
	uint32_t was = sl_loss_repeat(dir, peer, span);

	result->seen |= was;
	if (was == SL_SEEN_REORDERED)
		return;
	sl_rtt_seq_forget(dir);
	dir->recover = dir->next_seq;
	dir->flags |= SL_DIR_RECOVER;
}

/* Move the highest end seen and let the segment wait for its answer. */
SL_INLINE void sl_measure_advance(struct sl_direction *dir, const struct sl_direction *peer,
				  const struct sl_span *span, const struct sl_work *work)
{
	bool known = dir->flags & SL_DIR_SEQ;
	bool fresh_ts = work->packet.has_ts &&
			(!(dir->flags & SL_DIR_TS) || sl_before(dir->tsval, work->packet.tsval));

	if (known && !sl_before(dir->next_seq, span->end)) {
		if (fresh_ts)
			sl_rtt_ts_admit(dir, peer, work, span->end, false);
		return;
	}
	bool advances = !known || !sl_before(span->start, dir->next_seq);

	dir->next_seq = span->end;
	dir->flags |= SL_DIR_SEQ;
	if (!advances)
		return;
	sl_rtt_seq_admit(dir, peer, span->end, span->tick);
	if (fresh_ts)
		sl_rtt_ts_admit(dir, peer, work, span->end, true);
}

/* The packet's own sequence space. */
SL_INLINE void sl_measure_sequence(struct sl_direction *dir, const struct sl_direction *peer,
				   struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	uint32_t bytes = sl_measure_segment_bytes(dir, peer, work);
	struct sl_span span = {packet->seq, packet->seq + bytes, work->now_tick, packet->tsval};

	if (!bytes) {
		if (!(dir->flags & SL_DIR_SEQ) && !(packet->tcp_flags & SL_TCP_RST)) {
			dir->next_seq = packet->seq;
			dir->flags |= SL_DIR_SEQ;
		}
		return;
	}
	work->result.seen |= SL_SEEN_SEGMENT;
	if (!(dir->flags & SL_DIR_LOW)) {
		dir->low_seq = span.start;
		dir->low_tick = span.tick;
		dir->flags |= SL_DIR_LOW;
	}
	if (dir->flags & SL_DIR_SEQ)
		sl_measure_irregular(dir, peer, &span, &work->result);
	sl_measure_advance(dir, peer, &span, work);
}

/*
 * Does this packet of @dir's side answer the demand of @peer's?  New data, a new
 * acknowledgement, or a repeated one while data is outstanding (the receiver got
 * something new behind a hole, RFC 5681 2).  Called before @dir is updated.
 */
SL_INLINE bool sl_measure_is_progress(const struct sl_direction *dir,
				      const struct sl_direction *peer, const struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;

	if (!(peer->flags & SL_DIR_SEQ))
		return false;
	if (packet->tcp_flags & (SL_TCP_RST | SL_TCP_SYN))
		return true;
	if (!(dir->flags & SL_DIR_ACK) || sl_before(dir->ack, packet->ack))
		return true;
	if (packet->payload_bytes)
		return !(dir->flags & SL_DIR_SEQ) ||
		       sl_before(dir->next_seq, packet->seq + packet->payload_bytes);
	return sl_before(packet->ack, peer->next_seq);
}

/* Liveness of both sides (stats.h): demand, progress, stalls. */
SL_INLINE void sl_measure_liveness(struct sl_direction *dir, struct sl_direction *peer,
				   struct sl_result *result, bool progress)
{
	uint32_t repeats = SL_SEEN_LOST_AFTER | SL_SEEN_SPURIOUS;

	if (progress) {
		result->seen |= SL_SEEN_PROGRESS;
		peer->stall = 0;
	}
	if (!(result->seen & SL_SEEN_SEGMENT))
		return;
	result->seen |= SL_SEEN_DEMAND;
	if (!(result->seen & repeats))
		return;
	result->seen |= dir->stall ? SL_SEEN_STALL_REPEAT : SL_SEEN_STALL;
	if (dir->stall < UINT16_MAX)
		dir->stall++;
}

/* FIN and RST: how the connection ends, and whether it ever began. */
SL_INLINE void sl_measure_end(struct sl_flow *flow, struct sl_work *work)
{
	uint8_t tcp = work->packet.tcp_flags;

	if (tcp & SL_TCP_FIN)
		flow->flags |= work->sender & 1 ? SL_FLOW_FIN_B : SL_FLOW_FIN_A;
	if (!(tcp & SL_TCP_RST) || (flow->flags & SL_FLOW_RESET))
		return;
	bool opening = (flow->flags & SL_FLOW_SYN_SEEN) && !(flow->flags & SL_FLOW_SYNACK_SEEN);

	if (opening && (work->sender & 1) != flow->initiator)
		work->result.seen |= SL_SEEN_REFUSED;
	else
		work->result.seen |= SL_SEEN_RESET;
	flow->flags |= SL_FLOW_RESET;
}

/* A TCP packet of @flow; work->sender says whose. */
SL_INLINE void sl_measure_tcp(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender];
	struct sl_direction *peer = &flow->dir[1 - sender];
	const struct sl_packet *packet = &work->packet;
	bool progress = sl_measure_is_progress(dir, peer, work);

	sl_measure_handshake(flow, work);
	if (packet->tcp_flags & SL_TCP_ACK)
		sl_measure_ack(peer, work);
	sl_measure_sequence(dir, peer, work);
	sl_measure_end(flow, work);
	sl_measure_liveness(dir, peer, &work->result, progress);
	if (packet->has_ts && (!(dir->flags & SL_DIR_TS) || sl_before(dir->tsval, packet->tsval))) {
		dir->tsval = packet->tsval;
		dir->flags |= SL_DIR_TS;
	}
	if (packet->tcp_flags & SL_TCP_ACK) {
		dir->ack = packet->ack;
		dir->flags |= SL_DIR_ACK;
	}
	dir->flags &= (uint16_t)~SL_DIR_SHUT;
	if (!packet->window)
		dir->flags |= SL_DIR_SHUT;
}

/*
 * A datagram of @flow.  Only a flow that was answered before can stall: many
 * (logs, media) never expect an answer.  dir.newest.tick: its last packet;
 * dir.stall: packets since the other side was last heard.
 */
SL_INLINE void sl_measure_datagram(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender];
	struct sl_direction *peer = &flow->dir[1 - sender];
	uint32_t *seen = &work->result.seen;

	dir->flags |= SL_DIR_SEQ;
	dir->newest.tick = work->now_tick;
	if (peer->flags & SL_DIR_SEQ) {
		*seen |= SL_SEEN_PROGRESS;
		flow->flags |= SL_FLOW_ESTABLISHED;
	}
	peer->stall = 0;
	if (!(flow->flags & SL_FLOW_ESTABLISHED))
		return;
	*seen |= SL_SEEN_DEMAND;
	if (dir->stall < UINT16_MAX)
		dir->stall++;
	if (dir->stall < SL_DATAGRAM_STALL_PACKETS ||
	    work->now_tick - peer->newest.tick < SL_DATAGRAM_STALL_TICKS)
		return;
	*seen |= dir->stall == SL_DATAGRAM_STALL_PACKETS ? SL_SEEN_STALL : SL_SEEN_STALL_REPEAT;
}

/* What the way of @flow says of its state now. */
SL_INLINE uint8_t sl_measure_kind(const struct sl_flow *flow)
{
	uint8_t closed = SL_FLOW_FIN_A | SL_FLOW_FIN_B;

	if (flow->key.proto != SL_PROTO_TCP)
		return SL_FLOW_DATAGRAM;
	if ((flow->flags & closed) == closed || (flow->flags & SL_FLOW_RESET))
		return SL_FLOW_CLOSED;
	return flow->flags & (SL_FLOW_ESTABLISHED | SL_FLOW_MIDSTREAM) ? SL_FLOW_OPEN
								       : SL_FLOW_OPENING;
}

#endif
