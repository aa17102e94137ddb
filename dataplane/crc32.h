/*
 * crc32.h - the CRC that guards what lies on disk (IEEE 802.3, reflected)
 */
#ifndef SL_CRC32_H
#define SL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of @size bytes, going on from @crc (0 at first). */
uint32_t sl_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
