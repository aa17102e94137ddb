/*
 * site_test.c - whole stories: faults in, what control did about them
 *
 * Faults begin 20 s into a row, so that what is normal has been seen.
 */
#include "tests/unit/row.h"

#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY UINT32_MAX

struct row {
	const char *name;
	fault play;      /* called each tick with ms since the fault (0 = before and at it) */
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

#define UPLINK      SL_VERDICT_UPLINK
#define DESTINATION SL_VERDICT_DESTINATION
static const struct row rows[] = {
	{"five healthy minutes with jitter: nothing", fault_peace, 300000, 0, 0, FIBRE, 0, 0, 0,
	 NULL},
	{"a busy guest that harms nobody: nothing", fault_guest_comes_and_goes, 120000, 0, 0, FIBRE,
	 0, 0, 0, NULL},
	{"a loss now and then: nothing", fault_single_losses, 60000, 0, 0, FIBRE, 0, 0, 0, NULL},
	{"one slow tenth of a second: nothing", fault_short_spike, 20000, 0, 0, FIBRE, 0, 0, 0,
	 NULL},
	{"guests who lose and wait on purpose: pos is not moved", fault_guests_lie, 300000, 0, 0,
	 FIBRE, 0, 0, 0, NULL},
	{"the same, and the far end of pos is ill: neither", fault_guests_lie_far_end, 60000, 0, 0,
	 FIBRE, 0, 0, DESTINATION, "the far end"},
	{"brownout by loss: moved within 3 s", fault_brownout_loss, 10000, 2, 0, LTE, 3000, 0,
	 UPLINK, "pos from fibre to lte"},
	{"brownout by delay: moved within 1.5 s", fault_brownout_delay, 10000, 2, 0, LTE, 1500, 0,
	 UPLINK, "suffers on fibre as well"},
	{"brownout while the guest is as busy as ever: moved, not throttled",
	 fault_brownout_busy_guest, 10000, 2, 0, LTE, 1500, 0, UPLINK, NULL},
	{"the move is proved", fault_brownout_delay, 10000, 2, 0, LTE, 1500, 0, UPLINK,
	 "the move helped"},
	{"restored after the hold-down (delay)", fault_brownout_delay_passes, 40000, 2, 0, FIBRE,
	 1500, 2, UPLINK, "it is back home"},
	{"restored after the hold-down (loss)", fault_brownout_loss_passes, 40000, 2, 0, FIBRE,
	 3000, 2, UPLINK, "lost"},
	{"not restored before it", fault_brownout_delay_passes, 22000, 2, 0, LTE, 1500, 0, UPLINK,
	 NULL},
	{"blackout: control moves them, live flows too", fault_blackout, 5000, 2, 0, LTE, 1500, 0,
	 UPLINK, "fibre is down"},
	{"fast reroute is adopted and restored", fault_blackout_fast, 40000, 0, 0, FIBRE, 1000, 2,
	 UPLINK, "there it stays"},
	{"requests of the fault before are told of where it goes to: it stays there",
	 fault_brownout_delay_again, 8000, 2, 0, LTE, 1500, 0, UPLINK, "the move helped"},
	{"more requests go unanswered there: it was not the uplink",
	 fault_brownout_delay_again_and_more, 8000, 2, 0, FIBRE, 1500, 1, DESTINATION,
	 "right after the move"},
	{"nothing travels at home: waits and says so", fault_blackout_quiet, 60000, 0, 0, LTE, 1000,
	 0, UPLINK, "nothing is known of it: waits"},
	{"blackout of all: stays", fault_blackout_both, 8000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "no other uplink"},
	{"bloat: the guest is throttled, the tills stay", fault_bloat, 60000, 0, ANY, FIBRE, 0, 0,
	 UPLINK, "guest fills fibre"},
	{"bloat passes: the limit is lifted", fault_bloat_passes, 120000, 0, ANY, FIBRE, 0, 0,
	 UPLINK, "limit lifted"},
	{"throttling does not help: lifted, then moved", fault_bloat_by_other, 15000, 2, 2, LTE,
	 9000, 0, UPLINK, "did not help"},
	{"destination: not moved", fault_far_end, 20000, 0, 0, FIBRE, 0, 0, DESTINATION,
	 "the far end"},
	{"destination, and for a while nothing to compare: still not moved", fault_far_end_thin,
	 20000, 0, 0, FIBRE, 0, 0, DESTINATION, "the far end"},
	{"destination, nothing to compare: a trial finds it, then patience", fault_far_end_alone,
	 40000, 0, 0, FIBRE, 0, 2, DESTINATION, "the trial on lte fares no better"},
	{"capped, and no other way: the guest is throttled", fault_cap_alone, 30000, 0, ANY, FIBRE,
	 0, 0, UPLINK, " of 20.0 Mbit/s: capped?"},
	{"capped, and another way: the tills leave, and for who stays the guest is throttled",
	 fault_cap, 10000, 2, ANY, LTE, 1500, 0, UPLINK, "the move helped"},
	{"capped where all have fled to: the guest is throttled", fault_cap_away, 40000, 0, ANY,
	 LTE, 1000, 0, UPLINK, " of 40.0 Mbit/s: capped?"},
	{"slow, not capped, and no other way: nobody is throttled", fault_brownout_alone, 20000, 0,
	 0, FIBRE, 0, 0, UPLINK, "no other uplink"},
	{"the LAN loses for one, the way of another is ill: each of its own, nobody is moved",
	 fault_lan_and_other_way, 20000, 0, 0, FIBRE, 0, 0, SL_VERDICT_LAN, "collect stays"},
	{"a guest fills the uplink while the far end is ill: he is throttled, pos is where it was",
	 fault_far_end_and_bloat, 60000, 0, ANY, FIBRE, 0, ANY, DESTINATION, "mend the far end"},
	{"LAN: not moved", fault_lan, 20000, 0, 0, FIBRE, 0, 0, SL_VERDICT_LAN, "LAN leg"},
	{"our own blindness: pos not moved", fault_own_blindness, 10000, ANY, 0, FIBRE, 0, 0,
	 SL_VERDICT_SELF, "are measured"},
	{"flapping: settles on the other uplink", fault_flapping, 600000, ANY, 0, LTE, 0, ANY,
	 UPLINK, NULL},
	{"both uplinks bad: stays or comes back, then patience", fault_lte_bad_too, 30000, ANY, 0,
	 FIBRE, 0, ANY, UPLINK, "fares no better"},
	{"frozen: no action", fault_frozen, 10000, 0, 0, FIBRE, 0, 0, UPLINK, "but: frozen"},
	{"bypassed: no action", fault_bypassed, 10000, 0, 0, FIBRE, 0, 0, UPLINK, "but: bypassed"},
	{"actions per minute: the critical service goes first", fault_few_actions, 10000, 1, 0, LTE,
	 1500, 0, UPLINK, "but: actions-per-minute"},
	{"observe: nothing is said nor done", fault_brownout_delay, 10000, 0, 0, FIBRE, 0, 0, 0,
	 NULL, SL_MODE_OBSERVE, true},
	{"shadow: said, not done", fault_brownout_delay, 10000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "shadow: would move pos from fibre to lte", SL_MODE_SHADOW},
	{"shadow: a throttle is said, not done", fault_bloat, 10000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "shadow: would throttle guest", SL_MODE_SHADOW},
	{"the dataplane does not obey: said", fault_deaf, 15000, 0, 0, FIBRE, 0, 0, UPLINK,
	 "was not applied (expired)"},
	{"the dataplane is silent: no action", fault_silent, 10000, 0, 0, FIBRE, 0, 0,
	 SL_VERDICT_SELF, "silent"},
	{"control dies every 3 s: the same end", fault_restarts, 60000, 2, 0, FIBRE, 1500, 2,
	 UPLINK, NULL},
	{"a person moves it: hands off", fault_person_moves, 60000, 0, 0, LTE, 0, 0, 0, NULL},
	{"a person restores: the next fault is met at once", fault_person_restores, 9500, ANY, 0,
	 LTE, 1500, ANY, UPLINK, "a person put it back"},
};

static void story(void **state)
{
	const struct row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	uint64_t fault_ms = 1000000 + FAULT_MS;

	assert_non_null(world);
	fault_play(world, row->play, row->mode || row->observe ? row->mode : SL_MODE_ENFORCE,
		   row->for_ms);
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
	if (row->play == fault_peace || row->observe)
		assert_int_equal(world->decisions, 0);
	free(world);
}

/* Nobody reads a log that repeats itself. */
static void quiet_enough(void **state)
{
	static const struct {
		fault play;
		uint32_t most;
	} limits[] = {{fault_far_end, 4},
		      {fault_lan, 3},
		      {fault_frozen, 6},
		      {fault_brownout_delay, 6},
		      {fault_blackout_both, 8}};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct world *world = calloc(1, sizeof(*world));

		assert_non_null(world);
		fault_play(world, limits[i].play, SL_MODE_ENFORCE, 60000);
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

	assert_non_null(world);
	fault_play(world, fault_bloat, SL_MODE_ENFORCE, 600000);
	if (getenv("STORY"))
		printf("slow for %llu ms\n%s", (unsigned long long)world->slow_ms, world->text);
	assert_int_equal(world->moves[POS], 0);
	assert_true(world->limit_bps[GUEST] >= 8000000);
	assert_in_range(world->slow_ms, 100, 30000);
	free(world);
}

/* What the full queue dropped is missed, and sent again, for seconds after the queue has gone. */
static void overflow(struct world *world, uint64_t ms)
{
	world->path_loss_ppm[POS][FIBRE] = ms && ms < 4000 ? 30000 : 0;
	fault_bloat(world, ms);
}

static void overflow_is_no_queue(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fault_play(world, overflow, SL_MODE_ENFORCE, 30000);
	if (getenv("STORY"))
		printf("%s", world->text);
	assert_int_equal(world->moves[POS], 0);
	assert_true(world->limit_bps[GUEST] > 0);
	assert_null(strstr(world->text, "did not help"));
	free(world);
}

/* It is the person's then: not set again, however full the uplink is. */
static void person_lifts(void **state)
{
	const struct sl_event action = {.kind = SL_EVENT_ACTION,
					.service = "guest",
					.remedy = "restore",
					.command_id = "cli-0123456789abcdef"};
	struct world *world = calloc(1, sizeof(*world));
	uint32_t throttles;

	assert_non_null(world);
	fault_play(world, fault_bloat, SL_MODE_ENFORCE, 10000);
	assert_true(world->limit_bps[GUEST] > 0);
	world->limit_bps[GUEST] = 0;
	world->cause[GUEST][0] = '\0';
	sl_site_event(&world->site, &action, world->now_ms, &world->out);
	throttles = world->throttles;
	fault_go_on(world, fault_bloat, 20000);
	assert_int_equal(world->throttles, throttles);
	assert_int_equal(world->limit_bps[GUEST], 0);
	free(world);
}

/* Each return of the fault costs twice the patience. */
static void flapping_settles(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fault_play(world, fault_flapping, SL_MODE_ENFORCE, 600000);
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
	sl_row_add(tests, "losses that an overflow left are no queue: the limit stands",
		   overflow_is_no_queue, NULL);
	sl_row_add(tests, "a person lifts a limit: it is not set again", person_lifts, NULL);
	sl_row_add(tests, "a flapping uplink costs few moves", flapping_settles, NULL);
	failed = sl_row_run("site", tests);
	free(tests);
	return failed;
}
