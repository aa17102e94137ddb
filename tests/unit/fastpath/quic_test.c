/*
 * quic_test.c - QUIC's visible parts: handshake times of both legs, hellos, the spin bit
 *
 * Truth: RFC 8999 5.1 and 6 (invariants, version negotiation), RFC 9000 17.2 to 17.4, 6.1, RFC
 * 9369 3.2 (version 2's types), RFC 9312 3.8.2 (one leg's part of the spin).
 */
#include "tests/unit/fastpath/talk.h"

#define STEPS_MAX 8
#define V1        1u
#define V2        0x6b3343cfu
#define DRAFT_29  0xff00001du
#define GREASE    0x1a2a3a4au /* RFC 9000 15: reserved to be refused */

/* First bytes of long headers. */
#define INITIAL    0xc3
#define HANDSHAKE  0xe1
#define RETRY      0xf0
#define INITIAL2   0xd2
#define HANDSHAKE2 0xf2
#define NEGOTIATE  0x9a /* the bits but the first are anything */
#define SHORT      0x41

#define HELLO      SL_SEEN_HELLO
#define UNANSWERED SL_SEEN_HELLO_UNANSWERED
#define FULL       1200 /* a client's Initial fills at least as much (RFC 9000 14.1) */

struct step {
	char from;
	uint32_t at_us;
	uint8_t first;
	uint32_t version;
	uint32_t payload;
	uint32_t seen;
	uint32_t sample_us;
};

static const struct row {
	const char *name;
	struct step step[STEPS_MAX];
	uint8_t waits; /* 1: the flow then waits for the answer to its hello */
} rows[] = {
	{"version 1: both legs",
	 {{'C', 0, INITIAL, V1, FULL, HELLO},
	  {'S', 20000, INITIAL, V1, FULL, 0, 20000},
	  {'S', 20100, HANDSHAKE, V1, 1000},
	  {'C', 20400, INITIAL, V1, FULL, 0, 400},
	  {'S', 41000, SHORT, 0, 100}}},
	{"version 2 has other type numbers",
	 {{'C', 0, INITIAL2, V2, FULL, HELLO},
	  {'S', 20000, INITIAL2, V2, FULL, 0, 20000},
	  {'C', 20400, HANDSHAKE2, V2, 100, 0, 400}}},
	{"version 1's Initial is no Initial of version 2", {{'C', 0, INITIAL, V2, FULL, 0}}},
	{"a draft",
	 {{'C', 0, INITIAL, DRAFT_29, FULL, HELLO},
	  {'S', 20000, HANDSHAKE, DRAFT_29, 300, 0, 20000}}},
	{"a retry answers the hello",
	 {{'C', 0, INITIAL, V1, FULL, HELLO},
	  {'S', 20000, RETRY, V1, 120, 0, 20000},
	  {'C', 20400, INITIAL, V1, FULL, 0, 400},
	  {'S', 41000, INITIAL, V1, FULL, 0}}},
	{"a version negotiation answers the hello",
	 {{'C', 0, INITIAL, DRAFT_29, FULL, HELLO},
	  {'S', 20000, NEGOTIATE, 0, 40, 0, 20000},
	  {'C', 20400, INITIAL, V1, FULL, 0, 400},
	  {'S', 41000, INITIAL, V1, FULL, 0}}},
	{"an Initial sent again is ambiguous",
	 {{'C', 0, INITIAL, V1, FULL, HELLO},
	  {'C', 1000000, INITIAL, V1, FULL},
	  {'S', 1020000, INITIAL, V1, FULL, 0},
	  {'C', 1020400, INITIAL, V1, FULL, 0, 400}}},
	{"a hello of two datagrams is not",
	 {{'C', 0, INITIAL, V1, FULL, HELLO},
	  {'C', 100, INITIAL, V1, FULL},
	  {'S', 20000, INITIAL, V1, FULL, 0, 20000}}},
	{"sent three times and not answered",
	 {{'C', 0, INITIAL, V1, FULL, HELLO},
	  {'C', 1000000, INITIAL, V1, FULL},
	  {'C', 3000000, INITIAL, V1, FULL, UNANSWERED},
	  {'C', 7000000, INITIAL, V1, FULL}}},
	{"a hello waits", {{'C', 0, INITIAL, V1, FULL, HELLO}}, .waits = 1},
	{"too small for a client's Initial", {{'C', 0, INITIAL, V1, FULL - 1, 0}}},
	{"an unknown version is not read", {{'C', 0, INITIAL, GREASE, FULL, 0}}},
	{"a handshake packet is no hello", {{'C', 0, HANDSHAKE, V1, FULL, 0}}},
	{"begun before we looked: no hello, no times",
	 {{'C', 0, SHORT, 0, 100}, {'S', 20000, SHORT | 0x20, 0, 100}, {'C', 20400, SHORT, 0, 9}}},
	{"what the server sends first is no hello",
	 {{'S', 0, INITIAL, V1, FULL, HELLO}, {'C', 20000, INITIAL, V1, FULL, 0, 20000}}},
};

