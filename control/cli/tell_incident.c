/*
 * tell_incident.c - an incident as a story
 */
#include "tell.h"

#include <string.h>

#define STEP 2 /* columns of an indent */

static void when(const struct sl_paper *paper, const struct sl_incident *incident, uint64_t now)
{
	char since[SL_PAPER_CLOCK_MAX], span[SL_PAPER_SPAN_MAX], end[SL_PAPER_CLOCK_MAX];
	const char *service = incident->service[0] ? incident->service : "the LAN";
	const char *on = incident->uplink[0] ? " on " : "";

	sl_paper_clock(incident->first_bad_unix_ns, now, since);
	if (incident->closed_unix_ns)
		sl_paper_say(paper, STEP, 0, "%s was bad%s%s from %s to %s (%s).", service, on,
			     incident->uplink, since,
			     sl_paper_clock(incident->closed_unix_ns, now, end),
			     sl_paper_between(incident->first_bad_unix_ns, incident->closed_unix_ns,
					      span));
	else
		sl_paper_say(paper, STEP, 0, "Open since %s (%s): %s was bad first%s%s.", since,
			     sl_paper_between(incident->first_bad_unix_ns, now, span), service, on,
			     incident->uplink);
}

static void what(const struct sl_paper *paper, const struct sl_incident *incident)
{
	char remedy[SL_TEXT_MAX], acted[SL_PAPER_SPAN_MAX], proved[SL_PAPER_SPAN_MAX];
	uint64_t from = incident->first_bad_unix_ns;

	sl_tell_remedy(incident->remedy, incident->target, remedy);
	sl_paper_between(from, incident->acted_unix_ns, acted);
	sl_paper_between(from, incident->proved_unix_ns, proved);
	if (!incident->acted_unix_ns)
		sl_paper_say(paper, STEP, 0, "Nothing was changed in the traffic%s%s.",
			     incident->remedy[0] ? "; the last word: " : "",
			     incident->remedy[0] ? remedy : "");
	else if (incident->proved_unix_ns)
		sl_paper_say(paper, STEP, 0,
			     "%s after the first bad picture it was acted on (last: %s); after %s "
			     "the SLO was kept again.",
			     acted, remedy, proved);
	else
		sl_paper_say(paper, STEP, 0,
			     "%s after the first bad picture it was acted on (last: %s); it is not "
			     "proved that it helped.",
			     acted, remedy);
}

void sl_tell_incident(const struct sl_paper *paper, const struct sl_incident *incident,
		      uint64_t now)
{
	char fault[SL_TEXT_MAX];

	when(paper, incident, now);
	sl_paper_say(paper, STEP, 0, "%s%s%s.",
		     sl_tell_fault(incident->verdict, incident->uplink, fault),
		     incident->located[0] ? ": " : "", incident->located);
	if (incident->text[0])
		sl_paper_say(paper, STEP, 0, "%s.", incident->text);
	what(paper, incident);
	if (incident->outcome || (incident->acted_unix_ns && !incident->proved_unix_ns))
		sl_paper_say(paper, STEP, 0, "%s.", sl_tell_outcome(incident->outcome));
}

/* What happened, in the order of time; of the same time, in the order added. */
struct moments {
	uint32_t count;
	struct moment {
		uint64_t at_unix_ns;
		char text[SL_TEXT_MAX * 2 + 8];
	} moment[SL_WIRE_STEPS_MAX + 4];
};

static void add(struct moments *moments, uint64_t at_unix_ns, const char *text)
{
	uint32_t i = moments->count;

	if (!at_unix_ns)
		return;
	for (; i && moments->moment[i - 1].at_unix_ns > at_unix_ns; i--)
		moments->moment[i] = moments->moment[i - 1];
	moments->moment[i].at_unix_ns = at_unix_ns;
	snprintf(moments->moment[i].text, sizeof(moments->moment[i].text), "%s", text);
	moments->count++;
}

static void print(const struct sl_paper *paper, uint64_t first, const struct moment *moment,
		  uint64_t now)
{
	char clock[SL_PAPER_CLOCK_MAX], span[SL_PAPER_SPAN_MAX] = "", after[SL_PAPER_SPAN_MAX + 1];

	if (moment->at_unix_ns > first)
		sl_paper_between(first, moment->at_unix_ns, span);
	snprintf(after, sizeof(after), "%s%s", span[0] ? "+" : "", span);
	sl_paper_say(paper, STEP, 28, "%s.%03u %12s  %s",
		     sl_paper_clock(moment->at_unix_ns, now, clock),
		     (unsigned int)(moment->at_unix_ns / 1000000 % 1000), after, moment->text);
}

static bool has_step(const struct sl_incident *incident, const char *remedy)
{
	for (uint32_t i = 0; i < incident->steps; i++)
		if (!strcmp(incident->step[i].remedy, remedy))
			return true;
	return false;
}

void sl_tell_timeline(const struct sl_paper *paper, const struct sl_incident *incident,
		      uint64_t now)
{
	struct moments moments = {.count = 0};
	char text[SL_TEXT_MAX * 2 + 8], remedy[SL_TEXT_MAX];

	add(&moments, incident->first_bad_unix_ns, "the first bad picture");
	add(&moments, incident->opened_unix_ns, "opened");
	for (uint32_t i = 0; i < incident->steps; i++) {
		const struct sl_incident_step *step = &incident->step[i];

		snprintf(text, sizeof(text), "%s%s%s",
			 sl_tell_remedy(step->remedy, step->target, remedy),
			 step->text[0] ? ": " : "", step->text);
		add(&moments, step->at_unix_ns, text);
	}
	if (!has_step(incident, "proved"))
		add(&moments, incident->proved_unix_ns, "the SLO is kept again");
	if (!has_step(incident, "resolved"))
		add(&moments, incident->closed_unix_ns, "over");
	for (uint32_t i = 0; i < moments.count; i++)
		print(paper, incident->first_bad_unix_ns, &moments.moment[i], now);
}
