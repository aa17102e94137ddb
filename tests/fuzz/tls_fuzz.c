/*
 * tls_fuzz.c - any bytes as a ClientHello: in records, bare, cut, and in pieces
 *
 * Input: two bytes that say where to cut, then the bytes.  A name that stands early stands
 * later; records of any size around a message change nothing; nor does the order of pieces.
 */
#include <string.h>

#include "dataplane/hello.h"
#include "dataplane/stream.h"
#include "names_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum sl_hello reader(const uint8_t *bytes, uint32_t length, struct sl_hello_info *info);

static enum sl_hello checked(reader *read, const uint8_t *bytes, uint32_t length,
			     struct sl_hello_info *info)
{
	enum sl_hello verdict;

	memset(info, 0xee, sizeof(*info));
	verdict = read(bytes, length, info);
	fuzz_check_hello(verdict, info);
	return verdict;
}

static void cut_agrees(reader *read, const uint8_t *bytes, uint32_t length, uint32_t cut)
{
	struct sl_hello_info early, late;
	enum sl_hello first = checked(read, bytes, cut, &early);
	enum sl_hello last = checked(read, bytes, length, &late);

	if (first == SL_HELLO_BAD)
		FUZZ_HOLDS(last == SL_HELLO_BAD);
	if (first == SL_HELLO_NAMELESS)
		FUZZ_HOLDS(last == SL_HELLO_NAMELESS);
	if (first == SL_HELLO_NAMED && last != SL_HELLO_BAD)
		FUZZ_HOLDS(last == SL_HELLO_NAMED && !strcmp(early.name, late.name));
}

/* @bytes as a bare message, against the same in records of @size bytes. */
static void records_agree(const uint8_t *bytes, uint32_t length, uint32_t size)
{
	static uint8_t stream[6 * SL_STREAM_MAX];
	struct sl_hello_info bare, inside;
	uint32_t used = 0;

	for (uint32_t at = 0; at < length; at += size) {
		uint32_t now = length - at < size ? length - at : size;

		memcpy(stream + used, (uint8_t[5]){22, 3, 1, (uint8_t)(now >> 8), (uint8_t)now}, 5);
		memcpy(stream + used + 5, bytes + at, now);
		used += 5 + now;
	}
	FUZZ_HOLDS(checked(sl_hello_read, bytes, length, &bare) ==
		   checked(sl_hello_read_records, stream, used, &inside));
	FUZZ_HOLDS(!memcmp(&bare, &inside, sizeof(bare)));
}

/* Three pieces of @bytes, the last one first, one of them twice. */
static void pieces_agree(const uint8_t *bytes, uint32_t length, uint32_t cut)
{
	static struct sl_stream stream;
	uint32_t half = cut / 2;

	sl_stream_clear(&stream);
	FUZZ_HOLDS(sl_stream_add(&stream, cut, bytes + cut, length - cut));
	FUZZ_HOLDS(sl_stream_add(&stream, half, bytes + half, cut - half));
	FUZZ_HOLDS(stream.filled == (half ? 0 : length));
	FUZZ_HOLDS(sl_stream_add(&stream, 0, bytes, cut));
	FUZZ_HOLDS(stream.filled == length && stream.highest == length);
	FUZZ_HOLDS(!memcmp(stream.bytes, bytes, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t length, where, cut;

	if (size < 2 || size > SL_STREAM_MAX)
		return 0;
	length = (uint32_t)size - 2;
	where = (uint32_t)data[0] << 8 | data[1];
	cut = where % (length + 1);
	data += 2;
	cut_agrees(sl_hello_read_records, data, length, cut);
	cut_agrees(sl_hello_read, data, length, cut);
	records_agree(data, length, 1 + where % 300);
	pieces_agree(data, length, cut);
	return 0;
}
