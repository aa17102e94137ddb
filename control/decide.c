/*
 * decide.c - clamp the MSS, remark, throttle, reroute, notify or hold
 */
#include "decide.h"
#include "ceiling.h"
#include "culprit.h"

#include <stdio.h>
#include <string.h>

/* One way to go, as pre-flight sees it. */
struct way {
	unsigned int uplink;
	enum sl_fit fit;
	const struct sl_recalled *past; /* NULL = not tried in the like */
	char why[SL_WHY_MAX];
};

struct ways {
	uint32_t count;
	struct way way[SL_WIRE_UPLINKS_MAX];
};

/*
 * What memory says of a way that pre-flight lets pass.  One that always failed is not
 * taken in a brownout; in a blackout it is a straw like any other: what failed then may
 * have been dark itself.
 */
static void look_back(const struct sl_question *question, const struct sl_policy *policy,
		      struct way *way)
{
	char praise[SL_WHY_MAX];

	if (question->recall && question->recall->refused & 1u << way->uplink) {
		way->past = NULL;
		way->fit = SL_FIT_NO;
		snprintf(way->why, sizeof(way->why),
			 "never for this service: its connections by it were refused");
		return;
	}
	way->past = sl_recall_find(question->recall, "reroute",
				   sl_policy_kind_word(policy->uplink[way->uplink].kind));
	if (!way->past || way->fit != SL_FIT_GOOD)
		return;
	if (sl_recall_never(way->past)) {
		way->fit = SL_FIT_LAST;
		snprintf(way->why, sizeof(way->why),
			 "never for incidents like this: it failed %.3g of %.3g times",
			 way->past->failed, way->past->helped + way->past->failed);
		return;
	}
	memcpy(praise, way->why, sizeof(praise));
	snprintf(way->why, sizeof(way->why), "helped %.3g of %.3g times; %.70s", way->past->helped,
		 way->past->helped + way->past->failed, praise);
}

static void look_at_ways(const struct sl_scene *scene, const struct sl_question *question,
			 struct ways *ways)
{
	const struct sl_policy_service *policy = &scene->view->policy->service[question->service];

	for (uint32_t i = 0; i < policy->uplinks; i++) {
		struct way *way = &ways->way[ways->count];

		if (policy->uplink[i] == question->uplink)
			continue;
		ways->count++;
		way->uplink = policy->uplink[i];
		way->past = NULL;
		way->fit = sl_preflight(scene, question->service, question->uplink, way->uplink,
					way->why);
		look_back(question, scene->view->policy, way);
	}
}

/* How well a remedy is thought of: by its record when that says much, else all the same. */
static double esteem(const struct sl_recalled *past)
{
	double mean = sl_recall_mean(past);

	return sl_recall_proven(past) || mean < 0.5 ? mean : 0.5;
}

/* The best thought of that is good, the first of equals; in a blackout, else what is left. */
static const struct way *pick(const struct ways *ways, bool blackout)
{
	const struct way *best = NULL, *last = NULL;

	for (uint32_t i = 0; i < ways->count; i++) {
		const struct way *way = &ways->way[i];

		if (way->fit == SL_FIT_GOOD && (!best || esteem(way->past) > esteem(best->past)))
			best = way;
		if (way->fit == SL_FIT_LAST && !last)
			last = way;
	}
	return best || !blackout ? best : last;
}

static void record_ways(const struct sl_scene *scene, const struct ways *ways,
			const struct way *chosen, struct sl_decision *record)
{
	const struct sl_policy *policy = scene->view->policy;

	for (uint32_t i = 0; i < ways->count; i++) {
		const struct way *way = &ways->way[i];
		const char *name = sl_view_uplink_name(policy, way->uplink);

		if (way == chosen && way->fit == SL_FIT_LAST)
			sl_record_option(record, "reroute", name, true,
					 "better than a dark path, though: %.80s", way->why);
		else if (way == chosen || way->fit != SL_FIT_GOOD)
			sl_record_option(record, "reroute", name, way == chosen, "%s", way->why);
		else
			sl_record_option(record, "reroute", name, false, "comes after %s",
					 chosen ? sl_view_uplink_name(policy, chosen->uplink)
						: "a throttle");
	}
}

