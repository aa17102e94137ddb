/*
 * datagram.h - one datagram of a known flow: DNS, DHCP, ICMP echo, QUIC, RTP, liveness
 *
 * gram[i] holds what side i sent.  A question that carries a number (DNS id, RFC 1035
 * 4.1.1; echo sequence, RFC 792) waits in a slot for the answer with the same number.
 * QUIC: the first datagram of each side to the other's next is a round trip of one leg
 * (quic.h).  Nothing of the payload is read but the first 12 bytes.  Pure.
 */
#ifndef SL_DATAGRAM_H
#define SL_DATAGRAM_H

#include "media.h"
#include "quic.h"
#include "rtt.h"

/* A datagram flow stalls after this many requests without an answer for this long. */
#define SL_DATAGRAM_STALL_PACKETS 3
#define SL_DATAGRAM_STALL_TICKS   3906250u /* 250 ms */

#define SL_PORT_DNS          53
#define SL_DNS_RESPONSE      0x8000u
#define SL_DNS_RCODE         0x000fu
#define SL_DNS_NXDOMAIN      3u        /* an answer like any other */
#define SL_DNS_REPEAT_TICKS  7812500u  /* 500 ms: the same query later than that is a second try */
#define SL_DNS_GIVE_UP_TICKS 78125000u /* 5 s, as resolvers do (resolv.conf(5)) */

#define SL_ECHO_TWICE_TICKS 1562500u /* 100 ms: no copy of one packet comes later */

/* ---- questions with a number ---- */

/* The slot of @gram that waits for @id; -1 = none. */
SL_VERIFY_ONCE int sl_ask_find(const struct sl_datagram *gram, uint16_t id)
{
	if (!gram)
		return -1;
	int found = -1;

	for (int i = 0; i < SL_ASKS; i++)
		if ((gram->asks & 1 << i) && gram->ask[i].id == id)
			found = i;
	return found;
}

/* The longest waiting slot of @gram; 0 when none waits. */
SL_VERIFY_ONCE int sl_ask_oldest(const struct sl_datagram *gram, uint32_t tick)
{
	uint32_t oldest = 0, longest = 0;

	if (!gram)
		return 0;
	for (uint32_t i = 0; i < SL_ASKS; i++) {
		uint32_t age = gram->asks & 1u << i ? tick - gram->ask[i].tick : 0;

		if (age > longest) {
			longest = age;
			oldest = i;
		}
	}
	return (int)oldest;
}

/* How long slot @i of @gram has waited; 0 when it does not. */
SL_INLINE uint32_t sl_ask_age(const struct sl_datagram *gram, uint32_t i, uint32_t tick)
{
	i &= SL_ASKS - 1;
	return gram->asks & 1u << i ? tick - gram->ask[i].tick : 0;
}

SL_INLINE void sl_ask_put(struct sl_datagram *gram, uint32_t i, uint16_t id, uint32_t tick)
{
	gram->ask[i & (SL_ASKS - 1)] = (struct sl_ask){.id = id, .tick = tick};
	gram->asks |= (uint8_t)(1u << (i & (SL_ASKS - 1)));
}

/* The answer @id to what @gram's side asked: a sample by @method.  False: nothing @id waits. */
SL_INLINE bool sl_ask_answered(struct sl_datagram *gram, uint16_t id, enum sl_method method,
			       struct sl_work *work)
{
	int i = sl_ask_find(gram, id);

	if (i < 0)
		return false;
	uint32_t ticks = work->now_tick - gram->ask[i & (SL_ASKS - 1)].tick;

	gram->asks &= (uint8_t) ~(1u << (i & (SL_ASKS - 1)));
	if (ticks > SL_RTT_MAX_TICKS)
		return true;
	work->result.method = (uint8_t)method;
	work->result.sample[SL_SAMPLE_EVENT] = (struct sl_sample){ticks, 1};
	return true;
}

/* ---- DNS (RFC 1035 4.1.1) ---- */

SL_INLINE bool sl_dns_is(const struct sl_packet *packet)
{
	return packet->proto == SL_PROTO_UDP && packet->head_bytes &&
	       (packet->src_port == SL_PORT_DNS || packet->dst_port == SL_PORT_DNS);
}

/* A query: the first try's time counts; one that waits too long is given up. */
SL_INLINE void sl_dns_query(struct sl_datagram *gram, uint16_t id, struct sl_work *work)
{
	int again = sl_ask_find(gram, id), i = sl_slot_free(gram->asks, SL_ASKS);
	uint32_t tick = work->now_tick, oldest = (uint32_t)sl_ask_oldest(gram, tick);
	uint32_t age = sl_ask_age(gram, again >= 0 ? (uint32_t)again : oldest, tick);

	work->result.seen |= SL_SEEN_QUERY;
	if (again >= 0) {
		if (age >= SL_DNS_REPEAT_TICKS)
			work->result.seen |= SL_SEEN_QUERY_UNANSWERED;
		if (age >= SL_DNS_GIVE_UP_TICKS)
			sl_ask_put(gram, (uint32_t)again, id, tick);
		return;
	}
	if (age >= SL_DNS_GIVE_UP_TICKS) {
		work->result.seen |= SL_SEEN_QUERY_UNANSWERED;
		sl_ask_put(gram, oldest, id, tick);
	} else if (i >= 0) {
		sl_ask_put(gram, (uint32_t)i, id, tick);
	}
}

