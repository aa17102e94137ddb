/*
 * parse_fuzz.c - any bytes as a frame: the short lane agrees with the whole parse, and the core takes it
 *
 * Input: a byte of WORLD_ options, the upper bits of it how much longer the frame was on
 * the wire than it is here; then the frame.  It goes in from both sides, twice.
 */
#include <string.h>

#include "dataplane/fastpath/plain.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void agree(const uint8_t *bytes, uint32_t length, uint32_t wire_bytes)
{
	struct sl_cursor c = {bytes, bytes + length};
	struct sl_packet plain, whole;
	enum sl_reason reason;

	memset(&plain, 0xee, sizeof(plain)); /* that each byte is written is part of it */
	memset(&whole, 0, sizeof(whole));
	if (!sl_packet_plain(bytes, bytes + length, &plain))
		return;
	reason = sl_packet_network(&c, wire_bytes, &whole);
	if (reason == SL_REASON_MEASURED)
		reason = sl_packet_transport(&c, &whole);
	FUZZ_HOLDS(reason == SL_REASON_MEASURED);
	FUZZ_HOLDS(!memcmp(&plain, &whole, sizeof(plain)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_frame frame = {.t_ns = UINT64_C(1) << 40};

	if (!size)
		return 0;
	frame.bytes = data + 1;
	frame.length = (uint32_t)size - 1;
	frame.wire_bytes = frame.length + (data[0] >> 5) * 100u;
	agree(frame.bytes, frame.length, frame.wire_bytes);
	fuzz_world_start(data[0]);
	for (int i = 0; i < 4; i++) {
		frame.t_ns += 20000000;
		fuzz_world_burst(&frame, 1, i & 1);
	}
	fuzz_world_end();
	return 0;
}
