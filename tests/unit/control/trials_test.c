/*
 * trials_test.c - trials before moves, what a second occurrence gains, flapping paths
 */
#include "tests/unit/row.h"

#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_AT_MS (1000000 + FAULT_MS)

/* --- trials: when some of pos goes first, when all of it, and what came of it --- */
static void few_flows(struct world *world, uint64_t ms)
{
	world->flows_ps[POS] = world->flows_ps[COLLECT] = 1;
	fault_brownout_delay(world, ms);
}

static void many_flows(struct world *world, uint64_t ms)
{
	world->flows_ps[POS] = 100;
	fault_brownout_delay(world, ms);
}

/* The trial's own uplink fails just when it is tried. */
static void lte_worse(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms ? 100 : 0;
	world->delay_ms[LTE] = ms ? 300 : 0;
}

static void lte_lossy(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms ? 30000 : 0;
	world->loss_ppm[LTE] = ms ? 200000 : 0;
}

static void lte_dead(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms ? 150 : 0;
	world->black[LTE] = ms != 0;
}

static void blackout_in_trial(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms ? 30000 : 0;
	world->black[FIBRE] = ms > 1500;
}

static void well_in_trial(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms < 700 ? 150 : 0;
}

static void control_dies_in_trial(struct world *world, uint64_t ms)
{
	if (ms == 1500 || ms == 2000)
		world_restart_control(world);
	fault_brownout_loss(world, ms);
}

static void trial_ends_by_itself(struct world *world, uint64_t ms)
{
	if (ms == 600)
		world->share_ppm[POS] = 0;
	fault_brownout_loss(world, ms);
}

/* The other uplink had a moment of its own, a while ago, and nothing has travelled there since. */
static void lte_was_dark(struct world *world, uint64_t ms)
{
	world->black[LTE] = ms && ms < 1500;
	world->delay_ms[FIBRE] = ms > 15000 ? 150 : 0;
}

static const struct trial_row {
	const char *name;
	fault play;
	uint32_t trials_min;
	uint32_t share_ppm;              /* of pos, 0 = none stands at the end */
	uint32_t tried_by_ms, all_by_ms; /* pos; 0 = never */
	const char *said;
} trial_rows[] = {
	{"a brownout by delay: a quarter of few flows, then all", fault_brownout_delay, 2, 0, 500,
	 1500, "25 % of new flows first"},
	{"many flows: five per cent", many_flows, 2, 0, 500, 2500, "pos from fibre to lte, 5 % of"},
	{"a brownout by loss: too few segments to tell, so all after the trial's time",
	 fault_brownout_loss, 2, 0, 1000, 3500, "had nothing against them"},
	{"hardly any flows: each is its own trial, all new ones go at once", few_flows, 0, 0, 0,
	 1000, "pos from fibre to lte: degraded"},
	{"a blackout: all at once", fault_blackout, 0, 0, 0, 1500, "pos from fibre to lte: down"},
	{"slower there: taken back, no till was moved", lte_worse, 1, 0, 500, 0, "fares no better"},
	{"lossier there: taken back", lte_lossy, 1, 0, 1500, 0, "fares no better"},
	{"nothing comes back there: taken back", lte_dead, 1, 0, 500, 0, "fares no better"},
	{"it was dark for a moment, a hold-down ago: tried", lte_was_dark, 1, 0, 16000, 18000,
	 "new flows first"},
	{"dark in the trial: all at once, live flows too", blackout_in_trial, 1, 0, 1500, 2700,
	 "the old path is dark now"},
	{"control dies in it: the trial is gone on with", control_dies_in_trial, 1, 0, 1000, 5500,
	 "had nothing against them"},
	{"the dataplane ends it: begun again", trial_ends_by_itself, 2, 0, 1000, 9000, NULL},
};

