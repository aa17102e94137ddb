/*
 * world.c - the two workers, their tables, and what must hold of them
 */
#include "world.h"

#include <stddef.h>
#include <string.h>

#include "dataplane/fastpath/names.h"
#include "dataplane/inspect_ring.h"
#include "dataplane/worker.h"

#define BUCKETS  8
#define SERVICES 3
#define UPLINKS  2
#define PATHS    (SERVICES * SL_UPLINKS_MAX) /* later ones are never touched */

/* The part of a path's counters that are 64-bit words. */
#define PATH_WORDS (offsetof(struct sl_path_stats, rtt) / sizeof(uint64_t))

struct side {
	struct sl_bucket bucket[BUCKETS];
	struct sl_flow flow[BUCKETS * SL_BUCKET_WAYS];
	struct sl_fragment_slot fragment[SL_FRAGMENT_SLOTS];
	struct sl_stats stats;
	struct sl_inspect_ring inspect;
	struct sl_worker worker;
	uint64_t copies;
} __attribute__((aligned(64)));

static struct side bursts, singles;
static struct sl_names names;
static struct sl_tables tables;
static struct sl_port port;
static uint64_t given;         /* frames since the start */
static bool is_tap, fragments; /* there was one since the start */

/* ---- start ---- */

static void make_tables(uint8_t options)
{
	tables = (struct sl_tables){.generation = 1,
				    .rules = 2,
				    .services = SERVICES,
				    .uplinks = options & WORLD_TAP ? 0 : UPLINKS,
				    .mark_base = 0x5100,
				    .hash_seed = 7,
				    .inner = options & WORLD_TUNNELS ? 0x1f : 0,
				    .inspect = options & WORLD_INSPECT ? 1 : 0};
	tables.rule[0] = (struct sl_rule){.proto = SL_PROTO_TCP,
					  .proto_mask = 0xff,
					  .dst_port_min = 443,
					  .dst_port_max = 443,
					  .name = options & WORLD_NAMES ? 1 : 0,
					  .service = 1};
	tables.rule[1] = (struct sl_rule){.proto = SL_PROTO_UDP,
					  .proto_mask = 0xff,
					  .dst_port_max = UINT16_MAX,
					  .service = 2};
	for (uint8_t i = 0; i < SERVICES; i++)
		tables.service[i] = (struct sl_service){.flow_quota = 12 + 4u * i, .priority = i};
	tables.service[1].reset = 1;
	tables.knobs.steer[1] = (struct sl_steer){.uplink = 1, .trial_share = 64};
	tables.knobs.rate[2][SL_SIDE_LAN] =
		(struct sl_rate){.ns_per_kib = 1000000, .burst_us = 2000};
	tables.knobs.remark[2] = SL_REMARK | 46;
	tables.knobs.clamp_bytes[1] = 1280;
	tables.knobs.bypass = options & WORLD_BYPASS ? 1 : 0;
}

/* Most runs touch one path and no fragment: clearing it all would be most of their time. */
static void forget(struct side *side)
{
	static const uint64_t zero[PATH_WORDS];

	for (size_t i = 0; i < PATHS; i++)
		if (memcmp(&side->stats.path[i], zero, sizeof(zero)) != 0)
			memset(&side->stats.path[i], 0, sizeof(side->stats.path[i]));
	if (fragments)
		memset(side->fragment, 0, sizeof(side->fragment));
}

static void empty(struct side *side)
{
	struct sl_worker_memory memory = {.bucket = side->bucket,
					  .flow = side->flow,
					  .fragment = side->fragment,
					  .stats = &side->stats,
					  .inspect = &side->inspect,
					  .names = &names};

	memset(side->bucket, 0, sizeof(side->bucket));
	memset(side->flow, 0, sizeof(side->flow));
	memset(&side->stats, 0, offsetof(struct sl_stats, path));
	forget(side);
	side->inspect.head = side->inspect.tail = 0;
	side->copies = 0;
	sl_worker_init(&side->worker, &memory, BUCKETS, NULL);
}

void fuzz_world_start(uint8_t options)
{
	make_tables(options);
	is_tap = options & WORLD_TAP;
	port = (struct sl_port){.ifindex = 1, .uplink = SL_UPLINK_NONE};
	given = 0;
	empty(&bursts);
	empty(&singles);
	fragments = false;
}

/* ---- a burst ---- */

static void take_copy(void *arg, const struct sl_inspect *inspect)
{
	struct side *side = arg;

	FUZZ_HOLDS(inspect->length <= SL_INSPECT_BYTES);
	FUZZ_HOLDS(inspect->service < SERVICES);
	side->copies++;
}

static void check_result(const struct sl_result *r)
{
	FUZZ_HOLDS(r->reason < SL_REASON_COUNT);
	FUZZ_HOLDS(r->action <= SL_ACTION_RESET);
	FUZZ_HOLDS(r->service < SERVICES);
	FUZZ_HOLDS(r->uplink < UPLINKS);
	FUZZ_HOLDS(r->flow_index == UINT32_MAX || r->flow_index < BUCKETS * SL_BUCKET_WAYS);
	FUZZ_HOLDS(r->evicted <= SERVICES);
}

