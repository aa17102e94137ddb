/*
 * ladder.c - the steps of one rate limit: halve, hold, raise, settle
 *
 * Between the highest rate known to keep the SLO and the lowest known to break it
 * the next step up is the middle; closer than a quarter it is left alone, until
 * the longest back-off has passed and the world may have changed.
 */
#include "prove.h"

#define QUICK_MS    300
#define WAIT_MIN_MS 10000 /* between steps up, however short the policy's hold-down */

void sl_ladder_start(struct sl_ladder *ladder, uint64_t rate_bps, uint64_t floor_bps,
		     uint64_t now_ms)
{
	struct sl_ladder old = *ladder;
	uint64_t half = rate_bps / 2 > floor_bps ? rate_bps / 2 : floor_bps;

	*ladder = (struct sl_ladder){.on = true,
				     .limit_bps = half,
				     .floor_bps = floor_bps,
				     .first_bps = rate_bps,
				     .steps = 1,
				     .step_ms = now_ms};
	if (!old.ended_ms || now_ms - old.ended_ms > SL_RETURN_MS || !old.good_bps)
		return;
	/* Lifted too soon: back to what kept the SLO, and more patience. */
	ladder->limit_bps = ladder->good_bps = old.good_bps;
	ladder->tries = old.tries + 1;
}

void sl_ladder_mark(struct sl_ladder *ladder, uint64_t rate_bps, uint64_t floor_bps,
		    uint64_t now_ms)
{
	struct sl_ladder old = *ladder;
	bool again = old.ended_ms && now_ms - old.ended_ms <= SL_RETURN_MS;

	*ladder = (struct sl_ladder){.on = true,
				     .marks = true,
				     .floor_bps = floor_bps,
				     .first_bps = rate_bps,
				     .good_bps = again ? old.good_bps : 0,
				     .tries = again ? old.tries + 1 : 0,
				     .step_ms = now_ms};
}

static enum sl_rung set(struct sl_ladder *ladder, uint64_t limit_bps, uint64_t now_ms)
{
	enum sl_rung rung = limit_bps < ladder->limit_bps ? SL_RUNG_TIGHTEN : SL_RUNG_LOOSEN;

	ladder->limit_bps = limit_bps;
	ladder->step_ms = now_ms;
	return rung;
}

static enum sl_rung end(struct sl_ladder *ladder, enum sl_rung how, uint64_t now_ms)
{
	ladder->on = false;
	ladder->ended_ms = now_ms;
	if (how == SL_RUNG_FAIL && !ladder->marks)
		ladder->good_bps = 0;
	return how;
}

static enum sl_rung halve(struct sl_ladder *ladder, uint64_t now_ms)
{
	uint64_t half = ladder->limit_bps / 2;

	ladder->steps++;
	return set(ladder, half > ladder->floor_bps ? half : ladder->floor_bps, now_ms);
}

static enum sl_rung tighten(struct sl_ladder *ladder, uint64_t now_ms)
{
	uint64_t age_ms = now_ms - ladder->step_ms;
	bool last = ladder->steps >= SL_LADDER_STEPS || ladder->limit_bps <= ladder->floor_bps;

	if (last && age_ms >= SL_LADDER_PATIENCE_MS)
		return end(ladder, SL_RUNG_FAIL, now_ms);
	if (last || age_ms < SL_LADDER_STEP_MS)
		return SL_RUNG_KEEP;
	return halve(ladder, now_ms);
}

/* It had kept the SLO, now it does not: undo the last step up, or start down again. */
static enum sl_rung relapse(struct sl_ladder *ladder, uint64_t now_ms)
{
	if (now_ms - ladder->step_ms < QUICK_MS)
		return SL_RUNG_KEEP;
	ladder->tries++;
	if (ladder->good_bps && ladder->limit_bps > ladder->good_bps) {
		ladder->bad_bps = ladder->limit_bps;
		ladder->proved = false;
		ladder->steps = 1;
		return set(ladder, ladder->good_bps, now_ms);
	}
	ladder->good_bps = 0;
	ladder->proved = false;
	ladder->steps = 0;
	return ladder->limit_bps > ladder->floor_bps ? halve(ladder, now_ms) : SL_RUNG_KEEP;
}

