/*
 * whatif_slo_test.c - one recorded window by another SLO; one that stood for ten
 */
#include "tests/unit/row.h"

#include "control/judge.h"
#include "control/whatif.h"

static const struct slo {
	const char *name;
	struct sl_path_report path;
	struct sl_policy_slo slo;
	enum sl_health state;
	uint32_t above;
} slos[] = {
#define RTT(n, a, b, c) .rtt[1] = {.samples = n, .p50_us = a, .p95_us = b, .max_us = c}
#define MS              1000000ull
#define NEVER           UINT32_MAX
	{"p95 under the limit",
	 {.state = SL_HEALTH_DEGRADED, RTT(200, 20000, 60000, 90000)},
	 {80 * MS, 950000, NEVER, NEVER, 1000},
	 SL_HEALTH_GOOD,
	 3},
	{"p95 over the limit",
	 {.state = SL_HEALTH_GOOD, RTT(200, 20000, 160000, 200000)},
	 {80 * MS, 950000, NEVER, NEVER, 1000},
	 SL_HEALTH_DEGRADED,
	 61},
	{"all over the limit",
	 {.state = SL_HEALTH_GOOD, RTT(40, 100000, 160000, 200000)},
	 {50 * MS, 500000, NEVER, NEVER, 1000},
	 SL_HEALTH_DEGRADED,
	 30},
	{"max under the limit: none above",
	 {.state = SL_HEALTH_DEGRADED, RTT(200, 20000, 60000, 70000)},
	 {80 * MS, 990000, NEVER, NEVER, 1000},
	 SL_HEALTH_GOOD,
	 0},
	{"few samples are blind",
	 {.state = SL_HEALTH_GOOD, RTT(4, 100000, 100000, 100000), .packets = {9, 9}},
	 {80 * MS, 950000, NEVER, NEVER, 1000},
	 SL_HEALTH_BLIND,
	 2},
	{"nothing is idle",
	 {.state = SL_HEALTH_IDLE},
	 {80 * MS, 950000, NEVER, NEVER, 1000},
	 SL_HEALTH_IDLE,
	 0},
	{"down stays down",
	 {.state = SL_HEALTH_DOWN},
	 {80 * MS, 950000, NEVER, NEVER, 1000},
	 SL_HEALTH_DOWN,
	 0},
	{"loss over the limit",
	 {.state = SL_HEALTH_GOOD, .loss = {{.segments = 500, .lost_after = 20}, {500}}},
	 {0, 0, 5000, NEVER, 1000},
	 SL_HEALTH_DEGRADED,
	 0},
	{"loss within it",
	 {.state = SL_HEALTH_DEGRADED, .loss = {{.segments = 500, .lost_after = 20}, {500}}},
	 {0, 0, 30000, NEVER, 1000},
	 SL_HEALTH_GOOD,
	 0},
	{"media loss",
	 {.state = SL_HEALTH_GOOD, .media = {{0}, {90, 100, 0}}},
	 {0, 0, 10000, NEVER, 1000},
	 SL_HEALTH_DEGRADED,
	 0},
	{"requests that are never answered",
	 {.state = SL_HEALTH_GOOD, .requests = 40, .requests_unanswered = 9},
	 {0, 0, NEVER, 10000, 1000},
	 SL_HEALTH_DEGRADED,
	 0},
	{"failures",
	 {.state = SL_HEALTH_GOOD, .attempts = 6, .refused = 5},
	 {0, 0, NEVER, 10000, 1000},
	 SL_HEALTH_DEGRADED,
	 0},
};

static void another_slo(void **state)
{
	const struct slo *row = *state;
	struct sl_path_report path = row->path;

	sl_whatif_judge(&path, &row->slo);
	assert_int_equal(path.state, row->state);
	assert_int_equal(path.rtt[1].above_slo, row->above);
}

/* One picture that stood for nine more teaches what ten of them do. */
static void still_as_ten(void **state)
{
	static struct sl_path_report path = {.state = SL_HEALTH_GOOD,
					     .window_ms = 1000,
					     .bytes = {1000, 900000},
					     RTT(40, 20000, 31000, 40000)};
	struct sl_judge ten = {.base_p50_us = 10000, .peak_bps = {9, 9000000}}, one = ten;
	struct sl_judge_context context = {.now_ms = 1000, .learn = true};

	for (int i = 0; i < 10; i++)
		sl_judge_picture(&ten, &path, &context);
	sl_judge_picture(&one, &path, &context);
	assert_int_not_equal(one.base_p50_us, ten.base_p50_us);
	sl_judge_still(&one, &path, true, 9);
	assert_int_equal(one.base_p50_us, ten.base_p50_us);
	assert_int_equal(one.base_p95_us, ten.base_p95_us);
	assert_memory_equal(one.base_bps, ten.base_bps, sizeof(one.base_bps));
	assert_memory_equal(one.peak_bps, ten.peak_bps, sizeof(one.peak_bps));
	path.state = SL_HEALTH_DEGRADED;
	sl_judge_still(&one, &path, true, 9);
	assert_int_equal(one.base_p50_us, ten.base_p50_us);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, slos, another_slo);
	sl_row_add(&tests, "a picture that stood", still_as_ten, NULL);
	return sl_row_run("control whatif slo", &tests);
}
