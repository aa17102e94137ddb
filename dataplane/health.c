/*
 * health.c - bounds, measures, the state and its reason
 */
#include "health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fastpath/histogram.h"

#define Z_90 1.2815515655446004 /* one-sided 90 % of the normal distribution */
#define PPM  1000000u

static const char *const method_words[SL_METHODS] = {"seq", "ts", "handshake"};

enum outcome { NOTHING, THIN, UNSURE, KEPT, BROKEN };

struct measure {
	enum outcome outcome;
	uint64_t bad, n;
	double limit;
};

struct finding {
	struct measure latency, loss, failures;
};

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

static uint64_t total(const struct sl_histogram *h)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < SL_HIST_BUCKETS; i++)
		sum += h->count[i];
	return sum;
}

uint64_t sl_health_quantile_ns(const struct sl_histogram *h, uint32_t quantile_ppm)
{
	uint64_t n = total(h), rank = (n * quantile_ppm + PPM - 1) / PPM, seen = 0;

	if (n == 0)
		return 0;
	if (rank == 0)
		rank = 1;
	for (uint32_t i = 0; i < SL_HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (seen >= rank)
			return sl_histogram_middle_ns(i);
	}
	return 0;
}

/* The method with most samples; SL_METHODS when there is none at all. */
static unsigned int best_method(const struct sl_path_stats *window, enum sl_leg leg)
{
	unsigned int best = SL_METHODS;
	uint64_t most = 0;

	for (unsigned int m = 0; m < SL_METHODS; m++) {
		uint64_t n = total(&window->rtt[leg][m]);

		if (n > most) {
			most = n;
			best = m;
		}
	}
	return best;
}

void sl_health_latency(const struct sl_path_stats *window, enum sl_leg leg, uint64_t slo_ns,
		       struct sl_latency_report *out)
{
	unsigned int method = best_method(window, leg);

	*out = (struct sl_latency_report){0};
	if (method == SL_METHODS)
		return;
	const struct sl_histogram *h = &window->rtt[leg][method];

	snprintf(out->method, sizeof(out->method), "%s", method_words[method]);
	out->samples = (uint32_t)total(h);
	for (uint32_t i = 0; slo_ns && i < SL_HIST_BUCKETS; i++)
		if (sl_histogram_middle_ns(i) > slo_ns)
			out->above_slo += h->count[i];
	out->p50_us = (uint32_t)(sl_health_quantile_ns(h, PPM / 2) / 1000);
	out->p95_us = (uint32_t)(sl_health_quantile_ns(h, PPM / 100 * 95) / 1000);
	out->max_us = (uint32_t)(sl_health_quantile_ns(h, PPM) / 1000);
}

static struct measure measure(uint64_t bad, uint64_t n, double limit, uint64_t min_n,
			      uint64_t min_bad)
{
	struct measure m = {.bad = bad, .n = n, .limit = limit};

	if (n == 0)
		m.outcome = NOTHING;
	else if (n < min_n)
		m.outcome = THIN;
	else if (bad >= min_bad && sl_health_lower(bad, n) > limit)
		m.outcome = BROKEN;
	else
		m.outcome = sl_health_upper(bad, n) <= limit ? KEPT : UNSURE;
	return m;
}

static struct measure measure_loss(const struct sl_path_stats *w, uint32_t limit_ppm)
{
	const struct sl_direction_stats *a = &w->side[0], *b = &w->side[1];
	uint64_t lost = a->lost_after + a->lost_before + b->lost_after + b->lost_before;
	uint64_t n = a->segments + b->segments;

	return measure(lost < n ? lost : n, n, (double)limit_ppm / PPM, SL_HEALTH_MIN_SEGMENTS,
		       SL_HEALTH_BAD_SEGMENTS);
}

static struct measure measure_failures(const struct sl_path_stats *w, uint32_t limit_ppm)
{
	uint64_t failed = w->attempts_repeated + w->refused;
	/* A repeat may stand for an attempt made before the window. */
	uint64_t n = w->attempts > failed ? w->attempts : failed;

	return measure(failed, n, (double)limit_ppm / PPM, SL_HEALTH_MIN_ATTEMPTS,
		       SL_HEALTH_BAD_ATTEMPTS);
}

static bool says(uint32_t limit_ppm)
{
	return limit_ppm != UINT32_MAX;
}

static struct finding find(const struct sl_path_stats *w, const struct sl_policy_slo *slo)
{
	struct finding f = {0};
	struct sl_latency_report wan;

