/*
 * publish.c - the live picture, events, the policy: what leaves the agent
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "agent_private.h"
#include "compile.h"
#include "knobs.h"
#include "log.h"
#include "proto/policy_units.h"

#define PPM 1000000u

void sl_agent_say(struct sl_agent *agent, struct sl_event *event)
{
	memcpy(event->site, agent->apply.policy.site, sizeof(event->site));
	snprintf(event->source, sizeof(event->source), "dataplane");
	event->at_unix_ns = sl_agent_unix_ns();
	event->at_mono_ns = sl_agent_mono_ns(agent);
	if (sl_spool_append(agent->spool, event, true))
		sl_log(SL_LOG_ERROR, "event", "kind=%s what=\"does not fit a record\"",
		       sl_event_kind_word(event->kind));
	sl_outbox_pump(&agent->outbox);
}

void sl_agent_say_action(struct sl_agent *agent, const struct sl_apply_action *action,
			 const char *cause)
{
	static struct sl_event event;

	event = (struct sl_event){.kind = SL_EVENT_ACTION, .limit_bps = action->limit_bps};
	memcpy(event.service, action->service, sizeof(event.service));
	memcpy(event.uplink, action->from, sizeof(event.uplink));
	memcpy(event.to_uplink, action->to, sizeof(event.to_uplink));
	memcpy(event.remedy, action->remedy, sizeof(event.remedy));
	memcpy(event.text, action->text, sizeof(event.text));
	snprintf(event.command_id, sizeof(event.command_id), "%s", cause);
	sl_log(SL_LOG_INFO, "action", "remedy=%s service=%s from=%s to=%s why=\"%s\"", event.remedy,
	       event.service, event.uplink, event.to_uplink, event.text);
	sl_agent_say(agent, &event);
}

void sl_agent_publish_policy(struct sl_agent *agent)
{
	const struct sl_apply *apply = &agent->apply;

	/* Said again at each connection: Redis may have been started empty. */
	sl_bus_publish_policy(agent->bus, apply->yaml, apply->previous[0] ? apply->previous : NULL,
			      apply->yaml, apply->policy.version);
	sl_bus_keep_policy(agent->bus, apply->yaml, apply->policy.version);
	agent->policies_said = apply->policies;
}

/* ---- the picture ---- */

static void fill_uplinks(struct sl_agent *agent, struct sl_telemetry *t)
{
	static struct sl_path_stats one;
	const struct sl_policy *policy = &agent->apply.policy;
	uint32_t span_ms = 0;

	t->uplinks = policy->uplinks;
	for (unsigned int u = 0; u < t->uplinks; u++) {
		struct sl_uplink_report *r = &t->uplink[u];
		const struct sl_liveness_view *view = &agent->uplink[u].view;

		*r = (struct sl_uplink_report){
			.state = view->state,
			.silent_ms = view->silent_ms,
			.capacity_bps = policy->uplink[u].capacity_bps,
			.clamp_bytes = sl_agent_tables(agent)->knobs.clamp_bytes[u],
		};
		memcpy(r->name, policy->uplink[u].name, sizeof(r->name));
		memcpy(r->reason, view->reason, sizeof(r->reason));
		const struct sl_ledger_uplink *known =
			r->clamp_bytes ? sl_ledger_uplink(&agent->apply.ledger, r->name) : NULL;

		if (known)
			memcpy(r->cause, known->cause, sizeof(r->cause));
		sl_agent_probes_say(agent, u, r->reason, sizeof(r->reason));
		for (unsigned int s = 0; s < agent->liveness.services; s++) {
			if (!sl_window_difference(agent->window, SL_PATH(s, u), 1000, &one,
						  &span_ms) ||
			    span_ms == 0)
				continue;
			for (int side = 0; side < 2; side++)
				r->rate_bps[side] += one.side[side].bytes * 8000 / span_ms;
		}
	}
}

static void fill_path_choice(struct sl_agent *agent, struct sl_steer steer, unsigned int s,
			     struct sl_service_report *r)
{
	const struct sl_policy *policy = &agent->apply.policy;

	if (sl_agent_tables(agent)->uplinks == 0 || steer.uplink >= policy->uplinks)
		return;
	memcpy(r->uplink, policy->uplink[steer.uplink].name, sizeof(r->uplink));
	r->rerouted = steer.uplink != sl_compile_first_uplink(policy, s);
	if (steer.trial_share == 0 || steer.trial_uplink >= policy->uplinks)
		return;
	memcpy(r->trial_uplink, policy->uplink[steer.trial_uplink].name, sizeof(r->trial_uplink));
	r->trial_share_ppm = (uint32_t)((uint64_t)steer.trial_share * PPM / SL_SHARE_WHOLE);
}

