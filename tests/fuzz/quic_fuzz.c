/*
 * quic_fuzz.c - any bytes as a client's datagrams, and any bytes inside of well protected packets
 *
 * Input: datagrams, each behind two bytes of length.  The first bit of the length says
 * that the bytes are frames, to be sealed (no fuzzer finds an authentication tag); its other
 * upper bits which version, ID, and type.
 */
#include "dataplane/quic.h"

#include <string.h>

#include "names_check.h"
#include "tests/unit/dataplane/wire_make.h"

#define DATAGRAMS_MAX 8
#define LENGTH_MASK   0x07ff

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sl_quic quic;

static void give(const uint8_t *datagram, uint32_t length)
{
	struct sl_hello_info info;
	enum sl_hello verdict;

	memset(&info, 0xee, sizeof(info));
	verdict = sl_quic_read(&quic, datagram, length, &info);
	fuzz_check_hello(verdict, &info);
	FUZZ_HOLDS(quic.crypto.filled <= quic.crypto.highest);
	FUZZ_HOLDS(quic.crypto.highest <= SL_STREAM_MAX);
	FUZZ_HOLDS(quic.id_length <= SL_QUIC_ID_MAX);
	FUZZ_HOLDS(verdict != SL_HELLO_NAMED || quic.packets);
}

static void seal(const uint8_t *frames, uint32_t length, uint16_t how)
{
	static const uint32_t versions[] = {1, 0x6b3343cf, 0xff00001d, 0x54303531};
	static struct wire plain, datagram;
	uint32_t version = versions[how >> 13 & 3], before = quic.packets, failed = quic.failed;
	const char *id = how & 0x1000 ? "0102030405060708" : "8394c8f03e515708";

	plain.length = datagram.length = 0;
	wire_put(&plain, frames, length);
	wire_put_packet(&datagram,
			&(struct wire_packet){.version = version,
					      .family = sl_quic_keys_family(version),
					      .id = id,
					      .key_id = how & 0x0800 ? "8394c8f03e515708" : NULL,
					      .number = before,
					      .number_bytes = 2,
					      .pad_to = 64},
			&plain);
	give(datagram.bytes, datagram.length);
	FUZZ_HOLDS(quic.packets + quic.failed == before + failed + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&quic, 0, sizeof(quic));
	for (int i = 0; i < DATAGRAMS_MAX && size >= 2; i++) {
		uint16_t how = (uint16_t)(data[0] << 8 | data[1]);
		uint32_t length = how & LENGTH_MASK;

		data += 2;
		size -= 2;
		if (length > size)
			length = (uint32_t)size;
		if (how & 0x8000)
			seal(data, length, how);
		else
			give(data, length);
		data += length;
		size -= length;
	}
	return 0;
}
