/*
 * reflect.h - a STAMP test packet (RFC 8762) turned round in its frame, by the socket's rules
 *
 * Unauthenticated and stateless (4.3.1): the answer is as long as the question and carries its
 * number.  Only what is plain is turned here: UDP 862, IPv4 without options, IPv6 without
 * extension headers, no fragment, two VLAN tags at most, sums that hold; to an address of
 * the very device, tags and MAC that it came by, as a tag may have been taken off before, or a
 * sum left to a card.  All else is the kernel's, and so the socket's (reflector.h), which shares
 * the state below: who may ask, and one word that is the bucket of both.  Pure.
 */
#ifndef SL_REFLECT_H
#define SL_REFLECT_H

#include "link.h"
#include "packet.h"
#include "turn.h"

#define SL_STAMP_PORT  862
#define SL_STAMP_BYTES 44 /* RFC 8762 4.2.1, 4.3.1: both directions, so nothing is amplified */

#define SL_REFLECT_ALLOW_MAX 8
#define SL_REFLECT_UDP_MAX   1480u /* header and all; a longer one is the socket's */
#define SL_REFLECT_TTL       255
#define SL_REFLECT_S         UINT64_C(1000000000)
#define SL_REFLECT_NTP_EPOCH UINT64_C(2208988800) /* from 1900 to 1970, s */

/* An address in network order, IPv4 as ::ffff:a.b.c.d, as two words to compare. */
struct sl_reflect_address {
	uint64_t word[2];
};

struct sl_reflect_prefix {
	struct sl_reflect_address network, mask;
};

/* The agent writes, but for the bucket (both do, atomically) and .reflected (the program). */
struct sl_reflect_state {
	uint64_t valid_until_ns; /* CLOCK_MONOTONIC: then the program passes all; 0 = it rests */
	uint64_t unix_offset_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	uint64_t price_ns;       /* of an answer */
	uint64_t ahead_ns;       /* so much may come at once */
	uint32_t allows;         /* written last, 0 while the prefixes change */
	uint32_t devices;        /* where the program stands; for status */
	struct sl_reflect_prefix allow[SL_REFLECT_ALLOW_MAX];
	uint64_t paid_until_ns __attribute__((aligned(64)));
	uint64_t reflected;
};

/* Where a question may go to: an own address, on a device, behind its tags (outer first; 0 = none). */
struct sl_reflect_local {
	struct sl_reflect_address address;
	uint32_t ifindex;
	uint16_t vlan[SL_VLAN_TAGS_MAX];
};
SL_ASSERT_SIZE(struct sl_reflect_local, 24); /* a key has no hole */

/* The MAC of an own address's device. */
struct sl_reflect_mac {
	uint8_t byte[6];
	uint8_t pad[2];
};

/* What a frame asks. */
struct sl_reflect_question {
	struct sl_reflect_local to; /* .ifindex is the caller's */
	struct sl_reflect_address from;
	uint32_t l3, l4; /* offsets */
	uint32_t udp_bytes;
	bool ip6;
	bool summed; /* IPv4 may go without (RFC 768) */
};

/* ---- who may ask, and how often ---- */

SL_INLINE bool sl_reflect_may_ask(const struct sl_reflect_state *state,
				  const struct sl_reflect_address *from)
{
	for (uint32_t i = 0; i < SL_REFLECT_ALLOW_MAX && i < state->allows; i++) {
		const struct sl_reflect_prefix *p = &state->allow[i];

		if ((from->word[0] & p->mask.word[0]) == p->network.word[0] &&
		    (from->word[1] & p->mask.word[1]) == p->network.word[1])
			return true;
	}
	return false;
}

/* A tenth of a second's worth may come at once. */
SL_INLINE void sl_reflect_set_rate(struct sl_reflect_state *state, uint32_t per_second)
{
	state->price_ns = SL_REFLECT_S / per_second;
	state->ahead_ns = SL_REFLECT_S / 10 > state->price_ns ? SL_REFLECT_S / 10 : state->price_ns;
}

/* As in probe.c one word is the bucket.  False also when another CPU paid at this moment. */
SL_INLINE bool sl_reflect_pay(struct sl_reflect_state *state, uint64_t now_ns)
{
	uint64_t was_ns = *(volatile uint64_t *)&state->paid_until_ns;
	uint64_t paid_ns = (was_ns > now_ns ? was_ns : now_ns) + state->price_ns;

	return paid_ns - now_ns <= state->ahead_ns &&
	       __sync_val_compare_and_swap(&state->paid_until_ns, was_ns, paid_ns) == was_ns;
}

/* ---- what a frame asks ---- */

/* As sl_turn_fold(), in the order of the machine: a sum's order is its reader's choice. */
SL_INLINE uint32_t sl_reflect_fold64(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return sl_turn_fold((uint32_t)sum);
}

