/*
 * dpdk.c - what the DPDK engine costs a packet, and testpmd's modes in the same process
 *
 * bench_dpdk null|ring|FILE.pcap [FLOWS [MBUFS [SECONDS [BYTES [EAL word]...]]]]
 *
 * The engine runs as it does live (placement wire, one worker, two ports) on net_null, on
 * net_ring, or on net_pcap with infinite_rx.  On null and ring a transmit callback writes
 * the next packet of the next flow into each mbuf that leaves: client and server by turns,
 * each answering the other's last, so that every packet yields samples by sequence and by
 * timestamp.  On the ring MBUFS mbufs go round in order, so a large number of them is cold.
 * Rounds of (io, macswap, Storeline) follow each other; figures are medians over rounds,
 * with the callback's cost and net of it (measured alone, on frames in the cache).
 */
#include <inttypes.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rig.h"

#define ROUNDS  7
#define SECONDS 0.4
#define TURNS   100000 /* of the generator alone */

enum mode { MODE_IO, MODE_MACSWAP, MODE_STORELINE, MODES };

static struct sl_rig rig;
static double round_s = SECONDS;
static uint64_t packets; /* of the baseline loops */

/* ---- baselines: testpmd's io and macswap on our ports ---- */

static inline void swap_macs(struct rte_mbuf **burst, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct rte_ether_hdr *head = rte_pktmbuf_mtod(burst[i], struct rte_ether_hdr *);
		struct rte_ether_addr was = head->dst_addr;

		if (i + 4 < count)
			rte_prefetch0(rte_pktmbuf_mtod(burst[i + 4], void *));
		head->dst_addr = head->src_addr;
		head->src_addr = was;
	}
}

static int baseline(void *arg)
{
	enum mode mode = *(enum mode *)arg;
	struct rte_mbuf *burst[SL_BURST_MAX];

	while (__atomic_load_n(&rig.dpdk->running, __ATOMIC_RELAXED))
		for (int i = 0; i < 2; i++) {
			uint16_t count =
				rte_eth_rx_burst(rig.dpdk->port[i].id, 0, burst, SL_BURST_MAX);
			uint16_t sent;

			if (!count)
				continue;
			if (mode == MODE_MACSWAP)
				swap_macs(burst, count);
			sent = rte_eth_tx_burst(rig.dpdk->port[1 - i].id, 0, burst, count);
			if (sent < count)
				rte_pktmbuf_free_bulk(burst + sent, count - sent);
			__atomic_store_n(&packets, packets + count, __ATOMIC_RELAXED);
		}
	return 0;
}

/* ---- rounds ---- */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t done(enum mode mode)
{
	return mode == MODE_STORELINE ? sl_rig_seen(&rig)
				      : __atomic_load_n(&packets, __ATOMIC_RELAXED);
}

/* ns per packet of one round of @mode. */
static double run(enum mode mode, double seconds)
{
	uint64_t before;
	double begun, took;

	if (mode == MODE_STORELINE)
		sl_rig_run(&rig, sl_dpdk_loop, rig.dpdk->lcore[0]);
	else
		sl_rig_run(&rig, baseline, &mode);
	rte_delay_us_sleep(20000); /* it runs by now */
	begun = now_s();
	before = done(mode);
	rte_delay_us_sleep((unsigned int)(seconds * 1e6));
	took = now_s() - begun;
	before = done(mode) - before;
	sl_rig_stop(&rig);
	return took * 1e9 / (double)before;
}

struct figure {
	double median, lowest, highest;
};

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct figure figure_of(double *values)
{
	qsort(values, ROUNDS, sizeof(values[0]), ascending);
	return (struct figure){values[ROUNDS / 2], values[0], values[ROUNDS - 1]};
}

