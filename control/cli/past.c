/*
 * past.c - questions to the bus, and keeping what is wanted of the answers
 */
#include "past.h"

#include "proto/bus.h"

#include <stdlib.h>
#include <string.h>

/* One more of @size bytes at the end of *@list; NULL when out of memory. */
static void *grow(void **list, uint32_t *count, size_t size)
{
	void *more = realloc(*list, (*count + 1) * size);

	if (!more)
		return NULL;
	*list = more;
	return (char *)more + (*count)++ * size;
}

static void answered(struct sl_past *past)
{
	past->waiting--;
	/* A lost connection ends each question too; what came is then not the whole. */
	if (!past->session->connected)
		past->failed = true;
}

static bool has_incident(const struct sl_past *past, uint64_t id)
{
	for (uint32_t i = 0; i < past->incidents; i++)
		if (past->incident[i].id == id)
			return true;
	return false;
}

static void on_incident(void *arg, const struct sl_incident *incident)
{
	struct sl_past *past = arg;
	struct sl_incident *kept;

	if (!incident) {
		answered(past);
		return;
	}
	if ((past->id && incident->id != past->id) ||
	    (past->service && strcmp(past->service, incident->service)) ||
	    past->incidents >= past->most_incidents || has_incident(past, incident->id))
		return;
	kept = grow((void **)&past->incident, &past->incidents, sizeof(*kept));
	if (kept)
		*kept = *incident;
	else
		past->failed = true;
}

static bool is_decision(const struct sl_event *event)
{
	return event->kind == SL_EVENT_DECISION ||
	       (event->kind == SL_EVENT_ACTION && !strcmp(event->source, "dataplane") &&
		(!event->command_id[0] || !strcmp(event->command_id, "fast-reroute")));
}

static bool of_incidents(const struct sl_past *past, uint64_t id)
{
	return id && has_incident(past, id);
}

/* Told again is the same (source, boot, seq). */
static bool has_event(const struct sl_past *past, const struct sl_event *event)
{
	for (uint32_t i = 0; i < past->events; i++)
		if (past->event[i].seq == event->seq && past->event[i].boot == event->boot &&
		    !strcmp(past->event[i].source, event->source))
			return true;
	return false;
}

static bool wanted(const struct sl_past *past, const struct sl_event *event)
{
	if (past->events >= past->most_events)
		return false;
	if (past->service && strcmp(past->service, event->service) &&
	    !of_incidents(past, event->incident))
		return false;
	return (!past->decisions || is_decision(event)) && !has_event(past, event);
}

static void on_event(void *arg, const struct sl_event *event)
{
	struct sl_past *past = arg;
	struct sl_event *kept;

	if (!event) {
		answered(past);
		return;
	}
	if (!wanted(past, event))
		return;
	kept = grow((void **)&past->event, &past->events, sizeof(*kept));
	if (kept)
		*kept = *event;
	else
		past->failed = true;
}

static void on_memory(void *arg, const struct sl_memory_report *report)
{
	struct sl_past *past = arg;
	struct sl_memory_report *kept;

	if (!report) {
		answered(past);
		return;
	}
	kept = grow((void **)&past->memory, &past->memories, sizeof(*kept));
	if (kept)
		*kept = *report;
	else
		past->failed = true;
}

static void ask(struct sl_past *past, struct sl_session *session)
{
	past->session = session;
	if (!past->waiting) {
		past->failed = false;
		past->losses = session->losses;
	}
	past->waiting++;
}

static unsigned int entries(const struct sl_past *past)
{
	return past->entries ? past->entries : SL_PAST_ENTRIES;
}

void sl_past_ask_incidents(struct sl_past *past, struct sl_session *session)
{
	ask(past, session);
	past->incidents = 0;
	sl_bus_fetch_incidents(session->bus, entries(past), on_incident, past);
}

void sl_past_ask_events(struct sl_past *past, struct sl_session *session)
{
	ask(past, session);
	past->events = 0;
	sl_bus_fetch_events(session->bus, entries(past), on_event, past);
}

void sl_past_ask_memory(struct sl_past *past, struct sl_session *session)
{
	ask(past, session);
	past->memories = 0;
	sl_bus_fetch_memory(session->bus, on_memory, past);
}

static bool all_answered(const struct sl_session *session)
{
	return !session->past->waiting;
}

bool sl_past_whole(const struct sl_past *past)
{
	return !past->waiting && !past->failed && past->losses == past->session->losses;
}

int sl_past_wait(struct sl_past *past, struct sl_session *session)
{
	session->past = past;
	if (sl_session_run(session, all_answered, session->cli->timeout_ms) && sl_past_whole(past))
		return 0;
	return sl_cli_fail(SL_CLI_TIMEOUT, "Redis at %s does not answer", session->cli->redis);
}

const struct sl_incident *sl_past_open(const struct sl_past *past, const char *service)
{
	for (uint32_t i = 0; i < past->incidents; i++)
		if (!past->incident[i].closed_unix_ns &&
		    !strcmp(past->incident[i].service, service))
			return &past->incident[i];
	return NULL;
}

void sl_past_free(struct sl_past *past)
{
	free(past->incident);
	free(past->event);
	free(past->memory);
}
