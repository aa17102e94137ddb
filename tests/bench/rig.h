/*
 * rig.h - the DPDK engine between two ports in memory, with traffic that answers itself
 *
 * Placement wire, one worker.  input "null": net_null, whose mbufs stay in the cache; "ring":
 * net_ring, on which .mbufs mbufs go round in order, so that many of them are cold; a file
 * name: net_pcap with infinite_rx.  On null and ring a transmit callback writes the next
 * packet of the next flow (traffic.h) into each mbuf that leaves.
 */
#ifndef SL_BENCH_RIG_H
#define SL_BENCH_RIG_H

#include "dataplane/dpdk_private.h"
#include "traffic.h"

struct sl_rig {
	const char *input;
	uint32_t mbufs;
	uint32_t capacity; /* of the flow table; 0 = twice the flows */
	bool no_huge_pages;
	struct sl_bench_traffic traffic;
	bool generate; /* let the callback write */
	uint64_t sent; /* packets that the callback saw */
	struct sl_engine *engine;
	struct sl_dpdk *dpdk;
};

/*
 * Open and start the ports; the worker (rig->dpdk->lcore[0], EAL's lcore 1) does not run
 * yet.  @words of EAL besides.  Exits with a message when it cannot.
 */
void sl_rig_open(struct sl_rig *rig, int words, char **word);

/* Run @loop(@argument) on the worker's lcore, until sl_rig_stop(). */
void sl_rig_run(struct sl_rig *rig, lcore_function_t *loop, void *argument);
void sl_rig_stop(struct sl_rig *rig);

/* Packets that the engine met so far. */
uint64_t sl_rig_seen(const struct sl_rig *rig);

void sl_rig_close(struct sl_rig *rig);

#endif
