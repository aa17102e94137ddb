/*
 * liveness.c - silences, the evidence in them, and when it is enough
 */
#include "liveness.h"

#include <string.h>

#define MS             UINT64_C(1000000)
#define CALM_NS        (250 * MS) /* a way that takes 150 ms longer all at once is dark for as long */
#define SILENT_MAX_NS  (400 * MS)
#define CONFIRM_MIN_NS (20 * MS)
#define CONFIRM_MAX_NS (200 * MS)
#define ACTIVE_NS      (10000 * MS)
#define LEARN_NS       (2000 * MS) /* after a start: is this uplink lossy, or slow? */
#define LOSSY_NS       (10000 * MS)
#define LOSSY_PER_MORE 8
#define LOSSY_MORE_MAX 4
#define FORGET_NS      (60000 * MS)
#define BACK_NS        (1000 * MS)
#define EXCUSE_NS      (500 * MS)
#define VETO_NS        (1000 * MS) /* that answered probes hold against traffic's silence */
#define VETO_FRESH_NS  (300 * MS)
#define OVERDUE_NS     (5 * MS)
#define QUIET_MIN_NS   (20 * MS)
#define QUIET_SLACK_NS (10 * MS)
#define USUAL_ONE      1024u
#define USUAL_LOG2     5 /* 32 ticks */
#define USUAL_MISSED   4 /* by chance not once in 50 times */

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

void sl_liveness_init(struct sl_liveness *l, uint32_t services, uint32_t uplinks)
{
	memset(l, 0, sizeof(*l));
	l->services = services;
	l->uplinks = uplinks ? uplinks : 1;
	memset(l->trusted, 0xff, sizeof(l->trusted));
}

void sl_liveness_trust(struct sl_liveness *l, unsigned int uplink, uint32_t services)
{
	l->trusted[uplink] = services;
}

void sl_liveness_count_add(struct sl_liveness_count *sum, const struct sl_path_stats *path)
{
	const struct sl_direction_stats *lan = &path->side[SL_SIDE_LAN];

	sum->demand += lan->demand;
	sum->progress += lan->progress;
	sum->stalls += lan->stalls;
	sum->repeats += lan->stall_repeats;
	sum->syn_repeats += path->attempts_repeated;
	sum->rejections += path->refused + path->resets;
	sum->inbound += path->side[SL_SIDE_WAN].packets;
}

void sl_liveness_set_rtt(struct sl_liveness *l, unsigned int uplink, uint32_t p95_us)
{
	l->rtt_p95_us[uplink] = p95_us;
}

static struct sl_liveness_count since(const struct sl_liveness_count *now,
				      const struct sl_liveness_count *last)
{
	return (struct sl_liveness_count){
		.demand = now->demand - last->demand,
		.progress = now->progress - last->progress,
		.stalls = now->stalls - last->stalls,
		.repeats = now->repeats - last->repeats,
		.syn_repeats = now->syn_repeats - last->syn_repeats,
		.rejections = now->rejections - last->rejections,
		.inbound = now->inbound - last->inbound,
	};
}

static void add(struct sl_liveness_count *sum, const struct sl_liveness_count *d)
{
	sum->demand += d->demand;
	sum->progress += d->progress;
	sum->stalls += d->stalls;
	sum->repeats += d->repeats;
	sum->syn_repeats += d->syn_repeats;
	sum->rejections += d->rejections;
	sum->inbound += d->inbound;
}

static void clear_evidence(struct sl_liveness_silence *s)
{
	s->demand_ns = s->maybe_ns = s->first_stall_ns = s->enough_ns = 0;
	s->stalls = s->repeats = s->syn_repeats = s->stalled_services = 0;
}

/* Stalls that ended by an answer: this is a lossy uplink, and its stalls weigh less. */
static void note_loss(struct sl_liveness_silence *s, uint64_t now_ns)
{
	if (s->stalls == 0)
		return;
	if (now_ns - s->lossy_ns > LOSSY_NS) {
		s->lossy_before = now_ns - s->lossy_ns > 2 * LOSSY_NS ? 0 : s->lossy;
		s->lossy = 0;
		s->lossy_ns = now_ns;
	}
	s->lossy += s->stalls;
}

/* How much more evidence than on a clean uplink is needed at @now_ns. */
static uint32_t more_needed(const struct sl_liveness_silence *s, uint64_t now_ns)
{
	uint32_t recent = s->lossy > s->lossy_before ? s->lossy : s->lossy_before;
	uint32_t more = 1 + recent / LOSSY_PER_MORE;

	if (recent == 0 || now_ns - s->lossy_ns > 2 * LOSSY_NS)
		return 0;
	return more < LOSSY_MORE_MAX ? more : LOSSY_MORE_MAX;
}

