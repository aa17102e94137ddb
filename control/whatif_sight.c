/*
 * whatif_sight.c - what a service would have met where the replay has it
 *
 * Where it really was: as recorded.  Elsewhere: what the roll-up has of it there (live flows that
 * stayed, a trial), else what others there had then, on its own amount of traffic.  That says
 * nothing when it was bad where it was while others there were well: its far end may be ill, and
 * that goes along.  Nor is known what a rate limit would have done that was not set then, or what
 * would have been without one that was.  Unknown is shown to the pipeline as a blind path.
 */
#include "whatif_private.h"

#include <stdio.h>
#include <string.h>

#define PPM 1000000u

static bool judged(const struct sl_path_report *path)
{
	return path && (path->state == SL_HEALTH_GOOD || path->state == SL_HEALTH_DEGRADED ||
			path->state == SL_HEALTH_DOWN);
}

static bool ill(const struct sl_path_report *path)
{
	return path && (path->state == SL_HEALTH_DEGRADED || path->state == SL_HEALTH_DOWN);
}

static void name_path(const struct sl_policy *policy, unsigned int s, unsigned int u,
		      struct sl_path_report *path)
{
	/* Each second, of each path: not by snprintf. */
	if (s < policy->services)
		memcpy(path->service, policy->service[s].name, SL_NAME_MAX);
	else
		snprintf(path->service, SL_NAME_MAX, "%s", sl_view_service_name(policy, s));
	if (u < policy->uplinks)
		memcpy(path->uplink, policy->uplink[u].name, SL_NAME_MAX);
	else
		path->uplink[0] = '\0';
}

static void be_blind(struct sl_path_report *path, const char *why)
{
	*path = (struct sl_path_report){.state = SL_HEALTH_BLIND, .window_ms = 1000};
	snprintf(path->reason, SL_TEXT_MAX, "replay: %.200s", why);
}

/* Whom the service shares @u with, in the record. */
struct company {
	uint32_t well, ill;
	uint64_t segments, lost;             /* on the WAN leg, of all of them */
	const struct sl_path_report *widest; /* most round trips; NULL = none */
};

static void look_around(const struct sl_view *view, unsigned int s, unsigned int u,
			struct company *company)
{
	*company = (struct company){0};
	for (unsigned int x = 0; x < SL_SITE_SERVICES; x++) {
		const struct sl_path_report *path = view->path[x][u];

		if (x == s || !judged(path) || sl_view_yields(view, x))
			continue;
		company->well += path->state == SL_HEALTH_GOOD;
		company->ill += ill(path);
		company->segments += sl_view_segments(path);
		company->lost += sl_view_lost(path, SL_LEG_WAN);
		if (path->rtt[SL_LEG_WAN].samples &&
		    (!company->widest ||
		     path->rtt[SL_LEG_WAN].samples > company->widest->rtt[SL_LEG_WAN].samples))
			company->widest = path;
	}
}

/*
 * Bad where it was while others there were well: it may be the far end, which no uplink mends.
 * Unless the pipeline has found that it is the uplink: others there suffer, within their SLO.
 */
static bool far_end_doubted(const struct sl_whatif *run, const struct sl_view *view, unsigned int s)
{
	unsigned int was = sl_view_where(view, s);
	struct company company;

	if (was >= SL_SITE_UPLINKS || !ill(view->path[s][was]) ||
	    run->site.care[s].verdict == SL_VERDICT_UPLINK)
		return false;
	look_around(view, s, was, &company);
	return company.well && !company.ill;
}

/* Its traffic as it is now; of a path that chokes it, as it was when all was well. */
static const struct sl_path_report *demand_of(const struct sl_whatif *run,
					      const struct sl_view *view, unsigned int s)
{
	static const struct sl_path_report idle = {.state = SL_HEALTH_IDLE, .window_ms = 1000};
	unsigned int where = sl_view_where(view, s);
	const struct sl_path_report *now = where < SL_SITE_UPLINKS ? view->path[s][where] : NULL;

	/* A lean roll-up leaves out idle paths. */
	if (!now && where < SL_SITE_UPLINKS)
		return &idle;
	if (now && (now->state == SL_HEALTH_GOOD || now->state == SL_HEALTH_IDLE ||
		    !run->set[s].has_usual))
		return now;
	return run->set[s].has_usual ? &run->set[s].usual : NULL;
}

