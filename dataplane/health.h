/*
 * health.h - a window of a path against its SLO: good, degraded, down, idle or blind
 *
 * Pure.  A share of bad ones among n (samples above the latency, segments lost, RTP
 * packets lost, tries failed: connections, DNS queries, hellos; requests) breaks its limit when
 * the one-sided 90 % Wilson lower bound of it is above the limit, and keeps it when the
 * upper bound is not.  In between, and when there is too little of it, the same is asked
 * of a longer window.  Too few samples are blind, none at all idle; never good.
 * RTT methods are never mixed (health_report.c says which tells).  What the core did
 * not believe (bogus_*) is reported, and judges nothing.
 */
#ifndef SL_HEALTH_H
#define SL_HEALTH_H

#include "fastpath/stats.h"
#include "liveness.h"
#include "proto/policy.h"
#include "proto/wire.h"

/* Fewer than this are too few to judge by. */
#define SL_HEALTH_MIN_RTT      5
#define SL_HEALTH_MIN_SEGMENTS 10
#define SL_HEALTH_MIN_MEDIA    20 /* 0.4 s of a call */
#define SL_HEALTH_MIN_ATTEMPTS 3  /* of all that is tried */
#define SL_HEALTH_MIN_REQUESTS 3
/* Fewer bad ones than this are chance, whatever the share. */
#define SL_HEALTH_BAD_RTT      3
#define SL_HEALTH_BAD_SEGMENTS 2
#define SL_HEALTH_BAD_MEDIA    3 /* one that comes late looks lost until then */
#define SL_HEALTH_BAD_ATTEMPTS 3
#define SL_HEALTH_BAD_REQUESTS 3

struct sl_health_input {
	const struct sl_path_stats *window;
	const struct sl_path_stats *longer; /* NULL = none */
	uint32_t window_ms, longer_ms;
	const struct sl_policy_slo *slo; /* NULL = none: never degraded */
	const struct sl_liveness_view *live;
	/*
	 * Share of all packets that the engine's ports lost, before they were seen (the NIC's
	 * ring or the mbufs ran out) or when they should have left (queue full).
	 */
	uint32_t engine_lost_ppm;
	/* Of the last 8 or 20 s, where requests are usually answered (requests.h); else both 0. */
	uint32_t requests, requests_unanswered;
};

/* Fill @report, all but the names; *window_ms tells which of the two windows it is. */
void sl_health_judge(const struct sl_health_input *in, struct sl_path_report *report);

/* Bounds of the true share behind @bad of @n, one-sided 90 % each; 0 and 1 when @n is 0. */
double sl_health_lower(uint64_t bad, uint64_t n);
double sl_health_upper(uint64_t bad, uint64_t n);

/* The RTT of @leg by the method that tells it, percentiles by nearest rank. */
void sl_health_latency(const struct sl_path_stats *window, enum sl_leg leg, uint64_t slo_ns,
		       struct sl_latency_report *out);

/*
 * Add to @totals the round trips of @leg in @w, by the method called @method ("" = none: nothing is
 * added).  A bucket counts where its middle lies, as it does in quantiles.
 */
void sl_health_total(const struct sl_path_stats *w, enum sl_leg leg, const char *method,
		     struct sl_latency_totals *totals);

/* The times of @method, of the leg that has more of them: where the servers are. */
void sl_health_time(const struct sl_path_stats *window, enum sl_method method,
		    struct sl_latency_report *out);

/* The time at or below which @quantile_ppm of the samples lie, ns; 0 without samples. */
uint64_t sl_health_quantile_ns(const struct sl_histogram *h, uint32_t quantile_ppm);

#endif
