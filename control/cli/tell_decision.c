/*
 * tell_decision.c - a decision, and why it fell so
 */
#include "tell.h"

#include <string.h>

#define STEP 2 /* columns of an indent */

const char *sl_tell_fault(enum sl_verdict verdict, const char *uplink, char text[SL_TEXT_MAX])
{
	static const char *const where[SL_VERDICT_COUNT] = {
		[SL_VERDICT_UNKNOWN] = "Where the fault is cannot be told",
		[SL_VERDICT_LAN] = "The fault is in the store's own network",
		[SL_VERDICT_UPLINK] = "The fault is on the uplink",
		[SL_VERDICT_DESTINATION] = "The fault is at the destination, not in the store",
		[SL_VERDICT_DNS] = "The fault is in the resolution of names (DNS)",
		[SL_VERDICT_SELF] = "The fault is in this box itself",
	};

	snprintf(text, SL_TEXT_MAX, "%s%s%s",
		 verdict < SL_VERDICT_COUNT ? where[verdict] : where[0],
		 verdict == SL_VERDICT_UPLINK && uplink[0] ? " " : "",
		 verdict == SL_VERDICT_UPLINK ? uplink : "");
	return text;
}

/* How a remedy reads before its target. */
static const struct {
	const char *remedy, *before, *alone;
} remedies[] = {
	{"reroute", "reroute to ", "reroute"},
	{"fast-reroute", "reroute at once to ", "reroute at once"},
	{"canary", "try a share on ", "try a share elsewhere"},
	{"trial", "try a share on ", "try a share elsewhere"},
	{"throttle", "throttle ", "throttle"},
	{"remark", "another DSCP for ", "another DSCP"},
	{"clamp-mss", "smaller packets on ", "smaller packets"},
	{"revert", "take back the policy of ", "take back the policy"},
	{"restore", "back to ", "back to what the policy says"},
	{"undo", "undo, back to ", "undo"},
	{"hold", "do nothing (stay on ", "do nothing"},
	{"notify", "tell people about ", "tell people"},
	{"proved", "proved to help, on ", "proved to help"},
	{"resolved", "over, on ", "over"},
};

const char *sl_tell_remedy(const char *remedy, const char *target, char text[SL_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		if (strcmp(remedies[i].remedy, remedy))
			continue;
		snprintf(text, SL_TEXT_MAX, "%s%s%s",
			 target[0] ? remedies[i].before : remedies[i].alone, target,
			 target[0] && strchr(remedies[i].before, '(') ? ")" : "");
		return text;
	}
	snprintf(text, SL_TEXT_MAX, "%s%s%s", remedy[0] ? remedy : "nothing", target[0] ? " " : "",
		 target);
	return text;
}

const char *sl_tell_outcome(enum sl_outcome outcome)
{
	static const char *const said[SL_OUTCOME_COUNT] = {
		[SL_OUTCOME_NONE] = "What came of it is not known yet",
		[SL_OUTCOME_HELPED] = "It helped: the SLO was kept after the remedy, with samples",
		[SL_OUTCOME_UNDONE] = "The remedy did not help, and was taken back",
		[SL_OUTCOME_HELD] = "Nothing was done, on purpose",
		[SL_OUTCOME_PASSED] = "It was over before anything was proved",
	};

	return outcome < SL_OUTCOME_COUNT ? said[outcome] : said[0];
}

static void number(const struct sl_paper *paper, const struct sl_decision_input *input, int wide)
{
	char what[64], value[SL_PAPER_VALUE_MAX], text[SL_PAPER_VALUE_MAX];

	fprintf(paper->to, "%*s%-*s %12s", STEP * 2, "", wide,
		sl_paper_measure(input->name, what, sizeof(what)),
		sl_paper_value(input->name, input->value, value));
	if (input->limit)
		fprintf(paper->to, "   limit %-9s",
			sl_paper_value(input->name, input->limit, text));
	else if (input->usual || input->samples)
		fprintf(paper->to, "%18s", "");
	if (input->usual)
		fprintf(paper->to, "   usual %-9s",
			sl_paper_value(input->name, input->usual, text));
	else if (input->samples)
		fprintf(paper->to, "%18s", "");
	if (input->samples)
		fprintf(paper->to, "   %u samples", input->samples);
	fputc('\n', paper->to);
}

