/*
 * flow_fuzz.c - a byte string plays a few connections through the core
 *
 * Input: a byte of WORLD_ options, then steps of 16 bytes.  A step is a packet of one of eight flows:
 *	0	flow (3 bits), direction, kind (2 bits), end of the burst, IPv6
 *	1	TCP flags; of UDP the port that is asked: 53, 443, 5004 or 4789
 *	2	time since the last packet: a power of two ns; 0xff = backwards, 0xfe = sweep
 *	3 4	sequence number, from where the direction stands
 *	5 6	acknowledgement, from where the other direction stands
 *	7	payload bytes / 16
 *	8 9	TSval and TSecr, from where the two clocks stand; both 0 = no timestamps
 *	10	shift of 3..6, VLAN tag, fragment, ICMP error about the flow
 *	11..15	start of a UDP payload
 */
#include <string.h>

#include "dataplane/worker.h"
#include "world.h"

#define STEP        16
#define STEPS_MAX   512
#define FLOWS       8
#define FRAME_BYTES 192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind { KIND_TCP, KIND_TCP_TOO, KIND_UDP, KIND_ICMP };

/* Where each direction of each flow stands. */
static struct {
	uint32_t seq[2], tsval[2];
} flows[FLOWS];

static uint8_t bytes[SL_BURST_MAX][FRAME_BYTES];
static struct sl_frame frames[SL_BURST_MAX];
static uint32_t waiting;
static uint64_t now_ns;

struct maker {
	uint8_t *byte;
	uint32_t length;
};

static void put(struct maker *m, uint64_t value, uint32_t width)
{
	while (width--)
		m->byte[m->length++] = (uint8_t)(value >> 8 * width);
}

static uint32_t offset_of(const uint8_t *two, uint8_t special)
{
	int32_t value = (int16_t)(two[0] << 8 | two[1]);

	return (uint32_t)value << (special & 3) * 5;
}

static void put_tcp(struct maker *m, const uint8_t *s, uint8_t flow, uint8_t way, uint32_t payload)
{
	uint32_t seq = flows[flow].seq[way] + offset_of(s + 3, s[10]);
	uint32_t tsval = flows[flow].tsval[way] + s[8];
	bool has_ts = s[8] || s[9];

	put(m, way ? 443 : 40000u + flow, 2);
	put(m, way ? 40000u + flow : 443, 2);
	put(m, seq, 4);
	put(m, flows[flow].seq[1 - way] + offset_of(s + 5, s[10]), 4);
	put(m, has_ts ? 0x80 : 0x50, 1);
	put(m, s[1], 1);
	put(m, 512, 2);
	put(m, 0, 4);
	if (has_ts) {
		put(m, 0x0101080a, 4);
		put(m, tsval, 4);
		put(m, flows[flow].tsval[1 - way] + (uint32_t)(int8_t)s[9], 4);
		flows[flow].tsval[way] = tsval;
	}
	/* The direction stands behind what it sent, unless that was a retransmission. */
	seq += payload + (s[1] >> 1 & 1) + (s[1] & 1);
	if ((int32_t)(seq - flows[flow].seq[way]) > 0)
		flows[flow].seq[way] = seq;
}

static void put_udp(struct maker *m, const uint8_t *s, uint8_t flow, uint8_t way, uint32_t payload)
{
	static const uint16_t ports[] = {53, 443, 5004, 4789};
	uint16_t port = ports[s[1] & 3];

	put(m, way ? port : 40000u + flow, 2);
	put(m, way ? 40000u + flow : port, 2);
	put(m, 8 + payload, 2);
	put(m, 0, 2);
	for (uint32_t i = 0; i < 32; i++)
		put(m, s[11 + i % 5], 1);
}

static void put_icmp(struct maker *m, const uint8_t *s, uint8_t flow, uint8_t way)
{
	bool six = s[0] & 0x80;

	put(m, six ? (way ? 129 : 128) : (way ? 0 : 8), 1);
	put(m, 0, 3);
	put(m, flow, 2);
	put(m, (uint64_t)s[3] << 8 | s[4], 2);
}

