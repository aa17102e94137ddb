/*
 * run.c - what can be refused is refused before any packet notices
 */
#include "run.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "agent.h"
#include "dpdk.h"
#include "files.h"
#include "log.h"
#include "proto/bus_address.h"
#include "start.h"
#include "xdp.h"

#define CAP_BIT_NET_ADMIN 12 /* linux/capability.h */
#define CAP_BIT_SYS_ADMIN 21
#define CAP_BIT_PERFMON   38
#define CAP_BIT_BPF       39

struct run {
	const struct sl_options *options;
	struct sl_start start;
	struct sl_tables tables;
	bool took_over;
	struct sl_engine *engine;
	struct event_base *base;
	struct sl_agent *agent;
};

enum sl_exit sl_exit_of(int err)
{
	switch (err) {
	case 0:
		return SL_EXIT_OK;
	case -EPERM:
	case -EACCES:
		return SL_EXIT_PERMISSION;
	case -ENODEV:
		return SL_EXIT_NOT_FOUND;
	case -EINVAL:
		return SL_EXIT_USAGE;
	case -ENOSYS:
	case -ENOTSUP:
		return SL_EXIT_NO_ENGINE;
	default:
		return SL_EXIT_ERROR;
	}
}

static enum sl_exit refuse(enum sl_exit code, const char *why)
{
	fprintf(stderr, "storeline-dataplane: %s\n", why);
	return code;
}

bool sl_run_has_rights(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	uint64_t have = 0;
	char line[256];

	if (!status)
		return true; /* then the kernel will say it */
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %" SCNx64, &have) == 1)
			break;
	fclose(status);
	bool admin = have >> CAP_BIT_SYS_ADMIN & 1;

	return (have >> CAP_BIT_NET_ADMIN & 1) && (admin || (have >> CAP_BIT_BPF & 1)) &&
	       (admin || (have >> CAP_BIT_PERFMON & 1));
}

