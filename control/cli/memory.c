/*
 * memory.c - storeline memory [show FINGERPRINT | export | import FILE]
 */
#include "learnt.h"
#include "past.h"
#include "print.h"
#include "tell.h"

#include "proto/bus.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void row(const struct sl_memory_entry *entry, const char *place, uint64_t now)
{
	char remedy[SL_TEXT_MAX], repair[SL_PAPER_SPAN_MAX] = "-", last[SL_PAPER_CLOCK_MAX] = "-";

	if (entry->helped)
		sl_paper_span(entry->repair_ms * UINT64_C(1000000), repair);
	if (entry->last_unix_ns)
		sl_paper_clock(entry->last_unix_ns, now, last);
	printf("  %-26.26s %7u %7u %8.0f %% %12s  %-19s  %s\n",
	       sl_tell_remedy(entry->remedy, entry->target, remedy), entry->helped, entry->failed,
	       sl_learnt_chance(entry) * 100, repair, last, place);
}

static void heading(const char *place)
{
	const struct sl_paper paper = sl_paper_stdout();

	sl_paper_head(&paper, "  %-26s %7s %7s %10s %12s  %-19s  %s", "REMEDY", "HELPED", "FAILED",
		      "CHANCE", "MEAN REPAIR", "LAST", place);
}

static int put(json_t *all)
{
	char *text = all ? json_dumps(all, JSON_COMPACT) : NULL;

	json_decref(all);
	if (!text)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(text);
	free(text);
	return SL_CLI_OK;
}

static int put_learnt(const struct sl_learnt *list, uint32_t count)
{
	json_t *all = json_array();

	for (uint32_t i = 0; i < count; i++) {
		const struct sl_memory_entry *entry = &list[i].entry;

		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:I,s:I,s:f,s:I,s:I,s:I}",
						     "fingerprint", entry->fingerprint, "remedy",
						     entry->remedy, "target", entry->target,
						     "helped", (json_int_t)entry->helped, "failed",
						     (json_int_t)entry->failed, "chance",
						     sl_learnt_chance(entry), "repair_ms",
						     (json_int_t)entry->repair_ms, "last_unix_ns",
						     (json_int_t)entry->last_unix_ns, "sites",
						     (json_int_t)list[i].sites));
	}
	return put(all);
}

static int table(const struct sl_past *past, bool json)
{
	struct sl_learnt *list = NULL;
	uint32_t count = 0;
	uint64_t now = sl_paper_now();
	int code = SL_CLI_OK;

	for (uint32_t i = 0; i < past->memories; i++)
		for (uint32_t k = 0; k < past->memory[i].entries; k++)
			if (sl_learnt_add(&list, &count, &past->memory[i].entry[k]))
				code = sl_cli_fail(SL_CLI_ERROR, "out of memory");
	sl_learnt_sort(list, count);
	if (json && !code)
		code = put_learnt(list, count);
	else if (!count && !code)
		puts("nothing has been learnt yet");
	for (uint32_t i = 0; i < count && !json; i++) {
		char sites[16];

		if (!i)
			heading("SITES");
		if (!i || strcmp(list[i].entry.fingerprint, list[i - 1].entry.fingerprint) != 0)
			puts(list[i].entry.fingerprint);
		snprintf(sites, sizeof(sites), "%u", list[i].sites);
		row(&list[i].entry, sites, now);
	}
	free(list);
	return code;
}

