/*
 * found_test.c - what of a fault's evidence stands when the next pictures have less of it
 *
 * Each picture is of pos on the fibre, one a second: connections were reset after a rest while new
 * ones open (a digit); its requests are unanswered (h); the uplink is dark (u).
 */
#include "tests/unit/row.h"

#include "control/care.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

static const struct row {
	const char *name;
	const char *
		pictures; /* 1 to 9: the rest, in seconds, 0: not known; h, u; : ten seconds pass */
	uint32_t rest_ms; /* as is said then; NONE = nothing of it is */
} rows[] = {
	{"forgotten after 6 s", "6", 6000},
	{"the shortest rest counts, whenever it was seen", "846", 4000},
	{"one that is known is better than none", "60", 6000},
	{"and takes its place", "06", 6000},
	{"no rest was seen", "0", 0},
	{"the next picture has too little to tell", "6h", 6000},
	{"and many after it: then it is the server that hangs", "6:h", NONE},
	{"what is seen anew has nothing of the old", "4:h6", 6000},
	{"the uplink is at fault after all", "6u", NONE},
	{"a server that hangs", "h", NONE},
};

/* The picture of @kind of row.pictures. */
static void put(struct world *world, char kind)
{
	struct sl_path_report *path = &world->picture.path[0];
	bool forgotten = kind >= '0' && kind <= '9';

	*path = (struct sl_path_report){.service = "pos",
					.uplink = "fibre",
					.state = SL_HEALTH_DEGRADED,
					.window_ms = 1000,
					.coverage_ppm = 1000000,
					.packets = {100, 100},
					.attempts = 10,
					.established = 10,
					.requests = 10,
					.requests_unanswered = 9};
	if (forgotten) {
		path->resets = path->idle_unanswered = 4;
		path->idle_ms = (uint32_t)(kind - '0') * 1000;
	}
	world->picture.paths = 1;
	world->picture.uplinks = 1;
	world->picture.uplink[0] =
		(struct sl_uplink_report){.name = "fibre",
					  .state = kind == 'u' ? SL_HEALTH_DOWN : SL_HEALTH_GOOD};
}

static void found(void **state)
{
	const struct row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_site *site = &world->site;
	char why[SL_TEXT_MAX];
	struct sl_idle idle;

	world_start(world, SL_MODE_ENFORCE, 10000);
	world->policy.service[POS].slo.failures_ppm = 10000;
	site->policy = world->policy;
	site->now_ms = 1000000;
	for (const char *kind = row->pictures; *kind; kind++) {
		if (*kind == ':') {
			site->now_ms += 10000;
			continue;
		}
		site->now_ms += 1000;
		put(world, *kind);
		sl_view_make(&site->view, &site->policy, &world->picture);
		sl_care_locate(site, POS, FIBRE, why);
	}
	idle = sl_care_idle(site, POS);
	assert_int_equal(idle.forgotten, row->rest_ms != NONE);
	if (idle.forgotten)
		assert_int_equal(idle.rest_ms, row->rest_ms);
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, found);
	return sl_row_run("found", &tests);
}
