/*
 * why_text.c - the answer to "why", in sentences and tables
 *
 * From what is to why it is: how the service stands now, where it goes and who sent it
 * there, the open incident, the last decisions.
 */
#include "why.h"

#include "print.h"

#include <string.h>

#define STALE_MS 1000

static const struct sl_policy_service *policy_of(const struct sl_why *why)
{
	int index = why->policy ? sl_policy_service_index(why->policy, why->service) : -1;

	return index >= 0 && index != SL_POLICY_OTHER ? &why->policy->service[index] : NULL;
}

bool sl_why_knows(const struct sl_why *why)
{
	for (uint32_t i = 0; i < why->picture->paths; i++)
		if (!strcmp(why->picture->path[i].service, why->service))
			return true;
	return sl_print_setting(why->picture, why->service) || policy_of(why);
}

static const struct sl_path_report *path_on(const struct sl_why *why, const char *uplink)
{
	for (uint32_t i = 0; i < why->picture->paths; i++)
		if (!strcmp(why->picture->path[i].service, why->service) &&
		    !strcmp(why->picture->path[i].uplink, uplink))
			return &why->picture->path[i];
	return NULL;
}

/* In what the dataplane and control have said: the one that made what stands now. */
static const struct sl_event *made_by(const struct sl_why *why, const struct sl_service_report *set)
{
	const struct sl_event *found = NULL;

	for (uint32_t i = 0; i < why->past->events; i++) {
		const struct sl_event *event = &why->past->event[i];
		bool same = !strcmp(event->command_id, set->cause) ||
			    (!strcmp(set->cause, "fast-reroute") && event->kind == SL_EVENT_ACTION);

		if (!same || strcmp(event->to_uplink, set->uplink))
			continue;
		/* Control's own word says why; the newest of its kind is what stands. */
		if (!found ||
		    (strcmp(found->source, "control") && !strcmp(event->source, "control")))
			found = event;
	}
	return found;
}

static const char *who(const char *cause)
{
	if (!strcmp(cause, "fast-reroute"))
		return "the dataplane moved it at once, because its uplink was dark";
	if (!strncmp(cause, "cli-", 4))
		return "a person moved it, by the command line";
	return "control moved it";
}

static const char *whose(const char *cause)
{
	if (!cause[0])
		return "as the policy says";
	return strncmp(cause, "cli-", 4) ? "by control" : "by a person's word";
}

static void place(const struct sl_paper *paper, const struct sl_why *why,
		  const struct sl_service_report *set)
{
	const struct sl_event *made = set->cause[0] ? made_by(why, set) : NULL;
	const struct sl_policy_service *service = policy_of(why);
	const char *first = service && service->uplinks
				    ? why->policy->uplink[service->uplink[0]].name
				    : "first uplink";
	char clock[SL_PAPER_CLOCK_MAX], span[SL_PAPER_SPAN_MAX];

	if (!set->rerouted)
		sl_paper_say(paper, 0, 0, "New flows of %s go by %s, as the policy says.",
			     why->service, set->uplink);
	else if (made)
		sl_paper_say(paper, 0, 0,
			     "New flows of %s go by %s, not by the policy's %s: %s at %s (%s ago). "
			     "%s%s",
			     why->service, set->uplink, first, who(set->cause),
			     sl_paper_clock(made->at_unix_ns, why->now_unix_ns, clock),
			     sl_paper_between(made->at_unix_ns, why->now_unix_ns, span), made->text,
			     made->text[0] ? "." : "");
	else
		sl_paper_say(paper, 0, 0,
			     "New flows of %s go by %s, not by the policy's %s: %s (%s).",
			     why->service, set->uplink, first, who(set->cause),
			     set->cause[0] ? set->cause : "cause not known");
}

static void state(const struct sl_paper *paper, const struct sl_why *why, const char *uplink)
{
	const struct sl_path_report *path = path_on(why, uplink);
	static const char *const said[SL_HEALTH_COUNT] = {
		[SL_HEALTH_UNKNOWN] = "has not been measured yet",
		[SL_HEALTH_GOOD] = "keeps its SLO",
		[SL_HEALTH_DEGRADED] = "is degraded: it breaks its SLO",
		[SL_HEALTH_DOWN] = "is down",
		[SL_HEALTH_IDLE] = "has no traffic to judge by",
		[SL_HEALTH_BLIND] = "has traffic, but too few samples to judge by",
	};

	if (!path || path->state >= SL_HEALTH_COUNT)
		sl_paper_say(paper, 0, 0, "Nothing is measured of it on %s.", uplink);
	else
		sl_paper_say(paper, 0, 0, "On %s it %s%s%s.", uplink, said[path->state],
			     path->reason[0] ? ": " : "", path->reason);
}

