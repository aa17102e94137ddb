/*
 * fleet.c - the same fault at many sites in the same two minutes
 *
 * Cases are sorted so that those that could be one lie together, by time.  Of the windows of
 * SL_FLEET_SPAN_S the one with the most sites is a group; what it leaves may hold another.
 */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_NS (SL_FLEET_SPAN_S * UINT64_C(1000000000))

uint32_t sl_fleet_enough(uint32_t seen)
{
	uint32_t tenth = (seen + SL_FLEET_TENTH - 1) / SL_FLEET_TENTH;

	return tenth > SL_FLEET_LEAST ? tenth : SL_FLEET_LEAST;
}

/* Could they be one, but for the time?  0, or which comes first. */
static int compare_fault(const struct sl_fleet_case *a, const struct sl_fleet_case *b)
{
	int order = strcmp(a->service, b->service);

	if (!order)
		order = (a->verdict > b->verdict) - (a->verdict < b->verdict);
	if (!order && a->verdict == SL_VERDICT_UPLINK)
		order = strcmp(a->uplink, b->uplink);
	return order;
}

static int compare_cases(const void *left, const void *right)
{
	const struct sl_fleet_case *a = left, *b = right;
	int order = compare_fault(a, b);

	if (!order)
		order = (a->began_unix_ns > b->began_unix_ns) -
			(a->began_unix_ns < b->began_unix_ns);
	if (!order)
		order = (a->site > b->site) - (a->site < b->site);
	return order ? order : (a->id > b->id) - (a->id < b->id);
}

static int compare_groups(const void *left, const void *right)
{
	const struct sl_fleet_group *a = left, *b = right;

	if (a->sites != b->sites)
		return a->sites < b->sites ? 1 : -1;
	return (a->first_unix_ns > b->first_unix_ns) - (a->first_unix_ns < b->first_unix_ns);
}

/* Cases from .from up to .to, and how many sites they are of. */
struct window {
	uint32_t from, to, sites;
};

/* Of cases @from up to @to, one fault by time: the window with the most sites; the first of equals. */
static struct window best_window(struct sl_fleet *fleet, uint32_t from, uint32_t to)
{
	struct window best = {from, from, 0};
	uint32_t sites = 0, tail = from;

	memset(fleet->mark, 0, fleet->sites * sizeof(*fleet->mark));
	for (uint32_t head = from; head < to; head++) {
		const struct sl_fleet_case *newest = &fleet->list[head];

		if (newest->group != SL_FLEET_ALONE)
			continue;
		sites += !fleet->mark[newest->site]++;
		for (; newest->began_unix_ns - fleet->list[tail].began_unix_ns > SPAN_NS; tail++)
			if (fleet->list[tail].group == SL_FLEET_ALONE)
				sites -= !--fleet->mark[fleet->list[tail].site];
		if (sites > best.sites)
			best = (struct window){tail, head + 1, sites};
	}
	return best;
}

static void add_case(struct sl_fleet *fleet, struct sl_fleet_group *group,
		     struct sl_fleet_case *one)
{
	one->group = group->number;
	group->sites += !(fleet->mark[one->site] & 1);
	group->open += !one->closed_unix_ns && !(fleet->mark[one->site] & 2);
	fleet->mark[one->site] |= one->closed_unix_ns ? 1 : 3;
	group->last_unix_ns = one->began_unix_ns;
	if (one->closed_unix_ns > group->closed_unix_ns)
		group->closed_unix_ns = one->closed_unix_ns;
}

static void make_group(struct sl_fleet *fleet, const struct window *window)
{
	struct sl_fleet_group *group = &fleet->group[fleet->groups];

	*group = (struct sl_fleet_group){fleet->groups++,
					 .verdict = fleet->list[window->from].verdict};
	strcpy(group->service, fleet->list[window->from].service);
	if (group->verdict == SL_VERDICT_UPLINK)
		strcpy(group->uplink, fleet->list[window->from].uplink);
	memset(fleet->mark, 0, fleet->sites * sizeof(*fleet->mark));
	for (uint32_t i = window->from; i < window->to; i++) {
		if (fleet->list[i].group != SL_FLEET_ALONE)
			continue;
		if (!group->sites)
			group->first_unix_ns = fleet->list[i].began_unix_ns;
		add_case(fleet, group, &fleet->list[i]);
	}
	if (group->open)
		group->closed_unix_ns = 0;
}

void sl_fleet_find(struct sl_fleet *fleet)
{
	uint32_t enough = sl_fleet_enough(fleet->seen), to;

	fleet->groups = 0;
	for (uint32_t i = 0; i < fleet->cases; i++)
		fleet->list[i].group = SL_FLEET_ALONE;
	if (!fleet->cases)
		return;
	qsort(fleet->list, fleet->cases, sizeof(*fleet->list), compare_cases);
	for (uint32_t from = 0; from < fleet->cases; from = to) {
		struct window window;

		for (to = from + 1;
		     to < fleet->cases && !compare_fault(&fleet->list[from], &fleet->list[to]);)
			to++;
		while ((window = best_window(fleet, from, to)).sites >= enough)
			make_group(fleet, &window);
	}
	qsort(fleet->group, fleet->groups, sizeof(*fleet->group), compare_groups);
}

void sl_fleet_blame(struct sl_fleet *fleet)
{
	for (uint32_t g = 0; g < fleet->groups; g++) {
		struct sl_fleet_group *group = &fleet->group[g];
		bool same = true;

		group->policy_sites = 0;
		group->policy = 0;
		memset(fleet->mark, 0, fleet->sites * sizeof(*fleet->mark));
		for (uint32_t i = 0; i < fleet->cases; i++) {
			const struct sl_fleet_case *one = &fleet->list[i];

			if (one->group != group->number || !one->policy || fleet->mark[one->site]++)
				continue;
			same = same && (!group->policy_sites || one->policy == group->policy);
			group->policy = one->policy;
			group->policy_sites++;
		}
		if (!same)
			group->policy = 0;
	}
}

/* But for a tenth: a site may have lost the second that tells, or have the fault for itself. */
bool sl_fleet_by_policy(const struct sl_fleet_group *group)
{
	return group->policy_sites && (uint64_t)group->policy_sites * 10 >= group->sites * 9ull;
}
