/*
 * liveness_test.c - blackouts are found in time, and nothing else is taken for one
 */
#include "liveness_world.h"
#include "tests/unit/row.h"

/* A minute of calm, then uplink 0 goes dark: when is it seen? */
static const struct dark_row {
	const char *name;
	int tills; /* 0: only one till, nothing else */
	uint32_t rtt_ms;
	double loss;
	uint32_t within_ms;
	uint32_t trusted;
} dark_rows[] = {
	{"a shop, 20 ms away", 3, 20, 0, 500, EVERYBODY},
	{"a shop, 80 ms away", 3, 80, 0, 900, EVERYBODY},
	{"a shop with 3 % loss", 3, 30, 0.03, 1000, EVERYBODY},
	{"a shop over a satellite", 3, 300, 0, 1300, EVERYBODY},
	{"one till alone, 20 ms away", 0, 20, 0, 2200, EVERYBODY},
	/* Most of the demand is guests': the few that count have to repeat themselves first. */
	{"a shop with guests, 20 ms away", 3, 20, 0, 650, TRUSTED},
	{"a shop with guests, 80 ms away", 3, 80, 0, 900, TRUSTED},
	{"a shop with guests and 3 % loss", 3, 30, 0.03, 1000, TRUSTED},
	{"one till and click-and-collect, among guests", 1, 20, 0, 800, TRUSTED},
};

static void dark(void **state)
{
	const struct dark_row *row = *state;
	static struct world w;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		world_open(&w, seed);
		world_trust(&w, row->trusted);
		w.loss = row->loss;
		if (row->tills)
			world_add_shop(&w, row->tills, row->rtt_ms);
		else
			world_add(&w,
				  (struct flow){.service = 1,
						.period_ms = 500,
						.rtt_ms = row->rtt_ms},
				  row->rtt_ms * 1200);
		w.dark_from_ms = 60000 + (uint32_t)(world_draw(&w) * 1000);
		world_run(&w, w.dark_from_ms);
		assert_int_equal(w.down_ms[0], NEVER);
		world_run(&w, w.dark_from_ms + 5000);
		if (w.down_ms[0] == NEVER || w.down_ms[0] - w.dark_from_ms > row->within_ms)
			fail_msg("seed %d: seen after %d ms", (int)seed,
				 (int)(w.down_ms[0] - w.dark_from_ms));
		assert_int_equal(w.down_ms[1], NEVER);
	}
}

/* Ten minutes each in which nothing is down, though everybody is believed. */
static const struct calm_row {
	const char *name;
	int tills;
	uint32_t rtt_ms;
	double loss;
	uint32_t p95_us; /* 0 = as it is */
	int knockers;    /* devices that call dead addresses */
	bool idle;       /* a till once in 7 s, nothing else */
	bool oneway;
} calm_rows[] = {
	{"a healthy shop", 3, 20, 0, 0, 0, false, false},
	{"a shop with 3 % loss each way", 3, 30, 0.03, 0, 0, false, false},
	{"a shop with 10 % loss each way", 6, 30, 0.10, 0, 0, false, false},
	{"a bloated uplink, RTT 700 ms", 3, 700, 0, 0, 0, false, false},
	{"RTT jumped from 20 to 300 ms, p95 not yet known", 3, 300, 0, 20000, 0, false, false},
	{"a sleeping shop", 0, 20, 0, 0, 0, true, false},
	{"a sleeping shop with loss", 0, 20, 0.03, 0, 0, true, false},
	{"a sleeping shop, devices call dead addresses", 0, 20, 0, 0, 3, true, false},
	{"nothing but one device that calls a dead address", 0, 20, 0, 0, 1, false, false},
	{"one-way UDP in a sleeping shop, a device calls a dead address", 0, 20, 0, 0, 1, true,
	 true},
	{"nothing at all", 0, 20, 0, 0, 0, false, false},
};

