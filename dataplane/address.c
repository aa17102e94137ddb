/*
 * address.c - host order back to network order, and to text
 */
#include "address.h"

#include <arpa/inet.h>
#include <endian.h>

void sl_address_text(const struct sl_addr *address, char text[INET6_ADDRSTRLEN])
{
	uint64_t words[2] = {htobe64(address->hi), htobe64(address->lo)};
	const uint8_t *bytes = (const uint8_t *)words;

	if (!address->hi && address->lo >> 32 == 0xffff)
		inet_ntop(AF_INET, bytes + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}
