/*
 * tunnel_test.c - outer headers by hand, and what the parser finds inside
 *
 * Each frame is read with its tunnel asked, with none asked, with all others asked, and cut at
 * every byte.  Truth: RFC 2784 and 2890 (GRE), 2003, 2473 and 4213 (IP in IP), 7348 (VXLAN), 8926
 * (Geneve), TS 29.281 5 (GTP-U).
 */
#include <stdio.h>

#include "tests/unit/fastpath/hex.h"
#include "tests/unit/row.h"

#define ALL 0x1fu

/* Outer headers with protocol or next header @p; lengths are not needed to step over them. */
#define OUT4(p) HEX_MAC "0800 45000100 1111 0000 40" p "0000 c0000201 c0000202 "
#define OUT6(p)                        \
	HEX_MAC "86dd 60000000 0100" p \
		"40 20010db8000000000000000000000a01 20010db8000000000000000000000a02 "
#define UDP(port) "d000" port "0100 0000 "

/* Inner packets: TCP 0xc001 -> 443 from 10.42.64.5, 52 bytes; and over IPv6, 72. */
#define IN4 "45000034 1234 4000 40 06 0000 0a2a4005 cb007107 "
#define IN6                                                     \
	"60000000 0020 06 40 20010db8000000000000000000000001 " \
	"20010db8000000000000000000000002 "
#define TCP   "c001 01bb 00000064 000000c8 8010 01f6 0000 0000 0101080a 00000007 00000009"
#define ETHER "0a0000000001 0a0000000002 "

