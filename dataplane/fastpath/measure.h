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

#include "believe.h"
#include "datagram.h"
#include "large.h"
#include "loss.h"
#include "request.h"

/* A ClientHello that was sent this often again without progress is unanswered. */
#define SL_HELLO_REPEATS 2

#define SL_FLOW_REST_NS UINT64_C(60000000000) /* a longer rest voids what waits for an answer */
#define SL_FLOW_IDLE_NS UINT64_C(1000000000)  /* one from which NATs and firewalls may forget */

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

/* A handshake time of the data that @dir's side sent, since @since_tick. */
SL_INLINE void sl_measure_handshake_sample(struct sl_direction *dir, uint32_t since_tick,
					   struct sl_work *work)
{
	uint32_t ticks = work->now_tick - since_tick;

	if (ticks > SL_RTT_MAX_TICKS)
		return;
	sl_rtt_note_min(dir, ticks);
	work->result.method = SL_METHOD_HANDSHAKE;
	work->result.sample[SL_SAMPLE_EVENT] = (struct sl_sample){ticks, 1};
}

SL_INLINE void sl_measure_syn(struct sl_flow *flow, struct sl_begin *begin, struct sl_work *work)
{
	if (flow->flags & SL_FLOW_SYN_SEEN) {
		flow->flags |= SL_FLOW_AMBIGUOUS;
		work->result.seen |= SL_SEEN_ATTEMPT_AGAIN;
	} else {
		work->result.seen |= SL_SEEN_ATTEMPT;
	}
	if (!(flow->flags & SL_FLOW_SYNACK_SEEN))
		begin->syn_tick = work->now_tick;
	begin->syn_seq = work->packet.seq;
	flow->flags |= SL_FLOW_SYN_SEEN;
}

/* A SYN-ACK; @sender sent it. */
SL_INLINE void sl_measure_synack(struct sl_flow *flow, uint32_t sender, struct sl_work *work)
{
	struct sl_begin *begin = &flow->begin[sender];

	if (flow->flags & SL_FLOW_SYNACK_SEEN) {
		flow->flags |= SL_FLOW_AMBIGUOUS;
		return;
	}
	flow->flags |= SL_FLOW_SYNACK_SEEN;
	begin->syn_tick = work->now_tick;
	begin->syn_seq = work->packet.seq;
	if ((flow->flags & (SL_FLOW_SYN_SEEN | SL_FLOW_AMBIGUOUS)) == SL_FLOW_SYN_SEEN)
		sl_measure_handshake_sample(&flow->dir[1 - sender],
					    flow->begin[1 - sender].syn_tick, work);
}

