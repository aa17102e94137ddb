/*
 * hops.h - who is next to the box: address to port and MAC, as the kernel knows it
 *
 * An immutable table, made by the agent's thread from the kernel's neighbours
 * (neighbour.h) and swapped whole; workers look up and set .used, nothing else.  Open
 * addressing with linear probing at half load at most: a look-up is one cache line.
 */
#ifndef SL_HOPS_H
#define SL_HOPS_H

#include "fastpath/flow.h"
#include "fastpath/tables.h"

#define SL_HOPS_MAX 65536 /* neighbours kept; what is more goes by the kernel */

enum sl_hop_kind { SL_HOP_NONE, SL_HOP_HOST, SL_HOP_SELF };

struct sl_hop {
	struct sl_addr addr;
	uint8_t mac[6];
	uint8_t port; /* index of the engine's port it is on */
	uint8_t kind; /* enum sl_hop_kind; SELF = an address of this box */
	uint8_t used; /* a packet went there since the table was made */
	uint8_t pad[7];
};
SL_ASSERT_SIZE(struct sl_hop, 32);

struct sl_hops {
	uint32_t mask, count;
	struct sl_hop gateway[SL_UPLINKS_MAX][2]; /* next hop of an uplink, IPv4 and IPv6 */
	struct sl_hop slot[];
};

/* An empty table for at most @count hops; free() it.  NULL when out of memory. */
struct sl_hops *sl_hops_make(uint32_t count);

/* Put @hop in; the first of an address stays.  False: no room. */
bool sl_hops_put(struct sl_hops *hops, const struct sl_hop *hop);

/* The hop of @addr, or NULL. */
SL_INLINE struct sl_hop *sl_hops_find(struct sl_hops *hops, struct sl_addr addr)
{
	uint32_t at = (uint32_t)(sl_hash_mix(sl_hash_mix(0, addr.hi), addr.lo) >> 7);

	for (;; at++) {
		struct sl_hop *hop = &hops->slot[at & hops->mask];

		if (hop->kind == SL_HOP_NONE)
			return NULL;
		if (hop->addr.lo == addr.lo && hop->addr.hi == addr.hi)
			return hop;
	}
}

#endif
