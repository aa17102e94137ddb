/*
 * large_test.c - large segments that do not pass where small ones do
 *
 * From the LAN side told by their repeats; from the WAN side by the hole that they leave, when
 * the sweep finds the flow at rest.
 */
#include "tests/unit/fastpath/talk.h"

#define LARGE     1400u
#define SMALL     300u
#define STUCK     SL_SEEN_LARGE_STUCK
#define PASSED    SL_SEEN_LARGE_PASSED
#define PACKETS   8
#define SECOND_US 1000000u

/* The handshake is over: the client's next byte is 101, the server's 501. */
static void open_up(struct talk *talk)
{
	talk_begin(talk, SL_PROTO_TCP, 40000, 443);
	talk_greet(talk, 3);
}

/* One packet of a row, and which of the two bits it must show. */
struct packet {
	char from; /* 0 = no more */
	uint32_t at_ms, seq, ack, payload, seen;
};

static const struct row {
	const char *name;
	struct packet packet[PACKETS];
	bool gapped, stuck; /* the way says so then, and the sweep says so */
} rows[] = {
	{"a large segment that is sent three times is stuck, once",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 300, 101, 501, LARGE, 0},
	  {'C', 700, 101, 501, LARGE, STUCK},
	  {'C', 1500, 101, 501, LARGE, 0}},
	 false,
	 false},
	{"several lost at once, each sent again once: a lossy path, nothing is stuck",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 101, 1501, 501, LARGE, 0},
	  {'C', 102, 2901, 501, LARGE, 0},
	  {'C', 300, 1501, 501, LARGE, 0},
	  {'C', 301, 2901, 501, LARGE, 0},
	  {'C', 302, 101, 501, LARGE, 0}},
	 false,
	 false},
	{"a small one is merely lost",
	 {{'C', 100, 101, 501, SMALL, 0},
	  {'C', 300, 101, 501, SMALL, 0},
	  {'C', 700, 101, 501, SMALL, 0}},
	 false,
	 false},
	{"sent again once and acknowledged: lost, not stuck",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 300, 101, 501, LARGE, 0},
	  {'S', 310, 501, 1501, 0, 0}},
	 false,
	 false},
	{"stuck, and acknowledged after all",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 300, 101, 501, LARGE, 0},
	  {'C', 700, 101, 501, LARGE, STUCK},
	  {'C', 1500, 101, 501, LARGE, 0},
	  {'S', 1510, 501, 1501, 0, PASSED},
	  {'S', 1520, 501, 1501, 100, 0}},
	 false,
	 false},
	{"stuck, then cut smaller: that the pieces pass tells nothing",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 300, 101, 501, LARGE, 0},
	  {'C', 700, 101, 501, LARGE, STUCK},
	  {'C', 1500, 101, 501, 600, 0},
	  {'S', 1510, 501, 701, 0, 0},
	  {'C', 1511, 701, 501, 800, 0},
	  {'S', 1520, 501, 1501, 0, 0}},
	 false,
	 false},
	{"what does not stand where the other side waits is not what is stuck",
	 {{'C', 100, 101, 501, LARGE, 0},
	  {'C', 101, 1501, 501, LARGE, 0},
	  {'C', 300, 1501, 501, LARGE, 0},
	  {'C', 700, 1501, 501, LARGE, 0}},
	 false,
	 false},
	{"the server's large segment never comes, the small one behind it does",
	 {{'C', 100, 101, 501, SMALL, 0},
	  {'S', 110, 1901, 401, SMALL, 0},
	  {'C', 111, 401, 501, 0, 0}},
	 true,
	 true},
	{"a small hole is not a large segment's",
	 {{'C', 100, 101, 501, SMALL, 0},
	  {'S', 110, 801, 401, SMALL, 0},
	  {'C', 111, 401, 501, 0, 0}},
	 true,
	 false},
	{"the hole is filled: nothing is asked",
	 {{'C', 100, 101, 501, SMALL, 0},
	  {'S', 110, 1901, 401, SMALL, 0},
	  {'C', 111, 401, 501, 0, 0},
	  {'S', 320, 501, 401, LARGE, 0},
	  {'C', 321, 401, 2201, 0, 0}},
	 false,
	 false},
};

static void row_test(void **state)
{
	const struct row *row = *state;
	uint64_t last_ms = 0;
	struct talk talk;

	open_up(&talk);
	for (const struct packet *p = row->packet; p < row->packet + PACKETS && p->from; p++) {
		const struct talk_segment segment = {.from = p->from,
						     .at_us = p->at_ms * UINT64_C(1000),
						     .flags = SL_TCP_ACK,
						     .seq = p->seq,
						     .ack = p->ack,
						     .payload = p->payload};

		talk_tcp(&talk, &segment);
		talk_seen(&talk, STUCK | PASSED, p->seen);
		last_ms = p->at_ms;
	}
	uint64_t now_ns = (SECOND_US + last_ms * 1000) * 1000;

	assert_int_equal(talk.way.kind, row->gapped ? SL_FLOW_GAPPED : SL_FLOW_OPEN);
	assert_false(sl_large_is_due(&talk.way, sl_flow_age(now_ns)));
	assert_int_equal(sl_large_is_due(&talk.way, sl_flow_age(now_ns + UINT64_C(3000000000))),
			 row->gapped);
	if (!row->gapped)
		return;
	assert_int_equal(sl_large_is_stuck(&talk.way, &talk.flow), row->stuck);
	assert_int_equal(talk.way.kind, SL_FLOW_OPEN); /* asked once */
}

/* The sweep has found it; then it comes, large as it was, and is acknowledged. */
static void what_the_sweep_found_may_pass_after_all(void **state)
{
	const struct talk_segment gap[] =
		{
			{.from = 'S',
			 .at_us = 10000,
			 .flags = SL_TCP_ACK,
			 .seq = 1901,
			 .ack = 101,
			 .payload = SMALL},
			{.from = 'C', .at_us = 10100, .flags = SL_TCP_ACK, .seq = 101, .ack = 501},
		},
				  late[] =
					  {
						  {.from = 'S',
						   .at_us = 5000000,
						   .flags = SL_TCP_ACK,
						   .seq = 501,
						   .ack = 101,
						   .payload = LARGE},
						  {.from = 'C',
						   .at_us = 5000100,
						   .flags = SL_TCP_ACK,
						   .seq = 101,
						   .ack = 2201},
					  },
				  cut = {.from = 'S',
					 .at_us = 5000000,
					 .flags = SL_TCP_ACK,
					 .seq = 501,
					 .ack = 101,
					 .payload = 500};
	struct talk talk, smaller;

	open_up(&talk);
	talk_tcp(&talk, &gap[0]);
	talk_tcp(&talk, &gap[1]);
	assert_true(sl_large_is_stuck(&talk.way, &talk.flow));
	smaller = talk;
	talk_tcp(&talk, &late[0]);
	talk_tcp(&talk, &late[1]);
	talk_seen(&talk, STUCK | PASSED, PASSED);
	talk_tcp(&smaller, &cut);
	assert_false(smaller.flow.dir[1].flags & SL_DIR_LARGE);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, row_test);
	sl_row_add(&tests, "what the sweep found may pass after all",
		   what_the_sweep_found_may_pass_after_all, NULL);
	return sl_row_run("fastpath large", &tests);
}
