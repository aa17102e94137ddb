/*
 * pcapng.h - a capture file as others read it (draft-ietf-opsawg-pcapng), in this host's byte order
 *
 * One section, interfaces, packets; times in ns since 1970.  What is not known at the start
 * (how many packets) is not needed.
 */
#ifndef SL_PCAPNG_H
#define SL_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct sl_pcapng_packet {
	uint32_t interface; /* in the order of sl_pcapng_interface() */
	uint64_t unix_ns;
	uint32_t wire_bytes;
	uint32_t length; /* of bytes[] */
	bool inbound;
	const uint8_t *bytes;
};

/* The section header, with @comment on the whole.  Errors show in ferror(@out), here and below. */
void sl_pcapng_begin(FILE *out, const char *comment);

/* An Ethernet interface @name of which at most @snap bytes a packet are kept. */
void sl_pcapng_interface(FILE *out, const char *name, uint32_t snap);

void sl_pcapng_packet(FILE *out, const struct sl_pcapng_packet *packet);

#endif
