/*
 * dpdk.h - the DPDK engine: the same core on NICs that user space polls
 *
 * One worker (lcore) a queue, the same queue of every port, shared nothing but the rate
 * meters: poll, measure, forward, in bursts, with no lock and no system call.  Placements:
 * tap (measure and free), wire (between pairs of ports), gateway (by next hop; what
 * is not ours goes to the kernel).  Ports are EAL devices, or kernel interfaces by AF_XDP
 * (then the XDP engine stands under it and goes on when this process is gone) or
 * AF_PACKET.  All calls come from the agent's one thread; EAL starts once a process.
 */
#ifndef SL_DPDK_H
#define SL_DPDK_H

#include "../proto/policy.h"
#include "engine.h"
#include "frame.h"

#define SL_DPDK_FLOWS (1u << 20)

struct sl_work;

struct sl_dpdk_config {
	const struct sl_policy *policy; /* engine, ports, uplinks, placement; copied */
	const struct sl_tables *tables; /* the first generation; copied */
	const char *pin_dir;            /* of the XDP engine under driver af_xdp; NULL = default */
	bool force_generic;             /* likewise */
	bool keep;    /* when it fails, leave what a former process left on the devices */
	bool verbose; /* EAL's own words to stderr */
	/* What an operator should know and is no error, one line each; may be NULL. */
	void (*say)(void *arg, const char *line);
	void *say_arg;
};

/*
 * Start EAL, set the ports up; no packet moves before sl_dpdk_start().  0 and *@engine;
 * or -errno, nothing left behind, and @why in plain words:
 *   -EINVAL  EAL refuses an argument, or the policy does not fit   -ENOMEM  huge pages
 *   -ENODEV  a device does not exist                               -EIO     a driver failed
 * and, under driver af_xdp, what sl_xdp_open() returns.
 */
int sl_dpdk_open(const struct sl_dpdk_config *config, struct sl_engine **engine, char *why,
		 size_t why_size);

/* Let the workers run.  0, or -errno and @why. */
int sl_dpdk_start(struct sl_engine *engine, char *why, size_t why_size);

/* Flows that one worker's table is asked to hold under @engine: what shares are shares of. */
uint32_t sl_dpdk_flows(const struct sl_policy_engine *engine);

/* The 100 ms tick: NIC counters, retired tables.  0, or -errno when something failed. */
int sl_dpdk_tick(struct sl_engine *engine);

/*
 * The 1 s tick: next hops, own addresses, workers that hang.  How many ports came back;
 * or -errno and @why.
 */
int sl_dpdk_second(struct sl_engine *engine, char *why, size_t why_size);

/* ---- replay: frames of a capture through the workers' own burst function ---- */

/* An engine with room for @flows flows, no huge pages, no device.  0, or -errno and @why. */
int sl_dpdk_replay_open(uint32_t flows, const struct sl_tables *tables, bool verbose,
			struct sl_engine **engine, char *why, size_t why_size);

/*
 * Take @frame (copied), sent by @side, into the burst.  When that is full the burst runs:
 * *@done is how many frames did, in order, and (*@work)[i] what the core made of frame i,
 * valid until the next call; else *@done is 0.  0, or -ENOBUFS.
 */
int sl_dpdk_add(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		const struct sl_work **work, uint32_t *done);

/* Run what is in the burst, as above. */
int sl_dpdk_flush(struct sl_engine *engine, const struct sl_work **work, uint32_t *done);

/* Forget all flows and counters, as if just opened.  0. */
int sl_dpdk_reset(struct sl_engine *engine);

#endif
