/*
 * reset_test.c - which packets of a flow that was moved come back as a RST, and how that looks
 */
#include "tests/unit/fastpath/maker.h"
#include "tests/unit/fastpath/talk.h"

#define CLIENT 0x0a2a1405u
#define SERVER 0xcb007107u

/* ---- which packets ---- */

static struct talk talk;

/* An open connection on uplink 0 of a service that wants it. */
static void open_up(uint8_t proto, bool wants, bool whole)
{
	talk_begin(&talk, proto, 40000, 443);
	talk.tables.uplinks = 2;
	talk.tables.service[0].reset = wants;
	if (proto == SL_PROTO_TCP)
		talk_greet(&talk, whole ? 3 : 1);
	else
		talk_datagram(&talk, 'C', 0, (uint32_t[3]){0}, 20);
}

static void move(uint8_t uplink)
{
	talk.tables.knobs.steer[0].uplink = uplink;
	talk.tables.knobs.steer[0].move_epoch++;
}

static enum sl_action send(char from, uint8_t flags, uint32_t at_ms)
{
	const struct talk_segment segment = {
		.from = from,
		.at_us = at_ms * UINT64_C(1000),
		.flags = flags,
		.seq = from == 'C' ? 101 : 501,
		.ack = from == 'C' ? 501 : 101,
		.payload = flags & (SL_TCP_SYN | SL_TCP_RST) ? 0 : 50,
	};

	talk_tcp(&talk, &segment);
	return (enum sl_action)talk.work.result.action;
}

static void its_next_packet_comes_back(void **state)
{
	open_up(SL_PROTO_TCP, true, true);
	assert_int_equal(send('C', SL_TCP_ACK, 1), SL_ACTION_PASS);
	move(1);
	assert_int_equal(send('C', SL_TCP_ACK, 2), SL_ACTION_RESET);
	assert_int_equal(talk.work.result.moved, SL_MOVED | SL_MOVED_CUT);
	assert_int_equal(talk.work.result.seen, 0);
	/* And each further one, should the RST be lost; not its own end. */
	assert_int_equal(send('C', SL_TCP_ACK, 3), SL_ACTION_RESET);
	assert_int_equal(talk.work.result.moved, SL_MOVED_CUT);
	assert_int_equal(send('C', SL_TCP_RST | SL_TCP_ACK, 4), SL_ACTION_PASS);
	assert_int_equal(talk.way.kind, SL_FLOW_CLOSED);
}

static void only_towards_the_lan(void **state)
{
	open_up(SL_PROTO_TCP, true, true);
	move(1);
	assert_int_equal(send('S', SL_TCP_ACK, 1), SL_ACTION_PASS);
	assert_int_equal(talk.work.result.moved, SL_MOVED);
	assert_int_equal(send('C', SL_TCP_ACK, 2), SL_ACTION_RESET);
	assert_int_equal(send('S', SL_TCP_ACK, 3), SL_ACTION_PASS);
}

static void a_new_connection_passes(void **state)
{
	open_up(SL_PROTO_TCP, true, true);
	move(1);
	assert_int_equal(send('C', SL_TCP_ACK, 1), SL_ACTION_RESET);
	assert_int_equal(send('C', SL_TCP_SYN, 2), SL_ACTION_PASS);
	assert_int_equal(talk.work.result.flow_event, SL_FLOW_RESTARTED);
	assert_false(talk.flow.dir[1].flags & SL_DIR_CUT);
}

static void not_unless_the_policy_says_so(void **state)
{
	open_up(SL_PROTO_TCP, false, true);
	move(1);
	assert_int_equal(send('C', SL_TCP_ACK, 1), SL_ACTION_PASS);
	assert_int_equal(talk.work.result.moved, SL_MOVED);
}

static void what_stays_is_left_alone(void **state)
{
	open_up(SL_PROTO_TCP, true, true);
	move(0);
	assert_int_equal(send('C', SL_TCP_ACK, 1), SL_ACTION_PASS);
	assert_int_equal(talk.work.result.moved, 0);
}

static void what_is_not_open_yet_may_go(void **state)
{
	open_up(SL_PROTO_TCP, true, false);
	move(1);
	assert_int_equal(send('C', SL_TCP_SYN, 1), SL_ACTION_PASS);
}

static void never_datagrams(void **state)
{
	open_up(SL_PROTO_UDP, true, true);
	move(1);
	talk_datagram(&talk, 'C', 2000, (uint32_t[3]){0}, 20);
	assert_int_equal(talk.work.result.moved, SL_MOVED);
	assert_int_equal(talk.work.result.action, SL_ACTION_PASS);
}

/* ---- how it looks ---- */