/* Others' WAN leg under its own traffic; its LAN leg stays what it is. */
static void dress(struct sl_path_report *path, const struct company *company)
{
	uint64_t ppm = company->segments ? company->lost * PPM / company->segments : 0;
	uint32_t samples = path->rtt[SL_LEG_WAN].samples;

	path->state = SL_HEALTH_BLIND;
	path->attempts_repeated = path->refused = path->stalls = path->stall_repeats = 0;
	path->queries_failed = path->queries_unanswered = path->hellos_unanswered = 0;
	path->requests = path->requests_unanswered = 0; /* its server's, not the way's */
	path->loss[0].lost_after = (uint32_t)((path->loss[0].segments * ppm + PPM / 2) / PPM);
	path->loss[1].lost_before = (uint32_t)((path->loss[1].segments * ppm + PPM / 2) / PPM);
	path->media[SL_LEG_WAN].packets = path->media[SL_LEG_WAN].expected;
	if (!company->widest)
		return;
	path->rtt[SL_LEG_WAN] = company->widest->rtt[SL_LEG_WAN];
	path->rtt[SL_LEG_WAN].samples = samples;
}

static enum sl_whatif_grade by_others(const struct sl_whatif *run, const struct sl_view *view,
				      unsigned int s, unsigned int u, struct sl_path_report *path)
{
	const struct sl_uplink_report *uplink = view->uplink[u];
	const struct sl_path_report *demand = demand_of(run, view, s);
	struct company company;

	if (demand && demand->state == SL_HEALTH_IDLE) {
		*path = *demand;
		return SL_WHATIF_ESTIMATED;
	}
	if (uplink && uplink->state == SL_HEALTH_DOWN) {
		be_blind(path, uplink->reason);
		path->state = SL_HEALTH_DOWN;
		return SL_WHATIF_ESTIMATED;
	}
	look_around(view, s, u, &company);
	if (!demand || !company.widest || far_end_doubted(run, view, s)) {
		be_blind(path, !demand          ? "its traffic is not known"
			       : company.widest ? "its far end may have been ill"
						: "nobody was there to measure it");
		return SL_WHATIF_UNKNOWN;
	}
	*path = *demand;
	path->window_ms = 1000;
	dress(path, &company);
	sl_whatif_judge(path, sl_view_slo(&run->policy, s));
	snprintf(path->reason, SL_TEXT_MAX, "replay: as %.31s was there then",
		 company.widest->service);
	return SL_WHATIF_ESTIMATED;
}

/* A limit is set where none was, or was where none is set, by somebody on this uplink.  What was
 * set or lifted in the second of @roll was both. */
static bool limits_differ(const struct sl_whatif *run, const struct sl_whatif_roll *roll,
			  unsigned int u)
{
	for (uint32_t s = 0; run->replays && s < run->policy.services; s++) {
		bool set = run->set[s].limit_bps != 0;
		bool was = sl_view_limited(&roll->view, s), before = roll->limited[s];

		if (set != was && set != before &&
		    (run->set[s].where == u || sl_view_where(&roll->view, s) == u))
			return true;
	}
	return false;
}

static enum sl_whatif_grade as_recorded(const struct sl_whatif *run, const struct sl_view *view,
					unsigned int s, unsigned int u, struct sl_path_report *path)
{
	*path = *view->path[s][u];
	if (run->other_slo[s])
		sl_whatif_judge(path, sl_view_slo(&run->policy, s));
	return SL_WHATIF_KNOWN;
}

/* Only a share of it goes this way. */
static void thin(struct sl_path_report *path, uint32_t share_ppm)
{
	uint32_t *const count[] = {
		&path->rtt[0].samples,     &path->rtt[1].samples,      &path->rtt[0].above_slo,
		&path->rtt[1].above_slo,   &path->loss[0].segments,    &path->loss[1].segments,
		&path->loss[0].lost_after, &path->loss[1].lost_before, &path->flows_new,
		&path->attempts,           &path->established,         &path->packets[0],
		&path->packets[1],
	};

	for (size_t i = 0; i < sizeof(count) / sizeof(count[0]); i++)
		*count[i] = (uint32_t)((uint64_t)*count[i] * share_ppm / PPM);
	for (unsigned int side = 0; side < 2; side++)
		path->bytes[side] = path->bytes[side] * share_ppm / PPM;
}

static enum sl_whatif_grade elsewhere(const struct sl_whatif *run, const struct sl_view *view,
				      unsigned int s, unsigned int u, struct sl_path_report *path)
{
	enum sl_whatif_grade grade = SL_WHATIF_ESTIMATED;

	if (judged(view->path[s][u]))
		as_recorded(run, view, s, u, path);
	else
		grade = by_others(run, view, s, u, path);
	if (run->set[s].share_ppm && u == run->set[s].trial)
		thin(path, run->set[s].share_ppm);
	return grade;
}

