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
	uint32_t attempts, repeated;                /* the rest is established */
	uint32_t media, media_lost, lan_media_lost; /* from the WAN; of as many from the LAN */
	uint32_t segments;
	uint32_t resets, stalls, again, hung; /* asked again by the stalled; requests, of ten */
	uint32_t rest_s;            /* of what is reset or stalled, before; 0 = not seen */
	uint32_t lan_lost, refused; /* segments from the LAN, before us; of the attempts */
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
#define LOSSY                                                            \
	{                                                                \
		.by = "ts", .segments = 1000, .lossy = true, .bad = true \
	}
#define HANGS                                                                       \
	{                                                                           \
		.by = "ts", .attempts = 10, .segments = 100, .hung = 9, .bad = true \
	}
#define REFUSED                                                                         \
	{                                                                               \
		.by = "ts", .attempts = 20, .refused = 18, .segments = 100, .bad = true \
	}
#define LAN_LOSSY                                                       \
	{                                                               \
		.by = "ts", .segments = 100, .lan_lost = 6, .bad = true \
	}
#define STALLED(flows, repeats)                                                           \
	{                                                                                 \
		.by = "ts", .attempts = 10, .segments = 1000, .lossy = true, .bad = true, \
		.stalls = flows, .again = repeats, .rest_s = 6                            \
	}
