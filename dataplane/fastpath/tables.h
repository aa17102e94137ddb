/*
 * tables.h - the one door into the fast path: what the agent writes, the core reads
 *
 * One struct sl_tables is one generation of a policy.  A policy change swaps the
 * whole generation (map-in-map under XDP), so no packet sees half of one.  What
 * changes while a generation stands are the knobs: each is one aligned word,
 * stored by one writer (the agent) and read without locks.
 *
 * Units are in the names.  Addresses are in host order; IPv4 is v4-mapped
 * (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so one compare serves both families.
 */
#ifndef SL_TABLES_H
#define SL_TABLES_H

#include "target.h"

#define SL_TABLES_LAYOUT 8 /* the pin directory's name; raise it when a shared struct changes */

#define SL_SERVICES_MAX  16 /* service 0 is "other": what no rule claims */
#define SL_UPLINKS_MAX   4
#define SL_PATHS_MAX     (SL_SERVICES_MAX * SL_UPLINKS_MAX)
#define SL_RULES_MAX     128
#define SL_SHARE_WHOLE   256 /* shares are parts of 256 flow-hash buckets */
#define SL_UPLINK_NONE   0xff
#define SL_SERVICE_OTHER 0

/* The path of a service on an uplink: the unit that has counters and health. */
#define SL_PATH(service, uplink) ((service)*SL_UPLINKS_MAX + (uplink))

struct sl_addr {
	uint64_t hi;
	uint64_t lo;
};

/*
 * One way to recognise a service.  Every clause holds, or the rule does not; an
 * all-zero mask is a clause that always holds.  src is the LAN side, dst the WAN
 * side, whichever way the packet goes.  Rules stand in order of specificity
 * (longest prefixes first); the first that holds names the service.
 */
struct sl_rule {
	struct sl_addr src, src_mask;
	struct sl_addr dst, dst_mask;
	uint16_t dst_port_min, dst_port_max; /* 0..65535 = any */
	uint16_t vlan, vlan_mask;            /* VLAN id 0 = untagged */
	uint8_t proto, proto_mask;
	uint8_t dscp, dscp_mask;
	uint8_t port, port_mask; /* index of the dataplane port it came in by */
	uint8_t service;
	uint8_t name,
		app; /* numbers of name clauses of the policy (names.h), which must hold; 0 = any */
	uint8_t pad[7];
};
SL_ASSERT_SIZE(struct sl_rule, 88);

/* What a generation says of one service. */
struct sl_service {
	uint32_t flow_quota; /* flow entries that it may hold */
	uint8_t priority;    /* higher evicts lower from a full bucket, never the reverse */
	uint8_t reset;       /* a hard move ends its connections towards the LAN (reset.h) */
	uint8_t pad[2];
};
SL_ASSERT_SIZE(struct sl_service, 8);

/*
 * The path choice of one service, one 64-bit word.
 * trial_share of 256 flow buckets take the trial uplink, the rest the main one.
 * A flow keeps its choice until move_epoch differs from the one it chose under:
 * raise it to move live flows too.
 */
struct sl_steer {
	uint8_t uplink;
	uint8_t trial_uplink;
	uint16_t trial_share;
	uint16_t move_epoch;
	uint16_t pad;
};
SL_ASSERT_SIZE(struct sl_steer, 8);

/*
 * The rate limit of one service in one direction, one 64-bit word; 0 = no limit.
 * ns_per_kib is how long 1024 bytes take at that rate (a multiply in the fast
 * path, no division), burst_us how far ahead of it a burst may run.
 */
struct sl_rate {
	uint32_t ns_per_kib;
	uint32_t burst_us;
};
SL_ASSERT_SIZE(struct sl_rate, 8);

/*
 * What the flow recorder keeps of one service (record.h), one 64-bit word.
 */
struct sl_record_knob {
	uint8_t ring;  /* + 1; 0 = nothing */
	uint8_t whole; /* 1: the frame's first bytes, whatever they are; 0: headers alone */
	uint16_t mask; /* of the flow hash: 0 = all flows, 1 = half of them, 3 ... */
	uint32_t pad;
};
SL_ASSERT_SIZE(struct sl_record_knob, 8);

/* A word of sl_knobs.remark. */
#define SL_REMARK      0x40 /* write ... */
#define SL_REMARK_DSCP 0x3f /* ... this */

enum sl_side {
	SL_SIDE_LAN,     /* the packet comes from the LAN, goes to the WAN */
	SL_SIDE_WAN,     /* the reverse */
	SL_SIDE_UNKNOWN, /* a mirror port shows both: the initiator's side is taken as LAN */
};

struct sl_knobs {
	uint32_t bypass; /* 1: every packet passes untouched and unmeasured, but counted */
	uint32_t pad;
	struct sl_steer steer[SL_SERVICES_MAX];
	struct sl_rate rate[SL_SERVICES_MAX][2]; /* by enum sl_side of the sender */
	struct sl_record_knob record[SL_SERVICES_MAX];
	/*
	 * What an IP packet of an uplink's new TCP connections may have (clamp.h); 0 = what they
	 * like.  A word each.
	 */
	uint16_t clamp_bytes[SL_UPLINKS_MAX];
	uint8_t remark[SL_SERVICES_MAX]; /* what leaves for the WAN: remark.h; 0 = as it comes */
};

/* Tunnels whose inner headers can be measured in place of the outer ones (bits of .inner). */
enum sl_tunnel {
	SL_TUNNEL_GRE = 1 << 0,    /* RFC 2784, 2890 */
	SL_TUNNEL_IPIP = 1 << 1,   /* IP in IP, 6in4, and the like: RFC 2003, 2473, 4213 */
	SL_TUNNEL_VXLAN = 1 << 2,  /* RFC 7348, UDP 4789 */
	SL_TUNNEL_GENEVE = 1 << 3, /* RFC 8926, UDP 6081 */
	SL_TUNNEL_GTPU = 1 << 4,   /* 3GPP TS 29.281, UDP 2152 */
};

struct sl_tables {
	uint64_t
		generation; /* grows with each swap; flows classified under another are classified anew */
	uint32_t rules;
	uint32_t services;  /* including "other" */
	uint32_t uplinks;   /* 0 = tap: nothing to choose, all counts go to uplink 0 */
	uint32_t mark_base; /* a flow on uplink i gets the skb mark mark_base + i; 0 = no mark */
	uint64_t hash_seed;
	uint32_t inner;   /* enum sl_tunnel bits */
	uint32_t inspect; /* 1: first packets and DNS answers go to the slow path (inspect.h) */
	struct sl_service service[SL_SERVICES_MAX];
	struct sl_rule rule[SL_RULES_MAX];
	struct sl_knobs knobs;
};

#endif
