/*
 * stamp_test.c - STAMP packets by the figures of RFC 8762, and what four times tell
 */
#include <string.h>

#include "dataplane/stamp.h"
#include "tests/unit/row.h"

#define S UINT64_C(1000000000)
/* 2026-11-25 12:00:00.5 UTC: 1795608000.5 since 1970, 4004596800.5 since 1900. */
#define AT (UINT64_C(1795608000) * S + S / 2)

static void asks(void **state)
{
	static const uint8_t expected[SL_STAMP_BYTES] = {
		0x01, 0x02, 0x03, 0x04,                         /* sequence number */
		0xee, 0xb1, 0x4c, 0x40, 0x80, 0x00, 0x00, 0x00, /* time: half a second */
		22,   1,                                        /* error estimate: S 0, Z 0 */
	};
	uint8_t packet[SL_STAMP_BYTES];

	sl_stamp_write(packet, 0x01020304, AT);
	assert_memory_equal(packet, expected, sizeof(expected));
}

static void turns_round(void **state)
{
	uint8_t packet[SL_STAMP_BYTES], asked[SL_STAMP_BYTES];

	sl_stamp_write(asked, 77, AT);
	memcpy(packet, asked, sizeof(packet));
	assert_true(sl_stamp_reflect(packet, sizeof(packet), 61, AT + S, AT + 2 * S));
	assert_memory_equal(packet, asked, 4);              /* stateless: the sender's number */
	assert_memory_equal(packet + 24, asked, 14);        /* number, time, error estimate */
	assert_int_equal(packet[40], 61);                   /* the TTL that it came with */
	assert_int_equal(packet[16 + 3], asked[4 + 3] + 1); /* received a second later */
	assert_int_equal(packet[4 + 3], asked[4 + 3] + 2);
	for (int i = 41; i < 44; i++)
		assert_int_equal(packet[i], 0);
}

static const struct row {
	const char *name;
	int64_t clock_ns; /* the reflector's clock is ahead by this */
	uint64_t out_ns, stay_ns, back_ns;
} rows[] = {
	{"clocks agree", 0, 10000000, 1000000, 12000000},
	{"the reflector is an hour ahead", 3600 * (int64_t)S, 10000000, 0, 12000000},
	{"it is a second behind", -(int64_t)S, 250000, 50000000, 300000},
};

static void measures(void **state)
{
	const struct row *row = *state;
	struct sl_stamp_path path = {0};

	for (uint64_t more_ns = 0; more_ns <= 5000000; more_ns += 5000000) {
		uint8_t packet[SL_STAMP_BYTES];
		struct sl_stamp_times times;
		uint64_t there_ns = AT + row->out_ns + more_ns;
		uint64_t back_ns = there_ns + row->stay_ns + row->back_ns;
		uint32_t number = 0;

		sl_stamp_write(packet, 9, AT);
		sl_stamp_reflect(packet, sizeof(packet), 64, there_ns + (uint64_t)row->clock_ns,
				 there_ns + row->stay_ns + (uint64_t)row->clock_ns);
		assert_true(sl_stamp_read(packet, sizeof(packet), back_ns, &number, &times));
		assert_int_equal(number, 9);
		sl_stamp_note(&path, &times);
		assert_in_range(path.rtt_us, (row->out_ns + more_ns + row->back_ns) / 1000 - 1,
				(row->out_ns + more_ns + row->back_ns) / 1000 + 1);
	}
	assert_in_range(path.out_us, 4999, 5001); /* the way out grew, the way back did not */
	assert_in_range(path.back_us, 0, 1);
}

static void refuses(void **state)
{
	uint8_t packet[SL_STAMP_BYTES];
	struct sl_stamp_times times;
	uint32_t number;

	sl_stamp_write(packet, 1, AT);
	assert_false(sl_stamp_reflect(packet, SL_STAMP_BYTES - 1, 64, AT, AT));
	assert_false(sl_stamp_read(packet, SL_STAMP_BYTES - 1, AT, &number, &times));
	packet[12] |= 0x40; /* Z: times are PTP's */
	assert_false(sl_stamp_read(packet, sizeof(packet), AT, &number, &times));
}

int main(void)
{
	struct sl_row_tests tests = {0};

	sl_row_add(&tests, "the sender's packet", asks, NULL);
	sl_row_add(&tests, "the reflector's", turns_round, NULL);
	sl_row_add(&tests, "too short, or in another format", refuses, NULL);
	SL_ROWS_ADD(&tests, rows, measures);
	return sl_row_run("stamp", &tests);
}
