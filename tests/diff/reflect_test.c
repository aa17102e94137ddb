/*
 * reflect_test.c - the reflector's program, frame by frame: what it turns, what it leaves, each byte
 *
 * A turned frame must be what sl_stamp_reflect() (the socket's) makes of its payload, with
 * headers exchanged and sums made anew here, by another way than the core's.  Times are the
 * kernel's: they are read from the answer, and must be those of the run.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "dataplane/clock.h"
#include "dataplane/stamp.h"
#include "ebpf/maps.h"
#include "tests/unit/row.h"

#include "reflect.skel.h" /* behind reflect.h, whose structs it holds */

#define FRAME_MAX 1700
#define S         UINT64_C(1000000000)
#define NUMBER    0x01020304
#define PAD_BYTE  0xa5
#define DAMAGED   5000

struct frame {
	uint8_t byte[FRAME_MAX];
	uint32_t length;
};

/* A question, and what is odd about it. */
struct spec {
	const char *name;
	bool ip6;
	int tags;
	uint32_t padding; /* of the payload, by the sender */
	uint32_t cut;     /* bytes that the payload lacks */
	uint32_t tail;    /* behind the IP packet, as Ethernet's padding */
	uint32_t lost;    /* bytes that the frame ends too early */
	bool unsummed, bad_sum, bad_ip_sum, foreign, other_address, other_mac, group_mac, other_tag,
		options, fragment, reflectors_port, other_port, short_udp;
	bool rests, spent; /* the state: no agent; no credit */
	bool turned;
};

static const struct spec rows[] = {
	{"IPv4", .turned = true},
	{"IPv6", .ip6 = true, .turned = true},
	{"one tag", .tags = 1, .turned = true},
	{"two tags", .tags = 2, .turned = true},
	{"IPv6, two tags", .ip6 = true, .tags = 2, .turned = true},
	{"padded, an odd length", .padding = 101, .turned = true},
	{"IPv6, as long as may be", .ip6 = true, .padding = 1428, .turned = true},
	{"too long: the socket's", .padding = 1429},
	{"padded by two bytes, and the frame too", .padding = 2, .tail = 6, .turned = true},
	{"IPv4 without a checksum", .unsummed = true, .padding = 3, .turned = true},
	{"IPv6 without a checksum", .ip6 = true, .unsummed = true},
	{"three tags", .tags = 3},
	{"a checksum that does not hold, or was left to a card", .bad_sum = true},
	{"IPv6, the same", .ip6 = true, .bad_sum = true, .padding = 55},
	{"a bad IPv4 header", .bad_ip_sum = true},
	{"who may not ask", .foreign = true},
	{"IPv6, who may not ask", .ip6 = true, .foreign = true},
	{"an address of others", .other_address = true},
	{"IPv6, an address of others", .ip6 = true, .other_address = true},
	{"a MAC of others", .other_mac = true},
	{"from a group's MAC", .group_mac = true},
	{"our address behind another tag", .tags = 1, .other_tag = true},
	{"IPv4 with options", .options = true},
	{"IPv6 with an extension header", .ip6 = true, .options = true},
	{"a fragment", .fragment = true},
	{"too short for STAMP", .cut = 1},
	{"IPv6, too short for STAMP", .ip6 = true, .cut = 1},
	{"a frame that ends early", .lost = 1},
	{"a padded one that ends early", .padding = 300, .lost = 30},
	{"a UDP length less than IP's", .padding = 8, .short_udp = true},
	{"another port", .other_port = true},
	{"another reflector's answer", .reflectors_port = true},
	{"no agent for a while", .rests = true},
	{"over the rate", .spent = true},
};

static const struct sl_reflect_mac our_mac = {{2, 0, 0, 0, 0, 7}, {0}};
static const uint16_t our_tags[2] = {100, 7};
static struct reflect_bpf *skel;
static struct sl_reflect_state *state;

/* ---- frames ---- */

static void put(struct frame *f, uint64_t value, int bytes)
{
	while (bytes--)
		f->byte[f->length++] = (uint8_t)(value >> bytes * 8);
}

static uint32_t l3_of(const struct spec *spec)
{
	return 14 + 4 * (uint32_t)spec->tags;
}

static uint32_t l4_of(const struct spec *spec)
{
	return l3_of(spec) + (spec->ip6 ? 40 : 20) + (spec->options ? 8 : 0);
}

static uint32_t udp_bytes(const struct spec *spec)
{
	return 8 + SL_STAMP_BYTES + spec->padding - spec->cut;
}

static uint32_t naive_sum(const uint8_t *p, uint32_t bytes, uint32_t from)
{
	for (uint32_t i = 0; i < bytes; i++) {
		from += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		from = (from & 0xffff) + (from >> 16);
	}
	return from;
}

