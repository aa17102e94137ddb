/*
 * dns_test.c - DNS messages by hand, and what they say of addresses
 *
 * Messages are hex, spaces free.  Truth is RFC 1035, 3596, 9460.  Each good one is also cut
 * at every byte: it must be refused, without a read past the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dns.h"
#include "tests/unit/dataplane/wire_make.h"
#include "tests/unit/row.h"

/* "shop.example.com" stands at 12 ("c00c"), "example.com" at 17, in question and answers. */
#define SHOP                   "04 73686f70 07 6578616d706c65 03 636f6d 00 "
#define ASK_A                  SHOP "0001 0001 "
#define ASK_H                  SHOP "0041 0001 "
#define A(owner, ttl, address) owner " 0001 0001 " ttl " 0004 " address " "
#define HEAD(answers, more)    "1234 8180 0001 " answers " 0000 " more " "
#define CDN                    "03 63646e c011 " /* cdn.example.com */
#define CNAME_CDN(ttl)         "c00c 0005 0001 " ttl " 0006 " CDN

static const struct row {
	const char *name;
	const char *hex;
	int err;
	const char *question;
	const char *addresses; /* "address/ttl ..." in hex, mapped ones without their prefix */
	bool overflow;
} rows[] = {
	{"one address", HEAD("0001", "0000") ASK_A A("c00c", "0000003c", "cb007107"), 0,
	 "shop.example.com", "cb007107/60", false},
	{"two addresses",
	 HEAD("0002", "0000") ASK_A A("c00c", "0000003c", "cb007107")
		 A("c00c", "0000000a", "cb007108"),
	 0, "shop.example.com", "cb007107/60 cb007108/10", false},
	{"IPv6",
	 HEAD("0001", "0000") SHOP
	 "001c 0001 c00c 001c 0001 00000005 0010 20010db8000000000000000000000001",
	 0, "shop.example.com", "20010db8000000000000000000000001/5", false},
	{"an alias: the least TTL of the chain",
	 HEAD("0002", "0000") ASK_A CNAME_CDN("00000014") A("c02e", "0000003c", "cb007107"), 0,
	 "shop.example.com", "cb007107/20", false},
	{"an alias: the address's own TTL is the least",
	 HEAD("0002", "0000") ASK_A CNAME_CDN("00000e10") A("c02e", "0000003c", "cb007107"), 0,
	 "shop.example.com", "cb007107/60", false},
	{"address before its alias",
	 HEAD("0002", "0000") ASK_A A("03 63646e c011", "0000003c", "cb007107")
		 CNAME_CDN("00000014"),
	 0, "shop.example.com", "cb007107/20", false},
	{"an alias of an alias, backwards",
	 HEAD("0003", "0000") ASK_A A(
		 "01 62 c011", "0000003c",
		 "cb007107") "01 61 c011 0005 0001 00000007 0004 01 62 c011 c00c 0005 0001 00000014 0004 01 61 c011",
	 0, "shop.example.com", "cb007107/7", false},
	{"aliases in a ring",
	 HEAD("0002", "0000") ASK_A
	 "c00c 0005 0001 00000014 0004 01 61 c011 01 61 c011 0005 0001 00000014 0002 c00c",
	 0, "shop.example.com", "", false},
	{"somebody else's address", HEAD("0001", "0000") ASK_A A("c011", "0000003c", "cb007107"), 0,
	 "shop.example.com", "", false},
	{"an address in the additional section",
	 HEAD("0001", "0001") ASK_A CNAME_CDN("00000014") A("c02e", "0000003c", "cb007107"), 0,
	 "shop.example.com", "cb007107/20", false},
	{"the authority section is not an answer",
	 "1234 8180 0001 0000 0001 0000 " ASK_A A("c00c", "0000003c", "cb007107"), 0,
	 "shop.example.com", "", false},
	{"upper case in question and owner",
	 "1234 8180 0001 0001 0000 0000 04 53684f70 07 4578616d706c65 03 436f6d 00 0001 0001 " A(
		 "04 73486f50 07 6578414d706c65 03 634f4d 00", "0000003c", "cb007107"),
	 0, "shop.example.com", "cb007107/60", false},
	{"the same address twice: once, the longer TTL",
	 HEAD("0002", "0000") ASK_A A("c00c", "0000003c", "cb007107")
		 A("c00c", "0000005a", "cb007107"),
	 0, "shop.example.com", "cb007107/90", false},
	{"a TTL with its high bit set is none",
	 HEAD("0001", "0000") ASK_A A("c00c", "80000001", "cb007107"), 0, "shop.example.com",
	 "cb007107/0", false},
	{"an address of another class",
	 HEAD("0001", "0000") ASK_A "c00c 0001 0003 0000003c 0004 cb007107", 0, "shop.example.com",
	 "", false},
	{"HTTPS hints of both families",
	 HEAD("0001", "0000") ASK_H
	 "c00c 0041 0001 0000003c 002a 0001 00 0001 0003 02 6832 0004 0008 cb007107 cb007108 0006 0010 20010db8000000000000000000000001",
	 0, "shop.example.com", "cb007107/60 cb007108/60 20010db8000000000000000000000001/60",
	 false},
	{"HTTPS alias, then addresses of its target",
	 HEAD("0002", "0000") ASK_H
	 "c00c 0041 0001 00000014 0008 0000 03 63646e c011 " A("c030", "0000003c", "cb007107"),
	 0, "shop.example.com", "cb007107/20", false},
	{"HTTPS service with another target, address behind",
	 HEAD("0001", "0001") ASK_H
	 "c00c 0041 0001 00000014 0008 0001 03 63646e c011 " A("c030", "0000003c", "cb007107"),
	 0, "shop.example.com", "cb007107/20", false},
	{"HTTPS alias has no hints",
	 HEAD("0001", "0000") ASK_H "c00c 0041 0001 0000003c 000b 0000 00 0004 0004 cb007107", 0,
	 "shop.example.com", "", false},
	{"EDNS in the additional section",
	 HEAD("0001", "0001") ASK_A A("c00c", "0000003c", "cb007107") "00 0029 1000 00008000 0000",
	 0, "shop.example.com", "cb007107/60", false},
	{"a query", "1234 0100 0001 0000 0000 0000 " ASK_A, 0, "shop.example.com", "", false},
	{"no such name", "1234 8183 0001 0000 0000 0000 " ASK_A, 0, "shop.example.com", "", false},
	{"no question", "0000 8400 0000 0001 0000 0000 " A(SHOP, "0000003c", "cb007107"), 0, "", "",
	 false},
	{"two questions: the first",
	 "1234 8180 0002 0001 0000 0000 " ASK_A "c011 0001 0001 " A("c00c", "0000003c", "cb007107"),
	 0, "shop.example.com", "cb007107/60", false},
	{"a question for the root", "1234 8180 0001 0000 0000 0000 00 0002 0001", 0, "", "", false},
	{"a label with a space", "1234 8180 0001 0000 0000 0000 03 612062 00 0001 0001", 0, "", "",
	 false},
	{"a label with a dot inside is not two",
	 "1234 8180 0001 0000 0000 0000 03 612e62 00 0001 0001", 0, "", "", false},
	{"a pointer to itself", "1234 8180 0001 0000 0000 0000 c00c 0001 0001", -EBADMSG, NULL,
	 NULL, false},
	{"a pointer forward", "1234 8180 0001 0000 0000 0000 c00e 01 61 00 0001 0001", -EBADMSG,
	 NULL, NULL, false},
	{"two pointers in a ring",
	 HEAD("0002", "0000") ASK_A A("c034", "0000003c", "cb007107")
		 A("c022", "0000003c", "cb007107"),
	 -EBADMSG, NULL, NULL, false},
	{"a label, then a pointer back to it",
	 HEAD("0001", "0000") ASK_A A("01 61 c022", "0000003c", "cb007107"), -EBADMSG, NULL, NULL,
	 false},
	{"a label of a kind that is none", "1234 8180 0001 0000 0000 0000 41 61 00 0001 0001",
	 -EBADMSG, NULL, NULL, false},
	{"an address of three bytes",
	 HEAD("0001", "0000") ASK_A "c00c 0001 0001 0000003c 0003 cb0071", -EBADMSG, NULL, NULL,
	 false},
	{"a hint of three bytes",
	 HEAD("0001", "0000") ASK_H "c00c 0041 0001 0000003c 000a 0001 00 0004 0003 cb0071",
	 -EBADMSG, NULL, NULL, false},
	{"a hint over its record",
	 HEAD("0001", "0000") ASK_H "c00c 0041 0001 0000003c 000b 0001 00 0004 0008 cb007107",
	 -EBADMSG, NULL, NULL, false},
	{"an alias over its record",
	 HEAD("0001", "0000") ASK_A "c00c 0005 0001 0000003c 0002 01 61", -EBADMSG, NULL, NULL,
	 false},
	{"data over the end", HEAD("0001", "0000") ASK_A "c00c 0001 0001 0000003c 0005 cb007107",
	 -EBADMSG, NULL, NULL, false},
	{"nothing", "", -EBADMSG, NULL, NULL, false},
};

