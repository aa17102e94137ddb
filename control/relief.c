/*
 * relief.c - from a picture to the next step of a rate limit, or of a mark
 */
#include "relief.h"
#include "learn.h"

#include <stdio.h>
#include <string.h>

#define MBIT             1e6
#define DESIRED_GRACE_MS 3000  /* an order and a picture on their way */
#define FAILED_MS        60000 /* not tried again before this */
#define DRAIN_MS         400   /* an order on its way, and a full queue's end */

struct sl_care *sl_relief_on(struct sl_site *site, const char *uplink)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		if (site->care[s].ladder.on && !strcmp(site->care[s].ladder_uplink, uplink))
			return &site->care[s];
	return NULL;
}

void sl_relief_tried(const struct sl_site *site, unsigned int service, struct sl_question *question)
{
	const struct sl_care *care = &site->care[service];
	uint64_t failed_ms = care->ladder_failed_ms, marked_ms = care->mark_failed_ms;

	question->throttle_tried_ms = failed_ms && site->now_ms - failed_ms < FAILED_MS
					      ? site->now_ms - failed_ms + 1
					      : 0;
	question->remark_failed = marked_ms && site->now_ms - marked_ms < SL_RELIEF_MARK_FAILED_MS;
}

/* Set the culprit's limit as its ladder wants it (0 = lifted) and say why. */
static void set_limit(struct sl_site *site, struct sl_care *care, bool counts, const char *key,
		      const char *text)
{
	uint64_t limit_bps = care->ladder.on ? care->ladder.limit_bps : 0;
	int uplink = sl_policy_uplink_index(&site->policy, care->ladder_uplink);
	struct sl_order order = {.kind = SL_COMMAND_THROTTLE,
				 .limit_bps = limit_bps,
				 .incident = care->ladder_incident};
	struct sl_saying saying = {.care = care,
				   .remedy = "throttle",
				   .key = key,
				   .uplink = uplink < 0 ? SL_UPLINK_UNSET : (unsigned int)uplink,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_UPLINK,
				   .limit_bps = limit_bps,
				   .incident = care->ladder_incident};

	if (!strcmp(key, "throttle-failed"))
		saying.outcome = SL_OUTCOME_UNDONE;
	memcpy(order.service, care->name, sizeof(order.service));
	saying.command_id = sl_say_order(site, &order, counts, text);
	if (limit_bps)
		sl_say(site, &saying, "%s limited to %.2f Mbit/s: %s", care->name,
		       (double)limit_bps / MBIT, text);
	else
		sl_say(site, &saying, "%s: limit lifted: %s", care->name, text);
}

/* The same of its mark. */
static void set_mark(struct sl_site *site, struct sl_care *care, bool counts, const char *key,
		     const char *text)
{
	bool on = care->ladder.on;
	int uplink = sl_policy_uplink_index(&site->policy, care->ladder_uplink);
	struct sl_order order = {.kind = SL_COMMAND_REMARK,
				 .hold_ms = on ? SL_RELIEF_MARK_HOLD_MS : 0,
				 .incident = care->ladder_incident};
	struct sl_saying saying = {.care = care,
				   .remedy = "remark",
				   .key = key,
				   .uplink = uplink < 0 ? SL_UPLINK_UNSET : (unsigned int)uplink,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_UPLINK,
				   .incident = care->ladder_incident};

	if (!strcmp(key, "remark-failed"))
		saying.outcome = SL_OUTCOME_UNDONE;
	memcpy(order.service, care->name, sizeof(order.service));
	snprintf(order.dscp, sizeof(order.dscp), "%s", on ? SL_VIEW_LE : "");
	saying.command_id = sl_say_order(site, &order, counts, text);
	if (on)
		sl_say(site, &saying, "%s marked LE, to yield to all else on %s: %s", care->name,
		       care->ladder_uplink, text);
	else
		sl_say(site, &saying, "%s: its packets' DSCP is as before: %s", care->name, text);
}

