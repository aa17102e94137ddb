/*
 * health_test.c - a window and an SLO to a state and its reason
 */
#include "memory_engine.h"

#include "dataplane/fastpath/histogram.h"
#include "dataplane/health.h"
#include "tests/unit/row.h"

/* One window, said shortly. */
struct seen {
	uint32_t fast, slow;       /* WAN samples of 20 ms, of 180 ms */
	uint32_t segments, lost;   /* of the LAN side */
	uint32_t attempts, failed; /* SYNs, and those repeated */
	uint32_t packets;
};

static void fill(struct sl_path_stats *w, const struct seen *seen)
{
	memset(w, 0, sizeof(*w));
	sl_histogram_add(&w->rtt[SL_LEG_WAN][SL_METHOD_SEQ], 20000000 >> SL_TICK_LOG2_NS,
			 seen->fast);
	sl_histogram_add(&w->rtt[SL_LEG_WAN][SL_METHOD_SEQ], 180000000 >> SL_TICK_LOG2_NS,
			 seen->slow);
	w->side[SL_SIDE_LAN].segments = seen->segments;
	w->side[SL_SIDE_LAN].lost_after = seen->lost;
	w->attempts = seen->attempts;
	w->attempts_repeated = seen->failed;
	w->side[SL_SIDE_LAN].packets = seen->packets;
}

