/*
 * incident.c - steps, outcome and the closing words of incidents
 */
#include "incident.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS 1e9

static void copy(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from);
}

struct sl_case *sl_incident_find(struct sl_cases *cases, uint64_t id)
{
	for (uint32_t i = 0; i < cases->count; i++)
		if (cases->one[i].incident.id == id)
			return &cases->one[i];
	return NULL;
}

static void forget(struct sl_cases *cases, struct sl_case *one)
{
	size_t i = (size_t)(one - cases->one);

	cases->count--;
	memmove(one, one + 1, (cases->count - i) * sizeof(*one));
}

/* The oldest gives way, one that is over before one that is not. */
static void make_room(struct sl_cases *cases)
{
	for (uint32_t i = 0; i < cases->count; i++)
		if (cases->one[i].incident.closed_unix_ns) {
			forget(cases, &cases->one[i]);
			return;
		}
	forget(cases, &cases->one[0]);
}

static struct sl_case *open_case(struct sl_cases *cases, const struct sl_incident_fact *fact)
{
	const struct sl_event *event = fact->event;
	struct sl_case *one;

	if (cases->count == SL_CASES_MAX)
		make_room(cases);
	one = &cases->one[cases->count++];
	*one = (struct sl_case){.incident = {.id = event->incident,
					     .first_bad_unix_ns = fact->first_bad_unix_ns,
					     .opened_unix_ns = fact->at_unix_ns}};
	copy(one->incident.site, event->site, SL_NAME_MAX);
	copy(one->incident.service, fact->service, SL_NAME_MAX);
	copy(one->incident.uplink, event->uplink, SL_NAME_MAX);
	if (fact->path) {
		one->incident.path = *fact->path;
		one->incident.has_path = true;
	}
	return one;
}

/* The first steps stay; of the later ones the oldest gives way. */
static struct sl_incident_step *new_step(struct sl_incident *incident)
{
	struct sl_incident_step *later = &incident->step[SL_INCIDENT_FIRST_MAX];

	if (incident->steps < SL_WIRE_STEPS_MAX)
		return &incident->step[incident->steps++];
	memmove(later, later + 1, (SL_WIRE_STEPS_MAX - SL_INCIDENT_FIRST_MAX - 1) * sizeof(*later));
	return &incident->step[SL_WIRE_STEPS_MAX - 1];
}

static bool is_remedy(const char *word)
{
	return !strcmp(word, "reroute") || !strcmp(word, "trial") || !strcmp(word, "throttle") ||
	       !strcmp(word, "remark") || !strcmp(word, "clamp-mss") || !strcmp(word, "restore") ||
	       !strcmp(word, "revert");
}

static const char *target_of(const struct sl_event *event)
{
	if (!strcmp(event->remedy, "throttle") || !strcmp(event->remedy, "remark"))
		return event->service;
	if (!strcmp(event->remedy, "clamp-mss"))
		return event->uplink;
	return event->to_uplink;
}

static void add_step(struct sl_incident *incident, const struct sl_event *event, uint64_t at_ns)
{
	struct sl_incident_step *step = new_step(incident);

	step->at_unix_ns = at_ns;
	copy(step->remedy, event->remedy, SL_NAME_MAX);
	copy(step->target, target_of(event), SL_NAME_MAX);
	copy(step->text, event->text, SL_TEXT_MAX);
}

/* A command went with it: it is what was done, not only thought. */
static void take_action(struct sl_incident *incident, const struct sl_event *event, uint64_t at_ns)
{
	bool done = event->command_id[0] && is_remedy(event->remedy);

	if (!done)
		return;
	if (!incident->acted_unix_ns)
		incident->acted_unix_ns = at_ns;
	if (!strcmp(event->remedy, "restore"))
		return; /* undoes a remedy, is none */
	copy(incident->remedy, event->remedy, SL_NAME_MAX);
	copy(incident->target, target_of(event), SL_NAME_MAX);
}

