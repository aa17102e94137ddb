/*
 * rewrite_test.c - what engines make of a frame's bytes: a smaller MSS, another DSCP, a RST
 *
 * The core says what is to be done, and the same to all engines (captures, mutations); here
 * the bytes are looked at as they leave XDP and tc in the kernel, and a DPDK worker's ports.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "dataplane/fastpath/pipeline.h"
#include "dataplane/xdp.h"
#include "dataplane/xdp_private.h"
#include "tests/diff/rings.h"
#include "tests/unit/remark_frames.h"
#include "tests/unit/row.h"

#include "storeline.skel.h" /* behind xdp_private.h, whose structs it needs */

#define FRAME_MAX 128
#define SECOND_NS UINT64_C(1000000000)

struct bytes {
	uint8_t byte[FRAME_MAX];
	uint32_t length;
};

static struct sl_engine *engine;
static uint64_t now_ns = SECOND_NS;
static struct sl_tables tables = {
	.generation = 1,
	.services = 1,
	.uplinks = 2,
	.mark_base = 0x5100,
	.hash_seed = 9,
	.service[0] = {.flow_quota = 1000, .reset = 1},
};

/* Opened once: what the verifier needs for it is most of the time. */
static void open_xdp(void)
{
	const struct sl_xdp_config config = {.tables = &tables, .flows = 1000, .replay = true};
	char why[SL_TEXT_MAX];
	cpu_set_t first;
	int err;

	CPU_ZERO(&first);
	CPU_SET(sched_getcpu(), &first);
	sched_setaffinity(0, sizeof(first), &first);
	err = sl_xdp_open(&config, &engine, why, sizeof(why));
	if (err == -EPERM || err == -ENOSYS) {
		print_message("%s\n", why);
		skip();
	}
	if (err)
		fail_msg("%s", why);
}

/* No flow, and the knobs as they were. */
static void set_up(void)
{
	if (!engine)
		open_xdp();
	assert_int_equal(sl_xdp_reset(engine), 0);
	engine->ops->tables(engine)->knobs = tables.knobs;
	engine->ops->tables(engine)->inner = tables.inner;
}

/* ---- frames ---- */

static void put(struct bytes *b, uint64_t value, int bytes)
{
	while (bytes--)
		b->byte[b->length++] = (uint8_t)(value >> bytes * 8);
}

static uint32_t sum(const uint8_t *p, uint32_t bytes, uint32_t from)
{
	for (uint32_t i = 0; i < bytes; i++)
		from += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (from >> 16)
		from = (from & 0xffff) + (from >> 16);
	return from;
}

struct spec {
	bool ip6, tag, back; /* back: from the server */
	uint8_t flags;
	uint16_t port;
	uint32_t seq, ack;
	uint8_t options[8]; /* of a SYN */
};

static uint32_t l3_of(const struct spec *spec)
{
	return spec->tag ? 18 : 14;
}

static uint32_t l4_of(const struct spec *spec)
{
	return l3_of(spec) + (spec->ip6 ? 40 : 20);
}

static void put_addresses(struct bytes *b, const struct spec *spec)
{
	for (int end = 0; end < 2; end++) {
		bool server = (end == 1) != spec->back;

		if (spec->ip6)
			put(b, UINT64_C(0x20010db800000000), 8);
		put(b,
		    spec->ip6 ? (server ? 7u : 5u)
		    : server  ? 0xcb007107u
			      : 0x0a2a1405u,
		    spec->ip6 ? 8 : 4);
	}
}

/* Its transport header's checksum, over the pseudo-header: 0xffff when it holds. */
static uint32_t checked(const struct bytes *b, const struct spec *spec)
{
	uint32_t addresses = spec->ip6 ? 32 : 8, l4 = l4_of(spec), length = b->length - l4;

	return sum(b->byte + l4, length,
		   sum(b->byte + l4 - addresses, addresses, SL_PROTO_TCP + length));
}

/* The checksum of its IPv4 header (RFC 791 3.1). */
static void close_ip4(struct bytes *b, const struct spec *spec)
{
	uint8_t *ip = b->byte + l3_of(spec);

	if (spec->ip6)
		return;
	ip[10] = ip[11] = 0;
	uint32_t check = ~sum(ip, 20, 0) & 0xffff;

	ip[10] = (uint8_t)(check >> 8);
	ip[11] = (uint8_t)check;
}