static int read_block(const uint8_t *bytes, uint32_t length, struct sl_dns_answer *answer)
{
	uint8_t *block = malloc(length ? length : 1);
	int err;

	assert_non_null(block);
	memcpy(block, bytes, length);
	err = sl_dns_read(block, length, answer);
	free(block);
	return err;
}

static void say_addresses(const struct sl_dns_answer *answer, char *text, size_t room)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	size_t used = 0;

	text[0] = 0;
	for (uint32_t i = 0; i < answer->addresses; i++) {
		const uint8_t *address = answer->address[i].address;

		if (i)
			used += (size_t)snprintf(text + used, room - used, " ");
		for (int b = memcmp(address, mapped, 12) ? 0 : 12; b < 16; b++)
			used += (size_t)snprintf(text + used, room - used, "%02x", address[b]);
		used += (size_t)snprintf(text + used, room - used, "/%u", answer->address[i].ttl_s);
	}
}

static void row_test(void **state)
{
	const struct row *row = *state;
	struct wire wire = {.length = 0};
	struct sl_dns_answer answer = {.id = 7};
	char text[1024];

	wire_hex(&wire, row->hex);
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), row->err);
	if (row->err) {
		assert_int_equal(answer.id, 7);
		return;
	}
	say_addresses(&answer, text, sizeof(text));
	assert_string_equal(answer.question, row->question);
	assert_string_equal(text, row->addresses);
	assert_int_equal(answer.overflow, row->overflow);
	for (uint32_t cut = 0; cut < wire.length; cut++)
		assert_int_equal(read_block(wire.bytes, cut, &answer), -EBADMSG);
}

