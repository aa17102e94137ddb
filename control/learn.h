/*
 * learn.h - memory at work in a site: what an incident reminds of, what came of a remedy
 *
 * Part of the pure pipeline (site.h).
 */
#ifndef SL_LEARN_H
#define SL_LEARN_H

#include "say.h"

/*
 * What memory knows of incidents like @sighting (its time is now); the fingerprint and what is
 * remembered go into the record.
 */
void sl_learn_recall(struct sl_site *site, const struct sl_sighting *sighting,
		     struct sl_recall *recall);

/* The move to care->to helped or failed: remembered under the fingerprint it was chosen for. */
void sl_learn_move(struct sl_site *site, struct sl_care *care, bool helped);

/*
 * Its connections by @new are refused, those by @old are not: the far end does not let that uplink
 * in, so it is never taken again until a person restores the service.  True then.
 */
bool sl_learn_refused(struct sl_site *site, unsigned int service, unsigned int new,
		      unsigned int old);

/* The same of the limit, or mark, on @culprit, and of @clamp. */
void sl_learn_limit(struct sl_site *site, struct sl_care *culprit, bool helped);
void sl_learn_clamp(struct sl_site *site, struct sl_clamp *clamp, bool helped);

/*
 * Policy service @service on @uplink is not settled bad yet, but begins as an incident began for
 * which a remedy is proven, and its neighbours suffer: it is taken for bad now.
 */
void sl_learn_hasten(struct sl_site *site, unsigned int service, unsigned int uplink);

/* All that the site has learnt, as the message that says it. */
void sl_learn_report(const struct sl_site *site, struct sl_memory_report *report);

/* The limit, or mark, of @culprit was in vain for policy service @served on @uplink, too. */
void sl_learn_vain(struct sl_site *site, const struct sl_care *culprit, unsigned int served,
		   unsigned int uplink);

#endif