static void put_ip(struct maker *m, const uint8_t *s, uint8_t way, uint8_t proto, uint32_t body)
{
	uint8_t flow = s[0] & 7;

	if (s[0] & 0x80) {
		put(m, 0x60000000, 4);
		put(m, body, 2);
		put(m, proto == SL_PROTO_ICMP ? 58 : proto, 1);
		put(m, 64, 1);
		for (int end = 0; end < 2; end++) {
			put(m, UINT64_C(0x20010db800000000), 8);
			put(m, (end ^ way) & 1 ? 9 : 0x100u + flow, 8);
		}
		return;
	}
	put(m, 0x4500, 2);
	put(m, 20 + body, 2);
	put(m, 7, 2);
	put(m, s[10] & 0x10 ? 0x2000 : s[10] & 0x20 ? 0x0010 : 0, 2);
	put(m, 64, 1);
	put(m, proto, 1);
	put(m, 0, 2);
	for (int end = 0; end < 2; end++)
		put(m, (end ^ way) & 1 ? 0xcb007109 : 0x0a2a4000u + flow, 4);
}

static uint32_t put_packet(struct maker *m, const uint8_t *s)
{
	uint8_t flow = s[0] & 7, way = s[0] >> 3 & 1, kind = s[0] >> 4 & 3;
	uint32_t payload = s[7] * 16u;

	if (kind == KIND_UDP) {
		put_ip(m, s, way, SL_PROTO_UDP, 8 + payload);
		put_udp(m, s, flow, way, payload);
	} else if (kind == KIND_ICMP) {
		put_ip(m, s, way, SL_PROTO_ICMP, 8 + payload);
		put_icmp(m, s, flow, way);
	} else {
		put_ip(m, s, way, SL_PROTO_TCP, (s[8] || s[9] ? 32 : 20) + payload);
		put_tcp(m, s, flow, way, payload);
	}
	return payload;
}

/* An error about the packet of the step, sent to the one that sent it. */
static void put_error(struct maker *m, const uint8_t *s)
{
	uint8_t way = s[0] >> 3 & 1;

	put_ip(m, s, way, SL_PROTO_ICMP, 8 + 60);
	put(m, s[0] & 0x80 ? 1 : 3, 1);
	put(m, 1, 1);
	put(m, 0, 6);
	/* The same step the other way round is what it is about. */
	uint8_t about[STEP];

	memcpy(about, s, STEP);
	about[0] ^= 8;
	about[10] &= 0x0f;
	put_packet(m, about);
}

static void flush(bool from_lan)
{
	if (waiting)
		fuzz_world_burst(frames, waiting, from_lan);
	waiting = 0;
}

static void pass_time(uint8_t how)
{
	if (how == 0xff)
		now_ns -= 1000000;
	else if (how == 0xfe)
		fuzz_world_sweep(now_ns);
	else
		now_ns += UINT64_C(1) << how % 44;
}

static void step(const uint8_t *s)
{
	bool from_lan = !(s[0] & 8);
	struct maker m = {bytes[waiting], 0};
	uint32_t payload = s[7] * 16u;

	pass_time(s[2]);
	put(&m, UINT64_C(0x020000000001), 6);
	put(&m, UINT64_C(0x020000000002), 6);
	if (s[10] & 0x40)
		put(&m, 0x81000014, 4);
	put(&m, s[0] & 0x80 ? 0x86dd : 0x0800, 2);
	if (s[10] & 0x80)
		put_error(&m, s);
	else
		put_packet(&m, s);
	frames[waiting++] = (struct sl_frame){.t_ns = now_ns,
					      .length = m.length,
					      .wire_bytes = m.length + payload,
					      .bytes = m.byte};
	if (waiting == SL_BURST_MAX || s[0] & 0x40)
		flush(from_lan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool from_lan = true;

	if (!size)
		return 0;
	fuzz_world_start(data[0]);
	memset(flows, 0, sizeof(flows));
	now_ns = UINT64_C(1) << 50;
	waiting = 0;
	for (size_t i = 0; i < STEPS_MAX && (i + 1) * STEP < size; i++) {
		const uint8_t *s = data + 1 + i * STEP;

		/* A burst comes in by one port, so from one side. */
		if (from_lan != !(s[0] & 8))
			flush(from_lan);
		from_lan = !(s[0] & 8);
		step(s);
	}
	flush(from_lan);
	fuzz_world_end();
	return 0;
}
