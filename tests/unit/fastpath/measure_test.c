/*
 * measure_test.c - conversations packet by packet, and what the core says of each
 *
 * A row is a conversation: who sends what when, and after each packet what must
 * have been seen and sampled.  'C' is the client (initiator, key.a), 'S' the server.
 * Sequence numbers are relative to each side's start, which a row may put just
 * below the wrap.  Times are microseconds.
 */
#include <string.h>

#include "dataplane/fastpath/pipeline.h"
#include "tests/unit/row.h"

#define STEPS_MAX 16
#define SYN       SL_TCP_SYN
#define ACK       SL_TCP_ACK
#define FIN       SL_TCP_FIN
#define RST       SL_TCP_RST

/* What must not be set unless a step says so. */
#define JUDGED                                                                             \
	(SL_SEEN_LOST_AFTER | SL_SEEN_LOST_BEFORE | SL_SEEN_SPURIOUS | SL_SEEN_REORDERED | \
	 SL_SEEN_KEEPALIVE | SL_SEEN_GAP | SL_SEEN_STALL | SL_SEEN_STALL_REPEAT |          \
	 SL_SEEN_ATTEMPT | SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_ESTABLISHED | SL_SEEN_REFUSED | \
	 SL_SEEN_RESET | SL_SEEN_DUPLICATE | SL_SEEN_BOGUS_ACK | SL_SEEN_BOGUS_SEQ |       \
	 SL_SEEN_BOGUS_ECHO)

struct step {
	char from;
	uint8_t flags;
	uint32_t at_us;
	uint32_t seq, ack, payload;
	uint32_t tsval, tsecr;
	uint32_t seen;                        /* exactly these of JUDGED */
	uint32_t seq_us, ts_us, handshake_us; /* samples; 0 = none */
	uint8_t missed;
	uint8_t event; /* enum sl_flow_event; checked when not 0 */
	uint16_t window_zero;
};