static void header_is_told(void **state)
{
	struct wire wire = {.length = 0};
	struct sl_dns_answer answer;

	wire_hex(&wire, "beef 8383 0001 0000 0000 0000 " ASK_H);
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), 0);
	assert_int_equal(answer.id, 0xbeef);
	assert_true(answer.is_answer);
	assert_true(answer.truncated);
	assert_int_equal(answer.rcode, 3);
	assert_int_equal(answer.question_type, 65);
	wire.length = 0;
	wire_hex(&wire, "beef 0100 0001 0000 0000 0000 " ASK_A);
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), 0);
	assert_false(answer.is_answer);
	assert_false(answer.truncated);
}

/* A header and the question, then @count A records. */
static void put_many(struct wire *wire, uint32_t count)
{
	wire->length = 0;
	wire_hex(wire, "1234 8180 0001");
	wire_number(wire, count, 2);
	wire_hex(wire, "0000 0000" ASK_A);
	for (uint32_t i = 0; i < count; i++) {
		wire_hex(wire, "c00c 0001 0001 0000003c 0004 0a00");
		wire_number(wire, i, 2);
	}
}

static void more_addresses_than_are_kept(void **state)
{
	struct wire wire;
	struct sl_dns_answer answer;

	put_many(&wire, SL_DNS_ADDRESSES_MAX);
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), 0);
	assert_int_equal(answer.addresses, SL_DNS_ADDRESSES_MAX);
	assert_false(answer.overflow);
	put_many(&wire, SL_DNS_ADDRESSES_MAX + 1);
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), 0);
	assert_int_equal(answer.addresses, SL_DNS_ADDRESSES_MAX);
	assert_true(answer.overflow);
}

/* Aliases 1 -> 2 -> ... in a row: a chain that is too long is told, not followed for ever. */
static void a_long_chain(void **state)
{
	struct wire wire = {.length = 0};
	struct sl_dns_answer answer;

	wire_hex(&wire, "1234 8180 0001 0014 0000 0000" ASK_A);
	for (uint32_t i = 0; i < 20; i++) {
		if (i)
			wire_hex(&wire, "01");
		wire_number(&wire, i ? 0x60 + i : 0xc00c, i ? 1 : 2);
		wire_hex(&wire, i ? "00" : "");
		wire_hex(&wire, "0005 0001 0000003c 0003 01");
		wire_number(&wire, 0x61 + i, 1);
		wire_hex(&wire, "00");
	}
	assert_int_equal(read_block(wire.bytes, wire.length, &answer), 0);
	assert_true(answer.overflow);
	assert_int_equal(answer.addresses, 0);
}

/* 255 bytes on the wire are the most that a name has (RFC 1035 2.3.4). */
static void the_longest_name(void **state)
{
	for (uint32_t last = 61; last <= 62; last++) {
		struct wire wire = {.length = 0};
		struct sl_dns_answer answer;

		wire_hex(&wire, "1234 8180 0001 0000 0000 0000");
		for (uint32_t i = 0; i < 4; i++) {
			uint32_t length = i < 3 ? 63 : last;

			wire_number(&wire, length, 1);
			for (; length; length--)
				wire_number(&wire, 'x', 1);
		}
		wire_hex(&wire, "00 0001 0001");
		assert_int_equal(read_block(wire.bytes, wire.length, &answer),
				 last == 61 ? 0 : -EBADMSG);
		if (last == 61)
			assert_int_equal(strlen(answer.question), 253);
	}
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, row_test);
	sl_row_add(&tests, "the header is told", header_is_told, NULL);
	sl_row_add(&tests, "more addresses than are kept", more_addresses_than_are_kept, NULL);
	sl_row_add(&tests, "a chain that is too long", a_long_chain, NULL);
	sl_row_add(&tests, "the longest name, and one byte more", the_longest_name, NULL);
	return sl_row_run("dns", &tests);
}
