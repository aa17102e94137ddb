/*
 * maker.h - frames for the tests of the whole way, made field by field
 *
 * Ethernet, a VLAN tag when asked for, IPv4, and TCP (with timestamps when .tsval is not 0),
 * UDP or ICMP.  Payload is zeros but for its first 12 bytes, .head.
 */
#ifndef SL_TEST_MAKER_H
#define SL_TEST_MAKER_H

#include <string.h>

#include "dataplane/fastpath/packet.h"

#define MAKER_BYTES 2048

/* A frame being made: bytes, and how many. */
struct maker {
	uint8_t byte[MAKER_BYTES];
	uint32_t length;
};

struct maker_spec {
	uint32_t src, dst;
	uint16_t src_port, dst_port, vlan, fragment, id; /* fragment: as in the IPv4 header */
	uint8_t proto, tcp_flags, tos;
	uint32_t seq, ack, tsval, tsecr;
	uint16_t payload;
	uint32_t head[3];
};

static inline void maker_put(struct maker *m, uint64_t value, int bytes)
{
	while (bytes--)
		m->byte[m->length++] = (uint8_t)(value >> bytes * 8);
}

static inline void maker_link(struct maker *m, uint16_t vlan, uint16_t type)
{
	m->length = 0;
	maker_put(m, 0x020000000001, 6);
	maker_put(m, 0x020000000002, 6);
	if (vlan)
		maker_put(m, 0x81000000u | vlan, 4);
	maker_put(m, type, 2);
}

/* An IPv4 header with @bytes behind it. */
static inline void maker_ip4(struct maker *m, const struct maker_spec *spec, uint32_t bytes)
{
	maker_put(m, 0x4500u | spec->tos, 2);
	maker_put(m, 20 + bytes, 2);
	maker_put(m, spec->id, 2);
	maker_put(m, spec->fragment, 2);
	maker_put(m, 0x4000u | spec->proto, 2);
	maker_put(m, 0, 2);
	maker_put(m, spec->src, 4);
	maker_put(m, spec->dst, 4);
}

static inline void maker_tcp(struct maker *m, const struct maker_spec *spec)
{
	maker_put(m, spec->seq, 4);
	maker_put(m, spec->ack, 4);
	maker_put(m, (spec->tsval ? 0x8000u : 0x5000u) | spec->tcp_flags, 2);
	maker_put(m, 500, 2);
	maker_put(m, 0, 4);
	if (!spec->tsval)
		return;
	maker_put(m, 0x0101080a, 4);
	maker_put(m, spec->tsval, 4);
	maker_put(m, spec->tsecr, 4);
}

/* From the IP header on, as a packet or as what a tunnel or an ICMP error carries. */
static inline void maker_packet(struct maker *m, const struct maker_spec *spec)
{
	bool tcp = spec->proto == SL_PROTO_TCP, ports = tcp || spec->proto == SL_PROTO_UDP;
	uint32_t header = tcp ? spec->tsval ? 32 : 20 : ports ? 8 : 0;
	uint32_t from = m->length + 20 + header;

	maker_ip4(m, spec, header + spec->payload);
	if (ports) {
		maker_put(m, spec->src_port, 2);
		maker_put(m, spec->dst_port, 2);
	}
	if (tcp)
		maker_tcp(m, spec);
	else if (ports)
		maker_put(m, (uint64_t)(8u + spec->payload) << 16, 4);
	memset(m->byte + from, 0, spec->payload);
	for (int i = 0; i < 3 && spec->payload >= 12; i++)
		maker_put(m, spec->head[i], 4);
	m->length = from + spec->payload;
}

static inline void maker_make(struct maker *m, const struct maker_spec *spec)
{
	maker_link(m, spec->vlan, SL_ETHERTYPE_IP4);
	maker_packet(m, spec);
}

/* "Port unreachable", from @router to the sender of @about's packet, whose first bytes it quotes. */
static inline void maker_icmp_error(struct maker *m, uint32_t router,
				    const struct maker_spec *about)
{
	struct maker_spec error = {.src = router,
				   .dst = about->src,
				   .vlan = about->vlan,
				   .proto = SL_PROTO_ICMP,
				   .payload = 36};
	struct maker quoted = {.length = 0};

	maker_packet(&quoted, about);
	maker_make(m, &error);
	m->length -= 36;
	maker_put(m, 0x03030000, 4);
	maker_put(m, 0, 4);
	memcpy(m->byte + m->length, quoted.byte, 28);
	m->length += 28;
}

#endif
