/*
 * scene.c - tills moved from a lossy fibre to LTE, guests throttled, a camera that is down
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

#define S UINT64_C(1000000000)

const char scene_policy[] = "site: store-0421\n"
			    "mode: enforce\n"
			    "ports:\n"
			    "  lan0: {device: lan0, role: lan}\n"
			    "uplinks:\n"
			    "  fibre: {device: up0, gateway: 192.0.2.1, capacity: 500mbit}\n"
			    "  lte: {device: up1, gateway: 198.51.100.1, capacity: 40mbit}\n"
			    "services:\n"
			    "  pos:\n"
			    "    match: [{dst: 203.0.113.0/24}]\n"
			    "    slo: {latency_p95: 80ms, loss: 0.5%, failures: 1%, window: 1s}\n"
			    "    uplinks: [fibre, lte]\n"
			    "    priority: critical\n"
			    "  click-collect:\n"
			    "    match: [{vlan: 30}]\n"
			    "    slo: {latency_p95: 150ms, loss: 1%}\n"
			    "    uplinks: [fibre, lte]\n"
			    "  wifi-guest:\n"
			    "    match: [{vlan: 40}]\n"
			    "    slo: {latency_p95: 250ms, loss: 2%}\n"
			    "    uplinks: [fibre]\n"
			    "    throttle: {floor: 2mbit}\n"
			    "  cctv:\n"
			    "    match: [{vlan: 50}]\n"
			    "    uplinks: [fibre]\n";

/* A path: where, how, p50 and p95 of the WAN leg in 0.1 ms, lost of 1000, rates in kbit/s. */
static const struct path {
	const char *service, *uplink;
	enum sl_health state;
	uint32_t p50, p95, samples, lost, out, in;
	const char *reason;
} paths[] = {
	{"pos", "fibre", SL_HEALTH_DEGRADED, 1520, 3010, 41, 31, 40, 60,
	 "loss 3.10 % > 0.50 % (31 of 1000 segments)"},
	{"pos", "lte", SL_HEALTH_GOOD, 203, 241, 198, 0, 900, 1300, "p95 24.1 ms < 80 ms (198)"},
	{"click-collect", "fibre", SL_HEALTH_DEGRADED, 1490, 2890, 120, 22, 3100, 9000,
	 "loss 2.20 % > 1.00 % (22 of 1000 segments)"},
	{"click-collect", "lte", SL_HEALTH_IDLE, 0, 0, 0, 0, 0, 0, "no packets in 1.0 s"},
	{"wifi-guest", "fibre", SL_HEALTH_GOOD, 410, 1800, 900, 3, 21000, 240000, ""},
	{"cctv", "fibre", SL_HEALTH_DOWN, 0, 0, 0, 0, 2500, 0,
	 "12 of 12 flows without an answer for 1.2 s"},
};

static void fill_path(struct sl_path_report *path, const struct path *from, uint32_t wobble)
{
	*path = (struct sl_path_report){.state = from->state,
					.window_ms = 1000,
					.coverage_ppm = 1000000};
	snprintf(path->service, sizeof(path->service), "%s", from->service);
	snprintf(path->uplink, sizeof(path->uplink), "%s", from->uplink);
	snprintf(path->reason, sizeof(path->reason), "%s", from->reason);
	path->bytes[0] = from->out * UINT64_C(125);
	path->bytes[1] = from->in * UINT64_C(125);
	if (!from->samples)
		return;
	path->rtt[1] = (struct sl_latency_report){
		"ts", from->samples, 0, from->p50 * 100, from->p95 * (90 + wobble % 21), 0};
	path->rtt[0] = (struct sl_latency_report){"ts", from->samples, 0, 400, 1200, 2000};
	path->loss[0].segments = 1000;
	path->loss[0].lost_after = from->lost;
	path->attempts = 22;
	path->attempts_repeated = from->lost / 10;
}

static void fill_uplink(struct sl_uplink_report *uplink, const char *name, uint64_t out,
			uint64_t in, uint64_t capacity)
{
	*uplink = (struct sl_uplink_report){.state = SL_HEALTH_GOOD,
					    .rate_bps = {out, in},
					    .capacity_bps = capacity};
	snprintf(uplink->name, sizeof(uplink->name), "%s", name);
}

static void fill_service(struct sl_service_report *service, const char *name, const char *uplink,
			 const char *cause)
{
	*service = (struct sl_service_report){.rerouted = cause[0] && !strcmp(uplink, "lte")};
	snprintf(service->name, sizeof(service->name), "%s", name);
	snprintf(service->uplink, sizeof(service->uplink), "%s", uplink);
	snprintf(service->cause, sizeof(service->cause), "%s", cause);
}

