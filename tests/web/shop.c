/*
 * shop.c - what the store says of itself, by mood; numbers that look like a store's
 */
#include "shop.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS 1000u

const char shop_policy[] =
	"site: " SHOP_SITE "\n"
	"mode: enforce\n"
	"ports:\n"
	"  lan0: {device: lan0, role: lan}\n"
	"uplinks:\n"
	"  fibre: {device: up0, gateway: 192.0.2.1, capacity: 500mbit}\n"
	"  lte: {device: up1, gateway: 198.51.100.1, capacity: 40mbit, metered: {monthly: 5GB}}\n"
	"services:\n"
	"  pos:\n"
	"    match: [{dst: 203.0.113.0/24}]\n"
	"    slo: {latency_p95: 80ms, loss: 0.5%, failures: 1%, window: 1s}\n"
	"    uplinks: [fibre, lte]\n"
	"    priority: critical\n"
	"  click-and-collect:\n"
	"    match: [{vlan: 30}]\n"
	"    slo: {latency_p95: 150ms, loss: 1%}\n"
	"    uplinks: [fibre, lte]\n"
	"    priority: high\n"
	"  wifi-guest:\n"
	"    match: [{src: 10.42.64.0/18}]\n"
	"    slo: {latency_p95: 250ms, loss: 2%}\n"
	"    uplinks: [fibre]\n"
	"    throttle: {floor: 2mbit}\n"
	"  cctv:\n"
	"    match: [{vlan: 40}]\n"
	"    uplinks: [fibre]\n"
	"    priority: background\n"
	"guardrails: {actions_per_minute: 6, hold_down: 5s}\n";

/* A path at peace: round trips in ms, rates in Mbit/s from and to the LAN. */
static const struct calm {
	const char *service, *uplink;
	uint32_t p50_ms, p95_ms, lan_us, samples;
	double up, down;
} calms[] = {
	{"pos", "fibre", 18, 27, 420, 640, 0.8, 1.1},
	{"pos", "lte", 0, 0, 0, 0, 0, 0},
	{"click-and-collect", "fibre", 21, 38, 2600, 310, 2.1, 9.4},
	{"click-and-collect", "lte", 44, 71, 2400, 12, 0.1, 0.2},
	{"wifi-guest", "fibre", 24, 61, 5200, 2100, 6.0, 84.0},
	{"cctv", "fibre", 19, 25, 900, 180, 24.0, 0.4},
	{"other", "fibre", 23, 55, 1500, 90, 0.6, 2.2},
	{"other", "lte", 0, 0, 0, 0, 0, 0},
};
#define CALMS (sizeof(calms) / sizeof(calms[0]))

uint64_t shop_unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#define TEXT(member, ...) snprintf(member, sizeof(member), __VA_ARGS__)

/* 0..999, the same for the same @a and @b */
static uint32_t noise(uint64_t a, uint64_t b)
{
	uint64_t x = (a * 2654435761u) ^ (b * 40503u) ^ 0x9e3779b97f4a7c15u;

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)((x ^ x >> 32) % 1000);
}

static void fill_latency(struct sl_latency_report *rtt, uint32_t p50_us, uint32_t p95_us,
			 uint32_t samples)
{
	TEXT(rtt->method, "%s", samples ? "ts" : "");
	rtt->samples = samples;
	rtt->p50_us = p50_us;
	rtt->p95_us = p95_us;
	rtt->max_us = p95_us * 2;
}

/*
 * Each picture adds forty round trips: twenty of the median, nineteen of the p95, one of the longest.
 * So the p95 of all that was ever counted lies where those of the pictures lie.
 */
static void count_up(struct sl_path_report *path, struct sl_latency_totals *totals)
{
	const struct sl_latency_report *rtt = &path->rtt[1];
	const uint32_t us[] = {rtt->p50_us, rtt->p95_us, rtt->max_us}, times[] = {20, 19, 1};

	for (int i = 0; i < 3 && rtt->samples; i++) {
		uint32_t bound = 0;

		while (bound < SL_LATENCY_BOUNDS && us[i] > sl_latency_bound_us[bound])
			bound++;
		totals->count[bound] += times[i];
		totals->sum_us += (uint64_t)us[i] * times[i];
	}
	path->has_rtt_wan_totals = true;
	path->rtt_wan_totals = *totals;
}

