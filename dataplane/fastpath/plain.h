/*
 * plain.h - the short lane of the parse, for the frame that nearly all frames are
 *
 * Untagged Ethernet, IPv4 or IPv6 without options, no fragment, TCP without options or
 * with timestamps alone, or UDP.  What it makes of such a frame is what packet.h makes of
 * it, byte for byte (packet_test.c holds the two together); everything else it leaves to
 * packet.h.  Bounds, words and order as there.
 */
#ifndef SL_PLAIN_H
#define SL_PLAIN_H

#include "packet.h"

/* Two words of a frame's headers as they stand there, to compare with without swapping. */
#define SL_PLAIN_IP4      UINT32_C(0x00450008) /* IPv4, a header of 20 bytes */
#define SL_PLAIN_IP4_MASK UINT32_C(0x00ffffff)
#define SL_PLAIN_IP6      UINT32_C(0x0060dd86)
#define SL_PLAIN_IP6_MASK UINT32_C(0x00f0ffff)
#define SL_PLAIN_FRAGMENT UINT16_C(0xff3f)     /* more fragments, or an offset */
#define SL_PLAIN_TS       UINT32_C(0x0a080101) /* NOP, NOP, timestamps (RFC 7323 appendix A) */

/* The TCP header at @l4, with @left bytes of IP payload, without options or with timestamps. */
SL_INLINE bool sl_packet_plain_tcp(const uint8_t *l4, const uint8_t *end, uint32_t left,
				   struct sl_packet *packet)
{
	if (l4 + 20 > end)
		return false;
	uint32_t words = l4[12] >> 4;

	packet->tsval = 0;
	packet->tsecr = 0;
	packet->has_ts = 0;
	if (words != 5) {
		if (l4 + 32 > end || words != 8 || sl_load32(l4 + 20) != SL_PLAIN_TS)
			return false;
		packet->tsval = sl_be32(l4 + 24);
		packet->tsecr = sl_be32(l4 + 28);
		packet->has_ts = 1;
	}
	if (left < words * 4)
		return false;
	packet->payload_bytes = left - words * 4;
	sl_load_tcp(packet->tcp, l4);
	return true;
}

SL_INLINE bool sl_packet_plain_udp(const uint8_t *l4, const uint8_t *end, uint32_t left,
				   struct sl_packet *packet)
{
	if (l4 + 8 > end || left < 8)
		return false;
	packet->payload_bytes = left - 8;
	packet->src_port = sl_be16(l4);
	packet->dst_port = sl_be16(l4 + 2);
	packet->tcp_offset = 0;
	packet->tcp_flags = 0;
	packet->has_ts = 0;
	packet->head_bytes = 0;
	packet->head0 = packet->head4 = packet->head8 = 0;
	packet->tsecr = 0;
	if (left < 8 + SL_HEAD_BYTES || l4 + 8 + SL_HEAD_BYTES > end)
		return true;
	packet->head0 = sl_be32(l4 + 8);
	packet->head4 = sl_be32(l4 + 12);
	packet->head8 = sl_be32(l4 + 16);
	packet->head_bytes = SL_HEAD_BYTES;
	return true;
}

/* What is behind the IP header; the frame has no tag and is no fragment. */
SL_INLINE bool sl_packet_plain_rest(const uint8_t *l4, const uint8_t *end, uint32_t left,
				    uint8_t proto, struct sl_packet *packet)
{
	packet->special = 0;
	packet->l3_offset = 14;
	packet->proto = proto;
	packet->inner = 0;
	packet->outer = 0;
	if (SL_LIKELY(proto == SL_PROTO_TCP))
		return sl_packet_plain_tcp(l4, end, left, packet);
	return proto == SL_PROTO_UDP && sl_packet_plain_udp(l4, end, left, packet);
}

SL_INLINE bool sl_packet_plain_ip4(const uint8_t *ip, const uint8_t *end, struct sl_packet *packet)
{
	uint32_t total = sl_be16(ip + 2);

	if ((sl_load16(ip + 6) & SL_PLAIN_FRAGMENT) || total < 20)
		return false;
	packet->src = sl_addr4(ip + 12);
	packet->dst = sl_addr4(ip + 16);
	packet->ip_bytes = total;
	packet->fragment_id = sl_be16(ip + 4);
	packet->ip6 = 0;
	packet->tos = ip[1];
	packet->l4_offset = 14 + 20;
	return sl_packet_plain_rest(ip + 20, end, total - 20, ip[9], packet);
}

SL_INLINE bool sl_packet_plain_ip6(const uint8_t *ip, const uint8_t *end, struct sl_packet *packet)
{
	if (ip + 40 > end)
		return false;
	uint32_t payload = sl_be16(ip + 4);

	packet->src = sl_addr6(ip + 8);
	packet->dst = sl_addr6(ip + 24);
	packet->ip_bytes = payload + 40;
	packet->fragment_id = 0;
	packet->ip6 = 1;
	packet->tos = (uint8_t)(sl_be16(ip) >> 4);
	packet->l4_offset = 14 + 40;
	return sl_packet_plain_rest(ip + 40, end, payload, ip[6], packet);
}

/*
 * The frame that nearly all are: untagged, IPv4 or IPv6 without options, no fragment, TCP
 * or UDP.  True: *@packet is what the general parse below would make of it, each field
 * written once.  False: any other frame, and *@packet holds nothing.
 */
SL_INLINE bool sl_packet_plain(const uint8_t *start, const uint8_t *end, struct sl_packet *packet)
{
	if (start + 14 + 20 > end)
		return false;
	uint32_t kind = sl_load32(start + 12);

	if (SL_LIKELY((kind & SL_PLAIN_IP4_MASK) == SL_PLAIN_IP4))
		return sl_packet_plain_ip4(start + 14, end, packet);
	return (kind & SL_PLAIN_IP6_MASK) == SL_PLAIN_IP6 &&
	       sl_packet_plain_ip6(start + 14, end, packet);
}

#endif
