/*
 * tunnel.h - from a tunnel's outer headers to the inner ones, one level, when the policy asks
 *
 * GRE (RFC 2784, 2890), IP in IP (RFC 2003, 2473, 4213), VXLAN (RFC 7348), Geneve (RFC 8926),
 * GTP-U (3GPP TS 29.281 5).  The packet then is what its inner headers say, but for the
 * VLAN tag, which stays the outer one's; what is inside and not IP is counted as not IP.
 */
#ifndef SL_TUNNEL_H
#define SL_TUNNEL_H

#include "packet.h"

#define SL_PROTO_IPIP 4
#define SL_PROTO_6IN4 41
#define SL_PROTO_GRE  47

#define SL_PORT_GTPU   2152
#define SL_PORT_VXLAN  4789
#define SL_PORT_GENEVE 6081

#define SL_ETHERTYPE_BRIDGED 0x6558 /* an Ethernet frame in GRE or Geneve */
#define SL_GTPU_GPDU         255    /* the message that carries a packet */
#define SL_GTPU_EXTS_MAX     4

/* The tunnel that UDP to @port is; 0 = none. */
SL_INLINE uint32_t sl_tunnel_of_port(uint16_t port)
{
	switch (port) {
	case SL_PORT_VXLAN:
		return SL_TUNNEL_VXLAN;
	case SL_PORT_GENEVE:
		return SL_TUNNEL_GENEVE;
	case SL_PORT_GTPU:
		return SL_TUNNEL_GTPU;
	default:
		return 0;
	}
}

/* The tunnel whose outer headers @packet has, with its transport header at @c; 0 = none. */
SL_INLINE uint32_t sl_tunnel_of(const struct sl_packet *packet, struct sl_cursor c)
{
	if (packet->fragment == SL_FRAGMENT_LATER)
		return 0;
	if (packet->proto == SL_PROTO_GRE)
		return SL_TUNNEL_GRE;
	if (packet->proto == SL_PROTO_IPIP || packet->proto == SL_PROTO_6IN4)
		return SL_TUNNEL_IPIP;
	if (packet->proto != SL_PROTO_UDP)
		return 0;
	const uint8_t *p = sl_take(&c, 8);

	return p ? sl_tunnel_of_port(sl_be16(p + 2)) : 0;
}

/* GRE header: checksum, key and sequence number as its flags say; 0 = cut short, 1 = not known. */
SL_INLINE uint16_t sl_tunnel_gre(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 4);

	if (!p)
		return 0;
	uint32_t options = 4u * (uint32_t)((p[0] >> 7) + (p[0] >> 5 & 1) + (p[0] >> 4 & 1));
	uint16_t type = sl_be16(p + 2);

	if ((p[0] & 0x40) || (p[1] & 7)) /* source routes; PPTP's version 1 */
		return 1;
	return sl_take(c, options) ? type : 0;
}

/* VXLAN header (RFC 7348 5): a frame, if its flag I says so. */
SL_INLINE uint16_t sl_tunnel_vxlan(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 8 + 8);

	if (!p)
		return 0;
	return p[8] & 0x08 ? SL_ETHERTYPE_BRIDGED : 1;
}

SL_INLINE uint16_t sl_tunnel_geneve(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 8 + 8);

	if (!p)
		return 0;
	if (p[8] >> 6) /* version 0 is the only one (RFC 8926 3.4) */
		return 1;
	uint32_t options = (uint32_t)(p[8] & 0x3f) * 4;
	uint16_t type = sl_be16(p + 10);

	return sl_take(c, options) ? type : 0;
}

