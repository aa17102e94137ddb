/*
 * learnt.c - memory of several sites added up
 */
#include "learnt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int same(const struct sl_memory_entry *a, const struct sl_memory_entry *b)
{
	return !strcmp(a->fingerprint, b->fingerprint) && !strcmp(a->remedy, b->remedy) &&
	       !strcmp(a->target, b->target);
}

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static void merge(struct sl_memory_entry *to, const struct sl_memory_entry *from)
{
	uint64_t helped = (uint64_t)to->helped + from->helped;

	if (helped)
		to->repair_ms = (uint32_t)(((double)to->repair_ms * to->helped +
					    (double)from->repair_ms * from->helped) /
					   (double)helped);
	to->helped = sum(to->helped, from->helped);
	to->failed = sum(to->failed, from->failed);
	if (from->last_unix_ns > to->last_unix_ns)
		to->last_unix_ns = from->last_unix_ns;
}

int sl_learnt_add(struct sl_learnt **list, uint32_t *count, const struct sl_memory_entry *entry)
{
	struct sl_learnt *more;

	for (uint32_t i = 0; i < *count; i++) {
		if (!same(&(*list)[i].entry, entry))
			continue;
		merge(&(*list)[i].entry, entry);
		(*list)[i].sites++;
		return 0;
	}
	more = realloc(*list, (*count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*count)++] = (struct sl_learnt){*entry, 1};
	return 0;
}

double sl_learnt_chance(const struct sl_memory_entry *entry)
{
	return (entry->helped + 1.0) / ((double)entry->helped + entry->failed + 2.0);
}

static int compare(const void *left, const void *right)
{
	const struct sl_memory_entry *a = &((const struct sl_learnt *)left)->entry;
	const struct sl_memory_entry *b = &((const struct sl_learnt *)right)->entry;
	int order = strcmp(a->fingerprint, b->fingerprint);

	if (order)
		return order;
	if (sl_learnt_chance(a) != sl_learnt_chance(b))
		return sl_learnt_chance(a) < sl_learnt_chance(b) ? 1 : -1;
	return strcmp(a->remedy, b->remedy);
}

void sl_learnt_sort(struct sl_learnt *list, uint32_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), compare);
}
