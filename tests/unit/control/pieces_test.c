/*
 * pieces_test.c - judge, locate, decide, prove: one row, one rule
 */
#include "tests/unit/row.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- judge: a string of pictures, what is settled after it ---
 * g good  d degraded (slow)  l degraded, one more segment lost  k degraded, the same loss still
 * D down  i idle  b blind  . the hold-down passes in good pictures
 */
#define HOLD_MS 5000

static const struct judge_row {
	const char *name, *pictures;
	enum sl_health state;
} judge_rows[] = {
	{"nothing seen", "", SL_HEALTH_UNKNOWN},
	{"idle says nothing", "iiiiii", SL_HEALTH_UNKNOWN},
	{"blind says nothing", "bbbbbb", SL_HEALTH_UNKNOWN},
	{"good", "g", SL_HEALTH_GOOD},
	{"two slow pictures are not enough", "gggdd", SL_HEALTH_GOOD},
	{"three in a row are", "gggddd", SL_HEALTH_DEGRADED},
	{"five of ten are", "gggdgdgdgdgd", SL_HEALTH_DEGRADED},
	{"four of ten are not", "gggdgdgdgggd", SL_HEALTH_GOOD},
	{"one loss in ten pictures is one loss", "ggglkkkkkkkkk", SL_HEALTH_GOOD},
	{"two losses of one burst are one", "gggllkkkk", SL_HEALTH_GOOD},
	{"two losses well apart are", "ggglkkklkk", SL_HEALTH_DEGRADED},
	{"blackout: two pictures", "gDD", SL_HEALTH_DOWN},
	{"one dark picture is not", "gDg", SL_HEALTH_GOOD},
	{"down, then degraded", "gDDddd", SL_HEALTH_DEGRADED},
	{"good again only after the hold-down", "gddd.", SL_HEALTH_GOOD},
	{"not before", "gdddgggggggggg", SL_HEALTH_DEGRADED},
	{"a bad picture starts it anew", "gdddggggggggggdgggg", SL_HEALTH_DEGRADED},
	{"idle does not heal", "gdddiiiiiiiiiiiiii", SL_HEALTH_DEGRADED},
};

static void picture_of(char letter, struct sl_path_report *path, uint32_t *lost)
{
	memset(path, 0, sizeof(*path));
	path->window_ms = 1000;
	path->coverage_ppm = 1000000;
	path->rtt[1] = (struct sl_latency_report){"ts", 20, 0, 20000, 30000, 40000};
	path->loss[0].segments = 100;
	path->state = SL_HEALTH_GOOD;
	if (letter == 'd')
		path->rtt[1] = (struct sl_latency_report){"ts", 20, 15, 170000, 190000, 200000};
	*lost += letter == 'l';
	if (letter == 'l' || letter == 'k')
		path->loss[0].lost_after = *lost;
	if (strchr("dlk", letter))
		path->state = SL_HEALTH_DEGRADED;
	else if (letter == 'D')
		path->state = SL_HEALTH_DOWN;
	else if (letter == 'i')
		path->state = SL_HEALTH_IDLE;
	else if (letter == 'b')
		path->state = SL_HEALTH_BLIND;
}

static void judge(void **state)
{
	const struct judge_row *row = *state;
	struct sl_policy_slo slo = {80000000, 950000, 5000, UINT32_MAX, 1000};
	struct sl_judge_context context = {.slo = &slo, .now_ms = 100000, .hold_ms = HOLD_MS};
	struct sl_path_report path;
	struct sl_judge kept = {0};
	uint32_t lost = 0;

	for (const char *letter = row->pictures; *letter; letter++) {
		unsigned int times = *letter == '.' ? HOLD_MS / 100 + 1 : 1;

		while (times--) {
			picture_of(*letter == '.' ? 'g' : *letter, &path, &lost);
			context.now_ms += 100;
			sl_judge_picture(&kept, &path, &context);
		}
	}
	assert_int_equal(kept.state, row->state);
}

