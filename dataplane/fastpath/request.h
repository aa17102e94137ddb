/*
 * request.h - how long a server thinks, and how long an exchange takes, without payload
 *
 * A request is what the initiator sends until the responder answers; the answer's end is
 * the segment that its application pushed (PSH, RFC 9293 3.9.1.2).  The server's own time is
 * from the acknowledgement of the request to the first byte of the answer, both seen here,
 * so that the network's part is in neither; when the answer is itself the acknowledgement,
 * the least RTT of that leg is taken off.  A request that was sent again says nothing (Karn).
 * Flows whose beginning was not seen are left out: who asks is not known.  Pure.
 */
#ifndef SL_REQUEST_H
#define SL_REQUEST_H

#include "rtt.h"

/* New data of the initiator, whose direction is @asker, passes at @tick. */
SL_INLINE void sl_request_sent(struct sl_flow *flow, struct sl_direction *asker, uint32_t tick)
{
	if (!(asker->flags & SL_DIR_ASKS))
		flow->burst_tick = tick;
	asker->request_tick = tick;
	asker->flags =
		(uint16_t)((asker->flags | SL_DIR_ASKS) & ~(SL_DIR_HEARD | SL_DIR_ANSWERING));
}

/* The responder acknowledges all that @asker sent, at @tick, and says nothing more yet. */
SL_INLINE void sl_request_heard(struct sl_direction *asker, uint32_t ack, uint32_t tick)
{
	if ((asker->flags & (SL_DIR_ASKS | SL_DIR_HEARD)) != SL_DIR_ASKS || ack != asker->next_seq)
		return;
	asker->request_tick = tick;
	asker->flags |= SL_DIR_HEARD;
}

/* The request was sent again: its answer tells no time. */
SL_INLINE void sl_request_forget(struct sl_direction *asker)
{
	asker->flags &= (uint16_t) ~(SL_DIR_ASKS | SL_DIR_HEARD | SL_DIR_ANSWERING);
}

/* What the answer's first segment tells of the server. */
SL_INLINE void sl_request_think(const struct sl_direction *asker, struct sl_work *work)
{
	uint32_t ticks = work->now_tick - asker->request_tick;

	if (!(asker->flags & SL_DIR_HEARD)) {
		if (!asker->rtt_min)
			return;
		ticks = ticks > asker->rtt_min ? ticks - asker->rtt_min : 0;
	}
	if (ticks > SL_RTT_MAX_TICKS || work->result.sample[SL_SAMPLE_EVENT].weight)
		return;
	work->result.method = SL_METHOD_THINK;
	work->result.sample[SL_SAMPLE_EVENT] = (struct sl_sample){ticks, 1};
}

/* New data of the responder passes, while @asker waits for it or it goes on. */
SL_INLINE void sl_request_answered(const struct sl_flow *flow, struct sl_direction *asker,
				   struct sl_work *work)
{
	uint32_t ticks = work->now_tick - flow->burst_tick;

	if (asker->flags & SL_DIR_ASKS) {
		sl_request_think(asker, work);
		sl_request_forget(asker);
		asker->flags |= SL_DIR_ANSWERING;
	}
	if (!(work->packet.tcp_flags & (SL_TCP_PSH | SL_TCP_FIN)))
		return;
	asker->flags &= (uint16_t)~SL_DIR_ANSWERING;
	if (ticks <= SL_RTT_MAX_TICKS)
		work->result.sample[SL_SAMPLE_TRANSACTION] = (struct sl_sample){ticks, 1};
}

#endif
