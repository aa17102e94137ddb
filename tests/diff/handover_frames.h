/*
 * handover_frames.h - frames, and whether a DPDK worker may have them
 */
#ifndef SL_DIFF_HANDOVER_FRAMES_H
#define SL_DIFF_HANDOVER_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 128

struct frame {
	const char *name;
	bool handed;
	uint8_t group; /* first byte of the destination MAC */
	uint8_t tags;
	uint16_t type;
	uint8_t to[16];
	uint8_t next, icmp;  /* IPv6 */
	uint32_t cut;        /* bytes missing at the end */
	uint16_t from, port; /* UDP over IPv4 */
	bool seen;           /* though it is the kernel's: it is measured on the way */
};

/* The first goes elsewhere by IPv4, to 10.9.9.9.  Ours are 10.0.0.1, 192.0.2.2, 2001:db8::1. */
extern const struct frame frames[];
extern const size_t frames_count;

extern const uint8_t frame_source[6]; /* by this MAC they are known */

/* Ethernet, tags, IP header, 8 bytes; the sum of the IPv4 header is nobody's business.  Its length. */
size_t frame_build(const struct frame *frame, uint8_t bytes[FRAME_MAX]);

/* A packet socket that sends out of @device and hears what its kernel hears. */
int frame_socket(const char *device);

/* Frames of this source that @fd hears, until it is silent: the kernel sends some of its own. */
int frame_heard(int fd);

/* @count of @frame out of @device. */
void frame_send(const struct frame *frame, const char *device, int count);

#endif
