/*
 * whatif_store.c - the store of a replay: it obeys at once, and leaves a dark uplink by itself
 *
 * The fast reroute is the dataplane's in short: in mode enforce, to the next uplink of the
 * policy's list that is not down, and after one not again within the hold-down.
 */
#include "whatif_private.h"

#include <stdio.h>
#include <string.h>

#define FAST "fast-reroute"

/* May it be there at all? */
static bool listed(const struct sl_policy *policy, unsigned int s, unsigned int u)
{
	const struct sl_policy_service *service = &policy->service[s];

	for (uint32_t i = 0; i < service->uplinks; i++)
		if (service->uplink[i] == u)
			return true;
	return false;
}

static unsigned int home_of(const struct sl_policy *policy, unsigned int s)
{
	return policy->service[s].uplinks ? policy->service[s].uplink[0] : 0;
}

/* Who is away from home when the record begins is so in the replay. */
void sl_whatif_place(struct sl_whatif *run, const struct sl_view *view)
{
	const struct sl_policy *policy = &run->policy;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_service_report *report = view->service[s];
		struct sl_whatif_set *set = &run->set[s];
		unsigned int was = sl_view_where(view, s);

		set->trial = SL_UPLINK_UNSET;
		if (s >= policy->services) {
			set->where = was;
			continue;
		}
		set->where = home_of(policy, s);
		if (!report || !report->rerouted || !listed(policy, s, was))
			continue;
		set->where = was;
		memcpy(set->cause, report->cause, sizeof(set->cause));
	}
}

/* A person's limit, also while it goes elsewhere; and its end. */
static void people_limit(struct sl_whatif *run, struct sl_whatif_set *set,
			 const struct sl_service_report *report, bool person)
{
	uint64_t limit_bps = person ? report->limit_bps[0] | report->limit_bps[1] : 0;

	if (!limit_bps && !set->person_limit)
		return;
	run->changed |= !limit_bps != !set->limit_bps;
	set->limit_bps = limit_bps;
	set->person_limit = limit_bps != 0;
}

/* What people did they would have done under any policy. */
void sl_whatif_people(struct sl_whatif *run, const struct sl_view *view)
{
	for (uint32_t s = 0; s < run->policy.services; s++) {
		const struct sl_service_report *report = view->service[s];
		struct sl_whatif_set *set = &run->set[s];
		unsigned int was = sl_view_where(view, s);
		bool person = report && !strncmp(report->cause, "cli-", 4);
		bool sent = person && report->rerouted;

		if (report)
			people_limit(run, set, report, person);
		if ((!sent && !set->person) || was >= SL_SITE_UPLINKS)
			continue;
		if (set->where != was)
			run->result.service[s].by_people++;
		run->changed |= set->where != was || set->person != sent;
		set->where = was;
		set->person = sent;
		set->share_ppm = 0;
		set->stays = false;
		snprintf(set->cause, SL_ID_MAX, "%s", sent ? report->cause : "");
	}
}

void sl_whatif_count(struct sl_whatif_result *result, struct sl_whatif_set *set,
		     const struct sl_policy *policy, const struct sl_whatif_step *step)
{
	struct sl_whatif_tally *tally = &result->service[step->service];
	struct sl_whatif_move *move;

	tally->moves++;
	tally->flaps += set->left_ms && set->left == step->to &&
			step->now_ms - set->left_ms <= SL_WHATIF_FLAP_MS;
	set->left = step->from;
	set->left_ms = step->now_ms;
	if (result->moves++ >= SL_WHATIF_MOVES)
		return;
	move = &result->move[result->moves - 1];
	move->at_unix_ns = step->at_unix_ns;
	snprintf(move->service, SL_NAME_MAX, "%s", sl_view_service_name(policy, step->service));
	snprintf(move->from, SL_NAME_MAX, "%s", sl_view_uplink_name(policy, step->from));
	snprintf(move->to, SL_NAME_MAX, "%s", sl_view_uplink_name(policy, step->to));
	snprintf(move->why, SL_TEXT_MAX, "%s", step->why);
}

static void go(struct sl_whatif *run, unsigned int s, unsigned int to, bool live, const char *cause,
	       const char *why)
{
	struct sl_whatif_set *set = &run->set[s];
	bool home = to == home_of(&run->policy, s);

	if (set->where != to)
		sl_whatif_count(&run->result, set, &run->policy,
				&(struct sl_whatif_step){s, set->where, to, run->now_ms,
							 run->now_unix_ns, why});
	set->stays = !live && set->where != to;
	set->where = to;
	set->share_ppm = 0;
	set->trial = SL_UPLINK_UNSET;
	/* The dataplane leaves no cause behind where the policy would have it. */
	snprintf(set->cause, SL_ID_MAX, "%s", home && !set->limit_bps ? "" : cause);
	run->changed = true;
}

