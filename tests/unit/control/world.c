/*
 * world.c - traffic and faults to pictures; orders to settings
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM     1000000u
#define DARK_MS 500 /* an uplink that is silent for so long is down */

static const struct {
	const char *name;
	uint8_t priority, uplinks;
	bool may_throttle;
	uint32_t latency_ms, loss_ppm, samples, segments; /* a tick */
	uint64_t bps;
	uint32_t flows_ps;
} services[WORLD_SERVICES] = {
	[POS] = {"pos", 3, 2, false, 80, 5000, 3, 8, 200000, 6},
	[COLLECT] = {"collect", 2, 2, false, 120, 10000, 3, 10, 400000, 40},
	[GUEST] = {"guest", 0, 1, true, 250, 100000, 20, 100, 0, 30},
	[CCTV] = {"cctv", 1, 1, false, 300, 50000, 5, 30, 2000000, 0},
};
static const char *const uplinks[WORLD_UPLINKS] = {"fibre", "lte"};
static const uint32_t base_ms[WORLD_UPLINKS] = {18, 40};

static uint32_t dice(struct world *world, uint32_t below)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)(world->random >> 33) % below : 0;
}

static void make_policy(struct sl_policy *policy, enum sl_mode mode, uint32_t hold_ms)
{
	snprintf(policy->site, SL_NAME_MAX, "store-0421");
	policy->mode = mode;
	policy->uplinks = WORLD_UPLINKS;
	policy->services = WORLD_SERVICES;
	policy->guardrails = (struct sl_policy_guardrails){6, 4, hold_ms};
	for (unsigned int u = 0; u < WORLD_UPLINKS; u++)
		snprintf(policy->uplink[u].name, SL_NAME_MAX, "%s", uplinks[u]);
	policy->uplink[FIBRE].capacity_bps = 20000000;
	policy->uplink[LTE].capacity_bps = 40000000;
	for (unsigned int s = 0; s < WORLD_SERVICES; s++) {
		struct sl_policy_service *service = &policy->service[s];

		snprintf(service->name, SL_NAME_MAX, "%s", services[s].name);
		service->priority = services[s].priority;
		service->uplinks = services[s].uplinks;
		service->uplink[1] = LTE;
		service->may_throttle = services[s].may_throttle;
		service->throttle_floor_bps = service->may_throttle ? 2000000 : 0;
		service->has_slo = true;
		service->slo = (struct sl_policy_slo){services[s].latency_ms * 1000000ull, 950000,
						      services[s].loss_ppm, 10000, 1000};
	}
}

void world_start(struct world *world, enum sl_mode mode, uint32_t hold_ms)
{
	memset(world, 0, sizeof(*world));
	make_policy(&world->policy, mode, hold_ms);
	world->now_ms = 1000000;
	world->random = 42;
	world->jitter_ms = 6;
	world->guest_bps = 1000000;
	for (unsigned int s = 0; s < WORLD_SERVICES; s++)
		world->flows_ps[s] = services[s].flows_ps;
	world->capacity_bps = 20000000;
	sl_site_init(&world->site, "store-0421");
	world->site.term = 1;
	sl_site_clock(&world->site, WORLD_UNIX_NS, 0);
	sl_site_set_policy(&world->site, &world->policy, 1);
	snprintf(world->picture.site, SL_NAME_MAX, "store-0421");
	world->picture.boot = 77;
	world->picture.mode = mode;
	world->picture.policy_version = 1;
}

static void hear(struct world *world, struct sl_event *event)
{
	event->boot = 77;
	event->seq = ++world->seq;
	sl_site_event(&world->site, event, world->now_ms, &world->out);
}

static void set_uplink(struct world *world, unsigned int s, unsigned int u, bool live,
		       const char *cause)
{
	if (world->where[s] != u)
		world->moves[s]++;
	world->share_ppm[s] = 0;
	world->stays[s] = !live && world->where[s] != u;
	world->where[s] = u;
	snprintf(world->cause[s], SL_ID_MAX, "%s", cause);
	if (s == POS && u == LTE && !world->away_ms)
		world->away_ms = world->now_ms;
	if (s == POS && u == FIBRE)
		world->home_ms = world->now_ms;
}

