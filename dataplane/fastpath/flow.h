/*
 * flow.h - the flow table: both directions of a flow in one entry, found by one hash
 *
 * A bucket is one cache line: a lock word and seven ways (tag, age, owner), so a
 * look-up, an expiry and an eviction decide on that line alone.  Way w of bucket b
 * is entry b * 7 + w of the flow array.  Pure but for the caller's memory: who maps
 * it (BPF arrays, hugepages, malloc) does not matter here.
 *
 * No service can starve another: each holds at most its quota of entries, and a
 * full bucket gives way only to a higher priority (DESIGN.md 3).
 */
#ifndef SL_FLOW_H
#define SL_FLOW_H

#include "plain.h"

#define SL_BUCKET_WAYS 7

/* Slots per direction; what each count buys: `./scripts/bench slots`. */
#define SL_SEQ_SLOTS  8
#define SL_TS_SLOTS   6
#define SL_HOLES      4
#define SL_NEAR_SLOTS 4 /* of either kind, in the lines that are touched anyway */

/* Direction-free: a is the lower of the two (address, port) pairs. */
struct sl_flow_key {
	struct sl_addr a, b;
	union {
		struct {
			uint16_t a_port, b_port;
			uint16_t vlan;
			uint8_t proto;
			uint8_t pad;
		};
		uint64_t rest; /* the same as one word */
	};
};
SL_ASSERT_SIZE(struct sl_flow_key, 40);

/* How long an entry may rest; index of sl_flow_timeout(). */
enum sl_flow_kind {
	SL_FLOW_FREE,
	SL_FLOW_OPENING,
	SL_FLOW_OPEN,
	SL_FLOW_CLOSED,
	SL_FLOW_DATAGRAM,
	SL_FLOW_QUERY,  /* DNS: a query waits for its answer; expired, it went unanswered */
	SL_FLOW_HELLO,  /* QUIC: the same of its first packets */
	SL_FLOW_ASKING, /* open, and a request waits for its answer */
	SL_FLOW_GAPPED, /* open TCP, and something is missing (large.h) */
};

struct sl_way {
	uint32_t tag; /* upper half of the flow's hash */
	uint16_t age; /* coarse clock of the last packet, sl_flow_age() units */
	uint8_t service;
	uint8_t kind; /* enum sl_flow_kind; SL_FLOW_FREE = empty */
};

struct sl_bucket {
	uint32_t lock; /* 1 = a CPU works on one of these flows */
	uint32_t pad;
	struct sl_way way[SL_BUCKET_WAYS];
};
SL_ASSERT_SIZE(struct sl_bucket, 64);

struct sl_slot {
	uint32_t end;  /* sequence number behind the segment; or a TSval */
	uint32_t tick; /* when it passed */
};

struct sl_hole {
	uint32_t start, end; /* sequence numbers not seen yet; start == end = unused */
	uint32_t tick;       /* when the segment behind it passed */
	uint32_t tsval;      /* its TSval */
};

/*
 * What is known of the data that one side of a TCP connection sends; times are ticks of
 * 64 ns.  Four cache lines: what every segment touches; what timestamps touch; slots for when
 * more than four wait, and what only the first data after a rest touches; what only gaps touch.
 */
struct sl_direction {
	uint32_t next_seq;     /* highest end seen */
	uint32_t ack;          /* highest acknowledgement that this side sent */
	uint32_t rtt_min;      /* of this side's data, by acknowledgement or handshake; 0 = none */
	uint32_t request_tick; /* last segment of a request; once acknowledged, the time of that */
	uint16_t flags;        /* SL_DIR_* */
	uint16_t seq_answers;  /* since the last sample, and that; 0 = none since a repeat */
	uint8_t stall;         /* 0, or how often demand was repeated without progress */
	uint8_t seq_last;      /* slot that was admitted last; stands while seq_used is not 0 */
	uint8_t seq_used;      /* bit i: slot i waits */
	uint8_t ts_used;
	struct sl_slot newest; /* floating: the last segment that got no slot */
	struct sl_slot seq[SL_NEAR_SLOTS];

	uint32_t tsval;        /* highest that this side sent */
	uint32_t ts_admitted;  /* sequence number of the last admitted slot */
	uint16_t ts_skipped;   /* since the last admitted */
	uint16_t ts_since;     /* when .tsval was new: tick >> SL_TS_SINCE_LOG2, modulo 2^16 */
	uint32_t ts_seq;       /* data from here on passed with .tsval, or not yet */
	uint32_t large_end;    /* of the large segment that was sent again last */
	uint8_t large_repeats; /* how often; SL_DIR_LARGE: often enough */
	uint8_t pad[3];
	uint16_t ts_weight[SL_NEAR_SLOTS]; /* stamps that the slot stands for */
	struct sl_slot ts[SL_NEAR_SLOTS];

