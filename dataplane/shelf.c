/*
 * shelf.c - places with counted holders
 */
#include "shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sl_shelf_open(struct sl_shelf *shelf, size_t histograms)
{
	*shelf = (struct sl_shelf){.fresh = SL_SHELF_EMPTY + 1};
	if (histograms >= UINT32_MAX)
		return -ENOMEM;
	shelf->places = (uint32_t)histograms + 1;
	/* calloc, so that a page nobody has written to costs nothing. */
	shelf->place = calloc(shelf->places, sizeof(*shelf->place));
	shelf->users = calloc(shelf->places, sizeof(*shelf->users));
	shelf->freed = calloc(shelf->places, sizeof(*shelf->freed));
	return shelf->place && shelf->users && shelf->freed ? 0 : -ENOMEM;
}

void sl_shelf_close(struct sl_shelf *shelf)
{
	free(shelf->place);
	free(shelf->users);
	free(shelf->freed);
	*shelf = (struct sl_shelf){0};
}

uint32_t sl_shelf_put(struct sl_shelf *shelf, const struct sl_histogram *h, uint32_t like)
{
	uint32_t place;

	if (!memcmp(h, &shelf->place[like], sizeof(*h))) {
		sl_shelf_keep(shelf, like);
		return like;
	}
	place = shelf->freed_count ? shelf->freed[--shelf->freed_count] : shelf->fresh++;
	shelf->place[place] = *h;
	shelf->users[place] = 1;
	return place;
}

void sl_shelf_keep(struct sl_shelf *shelf, uint32_t place)
{
	if (place != SL_SHELF_EMPTY)
		shelf->users[place]++;
}

void sl_shelf_drop(struct sl_shelf *shelf, uint32_t place)
{
	if (place != SL_SHELF_EMPTY && --shelf->users[place] == 0)
		shelf->freed[shelf->freed_count++] = place;
}
