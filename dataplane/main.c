/*
 * main.c - storeline-dataplane: a table of subcommands
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "exits.h"
#include "files.h"
#include "options.h"
#include "recorder.h"
#include "replay.h"
#include "run.h"
#include "start.h"
#include "xdp.h"

#define NAME "storeline-dataplane"

static enum sl_exit load(const char *file, struct sl_policy *policy)
{
	char why[4096];

	if (!sl_policy_load(policy, file, why, sizeof(why)))
		return SL_EXIT_OK;
	fprintf(stderr, "%s\n", why);
	return SL_EXIT_USAGE;
}

static enum sl_exit compile(const struct sl_options *o, struct sl_policy *policy,
			    struct sl_tables *tables, uint32_t flows)
{
	char why[SL_TEXT_MAX];
	enum sl_exit code = load(o->policy, policy);

	if (code || !sl_compile(tables, policy, flows, why))
		return code;
	fprintf(stderr, "%s: %s\n", o->policy, why);
	return SL_EXIT_USAGE;
}

static enum sl_exit check(const struct sl_options *o)
{
	static struct sl_policy policy;
	static struct sl_tables tables;
	enum sl_exit code = compile(o, &policy, &tables, SL_XDP_FLOWS);

	if (code)
		return code;
	printf("%s: site %s, %u services, %u uplinks, %u rules: good\n", o->policy, policy.site,
	       policy.services, policy.uplinks, tables.rules);
	return SL_EXIT_OK;
}

static enum sl_exit detach(const struct sl_options *o)
{
	static struct sl_policy policy;
	enum sl_exit code = o->policy ? load(o->policy, &policy) : SL_EXIT_OK;
	char why[SL_TEXT_MAX] = "";

	if (code)
		return code;
	if (!sl_run_has_rights()) {
		fprintf(stderr, NAME ": needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON\n");
		return SL_EXIT_PERMISSION;
	}
	int count = sl_xdp_detach(o->pin, why, sizeof(why));

	if (count < 0) {
		fprintf(stderr, NAME ": %s\n", why);
		return sl_exit_of(count);
	}
	printf("%d taken off\n", count);
	return SL_EXIT_OK;
}

static void print_recording(void *arg, const char *name, uint64_t bytes)
{
	printf("%s/%s %llu bytes\n", (const char *)arg, name, (unsigned long long)bytes);
}

static enum sl_exit recordings(const struct sl_options *o)
{
	char dir[SL_FILES_PATH_MAX];
	int count = sl_files_path(dir, o->state, SL_RECORDER_DIR);

	if (!count)
		count = sl_recorder_list(dir, print_recording, dir);
	if (count >= 0)
		return SL_EXIT_OK;
	fprintf(stderr, NAME ": %s: %s\n", o->state, strerror(-count));
	return sl_exit_of(count);
}

static enum sl_exit replay(const struct sl_options *o)
{
	static struct sl_policy policy;
	static struct sl_tables tables;
	static struct sl_clauses clauses;
	const struct sl_replay_config config = {
		.engine = o->engine,
		.policy = &policy,
		.tables = &tables,
		.clauses = &clauses,
		.flows = SL_REPLAY_FLOWS,
		.flows_out = o->flows_out,
		.events_out = o->events_out,
		.capture = (const char *const *)o->files,
		.captures = (uint32_t)o->file_count,
		.verbose = o->verbose,
	};
	struct sl_replay_result result = {0};
	char why[1024] = "";
	enum sl_exit code = compile(o, &policy, &tables, SL_REPLAY_FLOWS);

	if (code)
		return code;
	sl_compile_clauses(&policy, &clauses);
	tables.inspect = 1; /* names are of interest in themselves */
	if (strcmp(o->engine, "xdp") == 0 && !sl_run_has_rights()) {
		fprintf(stderr, NAME ": needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON\n");
		return SL_EXIT_PERMISSION;
	}
	/* Each recording's tables come zeroed from the kernel, and only those pages that it uses. */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	int err = sl_replay_run(&config, &result, why, sizeof(why));

	if (err) {
		fprintf(stderr, NAME ": %s\n", why);
		return sl_exit_of(err);
	}
	fprintf(stderr, NAME ": %llu frames, %u captures damaged\n",
		(unsigned long long)result.frames, result.damaged);
	return SL_EXIT_OK;
}

static const struct command {
	const char *name, *synopsis, *what;
	unsigned int needs;
	enum sl_exit (*run)(const struct sl_options *options);
} commands[] = {
	{"run",
	 "--policy FILE --redis unix:PATH --state DIR [--engine xdp|dpdk] [--pin DIR]\n"
	 "             [--generic] [--flows N] [--detach-on-exit] [-v]",
	 "measure and steer until SIGTERM; traffic flows on afterwards by what stands",
	 SL_NEED_POLICY | SL_NEED_REDIS | SL_NEED_STATE, sl_run},
	{"detach", "[--policy FILE] [--pin DIR]", "take everything off the devices", 0, detach},
	{"check", "--policy FILE", "read and compile a policy, change nothing", SL_NEED_POLICY,
	 check},
	{"recordings", "--state DIR",
	 "what the flow recorder wrote down in incidents, the oldest first", SL_NEED_STATE,
	 recordings},
	{"replay",
	 "--engine xdp|dpdk|host --policy FILE --flows OUT.jsonl [--events OUT.jsonl] CAPTURE...",
	 "capture files through an engine, with their own clock; OUT may be a directory ending in /",
	 SL_NEED_POLICY | SL_NEED_ENGINE | SL_NEED_FLOWS_OUT | SL_NEED_FILES, replay},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: " NAME " COMMAND ...\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n           %s\n", commands[i].name, commands[i].synopsis,
			commands[i].what);
	fprintf(out, "\n  --help, --version\n\n"
		     "exit: 0 ok, 1 error, 2 usage or bad policy, 3 no such device,\n"
		     "      4 missing rights, 8 no BPF here\n");
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct sl_options options;

	if (!sl_options_read(&options, argc, argv, command->needs, command->run == replay))
		return SL_EXIT_USAGE;
	if (options.help) {
		usage(stdout);
		return SL_EXIT_OK;
	}
	return (int)command->run(&options);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		usage(stdout);
		return SL_EXIT_OK;
	}
	if (strcmp(word, "--version") == 0) {
		printf(NAME " " SL_VERSION "\n");
		return SL_EXIT_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(word, commands[i].name) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	usage(stderr);
	return SL_EXIT_USAGE;
}
