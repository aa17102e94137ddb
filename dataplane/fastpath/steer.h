/*
 * steer.h - which uplink a flow takes: by its service's shares at its first packet
 *
 * The choice is kept in the flow (a NATed connection cannot change its address)
 * until the service's move_epoch says that live flows move too.  256 buckets by
 * flow hash, so that a share of new flows can be tried on another uplink.
 */
#ifndef SL_STEER_H
#define SL_STEER_H

#include "work.h"

/* The uplink that @tables would choose for a flow of @service with @hash. */
SL_INLINE uint8_t sl_steer_choose(const struct sl_tables *tables, uint32_t service, uint64_t hash)
{
	const struct sl_steer *steer = &tables->knobs.steer[service & (SL_SERVICES_MAX - 1)];
	uint32_t bucket = (uint32_t)(hash >> 24) & (SL_SHARE_WHOLE - 1);
	uint8_t uplink = bucket < steer->trial_share ? steer->trial_uplink : steer->uplink;

	return uplink & (SL_UPLINKS_MAX - 1);
}

/* The uplink of a packet that has no flow entry, or of a new flow. */
SL_INLINE uint8_t sl_steer_uplink(const struct sl_tables *tables, const struct sl_work *work,
				  uint32_t service)
{
	if (work->port_uplink != SL_UPLINK_NONE)
		return work->port_uplink & (SL_UPLINKS_MAX - 1);
	return tables->uplinks ? sl_steer_choose(tables, service, work->hash) : 0;
}

/* The skb mark by which the kernel finds the uplink's routes; 0 = its own choice. */
SL_INLINE uint32_t sl_steer_mark(const struct sl_tables *tables, uint8_t uplink)
{
	return tables->mark_base ? tables->mark_base + 1 + uplink : 0;
}

/* The service's flows were told to choose anew, and @flow has not yet. */
SL_INLINE bool sl_steer_is_due(const struct sl_tables *tables, const struct sl_work *work,
			       const struct sl_flow *flow)
{
	uint32_t service = flow->service & (SL_SERVICES_MAX - 1);

	return flow->move_epoch != tables->knobs.steer[service].move_epoch &&
	       work->port_uplink == SL_UPLINK_NONE;
}

/* Keep or renew the choice of @flow.  True when it moved to another uplink. */
SL_INLINE bool sl_steer_flow(const struct sl_tables *tables, const struct sl_work *work,
			     struct sl_flow *flow)
{
	if (!sl_steer_is_due(tables, work, flow))
		return false;
	uint8_t uplink = sl_steer_uplink(tables, work, flow->service);
	bool moved = uplink != flow->uplink;

	flow->move_epoch = tables->knobs.steer[flow->service & (SL_SERVICES_MAX - 1)].move_epoch;
	flow->uplink = uplink;
	return moved;
}

#endif