#define SLOW                                          \
	{                                             \
		.by = "ts", .slow = true, .bad = true \
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
	const char *why;    /* a part of it */
	bool well_on_lte;   /* pos is, now */
	struct does guest;  /* on fibre */
	struct does on_lte; /* pos */
	bool lte_down;
	uint32_t stuck, stuck_ms; /* large segments of pos, so long ago; 0 = never */
	uint32_t passed_ms;       /* so long ago one of them passed after all; 0 = never */
	bool waits;               /* it is too early for that verdict */
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
	{"lossy beside a dead resolver: its queries are no evidence of the uplink", LOSSY,
	 RESOLVER_DEAD, SL_VERDICT_UNKNOWN, SL_REMEDY_REROUTE, "nothing else"},
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
	{"old connections are reset, new ones open: destination, keep-alives",
	 {.by = "ts",
	  .attempts = 10,
	  .segments = 1000,
	  .resets = 4,
	  .stalls = 3,
	  .rest_s = 6,
	  .bad = true},
	 NOTHING,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "4 idle ones reset after 6 s, 10 new ones open"},
	{"their requests are met with resets, new ones open: the same",
	 {.by = "ts",
	  .attempts = 10,
	  .segments = 1000,
	  .resets = 4,
	  .hung = 4,
	  .rest_s = 6,
	  .bad = true},
	 WELL,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "4 idle ones reset after 6 s, 10 new ones open"},
	{"old connections are silent, new ones open: the same, though repeats look like loss",
	 STALLED(8, 22), NOTHING, SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY,
	 "8 idle ones silent after 6 s, 10 new ones open"},
	{"silent, but they had not been at rest: not that",
	 {.by = "ts", .attempts = 10, .segments = 1000, .stalls = 8, .again = 22, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"the same at rest, where a large segment was stuck a while ago: not that", STALLED(8, 22),
	 NOTHING, SL_VERDICT_UNKNOWN, SL_REMEDY_REROUTE, "nothing else", .stuck = 1,
	 .stuck_ms = 20000},
	{"large segments are stuck, many: MTU, so their MSS is clamped", STALLED(8, 22), NOTHING,
	 SL_VERDICT_UPLINK, SL_REMEDY_CLAMP, "MTU: nothing beyond 1200 bytes passes", .stuck = 4,
	 .stuck_ms = 100},
	{"two, and nothing passes for a second: the same", STALLED(8, 22), NOTHING,
	 SL_VERDICT_UPLINK, SL_REMEDY_CLAMP, "MTU: nothing beyond 1200 bytes passes", .stuck = 2,
	 .stuck_ms = 1000},
	{"two, but just now: they may pass yet", STALLED(8, 22), NOTHING, SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE, "nothing else", .stuck = 2, .stuck_ms = 500, .waits = true},
	{"the same, and one passed after all just now: a lossy uplink", STALLED(8, 22), NOTHING,
	 SL_VERDICT_UNKNOWN, SL_REMEDY_REROUTE, "nothing else", .stuck = 4, .stuck_ms = 500,
	 .passed_ms = 3000},
	{"what passed in the fault before says nothing of this one", STALLED(8, 22), NOTHING,
	 SL_VERDICT_UPLINK, SL_REMEDY_CLAMP, "MTU: nothing beyond 1200 bytes passes", .stuck = 4,
	 .stuck_ms = 500, .passed_ms = 8000},
	{"stalls that a repeat ends are loss", STALLED(25, 5), NOTHING, SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE, "nothing else"},
	{"some are silent, and more is lost than they repeat: not that", STALLED(5, 9), NOTHING,
	 SL_VERDICT_UNKNOWN, SL_REMEDY_REROUTE, "nothing else"},
	{"reset, and slow as well: not that",
	 {.by = "ts",
	  .attempts = 10,
	  .resets = 4,
	  .stalls = 3,
	  .rest_s = 6,
	  .slow = true,
	  .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"reset, and new ones do not open: not that",
	 {.by = "ts",
	  .attempts = 10,
	  .repeated = 4,
	  .resets = 4,
	  .stalls = 3,
	  .rest_s = 6,
	  .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else"},
	{"slow, a neighbour is well: destination, offline mode", SLOW, WELL, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY, "collect is well"},
	{"the same, but it is well on the other uplink: the way to it, so it moves", SLOW, WELL,
	 SL_VERDICT_UPLINK, SL_REMEDY_REROUTE, "it is well on lte now, by fibre it is ill", true},
	{"requests hang, all else is well: destination", HANGS, WELL, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY, "the server took 10 requests, left 9 unanswered"},
	{"requests hang, nothing to compare with: destination", HANGS, NOTHING,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY,
	 "the server took 10 requests, left 9 unanswered"},
	{"requests hang and segments are lost: not the server's",
	 {.by = "ts", .attempts = 10, .segments = 1000, .lossy = true, .hung = 9, .bad = true},
	 NOTHING,
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else on fibre"},
	{"requests hang here, elsewhere all is well: the way", HANGS, NOTHING, SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE, "it is well on lte now", true},
	{"lossy, and guests alone lose as well, as anyone can: tried, not believed", LOSSY, NOTHING,
	 SL_VERDICT_UNKNOWN, SL_REMEDY_REROUTE, "only guest suffers as well: no proof",
	 .guest = LOSSY},
	{"the same, and a few losses of one that we trust: uplink",
	 LOSSY,
	 {.by = "ts", .segments = 67, .lossy = true},
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE,
	 "collect suffers on fibre as well",
	 .guest = LOSSY},
	{"guests lose as well, but one that we trust does not: destination", LOSSY, WELL,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "collect is well", .guest = LOSSY},
	{"slow here and there: destination", SLOW, NOTHING, SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY, "bad on the other uplink as well", .on_lte = SLOW},
	{"slow here, and there some die out of what an ended fault left: not the far end", SLOW,
	 NOTHING, SL_VERDICT_UNKNOWN, SL_REMEDY_HOLD, "nothing else", .on_lte = LOSSY},
	{"lossy here, and the other uplink is dark: not the far end", LOSSY, NOTHING,
	 SL_VERDICT_UNKNOWN, SL_REMEDY_HOLD, "nothing else", .on_lte = {.bad = true, .down = true},
	 .lte_down = true},
	{"media is lost on its way to us from the LAN: lan",
	 {.media = 1000, .lan_media_lost = 60, .bad = true},
	 WELL,
	 SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY,
	 "loss 6.00 %, WAN leg is clean"},
	{"segments are lost on their way to us from the LAN: lan", LAN_LOSSY, WELL, SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY, "loss 6.00 %, WAN leg is clean"},
	{"one of twelve segments is lost on the LAN, and what was asked hangs: not the LAN",
	 {.by = "ts", .attempts = 10, .segments = 12, .lan_lost = 1, .hung = 9, .bad = true},
	 WELL,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "the server took 10 requests, left 9 unanswered"},
	/* Two faults at once: what the other has is no evidence, unless it is the like. */
	{"slow by its server, while another's LAN loses: destination", SLOW, LAN_LOSSY,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "collect is ill otherwise on fibre"},
	{"slow by its server, while another's refuses: destination", SLOW, REFUSED,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "collect is ill otherwise on fibre"},
	{"slow by its server, while another's way loses: destination", SLOW, LOSSY,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "collect is ill otherwise on fibre"},
	{"lossy by its way, while another's server is slow: destination",
	 LOSSY,
	 {.by = "ts", .segments = 1000, .slow = true, .bad = true},
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "collect is ill otherwise on fibre"},
	{"its server hangs, while another is slow: destination", HANGS, SLOW,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY,
	 "the server took 10 requests, left 9 unanswered"},
	{"its server refuses, while another is slow: destination", REFUSED, SLOW,
	 SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "the server refused 18 of 20 connections"},
	{"its LAN loses, while another's way does: lan", LAN_LOSSY, LOSSY, SL_VERDICT_LAN,
	 SL_REMEDY_NOTIFY, "loss 6.00 %, WAN leg is clean"},
	{"slow, and another refused, too thin to compare: tried, not believed",
	 SLOW,
	 {.attempts = 20, .refused = 18, .bad = true},
	 SL_VERDICT_UNKNOWN,
	 SL_REMEDY_REROUTE,
	 "nothing else on fibre to compare with"},
	{"connections do not open, while another's segments are lost: the like, uplink",
	 {.by = "ts", .attempts = 10, .repeated = 6, .bad = true},
	 LOSSY,
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE,
	 "collect suffers on fibre as well"},
	{"slow, and another is dark: uplink",
	 SLOW,
	 {.segments = 40, .bad = true, .down = true},
	 SL_VERDICT_UPLINK,
	 SL_REMEDY_REROUTE,
	 "collect suffers on fibre as well"},
	{"the server refuses, and the LAN is lossy as well: destination",
	 {.by = "ts", .attempts = 128, .refused = 126, .segments = 100, .lan_lost = 8, .bad = true},
	 WELL,
	 SL_VERDICT_DESTINATION,
	 SL_REMEDY_NOTIFY,
	 "the server refused 126 of 128 connections"},
};

static void put_counts(struct sl_path_report *path, const struct does *does)
{
	path->queries = does->queries;
	path->queries_unanswered = does->unanswered;
	path->queries_failed = does->failed;
	path->attempts = does->attempts;
	path->attempts_repeated = does->repeated;
	path->refused = does->refused;
	path->established = does->attempts - does->repeated - does->refused;
	path->resets = does->resets;
	path->requests = does->hung ? 10 : 0;
	path->requests_unanswered = does->hung;
	path->idle_unanswered = !does->rest_s ? 0 : does->resets ? does->resets : does->stalls;
	path->idle_ms = does->rest_s * 1000;
	path->stalls = does->stalls;
	path->stall_repeats = does->again;
	path->loss[0].segments = does->segments;
	path->loss[0].lost_before = does->lan_lost;
	path->loss[0].lost_after = does->lossy ? does->segments * 3 / 100 : 0;
	path->media[1].expected = path->media[0].expected = does->media;
	path->media[1].packets = does->media - does->media_lost;
	path->media[0].packets = does->media - does->lan_media_lost;
}

static void put(struct world *world, unsigned int service, unsigned int uplink,
		const struct does *does)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];
	struct sl_judge *kept = &world->site.judge[service][uplink];
	uint32_t p95_us = does->slow ? 170000 : 20000;

	*path = (struct sl_path_report){.state = does->down  ? SL_HEALTH_DOWN
						 : does->bad ? SL_HEALTH_DEGRADED
							     : SL_HEALTH_GOOD,
					.window_ms = 1000,
					.coverage_ppm = 1000000,
					.packets = {100, 100}};
	memcpy(path->service, world->policy.service[service].name, SL_NAME_MAX);
	memcpy(path->uplink, world->policy.uplink[uplink].name, SL_NAME_MAX);
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

static void put_well_on_lte(struct world *world)
{
	struct sl_path_report *path = &world->picture.path[world->picture.paths++];

	*path = (struct sl_path_report){.service = "pos",
					.uplink = "lte",
					.state = SL_HEALTH_GOOD,
					.window_ms = 1000,
					.coverage_ppm = 1000000,
					.rtt = {[1] = {"ts", 50, 0, 45000, 45000, 45000}}};
}

static bool is_nothing(const struct does *does)
{
	return !does->by && !does->queries && !does->attempts && !does->media && !does->segments &&
	       !does->down;
}

/* What is said beside the verdict that the far end is at fault. */
static const char *advice(const struct row *row)
{
	return strstr(row->why, " idle ones ")
		       ? "set the terminal's keep-alive below 6 s, or raise the firewall's time-out"
		       : "another uplink does not mend the far end; use offline mode";
}

static void locate(void **state)
{
	const struct row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	struct sl_scene seen = {.view = &world->site.view, .judge = world->site.judge};
	char why[SL_TEXT_MAX];
	struct sl_question question = {.service = POS, .uplink = FIBRE, .found = why};
	struct sl_decision record = {.options = 0};
	struct sl_choice choice;
	enum sl_verdict verdict;

	world_start(world, SL_MODE_ENFORCE, 10000);
	for (unsigned int s = 0; s < WORLD_SERVICES; s++)
		world->policy.service[s].slo.failures_ppm = 10000;
	put(world, POS, FIBRE, &row->pos);
	world->site.judge[POS][FIBRE].stuck = row->stuck;
	world->site.judge[POS][FIBRE].passed_ms =
		row->passed_ms ? world->now_ms - row->passed_ms : 0;
	world->site.judge[POS][FIBRE].stuck_since_ms = world->now_ms - row->stuck_ms;
	world->site.judge[POS][FIBRE].stuck_ms = row->stuck_ms ? world->now_ms - row->stuck_ms : 0;
	if (!is_nothing(&row->collect))
		put(world, COLLECT, FIBRE, &row->collect);
	if (!is_nothing(&row->guest))
		put(world, GUEST, FIBRE, &row->guest);
	if (!is_nothing(&row->on_lte))
		put(world, POS, LTE, &row->on_lte);
	if (row->well_on_lte)
		put_well_on_lte(world);
	world->picture.uplinks = 2;
	world->picture.uplink[FIBRE] = (struct sl_uplink_report){"fibre", SL_HEALTH_GOOD};
	world->picture.uplink[LTE] =
		(struct sl_uplink_report){"lte", row->lte_down ? SL_HEALTH_DOWN : SL_HEALTH_GOOD};
	sl_view_make(&world->site.view, &world->policy, &world->picture);
	seen.now_ms = world->now_ms;
	verdict = sl_locate(&seen, POS, FIBRE, why);
	assert_int_equal(sl_locate_waits(&seen, POS, FIBRE), row->waits);
	if (verdict != row->verdict || !strstr(why, row->why))
		fail_msg("%s: \"%s\", wanted %s: \"%s\"", sl_verdict_word(verdict), why,
			 sl_verdict_word(row->verdict), row->why);
	question.verdict = verdict;
	if (verdict == SL_VERDICT_DESTINATION)
		question.idle_ms = sl_locate_idle(&seen, POS, FIBRE, why);
	sl_decide(&seen, &question, &choice, &record);
	assert_int_equal(choice.remedy, row->remedy);
	if (verdict == SL_VERDICT_DESTINATION)
		assert_string_equal(choice.text, advice(row));
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, locate);
	return sl_row_run("locate", &tests);
}
