/*
 * believe.h - which TCP packets are not of the connection that they claim to be of
 *
 * Addresses and ports can be guessed; numbers cannot (RFC 5961).  A packet whose sequence number
 * and acknowledgement are not both near what passed here changes nothing but a counter.  A jump
 * of one side's numbers is believed when the other side acknowledges it, a SYN on an open
 * connection when a SYN-ACK answers it.  Pure.
 */
#ifndef SL_BELIEVE_H
#define SL_BELIEVE_H

#include "rtt.h"

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
	SL_FLOW_PENDING = 1 << 8,   /* the slow path may have more to say of it */
	SL_FLOW_GREETED = 1 << 9,   /* it began with a ClientHello, says the slow path */
	SL_FLOW_HELLO_OVER =
		1 << 10, /* the responder has sent payload, or it was counted that not */
};

/*
 * Further than this from what is expected no packet of a connection can be: more than twice
 * Linux's largest default window (net.ipv4.tcp_rmem: 6 MiB).  Sequence number and
 * acknowledgement both have to be near, so that a segment forged blindly is believed once in
 * 16 384.
 */
#define SL_FAR_BYTES (1 << 24)
/* An acknowledgement this close to a jump's end confirms it. */
#define SL_JUMP_BYTES (1u << 20)
/* A RST has to be nearer, forged: once in 32 768.  RFC 5961 3.2 wants it exact; a tap misses some. */
#define SL_RST_BYTES (1 << 16)
/* An open connection that was silent this long may be given up for a new one on its ports. */
#define SL_QUIET_NS INT64_C(5000000000)

/* ---- a new connection on old ports ---- */

/* Neither closed nor silent for long: a SYN on its ports is likelier forged than meant. */
SL_INLINE bool sl_believe_is_alive(const struct sl_flow *flow, uint64_t now_ns)
{
	uint32_t closed = SL_FLOW_FIN_A | SL_FLOW_FIN_B;

	return (flow->flags & (SL_FLOW_ESTABLISHED | SL_FLOW_MIDSTREAM)) &&
	       (flow->flags & closed) != closed && !(flow->flags & SL_FLOW_RESET) &&
	       (int32_t)(sl_flow_moment(now_ns) - flow->seen) <
		       (int32_t)sl_flow_moment(SL_QUIET_NS);
}

/*
 * A SYN that cannot belong to the connection in the entry: a new one on old ports.  While the
 * old one lives, anyone can forge such a SYN (RFC 5961 4): then its SYN-ACK is the beginning.
 */
SL_INLINE bool sl_believe_is_restart(const struct sl_flow *flow, const struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	const struct sl_begin *theirs = &flow->begin[1 - sender];
	bool other;

	if (work->packet.proto != SL_PROTO_TCP || !(work->packet.tcp_flags & SL_TCP_SYN))
		return false;
	if (work->packet.tcp_flags & SL_TCP_ACK)
		return theirs->again && theirs->again_seq == work->packet.ack;
	if (flow->flags & SL_FLOW_SYN_SEEN)
		other = sender == flow->initiator &&
			flow->begin[sender].syn_seq != work->packet.seq;
	else
		other = !(flow->flags & SL_FLOW_SYNACK_SEEN) &&
			(flow->dir[sender].flags & SL_DIR_SEQ);
	return other && !sl_believe_is_alive(flow, work->now_ns);
}

/* The connection that begins with this SYN-ACK was asked for by the SYN that @asked tells of. */
SL_INLINE void sl_believe_asked(struct sl_flow *flow, const struct sl_begin *asked,
				struct sl_work *work)
{
	struct sl_begin *begin = &flow->begin[1 - (work->sender & 1)];

	begin->syn_seq = asked->again_seq - 1;
	begin->syn_tick = asked->again_tick;
	flow->flags |= SL_FLOW_SYN_SEEN | (asked->again > 1 ? SL_FLOW_AMBIGUOUS : 0);
	work->result.seen |= SL_SEEN_ATTEMPT;
}

/* ---- what cannot be of this connection ---- */

/* Bytes from what @dir is expected to send next to @seq: negative = behind. */
SL_INLINE int32_t sl_believe_distance(const struct sl_direction *dir, uint32_t seq)
{
	return (int32_t)(seq - dir->next_seq);
}

