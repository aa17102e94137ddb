/*
 * whatif_blend.c - two roll-ups, a second apart, to the ten pictures between them
 *
 * Live a picture is a window that slides by 100 ms, and judge.h counts such pictures.  A roll-up
 * says what a second held, not when in it: good and bad samples are spread evenly over it, with
 * a phase that differs from path to path and second to second.  But the first bad second after a
 * clean one is taken as one burst at its end, unless somebody acted in it: a lone spike then
 * settles nothing, as live, and trouble that goes on settles in its next second.  A state holds from half a second before
 * its roll-up to half a second after.  Windows that are not of a second stand as they are.
 */
#include "whatif_private.h"

#include <string.h>

#define AT(member) offsetof(struct sl_path_report, member)
#define PHASES     1024

static const uint16_t even[] = {
	AT(rtt[0].samples), AT(rtt[1].samples), AT(loss[0].segments), AT(loss[1].segments),
	AT(packets[0]),     AT(packets[1]),     AT(flows_new),        AT(attempts),
	AT(established),    AT(resets),         AT(demand),           AT(progress),
	AT(queries),        AT(hellos),         AT(media[0].packets), AT(media[1].packets),
};

static const uint16_t bad[] = {
	AT(rtt[0].above_slo),
	AT(rtt[1].above_slo),
	AT(loss[0].lost_after),
	AT(loss[0].lost_before),
	AT(loss[1].lost_after),
	AT(loss[1].lost_before),
	AT(attempts_repeated),
	AT(refused),
	AT(stalls),
	AT(queries_failed),
	AT(queries_unanswered),
	AT(hellos_unanswered),
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static uint32_t *field(struct sl_path_report *path, uint16_t at)
{
	return (uint32_t *)(void *)((char *)path + at);
}

static uint32_t value(const struct sl_path_report *path, uint16_t at)
{
	return *(const uint32_t *)(const void *)((const char *)path + at);
}

uint32_t sl_whatif_bad(const struct sl_path_report *path)
{
	uint32_t sum = sl_view_media_lost(path, SL_LEG_LAN) + sl_view_media_lost(path, SL_LEG_WAN);

	for (size_t i = 0; i < COUNT(bad); i++)
		sum += value(path, bad[i]);
	return sum;
}

/* One second's samples of one kind, and how they lie in it. */
struct second {
	uint32_t count, phase; /* of PHASES */
	bool burst;
};

/* How many of them lie in its first @slice tenths. */
static uint32_t until(const struct second *second, unsigned int slice)
{
	uint64_t whole = (uint64_t)SL_WHATIF_SLICES * PHASES, at, n;

	if (slice == SL_WHATIF_SLICES)
		return second->count;
	if (second->burst)
		return 0;
	at = (uint64_t)second->count * slice * PHASES;
	if (at <= (uint64_t)second->phase * SL_WHATIF_SLICES)
		return 0;
	n = (at - (uint64_t)second->phase * SL_WHATIF_SLICES + whole - 1) / whole;
	return n < second->count ? (uint32_t)n : second->count;
}

/* A window of a second that ends @slice tenths into the second one. */
static uint32_t slide(const struct second *a, const struct second *b, unsigned int slice)
{
	return a->count - until(a, slice) + until(b, slice);
}

struct blend {
	const struct sl_path_report *before, *now;
	bool before_burst, now_burst;
	unsigned int slice;
	uint32_t seed[2]; /* of the two seconds */
};

static uint32_t phase(uint32_t seed, uint32_t kind)
{
	uint32_t mixed = (seed ^ kind * 2654435761u) * 2246822519u;

	return (mixed ^ mixed >> 15) % PHASES;
}

static uint32_t between(const struct blend *blend, uint32_t a, uint32_t b, uint32_t kind,
			bool bad_one)
{
	struct second before = {a, phase(blend->seed[0], kind), bad_one && blend->before_burst};
	struct second now = {b, phase(blend->seed[1], kind), bad_one && blend->now_burst};

	return slide(&before, &now, blend->slice);
}

static void blend_counts(const struct blend *blend, struct sl_path_report *to)
{
	const struct sl_path_report *a = blend->before, *b = blend->now;

	for (size_t i = 0; i < COUNT(even); i++)
		*field(to, even[i]) =
			between(blend, value(a, even[i]), value(b, even[i]), even[i], false);
	for (size_t i = 0; i < COUNT(bad); i++)
		*field(to, bad[i]) =
			between(blend, value(a, bad[i]), value(b, bad[i]), bad[i], true);
	for (unsigned int side = 0; side < 2; side++) {
		to->media[side].expected =
			to->media[side].packets + between(blend, sl_view_media_lost(a, side),
							  sl_view_media_lost(b, side), side, true);
		to->bytes[side] = (a->bytes[side] * (SL_WHATIF_SLICES - blend->slice) +
				   b->bytes[side] * blend->slice) /
				  SL_WHATIF_SLICES;
		if (to->rtt[side].above_slo > to->rtt[side].samples)
			to->rtt[side].above_slo = to->rtt[side].samples;
	}
}

static bool is_second(const struct sl_path_report *path)
{
	return path->window_ms == 1000;
}

static void blend_path(const struct blend *blend, struct sl_path_report *to)
{
	bool late = blend->slice * 2 >= SL_WHATIF_SLICES;

	*to = late ? *blend->now : *blend->before;
	if (!is_second(blend->before) || !is_second(blend->now))
		return;
	for (unsigned int leg = 0; leg < 2; leg++)
		if (!to->rtt[leg].samples)
			to->rtt[leg] = late ? blend->before->rtt[leg] : blend->now->rtt[leg];
	blend_counts(blend, to);
}

/* It was not there a second ago, or is not any more: then nothing went by it. */
static void absent(const struct sl_path_report *there, struct sl_path_report * not )
{
	*not = (struct sl_path_report){.state = SL_HEALTH_IDLE,
				       .window_ms = there->window_ms,
				       .coverage_ppm = there->coverage_ppm};
	memcpy(not ->service, there->service, sizeof(not ->service));
	memcpy(not ->uplink, there->uplink, sizeof(not ->uplink));
}

static void put_path(const struct sl_whatif_roll *before, const struct sl_whatif_roll *now,
		     unsigned int s, unsigned int u, struct blend blend,
		     struct sl_telemetry *picture)
{
	struct sl_path_report none, *to = &picture->path[picture->paths];

	if (!now->has[s][u] && (!before || !before->has[s][u]))
		return;
	picture->paths++;
	if (!before) {
		*to = now->path[s][u];
		return;
	}
	blend.before = before->has[s][u] ? &before->path[s][u] : &none;
	blend.now = now->has[s][u] ? &now->path[s][u] : &none;
	if (blend.before == &none)
		absent(blend.now, &none);
	else if (blend.now == &none)
		absent(blend.before, &none);
	blend.before_burst = before->has[s][u] && before->burst[s][u];
	blend.now_burst = now->has[s][u] && now->burst[s][u];
	for (int i = 0; i < 2; i++)
		blend.seed[i] = (blend.seed[i] * 16 + s) * 4 + u;
	blend_path(&blend, to);
}

void sl_whatif_blend(const struct sl_whatif *run, const struct sl_whatif_roll *before,
		     const struct sl_whatif_roll *now, unsigned int slice,
		     struct sl_telemetry *picture)
{
	bool whole = !before || slice == SL_WHATIF_SLICES;
	const struct sl_whatif_roll *near = whole || slice * 2 >= SL_WHATIF_SLICES ? now : before;
	struct blend blend = {.slice = slice};

	blend.seed[1] = (uint32_t)(now->recorded.at_unix_ns / SL_WHATIF_SECOND_NS);
	blend.seed[0] = before ? (uint32_t)(before->recorded.at_unix_ns / SL_WHATIF_SECOND_NS) : 0;
	picture->paths = picture->uplinks = 0;
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
			put_path(whole ? NULL : before, now, s, u, blend, picture);
	for (unsigned int u = 0; u < run->policy.uplinks; u++)
		if (near->uplink[u].name[0])
			picture->uplink[picture->uplinks++] = near->uplink[u];
}
