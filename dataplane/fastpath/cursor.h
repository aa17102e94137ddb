/*
 * cursor.h - bytes of a packet, read one bounds check at a time, network order to host order
 */
#ifndef SL_CURSOR_H
#define SL_CURSOR_H

#include "target.h"

/* The next byte to read, and one past the last. */
struct sl_cursor {
	const uint8_t *pos;
	const uint8_t *end;
};

/*
 * Next @n bytes, or NULL past the end.  Written p + n > end because the BPF
 * verifier learns only from a compare with data_end itself.
 */
SL_INLINE const uint8_t *sl_take(struct sl_cursor *c, uint32_t n)
{
	const uint8_t *p = c->pos;

	if (p + n > c->end)
		return NULL;
	c->pos = p + n;
	return p;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "network order is swapped below");

SL_INLINE uint16_t sl_be16(const uint8_t *p)
{
	return __builtin_bswap16(sl_load16(p));
}

SL_INLINE uint32_t sl_be32(const uint8_t *p)
{
	return __builtin_bswap32(sl_load32(p));
}

SL_INLINE uint64_t sl_be64(const uint8_t *p)
{
	return __builtin_bswap64(sl_load64(p));
}

#endif
