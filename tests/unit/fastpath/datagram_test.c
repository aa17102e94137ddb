/*
 * datagram_test.c - DNS and echo, question by question: times, tries, failures, what is given up
 *
 * Truth: RFC 1035 4.1.1 (ID, QR, RCODE), RFC 792 (echo's sequence number), resolv.conf(5) (5 s).
 */
#include "tests/unit/fastpath/talk.h"

#define STEPS_MAX 20
#define Q         0x0100u /* standard query, recursion desired */
#define A         0x8180u /* response, recursion available, no error */
#define SERVFAIL  0x8182u
#define NXDOMAIN  0x8183u
#define REFUSED   0x8185u

#define ASKED      SL_SEEN_QUERY
#define UNANSWERED SL_SEEN_QUERY_UNANSWERED
#define FAILED     SL_SEEN_QUERY_FAILED
#define NOT_ASKED  SL_SEEN_BOGUS_ANSWER
#define JUDGED     (ASKED | UNANSWERED | FAILED | NOT_ASKED)

struct step {
	char from;
	uint32_t at_us;
	uint16_t id, bits;
	uint32_t seen;
	uint32_t sample_us;
};

static const struct row {
	const char *name;
	struct step step[STEPS_MAX];
	uint16_t port; /* 0 = 53 */
	uint16_t payload;
	uint8_t waits; /* 1: the flow then is one that waits for an answer */
} rows[] = {
	{"a query's answer tells the time", {{'C', 0, 7, Q, ASKED}, {'S', 8000, 7, A, 0, 8000}}},
	{"the first try counts",
	 {{'C', 0, 7, Q, ASKED}, {'C', 400000, 7, Q, ASKED}, {'S', 408000, 7, A, 0, 408000}}},
	{"a second try after half a second says that the first went unanswered",
	 {{'C', 0, 7, Q, ASKED},
	  {'C', 1000000, 7, Q, ASKED | UNANSWERED},
	  {'S', 1008000, 7, A, 0, 1008000}}},
	{"two outstanding, answered in the other order",
	 {{'C', 0, 7, Q, ASKED},
	  {'C', 100, 8, Q, ASKED},
	  {'S', 8000, 8, A, 0, 7900},
	  {'S', 9000, 7, A, 0, 9000}}},
	{"an answer with another id is none",
	 {{'C', 0, 7, Q, ASKED}, {'S', 8000, 9, A, NOT_ASKED}, {'S', 9000, 7, A, 0, 9000}}},
	{"an answer comes once",
	 {{'C', 0, 7, Q, ASKED}, {'S', 8000, 7, A, 0, 8000}, {'S', 8100, 7, A, NOT_ASKED}}},
	{"SERVFAIL is a failure, with a time",
	 {{'C', 0, 7, Q, ASKED}, {'S', 8000, 7, SERVFAIL, FAILED, 8000}}},
	{"REFUSED is a failure", {{'C', 0, 7, Q, ASKED}, {'S', 8000, 7, REFUSED, FAILED, 8000}}},
	{"NXDOMAIN is an answer", {{'C', 0, 7, Q, ASKED}, {'S', 8000, 7, NXDOMAIN, 0, 8000}}},
	{"a failure that nobody asked for is none",
	 {{'C', 0, 7, Q, ASKED}, {'S', 8000, 9, SERVFAIL, NOT_ASKED}},
	 .waits = 1},
	{"only the answers pass here: their failures still count",
	 {{'S', 0, 7, SERVFAIL, FAILED}, {'S', 10, 8, A, 0}}},
	{"the ninth outstanding has no slot",
	 {{'C', 0, 1, Q, ASKED},
	  {'C', 1, 2, Q, ASKED},
	  {'C', 2, 3, Q, ASKED},
	  {'C', 3, 4, Q, ASKED},
	  {'C', 4, 5, Q, ASKED},
	  {'C', 5, 6, Q, ASKED},
	  {'C', 6, 7, Q, ASKED},
	  {'C', 7, 8, Q, ASKED},
	  {'C', 8, 9, Q, ASKED},
	  {'S', 8008, 9, A, NOT_ASKED},
	  {'S', 8009, 8, A, 0, 8002},
	  {'S', 8010, 1, A, 0, 8010}},
	 .waits = 1},
	{"after 5 s a query is given up when the next is asked",
	 {{'C', 0, 7, Q, ASKED},
	  {'C', 4900000, 8, Q, ASKED},
	  {'C', 5100000, 9, Q, ASKED | UNANSWERED},
	  {'S', 5108000, 9, A, 0, 8000},
	  {'S', 5108100, 7, A, NOT_ASKED},
	  {'S', 5108200, 8, A, 0, 208200}}},
	{"the same id after 5 s is another query",
	 {{'C', 0, 7, Q, ASKED},
	  {'C', 6000000, 7, Q, ASKED | UNANSWERED},
	  {'S', 6008000, 7, A, 0, 8000}}},
	{"a query waits", {{'C', 0, 7, Q, ASKED}}, .waits = 1},
	{"another port is no DNS", {{'C', 0, 7, Q, 0}, {'S', 8000, 7, A, 0}}, .port = 5300},
	{"too short for a DNS header", {{'C', 0, 7, Q, 0}, {'S', 8000, 7, A, 0}}, .payload = 11},
};