void scene_picture(struct sl_telemetry *picture, uint64_t tick, uint64_t now_unix_ns)
{
	memset(picture, 0, sizeof(*picture));
	snprintf(picture->site, sizeof(picture->site), SCENE_SITE);
	picture->boot = SCENE_BOOT;
	picture->version = tick + 1;
	picture->at_unix_ns = now_unix_ns;
	picture->mode = SL_MODE_ENFORCE;
	picture->policy_version = 3;
	picture->paths = sizeof(paths) / sizeof(paths[0]);
	for (uint32_t i = 0; i < picture->paths; i++)
		fill_path(&picture->path[i], &paths[i], (uint32_t)(tick / 10 * (i + 3) % 97));
	picture->uplinks = 2;
	fill_uplink(&picture->uplink[0], "fibre", 26640000, 249060000, 500000000);
	fill_uplink(&picture->uplink[1], "lte", 900000, 38300000, 40000000);
	picture->services = 4;
	fill_service(&picture->service[0], "pos", "lte", "control-7-12");
	fill_service(&picture->service[1], "click-collect", "fibre", "");
	fill_service(&picture->service[2], "wifi-guest", "fibre", "control-7-11");
	picture->service[2].limit_bps[0] = picture->service[2].limit_bps[1] = 20000000;
	fill_service(&picture->service[3], "cctv", "fibre", "");
	picture->dhcp = 2;
	picture->dhcp_vlan[0] = (struct sl_dhcp_report){.vlan = 20, .clients = 6, .servers = 1};
	picture->dhcp_vlan[1] = (struct sl_dhcp_report){.vlan = 40,
							.clients = 210,
							.clients_randomised = 190,
							.clients_asking = 40,
							.clients_unanswered = 12,
							.new_server = "10.9.9.9"};
}

/* What the move of the tills came from. */
static const struct sl_decision move = {
	.located = "click-collect is bad on fibre too, and pos was good on lte",
	.fingerprint = SCENE_PRINT,
	.remembered = "reroute to lte helped 3 of 3 times, in 2.9 s",
	.inputs = 3,
	.input = {{"loss_wan_ppm", 31000, 5000, 200, 1000},
		  {"rtt_wan_p95_us", 301000, 80000, 21000, 41},
		  {"silent_ms", 0, 800, 0, 0}},
	.options = 3,
	.option = {{"throttle", "wifi-guest", false, "not the culprit: it has 21 of 500 Mbit/s"},
		   {"reroute", "lte", true, "good there: p95 24 ms; room for 38 of 40 Mbit/s"},
		   {"hold", "", false, "the samples say enough"}},
};

static const struct sl_decision held = {
	.located = "pos is bad on fibre too",
	.guardrail = "hold-down: click-collect came back from lte 12 s ago, 30 s are wanted",
	.inputs = 1,
	.input = {{"loss_wan_ppm", 22000, 10000, 100, 1000}},
	.options = 1,
	.option = {{"reroute", "lte", false, "no headroom: 38 of 40 Mbit/s"}},
};

static const struct {
	uint64_t ago_s;
	enum sl_event_kind kind;
	const char *source, *service, *uplink, *to, *remedy, *command;
	enum sl_verdict verdict;
	uint64_t incident;
	const char *text;
	const struct sl_decision *decision;
} events[] = {
	{3600, SL_EVENT_STARTED, "dataplane", "", "", "", "", "", 0, 0, "engine xdp, native", NULL},
	{120, SL_EVENT_ACTION, "dataplane", "pos", "fibre", "lte", "reroute", "fast-reroute", 0, 16,
	 "fibre dark for 240 ms", NULL},
	{110, SL_EVENT_DECISION, "control", "pos", "lte", "fibre", "restore", "control-7-10",
	 SL_VERDICT_UPLINK, 16, "pos from lte to fibre: fibre keeps its SLO again", NULL},
	{60, SL_EVENT_DECISION, "control", "wifi-guest", "fibre", "", "throttle", "control-7-11",
	 SL_VERDICT_UPLINK, 16, "wifi-guest limited to 20.00 Mbit/s: it fills fibre", NULL},
	{41, SL_EVENT_STATE_CHANGE, "dataplane", "pos", "fibre", "", "", "", 0, 0,
	 "loss 3.10 % > 0.50 % (31 of 1000 segments)", NULL},
	{40, SL_EVENT_DECISION, "control", "pos", "fibre", "lte", "reroute", "control-7-12",
	 SL_VERDICT_UPLINK, 17, "pos from fibre to lte: loss 3.10 % > 0.50 %", &move},
	{20, SL_EVENT_DECISION, "control", "click-collect", "fibre", "", "hold", "",
	 SL_VERDICT_UPLINK, 18, "click-collect stays on fibre", &held},
};

