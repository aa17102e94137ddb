/*
 * relief.c - from a picture to the next step of a rate limit
 */
#include "relief.h"

#include <stdio.h>
#include <string.h>

#define MBIT             1e6
#define DESIRED_GRACE_MS 3000 /* an order and a picture on their way */

static int uplink_of(const struct sl_site *site, const char *name)
{
	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		if (!strcmp(site->policy.uplink[u].name, name))
			return (int)u;
	return -1;
}

struct sl_care *sl_relief_on(struct sl_site *site, const char *uplink)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		if (site->care[s].ladder.on && !strcmp(site->care[s].ladder_uplink, uplink))
			return &site->care[s];
	return NULL;
}

/* Set the culprit's limit as its ladder wants it (0 = lifted) and say why. */
static void set_limit(struct sl_site *site, struct sl_care *care, bool counts, const char *key,
		      const char *text)
{
	uint64_t limit_bps = care->ladder.on ? care->ladder.limit_bps : 0;
	int uplink = uplink_of(site, care->ladder_uplink);
	struct sl_order order = {.kind = SL_COMMAND_THROTTLE,
				 .limit_bps = limit_bps,
				 .incident = care->ladder_incident};
	struct sl_saying saying = {.care = care,
				   .remedy = "throttle",
				   .key = key,
				   .uplink = uplink < 0 ? SL_UPLINK_UNSET : (unsigned int)uplink,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_UPLINK,
				   .limit_bps = limit_bps,
				   .incident = care->ladder_incident};

	memcpy(order.service, care->name, sizeof(order.service));
	saying.command_id = sl_say_order(site, &order, counts, text);
	if (limit_bps)
		sl_say(site, &saying, "%s limited to %.2f Mbit/s: %s", care->name,
		       (double)limit_bps / MBIT, text);
	else
		sl_say(site, &saying, "%s: limit lifted: %s", care->name, text);
}

void sl_relief_start(struct sl_site *site, unsigned int victim, unsigned int uplink,
		     const struct sl_choice *choice)
{
	const struct sl_policy_service *policy = &site->policy.service[choice->culprit];
	const struct sl_path_report *path = site->view.path[victim][uplink];
	struct sl_care *culprit = &site->care[choice->culprit], *served = &site->care[victim];
	char text[SL_TEXT_MAX];

	memcpy(culprit->ladder_uplink, site->policy.uplink[uplink].name, SL_NAME_MAX);
	culprit->ladder_incident = sl_say_incident(site, served);
	served->verdict = SL_VERDICT_UPLINK;
	sl_ladder_start(&culprit->ladder, choice->rate_bps, policy->throttle_floor_bps,
			site->now_ms);
	snprintf(text, sizeof(text), "%s while %s has p95 %.1f ms on the WAN leg", choice->text,
		 served->name, path ? path->rtt[SL_LEG_WAN].p95_us / 1e3 : 0.0);
	set_limit(site, culprit, true, "throttle", text);
	snprintf(served->said, SL_KEY_MAX, "throttle");
	served->said_ms = site->now_ms;
}

static bool settled_bad(const struct sl_judge *judge)
{
	return judge->bad_now && (judge->bad_run >= SL_JUDGE_RUN ||
				  __builtin_popcount(judge->bad_bits) >= SL_JUDGE_MANY);
}

/* What the services that this ladder serves get at this moment. */
static void look(struct sl_site *site, const struct sl_care *culprit, unsigned int uplink,
		 struct sl_ladder_sight *sight)
{
	uint32_t hold_ms = site->policy.guardrails.hold_down_ms;

	sight->calm = true;
	for (uint32_t s = 0; s < site->policy.services; s++) {
		const struct sl_judge *judge = &site->judge[s][uplink];

		if (site->care[s].incident != culprit->ladder_incident ||
		    &site->care[s] == culprit || sl_view_where(&site->view, s) != uplink)
			continue;
		sight->sore |= judge->bad_now;
		sight->bad |= settled_bad(judge);
		/* Silent since long: nobody is left to protect. */
		if (!sl_judge_calm(judge, site->now_ms, SL_JUDGE_CALM_MS) &&
		    site->now_ms - judge->bad_ms < hold_ms)
			sight->calm = false;
	}
}

static void failed(struct sl_site *site, const struct sl_care *culprit)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		if (site->care[s].incident == culprit->ladder_incident)
			site->care[s].ladder_failed_ms = site->now_ms;
}