static void put16_at(struct frame *f, uint32_t at, uint32_t value)
{
	f->byte[at] = (uint8_t)(value >> 8);
	f->byte[at + 1] = (uint8_t)value;
}

/* The checksums of @f, whose payload has been changed, made anew. */
static void close_sums(struct frame *f, const struct spec *spec)
{
	uint32_t l3 = l3_of(spec), l4 = l4_of(spec), addresses = spec->ip6 ? 32 : 8, sum;

	if (!spec->ip6) {
		put16_at(f, l3 + 10, 0);
		put16_at(f, l3 + 10, ~naive_sum(f->byte + l3, l4 - l3, 0));
	}
	put16_at(f, l4 + 6, 0);
	if (spec->unsummed)
		return;
	sum = naive_sum(f->byte + l3 + (spec->ip6 ? 8 : 12), addresses, 17 + udp_bytes(spec));
	sum = ~naive_sum(f->byte + l4, udp_bytes(spec), sum) & 0xffff;
	put16_at(f, l4 + 6, sum ? sum : 0xffff);
}

static void put_link(struct frame *f, const struct spec *spec)
{
	for (int i = 0; i < 6; i++)
		put(f, our_mac.byte[i] + (i == 5 && spec->other_mac), 1);
	put(f, spec->group_mac ? 0x030000000009 : 0x020000000009, 6);
	for (int i = 0; i < spec->tags; i++) {
		put(f, 0x8100, 2);
		put(f, 0x6000u | ((i < 2 ? our_tags[i] : 9) + spec->other_tag), 2);
	}
	put(f, spec->ip6 ? 0x86dd : 0x0800, 2);
}

static void put_ip6(struct frame *f, const struct spec *spec)
{
	put(f, 0x60012345, 4);
	put(f, udp_bytes(spec) + (spec->options ? 8 : 0), 2);
	put(f, spec->options ? 60 : 17, 1);
	put(f, 61, 1);
	put(f, UINT64_C(0x20010db800000000) + spec->foreign, 8);
	put(f, 0x99, 8);
	put(f, UINT64_C(0x20010db8000000aa), 8);
	put(f, 0x1 + spec->other_address, 8);
	if (spec->options)
		put(f, UINT64_C(0x1100010400000000), 8); /* destination options: PadN */
}

static void put_ip4(struct frame *f, const struct spec *spec)
{
	put(f, spec->options ? 0x47 : 0x45, 1);
	put(f, 0xb8, 1);
	put(f, 20 + udp_bytes(spec) + (spec->options ? 8 : 0), 2);
	put(f, 0x1234, 2);
	put(f, spec->fragment ? 0x2000 : 0x4000, 2);
	put(f, 0x3d11, 2); /* TTL 61, UDP */
	put(f, 0, 2);
	put(f, spec->foreign ? 0xc0000209 : 0xc6336409, 4);
	put(f, 0xcb007101 + spec->other_address, 4);
	if (spec->options)
		put(f, UINT64_C(0x0101010101010100), 8);
}

static void build(struct frame *f, const struct spec *spec)
{
	f->length = 0;
	put_link(f, spec);
	if (spec->ip6)
		put_ip6(f, spec);
	else
		put_ip4(f, spec);
	put(f, spec->reflectors_port ? 862 : 50123, 2);
	put(f, spec->other_port ? 863 : 862, 2);
	put(f, udp_bytes(spec) - spec->short_udp, 2);
	put(f, 0, 2);
	sl_stamp_write(f->byte + f->length, NUMBER, UINT64_C(1795608000) * S + 77);
	memset(f->byte + f->length + 14, 0x5c, 30); /* MBZ, which some do not zero */
	f->length += SL_STAMP_BYTES - spec->cut;
	for (uint32_t i = 0; i < spec->padding + spec->tail; i++)
		put(f, PAD_BYTE + i, 1);
	close_sums(f, spec);
	f->byte[l4_of(spec) + 7] ^= spec->bad_sum;
	f->byte[l3_of(spec) + 10] ^= spec->bad_ip_sum;
	f->length -= spec->lost;
}

/* ---- the two machines ---- */

static struct sl_reflect_local own_of(const struct spec *spec)
{
	static const uint8_t ip4[4] = {0xcb, 0, 0x71, 1},
			     ip6[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0xaa, [15] = 1};
	struct sl_reflect_local own = {.ifindex = 1};

	if (spec->ip6)
		memcpy(&own.address, ip6, 16);
	else
		own.address = sl_reflect_mapped(ip4);
	for (int i = 0; i < spec->tags && i < 2; i++)
		own.vlan[i] = our_tags[i];
	return own;
}

static uint64_t offset_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec - sl_clock_ns();
}