static void make(struct bytes *b, const struct spec *spec)
{
	bool syn = spec->flags & SL_TCP_SYN;
	uint32_t tcp = syn ? 28 : 20, payload = syn ? 0 : 21, l4 = l4_of(spec);

	memset(b, 0, sizeof(*b));
	put(b, 0x020000000001, 6);
	put(b, 0x020000000002, 6);
	if (spec->tag)
		put(b, 0x81000014, 4);
	put(b, spec->ip6 ? 0x86dd : 0x0800, 2);
	if (spec->ip6)
		put(b, UINT64_C(0x60000000) << 32 | (tcp + payload) << 16 | SL_PROTO_TCP << 8 | 64,
		    8);
	else
		put(b, UINT64_C(0x4500) << 48 | (uint64_t)(20 + tcp + payload) << 32, 8);
	if (!spec->ip6)
		put(b, 0x40000000u | SL_PROTO_TCP << 16, 4);
	put_addresses(b, spec);
	put(b, spec->back ? 443u << 16 | spec->port : (uint32_t)spec->port << 16 | 443, 4);
	put(b, spec->seq, 4);
	put(b, spec->ack, 4);
	put(b, tcp / 4 << 12 | spec->flags, 2);
	put(b, UINT64_C(500) << 32, 6);
	for (int i = 0; syn && i < 8; i++)
		put(b, spec->options[i], 1);
	b->length += payload;
	uint32_t check = ~checked(b, spec) & 0xffff;

	b->byte[l4 + 16] = (uint8_t)(check >> 8);
	b->byte[l4 + 17] = (uint8_t)check;
	close_ip4(b, spec);
}

/* Run @in through XDP or tc as the port's side says; what leaves is in *@out.  The verdict. */
static uint32_t run(bool tc, const struct spec *spec, const struct bytes *in, struct bytes *out)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->byte, .data_size_in = in->length,
		    .data_out = out->byte, .data_size_out = FRAME_MAX, .repeat = 1);
	const struct bpf_program *program =
		tc ? xdp->skel->progs.sl_tc_egress : xdp->skel->progs.sl_xdp;

	now_ns += 1000000;
	*xdp->clock = (struct sl_clock){.now_ns = now_ns,
					.wire_bytes = in->length,
					.side = spec->back ? SL_SIDE_WAN : SL_SIDE_LAN};
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(program), &opts), 0);
	out->length = opts.data_size_out;
	return opts.retval;
}

/* ---- the MSS ---- */

static const struct row {
	const char *name;
	bool tc;
	struct spec spec;
	uint32_t at;  /* of the MSS among the options */
	uint16_t mss; /* afterwards */
} rows[] = {
	{"XDP: a SYN",
	 false,
	 {.flags = SL_TCP_SYN, .options = {2, 4, 5, 180, 1, 1, 1, 1}},
	 2,
	 1240},
	{"XDP: behind a tag",
	 false,
	 {.tag = true, .flags = SL_TCP_SYN, .options = {2, 4, 5, 180, 1, 1, 1, 1}},
	 2,
	 1240},
	{"XDP: IPv6",
	 false,
	 {.ip6 = true, .flags = SL_TCP_SYN, .options = {2, 4, 5, 160}},
	 2,
	 1220},
	{"XDP: at an odd place",
	 false,
	 {.flags = SL_TCP_SYN, .options = {1, 2, 4, 5, 180, 1, 1, 1}},
	 3,
	 1240},
	{"XDP: small enough", false, {.flags = SL_TCP_SYN, .options = {2, 4, 2, 24}}, 2, 536},
	{"tc: a SYN-ACK",
	 true,
	 {.back = true, .flags = SL_TCP_SYN | SL_TCP_ACK, .options = {2, 4, 5, 180}},
	 2,
	 1240},
	{"tc: IPv6 behind a tag",
	 true,
	 {.ip6 = true,
	  .tag = true,
	  .back = true,
	  .flags = SL_TCP_SYN | SL_TCP_ACK,
	  .options = {2, 4, 5, 160}},
	 2,
	 1220},
	{"tc: at an odd place",
	 true,
	 {.back = true, .flags = SL_TCP_SYN | SL_TCP_ACK, .options = {1, 2, 4, 5, 180, 1, 1, 1}},
	 3,
	 1240},
};

static void clamped(void **state)
{
	const struct row *row = *state;
	struct spec spec = row->spec;
	struct bytes in, out = {.length = 0};

	set_up();
	engine->ops->tables(engine)->knobs.clamp_bytes[0] = 1280;
	spec.port = 40000;
	spec.seq = 100;
	make(&in, &spec);
	assert_int_equal(run(row->tc, &spec, &in, &out), row->tc ? UINT32_MAX : 2);
	assert_int_equal(out.length, in.length);
	uint32_t at = l4_of(&spec) + 20 + row->at;

	assert_int_equal(out.byte[at] << 8 | out.byte[at + 1], row->mss);
	assert_int_equal(checked(&out, &spec), 0xffff);
	/* Nothing else has changed. */
	memcpy(out.byte + at, in.byte + at, 2);
	memcpy(out.byte + l4_of(&spec) + 16, in.byte + l4_of(&spec) + 16, 2);
	assert_memory_equal(out.byte, in.byte, in.length);
}

