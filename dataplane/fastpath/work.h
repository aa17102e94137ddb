/*
 * work.h - one packet on its way through the core, and what the core says of it
 *
 * One struct sl_work per CPU, overwritten by each packet: too large for BPF's
 * stack of 512 bytes.  Replay and the differential test read it after each packet.
 */
#ifndef SL_WORK_H
#define SL_WORK_H

#include "names.h"

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
	SL_SEEN_DUPLICATE = 1 << 16, /* the same packet again, by its old timestamp */
	SL_SEEN_BOGUS_ACK = 1 << 17, /* not believed (stats.h) */
	SL_SEEN_BOGUS_SEQ = 1 << 18,
	SL_SEEN_BOGUS_ECHO = 1 << 19,
	SL_SEEN_BOGUS_ICMP = 1 << 20,
	SL_SEEN_QUERY = 1 << 21, /* DNS */
	SL_SEEN_QUERY_FAILED = 1 << 22,
	SL_SEEN_QUERY_UNANSWERED = 1 << 23, /* an older one of this flow, given up */
	SL_SEEN_HELLO = 1 << 24,
	SL_SEEN_HELLO_UNANSWERED = 1 << 25,
	SL_SEEN_MEDIA = 1 << 26,   /* RTP: the media_ fields are set */
	SL_SEEN_GAVE_UP = 1 << 27, /* the new flow took the entry of one that was never answered */
	SL_SEEN_BOGUS_ANSWER = 1 << 28,
	SL_SEEN_REQUEST_UNANSWERED = 1 << 29, /* the connection was reset instead */
	SL_SEEN_LARGE_STUCK = 1 << 30,        /* large.h */
};

/* One that was stuck, of the other side, passed after all: the last bit, for which an int is too small. */
#define SL_SEEN_LARGE_PASSED UINT32_C(0x80000000)

/* What says that the packet is not what it claims to be; an echo alone does not. */
#define SL_SEEN_BOGUS (SL_SEEN_BOGUS_ACK | SL_SEEN_BOGUS_SEQ | SL_SEEN_BOGUS_ANSWER)

enum sl_flow_event { SL_FLOW_KNOWN, SL_FLOW_NEW, SL_FLOW_RESTARTED };

enum sl_action {
	SL_ACTION_PASS,
	SL_ACTION_DROP,
	SL_ACTION_CLAMP, /* a SYN: pass, with an MSS of clamp_mss at most (clamp.h) */
	SL_ACTION_RESET, /* turn it round into a RST (reset.h) */
};

/* Bits of sl_result.moved. */
#define SL_MOVED     1 /* the flow changed uplink with this packet */
#define SL_MOVED_CUT 2 /* it had, and could not: this packet is turned round */

/* An RTT sample of the leg between this box and the sender of this packet. */
struct sl_sample {
	uint32_t ticks;  /* of 64 ns */
	uint32_t weight; /* segments that it stands for; 0 = no sample */
};

/* Where a packet's samples stand: it may have one of each. */
enum sl_sample_place {
	SL_SAMPLE_SEQ,         /* by acknowledgement */
	SL_SAMPLE_TS,          /* by timestamp */
	SL_SAMPLE_EVENT,       /* by what sl_result.method says */
	SL_SAMPLE_TRANSACTION, /* of a whole exchange */
	SL_SAMPLES,
};

struct sl_result {
	uint8_t reason; /* enum sl_reason */
	uint8_t action; /* enum sl_action */
	uint8_t service;
	uint8_t uplink;
	uint8_t from_initiator;
	uint8_t from_lan;
	uint8_t method;  /* enum sl_method of sample[SL_SAMPLE_EVENT] */
	uint8_t inspect; /* a copy is to go to the slow path */
	union {
		struct {
			uint8_t flow_event;   /* enum sl_flow_event */
			uint8_t capture_miss; /* holes that this acknowledgement closed unseen */
			uint8_t moved;        /* SL_MOVED bits */
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
	struct sl_sample sample[SL_SAMPLES];
	union {
		uint32_t media_jitter_ticks; /* RFC 3550's J after this packet */
		uint32_t
			idle_moments; /* TCP: what this repeats, or resets, came after such a rest */
	};
	union {
		uint16_t
			media_packets; /* that are counted now: it, and the one that waited for it */
		uint16_t clamp_mss;    /* SL_ACTION_CLAMP */
	};
	uint16_t media_ahead; /* by how many the highest sequence number grew with them */
};
SL_ASSERT_SIZE(struct sl_result, 72);

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
	uint64_t names;  /* of its flow, as far as this packet looked (names.h); 0 = nothing new */
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
	uint8_t given_up;      /* kind of the expired way that this packet's new flow took over */
	uint8_t given_up_path; /* where that one's flow was */
	uint8_t given_up_asks; /* how many answers it waited for */
	uint8_t pad[5];
	struct sl_result result;
};
SL_ASSERT_SIZE(struct sl_work, 248);

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
