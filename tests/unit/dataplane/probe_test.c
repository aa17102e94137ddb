/*
 * probe_test.c - what probes say of an uplink, in a world of servers that answer or do not
 *
 * The world keeps each order in flight for the round trip of its uplink, when its server
 * answers that kind of question and nothing eats it; ticks come every 10 ms.
 */
#include <string.h>

#include "dataplane/probe_server.h"
#include "tests/unit/row.h"

#define MS      UINT64_C(1000000)
#define NEVER   UINT32_MAX
#define FLIGHTS 512
#define SERVERS 4

struct server {
	bool echo, syn; /* answers these */
	bool gone;
};

struct world {
	struct sl_probe p;
	struct server server[SERVERS];
	uint32_t rtt_ms[2], now_ms;
	bool dark[2];
	double loss;
	uint64_t seed;
	enum sl_probe_wish wish[SL_UPLINKS_MAX];
	struct {
		uint32_t due_ms, number;
		uint8_t uplink;
	} flight[FLIGHTS];
	uint32_t flights, sent[SL_PROBE_KINDS], sent_by[2];
	uint64_t bytes_at_most;
	uint32_t falls;
	bool was_dead;
	uint32_t dead_ms[2], unknown_ms[2]; /* first seen so; NEVER = not */
};

static double draw(struct world *w)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(w->seed >> 33) / (double)(UINT64_C(1) << 31);
}

static uint64_t now_ns(const struct world *w)
{
	return 100000 * MS + w->now_ms * MS;
}

static bool answers(struct world *w, const struct sl_probe_order *o)
{
	const struct server *s = &w->server[o->addr.lo & (SERVERS - 1)];
	bool kind = o->kind == SL_PROBE_STAMP || (o->kind == SL_PROBE_ECHO ? s->echo : s->syn);

	return kind && !s->gone && !w->dark[o->uplink] && draw(w) >= w->loss && draw(w) >= w->loss;
}

static void launch(struct world *w, const struct sl_probe_order *o)
{
	w->sent[o->kind]++;
	w->sent_by[o->uplink]++;
	if (!answers(w, o))
		return;
	assert_true(w->flights < FLIGHTS);
	w->flight[w->flights].due_ms = w->now_ms + w->rtt_ms[o->uplink];
	w->flight[w->flights].number = o->number;
	w->flight[w->flights++].uplink = o->uplink;
}

static void land(struct world *w)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->flights; i++)
		if (w->flight[i].due_ms > w->now_ms)
			w->flight[kept++] = w->flight[i];
		else if (!w->dark[w->flight[i].uplink])
			sl_probe_answered(&w->p, w->flight[i].uplink, w->flight[i].number,
					  now_ns(w));
	w->flights = kept;
}

static void note(struct world *w)
{
	for (unsigned int u = 0; u < 2; u++) {
		struct sl_probe_view view;

		sl_probe_look(&w->p, u, now_ns(w), &view);
		if (view.word == SL_PROBE_DEAD && w->dead_ms[u] == NEVER)
			w->dead_ms[u] = w->now_ms;
		w->falls += u == 0 && view.word == SL_PROBE_DEAD && !w->was_dead;
		w->was_dead = u == 0 ? view.word == SL_PROBE_DEAD : w->was_dead;
		if (view.word == SL_PROBE_UNKNOWN && w->unknown_ms[u] == NEVER)
			w->unknown_ms[u] = w->now_ms;
	}
}

static void run(struct world *w, uint32_t until_ms)
{
	struct sl_probe_order order[SL_PROBE_ORDERS_MAX];

	for (; w->now_ms < until_ms; w->now_ms++) {
		land(w);
		if (w->now_ms % 10)
			continue;
		sl_probe_expire(&w->p, now_ns(w));
		note(w);
		uint32_t count = sl_probe_tick(&w->p, now_ns(w), w->wish, order);

		for (uint32_t i = 0; i < count; i++)
			launch(w, &order[i]);
	}
}

