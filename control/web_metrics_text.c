/*
 * web_metrics_text.c - the exposition: a family a row, its samples below it
 *
 * Quantiles are gauges with their name (p50, p95): a summary without sum and count would be
 * none.  Histograms are of critical services' WAN leg alone: 15 series a path.  A path that has
 * no samples of a thing has no sample here either, so that no alert is made of a zero that
 * nobody measured.
 */
#include "web_metrics.h"

#include "view.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct text {
	struct evbuffer *to;
	const struct sl_web_metrics *metrics;
	const struct sl_web_moment *moment;
};

static const char *const legs[2] = {"lan", "wan"};

static void family(const struct text *text, const char *name, const char *kind, const char *help)
{
	evbuffer_add_printf(text->to, "# HELP storeline_%s %s\n# TYPE storeline_%s %s\n", name,
			    help, name, kind);
}

static void gauge(const struct text *text, const char *name, const char *help, double value)
{
	family(text, name, "gauge", help);
	evbuffer_add_printf(text->to, "storeline_%s %.15g\n", name, value);
}

static void counter(const struct text *text, const char *name, const char *help, uint64_t value)
{
	family(text, name, "counter", help);
	evbuffer_add_printf(text->to, "storeline_%s %" PRIu64 "\n", name, value);
}

/* A name of the wire may hold what ends a label's value: escaped. */
static void label(const struct text *text, const char *key, const char *of)
{
	evbuffer_add_printf(text->to, "%s=\"", key);
	for (; *of; of++)
		evbuffer_add_printf(text->to, *of == '"' || *of == '\\' ? "\\%c" : "%c", *of);
	evbuffer_add(text->to, "\"", 1);
}

static void path_sample(const struct text *text, const char *name, const char *service,
			const char *uplink, const char *leg)
{
	evbuffer_add_printf(text->to, "storeline_%s{", name);
	label(text, "service", service);
	label(text, ",uplink", uplink);
	if (leg)
		label(text, ",leg", leg);
	evbuffer_add(text->to, "} ", 2);
}

static void value(const struct text *text, double number)
{
	evbuffer_add_printf(text->to, "%.15g\n", number);
}

/* Quantiles of the round trip. */
static void latencies(const struct text *text, const char *name, const char *help, size_t member)
{
	const struct sl_telemetry *picture = text->moment->picture;

	family(text, name, "gauge", help);
	for (uint32_t i = 0; i < picture->paths; i++) {
		const struct sl_path_report *path = &picture->path[i];

		for (int leg = 0; leg < 2; leg++) {
			const struct sl_latency_report *rtt = &path->rtt[leg];
			uint32_t us;

			if (!rtt->samples)
				continue;
			memcpy(&us, (const char *)rtt + member, sizeof(us));
			path_sample(text, name, path->service, path->uplink, legs[leg]);
			value(text, us / 1e6);
		}
	}
}

static void path_gauges(const struct text *text)
{
	const struct sl_telemetry *picture = text->moment->picture;

	latencies(text, "path_rtt_p50_seconds", "Median round trip of the last window, by leg.",
		  offsetof(struct sl_latency_report, p50_us));
	latencies(text, "path_rtt_p95_seconds",
		  "95th percentile of the round trip of the last window, by leg.",
		  offsetof(struct sl_latency_report, p95_us));
	family(text, "path_loss_ratio", "gauge",
	       "Share of segments lost in the last window, of the worse direction, by leg.");
	for (uint32_t i = 0; i < picture->paths; i++) {
		const struct sl_path_report *path = &picture->path[i];

		for (unsigned int leg = 0; leg < 2 && sl_view_segments(path); leg++) {
			path_sample(text, "path_loss_ratio", path->service, path->uplink,
				    legs[leg]);
			value(text, sl_view_loss_ppm(path, leg) / 1e6);
		}
	}
	family(text, "path_health", "gauge",
	       "State: 0 unknown, 1 good, 2 degraded, 3 down, 4 idle, 5 blind.");
	for (uint32_t i = 0; i < picture->paths; i++) {
		path_sample(text, "path_health", picture->path[i].service, picture->path[i].uplink,
			    NULL);
		value(text, picture->path[i].state);
	}
	family(text, "path_coverage_ratio", "gauge", "Share of packets measured in a flow.");
	for (uint32_t i = 0; i < picture->paths; i++) {
		if (!picture->path[i].packets[0] && !picture->path[i].packets[1])
			continue;
		path_sample(text, "path_coverage_ratio", picture->path[i].service,
			    picture->path[i].uplink, NULL);
		value(text, picture->path[i].coverage_ppm / 1e6);
	}
}

