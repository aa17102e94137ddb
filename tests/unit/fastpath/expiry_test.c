/*
 * expiry_test.c - a flow that ends while it waits for an answer: its path counts that none came
 *
 * And an open connection whose request waits: it stays, and its path counts that, too.
 * On a table of one bucket: seven ways.  An entry ends by the sweep or by a new flow that takes
 * its place; either way each waiting query, and a hello, is counted once and on its own path.
 */
#include "dataplane/engine.h"
#include "dataplane/fastpath/pipeline.h"
#include "dataplane/host.h"
#include "tests/unit/fastpath/maker.h"
#include "tests/unit/row.h"

#define STORE     1 /* the service of 10.0.0.0/16 */
#define CLIENT    0x0a000005u
#define STRANGER  0xac100005u
#define SERVER    0xcb007107u
#define SECOND_NS UINT64_C(1000000000)
#define MS        UINT64_C(1000000)
#define QUERY     0x0100u
#define ANSWER    0x8180u

static struct sl_engine *engine;
static const struct sl_work *work;

static int set_up(void **state)
{
	struct sl_tables tables = {
		.generation = 1, .rules = 1, .services = 2, .uplinks = 1, .hash_seed = 5};

	tables.rule[0] = (struct sl_rule){.src = {0, UINT64_C(0xffff0a000000)},
					  .src_mask = {UINT64_MAX, UINT64_MAX << 16},
					  .dst_port_max = 65535,
					  .service = STORE};
	tables.service[0] = tables.service[STORE] = (struct sl_service){.flow_quota = 7};
	return sl_host_open(SL_BUCKET_WAYS, &tables, &engine);
}

static int tear_down(void **state)
{
	engine->ops->close(engine, true);
	return 0;
}

/* A datagram between @client's @port and the server's @service; @bits: .head[0]. */
static void datagram(uint32_t client, uint16_t port, uint16_t service, uint32_t bits,
		     uint64_t now_ns)
{
	bool answer = service == 53 && (bits & 0x8000);
	struct maker_spec spec = {.src = answer ? SERVER : client,
				  .dst = answer ? client : SERVER,
				  .src_port = answer ? service : port,
				  .dst_port = answer ? port : service,
				  .proto = SL_PROTO_UDP,
				  .payload = 1200,
				  .head = {bits}};
	struct maker made;

	if (service == 443) /* an Initial of version 1 */
		spec.head[1] = 1u << 24;
	maker_make(&made, &spec);
	struct sl_frame frame = {.t_ns = now_ns,
				 .wire_bytes = made.length,
				 .length = made.length,
				 .bytes = made.byte};

	assert_int_equal(sl_host_packet(engine, &frame, answer ? SL_SIDE_WAN : SL_SIDE_LAN, &work),
			 0);
}

static const struct sl_path_stats *path(int service)
{
	return &engine->ops->stats(engine, 0)->path[SL_PATH(service, 0)];
}

static void hello(uint32_t client, uint16_t port, uint64_t now_ns)
{
	datagram(client, port, 443, 0xc3000000u, now_ns);
}

static void the_sweep_counts_each_waiting_query(void **state)
{
	datagram(CLIENT, 4000, 53, 7u << 16 | QUERY, SECOND_NS);
	datagram(CLIENT, 4000, 53, 8u << 16 | QUERY, SECOND_NS);
	datagram(CLIENT, 4001, 53, 9u << 16 | QUERY, SECOND_NS);
	assert_int_equal(sl_host_sweep(engine, 4 * SECOND_NS), 0);
	assert_int_equal(path(STORE)->queries_unanswered, 0);
	assert_int_equal(sl_host_sweep(engine, 20 * SECOND_NS), 2);
	assert_int_equal(path(STORE)->queries, 3);
	assert_int_equal(path(STORE)->queries_unanswered, 3);
	assert_int_equal(sl_host_sweep(engine, 40 * SECOND_NS), 0);
	assert_int_equal(path(STORE)->queries_unanswered, 3);
}

