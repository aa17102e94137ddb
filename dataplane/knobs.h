/*
 * knobs.h - the words of the tables that change while a generation stands
 *
 * Each is one aligned 64-bit store (tables.h), so a packet sees the old or the new
 * value, never a mixture.  The agent's thread is the only writer.
 */
#ifndef SL_KNOBS_H
#define SL_KNOBS_H

#include "fastpath/tables.h"

#define SL_KNOBS_CLAMP_MIN 576u /* what any host takes: RFC 791 3.1 */
#define SL_KNOBS_BPS_MIN   8000 /* below, a limit does not fit struct sl_rate's unit sensibly */

struct sl_steer sl_knobs_steer(const struct sl_tables *tables, unsigned int service);
void sl_knobs_set_steer(struct sl_tables *tables, unsigned int service, struct sl_steer steer);

/* The limit word for @bps; all zero (no limit) for 0. */
struct sl_rate sl_knobs_rate(uint64_t bps);
/* The limit that @rate stands for, bit/s; 0 = none.  Rounded as the word is. */
uint64_t sl_knobs_bps(struct sl_rate rate);
/* Set both directions. */
void sl_knobs_set_rate(struct sl_tables *tables, unsigned int service, struct sl_rate rate);

/* What the flow recorder keeps of @service. */
void sl_knobs_set_record(struct sl_tables *tables, unsigned int service,
			 struct sl_record_knob knob);

/* What an IP packet of @uplink's new TCP connections may have; 0 = what they like. */
void sl_knobs_set_clamp(struct sl_tables *tables, unsigned int uplink, uint16_t bytes);

/* What is written into @service's packets towards the WAN: a word of sl_knobs.remark. */
void sl_knobs_set_remark(struct sl_tables *tables, unsigned int service, uint8_t word);

void sl_knobs_set_bypass(struct sl_tables *tables, bool bypass);

#endif
