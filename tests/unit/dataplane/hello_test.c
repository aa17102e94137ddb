/*
 * hello_test.c - ClientHellos of all kinds, whole, cut at each byte, and split into records
 *
 * Every message lies in a heap block of its own size: a sanitizer sees a read past its end.
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/hello.h"
#include "dataplane/stream.h"
#include "tests/unit/dataplane/wire_make.h"
#include "tests/unit/row.h"

#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME253                         \
	LABEL63 "." LABEL63 "." LABEL63 \
		".a234567890123456789012345678901234567890123456789012345678901"

/* What follows type and length of the handshake: version, random, no session, one cipher, null. */
#define RANDOM "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define FIXED  "0303" RANDOM "00 0002 1301 0100"

static enum sl_hello read_block(const uint8_t *bytes, uint32_t length, bool records,
				struct sl_hello_info *info)
{
	uint8_t *block = malloc(length ? length : 1);
	enum sl_hello verdict;

	assert_non_null(block);
	memcpy(block, bytes, length);
	verdict = records ? sl_hello_read_records(block, length, info)
			  : sl_hello_read(block, length, info);
	free(block);
	return verdict;
}

static const struct built {
	const char *name;
	struct wire_hello hello;
	enum sl_hello verdict;
	const char *want, *alpn;
	bool encrypted;
} built[] = {
	{"a name", {.name = "shop.example.com"}, SL_HELLO_NAMED, "shop.example.com", "", false},
	{"a name behind everything else",
	 {.name = "shop.example.com", .name_last = true, .alpn = "h2 http/1.1", .padding = 300},
	 SL_HELLO_NAMED,
	 "shop.example.com",
	 "h2",
	 false},
	{"upper case becomes lower",
	 {.name = "Shop.EXAMPLE.com"},
	 SL_HELLO_NAMED,
	 "shop.example.com",
	 "",
	 false},
	{"a dot at the end goes",
	 {.name = "shop.example.com."},
	 SL_HELLO_NAMED,
	 "shop.example.com",
	 "",
	 false},
	{"underscore and digits",
	 {.name = "_a1.x-2.example"},
	 SL_HELLO_NAMED,
	 "_a1.x-2.example",
	 "",
	 false},
	{"one label", {.name = "localhost"}, SL_HELLO_NAMED, "localhost", "", false},
	{"the longest name", {.name = NAME253}, SL_HELLO_NAMED, NAME253, "", false},
	{"a name that is too long", {.name = NAME253 "abcd"}, SL_HELLO_BAD, NULL, NULL, false},
	{"no name", {.alpn = "h2"}, SL_HELLO_NAMELESS, "", "h2", false},
	{"no extensions at all", {.no_extensions = true}, SL_HELLO_NAMELESS, "", "", false},
	{"an empty name", {.name = ""}, SL_HELLO_BAD, NULL, NULL, false},
	{"only a dot", {.name = "."}, SL_HELLO_BAD, NULL, NULL, false},
	{"an empty label", {.name = "a..b"}, SL_HELLO_BAD, NULL, NULL, false},
	{"a dot at the start", {.name = ".a"}, SL_HELLO_BAD, NULL, NULL, false},
	{"two dots at the end", {.name = "a.."}, SL_HELLO_BAD, NULL, NULL, false},
	{"a space in a name", {.name = "a b"}, SL_HELLO_BAD, NULL, NULL, false},
	{"an IPv6 address is no name", {.name = "2001:db8::1"}, SL_HELLO_BAD, NULL, NULL, false},
	{"not ASCII", {.name = "caf\xc3\xa9.example"}, SL_HELLO_BAD, NULL, NULL, false},
	{"GREASE everywhere",
	 {.name = "shop.example.com", .grease = true, .alpn = "h2"},
	 SL_HELLO_NAMED,
	 "shop.example.com",
	 "h2",
	 false},
	{"GREASE and no name", {.grease = true}, SL_HELLO_NAMELESS, "", "", false},
	{"encrypted client hello",
	 {.name = "front.example", .ech = true},
	 SL_HELLO_NAMED,
	 "front.example",
	 "",
	 true},
	{"a protocol that is too long is passed over",
	 {.name = "a.example", .alpn = "0123456789abcdef h3"},
	 SL_HELLO_NAMED,
	 "a.example",
	 "h3",
	 false},
	{"the longest protocol",
	 {.name = "a.example", .alpn = "0123456789abcde"},
	 SL_HELLO_NAMED,
	 "a.example",
	 "0123456789abcde",
	 false},
};

