/*
 * bus_history.c - what Redis keeps for later: incidents, memory; and reading it back
 *
 * Events and roll-ups are read back here too: newest first for people, oldest first for a
 * replay.  An answer comes as a whole, so what is asked for is bounded by the asker.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"
#include "policy.h"

#define INCIDENTS_CAP "5000"
#define FLEET_MEMORY  "sl:fleet:memory"

/* Who reads back, and what. */
struct asked {
	struct sl_bus *bus;
	char site[SL_NAME_MAX]; /* whose */
	const char *what;       /* a constant */
	sl_bus_incident incident;
	sl_bus_event event;
	sl_bus_health health;
	sl_bus_memory memory;
	void *arg;
};

int sl_bus_send_incident(struct sl_bus *bus, const struct sl_incident *incident, sl_bus_done done,
			 void *arg)
{
	long length;

	if (bus->state != SL_BUS_UP) {
		bus->stats.failed++;
		return -ENOTCONN;
	}
	length = sl_wire_pack_incident(incident, bus->bytes, SL_WIRE_BYTES_MAX);
	return sl_bus_add_entry(bus, "incident", INCIDENTS_CAP, length,
				sl_wire_json_incident(incident), done, arg);
}

/* Of a picture what is judged by it, and what is set: no counters, no words where all is well. */
static void make_lean(struct sl_telemetry *lean, const struct sl_telemetry *from)
{
	uint32_t paths = 0;

	sl_wire_copy_telemetry(lean, from);
	lean->counters = 0;
	for (uint32_t i = 0; i < from->paths; i++) {
		struct sl_path_report *path = &lean->path[paths];

		if (from->path[i].state == SL_HEALTH_IDLE)
			continue;
		*path = from->path[i];
		paths++;
		path->dns = path->think = path->transaction = (struct sl_latency_report){""};
		path->bogus = path->bogus_acks = path->bogus_seqs = path->bogus_echoes = 0;
		path->bogus_icmp = path->bogus_answers = 0;
		if (path->state != SL_HEALTH_DEGRADED && path->state != SL_HEALTH_DOWN)
			path->reason[0] = '\0';
	}
	lean->paths = paths;
	lean->dhcp = 0;
	for (uint32_t i = 0; i < from->dhcp; i++) {
		const struct sl_dhcp_report *vlan = &from->dhcp_vlan[i];

		if (vlan->clients_unanswered || vlan->clients_refused || vlan->new_server[0])
			lean->dhcp_vlan[lean->dhcp++] = *vlan;
	}
	for (uint32_t i = 0; i < lean->uplinks; i++)
		if (lean->uplink[i].state != SL_HEALTH_DOWN)
			lean->uplink[i].reason[0] = '\0';
}

/* One a second: as many as seconds are kept.  By number, so that no clock that jumps trims them. */
int sl_bus_send_health(struct sl_bus *bus, const struct sl_telemetry *telemetry,
		       const struct sl_policy_history *history)
{
	static struct sl_telemetry lean; /* too large for a stack; one thread */
	bool full = history->detail == SL_HISTORY_FULL;
	char cap[12];
	long length;

	if (bus->state != SL_BUS_UP) {
		bus->stats.failed++;
		return -ENOTCONN;
	}
	if (!full)
		make_lean(&lean, telemetry);
	snprintf(cap, sizeof(cap), "%u", history->keep_s ? history->keep_s : SL_POLICY_KEEP_S);
	length = sl_wire_pack_telemetry(full ? telemetry : &lean, bus->bytes, SL_WIRE_BYTES_MAX);
	return sl_bus_add_entry(bus, "health", cap, length,
				full ? sl_wire_json_telemetry(telemetry) : strdup(""), NULL, NULL);
}

static int set_memory(struct sl_bus *bus, long length, const char *json)
{
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];

	sl_link_text(&command, "HSET");
	sl_link_text(&command, sl_bus_key(bus, "memory", key));
	sl_link_text(&command, "pb");
	sl_link_bytes(&command, bus->bytes, (size_t)length);
	sl_link_text(&command, "json");
	sl_link_text(&command, json);
	return sl_bus_tell(bus, &command);
}

