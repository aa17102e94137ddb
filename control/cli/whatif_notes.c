/*
 * whatif_notes.c - what the figures of a what-if can say, and what they cannot
 */
#include "whatif.h"

#include "paper.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct sl_policy *sl_stories_policy(const struct sl_stories *all, enum sl_story which)
{
	return which == SL_STORY_NEW ? all->file : all->now;
}

const struct sl_whatif_tally *sl_stories_tally(const struct sl_stories *all, enum sl_story which,
					       const char *service)
{
	int index = sl_policy_service_index(sl_stories_policy(all, which), service);

	return index < 0 || index == SL_POLICY_OTHER ? NULL : &all->result[which]->service[index];
}

bool sl_stories_wants(const struct sl_stories *all, const char *service)
{
	return !all->cli->service || !strcmp(all->cli->service, service);
}

__attribute__((format(printf, 2, 3))) static void note(struct sl_notes *notes, const char *format,
						       ...)
{
	va_list args;

	if (notes->count == SL_NOTES_MAX)
		return;
	va_start(args, format);
	if (vasprintf(&notes->line[notes->count], format, args) >= 0)
		notes->count++;
	va_end(args);
}

static void note_record(const struct sl_stories *all, struct sl_notes *notes)
{
	const struct sl_whatif_result *result = all->result[SL_STORY_HAPPENED];
	uint64_t asked_s = (all->to_ns - all->from_ns) / SL_WHATIF_SECOND_NS, now = sl_paper_now();
	char clock[SL_PAPER_CLOCK_MAX], span[SL_PAPER_SPAN_MAX];

	if (!all->begins_ns) {
		note(notes, "Nothing is recorded: the dataplane writes a roll-up each second.");
		return;
	}
	if (all->begins_ns > all->from_ns + 2 * SL_WHATIF_SECOND_NS)
		note(notes,
		     "History begins at %s: before that nothing is kept. The policy's history.keep "
		     "says how much is.",
		     sl_paper_clock(all->begins_ns, now, clock));
	note(notes, "%u of %llu seconds are on record.", result->rollups,
	     (unsigned long long)asked_s);
	if (result->gaps)
		note(notes,
		     "%u gaps, of %s together, are in it: of them nothing is said, and decisions "
		     "begin anew after each.",
		     result->gaps, sl_paper_span(result->gap_s * SL_WHATIF_SECOND_NS, span));
	if (result->doubled)
		note(notes,
		     "%u roll-ups were left out: their second was told already (the clock "
		     "was set back?).",
		     result->doubled);
	if (all->unreadable)
		note(notes, "%u roll-ups could not be read.", all->unreadable);
	if (result->restarts)
		note(notes, "The dataplane began anew %u times.", result->restarts);
	if (result->barred_s)
		note(notes, "For %s a person had frozen or bypassed everything; so it is replayed.",
		     sl_paper_span(result->barred_s * SL_WHATIF_SECOND_NS, span));
}

static void note_policies(const struct sl_stories *all, struct sl_notes *notes)
{
	char span[SL_PAPER_SPAN_MAX];

	if (all->other_version_s)
		note(notes,
		     "For %s another version than %llu was in force; IN FORCE replays version "
		     "%llu over all of it.",
		     sl_paper_span(all->other_version_s * SL_WHATIF_SECOND_NS, span),
		     (unsigned long long)all->version, (unsigned long long)all->version);
	if (all->now->mode != SL_MODE_ENFORCE)
		note(notes, "The policy in force is in mode %s: its replay moves nothing.",
		     sl_mode_word(all->now->mode));
	if (all->file->mode != SL_MODE_ENFORCE)
		note(notes,
		     "%s is in mode %s, so it moves nothing; what it would do is told when "
		     "it says mode: enforce.",
		     all->cli->policy, sl_mode_word(all->file->mode));
	for (uint32_t u = 0; u < all->file->uplinks; u++)
		if (all->file->uplink[u].dscp == SL_DSCP_HONOURED)
			note(notes,
			     "What a mark does on %s no record tells: a limit is replayed in its "
			     "place.",
			     all->file->uplink[u].name);
	if (strcmp(all->file->site, all->cli->site) != 0)
		note(notes, "%s is of site %s.", all->cli->policy, all->file->site);
}

/* Does a line of the policies' difference begin with "services.NAME.match"? */
static bool claims_change(const char *changes, const char *name)
{
	char begin[SL_NAME_MAX + 20];

	snprintf(begin, sizeof(begin), "services.%s.match", name);
	for (const char *line = changes; line && *line; line += line[0] == '\n') {
		if (!strncmp(line, begin, strlen(begin)))
			return true;
		line += strcspn(line, "\n");
	}
	return false;
}

static bool same_slo(const struct sl_policy_service *a, const struct sl_policy_service *b)
{
	return a->has_slo == b->has_slo && !memcmp(&a->slo, &b->slo, sizeof(a->slo));
}