static void count_back(struct sl_liveness_silence *s, uint64_t now_ns, uint64_t answers)
{
	if (!s->down || !answers)
		return;
	if (s->back == 0 || now_ns - s->back_ns > BACK_NS) {
		s->back = 0;
		s->back_ns = now_ns;
	}
	s->back += (uint32_t)answers;
}

static void answered(struct sl_liveness_silence *s, uint64_t now_ns, uint64_t answers,
		     bool demand_too)
{
	note_loss(s, now_ns);
	clear_evidence(s);
	s->progress_ns = now_ns;
	s->maybe_ns = demand_too ? now_ns : 0;
	count_back(s, now_ns, answers);
}

static void unanswered(struct sl_liveness_silence *s, uint64_t now_ns,
		       const struct sl_liveness_count *d, uint32_t services)
{
	if (s->demand_ns == 0)
		s->demand_ns = d->stalls && s->maybe_ns ? s->maybe_ns : now_ns;
	if (now_ns < s->excused_until_ns)
		return;
	if (d->stalls + d->repeats == 0)
		return;
	if (s->first_stall_ns == 0)
		s->first_stall_ns = now_ns;
	s->stalls += (uint32_t)d->stalls;
	s->repeats += (uint32_t)d->repeats;
	s->syn_repeats += (uint32_t)d->syn_repeats;
	s->stalled_services |= services;
	uint32_t more = more_needed(s, now_ns);

	if (s->enough_ns == 0 && (s->stalls >= 2 + more || s->stalls + s->repeats >= 3 + more))
		s->enough_ns = now_ns;
}

static void feed(struct sl_liveness_silence *s, uint64_t now_ns, const struct sl_liveness_count *d,
		 uint32_t services)
{
	/* A reset that came from the WAN side is an answer, though not the hoped-for one. */
	uint64_t answers = d->progress + (d->inbound ? d->rejections : 0);

	if (d->demand) {
		s->met = true;
		s->last_demand_ns = now_ns;
	}
	if (answers)
		answered(s, now_ns, answers, d->demand != 0);
	else if (d->demand || d->stalls || d->repeats)
		unanswered(s, now_ns, d, services);
	else if (s->demand_ns && now_ns - s->last_demand_ns > SL_LIVENESS_STANDS_NS)
		clear_evidence(s);
}

static bool silent_enough(const struct sl_liveness_silence *s, uint64_t now_ns, uint32_t p95_us)
{
	uint64_t rtt_ns = p95_us * UINT64_C(1000);

	return s->demand_ns && now_ns - s->demand_ns >= clamp(4 * rtt_ns, CALM_NS, SILENT_MAX_NS) &&
	       s->enough_ns &&
	       now_ns - s->enough_ns >= clamp(rtt_ns * 3 / 2, CONFIRM_MIN_NS, CONFIRM_MAX_NS);
}

static bool was_active(const struct sl_liveness_silence *s, uint64_t within_ns)
{
	return s->progress_ns && s->first_stall_ns - s->progress_ns <= within_ns;
}

static uint32_t data_repeats(const struct sl_liveness_silence *s)
{
	uint32_t all = s->stalls + s->repeats;

	return all > s->syn_repeats ? all - s->syn_repeats : 0;
}

/* Two services that had answers: it is not the server of one. */
static bool credible_alone(const struct sl_liveness_silence *s)
{
	return __builtin_popcount(s->stalled_services) >= 2 && was_active(s, ACTIVE_NS);
}

static bool credible_for_uplink(const struct sl_liveness_silence *s)
{
	return (data_repeats(s) >= 1 && __builtin_popcount(s->stalled_services) >= 2) ||
	       (data_repeats(s) >= 2 && was_active(s, ACTIVE_NS));
}

/* One service: its own answers of late, or several flows that all fail. */
static bool credible_for_path(const struct sl_liveness_silence *s)
{
	return s->stalls >= 3 || (data_repeats(s) >= 2 && was_active(s, ACTIVE_NS));
}

static void fall(struct sl_liveness_silence *s, uint64_t now_ns)
{
	s->down = true;
	s->down_ns = now_ns;
	s->back = 0;
}

/* True when a down one has come back, or is given up for idle: @asked, somebody still asks. */
static bool recover(struct sl_liveness_silence *s, uint64_t now_ns, bool asked)
{
	bool back = s->back >= SL_LIVENESS_BACK && now_ns - s->back_ns <= BACK_NS;

	if (!back && asked)
		return false;
	s->down = false;
	s->down_ns = 0;
	s->back = 0;
	clear_evidence(s);
	return true;
}

