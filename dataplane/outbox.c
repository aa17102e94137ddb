/*
 * outbox.c - first sayings in order, repeats by patience
 */
#include "outbox.h"

#define PATIENCE_NS     UINT64_C(1000000000)
#define PATIENCE_MAX_NS (256 * PATIENCE_NS)
#define BATCH           256 /* events of a pump or a repeat: a tick stays short */

void sl_outbox_init(struct sl_outbox *o, struct sl_bus *bus, struct sl_spool *spool)
{
	*o = (struct sl_outbox){.bus = bus, .spool = spool, .patience_ns = PATIENCE_NS};
	o->acked = sl_spool_acked(spool);
	o->next = o->acked + 1;
}

void sl_outbox_connected(struct sl_outbox *o)
{
	o->next = sl_spool_acked(o->spool) + 1;
	o->patience_ns = PATIENCE_NS;
	sl_outbox_pump(o);
}

static void done(void *arg, int err, const char *id)
{
	struct sl_outbox *o = arg;

	o->refused += err != 0;
}

/* Seq after the event (or GAP) at @seq when it was handed over; 0 when not. */
static uint64_t say(struct sl_outbox *o, uint64_t seq)
{
	static struct sl_event event;

	if (sl_spool_read(o->spool, seq, &event) || sl_bus_send_event(o->bus, &event, done, o))
		return 0;
	return event.seq + 1;
}

void sl_outbox_pump(struct sl_outbox *o)
{
	struct sl_bus_stats stats;

	sl_bus_stats(o->bus, &stats);
	if (o->next <= sl_spool_acked(o->spool))
		o->next = sl_spool_acked(o->spool) + 1;
	for (int i = 0; i < BATCH && stats.connected && o->next <= sl_spool_last(o->spool); i++) {
		uint64_t after = say(o, o->next);

		if (!after)
			return;
		o->next = after;
	}
}

static void say_again(struct sl_outbox *o)
{
	uint64_t seq = o->acked + 1;

	for (int i = 0; i < BATCH && seq < o->next; i++) {
		uint64_t after = say(o, seq);

		if (!after)
			return;
		o->resent++;
		seq = after;
	}
}

void sl_outbox_tick(struct sl_outbox *o, uint64_t now_ns)
{
	uint64_t acked = sl_spool_acked(o->spool);

	sl_outbox_pump(o);
	if (acked != o->acked || acked + 1 >= o->next || o->since_ns == 0) {
		o->acked = acked;
		o->since_ns = now_ns;
		o->patience_ns = PATIENCE_NS;
		return;
	}
	if (now_ns - o->since_ns < o->patience_ns)
		return;
	say_again(o);
	o->since_ns = now_ns;
	o->patience_ns = o->patience_ns < PATIENCE_MAX_NS ? 2 * o->patience_ns : PATIENCE_MAX_NS;
}
