/*
 * dhcp.h - what one DHCP message says: who asks or is answered, and by which server
 *
 * RFC 2131 2 (the message), RFC 2132 9.6 (its type), 9.7 (the server identifier), over
 * Ethernet.  Options that stand in sname and file (9.3) are not looked for: neither of the two
 * has reason to be there.  Pure, safe on any bytes.
 */
#ifndef SL_DHCP_H
#define SL_DHCP_H

#include <stdint.h>

/* RFC 2132 9.6.  Other types are other protocols' (RFC 4388 ...). */
enum sl_dhcp_type {
	SL_DHCP_DISCOVER = 1,
	SL_DHCP_OFFER,
	SL_DHCP_REQUEST,
	SL_DHCP_DECLINE,
	SL_DHCP_ACK,
	SL_DHCP_NAK,
	SL_DHCP_RELEASE,
	SL_DHCP_INFORM,
};

struct sl_dhcp_message {
	enum sl_dhcp_type type;
	uint64_t client; /* its MAC address, 48 bits */
	uint32_t server; /* IPv4 address, host order; 0 = it names none */
};

/* The bit of a MAC address that says: made up by its owner (IEEE 802 8.2.2), as phones do. */
#define SL_DHCP_RANDOM (UINT64_C(2) << 40)

/*
 * Read the payload of a datagram.  0; or -EBADMSG, *@out untouched: cut short, no DHCP over
 * Ethernet, an option that is not what its code says, a type that its sender cannot have.
 */
int sl_dhcp_read(const uint8_t *bytes, uint32_t length, struct sl_dhcp_message *out);

#endif
