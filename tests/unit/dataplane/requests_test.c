/*
 * requests_test.c - what is usual of a service, and when its requests hang
 *
 * Each row is a course of seconds, some alike in a row; answers and hanging requests a second of
 * each of two paths of one service.
 */
#include "dataplane/requests.h"

#include <string.h>

#include "tests/unit/row.h"

#define SERVICE 2
#define STEPS   6

struct step {
	uint32_t seconds, answered[2], hung[2];
};

static const struct row {
	const char *name;
	struct step step[STEPS];
	uint32_t hung[2], tried[2]; /* what is told behind the last */
} rows[] = {
	{"all is answered", {{60, {5}}}, {0}, {100}},
	{"unknown yet: nothing is told", {{18, {1}}, {5, {0}, {1}}}, {0}, {0}},
	{"the server hangs", {{60, {5}}, {6, {0}, {2}}}, {12}, {22}},
	{"for long: it stays told", {{60, {5}}, {600, {0}, {2}}}, {16}, {16}},
	{"and is well again: told for 20 s", {{60, {5}}, {60, {0}, {2}}, {19, {5}}}, {2}, {97}},
	{"then no more", {{60, {5}}, {60, {0}, {2}}, {20, {5}}}, {0}, {100}},
	{"a service that never answers is not ill", {{600, {0}, {1}}}, {0}, {0}},
	{"nor one that answers now and then", {{600, {1}, {1}}}, {0}, {0}},
	{"one long poll among many answers is told, and is little",
	 {{300, {5}}, {1, {5}, {1}}},
	 {1},
	 {101}},
	{"what is usual of a service is so by its other uplink, too",
	 {{60, {5}}, {4, {0}, {0, 1}}},
	 {0, 4},
	 {80, 4}},
	{"few: the longer span", {{60, {5}}, {10, {0}}, {2, {0}, {1}}}, {2}, {42}},
	{"no traffic is nothing", {{60, {5}}, {60, {0}}}, {0}, {0}},
};

static void course(void **state)
{
	const struct row *row = *state;
	static struct sl_requests requests;
	/* They grow modulo 2^32, and began long before. */
	uint32_t answered[2] = {UINT32_MAX - 7, 3}, hung[2] = {UINT32_MAX - 1, 900};

	memset(&requests, 0, sizeof(requests));
	for (int i = 0; i < STEPS; i++)
		for (uint32_t s = 0; s < row->step[i].seconds; s++) {
			sl_requests_second(&requests);
			for (unsigned int u = 0; u < 2; u++) {
				answered[u] += row->step[i].answered[u];
				hung[u] += row->step[i].hung[u];
				sl_requests_take(&requests, SL_PATH(SERVICE, u), answered[u],
						 hung[u]);
			}
		}
	for (unsigned int u = 0; u < 2; u++) {
		uint32_t tried;

		assert_int_equal(sl_requests_unanswered(&requests, SL_PATH(SERVICE, u), &tried),
				 row->hung[u]);
		assert_int_equal(tried, row->tried[u]);
	}
	uint32_t tried;

	assert_int_equal(sl_requests_unanswered(&requests, SL_PATH(SERVICE + 1, 0), &tried), 0);
	assert_int_equal(tried, 0);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, course);
	return sl_row_run("dataplane requests", &tests);
}
