/*
 * bus_say.c - what goes to Redis: stream entries, pictures, watermarks, the policy, the unclaimed
 *
 * Each entry carries the message as protobuf (`pb`) and its mirror (`json`; not a lean roll-up).  The
 * streams are capped so that a reader that never comes back cannot fill Redis;
 * events are kept by their source until they are acknowledged, whatever Redis says.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"

#define EVENTS_CAP   "100000"
#define COMMANDS_CAP "10000"
#define LIVE_UNSENT  (1024 * 1024) /* pictures are skipped while this much waits */

/* Who wants to know how it went. */
struct said {
	struct sl_bus *bus;
	sl_bus_done done;
	sl_bus_policy got;
	sl_bus_unclaimed unclaimed;
	void *arg;
};

/* Errors that every next command would meet too: better a new connection later. */
static bool is_hopeless(const char *error)
{
	static const char *const starts[] = {"LOADING", "NOAUTH", "READONLY", "MASTERDOWN"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (!strncmp(error, starts[i], strlen(starts[i])))
			return true;
	}
	return false;
}

static int error_number(const char *error)
{
	return !strncmp(error, "OOM", 3)         ? -ENOSPC
	       : !strncmp(error, "WRONGTYPE", 9) ? -EINVAL
						 : -EIO;
}

static void on_said(void *arg, const redisReply *reply, const char *why)
{
	struct said said = *(struct said *)arg;
	bool refused = reply && reply->type == REDIS_REPLY_ERROR;
	const char *text = !reply ? why : reply->str ? reply->str : "";
	int err = !reply ? -ENOTCONN : refused ? error_number(text) : 0;

	free(arg);
	if (err)
		said.bus->stats.failed++;
	else
		said.bus->stats.sent++;
	if (said.done)
		said.done(said.arg, err, text);
	if (refused && is_hopeless(text))
		sl_bus_drop_for(said.bus, "Redis", reply);
}

/* Send @command; said->done is told.  0 or -errno (counted, and done is not called). */
static int say(struct sl_bus *bus, const struct sl_link_command *command, sl_link_answer answer,
	       const struct said *said)
{
	struct said *kept;
	int err = -ENOTCONN;

	if (bus->state == SL_BUS_UP) {
		kept = malloc(sizeof(*kept));
		err = -ENOMEM;
		if (kept) {
			*kept = *said;
			err = sl_link_ask(&bus->say, command, SL_LINK_PATIENCE, answer, kept);
		}
		if (err)
			free(kept);
	}
	if (err)
		bus->stats.failed++;
	return err;
}

static int fail(struct sl_bus *bus, int err)
{
	bus->stats.failed++;
	return err;
}

int sl_bus_tell(struct sl_bus *bus, const struct sl_link_command *command)
{
	const struct said said = {.bus = bus};

	return say(bus, command, on_said, &said);
}

int sl_bus_add_entry(struct sl_bus *bus, const char *what, const char *cap, long length, char *json,
		     sl_bus_done done, void *arg)
{
	const struct said said = {.bus = bus, .done = done, .arg = arg};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];
	int err;

	if (length < 0 || !json) {
		free(json);
		return fail(bus, length < 0 ? (int)length : -ENOMEM);
	}
	sl_link_text(&command, "XADD");
	sl_link_text(&command, sl_bus_key(bus, what, key));
	sl_link_text(&command, "MAXLEN");
	sl_link_text(&command, "~");
	sl_link_text(&command, cap);
	sl_link_text(&command, "*");
	sl_link_text(&command, "pb");
	sl_link_bytes(&command, bus->bytes, (size_t)length);
	if (json[0]) {
		sl_link_text(&command, "json");
		sl_link_text(&command, json);
	}
	err = say(bus, &command, on_said, &said);
	free(json);
	return err;
}

int sl_bus_send_event(struct sl_bus *bus, const struct sl_event *event, sl_bus_done done, void *arg)
{
	long length;

	if (bus->state != SL_BUS_UP)
		return fail(bus, -ENOTCONN);
	length = sl_wire_pack_event(event, bus->bytes, SL_WIRE_BYTES_MAX);
	return sl_bus_add_entry(bus, "event", EVENTS_CAP, length, sl_wire_json_event(event), done,
				arg);
}

