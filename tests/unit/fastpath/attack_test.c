/*
 * attack_test.c - what an attacker does spoils no other service's numbers, and is counted
 *
 * Each row runs a till's traffic (attack.h) once alone and once beside an attack.  An attack in
 * the guests' service must leave the till's counters and histograms as they are, byte for byte;
 * one that forges segments of the till's own flows blindly may only add to packets, bytes and
 * what is counted as not believed.  Blind means that the numbers are random: a segment is
 * believed by chance once in 16 384, a RST once in 32 768 (the rows "chance"); the dice of the
 * rows are fixed.
 */
#include "tests/unit/fastpath/attack.h"

#include <stdlib.h>

#include "dataplane/fastpath/pipeline.h"
#include "tests/unit/row.h"

enum { OTHER_SERVICE, BLIND };

static struct attack alone, beside;

/* ---- in the guests' own service ---- */

static struct maker_spec guest(struct attack *a, uint32_t host)
{
	return (struct maker_spec){.src = ATTACK_GUESTS + host % 16384,
				   .dst = ATTACK_SERVER + 1 + attack_dice(a, 1 << 20),
				   .src_port = (uint16_t)attack_word(a),
				   .dst_port = 443,
				   .proto = SL_PROTO_TCP,
				   .tcp_flags = SL_TCP_SYN,
				   .seq = attack_word(a)};
}

/* A million connections that are never answered. */
static void flows_flood(struct attack *a, uint32_t i)
{
	for (uint32_t n = 0; n < 1000000 / a->events + 1; n++) {
		struct maker_spec syn = guest(a, attack_word(a));

		attack_send(a, &syn, SL_SIDE_LAN);
	}
}

/* First pieces of datagrams whose later ones never come, as fast as it goes. */
static void fragments_flood(struct attack *a, uint32_t i)
{
	for (uint32_t n = 0; n < 200; n++) {
		struct maker_spec first = guest(a, n);

		first.proto = SL_PROTO_UDP;
		first.dst_port = 9999;
		first.id = (uint16_t)attack_word(a);
		first.fragment = 0x2000;
		first.payload = 64;
		attack_send(a, &first, SL_SIDE_LAN);
	}
}

/* A guest's own connection, whose numbers @spoil changes. */
static void guest_segment(struct attack *a, uint32_t i, void (*spoil)(struct maker_spec *))
{
	uint32_t turn = i & 1, at = i / 2 * 100;
	struct maker_spec spec = {.src = ATTACK_GUESTS + 7,
				  .dst = ATTACK_SERVER,
				  .src_port = 40000,
				  .dst_port = 443,
				  .proto = SL_PROTO_TCP,
				  .tcp_flags = SL_TCP_ACK,
				  .seq = 1000 + (turn ? 0 : at),
				  .ack = 1000 + (turn ? at : 0),
				  .tsval = 1000 + i,
				  .tsecr = 999 + i,
				  .payload = turn ? 0 : 100};

	if (turn) {
		spec.src = ATTACK_SERVER;
		spec.dst = ATTACK_GUESTS + 7;
		spec.src_port = 443;
		spec.dst_port = 40000;
	}
	if (i > 10 && i % 3 == 0)
		spoil(&spec);
	attack_send(a, &spec, turn ? SL_SIDE_WAN : SL_SIDE_LAN);
}

static void ahead_of_all(struct maker_spec *spec)
{
	spec->ack += 1u << 30;
}

static void echo_the_future(struct maker_spec *spec)
{
	spec->tsecr += 100000;
}

static void jump(struct maker_spec *spec)
{
	spec->seq += 1u << 30;
}

static void optimistic_acks(struct attack *a, uint32_t i)
{
	guest_segment(a, i, ahead_of_all);
}

static void forged_echoes(struct attack *a, uint32_t i)
{
	guest_segment(a, i, echo_the_future);
}

static void sequence_jumps(struct attack *a, uint32_t i)
{
	guest_segment(a, i, jump);
}

/* Bytes that are no packet. */
static void garbage(struct attack *a, uint32_t i)
{
	struct maker made;

	maker_link(&made, 0, attack_dice(a, 2) ? SL_ETHERTYPE_IP4 : SL_ETHERTYPE_IP6);
	for (uint32_t n = attack_dice(a, 60); n; n--)
		maker_put(&made, attack_word(a), 1);
	attack_send_made(a, &made, SL_SIDE_LAN);
}

/* ---- forged into the till's flows ---- */

