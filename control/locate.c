/*
 * locate.c - the verdict on a bad path, the surest evidence first
 */
#include <stdio.h>
#include <string.h>

#include "locate_private.h"

#define COVERAGE_MIN_PPM     500000
#define COVERAGE_PACKETS_MIN 20
#define MISS_MIN             5 /* segments the box itself missed */
#define MISS_PPM             50000
#define RESETS_MIN           2
#define STALLS_MIN           2
#define IDLE_MIN             2
#define STUCK_MIN            2    /* large segments: one may be its server's own trouble */
#define STUCK_MANY           4    /* at once no chance brings about; fewer have to stay so ... */
#define STUCK_WAIT_MS        1000 /* ... this long: what is merely lost passes by then */
#define LARGE_BYTES          1200 /* of IP, from which the dataplane calls a segment large */
#define PPM                  1000000u

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
	if (sl_view_yields(scene->view, service)) {
		snprintf(why, SL_TEXT_MAX, "it is marked LE, and waits behind all else");
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

static bool lan_fault(const struct sl_path_report *path, const struct sl_policy_slo *slo, char *why)
{
	bool clean = !sl_view_slow(path, slo) && !sl_view_lossy(path, slo, SL_LEG_WAN);

	if (!sl_locate_lan(path, slo))
		return false;
	snprintf(why, SL_TEXT_MAX, "LAN leg p95 %.1f ms loss %.2f %%, WAN leg is %s",
		 path->rtt[SL_LEG_LAN].p95_us / 1e3, sl_locate_loss_ppm(path, SL_LEG_LAN) / 1e4,
		 clean ? "clean" : "better");
	return true;
}

/* How bad @service is, for finding others on @uplink that suffer of the like. */
static struct sl_badness badness_of(const struct sl_scene *scene, unsigned int service,
				    unsigned int uplink)
{
	struct sl_badness badness;

	sl_locate_badness(scene, service, uplink, &badness);
	badness.ills = sl_locate_ills(scene, service, uplink);
	return badness;
}

/* The fault there is that uplink's own: it is dark, or others that we trust suffer on it. */
static bool uplink_ill(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	const struct sl_uplink_report *report = scene->view->uplink[uplink];
	struct sl_badness badness = badness_of(scene, service, uplink);

	if (report && (report->state == SL_HEALTH_DOWN || report->state == SL_HEALTH_DEGRADED))
		return true;
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		if (s != service && sl_view_trusted(scene->view->policy, s) &&
		    sl_locate_compare(scene, s, uplink, &badness) == SL_EVIDENCE_SUFFERS)
			return true;
	return false;
}

/*
 * By another uplink it is bad at this moment as well, in the same way.  What an ended fault has
 * left there is not: connections that die out, an uplink that was dark a moment ago.
 */
static bool bad_elsewhere(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	unsigned int here = sl_locate_ills(scene, service, uplink);

	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		const struct sl_judge *judge = &scene->judge[service][u];

		if (u == uplink || !sl_locate_path(scene, service, u) || !judge->bad_now ||
		    !sl_judge_bad_now(judge, scene->now_ms) || uplink_ill(scene, service, u))
			continue;
		if (!here || here & sl_locate_ills(scene, service, u))
			return true;
	}
	return false;
}

/*
 * Where it does well at this moment by another uplink; SL_SITE_UPLINKS = nowhere.  That few
 * segments are lost there is no news when only a few here were.
 */
static unsigned int well_elsewhere(const struct sl_scene *scene, unsigned int service,
				   unsigned int uplink)
{
	struct sl_badness here;

	sl_locate_badness(scene, service, uplink, &here);
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++) {
		const struct sl_path_report *path = sl_locate_path(scene, service, u);

		if (u == uplink || !path || path->state != SL_HEALTH_GOOD ||
		    path->rtt[SL_LEG_WAN].samples < SL_LOCATE_SAMPLES ||
		    sl_judge_bad(&scene->judge[service][u]))
			continue;
		if (!here.loss_ppm || here.rise_us ||
		    sl_locate_compare_loss(path, here.loss_ppm) == SL_EVIDENCE_CLEAN)
			return u;
	}
	return SL_SITE_UPLINKS;
}

