/*
 * traffic.h - the packets that the host benchmarks measure: the next of the next flow
 *
 * Client and server of each flow send data by turns, each answers the other's last, so
 * that every packet yields samples by sequence and, where the frame has room for them, by
 * timestamp.  The same as generate.bpf.c writes for XDP.
 */
#ifndef SL_BENCH_TRAFFIC_H
#define SL_BENCH_TRAFFIC_H

#include <stdint.h>
#include <string.h>

#include "generate.h"

#define SL_BENCH_STRIDE 7919 /* prime: neighbours in time are not neighbours in memory */

struct sl_bench_traffic {
	uint32_t flows, frame_bytes;
	uint32_t flow, visit; /* of the next packet */
};

struct sl_bench_tcp {
	uint8_t ethernet[14];
	uint8_t ip[12];
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t tcp[8];
	uint8_t option[4]; /* NOP NOP timestamps 10 */
	uint32_t tsval, tsecr;
} __attribute__((packed));

/* Everything but addresses, ports and numbers. */
static inline void sl_bench_frame(const struct sl_bench_traffic *traffic, uint8_t *bytes)
{
	static const uint8_t head[sizeof(struct sl_bench_tcp)] = {
		[12] = 8, [14] = 0x45, [22] = 64, [23] = 6, [46] = 0x80, [47] = 0x10,
		[48] = 1, [54] = 1,    [55] = 1,  [56] = 8, [57] = 10};

	memcpy(bytes, head, sizeof(head));
	bytes[16] = (uint8_t)((traffic->frame_bytes - 14) >> 8);
	bytes[17] = (uint8_t)(traffic->frame_bytes - 14);
	if (traffic->frame_bytes < sizeof(struct sl_bench_tcp)) /* no room for timestamps */
		bytes[46] = 0x50;
}

/* Write the next packet over what sl_bench_frame() made. */
static inline void sl_bench_next(struct sl_bench_traffic *traffic, uint8_t *bytes)
{
	struct sl_bench_tcp *frame = (struct sl_bench_tcp *)bytes;
	uint32_t reply = traffic->visit & 1, round = traffic->visit >> 1;
	uint32_t client = __builtin_bswap32(0x0a000000 + (traffic->flow & 0xffff));
	uint32_t server = __builtin_bswap32(0xcb007109);
	uint16_t port = __builtin_bswap16((uint16_t)(20000 + (traffic->flow >> 16)));
	uint16_t https = __builtin_bswap16(443);
	uint32_t payload =
		traffic->frame_bytes - 14 - 20 - (traffic->frame_bytes < sizeof(*frame) ? 20 : 32);
	uint32_t asked = 1000 + (round + reply) * payload;
	uint32_t answered = 500000 + round * payload;

	frame->src = reply ? server : client;
	frame->dst = reply ? client : server;
	frame->src_port = reply ? https : port;
	frame->dst_port = reply ? port : https;
	frame->seq = __builtin_bswap32(reply ? answered : asked);
	frame->ack = __builtin_bswap32(reply ? asked : answered);
	frame->tsval = __builtin_bswap32(1 + traffic->visit);
	frame->tsecr = __builtin_bswap32(traffic->visit);
	traffic->flow += SL_BENCH_STRIDE % traffic->flows;
	if (traffic->flow >= traffic->flows)
		traffic->flow -= traffic->flows;
	if (traffic->flow == 0)
		traffic->visit++;
}

#endif
