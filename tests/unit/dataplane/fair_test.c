/*
 * fair_test.c - a flood, and one who comes behind it
 */
#include "dataplane/fair.h"
#include "tests/unit/row.h"

#define BUDGET 1000

static const struct row {
	const char *name;
	uint32_t flood; /* copies of client 1 before, at once */
	uint64_t client, used_ns;
	bool read;
} rows[] = {
	{"nobody came before", 0, 1, 0, true},
	{"within the share, late", SL_FAIR_SHARE - 1, 1, BUDGET - 1, true},
	{"beyond the share, early", SL_FAIR_SHARE, 1, BUDGET / 2 - 1, true},
	{"beyond the share, late", SL_FAIR_SHARE, 1, BUDGET / 2, false},
	{"behind another's flood, late", 1000, 2, BUDGET - 1, true},
	{"the time is over", 0, 2, BUDGET, false},
	{"the time is over for the flood, too", 1000, 1, BUDGET, false},
};

static void take(void **state)
{
	const struct row *row = *state;
	const struct sl_addr flood = {0, 1}, client = {0, row->client};
	struct sl_fair fair = {.budget_ns = BUDGET, .seed = 5};

	for (uint32_t i = 0; i < row->flood; i++)
		sl_fair_take(&fair, &flood, 0);
	assert_int_equal(sl_fair_take(&fair, &client, row->used_ns), row->read);
}

/* Who shares a place with the flood in one tick does not in most others. */
static void another_seed(void **state)
{
	const struct sl_addr flood = {0, 1}, client = {0, 2};
	uint32_t read = 0;

	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct sl_fair fair = {.budget_ns = BUDGET, .seed = seed};

		for (uint32_t i = 0; i < SL_FAIR_SHARE; i++)
			sl_fair_take(&fair, &flood, 0);
		read += sl_fair_take(&fair, &client, BUDGET / 2);
	}
	assert_true(read >= 980);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		sl_row_add(&tests, rows[i].name, take, &rows[i]);
	sl_row_add(&tests, "another tick, another place", another_seed, NULL);
	return sl_row_run("fair", &tests);
}
