/*
 * xdp_private.h - the XDP engine's own state, shared by its files and nobody else
 *
 *   xdp.c         open, close, the engine's calls      xdp_load.c    program and maps
 *   xdp_attach.c  ports to links                       xdp_tables.c  generations
 *   xdp_pin.c     bpffs, pins by name                  xdp_run.c     packets and sweeps
 *   xdp_handover.c  ports that DPDK's AF_XDP driver holds   xdp_locals.c  own addresses
 *   xdp_reflect.c   the STAMP reflector's own program       xdp_own.c     where it may be asked
 *   xdp_veth.c      may XDP send on a device
 */
#ifndef SL_XDP_PRIVATE_H
#define SL_XDP_PRIVATE_H

#include <limits.h>

#include "route.h"
#include "xdp.h"

#define SL_XDP_PORTS_MAX (SL_POLICY_PORTS_MAX + SL_WIRE_UPLINKS_MAX)

#define SL_XDP_HANDOVER_PIN "handover" /* handover_DEVICE: the netlink program on it is ours */

/*
 * How a hook is held: by a pinned link or, where the kernel has none, a clsact filter;
 * by netlink where DPDK's driver was on the device first.
 */
enum sl_xdp_hold { SL_XDP_FREE, SL_XDP_LINK, SL_XDP_CLSACT, SL_XDP_HANDOVER };

enum sl_xdp_hook { SL_XDP_INGRESS, SL_XDP_EGRESS, SL_XDP_MARK, SL_XDP_HOOKS };

struct sl_xdp_port {
	char name[SL_NAME_MAX];
	char device[SL_DEVICE_MAX];
	struct sl_port entry; /* .ifindex 0 = device absent */
	bool mark;            /* wants sl_tc_mark */
	bool generic;
	enum sl_xdp_hold hold[SL_XDP_HOOKS];
	char line[96];
};

/* The reflector's program, on devices where sl_xdp does not stand. */
struct sl_xdp_reflector {
	char name[SL_NAME_MAX];
	char device[SL_DEVICE_MAX];
	uint32_t ifindex; /* 0 = it does not stand there: the socket alone answers */
	int said_err;     /* why not; said once */
	uint32_t refused; /* the ifindex that is not tried again, as its driver cannot */
	char line[96];
};

struct sl_xdp_reflect {
	struct reflect_bpf *skel; /* NULL = not loaded yet */
	struct sl_reflect_state *state;
	int own_err; /* of the last look at own addresses; said once */
	uint32_t devices;
	struct sl_xdp_reflector device[SL_XDP_PORTS_MAX];
};

struct sl_xdp {
	struct sl_engine engine;
	struct storeline_bpf *skel;
	char pin_dir[PATH_MAX];
	bool replay, force_generic, no_tcx, gateway, handover;
	enum sl_placement placement;
	void (*say)(void *arg, const char *line);
	void *say_arg;

	uint32_t cpus, buckets;
	uint32_t sweep_bucket;  /* the next to sweep */
	struct sl_stats *stats; /* [cpus] */
	struct sl_work *work;   /* [cpus] */
	struct sl_clock *clock;
	volatile uint64_t *heartbeat; /* [SL_HANDOVER_QUEUES] */
	struct sl_names *names;
	struct sl_record *records; /* [cpus][SL_RECORD_RINGS][record_slots] */
	struct sl_record_head *record_heads;
	uint32_t record_slots;
	struct ring_buffer *inspect; /* the kernel's ring of copies for the slow path */
	sl_inspect_take *take;       /* to whom they go, while they are drained */
	void *take_arg;
	int object_fd; /* the guard's ELF file; -1 = not made yet */

	int tables_fd;
	struct sl_tables *tables;  /* the standing generation */
	struct sl_tables *retired; /* the one before: DPDK's workers may read it until the next */
	uint32_t mark_base;

	uint32_t ports;
	struct sl_xdp_port port[SL_XDP_PORTS_MAX];
	struct sl_policy_uplink uplink[SL_WIRE_UPLINKS_MAX];
	uint32_t uplinks;
	struct sl_xdp_reflect reflect;
};

/* Where the reason of a failure goes. */
struct sl_xdp_why {
	char *text;
	size_t size;
};

