/*
 * steady.h - the next expected segment of an open connection, in one short lane
 *
 * Nearly every TCP packet is one of two: data that starts where the last ended, or a bare
 * acknowledgement.  For those most questions of measure.h have one answer; they are asked
 * here at once, and what is left is done once.  The outcome is that of sl_measure_tcp(),
 * bit for bit (measure_test.c runs both on the same states), which has the method and
 * takes all other packets.
 */
#ifndef SL_STEADY_H
#define SL_STEADY_H

#include "measure.h"

/* What a packet must find in its flow to be steady; @dir is of its side. */
SL_INLINE bool sl_steady_is(const struct sl_direction *dir, const struct sl_direction *peer,
			    const struct sl_packet *packet)
{
	const uint32_t known = SL_DIR_SEQ | SL_DIR_ACK | SL_DIR_LOW;
	uint32_t odd = (dir->flags ^ known) & (known | SL_DIR_SHUT);

	odd |= (peer->flags ^ SL_DIR_SEQ) &
	       (SL_DIR_SEQ | SL_DIR_SHUT | SL_DIR_HOLES | SL_DIR_LARGE | SL_DIR_CUT);
	/* Only what parsed as TCP has flags: UDP, and ICMP errors about TCP, end here too. */
	odd |= (packet->tcp_flags ^ SL_TCP_ACK) &
	       (SL_TCP_SYN | SL_TCP_FIN | SL_TCP_RST | SL_TCP_ACK);
	odd |= packet->seq ^ dir->next_seq;
	/* Acknowledges no more than passed here, and nothing of long ago. */
	return !odd && packet->window && (int32_t)packet->payload_bytes >= 0 &&
	       !sl_before(peer->next_seq, packet->ack) &&
	       (int32_t)(packet->ack - dir->ack) >= -SL_FAR_BYTES;
}

/*
 * Measure @work's packet if it is steady.  False: nothing was done, sl_measure_tcp() has to.
 */
SL_VERIFY_ONCE int sl_steady_measure(struct sl_flow *flow, struct sl_work *work)
{
	if (!flow || !work)
		return false;
	const struct sl_packet *packet = &work->packet;
	uint32_t sender = work->sender & 1, handshake = SL_FLOW_SYNACK_SEEN | SL_FLOW_ESTABLISHED;
	struct sl_direction *dir = &flow->dir[sender], *peer = &flow->dir[1 - sender];

	uint32_t greeted = SL_FLOW_GREETED | SL_FLOW_HELLO_OVER;

	SL_KEEP(dir);
	SL_KEEP(peer);
	if (!sl_steady_is(dir, peer, packet) || (flow->flags & handshake) == SL_FLOW_SYNACK_SEEN ||
	    (flow->flags & greeted) == SL_FLOW_GREETED)
		return false;
	uint32_t ack = packet->ack, tsval = packet->tsval;
	uint32_t payload = packet->payload_bytes, end = packet->seq + payload;
	uint32_t seen = payload ? SL_SEEN_SEGMENT | SL_SEEN_DEMAND : 0, tick = work->now_tick;
	bool has_ts = packet->has_ts, advances = sl_before(dir->ack, ack);

	if (payload || advances || sl_before(ack, peer->next_seq)) {
		seen |= SL_SEEN_PROGRESS;
		peer->stall = 0;
	}
	work->result.seen |= seen;
	if (advances)
		dir->ack = ack;
	dir->next_seq = end;
	if (peer->seq_used || (peer->flags & SL_DIR_NEWEST))
		sl_rtt_seq_match(peer, ack, tick, advances, &work->result.sample[SL_SAMPLE_SEQ]);
	if (payload) {
		sl_rtt_seq_admit(dir, peer, end, tick);
		sl_measure_exchange(flow, dir, peer, work);
	} else {
		sl_request_heard(peer, ack, tick);
	}
	if (payload && sender != flow->initiator && !(flow->flags & SL_FLOW_HELLO_OVER))
		flow->flags |= SL_FLOW_HELLO_OVER;
	if (!has_ts)
		return true;
	sl_measure_echo(peer, work);
	if ((dir->flags & SL_DIR_TS) && !sl_before(dir->tsval, tsval))
		return true;
	if (payload)
		sl_rtt_ts_admit(dir, peer, work, end, true);
	sl_rtt_ts_note(dir, tsval, packet->seq, tick);
	return true;
}

#endif
