/*
 * classify_test.c - which rule a flow meets; the order is the policy compiler's
 */
#include <string.h>

#include "dataplane/fastpath/classify.h"
#include "tests/unit/row.h"

#define V4(a, b, c, d)                                                                         \
	{                                                                                      \
		0, UINT64_C(0xffff00000000) | (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d) \
	}
#define BITS4(n)                                     \
	{                                            \
		UINT64_MAX, UINT64_MAX << (32 - (n)) \
	}
#define ANY_PORT .dst_port_min = 0, .dst_port_max = 65535

/* As the compiler sorts them: the longest prefixes first. */
static const struct sl_rule rules[] = {
	{.dst = V4(203, 0, 113, 7), .dst_mask = BITS4(32), ANY_PORT, .service = 1},
	{.dst = V4(203, 0, 113, 0),
	 .dst_mask = BITS4(24),
	 .dst_port_min = 443,
	 .dst_port_max = 443,
	 .proto = 6,
	 .proto_mask = 0xff,
	 .service = 2},
	{.src = V4(10, 42, 64, 0), .src_mask = BITS4(18), ANY_PORT, .service = 3},
	{.src = {UINT64_C(0x20010db800000000), 0},
	 .src_mask = {UINT64_C(0xffffffff00000000), 0},
	 ANY_PORT,
	 .service = 4},
	{.vlan = 20, .vlan_mask = 0xffff, ANY_PORT, .service = 5},
	{.vlan = 0, .vlan_mask = 0xffff, .dscp = 46, .dscp_mask = 0xff, ANY_PORT, .service = 6},
	{.port = 2, .port_mask = 0xff, ANY_PORT, .service = 7},
	{.name = 45, .app = 1, ANY_PORT, .service = 8},
	{.name = 2, .dst_port_min = 443, .dst_port_max = 443, .service = 9},
	{.app = 1, ANY_PORT, .service = 10},
};

static const struct row {
	const char *name;
	struct sl_class class;
	int service;
} rows[] = {
	{"host before its net", {.wan = V4(203, 0, 113, 7), .port = 443, .proto = 6}, 1},
	{"net, port and protocol", {.wan = V4(203, 0, 113, 9), .port = 443, .proto = 6}, 2},
	{"the same net by udp is another",
	 {.wan = V4(203, 0, 113, 9), .port = 443, .proto = 17},
	 0},
	{"one port off", {.wan = V4(203, 0, 113, 9), .port = 444, .proto = 6}, 0},
	{"source prefix of 18 bits, last address", {.lan = V4(10, 42, 127, 255)}, 3},
	{"one past the prefix", {.lan = V4(10, 42, 128, 0)}, 0},
	{"ipv6 prefix", {.lan = {UINT64_C(0x20010db8ffffffff), 1}}, 4},
	{"ipv4 does not meet an ipv6 rule", {.lan = V4(32, 1, 13, 184)}, 0},
	{"vlan", {.vlan = 20}, 5},
	{"untagged and dscp ef", {.vlan = 0, .dscp = 46}, 6},
	{"dscp on another vlan", {.vlan = 7, .dscp = 46}, 0},
	{"the port it came in by", {.vlan = 7, .in_port = 2}, 7},
	{"nothing claims it", {.vlan = 7}, 0},
	{"its name and its application", {.vlan = 7, .names = UINT64_C(1) << 45 | 1 << 1}, 8},
	{"its name alone where both must hold", {.vlan = 7, .names = UINT64_C(1) << 45}, 0},
	{"its application alone", {.vlan = 7, .names = 1 << 1}, 10},
	{"its name, by the right port", {.vlan = 7, .port = 443, .names = 1 << 2}, 9},
	{"its name, by another port", {.vlan = 7, .port = 444, .names = 1 << 2}, 0},
	{"a name that no rule asks for", {.vlan = 7, .port = 443, .names = 1 << 3}, 0},
};

static void classify(void **state)
{
	const struct row *row = *state;
	static struct sl_tables tables;

	tables.rules = sizeof(rules) / sizeof(rules[0]);
	struct sl_class class = row->class;

	memcpy(tables.rule, rules, sizeof(rules));
	class.names |= SL_NAMES_NONE; /* as every packet has it */
	assert_int_equal(sl_classify(&tables, &class), row->service);
}

static void no_rules(void **state)
{
	static struct sl_tables empty;
	struct sl_class class = {.vlan = 20};

	assert_int_equal(sl_classify(&empty, &class), SL_SERVICE_OTHER);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, classify);
	sl_row_add(&tests, "no rules: everything is other", no_rules, NULL);
	return sl_row_run("fastpath classify", &tests);
}
