/*
 * loss.h - what a segment that is not new data was: lost after us, lost before us,
 * resent for nothing, or merely late
 *
 * Method: MEASUREMENT.md 1 and 3.  A segment below the highest end seen either
 * brings bytes that passed before (lost after us; or spurious when they were
 * already acknowledged) or fills a hole.  A hole filled in time is reordering, too
 * late is loss before us.  In time: its TSval is older than that of the segment
 * which opened the hole; without timestamps, within one path RTT.  Holes that the
 * peer acknowledges though they never passed here are our own blindness.  Pure.
 */
#ifndef SL_LOSS_H
#define SL_LOSS_H

#include "rtt.h"

#define SL_REORDER_DEFAULT_TICKS 46875u /* 3 ms: the reorder window while no RTT is known */

/* How long a segment may be late before it counts as lost: the least whole-path RTT. */
SL_INLINE uint32_t sl_loss_window(const struct sl_direction *dir, const struct sl_direction *peer)
{
	return dir->rtt_min && peer->rtt_min ? dir->rtt_min + peer->rtt_min
					     : SL_REORDER_DEFAULT_TICKS;
}

/* [start, end) of a segment, and when it came. */
struct sl_span {
	uint32_t start, end;
	uint32_t tick;
	uint32_t tsval; /* 0 = none */
};

/*
 * Take @span out of the holes of @dir.  True when it fills one: *@filled is the
 * first of them.  A hole filled in its middle leaves two; only SL_HOLES are kept.
 */
SL_INLINE bool sl_loss_fill(struct sl_direction *dir, const struct sl_span *span,
			    struct sl_hole *filled)
{
	struct sl_hole kept[SL_HOLES] = {0};
	uint32_t n = 0;
	bool found = false;

	for (int i = 0; i < SL_HOLES; i++) {
		struct sl_hole hole = dir->hole[i];

		if (hole.start == hole.end)
			continue;
		if (!sl_before(span->start, hole.end) || !sl_before(hole.start, span->end)) {
			if (n < SL_HOLES)
				kept[n++ & (SL_HOLES - 1)] = hole;
			continue;
		}
		if (!found)
			*filled = hole;
		found = true;
		if (sl_before(hole.start, span->start) && n < SL_HOLES) {
			kept[n & (SL_HOLES - 1)] = hole;
			kept[n++ & (SL_HOLES - 1)].end = span->start;
		}
		if (sl_before(span->end, hole.end) && n < SL_HOLES) {
			kept[n & (SL_HOLES - 1)] = hole;
			kept[n++ & (SL_HOLES - 1)].start = span->end;
		}
	}
	if (!found)
		return false;
	for (int i = 0; i < SL_HOLES; i++)
		dir->hole[i] = kept[i];
	if (!n)
		dir->flags &= (uint16_t)~SL_DIR_HOLES;
	return true;
}

/* A segment starts behind the highest end seen: remember what is missing, newest last. */
SL_INLINE void sl_loss_open_hole(struct sl_direction *dir, const struct sl_span *span)
{
	struct sl_hole hole = {dir->next_seq, span->start, span->tick, span->tsval};

	dir->flags |= SL_DIR_HOLES;
	for (int i = 0; i < SL_HOLES; i++)
		if (dir->hole[i].start == dir->hole[i].end) {
			dir->hole[i] = hole;
			return;
		}
	for (int i = 0; i + 1 < SL_HOLES; i++)
		dir->hole[i] = dir->hole[i + 1];
	dir->hole[SL_HOLES - 1] = hole;
}

/* @ack covers holes of @dir that never passed here: how many. */
SL_RARE uint32_t sl_loss_acked(struct sl_direction *dir, uint32_t ack)
{
	if (!dir)
		return 0;
	uint32_t n = 0;
	uint32_t missed = 0;

	for (int i = 0; i < SL_HOLES; i++) {
		struct sl_hole hole = dir->hole[i];

		if (hole.start == hole.end)
			continue;
		dir->hole[i] = (struct sl_hole){0};
		if (sl_before(ack, hole.end))
			dir->hole[n++ & (SL_HOLES - 1)] = hole;
		else
			missed++;
	}
	if (!n)
		dir->flags &= (uint16_t)~SL_DIR_HOLES;
	return missed;
}

/*
 * Is @span, which passed before, the same packet a second time?  A retransmission carries the
 * time of its own sending (RFC 7323 4).  So it is when that is older than the newest; and when it
 * is the newest, of data that passed with it, sooner than a sender can have learned of a loss.
 */
SL_INLINE bool sl_loss_is_duplicate(const struct sl_direction *dir, const struct sl_direction *peer,
				    const struct sl_span *span)
{
	if (!span->tsval || !(dir->flags & SL_DIR_TS))
		return false;
	if (sl_before(span->tsval, dir->tsval))
		return true;
	uint16_t age = (uint16_t)((span->tick >> SL_TS_SINCE_LOG2) - dir->ts_since);

	return span->tsval == dir->tsval && !sl_before(span->start, dir->ts_seq) &&
	       age < sl_loss_window(dir, peer) >> SL_TS_SINCE_LOG2;
}

/* Bytes that passed before: a duplicate, lost after us, or resent though acknowledged. */
SL_INLINE uint32_t sl_loss_seen_before(const struct sl_direction *dir,
				       const struct sl_direction *peer, const struct sl_span *span)
{
	if (sl_loss_is_duplicate(dir, peer, span))
		return SL_SEEN_DUPLICATE;
	return (peer->flags & SL_DIR_ACK) && !sl_before(peer->ack, span->end) ? SL_SEEN_SPURIOUS
									      : SL_SEEN_LOST_AFTER;
}

/*
 * What a segment below the highest end seen was: one of SL_SEEN_LOST_AFTER,
 * _LOST_BEFORE, _SPURIOUS, _REORDERED, _DUPLICATE.
 */
SL_RARE uint32_t sl_loss_repeat(struct sl_direction *dir, const struct sl_direction *peer,
				struct sl_begin *begin, const struct sl_span *span)
{
	if (!dir || !peer || !begin || !span)
		return 0;
	struct sl_hole hole = {0};
	bool fills = (dir->flags & SL_DIR_HOLES) && sl_loss_fill(dir, span, &hole);

	if (!fills && sl_before(span->start, begin->low_seq)) {
		/* Older than all we saw: it passed before our first. */
		fills = true;
		hole = (struct sl_hole){0, 0, begin->low_tick, 0};
		begin->low_seq = span->start;
	}
	if (!fills)
		return sl_loss_seen_before(dir, peer, span);
	bool in_time = span->tick - hole.tick < sl_loss_window(dir, peer);

	if (span->tsval && hole.tsval && span->tsval != hole.tsval)
		in_time = sl_before(span->tsval, hole.tsval);
	return in_time ? SL_SEEN_REORDERED : SL_SEEN_LOST_BEFORE;
}

#endif
