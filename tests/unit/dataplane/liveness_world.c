/*
 * liveness_world.c - flows step by step, a millisecond each, and a tick each 10 ms
 */
#include "liveness_world.h"

double world_draw(struct world *w)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(w->seed >> 33) / (double)(UINT64_C(1) << 31);
}

static bool passes(struct world *w, const struct flow *f)
{
	bool dark = f->uplink == 0 && (w->dark_services & 1u << f->service) &&
		    w->now_ms >= w->dark_from_ms && w->now_ms < w->dark_to_ms;

	return !dark && !f->dead && !f->liar && world_draw(w) >= w->loss &&
	       world_draw(w) >= w->loss;
}

static void ask(struct world *w, struct flow *f, struct sl_liveness_count *c)
{
	c->demand++;
	if (f->oneway) {
		f->ask_ms = w->now_ms + f->period_ms;
		return;
	}
	f->waiting = true;
	f->repeats = 0;
	f->rto_ms = f->dead ? 1000 : 200 + f->rtt_ms;
	f->answer_ms = passes(w, f) ? w->now_ms + f->rtt_ms : NEVER;
	f->repeat_ms = w->now_ms + f->rto_ms;
}

static void repeat(struct world *w, struct flow *f, struct sl_liveness_count *c)
{
	c->demand++;
	if (f->repeats++)
		c->repeats++;
	else
		c->stalls++;
	c->syn_repeats += f->dead;
	if ((f->dead || f->liar) && f->repeats == 4) { /* it gives up, and tries again some time */
		f->waiting = false;
		f->ask_ms = w->now_ms + f->period_ms;
		return;
	}
	if (passes(w, f))
		f->answer_ms = w->now_ms + f->rtt_ms;
	f->rto_ms *= 2;
	f->repeat_ms = w->now_ms + f->rto_ms;
}

static void step_flow(struct world *w, struct flow *f)
{
	struct sl_liveness_count *c = &w->count[SL_PATH(f->service, f->uplink)];

	if (f->waiting && f->answer_ms <= w->now_ms) {
		c->progress++;
		c->inbound++;
		f->waiting = false;
		f->answer_ms = NEVER;
		f->ask_ms = w->now_ms + f->period_ms;
	} else if (f->waiting && f->repeat_ms <= w->now_ms) {
		repeat(w, f, c);
	} else if (!f->waiting && f->ask_ms <= w->now_ms) {
		ask(w, f, c);
	}
}

static void note_state(struct world *w)
{
	struct sl_liveness_view view;

	for (unsigned int u = 0; u < 2; u++) {
		sl_liveness_uplink(&w->l, u, &view);
		if (view.state == SL_HEALTH_DOWN && w->down_ms[u] == NEVER) {
			w->down_ms[u] = w->now_ms;
			w->falls++;
		}
	}
	for (unsigned int p = 0; p < SL_PATHS_MAX; p++)
		if (w->l.path[p].down && w->path_down_ms[p] == NEVER)
			w->path_down_ms[p] = w->now_ms;
}

void world_run(struct world *w, uint32_t until_ms)
{
	for (; w->now_ms < until_ms; w->now_ms++) {
		for (uint32_t i = 0; i < w->flows; i++)
			step_flow(w, &w->flow[i]);
		if (w->now_ms % 10)
			continue;
		sl_liveness_tick(&w->l, 1000 * S + w->now_ms * MS, w->count);
		note_state(w);
	}
}

void world_open(struct world *w, uint64_t seed)
{
	*w = (struct world){.dark_from_ms = NEVER,
			    .dark_to_ms = NEVER,
			    .dark_services = UINT32_MAX,
			    .seed = seed};
	w->down_ms[0] = w->down_ms[1] = NEVER;
	memset(w->path_down_ms, 0xff, sizeof(w->path_down_ms));
	sl_liveness_init(&w->l, 4, 2);
	world_trust(w, TRUSTED);
	for (int i = 0; i < 20; i++)
		world_draw(w);
}

void world_trust(struct world *w, uint32_t services)
{
	for (unsigned int u = 0; u < 2; u++)
		sl_liveness_trust(&w->l, u, services);
}

void world_add(struct world *w, struct flow f, uint32_t rtt_p95_us)
{
	f.ask_ms = w->now_ms + (uint32_t)(world_draw(w) * f.period_ms);
	f.answer_ms = NEVER;
	w->flow[w->flows++] = f;
	if (rtt_p95_us)
		sl_liveness_set_rtt(&w->l, f.uplink, rtt_p95_us);
}

void world_add_shop(struct world *w, int tills, uint32_t rtt_ms)
{
	for (int i = 0; i < tills; i++)
		world_add(w, (struct flow){.service = 1, .period_ms = 500, .rtt_ms = rtt_ms},
			  rtt_ms * 1200);
	world_add(w, (struct flow){.service = 2, .period_ms = 300, .rtt_ms = rtt_ms}, 0);
	world_add(w, (struct flow){.service = 3, .period_ms = 90, .rtt_ms = rtt_ms + 5}, 0);
	world_add(w, (struct flow){.service = 0, .period_ms = 2000, .rtt_ms = rtt_ms}, 0);
}
