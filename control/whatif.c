/*
 * whatif.c - roll-ups, second by second, through the pipeline; what came of it, counted
 *
 * A second in which nothing is bad, and nothing under way, is one picture for the site, learnt
 * from as from ten (sl_site_still); each other is ten.  So the replay acts up to two seconds
 * later than live.  Where seconds are missing the site sees a silent dataplane, as live.
 */
#include "whatif_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS  1000000 /* 0 is never in the pipeline */
#define CALM_S    3       /* so long before a second may pass in one step */
#define SECOND_MS 1000
#define SLICE_MS  (SECOND_MS / SL_WHATIF_SLICES)
#define MS_NS     UINT64_C(1000000)

bool sl_whatif_same_slo(const struct sl_policy_slo *a, const struct sl_policy_slo *b)
{
	if (!a || !b)
		return a == b;
	return a->latency_ns == b->latency_ns && a->loss_ppm == b->loss_ppm &&
	       a->latency_quantile_ppm == b->latency_quantile_ppm &&
	       a->failures_ppm == b->failures_ppm;
}

static const struct sl_policy_slo *slo_of(const struct sl_policy *policy, const char *name)
{
	int s = sl_policy_service_index(policy, name);

	return s < 0 ? NULL : sl_view_slo(policy, (unsigned int)s);
}

/* By whose SLO its seconds count: the yardstick's, of a service that it does not have its own. */
static const struct sl_policy_slo *yard_of(const struct sl_whatif *run, unsigned int s)
{
	const char *name = run->policy.service[s].name;

	return sl_policy_service_index(&run->yard, name) < 0 ? sl_view_slo(&run->policy, s)
							     : slo_of(&run->yard, name);
}

static void compare_slos(struct sl_whatif *run)
{
	for (uint32_t s = 0; s < run->policy.services; s++) {
		const struct sl_policy_slo *recorded =
			slo_of(&run->recorded, run->policy.service[s].name);
		const struct sl_policy_slo *own = sl_view_slo(&run->policy, s);

		run->other_slo[s] = run->replays && !sl_whatif_same_slo(own, recorded);
		run->other_yard[s] =
			!sl_whatif_same_slo(yard_of(run, s), run->other_slo[s] ? own : recorded);
	}
}

int sl_whatif_open(struct sl_whatif **run, const struct sl_whatif_config *config)
{
	struct sl_whatif *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->replays = config->policy != NULL;
	made->policy = config->policy ? *config->policy : *config->recorded;
	/* What a mark would have done no record tells: a limit is replayed in its place. */
	for (uint32_t u = 0; u < made->policy.uplinks; u++)
		made->policy.uplink[u].dscp = SL_DSCP_BLEACHED;
	made->recorded = *config->recorded;
	made->yard = *config->yard;
	made->last = &made->roll[0];
	made->next = &made->roll[1];
	made->now_ms = START_MS;
	sl_site_init(&made->site, made->policy.site);
	made->site.term = 1;
	sl_site_set_policy(&made->site, &made->policy, 1);
	compare_slos(made);
	*run = made;
	return 0;
}

void sl_whatif_close(struct sl_whatif *run)
{
	free(run);
}

const struct sl_whatif_result *sl_whatif_result(const struct sl_whatif *run)
{
	return &run->result;
}

/* What the site is shown, but for paths and uplinks. */
static void head(struct sl_whatif *run)
{
	const struct sl_telemetry *recorded = &run->next->recorded;
	struct sl_telemetry *picture = &run->picture;

	memcpy(picture->site, run->policy.site, sizeof(picture->site));
	picture->boot = recorded->boot;
	picture->version = ++run->version;
	picture->at_unix_ns = run->now_unix_ns;
	picture->mode = run->policy.mode;
	picture->policy_version = 1;
	picture->frozen = recorded->frozen;
	picture->bypassed = recorded->bypassed;
}

static void show(struct sl_whatif *run, unsigned int slice)
{
	head(run);
	sl_whatif_blend(run, run->has_last ? run->last : NULL, run->next, slice, &run->picture);
	sl_whatif_settings(run, &run->picture);
	sl_site_clock(&run->site, run->now_unix_ns, run->now_ms);
	sl_site_tick(&run->site, run->now_ms, &run->out);
	sl_whatif_obey(run);
	sl_site_picture(&run->site, &run->picture, run->now_ms, &run->out);
	sl_whatif_obey(run);
}

