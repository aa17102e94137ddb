/*
 * table.c - which flow table for the DPDK engine: ours (flow.h) or rte_hash; ns a packet
 *
 * bench_table [EAL word]...	(bench_table -l 1; without huge pages: --no-huge is added)
 *
 * One operation: find the flow of a packet, and read, change and write one word in each of
 * the four lines of its entry that a data segment touches; flows are visited at random.
 * Keys come in blocks made outside the clock, as hot as a parser leaves them.  Ours has the
 * buckets that the engine would choose and writes the way's age, as the engine does.
 * Flows that found no room in either table are counted and not visited.  Rounds of all
 * variants follow each other; the baseline is rte_hash's bulk look-up of the same run.
 */
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/fastpath/flow.h"
#include "dataplane/worker.h"

#define ROUNDS       11
#define BURST        RTE_HASH_LOOKUP_BULK_MAX
#define BLOCK        512 /* operations between two looks at the clock: its cost is 0.1 ns each */
#define OPERATIONS   (1u << 18) /* of one run */
#define NO_ROOM      UINT32_MAX
#define SEED         UINT64_C(0x9e3779b97f4a7c15)
#define WORDS_MAX    64
#define NO_HUGE_MIB  4000  /* holds 4 M flows; half of the free memory when that is less */
#define HASH_BYTES   64    /* of rte_hash per flow, about */
#define FULL_BUCKETS 16384 /* of the print about buckets without room */

struct place {
	uint32_t ours, theirs; /* index of the flow's entry; NO_ROOM */
};

static struct bench {
	uint32_t flows, buckets;
	struct sl_bucket *bucket;
	struct sl_flow *flow; /* both tables' entries, one table at a time */
	struct rte_hash *hash;
	struct place *place; /* of each flow */
	uint64_t hash_bytes; /* what rte_hash took */
	uint32_t no_room[2]; /* flows: ours, theirs */
	uint64_t random;
	uint64_t missed; /* look-ups that did not find their flow: must stay 0 */
} bench = {.random = SEED};

/* Packets that are parsed but not looked up. */
static struct block {
	struct sl_flow_key key[BLOCK];
	const void *pointer[BLOCK];
	hash_sig_t signature[BLOCK];
	uint32_t ours[BLOCK], theirs[BLOCK];
	uint8_t sender[BLOCK];
} block;

/* ---- flows ---- */

/* 16 384 clients of one site, their next ports, 256 servers; seven in eight are TCP. */
static struct sl_flow_key key_of(uint32_t flow)
{
	static const uint16_t ports[] = {443, 443, 443, 443, 80, 8883, 5671, 9100};
	uint64_t mixed = sl_hash_mix(1, flow);
	struct sl_packet packet = {
		.src = {0, UINT64_C(0xffff0a140000) + (flow & 0x3fff)},
		.dst = {0, UINT64_C(0xffffcb007100) + (mixed & 0xff)},
		.src_port = (uint16_t)(32768 + (flow >> 14)),
		.dst_port = ports[mixed >> 8 & 7],
		.proto = mixed >> 11 & 7 ? 6 : 17,
	};
	struct sl_flow_key key;

	sl_flow_key_make(&key, &packet);
	return key;
}

static uint32_t draw(uint32_t below)
{
	bench.random ^= bench.random << 13;
	bench.random ^= bench.random >> 7;
	bench.random ^= bench.random << 17;
	return (uint32_t)((bench.random >> 32) * below >> 32);
}

/* The next packets, each of a flow that both tables hold. */
static void fill_block(void)
{
	for (uint32_t i = 0; i < BLOCK;) {
		uint32_t flow = draw(bench.flows);
		struct place place = bench.place[flow];

		if (place.ours == NO_ROOM || place.theirs == NO_ROOM)
			continue;
		block.key[i] = key_of(flow);
		block.signature[i] = rte_hash_hash(bench.hash, &block.key[i]);
		block.ours[i] = place.ours;
		block.theirs[i] = place.theirs;
		block.sender[i++] = (uint8_t)(bench.random >> 20 & 1);
	}
}

/* ---- what every variant does with an entry ---- */

static inline void fetch(const void *line)
{
	__builtin_prefetch(line, 1);
	__asm__ volatile("" : : "r"(line)); /* as in worker.c: gcc must not drop it */
}

static inline void fetch_lines(const struct sl_flow *flow, uint32_t sender)
{
	fetch(flow);
	fetch(&flow->dir[sender]);
	fetch(&flow->dir[1 - sender]);
	fetch(flow->dir[1 - sender].seq);
}

