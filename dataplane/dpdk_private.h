/*
 * dpdk_private.h - the DPDK engine's own state, shared by its files and nobody else
 *
 *   dpdk.c        open, start, close, the engine's calls    dpdk_eal.c      EAL, its words
 *   dpdk_port.c   devices to ethdevs, RSS, NIC counters     dpdk_tables.c   generations, RCU
 *   dpdk_loop.c   a worker's turn: poll, measure, forward   dpdk_forward.c  where a packet goes
 *   dpdk_replay.c captures                                  dpdk_hops.c     next hops
 *
 * Who writes what: a worker its own struct sl_lcore, all else the agent's thread.
 */
#ifndef SL_DPDK_PRIVATE_H
#define SL_DPDK_PRIVATE_H

#include <net/if.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "dpdk.h"
#include "hops.h"
#include "worker.h"

#define SL_DPDK_PORTS_MAX (SL_POLICY_PORTS_MAX + SL_WIRE_UPLINKS_MAX)
#define SL_DPDK_NO_PORT   UINT16_MAX

struct sl_dpdk_port {
	/* What a worker reads. */
	uint16_t id;        /* ethdev */
	uint16_t exception; /* ethdev of its TAP; SL_DPDK_NO_PORT = none */
	uint16_t pair;      /* wire: index of the other end */
	uint16_t mtu;
	struct sl_port entry;
	struct rte_ether_addr mac;
	/* What only the agent's thread reads. */
	char name[SL_NAME_MAX];
	char device[SL_DEVICE_MAX];
	char kernel[IFNAMSIZ]; /* the interface that stands for it in the kernel; "" = none */
	char vdev[RTE_ETH_NAME_MAX_LEN];
	char tap[RTE_ETH_NAME_MAX_LEN]; /* vdev of the TAP */
	bool started;
	char line[96];
};

/* Packets for one port, sent together at the end of a turn. */
struct sl_dpdk_out {
	uint32_t count;
	struct rte_mbuf *packet[2 * SL_BURST_MAX];
};

struct sl_dpdk;

struct sl_lcore {
	struct sl_worker worker;
	struct sl_dpdk *dpdk;
	uint16_t queue; /* of every port */
	uint64_t now_ns, swept_ns, beat_ns;
	const struct sl_tables *tables; /* of this turn */
	struct sl_hops *hops;           /* likewise */
	uint64_t turns;                 /* grows: who reads it sees that the worker lives */
	volatile uint64_t *heartbeat;
	uint32_t idle; /* turns without a packet */
	struct rte_mbuf *rx[SL_BURST_MAX];
	struct sl_frame frame[SL_BURST_MAX];
	struct sl_dpdk_out out[SL_DPDK_PORTS_MAX], exception[SL_DPDK_PORTS_MAX];
} __rte_cache_aligned;

struct sl_dpdk {
	struct sl_engine engine;
	struct sl_policy policy;
	void (*say)(void *arg, const char *line);
	void *say_arg;
	bool verbose;

	uint32_t ports;
	struct sl_dpdk_port port[SL_DPDK_PORTS_MAX];
	uint8_t uplink_port[SL_WIRE_UPLINKS_MAX]; /* index of the uplink's port */
	struct rte_mempool *pool;

	uint32_t workers, buckets; /* buckets of each */
	struct sl_lcore *lcore[SL_ENGINE_LCORES_MAX];
	struct sl_shared *meters;
	struct sl_stats *nics;  /* what no worker counts: missed */
	struct sl_names *names; /* of all workers; under AF_XDP the XDP engine's */
	bool running;           /* workers are to run; read by them */

	/* Swapped under RCU: each worker is quiescent at the start of a turn. */
	struct rte_rcu_qsbr *rcu;
	struct sl_tables *tables;
	struct sl_hops *hops;
	struct {
		struct sl_tables *tables;
		struct sl_hops *hops;
		uint64_t tables_token, hops_token;
	} retired;

	struct sl_engine *xdp; /* driver af_xdp: what goes on without us; else NULL */
	uint32_t replayed;     /* replay: frames in the burst */
	uint64_t turns_seen[SL_ENGINE_LCORES_MAX]; /* at the last second */
	uint32_t seconds;
};

/* Where the reason of a failure goes. */
struct sl_dpdk_why {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) int sl_dpdk_fail(struct sl_dpdk_why why, int err,
						       const char *format, ...);
__attribute__((format(printf, 2, 3))) void sl_dpdk_say(const struct sl_dpdk *dpdk,
						       const char *format, ...);

/* dpdk.c */
struct sl_dpdk *sl_dpdk_make(bool verbose); /* empty, with the engine's calls; NULL = no memory */
int sl_dpdk_workers_open(struct sl_dpdk *dpdk, struct sl_dpdk_why why); /* .workers, .buckets */

/* dpdk_eal.c */
int sl_dpdk_eal_start(const struct sl_policy_engine *engine, uint64_t memory_bytes, bool verbose,
		      struct sl_dpdk_why why);
/* Zeroed and aligned, on huge pages where EAL has them; NULL = none left. */
void *sl_dpdk_memory(size_t bytes);
void sl_dpdk_memory_free(void *memory, size_t bytes);

/* dpdk_port.c */
uint32_t sl_dpdk_mbufs(const struct sl_dpdk *dpdk); /* of the pool, by policy and .workers */
int sl_dpdk_ports_open(struct sl_dpdk *dpdk, struct sl_dpdk_why why);
int sl_dpdk_ports_start(struct sl_dpdk *dpdk, struct sl_dpdk_why why);
void sl_dpdk_ports_close(struct sl_dpdk *dpdk);
void sl_dpdk_ports_count(struct sl_dpdk *dpdk);

/* dpdk_tables.c */
int sl_dpdk_tables_apply(struct sl_engine *engine, const struct sl_tables *next);
/* Swap in @next (taken over); the old one is freed when no worker reads it any more. */
int sl_dpdk_hops_apply(struct sl_dpdk *dpdk, struct sl_hops *next);
void sl_dpdk_retire(struct sl_dpdk *dpdk); /* free what is retired and unread */
void sl_dpdk_tables_close(struct sl_dpdk *dpdk);

/* dpdk_hops.c */
int sl_dpdk_hops_refresh(struct sl_dpdk *dpdk); /* 0, or -errno and the old ones stand */

/* dpdk_loop.c */
int sl_dpdk_loop(void *lcore); /* until dpdk->running is false */
/* Measure and forward the @count packets of lcore->rx, described by lcore->frame. */
void sl_dpdk_burst(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count);
void sl_dpdk_send(struct sl_lcore *lcore);

/* dpdk_forward.c */
void sl_dpdk_forward(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count);
/* Bypassed: every packet as it came, to the wire's other end or to the kernel. */
void sl_dpdk_pass(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count);

#endif
