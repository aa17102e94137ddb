/*
 * whatif_test.c - recorded time, played again: as it was, and with another policy
 */
#include "tests/unit/row.h"

#include "control/whatif.h"
#include "faults.h"

#include <stdio.h>
#include <string.h>

#define S       UINT64_C(1000000000)
#define SECONDS 700
#define LATE_NS (25 * S / 10) /* a replay acts so much later or sooner than live, at most */
#define POS_BPS 200000

static struct world world;
static struct sl_telemetry tape[SECONDS];
static unsigned int taped;

static void record(void)
{
	if (world.now_ms % 1000 || taped == SECONDS)
		return;
	sl_wire_copy_telemetry(&tape[taped], &world.picture);
	tape[taped++].at_unix_ns = WORLD_UNIX_NS + world.now_ms * 1000000;
}

/* As fault_play, on tape: what the dataplane would have told each second. */
static void play(fault befalls, enum sl_mode mode, uint32_t for_ms)
{
	taped = 0;
	world_start(&world, mode, 10000);
	for (uint64_t ms = 0; ms < FAULT_MS; ms += WORLD_TICK_MS) {
		befalls(&world, 0);
		world_step(&world);
		record();
	}
	for (uint64_t ms = WORLD_TICK_MS; ms <= for_ms; ms += WORLD_TICK_MS) {
		befalls(&world, ms);
		world_step(&world);
		record();
	}
}

static struct sl_whatif *replay(const struct sl_policy *policy, const struct sl_policy *yard)
{
	const struct sl_whatif_config config = {policy, &world.policy, yard};
	struct sl_whatif *run;

	assert_int_equal(sl_whatif_open(&run, &config), 0);
	for (unsigned int i = 0; i < taped; i++)
		sl_whatif_take(run, &tape[i]);
	return run;
}

/* ---- the same policy does the same ---- */

static const struct same {
	const char *name;
	fault befalls;
	uint32_t ms;
	unsigned int pos_moves; /* so that live did something */
	unsigned int limits;
} same[] = {
	{"same policy: peace", fault_peace, 120000, 0, 0},
	{"same policy: single losses", fault_single_losses, 120000, 0, 0},
	{"same policy: one spike", fault_short_spike, 60000, 0, 0},
	{"same policy: a guest comes and goes", fault_guest_comes_and_goes, 120000, 0, 0},
	{"same policy: a slow uplink", fault_brownout_delay_passes, 120000, 2, 0},
	{"same policy: a lossy uplink", fault_brownout_loss_passes, 180000, 2, 0},
	{"same policy: a dark uplink", fault_blackout_fast, 120000, 2, 0},
	{"same policy: a full uplink", fault_bloat_passes, 120000, 0, 1},
	{"same policy: the far end", fault_far_end_passes, 120000, 0, 0},
	{"same policy: an uplink that comes and goes", fault_flapping, 300000, 3, 0},
	{"same policy: frozen", fault_frozen_passes, 120000, 0, 0},
	{"same policy: a person moves it", fault_person_moves, 60000, 1, 0},
};

static void near_in_time(uint64_t a, uint64_t b)
{
	assert_in_range(a > b ? a - b : b - a, 0, LATE_NS);
}

static void seconds_are_whole(const struct sl_whatif_result *result, unsigned int s)
{
	const struct sl_whatif_tally *tally = &result->service[s];

	assert_int_equal(tally->out_s[0] + tally->out_s[1] + tally->kept_s[0] + tally->kept_s[1] +
				 tally->idle_s + tally->unknown_s,
			 result->rollups);
}

