/*
 * care_away.c - a service away from home: did the move help, is the way home well
 */
#include "care.h"
#include "learn.h"
#include "relief.h"

#include <stdio.h>
#include <string.h>

#define OPENS_MIN 3 /* fewer that do not open are chance */

static double p95_ms(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];

	return path ? path->rtt[SL_LEG_WAN].p95_us / 1e3 : 0;
}

static unsigned int samples(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];

	return path ? path->rtt[SL_LEG_WAN].samples : 0;
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
	struct sl_scene scene = sl_say_scene(site);
	bool down = site->judge[service][here].state == SL_HEALTH_DOWN;
	struct sl_recall recall;
	char why[SL_TEXT_MAX], reason[SL_BRIEF_MAX];
	struct sl_move move = {.from = here, .verdict = verdict, .live = down, .why = why};

	sl_learn_recall(site,
			&(struct sl_sighting){service, here, verdict,
					      site->judge[service][here].state, 0},
			&recall);
	move.to = sl_decide_target(&scene,
				   &(struct sl_question){.service = service,
							 .uplink = here,
							 .recall = &recall},
				   &site->record);
	if (move.to == SL_UPLINK_UNSET) {
		snprintf(why, sizeof(why),
			 "bad there as well (%s), and no other uplink is better; %.70s",
			 sl_view_brief(site->view.path[service][here], reason), found);
		sl_care_hold(site, service, verdict, "all-bad", why);
		return false;
	}
	move.remedy = move.to == sl_care_home(site, service) ? "restore" : "reroute";
	snprintf(why, sizeof(why), "%s is %s as well (%s): %.90s",
		 sl_view_uplink_name(&site->policy, here), down ? "down" : "degraded",
		 sl_view_brief(site->view.path[service][here], reason), found);
	return sl_care_move(site, service, &move);
}

/* The new path is bad right after the move: it is not the uplink. */
static void go_back(struct sl_site *site, unsigned int service, unsigned int here, unsigned int old,
		    const char *what)
{
	struct sl_care *care = &site->care[service];
	uint64_t bar_ms =
		sl_prove_backoff(site->policy.guardrails.hold_down_ms, care->failures + 1);
	char why[SL_TEXT_MAX], reason[SL_BRIEF_MAX];
	struct sl_move move = {.from = here,
			       .to = old,
			       .verdict = SL_VERDICT_DESTINATION,
			       .undo = true,
			       .remedy = "restore",
			       .why = why};

	snprintf(why, sizeof(why), "%s %.70s (%.70s); no move for %llu s",
		 sl_view_uplink_name(&site->policy, here), what,
		 sl_view_brief(site->view.path[service][here], reason),
		 (unsigned long long)bar_ms / 1000);
	if (!sl_care_move(site, service, &move))
		return;
	care->failures++;
	care->barred_ms = site->now_ms + bar_ms;
}

/* Bad here too, and no move mends that: said with what it rests on. */
static void stay(struct sl_site *site, unsigned int service, enum sl_verdict verdict,
		 const char *key, const char *found)
{
	unsigned int here = sl_care_uplink(site, site->care[service].to);
	char why[SL_TEXT_MAX], reason[SL_BRIEF_MAX];

	snprintf(why, sizeof(why), "%s there as well (%s); verdict %s: %.90s",
		 sl_health_word(site->judge[service][here].state),
		 sl_view_brief(site->view.path[service][here], reason), sl_verdict_word(verdict),
		 found);
	sl_care_hold(site, service, verdict, key, why);
}

/* It left a dark uplink, which is not well since; here something comes back at least. */
static bool still_better(const struct sl_site *site, unsigned int service, unsigned int here,
			 unsigned int old)
{
	return site->care[service].left.down &&
	       site->judge[service][here].state != SL_HEALTH_DOWN && old != SL_UPLINK_UNSET &&
	       sl_judge_bad(&site->judge[service][old]);
}

static void failed(struct sl_site *site, unsigned int service, unsigned int here)
{
	struct sl_care *care = &site->care[service];
	unsigned int old = sl_care_uplink(site, care->from);
	char found[SL_TEXT_MAX];
	enum sl_verdict verdict = sl_care_locate(site, service, here, found);
	bool refused = old != SL_UPLINK_UNSET && sl_learn_refused(site, service, here, old);

	if (!refused && still_better(site, service, here, old)) {
		care->phase = SL_PHASE_AWAY;
		stay(site, service, verdict, "better-than-dark", found);
		return;
	}
	if (verdict == SL_VERDICT_LAN || verdict == SL_VERDICT_SELF) {
		care->phase = SL_PHASE_AWAY;
		stay(site, service, verdict, "away-not-uplink", found);
		return;
	}
	sl_learn_move(site, care, false);
	if (old == SL_UPLINK_UNSET || known_down(site, service, old)) {
		care->phase = SL_PHASE_AWAY;
		flee(site, service, here, verdict, found);
		return;
	}
	go_back(site, service, here, old,
		refused ? "lets in none of its connections, the old one did: never again"
			: "is bad as well right after the move: the destination");
}

