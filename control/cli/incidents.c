/*
 * incidents.c - storeline incidents [show ID] [--last N]
 */
#include "past.h"
#include "print.h"
#include "tell.h"

#include "proto/policy_units.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int put(char *json)
{
	if (!json)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(json);
	free(json);
	return SL_CLI_OK;
}

static void row(const struct sl_incident *incident, uint64_t now, int wide)
{
	char since[SL_PAPER_CLOCK_MAX], remedy[SL_TEXT_MAX], act[SL_PAPER_SPAN_MAX],
		span[SL_PAPER_SPAN_MAX];

	printf("%6llu  %-*s  %-14.14s %-9.9s %-11s %-22.22s %-8s %8s %12s%s\n",
	       (unsigned long long)incident->id, wide,
	       sl_paper_clock(incident->first_bad_unix_ns, now, since),
	       incident->service[0] ? incident->service : "-",
	       incident->uplink[0] ? incident->uplink : "-", sl_verdict_word(incident->verdict),
	       sl_tell_remedy(incident->remedy, incident->target, remedy),
	       sl_outcome_word(incident->outcome),
	       sl_paper_between(incident->first_bad_unix_ns, incident->acted_unix_ns, act),
	       sl_paper_between(incident->first_bad_unix_ns,
				incident->closed_unix_ns ? incident->closed_unix_ns : now, span),
	       incident->closed_unix_ns ? "" : " open");
}

static void list(const struct sl_past *past)
{
	const struct sl_paper paper = sl_paper_stdout();
	uint64_t now = sl_paper_now();
	char since[SL_PAPER_CLOCK_MAX];
	int wide = 8;

	for (uint32_t i = 0; i < past->incidents; i++) {
		const struct sl_incident *each = &past->incident[i];
		int length = (int)strlen(sl_paper_clock(each->first_bad_unix_ns, now, since));

		wide = length > wide ? length : wide;
	}
	if (!past->incidents) {
		puts("no incidents");
		return;
	}
	sl_paper_head(&paper, "%6s  %-*s  %-14s %-9s %-11s %-22s %-8s %8s %12s", "ID", wide,
		      "SINCE", "SERVICE", "UPLINK", "FAULT", "REMEDY", "OUTCOME", "TO ACT",
		      "LASTED");
	for (uint32_t i = 0; i < past->incidents; i++)
		row(&past->incident[i], now, wide);
}

static int list_json(const struct sl_past *past)
{
	json_t *all = json_array();
	char *text;

	for (uint32_t i = 0; i < past->incidents; i++) {
		char *line = sl_wire_json_incident(&past->incident[i]);

		json_array_append_new(all, line ? json_loads(line, 0, NULL) : NULL);
		free(line);
	}
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return put(text);
}

static void story(const struct sl_incident *incident)
{
	const struct sl_paper paper = sl_paper_stdout();
	const struct sl_path_report *path = &incident->path;
	uint64_t now = sl_paper_now();

	sl_paper_head(&paper, "INCIDENT %llu of %s%s", (unsigned long long)incident->id,
		      incident->site, incident->closed_unix_ns ? "" : ", open");
	sl_tell_incident(&paper, incident, now);
	if (incident->fingerprint[0])
		sl_paper_say(&paper, 2, 2, "Fingerprint: %s", incident->fingerprint);
	fputc('\n', stdout);
	sl_paper_head(&paper, "TIMELINE");
	sl_tell_timeline(&paper, incident, now);
	if (!incident->has_path)
		return;
	fputc('\n', stdout);
	sl_paper_head(&paper, "THE PATH WHEN IT WAS OPENED");
	sl_tell_paths(&paper, &path, 1, "", NULL);
	if (path->reason[0])
		sl_paper_say(&paper, 0, 2, "%s: %s.", path->uplink, path->reason);
}

static int show(const struct sl_session *session, const struct sl_past *past)
{
	if (past->id && !past->incidents)
		return sl_cli_fail(SL_CLI_NOT_FOUND,
				   "no incident %llu at %s (older ones are not kept)",
				   (unsigned long long)past->id, session->cli->site);
	if (session->cli->json)
		return past->id ? put(sl_wire_json_incident(&past->incident[0])) : list_json(past);
	if (past->id)
		story(&past->incident[0]);
	else
		list(past);
	return SL_CLI_OK;
}

static int read_words(const struct sl_cli *cli, struct sl_past *past)
{
	past->most_incidents = cli->last;
	if (!cli->words)
		return 0;
	if (strcmp(cli->word[0], "show") != 0 || cli->words != 2)
		return sl_cli_fail(SL_CLI_USAGE, "usage: storeline incidents %s",
				   cli->verb->synopsis);
	if (!sl_units_read_whole(cli->word[1], &past->id) || !past->id)
		return sl_cli_fail(SL_CLI_USAGE, "%s: not the number of an incident", cli->word[1]);
	past->most_incidents = 1;
	return 0;
}

int sl_cli_incidents(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct sl_past past = {0};
	int code = session ? read_words(cli, &past) : SL_CLI_ERROR;

	if (!code)
		code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		code = sl_session_connect(session);
	if (!code) {
		sl_past_ask_incidents(&past, session);
		code = sl_past_wait(&past, session);
	}
	if (!code)
		code = show(session, &past);
	if (session)
		sl_session_close(session);
	sl_past_free(&past);
	free(session);
	return code;
}