static inline void touch(struct sl_flow *flow, uint32_t sender)
{
	flow->seen++;
	flow->dir[sender].next_seq++;
	flow->dir[1 - sender].ack++;
	flow->dir[1 - sender].seq[0].tick++;
}

/* ---- the variants: BURST packets of the block, from @at ---- */

static inline uint32_t bucket_of(uint64_t hash)
{
	return (uint32_t)hash & (bench.buckets - 1);
}

static inline int find_way(uint64_t hash)
{
	return sl_bucket_find(&bench.bucket[bucket_of(hash)], (uint32_t)(hash >> 32));
}

/* Packet @i, whose tag stands in @way: compare the key, touch. */
static inline void touch_way(uint32_t i, uint64_t hash, int way)
{
	uint32_t b = bucket_of(hash);
	struct sl_flow *flow = &bench.flow[b * SL_BUCKET_WAYS + (uint32_t)way];

	if (way < 0 || !sl_flow_key_equal(&flow->key, &block.key[i])) {
		bench.missed++;
		return;
	}
	bench.bucket[b].way[way].age = (uint16_t)i;
	touch(flow, block.sender[i]);
}

static void ours_single(uint32_t at)
{
	for (uint32_t i = at; i < at + BURST; i++) {
		uint64_t hash = sl_flow_hash(&block.key[i], SEED);

		touch_way(i, hash, find_way(hash));
	}
}

static void ours_staged(uint32_t at)
{
	uint64_t hash[BURST];
	int way[BURST];

	for (uint32_t i = 0; i < BURST; i++) {
		hash[i] = sl_flow_hash(&block.key[at + i], SEED);
		fetch(&bench.bucket[bucket_of(hash[i])]);
	}
	for (uint32_t i = 0; i < BURST; i++) {
		uint32_t first = bucket_of(hash[i]) * SL_BUCKET_WAYS;

		way[i] = find_way(hash[i]);
		if (way[i] >= 0)
			fetch_lines(&bench.flow[first + (uint32_t)way[i]], block.sender[at + i]);
	}
	for (uint32_t i = 0; i < BURST; i++)
		touch_way(at + i, hash[i], way[i]);
}

static inline void touch_positions(uint32_t at, const int32_t position[BURST])
{
	for (uint32_t i = 0; i < BURST; i++)
		if (position[i] >= 0)
			fetch_lines(&bench.flow[position[i]], block.sender[at + i]);
	for (uint32_t i = 0; i < BURST; i++) {
		if (position[i] < 0)
			bench.missed++;
		else
			touch(&bench.flow[position[i]], block.sender[at + i]);
	}
}

static void theirs_bulk(uint32_t at)
{
	int32_t position[BURST];

	rte_hash_lookup_bulk(bench.hash, &block.pointer[at], BURST, position);
	touch_positions(at, position);
}

static void theirs_hashed(uint32_t at)
{
	int32_t position[BURST];

	rte_hash_lookup_with_hash_bulk(bench.hash, &block.pointer[at], &block.signature[at], BURST,
				       position);
	touch_positions(at, position);
}

static void index_only(uint32_t at)
{
	touch_positions(at, (const int32_t *)&block.theirs[at]);
}

/* The same where our table's entries lie: 7 places a bucket, some of them empty. */
static void index_ours(uint32_t at)
{
	touch_positions(at, (const int32_t *)&block.ours[at]);
}

static const struct variant {
	const char *name;
	void (*burst)(uint32_t at);
} variants[] = {
	{"ours, one at a time", ours_single}, {"ours, staged", ours_staged},
	{"rte_hash bulk", theirs_bulk},       {"rte_hash bulk, hash given", theirs_hashed},
	{"index only", index_only},           {"index only, spread as ours", index_ours},
};
enum { BASELINE = 2, VARIANTS = RTE_DIM(variants) };

/* ns per operation. */
static double run(const struct variant *variant)
{
	uint64_t cycles = 0;

	for (uint32_t done = 0; done < OPERATIONS; done += BLOCK) {
		uint64_t begun;

		fill_block();
		begun = rte_rdtsc_precise();
		for (uint32_t at = 0; at < BLOCK; at += BURST)
			variant->burst(at);
		cycles += rte_rdtsc_precise() - begun;
	}
	return (double)cycles * 1e9 / (double)rte_get_tsc_hz() / OPERATIONS;
}

/* ---- tables ---- */

