/*
 * site.c - the pipeline of a site, in the order of its calls
 */
#include "site.h"
#include "care.h"
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

void sl_site_set_policy(struct sl_site *site, const struct sl_policy *policy, uint64_t version)
{
	static struct sl_policy before; /* too large for a stack */
	struct sl_care care[SL_SITE_SERVICES];
	struct sl_judge judge[SL_SITE_SERVICES][SL_SITE_UPLINKS];

	before = site->policy;
	memcpy(care, site->care, sizeof(care));
	memcpy(judge, site->judge, sizeof(judge));
	memset(site->care, 0, sizeof(site->care));
	memset(site->judge, 0, sizeof(site->judge));
	site->policy = *policy;
	site->policy_version = version;
	for (uint32_t s = 0; s < policy->services; s++) {
		const struct sl_care *old = care_by_name(care, policy->service[s].name);

		if (old)
			site->care[s] = *old;
		snprintf(site->care[s].name, SL_NAME_MAX, "%s", policy->service[s].name);
	}
	if (site->has_policy)
		carry_judges(site, &before, judge);
	site->has_policy = true;
	site->has_picture = false;
}

/* Times of another boot of the machine: everything has just happened. */
void sl_site_rebase(struct sl_site *site, uint64_t now_ms)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		struct sl_care *care = &site->care[s];

		care->moved_ms = care->moved_ms ? now_ms : 0;
		care->returned_ms = care->returned_ms ? now_ms : 0;
		care->changed_ms = 0;
		care->said_ms = care->wants_ms = now_ms;
		care->ladder.step_ms = now_ms;
		care->ladder.ended_ms = care->ladder.ended_ms ? now_ms : 0;
		care->barred_ms = care->ladder_failed_ms = 0;
		care->home = (struct sl_home){0};
	}
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

		if (s == service || !path || sl_view_limited(&site->view, s))
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

static void judge_all(struct sl_site *site)
{
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		struct sl_judge_context context = {.now_ms = site->now_ms,
						   .hold_ms = site->policy.guardrails.hold_down_ms,
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
	for (int priority = 3; priority >= 0; priority--)
		for (uint32_t s = 0; s < site->policy.services; s++)
			if (site->policy.service[s].priority == priority)
				sl_care_step(site, s);
}

void sl_site_picture(struct sl_site *site, const struct sl_telemetry *picture, uint64_t now_ms,
		     struct sl_site_out *out)
{
	uint64_t gap_ms = now_ms - site->picture_ms;
	bool again = site->has_picture && picture->boot == site->picture.boot;
	bool back = site->silent;

	begin(site, now_ms, out);
	if (!site->has_policy || (again && picture->version == site->picture.version))
		return;
	if (!again || picture->version < site->picture.version || gap_ms > SL_SITE_SILENT_MS)
		pause_judging(site);
	site->picture = *picture;
	sl_view_make(&site->view, &site->policy, &site->picture);
	if (again && gap_ms < BURST_MS)
		return;
	site->picture_ms = now_ms;
	site->has_picture = true;
	site->silent = false;
	if (back)
		say_site(site, "speaks", "the dataplane speaks again", (double)gap_ms / 1e3);
	judge_all(site);
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

	if (service >= 0 && site->has_picture)
		sl_care_answer(site, (unsigned int)service, order, status, why);
}

/* What was done shows in the pictures and is adopted from there; who restored does not. */
static void hear_action(struct sl_site *site, const struct sl_event *event)
{
	int service = service_of(site, event->service);

	if (service >= 0 && !strcmp(event->remedy, "restore") &&
	    !strncmp(event->command_id, "cli-", 4))
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