static void set(struct sl_site *site, struct sl_care *care, bool counts, const char *key,
		const char *text)
{
	if (care->ladder.marks)
		set_mark(site, care, counts, key, text);
	else
		set_limit(site, care, counts, key, text);
}

const char *sl_relief_word(const struct sl_care *care)
{
	return care->ladder.on && care->ladder.marks ? "remark" : "throttle";
}

/* A limit that was found in place, for nobody that we know: its incident ends with it. */
static void end_incident(struct sl_site *site, const struct sl_care *care)
{
	for (uint32_t s = 0; s < site->policy.services; s++)
		if (site->care[s].incident == care->ladder_incident)
			return;
	sl_incident_end(&site->cases, care->ladder_incident, sl_say_unix_ns(site, site->now_ms),
			care->ladder.marks ? "the mark is taken off" : "the limit is lifted");
}

/* A mark that a limit follows is taken off first. */
static void drop_mark(struct sl_site *site, struct sl_care *care)
{
	if (!care->ladder.on || !care->ladder.marks)
		return;
	care->ladder.on = false;
	care->ladder.ended_ms = site->now_ms;
	set_mark(site, care, false, "lift", "a limit takes its place");
	end_incident(site, care);
}

void sl_relief_start(struct sl_site *site, unsigned int victim, unsigned int uplink,
		     const struct sl_choice *choice)
{
	const struct sl_policy_service *policy = &site->policy.service[choice->culprit];
	const struct sl_path_report *path = site->view.path[victim][uplink];
	struct sl_care *culprit = &site->care[choice->culprit], *served = &site->care[victim];
	bool marks = choice->remedy == SL_REMEDY_REMARK;
	const char *key = marks ? "remark" : "throttle";
	char text[SL_TEXT_MAX];

	drop_mark(site, culprit);
	memcpy(culprit->ladder_uplink, site->policy.uplink[uplink].name, SL_NAME_MAX);
	culprit->ladder_incident = sl_say_incident(site, served);
	served->verdict = SL_VERDICT_UPLINK;
	memcpy(culprit->ladder_print, site->record.fingerprint, SL_PRINT_MAX);
	culprit->ladder_bad_ms = site->judge[victim][uplink].first_bad_ms;
	(marks ? sl_ladder_mark : sl_ladder_start)(&culprit->ladder, choice->rate_bps,
						   policy->throttle_floor_bps, site->now_ms);
	snprintf(text, sizeof(text), "%s while %s has p95 %.1f ms on the WAN leg", choice->text,
		 served->name, path ? path->rtt[SL_LEG_WAN].p95_us / 1e3 : 0.0);
	set(site, culprit, true, key, text);
	snprintf(served->said, SL_KEY_MAX, "%s", key);
	served->said_ms = site->now_ms;
}

/*
 * A full queue shows in delay.  Losses of its overflow are repeated, and counted, for seconds after
 * it has gone: no tighter limit mends those.
 */
static bool queue_stands(const struct sl_judge *judge, const struct sl_path_report *path,
			 const struct sl_policy_slo *slo)
{
	return judge->down_run || (path && sl_view_slow(path, slo));
}

/* Slow samples have come since the last step: what is older, windows still show. */
static bool sore_since(const struct sl_judge *judge, const struct sl_path_report *path,
		       uint64_t step_ms)
{
	bool slow = path && path->rtt[SL_LEG_WAN].above_slo * 2 > path->rtt[SL_LEG_WAN].samples;

	return judge->bad_now && (judge->down_run || slow || judge->slow_ms > step_ms + DRAIN_MS);
}

static bool settled_bad(const struct sl_judge *judge)
{
	return judge->bad_now && (judge->bad_run >= SL_JUDGE_RUN ||
				  __builtin_popcount(judge->bad_bits) >= SL_JUDGE_MANY);
}

