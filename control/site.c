/*
 * site.c - the pipeline of a site, in the order of its calls
 */
#include "site.h"
#include "care.h"
#include "change.h"
#include "clamp.h"
#include "dhcp.h"
#include "relief.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define BURST_MS 20 /* pictures closer than this came late, together */

void sl_site_init(struct sl_site *site, const char *name)
{
	memset(site, 0, sizeof(*site));
	snprintf(site->name, sizeof(site->name), "%s", name);
}

static const struct sl_care *care_by_name(const struct sl_care *care, const char *name)
{
	for (unsigned int i = 0; i < SL_SITE_SERVICES; i++)
		if (name[0] && !strcmp(care[i].name, name))
			return &care[i];
	return NULL;
}

static void carry_judges(struct sl_site *site, const struct sl_policy *old,
			 const struct sl_judge (*judge)[SL_SITE_UPLINKS])
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		for (uint32_t u = 0; u < site->policy.uplinks; u++)
			for (uint32_t t = 0; t < old->services; t++)
				for (uint32_t v = 0; v < old->uplinks; v++)
					if (!strcmp(site->policy.service[s].name,
						    old->service[t].name) &&
					    !strcmp(site->policy.uplink[u].name,
						    old->uplink[v].name))
						site->judge[s][u] = judge[t][v];
}

/* Those of uplinks with the same name stay. */
static void carry_clamps(struct sl_site *site)
{
	struct sl_clamp was[SL_SITE_UPLINKS];
	char name[SL_SITE_UPLINKS][SL_NAME_MAX];

	memcpy(was, site->clamp, sizeof(was));
	memcpy(name, site->clamped, sizeof(name));
	memset(site->clamp, 0, sizeof(site->clamp));
	memset(site->clamped, 0, sizeof(site->clamped));
	for (uint32_t u = 0; u < site->policy.uplinks; u++) {
		memcpy(site->clamped[u], site->policy.uplink[u].name, SL_NAME_MAX);
		for (unsigned int v = 0; v < SL_SITE_UPLINKS; v++)
			if (!strcmp(name[v], site->clamped[u]))
				site->clamp[u] = was[v];
	}
}

/* Incidents that nobody's care has any more. */
static void end_orphans(struct sl_site *site)
{
	for (uint32_t i = 0; i < site->cases.count; i++) {
		const struct sl_incident *incident = &site->cases.one[i].incident;
		bool owned = sl_dhcp_owns(incident);

		for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
			owned |= site->care[s].incident == incident->id ||
				 (site->care[s].ladder.on &&
				  site->care[s].ladder_incident == incident->id);
		if (!owned)
			sl_incident_end(&site->cases, incident->id,
					sl_say_unix_ns(site, site->now_ms),
					"its service left the policy");
	}
}

void sl_site_set_policy(struct sl_site *site, const struct sl_policy *policy, uint64_t version)
{
	static struct sl_policy before; /* too large for a stack */
	struct sl_care care[SL_SITE_SERVICES];
	struct sl_judge judge[SL_SITE_SERVICES][SL_SITE_UPLINKS];

	sl_change_see(site, version);
	before = site->policy;
	memcpy(care, site->care, sizeof(care));
	memcpy(judge, site->judge, sizeof(judge));
	memset(site->care, 0, sizeof(site->care));
	memset(site->judge, 0, sizeof(site->judge));
	memset(site->ceiling, 0, sizeof(site->ceiling));
	site->policy = *policy;
	site->policy_version = version;
	for (uint32_t s = 0; s < policy->services; s++) {
		const struct sl_care *old = care_by_name(care, policy->service[s].name);

		if (old)
			site->care[s] = *old;
		snprintf(site->care[s].name, SL_NAME_MAX, "%s", policy->service[s].name);
	}
	carry_clamps(site);
	if (site->has_policy)
		carry_judges(site, &before, judge);
	site->has_policy = true;
	site->has_picture = false;
	end_orphans(site);
}

/* Times of another boot of the machine: everything has just happened. */
void sl_site_rebase(struct sl_site *site, uint64_t now_ms)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		struct sl_care *care = &site->care[s];

		care->moved_ms = care->moved_ms ? now_ms : 0;
		for (unsigned int i = 0; i < SL_POLICY_MOVES_MAX; i++)
			care->move_at_ms[i] = care->move_at_ms[i] ? now_ms : 0;
		care->returned_ms = care->returned_ms ? now_ms : 0;
		care->changed_ms = 0;
		care->said_ms = care->wants_ms = now_ms;
		care->ladder.step_ms = now_ms;
		care->ladder.ended_ms = care->ladder.ended_ms ? now_ms : 0;
		care->barred_ms = care->ladder_failed_ms = care->mark_failed_ms = 0;
		care->first_bad_ms = care->ladder_bad_ms = 0;
		care->trial_ms = care->trial_ms ? now_ms : 0;
		care->home = (struct sl_home){0};
	}
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		site->clamp[u].since_ms = now_ms;
		site->clamp[u].bad_ms = site->clamp[u].failed_ms = 0;
	}
}

