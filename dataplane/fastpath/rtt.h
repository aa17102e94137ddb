/*
 * rtt.h - round-trip time of one leg, seen from the middle of a path
 *
 * Data that one side sends passes here and is answered: by an acknowledgement
 * that covers it (RFC 9293 3.4), or by the echo of its timestamp (RFC 7323 4.3).
 * The gap is the trip from this box to the answering host and back.  Rules of
 * MEASUREMENT.md 3: slots are held until matched and admitted over the data in
 * flight; a sample stands for the acknowledgements since the one before, or for the
 * stamps that got no slot; a floating newest slot makes request/response exact; what was
 * under way when something was repeated or came out of order gives no sample (Karn).
 * Times are ticks of 64 ns.  Pure.
 */
#ifndef SL_RTT_H
#define SL_RTT_H

#include "work.h"

#define SL_TS_AGE_MAX_TICKS 156250000u /* 10 s: a later echo is idle, not slow (epping's rule) */
#define SL_RTT_MAX_TICKS    937500000u /* 60 s: the end of the histogram */
#define SL_WEIGHT_MAX       0xffff
#define SL_TS_SINCE_LOG2    10 /* steps of 65.5 us; round after 4.3 s */

/* Bits of sl_direction.flags. */
enum {
	SL_DIR_SEQ = 1 << 0, /* next_seq is known */
	SL_DIR_ACK = 1 << 1, /* ack is known */
	SL_DIR_LOW = 1 << 2, /* sl_begin.low_seq is known */
	SL_DIR_TS = 1 << 3,  /* tsval is known */
	SL_DIR_TS_ADMITTED = 1 << 6,
	SL_DIR_SHUT = 1 << 7,       /* its last advertised window is 0 */
	SL_DIR_NEWEST = 1 << 8,     /* newest waits for its acknowledgement */
	SL_DIR_HOLES = 1 << 9,      /* a hole is open */
	SL_DIR_ASKS = 1 << 10,      /* a request waits for its answer */
	SL_DIR_HEARD = 1 << 11,     /* and was acknowledged: request_tick is the time of that */
	SL_DIR_ANSWERING = 1 << 12, /* the answer has begun, and has not ended */
	SL_DIR_JUMPED = 1 << 13,    /* sl_begin.jump_seq is known */
	SL_DIR_GIVEN_UP = 1 << 14,  /* the request that waits was counted as unanswered */
	SL_DIR_CUT = 1 << 5,        /* it moved and could not: the other side is told (reset.h) */
	SL_DIR_LARGE = 1 << 15,     /* a large segment is stuck: it ends at large_end (large.h) */
};

/* Serial number arithmetic (RFC 1982): is @a before @b? */
SL_INLINE bool sl_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/*
 * Forget what waits for its acknowledgement.  After a repeat, or what came out of order (Karn), it
 * may come for another reason.  What passes from now on is acknowledged for itself, or disturbed
 * once more before: an acknowledgement waits for each hole, and what fills one passes here.
 */
SL_INLINE void sl_rtt_seq_forget(struct sl_direction *dir)
{
	dir->seq_used = 0;
	dir->seq_answers = 0;
	dir->flags &= (uint16_t)~SL_DIR_NEWEST;
}

/* Forget all that waits for an answer: after a move, a long rest. */
SL_INLINE void sl_rtt_forget(struct sl_direction *dir)
{
	sl_rtt_seq_forget(dir);
	dir->ts_used = 0;
	dir->ts_skipped = 0;
}

/* Bytes of @dir's data up to @end that @peer has not acknowledged. */
SL_INLINE uint32_t sl_rtt_in_flight(const struct sl_direction *peer, uint32_t end)
{
	uint32_t bytes = peer->flags & SL_DIR_ACK ? end - peer->ack : 0;

	return bytes > INT32_MAX ? 0 : bytes;
}

/* The first of @slots slots (at most 8) that is not in @used; -1 = none. */
SL_INLINE int sl_slot_free(uint32_t used, uint32_t slots)
{
	uint32_t bit = ~used & (used + 1);

	return bit >> slots ? -1 : (int)sl_log2(bit);
}

/* Slot @i of @dir's sequence slots, wherever it stands. */
SL_INLINE struct sl_slot *sl_rtt_seq_slot(struct sl_direction *dir, uint32_t i)
{
	return i < SL_NEAR_SLOTS ? &dir->seq[i & (SL_NEAR_SLOTS - 1)]
				 : &dir->seq_far[i & (SL_NEAR_SLOTS - 1)];
}

