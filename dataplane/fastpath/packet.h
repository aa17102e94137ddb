/*
 * packet.h - bytes of a frame to a struct sl_packet, all in host order
 *
 * Ethernet II, up to two 802.1Q/802.1ad tags, PPPoE session, MPLS, IPv4 with options,
 * IPv6 with extension headers (RFC 8200 4), fragments, TCP with options (RFC 9293
 * 3.2, RFC 7323 3.2), UDP, ICMP and ICMPv6 echo and errors.  What does not parse
 * is named by an enum sl_reason and passed on.  Network order ends here.
 */
#ifndef SL_PACKET_H
#define SL_PACKET_H

#include "link.h"

#define SL_PROTO_ICMP  1
#define SL_PROTO_TCP   6
#define SL_PROTO_UDP   17
#define SL_PROTO_ICMP6 58

#define SL_TCP_FIN 0x01
#define SL_TCP_SYN 0x02
#define SL_TCP_RST 0x04
#define SL_TCP_PSH 0x08
#define SL_TCP_ACK 0x10

#define SL_IP6_EXT_MAX   6  /* more than any sane host sends; beyond it: SL_REASON_IP6_DEEP */
#define SL_TCP_OPT_BYTES 40 /* the most that a data offset of 15 leaves */
#define SL_TCP_OPT_MAX   10 /* options read before giving up; stacks send 2 to 6, NOPs included */

enum sl_fragment { SL_FRAGMENT_NONE, SL_FRAGMENT_FIRST, SL_FRAGMENT_LATER };

struct sl_packet {
	struct sl_addr src, dst;
	uint32_t ip_bytes;      /* IPv4 total length, or IPv6 payload length + 40 */
	uint32_t payload_bytes; /* behind the TCP, UDP or ICMP header, by the IP length; until the
				   transport header is read: behind the IP header */

	union {
		struct {
			uint16_t src_port, dst_port; /* ICMP echo: the identifier, in the
							requester's place */
			union {
				uint32_t seq;
				uint32_t head0; /* UDP: the payload's first bytes, as numbers */
			};
			union {
				uint32_t ack;
				uint32_t head4;
			};
			uint8_t tcp_offset; /* as it stands there: words in the upper half */
			uint8_t tcp_flags;
			union {
				uint16_t window;
				uint16_t head_bytes; /* UDP: 12, or 0: cut short, no head */
			};
		};
		uint8_t tcp[16]; /* the same as sl_load_tcp() writes it */
	};
	union {
		uint32_t tsval;
		uint32_t head8;
	};
	uint32_t tsecr;

	union {
		struct {
			uint16_t vlan; /* id of the outermost tag; 0 = none */
			uint16_t icmp_seq;
			uint8_t tags;
			uint8_t fragment;
			uint8_t icmp_echo;  /* 1 request, 2 reply */
			uint8_t icmp_error; /* 1: addresses and ports are those of the packet it is
					       about, reversed */
		};
		uint64_t special; /* the same as one word: 0 for nearly every frame */
	};
	uint16_t l3_offset; /* of the IP header in the frame */
	uint16_t l4_offset; /* of the TCP, UDP or ICMP header in the frame */
	uint8_t ip6;
	uint8_t proto;
	uint8_t tos; /* DSCP and ECN, RFC 2474, RFC 3168 */
	uint8_t has_ts;

	uint32_t fragment_id;
	uint16_t
		inner; /* enum sl_tunnel that it came in: what stands here is of the inner headers */
	union {
		struct {
			uint8_t outer_l3_offset; /* of the outer IP header in the frame */
			uint8_t outer_tos;
		};
		uint16_t outer; /* the same as one word; 0 without inner */
	};
};
SL_ASSERT_SIZE(struct sl_packet, 88);

/* IPv4 address at @p as ::ffff:a.b.c.d. */
SL_INLINE struct sl_addr sl_addr4(const uint8_t *p)
{
	return (struct sl_addr){0, UINT64_C(0xffff00000000) | sl_be32(p)};
}

SL_INLINE struct sl_addr sl_addr6(const uint8_t *p)
{
	return (struct sl_addr){sl_be64(p), sl_be64(p + 8)};
}

