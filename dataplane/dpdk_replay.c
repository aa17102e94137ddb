/*
 * dpdk_replay.c - captures through the workers' own burst function
 *
 * DPDK's pcap driver keeps neither nanoseconds nor the length on the wire, and reads
 * Ethernet only; so our reader (capture.h) fills the mbufs, and from there on all is as
 * in a live turn.  One worker; all from one thread; no device, no huge pages.
 */
#include <errno.h>
#include <rte_errno.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk_private.h"

#define REPLAY_MBUFS 512
#define REPLAY_BYTES (UINT64_C(48) << 20) /* EAL and the pool */

static struct sl_lcore *lcore_of(struct sl_engine *engine)
{
	return ((struct sl_dpdk *)engine)->lcore[0];
}

int sl_dpdk_flush(struct sl_engine *engine, const struct sl_work **work, uint32_t *done)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	struct sl_lcore *lcore = dpdk->lcore[0];

	*done = dpdk->replayed;
	*work = lcore->worker.work;
	if (!dpdk->replayed)
		return 0;
	lcore->tables = dpdk->tables;
	dpdk->replayed = 0;
	sl_dpdk_burst(lcore, &dpdk->port[0], *done);
	return 0;
}

int sl_dpdk_add(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		const struct sl_work **work, uint32_t *done)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	struct sl_lcore *lcore = dpdk->lcore[0];
	struct rte_mbuf *m = rte_pktmbuf_alloc(dpdk->pool);
	char *bytes = m ? rte_pktmbuf_append(m, (uint16_t)frame->length) : NULL;
	uint32_t at = dpdk->replayed;

	*done = 0;
	if (!bytes) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	memcpy(bytes, frame->bytes, frame->length);
	lcore->rx[at] = m;
	lcore->frame[at] = *frame;
	lcore->frame[at].bytes = (const uint8_t *)bytes;
	dpdk->port[0].entry.ingress = (uint8_t)side;
	dpdk->replayed = at + 1;
	return dpdk->replayed == SL_BURST_MAX ? sl_dpdk_flush(engine, work, done) : 0;
}

int sl_dpdk_reset(struct sl_engine *engine)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;

	rte_pktmbuf_free_bulk(lcore_of(engine)->rx, dpdk->replayed);
	dpdk->replayed = 0;
	sl_worker_reset(&lcore_of(engine)->worker);
	memset(dpdk->meters, 0, sizeof(*dpdk->meters));
	memset(dpdk->names, 0, sizeof(*dpdk->names));
	lcore_of(engine)->worker.memory.inspect->tail =
		lcore_of(engine)->worker.memory.inspect->head;
	return 0;
}

static int open_steps(struct sl_dpdk *dpdk, const struct sl_tables *tables, struct sl_dpdk_why why)
{
	int err = sl_dpdk_eal_start(&dpdk->policy.engine, REPLAY_BYTES, dpdk->verbose, why);

	if (!err)
		err = sl_dpdk_workers_open(dpdk, why);
	if (err)
		return err;
	err = sl_dpdk_tables_apply(&dpdk->engine, tables);
	if (err)
		return sl_dpdk_fail(why, err, "write the tables: %s", strerror(-err));
	dpdk->pool = rte_pktmbuf_pool_create("sl_mbufs", REPLAY_MBUFS, 0, 0,
					     RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	return dpdk->pool ? 0 : sl_dpdk_fail(why, -ENOMEM, "mbufs: %s", rte_strerror(rte_errno));
}

int sl_dpdk_replay_open(uint32_t flows, const struct sl_tables *tables, bool verbose,
			struct sl_engine **engine, char *why, size_t why_size)
{
	struct sl_dpdk_why reason = {why, why_size};
	struct sl_dpdk *dpdk = sl_dpdk_make(verbose);
	int err;

	if (!dpdk)
		return sl_dpdk_fail(reason, -ENOMEM, "out of memory");
	dpdk->policy.placement = SL_PLACEMENT_TAP;
	dpdk->policy.engine.queues = 1;
	dpdk->policy.engine.no_huge_pages = true;
	dpdk->policy.engine.driver = SL_DRIVER_AF_PACKET; /* no device of EAL is looked for */
	dpdk->workers = 1;
	dpdk->buckets = sl_worker_buckets(flows);
	dpdk->port[0].entry.uplink = SL_UPLINK_NONE;
	snprintf(dpdk->port[0].line, sizeof(dpdk->port[0].line), "replay - tap dpdk");
	err = open_steps(dpdk, tables, reason);
	if (err) {
		dpdk->engine.ops->close(&dpdk->engine, true);
		return err;
	}
	*engine = &dpdk->engine;
	return 0;
}