/* It acknowledges what it is asked, and answers nothing; nothing is lost or late on the way. */
static bool server_hangs(const struct sl_path_report *path, const struct sl_policy_slo *slo,
			 char *why)
{
	if (path->state == SL_HEALTH_DOWN || !sl_view_unanswered(path, slo) ||
	    sl_view_slow(path, slo) || sl_view_lossy(path, slo, SL_LEG_WAN))
		return false;
	snprintf(why, SL_TEXT_MAX, "the server took %u requests, left %u unanswered",
		 path->requests, path->requests_unanswered);
	return true;
}

/* Who of the others suffers on the uplink, and who does not; SL_SITE_SERVICES = nobody. */
struct others {
	unsigned int suffers, leans; /* whom we trust: surely; as far as so few samples tell */
	unsigned int untrusted;      /* suffers, but that anyone can bring about */
	unsigned int clean;
};

static void ask_other(const struct sl_scene *scene, unsigned int other, unsigned int uplink,
		      const struct sl_badness *badness, struct others *others)
{
	bool trusted = sl_view_trusted(scene->view->policy, other);
	enum sl_evidence evidence = sl_locate_compare(scene, other, uplink, badness);

	if (evidence == SL_EVIDENCE_SUFFERS && trusted)
		others->suffers = other;
	else if (evidence == SL_EVIDENCE_SUFFERS)
		others->untrusted = other;
	else if (evidence == SL_EVIDENCE_CLEAN)
		others->clean = other;
	else if (trusted && sl_locate_leans(scene, other, uplink, badness))
		others->leans = other;
}

static void ask_others(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		       struct others *others)
{
	struct sl_badness badness = badness_of(scene, service, uplink);

	*others = (struct others){SL_SITE_SERVICES, SL_SITE_SERVICES, SL_SITE_SERVICES,
				  SL_SITE_SERVICES};
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		if (s != service)
			ask_other(scene, s, uplink, &badness, others);
	/* The guests' word counts where one whom we trust seems to say the same. */
	if (others->suffers == SL_SITE_SERVICES && others->untrusted < SL_SITE_SERVICES)
		others->suffers = others->leans;
}

static enum sl_verdict by_others(const struct sl_scene *scene, unsigned int service,
				 unsigned int uplink, char *why)
{
	const struct sl_policy *policy = scene->view->policy;
	const char *here = sl_view_uplink_name(policy, uplink);
	struct others others;
	unsigned int elsewhere;

	ask_others(scene, service, uplink, &others);
	if (others.suffers < SL_SITE_SERVICES) {
		snprintf(why, SL_TEXT_MAX, "%s suffers on %s as well",
			 sl_view_service_name(policy, others.suffers), here);
		return SL_VERDICT_UPLINK;
	}
	elsewhere = well_elsewhere(scene, service, uplink);
	if (elsewhere < SL_SITE_UPLINKS) {
		snprintf(why, SL_TEXT_MAX, "it is well on %s now, by %s it is ill",
			 sl_view_uplink_name(policy, elsewhere), here);
		return SL_VERDICT_UPLINK;
	}
	if (server_hangs(sl_locate_path(scene, service, uplink), sl_view_slo(policy, service), why))
		return SL_VERDICT_DESTINATION;
	if (others.clean < SL_SITE_SERVICES) {
		snprintf(why, SL_TEXT_MAX, "%s %s on %s",
			 sl_view_service_name(policy, others.clean),
			 sl_judge_bad_now(&scene->judge[others.clean][uplink], scene->now_ms)
				 ? "is ill otherwise"
				 : "is well",
			 here);
		return SL_VERDICT_DESTINATION;
	}
	if (others.untrusted < SL_SITE_SERVICES)
		snprintf(why, SL_TEXT_MAX, "only %s suffers as well: no proof",
			 sl_view_service_name(policy, others.untrusted));
	else
		snprintf(why, SL_TEXT_MAX, "nothing else on %s to compare with", here);
	return SL_VERDICT_UNKNOWN;
}