	struct sl_slot seq_far[SL_SEQ_SLOTS - SL_NEAR_SLOTS];
	struct sl_slot ts_far[SL_TS_SLOTS - SL_NEAR_SLOTS];
	uint16_t ts_far_weight[SL_TS_SLOTS - SL_NEAR_SLOTS];
	uint32_t idle_seq;     /* data from here on came after a rest of a second and more ... */
	uint32_t idle_moments; /* ... so long (sl_flow_moment); 0 = none, or it has been told */
	uint32_t far_pad;

	struct sl_hole hole[SL_HOLES];
};
SL_ASSERT_SIZE(struct sl_direction, 256);
_Static_assert(offsetof(struct sl_direction, tsval) == 64, "the second line");
_Static_assert(offsetof(struct sl_direction, seq_far) == 128, "the third");
_Static_assert(offsetof(struct sl_direction, hole) == 192, "the fourth");

/* Questions with a number of their own (DNS id, ICMP echo sequence) that wait for the answer. */
#define SL_ASKS 8
struct sl_ask {
	uint16_t id;
	uint16_t pad;
	uint32_t tick;
};

/* One RTP stream (RFC 3550): what A.1 and A.8 there keep. */
#define SL_MEDIA_STREAMS 4
struct sl_media {
	uint32_t ssrc;
	uint32_t bad_seq; /* what would go on behind a jump; over 16 bits = none */
	uint32_t tick;    /* of the last packet; of the first, until .unit is known */
	uint32_t stamp;   /* RTP timestamp, likewise */
	uint32_t jitter;  /* ticks * 16 */
	uint32_t unit;    /* ticks * 256 of one unit of the RTP timestamp; 0 = not known yet */
	uint32_t pad;
	uint16_t seq;  /* highest */
	uint8_t used;  /* 0 = free */
	uint8_t valid; /* two packets came in sequence: it is one */
};
SL_ASSERT_SIZE(struct sl_media, 32);

/* What is known of the datagrams that one side sends. */
struct sl_datagram {
	uint32_t last_tick;
	uint16_t flags;      /* SL_GRAM_* */
	uint8_t stall;       /* datagrams since the other side was last heard */
	uint8_t asks;        /* bit i: ask[i] waits */
	uint32_t hello_tick; /* QUIC: its first long header, or the first after an answer */
	uint32_t spin_tick;  /* QUIC: when its spin bit last turned */
	uint32_t quic_rtt; /* QUIC: of the leg behind this side's packets, by handshake; 0 = none */
	uint32_t spin_number; /* samples that were judged */
	uint32_t spin_near;   /* of them, near the handshake's */
	uint8_t hello_repeats;
	uint8_t pad[35];
	struct sl_ask ask[SL_ASKS];
	struct sl_media media[SL_MEDIA_STREAMS];
};
SL_ASSERT_SIZE(struct sl_datagram, 256);

/* How the data of one side began: for handshakes, and for what is older than all we saw. */
struct sl_begin {
	uint32_t low_seq, low_tick; /* lowest start seen, and when the first came */
	uint32_t syn_seq, syn_tick; /* of its SYN or SYN-ACK */
	uint32_t jump_seq; /* end of the last segment that was too far away to be believed */
	/* Of a SYN on the ports of an open connection, which its answer may confirm. */
	uint32_t again_seq, again_tick; /* what acknowledges it; when it came first */
	uint32_t again;                 /* how often; 0 = none */
};

struct sl_flow {
	struct sl_flow_key key;
	uint32_t generation; /* of the tables that it was classified under, low half */
	uint8_t service;
	uint8_t uplink;
	uint16_t flags;       /* SL_FLOW_* bits, measure.h */
	uint8_t lan;          /* which end is on the LAN: 0 = a, 1 = b */
	uint8_t initiator;    /* 0 = a, 1 = b */
	uint16_t move_epoch;  /* of the steer knob that it chose under */
	uint16_t incarnation; /* connections that this entry has held */
	uint8_t inspected;    /* packets that went to the slow path */
	uint8_t name_looks;   /* looks for the slow path's answer since */
	uint32_t seen;        /* sl_flow_moment() of the last packet */
	uint32_t burst_tick;  /* TCP: first segment of a request */
	struct sl_begin begin[2];
	union {
		struct sl_direction dir[2]; /* TCP: data sent by a, by b */
		struct sl_datagram gram[2]; /* all else */
	};
};
SL_ASSERT_SIZE(struct sl_flow, 640);
_Static_assert(offsetof(struct sl_flow, dir) == 128, "whole lines");

