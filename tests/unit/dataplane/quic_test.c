/*
 * quic_test.c - client Initials: the RFCs' own samples, and what clients do with them
 *
 * Packets are sealed by wire_make.c; RFC 9001 A.2 and RFC 9369 A.2 pin both it and the reader:
 * the tag at the end of a sample depends on each bit before it.
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/quic.h"
#include "tests/unit/dataplane/wire_make.h"
#include "tests/unit/row.h"

#define ID    "8394c8f03e515708"
#define OTHER "f067a5502a4262b5"
#define NAME  "shop.example.com"

/* The ClientHello of RFC 9001 A.2, in its CRYPTO frame. */
#define SAMPLE                                                             \
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868" \
	"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578" \
	"616d706c652e636f6dff01000100000a00080006001d00170018001000070005" \
	"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba" \
	"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400" \
	"0d0010000e0403050306030203080408050806002d00020101001c0002400100" \
	"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000" \
	"75300901100f088394c8f03e51570806048000ffff"

static enum sl_hello read_block(struct sl_quic *quic, const uint8_t *bytes, uint32_t length,
				struct sl_hello_info *info)
{
	uint8_t *block = malloc(length ? length : 1);
	enum sl_hello verdict;

	assert_non_null(block);
	memcpy(block, bytes, length);
	verdict = sl_quic_read(quic, block, length, info);
	free(block);
	return verdict;
}

/* ---- the RFCs' samples ---- */

static const struct sample {
	const char *name;
	uint32_t version;
	const char *start, *end;
} samples[] = {
	{"RFC 9001 A.2, version 1", 1,
	 "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
	 "e221af44860018ab0856972e194cd934"},
	{"RFC 9369 A.2, version 2", 0x6b3343cf,
	 "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
	 "a18b2faa745b6fe189cf772a9f84cbfc"},
};

static void sample_test(void **state)
{
	const struct sample *sample = *state;
	struct wire frames = {.length = 0}, datagram = {.length = 0}, edge = {.length = 0};
	struct sl_quic *quic = calloc(1, sizeof(*quic));
	struct sl_hello_info info;

	assert_non_null(quic);
	wire_hex(&frames, SAMPLE);
	wire_put_packet(&datagram,
			&(struct wire_packet){.version = sample->version,
					      .family = sl_quic_keys_family(sample->version),
					      .id = ID,
					      .number = 2,
					      .number_bytes = 4,
					      .pad_to = 1200},
			&frames);
	assert_int_equal(datagram.length, 1200);
	wire_hex(&edge, sample->start);
	assert_memory_equal(datagram.bytes, edge.bytes, edge.length);
	edge.length = 0;
	wire_hex(&edge, sample->end);
	assert_memory_equal(datagram.bytes + 1200 - edge.length, edge.bytes, edge.length);
	assert_int_equal(read_block(quic, datagram.bytes, 1200, &info), SL_HELLO_NAMED);
	assert_string_equal(info.name, "example.com");
	assert_string_equal(info.alpn, "alpn");
	assert_true(info.whole);
	free(quic);
}

/* ---- what clients send: steps in order, each a packet; a step may share its datagram with the next ---- */

enum extra { PLAIN, WITH_ACK, WITH_PING, WITH_ECN_ACK };

struct step {
	uint32_t from, to; /* of the hello, in percent */
	uint32_t cut;      /* the same packet's second CRYPTO frame: from .cut to 100 percent */
	const char *id, *key_id, *token;
	uint32_t version, number, number_bytes;
	uint8_t type;
	enum extra extra;
	bool coalesced;           /* the next step is in the same datagram */
	bool damaged;             /* a bit of the payload is wrong */
	const char *before, *raw; /* hex of frames before it; hex instead of a packet */
};