/* Connections of this path open, or its packets are answered: by more than DNS. */
static bool connects(const struct sl_path_report *path)
{
	const struct sl_latency_report *wan = &path->rtt[SL_LEG_WAN];

	return path->state != SL_HEALTH_DOWN && sl_view_opens_bad(path) < SL_LOCATE_LOST &&
	       (path->established >= SL_LOCATE_LOST ||
		(wan->samples >= SL_LOCATE_SAMPLES && strcmp(wan->method, "dns") != 0));
}

/* Who connects by @uplink while @service's queries fail; SL_SITE_SERVICES: nobody, or not all. */
static unsigned int who_connects(const struct sl_scene *scene, unsigned int service,
				 unsigned int uplink)
{
	unsigned int who = SL_SITE_SERVICES;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_path_report *path = sl_locate_path(scene, s, uplink);

		if (!path || sl_view_yields(scene->view, s))
			continue;
		if (s != service && sl_judge_bad_now(&scene->judge[s][uplink], scene->now_ms) &&
		    !sl_locate_only_queries(scene, s, uplink))
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
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
	unsigned int who;

	if (!sl_locate_only_queries(scene, service, uplink))
		return false;
	who = who_connects(scene, service, uplink);
	if (who == SL_SITE_SERVICES)
		return false;
	/* Short: a decision's text has room for half a line of it. */
	if (sl_view_queries_bad(path) >= SL_LOCATE_LOST)
		snprintf(why, SL_TEXT_MAX, "%u of %u queries fail, %s connects",
			 sl_view_queries_bad(path),
			 path->queries > sl_view_queries_bad(path) ? path->queries
								   : sl_view_queries_bad(path),
			 sl_view_service_name(scene->view->policy, who));
	else
		snprintf(why, SL_TEXT_MAX, "queries take %.1f ms, %s connects",
			 path->dns.p95_us / 1e3, sl_view_service_name(scene->view->policy, who));
	return true;
}

static bool stuck_of_late(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	const struct sl_judge *judge = &scene->judge[service][uplink];

	return judge->stuck && judge->stuck_ms &&
	       scene->now_ms - judge->stuck_ms <= SL_JUDGE_STUCK_MS;
}

/*
 * Some connections are silent for good while all else passes: nothing is lost but what they repeat,
 * again and again.  Where an uplink loses, one repeat mostly is enough, and SYNs are lost as well.
 */
static bool some_are_silent(const struct sl_path_report *path)
{
	return path->stalls >= STALLS_MIN && path->stall_repeats >= path->stalls &&
	       sl_view_lost(path, SL_LEG_WAN) <= path->stalls + path->stall_repeats;
}

uint32_t sl_locate_idle(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			char *why)
{
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, service);
	bool reset = path->resets >= RESETS_MIN && !sl_view_lossy(path, slo, SL_LEG_WAN) &&
		     (path->stalls || sl_view_unanswered(path, slo));
	/* Where what is large is stuck, connections with that in them are silent as well. */
	bool silent = some_are_silent(path) && !stuck_of_late(scene, service, uplink);

	if (path->state == SL_HEALTH_DOWN || (!reset && !silent) ||
	    path->idle_unanswered < IDLE_MIN || sl_view_slow(path, slo) ||
	    path->established < SL_LOCATE_LOST || sl_view_opens_bad(path))
		return 0;
	/* Short: a decision's text has room for half a line of it. */
	snprintf(why, SL_TEXT_MAX, "%u idle ones %s after %u s, %u new ones open",
		 reset ? path->resets : path->stalls, reset ? "reset" : "silent",
		 path->idle_ms / 1000, path->established);
	return path->idle_ms;
}

