/*
 * inbox.h - each event of the dataplane once, in order, over restarts of everybody
 *
 * (boot, seq) names an event.  What was taken up to the watermark is never taken
 * again; what comes ahead of its turn is left: the dataplane says everything
 * above the watermark again.  A GAP event covers the `lost` numbers before it.
 * Pure.
 */
#ifndef SL_INBOX_H
#define SL_INBOX_H

#include "proto/wire.h"

#define SL_INBOX_PAST     8
#define SL_INBOX_STUCK_MS 10000

struct sl_inbox_mark {
	uint64_t boot, seq;
};

struct sl_inbox {
	struct sl_inbox_mark now;                 /* highest contiguous; boot 0 = none yet */
	struct sl_inbox_mark past[SL_INBOX_PAST]; /* earlier spools, newest first */
	/* Of this life: what is waited for. */
	uint64_t ahead_seq, ahead_ms; /* lowest number seen above a hole, and since when */
	bool said_again;              /* it came a second time and the hole did not */
	uint64_t missed;              /* numbers given up */
};

enum sl_inbox_answer { SL_INBOX_TAKE, SL_INBOX_OLD, SL_INBOX_AHEAD };

/* Is @event to be taken now?  TAKE moves the watermark over it. */
enum sl_inbox_answer sl_inbox_take(struct sl_inbox *inbox, const struct sl_event *event,
				   uint64_t now_ms);

/* A watermark that we said in an earlier life, read back: never go below it. */
void sl_inbox_remember(struct sl_inbox *inbox, uint64_t boot, uint64_t seq);

#endif