static const struct {
	const char *name, *help, *leg;
	enum sl_web_sum sum;
} sums[] = {
	{"path_sent_bytes_total", "Bytes sent by the LAN side.", NULL, SL_WEB_SENT_BYTES},
	{"path_received_bytes_total", "Bytes sent to the LAN side.", NULL, SL_WEB_RECEIVED_BYTES},
	{"path_flows_total", "New flows.", NULL, SL_WEB_FLOWS},
	{"path_attempts_total", "Connections, DNS queries and TLS or QUIC hellos tried.", NULL,
	 SL_WEB_TRIED},
	{"path_failures_total", "Of the attempts: unanswered, refused or failed.", NULL,
	 SL_WEB_FAILED},
	{"path_resets_total", "Connections reset.", NULL, SL_WEB_RESETS},
	{"path_stalls_total", "Waits for an answer that took too long.", NULL, SL_WEB_STALLS},
	{"path_segments_total", "TCP segments and QUIC packets, both directions.", NULL,
	 SL_WEB_SEGMENTS},
	{"path_lost_segments_total", "Segments lost, by leg.", "lan", SL_WEB_LOST_LAN},
	{"path_lost_segments_total", NULL, "wan", SL_WEB_LOST_WAN},
};

static void path_sums(const struct text *text)
{
	const struct sl_web_metrics *metrics = text->metrics;

	for (size_t s = 0; s < sizeof(sums) / sizeof(sums[0]); s++) {
		if (sums[s].help)
			family(text, sums[s].name, "counter", sums[s].help);
		for (uint32_t i = 0; i < metrics->paths; i++) {
			const struct sl_web_path_sums *path = &metrics->path[i];

			path_sample(text, sums[s].name, path->service, path->uplink, sums[s].leg);
			evbuffer_add_printf(text->to, "%.0f\n", path->sum[sums[s].sum]);
		}
	}
	family(text, "path_state_changes_total", "counter", "Changes of a path's state.");
	for (uint32_t i = 0; i < metrics->paths; i++) {
		path_sample(text, "path_state_changes_total", metrics->path[i].service,
			    metrics->path[i].uplink, NULL);
		evbuffer_add_printf(text->to, "%" PRIu64 "\n", metrics->path[i].state_changes);
	}
}

static void bucket(const struct text *text, const struct sl_web_path_sums *path, const char *bound,
		   uint64_t count)
{
	evbuffer_add_printf(text->to, "storeline_path_rtt_seconds_bucket{");
	label(text, "service", path->service);
	label(text, ",uplink", path->uplink);
	evbuffer_add_printf(text->to, ",leg=\"wan\",le=\"%s\"} %" PRIu64 "\n", bound, count);
}

static void histogram(const struct text *text, const struct sl_web_path_sums *path)
{
	uint64_t count = 0;
	char bound[24];

	for (uint32_t i = 0; i <= SL_LATENCY_BOUNDS; i++) {
		count += path->before.count[i] + path->now.count[i];
		if (i < SL_LATENCY_BOUNDS)
			snprintf(bound, sizeof(bound), "%.15g", sl_latency_bound_us[i] / 1e6);
		bucket(text, path, i < SL_LATENCY_BOUNDS ? bound : "+Inf", count);
	}
	path_sample(text, "path_rtt_seconds_sum", path->service, path->uplink, "wan");
	value(text, (double)(path->before.sum_us + path->now.sum_us) / 1e6);
	path_sample(text, "path_rtt_seconds_count", path->service, path->uplink, "wan");
	evbuffer_add_printf(text->to, "%" PRIu64 "\n", count);
}

static void histograms(const struct text *text)
{
	bool said = false;

	for (uint32_t i = 0; i < text->metrics->paths; i++) {
		if (!text->metrics->path[i].has_totals)
			continue;
		if (!said)
			family(text, "path_rtt_seconds", "histogram",
			       "Round trips on the WAN leg of critical services.");
		said = true;
		histogram(text, &text->metrics->path[i]);
	}
}

