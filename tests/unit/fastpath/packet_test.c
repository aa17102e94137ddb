/*
 * packet_test.c - frames by hand, and what the parser makes of them
 *
 * Frames are hex, spaces free; truth is the RFC named in packet.h.  Each frame is
 * also cut at every length: the parser must name a reason and read no byte past
 * the end (exact-size heap buffers under ASan).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/fastpath/plain.h"
#include "tests/unit/hex_bytes.h"
#include "tests/unit/row.h"

#define MAC  "020000000001 020000000002 "
#define IP4  "45000034 1234 4000 40 06 0000 0a2a4005 cb007107 " /* 52 bytes, TCP */
#define TCP  "c001 01bb 00000064 000000c8 8010 01f6 0000 0000 0101080a 00000007 00000009 "
#define UDP4 "45b8 0020 0001 0000 40 11 0000 0a2a4005 cb007107 d431 0035 000c 0000 deadbeef"
#define IP6  "20010db8000000000000000000000001 20010db8000000000000000000000002 "

static const struct row {
	const char *name;
	const char *hex;
	enum sl_reason reason;
	struct sl_packet want; /* of the fields that the row names by being non-zero */
} rows[] = {
	{"tcp over ipv4 with timestamps",
	 MAC "0800" IP4 TCP,
	 SL_REASON_MEASURED,
	 {.proto = 6,
	  .src_port = 0xc001,
	  .dst_port = 443,
	  .seq = 100,
	  .ack = 200,
	  .has_ts = 1,
	  .tsval = 7,
	  .tsecr = 9,
	  .tcp_flags = 0x10,
	  .window = 502,
	  .ip_bytes = 52,
	  .l3_offset = 14,
	  .l4_offset = 34}},
	{"one vlan tag",
	 MAC "8100 0014 0800" IP4 TCP,
	 SL_REASON_MEASURED,
	 {.vlan = 20, .tags = 1, .l3_offset = 18, .proto = 6}},
	{"qinq: the outer tag is the vlan",
	 MAC "88a8 0064 8100 00c8 0800" IP4 TCP,
	 SL_REASON_MEASURED,
	 {.vlan = 100, .tags = 2, .l3_offset = 22, .proto = 6}},
	{"three tags are too many",
	 MAC "88a8 0001 8100 0002 8100 0003 0800" IP4 TCP,
	 SL_REASON_TAGS_DEEP,
	 {.tags = 2}},
	{"priority bits are not the vlan id",
	 MAC "8100 e014 0800" IP4 TCP,
	 SL_REASON_MEASURED,
	 {.vlan = 20, .tags = 1}},
	{"pppoe session",
	 MAC "8864 1100 0001 0036 0021" IP4 TCP,
	 SL_REASON_MEASURED,
	 {.l3_offset = 22, .proto = 6, .dst_port = 443}},
	{"udp with dscp ef",
	 MAC "0800" UDP4,
	 SL_REASON_MEASURED,
	 {.proto = 17, .src_port = 0xd431, .dst_port = 53, .payload_bytes = 4, .tos = 0xb8}},
	{"ipv4 options are stepped over",
	 MAC "0800 46000038 0000 0000 40 06 0000 0a2a4005 cb007107 94040000" TCP,
	 SL_REASON_MEASURED,
	 {.l4_offset = 38, .dst_port = 443, .ip_bytes = 56}},
	{"ipv4 length 0 is the frame's (segmentation offload)",
	 MAC "0800 45000000 0000 0000 40 06 0000 0a2a4005 cb007107" TCP "aabb",
	 SL_REASON_MEASURED,
	 {.ip_bytes = 54, .payload_bytes = 2}},
	{"padding behind the datagram is not payload",
	 MAC "0800" IP4 TCP "00000000",
	 SL_REASON_MEASURED,
	 {.ip_bytes = 52, .payload_bytes = 0}},
	{"first fragment keeps its ports",
	 MAC "0800 45000034 beef 2000 40 06 0000 0a2a4005 cb007107" TCP,
	 SL_REASON_MEASURED,
	 {.fragment = SL_FRAGMENT_FIRST, .fragment_id = 0xbeef, .dst_port = 443}},
	{"later fragment has none",
	 MAC "0800 45000034 beef 2010 40 06 0000 0a2a4005 cb007107" TCP,
	 SL_REASON_MEASURED,
	 {.fragment = SL_FRAGMENT_LATER, .fragment_id = 0xbeef, .proto = 6}},
	{"ihl below 5",
	 MAC "0800 44000034 0000 0000 40 06 0000 0a2a4005 cb007107" TCP,
	 SL_REASON_IP_BAD,
	 {}},
	{"total length below the header",
	 MAC "0800 45000010 0000 0000 40 06 0000 0a2a4005 cb007107" TCP,
	 SL_REASON_IP_BAD,
	 {}},
	{"ipv6 in an ipv4 ethertype",
	 MAC "0800 60000000 0000 0000 40 06 0000 0a2a4005 cb007107" TCP,
	 SL_REASON_IP_BAD,
	 {}},
	{"tcp over ipv6",
	 MAC "86dd 60000000 0020 06 40" IP6 TCP,
	 SL_REASON_MEASURED,
	 {.ip6 = 1, .proto = 6, .ip_bytes = 72, .dst_port = 443, .l4_offset = 54}},
	{"ipv6 traffic class",
	 MAC "86dd 6b800000 0020 06 40" IP6 TCP,
	 SL_REASON_MEASURED,
	 {.ip6 = 1, .tos = 0xb8}},
	{"hop-by-hop and destination options",
	 MAC "86dd 60000000 0030 00 40" IP6 "3c00 010400000000 0600 010400000000" TCP,
	 SL_REASON_MEASURED,
	 {.proto = 6, .dst_port = 443, .l4_offset = 70, .ip_bytes = 88}},
	{"authentication header counts in 4-byte units",
	 MAC "86dd 60000000 0038 33 40" IP6
	     "0604 0000 00000001 00000001 000000000000000000000000" TCP,
	 SL_REASON_MEASURED,
	 {.proto = 6, .dst_port = 443, .l4_offset = 78}},
	{"ipv6 first fragment",
	 MAC "86dd 60000000 0028 2c 40" IP6 "0600 0001 cafebabe" TCP,
	 SL_REASON_MEASURED,
	 {.fragment = SL_FRAGMENT_FIRST, .fragment_id = 0xcafebabe, .dst_port = 443}},
	{"ipv6 later fragment",
	 MAC "86dd 60000000 0028 2c 40" IP6 "0600 0100 cafebabe" TCP,
	 SL_REASON_MEASURED,
	 {.fragment = SL_FRAGMENT_LATER, .fragment_id = 0xcafebabe, .proto = 6}},
	{"seven extension headers are too many",
	 MAC "86dd 60000000 0058 00 40" IP6 "3c00010400000000 3c00010400000000 3c00010400000000"
	     "3c00010400000000 3c00010400000000 3c00010400000000 0600010400000000" TCP,
	 SL_REASON_IP6_DEEP,
	 {.ip6 = 1}},
	{"arp is not ip", MAC "0806 0001080006040001", SL_REASON_NOT_IP, {}},
	{"gre is neither tcp, udp nor icmp",
	 MAC "0800 45000018 0000 0000 40 2f 0000 0a2a4005 cb007107 00000800",
	 SL_REASON_L4_OTHER,
	 {.proto = 47, .ip_bytes = 24}},
	{"tcp data offset below 5",
	 MAC "0800" IP4 "c001 01bb 00000064 000000c8 4010 01f6 0000 0000",
	 SL_REASON_L4_BAD,
	 {}},
	{"timestamps behind other options",
	 MAC
	 "0800 4500003c 0000 0000 40 06 0000 0a2a4005 cb007107"
	 "c001 01bb 00000064 00000000 a002 fe00 0000 0000 020405b4 0402 080a 0000002a 00000000 01 030307",
	 SL_REASON_MEASURED,
	 {.has_ts = 1, .tsval = 42, .tcp_flags = 2}},
	{"an option of length 1 ends the walk",
	 MAC "0800 45000034 0000 0000 40 06 0000 0a2a4005 cb007107"
	     "c001 01bb 00000064 00000000 8002 fe00 0000 0000 0501 080a 0000002a 00000000",
	 SL_REASON_MEASURED,
	 {.has_ts = 0, .tcp_flags = 2}},
	{"echo request carries its identifier",
	 MAC "0800 4500001c 0000 0000 40 01 0000 0a2a4005 cb007107 0800 0000 1234 0007",
	 SL_REASON_MEASURED,
	 {.proto = 1, .icmp_echo = 1, .src_port = 0x1234, .icmp_seq = 7}},
	{"echo reply carries it at the other end",
	 MAC "0800 4500001c 0000 0000 40 01 0000 cb007107 0a2a4005 0000 0000 1234 0007",
	 SL_REASON_MEASURED,
	 {.proto = 1, .icmp_echo = 2, .dst_port = 0x1234, .icmp_seq = 7}},
	{"icmp error names the flow that it quotes, reversed",
	 MAC "0800 45000038 0000 0000 40 01 0000 c6336401 0a2a4005 0301 0000 00000000"
	     "45000034 1234 4000 40 06 0000 0a2a4005 cb007107 c001 01bb 00000064",
	 SL_REASON_MEASURED,
	 {.icmp_error = 1, .proto = 6, .src_port = 443, .dst_port = 0xc001}},
	{"icmpv6 error",
	 MAC "86dd 60000000 0038 3a 40" IP6 "0104 0000 00000000 60000000 0020 06 40" IP6
	     "c001 01bb 00000064",
	 SL_REASON_MEASURED,
	 {.icmp_error = 1, .proto = 6, .src_port = 443, .dst_port = 0xc001}},
	{"router advertisement is not a flow",
	 MAC "86dd 60000000 0008 3a ff" IP6 "8600 0000 00000000",
	 SL_REASON_L4_OTHER,
	 {.proto = 58}},
};

