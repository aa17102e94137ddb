/*
 * pipeline_test.c - the whole way of a packet: who is counted where, who gets an
 * entry, who is dropped, where fragments and errors go
 *
 * On the host engine: the same calls in the same order as the BPF program.
 */
#include <string.h>

#include "dataplane/fastpath/pipeline.h"
#include "dataplane/host.h"
#include "tests/unit/row.h"

#define SECOND_NS UINT64_C(1000000000)
#define POS       1
#define GUEST     2

static struct sl_engine *engine;
static const struct sl_work *work;

/* pos: VLAN 20, two uplinks; guest: everything from 10.42.64.0/18; half the table each. */
static struct sl_tables policy(void)
{
	struct sl_tables tables = {.generation = 1,
				   .rules = 2,
				   .services = 3,
				   .uplinks = 2,
				   .mark_base = 0x5100,
				   .hash_seed = 99};

	tables.rule[0] = (struct sl_rule){.src = {0, UINT64_C(0xffff0a2a4000)},
					  .src_mask = {UINT64_MAX, UINT64_MAX << 14},
					  .dst_port_max = 65535,
					  .service = GUEST};
	tables.rule[1] = (struct sl_rule){.vlan = 20,
					  .vlan_mask = 0xffff,
					  .dst_port_max = 65535,
					  .service = POS};
	tables.service[POS] = (struct sl_service){.flow_quota = 700, .priority = 3};
	tables.service[GUEST] = (struct sl_service){.flow_quota = 700, .priority = 0};
	tables.service[SL_SERVICE_OTHER] = (struct sl_service){.flow_quota = 100, .priority = 1};
	return tables;
}

static int set_up(void **state)
{
	struct sl_tables tables = policy();

	return sl_host_open(7168, &tables, &engine);
}

static int tear_down(void **state)
{
	engine->ops->close(engine, true);
	return 0;
}

/* A frame being made: bytes, and how many. */
struct maker {
	uint8_t byte[256];
	uint32_t length;
};

static void put(struct maker *m, uint64_t value, int bytes)
{
	while (bytes--)
		m->byte[m->length++] = (uint8_t)(value >> bytes * 8);
}

struct spec {
	uint32_t src, dst;
	uint16_t src_port, dst_port, vlan, fragment;
	uint8_t proto, tcp_flags, tos;
	uint32_t seq, ack;
	uint16_t payload;
};

static void make(struct maker *m, const struct spec *spec)
{
	uint16_t header = spec->proto == SL_PROTO_TCP ? 20 : 8;

	m->length = 0;
	put(m, 0, 6);
	put(m, 0, 6);
	if (spec->vlan) {
		put(m, 0x8100, 2);
		put(m, spec->vlan, 2);
	}
	put(m, 0x0800, 2);
	put(m, 0x45, 1);
	put(m, spec->tos, 1);
	put(m, 20u + header + spec->payload, 2);
	put(m, 0x7777, 2);
	put(m, spec->fragment, 2);
	put(m, 64, 1);
	put(m, spec->proto, 1);
	put(m, 0, 2);
	put(m, spec->src, 4);
	put(m, spec->dst, 4);
	put(m, spec->src_port, 2);
	put(m, spec->dst_port, 2);
	if (spec->proto == SL_PROTO_TCP) {
		put(m, spec->seq, 4);
		put(m, spec->ack, 4);
		put(m, 0x5000u | spec->tcp_flags, 2);
		put(m, 500, 2);
		put(m, 0, 4);
	} else {
		put(m, 8u + spec->payload, 2);
		put(m, 0, 2);
	}
}

static void run_bytes(const uint8_t *bytes, uint32_t length, enum sl_side side, uint64_t now_ns)
{
	struct sl_frame frame = {.t_ns = now_ns, .wire_bytes = length, .length = length};

	frame.bytes = bytes;
	assert_int_equal(sl_host_packet(engine, &frame, side, &work), 0);
}