static struct sl_probe_server server(uint32_t i, uint8_t rank)
{
	return (struct sl_probe_server){
		{0, UINT64_C(0xffff) << 32 | 0xcb007100 | i}, 443, 6, rank, 0xff};
}

static void open_world(struct world *w, bool always, uint32_t servers)
{
	memset(w, 0, sizeof(*w));
	w->rtt_ms[0] = 20;
	w->rtt_ms[1] = 36;
	w->seed = 7;
	w->dead_ms[0] = w->dead_ms[1] = w->unknown_ms[0] = w->unknown_ms[1] = NEVER;
	sl_probe_init(&w->p, 2, 10 * MS, always);
	w->p.uplink[0].limits.budget_bps = w->p.uplink[1].limits.budget_bps = 64000;
	for (uint32_t i = 0; i < servers; i++) {
		struct sl_probe_server s = server(i, 3);

		w->server[i] = (struct server){.echo = true, .syn = true};
		sl_probe_learn(&w->p, &s, now_ns(w));
	}
}

/* Ten calm seconds, then what the row says happens to uplink 0. */
static const struct row {
	const char *name;
	uint32_t servers;
	bool always, echo, syn;
	bool dark, gone;    /* the uplink; all servers */
	uint32_t within_ms; /* until it is called dead; NEVER = never */
	bool unknown;       /* it is called that instead */
} rows[] = {
	{"a dead uplink, two servers", 2, false, true, true, true, false, 80, false},
	{"a dead uplink, probed always", 2, true, true, true, true, false, 70, false},
	{"a dead uplink, one server that answers elsewhere", 1, false, true, true, true, false, 120,
	 false},
	{"a dead uplink, servers that answer only SYNs", 2, false, false, true, true, false, 80,
	 false},
	{"the one server is gone, by every uplink", 1, false, true, true, false, true, NEVER, true},
	{"servers that never answered prove nothing", 2, false, false, false, true, false, NEVER,
	 false},
	{"nothing is wrong", 2, false, true, true, false, false, NEVER, false},
	{"nothing is wrong, probed always", 2, true, true, true, false, false, NEVER, false},
	{"no server is known", 0, true, true, true, true, false, NEVER, false},
};

static void judged(void **state)
{
	const struct row *row = *state;
	static struct world w;

	open_world(&w, row->always, row->servers);
	for (uint32_t i = 0; i < row->servers; i++)
		w.server[i] = (struct server){.echo = row->echo, .syn = row->syn};
	run(&w, 10000);
	assert_int_equal(w.dead_ms[0], NEVER);
	w.dark[0] = row->dark;
	for (int i = 0; i < SERVERS; i++)
		w.server[i].gone = row->gone;
	w.wish[0] = SL_PROBE_SUSPECT;
	run(&w, 13000);
	if (row->within_ms == NEVER)
		assert_int_equal(w.dead_ms[0], NEVER);
	else
		assert_in_range(w.dead_ms[0], 10000 + 30, 10000 + row->within_ms);
	assert_int_equal(w.unknown_ms[0] != NEVER,
			 row->unknown || (row->servers == 1 && row->dark));
	assert_int_equal(w.dead_ms[1], NEVER);
}

/* Single losses are no dead uplink, in 10 min of them, and a dead one is still found. */
static void lossy(void **state)
{
	static struct world w;

	open_world(&w, true, 3);
	w.loss = 0.03;
	run(&w, 600000);
	assert_in_range(w.falls, 0, 3); /* of 60 000 probes; traffic that comes in is heard, too */
	w.dead_ms[0] = NEVER;
	w.dark[0] = true;
	run(&w, 601000);
	assert_in_range(w.dead_ms[0], 600030, 600250);
}

