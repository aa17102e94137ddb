/*
 * relief.h - rate limits: whom a culprit's limit serves, and its steps
 *
 * A ladder (prove.h) belongs to the culprit's care; the services that suffered from it
 * share its incident.  Part of the pure pipeline (site.h).
 */
#ifndef SL_RELIEF_H
#define SL_RELIEF_H

#include "say.h"

/* Begin to throttle the culprit that @choice names, for @victim on @uplink. */
void sl_relief_start(struct sl_site *site, unsigned int victim, unsigned int uplink,
		     const struct sl_choice *choice);

/* One picture later: the next step of @service's ladder, if it has one. */
void sl_relief_step(struct sl_site *site, unsigned int service);

/* The dataplane would not do it: end @service's ladder. */
void sl_relief_refused(struct sl_site *site, unsigned int service, const char *why);

/* The care whose ladder stands on @uplink; NULL = none. */
struct sl_care *sl_relief_on(struct sl_site *site, const char *uplink);

#endif
