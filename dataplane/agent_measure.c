/*
 * agent_measure.c - counters to liveness and health, changes to events, dead uplinks left
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent_private.h"
#include "compile.h"
#include "health.h"
#include "knobs.h"
#include "log.h"

#define MS      UINT64_C(1000000)
#define CALM_NS (1000 * MS) /* changes that are no alarm are told at most this often */
#define SETTLE_MS \
	1500 /* moved flows repeat what the old path lost; after this it is told by others */
#define TICK_US 10000
#define PPM     UINT64_C(1000000)

/* Those that have paths: also where nothing is steered (tap, wire) a port may be an uplink. */
static uint32_t uplinks_of(const struct sl_agent *agent)
{
	return agent->apply.policy.uplinks ? agent->apply.policy.uplinks : 1;
}

static const char *uplink_name(const struct sl_agent *agent, unsigned int uplink)
{
	const struct sl_policy *policy = &agent->apply.policy;

	if (policy->uplinks == 0)
		return "tap";
	return uplink < policy->uplinks ? policy->uplink[uplink].name : "";
}

static const struct sl_policy_slo *slo_of(const struct sl_agent *agent, unsigned int service)
{
	if (service == SL_SERVICE_OTHER || !agent->apply.policy.service[service - 1].has_slo)
		return NULL;
	return &agent->apply.policy.service[service - 1].slo;
}

static uint32_t window_ms_of(const struct sl_agent *agent, unsigned int service)
{
	const struct sl_policy_slo *slo = slo_of(agent, service);

	return slo && slo->window_ms ? slo->window_ms : 1000;
}

static bool is_critical(const struct sl_agent *agent, unsigned int service)
{
	return service != SL_SERVICE_OTHER &&
	       agent->apply.policy.service[service - 1].priority == SL_PRIORITY_CRITICAL;
}

static void add_path(struct sl_agent *agent, unsigned int service, unsigned int uplink)
{
	struct sl_agent_path *p = &agent->path[agent->paths++];

	*p = (struct sl_agent_path){
		.service = (uint8_t)service,
		.uplink = (uint8_t)uplink,
		.critical = is_critical(agent, service),
	};
	snprintf(p->report.service, SL_NAME_MAX, "%s",
		 sl_compile_service_name(&agent->apply.policy, service));
	snprintf(p->report.uplink, SL_NAME_MAX, "%s", uplink_name(agent, uplink));
	snprintf(p->report.reason, SL_TEXT_MAX, "not measured yet");
}

int sl_agent_lay_out(struct sl_agent *agent)
{
	const struct sl_tables *t = sl_agent_tables(agent);
	struct sl_liveness was = agent->liveness;
	struct sl_window *window;
	uint32_t longest_ms = 0;

	agent->paths = 0;
	for (unsigned int s = 0; s < t->services; s++) {
		uint32_t ms = window_ms_of(agent, s);

		longest_ms = ms > longest_ms ? ms : longest_ms;
		for (unsigned int u = 0; u < uplinks_of(agent); u++)
			if (t->uplinks == 0 || sl_compile_allows(&agent->apply.policy, s, u))
				add_path(agent, s, u);
	}
	memset(&agent->requests, 0, sizeof(agent->requests)); /* services may be others now */
	sl_liveness_init(&agent->liveness, t->services, uplinks_of(agent));
	sl_liveness_carry(&agent->liveness, &was);
	for (unsigned int u = 0; u < uplinks_of(agent); u++)
		sl_liveness_trust(&agent->liveness, u, sl_compile_trusted(&agent->apply.policy, u));
	sl_agent_probes_apply(agent);
	sl_agent_rhythm_apply(agent);
	sl_agent_recorder_apply(agent);
	if (sl_window_open(&window, t->services, uplinks_of(agent), longest_ms))
		return -ENOMEM;
	sl_window_close(agent->window);
	agent->window = window;
	return 0;
}

/* ---- events ---- */

static bool alarming(enum sl_health health)
{
	return health == SL_HEALTH_DEGRADED || health == SL_HEALTH_DOWN;
}

/* Alarms at once, all else at most once a second. */
static bool is_due(enum sl_health announced, enum sl_health now, uint64_t since_ns, uint64_t now_ns)
{
	if (announced == now)
		return false;
	return alarming(now) || since_ns == 0 || now_ns - since_ns >= CALM_NS;
}