/* What the services that this ladder serves get at this moment. */
static void look(struct sl_site *site, const struct sl_care *culprit, unsigned int uplink,
		 struct sl_ladder_sight *sight)
{
	uint32_t hold_ms = site->policy.guardrails.hold_down_ms;

	sight->calm = true;
	for (uint32_t s = 0; s < site->policy.services; s++) {
		const struct sl_judge *judge = &site->judge[s][uplink];
		const struct sl_path_report *path = site->view.path[s][uplink];
		bool full = queue_stands(judge, path, sl_view_slo(&site->policy, s));

		if (site->care[s].incident != culprit->ladder_incident ||
		    &site->care[s] == culprit || sl_view_where(&site->view, s) != uplink)
			continue;
		sight->sore |= full && sore_since(judge, path, culprit->ladder.step_ms);
		sight->bad |= full && settled_bad(judge);
		/* Silent since long: nobody is left to protect. */
		if (!sl_judge_calm(judge, site->now_ms, SL_JUDGE_CALM_MS) &&
		    site->now_ms - judge->bad_ms < hold_ms &&
		    (full || site->now_ms - judge->slow_ms < SL_JUDGE_CALM_MS))
			sight->calm = false;
	}
}

static void failed(struct sl_site *site, const struct sl_care *culprit)
{
	for (uint32_t s = 0; s < site->policy.services; s++) {
		struct sl_care *care = &site->care[s];

		if (care->incident == culprit->ladder_incident)
			*(culprit->ladder.marks ? &care->mark_failed_ms : &care->ladder_failed_ms) =
				site->now_ms;
	}
}

/* A lesson for each that it should have served: memory is by class of service. */
static void learn_failure(struct sl_site *site, struct sl_care *culprit)
{
	int uplink = sl_policy_uplink_index(&site->policy, culprit->ladder_uplink);

	for (uint32_t s = 0; s < site->policy.services && uplink >= 0; s++)
		if (&site->care[s] != culprit && site->care[s].incident == culprit->ladder_incident)
			sl_learn_vain(site, culprit, s, (unsigned int)uplink);
	sl_learn_limit(site, culprit, false);
}

/* The limit does what it is for: said once. */
static void proved(struct sl_site *site, struct sl_care *care)
{
	const struct sl_path_report *path = NULL;
	unsigned int uplink =
		(unsigned int)sl_policy_uplink_index(&site->policy, care->ladder_uplink);
	struct sl_saying saying = {.care = care,
				   .remedy = "proved",
				   .key = care->ladder.marks ? "remark-proved" : "throttle-proved",
				   .uplink = uplink,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_UPLINK,
				   .limit_bps = care->ladder.limit_bps,
				   .outcome = SL_OUTCOME_HELPED,
				   .incident = care->ladder_incident};

	if (site->in_turn && uplink < SL_SITE_UPLINKS)
		path = site->view.path[site->turn][uplink];
	sl_say(site, &saying, "no queue on %s now, p95 %.1f ms of %u samples; the %s of %s helped",
	       care->ladder_uplink, path ? path->rtt[SL_LEG_WAN].p95_us / 1e3 : 0.0,
	       path ? path->rtt[SL_LEG_WAN].samples : 0, care->ladder.marks ? "mark LE" : "limit",
	       care->name);
}

static void fail(struct sl_site *site, struct sl_care *care)
{
	bool marks = care->ladder.marks;
	char text[SL_TEXT_MAX];

	if (marks)
		snprintf(text, sizeof(text), "marked LE for %.1f s it %s",
			 (double)(site->now_ms - care->ladder.step_ms) / 1e3,
			 care->ladder.proved ? "does not help any more" : "did not help");
	else
		snprintf(text, sizeof(text), "%u steps down to %.2f Mbit/s did not help",
			 care->ladder.steps, (double)care->ladder.limit_bps / MBIT);
	set(site, care, false, marks ? "remark-failed" : "throttle-failed", text);
	learn_failure(site, care);
	failed(site, care);
	end_incident(site, care);
}

