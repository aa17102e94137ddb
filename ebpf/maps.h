/*
 * maps.h - the maps that BPF programs and user space share, by name and layout
 *
 * Seen by storeline.bpf.c and by the loader (dataplane/xdp.c), which sets the sizes
 * that depend on the machine or the policy before load.
 */
#ifndef SL_MAPS_H
#define SL_MAPS_H

#include "../dataplane/fastpath/inspect.h"
#include "../dataplane/fastpath/record.h"

/*
 * sl_tables     ARRAY_OF_MAPS[1] of ARRAY[1] struct sl_tables, inner maps mmapable:
 *               a swap replaces the inner map; knobs are written through its mmap
 * sl_stats      ARRAY[cpus] struct sl_stats, mmapable: read with no system call
 * sl_work       ARRAY[cpus] struct sl_work, mmapable: replay reads the last packet's
 * sl_buckets    ARRAY[2^n] struct sl_bucket, mmapable for its page-aligned entries
 * sl_flows      ARRAY[2^n * SL_BUCKET_WAYS] struct sl_flow, likewise
 * sl_shared     ARRAY[1] struct sl_shared
 * sl_fragments  ARRAY[SL_FRAGMENT_SLOTS] struct sl_fragment_slot
 * sl_ports      ARRAY[SL_PORT_SLOTS] struct sl_port, slot = ifindex % SL_PORT_SLOTS;
 *               a slot whose .ifindex is another's is "not ours": pass
 * sl_clock      ARRAY[1] struct sl_clock, mmapable: replay's time; unused live
 * sl_handover   ARRAY_OF_MAPS[SL_PORT_SLOTS] of XSKMAP[SL_HANDOVER_QUEUES]: by the slot
 *               of sl_ports, the AF_XDP sockets of a port's queues
 * sl_names      ARRAY[1] struct sl_names, mmapable: the slow path writes, packets read
 * sl_inspects   RINGBUF of struct sl_inspect: copies for the slow path
 * sl_records    ARRAY[cpus * SL_RECORD_RINGS * slots] struct sl_record, mmapable: the flow
 *               recorder's rings, one after the other; slots is a power of two
 * sl_record_heads ARRAY[cpus * SL_RECORD_RINGS] struct sl_record_head, likewise
 * sl_heartbeat  ARRAY[SL_HANDOVER_QUEUES] uint64_t, mmapable: CLOCK_MONOTONIC ns of the
 *               last turn of the worker that serves queue q of every port, its only writer
 * sl_locals     HASH[SL_LOCALS_MAX] struct sl_local: the box's own addresses
 *
 * Programs: sl_xdp (ingress of every port), sl_tc_egress (what leaves a port),
 * sl_tc_mark (lan ingress: metadata to skb mark), sl_sweep (expires a slice of the
 * table: run by BPF_PROG_TEST_RUN with a struct sl_sweep_args as its packet, so with
 * preemption off like the rest; returns how many flows it freed).
 *
 * Of reflect.bpf.c, whose program is sl_reflect, and never pinned:
 * sl_state      ARRAY[1] struct sl_reflect_state, mmapable
 * sl_own        HASH[SL_REFLECT_OWN_MAX] of struct sl_reflect_local to struct sl_reflect_mac
 */

#define SL_PORT_SLOTS 1024

#define SL_INSPECT_RING_BYTES (1u << 21) /* 980 copies: a 10 ms tick of 98 000 a second */

#define SL_HANDOVER_QUEUES   64
#define SL_HANDOVER_STALE_NS INT64_C(50000000) /* a worker silent for longer is dead or hung */
#define SL_LOCALS_MAX        256
#define SL_REFLECT_OWN_MAX   128

/* An address in network order, IPv4 as ::ffff:a.b.c.d. */
struct sl_local {
	uint8_t byte[16];
};

/* Constants of the loaded program (its .rodata), set before load. */
struct sl_config {
	uint32_t bucket_mask; /* buckets - 1 */
	uint32_t replay;      /* 1: time and wire length come from sl_clock */
	uint32_t cpus;        /* entries of sl_stats and sl_work */
	uint32_t record_mask; /* slots of a ring of the flow recorder - 1 */
	uint32_t handover;    /* 1: ports may hand over to DPDK; 0: the verifier drops that code */
};

struct sl_clock {
	uint64_t now_ns;
	uint32_t wire_bytes;
	uint32_t side; /* enum sl_side of the sender */
};

/* Travels in front of the packet from XDP to tc on the same port. */
struct sl_meta {
	uint32_t magic;
	uint32_t mark;
};
#define SL_META_MAGIC 0x534c6d31 /* "SLm1": other programs' metadata is left alone */

struct sl_sweep_args {
	uint32_t bucket; /* the first */
	uint32_t count;  /* at most SL_SWEEP_MAX */
	uint64_t pad;    /* a test run wants at least 14 bytes */
};
#define SL_SWEEP_MAX 256

#endif