static uint64_t heap_bytes(void)
{
	struct rte_malloc_socket_stats stats = {0};

	rte_malloc_get_socket_stats((int)rte_socket_id(), &stats);
	return stats.heap_allocsz_bytes;
}

static uint32_t put_ours(const struct sl_flow_key *key)
{
	uint64_t hash = sl_flow_hash(key, SEED);
	uint32_t b = bucket_of(hash);

	for (uint32_t w = 0; w < SL_BUCKET_WAYS; w++) {
		struct sl_way *way = &bench.bucket[b].way[w];

		if (way->kind != SL_FLOW_FREE)
			continue;
		*way = (struct sl_way){.tag = (uint32_t)(hash >> 32), .kind = SL_FLOW_OPEN};
		bench.flow[b * SL_BUCKET_WAYS + w].key = *key;
		return b * SL_BUCKET_WAYS + w;
	}
	return NO_ROOM;
}

static void put_flows(void)
{
	bench.no_room[0] = bench.no_room[1] = 0;
	for (uint32_t i = 0; i < bench.flows; i++) {
		struct sl_flow_key key = key_of(i);
		int32_t position = rte_hash_add_key(bench.hash, &key);

		bench.place[i].ours = put_ours(&key);
		bench.place[i].theirs = position < 0 ? NO_ROOM : (uint32_t)position;
		bench.no_room[0] += bench.place[i].ours == NO_ROOM;
		bench.no_room[1] += bench.place[i].theirs == NO_ROOM;
	}
}

static void close_tables(void)
{
	rte_hash_free(bench.hash);
	rte_free(bench.place);
	rte_free(bench.flow);
	rte_free(bench.bucket);
}

