/*
 * ladder_test.c - the steps of a rate limit
 */
#include "tests/unit/row.h"

#include "control/prove.h"

#include <string.h>

/* --- ladder: b bad and w neither for 100 ms, C calm for a second --- */
static const struct ladder_row {
	const char *name, *sight;
	uint64_t rate_bps; /* of the culprit, while it goes on */
	bool on;
	uint64_t limit_mbit;
	enum sl_rung last; /* other than KEEP */
} ladder_rows[] = {
	{"first step: half", "w", 16000000, true, 8, SL_RUNG_KEEP},
	{"still bad after a second: half again", "bbbbbbbbbbb", 16000000, true, 4, SL_RUNG_TIGHTEN},
	{"three steps, two more seconds: failed", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	 16000000, false, 2, SL_RUNG_FAIL},
	{"calm: stays for 10 s, however short the hold-down", "bbbbbCCCCCCCCC", 16000000, true, 8,
	 SL_RUNG_KEEP},
	{"then twice as much", "bbbbbCCCCCCCCCCC", 16000000, true, 16, SL_RUNG_LOOSEN},
	{"which was too much: back at once", "bbbbbCCCCCCCCCCCbbbb", 16000000, true, 8,
	 SL_RUNG_TIGHTEN},
	{"bad, but the culprit sends next to nothing: lifted, not tightened", "bbbbbbbbbbb",
	 1000000, false, 8, SL_RUNG_VAIN},
	{"the same after it had helped", "bbbbbCCCbb", 1000000, false, 8, SL_RUNG_VAIN},
	{"the culprit is gone: lifted", "bbbbbCCCCCCCCCCC", 1000000, false, 8, SL_RUNG_LIFT},
};

#define BEGIN_MS 1000

/* A picture a letter, of a culprit that sends @rate_bps: the last rung that was not to stay. */
static enum sl_rung climb(struct sl_ladder *kept, const char *letters, uint64_t rate_bps)
{
	struct sl_ladder_sight sight = {.now_ms = BEGIN_MS, .hold_ms = 900, .rate_bps = rate_bps};
	enum sl_rung last = SL_RUNG_KEEP;

	for (const char *letter = letters; *letter; letter++) {
		enum sl_rung rung;

		sight.now_ms += *letter == 'C' ? 1000 : 100;
		sight.bad = sight.sore = *letter == 'b';
		sight.calm = *letter == 'C';
		rung = sl_ladder_next(kept, &sight);
		last = rung == SL_RUNG_KEEP ? last : rung;
	}
	return last;
}

static void ladder(void **state)
{
	const struct ladder_row *row = *state;
	struct sl_ladder kept = {0};
	enum sl_rung last;

	sl_ladder_start(&kept, 16000000, 2000000, BEGIN_MS);
	last = climb(&kept, row->sight, row->rate_bps);
	assert_int_equal(kept.on, row->on);
	assert_int_equal(kept.limit_bps, row->limit_mbit * 1000000);
	assert_int_equal(last, row->last);
}

/* --- mark: the same letters; it has no limit, and no second step --- */
static const struct mark_row {
	const char *name, *sight;
	uint64_t rate_bps;
	bool on, proved;
	enum sl_rung last;
} mark_rows[] = {
	{"still bad after two seconds: failed", "bbbbbbbbbbbbbbbbbbbb", 16000000, false, false,
	 SL_RUNG_FAIL},
	{"not before", "bbbbbbbbbbbbbbbbbbb", 16000000, true, false, SL_RUNG_KEEP},
	{"neither bad nor calm says nothing", "wwwwwwwwwwwwwwwwwwwwwwwwww", 16000000, true, false,
	 SL_RUNG_KEEP},
	{"calm: proved, and it stays while he sends", "bbbCCCCCCCCCCCCCCCCCCCCCCCC", 16000000, true,
	 true, SL_RUNG_KEEP},
	{"he sends half of it: taken off after 10 s", "bbbCCCCCCCCCC", 8000000, false, true,
	 SL_RUNG_LIFT},
	{"not before", "bbbCCCCCCCCC", 8000000, true, true, SL_RUNG_KEEP},
	{"proved, then bad again: failed", "bbbCCCCb", 16000000, false, true, SL_RUNG_FAIL},
	{"bad, but he sends next to nothing: not his doing", "bbbbbbbbbb", 1000000, false, false,
	 SL_RUNG_VAIN},
};

static void mark(void **state)
{
	const struct mark_row *row = *state;
	struct sl_ladder kept = {0};
	enum sl_rung last;

	sl_ladder_mark(&kept, 16000000, 2000000, BEGIN_MS);
	last = climb(&kept, row->sight, row->rate_bps);
	assert_int_equal(kept.on, row->on);
	assert_int_equal(kept.proved, row->proved);
	assert_true(kept.marks);
	assert_int_equal(kept.limit_bps, 0);
	assert_int_equal(last, row->last);
}

/* What a limit found out of late is not forgotten over a mark; each return costs more patience. */
static void mark_after_a_limit(void **state)
{
	struct sl_ladder kept = {.good_bps = 4000000, .ended_ms = 1000, .tries = 1};

	sl_ladder_mark(&kept, 16000000, 2000000, 1000 + SL_RETURN_MS);
	assert_int_equal(kept.good_bps, 4000000);
	assert_int_equal(kept.tries, 2);
	kept.ended_ms = 1000;
	sl_ladder_mark(&kept, 16000000, 2000000, 1001 + SL_RETURN_MS);
	assert_int_equal(kept.good_bps, 0);
	assert_int_equal(kept.tries, 0);
}

static void ladder_floor(void **state)
{
	struct sl_ladder kept = {0};

	sl_ladder_start(&kept, 3000000, 2000000, 1000);
	assert_int_equal(kept.limit_bps, 2000000);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, ladder_rows, ladder);
	SL_ROWS_ADD(&tests, mark_rows, mark);
	sl_row_add(&tests, "never below the floor", ladder_floor, NULL);
	sl_row_add(&tests, "a mark after a limit", mark_after_a_limit, NULL);
	return sl_row_run("ladder", &tests);
}
