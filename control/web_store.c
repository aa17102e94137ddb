/*
 * web_store.c - a bounded past, as JSON
 */
#include "web_store.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static void free_incident(struct sl_web_incident *incident)
{
	free(incident->whole);
	free(incident->summary);
	*incident = (struct sl_web_incident){0};
}

void sl_web_store_free(struct sl_web_store *store)
{
	for (uint32_t i = 0; i < store->incidents; i++)
		free_incident(&store->incident[i]);
	for (uint32_t i = 0; i < SL_WEB_EVENTS_MAX; i++)
		free(store->event[i].json);
	for (uint32_t i = 0; i < SL_WEB_DECISIONS_MAX; i++)
		free(store->decision[i].json);
	memset(store, 0, sizeof(*store));
}

static char *summary_of(const struct sl_incident *incident)
{
	struct sl_incident *less = malloc(sizeof(*less));
	char *json;

	if (!less)
		return NULL;
	*less = *incident;
	less->has_path = false;
	less->steps = 0;
	json = sl_wire_json_incident(less);
	free(less);
	return json;
}

/* Where @id is, or belongs. */
static uint32_t place_of(const struct sl_web_store *store, uint64_t id)
{
	uint32_t i = 0;

	while (i < store->incidents && store->incident[i].id > id)
		i++;
	return i;
}

static bool is_at(const struct sl_web_store *store, uint32_t i, uint64_t id)
{
	return i < store->incidents && store->incident[i].id == id;
}

enum sl_web_news sl_web_store_incident(struct sl_web_store *store,
				       const struct sl_incident *incident, uint64_t round)
{
	uint32_t i = place_of(store, incident->id);
	bool known = is_at(store, i, incident->id);
	struct sl_web_incident made = {.id = incident->id,
				       .round = round,
				       .open = !incident->closed_unix_ns};

	if (i == SL_WEB_INCIDENTS_MAX || (known && store->incident[i].round == round))
		return SL_WEB_OLD; /* older than all that is kept, or than what is */
	if (known)
		store->incident[i].round = round;
	made.whole = sl_wire_json_incident(incident);
	made.summary = summary_of(incident);
	if (!made.whole || !made.summary ||
	    (known && !strcmp(made.whole, store->incident[i].whole))) {
		free_incident(&made);
		return SL_WEB_OLD;
	}
	if (known) {
		free_incident(&store->incident[i]);
	} else {
		if (store->incidents == SL_WEB_INCIDENTS_MAX)
			free_incident(&store->incident[--store->incidents]);
		memmove(&store->incident[i + 1], &store->incident[i],
			(store->incidents - i) * sizeof(made));
		store->incidents++;
	}
	store->incident[i] = made;
	return known ? SL_WEB_CHANGED : SL_WEB_OPENED;
}

const char *sl_web_store_whole(const struct sl_web_store *store, uint64_t id)
{
	uint32_t i = place_of(store, id);

	return is_at(store, i, id) ? store->incident[i].whole : NULL;
}

const char *sl_web_store_summary(const struct sl_web_store *store, uint64_t id)
{
	uint32_t i = place_of(store, id);

	return is_at(store, i, id) ? store->incident[i].summary : NULL;
}

static bool has(const struct sl_web_event *ring, uint32_t size, const struct sl_event *event)
{
	for (uint32_t i = 0; i < size; i++)
		if (ring[i].json && ring[i].seq == event->seq && ring[i].boot == event->boot &&
		    !strcmp(ring[i].source, event->source))
			return true;
	return false;
}

static const char *put(struct sl_web_event *slot, const struct sl_event *event, char *json)
{
	free(slot->json);
	*slot = (struct sl_web_event){.boot = event->boot, .seq = event->seq, .json = json};
	memcpy(slot->source, event->source, sizeof(slot->source));
	memcpy(slot->service, event->service, sizeof(slot->service));
	return json;
}

const char *sl_web_store_event(struct sl_web_store *store, const struct sl_event *event)
{
	char *json, *copy;

	/* At least once is what the stream promises: sent again after a reconnect. */
	if (has(store->event, SL_WEB_EVENTS_MAX, event))
		return NULL;
	json = sl_wire_json_event(event);
	if (!json)
		return NULL;
	copy = event->kind == SL_EVENT_DECISION ? strdup(json) : NULL;
	if (copy)
		put(&store->decision[store->decisions++ % SL_WEB_DECISIONS_MAX], event, copy);
	return put(&store->event[store->events++ % SL_WEB_EVENTS_MAX], event, json);
}

uint32_t sl_web_store_open(const struct sl_web_store *store)
{
	uint32_t open = 0;

	for (uint32_t i = 0; i < store->incidents; i++)
		open += store->incident[i].open;
	return open;
}

static void put_item(struct evbuffer *to, bool *first, const char *json)
{
	evbuffer_add_printf(to, "%s%s", *first ? "" : ",", json);
	*first = false;
}

void sl_web_store_put_incidents(const struct sl_web_store *store, bool only_open,
				struct evbuffer *to)
{
	bool first = true;

	evbuffer_add(to, "[", 1);
	for (uint32_t i = 0; i < store->incidents; i++)
		if (store->incident[i].open || !only_open)
			put_item(to, &first, store->incident[i].summary);
	evbuffer_add(to, "]", 1);
}

void sl_web_store_put_events(const struct sl_web_store *store, struct evbuffer *to)
{
	bool first = true;

	evbuffer_add(to, "[", 1);
	for (uint64_t n = store->events; n > 0 && n + SL_WEB_EVENTS_MAX > store->events; n--)
		put_item(to, &first, store->event[(n - 1) % SL_WEB_EVENTS_MAX].json);
	evbuffer_add(to, "]", 1);
}

void sl_web_store_put_decisions(const struct sl_web_store *store, const char *service,
				struct evbuffer *to)
{
	uint32_t told = 0;
	bool first = true;

	evbuffer_add(to, "[", 1);
	for (uint64_t n = store->decisions;
	     n > 0 && n + SL_WEB_DECISIONS_MAX > store->decisions && told < SL_WEB_WHY_MAX; n--) {
		const struct sl_web_event *decision =
			&store->decision[(n - 1) % SL_WEB_DECISIONS_MAX];

		if (strcmp(decision->service, service))
			continue;
		put_item(to, &first, decision->json);
		told++;
	}
	evbuffer_add(to, "]", 1);
}
