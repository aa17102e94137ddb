/*
 * bus_hear.c - what comes from Redis: stream entries, pictures, the watermark
 *
 * A stream is read from the last entry seen, also after a reconnection.  Entry ids
 * are times: when the newest entry is older than the last seen, Redis came back
 * without its data, and reading begins anew, so that nothing is missed; the
 * readers know what they had.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"

#define BLOCK_MS    "1000"
#define BLOCK_NS    UINT64_C(1000000000)
#define ENTRIES_MAX "64"

struct entry_id {
	uint64_t ms, seq;
};

/* "1700000000000-3" or "0". */
static bool read_id(const char *text, struct entry_id *id)
{
	int used = 0;

	*id = (struct entry_id){0};
	if (text[0] < '0' || text[0] > '9')
		return false;
	if (sscanf(text, "%" SCNu64 "-%" SCNu64 "%n", &id->ms, &id->seq, &used) == 2 && used)
		return !text[used];
	return sscanf(text, "%" SCNu64 "%n", &id->ms, &used) == 1 && !text[used];
}

static bool is_before(const char *a, const char *b)
{
	struct entry_id left, right;

	if (!read_id(a, &left) || !read_id(b, &right))
		return false;
	return left.ms < right.ms || (left.ms == right.ms && left.seq < right.seq);
}

static bool is_text(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

static bool is_array(const redisReply *reply, size_t least)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements >= least;
}

const char *sl_bus_entry_id(const redisReply *entry)
{
	struct entry_id id;

	if (!is_array(entry, 2) || !is_text(entry->element[0]) ||
	    entry->element[0]->len >= SL_BUS_ID_MAX || !read_id(entry->element[0]->str, &id))
		return NULL;
	return entry->element[0]->str;
}

static void on_newest(void *arg, const redisReply *reply, const char *why)
{
	struct sl_bus_stream *stream = arg;
	const char *newest = "0-0";

	if (!reply)
		return;
	if (!is_array(reply, 0))
		return sl_bus_drop_for(stream->bus, stream->key, reply);
	if (reply->elements)
		newest = sl_bus_entry_id(reply->element[0]);
	if (!newest)
		return sl_bus_drop_for(stream->bus, stream->key, reply);
	if (!strcmp(stream->after, "$"))
		snprintf(stream->after, sizeof(stream->after), "%s", newest);
	else if (is_before(newest, stream->after))
		strcpy(stream->after, "0-0");
	sl_bus_greeted(stream->bus);
}

static void ask_newest(struct sl_bus *bus, struct sl_bus_stream *stream)
{
	static const char *const words[] = {"+", "-", "COUNT", "1"};
	struct sl_link_command command = {.words = 0};

	if (!stream->heard)
		return;
	sl_link_text(&command, "XREVRANGE");
	sl_link_text(&command, stream->key);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sl_link_text(&command, words[i]);
	bus->greetings++;
	if (sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, on_newest, stream))
		sl_bus_drop(bus, "XREVRANGE could not be sent");
}

void sl_bus_hear_greet(struct sl_bus *bus)
{
	ask_newest(bus, &bus->events);
	ask_newest(bus, &bus->commands);
}

void sl_bus_malformed(struct sl_bus *bus, const char *key, const char *id, const char *why)
{
	bus->stats.malformed++;
	if (bus->handlers.malformed)
		bus->handlers.malformed(bus->arg, key, id, why);
}

const redisReply *sl_bus_pb(const redisReply *fields)
{
	for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
		if (is_text(fields->element[i]) && !strcmp(fields->element[i]->str, "pb") &&
		    fields->element[i + 1]->type == REDIS_REPLY_STRING)
			return fields->element[i + 1];
	}
	return NULL;
}

static void hear_event(struct sl_bus *bus, const redisReply *pb, const char *id)
{
	char why[SL_TEXT_MAX];

	if (sl_wire_unpack_event(&bus->heard.event, (uint8_t *)pb->str, pb->len, why))
		return sl_bus_malformed(bus, bus->events.key, id, why);
	bus->stats.received++;
	if (bus->handlers.event)
		bus->handlers.event(bus->arg, &bus->heard.event, id);
}

static void hear_command(struct sl_bus *bus, const redisReply *pb, const char *id)
{
	char why[SL_TEXT_MAX];

	if (sl_wire_unpack_command(&bus->heard.command, (uint8_t *)pb->str, pb->len, why))
		return sl_bus_malformed(bus, bus->commands.key, id, why);
	bus->stats.received++;
	if (bus->handlers.command)
		bus->handlers.command(bus->arg, &bus->heard.command, id);
}

/* False when it is no entry, or the bus went down in a handler. */
static bool hear_entry(struct sl_bus *bus, struct sl_bus_stream *stream, const redisReply *entry)
{
	const char *id = sl_bus_entry_id(entry);
	const redisReply *pb;

	if (!id) {
		sl_bus_drop_for(bus, stream->key, entry);
		return false;
	}
	/* Before the handler: it may close the bus, or fail, and then this entry is had. */
	snprintf(stream->after, sizeof(stream->after), "%s", id);
	pb = sl_bus_pb(entry->element[1]);
	if (!pb)
		sl_bus_malformed(bus, stream->key, id, "no field pb");
	else if (stream == &bus->events)
		hear_event(bus, pb, id);
	else
		hear_command(bus, pb, id);
	return bus->state == SL_BUS_UP;
}

