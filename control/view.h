/*
 * view.h - one telemetry picture laid over the policy, and the questions asked of it
 *
 * The pipeline speaks in indexes of the policy (service, uplink), the picture in
 * names.  A view holds pointers into the picture; it lives as long as that does.
 * Legs: 0 = LAN, 1 = WAN.  Pure; called by the pipeline's one thread.
 */
#ifndef SL_VIEW_H
#define SL_VIEW_H

#include "proto/policy.h"

#define SL_LEG_LAN       0
#define SL_LEG_WAN       1
#define SL_SITE_SERVICES SL_WIRE_SERVICES_MAX /* policy services and, last, "other" */
#define SL_SITE_UPLINKS  SL_WIRE_UPLINKS_MAX
#define SL_UPLINK_UNSET  0xff

struct sl_view {
	const struct sl_policy *policy;
	const struct sl_telemetry *picture;
	/* NULL = not in the picture */
	const struct sl_path_report *path[SL_SITE_SERVICES][SL_SITE_UPLINKS];
	const struct sl_uplink_report *uplink[SL_SITE_UPLINKS];
	const struct sl_service_report *service[SL_SITE_SERVICES];
};

/* Lay @picture over @policy.  What the policy does not name is left out. */
void sl_view_make(struct sl_view *view, const struct sl_policy *policy,
		  const struct sl_telemetry *picture);

/* The SLO of policy service @service; NULL when it has none. */
const struct sl_policy_slo *sl_view_slo(const struct sl_policy *policy, unsigned int service);

/* Name of a policy service ("other" included) or uplink; "" for SL_UPLINK_UNSET. */
const char *sl_view_service_name(const struct sl_policy *policy, unsigned int service);
const char *sl_view_uplink_name(const struct sl_policy *policy, unsigned int uplink);

/* Where @service stands now, as an uplink index; SL_UPLINK_UNSET when unknown. */
unsigned int sl_view_where(const struct sl_view *view, unsigned int service);

/* True while a rate limit is set for @service: its loss is then our own doing. */
bool sl_view_limited(const struct sl_view *view, unsigned int service);

/* True while a command has set the DSCP of @service's packets. */
bool sl_view_remarked(const struct sl_view *view, unsigned int service);

/*
 * True while @service is held back on purpose: limited, or marked to yield to all else on an uplink
 * that honours it.  What it suffers then is no evidence.
 */
#define SL_VIEW_LE "LE" /* Lower Effort, RFC 8622 */
bool sl_view_yields(const struct sl_view *view, unsigned int service);

/*
 * True when what befalls @service is evidence against an uplink.  Not so a background service
 * (guests) nor what no rule names: anyone on their network can make them lose and wait, by
 * talking to a server of his own.
 */
bool sl_view_trusted(const struct sl_policy *policy, unsigned int service);

/* Why @path is in its state, for a sentence: without its bounds, shortened; in @text. */
#define SL_BRIEF_MAX 81
const char *sl_view_brief(const struct sl_path_report *path, char text[SL_BRIEF_MAX]);

/* Rate of @path in bit/s by sender (0 towards the WAN, 1 from it). */
uint64_t sl_view_rate(const struct sl_path_report *path, unsigned int side);

/* The same of @service by @uplink, as far as the picture shows it: 0 where it has no such path. */
uint64_t sl_view_rate_of(const struct sl_view *view, unsigned int service, unsigned int uplink,
			 unsigned int side);

/* Segments lost on a leg, both directions; and the share of the worse direction. */
uint32_t sl_view_lost(const struct sl_path_report *path, unsigned int leg);
uint32_t sl_view_loss_ppm(const struct sl_path_report *path, unsigned int leg);
uint32_t sl_view_segments(const struct sl_path_report *path);

/* RTP lost on a leg, which is seen of what comes by it; and its share of what was sent. */
uint32_t sl_view_media_lost(const struct sl_path_report *path, unsigned int leg);
uint32_t sl_view_media_loss_ppm(const struct sl_path_report *path, unsigned int leg);

/* DNS queries that failed or went unanswered; connections and hellos that did. */
uint32_t sl_view_queries_bad(const struct sl_path_report *path);
uint32_t sl_view_opens_bad(const struct sl_path_report *path);

/* True when more requests than the SLO's failures allow went unanswered, and not by chance. */
bool sl_view_unanswered(const struct sl_path_report *path, const struct sl_policy_slo *slo);

/* True when more WAN-leg samples than the SLO's quantile allows are above its latency. */
bool sl_view_slow(const struct sl_path_report *path, const struct sl_policy_slo *slo);

/* True when the leg loses more than the SLO allows: of segments, or of media. */
bool sl_view_lossy(const struct sl_path_report *path, const struct sl_policy_slo *slo,
		   unsigned int leg);

#endif
