/*
 * preflight.h - may this service go to that uplink, and if not, why not
 *
 * Asked before a move is chosen: where its far end lets it in, whether the way is alive and
 * well, headroom (what the service usually needs at most against what is free), the
 * month's bytes of a metered uplink, MTU, DNS there.  Pure.
 */
#ifndef SL_PREFLIGHT_H
#define SL_PREFLIGHT_H

#include "locate.h"

enum sl_fit {
	SL_FIT_NO,
	SL_FIT_LAST, /* better than nothing at all: in a blackout, after all that are good */
	SL_FIT_GOOD
};

/*
 * May @service go from @from to @to?  @why (SL_WHY_MAX) says what speaks against it; of what is
 * good, what is known of it.
 */
enum sl_fit sl_preflight(const struct sl_scene *scene, unsigned int service, unsigned int from,
			 unsigned int to, char *why);

#endif