static const struct row {
	const char *name;
	uint32_t start; /* of both sequence spaces and the TSvals */
	struct step step[STEPS_MAX];
} rows[] = {
	{"handshake measures both legs",
	 1000,
	 {{'C', SYN, 0, 0, .seen = SL_SEEN_ATTEMPT, .event = SL_FLOW_NEW},
	  {'S', SYN | ACK, 20000, 0, 1, .handshake_us = 20000, .seq_us = 20000},
	  {'C', ACK, 20300, 1, 1, .seen = SL_SEEN_ESTABLISHED, .handshake_us = 300,
	   .seq_us = 300}}},
	{"a repeated SYN makes the handshake ambiguous",
	 1000,
	 {{'C', SYN, 0, 0, .seen = SL_SEEN_ATTEMPT},
	  {'C', SYN, 1000000, 0,
	   .seen = SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'C', SYN, 3000000, 0,
	   .seen = SL_SEEN_ATTEMPT_AGAIN | SL_SEEN_LOST_AFTER | SL_SEEN_STALL_REPEAT},
	  {'S', SYN | ACK, 3020000, 0, 1},
	  {'C', ACK, 3020300, 1, 1, .seen = SL_SEEN_ESTABLISHED, .seq_us = 300}}},
	{"a SYN answered by RST is refused",
	 1000,
	 {{'C', SYN, 0, 0, .seen = SL_SEEN_ATTEMPT},
	  {'S', RST | ACK, 20000, 0, 1, .seen = SL_SEEN_REFUSED, .seq_us = 20000}}},
	{"a RST in the middle is a reset",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100}, {'S', RST, 20000, 1, 0, .seen = SL_SEEN_RESET}}},
	{"request and response, by acknowledgement",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'S', ACK, 20000, 1, 101, 200, .seq_us = 20000},
	  {'C', ACK, 20200, 101, 201, .seq_us = 200}}},
	{"sequence numbers wrap",
	 UINT32_MAX - 50,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'S', ACK, 20000, 1, 101, 200, .seq_us = 20000},
	  {'C', ACK, 20200, 101, 201, .seq_us = 200},
	  {'C', ACK, 30000, 101, 201, 100},
	  {'C', ACK, 230000, 101, 201, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL}}},
	{"by timestamps as well, apart",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'S', ACK, 20000, 1, 101, 200, 6, 10, .seq_us = 20000, .ts_us = 20000},
	  {'C', ACK, 20200, 101, 201, 0, 11, 6, .seq_us = 200, .ts_us = 200}}},
	{"a timestamp is sampled once",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 10, 5},
	  {'S', ACK, 20000, 1, 201, 0, 6, 10, .seq_us = 19990, .ts_us = 20000},
	  {'S', ACK, 50000, 1, 201, 0, 7, 10}}},
	{"a timestamp older than 10 s is idle, not slow",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'S', ACK, 10500000, 1, 101, 0, 6, 10, .seq_us = 10500000}}},
	{"lost after us: bytes that passed come again",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 200000, 1, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'C', ACK, 600000, 1, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL_REPEAT},
	  {'S', ACK, 620000, 1, 101}}}, /* Karn: no sample */
	{"Karn: sampled again once the repeated byte is acknowledged",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 200000, 1, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'S', ACK, 220000, 1, 101},
	  {'C', ACK, 230000, 101, 1, 100},
	  {'S', ACK, 250000, 1, 201, .seq_us = 20000}}},
	{"Karn: what is sent after the repeat is sampled, what was under way then is not",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 10, 101, 1, 100},
	  {'C', ACK, 200000, 1, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'C', ACK, 210000, 201, 1, 100},
	  {'S', ACK, 220000, 1, 201},
	  {'S', ACK, 231000, 1, 301, .seq_us = 21000}}},
	{"out of order: what was under way then is not sampled, what follows is",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 10, 201, 1, 100, .seen = SL_SEEN_GAP},
	  {'C', ACK, 20, 101, 1, 100, .seen = SL_SEEN_REORDERED},
	  {'C', ACK, 30, 301, 1, 100},
	  {'S', ACK, 20000, 1, 301},
	  {'S', ACK, 20060, 1, 401, .seq_us = 20030}}},
	{"spurious: already acknowledged",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'S', ACK, 20000, 1, 101, .seq_us = 20000},
	  {'C', ACK, 21000, 1, 1, 100, .seen = SL_SEEN_SPURIOUS | SL_SEEN_STALL}}},
	{"the same packet twice: its stamp is older than the last",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 11, 5},
	  {'C', ACK, 20, 1, 1, 100, 10, 5, .seen = SL_SEEN_DUPLICATE},
	  {'S', ACK, 20010, 1, 201, 0, 6, 11, .seq_us = 20000, .ts_us = 20000}}},
	{"the same packet twice in a row: nobody resends so soon",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 1, 1, 100, 10, 5, .seen = SL_SEEN_DUPLICATE},
	  {'S', ACK, 20000, 1, 101, 0, 6, 10, .seq_us = 20000, .ts_us = 20000}}},
	{"twice in a row, of several in one tick of the stamps",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 11, 5},
	  {'C', ACK, 20, 201, 1, 100, 11, 5},
	  {'C', ACK, 30, 101, 1, 100, 11, 5, .seen = SL_SEEN_DUPLICATE},
	  {'C', ACK, 40, 201, 1, 100, 11, 5, .seen = SL_SEEN_DUPLICATE}}},
	{"a coarse clock: the same stamp, but a round trip later",
	 1000,
	 {{'C', SYN, 0, 0, .seen = SL_SEEN_ATTEMPT, .event = SL_FLOW_NEW},
	  {'S', SYN | ACK, 20000, 0, 1, .handshake_us = 20000, .seq_us = 20000},
	  {'C', ACK, 20300, 1, 1, .seen = SL_SEEN_ESTABLISHED, .handshake_us = 300, .seq_us = 300},
	  {'C', ACK, 21000, 1, 1, 100, 10, 5},
	  {'C', ACK, 41400, 1, 1, 100, 10, 5, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL}}},
	{"retransmissions in the same tick as new data are no duplicates",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 10, 5},
	  {'C', ACK, 20, 201, 1, 100, 10, 5},
	  {'C', ACK, 40000, 301, 1, 100, 50, 5},
	  {'C', ACK, 40010, 1, 1, 100, 50, 5, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'C', ACK, 40020, 201, 1, 100, 50, 5,
	   .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL_REPEAT}}},
	{"retransmissions in one tick, with no new data in it",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 10, 5},
	  {'C', ACK, 20, 201, 1, 100, 10, 5},
	  {'C', ACK, 40000, 1, 1, 100, 50, 5, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'C', ACK, 40010, 101, 1, 100, 50, 5,
	   .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL_REPEAT}}},
	{"a retransmission carries the time of its own sending",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 11, 5},
	  {'C', ACK, 200000, 1, 1, 100, 210, 5, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL}}},
	{"the same where stamps wrap",
	 UINT32_MAX - 10,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 101, 1, 100, 12, 5},
	  {'C', ACK, 20, 1, 1, 100, 10, 5, .seen = SL_SEEN_DUPLICATE}}},
	{"lost before us: a hole filled after one path RTT",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 10, 201, 1, 100, .seen = SL_SEEN_GAP},
	  {'C', ACK, 5000, 101, 1, 100, .seen = SL_SEEN_LOST_BEFORE}}},
	{"reordered: a hole filled at once",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 10, 201, 1, 100, .seen = SL_SEEN_GAP},
	  {'C', ACK, 500, 101, 1, 100, .seen = SL_SEEN_REORDERED}}},
	{"an older TSval is late, however late",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 201, 1, 100, 12, 5, .seen = SL_SEEN_GAP},
	  {'C', ACK, 90000, 101, 1, 100, 11, 5, .seen = SL_SEEN_REORDERED}}},
	{"a newer TSval is a retransmission, however early",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100, 10, 5},
	  {'C', ACK, 10, 201, 1, 100, 12, 5, .seen = SL_SEEN_GAP},
	  {'C', ACK, 500, 101, 1, 100, 13, 5, .seen = SL_SEEN_LOST_BEFORE}}},
	{"acknowledged but never seen: our own blindness",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 10, 201, 1, 100, .seen = SL_SEEN_GAP},
	  {'S', ACK, 20000, 1, 301, .missed = 1, .seq_us = 19990}}},
	{"keep-alive is neither data nor loss",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'S', ACK, 20000, 1, 101, .seq_us = 20000},
	  {'C', ACK, 5000000, 100, 1, 1, .seen = SL_SEEN_KEEPALIVE},
	  {'C', ACK, 6000000, 100, 1, 0, .seen = SL_SEEN_KEEPALIVE}}},
	{"zero-window probe is not data",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'S', ACK, 20000, 1, 101, .seq_us = 20000, .window_zero = 1},
	  {'C', ACK, 300000, 101, 1, 1},
	  {'C', ACK, 600000, 101, 1, 1}}},
	{"progress ends a stall",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 200000, 1, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL},
	  {'S', ACK, 220000, 1, 101},
	  {'C', ACK, 230000, 101, 1, 100},
	  {'C', ACK, 430000, 101, 1, 100, .seen = SL_SEEN_LOST_AFTER | SL_SEEN_STALL}}},
	{"old ports, a new SYN: a new connection",
	 1000,
	 {{'C', SYN, 0, 0, .seen = SL_SEEN_ATTEMPT},
	  {'S', SYN | ACK, 20000, 0, 1, .handshake_us = 20000, .seq_us = 20000},
	  {'C', ACK, 20300, 1, 1, .seen = SL_SEEN_ESTABLISHED, .handshake_us = 300, .seq_us = 300},
	  {'C', SYN, 9000000, 70000, .seen = SL_SEEN_ATTEMPT, .event = SL_FLOW_RESTARTED},
	  {'S', SYN | ACK, 9020000, 90000, 70001, .handshake_us = 20000, .seq_us = 20000}}},
	{"the floating slot makes a burst's last answer exact",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 100, 101, 1, 100},
	  {'C', ACK, 200, 201, 1, 100},
	  {'C', ACK, 300, 301, 1, 100},
	  {'C', ACK, 400, 401, 1, 100},
	  {'C', ACK, 500, 501, 1, 100},
	  {'S', ACK, 20500, 1, 601, .seq_us = 20000}}},
	{"an acknowledgement in between samples the newest that it covers",
	 1000,
	 {{'C', ACK, 0, 1, 1, 100},
	  {'C', ACK, 100, 101, 1, 100},
	  {'C', ACK, 200, 201, 1, 100},
	  {'S', ACK, 20100, 1, 201, .seq_us = 20000},
	  {'S', ACK, 20300, 1, 301, .seq_us = 20100}}},
};

