/*
 * slowpath_check.c - bounds, lists, counts and names of a slow path
 */
#include "slowpath_check.h"

#include <string.h>

#include "names_check.h"

static void check_said(const struct sl_flow_name *said)
{
	if (said->name[0])
		fuzz_check_name(said->name);
	if (said->sni[0])
		fuzz_check_name(said->sni);
	if (said->server[0])
		fuzz_check_name(said->server);
	FUZZ_HOLDS(said->source <= SL_NAME_DNS);
	FUZZ_HOLDS(!said->name[0] || said->source != SL_NAME_NONE);
	FUZZ_HOLDS(strnlen(said->app, SL_APP_MAX) < SL_APP_MAX);
}

/* ---- what is told, counted once more ---- */

static struct told *told_of(struct check *check, const struct sl_flow_name *name)
{
	const char *first = (const char *)&check->slowpath->flow[0].said;
	size_t place = (size_t)((const char *)name - first) / sizeof(struct sl_slow_flow);
	struct told *told = &check->told[place];

	FUZZ_HOLDS(place < SL_SLOW_FLOWS && name == &check->slowpath->flow[place].said);
	if (told->hash != name->hash || told->incarnation != name->incarnation)
		*told = (struct told){.hash = name->hash, .incarnation = name->incarnation};
	return told;
}

void check_told(void *arg, const struct sl_flow_name *name)
{
	struct check *check = arg;
	struct told *told = told_of(check, name);
	uint64_t *const counts[] = {[SL_NAME_TLS] = &check->expect.names_tls,
				    [SL_NAME_QUIC] = &check->expect.names_quic,
				    [SL_NAME_HTTP] = &check->expect.names_http,
				    [SL_NAME_DNS] = &check->expect.names_dns};

	check_said(name);
	if (name->name[0] && !(told->sources >> name->source & 1)) {
		told->sources |= 1u << name->source;
		(*counts[name->source])++;
	}
	if (name->app[0] && !name->guessed && !told->app) {
		told->app = true;
		check->expect.apps++;
	}
}

static void check_counts(const struct check *check)
{
	const struct sl_slowpath_counts *is = &check->slowpath->counts, *expect = &check->expect;

	FUZZ_HOLDS(is->packets == expect->packets && is->skipped == expect->skipped);
	FUZZ_HOLDS(is->names_tls == expect->names_tls && is->names_quic == expect->names_quic);
	FUZZ_HOLDS(is->names_http == expect->names_http && is->names_dns == expect->names_dns);
	FUZZ_HOLDS(is->apps == expect->apps);
	FUZZ_HOLDS(is->dns_answers + is->dns_malformed <= is->packets);
}

/* ---- memory ---- */

static void check_flow(const struct sl_slowpath *slowpath, const struct sl_slow_flow *flow)
{
	FUZZ_HOLDS(flow->used);
	FUZZ_HOLDS(sl_slowpath_name(slowpath, flow->said.hash, flow->said.incarnation));
	FUZZ_HOLDS(sl_slow_flow_find(slowpath, flow->said.hash, &flow->said.key) == flow);
	FUZZ_HOLDS(flow->is_busy || (!flow->reader && !flow->ndpi));
	FUZZ_HOLDS(!flow->reader || flow->reader->flow == flow);
	check_said(&flow->said);
}

static void check_flows(struct check *check)
{
	const struct sl_slowpath *slowpath = check->slowpath;
	const struct sl_slow_flow *flow;
	uint32_t all = 0, busy = 0;

	for (flow = TAILQ_FIRST(&slowpath->all); flow; flow = TAILQ_NEXT(flow, line), all++)
		check_flow(slowpath, flow);
	for (flow = TAILQ_FIRST(&slowpath->busy); flow; flow = TAILQ_NEXT(flow, busy), busy++)
		FUZZ_HOLDS(flow->is_busy);
	FUZZ_HOLDS(all == slowpath->counts.flows && all <= SL_SLOW_FLOWS);
	FUZZ_HOLDS(busy == slowpath->busy_count && busy <= SL_SLOW_BUSY);
	for (uint32_t i = 0; i < SL_SLOW_FLOWS; i++)
		if (!slowpath->flow[i].used)
			check->told[i] = (struct told){.hash = 0};
}

