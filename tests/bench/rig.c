/*
 * rig.c - ports in memory, mbufs full of traffic, an engine between them
 */
#include "rig.h"

#include <rte_eth_ring.h>
#include <rte_launch.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/compile.h"

/* ---- traffic ---- */

static uint16_t on_transmit(uint16_t port, uint16_t queue, struct rte_mbuf *packets[],
			    uint16_t count, void *arg)
{
	struct sl_rig *rig = arg;

	rig->sent += count;
	if (!rig->generate)
		return count;
	for (uint16_t i = 0; i < count; i++)
		sl_bench_next(&rig->traffic, rte_pktmbuf_mtod(packets[i], uint8_t *));
	return count;
}

static void fill_one(struct rte_mempool *pool, void *arg, void *object, unsigned int index)
{
	struct sl_rig *rig = arg;
	struct rte_mbuf *m = object;
	uint8_t *bytes = (uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM;

	sl_bench_frame(&rig->traffic, bytes);
	sl_bench_next(&rig->traffic, bytes);
}

/* ---- set-up ---- */

static const char policy_text[] =
	"site: bench\n"
	"engine: {kind: dpdk, queues: 1, mbufs: %u, flows: %u, "
	"huge_pages: %s, eal: [%s]}\n"
	"ports:\n"
	"  a: {device: %s, role: lan, pair: b}\n"
	"  b: {device: %s, role: uplink}\n"
	"uplinks:\n"
	"  fibre: {device: %s}\n"
	"services:\n"
	"  pos: {match: [{port: tcp/443}], slo: {loss: 1%%}, priority: high}\n";

static void die(const char *why)
{
	fprintf(stderr, "bench: %s\n", why);
	exit(1);
}

/* Both ports of the ring share it crosswise: what one sends the same one receives. */
static void make_rings(const struct sl_rig *rig, struct rte_ring *ring[2])
{
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "bench%d", i);
		ring[i] = rte_ring_create(name, rte_align32pow2(rig->mbufs + 1), SOCKET_ID_ANY,
					  RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!ring[i])
			die("no memory for a ring");
	}
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%c", 'a' + i);
		if (rte_eth_from_rings(name, &ring[i], 1, &ring[1 - i], 1, 0) < 0)
			die("no port on a ring");
	}
}

static void open_engine(struct sl_rig *rig, int words, char **word)
{
	static struct sl_policy policy;
	static struct sl_tables tables;
	static char text[4096];
	char why[4096], eal[1024] = "--no-pci";
	const char *device[2] = {"net_ring_a", "net_ring_b"};
	bool null = !strcmp(rig->input, "null"), ring = !strcmp(rig->input, "ring");

	for (int i = 0; i < words; i++)
		snprintf(eal + strlen(eal), sizeof(eal) - strlen(eal), ", \"%s\"", word[i]);
	if (null)
		snprintf(eal + strlen(eal), sizeof(eal) - strlen(eal),
			 ", \"--vdev=net_null0,size=%u\", \"--vdev=net_null1,size=%u\"",
			 rig->traffic.frame_bytes, rig->traffic.frame_bytes);
	if (!null && !ring)
		snprintf(eal + strlen(eal), sizeof(eal) - strlen(eal),
			 ", \"--vdev=net_pcap0,rx_pcap=%s,infinite_rx=1\", "
			 "\"--vdev=net_pcap1,rx_pcap=%s,infinite_rx=1\"",
			 rig->input, rig->input);
	if (!ring) {
		device[0] = null ? "net_null0" : "net_pcap0";
		device[1] = null ? "net_null1" : "net_pcap1";
	}
	snprintf(text, sizeof(text), policy_text, rig->mbufs, rig->capacity,
		 rig->no_huge_pages ? "false" : "true", eal, device[0], device[1], device[1]);
	if (sl_policy_read(&policy, text, strlen(text), "bench", why, sizeof(why)) ||
	    sl_compile(&tables, &policy, rig->capacity, why))
		die(why);
	tables.hash_seed = UINT64_C(0x9e3779b97f4a7c15);
	const struct sl_dpdk_config config = {.policy = &policy, .tables = &tables};

	if (ring) {
		if (sl_dpdk_eal_start(&policy.engine, rig->mbufs * UINT64_C(2600) + (64 << 20),
				      false, (struct sl_dpdk_why){why, sizeof(why)}))
			die(why);
		struct rte_ring *rings[2];
		make_rings(rig, rings);
	}
	if (sl_dpdk_open(&config, &rig->engine, why, sizeof(why)))
		die(why);
	rig->dpdk = (struct sl_dpdk *)rig->engine;
}

static void prepare(struct sl_rig *rig)
{
	struct sl_dpdk *dpdk = rig->dpdk;
	struct sl_dpdk_why why = {(char[256]){0}, 256};
	bool made = !strcmp(rig->input, "null") || !strcmp(rig->input, "ring");

	if (made)
		rte_mempool_obj_iter(dpdk->pool, fill_one, rig);
	if (sl_dpdk_ports_start(dpdk, why))
		die(why.text);
	for (uint32_t i = 0; i < 2 && made; i++)
		rte_eth_add_tx_callback(dpdk->port[i].id, 0, on_transmit, rig);
	for (uint32_t i = 0; i + 64 < rig->mbufs && !strcmp(rig->input, "ring"); i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(dpdk->pool);

		if (!m || !rte_pktmbuf_append(m, (uint16_t)rig->traffic.frame_bytes))
			break;
		/* Into the ring that port a receives from. */
		rte_eth_tx_burst(dpdk->port[1].id, 0, &m, 1);
	}
}

/* ---- the door ---- */

void sl_rig_open(struct sl_rig *rig, int words, char **word)
{
	rig->generate = true;
	if (!rig->capacity)
		rig->capacity = rig->traffic.flows * 2;
	open_engine(rig, words, word);
	prepare(rig);
}

void sl_rig_run(struct sl_rig *rig, lcore_function_t *loop, void *argument)
{
	__atomic_store_n(&rig->dpdk->running, true, __ATOMIC_RELAXED);
	if (rte_eal_remote_launch(loop, argument, 1))
		die("the worker's lcore is busy");
}

void sl_rig_stop(struct sl_rig *rig)
{
	__atomic_store_n(&rig->dpdk->running, false, __ATOMIC_RELAXED);
	rte_eal_wait_lcore(1);
}

uint64_t sl_rig_seen(const struct sl_rig *rig)
{
	const struct sl_stats *stats = rig->dpdk->lcore[0]->worker.memory.stats;
	uint64_t sum = 0;

	for (int i = 0; i < SL_REASON_COUNT; i++)
		sum += stats->reason[i];
	return sum;
}

void sl_rig_close(struct sl_rig *rig)
{
	rig->engine->ops->close(rig->engine, true);
}