static void calm(void **state)
{
	const struct calm_row *row = *state;
	static struct world w;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		world_open(&w, seed);
		world_trust(&w, EVERYBODY);
		w.loss = row->loss;
		if (row->tills)
			world_add_shop(&w, row->tills, row->rtt_ms);
		if (row->idle)
			world_add(&w, (struct flow){.service = 1, .period_ms = 7000, .rtt_ms = 20},
				  25000);
		for (int i = 0; i < row->knockers; i++)
			world_add(&w,
				  (struct flow){.service = 0,
						.period_ms = 3000 + 1700u * (uint32_t)i,
						.dead = true},
				  0);
		if (row->oneway)
			world_add(&w, (struct flow){.service = 3, .period_ms = 100, .oneway = true},
				  0);
		if (row->p95_us)
			sl_liveness_set_rtt(&w.l, 0, row->p95_us);
		world_run(&w, 600000);
		if (w.falls)
			fail_msg("seed %d: uplink %s seen down after %d ms", (int)seed,
				 w.down_ms[0] == NEVER ? "1" : "0",
				 (int)(w.down_ms[0] == NEVER ? w.down_ms[1] : w.down_ms[0]));
	}
}

/*
 * Guests who lie, of 100 hosts: their data is seen here, reaches nobody, and is sent again.  The
 * rest of the guests ask once a minute, one till once in 7 s.  No darkness; but there is one for
 * whoever believes everybody.
 */
static const struct attack_row {
	const char *name;
	int liars, knockers; /* knockers: SYNs to dead addresses */
	double loss;
} attack_rows[] = {
	{"a guest lies", 1, 0, 0},
	{"one of ten guests lies", 10, 0, 0},
	{"every second guest lies", 50, 0, 0},
	{"a guest lies, and 3 % are lost each way", 1, 0, 0.03},
	{"every second guest lies, and 3 % are lost each way", 50, 0, 0.03},
	{"a flood of SYNs, and 3 % are lost each way", 0, 50, 0.03},
};

static uint32_t falls_under(const struct attack_row *row, uint64_t seed, uint32_t trusted)
{
	static struct world w;
	const struct flow till = {.service = 1, .period_ms = 7000, .rtt_ms = 20};

	world_open(&w, seed);
	world_trust(&w, trusted);
	w.loss = row->loss;
	world_add(&w, till, 25000);
	for (int i = 0; i < 100; i++)
		world_add(&w,
			  (struct flow){.service = 3,
					.period_ms = i < row->liars ? 100 : 60000,
					.rtt_ms = 20,
					.liar = i < row->liars,
					.dead = i < row->knockers},
			  0);
	world_run(&w, 300000);
	return w.falls;
}

static void attacked(void **state)
{
	const struct attack_row *row = *state;
	uint32_t fooled = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		fooled += falls_under(row, seed, EVERYBODY);
		if (falls_under(row, seed, TRUSTED))
			fail_msg("seed %d: the tills would have been moved", (int)seed);
	}
	assert_true(fooled > 0);
}

/* Where no trusted service may go, guests' silence is as good as any: the agent believes all. */
static void guests_only(void **state)
{
	static struct world w;

	world_open(&w, 4);
	world_trust(&w, EVERYBODY);
	for (int i = 0; i < 3; i++)
		world_add(&w, (struct flow){.service = 3, .period_ms = 300, .rtt_ms = 20}, 25000);
	w.dark_from_ms = 20000;
	world_run(&w, 22000);
	assert_in_range(w.down_ms[0], 20000, 21000);
}

/* The uplink carries guests to their accomplice, and nobody else. */
static void accomplice(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	world_open(&w, 5);
	world_add_shop(&w, 3, 20);
	w.dark_services = TRUSTED;
	w.dark_from_ms = 20000;
	w.dark_to_ms = 26000;
	world_run(&w, 25990);
	/* Not before a second is over: it may be their servers. */
	assert_in_range(w.down_ms[0], 21000, 22500);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN); /* guests' answers are no return */
	world_run(&w, 40000);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
	assert_int_equal(w.falls, 1);
}

