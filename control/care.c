/*
 * care.c - a service at home: bad paths to remedies; moves confirmed, adopted, answered
 */
#include "care.h"
#include "relief.h"

#include <stdio.h>
#include <string.h>

#define GRACE_MS           1500 /* a picture older than the answer may still come */
#define REFUSED_BAR_MS     30000
#define EXPIRED_BAR_MS     5000
#define THROTTLE_FAILED_MS 60000 /* not tried again before this */

struct sl_scene sl_care_scene(const struct sl_site *site)
{
	return (struct sl_scene){.view = &site->view, .judge = site->judge, .now_ms = site->now_ms};
}

unsigned int sl_care_uplink(const struct sl_site *site, const char *name)
{
	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		if (!strcmp(site->policy.uplink[u].name, name))
			return u;
	return SL_UPLINK_UNSET;
}

unsigned int sl_care_home(const struct sl_site *site, unsigned int service)
{
	const struct sl_policy_service *policy = &site->policy.service[service];

	return policy->uplinks ? policy->uplink[0] : 0;
}

static void set_ends(const struct sl_site *site, struct sl_care *care, unsigned int from,
		     unsigned int to)
{
	snprintf(care->from, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, from));
	snprintf(care->to, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, to));
}

void sl_care_hold(struct sl_site *site, unsigned int service, enum sl_verdict verdict,
		  const char *key, const char *why)
{
	struct sl_care *care = &site->care[service];
	unsigned int where = sl_view_where(&site->view, service);
	bool notify = verdict == SL_VERDICT_LAN || verdict == SL_VERDICT_DESTINATION ||
		      verdict == SL_VERDICT_DNS;
	struct sl_saying saying = {.care = care,
				   .remedy = notify ? "notify" : "hold",
				   .key = key,
				   .uplink = where,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = verdict};

	care->verdict = verdict;
	sl_say_hold(site, &saying, "%s stays on %s: %s", care->name,
		    sl_view_uplink_name(&site->policy, where), why);
}

void sl_care_close(struct sl_site *site, unsigned int service, const char *why)
{
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = "resolved",
				   .key = "",
				   .uplink = sl_view_where(&site->view, service),
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict};

	if (care->incident && care->said[0])
		sl_say(site, &saying, "%s: incident %llu is over: %s", care->name,
		       (unsigned long long)care->incident, why);
	care->incident = 0;
	care->failures = 0;
	care->said[0] = care->wants[0] = '\0';
	care->left = (struct sl_badness){0};
	care->verdict = SL_VERDICT_UNKNOWN;
}

/* Why this move may not be made now; NULL = it may. */
static const char *forbidden(const struct sl_site *site, unsigned int service,
			     const struct sl_move *move)
{
	const struct sl_care *care = &site->care[service];
	bool down = site->judge[service][move->from].state == SL_HEALTH_DOWN;
	const char *why = sl_say_allowed(site);

	if (why)
		return why;
	if (move->undo || down)
		return NULL;
	if (site->now_ms < care->barred_ms)
		return "back-off";
	if (care->moved_ms && site->now_ms - care->moved_ms < site->policy.guardrails.hold_down_ms)
		return "hold-down";
	return NULL;
}

static void say_forbidden(struct sl_site *site, unsigned int service, const struct sl_move *move,
			  const char *why)
{
	const char *to = sl_view_uplink_name(&site->policy, move->to);
	char key[SL_KEY_MAX], text[SL_TEXT_MAX];

	snprintf(key, sizeof(key), "%.20s-%s", why, move->remedy);
	snprintf(text, sizeof(text), "%s: would %s to %s, but: %s", move->why, move->remedy, to,
		 why);
	sl_care_hold(site, service, move->verdict, key, text);
}

/* In shadow the decision is the outcome. */
static void say_shadow(struct sl_site *site, unsigned int service, const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = move->remedy,
				   .key = "shadow-move",
				   .uplink = move->from,
				   .to_uplink = move->to,
				   .verdict = move->verdict};

	care->verdict = move->verdict;
	sl_say_hold(site, &saying, "shadow: would move %s from %s to %s: %s", care->name,
		    sl_view_uplink_name(&site->policy, move->from),
		    sl_view_uplink_name(&site->policy, move->to), move->why);
}

static const char *order_move(struct sl_site *site, unsigned int service,
			      const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	bool home = move->to == sl_care_home(site, service);
	struct sl_order order = {.kind = SL_COMMAND_REROUTE,
				 .move_live = move->live,
				 .incident = care->incident};

	/* Restore also lifts a limit: only where there is none. */
	if (home && !sl_view_limited(&site->view, service))
		order.kind = SL_COMMAND_RESTORE;
	memcpy(order.service, care->name, sizeof(order.service));
	snprintf(order.uplink, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, move->to));
	return sl_say_order(site, &order, true, move->why);
}

