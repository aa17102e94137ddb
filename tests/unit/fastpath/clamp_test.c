/*
 * clamp_test.c - which packets get a smaller MSS, which one, and a checksum that still holds
 */
#include "dataplane/fastpath/clamp.h"

#include <string.h>

#include "tests/unit/row.h"

#define HEADER_MAX 60

/* ---- which packets ---- */

static const struct row {
	const char *name;
	uint16_t knob;
	uint8_t proto, flags, ip6;
	uint16_t inner;
	uint16_t mss; /* 0 = it passes as it is */
} rows[] = {
	{"a SYN", 1280, SL_PROTO_TCP, SL_TCP_SYN, 0, 0, 1240},
	{"a SYN-ACK", 1280, SL_PROTO_TCP, SL_TCP_SYN | SL_TCP_ACK, 0, 0, 1240},
	{"IPv6 has a larger header", 1280, SL_PROTO_TCP, SL_TCP_SYN, 1, 0, 1220},
	{"the least of IPv4", 576, SL_PROTO_TCP, SL_TCP_SYN, 0, 0, 536},
	{"no link of IPv6 has less than 1280", 576, SL_PROTO_TCP, SL_TCP_SYN, 1, 0, 1220},
	{"no knob", 0, SL_PROTO_TCP, SL_TCP_SYN, 0, 0, 0},
	{"data", 1280, SL_PROTO_TCP, SL_TCP_ACK, 0, 0, 0},
	{"no TCP", 1280, SL_PROTO_UDP, SL_TCP_SYN, 0, 0, 0},
	{"in a tunnel", 1280, SL_PROTO_TCP, SL_TCP_SYN, 0, SL_TUNNEL_GRE, 0},
};

static void note(void **state)
{
	const struct row *row = *state;
	static struct sl_tables tables;
	struct sl_work work = {.packet = {.proto = row->proto,
					  .tcp_flags = row->flags,
					  .ip6 = row->ip6,
					  .inner = row->inner},
			       .result = {.uplink = 2}};

	tables.knobs.clamp_bytes[2] = row->knob;
	tables.knobs.clamp_bytes[1] = 1000;
	sl_clamp_note(&work, &tables);
	assert_int_equal(work.result.action, row->mss ? SL_ACTION_CLAMP : SL_ACTION_PASS);
	assert_int_equal(work.result.clamp_mss, row->mss);
}

/* ---- the header ---- */

static const struct header {
	const char *name;
	uint8_t words;
	uint8_t option[40];
	uint8_t cut;  /* bytes that the frame has less */
	uint8_t at;   /* of the value, from the first option on */
	uint16_t mss; /* in it afterwards; 0 = nothing was written */
} headers[] = {
	{"as Linux sends it",
	 10,
	 {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7},
	 0,
	 2,
	 1240},
	{"alone", 6, {2, 4, 0x05, 0xb4}, 0, 2, 1240},
	{"at an odd place", 7, {1, 2, 4, 0x05, 0xb4, 1, 1, 1}, 0, 3, 1240},
	{"behind another", 8, {4, 2, 1, 3, 3, 7, 2, 4, 0x05, 0xb4, 0, 0}, 0, 8, 1240},
	{"small enough", 6, {2, 4, 0x04, 0xd8}, 0, 0, 0},
	{"smaller", 6, {2, 4, 0x02, 0x18}, 0, 0, 0},
	{"not there", 5, {0}, 0, 0, 0},
	{"behind the end of the list", 7, {0, 0, 0, 0, 2, 4, 0x05, 0xb4}, 0, 0, 0},
	{"an option of no length", 7, {8, 0, 2, 4, 0x05, 0xb4, 0, 0}, 0, 0, 0},
	{"an option longer than the header", 7, {8, 40, 2, 4, 0x05, 0xb4, 0, 0}, 0, 0, 0},
	{"of another length", 7, {2, 6, 0x05, 0xb4, 0, 0, 0, 0}, 0, 0, 0},
	{"cut off", 6, {2, 4, 0x05, 0xb4}, 1, 0, 0},
	{"a header said to be shorter", 5, {2, 4, 0x05, 0xb4}, 0, 0, 0},
};

/* Sum of a header with its checksum in it: 0xffff when that holds (RFC 1071). */
static uint32_t sum_of(const uint8_t *tcp, uint32_t length)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < length; i += 2)
		sum += (uint32_t)(tcp[i] << 8 | tcp[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void apply(void **state)
{
	const struct header *header = *state;
	uint8_t tcp[HEADER_MAX] = {0x9c, 0x40, 0x01, 0xbb}, before[HEADER_MAX];
	uint32_t length = header->words < 6 ? 24 : header->words * 4u;

	tcp[12] = (uint8_t)(header->words << 4);
	tcp[13] = SL_TCP_SYN;
	memcpy(tcp + 20, header->option, sizeof(header->option));
	uint32_t sum = ~sum_of(tcp, length) & 0xffff;

	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	memcpy(before, tcp, sizeof(before));
	assert_int_equal(sl_clamp_apply(tcp, tcp + length - header->cut, 1240), header->mss != 0);
	assert_int_equal(sum_of(tcp, length), 0xffff);
	if (!header->mss) {
		assert_memory_equal(tcp, before, sizeof(tcp));
		return;
	}
	assert_int_equal(tcp[20 + header->at] << 8 | tcp[21 + header->at], header->mss);
}

/* Each value of the old MSS, at an even and at an odd place. */
static void checksum_follows(void **state)
{
	for (uint32_t odd = 0; odd < 2; odd++)
		for (uint32_t old = 537; old <= UINT16_MAX; old++) {
			uint8_t tcp[28] = {0x12, 0x34, [12] = 0x70, [13] = SL_TCP_SYN, [14] = 0xff};

			memset(tcp + 20, 1, 8);
			memcpy(tcp + 20 + odd, (uint8_t[]){2, 4, (uint8_t)(old >> 8), (uint8_t)old},
			       4);
			uint32_t sum = ~sum_of(tcp, sizeof(tcp)) & 0xffff;

			tcp[16] = (uint8_t)(sum >> 8);
			tcp[17] = (uint8_t)sum;
			assert_true(sl_clamp_apply(tcp, tcp + sizeof(tcp), 536));
			assert_int_equal(sum_of(tcp, sizeof(tcp)), 0xffff);
		}
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, note);
	SL_ROWS_ADD(&tests, headers, apply);
	sl_row_add(&tests, "the checksum follows", checksum_follows, NULL);
	return sl_row_run("fastpath clamp", &tests);
}