/* IPv4 (RFC 791 3.1). */
SL_INLINE enum sl_reason sl_packet_ip4(struct sl_cursor *c, struct sl_packet *packet,
				       uint32_t frame_l3_bytes)
{
	const uint8_t *p = sl_take(c, 20);

	if (!p)
		return SL_REASON_IP_SHORT;
	uint32_t header = (uint32_t)(p[0] & 0xf) * 4;
	uint32_t total = sl_be16(p + 2);
	uint16_t fragment = sl_be16(p + 6);

	if (p[0] >> 4 != 4 || header < 20)
		return SL_REASON_IP_BAD;
	if (total == 0) /* segmentation offload: the length was not filled in */
		total = frame_l3_bytes;
	if (total < header)
		return SL_REASON_IP_BAD;
	packet->tos = p[1];
	packet->proto = p[9];
	packet->src = sl_addr4(p + 12);
	packet->dst = sl_addr4(p + 16);
	packet->ip_bytes = total;
	packet->fragment_id = sl_be16(p + 4);
	if (fragment & 0x1fff)
		packet->fragment = SL_FRAGMENT_LATER;
	else if (fragment & 0x2000)
		packet->fragment = SL_FRAGMENT_FIRST;
	packet->payload_bytes = total - header;
	return sl_take(c, header - 20) ? SL_REASON_MEASURED : SL_REASON_IP_SHORT;
}

/*
 * IPv6 extension headers (RFC 8200 4; 44: 4.5; 51: RFC 4302 2) by their number: 0 = not
 * one, else 1 + how many bytes a unit of their length field counts.  A table, because
 * each test would be a path more for the verifier to walk.
 */
#define SL_IP6_FRAGMENT 44
static const uint8_t sl_packet_ext_unit[256] = {
	[0] = 9,   [43] = 9,  [SL_IP6_FRAGMENT] = 1, [51] = 5, [60] = 9, [135] = 9,
	[139] = 9, [140] = 9,
};

/* One extension header at @c.  *@next becomes the header behind it, *@used grows by its length. */
SL_INLINE enum sl_reason sl_packet_ext(struct sl_cursor *c, struct sl_packet *packet, uint8_t *next,
				       uint32_t *used)
{
	const uint8_t *p = sl_take(c, 8);

	if (!p)
		return SL_REASON_IP_SHORT;
	uint32_t more = (uint32_t)p[1] * ((sl_packet_ext_unit[*next] - 1u) & 0xf);

	if (*next == SL_IP6_FRAGMENT) {
		packet->fragment_id = sl_be32(p + 4);
		packet->fragment = sl_be16(p + 2) & 0xfff8 ? SL_FRAGMENT_LATER : SL_FRAGMENT_FIRST;
	}
	*next = p[0];
	*used += 8 + more;
	return sl_take(c, more) ? SL_REASON_MEASURED : SL_REASON_IP_SHORT;
}

/* IPv6 and its extension headers; a later fragment ends the walk. */
SL_INLINE enum sl_reason sl_packet_ip6(struct sl_cursor *c, struct sl_packet *packet)
{
	const uint8_t *p = sl_take(c, 40);
	uint32_t used = 0;

	if (!p)
		return SL_REASON_IP_SHORT;
	if (p[0] >> 4 != 6)
		return SL_REASON_IP_BAD;
	uint32_t payload = sl_be16(p + 4);
	uint8_t next = p[6];

	packet->ip6 = 1;
	packet->tos = (uint8_t)((p[0] & 0xf) << 4 | p[1] >> 4);
	packet->src = sl_addr6(p + 8);
	packet->dst = sl_addr6(p + 24);
	packet->ip_bytes = payload + 40;
	for (uint32_t i = 0; i < SL_IP6_EXT_MAX; i++) {
		if (!sl_packet_ext_unit[next])
			break;
		enum sl_reason reason = sl_packet_ext(c, packet, &next, &used);

		if (reason != SL_REASON_MEASURED)
			return reason;
		if (packet->fragment == SL_FRAGMENT_LATER)
			break;
	}
	packet->proto = next;
	if (packet->fragment != SL_FRAGMENT_LATER && sl_packet_ext_unit[next])
		return SL_REASON_IP6_DEEP;
	packet->payload_bytes = payload > used ? payload - used : 0;
	return SL_REASON_MEASURED;
}

/* The bytes between a TCP header's fixed part and its payload. */
struct sl_tcp_options {
	uint8_t byte[SL_TCP_OPT_BYTES];
	uint32_t length;
	uint32_t tsval, tsecr;
	uint32_t found;
};