static void take_verdict(struct sl_incident *incident, const struct sl_event *event)
{
	bool told = event->has_decision && event->decision.located[0];

	if (event->verdict == SL_VERDICT_UNKNOWN && incident->located[0])
		return;
	if (!strcmp(event->remedy, "resolved") || !strcmp(event->remedy, "proved"))
		return;
	incident->verdict = event->verdict;
	if (told && (!incident->located[0] || !incident->acted_unix_ns))
		copy(incident->located, event->decision.located, SL_TEXT_MAX);
}

/* When the last remedy before the proof was begun: so long it suffered. */
static uint64_t relieved_ns(const struct sl_incident *incident)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < incident->steps; i++) {
		const struct sl_incident_step *step = &incident->step[i];

		if (is_remedy(step->remedy) && strcmp(step->remedy, "restore") != 0 &&
		    step->at_unix_ns <= incident->proved_unix_ns)
			at = step->at_unix_ns;
	}
	return at ? at : incident->proved_unix_ns;
}

static double seconds(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / SECOND_NS : 0.0;
}

/* "moved to lte after 1.1 s", from the first step with that remedy. */
static size_t tell_action(const struct sl_incident *incident, char *text, size_t size)
{
	static const struct {
		const char *remedy, *words;
	} told[] = {{"trial", "tried on"},
		    {"reroute", "moved to"},
		    {"remark", "marked LE"},
		    {"throttle", "limited"},
		    {"clamp-mss", "smaller packets on"},
		    {"revert", "policy taken back"}};
	size_t at = 0;

	for (size_t t = 0; t < sizeof(told) / sizeof(told[0]); t++)
		for (uint32_t i = 0; i < incident->steps && incident->acted_unix_ns; i++) {
			const struct sl_incident_step *step = &incident->step[i];

			if (strcmp(step->remedy, told[t].remedy) != 0 ||
			    step->at_unix_ns < incident->acted_unix_ns)
				continue;
			at += (size_t)snprintf(text + at, size - at, "%s%s%s%s after %.1f s",
					       at ? ", " : "", told[t].words,
					       step->target[0] ? " " : "", step->target,
					       seconds(incident->first_bad_unix_ns,
						       step->at_unix_ns));
			break;
		}
	return at;
}

static const char *proof_of(const struct sl_incident *incident)
{
	for (uint32_t i = incident->steps; i-- > 0;)
		if (!strcmp(incident->step[i].remedy, "proved"))
			return incident->step[i].text;
	return "";
}

static void tell_outcome(const struct sl_incident *incident, char *text, size_t size)
{
	switch (incident->outcome) {
	case SL_OUTCOME_HELPED:
		snprintf(text, size, "%.60s", proof_of(incident));
		text[strcspn(text, ";")] = '\0';
		break;
	case SL_OUTCOME_UNDONE:
		snprintf(text, size, "it did not help and was taken back");
		break;
	case SL_OUTCOME_HELD:
		snprintf(text, size, "nothing was done, verdict %s",
			 sl_verdict_word(incident->verdict));
		break;
	default:
		snprintf(text, size, "over before anything was proved");
		break;
	}
}

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
	size_t at = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + at, SL_TEXT_MAX - at, format, args);
	va_end(args);
}

/* Until when it suffered: the remedy that helped, else until its path was well. */
static uint64_t suffered_until_ns(const struct sl_incident *incident, uint64_t well_ns)
{
	if (incident->outcome == SL_OUTCOME_HELPED)
		return relieved_ns(incident);
	return well_ns > incident->first_bad_unix_ns ? well_ns : incident->closed_unix_ns;
}

/* What was bad, where, and for how long; of no uplink: the LAN, as it was located. */
static void tell_span(struct sl_incident *incident, uint64_t well_ns)
{
	const struct sl_path_report *path = &incident->path;
	bool seen = incident->has_path &&
		    (path->state == SL_HEALTH_DEGRADED || path->state == SL_HEALTH_DOWN);
	double span = seconds(incident->first_bad_unix_ns, suffered_until_ns(incident, well_ns));

	if (!incident->uplink[0]) {
		append(incident->text, "for %.1f s: %.120s", span, incident->located);
		return;
	}
	append(incident->text, "%s was %s on %s for %.1f s", incident->service,
	       seen ? sl_health_word(path->state) : "cut off", incident->uplink, span);
	if (seen)
		append(incident->text, " (%.44s)", path->reason);
}