	sl_health_latency(w, SL_LEG_WAN, slo ? slo->latency_ns : 0, &wan);
	f.latency = measure(wan.above_slo, wan.samples,
			    slo ? 1 - (double)slo->latency_quantile_ppm / PPM : 1,
			    SL_HEALTH_MIN_RTT, SL_HEALTH_BAD_RTT);
	f.loss = measure_loss(w, slo && says(slo->loss_ppm) ? slo->loss_ppm : PPM);
	f.failures = measure_failures(w, slo && says(slo->failures_ppm) ? slo->failures_ppm : PPM);
	return f;
}

static bool broken(const struct finding *f)
{
	return f->latency.outcome == BROKEN || f->loss.outcome == BROKEN ||
	       f->failures.outcome == BROKEN;
}

/* What the shorter window is sure to be kept is not broken by what lies further back. */
static void excuse(struct finding *longer, const struct finding *window)
{
	if (window->latency.outcome == KEPT && longer->latency.outcome == BROKEN)
		longer->latency.outcome = UNSURE;
	if (window->loss.outcome == KEPT && longer->loss.outcome == BROKEN)
		longer->loss.outcome = UNSURE;
	if (window->failures.outcome == KEPT && longer->failures.outcome == BROKEN)
		longer->failures.outcome = UNSURE;
}

/* The measure that must have been taken before a path may be called good. */
static const struct measure *key(const struct finding *f, const struct sl_policy_slo *slo)
{
	if (!slo || slo->latency_ns)
		return &f->latency;
	if (says(slo->loss_ppm))
		return &f->loss;
	return says(slo->failures_ppm) ? &f->failures : &f->latency;
}

static uint64_t packets(const struct sl_path_stats *w)
{
	return w->side[0].packets + w->side[1].packets;
}

static int say_latency(const struct finding *f, const struct sl_policy_slo *slo,
		       const struct sl_path_stats *w, char *text, size_t size)
{
	unsigned int method = best_method(w, SL_LEG_WAN);
	uint64_t value_ns =
		sl_health_quantile_ns(&w->rtt[SL_LEG_WAN][method], slo->latency_quantile_ppm);

	return snprintf(
		text, size,
		"p%g wan %.4g ms > %.4g ms: %llu of %llu samples above (lower bound %.1f %% "
		"> %.4g %%)",
		slo->latency_quantile_ppm / 1e4, (double)value_ns / 1e6,
		(double)slo->latency_ns / 1e6, (unsigned long long)f->latency.bad,
		(unsigned long long)f->latency.n,
		100 * sl_health_lower(f->latency.bad, f->latency.n), 100 * f->latency.limit);
}

static int say_share(const struct measure *m, const char *what, const char *of, char *text,
		     size_t size)
{
	return snprintf(text, size, "%s %.2g %% > %.4g %%: %llu of %llu %s (lower bound %.2g %%)",
			what, 100.0 * (double)m->bad / (double)m->n, 100 * m->limit,
			(unsigned long long)m->bad, (unsigned long long)m->n, of,
			100 * sl_health_lower(m->bad, m->n));
}

static void say_broken(const struct finding *f, const struct sl_policy_slo *slo,
		       const struct sl_path_stats *w, struct sl_path_report *r)
{
	size_t at = 0;
	char part[128];

	for (int i = 0; i < 3; i++) {
		part[0] = 0;
		if (i == 0 && f->latency.outcome == BROKEN)
			say_latency(f, slo, w, part, sizeof(part));
		if (i == 1 && f->loss.outcome == BROKEN)
			say_share(&f->loss, "loss", "segments", part, sizeof(part));
		if (i == 2 && f->failures.outcome == BROKEN)
			say_share(&f->failures, "failures", "attempts", part, sizeof(part));
		if (part[0] && at < sizeof(r->reason))
			at += (size_t)snprintf(r->reason + at, sizeof(r->reason) - at, "%s%s",
					       at ? "; " : "", part);
	}
	if (at < sizeof(r->reason))
		snprintf(r->reason + at, sizeof(r->reason) - at, " in %.1f s", r->window_ms / 1e3);
}

static void say_good(const struct finding *f, struct sl_path_report *r)
{
	snprintf(r->reason, sizeof(r->reason),
		 "p95 wan %.4g ms over %u samples, %llu of %llu segments lost in %.1f s",
		 r->rtt[SL_LEG_WAN].p95_us / 1e3, r->rtt[SL_LEG_WAN].samples,
		 (unsigned long long)f->loss.bad, (unsigned long long)f->loss.n,
		 r->window_ms / 1e3);
}

static void say_blind(const struct finding *f, const struct sl_policy_slo *slo,
		      struct sl_path_report *r)
{
	const struct measure *m = key(f, slo);
	bool rtt = m == &f->latency, loss = m == &f->loss;

