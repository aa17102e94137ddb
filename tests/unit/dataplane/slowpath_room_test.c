/*
 * slowpath_room_test.c - where the slow path's memory ends, and what gives way
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/inspect_ring.h"
#include "dataplane/slowpath_private.h"
#include "tests/unit/dataplane/story.h"
#include "tests/unit/row.h"

static const struct sl_slowpath_counts *counts(const struct run *run)
{
	return sl_slowpath_counts(run->slowpath);
}

/* Flow @i begins what @what says. */
static void begin_flow(struct run *run, uint32_t i, const struct step *what)
{
	struct step step = *what;

	step.client = (uint16_t)(i / 1000 + 1);
	step.port = (uint16_t)(i % 1000);
	run->number = 0;
	story_step(run, &step);
}

static uint64_t word_of(const struct run *run, uint32_t i)
{
	struct copies_flow flow = story_flow(run, &(struct step){.client = (uint16_t)(i / 1000 + 1),
								 .port = (uint16_t)(i % 1000)});

	return story_flow_word(run, &flow);
}

static void flows_in_progress(void **state)
{
	const struct step half = {HELLO, .name = "a.pay.example", .to = 30};
	struct run run;

	story_begin(&run);
	for (uint32_t i = 0; i < SL_SLOW_READERS; i++)
		begin_flow(&run, i, &half);
	assert_int_equal(counts(&run)->flows_evicted, 0);
	begin_flow(&run, SL_SLOW_READERS, &half); /* the first flow's reader goes */
	assert_int_equal(counts(&run)->flows_evicted, 1);
	begin_flow(&run, 0, &(struct step){HELLO, .name = "a.pay.example", .from = 30, .to = 100});
	assert_int_equal(counts(&run)->names_tls, 0);
	begin_flow(&run, 1, &(struct step){HELLO, .name = "a.pay.example", .from = 30, .to = 100});
	assert_int_equal(counts(&run)->names_tls, 1);
	story_end(&run);
}

static void flows_half_read(void **state)
{
	const struct step data = {DATA, .name = "\x01\x02"};
	struct run run;

	story_begin(&run);
	for (uint32_t i = 0; i < SL_SLOW_BUSY; i++)
		begin_flow(&run, i, &data);
	assert_int_equal(counts(&run)->flows_evicted, 0);
	assert_int_equal(word_of(&run, 0), 0);
	begin_flow(&run, SL_SLOW_BUSY, &data);
	assert_int_equal(counts(&run)->flows_evicted, 1);
	assert_true(word_of(&run, 0) & SL_NAMES_FINAL); /* so that it is copied no more */
	assert_int_equal(word_of(&run, 1), 0);
	story_step(&run, &(struct step){WAIT, .value = 31});
	assert_int_equal(counts(&run)->flows_evicted,
			 1); /* the others rested: that is no eviction */
	assert_true(word_of(&run, 1) & SL_NAMES_FINAL);
	story_end(&run);
}

static void flows_remembered(void **state)
{
	const struct step hello = {HELLO, .name = "a.pay.example"};
	struct run run;

	story_begin(&run);
	for (uint32_t i = 0; i < SL_SLOW_FLOWS + 5; i++)
		begin_flow(&run, i, &hello);
	assert_int_equal(counts(&run)->flows, SL_SLOW_FLOWS);
	assert_int_equal(counts(&run)->flows_evicted, 0);
	struct copies_flow gone = story_flow(&run, &(struct step){.port = 4});
	struct copies_flow kept = story_flow(&run, &(struct step){.port = 5});

	assert_null(sl_slowpath_name(run.slowpath, copies_hash(&gone), run.incarnation));
	assert_non_null(sl_slowpath_name(run.slowpath, copies_hash(&kept), run.incarnation));
	assert_null(sl_slowpath_name(run.slowpath, copies_hash(&kept), run.incarnation + 1));
	story_end(&run);
}

static void servers_remembered(void **state)
{
	struct run run;

	story_begin(&run);
	for (uint32_t i = 1; i <= SL_SLOW_SERVERS / 2 + 3;
	     i++) /* each for its client and anybody */
		story_step(&run, &(struct step){DNS, .name = "a.pay.example", .server = (uint16_t)i,
						.value = 60});
	assert_int_equal(counts(&run)->servers, SL_SLOW_SERVERS);
	assert_int_equal(counts(&run)->servers_evicted, 6);
	assert_int_equal(story_server_word(&run, 1, 3), SILENT);
	assert_int_equal(story_server_word(&run, 1, SL_SLOW_SERVERS / 2 + 3), PAY | NONE);
	story_end(&run);
}

static void not_read(void **state)
{
	struct run run;

	story_begin(&run);
	story_step(&run, &(struct step){HELLO, .name = "a.pay.example"});
	sl_slowpath_skip(run.slowpath, &run.copy);
	sl_slowpath_skip(run.slowpath, &run.copy);
	assert_int_equal(counts(&run)->packets, 1);
	assert_int_equal(counts(&run)->skipped, 2);
	story_end(&run);
}

