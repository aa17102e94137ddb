/*
 * shelf.h - histograms kept once for all the shots that they did not change in
 *
 * Most of a path's histograms stand still most of the time: a path has two or three
 * methods of nine, and a quiet one none.  A shot holds places on the shelf; a histogram
 * that is as it was in the shot before keeps its place.  Room is set aside for the worst
 * case, of which the kernel gives what is touched.  One thread; owned by the window.
 */
#ifndef SL_SHELF_H
#define SL_SHELF_H

#include "fastpath/stats.h"

#define SL_SHELF_EMPTY 0u /* the place of the histogram without samples */

struct sl_shelf {
	struct sl_histogram *place;
	uint32_t *users; /* of each place; that of SL_SHELF_EMPTY is not counted */
	uint32_t *freed; /* places given back, last first, so that few pages are touched */
	uint32_t freed_count, fresh, places;
};

/* Room for @histograms that all differ.  0; or -ENOMEM: close it all the same. */
int sl_shelf_open(struct sl_shelf *shelf, size_t histograms);
void sl_shelf_close(struct sl_shelf *shelf);

/*
 * A place for a copy of @h, which may be as it is at place @like.  The caller holds it until
 * sl_shelf_drop(); never more than it opened the shelf for.
 */
uint32_t sl_shelf_put(struct sl_shelf *shelf, const struct sl_histogram *h, uint32_t like);

/* One more holder of @place, and one less. */
void sl_shelf_keep(struct sl_shelf *shelf, uint32_t place);
void sl_shelf_drop(struct sl_shelf *shelf, uint32_t place);

#endif
