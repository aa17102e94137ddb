/*
 * quic.h - QUIC seen from the middle: handshake round trips, unanswered hellos, spin bit
 *
 * Long headers show version and type (RFC 8999 5.1, RFC 9000 17.2, RFC 9369 3.2).  The
 * client's first Initial to the server's first answer is the trip to the server, that to the
 * client's next packet the trip to the client; an Initial that was sent again makes the first
 * ambiguous (Karn).  The spin bit (RFC 9000 17.4; RFC 9312 3.8.2 for one leg's part) is only
 * believed where most of its times are near the handshake's: it misleads for half of the
 * connections that have it (PEERS.md 1).  Pure.
 */
#ifndef SL_QUIC_H
#define SL_QUIC_H

#include "rtt.h"

/* Bits of sl_datagram.flags. */
enum {
	SL_GRAM_HEARD = 1 << 0,      /* this side has sent something */
	SL_GRAM_ANSWERED = 1 << 1,   /* both have */
	SL_GRAM_QUIC = 1 << 2,       /* the initiator has sent a QUIC Initial */
	SL_GRAM_HELLO_OVER = 1 << 3, /* it was answered, or counted as unanswered */
	SL_GRAM_AMBIGUOUS = 1 << 4,  /* it was sent again */
	SL_GRAM_WAITS = 1 << 5,      /* hello_tick waits for the other side's next packet */
	SL_GRAM_SPIN_KNOWN = 1 << 6,
	SL_GRAM_SPIN = 1 << 7,      /* this side's last spin bit */
	SL_GRAM_SPIN_EDGE = 1 << 8, /* spin_tick is set */
};

#define SL_QUIC_AGAIN_TICKS 781250u /* 50 ms: no second datagram of one hello comes this late */
#define SL_QUIC_REPEATS     2       /* a hello sent this often again is unanswered */
#define SL_QUIC_INITIAL_MIN 1200u  /* bytes of a datagram with a client's Initial (RFC 9000 14.1) */
#define SL_SPIN_TRIAL       8u     /* samples before the spin bit may be believed */
#define SL_SPIN_GRACE_TICKS 15625u /* 1 ms */

/* Version of the long header that @packet's first bytes are; 0 = none (or version negotiation). */
SL_INLINE uint32_t sl_quic_version(const struct sl_packet *packet)
{
	if (packet->head0 >> 30 != 3) /* header form and fixed bit */
		return 0;
	return packet->head0 << 8 | packet->head4 >> 24;
}

/* A server's Version Negotiation packet (RFC 8999 6): but for the first, its first bits are anything. */
SL_INLINE bool sl_quic_is_negotiation(const struct sl_packet *packet)
{
	return packet->head0 >> 31 && !(packet->head0 << 8 | packet->head4 >> 24);
}

/* Versions whose long headers are laid out as version 1's: it, 2, the drafts, mvfst. */
SL_INLINE bool sl_quic_is_known(uint32_t version)
{
	return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000 ||
	       version >> 4 == 0xfaceb00;
}

SL_INLINE bool sl_quic_is_initial(const struct sl_packet *packet, uint32_t version)
{
	uint32_t type = packet->head0 >> 28 & 3;

	return type == (version == 0x6b3343cf ? 1 : 0);
}

/* An Initial of the client, whose datagrams are @gram's. */
SL_INLINE void sl_quic_hello(struct sl_datagram *gram, struct sl_work *work)
{
	if (gram->flags & SL_GRAM_HELLO_OVER)
		return;
	if (!(gram->flags & SL_GRAM_QUIC)) {
		gram->flags |= SL_GRAM_QUIC | SL_GRAM_WAITS;
		gram->hello_tick = work->now_tick;
		work->result.seen |= SL_SEEN_HELLO;
		return;
	}
	if (work->now_tick - gram->hello_tick < SL_QUIC_AGAIN_TICKS)
		return;
	gram->flags |= SL_GRAM_AMBIGUOUS;
	if (++gram->hello_repeats < SL_QUIC_REPEATS)
		return;
	gram->flags |= SL_GRAM_HELLO_OVER;
	work->result.seen |= SL_SEEN_HELLO_UNANSWERED;
}

