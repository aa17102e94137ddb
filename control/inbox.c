/*
 * inbox.c - contiguous numbering per spool of the dataplane
 */
#include "inbox.h"

#include <string.h>

static bool is_past(const struct sl_inbox *inbox, uint64_t boot)
{
	for (unsigned int i = 0; i < SL_INBOX_PAST; i++)
		if (inbox->past[i].boot == boot)
			return true;
	return false;
}

static void turn_to(struct sl_inbox *inbox, uint64_t boot)
{
	if (inbox->now.boot) {
		memmove(&inbox->past[1], &inbox->past[0],
			sizeof(inbox->past) - sizeof(inbox->past[0]));
		inbox->past[0] = inbox->now;
	}
	inbox->now = (struct sl_inbox_mark){.boot = boot};
	inbox->ahead_seq = 0;
	inbox->said_again = false;
}

static enum sl_inbox_answer take(struct sl_inbox *inbox, uint64_t seq)
{
	inbox->now.seq = seq;
	inbox->ahead_seq = 0;
	inbox->said_again = false;
	return SL_INBOX_TAKE;
}

/* The hole will not be filled: what is above it came twice and much time has passed. */
static enum sl_inbox_answer wait_for(struct sl_inbox *inbox, uint64_t seq, uint64_t now_ms)
{
	if (!inbox->ahead_seq || seq < inbox->ahead_seq) {
		inbox->ahead_ms = inbox->ahead_seq ? inbox->ahead_ms : now_ms;
		inbox->ahead_seq = seq;
		return SL_INBOX_AHEAD;
	}
	if (seq != inbox->ahead_seq)
		return SL_INBOX_AHEAD;
	if (!inbox->said_again || now_ms - inbox->ahead_ms < SL_INBOX_STUCK_MS) {
		inbox->said_again = true;
		return SL_INBOX_AHEAD;
	}
	inbox->missed += seq - inbox->now.seq - 1;
	return take(inbox, seq);
}

enum sl_inbox_answer sl_inbox_take(struct sl_inbox *inbox, const struct sl_event *event,
				   uint64_t now_ms)
{
	uint64_t covers = event->kind == SL_EVENT_GAP ? event->lost : 0;

	if (event->boot != inbox->now.boot) {
		if (is_past(inbox, event->boot))
			return SL_INBOX_OLD;
		turn_to(inbox, event->boot);
	}
	if (event->seq <= inbox->now.seq)
		return SL_INBOX_OLD;
	if (event->seq == inbox->now.seq + 1 ||
	    (covers && (covers >= event->seq || event->seq - covers <= inbox->now.seq + 1)))
		return take(inbox, event->seq);
	return wait_for(inbox, event->seq, now_ms);
}

void sl_inbox_remember(struct sl_inbox *inbox, uint64_t boot, uint64_t seq)
{
	if (!inbox->now.boot)
		inbox->now.boot = boot;
	if (inbox->now.boot == boot && seq > inbox->now.seq)
		take(inbox, seq);
}
