/*
 * reset.h - a connection that cannot move is ended towards the LAN, so that its terminal opens another
 *
 * Where the box translates addresses, a connection that a hard move takes to another uplink is
 * dead, and its terminal may wait minutes to find out.  For a service that says so (reset: true)
 * the terminal's next packet comes back as the RST that a host without that connection would
 * send (RFC 9293 3.10.7.1): its sequence number is what the packet acknowledges, so it is
 * believed (RFC 5961 3.2).  Each further one too, until a new connection begins.  Only what
 * the service has of live TCP on the uplink that it leaves, only towards the LAN.  Pure.
 */
#ifndef SL_RESET_H
#define SL_RESET_H

#include "believe.h"
#include "turn.h"

#define SL_RESET_TCP_BYTES 20u
#define SL_RESET_TTL       64

/* @flow has been measured, and may have moved: is @work's packet to be turned round? */
SL_INLINE void sl_reset_note(struct sl_flow *flow, struct sl_work *work,
			     const struct sl_tables *tables)
{
	struct sl_result *result = &work->result;
	struct sl_direction *far = &flow->dir[1 - (flow->lan & 1)];
	const struct sl_packet *packet = &work->packet;

	if (packet->proto != SL_PROTO_TCP || packet->icmp_error)
		return;
	if (result->moved && tables->service[flow->service & (SL_SERVICES_MAX - 1)].reset &&
	    (flow->flags & (SL_FLOW_ESTABLISHED | SL_FLOW_MIDSTREAM)) &&
	    !(flow->flags & SL_FLOW_RESET))
		far->flags |= SL_DIR_CUT;
	if (!(far->flags & SL_DIR_CUT) || !result->from_lan || (result->seen & SL_SEEN_BOGUS) ||
	    packet->fragment || packet->inner ||
	    (packet->tcp_flags & (SL_TCP_ACK | SL_TCP_SYN | SL_TCP_RST)) != SL_TCP_ACK)
		return;
	flow->flags |= SL_FLOW_RESET;
	result->action = SL_ACTION_RESET;
	result->moved |= SL_MOVED_CUT;
	/* It goes nowhere: it asks for nothing, and tells nothing of the uplink. */
	result->seen = 0;
	for (int i = 0; i < SL_SAMPLES; i++)
		result->sample[i].weight = 0;
}

/* The TCP header at @tcp, turned round; @pseudo: sum of addresses and protocol. */
SL_INLINE void sl_reset_tcp(uint8_t *tcp, uint32_t pseudo)
{
	sl_turn_swap(tcp, tcp + 2, 2);
	for (int i = 0; i < 4; i++) {
		tcp[4 + i] = tcp[8 + i];
		tcp[8 + i] = 0;
	}
	sl_turn_put16(tcp + 12, 0x5000 | SL_TCP_RST);
	for (int i = 14; i < 20; i++)
		tcp[i] = 0;
	sl_turn_put16(tcp + 16, sl_turn_fold(pseudo + SL_RESET_TCP_BYTES +
					     sl_turn_sum(tcp, SL_RESET_TCP_BYTES)));
}

/* IPv4 without options (RFC 791). */
SL_INLINE void sl_reset_ip4(uint8_t *ip)
{
	sl_turn_swap(ip + 12, ip + 16, 4);
	ip[1] = 0;
	sl_turn_put16(ip + 2, 20 + SL_RESET_TCP_BYTES);
	sl_turn_put16(ip + 4, 0);
	sl_turn_put16(ip + 6, 0x4000);
	ip[8] = SL_RESET_TTL;
	sl_turn_put16(ip + 10, 0);
	sl_turn_put16(ip + 10, sl_turn_fold(sl_turn_sum(ip, 20)));
	sl_reset_tcp(ip + 20, sl_turn_sum(ip + 12, 8) + SL_PROTO_TCP);
}

/* IPv6 without extension headers (RFC 8200). */
SL_INLINE void sl_reset_ip6(uint8_t *ip)
{
	sl_turn_swap(ip + 8, ip + 24, 16);
	sl_turn_put16(ip, 0x6000);
	sl_turn_put16(ip + 2, 0);
	sl_turn_put16(ip + 4, SL_RESET_TCP_BYTES);
	ip[7] = SL_RESET_TTL;
	sl_reset_tcp(ip + 40, sl_turn_sum(ip + 8, 32) + SL_PROTO_TCP);
}

/*
 * Turn the frame from @frame to @end, whose IP header is @l3 and TCP header @l4 bytes in, round
 * into its RST.  Returns how many bytes it has now; 0: it has options, or is cut short, and is
 * as it was.
 */
SL_INLINE uint32_t sl_reset_turn(uint8_t *frame, const uint8_t *end, uint32_t l3, uint32_t l4)
{
	uint8_t *ip = frame + l3;

	if (frame + 14 > end)
		return 0;
	if (l4 == l3 + 20 && ip + 40 <= end && l3 >= 14 && ip[0] == 0x45)
		sl_reset_ip4(ip);
	else if (l4 == l3 + 40 && ip + 60 <= end && l3 >= 14 && ip[0] >> 4 == 6 &&
		 ip[6] == SL_PROTO_TCP)
		sl_reset_ip6(ip);
	else
		return 0;
	sl_turn_swap(frame, frame + 6, 6);
	return l4 + SL_RESET_TCP_BYTES;
}

#endif
