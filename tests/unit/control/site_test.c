/*
 * site_test.c - whole stories: faults in, what control did about them
 *
 * Faults begin 20 s into a row, so that what is normal has been seen.
 */
#include "tests/unit/row.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_MS 20000

typedef void (*scenario)(struct world *world, uint64_t ms);

#define ANY UINT32_MAX

struct row {
	const char *name;
	scenario play;   /* called each tick with ms since the fault (0 = before and at it) */
	uint32_t for_ms; /* after the fault */
	uint32_t reroutes, throttles; /* orders; ANY */
	unsigned int pos_at;          /* at the end */
	uint32_t away_by_ms;          /* pos on the other uplink by; 0 = does not matter */
	uint32_t restores;
	enum sl_verdict verdict; /* was given */
	const char *said;        /* some decision says this; NULL */
	enum sl_mode mode;       /* 0 = enforce: observe rows say so */
	bool observe;
};

static void peace(struct world *world, uint64_t ms)
{
}

static void guest_comes_and_goes(struct world *world, uint64_t ms)
{
	world->jitter_ms = 25;
	world->guest_bps = ms / 10000 % 2 ? 12000000 : 500000;
}

static void single_losses(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = 300; /* within the SLO over minutes, not over each second */
}

static void brownout_loss(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms ? 30000 : 0;
}

static void brownout_delay(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms ? 150 : 0;
}

static void brownout_delay_passes(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms < 15000 ? 150 : 0;
}

static void brownout_loss_passes(struct world *world, uint64_t ms)
{
	world->loss_ppm[FIBRE] = ms && ms < 15000 ? 30000 : 0;
}

static void brownout_busy_guest(struct world *world, uint64_t ms)
{
	world->guest_bps = 8000000; /* as busy before the fault as after it */
	brownout_delay(world, ms);
}

static void short_spike(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms == 100 ? 300 : 0;
}

static void blackout(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = ms != 0;
}

static void blackout_fast(struct world *world, uint64_t ms)
{
	world->fast_reroute = true;
	world->black[FIBRE] = ms && ms < 10000;
}

static void blackout_quiet(struct world *world, uint64_t ms)
{
	blackout_fast(world, ms);
	world->quiet[GUEST] = world->quiet[CCTV] = true;
}

static void blackout_both(struct world *world, uint64_t ms)
{
	world->black[FIBRE] = world->black[LTE] = ms != 0;
}

static void bloat(struct world *world, uint64_t ms)
{
	world->guest_bps = ms ? 25000000 : 1000000;
}

static void bloat_passes(struct world *world, uint64_t ms)
{
	world->guest_bps = ms && ms < 20000 ? 25000000 : 1000000;
}

static void bloat_by_other(struct world *world, uint64_t ms)
{
	/* The queue is not ours: throttling the busiest does not help. */
	world->guest_bps = ms ? 15000000 : 1000000;
	world->delay_ms[FIBRE] = ms ? 150 : 0;
}

static void far_end(struct world *world, uint64_t ms)
{
	world->far_ms[POS] = ms ? 200 : 0;
}

static void far_end_alone(struct world *world, uint64_t ms)
{
	world->quiet[COLLECT] = world->quiet[GUEST] = world->quiet[CCTV] = true;
	far_end(world, ms);
}

static void lan(struct world *world, uint64_t ms)
{
	world->lan_loss_ppm[POS] = ms ? 60000 : 0;
}

static void own_blindness(struct world *world, uint64_t ms)
{
	world->blind[POS] = ms != 0;
	brownout_delay(world, ms);
}

static void flapping(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = ms && ms / 20000 % 2 ? 150 : 0;
}

static void lte_bad_too(struct world *world, uint64_t ms)
{
	world->delay_ms[FIBRE] = world->delay_ms[LTE] = ms ? 150 : 0;
}

static void frozen(struct world *world, uint64_t ms)
{
	world->picture.frozen = true;
	brownout_delay(world, ms);
}

static void bypassed(struct world *world, uint64_t ms)
{
	world->picture.bypassed = true;
	brownout_delay(world, ms);
}

static void few_actions(struct world *world, uint64_t ms)
{
	world->site.policy.guardrails.actions_per_minute = 1;
	brownout_delay(world, ms);
}

static void deaf(struct world *world, uint64_t ms)
{
	world->deaf = true;
	brownout_delay(world, ms);
}

static void silent(struct world *world, uint64_t ms)
{
	world->mute = ms != 0;
	brownout_delay(world, ms);
}

static void restarts(struct world *world, uint64_t ms)
{
	if (ms && ms % 3000 == 0)
		world_restart_control(world);
	brownout_delay_passes(world, ms);
}

static void person_moves(struct world *world, uint64_t ms)
{
	if (ms == 100) {
		world->where[POS] = LTE;
		snprintf(world->cause[POS], SL_ID_MAX, "cli-0123456789abcdef");
	}
}

