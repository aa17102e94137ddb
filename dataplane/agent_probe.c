/*
 * agent_probe.c - probes in the agent's loop: learnt servers, the tick, the month's bytes
 *
 * Each 10 ms: what was answered, what is overdue, the word to liveness; then, by what liveness
 * suspects, what is asked next.  In every mode: to ask is to measure.  Not under bypass.  What a
 * metered uplink has used of its month stands in the state directory.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_private.h"
#include "log.h"
#include "probe_server.h"
#include "probe_socket.h"

#define MS            UINT64_C(1000000)
#define SAVE_NS       (60 * 1000 * MS)
#define MONTH_DEFAULT UINT64_C(50000000) /* bytes of a metered uplink of which no more is said */
#define MONTH_PART    100
#define FILE_NAME     "probes"
#define FILE_MAGIC    0x534c7031u /* "SLp1" */

/* What outlives the process: used bytes of a month, by uplink. */
struct month {
	uint32_t magic;
	uint32_t month; /* year x 100 + month, UTC */
	struct {
		char name[SL_NAME_MAX];
		uint64_t bytes;
	} uplink[SL_UPLINKS_MAX];
};

struct sl_agent_probes {
	struct sl_probe probe;
	struct sl_probe_sockets *sockets;
	struct event *readable;
	struct sl_stamp_path stamp[SL_UPLINKS_MAX];
	uint32_t month;
	uint64_t saved_ns;
	int said_err; /* of the last send that failed; said once */
};

/* ---- the month ---- */

static uint32_t month_now(void)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	return (uint32_t)(tm.tm_year + 1900) * 100 + (uint32_t)tm.tm_mon + 1;
}

static void load_month(struct sl_agent *agent)
{
	struct sl_agent_probes *probes = agent->probes;
	const struct sl_policy *policy = &agent->apply.policy;
	struct month was;

	probes->month = month_now();
	if (sl_files_read(agent->config.state_dir, FILE_NAME, &was, sizeof(was)) != sizeof(was) ||
	    was.magic != FILE_MAGIC || was.month != probes->month)
		return;
	for (int i = 0; i < SL_UPLINKS_MAX; i++) {
		was.uplink[i].name[SL_NAME_MAX - 1] = 0;
		int u = sl_policy_uplink_index(policy, was.uplink[i].name);

		if (u >= 0)
			probes->probe.uplink[u].month_used = was.uplink[i].bytes;
	}
}

static void save_month(struct sl_agent *agent)
{
	const struct sl_agent_probes *probes = agent->probes;
	struct month now = {.magic = FILE_MAGIC, .month = probes->month};

	for (uint32_t u = 0; u < probes->probe.uplinks; u++) {
		memcpy(now.uplink[u].name, agent->apply.policy.uplink[u].name, SL_NAME_MAX);
		now.uplink[u].bytes = probes->probe.uplink[u].month_used;
	}
	if (sl_files_replace(agent->config.state_dir, FILE_NAME, &now, sizeof(now)))
		agent->apply.ledger.failures++;
}

static void keep_month(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_agent_probes *probes = agent->probes;
	uint32_t month;

	if (now_ns - probes->saved_ns < SAVE_NS)
		return;
	probes->saved_ns = now_ns;
	month = month_now();
	for (uint32_t u = 0; month != probes->month && u < probes->probe.uplinks; u++)
		probes->probe.uplink[u].month_used = 0;
	probes->month = month;
	save_month(agent);
}

/* ---- open, close, policy ---- */

static void on_answer(void *arg, unsigned int uplink, uint32_t number,
		      const struct sl_stamp_times *times)
{
	struct sl_agent *agent = arg;
	struct sl_agent_probes *probes = agent->probes;

	if (sl_probe_answered(&probes->probe, uplink, number, sl_agent_mono_ns(agent)) && times)
		sl_stamp_note(&probes->stamp[uplink], times);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent *agent = arg;

	sl_probe_sockets_drain(agent->probes->sockets);
}

