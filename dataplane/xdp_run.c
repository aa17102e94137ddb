/*
 * xdp_run.c - the loaded programs run on demand: a frame of a replay, a sweep
 *
 * BPF_PROG_TEST_RUN runs the verified program on bytes of ours.  It refuses frames
 * shorter than an Ethernet header, so those are counted here as the core would.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

#define ETHERNET_BYTES 14
/*
 * Of 100 ms: the whole table in 5 s.  A query that was given up is counted when the sweep
 * comes by: at 30 s a fault of 10 s was told for 35 s more.
 */
#define SWEEP_TICKS 50
#define SWEEP_MOST  12500u /* buckets of a tick: 2 ms; the largest table takes 17 s */

/* Values of an array map are a multiple of 8 bytes apart. */
_Static_assert(sizeof(struct sl_work) % 8 == 0, "sl_work[] would not be the map's stride");
_Static_assert(sizeof(struct sl_stats) % 8 == 0, "sl_stats[] would not be the map's stride");

int sl_xdp_packet(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		  const struct sl_work **work)
{
	static struct sl_work too_short;
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes, .data_size_in = frame->length,
		    .repeat = 1);
	int cpu = sched_getcpu(); /* the thread is pinned to it */

	if (frame->length < ETHERNET_BYTES) {
		xdp->stats[cpu].reason[SL_REASON_ETH_SHORT]++;
		too_short.result =
			(struct sl_result){.reason = SL_REASON_ETH_SHORT, .flow_index = UINT32_MAX};
		*work = &too_short;
		return 0;
	}
	*xdp->clock = (struct sl_clock){.now_ns = frame->t_ns,
					.wire_bytes = frame->wire_bytes,
					.side = side};
	if (bpf_prog_test_run_opts(bpf_program__fd(xdp->skel->progs.sl_xdp), &run))
		return -errno;
	*work = &xdp->work[cpu];
	return 0;
}

int sl_xdp_sweep(struct sl_engine *engine)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	int program = bpf_program__fd(xdp->skel->progs.sl_sweep), expired = 0;
	uint32_t left = xdp->buckets / SWEEP_TICKS + 1;

	if (left > SWEEP_MOST)
		left = SWEEP_MOST;
	while (left) {
		struct sl_sweep_args args = {.bucket = xdp->sweep_bucket,
					     .count = left < SL_SWEEP_MAX ? left : SL_SWEEP_MAX};
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &args, .data_size_in = sizeof(args),
			    .repeat = 1);

		if (bpf_prog_test_run_opts(program, &run))
			return -errno;
		expired += (int)run.retval;
		left -= args.count;
		xdp->sweep_bucket = (args.bucket + args.count) % xdp->buckets;
	}
	return expired;
}

/* ---- copies for the slow path ---- */

int sl_xdp_inspected(void *arg, void *record, size_t size)
{
	struct sl_xdp *xdp = arg;

	if (size >= sizeof(struct sl_inspect) && xdp->take)
		xdp->take(xdp->take_arg, record);
	return 0;
}

int sl_xdp_inspect(struct sl_engine *engine, sl_inspect_take *take, void *arg)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;

	xdp->take = take;
	xdp->take_arg = arg;
	return ring_buffer__consume(xdp->inspect);
}

/* ---- between two recordings of a replay ---- */

#define CLEAR_BATCH 1024 /* values of one call; flows are the largest: 640 KiB */

static int clear(const struct bpf_map *map, const void *zeros)
{
	uint32_t keys[CLEAR_BATCH], entries = bpf_map__max_entries(map);

	for (uint32_t from = 0; from < entries;) {
		uint32_t count = entries - from < CLEAR_BATCH ? entries - from : CLEAR_BATCH;

		for (uint32_t i = 0; i < count; i++)
			keys[i] = from + i;
		from += count;
		if (bpf_map_update_batch(bpf_map__fd(map), keys, zeros, &count, NULL))
			return -errno;
	}
	return 0;
}

int sl_xdp_reset(struct sl_engine *engine)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	const struct bpf_map *maps[] = {xdp->skel->maps.sl_buckets, xdp->skel->maps.sl_flows,
					xdp->skel->maps.sl_shared, xdp->skel->maps.sl_fragments};
	void *zeros;
	int err = 0;

	if (!xdp->replay)
		return -EPERM;
	zeros = calloc(CLEAR_BATCH, sizeof(struct sl_flow));
	if (!zeros)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++)
		err = clear(maps[i], zeros);
	memset(xdp->stats, 0, xdp->cpus * sizeof(*xdp->stats));
	memset(xdp->names, 0, sizeof(*xdp->names));
	memset(xdp->records, 0,
	       (size_t)xdp->cpus * SL_RECORD_RINGS * xdp->record_slots * sizeof(*xdp->records));
	memset(xdp->record_heads, 0, xdp->cpus * SL_RECORD_RINGS * sizeof(*xdp->record_heads));
	sl_xdp_inspect(engine, NULL, NULL);
	free(zeros);
	return err;
}

_Static_assert(sizeof(struct sl_bucket) <= sizeof(struct sl_flow) &&
		       sizeof(struct sl_shared) <= sizeof(struct sl_flow),
	       "clear() has too few zeros");