static void run(const struct spec *spec, enum sl_side side, uint64_t now_ns)
{
	struct maker m;

	make(&m, spec);
	run_bytes(m.byte, m.length + spec->payload, side, now_ns);
}

static const struct sl_path_stats *path(int service, int uplink)
{
	return &engine->ops->stats(engine, 0)->path[SL_PATH(service, uplink)];
}

#define TILL 0x0a000005u
#define HOST 0xcb007107u

static struct spec till_syn(uint16_t port)
{
	return (struct spec){TILL, HOST, port, 443, 20, 0, SL_PROTO_TCP, SL_TCP_SYN, 0, 100};
}

static void each_direction_is_counted_on_its_side(void **state)
{
	struct spec there = till_syn(50000);
	struct spec back = {HOST, TILL, 443, 50000, 20, 0, SL_PROTO_TCP, SL_TCP_SYN | SL_TCP_ACK,
			    0,    900,  101};

	run(&there, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.service, POS);
	assert_int_equal(work->result.mark, 0x5101);
	run(&back, SL_SIDE_WAN, SECOND_NS + 20000000);
	assert_int_equal(work->result.mark, 0); /* only what goes to the WAN is steered */
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].packets, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_WAN].packets, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].bytes, 40);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].unmeasured, 0);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].demand, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].progress, 1);
	assert_int_equal(path(POS, 0)->attempts, 1);
	assert_int_equal(path(POS, 0)->flows, 1);
	uint32_t bucket = sl_histogram_bucket(20000000 >> SL_TICK_LOG2_NS);

	assert_int_equal(path(POS, 0)->rtt[SL_LEG_WAN][SL_METHOD_HANDSHAKE].count[bucket], 1);
	assert_int_equal(path(POS, 0)->rtt[SL_LEG_LAN][SL_METHOD_HANDSHAKE].count[bucket], 0);
}

static void a_guest_flood_leaves_the_tills_alone(void **state)
{
	const struct sl_stats *stats = engine->ops->stats(engine, 0);

	for (uint16_t i = 0; i < 50; i++) {
		struct spec syn = till_syn((uint16_t)(50000 + i));

		run(&syn, SL_SIDE_LAN, SECOND_NS);
		assert_int_equal(work->result.flow_event, SL_FLOW_NEW);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		struct spec guest = {0x0a2a4000u + i % 16384,
				     HOST + i,
				     (uint16_t)(i * 7),
				     443,
				     0,
				     0,
				     SL_PROTO_TCP,
				     SL_TCP_SYN,
				     0,
				     i};

		run(&guest, SL_SIDE_LAN, SECOND_NS);
	}
	assert_true(path(GUEST, 0)->flows <= 700);
	assert_int_equal(path(GUEST, 0)->flows + path(GUEST, 0)->flows_full, 100000);
	assert_int_equal(stats->flows_evicted[POS], 0);
	for (uint16_t i = 0; i < 50; i++) {
		struct spec again = till_syn((uint16_t)(50000 + i));

		run(&again, SL_SIDE_LAN, 2 * SECOND_NS);
		assert_int_equal(work->result.flow_event, SL_FLOW_KNOWN);
	}
	for (uint16_t i = 0; i < 500; i++) {
		struct spec more = till_syn((uint16_t)(51000 + i));

		run(&more, SL_SIDE_LAN, 2 * SECOND_NS);
		assert_int_equal(work->result.reason, SL_REASON_MEASURED);
	}
}

static void a_full_service_is_still_counted_and_steered(void **state)
{
	struct sl_tables none = policy();

	none.service[POS].flow_quota = 0;
	engine->ops->apply(engine, &none);
	struct spec syn = till_syn(50000);

	run(&syn, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_FLOW_FULL);
	assert_int_equal(work->result.service, POS);
	assert_int_equal(work->result.mark, 0x5101);
	assert_int_equal(path(POS, 0)->flows_full, 1);
	syn.tcp_flags = SL_TCP_ACK; /* its data is no second flow */
	run(&syn, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(path(POS, 0)->flows_full, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].packets, 2);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].unmeasured, 2);
}