static void check_readers(const struct sl_slowpath *slowpath)
{
	const struct sl_slow_reader *reader;
	uint32_t held = 0, spare = 0;

	for (reader = TAILQ_FIRST(&slowpath->readers); reader;
	     reader = TAILQ_NEXT(reader, line), held++)
		FUZZ_HOLDS(reader->flow && reader->flow->reader == reader);
	for (reader = TAILQ_FIRST(&slowpath->free_readers); reader;
	     reader = TAILQ_NEXT(reader, line), spare++)
		FUZZ_HOLDS(!reader->flow);
	FUZZ_HOLDS(held + spare == slowpath->readers_used && held + spare <= SL_SLOW_READERS);
}

static void check_servers(const struct sl_slowpath *slowpath)
{
	const struct sl_slow_server *server;
	uint32_t count = 0;

	for (server = TAILQ_FIRST(&slowpath->servers); server;
	     server = TAILQ_NEXT(server, line), count++) {
		FUZZ_HOLDS(server->used && server->names <= SL_SLOW_NAMES);
		for (uint32_t i = 0; i < server->names; i++)
			fuzz_check_name(server->name[i].name);
	}
	FUZZ_HOLDS(count == slowpath->counts.servers && count <= SL_SLOW_SERVERS);
}

/* The method never counts less than there were, nor more in all. */
static void check_unclaimed(const struct sl_slowpath *slowpath)
{
	static struct sl_unclaimed kinds[SL_SLOW_OTHERS];
	uint32_t count = sl_slowpath_unclaimed(slowpath, kinds, SL_SLOW_OTHERS);
	uint64_t flows = 0;

	FUZZ_HOLDS(count <= SL_SLOW_OTHERS);
	for (uint32_t i = 0; i < count; i++) {
		flows += kinds[i].flows;
		FUZZ_HOLDS(kinds[i].flows > kinds[i].flows_over);
		FUZZ_HOLDS(!i || kinds[i].flows <= kinds[i - 1].flows);
		if (kinds[i].name[0])
			fuzz_check_name(kinds[i].name);
		FUZZ_HOLDS(strnlen(kinds[i].app, SL_APP_MAX) < SL_APP_MAX);
	}
	FUZZ_HOLDS(flows <= slowpath->counts.packets);
}

void check_all(struct check *check)
{
	check_counts(check);
	check_flows(check);
	check_readers(check->slowpath);
	check_servers(check->slowpath);
	check_unclaimed(check->slowpath);
}

/* ---- what the fast path is told ---- */

/* 0: the place is another's. */
static uint64_t word_of(const struct check *check, const struct sl_slow_flow *flow)
{
	uint64_t hash = flow->said.hash;

	return sl_names_read(&check->names->flow[sl_names_index(hash)], hash,
			     sl_names_stamp(check->slowpath->generation, flow->said.incarnation));
}

void check_words(const struct check *check)
{
	const struct sl_slowpath *slowpath = check->slowpath;
	const uint64_t all = ((UINT64_C(1) << SL_NAMES_MAX) - 1) << 1;
	const struct sl_slow_flow *flow;

	for (flow = TAILQ_FIRST(&slowpath->all); flow; flow = TAILQ_NEXT(flow, line)) {
		uint64_t word = word_of(check, flow);

		if (!word)
			continue;
		FUZZ_HOLDS(!(word & SL_NAMES_FINAL) == flow->is_busy);
		FUZZ_HOLDS((word & all) == (sl_slow_word_bits(slowpath, flow) & all));
		FUZZ_HOLDS(!((word & all) >> (slowpath->clauses.count + 1)));
	}
}