	snprintf(r->reason, sizeof(r->reason), "%llu %s in %.1f s, %d needed to judge",
		 (unsigned long long)m->n,
		 rtt    ? "wan samples"
		 : loss ? "segments"
			: "attempts",
		 r->window_ms / 1e3,
		 rtt    ? SL_HEALTH_MIN_RTT
		 : loss ? SL_HEALTH_MIN_SEGMENTS
			: SL_HEALTH_MIN_ATTEMPTS);
}

static void fill_directions(const struct sl_path_stats *w, struct sl_path_report *r)
{
	for (int i = 0; i < 2; i++) {
		const struct sl_direction_stats *d = &w->side[i];

		r->loss[i] = (struct sl_loss_report){
			.segments = (uint32_t)d->segments,
			.lost_after = (uint32_t)d->lost_after,
			.lost_before = (uint32_t)d->lost_before,
			.spurious = (uint32_t)d->spurious,
			.reordered = (uint32_t)d->reordered,
			.capture_miss = (uint32_t)d->capture_miss,
		};
		r->packets[i] = (uint32_t)d->packets;
		r->bytes[i] = d->bytes;
		r->meter_dropped += (uint32_t)d->meter_dropped;
	}
}

/* Share of packets that were measured in a flow. */
static uint32_t coverage_ppm(const struct sl_path_stats *w)
{
	uint64_t all = packets(w), bare = w->side[0].unmeasured + w->side[1].unmeasured;

	/* The counters are read while they grow: the second may be ahead of the first. */
	return bare < all ? (uint32_t)((all - bare) * PPM / all) : 0;
}

static void fill(const struct sl_health_input *in, bool longer, struct sl_path_report *r)
{
	const struct sl_path_stats *w = longer ? in->longer : in->window;
	const struct sl_policy_slo *slo = in->slo;
	const struct sl_direction_stats *lan = &w->side[SL_SIDE_LAN];

	r->window_ms = longer ? in->longer_ms : in->window_ms;
	r->meter_dropped = 0;
	sl_health_latency(w, SL_LEG_LAN, 0, &r->rtt[SL_LEG_LAN]);
	sl_health_latency(w, SL_LEG_WAN, slo ? slo->latency_ns : 0, &r->rtt[SL_LEG_WAN]);
	fill_directions(w, r);
	r->flows_new = (uint32_t)w->flows;
	r->flows_full = (uint32_t)w->flows_full;
	r->attempts = (uint32_t)w->attempts;
	r->attempts_repeated = (uint32_t)w->attempts_repeated;
	r->established = (uint32_t)w->established;
	r->refused = (uint32_t)w->refused;
	r->resets = (uint32_t)w->resets;
	r->demand = (uint32_t)lan->demand;
	r->progress = (uint32_t)lan->progress;
	r->stalls = (uint32_t)lan->stalls;
	r->stall_repeats = (uint32_t)lan->stall_repeats;
	/* What the engine lost it lost of all alike, as far as anybody can tell. */
	r->coverage_ppm = (uint32_t)((uint64_t)coverage_ppm(w) * (PPM - in->engine_lost_ppm) / PPM);
}

static bool enough(const struct finding *f, const struct sl_policy_slo *slo)
{
	return key(f, slo)->outcome >= UNSURE;
}

/* The state by the SLO; *@f and @r's numbers are of the window that decided. */
static void judge_slo(const struct sl_health_input *in, struct finding *f, struct sl_path_report *r)
{
	struct finding longer = {0};

	*f = find(in->window, in->slo);
	r->state = broken(f) ? SL_HEALTH_DEGRADED : SL_HEALTH_GOOD;
	if (r->state == SL_HEALTH_DEGRADED || !in->longer)
		return;
	longer = find(in->longer, in->slo);
	excuse(&longer, f);
	if (broken(&longer))
		r->state = SL_HEALTH_DEGRADED;
	else if (enough(f, in->slo))
		return;
	*f = longer;
	fill(in, true, r);
}

void sl_health_judge(const struct sl_health_input *in, struct sl_path_report *r)
{
	struct finding f;

	r->silent_ms = in->live->silent_ms;
	fill(in, false, r);
	if (in->live->state == SL_HEALTH_DOWN) {
		r->state = SL_HEALTH_DOWN;
		memcpy(r->reason, in->live->reason, sizeof(r->reason));
		return;
	}
	judge_slo(in, &f, r);
	if (r->state == SL_HEALTH_DEGRADED)
		return say_broken(&f, in->slo,
				  r->window_ms == in->window_ms ? in->window : in->longer, r);
	if (enough(&f, in->slo))
		return say_good(&f, r);
	if (r->packets[0] + r->packets[1] == 0) {
		r->state = SL_HEALTH_IDLE;
		snprintf(r->reason, sizeof(r->reason), "no packets in %.1f s", r->window_ms / 1e3);
		return;
	}
	r->state = SL_HEALTH_BLIND;
	say_blind(&f, in->slo, r);
}