static void obey(struct world *world, const struct sl_order *order)
{
	struct sl_event ack = {.kind = SL_EVENT_ACK, .ack = SL_ACK_APPLIED};

	if (world->deaf)
		return;
	memcpy(ack.command_id, order->id, sizeof(ack.command_id));
	if (order->kind == SL_COMMAND_ROLLBACK)
		ack.ack = world->go_back(world, order);
	if (order->kind == SL_COMMAND_CLAMP) {
		world->clamps += order->packet_bytes != 0;
		world->unclamps += order->packet_bytes == 0;
		world->clamp_bytes[strcmp(order->uplink, "lte") ? FIBRE : LTE] =
			order->packet_bytes;
	}
	for (unsigned int s = 0; s < WORLD_SERVICES; s++) {
		if (strcmp(services[s].name, order->service))
			continue;
		if (order->kind == SL_COMMAND_REROUTE && order->share_ppm) {
			world->trials++;
			world->trial[s] = strcmp(order->uplink, "lte") ? FIBRE : LTE;
			world->share_ppm[s] = order->share_ppm;
			memcpy(world->cause[s], order->id, SL_ID_MAX);
			if (s == POS && !world->trial_ms)
				world->trial_ms = world->now_ms;
		} else if (order->kind == SL_COMMAND_REROUTE) {
			world->reroutes++;
			set_uplink(world, s, strcmp(order->uplink, "lte") ? FIBRE : LTE,
				   order->move_live, order->id);
		} else if (order->kind == SL_COMMAND_RESTORE) {
			world->restores++;
			world->dscp[s][0] = world->dscp_cause[s][0] = '\0';
			set_uplink(world, s, FIBRE, false, order->id);
		} else if (order->kind == SL_COMMAND_THROTTLE) {
			world->throttles += order->limit_bps != 0;
			world->lifts += order->limit_bps == 0;
			world->limit_bps[s] = order->limit_bps;
			memcpy(world->cause[s], order->id, SL_ID_MAX);
		} else if (order->kind == SL_COMMAND_REMARK) {
			world->remarks += order->dscp[0] != '\0';
			world->unmarks += order->dscp[0] == '\0';
			memcpy(world->dscp[s], order->dscp, SL_DSCP_MAX);
			snprintf(world->dscp_cause[s], SL_ID_MAX, "%s",
				 order->dscp[0] ? order->id : "");
			world->dscp_hold_ms[s] = order->hold_ms;
		}
	}
	hear(world, &ack);
}

__attribute__((format(printf, 2, 3))) static void note(struct world *world, const char *format, ...)
{
	size_t at = strlen(world->records);
	va_list args;

	va_start(args, format);
	vsnprintf(world->records + at, sizeof(world->records) - at, format, args);
	va_end(args);
}

static void note_record(struct world *world, const struct sl_event *event)
{
	const struct sl_decision *record = &event->decision;

	if (!event->has_decision)
		return;
	note(world, "%llu %s/%s: located %s\n", (unsigned long long)world->now_ms, event->service,
	     event->remedy, record->located);
	if (record->guardrail[0])
		note(world, "  guardrail %s\n", record->guardrail);
	if (record->fingerprint[0])
		note(world, "  fingerprint %s: %s\n", record->fingerprint, record->remembered);
	for (uint32_t i = 0; i < record->inputs; i++)
		note(world, "  input %s %llu limit %llu usual %llu of %u\n", record->input[i].name,
		     (unsigned long long)record->input[i].value,
		     (unsigned long long)record->input[i].limit,
		     (unsigned long long)record->input[i].usual, record->input[i].samples);
	for (uint32_t i = 0; i < record->options; i++)
		note(world, "  %s %s %s: %s\n", record->option[i].chosen ? "chosen" : "rejected",
		     record->option[i].remedy, record->option[i].target, record->option[i].why);
}

/* Redis takes each change at once. */
static void take_incidents(struct world *world)
{
	struct sl_cases *cases = &world->site.cases;
	struct sl_case *one;

	while ((one = sl_incident_unsent(cases, NULL))) {
		uint64_t id = one->incident.id;

		if (id <= WORLD_INCIDENTS) {
			world->incident[id - 1] = one->incident;
			world->incidents = id > world->incidents ? (uint32_t)id : world->incidents;
		}
		one->sent = one->version;
		sl_incident_taken(cases, id, one->version);
	}
}

