/*
 * hex.h - a frame written as hex, read from a buffer that ends with it
 */
#ifndef SL_TEST_HEX_H
#define SL_TEST_HEX_H

#include <stdlib.h>
#include <string.h>

#include "dataplane/fastpath/tunnel.h"
#include "tests/unit/hex_bytes.h"

/*
 * The general parse of the first @size of @wire bytes, into the tunnels of @asked, from an exact
 * copy, so that a sanitizer sees any read past the end.
 */
static inline enum sl_reason hex_parse(const uint8_t *bytes, size_t size, size_t wire,
				       uint32_t asked, struct sl_packet *packet)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct sl_cursor c = {exact, exact + size};

	if (!exact)
		abort();
	memcpy(exact, bytes, size);
	enum sl_reason reason = sl_packet_network(&c, (uint32_t)wire, packet);

	if (reason == SL_REASON_MEASURED)
		reason = sl_tunnel_enter(&c, packet, asked);
	if (reason == SL_REASON_MEASURED && c.pos != exact + packet->l4_offset)
		abort();
	if (reason == SL_REASON_MEASURED)
		reason = sl_packet_transport(&c, packet);
	free(exact);
	return reason;
}

#endif
