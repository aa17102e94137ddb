/*
 * whatif.c - storeline whatif --policy FILE [--last TIME | --from WHEN [--to WHEN]]
 *
 * Reads the roll-ups in pages, oldest first, and hands each to three runs (control/whatif.h): so
 * memory does not grow with the time that is asked about.  Only reads.
 */
#include "whatif.h"

#include "paper.h"
#include "past.h"

#include "proto/bus.h"

#include <stdlib.h>
#include <string.h>

#define LAST_S        86400
#define PAGE          64 /* roll-ups in one answer: fits in 32 MiB whatever they hold */
#define INCIDENTS_MAX 1000

struct reading {
	struct sl_session *session;
	struct sl_whatif *run[SL_STORIES];
	struct sl_stories all;
	struct sl_policy *file, *now;
	struct sl_past past;
	char after[64]; /* id of the last entry */
	uint32_t page;  /* entries of this page */
	bool answered, first, over;
};

static void take(struct reading *reading, const struct sl_telemetry *rollup)
{
	if (reading->first) {
		reading->all.begins_ns = rollup->at_unix_ns;
		return;
	}
	if (rollup->at_unix_ns < reading->all.from_ns)
		return;
	if (rollup->at_unix_ns > reading->all.to_ns) {
		reading->over = true;
		return;
	}
	reading->all.other_version_s += rollup->policy_version != reading->all.version;
	for (int i = 0; i < SL_STORIES; i++)
		sl_whatif_take(reading->run[i], rollup);
}

static void on_health(void *arg, const struct sl_telemetry *rollup, const char *id)
{
	struct reading *reading = arg;

	if (!rollup) {
		reading->answered = true;
		return;
	}
	reading->page++;
	snprintf(reading->after, sizeof(reading->after), "%s", id);
	take(reading, rollup);
}

static bool answered(const struct sl_session *session)
{
	return ((const struct reading *)session->arg)->answered;
}

static int ask(struct reading *reading, const char *after, unsigned int count)
{
	struct sl_session *session = reading->session;
	uint32_t losses = session->losses;

	reading->answered = false;
	reading->page = 0;
	sl_bus_fetch_health(session->bus, after, count, on_health, reading);
	if (sl_session_run(session, answered, session->cli->timeout_ms) && reading->answered &&
	    session->connected && session->losses == losses)
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer", session->cli->redis);
}

/* It is passed over, and counted. */
static void on_malformed(struct sl_session *session, const char *id)
{
	struct reading *reading = session->arg;

	reading->page++;
	reading->all.unreadable += !reading->first;
	if (id[0])
		snprintf(reading->after, sizeof(reading->after), "%s", id);
}

static int read_all(struct reading *reading)
{
	char after[64];
	int code;

	reading->first = true;
	code = ask(reading, "", 1);
	reading->first = false;
	/* Entry ids are the server's clock in ms; the roll-up's own time is looked at as well. */
	snprintf(reading->after, sizeof(reading->after), "%llu-0",
		 (unsigned long long)(reading->all.from_ns / 1000000 - 2000));
	while (!code && !reading->over) {
		memcpy(after, reading->after, sizeof(after));
		code = ask(reading, after, PAGE);
		if (!reading->page)
			break;
	}
	return code;
}

static int read_range(const struct sl_cli *cli, struct sl_stories *all)
{
	uint64_t now = sl_paper_now();
	uint32_t last_s = cli->last_s ? cli->last_s : LAST_S;

	if (cli->last_s && cli->from)
		return sl_cli_fail(SL_CLI_USAGE, "--last or --from, not both");
	all->to_ns = now;
	if (cli->to && !sl_words_when(cli->to, &all->to_ns))
		return sl_cli_fail(SL_CLI_USAGE, "--to %s: not a time like 2026-11-24T08:00:00Z",
				   cli->to);
	all->from_ns = all->to_ns - last_s * SL_WHATIF_SECOND_NS;
	if (cli->from && !sl_words_when(cli->from, &all->from_ns))
		return sl_cli_fail(SL_CLI_USAGE, "--from %s: not a time like 2026-11-24T08:00:00Z",
				   cli->from);
	if (all->from_ns >= all->to_ns || all->from_ns > now)
		return sl_cli_fail(SL_CLI_USAGE, "there is no time from %s to %s",
				   cli->from ? cli->from : "then", cli->to ? cli->to : "now");
	return 0;
}