/* Parse the first @size bytes, the short and the long way, from a buffer that ends with them. */
static enum sl_reason parse(const uint8_t *bytes, size_t size, size_t wire,
			    struct sl_packet *packet)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct sl_cursor c = {exact, exact + size};
	struct sl_packet plain;

	memset(&plain, 0xee, sizeof(plain));
	memcpy(exact, bytes, size);
	bool is_plain = sl_packet_plain(exact, exact + size, &plain);
	enum sl_reason reason = sl_packet_network(&c, (uint32_t)wire, packet);

	if (reason == SL_REASON_MEASURED) {
		assert_int_equal(c.pos - exact, packet->l4_offset);
		reason = sl_packet_transport(&c, packet);
	}
	if (is_plain) { /* the short lane (plain.h) says the same, of every byte */
		assert_int_equal(reason, SL_REASON_MEASURED);
		assert_memory_equal(&plain, packet, sizeof(plain));
	}
	free(exact);
	return reason;
}

#define WANTS(field)                                                     \
	do {                                                             \
		if (row->want.field)                                     \
			assert_int_equal(packet.field, row->want.field); \
	} while (0)

static void frame(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512];
	struct sl_packet packet;
	size_t size = hex_bytes(row->hex, bytes);

	assert_int_equal(parse(bytes, size, size, &packet), row->reason);
	WANTS(vlan);
	WANTS(tags);
	WANTS(l3_offset);
	WANTS(l4_offset);
	WANTS(proto);
	WANTS(ip6);
	WANTS(tos);
	WANTS(ip_bytes);
	WANTS(payload_bytes);
	WANTS(src_port);
	WANTS(dst_port);
	WANTS(seq);
	WANTS(ack);
	WANTS(tsval);
	WANTS(tsecr);
	WANTS(tcp_flags);
	WANTS(window);
	WANTS(fragment);
	WANTS(fragment_id);
	WANTS(icmp_echo);
	WANTS(icmp_seq);
	WANTS(icmp_error);
	assert_int_equal(packet.has_ts, row->want.has_ts
						? 1
						: packet.has_ts && row->want.tsval == 0 &&
							  strstr(row->hex, "0101080a") != NULL);
}