static void fill_dscp(struct sl_agent *agent, unsigned int s, const struct sl_ledger_service *known,
		      struct sl_service_report *r)
{
	uint8_t word = sl_agent_tables(agent)->knobs.remark[s];
	char text[SL_UNITS_TEXT_MAX];

	if (!word)
		return;
	snprintf(r->dscp, sizeof(r->dscp), "%s", sl_units_write_dscp(word & SL_REMARK_DSCP, text));
	if (known && word != sl_compile_remark(&agent->apply.policy, s))
		memcpy(r->dscp_cause, known->remark_cause, sizeof(r->dscp_cause));
}

static void fill_service(struct sl_agent *agent, unsigned int s, struct sl_service_report *r)
{
	const struct sl_tables *tables = sl_agent_tables(agent);
	const struct sl_policy *policy = &agent->apply.policy;
	struct sl_steer steer = sl_knobs_steer(tables, s);

	*r = (struct sl_service_report){0};
	snprintf(r->name, sizeof(r->name), "%s", sl_compile_service_name(policy, s));
	const struct sl_ledger_service *known = sl_ledger_service(&agent->apply.ledger, r->name);

	for (int side = 0; side < 2; side++) {
		r->limit_bps[side] = sl_knobs_bps(tables->knobs.rate[s][side]);
		/* As it was asked for, not as the word rounds it. */
		if (r->limit_bps[side] && known && known->limit_bps)
			r->limit_bps[side] = known->limit_bps;
	}
	fill_path_choice(agent, steer, s, r);
	fill_dscp(agent, s, known, r);
	/* A setting that a new policy swept away leaves no cause behind. */
	if (known && (r->rerouted || r->trial_share_ppm || r->limit_bps[0] || r->limit_bps[1]))
		memcpy(r->cause, known->cause, sizeof(r->cause));
}

static void fill_dhcp(struct sl_agent *agent, struct sl_telemetry *t)
{
	struct sl_leases_vlan vlan[SL_LEASES_VLANS];
	char address[INET6_ADDRSTRLEN];

	_Static_assert(SL_LEASES_VLANS <= SL_WIRE_VLANS_MAX, "each has room");
	t->dhcp = agent->apply.slowpath ? sl_slowpath_leases(agent->apply.slowpath, vlan) : 0;
	for (uint32_t i = 0; i < t->dhcp; i++) {
		struct sl_dhcp_report *r = &t->dhcp_vlan[i];

		*r = (struct sl_dhcp_report){.vlan = vlan[i].vlan,
					     .clients = vlan[i].clients,
					     .clients_randomised = vlan[i].random,
					     .clients_asking = vlan[i].asking,
					     .clients_unanswered = vlan[i].unanswered,
					     .clients_refused = vlan[i].refused,
					     .discovers = vlan[i].discovers,
					     .naks = vlan[i].naks,
					     .servers = vlan[i].servers};
		sl_address_text(&(struct sl_addr){0, UINT64_C(0xffff00000000) | vlan[i].new_server},
				address);
		if (vlan[i].new_server)
			snprintf(r->new_server, sizeof(r->new_server), "%.15s", address);
	}
}

