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

/*
 * Keys that differ in nothing but up to 12 neighbouring bits of one field fill buckets and
 * shares as evenly as any others, and have tags of their own.
 */
static const struct {
	const char *field;
	struct sl_flow_key step; /* what the counter is multiplied with */
	uint32_t keys;
} families[] = {
	{"high octet of a", {.a = {0, 1 << 24}}, 256},
	{"low octets of a", {.a = {0, 1}}, 4096},
	{"high octet of b", {.b = {0, 1 << 24}}, 256},
	{"middle octets of b", {.b = {0, 1 << 12}}, 4096},
	{"low octets of b", {.b = {0, 1}}, 4096},
	{"a's port", {.a_port = 1}, 4096},
	{"b's port, by sixteens", {.b_port = 16}, 4096},
	{"vlan", {.vlan = 1}, 4096},
	{"an IPv6 prefix", {.a = {UINT64_C(1) << 48, 0}}, 4096},
	{"an IPv6 host", {.b = {1, UINT64_C(1) << 40}}, 4096},
};

static void no_field_piles_up(void **state)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		static uint32_t tags[4096];
		uint32_t bucket[256] = {0}, share[256] = {0}, alike = 0;
		const struct sl_flow_key *step = &families[f].step;
		uint32_t most = families[f].keys == 256 ? 8 : 48; /* Poisson(1), Poisson(16) */

		for (uint32_t i = 0; i < families[f].keys; i++) {
			struct sl_flow_key key = {.a = {step->a.hi * i,
							UINT64_C(0xffff00000001) + step->a.lo * i},
						  .b = {step->b.hi * i,
							UINT64_C(0xffff00000002) + step->b.lo * i},
						  .a_port = (uint16_t)(1024 + step->a_port * i),
						  .b_port = (uint16_t)(443 + step->b_port * i),
						  .vlan = (uint16_t)(step->vlan * i),
						  .proto = 6};
			uint64_t hash = sl_flow_hash(&key, UINT64_C(0x9e3779b97f4a7c15));

			if (++bucket[hash & 0xff] > most || ++share[hash >> 24 & 0xff] > most)
				fail_msg("%s: key %u", families[f].field, i);
			tags[i] = (uint32_t)(hash >> 32);
			for (uint32_t j = 0; j < i; j++)
				alike += tags[j] == tags[i];
		}
		assert_in_range(alike, 0, 1);
	}
}

/* The short way to an IPv4 packet's key and hash. */
static void ip4_key_is_the_key(void **state)
{
	uint64_t random = 1;

	for (int i = 0; i < 100000; i++) {
		struct sl_packet packet = {.proto = i & 1 ? 6 : 17};
		struct sl_flow_key key, key4;
		uint64_t hash4;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		packet.src = (struct sl_addr){0, UINT64_C(0xffff00000000) | random >> 32};
		packet.src_port = (uint16_t)(random >> 16);
		packet.dst = i % 3 ? (struct sl_addr){0, packet.src.lo ^ (random >> 8 & 0x80000001)}
				   : packet.src;
		packet.dst_port = i % 5 ? (uint16_t)(random >> 24) : packet.src_port;
		packet.vlan = random >> 40 & 0xfff;
		assert_int_equal(sl_flow_key_make4(&key4, &packet, 5, &hash4),
				 sl_flow_key_make(&key, &packet));
		assert_memory_equal(&key, &key4, sizeof(key));
		assert_true(hash4 == sl_flow_hash(&key, 5));
	}
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

	sl_row_add(&tests, "no field of the key piles up", no_field_piles_up, NULL);
	sl_row_add(&tests, "the short way to an IPv4 key is the key", ip4_key_is_the_key, NULL);
	sl_row_add(&tests, "both directions have one key", both_directions_have_one_key, NULL);
	sl_row_add(&tests, "a host to itself still has two ends", one_host_to_itself, NULL);
	SL_ROWS_ADD(&tests, fields, field_differs);
	sl_row_add(&tests, "the hash spreads", hash_spreads, NULL);
	SL_ROWS_ADD(&tests, claims, claim);
	sl_row_add(&tests, "find skips free ways", find_skips_free_ways, NULL);
	return sl_row_run("fastpath flow", &tests);
}
