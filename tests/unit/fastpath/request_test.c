/*
 * request_test.c - exchanges: what the server thought, and how long the whole took
 *
 * The handshake before each row tells 20 ms to the server, 300 us to the client.  Sequence
 * numbers count from the first byte of each side.  Truth: the definitions at the top of
 * request.h; RFC 9293 3.9.1.2 (PSH ends what an application said); Karn's rule.
 */
#include "tests/unit/fastpath/talk.h"

#define STEPS_MAX 10
#define ACK       SL_TCP_ACK
#define PSH       (SL_TCP_ACK | SL_TCP_PSH)
#define FIN       (SL_TCP_ACK | SL_TCP_FIN)
#define RST       (SL_TCP_ACK | SL_TCP_RST)
#define CLIENT    1000u
#define SERVER    900000u

struct step {
	char from;
	uint32_t at_us;
	uint8_t flags;
	uint32_t seq, ack, payload;
	uint32_t think_us, whole_us; /* 0 = none */
	bool in_vain;                /* tells that the request goes unanswered */
	uint32_t idle_ms;            /* ... or is repeated, after such a rest */
};

static const struct row {
	const char *name;
	struct step step[STEPS_MAX];
	bool midstream;
} rows[] = {
	{"acknowledged first, then answered: the time between",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000}}},
	{"the answer is the acknowledgement: less the way",
	 {{'C', 0, PSH, 0, 0, 100}, {'S', 25000, PSH, 0, 100, 500, 5000, 25000}}},
	{"a request of two segments is heard when both are",
	 {{'C', 0, ACK, 0, 0, 1000},
	  {'C', 10000, PSH, 1000, 0, 200},
	  {'S', 30000, ACK, 0, 1200},
	  {'S', 40000, PSH, 0, 1200, 500, 10000, 40000}}},
	{"when only the first was acknowledged, the answer is the second's",
	 {{'C', 0, ACK, 0, 0, 1000},
	  {'C', 1000, PSH, 1000, 0, 200},
	  {'S', 20000, ACK, 0, 1000},
	  {'S', 26000, PSH, 0, 1200, 500, 5000, 26000}}},
	{"an answer of three segments ends with the pushed one",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 25000, ACK, 0, 100, 1000, 5000},
	  {'S', 26000, ACK, 1000, 100, 1000},
	  {'S', 27000, PSH, 2000, 100, 100, 0, 27000}}},
	{"or with the end of the connection",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 25000, ACK, 0, 100, 1000, 5000},
	  {'S', 26000, FIN, 1000, 100, 10, 0, 26000}}},
	{"what comes behind it is nobody's answer",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'S', 95000, PSH, 500, 100, 500}}},
	{"each exchange for itself",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 100000, PSH, 100, 500, 100},
	  {'S', 120000, ACK, 500, 200},
	  {'S', 150000, PSH, 500, 200, 500, 30000, 50000}}},
	{"Karn: a request sent again tells no time",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'C', 200000, PSH, 0, 0, 100},
	  {'S', 220000, ACK, 0, 100},
	  {'S', 225000, PSH, 0, 100, 500}}},
	{"and the next does",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'C', 200000, PSH, 0, 0, 100},
	  {'S', 225000, PSH, 0, 100, 500},
	  {'C', 300000, PSH, 100, 500, 100},
	  {'S', 320000, ACK, 500, 200},
	  {'S', 321000, PSH, 500, 200, 10, 1000, 21000}}},
	{"the server speaks first: nobody asked", {{'S', 5000, PSH, 0, 0, 80}}},
	{"a second acknowledgement does not shorten the time",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 24000, ACK, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000}}},
	{"a server that thinks over a minute is not in the histogram",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 50000000, ACK, 0, 100},
	  {'S', 80100000, PSH, 0, 100, 500}}},
	{"begun before we looked: who asks is not known",
	 {{'C', 0, PSH, 0, 0, 100}, {'S', 20000, ACK, 0, 100}, {'S', 25000, PSH, 0, 100, 500}},
	 true},
	{"taken and then reset: unanswered, once",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'C', 3000000, RST, 100, 0, 0, 0, 0, true},
	  {'C', 3000010, RST, 100, 0}}},
	{"also when the server resets it",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 30000, RST, 0, 100, 0, 0, 0, true}}},
	{"a reset is the answer to it, after a rest: unanswered",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 9000000, PSH, 100, 500, 100},
	  {'S', 9020000, RST, 500, 200, 0, 0, 0, true, 8975}}},
	{"silence is: told once, by the first repeat",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 9000000, PSH, 100, 500, 100},
	  {'C', 9300000, PSH, 100, 500, 100, .idle_ms = 8975},
	  {'C', 9900000, PSH, 100, 500, 100},
	  {'C', 12100000, PSH, 100, 500, 100},
	  {'C', 12200000, RST, 200, 500}}},
	{"a rest of ten minutes, beyond what ticks tell",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 600025000, PSH, 100, 500, 100},
	  {'S', 600045000, SL_TCP_RST, 500, 0, 0, 0, 0, true, 600000}}},
	{"what was answered after the rest has it behind it",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 9000000, PSH, 100, 500, 100},
	  {'S', 9025000, PSH, 500, 200, 500, 5000, 25000},
	  {'C', 9100000, PSH, 200, 1000, 100},
	  {'C', 9400000, PSH, 200, 1000, 100},
	  {'C', 9500000, RST, 300, 1000}}},
	{"half a second is no rest",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 500000, PSH, 100, 500, 100},
	  {'C', 800000, PSH, 100, 500, 100}}},
	{"the server's word after a rest is not the till's",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'S', 9000000, PSH, 500, 100, 500},
	  {'S', 9300000, PSH, 500, 100, 500}}},
	{"the network has repeated it before the reset: that tells of the network",
	 {{'C', 0, PSH, 0, 0, 100}, {'C', 200000, PSH, 0, 0, 100}, {'S', 220000, RST, 0, 100}}},
	{"one that nobody acknowledged is the network's",
	 {{'C', 0, PSH, 0, 0, 100}, {'C', 3000000, RST, 100, 0}}},
	{"an answered one is answered",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'S', 25000, PSH, 0, 100, 500, 5000, 25000},
	  {'C', 40000, RST, 100, 500}}},
	{"half closed is not given up",
	 {{'C', 0, PSH, 0, 0, 100},
	  {'S', 20000, ACK, 0, 100},
	  {'C', 21000, FIN, 100, 0},
	  {'S', 3000000, PSH, 0, 101, 500, 2980000, 3000000}}},
};

