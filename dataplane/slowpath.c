/*
 * slowpath.c - what becomes of a copy: a server's name, a flow's name, a flow's application
 *
 * A DNS answer tells of servers, DHCP of its VLAN (leases.h).  Any other copy is shown to the reader of ClientHellos, and to
 * nDPI until the ClientHello has told more.  What is found is said at once; a flow is read until
 * no more can come, or SL_INSPECT_MAX copies, or a rest of SL_SLOW_REST_NS.
 */
#include "slowpath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"
#include "fastpath/datagram.h"
#include "slowpath_private.h"

#define REMEMBER_NS (UINT64_C(600) * 1000000000) /* of a server, what a ClientHello asked it for */

struct sl_slow_payload sl_slow_payload(const struct sl_inspect *inspect)
{
	uint32_t from = inspect->payload_offset, length;

	if (inspect->length <= from)
		return (struct sl_slow_payload){inspect->bytes, 0};
	length = inspect->length - from;
	if (length > inspect->payload_bytes) /* what fills up a short frame */
		length = inspect->payload_bytes;
	return (struct sl_slow_payload){inspect->bytes + from, length};
}

const struct sl_addr *sl_slow_server_of(const struct sl_flow_name *name)
{
	return name->lan ? &name->key.a : &name->key.b;
}

const struct sl_addr *sl_slow_client_of(const struct sl_flow_name *name)
{
	return name->lan ? &name->key.b : &name->key.a;
}

/* ---- open, close, apply ---- */

int sl_slowpath_open(struct sl_slowpath **out, sl_slowpath_tell *tell, void *arg)
{
	struct sl_slowpath *slowpath = calloc(1, sizeof(*slowpath));

	if (!slowpath)
		return -ENOMEM;
	slowpath->tell = tell;
	slowpath->arg = arg;
	slowpath->app = sl_slow_app_open();
	if (sl_slow_flows_open(slowpath) || sl_slow_servers_open(slowpath) || !slowpath->app ||
	    sl_leases_open(&slowpath->leases)) {
		sl_slowpath_close(slowpath);
		return -ENOMEM;
	}
	*out = slowpath;
	return 0;
}

void sl_slowpath_close(struct sl_slowpath *slowpath)
{
	struct sl_slow_flow *flow;

	if (!slowpath)
		return;
	if (slowpath->flow && slowpath->app)
		for (flow = TAILQ_FIRST(&slowpath->busy); flow; flow = TAILQ_NEXT(flow, busy))
			sl_slow_app_drop(slowpath->app, flow);
	sl_slow_app_close(slowpath->app);
	sl_leases_close(slowpath->leases);
	sl_slow_servers_close(slowpath);
	sl_slow_flows_close(slowpath);
	free(slowpath);
}

void sl_slowpath_apply(struct sl_slowpath *slowpath, const struct sl_clauses *clauses,
		       uint64_t generation, uint64_t seed, struct sl_names *names)
{
	/* What somebody before us said there of servers would never expire. */
	if (names && names != slowpath->names)
		memset(names, 0, sizeof(*names));
	slowpath->clauses = *clauses;
	slowpath->generation = generation;
	slowpath->seed = seed;
	slowpath->names = names;
	if (names)
		sl_slow_word_all(slowpath);
}

const struct sl_slowpath_counts *sl_slowpath_counts(const struct sl_slowpath *slowpath)
{
	return &slowpath->counts;
}

const char *sl_slowpath_source(enum sl_name_source source)
{
	static const char *const names[] = {[SL_NAME_NONE] = "",
					    [SL_NAME_TLS] = "tls",
					    [SL_NAME_QUIC] = "quic",
					    [SL_NAME_HTTP] = "http",
					    [SL_NAME_DNS] = "dns"};

	return names[source];
}

/* ---- what is said ---- */

static void count_name(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	uint64_t *const counts[] = {[SL_NAME_TLS] = &slowpath->counts.names_tls,
				    [SL_NAME_QUIC] = &slowpath->counts.names_quic,
				    [SL_NAME_HTTP] = &slowpath->counts.names_http,
				    [SL_NAME_DNS] = &slowpath->counts.names_dns};
	uint8_t source = flow->said.source;

	if (!flow->said.name[0] || flow->counted >> source & 1)
		return;
	flow->counted |= UINT64_C(1) << source;
	(*counts[source])++;
}

void sl_slow_told(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	count_name(slowpath, flow);
	sl_slow_word_flow(slowpath, flow);
	if (slowpath->tell)
		slowpath->tell(slowpath->arg, &flow->said);
}

static void name_it(struct sl_slow_flow *flow, const char *name, enum sl_name_source source)
{
	memcpy(flow->said.name, name, sizeof(flow->said.name));
	flow->said.source = (uint8_t)source;
}

