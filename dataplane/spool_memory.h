/*
 * spool_memory.h - records that the disk would not take, oldest first, bounded
 */
#ifndef SL_SPOOL_MEMORY_H
#define SL_SPOOL_MEMORY_H

#include <stdint.h>

struct sl_spool_kept {
	struct sl_spool_kept *next;
	uint64_t seq;
	uint32_t length;
	uint8_t bytes[];
};

struct sl_spool_memory { /* zero, but for the limit, is empty */
	struct sl_spool_kept *first, *last;
	uint32_t bytes, limit;
};

/* Keep a copy; how many records (this one too, when there is no memory) had to go for it. */
uint64_t sl_spool_memory_keep(struct sl_spool_memory *memory, uint64_t seq, const uint8_t *bytes,
			      uint32_t length);

/* Forget all up to and with @seq. */
void sl_spool_memory_drop(struct sl_spool_memory *memory, uint64_t seq);

/* The first at or after @seq, or NULL. */
const struct sl_spool_kept *sl_spool_memory_find(const struct sl_spool_memory *memory,
						 uint64_t seq);

#endif