static void climb(struct sl_site *site, struct sl_care *care, const struct sl_ladder_sight *sight)
{
	uint64_t before_bps = care->ladder.limit_bps;
	char text[SL_TEXT_MAX];

	switch (sl_ladder_next(&care->ladder, sight)) {
	case SL_RUNG_TIGHTEN:
		snprintf(text, sizeof(text), "the served path is over its SLO, step %u",
			 care->ladder.steps);
		set_limit(site, care, false, "tighten", text);
		break;
	case SL_RUNG_LOOSEN:
		snprintf(text, sizeof(text), "the served paths kept their SLO at %.2f Mbit/s",
			 (double)before_bps / MBIT);
		set_limit(site, care, false, "loosen", text);
		break;
	case SL_RUNG_LIFT:
		set_limit(site, care, false, "lift", "the served paths keep their SLO");
		break;
	case SL_RUNG_FAIL:
		snprintf(text, sizeof(text), "%u steps down to %.2f Mbit/s did not help",
			 care->ladder.steps, (double)care->ladder.limit_bps / MBIT);
		set_limit(site, care, false, "throttle-failed", text);
		failed(site, care);
		break;
	default:
		break;
	}
}

/* A limit of ours that no ladder of ours knows (lost state, lost lift): take it up. */
static void adopt(struct sl_site *site, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];
	struct sl_care *care = &site->care[service];
	uint64_t limit_bps = report->limit_bps[0] > report->limit_bps[1] ? report->limit_bps[0]
									 : report->limit_bps[1];

	if (!limit_bps || strncmp(report->cause, "control", 7) ||
	    (care->ladder.ended_ms && site->now_ms - care->ladder.ended_ms < DESIRED_GRACE_MS))
		return;
	care->ladder =
		(struct sl_ladder){.on = true,
				   .limit_bps = limit_bps,
				   .first_bps = limit_bps * 2,
				   .floor_bps = site->policy.service[service].throttle_floor_bps,
				   .step_ms = site->now_ms};
	memcpy(care->ladder_uplink, report->uplink, SL_NAME_MAX);
	care->ladder_incident = ++site->incidents;
}

/* The dataplane does not show the limit we want: say it again. */
static bool amiss(const struct sl_site *site, const struct sl_care *care, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];

	return !report->limit_bps[0] && !report->limit_bps[1] &&
	       site->now_ms - care->ladder.step_ms >= DESIRED_GRACE_MS &&
	       !sl_say_waiting(site, care->name, true);
}

void sl_relief_step(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	struct sl_ladder_sight sight = {.now_ms = site->now_ms,
					.hold_ms = site->policy.guardrails.hold_down_ms};
	int uplink;

	if (sl_say_barred(site) || !site->view.service[service] ||
	    sl_say_waiting(site, care->name, true))
		return;
	if (!care->ladder.on) {
		adopt(site, service);
		return;
	}
	uplink = uplink_of(site, care->ladder_uplink);
	if (uplink < 0 || sl_view_where(&site->view, service) != (unsigned int)uplink) {
		care->ladder.on = false;
		care->ladder.ended_ms = site->now_ms;
		set_limit(site, care, false, "lift", "it left the uplink");
		return;
	}
	if (amiss(site, care, service)) {
		care->ladder.step_ms = site->now_ms;
		set_limit(site, care, false, "again", "the limit was not in force");
		return;
	}
	look(site, care, (unsigned int)uplink, &sight);
	sight.capacity_bps = site->policy.uplink[uplink].capacity_bps;
	for (unsigned int side = 0; side < 2 && site->view.path[service][uplink]; side++) {
		uint64_t bps = sl_view_rate(site->view.path[service][uplink], side);

		sight.rate_bps = bps > sight.rate_bps ? bps : sight.rate_bps;
	}
	climb(site, care, &sight);
}

void sl_relief_refused(struct sl_site *site, unsigned int service, const char *why)
{
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = "hold",
				   .key = "throttle-refused",
				   .uplink = SL_UPLINK_UNSET,
				   .to_uplink = SL_UPLINK_UNSET,
				   .incident = care->ladder_incident};

	care->ladder.on = false;
	care->ladder.ended_ms = site->now_ms;
	failed(site, care);
	sl_say(site, &saying, "%s is not throttled: %s", care->name, why);
}