/* SYN, SYN-ACK, and the ACK that completes them (RFC 9293 3.5). */
SL_INLINE void sl_measure_handshake(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	const struct sl_begin *theirs = &flow->begin[1 - sender];
	uint8_t tcp = work->packet.tcp_flags;

	if ((tcp & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN) {
		sl_measure_syn(flow, &flow->begin[sender], work);
	} else if (tcp & SL_TCP_SYN) {
		sl_measure_synack(flow, sender, work);
	} else if ((tcp & (SL_TCP_ACK | SL_TCP_RST)) == SL_TCP_ACK &&
		   (flow->flags & (SL_FLOW_SYNACK_SEEN | SL_FLOW_ESTABLISHED)) ==
			   SL_FLOW_SYNACK_SEEN &&
		   sender == flow->initiator && work->packet.ack == theirs->syn_seq + 1) {
		flow->flags |= SL_FLOW_ESTABLISHED;
		work->result.seen |= SL_SEEN_ESTABLISHED;
		if (!(flow->flags & SL_FLOW_AMBIGUOUS))
			sl_measure_handshake_sample(&flow->dir[1 - sender], theirs->syn_tick, work);
	}
}

/* What @work's packet echoes of @peer's timestamps, if that ever sent it. */
SL_INLINE void sl_measure_echo(struct sl_direction *peer, struct sl_work *work)
{
	uint32_t tsecr = work->packet.tsecr;

	if (!tsecr)
		return;
	if ((peer->flags & SL_DIR_TS) && sl_before(peer->tsval, tsecr))
		work->result.seen |= SL_SEEN_BOGUS_ECHO;
	else if (peer->ts_used)
		sl_rtt_ts_match(peer, tsecr, work->now_tick, &work->result.sample[SL_SAMPLE_TS]);
}

/* What @work's packet, of @dir's side, acknowledges of @peer's data. */
SL_INLINE void sl_measure_ack(const struct sl_direction *dir, struct sl_direction *peer,
			      struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	struct sl_result *result = &work->result;

	if (peer->seq_used || (peer->flags & SL_DIR_NEWEST))
		sl_rtt_seq_match(peer, packet->ack, work->now_tick,
				 !(dir->flags & SL_DIR_ACK) || sl_before(dir->ack, packet->ack),
				 &result->sample[SL_SAMPLE_SEQ]);
	sl_measure_echo(peer, work);
	if (peer->flags & SL_DIR_HOLES)
		result->capture_miss = (uint8_t)sl_loss_acked(peer, packet->ack);
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
				    struct sl_begin *begin, const struct sl_span *span,
				    struct sl_result *result)
{
	if (!sl_before(span->start, dir->next_seq)) {
		if (span->start != dir->next_seq) {
			sl_loss_open_hole(dir, span);
			result->seen |= SL_SEEN_GAP;
		}
		return;
	}
	uint32_t was = sl_loss_repeat(dir, peer, begin, span);

	result->seen |= was;
	if (was == SL_SEEN_DUPLICATE)
		return;
	sl_rtt_seq_forget(dir);
	if (was != SL_SEEN_REORDERED)
		sl_request_forget(dir);
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

/* New payload, in a flow whose beginning was seen: a request of @dir's, or an answer to @peer's. */
SL_INLINE void sl_measure_exchange(struct sl_flow *flow, struct sl_direction *dir,
				   struct sl_direction *peer, struct sl_work *work)
{
	if (flow->flags & SL_FLOW_MIDSTREAM)
		return;
	if ((work->sender & 1) == flow->initiator)
		sl_request_sent(flow, dir, work->now_tick);
	else if (peer->flags & (SL_DIR_ASKS | SL_DIR_ANSWERING))
		sl_request_answered(flow, peer, work);
}

/* The packet's own sequence space. */
SL_INLINE void sl_measure_sequence(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender], *peer = &flow->dir[1 - sender];
	struct sl_begin *begin = &flow->begin[sender];
	const struct sl_packet *packet = &work->packet;
	uint32_t bytes = sl_measure_segment_bytes(dir, peer, work), was = dir->next_seq;
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
		begin->low_seq = span.start;
		begin->low_tick = span.tick;
		dir->flags |= SL_DIR_LOW;
	}
	if (dir->flags & SL_DIR_SEQ)
		sl_measure_irregular(dir, peer, begin, &span, &work->result);
	sl_measure_advance(dir, peer, &span, work);
	if (packet->payload_bytes && dir->next_seq != was)
		sl_measure_exchange(flow, dir, peer, work);
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
	if (dir->stall < UINT8_MAX)
		dir->stall++;
}

/* FIN and RST: how the connection ends, and whether it ever began. */
SL_INLINE void sl_measure_end(struct sl_flow *flow, struct sl_work *work)
{
	struct sl_direction *asker = &flow->dir[flow->initiator & 1];
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
	/* Who answers with a RST has got it: a server, or a middlebox that has forgotten the flow. */
	if ((work->sender & 1) != flow->initiator)
		sl_request_heard(asker, asker->next_seq, work->now_tick);
	if (sl_request_give_up(asker, work->now_tick, 0))
		work->result.seen |= SL_SEEN_REQUEST_UNANSWERED;
	flow->flags |= SL_FLOW_RESET;
}

/* New data from the LAN side of @flow after a rest of @moments: is it answered? */
SL_INLINE void sl_measure_wake(struct sl_flow *flow, const struct sl_work *work, uint32_t moments)
{
	struct sl_direction *asker = &flow->dir[flow->lan & 1];
	const struct sl_packet *packet = &work->packet;

	if ((work->sender & 1) != flow->lan || !packet->payload_bytes ||
	    !(asker->flags & SL_DIR_SEQ) || packet->seq != asker->next_seq)
		return;
	asker->idle_seq = packet->seq;
	asker->idle_moments = moments;
}

/* What came after a rest is repeated, or met with a reset, before anything of it was answered. */
SL_INLINE void sl_measure_idle(struct sl_flow *flow, struct sl_work *work)
{
	struct sl_direction *asker = &flow->dir[flow->lan & 1],
			    *peer = &flow->dir[1 - (flow->lan & 1)];
	bool stalls = (work->result.seen & SL_SEEN_STALL) && (work->sender & 1) == flow->lan;

	if (!stalls && !(work->result.seen & SL_SEEN_RESET))
		return;
	if ((peer->flags & SL_DIR_ACK) && !sl_before(asker->idle_seq, peer->ack))
		work->result.idle_moments = asker->idle_moments;
	asker->idle_moments = 0;
}