static void labelled(const struct text *text, const char *name, const char *key, const char *of)
{
	evbuffer_add_printf(text->to, "storeline_%s{", name);
	label(text, key, of);
	evbuffer_add(text->to, "} ", 2);
}

static void uplink_gauges(const struct text *text)
{
	const struct sl_telemetry *picture = text->moment->picture;

	family(text, "uplink_health", "gauge", "State of an uplink, numbered as path_health.");
	for (uint32_t i = 0; i < picture->uplinks; i++) {
		labelled(text, "uplink_health", "uplink", picture->uplink[i].name);
		value(text, picture->uplink[i].state);
	}
	family(text, "uplink_capacity_bytes_per_second", "gauge", "What the policy says it can.");
	for (uint32_t i = 0; i < picture->uplinks; i++) {
		if (!picture->uplink[i].capacity_bps)
			continue;
		labelled(text, "uplink_capacity_bytes_per_second", "uplink",
			 picture->uplink[i].name);
		value(text, (double)picture->uplink[i].capacity_bps / 8);
	}
}

static void uplink_sums(const struct text *text)
{
	static const char *const names[2] = {"uplink_transmit_bytes_total",
					     "uplink_receive_bytes_total"};
	static const char *const help[2] = {"Bytes sent towards the WAN.",
					    "Bytes that came from it."};

	for (int side = 0; side < 2; side++) {
		family(text, names[side], "counter", help[side]);
		for (uint32_t i = 0; i < text->metrics->uplinks; i++) {
			labelled(text, names[side], "uplink", text->metrics->uplink[i].name);
			evbuffer_add_printf(text->to, "%.0f\n",
					    text->metrics->uplink[i].bytes[side]);
		}
	}
}

static const char *uplink_of(const struct sl_telemetry *picture, const char *service)
{
	for (uint32_t i = 0; i < picture->services; i++)
		if (!strcmp(picture->service[i].name, service))
			return picture->service[i].uplink;
	return NULL;
}

/* Of the uplinks that a service may use: it has a path there. */
static void service_uplinks(const struct text *text)
{
	const struct sl_telemetry *picture = text->moment->picture;

	family(text, "service_uplink", "gauge", "1 on the uplink that takes its new flows.");
	for (uint32_t i = 0; i < picture->paths; i++) {
		const struct sl_path_report *path = &picture->path[i];
		const char *uplink = uplink_of(picture, path->service);

		if (!uplink)
			continue;
		path_sample(text, "service_uplink", path->service, path->uplink, NULL);
		value(text, !strcmp(uplink, path->uplink));
	}
}

static void service_gauges(const struct text *text)
{
	const struct sl_telemetry *picture = text->moment->picture;

	service_uplinks(text);
	family(text, "service_rerouted", "gauge", "1 when not on the policy's first uplink.");
	for (uint32_t i = 0; i < picture->services; i++) {
		labelled(text, "service_rerouted", "service", picture->service[i].name);
		value(text, picture->service[i].rerouted);
	}
	family(text, "service_limit_bytes_per_second", "gauge",
	       "The rate limit that is set, of the narrower direction; no sample: none.");
	for (uint32_t i = 0; i < picture->services; i++) {
		const uint64_t *limit = picture->service[i].limit_bps;
		uint64_t least =
			!limit[0] || (limit[1] && limit[1] < limit[0]) ? limit[1] : limit[0];

		if (!least)
			continue;
		labelled(text, "service_limit_bytes_per_second", "service",
			 picture->service[i].name);
		value(text, (double)least / 8);
	}
}

static void service_sums(const struct text *text)
{
	const struct sl_web_metrics *metrics = text->metrics;

	family(text, "decisions_total", "counter", "Decisions of control, also to hold.");
	for (uint32_t i = 0; i < metrics->services; i++) {
		labelled(text, "decisions_total", "service", metrics->service[i].name);
		evbuffer_add_printf(text->to, "%" PRIu64 "\n", metrics->service[i].decisions);
	}
	family(text, "incidents_total", "counter", "Incidents opened.");
	for (uint32_t i = 0; i < metrics->services; i++) {
		labelled(text, "incidents_total", "service", metrics->service[i].name);
		evbuffer_add_printf(text->to, "%" PRIu64 "\n", metrics->service[i].incidents);
	}
}

