/*
 * histogram_test.c - bucket edges, order, and the error of a bucket's middle
 */
#include "dataplane/fastpath/histogram.h"
#include "tests/unit/row.h"

static const struct row {
	const char *name;
	uint32_t ticks;
	uint32_t bucket;
} rows[] = {
	{"zero has a bucket of its own", 0, 0},
	{"linear below 16 ticks", 15, 15},
	{"first octave goes on where linear ends", 16, 16},
	{"last step of the first octave", 31, 31},
	{"second octave has two ticks a bucket", 32, 32},
	{"two ticks share a bucket", 33, 32},
	{"1 ms", 15625, 174},
	{"the highest value lies in the last bucket", UINT32_MAX, SL_HIST_BUCKETS - 1},
};

static void bucket(void **state)
{
	const struct row *row = *state;

	assert_int_equal(sl_histogram_bucket(row->ticks), row->bucket);
}

/* From 1 us to 60 s no value is further than 3.2 % from its bucket's middle. */
static void middle_is_close(void **state)
{
	for (uint64_t ns = 1000; ns < UINT64_C(60000000000); ns += ns / 97 + 1) {
		uint64_t middle = sl_histogram_middle_ns(
			sl_histogram_bucket((uint32_t)(ns >> SL_TICK_LOG2_NS)));
		uint64_t error = middle > ns ? middle - ns : ns - middle;

		/* Half a bucket, and the half tick that the clock itself cuts off. */
		assert_true(error * 1000 <= ns * 32 + 64 * 1000);
	}
}

static void buckets_never_fall(void **state)
{
	uint32_t before = 0;

	for (uint64_t ticks = 0; ticks < UINT32_MAX; ticks += ticks / 50 + 1) {
		uint32_t now = sl_histogram_bucket((uint32_t)ticks);

		assert_true(now >= before);
		assert_true(now < SL_HIST_BUCKETS);
		before = now;
	}
}

static void add_counts_weight(void **state)
{
	static struct sl_histogram h;

	sl_histogram_add(&h, 100, 3);
	sl_histogram_add(&h, 100, 2);
	assert_int_equal(h.count[sl_histogram_bucket(100)], 5);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, bucket);
	sl_row_add(&tests, "middle within 3.2 % from 1 us to 60 s", middle_is_close, NULL);
	sl_row_add(&tests, "buckets never fall", buckets_never_fall, NULL);
	sl_row_add(&tests, "a sample counts its weight", add_counts_weight, NULL);
	return sl_row_run("fastpath histogram", &tests);
}
