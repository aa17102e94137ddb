/*
 * care_away.c - a service away from home: did the move help, is the way home well
 */
#include "care.h"

#include <stdio.h>
#include <string.h>

static double p95_ms(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];

	return path ? path->rtt[SL_LEG_WAN].p95_us / 1e3 : 0;
}

static bool known_down(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	const struct sl_uplink_report *report = site->view.uplink[uplink];

	return (report && report->state == SL_HEALTH_DOWN) ||
	       site->judge[service][uplink].state == SL_HEALTH_DOWN;
}

/* Bad where it is, and that is the uplink's fault: on to the next one. */
static bool flee(struct sl_site *site, unsigned int service, unsigned int here,
		 enum sl_verdict verdict, const char *found)
{
	struct sl_scene scene = sl_care_scene(site);
	bool down = site->judge[service][here].state == SL_HEALTH_DOWN;
	char why[SL_TEXT_MAX];
	struct sl_move move = {.from = here, .verdict = verdict, .live = down, .why = why};

	move.to = sl_decide_target(&scene, service, here, down);
	if (move.to == SL_UPLINK_UNSET) {
		sl_care_hold(site, service, verdict, "all-bad",
			     "this path is bad too, and no other uplink is better");
		return false;
	}
	move.remedy = move.to == sl_care_home(site, service) ? "restore" : "reroute";
	snprintf(why, sizeof(why), "%s is %s as well (%.80s): %.90s",
		 sl_view_uplink_name(&site->policy, here), down ? "down" : "degraded",
		 site->view.path[service][here]->reason, found);
	return sl_care_move(site, service, &move);
}

/* The new path is bad right after the move: it is not the uplink. */
static void go_back(struct sl_site *site, unsigned int service, unsigned int here, unsigned int old)
{
	struct sl_care *care = &site->care[service];
	uint64_t bar_ms =
		sl_prove_backoff(site->policy.guardrails.hold_down_ms, care->failures + 1);
	char why[SL_TEXT_MAX];
	struct sl_move move = {.from = here,
			       .to = old,
			       .verdict = SL_VERDICT_DESTINATION,
			       .undo = true,
			       .remedy = "restore",
			       .why = why};

	snprintf(
		why, sizeof(why),
		"%s is bad as well right after the move (%.70s): the destination; no move for %llu s",
		sl_view_uplink_name(&site->policy, here), site->view.path[service][here]->reason,
		(unsigned long long)bar_ms / 1000);
	if (!sl_care_move(site, service, &move))
		return;
	care->failures++;
	care->barred_ms = site->now_ms + bar_ms;
}

static void failed(struct sl_site *site, unsigned int service, unsigned int here)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_care_scene(site);
	unsigned int old = sl_care_uplink(site, care->from);
	char found[SL_TEXT_MAX];
	enum sl_verdict verdict = sl_locate(&scene, service, here, found);

	if (verdict == SL_VERDICT_LAN || verdict == SL_VERDICT_SELF) {
		care->phase = SL_PHASE_AWAY;
		sl_care_hold(site, service, verdict, "away-not-uplink", found);
		return;
	}
	if (old == SL_UPLINK_UNSET || known_down(site, service, old)) {
		care->phase = SL_PHASE_AWAY;
		flee(site, service, here, verdict, found);
		return;
	}
	go_back(site, service, here, old);
}

void sl_care_prove(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	unsigned int here = sl_care_uplink(site, care->to);
	struct sl_saying saying = {.care = care,
				   .remedy = "hold",
				   .key = "proved",
				   .uplink = here,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict};

	switch (sl_prove_move(&site->judge[service][here], care->moved_ms, site->now_ms)) {
	case SL_PROOF_GOOD:
		care->phase = SL_PHASE_AWAY;
		if (site->picture.mode != SL_MODE_OBSERVE)
			sl_say(site, &saying,
			       "%s keeps its SLO on %s: p95 %.1f ms; the move helped", care->name,
			       care->to, p95_ms(site, service, here));
		break;
	case SL_PROOF_BAD:
		failed(site, service, here);
		break;
	case SL_PROOF_UNSEEN:
		care->phase = SL_PHASE_AWAY;
		break;
	default:
		break;
	}
}

static void go_home(struct sl_site *site, unsigned int service, unsigned int here,
		    unsigned int home)
{
	const struct sl_care *care = &site->care[service];
	char why[SL_TEXT_MAX];
	struct sl_move move = {.from = here,
			       .to = home,
			       .verdict = care->verdict,
			       .remedy = "restore",
			       .why = why};

	snprintf(why, sizeof(why), "real traffic on %s has been good for %.1f s, %llu of %llu lost",
		 sl_view_uplink_name(&site->policy, home),
		 (double)(site->now_ms - care->home.good_ms) / 1e3,
		 (unsigned long long)care->home.lost, (unsigned long long)care->home.segments);
	sl_care_move(site, service, &move);
}

static void flee_if_bad(struct sl_site *site, unsigned int service, unsigned int here)
{
	struct sl_scene scene = sl_care_scene(site);
	char found[SL_TEXT_MAX];
	enum sl_verdict verdict;

	if (!site->view.path[service][here])
		return;
	verdict = sl_locate(&scene, service, here, found);
	if (verdict == SL_VERDICT_UPLINK || verdict == SL_VERDICT_UNKNOWN)
		flee(site, service, here, verdict, found);
	else
		sl_care_hold(site, service, verdict, "away-not-uplink", found);
}

void sl_care_away(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_care_scene(site);
	unsigned int here = sl_care_uplink(site, care->to), home = sl_care_home(site, service);
	uint64_t need_ms = sl_prove_backoff(site->policy.guardrails.hold_down_ms, care->returns);
	enum sl_way way = sl_prove_home(&care->home, &scene, service, home, &care->left, need_ms);
	const struct sl_judge *judge = &site->judge[service][here];

	if (way == SL_WAY_PROVED && site->now_ms >= care->barred_ms &&
	    site->now_ms - care->moved_ms >= need_ms) {
		go_home(site, service, here, home);
		return;
	}
	if (judge->bad_now && sl_judge_bad_now(judge, site->now_ms)) {
		flee_if_bad(site, service, here);
		return;
	}
	if (way == SL_WAY_UNKNOWN && site->now_ms - care->moved_ms >= need_ms &&
	    site->now_ms - care->home.seen_ms >= need_ms)
		sl_care_hold(
			site, service, care->verdict, "home-unknown",
			"nothing travels on its home uplink, so nothing is known of it: waits");
}
