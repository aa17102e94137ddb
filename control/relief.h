/*
 * relief.h - rate limits and marks: whom a culprit's limit serves, and its steps
 *
 * A ladder (prove.h) belongs to the culprit's care; the services that suffered from it
 * share its incident.  Where the far side of the uplink honours it, a mark comes first: the
 * culprit's packets leave as LE (RFC 8622), which yields to all else.  In vain it is taken back,
 * and what is decided next is a limit.  The dataplane ends a mark by itself after
 * SL_RELIEF_MARK_HOLD_MS; one that still serves is set again.  Part of the pure pipeline (site.h).
 */
#ifndef SL_RELIEF_H
#define SL_RELIEF_H

#include "say.h"

#define SL_RELIEF_MARK_HOLD_MS   3600000
#define SL_RELIEF_MARK_FAILED_MS 600000 /* not tried again before this */

/* Begin to throttle, or to mark, the culprit that @choice names, for @victim on @uplink. */
void sl_relief_start(struct sl_site *site, unsigned int victim, unsigned int uplink,
		     const struct sl_choice *choice);

/* One picture later: the next step of @service's ladder, if it has one. */
void sl_relief_step(struct sl_site *site, unsigned int service);

/* The dataplane would not do it: end @service's ladder. */
void sl_relief_refused(struct sl_site *site, unsigned int service, const char *why);

/* The care whose ladder stands on @uplink; NULL = none. */
struct sl_care *sl_relief_on(struct sl_site *site, const char *uplink);

/* What is, or would be, done to @care's service: "throttle", "remark". */
const char *sl_relief_word(const struct sl_care *care);

/* What of it was tried for @service in vain lately, into @question. */
void sl_relief_tried(const struct sl_site *site, unsigned int service,
		     struct sl_question *question);

/*
 * A person has lifted, or set, the limit or mark of policy service @service: it is out of our hands.
 */
void sl_relief_person(struct sl_site *site, unsigned int service);

#endif
