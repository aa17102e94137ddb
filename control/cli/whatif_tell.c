/*
 * whatif_tell.c - a what-if as a table with its notes, and as JSON
 */
#include "whatif.h"

#include "paper.h"
#include "print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CELL       24
#define MOVES_TOLD 12

typedef void (*cell)(const struct sl_whatif_tally *tally, char text[CELL]);

static void put_count(uint32_t count, char text[CELL])
{
	snprintf(text, CELL, "%u", count);
}

static void put_seconds(uint32_t seconds, const char *mark, char text[CELL])
{
	char span[SL_PAPER_SPAN_MAX];

	if (seconds)
		snprintf(text, CELL, "%s%.20s", mark,
			 sl_paper_span(seconds * SL_WHATIF_SECOND_NS, span));
	else
		snprintf(text, CELL, "0");
}

static void moves(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_count(tally->moves, text);
}

static void flaps(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_count(tally->flaps, text);
}

static void trials(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_count(tally->trials, text);
}

static void limits(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_count(tally->limits, text);
}

static void holds(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_count(tally->holds, text);
}

static void out_known(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->out_s[SL_WHATIF_KNOWN], "", text);
}

static void out_estimated(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->out_s[SL_WHATIF_ESTIMATED], "~", text);
}

static void kept_known(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->kept_s[SL_WHATIF_KNOWN], "", text);
}

static void kept_estimated(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->kept_s[SL_WHATIF_ESTIMATED], "~", text);
}

static void idle(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->idle_s, "", text);
}

static void unknown(const struct sl_whatif_tally *tally, char text[CELL])
{
	put_seconds(tally->unknown_s, "", text);
}

static const struct {
	const char *name;
	cell put;
	bool always; /* else only where one of the columns has any */
} rows[] = {
	{"moves", moves, true},
	{"flaps", flaps, true},
	{"trials", trials, false},
	{"rate limits", limits, false},
	{"held back", holds, false},
	{"out of SLO", out_known, true},
	{"  estimated", out_estimated, false},
	{"unknown", unknown, true},
	{"SLO kept", kept_known, false},
	{"  estimated", kept_estimated, false},
	{"too quiet to tell", idle, false},
};

static void print_row(const char *first, const char *name, char text[SL_STORIES][CELL])
{
	printf("%-16.16s %-18s %16s %16s %16s\n", first, name, text[0], text[1], text[2]);
}

static void print_service(const struct sl_stories *all, const char *name)
{
	bool told = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[SL_STORIES][CELL];
		bool has = rows[i].always;

		for (int which = 0; which < SL_STORIES; which++) {
			const struct sl_whatif_tally *tally =
				sl_stories_tally(all, (enum sl_story)which, name);

			snprintf(text[which], CELL, "-");
			if (tally)
				rows[i].put(tally, text[which]);
			has |= tally && strcmp(text[which], "0") != 0;
		}
		if (!has)
			continue;
		print_row(told ? "" : name, rows[i].name, text);
		told = true;
	}
}

static void put_bytes(uint64_t bytes, char text[CELL])
{
	if (bytes >= 10000000000u)
		snprintf(text, CELL, "%.1f GB", (double)bytes / 1e9);
	else if (bytes >= 10000000)
		snprintf(text, CELL, "%.1f MB", (double)bytes / 1e6);
	else
		snprintf(text, CELL, "%.1f KB", (double)bytes / 1e3);
}

static void print_uplink(const struct sl_stories *all, const char *name)
{
	char text[SL_STORIES][CELL], moved[SL_STORIES][CELL];
	bool any_moved = false;

	for (int which = 0; which < SL_STORIES; which++) {
		int u = sl_policy_uplink_index(sl_stories_policy(all, (enum sl_story)which), name);

		snprintf(text[which], CELL, "-");
		snprintf(moved[which], CELL, "-");
		if (u < 0)
			continue;
		put_bytes(all->result[which]->bytes[u], text[which]);
		put_bytes(all->result[which]->moved_bytes[u], moved[which]);
		any_moved |= all->result[which]->moved_bytes[u] != 0;
	}
	print_row(name, "bytes, both ways", text);
	if (any_moved)
		print_row("", "  by other moves", moved);
}

/* In the file's order, then those that it has no more. */
static void print_table(const struct sl_stories *all)
{
	const struct sl_policy *file = all->file, *now = all->now;

	for (uint32_t s = 0; s < file->services; s++)
		if (sl_stories_wants(all, file->service[s].name))
			print_service(all, file->service[s].name);
	for (uint32_t s = 0; s < now->services; s++)
		if (sl_stories_wants(all, now->service[s].name) &&
		    sl_policy_service_index(file, now->service[s].name) < 0)
			print_service(all, now->service[s].name);
	for (uint32_t u = 0; u < file->uplinks; u++)
		if (file->uplink[u].metered)
			print_uplink(all, file->uplink[u].name);
}

static void print_moves(const struct sl_stories *all, const struct sl_paper *paper)
{
	const struct sl_whatif_result *result = all->result[SL_STORY_NEW];
	uint32_t kept = result->moves < SL_WHATIF_MOVES ? result->moves : SL_WHATIF_MOVES;
	uint32_t told = 0;
	char clock[SL_PAPER_CLOCK_MAX];

	for (uint32_t i = 0; i < kept && told < MOVES_TOLD; i++) {
		const struct sl_whatif_move *move = &result->move[i];

		if (!sl_stories_wants(all, move->service))
			continue;
		if (!told++) {
			fputc('\n', stdout);
			sl_paper_head(paper, "MOVES WITH %s, the first", all->cli->policy);
		}
		sl_paper_say(paper, 2, 2, "%s %s from %s to %s: %s",
			     sl_paper_clock(move->at_unix_ns, sl_paper_now(), clock), move->service,
			     move->from, move->to, move->why);
	}
}

