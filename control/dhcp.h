/*
 * dhcp.h - trouble with a VLAN's DHCP: said, never acted on
 *
 * Devices that ask for an address in vain or are refused it again and again, and a server that
 * was not there before, are faults of the LAN: an incident each VLAN, verdict lan, remedy notify.
 * No uplink mends them.  While one is dark nobody is said to ask in vain: the server may stand
 * behind it.  Part of the pure pipeline (site.h).
 */
#ifndef SL_CONTROL_DHCP_H
#define SL_CONTROL_DHCP_H

#include "say.h"

#define SL_DHCP_MANY     3    /* one or two devices may be ill themselves */
#define SL_DHCP_SHARE    4    /* and one of so many that look for a server must be in vain */
#define SL_DHCP_STAND_MS 5000 /* before anything is said: by then the numbers tell something */

/* One picture later.  An incident is over when nothing was wrong for the policy's hold-down. */
void sl_dhcp_step(struct sl_site *site);

/* Is it an incident of a VLAN's DHCP, which no service's care has? */
bool sl_dhcp_owns(const struct sl_incident *incident);

#endif