/* ---- the DSCP ---- */

static uint64_t counted(void)
{
	const struct sl_stats *stats;
	uint64_t sum = 0;

	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++)
		for (int i = 0; i < SL_PATHS_MAX; i++)
			sum += stats->path[i].remarked;
	return sum;
}

/* As the host writes it (unit, remark), so do both programs. */
static void remarked(void **state)
{
	const struct remark_frame *frame = *state;
	struct bytes in = {.length = 0}, want, out = {.length = 0};
	bool changes;

	_Static_assert(FRAME_MAX == REMARK_BYTES, "the frames fit");
	set_up();
	engine->ops->tables(engine)->knobs.remark[0] = SL_REMARK | frame->dscp;
	engine->ops->tables(engine)->inner = frame->inside ? UINT32_MAX : 0;
	want.length = in.length = remark_make(frame, in.byte, want.byte);
	changes = remark_changes(frame, in.byte);
	for (uint64_t tc = 0; tc < 2; tc++) {
		assert_int_equal(run(tc, &(struct spec){.back = false}, &in, &out),
				 tc ? UINT32_MAX : 2);
		assert_int_equal(out.length, want.length);
		assert_memory_equal(out.byte, want.byte, want.length);
		assert_int_equal(counted(), changes * (tc + 1));
	}
}

static void from_the_wan_it_stays(void **state)
{
	struct bytes in = {.length = 0}, want, out = {.length = 0};

	set_up();
	engine->ops->tables(engine)->knobs.remark[0] = SL_REMARK | remark_frames[0].dscp;
	in.length = remark_make(&remark_frames[0], in.byte, want.byte);
	assert_int_equal(run(false, &(struct spec){.back = true}, &in, &out), 2);
	assert_memory_equal(out.byte, in.byte, in.length);
	assert_int_equal(counted(), 0);
}

/* ---- the RST ---- */

/* The first packet of a connection, which leaves by uplink 0 in this form. */
static struct spec first_of(const struct spec *kind)
{
	struct spec spec = *kind;

	spec.flags = SL_TCP_ACK;
	spec.port = 40001;
	spec.seq = 101;
	spec.ack = 501;
	return spec;
}

static void move_hard(struct sl_engine *e)
{
	e->ops->tables(e)->knobs.steer[0] = (struct sl_steer){.uplink = 1, .move_epoch = 1};
}

/* What XDP makes of @in, the second time, when its connection cannot move. */
static void turn(const struct spec *spec, const struct bytes *in, struct bytes *out)
{
	assert_int_equal(run(false, spec, in, out), 2);
	assert_int_equal(out->length, in->length);
	assert_memory_equal(out->byte, in->byte, in->length);
	move_hard(engine);
	assert_int_equal(run(false, spec, in, out), 3); /* XDP_TX */
	assert_int_equal(checked(out, spec), 0xffff);
}

static const struct spec turn_rows[] = {{.tag = false},
					{.tag = true},
					{.ip6 = true},
					{.ip6 = true, .tag = true}};

static void turned(void **state)
{
	struct spec spec = first_of(*state);
	struct bytes in, want, out = {.length = 0};

	set_up();
	make(&in, &spec);
	want = in;
	want.length = sl_reset_turn(want.byte, want.byte + want.length, l3_of(&spec), l4_of(&spec));
	turn(&spec, &in, &out);
	assert_int_equal(out.length, want.length);
	assert_memory_equal(out.byte, want.byte, want.length);
}

/* ---- the same by DPDK ---- */

static void turned_by_dpdk(void **state)
{
	struct spec spec = first_of(*state);
	struct bytes in, want = {.length = 0}, out = {.length = 0};
	struct sl_engine *dpdk;

	set_up();
	make(&in, &spec);
	dpdk = rings_open(true, &tables);
	memcpy(in.byte, rings_own(dpdk, RINGS_LAN), 6);
	turn(&spec, &in, &want);
	/* Tags are the kernel's to forward. */
	rings_pass(dpdk, RINGS_LAN, spec.tag ? RINGS_KERNEL : RINGS_FIBRE, in.byte, in.length,
		   out.byte, FRAME_MAX);
	move_hard(dpdk);
	out.length =
		rings_pass(dpdk, RINGS_LAN, RINGS_LAN, in.byte, in.length, out.byte, FRAME_MAX);
	assert_int_equal(out.length, want.length);
	assert_memory_equal(out.byte, want.byte, want.length);
	rings_close(dpdk);
}

#define SYN    .flags = SL_TCP_SYN
#define SYNACK .back = true, .flags = SL_TCP_SYN | SL_TCP_ACK
#define FIRST4 .options = {2, 4, 5, 180, 1, 1, 1, 1}
#define FIRST6 .options = {2, 4, 5, 160}

