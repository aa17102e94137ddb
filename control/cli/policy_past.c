/*
 * policy_past.c - storeline policy history | revert [EPOCH]
 *
 * What is asked back is a command like any other: the dataplane reads it, checks it against what
 * it runs on, counts its version on, and answers.
 */
#include "paper.h"
#include "policy_verbs.h"
#include "session.h"

#include "proto/bus.h"
#include "proto/policy.h"
#include "proto/policy_units.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_MAX 96 /* of a line of what changed */

/* The policies that Redis keeps, newest first. */
struct kept {
	uint32_t count;
	bool whole, failed;
	struct one {
		uint64_t version, at_unix_ns;
		char *yaml;
		char *changes; /* against the one before it; NULL = that is not kept, or not readable */
	} one[SL_BUS_POLICIES_MAX];
};

static void on_kept(void *arg, const char *yaml, uint64_t version, uint64_t at_unix_ns)
{
	struct kept *kept = arg;
	char *copy = yaml ? strdup(yaml) : NULL;

	if (!yaml) {
		kept->whole = true;
		return;
	}
	kept->failed |= !copy;
	if (copy && kept->count < SL_BUS_POLICIES_MAX)
		kept->one[kept->count++] = (struct one){version, at_unix_ns, copy, NULL};
	else
		free(copy);
}

static bool is_whole(const struct sl_session *session)
{
	return ((const struct kept *)session->arg)->whole;
}

static void drop(struct kept *kept)
{
	for (uint32_t i = 0; i < kept->count; i++) {
		free(kept->one[i].yaml);
		free(kept->one[i].changes);
	}
	free(kept);
}

/* 0, or an exit code, told. */
static int ask(struct sl_cli *cli, struct kept *kept)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	session->arg = kept;
	code = sl_session_open(session, cli, &(struct sl_session_wants){0});
	if (!code)
		code = sl_session_connect(session);
	if (!code) {
		sl_bus_fetch_policies(session->bus, on_kept, kept);
		if (!sl_session_run(session, is_whole, cli->timeout_ms) || session->losses)
			code = sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer",
					   cli->redis);
		else if (kept->failed)
			code = sl_cli_fail(SL_CLI_ERROR, "out of memory");
		else if (!kept->count)
			code = sl_cli_fail(
				SL_CLI_TIMEOUT,
				"site %s has no policies in Redis: has its dataplane ever "
				"run?",
				cli->site);
	}
	sl_session_close(session);
	free(session);
	return code;
}

static struct sl_policy *read_one(const struct one *one, char *why, size_t size)
{
	struct sl_policy *policy = calloc(1, sizeof(*policy));

	if (policy && one->yaml &&
	    !sl_policy_read(policy, one->yaml, strlen(one->yaml), "policy", why, size))
		return policy;
	free(policy);
	return NULL;
}

/* What each changed, in the words of `policy diff`. */
static void compare(struct kept *kept)
{
	char why[SL_TEXT_MAX];
	struct sl_policy *after = read_one(&kept->one[0], why, sizeof(why));

	for (uint32_t i = 0; i + 1 < kept->count; i++) {
		struct sl_policy *before = read_one(&kept->one[i + 1], why, sizeof(why));

		if (before && after)
			kept->one[i].changes = sl_policy_diff(before, after);
		free(after);
		after = before;
	}
	free(after);
}

/* The first line of many, and how many there are more. */
static const char *in_a_line(const struct one *one, bool oldest, char line[CHANGE_MAX + 24])
{
	const char *changes = one->changes;
	size_t first, more = 0;

	if (!changes)
		return oldest ? "(older ones are not kept)" : "(cannot be compared)";
	if (!changes[0])
		return "no difference";
	first = strcspn(changes, "\n");
	for (const char *at = changes + first; *at; at++)
		more += *at == '\n' && at[1];
	snprintf(line, CHANGE_MAX + 24, "%.*s%s", (int)(first < CHANGE_MAX ? first : CHANGE_MAX),
		 changes, first > CHANGE_MAX ? "..." : "");
	if (more)
		snprintf(line + strlen(line), 24, " (and %zu more)", more > 9999 ? 9999 : more);
	return line;
}

