/*
 * wire_test.c - messages to bytes, to JSON and back; and bytes that nobody vouches for
 *
 * Messages are filled by walking the field tables, so that a new field is tested
 * from its first day.  Hostile bytes run under ASan and UBSan in the sanitised build.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire_fields.h"
#include "tests/unit/row.h"
#include "wire_event.h"

#define MUTATIONS 20000

static uint8_t bytes[SL_WIRE_BYTES_MAX];

static const struct message {
	const char *name;
	const struct sl_fields *fields;
} messages[] = {
	{"telemetry", &sl_fields_telemetry}, {"event", &sl_fields_event},
	{"command", &sl_fields_command},     {"unclaimed", &sl_fields_unclaimed},
	{"incident", &sl_fields_incident},   {"memory", &sl_fields_memory},
};

static void fill(const struct sl_fields *fields, uint8_t *to, uint32_t *next);

static void fill_list(const struct sl_field *field, uint8_t *to, uint32_t *next)
{
	*(uint32_t *)(to + field->count) = field->limit;
	for (uint32_t i = 0; i < field->limit; i++)
		fill(field->message, to + field->offset + i * field->message->size, next);
}

/* Every member gets a value that no other member has (but bools and enums). */
static void fill_field(const struct sl_field *field, uint8_t *to, uint32_t *next)
{
	void *value = to + field->offset;

	++*next;
	switch (field->kind) {
	case SL_FIELD_VERSION:
		break;
	case SL_FIELD_BOOL:
		*(bool *)value = true;
		break;
	case SL_FIELD_U32:
		*(uint32_t *)value = UINT32_MAX - *next;
		break;
	case SL_FIELD_U64:
	case SL_FIELD_ID:
		*(uint64_t *)value = UINT64_MAX - *next;
		break;
	case SL_FIELD_ENUM:
		*(uint32_t *)value = 1 + *next % (field->words->count - 1);
		break;
	case SL_FIELD_TEXT:
	case SL_FIELD_LINES:
		memset(value, 'a' + (int)(*next % 26), field->limit - 1);
		break;
	case SL_FIELD_OPTIONAL:
		*(bool *)(to + field->count) = true;
		fill(field->message, value, next);
		break;
	case SL_FIELD_MESSAGE:
		fill(field->message, value, next);
		break;
	case SL_FIELD_LIST:
		fill_list(field, to, next);
		break;
	}
}

static void fill(const struct sl_fields *fields, uint8_t *to, uint32_t *next)
{
	for (uint32_t i = 0; i < fields->fields; i++)
		fill_field(&fields->field[i], to, next);
}

static void *filled(const struct sl_fields *fields)
{
	void *made = calloc(1, fields->size);
	uint32_t next = 0;

	assert_non_null(made);
	fill(fields, made, &next);
	return made;
}

static void full_round_trip(void **state)
{
	const struct message *row = *state;
	void *from = filled(row->fields), *to = calloc(1, row->fields->size);
	char why[SL_TEXT_MAX] = "";
	long length = sl_fields_pack(row->fields, from, bytes, sizeof(bytes));

	assert_true(length > 0);
	if (sl_fields_unpack(row->fields, to, bytes, (size_t)length, why))
		fail_msg("%s", why);
	assert_memory_equal(from, to, row->fields->size);
	assert_int_equal(sl_fields_pack(row->fields, from, bytes, (size_t)length - 1), -EMSGSIZE);
	free(from);
	free(to);
}

static void empty_round_trip(void **state)
{
	const struct message *row = *state;
	uint8_t *from = calloc(1, row->fields->size), *to = calloc(1, row->fields->size);
	long length = sl_fields_pack(row->fields, from, bytes, sizeof(bytes));

	memset(to, 0xa5, row->fields->size);
	assert_int_equal(sl_fields_unpack(row->fields, to, bytes, (size_t)length, NULL), 0);
	assert_memory_equal(from, to, row->fields->size);
	free(from);
	free(to);
}

