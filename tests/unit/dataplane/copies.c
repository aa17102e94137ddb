/*
 * copies.c - addresses by number, headers that nDPI believes
 */
#include "tests/unit/dataplane/copies.h"

#include <string.h>

#define IP_BYTES  20
#define TCP_BYTES 20
#define UDP_BYTES 8

static struct sl_addr mapped(uint32_t address)
{
	return (struct sl_addr){0, UINT64_C(0xffff00000000) | address};
}

struct sl_addr copies_client(uint16_t number)
{
	return mapped(0x0a000000u | number);
}

struct sl_addr copies_server(uint16_t number)
{
	return mapped(0xcb000000u | number);
}

uint64_t copies_hash(const struct copies_flow *flow)
{
	uint64_t hash = sl_hash_mix(flow->proto, (uint64_t)flow->client << 32 | flow->server);

	return sl_hash_end(sl_hash_mix(hash, (uint64_t)flow->sport << 32 | flow->dport)) | 1;
}

static void put_ip(struct wire *packet, const struct copies_flow *flow, bool from_client,
		   uint32_t length)
{
	uint32_t client = (uint32_t)copies_client(flow->client).lo;
	uint32_t server = (uint32_t)copies_server(flow->server).lo;

	wire_hex(packet, "45 00");
	wire_number(packet, length, 2);
	wire_hex(packet, "0001 0000 40");
	wire_number(packet, flow->proto, 1);
	wire_number(packet, 0, 2);
	wire_number(packet, from_client ? client : server, 4);
	wire_number(packet, from_client ? server : client, 4);
	wire_number(packet, from_client ? flow->sport : flow->dport, 2);
	wire_number(packet, from_client ? flow->dport : flow->sport, 2);
}

void copies_make(struct sl_inspect *copy, const struct copies_flow *flow, bool from_client,
		 const struct wire *payload, uint32_t kept)
{
	bool tcp = flow->proto == SL_PROTO_TCP;
	uint32_t head = IP_BYTES + (tcp ? TCP_BYTES : UDP_BYTES);
	static struct wire packet;

	packet.length = 0;
	put_ip(&packet, flow, from_client, head + payload->length);
	if (tcp) {
		wire_number(&packet, copy->tcp_seq, 4);
		wire_hex(&packet, "00000001 5018 0200 0000 0000");
	} else {
		wire_number(&packet, UDP_BYTES + payload->length, 2);
		wire_number(&packet, 0, 2);
	}
	wire_put(&packet, payload->bytes, kept < payload->length ? kept : payload->length);
	copy->hash = copies_hash(flow);
	copy->key = (struct sl_flow_key){.a = copies_client(flow->client),
					 .b = copies_server(flow->server),
					 .a_port = flow->sport,
					 .b_port = flow->dport,
					 .proto = flow->proto};
	copy->incarnation = flow->incarnation;
	copy->service = flow->service;
	copy->payload_bytes = payload->length;
	copy->payload_offset = (uint16_t)head;
	copy->length =
		(uint16_t)(packet.length < SL_INSPECT_BYTES ? packet.length : SL_INSPECT_BYTES);
	copy->from_initiator = copy->from_lan = from_client;
	memcpy(copy->bytes, packet.bytes, copy->length);
}

static void put_name(struct wire *message, const char *name)
{
	while (*name) {
		size_t length = strcspn(name, ".");

		wire_number(message, length, 1);
		wire_put(message, name, (uint32_t)length);
		name += length + (name[length] == '.');
	}
	wire_number(message, 0, 1);
}

void copies_dns(struct wire *message, const char *name, uint16_t server, uint32_t ttl_s)
{
	message->length = 0;
	wire_hex(message, "1234 8180 0001 0001 0000 0000");
	put_name(message, name);
	wire_hex(message, "0001 0001 c00c 0001 0001");
	wire_number(message, ttl_s, 4);
	wire_number(message, 4, 2);
	wire_number(message, (uint32_t)copies_server(server).lo, 4);
}
