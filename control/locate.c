/*
 * locate.c - the verdict on a bad path, the surest evidence first
 */
#include "locate.h"

#include <stdio.h>
#include <string.h>

#define COVERAGE_MIN_PPM     500000
#define COVERAGE_PACKETS_MIN 20
#define MISS_MIN             5 /* segments the box itself missed */
#define MISS_PPM             50000
#define SAMPLES_MIN          5
#define EXPECT_MIN           5 /* losses to expect before none of them means clean */
#define LOST_MIN             3
#define SLACK_US             5000 /* no two windows are alike */
#define PPM                  1000000u

static const struct sl_path_report *path_of(const struct sl_scene *scene, unsigned int service,
					    unsigned int uplink)
{
	return scene->view->path[service][uplink];
}

/* Of segments or of media: shares are compared, never added up. */
static uint32_t worst_loss_ppm(const struct sl_path_report *path, unsigned int leg)
{
	uint32_t segments = sl_view_loss_ppm(path, leg), media = sl_view_media_loss_ppm(path, leg);

	return segments > media ? segments : media;
}

void sl_locate_badness(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		       struct sl_badness *badness)
{
	const struct sl_path_report *path = path_of(scene, service, uplink);
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
		badness->loss_ppm = worst_loss_ppm(path, SL_LEG_WAN);
}

static enum sl_evidence compare_latency(const struct sl_path_report *path,
					const struct sl_judge *judge, uint32_t rise_us)
{
	uint64_t now = path->rtt[SL_LEG_WAN].p95_us;

	if (!rise_us || !judge->base_p95_us || path->rtt[SL_LEG_WAN].samples < SAMPLES_MIN)
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

	if (lost >= LOST_MIN && now_ppm >= loss_ppm / 2)
		return SL_EVIDENCE_SUFFERS;
	if (expect >= EXPECT_MIN && (uint64_t)lost * 3 < expect)
		return SL_EVIDENCE_CLEAN;
	return SL_EVIDENCE_NONE;
}

static enum sl_evidence compare_loss(const struct sl_path_report *path, uint32_t loss_ppm)
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

	return slow_by_dns(path, slo) || (bad >= LOST_MIN && bad * PPM > n * limit_ppm);
}

/* Nothing is wrong with @service on @uplink but its queries. */
static bool only_queries_fail(const struct sl_scene *scene, unsigned int service,
			      unsigned int uplink)
{
	const struct sl_path_report *path = path_of(scene, service, uplink);
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, service);

	if (!path || !queries_fail(path, slo) || sl_view_opens_bad(path) >= LOST_MIN)
		return false;
	if (path->state == SL_HEALTH_DOWN && sl_view_segments(path))
		return false;
	return !sl_view_lossy(path, slo, SL_LEG_WAN) &&
	       (!sl_view_slow(path, slo) || slow_by_dns(path, slo));
}

enum sl_evidence sl_locate_compare(const struct sl_scene *scene, unsigned int other,
				   unsigned int uplink, const struct sl_badness *badness)
{
	const struct sl_path_report *path = path_of(scene, other, uplink);
	const struct sl_judge *judge = &scene->judge[other][uplink];
	enum sl_evidence latency, loss;

	/* A service that we throttle loses by our own hand. */
	if (!path || sl_view_limited(scene->view, other))
		return SL_EVIDENCE_NONE;
	if (sl_judge_bad_now(judge, scene->now_ms))
		return only_queries_fail(scene, other, uplink) ? SL_EVIDENCE_NONE
							       : SL_EVIDENCE_SUFFERS;
	if (badness->down || (!badness->rise_us && !badness->loss_ppm))
		return path->state == SL_HEALTH_GOOD ? SL_EVIDENCE_CLEAN : SL_EVIDENCE_NONE;
	latency = compare_latency(path, judge, badness->rise_us);
	loss = compare_loss(path, badness->loss_ppm);
	return latency > loss ? latency : loss;
}

static bool self_blind(const struct sl_scene *scene, unsigned int service,
		       const struct sl_path_report *path, char *why)
{
	uint64_t packets = (uint64_t)path->packets[0] + path->packets[1];
	uint64_t missed = (uint64_t)path->loss[0].capture_miss + path->loss[1].capture_miss;
	uint64_t segments = sl_view_segments(path);

	if (sl_view_limited(scene->view, service)) {
		snprintf(why, SL_TEXT_MAX, "its own rate limit explains it");
		return true;
	}
	if (packets >= COVERAGE_PACKETS_MIN && path->coverage_ppm < COVERAGE_MIN_PPM) {
		snprintf(why, SL_TEXT_MAX, "only %u %% of its packets are measured",
			 path->coverage_ppm / 10000);
		return true;
	}
	if (missed >= MISS_MIN && missed * PPM > segments * MISS_PPM) {
		snprintf(why, SL_TEXT_MAX, "the box missed %llu of %llu segments itself",
			 (unsigned long long)missed, (unsigned long long)segments);
		return true;
	}
	return false;
}

static bool lan_slow(const struct sl_path_report *path, const struct sl_policy_slo *slo)
{
	return slo && slo->latency_ns && path->rtt[SL_LEG_LAN].samples >= SAMPLES_MIN &&
	       (uint64_t)path->rtt[SL_LEG_LAN].p95_us * 1000 > slo->latency_ns;
}

