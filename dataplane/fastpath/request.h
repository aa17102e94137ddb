/*
 * request.h - how long a server thinks, and how long an exchange takes, without payload
 *
 * A request is what the initiator sends until the responder answers; the answer's end is
 * the segment that its application pushed (PSH, RFC 9293 3.9.1.2).  The server's own time is
 * from the acknowledgement of the request to the first byte of the answer, both seen here,
 * so that the network's part is in neither; when the answer is itself the acknowledgement,
 * the least RTT of that leg is taken off.  A request that was sent again says nothing (Karn).
 * Flows whose beginning was not seen are left out: who asks is not known.  A request that the
 * server acknowledged and does not answer for 5 s, or that a reset ends, is unanswered; so is one
 * that the far side answers with a reset at once.  One that was not acknowledged otherwise is the
 * network's matter, and told by its repeats.  Pure.
 */
#ifndef SL_REQUEST_H
#define SL_REQUEST_H

#include "rtt.h"

/* 5 s, as a query waits: card hosts answer within 1 to 3. */
#define SL_REQUEST_WAIT_TICKS 78125000u
/* 200 ms: what the client sends so long after is another request. */
#define SL_REQUEST_APART_TICKS 3125000u

/* New data of the initiator, whose direction is @asker, passes at @tick. */
SL_INLINE void sl_request_sent(struct sl_flow *flow, struct sl_direction *asker, uint32_t tick)
{
	uint32_t waits = SL_DIR_ASKS | SL_DIR_HEARD;

	/* Another request, while the server has had one for a while: that one still waits. */
	if ((asker->flags & (waits | SL_DIR_GIVEN_UP)) == waits &&
	    tick - asker->request_tick > SL_REQUEST_APART_TICKS)
		return;
	if (!(asker->flags & SL_DIR_ASKS))
		flow->burst_tick = tick;
	asker->request_tick = tick;
	asker->flags = (uint16_t)((asker->flags | SL_DIR_ASKS) &
				  ~(SL_DIR_HEARD | SL_DIR_ANSWERING | SL_DIR_GIVEN_UP));
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
	asker->flags &=
		(uint16_t) ~(SL_DIR_ASKS | SL_DIR_HEARD | SL_DIR_ANSWERING | SL_DIR_GIVEN_UP);
}

/* Does a request of @asker wait that nobody has given up? */
SL_INLINE bool sl_request_waits(const struct sl_direction *asker)
{
	return (asker->flags & (SL_DIR_ASKS | SL_DIR_GIVEN_UP)) == SL_DIR_ASKS;
}

/*
 * Give up what @asker waits for, if the server has had it for @ticks or longer: true, once for
 * each request.  .request_tick comes round after 274 s; the sweep asks much more often.
 */
SL_INLINE bool sl_request_give_up(struct sl_direction *asker, uint32_t now_tick, uint32_t ticks)
{
	bool in_vain = sl_request_waits(asker) && (asker->flags & SL_DIR_HEARD) &&
		       now_tick - asker->request_tick >= ticks;

	if (in_vain)
		asker->flags |= SL_DIR_GIVEN_UP;
	return in_vain;
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