static void set_reflector(struct sl_probe *probe, unsigned int u,
			  const struct sl_policy_uplink *uplink)
{
	struct sl_probe_server server = {.port = uplink->stamp_port};

	if (!uplink->stamp.bits)
		return;
	for (int i = 0; i < 8; i++) {
		server.addr.hi = server.addr.hi << 8 | uplink->stamp.address[i];
		server.addr.lo = server.addr.lo << 8 | uplink->stamp.address[8 + i];
	}
	sl_probe_reflector(probe, u, &server);
}

/* Opened when the policy first says who may ask; closed when nobody may. */
static void apply_reflector(struct sl_agent *agent)
{
	const struct sl_agent_hooks *hooks = &agent->config.hooks;
	struct sl_reflect_state *program = NULL;
	int err = 0;

	if (hooks->reflect)
		program = hooks->reflect(agent->config.engine, &agent->apply.policy);
	if (!agent->apply.policy.reflector.allows) {
		sl_reflector_close(agent->reflector);
		agent->reflector = NULL;
		return;
	}
	if (!agent->reflector)
		err = sl_reflector_open(&agent->reflector, agent->config.base, SL_STAMP_PORT);
	if (err)
		sl_log(SL_LOG_WARN, "reflector", "port=%d why=\"%s\"", SL_STAMP_PORT,
		       strerror(-err));
	else
		sl_reflector_apply(agent->reflector, &agent->apply.policy,
				   sl_agent_tables(agent)->mark_base, program);
}

void sl_agent_probes_apply(struct sl_agent *agent)
{
	const struct sl_policy *policy = &agent->apply.policy;
	struct sl_agent_probes *probes = agent->probes;

	apply_reflector(agent);
	if (!probes)
		return;
	probes->probe.interval_ns = policy->probes.interval_ms * MS;
	probes->probe.always = policy->probes.when == SL_PROBE_ALWAYS;
	for (int i = 0; i < SL_PROBE_TARGETS; i++)
		if (probes->probe.target[i].kind == SL_PROBE_STAMP)
			probes->probe.target[i] = (struct sl_probe_target){0};
	for (uint32_t u = 0; u < probes->probe.uplinks; u++) {
		const struct sl_policy_uplink *uplink = &policy->uplink[u];
		uint64_t month = policy->probes.monthly_bytes;

		if (!month)
			month = uplink->monthly_bytes ? uplink->monthly_bytes / MONTH_PART
						      : MONTH_DEFAULT;
		probes->probe.uplink[u].limits = (struct sl_probe_limits){
			.budget_bps = policy->probes.budget_bps,
			.month_bytes = uplink->metered ? month : 0,
			.metered = uplink->metered,
		};
		set_reflector(&probes->probe, u, uplink);
	}
}

int sl_agent_probes_open(struct sl_agent *agent)
{
	const struct sl_policy *policy = &agent->apply.policy;
	struct sl_agent_probes *probes;
	int err;

	/* Where nothing is steered (tap, wire) the uplinks are not ours to send by. */
	if (policy->placement != SL_PLACEMENT_GATEWAY || !policy->uplinks)
		return 0;
	agent->probes = probes = calloc(1, sizeof(*probes));
	if (!probes)
		return -ENOMEM;
	sl_probe_init(&probes->probe, policy->uplinks, 10 * MS, false);
	load_month(agent);
	err = sl_probe_sockets_open(&probes->sockets, on_answer, agent);
	if (err)
		return err;
	probes->readable = event_new(agent->config.base, sl_probe_sockets_fd(probes->sockets),
				     EV_READ | EV_PERSIST, on_readable, agent);
	if (!probes->readable)
		return -ENOMEM;
	event_add(probes->readable, NULL);
	return 0;
}

void sl_agent_probes_close(struct sl_agent *agent)
{
	struct sl_agent_probes *probes = agent->probes;

	sl_reflector_close(agent->reflector);
	agent->reflector = NULL;
	if (!probes)
		return;
	if (probes->sockets)
		save_month(agent);
	if (probes->readable)
		event_free(probes->readable);
	sl_probe_sockets_close(probes->sockets);
	free(probes);
	agent->probes = NULL;
}

/* ---- learning ---- */