/* SLO: p95 80 ms, loss 0.5 %, failures 1 %. */
static const struct row {
	const char *name;
	struct seen window, longer;
	enum sl_health state;
	uint32_t window_ms;
	const char *reason; /* a part of it */
} rows[] = {
	{"nothing at all is idle", {0}, {0}, SL_HEALTH_IDLE, 3000, "no packets in 3.0 s"},
	{"packets without samples are blind, not good",
	 {.packets = 90},
	 {.packets = 200},
	 SL_HEALTH_BLIND,
	 3000,
	 "0 wan samples in 3.0 s, 5 needed"},
	{"few samples are blind",
	 {.fast = 2, .packets = 9},
	 {.fast = 4, .packets = 20},
	 SL_HEALTH_BLIND,
	 3000,
	 "4 wan samples"},
	{"too few slow ones to call it slow",
	 {.slow = 4, .packets = 9},
	 {.slow = 4, .packets = 9},
	 SL_HEALTH_BLIND,
	 3000,
	 "4 wan samples"},
	{"enough fast ones are good",
	 {.fast = 60, .segments = 100, .packets = 200},
	 {.fast = 180, .segments = 300, .packets = 600},
	 SL_HEALTH_GOOD,
	 1000,
	 "p95 wan 20"},
	{"too thin in 1 s, enough in 3 s",
	 {.fast = 2, .packets = 9},
	 {.fast = 8, .packets = 30},
	 SL_HEALTH_GOOD,
	 3000,
	 "8 samples"},
	{"slow: 14 of 60",
	 {.fast = 46, .slow = 14, .packets = 200},
	 {.fast = 160, .slow = 14},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "14 of 60 samples above (lower bound 17"},
	{"two slow ones of five are chance",
	 {.fast = 3, .slow = 2, .packets = 20},
	 {.fast = 3, .slow = 2, .packets = 20},
	 SL_HEALTH_GOOD,
	 1000,
	 "p95 wan"},
	{"slow in 3 s where 1 s is too thin",
	 {.slow = 3, .packets = 9},
	 {.slow = 8, .packets = 25},
	 SL_HEALTH_DEGRADED,
	 3000,
	 "8 of 8 samples above"},
	{"4 of 100 slow is within 5 %",
	 {.fast = 96, .slow = 4, .packets = 300},
	 {.fast = 288, .slow = 12, .packets = 900},
	 SL_HEALTH_GOOD,
	 1000,
	 "p95 wan 20"},
	{"the last second is sure to be fast: what was before is over",
	 {.fast = 60, .packets = 200},
	 {.fast = 60, .slow = 100, .packets = 600},
	 SL_HEALTH_GOOD,
	 1000,
	 "p95 wan 20"},
	{"3 % lost",
	 {.fast = 60, .segments = 100, .lost = 3, .packets = 300},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "loss 3 % > 0.5 %: 3 of 100 segments"},
	{"one lost packet is no brownout",
	 {.fast = 20, .segments = 20, .lost = 1, .packets = 60},
	 {.fast = 60, .segments = 60, .lost = 1, .packets = 180},
	 SL_HEALTH_GOOD,
	 1000,
	 "1 of 20"},
	{"loss seen only over 3 s",
	 {.fast = 20, .segments = 20, .lost = 1, .packets = 60},
	 {.fast = 60, .segments = 60, .lost = 3, .packets = 180},
	 SL_HEALTH_DEGRADED,
	 3000,
	 "3 of 60 segments"},
	{"0.4 % of many is within 0.5 %",
	 {.fast = 60, .segments = 5000, .lost = 20, .packets = 9},
	 {.fast = 60, .segments = 15000, .lost = 60, .packets = 9},
	 SL_HEALTH_GOOD,
	 1000,
	 "20 of 5000"},
	{"connections fail",
	 {.fast = 60, .attempts = 5, .failed = 3, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 60 % > 1 %: 3 of 5 attempts"},
	{"repeats of attempts made before the window count",
	 {.fast = 60, .failed = 4, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "4 of 4 attempts"},
	{"two reasons are both told",
	 {.slow = 30, .segments = 100, .lost = 9, .packets = 90},
	 {.slow = 30},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "; loss 9 % > 0.5 %"},
};

static const struct sl_policy_slo slo = {
	.latency_ns = 80000000,
	.latency_quantile_ppm = 950000,
	.loss_ppm = 5000,
	.failures_ppm = 10000,
	.window_ms = 1000,
};

static void judge(void **state)
{
	const struct row *row = *state;
	static struct sl_path_stats window, longer;
	const struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	const struct sl_health_input in = {&window, &longer, 1000, 3000, &slo, &live};
	struct sl_path_report r = {0};

	fill(&window, &row->window);
	fill(&longer, &row->longer);
	sl_health_judge(&in, &r);
	if (r.state != row->state || !strstr(r.reason, row->reason))
		fail_msg("%s: \"%s\", wanted %s: \"%s\"", sl_health_word(r.state), r.reason,
			 sl_health_word(row->state), row->reason);
	assert_int_equal(r.window_ms, row->window_ms);
}

static void down(void **state)
{
	static struct sl_path_stats window;
	const struct sl_liveness_view live = {.state = SL_HEALTH_DOWN,
					      .silent_ms = 240,
					      .reason = "no answer for 240 ms"};
	const struct sl_health_input in = {&window, NULL, 1000, 0, &slo, &live};
	struct sl_path_report r = {0};

	fill(&window, &(struct seen){.fast = 60, .packets = 100});
	sl_health_judge(&in, &r);
	assert_int_equal(r.state, SL_HEALTH_DOWN);
	assert_string_equal(r.reason, "no answer for 240 ms");
	assert_int_equal(r.silent_ms, 240);
	assert_int_equal(r.rtt[SL_LEG_WAN].samples, 60);
}

static void no_slo(void **state)
{
	static struct sl_path_stats window;
	const struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	const struct sl_health_input in = {&window, NULL, 1000, 0, NULL, &live};
	struct sl_path_report r = {0};

	fill(&window, &(struct seen){.slow = 60, .segments = 60, .lost = 50, .packets = 100});
	sl_health_judge(&in, &r);
	assert_int_equal(r.state, SL_HEALTH_GOOD);
}

static void methods(void **state)
{
	static struct sl_path_stats w;
	struct sl_latency_report r;

	memset(&w, 0, sizeof(w));
	sl_histogram_add(&w.rtt[SL_LEG_WAN][SL_METHOD_SEQ], 1000000 >> SL_TICK_LOG2_NS, 10);
	sl_histogram_add(&w.rtt[SL_LEG_WAN][SL_METHOD_TS], 50000000 >> SL_TICK_LOG2_NS, 11);
	sl_histogram_add(&w.rtt[SL_LEG_LAN][SL_METHOD_HANDSHAKE], 2000000 >> SL_TICK_LOG2_NS, 1);
	sl_health_latency(&w, SL_LEG_WAN, 0, &r);
	assert_string_equal(r.method, "ts");
	assert_int_equal(r.samples, 11);
	assert_in_range(r.p50_us, 48400, 51600);
	sl_health_latency(&w, SL_LEG_LAN, 0, &r);
	assert_string_equal(r.method, "handshake");
	memset(&w, 0, sizeof(w));
	sl_health_latency(&w, SL_LEG_LAN, 0, &r);
	assert_string_equal(r.method, "");
	assert_int_equal(r.p95_us, 0);
}

/* Coverage is of packets, both ways: what found no flow entry is not covered. */
static const struct coverage_row {
	const char *name;
	uint64_t packets, unmeasured;
	uint32_t ppm;
	uint32_t lost_ppm; /* by the engine */
} coverage_rows[] = {
	{"all packets in flows are full coverage", 100, 0, 1000000},
	{"a quarter without flow state", 100, 25, 750000},
	{"none in a flow", 100, 100, 0},
	{"no packets, no coverage", 0, 0, 0},
	{"what the ports lost is not covered either", 100, 0, 900000, 100000},
	{"a quarter without state, and half lost by the ports", 100, 25, 375000, 500000},
	{"the ports lost nearly all", 100, 0, 1, 999999},
};

static void coverage(void **state)
{
	const struct coverage_row *row = *state;
	static struct sl_path_stats window;
	struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	struct sl_health_input in = {.window = &window,
				     .window_ms = 1000,
				     .live = &live,
				     .engine_lost_ppm = row->lost_ppm};
	struct sl_path_report r = {0};

	window.side[SL_SIDE_LAN].packets = window.side[SL_SIDE_WAN].packets = row->packets / 2;
	window.side[SL_SIDE_LAN].unmeasured = row->unmeasured;
	sl_health_judge(&in, &r);
	assert_int_equal(r.coverage_ppm, row->ppm);
}

/* Nearest rank: sorted[ceil(p * n) - 1]. */
static const struct quantile_row {
	const char *name;
	uint32_t low, high, ppm; /* so many of 1 ms, of 100 ms */
	bool is_high;
} quantile_rows[] = {
	{"p95 of 20 with one high is low", 19, 1, 950000, false},
	{"p95 of 19 with one high is high", 18, 1, 950000, true},
	{"p50 of 2 is the first", 1, 1, 500000, false},
	{"p100 is the last", 99, 1, 1000000, true},
	{"p0 is the first", 1, 99, 0, false},
};

static void quantile(void **state)
{
	const struct quantile_row *row = *state;
	static struct sl_histogram h;

	memset(&h, 0, sizeof(h));
	sl_histogram_add(&h, 1000000 >> SL_TICK_LOG2_NS, row->low);
	sl_histogram_add(&h, 100000000 >> SL_TICK_LOG2_NS, row->high);
	assert_int_equal(sl_health_quantile_ns(&h, row->ppm) > 50000000, row->is_high);
}

/* Against the closed form worked out by hand (z = 1.2816). */
static const struct bound_row {
	const char *name;
	uint64_t bad, n;
	double lower, upper;
} bound_rows[] = {
	{"0 of 0", 0, 0, 0, 1},
	{"0 of 100", 0, 100, 0, 0.01616},
	{"3 of 100", 3, 100, 0.01460, 0.06054},
	{"14 of 60", 14, 60, 0.17104, 0.30984},
	{"5 of 5", 5, 5, 0.75275, 1},
};

static void bounds(void **state)
{
	const struct bound_row *row = *state;

	assert_true(sl_health_lower(row->bad, row->n) > row->lower - 2e-4);
	assert_true(sl_health_lower(row->bad, row->n) < row->lower + 2e-4);
	assert_true(sl_health_upper(row->bad, row->n) > row->upper - 2e-4);
	assert_true(sl_health_upper(row->bad, row->n) < row->upper + 2e-4);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, judge);
	SL_ROWS_ADD(&tests, coverage_rows, coverage);
	SL_ROWS_ADD(&tests, quantile_rows, quantile);
	SL_ROWS_ADD(&tests, bound_rows, bounds);
	sl_row_add(&tests, "down is liveness's word, with its reason", down, NULL);
	sl_row_add(&tests, "without an SLO never degraded", no_slo, NULL);
	sl_row_add(&tests, "the method with most samples, never mixed", methods, NULL);
	return sl_row_run("health", &tests);
}
