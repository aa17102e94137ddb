/*
 * dpdk.c - the DPDK engine as the agent sees it: open, start, ticks, close
 */
#include "dpdk.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dpdk_private.h"
#include "xdp.h"

#define STOP_WAITS 1000 /* of 1 ms: a worker that hangs is not waited for longer */
#define EAL_MB     80   /* rings, ports, EAL's own */
#define MBUF_BYTES 2560 /* RTE_MBUF_DEFAULT_BUF_SIZE, the header, the pool's own */

/* ---- memory of the workers ---- */

static size_t flows_bytes(uint32_t buckets)
{
	return (size_t)buckets *
	       (sizeof(struct sl_bucket) + SL_BUCKET_WAYS * sizeof(struct sl_flow));
}

static size_t records_bytes(uint32_t slots)
{
	return (size_t)SL_RECORD_RINGS * slots * sizeof(struct sl_record);
}

static void free_lcore(struct sl_lcore *lcore)
{
	const struct sl_worker_memory *memory;
	uint32_t buckets;

	if (!lcore)
		return;
	memory = &lcore->worker.memory;
	buckets = lcore->worker.bucket_mask + 1;
	sl_dpdk_memory_free(memory->bucket, buckets * sizeof(*memory->bucket));
	sl_dpdk_memory_free(memory->flow, (size_t)buckets * SL_BUCKET_WAYS * sizeof(*memory->flow));
	sl_dpdk_memory_free(memory->fragment, SL_FRAGMENT_SLOTS * sizeof(*memory->fragment));
	sl_dpdk_memory_free(memory->stats, sizeof(*memory->stats));
	sl_dpdk_memory_free(memory->inspect, sizeof(*memory->inspect));
	sl_dpdk_memory_free(memory->record, records_bytes(memory->record_slots));
	sl_dpdk_memory_free(memory->record_head, SL_RECORD_RINGS * sizeof(*memory->record_head));
	sl_dpdk_memory_free(lcore, sizeof(*lcore));
}

static struct sl_lcore *make_lcore(struct sl_dpdk *dpdk, uint32_t index)
{
	struct sl_lcore *lcore = sl_dpdk_memory(sizeof(*lcore));
	uint32_t slots = sl_record_slots(dpdk->workers);
	struct sl_worker_memory memory = {
		.bucket = sl_dpdk_memory(dpdk->buckets * sizeof(*memory.bucket)),
		.flow = sl_dpdk_memory((size_t)dpdk->buckets * SL_BUCKET_WAYS *
				       sizeof(*memory.flow)),
		.fragment = sl_dpdk_memory(SL_FRAGMENT_SLOTS * sizeof(*memory.fragment)),
		.stats = sl_dpdk_memory(sizeof(*memory.stats)),
		.inspect = sl_dpdk_memory(sizeof(*memory.inspect)),
		.names = dpdk->names,
		.record = sl_dpdk_memory(records_bytes(slots)),
		.record_head = sl_dpdk_memory(SL_RECORD_RINGS * sizeof(*memory.record_head)),
		.record_slots = slots,
	};

	if (!lcore)
		return NULL;
	sl_worker_init(&lcore->worker, &memory, dpdk->buckets, dpdk->meters);
	lcore->dpdk = dpdk;
	lcore->queue = (uint16_t)index;
	if (memory.bucket && memory.flow && memory.fragment && memory.stats && memory.inspect &&
	    memory.record && memory.record_head)
		return lcore;
	free_lcore(lcore);
	return NULL;
}

static int make_rcu(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	size_t size = rte_rcu_qsbr_get_memsize(SL_ENGINE_LCORES_MAX);

	dpdk->rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(size, RTE_CACHE_LINE_SIZE));
	if (!dpdk->rcu || rte_rcu_qsbr_init(dpdk->rcu, SL_ENGINE_LCORES_MAX))
		return sl_dpdk_fail(why, -ENOMEM, "out of memory");
	return 0;
}