static void neighbours_loss_counts(void **state)
{
	struct sl_policy_slo slo = {80000000, 950000, 5000, UINT32_MAX, 1000};
	struct sl_judge_context context = {.slo = &slo,
					   .now_ms = 100000,
					   .hold_ms = HOLD_MS,
					   .pool_lost = 30,
					   .pool_ppm = 30000};
	struct sl_path_report path;
	struct sl_judge kept = {0};
	uint32_t lost = 0;

	for (const char *letter = "glkk"; *letter; letter++) {
		picture_of(*letter, &path, &lost);
		context.now_ms += 100;
		sl_judge_picture(&kept, &path, &context);
	}
	assert_int_equal(kept.state, SL_HEALTH_DEGRADED);
}

/* --- locate and decide: a scene with each path's measures --- */
struct measure {
	enum sl_health state;
	uint32_t p95_ms, base_ms; /* WAN leg */
	uint32_t loss_ppm, lan_ppm;
	uint64_t mbit;
};

#define G20                                     \
	{                                       \
		SL_HEALTH_GOOD, 20, 20, 0, 0, 1 \
	}
#define IDLE                                  \
	{                                     \
		SL_HEALTH_IDLE, 0, 0, 0, 0, 0 \
	}
#define SLOW                                         \
	{                                            \
		SL_HEALTH_DEGRADED, 170, 20, 0, 0, 1 \
	}
#define LOSSY                                           \
	{                                               \
		SL_HEALTH_DEGRADED, 20, 20, 30000, 0, 1 \
	}
#define DARK                                   \
	{                                      \
		SL_HEALTH_DOWN, 0, 20, 0, 0, 0 \
	}