/* Note what was said, obey what was ordered. */
static void drain(struct world *world)
{
	struct sl_order order[SL_SITE_ORDERS_MAX];
	uint32_t orders = world->out.orders;
	size_t at = strlen(world->text);

	for (uint32_t i = 0; i < world->out.events; i++) {
		const struct sl_event *event = &world->out.event[i];

		world->decisions++;
		world->verdict[event->verdict] = true;
		note_record(world, event);
		at += (size_t)snprintf(world->text + at, sizeof(world->text) - at,
				       "%llu %s/%s %s\n", (unsigned long long)world->now_ms,
				       event->service, event->remedy, event->text);
		if (at >= sizeof(world->text))
			at = sizeof(world->text) - 1;
	}
	memcpy(order, world->out.order, sizeof(order[0]) * orders);
	world->out.events = world->out.orders = 0;
	take_incidents(world);
	for (uint32_t i = 0; i < orders; i++)
		obey(world, &order[i]);
}

static unsigned int uplinks_of(const struct world *world, unsigned int s)
{
	return world->everywhere ? WORLD_UPLINKS : services[s].uplinks;
}

static void fast_reroute(struct world *world)
{
	for (unsigned int s = 0; s < WORLD_SERVICES; s++)
		if (uplinks_of(world, s) > 1 && world->where[s] == FIBRE &&
		    world->silent_ms[FIBRE] >= DARK_MS && world->silent_ms[LTE] < DARK_MS)
			set_uplink(world, s, LTE, true, "fast-reroute");
}

static void fill_queue(struct world *world)
{
	uint64_t limit = world->limit_bps[GUEST];
	uint64_t guest = limit && limit < world->guest_bps ? limit : world->guest_bps;
	bool apart = world->yields && !strcmp(world->dscp[GUEST], "LE");

	if (world->where[GUEST] == world->bottleneck && guest + 2600000 > world->capacity_bps &&
	    !apart)
		world->queue_ms += world->queue_ms < 250 ? 40 : 0;
	else
		world->queue_ms -= world->queue_ms < 60 ? world->queue_ms : 60;
}

#define WHOLE 1024u

/* @part of @count a tick: what is no whole one adds up over ticks. */
static uint32_t part_of(uint32_t *rest, uint32_t count, uint32_t part)
{
	uint32_t sum = *rest + count * part;

	*rest = sum % WHOLE;
	return sum / WHOLE;
}

#define RECONNECT_MS 10000 /* its terminals give a connection up after this, and open another */
#define STUCK_FROM   2000
#define STUCK_TO     5000

/* Its connections by that uplink carry large packets, and the uplink does not. */
static bool is_stuck(struct world *world, unsigned int s, unsigned int u)
{
	uint32_t *bytes = &world->packet_bytes[s][u], clamp = world->clamp_bytes[u];

	if (!*bytes || world->now_ms % RECONNECT_MS == 0)
		*bytes = clamp && clamp < 1500 ? clamp : 1500;
	return world->large[s] && world->hole_bytes[u] && *bytes > world->hole_bytes[u];
}

/* The dataplane tells of it after some seconds. */
static void report_stuck(struct world *world, unsigned int s, unsigned int u,
			 struct sl_path_report *path)
{
	uint64_t since_ms = world->now_ms % RECONNECT_MS;

	if (world->where[s] != u || !is_stuck(world, s, u) || since_ms < STUCK_FROM ||
	    since_ms >= STUCK_TO)
		return;
	path->large_stuck[1] = 1;
	path->state = SL_HEALTH_DEGRADED;
	snprintf(path->reason, SL_TEXT_MAX, "1 large segments stuck");
}

/* One tick of a service by an uplink: @part of its traffic. */
static void traffic(struct world *world, unsigned int s, unsigned int u, unsigned int part,
		    struct world_tick *tick)
{
	uint64_t limit = world->limit_bps[s];
	uint64_t bps = s == GUEST ? world->guest_bps : services[s].bps;
	uint32_t loss = world->loss_ppm[u] + world->path_loss_ppm[s][u];

