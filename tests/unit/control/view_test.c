/*
 * view_test.c - what a picture says of a path, read by hand
 */
#include "tests/unit/row.h"

#include "control/view.h"

#include <stdio.h>

/* A reason, short enough for a sentence. */
static const struct brief_row {
	const char *name, *reason, *brief;
} brief_rows[] = {
	{"a short one as it is", "no packets in 3.0 s", "no packets in 3.0 s"},
	{"without its bound", "loss 3 % > 0.5 %: 7 of 235 segments (lower bound 1.6 %) in 1.0 s",
	 "loss 3 % > 0.5 %: 7 of 235 segments in 1.0 s"},
	{"a bound that has no end", "loss 3 % (lower bound 1.6", "loss 3 % (lower bound 1.6"},
	{"a long one up to its last whole part",
	 "no answer for 511 ms: 2 flows stalled, 1 more repeats, 2 services; 33 probes of 5 servers",
	 "no answer for 511 ms: 2 flows stalled, 1 more repeats, 2 services"},
};

static void brief(void **state)
{
	const struct brief_row *row = *state;
	struct sl_path_report path = {.state = SL_HEALTH_DEGRADED};
	char text[SL_BRIEF_MAX];

	snprintf(path.reason, sizeof(path.reason), "%s", row->reason);
	assert_string_equal(sl_view_brief(&path, text), row->brief);
}

/* A rate where there is a path, and nothing where there is none. */
static void rate(void **state)
{
	const struct sl_path_report path = {.window_ms = 500, .bytes = {1000, 250000}};
	struct sl_view view = {.policy = NULL};

	view.path[1][0] = &path;
	assert_int_equal(sl_view_rate_of(&view, 1, 0, 0), 16000);
	assert_int_equal(sl_view_rate_of(&view, 1, 0, 1), 4000000);
	assert_int_equal(sl_view_rate_of(&view, 1, 1, 1), 0);
	assert_int_equal(sl_view_rate_of(&view, 0, 0, 1), 0);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, brief_rows, brief);
	sl_row_add(&tests, "the rate of a service by an uplink", rate, NULL);
	return sl_row_run("view", &tests);
}