static void trial(void **state)
{
	const struct trial_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fault_play(world, row->play, SL_MODE_ENFORCE,
		   row->all_by_ms > 9000 ? row->all_by_ms : 9000);
	if (getenv("STORY"))
		printf("tried after %lld ms, all after %lld ms\n%s",
		       (long long)(world->trial_ms - FAULT_AT_MS),
		       (long long)(world->away_ms - FAULT_AT_MS), world->text);
	assert_true(world->trials >= row->trials_min);
	assert_int_equal(world->share_ppm[POS], row->share_ppm);
	if (row->tried_by_ms)
		assert_in_range(world->trial_ms, FAULT_AT_MS, FAULT_AT_MS + row->tried_by_ms);
	else
		assert_int_equal(world->trial_ms, 0);
	if (row->all_by_ms)
		assert_in_range(world->away_ms, FAULT_AT_MS, FAULT_AT_MS + row->all_by_ms);
	else
		assert_int_equal(world->away_ms, 0);
	if (row->said && !strstr(world->text, row->said))
		fail_msg("nobody says \"%s\"", row->said);
	free(world);
}

static void well_again_in_trial(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	fault_play(world, well_in_trial, SL_MODE_ENFORCE, 60000);
	if (getenv("STORY"))
		printf("%s", world->text);
	assert_true(world->trials > 0);
	assert_int_equal(world->share_ppm[POS], 0);
	assert_int_equal(world->where[POS], FIBRE);
	assert_int_equal(world->moves[COLLECT], 0);
	free(world);
}

/* --- the second occurrence --- */
struct times {
	uint64_t moved_ms;  /* all of pos is on the other uplink */
	uint64_t proved_ms; /* "proved" said of it */
};

/* Of the incident @i of pos, since its first bad picture. */
static struct times times_of(const struct world *world, unsigned int nth)
{
	struct times times = {0, 0};

	for (uint32_t i = 0; i < world->incidents; i++) {
		const struct sl_incident *one = &world->incident[i];

		if (strcmp(one->service, "pos") || nth--)
			continue;
		for (uint32_t s = 0; s < one->steps; s++)
			if (!strcmp(one->step[s].remedy, "reroute"))
				times.moved_ms =
					(one->step[s].at_unix_ns - one->first_bad_unix_ns) /
					1000000;
		if (one->proved_unix_ns)
			times.proved_ms = (one->proved_unix_ns - one->first_bad_unix_ns) / 1000000;
		break;
	}
	return times;
}

static const struct second_row {
	const char *name;
	fault play;
} second_rows[] = {
	{"a brownout by delay: repaired in less than half the time", fault_brownout_delay_passes},
	{"a brownout by loss: repaired in less than half the time", fault_brownout_loss_passes},
};

static void second(void **state)
{
	const struct second_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct times first, again;
	uint32_t trials;

	assert_non_null(world);
	fault_play(world, row->play, SL_MODE_ENFORCE, 400000);
	first = times_of(world, 0);
	trials = world->trials;
	fault_go_on(world, row->play, 40000);
	again = times_of(world, 1);
	if (getenv("STORY") || getenv("FIGURES"))
		printf("first: moved %llu ms proved %llu ms; second: moved %llu ms proved %llu "
		       "ms\n",
		       (unsigned long long)first.moved_ms, (unsigned long long)first.proved_ms,
		       (unsigned long long)again.moved_ms, (unsigned long long)again.proved_ms);
	assert_true(first.proved_ms && again.proved_ms);
	assert_true(again.moved_ms * 2 < first.moved_ms);
	assert_true(again.proved_ms * 2 < first.proved_ms);
	assert_true(trials > 0);
	assert_int_equal(world->trials, trials);
	assert_non_null(strstr(world->records, "reroute other helped"));
	free(world);
}

static void bloat_over(struct world *world, uint64_t ms)
{
	fault_bloat_by_other(world, 0);
}

static void lte_well(struct world *world, uint64_t ms)
{
	lte_worse(world, 0);
}

/* A limit that did not help is not what is tried first the next time. */
static void failed_is_not_first(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint32_t throttles;

	fault_play(world, fault_bloat_by_other, SL_MODE_ENFORCE, 20000);
	throttles = world->throttles;
	assert_true(throttles > 0);
	assert_true(world->reroutes > 0);
	fault_go_on(world, bloat_over, 400000);
	assert_int_equal(world->where[POS], FIBRE);
	world->text[0] = world->records[0] = '\0';
	fault_go_on(world, fault_bloat_by_other, 20000);
	if (getenv("STORY"))
		printf("%s%s", world->text, world->records);
	assert_int_equal(world->throttles, throttles);
	assert_int_equal(world->where[POS], LTE);
	assert_non_null(strstr(world->records, "a move goes first"));
	free(world);
}