/* To each of the till's connections, from either end, with @flags and @payload. */
static void blind(struct attack *a, uint32_t i, uint8_t flags, uint16_t payload)
{
	struct maker_spec spec = attack_blind(a, i % ATTACK_TILLS, i / ATTACK_TILLS & 1);

	spec.tcp_flags = flags;
	spec.payload = payload;
	attack_send(a, &spec, spec.src == ATTACK_SERVER ? SL_SIDE_WAN : SL_SIDE_LAN);
}

/* Only once the connections stand: before, nothing is known that a number could be judged by. */
#define STANDS(i) ((i) > 200)

static void blind_data(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, SL_TCP_ACK | SL_TCP_PSH, 500);
}

static void blind_acks(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, SL_TCP_ACK, 0);
}

static void blind_resets(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, i & 8 ? SL_TCP_RST : SL_TCP_RST | SL_TCP_ACK, 0);
}

static void blind_ends(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, i & 8 ? SL_TCP_FIN : SL_TCP_FIN | SL_TCP_ACK, 0);
}

static void blind_flagless(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, 0, 500);
}

static void blind_syns(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, SL_TCP_SYN, 0);
}

static void blind_synacks(struct attack *a, uint32_t i)
{
	if (STANDS(i))
		blind(a, i, SL_TCP_SYN | SL_TCP_ACK, 0);
}

static void blind_icmp(struct attack *a, uint32_t i)
{
	bool from_till = i / ATTACK_TILLS & 1;
	struct maker_spec about = attack_blind(a, i % ATTACK_TILLS, from_till);
	struct maker made;

	if (!STANDS(i))
		return;
	maker_icmp_error(&made, ATTACK_SERVER + 77, &about);
	attack_send_made(a, &made, from_till ? SL_SIDE_WAN : SL_SIDE_LAN);
}

static struct maker_spec resolver_answer(void)
{
	return (struct maker_spec){.src = ATTACK_DNS,
				   .dst = ATTACK_TILL,
				   .src_port = 53,
				   .dst_port = 33333,
				   .proto = SL_PROTO_UDP,
				   .payload = 40};
}

static void blind_dns_icmp(struct attack *a, uint32_t i)
{
	struct maker_spec about = resolver_answer();
	struct maker made;

	if (!STANDS(i))
		return;
	about.src = ATTACK_TILL;
	about.dst = ATTACK_DNS;
	about.src_port = 33333;
	about.dst_port = 53;
	maker_icmp_error(&made, ATTACK_SERVER + 77, &about);
	attack_send_made(a, &made, SL_SIDE_WAN);
}

static void blind_dns_answers(struct attack *a, uint32_t i)
{
	struct maker_spec answer = resolver_answer();

	if (!STANDS(i))
		return;
	answer.head[0] = attack_word(a) << 16 | 0x8182; /* SERVFAIL */
	attack_send(a, &answer, SL_SIDE_WAN);
}

/* ---- what the attack's own counters say ---- */

/* Both sides of all paths of @service, of the field at @offset. */
static uint64_t sides(const struct sl_stats *stats, uint32_t service, size_t offset)
{
	const struct sl_path_stats *path = &stats->path[SL_PATH(service, 0)];

	return *(const uint64_t *)((const char *)&path->side[0] + offset) +
	       *(const uint64_t *)((const char *)&path->side[1] + offset);
}

#define SIDES(stats, service, field) \
	sides(stats, service, offsetof(struct sl_direction_stats, field))

static uint64_t guest_full(const struct sl_stats *s)
{
	return s->path[SL_PATH(ATTACK_GUEST, 0)].flows_full;
}

static uint64_t guest_evicted(const struct sl_stats *s)
{
	return s->flows_evicted[ATTACK_GUEST];
}

static uint64_t crowded(const struct sl_stats *s)
{
	return s->fragments_crowded;
}

static uint64_t guest_acks(const struct sl_stats *s)
{
	return SIDES(s, ATTACK_GUEST, bogus_acks);
}

static uint64_t guest_echoes(const struct sl_stats *s)
{
	return SIDES(s, ATTACK_GUEST, bogus_echoes);
}

static uint64_t guest_seqs(const struct sl_stats *s)
{
	return SIDES(s, ATTACK_GUEST, bogus_seqs);
}

static uint64_t unreadable(const struct sl_stats *s)
{
	return s->reason[SL_REASON_IP_SHORT] + s->reason[SL_REASON_IP_BAD] +
	       s->reason[SL_REASON_L4_OTHER];
}

