/*
 * record.h - how a decision came about, gathered while it is made
 *
 * The record of a decision (struct sl_decision) is begun when a service's turn comes
 * and filled by those who decide: where an option is rejected, its reason is written
 * there and then, never made up afterwards.  What it rests on are the numbers of the
 * picture that was decided on.  Pure.
 */
#ifndef SL_RECORD_H
#define SL_RECORD_H

#include "locate.h"

/* Add an option that was weighed; what does not fit any more is left out. */
void sl_record_option(struct sl_decision *record, const char *remedy, const char *target,
		      bool chosen, const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * The numbers that @service on @uplink is judged by, each with its limit and what is usual:
 * only those there are.  Replaces the inputs that @record has.
 */
void sl_record_inputs(struct sl_decision *record, const struct sl_scene *scene,
		      unsigned int service, unsigned int uplink);

/* One more number, e.g. of a guardrail or of a trial. */
void sl_record_input(struct sl_decision *record, const struct sl_decision_input *input);

#endif
