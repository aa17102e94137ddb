/*
 * change.c - correlate trouble with the policy in force; take it back when it is to blame
 */
#include "change.h"
#include "care.h"

#include <stdio.h>
#include <string.h>

#define BACK_MS 2000 /* between the dataplane's word of a way back and its first picture */

static bool allows(const struct sl_policy *policy, unsigned int service, unsigned int uplink)
{
	const struct sl_policy_service *s = &policy->service[service];

	for (uint32_t i = 0; i < s->uplinks; i++)
		if (s->uplink[i] == uplink)
			return true;
	return false;
}

/* How a service stands by the last picture. */
static void remember(const struct sl_site *site, unsigned int service, struct sl_was *was)
{
	unsigned int where = sl_view_where(&site->view, service);
	const struct sl_path_report *path =
		where < SL_SITE_UPLINKS ? site->view.path[service][where] : NULL;

	*was = (struct sl_was){.yielded = sl_view_yields(&site->view, service)};
	memcpy(was->name, site->policy.service[service].name, sizeof(was->name));
	was->good = path && path->state == SL_HEALTH_GOOD &&
		    !sl_judge_bad(&site->judge[service][where]);
	if (path && allows(&site->policy, service, where))
		memcpy(was->uplink, site->policy.uplink[where].name, sizeof(was->uplink));
}

bool sl_change_see(struct sl_site *site, uint64_t version)
{
	struct sl_change *change = &site->change, old = *change;
	bool fresh = site->has_picture && site->now_ms - site->picture_ms <= SL_SITE_SILENT_MS;

	if (!version || version == old.version)
		return false;
	*change = (struct sl_change){.version = version,
				     .before = old.version,
				     .at_ms = old.version ? site->now_ms : 0,
				     .back_ms = old.ordered ? site->now_ms : old.back_ms,
				     .incident = old.ordered ? old.incident : 0};
	for (uint32_t s = 0; fresh && s < site->policy.services; s++)
		remember(site, s, &change->was[s]);
	return true;
}

void sl_change_back(struct sl_site *site)
{
	site->change.back_ms = site->now_ms;
}

/* The one in force is itself a way back. */
static bool is_back(const struct sl_change *change)
{
	uint64_t apart = change->at_ms > change->back_ms ? change->at_ms - change->back_ms
							 : change->back_ms - change->at_ms;

	return change->back_ms && apart <= BACK_MS;
}

const char *sl_change_note(const struct sl_site *site, uint64_t began_ms, char text[SL_CHANGE_TEXT])
{
	const struct sl_change *change = &site->change;

	text[0] = '\0';
	if (!change->at_ms || began_ms < change->at_ms ||
	    began_ms - change->at_ms > SL_CHANGE_NOTE_MS)
		return text;
	if (is_back(change))
		snprintf(text, SL_CHANGE_TEXT,
			 "; policy %llu, a way back, took effect %.0f s before",
			 (unsigned long long)change->version,
			 (double)(began_ms - change->at_ms) / 1e3);
	else
		snprintf(text, SL_CHANGE_TEXT,
			 "; policy %llu took effect %.0f s before; `storeline policy revert` puts "
			 "%llu back",
			 (unsigned long long)change->version,
			 (double)(began_ms - change->at_ms) / 1e3,
			 (unsigned long long)change->before);
	return text;
}

/* Whom we trust and who is well on @uplink; SL_SITE_SERVICES = nobody. */
static unsigned int well_on(const struct sl_site *site, unsigned int uplink)
{
	const struct sl_uplink_report *report = site->view.uplink[uplink];

	if (!report || report->state != SL_HEALTH_GOOD)
		return SL_SITE_SERVICES;
	for (uint32_t s = 0; s < site->policy.services; s++) {
		const struct sl_path_report *path = site->view.path[s][uplink];

		if (path && path->state == SL_HEALTH_GOOD && sl_view_trusted(&site->policy, s) &&
		    !sl_judge_bad(&site->judge[s][uplink]))
			return s;
	}
	return SL_SITE_SERVICES;
}

/* It waits behind all else by the policy's own word, and did not before. */
static bool marked(const struct sl_site *site, unsigned int service, const struct sl_was *was,
		   char *why)
{
	if (was->yielded || !sl_view_yields(&site->view, service) ||
	    sl_view_limited(&site->view, service) || sl_view_remarked(&site->view, service))
		return false;
	snprintf(why, SL_TEXT_MAX, "policy %llu marks it LE, to wait behind all else",
		 (unsigned long long)site->change.version);
	return true;
}

/* It may not use the uplink any more that it was good on, and that is well without it. */
static bool taken(const struct sl_site *site, unsigned int service, unsigned int where,
		  const struct sl_was *was, char *why)
{
	unsigned int uplink = sl_care_uplink(site, was->uplink), who;

	if (!was->uplink[0] || uplink == SL_UPLINK_UNSET || uplink == where ||
	    allows(&site->policy, service, uplink))
		return false;
	who = well_on(site, uplink);
	if (who == SL_SITE_SERVICES)
		return false;
	snprintf(why, SL_TEXT_MAX, "policy %llu took it from %s, where %s is well",
		 (unsigned long long)site->change.version, was->uplink,
		 site->policy.service[who].name);
	return true;
}

