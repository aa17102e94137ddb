/*
 * liveness.c - silences, the evidence in them, and when it is enough
 */
#include "liveness.h"

#include <stdio.h>
#include <string.h>

#define MS             UINT64_C(1000000)
#define SILENT_MIN_NS  (100 * MS)
#define SILENT_MAX_NS  (400 * MS)
#define CONFIRM_MIN_NS (20 * MS)
#define CONFIRM_MAX_NS (200 * MS)
#define ACTIVE_NS      (10000 * MS)
#define LEARN_NS       (2000 * MS) /* after a start: is this uplink lossy, or slow? */
#define LOSSY_NS       (10000 * MS)
#define LOSSY_PER_MORE 8
#define LOSSY_MORE_MAX 4
#define STANDS_NS      (10000 * MS) /* demand that nobody repeats for so long is given up */
#define FORGET_NS      (60000 * MS)
#define BACK_ANSWERS   3
#define BACK_NS        (1000 * MS)
#define EXCUSE_NS      (500 * MS)

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

void sl_liveness_init(struct sl_liveness *l, uint32_t services, uint32_t uplinks)
{
	memset(l, 0, sizeof(*l));
	l->services = services;
	l->uplinks = uplinks ? uplinks : 1;
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

static void answered(struct sl_liveness_silence *s, uint64_t now_ns, uint64_t answers,
		     bool demand_too)
{
	note_loss(s, now_ns);
	clear_evidence(s);
	s->progress_ns = now_ns;
	s->maybe_ns = demand_too ? now_ns : 0;
	if (!s->down)
		return;
	if (s->back == 0 || now_ns - s->back_ns > BACK_NS) {
		s->back = 0;
		s->back_ns = now_ns;
	}
	s->back += (uint32_t)answers;
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
	else if (s->demand_ns && now_ns - s->last_demand_ns > STANDS_NS)
		clear_evidence(s);
}

static bool silent_enough(const struct sl_liveness_silence *s, uint64_t now_ns, uint32_t p95_us)
{
	uint64_t rtt_ns = p95_us * UINT64_C(1000);

	return s->demand_ns &&
	       now_ns - s->demand_ns >= clamp(4 * rtt_ns, SILENT_MIN_NS, SILENT_MAX_NS) &&
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

/* True when a down one has come back, or is given up for idle. */
static bool recover(struct sl_liveness_silence *s, uint64_t now_ns, uint64_t forget_ns)
{
	bool back = s->back >= BACK_ANSWERS && now_ns - s->back_ns <= BACK_NS;

	if (!back && now_ns - s->last_demand_ns <= forget_ns)
		return false;
	s->down = false;
	s->down_ns = 0;
	s->back = 0;
	clear_evidence(s);
	return true;
}

static void tick_uplink(struct sl_liveness *l, unsigned int u)
{
	struct sl_liveness_silence *s = &l->uplink[u];

	if (!s->down && l->now_ns - l->started_ns >= LEARN_NS &&
	    silent_enough(s, l->now_ns, l->rtt_p95_us[u]) && credible_for_uplink(s))
		return fall(s, l->now_ns);
	if (s->down && recover(s, l->now_ns, FORGET_NS))
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
		recover(s, l->now_ns, STANDS_NS);
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
		struct sl_liveness_count sum = {0};
		uint32_t stalled = 0;

		for (unsigned int i = 0; i < l->services && !first; i++) {
			unsigned int path = SL_PATH(i, u);
			struct sl_liveness_count d = since(&count[path], &l->last[path]);

			add(&sum, &d);
			stalled |= d.stalls + d.repeats ? 1u << i : 0;
			feed(&l->path[path], now_ns, &d, 1u << i);
			tick_path(l, path, u);
		}
		feed(&l->uplink[u], now_ns, &sum, stalled);
		tick_uplink(l, u);
	}
	memcpy(l->last, count, sizeof(l->last));
}

void sl_liveness_excuse(struct sl_liveness *l, unsigned int uplink)
{
	clear_evidence(&l->uplink[uplink]);
	l->uplink[uplink].excused_until_ns = l->now_ns + EXCUSE_NS;
	for (uint32_t i = 0; i < l->services; i++) {
		clear_evidence(&l->path[SL_PATH(i, uplink)]);
		l->path[SL_PATH(i, uplink)].excused_until_ns = l->now_ns + EXCUSE_NS;
	}
}

void sl_liveness_forget(struct sl_liveness *l)
{
	memset(l->path, 0, sizeof(l->path));
	memset(l->uplink, 0, sizeof(l->uplink));
}

static uint32_t ms_since(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns ? (uint32_t)((now_ns - then_ns) / MS) : 0;
}

static void explain_down(const struct sl_liveness *l, const struct sl_liveness_silence *s,
			 struct sl_liveness_view *view)
{
	if (s->back)
		snprintf(view->reason, sizeof(view->reason),
			 "down for %u ms; answers again: %u of %d needed",
			 ms_since(l->now_ns, s->down_ns), s->back, BACK_ANSWERS);
	else if (s->demand_ns)
		snprintf(view->reason, sizeof(view->reason),
			 "no answer for %u ms: %u flows stalled, %u more repeats, %d services",
			 view->silent_ms, s->stalls, s->repeats,
			 __builtin_popcount(s->stalled_services));
	else
		snprintf(view->reason, sizeof(view->reason), "down for %u ms; nobody asks any more",
			 ms_since(l->now_ns, s->down_ns));
}

static void look(const struct sl_liveness *l, const struct sl_liveness_silence *s,
		 struct sl_liveness_view *view)
{
	*view = (struct sl_liveness_view){
		.silent_ms = ms_since(l->now_ns, s->demand_ns),
		.down_ns = s->down ? s->down_ns : 0,
	};
	if (!l->started) {
		view->state = SL_HEALTH_UNKNOWN;
		snprintf(view->reason, sizeof(view->reason), "not measured yet");
	} else if (s->down) {
		view->state = SL_HEALTH_DOWN;
		explain_down(l, s, view);
	} else if (s->progress_ns && l->now_ns - s->progress_ns <= STANDS_NS) {
		view->state = SL_HEALTH_GOOD;
		snprintf(view->reason, sizeof(view->reason), "answers come");
	} else {
		view->state = SL_HEALTH_IDLE;
		snprintf(view->reason, sizeof(view->reason), "%s",
			 s->met ? "no answer asked for and got in 10 s" : "no traffic yet");
	}
}

void sl_liveness_uplink(const struct sl_liveness *l, unsigned int uplink,
			struct sl_liveness_view *view)
{
	look(l, &l->uplink[uplink], view);
}

void sl_liveness_path(const struct sl_liveness *l, unsigned int path, struct sl_liveness_view *view)
{
	unsigned int uplink = path % SL_UPLINKS_MAX;

	look(l, &l->path[path], view);
	if (!l->uplink[uplink].down)
		return;
	struct sl_liveness_view whole;

	look(l, &l->uplink[uplink], &whole);
	view->state = SL_HEALTH_DOWN;
	view->down_ns = whole.down_ns;
	snprintf(view->reason, sizeof(view->reason), "uplink down: %.230s", whole.reason);
}