static bool passed_of_late(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	uint64_t passed_ms = scene->judge[service][uplink].passed_ms;

	return passed_ms && scene->now_ms - passed_ms <= SL_JUDGE_PASSED_MS;
}

/* Large segments that are stuck on an uplink, and nothing that passed after all. */
struct stuck {
	uint32_t count, services;
	uint64_t since_ms; /* the first of them */
};

/* False: none of @service's are, or that is no word on @uplink. */
static bool find_stuck(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		       struct stuck *stuck)
{
	const struct sl_uplink_report *report = scene->view->uplink[uplink];

	*stuck = (struct stuck){.since_ms = scene->now_ms};
	if (!stuck_of_late(scene, service, uplink) || !report || report->state == SL_HEALTH_DOWN)
		return false;
	for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
		if (u != uplink && stuck_of_late(scene, service, u))
			return false;
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_judge *judge = &scene->judge[s][uplink];

		if (passed_of_late(scene, s, uplink))
			return false;
		if (!stuck_of_late(scene, s, uplink))
			continue;
		stuck->count += judge->stuck;
		stuck->services++;
		if (judge->stuck_since_ms < stuck->since_ms)
			stuck->since_ms = judge->stuck_since_ms;
	}
	return stuck->count >= STUCK_MIN;
}

static bool may_pass_yet(const struct sl_scene *scene, const struct stuck *stuck)
{
	return stuck->count < STUCK_MANY && scene->now_ms - stuck->since_ms < STUCK_WAIT_MS;
}

bool sl_locate_waits(const struct sl_scene *scene, unsigned int service, unsigned int uplink)
{
	struct stuck stuck;

	return find_stuck(scene, service, uplink, &stuck) && may_pass_yet(scene, &stuck);
}

bool sl_locate_mtu(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
		   char *why)
{
	const struct sl_uplink_report *report = scene->view->uplink[uplink];
	struct stuck stuck;

	if (!find_stuck(scene, service, uplink, &stuck) || may_pass_yet(scene, &stuck))
		return false;
	snprintf(why, SL_TEXT_MAX,
		 "MTU: nothing beyond %u bytes passes: %u stuck, of %u service%s; small ones pass",
		 report->clamp_bytes && report->clamp_bytes < LARGE_BYTES ? report->clamp_bytes
									  : LARGE_BYTES,
		 stuck.count, stuck.services, stuck.services == 1 ? "" : "s");
	return true;
}

/* No loss or delay on any leg makes a server refuse: where it does, nothing else is asked. */
static bool server_refuses(const struct sl_path_report *path, char *why)
{
	if (!sl_locate_refused(path))
		return false;
	snprintf(why, SL_TEXT_MAX, "the server refused %u of %u connections", path->refused,
		 path->attempts);
	return true;
}

enum sl_verdict sl_locate(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			  char *why)
{
	const struct sl_path_report *path = sl_locate_path(scene, service, uplink);
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
	if (server_refuses(path, why))
		return SL_VERDICT_DESTINATION;
	if (lan_fault(path, sl_view_slo(scene->view->policy, service), why))
		return SL_VERDICT_LAN;
	if (sl_locate_mtu(scene, service, uplink, why))
		return SL_VERDICT_UPLINK;
	if (dns_fault(scene, service, uplink, why))
		return SL_VERDICT_DNS;
	if (sl_locate_idle(scene, service, uplink, why))
		return SL_VERDICT_DESTINATION;
	if (bad_elsewhere(scene, service, uplink)) {
		snprintf(why, SL_TEXT_MAX, "it is bad on the other uplink as well");
		return SL_VERDICT_DESTINATION;
	}
	return by_others(scene, service, uplink, why);
}
