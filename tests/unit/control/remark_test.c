/*
 * remark_test.c - uplinks whose far side honours a DSCP: the culprit of a full one is marked first
 *
 * The guest fills the fibre from 20 s into a row on.
 */
#include "tests/unit/row.h"

#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY UINT32_MAX

static struct world world;

static const struct row {
	const char *name;
	bool honoured, yields; /* what the policy says of the fibre; what it does */
	uint32_t for_ms;       /* the guest fills it */
	uint32_t after_ms;     /* and then does not */
	uint32_t remarks, unmarks, throttles;
	const char *dscp; /* at the end */
	const char *said; /* by some decision */
	bool down;        /* the guest fills the way from the WAN */
	bool critical;    /* the guest is */
	bool own;         /* the policy says his DSCP */
	bool shadow;
	bool no_actions; /* are allowed */
} rows[] = {
	{"it yields: marked, proved, and nothing more", true, true, 30000, 0, 1, 0, 0, "LE",
	 "the mark LE of guest helped"},
	{"why is said to who was not there", true, true, 5000, 0, 1, 0, 0, "LE",
	 "guest marked LE, to yield to all else on fibre: guest fills fibre with"},
	{"he stops: the mark is taken off", true, true, 15000, 40000, 1, 1, 0, "",
	 "guest: its packets' DSCP is as before: the served paths keep their SLO"},
	{"in vain: taken back, then limited", true, false, 10000, 0, 1, 1, ANY, "",
	 "guest/throttle guest limited to"},
	{"in vain: said why", true, false, 10000, 0, 1, 1, ANY, "", "s it did not help"},
	{"nobody says that it is honoured: limited at once", false, true, 10000, 0, 0, 0, ANY, "",
	 "guest/throttle guest limited to"},
	{"the way from the WAN is full: limited at once", true, true, 10000, 0, 0, 0, ANY, "",
	 "guest/throttle guest limited to", .down = true},
	{"a critical culprit is limited, never marked", true, true, 10000, 0, 0, 0, ANY, "",
	 "guest/throttle guest limited to", .critical = true},
	{"the policy's own DSCP stands", true, true, 10000, 0, 0, 0, ANY, "",
	 "guest/throttle guest limited to", .own = true},
	{"shadow: said, not done", true, true, 10000, 0, 0, 0, 0, "",
	 "shadow: would remark guest to LE", .shadow = true},
	{"no action is left in this minute", true, true, 10000, 0, 0, 0, 0, "",
	 "would remark guest to LE, but: actions-per-minute", .no_actions = true},
};

static void idle(struct world *w, uint64_t ms)
{
	w->guest_bps = 1000000;
}

/* At peace for 20 s, with the policy and the guest of @row. */
static void begin(const struct row *row)
{
	fault_play(&world, fault_peace, row->shadow ? SL_MODE_SHADOW : SL_MODE_ENFORCE, 0);
	world.guest_up = !row->down;
	world.yields = row->yields;
	world.policy.uplink[FIBRE].dscp = row->honoured ? SL_DSCP_HONOURED : SL_DSCP_BLEACHED;
	if (row->critical) /* else he outranks one who suffers, and is not held back for him */
		world.policy.service[GUEST].priority = world.policy.service[COLLECT].priority =
			SL_PRIORITY_CRITICAL;
	if (row->no_actions)
		world.policy.guardrails.actions_per_minute = 0;
	world.policy.service[GUEST].has_remark = row->own;
	world.picture.policy_version = 2;
	sl_site_set_policy(&world.site, &world.policy, 2);
}

static void play(const struct row *row)
{
	begin(row);
	fault_go_on(&world, fault_bloat, row->for_ms);
	fault_go_on(&world, idle, row->after_ms);
}

static bool is(uint32_t got, uint32_t wanted)
{
	return wanted == ANY ? got > 0 : got == wanted;
}