static void an_answered_flow_ends_in_silence(void **state)
{
	datagram(CLIENT, 4000, 53, 7u << 16 | QUERY, SECOND_NS);
	datagram(CLIENT, 4000, 53, 7u << 16 | ANSWER, SECOND_NS + 8000000);
	assert_int_equal(sl_host_sweep(engine, 20 * SECOND_NS), 0); /* it rests two minutes */
	assert_int_equal(sl_host_sweep(engine, 200 * SECOND_NS), 1);
	assert_int_equal(path(STORE)->queries_unanswered, 0);
}

static void a_hello_is_counted_as_one(void **state)
{
	hello(CLIENT, 4000, SECOND_NS);
	assert_int_equal(path(STORE)->hellos, 1);
	assert_int_equal(sl_host_sweep(engine, 20 * SECOND_NS), 1);
	assert_int_equal(path(STORE)->hellos_unanswered, 1);
	assert_int_equal(path(STORE)->queries_unanswered, 0);
}

static void who_takes_the_place_counts_it_on_the_old_path(void **state)
{
	for (uint16_t i = 0; i < SL_BUCKET_WAYS - 1; i++) {
		datagram(CLIENT, (uint16_t)(4000 + i), 53, 7u << 16 | QUERY, SECOND_NS);
		datagram(CLIENT, (uint16_t)(4000 + i), 53, 8u << 16 | QUERY, SECOND_NS);
	}
	hello(CLIENT, 5000, SECOND_NS);
	datagram(STRANGER, 1, 9, 0, 2 * SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_FLOW_FULL);
	assert_int_equal(path(STORE)->queries_unanswered, 0);
	for (uint16_t i = 0; i < SL_BUCKET_WAYS; i++)
		datagram(STRANGER, i, 9, 0, 20 * SECOND_NS);
	assert_int_equal(path(SL_SERVICE_OTHER)->flows, SL_BUCKET_WAYS);
	assert_int_equal(path(STORE)->queries_unanswered, 2 * (SL_BUCKET_WAYS - 1));
	assert_int_equal(path(STORE)->hellos_unanswered, 1);
	assert_int_equal(path(SL_SERVICE_OTHER)->queries_unanswered, 0);
	assert_int_equal(path(SL_SERVICE_OTHER)->hellos_unanswered, 0);
}

/* The same flow asks again before anyone noticed that it had expired: nothing was given up yet. */
static void one_who_comes_back_keeps_the_entry(void **state)
{
	datagram(CLIENT, 4000, 53, 7u << 16 | QUERY, SECOND_NS);
	datagram(CLIENT, 4000, 53, 8u << 16 | QUERY, 30 * SECOND_NS);
	assert_int_equal(work->result.flow_event, SL_FLOW_KNOWN);
	assert_int_equal(path(STORE)->queries_unanswered, 1);
	assert_int_equal(sl_host_sweep(engine, 60 * SECOND_NS), 1);
	assert_int_equal(path(STORE)->queries, 2);
	assert_int_equal(path(STORE)->queries_unanswered, 2);
}

/* A segment of @client's side or of the server's, of the connection on port 4000. */
static void segment(bool client, uint8_t flags, uint32_t seq, uint32_t ack, uint16_t payload,
		    uint64_t now_ms)
{
	struct maker_spec spec = {.src = client ? CLIENT : SERVER,
				  .dst = client ? SERVER : CLIENT,
				  .src_port = client ? 4000 : 7003,
				  .dst_port = client ? 7003 : 4000,
				  .proto = SL_PROTO_TCP,
				  .tcp_flags = flags,
				  .seq = seq,
				  .ack = ack,
				  .payload = payload};
	struct maker made;

	maker_make(&made, &spec);
	struct sl_frame frame = {.t_ns = now_ms * MS,
				 .wire_bytes = made.length,
				 .length = made.length,
				 .bytes = made.byte};

	assert_int_equal(sl_host_packet(engine, &frame, client ? SL_SIDE_LAN : SL_SIDE_WAN, &work),
			 0);
}