/* One trusted service alone, while guests are answered: its server's fault. */
static void one_trusted(void **state)
{
	static struct world w;

	world_open(&w, 6);
	world_add_shop(&w, 3, 20);
	w.dark_services = 1u << 1;
	w.dark_from_ms = 20000;
	world_run(&w, 40000);
	assert_int_equal(w.falls, 0);
	assert_in_range(w.path_down_ms[SL_PATH(1, 0)], 20000, 24000);
}

/* After a blackout that guests shared, their answers alone end it: no probe, no till asks. */
static void guests_return(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	world_open(&w, 8);
	world_add_shop(&w, 3, 20);
	w.dark_from_ms = 20000;
	w.dark_to_ms = 22000;
	world_run(&w, 21000);
	for (uint32_t i = 0; i < w.flows; i++)
		if (TRUSTED & 1u << w.flow[i].service) /* is moved away */
			w.flow[i] = (struct flow){.ask_ms = NEVER};
	world_run(&w, 21990);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	world_run(&w, 26000);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
	assert_int_equal(w.falls, 1);
}

/* The host of one service dies; the rest goes on. */
static void one_path(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	world_open(&w, 7);
	world_add_shop(&w, 3, 20);
	world_run(&w, 20000);
	for (uint32_t i = 0; i < w.flows; i++)
		w.flow[i].dead = w.flow[i].service == 1;
	world_run(&w, 40000);
	assert_int_equal(w.falls, 0);
	assert_in_range(w.path_down_ms[SL_PATH(1, 0)], 20000, 24000);
	assert_int_equal(w.path_down_ms[SL_PATH(2, 0)], NEVER);
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	assert_non_null(strstr(view.reason, "no answer for"));
	for (uint32_t i = 0; i < w.flows; i++)
		w.flow[i].dead = false;
	world_run(&w, 60000);
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
}

static void comes_back(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	world_open(&w, 3);
	world_add_shop(&w, 3, 20);
	w.dark_from_ms = 20000;
	w.dark_to_ms = 25000;
	world_run(&w, 24900);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	assert_true(view.silent_ms > 4000);
	/* A path of it that asked for nothing is down with it. */
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	world_run(&w, 33000);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
	assert_int_equal(w.falls, 1);
}

/* By hand: tick, one path, so many of each. */
static void by_hand(struct world *w, uint32_t ms, uint64_t demand, uint64_t progress,
		    uint64_t stalls)
{
	struct sl_liveness_count *c = &w->count[SL_PATH(1, 0)];

	c->demand += demand;
	c->progress += progress;
	c->stalls += stalls;
	/* Past the time of learning. */
	sl_liveness_tick(&w->l, 1000 * S + (ms ? 3000 + ms : 0) * MS, w->count);
}

static bool is_down(const struct world *w)
{
	struct sl_liveness_view view;

	sl_liveness_uplink(&w->l, 0, &view);
	return view.state == SL_HEALTH_DOWN;
}

static void go_down(struct world *w)
{
	world_open(w, 1);
	by_hand(w, 0, 0, 0, 0);
	by_hand(w, 10, 5, 5, 0);
	by_hand(w, 20, 2, 0, 0);
	by_hand(w, 250, 2, 0, 2);
	assert_false(is_down(w)); /* the repeats have not had the time to be answered */
	by_hand(w, 260, 0, 0, 0);
	assert_false(is_down(w));
	by_hand(w, 270, 0, 0, 0);
	assert_true(is_down(w));
}

static void straggler(void **state)
{
	static struct world w;

	go_down(&w);
	by_hand(&w, 300, 0, 1, 0);
	assert_true(is_down(&w)); /* one packet out of a full queue */
	by_hand(&w, 1500, 0, 2, 0);
	assert_true(is_down(&w)); /* two more, but not within the same second */
	by_hand(&w, 1600, 0, 1, 0);
	assert_false(is_down(&w));
}

