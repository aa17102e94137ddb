/*
 * web_metrics.c - sums over overlapping windows, and over lives of the dataplane
 */
#include "web_metrics.h"

#include "view.h"

#include <string.h>

/* A gap in the pictures longer than this is not filled with the last rate. */
#define HOLD_MS 2000

static struct sl_web_path_sums *path_of(struct sl_web_metrics *metrics, const char *service,
					const char *uplink)
{
	struct sl_web_path_sums *path;

	for (uint32_t i = 0; i < metrics->paths; i++) {
		path = &metrics->path[i];
		if (!strcmp(path->service, service) && !strcmp(path->uplink, uplink))
			return path;
	}
	/* Full: others keep counting; a counter that gave way to a new name would go back. */
	if (metrics->paths == SL_WIRE_PATHS_MAX)
		return NULL;
	path = &metrics->path[metrics->paths++];
	*path = (struct sl_web_path_sums){0};
	memcpy(path->service, service, strnlen(service, SL_NAME_MAX - 1));
	memcpy(path->uplink, uplink, strnlen(uplink, SL_NAME_MAX - 1));
	return path;
}

static struct sl_web_service_sums *service_of(struct sl_web_metrics *metrics, const char *name)
{
	struct sl_web_service_sums *service;

	for (uint32_t i = 0; i < metrics->services; i++)
		if (!strcmp(metrics->service[i].name, name))
			return &metrics->service[i];
	if (metrics->services == SL_WIRE_SERVICES_MAX || !*name)
		return NULL;
	service = &metrics->service[metrics->services++];
	*service = (struct sl_web_service_sums){0};
	memcpy(service->name, name, strnlen(name, SL_NAME_MAX - 1));
	return service;
}

/* What the window of @path had of @sum. */
static uint64_t of_window(const struct sl_path_report *path, enum sl_web_sum sum)
{
	switch (sum) {
	case SL_WEB_SENT_BYTES:
		return path->bytes[0];
	case SL_WEB_RECEIVED_BYTES:
		return path->bytes[1];
	case SL_WEB_FLOWS:
		return path->flows_new;
	case SL_WEB_TRIED:
		return (uint64_t)path->attempts + path->queries + path->hellos;
	case SL_WEB_FAILED:
		return (uint64_t)sl_view_opens_bad(path) + sl_view_queries_bad(path);
	case SL_WEB_RESETS:
		return path->resets;
	case SL_WEB_STALLS:
		return path->stalls;
	case SL_WEB_SEGMENTS:
		return sl_view_segments(path);
	case SL_WEB_LOST_LAN:
		return sl_view_lost(path, SL_LEG_LAN);
	case SL_WEB_LOST_WAN:
		return sl_view_lost(path, SL_LEG_WAN);
	case SL_WEB_SUMS:
		break;
	}
	return 0;
}

static uint64_t all_of(const struct sl_latency_totals *totals)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i <= SL_LATENCY_BOUNDS; i++)
		all += totals->count[i];
	return all;
}

/* The dataplane begins anew with a restart and with a policy: fewer than before says so. */
static void take_totals(struct sl_web_path_sums *path, const struct sl_latency_totals *totals)
{
	if (all_of(totals) < all_of(&path->now)) {
		for (uint32_t i = 0; i <= SL_LATENCY_BOUNDS; i++)
			path->before.count[i] += path->now.count[i];
		path->before.sum_us += path->now.sum_us;
	}
	path->has_totals = true;
	path->now = *totals;
}

static void take_path(struct sl_web_metrics *metrics, const struct sl_path_report *report,
		      uint64_t held_ms)
{
	struct sl_web_path_sums *path = path_of(metrics, report->service, report->uplink);

	if (path && report->has_rtt_wan_totals)
		take_totals(path, &report->rtt_wan_totals);
	if (!path || !report->window_ms)
		return;
	for (enum sl_web_sum sum = 0; sum < SL_WEB_SUMS; sum++)
		path->sum[sum] += (double)of_window(report, sum) * (double)held_ms /
				  (double)report->window_ms;
}

static void take_uplink(struct sl_web_metrics *metrics, const struct sl_uplink_report *report,
			uint64_t held_ms)
{
	struct sl_web_uplink_sums *uplink = NULL;

	for (uint32_t i = 0; i < metrics->uplinks; i++)
		if (!strcmp(metrics->uplink[i].name, report->name))
			uplink = &metrics->uplink[i];
	if (!uplink && metrics->uplinks < SL_WIRE_UPLINKS_MAX) {
		uplink = &metrics->uplink[metrics->uplinks++];
		*uplink = (struct sl_web_uplink_sums){0};
		memcpy(uplink->name, report->name, sizeof(uplink->name));
	}
	for (int side = 0; uplink && side < 2; side++)
		uplink->bytes[side] += (double)report->rate_bps[side] / 8 * (double)held_ms / 1000;
}

static void take_counter(struct sl_web_metrics *metrics, const struct sl_counter *counter)
{
	struct sl_web_counter *kept = NULL;

	for (uint32_t i = 0; i < metrics->counters; i++)
		if (!strcmp(metrics->counter[i].name, counter->name))
			kept = &metrics->counter[i];
	if (!kept) {
		if (metrics->counters == SL_WIRE_COUNTERS_MAX)
			return;
		kept = &metrics->counter[metrics->counters++];
		*kept = (struct sl_web_counter){0};
		memcpy(kept->name, counter->name, sizeof(kept->name));
	}
	if (counter->value < kept->now)
		kept->before += kept->now;
	kept->now = counter->value;
}

void sl_web_metrics_picture(struct sl_web_metrics *metrics, const struct sl_telemetry *picture,
			    uint64_t now_ms)
{
	uint64_t held_ms = metrics->picture_ms ? now_ms - metrics->picture_ms : 0;

	if (held_ms > HOLD_MS)
		held_ms = HOLD_MS;
	metrics->picture_ms = now_ms;
	metrics->pictures++;
	for (uint32_t i = 0; i < picture->paths; i++)
		take_path(metrics, &picture->path[i], held_ms);
	for (uint32_t i = 0; i < picture->uplinks; i++)
		take_uplink(metrics, &picture->uplink[i], held_ms);
	for (uint32_t i = 0; i < picture->counters; i++)
		take_counter(metrics, &picture->counter[i]);
}

void sl_web_metrics_event(struct sl_web_metrics *metrics, const struct sl_event *event)
{
	struct sl_web_service_sums *service;
	struct sl_web_path_sums *path;

	if (event->at_unix_ns < metrics->start_unix_ns)
		return;
	metrics->events++;
	if (event->kind == SL_EVENT_STATE_CHANGE && event->service[0]) {
		path = path_of(metrics, event->service, event->uplink);
		if (path)
			path->state_changes++;
	}
	if (event->kind == SL_EVENT_DECISION) {
		service = service_of(metrics, event->service);
		if (service)
			service->decisions++;
	}
}

void sl_web_metrics_incident(struct sl_web_metrics *metrics, const struct sl_incident *incident)
{
	struct sl_web_service_sums *service = NULL;

	if (incident->opened_unix_ns >= metrics->start_unix_ns)
		service = service_of(metrics, incident->service);
	if (service)
		service->incidents++;
}
