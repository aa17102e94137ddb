/*
 * prove.h - did the remedy help; is the way home well; the ladder of a rate limit
 *
 * A move is proved by good pictures of the new path and failed by bad ones soon
 * after.  The way home is proved by real traffic on it: the service's own live
 * flows, else other services, without the loss and the delay that drove it away.
 * A rate limit is halved until the served path keeps its SLO, then raised with
 * growing patience to the highest rate that still keeps it.  Where a mark is worth
 * something it is the rung before any limit.
 * Times are milliseconds of one monotonic clock.  Pure.
 */
#ifndef SL_PROVE_H
#define SL_PROVE_H

#include "locate.h"

#define SL_PROVE_SETTLE_MS 1000 /* the window still holds what was before the move */
#define SL_PROVE_GOOD_MS   2000
#define SL_PROVE_KNOWN_MS  1200
#define SL_PROVE_MOVE_MS   10000 /* no more verdict on a move after this */
#define SL_BACKOFF_MAX_MS  600000
#define SL_RETURN_MS       300000 /* a fault back within this was not over */

enum sl_proof { SL_PROOF_PENDING, SL_PROOF_GOOD, SL_PROOF_BAD, SL_PROOF_UNSEEN };

/*
 * What the pictures of the new path since @moved_ms say of the move.  @known: it has helped
 * in the like before, so it is believed sooner: as soon as the window holds nothing of before.
 */
enum sl_proof sl_prove_move(const struct sl_judge *judge, uint64_t moved_ms, uint64_t now_ms,
			    bool known);

/* A share of @service's new flows goes by @new instead of @old since @started_ms. */
#define SL_TRIAL_MS     2000 /* no more verdict after this */
#define SL_TRIAL_MIN_MS 500
struct sl_trial {
	unsigned int service, old, new;
	uint64_t started_ms;
	bool lossy; /* losses are what is wrong with the old path */
};

/*
 * GOOD: the flows on the new path fare better than those on the old; BAD: no better;
 * UNSEEN: too few to tell, and nothing speaks against it.
 */
enum sl_proof sl_prove_trial(const struct sl_scene *scene, const struct sl_trial *trial);

/* What is gathered about the way home while a service is away; zero = just left. */
struct sl_home {
	uint64_t good_ms;        /* since when all evidence is good; 0 = it is not */
	uint64_t seen_ms;        /* last evidence of any kind */
	uint64_t gathered_ms;    /* what passed up to here is in the next two */
	uint64_t segments, lost; /* since good_ms */
};

enum sl_way { SL_WAY_UNKNOWN, SL_WAY_BAD, SL_WAY_GOOD, SL_WAY_PROVED };

/*
 * Take one picture's evidence on @service's way home by @uplink into @home, which it
 * left being as bad as @left.  PROVED when good for @need_ms; UNKNOWN when there
 * was no traffic to know by.
 */
enum sl_way sl_prove_home(struct sl_home *home, const struct sl_scene *scene, unsigned int service,
			  unsigned int uplink, const struct sl_badness *left, uint64_t need_ms);

/* @hold_ms doubled @times, at most SL_BACKOFF_MAX_MS (or @hold_ms when that is more). */
uint64_t sl_prove_backoff(uint64_t hold_ms, uint32_t times);

#define SL_LADDER_STEPS       3
#define SL_LADDER_STEP_MS     1000
#define SL_LADDER_PATIENCE_MS 2000 /* at the last step */

/* The rate limit, or mark, of one culprit; zero = none.  Kept after its end for SL_RETURN_MS. */
struct sl_ladder {
	bool on, proved;
	bool marks; /* its packets are marked LE, and not limited: limit_bps is 0 */
	uint64_t limit_bps, floor_bps;
	uint64_t first_bps; /* what it sent before the limit, or mark */
	uint64_t good_bps;  /* highest limit known to keep the SLO; 0 = none yet */
	uint64_t bad_bps;   /* lowest known to break it; 0 = none */
	uint32_t steps;     /* down since it began */
	uint32_t tries;     /* steps up that broke the SLO */
	uint64_t step_ms;   /* last change */
	uint64_t ended_ms;  /* 0 = never */
};

struct sl_ladder_sight {
	uint64_t now_ms;
	uint32_t hold_ms;
	bool bad;          /* a served path is bad now, settled */
	bool sore;         /* the last picture of one was bad, by more than the last step left */
	bool calm;         /* all keep their SLO since SL_JUDGE_CALM_MS */
	uint64_t rate_bps; /* of the culprit */
	uint64_t capacity_bps; /* of the uplink; 0 = not known */
};

enum sl_rung {
	SL_RUNG_KEEP,
	SL_RUNG_TIGHTEN,
	SL_RUNG_LOOSEN,
	SL_RUNG_LIFT,
	SL_RUNG_FAIL,
	SL_RUNG_VAIN
};

/* Begin for a culprit that sends @rate_bps: at half of it, or at what an earlier ladder found. */
void sl_ladder_start(struct sl_ladder *ladder, uint64_t rate_bps, uint64_t floor_bps,
		     uint64_t now_ms);

/* Begin with a mark. */
void sl_ladder_mark(struct sl_ladder *ladder, uint64_t rate_bps, uint64_t floor_bps,
		    uint64_t now_ms);

/*
 * The next step: TIGHTEN and LOOSEN set ladder->limit_bps; LIFT and FAIL end the
 * ladder (FAIL: at its floor or after SL_LADDER_STEPS it had not helped, or a mark had not
 * within SL_LADDER_PATIENCE_MS; VAIN: the culprit sends far less than it may, so whatever
 * is bad is not its doing any more).
 */
enum sl_rung sl_ladder_next(struct sl_ladder *ladder, const struct sl_ladder_sight *sight);

#endif
