/*
 * locate_compare.c - how bad a path is, and who else suffers as much: evidence for locate.c
 */
#include <string.h>

#include "locate_private.h"

#define EXPECT_MIN 5    /* losses to expect before none of them means clean */
#define SLACK_US   5000 /* no two windows are alike */
#define PPM        1000000u

const struct sl_path_report *sl_locate_path(const struct sl_scene *scene, unsigned int service,
					    unsigned int uplink)
{
	return scene->view->path[service][uplink];
}

uint32_t sl_locate_loss_ppm(const struct sl_path_report *path, unsigned int leg)
{
	uint32_t segments = sl_view_loss_ppm(path, leg), media = sl_view_media_loss_ppm(path, leg);

	return segments > media ? segments : media;
}

void sl_locate_badness(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		       struct sl_badness *badness)
{
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, service);
	const struct sl_judge *judge = &scene->judge[service][uplink];

	*badness = (struct sl_badness){.down = judge->state == SL_HEALTH_DOWN};
	if (!path)
		return;
	if (sl_view_slow(path, slo)) {
		uint32_t normal = judge->base_p95_us;
		uint32_t now = path->rtt[SL_LEG_WAN].p95_us;

		/* Never seen well: half of the SLO is what it should take at most. */
		if (!normal)
			normal = (uint32_t)(slo->latency_ns / 2000);
		badness->rise_us = now > normal ? now - normal : 1;
	}
	if (sl_view_lossy(path, slo, SL_LEG_WAN))
		badness->loss_ppm = sl_locate_loss_ppm(path, SL_LEG_WAN);
}

static enum sl_evidence compare_latency(const struct sl_path_report *path,
					const struct sl_judge *judge, uint32_t rise_us)
{
	uint64_t now = path->rtt[SL_LEG_WAN].p95_us;

	if (!rise_us || !judge->base_p95_us || path->rtt[SL_LEG_WAN].samples < SL_LOCATE_SAMPLES)
		return SL_EVIDENCE_NONE;
	if (now >= (uint64_t)judge->base_p95_us + rise_us / 2)
		return SL_EVIDENCE_SUFFERS;
	if (now < (uint64_t)judge->base_p95_us + rise_us / 4 + SLACK_US)
		return SL_EVIDENCE_CLEAN;
	return SL_EVIDENCE_NONE;
}

/* @lost of @n, which is @now_ppm, where @loss_ppm would be as bad as the other path. */
static enum sl_evidence compare_share(uint32_t lost, uint32_t n, uint32_t now_ppm,
				      uint32_t loss_ppm)
{
	uint64_t expect = (uint64_t)n * loss_ppm / PPM;

	if (lost >= SL_LOCATE_LOST && now_ppm >= loss_ppm / 3)
		return SL_EVIDENCE_SUFFERS;
	if (expect >= EXPECT_MIN && (uint64_t)lost * 3 < expect)
		return SL_EVIDENCE_CLEAN;
	return SL_EVIDENCE_NONE;
}

enum sl_evidence sl_locate_compare_loss(const struct sl_path_report *path, uint32_t loss_ppm)
{
	enum sl_evidence segments, media;

	if (!loss_ppm)
		return SL_EVIDENCE_NONE;
	segments = compare_share(sl_view_lost(path, SL_LEG_WAN), sl_view_segments(path),
				 sl_view_loss_ppm(path, SL_LEG_WAN), loss_ppm);
	media = compare_share(sl_view_media_lost(path, SL_LEG_WAN),
			      path->media[SL_LEG_WAN].expected,
			      sl_view_media_loss_ppm(path, SL_LEG_WAN), loss_ppm);
	return segments > media ? segments : media;
}

static bool slow_by_dns(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	return sl_view_slow(path, slo) && !strcmp(path->rtt[SL_LEG_WAN].method, "dns");
}

/* More queries fail than may, or the answers come late where nothing else is measured. */
static bool queries_fail(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	uint64_t bad = sl_view_queries_bad(path), n = path->queries > bad ? path->queries : bad;
	uint32_t limit_ppm = slo && slo->failures_ppm != UINT32_MAX ? slo->failures_ppm : 0;

	return slow_by_dns(path, slo) || (bad >= SL_LOCATE_LOST && bad * PPM > n * limit_ppm);
}

bool sl_locate_only_queries(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, service);

	if (!path || !queries_fail(path, slo) || sl_view_opens_bad(path) >= SL_LOCATE_LOST)
		return false;
	if (path->state == SL_HEALTH_DOWN && sl_view_segments(path))
		return false;
	return !sl_view_lossy(path, slo, SL_LEG_WAN) &&
	       (!sl_view_slow(path, slo) || slow_by_dns(path, slo));
}

/* It is ill in this very picture, and in the like ways as far as any are known. */
static bool ails_alike(const struct sl_scene *scene, unsigned int other, unsigned int uplink,
		       const struct sl_badness *badness)
{
	unsigned int ills = sl_locate_ills(scene, other, uplink);

	return (ills || sl_locate_path(scene, other, uplink)->state != SL_HEALTH_GOOD) &&
	       sl_locate_alike(badness->ills, ills);
}

enum sl_evidence sl_locate_compare(const struct sl_scene *scene, unsigned int other,
				   unsigned int uplink, const struct sl_badness *badness)
{
	const struct sl_path_report *path = sl_locate_path(scene, other, uplink);
	const struct sl_judge *judge = &scene->judge[other][uplink];
	enum sl_evidence latency, loss;

	/* A service that we hold back suffers by our own hand. */
	if (!path || sl_view_yields(scene->view, other))
		return SL_EVIDENCE_NONE;
	if (sl_judge_bad_now(judge, scene->now_ms)) {
		if (sl_locate_only_queries(scene, other, uplink))
			return SL_EVIDENCE_NONE;
		if (ails_alike(scene, other, uplink, badness))
			return SL_EVIDENCE_SUFFERS;
	}
	if (badness->down || (!badness->rise_us && !badness->loss_ppm))
		return path->state == SL_HEALTH_GOOD ? SL_EVIDENCE_CLEAN : SL_EVIDENCE_NONE;
	latency = compare_latency(path, judge, badness->rise_us);
	loss = sl_locate_compare_loss(path, badness->loss_ppm);
	return latency > loss ? latency : loss;
}

bool sl_locate_leans(const struct sl_scene *scene, unsigned int other, unsigned int uplink,
		     const struct sl_badness *badness)
{
	const struct sl_path_report *path = sl_locate_path(scene, other, uplink);
	uint32_t normal = scene->judge[other][uplink].base_p95_us;

	if (!path || sl_view_yields(scene->view, other) ||
	    sl_locate_only_queries(scene, other, uplink))
		return false;
	if (badness->down)
		return path->state != SL_HEALTH_GOOD && path->state != SL_HEALTH_IDLE;
	if (badness->rise_us && normal && path->rtt[SL_LEG_WAN].samples &&
	    path->rtt[SL_LEG_WAN].p95_us >= normal + badness->rise_us / 2)
		return true;
	return badness->loss_ppm && sl_locate_loss_ppm(path, SL_LEG_WAN) >= badness->loss_ppm / 2;
}