static void announce_path(struct sl_agent *agent, struct sl_agent_path *p, uint64_t now_ns)
{
	static struct sl_event event;

	if (!is_due(p->announced, p->report.state, p->announced_ns, now_ns))
		return;
	event = (struct sl_event){
		.kind = SL_EVENT_STATE_CHANGE,
		.before = p->announced,
		.after = p->report.state,
		.path = p->report,
		.has_path = true,
	};
	memcpy(event.service, p->report.service, sizeof(event.service));
	memcpy(event.uplink, p->report.uplink, sizeof(event.uplink));
	memcpy(event.text, p->report.reason, sizeof(event.text));
	p->announced = p->report.state;
	p->announced_ns = now_ns;
	sl_agent_say(agent, &event);
	if (alarming(event.after))
		sl_agent_recorder_freeze(agent, event.service, 0, event.text);
}

static void announce_uplink(struct sl_agent *agent, unsigned int u, uint64_t now_ns)
{
	static struct sl_event event;
	struct sl_agent_uplink *uplink = &agent->uplink[u];

	if (!is_due(uplink->announced, uplink->view.state, uplink->announced_ns, now_ns))
		return;
	event = (struct sl_event){
		.kind = SL_EVENT_STATE_CHANGE,
		.before = uplink->announced,
		.after = uplink->view.state,
	};
	snprintf(event.uplink, sizeof(event.uplink), "%s", uplink_name(agent, u));
	memcpy(event.text, uplink->view.reason, sizeof(event.text));
	uplink->announced = uplink->view.state;
	uplink->announced_ns = now_ns;
	sl_log(event.after == SL_HEALTH_DOWN ? SL_LOG_WARN : SL_LOG_INFO, "uplink",
	       "name=%s state=%s why=\"%s\"", event.uplink, sl_health_word(event.after),
	       event.text);
	sl_agent_say(agent, &event);
	if (alarming(event.after))
		sl_agent_recorder_freeze(agent, "", 0, event.text);
}

/* ---- health ---- */

void sl_agent_excuse(struct sl_agent *agent, const char *service, const char *uplink)
{
	int index = sl_policy_uplink_index(&agent->apply.policy, uplink);

	if (index < 0)
		return;
	sl_liveness_excuse(&agent->liveness, (unsigned int)index);
	for (uint32_t i = 0; i < agent->paths; i++)
		if (agent->path[i].uplink == index &&
		    strcmp(agent->path[i].report.service, service) == 0)
			agent->path[i].moved_ns = sl_agent_mono_ns(agent);
}

/* How far back @p may be looked at, ms: not into the time when moved flows settle. */
static uint32_t reach_ms(const struct sl_agent *agent, const struct sl_agent_path *p)
{
	uint64_t age_ms = (sl_agent_mono_ns(agent) - p->moved_ns) / MS;

	if (p->moved_ns == 0 || age_ms > SETTLE_MS + SL_WINDOW_MAX_MS)
		return SL_WINDOW_MAX_MS;
	return age_ms < SETTLE_MS ? 0 : (uint32_t)age_ms - SETTLE_MS;
}

/* True: nothing may be said of @p yet but that flows settle. */
static bool settles(struct sl_agent_path *p, uint32_t reach)
{
	if (reach >= 2 * SL_WINDOW_TICK_MS || p->said_down)
		return false;
	p->report.state = SL_HEALTH_BLIND;
	snprintf(p->report.reason, SL_TEXT_MAX,
		 "live flows were moved here: what they repeat was lost elsewhere");
	return true;
}

/* Share of the engine's packets that its ports lost in the last second. */
static uint32_t lost_ppm(const struct sl_agent_loss *loss)
{
	uint32_t newest = (loss->ticks + SL_AGENT_LOSS_TICKS - 1) % SL_AGENT_LOSS_TICKS;
	uint32_t oldest = loss->ticks < SL_AGENT_LOSS_TICKS ? 0 : loss->ticks % SL_AGENT_LOSS_TICKS;
	uint64_t lost = loss->lost[newest] - loss->lost[oldest];
	uint64_t seen = loss->seen[newest] - loss->seen[oldest];

	return lost ? (uint32_t)(lost * PPM / (lost + seen)) : 0;
}

static void note_loss(struct sl_agent_loss *loss, struct sl_engine *engine)
{
	uint32_t at = loss->ticks++ % SL_AGENT_LOSS_TICKS;
	const struct sl_stats *stats;

	loss->seen[at] = loss->lost[at] = 0;
	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++) {
		loss->lost[at] += stats->missed + stats->unsent;
		for (int i = 0; i < SL_REASON_COUNT; i++)
			loss->seen[at] += stats->reason[i];
	}
}

