/*
 * segment.c - records in, records out, torn ends off
 */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "files.h"

#define SEGMENT_MAGIC 0x31474553u /* "SEG1" */
#define RECORD_MAGIC  0x31434552u /* "REC1" */

struct header {
	uint32_t magic, crc; /* crc of the two below */
	uint64_t boot, first;
};

struct record {
	uint32_t magic, length;
	uint64_t seq;
	uint32_t crc, pad; /* of length, seq and the bytes */
};

static uint32_t record_crc(const struct record *r, const uint8_t *bytes)
{
	uint32_t crc = sl_crc32(0, &r->length, sizeof(r->length));

	crc = sl_crc32(crc, &r->seq, sizeof(r->seq));
	return sl_crc32(crc, bytes, r->length);
}

uint32_t sl_segment_record_bytes(uint32_t length)
{
	return (uint32_t)sizeof(struct record) + length;
}

static bool note_offset(struct sl_segment *s, uint32_t offset)
{
	if (s->count == s->room) {
		uint32_t room = s->room ? 2 * s->room : 64;
		uint32_t *grown = realloc(s->offset, room * sizeof(*grown));

		if (!grown)
			return false;
		s->offset = grown;
		s->room = room;
	}
	s->offset[s->count++] = offset;
	return true;
}

int sl_segment_create(struct sl_segment *segment, const char *dir, uint64_t boot, uint64_t first)
{
	struct sl_segment s = {.boot = boot, .first = first, .bytes = sizeof(struct header)};
	struct header h = {.magic = SEGMENT_MAGIC, .boot = boot, .first = first};
	char path[SL_FILES_PATH_MAX];

	snprintf(s.name, sizeof(s.name), "%020" PRIu64 ".seg", first);
	if (sl_files_path(path, dir, s.name))
		return -ENAMETOOLONG;
	s.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (s.fd < 0)
		return -errno;
	h.crc = sl_crc32(0, &h.boot, sizeof(h) - offsetof(struct header, boot));
	ssize_t n = pwrite(s.fd, &h, sizeof(h), 0);

	if (n != (ssize_t)sizeof(h)) {
		int err = n < 0 ? -errno : -ENOSPC;

		close(s.fd);
		unlink(path);
		return err;
	}
	*segment = s;
	return 0;
}

/* Reads and checks the record at @offset: its length, or -EIO. */
static long read_record(int fd, uint32_t offset, uint64_t seq, uint8_t *bytes)
{
	struct record r;

	if (pread(fd, &r, sizeof(r), offset) != (ssize_t)sizeof(r) || r.magic != RECORD_MAGIC ||
	    r.seq != seq || r.length > SL_SEGMENT_RECORD_MAX)
		return -EIO;
	if (pread(fd, bytes, r.length, (off_t)offset + (off_t)sizeof(r)) != (ssize_t)r.length ||
	    record_crc(&r, bytes) != r.crc)
		return -EIO;
	return (long)r.length;
}

static int read_header(struct sl_segment *s)
{
	struct header h;

	if (pread(s->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) || h.magic != SEGMENT_MAGIC ||
	    h.crc != sl_crc32(0, &h.boot, sizeof(h) - offsetof(struct header, boot)))
		return -EINVAL;
	s->boot = h.boot;
	s->first = h.first;
	s->bytes = sizeof(h);
	return 0;
}

static int scan(struct sl_segment *s)
{
	static uint8_t bytes[SL_SEGMENT_RECORD_MAX];
	long length;

	while ((length = read_record(s->fd, s->bytes, s->first + s->count, bytes)) >= 0) {
		if (!note_offset(s, s->bytes))
			return -ENOMEM;
		s->bytes += sl_segment_record_bytes((uint32_t)length);
	}
	return 0;
}

int sl_segment_open(struct sl_segment *segment, const char *dir, const char *name, uint32_t *cut)
{
	struct sl_segment s = {0};
	char path[SL_FILES_PATH_MAX];
	struct stat st;

	snprintf(s.name, sizeof(s.name), "%s", name);
	if (sl_files_path(path, dir, name))
		return -ENAMETOOLONG;
	s.fd = open(path, O_RDWR | O_CLOEXEC);
	if (s.fd < 0)
		s.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s.fd < 0)
		return -errno;
	int err = read_header(&s);

	if (!err)
		err = scan(&s);
	if (!err && fstat(s.fd, &st))
		err = -errno;
	if (err) {
		sl_segment_close(&s);
		return err;
	}
	*cut = (uint32_t)(st.st_size - s.bytes);
	if (*cut && ftruncate(s.fd, s.bytes))
		*cut = 0; /* read-only: told apart by the spool when it writes */
	*segment = s;
	return 0;
}

void sl_segment_close(struct sl_segment *segment)
{
	if (segment->fd >= 0)
		close(segment->fd);
	free(segment->offset);
	*segment = (struct sl_segment){.fd = -1};
}

int sl_segment_append(struct sl_segment *s, const uint8_t *bytes, uint32_t length)
{
	static uint8_t whole[sizeof(struct record) + SL_SEGMENT_RECORD_MAX];
	struct record r = {RECORD_MAGIC, length, s->first + s->count, 0, 0};
	size_t size = sizeof(r) + length;

	if (length > SL_SEGMENT_RECORD_MAX)
		return -EMSGSIZE;
	r.crc = record_crc(&r, bytes);
	memcpy(whole, &r, sizeof(r));
	memcpy(whole + sizeof(r), bytes, length);
	ssize_t n = pwrite(s->fd, whole, size, s->bytes);

	if (n == (ssize_t)size && note_offset(s, s->bytes)) {
		s->bytes += (uint32_t)size;
		return 0;
	}
	int err = n < 0 ? -errno : -ENOSPC;

	/* What was half written must not be taken for a torn end after the next one. */
	if (n > 0 && ftruncate(s->fd, s->bytes))
		return -EIO;
	return err;
}

long sl_segment_read(const struct sl_segment *s, uint32_t index, uint8_t *bytes)
{
	return read_record(s->fd, s->offset[index], s->first + index, bytes);
}
