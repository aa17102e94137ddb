/*
 * window.c - two rings of shots and their differences
 *
 * A path is 31 KB, nearly all of it histograms that do not change: shots share those
 * (shelf.h).
 */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shelf.h"

#define NS_PER_MS    UINT64_C(1000000)
#define FINE_SHOTS   (SL_WINDOW_LONGER_MS / SL_WINDOW_TICK_MS + 2)
#define COARSE_MS    1000
#define COARSE_SHOTS (SL_WINDOW_MAX_MS / COARSE_MS + 2)

/* struct sl_path_stats is 64-bit counters, then 32-bit buckets: both are walked as arrays. */
#define WORDS   (offsetof(struct sl_path_stats, rtt) / sizeof(uint64_t))
#define BUCKETS (SL_LEGS * SL_METHODS * SL_HIST_BUCKETS)
_Static_assert(offsetof(struct sl_path_stats, rtt) % sizeof(uint64_t) == 0 &&
		       sizeof(struct sl_path_stats) == WORDS * 8 + BUCKETS * 4,
	       "sl_path_stats is no longer counters then buckets");

/* A path at one moment: its counters, and where on the shelf its histograms are. */
struct shot {
	uint64_t word[WORDS];
	uint32_t place[SL_LEGS * SL_METHODS];
};

struct ring {
	uint32_t slots, used, newest;
	uint64_t *at_ns;
	struct shot *path; /* slots x paths; all zero: no samples, and holds no place */
};

struct sl_window {
	uint32_t services, uplinks, paths;
	struct ring fine, coarse;
	struct sl_shelf shelf;
	uint64_t begun_ns;
	struct sl_path_stats *shot; /* the one being taken */
};

static bool ring_open(struct ring *ring, uint32_t slots, uint32_t paths)
{
	ring->slots = slots;
	ring->at_ns = calloc(slots, sizeof(*ring->at_ns));
	ring->path = calloc((size_t)slots * paths, sizeof(*ring->path));
	return ring->at_ns && ring->path;
}

static void ring_close(struct ring *ring)
{
	free(ring->at_ns);
	free(ring->path);
}

/* The next slot's shots, as they were when it was last used. */
static struct shot *ring_push(struct ring *ring, uint32_t paths, uint64_t at_ns)
{
	ring->newest = ring->used ? (ring->newest + 1) % ring->slots : 0;
	if (ring->used < ring->slots)
		ring->used++;
	ring->at_ns[ring->newest] = at_ns;
	return &ring->path[(size_t)ring->newest * paths];
}

static struct shot *ring_newest(const struct ring *ring, uint32_t paths)
{
	return &ring->path[(size_t)ring->newest * paths];
}

int sl_window_open(struct sl_window **window, uint32_t services, uint32_t uplinks,
		   uint32_t longest_ms)
{
	struct sl_window *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->services = services;
	w->uplinks = uplinks ? uplinks : 1;
	w->paths = w->services * w->uplinks;
	w->shot = calloc(w->paths, sizeof(*w->shot));
	if (!w->shot || !ring_open(&w->fine, FINE_SHOTS, w->paths) ||
	    (longest_ms > SL_WINDOW_LONGER_MS && !ring_open(&w->coarse, COARSE_SHOTS, w->paths)) ||
	    sl_shelf_open(&w->shelf, (size_t)(w->fine.slots + w->coarse.slots) * w->paths *
					     SL_LEGS * SL_METHODS)) {
		sl_window_close(w);
		return -ENOMEM;
	}
	*window = w;
	return 0;
}

void sl_window_close(struct sl_window *w)
{
	if (!w)
		return;
	ring_close(&w->fine);
	ring_close(&w->coarse);
	sl_shelf_close(&w->shelf);
	free(w->shot);
	free(w);
}

void sl_window_begin(struct sl_window *w, uint64_t now_ns)
{
	w->begun_ns = now_ns;
	memset(w->shot, 0, w->paths * sizeof(*w->shot));
}

void sl_window_add(struct sl_window *w, const struct sl_stats *stats)
{
	for (uint32_t s = 0; s < w->services; s++)
		for (uint32_t u = 0; u < w->uplinks; u++)
			sl_window_accumulate(&w->shot[s * w->uplinks + u],
					     &stats->path[SL_PATH(s, u)]);
}

/* What @slot held is over. */
static void let_go(struct sl_window *w, struct shot *slot)
{
	for (uint32_t i = 0; i < SL_LEGS * SL_METHODS; i++) {
		sl_shelf_drop(&w->shelf, slot->place[i]);
		slot->place[i] = SL_SHELF_EMPTY;
	}
}

/* @slot becomes what @now is; @before: the path's last shot, most of which still holds. */
static void take(struct sl_window *w, const struct sl_path_stats *now, const struct shot *before,
		 struct shot *slot)
{
	const struct sl_histogram *h = &now->rtt[0][0];

