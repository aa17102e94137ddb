/*
 * policy.c - storeline policy validate | show | diff | apply
 */
#include "policy_verbs.h"
#include "session.h"

#include "proto/policy.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_SIZE 8192

/* One JSON object on a line. */
static void put_json(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	if (text)
		puts(text);
	free(text);
	json_decref(object);
}

static int refused(const struct sl_cli *cli, const char *file, const char *why)
{
	if (cli->json)
		put_json(json_pack("{s:s,s:b,s:s}", "file", file, "valid", 0, "errors", why));
	else
		fprintf(stderr, "%s%s", why, why[0] && why[strlen(why) - 1] == '\n' ? "" : "\n");
	return SL_CLI_USAGE;
}

struct sl_policy *sl_cli_load_policy(const struct sl_cli *cli, const char *file, int *code)
{
	struct sl_policy *policy = calloc(1, sizeof(*policy));
	char *why = calloc(1, WHY_SIZE);
	int err = policy && why ? sl_policy_load(policy, file, why, WHY_SIZE) : -ENOMEM;

	*code = 0;
	if (err == -EINVAL)
		*code = refused(cli, file, why);
	else if (err)
		*code = sl_cli_fail(err == -EACCES   ? SL_CLI_NO_RIGHTS
				    : err == -ENOENT ? SL_CLI_NOT_FOUND
						     : SL_CLI_ERROR,
				    "%s: %s", file, strerror(-err));
	free(why);
	if (*code) {
		free(policy);
		return NULL;
	}
	return policy;
}

static int validate(struct sl_cli *cli, const char *file)
{
	struct sl_policy *policy;
	int code;

	policy = sl_cli_load_policy(cli, file, &code);
	if (!policy)
		return code;
	if (cli->json)
		put_json(json_pack("{s:s,s:b,s:s,s:i,s:i}", "file", file, "valid", 1, "site",
				   policy->site, "services", (int)policy->services, "uplinks",
				   (int)policy->uplinks));
	else
		printf("%s: valid: site %s, %u services, %u uplinks, mode %s\n", file, policy->site,
		       policy->services, policy->uplinks, sl_mode_word(policy->mode));
	free(policy);
	return SL_CLI_OK;
}

static int show(struct sl_cli *cli, struct sl_session *session)
{
	int code = sl_session_policy(session);

	if (code)
		return code;
	if (!session->current)
		return sl_cli_fail(SL_CLI_TIMEOUT,
				   "site %s has no policy in Redis: has its dataplane ever run?",
				   cli->site);
	if (cli->json)
		put_json(json_pack("{s:I,s:s,s:s?}", "version", (json_int_t)session->policy_version,
				   "current", session->current, "previous", session->previous));
	else
		printf("%s%s", session->current,
		       session->current[strlen(session->current) - 1] == '\n' ? "" : "\n");
	return SL_CLI_OK;
}

static int say_diff(const struct sl_cli *cli, const char *text)
{
	json_t *lines = json_array();

	if (!cli->json) {
		json_decref(lines);
		fputs(*text ? text : "no difference\n", stdout);
		return SL_CLI_OK;
	}
	for (const char *line = text; *line;) {
		size_t size = strcspn(line, "\n");

		json_array_append_new(lines, json_stringn(line, size));
		line += size + (line[size] == '\n');
	}
	put_json(json_pack("{s:o}", "changes", lines));
	return SL_CLI_OK;
}

static int diff(struct sl_cli *cli, struct sl_session *session)
{
	struct sl_policy *after, *before;
	char *text;
	int code;

	after = sl_cli_load_policy(cli, cli->word[1], &code);
	if (!after)
		return code;
	before = sl_session_read_policy(session, &code);
	if (before) {
		text = sl_policy_diff(before, after);
		code = text ? say_diff(cli, text) : sl_cli_fail(SL_CLI_ERROR, "out of memory");
		free(text);
	}
	free(before);
	free(after);
	return code;
}

static int read_text(const char *file, char *text, size_t size)
{
	FILE *from = fopen(file, "re");
	size_t got;

	if (!from)
		return sl_cli_fail(SL_CLI_ERROR, "%s: %s", file, strerror(errno));
	got = fread(text, 1, size, from);
	fclose(from);
	if (got == size)
		return sl_cli_fail(SL_CLI_USAGE, "%s: longer than %zu bytes", file, size - 1);
	text[got] = '\0';
	return 0;
}

static int apply(struct sl_cli *cli, const char *file)
{
	struct sl_command *command;
	struct sl_policy *policy;
	int code;

	policy = sl_cli_load_policy(cli, file, &code);
	if (!policy)
		return code;
	free(policy);
	command = calloc(1, sizeof(*command));
	if (!command)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	command->kind = SL_COMMAND_POLICY;
	snprintf(command->reason, sizeof(command->reason), "a person's word");
	code = read_text(file, command->policy, sizeof(command->policy));
	if (!code)
		code = sl_act(cli, command);
	free(command);
	return code;
}

static int with_session(struct sl_cli *cli, int (*run)(struct sl_cli *, struct sl_session *))
{
	struct sl_session *session = calloc(1, sizeof(*session));
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		code = run(cli, session);
	sl_session_close(session);
	free(session);
	return code;
}

int sl_cli_policy(struct sl_cli *cli)
{
	const char *what = cli->word[0], *file = cli->words > 1 ? cli->word[1] : NULL;

	if (!strcmp(what, "validate") && file)
		return validate(cli, file);
	if (!strcmp(what, "show") && !file)
		return with_session(cli, show);
	if (!strcmp(what, "diff") && file)
		return with_session(cli, diff);
	if (!strcmp(what, "apply") && file)
		return apply(cli, file);
	if (!strcmp(what, "history") && !file)
		return sl_cli_policy_history(cli);
	if (!strcmp(what, "revert"))
		return sl_cli_policy_revert(cli, file);
	if (!strcmp(what, "rollback") && !file)
		return sl_cli_policy_revert(cli, NULL);
	return sl_cli_fail(SL_CLI_USAGE, "usage: storeline policy %s", cli->verb->synopsis);
}