int sl_dpdk_workers_open(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	int err = make_rcu(dpdk, why);

	if (err)
		return err;
	dpdk->meters = sl_dpdk_memory(sizeof(*dpdk->meters));
	dpdk->nics = sl_dpdk_memory(sizeof(*dpdk->nics));
	dpdk->names =
		dpdk->xdp ? dpdk->xdp->ops->names(dpdk->xdp) : sl_dpdk_memory(sizeof(*dpdk->names));
	for (uint32_t i = 0; i < dpdk->workers; i++) {
		dpdk->lcore[i] = make_lcore(dpdk, i);
		if (!dpdk->lcore[i])
			return sl_dpdk_fail(
				why, -ENOMEM,
				"engine: no memory for the flow table of worker %u: %zu MB", i,
				flows_bytes(dpdk->buckets) >> 20);
		if (dpdk->xdp)
			dpdk->lcore[i]->heartbeat = sl_xdp_heartbeat(dpdk->xdp) + i;
	}
	return dpdk->meters && dpdk->nics && dpdk->names
		       ? 0
		       : sl_dpdk_fail(why, -ENOMEM, "out of memory");
}

/* ---- the engine's calls ---- */

static struct sl_tables *standing(struct sl_engine *engine)
{
	return ((struct sl_dpdk *)engine)->tables;
}

/* The workers, then the NICs, then what the XDP engine below counts. */
static const struct sl_stats *stats(struct sl_engine *engine, unsigned int worker)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;

	if (worker < dpdk->workers)
		return dpdk->lcore[worker]->worker.memory.stats;
	if (worker == dpdk->workers)
		return dpdk->nics;
	return dpdk->xdp ? dpdk->xdp->ops->stats(dpdk->xdp, worker - dpdk->workers - 1) : NULL;
}

static const char *port_line(struct sl_engine *engine, unsigned int port)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;

	return port < dpdk->ports ? dpdk->port[port].line : NULL;
}

static struct sl_names *names_of(struct sl_engine *engine)
{
	return ((struct sl_dpdk *)engine)->names;
}

static int inspect(struct sl_engine *engine, sl_inspect_take *take, void *arg)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	int taken = dpdk->xdp ? dpdk->xdp->ops->inspect(dpdk->xdp, take, arg) : 0;

	for (uint32_t i = 0; i < dpdk->workers; i++)
		taken += sl_inspect_ring_drain(dpdk->lcore[i]->worker.memory.inspect, take, arg);
	return taken;
}

/* The workers', then those of the XDP engine below. */
static bool records(struct sl_engine *engine, unsigned int worker, struct sl_record_view *view)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;

	if (worker >= dpdk->workers)
		return dpdk->xdp &&
		       dpdk->xdp->ops->records(dpdk->xdp, worker - dpdk->workers, view);
	const struct sl_worker_memory *memory = &dpdk->lcore[worker]->worker.memory;

	*view = (struct sl_record_view){memory->record_head, memory->record, memory->record_slots};
	return true;
}

static uint64_t now_ns(struct sl_engine *engine)
{
	return sl_clock_ns();
}

/* False: some worker did not end in time. */
static bool stop_workers(struct sl_dpdk *dpdk)
{
	bool stopped = true;

	__atomic_store_n(&dpdk->running, false, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < dpdk->workers && dpdk->lcore[i]; i++) {
		for (int waits = 0; waits < STOP_WAITS; waits++) {
			if (rte_eal_get_lcore_state(i + 1) == WAIT)
				break;
			usleep(1000);
		}
		stopped = stopped && rte_eal_get_lcore_state(i + 1) == WAIT;
	}
	return stopped;
}

/* What each did: an uneven share shows what a NIC spreads badly. */
static void say_shares(const struct sl_dpdk *dpdk)
{
	for (uint32_t i = 0; i < dpdk->workers && dpdk->lcore[i]; i++) {
		const struct sl_stats *s = dpdk->lcore[i]->worker.memory.stats;
		uint64_t packets = 0;

		for (int reason = 0; reason < SL_REASON_COUNT; reason++)
			packets += s->reason[reason];
		sl_dpdk_say(dpdk, "worker %u saw %" PRIu64 " packets", i, packets);
	}
}

