/*
 * attack.c - the till's traffic, and the way of a frame into the engine
 */
#include "tests/unit/fastpath/attack.h"

#include <stdlib.h>

#include "tests/unit/row.h"

#define MS_NS    UINT64_C(1000000)
#define LAN_NS   (300 * UINT64_C(1000))
#define WAN_NS   (20 * MS_NS)
#define RESOLVE  (8 * MS_NS)
#define ROUNDS   60
#define REQUEST  400
#define RESPONSE 1200

static struct sl_tables policy(uint32_t guest_quota)
{
	struct sl_tables tables = {
		.generation = 1, .rules = 2, .services = 3, .uplinks = 1, .hash_seed = 99};

	tables.rule[0] = (struct sl_rule){.src = {0, UINT64_C(0xffff0a2a4000)},
					  .src_mask = {UINT64_MAX, UINT64_MAX << 14},
					  .dst_port_max = 65535,
					  .service = ATTACK_GUEST};
	tables.rule[1] = (struct sl_rule){.src = {0, UINT64_C(0xffff0a000000)},
					  .src_mask = {UINT64_MAX, UINT64_MAX << 16},
					  .dst_port_max = 65535,
					  .service = ATTACK_POS};
	tables.service[ATTACK_POS] = (struct sl_service){.flow_quota = 700, .priority = 3};
	tables.service[ATTACK_GUEST] = (struct sl_service){.flow_quota = guest_quota};
	tables.service[SL_SERVICE_OTHER] = (struct sl_service){.flow_quota = 100, .priority = 1};
	return tables;
}

/* ---- the till ---- */

/* One connection while it is written down. */
struct till {
	struct attack *attack;
	uint32_t number;
	uint64_t t_ns;
	uint32_t seq[2];   /* by sender: 0 = the till */
	uint32_t echo[2];  /* the last TSval that the other side sent */
	uint32_t stamp[2]; /* where TSvals begin */
};

static struct maker_spec segment_of(uint32_t till, bool from_till)
{
	struct maker_spec there = {.src = ATTACK_TILL + till,
				   .dst = ATTACK_SERVER,
				   .src_port = (uint16_t)(50000 + till),
				   .dst_port = 443,
				   .proto = SL_PROTO_TCP};
	struct maker_spec back = there;

	back.src = there.dst;
	back.dst = there.src;
	back.src_port = there.dst_port;
	back.dst_port = there.src_port;
	return from_till ? there : back;
}

static void note(struct attack *attack, uint64_t t_ns, enum sl_side side,
		 const struct maker_spec *spec)
{
	assert_true(attack->events < ATTACK_EVENTS);
	attack->event[attack->events++] =
		(struct attack_event){.t_ns = t_ns, .side = side, .spec = *spec};
}

/* @from (0 = the till) sends now, from @seq on. */
static void say(struct till *till, uint32_t from, uint8_t flags, uint16_t payload, uint32_t seq)
{
	struct maker_spec spec = segment_of(till->number, from == 0);

	spec.tcp_flags = flags;
	spec.payload = payload;
	spec.seq = seq;
	spec.ack = flags & SL_TCP_ACK ? till->seq[1 - from] : 0;
	spec.tsval = till->stamp[from] + (uint32_t)(till->t_ns / MS_NS);
	spec.tsecr = till->echo[from];
	till->echo[1 - from] = spec.tsval;
	note(till->attack, till->t_ns, from ? SL_SIDE_WAN : SL_SIDE_LAN, &spec);
}

static void say_next(struct till *till, uint32_t from, uint8_t flags, uint16_t payload)
{
	say(till, from, flags, payload, till->seq[from]);
	till->seq[from] += payload + !!(flags & (SL_TCP_SYN | SL_TCP_FIN));
}

static void open_connection(struct till *till)
{
	say_next(till, 0, SL_TCP_SYN, 0);
	till->t_ns += WAN_NS;
	say_next(till, 1, SL_TCP_SYN | SL_TCP_ACK, 0);
	till->t_ns += LAN_NS;
	say_next(till, 0, SL_TCP_ACK, 0);
}

/* A request, and its answer in two segments; some requests are lost behind us and sent again. */
static void exchange(struct till *till, uint32_t round)
{
	uint32_t seq = till->seq[0];

	say_next(till, 0, SL_TCP_ACK | SL_TCP_PSH, REQUEST);
	if (round % 7 == 3) {
		till->t_ns += 200 * MS_NS;
		say(till, 0, SL_TCP_ACK | SL_TCP_PSH, REQUEST, seq);
	}
	till->t_ns += WAN_NS + till->number * MS_NS;
	say_next(till, 1, SL_TCP_ACK, 0);
	till->t_ns += 3 * MS_NS; /* the server thinks */
	say_next(till, 1, SL_TCP_ACK, RESPONSE);
	say_next(till, 1, SL_TCP_ACK | SL_TCP_PSH, RESPONSE);
	till->t_ns += LAN_NS;
	say_next(till, 0, SL_TCP_ACK, 0);
	till->t_ns += 50 * MS_NS;
}

