/*
 * dhcp.c - the fixed part, then the options, each once
 */
#include "dhcp.h"

#include <errno.h>
#include <stdbool.h>

#define CHADDR  28
#define COOKIE  236
#define OPTIONS 240

#define MAGIC         UINT32_C(0x63825363) /* RFC 2131 3 */
#define HARD_ETHERNET 1
#define OPTION_PAD    0
#define OPTION_TYPE   53
#define OPTION_SERVER 54
#define OPTION_END    255

static uint64_t number(const uint8_t *at, uint32_t bytes)
{
	uint64_t value = 0;

	for (; bytes; bytes--)
		value = value << 8 | *at++;
	return value;
}

/* Whose message is it by its type: 1 = a client's, 2 = a server's, as op says; 0 = nobody's. */
static uint8_t op_of(uint64_t type)
{
	static const uint8_t op[] = {
		[SL_DHCP_DISCOVER] = 1, [SL_DHCP_OFFER] = 2, [SL_DHCP_REQUEST] = 1,
		[SL_DHCP_DECLINE] = 1,  [SL_DHCP_ACK] = 2,   [SL_DHCP_NAK] = 2,
		[SL_DHCP_RELEASE] = 1,  [SL_DHCP_INFORM] = 1};

	return type < sizeof(op) ? op[type] : 0;
}

/* One option of @length bytes at @at.  False: it is not what its code says. */
static bool take_option(uint8_t code, const uint8_t *at, uint32_t length,
			struct sl_dhcp_message *message)
{
	if (code == OPTION_TYPE) {
		if (length != 1 || !op_of(at[0]))
			return false;
		message->type = (enum sl_dhcp_type)at[0];
	} else if (code == OPTION_SERVER) {
		if (length != 4)
			return false;
		message->server = (uint32_t)number(at, 4);
	}
	return true;
}

/* All of them up to the end option, or the message's end.  False: damaged. */
static bool take_options(const uint8_t *bytes, uint32_t length, struct sl_dhcp_message *message)
{
	uint32_t at = OPTIONS;

	while (at < length && bytes[at] != OPTION_END) {
		uint8_t code = bytes[at++];

		if (code == OPTION_PAD)
			continue;
		if (at == length || bytes[at] > length - at - 1 ||
		    !take_option(code, bytes + at + 1, bytes[at], message))
			return false;
		at += 1u + bytes[at];
	}
	return true;
}

int sl_dhcp_read(const uint8_t *bytes, uint32_t length, struct sl_dhcp_message *out)
{
	struct sl_dhcp_message message = {.server = 0};

	if (length < OPTIONS || bytes[1] != HARD_ETHERNET || bytes[2] != 6 ||
	    number(bytes + COOKIE, 4) != MAGIC || !take_options(bytes, length, &message) ||
	    !message.type || op_of(message.type) != bytes[0])
		return -EBADMSG;
	message.client = number(bytes + CHADDR, 6);
	*out = message;
	return 0;
}