/* ---- probes ---- */

void sl_liveness_probe(struct sl_liveness *l, unsigned int uplink, const struct sl_probe_view *view)
{
	l->probe[uplink] = *view;
}

bool sl_liveness_suspects(const struct sl_liveness *l, unsigned int uplink, bool eager)
{
	const struct sl_liveness_silence *s = &l->any[uplink];
	uint64_t rtt_ns = l->rtt_p95_us[uplink] * UINT64_C(1000);
	uint64_t gap_ns = l->now_ns - l->inbound_ns[uplink];

	if (!l->started || s->first_stall_ns || !eager)
		return l->started && s->first_stall_ns;
	if (rtt_ns && s->demand_ns && l->now_ns - s->demand_ns >= rtt_ns + OVERDUE_NS)
		return true;
	return l->inbound_ns[uplink] && gap_ns >= QUIET_MIN_NS && gap_ns < SL_LIVENESS_STANDS_NS &&
	       l->usual[uplink] * (gap_ns / (10 * MS)) >= USUAL_MISSED * USUAL_ONE;
}

/*
 * Only when nothing came in for as long as an answer takes: else it is the probes' servers.  A way
 * that takes 150 ms longer all at once is dark for as long: unless the quickest word is asked for,
 * that is waited out.
 */
static bool probed_dead(const struct sl_liveness *l, unsigned int u)
{
	uint64_t quiet_ns = l->rtt_p95_us[u] * UINT64_C(1000) + QUIET_SLACK_NS;
	uint64_t least_ns = l->probe[u].always ? QUIET_MIN_NS : CALM_NS;

	return l->probe[u].word == SL_PROBE_DEAD &&
	       l->now_ns - l->inbound_ns[u] >= clamp(quiet_ns, least_ns, SILENT_MAX_NS);
}

/* A probe came back in this silence: not the uplink is dead, or not to all. */
static bool vetoed(const struct sl_liveness *l, unsigned int u)
{
	const struct sl_liveness_silence *s = &l->uplink[u];

	return l->probe[u].word == SL_PROBE_CARRIES && l->probe[u].lost == 0 &&
	       l->probe[u].answered_ns > s->demand_ns &&
	       l->now_ns - l->probe[u].answered_ns < VETO_FRESH_NS &&
	       l->now_ns - s->demand_ns < VETO_NS;
}

static void note_inbound(struct sl_liveness *l, unsigned int u, uint64_t inbound)
{
	uint64_t most = inbound < USUAL_ONE ? inbound : USUAL_ONE;

	if (inbound)
		l->inbound_ns[u] = l->now_ns;
	/* In a silence what is usual is not unlearnt. */
	if (inbound || !l->any[u].demand_ns)
		l->usual[u] +=
			(uint32_t)(most * USUAL_ONE >> USUAL_LOG2) - (l->usual[u] >> USUAL_LOG2);
}

static void fall_uplink(struct sl_liveness *l, unsigned int u)
{
	struct sl_liveness_silence *s = &l->uplink[u], *firm = &l->firm[u];
	uint32_t p95_us = l->rtt_p95_us[u];

	if (l->now_ns - l->started_ns < LEARN_NS || s->down)
		return;
	if (probed_dead(l, u) ||
	    (silent_enough(s, l->now_ns, p95_us) && credible_for_uplink(s) && !vetoed(l, u)))
		fall(s, l->now_ns);
	else if (!firm->down && silent_enough(firm, l->now_ns, p95_us) && credible_alone(firm) &&
		 l->now_ns - firm->demand_ns >= VETO_NS)
		fall(firm, l->now_ns);
}

static void tick_uplink(struct sl_liveness *l, unsigned int u)
{
	struct sl_liveness_silence *s = &l->uplink[u], *firm = &l->firm[u];
	uint32_t answers = l->probe[u].answers - l->answers[u];
	bool back = false;

	count_back(s, l->now_ns, answers);
	count_back(firm, l->now_ns, answers);
	l->answers[u] = l->probe[u].answers;
	if (s->down)
		back |= recover(s, l->now_ns,
				l->now_ns - l->any[u].last_demand_ns <= FORGET_NS ||
					l->probe[u].lost);
	if (firm->down)
		back |= recover(firm, l->now_ns,
				l->now_ns - firm->last_demand_ns <= FORGET_NS || l->probe[u].lost);
	if (!back)
		return fall_uplink(l, u);
	if (sl_liveness_dark(l, u))
		return;
	clear_evidence(s);
	clear_evidence(firm);
	for (uint32_t i = 0; i < l->services; i++) {
		clear_evidence(&l->path[SL_PATH(i, u)]);
		l->path[SL_PATH(i, u)].down = false;
	}
}

