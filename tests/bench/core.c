/*
 * core.c - the core alone, on plain memory: ns and, under callgrind, instructions a packet
 *
 * bench_core [FLOWS [PACKETS [BYTES [record]]]]
 *
 * Bursts of 64 frames through sl_worker_burst(), nothing else.  valgrind --tool=callgrind
 * --toggle-collect=sl_worker_burst counts the instructions of each step: the same on every
 * machine, where times are not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dataplane/worker.h"
#include "traffic.h"

static struct sl_worker worker;
static struct sl_tables tables = {.generation = 1,
				  .rules = 17,
				  .services = 2,
				  .hash_seed = UINT64_C(0x9e3779b97f4a7c15)};
static uint8_t bytes[SL_BURST_MAX][256] __attribute__((aligned(64)));
static struct sl_frame frame[SL_BURST_MAX];

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void open_worker(uint32_t flows)
{
	uint32_t buckets = sl_worker_buckets(flows * 2);
	struct sl_worker_memory memory = {
		.bucket = aligned_alloc(4096, buckets * sizeof(struct sl_bucket) + 4096),
		.flow = aligned_alloc(4096,
				      (size_t)buckets * SL_BUCKET_WAYS * sizeof(struct sl_flow)),
		.fragment = calloc(SL_FRAGMENT_SLOTS, sizeof(struct sl_fragment_slot)),
		.stats = calloc(1, sizeof(struct sl_stats)),
		.record = calloc(SL_RECORD_RINGS * SL_RECORD_SLOTS_MAX, sizeof(struct sl_record)),
		.record_head = calloc(SL_RECORD_RINGS, sizeof(struct sl_record_head)),
		.record_slots = SL_RECORD_SLOTS_MAX,
	};

	memset(memory.bucket, 0, buckets * sizeof(struct sl_bucket));
	memset(memory.flow, 0, (size_t)buckets * SL_BUCKET_WAYS * sizeof(struct sl_flow));
	sl_worker_init(&worker, &memory, buckets, NULL);
	for (int i = 0; i < 17; i++)
		tables.rule[i] = (struct sl_rule){.dst_port_min = (uint16_t)(427 + i),
						  .dst_port_max = (uint16_t)(427 + i),
						  .proto = 6,
						  .proto_mask = 0xff,
						  .service = 1};
	tables.service[0].flow_quota = tables.service[1].flow_quota = buckets * SL_BUCKET_WAYS;
}

/* One burst; the time that the core took. */
static double burst(struct sl_bench_traffic *traffic)
{
	static const struct sl_port port = {.uplink = 0};
	double begun = now_ns();

	for (uint32_t i = 0; i < SL_BURST_MAX; i++) {
		sl_bench_next(traffic, bytes[i]);
		frame[i] = (struct sl_frame){.t_ns = (uint64_t)begun,
					     .length = traffic->frame_bytes,
					     .wire_bytes = traffic->frame_bytes,
					     .bytes = bytes[i]};
	}
	begun = now_ns();
	sl_worker_burst(&worker, &tables, &port, SL_SIDE_UNKNOWN, frame, SL_BURST_MAX);
	return now_ns() - begun;
}

int main(int argc, char **argv)
{
	struct sl_bench_traffic traffic = {
		.flows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000,
		.frame_bytes = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : SL_BENCH_FRAME};
	uint32_t packets = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10000000;
	double took = 0;

	for (int i = 0; argc > 4 && i < 2; i++)
		tables.knobs.record[i].ring = 1;
	open_worker(traffic.flows);
	for (uint32_t i = 0; i < SL_BURST_MAX; i++)
		sl_bench_frame(&traffic, bytes[i]);
	for (uint32_t i = 0; i < traffic.flows * 4 / SL_BURST_MAX; i++) /* flows begin here */
		burst(&traffic);
	for (uint32_t i = 0; i < packets / SL_BURST_MAX; i++)
		took += burst(&traffic);
	printf("{\"name\":\"core alone, %u flows, %u bytes\",\"value\":%.1f,\"unit\":\"ns/packet\"}\n",
	       traffic.flows, traffic.frame_bytes, took / packets);
	return worker.memory.stats->reason[SL_REASON_MEASURED] < packets;
}