static void judge(struct sl_agent *agent, struct sl_agent_path *p)
{
	static struct sl_path_stats window, longer;
	unsigned int path = SL_PATH(p->service, p->uplink);
	uint32_t reach = reach_ms(agent, p), want_ms = window_ms_of(agent, p->service);
	uint32_t span_ms = 0, longer_ms = 0;
	struct sl_liveness_view live;

	sl_liveness_path(&agent->liveness, path, &live);
	p->said_down = live.state == SL_HEALTH_DOWN;
	if (sl_agent_tables(agent)->knobs.bypass) {
		p->report.state = SL_HEALTH_UNKNOWN;
		snprintf(p->report.reason, SL_TEXT_MAX, "bypassed: nothing is measured");
		return;
	}
	if (settles(p, reach))
		return;
	if (reach >= 2 * SL_WINDOW_TICK_MS && reach < want_ms)
		want_ms = reach;
	if (!sl_window_difference(agent->window, path, want_ms, &window, &span_ms))
		return;
	struct sl_health_input in = {
		.window = &window,
		.window_ms = span_ms,
		.slo = slo_of(agent, p->service),
		.live = &live,
		.engine_lost_ppm = lost_ppm(&agent->loss),
	};
	in.requests_unanswered = sl_requests_unanswered(&agent->requests, path, &in.requests);

	uint32_t further_ms = reach < SL_WINDOW_LONGER_MS ? reach : SL_WINDOW_LONGER_MS;

	if (want_ms < further_ms &&
	    sl_window_difference(agent->window, path, further_ms, &longer, &longer_ms) &&
	    longer_ms > span_ms) {
		in.longer = &longer;
		in.longer_ms = longer_ms;
	}
	/* A window that has only begun tells nothing yet, unless it is of the worst. */
	if (span_ms + SL_WINDOW_TICK_MS < (want_ms < 1000 ? want_ms : 1000) && !p->said_down)
		return;
	sl_health_judge(&in, &p->report);
	sl_agent_rhythm_say(agent, p);
}

/* The method is that of the window just judged: totals and the window's quantiles are of one kind. */
static void add_up(struct sl_agent *agent, struct sl_agent_path *p)
{
	static struct sl_path_stats tick;

	if (p->critical && sl_window_newest(agent->window, SL_PATH(p->service, p->uplink), &tick))
		sl_health_total(&tick, SL_LEG_WAN, p->report.rtt[SL_LEG_WAN].method, &p->totals);
}

static void judge_all(struct sl_agent *agent, uint64_t now_ns)
{
	for (uint32_t i = 0; i < agent->paths; i++) {
		judge(agent, &agent->path[i]);
		add_up(agent, &agent->path[i]);
		announce_path(agent, &agent->path[i], now_ns);
	}
}

/* Each second: the requests of every path. */
static void count_requests(struct sl_agent *agent)
{
	struct sl_engine *engine = agent->config.engine;
	const struct sl_stats *stats;

	if (agent->loss.ticks % 10)
		return;
	sl_requests_second(&agent->requests);
	for (uint32_t i = 0; i < agent->paths; i++) {
		unsigned int path = SL_PATH(agent->path[i].service, agent->path[i].uplink);
		uint32_t answered = 0, unanswered = 0;

		for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++) {
			answered += sl_requests_answered(&stats->path[path]);
			unanswered += (uint32_t)stats->path[path].requests_unanswered;
		}
		sl_requests_take(&agent->requests, path, answered, unanswered);
	}
}

/* RTT p95 of each uplink over 3 s, all services: how long an answer may take. */
static void measure_rtt(struct sl_agent *agent)
{
	static struct sl_path_stats sum, one;
	struct sl_latency_report wan;
	uint32_t span_ms;

	for (unsigned int u = 0; u < agent->liveness.uplinks; u++) {
		memset(&sum, 0, sizeof(sum));
		for (unsigned int s = 0; s < agent->liveness.services; s++)
			if (sl_window_difference(agent->window, SL_PATH(s, u), SL_WINDOW_LONGER_MS,
						 &one, &span_ms))
				sl_window_accumulate(&sum, &one);
		sl_health_latency(&sum, SL_LEG_WAN, 0, &wan);
		if (wan.samples >= SL_HEALTH_MIN_RTT)
			sl_liveness_set_rtt(&agent->liveness, u, wan.p95_us);
	}
}

void sl_agent_tick100(struct sl_agent *agent)
{
	struct sl_engine *engine = agent->config.engine;
	uint64_t now_ns = sl_agent_mono_ns(agent);
	struct sl_apply_action action;
	const struct sl_stats *stats;

	sl_window_begin(agent->window, now_ns);
	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++)
		sl_window_add(agent->window, stats);
	sl_window_end(agent->window);
	note_loss(&agent->loss, engine);
	count_requests(agent);
	measure_rtt(agent);
	sl_agent_rhythm_tick(agent, now_ns);
	judge_all(agent, now_ns);
	while (sl_apply_expire(&agent->apply, now_ns, &action))
		sl_agent_say_action(agent, &action, "hold-over");
}

/* ---- liveness and fast reroute ---- */