static struct talk talk;

static void dns(void **state)
{
	const struct row *row = *state;

	talk_begin(&talk, SL_PROTO_UDP, 33333, row->port ? row->port : 53);
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];
		uint32_t head[3] = {(uint32_t)step->id << 16 | step->bits};

		talk_datagram(&talk, step->from, step->at_us, head,
			      row->payload ? row->payload : 40);
		talk_seen(&talk, JUDGED, step->seen);
		talk_sampled(&talk, SL_SAMPLE_EVENT, step->sample_us);
		if (step->sample_us)
			assert_int_equal(talk.work.result.method, SL_METHOD_DNS);
	}
	assert_int_equal(talk.way.kind == SL_FLOW_QUERY, row->waits);
}

#define ASK    1
#define ANSWER 2

static const struct echo {
	const char *name;
	struct step step[STEPS_MAX]; /* id: the sequence number; bits: ASK or ANSWER */
} echoes[] = {
	{"echo: a reply tells the time", {{'C', 0, 1, ASK}, {'S', 20000, 1, ANSWER, 0, 20000}}},
	{"echo: each sequence number for itself",
	 {{'C', 0, 1, ASK},
	  {'C', 10000, 2, ASK},
	  {'S', 20000, 1, ANSWER, 0, 20000},
	  {'S', 31000, 2, ANSWER, 0, 21000}}},
	{"echo: a reply to nothing", {{'C', 0, 1, ASK}, {'S', 20000, 5, ANSWER}}},
	{"echo: a reply comes once",
	 {{'C', 0, 1, ASK}, {'S', 20000, 1, ANSWER, 0, 20000}, {'S', 20100, 1, ANSWER}}},
	{"echo: the same packet twice, the first time counts",
	 {{'C', 0, 1, ASK}, {'C', 50, 1, ASK}, {'S', 20000, 1, ANSWER, 0, 20000}}},
	{"echo: one who always uses the same number, and lost a reply",
	 {{'C', 0, 1, ASK}, {'C', 5000000, 1, ASK}, {'S', 5020000, 1, ANSWER, 0, 20000}}},
	{"echo: the ninth outstanding takes the oldest's slot",
	 {{'C', 0, 1, ASK},
	  {'C', 1, 2, ASK},
	  {'C', 2, 3, ASK},
	  {'C', 3, 4, ASK},
	  {'C', 4, 5, ASK},
	  {'C', 5, 6, ASK},
	  {'C', 6, 7, ASK},
	  {'C', 7, 8, ASK},
	  {'C', 8, 9, ASK},
	  {'S', 20000, 1, ANSWER},
	  {'S', 20008, 9, ANSWER, 0, 20000},
	  {'S', 20009, 2, ANSWER, 0, 20008}}},
	{"echo: a reply after more than a minute is no time",
	 {{'C', 0, 1, ASK}, {'S', 61000000, 1, ANSWER}}},
};

static void echo(void **state)
{
	const struct echo *row = *state;

	talk_begin(&talk, SL_PROTO_ICMP, 0x1234, 0);
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];
		struct sl_packet *packet = talk_packet(&talk, step->from, step->at_us);

		packet->icmp_seq = step->id;
		packet->icmp_echo = (uint8_t)step->bits;
		talk_measure(&talk);
		talk_sampled(&talk, SL_SAMPLE_EVENT, step->sample_us);
		if (step->sample_us)
			assert_int_equal(talk.work.result.method, SL_METHOD_ECHO);
	}
	assert_int_equal(talk.way.kind, SL_FLOW_DATAGRAM);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, dns);
	SL_ROWS_ADD(&tests, echoes, echo);
	return sl_row_run("fastpath datagram", &tests);
}