/* Find the timestamps option (RFC 7323 3.2) among @options->byte. */
SL_VERIFY_ONCE int sl_packet_find_ts(struct sl_tcp_options *options)
{
	uint32_t at = 0;

	if (!options)
		return 0;
	for (uint32_t i = 0; i < SL_TCP_OPT_MAX; i++) {
		if (at + 1 >= options->length || at + 1 >= SL_TCP_OPT_BYTES)
			return 0;
		uint8_t kind = options->byte[at];
		uint8_t length = options->byte[at + 1];

		if (kind == 0)
			return 0;
		if (kind == 1) {
			at++;
			continue;
		}
		if (kind == 8 && length == 10 && at + 10 <= options->length &&
		    at + 10 <= SL_TCP_OPT_BYTES) {
			options->tsval = sl_be32(options->byte + at + 2);
			options->tsecr = sl_be32(options->byte + at + 6);
			options->found = 1;
			return 1;
		}
		if (length < 2)
			return 0;
		at += length;
	}
	return 0;
}

/* Copy the options (cut where the capture ends) and look for timestamps. */
SL_INLINE void sl_packet_tcp_options(struct sl_cursor *c, struct sl_packet *packet, uint32_t words)
{
	struct sl_tcp_options options = {0};

	for (uint32_t i = 0; i < SL_TCP_OPT_BYTES / 4; i++) {
		const uint8_t *p = i < words ? sl_take(c, 4) : NULL;

		if (!p)
			break;
		__builtin_memcpy(options.byte + i * 4, p, 4);
		options.length = (i + 1) * 4;
	}
	sl_packet_find_ts(&options);
	packet->tsval = options.tsval;
	packet->tsecr = options.tsecr;
	packet->has_ts = (uint8_t)options.found;
}

/* The transport header takes @header bytes; the rest is payload. */
SL_INLINE void sl_packet_payload(struct sl_packet *packet, uint32_t header)
{
	packet->payload_bytes = packet->payload_bytes > header ? packet->payload_bytes - header : 0;
}

/* TCP (RFC 9293 3.1). */
SL_INLINE enum sl_reason sl_packet_tcp(struct sl_cursor *c, struct sl_packet *packet)
{
	const uint8_t *p = sl_take(c, 20);

	if (!p)
		return SL_REASON_L4_SHORT;
	uint32_t words = p[12] >> 4;

	if (words < 5)
		return SL_REASON_L4_BAD;
	sl_load_tcp(packet->tcp, p);
	sl_packet_payload(packet, words * 4);
	if (words == 5)
		return SL_REASON_MEASURED;
	struct sl_cursor ahead = *c;
	const uint8_t *o = words == 8 ? sl_take(&ahead, 12) : NULL;

	/* What nearly every segment carries (RFC 7323 appendix A): NOP, NOP, timestamps. */
	if (o && sl_be32(o) == 0x0101080a) {
		packet->tsval = sl_be32(o + 4);
		packet->tsecr = sl_be32(o + 8);
		packet->has_ts = 1;
		return SL_REASON_MEASURED;
	}
	sl_packet_tcp_options(c, packet, words - 5);
	return SL_REASON_MEASURED;
}

/*
 * The packet that an ICMP error quotes (RFC 792; RFC 4443 2.4): its flow, with
 * source and destination swapped, because the error comes from its far end.
 */
SL_INLINE enum sl_reason sl_packet_quoted(struct sl_cursor *c, struct sl_packet *packet)
{
	const uint8_t *p = sl_take(c, packet->ip6 ? 40 : 20);

	if (!p)
		return SL_REASON_L4_SHORT;
	uint32_t options = packet->ip6 ? 0 : (uint32_t)(p[0] & 0xf) * 4 - 20;

	if (options > 40)
		return SL_REASON_L4_BAD;
	packet->proto = packet->ip6 ? p[6] : p[9];
	if (packet->ip6) {
		packet->dst = sl_addr6(p + 8);
		p = p + 24;
		packet->src = sl_addr6(p);
	} else {
		packet->dst = sl_addr4(p + 12);
		packet->src = sl_addr4(p + 16);
	}
	if (packet->proto != SL_PROTO_TCP && packet->proto != SL_PROTO_UDP)
		return SL_REASON_L4_OTHER;
	if (!sl_take(c, options))
		return SL_REASON_L4_SHORT;
	p = sl_take(c, 8);
	if (!p)
		return SL_REASON_L4_SHORT;
	packet->dst_port = sl_be16(p);
	packet->src_port = sl_be16(p + 2);
	packet->seq = sl_be32(p + 4); /* TCP's; of a UDP packet, length and checksum */
	packet->icmp_error = 1;
	return SL_REASON_MEASURED;
}

