/*
 * memory_test.c - fingerprints, what is near, what is proven, what is forgotten
 */
#include "tests/unit/row.h"

#include "control/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOSSY  "critical/fibre/uplink/degraded/rtt0/loss3/fail0/dns0/load1/jit0/wk-day"
#define LOSSY2 "critical/fibre/uplink/degraded/rtt0/loss4/fail0/dns0/load1/jit0/wk-day"
#define LOSSY5 "critical/cable/uplink/degraded/rtt0/loss4/fail0/dns0/load1/jit0/wk-day"
#define SLOW   "critical/fibre/uplink/degraded/rtt4/loss0/fail0/dns0/load1/jit0/wk-day"

static const struct distance_row {
	const char *name, *a, *b;
	int distance;
} distance_rows[] = {
	{"the same", LOSSY, LOSSY, 0},
	{"one bucket of loss", LOSSY, LOSSY2, 2},
	{"another kind of uplink as well", LOSSY, LOSSY5, 5},
	{"loss is not delay", LOSSY, SLOW, 8},
	{"another part of the week", LOSSY,
	 "critical/fibre/uplink/degraded/rtt0/loss3/fail0/dns0/load1/jit0/we-eve", 1},
	{"another class: never", LOSSY,
	 "normal/fibre/uplink/degraded/rtt0/loss3/fail0/dns0/load1/jit0/wk-day", -1},
	{"another verdict: never", LOSSY,
	 "critical/fibre/destination/degraded/rtt0/loss3/fail0/dns0/load1/jit0/wk-day", -1},
	{"another state: never", LOSSY,
	 "critical/fibre/uplink/down/rtt0/loss3/fail0/dns0/load1/jit0/wk-day", -1},
	{"no fingerprint: never", LOSSY, "service/pos/refused", -1},
	{"half of one: never", LOSSY, "critical/fibre/uplink/degraded/rtt0/loss3", -1},
	{"none: never", LOSSY, "", -1},
};

static void distance(void **state)
{
	const struct distance_row *row = *state;

	assert_int_equal(sl_memory_distance(row->a, row->b), row->distance);
	assert_int_equal(sl_memory_distance(row->b, row->a), row->distance);
}

/* --- what is thought of "reroute lte" in a LOSSY incident, from what was learnt of it --- */
static const struct recall_row {
	const char *name, *print;
	uint32_t helped, failed;             /* by this site */
	uint32_t fleet_helped, fleet_failed; /* by the others */
	bool known, proven, never;
} recall_rows[] = {
	{"nothing learnt", LOSSY, 0, 0, 0, 0, false, false, false},
	{"it helped once", LOSSY, 1, 0, 0, 0, true, true, false},
	{"it failed once", LOSSY, 0, 1, 0, 0, true, false, false},
	{"one of each proves nothing", LOSSY, 1, 1, 0, 0, true, false, false},
	{"two of three", LOSSY, 2, 1, 0, 0, true, true, false},
	{"it failed twice and never helped", LOSSY, 0, 2, 0, 0, true, false, true},
	{"it failed often but helped once", LOSSY, 1, 9, 0, 0, true, false, false},
	{"another store's one success is not enough", LOSSY, 0, 0, 1, 0, true, false, false},
	{"two of them are", LOSSY, 0, 0, 2, 0, true, true, false},
	{"other stores' four failures", LOSSY, 0, 0, 0, 4, true, false, true},
	{"other stores fail, this one knows better", LOSSY, 4, 0, 0, 4, true, true, false},
	{"one bucket off is the same", LOSSY2, 1, 0, 0, 0, true, true, false},
	{"on another kind of uplink once: alike, not proven", LOSSY5, 1, 0, 0, 0, true, false,
	 false},
	{"twice", LOSSY5, 2, 0, 0, 0, true, true, false},
	{"of another incident", SLOW, 5, 0, 0, 0, false, false, false},
};

