/*
 * rhythm_test.c - weeks of a shop, hour by hour: which silence is one?
 *
 * A service has a packet each so many seconds while the shop is open (9 to 20 on six days),
 * with gaps that a pseudo-random draw makes up to twice as long.
 */
#include <string.h>

#include "dataplane/rhythm.h"
#include "tests/unit/row.h"

#define S    UINT64_C(1000000000)
#define HOUR 3600u
#define WEEK (168u * HOUR)

struct shop {
	struct sl_rhythm r;
	uint32_t now_s, next_s, every_s;
	uint32_t breaks_s; /* it falls silent here; 0 = never */
	uint64_t seed;
	uint32_t silent_s, alarms; /* first seen silent; how often */
	bool was_silent;
};

static bool is_open(uint32_t now_s)
{
	uint32_t hour = now_s / HOUR % 24, day = now_s / HOUR / 24 % 7;

	return hour >= 9 && hour < 20 && day < 6;
}

static uint32_t draw(struct shop *shop)
{
	shop->seed = shop->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(shop->seed >> 33);
}

static bool has_packet(struct shop *shop)
{
	if (!is_open(shop->now_s) || shop->now_s < shop->next_s ||
	    (shop->breaks_s && shop->now_s >= shop->breaks_s))
		return false;
	shop->next_s = shop->now_s + 1 + draw(shop) % (2 * shop->every_s);
	return true;
}

static void run(struct shop *shop, uint32_t until_s)
{
	struct sl_rhythm_view view;

	for (; shop->now_s < until_s; shop->now_s++) {
		bool packet = has_packet(shop);

		sl_rhythm_feed(&shop->r, 1, (shop->now_s + 1) * S, shop->now_s / HOUR % 168, packet,
			       packet && shop->now_s % 3 == 0);
		sl_rhythm_look(&shop->r, 1, &view);
		if (view.word == SL_RHYTHM_SILENT && !shop->was_silent) {
			shop->silent_s = shop->alarms++ ? shop->silent_s : shop->now_s;
		}
		shop->was_silent = view.word == SL_RHYTHM_SILENT;
	}
}

static void open_shop(struct shop *shop, uint32_t every_s)
{
	static const char name[2][SL_NAME_MAX] = {"other", "pos"};

	memset(shop, 0, sizeof(*shop));
	shop->every_s = every_s;
	shop->seed = 421;
	sl_rhythm_name(&shop->r, 2, name);
}

/* Three weeks, then on a Tuesday at the hour of the row it falls silent. */
static const struct row {
	const char *name;
	uint32_t every_s, weeks, hour;
	bool seen;
	uint32_t within_s;
} rows[] = {
	{"a busy till, at noon", 1, 3, 12, true, 10},
	{"a till that pays once in half a minute", 30, 3, 12, true, 240},
	{"after two weeks already", 2, 2, 12, true, 20},
	{"in the second week nothing is known yet", 2, 1, 12, false, 0},
	{"at night nobody expects it", 1, 3, 23, false, 0},
	{"a service that rests for a quarter of an hour", 900, 3, 12, false, 0},
};

static void falls_silent(void **state)
{
	const struct row *row = *state;
	static struct shop shop;

	open_shop(&shop, row->every_s);
	shop.breaks_s = row->weeks * WEEK + 24 * HOUR + row->hour * HOUR + HOUR / 2;
	run(&shop, shop.breaks_s);
	assert_int_equal(shop.alarms, 0);
	run(&shop, shop.breaks_s + HOUR / 4);
	assert_int_equal(shop.alarms, row->seen);
	if (row->seen)
		assert_in_range(shop.silent_s - shop.breaks_s, 1, row->within_s);
}

/* A quarter of a year of ordinary weeks: hardly ever an alarm. */
static void ordinary(void **state)
{
	static struct shop shop;
	struct sl_rhythm_view view;

	open_shop(&shop, 10);
	run(&shop, 12 * WEEK + 24 * HOUR + 12 * HOUR + 1800);
	assert_int_equal(shop.alarms, 0);
	sl_rhythm_look(&shop.r, 1, &view);
	assert_int_equal(view.weeks, 12);
	assert_in_range(view.known_ns, 15 * S, 25 * S);
	assert_in_range(shop.r.memory[1].hour[24 + 12].packets, 300, 400);
	assert_in_range(shop.r.memory[1].hour[24 + 12].flows, 80, 160);
	assert_int_equal(shop.r.memory[1].hour[3].packets, 0);
}

/* While the process was away nothing was watched: neither learnt nor feared. */
static void away(void **state)
{
	static struct shop shop;
	struct sl_rhythm_view view;

	open_shop(&shop, 1);
	run(&shop, 3 * WEEK + 24 * HOUR + 12 * HOUR);
	shop.now_s += HOUR / 2;
	run(&shop, shop.now_s + 60);
	assert_int_equal(shop.alarms, 0);
	run(&shop, 3 * WEEK + 24 * HOUR + 13 * HOUR + 10);
	assert_int_equal(shop.r.memory[1].hour[24 + 12].weeks, 3); /* half an hour is none */
	sl_rhythm_look(&shop.r, 1, &view);
	assert_int_equal(view.weeks, 3);
}

/* An outage of a whole hour is not what is usual from then on. */
static void outage(void **state)
{
	static struct shop shop;
	uint32_t at_s = 4 * WEEK + 24 * HOUR + 12 * HOUR;

	open_shop(&shop, 1);
	shop.breaks_s = at_s;
	run(&shop, at_s + 2 * HOUR);
	assert_int_equal(shop.alarms, 1);
	assert_in_range(shop.r.memory[1].hour[24 + 12].rest_100ms, 20, 100);
	shop.breaks_s = 0;
	run(&shop, at_s + WEEK + HOUR / 2);
	shop.breaks_s = shop.now_s;
	run(&shop, at_s + WEEK + HOUR);
	assert_int_equal(shop.alarms, 2);
}

/* Another policy: what is known goes with the name. */
static void renamed(void **state)
{
	static const char name[3][SL_NAME_MAX] = {"other", "wifi", "pos"};
	static struct shop shop;
	struct sl_rhythm_view view;

	open_shop(&shop, 1);
	run(&shop, 2 * WEEK + HOUR);
	sl_rhythm_name(&shop.r, 3, name);
	assert_int_equal(shop.r.memory[2].hour[24 + 12].weeks, 2);
	assert_int_equal(shop.r.memory[1].hour[24 + 12].weeks, 0);
	sl_rhythm_look(&shop.r, 2, &view);
	assert_int_equal(view.word, SL_RHYTHM_UNKNOWN);
}

int main(void)
{
	struct sl_row_tests tests = {0};

	SL_ROWS_ADD(&tests, rows, falls_silent);
	sl_row_add(&tests, "twelve ordinary weeks", ordinary, NULL);
	sl_row_add(&tests, "away for half an hour", away, NULL);
	sl_row_add(&tests, "an hour of outage", outage, NULL);
	sl_row_add(&tests, "another policy", renamed, NULL);
	return sl_row_run("rhythm", &tests);
}