/* First damaged, so that nDPI alone tells; then whole, so that our reader does. */
static void app_found_twice(void **state)
{
	const struct copies_flow flow = {
		.client = 1, .server = 9, .sport = 5000, .dport = 53, .proto = SL_PROTO_UDP};
	struct wire message;
	struct run run;

	story_begin(&run);
	copies_dns(&message, "a.pay.example", 1, 60);
	message.length -= 2;
	copies_make(&run.copy, &flow, false, &message, UINT32_MAX);
	sl_slowpath_take(run.slowpath, &run.copy);
	assert_int_equal(counts(&run)->dns_malformed, 1);
	assert_int_equal(counts(&run)->apps, 1);
	message.length += 2;
	copies_make(&run.copy, &flow, false, &message, UINT32_MAX);
	sl_slowpath_take(run.slowpath, &run.copy);
	assert_int_equal(counts(&run)->apps, 1);
	story_end(&run);
}

/*
 * As with an extension header of IPv6 that nDPI does not know.  Under LeakSanitizer the first row of
 * bytes is the one that leaked: kept as TCP's, given back as UDP's.
 */
static void header_read_otherwise(void **state)
{
	static const char *const texts[] = {"\x16\x03\x01\x10",
					    "GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"};
	struct wire payload = {.length = 0};
	struct copies_flow flow;
	struct run run;

	story_begin(&run);
	story_step(&run, &(struct step){DATA, .name = texts[0]});
	run.copy.bytes[9] = SL_PROTO_UDP;
	sl_slowpath_take(run.slowpath, &run.copy);

	flow = story_flow(&run, &(struct step){.port = 1});
	wire_put(&payload, texts[1], (uint32_t)strlen(texts[1]));
	copies_make(&run.copy, &flow, true, &payload, UINT32_MAX);
	run.copy.bytes[9] = SL_PROTO_UDP;
	sl_slowpath_take(run.slowpath, &run.copy);
	assert_int_equal(story_flow_word(&run, &flow), 0);
	run.copy.bytes[9] = SL_PROTO_TCP;
	sl_slowpath_take(run.slowpath, &run.copy);
	assert_true(story_flow_word(&run, &flow) & HTTP);
	story_end(&run);
}

/* A flow looks its server up when the name there is over, before the tick comes by. */
static void server_found_empty(void **state)
{
	struct run run;

	story_begin(&run);
	story_step(&run, &(struct step){DNS, .name = "a.pay.example", .value = 10});
	assert_int_equal(counts(&run)->servers, 2); /* for its client and anybody */
	run.copy.now_ns += 11 * SECOND;
	story_step(&run, &(struct step){HELLO});
	story_step(&run, &(struct step){WAIT, .value = 61});
	assert_int_equal(counts(&run)->servers, 0);
	assert_int_equal(story_server_word(&run, 1, 1), SILENT);
	story_end(&run);
}

/* ---- the ring between core and slow path ---- */

static void take_one(void *arg, const struct sl_inspect *inspect)
{
	uint32_t *next = arg;

	assert_int_equal(inspect->tcp_seq, (*next)++);
	assert_int_equal(inspect->bytes[0], (uint8_t)inspect->tcp_seq);
}

static void ring_full(void **state)
{
	struct sl_inspect_ring *ring = calloc(1, sizeof(*ring));
	static struct sl_work work;
	uint8_t bytes[60];
	struct sl_frame frame = {.length = sizeof(bytes), .bytes = bytes};
	uint32_t next = 0;

	assert_non_null(ring);
	for (uint32_t i = 0; i < SL_INSPECT_SLOTS; i++) {
		work.packet.seq = i;
		memset(bytes, (int)i, sizeof(bytes));
		assert_true(sl_inspect_ring_put(ring, &work, &frame, 1));
	}
	assert_false(sl_inspect_ring_put(ring, &work, &frame, 1));
	assert_int_equal(sl_inspect_ring_drain(ring, take_one, &next), SL_INSPECT_SLOTS);
	assert_int_equal(next, SL_INSPECT_SLOTS);
	assert_true(sl_inspect_ring_put(ring, &work, &frame, 1));
	next = work.packet.seq;
	assert_int_equal(sl_inspect_ring_drain(ring, take_one, &next), 1);
	free(ring);
}

/* ---- what no service claims ---- */

