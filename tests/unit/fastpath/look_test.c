/*
 * look_test.c - what the slow path says of flows and servers, and what it gets to see
 *
 * On the host engine, as its agent: words are written into ops->names(), copies are taken from
 * ops->inspect().  The policy has one rule by name (clause 1: service NAMED) and asks for all.
 */
#include "dataplane/engine.h"
#include "dataplane/fastpath/pipeline.h"
#include "dataplane/host.h"
#include "tests/unit/fastpath/maker.h"
#include "tests/unit/row.h"

#define NAMED     1
#define CLIENT    0x0a000005u
#define SERVER    0xcb007107u
#define SEED      99u
#define SECOND_NS UINT64_C(1000000000)
#define CLAUSE_1  (UINT64_C(1) << 1)
#define ACK       SL_TCP_ACK
#define SYN       SL_TCP_SYN

static struct sl_engine *engine;
static const struct sl_work *work;
static uint64_t now_ns;
static uint32_t sent[2]; /* sequence numbers of the client, of the server */

static struct sl_tables policy(uint64_t generation)
{
	struct sl_tables tables = {.generation = generation,
				   .rules = 1,
				   .services = 2,
				   .uplinks = 1,
				   .hash_seed = SEED,
				   .inspect = 1};

	tables.rule[0] = (struct sl_rule){.dst_port_max = 65535, .service = NAMED, .name = 1};
	tables.service[0] = tables.service[NAMED] = (struct sl_service){.flow_quota = 700};
	return tables;
}

static int set_up(void **state)
{
	struct sl_tables tables = policy(1);

	now_ns = 10 * SECOND_NS;
	sent[0] = 1000;
	sent[1] = 5000;
	return sl_host_open(7168, &tables, &engine);
}

static int tear_down(void **state)
{
	engine->ops->close(engine, true);
	return 0;
}

static struct sl_addr address(uint32_t ip)
{
	return (struct sl_addr){0, UINT64_C(0xffff00000000) | ip};
}

static void say(struct sl_name_slot *array, uint64_t tag, uint64_t names, uint64_t stamp)
{
	array[sl_names_index(tag)] =
		(struct sl_name_slot){tag, SL_NAMES_NONE | names | stamp << SL_NAMES_BITS};
}

static void say_server(uint32_t client, uint64_t names, uint64_t generation)
{
	struct sl_addr server = address(SERVER),
		       who = client ? address(client) : (struct sl_addr){0, 0};

	say(engine->ops->names(engine)->server, sl_names_server_hash(&server, &who, SEED), names,
	    sl_names_stamp(generation, 0));
}

/* Of the flow of the last packet. */
static void say_flow(uint64_t names, uint64_t generation)
{
	say(engine->ops->names(engine)->flow, work->hash, names,
	    sl_names_stamp(generation, work->result.incarnation));
}

static void run(const struct maker_spec *spec, uint32_t cut)
{
	struct maker made;

	maker_make(&made, spec);
	struct sl_frame frame = {.t_ns = now_ns,
				 .wire_bytes = made.length,
				 .length = made.length - cut,
				 .bytes = made.byte};

	assert_int_equal(sl_host_packet(engine, &frame,
					spec->src == SERVER ? SL_SIDE_WAN : SL_SIDE_LAN, &work),
			 0);
	now_ns += 1000000;
}

/* A segment of a client's connection, from @server or not. */
static void segment(uint16_t port, bool server, uint8_t flags, uint16_t payload)
{
	struct maker_spec spec = {.src = server ? SERVER : CLIENT,
				  .dst = server ? CLIENT : SERVER,
				  .src_port = server ? 443 : port,
				  .dst_port = server ? port : 443,
				  .proto = SL_PROTO_TCP,
				  .tcp_flags = flags,
				  .seq = sent[server],
				  .ack = flags & ACK ? sent[!server] : 0,
				  .payload = payload};

	sent[server] += payload + !!(flags & (SYN | SL_TCP_FIN));
	run(&spec, 0);
}

