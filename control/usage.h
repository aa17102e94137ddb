/*
 * usage.h - the bytes that each uplink has carried this month, both ways
 *
 * Counted from the rates of the pictures; what passes while control is dead is not seen, so it
 * is a floor.  Months are UTC; by the uplink's name, so that a new policy keeps the count.
 * Durable (state.c).  Pure.
 */
#ifndef SL_USAGE_H
#define SL_USAGE_H

#include "view.h"

struct sl_usage {
	uint32_t month; /* since the year 0; 0 = never counted */
	uint32_t count;
	struct {
		char name[SL_NAME_MAX];
		uint64_t bytes;
	} uplink[SL_SITE_UPLINKS];
};

/* @for_ms passed at the rates of @view's picture; a new month begins with nothing. */
void sl_usage_count(struct sl_usage *usage, const struct sl_view *view, uint64_t unix_ns,
		    uint64_t for_ms);

/* Of one uplink; 0 when none is known. */
uint64_t sl_usage_of(const struct sl_usage *usage, const char *name);

#endif
