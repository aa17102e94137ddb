/*
 * change.h - the policy in force as a suspect: since when, what it did to whom, and back from it
 *
 * Trouble that begins when a policy does may be that policy's.  That is said; and a policy is
 * taken back when it is known to be: it says `revert: auto`, a service that is trusted was good in
 * the last picture before it and is bad within SL_CHANGE_BLAME_MS, and what explains that is
 * what this very policy brought: it marks the service LE, to yield to all else, or lets it no more
 * use the uplink that it was good on, where others are well now.  Once a policy; and what came
 * by a way back, of ours or of a person, is not taken back again.  Part of the pure pipeline
 * (site.h).
 */
#ifndef SL_CHANGE_H
#define SL_CHANGE_H

#include "say.h"

#define SL_CHANGE_NOTE_MS  120000 /* later than this it is hardly the policy's doing */
#define SL_CHANGE_BLAME_MS 60000
#define SL_CHANGE_TEXT     112

/*
 * Policy @version is in force, by a picture or by the policy itself: before either is taken in.  True:
 * it is another one than before.
 */
bool sl_change_see(struct sl_site *site, uint64_t version);

/* The dataplane says that somebody went back to an earlier policy. */
void sl_change_back(struct sl_site *site);

/* "; policy 18 took effect 14 s before; ..." of trouble since @began_ms; "" = long before.  Returns @text. */
const char *sl_change_note(const struct sl_site *site, uint64_t began_ms,
			   char text[SL_CHANGE_TEXT]);

/*
 * Is the policy to blame that policy service @service is bad on @where, by the @verdict on it, and
 * may it be taken back?  True: that is ordered, or said why not, and there is no other remedy.
 */
bool sl_change_takes_back(struct sl_site *site, unsigned int service, unsigned int where,
			  enum sl_verdict verdict);

/* The dataplane answered the order. */
void sl_change_answer(struct sl_site *site, unsigned int service, const struct sl_order *order,
		      bool done, const char *why);

/*
 * Has it helped @service that the policy was taken back for it?  Says so once it has; true: too early
 * to tell, and to close its incident.
 */
bool sl_change_waits(struct sl_site *site, unsigned int service, unsigned int where);

#endif
