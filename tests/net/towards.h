/*
 * towards.h - is this frame meant for that address and port?
 *
 * Reads just enough of Ethernet, IPv4 and IPv6 (no tags, no extension headers: the
 * virtual store's WAN has none) to find the destination of TCP and UDP.  A RST does
 * not count: the box itself says that to answers it knows no flow for.  Pure.
 */
#ifndef SL_TOWARDS_H
#define SL_TOWARDS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SL_TOWARDS_IP  14 /* offset of the IP header */
#define SL_TOWARDS_RST 4  /* in the TCP flags */

static inline bool sl_towards_port(const uint8_t *bytes, uint32_t length, uint32_t l4,
				   uint8_t proto, uint16_t port)
{
	if (proto == IPPROTO_TCP && (length < l4 + 14 || bytes[l4 + 13] & SL_TOWARDS_RST))
		return false;
	return (proto == IPPROTO_TCP || proto == IPPROTO_UDP) && length >= l4 + 4 &&
	       (bytes[l4 + 2] << 8 | bytes[l4 + 3]) == port;
}

/* True when the frame's destination is @address (IPv4 as ::ffff:a.b.c.d) and @port. */
static inline bool sl_towards(const uint8_t *bytes, uint32_t length, const uint8_t address[16],
			      uint16_t port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = bytes + SL_TOWARDS_IP;

	if (length < SL_TOWARDS_IP + 20)
		return false;
	if (bytes[12] == 0x08 && bytes[13] == 0x00)
		return !memcmp(address, mapped, 12) && !memcmp(address + 12, ip + 16, 4) &&
		       sl_towards_port(bytes, length, SL_TOWARDS_IP + (ip[0] & 15) * 4, ip[9],
				       port);
	if (bytes[12] == 0x86 && bytes[13] == 0xdd && length >= SL_TOWARDS_IP + 40)
		return !memcmp(address, ip + 24, 16) &&
		       sl_towards_port(bytes, length, SL_TOWARDS_IP + 40, ip[6], port);
	return false;
}

#endif