/* A move that helped when nobody filled the uplink is not what comes first when a guest does. */
static void proven_move_is_no_limit(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint32_t moves;

	fault_play(world, fault_brownout_delay_passes, SL_MODE_ENFORCE, 400000);
	assert_int_equal(world->where[POS], FIBRE);
	moves = world->moves[POS];
	fault_go_on(world, fault_bloat, 30000);
	if (getenv("STORY"))
		printf("%s", world->text);
	assert_int_equal(world->moves[POS], moves);
	assert_true(world->throttles > 0);
	free(world);
}

/* The move made it worse: undone in its proof window; after the second time not tried again. */
static void worse_is_undone_and_never(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	uint32_t trials;

	fault_play(world, lte_worse, SL_MODE_ENFORCE, 90000);
	trials = world->trials;
	assert_int_equal(world->moves[POS], 0);
	assert_non_null(strstr(world->text, "fares no better"));
	fault_go_on(world, lte_well, 400000);
	fault_go_on(world, lte_worse, 60000);
	if (getenv("STORY"))
		printf("%s%s", world->text, world->records);
	assert_int_equal(world->trials, trials);
	assert_non_null(strstr(world->records, "never for incidents like this"));
	free(world);
}

/* The far end does not know the other uplink's address. */
static void refused_by_lte(struct world *world, uint64_t ms)
{
	world->flows_ps[POS] = 100;
	world->refused[POS][LTE] = true;
	fault_brownout_delay_passes(world, ms);
}

static void refused_by_lte_few(struct world *world, uint64_t ms)
{
	world->flows_ps[POS] = 4;
	world->site.policy.service[POS].slo.failures_ppm = 10000;
	world->refused[POS][LTE] = true;
	fault_blackout_passes(world, ms);
}

/* In a trial and, in a blackout, after the move: undone, and not tried again. */
static void refused_is_never(void **state)
{
	static const fault plays[] = {refused_by_lte, refused_by_lte_few};

	for (unsigned int i = 0; i < 2; i++) {
		struct world *world = calloc(1, sizeof(*world));

		fault_play(world, plays[i], SL_MODE_ENFORCE, 200000);
		assert_int_equal(world->where[POS], FIBRE);
		if (getenv("STORY"))
			printf("%s", world->text);
		assert_true(sl_memory_is_refused(&world->site.memory, "pos", "lte"));
		world->text[0] = world->records[0] = '\0';
		fault_go_on(world, plays[i], 20000);
		if (getenv("STORY"))
			printf("%s%s", world->text, world->records);
		assert_non_null(strstr(world->records, "never for this service"));
		assert_null(strstr(world->text, "pos/trial"));
		assert_null(strstr(world->text, "pos/reroute"));
		free(world);
	}
}

static void full_memory(struct world *world)
{
	fault_play(world, fault_brownout_delay_passes, SL_MODE_ENFORCE, 400000);
	fault_go_on(world, fault_brownout_loss_passes, 3700000);
	assert_int_equal(world->where[POS], FIBRE);
	assert_true(world->site.memory.count >= 4);
}

static const struct hour_row {
	const char *name;
	fault play;
	bool acts;
} hour_rows[] = {
	{"an hour of a satellite's spikes and jitter, the memory full: nothing", fault_satellite},
	{"an hour of single losses, the memory full: nothing", fault_single_losses},
	{"an hour of guests who come and go, the memory full: nothing", fault_guest_comes_and_goes},
	{"an hour of guests who lose and wait on purpose, the memory full: nothing",
	 fault_guests_lie},
	{"but for a fault that it knows", fault_brownout_delay_passes, true},
};

/*
 * What is remembered makes it quick, not nervous.  The dataplane calls no path ill for one lost
 * segment (SL_HEALTH_BAD_SEGMENTS); in the other plays, with so few segments, one will do.
 */