static void row_test(void **state)
{
	const struct row *row = *state;

	play(row);
	if (getenv("STORY"))
		printf("%s:\n%s%s", row->name, world.text, world.records);
	if (!strstr(world.text, row->said))
		fail_msg("nobody said \"%s\":\n%s", row->said, world.text);
	if (!is(world.remarks, row->remarks) || !is(world.unmarks, row->unmarks) ||
	    !is(world.throttles, row->throttles) || world.reroutes ||
	    strcmp(world.dscp[GUEST], row->dscp) != 0)
		fail_msg("%u remarks %u lifted %u throttles %u reroutes, \"%s\":\n%s\n%s",
			 world.remarks, world.unmarks, world.throttles, world.reroutes,
			 world.dscp[GUEST], world.text, world.records);
}

static const struct sl_memory_entry *entry_of(const char *remedy)
{
	for (uint32_t i = 0; i < world.site.memory.count; i++)
		if (!strcmp(world.site.memory.entry[i].remedy, remedy))
			return &world.site.memory.entry[i];
	return NULL;
}

/* What helped is learnt, and what the incident says of it; the tills suffer for a moment only. */
static void learnt(void **state)
{
	play(&rows[0]);
	assert_non_null(entry_of("remark"));
	assert_int_equal(entry_of("remark")->helped, 1);
	assert_int_equal(entry_of("remark")->failed, 0);
	assert_null(entry_of("throttle"));
	assert_string_equal(world.incident[0].remedy, "remark");
	assert_string_equal(world.incident[0].target, "guest");
	assert_int_equal(world.incident[0].outcome, SL_OUTCOME_HELPED);
	assert_true(world.slow_ms < 3000);
	/* It ends by itself, should control die. */
	assert_int_equal(world.dscp_hold_ms[GUEST], 3600000);
}

/* One incident, two remedies; the next time memory and the last ten minutes know better. */
static void failure_is_learnt(void **state)
{
	uint32_t throttles;

	play(&rows[3]);
	assert_int_equal(entry_of("remark")->failed, 1);
	assert_int_equal(entry_of("remark")->helped, 0);
	assert_string_equal(world.incident[0].remedy, "throttle");
	fault_go_on(&world, idle, 120000);
	assert_int_equal(world.limit_bps[GUEST], 0);
	throttles = world.throttles;
	fault_go_on(&world, fault_bloat, 5000);
	assert_int_equal(world.remarks, 1);
	assert_true(world.throttles > throttles);
}

/* A limit is known to be better: it goes first. */
static void memory_decides(void **state)
{
	begin(&rows[0]);
	fault_go_on(&world, fault_bloat, 3000);
	assert_int_equal(world.remarks, 1);
	char print[SL_PRINT_MAX];

	snprintf(print, sizeof(print), "%s", world.incident[0].fingerprint);
	begin(&rows[0]);
	for (int i = 0; i < 4; i++) {
		sl_memory_learn(&world.site.memory,
				&(struct sl_lesson){print, "throttle", "", true, 2, 900, 1});
		sl_memory_learn(&world.site.memory,
				&(struct sl_lesson){print, "remark", "", i == 0, 1, 900, 1});
	}
	fault_go_on(&world, fault_bloat, 3000);
	if (world.remarks || !world.throttles || !strstr(world.records, "a limit goes first"))
		fail_msg("%s\n%s", world.text, world.records);
}

/* Who is marked waits by our own will: that is no fault of the uplink, and moves nobody. */
static void his_own_wait_is_no_evidence(void **state)
{
	play(&rows[0]);
	world.far_ms[GUEST] = 400;
	fault_go_on(&world, fault_bloat, 20000);
	assert_int_equal(world.reroutes, 0);
	assert_int_equal(world.throttles, 0);
	assert_non_null(strstr(world.text, "it is marked LE, and waits behind all else"));
}

static void person(const char *remedy, const char *dscp)
{
	struct sl_event action = {.kind = SL_EVENT_ACTION,
				  .service = "guest",
				  .command_id = "cli-0123456789abcdef"};

	snprintf(action.remedy, sizeof(action.remedy), "%s", remedy);
	snprintf(world.dscp[GUEST], SL_DSCP_MAX, "%s", dscp);
	snprintf(world.dscp_cause[GUEST], SL_ID_MAX, "%s", dscp[0] ? action.command_id : "");
	sl_site_event(&world.site, &action, world.now_ms, &world.out);
}