/*
 * One step of the hash: multiply by an odd constant (from the finaliser of MurmurHash3),
 * then turn the bytes round, because a product's highest bits depend on all of its
 * factor's and its lowest on few.  Reversible: no two hashes become one.
 */
SL_INLINE uint64_t sl_hash_mix(uint64_t hash, uint64_t word)
{
	return __builtin_bswap64((hash ^ word) * UINT64_C(0xff51afd7ed558ccd));
}

/* After the last step: the best bytes, the lowest (bucket), go into share and tag too. */
SL_INLINE uint64_t sl_hash_end(uint64_t hash)
{
	return hash ^ hash << 24;
}

/*
 * Hash of a key under a secret seed, so that nobody outside can aim at one bucket: each
 * step takes one word, and no two keys have the same words.  An IPv4 endpoint is one word
 * (sl_endpoint4), with room for the rest of the key where those are all alike.
 */
SL_INLINE uint64_t sl_flow_hash4(uint64_t a, uint64_t b, uint16_t vlan, uint8_t proto,
				 uint64_t seed)
{
	uint64_t hash = sl_hash_mix(seed, a ^ (uint64_t)vlan << 48);

	return sl_hash_end(sl_hash_mix(hash, b ^ (uint64_t)proto << 48));
}

/* Address (v4-mapped, tables.h) and port as one number: 0xffff, address, port. */
SL_INLINE uint64_t sl_endpoint4(const struct sl_addr *addr, uint16_t port)
{
	return addr->lo << 16 | port;
}

SL_INLINE bool sl_addr_is_ip4(const struct sl_addr *addr)
{
	return addr->hi == 0 && addr->lo >> 32 == 0xffff;
}

SL_INLINE uint64_t sl_flow_hash(const struct sl_flow_key *key, uint64_t seed)
{
	if (sl_addr_is_ip4(&key->a) && sl_addr_is_ip4(&key->b))
		return sl_flow_hash4(sl_endpoint4(&key->a, key->a_port),
				     sl_endpoint4(&key->b, key->b_port), key->vlan, key->proto,
				     seed);
	uint64_t hash = sl_hash_mix(seed, key->rest);

	hash = sl_hash_mix(hash, key->a.hi);
	hash = sl_hash_mix(hash, key->b.hi);
	hash = sl_hash_mix(hash, key->a.lo);
	return sl_hash_end(sl_hash_mix(hash, key->b.lo));
}

/* True when (address, port) @a stands before @b or is the same. */
SL_INLINE bool sl_endpoint_before(const struct sl_addr *a, uint16_t a_port, const struct sl_addr *b,
				  uint16_t b_port)
{
	if (a->hi != b->hi)
		return a->hi < b->hi;
	if (a->lo != b->lo)
		return a->lo < b->lo;
	return a_port <= b_port;
}

/* The key of @packet; returns which end sent it (0 = key->a). */
SL_INLINE uint8_t sl_flow_key_make(struct sl_flow_key *key, const struct sl_packet *packet)
{
	bool first =
		sl_endpoint_before(&packet->src, packet->src_port, &packet->dst, packet->dst_port);

	key->a = first ? packet->src : packet->dst;
	key->b = first ? packet->dst : packet->src;
	key->a_port = first ? packet->src_port : packet->dst_port;
	key->b_port = first ? packet->dst_port : packet->src_port;
	key->vlan = packet->vlan;
	key->proto = packet->proto;
	key->pad = 0;
	return first ? 0 : 1;
}

/*
 * sl_flow_key_make() and sl_flow_hash() for an IPv4 packet, with the two ends as one
 * number each, and no branch: whose turn it is to send, a processor guesses wrong half of
 * the time.
 */
SL_INLINE uint8_t sl_flow_key_make4(struct sl_flow_key *key, const struct sl_packet *packet,
				    uint64_t seed, uint64_t *hash)
{
	uint64_t src = sl_endpoint4(&packet->src, packet->src_port);
	uint64_t dst = sl_endpoint4(&packet->dst, packet->dst_port);
	uint64_t swap = 0 - (uint64_t)(dst < src); /* all ones: dst is a */
	uint64_t differ = (src ^ dst) & swap;
	uint64_t a = src ^ differ, b = dst ^ differ;

	key->a = (struct sl_addr){0, a >> 16};
	key->b = (struct sl_addr){0, b >> 16};
	key->rest = (uint16_t)a | (uint32_t)b << 16 | (uint64_t)packet->vlan << 32 |
		    (uint64_t)packet->proto << 48;
	*hash = sl_flow_hash4(a, b, packet->vlan, packet->proto, seed);
	return (uint8_t)(swap & 1);
}