static struct talk talk;

static void packet(const struct step *step)
{
	uint32_t head[3] = {(uint32_t)step->first << 24 | step->version >> 8, step->version << 24};

	talk_datagram(&talk, step->from, step->at_us, head, step->payload);
}

static void handshake(void **state)
{
	const struct row *row = *state;

	talk_begin(&talk, SL_PROTO_UDP, 50001, 443);
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];

		packet(step);
		talk_seen(&talk, HELLO | UNANSWERED, step->seen);
		talk_sampled(&talk, SL_SAMPLE_EVENT, step->sample_us);
		if (step->sample_us)
			assert_int_equal(talk.work.result.method, SL_METHOD_QUIC);
	}
	assert_int_equal(talk.way.kind == SL_FLOW_HELLO, row->waits);
}

/*
 * A connection with a handshake of 20 ms and 1 ms, then one packet of each side every
 * millisecond whose spin bit goes round once in @round_us (the client turns what the server
 * reflects).  Returns how many spin samples there were; each must be near @round_us or the LAN's.
 */
static uint32_t spin(uint32_t wan_us, uint32_t lan_us, uint32_t rounds)
{
	struct step step = {.payload = 100};
	uint32_t samples = 0, at_us = 30000;

	talk_begin(&talk, SL_PROTO_UDP, 50001, 443);
	packet(&(struct step){'C', 0, INITIAL, V1, FULL});
	packet(&(struct step){'S', 20000, INITIAL, V1, FULL});
	packet(&(struct step){'C', 21000, INITIAL, V1, FULL});
	for (uint32_t i = 0; i < rounds; i++) {
		step.first = i & 1 ? SHORT | 0x20 : SHORT;
		step.from = 'C';
		step.at_us = at_us;
		packet(&step);
		samples += talk.work.result.sample[SL_SAMPLE_EVENT].weight;
		if (talk.work.result.sample[SL_SAMPLE_EVENT].weight)
			talk_sampled(&talk, SL_SAMPLE_EVENT, lan_us);
		step.from = 'S';
		step.at_us = at_us += wan_us;
		packet(&step);
		samples += talk.work.result.sample[SL_SAMPLE_EVENT].weight;
		if (talk.work.result.sample[SL_SAMPLE_EVENT].weight)
			talk_sampled(&talk, SL_SAMPLE_EVENT, wan_us);
		at_us += lan_us;
	}
	return samples;
}

/* 40 rounds: the first packet of each side is no turn, 8 samples of each leg are on trial. */
static void a_spin_bit_near_the_handshake_is_believed(void **state)
{
	assert_in_range(spin(20000, 1000, 40), 60, 66);
	assert_int_equal(talk.work.result.method, SL_METHOD_SPIN);
}

static void a_spin_bit_far_from_it_is_not(void **state)
{
	assert_int_equal(spin(300, 300, 400) & ~UINT32_C(0), 0);
}

/* A client that never turns it (RFC 9000 17.4: endpoints may switch it off). */
static void a_spin_bit_that_stands_says_nothing(void **state)
{
	talk_begin(&talk, SL_PROTO_UDP, 50001, 443);
	packet(&(struct step){'C', 0, INITIAL, V1, FULL});
	packet(&(struct step){'S', 20000, INITIAL, V1, FULL});
	packet(&(struct step){'C', 21000, INITIAL, V1, FULL});
	for (uint32_t i = 0; i < 100; i++) {
		packet(&(struct step){i & 1 ? 'S' : 'C', 30000 + i * 10000, SHORT, 0, 100});
		talk_sampled(&talk, SL_SAMPLE_EVENT, 0);
	}
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, handshake);
	sl_row_add(&tests, "a spin bit near the handshake's times is believed",
		   a_spin_bit_near_the_handshake_is_believed, NULL);
	sl_row_add(&tests, "a spin bit far from them is not", a_spin_bit_far_from_it_is_not, NULL);
	sl_row_add(&tests, "a spin bit that stands says nothing",
		   a_spin_bit_that_stands_says_nothing, NULL);
	return sl_row_run("fastpath quic", &tests);
}