/* Begin to count anew at @seq: what was between was on another path, or is not true. */
SL_INLINE void sl_believe_resync(struct sl_direction *dir, uint32_t seq)
{
	dir->next_seq = seq;
	sl_rtt_forget(dir);
	for (int i = 0; i < SL_HOLES; i++)
		dir->hole[i] = (struct sl_hole){0};
	dir->flags &= (uint16_t) ~(SL_DIR_HOLES | SL_DIR_JUMPED);
}

/* Is this segment with a SYN, which begins no connection, not the SYN that we know again? */
SL_INLINE bool sl_believe_is_bogus_syn(struct sl_begin *begin, const struct sl_work *work)
{
	uint32_t seq = work->packet.seq;

	if (seq == begin->syn_seq)
		return false;
	if (work->packet.tcp_flags & SL_TCP_ACK)
		return true;
	if (begin->again && begin->again_seq == seq + 1) {
		begin->again++;
		return true;
	}
	begin->again_seq = seq + 1;
	begin->again_tick = work->now_tick;
	begin->again = 1;
	return true;
}

/*
 * Is this segment of @dir far from all that can be?  A second one that goes on where the
 * first ended is believed, unless the peer's acknowledgements can be seen: they have to
 * confirm it (sl_believe_is_bogus_ack).
 */
SL_INLINE bool sl_believe_is_bogus_seq(struct sl_direction *dir, const struct sl_direction *peer,
				       struct sl_begin *begin, const struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	int32_t distance = sl_believe_distance(dir, packet->seq);
	int32_t far = packet->tcp_flags & SL_TCP_RST ? SL_RST_BYTES : SL_FAR_BYTES;

	if (!(dir->flags & SL_DIR_SEQ))
		return false;
	if (packet->tcp_flags & SL_TCP_SYN)
		return sl_believe_is_bogus_syn(begin, work);
	if (distance <= far && distance >= -far)
		return false;
	if ((dir->flags & SL_DIR_JUMPED) && begin->jump_seq == packet->seq &&
	    !(peer->flags & SL_DIR_ACK)) {
		sl_believe_resync(dir, packet->seq);
		return false;
	}
	begin->jump_seq = packet->seq + packet->payload_bytes;
	dir->flags |= SL_DIR_JUMPED;
	return true;
}

/*
 * Does @ack, of @dir's side, acknowledge what @peer never sent, or what was acknowledged long
 * ago (RFC 5961 5.2)?  One that confirms a jump of @peer's is believed.
 */
SL_INLINE bool sl_believe_is_bogus_ack(struct sl_direction *dir, struct sl_direction *peer,
				       const struct sl_begin *begin, uint32_t ack)
{
	bool old = (dir->flags & SL_DIR_ACK) && (int32_t)(ack - dir->ack) < -SL_FAR_BYTES;

	if (!(peer->flags & SL_DIR_SEQ) || (sl_believe_distance(peer, ack) <= SL_FAR_BYTES && !old))
		return false;
	if (!(peer->flags & SL_DIR_JUMPED) || begin->jump_seq - ack > SL_JUMP_BYTES)
		return true;
	sl_believe_resync(peer, ack);
	dir->ack = ack;
	return false;
}

/* True: the packet is not of this connection, says result.seen; nothing else is to be done. */
SL_INLINE bool sl_believe_is_bogus(struct sl_flow *flow, struct sl_work *work)
{
	uint32_t sender = work->sender & 1;
	struct sl_direction *dir = &flow->dir[sender], *peer = &flow->dir[1 - sender];
	const struct sl_packet *packet = &work->packet;

	/* Without ACK only a SYN or a RST is anything (RFC 9293 3.10.7.4, "fifth"). */
	bool naked = !(packet->tcp_flags & (SL_TCP_ACK | SL_TCP_SYN | SL_TCP_RST)) &&
		     (dir->flags & SL_DIR_SEQ);

	if (sl_believe_is_bogus_seq(dir, peer, &flow->begin[sender], work))
		work->result.seen |= SL_SEEN_BOGUS_SEQ;
	else if (naked ||
		 ((packet->tcp_flags & SL_TCP_ACK) &&
		  sl_believe_is_bogus_ack(dir, peer, &flow->begin[1 - sender], packet->ack)))
		work->result.seen |= SL_SEEN_BOGUS_ACK;
	return work->result.seen & (SL_SEEN_BOGUS_SEQ | SL_SEEN_BOGUS_ACK);
}

#endif