static void climb(struct sl_site *site, struct sl_care *care, const struct sl_ladder_sight *sight)
{
	uint64_t before_bps = care->ladder.limit_bps;
	bool was_proved = care->ladder.proved;
	enum sl_rung rung = sl_ladder_next(&care->ladder, sight);
	char text[SL_TEXT_MAX];

	if (care->ladder.proved && !was_proved) {
		proved(site, care);
		sl_learn_limit(site, care, true);
	}
	switch (rung) {
	case SL_RUNG_TIGHTEN:
		snprintf(text, sizeof(text), "the served path is over its SLO, step %u",
			 care->ladder.steps);
		set_limit(site, care, false, "tighten", text);
		break;
	case SL_RUNG_LOOSEN:
		snprintf(text, sizeof(text), "the served paths kept their SLO at %.2f Mbit/s",
			 (double)before_bps / MBIT);
		set_limit(site, care, false, "loosen", text);
		break;
	case SL_RUNG_LIFT:
		set(site, care, false, "lift",
		    care->ladder.marks ? "the served paths keep their SLO, and it sends little"
				       : "the served paths keep their SLO");
		end_incident(site, care);
		break;
	case SL_RUNG_VAIN:
		snprintf(text, sizeof(text),
			 "what is bad now is not its doing: it sends %.2f Mbit/s",
			 (double)sight->rate_bps / MBIT);
		set(site, care, false, "vain", text);
		end_incident(site, care);
		break;
	case SL_RUNG_FAIL:
		fail(site, care);
		break;
	default:
		break;
	}
}

static uint64_t rate_of(const struct sl_site *site, unsigned int service, unsigned int uplink)
{
	uint64_t up = sl_view_rate_of(&site->view, service, uplink, 0);
	uint64_t down = sl_view_rate_of(&site->view, service, uplink, 1);

	return up > down ? up : down;
}

/* A mark of ours that no ladder of ours knows: take it up. */
static void adopt_mark(struct sl_site *site, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];
	struct sl_care *care = &site->care[service];
	int uplink = sl_policy_uplink_index(&site->policy, report->uplink);

	if (strcmp(report->dscp, SL_VIEW_LE) || strncmp(report->dscp_cause, "control", 7) ||
	    uplink < 0)
		return;
	sl_ladder_mark(&care->ladder, rate_of(site, service, (unsigned int)uplink),
		       site->policy.service[service].throttle_floor_bps, site->now_ms);
	memcpy(care->ladder_uplink, report->uplink, SL_NAME_MAX);
	care->ladder_incident = ++site->incidents;
}

/* A limit of ours that no ladder of ours knows (lost state, lost lift): take it up. */
static void adopt(struct sl_site *site, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];
	struct sl_care *care = &site->care[service];
	uint64_t limit_bps = report->limit_bps[0] > report->limit_bps[1] ? report->limit_bps[0]
									 : report->limit_bps[1];

	if (care->ladder.ended_ms && site->now_ms - care->ladder.ended_ms < DESIRED_GRACE_MS)
		return;
	if (!limit_bps || strncmp(report->cause, "control", 7)) {
		adopt_mark(site, service);
		return;
	}
	care->ladder =
		(struct sl_ladder){.on = true,
				   .limit_bps = limit_bps,
				   .first_bps = limit_bps * 2,
				   .floor_bps = site->policy.service[service].throttle_floor_bps,
				   .step_ms = site->now_ms};
	memcpy(care->ladder_uplink, report->uplink, SL_NAME_MAX);
	care->ladder_incident = ++site->incidents;
}

