/*
 * knobs.h - the words of the tables that change while a generation stands
 *
 * Each is one aligned 64-bit store (tables.h), so a packet sees the old or the new
 * value, never a mixture.  The agent's thread is the only writer.
 */
#ifndef SL_KNOBS_H
#define SL_KNOBS_H

#include "fastpath/tables.h"

#define SL_KNOBS_BPS_MIN 8000 /* below, a limit does not fit struct sl_rate's unit sensibly */

struct sl_steer sl_knobs_steer(const struct sl_tables *tables, unsigned int service);
void sl_knobs_set_steer(struct sl_tables *tables, unsigned int service, struct sl_steer steer);

/* The limit word for @bps; all zero (no limit) for 0. */
struct sl_rate sl_knobs_rate(uint64_t bps);
/* The limit that @rate stands for, bit/s; 0 = none.  Rounded as the word is. */
uint64_t sl_knobs_bps(struct sl_rate rate);
/* Set both directions. */
void sl_knobs_set_rate(struct sl_tables *tables, unsigned int service, struct sl_rate rate);

void sl_knobs_set_bypass(struct sl_tables *tables, bool bypass);

#endif