static void read_server(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	struct sl_slow_server *server =
		sl_slow_server_find(slowpath, sl_slow_server_of(&flow->said),
				    sl_slow_client_of(&flow->said));
	const char *name = sl_slow_server_dns_name(server);

	if (!name)
		return;
	memcpy(flow->said.server, name, sizeof(flow->said.server));
	name_it(flow, flow->said.server, SL_NAME_DNS);
}

/*
 * With ECH the name is the front's, unless the extension is only GREASE: then DNS had said the
 * same name.  Without DNS the front's is what there is.
 */
static bool is_front(const struct sl_slowpath *slowpath, const struct sl_flow_name *said)
{
	const struct sl_slow_server *server =
		sl_slow_server_find(slowpath, sl_slow_server_of(said), sl_slow_client_of(said));

	return said->encrypted && said->server[0] && strcmp(said->server, said->sni) != 0 &&
	       !sl_slow_server_has(server, said->sni);
}

/* True: that is news.  What was found is not given up for a guess. */
static bool set_app(struct sl_slowpath *slowpath, struct sl_flow_name *said, const char *app,
		    bool guessed)
{
	bool found = said->app[0] && !said->guessed;

	if (!app[0] || (found && guessed) ||
	    (said->guessed == guessed && strcmp(said->app, app) == 0))
		return false;
	slowpath->counts.apps += !found && !guessed;
	snprintf(said->app, sizeof(said->app), "%s", app);
	said->guessed = guessed;
	return true;
}

/* The ClientHello of @flow has told more. */
static void take_hello(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	struct sl_flow_name *said = &flow->said;
	bool tcp = said->key.proto == SL_PROTO_TCP;
	struct sl_slow_learned learned = {.name = said->sni,
					  .source = tcp ? SL_NAME_TLS : SL_NAME_QUIC,
					  .ttl_ns = REMEMBER_NS};
	char app[SL_APP_MAX];

	if (said->sni[0] && !is_front(slowpath, said))
		name_it(flow, said->sni, learned.source);
	else if (said->server[0])
		name_it(flow, said->server, SL_NAME_DNS);
	sl_slow_app_of_name(slowpath->app, tcp ? "TLS" : "QUIC", said->name, app);
	set_app(slowpath, said, app, false);
	flow->app_done = true;
	/* Before the whole is read it is not known whether it is a front's. */
	if (said->sni[0] && flow->hello_done && !said->encrypted && said->lan == said->initiator)
		sl_slow_server_learn(slowpath, sl_slow_server_of(said), sl_slow_client_of(said),
				     &learned);
}

/* True: that is news. */
static bool take_verdict(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
			 const struct sl_slow_app_verdict *verdict)
{
	bool more = set_app(slowpath, &flow->said, verdict->app, verdict->guessed);

	flow->app_done = verdict->settled;
	flow->upgrades = verdict->upgrades;
	if (verdict->host[0] && !flow->hello && strcmp(flow->said.name, verdict->host) != 0) {
		name_it(flow, verdict->host, SL_NAME_HTTP);
		more = true;
	}
	return more;
}

void sl_slow_end(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	struct sl_slow_app_verdict verdict;

	if (!flow->app_done && flow->ndpi) {
		sl_slow_app_last(slowpath->app, flow, &verdict);
		take_verdict(slowpath, flow, &verdict);
	}
	sl_slow_flow_rest(slowpath, flow);
	sl_slow_told(slowpath, flow);
	sl_slow_other_count(slowpath, flow);
}

/* ---- copies ---- */

static bool is_dns(const struct sl_inspect *inspect)
{
	const struct sl_flow_key *key = &inspect->key;

	return key->proto == SL_PROTO_UDP &&
	       (inspect->initiator ? key->a_port : key->b_port) == SL_PORT_DNS;
}

/* Of a resolver that was asked: an answer to nobody's question tells nothing. */
static void read_dns(struct sl_slowpath *slowpath, const struct sl_inspect *inspect)
{
	const struct sl_flow_key *key = &inspect->key;

	if (!inspect->from_initiator)
		sl_slow_server_dns(slowpath, inspect->initiator ? &key->b : &key->a,
				   sl_slow_payload(inspect));
}

static void read_dhcp(struct sl_slowpath *slowpath, const struct sl_inspect *inspect)
{
	struct sl_slow_payload p = sl_slow_payload(inspect);
	struct sl_dhcp_message message;

	if (!sl_dhcp_is_port(inspect->key.a_port) || !sl_dhcp_is_port(inspect->key.b_port) ||
	    inspect->key.proto != SL_PROTO_UDP)
		return;
	if (sl_dhcp_read(p.bytes, p.length, &message)) {
		slowpath->counts.dhcp_malformed++;
		return;
	}
	slowpath->counts.dhcp_messages++;
	sl_leases_take(slowpath->leases, inspect->key.vlan, &message, slowpath->now_ns);
	slowpath->counts.dhcp_evicted = sl_leases_evicted(slowpath->leases);
}

