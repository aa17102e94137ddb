/*
 * names.h - which of the policy's names a flow has: written by the slow path, read per flow
 *
 * The slow path reads names from first packets of flows and from DNS answers, and says here
 * which name clauses of the policy they satisfy, in two direct-mapped arrays: of flows (by
 * the flow's hash), and of servers (by address, for one client or for all), so that the
 * next flow is right from its first packet.  One writer (the agent's thread), any number of
 * readers, no lock: a slot is a tag and a word; the writer clears the tag, changes the word,
 * sets the tag; a reader that does not find its tag before and after its look at the word
 * takes the slot for empty.
 */
#ifndef SL_NAMES_H
#define SL_NAMES_H

#include "flow.h"

#define SL_NAME_SLOTS 65536 /* of each array */

/*
 * A word: bit i (1..45): name clause i of the policy holds; bit 0 always, so that a rule
 * without a name clause holds too; bit 46: nothing more will be said of the flow; bit 47: the
 * flow began with a ClientHello; above, a stamp: of the tables whose clauses these are, and
 * of the flow's connection, so that the next one on the same ports does not take it for its own.
 */
#define SL_NAMES_MAX   45
#define SL_NAMES_NONE  UINT64_C(1)
#define SL_NAMES_FINAL (UINT64_C(1) << 46)
#define SL_NAMES_HELLO (UINT64_C(1) << 47)
#define SL_NAMES_BITS  48
#define SL_NAMES_MASK  ((UINT64_C(1) << SL_NAMES_BITS) - 1)

struct sl_name_slot {
	uint64_t tag; /* whole hash of what it is about; 0 = empty */
	uint64_t word;
};
SL_ASSERT_SIZE(struct sl_name_slot, 16);

struct sl_names {
	struct sl_name_slot flow[SL_NAME_SLOTS];   /* by sl_work.hash */
	struct sl_name_slot server[SL_NAME_SLOTS]; /* by sl_names_server_hash() */
};

#define SL_NAMES_GENERATION 0xfff /* bits of the generation in a stamp; 4 of the incarnation */

/* The upper 16 bits of a word; @incarnation of the flow (a server's word: 0). */
SL_INLINE uint64_t sl_names_stamp(uint64_t generation, uint32_t incarnation)
{
	return (generation & SL_NAMES_GENERATION) | (uint64_t)(incarnation & 0xf) << 12;
}

/* What stands for @server when @client (all zero: anybody) talks to it. */
SL_INLINE uint64_t sl_names_server_hash(const struct sl_addr *server, const struct sl_addr *client,
					uint64_t seed)
{
	uint64_t hash = sl_hash_mix(seed, server->hi);

	hash = sl_hash_mix(hash, server->lo);
	hash = sl_hash_mix(hash, client->hi);
	return sl_hash_end(sl_hash_mix(hash, client->lo)) | 1; /* 0 = an empty slot */
}

/* The slot in @array (of SL_NAME_SLOTS) where the word of @hash may stand. */
SL_INLINE uint32_t sl_names_index(uint64_t hash)
{
	return (uint32_t)(hash >> 8) & (SL_NAME_SLOTS - 1);
}

/* The word of @tag's names under @stamp in @slot; 0 = the slow path has said nothing. */
SL_INLINE uint64_t sl_names_read(const struct sl_name_slot *slot, uint64_t tag, uint64_t stamp)
{
	const volatile struct sl_name_slot *seen = slot;
	bool before = seen->tag == tag;
	uint64_t word = seen->word;

	if (!before || seen->tag != tag || word >> SL_NAMES_BITS != stamp)
		return 0;
	return word & SL_NAMES_MASK;
}

#endif
