/*
 * wire.c - the messages by name, and the words of their enums
 *
 * Everything else is a walk over the tables of wire_fields.c: wire_pack.c,
 * wire_unpack.c (limits, RELIABILITY.md 0.6), wire_json.c.  Pure: any thread.
 */
#include "wire_fields.h"

#include <string.h>

#define WORDS(of, count_, ...)                                      \
	static const char *const of##_list[count_] = {__VA_ARGS__}; \
	const struct sl_words sl_words_##of = {of##_list, count_}

WORDS(health, SL_HEALTH_COUNT, "unknown", "good", "degraded", "down", "idle", "blind");
WORDS(mode, SL_MODE_COUNT, "observe", "shadow", "enforce");
WORDS(verdict, SL_VERDICT_COUNT, "unknown", "lan", "uplink", "destination", "dns", "self");
WORDS(event, SL_EVENT_KIND_COUNT, "none", "started", "state-change", "action", "ack", "decision",
      "gap");
WORDS(ack, SL_ACK_COUNT, "none", "applied", "duplicate", "refused", "expired", "held");
WORDS(command, SL_COMMAND_KIND_COUNT, "none", "reroute", "throttle", "restore", "freeze", "bypass",
      "resume", "policy", "rollback", "clamp", "remark");
WORDS(outcome, SL_OUTCOME_COUNT, "none", "helped", "undone", "held", "passed");

static const char *word_of(const struct sl_words *words, uint32_t value)
{
	return value < words->count ? words->word[value] : "?";
}

const char *sl_health_word(enum sl_health health)
{
	return word_of(&sl_words_health, health);
}

const char *sl_mode_word(enum sl_mode mode)
{
	return word_of(&sl_words_mode, mode);
}

const char *sl_verdict_word(enum sl_verdict verdict)
{
	return word_of(&sl_words_verdict, verdict);
}

const char *sl_event_kind_word(enum sl_event_kind kind)
{
	return word_of(&sl_words_event, kind);
}

const char *sl_ack_word(enum sl_ack_status status)
{
	return word_of(&sl_words_ack, status);
}

const char *sl_command_word(enum sl_command_kind kind)
{
	return word_of(&sl_words_command, kind);
}

const char *sl_outcome_word(enum sl_outcome outcome)
{
	return word_of(&sl_words_outcome, outcome);
}

long sl_wire_pack_telemetry(const struct sl_telemetry *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_telemetry, from, bytes, size);
}

long sl_wire_pack_event(const struct sl_event *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_event, from, bytes, size);
}

long sl_wire_pack_command(const struct sl_command *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_command, from, bytes, size);
}

long sl_wire_pack_unclaimed(const struct sl_unclaimed_report *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_unclaimed, from, bytes, size);
}

long sl_wire_pack_incident(const struct sl_incident *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_incident, from, bytes, size);
}

long sl_wire_pack_memory(const struct sl_memory_report *from, uint8_t *bytes, size_t size)
{
	return sl_fields_pack(&sl_fields_memory, from, bytes, size);
}

int sl_wire_unpack_telemetry(struct sl_telemetry *to, const uint8_t *bytes, size_t size, char *why)
{
	return sl_fields_unpack(&sl_fields_telemetry, to, bytes, size, why);
}

int sl_wire_unpack_event(struct sl_event *to, const uint8_t *bytes, size_t size, char *why)
{
	return sl_fields_unpack(&sl_fields_event, to, bytes, size, why);
}

int sl_wire_unpack_command(struct sl_command *to, const uint8_t *bytes, size_t size, char *why)
{
	return sl_fields_unpack(&sl_fields_command, to, bytes, size, why);
}

int sl_wire_unpack_unclaimed(struct sl_unclaimed_report *to, const uint8_t *bytes, size_t size,
			     char *why)
{
	return sl_fields_unpack(&sl_fields_unclaimed, to, bytes, size, why);
}

int sl_wire_unpack_incident(struct sl_incident *to, const uint8_t *bytes, size_t size, char *why)
{
	return sl_fields_unpack(&sl_fields_incident, to, bytes, size, why);
}

int sl_wire_unpack_memory(struct sl_memory_report *to, const uint8_t *bytes, size_t size, char *why)
{
	return sl_fields_unpack(&sl_fields_memory, to, bytes, size, why);
}

char *sl_wire_json_telemetry(const struct sl_telemetry *from)
{
	return sl_fields_json(&sl_fields_telemetry, from);
}

char *sl_wire_json_event(const struct sl_event *from)
{
	return sl_fields_json(&sl_fields_event, from);
}

char *sl_wire_json_command(const struct sl_command *from)
{
	return sl_fields_json(&sl_fields_command, from);
}

char *sl_wire_json_unclaimed(const struct sl_unclaimed_report *from)
{
	return sl_fields_json(&sl_fields_unclaimed, from);
}

char *sl_wire_json_incident(const struct sl_incident *from)
{
	return sl_fields_json(&sl_fields_incident, from);
}

char *sl_wire_json_memory(const struct sl_memory_report *from)
{
	return sl_fields_json(&sl_fields_memory, from);
}

void sl_wire_copy_telemetry(struct sl_telemetry *to, const struct sl_telemetry *from)
{
	memcpy(to, from, offsetof(struct sl_telemetry, path));
	memcpy(to->path, from->path, from->paths * sizeof(from->path[0]));
	memcpy(to->uplink, from->uplink, from->uplinks * sizeof(from->uplink[0]));
	memcpy(to->service, from->service, from->services * sizeof(from->service[0]));
	memcpy(to->counter, from->counter, from->counters * sizeof(from->counter[0]));
	memcpy(to->dhcp_vlan, from->dhcp_vlan, from->dhcp * sizeof(from->dhcp_vlan[0]));
}
