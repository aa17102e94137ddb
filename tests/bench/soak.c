/*
 * soak.c - does the engine last?  soak [PACKETS [FLOWS]] (10^9 is an hour at 280 kpps)
 *
 * Packets go round between two ports in memory (rig.h).  At the end nothing may have
 * drifted: every packet sent was seen once and measured in its flow, none was called lost,
 * repeated or reordered, every mbuf is still there, and the process is no larger than
 * after its first tenth.  Exit 0, or 1 with what did not hold; 77 = no rights.
 */
#include <inttypes.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

#define GROWTH_KB 1024 /* of the resident set: what the C library and the kernel round up to */

static int failures;

static void require(bool holds, const char *what, uint64_t got, uint64_t wanted)
{
	if (holds)
		return;
	printf("FAILED: %s: %" PRIu64 ", should be %" PRIu64 "\n", what, got, wanted);
	failures++;
}

static uint64_t resident_kb(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void run_to(struct sl_rig *rig, uint64_t packets)
{
	sl_rig_run(rig, sl_dpdk_loop, rig->dpdk->lcore[0]);
	while (sl_rig_seen(rig) < packets) {
		rte_delay_us_sleep(1000);
		sl_dpdk_tick(rig->engine); /* as the agent does */
	}
	sl_rig_stop(rig);
}

static void check_counts(const struct sl_rig *rig, uint64_t sent_before)
{
	const struct sl_stats *stats = rig->dpdk->lcore[0]->worker.memory.stats;
	uint64_t seen = sl_rig_seen(rig), bad = 0, samples = 0, held = 0;

	for (int path = 0; path < SL_PATHS_MAX; path++) {
		for (int side = 0; side < 2; side++) {
			const struct sl_direction_stats *d = &stats->path[path].side[side];

			bad += d->lost_after + d->lost_before + d->spurious + d->reordered +
			       d->capture_miss + d->stalls;
		}
		for (int leg = 0; leg < SL_LEGS; leg++)
			for (int i = 0; i < SL_HIST_BUCKETS; i++)
				samples += stats->path[path].rtt[leg][SL_METHOD_SEQ].count[i];
	}
	for (int service = 0; service < SL_SERVICES_MAX; service++)
		held += rig->dpdk->lcore[0]->worker.held.flows_held[service];
	require(rig->sent - sent_before == seen, "packets sent on", rig->sent - sent_before, seen);
	require(stats->reason[SL_REASON_MEASURED] == seen, "packets measured",
		stats->reason[SL_REASON_MEASURED], seen);
	require(bad == 0, "segments called lost, repeated or late", bad, 0);
	/* Buckets count modulo 2^32; the first packet of a flow answers nothing. */
	require(seen > UINT32_MAX || samples + rig->traffic.flows >= seen, "RTT samples", samples,
		seen - rig->traffic.flows);
	require(held == rig->traffic.flows, "flows held", held, rig->traffic.flows);
	require(stats->unsent == 0, "packets unsent", stats->unsent, 0);
}

int main(int argc, char **argv)
{
	uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : UINT64_C(1000000000);
	struct sl_rig rig = {
		.input = "ring",
		.mbufs = 4095,
		.no_huge_pages = true,
		.traffic = {.flows = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000,
			    .frame_bytes = SL_BENCH_FRAME},
	};
	uint64_t sent_before, first_kb, in_use;

	rig.capacity = rig.traffic.flows * 16; /* so empty that no bucket overflows */

	if (geteuid()) {
		printf("skipped: needs root for DPDK\n");
		return 77;
	}
	sl_rig_open(&rig, 0, NULL);
	sent_before = rig.sent;
	in_use = rte_mempool_in_use_count(rig.dpdk->pool);
	run_to(&rig, packets / 10);
	first_kb = resident_kb();
	run_to(&rig, packets);
	check_counts(&rig, sent_before);
	require(rte_mempool_in_use_count(rig.dpdk->pool) == in_use, "mbufs in use",
		rte_mempool_in_use_count(rig.dpdk->pool), in_use);
	require(resident_kb() <= first_kb + GROWTH_KB, "resident kB", resident_kb(), first_kb);
	printf("soak: %" PRIu64 " packets, %u flows, %" PRIu64 " mbufs, %" PRIu64
	       " kB resident after a tenth, %" PRIu64 " kB at the end: %s\n",
	       sl_rig_seen(&rig), rig.traffic.flows, in_use, first_kb, resident_kb(),
	       failures ? "failed" : "flat");
	sl_rig_close(&rig);
	return failures != 0;
}
