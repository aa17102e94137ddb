/*
 * clamp.h - an uplink whose new connections get a smaller MSS: begun, proved, undone
 *
 * The remedy for an MTU black hole, and a setting of the uplink: it serves whoever is on it.
 * Two rungs: 1280 bytes of IP, which each IPv6 link carries (RFC 8200 5), then 576, which each
 * host takes (RFC 791 3.1).  Not what was seen to pass of late: stuck connections send full-sized
 * segments and small requests, others' pass to another server, and tc sees merged ones (GRO);
 * 1400 for 1280 would spare 0.3 % of bytes.  Proved when the path that it was set for keeps its
 * SLO and carries more than small segments; lifted when large ones are stuck below the last rung
 * as well.  The dataplane ends it by itself after SL_CLAMP_HOLD_MS: where the hole still is, it
 * is found again, and memory knows the remedy.  Part of the pure pipeline (site.h).
 */
#ifndef SL_CLAMP_H
#define SL_CLAMP_H

#include "say.h"

#define SL_CLAMP_HOLD_MS   3600000
#define SL_CLAMP_SETTLE_MS 5000   /* connections of before are still found stuck */
#define SL_CLAMP_PROVE_MS  60000  /* stuck ones have to time out first: an incident waits */
#define SL_CLAMP_FAILED_MS 600000 /* not tried again before this */

/* Set @choice's clamp on @uplink for policy service @service, or say what forbids it; @why: all of it. */
void sl_clamp_begin(struct sl_site *site, unsigned int service, unsigned int uplink,
		    const struct sl_choice *choice, const char *why);

/* One picture later: is @uplink's clamp proved, over, or in vain? */
void sl_clamp_step(struct sl_site *site, unsigned int uplink);

/* The dataplane did not obey @order. */
void sl_clamp_refused(struct sl_site *site, const struct sl_order *order, const char *why);

/* It was tried on @uplink in vain lately. */
bool sl_clamp_failed(const struct sl_site *site, unsigned int uplink);

/* It stands on @uplink for @incident and is not proved yet, but may be. */
bool sl_clamp_waits(const struct sl_site *site, unsigned int uplink, uint64_t incident);

/* Its connections that were opened before are still being given up: nothing else is tried. */
bool sl_clamp_settles(const struct sl_site *site, unsigned int uplink);

#endif
