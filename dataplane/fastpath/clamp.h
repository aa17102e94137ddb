/*
 * clamp.h - a smaller MSS in SYN and SYN-ACK, so that an uplink's new connections fit it
 *
 * Each end of a connection sends no larger segment than the other's MSS option says (RFC 9293
 * 3.7.1).  The knob is what an IP packet may have; the MSS is that less the headers, 20 + 20
 * bytes, 40 + 20 for IPv6, which has no link below 1280 (RFC 8200 5).  Only ever smaller; a
 * header without the option stays: its sender is sent 536 at most anyway.  Pure.
 */
#ifndef SL_CLAMP_H
#define SL_CLAMP_H

#include "work.h"

#define SL_CLAMP_IP6_MIN    1280u
#define SL_CLAMP_HEADER_MAX 60 /* of TCP */
#define SL_CLAMP_OPTIONS    4  /* looked at: every known stack has the MSS first */

/* A SYN, as the flow (or none) has been found: is its MSS to be looked at on the way out? */
SL_INLINE void sl_clamp_note(struct sl_work *work, const struct sl_tables *tables)
{
	struct sl_result *result = &work->result;
	uint32_t bytes = tables->knobs.clamp_bytes[result->uplink & (SL_UPLINKS_MAX - 1)];

	if (!bytes || work->packet.proto != SL_PROTO_TCP || work->packet.icmp_error ||
	    !(work->packet.tcp_flags & SL_TCP_SYN) || work->packet.inner)
		return;
	if (work->packet.ip6)
		bytes = (bytes < SL_CLAMP_IP6_MIN ? SL_CLAMP_IP6_MIN : bytes) - 20;
	result->action = SL_ACTION_CLAMP;
	result->clamp_mss = (uint16_t)(bytes - 40);
}

/*
 * Offset of the MSS option's value in the TCP header at @tcp, of which the frame has bytes up
 * to @end; 0 = it has none.
 */
SL_INLINE uint32_t sl_clamp_find(const uint8_t *tcp, const uint8_t *end)
{
	uint32_t at = 20;

	if (tcp + 20 > end)
		return 0;
	uint32_t length = (uint32_t)(tcp[12] >> 4) * 4;

	for (int i = 0; i < SL_CLAMP_OPTIONS; i++) {
		if (at > SL_CLAMP_HEADER_MAX - 4 || at + 4 > length)
			return 0;
		const uint8_t *option = tcp + at;

		if (option + 4 > end || option[0] == 0)
			return 0;
		if (option[0] == 2 && option[1] == 4)
			return at + 2;
		if (option[0] != 1 && option[1] < 2)
			return 0;
		at += option[0] == 1 ? 1u : option[1];
	}
	return 0;
}

/* @value as it counts in a checksum, standing at @at of its header (RFC 1071: pairs of bytes). */
SL_INLINE uint16_t sl_clamp_term(uint16_t value, uint32_t at)
{
	return (uint16_t)(at & 1 ? value << 8 | value >> 8 : value);
}

/*
 * Write @mss to @at, which is as many bytes into the TCP header at @tcp as @offset says; the
 * checksum by RFC 1624 equation 3.
 */
SL_INLINE void sl_clamp_write(uint8_t *tcp, uint8_t *at, uint32_t offset, uint16_t mss)
{
	uint32_t sum = (uint16_t) ~(tcp[16] << 8 | tcp[17]);

	sum += (uint16_t)~sl_clamp_term((uint16_t)(at[0] << 8 | at[1]), offset);
	sum += sl_clamp_term(mss, offset);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	at[0] = (uint8_t)(mss >> 8);
	at[1] = (uint8_t)mss;
	tcp[16] = (uint8_t)(~sum >> 8);
	tcp[17] = (uint8_t)~sum;
}

/*
 * Make the MSS of the TCP header at @tcp (in a frame that ends at @end) @mss, if it is larger.
 * True when it was written.
 */
SL_INLINE bool sl_clamp_apply(uint8_t *tcp, const uint8_t *end, uint16_t mss)
{
	uint32_t at = sl_clamp_find(tcp, end);

	if (!at || at > SL_CLAMP_HEADER_MAX - 2)
		return false;
	uint8_t *value = tcp + at;

	if (value + 2 > end || tcp + 20 > end || (value[0] << 8 | value[1]) <= mss)
		return false;
	sl_clamp_write(tcp, value, at, mss);
	return true;
}

#endif