static void unclaimed(void **state)
{
	const struct step busy = {HELLO, .name = "x.test"}, rare = {HELLO, .name = "y.test"};
	struct sl_unclaimed kinds[3];
	struct run run;

	story_begin(&run);
	story_step(&run, &(struct step){POLICY}); /* one that has no clause for TLS */
	begin_flow(&run, 0, &rare);
	begin_flow(&run, 1, &busy);
	begin_flow(&run, 2, &busy);
	begin_flow(&run, 3, &(struct step){HELLO, .name = "a.pay.example"}); /* a clause has it */
	assert_int_equal(sl_slowpath_unclaimed(run.slowpath, kinds, 3), 2);
	assert_string_equal(kinds[0].name, "x.test");
	assert_string_equal(kinds[0].app, "TLS");
	assert_int_equal(kinds[0].source, SL_NAME_TLS);
	assert_int_equal(kinds[0].flows, 2);
	assert_int_equal(kinds[0].flows_over, 0);
	assert_int_equal(kinds[0].port, 443);
	assert_int_equal(kinds[0].proto, SL_PROTO_TCP);
	assert_true(kinds[0].first_bytes > kinds[1].first_bytes);
	assert_int_equal(sl_slowpath_unclaimed(run.slowpath, kinds, 1), 1);
	story_end(&run);
}

/* With more kinds than places the busiest stays, and each count tells how far it may be off. */
static void unclaimed_crowd(void **state)
{
	struct sl_unclaimed kinds[SL_SLOW_OTHERS];
	struct run run;
	uint32_t flow = 0;

	story_begin(&run);
	story_step(&run, &(struct step){POLICY});
	for (uint32_t i = 0; i < 3 * SL_SLOW_OTHERS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%u.test", i);
		begin_flow(&run, flow++, &(struct step){HELLO, .name = name});
		begin_flow(&run, flow++, &(struct step){HELLO, .name = "busy.test"});
	}
	assert_int_equal(sl_slowpath_unclaimed(run.slowpath, kinds, SL_SLOW_OTHERS),
			 SL_SLOW_OTHERS);
	assert_string_equal(kinds[0].name, "busy.test");
	assert_int_equal(kinds[0].flows, 3 * SL_SLOW_OTHERS);
	for (uint32_t i = 1; i < SL_SLOW_OTHERS; i++)
		assert_int_equal(kinds[i].flows - kinds[i].flows_over, 1);
	story_end(&run);
}

/* A copy from client to server of DHCP, on VLAN 30. */
static void dhcp_copy(struct run *run, const char *options)
{
	const struct copies_flow flow = {
		.client = 1, .server = 1, .sport = 68, .dport = 67, .proto = SL_PROTO_UDP};
	static struct wire message;

	message.length = 0;
	wire_hex(&message, "010106");
	wire_zeros(&message, 25);
	wire_hex(&message, "0242ac110002");
	wire_zeros(&message, 202);
	wire_hex(&message, options);
	copies_make(&run->copy, &flow, true, &message, UINT32_MAX);
	run->copy.key.vlan = 30;
	run->copy.now_ns += 3 * SECOND;
	sl_slowpath_take(run->slowpath, &run->copy);
}

static void dhcp_is_read(void **state)
{
	struct sl_leases_vlan view[SL_LEASES_VLANS];
	struct run run;

	story_begin(&run);
	for (uint8_t i = 1; i <= 3; i++) {
		run.copy.number = i == 2 ? i : SL_INSPECT_ANSWER; /* any copy is read */
		dhcp_copy(&run, "63825363 350101 ff");
	}
	dhcp_copy(&run, "63825363 350199 ff");
	assert_int_equal(counts(&run)->dhcp_messages, 3);
	assert_int_equal(counts(&run)->dhcp_malformed, 1);
	assert_int_equal(sl_slowpath_leases(run.slowpath, view), 1);
	assert_int_equal(view[0].vlan, 30);
	assert_int_equal(view[0].unanswered, 1);
	sl_slowpath_tick(run.slowpath, run.copy.now_ns + SL_LEASES_WINDOW_NS);
	assert_int_equal(sl_slowpath_leases(run.slowpath, view), 0);
	story_end(&run);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	sl_row_add(&tests, "readers are out: the oldest ClientHello is given up", flows_in_progress,
		   NULL);
	sl_row_add(&tests, "too many flows half read: the oldest is given up", flows_half_read,
		   NULL);
	sl_row_add(&tests, "too many flows remembered: the oldest is forgotten", flows_remembered,
		   NULL);
	sl_row_add(&tests, "too many servers: the oldest is forgotten", servers_remembered, NULL);
	sl_row_add(&tests, "a server that is found without a name is forgotten", server_found_empty,
		   NULL);
	sl_row_add(&tests, "copies for which there is no time are counted", not_read, NULL);
	sl_row_add(&tests, "an application that is found twice is counted once", app_found_twice,
		   NULL);
	sl_row_add(&tests, "headers that nDPI reads otherwise are not shown to it",
		   header_read_otherwise, NULL);
	sl_row_add(&tests, "DHCP is read, whatever its number", dhcp_is_read, NULL);
	sl_row_add(&tests, "a full ring takes no more, and is emptied in order", ring_full, NULL);
	sl_row_add(&tests, "unclaimed traffic, the busiest first", unclaimed, NULL);
	sl_row_add(&tests, "more kinds of it than places", unclaimed_crowd, NULL);
	return sl_row_run("slowpath room", &tests);
}