/*
 * @gram: what this packet's side sent; @peer: what the other did.  False: an answer that
 * nobody waits for, which anyone can send.  Where only answers pass, none is that.
 */
SL_INLINE bool sl_dns_take(struct sl_datagram *gram, struct sl_datagram *peer, struct sl_work *work)
{
	uint32_t head = work->packet.head0, rcode = head & SL_DNS_RCODE;

	if (!(head & SL_DNS_RESPONSE)) {
		sl_dns_query(gram, (uint16_t)(head >> 16), work);
		return true;
	}
	if (!sl_ask_answered(peer, (uint16_t)(head >> 16), SL_METHOD_DNS, work) &&
	    (peer->flags & SL_GRAM_HEARD)) {
		work->result.seen |= SL_SEEN_BOGUS_ANSWER;
		return false;
	}
	if (rcode && rcode != SL_DNS_NXDOMAIN)
		work->result.seen |= SL_SEEN_QUERY_FAILED;
	return true;
}

/* ---- DHCP (RFC 2131 4.1) ---- */

#define SL_PORT_DHCP 67 /* the servers' and relays'; the clients' is the next */

SL_INLINE bool sl_dhcp_is_port(uint32_t port)
{
	return port - SL_PORT_DHCP < 2;
}

SL_INLINE bool sl_dhcp_is(const struct sl_packet *packet)
{
	return packet->proto == SL_PROTO_UDP && sl_dhcp_is_port(packet->src_port) &&
	       sl_dhcp_is_port(packet->dst_port);
}

/* ---- ICMP echo ---- */

SL_INLINE void sl_echo_take(struct sl_datagram *gram, struct sl_datagram *peer,
			    struct sl_work *work)
{
	uint16_t seq = work->packet.icmp_seq;
	int i;

	if (work->packet.icmp_echo == 2) {
		sl_ask_answered(peer, seq, SL_METHOD_ECHO, work);
		return;
	}
	i = sl_ask_find(gram, seq);
	if (i >= 0 && sl_ask_age(gram, (uint32_t)i, work->now_tick) < SL_ECHO_TWICE_TICKS)
		return; /* the same packet again: its first time counts */
	/* Later it is another request: some always use one number (and nobody sends one again). */
	i = i >= 0 ? i : sl_slot_free(gram->asks, SL_ASKS);
	sl_ask_put(gram, i >= 0 ? (uint32_t)i : (uint32_t)sl_ask_oldest(gram, work->now_tick), seq,
		   work->now_tick);
}

/* ---- any ---- */

/*
 * Liveness.  Only a flow that was answered before can stall: many (logs, media) never
 * expect an answer.
 */
SL_INLINE void sl_datagram_liveness(struct sl_datagram *gram, struct sl_datagram *peer,
				    struct sl_work *work)
{
	uint32_t *seen = &work->result.seen;

	gram->flags |= SL_GRAM_HEARD;
	gram->last_tick = work->now_tick;
	peer->stall = 0;
	if (!(peer->flags & SL_GRAM_HEARD)) {
		if (!(gram->flags & SL_GRAM_ANSWERED))
			return;
	} else {
		*seen |= SL_SEEN_PROGRESS;
		gram->flags |= SL_GRAM_ANSWERED;
		peer->flags |= SL_GRAM_ANSWERED;
	}
	*seen |= SL_SEEN_DEMAND;
	if (gram->stall < UINT8_MAX)
		gram->stall++;
	if (gram->stall < SL_DATAGRAM_STALL_PACKETS ||
	    work->now_tick - peer->last_tick < SL_DATAGRAM_STALL_TICKS)
		return;
	*seen |= gram->stall == SL_DATAGRAM_STALL_PACKETS ? SL_SEEN_STALL : SL_SEEN_STALL_REPEAT;
}

/* A datagram of @flow; work->sender says whose.  Always 0. */
SL_RARE int sl_datagram_take(struct sl_flow *flow, struct sl_work *work)
{
	if (!flow || !work)
		return 0;
	uint32_t sender = work->sender & 1;
	struct sl_datagram *gram = &flow->gram[sender], *peer = &flow->gram[1 - sender];
	const struct sl_packet *packet = &work->packet;

	if (sl_dns_is(packet) && !sl_dns_take(gram, peer, work))
		return 0; /* no sign of life either */
	if (sl_dhcp_is(packet))
		return 0; /* the LAN's own: whether it is answered says nothing of an uplink */
	sl_datagram_liveness(gram, peer, work);
	if (sl_dns_is(packet))
		return 0;
	if (packet->icmp_echo)
		sl_echo_take(gram, peer, work);
	else if (sl_media_is(packet))
		sl_media_take(gram, work);
	else if (packet->head_bytes)
		sl_quic_take(gram, peer, sender == flow->initiator, work);
	return 0;
}

/* What the way of @flow, which is no TCP connection, says of its state now. */
SL_INLINE uint8_t sl_datagram_kind(const struct sl_flow *flow)
{
	const struct sl_datagram *asker = &flow->gram[flow->initiator & 1];

	if (asker->asks && flow->key.proto == SL_PROTO_UDP)
		return SL_FLOW_QUERY;
	if ((asker->flags & (SL_GRAM_QUIC | SL_GRAM_HELLO_OVER)) == SL_GRAM_QUIC)
		return SL_FLOW_HELLO;
	return SL_FLOW_DATAGRAM;
}

#endif