static void slos(const struct text *text)
{
	const struct sl_policy *policy = text->moment->policy;

	family(text, "slo_latency_seconds", "gauge", "The SLO's latency limit on the WAN leg.");
	for (uint32_t i = 0; i < policy->services; i++) {
		if (!policy->service[i].has_slo || !policy->service[i].slo.latency_ns)
			continue;
		labelled(text, "slo_latency_seconds", "service", policy->service[i].name);
		value(text, (double)policy->service[i].slo.latency_ns / 1e9);
	}
	family(text, "slo_loss_ratio", "gauge", "The SLO's loss limit.");
	for (uint32_t i = 0; i < policy->services; i++) {
		if (!policy->service[i].has_slo || policy->service[i].slo.loss_ppm == UINT32_MAX)
			continue;
		labelled(text, "slo_loss_ratio", "service", policy->service[i].name);
		value(text, policy->service[i].slo.loss_ppm / 1e6);
	}
}

/* "packets.too_short" to "dataplane_packets_too_short"; what no metric may be called, to _. */
static void metric_name(char *to, size_t size, const char *from)
{
	int length = snprintf(to, size, "dataplane_%s", from);

	for (int i = 0; i < length && (size_t)i < size; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
			    to[i]))
			to[i] = '_';
}

static void dataplane(const struct text *text)
{
	static const char *const levels[] = {"spool.pending", "spool.failing"};

	for (uint32_t i = 0; i < text->metrics->counters; i++) {
		const struct sl_web_counter *kept = &text->metrics->counter[i];
		char name[SL_NAME_MAX + 24];
		bool level = false;

		for (size_t l = 0; l < sizeof(levels) / sizeof(levels[0]); l++)
			level |= !strcmp(kept->name, levels[l]);
		metric_name(name, sizeof(name) - 8, kept->name);
		if (!strcmp(kept->name, "agent.late_max_us")) {
			gauge(text, "dataplane_agent_late_max_seconds",
			      "The latest that a tick of the agent ever was.",
			      (double)kept->now / 1e6);
		} else if (level) {
			gauge(text, name, "Of the dataplane, at this moment.", (double)kept->now);
		} else {
			memcpy(name + strlen(name), "_total", 7);
			counter(text, name, "Counter of the dataplane.", kept->before + kept->now);
		}
	}
}

static void site(const struct text *text)
{
	const struct sl_web_moment *moment = text->moment;
	const struct sl_web_metrics *metrics = text->metrics;

	gauge(text, "redis_connected", "1 while control has its Redis.", moment->redis);
	if (metrics->picture_ms)
		gauge(text, "picture_age_seconds", "Since the dataplane's last picture.",
		      (double)(moment->now_ms - metrics->picture_ms) / 1e3);
	gauge(text, "incidents_open", "Incidents that are not closed.", moment->incidents_open);
	counter(text, "pictures_total", "Pictures heard of the dataplane.", metrics->pictures);
	counter(text, "events_total", "Events heard.", metrics->events);
	gauge(text, "web_streams", "Streams to pages.", moment->streams);
	counter(text, "web_requests_total", "Requests answered.", moment->requests);
	counter(text, "web_refused_total", "Of them: with an error status.", moment->refused);
	counter(text, "web_cut_total", "Connections cut because they were too slow.", moment->cut);
	counter(text, "web_skipped_total",
		"Messages not sent to a slow stream, which got the newest.", moment->skipped);
	gauge(text, "start_time_seconds", "Unix time of control's start.",
	      (double)metrics->start_unix_ns / 1e9);
}

static void switches(const struct text *text)
{
	const struct sl_telemetry *picture = text->moment->picture;

	gauge(text, "mode", "0 observe, 1 shadow, 2 enforce.", picture->mode);
	gauge(text, "frozen", "1: no new action.", picture->frozen);
	gauge(text, "bypassed", "1: every packet passes untouched.", picture->bypassed);
	gauge(text, "policy_version", "Of the policy in force.", (double)picture->policy_version);
}

void sl_web_metrics_text(const struct sl_web_metrics *metrics, const struct sl_web_moment *moment,
			 struct evbuffer *to)
{
	const struct text text = {to, metrics, moment};

	site(&text);
	path_sums(&text);
	histograms(&text);
	uplink_sums(&text);
	service_sums(&text);
	dataplane(&text);
	if (moment->policy)
		slos(&text);
	if (moment->picture) {
		switches(&text);
		path_gauges(&text);
		uplink_gauges(&text);
		service_gauges(&text);
	}
}
