/*
 * slowpath_word.c - what the fast path is told, by the protocol of names.h
 *
 * The only writer of struct sl_names.  A flow whose own name is not known has what holds for
 * its server; when both are known the flow's own name counts alone.
 */
#include <string.h>

#include "slowpath_private.h"

/* Clear the tag, change the word, set the tag: a reader between finds no tag of its own. */
static void write_slot(struct sl_name_slot *slot, uint64_t tag, uint64_t word)
{
	__atomic_store_n(&slot->tag, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&slot->word, word, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->tag, tag, __ATOMIC_RELEASE);
}

static uint64_t word_of(const struct sl_slowpath *slowpath, uint64_t bits, uint32_t incarnation)
{
	return (bits & SL_NAMES_MASK) | SL_NAMES_NONE |
	       sl_names_stamp(slowpath->generation, incarnation) << SL_NAMES_BITS;
}

static bool is_own(const struct sl_flow_name *said)
{
	return said->name[0] && said->source != SL_NAME_DNS;
}

static uint64_t server_bits(const struct sl_slowpath *slowpath, const struct sl_flow_name *said)
{
	const struct sl_slow_server *server =
		sl_slow_server_find(slowpath, sl_slow_server_of(said), sl_slow_client_of(said));

	if (server)
		return sl_slow_server_word(slowpath, server);
	return sl_clauses_match(&slowpath->clauses, said->server, "");
}

uint64_t sl_slow_word_bits(const struct sl_slowpath *slowpath, const struct sl_slow_flow *flow)
{
	const struct sl_flow_name *said = &flow->said;
	const char *app = said->guessed ? "" : said->app;

	if (is_own(said))
		return sl_clauses_match(&slowpath->clauses, said->name, app);
	return server_bits(slowpath, said) | sl_clauses_match(&slowpath->clauses, "", app);
}

void sl_slow_word_flow(struct sl_slowpath *slowpath, const struct sl_slow_flow *flow)
{
	uint64_t bits, hash = flow->said.hash;

	if (!slowpath->names)
		return;
	bits = sl_slow_word_bits(slowpath, flow);
	if (flow->hello && flow->said.key.proto == SL_PROTO_TCP)
		bits |= SL_NAMES_HELLO;
	if (!flow->is_busy)
		bits |= SL_NAMES_FINAL;
	write_slot(&slowpath->names->flow[sl_names_index(hash)], hash,
		   word_of(slowpath, bits, flow->said.incarnation));
}

static uint64_t tag_of(const struct sl_slowpath *slowpath, const struct sl_slow_server *server)
{
	return sl_names_server_hash(&server->server, &server->client, slowpath->seed);
}

void sl_slow_word_server(struct sl_slowpath *slowpath, const struct sl_slow_server *server)
{
	uint64_t tag = tag_of(slowpath, server);

	if (slowpath->names)
		write_slot(&slowpath->names->server[sl_names_index(tag)], tag,
			   word_of(slowpath, sl_slow_server_word(slowpath, server), 0));
}

void sl_slow_word_forget_server(struct sl_slowpath *slowpath, const struct sl_slow_server *server)
{
	uint64_t tag = tag_of(slowpath, server);
	struct sl_name_slot *slot;

	if (!slowpath->names)
		return;
	slot = &slowpath->names->server[sl_names_index(tag)];
	if (slot->tag == tag) /* else another's stands there */
		write_slot(slot, 0, 0);
}

void sl_slow_word_all(struct sl_slowpath *slowpath)
{
	struct sl_slow_server *server;
	struct sl_slow_flow *flow;

	for (server = TAILQ_FIRST(&slowpath->servers); server; server = TAILQ_NEXT(server, line))
		sl_slow_word_server(slowpath, server);
	for (flow = TAILQ_FIRST(&slowpath->all); flow; flow = TAILQ_NEXT(flow, line))
		sl_slow_word_flow(slowpath, flow);
}
