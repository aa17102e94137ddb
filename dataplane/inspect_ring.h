/*
 * inspect_ring.h - copies of packets from one worker to the agent's thread, bounded
 *
 * One producer (the worker), one consumer (the agent), no lock, no wait: full means that
 * the copy is not made.  The XDP engine has the kernel's ring buffer in its place.
 */
#ifndef SL_INSPECT_RING_H
#define SL_INSPECT_RING_H

#include "fastpath/inspect.h"
#include "frame.h"

#define SL_INSPECT_SLOTS 256 /* a 10 ms tick of 25 000 first packets a second */

struct sl_inspect_ring {
	uint32_t head; /* next to write; the worker's */
	uint32_t pad[15];
	uint32_t tail; /* next to read; the agent's */
	uint32_t pad2[15];
	struct sl_inspect slot[SL_INSPECT_SLOTS];
};

/* Called with each copy, which stands until it returns. */
typedef void sl_inspect_take(void *arg, const struct sl_inspect *inspect);

/* Worker: copy what @work says of @frame.  False: the ring is full. */
bool sl_inspect_ring_put(struct sl_inspect_ring *ring, const struct sl_work *work,
			 const struct sl_frame *frame, uint32_t generation);

/* Agent: hand all copies that wait to @take.  How many there were. */
int sl_inspect_ring_drain(struct sl_inspect_ring *ring, sl_inspect_take *take, void *arg);

#endif