int sl_bus_send_memory(struct sl_bus *bus, const struct sl_memory_report *report)
{
	struct sl_link_command command = {.words = 0};
	long length = -ENOTCONN;
	char *json = NULL;
	int err;

	if (bus->state == SL_BUS_UP)
		length = sl_wire_pack_memory(report, bus->bytes, SL_WIRE_BYTES_MAX);
	if (length >= 0) {
		json = sl_wire_json_memory(report);
		length = json ? length : -ENOMEM;
	}
	if (length < 0) {
		bus->stats.failed++;
		return (int)length;
	}
	err = set_memory(bus, length, json);
	free(json);
	if (err)
		return err;
	sl_link_text(&command, "HSET");
	sl_link_text(&command, FLEET_MEMORY);
	sl_link_text(&command, bus->site);
	sl_link_bytes(&command, bus->bytes, (size_t)length);
	return sl_bus_tell(bus, &command);
}

/* Who shares, and how it is told. */
struct sharing {
	sl_bus_done done;
	void *arg;
};

static void on_shared(void *arg, const redisReply *reply, const char *why)
{
	struct sharing sharing = *(struct sharing *)arg;

	free(arg);
	if (!sharing.done)
		return;
	if (!reply)
		sharing.done(sharing.arg, -ENOTCONN, why);
	else if (reply->type == REDIS_REPLY_ERROR)
		sharing.done(sharing.arg, -EIO, reply->str);
	else
		sharing.done(sharing.arg, 0, "");
}

int sl_bus_share_memory(struct sl_bus *bus, const struct sl_memory_report *report, sl_bus_done done,
			void *arg)
{
	struct sl_link_command command = {.words = 0};
	struct sharing *kept = NULL;
	long length = -ENOTCONN;
	int err;

	if (bus->state == SL_BUS_UP)
		length = sl_wire_pack_memory(report, bus->bytes, SL_WIRE_BYTES_MAX);
	if (length >= 0)
		kept = malloc(sizeof(*kept));
	err = length < 0 ? (int)length : kept ? 0 : -ENOMEM;
	if (!err) {
		*kept = (struct sharing){done, arg};
		sl_link_text(&command, "HSET");
		sl_link_text(&command, FLEET_MEMORY);
		sl_link_text(&command, report->site);
		sl_link_bytes(&command, bus->bytes, (size_t)length);
		err = sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, on_shared, kept);
	}
	if (!err) {
		bus->stats.sent++;
		return 0;
	}
	free(kept);
	bus->stats.failed++;
	return err;
}

static void end(const struct asked *asked)
{
	if (asked->incident)
		asked->incident(asked->arg, NULL);
	else if (asked->event)
		asked->event(asked->arg, NULL);
	else if (asked->health)
		asked->health(asked->arg, NULL, "");
	else if (asked->memory)
		asked->memory(asked->arg, NULL);
}

/* 0 and @why untouched; or why @pb cannot be read. */
static int give(const struct asked *asked, const redisReply *pb, const char *id, char *why)
{
	struct sl_bus *bus = asked->bus;
	const uint8_t *bytes = (const uint8_t *)pb->str;
	int err;

	if (asked->incident) {
		err = sl_wire_unpack_incident(&bus->heard.incident, bytes, pb->len, why);
		if (!err)
			asked->incident(asked->arg, &bus->heard.incident);
	} else if (asked->event) {
		err = sl_wire_unpack_event(&bus->heard.event, bytes, pb->len, why);
		if (!err)
			asked->event(asked->arg, &bus->heard.event);
	} else if (asked->health) {
		err = sl_wire_unpack_telemetry(&bus->heard.telemetry, bytes, pb->len, why);
		if (!err)
			asked->health(asked->arg, &bus->heard.telemetry, id);
	} else {
		err = sl_wire_unpack_memory(&bus->heard.memory, bytes, pb->len, why);
		if (!err)
			asked->memory(asked->arg, &bus->heard.memory);
	}
	return err;
}

static void take(const struct asked *asked, const redisReply *pb, const char *id)
{
	struct sl_bus *bus = asked->bus;
	char why[SL_TEXT_MAX] = "no field pb", key[SL_BUS_KEY_MAX];

	if (pb && pb->type == REDIS_REPLY_STRING && !give(asked, pb, id, why))
		bus->stats.received++;
	else
		sl_bus_malformed(bus, sl_bus_key_of(asked->site, asked->what, key), id, why);
}