/* ICMP (RFC 792) and ICMPv6 (RFC 4443): echo is a flow, an error is about one. */
SL_INLINE enum sl_reason sl_packet_icmp(struct sl_cursor *c, struct sl_packet *packet)
{
	const uint8_t *p = sl_take(c, 8);

	if (!p)
		return SL_REASON_L4_SHORT;
	uint8_t type = p[0];
	uint16_t id = sl_be16(p + 4);

	packet->icmp_seq = sl_be16(p + 6);
	sl_packet_payload(packet, 8);
	if (type == (packet->ip6 ? 128 : 8)) {
		packet->icmp_echo = 1;
		packet->src_port = id;
		return SL_REASON_MEASURED;
	}
	if (type == (packet->ip6 ? 129 : 0)) {
		packet->icmp_echo = 2;
		packet->dst_port = id;
		return SL_REASON_MEASURED;
	}
	bool error = packet->ip6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;

	return error ? sl_packet_quoted(c, packet) : SL_REASON_L4_OTHER;
}

#define SL_HEAD_BYTES 12 /* DNS and RTP have as many; QUIC packets more */

/* UDP (RFC 768), and the first bytes of what it carries. */
SL_INLINE enum sl_reason sl_packet_udp(struct sl_cursor *c, struct sl_packet *packet)
{
	const uint8_t *p = sl_take(c, 8);

	if (!p)
		return SL_REASON_L4_SHORT;
	packet->src_port = sl_be16(p);
	packet->dst_port = sl_be16(p + 2);
	sl_packet_payload(packet, 8);
	if (packet->payload_bytes < SL_HEAD_BYTES)
		return SL_REASON_MEASURED;
	p = sl_take(c, SL_HEAD_BYTES);
	if (!p)
		return SL_REASON_MEASURED;
	packet->head0 = sl_be32(p);
	packet->head4 = sl_be32(p + 4);
	packet->head8 = sl_be32(p + 8);
	packet->head_bytes = SL_HEAD_BYTES;
	return SL_REASON_MEASURED;
}

/*
 * First half of a parse: link and network headers of the frame at @c, @wire_bytes
 * long on the wire, into *@packet; *@c is left at the transport header.  Returns
 * SL_REASON_MEASURED, or why not: then what came before the fault is set, the rest 0.
 */
SL_INLINE enum sl_reason sl_packet_network(struct sl_cursor *c, uint32_t wire_bytes,
					   struct sl_packet *packet)
{
	const uint8_t *start = c->pos;
	struct sl_link link = {0};

	*packet = (struct sl_packet){0};
	enum sl_reason reason = sl_link_read(c, &link);

	packet->vlan = link.vlan;
	packet->tags = link.tags;
	if (reason != SL_REASON_MEASURED)
		return reason;
	packet->l3_offset = (uint16_t)(c->pos - start);
	if (link.ethertype == SL_ETHERTYPE_IP4)
		reason = sl_packet_ip4(c, packet, wire_bytes - packet->l3_offset);
	else if (link.ethertype == SL_ETHERTYPE_IP6)
		reason = sl_packet_ip6(c, packet);
	else
		return SL_REASON_NOT_IP;
	packet->l4_offset = (uint16_t)(c->pos - start);
	return reason;
}

/*
 * Second half: the transport header at @c.  A later fragment has none; it keeps
 * its ports 0 and says so in .fragment.  Returns as sl_packet_network().
 */
SL_INLINE enum sl_reason sl_packet_transport(struct sl_cursor *c, struct sl_packet *packet)
{
	if (packet->fragment == SL_FRAGMENT_LATER)
		return SL_REASON_MEASURED;
	switch (packet->proto) {
	case SL_PROTO_TCP:
		return sl_packet_tcp(c, packet);
	case SL_PROTO_UDP:
		return sl_packet_udp(c, packet);
	case SL_PROTO_ICMP:
		return packet->ip6 ? SL_REASON_L4_OTHER : sl_packet_icmp(c, packet);
	case SL_PROTO_ICMP6:
		return packet->ip6 ? sl_packet_icmp(c, packet) : SL_REASON_L4_OTHER;
	default:
		return SL_REASON_L4_OTHER;
	}
}

#endif
