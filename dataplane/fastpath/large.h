/*
 * large.h - do large segments pass where small ones do?
 *
 * An MTU black hole drops what is larger than its link and says nothing (RFC 2923 2.1): small
 * segments pass, the large one is sent again and again.  From the LAN we see the repeats: the
 * very bytes that the other side waits for, large each time, without progress.  From the WAN
 * the large one never comes: a hole as wide as one, where the client waits, behind which
 * something small has passed, and then nothing for a while (the sweep asks).  Counted once a
 * segment.  That it passes after all, as large as it was, is counted as well; sent again in
 * smaller pieces (RFC 4821) it tells nothing.  Pure.
 */
#ifndef SL_LARGE_H
#define SL_LARGE_H

#include "request.h"

#define SL_LARGE_BYTES   1200u /* of an IP packet: below what any path carries that works */
#define SL_LARGE_REPEATS 2     /* so often again: two in a row were lost before it */
#define SL_LARGE_AGE     2     /* sl_flow_age() units: 1 to 2 s of silence behind a hole */

/* The least that is missing when a large segment is: its payload, without headers and options. */
#define SL_LARGE_HOLE (SL_LARGE_BYTES - 80)

/* The large segment of @dir up to @end was sent again: how often by now, SL_LARGE_REPEATS at most. */
SL_INLINE uint32_t sl_large_repeated(struct sl_direction *dir, uint32_t end)
{
	if (dir->large_end != end)
		dir->large_repeats = 0;
	dir->large_end = end;
	if (dir->large_repeats < SL_LARGE_REPEATS)
		dir->large_repeats++;
	return dir->large_repeats;
}

/* @work's packet of @dir's side: does it free @peer's stuck segment, or is it one itself?  0. */
SL_RARE int sl_large_note(struct sl_direction *dir, struct sl_direction *peer, struct sl_work *work)
{
	if (!dir || !peer || !work)
		return 0;
	const struct sl_packet *packet = &work->packet;
	uint32_t again = SL_SEEN_STALL | SL_SEEN_STALL_REPEAT, seen = work->result.seen;
	bool large = packet->ip_bytes >= SL_LARGE_BYTES;

	if ((peer->flags & SL_DIR_LARGE) && (packet->tcp_flags & SL_TCP_ACK) &&
	    !sl_before(packet->ack, peer->large_end)) {
		peer->flags &= (uint16_t)~SL_DIR_LARGE;
		work->result.seen |= SL_SEEN_LARGE_PASSED;
	}
	if (!packet->payload_bytes || packet->seq != peer->ack)
		return 0;
	if (!large) {
		dir->flags &= (uint16_t)~SL_DIR_LARGE;
		return 0;
	}
	if (!(seen & again) || !(seen & SL_SEEN_LOST_AFTER) || (dir->flags & SL_DIR_LARGE))
		return 0;
	if (sl_large_repeated(dir, packet->seq + packet->payload_bytes) < SL_LARGE_REPEATS)
		return 0;
	dir->flags |= SL_DIR_LARGE;
	work->result.seen |= SL_SEEN_LARGE_STUCK;
	return 0;
}

/* Something of the WAN's side is missing in @flow: the sweep is to look, when it rests. */
SL_INLINE bool sl_large_is_gap(const struct sl_flow *flow)
{
	const struct sl_direction *dir = &flow->dir[1 - (flow->lan & 1)];

	return (dir->flags & (SL_DIR_HOLES | SL_DIR_LARGE)) == SL_DIR_HOLES;
}

/* The way of a flow with a gap, at coarse time @age: has it rested long enough to look? */
SL_INLINE bool sl_large_is_due(const struct sl_way *way, uint16_t age)
{
	return way->kind == SL_FLOW_GAPPED && (uint16_t)(age - way->age) >= SL_LARGE_AGE;
}

/*
 * The sweep looks at @flow, which is due: is a large segment stuck?  It is asked once: the way
 * is that of any open flow again.  The bucket is locked.
 */
SL_RARE int sl_large_is_stuck(struct sl_way *way, struct sl_flow *flow)
{
	if (!way || !flow)
		return false;
	struct sl_direction *dir = &flow->dir[1 - (flow->lan & 1)];
	const struct sl_direction *peer = &flow->dir[flow->lan & 1];
	bool stuck = false;

	way->kind =
		sl_request_waits(&flow->dir[flow->initiator & 1]) ? SL_FLOW_ASKING : SL_FLOW_OPEN;
	for (int i = 0; i < SL_HOLES; i++) {
		const struct sl_hole *hole = &dir->hole[i];

		if (hole->start != peer->ack || hole->end - hole->start < SL_LARGE_HOLE ||
		    !(peer->flags & SL_DIR_ACK))
			continue;
		dir->large_end = hole->end;
		stuck = true;
	}
	if (stuck)
		dir->flags |= SL_DIR_LARGE;
	return stuck;
}

#endif