bool sl_care_move(struct sl_site *site, unsigned int service, const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	const char *why = forbidden(site, service, move);
	struct sl_saying saying = {.care = care,
				   .remedy = move->remedy,
				   .key = move->remedy,
				   .uplink = move->from,
				   .to_uplink = move->to,
				   .verdict = move->verdict};

	if (why && !strcmp(why, "shadow")) {
		say_shadow(site, service, move);
		return false;
	}
	if (why) {
		say_forbidden(site, service, move, why);
		return false;
	}
	sl_say_incident(site, care);
	care->verdict = move->verdict;
	set_ends(site, care, move->from, move->to);
	care->phase =
		move->to == sl_care_home(site, service) ? SL_PHASE_RETURNING : SL_PHASE_MOVING;
	saying.command_id = order_move(site, service, move);
	sl_say(site, &saying, "%s from %s to %s: %s", care->name, care->from, care->to, move->why);
	return true;
}

/* A fault that comes back soon after the return home was not over. */
static void count_return(struct sl_site *site, struct sl_care *care)
{
	if (care->returned_ms && site->now_ms - care->returned_ms < SL_RETURN_MS)
		care->returns++;
	else
		care->returns = 0;
	care->returned_ms = 0;
}

static void leave_home(struct sl_site *site, unsigned int service, const struct sl_choice *choice,
		       struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_care_scene(site);
	struct sl_badness left;

	move->to = choice->uplink;
	move->live = choice->live;
	move->remedy = "reroute";
	sl_locate_badness(&scene, service, move->from, &left);
	if (!sl_care_move(site, service, move))
		return;
	care->left = left;
	care->home = (struct sl_home){0};
	count_return(site, care);
}

static void throttle(struct sl_site *site, unsigned int service, unsigned int where,
		     const struct sl_choice *choice)
{
	const char *why = sl_say_allowed(site);
	char key[SL_KEY_MAX], text[SL_TEXT_MAX];

	if (!why) {
		sl_relief_start(site, service, where, choice);
		return;
	}
	snprintf(key, sizeof(key), "%.20s-throttle", why);
	snprintf(text, sizeof(text), "%s: %s throttle %s to %.2f Mbit/s%s%s", choice->text,
		 strcmp(why, "shadow") ? "would" : "shadow: would",
		 site->care[choice->culprit].name, (double)choice->limit_bps / 1e6,
		 strcmp(why, "shadow") ? ", but: " : "", strcmp(why, "shadow") ? why : "");
	sl_care_hold(site, service, SL_VERDICT_UPLINK, key, text);
}

static void remedy(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	struct sl_scene scene = sl_care_scene(site);
	char found[SL_TEXT_MAX], why[SL_TEXT_MAX];
	struct sl_move move = {.from = where, .why = why};
	struct sl_choice choice;
	bool no_throttle = care->ladder_failed_ms &&
			   site->now_ms - care->ladder_failed_ms < THROTTLE_FAILED_MS;

	move.verdict = sl_locate(&scene, service, where, found);
	sl_decide(&scene, service, where, move.verdict, no_throttle, &choice);
	snprintf(why, sizeof(why), "%s for %.1f s (%.80s); verdict %s: %.50s; %.60s",
		 sl_health_word(site->judge[service][where].state),
		 (double)(site->now_ms - site->judge[service][where].first_bad_ms) / 1e3,
		 site->view.path[service][where]->reason, sl_verdict_word(move.verdict), found,
		 choice.text);
	if (choice.remedy == SL_REMEDY_THROTTLE)
		throttle(site, service, where, &choice);
	else if (choice.remedy == SL_REMEDY_REROUTE)
		leave_home(site, service, &choice, &move);
	else
		sl_care_hold(site, service, move.verdict, choice.key, why);
}

static void at_home(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	const struct sl_judge *judge = &site->judge[service][where];
	const struct sl_care *culprit =
		sl_relief_on(site, sl_view_uplink_name(&site->policy, where));

	if (!site->view.path[service][where])
		return;
	if (!sl_judge_bad(judge)) {
		if (care->incident && !(culprit && culprit->ladder_incident == care->incident))
			sl_care_close(site, service,
				      judge->state == SL_HEALTH_GOOD ? "its path is good again"
								     : "no traffic any more");
		return;
	}
	if (!sl_judge_bad_now(judge, site->now_ms) || !judge->bad_now)
		return;
	/* Let the limit that is being tried show what it does, unless all is dark. */
	if (culprit && culprit != care && judge->state != SL_HEALTH_DOWN) {
		if (!care->incident)
			care->incident = culprit->ladder_incident;
		return;
	}
	remedy(site, service, where);
}

static void adopt(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	const char *cause = site->view.service[service]->cause;
	unsigned int home = sl_care_home(site, service);
	bool fast = !strcmp(cause, "fast-reroute");
	struct sl_saying saying = {.care = care,
				   .remedy = "reroute",
				   .key = "adopted",
				   .uplink = home,
				   .to_uplink = where,
				   .verdict = fast ? SL_VERDICT_UPLINK : SL_VERDICT_UNKNOWN,
				   .command_id = cause};

	set_ends(site, care, home, where);
	care->phase = SL_PHASE_PROVING;
	care->moved_ms = site->now_ms;
	care->home = (struct sl_home){0};
	care->left = (struct sl_badness){.down = fast};
	care->verdict = saying.verdict;
	count_return(site, care);
	sl_say_incident(site, care);
	if (site->picture.mode != SL_MODE_OBSERVE)
		sl_say(site, &saying, "%s was found on %s (%s): adopted, nothing to command",
		       care->name, care->to, cause[0] ? cause : "cause not known");
}

