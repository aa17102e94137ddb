/*
 * segment.h - one file of the spool: a header, then records in order of seq
 *
 * A record is {magic, length, seq, crc} and its bytes.  What does not check at the
 * end of a file is a torn write and is cut off; nothing after it is believed.
 */
#ifndef SL_SEGMENT_H
#define SL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_SEGMENT_RECORD_MAX 8192

struct sl_segment {
	int fd;
	uint64_t boot, first;  /* seq of the first record, or of the one to come */
	uint32_t count, bytes; /* records; length of the file */
	uint32_t *offset;      /* of each record */
	uint32_t room;
	char name[32];
};

/* Make a new file in @dir.  0 or -errno, nothing left behind. */
int sl_segment_create(struct sl_segment *segment, const char *dir, uint64_t boot, uint64_t first);

/*
 * Open @dir/@name and check every record; a torn end is cut off (not on a read-only
 * disk, where it is only not believed).  0, -EINVAL when the header is not ours, or -errno.
 * *@cut is how many bytes were not believed.
 */
int sl_segment_open(struct sl_segment *segment, const char *dir, const char *name, uint32_t *cut);

void sl_segment_close(struct sl_segment *segment);

/* Bytes on disk of a record of @length bytes. */
uint32_t sl_segment_record_bytes(uint32_t length);

/* Add record number first + count.  0; or -errno, and the file is as before. */
int sl_segment_append(struct sl_segment *segment, const uint8_t *bytes, uint32_t length);

/* Length of record @index, its bytes in @bytes (SL_SEGMENT_RECORD_MAX); -EIO when it is damaged. */
long sl_segment_read(const struct sl_segment *segment, uint32_t index, uint8_t *bytes);

#endif
