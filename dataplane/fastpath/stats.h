/*
 * stats.h - what the core counts; the agent's only view of the traffic
 *
 * One struct sl_stats per CPU or lcore, one writer each, read without locks.
 * Counters only grow (histogram buckets modulo 2^32): a window is the difference
 * of two reads.  Definitions of loss and RTT: loss.h, rtt.h (MEASUREMENT.md).
 */
#ifndef SL_STATS_H
#define SL_STATS_H

#include "tables.h"

/*
 * Log-linear histogram: 16 linear steps per power of two, values in ticks of
 * 64 ns.  From 1 us on the mid-point of a bucket is at most 3.2 % off; the last
 * one ends at 68 s.  Bucket arithmetic: histogram.h.
 */
#define SL_TICK_LOG2_NS    6
#define SL_HIST_STEPS_LOG2 4
#define SL_HIST_STEPS      (1 << SL_HIST_STEPS_LOG2)
#define SL_HIST_BUCKETS    (27 * SL_HIST_STEPS)

enum sl_leg {
	SL_LEG_LAN, /* this box to the client */
	SL_LEG_WAN, /* this box to the server */
	SL_LEGS,
};

/*
 * How a time was measured.  Never mixed in one histogram.  The last two are no round trips:
 * what a server needs beyond the network's part, and how long a whole exchange takes.
 */
enum sl_method {
	SL_METHOD_SEQ,         /* segment to its acknowledgement */
	SL_METHOD_TS,          /* TCP timestamp to its echo (RFC 7323) */
	SL_METHOD_HANDSHAKE,   /* SYN to SYN-ACK (WAN leg), SYN-ACK to ACK (LAN leg) */
	SL_METHOD_QUIC,        /* the same of QUIC: Initial to the first answer, that to the next */
	SL_METHOD_SPIN,        /* QUIC's spin bit (RFC 9000 17.4), where it has proved itself */
	SL_METHOD_DNS,         /* query to answer: the resolver's time is in it */
	SL_METHOD_ECHO,        /* ICMP echo request to reply */
	SL_METHOD_THINK,       /* a request's arrival at the server to its first answer */
	SL_METHOD_TRANSACTION, /* first byte of a request to the end of the answer, as seen here */
	SL_METHODS,
};
#define SL_METHODS_RTT SL_METHOD_THINK /* those before it are round trips */

/* What became of a packet that the core met.  X(symbol, text) */
#define SL_REASONS(X)                                                               \
	X(MEASURED, "measured in a flow")                                           \
	X(BYPASSED, "bypass is on")                                                 \
	X(NOT_IP, "not IP (ARP, LLDP, ...)")                                        \
	X(ETH_SHORT, "link header cut short")                                       \
	X(TAGS_DEEP, "more than two VLAN tags")                                     \
	X(IP_SHORT, "IP header cut short")                                          \
	X(IP_BAD, "IP header malformed")                                            \
	X(IP6_DEEP, "too many IPv6 extension headers")                              \
	X(FRAGMENT, "later fragment of a datagram whose first was not seen")        \
	X(L4_SHORT, "TCP, UDP or ICMP header cut short")                            \
	X(L4_BAD, "TCP header malformed")                                           \
	X(L4_OTHER, "neither TCP, UDP nor ICMP")                                    \
	X(ICMP_ERROR, "ICMP error about a flow")                                    \
	X(FLOW_FULL, "flow table full for its service: counted without flow state") \
	X(FLOW_BUSY, "flow entry busy on another CPU: counted without flow state")

enum sl_reason {
#define X(symbol, text) SL_REASON_##symbol,
	SL_REASONS(X)
#undef X
		SL_REASON_COUNT
};

struct sl_histogram {
	uint32_t count[SL_HIST_BUCKETS];
};