uint32_t sl_slowpath_leases(const struct sl_slowpath *slowpath,
			    struct sl_leases_vlan out[SL_LEASES_VLANS])
{
	return sl_leases_view(slowpath->leases, slowpath->now_ns, out);
}

/* A flow of DNS is no more than that, whatever it asks for. */
static bool read_as_dns(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
			const struct sl_inspect *inspect)
{
	struct sl_slow_payload p = sl_slow_payload(inspect);
	struct sl_dns_answer answer;

	if (!is_dns(inspect) || sl_dns_read(p.bytes, p.length, &answer))
		return false;
	set_app(slowpath, &flow->said, "DNS", false);
	flow->hello_done = flow->app_done = true;
	return true;
}

static bool read_copy(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		      const struct sl_inspect *inspect)
{
	struct sl_slow_app_verdict verdict;
	bool tcp = flow->said.key.proto == SL_PROTO_TCP, more = false;

	if (read_as_dns(slowpath, flow, inspect))
		return true;
	if (!flow->hello_done)
		more = tcp ? sl_slow_tls(slowpath, flow, inspect)
			   : sl_slow_quic(slowpath, flow, inspect);
	if (more)
		take_hello(slowpath, flow);
	if (flow->hello_done)
		sl_slow_reader_drop(slowpath, flow);
	/* What looks like QUIC is not shown to nDPI, which would take it for something else. */
	if (flow->app_done || (!tcp && flow->reader))
		return more;
	sl_slow_app_packet(slowpath->app, flow, inspect, &verdict);
	if (!tcp && !flow->hello_done)
		verdict.settled = false;
	return take_verdict(slowpath, flow, &verdict) || more;
}

/* Will nothing more come of it? */
static bool is_read(const struct sl_slow_flow *flow, const struct sl_inspect *inspect)
{
	if (inspect->number >= SL_INSPECT_MAX)
		return true;
	if (flow->hello_done)
		return flow->app_done;
	return flow->said.key.proto == SL_PROTO_TCP && flow->app_done && !flow->upgrades &&
	       !flow->hello && !flow->begun;
}

static struct sl_slow_flow *flow_of(struct sl_slowpath *slowpath, const struct sl_inspect *inspect)
{
	struct sl_slow_flow *flow = sl_slow_flow_find(slowpath, inspect->hash, &inspect->key);

	if (flow && flow->said.incarnation != inspect->incarnation) {
		if (flow->is_busy)
			sl_slow_end(slowpath, flow);
		sl_slow_flow_forget(slowpath, flow);
		flow = NULL;
	}
	if (flow)
		return flow;
	flow = sl_slow_flow_begin(slowpath, inspect);
	flow->said.service = inspect->service;
	read_server(slowpath, flow);
	if (flow->said.server[0])
		sl_slow_told(slowpath, flow);
	return flow;
}

static void set_clock(struct sl_slowpath *slowpath, uint64_t now_ns)
{
	if (now_ns > slowpath->now_ns)
		slowpath->now_ns = now_ns;
}

void sl_slowpath_take(struct sl_slowpath *slowpath, const struct sl_inspect *inspect)
{
	struct sl_slow_flow *flow;

	slowpath->counts.packets++;
	set_clock(slowpath, inspect->now_ns);
	if (is_dns(inspect))
		read_dns(slowpath, inspect);
	read_dhcp(slowpath, inspect);
	if (inspect->number == SL_INSPECT_ANSWER)
		return;
	flow = flow_of(slowpath, inspect);
	flow->said.service = inspect->service;
	sl_slow_flow_touch(slowpath, flow);
	if (!flow->is_busy)
		return;
	flow->first_bytes += inspect->payload_bytes;
	if (read_copy(slowpath, flow, inspect))
		sl_slow_told(slowpath, flow);
	if (is_read(flow, inspect))
		sl_slow_end(slowpath, flow);
}

void sl_slowpath_skip(struct sl_slowpath *slowpath, const struct sl_inspect *inspect)
{
	set_clock(slowpath, inspect->now_ns);
	slowpath->counts.skipped++;
}

/* ---- time ---- */

void sl_slowpath_tick(struct sl_slowpath *slowpath, uint64_t now_ns)
{
	struct sl_slow_flow *flow;

	set_clock(slowpath, now_ns);
	while ((flow = TAILQ_FIRST(&slowpath->busy)) &&
	       slowpath->now_ns - flow->seen_ns >= SL_SLOW_REST_NS)
		sl_slow_end(slowpath, flow);
	sl_slow_servers_tick(slowpath);
}

void sl_slowpath_settle(struct sl_slowpath *slowpath)
{
	while (!TAILQ_EMPTY(&slowpath->busy))
		sl_slow_end(slowpath, TAILQ_FIRST(&slowpath->busy));
}
