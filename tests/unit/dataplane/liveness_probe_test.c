/*
 * liveness_probe_test.c - what probes change in liveness: quicker to fall, slower to believe, back
 *
 * Ten calm seconds by hand, with traffic on uplink 0 at 20 ms; then what the row says.
 */
#include "memory_engine.h"

#include "dataplane/liveness.h"
#include "tests/unit/row.h"

#define T(ms) (1000 * S + (uint64_t)(ms)*MS)

struct scene {
	struct sl_liveness l;
	struct sl_liveness_count count[SL_PATHS_MAX];
	int now_ms;
	bool always; /* probes are */
};

/* A tick in which so many asked, were answered, repeated themselves. */
static void tick(struct scene *s, uint64_t demand, uint64_t progress, uint64_t stalls)
{
	for (int service = 1; service <= 2; service++) {
		struct sl_liveness_count *c = &s->count[SL_PATH(service, 0)];

		c->demand += demand;
		c->progress += progress;
		c->inbound += progress;
		c->stalls += stalls;
	}
	s->now_ms += 10;
	sl_liveness_tick(&s->l, T(s->now_ms), s->count);
}

static void calm(struct scene *s, bool traffic)
{
	memset(s, 0, sizeof(*s));
	sl_liveness_init(&s->l, 3, 2);
	sl_liveness_set_rtt(&s->l, 0, 22000);
	for (int i = 0; i < 1000; i++)
		tick(s, traffic, traffic, 0);
}

static void probes_say(struct scene *s, enum sl_probe_word word, int answered_ms, uint32_t answers)
{
	const struct sl_probe_view view = {
		.word = word,
		.lost = word == SL_PROBE_DEAD || word == SL_PROBE_UNKNOWN ? 3 : 0,
		.servers = 2,
		.answered_ns = T(answered_ms),
		.answers = answers,
		.always = s->always,
	};

	sl_liveness_probe(&s->l, 0, &view);
}

static bool is_down(const struct scene *s)
{
	struct sl_liveness_view view;

	sl_liveness_uplink(&s->l, 0, &view);
	return view.state == SL_HEALTH_DOWN;
}

/* 300 ms of what the row says, tick by tick. */
static const struct fall_row {
	const char *name;
	bool traffic_before;
	uint64_t demand, progress, stalls; /* each tick */
	enum sl_probe_word word;
	bool answered; /* a probe, at each tick */
	bool down;
	int from_ms, to_ms; /* when it falls */
	bool guests;        /* all of it is theirs */
	bool seldom;        /* probes are sent on suspicion only */
} fall_rows[] = {
	{"dead by probes, nothing comes in", true, 1, 0, 0, SL_PROBE_DEAD, false, true, 30, 50},
	{"the same on suspicion only: a way that takes longer all at once is dark as well", true, 1,
	 0, 0, SL_PROBE_DEAD, false, true, 250, 270, .seldom = true},
	{"dead by probes, a silent shop", false, 0, 0, 0, SL_PROBE_DEAD, false, true, 0, 20},
	{"dead by probes, but answers come in", true, 1, 1, 0, SL_PROBE_DEAD, false, false, 0, 0},
	{"one server's silence proves nothing", true, 1, 0, 0, SL_PROBE_UNKNOWN, false, false, 0,
	 0},
	{"traffic alone: as well", true, 1, 0, 1, SL_PROBE_SILENT, false, true, 250, 270},
	{"traffic is silent, probes come back", true, 1, 0, 1, SL_PROBE_CARRIES, true, false, 0, 0},
	{"traffic is silent, a probe came back long ago", true, 1, 0, 1, SL_PROBE_CARRIES, false,
	 true, 250, 270},
	{"guests are silent", true, 1, 0, 1, SL_PROBE_SILENT, false, false, 0, 0, true},
	{"guests are silent, and it is dead by probes", true, 1, 0, 1, SL_PROBE_DEAD, false, true,
	 30, 50, true},
};

/* The services of tick() are guests', and another is not. */
static void be_guests(struct scene *s)
{
	sl_liveness_trust(&s->l, 0, 1u << 0);
}

static void falls(void **state)
{
	const struct fall_row *row = *state;
	static struct scene s;
	int since_ms, fell_ms = -1;

	calm(&s, row->traffic_before);
	if (row->guests)
		be_guests(&s);
	s.always = !row->seldom;
	since_ms = s.now_ms;
	for (int i = 0; i < 30; i++) {
		probes_say(&s, row->word, row->answered ? s.now_ms + 10 : since_ms - 400, 0);
		tick(&s, row->demand, row->progress, row->stalls);
		if (is_down(&s) && fell_ms < 0)
			fell_ms = s.now_ms - since_ms;
	}
	assert_int_equal(fell_ms >= 0, row->down);
	if (row->down)
		assert_in_range(fell_ms, row->from_ms, row->to_ms);
}