static void fill_traffic(struct sl_path_report *path, const struct calm *calm, uint32_t share_ppm)
{
	double part = share_ppm / 1e6;

	path->bytes[0] = (uint64_t)(calm->up * 125000 * part);
	path->bytes[1] = (uint64_t)(calm->down * 125000 * part);
	for (int side = 0; side < 2; side++) {
		path->packets[side] = (uint32_t)(path->bytes[side] / 700);
		path->loss[side].segments = path->packets[side];
	}
	path->coverage_ppm = path->packets[0] ? 996000 : 0;
	path->flows_new = calm->samples / 40;
	path->attempts = path->established = path->flows_new;
}

static void fill_path(struct sl_path_report *path, const struct calm *calm, uint64_t tick)
{
	uint32_t wave = noise(tick / 5, (uint64_t)(calm - calms)) * calm->p95_ms / 4;

	*path = (struct sl_path_report){.window_ms = 1000};
	TEXT(path->service, "%s", calm->service);
	TEXT(path->uplink, "%s", calm->uplink);
	path->state = calm->samples ? SL_HEALTH_GOOD : SL_HEALTH_IDLE;
	TEXT(path->reason, "%s", calm->samples ? "within its SLO" : "no packets in 1.0 s");
	if (!calm->samples)
		return;
	fill_latency(&path->rtt[1], calm->p50_ms * MS + wave / 3, calm->p95_ms * MS + wave,
		     calm->samples);
	fill_latency(&path->rtt[0], calm->lan_us, calm->lan_us * 2 + wave / 50, calm->samples);
	fill_traffic(path, calm, 900000 + noise(tick / 3, 7) * 200);
	if (calm->samples < 20) {
		path->state = SL_HEALTH_BLIND;
		TEXT(path->reason, "only %u samples in 1.0 s", calm->samples);
	}
}

/* The fibre is slow and loses; all services on it feel it, pos most. */
static void brown_out(struct sl_path_report *path, uint64_t tick)
{
	uint32_t extra = (150 + noise(tick / 4, 3) / 20) * MS;

	if (strcmp(path->uplink, "fibre") || !path->rtt[1].samples)
		return;
	path->rtt[1].p50_us += extra;
	path->rtt[1].p95_us += extra + extra / 4;
	for (int side = 0; side < 2; side++) {
		uint32_t *lost =
			side ? &path->loss[side].lost_before : &path->loss[side].lost_after;

		*lost = path->loss[side].segments * 31 / 1000 + 1;
	}
	if (!strcmp(path->service, "cctv") || !strcmp(path->service, "other"))
		return;
	path->state = SL_HEALTH_DEGRADED;
	TEXT(path->reason, "p95 %.0f ms above its limit, loss 3.1 %%", path->rtt[1].p95_us / 1e3);
}

static void go_down(struct sl_path_report *path)
{
	if (strcmp(path->uplink, "fibre") || !path->rtt[1].samples)
		return;
	path->rtt[1] = (struct sl_latency_report){0};
	path->state = SL_HEALTH_DOWN;
	path->silent_ms = 2300;
	path->bytes[1] = path->packets[1] = 0;
	TEXT(path->reason, "no answer for 2.3 s");
}

static void move_pos(struct sl_telemetry *picture, uint64_t tick)
{
	static const struct calm away = {"pos", "lte", 46, 68, 430, 600, 0.8, 1.1};

	for (uint32_t i = 0; i < picture->paths; i++) {
		struct sl_path_report *path = &picture->path[i];

		if (strcmp(path->service, "pos"))
			continue;
		if (strcmp(path->uplink, "lte")) {
			fill_path(path, &calms[1], tick);
			TEXT(path->uplink, "fibre");
		} else {
			fill_path(path, &away, tick);
		}
	}
	TEXT(picture->service[0].uplink, "lte");
	TEXT(picture->service[0].cause, "control-3-7");
	picture->service[0].rerouted = true;
}

