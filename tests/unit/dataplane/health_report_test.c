/*
 * health_report_test.c - the numbers of a window: which method tells, times, coverage
 */
#include "memory_engine.h"

#include "dataplane/fastpath/histogram.h"
#include "dataplane/health.h"
#include "tests/unit/row.h"

/* WAN samples by method, a millisecond apart each: seq 1 ms, ts 2 ms, ... */
static const struct method_row {
	const char *name;
	uint32_t samples[SL_METHODS];
	const char *method;
	uint32_t used;
} method_rows[] = {
#define N(method) [SL_METHOD_##method]
	{"no sample at all", {0}, "", 0},
	{"the method with most samples", {N(HANDSHAKE) = 10, N(ECHO) = 11}, "echo", 11},
	{"but acknowledgements before timestamps", {N(SEQ) = 10, N(TS) = 20}, "seq", 10},
	{"unless they have less than half as many", {N(SEQ) = 10, N(TS) = 22}, "ts", 22},
	{"or too few", {N(SEQ) = 4, N(TS) = 5}, "ts", 5},
	{"the first of equals", {N(SEQ) = 10, N(TS) = 10}, "seq", 10},
	{"QUIC's handshake is one of them", {N(TS) = 5, N(QUIC) = 6}, "quic", 6},
	{"so is echo", {N(HANDSHAKE) = 1, N(ECHO) = 2}, "echo", 2},
	{"the spin bit does not decide beside enough others",
	 {N(QUIC) = 5, N(SPIN) = 900},
	 "quic",
	 5},
	{"it does beside too few", {N(QUIC) = 4, N(SPIN) = 900}, "spin", 900},
	{"unless it has fewer still", {N(QUIC) = 4, N(SPIN) = 3}, "quic", 4},
	{"or is alone", {N(SPIN) = 2}, "spin", 2},
	{"DNS decides where nothing else is", {N(DNS) = 7}, "dns", 7},
	{"not beside a single other", {N(HANDSHAKE) = 1, N(DNS) = 700}, "handshake", 1},
	{"nor beside the spin bit", {N(SPIN) = 1, N(DNS) = 700}, "spin", 1},
	{"think time and transactions are no round trips",
	 {N(SEQ) = 1, N(THINK) = 500, N(TRANSACTION) = 600},
	 "seq",
	 1},
	{"not even alone", {N(THINK) = 500, N(TRANSACTION) = 600}, "", 0},
#undef N
};

static void method(void **state)
{
	const struct method_row *row = *state;
	static struct sl_path_stats w;
	struct sl_latency_report r;
	uint32_t ms = 0;

	memset(&w, 0, sizeof(w));
	for (uint32_t m = 0; m < SL_METHODS; m++)
		sl_histogram_add(&w.rtt[SL_LEG_WAN][m], (m + 1) * 1000000 >> SL_TICK_LOG2_NS,
				 row->samples[m]);
	sl_health_latency(&w, SL_LEG_WAN, 0, &r);
	assert_string_equal(r.method, row->method);
	assert_int_equal(r.samples, row->used);
	for (uint32_t m = 0; row->used && m < SL_METHODS; m++)
		if (row->samples[m] == row->used)
			ms = ms ? ms : m + 1;
	assert_in_range(r.p50_us, ms * 968, ms * 1032);
	sl_health_latency(&w, SL_LEG_LAN, 0, &r);
	assert_string_equal(r.method, "");
	assert_int_equal(r.p95_us, 0);
}

static void fill_times(struct sl_path_stats *w)
{
	struct sl_histogram *lan = w->rtt[SL_LEG_LAN], *wan = w->rtt[SL_LEG_WAN];

	sl_histogram_add(&wan[SL_METHOD_DNS], 12000000 >> SL_TICK_LOG2_NS, 30);
	sl_histogram_add(&wan[SL_METHOD_THINK], 3000000 >> SL_TICK_LOG2_NS, 9);
	sl_histogram_add(&lan[SL_METHOD_THINK], 7000000 >> SL_TICK_LOG2_NS, 10);
	sl_histogram_add(&wan[SL_METHOD_TRANSACTION], 90000000 >> SL_TICK_LOG2_NS, 8);
}