static bool lan_fault(const struct sl_path_report *path, const struct sl_policy_slo *slo, char *why)
{
	bool lossy = sl_view_lossy(path, slo, SL_LEG_LAN);

	if (path->state == SL_HEALTH_DOWN || (!lossy && !lan_slow(path, slo)))
		return false;
	if (sl_view_slow(path, slo) || sl_view_lossy(path, slo, SL_LEG_WAN))
		return false;
	snprintf(why, SL_TEXT_MAX, "LAN leg p95 %.1f ms loss %.2f %%, WAN leg is clean",
		 path->rtt[SL_LEG_LAN].p95_us / 1e3, worst_loss_ppm(path, SL_LEG_LAN) / 1e4);
	return true;
}

static bool bad_elsewhere(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
		if (u != uplink && path_of(scene, service, u) &&
		    sl_judge_bad_now(&scene->judge[service][u], scene->now_ms))
			return true;
	return false;
}

static enum sl_verdict by_others(const struct sl_scene *scene, unsigned int service,
				 unsigned int uplink, char *why)
{
	const struct sl_policy *policy = scene->view->policy;
	unsigned int clean = SL_SITE_SERVICES, suffers = SL_SITE_SERVICES;
	struct sl_badness badness;

	sl_locate_badness(scene, service, uplink, &badness);
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		enum sl_evidence evidence = s == service
						    ? SL_EVIDENCE_NONE
						    : sl_locate_compare(scene, s, uplink, &badness);

		if (evidence == SL_EVIDENCE_SUFFERS)
			suffers = s;
		else if (evidence == SL_EVIDENCE_CLEAN)
			clean = s;
	}
	if (suffers < SL_SITE_SERVICES) {
		snprintf(why, SL_TEXT_MAX, "%s suffers on %s as well",
			 sl_view_service_name(policy, suffers),
			 sl_view_uplink_name(policy, uplink));
		return SL_VERDICT_UPLINK;
	}
	if (clean < SL_SITE_SERVICES) {
		snprintf(why, SL_TEXT_MAX, "%s is well on %s", sl_view_service_name(policy, clean),
			 sl_view_uplink_name(policy, uplink));
		return SL_VERDICT_DESTINATION;
	}
	snprintf(why, SL_TEXT_MAX, "nothing else on %s to compare with",
		 sl_view_uplink_name(policy, uplink));
	return SL_VERDICT_UNKNOWN;
}

/* Connections of this path open, or its packets are answered: by more than DNS. */
static bool connects(const struct sl_path_report *path)
{
	const struct sl_latency_report *wan = &path->rtt[SL_LEG_WAN];

	return path->state != SL_HEALTH_DOWN && sl_view_opens_bad(path) < LOST_MIN &&
	       (path->established >= LOST_MIN ||
		(wan->samples >= SAMPLES_MIN && strcmp(wan->method, "dns") != 0));
}

/* Who connects by @uplink while @service's queries fail; SL_SITE_SERVICES: nobody, or not all. */
static unsigned int who_connects(const struct sl_scene *scene, unsigned int service,
				 unsigned int uplink)
{
	unsigned int who = SL_SITE_SERVICES;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_path_report *path = path_of(scene, s, uplink);

		if (!path || sl_view_limited(scene->view, s))
			continue;
		if (s != service && sl_judge_bad_now(&scene->judge[s][uplink], scene->now_ms) &&
		    !only_queries_fail(scene, s, uplink))
			return SL_SITE_SERVICES;
		if (connects(path) && (who == SL_SITE_SERVICES || s == service))
			who = s;
	}
	return who;
}

/* Queries fail where connections do not: the resolver, or the way to it alone. */
static bool dns_fault(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		      char *why)
{
	const struct sl_path_report *path = path_of(scene, service, uplink);
	unsigned int who;

	if (!only_queries_fail(scene, service, uplink))
		return false;
	who = who_connects(scene, service, uplink);
	if (who == SL_SITE_SERVICES)
		return false;
	/* Short: a decision's text has room for half a line of it. */
	if (sl_view_queries_bad(path) >= LOST_MIN)
		snprintf(why, SL_TEXT_MAX, "%u of %u queries fail, %s connects",
			 sl_view_queries_bad(path), path->queries,
			 sl_view_service_name(scene->view->policy, who));
	else
		snprintf(why, SL_TEXT_MAX, "queries take %.1f ms, %s connects",
			 path->dns.p95_us / 1e3, sl_view_service_name(scene->view->policy, who));
	return true;
}

static bool server_refuses(const struct sl_path_report *path, char *why)
{
	if (path->refused < LOST_MIN || path->refused * 2 < path->attempts)
		return false;
	snprintf(why, SL_TEXT_MAX, "the server refused %u of %u connections", path->refused,
		 path->attempts);
	return true;
}

enum sl_verdict sl_locate(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			  char *why)
{
	const struct sl_path_report *path = path_of(scene, service, uplink);
	const struct sl_uplink_report *report = scene->view->uplink[uplink];

	if (!path) {
		snprintf(why, SL_TEXT_MAX, "no measure of it");
		return SL_VERDICT_UNKNOWN;
	}
	if (self_blind(scene, service, path, why))
		return SL_VERDICT_SELF;
	if (report && report->state == SL_HEALTH_DOWN) {
		snprintf(why, SL_TEXT_MAX, "%s is down", report->name);
		return SL_VERDICT_UPLINK;
	}
	if (lan_fault(path, sl_view_slo(scene->view->policy, service), why))
		return SL_VERDICT_LAN;
	if (dns_fault(scene, service, uplink, why))
		return SL_VERDICT_DNS;
	if (server_refuses(path, why))
		return SL_VERDICT_DESTINATION;
	if (bad_elsewhere(scene, service, uplink)) {
		snprintf(why, SL_TEXT_MAX, "it is bad on the other uplink as well");
		return SL_VERDICT_DESTINATION;
	}
	return by_others(scene, service, uplink, why);
}
