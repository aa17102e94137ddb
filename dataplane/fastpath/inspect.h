/*
 * inspect.h - a packet on its way to the slow path: which ones go, and in what shape
 *
 * The first packets of a flow, every DNS answer and every DHCP message are copied, from the IP
 * header on, through a bounded ring to user space, which reads from them (slowpath.h).  When the
 * ring is full the packet is not copied, which is counted; it passes as ever.
 */
#ifndef SL_INSPECT_H
#define SL_INSPECT_H

#include "work.h"

#define SL_INSPECT_BYTES  2048 /* of a packet: a whole frame, or the start of a larger segment */
#define SL_INSPECT_MAX    16 /* packets with payload of a flow; nDPI needs 10 for TLS (PEERS.md 1) */
#define SL_INSPECT_ANSWER 255 /* sl_result.inspect of a DNS answer, or of DHCP, beyond them */

struct sl_inspect {
	uint64_t now_ns;
	uint64_t hash; /* of the flow: where its names stand (names.h) */
	struct sl_flow_key key;
	uint32_t incarnation;
	uint32_t generation;    /* low half, of the tables that the flow was classified under */
	uint32_t payload_bytes; /* behind the TCP or UDP header, on the wire */
	uint32_t tcp_seq;
	uint16_t length;         /* of bytes[] that are there */
	uint16_t payload_offset; /* in bytes[], of the first payload byte; may be past .length */
	uint8_t from_initiator;
	uint8_t from_lan;
	uint8_t lan;       /* which end is on the LAN: 0 = key.a */
	uint8_t initiator; /* 0 = key.a */
	uint8_t service;
	uint8_t uplink;
	uint8_t tcp_flags;
	uint8_t number; /* of this packet among the flow's inspected ones, from 1; or SL_INSPECT_ANSWER */
	uint8_t pad[4];
	uint8_t bytes[SL_INSPECT_BYTES];
};
SL_ASSERT_SIZE(struct sl_inspect, 88 + SL_INSPECT_BYTES);

/* Where the payload of @packet begins, behind its IP header. */
SL_INLINE uint32_t sl_inspect_payload(const struct sl_packet *packet)
{
	uint32_t header = packet->proto == SL_PROTO_TCP ? (packet->tcp_offset >> 4) * 4u : 8;

	return packet->l4_offset - packet->l3_offset + header;
}

/* How many bytes of a frame of @frame_bytes are copied for @work. */
SL_INLINE uint32_t sl_inspect_length(const struct sl_work *work, uint32_t frame_bytes)
{
	uint32_t from = work->packet.l3_offset;
	uint32_t length = frame_bytes > from ? frame_bytes - from : 0;

	return length < SL_INSPECT_BYTES ? length : SL_INSPECT_BYTES;
}

/* All of @inspect but .length and .bytes, of the packet that @work has measured. */
SL_INLINE void sl_inspect_describe(struct sl_inspect *inspect, const struct sl_work *work,
				   uint32_t generation)
{
	const struct sl_result *result = &work->result;
	uint8_t sender = work->sender & 1;

	inspect->now_ns = work->now_ns;
	inspect->hash = work->hash;
	inspect->key = work->key;
	inspect->incarnation = result->incarnation;
	inspect->generation = generation;
	inspect->payload_bytes = work->packet.payload_bytes;
	inspect->tcp_seq = work->packet.seq;
	inspect->payload_offset = (uint16_t)sl_inspect_payload(&work->packet);
	inspect->from_initiator = result->from_initiator;
	inspect->from_lan = result->from_lan;
	inspect->lan = result->from_lan ? sender : 1 - sender;
	inspect->initiator = result->from_initiator ? sender : 1 - sender;
	inspect->service = result->service;
	inspect->uplink = result->uplink;
	inspect->tcp_flags = work->packet.tcp_flags;
	inspect->number = result->inspect;
}

#endif
