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
	uint32_t queries, unanswered, refused; /* DNS */
	uint32_t hellos, unheard;              /* and those without an answer */
	uint32_t media, media_lost;            /* RTP packets of the WAN side: expected, lost */
	uint32_t bogus;                        /* of each kind */
	uint32_t requests, hung;               /* of the last 20 s, whatever the window */
	uint32_t stuck, passed;                /* large segments */
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
	w->queries = seen->queries;
	w->queries_unanswered = seen->unanswered;
	w->queries_failed = seen->refused;
	w->hellos = seen->hellos;
	w->hellos_unanswered = seen->unheard;
	w->side[SL_SIDE_WAN].large_stuck = seen->stuck;
	w->side[SL_SIDE_WAN].large_passed = seen->passed;
	w->side[SL_SIDE_WAN].media_expected = seen->media;
	w->side[SL_SIDE_WAN].media_packets = seen->media - seen->media_lost;
	for (int i = 0; i < 2; i++) {
		w->side[i].bogus_acks = w->side[i].bogus_seqs = seen->bogus;
		w->side[i].bogus_echoes = seen->bogus;
	}
	w->bogus_icmp = w->bogus_answers = seen->bogus;
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
	{"a large segment is stuck",
	 {.fast = 60, .packets = 200, .stuck = 1},
	 {.fast = 180, .packets = 600, .stuck = 1},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "1 large segment stuck, 0 passed later"},
	{"a large segment is stuck, two seconds ago",
	 {.packets = 2},
	 {.packets = 6, .stuck = 1},
	 SL_HEALTH_DEGRADED,
	 3000,
	 "1 large segment stuck"},
	{"large segments that were stuck mostly pass after all",
	 {.fast = 60, .packets = 200, .stuck = 1, .passed = 4},
	 {.fast = 180, .packets = 600, .stuck = 1, .passed = 4},
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
	{"queries go unanswered",
	 {.fast = 60, .queries = 20, .unanswered = 4, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 20 % > 1 %: 4 of 20 queries unanswered (lower bound 11"},
	{"queries are refused",
	 {.fast = 60, .queries = 20, .refused = 4, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "4 of 20 queries failed (lower"},
	{"queries fail both ways: both are told",
	 {.fast = 60, .queries = 20, .unanswered = 3, .refused = 2, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 25 % > 1 %: 3 of 20 queries unanswered, 2 failed (lower"},
	{"queries given up that were asked before the window",
	 {.fast = 60, .unanswered = 4, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 100 % > 1 %: 4 of 4 queries"},
	{"and are not thinned out by new connections",
	 {.fast = 60, .attempts = 4, .unanswered = 4, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 50 % > 1 %: 0 of 4 attempts, 4 of 4 queries unanswered (lower"},
	{"hellos go unanswered where connections open",
	 {.fast = 60, .attempts = 12, .hellos = 12, .unheard = 6, .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "failures 25 % > 1 %: 0 of 12 attempts, 6 of 12 hellos unanswered (lower"},
	{"one of each fails: three failures",
	 {.fast = 60,
	  .attempts = 5,
	  .failed = 1,
	  .queries = 5,
	  .unanswered = 1,
	  .hellos = 5,
	  .unheard = 1,
	  .packets = 90},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "1 of 5 attempts, 1 of 5 queries unanswered, 1 of 5 hellos unanswered (lower"},
	{"two unanswered queries are chance",
	 {.fast = 60, .queries = 20, .unanswered = 2, .packets = 90},
	 {.fast = 180, .queries = 60, .unanswered = 2, .packets = 270},
	 SL_HEALTH_GOOD,
	 1000,
	 "failures: 2 of 20 queries unanswered in"},
	{"all is answered",
	 {.fast = 60, .attempts = 5, .queries = 20, .hellos = 5, .packets = 90},
	 {.fast = 180},
	 SL_HEALTH_GOOD,
	 1000,
	 "0 of 30 tries failed"},
	{"3 % of media lost",
	 {.fast = 60, .media = 500, .media_lost = 15, .packets = 600},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "media loss 3 % > 0.5 %: 15 of 500 packets (lower bound 2.17 %)"},
	{"many clean segments do not hide lost media",
	 {.fast = 60, .segments = 100000, .media = 500, .media_lost = 15, .packets = 9},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "media loss 3 % > 0.5 %: 15 of 500 packets"},
	{"nor does much clean media hide lost segments",
	 {.fast = 60, .segments = 100, .lost = 3, .media = 50000, .packets = 9},
	 {.fast = 60},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "loss 3 % > 0.5 %: 3 of 100 segments"},
	{"two media packets late or lost are chance",
	 {.fast = 60, .media = 100, .media_lost = 2, .packets = 100},
	 {.fast = 60, .media = 300, .media_lost = 2, .packets = 300},
	 SL_HEALTH_GOOD,
	 1000,
	 "2 of 100 media packets lost"},
	{"few media packets are too few",
	 {.fast = 60, .media = 19, .media_lost = 9, .packets = 100},
	 {.fast = 60, .media = 19, .media_lost = 9, .packets = 300},
	 SL_HEALTH_GOOD,
	 1000,
	 "9 of 19 media packets lost"},
	{"requests that hang, where all else is well",
	 {.fast = 60, .segments = 100, .attempts = 5, .packets = 90, .requests = 5, .hung = 5},
	 {.fast = 180},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "5 of 5 requests unanswered after 5 s or reset, in 20 s at most"},
	{"two that hang are chance",
	 {.fast = 60, .packets = 90, .requests = 5, .hung = 2},
	 {.fast = 180},
	 SL_HEALTH_GOOD,
	 1000,
	 "p95 wan 20"},
	{"the answered requests of 20 s do not thin out this second's failures",
	 {.fast = 60, .attempts = 5, .failed = 3, .packets = 90, .requests = 5000},
	 {.fast = 180},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "3 of 5 attempts"},
	{"what is not believed is no fault",
	 {.fast = 60, .segments = 100, .attempts = 5, .packets = 200, .bogus = 1000},
	 {.fast = 180, .packets = 600, .bogus = 3000},
	 SL_HEALTH_GOOD,
	 1000,
	 "0 of 100 segments lost, 0 of 5 tries failed in 1.0 s"},
	{"nor is it evidence",
	 {.packets = 200, .bogus = 1000},
	 {.packets = 600, .bogus = 3000},
	 SL_HEALTH_BLIND,
	 3000,
	 "0 wan samples in 3.0 s, 5 needed"},
	{"the answers pass by another way: blind, whatever seems unanswered",
	 {.segments = 60,
	  .attempts = 5,
	  .packets = 70,
	  .hellos = 5,
	  .unheard = 5,
	  .queries = 4,
	  .unanswered = 4},
	 {.segments = 60, .attempts = 5, .packets = 70, .hellos = 5, .unheard = 5},
	 SL_HEALTH_BLIND,
	 1000,
	 "one-way: 70 packets went out, none came back, and none was sent again"},
	{"what is sent again is not answered by another way",
	 {.segments = 60, .lost = 6, .attempts = 5, .packets = 70, .hellos = 5, .unheard = 5},
	 {.segments = 60, .lost = 6, .attempts = 5, .packets = 70, .hellos = 5, .unheard = 5},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "5 of 5 hellos unanswered"},
	{"nor are queries alone a one-way view",
	 {.packets = 20, .queries = 20, .unanswered = 20},
	 {.packets = 40, .queries = 40, .unanswered = 40},
	 SL_HEALTH_DEGRADED,
	 1000,
	 "20 of 20 queries unanswered"},
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
	const struct sl_health_input in = {.window = &window,
					   .longer = &longer,
					   .window_ms = 1000,
					   .longer_ms = 3000,
					   .slo = &slo,
					   .live = &live,
					   .requests = row->window.requests,
					   .requests_unanswered = row->window.hung};
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

/* A service that is only DNS: its transactions are held against the SLO, and say so. */
static void dns_service(void **state)
{
	static struct sl_path_stats window;
	const struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	const struct sl_health_input in = {&window, NULL, 1000, 0, &slo, &live};
	struct sl_path_report r = {0};

	fill(&window, &(struct seen){.queries = 40, .packets = 80});
	sl_histogram_add(&window.rtt[SL_LEG_WAN][SL_METHOD_DNS], 180000000 >> SL_TICK_LOG2_NS, 40);
	sl_health_judge(&in, &r);
	assert_int_equal(r.state, SL_HEALTH_DEGRADED);
	assert_non_null(strstr(r.reason, "by dns: 40 of 40 samples above"));
	assert_string_equal(r.rtt[SL_LEG_WAN].method, "dns");
}

/* Without a latency in the SLO, media alone may say that a path is good. */
static void media_service(void **state)
{
	static struct sl_path_stats window;
	const struct sl_liveness_view live = {.state = SL_HEALTH_GOOD};
	const struct sl_policy_slo loss_only = {.loss_ppm = 5000,
						.failures_ppm = UINT32_MAX,
						.window_ms = 1000};
	const struct sl_health_input in = {&window, NULL, 1000, 0, &loss_only, &live};
	struct sl_path_report r = {0};

	fill(&window, &(struct seen){.media = 100, .packets = 100});
	sl_health_judge(&in, &r);
	assert_int_equal(r.state, SL_HEALTH_GOOD);
	assert_string_equal(r.reason, "0 of 100 media packets lost in 1.0 s");
	fill(&window, &(struct seen){.media = 19, .packets = 19});
	sl_health_judge(&in, &r);
	assert_int_equal(r.state, SL_HEALTH_BLIND);
	assert_string_equal(r.reason, "19 media packets in 1.0 s, 20 needed to judge");
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
	SL_ROWS_ADD(&tests, bound_rows, bounds);
	sl_row_add(&tests, "down is liveness's word, with its reason", down, NULL);
	sl_row_add(&tests, "without an SLO never degraded", no_slo, NULL);
	sl_row_add(&tests, "a DNS service is judged by its transactions", dns_service, NULL);
	sl_row_add(&tests, "a media service by its sequence numbers", media_service, NULL);
	return sl_row_run("health", &tests);
}