/*
 * What speaks against the new path was there before the move: requests that were under way in
 * the fault before are told of for 20 s.
 */
static bool from_before(const struct sl_site *site, unsigned int service, unsigned int here)
{
	const struct sl_path_report *path = site->view.path[service][here];
	const struct sl_policy_slo *slo = sl_view_slo(&site->policy, service);

	return path && path->state == SL_HEALTH_DEGRADED && sl_view_unanswered(path, slo) &&
	       path->requests_unanswered <= site->care[service].moved_unanswered &&
	       !sl_view_slow(path, slo) && !sl_view_lossy(path, slo, SL_LEG_WAN) &&
	       sl_view_opens_bad(path) < OPENS_MIN;
}

void sl_care_prove(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	unsigned int here = sl_care_uplink(site, care->to);
	struct sl_saying saying = {.care = care,
				   .remedy = "proved",
				   .key = "proved",
				   .outcome = SL_OUTCOME_HELPED,
				   .uplink = here,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict};

	switch (sl_prove_move(&site->judge[service][here], care->moved_ms, site->now_ms,
			      care->known)) {
	case SL_PROOF_GOOD:
		care->phase = SL_PHASE_AWAY;
		sl_learn_move(site, care, true);
		if (site->picture.mode != SL_MODE_OBSERVE)
			sl_say(site, &saying,
			       "SLO kept on %s, p95 %.1f ms of %u samples; the move helped",
			       care->to, p95_ms(site, service, here), samples(site, service, here));
		break;
	case SL_PROOF_BAD:
		if (!from_before(site, service, here))
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

/* Somebody fills where it is: his limit, or mark, comes before the next move.  False: nobody to limit. */
static bool relieve(struct sl_site *site, unsigned int service, unsigned int here,
		    enum sl_verdict verdict, const char *found)
{
	struct sl_scene scene = sl_say_scene(site);
	struct sl_choice choice;
	struct sl_recall recall;
	struct sl_question question = {.service = service,
				       .uplink = here,
				       .verdict = verdict,
				       .found = found,
				       .recall = &recall};
	uint32_t weighed = site->record.options;

	if (verdict != SL_VERDICT_UPLINK)
		return false;
	sl_relief_tried(site, service, &question);
	sl_learn_recall(site,
			&(struct sl_sighting){service, here, verdict,
					      site->judge[service][here].state, 0},
			&recall);
	sl_decide(&scene, &question, &choice, &site->record);
	if (choice.remedy != SL_REMEDY_THROTTLE && choice.remedy != SL_REMEDY_REMARK) {
		site->record.options = weighed; /* they are weighed again */
		return false;
	}
	sl_care_relieve(site, service, here, &choice);
	return true;
}

static void flee_if_bad(struct sl_site *site, unsigned int service, unsigned int here)
{
	char found[SL_TEXT_MAX];
	enum sl_verdict verdict;

	if (!site->view.path[service][here] || sl_care_waits(site, service, here))
		return;
	verdict = sl_care_locate(site, service, here, found);
	if (relieve(site, service, here, verdict, found))
		return;
	if (verdict == SL_VERDICT_UPLINK || verdict == SL_VERDICT_UNKNOWN)
		flee(site, service, here, verdict, found);
	else
		stay(site, service, verdict, "away-not-uplink", found);
}

/* Gaps beyond the one that was fled from: each costs twice the patience, like a return. */
static uint32_t flaps(const struct sl_site *site, unsigned int home)
{
	unsigned int most = 0;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		unsigned int gaps = sl_judge_gaps(&site->judge[s][home], site->now_ms);

		most = gaps > most ? gaps : most;
	}
	return most > SL_JUDGE_FLAPS ? most - SL_JUDGE_FLAPS : 0;
}

void sl_care_away(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_say_scene(site);
	unsigned int here = sl_care_uplink(site, care->to), home = sl_care_home(site, service);
	uint64_t need_ms = sl_prove_backoff(site->policy.guardrails.hold_down_ms,
					    care->returns + flaps(site, home));
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
