/*
 * media_test.c - RTP: which datagrams are it, what was lost, and A.8's jitter
 *
 * Truth: RFC 3550 5.1 (header), A.1 (probation, jumps, restarts), A.3 (expected and lost),
 * A.8 and 6.4.1 (jitter: of every packet, in order of arrival), RFC 3551 6 (clock rates).
 * A reference in floating point stands beside the core's integers.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/unit/fastpath/talk.h"

#define SSRC   0xdecafbadu
#define TICKS  15625000.0 /* a second */
#define FRAMES 64

static struct talk talk;

/* What the core has said so far. */
static struct total {
	uint64_t packets, expected, jitter;
} total;

static void begin(void)
{
	talk_begin(&talk, SL_PROTO_UDP, 40000, 30000);
	total = (struct total){0};
}

static void rtp(uint64_t at_us, uint16_t seq, uint32_t stamp, uint32_t ssrc)
{
	uint32_t head[3] = {0x80000000u | seq, stamp, ssrc};
	const struct sl_result *result = &talk.work.result;

	talk_datagram(&talk, 'C', at_us, head, 172);
	if (!(result->seen & SL_SEEN_MEDIA))
		return;
	total.packets += result->media_packets;
	total.expected += result->media_ahead;
	total.jitter = result->media_jitter_ticks;
}

/* ---- lost and not: sequence numbers, 20 ms apart, in order of arrival ---- */

static const struct row {
	const char *name;
	uint16_t seq[20];
	uint32_t count;
	uint32_t packets, expected; /* of a believed source */
} rows[] = {
	{"two in sequence are a source", {10, 11}, 2, 2, 2},
	{"one packet is not", {10}, 1, 0, 0},
	{"two out of sequence are not", {10, 12}, 2, 0, 0},
	{"it is counted from where it is believed", {10, 20, 21, 22}, 4, 3, 3},
	{"none lost", {10, 11, 12, 13, 14}, 5, 5, 5},
	{"one lost", {10, 11, 13, 14}, 4, 4, 5},
	{"the numbers wrap", {65534, 65535, 0, 1}, 4, 4, 4},
	{"lost where they wrap", {65533, 65534, 1, 2}, 4, 4, 6},
	{"late is not lost", {10, 11, 13, 12, 14}, 5, 5, 5},
	{"twice is more than expected (RFC 3550 6.4.1: the loss may be negative)",
	 {10, 11, 11, 12},
	 4,
	 4,
	 3},
	{"a jump over MAX_DROPOUT is not that many losses", {10, 11, 5000, 12, 13}, 5, 4, 4},
	{"two in sequence behind a jump: the sender began anew",
	 {10, 11, 20000, 20001, 20002},
	 5,
	 4,
	 4},
	{"the same backwards", {20000, 20001, 10, 11, 12}, 5, 4, 4},
	{"3000 lost are believed", {10, 11, 3010, 3011}, 4, 4, 3002},
};

static void lost(void **state)
{
	const struct row *row = *state;

	begin();
	for (uint32_t i = 0; i < row->count; i++)
		rtp(i * 20000, row->seq[i], i * 160, SSRC);
	assert_int_equal(total.packets, row->packets);
	assert_int_equal(total.expected, row->expected);
}

/* ---- which datagrams are RTP ---- */

static const struct kind {
	const char *name;
	uint32_t head0; /* a sequence number is added to it */
	uint16_t client, server;
	uint32_t payload;
	bool media;
} kinds[] = {
	{"kind: PCMU, version 2", 0x80000000, 40000, 30000, 172, true},
	{"kind: with padding, extension and two CSRCs", 0xb2000000, 40000, 30000, 172, true},
	{"kind: with the marker bit", 0x80e00000, 40000, 30000, 172, true},
	{"kind: version 1", 0x40000000, 40000, 30000, 172, false},
	{"kind: RTCP sender report", 0x80c80000, 40000, 30000, 172, false},
	{"kind: RTCP on the same ports (RFC 5761: 64 to 95)", 0x805f0000, 40000, 30000, 172, false},
	{"kind: both ports odd, as RTCP's are", 0x80000000, 40001, 30001, 172, false},
	{"kind: to a well-known port", 0x80000000, 40000, 1000, 172, false},
	{"kind: header cut short", 0x80000000, 40000, 30000, 11, false},
};

static void kind(void **state)
{
	const struct kind *row = *state;
	uint32_t seen = 0;

	talk_begin(&talk, SL_PROTO_UDP, row->client, row->server);
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t head[3] = {row->head0 + 7 + i, i * 160, SSRC};

		talk_datagram(&talk, 'C', i * 20000, head, row->payload);
		seen |= talk.work.result.seen;
	}
	assert_int_equal(!!(seen & SL_SEEN_MEDIA), row->media);
}

