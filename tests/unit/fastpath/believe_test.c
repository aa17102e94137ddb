/*
 * believe_test.c - numbers that cannot be of the connection, jumps that can, new connections
 *
 * Truth: RFC 5961 3.2, 4.2, 5.2 (blind RST, SYN, data), RFC 9293 3.10.7.4, 3.6.1 (half-open).
 * Each row begins with an open connection of which both sides have sent 100 bytes.
 */
#include "tests/unit/fastpath/talk.h"

#define STEPS_MAX 10
#define ACK       SL_TCP_ACK
#define SYN       SL_TCP_SYN
#define RST       SL_TCP_RST
#define FIN       SL_TCP_FIN
#define BACK(n)   (0u - (n))
#define GIB       (1u << 30)

#define BAD_SEQ SL_SEEN_BOGUS_SEQ
#define BAD_ACK SL_SEEN_BOGUS_ACK
#define OPENS   SL_SEEN_ATTEMPT
#define JUDGED                                                                            \
	(BAD_SEQ | BAD_ACK | SL_SEEN_BOGUS_ECHO | SL_SEEN_RESET | SL_SEEN_ATTEMPT |       \
	 SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_ESTABLISHED | SL_SEEN_GAP | SL_SEEN_LOST_AFTER | \
	 SL_SEEN_LOST_BEFORE | SL_SEEN_SPURIOUS | SL_SEEN_REORDERED)

struct step {
	char from;
	uint32_t at_us;
	uint8_t flags;
	uint32_t seq, ack, payload; /* from what is next */
	uint32_t seen;
	uint32_t time_us; /* by acknowledgement, or of a handshake; 0 = none */
	uint8_t event;    /* enum sl_flow_event */
	uint32_t tsval, tsecr;
};

static const struct row {
	const char *name;
	struct step step[STEPS_MAX];
} rows[] = {
	{"a RST that is expected", {{'S', 1000, RST, 0, .seen = SL_SEEN_RESET}}},
	{"a RST that is not (RFC 5961 3.2)", {{'S', 1000, RST, GIB, .seen = BAD_SEQ}}},
	{"a RST 1 MiB away", {{'S', 1000, RST, 1 << 20, .seen = BAD_SEQ}}},
	{"a RST a few segments ahead: we missed them",
	 {{'S', 1000, RST, 5000, .seen = SL_SEEN_RESET}}},
	{"data far ahead", {{'S', 1000, ACK, GIB, 0, 100, BAD_SEQ}}},
	{"data far behind", {{'S', 1000, ACK, BACK(GIB), 0, 100, BAD_SEQ}}},
	{"an acknowledgement of what was never sent", {{'S', 1000, ACK, 0, GIB, 100, BAD_ACK}}},
	{"an acknowledgement of long ago (RFC 5961 5.2)",
	 {{'S', 1000, ACK, 0, BACK(GIB), 100, BAD_ACK}}},
	{"an old acknowledgement is only late", {{'S', 1000, ACK, 0, BACK(5000), 0, 0}}},
	{"a segment without ACK is none (RFC 9293 3.10.7.4)",
	 {{'S', 1000, FIN, 0, 0, 100, BAD_ACK}, {'S', 1000, 0, 0, 0, 100, BAD_ACK}}},
	{"what is not believed leaves all as it was",
	 {{'C', 1000, ACK, 0, 0, 100},
	  {'S', 1100, ACK, GIB, 0, 100, BAD_SEQ},
	  {'S', 1200, ACK, 0, GIB, 0, BAD_ACK},
	  {'S', 1300, SYN | ACK, 77, 100, 0, BAD_SEQ},
	  {'S', 1400, RST, GIB, .seen = BAD_SEQ},
	  {'S', 21000, ACK, 0, 100, 0, 0, 20000}}},
	{"a stamp that was never sent is not believed",
	 {{'C', 1000, ACK, 0, 0, 100, .tsval = 500, .tsecr = 1},
	  {'S', 1100, ACK, 0, 0, 0, SL_SEEN_BOGUS_ECHO, .tsval = 7, .tsecr = 600}}},
	{"a jump ahead that the other side acknowledges is one",
	 {{'S', 1000, ACK, GIB, 0, 100, BAD_SEQ},
	  {'C', 1300, ACK, 0, GIB + 100, 0, 0},
	  {'S', 1400, ACK, GIB + 100, 0, 100, 0},
	  {'C', 1700, ACK, 0, GIB + 200, 0, 0, 300}}},
	{"a jump back likewise",
	 {{'S', 1000, ACK, BACK(GIB), 0, 100, BAD_SEQ},
	  {'C', 1300, ACK, 0, BACK(GIB) + 100, 0, 0},
	  {'S', 1400, ACK, BACK(GIB) + 100, 0, 100, 0},
	  {'C', 1700, ACK, 0, BACK(GIB) + 200, 0, 0, 300}}},
	{"a SYN on an open connection is not believed (RFC 5961 4.2)",
	 {{'C', 1000, SYN, GIB, .seen = BAD_SEQ},
	  {'C', 2000, ACK, 0, 0, 100},
	  {'S', 22000, ACK, 0, 100, 0, 0, 20000}}},
	{"until it is answered: then the time is from it",
	 {{'C', 1000, SYN, GIB, .seen = BAD_SEQ},
	  {'S', 21000, SYN | ACK, 555, GIB + 1, 0, OPENS, 20000, SL_FLOW_RESTARTED},
	  {'C', 21300, ACK, GIB + 1, 556, 0, SL_SEEN_ESTABLISHED, 300},
	  {'C', 21400, ACK, GIB + 1, 556, 100},
	  {'S', 41400, ACK, 556, GIB + 101, 0, 0, 20000}}},
	{"sent twice before, the time is ambiguous (Karn)",
	 {{'C', 1000, SYN, GIB, .seen = BAD_SEQ},
	  {'C', 1001000, SYN, GIB, .seen = BAD_SEQ},
	  {'S', 1021000, SYN | ACK, 555, GIB + 1, 0, OPENS, 0, SL_FLOW_RESTARTED}}},
	{"an answer to another SYN is none",
	 {{'C', 1000, SYN, GIB, .seen = BAD_SEQ},
	  {'S', 21000, SYN | ACK, 555, GIB + 2, 0, BAD_SEQ}}},
	{"after 5 s of silence a SYN is believed at once",
	 {{'C', 5200000, SYN, GIB, .seen = OPENS, .event = SL_FLOW_RESTARTED}}},
	{"on a closed connection as well",
	 {{'C', 1000, ACK | FIN, 0, 0},
	  {'S', 21000, ACK | FIN, 0, 1, 0, 0, 20000},
	  {'C', 22000, SYN, GIB, .seen = OPENS, .event = SL_FLOW_RESTARTED}}},
	{"and on a reset one",
	 {{'S', 1000, RST, 0, .seen = SL_SEEN_RESET},
	  {'C', 22000, SYN, GIB, .seen = OPENS, .event = SL_FLOW_RESTARTED}}},
	{"the first SYN once more is no other",
	 {{'C', 1000, SYN, BACK(101), .seen = SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_SPURIOUS}}},
};

