/*
 * care.c - a service at home: bad paths to remedies; moves confirmed, adopted, answered
 */
#include "care.h"
#include "change.h"
#include "clamp.h"
#include "learn.h"
#include "relief.h"

#include <stdio.h>
#include <string.h>

#define GRACE_MS       1500 /* a picture older than the answer may still come */
#define AFTERLOSS_MS   6000 /* losses of a queue that overflowed show for as long */
#define REFUSED_BAR_MS 30000
#define EXPIRED_BAR_MS 5000

unsigned int sl_care_uplink(const struct sl_site *site, const char *name)
{
	int uplink = sl_policy_uplink_index(&site->policy, name);

	return uplink < 0 ? SL_UPLINK_UNSET : (unsigned int)uplink;
}

unsigned int sl_care_home(const struct sl_site *site, unsigned int service)
{
	const struct sl_policy_service *policy = &site->policy.service[service];

	return policy->uplinks ? policy->uplink[0] : 0;
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
	care->found_ms = care->idle_seen_ms = 0;
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
	struct sl_scene scene = sl_say_scene(site);
	struct sl_badness left;

	move->to = choice->uplink;
	move->live = choice->live;
	if (!choice->live && !choice->known)
		move->share_ppm = sl_care_share(site, service, move->from);
	move->remedy = move->share_ppm ? "trial" : "reroute";
	sl_locate_badness(&scene, service, move->from, &left);
	if (!sl_care_move(site, service, move))
		return;
	care->left = left;
	care->known = choice->known;
	care->first_bad_ms = site->judge[service][move->from].first_bad_ms;
	memcpy(care->print, site->record.fingerprint, sizeof(care->print));
	care->home = (struct sl_home){0};
	count_return(site, care);
}

void sl_care_relieve(struct sl_site *site, unsigned int service, unsigned int where,
		     const struct sl_choice *choice)
{
	const char *why = sl_say_allowed(site);
	bool shadow = why && !strcmp(why, "shadow");
	char key[SL_KEY_MAX], text[SL_TEXT_MAX], to[32] = "LE";

	if (!why) {
		sl_relief_start(site, service, where, choice);
		return;
	}
	sl_say_guardrail(site, why);
	if (choice->remedy == SL_REMEDY_THROTTLE)
		snprintf(to, sizeof(to), "%.2f Mbit/s", (double)choice->limit_bps / 1e6);
	snprintf(key, sizeof(key), "%.20s-%s", why, choice->key);
	snprintf(text, sizeof(text), "%s: %swould %s %s to %s%s%s", choice->text,
		 shadow ? "shadow: " : "", choice->key, site->care[choice->culprit].name, to,
		 shadow ? "" : ", but: ", shadow ? "" : why);
	sl_care_hold(site, service, SL_VERDICT_UPLINK, key, text);
}

static void remedy(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_scene scene = sl_say_scene(site);
	char found[SL_TEXT_MAX], why[SL_TEXT_MAX], reason[SL_BRIEF_MAX];
	struct sl_move move = {.from = where, .why = why};
	struct sl_choice choice;
	struct sl_recall recall;
	struct sl_question question = {.service = service,
				       .uplink = where,
				       .found = found,
				       .recall = &recall};

	if (sl_locate_waits(&scene, service, where))
		return;
	sl_relief_tried(site, service, &question);
	question.clamp_failed = sl_clamp_failed(site, where);
	question.verdict = move.verdict = sl_care_locate(site, service, where, found);
	question.idle_ms = sl_care_idle_ms(site, service);
	if (sl_change_takes_back(site, service, where, move.verdict))
		return;
	sl_learn_recall(site,
			&(struct sl_sighting){service, where, move.verdict,
					      site->judge[service][where].state, 0},
			&recall);
	sl_decide(&scene, &question, &choice, &site->record);
	snprintf(why, sizeof(why), "%s for %.1f s (%s); verdict %s: %.50s; %.80s",
		 sl_health_word(site->judge[service][where].state),
		 (double)(site->now_ms - site->judge[service][where].first_bad_ms) / 1e3,
		 sl_view_brief(site->view.path[service][where], reason),
		 sl_verdict_word(move.verdict), found, choice.text);
	if (choice.remedy == SL_REMEDY_CLAMP)
		sl_clamp_begin(site, service, where, &choice, why);
	else if (choice.remedy == SL_REMEDY_THROTTLE || choice.remedy == SL_REMEDY_REMARK)
		sl_care_relieve(site, service, where, &choice);
	else if (choice.remedy == SL_REMEDY_REROUTE)
		leave_home(site, service, &choice, &move);
	else
		sl_care_hold(site, service, move.verdict, choice.key, why);
}