static const struct way *choose_way(const struct sl_scene *scene,
				    const struct sl_question *question, struct ways *ways,
				    struct sl_decision *record)
{
	bool blackout = scene->judge[question->service][question->uplink].state == SL_HEALTH_DOWN;
	const struct way *chosen;

	ways->count = 0;
	look_at_ways(scene, question, ways);
	chosen = pick(ways, blackout);
	record_ways(scene, ways, chosen, record);
	return chosen;
}

unsigned int sl_decide_target(const struct sl_scene *scene, const struct sl_question *question,
			      struct sl_decision *record)
{
	struct ways ways;
	const struct way *chosen;

	if (question->service >= scene->view->policy->services)
		return SL_UPLINK_UNSET;
	chosen = choose_way(scene, question, &ways, record);
	return chosen ? chosen->uplink : SL_UPLINK_UNSET;
}

static void choose_throttle(const struct sl_scene *scene, unsigned int uplink,
			    struct sl_choice *choice)
{
	const struct sl_policy_service *culprit = &scene->view->policy->service[choice->culprit];
	uint64_t half = choice->rate_bps / 2;
	char capped[SL_CEILING_TEXT];

	choice->remedy = SL_REMEDY_THROTTLE;
	choice->limit_bps = half > culprit->throttle_floor_bps ? half : culprit->throttle_floor_bps;
	choice->key = "throttle";
	sl_ceiling_say(scene, uplink, capped);
	snprintf(choice->text, sizeof(choice->text), "%s fills %s with %.1f Mbit/s%s%s",
		 culprit->name, sl_view_uplink_name(scene->view->policy, uplink),
		 (double)choice->rate_bps / 1e6, capped[0] ? ": " : "", capped);
}

static void choose_reroute(const struct sl_scene *scene, const struct sl_question *question,
			   struct sl_choice *choice, struct sl_decision *record)
{
	struct ways ways;
	const struct way *way = choose_way(scene, question, &ways, record);

	choice->live = scene->judge[question->service][question->uplink].state == SL_HEALTH_DOWN;
	if (!way) {
		choice->key = "no-uplink";
		snprintf(choice->text, sizeof(choice->text),
			 "no other uplink of its list is better");
		sl_record_option(record, "hold", "", true, "%s", choice->text);
		return;
	}
	choice->uplink = way->uplink;
	choice->known = sl_recall_proven(way->past);
	choice->remedy = SL_REMEDY_REROUTE;
	choice->key = "reroute";
	snprintf(choice->text, sizeof(choice->text), "%s: %.80s",
		 sl_view_uplink_name(scene->view->policy, way->uplink), way->why);
}

/* Faults that no uplink mends: what is said, and why nothing is moved. */
static const struct {
	enum sl_verdict verdict;
	enum sl_remedy remedy;
	const char *key, *text;
} futile[] = {
	{SL_VERDICT_LAN, SL_REMEDY_NOTIFY, "lan", "another uplink does not mend the LAN"},
	{SL_VERDICT_DNS, SL_REMEDY_NOTIFY, "dns", "another uplink does not mend the resolver"},
	{SL_VERDICT_DESTINATION, SL_REMEDY_NOTIFY, "destination",
	 "another uplink does not mend the far end"},
	{SL_VERDICT_SELF, SL_REMEDY_HOLD, "self", "we cannot tell"},
};

/* It does badly there as well: the surest sign that the far end is ill. */
static bool bad_there(const struct sl_scene *scene, const struct sl_question *question,
		      unsigned int uplink)
{
	const struct sl_judge *judge = &scene->judge[question->service][uplink];

	return scene->view->path[question->service][uplink] && judge->bad_now &&
	       sl_judge_bad_now(judge, scene->now_ms);
}

static void record_futile(const struct sl_scene *scene, const struct sl_question *question,
			  const struct sl_choice *choice, struct sl_decision *record)
{
	const struct sl_policy *policy = scene->view->policy;

	sl_record_option(record, choice->remedy == SL_REMEDY_NOTIFY ? "notify" : "hold", "", true,
			 "%s: %.80s", sl_verdict_word(question->verdict), question->found);
	for (uint32_t i = 0; i < policy->service[question->service].uplinks; i++) {
		unsigned int uplink = policy->service[question->service].uplink[i];

		if (uplink == question->uplink)
			continue;
		sl_record_option(record, "reroute", sl_view_uplink_name(policy, uplink), false,
				 "%s",
				 bad_there(scene, question, uplink)
					 ? "same destination bad there too"
					 : choice->text);
	}
}

