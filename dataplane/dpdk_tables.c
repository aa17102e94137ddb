/*
 * dpdk_tables.c - generations and next hops, swapped under the workers' feet
 *
 * Workers read one pointer a turn and are quiescent between turns (RCU by quiescent
 * states: rte_rcu_qsbr).  What is replaced is freed when every worker has begun a
 * turn since.  The agent never waits for that but a moment: a worker that hangs makes
 * the swap after the next one fail with -EBUSY, and what stands, stands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dpdk_private.h"

#define WAIT_US 100
#define WAITS   500 /* 50 ms: turns take microseconds */

static bool is_unread(const struct sl_dpdk *dpdk, uint64_t token)
{
	return rte_rcu_qsbr_check(dpdk->rcu, token, false) == 1;
}

void sl_dpdk_retire(struct sl_dpdk *dpdk)
{
	if (dpdk->retired.tables && is_unread(dpdk, dpdk->retired.tables_token)) {
		free(dpdk->retired.tables);
		dpdk->retired.tables = NULL;
	}
	if (dpdk->retired.hops && is_unread(dpdk, dpdk->retired.hops_token)) {
		free(dpdk->retired.hops);
		dpdk->retired.hops = NULL;
	}
}

/* Has every worker left what stood before the last swap? */
static bool settled(const struct sl_dpdk *dpdk)
{
	for (int i = 0; i < WAITS; i++) {
		if (is_unread(dpdk, dpdk->retired.tables_token))
			return true;
		usleep(WAIT_US);
	}
	return false;
}

/* Under AF_XDP both engines read the memory that the XDP engine mapped: one set of knobs. */
static int make(struct sl_dpdk *dpdk, const struct sl_tables *next, struct sl_tables **made)
{
	int err;

	if (dpdk->xdp) {
		err = dpdk->xdp->ops->apply(dpdk->xdp, next);
		*made = dpdk->xdp->ops->tables(dpdk->xdp);
		return err;
	}
	*made = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(**made), RTE_CACHE_LINE_SIZE));
	if (!*made)
		return -ENOMEM;
	**made = *next;
	return 0;
}

int sl_dpdk_tables_apply(struct sl_engine *engine, const struct sl_tables *next)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	struct sl_tables *made = NULL, *old = dpdk->tables;
	int err;

	if (!settled(dpdk))
		return -EBUSY;
	sl_dpdk_retire(dpdk);
	err = make(dpdk, next, &made);
	if (err)
		return err;
	__atomic_store_n(&dpdk->tables, made, __ATOMIC_RELEASE);
	dpdk->retired.tables = dpdk->xdp ? NULL : old;
	dpdk->retired.tables_token = rte_rcu_qsbr_start(dpdk->rcu);
	return 0;
}

int sl_dpdk_hops_apply(struct sl_dpdk *dpdk, struct sl_hops *next)
{
	sl_dpdk_retire(dpdk);
	if (dpdk->retired.hops) { /* still read: the next tick brings newer ones */
		free(next);
		return -EBUSY;
	}
	dpdk->retired.hops = __atomic_exchange_n(&dpdk->hops, next, __ATOMIC_ACQ_REL);
	dpdk->retired.hops_token = rte_rcu_qsbr_start(dpdk->rcu);
	return 0;
}

void sl_dpdk_tables_close(struct sl_dpdk *dpdk)
{
	free(dpdk->retired.tables);
	free(dpdk->retired.hops);
	if (!dpdk->xdp)
		free(dpdk->tables);
	free(dpdk->hops);
	free(dpdk->rcu);
}