bool sl_care_waits(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	const struct sl_care *culprit =
		sl_relief_on(site, sl_view_uplink_name(&site->policy, where));

	if (!culprit || culprit == care || site->judge[service][where].state == SL_HEALTH_DOWN ||
	    (culprit->ladder.proved && site->now_ms - culprit->ladder.step_ms >= AFTERLOSS_MS))
		return false;
	if (!care->incident)
		care->incident = culprit->ladder_incident;
	return true;
}

static void at_home(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	const struct sl_judge *judge = &site->judge[service][where];
	const struct sl_care *culprit =
		sl_relief_on(site, sl_view_uplink_name(&site->policy, where));

	bool proving = sl_change_waits(site, service, where);

	if (!site->view.path[service][where])
		return;
	sl_learn_hasten(site, service, where);
	if (!sl_judge_bad(judge)) {
		if (care->incident && !(culprit && culprit->ladder_incident == care->incident) &&
		    !sl_clamp_waits(site, where, care->incident) && !proving)
			sl_care_close(site, service,
				      judge->state == SL_HEALTH_GOOD ? "its path is good again"
								     : "no traffic any more");
		return;
	}
	if (!sl_judge_bad_now(judge, site->now_ms) || !judge->bad_now)
		return;
	if (sl_care_waits(site, service, where))
		return;
	if (sl_clamp_settles(site, where) && judge->state != SL_HEALTH_DOWN)
		return;
	remedy(site, service, where);
}

/* What the dataplane did is a remedy as well: what comes of it is learnt. */
static void remember_adopted(struct sl_site *site, unsigned int service, unsigned int home)
{
	struct sl_care *care = &site->care[service];
	const struct sl_uplink_report *report = site->view.uplink[home];
	struct sl_recall recall;

	care->known = false;
	care->print[0] = '\0';
	if (!care->left.down)
		return; /* by whom and for what is not known */
	sl_learn_recall(site,
			&(struct sl_sighting){service, home, SL_VERDICT_UPLINK, SL_HEALTH_DOWN, 0},
			&recall);
	memcpy(care->print, site->record.fingerprint, sizeof(care->print));
	care->first_bad_ms = site->now_ms - (report ? report->silent_ms : 0);
}

static void adopt(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];
	const char *cause = site->view.service[service]->cause;
	unsigned int home = sl_care_home(site, service);
	bool fast = !strcmp(cause, "fast-reroute");
	const struct sl_uplink_report *report = site->view.uplink[home];
	char policy[SL_CHANGE_TEXT];
	struct sl_saying saying = {.care = care,
				   .remedy = "reroute",
				   .key = "adopted",
				   .uplink = home,
				   .to_uplink = where,
				   .verdict = fast ? SL_VERDICT_UPLINK : SL_VERDICT_UNKNOWN,
				   .command_id = cause};

	snprintf(site->record.located, SL_TEXT_MAX,
		 fast ? "the dataplane saw no sign of life on %s and left it%s"
		      : "it was not on %s%s",
		 sl_view_uplink_name(&site->policy, home),
		 sl_change_note(site, site->now_ms - (fast && report ? report->silent_ms : 0),
				policy));
	sl_care_set_ends(site, care, home, where);
	care->phase = SL_PHASE_PROVING;
	sl_care_moved(site, care);
	care->home = (struct sl_home){0};
	care->left = (struct sl_badness){.down = fast};
	care->verdict = saying.verdict;
	remember_adopted(site, service, home);
	count_return(site, care);
	sl_say_incident(site, care);
	if (site->picture.mode != SL_MODE_OBSERVE)
		sl_say(site, &saying, "%s was found on %s (%s): there it stays, nothing to command",
		       care->name, care->to, cause[0] ? cause : "cause not known");
}

