/*
 * work.h - one packet on its way through the core, and what the core says of it
 *
 * One struct sl_work per CPU, overwritten by each packet: too large for BPF's
 * stack of 512 bytes.  Replay and the differential test read it after each packet.
 */
#ifndef SL_WORK_H
#define SL_WORK_H

#include "flow.h"

/* What a segment was, beyond its bytes (bits of sl_result.seen). */
enum sl_seen {
	SL_SEEN_SEGMENT = 1 << 0, /* has payload, SYN or FIN and counts as data */
	SL_SEEN_LOST_AFTER = 1 << 1,
	SL_SEEN_LOST_BEFORE = 1 << 2,
	SL_SEEN_SPURIOUS = 1 << 3,
	SL_SEEN_REORDERED = 1 << 4,
	SL_SEEN_KEEPALIVE = 1 << 5,
	SL_SEEN_GAP = 1 << 6,      /* starts behind the highest end seen */
	SL_SEEN_DEMAND = 1 << 7,   /* asks for an answer */
	SL_SEEN_PROGRESS = 1 << 8, /* answers the other side's demand */
	SL_SEEN_STALL = 1 << 9,    /* first repeat of a demand without progress */
	SL_SEEN_STALL_REPEAT = 1 << 10,
	SL_SEEN_ATTEMPT = 1 << 11, /* first SYN */
	SL_SEEN_ATTEMPT_AGAIN = 1 << 12,
	SL_SEEN_ESTABLISHED = 1 << 13,
	SL_SEEN_REFUSED = 1 << 14,
	SL_SEEN_RESET = 1 << 15,
};

enum sl_flow_event { SL_FLOW_KNOWN, SL_FLOW_NEW, SL_FLOW_RESTARTED };

enum sl_action { SL_ACTION_PASS, SL_ACTION_DROP };

/* An RTT sample of the leg between this box and the sender of this packet. */
struct sl_sample {
	uint32_t ticks;  /* of 64 ns */
	uint32_t weight; /* segments that it stands for; 0 = no sample */
};

struct sl_result {
	uint8_t reason; /* enum sl_reason */
	uint8_t action; /* enum sl_action */
	uint8_t service;
	uint8_t uplink;
	uint8_t from_initiator;
	uint8_t from_lan;
	uint8_t pad[2];
	union {
		struct {
			uint8_t flow_event;   /* enum sl_flow_event */
			uint8_t capture_miss; /* holes that this acknowledgement closed unseen */
			uint8_t moved;        /* the flow changed uplink with this packet */
			uint8_t evicted; /* service of a live flow that gave way, +1; 0 = none */
			uint8_t metered;
			uint8_t mark_ecn;     /* set CE */
			uint8_t dscp_rewrite; /* write dscp_set */
			uint8_t dscp_set;
		};
		uint64_t rare; /* the same as one word: 0 for nearly every packet */
	};
	uint32_t seen;       /* enum sl_seen bits */
	uint32_t mark;       /* for the kernel's routing; 0 = none */
	uint32_t flow_index; /* entry in the flow array; UINT32_MAX = none */
	uint32_t incarnation;
	struct sl_sample sample[SL_METHODS];
};
SL_ASSERT_SIZE(struct sl_result, 56);

enum sl_port_flag {
	SL_PORT_HANDOVER = 1,   /* frames go to the DPDK worker of their queue while it lives */
	SL_PORT_UNMEASURED = 2, /* and otherwise pass unseen */
};

/* How a port stands in the traffic; set by the engine, read per packet. */
struct sl_port {
	uint32_t ifindex;
	uint8_t index;   /* in the policy */
	uint8_t ingress; /* enum sl_side of the sender of what comes in here */
	uint8_t uplink;  /* SL_UPLINK_NONE = as steered */
	uint8_t flags;   /* enum sl_port_flag bits */
};
SL_ASSERT_SIZE(struct sl_port, 8);

struct sl_work {
	uint64_t now_ns;
	uint32_t now_tick;   /* now_ns in ticks of 64 ns, modulo 2^32 */
	uint32_t wire_bytes; /* length of the frame on the wire, captured or not */
	struct sl_packet packet;
	struct sl_flow_key key;
	uint64_t hash;
	uint32_t bucket; /* index */
	union {
		struct {
			uint8_t sender; /* 0 = key.a, 1 = key.b */
			uint8_t side;   /* enum sl_side of the sender, as the port says */
			uint8_t port;
			uint8_t port_uplink;
		};
		uint32_t origin; /* the same as one word */
	};
	struct sl_result result;
};
SL_ASSERT_SIZE(struct sl_work, 216);

/* What all CPUs share and write: atomically, a word each. */
struct sl_shared {
	uint64_t meter_due_ns[SL_SERVICES_MAX][2]; /* meter.h */
	uint32_t flows_held[SL_SERVICES_MAX];
};

/* Where the later fragments of a datagram find their flow (direct-mapped). */
#define SL_FRAGMENT_SLOTS 4096
struct sl_fragment_slot {
	uint64_t tag; /* hash of addresses, protocol and identification */
	uint64_t seen_ns;
	uint32_t flow_index;
	uint8_t service;
	uint8_t uplink;
	uint8_t from_lan;
	uint8_t pad;
};
SL_ASSERT_SIZE(struct sl_fragment_slot, 24);

#endif
