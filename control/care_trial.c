/*
 * care_trial.c - a brownout's move is tried first: a share of the new flows, then all
 *
 * Live flows stay where they are; the paths are compared in the same pictures (prove.h).  The
 * share is what brings SL_TRIAL_FLOWS new flows within the trial's time, 5 % at least, a quarter
 * at most.  A till that opens less than a connection in half a second can show nothing by a
 * quarter of that: there every single new flow is a trial, the live ones stay as well, and
 * waiting would leave tills on a bad path for nothing, so all new flows go at once and the
 * proof (seconds later) is what undoes it.
 */
#include "care.h"
#include "learn.h"

#include <stdio.h>
#include <string.h>

#define PPM            1000000u
#define SHARE_MIN_PPM  50000u
#define SHARE_MAX_PPM  250000u
#define SL_TRIAL_FLOWS 5u   /* expected; none at all comes in one trial of 150 then, of 3 in 20 */
#define CALM_MS        300  /* pictures of a window without delay; losses have gaps of their own */
#define START_MS       3000 /* an order and a picture on their way */

uint32_t sl_care_share(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];
	uint64_t flows, share;

	if (!path || !path->window_ms)
		return 0;
	flows = (uint64_t)path->flows_new * SL_TRIAL_MS / path->window_ms;
	if (flows * SHARE_MAX_PPM < PPM)
		return 0;
	share = (uint64_t)SL_TRIAL_FLOWS * PPM / flows;
	if (share < SHARE_MIN_PPM)
		return SHARE_MIN_PPM;
	return share < SHARE_MAX_PPM ? (uint32_t)share : SHARE_MAX_PPM;
}

/* "p95 45.3 against 171.8 ms, 0 of 12 against 3 of 80 lost" */
static void compare(const struct sl_site *site, unsigned int service, unsigned int old,
		    unsigned int new, char *text, size_t size)
{
	const struct sl_path_report *a = site->view.path[service][new];
	const struct sl_path_report *b = site->view.path[service][old];

	if (!a || !b || !a->rtt[SL_LEG_WAN].samples) {
		snprintf(text, size, "too few flows to tell");
		return;
	}
	snprintf(text, size, "p95 %.1f against %.1f ms, %u of %u against %u of %u lost",
		 a->rtt[SL_LEG_WAN].p95_us / 1e3, b->rtt[SL_LEG_WAN].p95_us / 1e3,
		 sl_view_lost(a, SL_LEG_WAN), sl_view_segments(a), sl_view_lost(b, SL_LEG_WAN),
		 sl_view_segments(b));
}

static void all_over(struct sl_site *site, unsigned int service, unsigned int old, unsigned int new,
		     bool seen)
{
	struct sl_care *care = &site->care[service];
	bool down = site->judge[service][old].state == SL_HEALTH_DOWN;
	char how[120], why[SL_TEXT_MAX];
	struct sl_move move = {.from = old,
			       .to = new,
			       .verdict = care->verdict,
			       .live = down,
			       .follows = true,
			       .remedy = "reroute",
			       .why = why};

	compare(site, service, old, new, how, sizeof(how));
	snprintf(why, sizeof(why), "%.0f %% of its new flows %s there for %.1f s: %s",
		 care->share_ppm / 1e4, seen ? "fared well" : "had nothing against them",
		 (double)(site->now_ms - care->trial_ms) / 1e3,
		 down ? "the old path is dark now" : how);
	sl_record_option(&site->record, "reroute", care->to, true, "the trial: %.100s", how);
	sl_care_move(site, service, &move);
}

/* It is neither the uplink nor the far end, but that the one does not let the other in. */
static void refused(struct sl_site *site, const struct sl_care *care, struct sl_move *move,
		    char *why)
{
	move->verdict = SL_VERDICT_DESTINATION;
	snprintf(site->record.located, SL_TEXT_MAX, "its connections are refused by %s only",
		 care->to);
	snprintf(why, SL_TEXT_MAX, "connections of the trial on %s are refused: never again for %s",
		 care->to, care->name);
}

