/*
 * talk.h - one flow, packet by packet, without a frame or a table around it
 *
 * 'C' is the client (initiator, key.a, on the LAN), 'S' the server.  Times are microseconds.
 * Every packet goes the short way where it may (steady.h) and the long way; the same comes out.
 */
#ifndef SL_TEST_TALK_H
#define SL_TEST_TALK_H

#include <string.h>

#include "dataplane/fastpath/pipeline.h"
#include "tests/unit/row.h"

struct talk {
	struct sl_flow flow;
	struct sl_way way;
	struct sl_work work;
	struct sl_tables tables;
	struct sl_shared shared;
	uint32_t packets;
	uint16_t client_port, server_port;
	uint8_t proto;
};

static inline void talk_begin(struct talk *talk, uint8_t proto, uint16_t client_port,
			      uint16_t server_port)
{
	memset(talk, 0, sizeof(*talk));
	talk->proto = proto;
	talk->client_port = client_port;
	talk->server_port = server_port;
}

/* A packet without any field of its transport header but the ports. */
static inline struct sl_packet *talk_packet(struct talk *talk, char from, uint64_t at_us)
{
	bool client = from == 'C';
	struct sl_work *work = &talk->work;

	memset(work, 0, sizeof(*work));
	work->now_ns = UINT64_C(1000000000) + at_us * 1000;
	work->now_tick = (uint32_t)(work->now_ns >> SL_TICK_LOG2_NS);
	work->sender = client ? 0 : 1;
	work->side = client ? SL_SIDE_LAN : SL_SIDE_WAN;
	work->port_uplink = SL_UPLINK_NONE;
	work->key = (struct sl_flow_key){.a = {0, 1}, .b = {0, 2}, .proto = talk->proto};
	work->packet = (struct sl_packet){
		.proto = talk->proto,
		.src_port = client ? talk->client_port : talk->server_port,
		.dst_port = client ? talk->server_port : talk->client_port,
	};
	work->result.flow_event = talk->packets++ ? SL_FLOW_KNOWN : SL_FLOW_NEW;
	return &work->packet;
}

/* What the core makes of it.  Not inline: the whole core is compiled once for all these tests. */
void talk_measure(struct talk *talk);

/* A datagram with @head as its first 12 bytes and @payload in all. */
static inline void talk_datagram(struct talk *talk, char from, uint64_t at_us,
				 const uint32_t head[3], uint32_t payload)
{
	struct sl_packet *packet = talk_packet(talk, from, at_us);

	packet->payload_bytes = payload;
	packet->ip_bytes = 28 + payload;
	if (payload >= SL_HEAD_BYTES) {
		packet->head_bytes = SL_HEAD_BYTES;
		packet->head0 = head[0];
		packet->head4 = head[1];
		packet->head8 = head[2];
	}
	talk_measure(talk);
}

/* A TCP segment; sequence numbers as they are on the wire. */
struct talk_segment {
	char from;
	uint64_t at_us;
	uint8_t flags;
	uint32_t seq, ack, payload, tsval, tsecr;
};

static inline void talk_tcp(struct talk *talk, const struct talk_segment *segment)
{
	struct sl_packet *packet = talk_packet(talk, segment->from, segment->at_us);

	packet->tcp_flags = segment->flags;
	packet->seq = segment->seq;
	packet->ack = segment->ack;
	packet->payload_bytes = segment->payload;
	packet->has_ts = segment->tsval != 0;
	packet->tsval = segment->tsval;
	packet->tsecr = segment->tsecr;
	packet->window = 500;
	packet->ip_bytes = 40 + segment->payload;
	talk_measure(talk);
}

/* The packet's sample at @place is @us, within a tick; 0 = there is none. */
static inline void talk_sampled(const struct talk *talk, enum sl_sample_place place, uint64_t us)
{
	struct sl_sample sample = talk->work.result.sample[place];

	if (!us && sample.weight)
		fail_msg("packet %u: sample of %u us", talk->packets,
			 (uint32_t)(((uint64_t)sample.ticks << SL_TICK_LOG2_NS) / 1000));
	if (us && !sample.weight)
		fail_msg("packet %u: no sample", talk->packets);
	if (us)
		assert_in_range((uint64_t)sample.ticks << SL_TICK_LOG2_NS, us * 1000 - 64,
				us * 1000 + 64);
}

/* Of the bits in @judged, exactly @want were seen. */
static inline void talk_seen(const struct talk *talk, uint32_t judged, uint32_t want)
{
	if ((talk->work.result.seen & judged) != want)
		fail_msg("packet %u: seen %#x, want %#x", talk->packets,
			 talk->work.result.seen & judged, want);
}

/* The first @packets of a handshake; behind all three the client's next byte is 101, the server's 501. */
static inline void talk_greet(struct talk *talk, size_t packets)
{
	const struct talk_segment hello[] = {
		{.from = 'C', .at_us = 0, .flags = SL_TCP_SYN, .seq = 100},
		{.from = 'S',
		 .at_us = 10,
		 .flags = SL_TCP_SYN | SL_TCP_ACK,
		 .seq = 500,
		 .ack = 101},
		{.from = 'C', .at_us = 20, .flags = SL_TCP_ACK, .seq = 101, .ack = 501},
	};

	for (size_t i = 0; i < packets; i++)
		talk_tcp(talk, &hello[i]);
}

#endif