static void connect_at(uint64_t now_ms)
{
	segment(true, SL_TCP_SYN, 1000, 0, 0, now_ms);
	segment(false, SL_TCP_SYN | SL_TCP_ACK, 5000, 1001, 0, now_ms + 20);
	segment(true, SL_TCP_ACK, 1001, 5001, 0, now_ms + 21);
}

static uint64_t unanswered_at(uint64_t now_ms)
{
	assert_int_equal(sl_host_sweep(engine, now_ms * MS), 0); /* it stays open */
	return path(STORE)->requests_unanswered;
}

static void a_request_that_hangs_is_counted_once(void **state)
{
	connect_at(1000);
	segment(true, SL_TCP_ACK | SL_TCP_PSH, 1001, 5001, 100, 2000);
	assert_int_equal(unanswered_at(9000), 0); /* nobody has acknowledged it */
	segment(false, SL_TCP_ACK, 5001, 1101, 0, 10000);
	assert_int_equal(unanswered_at(14900), 0);
	/* Keep-alives and their answers say nothing of it. */
	segment(true, SL_TCP_ACK, 1100, 5001, 0, 14950);
	segment(false, SL_TCP_ACK, 5001, 1101, 0, 14960);
	assert_int_equal(unanswered_at(15001), 1);
	segment(true, SL_TCP_ACK, 1100, 5001, 0, 20000);
	segment(false, SL_TCP_ACK, 5001, 1101, 0, 20010);
	assert_int_equal(unanswered_at(60000), 1);
	/* The answer comes after all; the next request hangs as well. */
	segment(false, SL_TCP_ACK | SL_TCP_PSH, 5001, 1101, 200, 61000);
	assert_int_equal(unanswered_at(70000), 1);
	segment(true, SL_TCP_ACK | SL_TCP_PSH, 1101, 5201, 100, 71000);
	segment(false, SL_TCP_ACK, 5201, 1201, 0, 71020);
	assert_int_equal(unanswered_at(76000), 1);
	assert_int_equal(unanswered_at(76100), 2);
}

static void an_answered_request_is_not(void **state)
{
	connect_at(1000);
	segment(true, SL_TCP_ACK | SL_TCP_PSH, 1001, 5001, 100, 2000);
	segment(false, SL_TCP_ACK, 5001, 1101, 0, 2020);
	segment(false, SL_TCP_ACK | SL_TCP_PSH, 5001, 1101, 200, 4000);
	assert_int_equal(unanswered_at(60000), 0);
}

/* The client sends @times more, @apart_ms apart; each is acknowledged, and nothing is answered. */
static void ask_on(uint32_t times, uint32_t apart_ms)
{
	connect_at(1000);
	for (uint32_t i = 0; i < times; i++) {
		uint32_t at_ms = 2000 + apart_ms * i;

		segment(true, SL_TCP_ACK | SL_TCP_PSH, 1001 + 100 * i, 5001, 100, at_ms);
		segment(false, SL_TCP_ACK, 5001, 1101 + 100 * i, 0, at_ms + 20);
		assert_int_equal(unanswered_at(at_ms + 50), 0);
	}
}

/* Each is a request: the first one waits, once. */
static void who_asks_on_waits_since_the_first(void **state)
{
	ask_on(5, 1000);
	assert_int_equal(unanswered_at(7100), 1);
	assert_int_equal(unanswered_at(20000), 1);
}

/* A long upload: what is sent goes on at once when all was acknowledged. */
static void an_upload_is_one_request(void **state)
{
	ask_on(100, 100);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(the_sweep_counts_each_waiting_query),
		ROW(an_answered_flow_ends_in_silence),
		ROW(a_hello_is_counted_as_one),
		ROW(who_takes_the_place_counts_it_on_the_old_path),
		ROW(one_who_comes_back_keeps_the_entry),
		ROW(a_request_that_hangs_is_counted_once),
		ROW(an_answered_request_is_not),
		ROW(who_asks_on_waits_since_the_first),
		ROW(an_upload_is_one_request),
	};

	return cmocka_run_group_tests_name("fastpath expiry", tests, NULL, NULL);
}