/* Row i of a table is field i of its message, and no message refers to itself. */
static void check_table(const struct sl_fields *fields, int depth)
{
	assert_in_range(depth, 1, 4);
	assert_int_equal(fields->fields, fields->descriptor->n_fields);
	for (uint32_t i = 0; i < fields->fields; i++) {
		const struct sl_field *field = &fields->field[i];

		assert_string_equal(field->name, fields->descriptor->fields[i].name);
		if (field->words)
			assert_int_equal(field->words->count,
					 ((const ProtobufCEnumDescriptor *)fields->descriptor
						  ->fields[i]
						  .descriptor)
						 ->n_values);
		if (!field->message)
			continue;
		assert_ptr_equal(field->message->descriptor,
				 fields->descriptor->fields[i].descriptor);
		check_table(field->message, depth + 1);
	}
}

static void table_is_the_proto(void **state)
{
	const struct message *row = *state;

	check_table(row->fields, 1);
}

/* A failed read leaves the struct as it was, and says why. */
static void read_hostile(const struct sl_fields *fields, const uint8_t *in, size_t size,
			 uint8_t *to)
{
	char why[SL_TEXT_MAX] = "";
	uint8_t *exact = malloc(size ? size : 1);

	memcpy(exact, in, size);
	memset(to, 0x5a, fields->size);
	if (sl_fields_unpack(fields, to, exact, size, why)) {
		for (size_t i = 0; i < fields->size; i++)
			assert_int_equal(to[i], 0x5a);
		assert_true(why[0]);
	}
	free(exact);
}

