/*
 * locate_ill.c - in which ways a path is bad, and whether two are bad alike
 *
 * Two services may be ill at the same moment, each of its own: a processor refuses while a
 * guest fills the uplink, the tills' LAN loses while the uplink does.  One is evidence of the
 * other's fault only when it is of the same kind.
 */
#include "locate_private.h"

#define THIN_SEGMENTS 40 /* in a window of so few, a single lost one is chance */

static bool lan_slow(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	return slo && slo->latency_ns && path->rtt[SL_LEG_LAN].samples >= SL_LOCATE_SAMPLES &&
	       (uint64_t)path->rtt[SL_LEG_LAN].p95_us * 1000 > slo->latency_ns;
}

/*
 * The WAN leg is bad as well, and not just in the shadow of a LAN that is far worse: no other
 * uplink would bring the SLO back then.
 */
static bool wan_fault(const struct sl_path_report *path, const struct sl_policy_slo *slo,
		      bool lan_lossy)
{
	bool slow = sl_view_slow(path, slo), lossy = sl_view_lossy(path, slo, SL_LEG_WAN);

	if (!lan_lossy)
		return slow || lossy;
	return (lossy && sl_locate_loss_ppm(path, SL_LEG_WAN) * 2ull >=
				 sl_locate_loss_ppm(path, SL_LEG_LAN)) ||
	       (slow && path->rtt[SL_LEG_WAN].p95_us * 2000ull >= slo->latency_ns * 3);
}

/* Segments or media are lost on the LAN leg; not just one of a few. */
static bool lan_lossy(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	uint32_t lost = sl_view_lost(path, SL_LEG_LAN) + sl_view_media_lost(path, SL_LEG_LAN);

	return sl_view_lossy(path, slo, SL_LEG_LAN) &&
	       (lost > 1 || sl_view_segments(path) >= THIN_SEGMENTS);
}

bool sl_locate_lan(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	bool lossy = lan_lossy(path, slo);

	return path->state != SL_HEALTH_DOWN && (lossy || lan_slow(path, slo)) &&
	       !wan_fault(path, slo, lossy);
}

bool sl_locate_refused(const struct sl_path_report *path)
{
	return path->refused >= SL_LOCATE_LOST && path->refused * 2 >= path->attempts;
}

unsigned int sl_locate_ills(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, service);
	bool shut;

	if (path->state == SL_HEALTH_DOWN)
		return SL_ILL_DOWN | SL_ILL_SHUT;
	if (sl_locate_lan(path, slo))
		return SL_ILL_LAN;
	shut = sl_view_opens_bad(path) - path->refused >= SL_LOCATE_LOST || path->stalls;
	return (sl_view_slow(path, slo) ? SL_ILL_SLOW : 0u) |
	       (sl_view_lossy(path, slo, SL_LEG_WAN) ? SL_ILL_LOSSY : 0u) |
	       (shut ? SL_ILL_SHUT : 0u) | (sl_locate_refused(path) ? SL_ILL_REFUSED : 0u) |
	       (sl_view_unanswered(path, slo) ? SL_ILL_HANGS : 0u);
}

/* What an uplink does to one service, it may do to another in these ways. */
static unsigned int akin(unsigned int ills)
{
	return ills | (ills & SL_ILL_DOWN ? SL_ILL_LOSSY | SL_ILL_SLOW : 0u) |
	       (ills & SL_ILL_SHUT ? SL_ILL_LOSSY : 0u) | (ills & SL_ILL_LOSSY ? SL_ILL_SHUT : 0u) |
	       (ills & SL_ILL_SLOW ? SL_ILL_DOWN : 0u);
}

bool sl_locate_alike(unsigned int ills, unsigned int others)
{
	return !ills || !others || akin(ills) & others;
}