SL_INLINE bool sl_flow_key_equal(const struct sl_flow_key *x, const struct sl_flow_key *y)
{
	return ((x->a.hi ^ y->a.hi) | (x->a.lo ^ y->a.lo) | (x->b.hi ^ y->b.hi) |
		(x->b.lo ^ y->b.lo) | (x->rest ^ y->rest)) == 0;
}

/* Coarse clock of the ways: 1.07 s a unit, wraps after 19 hours. */
#define SL_FLOW_AGE_LOG2_NS 30
SL_INLINE uint16_t sl_flow_age(uint64_t now_ns)
{
	return (uint16_t)(now_ns >> SL_FLOW_AGE_LOG2_NS);
}

/* When, in units of 2^20 ns: 1.05 ms, wraps after 52 days. */
#define SL_FLOW_MOMENT_LOG2_NS 20
SL_INLINE uint32_t sl_flow_moment(uint64_t now_ns)
{
	return (uint32_t)(now_ns >> SL_FLOW_MOMENT_LOG2_NS);
}

/* sl_flow_age() of such a moment. */
SL_INLINE uint16_t sl_flow_moment_age(uint32_t moment)
{
	return (uint16_t)(moment >> (SL_FLOW_AGE_LOG2_NS - SL_FLOW_MOMENT_LOG2_NS));
}

/*
 * How long a way of @kind rests before it is free, in sl_flow_age() units.
 * Open TCP: 2 h 4 min (RFC 5382 REQ-5: a till's connection may be silent for long);
 * datagrams 2 min (RFC 4787 REQ-5); a SYN without answer 30 s; closed 10 s, for
 * late retransmissions; a query or QUIC hello without answer 5 s, as resolvers wait
 * (glibc's resolv.conf(5): timeout).
 */
SL_INLINE uint16_t sl_flow_timeout(uint8_t kind)
{
	switch (kind) {
	case SL_FLOW_OPEN:
	case SL_FLOW_ASKING:
	case SL_FLOW_GAPPED:
		return 7000;
	case SL_FLOW_DATAGRAM:
		return 112;
	case SL_FLOW_OPENING:
		return 28;
	case SL_FLOW_QUERY:
	case SL_FLOW_HELLO:
		return 5;
	default:
		return 10;
	}
}

SL_INLINE bool sl_way_expired(const struct sl_way *way, uint16_t age)
{
	return (uint16_t)(age - way->age) > sl_flow_timeout(way->kind);
}

/* Does its flow wait for an answer, so that its end tells that none came? */
SL_INLINE bool sl_way_waited(const struct sl_way *way)
{
	return way->kind == SL_FLOW_QUERY || way->kind == SL_FLOW_HELLO;
}

SL_INLINE bool sl_way_holds(const struct sl_way *way, uint32_t tag)
{
	return way->tag == tag && way->kind != SL_FLOW_FREE;
}

/* The way of @bucket that holds @tag; -1 = none. */
SL_INLINE int sl_bucket_find(const struct sl_bucket *bucket, uint32_t tag)
{
	int found = -1;

	for (int i = 0; i < SL_BUCKET_WAYS; i++)
		if (sl_way_holds(&bucket->way[i], tag))
			found = i;
	return found;
}

/*
 * A way of @bucket for a new flow of @service at coarse time @age: a free or
 * expired one while the service is below its quota (@below_quota), an expired one
 * of its own otherwise; else the longest resting one of a lower priority.
 * -1 = the flow gets no entry.  Nothing is changed.
 */
SL_VERIFY_ONCE int sl_bucket_claim(const struct sl_bucket *bucket, const struct sl_tables *tables,
				   uint32_t service, uint32_t age, uint32_t below_quota)
{
	int best = -1;
	uint32_t best_score = 0;

	if (!bucket || !tables)
		return -1;
	uint32_t priority = tables->service[service & (SL_SERVICES_MAX - 1)].priority;

	for (int i = 0; i < SL_BUCKET_WAYS; i++) {
		const struct sl_way *way = &bucket->way[i];
		bool gone = way->kind == SL_FLOW_FREE || sl_way_expired(way, (uint16_t)age);
		bool own = way->kind != SL_FLOW_FREE && way->service == service;
		uint32_t rests = (uint16_t)(age - way->age);
		uint32_t owner = way->service & (SL_SERVICES_MAX - 1);
		uint32_t score = 0;

		if (gone && (below_quota || own))
			score = way->kind == SL_FLOW_FREE ? 0x30000 : 0x20000;
		else if (below_quota && !gone && tables->service[owner].priority < priority)
			score = 0x1;
		if (score && score + rests > best_score) {
			best_score = score + rests;
			best = i;
		}
	}
	return best;
}

#endif
