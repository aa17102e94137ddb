/*
 * stream.c - pieces into their places, a bit for each byte that is behind a gap
 *
 * In order (nearly always) it is one copy and no bit is touched: bits count only from .filled on.
 */
#include "stream.h"

#include <string.h>

static bool is_there(const struct sl_stream *s, uint32_t at)
{
	return at < s->filled || s->there[at / 64] >> at % 64 & 1;
}

/* Behind a gap, or over what has come before: byte by byte. */
static void add_bytes(struct sl_stream *s, uint32_t offset, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		uint32_t at = offset + i;

		if (is_there(s, at))
			continue;
		s->bytes[at] = bytes[i];
		s->there[at / 64] |= UINT64_C(1) << at % 64;
	}
	if (offset + length > s->highest)
		s->highest = offset + length;
	while (s->filled < s->highest && is_there(s, s->filled))
		s->filled++;
}

bool sl_stream_add(struct sl_stream *s, uint32_t offset, const uint8_t *bytes, uint32_t length)
{
	uint32_t room = offset < SL_STREAM_MAX ? SL_STREAM_MAX - offset : 0;
	uint32_t kept = length < room ? length : room;

	if (kept && offset == s->filled && s->highest == s->filled) {
		memcpy(s->bytes + offset, bytes, kept);
		s->filled = s->highest = offset + kept;
	} else if (kept) {
		add_bytes(s, offset, bytes, kept);
	}
	return kept == length;
}

void sl_stream_clear(struct sl_stream *s)
{
	memset(s->there, 0, sizeof(s->there));
	s->filled = s->highest = 0;
}
