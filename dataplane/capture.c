/*
 * capture.c - pcap and pcapng records, bounded
 *
 * pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng.  Link layers are
 * rewritten in capture_link.c.  A record is read only as far as SL_FRAME_MAX needs and the
 * rest is skipped, so no length in a file can make us allocate.
 */
#include "capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_link.h"

#define INTERFACES_MAX 4096 /* of one section; later ones are skipped with their packets */
#define RECORD_MAX \
	(16u << 20) /* a longer pcap record is damage: the largest GSO frame is 64 KiB..512 KiB */
#define BLOCK_READ (64u << 10) /* of a pcapng block; options behind it are skipped */

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1
#define BLOCK_OLD       2
#define BLOCK_SIMPLE    3
#define BLOCK_ENHANCED  6
#define OPTION_TSRESOL  9
#define OPTION_TSOFFSET 14

struct interface {
	uint16_t link;
	uint32_t snap;
	uint8_t tsresol; /* as in the file: power of ten, or of two with the high bit */
	int64_t offset_s;
};

struct sl_capture {
	FILE *file;
	uint64_t at; /* bytes read */
	bool ng, big_endian;
	uint32_t unit_ns; /* pcap: ns of a fraction */
	uint32_t header;  /* pcap: bytes of a record header */
	uint16_t link;    /* pcap */
	uint64_t last_ns; /* a simple packet block has no time of its own */
	uint32_t interfaces;
	struct interface *interface;
	char end[128];
	uint8_t frame[SL_FRAME_MAX];
	uint8_t block[BLOCK_READ];
};

/* ---- bytes ---- */