/*
 * Sum of @bytes of a UDP datagram at @p, and of its @bytes and protocol as in a pseudo-header,
 * to which the caller adds the addresses: words in the order of the machine.  0, which none
 * has: it does not end before @end.
 */
SL_INLINE uint64_t sl_reflect_sum(const uint8_t *p, const uint8_t *end, uint32_t bytes)
{
	uint64_t sum =
		(uint64_t)__builtin_bswap16((uint16_t)bytes) + __builtin_bswap16(SL_PROTO_UDP);
	struct sl_cursor c = {p, end};
	uint32_t at = 4;

	for (; at <= bytes && at <= SL_REFLECT_UDP_MAX; at += 4) {
		const uint8_t *word = sl_take(&c, 4);

		if (!word)
			return 0;
		sum += sl_load32(word);
	}
	for (uint32_t i = 0; i < (bytes & 3); i++) {
		const uint8_t *byte = sl_take(&c, 1);

		if (!byte)
			return 0;
		sum += i == 1 ? (uint32_t)*byte << 8 : *byte;
	}
	return sum;
}

/* Does @sum, of sl_reflect_sum(), hold with the addresses of @q and the checksum in it? */
SL_INLINE bool sl_reflect_holds(const struct sl_reflect_question *q, uint64_t sum)
{
	const struct sl_reflect_address *a = &q->from, *b = &q->to.address;

	/* IPv4: of the words of a mapped address only ::ffff adds, 0xffff, which is none. */
	for (int i = 0; i < 2; i++)
		sum += (a->word[i] & 0xffffffff) + (a->word[i] >> 32) + (b->word[i] & 0xffffffff) +
		       (b->word[i] >> 32);
	return sl_reflect_fold64(sum) == 0;
}

SL_INLINE struct sl_reflect_address sl_reflect_mapped(const uint8_t *ip4)
{
	return (struct sl_reflect_address){
		{0, (uint64_t)sl_load32(ip4) << 32 | UINT64_C(0xffff0000)}};
}

/* An IPv4 header of 20 bytes at @c whose sum holds, no fragment: the rest is @*left bytes. */
SL_INLINE bool sl_reflect_ip4(struct sl_cursor *c, struct sl_reflect_question *q, uint32_t *left)
{
	const uint8_t *ip = sl_take(c, 20);

	if (!ip || ip[0] != 0x45 || ip[9] != SL_PROTO_UDP || (sl_be16(ip + 6) & 0x3fff) ||
	    sl_turn_fold(sl_turn_sum(ip, 20)))
		return false;
	*left = (uint32_t)sl_be16(ip + 2) - 20;
	q->from = sl_reflect_mapped(ip + 12);
	q->to.address = sl_reflect_mapped(ip + 16);
	return true;
}

SL_INLINE bool sl_reflect_ip6(struct sl_cursor *c, struct sl_reflect_question *q, uint32_t *left)
{
	const uint8_t *ip = sl_take(c, 40);

	if (!ip || ip[0] >> 4 != 6 || ip[6] != SL_PROTO_UDP)
		return false;
	*left = sl_be16(ip + 4);
	q->from = (struct sl_reflect_address){{sl_load64(ip + 8), sl_load64(ip + 16)}};
	q->to.address = (struct sl_reflect_address){{sl_load64(ip + 24), sl_load64(ip + 32)}};
	return true;
}

/* From its own port nobody asks: two reflectors would ask each other for ever. */
SL_INLINE bool sl_reflect_udp(struct sl_cursor *c, struct sl_reflect_question *q, uint32_t left)
{
	const uint8_t *udp = sl_take(c, 8 + SL_STAMP_BYTES);

	if (!udp || sl_be16(udp + 2) != SL_STAMP_PORT || sl_be16(udp) == SL_STAMP_PORT ||
	    sl_be16(udp) == 0)
		return false;
	q->udp_bytes = sl_be16(udp + 4);
	q->summed = sl_load16(udp + 6) != 0;
	return q->udp_bytes == left && left >= 8 + SL_STAMP_BYTES && left <= SL_REFLECT_UDP_MAX &&
	       (q->summed || !q->ip6);
}

/* Is the frame from @frame to @end a question that may be turned here?  *@q was zero. */
SL_INLINE bool sl_reflect_read(const uint8_t *frame, const uint8_t *end,
			       struct sl_reflect_question *q)
{
	struct sl_cursor c = {frame, end};
	const uint8_t *p = sl_take(&c, 14);
	uint32_t left = 0;

	if (!p)
		return false;
	uint16_t type = sl_be16(p + 12);

