/*
 * ceiling.h - does an uplink carry far less than the policy says: the cap of a mobile tariff
 *
 * Passive, from rates and round trips.  Capped it shows a level rate, far below its capacity,
 * while a queue stands (round trips far above what is normal) and its busiest service gets
 * clearly less than it usually has, or wants more than ever: what is level by nature, as a
 * camera is, has what it usually has.  The rate seen then stands for the capacity until more
 * passes, or for ten minutes.  Sides are those of the sender: 0 towards the WAN, 1 from it.
 * Times are milliseconds of one monotonic clock.  Pure.
 */
#ifndef SL_CEILING_H
#define SL_CEILING_H

#include "locate.h"

#define SL_CEILING_PICTURES 15 /* of a tenth of a second: level for so long */
#define SL_CEILING_STALE_MS 600000

/* Of one uplink; zero = nothing known. */
struct sl_ceiling {
	uint32_t pictures; /* counted into the rings */
	struct sl_ceiling_side {
		uint64_t bps[SL_CEILING_PICTURES]; /* ring of the last rates */
		uint64_t seen_bps, seen_ms;        /* 0 = no ceiling seen */
	} side[2];
};

/* Take in @scene's picture of @uplink, to @ceiling. */
void sl_ceiling_picture(struct sl_ceiling *ceiling, const struct sl_scene *scene,
			unsigned int uplink);

/* The ceiling of @uplink in bit/s, as it was seen; 0 = none is known. */
uint64_t sl_ceiling_seen(const struct sl_scene *scene, unsigned int uplink, unsigned int side);

/* What @uplink carries at most, bit/s: a ceiling that was seen, else the policy's; 0 = not known. */
uint64_t sl_ceiling_capacity(const struct sl_scene *scene, unsigned int uplink, unsigned int side);

/* "rate is flat at 2.1 of 40.0 Mbit/s: capped?" in @text; empty when no ceiling is known. */
#define SL_CEILING_TEXT 64
void sl_ceiling_say(const struct sl_scene *scene, unsigned int uplink, char text[SL_CEILING_TEXT]);

#endif
