/*
 * model.c - see model.h
 */
#include "model.h"

#define ETHERNET_HEADER 14
#define NS_PER_MS       1e6

/* xorshift64* (Vigna 2016): good enough for loss, and the same on every machine. */
static double uniform(struct sl_model *model)
{
	model->random ^= model->random >> 12;
	model->random ^= model->random << 25;
	model->random ^= model->random >> 27;
	return (double)((model->random * UINT64_C(0x2545f4914f6cdd1d)) >> 11) / 0x1p53;
}

static bool happens(struct sl_model *model, double probability)
{
	return probability > 0 && uniform(model) < probability;
}

void sl_model_init(struct sl_model *model, uint64_t seed)
{
	/* The golden-ratio step keeps neighbouring seeds apart and 0 out. */
	*model = (struct sl_model){.random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15)};
	if (!model->random)
		model->random = 1;
}

static bool lost(struct sl_model *model)
{
	const struct sl_model_settings *s = &model->settings;

	if (s->burst_enter > 0) {
		if (model->burst)
			model->burst = !happens(model, s->burst_leave);
		else
			model->burst = happens(model, s->burst_enter);
	} else {
		model->burst = false;
	}
	return model->burst || happens(model, s->loss);
}

/* Queue before the bottleneck.  False: no room; else *@sent_ns is when its last bit is out. */
static bool queue(struct sl_model *model, uint32_t length, uint64_t now_ns, uint64_t *sent_ns)
{
	const struct sl_model_settings *s = &model->settings;
	uint64_t start_ns = model->busy_until_ns > now_ns ? model->busy_until_ns : now_ns;
	double waiting;

	if (s->rate_mbit <= 0) {
		*sent_ns = now_ns;
		return true;
	}
	waiting = (double)(start_ns - now_ns) * s->rate_mbit / 8e3 + length;
	if (s->queue_bytes > 0 && waiting > s->queue_bytes)
		return false;
	if (waiting > (double)model->counts.max_queue_bytes)
		model->counts.max_queue_bytes = (uint64_t)waiting;
	model->busy_until_ns = start_ns + (uint64_t)(length * 8e3 / s->rate_mbit);
	*sent_ns = model->busy_until_ns;
	return true;
}

static uint64_t arrival(struct sl_model *model, uint64_t sent_ns)
{
	const struct sl_model_settings *s = &model->settings;
	uint64_t due_ns = sent_ns + (uint64_t)(s->delay_ms * NS_PER_MS);

	if (s->jitter_ms > 0)
		due_ns += (uint64_t)(uniform(model) * s->jitter_ms * NS_PER_MS);
	if (happens(model, s->reorder)) {
		model->counts.reordered++;
		return due_ns + (uint64_t)(s->reorder_ms * NS_PER_MS);
	}
	if (due_ns < model->last_due_ns)
		due_ns = model->last_due_ns;
	model->last_due_ns = due_ns;
	return due_ns;
}

struct sl_model_fate sl_model_enter(struct sl_model *model, uint32_t length, uint64_t now_ns)
{
	const struct sl_model_settings *s = &model->settings;
	struct sl_model_fate fate = {0};
	uint64_t sent_ns;

	model->counts.in++;
	model->counts.bytes_in += length;
	if (s->mtu > 0 && length > s->mtu + ETHERNET_HEADER) {
		model->counts.mtu_drops++;
		fate.end = SL_MODEL_TOO_LONG;
	} else if (s->blackhole) {
		model->counts.blackholed++;
		fate.end = SL_MODEL_BLACKHOLED;
	} else if (lost(model)) {
		model->counts.lost++;
		fate.end = SL_MODEL_LOST;
	} else if (!queue(model, length, now_ns, &sent_ns)) {
		model->counts.queue_drops++;
		fate.end = SL_MODEL_QUEUE_FULL;
	} else {
		fate.due_ns = arrival(model, sent_ns);
		fate.twice = happens(model, s->duplicate);
		model->counts.duplicated += fate.twice;
	}
	return fate;
}

bool sl_model_leave(struct sl_model *model, uint32_t length)
{
	if (model->settings.blackhole) {
		model->counts.blackholed++;
		return false;
	}
	model->counts.out++;
	model->counts.bytes_out += length;
	return true;
}
