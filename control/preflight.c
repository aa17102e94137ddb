/*
 * preflight.c - one check after the other, the hardest first
 */
#include "preflight.h"
#include "ceiling.h"

#include <stdio.h>

#define ROOM_PERCENT   90 /* of the target's capacity a move may fill */
#define BUDGET_PERCENT 95 /* of a month's bytes, from which only a blackout may spend */
#define QUERIES_MIN    3  /* that failed, before DNS is said to fail there */
#define MBIT           1e6
#define GBYTE          1e9

struct trip {
	const struct sl_scene *scene;
	const struct sl_policy_service *service;
	unsigned int index, from, to;
	char *why;
};

static bool is_pinned_elsewhere(const struct trip *trip)
{
	const struct sl_policy *policy = trip->scene->view->policy;
	size_t at = 0;

	if (!trip->service->pinned || trip->service->pinned & 1u << trip->to)
		return false;
	at += (size_t)snprintf(trip->why, SL_WHY_MAX, "pinned: its far end lets in only");
	for (uint32_t u = 0; u < policy->uplinks && at < SL_WHY_MAX; u++)
		if (trip->service->pinned & 1u << u)
			at += (size_t)snprintf(trip->why + at, SL_WHY_MAX - at, " %s",
					       policy->uplink[u].name);
	return true;
}

static bool is_down(const struct trip *trip)
{
	const struct sl_uplink_report *report = trip->scene->view->uplink[trip->to];

	if (report && report->state == SL_HEALTH_DOWN)
		snprintf(trip->why, SL_WHY_MAX, "down: %.90s", report->reason);
	else if (trip->scene->judge[trip->index][trip->to].state == SL_HEALTH_DOWN)
		snprintf(trip->why, SL_WHY_MAX, "down for it: nothing comes back there");
	else
		return false;
	return true;
}

static bool is_degraded(const struct trip *trip)
{
	const struct sl_uplink_report *report = trip->scene->view->uplink[trip->to];
	const struct sl_path_report *path = trip->scene->view->path[trip->index][trip->to];
	const struct sl_judge *judge = &trip->scene->judge[trip->index][trip->to];

	if (report && report->state == SL_HEALTH_DEGRADED)
		snprintf(trip->why, SL_WHY_MAX, "degraded: %.90s", report->reason);
	else if (judge->state == SL_HEALTH_DEGRADED && path &&
		 sl_judge_bad_now(judge, trip->scene->now_ms))
		snprintf(trip->why, SL_WHY_MAX, "it does badly there too: %.80s", path->reason);
	else if (judge->state == SL_HEALTH_DEGRADED)
		snprintf(trip->why, SL_WHY_MAX,
			 "it did badly there %.0f s ago, not seen well since",
			 (double)(trip->scene->now_ms - judge->bad_ms) / 1e3);
	else
		return false;
	return true;
}

/* It comes and goes there: for the service itself, or for two others (for one, it may be that one). */
static bool flaps(const struct trip *trip)
{
	const struct sl_scene *scene = trip->scene;
	unsigned int others = 0, who = trip->index;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		if (sl_judge_gaps(&scene->judge[s][trip->to], scene->now_ms) < SL_JUDGE_FLAPS)
			continue;
		others += s == trip->index ? 2 : 1;
		who = s;
	}
	if (others < 2)
		return false;
	snprintf(trip->why, SL_WHY_MAX, "it flaps: %s had %u gaps there in 10 minutes",
		 sl_view_service_name(scene->view->policy, who),
		 sl_judge_gaps(&scene->judge[who][trip->to], scene->now_ms));
	return true;
}

/* Some other service does badly there at this moment. */
static bool has_evidence_against(const struct trip *trip)
{
	const struct sl_scene *scene = trip->scene;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		if (s == trip->index || !scene->view->path[s][trip->to] ||
		    sl_view_yields(scene->view, s) ||
		    !sl_judge_bad_now(&scene->judge[s][trip->to], scene->now_ms))
			continue;
		snprintf(trip->why, SL_WHY_MAX, "%s does badly there: %.70s",
			 sl_view_service_name(scene->view->policy, s),
			 scene->view->path[s][trip->to]->reason);
		return true;
	}
	return false;
}