/* ---- jitter ---- */

static const struct rate {
	const char *name;
	uint32_t hz;
	bool known;
} rates[] = {
	{"jitter at 8000 Hz", 8000, true},     {"jitter at 16000 Hz", 16000, true},
	{"jitter at 44100 Hz", 44100, true},   {"jitter at 48000 Hz", 48000, true},
	{"jitter at 90000 Hz", 90000, true},   {"no codec has 10000 Hz", 10000, false},
	{"no codec has 1000 Hz", 1000, false},
};

/* A.8 in floating point: J += (|D| - J) / 16 for each packet in order of arrival, ticks. */
static double reference(double jitter, const uint64_t at_us[2], const uint32_t stamp[2],
			uint32_t hz)
{
	double arrival = (double)(at_us[1] - at_us[0]) * TICKS / 1e6;
	double sent = (double)(int32_t)(stamp[1] - stamp[0]) * TICKS / hz;

	return jitter + (fabs(arrival - sent) - jitter) / 16;
}

/* 20 ms packets for 4 s, each up to 8 ms late: one swap in ten, timestamps wrap. */
static void jitter(void **state)
{
	const struct rate *row = *state;
	uint64_t at_us[2] = {0, 0};
	uint32_t stamp[2] = {0, 0};
	double want = 0;
	bool was_known = false;

	begin();
	srand(1);
	for (uint32_t i = 0; i < 200; i++) {
		uint32_t n = i % 10 == 5 ? i + 1 : i % 10 == 6 && i > 6 ? i - 1 : i;

		at_us[1] = i * UINT64_C(20000) + (uint64_t)(rand() % 8000) * (i > 30);
		stamp[1] = UINT32_MAX - 1000 + n * (row->hz / 50);
		rtp(at_us[1], (uint16_t)(65500 + n), stamp[1], SSRC);
		if (was_known)
			want = reference(want, at_us, stamp, row->hz);
		was_known = talk.flow.gram[0].media[SL_MEDIA_STREAMS - 1].unit;
		at_us[0] = at_us[1];
		stamp[0] = stamp[1];
	}
	assert_int_equal(was_known, row->known);
	if (!row->known) {
		assert_int_equal(total.jitter, 0);
		return;
	}
	assert_true(want > TICKS / 1000);
	/* The unit is kept to 1 part in 512 at 90 kHz and A.8's own integers floor 1/16 tick. */
	assert_true(fabs((double)total.jitter - want) < want / 50);
}

/* A steady stream has none, whatever the rate's rounding. */
static void a_steady_stream_has_no_jitter(void **state)
{
	begin();
	for (uint32_t i = 0; i < 500; i++)
		rtp(i * UINT64_C(20000), (uint16_t)i, i * 1800, SSRC);
	assert_in_range(total.jitter, 0, 15625); /* 1 ms */
}

/* ---- streams ---- */

static void four_streams_are_apart(void **state)
{
	begin();
	for (uint32_t i = 0; i < 10; i++)
		for (uint32_t stream = 0; stream < 4; stream++)
			rtp(i * 20000 + stream, (uint16_t)(i * (stream == 2 && i > 5 ? 2 : 1)),
			    i * 160, SSRC + stream);
	assert_int_equal(total.packets, 40);
	assert_int_equal(total.expected, 30 + 19);
}

static void one_who_is_not_believed_gives_way(void **state)
{
	begin();
	for (uint32_t i = 0; i < 4; i++)
		rtp(i, 100, 0, SSRC + i);
	rtp(10, 7, 0, 1);
	rtp(20000, 8, 160, 1);
	assert_int_equal(total.packets, 2);
	assert_int_equal(total.expected, 2);
}

static void a_fifth_stream_is_not_measured(void **state)
{
	begin();
	for (uint32_t i = 0; i < 10; i++)
		for (uint32_t stream = 0; stream < (i < 2 ? 4 : 5); stream++)
			rtp(i * 20000 + stream, (uint16_t)i, i * 160, SSRC + stream);
	assert_int_equal(total.packets, 40);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, lost);
	SL_ROWS_ADD(&tests, kinds, kind);
	SL_ROWS_ADD(&tests, rates, jitter);
	sl_row_add(&tests, "a steady stream has no jitter", a_steady_stream_has_no_jitter, NULL);
	sl_row_add(&tests, "four streams are apart", four_streams_are_apart, NULL);
	sl_row_add(&tests, "one that is not believed gives way", one_who_is_not_believed_gives_way,
		   NULL);
	sl_row_add(&tests, "a fifth stream is not measured", a_fifth_stream_is_not_measured, NULL);
	return sl_row_run("fastpath media", &tests);
}
