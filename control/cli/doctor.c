/*
 * doctor.c - storeline doctor: gather, check, tell
 */
#include "doctor.h"

#include "paper.h"
#include "print.h"
#include "session.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INDENT 2

struct asked {
	struct sl_facts *facts;
	bool ended;
};

static void on_server(void *arg, const struct sl_bus_server_report *report)
{
	struct asked *asked = arg;

	asked->ended = true;
	asked->facts->redis_answers = report != NULL;
	if (report)
		asked->facts->server = *report;
}

static bool connected(const struct sl_session *session)
{
	return session->connected;
}

static bool ended(const struct sl_session *session)
{
	return ((const struct asked *)session->arg)->ended;
}

static int socket_mode(const char *redis)
{
	struct stat found;

	if (strncmp(redis, "unix:", 5) != 0 || stat(redis + 5, &found))
		return SL_FACTS_UNKNOWN;
	return (int)(found.st_mode & 0777);
}

static void ask_redis(struct sl_session *session, struct sl_facts *facts)
{
	static struct asked asked; /* outlives what is still unanswered at the end */
	uint32_t patience_ms = session->cli->timeout_ms;

	asked = (struct asked){.facts = facts};
	session->arg = &asked;
	if (!sl_session_run(session, connected, patience_ms)) {
		snprintf(facts->redis_why, sizeof(facts->redis_why), "%s",
			 session->why[0] ? session->why : "no answer in time");
		return;
	}
	sl_bus_fetch_server(session->bus, on_server, &asked);
	sl_session_run(session, ended, patience_ms);
	facts->socket_mode = socket_mode(facts->redis);
}

/* Redis is asked under the policy's site, or any: no key is read. */
static int facts_redis(struct sl_facts *facts, struct sl_cli *cli)
{
	struct sl_session *session;
	int code;

	facts->redis_named = cli->redis && *cli->redis;
	facts->redis = cli->redis;
	facts->socket_mode = SL_FACTS_UNKNOWN;
	if (!facts->redis_named)
		return 0;
	if (!cli->site || !*cli->site)
		cli->site = facts->policy ? facts->policy->site : "doctor";
	session = calloc(1, sizeof(*session));
	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		ask_redis(session, facts);
	sl_session_close(session);
	free(session);
	return code;
}

static const char *paint(enum sl_doctor_grade grade, bool colour)
{
	static const enum sl_health like[SL_DOCTOR_COUNT] = {SL_HEALTH_GOOD, SL_HEALTH_IDLE,
							     SL_HEALTH_DEGRADED, SL_HEALTH_DOWN,
							     SL_HEALTH_DOWN};

	return sl_print_paint(like[grade], colour);
}

static void tell(const struct sl_findings *findings)
{
	const struct sl_paper paper = sl_paper_stdout();
	uint32_t counts[SL_DOCTOR_COUNT] = {0};

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct sl_finding *each = &findings->finding[i];

		counts[each->grade]++;
		fprintf(stdout, "%s%-6s%s  %s: %s\n", paint(each->grade, paper.colour),
			sl_doctor_word(each->grade), sl_print_plain(paper.colour), each->check,
			each->found);
		if (each->cause[0])
			sl_paper_say(&paper, 8, INDENT, "why:  %s", each->cause);
		if (each->cure[0])
			sl_paper_say(&paper, 8, INDENT, "cure: %s", each->cure);
	}
	fprintf(stdout, "%u ok, %u not looked at, %u warnings, %u failures%s\n",
		counts[SL_DOCTOR_OK], counts[SL_DOCTOR_SKIP], counts[SL_DOCTOR_WARN],
		counts[SL_DOCTOR_FAIL] + counts[SL_DOCTOR_REFUSE],
		counts[SL_DOCTOR_REFUSE] ? "; refused: it would cut your ssh session" : "");
}

static int tell_json(const struct sl_findings *findings)
{
	json_t *all = json_array(), *object;
	char *text;

	for (uint32_t i = 0; i < findings->count; i++) {
		const struct sl_finding *each = &findings->finding[i];

		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s}", "check", each->check,
						     "grade", sl_doctor_word(each->grade), "found",
						     each->found, "cause", each->cause, "cure",
						     each->cure));
	}
	object = json_pack("{s:i,s:o}", "exit", sl_doctor_code(findings), "checks", all);
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	if (!text)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(text);
	free(text);
	return SL_CLI_OK;
}

static int load(struct sl_policy *policy, const char *file)
{
	char why[SL_TEXT_MAX * 16];
	int err = sl_policy_load(policy, file, why, sizeof(why));

	if (!err)
		return 0;
	if (err == -EINVAL)
		fprintf(stderr, "%s\n", why);
	else
		sl_cli_fail(0, "%s: %s", file, strerror(-err));
	return err == -ENOENT ? SL_CLI_NOT_FOUND : SL_CLI_USAGE;
}

static int examine(struct sl_cli *cli, struct sl_facts *facts, struct sl_policy *policy)
{
	struct sl_findings *findings = calloc(1, sizeof(*findings));
	int code;

	if (!findings)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = cli->policy ? load(policy, cli->policy) : 0;
	if (!code && cli->policy) {
		facts->policy = policy;
		facts->policy_file = cli->policy;
		sl_facts_ports(facts);
	}
	facts->confirm_s = cli->confirm_s;
	if (!code)
		code = facts_redis(facts, cli);
	if (!code) {
		sl_facts_host(facts, cli->state);
		sl_doctor_check(findings, facts);
		if (cli->json)
			code = tell_json(findings);
		else
			tell(findings);
		code = code ? code : sl_doctor_code(findings);
	}
	free(findings);
	return code;
}

int sl_cli_doctor(struct sl_cli *cli)
{
	struct sl_policy *policy = calloc(1, sizeof(*policy));
	struct sl_facts *facts = calloc(1, sizeof(*facts));
	int code = SL_CLI_ERROR;

	if (policy && facts)
		code = examine(cli, facts, policy);
	free(facts);
	free(policy);
	return code;
}
