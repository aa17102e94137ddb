/*
 * outbox.h - from the spool to Redis, and again until control has it
 *
 * Each event is said once at once; after a new connection all above the
 * watermark is said again, and when the watermark stands still, some of it, with
 * doubling patience (1 s to 256 s), so that an absent reader does not fill Redis.
 */
#ifndef SL_OUTBOX_H
#define SL_OUTBOX_H

#include "proto/bus.h"
#include "spool.h"

struct sl_outbox {
	struct sl_bus *bus;
	struct sl_spool *spool;
	uint64_t next;  /* seq to say for the first time on this connection */
	uint64_t acked; /* watermark when last looked at */
	uint64_t since_ns, patience_ns;
	uint64_t resent, refused; /* counters */
};

void sl_outbox_init(struct sl_outbox *outbox, struct sl_bus *bus, struct sl_spool *spool);

/* There is a new connection: Redis may have lost everything. */
void sl_outbox_connected(struct sl_outbox *outbox);

/* Say what is new and ready. */
void sl_outbox_pump(struct sl_outbox *outbox);

/* The 100 ms tick: pump, and say again what had no answer for too long. */
void sl_outbox_tick(struct sl_outbox *outbox, uint64_t now_ns);

#endif
