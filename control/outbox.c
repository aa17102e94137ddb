/*
 * outbox.c - a bounded queue that says what it dropped
 */
#include "outbox.h"

#include <string.h>

static void remove_at(struct sl_outbox *outbox, uint32_t i)
{
	outbox->count--;
	memmove(&outbox->event[i], &outbox->event[i + 1],
		(outbox->count - i) * sizeof(outbox->event[0]));
}

/* The two oldest become one GAP with the number of the second. */
static void fold(struct sl_outbox *outbox)
{
	struct sl_event *first = &outbox->event[0], *second = &outbox->event[1];
	struct sl_event gap = {.kind = SL_EVENT_GAP,
			       .boot = second->boot,
			       .seq = second->seq,
			       .at_unix_ns = second->at_unix_ns,
			       .at_mono_ns = second->at_mono_ns};

	/* What lies between the two, Redis has; it is counted as lost only to stay on the safe side. */
	gap.lost = (first->kind == SL_EVENT_GAP ? first->lost : 0) + second->seq - first->seq;
	memcpy(gap.site, second->site, sizeof(gap.site));
	memcpy(gap.source, second->source, sizeof(gap.source));
	*second = gap;
	remove_at(outbox, 0);
}

const struct sl_event *sl_outbox_add(struct sl_outbox *outbox, const struct sl_event *event)
{
	struct sl_event *kept;

	if (outbox->count == SL_OUTBOX_MAX)
		fold(outbox);
	kept = &outbox->event[outbox->count++];
	*kept = *event;
	kept->boot = outbox->boot;
	kept->seq = ++outbox->seq;
	return kept;
}

void sl_outbox_taken(struct sl_outbox *outbox, uint64_t seq)
{
	for (uint32_t i = 0; i < outbox->count; i++) {
		if (outbox->event[i].seq != seq)
			continue;
		remove_at(outbox, i);
		return;
	}
}
