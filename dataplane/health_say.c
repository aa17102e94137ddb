/*
 * health_say.c - the reason of a state in words: the measure, its value, its limit, its n
 *
 * Loss of media and loss of segments are told apart, failures by what was tried.  Pure.
 */
#include "health_private.h"

#include <stdarg.h>
#include <stdio.h>

typedef unsigned long long ull;

/* A text that grows part by part; what does not fit is cut. */
struct text {
	char *to;
	size_t size, at;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list list;
	int length;

	if (text->at >= text->size)
		return;
	va_start(list, format);
	length = vsnprintf(text->to + text->at, text->size - text->at, format, list);
	va_end(list);
	text->at += length > 0 ? (size_t)length : 0;
}

static struct text begin(struct sl_path_report *r)
{
	r->reason[0] = 0;
	return (struct text){r->reason, sizeof(r->reason), 0};
}

static const char *comma(const struct text *text, size_t since)
{
	return text->at > since ? ", " : "";
}

static double percent(const struct sl_share *share)
{
	return 100.0 * (double)share->bad / (double)share->n;
}

static void say_latency(struct text *text, const struct sl_finding *f,
			const struct sl_policy_slo *slo, const struct sl_path_stats *w)
{
	const struct sl_measure *m = &f->of[SL_MEASURE_LATENCY];
	uint64_t value_ns =
		sl_health_quantile_ns(&w->rtt[SL_LEG_WAN][f->method], slo->latency_quantile_ppm);

	add(text,
	    "p%g wan %.4g ms > %.4g ms by %s: %llu of %llu samples above (lower bound %.1f %% "
	    "> %.4g %%)",
	    slo->latency_quantile_ppm / 1e4, (double)value_ns / 1e6, (double)slo->latency_ns / 1e6,
	    sl_health_method_word(f->method), (ull)m->share.bad, (ull)m->share.n,
	    100 * sl_health_lower(m->share.bad, m->share.n), 100 * m->limit);
}

static void say_loss(struct text *text, const struct sl_measure *m, const char *what,
		     const char *of)
{
	add(text, "%s %.3g %% > %.4g %%: %llu of %llu %s (lower bound %.3g %%)", what,
	    percent(&m->share), 100 * m->limit, (ull)m->share.bad, (ull)m->share.n, of,
	    100 * sl_health_lower(m->share.bad, m->share.n));
}

/* "4 of 20 queries unanswered, 2 failed" */
static void say_queries(struct text *text, const struct sl_finding *f)
{
	uint64_t failed = f->queries_failed, unanswered = f->queries.bad - failed;

	if (failed && !unanswered)
		add(text, "%llu of %llu queries failed", (ull)failed, (ull)f->queries.n);
	else
		add(text, "%llu of %llu queries unanswered", (ull)unanswered, (ull)f->queries.n);
	if (failed && unanswered)
		add(text, ", %llu failed", (ull)failed);
}

/* Each kind that was tried, so that the numbers add up to the share. */
static void say_tries(struct text *text, const struct sl_finding *f)
{
	size_t since = text->at;

	if (f->attempts.n)
		add(text, "%llu of %llu attempts", (ull)f->attempts.bad, (ull)f->attempts.n);
	if (f->queries.n) {
		add(text, "%s", comma(text, since));
		say_queries(text, f);
	}
	if (f->hellos.n)
		add(text, "%s%llu of %llu hellos unanswered", comma(text, since),
		    (ull)f->hellos.bad, (ull)f->hellos.n);
}

static void say_large(struct text *text, const struct sl_share *share)
{
	add(text, "%llu large segment%s stuck, %llu passed later", (ull)share->bad,
	    share->bad == 1 ? "" : "s", (ull)(share->n - share->bad));
}

static void say_failures(struct text *text, const struct sl_finding *f)
{
	const struct sl_measure *m = &f->of[SL_MEASURE_FAILURES];

	add(text, "failures %.3g %% > %.4g %%: ", percent(&m->share), 100 * m->limit);
	say_tries(text, f);
	add(text, " (lower bound %.3g %%)", 100 * sl_health_lower(m->share.bad, m->share.n));
}

static void say_requests(struct text *text, const struct sl_measure *m)
{
	add(text, "%s%llu of %llu requests unanswered after 5 s or reset, in 20 s at most",
	    text->at ? "; " : "", (ull)m->share.bad, (ull)m->share.n);
}

void sl_health_say_broken(const struct sl_finding *f, const struct sl_policy_slo *slo,
			  const struct sl_path_stats *w, struct sl_path_report *r)
{
	struct text text = begin(r);

	for (enum sl_measure_kind kind = 0; kind < SL_MEASURES; kind++) {
		if (f->of[kind].grade != SL_GRADE_BROKEN || kind == SL_MEASURE_REQUESTS)
			continue;
		add(&text, "%s", text.at ? "; " : "");
		if (kind == SL_MEASURE_LATENCY)
			say_latency(&text, f, slo, w);
		else if (kind == SL_MEASURE_LOSS)
			say_loss(&text, &f->of[kind], "loss", "segments");
		else if (kind == SL_MEASURE_MEDIA)
			say_loss(&text, &f->of[kind], "media loss", "packets");
		else if (kind == SL_MEASURE_LARGE)
			say_large(&text, &f->of[kind].share);
		else
			say_failures(&text, f);
	}
	if (text.at)
		add(&text, " in %.1f s", r->window_ms / 1e3);
	/* They have a span of their own (requests.h). */
	if (f->of[SL_MEASURE_REQUESTS].grade == SL_GRADE_BROKEN)
		say_requests(&text, &f->of[SL_MEASURE_REQUESTS]);
}

void sl_health_say_good(const struct sl_finding *f, struct sl_path_report *r)
{
	const struct sl_latency_report *wan = &r->rtt[SL_LEG_WAN];
	const struct sl_share *loss = &f->of[SL_MEASURE_LOSS].share;
	const struct sl_share *media = &f->of[SL_MEASURE_MEDIA].share;
	const struct sl_share *failures = &f->of[SL_MEASURE_FAILURES].share;
	struct text text = begin(r);

	if (wan->samples)
		add(&text, "p95 wan %.4g ms by %s over %u samples", wan->p95_us / 1e3, wan->method,
		    wan->samples);
	if (loss->n)
		add(&text, "%s%llu of %llu segments lost", comma(&text, 0), (ull)loss->bad,
		    (ull)loss->n);
	if (media->n)
		add(&text, "%s%llu of %llu media packets lost", comma(&text, 0), (ull)media->bad,
		    (ull)media->n);
	if (failures->bad) {
		add(&text, "%sfailures: ", comma(&text, 0));
		say_tries(&text, f);
	} else if (failures->n) {
		add(&text, "%s0 of %llu tries failed", comma(&text, 0), (ull)failures->n);
	}
	add(&text, " in %.1f s", r->window_ms / 1e3);
}

void sl_health_say_blind(const struct sl_finding *f, const struct sl_policy_slo *slo,
			 struct sl_path_report *r)
{
	static const char *const units[SL_MEASURES] = {
		[SL_MEASURE_LATENCY] = "wan samples",  [SL_MEASURE_LOSS] = "segments",
		[SL_MEASURE_MEDIA] = "media packets",  [SL_MEASURE_FAILURES] = "attempts",
		[SL_MEASURE_LARGE] = "large segments",
	};
	enum sl_measure_kind kind = sl_health_key(f, slo);
	struct text text = begin(r);

	add(&text, "%llu %s in %.1f s, %u needed to judge", (ull)f->of[kind].share.n, units[kind],
	    r->window_ms / 1e3, sl_health_least(kind));
}