static void later_fragments_follow_their_first(void **state)
{
	struct spec first = {TILL, HOST, 50000, 5000, 20, 0x2000, SL_PROTO_UDP, 0, 0, 0, 0, 64};
	struct spec later = first, stray = first;

	later.fragment = 0x2009;
	stray.src = TILL + 1;
	stray.fragment = 0x2009;
	run(&later, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_FRAGMENT);
	run(&first, SL_SIDE_LAN, SECOND_NS);
	run(&later, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_MEASURED);
	assert_int_equal(work->result.service, POS);
	assert_int_equal(work->result.mark, 0x5101);
	run(&stray, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_FRAGMENT);
	run(&later, SL_SIDE_LAN, 40 * SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_FRAGMENT);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].packets, 2);
}

/* A router's "host unreachable" to the till, about the packet of @spec. */
static void make_icmp_error(struct maker *m, const struct spec *spec)
{
	struct spec error = {0xc0000201u, TILL, 0x0301, 0, 20, 0, SL_PROTO_ICMP};
	struct maker quoted;

	make(&quoted, spec);
	make(m, &error);
	m->length -= 4; /* type, code, checksum stand; then 4 unused bytes and the quote */
	put(m, 0, 4);
	memcpy(m->byte + m->length, quoted.byte + 18, 28);
	m->length += 28;
	m->byte[18 + 3] = 56;
}

static void icmp_error_counts_for_the_flow_it_quotes(void **state)
{
	struct spec syn = till_syn(50000);
	struct maker m;

	run(&syn, SL_SIDE_LAN, SECOND_NS);
	make_icmp_error(&m, &syn);
	run_bytes(m.byte, m.length, SL_SIDE_WAN, SECOND_NS);
	assert_int_equal(work->result.service, POS);
	assert_true(work->result.seen & SL_SEEN_REFUSED);
	assert_int_equal(path(POS, 0)->refused, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_WAN].packets, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_WAN].unmeasured, 0);
}

/* Anyone can quote a till's address: it must not look as if the till's packets went unmeasured. */
static void icmp_error_about_no_flow_costs_no_coverage(void **state)
{
	struct spec syn = till_syn(50000);
	struct maker m;

	make_icmp_error(&m, &syn);
	run_bytes(m.byte, m.length, SL_SIDE_WAN, SECOND_NS);
	assert_int_equal(work->result.reason, SL_REASON_ICMP_ERROR);
	assert_int_equal(work->result.service, POS);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_WAN].packets, 1);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_WAN].unmeasured, 0);
}

static void a_limit_drops_and_says_so(void **state)
{
	struct sl_tables *tables = engine->ops->tables(engine);
	struct spec data = {TILL, HOST, 50000, 5000, 20, 0, SL_PROTO_UDP, 0, 0, 0, 0, 200};
	uint64_t dropped = 0;

	tables->knobs.rate[POS][SL_SIDE_LAN] = (struct sl_rate){8192000, 20000}; /* 1 Mbit/s */
	for (int i = 0; i < 1000; i++) {
		run(&data, SL_SIDE_LAN, SECOND_NS + (uint64_t)i * 100000);
		dropped += work->result.action == SL_ACTION_DROP;
	}
	const struct sl_direction_stats *side = &path(POS, 0)->side[SL_SIDE_LAN];

	assert_true(dropped > 900);
	assert_int_equal(side->meter_dropped, dropped);
	assert_int_equal(side->meter_passed, 1000 - dropped);
	tables->knobs.rate[POS][SL_SIDE_LAN] = (struct sl_rate){0};
	run(&data, SL_SIDE_LAN, 2 * SECOND_NS);
	assert_int_equal(work->result.action, SL_ACTION_PASS);
}