/* GTP-U header and its extension headers (TS 29.281 5.1, 5.2). */
SL_INLINE uint16_t sl_tunnel_gtpu(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 8 + 8);

	if (!p)
		return 0;
	bool more = p[8] & 7;
	/* What the flags S or PN alone bring has a type in it that says nothing. */
	uint8_t typed = (uint8_t)(0 - (p[8] >> 2 & 1));

	if (p[8] >> 4 != 3 || p[9] != SL_GTPU_GPDU) /* version 1, GTP and not GTP' */
		return 1;
	p = more ? sl_take(c, 4) : p;
	if (!p)
		return 0;
	uint32_t next = more ? p[3] & typed : 0;

	for (uint32_t i = 0; i < SL_GTPU_EXTS_MAX && next; i++) {
		p = sl_take(c, 4);
		if (!p)
			return 0;
		uint32_t rest = (uint32_t)p[0] * 4 - 4;

		next = p[3];
		if (rest > 0) { /* the type of the next stands in the last byte */
			if (rest > 252)
				return 1;
			p = sl_take(c, rest);
			if (!p)
				return 0;
			struct sl_cursor last = *c;

			last.pos -= 1;
			p = sl_take(&last, 1);
			if (!p)
				return 0;
			next = p[0];
		}
	}
	struct sl_cursor ahead = *c;

	p = sl_take(&ahead, 1);
	return p ? sl_link_ip_type(p[0]) : 0;
}

/* The header of @tunnel at @c to what is inside: an ethertype; 0 = cut short, 1 = not known. */
SL_INLINE uint16_t sl_tunnel_header(struct sl_cursor *c, uint32_t tunnel, uint8_t proto)
{
	switch (tunnel) {
	case SL_TUNNEL_IPIP:
		return proto == SL_PROTO_IPIP ? SL_ETHERTYPE_IP4 : SL_ETHERTYPE_IP6;
	case SL_TUNNEL_GRE:
		return sl_tunnel_gre(c);
	case SL_TUNNEL_VXLAN:
		return sl_tunnel_vxlan(c);
	case SL_TUNNEL_GENEVE:
		return sl_tunnel_geneve(c);
	default:
		return sl_tunnel_gtpu(c);
	}
}

/* The Ethernet header of a bridged frame, with its tags; 0 = cut short. */
SL_INLINE uint16_t sl_tunnel_bridged(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 14);

	if (!p)
		return 0;
	uint16_t type = sl_be16(p + 12);

	for (uint32_t i = 0; i < SL_VLAN_TAGS_MAX && sl_link_is_tag(type); i++) {
		p = sl_take(c, 4);
		if (!p)
			return 0;
		type = sl_be16(p + 2);
	}
	return type;
}

/*
 * After sl_packet_network(): when @packet, with its transport header at @c, is one of
 * @asked (enum sl_tunnel bits), it becomes what is inside, and @c stands at the inner
 * transport header.  Returns as sl_packet_network(); SL_REASON_MEASURED also when there is
 * no tunnel.
 */
SL_INLINE enum sl_reason sl_tunnel_enter(struct sl_cursor *c, struct sl_packet *packet,
					 uint32_t asked)
{
	const uint8_t *start = c->pos;
	uint32_t tunnel = sl_tunnel_of(packet, *c) & asked, outer = packet->l4_offset;
	enum sl_reason reason;

	if (!tunnel)
		return SL_REASON_MEASURED;
	uint16_t vlan = packet->vlan, type = sl_tunnel_header(c, tunnel, packet->proto);
	uint8_t tags = packet->tags, tos = packet->tos, l3 = (uint8_t)packet->l3_offset;

	if (type == SL_ETHERTYPE_BRIDGED)
		type = sl_tunnel_bridged(c);
	*packet = (struct sl_packet){.vlan = vlan,
				     .tags = tags,
				     .inner = (uint16_t)tunnel,
				     .outer_l3_offset = l3,
				     .outer_tos = tos};
	packet->l3_offset = (uint16_t)(outer + (uint32_t)(c->pos - start));
	if (type == SL_ETHERTYPE_IP4)
		reason = sl_packet_ip4(c, packet, 0);
	else if (type == SL_ETHERTYPE_IP6)
		reason = sl_packet_ip6(c, packet);
	else
		return type ? SL_REASON_NOT_IP : SL_REASON_L4_SHORT;
	packet->l4_offset = (uint16_t)(outer + (uint32_t)(c->pos - start));
	return reason;
}

/* A frame that the short lane of the parse took whole, though the policy asks for its inside. */
SL_INLINE bool sl_tunnel_is_plain(const struct sl_packet *packet, uint32_t asked)
{
	return packet->proto == SL_PROTO_UDP && (sl_tunnel_of_port(packet->dst_port) & asked);
}

#endif
