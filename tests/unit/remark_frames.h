/*
 * remark_frames.h - frames whose DSCP is to change, for the core's test and for XDP's
 *
 * Each is written as hex; the checksum of the outermost IPv4 header is made here.  What it must
 * leave as follows from it: the DSCP, the two ECN bits that it had, a checksum computed anew, and
 * every other byte as it was.
 */
#ifndef SL_TEST_REMARK_FRAMES_H
#define SL_TEST_REMARK_FRAMES_H

#include <stdbool.h>
#include <string.h>

#include "tests/unit/hex_bytes.h"

#define REMARK_BYTES 128

#define REMARK_TCP  "c001 01bb 00000064 000000c8 8010 01f6 0000 0000 0101080a 00000007 00000009 "
#define REMARK_TO4  "0a2a4005 cb007107 "
#define REMARK_IP4  "0034 1234 4000 40 06 0000 " REMARK_TO4 REMARK_TCP
#define REMARK_TO6  "20010db8000000000000000000000001 20010db8000000000000000000000002 "
#define REMARK_IP6  "0020 06 40 " REMARK_TO6 REMARK_TCP
#define REMARK_OUT4 "0050 1111 0000 40 "
#define REMARK_ETH  "0a0000000001 0a0000000002 "

static const struct remark_frame {
	const char *name, *hex;
	uint32_t l3;  /* offset of the outermost IP header */
	bool inside;  /* its tunnel's inside is measured */
	uint8_t dscp; /* wanted */
} remark_frames[] = {
	{"IPv4", HEX_MAC "0800 4500" REMARK_IP4, 14, false, 46},
	{"IPv4 to Lower Effort", HEX_MAC "0800 4588" REMARK_IP4, 14, false, 1},
	{"IPv4 to none", HEX_MAC "0800 45b8" REMARK_IP4, 14, false, 0},
	{"IPv4, ECT(0) stays", HEX_MAC "0800 4502" REMARK_IP4, 14, false, 1},
	{"IPv4, ECT(1) stays", HEX_MAC "0800 45b9" REMARK_IP4, 14, false, 8},
	{"IPv4, CE stays", HEX_MAC "0800 4503" REMARK_IP4, 14, false, 63},
	{"IPv4 that has it", HEX_MAC "0800 45ba" REMARK_IP4, 14, false, 46},
	{"IPv4 with options",
	 HEX_MAC "0800 4600 0038 1234 4000 40 06 0000 " REMARK_TO4 "94040000" REMARK_TCP, 14, false,
	 10},
	{"IPv4, a first fragment",
	 HEX_MAC "0800 4500 0034 1234 2000 40 06 0000 " REMARK_TO4 REMARK_TCP, 14, false, 1},
	{"IPv4, a later one", HEX_MAC "0800 4501 0034 1234 0010 40 06 0000 " REMARK_TO4 REMARK_TCP,
	 14, false, 1},
	{"IPv4 behind a tag", HEX_MAC "8100 0014 0800 4502" REMARK_IP4, 18, false, 34},
	{"IPv4 behind two tags", HEX_MAC "88a8 0001 8100 0002 0800 4500" REMARK_IP4, 22, false, 34},
	{"IPv4 in PPPoE", HEX_MAC "8864 1100 0001 0036 0021 4500" REMARK_IP4, 22, false, 34},
	{"IPv4 below a label", HEX_MAC "8847 00010140 4500" REMARK_IP4, 18, false, 34},
	{"IPv6, flow label stays", HEX_MAC "86dd 600abcde" REMARK_IP6, 14, false, 46},
	{"IPv6, ECT(0) stays", HEX_MAC "86dd 6b8abcde" REMARK_IP6, 14, false, 1},
	{"IPv6, CE stays", HEX_MAC "86dd 603abcde" REMARK_IP6, 14, false, 63},
	{"IPv6 that has it", HEX_MAC "86dd 605abcde" REMARK_IP6, 14, false, 1},
	{"IPv6 behind two tags", HEX_MAC "88a8 0001 8100 0002 86dd 60000000" REMARK_IP6, 22, false,
	 26},
	{"IPv6, a later fragment",
	 HEX_MAC "86dd 60200000 0028 2c 40 " REMARK_TO6 "06 00 0010 00000007" REMARK_TCP, 14, false,
	 1},
	{"a tunnel measured inside: its outer header",
	 HEX_MAC "0800 4501" REMARK_OUT4 "2f 0000 c0000201 c0000202 0000 0800 45b8" REMARK_IP4, 14,
	 true, 1},
	{"the inner has it, the outer not",
	 HEX_MAC "0800 4500" REMARK_OUT4 "2f 0000 c0000201 c0000202 0000 0800 45b8" REMARK_IP4, 14,
	 true, 46},
	{"the outer has it, the inner not",
	 HEX_MAC "0800 45b8" REMARK_OUT4 "2f 0000 c0000201 c0000202 0000 0800 4500" REMARK_IP4, 14,
	 true, 46},
	{"IPv4 in IPv6 behind a tag",
	 HEX_MAC "8100 0014 86dd 6010cafe 0034 04 40" REMARK_TO6 "4500" REMARK_IP4, 18, true, 8},
	{"VXLAN that nobody looks into",
	 HEX_MAC "0800 4500 0066 1111 0000 40 11 0000 c0000201 c0000202 d000 12b5 0052 0000 "
		 "08000000 00002a00" REMARK_ETH "0800 45b8" REMARK_IP4,
	 14, false, 1},
	{"VXLAN measured inside",
	 HEX_MAC "0800 4500 0066 1111 0000 40 11 0000 c0000201 c0000202 d000 12b5 0052 0000 "
		 "08000000 00002a00" REMARK_ETH "0800 45b8" REMARK_IP4,
	 14, true, 1},
};

/* The checksum of the IPv4 header at @ip, computed whole (RFC 791 3.1). */
static inline uint16_t remark_checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < (ip[0] & 0xf) * 4; i += 2)
		sum += i == 10 ? 0 : (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void remark_close(uint8_t *ip)
{
	uint16_t sum = remark_checksum(ip);

	if (ip[0] >> 4 != 4)
		return;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static inline uint8_t remark_tos_of(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

/* @frame as it comes, into @in, and as it must leave, into @want; REMARK_BYTES each.  Its length. */
static inline uint32_t remark_make(const struct remark_frame *frame, uint8_t *in, uint8_t *want)
{
	uint32_t length = (uint32_t)hex_bytes(frame->hex, in);
	uint8_t *ip = want + frame->l3, tos;

	remark_close(in + frame->l3);
	memcpy(want, in, length);
	tos = (uint8_t)(frame->dscp << 2 | (remark_tos_of(ip) & 3));
	if (ip[0] >> 4 == 6) {
		ip[0] = (uint8_t)(0x60 | tos >> 4);
		ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0xf));
	} else {
		ip[1] = tos;
		remark_close(ip);
	}
	return length;
}

/* It has another DSCP, so it is touched and counted. */
static inline bool remark_changes(const struct remark_frame *frame, const uint8_t *in)
{
	return remark_tos_of(in + frame->l3) >> 2 != frame->dscp;
}

#endif