static void forgotten(void **state)
{
	static struct world w;

	go_down(&w);
	by_hand(&w, 60000, 0, 0, 0);
	assert_true(is_down(&w));
	by_hand(&w, 60300, 0, 0, 0);
	assert_false(is_down(&w));
}

static void excused(void **state)
{
	static struct world w;

	world_open(&w, 1);
	by_hand(&w, 0, 0, 0, 0);
	by_hand(&w, 10, 5, 5, 0);
	sl_liveness_excuse(&w.l, 0);
	by_hand(&w, 20, 9, 0, 9); /* flows that were just moved here repeat themselves */
	by_hand(&w, 400, 0, 0, 0);
	assert_false(is_down(&w));
	by_hand(&w, 600, 2, 0, 2); /* still nothing after the time of grace */
	by_hand(&w, 700, 0, 0, 0);
	assert_true(is_down(&w));
}

/* A new policy: what is down stays so, other evidence is not taken over. */
static void carried(void **state)
{
	static struct world w;
	static struct sl_liveness next;

	go_down(&w);
	sl_liveness_init(&next, 4, 2);
	sl_liveness_carry(&next, &w.l);
	w.l = next;
	by_hand(&w, 300, 0, 0, 0);
	assert_true(is_down(&w));
	by_hand(&w, 310, 0, 3, 0);
	assert_false(is_down(&w));
	by_hand(&w, 400, 2, 0, 2);
	sl_liveness_init(&next, 4, 2);
	sl_liveness_carry(&next, &w.l);
	w.l = next;
	by_hand(&w, 410, 0, 0, 0);
	by_hand(&w, 3000, 0, 0, 0);
	assert_false(is_down(&w));
}

static void rejected(void **state)
{
	static struct world w;
	struct sl_liveness_count *c = &w.count[SL_PATH(1, 0)];

	world_open(&w, 1);
	by_hand(&w, 0, 0, 0, 0);
	by_hand(&w, 10, 5, 5, 0);
	by_hand(&w, 250, 2, 0, 2);
	c->rejections += 2;
	c->inbound += 2;
	by_hand(&w, 260, 0, 0, 0); /* resets from the far side: somebody is there */
	by_hand(&w, 900, 0, 0, 0);
	assert_false(is_down(&w));
	by_hand(&w, 910, 3, 0, 3); /* one more: stalls were answered before */
	c->rejections += 2;        /* the client's own resets tell nothing */
	by_hand(&w, 1200, 0, 0, 0);
	assert_true(is_down(&w));
}

static void first_tick(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	world_open(&w, 1);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_UNKNOWN);
	by_hand(&w, 0, 1000, 900, 100); /* history of a former process is no evidence */
	by_hand(&w, 500, 0, 0, 0);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_IDLE);
	assert_int_equal(view.silent_ms, 0);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, dark_rows, dark);
	SL_ROWS_ADD(&tests, calm_rows, calm);
	SL_ROWS_ADD(&tests, attack_rows, attacked);
	sl_row_add(&tests, "an uplink of guests alone goes dark", guests_only, NULL);
	sl_row_add(&tests, "an uplink that carries nobody but an accomplice", accomplice, NULL);
	sl_row_add(&tests, "one trusted service stalls, guests are answered", one_trusted, NULL);
	sl_row_add(&tests, "guests' answers are a return", guests_return, NULL);
	sl_row_add(&tests, "under a new policy what is down stays down", carried, NULL);
	sl_row_add(&tests, "one service's host dies: its path, not the uplink", one_path, NULL);
	sl_row_add(&tests, "an uplink comes back", comes_back, NULL);
	sl_row_add(&tests, "stragglers are no return", straggler, NULL);
	sl_row_add(&tests, "after 60 s without demand nobody can say", forgotten, NULL);
	sl_row_add(&tests, "moved flows' repeats are not the new uplink's", excused, NULL);
	sl_row_add(&tests, "a reset from the far side is an answer", rejected, NULL);
	sl_row_add(&tests, "the first tick is the base", first_tick, NULL);
	return sl_row_run("liveness", &tests);
}
