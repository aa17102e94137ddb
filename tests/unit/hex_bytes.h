/*
 * hex_bytes.h - bytes written as hex, spaces free
 */
#ifndef SL_TEST_HEX_BYTES_H
#define SL_TEST_HEX_BYTES_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

#define HEX_MAC "020000000001 020000000002 "

static inline size_t hex_bytes(const char *hex, uint8_t *bytes)
{
	size_t n = 0;

	for (int high = -1; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		int nibble = isdigit((unsigned char)*hex) ? *hex - '0' : *hex - 'a' + 10;

		if (high >= 0)
			bytes[n++] = (uint8_t)(high << 4 | nibble);
		high = high >= 0 ? -1 : nibble;
	}
	return n;
}

#endif
