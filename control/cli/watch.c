/*
 * watch.c - storeline watch: events and decisions, a line each, as they happen
 */
#include "print.h"
#include "session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 8
#define PAST_MS     60000 /* shown at the start */

/* The last number seen of each (source, boot): what is said again is shown once. */
struct seen {
	char source[SL_NAME_MAX];
	uint64_t boot, seq;
};

struct watch {
	struct seen seen[SOURCES_MAX];
	uint32_t next;
	bool colour;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static bool is_new(struct watch *watch, const struct sl_event *event)
{
	struct seen *seen;

	for (unsigned int i = 0; i < SOURCES_MAX; i++) {
		seen = &watch->seen[i];
		if (seen->boot != event->boot || strcmp(seen->source, event->source))
			continue;
		if (event->seq <= seen->seq)
			return false;
		seen->seq = event->seq;
		return true;
	}
	seen = &watch->seen[watch->next++ % SOURCES_MAX];
	seen->boot = event->boot;
	seen->seq = event->seq;
	memcpy(seen->source, event->source, sizeof(seen->source));
	return true;
}

static void on_event(struct sl_session *session, const struct sl_event *event)
{
	struct watch *watch = session->arg;
	char *json;

	if (!is_new(watch, event))
		return;
	if (session->cli->json) {
		json = sl_wire_json_event(event);
		if (json)
			puts(json);
		free(json);
	} else {
		sl_print_event(stdout, event, watch->colour);
	}
	fflush(stdout);
}

static bool ended(const struct sl_session *session)
{
	return interrupted || ferror(stdout);
}

int sl_cli_watch(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct watch watch = {.colour = !cli->json && sl_print_colour(stdout)};
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	session->arg = &watch;
	session->on_event = on_event;
	code = sl_session_open(session, cli,
			       &(struct sl_session_wants){.events = true, .past_ms = PAST_MS});
	if (!code)
		code = sl_session_connect(session);
	if (!code) {
		signal(SIGINT, on_interrupt);
		signal(SIGTERM, on_interrupt);
		sl_session_run(session, ended, 0);
	}
	sl_session_close(session);
	free(session);
	return code;
}