/* The dataplane says no cause after a restore, only who did it. */
static void person_restores(struct world *world, uint64_t ms)
{
	struct sl_event action = {.kind = SL_EVENT_ACTION,
				  .service = "pos",
				  .remedy = "restore",
				  .command_id = "cli-0123456789abcdef"};

	world->delay_ms[FIBRE] = (ms && ms < 5000) || ms > 8000 ? 150 : 0;
	if (ms != 6000)
		return;
	world->where[POS] = FIBRE;
	world->stays[POS] = false;
	world->cause[POS][0] = '\0';
	sl_site_event(&world->site, &action, world->now_ms, &world->out);
}

#define UPLINK      SL_VERDICT_UPLINK
#define DESTINATION SL_VERDICT_DESTINATION
static const struct row rows[] = {
	{"five healthy minutes with jitter: nothing", peace, 300000, 0, 0, FIBRE, 0, 0, 0, NULL},
	{"a busy guest that harms nobody: nothing", guest_comes_and_goes, 120000, 0, 0, FIBRE, 0, 0,
	 0, NULL},
	{"a loss now and then: nothing", single_losses, 60000, 0, 0, FIBRE, 0, 0, 0, NULL},
	{"one slow tenth of a second: nothing", short_spike, 20000, 0, 0, FIBRE, 0, 0, 0, NULL},
	{"brownout by loss: moved within 3 s", brownout_loss, 10000, 2, 0, LTE, 3000, 0, UPLINK,
	 "pos from fibre to lte"},
	{"brownout by delay: moved within 1.5 s", brownout_delay, 10000, 2, 0, LTE, 1500, 0, UPLINK,
	 "suffers on fibre as well"},
	{"brownout while the guest is as busy as ever: moved, not throttled", brownout_busy_guest,
	 10000, 2, 0, LTE, 1500, 0, UPLINK, NULL},
	{"the move is proved", brownout_delay, 10000, 2, 0, LTE, 1500, 0, UPLINK,
	 "the move helped"},
	{"restored after the hold-down (delay)", brownout_delay_passes, 40000, 2, 0, FIBRE, 1500, 2,
	 UPLINK, "it is back home"},
	{"restored after the hold-down (loss)", brownout_loss_passes, 40000, 2, 0, FIBRE, 3000, 2,
	 UPLINK, "lost"},
	{"not restored before it", brownout_delay_passes, 22000, 2, 0, LTE, 1500, 0, UPLINK, NULL},
	{"blackout: control moves them, live flows too", blackout, 5000, 2, 0, LTE, 1500, 0, UPLINK,
	 "fibre is down"},
	{"fast reroute is adopted and restored", blackout_fast, 40000, 0, 0, FIBRE, 1000, 2, UPLINK,
	 "adopted"},
	{"nothing travels at home: waits and says so", blackout_quiet, 60000, 0, 0, LTE, 1000, 0,
	 UPLINK, "nothing is known of it: waits"},
	{"blackout of all: stays", blackout_both, 8000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "no other uplink"},
	{"bloat: the guest is throttled, the tills stay", bloat, 60000, 0, ANY, FIBRE, 0, 0, UPLINK,
	 "guest fills fibre"},
	{"bloat passes: the limit is lifted", bloat_passes, 120000, 0, ANY, FIBRE, 0, 0, UPLINK,
	 "limit lifted"},
	{"throttling does not help: lifted, then moved", bloat_by_other, 15000, 2, 2, LTE, 9000, 0,
	 UPLINK, "did not help"},
	{"destination: not moved", far_end, 20000, 0, 0, FIBRE, 0, 0, DESTINATION, "the far end"},
	{"destination, nothing to compare: back again, then patience", far_end_alone, 40000, 1, 0,
	 FIBRE, 3000, 1, DESTINATION, "the destination"},
	{"LAN: not moved", lan, 20000, 0, 0, FIBRE, 0, 0, SL_VERDICT_LAN, "LAN leg"},
	{"our own blindness: pos not moved", own_blindness, 10000, ANY, 0, FIBRE, 0, 0,
	 SL_VERDICT_SELF, "are measured"},
	{"flapping: settles on the other uplink", flapping, 600000, ANY, 0, LTE, 0, ANY, UPLINK,
	 NULL},
	{"both uplinks bad: stays or comes back, then patience", lte_bad_too, 30000, ANY, 0, FIBRE,
	 0, ANY, DESTINATION, NULL},
	{"frozen: no action", frozen, 10000, 0, 0, FIBRE, 0, 0, UPLINK, "but: frozen"},
	{"bypassed: no action", bypassed, 10000, 0, 0, FIBRE, 0, 0, UPLINK, "but: bypassed"},
	{"actions per minute: the critical service goes first", few_actions, 10000, 1, 0, LTE, 1500,
	 0, UPLINK, "but: actions-per-minute"},
	{"observe: nothing is said nor done", brownout_delay, 10000, 0, 0, FIBRE, 0, 0, 0, NULL,
	 SL_MODE_OBSERVE, true},
	{"shadow: said, not done", brownout_delay, 10000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "shadow: would move pos from fibre to lte", SL_MODE_SHADOW},
	{"shadow: a throttle is said, not done", bloat, 10000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "shadow: would throttle guest", SL_MODE_SHADOW},
	{"the dataplane does not obey: said", deaf, 15000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "was not applied (expired)"},
	{"the dataplane is silent: no action", silent, 10000, 0, 0, FIBRE, 0, 0, SL_VERDICT_SELF,
	 "silent"},
	{"control dies every 3 s: the same end", restarts, 60000, 2, 0, FIBRE, 1500, 2, UPLINK,
	 NULL},
	{"a person moves it: hands off", person_moves, 60000, 0, 0, LTE, 0, 0, 0, NULL},
	{"a person restores: the next fault is met at once", person_restores, 9500, ANY, 0, LTE,
	 1500, ANY, UPLINK, "a person put it back"},
};