static const struct sl_was *was_of(const struct sl_site *site, unsigned int service)
{
	for (unsigned int i = 0; i < SL_SITE_SERVICES; i++)
		if (!strcmp(site->change.was[i].name, site->policy.service[service].name))
			return &site->change.was[i];
	return NULL;
}

/* What this policy brought explains it, and nothing else does; @why says what. */
static bool is_to_blame(const struct sl_site *site, unsigned int service, unsigned int where,
			enum sl_verdict verdict, char *why)
{
	const struct sl_change *change = &site->change;
	uint64_t bad_ms = site->judge[service][where].first_bad_ms;
	const struct sl_was *was = was_of(site, service);

	if (!change->at_ms || change->refused || is_back(change) || !was || !was->good ||
	    bad_ms < change->at_ms || bad_ms - change->at_ms > SL_CHANGE_BLAME_MS ||
	    !sl_view_trusted(&site->policy, service))
		return false;
	if (verdict == SL_VERDICT_SELF)
		return marked(site, service, was, why);
	return (verdict == SL_VERDICT_UPLINK || verdict == SL_VERDICT_UNKNOWN) &&
	       taken(site, service, where, was, why);
}

static void order(struct sl_site *site, unsigned int service, unsigned int where, const char *why)
{
	struct sl_change *change = &site->change;
	struct sl_care *care = &site->care[service];
	struct sl_order order = {.kind = SL_COMMAND_ROLLBACK,
				 .policy_version = change->version,
				 .incident = sl_say_incident(site, care)};
	struct sl_saying saying = {.care = care,
				   .remedy = "revert",
				   .key = "revert",
				   .uplink = where,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = SL_VERDICT_SELF};
	char brief[SL_BRIEF_MAX];

	memcpy(order.service, care->name, sizeof(order.service));
	saying.command_id = sl_say_order(site, &order, true, why);
	if (!saying.command_id)
		return;
	change->ordered = true;
	change->incident = care->incident;
	care->verdict = SL_VERDICT_SELF;
	sl_say(site, &saying, "%s was good, and is %s on %s (%s): %s: policy %llu is put back",
	       care->name, sl_health_word(site->judge[service][where].state),
	       sl_view_uplink_name(&site->policy, where),
	       sl_view_brief(site->view.path[service][where], brief), why,
	       (unsigned long long)change->before);
}

bool sl_change_takes_back(struct sl_site *site, unsigned int service, unsigned int where,
			  enum sl_verdict verdict)
{
	const char *barred = sl_say_allowed(site);
	bool shadow = barred && !strcmp(barred, "shadow");
	char why[SL_TEXT_MAX], key[SL_KEY_MAX], text[SL_TEXT_MAX];

	if (site->policy.guardrails.revert != SL_REVERT_AUTO ||
	    !is_to_blame(site, service, where, verdict, why))
		return false;
	if (site->change.ordered)
		return true;
	snprintf(site->record.located, SL_TEXT_MAX, "%.140s%s", why,
		 sl_change_note(site, site->judge[service][where].first_bad_ms, text));
	sl_record_option(&site->record, "revert", "", !barred,
			 "back to policy %llu, by which it was good",
			 (unsigned long long)site->change.before);
	if (!barred) {
		order(site, service, where, why);
		return true;
	}
	sl_say_guardrail(site, barred);
	snprintf(key, sizeof(key), "%.20s-revert", barred);
	snprintf(text, sizeof(text), "%.140s: %swould put policy %llu back%s%s", why,
		 shadow ? "shadow: " : "", (unsigned long long)site->change.before,
		 shadow ? "" : ", but: ", shadow ? "" : barred);
	sl_care_hold(site, service, SL_VERDICT_SELF, key, text);
	return true;
}

void sl_change_answer(struct sl_site *site, unsigned int service, const struct sl_order *order,
		      bool done, const char *why)
{
	struct sl_change *change = &site->change;
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = "hold",
				   .key = "not-applied",
				   .uplink = sl_view_where(&site->view, service),
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict,
				   .command_id = order->id};

	if (done)
		return;
	if (change->version == order->policy_version) {
		change->ordered = false;
		change->refused = true;
	}
	change->incident = 0;
	sl_say(site, &saying, "%s: policy %llu was not taken back: %.160s", care->name,
	       (unsigned long long)order->policy_version, why);
}

bool sl_change_waits(struct sl_site *site, unsigned int service, unsigned int where)
{
	struct sl_change *change = &site->change;
	struct sl_care *care = &site->care[service];
	const struct sl_judge *judge = &site->judge[service][where];
	struct sl_saying saying = {.care = care,
				   .remedy = "proved",
				   .key = "proved",
				   .uplink = where,
				   .to_uplink = SL_UPLINK_UNSET,
				   .verdict = care->verdict,
				   .outcome = SL_OUTCOME_HELPED};
	char brief[SL_BRIEF_MAX];

	if (!change->incident || change->incident != care->incident)
		return false;
	if (change->ordered)
		return true;
	if (site->now_ms - change->at_ms > SL_PROVE_MOVE_MS) {
		change->incident = 0;
		return false;
	}
	if (!site->view.path[service][where] ||
	    !sl_judge_calm(judge, site->now_ms, SL_PROVE_GOOD_MS))
		return true;
	change->incident = 0;
	sl_say(site, &saying, "%s: SLO kept again since policy %llu: %s; the way back helped",
	       care->name, (unsigned long long)change->version,
	       sl_view_brief(site->view.path[service][where], brief));
	return false;
}