static void learn(struct sl_memory *memory, const char *print, uint32_t helped, uint32_t failed)
{
	struct sl_lesson lesson = {.print = print, .remedy = "reroute", .target = "lte"};

	lesson.times = helped;
	lesson.helped = true;
	lesson.repair_ms = 4000;
	if (helped)
		sl_memory_learn(memory, &lesson);
	lesson.times = failed;
	lesson.helped = false;
	if (failed)
		sl_memory_learn(memory, &lesson);
}

static void recall(void **state)
{
	const struct recall_row *row = *state;
	struct sl_memory *own = calloc(1, sizeof(*own)), *fleet = calloc(1, sizeof(*fleet));
	const struct sl_recalled *past;
	struct sl_recall all;
	char text[SL_TEXT_MAX];

	learn(own, row->print, row->helped, row->failed);
	learn(fleet, row->print, row->fleet_helped, row->fleet_failed);
	sl_memory_recall(own, fleet, LOSSY, &all);
	past = sl_recall_find(&all, "reroute", "lte");
	assert_int_equal(past != NULL, row->known);
	assert_int_equal(sl_recall_proven(past), row->proven);
	assert_int_equal(sl_recall_never(past), row->never);
	sl_recall_tell(&all, text);
	assert_int_equal(strstr(text, "reroute lte helped") != NULL, row->known);
	free(own);
	free(fleet);
}

/* What was learnt of the very same stands against any number of the like. */
static void nearest_only(void **state)
{
	struct sl_memory *own = calloc(1, sizeof(*own));
	struct sl_recall all;

	learn(own, LOSSY5, 9, 0);
	learn(own, LOSSY, 0, 2);
	sl_memory_recall(own, NULL, LOSSY, &all);
	assert_int_equal(all.count, 1);
	assert_true(sl_recall_never(&all.one[0]));
	free(own);
}

static void repair_is_a_mean(void **state)
{
	struct sl_memory *own = calloc(1, sizeof(*own));
	struct sl_lesson lesson = {.print = LOSSY,
				   .remedy = "reroute",
				   .target = "lte",
				   .helped = true,
				   .times = 1,
				   .repair_ms = 4000};

	sl_memory_learn(own, &lesson);
	lesson.repair_ms = 1000;
	sl_memory_learn(own, &lesson);
	assert_int_equal(own->entry[0].repair_ms, 2500);
	lesson.helped = false;
	sl_memory_learn(own, &lesson);
	assert_int_equal(own->entry[0].repair_ms, 2500);
	assert_int_equal(own->entry[0].failed, 1);
	assert_int_equal(own->count, 1);
	free(own);
}

/* The weakest goes, of equals the oldest; what has proof stays. */
static void bounded(void **state)
{
	struct sl_memory *own = calloc(1, sizeof(*own));
	char print[SL_PRINT_MAX];

	for (unsigned int i = 0; i < SL_WIRE_MEMORIES_MAX + 20; i++) {
		struct sl_lesson lesson = {.print = print,
					   .remedy = "reroute",
					   .target = "lte",
					   .helped = true,
					   .times = i == 0 ? 5 : 1,
					   .unix_ns = 1000 + i};

		snprintf(print, sizeof(print), "p%u", i);
		sl_memory_learn(own, &lesson);
	}
	assert_int_equal(own->count, SL_WIRE_MEMORIES_MAX);
	assert_string_equal(own->entry[0].fingerprint, "p0");
	for (uint32_t i = 1; i < own->count; i++)
		assert_true(own->entry[i].last_unix_ns >= 1000 + 21);
	free(own);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, distance_rows, distance);
	SL_ROWS_ADD(&tests, recall_rows, recall);
	sl_row_add(&tests, "the very same stands against the like", nearest_only, NULL);
	sl_row_add(&tests, "the time to repair is a mean of what helped", repair_is_a_mean, NULL);
	sl_row_add(&tests, "bounded: the weakest, then oldest, goes", bounded, NULL);
	return sl_row_run("memory", &tests);
}
