/*
 * story.c - steps to copies, copies to the slow path
 */
#include "tests/unit/dataplane/story.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/row.h"

#define SEED 99
#define ISN  0xfffffff0u /* sequence numbers wrap within the first segment */

static struct sl_names names;

static void clause(struct sl_clauses *clauses, bool is_app, const char *pattern)
{
	struct sl_clause *next = &clauses->clause[++clauses->count];

	next->is_app = is_app;
	snprintf(next->pattern, sizeof(next->pattern), "%s", pattern);
}

void story_begin(struct run *run)
{
	*run = (struct run){.generation = 5, .seq = {ISN, 7}, .incarnation = 1};
	clause(&run->clauses, false, "*.pay.example");
	clause(&run->clauses, false, "cdn.example");
	clause(&run->clauses, true, "TLS");
	clause(&run->clauses, true, "NetFlix");
	clause(&run->clauses, true, "HTTP");
	memset(&names, 0xff, sizeof(names)); /* what an agent before left there */

	run->copy.now_ns = 1000 * SECOND;
	assert_int_equal(sl_slowpath_open(&run->slowpath, NULL, NULL), 0);
	sl_slowpath_apply(run->slowpath, &run->clauses, run->generation, SEED, &names);
}

struct copies_flow story_flow(const struct run *run, const struct step *step)
{
	return (struct copies_flow){.client = step->client ? step->client : 1,
				    .server = step->server ? step->server : 1,
				    .sport = (uint16_t)(1000 + step->port),
				    .dport = 443,
				    .proto = step->what == QUIC ? SL_PROTO_UDP : SL_PROTO_TCP,
				    .incarnation = run->incarnation};
}

static void take(struct run *run, const struct copies_flow *flow, bool from_client,
		 const struct wire *payload, uint32_t kept)
{
	run->copy.number = ++run->number;
	copies_make(&run->copy, flow, from_client, payload, kept ? kept : UINT32_MAX);
	sl_slowpath_take(run->slowpath, &run->copy);
	run->copy.now_ns += 1000;
}

static void hello(struct run *run, const struct step *step)
{
	struct wire message = {.length = 0}, records = {.length = 0}, part = {.length = 0};
	struct copies_flow flow = story_flow(run, step);
	uint32_t to = step->to ? step->to : 100, from;

	wire_put_hello(&message, &(struct wire_hello){.name = step->name, .ech = step->ech});
	wire_records(&records, message.bytes, message.length, message.length);
	from = records.length * step->from / 100;
	wire_put(&part, records.bytes + from, records.length * to / 100 - from);
	run->copy.tcp_seq = run->seq[0] + from;
	take(run, &flow, true, &part, step->value);
}

static void quic(struct run *run, const struct step *step)
{
	struct wire message = {.length = 0}, frames = {.length = 0}, datagram = {.length = 0};
	struct copies_flow flow = story_flow(run, step);

	wire_put_hello(&message, &(struct wire_hello){.name = step->name});
	wire_put_crypto(&frames, &message, 0, message.length);
	wire_put_packet(&datagram,
			&(struct wire_packet){.version = 1,
					      .id = "8394c8f03e515708",
					      .number_bytes = 4,
					      .pad_to = 1200},
			&frames);
	take(run, &flow, true, &datagram, 0);
}

static void data(struct run *run, const struct step *step)
{
	struct copies_flow flow = story_flow(run, step);
	bool from_client = step->what != REPLY;
	const char *text = step->name ? step->name : ".";
	struct wire payload = {.length = 0};

	if (step->what == LAST)
		run->number = SL_INSPECT_MAX - 1;
	wire_put(&payload, text, (uint32_t)strlen(text));
	run->copy.tcp_seq = run->seq[!from_client];
	run->seq[!from_client] += payload.length;
	take(run, &flow, from_client, &payload, step->value);
}

static void dns(struct run *run, const struct step *step)
{
	struct copies_flow flow = {.client = step->client ? step->client : 1,
				   .server = 999,
				   .sport = 5000,
				   .dport = 53,
				   .proto = SL_PROTO_UDP,
				   .incarnation = 1};
	struct wire message;

	copies_dns(&message, step->name, step->server ? step->server : 1, step->value);
	run->copy.number = SL_INSPECT_ANSWER;
	copies_make(&run->copy, &flow, false, &message, UINT32_MAX);
	if (step->what == FORGED) { /* the first packet of its flow */
		run->copy.from_initiator = 1;
		run->copy.initiator = 1;
	}
	sl_slowpath_take(run->slowpath, &run->copy);
	run->copy.initiator = 0;
}

static void many(struct run *run, const struct step *step)
{
	for (uint32_t i = 0; i < step->value; i++) {
		char name[64];
		struct step one = {DNS, .name = name, .value = 60};

		snprintf(name, sizeof(name), "n%u.%s", i, step->name);
		dns(run, &one);
	}
}

static void change_policy(struct run *run)
{
	run->clauses = (struct sl_clauses){.count = 0};
	clause(&run->clauses, false, "nobody.example");
	clause(&run->clauses, false, "a.pay.example"); /* number 2 from now on */
	sl_slowpath_apply(run->slowpath, &run->clauses, ++run->generation, SEED, &names);
}

void story_step(struct run *run, const struct step *step)
{
	if (step->again) {
		run->incarnation++;
		run->number = 0;
	}
	switch (step->what) {
	case HELLO:
		return hello(run, step);
	case QUIC:
		return quic(run, step);
	case DNS:
	case FORGED:
		return dns(run, step);
	case OTHERS:
		return many(run, step);
	case DATA:
	case REPLY:
	case LAST:
		return data(run, step);
	case WAIT:
		run->copy.now_ns += step->value * SECOND;
		return sl_slowpath_tick(run->slowpath, run->copy.now_ns);
	case POLICY:
		return change_policy(run);
	case END:
		return;
	}
}

void story_end(struct run *run)
{
	sl_slowpath_close(run->slowpath);
}

/* ---- what is asked at the end, as the core asks it (look.h) ---- */

uint64_t story_flow_word(const struct run *run, const struct copies_flow *flow)
{
	uint64_t hash = copies_hash(flow);

	return sl_names_read(&names.flow[sl_names_index(hash)], hash,
			     sl_names_stamp(run->generation, run->incarnation));
}

uint32_t story_server_word(const struct run *run, uint16_t client, uint16_t server)
{
	const struct sl_addr address = copies_server(server), nobody = {0, 0};
	const struct sl_addr asker = copies_client(client);
	const struct sl_addr *who[2] = {&asker, &nobody};

	for (int i = 0; i < 2; i++) {
		uint64_t tag = sl_names_server_hash(&address, who[i], SEED);
		uint64_t word = sl_names_read(&names.server[sl_names_index(tag)], tag,
					      sl_names_stamp(run->generation, 0));

		if (word)
			return (uint32_t)word;
	}
	return SILENT;
}
