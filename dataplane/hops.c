/*
 * hops.c - filling the table of next hops
 */
#include "hops.h"

#include <stdlib.h>

struct sl_hops *sl_hops_make(uint32_t count)
{
	uint32_t slots = 16;
	struct sl_hops *hops;

	count = count < SL_HOPS_MAX ? count : SL_HOPS_MAX;
	while (slots < count * 2)
		slots <<= 1;
	hops = calloc(1, sizeof(*hops) + slots * sizeof(hops->slot[0]));
	if (hops)
		hops->mask = slots - 1;
	return hops;
}

bool sl_hops_put(struct sl_hops *hops, const struct sl_hop *hop)
{
	uint32_t at = (uint32_t)(sl_hash_mix(sl_hash_mix(0, hop->addr.hi), hop->addr.lo) >> 7);

	if (sl_hops_find(hops, hop->addr))
		return true;
	if (hops->count >= (hops->mask + 1) / 2)
		return false;
	while (hops->slot[at & hops->mask].kind != SL_HOP_NONE)
		at++;
	hops->slot[at & hops->mask] = *hop;
	hops->count++;
	return true;
}