/* What works without its far end for a while, and should: what sells. */
static bool has_offline_mode(const struct sl_scene *scene, unsigned int service)
{
	return service < scene->view->policy->services &&
	       scene->view->policy->service[service].priority == SL_PRIORITY_CRITICAL;
}

/* The far end is well, and what was at rest on the way to it is forgotten (PEERS.md 4.3). */
static void advise_keep_alive(uint32_t idle_ms, struct sl_choice *choice)
{
	choice->remedy = SL_REMEDY_NOTIFY;
	choice->key = "keep-alive";
	snprintf(choice->text, sizeof(choice->text),
		 "set the terminal's keep-alive below %u s, or raise the firewall's time-out",
		 idle_ms / 1000);
}

static bool is_futile(const struct sl_scene *scene, const struct sl_question *question,
		      struct sl_choice *choice)
{
	if (question->verdict == SL_VERDICT_DESTINATION && question->idle_ms) {
		advise_keep_alive(question->idle_ms, choice);
		return true;
	}
	for (size_t i = 0; i < sizeof(futile) / sizeof(futile[0]); i++) {
		if (futile[i].verdict != question->verdict)
			continue;
		choice->remedy = futile[i].remedy;
		choice->key = futile[i].key;
		snprintf(choice->text, sizeof(choice->text), "%s%s", futile[i].text,
			 futile[i].verdict == SL_VERDICT_DESTINATION &&
					 has_offline_mode(scene, question->service)
				 ? "; use offline mode"
				 : "");
		return true;
	}
	return false;
}

/*
 * Memory knows better than to limit the culprit: that failed in the like, and a move did not.  What
 * a move did where nobody was seen to fill the uplink says nothing against a limit.
 */
static bool is_outdone(const struct sl_scene *scene, const struct sl_question *question,
		       struct sl_choice *choice, struct sl_decision *record)
{
	const struct sl_recalled *limit = sl_recall_find(question->recall, "throttle", "");
	const char *name = sl_view_service_name(scene->view->policy, choice->culprit);
	const struct way *way;
	struct ways ways = {.count = 0};

	if (!limit)
		return false;
	look_at_ways(scene, question, &ways);
	way = pick(&ways, false);
	if (!way || (!sl_recall_never(limit) && esteem(way->past) <= esteem(limit)))
		return false;
	sl_record_option(record, "throttle", name, false,
			 "a limit helped %.3g of %.3g times: a move goes first", limit->helped,
			 limit->helped + limit->failed);
	choice->culprit = SL_SITE_SERVICES;
	return true;
}

/* A culprit whose limit would help; also says in @record why there is none to limit. */
static bool find_culprit(const struct sl_scene *scene, const struct sl_question *question,
			 struct sl_choice *choice, struct sl_decision *record)
{
	if (scene->judge[question->service][question->uplink].state == SL_HEALTH_DOWN)
		return false;
	if (!sl_culprit_find(scene, question->service, question->uplink, choice)) {
		sl_record_option(record, "throttle", "", false, "nobody is seen to fill %s",
				 sl_view_uplink_name(scene->view->policy, question->uplink));
		return false;
	}
	if (question->throttle_tried_ms) {
		sl_record_option(record, "throttle",
				 sl_view_service_name(scene->view->policy, choice->culprit), false,
				 "it was tried in vain %.0f s ago",
				 (double)question->throttle_tried_ms / 1e3);
		choice->culprit = SL_SITE_SERVICES;
		return false;
	}
	return !is_outdone(scene, question, choice, record);
}

/* What memory has against it: it is the milder one, so a limit must be known to be better. */
static bool is_worse(const struct sl_question *question, char *why)
{
	const struct sl_recalled *mark = sl_recall_find(question->recall, "remark", "");
	const struct sl_recalled *limit = sl_recall_find(question->recall, "throttle", "");

	if (!mark || (!sl_recall_never(mark) && esteem(mark) >= esteem(limit)))
		return false;
	snprintf(why, SL_WHY_MAX, "it helped %.3g of %.3g times: a limit goes first", mark->helped,
		 mark->helped + mark->failed);
	return true;
}