static void check_info(const struct built *row, const struct sl_hello_info *info)
{
	if (!row->want)
		return;
	assert_string_equal(info->name, row->want);
	assert_string_equal(info->alpn, row->alpn);
	assert_int_equal(info->encrypted, row->encrypted);
	assert_true(info->whole);
}

static void check_whole(const struct built *row)
{
	struct wire message = {.length = 0}, stream = {.length = 0};
	struct sl_hello_info info;

	wire_put_hello(&message, &row->hello);
	assert_int_equal(read_block(message.bytes, message.length, false, &info), row->verdict);
	check_info(row, &info);
	for (uint32_t size = 1; size <= message.length; size++) {
		stream.length = 0;
		wire_records(&stream, message.bytes, message.length, size);
		if (stream.length > SL_STREAM_MAX)
			continue;
		wire_hex(&stream, "17 0303 0002 aabb"); /* 0-RTT data behind it */
		assert_int_equal(read_block(stream.bytes, stream.length, true, &info),
				 row->verdict);
		check_info(row, &info);
	}
}

/* Cut at each byte: never a wrong name, never nameless, and bad only where the whole is. */
static void check_cut(const struct built *row)
{
	struct wire message = {.length = 0}, stream = {.length = 0};

	wire_put_hello(&message, &row->hello);
	wire_records(&stream, message.bytes, message.length, 200);
	for (uint32_t i = 0; i < message.length + stream.length; i++) {
		bool records = i >= message.length;
		struct sl_hello_info info = {.name = "untouched"};
		enum sl_hello verdict =
			records ? read_block(stream.bytes, i - message.length, true, &info)
				: read_block(message.bytes, i, false, &info);

		if (verdict == SL_HELLO_NAMED) {
			assert_string_equal(info.name, row->want);
			assert_false(info.whole);
		} else {
			assert_string_equal(info.name, "untouched");
			assert_true(verdict == SL_HELLO_MORE ||
				    (verdict == SL_HELLO_BAD && row->verdict == SL_HELLO_BAD));
		}
	}
}

static void built_test(void **state)
{
	check_whole(*state);
	check_cut(*state);
}

