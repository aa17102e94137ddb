/*
 * health.c - bounds, measures, the state
 *
 * The numbers are filled in by health_report.c, the reason is put by health_say.c.
 */
#include "health_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LARGE_LIMIT 0.25 /* of large segments that were stuck; more do not pass: no SLO says */
#define ONE_WAY_MIN 5    /* segments of data: had nobody answered, one of them were sent again */
#define Z_90        1.2815515655446004 /* one-sided 90 % of the normal distribution */

/* Fewer than n are too few to judge by; fewer bad ones than bad are chance. */
static const struct {
	uint32_t n, bad;
} least[SL_MEASURES] = {
	[SL_MEASURE_LATENCY] = {SL_HEALTH_MIN_RTT, SL_HEALTH_BAD_RTT},
	[SL_MEASURE_LOSS] = {SL_HEALTH_MIN_SEGMENTS, SL_HEALTH_BAD_SEGMENTS},
	[SL_MEASURE_MEDIA] = {SL_HEALTH_MIN_MEDIA, SL_HEALTH_BAD_MEDIA},
	[SL_MEASURE_FAILURES] = {SL_HEALTH_MIN_ATTEMPTS, SL_HEALTH_BAD_ATTEMPTS},
	[SL_MEASURE_REQUESTS] = {SL_HEALTH_MIN_REQUESTS, SL_HEALTH_BAD_REQUESTS},
	[SL_MEASURE_LARGE] = {1, 1}, /* each was sent again twice, or missing for seconds */
};

uint32_t sl_health_least(enum sl_measure_kind kind)
{
	return least[kind].n;
}

static double wilson(uint64_t bad, uint64_t n, double z)
{
	double p = (double)bad / (double)n, zz = z * z, count = (double)n;
	double centre = p + zz / (2 * count);
	double spread = z * sqrt(p * (1 - p) / count + zz / (4 * count * count));

	return (centre + spread) / (1 + zz / count);
}

double sl_health_lower(uint64_t bad, uint64_t n)
{
	double bound = n ? wilson(bad, n, -Z_90) : 0;

	return bound > 0 ? bound : 0;
}

double sl_health_upper(uint64_t bad, uint64_t n)
{
	return n ? wilson(bad, n, Z_90) : 1;
}

static void measure(struct sl_finding *f, enum sl_measure_kind kind, struct sl_share share,
		    double limit)
{
	struct sl_measure *m = &f->of[kind];

	*m = (struct sl_measure){.share = share, .limit = limit};
	if (share.n == 0)
		m->grade = SL_GRADE_NOTHING;
	else if (share.n < least[kind].n)
		m->grade = SL_GRADE_THIN;
	else if (share.bad >= least[kind].bad && sl_health_lower(share.bad, share.n) > limit)
		m->grade = SL_GRADE_BROKEN;
	else
		m->grade = sl_health_upper(share.bad, share.n) <= limit ? SL_GRADE_KEPT
									: SL_GRADE_UNSURE;
}

/*
 * @bad of @n tries of one kind.  A repeat, or a query that was given up after 5 s, may stand
 * for a try made before the window: n is then what is known to have been tried.  Bounded kind
 * by kind, so that old failures of one are not thinned out by the new tries of another.
 */
static struct sl_share tries(uint64_t bad, uint64_t n)
{
	return (struct sl_share){bad, n > bad ? n : bad};
}

static struct sl_share lost_segments(const struct sl_path_stats *w)
{
	const struct sl_direction_stats *a = &w->side[0], *b = &w->side[1];
	uint64_t lost = a->lost_after + a->lost_before + b->lost_after + b->lost_before;
	uint64_t n = a->segments + b->segments;

	return (struct sl_share){lost < n ? lost : n, n};
}

static struct sl_share lost_media(const struct sl_path_stats *w)
{
	struct sl_share share = {0};

	for (int i = 0; i < 2; i++) {
		share.bad += sl_health_media_lost(&w->side[i]);
		share.n += w->side[i].media_expected;
	}
	return share;
}

/* DNS counts each try of a query, and each that was repeated or given up, as unanswered. */
static struct sl_share failures(const struct sl_path_stats *w, struct sl_finding *f)
{
	f->attempts = tries(w->attempts_repeated + w->refused, w->attempts);
	f->queries = tries(w->queries_failed + w->queries_unanswered, w->queries);
	f->hellos = tries(w->hellos_unanswered, w->hellos);
	f->queries_failed = w->queries_failed;
	return (struct sl_share){f->attempts.bad + f->queries.bad + f->hellos.bad,
				 f->attempts.n + f->queries.n + f->hellos.n};
}

static struct sl_share stuck_segments(const struct sl_path_stats *w)
{
	uint64_t stuck = w->side[0].large_stuck + w->side[1].large_stuck;
	uint64_t passed = w->side[0].large_passed + w->side[1].large_passed;

	return (struct sl_share){stuck, stuck + passed};
}

/* A limit that the SLO does not say is never broken. */
static double limit_of(const struct sl_policy_slo *slo, uint32_t limit_ppm)
{
	return slo && sl_health_says(limit_ppm) ? (double)limit_ppm / SL_PPM : 1;
}

/* @in's window @w.  Requests have a span of their own: they tell the same of either window. */
static struct sl_finding find(const struct sl_health_input *in, const struct sl_path_stats *w)
{
	const struct sl_policy_slo *slo = in->slo;
	struct sl_finding f = {.method = sl_health_method(w, SL_LEG_WAN)};
	double loss = limit_of(slo, slo ? slo->loss_ppm : 0);
	double failed = limit_of(slo, slo ? slo->failures_ppm : 0);
	struct sl_latency_report wan;

