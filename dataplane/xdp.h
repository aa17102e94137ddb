/*
 * xdp.h - the XDP engine: loads, attaches, swaps tables, and lets go without a gap
 *
 * Placement gateway: XDP and tc on the lan ports, marks routed by route.h.  Tap: XDP
 * (what comes in) and tc (what goes out) on every port.  Links and maps are pinned
 * under a directory named by the layout, so traffic flows on when this process dies
 * and the next one takes over with flows and counters kept: programs are replaced
 * through their pinned links, atomically.  Under DPDK's AF_XDP driver (.handover) the
 * program hands packets over while the driver's worker lives.  Where the driver has no native XDP the
 * generic one is used, and said.  All calls come from the agent's one thread.
 */
#ifndef SL_XDP_H
#define SL_XDP_H

#include "../ebpf/maps.h"
#include "../proto/policy.h"
#include "capture.h"
#include "engine.h"
#include "fastpath/reflect.h"

#define SL_XDP_PIN_DIR   "/sys/fs/bpf/storeline/v8" /* v = SL_TABLES_LAYOUT */
#define SL_XDP_FLOWS     100000
#define SL_XDP_FLOWS_MAX (8u << 20)

struct sl_xdp_config {
	const struct sl_policy *policy; /* ports, uplinks, placement; not kept */
	const struct sl_tables *tables; /* the first generation; copied */
	const char *pin_dir;            /* NULL = SL_XDP_PIN_DIR */
	uint32_t flows;                 /* wanted capacity, rounded up; 0 = SL_XDP_FLOWS */
	bool force_generic;
	bool no_tcx;   /* clsact filters, as on a kernel before 6.6 */
	bool handover; /* under DPDK: the XDP hooks wait for sl_xdp_handover_attach() */
	bool replay;   /* nothing attached, nothing pinned; time from the frames */
	bool verbose;  /* libbpf's and the verifier's words to stderr */
	/* What an operator should know and is no error, one line each; may be NULL. */
	void (*say)(void *arg, const char *line);
	void *say_arg;
};

/*
 * Load and, unless @config says replay, attach.  0 and *@engine; or -errno, nothing
 * newly attached, and @why in plain words:
 *   -EPERM    may not use BPF, or not attach     -ENOSYS  this kernel has no BPF
 *   -ENOTSUP  the verifier refused a program     -ENODEV  a device does not exist
 *   -EBUSY    another XDP program is on a device
 *   -EINVAL   nothing to attach to, or placement wire without .handover
 */
int sl_xdp_open(const struct sl_xdp_config *config, struct sl_engine **engine, char *why,
		size_t why_size);

/*
 * Stand as @policy says: ports that are new or came back are attached, ports that
 * are gone from it detached, routes set.  0; or -errno of the first that failed, with
 * @why, the others done.
 */
int sl_xdp_place(struct sl_engine *engine, const struct sl_policy *policy, char *why,
		 size_t why_size);

/*
 * The 1 s tick: devices that came back under another ifindex, links that someone
 * took off and routes that a link took with it are set again.  How many ports were
 * attached again; or -errno of the first that failed, and @why.
 */
int sl_xdp_reattach(struct sl_engine *engine, char *why, size_t why_size);

/*
 * @policy's STAMP reflector: its program on the uplinks where no program stands, replaced in place,
 * or off.  Its state, good until close and shared with the socket; NULL: there is none, or
 * this kernel refuses the program, and the socket answers alone.  Where it stands: ops->port().
 */
struct sl_reflect_state *sl_xdp_reflect(struct sl_engine *engine, const struct sl_policy *policy);

/* ---- under DPDK's AF_XDP driver: the engine was opened with .handover ---- */

/*
 * The object that the driver is to load (its argument xdp_prog): 0 and @path, good in
 * this process until close; or -errno.
 */
int sl_xdp_handover_object(struct sl_engine *engine, char *path, size_t size);

/*
 * Before the driver makes its device: take off what a former process of ours left on
 * @device.  0; -EBUSY, another's program is there and stays; or -errno.  With @why.
 */
int sl_xdp_handover_clear(struct sl_engine *engine, const char *device, char *why, size_t why_size);

/*
 * After the driver started: put sl_xdp in the place of its program on @device, in the
 * same mode, with its sockets.  0, also when it was done already; or -errno and @why.
 */
int sl_xdp_handover_attach(struct sl_engine *engine, const char *device, char *why,
			   size_t why_size);

/*
 * [SL_HANDOVER_QUEUES]: the worker of queue q stores CLOCK_MONOTONIC ns there in its
 * loop, at least every SL_HANDOVER_STALE_NS / 2, and 0 as it ends.  Valid until close.
 */
volatile uint64_t *sl_xdp_heartbeat(struct sl_engine *engine);

/*
 * The 1 s tick: packets to the box's present addresses are not handed over.  0; -ENOSPC,
 * it has more than SL_LOCALS_MAX; or -errno.
 */
int sl_xdp_handover_locals(struct sl_engine *engine);

/*
 * The 100 ms tick: expire a slice of the flow table, and give up requests in it, the whole in 5 s;
 * in a replay at the time of the last frame.  Entries freed, or -errno.
 */
int sl_xdp_sweep(struct sl_engine *engine);

/* Replay: one frame through the program.  0 and *@work, valid until the next; or -errno. */
int sl_xdp_packet(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		  const struct sl_work **work);

/* Replay: forget all flows and counters, as if just opened.  0 or -errno. */
int sl_xdp_reset(struct sl_engine *engine);

/* The flow entries of the loaded table. */
uint32_t sl_xdp_capacity(const struct sl_engine *engine);

/*
 * Copy the generation that a former process left pinned in @pin_dir (NULL = default),
 * knobs and all.  0; or -ENOENT, -errno, *@tables untouched.
 */
int sl_xdp_standing(const char *pin_dir, struct sl_tables *tables);

/*
 * Take off everything that any process left in @pin_dir (NULL = default): links, clsact
 * filters, maps, rules and routes.  How many links and filters were taken off; or
 * -errno, @why, and as much as possible off.
 */
int sl_xdp_detach(const char *pin_dir, char *why, size_t why_size);

#endif
