/*
 * change_test.c - a policy that makes a service ill: said, and taken back where it may be
 *
 * 20 s of peace, 5 s under policy 17, then 18; the dataplane counts on with each way back.
 */
#include "tests/unit/row.h"

#include "faults.h"

#include "control/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum sort {
	MARKED,  /* 18 marks pos LE, and the guest fills the fibre before it */
	TAKEN,   /* 18 lets pos no more use the fibre, and lte is too slow for it */
	ALTERED, /* 18 changes nothing of pos, and its server is slow */
};

static struct world world;
static struct sl_policy good; /* 17 */
static uint64_t due;       /* the version that comes into force with the next picture; 0 = none */
static uint32_t ways_back; /* orders */
static enum sl_ack_status ack; /* what the dataplane answers to them */

static const struct row {
	const char *name;
	enum sort sort;
	uint32_t after_ms; /* pos is ill so long after policy 18 */
	uint32_t ways_back;
	enum sl_verdict verdict; /* is given */
	const char *said;        /* by some decision, or record */
	bool advise;
	enum sl_mode mode; /* 0 = enforce */
	bool ill_before;   /* pos was, when 18 came */
	bool guest;        /* pos is a background service */
	bool limited;      /* a person limits pos: that explains it first */
	bool lost;         /* the fibre is dark: pos could not go back */
	bool refuses;      /* the dataplane does, to go back */
	bool came_back;    /* 18 is itself a way back */
	bool no_actions;   /* are allowed */
	bool deaf;         /* it does not even answer */
	bool yields;       /* pos is marked LE by 17 as well */
	const char *not_said;
} rows[] = {
	{"marked LE: taken back", MARKED, 3000, 1, SL_VERDICT_SELF,
	 "policy 18 marks it LE, to wait behind all else: policy 17 is put back"},
	{"taken from where it was well: taken back", TAKEN, 3000, 1, SL_VERDICT_SELF,
	 "policy 18 took it from fibre, where collect is well: policy 17 is put back"},
	{"its record says since when", TAKEN, 3000, 1, SL_VERDICT_SELF,
	 "located policy 18 took it from fibre, where collect is well; policy 18 took effect 3 s "
	 "before; `storeline policy revert` puts 17 back"},
	{"and what was done", TAKEN, 3000, 1, SL_VERDICT_SELF,
	 "chosen revert : back to policy 17, by which it was good"},
	{"it helped: said, with numbers", MARKED, 3000, 1, SL_VERDICT_SELF,
	 "pos: SLO kept again since policy 19: p95 "},
	{"not asked for: said only", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "; policy 18 took effect 3 s before; `storeline policy revert` puts 17 back",
	 .advise = true},
	{"shadow: said, not done", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "policy 18 marks it LE, to wait behind all else: shadow: would put policy 17 back",
	 .mode = SL_MODE_SHADOW},
	{"no action is left in this minute", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "would put policy 17 back, but: actions-per-minute", .no_actions = true},
	{"a minute later it is not its doing, but may be", TAKEN, 61000, 0, SL_VERDICT_UNKNOWN,
	 "; policy 18 took effect 61 s before; `storeline policy revert` puts 17 back"},
	{"two minutes later nobody speaks of it", ALTERED, 121000, 0, SL_VERDICT_DESTINATION,
	 "the far end", .not_said = "policy 18"},
	{"it changed nothing of pos: said only", ALTERED, 3000, 0, SL_VERDICT_DESTINATION,
	 "; policy 18 took effect 3 s before"},
	{"pos was ill before: not its doing", TAKEN, 0, 0, SL_VERDICT_UNKNOWN, "no other uplink",
	 .ill_before = true},
	{"guests: nothing is taken back for them", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "it is marked LE", .guest = true},
	{"a limit explains it: not taken back", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "its own rate limit explains it", .limited = true},
	{"where it was is dark: not taken back", TAKEN, 3000, 0, SL_VERDICT_UPLINK,
	 "no other uplink", .lost = true},
	{"the dataplane refuses: said, and not asked again", TAKEN, 3000, 1, SL_VERDICT_SELF,
	 "pos: policy 18 was not taken back: ", .refuses = true},
	{"the dataplane is deaf: asked once, and said", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "pos: policy 18 was not taken back: the dataplane did not answer", .deaf = true},
	{"marked LE before, too: not this policy's doing", MARKED, 3000, 0, SL_VERDICT_SELF,
	 "it is marked LE", .yields = true},
	{"a way back is not taken back", TAKEN, 3000, 0, SL_VERDICT_UNKNOWN,
	 "; policy 18, a way back, took effect 3 s before", .came_back = true},
};

/* What policy 18 does to pos, as the dataplane sees it, and what comes of that. */
static void suffer(const struct row *row, bool ill)
{
	bool by_18 = world.picture.policy_version == 18;

	if (row->sort == MARKED)
		snprintf(world.dscp[POS], SL_DSCP_MAX, "%s", by_18 || row->yields ? "LE" : "");
	if (row->sort == TAKEN)
		world.where[POS] = by_18 ? LTE : FIBRE;
	world.delay_ms[LTE] = row->sort == TAKEN && ill ? 100 : 0;
	world.far_ms[POS] = row->sort != TAKEN && ill && (by_18 || row->sort == ALTERED) ? 150 : 0;
	world.limit_bps[POS] = row->limited && by_18 ? 100000 : 0;
	world.black[FIBRE] = row->lost && by_18;
}