static const struct story {
	const char *name;
	struct step step[4];
	enum sl_hello verdict; /* of the last datagram */
	uint32_t packets, failed;
} stories[] = {
	{"one packet", {{0, 100}}, SL_HELLO_NAMED, 1, 0},
	{"two packets", {{0, 60}, {60, 100, .number = 1}}, SL_HELLO_NAMED, 2, 0},
	{"two packets, the second one first",
	 {{60, 100, .number = 1}, {0, 60}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"the first packet alone", {{0, 60}}, SL_HELLO_MORE, 1, 0},
	{"the second packet alone", {{60, 100, .number = 1}}, SL_HELLO_MORE, 1, 0},
	{"three out of order, overlapping",
	 {{70, 100, .number = 2}, {30, 80, .number = 1}, {0, 40}},
	 SL_HELLO_NAMED,
	 3,
	 0},
	{"two frames in a packet, out of order",
	 {{50, 100, .before = "00 01 00"}, {0, 50, .number = 1}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"two frames of one packet, a gap between, filled later",
	 {{0, 30, .cut = 70}, {30, 70, .number = 1}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"two packets in one datagram",
	 {{0, 60, .coalesced = true}, {60, 100, .number = 1}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"0-RTT before the Initial in its datagram",
	 {{0, 100, .type = 1, .coalesced = true}, {0, 100, .number = 1}},
	 SL_HELLO_NAMED,
	 1,
	 0},
	{"a Handshake packet before it",
	 {{0, 100, .type = 2, .coalesced = true}, {0, 100, .number = 1}},
	 SL_HELLO_NAMED,
	 1,
	 0},
	{"a 0-RTT datagram first", {{0, 100, .type = 1}, {0, 100}}, SL_HELLO_NAMED, 1, 0},
	{"waste behind the packet",
	 {{0, 100, .coalesced = true}, {.raw = "00 00 00 00 00 00"}},
	 SL_HELLO_NAMED,
	 1,
	 0},
	{"a token",
	 {{0, 100,
	   .token =
		   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011"}},
	 SL_HELLO_NAMED,
	 1,
	 0},
	{"no destination ID at all", {{0, 100, .id = ""}}, SL_HELLO_NAMED, 1, 0},
	{"the longest ID",
	 {{0, 100, .id = "000102030405060708090a0b0c0d0e0f10111213"}},
	 SL_HELLO_NAMED,
	 1,
	 0},
	{"an ID that is too long",
	 {{0, 100, .id = "000102030405060708090a0b0c0d0e0f1011121314"}},
	 SL_HELLO_BAD,
	 0,
	 0},
	{"the server's ID in the second packet, keys of the first",
	 {{0, 60}, {60, 100, .id = OTHER, .key_id = ID, .number = 1}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"after Retry: a new ID, new keys, from the start",
	 {{0, 60},
	  {0, 60, .id = OTHER, .token = "0102", .number = 1},
	  {60, 100, .id = OTHER, .token = "0102", .number = 2}},
	 SL_HELLO_NAMED,
	 3,
	 0},
	{"after Retry nothing of before counts",
	 {{0, 60}, {60, 100, .id = OTHER, .token = "0102", .number = 1}},
	 SL_HELLO_MORE,
	 2,
	 0},
	{"another version after negotiation",
	 {{0, 60},
	  {0, 60, .version = 0x6b3343cf, .id = OTHER},
	  {60, 100, .version = 0x6b3343cf, .id = OTHER, .number = 1}},
	 SL_HELLO_NAMED,
	 3,
	 0},
	{"an ACK before the CRYPTO frame", {{0, 100, .extra = WITH_ACK}}, SL_HELLO_NAMED, 1, 0},
	{"an ACK with ECN counts", {{0, 100, .extra = WITH_ECN_ACK}}, SL_HELLO_NAMED, 1, 0},
	{"PING and PADDING between", {{0, 100, .extra = WITH_PING}}, SL_HELLO_NAMED, 1, 0},
	{"CONNECTION_CLOSE before it: no more is read",
	 {{0, 100, .before = "1c 00 00 00"}},
	 SL_HELLO_MORE,
	 1,
	 0},
	{"a damaged packet, then a good one, one datagram",
	 {{0, 100, .damaged = true, .coalesced = true}, {0, 100, .number = 1}},
	 SL_HELLO_NAMED,
	 1,
	 1},
	{"a damaged packet alone", {{0, 100, .damaged = true}}, SL_HELLO_MORE, 0, 1},
	{"keys of an ID that never was", {{0, 100, .key_id = OTHER}}, SL_HELLO_MORE, 0, 1},
	{"packet numbers of four bytes",
	 {{0, 60, .number = 0x10203, .number_bytes = 4},
	  {60, 100, .number = 0x10204, .number_bytes = 1}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"a packet number that wraps its byte",
	 {{0, 60, .number = 255, .number_bytes = 2}, {60, 100, .number = 256}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"an older packet number",
	 {{60, 100, .number = 257, .number_bytes = 2}, {0, 60, .number = 250}},
	 SL_HELLO_NAMED,
	 2,
	 0},
	{"the hello again",
	 {{0, 60}, {0, 60, .number = 1}, {60, 100, .number = 2}},
	 SL_HELLO_NAMED,
	 3,
	 0},
	{"1-RTT after the first Initial",
	 {{0, 60}, {.raw = "40 8394c8f03e515708 00112233445566778899"}},
	 SL_HELLO_MORE,
	 1,
	 0},
	{"DNS", {{.raw = "1234 0100 0001 0000 0000 0000 01 61 00 0001 0001"}}, SL_HELLO_BAD, 0, 0},
	{"nothing", {{.raw = " "}}, SL_HELLO_BAD, 0, 0},
	{"version negotiation", {{.raw = "c0 00000000 00 00 00000001"}}, SL_HELLO_BAD, 0, 0},
	{"a Retry is a server's",
	 {{.raw = "f0 00000001 00 08 0001020304050607 0011"}},
	 SL_HELLO_BAD,
	 0,
	 0},
	{"cut behind the version", {{.raw = "c0 00000001"}}, SL_HELLO_BAD, 0, 0},
	{"a token over the end", {{.raw = "c0 00000001 00 00 7fff 00"}}, SL_HELLO_MORE, 0, 0},
	{"a length over the end", {{.raw = "c0 00000001 00 00 00 7fff 00"}}, SL_HELLO_MORE, 0, 0},
	{"too short for a sample",
	 {{.raw = "c0 00000001 00 00 00 10 000102030405060708090a0b0c0d0e0f"}},
	 SL_HELLO_MORE,
	 0,
	 1},
};

static void put_frames(struct wire *frames, const struct step *step, const struct wire *hello)
{
	uint32_t from = hello->length * step->from / 100, to = hello->length * step->to / 100;

	wire_hex(frames, step->before ? step->before : "");
	if (step->extra == WITH_ACK) /* largest 9, delay, two more ranges, first range */
		wire_hex(frames, "02 09 4100 02 01 00 00 01 02");
	if (step->extra == WITH_ECN_ACK)
		wire_hex(frames, "03 09 00 00 01 01 4002 03");
	if (step->extra == WITH_PING)
		wire_hex(frames, "01 00 00 01 00");
	if (step->cut)
		wire_put_crypto(frames, hello, hello->length * step->cut / 100, hello->length);
	wire_put_crypto(frames, hello, from, to);
}

static void put_step(struct wire *datagram, const struct step *step, const struct wire *hello)
{
	struct wire frames = {.length = 0};
	uint32_t version = step->version ? step->version : 1;

	if (step->raw) {
		wire_hex(datagram, step->raw);
		return;
	}
	put_frames(&frames, step, hello);
	wire_put_packet(datagram,
			&(struct wire_packet){.version = version,
					      .family = sl_quic_keys_family(version),
					      .id = step->id ? step->id : ID,
					      .key_id = step->key_id,
					      .token = step->token,
					      .number = step->number,
					      .number_bytes = step->number_bytes,
					      .type = step->type},
			&frames);
	if (step->damaged)
		datagram->bytes[datagram->length - 20] ^= 4;
}

static void story_test(void **state)
{
	const struct story *story = *state;
	struct wire hello = {.length = 0}, datagram = {.length = 0};
	struct sl_quic *quic = calloc(1, sizeof(*quic));
	struct sl_hello_info info = {.name = "untouched"};
	enum sl_hello verdict = SL_HELLO_MORE;

	assert_non_null(quic);
	wire_put_hello(&hello,
		       &(struct wire_hello){.name = NAME, .name_last = true, .padding = 50});
	for (size_t i = 0; i < 4 && (story->step[i].to || story->step[i].raw); i++) {
		put_step(&datagram, &story->step[i], &hello);
		if (story->step[i].coalesced)
			continue;
		verdict = read_block(quic, datagram.bytes, datagram.length, &info);
		datagram.length = 0;
	}
	assert_int_equal(verdict, story->verdict);
	assert_int_equal(quic->packets, story->packets);
	assert_int_equal(quic->failed, story->failed);
	assert_string_equal(info.name, verdict == SL_HELLO_NAMED ? NAME : "untouched");
	free(quic);
}

/* ---- versions ---- */

static const struct version {
	const char *name;
	uint32_t version, like; /* protected as version .like is */
	uint32_t bytes;         /* of the datagram */
	enum sl_hello verdict;
} versions[] = {
	{"version 1", 1, 1, 1200, SL_HELLO_NAMED},
	{"version 2", 0x6b3343cf, 0x6b3343cf, 1200, SL_HELLO_NAMED},
	{"draft 22", 0xff000016, 0xff000016, 1200, SL_HELLO_NAMED},
	{"draft 27", 0xff00001b, 0xff00001b, 1200, SL_HELLO_NAMED},
	{"draft 29", 0xff00001d, 0xff00001d, 1200, SL_HELLO_NAMED},
	{"draft 32 has the salt of draft 29", 0xff000020, 0xff00001d, 1200, SL_HELLO_NAMED},
	{"draft 34 has the salt of version 1", 0xff000022, 1, 1200, SL_HELLO_NAMED},
	{"draft of version 2", 0x709a50c4, 0x709a50c4, 1200, SL_HELLO_NAMED},
	{"mvfst as draft 22", 0xfaceb001, 0xff000016, 1200, SL_HELLO_NAMED},
	{"mvfst as draft 27", 0xfaceb002, 0xff00001b, 1200, SL_HELLO_NAMED},
	{"mvfst as version 1", 0xfaceb003, 1, 1200, SL_HELLO_NAMED},
	{"an unknown version that is version 1", 0x1a2b3c4d, 1, 1200, SL_HELLO_NAMED},
	{"an unknown version that is version 2", 0x1a2b3c4d, 0x6b3343cf, 1200, SL_HELLO_NAMED},
	{"an unknown version that is draft 29", 0x1a2b3c4d, 0xff00001d, 1200, SL_HELLO_NAMED},
	{"an unknown version, too short for a client's", 0x1a2b3c4d, 1, 1199, SL_HELLO_BAD},
	{"version 1 in a short datagram", 1, 1, 700, SL_HELLO_NAMED},
	{"a known version with another's salt", 1, 0xff00001d, 1200, SL_HELLO_MORE},
};

static void version_test(void **state)
{
	const struct version *row = *state;
	struct wire hello = {.length = 0}, frames = {.length = 0}, datagram = {.length = 0};
	struct sl_quic *quic = calloc(1, sizeof(*quic));
	struct sl_hello_info info = {.name = "untouched"};

	assert_non_null(quic);
	wire_put_hello(&hello, &(struct wire_hello){.name = NAME});
	wire_put_crypto(&frames, &hello, 0, hello.length);
	wire_put_packet(&datagram,
			&(struct wire_packet){.version = row->version,
					      .family = sl_quic_keys_family(row->like),
					      .id = ID,
					      .pad_to = row->bytes},
			&frames);
	assert_int_equal(read_block(quic, datagram.bytes, datagram.length, &info), row->verdict);
	assert_string_equal(info.name, row->verdict == SL_HELLO_NAMED ? NAME : "untouched");
	free(quic);
}

/* ---- the whole range of a thing ---- */

/* Google's T050 and T051 number the CRYPTO frame 8. */
static void google_tls(void **state)
{
	static const uint32_t google[] = {0x54303530, 0x54303531};

	for (size_t i = 0; i < 2; i++) {
		struct wire hello = {.length = 0}, frames = {.length = 0}, datagram = {.length = 0};
		struct sl_quic *quic = calloc(1, sizeof(*quic));
		struct sl_hello_info info;

		assert_non_null(quic);
		wire_put_hello(&hello, &(struct wire_hello){.name = NAME});
		wire_put_crypto(&frames, &hello, 0, hello.length);
		frames.bytes[0] = 8;
		wire_put_packet(&datagram,
				&(struct wire_packet){.version = google[i],
						      .family = sl_quic_keys_family(google[i]),
						      .id = ID},
				&frames);
		assert_int_equal(read_block(quic, datagram.bytes, datagram.length, &info),
				 SL_HELLO_NAMED);
		assert_string_equal(info.name, NAME);
		free(quic);
	}
}

/* A hello of 4 KiB in frames of 1 to 40 bytes, shuffled over four datagrams. */
static void many_small_frames(void **state)
{
	struct wire hello = {.length = 0}, frames[4] = {{.length = 0}}, datagram;
	struct sl_quic *quic = calloc(1, sizeof(*quic));
	struct sl_hello_info info;
	enum sl_hello verdict = SL_HELLO_MORE;

	assert_non_null(quic);
	wire_put_hello(&hello,
		       &(struct wire_hello){.name = NAME, .name_last = true, .padding = 4000});
	for (uint32_t at = 0, step = 0, n = 0; at < hello.length; at += step, n++) {
		step = n * 7 % 40 + 1;
		step = step < hello.length - at ? step : hello.length - at;
		wire_put_crypto(&frames[n * 2654435761u >> 30], &hello, at, at + step);
	}
	for (uint32_t i = 0; i < 4; i++) {
		datagram.length = 0;
		assert_int_equal(verdict, SL_HELLO_MORE);
		wire_put_packet(&datagram,
				&(struct wire_packet){.version = 1, .id = ID, .number = 3 - i},
				&frames[3 - i]);
		verdict = read_block(quic, datagram.bytes, datagram.length, &info);
	}
	assert_int_equal(verdict, SL_HELLO_NAMED);
	assert_string_equal(info.name, NAME);
	free(quic);
}

/* Cut at each byte, and each bit wrong in its turn: no name comes out, no byte is read past the end. */
static void cut_and_damaged(void **state)
{
	struct wire hello = {.length = 0}, frames = {.length = 0}, datagram = {.length = 0};
	struct sl_quic *quic = calloc(1, sizeof(*quic));
	struct sl_hello_info info;

	assert_non_null(quic);
	wire_put_hello(&hello, &(struct wire_hello){.name = NAME});
	wire_put_crypto(&frames, &hello, 0, hello.length);
	wire_put_packet(&datagram, &(struct wire_packet){.version = 1, .id = ID, .token = "aa"},
			&frames);
	for (uint32_t i = 0; i < datagram.length; i++) {
		memset(quic, 0, sizeof(*quic));
		assert_int_not_equal(read_block(quic, datagram.bytes, i, &info), SL_HELLO_NAMED);
	}
	for (uint32_t bit = 0; bit < datagram.length * 8; bit++) {
		memset(quic, 0, sizeof(*quic));
		datagram.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(read_block(quic, datagram.bytes, datagram.length, &info),
				     SL_HELLO_NAMED);
		datagram.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(quic);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, samples, sample_test);
	SL_ROWS_ADD(&tests, stories, story_test);
	SL_ROWS_ADD(&tests, versions, version_test);
	sl_row_add(&tests, "Google's T050 and T051", google_tls, NULL);
	sl_row_add(&tests, "many small frames over four datagrams", many_small_frames, NULL);
	sl_row_add(&tests, "cut at each byte, each bit wrong", cut_and_damaged, NULL);
	return sl_row_run("quic", &tests);
}
