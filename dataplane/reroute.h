/*
 * reroute.h - where to go, at once, when an uplink is down: the fast reroute's choice
 *
 * Pure.  Only the policy's order of uplinks, liveness, and a memory of switches
 * decide.  Guardrails (RELIABILITY.md 2.4), which no controller can switch off:
 *  - never onto an uplink that is down, never without an alternative;
 *  - within hold_down (30 s) of a switch, only to an uplink that was not down
 *    in that time: tried and found dead is not tried again;
 *  - after 4 switches in an hour, an uplink that was down within the hour gets the
 *    service only after 10 s without a fault, when the present one is dead for
 *    10 s: two unsteady uplinks do not throw a service to and fro, and yet it
 *    does not stay for ever on a dead one.
 */
#ifndef SL_REROUTE_H
#define SL_REROUTE_H

#include "fastpath/tables.h"
#include "proto/policy.h"

#define SL_REROUTE_PER_HOUR 4

struct sl_reroute {
	uint64_t switched_ns[SL_SERVICES_MAX][SL_REROUTE_PER_HOUR]; /* newest first; 0 = none */
	struct {
		bool down;
		uint64_t since_ns; /* of the present state; 0 = since the start */
		bool was_down;
	} uplink[SL_UPLINKS_MAX];
};

/* Tell whether @uplink is down, at each tick. */
void sl_reroute_observe(struct sl_reroute *r, unsigned int uplink, bool down, uint64_t now_ns);

/*
 * Where @ask->service (of the tables), now on @ask->from which is down, goes: an uplink's
 * index, or -1 to stay.  @why (SL_TEXT_MAX bytes) tells either.
 */
struct sl_reroute_ask {
	const struct sl_policy *policy;
	unsigned int service, from;
	uint64_t now_ns;
};
int sl_reroute_choose(const struct sl_reroute *r, const struct sl_reroute_ask *ask, char *why);

/* @service was switched, by whomever. */
void sl_reroute_switched(struct sl_reroute *r, unsigned int service, uint64_t now_ns);

#endif