static void take_back(struct sl_site *site, unsigned int service, unsigned int old,
		      unsigned int new, const char *what)
{
	struct sl_care *care = &site->care[service];
	uint64_t bar_ms =
		sl_prove_backoff(site->policy.guardrails.hold_down_ms, care->failures + 1);
	char how[120], why[SL_TEXT_MAX], found[SL_TEXT_MAX];
	struct sl_move move = {.from = new,
			       .to = old,
			       .undo = true,
			       .follows = true,
			       .remedy = "restore",
			       .why = why};

	move.verdict = sl_care_locate(site, service, old, found);
	/* The same on two uplinks at the same moment, and nobody else suffers: where both lead to. */
	if (move.verdict == SL_VERDICT_UNKNOWN || move.verdict == SL_VERDICT_DESTINATION) {
		move.verdict = SL_VERDICT_DESTINATION;
		snprintf(site->record.located, SL_TEXT_MAX, "its new flows fare no better by %s",
			 care->to);
	} else {
		snprintf(site->record.located, SL_TEXT_MAX,
			 "%.120s; its new flows fare no better by %s", found, care->to);
	}
	compare(site, service, old, new, how, sizeof(how));
	snprintf(why, sizeof(why), "the trial on %s %s (%.90s); no move for %llu s", care->to, what,
		 how, (unsigned long long)bar_ms / 1000);
	sl_record_option(&site->record, "reroute", care->to, false, "the trial: %.100s", how);
	if (sl_learn_refused(site, service, new, old))
		refused(site, care, &move, why);
	sl_learn_move(site, care, false);
	if (!sl_care_move(site, service, &move))
		return;
	care->failures++;
	care->barred_ms = site->now_ms + bar_ms;
}

/* The path is well again before anything came of it. */
static void call_off(struct sl_site *site, unsigned int service, unsigned int old, unsigned int new)
{
	struct sl_care *care = &site->care[service];
	struct sl_move move = {.from = new,
			       .to = old,
			       .verdict = care->verdict,
			       .undo = true,
			       .follows = true,
			       .remedy = "restore",
			       .why = "its path is good again: the trial ends"};

	care->print[0] = '\0';
	sl_care_move(site, service, &move);
}

static void judge_trial(struct sl_site *site, unsigned int service, unsigned int old,
			unsigned int new)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_say_scene(site);
	struct sl_trial trial = {service, old, new, care->trial_ms, care->left.loss_ppm != 0};

	if (site->judge[service][old].state == SL_HEALTH_DOWN) {
		all_over(site, service, old, new, true);
		return;
	}
	/* Calm is enough: the hold-down is for coming back, here nothing has left yet. */
	if (!sl_judge_bad(&site->judge[service][old]) ||
	    sl_judge_calm(&site->judge[service][old], site->now_ms,
			  care->left.loss_ppm ? SL_JUDGE_CALM_MS : CALM_MS)) {
		call_off(site, service, old, new);
		return;
	}
	switch (sl_prove_trial(&scene, &trial)) {
	case SL_PROOF_GOOD:
		all_over(site, service, old, new, true);
		break;
	case SL_PROOF_UNSEEN:
		all_over(site, service, old, new, false);
		break;
	case SL_PROOF_BAD:
		take_back(site, service, old, new, "fares no better");
		break;
	default:
		break;
	}
}

void sl_care_try(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	unsigned int old = sl_care_uplink(site, care->from), new = sl_care_uplink(site, care->to);
	bool stands = !strcmp(site->view.service[service]->trial_uplink, care->to);
	bool waiting = sl_say_waiting(site, care->name, false);

	if (stands && !care->trial_ms)
		care->trial_ms = site->now_ms;
	if (old == SL_UPLINK_UNSET || new == SL_UPLINK_UNSET ||
	    (!stands && !waiting &&
	     (!care->trial_ms || site->now_ms - care->trial_ms >= START_MS))) {
		care->phase = SL_PHASE_HOME; /* the dataplane has none: it ended, or never began */
		return;
	}
	if (stands)
		judge_trial(site, service, old, new);
}

bool sl_care_finds_trial(struct sl_site *site, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];
	struct sl_care *care = &site->care[service];

	if (!report->trial_uplink[0] || strncmp(report->cause, "control", 7) != 0)
		return false;
	memcpy(care->from, report->uplink, sizeof(care->from));
	memcpy(care->to, report->trial_uplink, sizeof(care->to));
	care->share_ppm = report->trial_share_ppm;
	care->trial_ms = site->now_ms;
	care->phase = SL_PHASE_TRYING;
	return true;
}