void sl_site_clock(struct sl_site *site, uint64_t unix_ns, uint64_t now_ms)
{
	site->unix_zero_ns = unix_ns - now_ms * 1000000;
}

static void begin(struct sl_site *site, uint64_t now_ms, struct sl_site_out *out)
{
	site->now_ms = now_ms;
	site->out = out;
}

static void pool(const struct sl_site *site, unsigned int service, unsigned int uplink,
		 struct sl_judge_context *context)
{
	uint64_t lost = 0, segments = 0;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_path_report *path = site->view.path[s][uplink];

		if (s == service || !path || sl_view_yields(&site->view, s) ||
		    !sl_view_trusted(&site->policy, s))
			continue;
		lost += sl_view_lost(path, SL_LEG_WAN);
		segments += sl_view_segments(path);
	}
	context->pool_lost = (uint32_t)lost;
	context->pool_ppm = segments ? (uint32_t)(lost * 1000000 / segments) : 0;
}

/* Normal is learnt only while nobody is unwell on the uplink, nor away from it. */
static bool well(const struct sl_site *site, unsigned int uplink)
{
	const struct sl_uplink_report *report = site->view.uplink[uplink];

	if (report && (report->state == SL_HEALTH_DOWN || report->state == SL_HEALTH_DEGRADED))
		return false;
	for (uint32_t s = 0; s < site->policy.services; s++) {
		const struct sl_path_report *path = site->view.path[s][uplink];
		bool home = sl_care_home(site, s) == uplink;

		if (path && (path->state == SL_HEALTH_DEGRADED || path->state == SL_HEALTH_DOWN))
			return false;
		if (home && (site->care[s].phase != SL_PHASE_HOME || site->care[s].incident))
			return false;
	}
	return true;
}

static uint64_t up_for_ms(struct sl_site *site, unsigned int uplink)
{
	const struct sl_uplink_report *report = site->view.uplink[uplink];
	uint64_t *since_ms = &site->up_ms[uplink];

	if (!report || report->state == SL_HEALTH_DOWN)
		*since_ms = 0;
	else if (!*since_ms)
		*since_ms = site->now_ms;
	return *since_ms ? site->now_ms - *since_ms : 0;
}

static void judge_all(struct sl_site *site)
{
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		struct sl_judge_context context = {.now_ms = site->now_ms,
						   .hold_ms = site->policy.guardrails.hold_down_ms,
						   .up_for_ms = up_for_ms(site, u),
						   .learn = well(site, u)};

		for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
			if (!site->view.path[s][u])
				continue;
			context.slo = sl_view_slo(&site->policy, s);
			pool(site, s, u, &context);
			sl_judge_picture(&site->judge[s][u], site->view.path[s][u], &context);
		}
	}
}

static void see_ceilings(struct sl_site *site)
{
	struct sl_scene scene = sl_say_scene(site);

	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		sl_ceiling_picture(&site->ceiling[u], &scene, u);
}

void sl_site_still(struct sl_site *site, unsigned int times)
{
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		bool usual = well(site, u);

		for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
			if (site->view.path[s][u])
				sl_judge_still(&site->judge[s][u], site->view.path[s][u], usual,
					       times);
	}
}

static void pause_judging(struct sl_site *site)
{
	site->settle_ms = site->now_ms + SL_SITE_SETTLE_MS;
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
			sl_judge_break(&site->judge[s][u]);
}

static void say_site(struct sl_site *site, const char *key, const char *text, double seconds)
{
	struct sl_saying saying = {.remedy = "hold",
				   .key = key,
				   .uplink = SL_UPLINK_UNSET,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_SELF};

	if (site->picture.mode != SL_MODE_OBSERVE)
		sl_say(site, &saying, "%s after %.1f s", text, seconds);
}