void sl_whatif_fast(struct sl_whatif *run, const struct sl_whatif_roll *roll)
{
	const struct sl_policy *policy = &run->policy;

	if (policy->mode != SL_MODE_ENFORCE || roll->recorded.frozen || roll->recorded.bypassed)
		return;
	for (uint32_t s = 0; s < policy->services; s++) {
		struct sl_whatif_set *set = &run->set[s];
		uint64_t since_ms = run->now_ms - set->fast_ms;

		if (set->where >= policy->uplinks || set->person ||
		    roll->uplink[set->where].state != SL_HEALTH_DOWN ||
		    (set->fast_ms && since_ms < policy->guardrails.hold_down_ms))
			continue;
		for (uint32_t i = 0; i < policy->service[s].uplinks; i++) {
			unsigned int to = policy->service[s].uplink[i];

			if (to == set->where || roll->uplink[to].state == SL_HEALTH_DOWN)
				continue;
			set->fast_ms = run->now_ms;
			go(run, s, to, true, FAST, "fast reroute: the uplink is down");
			break;
		}
	}
}

static void obey(struct sl_whatif *run, unsigned int s, const struct sl_order *order)
{
	struct sl_whatif_set *set = &run->set[s];
	int to = sl_policy_uplink_index(&run->policy, order->uplink);

	if (order->kind == SL_COMMAND_THROTTLE) {
		run->result.service[s].limits += order->limit_bps && !set->limit_bps;
		run->changed |= !order->limit_bps != !set->limit_bps;
		set->limit_bps = order->limit_bps;
		memcpy(set->cause, order->id, sizeof(set->cause));
	} else if (order->kind == SL_COMMAND_RESTORE) {
		go(run, s, home_of(&run->policy, s), order->move_live, order->id, order->reason);
	} else if (to >= 0 && order->share_ppm) {
		run->result.service[s].trials++;
		set->trial = (unsigned int)to;
		set->share_ppm = order->share_ppm;
		memcpy(set->cause, order->id, sizeof(set->cause));
		run->changed = true;
	} else if (to >= 0) {
		go(run, s, (unsigned int)to, order->move_live, order->id, order->reason);
	}
}

/* Incidents go to Redis live; here they are only let go. */
static void take_incidents(struct sl_whatif *run)
{
	struct sl_cases *cases = &run->site.cases;
	struct sl_case *one;

	while ((one = sl_incident_unsent(cases, NULL))) {
		one->sent = one->version;
		sl_incident_taken(cases, one->incident.id, one->version);
	}
	run->result.incidents = run->site.incidents;
}

/* Why nothing was done: the guardrail, or what spoke against the first other uplink. */
static const char *why_held(const struct sl_event *event)
{
	const struct sl_decision *decision = &event->decision;

	if (!event->has_decision)
		return event->text;
	if (decision->guardrail[0])
		return decision->guardrail;
	for (uint32_t i = 0; i < decision->options; i++)
		if (!decision->option[i].chosen && !strcmp(decision->option[i].remedy, "reroute"))
			return decision->option[i].why;
	return decision->located[0] ? decision->located : event->text;
}

static void count_holds(struct sl_whatif *run)
{
	for (uint32_t i = 0; i < run->out.events; i++) {
		const struct sl_event *event = &run->out.event[i];
		int s = sl_policy_service_index(&run->policy, event->service);

		if (s < 0 || s >= SL_POLICY_OTHER ||
		    (strcmp(event->remedy, "hold") != 0 && strcmp(event->remedy, "notify") != 0))
			continue;
		run->result.service[s].holds++;
		snprintf(run->result.held[s], SL_TEXT_MAX, "%s", why_held(event));
	}
}

void sl_whatif_obey(struct sl_whatif *run)
{
	struct sl_order order[SL_SITE_ORDERS_MAX];
	struct sl_event ack = {.kind = SL_EVENT_ACK, .ack = SL_ACK_APPLIED};
	uint32_t orders = run->out.orders;

	if (!orders && !run->out.events)
		return;
	count_holds(run);
	memcpy(order, run->out.order, sizeof(order[0]) * orders);
	run->out.events = run->out.orders = 0;
	for (uint32_t i = 0; i < orders; i++) {
		int s = sl_policy_service_index(&run->policy, order[i].service);

		if (s >= 0 && s < SL_POLICY_OTHER)
			obey(run, (unsigned int)s, &order[i]);
		memcpy(ack.command_id, order[i].id, sizeof(ack.command_id));
		sl_site_event(&run->site, &ack, run->now_ms, &run->out);
	}
	take_incidents(run);
}

void sl_whatif_settings(const struct sl_whatif *run, struct sl_telemetry *picture)
{
	const struct sl_policy *policy = &run->policy;

	picture->services = policy->services;
	for (uint32_t s = 0; s < policy->services; s++) {
		const struct sl_whatif_set *set = &run->set[s];
		struct sl_service_report *to = &picture->service[s];

		*to = (struct sl_service_report){.rerouted = set->where != home_of(policy, s)};
		memcpy(to->name, policy->service[s].name, sizeof(to->name));
		snprintf(to->uplink, SL_NAME_MAX, "%s", sl_view_uplink_name(policy, set->where));
		memcpy(to->cause, set->cause, sizeof(to->cause));
		to->limit_bps[0] = to->limit_bps[1] = set->limit_bps;
		if (!set->share_ppm)
			continue;
		snprintf(to->trial_uplink, SL_NAME_MAX, "%s",
			 sl_view_uplink_name(policy, set->trial));
		to->trial_share_ppm = set->share_ppm;
	}
}