static void setting(const struct sl_paper *paper, const struct sl_why *why,
		    const struct sl_service_report *set)
{
	char up[16], down[16];

	place(paper, why, set);
	state(paper, why, set->uplink);
	if (set->trial_uplink[0])
		sl_paper_say(paper, 0, 0, "On trial: %.0f %% of its new flows go by %s.",
			     set->trial_share_ppm / 1e4, set->trial_uplink);
	if (set->limit_bps[0] == set->limit_bps[1] && set->limit_bps[0])
		sl_paper_say(paper, 0, 0, "Its rate is limited to %sbit/s each way.",
			     sl_print_rate(set->limit_bps[0], up, sizeof(up)));
	else if (set->limit_bps[0] || set->limit_bps[1])
		sl_paper_say(paper, 0, 0,
			     "Its rate is limited to %sbit/s out and %sbit/s in (0: no limit).",
			     sl_print_rate(set->limit_bps[0], up, sizeof(up)),
			     sl_print_rate(set->limit_bps[1], down, sizeof(down)));
	else
		sl_paper_say(paper, 0, 0, "No limit is set on its rate.");
	if (set->dscp[0])
		sl_paper_say(paper, 0, 0, "Its packets leave for the WAN with the DSCP %s, %s.",
			     set->dscp, whose(set->dscp_cause));
}

/* What else keeps control from acting, or the reader from believing. */
static void site(const struct sl_paper *paper, const struct sl_why *why)
{
	const struct sl_telemetry *picture = why->picture;
	char span[SL_PAPER_SPAN_MAX];

	if (why->age_ms > STALE_MS)
		sl_paper_say(paper, 0, 0,
			     "The dataplane has been silent for %s: what follows is that old.",
			     sl_paper_span(why->age_ms * 1000000, span));
	if (picture->bypassed)
		sl_paper_say(paper, 0, 0, "The site is bypassed: every packet passes untouched.");
	else if (picture->frozen)
		sl_paper_say(paper, 0, 0, "The site is frozen: no new action is taken.");
	if (picture->mode == SL_MODE_OBSERVE)
		sl_paper_say(paper, 0, 0,
			     "Mode observe: the site is measured, nothing is decided.");
	else if (picture->mode == SL_MODE_SHADOW)
		sl_paper_say(paper, 0, 0, "Mode shadow: control decides, and does not act.");
}

/* In the policy's order of preference, then what else there is. */
static uint32_t paths_of(const struct sl_why *why, const struct sl_path_report **path)
{
	const struct sl_policy_service *service = policy_of(why);
	uint32_t count = 0;

	for (uint32_t i = 0; service && i < service->uplinks; i++) {
		const char *uplink = why->policy->uplink[service->uplink[i]].name;

		path[count] = path_on(why, uplink);
		count += path[count] != NULL;
	}
	for (uint32_t i = 0; i < why->picture->paths; i++) {
		const struct sl_path_report *other = &why->picture->path[i];
		bool there = strcmp(other->service, why->service) != 0;

		for (uint32_t k = 0; k < count && !there; k++)
			there = path[k] == other;
		if (!there)
			path[count++] = other;
	}
	return count;
}

static void paths(const struct sl_paper *paper, const struct sl_why *why, const char *here)
{
	const struct sl_path_report *path[SL_WIRE_PATHS_MAX];
	const struct sl_policy_service *service = policy_of(why);
	const struct sl_policy_slo *slo = service && service->has_slo ? &service->slo : NULL;
	uint32_t count = paths_of(why, path);

	fputc('\n', paper->to);
	sl_tell_paths(paper, path, count, here, slo);
	for (uint32_t i = 0; i < count; i++)
		if (path[i]->reason[0] && strcmp(path[i]->uplink, here) != 0 &&
		    path[i]->state != SL_HEALTH_GOOD)
			sl_paper_say(paper, 0, 2, "%s: %s.", path[i]->uplink, path[i]->reason);
	if (!slo)
		sl_paper_say(paper, 0, 0, "No SLO is known for it.");
}

static void decisions(const struct sl_paper *paper, const struct sl_why *why)
{
	uint32_t said = 0;

	fputc('\n', paper->to);
	for (uint32_t i = 0; i < why->past->events && said < SL_WHY_DECISIONS; i++) {
		sl_paper_head(paper, "%s", said ? "" : "LAST DECISIONS, newest first");
		sl_tell_decision(paper, &why->past->event[i], why->now_unix_ns);
		said++;
	}
	if (!said)
		sl_paper_say(paper, 0, 0, "Nothing has been decided about it lately.");
}

void sl_why_write(const struct sl_paper *paper, const struct sl_why *why)
{
	const struct sl_service_report *set = sl_print_setting(why->picture, why->service);
	const struct sl_incident *open = sl_past_open(why->past, why->service);
	char clock[SL_PAPER_CLOCK_MAX];

	sl_paper_head(paper, "%s at %s, %s", why->service, why->picture->site,
		      sl_paper_clock(why->now_unix_ns, why->now_unix_ns, clock));
	site(paper, why);
	if (set)
		setting(paper, why, set);
	paths(paper, why, set ? set->uplink : "");
	if (open) {
		fputc('\n', paper->to);
		sl_paper_head(paper, "OPEN INCIDENT %llu", (unsigned long long)open->id);
		sl_tell_incident(paper, open, why->now_unix_ns);
	}
	decisions(paper, why);
}

void sl_why_wants(struct sl_past *past, const char *service)
{
	past->service = service;
	past->most_incidents = 8;
	past->most_events = 24;
	past->decisions = true;
}
