/*
 * wire_unclaimed_test.c - the limits and the words of the unclaimed
 *
 * What all messages share, a full one there and back among it, is wire_test.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"
#include "tests/unit/row.h"

static uint8_t bytes[SL_WIRE_BYTES_MAX];

static void small(struct sl_unclaimed_report *report)
{
	*report = (struct sl_unclaimed_report){
		.site = "store-0421",
		.at_unix_ns = UINT64_C(1700000000000000000),
		.entries = 1,
		.entry[0] =
			{
				.name = "a.example",
				.name_source = "tls",
				.address = "203.0.113.7",
				.app = "TLS.Netflix",
				.port = 443,
				.proto = "tcp",
				.flows = 12,
				.first_bytes = 3456,
				.last_unix_ns = UINT64_C(1699999999000000000),
				.flows_over = 2,
			},
	};
}

/* Bytes after a good message: one more entry. */
#define ENTRY(size, text) "\x22" size text, sizeof("\x22" size text) - 1
#define X12               "xxxxxxxxxxxx"
#define X46               X12 X12 X12 "xxxxxxxxxx"
#define X64               X12 X12 X12 X12 X12 "xxxx"
static const struct limit_row {
	const char *name;
	const char *tail;
	size_t size;
	const char *why; /* NULL = is read */
} limit_rows[] = {
	{"nothing more is read", "", 0, NULL},
	{"an empty entry", ENTRY("\x00", ""), NULL},
	{"an application of 63 bytes", ENTRY("\x41", "\x22\x3f" X12 X12 X12 X12 X12 "xxx"), NULL},
	{"an application of 64 bytes", ENTRY("\x42", "\x22\x40" X64),
	 "entries[1].app: 64 bytes, at most 63"},
	{"an address of 46 bytes", ENTRY("\x30", "\x1a\x2e" X46),
	 "entries[1].address: 46 bytes, at most 45"},
	{"a source of 12 bytes", ENTRY("\x0e", "\x12\x0c" X12),
	 "entries[1].name_source: 12 bytes, at most 11"},
	{"a protocol of 12 bytes", ENTRY("\x0e", "\x32\x0c" X12),
	 "entries[1].proto: 12 bytes, at most 11"},
	{"a name with an escape sequence", ENTRY("\x06", "\x0a\x04\x1b[2J"),
	 "entries[1].name: has control characters"},
	{"a name that is no UTF-8", ENTRY("\x03", "\x0a\x01\xff"), "entries[1].name: not UTF-8"},
	{"another version", "\x08\x02", 2, "wire_version: 2, this program speaks 1"},
};

static void limit(void **state)
{
	const struct limit_row *row = *state;
	static struct sl_unclaimed_report report, to;
	char why[SL_TEXT_MAX] = "";
	long length;
	int err;

	small(&report);
	length = sl_wire_pack_unclaimed(&report, bytes, sizeof(bytes));
	assert_true(length > 0);
	memcpy(bytes + length, row->tail, row->size);
	err = sl_wire_unpack_unclaimed(&to, bytes, (size_t)length + row->size, why);
	assert_int_equal(err, row->why ? -EPROTO : 0);
	assert_string_equal(why, row->why ? row->why : "");
}

static void name_of_256_bytes(void **state)
{
	static struct sl_unclaimed_report report, to;
	/* entries { name: 256 bytes }: field 4 of 259 bytes, field 1 of 256. */
	static const uint8_t head[] = {0x22, 0x83, 0x02, 0x0a, 0x80, 0x02};
	char why[SL_TEXT_MAX] = "";
	long length;

	small(&report);
	length = sl_wire_pack_unclaimed(&report, bytes, sizeof(bytes));
	memcpy(bytes + length, head, sizeof(head));
	memset(bytes + length + sizeof(head), 'x', 256);
	assert_int_equal(sl_wire_unpack_unclaimed(&to, bytes, (size_t)length + sizeof(head) + 256,
						  why),
			 -EPROTO);
	assert_string_equal(why, "entries[1].name: 256 bytes, at most 255");
}

static void too_many_entries(void **state)
{
	static struct sl_unclaimed_report report, to;
	char why[SL_TEXT_MAX] = "";
	long length;

	report.entries = SL_WIRE_KINDS_MAX;
	length = sl_wire_pack_unclaimed(&report, bytes, sizeof(bytes));
	memcpy(bytes + length, "\x22\x00", 2);
	assert_int_equal(sl_wire_unpack_unclaimed(&to, bytes, (size_t)length + 2, why), -EPROTO);
	assert_string_equal(why, "entries: 65 entries, at most 64");
	report.entries++;
	assert_int_equal(sl_wire_pack_unclaimed(&report, bytes, sizeof(bytes)), -EMSGSIZE);
}

static void cut_anywhere(void **state)
{
	static struct sl_unclaimed_report report, to, untouched;
	char why[SL_TEXT_MAX];
	long length;

	small(&report);
	length = sl_wire_pack_unclaimed(&report, bytes, sizeof(bytes));
	memset(&untouched, 0x5a, sizeof(untouched));
	for (long cut = 0; cut < length; cut++) {
		uint8_t *exact = malloc(cut ? (size_t)cut : 1);

		memcpy(exact, bytes, (size_t)cut);
		memcpy(&to, &untouched, sizeof(to));
		if (sl_wire_unpack_unclaimed(&to, exact, (size_t)cut, why))
			assert_memory_equal(&to, &untouched, sizeof(to));
		free(exact);
	}
}

static void golden_json(void **state)
{
	static struct sl_unclaimed_report report;
	char *line;

	small(&report);
	line = sl_wire_json_unclaimed(&report);
	assert_string_equal(line,
			    "{\"wire_version\":1,\"site\":\"store-0421\","
			    "\"at_unix_ns\":1700000000000000000,\"entries\":[{"
			    "\"name\":\"a.example\",\"name_source\":\"tls\","
			    "\"address\":\"203.0.113.7\",\"app\":\"TLS.Netflix\",\"port\":443,"
			    "\"proto\":\"tcp\",\"flows\":12,\"first_bytes\":3456,"
			    "\"last_unix_ns\":1699999999000000000,\"flows_over\":2}]}");
	free(line);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, limit_rows, limit);
	sl_row_add(&tests, "a name of 256 bytes", name_of_256_bytes, NULL);
	sl_row_add(&tests, "64 entries are read and sent, 65 are not", too_many_entries, NULL);
	sl_row_add(&tests, "cut at every length", cut_anywhere, NULL);
	sl_row_add(&tests, "JSON, word by word", golden_json, NULL);
	return sl_row_run("proto wire unclaimed", &tests);
}
