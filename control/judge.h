/*
 * judge.h - is this path bad enough, for long enough, to act on; and is it well again
 *
 * The dataplane judges each window against the SLO; ten windows a second overlap,
 * so one lost segment colours ten pictures.  A picture therefore counts as bad
 * only with enough bad samples in it; three bad pictures in a row (300 ms), or
 * five of the last ten, settle a brownout, two settle a blackout.  Well again
 * only after the hold-down with good pictures and no bad one; dark with its uplink, and
 * unused since that came back, it is not known after the hold-down.
 * Times are milliseconds of one monotonic clock.  Pure.
 */
#ifndef SL_JUDGE_H
#define SL_JUDGE_H

#include "view.h"

#define SL_JUDGE_RUN       3
#define SL_JUDGE_SPAN      10
#define SL_JUDGE_MANY      5
#define SL_JUDGE_DOWN_RUN  2
#define SL_JUDGE_PAIR_MS   3000 /* two bad samples within this are no accident ... */
#define SL_JUDGE_APART_MS  200  /* ... unless they are one burst */
#define SL_JUDGE_BURST_MS  1000 /* which no longer trouble is: it goes on */
#define SL_JUDGE_CALM_MS   1000 /* good pictures for this long: the SLO is back for now */
#define SL_JUDGE_FRESH_MS  2000 /* evidence older than this says nothing of now */
#define SL_JUDGE_GAPS      8
#define SL_JUDGE_FLAPS     3 /* so many gaps within SL_JUDGE_FLAP_MS are flapping */
#define SL_JUDGE_FLAP_MS   600000
#define SL_JUDGE_STUCK_MS  30000  /* large segments that were stuck tell of so long */
#define SL_JUDGE_PASSED_MS 5000   /* that some passed after all tells so long of a lossy uplink */
#define SL_JUDGE_STALE_MS  300000 /* a bad state nobody has seen since is forgotten */

/* What is remembered of one path; zero = nothing known. */
struct sl_judge {
	enum sl_health state; /* settled: UNKNOWN, GOOD, DEGRADED or DOWN */
	uint16_t bad_bits;    /* the last pictures, newest in bit 0 */
	uint8_t bad_run, down_run;
	bool bad_now;     /* the last picture was bad */
	uint64_t bad_ms;  /* last bad picture; 0 = none */
	uint64_t good_ms; /* since when the pictures with evidence are good; 0 = they are not */
	uint64_t seen_ms; /* last good picture */
	uint64_t first_bad_ms;              /* start of the present run of trouble */
	uint64_t gap_ms[SL_JUDGE_GAPS];     /* ring: when the last runs of trouble began */
	uint32_t gaps;                      /* counted into it */
	uint32_t bad_samples, slow_samples; /* in the last picture */
	uint64_t pair_ms[2]; /* when the last two bad samples came, apart, newest first */
	uint64_t burst_ms;   /* when the first sample of the newest burst came */
	uint64_t slow_ms;    /* when the number of slow samples last grew */
	uint32_t base_p50_us, base_p95_us; /* WAN leg, slow averages of good times; 0 = none */
	uint64_t base_bps[2];
	uint32_t large_now;      /* large segments stuck, in the last picture */
	uint32_t stuck;          /* the most of them in a picture of late */
	uint64_t stuck_ms;       /* when they last grew; 0 = never */
	uint64_t stuck_since_ms; /* when the first of them was seen */
	uint64_t passed_ms;      /* when one passed after all; 0 = not since all was well */
	uint64_t peak_bps[2];    /* what it needs at most, near its 95th percentile; fades */
};

struct sl_judge_context {
	const struct sl_policy_slo *slo; /* may be NULL */
	uint64_t now_ms;
	uint32_t hold_ms;   /* good for this long before the state is good again */
	uint32_t pool_lost; /* lost on the WAN leg by the other services of the uplink */
	uint32_t pool_ppm;
	uint64_t up_for_ms; /* so long its uplink as a whole has not been down */
	bool learn;         /* the uplink is well: this is what normal looks like */
};

/* Take in one picture of a path.  True when the settled state changed. */
bool sl_judge_picture(struct sl_judge *judge, const struct sl_path_report *path,
		      const struct sl_judge_context *context);

/*
 * The last picture, @path, stood for @times more like it: what it needs at most and, when @usual,
 * what normal is are learnt as from so many.  States and times stay.
 */
void sl_judge_still(struct sl_judge *judge, const struct sl_path_report *path, bool usual,
		    unsigned int times);

/* Forget what was counted, keep the state and what normal is: the pictures have a break. */
void sl_judge_break(struct sl_judge *judge);

static inline bool sl_judge_bad(const struct sl_judge *judge)
{
	return judge->state == SL_HEALTH_DEGRADED || judge->state == SL_HEALTH_DOWN;
}

/*
 * Not settled bad, but as many bad pictures in a row as settle a blackout, and the last one
 * with new bad samples in it: one slow moment, which stays in the window, is not the like.
 */
bool sl_judge_begins(const struct sl_judge *judge, uint64_t now_ms);

/* Bad, and seen to be bad just now. */
bool sl_judge_bad_now(const struct sl_judge *judge, uint64_t now_ms);

/* Runs of trouble, however short, that began within SL_JUDGE_FLAP_MS: averages do not show them. */
unsigned int sl_judge_gaps(const struct sl_judge *judge, uint64_t now_ms);

/* The SLO has been kept for @for_ms up to now, with evidence. */
bool sl_judge_calm(const struct sl_judge *judge, uint64_t now_ms, uint64_t for_ms);

#endif