/* True: there is a path, and *@grade says how well it is known. */
static bool see(const struct sl_whatif *run, const struct sl_whatif_roll *roll, unsigned int s,
		unsigned int u, struct sl_path_report *path, enum sl_whatif_grade *grade)
{
	const struct sl_view *view = &roll->view;
	const struct sl_whatif_set *set = &run->set[s];
	const struct sl_service_report *report = view->service[s];
	unsigned int was = sl_view_where(view, s);
	bool goes = u == set->where || (set->share_ppm && u == set->trial);
	bool went = u == was || (report && report->trial_share_ppm && view->path[s][u] &&
				 !strcmp(report->trial_uplink, view->path[s][u]->uplink));

	*grade = SL_WHATIF_KNOWN;
	if (s >= run->policy.services || (!goes && !went) || (goes && went) ||
	    (went && set->stays)) {
		if (!view->path[s][u])
			return false;
		*grade = as_recorded(run, view, s, u, path);
	} else if (goes) {
		*grade = elsewhere(run, view, s, u, path);
	} else {
		*path = (struct sl_path_report){.state = SL_HEALTH_IDLE, .window_ms = 1000};
	}
	if (goes && s < run->policy.services && limits_differ(run, roll, u)) {
		be_blind(path, "a rate limit was not as it would have been");
		*grade = SL_WHATIF_UNKNOWN;
	}
	return true;
}

static uint64_t rate_of(const struct sl_path_report *path)
{
	return path ? sl_view_rate(path, 0) + sl_view_rate(path, 1) : 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Its traffic leaves the uplink that it was on, and adds to the one that it is on. */
static void move_rates(const struct sl_whatif *run, struct sl_whatif_roll *roll, unsigned int s)
{
	unsigned int was = sl_view_where(&roll->view, s), is = run->set[s].where;
	const struct sl_path_report *demand = demand_of(run, &roll->view, s);
	const struct sl_path_report *old = was < SL_SITE_UPLINKS ? roll->view.path[s][was] : NULL;

	if (was == is)
		return;
	for (unsigned int side = 0; side < 2; side++) {
		if (is < run->policy.uplinks && demand)
			roll->uplink[is].rate_bps[side] += sl_view_rate(demand, side);
		if (was < run->policy.uplinks && old && !run->set[s].stays)
			roll->uplink[was].rate_bps[side] =
				less(roll->uplink[was].rate_bps[side], sl_view_rate(old, side));
	}
	if (is < run->policy.uplinks)
		roll->moved_bps[is] += rate_of(demand);
	if (was < run->policy.uplinks && !run->set[s].stays)
		roll->moved_bps[was] += rate_of(old);
}

static void see_uplinks(const struct sl_whatif *run, struct sl_whatif_roll *roll)
{
	memset(roll->moved_bps, 0, sizeof(roll->moved_bps));
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		const struct sl_uplink_report *report = roll->view.uplink[u];

		roll->uplink[u] = report ? *report : (struct sl_uplink_report){.name = ""};
		roll->calm &= !report || report->state != SL_HEALTH_DOWN;
	}
	for (uint32_t s = 0; s < run->policy.services; s++)
		move_rates(run, roll, s);
}

/* Something was set since @before: trouble of less than a second was ended, it did not end. */
static bool acted(const struct sl_whatif_roll *before, const struct sl_whatif_roll *roll)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_service_report *a = before->view.service[s];
		const struct sl_service_report *b = roll->view.service[s];

		if (a && b &&
		    (strcmp(a->uplink, b->uplink) || a->trial_share_ppm != b->trial_share_ppm ||
		     a->limit_bps[0] != b->limit_bps[0] || a->limit_bps[1] != b->limit_bps[1]))
			return true;
	}
	return false;
}

void sl_whatif_sight(struct sl_whatif *run, struct sl_whatif_roll *roll,
		     const struct sl_whatif_roll *before)
{
	bool lone = before && !acted(before, roll);

	roll->calm = true;
	for (unsigned int s = 0; roll != run->last && s < SL_SITE_SERVICES; s++)
		roll->limited[s] = sl_view_limited(before ? &before->view : &roll->view, s);
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
			struct sl_path_report *path = &roll->path[s][u];
			enum sl_whatif_grade grade;

			roll->has[s][u] = see(run, roll, s, u, path, &grade);
			if (!roll->has[s][u])
				continue;
			roll->grade[s][u] = (uint8_t)grade;
			name_path(&run->policy, s, u, path);
			roll->calm &= !ill(path);
			/* Seen again after a move, the last one's lie in it as before. */
			if (roll != run->last)
				roll->burst[s][u] = sl_whatif_bad(path) && lone &&
						    before->has[s][u] &&
						    !sl_whatif_bad(&before->path[s][u]);
		}
	see_uplinks(run, roll);
}