/* An answer ends it, also one that comes late. */
static void back(void **state)
{
	static struct world w;
	struct sl_probe_view view;

	open_world(&w, false, 2);
	run(&w, 10000);
	w.dark[0] = true;
	w.wish[0] = SL_PROBE_SUSPECT;
	run(&w, 11000);
	assert_int_not_equal(w.dead_ms[0], NEVER);
	w.wish[0] = SL_PROBE_RETURN;
	w.dark[0] = false;
	run(&w, 12000);
	sl_probe_look(&w.p, 0, now_ns(&w), &view);
	assert_int_equal(view.word, SL_PROBE_CARRIES);
	assert_int_equal(view.lost, 0);
	assert_in_range(view.answers, 3, 40);
}

/* A minute of suspicion spends the budget and no more, whatever is asked. */
static void budget(void **state)
{
	static struct world w;

	open_world(&w, true, 2);
	w.p.uplink[0].limits.budget_bps = 8000; /* 1000 bytes a second */
	w.dark[0] = true;
	w.wish[0] = SL_PROBE_SUSPECT;
	run(&w, 60000);
	assert_in_range(w.p.uplink[0].month_used, 5000, 61000);
	assert_true(w.p.counts.held > 0);
	/* A month's limit stands above it. */
	w.p.uplink[0].limits.month_bytes = w.p.uplink[0].month_used + 100;
	uint32_t sent = w.sent_by[0];

	run(&w, 120000);
	assert_in_range(w.sent_by[0] - sent, 0, 1);
}

/* In calm a day of knowing two servers by both uplinks costs little. */
static void upkeep(void **state)
{
	static struct world w;

	open_world(&w, false, 2);
	w.p.uplink[1].limits.metered = true;
	run(&w, 3600000);
	assert_in_range(w.sent_by[0], 2 * 150, 2 * 200);
	assert_in_range(w.sent_by[1], 2 * 25, 2 * 40);
	assert_int_equal(w.sent[SL_PROBE_SYN], 0);
}

/* One of three servers goes away for good: the other two still find a dead uplink. */
static void one_gone(void **state)
{
	static struct world w;

	open_world(&w, true, 3);
	run(&w, 10000);
	w.server[0].gone = true;
	run(&w, 30000);
	assert_int_equal(w.dead_ms[0], NEVER);
	w.dark[0] = true;
	run(&w, 31000);
	assert_in_range(w.dead_ms[0], 30030, 30100);
}

/* Critical services' servers are kept, those of others come and go. */
static void room(void **state)
{
	static struct world w;
	uint32_t critical = 0;

	open_world(&w, false, 2);
	for (uint32_t i = 0; i < 200; i++) {
		struct sl_probe_server guest = server(4 + i, 0);

		w.now_ms += 1000;
		sl_probe_learn(&w.p, &guest, now_ns(&w));
		for (uint32_t k = 0; k < 2 && i % 10 == 0; k++) {
			struct sl_probe_server till = server(k, 3);

			sl_probe_learn(&w.p, &till, now_ns(&w));
		}
	}
	for (int i = 0; i < SL_PROBE_TARGETS; i++)
		critical += w.p.target[i].server.rank == 3;
	assert_int_equal(critical, 2);
}

/* A reflector is a witness by itself, and is asked by its own uplink only. */
static void reflector(void **state)
{
	static struct world w;
	struct sl_probe_server s = server(0, 3);

	open_world(&w, true, 0);
	sl_probe_reflector(&w.p, 0, &s);
	run(&w, 10000);
	assert_true(w.sent[SL_PROBE_STAMP] > 100);
	assert_int_equal(w.sent_by[1], 0);
	w.dark[0] = true;
	run(&w, 11000);
	assert_in_range(w.dead_ms[0], 10030, 10070);
}

