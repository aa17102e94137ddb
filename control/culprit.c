/*
 * culprit.c - the most of a full uplink, by somebody who may be held back
 */
#include "culprit.h"
#include "ceiling.h"

#define CAPACITY_SHARE_MIN 20  /* % of capacity below which nobody bloats an uplink */
#define CAPACITY_FULL      85  /* % of capacity from which the uplink is full */
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
		uint64_t bps = sl_view_rate_of(view, s, uplink, side);

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
	uint64_t capacity = sl_ceiling_capacity(scene, uplink, side);

	if (load->top == SL_SITE_SERVICES || load->top_bps * 2 <= load->total_bps)
		return false;
	if (capacity && load->top_bps * 100 < capacity * CAPACITY_SHARE_MIN)
		return false;
	if (capacity && load->total_bps * 100 >= capacity * CAPACITY_FULL)
		return true;
	return rate_is_new(&scene->judge[load->top][uplink], side, load->top_bps);
}

bool sl_culprit_find(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		     struct sl_choice *choice)
{
	const struct sl_policy *policy = scene->view->policy;
	const struct sl_path_report *path = scene->view->path[service][uplink];

	if (!path || service >= policy->services || uplink >= policy->uplinks ||
	    !sl_view_slow(path, sl_view_slo(policy, service)))
		return false;
	for (unsigned int side = 0; side < 2; side++) {
		struct load load;

		load_of(scene->view, service, uplink, side, &load);
		if (!bloats(scene, &load, uplink, side))
			continue;
		choice->rate_bps = load.top_bps;
		choice->side = side;
		choice->culprit = load.top;
		return true;
	}
	return false;
}

const char *sl_culprit_unmarkable(const struct sl_scene *scene, const struct sl_question *question,
				  const struct sl_choice *choice)
{
	const struct sl_policy *policy = scene->view->policy;
	const struct sl_policy_service *culprit = &policy->service[choice->culprit];

	if (policy->uplink[question->uplink].dscp != SL_DSCP_HONOURED)
		return "the policy does not say that its far side honours a DSCP";
	if (choice->side != 0)
		return "it fills the way from the WAN, where no packet is ours to mark";
	if (culprit->priority == SL_PRIORITY_CRITICAL)
		return "a critical service is never marked to yield";
	if (culprit->has_remark)
		return "the policy says which DSCP it has";
	if (question->remark_failed)
		return "it was tried in vain";
	return sl_view_remarked(scene->view, choice->culprit) ? "it is marked already" : NULL;
}
