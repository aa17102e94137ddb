/*
 * hops_test.c - the table of next hops
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/hops.h"
#include "tests/unit/row.h"

static struct sl_hop host(uint64_t hi, uint64_t lo, uint8_t port)
{
	return (struct sl_hop){.addr = {hi, lo}, .kind = SL_HOP_HOST, .port = port};
}

static void finds_what_was_put(void **state)
{
	struct sl_hops *hops = sl_hops_make(1000);

	assert_non_null(hops);
	for (uint64_t i = 0; i < 1000; i++) {
		struct sl_hop hop = host(i & 1 ? UINT64_C(0xfd42) << 48 : 0, i * 256, i & 7);

		assert_true(sl_hops_put(hops, &hop));
	}
	for (uint64_t i = 0; i < 1000; i++) {
		struct sl_addr addr = {i & 1 ? UINT64_C(0xfd42) << 48 : 0, i * 256};
		struct sl_hop *hop = sl_hops_find(hops, addr);

		assert_non_null(hop);
		assert_int_equal(hop->port, i & 7);
	}
	assert_null(sl_hops_find(hops, (struct sl_addr){0, 1}));
	assert_null(sl_hops_find(hops, (struct sl_addr){1, 0}));
	free(hops);
}

static void an_empty_table_knows_nobody(void **state)
{
	struct sl_hops *hops = sl_hops_make(0);

	assert_non_null(hops);
	assert_null(sl_hops_find(hops, (struct sl_addr){0, 0}));
	free(hops);
}

/* The box's own addresses are put first: nobody may take one over by ARP. */
static void the_first_stays(void **state)
{
	struct sl_hops *hops = sl_hops_make(2);
	struct sl_hop self = {.addr = {0, 7}, .kind = SL_HOP_SELF}, other = host(0, 7, 3);

	assert_non_null(hops);
	assert_true(sl_hops_put(hops, &self));
	assert_true(sl_hops_put(hops, &other));
	assert_int_equal(sl_hops_find(hops, self.addr)->kind, SL_HOP_SELF);
	assert_int_equal(hops->count, 1);
	free(hops);
}

/* More than it was made for: refused at half load, and a look-up still ends. */
static void a_full_table_refuses(void **state)
{
	struct sl_hops *hops = sl_hops_make(8);
	uint64_t put = 0;

	assert_non_null(hops);
	for (uint64_t i = 0; i < 100; i++) {
		struct sl_hop hop = host(0, i, 0);

		put += sl_hops_put(hops, &hop);
	}
	assert_int_equal(put, (hops->mask + 1) / 2);
	assert_null(sl_hops_find(hops, (struct sl_addr){0, 1000}));
	free(hops);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	sl_row_add(&tests, "finds what was put, both families", finds_what_was_put, NULL);
	sl_row_add(&tests, "an empty table knows nobody", an_empty_table_knows_nobody, NULL);
	sl_row_add(&tests, "the first of an address stays", the_first_stays, NULL);
	sl_row_add(&tests, "a full table refuses, and look-ups end", a_full_table_refuses, NULL);
	return sl_row_run("hops", &tests);
}