static struct sl_bus_stream *stream_named(struct sl_bus *bus, const redisReply *key)
{
	if (is_text(key) && bus->events.heard && !strcmp(key->str, bus->events.key))
		return &bus->events;
	if (is_text(key) && bus->commands.heard && !strcmp(key->str, bus->commands.key))
		return &bus->commands;
	return NULL;
}

/* [[key, [entry, ...]], ...]; false when it is not that, or the bus went down. */
static bool hear_streams(struct sl_bus *bus, const redisReply *reply)
{
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *pair = reply->element[i];
		struct sl_bus_stream *stream =
			is_array(pair, 2) ? stream_named(bus, pair->element[0]) : NULL;

		if (!stream || !is_array(pair->element[1], 0)) {
			sl_bus_drop_for(bus, "XREAD", pair);
			return false;
		}
		for (size_t j = 0; j < pair->element[1]->elements; j++) {
			if (!hear_entry(bus, stream, pair->element[1]->element[j]))
				return false;
		}
	}
	return true;
}

static void ask_entries(struct sl_bus *bus);

static void on_entries(void *arg, const redisReply *reply, const char *why)
{
	struct sl_bus *bus = arg;

	if (!reply || bus->state != SL_BUS_UP)
		return;
	if (reply->type != REDIS_REPLY_NIL && !is_array(reply, 0))
		return sl_bus_drop_for(bus, "XREAD", reply);
	if (reply->type == REDIS_REPLY_NIL || hear_streams(bus, reply))
		ask_entries(bus);
}

static void ask_entries(struct sl_bus *bus)
{
	static const char *const words[] = {"XREAD", "BLOCK",     BLOCK_MS,
					    "COUNT", ENTRIES_MAX, "STREAMS"};
	const struct sl_bus_stream *streams[] = {&bus->events, &bus->commands};
	struct sl_link_command command = {.words = 0};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sl_link_text(&command, words[i]);
	for (size_t i = 0; i < 2; i++) {
		if (streams[i]->heard)
			sl_link_text(&command, streams[i]->key);
	}
	for (size_t i = 0; i < 2; i++) {
		if (streams[i]->heard)
			sl_link_text(&command, streams[i]->after);
	}
	if (sl_link_ask(&bus->hear, &command, SL_LINK_PATIENCE + BLOCK_NS, on_entries, bus))
		sl_bus_drop(bus, "XREAD could not be sent");
}

void sl_bus_hear_begin(struct sl_bus *bus)
{
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];

	if (bus->events.heard || bus->commands.heard)
		ask_entries(bus);
	if (!bus->telemetry || bus->state != SL_BUS_UP)
		return;
	sl_link_text(&command, "SUBSCRIBE");
	sl_link_text(&command, sl_bus_key(bus, "live", key));
	if (sl_link_tell(&bus->live, &command))
		sl_bus_drop(bus, "SUBSCRIBE could not be sent");
}

void sl_bus_hear_push(struct sl_bus *bus, const redisReply *reply)
{
	const redisReply *picture;
	char why[SL_TEXT_MAX];

	if (!is_array(reply, 3) || !is_text(reply->element[0]))
		return sl_bus_drop_for(bus, "SUBSCRIBE", reply);
	picture = reply->element[2];
	if (strcmp(reply->element[0]->str, "message") != 0 || !is_text(picture))
		return;
	if (sl_wire_unpack_telemetry(&bus->heard.telemetry, (uint8_t *)picture->str, picture->len,
				     why))
		return sl_bus_malformed(bus, "live", "", why);
	bus->stats.received++;
	if (bus->handlers.telemetry)
		bus->handlers.telemetry(bus->arg, &bus->heard.telemetry);
}

static void on_watermark(void *arg, const redisReply *reply, const char *why)
{
	struct sl_bus *bus = arg;
	uint64_t boot, seq;
	int used = 0;

	if (!reply || reply->type == REDIS_REPLY_NIL)
		return;
	if (!is_text(reply))
		return sl_bus_drop_for(bus, bus->watermark_key, reply);
	if (reply->len >= sizeof(bus->watermark))
		return sl_bus_malformed(bus, bus->watermark_key, "", "longer than boot:seq");
	if (!strcmp(reply->str, bus->watermark))
		return;
	strcpy(bus->watermark, reply->str);
	if (sscanf(reply->str, "%" SCNu64 ":%" SCNu64 "%n", &boot, &seq, &used) != 2 ||
	    reply->str[used])
		return sl_bus_malformed(bus, bus->watermark_key, "", "not boot:seq");
	if (bus->handlers.watermark)
		bus->handlers.watermark(bus->arg, boot, seq);
}

void sl_bus_hear_watermark(struct sl_bus *bus)
{
	struct sl_link_command command = {.words = 0};

	sl_link_text(&command, "GET");
	sl_link_text(&command, bus->watermark_key);
	sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, on_watermark, bus);
}