static void fill_uplinks(struct sl_telemetry *picture, enum shop_mood mood)
{
	static const uint64_t capacity[2] = {500000000, 40000000};
	static const char *const names[2] = {"fibre", "lte"};

	picture->uplinks = 2;
	for (int u = 0; u < 2; u++) {
		struct sl_uplink_report *uplink = &picture->uplink[u];

		*uplink = (struct sl_uplink_report){.state = SL_HEALTH_GOOD,
						    .capacity_bps = capacity[u]};
		TEXT(uplink->name, "%s", names[u]);
		for (uint32_t i = 0; i < picture->paths; i++)
			for (int side = 0; side < 2; side++)
				if (!strcmp(picture->path[i].uplink, names[u]))
					uplink->rate_bps[side] += picture->path[i].bytes[side] * 8;
	}
	if (mood == SHOP_DOWN) {
		picture->uplink[0].state = SL_HEALTH_DOWN;
		picture->uplink[0].silent_ms = 2300;
		TEXT(picture->uplink[0].reason, "no answer to anyone for 2.3 s");
	}
}

static void fill_services(struct sl_telemetry *picture)
{
	static const char *const names[] = {"pos", "click-and-collect", "wifi-guest", "cctv",
					    "other"};

	picture->services = sizeof(names) / sizeof(names[0]);
	for (uint32_t i = 0; i < picture->services; i++) {
		picture->service[i] = (struct sl_service_report){0};
		TEXT(picture->service[i].name, "%s", names[i]);
		TEXT(picture->service[i].uplink, "fibre");
	}
	picture->service[2].limit_bps[0] = picture->service[2].limit_bps[1] = 100000000;
	TEXT(picture->service[2].cause, "cli-4fd1");
}

static void fill_counters(struct sl_telemetry *picture, uint64_t tick)
{
	static const char *const names[] = {"packets.ok", "flows.evicted", "bus.sent",
					    "spool.pending", "agent.late_max_us"};

	picture->counters = sizeof(names) / sizeof(names[0]);
	for (uint32_t i = 0; i < picture->counters; i++) {
		TEXT(picture->counter[i].name, "%s", names[i]);
		picture->counter[i].value = i == 0 ? tick * 5000 : i == 2 ? tick * 2 : i;
	}
}

void shop_picture(struct sl_telemetry *picture, enum shop_mood mood, uint64_t tick)
{
	static struct sl_latency_totals totals[2];

	memset(picture, 0, sizeof(*picture));
	TEXT(picture->site, SHOP_SITE);
	picture->boot = 77;
	picture->version = tick;
	picture->at_unix_ns = shop_unix_ns();
	picture->mode = SL_MODE_ENFORCE;
	picture->policy_version = 3;
	picture->tables_generation = 12;
	picture->paths = CALMS;
	fill_services(picture);
	for (uint32_t i = 0; i < CALMS; i++) {
		fill_path(&picture->path[i], &calms[i], tick);
		if (mood == SHOP_BROWNOUT || mood == SHOP_MOVED)
			brown_out(&picture->path[i], tick);
		if (mood == SHOP_DOWN)
			go_down(&picture->path[i]);
	}
	if (mood == SHOP_MOVED || mood == SHOP_DOWN)
		move_pos(picture, tick);
	for (int i = 0; i < 2; i++) /* pos, the critical service, on both uplinks */
		count_up(&picture->path[i], &totals[i]);
	if (mood == SHOP_BROWNOUT) {
		TEXT(picture->service[0].trial_uplink, "lte");
		picture->service[0].trial_share_ppm = 50000;
	}
	fill_uplinks(picture, mood);
	fill_counters(picture, tick);
}

static void begin_event(struct sl_event *event, const char *source, enum sl_event_kind kind)
{
	memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->at_unix_ns = shop_unix_ns();
	TEXT(event->site, SHOP_SITE);
	TEXT(event->source, "%s", source);
	TEXT(event->service, "pos");
	TEXT(event->uplink, "fibre");
}

void shop_change(struct sl_event *event, enum shop_mood mood)
{
	begin_event(event, "dataplane", SL_EVENT_STATE_CHANGE);
	event->before = mood == SHOP_GOOD ? SL_HEALTH_DEGRADED : SL_HEALTH_GOOD;
	event->after = mood == SHOP_GOOD   ? SL_HEALTH_GOOD
		       : mood == SHOP_DOWN ? SL_HEALTH_DOWN
					   : SL_HEALTH_DEGRADED;
	TEXT(event->text, "%s",
	     mood == SHOP_GOOD ? "p95 27 ms within 80 ms (640 samples in 1.0 s)"
	     : mood == SHOP_DOWN
		     ? "no answer for 2.3 s while 14 requests stand"
		     : "p95 204 ms above 80 ms, loss 3.1 % above 0.5 % (640 samples in 1.0 s)");
}

