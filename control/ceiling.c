/*
 * ceiling.c - level, low, in demand, and a queue behind it
 */
#include "ceiling.h"

#include <stdio.h>

#define LEVEL_PERCENT 10      /* highest and lowest rate are no further apart */
#define LOW_PERCENT   50      /* of the policy's capacity: more is not far below it */
#define LESS_PERCENT  80      /* of its usual rate: less was taken from it */
#define MORE_PERCENT  130     /* more is what it never wanted */
#define RISE          2       /* times what is normal: a queue */
#define SAMPLES_MIN   5       /* for a median */
#define RATE_MIN_BPS  200000u /* what carries less is broken, not capped */
#define MBIT          1e6

static bool queues(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = scene->view->path[service][uplink];
	uint64_t usual_us = scene->judge[service][uplink].base_p50_us;

	return path && usual_us && sl_view_trusted(scene->view->policy, service) &&
	       sl_view_slow(path, sl_view_slo(scene->view->policy, service)) &&
	       path->rtt[SL_LEG_WAN].samples >= SAMPLES_MIN &&
	       path->rtt[SL_LEG_WAN].p50_us >= RISE * usual_us;
}

/* A queue stands: somebody whom we trust waits in it. */
static bool queue_stands(const struct sl_scene *scene, unsigned int uplink)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		if (queues(scene, s, uplink))
			return true;
	return false;
}

/* Who sends most from @side; one that we limit tells nothing: SL_SITE_SERVICES. */
static unsigned int busiest(const struct sl_scene *scene, unsigned int uplink, unsigned int side)
{
	unsigned int most = SL_SITE_SERVICES;
	uint64_t most_bps = 0;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		uint64_t bps = sl_view_rate_of(scene->view, s, uplink, side);

		if (bps <= most_bps)
			continue;
		most = s;
		most_bps = bps;
	}
	return most < SL_SITE_SERVICES && sl_view_limited(scene->view, most) ? SL_SITE_SERVICES
									     : most;
}

/* It gets less than it usually has, or wants more than ever. */
static bool presses(const struct sl_scene *scene, unsigned int uplink, unsigned int side)
{
	unsigned int service = busiest(scene, uplink, side);
	uint64_t usual, bps;

	if (service == SL_SITE_SERVICES)
		return false;
	usual = scene->judge[service][uplink].base_bps[side];
	bps = sl_view_rate_of(scene->view, service, uplink, side);
	return bps * 100 <= usual * LESS_PERCENT || bps * 100 >= usual * MORE_PERCENT;
}

/* Level over the whole ring: the lowest, for it may still sink; 0 = not, or too low or high for a ceiling. */
static uint64_t level(const struct sl_ceiling_side *side, uint64_t capacity_bps)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (unsigned int i = 0; i < SL_CEILING_PICTURES; i++) {
		low = side->bps[i] < low ? side->bps[i] : low;
		high = side->bps[i] > high ? side->bps[i] : high;
	}
	if (low < RATE_MIN_BPS || (high - low) * 100 > high * LEVEL_PERCENT)
		return 0;
	return capacity_bps && high * 100 > capacity_bps * LOW_PERCENT ? 0 : low;
}

static void look(struct sl_ceiling *ceiling, const struct sl_scene *scene, unsigned int uplink,
		 unsigned int from)
{
	struct sl_ceiling_side *side = &ceiling->side[from];
	uint64_t now_bps = 0, level_bps;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		now_bps += sl_view_rate_of(scene->view, s, uplink, from);
	side->bps[ceiling->pictures % SL_CEILING_PICTURES] = now_bps;
	if (now_bps * 100 > side->seen_bps * MORE_PERCENT ||
	    scene->now_ms - side->seen_ms > SL_CEILING_STALE_MS)
		side->seen_bps = 0;
	level_bps = level(side, scene->view->policy->uplink[uplink].capacity_bps);
	if (!level_bps || !presses(scene, uplink, from) || !queue_stands(scene, uplink))
		return;
	side->seen_bps = level_bps;
	side->seen_ms = scene->now_ms;
}

void sl_ceiling_picture(struct sl_ceiling *ceiling, const struct sl_scene *scene,
			unsigned int uplink)
{
	for (unsigned int from = 0; from < 2; from++)
		look(ceiling, scene, uplink, from);
	ceiling->pictures++;
}

uint64_t sl_ceiling_seen(const struct sl_scene *scene, unsigned int uplink, unsigned int side)
{
	return scene->ceiling ? scene->ceiling[uplink].side[side].seen_bps : 0;
}

uint64_t sl_ceiling_capacity(const struct sl_scene *scene, unsigned int uplink, unsigned int side)
{
	uint64_t seen_bps = sl_ceiling_seen(scene, uplink, side);

	return seen_bps ? seen_bps : scene->view->policy->uplink[uplink].capacity_bps;
}

void sl_ceiling_say(const struct sl_scene *scene, unsigned int uplink, char text[SL_CEILING_TEXT])
{
	uint64_t capacity_bps = scene->view->policy->uplink[uplink].capacity_bps;
	uint64_t seen_bps = sl_ceiling_seen(scene, uplink, 1);

	if (!seen_bps)
		seen_bps = sl_ceiling_seen(scene, uplink, 0);
	text[0] = '\0';
	if (seen_bps && capacity_bps)
		snprintf(text, SL_CEILING_TEXT, "rate is flat at %.1f of %.1f Mbit/s: capped?",
			 (double)seen_bps / MBIT, (double)capacity_bps / MBIT);
	else if (seen_bps)
		snprintf(text, SL_CEILING_TEXT, "rate is flat at %.1f Mbit/s: capped?",
			 (double)seen_bps / MBIT);
}
