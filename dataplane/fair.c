/*
 * fair.c - a share for each client, and the first half of the time for what is beyond
 */
#include "fair.h"

bool sl_fair_take(struct sl_fair *fair, const struct sl_addr *client, uint64_t used_ns)
{
	uint64_t hash = sl_hash_mix(sl_hash_mix(fair->seed, client->hi), client->lo);
	/* Once more: neighbours' addresses differ in their last bits only. */
	uint8_t *read = &fair->read[sl_hash_mix(hash, 0) % SL_FAIR_PLACES];

	if (used_ns >= fair->budget_ns)
		return false;
	if (*read >= SL_FAIR_SHARE)
		return used_ns < fair->budget_ns / 2;
	++*read;
	return true;
}
