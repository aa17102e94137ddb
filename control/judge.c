/*
 * judge.c - hysteresis and minimum samples per path
 */
#include "judge.h"

#define LATENCY_SAMPLES_MIN 3 /* fewer slow answers than this are an accident */
#define SLOW_FRESH_MS       150
#define POOL_LOST_MIN       3
#define PEAK_SHARE          256 /* a fading peak is halved in about 18 s */
#define PEAK_UP             19
#define LEARN_SHARE         64 /* a picture moves the averages by 1/64: about 6 s */

static uint32_t bad_samples(const struct sl_path_report *path)
{
	return sl_view_lost(path, SL_LEG_LAN) + sl_view_lost(path, SL_LEG_WAN) +
	       sl_view_media_lost(path, SL_LEG_LAN) + sl_view_media_lost(path, SL_LEG_WAN) +
	       sl_view_opens_bad(path) + sl_view_queries_bad(path) + path->stalls;
}

/* The window slides: a sample is new only where the count grew.  One burst is one. */
static void pair_note(struct sl_judge *judge, const struct sl_path_report *path, uint64_t now_ms)
{
	uint32_t samples = bad_samples(path), slow = path->rtt[SL_LEG_WAN].above_slo;

	if (samples > judge->bad_samples) {
		bool apart = now_ms - judge->pair_ms[0] >= SL_JUDGE_APART_MS;

		if (apart || now_ms - judge->burst_ms >= SL_JUDGE_BURST_MS) {
			judge->pair_ms[1] = judge->pair_ms[0];
			judge->burst_ms = now_ms;
		}
		judge->pair_ms[0] = now_ms;
	}
	if (slow > judge->slow_samples)
		judge->slow_ms = now_ms;
	judge->bad_samples = samples;
	judge->slow_samples = slow;
}

static bool within(uint64_t then_ms, uint64_t now_ms, uint64_t span_ms)
{
	return then_ms && now_ms - then_ms <= span_ms;
}

/* Slow answers that still come: one slow moment stays in the window for all of its length. */
static bool slow_enough(const struct sl_judge *judge, const struct sl_path_report *path,
			const struct sl_judge_context *context)
{
	const struct sl_latency_report *rtt = &path->rtt[SL_LEG_WAN];

	return sl_view_slow(path, context->slo) && rtt->above_slo >= LATENCY_SAMPLES_MIN &&
	       (rtt->above_slo * 2 >= rtt->samples ||
		within(judge->slow_ms, context->now_ms, SLOW_FRESH_MS));
}

static uint32_t large_stuck(const struct sl_path_report *path)
{
	return path->large_stuck[0] + path->large_stuck[1];
}

/* The most in a picture: windows slide and change their length, so growth is not to be added up. */
static void note_large(struct sl_judge *judge, const struct sl_path_report *path, uint64_t now_ms)
{
	uint32_t now = large_stuck(path), passed = path->large_passed[0] + path->large_passed[1];

	if (!within(judge->stuck_ms, now_ms, SL_JUDGE_STUCK_MS))
		judge->stuck = 0;
	if (now > judge->large_now) {
		judge->stuck_ms = now_ms;
		judge->stuck_since_ms = judge->stuck ? judge->stuck_since_ms : now_ms;
		judge->stuck = now > judge->stuck ? now : judge->stuck;
	}
	judge->large_now = now;
	if (!passed)
		return;
	judge->passed_ms = now_ms;
	/* As many have passed after all: the uplink loses, or lost, and swallows nothing. */
	if (passed >= now)
		judge->stuck = 0;
}