/* The dataplane does not show the limit, or mark, that we want: say it again. */
static bool amiss(const struct sl_site *site, const struct sl_care *care, unsigned int service)
{
	const struct sl_service_report *report = site->view.service[service];
	bool there = care->ladder.marks ? !strcmp(report->dscp, SL_VIEW_LE)
					: report->limit_bps[0] || report->limit_bps[1];

	return !there && site->now_ms - care->ladder.step_ms >= DESIRED_GRACE_MS &&
	       !sl_say_waiting(site, care->name, true);
}

/* Whose numbers a step of the ladder rests on: the first that it serves, else the culprit. */
static void take_turn(struct sl_site *site, unsigned int service)
{
	const struct sl_care *care = &site->care[service];
	unsigned int served = service;

	for (uint32_t s = 0; s < site->policy.services && served == service; s++)
		if (s != service && care->ladder_incident &&
		    site->care[s].incident == care->ladder_incident)
			served = s;
	sl_say_turn(site, served);
	snprintf(site->record.located, sizeof(site->record.located), "the %s of %s serves %s",
		 care->ladder.marks ? "mark LE" : "limit", care->name, site->care[served].name);
}

void sl_relief_step(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];
	struct sl_ladder_sight sight = {.now_ms = site->now_ms,
					.hold_ms = site->policy.guardrails.hold_down_ms};
	struct sl_scene scene = sl_say_scene(site);
	int uplink;

	if (sl_say_barred(site) || !site->view.service[service] ||
	    sl_say_waiting(site, care->name, true))
		return;
	if (!care->ladder.on) {
		adopt(site, service);
		return;
	}
	uplink = sl_policy_uplink_index(&site->policy, care->ladder_uplink);
	if (uplink < 0 || sl_view_where(&site->view, service) != (unsigned int)uplink) {
		care->ladder.on = false;
		care->ladder.ended_ms = site->now_ms;
		set(site, care, false, "lift", "it left the uplink");
		end_incident(site, care);
		return;
	}
	if (care->ladder.marks && !strncmp(site->view.service[service]->dscp_cause, "cli-", 4)) {
		sl_relief_person(site, service);
		return;
	}
	if (amiss(site, care, service)) {
		care->ladder.step_ms = site->now_ms;
		set(site, care, false, "again",
		    care->ladder.marks ? "the mark was not in force"
				       : "the limit was not in force");
		return;
	}
	take_turn(site, service);
	look(site, care, (unsigned int)uplink, &sight);
	for (unsigned int side = 0; side < 2 && site->view.path[service][uplink]; side++) {
		uint64_t bps = sl_view_rate(site->view.path[service][uplink], side);

		if (side && bps <= sight.rate_bps)
			continue;
		sight.rate_bps = bps;
		sight.capacity_bps = sl_ceiling_capacity(&scene, (unsigned int)uplink, side);
	}
	climb(site, care, &sight);
	sl_say_turn_over(site);
}

void sl_relief_person(struct sl_site *site, unsigned int service)
{
	struct sl_care *care = &site->care[service];

	if (!care->ladder.on)
		return;
	care->ladder.on = false;
	care->ladder.ended_ms = site->now_ms;
	/* Nobody sets it again at once, whomever it would serve. */
	for (uint32_t s = 0; s < site->policy.services; s++)
		site->care[s].ladder_failed_ms = site->care[s].mark_failed_ms = site->now_ms;
	end_incident(site, care);
}

void sl_relief_refused(struct sl_site *site, unsigned int service, const char *why)
{
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = "hold",
				   .key = care->ladder.marks ? "remark-refused"
							     : "throttle-refused",
				   .uplink = SL_UPLINK_UNSET,
				   .to_uplink = SL_UPLINK_UNSET,
				   .incident = care->ladder_incident};

	care->ladder.on = false;
	care->ladder.ended_ms = site->now_ms;
	failed(site, care);
	sl_say(site, &saying, "%s is not %s: %s", care->name,
	       care->ladder.marks ? "marked" : "throttled", why);
}
