/*
 * ceiling_test.c - which rates are a cap, and what is made of it
 *
 * A guest downloads by lte (policy: 40 Mbit/s) while pos has its round trips there.
 */
#include "tests/unit/row.h"

#include "control/ceiling.h"

#include "world.h"

#include <stdlib.h>
#include <string.h>

#define PICTURES 30 /* 3 s */
#define BASE_US  45000

/* What the guest has, in kbit/s, and what pos waits, for PICTURES. */
struct day {
	uint32_t usual, now, wobble; /* wobble: added each other picture */
	uint32_t p50_ms;             /* of pos, all samples alike; its SLO is 80 ms */
	uint32_t limit;              /* of the guest, by us */
};

static const struct row {
	const char *name;
	struct day day, then; /* then: after it, for as long; .now 0 = nothing */
	uint32_t ceiling;     /* kbit/s, with what pos has; 0 = none */
	uint32_t later_ms;    /* looked at so long after */
} rows[] = {
	{"far less than usual, level, and all wait: capped", {10000, 2000, 0, 400}, {0}, 2100},
	{"nearly level is level", {10000, 2000, 150, 400}, {0}, 2100},
	{"more than it ever wanted, level, and all wait: it never could",
	 {100, 2000, 0, 400},
	 {0},
	 2100},
	{"as usual, and all wait: the way is slow, not capped", {2000, 2000, 0, 400}, {0}, 0},
	{"it comes and goes: no ceiling", {10000, 2000, 900, 400}, {0}, 0},
	{"nobody waits: it wants no more", {10000, 2000, 0, 46}, {0}, 0},
	{"within the SLO is no queue", {10000, 2000, 0, 79}, {0}, 0},
	{"over the SLO, but hardly more than is normal", {10000, 2000, 0, 85}, {0}, 0},
	{"over half of the capacity: full, not capped", {10000, 21000, 0, 400}, {0}, 0},
	{"next to nothing passes: broken, not capped", {10000, 20, 0, 400}, {0}, 0},
	{"what we limit ourselves tells nothing", {10000, 2000, 0, 400, 2000}, {0}, 0},
	{"capped, and then limited: it stands",
	 {10000, 2000, 0, 400},
	 {10000, 1000, 0, 46, 1000},
	 2100},
	{"capped, and then more passes: no more", {10000, 2000, 0, 400}, {10000, 9000, 0, 46}, 0},
	{"capped, and stale", {10000, 2000, 0, 400}, {10000, 1000, 0, 46, 1000}, 0, 600001},
};

static void put(struct world *world, unsigned int service, uint32_t kbit, uint32_t p50_ms)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];
	uint32_t limit_ms = (uint32_t)(world->policy.service[service].slo.latency_ns / 1000000);

	*path = (struct sl_path_report){.uplink = "lte",
					.state = SL_HEALTH_GOOD,
					.window_ms = 1000,
					.bytes = {0, kbit * 125ull},
					.rtt = {[1] = {.samples = 40,
						       .above_slo = p50_ms > limit_ms ? 40 : 0,
						       .p50_us = p50_ms * 1000,
						       .p95_us = p50_ms * 1000}}};
	memcpy(path->service, world->policy.service[service].name, SL_NAME_MAX);
}

static void live(struct world *world, struct sl_ceiling *ceiling, struct sl_scene *scene,
		 const struct day *day)
{
	if (!day->now)
		return;
	world->site.judge[POS][LTE].base_p50_us = BASE_US;
	world->site.judge[GUEST][LTE].base_bps[1] = day->usual * 1000ull;
	for (int i = 0; i < PICTURES; i++) {
		world->picture.paths = 0;
		put(world, POS, 100, day->p50_ms);
		put(world, GUEST, day->now + (i % 2 ? day->wobble : 0), day->p50_ms);
		world->picture.services = 1;
		world->picture.service[0] =
			(struct sl_service_report){.name = "guest",
						   .uplink = "lte",
						   .limit_bps = {0, day->limit * 1000ull}};
		sl_view_make(&world->site.view, &world->policy, &world->picture);
		sl_ceiling_picture(&ceiling[LTE], scene, LTE);
		scene->now_ms += 100;
	}
}

static void see(void **state)
{
	const struct row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_ceiling ceiling[SL_SITE_UPLINKS] = {0};
	struct sl_scene scene = {.view = &world->site.view,
				 .judge = world->site.judge,
				 .ceiling = ceiling,
				 .now_ms = 1000000};

	world_start(world, SL_MODE_ENFORCE, 10000);
	live(world, ceiling, &scene, &row->day);
	live(world, ceiling, &scene, &row->then);
	scene.now_ms += row->later_ms;
	sl_ceiling_picture(&ceiling[LTE], &scene, LTE);
	assert_int_equal(sl_ceiling_seen(&scene, LTE, 1), row->ceiling * 1000ull);
	assert_int_equal(sl_ceiling_seen(&scene, LTE, 0), 0);
	assert_int_equal(sl_ceiling_capacity(&scene, LTE, 1),
			 row->ceiling ? row->ceiling * 1000ull : 40000000);
	free(world);
}

/* Its words; and nothing is moved to where the policy alone sees room. */
static void leaves_no_room(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct sl_ceiling ceiling[SL_SITE_UPLINKS] = {
		[LTE] = {.side[1] = {.seen_bps = 2100000, .seen_ms = 1000000}}};
	struct sl_scene scene = {.view = &world->site.view,
				 .judge = world->site.judge,
				 .now_ms = 1000000};
	char why[SL_WHY_MAX], text[SL_CEILING_TEXT];

	world_start(world, SL_MODE_ENFORCE, 10000);
	world->picture.uplinks = 1;
	world->picture.uplink[0] = (struct sl_uplink_report){.name = "lte",
							     .state = SL_HEALTH_GOOD,
							     .rate_bps = {0, 1500000}};
	world->site.judge[COLLECT][FIBRE].peak_bps[1] = 800000;
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	assert_int_equal(sl_preflight(&scene, COLLECT, FIBRE, LTE, why), SL_FIT_GOOD);
	sl_ceiling_say(&scene, LTE, text);
	assert_string_equal(text, "");
	scene.ceiling = ceiling;
	assert_int_equal(sl_preflight(&scene, COLLECT, FIBRE, LTE, why), SL_FIT_LAST);
	assert_string_equal(why,
			    "no headroom: 2.3 of 2.1 Mbit/s with it: more is not seen to pass");
	sl_ceiling_say(&scene, LTE, text);
	assert_string_equal(text, "rate is flat at 2.1 of 40.0 Mbit/s: capped?");
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, see);
	sl_row_add(&tests, "what is seen to pass is the headroom", leaves_no_room, NULL);
	return sl_row_run("ceiling", &tests);
}
