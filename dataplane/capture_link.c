/*
 * capture_link.c - link headers of captures to Ethernet, by a table of link types
 *
 * VLAN tags stay where they are: cooked headers name the outer tag's EtherType and
 * the rest of it follows, just as behind an Ethernet header.
 */
#include "capture_link.h"

#include <string.h>

#define ETHERNET_BYTES 14
#define ETHERTYPE_IP4  0x0800
#define ETHERTYPE_IP6  0x86dd
#define ETHERTYPE_NONE 0 /* no protocol has it: the core says "not IP" */

/* What stands in front of the network header. */
struct header {
	uint32_t bytes;
	uint16_t ethertype;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* By the version nibble of the byte at @at, which is there. */
static uint16_t ip_ethertype(const uint8_t *bytes, uint32_t at)
{
	switch (bytes[at] >> 4) {
	case 4:
		return ETHERTYPE_IP4;
	case 6:
		return ETHERTYPE_IP6;
	default:
		return ETHERTYPE_NONE;
	}
}

static struct header ppp_header(const uint8_t *bytes, uint32_t length)
{
	/* RFC 1662 address and control bytes may be there or not. */
	uint32_t at = bytes[0] == 0xff ? 2 : 0;

	if (length < at + 2)
		return (struct header){UINT32_MAX, 0};
	switch (be16(bytes + at)) {
	case 0x0021:
		return (struct header){at + 2, ETHERTYPE_IP4};
	case 0x0057:
		return (struct header){at + 2, ETHERTYPE_IP6};
	default:
		return (struct header){at + 2, ETHERTYPE_NONE};
	}
}

/* bytes = UINT32_MAX: the link header is cut short. */
static struct header header_of(uint16_t link, const uint8_t *bytes, uint32_t length)
{
	struct header cut = {UINT32_MAX, 0};

	switch (link) {
	case 113: /* Linux cooked v1 */
		return length < 16 ? cut : (struct header){16, be16(bytes + 14)};
	case 276: /* Linux cooked v2 */
		return length < 20 ? cut : (struct header){20, be16(bytes)};
	case 12:
	case 14:
	case 101: /* raw IP, by platform */
	case 228:
	case 229: /* IPv4 only, IPv6 only */
		return length < 1 ? cut : (struct header){0, ip_ethertype(bytes, 0)};
	case 0:
	case 108: /* BSD null and loop: the family's number differs by system, IP's version not */
		return length < 5 ? cut : (struct header){4, ip_ethertype(bytes, 4)};
	case 9:
	case 50: /* PPP */
		return length < 4 ? cut : ppp_header(bytes, length);
	default:
		return (struct header){0, ETHERTYPE_NONE};
	}
}

void sl_capture_link(uint16_t link, const uint8_t *bytes, uint32_t length, uint8_t *to,
		     struct sl_frame *frame)
{
	struct header header = {ETHERNET_BYTES, 0};
	uint32_t at = 0;

	frame->bytes = to;
	frame->length = 0;
	if (link != 1) {
		header = header_of(link, bytes, length);
		if (header.bytes == UINT32_MAX)
			return;
		memset(to, 0, ETHERNET_BYTES);
		to[12] = (uint8_t)(header.ethertype >> 8);
		to[13] = (uint8_t)header.ethertype;
		at = ETHERNET_BYTES;
		bytes += header.bytes;
		length -= header.bytes;
		frame->wire_bytes += ETHERNET_BYTES - header.bytes;
	}
	if (length > SL_FRAME_MAX - at)
		length = SL_FRAME_MAX - at;
	memcpy(to + at, bytes, length);
	frame->length = at + length;
}
