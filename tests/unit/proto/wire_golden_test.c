/*
 * wire_golden_test.c - the very bytes, JSON and words that others read
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"
#include "tests/unit/row.h"
#include "wire_event.h"

static uint8_t bytes[SL_WIRE_BYTES_MAX];

/* The bytes of version 1 as they were released: they must be read for ever. */
static const uint8_t golden[] = {
	0x08, 0x01, 0x12, 0x0a, 's',  't',  'o',  'r',  'e',  '-',  '0',  '4',  '2',  '1',  0x1a,
	0x09, 'd',  'a',  't',  'a',  'p',  'l',  'a',  'n',  'e',  0x20, 0x90, 0xe4, 0xd0, 0xb2,
	0x87, 0xd3, 0xae, 0xee, 0xfe, 0x01, 0x28, 0x07, 0x30, 0x80, 0x80, 0xa8, 0xb1, 0xe3, 0x9f,
	0xe7, 0xcb, 0x17, 0x40, 0x02, 0x4a, 0x03, 'p',  'o',  's',  0x52, 0x05, 'f',  'i',  'b',
	'r',  'e',  0x60, 0x01, 0x68, 0x02, 0xaa, 0x01, 0x10, 'l',  'o',  's',  's',  ' ',  '3',
	'.',  '1',  '%',  ' ',  '>',  ' ',  '0',  '.',  '5',  '%',  0xb2, 0x01, 0x1b, 0x0a, 0x03,
	'p',  'o',  's',  0x12, 0x05, 'f',  'i',  'b',  'r',  'e',  0x32, 0x07, 0x0a, 0x03, 's',
	'e',  'q',  0x10, 0x09, 0x3a, 0x00, 0x42, 0x00, 0x4a, 0x00,
};

/* What has been added to a path since then, nothing of it set: after the old fields. */
static const uint8_t added[] = {0xe2, 0x01, 0x00, 0xea, 0x01, 0x00, 0xf2, 0x01,
				0x00, 0xfa, 0x01, 0x00, 0x82, 0x02, 0x00};
#define GOLDEN_PATH_LENGTH (sizeof(golden) - 0x1b - 1) /* where the path's length stands */

static void golden_bytes(void **state)
{
	struct sl_event event, to;
	long length;

	small_event(&event);
	length = sl_wire_pack_event(&event, bytes, sizeof(bytes));
	assert_int_equal(length, sizeof(golden) + sizeof(added));
	assert_int_equal(bytes[GOLDEN_PATH_LENGTH], golden[GOLDEN_PATH_LENGTH] + sizeof(added));
	bytes[GOLDEN_PATH_LENGTH] = golden[GOLDEN_PATH_LENGTH];
	assert_memory_equal(bytes, golden, sizeof(golden));
	assert_memory_equal(bytes + sizeof(golden), added, sizeof(added));
	assert_int_equal(sl_wire_unpack_event(&to, golden, sizeof(golden), NULL), 0);
	assert_memory_equal(&to, &event, sizeof(to));
}

static void golden_json(void **state)
{
	struct sl_event event;
	char *line;

	small_event(&event);
	event.has_path = false;
	line = sl_wire_json_event(&event);
	assert_string_equal(
		line,
		"{\"wire_version\":1,\"site\":\"store-0421\",\"source\":\"dataplane\","
		"\"boot\":\"18364758544493064720\",\"seq\":7,\"at_unix_ns\":1700000000000000000,"
		"\"at_mono_ns\":0,\"kind\":\"state-change\",\"service\":\"pos\","
		"\"uplink\":\"fibre\",\"to_uplink\":\"\",\"before\":\"good\","
		"\"after\":\"degraded\",\"verdict\":\"unknown\",\"remedy\":\"\",\"limit_bps\":0,"
		"\"ack\":\"none\",\"command_id\":\"\",\"incident\":0,\"lost\":0,"
		"\"text\":\"loss 3.1% > 0.5%\"}");
	free(line);
}

static void json_of_bad_text(void **state)
{
	struct sl_event event = {.seq = 1, .text = "\xff"};
	char *line = sl_wire_json_event(&event);

	assert_non_null(line);
	assert_non_null(strstr(line, "\"text\":\"?\""));
	free(line);
}

static void words(void **state)
{
	assert_string_equal(sl_health_word(SL_HEALTH_BLIND), "blind");
	assert_string_equal(sl_mode_word(SL_MODE_ENFORCE), "enforce");
	assert_string_equal(sl_verdict_word(SL_VERDICT_SELF), "self");
	assert_string_equal(sl_event_kind_word(SL_EVENT_GAP), "gap");
	assert_string_equal(sl_ack_word(SL_ACK_HELD), "held");
	assert_string_equal(sl_command_word(SL_COMMAND_ROLLBACK), "rollback");
	assert_string_equal(sl_health_word(SL_HEALTH_COUNT), "?");
	assert_string_equal(sl_command_word((enum sl_command_kind) - 1), "?");
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"golden bytes of version 1", golden_bytes},
	{"golden JSON", golden_json},
	{"JSON of a text that is not UTF-8", json_of_bad_text},
	{"words of the enums", words},
};

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return sl_row_run("proto wire golden", &tests);
}
