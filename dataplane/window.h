/*
 * window.h - what happened in the last so many milliseconds, from counters that only grow
 *
 * A shot is the sum over all workers at one moment.  Shots are kept in two rings:
 * every tick (100 ms) for 3 s, and, when a policy asks for longer windows, every
 * second for 60 s.  A window is the newest shot less an older one: counters as
 * 64-bit, histogram buckets modulo 2^32.  No clock: time arrives as now_ns.  What a path's
 * histograms take grows with how many of them change from shot to shot (shelf.h).
 */
#ifndef SL_WINDOW_H
#define SL_WINDOW_H

#include "fastpath/stats.h"

#define SL_WINDOW_TICK_MS   100
#define SL_WINDOW_LONGER_MS 3000 /* the second opinion when a window is too thin */
#define SL_WINDOW_MAX_MS    60000

struct sl_window;

/*
 * For @services x @uplinks paths (0 uplinks = tap: one path a service) and windows up to
 * @longest_ms.  0 and *@window, which sl_window_close() frees; or -ENOMEM.
 */
int sl_window_open(struct sl_window **window, uint32_t services, uint32_t uplinks,
		   uint32_t longest_ms);
void sl_window_close(struct sl_window *window);

/* Take a shot: begin, add each worker, end.  Until end, differences are of the one before. */
void sl_window_begin(struct sl_window *window, uint64_t now_ns);
void sl_window_add(struct sl_window *window, const struct sl_stats *stats);
void sl_window_end(struct sl_window *window);

/*
 * What path SL_PATH(service, uplink) did in the last @ms.  True: *@out, and *@span_ms is
 * what it really covers (less after a start).  False: untouched, fewer than two shots.
 */
bool sl_window_difference(const struct sl_window *window, unsigned int path, uint32_t ms,
			  struct sl_path_stats *out, uint32_t *span_ms);

/*
 * What path SL_PATH(service, uplink) did between the last two shots: the whole of it, and none of it
 * twice, when it is asked for after each shot.  False: *@out is untouched, fewer than two shots.
 */
bool sl_window_newest(const struct sl_window *window, unsigned int path, struct sl_path_stats *out);

/* @sum += @add, field by field. */
void sl_window_accumulate(struct sl_path_stats *sum, const struct sl_path_stats *add);

#endif