static bool enough(const struct sl_judge *judge, const struct sl_path_report *path,
		   const struct sl_judge_context *context)
{
	/* Each of them took seconds to be known. */
	if (large_stuck(path))
		return true;
	if (slow_enough(judge, path, context) || sl_view_unanswered(path, context->slo))
		return true;
	if (within(judge->pair_ms[1], context->now_ms, SL_JUDGE_PAIR_MS))
		return true;
	/* One loss of its own, and its neighbours on the uplink lose as well. */
	return within(judge->pair_ms[0], context->now_ms, SL_JUDGE_CALM_MS) &&
	       context->pool_lost >= POOL_LOST_MIN && context->slo &&
	       context->pool_ppm > context->slo->loss_ppm;
}

static bool picture_bad(const struct sl_judge *judge, const struct sl_path_report *path,
			const struct sl_judge_context *context)
{
	if (path->state == SL_HEALTH_DOWN)
		return true;
	return path->state == SL_HEALTH_DEGRADED && enough(judge, path, context);
}

static void average(uint64_t *mean, uint64_t value)
{
	int64_t step = ((int64_t)value - (int64_t)*mean) / LEARN_SHARE;

	*mean = *mean ? *mean + (uint64_t)step : value;
}

static void average_us(uint32_t *mean, uint32_t value)
{
	uint64_t wide = *mean;

	average(&wide, value);
	*mean = (uint32_t)wide;
}

static void learn(struct sl_judge *judge, const struct sl_path_report *path)
{
	if (path->rtt[SL_LEG_WAN].samples) {
		average_us(&judge->base_p50_us, path->rtt[SL_LEG_WAN].p50_us);
		average_us(&judge->base_p95_us, path->rtt[SL_LEG_WAN].p95_us);
	}
	/* A rate of nothing is a rate: one bit/s stands for it, zero means not known. */
	for (unsigned int side = 0; side < 2; side++)
		average(&judge->base_bps[side], sl_view_rate(path, side) + 1);
}

/* An expectile: up nineteen times as fast as down, so it settles near the 95th percentile. */
static void learn_peak(struct sl_judge *judge, const struct sl_path_report *path)
{
	for (unsigned int side = 0; side < 2; side++) {
		uint64_t rate = sl_view_rate(path, side), *peak = &judge->peak_bps[side];

		if (rate > *peak)
			*peak += (rate - *peak) * PEAK_UP / PEAK_SHARE;
		else
			*peak -= (*peak - rate) / PEAK_SHARE;
	}
}

static void count_bad(struct sl_judge *judge, bool bad, bool down, uint64_t now_ms)
{
	judge->bad_now = bad;
	judge->bad_bits = (uint16_t)((judge->bad_bits << 1 | bad) & ((1u << SL_JUDGE_SPAN) - 1));
	judge->bad_run = bad ? (uint8_t)(judge->bad_run + (judge->bad_run < UINT8_MAX)) : 0;
	judge->down_run = down ? (uint8_t)(judge->down_run + (judge->down_run < UINT8_MAX)) : 0;
	if (!bad)
		return;
	if (!within(judge->bad_ms, now_ms, SL_JUDGE_FRESH_MS))
		judge->first_bad_ms = now_ms;
	judge->bad_ms = now_ms;
	judge->good_ms = 0;
}

static void count_good(struct sl_judge *judge, uint64_t now_ms)
{
	if (!judge->good_ms)
		judge->good_ms = now_ms;
	judge->seen_ms = now_ms;
	/* What passed after all was of a fault that is over: it says nothing of the next. */
	if (now_ms - judge->good_ms >= SL_JUDGE_CALM_MS &&
	    !within(judge->passed_ms, now_ms, SL_JUDGE_CALM_MS))
		judge->passed_ms = 0;
}

static enum sl_health settle(const struct sl_judge *judge, const struct sl_judge_context *context)
{
	uint64_t now_ms = context->now_ms;
	uint64_t need_ms = sl_judge_bad(judge) ? context->hold_ms : 0;

