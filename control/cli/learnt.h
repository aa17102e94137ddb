/*
 * learnt.h - what the fleet has learnt, put together; and the file it travels in
 *
 * The file: {"storeline_memory": 1, "sites": [Memory, ...]}, Memory as in storeline.proto.
 */
#ifndef SL_LEARNT_H
#define SL_LEARNT_H

#include "proto/wire.h"

#include <stdio.h>

/* One remedy against one kind of incident, over the sites that tried it. */
struct sl_learnt {
	struct sl_memory_entry entry; /* sums; the mean repair weighed by what helped */
	uint32_t sites;
};

/*
 * Add @entry to the list *@list of *@count (grown by realloc; the caller's to free).
 * 0, or -ENOMEM.
 */
int sl_learnt_add(struct sl_learnt **list, uint32_t *count, const struct sl_memory_entry *entry);
/* By fingerprint, the surest remedy of each first. */
void sl_learnt_sort(struct sl_learnt *list, uint32_t count);
/* The mean of what is believed of its chance to help, Beta(1, 1) before anything was seen. */
double sl_learnt_chance(const struct sl_memory_entry *entry);

/*
 * Read @file into @report as the memory of the site imported-FILE: what is there of several
 * sites is added up, and the most tried are kept where there is no room for all (*@left_out).
 * 0, or -1 and a line on what is wrong and where in @why.
 */
int sl_learnt_read(struct sl_memory_report *report, const char *file, uint32_t *left_out,
		   char why[SL_TEXT_MAX * 2]);

#endif