int sl_bus_send_command(struct sl_bus *bus, const struct sl_command *command, sl_bus_done done,
			void *arg)
{
	long length;

	if (bus->state != SL_BUS_UP)
		return fail(bus, -ENOTCONN);
	length = sl_wire_pack_command(command, bus->bytes, SL_WIRE_BYTES_MAX);
	return sl_bus_add_entry(bus, "command", COMMANDS_CAP, length, sl_wire_json_command(command),
				done, arg);
}

static int publish(struct sl_bus *bus, const char *what, const void *bytes, size_t size)
{
	const struct said said = {.bus = bus};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];

	sl_link_text(&command, "PUBLISH");
	sl_link_text(&command, sl_bus_key(bus, what, key));
	sl_link_bytes(&command, bytes, size);
	return say(bus, &command, on_said, &said);
}

int sl_bus_send_telemetry(struct sl_bus *bus, const struct sl_telemetry *telemetry)
{
	long length;
	char *json;
	int err;

	if (bus->state != SL_BUS_UP)
		return fail(bus, -ENOTCONN);
	if (sl_link_unsent(&bus->say) > LIVE_UNSENT)
		return fail(bus, -EAGAIN);
	length = sl_wire_pack_telemetry(telemetry, bus->bytes, SL_WIRE_BYTES_MAX);
	if (length < 0)
		return fail(bus, (int)length);
	err = publish(bus, "live", bus->bytes, (size_t)length);
	if (err)
		return err;
	json = sl_wire_json_telemetry(telemetry);
	if (!json)
		return fail(bus, -ENOMEM);
	err = publish(bus, "live.json", json, strlen(json));
	free(json);
	return err;
}

int sl_bus_send_watermark(struct sl_bus *bus, const char *source, uint64_t boot, uint64_t seq)
{
	const struct said said = {.bus = bus};
	struct sl_link_command command = {.words = 0};
	char what[SL_NAME_MAX + 8], key[SL_BUS_KEY_MAX], value[SL_BUS_ID_MAX];

	if (strlen(source) >= SL_NAME_MAX)
		return fail(bus, -EMSGSIZE);
	snprintf(what, sizeof(what), "ack:%s", source);
	snprintf(value, sizeof(value), "%" PRIu64 ":%" PRIu64, boot, seq);
	sl_link_text(&command, "SET");
	sl_link_text(&command, sl_bus_key(bus, what, key));
	sl_link_text(&command, value);
	return say(bus, &command, on_said, &said);
}

int sl_bus_trim_events(struct sl_bus *bus, const char *id)
{
	const struct said said = {.bus = bus};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];

	sl_link_text(&command, "XTRIM");
	sl_link_text(&command, sl_bus_key(bus, "event", key));
	sl_link_text(&command, "MINID");
	sl_link_text(&command, id);
	return say(bus, &command, on_said, &said);
}

int sl_bus_publish_policy(struct sl_bus *bus, const char *current, const char *previous,
			  const char *last_good, uint64_t version)
{
	const char *const fields[] = {"current", current,     "previous",
				      previous,  "last_good", last_good};
	const struct said said = {.bus = bus};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX], number[24];

	snprintf(number, sizeof(number), "%" PRIu64, version);
	sl_link_text(&command, "HSET");
	sl_link_text(&command, sl_bus_key(bus, "policy", key));
	sl_link_text(&command, "version");
	sl_link_text(&command, number);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i += 2) {
		if (!fields[i + 1])
			continue;
		if (strlen(fields[i + 1]) >= SL_POLICY_BYTES_MAX)
			return fail(bus, -EMSGSIZE);
		sl_link_text(&command, fields[i]);
		sl_link_text(&command, fields[i + 1]);
	}
	return say(bus, &command, on_said, &said);
}