static const struct raw {
	const char *name;
	bool records;
	const char *hex;
	enum sl_hello verdict;
	const char *want;
} raw[] = {
	{"nothing yet", false, "", SL_HELLO_MORE, NULL},
	{"nothing yet, in records", true, "", SL_HELLO_MORE, NULL},
	{"a ServerHello", false, "02 000026 0303", SL_HELLO_BAD, NULL},
	{"version 2 of SSL", false, "01 000040 0002", SL_HELLO_BAD, NULL},
	{"session id over 32 bytes", false, "01 000100 0303" RANDOM "21", SL_HELLO_BAD, NULL},
	{"no ciphers", false, "01 000026 0303" RANDOM "00 0000", SL_HELLO_BAD, NULL},
	{"an odd number of cipher bytes", false, "01 000030 0303" RANDOM "00 0003", SL_HELLO_BAD,
	 NULL},
	{"ciphers over the end", false, "01 000029 0303" RANDOM "00 1002", SL_HELLO_BAD, NULL},
	{"no compression", false, "01 000028 0303" RANDOM "00 0002 1301 00", SL_HELLO_BAD, NULL},
	{"extensions shorter than the message", false, "01 00002d" FIXED "0001 0000", SL_HELLO_BAD,
	 NULL},
	{"extensions longer than the message", false, "01 00002d" FIXED "0005 0000", SL_HELLO_BAD,
	 NULL},
	{"an extension over the end", false, "01 00002f" FIXED "0004 0010 0009", SL_HELLO_BAD,
	 NULL},
	{"a name over its list", false, "01 000036" FIXED "000b 0000 0007 0005 00 0004 6162",
	 SL_HELLO_BAD, NULL},
	{"a list over its extension", false, "01 000036" FIXED "000b 0000 0007 0006 00 0002 6162",
	 SL_HELLO_BAD, NULL},
	{"another kind of name first", false,
	 "01 00003a" FIXED "000f 0000 000b 0009 07 0001 78 00 0002 6162", SL_HELLO_NAMED, "ab"},
	{"the name's extension twice: the first", false,
	 "01 00003f" FIXED "0014 0000 0006 0004 00 0001 61 0000 0006 0004 00 0001 62",
	 SL_HELLO_NAMED, "a"},
	{"what follows the message is not its", false,
	 "01 000035" FIXED "000a 0000 0006 0004 00 0001 61 ffffffff", SL_HELLO_NAMED, "a"},
	{"HTTP", true, "474554202f20485454502f312e31", SL_HELLO_BAD, NULL},
	{"an alert", true, "15 0301 0002 0100", SL_HELLO_BAD, NULL},
	{"handshake of a version that is none", true, "16 0200 0010", SL_HELLO_BAD, NULL},
	{"a record that is too long", true, "16 0301 4801 01", SL_HELLO_BAD, NULL},
	{"the first byte alone", true, "16", SL_HELLO_MORE, NULL},
	{"a record with nothing in it, then the hello", true,
	 "16 0301 0000 16 0301 0039 01 000035" FIXED "000a 0000 0006 0004 00 0001 61",
	 SL_HELLO_NAMED, "a"},
	{"other records inside the hello", true, "16 0301 0004 01 000035 14 0303 0001 01",
	 SL_HELLO_BAD, NULL},
	{"other records behind the hello", true,
	 "16 0301 0039 01 000035" FIXED "000a 0000 0006 0004 00 0001 61 14 0303 0001 01",
	 SL_HELLO_NAMED, "a"},
	{"a length of 16 MiB: only early", false, "01 ffffff 0303", SL_HELLO_MORE, NULL},
};

static void raw_test(void **state)
{
	const struct raw *row = *state;
	struct wire wire = {.length = 0};
	struct sl_hello_info info = {.name = "untouched"};

	wire_hex(&wire, row->hex);
	assert_int_equal(read_block(wire.bytes, wire.length, row->records, &info), row->verdict);
	assert_string_equal(info.name, row->want ? row->want : "untouched");
}

/* Two segments, split at each byte, either order: named when both are there. */
static void any_split_any_order(void **state)
{
	struct wire message = {.length = 0}, stream = {.length = 0};
	struct sl_stream *s = calloc(1, sizeof(*s));
	struct sl_hello_info info;

	assert_non_null(s);
	wire_put_hello(&message,
		       &(struct wire_hello){.name = "shop.example.com", .name_last = true});
	wire_records(&stream, message.bytes, message.length, message.length);
	assert_true(stream.length > 0);
	for (uint32_t cut = 1; cut < 2 * stream.length; cut++) {
		uint32_t at = cut % stream.length;
		bool late = cut > stream.length;

		sl_stream_clear(s);
		sl_stream_add(s, late ? at : 0, stream.bytes + (late ? at : 0),
			      late ? stream.length - at : at);
		if (at)
			assert_int_equal(sl_hello_read_records(s->bytes, s->filled, &info),
					 SL_HELLO_MORE);
		sl_stream_add(s, late ? 0 : at, stream.bytes + (late ? 0 : at),
			      late ? at : stream.length - at);
		assert_int_equal(sl_hello_read_records(s->bytes, s->filled, &info), SL_HELLO_NAMED);
		assert_string_equal(info.name, "shop.example.com");
	}
	free(s);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, built, built_test);
	SL_ROWS_ADD(&tests, raw, raw_test);
	sl_row_add(&tests, "split at any byte, in any order", any_split_any_order, NULL);
	return sl_row_run("hello", &tests);
}