static const struct scene_row {
	const char *name;
	struct measure pos, collect, guest, pos_lte; /* the first three on fibre */
	enum sl_verdict verdict;
	enum sl_remedy remedy;
	enum sl_health fibre, lte;
	uint32_t coverage_ppm;
} scene_rows[] = {
	{"slow, the neighbours too: uplink",
	 SLOW,
	 SLOW,
	 {SL_HEALTH_GOOD, 170, 20, 0, 0, 1},
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"slow, a neighbour within its lax SLO suffers the same: uplink",
	 SLOW,
	 {SL_HEALTH_GOOD, 165, 20, 0, 0, 1},
	 IDLE,
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"slow, a far neighbour is as slow as ever: destination",
	 SLOW,
	 IDLE,
	 {SL_HEALTH_GOOD, 170, 168, 0, 0, 1},
	 IDLE,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY},
	{"slow, neighbours well: destination", SLOW, G20, G20, IDLE, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY},
	{"slow, nothing to compare with: try", SLOW, IDLE, IDLE, IDLE, SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE},
	{"slow on both uplinks: destination", SLOW, IDLE, IDLE, SLOW, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY},
	{"slow, and the guests alone as well, as anyone can be: tried",
	 SLOW,
	 IDLE,
	 {SL_HEALTH_GOOD, 165, 20, 0, 0, 1},
	 IDLE,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE},
	{"lossy, the neighbours too: uplink",
	 LOSSY,
	 {SL_HEALTH_GOOD, 20, 20, 25000, 0, 1},
	 IDLE,
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"lossy, many segments of neighbours get through: destination", LOSSY, IDLE, G20, IDLE,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY},
	{"lossy on the LAN leg only: lan",
	 {SL_HEALTH_DEGRADED, 20, 20, 0, 60000, 1},
	 G20,
	 G20,
	 IDLE,
	 SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY},
	{"lossy on the LAN leg, a tenth of it on the WAN leg: lan",
	 {SL_HEALTH_DEGRADED, 20, 20, 6000, 60000, 1},
	 G20,
	 LOSSY,
	 IDLE,
	 SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY},
	{"lossy on the LAN leg, and the uplink a little slow for all: lan",
	 {SL_HEALTH_DEGRADED, 90, 60, 0, 60000, 1},
	 {SL_HEALTH_GOOD, 90, 60, 0, 0, 1},
	 G20,
	 IDLE,
	 SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY},
	{"lossy on the LAN leg, and the uplink slow by far: uplink",
	 {SL_HEALTH_DEGRADED, 170, 20, 0, 60000, 1},
	 SLOW,
	 G20,
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"lossy on both legs: not the LAN alone",
	 {SL_HEALTH_DEGRADED, 20, 20, 30000, 60000, 1},
	 LOSSY,
	 IDLE,
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"dark, the uplink is down: uplink", DARK, DARK, DARK, IDLE, SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE, SL_HEALTH_DOWN},
	{"dark, the others are well: destination", DARK, G20, G20, IDLE, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY, SL_HEALTH_GOOD},
	{"little of it is measured: self", SLOW, SLOW, IDLE, IDLE, SL_VERDICT_SELF, SL_REMEDY_HOLD,
	 0, 0, 200000},
	{"the other uplink is down: hold", SLOW, SLOW, IDLE, IDLE, SL_VERDICT_UPLINK,
	 SL_REMEDY_HOLD, 0, SL_HEALTH_DOWN},
	{"dark here, degraded there: better than nothing", DARK, DARK, DARK, IDLE,
	 SL_VERDICT_UPLINK, SL_REMEDY_REROUTE, SL_HEALTH_DOWN, SL_HEALTH_DEGRADED},
	{"slow, and the guest has filled the uplink: throttle",
	 SLOW,
	 SLOW,
	 {SL_HEALTH_GOOD, 170, 20, 0, 0, 17},
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_THROTTLE},
	{"the guest has most, but little of the capacity: reroute",
	 SLOW,
	 SLOW,
	 {SL_HEALTH_GOOD, 170, 20, 0, 0, 3},
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
	{"lossy while the guest is busy: reroute, its rate is not the cause",
	 LOSSY,
	 LOSSY,
	 {SL_HEALTH_GOOD, 20, 20, 30000, 0, 17},
	 IDLE,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE},
};

static void put(struct world *world, unsigned int s, unsigned int u, const struct measure *m)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];
	struct sl_judge *kept = &world->site.judge[s][u];
	uint32_t limit_ms = (uint32_t)(world->policy.service[s].slo.latency_ns / 1000000);
	bool seen = m->state != SL_HEALTH_IDLE && m->state != SL_HEALTH_DOWN;

	*path = (struct sl_path_report){.state = m->state,
					.window_ms = 1000,
					.coverage_ppm = 1000000,
					.packets = {100, 100},
					.bytes = {0, m->mbit * 125000}};
	memcpy(path->service, world->policy.service[s].name, SL_NAME_MAX);
	memcpy(path->uplink, world->policy.uplink[u].name, SL_NAME_MAX);
	if (seen) {
		path->rtt[1] = (struct sl_latency_report){"ts",
							  50,
							  m->p95_ms > limit_ms ? 50 : 0,
							  m->p95_ms * 1000,
							  m->p95_ms * 1000,
							  m->p95_ms * 1000};
		path->loss[0].segments = 1000;
		path->loss[0].lost_after = m->loss_ppm / 1000;
		path->loss[0].lost_before = m->lan_ppm / 1000;
	}
	kept->base_p50_us = kept->base_p95_us = m->base_ms * 1000;
	kept->base_bps[1] = 1000000;
	if (m->state != SL_HEALTH_DEGRADED && m->state != SL_HEALTH_DOWN)
		return;
	kept->state = m->state;
	kept->bad_now = true;
	kept->bad_ms = world->now_ms;
}