static void same_policy(void **state)
{
	const struct same *row = *state;
	struct sl_whatif *was, *again;
	const struct sl_whatif_result *a, *b;

	play(row->befalls, SL_MODE_ENFORCE, row->ms);
	was = replay(NULL, &world.policy);
	again = replay(&world.policy, &world.policy);
	a = sl_whatif_result(was);
	b = sl_whatif_result(again);
	assert_int_equal(a->service[POS].moves + a->service[POS].by_people, row->pos_moves);
	assert_int_equal(b->service[GUEST].limits, row->limits);
	assert_int_equal(a->moves, b->moves);
	for (unsigned int s = 0; s < WORLD_SERVICES; s++) {
		if (!a->service[s].by_people)
			assert_int_equal(a->service[s].moves, world.moves[s]);
		assert_int_equal(b->service[s].moves, a->service[s].moves);
		assert_int_equal(b->service[s].by_people, a->service[s].by_people);
		assert_int_equal(b->service[s].flaps, a->service[s].flaps);
		seconds_are_whole(a, s);
		seconds_are_whole(b, s);
		assert_int_equal(a->service[s].unknown_s + a->service[s].out_s[1], 0);
	}
	for (uint32_t i = 0; i < a->moves; i++) {
		assert_string_equal(a->move[i].service, b->move[i].service);
		assert_string_equal(a->move[i].to, b->move[i].to);
		near_in_time(a->move[i].at_unix_ns, b->move[i].at_unix_ns);
	}
	sl_whatif_close(was);
	sl_whatif_close(again);
}

/* ---- another policy ---- */

static void enforce(struct sl_policy *policy)
{
	policy->mode = SL_MODE_ENFORCE;
}

static void shadow(struct sl_policy *policy)
{
	policy->mode = SL_MODE_SHADOW;
}

static void no_other_way(struct sl_policy *policy)
{
	policy->service[POS].uplinks = 1;
}

static void patient(struct sl_policy *policy)
{
	policy->service[POS].slo.latency_ns = 400000000;
	policy->service[POS].slo.loss_ppm = 200000;
}

static void lte_first(struct sl_policy *policy)
{
	policy->service[POS].uplink[0] = LTE;
	policy->service[POS].uplink[1] = FIBRE;
}

static void pinned(struct sl_policy *policy)
{
	policy->service[POS].pinned = 1 << FIBRE;
}

static void two_on_lte(struct world *store, uint64_t ms)
{
	store->where[COLLECT] = LTE;
	snprintf(store->cause[COLLECT], SL_ID_MAX, "cli-0123456789abcdef");
	fault_brownout_delay_passes(store, ms);
}

/* What pos has is bad by any way, and the others see nothing: the far end. */
static void far_end_on_lte(struct world *store, uint64_t ms)
{
	two_on_lte(store, 0);
	fault_far_end_passes(store, ms);
}