static void play(struct world *world, const struct row *row)
{
	enum sl_mode mode = row->mode || row->observe ? row->mode : SL_MODE_ENFORCE;

	world_start(world, mode, 10000);
	for (uint64_t ms = 0; ms < FAULT_MS; ms += WORLD_TICK_MS) {
		row->play(world, 0);
		world_step(world);
	}
	for (uint64_t ms = WORLD_TICK_MS; ms <= row->for_ms; ms += WORLD_TICK_MS) {
		row->play(world, ms);
		world_step(world);
	}
}

static void story(void **state)
{
	const struct row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	uint64_t fault_ms = 1000000 + FAULT_MS;

	assert_non_null(world);
	play(world, row);
	if (getenv("STORY"))
		printf("%s: reroutes %u restores %u throttles %u decisions %u away %lld\n%s",
		       row->name, world->reroutes, world->restores, world->throttles,
		       world->decisions, (long long)(world->away_ms - fault_ms), world->text);
	if (row->reroutes != ANY)
		assert_int_equal(world->reroutes, row->reroutes);
	if (row->restores != ANY)
		assert_int_equal(world->restores, row->restores);
	if (row->throttles != ANY)
		assert_int_equal(world->throttles, row->throttles);
	else
		assert_true(world->throttles > 0);
	assert_int_equal(world->where[POS], row->pos_at);
	if (row->away_by_ms)
		assert_in_range(world->away_ms, fault_ms, fault_ms + row->away_by_ms);
	if (row->verdict)
		assert_true(world->verdict[row->verdict]);
	if (row->said)
		assert_non_null(strstr(world->text, row->said));
	if (row->play == peace || row->observe)
		assert_int_equal(world->decisions, 0);
	free(world);
}

/* Nobody reads a log that repeats itself. */
static void quiet_enough(void **state)
{
	static const struct {
		scenario play;
		uint32_t most;
	} limits[] = {{far_end, 4}, {lan, 3}, {frozen, 6}, {brownout_delay, 6}, {blackout_both, 8}};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct world *world = calloc(1, sizeof(*world));
		struct row row = {.play = limits[i].play, .for_ms = 60000};

		assert_non_null(world);
		play(world, &row);
		if (getenv("STORY"))
			printf("%s", world->text);
		assert_in_range(world->decisions, 1, limits[i].most);
		free(world);
	}
}

/* A bloated uplink: the tills are over their SLO for seconds only, over minutes. */
static void bloat_settles(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct row row = {.play = bloat, .for_ms = 600000};

	assert_non_null(world);
	play(world, &row);
	if (getenv("STORY"))
		printf("slow for %llu ms\n%s", (unsigned long long)world->slow_ms, world->text);
	assert_int_equal(world->moves[POS], 0);
	assert_true(world->limit_bps[GUEST] >= 8000000);
	assert_in_range(world->slow_ms, 100, 30000);
	free(world);
}

/* Each return of the fault costs twice the patience. */
static void flapping_settles(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct row row = {.play = flapping, .for_ms = 600000};

	assert_non_null(world);
	play(world, &row);
	assert_in_range(world->moves[POS], 1, 5);
	free(world);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	SL_ROWS_ADD(tests, rows, story);
	sl_row_add(tests, "holds are not repeated", quiet_enough, NULL);
	sl_row_add(tests, "bloat settles on a rate that keeps the SLO", bloat_settles, NULL);
	sl_row_add(tests, "a flapping uplink costs few moves", flapping_settles, NULL);
	failed = sl_row_run("site", tests);
	free(tests);
	return failed;
}