/* A packet answers what @gram's side last waited for: the handshake's time of that leg. */
SL_INLINE void sl_quic_handshake(struct sl_datagram *gram, struct sl_work *work)
{
	uint32_t ticks = work->now_tick - gram->hello_tick;

	gram->flags &= (uint16_t)~SL_GRAM_WAITS;
	gram->flags |= SL_GRAM_HELLO_OVER;
	if (gram->flags & SL_GRAM_AMBIGUOUS || ticks > SL_RTT_MAX_TICKS)
		return;
	gram->quic_rtt = ticks ? ticks : 1;
	work->result.method = SL_METHOD_QUIC;
	work->result.sample[SL_SAMPLE_EVENT] = (struct sl_sample){ticks, 1};
}

/* This side's spin bit turned at @work's time, after @peer's did: a round trip of this leg? */
SL_INLINE void sl_spin_edge(struct sl_datagram *peer, struct sl_work *work)
{
	uint32_t ticks = work->now_tick - peer->spin_tick, rtt = peer->quic_rtt;

	if (!rtt || ticks > SL_RTT_MAX_TICKS)
		return;
	peer->spin_number++;
	peer->spin_near += ticks >= rtt / 2 && ticks <= rtt * 2 + SL_SPIN_GRACE_TICKS;
	if (peer->spin_number < SL_SPIN_TRIAL || peer->spin_near < peer->spin_number / 4 * 3)
		return;
	work->result.method = SL_METHOD_SPIN;
	work->result.sample[SL_SAMPLE_EVENT] = (struct sl_sample){ticks, 1};
}

/* A short header (RFC 9000 17.3): the spin bit of this side, against the other's last turn. */
SL_INLINE void sl_spin_take(struct sl_datagram *gram, struct sl_datagram *peer,
			    struct sl_work *work)
{
	uint32_t spin = work->packet.head0 >> 29 & 1;
	bool turned = (gram->flags & SL_GRAM_SPIN_KNOWN) && spin != !!(gram->flags & SL_GRAM_SPIN);

	gram->flags |= SL_GRAM_SPIN_KNOWN;
	if (!turned) {
		gram->flags = (uint16_t)((gram->flags & ~SL_GRAM_SPIN) | (spin ? SL_GRAM_SPIN : 0));
		return;
	}
	gram->flags ^= SL_GRAM_SPIN;
	if (peer->flags & SL_GRAM_SPIN_EDGE)
		sl_spin_edge(peer, work);
	peer->flags &= (uint16_t)~SL_GRAM_SPIN_EDGE;
	gram->spin_tick = work->now_tick;
	gram->flags |= SL_GRAM_SPIN_EDGE;
}

/* A datagram that is neither DNS nor RTP: @gram is its side's, @client: of the initiator. */
SL_INLINE void sl_quic_take(struct sl_datagram *gram, struct sl_datagram *peer, bool client,
			    struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	uint32_t version = sl_quic_version(packet);
	bool known = sl_quic_is_known(version);
	uint32_t sample = work->result.sample[SL_SAMPLE_EVENT].weight;

	if (client && known && sl_quic_is_initial(packet, version) &&
	    packet->payload_bytes >= SL_QUIC_INITIAL_MIN)
		sl_quic_hello(gram, work);
	if (!((client ? gram : peer)->flags & SL_GRAM_QUIC))
		return;
	if ((peer->flags & SL_GRAM_WAITS) && (known || client || sl_quic_is_negotiation(packet))) {
		sl_quic_handshake(peer, work);
		if (!client) { /* the client's next packet answers this one */
			gram->hello_tick = work->now_tick;
			gram->flags |= SL_GRAM_WAITS;
		}
	}
	if (packet->head0 >> 30 == 1 && !sample)
		sl_spin_take(gram, peer, work);
}

#endif
