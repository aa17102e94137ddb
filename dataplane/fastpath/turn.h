/*
 * turn.h - what a frame needs that goes back to where it came from: bytes exchanged, sums made
 *
 * Sums are RFC 1071's: of pairs of bytes, carries added at the end, the complement in the header.
 */
#ifndef SL_TURN_H
#define SL_TURN_H

#include "target.h"

SL_INLINE void sl_turn_put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* Exchange @bytes at @a with those at @b. */
SL_INLINE void sl_turn_swap(uint8_t *a, uint8_t *b, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		uint8_t byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Sum of @bytes (even, constant), not folded. */
SL_INLINE uint32_t sl_turn_sum(const uint8_t *p, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

/* What stands in a header whose sum is @sum; 0: that was the sum of a whole header, and holds. */
SL_INLINE uint32_t sl_turn_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

#endif