void shop_decision(struct sl_event *event, uint64_t incident)
{
	static const struct sl_decision_input inputs[] = {{"rtt_wan_p95_us", 204000, 80000, 27000,
							   640},
							  {"loss_wan_ppm", 31000, 5000, 200, 2100},
							  {"failures_ppm", 4000, 10000, 1000, 48}};
	static const struct sl_decision_option options[] = {
		{"reroute", "lte", true,
		 "measured p95 68 ms, 38 Mbit/s spare, helped 3 of 3 times"},
		{"throttle", "wifi-guest", false, "the fibre is not full: 118 of 500 Mbit/s"},
		{"hold", "", false, "the SLO has been broken for 1.2 s with 640 samples"}};
	struct sl_decision *decision = &event->decision;

	begin_event(event, "control", SL_EVENT_DECISION);
	TEXT(event->remedy, "reroute");
	TEXT(event->to_uplink, "lte");
	event->verdict = SL_VERDICT_UPLINK;
	event->incident = incident;
	TEXT(event->text,
	     "pos to lte: on fibre p95 204 ms above 80 ms and loss 3.1 %%; 5 %% of new "
	     "flows first");
	event->has_decision = true;
	TEXT(decision->located, "3 services are slow on fibre, none on lte; LAN legs are clean");
	TEXT(decision->fingerprint, "pos/fibre/rtt+3/loss+2/fail0/dns0/load0");
	TEXT(decision->remembered,
	     "seen 3 times in this site: reroute to lte helped 3 of 3, in 2.1 s");
	decision->inputs = sizeof(inputs) / sizeof(inputs[0]);
	memcpy(decision->input, inputs, sizeof(inputs));
	decision->options = sizeof(options) / sizeof(options[0]);
	memcpy(decision->option, options, sizeof(options));
}

void shop_incident(struct sl_incident *incident, uint64_t id, bool closed)
{
	static const struct {
		const char *remedy, *target, *text;
	} steps[] = {{"reroute", "lte", "5 % of new flows to lte, to compare"},
		     {"reroute", "lte",
		      "p95 68 ms there against 204 ms here: all new flows to lte"},
		     {"proved", "lte", "p95 68 ms within 80 ms, 600 samples"}};
	uint64_t now = shop_unix_ns(), second = 1000000000u;

	memset(incident, 0, sizeof(*incident));
	TEXT(incident->site, SHOP_SITE);
	incident->id = id;
	TEXT(incident->service, "pos");
	TEXT(incident->uplink, "fibre");
	incident->verdict = SL_VERDICT_UPLINK;
	TEXT(incident->located, "3 services are slow on fibre, none on lte; LAN legs are clean");
	TEXT(incident->fingerprint, "pos/fibre/rtt+3/loss+2/fail0/dns0/load0");
	TEXT(incident->remedy, "reroute");
	TEXT(incident->target, "lte");
	incident->first_bad_unix_ns = now - 6 * second;
	incident->opened_unix_ns = now - 5 * second;
	incident->acted_unix_ns = now - 3 * second;
	incident->outcome = closed ? SL_OUTCOME_HELPED : SL_OUTCOME_NONE;
	incident->proved_unix_ns = closed ? now - second : 0;
	incident->closed_unix_ns = closed ? now : 0;
	TEXT(incident->text, "p95 204 ms above 80 ms, loss 3.1 %% above 0.5 %% on fibre");
	incident->steps = closed ? 3 : 1;
	for (uint32_t i = 0; i < incident->steps; i++) {
		struct sl_incident_step *step = &incident->step[i];

		step->at_unix_ns = now - (3 - i) * second;
		TEXT(step->remedy, "%s", steps[i].remedy);
		TEXT(step->target, "%s", steps[i].target);
		TEXT(step->text, "%s", steps[i].text);
	}
}