static void dscp_is_written_towards_the_wan_only(void **state)
{
	struct sl_tables remark = policy();
	struct spec there = till_syn(50000),
		    back = {HOST, TILL, 443, 50000, 20, 0, SL_PROTO_TCP, 0x12};

	remark.knobs.remark[POS] = SL_REMARK | 46;
	engine->ops->apply(engine, &remark);
	there.tos = 1;
	run(&there, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.dscp_rewrite, 1);
	assert_int_equal(path(POS, 0)->remarked, 1);
	assert_int_equal(sl_remark_tos(work), 46 << 2 | 1);
	run(&back, SL_SIDE_WAN, SECOND_NS);
	assert_int_equal(work->result.dscp_rewrite, 0);
	/* What has it by itself is not touched, nor counted. */
	there.tos = 46 << 2 | 2;
	run(&there, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.dscp_rewrite, 0);
	assert_int_equal(path(POS, 0)->remarked, 1);
}

static void bypass_touches_nothing(void **state)
{
	struct spec syn = till_syn(50000);

	engine->ops->tables(engine)->knobs.bypass = 1;
	run(&syn, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.mark, 0);
	assert_int_equal(path(POS, 0)->side[SL_SIDE_LAN].packets, 0);
	assert_int_equal(engine->ops->stats(engine, 0)->reason[SL_REASON_BYPASSED], 1);
}

static void a_new_policy_reclassifies_live_flows(void **state)
{
	struct sl_tables next = policy();
	struct spec syn = till_syn(50000), data = syn;

	run(&syn, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.service, POS);
	next.generation = 2;
	next.rule[1].service = GUEST;
	engine->ops->apply(engine, &next);
	data.tcp_flags = SL_TCP_ACK;
	run(&data, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(work->result.flow_event, SL_FLOW_KNOWN);
	assert_int_equal(work->result.service, GUEST);
}

static void a_mirror_takes_the_initiator_for_the_lan(void **state)
{
	struct spec there = till_syn(50000);
	struct spec back = {HOST, TILL, 443, 50000, 20, 0, SL_PROTO_TCP, 0x12, 0, 900, 101};

	run(&back, SL_SIDE_UNKNOWN, SECOND_NS); /* only the answer was mirrored at first */
	assert_int_equal(work->result.from_lan, 0);
	assert_int_equal(work->result.service, POS);
	run(&there, SL_SIDE_UNKNOWN, SECOND_NS);
	assert_int_equal(work->result.from_lan, 1);
}

static void rested_flows_are_swept(void **state)
{
	struct spec syn = till_syn(50000);

	run(&syn, SL_SIDE_LAN, SECOND_NS);
	assert_int_equal(sl_host_sweep(engine, 20 * SECOND_NS), 0);
	assert_int_equal(sl_host_sweep(engine, 40 * SECOND_NS), 1);
	run(&syn, SL_SIDE_LAN, 41 * SECOND_NS);
	assert_int_equal(work->result.flow_event, SL_FLOW_NEW);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(each_direction_is_counted_on_its_side),
		ROW(a_guest_flood_leaves_the_tills_alone),
		ROW(a_full_service_is_still_counted_and_steered),
		ROW(later_fragments_follow_their_first),
		ROW(icmp_error_counts_for_the_flow_it_quotes),
		ROW(icmp_error_about_no_flow_costs_no_coverage),
		ROW(a_limit_drops_and_says_so),
		ROW(dscp_is_written_towards_the_wan_only),
		ROW(bypass_touches_nothing),
		ROW(a_new_policy_reclassifies_live_flows),
		ROW(a_mirror_takes_the_initiator_for_the_lan),
		ROW(rested_flows_are_swept),
	};

	return cmocka_run_group_tests_name("fastpath pipeline", tests, NULL, NULL);
}