/* What a person says stands, and is not said again by us. */
static void a_person_lifts_it(void **state)
{
	const char *const by[] = {"remark", "restore"};

	for (int i = 0; i < 2; i++) {
		play(&rows[1]);
		person(by[i], "");
		fault_go_on(&world, fault_bloat, 20000);
		assert_int_equal(world.remarks, 1);
		assert_int_equal(world.unmarks, 0);
		assert_int_equal(world.throttles, 0);
	}
}

/* Seen in the pictures alone, the event being late. */
static void a_person_sets_another(void **state)
{
	play(&rows[1]);
	snprintf(world.dscp[GUEST], SL_DSCP_MAX, "AF11");
	snprintf(world.dscp_cause[GUEST], SL_ID_MAX, "cli-0123456789abcdef");
	fault_go_on(&world, fault_bloat, 20000);
	assert_int_equal(world.remarks, 1);
	assert_int_equal(world.unmarks, 0);
	assert_string_equal(world.dscp[GUEST], "AF11");
}

/* The dataplane's time for it is over while it still serves: set again. */
static void it_is_set_again(void **state)
{
	play(&rows[0]);
	world.dscp[GUEST][0] = world.dscp_cause[GUEST][0] = '\0';
	fault_go_on(&world, fault_bloat, 5000);
	assert_int_equal(world.remarks, 2);
	assert_string_equal(world.dscp[GUEST], "LE");
	assert_non_null(strstr(world.text, "the mark was not in force"));
}

/* Control's own state is lost: a mark of ours is taken up, and off in the end. */
static void a_mark_is_adopted(void **state)
{
	play(&rows[0]);
	memset(&world.site.care[GUEST].ladder, 0, sizeof(world.site.care[GUEST].ladder));
	fault_go_on(&world, fault_bloat, 1000);
	assert_true(world.site.care[GUEST].ladder.on);
	assert_true(world.site.care[GUEST].ladder.marks);
	fault_go_on(&world, idle, 40000);
	assert_string_equal(world.dscp[GUEST], "");
	assert_int_equal(world.unmarks, 1);
}

/* The dataplane refuses: a limit then. */
static void refused(void **state)
{
	struct sl_event ack = {.kind = SL_EVENT_ACK,
			       .ack = SL_ACK_REFUSED,
			       .text = "no such thing"};

	begin(&rows[0]);
	world.deaf = true;
	while (!world.site.pending_count)
		fault_go_on(&world, fault_bloat, 100);
	memcpy(ack.command_id, world.site.pending[0].id, sizeof(ack.command_id));
	world.deaf = false;
	sl_site_event(&world.site, &ack, world.now_ms, &world.out);
	fault_go_on(&world, fault_bloat, 5000);
	assert_non_null(strstr(world.text, "guest is not marked: no such thing"));
	assert_int_equal(world.remarks, 0);
	assert_true(world.throttles > 0);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, row_test);
	sl_row_add(&tests, "what helped is learnt", learnt, NULL);
	sl_row_add(&tests, "what did not is, too", failure_is_learnt, NULL);
	sl_row_add(&tests, "memory decides what goes first", memory_decides, NULL);
	sl_row_add(&tests, "who is marked accuses no uplink", his_own_wait_is_no_evidence, NULL);
	sl_row_add(&tests, "a person lifts it", a_person_lifts_it, NULL);
	sl_row_add(&tests, "a person sets another", a_person_sets_another, NULL);
	sl_row_add(&tests, "its time is over: set again while it serves", it_is_set_again, NULL);
	sl_row_add(&tests, "a mark of ours is taken up", a_mark_is_adopted, NULL);
	sl_row_add(&tests, "the dataplane refuses it", refused, NULL);
	return sl_row_run("control remark", &tests);
}