/* ---- names ---- */

static void a_servers_name_is_known_from_the_first_packet(void **state)
{
	say_server(0, CLAUSE_1, 1);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, NAMED);
}

static void what_is_known_for_this_client_comes_first(void **state)
{
	say_server(0, CLAUSE_1, 1);
	say_server(CLIENT, 0, 1);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
}

static void what_is_known_for_another_client_is_not_asked(void **state)
{
	say_server(CLIENT + 1, CLAUSE_1, 1);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
}

static void a_word_of_another_generation_says_nothing(void **state)
{
	say_server(0, CLAUSE_1, 2);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
	say_flow(CLAUSE_1, 2);
	segment(40000, false, ACK, 10);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
}

static void another_clause_is_another_rule(void **state)
{
	say_server(0, CLAUSE_1 << 1, 1);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
}

static void a_flows_name_is_found_by_its_next_packet(void **state)
{
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
	say_flow(CLAUSE_1, 1);
	segment(40000, true, SYN | ACK, 0);
	assert_int_equal(work->result.service, NAMED);
	assert_int_equal(work->result.flow_event, SL_FLOW_KNOWN);
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, NAMED);
}

static void after_the_final_word_nobody_looks(void **state)
{
	segment(40000, false, SYN, 0);
	say_flow(SL_NAMES_FINAL, 1);
	segment(40000, true, SYN | ACK, 0);
	say_flow(CLAUSE_1, 1);
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
}

static void a_new_policy_asks_again(void **state)
{
	struct sl_tables next = policy(2);

	say_server(0, CLAUSE_1, 1);
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.service, NAMED);
	engine->ops->apply(engine, &next);
	segment(40000, true, SYN | ACK, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
	say_server(0, CLAUSE_1, 2);
	next.generation = 3;
	engine->ops->apply(engine, &next);
	say_server(0, CLAUSE_1, 3);
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, NAMED);
}

static void a_new_connection_on_old_ports_asks_again(void **state)
{
	segment(40000, false, SYN, 0);
	segment(40000, true, SL_TCP_RST | ACK, 0);
	say_server(0, CLAUSE_1, 1);
	sent[0] += 100000;
	segment(40000, false, SYN, 0);
	assert_int_equal(work->result.flow_event, SL_FLOW_RESTARTED);
	assert_int_equal(work->result.service, NAMED);
}

static void looks_are_dense_then_one_a_second_then_none(void **state)
{
	segment(40000, false, SYN, 0);
	segment(40000, true, SYN | ACK, 0);
	for (uint32_t i = 1; i < SL_LOOKS_DENSE; i++)
		segment(40000, false, ACK, 0);
	now_ns = (now_ns >> SL_FLOW_AGE_LOG2_NS << SL_FLOW_AGE_LOG2_NS) + (2u << 30);
	segment(40000, false, ACK, 0); /* this second's look */
	say_flow(CLAUSE_1, 1);
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
	now_ns += 2 * SECOND_NS;
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, NAMED);
	for (uint32_t i = SL_LOOKS_DENSE; i < SL_LOOKS_MAX; i++) {
		now_ns += 2 * SECOND_NS;
		segment(40000, false, ACK, 0);
	}
	say_flow(0, 1);
	now_ns += 2 * SECOND_NS;
	segment(40000, false, ACK, 0);
	assert_int_equal(work->result.service, NAMED);
}

static void a_hello_is_counted_once_and_when_it_goes_unanswered(void **state)
{
	const struct sl_path_stats *path = &engine->ops->stats(engine, 0)->path[0];

	segment(40000, false, SYN, 0);
	segment(40000, true, SYN | ACK, 0);
	segment(40000, false, ACK, 500);
	say_flow(SL_NAMES_HELLO, 1);
	segment(40000, false, ACK, 0);
	segment(40000, false, ACK, 0);
	assert_int_equal(path->hellos, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(path->hellos_unanswered, i >= SL_HELLO_REPEATS);
		now_ns += SECOND_NS << i;
		sent[0] -= 500;
		segment(40000, false, ACK, 500);
	}
	assert_int_equal(path->hellos_unanswered, 1);
}