static int open_runs(struct reading *reading)
{
	const struct sl_policy *policy[SL_STORIES] = {NULL, reading->now, reading->file};

	for (int i = 0; i < SL_STORIES; i++) {
		const struct sl_whatif_config config = {policy[i], reading->now, reading->file};

		if (sl_whatif_open(&reading->run[i], &config))
			return sl_cli_fail(SL_CLI_ERROR, "out of memory");
		reading->all.result[i] = sl_whatif_result(reading->run[i]);
	}
	return 0;
}

static int read_policies(struct reading *reading)
{
	const struct sl_cli *cli = reading->session->cli;
	int code;

	reading->now = sl_session_read_policy(reading->session, &code);
	if (!reading->now)
		return code ? code : SL_CLI_ERROR;
	reading->all.now = reading->now;
	reading->all.version = reading->session->policy_version;
	if (cli->service && sl_policy_service_index(reading->file, cli->service) < 0 &&
	    sl_policy_service_index(reading->now, cli->service) < 0)
		return sl_cli_fail(SL_CLI_NOT_FOUND, "no service %s at %s", cli->service,
				   cli->site);
	return open_runs(reading);
}

static int read_incidents(struct reading *reading)
{
	struct sl_past *past = &reading->past;
	int code;

	past->service = reading->session->cli->service;
	past->most_incidents = INCIDENTS_MAX;
	sl_past_ask_incidents(past, reading->session);
	code = sl_past_wait(past, reading->session);
	for (uint32_t i = 0; !code && i < past->incidents; i++)
		reading->all.incidents +=
			past->incident[i].opened_unix_ns >= reading->all.from_ns &&
			past->incident[i].opened_unix_ns <= reading->all.to_ns;
	return code;
}

static int tell(const struct sl_stories *all)
{
	struct sl_notes notes = {0};
	int code = SL_CLI_OK;

	sl_stories_notes(all, &notes);
	if (all->cli->json)
		code = sl_stories_json(all, &notes);
	else
		sl_stories_print(all, &notes);
	sl_notes_free(&notes);
	return code;
}

static int with_session(struct reading *reading, struct sl_cli *cli)
{
	uint64_t began_ms = sl_session_now_ms();
	int code = sl_session_open(reading->session, cli, &(struct sl_session_wants){0});

	reading->session->arg = reading;
	reading->session->on_malformed = on_malformed;
	if (!code)
		code = read_policies(reading);
	if (!code)
		code = read_all(reading);
	if (!code)
		code = read_incidents(reading);
	reading->all.took_s = (double)(sl_session_now_ms() - began_ms) / 1e3;
	return code ? code : tell(&reading->all);
}

int sl_cli_whatif(struct sl_cli *cli)
{
	struct reading reading = {.session = calloc(1, sizeof(*reading.session)), .all.cli = cli};
	int code;

	if (!reading.session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = cli->policy ? read_range(cli, &reading.all)
			   : sl_cli_fail(SL_CLI_USAGE, "whatif: which policy? --policy FILE");
	if (!code)
		reading.file = sl_cli_load_policy(cli, cli->policy, &code);
	reading.all.file = reading.file;
	if (!code)
		code = with_session(&reading, cli);
	sl_session_close(reading.session);
	for (int i = 0; i < SL_STORIES; i++)
		sl_whatif_close(reading.run[i]);
	sl_past_free(&reading.past);
	free(reading.file);
	free(reading.now);
	free(reading.session);
	return code;
}
