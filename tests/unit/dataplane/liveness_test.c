/*
 * liveness_test.c - blackouts are found in time, and nothing else is taken for one
 *
 * Flows are simulated as TCP does it: a request, an answer a round trip later, or
 * repeats at RTO = 200 ms + RTT, doubling.  A flow may also knock at a dead address
 * (SYNs after 1, 2, 4 s, never answered).
 */
#include "memory_engine.h"

#include "dataplane/liveness.h"
#include "tests/unit/row.h"

#define FLOWS_MAX 64
#define NEVER     UINT32_MAX

struct flow {
	unsigned int service, uplink;
	uint32_t period_ms, rtt_ms;
	bool dead;   /* nobody is there */
	bool oneway; /* UDP that nobody answers */
	/* Of the simulation. */
	uint32_t ask_ms, answer_ms, repeat_ms, rto_ms;
	bool waiting;
	uint32_t repeats;
};

struct world {
	struct sl_liveness l;
	struct sl_liveness_count count[SL_PATHS_MAX];
	struct flow flow[FLOWS_MAX];
	uint32_t flows;
	uint32_t now_ms;
	double loss;
	uint32_t dark_from_ms, dark_to_ms; /* uplink 0 carries nothing */
	uint64_t seed;
	uint32_t down_ms[2]; /* when an uplink was first seen down; NEVER = not */
	uint32_t path_down_ms[SL_PATHS_MAX];
	uint32_t falls;
};

static double draw(struct world *w)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(w->seed >> 33) / (double)(UINT64_C(1) << 31);
}

static bool passes(struct world *w, const struct flow *f)
{
	bool dark = f->uplink == 0 && w->now_ms >= w->dark_from_ms && w->now_ms < w->dark_to_ms;

	return !dark && !f->dead && draw(w) >= w->loss && draw(w) >= w->loss;
}

static void ask(struct world *w, struct flow *f, struct sl_liveness_count *c)
{
	c->demand++;
	if (f->oneway) {
		f->ask_ms = w->now_ms + f->period_ms;
		return;
	}
	f->waiting = true;
	f->repeats = 0;
	f->rto_ms = f->dead ? 1000 : 200 + f->rtt_ms;
	f->answer_ms = passes(w, f) ? w->now_ms + f->rtt_ms : NEVER;
	f->repeat_ms = w->now_ms + f->rto_ms;
}

static void repeat(struct world *w, struct flow *f, struct sl_liveness_count *c)
{
	c->demand++;
	if (f->repeats++)
		c->repeats++;
	else
		c->stalls++;
	c->syn_repeats += f->dead;
	if (f->dead && f->repeats == 4) { /* it gives up, and tries again some time */
		f->waiting = false;
		f->ask_ms = w->now_ms + f->period_ms;
		return;
	}
	if (passes(w, f))
		f->answer_ms = w->now_ms + f->rtt_ms;
	f->rto_ms *= 2;
	f->repeat_ms = w->now_ms + f->rto_ms;
}

static void step_flow(struct world *w, struct flow *f)
{
	struct sl_liveness_count *c = &w->count[SL_PATH(f->service, f->uplink)];

	if (f->waiting && f->answer_ms <= w->now_ms) {
		c->progress++;
		c->inbound++;
		f->waiting = false;
		f->answer_ms = NEVER;
		f->ask_ms = w->now_ms + f->period_ms;
	} else if (f->waiting && f->repeat_ms <= w->now_ms) {
		repeat(w, f, c);
	} else if (!f->waiting && f->ask_ms <= w->now_ms) {
		ask(w, f, c);
	}
}

static void note_state(struct world *w)
{
	struct sl_liveness_view view;

	for (unsigned int u = 0; u < 2; u++) {
		sl_liveness_uplink(&w->l, u, &view);
		if (view.state == SL_HEALTH_DOWN && w->down_ms[u] == NEVER) {
			w->down_ms[u] = w->now_ms;
			w->falls++;
		}
	}
	for (unsigned int p = 0; p < SL_PATHS_MAX; p++)
		if (w->l.path[p].down && w->path_down_ms[p] == NEVER)
			w->path_down_ms[p] = w->now_ms;
}

static void run(struct world *w, uint32_t until_ms)
{
	for (; w->now_ms < until_ms; w->now_ms++) {
		for (uint32_t i = 0; i < w->flows; i++)
			step_flow(w, &w->flow[i]);
		if (w->now_ms % 10)
			continue;
		sl_liveness_tick(&w->l, 1000 * S + w->now_ms * MS, w->count);
		note_state(w);
	}
}

static void open_world(struct world *w, uint64_t seed)
{
	*w = (struct world){.dark_from_ms = NEVER, .dark_to_ms = NEVER, .seed = seed};
	w->down_ms[0] = w->down_ms[1] = NEVER;
	memset(w->path_down_ms, 0xff, sizeof(w->path_down_ms));
	sl_liveness_init(&w->l, 4, 2);
	for (int i = 0; i < 20; i++)
		draw(w);
}

static void add_flow(struct world *w, struct flow f, uint32_t rtt_p95_us)
{
	f.ask_ms = w->now_ms + (uint32_t)(draw(w) * f.period_ms);
	f.answer_ms = NEVER;
	w->flow[w->flows++] = f;
	if (rtt_p95_us)
		sl_liveness_set_rtt(&w->l, f.uplink, rtt_p95_us);
}