/* What it needs: what it sends now or, of a path that is choking it, sent in good times. */
static uint64_t need_bps(const struct trip *trip, unsigned int side)
{
	uint64_t now = sl_view_rate_of(trip->scene->view, trip->index, trip->from, side);
	uint64_t peak = trip->scene->judge[trip->index][trip->from].peak_bps[side];

	return now > peak ? now : peak;
}

static bool is_full(const struct trip *trip)
{
	const struct sl_uplink_report *target = trip->scene->view->uplink[trip->to];

	for (unsigned int side = 0; target && side < 2; side++) {
		uint64_t capacity = sl_ceiling_capacity(trip->scene, trip->to, side);
		uint64_t sum = target->rate_bps[side] + need_bps(trip, side);

		if (!capacity || sum * 100 <= capacity * ROOM_PERCENT)
			continue;
		snprintf(trip->why, SL_WHY_MAX, "no headroom: %.1f of %.1f Mbit/s %s it%s",
			 (double)(target->rate_bps[side] * 100 > capacity * ROOM_PERCENT
					  ? target->rate_bps[side]
					  : sum) /
				 MBIT,
			 (double)capacity / MBIT,
			 target->rate_bps[side] * 100 > capacity * ROOM_PERCENT ? "without"
										: "with",
			 sl_ceiling_seen(trip->scene, trip->to, side) ? ": more is not seen to pass"
								      : "");
		return true;
	}
	return false;
}

static bool is_spent(const struct trip *trip)
{
	const struct sl_policy_uplink *link = &trip->scene->view->policy->uplink[trip->to];
	uint64_t used = trip->scene->used_bytes ? trip->scene->used_bytes[trip->to] : 0;

	if (!link->monthly_bytes || used < link->monthly_bytes / 100 * BUDGET_PERCENT)
		return false;
	snprintf(trip->why, SL_WHY_MAX, "metered: %.2f of %.2f GB of this month are used",
		 (double)used / GBYTE, (double)link->monthly_bytes / GBYTE);
	return true;
}

static bool is_narrow(const struct trip *trip)
{
	const struct sl_policy *policy = trip->scene->view->policy;
	uint32_t here = trip->from < policy->uplinks ? policy->uplink[trip->from].mtu : 0;
	uint32_t there = policy->uplink[trip->to].mtu;

	if (!there || !here || there >= here)
		return false;
	snprintf(trip->why, SL_WHY_MAX, "MTU %u there, %u here", there, here);
	return true;
}

static bool has_no_dns(const struct trip *trip)
{
	uint32_t bad = 0, queries = 0;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_path_report *path = trip->scene->view->path[s][trip->to];

		bad += path ? sl_view_queries_bad(path) : 0;
		queries += path ? path->queries : 0;
	}
	if (bad < QUERIES_MIN || bad * 2 < queries)
		return false;
	snprintf(trip->why, SL_WHY_MAX, "DNS fails there: %u of %u queries", bad,
		 queries > bad ? queries : bad);
	return true;
}

/* Nothing speaks against it: what is known of it. */
static void praise(const struct trip *trip)
{
	const struct sl_path_report *path = trip->scene->view->path[trip->index][trip->to];

	if (path && path->state == SL_HEALTH_GOOD && path->rtt[SL_LEG_WAN].samples)
		snprintf(trip->why, SL_WHY_MAX, "good there: p95 %.1f ms over %u samples",
			 path->rtt[SL_LEG_WAN].p95_us / 1e3, path->rtt[SL_LEG_WAN].samples);
	else
		snprintf(trip->why, SL_WHY_MAX, "nothing is known against it");
}

enum sl_fit sl_preflight(const struct sl_scene *scene, unsigned int service, unsigned int from,
			 unsigned int to, char *why)
{
	struct trip trip = {scene, &scene->view->policy->service[service], service, from, to, why};

	if (is_pinned_elsewhere(&trip) || is_down(&trip))
		return SL_FIT_NO;
	/* A till that has no other way may spend over its month; guests may not. */
	if (is_spent(&trip))
		return trip.service->priority >= 2 ? SL_FIT_LAST : SL_FIT_NO;
	if (is_degraded(&trip) || flaps(&trip) || has_evidence_against(&trip) || is_full(&trip) ||
	    is_narrow(&trip) || has_no_dns(&trip))
		return SL_FIT_LAST;
	praise(&trip);
	return SL_FIT_GOOD;
}
