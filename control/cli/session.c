/*
 * session.c - the CLI's side of the bus
 */
#include "session.h"

#include "proto/bus.h"
#include "proto/policy.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t sl_session_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_connected(void *arg)
{
	((struct sl_session *)arg)->connected = true;
}

static void on_lost(void *arg, const char *why)
{
	struct sl_session *session = arg;

	session->connected = false;
	session->losses++;
	snprintf(session->why, sizeof(session->why), "%s", why);
}

static void on_event(void *arg, const struct sl_event *event, const char *id)
{
	struct sl_session *session = arg;

	if (session->on_event)
		session->on_event(session, event);
}

static void on_telemetry(void *arg, const struct sl_telemetry *telemetry)
{
	struct sl_session *session = arg;

	session->picture = *telemetry;
	session->has_picture = true;
	session->picture_ms = sl_session_now_ms();
	if (session->on_picture)
		session->on_picture(session);
}

static void on_malformed(void *arg, const char *key, const char *id, const char *why)
{
	struct sl_session *session = arg;

	if (session->on_malformed)
		session->on_malformed(session, id);
}

/* Entry ids are the server's wall clock; the server is this machine's. */
static void entry_id(char *text, size_t size, uint32_t past_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(text, size, "%llu-0",
		 (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000 -
			 past_ms);
}

int sl_session_open(struct sl_session *session, const struct sl_cli *cli,
		    const struct sl_session_wants *wants)
{
	static const struct sl_bus_handlers handlers = {.connected = on_connected,
							.lost = on_lost,
							.event = on_event,
							.telemetry = on_telemetry,
							.malformed = on_malformed};
	char from[32], why[SL_TEXT_MAX] = "";
	struct sl_bus_config config = {.redis = cli->redis,
				       .site = cli->site,
				       .handlers = &handlers,
				       .arg = session,
				       .events = wants->events,
				       .telemetry = wants->telemetry,
				       .events_from = from};
	int err = sl_words_need_bus(cli);

	if (err)
		return err;
	signal(SIGPIPE, SIG_IGN);
	entry_id(from, sizeof(from), wants->past_ms);
	session->cli = cli;
	session->base = config.base = event_base_new();
	if (!session->base)
		return sl_cli_fail(SL_CLI_ERROR, "no event loop: %s", strerror(errno));
	err = sl_bus_open(&session->bus, &config, why);
	if (err)
		return sl_cli_fail(SL_CLI_USAGE, "--redis %s: %s", cli->redis,
				   why[0] ? why : strerror(-err));
	return 0;
}

void sl_session_close(struct sl_session *session)
{
	if (session->bus)
		sl_bus_close(session->bus);
	if (session->base)
		event_base_free(session->base);
	free(session->current);
	free(session->previous);
	free(session->unclaimed);
}

bool sl_session_run(struct sl_session *session, bool (*done)(const struct sl_session *session),
		    uint32_t timeout_ms)
{
	uint64_t end_ms = sl_session_now_ms() + timeout_ms;
	struct timeval step = {.tv_usec = 20000};

	while (!session->stop && !(done && done(session))) {
		if (timeout_ms && sl_session_now_ms() >= end_ms)
			return false;
		/* A short sleep at most: a wait has an end also when nothing happens. */
		event_base_loopexit(session->base, &step);
		event_base_loop(session->base, EVLOOP_ONCE);
	}
	return true;
}

static bool is_connected(const struct sl_session *session)
{
	return session->connected;
}

static bool has_picture(const struct sl_session *session)
{
	return session->has_picture;
}

static bool has_policy(const struct sl_session *session)
{
	return session->has_policy;
}

int sl_session_connect(struct sl_session *session)
{
	if (sl_session_run(session, is_connected, session->cli->timeout_ms) && session->connected)
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT, "no Redis at %s%s%s", session->cli->redis,
			   session->why[0] ? ": " : "", session->why);
}

int sl_session_picture(struct sl_session *session)
{
	int code = sl_session_connect(session);

	if (code)
		return code;
	if (sl_session_run(session, has_picture, session->cli->timeout_ms))
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT,
			   "no dataplane answers for site %s: is storeline-dataplane running?",
			   session->cli->site);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void got_policy(void *arg, const char *current, const char *previous, uint64_t version)
{
	struct sl_session *session = arg;

	session->current = copy(current);
	session->previous = copy(previous);
	session->policy_version = version;
	session->has_policy = true;
}

void sl_session_ask_policy(struct sl_session *session)
{
	free(session->current);
	free(session->previous);
	session->current = session->previous = NULL;
	session->has_policy = false;
	sl_bus_fetch_policy(session->bus, got_policy, session);
}

int sl_session_policy(struct sl_session *session)
{
	int code = sl_session_connect(session);

	if (code)
		return code;
	sl_session_ask_policy(session);
	if (sl_session_run(session, has_policy, session->cli->timeout_ms))
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer", session->cli->redis);
}

static bool has_unclaimed(const struct sl_session *session)
{
	return session->has_unclaimed;
}

static void got_unclaimed(void *arg, const struct sl_unclaimed_report *report)
{
	struct sl_session *session = arg;

	free(session->unclaimed);
	session->unclaimed = report ? malloc(sizeof(*report)) : NULL;
	if (session->unclaimed)
		*session->unclaimed = *report;
	session->has_unclaimed = true;
}

int sl_session_unclaimed(struct sl_session *session)
{
	int code = sl_session_connect(session);

	if (code)
		return code;
	session->has_unclaimed = false;
	sl_bus_fetch_unclaimed(session->bus, got_unclaimed, session);
	if (sl_session_run(session, has_unclaimed, session->cli->timeout_ms))
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer", session->cli->redis);
}

struct sl_policy *sl_session_read_policy(struct sl_session *session, int *code)
{
	struct sl_policy *policy = calloc(1, sizeof(*policy));
	char why[1024];

	*code = sl_session_policy(session);
	if (!policy || *code)
		goto none;
	if (!session->current) {
		*code = sl_cli_fail(SL_CLI_TIMEOUT,
				    "site %s has no policy in Redis: has its dataplane ever run?",
				    session->cli->site);
		goto none;
	}
	if (!sl_policy_read(policy, session->current, strlen(session->current), "current", why,
			    sizeof(why)))
		return policy;
	*code = sl_cli_fail(SL_CLI_ERROR, "the policy in Redis cannot be read:\n%s", why);
none:
	free(policy);
	return NULL;
}