/* One direction of a path, by the side that sends. */
struct sl_direction_stats {
	uint64_t packets;
	uint64_t bytes;        /* IP length, as in MEASUREMENT.md 1 */
	uint64_t unmeasured;   /* of the packets: passed without flow state; the rest is coverage */
	uint64_t segments;     /* TCP segments with payload, SYN or FIN, first time or not */
	uint64_t lost_after;   /* retransmitted though we had seen it: lost after us */
	uint64_t lost_before;  /* filled a hole too late: lost before us */
	uint64_t spurious;     /* retransmitted though already acknowledged */
	uint64_t reordered;    /* filled a hole in time */
	uint64_t capture_miss; /* acknowledged but never seen here: our own blindness */
	uint64_t duplicates;   /* passed twice: the second one's timestamp is the old one */
	/* What was not believed, and changed nothing: forged, damaged, or of another path. */
	uint64_t bogus_acks;   /* acknowledge what was never sent, or nothing at all */
	uint64_t bogus_seqs;   /* far outside of any window; SYNs on open connections */
	uint64_t bogus_echoes; /* echo a timestamp that was never sent */
	/* RTP (RFC 3550 6.4.1, A.3, A.8): lost = expected - packets. */
	uint64_t media_packets;
	uint64_t media_expected;
	uint64_t media_jitter_ticks; /* interarrival jitter, summed over media_packets; of 64 ns */
	/*
	 * Liveness.  demand: packets that ask for an answer (SYN, payload, FIN; UDP).
	 * progress: packets from the other side that answer it (new acknowledgement,
	 * new payload, SYN-ACK; for UDP any packet); kept in the *demanding* direction.
	 * stalls: flows whose demand was repeated with no progress in between, once
	 * per flow and silence; stall_repeats: each further repeat of the same.
	 */
	uint64_t demand;
	uint64_t progress;
	uint64_t stalls;
	uint64_t stall_repeats;
	uint64_t large_stuck;   /* segments that do not pass, being large (large.h) */
	uint64_t large_passed;  /* that were stuck, and passed after all, as large as they were */
	uint64_t meter_passed;  /* packets that met a rate limit, and passed */
	uint64_t meter_marked;  /* passed with ECN CE set */
	uint64_t meter_dropped; /* dropped */
	uint64_t meter_dropped_bytes;
};

struct sl_path_stats {
	struct sl_direction_stats side[2]; /* by enum sl_side of the sender */
	uint64_t flows;                    /* new flow entries */
	uint64_t flows_full;        /* connections without an entry, by their SYN; datagrams each */
	uint64_t attempts;          /* first SYN of a connection, from the LAN side */
	uint64_t attempts_repeated; /* SYNs sent again: unanswered so far */
	uint64_t established;       /* handshakes completed */
	uint64_t refused;           /* SYN answered by RST, or ICMP error */
	uint64_t resets;            /* RST on an established connection */
	uint64_t idle_unanswered;   /* asked by the LAN side after a rest, then reset or repeated */
	uint64_t idle_moments;      /* how long these had rested, summed; sl_flow_moment() units */
	uint64_t moved;             /* flows that changed to this uplink while live */
	uint64_t cut;               /* packets turned round into a RST (reset.h) */
	uint64_t remarked;          /* packets that left for the WAN with another DSCP (remark.h) */
	uint64_t queries;           /* DNS queries */
	uint64_t queries_failed;    /* answered by SERVFAIL, REFUSED and the like (not NXDOMAIN) */
	uint64_t queries_unanswered;
	uint64_t hellos; /* ClientHellos: TLS (where the slow path saw it) and QUIC */
	uint64_t hellos_unanswered;
	uint64_t requests_unanswered; /* acknowledged, or met with a RST (request.h) */
	/* Errors about what was never sent (RFC 5927 4.1), or about datagrams that are answered. */
	uint64_t bogus_icmp;
	uint64_t
		bogus_answers; /* to DNS queries that do not wait (any more, or for want of a slot) */
	struct sl_histogram rtt[SL_LEGS]
			       [SL_METHODS]; /* think and transaction: of the server's leg */
};

struct sl_stats {
	uint64_t reason[SL_REASON_COUNT];
	uint64_t flows_evicted
		[SL_SERVICES_MAX]; /* live flows of this service evicted by a higher priority */
	uint64_t flows_expired;
	uint64_t inspected;         /* packets copied for the slow path */
	uint64_t inspect_lost;      /* should have been, but the ring was full */
	uint64_t fragments_crowded; /* datagrams whose later fragments will not be known: no room */
	uint64_t unsteered; /* packets whose uplink could not be handed to the kernel: it chose */
	/* Of an engine that moves packets itself; the first two take from coverage. */
	uint64_t missed;           /* dropped by the NIC or its driver before we could see them */
	uint64_t unsent;           /* seen, but lost because a port's transmit queue was full */
	uint64_t to_kernel;        /* not ours to forward: by the exception port to the kernel */
	uint64_t to_kernel_failed; /* the same, but the exception port was full or there is none */
	struct sl_path_stats path[SL_PATHS_MAX];
};

#endif