	if (judge->down_run >= SL_JUDGE_DOWN_RUN)
		return SL_HEALTH_DOWN;
	if (!judge->down_run && (judge->bad_run >= SL_JUDGE_RUN ||
				 (judge->bad_now && judge->state != SL_HEALTH_DOWN &&
				  __builtin_popcount(judge->bad_bits) >= SL_JUDGE_MANY)))
		return SL_HEALTH_DEGRADED;
	if (judge->good_ms && judge->seen_ms == now_ms && now_ms - judge->good_ms >= need_ms)
		return SL_HEALTH_GOOD;
	if (sl_judge_bad(judge) && !within(judge->bad_ms, now_ms, SL_JUDGE_STALE_MS))
		return SL_HEALTH_UNKNOWN;
	if (judge->state == SL_HEALTH_DOWN && context->up_for_ms && context->up_for_ms >= need_ms &&
	    !within(judge->bad_ms, now_ms, need_ms))
		return SL_HEALTH_UNKNOWN;
	return judge->state;
}

/* Once for each run of trouble that is long enough to settle. */
static void note_gap(struct sl_judge *judge)
{
	uint64_t *last = &judge->gap_ms[(judge->gaps + SL_JUDGE_GAPS - 1) % SL_JUDGE_GAPS];

	if (!judge->bad_now || *last == judge->first_bad_ms ||
	    (judge->bad_run < SL_JUDGE_RUN && judge->down_run < SL_JUDGE_DOWN_RUN))
		return;
	judge->gap_ms[judge->gaps++ % SL_JUDGE_GAPS] = judge->first_bad_ms;
}

bool sl_judge_picture(struct sl_judge *judge, const struct sl_path_report *path,
		      const struct sl_judge_context *context)
{
	enum sl_health before = judge->state;

	pair_note(judge, path, context->now_ms);
	note_large(judge, path, context->now_ms);
	count_bad(judge, picture_bad(judge, path, context), path->state == SL_HEALTH_DOWN,
		  context->now_ms);
	if (path->state == SL_HEALTH_GOOD) {
		count_good(judge, context->now_ms);
		learn_peak(judge, path);
		if (context->learn)
			learn(judge, path);
	}
	judge->state = settle(judge, context);
	note_gap(judge);
	return judge->state != before;
}

void sl_judge_still(struct sl_judge *judge, const struct sl_path_report *path, bool usual,
		    unsigned int times)
{
	if (path->state != SL_HEALTH_GOOD)
		return;
	for (; times; times--) {
		learn_peak(judge, path);
		if (usual)
			learn(judge, path);
	}
}

void sl_judge_break(struct sl_judge *judge)
{
	judge->bad_bits = 0;
	judge->bad_run = judge->down_run = 0;
	judge->bad_now = false;
	judge->good_ms = 0;
	judge->bad_samples = judge->slow_samples = UINT32_MAX; /* what comes first may be old */
	judge->pair_ms[0] = judge->pair_ms[1] = judge->burst_ms = judge->slow_ms = 0;
}

bool sl_judge_begins(const struct sl_judge *judge, uint64_t now_ms)
{
	return judge->state == SL_HEALTH_GOOD && judge->bad_now &&
	       judge->bad_run >= SL_JUDGE_DOWN_RUN &&
	       (judge->slow_ms == now_ms || judge->pair_ms[0] == now_ms);
}

bool sl_judge_bad_now(const struct sl_judge *judge, uint64_t now_ms)
{
	return sl_judge_bad(judge) && within(judge->bad_ms, now_ms, SL_JUDGE_FRESH_MS);
}

unsigned int sl_judge_gaps(const struct sl_judge *judge, uint64_t now_ms)
{
	unsigned int recent = 0;

	for (unsigned int i = 0; i < SL_JUDGE_GAPS; i++)
		recent += within(judge->gap_ms[i], now_ms, SL_JUDGE_FLAP_MS);
	return recent;
}

bool sl_judge_calm(const struct sl_judge *judge, uint64_t now_ms, uint64_t for_ms)
{
	return judge->good_ms && within(judge->seen_ms, now_ms, SL_JUDGE_FRESH_MS) &&
	       now_ms - judge->good_ms >= for_ms;
}
