/*
 * view.c - names of a picture to indexes of the policy; measures per leg
 *
 * Loss per leg by where the box stands (MEASUREMENT.md 1): what the LAN side sent
 * and was lost after us, and what the WAN side sent and was lost before us, was
 * lost on the WAN leg.  Of media only what was lost before us is seen.
 */
#include "view.h"

#include <string.h>

#define PPM            1000000u
#define UNANSWERED_MIN 3

/* A tap has one nameless way. */
static int uplink_index(const struct sl_policy *policy, const char *name)
{
	return policy->uplinks ? sl_policy_uplink_index(policy, name) : 0;
}

void sl_view_make(struct sl_view *view, const struct sl_policy *policy,
		  const struct sl_telemetry *picture)
{
	*view = (struct sl_view){.policy = policy, .picture = picture};
	for (uint32_t i = 0; i < picture->paths; i++) {
		const struct sl_path_report *path = &picture->path[i];
		int service = sl_policy_service_index(policy, path->service);
		int uplink = uplink_index(policy, path->uplink);

		if (service >= 0 && uplink >= 0)
			view->path[service][uplink] = path;
	}
	for (uint32_t i = 0; i < picture->uplinks; i++) {
		int uplink = uplink_index(policy, picture->uplink[i].name);

		if (uplink >= 0)
			view->uplink[uplink] = &picture->uplink[i];
	}
	for (uint32_t i = 0; i < picture->services; i++) {
		int service = sl_policy_service_index(policy, picture->service[i].name);

		if (service >= 0)
			view->service[service] = &picture->service[i];
	}
}

const struct sl_policy_slo *sl_view_slo(const struct sl_policy *policy, unsigned int service)
{
	if (service >= policy->services || !policy->service[service].has_slo)
		return NULL;
	return &policy->service[service].slo;
}

const char *sl_view_service_name(const struct sl_policy *policy, unsigned int service)
{
	if (service == SL_POLICY_OTHER)
		return "other";
	return service < policy->services ? policy->service[service].name : "";
}

const char *sl_view_uplink_name(const struct sl_policy *policy, unsigned int uplink)
{
	return uplink < policy->uplinks ? policy->uplink[uplink].name : "";
}

unsigned int sl_view_where(const struct sl_view *view, unsigned int service)
{
	int uplink;

	if (!view->service[service])
		return SL_UPLINK_UNSET;
	uplink = uplink_index(view->policy, view->service[service]->uplink);
	return uplink < 0 ? SL_UPLINK_UNSET : (unsigned int)uplink;
}

bool sl_view_limited(const struct sl_view *view, unsigned int service)
{
	const struct sl_service_report *report = view->service[service];

	return report && (report->limit_bps[0] || report->limit_bps[1]);
}

bool sl_view_remarked(const struct sl_view *view, unsigned int service)
{
	return view->service[service] && view->service[service]->dscp_cause[0];
}

bool sl_view_yields(const struct sl_view *view, unsigned int service)
{
	const struct sl_service_report *report = view->service[service];
	unsigned int where = sl_view_where(view, service);

	return sl_view_limited(view, service) ||
	       (report && !strcmp(report->dscp, SL_VIEW_LE) && where < view->policy->uplinks &&
		view->policy->uplink[where].dscp == SL_DSCP_HONOURED);
}

bool sl_view_trusted(const struct sl_policy *policy, unsigned int service)
{
	return service < policy->services && policy->service[service].priority > 0;
}

const char *sl_view_brief(const struct sl_path_report *path, char text[SL_BRIEF_MAX])
{
	static const char bound[] = " (lower bound";
	const char *from = path->reason;
	size_t at = 0;

	while (*from && at < SL_BRIEF_MAX - 1) {
		const char *end =
			strncmp(from, bound, sizeof(bound) - 1) != 0 ? NULL : strchr(from, ')');

		if (end)
			from = end + 1;
		else
			text[at++] = *from++;
	}
	text[at] = '\0';
	/* Cut short: only the parts that are whole. */
	if (*from && strrchr(text, ';'))
		*strrchr(text, ';') = '\0';
	return text;
}

uint64_t sl_view_rate(const struct sl_path_report *path, unsigned int side)
{
	return path->window_ms ? path->bytes[side] * 8000 / path->window_ms : 0;
}

uint64_t sl_view_rate_of(const struct sl_view *view, unsigned int service, unsigned int uplink,
			 unsigned int side)
{
	const struct sl_path_report *path = view->path[service][uplink];

	return path ? sl_view_rate(path, side) : 0;
}

static uint32_t lost_of(const struct sl_path_report *path, unsigned int leg, unsigned int sender)
{
	return leg == sender ? path->loss[sender].lost_before : path->loss[sender].lost_after;
}

uint32_t sl_view_lost(const struct sl_path_report *path, unsigned int leg)
{
	return lost_of(path, leg, 0) + lost_of(path, leg, 1);
}

static uint32_t share_ppm(uint32_t part, uint32_t whole)
{
	uint64_t ppm = whole ? (uint64_t)part * PPM / whole : 0;

	return ppm > PPM ? PPM : (uint32_t)ppm;
}

uint32_t sl_view_loss_ppm(const struct sl_path_report *path, unsigned int leg)
{
	uint32_t lan = share_ppm(lost_of(path, leg, 0), path->loss[0].segments);
	uint32_t wan = share_ppm(lost_of(path, leg, 1), path->loss[1].segments);

	return lan > wan ? lan : wan;
}

uint32_t sl_view_segments(const struct sl_path_report *path)
{
	return path->loss[0].segments + path->loss[1].segments;
}

uint32_t sl_view_media_lost(const struct sl_path_report *path, unsigned int leg)
{
	const struct sl_media_report *media = &path->media[leg];

	return media->expected > media->packets ? media->expected - media->packets : 0;
}

uint32_t sl_view_media_loss_ppm(const struct sl_path_report *path, unsigned int leg)
{
	return share_ppm(sl_view_media_lost(path, leg), path->media[leg].expected);
}

uint32_t sl_view_queries_bad(const struct sl_path_report *path)
{
	return path->queries_failed + path->queries_unanswered;
}

uint32_t sl_view_opens_bad(const struct sl_path_report *path)
{
	return path->attempts_repeated + path->refused + path->hellos_unanswered;
}

bool sl_view_unanswered(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	return slo && slo->failures_ppm != UINT32_MAX &&
	       path->requests_unanswered >= UNANSWERED_MIN &&
	       (uint64_t)path->requests_unanswered * PPM >
		       (uint64_t)path->requests * slo->failures_ppm;
}

bool sl_view_slow(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	const struct sl_latency_report *rtt = &path->rtt[SL_LEG_WAN];

	if (!slo || !slo->latency_ns)
		return false;
	return (uint64_t)rtt->above_slo * PPM >
	       (uint64_t)rtt->samples * (PPM - slo->latency_quantile_ppm);
}

bool sl_view_lossy(const struct sl_path_report *path, const struct sl_policy_slo *slo,
		   unsigned int leg)
{
	return slo && slo->loss_ppm != UINT32_MAX &&
	       (sl_view_loss_ppm(path, leg) > slo->loss_ppm ||
		sl_view_media_loss_ppm(path, leg) > slo->loss_ppm);
}
