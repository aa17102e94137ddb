/*
 * fair.h - whose copies are read when there is not the time for all of them
 *
 * Every client may have a few copies read in each tick; what it sends beyond them is read in
 * the first half of the tick's time only.  So one that floods the ring costs itself its names,
 * and the others theirs only by coming at the same moment as many others.  Clients are told apart
 * by a hash that is another one in each tick: none shares the flood's place for long.  Pure.
 */
#ifndef SL_FAIR_H
#define SL_FAIR_H

#include "fastpath/flow.h"

#define SL_FAIR_PLACES 256
#define SL_FAIR_SHARE  8 /* copies of a client in a tick: two flows' beginnings */

struct sl_fair {                      /* of one tick; zeroed but for .. */
	uint64_t budget_ns;           /* .. the time that the tick has for reading */
	uint64_t seed;                /* .. any number, another one in each tick */
	uint8_t read[SL_FAIR_PLACES]; /* copies within the share, by client */
};

/* Is a copy of @client read, when the tick has read for @used_ns so far? */
bool sl_fair_take(struct sl_fair *fair, const struct sl_addr *client, uint64_t used_ns);

#endif