static struct sl_flow flow;
static struct sl_work work;
static struct sl_tables tables;
static struct sl_shared shared;
static struct sl_bucket bucket;

/* The packet of @step, as the parser would hand it over. */
static void load(const struct step *step, uint32_t start)
{
	bool client = step->from == 'C';

	memset(&work, 0, sizeof(work));
	work.now_ns = UINT64_C(1000000000) + (uint64_t)step->at_us * 1000;
	work.now_tick = (uint32_t)(work.now_ns >> SL_TICK_LOG2_NS);
	work.sender = client ? 0 : 1;
	work.side = client ? SL_SIDE_LAN : SL_SIDE_WAN;
	work.port_uplink = SL_UPLINK_NONE;
	work.key = (struct sl_flow_key){.a = {0, 1}, .b = {0, 2}, .proto = SL_PROTO_TCP};
	work.packet = (struct sl_packet){
		.proto = SL_PROTO_TCP,
		.tcp_flags = step->flags,
		.seq = start + step->seq,
		.ack = step->flags & ACK ? start + step->ack : 0,
		.payload_bytes = step->payload,
		.has_ts = step->tsval != 0,
		.tsval = step->tsval ? start + step->tsval : 0,
		.tsecr = step->tsval ? start + step->tsecr : 0,
		.window = step->window_zero ? 0 : 500,
		.ip_bytes = 40 + step->payload,
	};
}