/* Write the reason and return @err. */
__attribute__((format(printf, 3, 4))) int sl_xdp_fail(struct sl_xdp_why why, int err,
						      const char *format, ...);
__attribute__((format(printf, 2, 3))) void sl_xdp_say(const struct sl_xdp *xdp, const char *format,
						      ...);

/* xdp_pin.c */
int sl_xdp_pin_dir(const char *dir, struct sl_xdp_why why); /* make it, on a bpffs */
/* PIN_DIR/KIND_NAME; '.', which bpffs forbids, is written %2E. */
void sl_xdp_pin_path(char path[PATH_MAX], const char *dir, const char *kind, const char *name);
/* Call @visit with each pin of @dir; stops at the first that is not 0 and returns it. */
int sl_xdp_pin_each(const char *dir,
		    int (*visit)(void *arg, const char *path, const char *kind, const char *name),
		    void *arg);
void sl_xdp_pin_remove(const char *dir);

/* xdp_load.c */
int sl_xdp_load(struct sl_xdp *xdp, uint32_t flows, bool verbose, struct sl_xdp_why why);
void sl_xdp_unload(struct sl_xdp *xdp);

/* xdp_run.c */
/* libbpf's callback: one record of the ring, to xdp->take. */
int sl_xdp_inspected(void *xdp, void *record, size_t size);
int sl_xdp_inspect(struct sl_engine *engine, sl_inspect_take *take, void *arg);

/* xdp_tables.c */
int sl_xdp_tables_apply(struct sl_engine *engine, const struct sl_tables *next);
void sl_xdp_tables_close(struct sl_xdp *xdp);

/* xdp_attach.c */
const char *sl_xdp_hook_kind(enum sl_xdp_hook hook);
void sl_xdp_describe(const struct sl_xdp *xdp, struct sl_xdp_port *port); /* write its line */
bool sl_xdp_link_drop(const char *path); /* detach the pinned link; true: there was one */
int sl_xdp_attach(struct sl_xdp *xdp, struct sl_xdp_port *port, struct sl_xdp_why why);
/* Does every hook of @port still hold its device? */
bool sl_xdp_attached(const struct sl_xdp *xdp, const struct sl_xdp_port *port);
int sl_xdp_ports_write(struct sl_xdp *xdp, struct sl_xdp_why why);
/* Detach all pins of @dir that do not belong to one of @xdp's ports (NULL: all).  How many. */
int sl_xdp_attach_drop(const char *dir, const struct sl_xdp *xdp);

/* xdp_handover.c */
/* Look how sl_xdp stands on a port that hands over.  0; -ENOENT: it was taken off. */
int sl_xdp_handover_stand(struct sl_xdp *xdp, struct sl_xdp_port *port, struct sl_xdp_why why);
/* Is it not taken off?  Before sl_xdp_handover_clear() nothing is to be there. */
bool sl_xdp_handover_there(const struct sl_xdp *xdp, const struct sl_xdp_port *port);
/* Take our netlink program off @device, and its pin @path.  How many programs: 0 or 1. */
int sl_xdp_handover_drop(const char *path, const char *device);
void sl_xdp_handover_close(struct sl_xdp *xdp, bool detach); /* before the program is unloaded */

/* xdp_reflect.c */
#define SL_XDP_REFLECT_PIN "reflect" /* reflect_DEVICE: its link there */
/* On which devices @policy wants it; behind the plan of the ports. */
void sl_xdp_reflect_plan(struct sl_xdp *xdp, const struct sl_policy *policy);
/* Take it off where the plan (@xdp NULL: nothing) does not want it.  How many. */
int sl_xdp_reflect_drop(const char *dir, const struct sl_xdp *xdp);
/* The 1 s tick: devices that came back, addresses that changed. */
void sl_xdp_reflect_look(struct sl_xdp *xdp);
void sl_xdp_reflect_close(struct sl_xdp *xdp); /* links stay, as they are pinned */

/* xdp_veth.c: does what XDP_TX sends on @ifindex get away? */
bool sl_xdp_sends(uint32_t ifindex);

/* xdp_own.c: write sl_own, the map @fd, anew for the devices of @reflect.  0; -ENOSPC, it is full;
 * or -errno. */
int sl_xdp_own_write(int fd, const struct sl_xdp_reflect *reflect);

#endif