static void scene(void **state)
{
	const struct scene_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_scene seen = {.view = &world->site.view, .judge = world->site.judge};
	char why[SL_TEXT_MAX];
	struct sl_question question = {.service = POS, .uplink = FIBRE, .found = why};
	struct sl_decision record = {.options = 0};
	struct sl_choice choice;
	enum sl_verdict verdict;

	world_start(world, SL_MODE_ENFORCE, 10000);
	put(world, POS, FIBRE, &row->pos);
	if (row->coverage_ppm)
		world->picture.path[0].coverage_ppm = row->coverage_ppm;
	put(world, COLLECT, FIBRE, &row->collect);
	put(world, GUEST, FIBRE, &row->guest);
	put(world, POS, LTE, &row->pos_lte);
	world->picture.uplinks = 2;
	world->picture.uplink[FIBRE] = (struct sl_uplink_report){"fibre", row->fibre};
	world->picture.uplink[LTE] = (struct sl_uplink_report){"lte", row->lte};
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	seen.now_ms = world->now_ms;
	verdict = sl_locate(&seen, POS, FIBRE, why);
	assert_int_equal(verdict, row->verdict);
	question.verdict = verdict;
	sl_decide(&seen, &question, &choice, &record);
	assert_int_equal(choice.remedy, row->remedy);
	if (row->pos_lte.state == SL_HEALTH_DEGRADED)
		assert_string_equal(record.option[1].why, "same destination bad there too");
	if (choice.remedy == SL_REMEDY_REROUTE) {
		assert_int_equal(choice.uplink, LTE);
		assert_int_equal(choice.live, row->pos.state == SL_HEALTH_DOWN);
	}
	if (choice.remedy == SL_REMEDY_THROTTLE) {
		assert_int_equal(choice.culprit, GUEST);
		assert_int_equal(choice.limit_bps, 8500000);
		question.throttle_tried_ms = 40000;
		sl_decide(&seen, &question, &choice, &record);
		assert_int_equal(choice.remedy, SL_REMEDY_REROUTE);
	}
	free(world);
}

/* --- prove --- */
static const struct move_row {
	const char *name;
	struct sl_judge judge; /* at 20 s, moved at 10 s unless said */
	uint64_t moved_ms;
	enum sl_proof proof;
	bool known;
} move_rows[] = {
	{"nothing yet", {0}, 18000, SL_PROOF_PENDING},
	{"good for two seconds", {.good_ms = 10500, .seen_ms = 20000}, 10000, SL_PROOF_GOOD},
	{"good before the move is not after it",
	 {.good_ms = 5000, .seen_ms = 20000},
	 19000,
	 SL_PROOF_PENDING},
	{"bad after it has settled",
	 {.state = SL_HEALTH_DEGRADED, .bad_now = true, .bad_run = 3, .bad_ms = 20000},
	 18000,
	 SL_PROOF_BAD},
	{"bad within the first window: wait",
	 {.state = SL_HEALTH_DEGRADED, .bad_now = true, .bad_run = 3, .bad_ms = 20000},
	 19500,
	 SL_PROOF_PENDING},
	{"good for less than two seconds",
	 {.good_ms = 10500, .seen_ms = 20000},
	 18700,
	 SL_PROOF_PENDING},
	{"which is enough for a remedy that is known",
	 {.good_ms = 10500, .seen_ms = 20000},
	 18700,
	 SL_PROOF_GOOD,
	 true},
	{"no traffic", {0}, 10000, SL_PROOF_UNSEEN},
};

static void move(void **state)
{
	const struct move_row *row = *state;

	assert_int_equal(sl_prove_move(&row->judge, row->moved_ms, 20000, row->known), row->proof);
}

static const struct backoff_row {
	const char *name;
	uint64_t hold_ms;
	uint32_t times;
	uint64_t ms;
} backoff_rows[] = {
	{"the first time: the hold-down", 30000, 0, 30000},
	{"then twice", 30000, 1, 60000},
	{"four times", 30000, 2, 120000},
	{"ten minutes at most", 30000, 9, 600000},
	{"a longer hold-down stands", 900000, 3, 900000},
};

static void backoff(void **state)
{
	const struct backoff_row *row = *state;

	assert_int_equal(sl_prove_backoff(row->hold_ms, row->times), row->ms);
}

