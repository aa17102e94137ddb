/*
 * link.h - from a frame's first byte to its network header
 *
 * Ethernet II, up to two 802.1Q/802.1ad tags, then PPPoE session (RFC 2516) or an MPLS label
 * stack (RFC 3032), whose content is told by its first four bits.
 */
#ifndef SL_LINK_H
#define SL_LINK_H

#include "cursor.h"
#include "stats.h"

#define SL_VLAN_TAGS_MAX   2
#define SL_LINK_BYTES_MASK 0x3f /* a link header has 46 bytes at most: its length fits */

struct sl_link {
	uint16_t ethertype; /* of what follows; a number that is none for what is not IP */
	uint16_t vlan;      /* id of the outermost tag; 0 = none */
	uint8_t tags;
};

#define SL_ETHERTYPE_IP4   0x0800
#define SL_ETHERTYPE_IP6   0x86dd
#define SL_ETHERTYPE_PPPOE 0x8864
#define SL_PPP_IP4         0x0021
#define SL_PPP_IP6         0x0057

SL_INLINE bool sl_link_is_tag(uint16_t ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100 ||
	       ethertype == 0x9200;
}

/* PPPoE session header and PPP protocol (RFC 2516 4) at @c to an ethertype; 0 = cut short. */
SL_INLINE uint16_t sl_link_pppoe(struct sl_cursor *c)
{
	const uint8_t *p = sl_take(c, 8);

	if (!p)
		return 0;
	uint16_t ppp = sl_be16(p + 6);

	return ppp == SL_PPP_IP4 ? SL_ETHERTYPE_IP4 : ppp == SL_PPP_IP6 ? SL_ETHERTYPE_IP6 : 1;
}

#define SL_ETHERTYPE_MPLS       0x8847
#define SL_ETHERTYPE_MPLS_GROUP 0x8848
#define SL_MPLS_MAX             6 /* labels; a deeper stack is counted as not IP */

/* The ethertype that an IP header's first byte tells; 1 = not IP. */
SL_INLINE uint16_t sl_link_ip_type(uint8_t first)
{
	return first >> 4 == 4 ? SL_ETHERTYPE_IP4 : first >> 4 == 6 ? SL_ETHERTYPE_IP6 : 1;
}

/* Label stack (RFC 3032 2.1) at @c to the ethertype of what is below it; 0 = cut short. */
SL_INLINE uint16_t sl_link_mpls(struct sl_cursor *c)
{
	uint32_t bottom = 0;

	for (uint32_t i = 0; i < SL_MPLS_MAX && !bottom; i++) {
		const uint8_t *p = sl_take(c, 4);

		if (!p)
			return 0;
		bottom = p[2] & 1;
	}
	struct sl_cursor ahead = *c;
	const uint8_t *p = sl_take(&ahead, 1);

	if (!bottom)
		return 1;
	return p ? sl_link_ip_type(p[0]) : 0;
}

/*
 * The link header at @c.  SL_REASON_MEASURED and *@link; or why not: then what came before
 * the fault is set, if @link was zero.
 */
SL_INLINE enum sl_reason sl_link_read(struct sl_cursor *c, struct sl_link *link)
{
	const uint8_t *p = sl_take(c, 14);

	if (!p)
		return SL_REASON_ETH_SHORT;
	uint16_t type = sl_be16(p + 12);

	for (uint32_t i = 0; i < SL_VLAN_TAGS_MAX && sl_link_is_tag(type); i++) {
		p = sl_take(c, 4);
		if (!p)
			return SL_REASON_ETH_SHORT;
		if (i == 0)
			link->vlan = sl_be16(p) & 0xfff;
		link->tags++;
		type = sl_be16(p + 2);
	}
	if (sl_link_is_tag(type))
		return SL_REASON_TAGS_DEEP;
	if (type == SL_ETHERTYPE_PPPOE) {
		type = sl_link_pppoe(c);
		if (!type)
			return SL_REASON_ETH_SHORT;
	} else if (type == SL_ETHERTYPE_MPLS || type == SL_ETHERTYPE_MPLS_GROUP) {
		type = sl_link_mpls(c);
		if (!type)
			return SL_REASON_ETH_SHORT;
	}
	link->ethertype = type;
	return SL_REASON_MEASURED;
}

#endif