/* The most important first; among equals the policy's order. */
static void decide_all(struct sl_site *site)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		sl_relief_step(site, s);
	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		sl_clamp_step(site, u);
	for (int priority = 3; priority >= 0; priority--)
		for (uint32_t s = 0; s < site->policy.services; s++) {
			if (site->policy.service[s].priority != priority)
				continue;
			sl_say_turn(site, s);
			sl_care_step(site, s);
		}
	sl_say_turn_over(site);
	sl_dhcp_step(site);
}

/* What passed while no picture came is guessed at for a second only. */
static void count_usage(struct sl_site *site, uint64_t gap_ms)
{
	sl_usage_count(&site->usage, &site->view, sl_say_unix_ns(site, site->now_ms),
		       gap_ms < SL_SITE_SILENT_MS ? gap_ms : SL_SITE_SILENT_MS);
	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		site->used_bytes[u] = sl_usage_of(&site->usage, site->policy.uplink[u].name);
}

void sl_site_picture(struct sl_site *site, const struct sl_telemetry *picture, uint64_t now_ms,
		     struct sl_site_out *out)
{
	uint64_t gap_ms = now_ms - site->picture_ms;
	bool again = site->has_picture && picture->boot == site->picture.boot;
	bool back = site->silent, other_policy;

	begin(site, now_ms, out);
	if (!site->has_policy || (again && picture->version == site->picture.version))
		return;
	/* What it set is in the picture, and the policy itself comes a moment later. */
	other_policy = sl_change_see(site, picture->policy_version);
	if (!again || other_policy || picture->version < site->picture.version ||
	    gap_ms > SL_SITE_SILENT_MS)
		pause_judging(site);
	sl_wire_copy_telemetry(&site->picture, picture);
	sl_view_make(&site->view, &site->policy, &site->picture);
	if (again && gap_ms < BURST_MS)
		return;
	if (again)
		count_usage(site, gap_ms);
	site->picture_ms = now_ms;
	site->has_picture = true;
	site->silent = false;
	if (back)
		say_site(site, "speaks", "the dataplane speaks again", (double)gap_ms / 1e3);
	judge_all(site);
	see_ceilings(site);
	if (now_ms >= site->settle_ms)
		decide_all(site);
}

static int service_of(const struct sl_site *site, const char *name)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		if (!strcmp(site->policy.service[s].name, name))
			return (int)s;
	return -1;
}

static void answer(struct sl_site *site, const struct sl_order *order, enum sl_ack_status status,
		   const char *why)
{
	int service = service_of(site, order->service);

	if (service < 0 || !site->has_picture)
		return;
	sl_say_turn(site, (unsigned int)service);
	sl_care_answer(site, (unsigned int)service, order, status, why);
	sl_say_turn_over(site);
}

/* What was done shows in the pictures and is adopted from there; who restored does not. */
static void hear_action(struct sl_site *site, const struct sl_event *event)
{
	int service = service_of(site, event->service);
	bool restore = !strcmp(event->remedy, "restore");

	if (!strcmp(event->remedy, sl_command_word(SL_COMMAND_ROLLBACK)))
		sl_change_back(site);
	if (service < 0 || strncmp(event->command_id, "cli-", 4) != 0)
		return;
	if (restore || !strcmp(event->remedy, sl_relief_word(&site->care[service])))
		sl_relief_person(site, (unsigned int)service);
	if (restore)
		sl_care_person(site, (unsigned int)service);
}

void sl_site_event(struct sl_site *site, const struct sl_event *event, uint64_t now_ms,
		   struct sl_site_out *out)
{
	struct sl_order order;

	begin(site, now_ms, out);
	switch (event->kind) {
	case SL_EVENT_ACK:
		if (sl_say_answered(site, event->command_id, &order))
			answer(site, &order, event->ack, event->text);
		break;
	case SL_EVENT_STATE_CHANGE:
		site->state_changes++;
		break;
	case SL_EVENT_STARTED:
		pause_judging(site);
		break;
	case SL_EVENT_ACTION:
		hear_action(site, event);
		break;
	default:
		break;
	}
}

static void expired(struct sl_site *site, const struct sl_order *order)
{
	answer(site, order, SL_ACK_EXPIRED, "the dataplane did not answer");
}

void sl_site_tick(struct sl_site *site, uint64_t now_ms, struct sl_site_out *out)
{
	uint64_t gap_ms = now_ms - site->picture_ms;

	begin(site, now_ms, out);
	sl_say_resend(site, expired);
	if (!site->has_picture || site->silent || gap_ms <= SL_SITE_SILENT_MS)
		return;
	site->silent = true;
	say_site(site, "silent", "no action: the dataplane is silent", (double)gap_ms / 1e3);
}
