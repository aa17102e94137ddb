/*
 * locate.h - where is the fault of a bad path: LAN, uplink, destination, DNS, ourselves
 *
 * By comparing: the two legs of the path; the other services on its uplink
 * (do they suffer the same, against what is normal for each of them?); the same
 * service on other uplinks.  DNS: queries fail where connections do not.  What has
 * too few samples to tell is not evidence.  An MTU black hole: large segments are stuck.
 * Pure.
 */
#ifndef SL_LOCATE_H
#define SL_LOCATE_H

#include "judge.h"

struct sl_ceiling; /* ceiling.h */

struct sl_scene {
	const struct sl_view *view;
	const struct sl_judge (*judge)[SL_SITE_UPLINKS]; /* [SL_SITE_SERVICES] */
	const uint64_t *used_bytes;       /* of the month, per uplink; NULL = not known */
	const struct sl_ceiling *ceiling; /* per uplink; NULL = not known */
	uint64_t now_ms;
};

/* How bad a path is, for comparing others with it. */
struct sl_badness {
	bool down;
	uint32_t rise_us;  /* of p95 on the WAN leg above what is normal; 0 = latency is not it */
	uint32_t loss_ppm; /* on the WAN leg; 0 = loss is not it */
	uint32_t ills;     /* of which kind the others' must be; 0 = of any */
};

enum sl_evidence { SL_EVIDENCE_NONE, SL_EVIDENCE_CLEAN, SL_EVIDENCE_SUFFERS };

/* How bad @service is on @uplink now. */
void sl_locate_badness(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		       struct sl_badness *badness);

/* Does @other on @uplink suffer of something as bad as @badness? */
enum sl_evidence sl_locate_compare(const struct sl_scene *scene, unsigned int other,
				   unsigned int uplink, const struct sl_badness *badness);

/*
 * Does @uplink swallow what is large?  Segments of several connections were stuck on it of late, of
 * @service among them, and none passed after all; small ones do, and @service's are not stuck
 * on another uplink.  True: @why (SL_TEXT_MAX) says it in words.
 */
bool sl_locate_mtu(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		   char *why);

/*
 * Is it too early for a verdict on @service's bad path by @uplink?  A few large segments are stuck
 * there since less than a second: what is merely lost passes by then, in an MTU black hole not.
 */
bool sl_locate_waits(const struct sl_scene *scene, unsigned int service, unsigned int uplink);

/*
 * Has something on the way (a NAT, a firewall) forgotten connections of @service while they were at
 * rest?  What they ask then is met with a reset, or with silence, while new ones open at once, without
 * loss or delay.  Keep-alives mend that.  How long they had rested, ms, and @why (SL_TEXT_MAX); 0 = no.
 */
uint32_t sl_locate_idle(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			char *why);

/* The verdict on @service's bad path by @uplink; @why (SL_TEXT_MAX) says it in words. */
enum sl_verdict sl_locate(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			  char *why);

#endif