static const struct other {
	const char *name;
	fault befalls;
	enum sl_mode mode; /* of the policy that was in force */
	void (*edit)(struct sl_policy *policy);
	unsigned int was, now; /* moves of pos, both ways */
	/* Seconds of pos: out of SLO as it was; with the new policy out of it, estimated, unknown. */
	unsigned int was_out, out_min, out_max, estimated_min, estimated_max, unknown_min,
		unknown_max;
} other[] = {
	{"enforce moves what observe left", fault_brownout_delay_passes, SL_MODE_OBSERVE, enforce,
	 0, 2, 15, 2, 4, 0, 0, 20, 24},
	{"the same, somebody on the other uplink", two_on_lte, SL_MODE_OBSERVE, enforce, 0, 2, 15,
	 1, 4, 20, 24, 0, 0},
	{"enforce leaves a dark uplink", fault_blackout_passes, SL_MODE_OBSERVE, enforce, 0, 2, 10,
	 0, 1, 0, 0, 19, 22},
	{"shadow moves nothing", fault_brownout_delay_passes, SL_MODE_OBSERVE, shadow, 0, 0, 15, 15,
	 15, 0, 0, 0, 0},
	{"no other way: it stays", fault_brownout_delay_passes, SL_MODE_ENFORCE, no_other_way, 2, 0,
	 1, 14, 16, 20, 25, 0, 0},
	{"pinned: it stays", fault_brownout_delay_passes, SL_MODE_ENFORCE, pinned, 2, 0, 1, 14, 16,
	 20, 25, 0, 0},
	{"a looser SLO: nothing is out of it", fault_brownout_delay_passes, SL_MODE_OBSERVE,
	 patient, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	{"the far end: no policy moves for it", far_end_on_lte, SL_MODE_OBSERVE, enforce, 0, 0, 15,
	 15, 15, 0, 0, 0, 0},
	{"peace: nothing to move for", fault_peace, SL_MODE_OBSERVE, enforce, 0, 0, 0, 0, 0, 0, 0,
	 0, 0},
	{"a new home that nobody measured", fault_peace, SL_MODE_ENFORCE, lte_first, 0, 0, 0, 0, 0,
	 0, 0, 140, 140},
	/* While pos was bad on fibre, and two there were not, it may have been its far end. */
	{"a new home that somebody measured", two_on_lte, SL_MODE_OBSERVE, lte_first, 0, 0, 15, 0,
	 0, 125, 125, 15, 15},
};

static void other_policy(void **state)
{
	const struct other *row = *state;
	static struct sl_policy policy;
	const struct sl_whatif_tally *a, *b;
	struct sl_whatif *was, *would;

	play(row->befalls, row->mode, 120000);
	policy = world.policy;
	row->edit(&policy);
	was = replay(NULL, &policy);
	would = replay(&policy, &policy);
	a = &sl_whatif_result(was)->service[POS];
	b = &sl_whatif_result(would)->service[POS];
	assert_int_equal(a->moves, row->was);
	assert_int_equal(b->moves, row->now);
	assert_int_equal(a->out_s[0], row->was_out);
	assert_in_range(b->out_s[0] + b->out_s[1], row->out_min, row->out_max);
	assert_in_range(b->out_s[1] + b->kept_s[1], row->estimated_min, row->estimated_max);
	assert_in_range(b->unknown_s, row->unknown_min, row->unknown_max);
	seconds_are_whole(sl_whatif_result(would), POS);
	sl_whatif_close(was);
	sl_whatif_close(would);
}

/* ---- what is on the tape, and what is not ---- */

static void nothing_recorded(void **state)
{
	struct sl_whatif *run;

	world_start(&world, SL_MODE_ENFORCE, 10000);
	taped = 0;
	run = replay(&world.policy, &world.policy);
	assert_int_equal(sl_whatif_result(run)->rollups, 0);
	assert_int_equal(sl_whatif_result(run)->moves, 0);
	assert_int_equal(sl_whatif_result(run)->first_unix_ns, 0);
	sl_whatif_close(run);
}

/* An hour in the midst of trouble is missing: it is counted, and decides nothing. */
static void a_gap(void **state)
{
	const struct sl_whatif_result *result;
	struct sl_whatif *run;

	play(fault_brownout_delay, SL_MODE_OBSERVE, 5000);
	for (unsigned int i = 21; i < taped; i++)
		tape[i].at_unix_ns += 3600 * S;
	world.policy.mode = SL_MODE_ENFORCE;
	taped = 22;
	run = replay(&world.policy, &world.policy);
	result = sl_whatif_result(run);
	assert_int_equal(result->gaps, 1);
	assert_int_equal(result->gap_s, 3600);
	assert_int_equal(result->rollups, 22);
	assert_int_equal(result->moves, 0);
	sl_whatif_close(run);
}

/* The agent's clock is jittery; a roll-up told twice is one. */
static void jitter_and_doubles(void **state)
{
	const struct sl_whatif_result *result;
	struct sl_whatif *run;

	play(fault_peace, SL_MODE_ENFORCE, 10000);
	for (unsigned int i = 1; i < taped; i += 2)
		tape[i].at_unix_ns += 3 * S / 10;
	tape[10] = tape[9];
	run = replay(&world.policy, &world.policy);
	result = sl_whatif_result(run);
	assert_int_equal(result->doubled, 1);
	assert_int_equal(result->gaps, 1); /* where the tenth should have been */
	assert_int_equal(result->gap_s, 1);
	assert_int_equal(result->rollups, taped - 1);
	sl_whatif_close(run);
}

/* A replayed move takes a service's bytes with it, when it takes its flows. */
static void bytes_of_a_move(void **state)
{
	const struct sl_whatif_result *a, *b;
	struct sl_whatif *was, *would;
	uint64_t moved;

	play(fault_blackout_passes, SL_MODE_OBSERVE, 30000);
	for (unsigned int i = 0; i < taped; i++)
		tape[i].uplink[LTE].rate_bps[1] = 8000;
	world.policy.mode = SL_MODE_ENFORCE;
	was = replay(NULL, &world.policy);
	would = replay(&world.policy, &world.policy);
	a = sl_whatif_result(was);
	b = sl_whatif_result(would);
	assert_int_equal(a->bytes[LTE], taped * 1000);
	assert_int_equal(a->moved_bytes[LTE], 0);
	moved = b->bytes[LTE] - a->bytes[LTE];
	assert_int_equal(b->moved_bytes[LTE], moved);
	/* pos and collect for about 20 s: 0.2 and 0.4 Mbit/s. */
	assert_in_range(moved, 18 * 3 * POS_BPS / 8, 22 * 3 * POS_BPS / 8);
	sl_whatif_close(was);
	sl_whatif_close(would);
}

/* Lean roll-ups leave idle paths out: a service at rest brings no traffic along when it is moved. */
static void lean_and_idle(void **state)
{
	const struct sl_whatif_tally *pos;
	static struct sl_policy policy;
	struct sl_whatif *run;

	play(fault_peace, SL_MODE_ENFORCE, 30000);
	for (unsigned int i = 0; i < taped; i++) {
		uint32_t paths = 0;

		for (uint32_t p = 0; p < tape[i].paths; p++)
			if ((i < 20 || strcmp(tape[i].path[p].service, "pos") != 0) &&
			    tape[i].path[p].state != SL_HEALTH_IDLE)
				tape[i].path[paths++] = tape[i].path[p];
		tape[i].paths = paths;
	}
	policy = world.policy;
	lte_first(&policy);
	run = replay(&policy, &policy);
	pos = &sl_whatif_result(run)->service[POS];
	assert_int_equal(pos->unknown_s, 20);
	assert_int_equal(pos->idle_s, taped - 20);
	assert_int_equal(sl_whatif_result(run)->moved_bytes[LTE], 20 * POS_BPS / 8);
	sl_whatif_close(run);
}

/* A limit that a person set holds in each replay: what is known stays known. */
static void a_persons_limit(void **state)
{
	struct sl_whatif *run;

	play(fault_peace, SL_MODE_ENFORCE, 30000);
	for (unsigned int i = 20; i < 40; i++) {
		struct sl_service_report *guest = &tape[i].service[GUEST];

		guest->limit_bps[0] = guest->limit_bps[1] = 2000000;
		snprintf(guest->cause, SL_ID_MAX, "cli-0123456789abcdef");
	}
	run = replay(&world.policy, &world.policy);
	assert_int_equal(sl_whatif_result(run)->service[GUEST].unknown_s, 0);
	assert_int_equal(sl_whatif_result(run)->service[POS].unknown_s, 0);
	assert_int_equal(sl_whatif_result(run)->service[GUEST].by_people, 0);
	sl_whatif_close(run);
}

/* Why it was held back is told. */
static void held_back(void **state)
{
	const struct sl_whatif_result *result;
	struct sl_whatif *run;

	play(fault_brownout_delay_passes, SL_MODE_OBSERVE, 60000);
	world.policy.mode = SL_MODE_ENFORCE;
	world.policy.service[POS].pinned = 1 << FIBRE;
	run = replay(&world.policy, &world.policy);
	result = sl_whatif_result(run);
	assert_in_range(result->service[POS].holds, 1, 9);
	assert_string_equal(result->held[POS], "pinned: its far end lets in only fibre");
	sl_whatif_close(run);
}

/* A service that the record does not have; one that it has no more. */
static void other_services(void **state)
{
	static struct sl_policy policy;
	const struct sl_whatif_result *result;
	struct sl_whatif *run;

	play(fault_peace, SL_MODE_ENFORCE, 10000);
	policy = world.policy;
	snprintf(policy.service[CCTV].name, SL_NAME_MAX, "kiosk");
	run = replay(&policy, &policy);
	result = sl_whatif_result(run);
	assert_true(result->seen[POS]);
	assert_false(result->seen[CCTV]);
	assert_int_equal(result->service[CCTV].unknown_s, result->rollups);
	sl_whatif_close(run);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, same, same_policy);
	SL_ROWS_ADD(&tests, other, other_policy);
	sl_row_add(&tests, "an empty record", nothing_recorded, NULL);
	sl_row_add(&tests, "a gap", a_gap, NULL);
	sl_row_add(&tests, "jitter, and a roll-up told twice", jitter_and_doubles, NULL);
	sl_row_add(&tests, "a move takes its bytes along", bytes_of_a_move, NULL);
	sl_row_add(&tests, "lean, and at rest", lean_and_idle, NULL);
	sl_row_add(&tests, "a limit that a person set", a_persons_limit, NULL);
	sl_row_add(&tests, "what held it back", held_back, NULL);
	sl_row_add(&tests, "services that the record does not have", other_services, NULL);
	return sl_row_run("control whatif", &tests);
}