/* [[id, [field, value, ...]], ...] of a stream; [field, value, ...] of the fleet's hash. */
static void on_answer(void *arg, const redisReply *reply, const char *why)
{
	struct asked asked = *(struct asked *)arg;
	char key[SL_BUS_KEY_MAX];

	free(arg);
	if (reply && reply->type != REDIS_REPLY_ARRAY)
		sl_bus_malformed(asked.bus, sl_bus_key_of(asked.site, asked.what, key), "",
				 reply->str ? reply->str : "not what Redis answers");
	else if (reply && asked.memory)
		for (size_t i = 0; i + 1 < reply->elements; i += 2)
			take(&asked, reply->element[i + 1], "");
	else if (reply)
		for (size_t i = 0; i < reply->elements; i++) {
			const char *id = sl_bus_entry_id(reply->element[i]);

			take(&asked, id ? sl_bus_pb(reply->element[i]->element[1]) : NULL,
			     id ? id : "");
		}
	end(&asked);
}

static int ask(const struct asked *asked, const struct sl_link_command *command)
{
	struct sl_bus *bus = asked->bus;
	struct asked *kept = bus->state == SL_BUS_UP ? malloc(sizeof(*kept)) : NULL;
	int err = bus->state == SL_BUS_UP ? -ENOMEM : -ENOTCONN;

	if (kept) {
		*kept = *asked;
		err = sl_link_ask(&bus->say, command, SL_LINK_PATIENCE, on_answer, kept);
		if (err)
			free(kept);
	}
	if (err) {
		bus->stats.failed++;
		end(asked);
	}
	return err;
}

/* @verb KEY @from @to COUNT @count */
static int ask_range(const struct asked *asked, const char *verb, const char *from, const char *to,
		     unsigned int count)
{
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX], number[12];

	snprintf(number, sizeof(number), "%u", count);
	sl_link_text(&command, verb);
	sl_link_text(&command, sl_bus_key_of(asked->site, asked->what, key));
	sl_link_text(&command, from);
	sl_link_text(&command, to);
	sl_link_text(&command, "COUNT");
	sl_link_text(&command, number);
	return ask(asked, &command);
}

static struct asked question(struct sl_bus *bus, const char *site, const char *what, void *arg)
{
	struct asked asked = {.bus = bus, .what = what, .arg = arg};

	snprintf(asked.site, sizeof(asked.site), "%s", site);
	return asked;
}

int sl_bus_fetch_incidents_of(struct sl_bus *bus, const char *site, unsigned int count,
			      sl_bus_incident got, void *arg)
{
	struct asked asked = question(bus, site, "incident", arg);

	asked.incident = got;
	return ask_range(&asked, "XREVRANGE", "+", "-", count);
}

int sl_bus_fetch_incidents(struct sl_bus *bus, unsigned int count, sl_bus_incident got, void *arg)
{
	return sl_bus_fetch_incidents_of(bus, bus->site, count, got, arg);
}

int sl_bus_fetch_events(struct sl_bus *bus, unsigned int count, sl_bus_event got, void *arg)
{
	struct asked asked = question(bus, bus->site, "event", arg);

	asked.event = got;
	return ask_range(&asked, "XREVRANGE", "+", "-", count);
}

int sl_bus_fetch_health(struct sl_bus *bus, const char *after, unsigned int count,
			sl_bus_health got, void *arg)
{
	struct asked asked = question(bus, bus->site, "health", arg);
	char from[SL_BUS_ID_MAX + 1] = "-";

	if (after[0])
		snprintf(from, sizeof(from), "(%.43s", after);
	asked.health = got;
	return ask_range(&asked, "XRANGE", from, "+", count);
}

int sl_bus_fetch_health_of(struct sl_bus *bus, const char *site, uint64_t at_unix_ns,
			   sl_bus_health got, void *arg)
{
	struct asked asked = question(bus, site, "health", arg);
	char at[SL_BUS_ID_MAX];

	snprintf(at, sizeof(at), "%" PRIu64, at_unix_ns / 1000000);
	asked.health = got;
	return ask_range(&asked, "XREVRANGE", at, "-", 1);
}

int sl_bus_fetch_memory(struct sl_bus *bus, sl_bus_memory got, void *arg)
{
	struct asked asked = question(bus, bus->site, "memory", arg);
	struct sl_link_command command = {.words = 0};

	asked.memory = got;
	sl_link_text(&command, "HGETALL");
	sl_link_text(&command, FLEET_MEMORY);
	return ask(&asked, &command);
}