static void truncated_anywhere(void **state)
{
	struct sl_event event, to;
	long length;

	small_event(&event);
	length = sl_wire_pack_event(&event, bytes, sizeof(bytes));
	for (long cut = 0; cut < length; cut++)
		read_hostile(&sl_fields_event, bytes, (size_t)cut, (uint8_t *)&to);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static void mutated_at_random(void **state)
{
	static struct sl_telemetry telemetry, to;
	static uint8_t mutant[8192];
	uint64_t seed = 20231122;
	long length;

	telemetry.paths = 3;
	telemetry.uplinks = 2;
	telemetry.counters = 2;
	telemetry.dhcp = 2;
	for (uint32_t i = 0; i < 3; i++)
		strcpy(telemetry.path[i].reason, "p95 81 ms > 80 ms");
	length = sl_wire_pack_telemetry(&telemetry, bytes, sizeof(mutant));
	assert_true(length > 0);
	for (int turn = 0; turn < MUTATIONS; turn++) {
		memcpy(mutant, bytes, (size_t)length);
		for (uint32_t i = 1 + next_random(&seed) % 4; i; i--)
			mutant[next_random(&seed) % (uint32_t)length] = (uint8_t)next_random(&seed);
		read_hostile(&sl_fields_telemetry, mutant, (size_t)length, (uint8_t *)&to);
	}
}

/* Bytes after a good event: in protobuf the last value of a field counts. */
static const struct limit_row {
	const char *name;
	const char *tail;
	size_t size;
	const char *why; /* NULL = is read */
} limit_rows[] = {
#define TAIL(text) text, sizeof(text) - 1
	{"nothing more is read", TAIL(""), NULL},
	{"an unknown field is passed over", TAIL("\xfa\x3f\x01x"), NULL},
	{"a site of 31 bytes is read",
	 TAIL("\x12\x1f"
	      "0123456789012345678901234567890"),
	 NULL},
	{"a site of 32 bytes is not",
	 TAIL("\x12\x20"
	      "01234567890123456789012345678901"),
	 "site: 32 bytes, at most 31"},
	{"two-, three- and four-byte characters are read",
	 TAIL("\x12\x09\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), NULL},
	{"a lone continuation byte", TAIL("\x12\x01\x80"), "site: not UTF-8"},
	{"a cut character", TAIL("\x12\x02\xe2\x82"), "site: not UTF-8"},
	{"an overlong character", TAIL("\x12\x02\xc0\xaf"), "site: not UTF-8"},
	{"a surrogate", TAIL("\x12\x03\xed\xa0\x80"), "site: not UTF-8"},
	{"beyond U+10FFFF", TAIL("\x12\x04\xf4\x90\x80\x80"), "site: not UTF-8"},
	{"an escape sequence", TAIL("\x12\x04\x1b[2J"), "site: has control characters"},
	{"a line end in a text", TAIL("\x12\x02x\n"), "site: has control characters"},
	{"a C1 control", TAIL("\x12\x02\xc2\x9b"), "site: has control characters"},
	{"another version", TAIL("\x08\x02"), "wire_version: 2, this program speaks 1"},
	{"no version", TAIL("\x08\x00"), "wire_version: 0, this program speaks 1"},
	{"an unknown kind", TAIL("\x40\x07"), "kind: 7 is no known value"},
	{"a negative kind", TAIL("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	 "kind: -1 is no known value"},
	{"a bad value further in", TAIL("\xb2\x01\x02\x18\x09"), "path.state: 9 is no known value"},
	{"a text too long further in",
	 TAIL("\xb2\x01\x10\x32\x0e\x0a\x0c"
	      "a long metho"),
	 "path.rtt_lan.method: 12 bytes, at most 11"},
	{"a wrong wire type", TAIL("\x10\x01"),
	 "Event: not a protobuf of this kind, or over the memory budget"},
	{"field number 0", TAIL("\x02\x00"),
	 "Event: not a protobuf of this kind, or over the memory budget"},
	{"a length beyond the end", TAIL("\x12\xff\xff\xff\xff\x0f"),
	 "Event: not a protobuf of this kind, or over the memory budget"},
};

static void limit(void **state)
{
	const struct limit_row *row = *state;
	char why[SL_TEXT_MAX] = "";
	struct sl_event event, to;
	long length;
	int err;

	small_event(&event);
	length = sl_wire_pack_event(&event, bytes, sizeof(bytes));
	memcpy(bytes + length, row->tail, row->size);
	err = sl_wire_unpack_event(&to, bytes, (size_t)length + row->size, why);
	assert_int_equal(err, row->why ? -EPROTO : 0);
	assert_string_equal(why, row->why ? row->why : "");
}

static void too_many_paths(void **state)
{
	static struct sl_telemetry telemetry, to;
	char why[SL_TEXT_MAX] = "";
	long length;

	telemetry.paths = SL_WIRE_PATHS_MAX;
	length = sl_wire_pack_telemetry(&telemetry, bytes, sizeof(bytes));
	/* Appended to each other, lists add up. */
	memcpy(bytes + length, "\x62\x00", 2);
	assert_int_equal(sl_wire_unpack_telemetry(&to, bytes, (size_t)length + 2, why), -EPROTO);
	assert_string_equal(why, "paths: 65 entries, at most 64");
	telemetry.paths++;
	assert_int_equal(sl_wire_pack_telemetry(&telemetry, bytes, sizeof(bytes)), -EMSGSIZE);
}

/* As large as a telemetry can be: every list full, every text and number at its longest. */
static void largest_telemetry(void **state)
{
	struct sl_telemetry *from = filled(&sl_fields_telemetry);
	long length = sl_wire_pack_telemetry(from, bytes, sizeof(bytes));

	assert_int_equal(from->paths, SL_WIRE_PATHS_MAX);
	/* Half of the limit is left for what will be added. */
	assert_in_range(length, 1, SL_WIRE_BYTES_MAX / 2);
	free(from);
}

/* 128 Ki empty messages of 2 bytes would take 50 MB. */
static void bomb_of_empty_messages(void **state)
{
	static struct sl_telemetry to;
	char why[SL_TEXT_MAX] = "";

	for (size_t i = 0; i < sizeof(bytes); i += 2)
		memcpy(bytes + i, "\x62\x00", 2);
	assert_int_equal(sl_wire_unpack_telemetry(&to, bytes, sizeof(bytes), why), -EPROTO);
	assert_string_equal(why,
			    "Telemetry: not a protobuf of this kind, or over the memory budget");
}

static void too_large(void **state)
{
	struct sl_event to;
	char why[SL_TEXT_MAX] = "";

	assert_int_equal(sl_wire_unpack_event(&to, bytes, SL_WIRE_BYTES_MAX + 1, why), -EPROTO);
	assert_string_equal(why, "Event: 262145 bytes, at most 262144");
}

static void unended_text_is_not_sent(void **state)
{
	struct sl_event event = {.seq = 1};

	memset(event.site, 'x', sizeof(event.site));
	assert_int_equal(sl_wire_pack_event(&event, bytes, sizeof(bytes)), -EMSGSIZE);
}

static void policy_keeps_its_lines(void **state)
{
	static struct sl_command command, to;
	long length;

	strcpy(command.policy, "site: x\n\tports:\r\n");
	length = sl_wire_pack_command(&command, bytes, sizeof(bytes));
	assert_int_equal(sl_wire_unpack_command(&to, bytes, (size_t)length, NULL), 0);
	assert_string_equal(to.policy, command.policy);
	strcpy(command.policy, "site: \x1b\n");
	length = sl_wire_pack_command(&command, bytes, sizeof(bytes));
	assert_int_equal(sl_wire_unpack_command(&to, bytes, (size_t)length, NULL), -EPROTO);
}

/* The JSON object has the table's keys, in its order, all the way down. */
static void check_json(const struct sl_fields *fields, json_t *object)
{
	void *at = json_object_iter(object);

	for (uint32_t i = 0; i < fields->fields; i++) {
		const struct sl_field *field = &fields->field[i];
		json_t *value;

		assert_non_null(at);
		assert_string_equal(json_object_iter_key(at), field->name);
		value = json_object_iter_value(at);
		if (field->kind == SL_FIELD_LIST) {
			assert_int_equal(json_array_size(value), field->limit);
			value = json_array_get(value, field->limit - 1);
		}
		if (field->message)
			check_json(field->message, value);
		at = json_object_iter_next(object, at);
	}
	assert_null(at);
}

static void json_reads_back(void **state)
{
	const struct message *row = *state;
	void *from = filled(row->fields);
	char *line = sl_fields_json(row->fields, from);
	json_error_t error;
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);

	assert_non_null(object);
	assert_null(strchr(line, '\n'));
	check_json(row->fields, object);
	json_decref(object);
	free(line);
	free(from);
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"an event cut at every length", truncated_anywhere},
	{"20000 mutated telemetries", mutated_at_random},
	{"65 paths", too_many_paths},
	{"the largest telemetry is half of what may be sent", largest_telemetry},
	{"a bomb of empty messages", bomb_of_empty_messages},
	{"more bytes than a message may have", too_large},
	{"a text without its end is not sent", unended_text_is_not_sent},
	{"a policy keeps line ends and tabs", policy_keeps_its_lines},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		static char names[4][sizeof(messages) / sizeof(messages[0])][64];
		static const struct case_row each[] = {
			{"%s, every field set, comes back equal", full_round_trip},
			{"%s, all zero, comes back equal", empty_round_trip},
			{"the table of %s is storeline.proto", table_is_the_proto},
			{"%s as JSON has the table's keys in order", json_reads_back},
		};

		for (size_t j = 0; j < 4; j++) {
			const char *hole = strstr(each[j].name, "%s");

			snprintf(names[j][i], sizeof(names[j][i]), "%.*s%s%s",
				 (int)(hole - each[j].name), each[j].name, messages[i].name,
				 hole + 2);
			sl_row_add(&tests, names[j][i], each[j].run, &messages[i]);
		}
	}
	SL_ROWS_ADD(&tests, limit_rows, limit);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return sl_row_run("proto wire", &tests);
}