static void tick_path(struct sl_liveness *l, unsigned int path, unsigned int u)
{
	struct sl_liveness_silence *s = &l->path[path];

	if (!s->down && silent_enough(s, l->now_ns, l->rtt_p95_us[u]) && credible_for_path(s))
		fall(s, l->now_ns);
	else if (s->down)
		recover(s, l->now_ns, l->now_ns - s->last_demand_ns <= SL_LIVENESS_STANDS_NS);
}

/* What all services did on an uplink in a tick, and the trusted ones of them. */
struct sums {
	struct sl_liveness_count all, trusted;
	uint32_t stalled,
		stuck; /* bit per trusted service; stuck: data was repeated, not only SYNs */
};

static void add_service(struct sums *sums, unsigned int service, bool trusted,
			const struct sl_liveness_count *d)
{
	uint64_t repeated = d->stalls + d->repeats;

	add(&sums->all, d);
	if (!trusted)
		return;
	add(&sums->trusted, d);
	sums->stalled |= repeated ? 1u << service : 0;
	sums->stuck |= repeated > d->syn_repeats ? 1u << service : 0;
}

static void feed_uplink(struct sl_liveness *l, unsigned int u, const struct sums *sums)
{
	struct sl_liveness_count asked = sums->trusted;

	asked.progress = sums->all.progress;
	asked.rejections = sums->all.rejections;
	asked.inbound = sums->all.inbound;
	feed(&l->any[u], l->now_ns, &sums->all, 0);
	feed(&l->uplink[u], l->now_ns, &asked, sums->stalled);
	feed(&l->firm[u], l->now_ns, &sums->trusted, sums->stuck);
	note_inbound(l, u, sums->all.inbound);
}

void sl_liveness_tick(struct sl_liveness *l, uint64_t now_ns,
		      const struct sl_liveness_count count[SL_PATHS_MAX])
{
	bool first = !l->started;

	l->started = true;
	l->now_ns = now_ns;
	if (first)
		l->started_ns = now_ns;
	for (unsigned int u = 0; u < l->uplinks; u++) {
		struct sums sums = {0};

		for (unsigned int i = 0; i < l->services && !first; i++) {
			unsigned int path = SL_PATH(i, u);
			struct sl_liveness_count d = since(&count[path], &l->last[path]);

			add_service(&sums, i, l->trusted[u] & 1u << i, &d);
			feed(&l->path[path], now_ns, &d, 1u << i);
			tick_path(l, path, u);
		}
		feed_uplink(l, u, &sums);
		tick_uplink(l, u);
	}
	memcpy(l->last, count, sizeof(l->last));
}

static void excuse(struct sl_liveness_silence *s, uint64_t until_ns)
{
	clear_evidence(s);
	s->excused_until_ns = until_ns;
}

void sl_liveness_excuse(struct sl_liveness *l, unsigned int uplink)
{
	uint64_t until_ns = l->now_ns + EXCUSE_NS;

	excuse(&l->uplink[uplink], until_ns);
	excuse(&l->firm[uplink], until_ns);
	excuse(&l->any[uplink], until_ns);
	for (uint32_t i = 0; i < l->services; i++)
		excuse(&l->path[SL_PATH(i, uplink)], until_ns);
}

void sl_liveness_forget(struct sl_liveness *l)
{
	memset(l->path, 0, sizeof(l->path));
	memset(l->uplink, 0, sizeof(l->uplink));
	memset(l->firm, 0, sizeof(l->firm));
	memset(l->any, 0, sizeof(l->any));
}

void sl_liveness_carry(struct sl_liveness *l, const struct sl_liveness *was)
{
	memcpy(l->uplink, was->uplink, sizeof(l->uplink));
	memcpy(l->firm, was->firm, sizeof(l->firm));
	memcpy(l->any, was->any, sizeof(l->any));
	memcpy(l->rtt_p95_us, was->rtt_p95_us, sizeof(l->rtt_p95_us));
	memcpy(l->answers, was->answers, sizeof(l->answers));
	for (unsigned int u = 0; u < SL_UPLINKS_MAX; u++) {
		if (!l->uplink[u].down)
			clear_evidence(&l->uplink[u]);
		if (!l->firm[u].down)
			clear_evidence(&l->firm[u]);
		clear_evidence(&l->any[u]);
	}
}
