/*
 * dns.h - what a DNS answer says of addresses (RFC 1035, 3596, 9460)
 *
 * Only what the question leads to counts: records of the name asked for, and of those that it
 * is an alias of (CNAME, HTTPS and SVCB).  Pure, safe on any bytes.
 */
#ifndef SL_DNS_H
#define SL_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "hello.h"

#define SL_DNS_ADDRESSES_MAX 32

struct sl_dns_address {
	uint8_t address[16]; /* IPv4 mapped: ::ffff:a.b.c.d */
	uint32_t ttl_s;      /* the least along the chain that leads to it */
};

struct sl_dns_answer {
	uint16_t id;
	uint8_t rcode;  /* 0 = no error */
	bool is_answer; /* false: a query */
	bool truncated; /* TC: the whole answer comes over TCP */
	bool overflow;  /* there were more addresses, aliases or records than are kept */
	uint16_t question_type;
	char question
		[SL_SERVER_NAME_MAX]; /* as by sl_hello_name(); "" = none, or not a host name */
	uint32_t addresses;
	struct sl_dns_address address[SL_DNS_ADDRESSES_MAX]; /* each once */
};

/*
 * Read a message (over TCP: without its two length bytes).  0; or -EBADMSG, *@out untouched:
 * shorter than it says, compression that does not go back, a record that is not what its type says.
 */
int sl_dns_read(const uint8_t *message, uint32_t length, struct sl_dns_answer *out);

#endif