void sl_stories_print(const struct sl_stories *all, const struct sl_notes *notes)
{
	const struct sl_paper paper = sl_paper_stdout();
	char from[SL_PAPER_CLOCK_MAX], to[SL_PAPER_CLOCK_MAX];
	uint64_t now = sl_paper_now();

	sl_paper_head(&paper, "WHAT IF %s had been in force at %s from %s to %s", all->cli->policy,
		      all->cli->site, sl_paper_clock(all->from_ns, now, from),
		      sl_paper_clock(all->to_ns, now, to));
	if (all->result[SL_STORY_HAPPENED]->rollups) {
		fputc('\n', stdout);
		sl_paper_head(&paper, "%-16s %-18s %16s %16s %16s", "", "", "HAPPENED", "IN FORCE",
			      "NEW");
		print_table(all);
		printf("%-16s %-18s %16u %16llu %16llu\n", "incidents", "", all->incidents,
		       (unsigned long long)all->result[SL_STORY_IN_FORCE]->incidents,
		       (unsigned long long)all->result[SL_STORY_NEW]->incidents);
		print_moves(all, &paper);
	}
	fputc('\n', stdout);
	for (uint32_t i = 0; i < notes->count; i++)
		sl_paper_say(&paper, 0, 2, "- %s", notes->line[i]);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *service_json(const struct sl_whatif_tally *tally, const char *name, bool seen)
{
	return json_pack("{s:s,s:b,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "service",
			 name, "recorded", seen, "moves", (int)tally->moves, "flaps",
			 (int)tally->flaps, "trials", (int)tally->trials, "limits",
			 (int)tally->limits, "by_people", (int)tally->by_people, "holds",
			 (int)tally->holds, "out_s", (int)tally->out_s[SL_WHATIF_KNOWN],
			 "out_estimated_s", (int)tally->out_s[SL_WHATIF_ESTIMATED], "kept_s",
			 (int)tally->kept_s[SL_WHATIF_KNOWN], "kept_estimated_s",
			 (int)tally->kept_s[SL_WHATIF_ESTIMATED], "idle_s", (int)tally->idle_s,
			 "unknown_s", (int)tally->unknown_s);
}

static json_t *moves_json(const struct sl_stories *all, const struct sl_whatif_result *result)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < result->moves && i < SL_WHATIF_MOVES; i++) {
		const struct sl_whatif_move *move = &result->move[i];

		if (sl_stories_wants(all, move->service))
			json_array_append_new(list,
					      json_pack("{s:I,s:s,s:s,s:s,s:s}", "at_unix_ns",
							(json_int_t)move->at_unix_ns, "service",
							move->service, "from", move->from, "to",
							move->to, "why", move->why));
	}
	return list;
}

static json_t *story_json(const struct sl_stories *all, enum sl_story which)
{
	const struct sl_policy *policy = sl_stories_policy(all, which);
	const struct sl_whatif_result *result = all->result[which];
	json_t *services = json_array(), *uplinks = json_array();

	for (uint32_t s = 0; s < policy->services; s++)
		if (sl_stories_wants(all, policy->service[s].name))
			json_array_append_new(services, service_json(&result->service[s],
								     policy->service[s].name,
								     result->seen[s]));
	for (uint32_t u = 0; u < policy->uplinks; u++)
		json_array_append_new(uplinks, json_pack("{s:s,s:b,s:o,s:o}", "uplink",
							 policy->uplink[u].name, "metered",
							 policy->uplink[u].metered, "bytes",
							 number(result->bytes[u]), "moved_bytes",
							 number(result->moved_bytes[u])));
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "services", services, "uplinks", uplinks,
			 "incidents",
			 number(which == SL_STORY_HAPPENED ? all->incidents : result->incidents),
			 "moves_total", number(result->moves), "moves", moves_json(all, result));
}

int sl_stories_json(const struct sl_stories *all, const struct sl_notes *notes)
{
	const struct sl_whatif_result *result = all->result[SL_STORY_HAPPENED];
	json_t *lines = json_array(), *made;
	char *text;

	for (uint32_t i = 0; i < notes->count; i++)
		json_array_append_new(lines, json_string(notes->line[i]));
	made = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:i,s:i,s:o,s:o,s:i,s:f,s:o,s:o,s:o,s:o}",
			 "site", all->cli->site, "file", all->cli->policy, "from_unix_ns",
			 number(all->from_ns), "to_unix_ns", number(all->to_ns),
			 "history_begins_unix_ns", number(all->begins_ns), "version",
			 number(all->version), "recorded_s", (int)result->rollups, "gaps",
			 (int)result->gaps, "missing_s", number(result->gap_s), "other_version_s",
			 number(all->other_version_s), "unreadable", (int)all->unreadable, "took_s",
			 all->took_s, "happened", story_json(all, SL_STORY_HAPPENED), "in_force",
			 story_json(all, SL_STORY_IN_FORCE), "new", story_json(all, SL_STORY_NEW),
			 "notes", lines);
	text = made ? json_dumps(made, JSON_COMPACT) : NULL;
	json_decref(made);
	if (!text)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(text);
	free(text);
	return SL_CLI_OK;
}
