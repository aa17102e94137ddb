/*
 * generate.bpf.c - a new packet for each turn of a test run, then a jump to what is measured
 *
 * BPF_PROG_TEST_RUN repeats one packet; here each turn rewrites it: the next flow of
 * `flows`, in its next visit.  Client and server send data by turns, each acknowledges
 * and echoes the other's last, so every packet yields a sample by sequence and by
 * timestamp.  The generator and the jump cost the same for the program measured and
 * for the empty one, so the difference is net.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "generate.h"

#define STRIDE 7919 /* prime: neighbours in time are not neighbours in memory */

char LICENSE[] SEC("license") = "GPL";

uint32_t flows = 1;
uint64_t turn[SL_BENCH_SLOTS];

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SL_BENCH_SLOTS);
	__type(key, uint32_t);
	__type(value, uint32_t);
} jump SEC(".maps");

struct key {
	uint32_t client, server;
	uint16_t client_port, server_port;
	uint32_t proto;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144);
	__type(key, struct key);
	__type(value, uint64_t);
} lru SEC(".maps");

struct frame {
	uint8_t ethernet[14];
	uint8_t ip[12];
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t tcp[8];
	uint8_t option[4]; /* NOP NOP timestamps 10 */
	uint32_t tsval, tsecr;
} __attribute__((packed));

static __always_inline void write_turn(struct frame *frame, uint64_t now)
{
	uint32_t flow = (uint32_t)(now * STRIDE % flows);
	uint32_t visit = (uint32_t)(now / flows);
	uint32_t reply = visit & 1, round = visit >> 1;
	uint32_t client = bpf_htonl(0x0a000000 + (flow & 0xffff)), server = bpf_htonl(0xcb007109);
	uint16_t port = bpf_htons((uint16_t)(20000 + (flow >> 16))), https = bpf_htons(443);
	uint32_t asked = 1000 + (round + reply) * SL_BENCH_PAYLOAD;
	uint32_t answered = 500000 + round * SL_BENCH_PAYLOAD;

	frame->src = reply ? server : client;
	frame->dst = reply ? client : server;
	frame->src_port = reply ? https : port;
	frame->dst_port = reply ? port : https;
	frame->seq = bpf_htonl(reply ? answered : asked);
	frame->ack = bpf_htonl(reply ? asked : answered);
	frame->tsval = bpf_htonl(1 + visit);
	frame->tsecr = bpf_htonl(visit);
}

static __always_inline int generate(struct xdp_md *ctx, uint32_t slot)
{
	/* The mark of the turn before; asked of every program, so that it costs all the same. */
	bpf_xdp_adjust_meta(ctx, (int)(ctx->data - ctx->data_meta));
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_turn(frame, turn[slot]++);
	bpf_tail_call(ctx, &jump, slot);
	return XDP_ABORTED; /* nothing there to jump to */
}

SEC("xdp")
int generate_empty(struct xdp_md *ctx)
{
	return generate(ctx, SL_BENCH_EMPTY);
}

SEC("xdp")
int generate_lru(struct xdp_md *ctx)
{
	return generate(ctx, SL_BENCH_LRU);
}

SEC("xdp")
int generate_storeline(struct xdp_md *ctx)
{
	return generate(ctx, SL_BENCH_STORELINE);
}

/* ---- baselines ---- */

SEC("xdp")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The flow of the packet in an LRU hash; both directions meet in one entry. */
SEC("xdp")
int one_lru(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	int reply = frame->src_port == bpf_htons(443);
	struct key key = {.client = reply ? frame->dst : frame->src,
			  .server = reply ? frame->src : frame->dst,
			  .client_port = reply ? frame->dst_port : frame->src_port,
			  .server_port = reply ? frame->src_port : frame->dst_port,
			  .proto = 6};
	uint64_t *packets = bpf_map_lookup_elem(&lru, &key), one = 1;

	if (packets)
		++*packets;
	else
		bpf_map_update_elem(&lru, &key, &one, BPF_ANY);
	return XDP_PASS;
}