static int one(const struct sl_past *past, const struct sl_cli *cli)
{
	const char *print = cli->word[1];
	uint64_t now = sl_paper_now();
	json_t *all = json_array();
	uint32_t found = 0;

	for (uint32_t i = 0; i < past->memories; i++) {
		const struct sl_memory_report *report = &past->memory[i];

		for (uint32_t k = 0; k < report->entries; k++) {
			if (strcmp(report->entry[k].fingerprint, print) != 0)
				continue;
			if (!found++ && !cli->json)
				heading("SITE");
			if (!cli->json)
				row(&report->entry[k], report->site, now);
			json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:I,s:I}", "site",
							     report->site, "remedy",
							     report->entry[k].remedy, "target",
							     report->entry[k].target, "helped",
							     (json_int_t)report->entry[k].helped,
							     "failed",
							     (json_int_t)report->entry[k].failed));
		}
	}
	if (found && cli->json)
		return put(all);
	json_decref(all);
	return found ? SL_CLI_OK
		     : sl_cli_fail(SL_CLI_NOT_FOUND, "nothing has been learnt of %s", print);
}

static int export(const struct sl_past *past)
{
	json_t *sites = json_array();

	for (uint32_t i = 0; i < past->memories; i++) {
		char *line = sl_wire_json_memory(&past->memory[i]);

		json_array_append_new(sites, line ? json_loads(line, 0, NULL) : NULL);
		free(line);
	}
	return put(json_pack("{s:i,s:I,s:o}", "storeline_memory", 1, "exported_unix_ns",
			     (json_int_t)sl_paper_now(), "sites", sites));
}

static void on_taken(void *arg, int err, const char *text)
{
	struct sl_past *past = arg;

	past->waiting--;
	past->failed = err != 0;
}

static int share(struct sl_session *session, const struct sl_memory_report *report)
{
	struct sl_past past = {.session = session, .waiting = 1};
	int code = sl_session_connect(session);

	if (code)
		return code;
	past.losses = session->losses;
	if (sl_bus_share_memory(session->bus, report, on_taken, &past))
		return sl_cli_fail(SL_CLI_TIMEOUT, "no Redis at %s", session->cli->redis);
	return sl_past_wait(&past, session);
}

/* The file is read whole before anything is asked of Redis. */
static int import(struct sl_session *session, const char *file)
{
	struct sl_memory_report *report = calloc(1, sizeof(*report));
	char why[SL_TEXT_MAX * 2];
	uint32_t left_out = 0;
	int code;

	if (!report)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	report->at_unix_ns = sl_paper_now();
	if (sl_learnt_read(report, file, &left_out, why)) {
		fprintf(stderr, "%s\n", why);
		free(report);
		return SL_CLI_USAGE;
	}
	code = share(session, report);
	if (!code && left_out)
		fprintf(stderr, "storeline: no room for %u entries, those tried least\n", left_out);
	if (!code && session->cli->json)
		code = put(json_pack("{s:s,s:I,s:I}", "site", report->site, "entries",
				     (json_int_t)report->entries, "left_out",
				     (json_int_t)left_out));
	else if (!code)
		printf("%u entries are now in the fleet's memory as those of %s\n", report->entries,
		       report->site);
	free(report);
	return code;
}

static int read_back(const struct sl_cli *cli, struct sl_session *session, struct sl_past *past)
{
	int code = sl_session_connect(session);

	if (!code) {
		sl_past_ask_memory(past, session);
		code = sl_past_wait(past, session);
	}
	if (code)
		return code;
	if (!cli->words)
		return table(past, cli->json);
	return cli->words == 2 ? one(past, cli) : export(past);
}

static bool words_are(const struct sl_cli *cli, unsigned int words, const char *first)
{
	return cli->words == words && (!words || !strcmp(cli->word[0], first));
}

int sl_cli_memory(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct sl_past past = {0};
	bool reads = words_are(cli, 2, "import");
	int code = SL_CLI_ERROR;

	if (!session)
		return code;
	if (!reads && !words_are(cli, 0, "") && !words_are(cli, 1, "export") &&
	    !words_are(cli, 2, "show"))
		code = sl_cli_fail(SL_CLI_USAGE, "usage: storeline memory %s", cli->verb->synopsis);
	else
		code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		code = reads ? import(session, cli->word[1]) : read_back(cli, session, &past);
	sl_session_close(session);
	sl_past_free(&past);
	free(session);
	return code;
}