static void numbers(const struct sl_paper *paper, const struct sl_decision *decision)
{
	int wide = 0;

	for (uint32_t i = 0; i < decision->inputs; i++) {
		char what[64];
		int length =
			(int)strlen(sl_paper_measure(decision->input[i].name, what, sizeof(what)));

		wide = length > wide ? length : wide;
	}
	if (decision->inputs)
		sl_paper_say(paper, STEP, 0, "What it rests on:");
	for (uint32_t i = 0; i < decision->inputs; i++)
		number(paper, &decision->input[i], wide);
}

static void option(const struct sl_paper *paper, const struct sl_decision_option *option)
{
	char remedy[SL_TEXT_MAX];

	sl_paper_say(paper, STEP * 2, STEP, "%s %s%s%s", option->chosen ? "taken:" : "not:",
		     sl_tell_remedy(option->remedy, option->target, remedy),
		     option->why[0] ? " - " : "", option->why);
}

static void options(const struct sl_paper *paper, const struct sl_decision *decision)
{
	if (decision->options)
		sl_paper_say(paper, STEP, 0, "What was weighed:");
	for (uint32_t i = 0; i < decision->options; i++)
		if (decision->option[i].chosen)
			option(paper, &decision->option[i]);
	for (uint32_t i = 0; i < decision->options; i++)
		if (!decision->option[i].chosen)
			option(paper, &decision->option[i]);
}

static void heading(const struct sl_paper *paper, const struct sl_event *event, uint64_t now)
{
	char clock[SL_PAPER_CLOCK_MAX], remedy[SL_TEXT_MAX], number_of[48] = "", who[48] = "";
	const char *target = event->to_uplink[0] ? event->to_uplink : "";

	if (!target[0] && (!strcmp(event->remedy, "throttle") || !strcmp(event->remedy, "remark")))
		target = event->service;
	if (!strcmp(event->remedy, "clamp-mss"))
		target = event->uplink;
	if (event->incident)
		snprintf(number_of, sizeof(number_of), " (incident %llu)",
			 (unsigned long long)event->incident);
	if (strcmp(event->source, "control"))
		snprintf(who, sizeof(who), ", by the %s itself", event->source);
	sl_paper_head(paper, "%s.%03u  %s%s%s", sl_paper_clock(event->at_unix_ns, now, clock),
		      (unsigned int)(event->at_unix_ns / 1000000 % 1000),
		      sl_tell_remedy(event->remedy, target, remedy), who, number_of);
}

/* The way back, a proof and an end are no verdicts: they only carry one. */
static bool has_verdict(const struct sl_event *event)
{
	return event->verdict && strcmp(event->remedy, "restore") != 0 &&
	       strcmp(event->remedy, "proved") != 0 && strcmp(event->remedy, "resolved") != 0;
}

void sl_tell_decision(const struct sl_paper *paper, const struct sl_event *event, uint64_t now)
{
	const struct sl_decision *decision = &event->decision;
	const char *located = event->has_decision ? decision->located : "";
	char fault[SL_TEXT_MAX];

	heading(paper, event, now);
	if (event->text[0])
		sl_paper_say(paper, STEP, 0, "%s.", event->text);
	if (located[0] || has_verdict(event))
		sl_paper_say(paper, STEP, 0, "%s%s%s.",
			     sl_tell_fault(event->verdict, event->uplink, fault),
			     located[0] ? ": " : "", located);
	if (!event->has_decision)
		return;
	numbers(paper, decision);
	options(paper, decision);
	if (decision->guardrail[0])
		sl_paper_say(paper, STEP, 0, "Held back by a guardrail: %s.", decision->guardrail);
	if (decision->remembered[0])
		sl_paper_say(paper, STEP, 0, "Memory: %s.", decision->remembered);
	else if (decision->fingerprint[0])
		sl_paper_say(paper, STEP, 0, "Memory: nothing is known yet of such an incident.");
	if (decision->fingerprint[0])
		sl_paper_say(paper, STEP, STEP, "Fingerprint: %s", decision->fingerprint);
}