/* What was met changes with what is set. */
static void see_again(struct sl_whatif *run)
{
	if (!run->changed)
		return;
	run->changed = false;
	if (run->has_last)
		sl_whatif_sight(run, run->last, NULL);
	sl_whatif_sight(run, run->next, run->has_last ? run->last : NULL);
}

static void step_slices(struct sl_whatif *run)
{
	uint64_t end_ns = run->next->recorded.at_unix_ns;

	for (unsigned int slice = 1; slice <= SL_WHATIF_SLICES; slice++) {
		run->now_ms += SLICE_MS;
		run->now_unix_ns = end_ns - (SL_WHATIF_SLICES - slice) * SLICE_MS * MS_NS;
		if (slice * 2 == SL_WHATIF_SLICES)
			sl_whatif_fast(run, run->next);
		see_again(run);
		show(run, slice);
	}
	see_again(run);
}

/* Nothing under way: at home or settled elsewhere, no limit, no order. */
static bool at_rest(const struct sl_whatif *run)
{
	const struct sl_site *site = &run->site;

	if (site->pending_count || site->silent || site->now_ms < site->settle_ms)
		return false;
	for (uint32_t s = 0; s < run->policy.services; s++) {
		const struct sl_care *care = &site->care[s];

		if ((care->phase != SL_PHASE_HOME && care->phase != SL_PHASE_AWAY) ||
		    care->ladder.on || run->set[s].share_ppm || run->set[s].limit_bps)
			return false;
		for (unsigned int u = 0; u < SL_SITE_UPLINKS; u++)
			if (sl_judge_bad(&site->judge[s][u]) || site->judge[s][u].bad_now)
				return false;
	}
	return true;
}

static void step(struct sl_whatif *run)
{
	bool calm = run->next->calm && run->last->calm;

	run->calm_s = calm ? run->calm_s + 1 : 0;
	if (run->calm_s <= CALM_S || !at_rest(run)) {
		step_slices(run);
		return;
	}
	run->now_ms += SECOND_MS;
	run->now_unix_ns = run->next->recorded.at_unix_ns;
	show(run, SL_WHATIF_SLICES);
	sl_site_still(&run->site, SL_WHATIF_SLICES - 1);
	see_again(run);
}

static void count_second(struct sl_whatif_tally *tally, enum sl_whatif_grade grade,
			 enum sl_health state)
{
	if (grade == SL_WHATIF_UNKNOWN)
		tally->unknown_s++;
	else if (state == SL_HEALTH_DEGRADED || state == SL_HEALTH_DOWN)
		tally->out_s[grade]++;
	else if (state == SL_HEALTH_GOOD)
		tally->kept_s[grade]++;
	else
		tally->idle_s++;
}

/* How the service fared in this second, by the yardstick's SLO. */
static void count_service(struct sl_whatif *run, unsigned int s)
{
	const struct sl_whatif_roll *roll = run->next;
	unsigned int where = run->set[s].where;
	struct sl_whatif_tally *tally = &run->result.service[s];
	struct sl_path_report path;

	run->result.seen[s] |= roll->view.service[s] != NULL;
	if (where >= SL_SITE_UPLINKS) {
		tally->unknown_s++;
		return;
	}
	/* A way that is no more in the record: nothing is known unless it was quiet. */
	if (!roll->has[s][where]) {
		count_second(tally, roll->view.service[s] ? SL_WHATIF_KNOWN : SL_WHATIF_UNKNOWN,
			     SL_HEALTH_IDLE);
		return;
	}
	path = roll->path[s][where];
	if (run->other_yard[s])
		sl_whatif_judge(&path, yard_of(run, s));
	count_second(tally, roll->grade[s][where], path.state);
}

static void remember_usual(struct sl_whatif *run, unsigned int s)
{
	unsigned int was = sl_view_where(&run->next->view, s);
	const struct sl_path_report *path =
		was < SL_SITE_UPLINKS ? run->next->view.path[s][was] : NULL;

	if (!path || path->state != SL_HEALTH_GOOD)
		return;
	run->set[s].usual = *path;
	run->set[s].has_usual = true;
}

