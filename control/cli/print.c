/*
 * print.c - pictures and events as text
 */
#include "print.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEADING_LINES 5 /* the site, two headings, two empty ones */

bool sl_print_colour(FILE *to)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fileno(to)) && !(no && *no);
}

const char *sl_print_paint(enum sl_health health, bool colour)
{
	static const char *const codes[SL_HEALTH_COUNT] = {
		[SL_HEALTH_UNKNOWN] = "\033[2m",   [SL_HEALTH_GOOD] = "\033[32m",
		[SL_HEALTH_DEGRADED] = "\033[33m", [SL_HEALTH_DOWN] = "\033[1;31m",
		[SL_HEALTH_IDLE] = "\033[2m",      [SL_HEALTH_BLIND] = "\033[35m"};

	return colour && health < SL_HEALTH_COUNT ? codes[health] : "";
}

const char *sl_print_plain(bool colour)
{
	return colour ? "\033[0m" : "";
}

const char *sl_print_rate(uint64_t bps, char *text, size_t size)
{
	static const char units[] = " kMGT";
	double value = (double)bps;
	unsigned int unit = 0;

	while (value >= 1000 && unit < 4) {
		value /= 1000;
		unit++;
	}
	if (unit)
		snprintf(text, size, "%.*f%c", value < 100 ? 1 : 0, value, units[unit]);
	else
		snprintf(text, size, "%.0f", value);
	return text;
}

static void milliseconds(const struct sl_latency_report *rtt, uint32_t us, char *text, size_t size)
{
	if (rtt->samples)
		snprintf(text, size, "%.1f", us / 1e3);
	else
		snprintf(text, size, "-");
}

/* WAN leg: after us towards the WAN, before us from it. */
void sl_print_lost(const struct sl_path_report *path, uint32_t *lost, uint32_t *segments)
{
	*segments = path->loss[0].segments + path->loss[1].segments;
	*lost = path->loss[0].lost_after + path->loss[1].lost_before;
}

static void loss(const struct sl_path_report *path, char *text, size_t size)
{
	uint32_t lost, segments;

	sl_print_lost(path, &lost, &segments);

	if (segments)
		snprintf(text, size, "%.2f", lost * 100.0 / segments);
	else
		snprintf(text, size, "-");
}

uint64_t sl_print_path_rate(const struct sl_path_report *path, unsigned int side)
{
	return path->window_ms ? path->bytes[side] * 8000 / path->window_ms : 0;
}

const struct sl_service_report *sl_print_setting(const struct sl_telemetry *picture,
						 const char *service)
{
	for (uint32_t i = 0; i < picture->services; i++)
		if (!strcmp(picture->service[i].name, service))
			return &picture->service[i];
	return NULL;
}

static void note(const struct sl_path_report *path, const struct sl_service_report *set, char *text,
		 size_t size)
{
	bool here = set && !strcmp(set->uplink, path->uplink);
	char limit[48] = "", bps[16];
	size_t at = 0;

	text[0] = '\0';
	if (here && (set->limit_bps[0] || set->limit_bps[1]))
		at = (size_t)snprintf(limit, sizeof(limit), " limit %sbit/s",
				      sl_print_rate(set->limit_bps[0] ? set->limit_bps[0]
								      : set->limit_bps[1],
						    bps, sizeof(bps)));
	if (here && set->dscp[0])
		snprintf(limit + at, sizeof(limit) - at, " dscp %s", set->dscp);
	if (here && set->rerouted)
		snprintf(text, size, "rerouted by %s%s", set->cause[0] ? set->cause : "?", limit);
	else if (path->state == SL_HEALTH_GOOD || path->state == SL_HEALTH_IDLE)
		snprintf(text, size, "%s", limit[0] ? limit + 1 : "");
	else
		snprintf(text, size, "%.80s%s", path->reason, limit);
}

static void path_line(FILE *to, const struct sl_telemetry *picture,
		      const struct sl_path_report *path, bool colour)
{
	const struct sl_service_report *set = sl_print_setting(picture, path->service);
	bool here = set && !strcmp(set->uplink, path->uplink);
	char p50[16], p95[16], lost[16], up[16], down[16], text[SL_TEXT_MAX];

	milliseconds(&path->rtt[1], path->rtt[1].p50_us, p50, sizeof(p50));
	milliseconds(&path->rtt[1], path->rtt[1].p95_us, p95, sizeof(p95));
	loss(path, lost, sizeof(lost));
	note(path, set, text, sizeof(text));
	fprintf(to, "%-18.18s %s%-9.9s %s%-9s%s %8s %8s %7s %8s %8s  %s\n", path->service,
		here ? "*" : " ", path->uplink[0] ? path->uplink : "-",
		sl_print_paint(path->state, colour), sl_health_word(path->state),
		sl_print_plain(colour), p50, p95, lost,
		sl_print_rate(sl_print_path_rate(path, 0), up, sizeof(up)),
		sl_print_rate(sl_print_path_rate(path, 1), down, sizeof(down)), text);
	sl_print_measures(to, path);
}

