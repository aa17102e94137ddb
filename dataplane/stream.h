/*
 * stream.h - the first bytes of one direction put in order: of a TCP stream, of QUIC's CRYPTO data
 *
 * Pieces come in any order, overlap and repeat.  Which bytes are there is kept byte by byte, so
 * no number of small pieces exhausts it.  Pure; a stream belongs to one thread.
 */
#ifndef SL_STREAM_H
#define SL_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#define SL_STREAM_MAX 16384 /* the largest ClientHello that is read */

/* Zeroed = empty.  To empty a used one, sl_stream_clear() is cheaper than zeroing it. */
struct sl_stream {
	uint32_t filled;  /* bytes[] that are there without a gap from 0 */
	uint32_t highest; /* end of the last byte that is there; over .filled when there is a gap */
	uint64_t there[SL_STREAM_MAX /
		       64]; /* bit i % 64 of word i / 64: bytes[i]; from .filled on */
	uint8_t bytes[SL_STREAM_MAX];
};

/*
 * Add @length bytes that stand at @offset; of a byte that comes twice the first one stays.
 * False when some of them lie behind the window; those that lie in it are kept all the same.
 */
bool sl_stream_add(struct sl_stream *stream, uint32_t offset, const uint8_t *bytes,
		   uint32_t length);

/* Make @stream empty again. */
void sl_stream_clear(struct sl_stream *stream);

#endif