static void a_hello_that_is_answered_is_not(void **state)
{
	const struct sl_path_stats *path = &engine->ops->stats(engine, 0)->path[0];

	segment(40000, false, SYN, 0);
	segment(40000, true, SYN | ACK, 0);
	segment(40000, false, ACK, 500);
	say_flow(SL_NAMES_HELLO, 1);
	segment(40000, true, ACK, 1000);
	segment(40000, true, SL_TCP_RST | ACK, 0);
	assert_int_equal(path->hellos, 1);
	assert_int_equal(path->hellos_unanswered, 0);
}

/* ---- copies ---- */

static struct {
	uint32_t count;
	uint8_t number[512];
	struct sl_inspect last;
} taken;

static void take(void *arg, const struct sl_inspect *inspect)
{
	taken.number[taken.count++ & 511] = inspect->number;
	taken.last = *inspect;
}

static uint32_t drain(void)
{
	taken.count = 0;
	uint32_t handed = (uint32_t)engine->ops->inspect(engine, take, NULL);

	assert_int_equal(handed, taken.count);
	return taken.count;
}

static void the_first_packets_with_payload_go_in_copy(void **state)
{
	segment(40000, false, SYN, 0);
	segment(40000, true, SYN | ACK, 0);
	for (uint32_t i = 0; i < 20; i++) {
		segment(40000, i & 1, ACK, 100);
		segment(40000, !(i & 1), ACK, 0);
	}
	assert_int_equal(drain(), SL_INSPECT_MAX);
	for (uint8_t i = 0; i < SL_INSPECT_MAX; i++)
		assert_int_equal(taken.number[i], i + 1);
	assert_int_equal(engine->ops->stats(engine, 0)->inspected, SL_INSPECT_MAX);
}

static void a_copy_says_where_its_payload_is(void **state)
{
	segment(40000, false, SYN, 0);
	segment(40000, false, ACK, 100);
	assert_int_equal(drain(), 1);
	assert_int_equal(taken.last.length, 140);
	assert_int_equal(taken.last.payload_offset, 40);
	assert_int_equal(taken.last.payload_bytes, 100);
	assert_int_equal(taken.last.bytes[0], 0x45);
	assert_int_equal(taken.last.tcp_seq, 1001);
	assert_int_equal(taken.last.from_initiator, 1);
	assert_int_equal(taken.last.from_lan, 1);
	assert_int_equal(taken.last.lan, taken.last.initiator);
	assert_true(taken.last.hash == work->hash);
	assert_true(taken.last.generation == 1);
}

static void a_cut_capture_gives_a_cut_copy(void **state)
{
	struct maker_spec spec = {.src = CLIENT,
				  .dst = SERVER,
				  .src_port = 7,
				  .dst_port = 9000,
				  .proto = SL_PROTO_UDP,
				  .payload = 1000};

	run(&spec, 950);
	assert_int_equal(drain(), 1);
	assert_int_equal(taken.last.length, 78);
	assert_int_equal(taken.last.payload_bytes, 1000);
}

/* Two datagrams of one client's resolver socket: a query, and an answer with @id. */
static void ask_and_forge(uint16_t id)
{
	struct maker_spec ask = {.src = CLIENT,
				 .dst = SERVER,
				 .src_port = 33334,
				 .dst_port = 53,
				 .proto = SL_PROTO_UDP,
				 .payload = 40,
				 .head = {7 << 16 | 0x100}};
	struct maker_spec answer = ask;

	answer.src = SERVER;
	answer.dst = CLIENT;
	answer.src_port = 53;
	answer.dst_port = 33334;
	answer.head[0] = (uint32_t)id << 16 | 0x8180;
	run(&ask, 0);
	run(&answer, 0);
}

