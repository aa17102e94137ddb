/*
 * liveness_view.c - what liveness knows, in a state and in words
 */
#include <stdio.h>
#include <string.h>

#include "liveness.h"

#define MS UINT64_C(1000000)

const struct sl_liveness_silence *sl_liveness_dark(const struct sl_liveness *l, unsigned int uplink)
{
	if (l->uplink[uplink].down)
		return &l->uplink[uplink];
	return l->firm[uplink].down ? &l->firm[uplink] : NULL;
}

static uint32_t ms_since(uint64_t now_ns, uint64_t then_ns)
{
	return then_ns ? (uint32_t)((now_ns - then_ns) / MS) : 0;
}

/* What probes add to the reason of an uplink's view. */
static void add_probes(const struct sl_liveness *l, unsigned int u, struct sl_liveness_view *view)
{
	const struct sl_probe_view *p = &l->probe[u];
	size_t used = strlen(view->reason);
	char *to = view->reason + used;
	size_t room = sizeof(view->reason) - used;

	if (p->word == SL_PROBE_DEAD)
		snprintf(to, room, "; %u probes of %u servers unanswered", p->lost, p->servers);
	else if (p->word == SL_PROBE_UNKNOWN)
		snprintf(to, room, "; %u probes unanswered, of one server: it may be that one",
			 p->lost);
	else if (p->word == SL_PROBE_CARRIES && view->state != SL_HEALTH_GOOD)
		snprintf(to, room, "; a probe was answered %u ms ago",
			 ms_since(l->now_ns, p->answered_ns));
}

static void explain_down(const struct sl_liveness *l, const struct sl_liveness_silence *s,
			 struct sl_liveness_view *view)
{
	if (s->back)
		snprintf(view->reason, sizeof(view->reason),
			 "down for %u ms; answers again: %u of %d needed",
			 ms_since(l->now_ns, s->down_ns), s->back, SL_LIVENESS_BACK);
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
	} else if (s->progress_ns && l->now_ns - s->progress_ns <= SL_LIVENESS_STANDS_NS) {
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
	const struct sl_liveness_silence *dark = sl_liveness_dark(l, uplink);

	/* For a state that is no alarm everybody's word will do. */
	look(l, dark ? dark : &l->any[uplink], view);
	add_probes(l, uplink, view);
}

void sl_liveness_path(const struct sl_liveness *l, unsigned int path, struct sl_liveness_view *view)
{
	unsigned int uplink = path % SL_UPLINKS_MAX;
	struct sl_liveness_view whole;

	look(l, &l->path[path], view);
	if (!sl_liveness_dark(l, uplink))
		return;
	sl_liveness_uplink(l, uplink, &whole);
	view->state = SL_HEALTH_DOWN;
	view->down_ns = whole.down_ns;
	snprintf(view->reason, sizeof(view->reason), "uplink down: %.230s", whole.reason);
}