/* Cut anywhere: a reason, no byte read past the end, nothing measured from half a header. */
static void cut(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512];
	struct sl_packet packet;
	size_t size = hex_bytes(row->hex, bytes);

	for (size_t n = 0; n < size; n++) {
		enum sl_reason reason = parse(bytes, n, size, &packet);

		assert_true(reason < SL_REASON_COUNT);
		if (n < 14)
			assert_int_equal(reason, SL_REASON_ETH_SHORT);
	}
}

static void addresses_are_v4_mapped(void **state)
{
	uint8_t bytes[512];
	struct sl_packet packet;
	size_t size = hex_bytes(rows[0].hex, bytes);

	parse(bytes, size, size, &packet);
	assert_true(packet.src.hi == 0 && packet.src.lo == UINT64_C(0xffff0a2a4005));
	assert_true(packet.dst.hi == 0 && packet.dst.lo == UINT64_C(0xffffcb007107));
}

int main(void)
{
	static struct sl_row_tests tests;
	static char names[sizeof(rows) / sizeof(rows[0])][96];

	SL_ROWS_ADD(&tests, rows, frame);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(names[i], sizeof(names[i]), "cut: %s", rows[i].name);
		sl_row_add(&tests, names[i], cut, &rows[i]);
	}
	sl_row_add(&tests, "ipv4 addresses are v4-mapped", addresses_are_v4_mapped, NULL);
	return sl_row_run("fastpath packet", &tests);
}