static void free_all(struct sl_dpdk *dpdk)
{
	for (uint32_t i = 0; i < SL_ENGINE_LCORES_MAX; i++)
		free_lcore(dpdk->lcore[i]);
	sl_dpdk_memory_free(dpdk->meters, sizeof(*dpdk->meters));
	sl_dpdk_memory_free(dpdk->nics, sizeof(*dpdk->nics));
	if (!dpdk->xdp)
		sl_dpdk_memory_free(dpdk->names, sizeof(*dpdk->names));
	sl_dpdk_tables_close(dpdk);
	free(dpdk);
}

/* Ports first: closing one takes its XDP program off, and the XDP engine puts it back. */
static void dpdk_close(struct sl_engine *engine, bool detach)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	bool stopped = stop_workers(dpdk);

	if (!stopped)
		sl_dpdk_say(dpdk, "a worker hangs: its memory is left to the end of the process");
	say_shares(dpdk);
	sl_dpdk_ports_close(dpdk);
	if (dpdk->xdp)
		dpdk->xdp->ops->close(dpdk->xdp, detach);
	if (stopped)
		free_all(dpdk);
}

static const struct sl_engine_ops ops = {
	.name = "dpdk",
	.apply = sl_dpdk_tables_apply,
	.tables = standing,
	.stats = stats,
	.port = port_line,
	.names = names_of,
	.inspect = inspect,
	.records = records,
	.now_ns = now_ns,
	.close = dpdk_close,
};

/* ---- ticks ---- */

int sl_dpdk_tick(struct sl_engine *engine)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;

	sl_dpdk_ports_count(dpdk);
	sl_dpdk_retire(dpdk);
	return dpdk->xdp ? sl_xdp_sweep(dpdk->xdp) : 0;
}

static int find_hung(struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	int err = 0;

	for (uint32_t i = 0; i < dpdk->workers; i++) {
		uint64_t turns = __atomic_load_n(&dpdk->lcore[i]->turns, __ATOMIC_RELAXED);

		if (turns == dpdk->turns_seen[i])
			err = sl_dpdk_fail(why, -ETIMEDOUT, "worker %u made no turn for a second%s",
					   i,
					   dpdk->xdp ? ": the XDP program forwards instead" : "");
		dpdk->turns_seen[i] = turns;
	}
	return err;
}

int sl_dpdk_second(struct sl_engine *engine, char *why, size_t why_size)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	struct sl_dpdk_why reason = {why, why_size};
	int err = sl_dpdk_hops_refresh(dpdk), hung = find_hung(dpdk, reason), again = 0;

	if (dpdk->xdp)
		sl_xdp_handover_locals(dpdk->xdp);
	if (err && !hung)
		return sl_dpdk_fail(reason, err, "neighbours of the kernel: %s", strerror(-err));
	if (!hung && dpdk->xdp)
		again = sl_xdp_reattach(dpdk->xdp, why, why_size);
	return hung ? hung : again;
}

/* ---- open ---- */

uint32_t sl_dpdk_flows(const struct sl_policy_engine *engine)
{
	/* A store's box under AF_XDP has two tables, of which one is the XDP engine's. */
	uint32_t usual = engine->driver == SL_DRIVER_AF_XDP ? SL_XDP_FLOWS : SL_DPDK_FLOWS;
	uint32_t flows = engine->flows ? engine->flows : usual;
	uint32_t workers = engine->queues ? engine->queues : 1;

	return (flows + workers - 1) / workers;
}

static uint64_t memory_bytes(const struct sl_dpdk *dpdk)
{
	const struct sl_policy_engine *engine = &dpdk->policy.engine;
	uint64_t bytes = (uint64_t)sl_dpdk_mbufs(dpdk) * MBUF_BYTES + (EAL_MB << 20);

	/* Without huge pages the tables are not EAL's. */
	if (engine->no_huge_pages)
		return bytes;
	return bytes + dpdk->workers * (flows_bytes(dpdk->buckets) +
					records_bytes(sl_record_slots(dpdk->workers)));
}

static int check(const struct sl_dpdk *dpdk, struct sl_dpdk_why why)
{
	const struct sl_policy *policy = &dpdk->policy;

	if (policy->engine.driver == SL_DRIVER_AF_XDP && policy->placement == SL_PLACEMENT_TAP)
		for (uint32_t i = 0; i < policy->ports; i++)
			if (policy->port[i].role != SL_ROLE_MIRROR)
				return sl_dpdk_fail(
					why, -EINVAL,
					"%s: a tap by driver af_xdp would take the packets from the "
					"kernel: say af_packet, or role mirror",
					policy->port[i].name);
	return 0;
}