static void set_state(const struct spec *spec)
{
	uint64_t now_ns = sl_clock_ns();

	*state = (struct sl_reflect_state){
		.valid_until_ns = spec->rests ? now_ns - 1 : now_ns + 60 * S,
		.unix_offset_ns = offset_ns(),
		.allows = 2,
		.allow = {{sl_reflect_mapped((const uint8_t[]){0xc6, 0x33, 0x64, 0}),
			   {{UINT64_MAX, UINT64_C(0x00ffffffffffffff)}}}},
		.paid_until_ns = spec->spent ? now_ns + 60 * S : 0,
	};
	/* 2001:db8::/64 */
	memcpy(&state->allow[1].network, (const uint8_t[16]){0x20, 1, 0x0d, 0xb8}, 16);
	state->allow[1].mask = (struct sl_reflect_address){{UINT64_MAX, 0}};
	sl_reflect_set_rate(state, 1000);
}

/* By the program in the kernel; is the answer sent? */
static bool run(const struct spec *spec, const struct frame *in, struct frame *out)
{
	struct sl_reflect_local own = own_of(spec);
	int own_fd = bpf_map__fd(skel->maps.sl_own);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->byte, .data_size_in = in->length,
		    .data_out = out->byte, .data_size_out = sizeof(out->byte));

	assert_int_equal(bpf_map_update_elem(own_fd, &own, &our_mac, BPF_ANY), 0);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.sl_reflect), &opts), 0);
	assert_int_equal(bpf_map_delete_elem(own_fd, &own), 0);
	out->length = opts.data_size_out;
	assert_true(opts.retval == 2 || opts.retval == 3); /* XDP_PASS, XDP_TX */
	return opts.retval == 3;
}

/* By the same headers here, in the program's order. */
static bool run_here(const struct spec *spec, struct frame *f, uint64_t received_ns,
		     uint64_t replied_ns)
{
	struct sl_reflect_question q = {0};
	struct sl_reflect_local own = own_of(spec);
	const uint8_t *end = f->byte + f->length;
	uint64_t now_ns = sl_clock_ns();

	if (state->valid_until_ns < now_ns || !sl_reflect_read(f->byte, end, &q))
		return false;
	q.to.ifindex = 1;
	return !memcmp(&own, &q.to, sizeof(own)) && sl_reflect_is_for(f->byte, &our_mac) &&
	       sl_reflect_may_ask(state, &q.from) &&
	       (!q.summed ||
		sl_reflect_holds(&q, sl_reflect_sum(f->byte + q.l4, end, q.udp_bytes))) &&
	       sl_reflect_pay(state, now_ns) &&
	       sl_reflect_turn(f->byte, end, &q, received_ns, replied_ns);
}

/* ---- what an answer is ---- */

static void exchange(struct frame *f, uint32_t a, uint32_t b, uint32_t bytes)
{
	uint8_t kept[16];

	memcpy(kept, f->byte + a, bytes);
	memcpy(f->byte + a, f->byte + b, bytes);
	memcpy(f->byte + b, kept, bytes);
}

static void expected(struct frame *f, const struct spec *spec, uint64_t received_ns,
		     uint64_t replied_ns)
{
	uint32_t l3 = l3_of(spec), l4 = l4_of(spec), hops = l3 + (spec->ip6 ? 7 : 8);

	exchange(f, 0, 6, 6);
	exchange(f, l3 + (spec->ip6 ? 8 : 12), l3 + (spec->ip6 ? 24 : 16), spec->ip6 ? 16 : 4);
	exchange(f, l4, l4 + 2, 2);
	assert_true(sl_stamp_reflect(f->byte + l4 + 8, udp_bytes(spec) - 8, f->byte[hops],
				     received_ns, replied_ns));
	f->byte[hops] = 255;
	close_sums(f, spec);
}

/* The ns whose NTP form stands at @at: reading it rounds down. */
static uint64_t time_at(const uint8_t *at, uint64_t read_ns)
{
	uint8_t again[8];

	sl_reflect_put_time(again, read_ns);
	return read_ns + (memcmp(again, at, 8) != 0);
}

static void is_answer(const struct spec *spec, const struct frame *asked, const struct frame *out,
		      uint64_t began_ns, uint64_t ended_ns)
{
	const uint8_t *stamp = out->byte + l4_of(spec) + 8;
	struct frame want = *asked, here = *asked;
	struct sl_stamp_times times;
	uint32_t number;

	assert_true(sl_stamp_read(stamp, udp_bytes(spec) - 8, 0, &number, &times));
	assert_int_equal(number, NUMBER);
	times.received_ns = time_at(stamp + 16, times.received_ns);
	times.replied_ns = time_at(stamp + 4, times.replied_ns);
	assert_in_range(times.received_ns, began_ns, times.replied_ns);
	assert_in_range(times.replied_ns, times.received_ns, ended_ns);
	expected(&want, spec, times.received_ns, times.replied_ns);
	assert_int_equal(out->length, want.length);
	assert_memory_equal(out->byte, want.byte, want.length);
	assert_true(run_here(spec, &here, times.received_ns, times.replied_ns));
	assert_memory_equal(here.byte, want.byte, want.length);
}