/* Both tables for @flows flows, with them in; -ENOMEM: nothing is allocated. */
static int open_tables(uint32_t flows)
{
	struct rte_hash_parameters parameters = {.name = "bench",
						 .entries = flows,
						 .key_len = sizeof(struct sl_flow_key),
						 .hash_func = rte_hash_crc,
						 .socket_id = (int)rte_socket_id()};
	size_t entries;

	bench.flows = flows;
	bench.buckets = sl_worker_buckets(flows);
	entries = (size_t)bench.buckets * SL_BUCKET_WAYS;
	bench.bucket = rte_zmalloc("bucket", bench.buckets * sizeof(struct sl_bucket), 64);
	bench.flow = rte_zmalloc("flow", entries * sizeof(struct sl_flow), 64);
	bench.place = rte_malloc("place", flows * sizeof(struct place), 64);
	bench.hash_bytes = heap_bytes();
	bench.hash = rte_hash_create(&parameters);
	bench.hash_bytes = heap_bytes() - bench.hash_bytes;
	if (!bench.bucket || !bench.flow || !bench.place || !bench.hash) {
		close_tables();
		return -ENOMEM;
	}
	put_flows();
	return 0;
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print(const char *name, const double sorted[ROUNDS], double baseline)
{
	double median = sorted[ROUNDS / 2];

	printf("{\"name\":\"%s, %" PRIu32 " flows\",\"value\":%.1f,\"unit\":\"ns/packet\","
	       "\"baseline\":%.1f,\"ratio\":%.2f,\"spread\":[%.1f,%.1f]}\n",
	       name, bench.flows, median, baseline, median / baseline, sorted[0],
	       sorted[ROUNDS - 1]);
	fflush(stdout);
}

/* One line for ours, one for rte_hash. */
static void print_pair(const char *name, const char *unit, double ours, double theirs)
{
	for (int i = 0; i < 2; i++)
		printf("{\"name\":\"%s, %s, %" PRIu32 " flows\",\"value\":%.2f,\"unit\":\"%s\","
		       "\"baseline\":%.2f,\"ratio\":%.3f}\n",
		       name, i ? "rte_hash" : "ours", bench.flows, i ? theirs : ours, unit, theirs,
		       theirs > 0 ? (i ? theirs : ours) / theirs : 0);
}

static void print_sizes(void)
{
	double flows = bench.flows, places = (double)bench.buckets * SL_BUCKET_WAYS;
	double table = (double)bench.buckets * sizeof(struct sl_bucket) / flows;
	double table_theirs = (double)bench.hash_bytes / flows;

	print_pair("memory", "bytes/flow", table + places / flows * sizeof(struct sl_flow),
		   table_theirs + sizeof(struct sl_flow));
	print_pair("memory without entries", "bytes/flow", table, table_theirs);
	print_pair("load", "%", 100 * flows / places, 100 * flows / rte_align32pow2(bench.flows));
	print_pair("flows without room", "%", 100 * bench.no_room[0] / flows,
		   100 * bench.no_room[1] / flows);
}

static void print_left_out(uint32_t flows)
{
	uint64_t bucket_bytes = sizeof(struct sl_bucket) + SL_BUCKET_WAYS * sizeof(struct sl_flow);
	uint64_t bytes = sl_worker_buckets(flows) * bucket_bytes +
			 flows * (sizeof(struct place) + HASH_BYTES);

	printf("{\"name\":\"left out, %" PRIu32 " flows\",\"value\":null,\"unit\":\"ns/packet\","
	       "\"baseline\":null,\"ratio\":null,\"why\":\"about %" PRIu64
	       " MiB of %s are needed and not free\"}\n",
	       flows, bytes >> 20, rte_eal_has_hugepages() ? "huge pages" : "EAL memory");
}

/* How many flows a full table turns away, by its load: counted, not computed. */
static void print_no_room(void)
{
	static uint8_t held[FULL_BUCKETS];
	uint32_t turned_away = 0, load = 50;

	for (uint32_t i = 1; load <= 100; i++) {
		struct sl_flow_key key = key_of(i);
		uint32_t b = (uint32_t)sl_flow_hash(&key, SEED) & (FULL_BUCKETS - 1);

		if (held[b] == SL_BUCKET_WAYS)
			turned_away++;
		else
			held[b]++;
		if (i < FULL_BUCKETS * SL_BUCKET_WAYS / 100.0 * load)
			continue;
		printf("{\"name\":\"flows without room, ours, load %" PRIu32
		       " %%\",\"value\":%.2f,\"unit\":\"%%\",\"baseline\":100,\"ratio\":%.4f}\n",
		       load, 100.0 * turned_away / i, 1.0 * turned_away / i);
		load += 10;
	}
}

static int measure(uint32_t flows)
{
	double value[VARIANTS][ROUNDS];

	if (open_tables(flows)) {
		print_left_out(flows);
		return 0;
	}
	for (int v = 0; v < VARIANTS; v++) /* warm */
		run(&variants[v]);
	for (int round = 0; round < ROUNDS; round++)
		for (int v = 0; v < VARIANTS; v++)
			value[v][round] = run(&variants[v]);
	for (int v = 0; v < VARIANTS; v++)
		qsort(value[v], ROUNDS, sizeof(value[v][0]), ascending);
	for (int v = 0; v < VARIANTS; v++)
		print(variants[v].name, value[v], value[BASELINE][ROUNDS / 2]);
	print_sizes();
	close_tables();
	return bench.missed ? -EPROTO : 0;
}

/* ---- start ---- */

/* Of the default size. */
static bool huge_pages_free(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long pages = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "HugePages_Free: %lu", &pages) == 1)
			break;
	if (file)
		fclose(file);
	return pages > 0;
}

static int start_eal(int argc, char **argv)
{
	static char memory[32];
	static char *word[WORDS_MAX] = {"bench_table", "--no-pci", "--no-telemetry"};
	long free_mib = sysconf(_SC_AVPHYS_PAGES) / 256;
	bool huge = huge_pages_free();
	int words = 3;

	for (int i = 1; i < argc && words < WORDS_MAX - 3; i++) {
		if (strcmp(argv[i], "--no-huge"))
			word[words++] = argv[i];
		else
			huge = false;
	}
	snprintf(memory, sizeof(memory), "-m%ld", RTE_MIN(free_mib / 2, (long)NO_HUGE_MIB));
	if (huge) {
		word[words++] = "--in-memory";
	} else {
		word[words++] = "--no-huge";
		word[words++] = "--no-shconf";
		word[words++] = memory;
	}
	rte_openlog_stream(stderr);
	return rte_eal_init(words, word) < 0 ? -rte_errno : 0;
}

int main(int argc, char **argv)
{
	static const uint32_t flows[] = {1000, 100000, 1000000, 4000000};
	int err = start_eal(argc, argv);

	for (uint32_t i = 0; i < BLOCK; i++)
		block.pointer[i] = &block.key[i];
	for (size_t i = 0; i < RTE_DIM(flows) && !err; i++)
		err = measure(flows[i]);
	if (!err)
		print_no_room();
	else
		fprintf(stderr, "bench_table: %s\n", strerror(-err));
	return err ? 1 : 0;
}
