/*
 * remark.h - a DSCP of our choice in a service's packets towards the WAN
 *
 * IPv4's TOS byte (RFC 2474 3), its checksum by RFC 1624 equation 3, or IPv6's traffic class
 * (RFC 8200 7).  The two ECN bits are the ends' own (RFC 3168 5) and stay.  Each fragment has
 * the field.  Of a tunnel the outer header, which is all that the way sees, also where the
 * inner one is measured.  The CE mark of the meter is written here as well.  Pure.
 */
#ifndef SL_REMARK_H
#define SL_REMARK_H

#include "meter.h"

/* The TOS byte that the packet came with, where it is to be written: in the outermost header. */
SL_INLINE uint8_t sl_remark_came(const struct sl_packet *packet)
{
	return packet->inner ? packet->outer_tos : packet->tos;
}

/* A packet from the LAN that goes on: is it to leave with the DSCP of @knob, and not its own? */
SL_INLINE void sl_remark_note(struct sl_work *work, uint8_t knob)
{
	struct sl_result *result = &work->result;
	uint8_t dscp = knob & SL_REMARK_DSCP;

	if (!knob || result->action == SL_ACTION_DROP || result->action == SL_ACTION_RESET ||
	    sl_remark_came(&work->packet) >> 2 == dscp)
		return;
	result->dscp_rewrite = 1;
	result->dscp_set = dscp;
}

/* The TOS byte that the packet leaves with. */
SL_INLINE uint8_t sl_remark_tos(const struct sl_work *work)
{
	uint8_t tos = sl_remark_came(&work->packet);

	if (work->result.dscp_rewrite)
		tos = (uint8_t)(work->result.dscp_set << 2 | (tos & 3));
	return work->result.mark_ecn ? tos | 3 : tos;
}

/*
 * Write it into the frame from @data to @end, when the core asks for that.  A frame that ends
 * within the first 20 bytes of its IP header stays as it is.
 */
SL_INLINE void sl_remark_apply(const struct sl_work *work, uint8_t *data, const uint8_t *end)
{
	const struct sl_packet *packet = &work->packet;

	if (!work->result.mark_ecn && !work->result.dscp_rewrite)
		return;
	uint32_t offset = packet->inner ? packet->outer_l3_offset : packet->l3_offset;
	uint8_t *ip = data + (offset & SL_LINK_BYTES_MASK);

	if (ip + 20 <= end)
		sl_meter_write_tos(ip, sl_remark_tos(work));
}

#endif
