/*
 * meter_test.c - the rate that passes, what a burst may be, marks before drops,
 * and headers that stay valid
 */
#include <string.h>

#include "dataplane/fastpath/meter.h"
#include "tests/unit/row.h"

/* 8 Mbit/s: 1024 bytes take 1.024 ms. */
static const struct sl_rate rate_8mbit = {.ns_per_kib = 1024000, .burst_us = 20000};

static const struct row {
	const char *name;
	struct sl_rate rate;
	uint32_t offered_bps;
	uint32_t passed_bps_min, passed_bps_max;
} rows[] = {
	{"below the limit all passes", {1024000, 20000}, 4000000, 3990000, 4010000},
	{"above it the limit passes", {1024000, 20000}, 40000000, 7900000, 8200000},
	{"ten times a low limit", {8192000, 50000}, 10000000, 980000, 1060000},
	{"no limit", {0, 0}, 100000000, 99000000, 100100000},
};

/* Ten seconds of 1000-byte packets at the offered rate. */
static void passes(void **state)
{
	const struct row *row = *state;
	uint64_t due = 0, gap_ns = UINT64_C(8000000000000) / row->offered_bps, bytes = 0;

	for (uint64_t now = 1; now < UINT64_C(10000000000); now += gap_ns)
		if (sl_meter_take(&row->rate, &due, now, 1000) != SL_METER_DROP)
			bytes += 1000;
	assert_in_range(bytes * 8 / 10, row->passed_bps_min, row->passed_bps_max);
}

static void marks_before_it_drops(void **state)
{
	uint64_t due = 0;
	int first_mark = -1, first_drop = -1;

	for (int i = 0; i < 100; i++) {
		enum sl_meter_verdict verdict = sl_meter_take(&rate_8mbit, &due, 1, 1024);

		if (verdict == SL_METER_MARK && first_mark < 0)
			first_mark = i;
		if (verdict == SL_METER_DROP && first_drop < 0)
			first_drop = i;
	}
	assert_true(first_mark > 0 && first_drop > first_mark);
	/* 20 ms of burst is 19 KiB and a packet. */
	assert_in_range(first_drop, 18, 21);
}

static void clock_step_does_not_close_the_road(void **state)
{
	uint64_t due = UINT64_C(90000000000);

	assert_int_equal(sl_meter_take(&rate_8mbit, &due, 1000, 1000), SL_METER_PASS);
}

static void one_packet_larger_than_the_burst_passes_when_idle(void **state)
{
	struct sl_rate tiny = {.ns_per_kib = 81920000, .burst_us = 1000};
	uint64_t due = 0;

	assert_int_equal(sl_meter_take(&tiny, &due, 1000, 1500), SL_METER_PASS);
	assert_int_equal(sl_meter_take(&tiny, &due, 2000, 1500), SL_METER_DROP);
}

/* One's complement sum of an IPv4 header; 0xffff when it is valid (RFC 791 3.1). */
static uint32_t sum_of(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The oracle is the full checksum, for every TOS byte before and after. */
static void ipv4_checksum_stays_valid(void **state)
{
	for (int before = 0; before < 256; before++) {
		for (int after = 0; after < 256; after++) {
			uint8_t ip[20] = {0x45, (uint8_t)before,
					  0,    84,
					  0x12, 0x34,
					  0x40, 0,
					  64,   6,
					  0,    0,
					  10,   42,
					  64,   5,
					  203,  0,
					  113,  7};
			uint32_t sum = ~sum_of(ip) & 0xffff;

			ip[10] = (uint8_t)(sum >> 8);
			ip[11] = (uint8_t)sum;
			sl_meter_write_tos(ip, (uint8_t)after);
			assert_int_equal(ip[1], after);
			assert_int_equal(sum_of(ip), 0xffff);
		}
	}
}

static void ipv6_class_keeps_version_and_label(void **state)
{
	uint8_t ip[20] = {0x6a, 0xbc, 0xde, 0xf0};

	sl_meter_write_tos(ip, 0xb9);
	assert_int_equal(ip[0], 0x6b);
	assert_int_equal(ip[1], 0x9c);
	assert_int_equal(ip[2], 0xde);
}

static void ecn_capable(void **state)
{
	assert_false(sl_meter_ecn_capable(0xb8));
	assert_true(sl_meter_ecn_capable(0xb9));
	assert_true(sl_meter_ecn_capable(0xba));
	assert_false(sl_meter_ecn_capable(0xbb)); /* marked already */
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, passes);
	sl_row_add(&tests, "marks before it drops", marks_before_it_drops, NULL);
	sl_row_add(&tests, "a clock step does not close the road",
		   clock_step_does_not_close_the_road, NULL);
	sl_row_add(&tests, "one packet over the burst passes when idle",
		   one_packet_larger_than_the_burst_passes_when_idle, NULL);
	sl_row_add(&tests, "ipv4 checksum stays valid", ipv4_checksum_stays_valid, NULL);
	sl_row_add(&tests, "ipv6 class keeps version and label", ipv6_class_keeps_version_and_label,
		   NULL);
	sl_row_add(&tests, "who understands ecn", ecn_capable, NULL);
	return sl_row_run("fastpath meter", &tests);
}