/* The ClientHello of a flow that the slow path knows to have one: is it still unanswered? */
SL_INLINE void sl_measure_hello(struct sl_flow *flow, struct sl_work *work)
{
	bool over = flow->flags & (SL_FLOW_RESET | SL_FLOW_FIN_A | SL_FLOW_FIN_B);

	if (work->packet.payload_bytes && (work->sender & 1) != flow->initiator)
		flow->flags |= SL_FLOW_HELLO_OVER;
	if ((flow->flags & (SL_FLOW_GREETED | SL_FLOW_HELLO_OVER)) != SL_FLOW_GREETED)
		return;
	if (!over && flow->dir[flow->initiator & 1].stall < SL_HELLO_REPEATS)
		return;
	flow->flags |= SL_FLOW_HELLO_OVER;
	work->result.seen |= SL_SEEN_HELLO_UNANSWERED;
}

/* What both of a believed packet's numbers tell, and what @dir's side said last. */
SL_INLINE void sl_measure_note(struct sl_direction *dir, const struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;

	if (packet->has_ts && (!(dir->flags & SL_DIR_TS) || sl_before(dir->tsval, packet->tsval))) {
		uint32_t control =
			!!(packet->tcp_flags & SL_TCP_SYN) + !!(packet->tcp_flags & SL_TCP_FIN);
		bool last = packet->seq + packet->payload_bytes + control == dir->next_seq;

		/* A retransmission is no new data: what follows it passed with older ones. */
		sl_rtt_ts_note(dir, packet->tsval, last ? packet->seq : dir->next_seq,
			       work->now_tick);
	}
	if ((packet->tcp_flags & SL_TCP_ACK) &&
	    (!(dir->flags & SL_DIR_ACK) || sl_before(dir->ack, packet->ack))) {
		dir->ack = packet->ack;
		dir->flags |= SL_DIR_ACK;
	}
	dir->flags &= (uint16_t)~SL_DIR_SHUT;
	if (!packet->window)
		dir->flags |= SL_DIR_SHUT;
}

/* A TCP packet of @flow; work->sender says whose.  Always 0. */
SL_RARE int sl_measure_tcp(struct sl_flow *flow, struct sl_work *work)
{
	if (!flow || !work)
		return 0;
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender];
	struct sl_direction *peer = &flow->dir[1 - sender];
	const struct sl_packet *packet = &work->packet;

	if (sl_believe_is_bogus(flow, work))
		return 0;
	bool progress = sl_measure_is_progress(dir, peer, work);

	sl_measure_handshake(flow, work);
	if (packet->tcp_flags & SL_TCP_ACK)
		sl_measure_ack(dir, peer, work);
	if (!packet->payload_bytes)
		sl_request_heard(peer, packet->ack, work->now_tick);
	sl_measure_sequence(flow, work);
	sl_measure_end(flow, work);
	sl_measure_liveness(dir, peer, &work->result, progress);
	sl_measure_idle(flow, work);
	sl_large_note(dir, peer, work);
	sl_measure_hello(flow, work);
	sl_measure_note(dir, work);
	return 0;
}

/* What the way of @flow, an open connection, says of it: does it ask? */
SL_INLINE uint8_t sl_measure_open_kind(const struct sl_flow *flow)
{
	return sl_request_waits(&flow->dir[flow->initiator & 1]) ? SL_FLOW_ASKING : SL_FLOW_OPEN;
}

/* What the way of @flow says of its state now. */
SL_INLINE uint8_t sl_measure_kind(const struct sl_flow *flow)
{
	uint8_t closed = SL_FLOW_FIN_A | SL_FLOW_FIN_B;

	if (flow->key.proto != SL_PROTO_TCP)
		return sl_datagram_kind(flow);
	if ((flow->flags & closed) == closed || (flow->flags & SL_FLOW_RESET))
		return SL_FLOW_CLOSED;
	if (!(flow->flags & (SL_FLOW_ESTABLISHED | SL_FLOW_MIDSTREAM)))
		return SL_FLOW_OPENING;
	return sl_large_is_gap(flow) ? SL_FLOW_GAPPED : sl_measure_open_kind(flow);
}

#endif
