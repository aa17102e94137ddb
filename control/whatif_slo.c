/*
 * whatif_slo.c - would a recorded path have kept another SLO
 *
 * The dataplane judges by the one-sided 90 % Wilson bound (its health.c says how and how few are
 * chance).  The same is done here with what a roll-up has of the window: counts, p50, p95, max.
 */
#include "whatif.h"

#include <math.h>

#define PPM  1000000u
#define Z_90 1.2815515655446004 /* one-sided 90 % of the normal distribution */

/* Fewer than n are too few to judge by; fewer bad ones than bad are chance. */
struct least {
	uint32_t n, bad;
};
static const struct least least_rtt = {5, 3}, least_segments = {10, 2}, least_media = {20, 3},
			  least_tries = {3, 3};

static double lower(uint64_t bad, uint64_t n)
{
	double p = (double)bad / (double)n, zz = Z_90 * Z_90, count = (double)n;
	double centre = p + zz / (2 * count);
	double spread = Z_90 * sqrt(p * (1 - p) / count + zz / (4 * count * count));
	double bound = (centre - spread) / (1 + zz / count);

	return bound > 0 ? bound : 0;
}

static bool broken(const struct least *least, uint64_t bad, uint64_t n, double limit)
{
	bad = bad < n ? bad : n;
	return n >= least->n && bad >= least->bad && lower(bad, n) > limit;
}

/* Straight lines through (0, all above), (p50, half), (p95, a 20th), (max, none). */
static uint64_t above_ppm(const struct sl_latency_report *rtt, uint64_t limit_us)
{
	const struct {
		uint64_t us, ppm;
	} knot[] = {{0, PPM}, {rtt->p50_us, PPM / 2}, {rtt->p95_us, PPM / 20}, {rtt->max_us, 0}};

	for (int i = 1; i < 4; i++) {
		uint64_t wide = knot[i].us - knot[i - 1].us, fall = knot[i - 1].ppm - knot[i].ppm;

		if (limit_us >= knot[i].us)
			continue;
		return knot[i - 1].ppm - (wide ? fall * (limit_us - knot[i - 1].us) / wide : 0);
	}
	return 0;
}

static double limit_of(uint32_t ppm)
{
	return ppm == UINT32_MAX ? 1 : (double)ppm / PPM;
}

static bool slow(struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	struct sl_latency_report *rtt = &path->rtt[SL_LEG_WAN];

	rtt->above_slo = 0;
	if (!slo->latency_ns)
		return false;
	rtt->above_slo =
		(uint32_t)((rtt->samples * above_ppm(rtt, slo->latency_ns / 1000) + PPM / 2) / PPM);
	return broken(&least_rtt, rtt->above_slo, rtt->samples,
		      1 - (double)slo->latency_quantile_ppm / PPM);
}

static uint64_t media_of(const struct sl_path_report *path)
{
	return (uint64_t)path->media[0].expected + path->media[1].expected;
}

static bool lossy(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	double limit = limit_of(slo->loss_ppm);

	return broken(&least_segments,
		      (uint64_t)sl_view_lost(path, SL_LEG_LAN) + sl_view_lost(path, SL_LEG_WAN),
		      sl_view_segments(path), limit) ||
	       broken(&least_media,
		      (uint64_t)sl_view_media_lost(path, SL_LEG_LAN) +
			      sl_view_media_lost(path, SL_LEG_WAN),
		      media_of(path), limit);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t tries_of(const struct sl_path_report *path, uint64_t *bad)
{
	uint64_t opens = (uint64_t)path->attempts_repeated + path->refused;
	uint64_t queries = sl_view_queries_bad(path);

	*bad = opens + queries + path->hellos_unanswered;
	return most(opens, path->attempts) + most(queries, path->queries) +
	       most(path->hellos_unanswered, path->hellos);
}

/* Enough of what the SLO is first of all about. */
static bool enough(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	uint64_t bad;

	if (!slo || slo->latency_ns)
		return path->rtt[SL_LEG_WAN].samples >= least_rtt.n;
	if (slo->loss_ppm != UINT32_MAX)
		return sl_view_segments(path) >= least_segments.n ||
		       media_of(path) >= least_media.n;
	return tries_of(path, &bad) >= least_tries.n;
}

void sl_whatif_judge(struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	uint64_t bad, n = tries_of(path, &bad);

	if (path->state == SL_HEALTH_DOWN || path->state == SL_HEALTH_UNKNOWN)
		return;
	if (slo && (slow(path, slo) || lossy(path, slo) ||
		    broken(&least_tries, bad, n, limit_of(slo->failures_ppm)) ||
		    broken(&least_tries, path->requests_unanswered, path->requests,
			   limit_of(slo->failures_ppm))))
		path->state = SL_HEALTH_DEGRADED;
	else if (enough(path, slo))
		path->state = SL_HEALTH_GOOD;
	else
		path->state =
			path->packets[0] + path->packets[1] ? SL_HEALTH_BLIND : SL_HEALTH_IDLE;
}