static void returned(struct sl_site *site, unsigned int service, bool by_us)
{
	struct sl_care *care = &site->care[service];
	bool undone = by_us && care->failures;

	care->phase = SL_PHASE_HOME;
	care->moved_ms = care->changed_ms = site->now_ms;
	if (undone)
		return; /* the incident goes on: the destination is bad */
	site->judge[service][sl_care_home(site, service)].state = SL_HEALTH_UNKNOWN;
	care->returned_ms = by_us ? site->now_ms : 0;
	sl_care_close(site, service, by_us ? "it is back home" : "it was brought home");
}

static void moved(struct sl_site *site, struct sl_care *care)
{
	care->phase = SL_PHASE_PROVING;
	care->moved_ms = care->changed_ms = site->now_ms;
}

static void forgive(struct sl_site *site, struct sl_care *care)
{
	care->person = false;
	care->phase = SL_PHASE_HOME;
	care->moved_ms = care->barred_ms = care->returned_ms = 0;
	care->returns = 0;
	care->changed_ms = site->now_ms;
}

void sl_care_person(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];

	if (!site->has_picture)
		return;
	forgive(site, care);
	sl_care_close(site, service, "a person put it back");
}

/* A person's word: what was held against the service is forgotten. */
static bool by_person(struct sl_site *site, unsigned int service, bool at_its_home)
{
	struct sl_care *care = &site->care[service];
	bool person = !strncmp(site->view.service[service]->cause, "cli-", 4);

	if (!person || at_its_home) {
		if (care->person || (person && care->phase > SL_PHASE_MOVING)) {
			forgive(site, care);
			sl_care_close(site, service, "a person put it back");
		}
		return false;
	}
	if (!care->person) {
		care->person = true;
		care->phase = SL_PHASE_HOME;
		sl_care_close(site, service, "a person moved it");
	}
	return true;
}

void sl_care_step(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	unsigned int home = sl_care_home(site, service);
	unsigned int where = sl_view_where(&site->view, service);
	bool waiting = sl_say_waiting(site, care->name, false);
	bool grace = care->changed_ms && site->now_ms - care->changed_ms < GRACE_MS;

	if (!site->policy.uplinks)
		where = home;
	if (where == SL_UPLINK_UNSET ||
	    (!waiting && !grace && by_person(site, service, where == home)))
		return;
	if (care->phase == SL_PHASE_HOME && where == home)
		at_home(site, service, where);
	else if (care->phase == SL_PHASE_HOME && !grace)
		adopt(site, service, where);
	else if (care->phase == SL_PHASE_MOVING && where == sl_care_uplink(site, care->to))
		moved(site, care);
	else if (care->phase == SL_PHASE_MOVING && !waiting)
		care->phase = where == home ? SL_PHASE_HOME : SL_PHASE_AWAY;
	else if (care->phase == SL_PHASE_RETURNING && where == home)
		returned(site, service, true);
	else if (care->phase == SL_PHASE_RETURNING && !waiting)
		care->phase = SL_PHASE_AWAY;
	else if (care->phase == SL_PHASE_PROVING || care->phase == SL_PHASE_AWAY) {
		if (where == home && !grace)
			returned(site, service, false);
		else if (where != sl_care_uplink(site, care->to) && !grace)
			adopt(site, service, where);
		else if (care->phase == SL_PHASE_PROVING)
			sl_care_prove(site, service);
		else
			sl_care_away(site, service);
	}
}

void sl_care_answer(struct sl_site *site, unsigned int service, const struct sl_order *order,
		    enum sl_ack_status status, const char *why)
{
	struct sl_care *care = &site->care[service];
	bool done = status == SL_ACK_APPLIED || status == SL_ACK_DUPLICATE;
	struct sl_saying saying = {.care = care,
				   .remedy = "hold",
				   .key = "not-applied",
				   .uplink = sl_view_where(&site->view, service),
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict,
				   .command_id = order->id};

	if (order->kind == SL_COMMAND_THROTTLE) {
		if (!done && order->limit_bps)
			sl_relief_refused(site, service, why);
		return;
	}
	if (done && care->phase == SL_PHASE_MOVING)
		moved(site, care);
	else if (done && care->phase == SL_PHASE_RETURNING)
		returned(site, service, true);
	if (done || (care->phase != SL_PHASE_MOVING && care->phase != SL_PHASE_RETURNING))
		return;
	care->phase = sl_view_where(&site->view, service) == sl_care_home(site, service)
			      ? SL_PHASE_HOME
			      : SL_PHASE_AWAY;
	care->barred_ms =
		site->now_ms + (status == SL_ACK_EXPIRED ? EXPIRED_BAR_MS : REFUSED_BAR_MS);
	sl_say(site, &saying, "%s: command %s was not applied (%s): %.160s", care->name, order->id,
	       sl_ack_word(status), why);
}