	sl_health_latency(w, SL_LEG_WAN, slo ? slo->latency_ns : 0, &wan);
	measure(&f, SL_MEASURE_LATENCY, (struct sl_share){wan.above_slo, wan.samples},
		slo ? 1 - (double)slo->latency_quantile_ppm / SL_PPM : 1);
	measure(&f, SL_MEASURE_LOSS, lost_segments(w), loss);
	measure(&f, SL_MEASURE_MEDIA, lost_media(w), loss);
	measure(&f, SL_MEASURE_FAILURES, failures(w, &f), failed);
	measure(&f, SL_MEASURE_REQUESTS, (struct sl_share){in->requests_unanswered, in->requests},
		failed);
	measure(&f, SL_MEASURE_LARGE, stuck_segments(w), slo ? LARGE_LIMIT : 1);
	return f;
}

static bool broken(const struct sl_finding *f)
{
	for (int i = 0; i < SL_MEASURES; i++)
		if (f->of[i].grade == SL_GRADE_BROKEN)
			return true;
	return false;
}

/* What the shorter window is sure to be kept is not broken by what lies further back. */
static void excuse(struct sl_finding *longer, const struct sl_finding *window)
{
	for (int i = 0; i < SL_MEASURES; i++)
		if (window->of[i].grade == SL_GRADE_KEPT && longer->of[i].grade == SL_GRADE_BROKEN)
			longer->of[i].grade = SL_GRADE_UNSURE;
}

enum sl_measure_kind sl_health_key(const struct sl_finding *f, const struct sl_policy_slo *slo)
{
	const struct sl_measure *of = f->of;

	if (!slo || slo->latency_ns)
		return SL_MEASURE_LATENCY;
	/* Loss is told by segments or by media, whichever this service has. */
	if (sl_health_says(slo->loss_ppm))
		return of[SL_MEASURE_MEDIA].grade > of[SL_MEASURE_LOSS].grade ? SL_MEASURE_MEDIA
									      : SL_MEASURE_LOSS;
	return sl_health_says(slo->failures_ppm) ? SL_MEASURE_FAILURES : SL_MEASURE_LATENCY;
}

static void fill(const struct sl_health_input *in, bool longer, struct sl_path_report *r)
{
	r->window_ms = longer ? in->longer_ms : in->window_ms;
	sl_health_fill(longer ? in->longer : in->window, in->slo, r);
	/* What the engine lost it lost of all alike, as far as anybody can tell. */
	r->coverage_ppm =
		(uint32_t)((uint64_t)r->coverage_ppm * (SL_PPM - in->engine_lost_ppm) / SL_PPM);
}

static bool enough(const struct sl_finding *f, const struct sl_policy_slo *slo)
{
	return f->of[sl_health_key(f, slo)].grade >= SL_GRADE_UNSURE;
}

/* The state by the SLO; *@f and @r's numbers are of the window that decided. */
static void judge_slo(const struct sl_health_input *in, struct sl_finding *f,
		      struct sl_path_report *r)
{
	struct sl_finding longer = {0};

	*f = find(in, in->window);
	r->state = broken(f) ? SL_HEALTH_DEGRADED : SL_HEALTH_GOOD;
	if (r->state == SL_HEALTH_DEGRADED || !in->longer)
		return;
	longer = find(in, in->longer);
	excuse(&longer, f);
	if (broken(&longer))
		r->state = SL_HEALTH_DEGRADED;
	else if (enough(f, in->slo))
		return;
	*f = longer;
	fill(in, true, r);
}

/*
 * The LAN's data goes out, nothing comes back, and nobody sends it again: the answers pass by
 * another way.  What is "unanswered" in such a view says nothing.
 */
static bool is_one_way(const struct sl_path_stats *w)
{
	const struct sl_direction_stats *lan = &w->side[SL_SIDE_LAN];
	uint64_t again = lan->lost_after + lan->spurious + lan->stalls + w->attempts_repeated;

	return !w->side[SL_SIDE_WAN].packets && !again &&
	       sl_health_method(w, SL_LEG_WAN) == SL_METHODS &&
	       lan->segments >= w->attempts + ONE_WAY_MIN;
}

void sl_health_judge(const struct sl_health_input *in, struct sl_path_report *r)
{
	struct sl_finding f;

	r->silent_ms = in->live->silent_ms;
	r->requests = in->requests;
	r->requests_unanswered = in->requests_unanswered;
	fill(in, false, r);
	if (in->live->state == SL_HEALTH_DOWN) {
		r->state = SL_HEALTH_DOWN;
		memcpy(r->reason, in->live->reason, sizeof(r->reason));
		return;
	}
	if (is_one_way(in->window) || (in->longer && is_one_way(in->longer))) {
		r->state = SL_HEALTH_BLIND;
		snprintf(r->reason, sizeof(r->reason),
			 "one-way: %u packets went out, none came back, and none was sent again",
			 r->packets[SL_SIDE_LAN]);
		return;
	}
	judge_slo(in, &f, r);
	if (r->state == SL_HEALTH_DEGRADED)
		return sl_health_say_broken(&f, in->slo,
					    r->window_ms == in->window_ms ? in->window : in->longer,
					    r);
	if (enough(&f, in->slo))
		return sl_health_say_good(&f, r);
	if (r->packets[0] + r->packets[1] == 0) {
		r->state = SL_HEALTH_IDLE;
		snprintf(r->reason, sizeof(r->reason), "no packets in %.1f s", r->window_ms / 1e3);
		return;
	}
	r->state = SL_HEALTH_BLIND;
	sl_health_say_blind(&f, in->slo, r);
}
