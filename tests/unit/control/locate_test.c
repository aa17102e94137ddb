/*
 * locate_test.c - the verdicts that need more than times and segments: DNS, media
 */
#include "tests/unit/row.h"

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one path does in a window of 1 s, said shortly. */
struct does {
	const char *by; /* method of its times; NULL = none */
	uint32_t queries, unanswered, failed;
	uint32_t attempts, repeated; /* the rest is established */
	uint32_t media, media_lost;  /* from the WAN */
	uint32_t lan_media_lost;     /* of as many from the LAN */
	uint32_t segments;
	bool slow, lossy, bad, down;
};

#define WELL                                                                \
	{                                                                   \
		.by = "ts", .attempts = 10, .queries = 20, .segments = 1000 \
	}
#define RESOLVER_DEAD                                                                    \
	{                                                                                \
		.by = "ts", .queries = 20, .unanswered = 12, .attempts = 10, .bad = true \
	}
#define NOTHING   \
	{         \
		0 \
	}

static const struct row {
	const char *name;
	struct does pos, collect; /* on fibre */
	enum sl_verdict verdict;
	enum sl_remedy remedy;
	const char *why; /* a part of it */
} rows[] = {
	{"queries go unanswered, connections do not: dns", RESOLVER_DEAD, NOTHING, SL_VERDICT_DNS,
	 SL_REMEDY_NOTIFY, "12 of 20 queries fail, pos connects"},
	{"the resolver refuses: dns",
	 {.by = "ts", .queries = 20, .failed = 9, .bad = true},
	 NOTHING,
	 SL_VERDICT_DNS,
	 SL_REMEDY_NOTIFY,
	 "9 of 20 queries fail"},
	{"only queries, another service connects: dns",
	 {.queries = 20, .unanswered = 20, .bad = true},
	 WELL,
	 SL_VERDICT_DNS,
	 SL_REMEDY_NOTIFY,
	 "20 of 20 queries fail, collect connects"},
	{"all services' queries fail, their connections do not: dns", RESOLVER_DEAD, RESOLVER_DEAD,
	 SL_VERDICT_DNS, SL_REMEDY_NOTIFY, "12 of 20 queries fail, pos connects"},
	{"nothing answers a DNS service, another connects: dns",
	 {.queries = 20, .unanswered = 20, .bad = true, .down = true},
	 WELL,
	 SL_VERDICT_DNS,
	 SL_REMEDY_NOTIFY,
	 "collect connects"},
	{"a DNS service is slow, another connects: dns",
	 {.by = "dns", .queries = 20, .slow = true, .bad = true},
	 WELL,
	 SL_VERDICT_DNS,
	 SL_REMEDY_NOTIFY,
	 "queries take 170.0 ms, collect connects"},
	{"queries fail and nobody connects: unknown",
	 {.queries = 20, .unanswered = 20, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else on fibre"},
	{"another that only asks is no proof of connections: not dns",
	 {.queries = 20, .unanswered = 20, .bad = true},
	 {.by = "dns", .queries = 20},
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "collect is well"},
	{"connections fail as well: not dns",
	 {.by = "ts", .queries = 20, .unanswered = 12, .attempts = 10, .repeated = 6, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"another service's connections fail: uplink",
	 RESOLVER_DEAD,
	 {.by = "ts", .attempts = 10, .repeated = 8, .bad = true},
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE,
	 "collect suffers on fibre as well"},
	{"slow by more than DNS: not dns",
	 {.by = "ts", .queries = 20, .unanswered = 12, .slow = true, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"within the SLO's failures: not dns",
	 {.by = "ts", .queries = 2000, .unanswered = 12, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"dark with open connections: not dns",
	 {.queries = 9, .unanswered = 9, .segments = 40, .bad = true, .down = true},
	 WELL,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "collect is well"},
	{"lossy beside a dead resolver: its queries are no evidence of the uplink",
	 {.by = "ts", .segments = 1000, .lossy = true, .bad = true},
	 RESOLVER_DEAD,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"media is lost, a neighbour's media too: uplink",
	 {.media = 1000, .media_lost = 30, .bad = true},
	 {.media = 1000, .media_lost = 25},
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE,
	 "collect suffers"},
	{"media is lost, a neighbour's segments are not: destination",
	 {.media = 1000, .media_lost = 30, .bad = true},
	 WELL,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "collect is well"},
	{"media is lost on its way to us from the LAN: lan",
	 {.media = 1000, .lan_media_lost = 60, .bad = true},
	 WELL,
	 SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY,
	 "loss 6.00 %, WAN leg is clean"},
};

static void put_counts(struct sl_path_report *path, const struct does *does)
{
	path->queries = does->queries;
	path->queries_unanswered = does->unanswered;
	path->queries_failed = does->failed;
	path->attempts = does->attempts;
	path->attempts_repeated = does->repeated;
	path->established = does->attempts - does->repeated;
	path->loss[0].segments = does->segments;
	path->loss[0].lost_after = does->lossy ? does->segments * 3 / 100 : 0;
	path->media[1].expected = path->media[0].expected = does->media;
	path->media[1].packets = does->media - does->media_lost;
	path->media[0].packets = does->media - does->lan_media_lost;
}

static void put(struct world *world, unsigned int service, const struct does *does)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];
	struct sl_judge *kept = &world->site.judge[service][FIBRE];
	uint32_t p95_us = does->slow ? 170000 : 20000;

	*path = (struct sl_path_report){.state = does->down  ? SL_HEALTH_DOWN
						 : does->bad ? SL_HEALTH_DEGRADED
							     : SL_HEALTH_GOOD,
					.window_ms = 1000,
					.coverage_ppm = 1000000,
					.packets = {100, 100}};
	memcpy(path->service, world->policy.service[service].name, SL_NAME_MAX);
	memcpy(path->uplink, world->policy.uplink[FIBRE].name, SL_NAME_MAX);
	put_counts(path, does);
	if (does->by) {
		path->rtt[1] = (struct sl_latency_report){.samples = 50,
							  .above_slo = does->slow ? 50 : 0,
							  .p95_us = p95_us};
		strcpy(path->rtt[1].method, does->by);
	}
	path->dns.p95_us = p95_us;
	kept->base_p50_us = kept->base_p95_us = 20000;
	kept->state = path->state;
	kept->bad_now = does->bad;
	kept->bad_ms = does->bad ? world->now_ms : 0;
}

static void locate(void **state)
{
	const struct row *row = *state;
	static const struct does nothing;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_scene seen = {.view = &world->site.view, .judge = world->site.judge};
	char why[SL_TEXT_MAX];
	struct sl_choice choice;
	enum sl_verdict verdict;

	world_start(world, SL_MODE_ENFORCE, 10000);
	for (unsigned int s = 0; s < WORLD_SERVICES; s++)
		world->policy.service[s].slo.failures_ppm = 10000;
	put(world, POS, &row->pos);
	if (memcmp(&row->collect, &nothing, sizeof(nothing)) != 0)
		put(world, COLLECT, &row->collect);
	world->picture.uplinks = 2;
	world->picture.uplink[FIBRE] = (struct sl_uplink_report){"fibre", SL_HEALTH_GOOD};
	world->picture.uplink[LTE] = (struct sl_uplink_report){"lte", SL_HEALTH_GOOD};
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	seen.now_ms = world->now_ms;
	verdict = sl_locate(&seen, POS, FIBRE, why);
	if (verdict != row->verdict || !strstr(why, row->why))
		fail_msg("%s: \"%s\", wanted %s: \"%s\"", sl_verdict_word(verdict), why,
			 sl_verdict_word(row->verdict), row->why);
	sl_decide(&seen, POS, FIBRE, verdict, false, &choice);
	assert_int_equal(choice.remedy, row->remedy);
	free(world);
}

/* Each new kind of bad sample lets a degraded picture count as bad. */
static const struct judge_row {
	const char *name;
	struct does each;  /* added with every so manieth picture of 100 ms ... */
	int every, number; /* ... so often */
	enum sl_health state;
} judge_rows[] = {
	{"unanswered queries settle a brownout", {.unanswered = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"failed queries do", {.failed = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"lost media does", {.media = 50, .media_lost = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"lost media of the LAN does",
	 {.media = 50, .lan_media_lost = 2},
	 3,
	 4,
	 SL_HEALTH_DEGRADED},
	{"without a bad sample nothing does", {.queries = 9, .media = 50}, 3, 4, SL_HEALTH_GOOD},
	{"a burst is one, however many fail in it", {.unanswered = 9}, 1, 8, SL_HEALTH_GOOD},
	{"what fails in every picture is no burst after a second",
	 {.unanswered = 1},
	 1,
	 14,
	 SL_HEALTH_DEGRADED},
};

static void settles(void **state)
{
	const struct judge_row *row = *state;
	const struct sl_policy_slo slo = {80000000, 950000, 5000, 10000, 1000};
	struct sl_judge_context context = {.slo = &slo, .now_ms = 100000, .hold_ms = 5000};
	struct sl_path_report path = {.state = SL_HEALTH_GOOD, .window_ms = 1000};
	struct sl_judge kept = {0};
	struct does sum = {0};

	sl_judge_picture(&kept, &path, &context);
	path.state = SL_HEALTH_DEGRADED;
	for (int i = 0; i < 16; i++) {
		if (i % row->every == 0 && i / row->every < row->number) {
			sum.unanswered += row->each.unanswered;
			sum.failed += row->each.failed;
			sum.media += row->each.media;
			sum.media_lost += row->each.media_lost;
			sum.lan_media_lost += row->each.lan_media_lost;
		}
		put_counts(&path, &sum);
		context.now_ms += 100;
		sl_judge_picture(&kept, &path, &context);
	}
	assert_int_equal(kept.state, row->state);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, locate);
	SL_ROWS_ADD(&tests, judge_rows, settles);
	return sl_row_run("locate", &tests);
}