static void add_counter(void *arg, const char *name, uint64_t value)
{
	struct sl_telemetry *t = arg;

	if (t->counters == SL_WIRE_COUNTERS_MAX)
		return;
	struct sl_counter *c = &t->counter[t->counters++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->value = value;
}

static void fill_packets(struct sl_agent *agent, struct sl_telemetry *t)
{
	static const char *const names[SL_REASON_COUNT] = {
#define X(symbol, text) "packets." #symbol,
		SL_REASONS(X)
#undef X
	};
	struct sl_engine *engine = agent->config.engine;
	uint64_t sum[SL_REASON_COUNT] = {0}, evicted = 0, expired = 0;
	uint64_t unsteered = 0, missed = 0, unsent = 0, to_kernel = 0, to_kernel_failed = 0;
	uint64_t crowded = 0, inspected = 0, inspect_lost = 0;
	const struct sl_stats *stats;

	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++) {
		for (int i = 0; i < SL_REASON_COUNT; i++)
			sum[i] += stats->reason[i];
		for (int i = 0; i < SL_SERVICES_MAX; i++)
			evicted += stats->flows_evicted[i];
		expired += stats->flows_expired;
		unsteered += stats->unsteered;
		missed += stats->missed;
		unsent += stats->unsent;
		to_kernel += stats->to_kernel;
		to_kernel_failed += stats->to_kernel_failed;
		crowded += stats->fragments_crowded;
		inspected += stats->inspected;
		inspect_lost += stats->inspect_lost;
	}
	for (int i = 0; i < SL_REASON_COUNT; i++) {
		char name[SL_NAME_MAX];

		snprintf(name, sizeof(name), "%s", names[i]);
		for (char *c = name; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
		add_counter(t, name, sum[i]);
	}
	add_counter(t, "flows.evicted", evicted);
	add_counter(t, "flows.expired", expired);
	add_counter(t, "engine.unsteered", unsteered);
	add_counter(t, "engine.missed", missed);
	add_counter(t, "engine.unsent", unsent);
	add_counter(t, "engine.to_kernel", to_kernel);
	add_counter(t, "engine.to_kernel_failed", to_kernel_failed);
	add_counter(t, "fragments.crowded", crowded);
	add_counter(t, "slowpath.inspected", inspected);
	add_counter(t, "slowpath.inspect_lost", inspect_lost);
}

/* Since the counters began, over all paths: what was not believed, or seen twice; what we wrote. */
static void fill_bogus(struct sl_agent *agent, struct sl_telemetry *t)
{
	struct sl_engine *engine = agent->config.engine;
	uint64_t acks = 0, seqs = 0, echoes = 0, icmp = 0, answers = 0, duplicates = 0, cut = 0;
	uint64_t remarked = 0;
	const struct sl_stats *stats;

	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++) {
		for (int i = 0; i < SL_PATHS_MAX; i++) {
			const struct sl_path_stats *path = &stats->path[i];

			icmp += path->bogus_icmp;
			cut += path->cut;
			remarked += path->remarked;
			answers += path->bogus_answers;
			for (int side = 0; side < 2; side++) {
				acks += path->side[side].bogus_acks;
				seqs += path->side[side].bogus_seqs;
				echoes += path->side[side].bogus_echoes;
				duplicates += path->side[side].duplicates;
			}
		}
	}
	add_counter(t, "bogus.acks", acks);
	add_counter(t, "bogus.seqs", seqs);
	add_counter(t, "bogus.echoes", echoes);
	add_counter(t, "bogus.icmp", icmp);
	add_counter(t, "bogus.answers", answers);
	add_counter(t, "duplicates", duplicates);
	add_counter(t, "flows.cut", cut);
	add_counter(t, "remarked", remarked);
}

static void fill_own(struct sl_agent *agent, struct sl_telemetry *t)
{
	struct sl_bus_stats bus;
	struct sl_spool_stats spool;

	sl_bus_stats(agent->bus, &bus);
	sl_spool_stats(agent->spool, &spool);
	add_counter(t, "bus.sent", bus.sent);
	add_counter(t, "bus.failed", bus.failed);
	add_counter(t, "bus.received", bus.received);
	add_counter(t, "bus.malformed", bus.malformed);
	add_counter(t, "bus.reconnects", bus.reconnects);
	add_counter(t, "bus.resent", agent->outbox.resent);
	add_counter(t, "bus.refused", agent->outbox.refused);
	add_counter(t, "spool.pending", spool.pending);
	add_counter(t, "spool.folded", spool.folded);
	add_counter(t, "spool.failures", spool.failures);
	add_counter(t, "spool.torn", spool.torn);
	add_counter(t, "spool.failing", spool.failing);
	add_counter(t, "ledger.failures", agent->apply.ledger.failures);
	add_counter(t, "engine.failures", agent->hook_failures);
	add_counter(t, "agent.late_max_us", agent->late_max_us);
}

void sl_agent_fill_picture(struct sl_agent *agent)
{
	struct sl_telemetry *t = &agent->picture;
	const struct sl_tables *tables = sl_agent_tables(agent);

	memcpy(t->site, agent->apply.policy.site, sizeof(t->site));
	t->boot = sl_spool_boot(agent->spool);
	t->version = ++agent->version;
	t->at_unix_ns = sl_agent_unix_ns();
	t->event_seq = sl_spool_last(agent->spool);
	t->mode = agent->apply.policy.mode;
	t->policy_version = agent->apply.policy.version;
	t->tables_generation = (uint32_t)tables->generation;
	t->frozen = agent->apply.ledger.data.frozen;
	t->bypassed = agent->apply.ledger.data.bypassed;
	t->paths = agent->paths;
	for (uint32_t i = 0; i < agent->paths; i++) {
		t->path[i] = agent->path[i].report;
		t->path[i].has_rtt_wan_totals = agent->path[i].critical;
		t->path[i].rtt_wan_totals = agent->path[i].totals;
	}
	fill_uplinks(agent, t);
	t->services = tables->services;
	for (uint32_t s = 0; s < tables->services; s++)
		fill_service(agent, s, &t->service[s]);
	fill_dhcp(agent, t);
	t->counters = 0;
	fill_packets(agent, t);
	fill_bogus(agent, t);
	fill_own(agent, t);
	sl_agent_names_count(agent, add_counter, t);
	sl_agent_probes_count(agent, add_counter, t);
	sl_agent_recorder_count(agent, add_counter, t);
}
