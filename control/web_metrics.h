/*
 * web_metrics.h - what Prometheus is told: counters that never go back, gauges, no addresses
 *
 * Text exposition 0.0.4.  The windows of path reports overlap (a picture each 100 ms of, say,
 * the last second), so they are not added up: the rate of each is held over the time until
 * the next picture.  The sum is that of the moving average, so it is right but for the last
 * window, and is the same whatever the pace of pictures.  The dataplane's counters begin anew
 * with some of its restarts; ours go on.  Labels are service, uplink and leg.  Pure.
 */
#ifndef SL_WEB_METRICS_H
#define SL_WEB_METRICS_H

#include "proto/policy.h"

struct evbuffer;

/* Of a path, summed up. */
enum sl_web_sum {
	SL_WEB_SENT_BYTES,     /* by the LAN side */
	SL_WEB_RECEIVED_BYTES, /* by it */
	SL_WEB_FLOWS,
	SL_WEB_TRIED, /* connections, queries, hellos */
	SL_WEB_FAILED,
	SL_WEB_RESETS,
	SL_WEB_STALLS,
	SL_WEB_SEGMENTS,
	SL_WEB_LOST_LAN,
	SL_WEB_LOST_WAN,
	SL_WEB_SUMS
};

struct sl_web_path_sums {
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX];
	double sum[SL_WEB_SUMS];
	bool has_totals;
	struct sl_latency_totals before, now; /* WAN leg; as of a counter of the dataplane */
	uint64_t state_changes;
};

struct sl_web_uplink_sums {
	char name[SL_NAME_MAX];
	double bytes[2];
};

/* A counter of the dataplane: what it was before its last beginning, and is since. */
struct sl_web_counter {
	char name[SL_NAME_MAX];
	uint64_t before, now;
};

struct sl_web_service_sums {
	char name[SL_NAME_MAX];
	uint64_t decisions, incidents;
};

struct sl_web_metrics {
	uint64_t picture_ms;    /* monotonic, of the last picture; 0 = none yet */
	uint64_t start_unix_ns; /* older events are history, not ours to count */
	uint64_t pictures, events;
	uint32_t paths, uplinks, services, counters;
	struct sl_web_path_sums path[SL_WIRE_PATHS_MAX];
	struct sl_web_uplink_sums uplink[SL_WIRE_UPLINKS_MAX];
	struct sl_web_service_sums service[SL_WIRE_SERVICES_MAX];
	struct sl_web_counter counter[SL_WIRE_COUNTERS_MAX];
};

/* What is not in the sums: the moment. */
struct sl_web_moment {
	const struct sl_telemetry *picture; /* NULL = none yet */
	const struct sl_policy *policy;     /* NULL = none yet */
	uint64_t now_ms;
	bool redis;
	uint32_t incidents_open;
	uint32_t streams;
	uint64_t requests, refused, cut, skipped;
};

/* Take a picture that came at @now_ms (monotonic). */
void sl_web_metrics_picture(struct sl_web_metrics *metrics, const struct sl_telemetry *picture,
			    uint64_t now_ms);
/* Count an event that was heard for the first time. */
void sl_web_metrics_event(struct sl_web_metrics *metrics, const struct sl_event *event);
/* Count an incident that was opened. */
void sl_web_metrics_incident(struct sl_web_metrics *metrics, const struct sl_incident *incident);

/* Add the exposition to @to. */
void sl_web_metrics_text(const struct sl_web_metrics *metrics, const struct sl_web_moment *moment,
			 struct evbuffer *to);

#endif