static uint64_t pos_segments(const struct sl_stats *s)
{
	return SIDES(s, ATTACK_POS, bogus_seqs) + SIDES(s, ATTACK_POS, bogus_acks);
}

static uint64_t pos_icmp(const struct sl_stats *s)
{
	return s->path[SL_PATH(ATTACK_POS, 0)].bogus_icmp;
}

static uint64_t pos_answers(const struct sl_stats *s)
{
	return s->path[SL_PATH(ATTACK_POS, 0)].bogus_answers;
}

static const struct row {
	const char *name;
	attack_step *step;
	uint64_t (*counter)(const struct sl_stats *stats);
	uint32_t kind;
	uint32_t percent; /* of the forged frames that the counter must tell, at least */
	uint32_t guest_quota;
} rows[] = {
	{"a million connections of guests", flows_flood, guest_full, OTHER_SERVICE, 99},
	{"guests that fill the whole table", flows_flood, guest_evicted, OTHER_SERVICE, 0,
	 ATTACK_FLOWS * 2},
	{"guests' fragments", fragments_flood, crowded, OTHER_SERVICE, 0},
	{"a guest acknowledges what was never sent", optimistic_acks, guest_acks, OTHER_SERVICE,
	 30},
	{"a guest echoes stamps never sent", forged_echoes, guest_echoes, OTHER_SERVICE, 30},
	{"a guest's sequence numbers jump", sequence_jumps, guest_seqs, OTHER_SERVICE, 30},
	{"garbage", garbage, unreadable, OTHER_SERVICE, 90},
	{"forged data", blind_data, pos_segments, BLIND, 99},
	{"forged acknowledgements", blind_acks, pos_segments, BLIND, 99},
	{"forged RSTs", blind_resets, pos_segments, BLIND, 99},
	{"forged FINs", blind_ends, pos_segments, BLIND, 99},
	{"forged segments without ACK", blind_flagless, pos_segments, BLIND, 99},
	{"forged SYNs", blind_syns, pos_segments, BLIND, 99},
	{"forged SYN-ACKs", blind_synacks, pos_segments, BLIND, 99},
	{"forged ICMP errors about connections", blind_icmp, pos_icmp, BLIND, 99},
	{"forged ICMP errors about a resolver", blind_dns_icmp, pos_icmp, BLIND, 99},
	{"forged DNS answers", blind_dns_answers, pos_answers, BLIND, 99},
};

/* What a forged packet in the till's own flow may move. */
static void forgive(struct sl_path_stats *path)
{
	path->bogus_icmp = path->bogus_answers = 0;
	for (int i = 0; i < 2; i++) {
		struct sl_direction_stats *side = &path->side[i];

		side->packets = side->bytes = 0;
		side->bogus_acks = side->bogus_seqs = side->bogus_echoes = 0;
	}
}

static void same_words(const char *what, const void *x, const void *y, size_t size)
{
	for (size_t i = 0; i < size / 4; i++)
		if (((const uint32_t *)x)[i] != ((const uint32_t *)y)[i])
			fail_msg("%s: word %zu is %u alone, %u beside the attack", what, i,
				 ((const uint32_t *)x)[i], ((const uint32_t *)y)[i]);
}

static void attack(void **state)
{
	static struct sl_path_stats x, y;
	const struct row *row = *state;

	attack_open(&alone, 700);
	attack_open(&beside, row->guest_quota ? row->guest_quota : 700);
	attack_run(&alone, NULL);
	attack_run(&beside, row->step);
	x = attack_stats(&alone)->path[SL_PATH(ATTACK_POS, 0)];
	y = attack_stats(&beside)->path[SL_PATH(ATTACK_POS, 0)];
	uint64_t counted = row->counter(attack_stats(&beside)), forged = beside.forged;
	uint64_t before = row->counter(attack_stats(&alone));
	uint64_t lost = attack_stats(&beside)->flows_evicted[ATTACK_POS];

	attack_close(&alone);
	attack_close(&beside);
	assert_int_equal(before, 0);
	print_message("%s: %lu forged, %lu counted\n", row->name, (unsigned long)forged,
		      (unsigned long)counted);
	if (row->kind != OTHER_SERVICE) {
		forgive(&x);
		forgive(&y);
	}
	same_words("pos", &x, &y, offsetof(struct sl_path_stats, rtt));
	same_words("pos, times", &x.rtt, &y.rtt, sizeof(x.rtt));
	assert_int_equal(lost, 0);
	assert_true(counted > 0 && counted * 100 >= forged * row->percent);
}

