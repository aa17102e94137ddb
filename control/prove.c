/*
 * prove.c - moves and the way home: did it help, may it return
 */
#include "prove.h"

#define FRESH_MS     5000 /* evidence on the way home older than this is none */
#define SEGMENTS_MIN 100  /* to call a way that lost segments clean */
#define GATHER_MS    1000 /* windows slide: what passed is taken once a second */
#define PPM          1000000u

/* A trial's few samples. */
#define TRIAL_SAMPLES 5
#define TRIAL_BAD     3
#define TRIAL_LOST    2
#define TRIAL_BETTER  8 /* tenths of the old path's p95: less is clearly better */

enum sl_proof sl_prove_move(const struct sl_judge *judge, uint64_t moved_ms, uint64_t now_ms,
			    bool known)
{
	uint64_t need_ms = known ? SL_PROVE_KNOWN_MS : SL_PROVE_GOOD_MS;
	uint64_t from_ms = moved_ms + SL_PROVE_SETTLE_MS;
	uint64_t good_ms = judge->good_ms > moved_ms ? judge->good_ms : moved_ms;

	if (judge->bad_now && judge->bad_ms > from_ms && sl_judge_bad(judge) &&
	    (judge->bad_run >= SL_JUDGE_RUN || judge->down_run >= SL_JUDGE_DOWN_RUN))
		return SL_PROOF_BAD;
	if (judge->good_ms && judge->seen_ms > from_ms && now_ms - good_ms >= need_ms)
		return SL_PROOF_GOOD;
	return now_ms - moved_ms >= SL_PROVE_MOVE_MS ? SL_PROOF_UNSEEN : SL_PROOF_PENDING;
}

/* Slow there as well, by enough samples to say so. */
static bool trial_slow(const struct sl_path_report *old, const struct sl_path_report *new,
		       const struct sl_policy_slo *slo, bool late)
{
	const struct sl_latency_report *a = &new->rtt[SL_LEG_WAN], *b = &old->rtt[SL_LEG_WAN];
	uint32_t need = late ? 1 : TRIAL_BAD; /* at its end nothing may speak against it */

	return sl_view_slow(new, slo) && a->above_slo >= need && a->above_slo * 2 >= a->samples &&
	       (uint64_t)a->p95_us * 10 >= (uint64_t)b->p95_us * TRIAL_BETTER;
}

static bool trial_lossy(const struct sl_path_report *old, const struct sl_path_report *new,
			const struct sl_policy_slo *slo)
{
	return sl_view_lossy(new, slo, SL_LEG_WAN) && sl_view_lost(new, SL_LEG_WAN) >= TRIAL_LOST &&
	       sl_view_loss_ppm(new, SL_LEG_WAN) * 2ull >= sl_view_loss_ppm(old, SL_LEG_WAN);
}

/* Most of what is opened there does not open: @need of them at least. */
static bool trial_shut(const struct sl_path_report *new, uint32_t need)
{
	uint32_t bad = sl_view_opens_bad(new);

	return bad >= need && bad * 2 >= new->attempts;
}

/* Nobody lets it in there, or nothing comes back. */
static bool trial_dead(const struct sl_path_report *new, uint64_t age_ms, bool late)
{
	return (new->state == SL_HEALTH_DOWN &&age_ms >= SL_PROVE_SETTLE_MS) ||
	       trial_shut(new, late ? 1 : TRIAL_BAD);
}

/* As many segments as would have shown losses, had there been as many as on the old path. */
static bool trial_loss_told(const struct sl_path_report *old, const struct sl_path_report *new)
{
	uint64_t expect = (uint64_t)sl_view_segments(new) * sl_view_loss_ppm(old, SL_LEG_WAN) / PPM;

	return expect >= TRIAL_BAD && sl_view_lost(new, SL_LEG_WAN) * 2ull < expect;
}

enum sl_proof sl_prove_trial(const struct sl_scene *scene, const struct sl_trial *trial)
{
	const struct sl_path_report *old = scene->view->path[trial->service][trial->old];
	const struct sl_path_report *new = scene->view->path[trial->service][trial->new];
	const struct sl_policy_slo *slo = sl_view_slo(scene->view->policy, trial->service);
	uint64_t age_ms = scene->now_ms - trial->started_ms;
	bool late = age_ms >= SL_TRIAL_MS;

	if (!old || !new)
		return late ? SL_PROOF_UNSEEN : SL_PROOF_PENDING;
	if (trial_dead(new, age_ms, late) || trial_slow(old, new, slo, late) ||
	    trial_lossy(old, new, slo))
		return SL_PROOF_BAD;
	if (age_ms >= SL_TRIAL_MIN_MS && new->rtt[SL_LEG_WAN].samples >= TRIAL_SAMPLES &&
	    !trial_shut(new, 1) && !sl_view_slow(new, slo) &&
	    !sl_view_lossy(new, slo, SL_LEG_WAN) && (!trial->lossy || trial_loss_told(old, new)))
		return SL_PROOF_GOOD;
	return late ? SL_PROOF_UNSEEN : SL_PROOF_PENDING;
}