static void note_service(const struct sl_stories *all, const struct sl_policy_service *service,
			 const char *changes, struct sl_notes *notes)
{
	int index = sl_policy_service_index(all->now, service->name);
	const struct sl_policy_service *was;

	if (index < 0) {
		note(notes, "%s is not in the policy in force: the record does not know it.",
		     service->name);
		return;
	}
	was = &all->now->service[index];
	if (claims_change(changes, service->name))
		note(notes,
		     "What %s claims (match) is not the same: the record has it by the old rules.",
		     service->name);
	if (!same_slo(was, service))
		note(notes,
		     "The SLO of %s is not the same: all columns count by the one of %s, from the "
		     "percentiles that a roll-up has.",
		     service->name, all->cli->policy);
}

static void note_people(const struct sl_stories *all, struct sl_notes *notes)
{
	uint32_t moves = 0;

	for (uint32_t s = 0; s < all->now->services; s++)
		moves += all->result[SL_STORY_HAPPENED]->service[s].by_people;
	if (moves)
		note(notes,
		     "%u changes of uplink were made by people: they are not counted as "
		     "moves, and are made in each replay as well.",
		     moves);
}

/* What kept the new policy from acting: the last reason of each service. */
static void note_held(const struct sl_stories *all, struct sl_notes *notes)
{
	const struct sl_whatif_result *result = all->result[SL_STORY_NEW];

	for (uint32_t s = 0; s < all->file->services && notes->count < SL_NOTES_MAX - 6; s++)
		if (result->service[s].holds && sl_stories_wants(all, all->file->service[s].name))
			note(notes, "With %s %s would have been held back %u times, the last: %s.",
			     all->cli->policy, all->file->service[s].name, result->service[s].holds,
			     result->held[s]);
}

static bool any(const struct sl_stories *all, uint32_t (*of)(const struct sl_whatif_tally *tally))
{
	for (uint32_t s = 0; s < all->file->services; s++)
		if (of(&all->result[SL_STORY_NEW]->service[s]))
			return true;
	return false;
}

static uint32_t estimated(const struct sl_whatif_tally *tally)
{
	return tally->out_s[SL_WHATIF_ESTIMATED] + tally->kept_s[SL_WHATIF_ESTIMATED];
}

static uint32_t unknown(const struct sl_whatif_tally *tally)
{
	return tally->unknown_s;
}

static uint32_t limits(const struct sl_whatif_tally *tally)
{
	return tally->limits;
}

static bool any_metered(const struct sl_policy *policy)
{
	for (uint32_t u = 0; u < policy->uplinks; u++)
		if (policy->uplink[u].metered)
			return true;
	return false;
}

static void note_limits_of_it(const struct sl_stories *all, struct sl_notes *notes)
{
	note(notes,
	     "HAPPENED is counted from the roll-ups, so what came and went within a second is "
	     "not in it; its incidents are those that Redis keeps.");
	note(notes, "A roll-up knows each path with the traffic that was on it. A second is known "
		    "where a service would have been where it really was.");
	if (any(all, estimated))
		note(notes, "Estimated (~) is what it would have met elsewhere: what that uplink "
			    "measured then for it, else for others there, under its own amount of "
			    "traffic. What the moved traffic does to them is not in it.");
	if (any(all, unknown))
		note(notes, "Unknown: nobody was there to measure it, or its far end may have been "
			    "ill, or a rate limit was not as it would have been. Count it as out "
			    "of SLO to be sure.");
	if (any(all, limits))
		note(notes, "What a rate limit would have done to others is not known, so the time "
			    "under one that was not set then is unknown.");
	note(notes, "How far IN FORCE is from HAPPENED is how far the replay is from life: it sees "
		    "seconds where control sees tenths, acts up to 2 s later, and its memory "
		    "of incidents begins empty.");
	if (any_metered(all->file))
		note(notes, "Bytes are those of the roll-ups' rates. Of a move that leaves live "
			    "flows where they are all are counted on the new uplink as well, so "
			    "they are at most that. What a month had used before is not known to "
			    "the replay.");
}

void sl_stories_notes(const struct sl_stories *all, struct sl_notes *notes)
{
	char *changes = sl_policy_diff(all->now, all->file);

	note_record(all, notes);
	note_policies(all, notes);
	for (uint32_t s = 0; s < all->file->services && notes->count < SL_NOTES_MAX / 2; s++)
		if (sl_stories_wants(all, all->file->service[s].name))
			note_service(all, &all->file->service[s], changes, notes);
	note_people(all, notes);
	note_held(all, notes);
	note_limits_of_it(all, notes);
	free(changes);
}

void sl_notes_free(struct sl_notes *notes)
{
	while (notes->count)
		free(notes->line[--notes->count]);
}
