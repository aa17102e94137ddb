/*
 * frame.h - one Ethernet frame in memory, as engines and captures hand it on
 */
#ifndef SL_FRAME_H
#define SL_FRAME_H

#include <stdint.h>

struct sl_frame {
	uint64_t t_ns;
	uint32_t length;     /* of bytes[]; may be less than 14 */
	uint32_t wire_bytes; /* with an Ethernet header, captured or not */
	const uint8_t *bytes;
};

#endif