/* A frame of @bytes in all: IPv4 or IPv6, behind a tag or not. */
static uint32_t make(struct maker *m, bool ip6, uint16_t vlan)
{
	struct maker_spec spec = {.src = CLIENT,
				  .dst = SERVER,
				  .src_port = 40000,
				  .dst_port = 443,
				  .vlan = vlan,
				  .proto = SL_PROTO_TCP,
				  .tcp_flags = SL_TCP_ACK | SL_TCP_PSH,
				  .seq = 0x11223344,
				  .ack = 0xfffefdfc,
				  .tsval = 7,
				  .payload = 50};

	if (!ip6) {
		maker_make(m, &spec);
		return m->length;
	}
	struct maker four;

	maker_make(&four, &spec);
	maker_link(m, vlan, SL_ETHERTYPE_IP6);
	maker_put(m, 0x60000000, 4);
	maker_put(m, 32 + 50, 2);
	maker_put(m, SL_PROTO_TCP << 8 | 3, 2);
	maker_put(m, UINT64_C(0x20010db800000000), 8);
	maker_put(m, 5, 8);
	maker_put(m, UINT64_C(0x20010db800000001), 8);
	maker_put(m, 7, 8);
	memcpy(m->byte + m->length, four.byte + (vlan ? 18 : 14) + 20, 32 + 50);
	m->length += 32 + 50;
	return m->length;
}

static uint32_t sum(const uint8_t *p, uint32_t bytes, uint32_t from)
{
	for (uint32_t i = 0; i < bytes; i += 2)
		from += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (from >> 16)
		from = (from & 0xffff) + (from >> 16);
	return from;
}

static const struct look {
	const char *name;
	bool ip6;
	uint16_t vlan;
} looks[] = {
	{"IPv4", false, 0},
	{"IPv4 behind a tag", false, 20},
	{"IPv6", true, 0},
	{"IPv6 behind a tag", true, 20},
};

static void turned(void **state)
{
	const struct look *look = *state;
	uint32_t l3 = look->vlan ? 18 : 14, l4 = l3 + (look->ip6 ? 40 : 20);
	struct maker was, now;
	struct sl_packet packet = {0};

	make(&was, look->ip6, look->vlan);
	now = was;
	assert_int_equal(sl_reset_turn(now.byte, now.byte + now.length, l3, l4), l4 + 20);
	struct sl_cursor c = {now.byte, now.byte + l4 + 20};

	assert_int_equal(sl_packet_network(&c, l4 + 20, &packet), SL_REASON_MEASURED);
	assert_int_equal(sl_packet_transport(&c, &packet), SL_REASON_MEASURED);
	assert_memory_equal(now.byte, was.byte + 6, 6);
	assert_memory_equal(now.byte + 6, was.byte, 6);
	assert_int_equal(packet.vlan, look->vlan);
	assert_int_equal(packet.ip6, look->ip6);
	assert_int_equal(packet.src_port, 443);
	assert_int_equal(packet.dst_port, 40000);
	assert_int_equal(packet.tcp_flags, SL_TCP_RST);
	assert_true(packet.seq == 0xfffefdfc);
	assert_int_equal(packet.ack, 0);
	assert_int_equal(packet.payload_bytes, 0);
	uint32_t addresses = look->ip6 ? 32 : 8, at = l3 + (look->ip6 ? 8 : 12);

	assert_memory_equal(now.byte + at, was.byte + at + addresses / 2, addresses / 2);
	assert_memory_equal(now.byte + at + addresses / 2, was.byte + at, addresses / 2);
	assert_int_equal(sum(now.byte + l4, 20, sum(now.byte + at, addresses, SL_PROTO_TCP + 20)),
			 0xffff);
	if (!look->ip6)
		assert_int_equal(sum(now.byte + l3, 20, 0), 0xffff);
}

/* Options, or cut short: as it was. */
static void left_alone(void **state)
{
	struct maker was, now;

	make(&was, false, 0);
	for (uint32_t short_by = 1; short_by < 24; short_by++) {
		now = was;
		assert_int_equal(sl_reset_turn(now.byte, now.byte + 54 - short_by, 14, 34), 0);
		assert_memory_equal(now.byte, was.byte, was.length);
	}
	assert_int_equal(sl_reset_turn(now.byte, now.byte + now.length, 14, 38), 0);
	make(&was, true, 0);
	now = was;
	assert_int_equal(sl_reset_turn(now.byte, now.byte + 73, 14, 54), 0);
	assert_int_equal(sl_reset_turn(now.byte, now.byte + now.length, 14, 62), 0);
	assert_memory_equal(now.byte, was.byte, was.length);
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"its next packet comes back", its_next_packet_comes_back},
	{"only towards the LAN", only_towards_the_lan},
	{"a new connection passes", a_new_connection_passes},
	{"not unless the policy says so", not_unless_the_policy_says_so},
	{"what stays is left alone", what_stays_is_left_alone},
	{"what is not open yet may go", what_is_not_open_yet_may_go},
	{"never datagrams", never_datagrams},
	{"options, or cut short: as it was", left_alone},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	SL_ROWS_ADD(&tests, looks, turned);
	return sl_row_run("fastpath reset", &tests);
}
