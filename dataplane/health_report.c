/*
 * health_report.c - the numbers of a window: times by method, loss, media, tries, coverage
 *
 * Which method tells the round-trip time: the one with most samples of those that measure
 * the network; but acknowledgements before timestamps while they have half as many: an echo
 * names the first segment of what is acknowledged (RFC 7323 4.3), so the sender's pause before
 * the last one is in it, much of it when loss has made senders slow.  The spin bit, which end systems may set as they like (RFC 9000 17.4), only
 * where no other has samples enough; DNS, which has the resolver's own time in it, only
 * where no other has any.  Think time and transactions are no round trips.  Pure.
 */
#include "health_private.h"

#include <stdio.h>
#include <string.h>

#include "fastpath/flow.h"
#include "fastpath/histogram.h"

static const char *const method_words[SL_METHODS] = {
	[SL_METHOD_SEQ] = "seq",
	[SL_METHOD_TS] = "ts",
	[SL_METHOD_QUIC] = "quic",
	[SL_METHOD_HANDSHAKE] = "handshake",
	[SL_METHOD_SPIN] = "spin",
	[SL_METHOD_DNS] = "dns",
	[SL_METHOD_ECHO] = "echo",
	[SL_METHOD_THINK] = "think",
	[SL_METHOD_TRANSACTION] = "transaction",
};