static void uplink_line(FILE *to, const struct sl_uplink_report *uplink, bool colour)
{
	char up[16], down[16], capacity[16];

	fprintf(to, "%-18.18s %s%-9s%s out %sbit/s in %sbit/s", uplink->name,
		sl_print_paint(uplink->state, colour), sl_health_word(uplink->state),
		sl_print_plain(colour), sl_print_rate(uplink->rate_bps[0], up, sizeof(up)),
		sl_print_rate(uplink->rate_bps[1], down, sizeof(down)));
	if (uplink->capacity_bps)
		fprintf(to, " of %sbit/s",
			sl_print_rate(uplink->capacity_bps, capacity, sizeof(capacity)));
	if (uplink->clamp_bytes)
		fprintf(to, "  packets of %u bytes", uplink->clamp_bytes);
	fprintf(to, "%s%s\n", uplink->state == SL_HEALTH_GOOD ? "" : "  ",
		uplink->state == SL_HEALTH_GOOD ? "" : uplink->reason);
}

void sl_print_picture(FILE *to, const struct sl_telemetry *picture, bool colour)
{
	fprintf(to, "%s%s%s  mode %s  policy %llu%s%s\n\n", colour ? "\033[1m" : "", picture->site,
		sl_print_plain(colour), sl_mode_word(picture->mode),
		(unsigned long long)picture->policy_version, picture->frozen ? "  FROZEN" : "",
		picture->bypassed ? "  BYPASSED" : "");
	fprintf(to, "%sUPLINK             STATE%s\n", colour ? "\033[1m" : "",
		sl_print_plain(colour));
	for (uint32_t i = 0; i < picture->uplinks; i++)
		uplink_line(to, &picture->uplink[i], colour);
	fprintf(to, "\n%s%-18s  %-9s %-9s %8s %8s %7s %8s %8s%s\n", colour ? "\033[1m" : "",
		"SERVICE", "UPLINK", "STATE", "P50 ms", "P95 ms", "LOSS %", "OUT", "IN",
		sl_print_plain(colour));
	for (uint32_t i = 0; i < picture->paths; i++)
		path_line(to, picture, &picture->path[i], colour);
	for (uint32_t i = 0; i < picture->dhcp; i++)
		sl_print_dhcp(to, &picture->dhcp_vlan[i]);
}

unsigned int sl_print_lines(const struct sl_telemetry *picture)
{
	unsigned int lines = HEADING_LINES + picture->uplinks + picture->paths;

	for (uint32_t i = 0; i < picture->paths; i++)
		lines += sl_print_measures(NULL, &picture->path[i]);
	for (uint32_t i = 0; i < picture->dhcp; i++)
		lines += sl_print_dhcp(NULL, &picture->dhcp_vlan[i]);
	return lines;
}

bool sl_print_unhealthy(const struct sl_telemetry *picture)
{
	for (uint32_t i = 0; i < picture->paths; i++)
		if (picture->path[i].state == SL_HEALTH_DEGRADED ||
		    picture->path[i].state == SL_HEALTH_DOWN)
			return true;
	for (uint32_t i = 0; i < picture->uplinks; i++)
		if (picture->uplink[i].state == SL_HEALTH_DEGRADED ||
		    picture->uplink[i].state == SL_HEALTH_DOWN)
			return true;
	return false;
}

static void what(const struct sl_event *event, char *text, size_t size)
{
	switch (event->kind) {
	case SL_EVENT_STATE_CHANGE:
		snprintf(text, size, "%s -> %s", sl_health_word(event->before),
			 sl_health_word(event->after));
		break;
	case SL_EVENT_ACTION:
	case SL_EVENT_DECISION:
		snprintf(text, size, "%s%s%s", event->remedy, event->to_uplink[0] ? " to " : "",
			 event->to_uplink);
		break;
	case SL_EVENT_ACK:
		snprintf(text, size, "%s %s", event->command_id, sl_ack_word(event->ack));
		break;
	case SL_EVENT_GAP:
		snprintf(text, size, "%llu events lost", (unsigned long long)event->lost);
		break;
	default:
		text[0] = '\0';
		break;
	}
}

void sl_print_event(FILE *to, const struct sl_event *event, bool colour)
{
	time_t seconds = (time_t)(event->at_unix_ns / 1000000000);
	char clock[16], text[128];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	what(event, text, sizeof(text));
	fprintf(to, "%s.%03u %-9s %-12s %s%s%s%s%s%s%s%s%s\n", clock,
		(unsigned int)(event->at_unix_ns / 1000000 % 1000), event->source,
		sl_event_kind_word(event->kind),
		event->kind == SL_EVENT_STATE_CHANGE ? sl_print_paint(event->after, colour) : "",
		event->service, event->service[0] && event->uplink[0] ? " on " : "", event->uplink,
		event->service[0] || event->uplink[0] ? ": " : "", text, sl_print_plain(colour),
		text[0] && event->text[0] ? "; " : "", event->text);
}