static const struct dpdk_row {
	const char *name;
	bool gateway;
	struct spec spec;
	bool stays; /* small enough */
} dpdk_rows[] = {
	{"DPDK wire: a SYN", false, {SYN, FIRST4}, false},
	{"DPDK wire: behind a tag", false, {.tag = true, SYN, FIRST4}, false},
	{"DPDK wire: IPv6", false, {.ip6 = true, SYN, FIRST6}, false},
	{"DPDK wire: IPv6 behind a tag", false, {.ip6 = true, .tag = true, SYN, FIRST6}, false},
	{"DPDK wire: a SYN-ACK", false, {SYNACK, FIRST4}, false},
	{"DPDK wire: a SYN-ACK behind a tag", false, {.tag = true, SYNACK, FIRST4}, false},
	{"DPDK wire: a SYN-ACK of IPv6", false, {.ip6 = true, SYNACK, FIRST6}, false},
	{"DPDK wire: at an odd place", false, {SYN, .options = {1, 2, 4, 5, 180, 1, 1, 1}}, false},
	{"DPDK wire: small enough", false, {SYN, .options = {2, 4, 2, 24}}, true},
	{"DPDK gateway: a SYN", true, {SYN, FIRST4}, false},
	{"DPDK gateway: IPv6", true, {.ip6 = true, SYN, FIRST6}, false},
	{"DPDK gateway: a SYN-ACK", true, {SYNACK, FIRST4}, false},
	{"DPDK gateway: a SYN-ACK of IPv6", true, {.ip6 = true, SYNACK, FIRST6}, false},
};

/* What a router changes: whom it is for and from, and one hop less to live. */
static void route(struct bytes *b, const struct spec *spec, const uint8_t *to, const uint8_t *from)
{
	memcpy(b->byte, to, 6);
	memcpy(b->byte + 6, from, 6);
	b->byte[l3_of(spec) + (spec->ip6 ? 7 : 8)]--;
	close_ip4(b, spec);
}

static void clamped_by_dpdk(void **state)
{
	const struct dpdk_row *row = *state;
	struct spec spec = row->spec;
	int from = spec.back ? RINGS_FIBRE : RINGS_LAN, to = spec.back ? RINGS_LAN : RINGS_FIBRE;
	struct bytes in, want = {.length = 0}, out = {.length = 0};
	struct sl_engine *dpdk;

	set_up();
	spec.port = 40000;
	spec.seq = 100;
	make(&in, &spec);
	dpdk = rings_open(row->gateway, &tables);
	memcpy(in.byte, rings_own(dpdk, from), 6);
	engine->ops->tables(engine)->knobs.clamp_bytes[0] = 1280;
	dpdk->ops->tables(dpdk)->knobs.clamp_bytes[0] = 1280;
	run(spec.back, &spec, &in, &want);
	assert_int_equal(!memcmp(in.byte, want.byte, in.length), row->stays);
	if (row->gateway)
		route(&want, &spec, rings_mac[to], rings_own(dpdk, to));
	out.length = rings_pass(dpdk, from, to, in.byte, in.length, out.byte, FRAME_MAX);
	assert_int_equal(out.length, want.length);
	assert_memory_equal(out.byte, want.byte, want.length);
	assert_int_equal(checked(&out, &spec), 0xffff);
	rings_close(dpdk);
}

static void add_turns(struct sl_row_tests *tests)
{
	static const char *const names[][2] = {
		{"a packet that cannot move comes back: IPv4", "DPDK: comes back: IPv4"},
		{"the same behind a tag", "DPDK: comes back: behind a tag"},
		{"the same of IPv6", "DPDK: comes back: IPv6"},
		{"the same of IPv6 behind a tag", "DPDK: comes back: IPv6 behind a tag"},
	};

	for (int i = 0; i < 4; i++) {
		sl_row_add(tests, names[i][0], turned, &turn_rows[i]);
		sl_row_add(tests, names[i][1], turned_by_dpdk, &turn_rows[i]);
	}
}

int main(void)
{
	static struct sl_row_tests tests;
	int failed;

	rings_alone(); /* where it may not, XDP may not either, and each row is skipped */
	SL_ROWS_ADD(&tests, rows, clamped);
	SL_ROWS_ADD(&tests, dpdk_rows, clamped_by_dpdk);
	SL_ROWS_ADD(&tests, remark_frames, remarked);
	sl_row_add(&tests, "from the WAN it stays", from_the_wan_it_stays, NULL);
	add_turns(&tests);
	failed = sl_row_run("diff rewrite", &tests);
	if (engine)
		engine->ops->close(engine, true);
	return failed;
}
