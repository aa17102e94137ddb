/*
 * inspect_ring.c - fill a slot, hand slots over
 */
#include "inspect_ring.h"

#include <string.h>

bool sl_inspect_ring_put(struct sl_inspect_ring *ring, const struct sl_work *work,
			 const struct sl_frame *frame, uint32_t generation)
{
	uint32_t head = ring->head, from = work->packet.l3_offset;
	struct sl_inspect *slot = &ring->slot[head % SL_INSPECT_SLOTS];

	if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == SL_INSPECT_SLOTS)
		return false;
	sl_inspect_describe(slot, work, generation);
	slot->length = (uint16_t)sl_inspect_length(work, frame->length);
	memcpy(slot->bytes, frame->bytes + from, slot->length);
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

int sl_inspect_ring_drain(struct sl_inspect_ring *ring, sl_inspect_take *take, void *arg)
{
	uint32_t tail = ring->tail, head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	int taken = 0;

	for (; tail != head; taken++) {
		take(arg, &ring->slot[tail % SL_INSPECT_SLOTS]);
		__atomic_store_n(&ring->tail, ++tail, __ATOMIC_RELEASE);
	}
	return taken;
}