	q->l3 = 14;
	for (uint32_t i = 0; i < SL_VLAN_TAGS_MAX && sl_link_is_tag(type); i++) {
		p = sl_take(&c, 4);
		if (!p)
			return false;
		q->to.vlan[i] = sl_be16(p) & 0xfff;
		q->l3 += 4;
		type = sl_be16(p + 2);
	}
	q->ip6 = type == SL_ETHERTYPE_IP6;
	q->l4 = q->l3 + (q->ip6 ? 40 : 20);
	if (q->ip6 ? !sl_reflect_ip6(&c, q, &left)
		   : type != SL_ETHERTYPE_IP4 || !sl_reflect_ip4(&c, q, &left))
		return false;
	return sl_reflect_udp(&c, q, left);
}

/* Is the frame, of 14 bytes and more, for @mac, and from a single station? */
SL_INLINE bool sl_reflect_is_for(const uint8_t *frame, const struct sl_reflect_mac *mac)
{
	return sl_load32(frame) == sl_load32(mac->byte) &&
	       sl_load16(frame + 4) == sl_load16(mac->byte + 4) && !(frame[6] & 1);
}

/* ---- the answer ---- */

SL_INLINE void sl_reflect_put32(uint8_t *to, uint32_t value)
{
	sl_turn_put16(to, value >> 16);
	sl_turn_put16(to + 2, value);
}

/* NTP's 64-bit format (RFC 5905 6): seconds since 1900 and a binary fraction. */
SL_INLINE void sl_reflect_put_time(uint8_t *to, uint64_t unix_ns)
{
	sl_reflect_put32(to, (uint32_t)(unix_ns / SL_REFLECT_S + SL_REFLECT_NTP_EPOCH));
	sl_reflect_put32(to + 4, (uint32_t)((unix_ns % SL_REFLECT_S << 32) / SL_REFLECT_S));
}

/* S 0: this clock is not known to be synchronized; Z 0: NTP format; about 1 ms: 2^-32 x 2^22 s. */
SL_INLINE void sl_reflect_put_error(uint8_t *to)
{
	to[0] = 22; /* scale */
	to[1] = 1;  /* multiplier */
}

/* The fields of RFC 8762 4.3.1 into the sender's first SL_STAMP_BYTES at @packet (4.2.1). */
SL_INLINE void sl_reflect_fields(uint8_t *packet, uint8_t ttl, uint64_t received_unix_ns,
				 uint64_t replied_unix_ns)
{
	/* The sender's number, time and error estimate, as they are; its number is ours, too. */
	for (int i = 0; i < 14; i++)
		packet[24 + i] = packet[i];
	sl_turn_put16(packet + 38, 0);
	packet[40] = ttl;
	for (int i = 41; i < SL_STAMP_BYTES; i++)
		packet[i] = 0;
	sl_reflect_put_time(packet + 16, received_unix_ns);
	sl_reflect_put_time(packet + 4, replied_unix_ns);
	sl_reflect_put_error(packet + 12);
	sl_turn_put16(packet + 14, 0);
}

/* The datagram at @udp; its checksum by RFC 1624 equation 3, for the sum held: 0 is none. */
SL_INLINE void sl_reflect_datagram(uint8_t *udp, uint8_t ttl, uint64_t received_unix_ns,
				   uint64_t replied_unix_ns)
{
	uint32_t was = sl_turn_sum(udp + 8, SL_STAMP_BYTES), sum = sl_be16(udp + 6);

	sl_turn_swap(udp, udp + 2, 2);
	sl_reflect_fields(udp + 8, ttl, received_unix_ns, replied_unix_ns);
	if (!sum)
		return;
	sum = sl_turn_fold((~sum & 0xffff) + sl_turn_fold(was) +
			   sl_turn_sum(udp + 8, SL_STAMP_BYTES));
	sl_turn_put16(udp + 6, sum ? sum : 0xffff);
}

/* Turn the frame of @q round.  False: it ends before @end, and is as it was. */
SL_INLINE bool sl_reflect_turn(uint8_t *frame, const uint8_t *end,
			       const struct sl_reflect_question *q, uint64_t received_unix_ns,
			       uint64_t replied_unix_ns)
{
	uint8_t *ip = frame + (q->l3 & SL_LINK_BYTES_MASK), ttl;

	if (frame + 14 > end || ip + (q->ip6 ? 40 : 20) + 8 + SL_STAMP_BYTES > end)
		return false;
	if (q->ip6) {
		ttl = ip[7];
		ip[7] = SL_REFLECT_TTL;
		sl_turn_swap(ip + 8, ip + 24, 16);
		sl_reflect_datagram(ip + 40, ttl, received_unix_ns, replied_unix_ns);
	} else {
		ttl = ip[8];
		ip[8] = SL_REFLECT_TTL;
		sl_turn_swap(ip + 12, ip + 16, 4);
		sl_turn_put16(ip + 10, 0);
		sl_turn_put16(ip + 10, sl_turn_fold(sl_turn_sum(ip, 20)));
		sl_reflect_datagram(ip + 20, ttl, received_unix_ns, replied_unix_ns);
	}
	sl_turn_swap(frame, frame + 6, 6);
	return true;
}

#endif