static void count_live(struct sl_agent *agent, struct sl_liveness_count count[SL_PATHS_MAX])
{
	struct sl_engine *engine = agent->config.engine;
	const struct sl_stats *stats;

	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++)
		for (uint32_t i = 0; i < agent->paths; i++) {
			unsigned int path = SL_PATH(agent->path[i].service, agent->path[i].uplink);

			sl_liveness_count_add(&count[path], &stats->path[path]);
		}
}

static bool may_act(const struct sl_agent *agent)
{
	return agent->apply.policy.mode == SL_MODE_ENFORCE && !agent->apply.ledger.data.frozen &&
	       !agent->apply.ledger.data.bypassed && sl_agent_tables(agent)->uplinks > 1;
}

static void say_stays(struct sl_agent *agent, const struct sl_apply_action *action)
{
	static struct sl_event event;

	event = (struct sl_event){.kind = SL_EVENT_DECISION, .remedy = "hold"};
	memcpy(event.service, action->service, sizeof(event.service));
	memcpy(event.uplink, action->from, sizeof(event.uplink));
	memcpy(event.text, action->text, sizeof(event.text));
	sl_log(SL_LOG_WARN, "fast-reroute", "service=%s stays=%s why=\"%s\"", event.service,
	       event.uplink, event.text);
	sl_agent_say(agent, &event);
}

/* All services on the dead @uplink to where the policy lets them. */
static void leave(struct sl_agent *agent, unsigned int uplink, uint64_t now_ns)
{
	const struct sl_tables *t = sl_agent_tables(agent);
	struct sl_apply_action action[SL_SERVICES_MAX];
	uint32_t moved = 0;

	for (unsigned int s = 1; s < t->services; s++) {
		struct sl_steer steer = sl_knobs_steer(t, s);
		bool trial = steer.trial_share && steer.trial_uplink == uplink;

		if (steer.uplink != uplink && !trial)
			continue;
		if (sl_apply_fast_reroute(&agent->apply, s, uplink, now_ns, &action[moved])) {
			sl_agent_excuse(agent, action[moved].service, action[moved].to);
			moved++;
		} else if (!(agent->held[s] & 1u << uplink)) {
			agent->held[s] |= (uint16_t)(1u << uplink);
			say_stays(agent, &action[moved]);
		}
	}
	/* All packets first, then the words about it. */
	for (uint32_t i = 0; i < moved; i++)
		sl_agent_say_action(agent, &action[i], "fast-reroute");
	if (moved)
		sl_ledger_save(&agent->apply.ledger);
}

static void tick_uplinks(struct sl_agent *agent, uint64_t now_ns)
{
	for (unsigned int u = 0; u < agent->liveness.uplinks; u++) {
		struct sl_agent_uplink *uplink = &agent->uplink[u];
		bool down;

		sl_liveness_uplink(&agent->liveness, u, &uplink->view);
		down = uplink->view.state == SL_HEALTH_DOWN;
		sl_reroute_observe(&agent->apply.reroute, u, down, now_ns);
		if (down && may_act(agent))
			leave(agent, u, now_ns);
		for (int s = 0; s < SL_SERVICES_MAX && !down; s++)
			agent->held[s] &= (uint16_t) ~(1u << u);
		announce_uplink(agent, u, now_ns);
	}
}

static void tick_paths(struct sl_agent *agent, uint64_t now_ns)
{
	for (uint32_t i = 0; i < agent->paths; i++) {
		struct sl_agent_path *p = &agent->path[i];
		struct sl_liveness_view live;

		sl_liveness_path(&agent->liveness, SL_PATH(p->service, p->uplink), &live);
		if ((live.state == SL_HEALTH_DOWN) == p->said_down)
			continue;
		judge(agent, p);
		announce_path(agent, p, now_ns);
	}
}

void sl_agent_tick10(struct sl_agent *agent)
{
	struct sl_liveness_count count[SL_PATHS_MAX] = {{0}};
	uint64_t now_ns = sl_agent_mono_ns(agent);
	uint64_t late_us = agent->last10_ns ? (now_ns - agent->last10_ns) / 1000 : 0;

	agent->last10_ns = now_ns;
	if (late_us > TICK_US && late_us - TICK_US > agent->late_max_us)
		agent->late_max_us = late_us - TICK_US;
	sl_agent_reflector_tick(agent);
	if (sl_agent_tables(agent)->knobs.bypass) {
		sl_liveness_forget(&agent->liveness);
		agent->liveness.started = false; /* counters of before are no base for after */
		return tick_uplinks(agent, now_ns);
	}
	count_live(agent, count);
	sl_agent_probes_begin(agent, now_ns);
	sl_liveness_tick(&agent->liveness, now_ns, count);
	tick_uplinks(agent, now_ns);
	sl_agent_probes_send(agent, now_ns);
	tick_paths(agent, now_ns);
}
