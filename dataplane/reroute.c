/*
 * reroute.c - candidates in the policy's order, and the guardrails
 */
#include "reroute.h"

#include <stdio.h>
#include <string.h>

#define S         UINT64_C(1000000000)
#define HOUR_NS   (3600 * S)
#define STEADY_NS (10 * S)

void sl_reroute_observe(struct sl_reroute *r, unsigned int uplink, bool down, uint64_t now_ns)
{
	if (r->uplink[uplink].down == down)
		return;
	r->uplink[uplink].down = down;
	r->uplink[uplink].since_ns = now_ns;
	r->uplink[uplink].was_down = true;
}

void sl_reroute_switched(struct sl_reroute *r, unsigned int service, uint64_t now_ns)
{
	uint64_t *at = r->switched_ns[service];

	memmove(at + 1, at, (SL_REROUTE_PER_HOUR - 1) * sizeof(*at));
	at[0] = now_ns;
}

static bool was_down_within(const struct sl_reroute *r, unsigned int uplink, uint64_t now_ns,
			    uint64_t ns)
{
	return r->uplink[uplink].was_down && now_ns - r->uplink[uplink].since_ns < ns;
}

static bool often(const struct sl_reroute *r, unsigned int service, uint64_t now_ns)
{
	uint64_t oldest_ns = r->switched_ns[service][SL_REROUTE_PER_HOUR - 1];

	return oldest_ns && now_ns - oldest_ns < HOUR_NS;
}

static bool lately(const struct sl_reroute *r, const struct sl_reroute_ask *ask)
{
	uint64_t last_ns = r->switched_ns[ask->service][0];
	uint64_t hold_ns = ask->policy->guardrails.hold_down_ms * UINT64_C(1000000);

	return last_ns && ask->now_ns - last_ns < hold_ns;
}

static bool guarded(const struct sl_reroute *r, const struct sl_reroute_ask *ask, unsigned int to,
		    char *why)
{
	const char *name = ask->policy->uplink[to].name;
	uint32_t hold_ms = ask->policy->guardrails.hold_down_ms;

	if (lately(r, ask) && was_down_within(r, to, ask->now_ns, hold_ms * UINT64_C(1000000))) {
		snprintf(why, SL_TEXT_MAX, "held: switched, and %s was down, within %u ms", name,
			 hold_ms);
		return true;
	}
	if (!often(r, ask->service, ask->now_ns) || !was_down_within(r, to, ask->now_ns, HOUR_NS))
		return false;
	if (ask->now_ns - r->uplink[ask->from].since_ns >= STEADY_NS &&
	    !was_down_within(r, to, ask->now_ns, STEADY_NS))
		return false;
	snprintf(why, SL_TEXT_MAX, "held: %d switches within the hour, and %s was down in it",
		 SL_REROUTE_PER_HOUR, name);
	return true;
}

int sl_reroute_choose(const struct sl_reroute *r, const struct sl_reroute_ask *ask, char *why)
{
	const struct sl_policy *policy = ask->policy;

	if (ask->service == SL_SERVICE_OTHER || ask->service > policy->services) {
		snprintf(why, SL_TEXT_MAX, "the policy names no uplinks for it");
		return -1;
	}
	const struct sl_policy_service *s = &policy->service[ask->service - 1];

	snprintf(why, SL_TEXT_MAX, "no other uplink that is not down");
	for (uint32_t i = 0; i < s->uplinks; i++) {
		unsigned int to = s->uplink[i];

		if (to == ask->from || r->uplink[to].down || guarded(r, ask, to, why))
			continue;
		snprintf(why, SL_TEXT_MAX, "%s is down, %s is the policy's next",
			 policy->uplink[ask->from].name, policy->uplink[to].name);
		return (int)to;
	}
	return -1;
}
