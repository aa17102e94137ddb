/*
 * dhcp_test.c - which DHCP goes to the slow path, and that no uplink is judged by it
 *
 * On the host engine.  There is one service, and room for 7168 flows.
 */
#include "dataplane/engine.h"
#include "dataplane/fastpath/pipeline.h"
#include "dataplane/host.h"
#include "tests/unit/fastpath/maker.h"
#include "tests/unit/row.h"

#define CLIENT    0x0a000005u
#define SERVER    0x0a000001u
#define FLOWS     7168
#define SECOND_NS UINT64_C(1000000000)

static struct sl_engine *engine;
static const struct sl_work *work;
static uint64_t now_ns;

static struct {
	uint32_t count;
	struct sl_inspect last;
} taken;

static int open_with(struct sl_tables tables)
{
	now_ns = 10 * SECOND_NS;
	return sl_host_open(FLOWS, &tables, &engine);
}

static struct sl_tables policy(void)
{
	struct sl_tables tables = {
		.generation = 1, .services = 1, .uplinks = 1, .hash_seed = 99, .inspect = 1};

	tables.service[0] = (struct sl_service){.flow_quota = FLOWS};
	return tables;
}

static int set_up(void **state)
{
	return open_with(policy());
}

static int set_up_full(void **state)
{
	struct sl_tables tables = policy();

	tables.service[0].flow_quota = 0;
	return open_with(tables);
}

static int set_up_blind(void **state)
{
	struct sl_tables tables = policy();

	tables.inspect = 0;
	return open_with(tables);
}

static int tear_down(void **state)
{
	engine->ops->close(engine, true);
	return 0;
}

static void take(void *arg, const struct sl_inspect *inspect)
{
	taken.count++;
	taken.last = *inspect;
}

static uint32_t drain(void)
{
	taken.count = 0;
	engine->ops->inspect(engine, take, NULL);
	return taken.count;
}

static void run(const struct maker_spec *spec, enum sl_side side)
{
	struct maker made;

	maker_make(&made, spec);
	struct sl_frame frame = {.t_ns = now_ns,
				 .wire_bytes = made.length,
				 .length = made.length,
				 .bytes = made.byte};

	assert_int_equal(sl_host_packet(engine, &frame, side, &work), 0);
	assert_int_equal(work->result.action, SL_ACTION_PASS);
	now_ns += 1000000;
}

/* From 0.0.0.0 to everybody, on VLAN 30. */
static void ask(uint16_t dst_port, uint16_t payload)
{
	struct maker_spec spec = {.dst = UINT32_MAX,
				  .src_port = 68,
				  .dst_port = dst_port,
				  .vlan = 30,
				  .proto = SL_PROTO_UDP,
				  .payload = payload};

	run(&spec, SL_SIDE_LAN);
}

static const struct sl_direction_stats *from_lan(void)
{
	return &engine->ops->stats(engine, 0)->path[0].side[SL_SIDE_LAN];
}

static void each_message_goes_in_copy(void **state)
{
	for (int i = 0; i < 40; i++)
		ask(67, 300);
	assert_int_equal(drain(), 40);
	assert_int_equal(taken.last.number, SL_INSPECT_ANSWER);
	assert_int_equal(taken.last.key.vlan, 30);
	assert_int_equal(from_lan()->packets, 40);
}

static void other_ports_are_copied_as_any_flow(void **state)
{
	for (int i = 0; i < 40; i++)
		ask(69, 300);
	assert_int_equal(drain(), SL_INSPECT_MAX);
}

static void without_payload_there_is_nothing_to_copy(void **state)
{
	ask(67, 0);
	assert_int_equal(drain(), 0);
}

static void where_nobody_reads_nothing_is_copied(void **state)
{
	ask(67, 300);
	assert_int_equal(drain(), 0);
}

static void its_flow_needs_no_room(void **state)
{
	for (int i = 0; i < FLOWS + 1; i++) {
		struct maker_spec spec = {.src = CLIENT + (uint32_t)i,
					  .dst = SERVER,
					  .src_port = 7,
					  .dst_port = 7,
					  .proto = SL_PROTO_UDP};

		run(&spec, SL_SIDE_LAN);
	}
	ask(67, 300);
	assert_int_equal(work->result.reason, SL_REASON_FLOW_FULL);
	assert_int_equal(drain(), 1);
	assert_int_equal(taken.last.key.vlan, 30);
}

static void whether_it_is_answered_says_nothing_of_an_uplink(void **state)
{
	struct maker_spec renew = {.src = CLIENT,
				   .dst = SERVER,
				   .src_port = 68,
				   .dst_port = 67,
				   .proto = SL_PROTO_UDP,
				   .payload = 300};
	struct maker_spec ack = {.src = SERVER,
				 .dst = CLIENT,
				 .src_port = 67,
				 .dst_port = 68,
				 .proto = SL_PROTO_UDP,
				 .payload = 300};

	run(&renew, SL_SIDE_LAN);
	run(&ack, SL_SIDE_WAN);
	for (int i = 0; i < 6; i++) {
		now_ns += SECOND_NS;
		run(&renew, SL_SIDE_LAN);
	}
	assert_int_equal(from_lan()->demand, 0);
	assert_int_equal(from_lan()->stalls, 0);
}

static void what_an_isp_gives_is_not_copied(void **state)
{
	struct sl_work offer = {.side = SL_SIDE_WAN,
				.port_uplink = 1,
				.packet = {.proto = SL_PROTO_UDP,
					   .src_port = 67,
					   .dst_port = 68,
					   .payload_bytes = 300}};

	assert_false(sl_look_dhcp(&offer));
	offer.port_uplink = SL_UPLINK_NONE; /* by the LAN's own port: from this box, or a relay */
	assert_true(sl_look_dhcp(&offer));
	offer.port_uplink = 1; /* by the LAN's end of a wire */
	offer.side = SL_SIDE_LAN;
	assert_true(sl_look_dhcp(&offer));
}

int main(void)
{
#define ROW(begin, name) cmocka_unit_test_setup_teardown(name, begin, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(set_up, each_message_goes_in_copy),
		ROW(set_up, other_ports_are_copied_as_any_flow),
		ROW(set_up, without_payload_there_is_nothing_to_copy),
		ROW(set_up_blind, where_nobody_reads_nothing_is_copied),
		ROW(set_up_full, its_flow_needs_no_room),
		ROW(set_up, whether_it_is_answered_says_nothing_of_an_uplink),
		ROW(set_up, what_an_isp_gives_is_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