/* Traffic of a shop, @tills that ask twice a second and more of each other kind. */
static void add_shop(struct world *w, int tills, uint32_t rtt_ms)
{
	for (int i = 0; i < tills; i++)
		add_flow(w, (struct flow){.service = 1, .period_ms = 500, .rtt_ms = rtt_ms},
			 rtt_ms * 1200);
	add_flow(w, (struct flow){.service = 2, .period_ms = 300, .rtt_ms = rtt_ms}, 0);
	add_flow(w, (struct flow){.service = 3, .period_ms = 90, .rtt_ms = rtt_ms + 5}, 0);
	add_flow(w, (struct flow){.service = 0, .period_ms = 2000, .rtt_ms = rtt_ms}, 0);
}

/* A minute of calm, then uplink 0 goes dark: when is it seen? */
static const struct dark_row {
	const char *name;
	int tills; /* 0: only one till, nothing else */
	uint32_t rtt_ms;
	double loss;
	uint32_t within_ms;
} dark_rows[] = {
	{"a shop, 20 ms away", 3, 20, 0, 500},
	{"a shop, 80 ms away", 3, 80, 0, 900},
	{"a shop with 3 % loss", 3, 30, 0.03, 1000},
	{"a shop over a satellite", 3, 300, 0, 1300},
	{"one till alone, 20 ms away", 0, 20, 0, 2200},
};

static void dark(void **state)
{
	const struct dark_row *row = *state;
	static struct world w;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		open_world(&w, seed);
		w.loss = row->loss;
		if (row->tills)
			add_shop(&w, row->tills, row->rtt_ms);
		else
			add_flow(&w,
				 (struct flow){.service = 1,
					       .period_ms = 500,
					       .rtt_ms = row->rtt_ms},
				 row->rtt_ms * 1200);
		w.dark_from_ms = 60000 + (uint32_t)(draw(&w) * 1000);
		run(&w, w.dark_from_ms);
		assert_int_equal(w.down_ms[0], NEVER);
		run(&w, w.dark_from_ms + 5000);
		if (w.down_ms[0] == NEVER || w.down_ms[0] - w.dark_from_ms > row->within_ms)
			fail_msg("seed %d: seen after %d ms", (int)seed,
				 (int)(w.down_ms[0] - w.dark_from_ms));
		assert_int_equal(w.down_ms[1], NEVER);
	}
}

/* Ten minutes each in which nothing is down. */
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
		open_world(&w, seed);
		w.loss = row->loss;
		if (row->tills)
			add_shop(&w, row->tills, row->rtt_ms);
		if (row->idle)
			add_flow(&w, (struct flow){.service = 1, .period_ms = 7000, .rtt_ms = 20},
				 25000);
		for (int i = 0; i < row->knockers; i++)
			add_flow(&w,
				 (struct flow){.service = 0,
					       .period_ms = 3000 + 1700u * (uint32_t)i,
					       .dead = true},
				 0);
		if (row->oneway)
			add_flow(&w, (struct flow){.service = 3, .period_ms = 100, .oneway = true},
				 0);
		if (row->p95_us)
			sl_liveness_set_rtt(&w.l, 0, row->p95_us);
		run(&w, 600000);
		if (w.falls)
			fail_msg("seed %d: uplink %s seen down after %d ms", (int)seed,
				 w.down_ms[0] == NEVER ? "1" : "0",
				 (int)(w.down_ms[0] == NEVER ? w.down_ms[1] : w.down_ms[0]));
	}
}

/* The host of one service dies; the rest goes on. */
static void one_path(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	open_world(&w, 7);
	add_shop(&w, 3, 20);
	run(&w, 20000);
	for (uint32_t i = 0; i < w.flows; i++)
		w.flow[i].dead = w.flow[i].service == 1;
	run(&w, 40000);
	assert_int_equal(w.falls, 0);
	assert_in_range(w.path_down_ms[SL_PATH(1, 0)], 20000, 24000);
	assert_int_equal(w.path_down_ms[SL_PATH(2, 0)], NEVER);
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	assert_non_null(strstr(view.reason, "no answer for"));
	for (uint32_t i = 0; i < w.flows; i++)
		w.flow[i].dead = false;
	run(&w, 60000);
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_GOOD);
}

static void comes_back(void **state)
{
	static struct world w;
	struct sl_liveness_view view;

	open_world(&w, 3);
	add_shop(&w, 3, 20);
	w.dark_from_ms = 20000;
	w.dark_to_ms = 25000;
	run(&w, 24900);
	sl_liveness_uplink(&w.l, 0, &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	assert_true(view.silent_ms > 4000);
	/* A path of it that asked for nothing is down with it. */
	sl_liveness_path(&w.l, SL_PATH(1, 0), &view);
	assert_int_equal(view.state, SL_HEALTH_DOWN);
	run(&w, 33000);
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
	open_world(w, 1);
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

	open_world(&w, 1);
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

static void rejected(void **state)
{
	static struct world w;
	struct sl_liveness_count *c = &w.count[SL_PATH(1, 0)];

	open_world(&w, 1);
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

	open_world(&w, 1);
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
	sl_row_add(&tests, "one service's host dies: its path, not the uplink", one_path, NULL);
	sl_row_add(&tests, "an uplink comes back", comes_back, NULL);
	sl_row_add(&tests, "stragglers are no return", straggler, NULL);
	sl_row_add(&tests, "after 60 s without demand nobody can say", forgotten, NULL);
	sl_row_add(&tests, "moved flows' repeats are not the new uplink's", excused, NULL);
	sl_row_add(&tests, "a reset from the far side is an answer", rejected, NULL);
	sl_row_add(&tests, "the first tick is the base", first_tick, NULL);
	return sl_row_run("liveness", &tests);
}