uint64_t sl_prove_backoff(uint64_t hold_ms, uint32_t times)
{
	uint64_t most = hold_ms > SL_BACKOFF_MAX_MS ? hold_ms : SL_BACKOFF_MAX_MS;

	for (; times && hold_ms < most; times--)
		hold_ms *= 2;
	return hold_ms < most ? hold_ms : most;
}

static bool still_risen(const struct sl_path_report *path, const struct sl_judge *judge,
			uint32_t rise_us)
{
	return rise_us && judge->base_p95_us && path->rtt[SL_LEG_WAN].samples &&
	       path->rtt[SL_LEG_WAN].p95_us >= (uint64_t)judge->base_p95_us + rise_us / 2;
}

/* What one service's traffic says of the way. */
static enum sl_way evidence(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			    const struct sl_badness *left)
{
	const struct sl_path_report *path = scene->view->path[service][uplink];
	const struct sl_judge *judge = &scene->judge[service][uplink];

	if (!path)
		return SL_WAY_UNKNOWN;
	if (judge->bad_now || path->state == SL_HEALTH_DOWN)
		return SL_WAY_BAD;
	if (path->state != SL_HEALTH_GOOD)
		return SL_WAY_UNKNOWN;
	return still_risen(path, judge, left->rise_us) ? SL_WAY_BAD : SL_WAY_GOOD;
}

static enum sl_way evidence_of_others(const struct sl_scene *scene, unsigned int service,
				      unsigned int uplink, const struct sl_badness *left)
{
	enum sl_way all = SL_WAY_UNKNOWN;

	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		enum sl_way one = SL_WAY_UNKNOWN;

		if (s != service && !sl_view_yields(scene->view, s))
			one = evidence(scene, s, uplink, left);
		if (one == SL_WAY_BAD)
			return one;
		if (one == SL_WAY_GOOD)
			all = one;
	}
	return all;
}

static void gather(struct sl_home *home, const struct sl_scene *scene, unsigned int uplink)
{
	uint64_t since_ms = home->gathered_ms > home->good_ms ? home->gathered_ms : home->good_ms;

	if (!since_ms || scene->now_ms - since_ms < GATHER_MS)
		return;
	home->gathered_ms = scene->now_ms;
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++) {
		const struct sl_path_report *path = scene->view->path[s][uplink];

		if (!path || !path->window_ms || sl_view_yields(scene->view, s))
			continue;
		home->segments += (uint64_t)sl_view_segments(path) * GATHER_MS / path->window_ms;
		home->lost +=
			(uint64_t)sl_view_lost(path, SL_LEG_WAN) * GATHER_MS / path->window_ms;
	}
}

static enum sl_way look(const struct sl_scene *scene, unsigned int service, unsigned int uplink,
			const struct sl_badness *left)
{
	const struct sl_uplink_report *report = scene->view->uplink[uplink];
	enum sl_way own = evidence(scene, service, uplink, left);

	if (report && report->state == SL_HEALTH_DOWN)
		return SL_WAY_BAD;
	return own != SL_WAY_UNKNOWN ? own : evidence_of_others(scene, service, uplink, left);
}

/*
 * Is the way clean enough for the service?  When losses drove it away, enough segments
 * must have passed without them.
 */
static enum sl_way settle_loss(struct sl_home *home, const struct sl_policy_slo *slo, bool doubted)
{
	if (home->segments < SEGMENTS_MIN)
		return doubted ? SL_WAY_GOOD : SL_WAY_PROVED;
	if (slo && slo->loss_ppm != UINT32_MAX &&
	    home->lost * PPM > home->segments * slo->loss_ppm) {
		*home = (struct sl_home){.seen_ms = home->seen_ms};
		return SL_WAY_BAD;
	}
	return SL_WAY_PROVED;
}

enum sl_way sl_prove_home(struct sl_home *home, const struct sl_scene *scene, unsigned int service,
			  unsigned int uplink, const struct sl_badness *left, uint64_t need_ms)
{
	enum sl_way way = look(scene, service, uplink, left);

	if (way != SL_WAY_UNKNOWN)
		home->seen_ms = scene->now_ms;
	if (way == SL_WAY_BAD || !home->seen_ms || scene->now_ms - home->seen_ms > FRESH_MS) {
		home->good_ms = home->gathered_ms = home->segments = home->lost = 0;
		return way;
	}
	if (way == SL_WAY_GOOD && !home->good_ms)
		home->good_ms = scene->now_ms;
	gather(home, scene, uplink);
	if (way != SL_WAY_GOOD || scene->now_ms - home->good_ms < need_ms)
		return SL_WAY_GOOD;
	return settle_loss(home, sl_view_slo(scene->view->policy, service), left->loss_ppm != 0);
}
