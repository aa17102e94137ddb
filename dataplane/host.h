/*
 * host.h - the core over plain memory: an engine with no kernel under it
 *
 * For replay, and for the differential test against the BPF program: one worker
 * (worker.h), frame by frame; all calls from one thread.
 */
#ifndef SL_HOST_H
#define SL_HOST_H

#include "fastpath/work.h"
#include "engine.h"
#include "frame.h"

/*
 * An engine with room for at least @flows flows (rounded up as the XDP engine does)
 * and a copy of @tables.  0 and *@engine, the caller's to close; -ENOMEM, -EINVAL.
 */
int sl_host_open(uint32_t flows, const struct sl_tables *tables, struct sl_engine **engine);

/*
 * One frame, sent by @side, through the core at frame->t_ns.  0 and *@work, what the
 * core made of it, valid until the next call.
 */
int sl_host_packet(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		   const struct sl_work **work);

/* Forget all flows and counters, as if just opened.  0. */
int sl_host_reset(struct sl_engine *engine);

/* Expire what rests too long at @now_ns.  Entries freed. */
uint32_t sl_host_sweep(struct sl_engine *engine, uint64_t now_ns);

#endif