	*tick = (struct world_tick){.demand = part && !world->quiet[s]};
	tick->samples = part_of(&world->rest[s][u][0], services[s].samples, part);
	/* A small share asks for nothing at most ticks. */
	tick->demand &= part >= WHOLE / 2 || tick->samples;
	tick->flows = part_of(&world->rest[s][u][2], world->flows_ps[s] * part / 10, 1);
	if (!tick->demand || world->black[u] || is_stuck(world, s, u)) {
		tick->samples = 0;
		tick->demand &= world->black[u];
		return;
	}
	if (limit && limit < bps) {
		bps = limit;
		loss += 40000; /* the policer's own */
	}
	if (s == GUEST && bps > world->capacity_bps)
		bps = world->capacity_bps;
	tick->segments = part_of(&world->rest[s][u][1], services[s].segments, part);
	tick->bytes = bps / 80 * part / WHOLE;
	for (uint32_t i = 0; i < tick->samples; i++)
		tick->rtt_us[i] = 1000 * (base_ms[u] + world->delay_ms[u] + world->far_ms[s] +
					  (u == world->bottleneck ? world->queue_ms : 0)) +
				  dice(world, 1000 * world->jitter_ms + 1);
	for (uint32_t i = 0; i < tick->segments; i++) {
		tick->lost_wan += dice(world, PPM) < loss;
		tick->lost_lan += dice(world, PPM) < world->lan_loss_ppm[s];
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void judge(const struct world *world, struct sl_path_report *path, unsigned int s,
		  bool demand)
{
	uint32_t lost = path->loss[0].lost_after + path->loss[0].lost_before;

	path->state = SL_HEALTH_GOOD;
	if (!demand)
		path->state = SL_HEALTH_IDLE;
	else if (!path->rtt[1].samples)
		path->state = SL_HEALTH_DOWN;
	else if (path->rtt[1].samples < 5)
		path->state = SL_HEALTH_BLIND;
	else if (path->refused * 2 > path->attempts || path->requests_unanswered ||
		 path->rtt[1].above_slo * 20 > path->rtt[1].samples ||
		 (lost >= world->least_lost &&
		  lost * (uint64_t)PPM > path->loss[0].segments * (uint64_t)services[s].loss_ppm))
		path->state = SL_HEALTH_DEGRADED;
	snprintf(path->reason, SL_TEXT_MAX, "p95 %.1f ms, %u of %u lost", path->rtt[1].p95_us / 1e3,
		 lost, path->loss[0].segments);
}

static void report(struct world *world, unsigned int s, unsigned int u)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];
	uint32_t all[WORLD_SAMPLES * WORLD_WINDOW], n = 0;
	bool demand = false;

	*path = (struct sl_path_report){.window_ms = 1000, .coverage_ppm = PPM};
	snprintf(path->service, SL_NAME_MAX, "%s", services[s].name);
	snprintf(path->uplink, SL_NAME_MAX, "%s", uplinks[u]);
	for (unsigned int i = 0; i < WORLD_WINDOW; i++) {
		const struct world_tick *tick = &world->tick[s][u][i];

		memcpy(all + n, tick->rtt_us, sizeof(all[0]) * tick->samples);
		n += tick->samples;
		path->flows_new += tick->flows;
		path->loss[0].segments += tick->segments;
		path->loss[0].lost_after += tick->lost_wan;
		path->loss[0].lost_before += tick->lost_lan;
		path->packets[0] += tick->segments;
		path->bytes[s == GUEST && world->guest_up ? 0 : 1] += tick->bytes;
		demand |= tick->demand;
	}
	path->attempts = path->flows_new;
	path->refused = world->refused[s][u] ? path->flows_new : 0;
	path->established = path->attempts - path->refused;
	path->requests_unanswered = world->unanswered[s][u];
	path->requests = path->requests_unanswered * 40;
	qsort(all, n, sizeof(all[0]), by_value);
	path->rtt[1].samples = n;
	for (uint32_t i = 0; i < n; i++)
		path->rtt[1].above_slo += all[i] > services[s].latency_ms * 1000;
	path->rtt[1].p50_us = n ? all[n / 2] : 0;
	path->rtt[1].p95_us = n ? all[(n * 95 + 99) / 100 - 1] : 0;
	if (world->blind[s])
		path->coverage_ppm = PPM / 5;
	judge(world, path, s, demand);
	if (world->silent_ms[u] >= DARK_MS)
		path->state = SL_HEALTH_DOWN;
	report_stuck(world, s, u, path);
	if (s == POS && world->where[POS] == u && path->rtt[1].above_slo * 20 > n)
		world->slow_ms += WORLD_TICK_MS;
}