bool scene_event(struct sl_event *event, unsigned int index, uint64_t now_unix_ns)
{
	if (index >= sizeof(events) / sizeof(events[0]))
		return false;
	*event = (struct sl_event){.boot = SCENE_BOOT,
				   .seq = index + 1,
				   .at_unix_ns = now_unix_ns - events[index].ago_s * S,
				   .kind = events[index].kind,
				   .verdict = events[index].verdict,
				   .incident = events[index].incident,
				   .has_decision = events[index].decision != NULL};
	snprintf(event->site, SL_NAME_MAX, SCENE_SITE);
	snprintf(event->source, SL_NAME_MAX, "%s", events[index].source);
	snprintf(event->service, SL_NAME_MAX, "%s", events[index].service);
	snprintf(event->uplink, SL_NAME_MAX, "%s", events[index].uplink);
	snprintf(event->to_uplink, SL_NAME_MAX, "%s", events[index].to);
	snprintf(event->remedy, SL_NAME_MAX, "%s", events[index].remedy);
	snprintf(event->command_id, SL_ID_MAX, "%s", events[index].command);
	snprintf(event->text, SL_TEXT_MAX, "%s", events[index].text);
	if (event->kind == SL_EVENT_STATE_CHANGE) {
		event->before = SL_HEALTH_GOOD;
		event->after = SL_HEALTH_DEGRADED;
	}
	if (events[index].decision)
		event->decision = *events[index].decision;
	return true;
}

static void step(struct sl_incident *incident, uint64_t at, const char *remedy, const char *target,
		 const char *text)
{
	struct sl_incident_step *made = &incident->step[incident->steps++];

	made->at_unix_ns = at;
	snprintf(made->remedy, SL_NAME_MAX, "%s", remedy);
	snprintf(made->target, SL_NAME_MAX, "%s", target);
	snprintf(made->text, SL_TEXT_MAX, "%s", text);
}

static void close_it(struct sl_incident *incident, uint64_t from)
{
	incident->outcome = SL_OUTCOME_HELPED;
	incident->closed_unix_ns = from + 10 * S;
	step(incident, from + S / 5, "reroute", "lte", "fibre dark for 240 ms");
	step(incident, from + 10 * S, "restore", "fibre", "fibre keeps its SLO again");
}

/* 16 is over, 17 open; 17 comes twice: as it was opened, and as it stands. */
bool scene_incident(struct sl_incident *incident, unsigned int index, uint64_t now_unix_ns)
{
	uint64_t from = now_unix_ns - (index ? 41 : 121) * S;

	if (index > 2)
		return false;
	*incident = (struct sl_incident){.id = index ? 17 : 16,
					 .verdict = SL_VERDICT_UPLINK,
					 .first_bad_unix_ns = from,
					 .opened_unix_ns = from + S / 2};
	snprintf(incident->site, SL_NAME_MAX, SCENE_SITE);
	snprintf(incident->service, SL_NAME_MAX, "pos");
	snprintf(incident->uplink, SL_NAME_MAX, "fibre");
	snprintf(incident->fingerprint, SL_PRINT_MAX, SCENE_PRINT);
	snprintf(incident->located, SL_TEXT_MAX, "click-collect is bad on fibre too");
	fill_path(&incident->path, &paths[0], 10);
	incident->has_path = true;
	if (index == 1)
		return true;
	snprintf(incident->remedy, SL_NAME_MAX, "reroute");
	snprintf(incident->target, SL_NAME_MAX, "lte");
	incident->acted_unix_ns = from + S * 11 / 10;
	incident->proved_unix_ns = from + S * 3;
	if (!index)
		close_it(incident, from);
	else
		step(incident, from + S * 11 / 10, "reroute", "lte", "loss 3.10 % > 0.50 %");
	return true;
}

void scene_memory(struct sl_memory_report *report)
{
	memset(report, 0, sizeof(*report));
	snprintf(report->site, sizeof(report->site), SCENE_SITE);
	report->at_unix_ns = 1;
	report->entries = 2;
	report->entry[0] = (struct sl_memory_entry){SCENE_PRINT, "reroute", "lte", 3, 0, 2900, S};
	report->entry[1] = (struct sl_memory_entry){SCENE_PRINT, "throttle", "", 0, 2, 0, S};
}
