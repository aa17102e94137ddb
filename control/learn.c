/*
 * learn.c - fingerprints looked up, results written back
 */
#include "learn.h"

#include <stdio.h>
#include <string.h>

#define REFUSED_MIN 3

void sl_learn_recall(struct sl_site *site, const struct sl_sighting *sighting,
		     struct sl_recall *recall)
{
	struct sl_scene scene = sl_say_scene(site);
	struct sl_sighting now = *sighting;

	now.unix_ns = sl_say_unix_ns(site, site->now_ms);
	sl_memory_print(&scene, &now, site->record.fingerprint);
	sl_memory_recall(&site->memory, &site->fleet, site->record.fingerprint, recall);
	for (uint32_t u = 0; u < site->policy.uplinks; u++)
		if (sl_memory_is_refused(&site->memory, site->care[sighting->service].name,
					 site->policy.uplink[u].name))
			recall->refused = (uint8_t)(recall->refused | 1u << u);
	sl_recall_tell(recall, site->record.remembered);
}

/* How a far end shuts out whom it does not know. */
enum shut { SHUT_REFUSED = 1, SHUT_HELLOS = 2, SHUT_RESETS = 4 };

/*
 * Most connections are refused there (each of a few), or open and lead nowhere.  Resets alone are
 * how some clients close: not where anything was answered.
 */
static unsigned int shut_ways(const struct sl_path_report *path)
{
	bool refused = (path->refused >= REFUSED_MIN && path->refused * 2 >= path->attempts) ||
		       (path->refused + 1 >= REFUSED_MIN && path->refused >= path->attempts);
	bool open = path->established >= REFUSED_MIN;

	if (path->state == SL_HEALTH_DOWN)
		return 0;
	return (refused ? SHUT_REFUSED : 0u) |
	       (open && path->hellos_unanswered >= REFUSED_MIN &&
				path->hellos_unanswered * 2 >= path->hellos
			? SHUT_HELLOS
			: 0u) |
	       (open && path->resets >= REFUSED_MIN && path->resets * 2 >= path->established &&
				!path->transaction.samples
			? SHUT_RESETS
			: 0u);
}

bool sl_learn_refused(struct sl_site *site, unsigned int service, unsigned int new,
		      unsigned int old)
{
	const struct sl_path_report *there = site->view.path[service][new];
	const struct sl_path_report *here =
		old < SL_SITE_UPLINKS ? site->view.path[service][old] : NULL;

	if (!there || !(shut_ways(there) & ~(here ? shut_ways(here) : 0u)))
		return false;
	sl_memory_refused(&site->memory, site->care[service].name,
			  sl_view_uplink_name(&site->policy, new),
			  sl_say_unix_ns(site, site->now_ms));
	return true;
}

static const char *kind_of(const struct sl_site *site, const char *uplink)
{
	int index = sl_policy_uplink_index(&site->policy, uplink);

	return index < 0 ? "" : sl_policy_kind_word(site->policy.uplink[index].kind);
}

static uint32_t since_ms(const struct sl_site *site, uint64_t then_ms)
{
	uint64_t ms = then_ms ? site->now_ms - then_ms : 0;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void sl_learn_move(struct sl_site *site, struct sl_care *care, bool helped)
{
	struct sl_lesson lesson = {.print = care->print,
				   .remedy = "reroute",
				   .target = kind_of(site, care->to),
				   .helped = helped,
				   .times = 1,
				   .repair_ms = since_ms(site, care->first_bad_ms),
				   .unix_ns = sl_say_unix_ns(site, site->now_ms)};

	sl_memory_learn(&site->memory, &lesson);
	care->print[0] = '\0'; /* one move, one lesson */
}

void sl_learn_limit(struct sl_site *site, struct sl_care *culprit, bool helped)
{
	struct sl_lesson lesson = {.print = culprit->ladder_print,
				   .remedy = culprit->ladder.marks ? "remark" : "throttle",
				   .target = "",
				   .helped = helped,
				   .times = 1,
				   .repair_ms = since_ms(site, culprit->ladder_bad_ms),
				   .unix_ns = sl_say_unix_ns(site, site->now_ms)};

	sl_memory_learn(&site->memory, &lesson);
	culprit->ladder_print[0] = '\0';
}

void sl_learn_vain(struct sl_site *site, const struct sl_care *culprit, unsigned int served,
		   unsigned int uplink)
{
	struct sl_scene scene = sl_say_scene(site);
	struct sl_sighting now = {served, uplink, SL_VERDICT_UPLINK,
				  site->judge[served][uplink].state,
				  sl_say_unix_ns(site, site->now_ms)};
	char print[SL_PRINT_MAX];

	sl_memory_print(&scene, &now, print);
	if (strcmp(print, culprit->ladder_print) != 0)
		sl_memory_learn(&site->memory,
				&(struct sl_lesson){.print = print,
						    .remedy = culprit->ladder.marks ? "remark"
										    : "throttle",
						    .target = "",
						    .times = 1,
						    .unix_ns = now.unix_ns});
}

void sl_learn_clamp(struct sl_site *site, struct sl_clamp *clamp, bool helped)
{
	struct sl_lesson lesson = {.print = clamp->print,
				   .remedy = "clamp-mss",
				   .target = "",
				   .helped = helped,
				   .times = 1,
				   .repair_ms = since_ms(site, clamp->bad_ms),
				   .unix_ns = sl_say_unix_ns(site, site->now_ms)};

	if (!clamp->print[0])
		return;
	sl_memory_learn(&site->memory, &lesson);
	clamp->print[0] = '\0';
}

static bool any_proven(const struct sl_recall *recall)
{
	for (uint32_t i = 0; i < recall->count; i++)
		if (sl_recall_proven(&recall->one[i]))
			return true;
	return false;
}

void sl_learn_hasten(struct sl_site *site, unsigned int service, unsigned int uplink)
{
	struct sl_judge *judge = &site->judge[service][uplink];
	struct sl_scene scene = sl_say_scene(site);
	struct sl_recall recall;
	char found[SL_TEXT_MAX];

	if (!site->memory.count && !site->fleet.count)
		return;
	if (!sl_judge_begins(judge, site->now_ms) ||
	    sl_locate(&scene, service, uplink, found) != SL_VERDICT_UPLINK)
		return;
	sl_learn_recall(site,
			&(struct sl_sighting){service, uplink, SL_VERDICT_UPLINK,
					      SL_HEALTH_DEGRADED, 0},
			&recall);
	if (any_proven(&recall))
		judge->state = SL_HEALTH_DEGRADED;
}

void sl_learn_report(const struct sl_site *site, struct sl_memory_report *report)
{
	*report = (struct sl_memory_report){.at_unix_ns = sl_say_unix_ns(site, site->now_ms),
					    .entries = site->memory.count};
	memcpy(report->site, site->name, sizeof(report->site));
	memcpy(report->entry, site->memory.entry,
	       site->memory.count * sizeof(site->memory.entry[0]));
}
