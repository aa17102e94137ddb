/*
 * dpdk_hops.c - the gateway's next hops, as fresh as the last second
 *
 * The kernel resolves, we read.  It does not see the packets that we forward, so it
 * is told which of its entries carry them, and asked for the gateways that it lacks.
 */
#include <stdlib.h>

#include "dpdk_private.h"
#include "neighbour.h"

#define USE_EVERY_S \
	16 /* how often an entry in use is confirmed; the kernel rests them after 60 s */

static uint32_t kernel_ports(const struct sl_dpdk *dpdk, struct sl_neighbour_port *list)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < dpdk->ports; i++) {
		unsigned int ifindex =
			dpdk->port[i].kernel[0] ? if_nametoindex(dpdk->port[i].kernel) : 0;

		if (ifindex)
			list[count++] = (struct sl_neighbour_port){ifindex, (uint8_t)i};
	}
	return count;
}

/* The gateways of the uplinks out of @hops; the kernel is asked for those it does not know. */
static void find_gateways(struct sl_dpdk *dpdk, struct sl_hops *hops)
{
	for (uint32_t u = 0; u < dpdk->policy.uplinks; u++) {
		const struct sl_policy_uplink *uplink = &dpdk->policy.uplink[u];
		const char *text[2] = {uplink->gateway, uplink->gateway6};

		for (int family = 0; family < 2; family++) {
			struct sl_addr addr;
			struct sl_hop *hop;

			if (!sl_neighbour_parse(text[family], &addr))
				continue;
			hop = sl_hops_find(hops, addr);
			if (hop && hop->port == dpdk->uplink_port[u])
				hops->gateway[u][family] = *hop;
			else
				sl_neighbour_use(if_nametoindex(
							 dpdk->port[dpdk->uplink_port[u]].kernel),
						 addr);
		}
	}
}

static void confirm(const struct sl_dpdk *dpdk, const struct sl_hop *hop)
{
	sl_neighbour_use(if_nametoindex(dpdk->port[hop->port].kernel), hop->addr);
}

/*
 * The kernel does not see our packets: tell it which of its neighbours carry them.  Each is
 * told of in its own second, so that thousands of them do not hold the agent's thread up;
 * until then @next remembers.
 */
static void renew(const struct sl_dpdk *dpdk, struct sl_hops *next, uint32_t turn)
{
	const struct sl_hops *old = dpdk->hops;

	for (uint32_t i = 0; old && i <= old->mask; i++) {
		const struct sl_hop *was = &old->slot[i];
		struct sl_hop *now = was->used ? sl_hops_find(next, was->addr) : NULL;

		if (was->used && was->addr.lo % USE_EVERY_S == turn)
			confirm(dpdk, was);
		else if (now)
			now->used = 1;
	}
	for (uint32_t u = 0; u < dpdk->policy.uplinks && turn == 0; u++)
		for (int family = 0; family < 2; family++)
			if (next->gateway[u][family].kind == SL_HOP_HOST)
				confirm(dpdk, &next->gateway[u][family]);
}

int sl_dpdk_hops_refresh(struct sl_dpdk *dpdk)
{
	struct sl_neighbour_port list[SL_DPDK_PORTS_MAX];
	struct sl_hops *next = NULL;
	int err;

	if (dpdk->policy.placement != SL_PLACEMENT_GATEWAY)
		return 0;
	err = sl_neighbour_read(list, kernel_ports(dpdk, list), &next);
	if (err)
		return err;
	find_gateways(dpdk, next);
	renew(dpdk, next, dpdk->seconds++ % USE_EVERY_S);
	return sl_dpdk_hops_apply(dpdk, next);
}