const char *sl_health_method_word(enum sl_method method)
{
	return method < SL_METHODS ? method_words[method] : "";
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
	uint64_t n = total(h), rank = (n * quantile_ppm + SL_PPM - 1) / SL_PPM, seen = 0;

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

enum sl_method sl_health_method(const struct sl_path_stats *w, enum sl_leg leg)
{
	enum sl_method best = SL_METHODS;
	uint64_t most = 0;

	for (enum sl_method m = 0; m < SL_METHODS_RTT; m++) {
		uint64_t n = m == SL_METHOD_SPIN || m == SL_METHOD_DNS ? 0 : total(&w->rtt[leg][m]);

		if (n > most) {
			most = n;
			best = m;
		}
	}
	uint64_t seq = total(&w->rtt[leg][SL_METHOD_SEQ]);

	if (best == SL_METHOD_TS && seq >= SL_HEALTH_MIN_RTT && seq >= most / 2)
		return SL_METHOD_SEQ;
	if (most >= SL_HEALTH_MIN_RTT)
		return best;
	if (total(&w->rtt[leg][SL_METHOD_SPIN]) > most)
		return SL_METHOD_SPIN;
	return !most && total(&w->rtt[leg][SL_METHOD_DNS]) ? SL_METHOD_DNS : best;
}

static void describe(const struct sl_histogram *h, enum sl_method method, uint64_t slo_ns,
		     struct sl_latency_report *out)
{
	*out = (struct sl_latency_report){.samples = (uint32_t)total(h)};
	if (!out->samples)
		return;
	snprintf(out->method, sizeof(out->method), "%s", method_words[method]);
	for (uint32_t i = 0; slo_ns && i < SL_HIST_BUCKETS; i++)
		if (sl_histogram_middle_ns(i) > slo_ns)
			out->above_slo += h->count[i];
	out->p50_us = (uint32_t)(sl_health_quantile_ns(h, SL_PPM / 2) / 1000);
	out->p95_us = (uint32_t)(sl_health_quantile_ns(h, SL_PPM / 100 * 95) / 1000);
	out->max_us = (uint32_t)(sl_health_quantile_ns(h, SL_PPM) / 1000);
}

void sl_health_latency(const struct sl_path_stats *w, enum sl_leg leg, uint64_t slo_ns,
		       struct sl_latency_report *out)
{
	enum sl_method method = sl_health_method(w, leg);

	*out = (struct sl_latency_report){0};
	if (method < SL_METHODS)
		describe(&w->rtt[leg][method], method, slo_ns, out);
}

void sl_health_total(const struct sl_path_stats *w, enum sl_leg leg, const char *method,
		     struct sl_latency_totals *totals)
{
	enum sl_method m = 0;
	uint32_t bound = 0;

	while (m < SL_METHODS_RTT && strcmp(method_words[m], method))
		m++;
	for (uint32_t i = 0; m < SL_METHODS_RTT && i < SL_HIST_BUCKETS; i++) {
		uint64_t us = sl_histogram_middle_ns(i) / 1000;

		while (bound < SL_LATENCY_BOUNDS && us > sl_latency_bound_us[bound])
			bound++;
		totals->count[bound] += w->rtt[leg][m].count[i];
		totals->sum_us += us * w->rtt[leg][m].count[i];
	}
}

void sl_health_time(const struct sl_path_stats *w, enum sl_method method,
		    struct sl_latency_report *out)
{
	const struct sl_histogram *lan = &w->rtt[SL_LEG_LAN][method];
	const struct sl_histogram *wan = &w->rtt[SL_LEG_WAN][method];

	describe(total(lan) > total(wan) ? lan : wan, method, 0, out);
}

uint64_t sl_health_media_lost(const struct sl_direction_stats *d)
{
	/* A packet that comes late makes up for its gap, in a later window perhaps. */
	return d->media_expected > d->media_packets ? d->media_expected - d->media_packets : 0;
}

static struct sl_media_report media_of(const struct sl_direction_stats *d)
{
	uint64_t ticks = d->media_packets ? d->media_jitter_ticks / d->media_packets : 0;

	return (struct sl_media_report){
		.packets = (uint32_t)d->media_packets,
		.expected = (uint32_t)d->media_expected,
		.jitter_us = (uint32_t)((ticks << SL_TICK_LOG2_NS) / 1000),
	};
}

static void fill_directions(const struct sl_path_stats *w, struct sl_path_report *r)
{
	r->meter_dropped = 0;
	for (int i = 0; i < 2; i++) {
		const struct sl_direction_stats *d = &w->side[i];

		r->loss[i] = (struct sl_loss_report){
			.segments = (uint32_t)d->segments,
			.lost_after = (uint32_t)d->lost_after,
			.lost_before = (uint32_t)d->lost_before,
			.spurious = (uint32_t)d->spurious,
			.reordered = (uint32_t)d->reordered,
			.capture_miss = (uint32_t)d->capture_miss,
			.duplicates = (uint32_t)d->duplicates,
		};
		r->media[i] = media_of(d);
		r->packets[i] = (uint32_t)d->packets;
		r->bytes[i] = d->bytes;
		r->large_stuck[i] = (uint32_t)d->large_stuck;
		r->large_passed[i] = (uint32_t)d->large_passed;
		r->meter_dropped += (uint32_t)d->meter_dropped;
	}
}

/* The mean: in a window of few they are mostly of one kind of terminal. */
static uint32_t idle_ms(const struct sl_path_stats *w)
{
	uint64_t moments = w->idle_unanswered ? w->idle_moments / w->idle_unanswered : 0;

	return (uint32_t)((moments << SL_FLOW_MOMENT_LOG2_NS) / 1000000);
}

static void fill_tries(const struct sl_path_stats *w, struct sl_path_report *r)
{
	const struct sl_direction_stats *lan = &w->side[SL_SIDE_LAN];

	r->flows_new = (uint32_t)w->flows;
	r->flows_full = (uint32_t)w->flows_full;
	r->attempts = (uint32_t)w->attempts;
	r->attempts_repeated = (uint32_t)w->attempts_repeated;
	r->established = (uint32_t)w->established;
	r->refused = (uint32_t)w->refused;
	r->resets = (uint32_t)w->resets;
	r->idle_unanswered = (uint32_t)w->idle_unanswered;
	r->idle_ms = idle_ms(w);
	r->demand = (uint32_t)lan->demand;
	r->progress = (uint32_t)lan->progress;
	r->stalls = (uint32_t)lan->stalls;
	r->stall_repeats = (uint32_t)lan->stall_repeats;
	r->queries = (uint32_t)w->queries;
	r->queries_failed = (uint32_t)w->queries_failed;
	r->queries_unanswered = (uint32_t)w->queries_unanswered;
	r->remarked = (uint32_t)w->remarked;
	r->hellos = (uint32_t)w->hellos;
	r->hellos_unanswered = (uint32_t)w->hellos_unanswered;
}

static void fill_bogus(const struct sl_path_stats *w, struct sl_path_report *r)
{
	const struct sl_direction_stats *lan = &w->side[SL_SIDE_LAN], *wan = &w->side[SL_SIDE_WAN];

	r->bogus_acks = (uint32_t)(lan->bogus_acks + wan->bogus_acks);
	r->bogus_seqs = (uint32_t)(lan->bogus_seqs + wan->bogus_seqs);
	r->bogus_echoes = (uint32_t)(lan->bogus_echoes + wan->bogus_echoes);
	r->bogus_icmp = (uint32_t)w->bogus_icmp;
	r->bogus_answers = (uint32_t)w->bogus_answers;
	r->bogus =
		r->bogus_acks + r->bogus_seqs + r->bogus_echoes + r->bogus_icmp + r->bogus_answers;
}

/* Share of packets that were measured in a flow. */
static uint32_t coverage_ppm(const struct sl_path_stats *w)
{
	uint64_t all = w->side[0].packets + w->side[1].packets;
	uint64_t bare = w->side[0].unmeasured + w->side[1].unmeasured;

	/* The counters are read while they grow: the second may be ahead of the first. */
	return bare < all ? (uint32_t)((all - bare) * SL_PPM / all) : 0;
}

void sl_health_fill(const struct sl_path_stats *w, const struct sl_policy_slo *slo,
		    struct sl_path_report *r)
{
	sl_health_latency(w, SL_LEG_LAN, 0, &r->rtt[SL_LEG_LAN]);
	sl_health_latency(w, SL_LEG_WAN, slo ? slo->latency_ns : 0, &r->rtt[SL_LEG_WAN]);
	sl_health_time(w, SL_METHOD_DNS, &r->dns);
	sl_health_time(w, SL_METHOD_THINK, &r->think);
	sl_health_time(w, SL_METHOD_TRANSACTION, &r->transaction);
	fill_directions(w, r);
	fill_tries(w, r);
	fill_bogus(w, r);
	r->coverage_ppm = coverage_ppm(w);
}