static void print(const char *name, struct figure figure, double baseline_ns)
{
	printf("{\"name\":\"dpdk %s, %s, %" PRIu32 " flows, %" PRIu32 " mbufs\",\"value\":%.1f,"
	       "\"unit\":\"ns/packet\",\"baseline\":%.1f,\"ratio\":%.2f,\"spread\":[%.1f,%.1f]}\n",
	       name, rig.input, rig.traffic.flows, rig.mbufs, figure.median, baseline_ns,
	       baseline_ns > 0 ? figure.median / baseline_ns : 0, figure.lowest, figure.highest);
}

/* A figure without samples would be the cost of not measuring. */
static void print_shares(void)
{
	const struct sl_stats *stats = rig.dpdk->lcore[0]->worker.memory.stats;
	uint64_t samples[SL_METHODS] = {0}, all = sl_rig_seen(&rig);

	for (int path = 0; path < SL_PATHS_MAX; path++)
		for (int leg = 0; leg < SL_LEGS; leg++)
			for (int m = 0; m < SL_METHODS; m++)
				for (int i = 0; i < SL_HIST_BUCKETS; i++)
					samples[m] += stats->path[path].rtt[leg][m].count[i];
	printf("{\"name\":\"dpdk packets measured in a flow, %s, %" PRIu32
	       " flows\",\"value\":%.2f,\"unit\":\"%%\",\"samples_seq\":%.2f,\"samples_ts\":%.2f,"
	       "\"unsent\":%" PRIu64 ",\"missed\":%" PRIu64 "}\n",
	       rig.input, rig.traffic.flows,
	       100 * (double)stats->reason[SL_REASON_MEASURED] / (double)all,
	       100 * (double)samples[SL_METHOD_SEQ] / (double)all,
	       100 * (double)samples[SL_METHOD_TS] / (double)all, stats->unsent,
	       rig.dpdk->nics->missed);
}

/* ns per packet of the callback's work, on frames that are in the cache as they are when it comes. */
static double generator_ns(void)
{
	static uint8_t frames[SL_BURST_MAX][256];
	struct sl_bench_traffic traffic = rig.traffic;
	double begun;

	for (int i = 0; i < SL_BURST_MAX; i++)
		sl_bench_frame(&traffic, frames[i]);
	begun = now_s();
	for (int turn = 0; turn < TURNS; turn++)
		for (int i = 0; i < SL_BURST_MAX; i++)
			sl_bench_next(&traffic, frames[i]);
	return (now_s() - begun) * 1e9 / TURNS / SL_BURST_MAX;
}

static void measure(bool made)
{
	double io[ROUNDS], swap[ROUNDS], with[ROUNDS], net[ROUNDS], generator[ROUNDS];
	struct figure macswap;

	run(MODE_STORELINE, 0.2 + rig.traffic.flows * 1e-6); /* flows begin here */
	for (int i = 0; i < ROUNDS; i++) {
		/* Not written on, so that no flow is somewhere else when the engine sees it again. */
		rig.generate = false;
		io[i] = run(MODE_IO, round_s / 2);
		swap[i] = run(MODE_MACSWAP, round_s / 2);
		rig.generate = made;
		generator[i] = made ? generator_ns() : 0;
		with[i] = run(MODE_STORELINE, round_s);
		net[i] = with[i] - generator[i];
	}
	macswap = figure_of(swap);
	print("io", figure_of(io), macswap.median);
	print("macswap", macswap, macswap.median);
	print("generator", figure_of(generator), macswap.median);
	print("Storeline and generator", figure_of(with), macswap.median);
	print("Storeline", figure_of(net), macswap.median);
	print_shares();
}

int main(int argc, char **argv)
{
	int words = argc > 6 ? argc - 6 : 0;

	rig.input = argc > 1 ? argv[1] : "null";
	rig.traffic.flows = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
	rig.mbufs = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 8191;
	rig.traffic.frame_bytes = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : SL_BENCH_FRAME;
	round_s = argc > 4 ? strtod(argv[4], NULL) : SECONDS;
	sl_rig_open(&rig, words, argv + 6);
	measure(!strcmp(rig.input, "null") || !strcmp(rig.input, "ring"));
	sl_rig_close(&rig);
	return 0;
}