/* The whole of it in one line, from the incident's own fields. */
static void tell(struct sl_incident *incident, uint64_t well_ns, const char *why)
{
	char action[100] = "", outcome[80];

	tell_action(incident, action, sizeof(action));
	tell_outcome(incident, outcome, sizeof(outcome));
	incident->text[0] = '\0';
	tell_span(incident, well_ns);
	append(incident->text, "%s%.60s; %.60s", action[0] ? "; " : "", action, outcome);
	append(incident->text, "; closed after %.0f s: %.40s",
	       seconds(incident->first_bad_unix_ns, incident->closed_unix_ns), why);
}

static void close_case(struct sl_incident *incident, uint64_t at_ns, uint64_t well_ns,
		       const char *why)
{
	incident->closed_unix_ns = at_ns;
	if (incident->outcome == SL_OUTCOME_NONE)
		incident->outcome = incident->acted_unix_ns ? SL_OUTCOME_PASSED : SL_OUTCOME_HELD;
	tell(incident, well_ns, why);
}

/* What follows the last ": " of "pos: incident 3 is over: it is back home". */
static const char *why_over(const char *text)
{
	const char *at = strstr(text, " is over: ");

	return at ? at + strlen(" is over: ") : text;
}

void sl_incident_note(struct sl_cases *cases, const struct sl_incident_fact *fact)
{
	const struct sl_event *event = fact->event;
	bool over = !strcmp(event->remedy, "resolved");
	struct sl_case *one = sl_incident_find(cases, event->incident);
	struct sl_incident *incident;

	if (!event->incident || (!one && over))
		return;
	if (!one)
		one = open_case(cases, fact);
	incident = &one->incident;
	one->version++;
	add_step(incident, event, fact->at_unix_ns);
	take_verdict(incident, event);
	take_action(incident, event, fact->at_unix_ns);
	if (event->has_decision && event->decision.fingerprint[0] && !incident->fingerprint[0])
		copy(incident->fingerprint, event->decision.fingerprint, SL_PRINT_MAX);
	if (fact->outcome)
		incident->outcome = fact->outcome;
	if (fact->outcome == SL_OUTCOME_HELPED)
		incident->proved_unix_ns = fact->at_unix_ns;
	copy(incident->text, event->text, SL_TEXT_MAX);
	if (over)
		close_case(incident, fact->at_unix_ns, fact->well_unix_ns, why_over(event->text));
}

void sl_incident_end(struct sl_cases *cases, uint64_t id, uint64_t at_unix_ns, const char *why)
{
	struct sl_case *one = sl_incident_find(cases, id);

	if (!one || one->incident.closed_unix_ns)
		return;
	one->version++;
	close_case(&one->incident, at_unix_ns, 0, why);
}

struct sl_case *sl_incident_unsent(struct sl_cases *cases, const struct sl_case *after)
{
	for (struct sl_case *one = after ? cases->one + (after - cases->one) + 1 : cases->one;
	     one < cases->one + cases->count; one++)
		if (one->sent != one->version)
			return one;
	return NULL;
}

void sl_incident_taken(struct sl_cases *cases, uint64_t id, uint32_t version)
{
	struct sl_case *one = sl_incident_find(cases, id);

	if (!one)
		return;
	one->taken = version;
	if (one->incident.closed_unix_ns && version == one->version)
		forget(cases, one);
}

void sl_incident_resend(struct sl_cases *cases, bool all)
{
	for (uint32_t i = 0; i < cases->count; i++)
		if (all || cases->one[i].taken != cases->one[i].version)
			cases->one[i].sent = 0;
}