void sl_agent_probes_learn(struct sl_agent *agent, const struct sl_inspect *inspect)
{
	struct sl_probe_server server;

	if (agent->probes &&
	    sl_probe_server_of(inspect, sl_agent_tables(agent), agent->liveness.trusted, &server))
		sl_probe_learn(&agent->probes->probe, &server, sl_agent_mono_ns(agent));
}

/* ---- the tick ---- */

void sl_agent_reflector_tick(struct sl_agent *agent)
{
	if (agent->reflector)
		sl_reflector_tick(agent->reflector, sl_agent_tables(agent)->knobs.bypass);
}

void sl_agent_probes_begin(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_agent_probes *probes = agent->probes;

	if (!probes)
		return;
	/* First what came: a tick that is late must not take it for lost. */
	sl_probe_sockets_drain(probes->sockets);
	sl_probe_expire(&probes->probe, now_ns);
	for (uint32_t u = 0; u < probes->probe.uplinks; u++) {
		struct sl_probe_view view;

		sl_probe_look(&probes->probe, u, now_ns, &view);
		sl_liveness_probe(&agent->liveness, u, &view);
	}
}

static enum sl_probe_wish wish_of(const struct sl_agent *agent, unsigned int u)
{
	if (agent->uplink[u].view.state == SL_HEALTH_DOWN)
		return SL_PROBE_RETURN;
	if (sl_liveness_suspects(&agent->liveness, u, !agent->apply.policy.uplink[u].metered) ||
	    sl_agent_rhythm_silent(agent, u))
		return SL_PROBE_SUSPECT;
	return SL_PROBE_CALM;
}

static void send_probe(struct sl_agent *agent, const struct sl_probe_order *order)
{
	struct sl_agent_probes *probes = agent->probes;
	const struct sl_policy_uplink *uplink = &agent->apply.policy.uplink[order->uplink];
	uint32_t base = sl_agent_tables(agent)->mark_base;
	int err = sl_probe_sockets_send(probes->sockets, order, uplink,
					base ? base + 1 + order->uplink : 0);

	if (!err)
		return;
	sl_probe_failed(&probes->probe, order->uplink, order->number);
	if (err != probes->said_err)
		sl_log(SL_LOG_WARN, "probe", "uplink=%s why=\"%s\"", uplink->name, strerror(-err));
	probes->said_err = err;
}

void sl_agent_probes_send(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_probe_order order[SL_PROBE_ORDERS_MAX];
	enum sl_probe_wish wish[SL_UPLINKS_MAX];
	struct sl_agent_probes *probes = agent->probes;
	uint32_t count;

	if (!probes || agent->apply.policy.probes.when == SL_PROBE_NEVER)
		return;
	for (uint32_t u = 0; u < probes->probe.uplinks; u++)
		wish[u] = wish_of(agent, u);
	count = sl_probe_tick(&probes->probe, now_ns, wish, order);
	for (uint32_t i = 0; i < count; i++)
		send_probe(agent, &order[i]);
	keep_month(agent, now_ns);
}

/* ---- what is told ---- */

void sl_agent_probes_count(struct sl_agent *agent, sl_agent_counter *add, void *arg)
{
#define X(name, text) add(arg, "probes." #name, agent->probes->probe.counts.name);
	if (agent->probes) {
		SL_PROBE_COUNTS(X)
	}
#undef X
#define X(name, text) add(arg, "stamp." #name, sl_reflector_counts(agent->reflector)->name);
	if (agent->reflector) {
		SL_REFLECTOR_COUNTS(X)
	}
#undef X
}

void sl_agent_probes_say(struct sl_agent *agent, unsigned int uplink, char *text, size_t size)
{
	const struct sl_stamp_path *stamp;
	size_t used = strlen(text);

	if (!agent->probes || !agent->probes->stamp[uplink].samples)
		return;
	stamp = &agent->probes->stamp[uplink];
	snprintf(text + used, size - used,
		 "; STAMP: round trip %.1f ms, out %.1f and back %.1f ms above the least",
		 stamp->rtt_us / 1e3, stamp->out_us / 1e3, stamp->back_us / 1e3);
}
