/*
 * route.h - marks to uplinks: the kernel's policy routing, by rtnetlink
 *
 * Uplink i has table SL_ROUTE_TABLE + i with a default route by its gateway (or
 * straight out of its device), and a rule that sends the skb mark mark_base + 1 + i
 * there.  One rule before these lets more specific routes of the main table win, so
 * that marked traffic between LAN networks stays on the LAN.  Idempotent: what is
 * there already is replaced by itself.  Call again when a link came back.
 */
#ifndef SL_ROUTE_H
#define SL_ROUTE_H

#include "../proto/policy.h"

#define SL_ROUTE_TABLE    5101 /* + uplink; also the rules' priorities */
#define SL_ROUTE_PRIORITY 5100 /* of the rule that lets the main table's specific routes win */

/*
 * Routes and rules of @uplinks uplinks.  0; or -errno of the first that failed, with
 * @why naming uplink and device, the others done.
 */
int sl_route_apply(const struct sl_policy_uplink *uplink, uint32_t uplinks, uint32_t mark_base,
		   char *why, size_t why_size);

/* Remove all rules and routes that sl_route_apply() may have made.  0, or -errno and @why. */
int sl_route_remove(char *why, size_t why_size);

#endif
