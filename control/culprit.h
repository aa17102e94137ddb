/*
 * culprit.h - who fills a bloated uplink, and may his packets be marked to yield
 *
 * A part of decide.h.  Pure.
 */
#ifndef SL_CULPRIT_H
#define SL_CULPRIT_H

#include "decide.h"

/*
 * Whoever fills a bloated @uplink that harms @service, which way, and with how much, into @choice;
 * false, and @choice untouched, when nobody does whom the policy lets be held back.
 */
bool sl_culprit_find(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		     struct sl_choice *choice);

/* What the policy or the moment has against marking @choice's culprit; NULL = nothing. */
const char *sl_culprit_unmarkable(const struct sl_scene *scene, const struct sl_question *question,
				  const struct sl_choice *choice);

#endif