static int open_xdp(struct sl_dpdk *dpdk, const struct sl_dpdk_config *config,
		    struct sl_dpdk_why why)
{
	const struct sl_xdp_config xdp = {
		.policy = config->policy,
		.tables = config->tables,
		.pin_dir = config->pin_dir,
		.flows = RTE_MIN(sl_dpdk_flows(&config->policy->engine), SL_XDP_FLOWS_MAX),
		.force_generic = config->force_generic,
		.handover = true,
		.verbose = config->verbose,
		.say = config->say,
		.say_arg = config->say_arg,
	};

	if (config->policy->engine.driver != SL_DRIVER_AF_XDP)
		return 0;
	return sl_xdp_open(&xdp, &dpdk->xdp, why.text, why.size);
}

static int open_steps(struct sl_dpdk *dpdk, const struct sl_dpdk_config *config,
		      struct sl_dpdk_why why)
{
	const struct sl_policy_engine *engine = &dpdk->policy.engine;
	int err = check(dpdk, why);

	if (!err)
		err = sl_dpdk_eal_start(engine, memory_bytes(dpdk), config->verbose, why);
	if (!err)
		err = open_xdp(dpdk, config, why);
	if (!err)
		err = sl_dpdk_workers_open(dpdk, why);
	if (!err) {
		err = sl_dpdk_tables_apply(&dpdk->engine, config->tables);
		if (err)
			sl_dpdk_fail(why, err, "write the first tables: %s", strerror(-err));
	}
	return err ? err : sl_dpdk_ports_open(dpdk, why);
}

struct sl_dpdk *sl_dpdk_make(bool verbose)
{
	struct sl_dpdk *dpdk = calloc(1, sizeof(*dpdk));

	if (!dpdk)
		return NULL;
	dpdk->engine.ops = &ops;
	dpdk->verbose = verbose;
	return dpdk;
}

int sl_dpdk_open(const struct sl_dpdk_config *config, struct sl_engine **engine, char *why,
		 size_t why_size)
{
	struct sl_dpdk *dpdk = sl_dpdk_make(config->verbose);
	int err;

	if (!dpdk)
		return sl_dpdk_fail((struct sl_dpdk_why){why, why_size}, -ENOMEM, "out of memory");
	dpdk->policy = *config->policy;
	dpdk->say = config->say;
	dpdk->say_arg = config->say_arg;
	if (!dpdk->policy.engine.queues)
		dpdk->policy.engine.queues = 1;
	dpdk->workers = dpdk->policy.engine.queues;
	dpdk->buckets = sl_worker_buckets(sl_dpdk_flows(&dpdk->policy.engine));
	err = open_steps(dpdk, config, (struct sl_dpdk_why){why, why_size});
	if (err) {
		dpdk_close(&dpdk->engine, !config->keep);
		return err;
	}
	*engine = &dpdk->engine;
	return 0;
}

int sl_dpdk_start(struct sl_engine *engine, char *why, size_t why_size)
{
	struct sl_dpdk *dpdk = (struct sl_dpdk *)engine;
	struct sl_dpdk_why reason = {why, why_size};
	int err;

	why[0] = 0;
	err = sl_dpdk_ports_start(dpdk, reason);

	if (!err && dpdk->xdp)
		err = sl_xdp_handover_locals(dpdk->xdp);
	if (!err)
		err = sl_dpdk_hops_refresh(dpdk);
	if (err && !why[0])
		sl_dpdk_fail(reason, err, "addresses and neighbours of the kernel: %s",
			     strerror(-err));
	__atomic_store_n(&dpdk->running, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < dpdk->workers && !err; i++) {
		err = rte_eal_remote_launch(sl_dpdk_loop, dpdk->lcore[i], i + 1);
		if (err)
			sl_dpdk_fail(reason, err, "worker %u does not start: %s", i,
				     strerror(err < 0 ? -err : err));
	}
	return err;
}
