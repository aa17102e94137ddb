/*
 * decide.c - throttle, reroute, notify or hold
 */
#include "decide.h"

#include <stdio.h>

#define CAPACITY_SHARE_MIN 20  /* % of capacity below which nobody bloats an uplink */
#define CAPACITY_FULL      85  /* % of capacity from which the uplink is full */
#define CAPACITY_ROOM      90  /* % of the target's capacity a move may fill */
#define RISE_MIN           130 /* % of its usual rate from which a rate is new */

struct load {
	uint64_t total_bps;
	uint64_t top_bps;
	unsigned int top; /* the may_throttle service with most, SL_SITE_SERVICES = none */
};

static bool throttleable(const struct sl_view *view, unsigned int service, unsigned int victim)
{
	const struct sl_policy *policy = view->policy;

	return service < policy->services && service != victim &&
	       policy->service[service].may_throttle && !sl_view_limited(view, service) &&
	       policy->service[service].priority <= policy->service[victim].priority;
}

static void load_of(const struct sl_view *view, unsigned int victim, unsigned int uplink,
		    unsigned int side, struct load *load)
{
	*load = (struct load){.top = SL_SITE_SERVICES};
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		uint64_t bps =
			view->path[s][uplink] ? sl_view_rate(view->path[s][uplink], side) : 0;

		load->total_bps += bps;
		if (!throttleable(view, s, victim) || bps <= load->top_bps)
			continue;
		load->top_bps = bps;
		load->top = s;
	}
}

/* A service that sends as it did when all was well is not what changed. */
static bool rate_is_new(const struct sl_judge *judge, unsigned int side, uint64_t bps)
{
	uint64_t usual = judge->base_bps[side];

	return !usual || bps * 100 >= usual * RISE_MIN;
}

static bool bloats(const struct sl_scene *scene, const struct load *load, unsigned int uplink,
		   unsigned int side)
{
	uint64_t capacity = scene->view->policy->uplink[uplink].capacity_bps;

	if (load->top == SL_SITE_SERVICES || load->top_bps * 2 <= load->total_bps)
		return false;
	if (capacity && load->top_bps * 100 < capacity * CAPACITY_SHARE_MIN)
		return false;
	if (capacity && load->total_bps * 100 >= capacity * CAPACITY_FULL)
		return true;
	return rate_is_new(&scene->judge[load->top][uplink], side, load->top_bps);
}

unsigned int sl_decide_culprit(const struct sl_scene *scene, unsigned int service,
			       unsigned int uplink, uint64_t *rate_bps)
{
	const struct sl_policy *policy = scene->view->policy;
	const struct sl_path_report *path = scene->view->path[service][uplink];

	if (!path || service >= policy->services || uplink >= policy->uplinks ||
	    !sl_view_slow(path, sl_view_slo(policy, service)))
		return SL_SITE_SERVICES;
	for (unsigned int side = 0; side < 2; side++) {
		struct load load;

		load_of(scene->view, service, uplink, side, &load);
		if (!bloats(scene, &load, uplink, side))
			continue;
		*rate_bps = load.top_bps;
		return load.top;
	}
	return SL_SITE_SERVICES;
}

/* Some other service does badly on @uplink at this moment. */
static bool evidence_against(const struct sl_scene *scene, unsigned int service,
			     unsigned int uplink)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		if (s != service && scene->view->path[s][uplink] &&
		    !sl_view_limited(scene->view, s) &&
		    sl_judge_bad_now(&scene->judge[s][uplink], scene->now_ms))
			return true;
	return false;
}

static bool has_room(const struct sl_scene *scene, unsigned int service, unsigned int from,
		     unsigned int to)
{
	uint64_t capacity = scene->view->policy->uplink[to].capacity_bps;
	const struct sl_path_report *path = scene->view->path[service][from];
	const struct sl_uplink_report *target = scene->view->uplink[to];

	if (!capacity || !path || !target)
		return true;
	for (unsigned int side = 0; side < 2; side++)
		if ((target->rate_bps[side] + sl_view_rate(path, side)) * 100 >
		    capacity * CAPACITY_ROOM)
			return false;
	return true;
}

