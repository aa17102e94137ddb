/*
 * dpdk_loop.c - a worker's life: turn after turn of poll, measure, forward, send
 *
 * A turn polls this worker's queue of every port once.  Between turns the worker holds
 * no table (quiescent).  The clock is read once a burst: CLOCK_MONOTONIC, which the vDSO
 * gives without a system call, so that XDP's and the agent's clock are the same.  The
 * only system call is the rest of a worker that found nothing for a while, when the
 * policy allows it.
 */
#include <rte_ethdev.h>
#include <rte_prefetch.h>
#include <time.h>

#include "clock.h"
#include "dpdk_private.h"

#define IDLE_TURNS    256 /* without a packet, before the worker rests */
#define BEAT_NS       UINT64_C(1000000)
#define SWEEP_NS      UINT64_C(5000000000) /* the whole table; why: xdp_run.c */
#define SWEEP_STEP_NS UINT64_C(1000000)
#define SWEEP_MAX     UINT64_C(1024) /* buckets of one turn: 64 KiB */

/* What the core needs to know of each packet; the headers are on their way to the cache. */
static inline void describe(struct sl_lcore *lcore, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct rte_mbuf *m = lcore->rx[i];
		const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);

		rte_prefetch0(bytes);
		rte_prefetch0(bytes + RTE_CACHE_LINE_SIZE);
		lcore->frame[i] = (struct sl_frame){.t_ns = lcore->now_ns,
						    .length = rte_pktmbuf_data_len(m),
						    .wire_bytes = rte_pktmbuf_pkt_len(m),
						    .bytes = bytes};
	}
}

void sl_dpdk_burst(struct sl_lcore *lcore, const struct sl_dpdk_port *port, uint32_t count)
{
	if (sl_worker_burst(&lcore->worker, lcore->tables, &port->entry, port->entry.ingress,
			    lcore->frame, count))
		sl_dpdk_forward(lcore, port, count);
	else
		sl_dpdk_pass(lcore, port, count);
}

/* Send, once; what does not fit is dropped and counted: a full queue must not stop the worker. */
static inline void send_out(struct sl_dpdk_out *out, uint16_t port, uint16_t queue,
			    uint64_t *dropped)
{
	uint32_t sent;

	if (!out->count)
		return;
	sent = rte_eth_tx_burst(port, queue, out->packet, (uint16_t)out->count);
	if (sent < out->count) {
		*dropped += out->count - sent;
		rte_pktmbuf_free_bulk(&out->packet[sent], out->count - sent);
	}
	out->count = 0;
}

void sl_dpdk_send(struct sl_lcore *lcore)
{
	struct sl_stats *stats = lcore->worker.memory.stats;
	struct sl_dpdk *dpdk = lcore->dpdk;

	for (uint32_t i = 0; i < dpdk->ports; i++) {
		send_out(&lcore->out[i], dpdk->port[i].id, lcore->queue, &stats->unsent);
		if (dpdk->port[i].exception != SL_DPDK_NO_PORT)
			send_out(&lcore->exception[i], dpdk->port[i].exception, lcore->queue,
				 &stats->to_kernel_failed);
	}
}

static inline uint32_t poll_port(struct sl_lcore *lcore, const struct sl_dpdk_port *port)
{
	uint32_t count = rte_eth_rx_burst(port->id, lcore->queue, lcore->rx, SL_BURST_MAX);

	if (!count)
		return 0;
	describe(lcore, count);
	sl_dpdk_burst(lcore, port, count);
	sl_dpdk_send(lcore);
	return count;
}

/* What the kernel sends by the exception port leaves by the port.  Under AF_XDP it has its own way. */
static uint32_t poll_exception(struct sl_lcore *lcore, uint32_t index)
{
	struct sl_dpdk_port *port = &lcore->dpdk->port[index];
	struct sl_dpdk_out *out = &lcore->out[index];
	uint32_t count;

	if (port->exception == SL_DPDK_NO_PORT || lcore->dpdk->xdp)
		return 0;
	count = rte_eth_rx_burst(port->exception, lcore->queue, &out->packet[out->count],
				 (uint16_t)(RTE_DIM(out->packet) - out->count));
	out->count += count;
	sl_dpdk_send(lcore);
	return count;
}

/* A slice of the flow table each millisecond, in small bites. */
static inline void sweep(struct sl_lcore *lcore)
{
	uint64_t buckets;

	if (lcore->now_ns - lcore->swept_ns < SWEEP_STEP_NS)
		return;
	/* The reciprocal is the compiler's: no division here. */
	buckets = (lcore->now_ns - lcore->swept_ns) / SWEEP_STEP_NS *
			  (lcore->worker.bucket_mask + UINT64_C(1)) / (SWEEP_NS / SWEEP_STEP_NS) +
		  1;
	lcore->swept_ns = lcore->now_ns;
	sl_worker_sweep(&lcore->worker, lcore->now_ns, (uint32_t)RTE_MIN(buckets, SWEEP_MAX));
}

/*
 * Sign of life for the XDP engine below, which forwards by itself without it: the worker is
 * dead, or hangs, or was told to touch nothing (bypass).  Now and then is enough, and spares
 * the line that workers share.
 */
static inline void beat(struct sl_lcore *lcore)
{
	if (!lcore->heartbeat || lcore->now_ns - lcore->beat_ns < BEAT_NS)
		return;
	lcore->beat_ns = lcore->now_ns;
	*lcore->heartbeat = lcore->tables->knobs.bypass ? 0 : lcore->now_ns;
}

static inline uint32_t turn(struct sl_lcore *lcore)
{
	struct sl_dpdk *dpdk = lcore->dpdk;
	uint32_t packets = 0;

	lcore->tables = __atomic_load_n(&dpdk->tables, __ATOMIC_ACQUIRE);
	lcore->hops = __atomic_load_n(&dpdk->hops, __ATOMIC_ACQUIRE);
	lcore->now_ns = sl_clock_ns();
	beat(lcore);
	for (uint32_t i = 0; i < dpdk->ports; i++) {
		packets += poll_port(lcore, &dpdk->port[i]);
		packets += poll_exception(lcore, i);
	}
	sweep(lcore);
	return packets;
}

static inline void rest(struct sl_lcore *lcore, uint32_t packets)
{
	uint32_t sleep_us = lcore->dpdk->policy.engine.idle_sleep_us;

	lcore->idle = packets ? 0 : lcore->idle + 1;
	if (sleep_us && lcore->idle > IDLE_TURNS) {
		struct timespec time = {0, (long)sleep_us * 1000};

		nanosleep(&time, NULL);
	}
}

int sl_dpdk_loop(void *argument)
{
	struct sl_lcore *lcore = argument;
	struct sl_dpdk *dpdk = lcore->dpdk;

	rte_rcu_qsbr_thread_register(dpdk->rcu, lcore->queue);
	rte_rcu_qsbr_thread_online(dpdk->rcu, lcore->queue);
	lcore->swept_ns = sl_clock_ns();
	while (__atomic_load_n(&dpdk->running, __ATOMIC_RELAXED)) {
		rest(lcore, turn(lcore));
		rte_rcu_qsbr_quiescent(dpdk->rcu, lcore->queue);
		__atomic_store_n(&lcore->turns, lcore->turns + 1, __ATOMIC_RELAXED);
	}
	if (lcore->heartbeat)
		*lcore->heartbeat = 0;
	rte_rcu_qsbr_thread_offline(dpdk->rcu, lcore->queue);
	rte_rcu_qsbr_thread_unregister(dpdk->rcu, lcore->queue);
	return 0;
}
