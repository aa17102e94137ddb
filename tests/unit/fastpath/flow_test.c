/*
 * flow_test.c - keys without direction, hashes that spread, ways that are shared fairly
 */
#include <string.h>

#include "dataplane/fastpath/flow.h"
#include "tests/unit/row.h"

static const struct sl_packet till = {
	.src = {0, UINT64_C(0xffff0a2a4005)},
	.dst = {0, UINT64_C(0xffffcb007107)},
	.src_port = 49153,
	.dst_port = 443,
	.vlan = 20,
	.proto = 6,
};

static struct sl_packet reversed(struct sl_packet packet)
{
	struct sl_packet back = packet;

	back.src = packet.dst;
	back.dst = packet.src;
	back.src_port = packet.dst_port;
	back.dst_port = packet.src_port;
	return back;
}

static void both_directions_have_one_key(void **state)
{
	struct sl_packet back = reversed(till);
	struct sl_flow_key there, here;
	uint8_t sender = sl_flow_key_make(&there, &till);

	assert_int_equal(sl_flow_key_make(&here, &back), 1 - sender);
	assert_true(sl_flow_key_equal(&there, &here));
	assert_true(sl_flow_hash(&there, 1) == sl_flow_hash(&here, 1));
	assert_true(sl_flow_hash(&there, 1) != sl_flow_hash(&there, 2));
}

static void one_host_to_itself(void **state)
{
	struct sl_packet self = till;
	struct sl_flow_key there, here;

	self.dst = self.src;
	struct sl_packet back = reversed(self);

	assert_int_equal(sl_flow_key_make(&there, &self) + sl_flow_key_make(&here, &back), 1);
	assert_true(sl_flow_key_equal(&there, &here));
}

static const struct field {
	const char *name;
	struct sl_packet other;
} fields[] = {
	{"another port is another flow",
	 {.src = {0, UINT64_C(0xffff0a2a4005)},
	  .dst = {0, UINT64_C(0xffffcb007107)},
	  .src_port = 49154,
	  .dst_port = 443,
	  .vlan = 20,
	  .proto = 6}},
	{"another vlan is another flow",
	 {.src = {0, UINT64_C(0xffff0a2a4005)},
	  .dst = {0, UINT64_C(0xffffcb007107)},
	  .src_port = 49153,
	  .dst_port = 443,
	  .vlan = 21,
	  .proto = 6}},
	{"another protocol is another flow",
	 {.src = {0, UINT64_C(0xffff0a2a4005)},
	  .dst = {0, UINT64_C(0xffffcb007107)},
	  .src_port = 49153,
	  .dst_port = 443,
	  .vlan = 20,
	  .proto = 17}},
	{"another host is another flow",
	 {.src = {0, UINT64_C(0xffff0a2a4006)},
	  .dst = {0, UINT64_C(0xffffcb007107)},
	  .src_port = 49153,
	  .dst_port = 443,
	  .vlan = 20,
	  .proto = 6}},
};

static void field_differs(void **state)
{
	const struct field *row = *state;
	struct sl_flow_key x, y;

	sl_flow_key_make(&x, &till);
	sl_flow_key_make(&y, &row->other);
	assert_false(sl_flow_key_equal(&x, &y));
	assert_true(sl_flow_hash(&x, 1) != sl_flow_hash(&y, 1));
}

/* 200 000 flows of one /16 over 65 536 buckets: Poisson(3); 7 ways overflow for 1.2 %. */
static void hash_spreads(void **state)
{
	static uint8_t held[65536];
	uint32_t overflowed = 0;

	memset(held, 0, sizeof(held));
	for (uint32_t i = 0; i < 196608; i++) {
		struct sl_flow_key key = {.a = {0, UINT64_C(0xffff0a000000) + i % 65536},
					  .b = {0, UINT64_C(0xffffcb007107)},
					  .a_port = (uint16_t)(49152 + i / 65536),
					  .b_port = 443,
					  .proto = 6};
		uint32_t bucket = (uint32_t)sl_flow_hash(&key, 7) & 0xffff;

		if (held[bucket] == SL_BUCKET_WAYS)
			overflowed++;
		else
			held[bucket]++;
	}
	assert_in_range(overflowed, 0, 196608 * 15 / 1000);
}

