/*
 * agent.c - open, timers, close
 */
#include "agent.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_private.h"
#include "files.h"
#include "log.h"

uint64_t sl_agent_mono_ns(const struct sl_agent *agent)
{
	return agent->config.engine->ops->now_ns(agent->config.engine);
}

uint64_t sl_agent_unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

struct sl_tables *sl_agent_tables(const struct sl_agent *agent)
{
	return agent->config.engine->ops->tables(agent->config.engine);
}

static void on_tick10(evutil_socket_t fd, short what, void *arg)
{
	sl_agent_tick10(arg);
	sl_agent_names_tick(arg);
}

static void on_tick100(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent *agent = arg;
	struct sl_engine *engine = agent->config.engine;

	sl_agent_tick100(agent);
	sl_agent_recorder_tick(agent, sl_agent_mono_ns(agent));
	sl_agent_fill_picture(agent);
	sl_bus_send_telemetry(agent->bus, &agent->picture);
	sl_spool_tick(agent->spool, sl_agent_mono_ns(agent));
	sl_outbox_tick(&agent->outbox, sl_agent_mono_ns(agent));
	if (agent->config.hooks.sweep && agent->config.hooks.sweep(engine) < 0)
		agent->hook_failures++;
}

static void on_tick1000(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent *agent = arg;
	char why[SL_TEXT_MAX] = "";
	int again = 0;

	sl_bus_send_health(agent->bus, &agent->picture, &agent->apply.policy.history);
	sl_agent_recorder_second(agent);
	if (agent->config.hooks.reattach)
		again = agent->config.hooks.reattach(agent->config.engine, why, sizeof(why));
	if (again < 0 && agent->hook_failures++ % 60 == 0)
		sl_log(SL_LOG_WARN, "port", "why=\"%s\"", why);
	if (again > 0)
		sl_log(SL_LOG_INFO, "port", "what=\"attached again\" ports=%d", again);
}

static void on_tick10000(evutil_socket_t fd, short what, void *arg)
{
	sl_agent_publish_unclaimed(arg);
}

static struct event *timer(struct sl_agent *agent, int ms, event_callback_fn run)
{
	const struct timeval every = {ms / 1000, ms % 1000 * 1000};
	struct event *event = event_new(agent->config.base, -1, EV_PERSIST, run, agent);

	if (event)
		event_add(event, &every);
	return event;
}

static int open_bus(struct sl_agent *agent, char *why)
{
	const struct sl_bus_config config = {
		.redis = agent->config.redis,
		.site = agent->apply.policy.site,
		.base = agent->config.base,
		.handlers = &sl_agent_handlers,
		.arg = agent,
		.commands = true,
		/* What came while we were away is still in the stream: obeyed, or expired. */
		.commands_from = agent->apply.ledger.data.position[0]
					 ? agent->apply.ledger.data.position
					 : "0",
		.watermark_source = "dataplane",
	};

	return sl_bus_open(&agent->bus, &config, why);
}

static int open_spool(struct sl_agent *agent)
{
	const struct sl_spool_config config = {
		.dir = agent->spool_dir,
		.site = agent->apply.policy.site,
		.source = "dataplane",
	};

	if (sl_files_path(agent->spool_dir, agent->config.state_dir, "spool"))
		return -ENAMETOOLONG;
	return sl_spool_open(&agent->spool, &config);
}

static void fill_apply(struct sl_agent *agent)
{
	const struct sl_agent_config *config = &agent->config;
	struct sl_apply *apply = &agent->apply;

	apply->engine = config->engine;
	apply->state_dir = config->state_dir;
	apply->flows = config->flows;
	apply->keep_engine = config->keep_engine;
	apply->policy = *config->policy;
	apply->ledger = *config->ledger;
	apply->ledger.dir = config->state_dir;
	apply->ledger.data.policy_version = config->policy->version;
	snprintf(apply->yaml, sizeof(apply->yaml), "%s", config->yaml);
	snprintf(apply->previous, sizeof(apply->previous), "%s",
		 config->previous ? config->previous : "");
	apply->policies = 1;
}

/* So that the next start knows what the tables, pinned by now, were made of. */
static void keep_start(struct sl_agent *agent)
{
	const struct sl_apply *a = &agent->apply;

	if (a->previous[0])
		sl_files_replace(a->state_dir, "previous.yaml", a->previous, strlen(a->previous));
	if (sl_files_replace(a->state_dir, "policy.yaml", a->yaml, strlen(a->yaml)))
		agent->apply.ledger.failures++;
	sl_ledger_save(&agent->apply.ledger);
}

static void say_started(struct sl_agent *agent)
{
	static struct sl_event event;
	struct sl_engine *engine = agent->config.engine;
	const char *port = engine->ops->port ? engine->ops->port(engine, 0) : NULL;

	event = (struct sl_event){.kind = SL_EVENT_STARTED};
	snprintf(event.text, sizeof(event.text),
		 "%s: engine %s, policy version %" PRIu64 ", generation %" PRIu64 "%s%.64s",
		 agent->config.how ? agent->config.how : "started", engine->ops->name,
		 agent->apply.policy.version, sl_agent_tables(agent)->generation,
		 port ? ", port " : "", port ? port : "");
	sl_agent_say(agent, &event);
}

int sl_agent_open(struct sl_agent **out, const struct sl_agent_config *config, char *why)
{
	struct sl_agent *agent = calloc(1, sizeof(*agent));
	int err;

	snprintf(why, SL_TEXT_MAX, "out of memory");
	if (!agent)
		return -ENOMEM;
	agent->config = *config;
	fill_apply(agent);
	err = open_bus(agent, why);
	if (err)
		goto err_agent;
	err = open_spool(agent);
	if (err)
		goto err_agent;
	sl_outbox_init(&agent->outbox, agent->bus, agent->spool);
	err = sl_agent_names_open(agent);
	if (!err)
		err = sl_agent_probes_open(agent);
	if (!err)
		err = sl_agent_rhythm_open(agent);
	if (!err)
		err = sl_agent_recorder_open(agent);
	if (!err)
		err = sl_agent_lay_out(agent);
	if (err)
		goto err_agent;
	keep_start(agent);
	say_started(agent);
	agent->tick10 = timer(agent, 10, on_tick10);
	agent->tick100 = timer(agent, 100, on_tick100);
	agent->tick1000 = timer(agent, 1000, on_tick1000);
	agent->tick10000 = timer(agent, 10000, on_tick10000);
	*out = agent;
	return 0;

err_agent:
	sl_agent_close(agent);
	return err;
}

static void drop(struct event *event)
{
	if (event)
		event_free(event);
}

void sl_agent_close(struct sl_agent *agent)
{
	if (!agent)
		return;
	drop(agent->tick10);
	drop(agent->tick100);
	drop(agent->tick1000);
	drop(agent->tick10000);
	sl_bus_close(agent->bus);
	sl_spool_close(agent->spool);
	sl_window_close(agent->window);
	sl_agent_names_close(agent);
	sl_agent_probes_close(agent);
	sl_agent_rhythm_close(agent);
	sl_agent_recorder_close(agent);
	free(agent);
}