/* The traffic is what the rows take it for: times, losses and queries were measured. */
static void the_till_alone_is_measured(void **state)
{
	attack_open(&alone, 700);
	attack_run(&alone, NULL);
	struct sl_path_stats path = attack_stats(&alone)->path[SL_PATH(ATTACK_POS, 0)];

	attack_close(&alone);
	assert_int_equal(path.attempts, ATTACK_TILLS);
	assert_int_equal(path.established, ATTACK_TILLS);
	assert_int_equal(path.side[SL_SIDE_LAN].lost_after, ATTACK_TILLS * 9);
	assert_int_equal(path.queries, 240);
	assert_int_equal(path.queries_unanswered + path.queries_failed, 0);
	uint32_t eight_ms = sl_histogram_bucket(8000000 >> SL_TICK_LOG2_NS), till_0 = 0;

	assert_int_equal(path.rtt[SL_LEG_WAN][SL_METHOD_DNS].count[eight_ms], 240);
	till_0 = sl_histogram_bucket(20000000 >> SL_TICK_LOG2_NS);
	assert_true(path.rtt[SL_LEG_WAN][SL_METHOD_SEQ].count[till_0] > 40);
	assert_true(path.rtt[SL_LEG_WAN][SL_METHOD_TS].count[till_0] > 40);
	assert_true(path.rtt[SL_LEG_WAN][SL_METHOD_THINK].count[sl_histogram_bucket(46875)] > 100);
	assert_int_equal(path.side[SL_SIDE_LAN].unmeasured, 0);
}

/* ---- how often chance is believed ---- */

static const struct chance {
	const char *name;
	uint8_t flags;
	uint16_t payload;
	uint32_t once_in;
} chances[] = {
	{"chance: data", SL_TCP_ACK, 500, 16384},
	{"chance: acknowledgements", SL_TCP_ACK, 0, 16384},
	{"chance: FIN", SL_TCP_ACK | SL_TCP_FIN, 0, 16384},
	{"chance: RST", SL_TCP_RST, 0, 32768},
	{"chance: no flags", 0, 500, UINT32_MAX},
	{"chance: SYN", SL_TCP_SYN, 0, UINT32_MAX},
	{"chance: SYN-ACK", SL_TCP_SYN | SL_TCP_ACK, 0, UINT32_MAX},
};

#define TRIES 1000000u

/* Each try meets the same open connection, so that none is helped by the one before. */
static void chance(void **state)
{
	const struct chance *row = *state;
	static struct sl_work work;
	static struct sl_tables tables;
	static struct sl_shared shared;
	uint64_t believed = 0;

	for (uint32_t i = 0; i < TRIES; i++) {
		struct sl_flow flow = {.initiator = 0,
				       .flags = SL_FLOW_SYN_SEEN | SL_FLOW_SYNACK_SEEN |
						SL_FLOW_ESTABLISHED};
		struct sl_way way = {.kind = SL_FLOW_OPEN};

		for (int side = 0; side < 2; side++) {
			flow.begin[side].syn_seq = 1000;
			flow.dir[side] = (struct sl_direction){.next_seq = 5000,
							       .ack = 5000,
							       .flags = SL_DIR_SEQ | SL_DIR_ACK |
									SL_DIR_LOW};
		}
		flow.key.proto = SL_PROTO_TCP;
		work = (struct sl_work){.port_uplink = SL_UPLINK_NONE, .sender = i & 1};
		work.packet = (struct sl_packet){.proto = SL_PROTO_TCP,
						 .tcp_flags = row->flags,
						 .window = 500,
						 .payload_bytes = row->payload,
						 .seq = attack_word(&alone),
						 .ack = attack_word(&alone)};
		sl_pipeline_measure(&way, &flow, &work, &tables, &shared);
		believed += !(work.result.seen & (SL_SEEN_BOGUS_SEQ | SL_SEEN_BOGUS_ACK));
	}
	print_message("%s: %lu of %u\n", row->name, (unsigned long)believed, TRIES);
	assert_true(believed <= (uint64_t)TRIES * 5 / 4 / row->once_in);
}

int main(void)
{
	static struct sl_row_tests tests;

	sl_row_add(&tests, "the till alone is measured", the_till_alone_is_measured, NULL);
	SL_ROWS_ADD(&tests, rows, attack);
	SL_ROWS_ADD(&tests, chances, chance);
	return sl_row_run("fastpath attack", &tests);
}
