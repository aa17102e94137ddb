/*
 * memory_print.c - the fingerprint of an incident, and how far two are apart
 */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PPM     1000000u
#define BUCKETS 6

/* What a fingerprint says; the text is made of it and read back into it. */
struct signs {
	char class[16], path[8], verdict[16], state[16], part[16];
	unsigned int bucket[BUCKETS];
};

/* In the order of the text, with what a step of one bucket is worth. */
static const struct {
	const char *name;
	int weight;
} buckets[BUCKETS] = {{"rtt", 2}, {"loss", 2}, {"fail", 2}, {"dns", 2}, {"load", 1}, {"jit", 1}};

#define PATH_WEIGHT 3
#define PART_WEIGHT 1
#define STEPS_MAX   2 /* two buckets off is as far as any */

static unsigned int bucket_of(uint64_t value, const uint64_t *edges, unsigned int count)
{
	unsigned int bucket = 0;

	while (bucket < count && value >= edges[bucket])
		bucket++;
	return bucket;
}

static const uint64_t rise_us[] = {5000, 20000, 60000, 180000, 500000};
static const uint64_t share_ppm[] = {1000, 5000, 20000, 80000, 300000};
static const uint64_t load_ppm[] = {300000, 600000, 850000};
static const uint64_t spread_us[] = {15000, 60000, 200000};

#define BUCKET(value, edges) bucket_of(value, edges, sizeof(edges) / sizeof((edges)[0]))

static uint64_t share(uint64_t part, uint64_t whole)
{
	return whole ? (part < whole ? part * PPM / whole : PPM) : part ? PPM : 0;
}

static uint64_t load_of(const struct sl_scene *scene, unsigned int uplink)
{
	const struct sl_uplink_report *report = scene->view->uplink[uplink];
	uint64_t capacity = uplink < scene->view->policy->uplinks
				    ? scene->view->policy->uplink[uplink].capacity_bps
				    : 0;
	uint64_t most = 0;

	for (unsigned int side = 0; report && side < 2; side++)
		most = report->rate_bps[side] > most ? report->rate_bps[side] : most;
	return capacity ? share(most, capacity) : 0;
}

static void measure(const struct sl_scene *scene, const struct sl_sighting *sighting,
		    struct signs *signs)
{
	const struct sl_path_report *path = scene->view->path[sighting->service][sighting->uplink];
	const struct sl_latency_report *wan = path ? &path->rtt[SL_LEG_WAN] : NULL;
	struct sl_badness badness;

	signs->bucket[4] = BUCKET(load_of(scene, sighting->uplink), load_ppm);
	/* What is dark has nothing to measure: the last samples say nothing of it. */
	if (!path || sighting->state == SL_HEALTH_DOWN)
		return;
	sl_locate_badness(scene, sighting->service, sighting->uplink, &badness);
	signs->bucket[0] = BUCKET(badness.rise_us, rise_us);
	signs->bucket[1] = BUCKET(badness.loss_ppm, share_ppm);
	signs->bucket[2] =
		BUCKET(share(sl_view_opens_bad(path), (uint64_t)path->attempts + path->hellos),
		       share_ppm);
	signs->bucket[3] = BUCKET(share(sl_view_queries_bad(path), path->queries), share_ppm);
	signs->bucket[5] =
		BUCKET(wan->p95_us > wan->p50_us ? wan->p95_us - wan->p50_us : 0, spread_us);
}

/* UTC: it need only be the same each week. */
static void part_of_week(uint64_t unix_ns, char *part, size_t size)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	struct tm day;

	gmtime_r(&seconds, &day);
	snprintf(part, size, "%s-%s", day.tm_wday == 0 || day.tm_wday == 6 ? "we" : "wk",
		 day.tm_hour < 6    ? "night"
		 : day.tm_hour < 18 ? "day"
				    : "eve");
}

void sl_memory_print(const struct sl_scene *scene, const struct sl_sighting *sighting, char *text)
{
	static const char *const classes[] = {"background", "normal", "high", "critical"};
	const struct sl_policy *policy = scene->view->policy;
	struct signs signs = {.bucket = {0}};
	size_t at;

	measure(scene, sighting, &signs);
	part_of_week(sighting->unix_ns, signs.part, sizeof(signs.part));
	at = (size_t)snprintf(text, SL_PRINT_MAX, "%s/%s/%s/%s",
			      classes[policy->service[sighting->service].priority & 3],
			      sl_policy_kind_word(sighting->uplink < policy->uplinks
							  ? policy->uplink[sighting->uplink].kind
							  : SL_UPLINK_OTHER),
			      sl_verdict_word(sighting->verdict), sl_health_word(sighting->state));
	for (unsigned int i = 0; i < BUCKETS && at < SL_PRINT_MAX; i++)
		at += (size_t)snprintf(text + at, SL_PRINT_MAX - at, "/%s%u", buckets[i].name,
				       signs.bucket[i]);
	if (at < SL_PRINT_MAX)
		snprintf(text + at, SL_PRINT_MAX - at, "/%s", signs.part);
}

static bool parse(const char *text, struct signs *signs)
{
	int used = 0;

	if (sscanf(text, "%15[^/]/%7[^/]/%15[^/]/%15[^/]%n", signs->class, signs->path,
		   signs->verdict, signs->state, &used) != 4)
		return false;
	for (unsigned int i = 0; i < BUCKETS; i++) {
		size_t length = strlen(buckets[i].name);
		char *end;

		if (text[used] != '/' || strncmp(text + used + 1, buckets[i].name, length) != 0)
			return false;
		signs->bucket[i] = (unsigned int)strtoul(text + used + 1 + length, &end, 10);
		used = (int)(end - text);
	}
	return sscanf(text + used, "/%15[^/]", signs->part) == 1;
}

int sl_memory_distance(const char *a, const char *b)
{
	struct signs x, y;
	int distance = 0;

	if (!strcmp(a, b))
		return 0;
	if (!parse(a, &x) || !parse(b, &y) || strcmp(x.class, y.class) != 0 ||
	    strcmp(x.verdict, y.verdict) != 0 || strcmp(x.state, y.state) != 0)
		return -1;
	for (unsigned int i = 0; i < BUCKETS; i++) {
		int steps = abs((int)x.bucket[i] - (int)y.bucket[i]);

		distance += buckets[i].weight * (steps < STEPS_MAX ? steps : STEPS_MAX);
	}
	return distance + (strcmp(x.path, y.path) ? PATH_WEIGHT : 0) +
	       (strcmp(x.part, y.part) ? PART_WEIGHT : 0);
}
