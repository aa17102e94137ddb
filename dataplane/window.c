/*
 * window.c - two rings of shots and their differences
 */
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct ring {
	uint32_t slots, used, newest;
	uint64_t *at_ns;
	struct sl_path_stats *path; /* slots x paths */
};

struct sl_window {
	uint32_t services, uplinks, paths;
	struct ring fine, coarse;
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

static struct sl_path_stats *ring_push(struct ring *ring, uint32_t paths, uint64_t at_ns)
{
	ring->newest = ring->used ? (ring->newest + 1) % ring->slots : 0;
	if (ring->used < ring->slots)
		ring->used++;
	ring->at_ns[ring->newest] = at_ns;
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
	    (longest_ms > SL_WINDOW_LONGER_MS && !ring_open(&w->coarse, COARSE_SHOTS, w->paths))) {
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

void sl_window_end(struct sl_window *w)
{
	size_t bytes = w->paths * sizeof(*w->shot);
	struct ring *coarse = &w->coarse;

	memcpy(ring_push(&w->fine, w->paths, w->begun_ns), w->shot, bytes);
	if (coarse->slots &&
	    (!coarse->used || w->begun_ns - coarse->at_ns[coarse->newest] >= COARSE_MS * NS_PER_MS))
		memcpy(ring_push(coarse, w->paths, w->begun_ns), w->shot, bytes);
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

	sl_window_subtract(&w->fine.path[(size_t)w->fine.newest * w->paths + index],
			   &ring->path[(size_t)slot * w->paths + index], out);
	*span_ms = (uint32_t)((now_ns - ring->at_ns[slot]) / NS_PER_MS);
	return true;
}

void sl_window_subtract(const struct sl_path_stats *newer, const struct sl_path_stats *older,
			struct sl_path_stats *out)
{
	const uint64_t *n = (const uint64_t *)(const void *)newer;
	const uint64_t *o = (const uint64_t *)(const void *)older;
	const uint32_t *nb = (const uint32_t *)(const void *)newer->rtt;
	const uint32_t *ob = (const uint32_t *)(const void *)older->rtt;
	uint64_t *d = (uint64_t *)(void *)out;
	uint32_t *db = (uint32_t *)(void *)out->rtt;

	for (size_t i = 0; i < WORDS; i++)
		d[i] = n[i] - o[i];
	for (size_t i = 0; i < BUCKETS; i++)
		db[i] = nb[i] - ob[i];
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
