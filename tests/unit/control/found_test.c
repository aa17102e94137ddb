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

static const struct row {
	const char *name;
	const char *pictures; /* 1 to 9: the rest, in seconds; h, u; : ten seconds pass */
	uint32_t idle_ms;     /* as is said then; 0 = nothing of it is */
} rows[] = {
	{"forgotten after 6 s", "6", 6000},
	{"the shortest rest counts, whenever it was seen", "846", 4000},
	{"the next picture has too little to tell", "6h", 6000},
	{"and for as long as their requests are judged", "6::h", 6000},
	{"and long after it: then it is the server that hangs", "6:::h", 0},
	{"what is seen anew has nothing of the old", "4:::h6", 6000},
	{"the uplink is at fault after all", "6u", 0},
	{"a server that hangs", "h", 0},
};

/* The picture of @kind of row.pictures. */
static void put(struct world *world, char kind)
{
	struct sl_path_report *path = &world->picture.path[0];
	bool forgotten = kind >= '1' && kind <= '9';

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
	assert_int_equal(sl_care_idle_ms(site, POS), row->idle_ms);
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, found);
	return sl_row_run("found", &tests);
}