static struct talk talk;
static uint32_t next[2]; /* of the client, of the server */

static void send(const struct step *step)
{
	bool server = step->from == 'S';

	talk_tcp(&talk,
		 &(struct talk_segment){.from = step->from,
					.at_us = 100000 + step->at_us,
					.flags = step->flags,
					.seq = next[server] + step->seq,
					.ack = step->flags & ACK ? next[!server] + step->ack : 0,
					.payload = step->payload,
					.tsval = step->tsval,
					.tsecr = step->tsecr});
}

static void open_connection(void)
{
	const struct talk_segment hello[] = {
		{'C', 0, SYN, next[0] - 101},
		{'S', 20000, SYN | ACK, next[1] - 101, next[0] - 100},
		{'C', 20300, ACK, next[0] - 100, next[1] - 100},
		{'C', 21000, ACK, next[0] - 100, next[1] - 100, 100},
		{'S', 41000, ACK, next[1] - 100, next[0], 100},
		{'C', 41300, ACK, next[0], next[1]},
	};

	talk_begin(&talk, SL_PROTO_TCP, 40000, 443);
	for (int i = 0; i < 6; i++)
		talk_tcp(&talk, &hello[i]);
}

/* At a number in the middle and at one where both wrap. */
static void conversation(const struct row *row, uint32_t client, uint32_t server)
{
	next[0] = client;
	next[1] = server;
	open_connection();
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];
		struct sl_sample *sample = talk.work.result.sample;

		send(step);
		talk_seen(&talk, JUDGED, step->seen);
		assert_int_equal(talk.work.result.flow_event, step->event);
		talk_sampled(&talk,
			     sample[SL_SAMPLE_EVENT].weight ? SL_SAMPLE_EVENT : SL_SAMPLE_SEQ,
			     step->time_us);
	}
}

static void both(void **state)
{
	conversation(*state, 50000, 3000000000u);
	conversation(*state, 50, 70);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, both);
	return sl_row_run("fastpath believe", &tests);
}