static void count(struct sl_whatif *run)
{
	struct sl_whatif_result *result = &run->result;
	const struct sl_whatif_roll *roll = run->next;

	result->rollups++;
	result->last_unix_ns = roll->recorded.at_unix_ns;
	result->barred_s += roll->recorded.frozen || roll->recorded.bypassed;
	for (uint32_t s = 0; s < run->policy.services; s++) {
		count_service(run, s);
		remember_usual(run, s);
	}
	for (uint32_t u = 0; u < run->policy.uplinks; u++) {
		result->bytes[u] += (roll->uplink[u].rate_bps[0] + roll->uplink[u].rate_bps[1]) / 8;
		result->moved_bytes[u] += roll->moved_bps[u] / 8;
	}
}

/* The record itself: who set what, by whom. */
static void follow(struct sl_whatif *run)
{
	const struct sl_view *view = &run->next->view;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_service_report *report = view->service[s];
		struct sl_whatif_set *set = &run->set[s];
		struct sl_whatif_tally *tally = &run->result.service[s];
		unsigned int was = sl_view_where(view, s);
		bool person, limited = sl_view_limited(view, s);

		if (!report)
			continue;
		person = !strncmp(report->cause, "cli-", 4) || (set->person && !report->cause[0]);
		if (run->placed && was != set->where && person)
			tally->by_people++;
		else if (run->placed && was != set->where)
			sl_whatif_count(&run->result, set, &run->policy,
					&(struct sl_whatif_step){s, set->where, was,
								 view->picture->at_unix_ns / MS_NS,
								 view->picture->at_unix_ns,
								 report->cause[0] ? report->cause
										  : "restored"});
		tally->trials += report->trial_share_ppm && !set->share_ppm;
		tally->limits += limited && !set->limit_bps;
		set->where = was;
		set->person = !strncmp(report->cause, "cli-", 4);
		set->share_ppm = report->trial_share_ppm;
		set->limit_bps = limited;
		if (report->trial_uplink[0])
			set->trial = (unsigned int)sl_policy_uplink_index(&run->policy,
									  report->trial_uplink);
	}
	run->placed = true;
}

/* Milliseconds since the roll-up before, as the site's clock goes on. */
static bool advance(struct sl_whatif *run, uint64_t at_unix_ns)
{
	uint64_t last_ns = run->result.last_unix_ns, seconds;

	if (!run->result.rollups) {
		run->result.first_unix_ns = at_unix_ns;
		run->has_last = false;
		return true;
	}
	if (at_unix_ns < last_ns + SL_WHATIF_SECOND_NS / 2) {
		run->result.doubled++;
		return false;
	}
	seconds = (at_unix_ns - last_ns + SL_WHATIF_SECOND_NS / 2) / SL_WHATIF_SECOND_NS;
	run->has_last = seconds <= 1;
	if (seconds > 1) {
		run->result.gaps++;
		run->result.gap_s += seconds - 1;
		run->now_ms += (seconds - 1) * SECOND_MS;
	}
	return true;
}

static void replay(struct sl_whatif *run)
{
	if (!run->placed)
		sl_whatif_place(run, &run->next->view);
	run->placed = true;
	run->set[SL_POLICY_OTHER].where = sl_view_where(&run->next->view, SL_POLICY_OTHER);
	sl_whatif_people(run, &run->next->view);
	if (run->changed && run->has_last)
		sl_whatif_sight(run, run->last, NULL);
	run->changed = false;
	sl_whatif_sight(run, run->next, run->has_last ? run->last : NULL);
	if (run->has_last) {
		step(run);
		return;
	}
	/* After a break: one picture, which begins anew. */
	run->calm_s = 0;
	run->now_ms += SECOND_MS;
	run->now_unix_ns = run->next->recorded.at_unix_ns;
	sl_whatif_fast(run, run->next);
	see_again(run);
	show(run, SL_WHATIF_SLICES);
	see_again(run);
}

void sl_whatif_take(struct sl_whatif *run, const struct sl_telemetry *rollup)
{
	struct sl_whatif_roll *roll = run->next;

	if (!advance(run, rollup->at_unix_ns))
		return;
	sl_wire_copy_telemetry(&roll->recorded, rollup);
	sl_view_make(&roll->view, &run->policy, &roll->recorded);
	run->result.restarts += run->result.rollups && run->last->recorded.boot != rollup->boot;
	if (run->replays) {
		replay(run);
	} else {
		follow(run);
		sl_whatif_sight(run, roll, NULL);
	}
	count(run);
	run->next = run->last;
	run->last = roll;
}