/* One dataplane a state directory: two would both write knobs and number events. */
static bool lock_state(const char *state_dir)
{
	char path[SL_FILES_PATH_MAX];

	if (sl_files_path(path, state_dir, "lock"))
		return true;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644); /* held until the process ends */

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static enum sl_exit check(struct run *run)
{
	const struct sl_options *o = run->options;
	struct sl_address address;
	char why[4096];

	if (sl_start_policy(&run->start, o->policy, o->state, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return SL_EXIT_USAGE;
	}
	if (sl_address_read(&address, o->redis, why))
		return refuse(SL_EXIT_USAGE, why);
	if (!sl_run_has_rights())
		return refuse(SL_EXIT_PERMISSION,
			      "needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON");
	if (!lock_state(o->state))
		return refuse(SL_EXIT_ERROR, "another dataplane runs with this state directory");
	return SL_EXIT_OK;
}

static void say_line(void *arg, const char *line)
{
	sl_log(SL_LOG_INFO, "engine", "what=\"%s\"", line);
}

static bool is_dpdk(const struct run *run)
{
	return run->start.policy.engine.kind == SL_ENGINE_DPDK;
}

/* The command line's word on the engine goes over the policy's. */
static enum sl_exit choose_engine(struct run *run)
{
	const struct sl_options *o = run->options;
	struct sl_policy_engine *engine = &run->start.policy.engine;
	bool dpdk = o->engine && !strcmp(o->engine, "dpdk");

	if (o->engine && !dpdk && strcmp(o->engine, "xdp") != 0)
		return refuse(SL_EXIT_USAGE, "--engine: xdp or dpdk");
	if (o->engine && !dpdk)
		*engine = (struct sl_policy_engine){.kind = SL_ENGINE_XDP};
	else if (dpdk && engine->kind != SL_ENGINE_DPDK) /* its devices are the kernel's */
		*engine = (struct sl_policy_engine){.kind = SL_ENGINE_DPDK,
						    .driver = SL_DRIVER_AF_XDP,
						    .queues = 1};
	if (o->flows && engine->kind == SL_ENGINE_DPDK)
		engine->flows = o->flows;
	return SL_EXIT_OK;
}

/* What the shares of services are shares of. */
static uint32_t flows_of(const struct run *run)
{
	if (is_dpdk(run))
		return sl_dpdk_flows(&run->start.policy.engine);
	return run->options->flows ? run->options->flows : SL_XDP_FLOWS;
}

static int open_dpdk(struct run *run, char *why, size_t size)
{
	const struct sl_dpdk_config config = {
		.policy = &run->start.policy,
		.tables = &run->tables,
		.pin_dir = run->options->pin,
		.force_generic = run->options->generic,
		.keep = run->took_over,
		.verbose = run->options->verbose,
		.say = say_line,
	};
	int err = sl_dpdk_open(&config, &run->engine, why, size);

	if (err)
		return err;
	err = sl_dpdk_start(run->engine, why, size);
	if (err)
		run->engine->ops->close(run->engine, !run->took_over);
	return err;
}

static int open_xdp(struct run *run, char *why, size_t size)
{
	const struct sl_xdp_config config = {
		.policy = &run->start.policy,
		.tables = &run->tables,
		.pin_dir = run->options->pin,
		.flows = flows_of(run),
		.force_generic = run->options->generic,
		.verbose = run->options->verbose,
		.say = say_line,
	};

	return sl_xdp_open(&config, &run->engine, why, size);
}

/* Under DPDK only driver af_xdp leaves something standing: the XDP engine below it. */
static bool read_standing(const struct run *run, struct sl_tables *standing)
{
	if (is_dpdk(run) && run->start.policy.engine.driver != SL_DRIVER_AF_XDP)
		return false;
	return sl_xdp_standing(run->options->pin, standing) == 0;
}

static enum sl_exit open_engine(struct run *run)
{
	struct sl_tables standing;
	char why[1024] = "";
	enum sl_exit code = choose_engine(run);
	int err;

	if (code)
		return code;
	run->took_over = read_standing(run, &standing);
	err = sl_start_tables(&run->start, run->took_over ? &standing : NULL, flows_of(run),
			      &run->tables, why);
	if (err)
		return refuse(SL_EXIT_USAGE, why);
	err = is_dpdk(run) ? open_dpdk(run, why, sizeof(why)) : open_xdp(run, why, sizeof(why));
	return err ? refuse(sl_exit_of(err), why) : SL_EXIT_OK;
}

static enum sl_exit open_agent(struct run *run)
{
	const struct sl_agent_config config = {
		.base = run->base,
		.engine = run->engine,
		.policy = &run->start.policy,
		.yaml = run->start.yaml,
		.previous = run->start.previous,
		.ledger = &run->start.ledger,
		.state_dir = run->options->state,
		.redis = run->options->redis,
		.flows = flows_of(run),
		.how = run->took_over ? "took over pinned tables" : "first start",
		.keep_engine = run->options->engine != NULL,
		.hooks = {.sweep = is_dpdk(run) ? sl_dpdk_tick : sl_xdp_sweep,
			  .reattach = is_dpdk(run) ? sl_dpdk_second : sl_xdp_reattach,
			  .reflect = is_dpdk(run) ? NULL : sl_xdp_reflect},
	};
	char why[SL_TEXT_MAX];
	int err = sl_agent_open(&run->agent, &config, why);

	return err ? refuse(err == -EINVAL ? SL_EXIT_USAGE : SL_EXIT_ERROR, why) : SL_EXIT_OK;
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	sl_log(SL_LOG_INFO, "stop", "signal=%d", (int)signal);
	event_base_loopbreak(arg);
}

static void say_ready(const struct run *run)
{
	const char *line;

	for (unsigned int i = 0; (line = run->engine->ops->port(run->engine, i)) != NULL; i++)
		sl_log(SL_LOG_INFO, "port", "line=\"%s\"", line);
	sl_log(SL_LOG_INFO, "ready",
	       "site=%s engine=%s policy=%s version=%" PRIu64 " generation=%" PRIu64 " pinned=%s",
	       run->start.policy.site, run->engine->ops->name,
	       run->start.from_state ? "state" : "file", run->start.policy.version,
	       run->tables.generation, run->took_over ? "taken-over" : "new");
}

static enum sl_exit loop(struct run *run)
{
	struct event *stop[2] = {NULL, NULL};
	const int signals[2] = {SIGTERM, SIGINT};
	enum sl_exit code = open_agent(run);

	if (code)
		return code;
	for (int i = 0; i < 2; i++) {
		stop[i] = evsignal_new(run->base, signals[i], on_signal, run->base);
		if (stop[i])
			evsignal_add(stop[i], NULL);
	}
	say_ready(run);
	event_base_dispatch(run->base);
	for (int i = 0; i < 2; i++)
		if (stop[i])
			event_free(stop[i]);
	sl_agent_close(run->agent);
	return SL_EXIT_OK;
}

enum sl_exit sl_run(const struct sl_options *options)
{
	static struct run run;
	enum sl_exit code;

	run = (struct run){.options = options};
	sl_log_verbose(options->verbose);
	signal(SIGPIPE, SIG_IGN);
	code = check(&run);
	if (!code)
		code = open_engine(&run);
	if (code)
		return code;
	run.base = event_base_new();
	code = run.base ? loop(&run) : refuse(SL_EXIT_ERROR, "out of memory");
	/* A failed start leaves what stood before it standing, too. */
	run.engine->ops->close(run.engine, options->detach_on_exit);
	if (run.base)
		event_base_free(run.base);
	return code;
}