/* New data of @dir up to @end passes: may it wait for its acknowledgement? */
SL_INLINE void sl_rtt_seq_admit(struct sl_direction *dir, const struct sl_direction *peer,
				uint32_t end, uint32_t tick)
{
	uint32_t used = dir->seq_used;
	/* Slots end in the order of their admission: while any waits, the last one does. */
	bool due = !used || end - sl_rtt_seq_slot(dir, dir->seq_last)->end >=
				    sl_rtt_in_flight(peer, end) / SL_SEQ_SLOTS;
	int i = due ? sl_slot_free(used, SL_SEQ_SLOTS) : -1;

	if (i < 0) {
		dir->newest = (struct sl_slot){end, tick};
		dir->flags |= SL_DIR_NEWEST;
		return;
	}
	*sl_rtt_seq_slot(dir, (uint32_t)i) = (struct sl_slot){end, tick};
	dir->seq_used = (uint8_t)(used | 1u << (i & (SL_SEQ_SLOTS - 1)));
	dir->seq_last = (uint8_t)i;
	dir->flags &= (uint16_t)~SL_DIR_NEWEST;
}

/* Shortest RTT seen: what tells reordering from loss. */
SL_INLINE void sl_rtt_note_min(struct sl_direction *dir, uint32_t ticks)
{
	if (!dir->rtt_min || ticks < dir->rtt_min)
		dir->rtt_min = ticks ? ticks : 1;
}

/* The newest slot that an answer covers, so far. */
struct sl_hit {
	struct sl_slot slot;
	uint32_t weight; /* 0 = none yet */
};

/* Take those of four slots, @used by bit, that @ack covers; the bits that are left. */
SL_INLINE uint32_t sl_rtt_seq_take(const struct sl_slot *slots, uint32_t used, uint32_t ack,
				   struct sl_hit *hit)
{
	for (uint32_t i = 0; i < SL_NEAR_SLOTS && used >> i; i++) {
		struct sl_slot slot = slots[i];

		if (!(used & 1u << i) || sl_before(ack, slot.end))
			continue;
		used &= ~(1u << i);
		if (!hit->weight || sl_before(hit->slot.end, slot.end))
			*hit = (struct sl_hit){slot, 1};
	}
	return used;
}

/*
 * @ack answers data of @dir at @tick; @advances: it is the highest so far.  The newest covered
 * slot gives the sample, every covered one ends.  It stands for the acknowledgements since the
 * sample before, as each of them would have been one.  sample->weight stays 0 when none was
 * covered.  Always 0.
 */
SL_VERIFY_ONCE int sl_rtt_seq_match(struct sl_direction *dir, uint32_t ack, uint32_t tick,
				    bool advances, struct sl_sample *sample)
{
	if (!dir || !sample)
		return 0;
	uint32_t used = dir->seq_used, far = used >> SL_NEAR_SLOTS, answers = dir->seq_answers;
	struct sl_hit hit = {{0, 0}, 0};

	used = sl_rtt_seq_take(dir->seq, used & ((1u << SL_NEAR_SLOTS) - 1), ack, &hit);
	if (SL_UNLIKELY(far))
		used |= sl_rtt_seq_take(dir->seq_far, far, ack, &hit) << SL_NEAR_SLOTS;
	if ((dir->flags & SL_DIR_NEWEST) && !sl_before(ack, dir->newest.end)) {
		hit = (struct sl_hit){dir->newest, 1};
		dir->flags &= (uint16_t)~SL_DIR_NEWEST;
		used = 0;
	}
	dir->seq_used = (uint8_t)used;
	uint32_t ticks = tick - hit.slot.tick;

	if (hit.weight && ticks <= SL_RTT_MAX_TICKS) {
		*sample = (struct sl_sample){ticks, answers ? answers : 1};
		dir->seq_answers = 1;
		sl_rtt_note_min(dir, ticks);
	} else if (advances && answers && answers < SL_WEIGHT_MAX) {
		dir->seq_answers = (uint16_t)(answers + 1);
	}
	return 0;
}

/* Free the slots whose echo can no longer count. */
SL_INLINE void sl_rtt_ts_expire(struct sl_direction *dir, uint32_t tick)
{
	for (int i = 0; i < SL_NEAR_SLOTS; i++)
		if (tick - dir->ts[i].tick > SL_TS_AGE_MAX_TICKS)
			dir->ts_used &= (uint8_t) ~(1 << i);
	for (int i = 0; i < SL_TS_SLOTS - SL_NEAR_SLOTS; i++)
		if (tick - dir->ts_far[i].tick > SL_TS_AGE_MAX_TICKS)
			dir->ts_used &= (uint8_t) ~(1 << (SL_NEAR_SLOTS + i));
}

