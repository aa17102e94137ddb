/*
 * copies.h - copies of packets as the core makes them, for the slow path's tests
 */
#ifndef SL_COPIES_H
#define SL_COPIES_H

#include "dataplane/fastpath/inspect.h"
#include "tests/unit/dataplane/wire_make.h"

/* A flow between LAN client 10.0.x.x and server 203.0.x.x, by the numbers of both. */
struct copies_flow {
	uint16_t client, server, sport, dport;
	uint8_t proto;
	uint32_t incarnation;
	uint8_t service;
};

struct sl_addr copies_client(uint16_t number);
struct sl_addr copies_server(uint16_t number);
uint64_t copies_hash(const struct copies_flow *flow);

/*
 * The copy of a packet of @flow with @payload, of which @kept bytes were copied.  Of time,
 * sequence and number: what *@copy had, and the caller may change; zeroed = the first.
 */
void copies_make(struct sl_inspect *copy, const struct copies_flow *flow, bool from_client,
		 const struct wire *payload, uint32_t kept);

/* A DNS answer: @name has server @server's address for @ttl_s. */
void copies_dns(struct wire *message, const char *name, uint16_t server, uint32_t ttl_s);

#endif