/* Tills are service 1, guests 2; uplink 1 may be used by guests alone. */
static const struct taught_row {
	const char *name;
	uint8_t service;
	uint32_t address;          /* IPv4, of the far end */
	uint8_t initiator, number; /* end 0 is on the LAN; of the flow's first packet: 1 */
	uint8_t uplinks;           /* by which it may be asked; 0 = nothing is learnt */
	uint32_t trusted[2];
} taught_rows[] = {
	{"a till's server", 1, 0xcb007109, 0, 1, 0xff, {1u << 1, 1u << 1}},
	{"a guest's is none", 2, 0xcb007109, 0, 1, 0, {1u << 1, 1u << 1}},
	{"nor is that of whom no service claims", 0, 0xcb007109, 0, 1, 0, {1u << 1, 1u << 1}},
	{"a guest's, by an uplink that only guests may use",
	 2,
	 0xcb007109,
	 0,
	 1,
	 1u << 1,
	 {1u << 1, UINT32_MAX}},
	{"once a flow", 1, 0xcb007109, 0, 2, 0, {1u << 1, 1u << 1}},
	{"who calls the store is not called", 1, 0xcb007109, 1, 1, 0, {1u << 1, 1u << 1}},
	{"a group is nobody that an uplink leads to", 1, 0xe00000fb, 0, 1, 0, {1u << 1, 1u << 1}},
};

static void taught(void **state)
{
	const struct taught_row *row = *state;
	static struct sl_tables tables;
	/* Uplinks that there are not say nothing, whatever stands there. */
	uint32_t trusted[SL_UPLINKS_MAX] = {row->trusted[0], row->trusted[1], UINT32_MAX};
	const struct sl_inspect inspect = {
		.key = {.a = {0, UINT64_C(0xffff) << 32 | 0x0a2a1405},
			.b = {0, UINT64_C(0xffff) << 32 | row->address},
			.a_port = 40000,
			.b_port = 443,
			.proto = 6},
		.initiator = row->initiator,
		.service = row->service,
		.number = row->number,
	};
	struct sl_probe_server server = {.port = 0};

	tables.uplinks = 2;
	tables.service[1].priority = 3;
	assert_int_equal(sl_probe_server_of(&inspect, &tables, trusted, &server),
			 row->uplinks != 0);
	assert_int_equal(server.uplinks, row->uplinks);
	if (!row->uplinks)
		return;
	assert_int_equal(server.addr.lo, inspect.key.b.lo);
	assert_int_equal(server.port, 443);
	assert_int_equal(server.rank, row->service == 1 ? 3 : 0);
}

/* Learnt of a guest it is asked by his uplink only; of a till as well, by each. */
static void by_whom(void **state)
{
	static struct world w;
	struct sl_probe_server s = server(0, 0);

	open_world(&w, false, 0);
	w.server[0] = (struct server){.echo = true};
	s.uplinks = 1u << 1;
	sl_probe_learn(&w.p, &s, now_ns(&w));
	run(&w, 10000);
	assert_int_equal(w.sent_by[0], 0);
	assert_true(w.sent_by[1] > 0);
	s = server(0, 3);
	sl_probe_learn(&w.p, &s, now_ns(&w));
	run(&w, 20000);
	assert_true(w.sent_by[0] > 0);
}

static void no_such(void **state)
{
	static struct world w;

	open_world(&w, false, 1);
	run(&w, 1000);
	assert_false(sl_probe_answered(&w.p, 0, 0, now_ns(&w)));
	assert_false(sl_probe_answered(&w.p, 0, 77777, now_ns(&w)));
}

int main(void)
{
	struct sl_row_tests tests = {0};

	SL_ROWS_ADD(&tests, rows, judged);
	SL_ROWS_ADD(&tests, taught_rows, taught);
	sl_row_add(&tests, "a server is asked by the uplinks of those who use it", by_whom, NULL);
	sl_row_add(&tests, "3 % loss is no dead uplink", lossy, NULL);
	sl_row_add(&tests, "back after it was dead", back, NULL);
	sl_row_add(&tests, "the budget holds", budget, NULL);
	sl_row_add(&tests, "an hour of calm", upkeep, NULL);
	sl_row_add(&tests, "one of three servers is gone", one_gone, NULL);
	sl_row_add(&tests, "critical services' servers are kept", room, NULL);
	sl_row_add(&tests, "a reflector is asked, by its uplink", reflector, NULL);
	sl_row_add(&tests, "answers that nobody asked for", no_such, NULL);
	return sl_row_run("probe", &tests);
}