/* As in the dataplane: pictures of it first, and a moment later control has the text. */
static void come_into_force(const struct row *row, uint64_t version, bool told)
{
	struct sl_event action = {.kind = SL_EVENT_ACTION, .remedy = "rollback"};

	world.picture.policy_version = version;
	suffer(row, false);
	world_step(&world);
	sl_site_set_policy(&world.site, &world.policy, version);
	if (told)
		sl_site_event(&world.site, &action, world.now_ms, &world.out);
}

static enum sl_ack_status go_back(struct world *w, const struct sl_order *order)
{
	ways_back++;
	assert_int_equal(order->policy_version, 18);
	if (ack == SL_ACK_APPLIED)
		due = order->policy_version + 1;
	return ack;
}

static void make_policy(const struct row *row)
{
	struct sl_policy_service *pos = &world.policy.service[POS];

	world.policy.uplink[FIBRE].dscp = SL_DSCP_HONOURED;
	world.policy.guardrails.revert = row->advise ? SL_REVERT_ADVISE : SL_REVERT_AUTO;
	if (row->guest)
		pos->priority = 0;
	if (row->no_actions)
		world.policy.guardrails.actions_per_minute = 0;
	good = world.policy;
	if (row->sort == TAKEN) {
		pos->uplinks = 1;
		pos->uplink[0] = LTE;
	}
}

static void go_on(const struct row *row, bool ill, uint32_t for_ms)
{
	for (uint32_t ms = 0; ms < for_ms; ms += WORLD_TICK_MS) {
		uint64_t version = due;

		due = 0;
		if (version) {
			world.policy = good;
			come_into_force(row, version, true);
		}
		suffer(row, ill);
		world_step(&world);
	}
}

static void begin(const struct row *row)
{
	fault_play(&world, fault_peace, row->mode ? row->mode : SL_MODE_ENFORCE, 0);
	world.go_back = go_back;
	ways_back = 0;
	due = 0;
	ack = row->refuses ? SL_ACK_REFUSED : SL_ACK_APPLIED;
	make_policy(row);
	world.picture.policy_version = 17;
	sl_site_set_policy(&world.site, &good, 17);
	for (uint32_t ms = 0; ms < 5000; ms += WORLD_TICK_MS) {
		suffer(row, false);
		world.far_ms[POS] = row->ill_before ? 150 : 0;
		world_step(&world);
	}
	world.deaf = row->deaf;
	come_into_force(row, 18, row->came_back);
}

static void play(const struct row *row)
{
	begin(row);
	go_on(row, false, row->after_ms);
	go_on(row, true, 30000);
}

static void story(void **state)
{
	const struct row *row = *state;

	play(row);
	if (getenv("STORY"))
		printf("%s:\n%s%s", row->name, world.text, world.records);
	if (ways_back != row->ways_back || !world.verdict[row->verdict])
		fail_msg("%u ways back:\n%s%s", ways_back, world.text, world.records);
	if (!strstr(world.text, row->said) && !strstr(world.records, row->said))
		fail_msg("nobody said \"%s\":\n%s%s", row->said, world.text, world.records);
	if (row->not_said &&
	    (strstr(world.text, row->not_said) || strstr(world.records, row->not_said)))
		fail_msg("somebody said \"%s\":\n%s", row->not_said, world.text);
	if (row->lost) /* the others leave it */
		return;
	/* What a policy moves is nobody's move. */
	assert_null(strstr(world.text, "was found on"));
	assert_int_equal(world.site.orders, row->ways_back + row->deaf);
}

/* The incident tells of it as of any remedy that helped, and pos is where it was. */
static void incident_told(void **state)
{
	const struct sl_incident *incident = &world.incident[0];

	play(&rows[1]);
	assert_int_equal(world.incidents, 1);
	assert_string_equal(incident->remedy, "revert");
	assert_int_equal(incident->verdict, SL_VERDICT_SELF);
	assert_int_equal(incident->outcome, SL_OUTCOME_HELPED);
	assert_true(incident->acted_unix_ns && incident->proved_unix_ns > incident->acted_unix_ns);
	assert_true(incident->closed_unix_ns >= incident->proved_unix_ns);
	if (!strstr(incident->text, "; policy taken back after ") ||
	    !strstr(incident->located, "policy 18 took it from fibre"))
		fail_msg("%s\n%s", incident->text, incident->located);
	assert_int_equal(world.where[POS], FIBRE);
}

/* What was put back makes pos ill, too, in the same way: it stands, and that it is a way back is said. */
static void no_ping_pong(void **state)
{
	begin(&rows[1]);
	good = world.policy;
	go_on(&rows[1], false, 3000);
	for (uint32_t ms = 0; ms < 60000; ms += WORLD_TICK_MS) {
		uint64_t version = due;

		due = 0;
		if (version)
			come_into_force(&rows[1], version, false);
		world.where[POS] = LTE;
		world.delay_ms[LTE] = version || world.picture.policy_version == 18 ||
						      world.now_ms % 30000 > 15000
					      ? 100
					      : 0;
		world_step(&world);
	}
	assert_int_equal(ways_back, 1);
	if (!strstr(world.records, "policy 19, a way back, took effect"))
		fail_msg("%s", world.records);
}

/* A new life of control does not know what was before: it takes nothing back. */
static void not_after_a_restart(void **state)
{
	begin(&rows[1]);
	world_restart_control(&world);
	sl_site_set_policy(&world.site, &world.policy, 18);
	go_on(&rows[1], true, 30000);
	assert_int_equal(ways_back, 0);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, story);
	sl_row_add(&tests, "the incident of it", incident_told, NULL);
	sl_row_add(&tests, "what was put back is not taken back", no_ping_pong, NULL);
	sl_row_add(&tests, "control is new: nothing is taken back", not_after_a_restart, NULL);
	return sl_row_run("change", &tests);
}
