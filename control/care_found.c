/*
 * care_found.c - where the fault of a service's bad path is, with what was seen a moment ago
 */
#include "care.h"
#include "change.h"

#include <stdio.h>

#define VERDICT_STANDS_MS 10000 /* without evidence of it, or of another */
#define IDLE_STANDS_MS    30000 /* requests are judged over 20 s: what was forgotten shows as long */
#define AFTERMATH_MS      10000 /* connections of a dark uplink have died or lived on by then */

/*
 * A fault that no uplink mends was seen a moment ago, and now there is too little to tell: the
 * evidence thinned out, not the fault.  Evidence of the uplink ends it at once.
 */
static enum sl_verdict still(const struct sl_site *site, struct sl_care *care,
			     enum sl_verdict verdict, char *found)
{
	uint64_t since_ms = site->now_ms - care->found_ms;

	if (verdict == SL_VERDICT_LAN || verdict == SL_VERDICT_DESTINATION ||
	    verdict == SL_VERDICT_DNS) {
		care->found = verdict;
		care->found_ms = site->now_ms;
	} else if (verdict == SL_VERDICT_UPLINK) {
		care->found_ms = care->idle_seen_ms = 0;
	} else if (verdict == SL_VERDICT_UNKNOWN && care->incident && care->found_ms &&
		   since_ms < VERDICT_STANDS_MS) {
		verdict = care->found;
		snprintf(found, SL_TEXT_MAX, "as %.1f s ago, and nothing speaks against it",
			 (double)since_ms / 1e3);
	}
	return verdict;
}

/*
 * Just off a dark uplink: connections that were under way may fail where they are now, since a
 * NAT or the far end knows them by the old one only.  That says nothing of the far end.
 */
static bool aftermath(const struct sl_site *site, const struct sl_care *care, unsigned int uplink,
		      enum sl_verdict verdict)
{
	return verdict == SL_VERDICT_DESTINATION && care->left.down &&
	       (care->phase == SL_PHASE_PROVING || care->phase == SL_PHASE_AWAY) &&
	       uplink == sl_care_uplink(site, care->to) &&
	       site->now_ms - care->moved_ms < AFTERMATH_MS;
}

/* The shortest rest of those that were forgotten: keep-alives have to be quicker than that. */
static void note_idle(struct sl_site *site, unsigned int service, uint32_t idle_ms)
{
	struct sl_care *care = &site->care[service];
	uint32_t before_ms = sl_care_idle_ms(site, service);

	care->idle_ms = before_ms && before_ms < idle_ms ? before_ms : idle_ms;
	care->idle_seen_ms = site->now_ms;
}

uint32_t sl_care_idle_ms(const struct sl_site *site, unsigned int service)
{
	const struct sl_care *care = &site->care[service];

	return care->idle_seen_ms && site->now_ms - care->idle_seen_ms < IDLE_STANDS_MS
		       ? care->idle_ms
		       : 0;
}

enum sl_verdict sl_care_locate(struct sl_site *site, unsigned int service, unsigned int uplink,
			       char *found)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_say_scene(site);
	enum sl_verdict verdict = sl_locate(&scene, service, uplink, found);
	char policy[SL_CHANGE_TEXT], why[SL_TEXT_MAX];
	uint32_t idle_ms = verdict == SL_VERDICT_DESTINATION
				   ? sl_locate_idle(&scene, service, uplink, why)
				   : 0;

	if (idle_ms)
		note_idle(site, service, idle_ms);
	if (aftermath(site, care, uplink, verdict)) {
		verdict = SL_VERDICT_UNKNOWN;
		snprintf(found, SL_TEXT_MAX, "what was under way on %s may still fail here",
			 care->from);
	}
	verdict = still(site, care, verdict, found);
	snprintf(site->record.located, sizeof(site->record.located), "%.140s%s", found,
		 sl_change_note(site, site->judge[service][uplink].first_bad_ms, policy));
	return verdict;
}