static void list(const struct kept *kept)
{
	const struct sl_paper paper = sl_paper_stdout();
	uint64_t now = sl_paper_now();
	char since[SL_PAPER_CLOCK_MAX], line[CHANGE_MAX + 24];

	sl_paper_head(&paper, "%8s  %-16s  %s", "EPOCH", "SINCE", "CHANGED");
	for (uint32_t i = 0; i < kept->count; i++)
		printf("%8llu  %-16s  %s\n", (unsigned long long)kept->one[i].version,
		       sl_paper_clock(kept->one[i].at_unix_ns, now, since),
		       in_a_line(&kept->one[i], i + 1 == kept->count, line));
}

static int list_json(const struct kept *kept)
{
	json_t *all = json_array();
	char *text;

	for (uint32_t i = 0; i < kept->count; i++)
		json_array_append_new(all,
				      json_pack("{s:I,s:I,s:b,s:s?}", "version",
						(json_int_t)kept->one[i].version, "at_unix_ns",
						(json_int_t)kept->one[i].at_unix_ns, "in_force",
						i == 0, "changes", kept->one[i].changes));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(text);
	free(text);
	return SL_CLI_OK;
}

int sl_cli_policy_history(struct sl_cli *cli)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	int code;

	if (!kept)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = ask(cli, kept);
	if (!code) {
		compare(kept);
		code = cli->json ? list_json(kept) : SL_CLI_OK;
		if (!cli->json)
			list(kept);
	}
	drop(kept);
	return code;
}

/* The newest of that version: a dataplane that lost its state counts anew. */
static const struct one *find(const struct kept *kept, uint64_t version)
{
	for (uint32_t i = 0; i < kept->count; i++)
		if (kept->one[i].version == version)
			return &kept->one[i];
	return NULL;
}

/* The text of @version into @command; 0, or an exit code, told. */
static int choose(const struct sl_cli *cli, const struct kept *kept, uint64_t version,
		  struct sl_command *command)
{
	const struct one *one = find(kept, version);
	char why[1024] = "out of memory";
	struct sl_policy *policy;

	if (!one)
		return sl_cli_fail(SL_CLI_NOT_FOUND,
				   "no policy %llu at %s: see storeline policy history (of older "
				   "ones than its last nothing is kept)",
				   (unsigned long long)version, cli->site);
	if (one == &kept->one[0])
		return sl_cli_fail(SL_CLI_REFUSED, "policy %llu is the one in force",
				   (unsigned long long)version);
	policy = read_one(one, why, sizeof(why));
	free(policy);
	if (!policy)
		return sl_cli_fail(SL_CLI_USAGE, "policy %llu is none any more:\n%s",
				   (unsigned long long)version, why);
	snprintf(command->policy, sizeof(command->policy), "%s", one->yaml);
	/* What was chosen from is what must stand still. */
	command->policy_version = kept->one[0].version;
	return 0;
}

static int find_earlier(struct sl_cli *cli, const char *epoch, struct sl_command *command)
{
	struct kept *kept;
	uint64_t version;
	int code;

	if (!sl_units_read_whole(epoch, &version) || !version)
		return sl_cli_fail(SL_CLI_USAGE, "%s: not the number of a policy", epoch);
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	code = ask(cli, kept);
	if (!code)
		code = choose(cli, kept, version, command);
	drop(kept);
	return code;
}

int sl_cli_policy_revert(struct sl_cli *cli, const char *epoch)
{
	struct sl_command *command = calloc(1, sizeof(*command));
	int code = 0;

	if (!command)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	command->kind = SL_COMMAND_ROLLBACK;
	snprintf(command->reason, sizeof(command->reason), "a person's word");
	if (epoch)
		code = find_earlier(cli, epoch, command);
	if (!code)
		code = sl_act(cli, command);
	free(command);
	return code;
}