static struct talk talk;
static struct sl_stats stats;

static void greet(void)
{
	const struct talk_segment hello[] = {
		{'C', 0, SL_TCP_SYN, CLIENT - 1},
		{'S', 20000, SL_TCP_SYN | ACK, SERVER - 1, CLIENT},
		{'C', 20300, ACK, CLIENT, SERVER},
	};

	for (int i = 0; i < 3; i++)
		talk_tcp(&talk, &hello[i]);
}

static void exchange(void **state)
{
	const struct row *row = *state;
	uint64_t told = 0;

	talk_begin(&talk, SL_PROTO_TCP, 40000, 443);
	memset(&stats, 0, sizeof(stats));
	if (!row->midstream)
		greet();
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];
		bool client = step->from == 'C';

		talk_tcp(&talk, &(struct talk_segment){
					.from = step->from,
					.at_us = 1000000 + step->at_us,
					.flags = step->flags,
					.seq = (client ? CLIENT : SERVER) + step->seq,
					.ack = (client ? SERVER : CLIENT) + step->ack,
					.payload = step->payload,
				});
		sl_account_packet(&talk.work, &stats);
		told += !!step->idle_ms;
		talk_sampled(&talk, SL_SAMPLE_EVENT, step->think_us);
		talk_sampled(&talk, SL_SAMPLE_TRANSACTION, step->whole_us);
		assert_int_equal(!!(talk.work.result.seen & SL_SEEN_REQUEST_UNANSWERED),
				 step->in_vain);
		uint64_t idle_ms = (uint64_t)talk.work.result.idle_moments
				   << SL_FLOW_MOMENT_LOG2_NS;

		idle_ms /= 1000000;
		assert_in_range(idle_ms, step->idle_ms ? step->idle_ms - 3 : 0,
				step->idle_ms ? step->idle_ms + 3 : 0);
		if (step->think_us)
			assert_int_equal(talk.work.result.method, SL_METHOD_THINK);
	}
	assert_int_equal(stats.path[SL_PATH(0, talk.work.result.uplink)].idle_unanswered, told);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, exchange);
	return sl_row_run("fastpath request", &tests);
}