	memcpy(slot->word, now, sizeof(slot->word));
	for (uint32_t i = 0; i < SL_LEGS * SL_METHODS; i++)
		slot->place[i] = sl_shelf_put(&w->shelf, &h[i], before->place[i]);
}

void sl_window_end(struct sl_window *w)
{
	static const struct shot none;
	struct ring *fine = &w->fine, *coarse = &w->coarse;
	const struct shot *before = fine->used ? ring_newest(fine, w->paths) : NULL;
	struct shot *slot = ring_push(fine, w->paths, w->begun_ns);

	for (uint32_t i = 0; i < w->paths; i++) {
		let_go(w, &slot[i]);
		take(w, &w->shot[i], before ? &before[i] : &none, &slot[i]);
	}
	if (!coarse->slots ||
	    (coarse->used && w->begun_ns - coarse->at_ns[coarse->newest] < COARSE_MS * NS_PER_MS))
		return;
	before = slot;
	slot = ring_push(coarse, w->paths, w->begun_ns);
	for (uint32_t i = 0; i < w->paths; i++) {
		let_go(w, &slot[i]);
		slot[i] = before[i];
		for (uint32_t j = 0; j < SL_LEGS * SL_METHODS; j++)
			sl_shelf_keep(&w->shelf, slot[i].place[j]);
	}
}

/* Slot of the youngest shot that is @ms older than @now_ns, or else of the oldest. */
static uint32_t ring_find(const struct ring *ring, uint64_t now_ns, uint32_t ms)
{
	/* Half a tick of grace: timers do not fire on the millisecond. */
	uint64_t age_ns = ms * NS_PER_MS - SL_WINDOW_TICK_MS * NS_PER_MS / 2;
	uint32_t slot = ring->newest;

	for (uint32_t i = 1; i < ring->used; i++) {
		slot = (ring->newest + ring->slots - i) % ring->slots;
		if (now_ns - ring->at_ns[slot] >= age_ns)
			break;
	}
	return slot;
}

static void subtract(const struct sl_shelf *shelf, const struct shot *newer,
		     const struct shot *older, struct sl_path_stats *out)
{
	uint64_t *word = (uint64_t *)(void *)out;
	struct sl_histogram *h = &out->rtt[0][0];

	for (size_t i = 0; i < WORDS; i++)
		word[i] = newer->word[i] - older->word[i];
	for (uint32_t i = 0; i < SL_LEGS * SL_METHODS; i++) {
		const uint32_t *n = shelf->place[newer->place[i]].count;
		const uint32_t *o = shelf->place[older->place[i]].count;

		if (n == o) {
			memset(&h[i], 0, sizeof(h[i]));
			continue;
		}
		for (uint32_t b = 0; b < SL_HIST_BUCKETS; b++)
			h[i].count[b] = n[b] - o[b];
	}
}

bool sl_window_difference(const struct sl_window *w, unsigned int path, uint32_t ms,
			  struct sl_path_stats *out, uint32_t *span_ms)
{
	const struct ring *ring =
		ms > SL_WINDOW_LONGER_MS && w->coarse.used > 3 ? &w->coarse : &w->fine;
	uint32_t service = path / SL_UPLINKS_MAX, uplink = path % SL_UPLINKS_MAX;

	if (w->fine.used < 2 || service >= w->services || uplink >= w->uplinks)
		return false;
	uint64_t now_ns = w->fine.at_ns[w->fine.newest];
	uint32_t index = service * w->uplinks + uplink;
	uint32_t slot = ring_find(ring, now_ns, ms);

	subtract(&w->shelf, &w->fine.path[(size_t)w->fine.newest * w->paths + index],
		 &ring->path[(size_t)slot * w->paths + index], out);
	*span_ms = (uint32_t)((now_ns - ring->at_ns[slot]) / NS_PER_MS);
	return true;
}

bool sl_window_newest(const struct sl_window *w, unsigned int path, struct sl_path_stats *out)
{
	uint32_t service = path / SL_UPLINKS_MAX, uplink = path % SL_UPLINKS_MAX;

	if (w->fine.used < 2 || service >= w->services || uplink >= w->uplinks)
		return false;
	uint32_t before = (w->fine.newest + w->fine.slots - 1) % w->fine.slots;
	uint32_t index = service * w->uplinks + uplink;

	subtract(&w->shelf, &w->fine.path[(size_t)w->fine.newest * w->paths + index],
		 &w->fine.path[(size_t)before * w->paths + index], out);
	return true;
}

void sl_window_accumulate(struct sl_path_stats *sum, const struct sl_path_stats *add)
{
	const uint64_t *a = (const uint64_t *)(const void *)add;
	const uint32_t *ab = (const uint32_t *)(const void *)add->rtt;
	uint64_t *s = (uint64_t *)(void *)sum;
	uint32_t *sb = (uint32_t *)(void *)sum->rtt;

	for (size_t i = 0; i < WORDS; i++)
		s[i] += a[i];
	for (size_t i = 0; i < BUCKETS; i++)
		sb[i] += ab[i];
}