static void turns(void **arg)
{
	const struct spec *spec = *arg;
	static struct frame asked, out, here;
	uint64_t began_ns, ended_ns;
	bool turned;

	build(&asked, spec);
	set_state(spec);
	began_ns = sl_clock_ns() + state->unix_offset_ns;
	turned = run(spec, &asked, &out);
	ended_ns = sl_clock_ns() + state->unix_offset_ns;
	assert_int_equal(turned, spec->turned);
	assert_int_equal(state->reflected, turned);
	if (turned) {
		is_answer(spec, &asked, &out, began_ns, ended_ns);
		return;
	}
	here = asked;
	assert_false(run_here(spec, &here, S, S));
	assert_int_equal(out.length, asked.length);
	assert_memory_equal(out.byte, asked.byte, asked.length); /* untouched for the kernel */
	assert_memory_equal(here.byte, asked.byte, asked.length);
}

/* One a second: one at once, of whatever CPU, and none while the socket has spent it. */
static void pays(void **arg)
{
	const struct spec *plain = &rows[0];
	static struct frame asked, out;

	build(&asked, plain);
	set_state(plain);
	sl_reflect_set_rate(state, 1);
	assert_true(run(plain, &asked, &out));
	assert_false(run(plain, &asked, &out));
	assert_false(sl_reflect_pay(state, sl_clock_ns()));
	set_state(plain);
	sl_reflect_set_rate(state, 1);
	assert_true(sl_reflect_pay(state, sl_clock_ns()));
	assert_false(run(plain, &asked, &out));
}

/* @asked, damaged: both machines judge alike, and what they turn is alike. */
static void is_alike(const struct spec *spec, const struct frame *asked)
{
	static struct frame out, here;
	struct sl_reflect_question q = {0};
	struct sl_stamp_times times = {0};
	bool turned = run(spec, asked, &out);
	uint32_t number;

	here = *asked;
	if (turned) {
		const uint8_t *stamp;

		assert_true(sl_reflect_read(asked->byte, asked->byte + asked->length, &q));
		stamp = out.byte + q.l4 + 8;
		assert_true(sl_stamp_read(stamp, SL_STAMP_BYTES, 0, &number, &times));
		times.received_ns = time_at(stamp + 16, times.received_ns);
		times.replied_ns = time_at(stamp + 4, times.replied_ns);
	}
	assert_int_equal(run_here(spec, &here, times.received_ns, times.replied_ns), turned);
	assert_int_equal(out.length, here.length);
	assert_memory_equal(out.byte, here.byte, here.length);
}

static void damaged(void **arg)
{
	static struct frame asked;
	uint32_t seed = 862, turned = 0;

	for (uint32_t i = 0; i < DAMAGED; i++) {
		const struct spec *spec = &rows[i % 11]; /* those that are turned, as a rule */

		build(&asked, spec);
		seed = seed * 1664525 + 1013904223;
		asked.byte[(seed >> 8) % asked.length] ^= (uint8_t)(1u << (seed & 7));
		if (seed >> 30 == 0) /* so that it is not all for the checksum to find */
			close_sums(&asked, spec);
		if (seed >> 29 == 7)
			asked.length -= (seed >> 16) % (asked.length - 14);
		set_state(spec);
		is_alike(spec, &asked);
		turned += (uint32_t)state->reflected;
	}
	assert_in_range(turned, DAMAGED / 20, DAMAGED - DAMAGED / 20);
}

/* What it costs the verifier, too: as budget_test.c asks of the others. */
static bool load(void)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	skel = reflect_bpf__open_and_load();
	if (!skel && (errno == EPERM || errno == ENOSYS))
		return false;
	assert_non_null(skel);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.sl_state), 0);
	assert_true(state != MAP_FAILED);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(skel->progs.sl_reflect), &info,
						&size),
			 0);
	print_message("sl_reflect: %u instructions for the verifier\n", info.verified_insns);
	assert_in_range(info.verified_insns, 1, 50000);
	return true;
}

int main(void)
{
	static struct sl_row_tests tests;
	int failed;

	if (!load()) {
		print_message("not permitted to load BPF programs\n");
		return 77;
	}
	SL_ROWS_ADD(&tests, rows, turns);
	sl_row_add(&tests, "damaged frames", damaged, NULL);
	sl_row_add(&tests, "a bucket with the socket", pays, NULL);
	failed = sl_row_run("reflect", &tests);
	munmap(state, sizeof(*state));
	reflect_bpf__destroy(skel);
	return failed;
}
