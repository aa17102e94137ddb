/*
 * rtt.h - round-trip time of one leg, seen from the middle of a path
 *
 * Data that one side sends passes here and is answered: by an acknowledgement
 * that covers it (RFC 9293 3.4), or by the echo of its timestamp (RFC 7323 4.3).
 * The gap is the trip from this box to the answering host and back.  Rules of
 * MEASUREMENT.md 3: slots are held until matched and admitted over the data in
 * flight, each with the weight of what it stands for; a floating newest slot makes
 * request/response exact; after a retransmission nothing is sampled until its
 * highest byte is acknowledged (Karn).  Times are ticks of 64 ns.  Pure.
 */
#ifndef SL_RTT_H
#define SL_RTT_H

#include "work.h"

#define SL_TS_AGE_MAX_TICKS 156250000u /* 10 s: a later echo is idle, not slow (epping's rule) */
#define SL_RTT_MAX_TICKS    937500000u /* 60 s: the end of the histogram */
#define SL_SLOT_WEIGHT_MAX  0xffff

/* Bits of sl_direction.flags. */
enum {
	SL_DIR_SEQ = 1 << 0,          /* next_seq is known */
	SL_DIR_ACK = 1 << 1,          /* ack is known */
	SL_DIR_LOW = 1 << 2,          /* low_seq is known */
	SL_DIR_TS = 1 << 3,           /* tsval is known */
	SL_DIR_RECOVER = 1 << 4,      /* Karn: wait for recover */
	SL_DIR_SEQ_ADMITTED = 1 << 5, /* seq_admitted is known */
	SL_DIR_TS_ADMITTED = 1 << 6,
	SL_DIR_SHUT = 1 << 7,   /* its last advertised window is 0 */
	SL_DIR_NEWEST = 1 << 8, /* newest waits for its acknowledgement */
	SL_DIR_HOLES = 1 << 9,  /* a hole is open */
};

/* Serial number arithmetic (RFC 1982): is @a before @b? */
SL_INLINE bool sl_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Forget what waits for an answer: after a retransmission, a move, a long rest. */
SL_INLINE void sl_rtt_seq_forget(struct sl_direction *dir)
{
	dir->seq_used = 0;
	dir->flags &= (uint16_t)~SL_DIR_NEWEST;
}

/* Bytes of @dir's data up to @end that @peer has not acknowledged. */
SL_INLINE uint32_t sl_rtt_in_flight(const struct sl_direction *peer, uint32_t end)
{
	uint32_t bytes = peer->flags & SL_DIR_ACK ? end - peer->ack : 0;

	return bytes > INT32_MAX ? 0 : bytes;
}

/* The first of four slots that is not in @used; -1 = none.  No loop: it is taken for each segment. */
SL_INLINE int sl_slot_free(uint32_t used)
{
	uint32_t bit = ~used & (used + 1);

	_Static_assert(SL_SEQ_SLOTS == 4 && SL_TS_SLOTS == 4, "written for four slots");
	return bit > 8 ? -1 : (int)((bit >> 1) - (bit >> 3));
}

/* New data of @dir up to @end passes: may it wait for its acknowledgement? */
SL_INLINE void sl_rtt_seq_admit(struct sl_direction *dir, const struct sl_direction *peer,
				uint32_t end, uint32_t tick)
{
	uint32_t flags = dir->flags, used = dir->seq_used;

	if (flags & SL_DIR_RECOVER)
		return;
	bool due = !(flags & SL_DIR_SEQ_ADMITTED) || !used ||
		   end - dir->seq_admitted >= sl_rtt_in_flight(peer, end) / SL_SEQ_SLOTS;
	int i = due ? sl_slot_free(used) : -1;

	if (i < 0) {
		if (dir->seq_skipped < SL_SLOT_WEIGHT_MAX)
			dir->seq_skipped++;
		dir->newest = (struct sl_slot){end, tick};
		dir->flags = (uint16_t)(flags | SL_DIR_NEWEST);
		return;
	}
	i &= SL_SEQ_SLOTS - 1;
	dir->seq[i] = (struct sl_slot){end, tick};
	dir->seq_used = (uint8_t)(used | 1u << i);
	/* A delayed acknowledgement answers two segments (RFC 9293 3.8.6.3). */
	dir->seq_weight[i] = (uint16_t)(1 + dir->seq_skipped / 2);
	dir->seq_skipped = 0;
	dir->seq_admitted = end;
	dir->flags = (uint16_t)((flags | SL_DIR_SEQ_ADMITTED) & ~SL_DIR_NEWEST);
}

