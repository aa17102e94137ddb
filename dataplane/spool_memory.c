/*
 * spool_memory.c - a list with a limit
 */
#include "spool_memory.h"

#include <stdlib.h>
#include <string.h>

static uint32_t size_of(uint32_t length)
{
	return (uint32_t)sizeof(struct sl_spool_kept) + length;
}

static void drop_first(struct sl_spool_memory *m)
{
	struct sl_spool_kept *first = m->first;

	m->first = first->next;
	if (!m->first)
		m->last = NULL;
	m->bytes -= size_of(first->length);
	free(first);
}

uint64_t sl_spool_memory_keep(struct sl_spool_memory *m, uint64_t seq, const uint8_t *bytes,
			      uint32_t length)
{
	struct sl_spool_kept *k;
	uint64_t gone = 0;

	for (; m->first && m->bytes + size_of(length) > m->limit; gone++)
		drop_first(m);
	k = malloc(size_of(length));
	if (!k)
		return gone + 1;
	*k = (struct sl_spool_kept){.seq = seq, .length = length};
	memcpy(k->bytes, bytes, length);
	if (m->last)
		m->last->next = k;
	else
		m->first = k;
	m->last = k;
	m->bytes += size_of(length);
	return gone;
}

void sl_spool_memory_drop(struct sl_spool_memory *m, uint64_t seq)
{
	while (m->first && m->first->seq <= seq)
		drop_first(m);
}

const struct sl_spool_kept *sl_spool_memory_find(const struct sl_spool_memory *m, uint64_t seq)
{
	for (const struct sl_spool_kept *k = m->first; k; k = k->next)
		if (k->seq >= seq)
			return k;
	return NULL;
}