static void returned(struct sl_site *site, unsigned int service, bool by_us)
{
	struct sl_care *care = &site->care[service];
	bool undone = by_us && care->failures;

	if (!care->trial_ms)
		sl_care_moved(site, care);
	care->moved_ms =
		site->now_ms; /* what was only tried is no move, but it rests as after one */
	care->trial_ms = 0;
	care->phase = SL_PHASE_HOME;
	care->changed_ms = site->now_ms;
	if (undone)
		return; /* the incident goes on: the destination is bad */
	site->judge[service][sl_care_home(site, service)].state = SL_HEALTH_UNKNOWN;
	care->returned_ms = by_us ? site->now_ms : 0;
	sl_care_close(site, service, by_us ? "it is back home" : "it was brought home");
}

static void moved(struct sl_site *site, struct sl_care *care)
{
	care->phase = SL_PHASE_PROVING;
	care->trial_ms = 0;
	sl_care_moved(site, care);
	care->changed_ms = site->now_ms;
}

static void forgive(struct sl_site *site, struct sl_care *care)
{
	care->person = false;
	care->phase = SL_PHASE_HOME;
	memset(care->move_at_ms, 0, sizeof(care->move_at_ms));
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
	sl_memory_forgive(&site->memory, care->name);
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

/* In a trial: unless all of it is moved by someone, or a person has a hand in it. */
static void trying(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_care *care = &site->care[service];

	if (where == sl_care_uplink(site, care->to))
		moved(site, care);
	else if (where != sl_care_uplink(site, care->from))
		care->phase = SL_PHASE_HOME;
	else
		sl_care_try(site, service);
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
	if (care->phase == SL_PHASE_TRYING)
		trying(site, service, where);
	else if (care->phase == SL_PHASE_HOME && where == home && !waiting && !grace &&
		 sl_care_finds_trial(site, service))
		sl_care_try(site, service);
	else if (care->phase == SL_PHASE_HOME && where == home)
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

	if (order->kind == SL_COMMAND_ROLLBACK) {
		sl_change_answer(site, service, order, done, why);
		return;
	}
	if (order->kind == SL_COMMAND_CLAMP) {
		if (!done)
			sl_clamp_refused(site, order, why);
		return;
	}
	if (order->kind == SL_COMMAND_THROTTLE || order->kind == SL_COMMAND_REMARK) {
		if (!done && (order->limit_bps || order->dscp[0]))
			sl_relief_refused(site, service, why);
		return;
	}
	if (done && care->phase == SL_PHASE_TRYING)
		care->trial_ms = site->now_ms;
	else if (done && care->phase == SL_PHASE_MOVING)
		moved(site, care);
	else if (done && care->phase == SL_PHASE_RETURNING)
		returned(site, service, true);
	if (done || (care->phase != SL_PHASE_MOVING && care->phase != SL_PHASE_RETURNING &&
		     care->phase != SL_PHASE_TRYING))
		return;
	care->phase = sl_view_where(&site->view, service) == sl_care_home(site, service)
			      ? SL_PHASE_HOME
			      : SL_PHASE_AWAY;
	care->barred_ms =
		site->now_ms + (status == SL_ACK_EXPIRED ? EXPIRED_BAR_MS : REFUSED_BAR_MS);
	sl_say(site, &saying, "%s: command %s was not applied (%s): %.160s", care->name, order->id,
	       sl_ack_word(status), why);
}