static void report_rest(struct world *world)
{
	struct sl_telemetry *picture = &world->picture;

	picture->uplinks = WORLD_UPLINKS;
	for (unsigned int u = 0; u < WORLD_UPLINKS; u++) {
		snprintf(picture->uplink[u].name, SL_NAME_MAX, "%s", uplinks[u]);
		picture->uplink[u].state =
			world->silent_ms[u] >= DARK_MS ? SL_HEALTH_DOWN : SL_HEALTH_GOOD;
		picture->uplink[u].silent_ms = (uint32_t)world->silent_ms[u];
		picture->uplink[u].clamp_bytes = world->clamp_bytes[u];
	}
	picture->services = WORLD_SERVICES;
	for (unsigned int s = 0; s < WORLD_SERVICES; s++) {
		struct sl_service_report *set = &picture->service[s];

		*set = (struct sl_service_report){.rerouted = world->where[s] != FIBRE};
		snprintf(set->name, SL_NAME_MAX, "%s", services[s].name);
		snprintf(set->uplink, SL_NAME_MAX, "%s", uplinks[world->where[s]]);
		snprintf(set->cause, SL_ID_MAX, "%s", world->cause[s]);
		if (world->share_ppm[s]) {
			snprintf(set->trial_uplink, SL_NAME_MAX, "%s", uplinks[world->trial[s]]);
			set->trial_share_ppm = world->share_ppm[s];
		}
		set->limit_bps[0] = set->limit_bps[1] = world->limit_bps[s];
		memcpy(set->dscp, world->dscp[s], sizeof(set->dscp));
		memcpy(set->dscp_cause, world->dscp_cause[s], sizeof(set->dscp_cause));
	}
}

/* How much of a service goes by an uplink: live flows that stay are half of its traffic. */
static uint32_t share_of(const struct world *world, unsigned int s, unsigned int u)
{
	uint32_t trial = (uint32_t)((uint64_t)world->share_ppm[s] * WHOLE / PPM);

	if (world->share_ppm[s])
		return u == world->where[s] ? WHOLE - trial : u == world->trial[s] ? trial : 0;
	if (world->stays[s])
		return WHOLE / 2;
	return u == world->where[s] ? WHOLE : 0;
}

static void move_time(struct world *world)
{
	unsigned int slot = (unsigned int)(world->now_ms / WORLD_TICK_MS) % WORLD_WINDOW;

	fill_queue(world);
	world->picture.paths = 0;
	for (unsigned int s = 0; s < WORLD_SERVICES; s++)
		for (unsigned int u = 0; u < uplinks_of(world, s); u++) {
			traffic(world, s, u, share_of(world, s, u), &world->tick[s][u][slot]);
			report(world, s, u);
		}
	for (unsigned int u = 0; u < WORLD_UPLINKS; u++)
		world->silent_ms[u] = world->black[u] ? world->silent_ms[u] + WORLD_TICK_MS : 0;
	if (world->fast_reroute)
		fast_reroute(world);
	report_rest(world);
}

void world_step(struct world *world)
{
	world->now_ms += WORLD_TICK_MS;
	move_time(world);
	world->picture.version++;
	sl_site_tick(&world->site, world->now_ms, &world->out);
	drain(world);
	if (world->mute)
		return;
	sl_site_picture(&world->site, &world->picture, world->now_ms, &world->out);
	drain(world);
}

void world_restart_control(struct world *world)
{
	struct sl_care care[SL_SITE_SERVICES];
	static struct sl_cases cases;
	static struct sl_memory memory;
	uint64_t term = world->site.term, orders = world->site.orders;
	uint64_t incidents = world->site.incidents;

	memcpy(care, world->site.care, sizeof(care));
	cases = world->site.cases;
	memory = world->site.memory;
	sl_site_init(&world->site, "store-0421");
	memcpy(world->site.care, care, sizeof(care));
	world->site.cases = cases;
	world->site.memory = memory;
	sl_site_clock(&world->site, WORLD_UNIX_NS, 0);
	world->site.term = term + 1;
	world->site.orders = orders;
	world->site.incidents = incidents;
	sl_site_set_policy(&world->site, &world->policy, 1);
}
