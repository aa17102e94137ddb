/*
 * rtt_test.c - few slots against all segments: the fast path's samples are right, if not all
 *
 * Beside the core stands an unbounded list of what was sent.  An acknowledgement first covers
 * some of it: a sample has to be the time since one of those passed (RFC 9293 3.4); an echo, the
 * time since the first segment with that stamp (RFC 7323 4.3).  Traffic is random, in order.
 */
#include <stdlib.h>

#include "tests/unit/fastpath/talk.h"

#define SENT_MAX 20000

static struct talk talk;
static struct sent {
	uint32_t end, tsval;
	uint64_t at_us;
} sent[SENT_MAX];
static uint32_t sent_count, acked; /* of sent[]: those before .acked are acknowledged */

static uint32_t dice(uint32_t limit)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * limit >> 32);
}

/* Samples seen, and the weight that they stand for. */
struct tally {
	uint32_t samples, weight;
};

static bool is_time_of(const struct sent *from, uint64_t at_us, struct sl_sample sample)
{
	uint64_t ns = (uint64_t)sample.ticks << SL_TICK_LOG2_NS,
		 want = (at_us - from->at_us) * 1000;

	return ns + 64 >= want && ns <= want + 64;
}

static void data(uint64_t at_us, uint32_t bytes, uint32_t tsval)
{
	uint32_t start = sent_count ? sent[sent_count - 1].end : UINT32_MAX - 5000;

	talk_tcp(&talk, &(struct talk_segment){'C', at_us, SL_TCP_ACK, start, 1, bytes, tsval,
					       tsval ? 1 : 0});
	assert_true(sent_count < SENT_MAX);
	sent[sent_count++] = (struct sent){start + bytes, tsval, at_us};
}

/* The server acknowledges all before sent[@upto], and echoes @tsecr. */
static void answer(uint64_t at_us, uint32_t upto, uint32_t tsecr, struct tally *seq,
		   struct tally *ts)
{
	struct sl_sample sample;
	bool right = false;

	talk_tcp(&talk, &(struct talk_segment){'S', at_us, SL_TCP_ACK, 1, sent[upto - 1].end, 0,
					       tsecr ? 5 : 0, tsecr});
	sample = talk.work.result.sample[SL_SAMPLE_SEQ];
	for (uint32_t i = acked; i < upto && sample.weight; i++)
		right |= is_time_of(&sent[i], at_us, sample);
	assert_true(right || !sample.weight);
	seq->samples += !!sample.weight;
	seq->weight += sample.weight;
	acked = upto;
	sample = talk.work.result.sample[SL_SAMPLE_TS];
	if (!sample.weight)
		return;
	right = false;
	for (uint32_t i = 0; i < sent_count; i++)
		if (sent[i].tsval == tsecr) {
			right = is_time_of(&sent[i], at_us, sample);
			break;
		}
	assert_true(right);
	ts->samples++;
	ts->weight += sample.weight;
}

static void begin(void)
{
	talk_begin(&talk, SL_PROTO_TCP, 40000, 443);
	sent_count = acked = 0;
}

static const struct row {
	const char *name;
	uint32_t flight; /* segments in flight, about */
	uint32_t every;  /* acknowledged at once, at most */
	bool stamps;
	uint32_t
		share; /* percent of the answers that give a sample, at least: slots are given by bytes */
} rows[] = {
	{"1 in flight: each", 1, 1, false, 100},
	{"4 in flight", 4, 1, false, 70},
	{"8 in flight", 8, 1, false, 50},
	{"20 in flight", 20, 1, false, 25},
	{"400 in flight", 400, 2, false, 2},
	{"bursts of 64, acknowledged at once", 64, 64, false, 30},
	{"1 in flight, with stamps", 1, 1, true, 100},
	{"4 in flight, with stamps", 4, 1, true, 70},
	{"20 in flight, with stamps", 20, 2, true, 30},
	{"400 in flight, with stamps", 400, 2, true, 2},
};

/* Segments of any size at any time; answers to any of those outstanding. */
static void a_subset_with_right_times(void **state)
{
	const struct row *row = *state;
	struct tally seq = {0}, ts = {0};
	uint64_t at_us = 0;
	uint32_t answers = 0;

	begin();
	while (sent_count + row->flight + 1 < SENT_MAX) {
		while (sent_count - acked < row->flight) {
			at_us += 1 + dice(300);
			data(at_us, 1 + dice(1460),
			     row->stamps ? 100 + (uint32_t)(at_us / 1000) : 0);
		}
		uint32_t upto = acked + 1 + dice(row->every);

		/* RFC 7323 4.3 (2): the stamp of the first segment that is acknowledged. */
		at_us += 1 + dice(300);
		answer(at_us, upto, row->stamps ? sent[acked].tsval : 0, &seq, &ts);
		answers++;
	}
	print_message("%s: %u answers, %u samples for %u, %u by stamps for %u\n", row->name,
		      answers, seq.samples, seq.weight, ts.samples, ts.weight);
	assert_true(seq.samples * UINT64_C(100) >= answers * (uint64_t)row->share);
	/* All samples together stand for all answers, but those that came after the last. */
	assert_in_range(seq.weight, answers - row->flight, answers);
	assert_true(!row->stamps || ts.samples > 200);
}

/* What passed while no slot was free stands behind the next that gets one, or the next sample. */
static void weights_stand_for_what_had_no_slot(void **state)
{
	struct tally seq = {0}, ts = {0};

	begin();
	for (uint32_t i = 0; i < 200; i++) {
		data(i * 100, 1000, 100 + i);
		assert_true(talk.flow.dir[0].seq_used);
	}
	for (uint32_t i = 1; i <= 200; i++)
		answer(30000 + i * 100, i, sent[i - 1].tsval, &seq, &ts);
	assert_int_equal(seq.weight, 200);
	assert_in_range(ts.weight, 6, 200);
	assert_true(seq.samples >= 8 && ts.samples >= 6);
}

/* More than four by sequence and by stamp: the far slots are used, and their times are right. */
static void eight_segments_give_eight_times(void **state)
{
	struct tally seq = {0}, ts = {0};

	begin();
	for (uint32_t i = 0; i < 8; i++)
		data(i * 100, 1000, 100 + i);
	for (uint32_t i = 1; i <= 8; i++)
		answer(20000 + i * 777, i, sent[i - 1].tsval, &seq, &ts);
	assert_int_equal(seq.samples, 8);
	assert_int_equal(ts.samples, 6);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, a_subset_with_right_times);
	sl_row_add(&tests, "weights stand for what had no slot", weights_stand_for_what_had_no_slot,
		   NULL);
	sl_row_add(&tests, "eight segments give eight times, six by stamps",
		   eight_segments_give_eight_times, NULL);
	return sl_row_run("fastpath rtt", &tests);
}
