/*
 * decide.h - which remedy for a bad path whose fault is located
 *
 * Throttle the culprit of a bloated uplink; else reroute to the next uplink of
 * the service's preference that nothing speaks against; else hold, and say why.
 * Never reroutes for a fault of the LAN, of the destination, or of ourselves.
 * Guardrails (rates, hold-down, switches) are the site's: they bind whoever decides.
 * Pure.
 */
#ifndef SL_DECIDE_H
#define SL_DECIDE_H

#include "locate.h"

enum sl_remedy { SL_REMEDY_HOLD, SL_REMEDY_NOTIFY, SL_REMEDY_THROTTLE, SL_REMEDY_REROUTE };

#define SL_CHOICE_TEXT 120

struct sl_choice {
	enum sl_remedy remedy;
	unsigned int uplink;  /* REROUTE: to */
	unsigned int culprit; /* THROTTLE: whom */
	uint64_t limit_bps;   /* THROTTLE: first step */
	uint64_t rate_bps;    /* THROTTLE: what the culprit sends now */
	bool live;            /* REROUTE: move live flows too */
	const char *key;      /* one word for what was chosen and why; a constant */
	char text[SL_CHOICE_TEXT];
};

/*
 * Choose for @service on @uplink with @verdict.  @no_throttle: throttling has just
 * been tried there and did not help.
 */
void sl_decide(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
	       enum sl_verdict verdict, bool no_throttle, struct sl_choice *choice);

/* The culprit of a bloated @uplink that harms @service; SL_SITE_SERVICES when there is none. */
unsigned int sl_decide_culprit(const struct sl_scene *scene, unsigned int service,
			       unsigned int uplink, uint64_t *rate_bps);

/*
 * The uplink to take instead of @uplink, SL_UPLINK_UNSET when none will do.
 * @blackout: the present one carries nothing, so evidence of less counts less.
 */
unsigned int sl_decide_target(const struct sl_scene *scene, unsigned int service,
			      unsigned int uplink, bool blackout);

#endif