static void hour(void **state)
{
	const struct hour_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	uint32_t moves, trials;

	assert_non_null(world);
	full_memory(world);
	world->least_lost = 2;
	moves = world->moves[POS] + world->moves[COLLECT];
	trials = world->trials + world->throttles;
	world->text[0] = '\0';
	fault_go_on(world, row->play, 3600000);
	if (getenv("STORY"))
		printf("%s", world->text);
	assert_int_equal(world->moves[POS] + world->moves[COLLECT] > moves, row->acts);
	assert_int_equal(world->trials + world->throttles, trials);
	free(world);
}

/* --- flapping: dark or slow for half of each period --- */
static bool in_gap(uint64_t ms, uint64_t period_ms)
{
	return ms && ms % period_ms >= period_ms / 2;
}

static void slow_0_1_hz(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = in_gap(ms, 10000) ? 150 : 0;
}

static void dark_0_1_hz(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = in_gap(ms, 10000);
}

static void dark_fast_0_1_hz(struct world *world, uint64_t ms)
{
	world->fast_reroute = true;
	dark_0_1_hz(world, ms);
}

static void slow_1_hz(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = in_gap(ms, 1000) ? 150 : 0;
}

/* Too short to be dark to anyone: what was sent meanwhile is lost. */
static void dark_1_hz(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = in_gap(ms, 1000) ? 1000000 : 0;
}

/* Ten times a second: each tick has both halves in it. */
static void dark_10_hz(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms ? 500000 : 0;
}

static void slow_once_a_minute(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms % 60000 < 15000 ? 150 : 0;
}

static void dark_once_in_two_minutes(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = ms && ms % 120000 < 10000;
}

/* What was under way on fibre is known to the far end by it alone, and fails on lte for a while. */
static void dark_1_hz_behind_nat(struct world *world, uint64_t ms)
{
	world->fast_reroute = true;
	world->black[FIBRE] = in_gap(ms, 2000);
	world->path_loss_ppm[POS][LTE] = ms && ms < 10000 ? 30000 : 0;
}

static const struct flap_row {
	const char *name;
	fault play;
	uint32_t for_ms;
	uint32_t moves; /* of pos, at most */
} flap_rows[] = {
	{"slow at 0.1 Hz for ten minutes: one move", slow_0_1_hz, 600000, 1},
	{"dark at 0.1 Hz: one move", dark_0_1_hz, 600000, 1},
	{"dark at 0.1 Hz, fast reroute: one move", dark_fast_0_1_hz, 600000, 1},
	{"slow at 1 Hz: one move", slow_1_hz, 600000, 1},
	{"dark at 1 Hz: one move", dark_1_hz, 600000, 1},
	{"dark at 10 Hz: one move", dark_10_hz, 600000, 1},
	{"dark each other second, and behind NAT: one move, and the far end is not accused",
	 dark_1_hz_behind_nat, 600000, 1},
	{"slow once a minute, for an hour: three moves, then it holds", slow_once_a_minute, 3600000,
	 3},
	{"dark every other minute, for an hour: three moves, then it holds",
	 dark_once_in_two_minutes, 3600000, 3},
};

static void flap(void **state)
{
	const struct flap_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fault_play(world, row->play, SL_MODE_ENFORCE, row->for_ms);
	if (getenv("STORY") || getenv("FIGURES"))
		printf("%u moves, %u trials\n%s", world->moves[POS], world->trials,
		       getenv("STORY") ? world->text : "");
	assert_in_range(world->moves[POS], 1, row->moves);
	assert_int_equal(world->where[POS], LTE);
	assert_false(world->verdict[SL_VERDICT_DESTINATION]);
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, trial_rows, trial);
	SL_ROWS_ADD(&tests, second_rows, second);
	sl_row_add(&tests, "refused by the other uplink only: undone, never again for it",
		   refused_is_never, NULL);
	SL_ROWS_ADD(&tests, hour_rows, hour);
	SL_ROWS_ADD(&tests, flap_rows, flap);
	sl_row_add(&tests, "well again in the trial: it ends", well_again_in_trial, NULL);
	sl_row_add(&tests, "a limit that did not help is not tried first again",
		   failed_is_not_first, NULL);
	sl_row_add(&tests, "a proven move does not go before the limit of a culprit",
		   proven_move_is_no_limit, NULL);
	sl_row_add(&tests, "what made it worse is undone, and never tried again",
		   worse_is_undone_and_never, NULL);
	return sl_row_run("trials", &tests);
}