/* Every packet goes the short way where it may (steady.h) and the long way: the same comes out. */
static void measure(void)
{
	struct sl_way *way = &bucket.way[0], long_way = *way;
	struct sl_flow long_flow = flow;
	struct sl_work long_work = work;

	sl_pipeline_measure(way, &flow, &work, &tables, &shared);
	sl_pipeline_measure_any(&long_way, &long_flow, &long_work, &tables, &shared);
	assert_memory_equal(&work, &long_work, sizeof(work));
	assert_memory_equal(&flow, &long_flow, sizeof(flow));
	assert_memory_equal(way, &long_way, sizeof(*way));
}

/* A sample within one tick of @us; none when @us is 0. */
static void expect_sample(enum sl_method method, uint32_t us)
{
	struct sl_sample sample = work.result.sample[method];

	assert_int_equal(sample.weight != 0, us != 0);
	if (us)
		assert_in_range((uint64_t)sample.ticks << SL_TICK_LOG2_NS, (uint64_t)us * 1000 - 64,
				(uint64_t)us * 1000 + 64);
}

static void conversation(void **state)
{
	const struct row *row = *state;

	memset(&flow, 0, sizeof(flow));
	memset(&bucket, 0, sizeof(bucket));
	for (int i = 0; i < STEPS_MAX && row->step[i].from; i++) {
		const struct step *step = &row->step[i];

		load(step, row->start);
		work.result.flow_event = i ? SL_FLOW_KNOWN : SL_FLOW_NEW;
		measure();
		if ((work.result.seen & JUDGED) != step->seen)
			fail_msg("step %d: seen %#x, want %#x", i, work.result.seen & JUDGED,
				 step->seen);
		expect_sample(SL_METHOD_SEQ, step->seq_us);
		expect_sample(SL_METHOD_TS, step->ts_us);
		expect_sample(SL_METHOD_HANDSHAKE, step->handshake_us);
		assert_int_equal(work.result.capture_miss, step->missed);
		if (step->event)
			assert_int_equal(work.result.flow_event, step->event);
	}
}

/* 400 segments in flight over a 600 ms queue: the median must be 600 ms, not a ring's length. */
static void bloated_queue_reports_its_whole_delay(void **state)
{
	uint64_t weight_all = 0, weight_right = 0;

	memset(&flow, 0, sizeof(flow));
	for (uint32_t i = 0; i < 4000; i++) {
		struct step data = {'C', ACK, i * 1500, 1 + i * 1000, 1, 1000};

		load(&data, 7);
		work.result.flow_event = i ? SL_FLOW_KNOWN : SL_FLOW_NEW;
		measure();
		if (i < 400)
			continue;
		struct step ack = {'S', ACK, i * 1500 + 10, 1, 1 + (i - 399) * 1000};

		load(&ack, 7);
		measure();
		struct sl_sample sample = work.result.sample[SL_METHOD_SEQ];

		weight_all += sample.weight;
		if (sample.weight && sample.ticks > 9000000 && sample.ticks < 9700000)
			weight_right += sample.weight;
	}
	assert_true(weight_all > 1000);
	assert_true(weight_right * 100 > weight_all * 99);
}

/* The next random number below @limit (the constants of Numerical Recipes). */
static uint32_t dice(uint32_t limit)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * limit >> 32);
}