/* A text field of the hash; NULL when it is not there or no policy could be so. */
static const char *policy_text(const redisReply *field)
{
	if (field->type != REDIS_REPLY_STRING || field->len >= SL_POLICY_BYTES_MAX ||
	    strlen(field->str) != field->len)
		return NULL;
	return field->str;
}

/* The answer for key @what is none. */
static void refused(struct sl_bus *bus, const char *what, const redisReply *reply)
{
	const char *why = reply->str ? reply->str : "not what Redis answers";
	char key[SL_BUS_KEY_MAX];

	sl_bus_malformed(bus, sl_bus_key(bus, what, key), "", why);
	if (is_hopeless(why))
		sl_bus_drop(bus, why);
}

static void on_policy(void *arg, const redisReply *reply, const char *why)
{
	struct said said = *(struct said *)arg;
	const char *version;

	free(arg);
	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
		said.got(said.arg, NULL, NULL, 0);
		if (reply)
			refused(said.bus, "policy", reply);
		return;
	}
	version = policy_text(reply->element[2]);
	said.got(said.arg, policy_text(reply->element[0]), policy_text(reply->element[1]),
		 version ? strtoull(version, NULL, 10) : 0);
}

int sl_bus_fetch_policy(struct sl_bus *bus, sl_bus_policy got, void *arg)
{
	const struct said said = {.bus = bus, .got = got, .arg = arg};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];
	int err;

	sl_link_text(&command, "HMGET");
	sl_link_text(&command, sl_bus_key(bus, "policy", key));
	sl_link_text(&command, "current");
	sl_link_text(&command, "previous");
	sl_link_text(&command, "version");
	err = say(bus, &command, on_policy, &said);
	if (err)
		got(arg, NULL, NULL, 0);
	return err;
}

int sl_bus_send_unclaimed(struct sl_bus *bus, const struct sl_unclaimed_report *report)
{
	const struct said said = {.bus = bus};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX], *json;
	long length;
	int err;

	if (bus->state != SL_BUS_UP)
		return fail(bus, -ENOTCONN);
	length = sl_wire_pack_unclaimed(report, bus->bytes, SL_WIRE_BYTES_MAX);
	if (length < 0)
		return fail(bus, (int)length);
	json = sl_wire_json_unclaimed(report);
	if (!json)
		return fail(bus, -ENOMEM);
	sl_link_text(&command, "HSET");
	sl_link_text(&command, sl_bus_key(bus, "unclaimed", key));
	sl_link_text(&command, "pb");
	sl_link_bytes(&command, bus->bytes, (size_t)length);
	sl_link_text(&command, "json");
	sl_link_text(&command, json);
	err = say(bus, &command, on_said, &said);
	free(json);
	return err;
}

static void on_unclaimed(void *arg, const redisReply *reply, const char *why)
{
	struct said said = *(struct said *)arg;
	struct sl_unclaimed_report *report = &said.bus->heard.unclaimed;
	char key[SL_BUS_KEY_MAX], text[SL_TEXT_MAX];

	free(arg);
	if (!reply || reply->type == REDIS_REPLY_NIL)
		return said.unclaimed(said.arg, NULL);
	if (reply->type != REDIS_REPLY_STRING) {
		said.unclaimed(said.arg, NULL);
		return refused(said.bus, "unclaimed", reply);
	}
	if (sl_wire_unpack_unclaimed(report, (uint8_t *)reply->str, reply->len, text)) {
		sl_bus_malformed(said.bus, sl_bus_key(said.bus, "unclaimed", key), "", text);
		return said.unclaimed(said.arg, NULL);
	}
	said.bus->stats.received++;
	said.unclaimed(said.arg, report);
}

int sl_bus_fetch_unclaimed(struct sl_bus *bus, sl_bus_unclaimed got, void *arg)
{
	const struct said said = {.bus = bus, .unclaimed = got, .arg = arg};
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];
	int err;

	sl_link_text(&command, "HGET");
	sl_link_text(&command, sl_bus_key(bus, "unclaimed", key));
	sl_link_text(&command, "pb");
	err = say(bus, &command, on_unclaimed, &said);
	if (err)
		got(arg, NULL);
	return err;
}
