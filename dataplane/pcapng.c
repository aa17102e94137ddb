/*
 * pcapng.c - blocks: type, length, body padded to 32 bits, length again
 */
#include "pcapng.h"

#include <string.h>

/* Block types (4.1 to 4.3 of the draft), options (3.5 and the blocks'), values. */
enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	PACKET = 6,
	ORDER = 0x1a2b3c4d,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_APPLICATION = 4,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_EPB_FLAGS = 2,
	ETHERNET = 1,
	NANOSECONDS = 9, /* 10^-9 s */
	INBOUND = 1,
	OUTBOUND = 2,
};

#define BLOCK_MOST 4096 /* of ours: a text of 255 bytes, a packet of 96 */

struct block {
	uint8_t bytes[BLOCK_MOST];
	uint32_t used;
};

static void put(struct block *block, const void *bytes, uint32_t size)
{
	static const uint8_t zeros[4];
	uint32_t pad = (4 - size % 4) % 4;

	if (block->used + size + pad > sizeof(block->bytes) - 4)
		return;
	memcpy(block->bytes + block->used, bytes, size);
	memcpy(block->bytes + block->used + size, zeros, pad);
	block->used += size + pad;
}

static void put32(struct block *block, uint32_t value)
{
	put(block, &value, sizeof(value));
}

static void put16s(struct block *block, uint16_t first, uint16_t second)
{
	const uint16_t both[2] = {first, second};

	put(block, both, sizeof(both));
}

static void put_option(struct block *block, uint16_t code, const void *bytes, size_t size)
{
	put16s(block, code, (uint16_t)size);
	put(block, bytes, (uint32_t)size);
}

static void begin(struct block *block, uint32_t type)
{
	block->used = 0;
	put32(block, type);
	put32(block, 0);
}

static void end(struct block *block, FILE *out)
{
	uint32_t length = block->used + 4;

	memcpy(block->bytes + 4, &length, sizeof(length));
	put32(block, length);
	fwrite(block->bytes, 1, block->used, out);
}

void sl_pcapng_begin(FILE *out, const char *comment)
{
	static const char application[] = "storeline";
	const int64_t unknown = -1; /* length of the section */
	struct block block;

	begin(&block, SECTION);
	put32(&block, ORDER);
	put16s(&block, 1, 0); /* version */
	put(&block, &unknown, sizeof(unknown));
	put_option(&block, OPT_COMMENT, comment, strnlen(comment, 1024));
	put_option(&block, OPT_APPLICATION, application, sizeof(application) - 1);
	put16s(&block, OPT_END, 0);
	end(&block, out);
}

void sl_pcapng_interface(FILE *out, const char *name, uint32_t snap)
{
	const uint8_t resolution = NANOSECONDS;
	struct block block;

	begin(&block, INTERFACE);
	put16s(&block, ETHERNET, 0);
	put32(&block, snap);
	put_option(&block, OPT_IF_NAME, name, strnlen(name, 255));
	put_option(&block, OPT_IF_TSRESOL, &resolution, sizeof(resolution));
	put16s(&block, OPT_END, 0);
	end(&block, out);
}

void sl_pcapng_packet(FILE *out, const struct sl_pcapng_packet *packet)
{
	const uint32_t flags = packet->inbound ? INBOUND : OUTBOUND;
	struct block block;

	begin(&block, PACKET);
	put32(&block, packet->interface);
	put32(&block, (uint32_t)(packet->unix_ns >> 32));
	put32(&block, (uint32_t)packet->unix_ns);
	put32(&block, packet->length);
	put32(&block, packet->wire_bytes);
	put(&block, packet->bytes, packet->length);
	put_option(&block, OPT_EPB_FLAGS, &flags, sizeof(flags));
	put16s(&block, OPT_END, 0);
	end(&block, out);
}