/*
 * High enough to be no limit.  The rate it began with is the mean of a window that it
 * had only begun to fill: the true one may be twice that.
 */
static bool is_above_all(const struct sl_ladder *ladder, const struct sl_ladder_sight *sight,
			 uint64_t next_bps)
{
	uint64_t all = sight->capacity_bps > ladder->first_bps * 2 ? sight->capacity_bps
								   : ladder->first_bps * 2;

	return !ladder->bad_bps && next_bps >= all;
}

/* How long it stays as it is when all is well. */
static uint64_t patience_ms(const struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	uint64_t hold_ms = sight->hold_ms / 3 > WAIT_MIN_MS ? sight->hold_ms / 3 : WAIT_MIN_MS;

	return sl_prove_backoff(hold_ms, ladder->tries);
}

static enum sl_rung loosen(struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	uint64_t wait_ms = patience_ms(ladder, sight);
	uint64_t next =
		ladder->bad_bps ? (ladder->limit_bps + ladder->bad_bps) / 2 : ladder->limit_bps * 2;

	ladder->proved = true;
	/* Calm may still be that of the step before. */
	if (ladder->limit_bps > ladder->good_bps &&
	    sight->now_ms - ladder->step_ms >= SL_LADDER_PATIENCE_MS)
		ladder->good_bps = ladder->limit_bps;
	if (sight->now_ms - ladder->step_ms < wait_ms)
		return SL_RUNG_KEEP;
	if (sight->rate_bps < ladder->limit_bps / 2)
		return end(ladder, SL_RUNG_LIFT, sight->now_ms);
	if (is_above_all(ladder, sight, next))
		return end(ladder, SL_RUNG_LIFT, sight->now_ms);
	if (!ladder->bad_bps || next * 4 >= ladder->limit_bps * 5)
		return set(ladder, next, sight->now_ms);
	if (sight->now_ms - ladder->step_ms >= SL_BACKOFF_MAX_MS)
		ladder->bad_bps = 0;
	return SL_RUNG_KEEP;
}

/* It keeps the SLO, and costs the culprit only what the others need: it stays while he sends. */
static enum sl_rung keep_mark(struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	ladder->proved = true;
	if (sight->now_ms - ladder->step_ms < patience_ms(ladder, sight) ||
	    sight->rate_bps > ladder->first_bps / 2)
		return SL_RUNG_KEEP;
	return end(ladder, SL_RUNG_LIFT, sight->now_ms);
}

/* Not calm: a mark has no tighter step. */
static enum sl_rung doubt_mark(struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	bool failed = ladder->proved ? sight->bad : sight->sore;

	if (!failed || sight->now_ms - ladder->step_ms < SL_LADDER_PATIENCE_MS)
		return SL_RUNG_KEEP;
	return end(ladder, SL_RUNG_FAIL, sight->now_ms);
}

/* Bad, while the culprit sends far less than it may: a tighter limit would change nothing. */
static bool in_vain(const struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	uint64_t may_bps = ladder->marks ? ladder->first_bps : ladder->limit_bps;

	return (ladder->proved ? sight->bad : sight->sore) && sight->rate_bps < may_bps / 4 &&
	       sight->now_ms - ladder->step_ms >= SL_LADDER_STEP_MS;
}

enum sl_rung sl_ladder_next(struct sl_ladder *ladder, const struct sl_ladder_sight *sight)
{
	if (!ladder->on)
		return SL_RUNG_KEEP;
	if (sight->calm)
		return ladder->marks ? keep_mark(ladder, sight) : loosen(ladder, sight);
	if (in_vain(ladder, sight))
		return end(ladder, SL_RUNG_VAIN, sight->now_ms);
	if (ladder->marks)
		return doubt_mark(ladder, sight);
	if (ladder->proved)
		return sight->bad ? relapse(ladder, sight->now_ms) : SL_RUNG_KEEP;
	if (sight->sore)
		return tighten(ladder, sight->now_ms);
	return SL_RUNG_KEEP;
}