/* It stays open: a new SYN on the ports of a closed one is believed, as it must be. */
static void connection(struct attack *attack, uint32_t number)
{
	struct till till = {.attack = attack,
			    .number = number,
			    .t_ns = 10 * ATTACK_SECOND_NS + number * 7 * MS_NS,
			    .seq = {number * 0x29000000u + 5, number * 0x31000000u + 9},
			    .stamp = {number * 0x11000000u + 77, number * 0x23000000u + 3}};

	open_connection(&till);
	for (uint32_t round = 0; round < ROUNDS; round++)
		exchange(&till, round);
}

/* A resolver is asked by one socket, as by dnsmasq; and a large datagram goes out in two pieces. */
static void datagrams(struct attack *attack)
{
	for (uint32_t i = 0; i < 4 * ROUNDS; i++) {
		uint64_t t_ns = 10 * ATTACK_SECOND_NS + i * 25 * MS_NS;
		struct maker_spec ask = {.src = ATTACK_TILL,
					 .dst = ATTACK_DNS,
					 .src_port = 33333,
					 .dst_port = 53,
					 .proto = SL_PROTO_UDP,
					 .payload = 40,
					 .head = {(0x1234 + i * 7919) << 16 | 0x100}};
		struct maker_spec answer = ask, first = ask, later;

		answer.src = ask.dst;
		answer.dst = ask.src;
		answer.src_port = 53;
		answer.dst_port = 33333;
		answer.head[0] |= 0x8080;
		note(attack, t_ns, SL_SIDE_LAN, &ask);
		note(attack, t_ns + RESOLVE, SL_SIDE_WAN, &answer);
		first.dst_port = 5000;
		first.id = (uint16_t)i;
		first.fragment = 0x2000;
		later = first;
		later.fragment = 6;
		note(attack, t_ns + MS_NS, SL_SIDE_LAN, &first);
		note(attack, t_ns + MS_NS + 200000, SL_SIDE_LAN, &later);
	}
}

static int by_time(const void *x, const void *y)
{
	const struct attack_event *a = x, *b = y;

	if (a->t_ns != b->t_ns)
		return a->t_ns < b->t_ns ? -1 : 1;
	return a->spec.seq < b->spec.seq ? -1 : a->spec.seq > b->spec.seq;
}

/* ---- the attacker ---- */

uint32_t attack_word(struct attack *attack)
{
	attack->dice ^= attack->dice >> 12;
	attack->dice ^= attack->dice << 25;
	attack->dice ^= attack->dice >> 27;
	return (uint32_t)((attack->dice * UINT64_C(2685821657736338717)) >> 32);
}

uint32_t attack_dice(struct attack *attack, uint32_t limit)
{
	return (uint32_t)((uint64_t)attack_word(attack) * limit >> 32);
}

struct maker_spec attack_blind(struct attack *attack, uint32_t till, bool from_till)
{
	struct maker_spec spec = segment_of(till, from_till);

	spec.seq = attack_word(attack);
	spec.ack = attack_word(attack);
	spec.tsval = attack_word(attack) | 1;
	spec.tsecr = attack_word(attack);
	return spec;
}

static void run_frame(struct attack *attack, const struct maker *made, enum sl_side side)
{
	struct sl_frame frame = {.t_ns = attack->now_ns,
				 .wire_bytes = made->length,
				 .length = made->length,
				 .bytes = made->byte};
	const struct sl_work *work;

	assert_int_equal(sl_host_packet(attack->engine, &frame, side, &work), 0);
}

void attack_send_made(struct attack *attack, const struct maker *made, enum sl_side side)
{
	attack->forged++;
	run_frame(attack, made, side);
}

void attack_send(struct attack *attack, const struct maker_spec *spec, enum sl_side side)
{
	struct maker made;

	maker_make(&made, spec);
	attack_send_made(attack, &made, side);
}

/* ---- both ---- */

void attack_open(struct attack *attack, uint32_t guest_quota)
{
	struct sl_tables tables = policy(guest_quota);

	memset(attack, 0, sizeof(*attack));
	attack->dice = UINT64_C(0x9e3779b97f4a7c15);
	assert_int_equal(sl_host_open(ATTACK_FLOWS, &tables, &attack->engine), 0);
	for (uint32_t i = 0; i < ATTACK_TILLS; i++)
		connection(attack, i);
	datagrams(attack);
	qsort(attack->event, attack->events, sizeof(attack->event[0]), by_time);
}

void attack_close(struct attack *attack)
{
	attack->engine->ops->close(attack->engine, true);
}

void attack_run(struct attack *attack, attack_step *step)
{
	for (uint32_t i = 0; i < attack->events; i++) {
		const struct attack_event *event = &attack->event[i];
		struct maker made;

		attack->now_ns = event->t_ns - 1000;
		if (step)
			step(attack, i);
		attack->now_ns = event->t_ns;
		maker_make(&made, &event->spec);
		run_frame(attack, &made, event->side);
	}
}

const struct sl_stats *attack_stats(const struct attack *attack)
{
	return attack->engine->ops->stats(attack->engine, 0);
}