/* Pings that come back do not hide for ever that nothing else does. */
static void veto_ends(void **state)
{
	static struct scene s;
	int since_ms, fell_ms = -1;

	calm(&s, true);
	since_ms = s.now_ms;
	for (int i = 0; i < 150 && fell_ms < 0; i++) {
		probes_say(&s, SL_PROBE_CARRIES, s.now_ms + 10, (uint32_t)i);
		tick(&s, 1, 0, 1);
		fell_ms = is_down(&s) ? s.now_ms - since_ms : -1;
	}
	assert_in_range(fell_ms, 1000, 1050);
}

static void comes_back(void **state)
{
	static struct scene s;
	struct sl_liveness_view view;

	calm(&s, true);
	s.always = true;
	for (int i = 0; i < 10; i++) {
		probes_say(&s, SL_PROBE_DEAD, 0, 5);
		tick(&s, 1, 0, 0);
	}
	assert_true(is_down(&s));
	sl_liveness_uplink(&s.l, 0, &view);
	assert_non_null(strstr(view.reason, "3 probes of 2 servers unanswered"));
	/* Nobody asks for anything for two minutes: it is down as long as probes are lost. */
	for (int i = 0; i < 12000; i++)
		tick(&s, 0, 0, 0);
	assert_true(is_down(&s));
	probes_say(&s, SL_PROBE_CARRIES, s.now_ms + 10, 6);
	tick(&s, 0, 0, 0);
	probes_say(&s, SL_PROBE_CARRIES, s.now_ms + 10, 7);
	tick(&s, 0, 0, 0);
	assert_int_equal(s.l.uplink[0].back, 0); /* not a word was lost: it was given up for idle */
	assert_false(is_down(&s));
}

static void three_answers(void **state)
{
	static struct scene s;

	calm(&s, true);
	s.always = true;
	for (int i = 0; i < 10; i++) {
		probes_say(&s, SL_PROBE_DEAD, 0, 5);
		tick(&s, 1, 0, 0);
	}
	for (uint32_t answers = 6; answers <= 8; answers++) {
		assert_true(is_down(&s));
		probes_say(&s, SL_PROBE_CARRIES, s.now_ms + 10, answers);
		tick(&s, 1, 0, 0);
	}
	assert_false(is_down(&s));
}

/* When is there reason to ask? */
static const struct suspect_row {
	const char *name;
	uint64_t traffic; /* in each tick before */
	uint64_t demand, stalls;
	bool eager, asked;
	int after_ms;
	bool guests;
} suspect_rows[] = {
	{"answers come", 1, 0, 0, true, false, 0},
	{"an answer is due", 0, 1, 0, true, true, 40},
	{"an answer is due, on a dear uplink", 1, 1, 0, false, false, 0},
	{"a stall, on a dear uplink", 1, 1, 1, false, true, 10},
	{"a busy uplink falls silent", 8, 0, 0, true, true, 20},
	{"a calm one does", 0, 0, 0, true, false, 0},
	{"guests stall", 1, 1, 1, false, true, 10, true},
};

static void suspects(void **state)
{
	const struct suspect_row *row = *state;
	static struct scene s;
	int since_ms, asked_ms = -1;

	calm(&s, false);
	if (row->guests)
		be_guests(&s);
	for (int i = 0; i < 200; i++)
		tick(&s, row->traffic, row->traffic, 0);
	since_ms = s.now_ms;
	for (int i = 0; i < 5; i++) {
		bool answers = !row->asked && row->traffic && !row->demand;

		tick(&s, answers ? 1 : row->demand, answers, row->stalls);
		if (sl_liveness_suspects(&s.l, 0, row->eager) && asked_ms < 0)
			asked_ms = s.now_ms - since_ms;
	}
	assert_int_equal(asked_ms >= 0, row->asked);
	if (row->asked)
		assert_int_equal(asked_ms, row->after_ms);
}

int main(void)
{
	struct sl_row_tests tests = {0};

	SL_ROWS_ADD(&tests, fall_rows, falls);
	SL_ROWS_ADD(&tests, suspect_rows, suspects);
	sl_row_add(&tests, "answered probes hold for a second only", veto_ends, NULL);
	sl_row_add(&tests, "down while probes are lost, though nobody asks", comes_back, NULL);
	sl_row_add(&tests, "three answers to probes are a return", three_answers, NULL);
	return sl_row_run("liveness with probes", &tests);
}