/* A stamp of @dir waits in slot @i for @weight of them. */
SL_INLINE void sl_rtt_ts_put(struct sl_direction *dir, uint32_t i, struct sl_slot slot,
			     uint32_t weight)
{
	if (SL_LIKELY(i < SL_NEAR_SLOTS)) {
		dir->ts[i & (SL_NEAR_SLOTS - 1)] = slot;
		dir->ts_weight[i & (SL_NEAR_SLOTS - 1)] = (uint16_t)weight;
		return;
	}
	_Static_assert(SL_TS_SLOTS == SL_NEAR_SLOTS + 2, "two far ones");
	dir->ts_far[i & 1] = slot;
	dir->ts_far_weight[i & 1] = (uint16_t)weight;
}

/*
 * A segment of @dir with a TSval that was not seen before passes.  @advances: it
 * is new data up to @end; else a retransmission, which carries a fresh TSval and
 * so is unambiguous.
 */
SL_INLINE void sl_rtt_ts_admit(struct sl_direction *dir, const struct sl_direction *peer,
			       const struct sl_work *work, uint32_t end, bool advances)
{
	bool due = !advances || !(dir->flags & SL_DIR_TS_ADMITTED) || !dir->ts_used ||
		   end - dir->ts_admitted >= sl_rtt_in_flight(peer, end) / SL_TS_SLOTS;

	if (advances && dir->ts_used == (1 << SL_TS_SLOTS) - 1)
		sl_rtt_ts_expire(dir, work->now_tick);
	uint32_t used = dir->ts_used;
	int i = due ? sl_slot_free(used, SL_TS_SLOTS) : -1;

	if (i < 0) {
		if (advances && dir->ts_skipped < SL_WEIGHT_MAX - 1)
			dir->ts_skipped++;
		return;
	}
	sl_rtt_ts_put(dir, (uint32_t)i, (struct sl_slot){work->packet.tsval, work->now_tick},
		      advances ? 1u + dir->ts_skipped : 1u);
	dir->ts_used = (uint8_t)(used | 1u << (i & 7));
	if (!advances)
		return;
	dir->ts_skipped = 0;
	dir->ts_admitted = end;
	dir->flags |= SL_DIR_TS_ADMITTED;
}

/* @tsval of @dir's side is its highest so far; what came before @seq had an older one. */
SL_INLINE void sl_rtt_ts_note(struct sl_direction *dir, uint32_t tsval, uint32_t seq, uint32_t tick)
{
	dir->tsval = tsval;
	dir->ts_seq = seq;
	dir->ts_since = (uint16_t)(tick >> SL_TS_SINCE_LOG2);
	dir->flags |= SL_DIR_TS;
}

/* As sl_rtt_seq_take(), of @count slots: only an equal one gives a sample. */
SL_INLINE uint32_t sl_rtt_ts_take(const struct sl_slot *slots, const uint16_t *weights,
				  uint32_t count, uint32_t used, struct sl_hit *hit)
{
	uint32_t tsecr = hit->slot.end;

	for (uint32_t i = 0; i < count && used >> i; i++) {
		struct sl_slot slot = slots[i];

		if (!(used & 1u << i) || sl_before(tsecr, slot.end))
			continue;
		used &= ~(1u << i);
		if (slot.end == tsecr)
			*hit = (struct sl_hit){slot, weights[i]};
	}
	return used;
}

/* @tsecr echoes a TSval of @dir at @tick: an equal slot gives the sample, older ones end.  0. */
SL_VERIFY_ONCE int sl_rtt_ts_match(struct sl_direction *dir, uint32_t tsecr, uint32_t tick,
				   struct sl_sample *sample)
{
	if (!dir || !sample)
		return 0;
	uint32_t used = dir->ts_used, far = used >> SL_NEAR_SLOTS;
	struct sl_hit hit = {{tsecr, 0}, 0};

	used = sl_rtt_ts_take(dir->ts, dir->ts_weight, SL_NEAR_SLOTS,
			      used & ((1u << SL_NEAR_SLOTS) - 1), &hit);
	if (SL_UNLIKELY(far))
		used |= sl_rtt_ts_take(dir->ts_far, dir->ts_far_weight, SL_TS_SLOTS - SL_NEAR_SLOTS,
				       far, &hit)
			<< SL_NEAR_SLOTS;
	dir->ts_used = (uint8_t)used;
	if (hit.weight && tick - hit.slot.tick <= SL_TS_AGE_MAX_TICKS)
		*sample = (struct sl_sample){tick - hit.slot.tick, hit.weight};
	return 0;
}

#endif