/* What a side sends next: mostly what is due, now and then anything else. */
static struct step any_step(uint32_t sent[2], uint32_t at_us)
{
	static const uint8_t flags[] = {ACK, ACK,       ACK,       ACK, ACK, ACK,
					ACK, ACK | FIN, SYN | ACK, SYN, RST};
	uint32_t side = dice(2);
	struct step step = {side ? 'S' : 'C', dice(30) ? ACK : flags[dice(sizeof(flags))], at_us};

	step.payload = dice(3) ? dice(3) * 100 : dice(3);
	step.seq = dice(8) ? sent[side] : sent[side] - 200 + dice(500);
	step.ack = dice(4) ? sent[1 - side] : sent[1 - side] - dice(300);
	step.tsval = dice(3) ? at_us / 1000 + 1 : 0;
	step.tsecr = step.tsval ? step.tsval - dice(5) : 0;
	step.window_zero = dice(20) == 0;
	sent[side] = step.seq + step.payload;
	return step;
}

static void short_and_long_way_agree_on_anything(void **state)
{
	uint32_t at_us = 0;

	for (uint32_t flows = 0; flows < 2000; flows++) {
		uint32_t sent[2] = {dice(UINT32_MAX), dice(UINT32_MAX)};

		memset(&flow, 0, sizeof(flow));
		for (uint32_t i = 0; i < 200; i++) {
			struct step step = any_step(sent, at_us += dice(3000));

			load(&step, 0);
			work.result.flow_event = i ? SL_FLOW_KNOWN : SL_FLOW_NEW;
			measure();
		}
	}
}

/* A till that rests longer than a minute must not produce a minute's RTT. */
static void a_long_rest_voids_what_waited(void **state)
{
	struct step request = {'C', ACK, 0, 1, 1, 100};
	struct step late = {'S', ACK, 100000000, 1, 101};

	memset(&flow, 0, sizeof(flow));
	load(&request, 0);
	work.result.flow_event = SL_FLOW_NEW;
	measure();
	load(&late, 0);
	measure();
	assert_int_equal(work.result.sample[SL_METHOD_SEQ].weight, 0);
}

/* Datagrams: only a flow that was answered before can stall. */
static void datagram(char from, uint32_t at_us, bool first)
{
	struct step step = {from, 0, at_us};

	load(&step, 0);
	work.packet.proto = work.key.proto = SL_PROTO_UDP;
	work.result.flow_event = first ? SL_FLOW_NEW : SL_FLOW_KNOWN;
	measure();
}

static void one_way_datagrams_never_stall(void **state)
{
	memset(&flow, 0, sizeof(flow));
	for (uint32_t i = 0; i < 50; i++) {
		datagram('C', i * 100000, i == 0);
		assert_int_equal(work.result.seen & (SL_SEEN_DEMAND | SL_SEEN_STALL), 0);
	}
}

static void answered_datagrams_stall_when_silence_comes(void **state)
{
	memset(&flow, 0, sizeof(flow));
	datagram('C', 0, true);
	datagram('S', 20000, false);
	assert_true(work.result.seen & SL_SEEN_PROGRESS);
	datagram('C', 100000, false);
	datagram('C', 200000, false);
	assert_false(work.result.seen & SL_SEEN_STALL);
	datagram('C', 300000, false);
	assert_true(work.result.seen & SL_SEEN_STALL);
	datagram('C', 400000, false);
	assert_true(work.result.seen & SL_SEEN_STALL_REPEAT);
	datagram('S', 410000, false);
	datagram('C', 420000, false);
	assert_false(work.result.seen & (SL_SEEN_STALL | SL_SEEN_STALL_REPEAT));
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, conversation);
	sl_row_add(&tests, "the short and the long way agree on anything",
		   short_and_long_way_agree_on_anything, NULL);
	sl_row_add(&tests, "a bloated queue reports its whole delay",
		   bloated_queue_reports_its_whole_delay, NULL);
	sl_row_add(&tests, "a long rest voids what waited", a_long_rest_voids_what_waited, NULL);
	sl_row_add(&tests, "one-way datagrams never stall", one_way_datagrams_never_stall, NULL);
	sl_row_add(&tests, "answered datagrams stall when silence comes",
		   answered_datagrams_stall_when_silence_comes, NULL);
	return sl_row_run("fastpath measure", &tests);
}