static void words_only_grow(const uint64_t *before, const uint64_t *now, size_t words)
{
	for (size_t i = 0; i < words; i++)
		FUZZ_HOLDS(now[i] >= before[i]);
}

struct counters {
	uint64_t reason[SL_REASON_COUNT];
	uint64_t path[PATHS][PATH_WORDS];
};

static struct counters counters_of(const struct sl_stats *stats)
{
	struct counters c;

	memcpy(c.reason, stats->reason, sizeof(c.reason));
	for (size_t i = 0; i < PATHS; i++)
		memcpy(c.path[i], &stats->path[i], sizeof(c.path[i]));
	return c;
}

static void check_counters(const struct counters *before, const struct counters *now)
{
	uint64_t reasons = 0;

	for (size_t i = 0; i < SL_REASON_COUNT; i++)
		reasons += now->reason[i];
	FUZZ_HOLDS(reasons == given);
	words_only_grow(before->reason, now->reason, SL_REASON_COUNT);
	words_only_grow(before->path[0], now->path[0], PATHS * PATH_WORDS);
}

static void one_by_one(const struct sl_frame *frames, uint32_t count, enum sl_side side,
		       bool looked)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct sl_result *burst = &bursts.worker.work[i].result;
		const struct sl_result *single = &singles.worker.work[0].result;

		FUZZ_HOLDS(sl_worker_burst(&singles.worker, &tables, &port, side, &frames[i], 1) ==
			   looked);
		if (!looked)
			continue;
		check_result(single);
		fragments |= singles.worker.work[0].packet.fragment;
		FUZZ_HOLDS(!memcmp(burst, single, sizeof(*burst)));
	}
}

void fuzz_world_burst(const struct sl_frame *frames, uint32_t count, bool from_lan)
{
	struct counters before = counters_of(&bursts.stats), now;
	enum sl_side side = is_tap ? SL_SIDE_UNKNOWN : from_lan ? SL_SIDE_LAN : SL_SIDE_WAN;
	bool looked = sl_worker_burst(&bursts.worker, &tables, &port, side, frames, count);

	one_by_one(frames, count, side, looked);
	given += count;
	now = counters_of(&bursts.stats);
	check_counters(&before, &now);
	before = counters_of(&singles.stats);
	FUZZ_HOLDS(!memcmp(&before, &now, sizeof(now)));
	sl_inspect_ring_drain(&bursts.inspect, take_copy, &bursts);
	sl_inspect_ring_drain(&singles.inspect, take_copy, &singles);
	FUZZ_HOLDS(bursts.copies == bursts.stats.inspected);
	FUZZ_HOLDS(singles.copies == bursts.copies);
}

void fuzz_world_sweep(uint64_t now_ns)
{
	uint32_t freed = sl_worker_sweep(&bursts.worker, now_ns, BUCKETS);

	FUZZ_HOLDS(freed <= BUCKETS * SL_BUCKET_WAYS);
	FUZZ_HOLDS(sl_worker_sweep(&singles.worker, now_ns, BUCKETS) == freed);
}

/* ---- the end ---- */

static void check_flow(const struct sl_flow *flow)
{
	FUZZ_HOLDS(flow->service < SERVICES);
	FUZZ_HOLDS(flow->lan <= 1 && flow->initiator <= 1);
	for (int i = 0; i < 2 && flow->key.proto == SL_PROTO_TCP; i++)
		FUZZ_HOLDS(!(flow->dir[i].seq_used >> SL_SEQ_SLOTS) &&
			   !(flow->dir[i].ts_used >> SL_TS_SLOTS));
	for (int i = 0; i < 2 && flow->key.proto == SL_PROTO_UDP; i++)
		FUZZ_HOLDS(!(flow->gram[i].asks >> SL_ASKS));
}

static void check_side(const struct side *side)
{
	uint32_t held[SL_SERVICES_MAX] = {0};

	for (uint32_t i = 0; i < BUCKETS * SL_BUCKET_WAYS; i++) {
		const struct sl_way *way =
			&side->bucket[i / SL_BUCKET_WAYS].way[i % SL_BUCKET_WAYS];

		if (way->kind == SL_FLOW_FREE)
			continue;
		FUZZ_HOLDS(way->service < SERVICES);
		held[way->service]++;
		check_flow(&side->flow[i]);
	}
	for (uint32_t i = 0; i < SERVICES; i++) {
		FUZZ_HOLDS(side->worker.held.flows_held[i] == held[i]);
		FUZZ_HOLDS(held[i] <= tables.service[i].flow_quota);
	}
}

/* A path without a packet has no sample either (forget()): 31 KB that need no look. */
static void check_path(const struct sl_path_stats *burst, const struct sl_path_stats *single)
{
	static const uint64_t zero[PATH_WORDS];

	if (memcmp(burst, zero, sizeof(zero)) != 0 || memcmp(single, zero, sizeof(zero)) != 0)
		FUZZ_HOLDS(!memcmp(burst, single, sizeof(*burst)));
}

void fuzz_world_end(void)
{
	check_side(&bursts);
	check_side(&singles);
	FUZZ_HOLDS(!memcmp(bursts.flow, singles.flow, sizeof(bursts.flow)));
	for (size_t i = 0; i < PATHS; i++)
		check_path(&bursts.stats.path[i], &singles.stats.path[i]);
}
