/*
 * window_test.c - differences of counters that only grow
 */
#include "memory_engine.h"

#include "dataplane/window.h"
#include "tests/unit/row.h"

static struct sl_stats one, two;

static void shot(struct sl_window *w, uint64_t ms)
{
	sl_window_begin(w, 5 * S + ms * MS);
	sl_window_add(w, &one);
	sl_window_add(w, &two);
	sl_window_end(w);
}

/* Each tick adds one packet a worker; what a window of @ms says after @ticks. */
static const struct span_row {
	const char *name;
	uint32_t longest_ms, ticks, ms, span_ms;
} span_rows[] = {
	{"exactly the window", 1000, 30, 1000, 1000},
	{"a start: what there is", 1000, 4, 1000, 400},
	{"the longest of the fine ring", 3000, 100, 3000, 3000},
	{"a minute, by the coarse ring", 60000, 900, 60000, 60000},
	{"ten seconds out of the coarse ring", 60000, 900, 10000, 10000},
	{"one second stays fine beside it", 60000, 900, 1000, 1000},
};

static void span(void **state)
{
	const struct span_row *row = *state;
	static struct sl_path_stats d;
	struct sl_window *w;
	uint32_t span_ms = 0;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	assert_int_equal(sl_window_open(&w, 3, 2, row->longest_ms), 0);
	for (uint32_t i = 0; i <= row->ticks; i++) {
		shot(w, 100 * i);
		one.path[SL_PATH(2, 1)].side[0].packets++;
		two.path[SL_PATH(2, 1)].side[0].packets++;
	}
	assert_true(sl_window_difference(w, SL_PATH(2, 1), row->ms, &d, &span_ms));
	assert_int_equal(span_ms, row->span_ms);
	assert_int_equal(d.side[0].packets, 2 * row->span_ms / 100);
	sl_window_close(w);
}

static void wraps(void **state)
{
	static struct sl_path_stats d;
	struct sl_window *w;
	uint32_t span_ms;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	one.path[0].rtt[SL_LEG_WAN][SL_METHOD_TS].count[7] = UINT32_MAX;
	one.path[0].moved = UINT64_MAX;
	assert_int_equal(sl_window_open(&w, 1, 0, 1000), 0);
	shot(w, 0);
	one.path[0].rtt[SL_LEG_WAN][SL_METHOD_TS].count[7] += 5;
	one.path[0].moved += 2;
	shot(w, 100);
	assert_true(sl_window_difference(w, 0, 1000, &d, &span_ms));
	assert_int_equal(d.rtt[SL_LEG_WAN][SL_METHOD_TS].count[7], 5);
	assert_int_equal(d.moved, 2);
	sl_window_close(w);
}

/* Ticks that come late or early: what is between two shots is told once. */
static void newest(void **state)
{
	static const uint64_t at_ms[] = {0, 100, 180, 200, 320, 330, 1400};
	static struct sl_path_stats d;
	struct sl_window *w;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	assert_int_equal(sl_window_open(&w, 2, 2, 1000), 0);
	for (uint32_t i = 0; i < sizeof(at_ms) / sizeof(at_ms[0]); i++) {
		one.path[SL_PATH(1, 1)].rtt[SL_LEG_WAN][SL_METHOD_SEQ].count[9] += i;
		two.path[SL_PATH(1, 1)].side[0].packets += 10 * i;
		shot(w, at_ms[i]);
		assert_int_equal(sl_window_newest(w, SL_PATH(1, 1), &d), i > 0);
		assert_int_equal(d.rtt[SL_LEG_WAN][SL_METHOD_SEQ].count[9], i);
		assert_int_equal(d.side[0].packets, 10 * i);
	}
	assert_false(sl_window_newest(w, SL_PATH(2, 0), &d));
	assert_false(sl_window_newest(w, SL_PATH(0, 2), &d));
	sl_window_close(w);
}

