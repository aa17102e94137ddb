/*
 * clamp_test.c - uplinks that swallow large packets: what control did about it
 *
 * The fault begins 20 s into a row; terminals give a stuck connection up after 10 s.
 */
#include "tests/unit/row.h"

#include "faults.h"

#include "control/clamp.h"

#include <string.h>

static struct world world;

static const struct row {
	const char *name;
	uint32_t hole_bytes[WORLD_UPLINKS];
	bool large[WORLD_SERVICES];
	uint32_t for_ms;
	uint32_t clamps, unclamps, reroutes; /* orders */
	uint32_t bytes;                      /* that stand at the end */
	const char *said;                    /* by some decision */
	bool shadow;
} rows[] = {
	{"1300 bytes pass: the first rung mends it",
	 {[FIBRE] = 1300},
	 {[COLLECT] = true, [GUEST] = true},
	 20000,
	 1,
	 0,
	 0,
	 1280,
	 "collect/proved SLO kept on fibre",
	 false},
	{"the verdict says so",
	 {[FIBRE] = 1300},
	 {[COLLECT] = true, [GUEST] = true},
	 8000,
	 1,
	 0,
	 0,
	 1280,
	 "MTU: nothing beyond 1200 bytes passes",
	 false},
	{"1000 bytes pass: the second",
	 {[FIBRE] = 1000},
	 {[COLLECT] = true, [GUEST] = true},
	 40000,
	 2,
	 0,
	 0,
	 576,
	 "no large segment stuck: packets of 576 bytes pass",
	 false},
	{"nothing helps: lifted, and then moved",
	 {[FIBRE] = 500},
	 {[COLLECT] = true, [GUEST] = true},
	 60000,
	 2,
	 1,
	 1,
	 0,
	 "collect from fibre to lte",
	 false},
	{"one connection of one service: its server's own trouble",
	 {[FIBRE] = 1300},
	 {[COLLECT] = true},
	 20000,
	 0,
	 0,
	 0,
	 0,
	 NULL,
	 false},
	{"1500 bytes pass: nothing",
	 {[FIBRE] = 1500},
	 {[COLLECT] = true, [GUEST] = true},
	 60000,
	 0,
	 0,
	 0,
	 0,
	 NULL,
	 false},
	{"shadow: said, not done",
	 {[FIBRE] = 1300},
	 {[COLLECT] = true, [GUEST] = true},
	 8000,
	 0,
	 0,
	 0,
	 0,
	 "shadow: would clamp-mss to 1280 bytes",
	 true},
};

static void hole(struct world *w, uint64_t ms)
{
	/* Row by row: set by the test before it begins. */
}

static void play(const struct row *row)
{
	fault_play(&world, fault_peace, row->shadow ? SL_MODE_SHADOW : SL_MODE_ENFORCE, 0);
	memcpy(world.hole_bytes, row->hole_bytes, sizeof(world.hole_bytes));
	memcpy(world.large, row->large, sizeof(world.large));
	fault_go_on(&world, hole, row->for_ms);
}

static void row_test(void **state)
{
	const struct row *row = *state;

	play(row);
	if (row->said && !strstr(world.text, row->said))
		fail_msg("nobody said \"%s\":\n%s", row->said, world.text);
	if (world.clamps != row->clamps || world.unclamps != row->unclamps ||
	    world.reroutes != row->reroutes || world.clamp_bytes[FIBRE] != row->bytes)
		fail_msg("%u clamps %u lifted %u reroutes %u bytes:\n%s\n%s", world.clamps,
			 world.unclamps, world.reroutes, world.clamp_bytes[FIBRE], world.text,
			 world.records);
	assert_int_equal(world.throttles, 0);
}

/* What helped is learnt, and what the incident says of it. */
static void learnt(void **state)
{
	bool found = false;

	play(&rows[0]);
	for (uint32_t i = 0; i < world.site.memory.count; i++) {
		const struct sl_memory_entry *entry = &world.site.memory.entry[i];

		found |= !strcmp(entry->remedy, "clamp-mss") && entry->helped == 1;
	}
	assert_true(found);
	assert_string_equal(world.incident[0].remedy, "clamp-mss");
	assert_string_equal(world.incident[0].target, "fibre");
	assert_int_equal(world.incident[0].outcome, SL_OUTCOME_HELPED);
}

/* The dataplane's time for it is over: nobody insists. */
static void it_ends_by_itself(void **state)
{
	play(&rows[0]);
	world.clamp_bytes[FIBRE] = 0;
	memset(world.hole_bytes, 0, sizeof(world.hole_bytes));
	fault_go_on(&world, hole, 5000);
	assert_false(world.site.clamp[FIBRE].on);
	assert_int_equal(world.clamps, 1);
	assert_int_equal(world.unclamps, 0);
}

/* Policy swaps do not forget it. */
static void a_policy_keeps_it(void **state)
{
	play(&rows[0]);
	sl_site_set_policy(&world.site, &world.policy, 2);
	assert_true(world.site.clamp[FIBRE].on);
	assert_int_equal(world.site.clamp[FIBRE].bytes, 1280);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, row_test);
	sl_row_add(&tests, "what helped is learnt", learnt, NULL);
	sl_row_add(&tests, "it ends by itself", it_ends_by_itself, NULL);
	sl_row_add(&tests, "a policy keeps it", a_policy_keeps_it, NULL);
	return sl_row_run("control clamp", &tests);
}
