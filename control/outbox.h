/*
 * outbox.h - control's own events until Redis has taken them
 *
 * Numbered without a hole within our boot; kept (also in the state file) until
 * Redis says it has them; said again after a reconnect or a restart, so readers
 * drop what they have.  Bounded: the oldest give way to a GAP that counts them.
 * Pure.
 */
#ifndef SL_OUTBOX_H
#define SL_OUTBOX_H

#include "proto/wire.h"

#define SL_OUTBOX_MAX 256

struct sl_outbox {
	uint64_t boot, seq; /* the last number given */
	uint32_t count;
	struct sl_event event[SL_OUTBOX_MAX]; /* oldest first */
};

/* Number @event and keep it.  The kept copy, valid until the next call. */
const struct sl_event *sl_outbox_add(struct sl_outbox *outbox, const struct sl_event *event);

/* Redis has number @seq. */
void sl_outbox_taken(struct sl_outbox *outbox, uint64_t seq);

#endif
