/*
 * worker.h - bursts of frames through the core, over tables that one thread owns
 *
 * A worker is one lcore of the DPDK engine, or the host engine: it shares nothing but
 * the rate meters, so it takes no lock and makes no system call.  A burst goes
 * through the pipeline in passes, so that the cache misses of its packets overlap:
 * parse and hash all, fetch and search all buckets, fetch all flows, then measure one after
 * the other in the order of arrival.  The result is that of one packet at a time, whatever the burst's size.
 */
#ifndef SL_WORKER_H
#define SL_WORKER_H

#include "fastpath/record.h"
#include "inspect_ring.h"

#define SL_BURST_MAX 64 /* 64 beat 32 and 128 (PERFORMANCE.md 2) */

/* The memory of a worker: zeroed, 64-byte aligned, the giver's to free. */
struct sl_worker_memory {
	struct sl_bucket *bucket;           /* a power of two of them */
	struct sl_flow *flow;               /* SL_BUCKET_WAYS a bucket */
	struct sl_fragment_slot *fragment;  /* SL_FRAGMENT_SLOTS */
	struct sl_stats *stats;             /* read by the agent's thread */
	struct sl_inspect_ring *inspect;    /* likewise; NULL = no slow path */
	const struct sl_names *names;       /* written by the agent's thread; NULL likewise */
	struct sl_record *record;           /* SL_RECORD_RINGS rings; NULL = no recorder */
	struct sl_record_head *record_head; /* [SL_RECORD_RINGS] */
	uint32_t record_slots;              /* of a ring: a power of two */
};

struct sl_worker {
	struct sl_worker_memory memory;
	uint32_t bucket_mask;
	uint32_t sweep_bucket;    /* the next to sweep */
	struct sl_shared held;    /* .flows_held of its own flows */
	struct sl_shared *meters; /* .meter_due_ns, of all workers: one limit for all */
	struct sl_work work[SL_BURST_MAX];
};

/* Buckets for at least @flows entries: a power of two. */
uint32_t sl_worker_buckets(uint32_t flows);

/*
 * Set @worker up over @memory with @buckets buckets; @meters NULL = its own.  What
 * stood in *@worker is forgotten, what stands in @memory stays.
 */
void sl_worker_init(struct sl_worker *worker, const struct sl_worker_memory *memory,
		    uint32_t buckets, struct sl_shared *meters);

/*
 * Run @count (at most SL_BURST_MAX) frames that came in by @port, sent by @side, under
 * @tables.  True: worker->work[i].result says what to do with frame i.  False: bypass is on,
 * no frame was looked at (and each was counted): they pass as they came.
 */
bool sl_worker_burst(struct sl_worker *worker, const struct sl_tables *tables,
		     const struct sl_port *port, enum sl_side side, const struct sl_frame *frames,
		     uint32_t count);

/* Expire what rests too long at @now_ns in the next @buckets buckets.  Entries freed. */
uint32_t sl_worker_sweep(struct sl_worker *worker, uint64_t now_ns, uint32_t buckets);

/* Forget all flows, fragments and counters. */
void sl_worker_reset(struct sl_worker *worker);

#endif