/* The culprit yields by itself where its packets are marked so; also says in @record why not. */
static bool choose_remark(const struct sl_scene *scene, const struct sl_question *question,
			  struct sl_choice *choice, struct sl_decision *record)
{
	const struct sl_policy *policy = scene->view->policy;
	const char *name = sl_view_service_name(policy, choice->culprit);
	const char *against = sl_culprit_unmarkable(scene, question, choice);
	char why[SL_WHY_MAX];

	if (!against && is_worse(question, why))
		against = why;
	if (against) {
		sl_record_option(record, "remark", name, false, "%s", against);
		return false;
	}
	choice->remedy = SL_REMEDY_REMARK;
	choice->key = "remark";
	snprintf(choice->text, sizeof(choice->text), "%s fills %s with %.1f Mbit/s", name,
		 sl_view_uplink_name(policy, question->uplink), (double)choice->rate_bps / 1e6);
	sl_record_option(record, "remark", name, true,
			 "%s: its packets to LE, which yields to all else", choice->text);
	sl_record_option(record, "throttle", name, false, "a mark is milder: it goes first");
	return true;
}

/* The rung below what stands on @report's uplink; 0 = there is none, or a person set it. */
static uint32_t next_rung(const struct sl_uplink_report *report)
{
	if (report && report->clamp_bytes && !strncmp(report->cause, "cli-", 4))
		return 0;
	if (!report || !report->clamp_bytes || report->clamp_bytes > SL_CLAMP_FIRST)
		return SL_CLAMP_FIRST;
	return report->clamp_bytes > SL_CLAMP_LAST ? SL_CLAMP_LAST : 0;
}

/* What speaks against clamp-mss; NULL = nothing. */
static const char *against_clamp(const struct sl_question *question, uint32_t rung)
{
	if (question->clamp_failed)
		return "it was tried in vain";
	if (!rung)
		return "what stands is the last rung, or a person's";
	return sl_recall_never(sl_recall_find(question->recall, "clamp-mss", ""))
		       ? "never for incidents like this: it failed each time"
		       : NULL;
}

/* An MTU black hole is mended where it is; also says in @record why not. */
static bool choose_clamp(const struct sl_scene *scene, const struct sl_question *question,
			 struct sl_choice *choice, struct sl_decision *record)
{
	const char *name = sl_view_uplink_name(scene->view->policy, question->uplink), *against;
	uint32_t rung = next_rung(scene->view->uplink[question->uplink]);
	char why[SL_TEXT_MAX];

	if (question->verdict != SL_VERDICT_UPLINK ||
	    scene->judge[question->service][question->uplink].state == SL_HEALTH_DOWN ||
	    !sl_locate_mtu(scene, question->service, question->uplink, why))
		return false;
	against = against_clamp(question, rung);
	if (against) {
		sl_record_option(record, "clamp-mss", name, false, "%s", against);
		return false;
	}
	choice->remedy = SL_REMEDY_CLAMP;
	choice->packet_bytes = rung;
	choice->known = sl_recall_proven(sl_recall_find(question->recall, "clamp-mss", ""));
	choice->key = "clamp-mss";
	snprintf(choice->text, sizeof(choice->text), "packets of %u bytes on %s", rung, name);
	sl_record_option(record, "clamp-mss", name, true, "new connections' packets to %u bytes",
			 rung);
	sl_record_option(record, "reroute", "", false, "a smaller MSS mends it where it is");
	return true;
}

void sl_decide(const struct sl_scene *scene, const struct sl_question *question,
	       struct sl_choice *choice, struct sl_decision *record)
{
	*choice = (struct sl_choice){.uplink = SL_UPLINK_UNSET, .culprit = SL_SITE_SERVICES};
	if (is_futile(scene, question, choice)) {
		record_futile(scene, question, choice, record);
		return;
	}
	if (choose_clamp(scene, question, choice, record))
		return;
	if (!find_culprit(scene, question, choice, record)) {
		choose_reroute(scene, question, choice, record);
		return;
	}
	if (choose_remark(scene, question, choice, record))
		return;
	choose_throttle(scene, question->uplink, choice);
	sl_record_option(record, "throttle",
			 sl_view_service_name(scene->view->policy, choice->culprit), true, "%s",
			 choice->text);
}