static void nothing_yet(void **state)
{
	static struct sl_path_stats d;
	struct sl_window *w;
	uint32_t span_ms = 12;

	assert_int_equal(sl_window_open(&w, 1, 2, 1000), 0);
	d.moved = 3;
	assert_false(sl_window_difference(w, 0, 1000, &d, &span_ms));
	shot(w, 0);
	assert_false(sl_window_difference(w, 0, 1000, &d, &span_ms));
	shot(w, 100);
	assert_false(sl_window_difference(w, SL_PATH(1, 0), 1000, &d, &span_ms));
	assert_false(sl_window_difference(w, SL_PATH(0, 2), 1000, &d, &span_ms));
	assert_int_equal(span_ms, 12);
	assert_int_equal(d.moved, 3);
	sl_window_close(w);
}

/*
 * Against every moment kept whole: histograms that stand still, change now and then, and
 * change each tick, over more ticks than the rings hold.
 */
#define TICKS 130

static const struct whole_row {
	const char *name;
	uint32_t longest_ms, ms, back; /* the shot that many ticks ago is the older one */
} whole_rows[] = {
	{"three ticks, each bucket as counted", 1000, 300, 3},
	{"three seconds, the fine ring gone round four times", 1000, 3000, 30},
	{"ten seconds of a coarse ring", 60000, 10000, 0},
};

static void stir(struct sl_path_stats *path, uint32_t tick)
{
	path->rtt[SL_LEG_WAN][SL_METHOD_SEQ].count[tick % 7]++;
	path->rtt[SL_LEG_LAN][SL_METHOD_TS].count[3] += tick % 10 == 0;
	path->rtt[SL_LEG_WAN][SL_METHOD_TRANSACTION].count[SL_HIST_BUCKETS - 1] += tick == 60;
	path->rtt[SL_LEG_LAN][SL_METHOD_SPIN].count[0] += tick > 100 ? 2 : 0;
	path->side[1].bytes += tick;
}

static void whole(void **state)
{
	const struct whole_row *row = *state;
	struct sl_path_stats *at = calloc(TICKS, sizeof(*at));
	static struct sl_path_stats d;
	struct sl_window *w;
	uint32_t span_ms;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	assert_int_equal(sl_window_open(&w, 2, 1, row->longest_ms), 0);
	for (uint32_t tick = 0; tick < TICKS; tick++) {
		stir(&one.path[SL_PATH(1, 0)], tick);
		at[tick] = one.path[SL_PATH(1, 0)];
		shot(w, 100 * tick);
		if (tick < 4 || !sl_window_difference(w, SL_PATH(1, 0), row->ms, &d, &span_ms))
			continue;
		const struct sl_path_stats *older = &at[tick - span_ms / 100];

		if (row->back && tick > row->back)
			assert_int_equal(span_ms, row->back * 100);
		for (size_t i = 0; i < SL_LEGS * SL_METHODS * SL_HIST_BUCKETS; i++)
			assert_int_equal((&d.rtt[0][0].count[0])[i],
					 (&at[tick].rtt[0][0].count[0])[i] -
						 (&older->rtt[0][0].count[0])[i]);
		assert_int_equal(d.side[1].bytes, at[tick].side[1].bytes - older->side[1].bytes);
	}
	sl_window_close(w);
	free(at);
}

/* The loop stood still for 5 s: the window is honest about what it covers. */
static void late(void **state)
{
	static struct sl_path_stats d;
	struct sl_window *w;
	uint32_t span_ms;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	assert_int_equal(sl_window_open(&w, 1, 1, 1000), 0);
	shot(w, 0);
	one.path[0].flows = 50;
	shot(w, 5000);
	assert_true(sl_window_difference(w, 0, 1000, &d, &span_ms));
	assert_int_equal(span_ms, 5000);
	assert_int_equal(d.flows, 50);
	sl_window_close(w);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, span_rows, span);
	SL_ROWS_ADD(&tests, whole_rows, whole);
	sl_row_add(&tests, "counters and buckets wrap", wraps, NULL);
	sl_row_add(&tests, "fewer than two shots, or no such path", nothing_yet, NULL);
	sl_row_add(&tests, "a late tick is told by the span", late, NULL);
	sl_row_add(&tests, "between two shots, once", newest, NULL);
	return sl_row_run("window", &tests);
}