/* Shortest RTT seen: what tells reordering from loss. */
SL_INLINE void sl_rtt_note_min(struct sl_direction *dir, uint32_t ticks)
{
	if (!dir->rtt_min || ticks < dir->rtt_min)
		dir->rtt_min = ticks ? ticks : 1;
}

/*
 * @ack answers data of @dir at @tick: the newest covered slot gives the sample,
 * every covered one ends.  sample->weight stays 0 when none was covered.
 */
SL_INLINE void sl_rtt_seq_match(struct sl_direction *dir, uint32_t ack, uint32_t tick,
				struct sl_sample *sample)
{
	uint32_t used = dir->seq_used, weight = 0;
	struct sl_slot hit = {0, 0};

	for (uint32_t i = 0; i < SL_SEQ_SLOTS && used >> i; i++) {
		struct sl_slot slot = dir->seq[i];

		if (!(used & 1u << i) || sl_before(ack, slot.end))
			continue;
		used &= ~(1u << i);
		if (!weight || sl_before(hit.end, slot.end)) {
			hit = slot;
			weight = dir->seq_weight[i];
		}
	}
	dir->seq_used = (uint8_t)used;
	if (dir->flags & (SL_DIR_NEWEST | SL_DIR_RECOVER)) {
		if ((dir->flags & SL_DIR_NEWEST) && !sl_before(ack, dir->newest.end)) {
			hit = dir->newest;
			weight = 1;
			sl_rtt_seq_forget(dir);
		}
		if ((dir->flags & SL_DIR_RECOVER) && !sl_before(ack, dir->recover))
			dir->flags &= (uint16_t)~SL_DIR_RECOVER;
	}
	if (!weight || tick - hit.tick > SL_RTT_MAX_TICKS)
		return;
	*sample = (struct sl_sample){tick - hit.tick, weight};
	sl_rtt_note_min(dir, tick - hit.tick);
}

/* Free the slots whose echo can no longer count. */
SL_INLINE void sl_rtt_ts_expire(struct sl_direction *dir, uint32_t tick)
{
	for (int i = 0; i < SL_TS_SLOTS; i++)
		if (tick - dir->ts[i].tick > SL_TS_AGE_MAX_TICKS)
			dir->ts_used &= (uint8_t) ~(1 << i);
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
	int i = due ? sl_slot_free(used) : -1;

	if (i < 0) {
		if (advances && dir->ts_skipped < SL_SLOT_WEIGHT_MAX - 1)
			dir->ts_skipped++;
		return;
	}
	i &= SL_TS_SLOTS - 1;
	dir->ts[i] = (struct sl_slot){work->packet.tsval, work->now_tick};
	dir->ts_used = (uint8_t)(used | 1u << i);
	dir->ts_weight[i] = (uint16_t)(advances ? 1 + dir->ts_skipped : 1);
	if (!advances)
		return;
	dir->ts_skipped = 0;
	dir->ts_admitted = end;
	dir->flags |= SL_DIR_TS_ADMITTED;
}

/* @tsecr echoes a TSval of @dir at @tick: an equal slot gives the sample, older ones end. */
SL_INLINE void sl_rtt_ts_match(struct sl_direction *dir, uint32_t tsecr, uint32_t tick,
			       struct sl_sample *sample)
{
	uint32_t used = dir->ts_used;

	for (uint32_t i = 0; i < SL_TS_SLOTS && used >> i; i++) {
		struct sl_slot slot = dir->ts[i];

		if (!(used & 1u << i) || sl_before(tsecr, slot.end))
			continue;
		used &= ~(1u << i);
		if (slot.end == tsecr && tick - slot.tick <= SL_TS_AGE_MAX_TICKS)
			*sample = (struct sl_sample){tick - slot.tick, dir->ts_weight[i]};
	}
	dir->ts_used = (uint8_t)used;
}

#endif