static void a_forged_dns_answer_does_not(void **state)
{
	ask_and_forge(8);
	assert_true(work->result.seen & SL_SEEN_BOGUS_ANSWER);
	assert_int_equal(drain(), 1); /* the query */
	ask_and_forge(7);
	assert_int_equal(drain(), 2);
}

/* A segment far from its connection's numbers is not of the flow, whatever it says. */
static void a_forged_segment_does_not(void **state)
{
	segment(4001, false, SYN, 0);
	segment(4001, true, SYN | ACK, 0);
	segment(4001, false, ACK, 100);
	assert_int_equal(drain(), 1);
	sent[0] += 1u << 29;
	segment(4001, false, ACK, 100);
	assert_true(work->result.seen & SL_SEEN_BOGUS_SEQ);
	assert_int_equal(drain(), 0);
}

static void every_dns_answer_goes_in_copy(void **state)
{
	for (uint32_t i = 0; i < 30; i++) {
		struct maker_spec ask = {.src = CLIENT,
					 .dst = SERVER,
					 .src_port = 33333,
					 .dst_port = 53,
					 .proto = SL_PROTO_UDP,
					 .payload = 40,
					 .head = {i << 16 | 0x100}};
		struct maker_spec answer = ask;

		answer.src = SERVER;
		answer.dst = CLIENT;
		answer.src_port = 53;
		answer.dst_port = 33333;
		answer.head[0] |= 0x8080;
		run(&ask, 0);
		run(&answer, 0);
	}
	assert_int_equal(drain(), SL_INSPECT_MAX + 30 - SL_INSPECT_MAX / 2);
	assert_int_equal(taken.number[taken.count - 1], SL_INSPECT_ANSWER);
}

static void a_full_ring_is_counted(void **state)
{
	const struct sl_stats *stats = engine->ops->stats(engine, 0);

	for (uint32_t i = 0; i < SL_INSPECT_SLOTS + 44; i++)
		segment((uint16_t)(40000 + i), false, ACK, 10);
	assert_int_equal(stats->inspected, SL_INSPECT_SLOTS);
	assert_int_equal(stats->inspect_lost, 44);
	assert_int_equal(drain(), SL_INSPECT_SLOTS);
	segment(39999, false, ACK, 10);
	assert_int_equal(drain(), 1);
}

static void who_does_not_ask_gets_no_copy_and_no_name(void **state)
{
	struct sl_tables quiet = policy(2);

	quiet.inspect = 0;
	engine->ops->apply(engine, &quiet);
	say_server(0, CLAUSE_1, 2);
	segment(40000, false, SYN, 0);
	segment(40000, false, ACK, 100);
	assert_int_equal(work->result.service, SL_SERVICE_OTHER);
	assert_int_equal(drain(), 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_servers_name_is_known_from_the_first_packet),
		ROW(what_is_known_for_this_client_comes_first),
		ROW(what_is_known_for_another_client_is_not_asked),
		ROW(a_word_of_another_generation_says_nothing),
		ROW(another_clause_is_another_rule),
		ROW(a_flows_name_is_found_by_its_next_packet),
		ROW(after_the_final_word_nobody_looks),
		ROW(a_new_policy_asks_again),
		ROW(a_new_connection_on_old_ports_asks_again),
		ROW(looks_are_dense_then_one_a_second_then_none),
		ROW(a_hello_is_counted_once_and_when_it_goes_unanswered),
		ROW(a_hello_that_is_answered_is_not),
		ROW(the_first_packets_with_payload_go_in_copy),
		ROW(a_copy_says_where_its_payload_is),
		ROW(a_cut_capture_gives_a_cut_copy),
		ROW(every_dns_answer_goes_in_copy),
		ROW(a_forged_dns_answer_does_not),
		ROW(a_forged_segment_does_not),
		ROW(a_full_ring_is_counted),
		ROW(who_does_not_ask_gets_no_copy_and_no_name),
	};

	return cmocka_run_group_tests_name("fastpath look", tests, NULL, NULL);
}