/* Ways as (service, kind, rests) of a bucket, and who gets one. */
static const struct claim {
	const char *name;
	struct {
		uint8_t service, kind;
		uint16_t rests;
	} way[SL_BUCKET_WAYS];
	uint8_t service;
	uint8_t below_quota;
	int taken;
} claims[] = {
	{"an empty way is taken", {{1, SL_FLOW_OPEN, 0}}, 1, 1, 1},
	{"over quota gets no empty way", {{1, SL_FLOW_OPEN, 0}}, 1, 0, -1},
	{"over quota takes its own expired way",
	 {{1, SL_FLOW_OPEN, 0}, {1, SL_FLOW_CLOSED, 20}},
	 1,
	 0,
	 1},
	{"an expired way of another is free too",
	 {{2, SL_FLOW_OPEN, 0},
	  {2, SL_FLOW_OPEN, 0},
	  {2, SL_FLOW_DATAGRAM, 200},
	  {2, SL_FLOW_OPEN, 0},
	  {2, SL_FLOW_OPEN, 0},
	  {2, SL_FLOW_OPEN, 0},
	  {2, SL_FLOW_OPEN, 0}},
	 1,
	 1,
	 2},
	{"the till evicts the longest resting guest",
	 {{2, SL_FLOW_OPEN, 5},
	  {2, SL_FLOW_OPEN, 9},
	  {1, SL_FLOW_OPEN, 90},
	  {2, SL_FLOW_OPEN, 3},
	  {2, SL_FLOW_OPEN, 2},
	  {2, SL_FLOW_OPEN, 1},
	  {2, SL_FLOW_OPEN, 0}},
	 1,
	 1,
	 1},
	{"the guest evicts nobody",
	 {{1, SL_FLOW_OPEN, 5},
	  {1, SL_FLOW_OPEN, 9},
	  {1, SL_FLOW_OPEN, 90},
	  {2, SL_FLOW_OPEN, 3},
	  {2, SL_FLOW_OPEN, 2},
	  {2, SL_FLOW_OPEN, 1},
	  {2, SL_FLOW_OPEN, 0}},
	 2,
	 1,
	 -1},
	{"an idle till is not an expired till",
	 {{1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600},
	  {1, SL_FLOW_OPEN, 3600}},
	 2,
	 1,
	 -1},
};

static void claim(void **state)
{
	const struct claim *row = *state;
	static struct sl_tables tables;
	struct sl_bucket bucket = {0};
	uint16_t age = 10000;

	tables.service[1].priority = 3;
	tables.service[2].priority = 0;
	for (int i = 0; i < SL_BUCKET_WAYS; i++)
		bucket.way[i] = (struct sl_way){(uint32_t)i, (uint16_t)(age - row->way[i].rests),
						row->way[i].service, row->way[i].kind};
	assert_int_equal(sl_bucket_claim(&bucket, &tables, row->service, age, row->below_quota),
			 row->taken);
}

static void find_skips_free_ways(void **state)
{
	struct sl_bucket bucket = {.way = {[2] = {.tag = 9, .kind = SL_FLOW_FREE},
					   [5] = {.tag = 9, .kind = SL_FLOW_OPEN}}};

	assert_int_equal(sl_bucket_find(&bucket, 9), 5);
	assert_int_equal(sl_bucket_find(&bucket, 8), -1);
}

int main(void)
{
	static struct sl_row_tests tests;

	sl_row_add(&tests, "both directions have one key", both_directions_have_one_key, NULL);
	sl_row_add(&tests, "a host to itself still has two ends", one_host_to_itself, NULL);
	SL_ROWS_ADD(&tests, fields, field_differs);
	sl_row_add(&tests, "the hash spreads", hash_spreads, NULL);
	SL_ROWS_ADD(&tests, claims, claim);
	sl_row_add(&tests, "find skips free ways", find_skips_free_ways, NULL);
	return sl_row_run("fastpath flow", &tests);
}