static const struct row {
	const char *name;
	const char *outer, *inner; /* the inner IP header and on */
	uint32_t tunnel;
	uint32_t not_asked; /* what it is then: the outer protocol, 0 = what is no flow */
} rows[] = {
	{"gre", OUT4("2f") "0000 0800", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: ipv6 inside", OUT4("2f") "0000 86dd", IN6 TCP, SL_TUNNEL_GRE, 0},
	{"gre: ipv6 outside", OUT6("2f") "0000 0800", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: checksum", OUT4("2f") "8000 0800 abcd 0000", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: key", OUT4("2f") "2000 0800 00000007", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: sequence number", OUT4("2f") "1000 0800 00000001", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: checksum, key and sequence number",
	 OUT4("2f") "b000 0800 abcd 0000 00000007 00000001", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: a bridged frame", OUT4("2f") "0000 6558" ETHER "0800", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: a bridged frame with two tags",
	 OUT4("2f") "0000 6558" ETHER "88a8 0001 8100 0002 0800", IN4 TCP, SL_TUNNEL_GRE, 0},
	{"gre: under a vlan tag of its own",
	 HEX_MAC "8100 0014 0800 45000100 1111 0000 40 2f 0000 c0000201 c0000202 0000 0800",
	 IN4 TCP, SL_TUNNEL_GRE, 0},
	{"ipv4 in ipv4", OUT4("04"), IN4 TCP, SL_TUNNEL_IPIP, 0},
	{"ipv6 in ipv4", OUT4("29"), IN6 TCP, SL_TUNNEL_IPIP, 0},
	{"ipv4 in ipv6", OUT6("04"), IN4 TCP, SL_TUNNEL_IPIP, 0},
	{"ipv6 in ipv6", OUT6("29"), IN6 TCP, SL_TUNNEL_IPIP, 0},
	{"ipv4 in ipv4 with options",
	 HEX_MAC "0800 46000100 1111 0000 40 04 0000 c0000201 c0000202 94040000", IN4 TCP,
	 SL_TUNNEL_IPIP, 0},
	{"vxlan", OUT4("11") UDP("12b5") "08000000 00002a00" ETHER "0800", IN4 TCP, SL_TUNNEL_VXLAN,
	 SL_PROTO_UDP},
	{"vxlan: ipv6 outside and inside", OUT6("11") UDP("12b5") "08000000 00002a00" ETHER "86dd",
	 IN6 TCP, SL_TUNNEL_VXLAN, SL_PROTO_UDP},
	{"vxlan: a tag inside", OUT4("11") UDP("12b5") "08000000 00002a00" ETHER "8100 0063 0800",
	 IN4 TCP, SL_TUNNEL_VXLAN, SL_PROTO_UDP},
	{"geneve: a bridged frame", OUT4("11") UDP("17c1") "0000 6558 00002a00" ETHER "0800",
	 IN4 TCP, SL_TUNNEL_GENEVE, SL_PROTO_UDP},
	{"geneve: an ip packet", OUT4("11") UDP("17c1") "0000 0800 00002a00", IN4 TCP,
	 SL_TUNNEL_GENEVE, SL_PROTO_UDP},
	{"geneve: options, ipv6 inside",
	 OUT4("11") UDP("17c1") "0340 86dd 00002a00 010280010a0b0c0d 01020000", IN6 TCP,
	 SL_TUNNEL_GENEVE, SL_PROTO_UDP},
	{"gtp-u", OUT4("11") UDP("0868") "30ff 0034 00000009", IN4 TCP, SL_TUNNEL_GTPU,
	 SL_PROTO_UDP},
	{"gtp-u: ipv6 inside", OUT6("11") UDP("0868") "30ff 0048 00000009", IN6 TCP, SL_TUNNEL_GTPU,
	 SL_PROTO_UDP},
	{"gtp-u: sequence number, and no word of the extension that stands there",
	 OUT4("11") UDP("0868") "32ff 0038 00000009 0001 00 85", IN4 TCP, SL_TUNNEL_GTPU,
	 SL_PROTO_UDP},
	{"gtp-u: extension header",
	 OUT4("11") UDP("0868") "34ff 003c 00000009 0000 00 85 01 1009 00", IN4 TCP, SL_TUNNEL_GTPU,
	 SL_PROTO_UDP},
	{"gtp-u: two extension headers, one of 8 bytes",
	 OUT4("11") UDP("0868") "34ff 0044 00000009 0000 00 c0 02 010203040506 85 01 1009 00",
	 IN4 TCP, SL_TUNNEL_GTPU, SL_PROTO_UDP},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static size_t load(const struct row *row, uint8_t *bytes)
{
	size_t outer = hex_bytes(row->outer, bytes);

	return outer + hex_bytes(row->inner, bytes + outer);
}

static void inside(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512] = {0};
	struct sl_packet packet;
	size_t size = load(row, bytes), outer = hex_bytes(row->outer, bytes);
	bool six = row->inner[0] == '6';

	load(row, bytes);
	assert_int_equal(hex_parse(bytes, size, size, row->tunnel, &packet), SL_REASON_MEASURED);
	assert_int_equal(packet.inner, row->tunnel);
	assert_int_equal(packet.l3_offset, outer);
	assert_int_equal(packet.l4_offset, outer + (six ? 40 : 20));
	assert_int_equal(packet.ip6, six);
	assert_int_equal(packet.src.lo, six ? 1 : UINT64_C(0xffff0a2a4005));
	assert_int_equal(packet.proto, SL_PROTO_TCP);
	assert_int_equal(packet.src_port, 0xc001);
	assert_int_equal(packet.dst_port, 443);
	assert_int_equal(packet.seq, 100);
	assert_int_equal(packet.tsval, 7);
	assert_int_equal(packet.ip_bytes, six ? 72 : 52);
	assert_int_equal(packet.payload_bytes, 0);
	assert_int_equal(packet.vlan, strstr(row->name, "its own") ? 20 : 0);
}

/* Nobody asked, or for all others only: the outer headers stand. */
static void outside(void **state)
{
	const struct row *row = *state;
	uint32_t asked[] = {0, ALL & ~row->tunnel};
	uint8_t bytes[512] = {0};
	size_t size = load(row, bytes);

	for (int i = 0; i < 2; i++) {
		struct sl_packet packet;
		enum sl_reason reason = hex_parse(bytes, size, size, asked[i], &packet);

		assert_int_equal(reason, row->not_asked ? SL_REASON_MEASURED : SL_REASON_L4_OTHER);
		assert_int_equal(packet.inner, 0);
		if (row->not_asked)
			assert_int_equal(packet.src_port, 0xd000);
	}
}

/* Cut anywhere: never measured before all of the inner header is there, no byte past the end. */
static void cut(void **state)
{
	const struct row *row = *state;
	uint8_t bytes[512] = {0};
	struct sl_packet packet;
	size_t size = load(row, bytes);

	for (size_t n = 0; n + 12 < size; n++)
		assert_int_not_equal(hex_parse(bytes, n, size, row->tunnel, &packet),
				     SL_REASON_MEASURED);
}

/* ---- what is no tunnel that we can enter ---- */

static const struct other {
	const char *name;
	const char *hex;
	enum sl_reason reason;
	uint32_t inner;
} others[] = {
	{"gre: source routes are not read", OUT4("2f") "4000 0800" IN4 TCP, SL_REASON_NOT_IP,
	 SL_TUNNEL_GRE},
	{"gre: pptp's version 1 is not read", OUT4("2f") "3001 880b 00000000 00000000" IN4 TCP,
	 SL_REASON_NOT_IP, SL_TUNNEL_GRE},
	{"gre: arp inside is not ip", OUT4("2f") "0000 0806 00010800", SL_REASON_NOT_IP,
	 SL_TUNNEL_GRE},
	{"vxlan: arp inside", OUT4("11") UDP("12b5") "08000000 00002a00" ETHER "0806 0001",
	 SL_REASON_NOT_IP, SL_TUNNEL_VXLAN},
	{"vxlan: without its I flag it is none (RFC 7348 5)",
	 OUT4("11") UDP("12b5") "00000000 00002a00" ETHER "0800" IN4 TCP, SL_REASON_NOT_IP,
	 SL_TUNNEL_VXLAN},
	{"geneve: a version that nobody knows (RFC 8926 3.4)",
	 OUT4("11") UDP("17c1") "4000 0800 00002a00" IN4 TCP, SL_REASON_NOT_IP, SL_TUNNEL_GENEVE},
	{"gtp-u: an echo request carries no packet",
	 OUT4("11") UDP("0868") "3201 0004 00000000 0001 00 00", SL_REASON_NOT_IP, SL_TUNNEL_GTPU},
	{"gtp-u: GTP' is another protocol", OUT4("11") UDP("0868") "20ff 0034 00000009" IN4 TCP,
	 SL_REASON_NOT_IP, SL_TUNNEL_GTPU},
	{"gtp-u: an extension header of length 0 (TS 29.281 5.2.1)",
	 OUT4("11") UDP("0868") "34ff 003c 00000009 0000 00 85 00 1009 00" IN4 TCP,
	 SL_REASON_NOT_IP, SL_TUNNEL_GTPU},
	{"gtp-u: inside is neither ipv4 nor ipv6", OUT4("11") UDP("0868") "30ff 0034 00000009 00",
	 SL_REASON_NOT_IP, SL_TUNNEL_GTPU},
	{"one level only: a tunnel in a tunnel is what it says it is",
	 OUT4("04") "45000100 0000 0000 40 2f 0000 0a000001 0a000002 0000 0800" IN4 TCP,
	 SL_REASON_L4_OTHER, SL_TUNNEL_IPIP},
	{"the outer datagram's later fragment has no header to enter by",
	 HEX_MAC "0800 45000100 1111 0010 40 11 0000 c0000201 c0000202" UDP("12b5") "08",
	 SL_REASON_MEASURED, 0},
	{"its first has",
	 HEX_MAC "0800 45000100 1111 2000 40 11 0000 c0000201 c0000202" UDP(
		 "12b5") "08000000 00002a00" ETHER "0800" IN4 TCP,
	 SL_REASON_MEASURED, SL_TUNNEL_VXLAN},
	{"the inner packet may be a fragment",
	 OUT4("04") "45000034 beef 2000 40 06 0000 0a2a4005 cb007107" TCP, SL_REASON_MEASURED,
	 SL_TUNNEL_IPIP},
	{"from the tunnel's port is not to it",
	 OUT4("11") "12b5 d000 0100 0000 08000000 00002a00" ETHER "0800" IN4 TCP,
	 SL_REASON_MEASURED, 0},
};

static void other(void **state)
{
	const struct other *row = *state;
	uint8_t bytes[512] = {0};
	struct sl_packet packet;
	size_t size = hex_bytes(row->hex, bytes);

	assert_int_equal(hex_parse(bytes, size, size, ALL, &packet), row->reason);
	assert_int_equal(packet.inner, row->inner);
	for (size_t n = 0; n < size; n++)
		assert_true(hex_parse(bytes, n, size, ALL, &packet) < SL_REASON_COUNT);
}

int main(void)
{
	static struct sl_row_tests tests;
	static char names[2 * ROWS][128];

	SL_ROWS_ADD(&tests, rows, inside);
	for (size_t i = 0; i < ROWS; i++) {
		snprintf(names[i], sizeof(names[i]), "not asked: %s", rows[i].name);
		sl_row_add(&tests, names[i], outside, &rows[i]);
		snprintf(names[ROWS + i], sizeof(names[i]), "cut: %s", rows[i].name);
		sl_row_add(&tests, names[ROWS + i], cut, &rows[i]);
	}
	SL_ROWS_ADD(&tests, others, other);
	return sl_row_run("fastpath tunnel", &tests);
}