/* 0 = out of the question, 1 = better than nothing at all, 2 = fine. */
static int rank(const struct sl_scene *scene, unsigned int service, unsigned int from,
		unsigned int to)
{
	const struct sl_uplink_report *report = scene->view->uplink[to];
	enum sl_health own = scene->judge[service][to].state;

	if ((report && report->state == SL_HEALTH_DOWN) || own == SL_HEALTH_DOWN)
		return 0;
	if ((report && report->state == SL_HEALTH_DEGRADED) || own == SL_HEALTH_DEGRADED)
		return 1;
	if (evidence_against(scene, service, to) || !has_room(scene, service, from, to))
		return 1;
	return 2;
}

unsigned int sl_decide_target(const struct sl_scene *scene, unsigned int service,
			      unsigned int uplink, bool blackout)
{
	const struct sl_policy_service *policy = &scene->view->policy->service[service];
	unsigned int second = SL_UPLINK_UNSET;

	if (service >= scene->view->policy->services)
		return SL_UPLINK_UNSET;
	for (uint32_t i = 0; i < policy->uplinks; i++) {
		int r = policy->uplink[i] == uplink
				? 0
				: rank(scene, service, uplink, policy->uplink[i]);

		if (r == 2)
			return policy->uplink[i];
		if (r == 1 && second == SL_UPLINK_UNSET)
			second = policy->uplink[i];
	}
	return blackout ? second : SL_UPLINK_UNSET;
}

static void choose_throttle(const struct sl_scene *scene, unsigned int uplink,
			    struct sl_choice *choice)
{
	const struct sl_policy_service *culprit = &scene->view->policy->service[choice->culprit];
	uint64_t half = choice->rate_bps / 2;

	choice->remedy = SL_REMEDY_THROTTLE;
	choice->limit_bps = half > culprit->throttle_floor_bps ? half : culprit->throttle_floor_bps;
	choice->key = "throttle";
	snprintf(choice->text, sizeof(choice->text), "%s fills %s with %.1f Mbit/s", culprit->name,
		 sl_view_uplink_name(scene->view->policy, uplink), (double)choice->rate_bps / 1e6);
}

static void choose_reroute(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			   struct sl_choice *choice)
{
	bool blackout = scene->judge[service][uplink].state == SL_HEALTH_DOWN;

	choice->uplink = sl_decide_target(scene, service, uplink, blackout);
	choice->live = blackout;
	if (choice->uplink == SL_UPLINK_UNSET) {
		choice->key = "no-uplink";
		snprintf(choice->text, sizeof(choice->text),
			 "no other uplink of its list is better");
		return;
	}
	choice->remedy = SL_REMEDY_REROUTE;
	choice->key = "reroute";
	snprintf(choice->text, sizeof(choice->text), "%s is not known bad",
		 sl_view_uplink_name(scene->view->policy, choice->uplink));
}

static void notify(struct sl_choice *choice, const char *key, const char *text)
{
	choice->remedy = SL_REMEDY_NOTIFY;
	choice->key = key;
	snprintf(choice->text, sizeof(choice->text), "%s", text);
}

void sl_decide(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
	       enum sl_verdict verdict, bool no_throttle, struct sl_choice *choice)
{
	*choice = (struct sl_choice){.uplink = SL_UPLINK_UNSET, .culprit = SL_SITE_SERVICES};
	switch (verdict) {
	case SL_VERDICT_LAN:
		notify(choice, "lan", "another uplink does not mend the LAN");
		return;
	case SL_VERDICT_DNS:
		notify(choice, "dns", "another uplink does not mend the resolver");
		return;
	case SL_VERDICT_DESTINATION:
		notify(choice, "destination", "another uplink does not mend the far end");
		return;
	case SL_VERDICT_SELF:
		choice->key = "self";
		snprintf(choice->text, sizeof(choice->text), "we cannot tell");
		return;
	default:
		break;
	}
	if (!no_throttle && scene->judge[service][uplink].state != SL_HEALTH_DOWN)
		choice->culprit = sl_decide_culprit(scene, service, uplink, &choice->rate_bps);
	if (choice->culprit < SL_SITE_SERVICES)
		choose_throttle(scene, uplink, choice);
	else
		choose_reroute(scene, service, uplink, choice);
}