/* Every new number of a report, each different. */
static void reported(void **state)
{
	static struct sl_path_stats window;
	const struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	const struct sl_health_input in = {&window, NULL, 1000, 0, NULL, &live};
	struct sl_direction_stats *lan = &window.side[SL_SIDE_LAN],
				  *wan = &window.side[SL_SIDE_WAN];
	struct sl_path_report r = {0};

	memset(&window, 0, sizeof(window));
	fill_times(&window);
	*lan = (struct sl_direction_stats){.duplicates = 1,
					   .bogus_acks = 2,
					   .bogus_seqs = 3,
					   .bogus_echoes = 4};
	*wan = (struct sl_direction_stats){.duplicates = 5,
					   .bogus_acks = 10,
					   .bogus_seqs = 20,
					   .bogus_echoes = 30,
					   .media_packets = 98,
					   .media_expected = 100,
					   .media_jitter_ticks = UINT64_C(98) * 15625};
	lan->media_packets = lan->media_expected = 50;
	window.bogus_icmp = 40;
	window.bogus_answers = 50;
	window.idle_unanswered = 3;
	window.idle_moments = 3 * 5722; /* 6 s each */
	sl_health_judge(&in, &r);
	assert_int_equal(r.idle_unanswered, 3);
	assert_in_range(r.idle_ms, 5998, 6001);
	assert_string_equal(r.dns.method, "dns");
	assert_int_equal(r.dns.samples, 30);
	assert_in_range(r.dns.p95_us, 11600, 12400);
	assert_string_equal(r.think.method, "think");
	assert_int_equal(r.think.samples, 10); /* the leg with more, not both */
	assert_in_range(r.think.p50_us, 6770, 7230);
	assert_string_equal(r.transaction.method, "transaction");
	assert_in_range(r.transaction.max_us, 87000, 93000);
	assert_int_equal(r.loss[0].duplicates, 1);
	assert_int_equal(r.loss[1].duplicates, 5);
	assert_int_equal(r.media[0].packets, 50);
	assert_int_equal(r.media[0].jitter_us, 0);
	assert_int_equal(r.media[1].packets, 98);
	assert_int_equal(r.media[1].expected, 100);
	assert_int_equal(r.media[1].jitter_us, 1000); /* 15625 ticks of 64 ns each */
	assert_int_equal(r.bogus_acks, 12);
	assert_int_equal(r.bogus_seqs, 23);
	assert_int_equal(r.bogus_echoes, 34);
	assert_int_equal(r.bogus_icmp, 40);
	assert_int_equal(r.bogus_answers, 50);
	assert_int_equal(r.bogus, 159);
}

/* Where a round trip of @us is counted: 16 steps an octave, so a bound is as sharp as 3 %. */
static const struct total_row {
	const char *name;
	uint32_t us;
	enum sl_method method;
	const char *told;
	int at; /* -1 = not counted */
} total_rows[] = {
	{"the shortest in the first", 100, SL_METHOD_SEQ, "seq", 0},
	{"a bound is in what it bounds", 970, SL_METHOD_SEQ, "seq", 0},
	{"what is longer is in the next", 1040, SL_METHOD_SEQ, "seq", 1},
	{"as long as a till's SLO", 77000, SL_METHOD_TS, "ts", 6},
	{"longer", 83000, SL_METHOD_TS, "ts", 7},
	{"a satellite", 620000, SL_METHOD_ECHO, "echo", 9},
	{"the last that has a bound", 9600000, SL_METHOD_SEQ, "seq", 11},
	{"longer than all", 11000000, SL_METHOD_SEQ, "seq", 12},
	{"by another method than the window's", 20000, SL_METHOD_SEQ, "ts", -1},
	{"the window tells by none", 20000, SL_METHOD_SEQ, "", -1},
	{"think time is no round trip", 20000, SL_METHOD_THINK, "think", -1},
};

static void total(void **state)
{
	const struct total_row *row = *state;
	static struct sl_path_stats w;
	struct sl_latency_totals totals = {.count = {[2] = 7}, .sum_us = 100};

	memset(&w, 0, sizeof(w));
	sl_histogram_add(&w.rtt[SL_LEG_WAN][row->method],
			 (uint32_t)(row->us * UINT64_C(1000) >> SL_TICK_LOG2_NS), 3);
	sl_health_total(&w, SL_LEG_LAN, row->told, &totals);
	assert_int_equal(totals.sum_us, 100);
	sl_health_total(&w, SL_LEG_WAN, row->told, &totals);
	for (int i = 0; i <= SL_LATENCY_BOUNDS; i++)
		assert_int_equal(totals.count[i], (i == 2 ? 7 : 0) + (i == row->at ? 3 : 0));
	if (row->at < 0)
		assert_int_equal(totals.sum_us, 100);
	else
		assert_in_range(totals.sum_us, 100 + row->us * UINT64_C(2910) / 1000,
				100 + row->us * UINT64_C(3100) / 1000);
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

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, method_rows, method);
	SL_ROWS_ADD(&tests, total_rows, total);
	SL_ROWS_ADD(&tests, coverage_rows, coverage);
	SL_ROWS_ADD(&tests, quantile_rows, quantile);
	sl_row_add(&tests, "every number of the report", reported, NULL);
	return sl_row_run("health report", &tests);
}