static uint16_t u16(const struct sl_capture *c, const uint8_t *p)
{
	return (uint16_t)(c->big_endian ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static uint32_t u32(const struct sl_capture *c, const uint8_t *p)
{
	if (c->big_endian)
		return (uint32_t)u16(c, p) << 16 | u16(c, p + 2);
	return (uint32_t)u16(c, p + 2) << 16 | u16(c, p);
}

static int64_t i64(const struct sl_capture *c, const uint8_t *p)
{
	uint64_t first = u32(c, p), second = u32(c, p + 4);

	return (int64_t)(c->big_endian ? first << 32 | second : second << 32 | first);
}

/* End here, because of @format; always 0, the answer of sl_capture_next(). */
__attribute__((format(printf, 2, 3))) static int stop(struct sl_capture *c, const char *format, ...)
{
	va_list args;
	int used = snprintf(c->end, sizeof(c->end), "byte %" PRIu64 ": ", c->at);

	va_start(args, format);
	vsnprintf(c->end + used, sizeof(c->end) - (size_t)used, format, args);
	va_end(args);
	return 0;
}

static size_t take(struct sl_capture *c, void *to, size_t bytes)
{
	size_t got = fread(to, 1, bytes, c->file);

	c->at += got;
	return got;
}

/* Skip @bytes by reading: a pipe cannot seek, and a seek past the end would hide truncation. */
static bool skip(struct sl_capture *c, uint64_t bytes)
{
	uint8_t waste[4096];

	while (bytes) {
		size_t want = bytes < sizeof(waste) ? (size_t)bytes : sizeof(waste);

		if (take(c, waste, want) != want)
			return false;
		bytes -= want;
	}
	return true;
}

/* ---- pcap ---- */

static int pcap_next(struct sl_capture *c, struct sl_frame *frame)
{
	uint8_t head[24];
	size_t got = take(c, head, c->header);
	uint32_t captured, kept;

	if (!got)
		return 0;
	if (got != c->header)
		return stop(c, "record header cut short");
	captured = u32(c, head + 8);
	if (captured > RECORD_MAX)
		return stop(c, "record of %" PRIu32 " bytes", captured);
	kept = captured < sizeof(c->block) ? captured : (uint32_t)sizeof(c->block);
	if (take(c, c->block, kept) != kept || !skip(c, captured - kept))
		return stop(c, "record cut short");
	frame->t_ns =
		(uint64_t)u32(c, head) * 1000000000u + (uint64_t)u32(c, head + 4) * c->unit_ns;
	frame->wire_bytes = u32(c, head + 12);
	sl_capture_link(c->link, c->block, kept, c->frame, frame);
	return 1;
}

/* ---- pcapng ---- */

/* @ticks since the interface's offset to ns; powers out of range give 0, wraps pass. */
static uint64_t time_ns(const struct interface *interface, uint64_t ticks)
{
	unsigned __int128 ns = (unsigned __int128)ticks * 1000000000u;
	uint8_t power = interface->tsresol & 0x7f;

	if (interface->tsresol & 0x80)
		ns >>= power;
	else
		for (; power && ns; power--)
			ns /= 10;
	return (uint64_t)ns + (uint64_t)interface->offset_s * 1000000000u;
}

static void interface_option(const struct sl_capture *c, struct interface *interface, uint16_t code,
			     uint16_t length, const uint8_t *value)
{
	if (code == OPTION_TSRESOL && length == 1)
		interface->tsresol = value[0];
	if (code == OPTION_TSOFFSET && length == 8)
		interface->offset_s = i64(c, value);
}

static void interface_options(const struct sl_capture *c, struct interface *interface,
			      const uint8_t *pos, const uint8_t *end)
{
	while (end - pos >= 4) {
		uint16_t code = u16(c, pos), length = u16(c, pos + 2);
		size_t padded = (length + 3u) & ~3u;

		pos += 4;
		if (!code || (size_t)(end - pos) < length)
			return;
		interface_option(c, interface, code, length, pos);
		if ((size_t)(end - pos) < padded)
			return;
		pos += padded;
	}
}

static void block_interface(struct sl_capture *c, const uint8_t *body, size_t bytes)
{
	struct interface *interface;

	if (bytes < 8 || c->interfaces == INTERFACES_MAX)
		return;
	interface = &c->interface[c->interfaces++];
	*interface =
		(struct interface){.link = u16(c, body), .snap = u32(c, body + 4), .tsresol = 6};
	interface_options(c, interface, body + 8, body + bytes);
}

/* A packet of @captured bytes at body[@offset], of which @bytes - @offset are there. */
static int block_packet(struct sl_capture *c, struct sl_frame *frame,
			const struct interface *interface, uint32_t captured, size_t offset,
			size_t bytes)
{
	uint32_t kept = (uint32_t)(bytes - offset);

	sl_capture_link(interface->link, c->block + offset, captured < kept ? captured : kept,
			c->frame, frame);
	c->last_ns = frame->t_ns;
	return 1;
}

/* Enhanced and old packet blocks differ only in their first word. */
static int block_timed(struct sl_capture *c, struct sl_frame *frame, bool old, size_t bytes,
		       uint64_t body_bytes)
{
	const uint8_t *body = c->block;
	uint32_t index, captured;

	if (bytes < 20)
		return 0;
	index = old ? u16(c, body) : u32(c, body);
	captured = u32(c, body + 12);
	if (index >= c->interfaces || captured > body_bytes - 20)
		return 0;
	frame->t_ns =
		time_ns(&c->interface[index], (uint64_t)u32(c, body + 4) << 32 | u32(c, body + 8));
	frame->wire_bytes = u32(c, body + 16);
	return block_packet(c, frame, &c->interface[index], captured, 20, bytes);
}

static int block_simple(struct sl_capture *c, struct sl_frame *frame, size_t bytes,
			uint64_t body_bytes)
{
	uint32_t captured;

	if (bytes < 4 || !c->interfaces)
		return 0;
	frame->t_ns = c->last_ns;
	captured = frame->wire_bytes = u32(c, c->block);
	if (captured > body_bytes - 4)
		captured = (uint32_t)(body_bytes - 4);
	if (c->interface[0].snap && captured > c->interface[0].snap)
		captured = c->interface[0].snap;
	return block_packet(c, frame, &c->interface[0], captured, 4, bytes);
}

/* A new section: its byte order, and no interfaces yet.  False: no such byte order. */
static bool section(struct sl_capture *c, uint8_t *magic)
{
	if (take(c, magic, 4) != 4)
		return false;
	if (!memcmp(magic, "\x4d\x3c\x2b\x1a", 4))
		c->big_endian = false;
	else if (!memcmp(magic, "\x1a\x2b\x3c\x4d", 4))
		c->big_endian = true;
	else
		return false;
	c->interfaces = 0;
	return true;
}

/* Read the block behind @head: its body's start to c->block.  Bytes kept, or -1 and stopped. */
static int64_t block_read(struct sl_capture *c, const uint8_t *head, uint64_t *body_bytes)
{
	uint32_t length, before = 8;
	size_t kept;

	if (u32(c, head) == BLOCK_SECTION) { /* the same in both byte orders */
		if (!section(c, c->block))
			return stop(c, "no byte order in section header") - 1;
		before = 12;
	}
	length = u32(c, head + 4);
	if (length < before + 4 || length % 4)
		return stop(c, "block length %" PRIu32, length) - 1;
	*body_bytes = length - before - 4;
	kept = *body_bytes < sizeof(c->block) ? (size_t)*body_bytes : sizeof(c->block);
	if (take(c, c->block, kept) != kept || !skip(c, *body_bytes - kept + 4))
		return stop(c, "block cut short") - 1;
	return (int64_t)kept;
}

static int ng_next(struct sl_capture *c, struct sl_frame *frame)
{
	uint8_t head[8];
	uint64_t body_bytes = 0;
	int found = 0;

	while (!found) {
		size_t got = take(c, head, sizeof(head));
		int64_t kept;

		if (!got)
			return 0;
		if (got != sizeof(head))
			return stop(c, "block header cut short");
		kept = block_read(c, head, &body_bytes);
		if (kept < 0)
			return 0;
		switch (u32(c, head)) {
		case BLOCK_INTERFACE:
			block_interface(c, c->block, (size_t)kept);
			break;
		case BLOCK_ENHANCED:
		case BLOCK_OLD:
			found = block_timed(c, frame, u32(c, head) == BLOCK_OLD, (size_t)kept,
					    body_bytes);
			break;
		case BLOCK_SIMPLE:
			found = block_simple(c, frame, (size_t)kept, body_bytes);
			break;
		}
	}
	return 1;
}

/* ---- the file ---- */

static const struct magic {
	uint8_t bytes[4];
	bool big_endian;
	uint32_t unit_ns;
	uint32_t header;
} magics[] = {
	{{0xd4, 0xc3, 0xb2, 0xa1}, false, 1000, 16}, {{0xa1, 0xb2, 0xc3, 0xd4}, true, 1000, 16},
	{{0x4d, 0x3c, 0xb2, 0xa1}, false, 1, 16},    {{0xa1, 0xb2, 0x3c, 0x4d}, true, 1, 16},
	{{0x34, 0xcd, 0xb2, 0xa1}, false, 1000, 24}, {{0xa1, 0xb2, 0xcd, 0x34}, true, 1000, 24},
};

static bool pcap_begin(struct sl_capture *c, const uint8_t *magic)
{
	uint8_t rest[20];

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (memcmp(magic, magics[i].bytes, 4))
			continue;
		if (take(c, rest, sizeof(rest)) != sizeof(rest))
			return false;
		c->big_endian = magics[i].big_endian;
		c->unit_ns = magics[i].unit_ns;
		c->header = magics[i].header;
		c->link = (uint16_t)u32(c, rest + 16); /* the upper half holds FCS bits */
		return true;
	}
	return false;
}

/* The first section header, whose type is already read. */
static bool ng_begin(struct sl_capture *c, const uint8_t *magic)
{
	uint8_t head[8];
	uint64_t body_bytes = 0;

	memcpy(head, magic, 4);
	if (memcmp(magic, "\x0a\x0d\x0d\x0a", 4) || take(c, head + 4, 4) != 4)
		return false;
	c->ng = true;
	c->interface = calloc(INTERFACES_MAX, sizeof(*c->interface));
	return c->interface && block_read(c, head, &body_bytes) >= 0;
}

int sl_capture_open(const char *path, struct sl_capture **capture, char *why, size_t why_size)
{
	struct sl_capture *c = calloc(1, sizeof(*c));
	uint8_t magic[4];
	int err;

	if (!c)
		return -ENOMEM;
	c->file = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	if (!c->file) {
		err = -errno;
		snprintf(why, why_size, "%s: %s", path, strerror(-err));
		goto err_capture;
	}
	if (take(c, magic, sizeof(magic)) != sizeof(magic) ||
	    (!pcap_begin(c, magic) && !ng_begin(c, magic))) {
		err = -EBADMSG;
		snprintf(why, why_size, "%s: neither pcap nor pcapng", path);
		goto err_capture;
	}
	*capture = c;
	return 0;

err_capture:
	sl_capture_close(c);
	return err;
}

int sl_capture_next(struct sl_capture *capture, struct sl_frame *frame)
{
	if (capture->end[0])
		return 0;
	return capture->ng ? ng_next(capture, frame) : pcap_next(capture, frame);
}

const char *sl_capture_end(const struct sl_capture *capture)
{
	return capture->end;
}

void sl_capture_close(struct sl_capture *capture)
{
	if (!capture)
		return;
	if (capture->file && capture->file != stdin)
		fclose(capture->file);
	free(capture->interface);
	free(capture);
}