/* --- the way home, seen by the guest's traffic on it for so long --- */
static const struct home_row {
	const char *name;
	struct measure guest;
	struct sl_badness left;
	uint32_t seen_ms;
	enum sl_way way;
	uint64_t segments;
} home_rows[] = {
	{"good, but not for long enough", G20, {.down = true}, 2900, SL_WAY_GOOD, 2000},
	{"good for the hold-down: each segment counted once",
	 G20,
	 {.down = true},
	 3000,
	 SL_WAY_PROVED,
	 3000},
	{"answers come, but it loses 3 %: not what pos may have",
	 {SL_HEALTH_GOOD, 20, 20, 30000, 0, 1},
	 {.down = true},
	 3000,
	 SL_WAY_BAD,
	 0},
	{"losses drove it away, and are gone", G20, {.loss_ppm = 30000}, 3000, SL_WAY_PROVED, 3000},
	{"nobody uses it: nothing known", IDLE, {.down = true}, 3000, SL_WAY_UNKNOWN, 0},
};

static void home(void **state)
{
	const struct home_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_scene seen = {.view = &world->site.view, .judge = world->site.judge};
	struct sl_home kept = {0};
	enum sl_way way = SL_WAY_UNKNOWN;

	world_start(world, SL_MODE_ENFORCE, 3000);
	put(world, GUEST, FIBRE, &row->guest);
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	for (uint32_t ms = 0; ms <= row->seen_ms; ms += 100) {
		seen.now_ms = 100000 + ms;
		way = sl_prove_home(&kept, &seen, POS, FIBRE, &row->left, 3000);
	}
	assert_int_equal(way, row->way);
	assert_int_equal(kept.segments, row->segments);
	free(world);
}

/* --- usage: 8 Mbit/s for a second is a megabyte; what day it is decides the month --- */
static const struct usage_row {
	const char *name;
	uint64_t before_ns, after_ns; /* wall clock of two seconds counted */
	uint64_t bytes;
} usage_rows[] = {
	{"within a month it adds up", WORLD_UNIX_NS, WORLD_UNIX_NS + 1000000000, 2000000},
	{"a new month begins with nothing", WORLD_UNIX_NS,
	 WORLD_UNIX_NS + UINT64_C(7) * 86400 * 1000000000, 1000000},
	{"a new year too", WORLD_UNIX_NS, WORLD_UNIX_NS + UINT64_C(365) * 86400 * 1000000000,
	 1000000},
};

static void usage(void **state)
{
	const struct usage_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_usage kept = {0};

	world_start(world, SL_MODE_ENFORCE, 3000);
	world->picture.uplinks = 2;
	world->picture.uplink[FIBRE] =
		(struct sl_uplink_report){.name = "fibre", .rate_bps = {2000000, 6000000}};
	world->picture.uplink[LTE] = (struct sl_uplink_report){.name = "lte"};
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	sl_usage_count(&kept, &world->site.view, row->before_ns, 1000);
	sl_usage_count(&kept, &world->site.view, row->after_ns, 1000);
	assert_int_equal(sl_usage_of(&kept, "fibre"), row->bytes);
	assert_int_equal(sl_usage_of(&kept, "lte"), 0);
	assert_int_equal(sl_usage_of(&kept, "cable"), 0);
	free(world);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	SL_ROWS_ADD(tests, judge_rows, judge);
	sl_row_add(tests, "one loss of its own counts when the neighbours lose too",
		   neighbours_loss_counts, NULL);
	SL_ROWS_ADD(tests, scene_rows, scene);
	SL_ROWS_ADD(tests, move_rows, move);
	SL_ROWS_ADD(tests, backoff_rows, backoff);
	SL_ROWS_ADD(tests, home_rows, home);
	SL_ROWS_ADD(tests, usage_rows, usage);
	failed = sl_row_run("pieces", tests);
	free(tests);
	return failed;
}
