/*
 * slowpath_private.h - the slow path's parts, for its own files
 *
 * slowpath.c       what becomes of a copy; open, apply, tick
 * slowpath_flow.c  the flows: found, begun, the oldest gives way
 * slowpath_tls.c   a flow's ClientHello, in TCP or QUIC
 * slowpath_app.c   a flow's application: nDPI
 * slowpath_server.c  what is remembered of servers, with an end to it
 * slowpath_word.c  what the fast path is told
 * slowpath_other.c traffic that no service claims
 */
#ifndef SL_SLOWPATH_PRIVATE_H
#define SL_SLOWPATH_PRIVATE_H

#include <sys/queue.h>

#include "quic.h"
#include "slowpath.h"
#include "stream.h"

#ifndef SL_SLOW_FLOWS /* the fuzz target takes few, so that room runs out (tests/fuzz/meson.build) */
#define SL_SLOW_FLOWS   16384 /* remembered; a power of 2 */
#define SL_SLOW_BUSY    4096  /* of them, those that are still read */
#define SL_SLOW_READERS 1024  /* of them, those whose ClientHello comes in pieces */
#define SL_SLOW_SERVERS 16384 /* a power of 2 */
#define SL_SLOW_OTHERS  256
#endif
#define SL_SLOW_NAMES   6 /* of one server; with more it is everybody's, and has none */
#define SL_SLOW_REST_NS (UINT64_C(30) * 1000000000) /* without a copy: nothing more will come */

/* Pieces of a ClientHello.  QUIC's and TCP's flows take the same places. */
struct sl_slow_reader {
	union {
		struct sl_stream stream;
		struct sl_quic quic;
	};
	struct sl_slow_flow *flow; /* that has it; NULL = free */
	TAILQ_ENTRY(sl_slow_reader) line;
};
TAILQ_HEAD(sl_slow_reader_list, sl_slow_reader);

struct sl_slow_flow {
	struct sl_flow_name said;
	struct sl_slow_flow *chain;     /* of the same index */
	TAILQ_ENTRY(sl_slow_flow) line; /* all, the longest at rest first */
	TAILQ_ENTRY(sl_slow_flow) busy; /* those still read, likewise */
	uint64_t seen_ns;
	uint64_t server_word; /* what was known of the server when it began; 0 = nothing */
	uint64_t first_bytes;
	uint64_t counted; /* bits by enum sl_name_source: counted as named so */
	struct sl_slow_reader *reader;
	void *ndpi;    /* slowpath_app.c's; NULL = none */
	uint32_t base; /* TCP: sequence number of the stream's first byte */
	uint8_t side;  /* TCP: which end sends the ClientHello: 1 = the initiator */
	uint8_t held;  /* TCP: segments kept although none has begun a ClientHello */
	uint8_t tries; /* QUIC: datagrams from which none was read */
	bool used, is_busy;
	bool begun;      /* TCP: a ClientHello begins at .base */
	bool hello;      /* a ClientHello was seen */
	bool hello_done; /* nothing more is read of it */
	bool app_done;   /* the application is settled */
	bool upgrades;   /* and may begin TLS later (STARTTLS, CONNECT) */
};
TAILQ_HEAD(sl_slow_flow_list, sl_slow_flow);

struct sl_slow_server_name {
	char name[SL_SERVER_NAME_MAX];
	uint64_t until_ns;
	uint8_t source; /* enum sl_name_source */
};

struct sl_slow_server {
	struct sl_addr server, client; /* client 0: anybody */
	struct sl_slow_server *chain;
	TAILQ_ENTRY(sl_slow_server) line; /* the longest unsaid first */
	uint32_t names;
	uint64_t crowded_until_ns; /* more names than there is room for: none of them counts */
	bool used;
	struct sl_slow_server_name name[SL_SLOW_NAMES]; /* the newest last */
};
TAILQ_HEAD(sl_slow_server_list, sl_slow_server);

struct sl_slow_app;

struct sl_slowpath {
	sl_slowpath_tell *tell;
	void *arg;
	struct sl_clauses clauses;
	uint64_t generation, seed;
	struct sl_names *names; /* NULL = nobody asks */
	uint64_t now_ns;
	struct sl_slowpath_counts counts;

	/* Of each array the first so many places were ever used; no page behind them is touched. */
	uint32_t flows_used, readers_used, servers_used;
	struct sl_slow_flow *flow, *flow_head[SL_SLOW_FLOWS];
	struct sl_slow_flow_list all, busy, free;
	uint32_t busy_count;
	struct sl_slow_reader *reader;
	struct sl_slow_reader_list readers, free_readers; /* the longest held first */
	struct sl_stream scratch;

	struct sl_slow_server *server, *server_head[SL_SLOW_SERVERS];
	struct sl_slow_server_list servers, free_servers;
	uint32_t server_scan;
	uint64_t scanned_ns;

	struct sl_slow_app *app;
	struct sl_leases *leases;
	struct sl_unclaimed other[SL_SLOW_OTHERS];
	uint32_t others;
};

/* The payload of @inspect, as far as it was copied. */
struct sl_slow_payload {
	const uint8_t *bytes;
	uint32_t length;
};
struct sl_slow_payload sl_slow_payload(const struct sl_inspect *inspect);

/* ---- slowpath.c ---- */

/* More is known of @flow: say it, to the fast path and to who asked to be told. */
void sl_slow_told(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);
/* Nothing more is read of @flow. */
void sl_slow_end(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);

const struct sl_addr *sl_slow_server_of(const struct sl_flow_name *name);
const struct sl_addr *sl_slow_client_of(const struct sl_flow_name *name);

/* ---- slowpath_flow.c ---- */

int sl_slow_flows_open(struct sl_slowpath *slowpath);
void sl_slow_flows_close(struct sl_slowpath *slowpath);
struct sl_slow_flow *sl_slow_flow_find(const struct sl_slowpath *slowpath, uint64_t hash,
				       const struct sl_flow_key *key);
/* A new one for @inspect, in progress.  Never NULL: the oldest give way. */
struct sl_slow_flow *sl_slow_flow_begin(struct sl_slowpath *slowpath,
					const struct sl_inspect *inspect);
/* A copy of it came now. */
void sl_slow_flow_touch(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);
/* It is no longer in progress; it stays remembered. */
void sl_slow_flow_rest(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);
void sl_slow_flow_forget(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);
/* Give @flow a reader, not emptied; another flow may lose its own. */
struct sl_slow_reader *sl_slow_reader_take(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);
void sl_slow_reader_drop(struct sl_slowpath *slowpath, struct sl_slow_flow *flow);

/* ---- slowpath_tls.c: read @inspect of @flow; true: a ClientHello tells more than before ---- */

bool sl_slow_tls(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		 const struct sl_inspect *inspect);
bool sl_slow_quic(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		  const struct sl_inspect *inspect);

/* ---- slowpath_app.c ---- */

/* NULL when out of memory. */
struct sl_slow_app *sl_slow_app_open(void);
void sl_slow_app_close(struct sl_slow_app *app);

/* What nDPI says of a flow so far. */
struct sl_slow_app_verdict {
	char app[SL_APP_MAX];
	char host[SL_SERVER_NAME_MAX]; /* of HTTP */
	bool guessed, settled;
	bool upgrades; /* TLS may begin later in such a flow */
};

/* Show it @inspect of @flow, whose .ndpi it keeps. */
void sl_slow_app_packet(struct sl_slow_app *app, struct sl_slow_flow *flow,
			const struct sl_inspect *inspect, struct sl_slow_app_verdict *out);
/* No more packets will come: its last word.  Only while @flow has .ndpi. */
void sl_slow_app_last(struct sl_slow_app *app, struct sl_slow_flow *flow,
		      struct sl_slow_app_verdict *out);
void sl_slow_app_drop(struct sl_slow_app *app, struct sl_slow_flow *flow);
/* The application that the host name @name stands for, behind "@prefix." when there is one. */
void sl_slow_app_of_name(struct sl_slow_app *app, const char *prefix, const char *name,
			 char out[SL_APP_MAX]);

/* ---- slowpath_server.c ---- */

int sl_slow_servers_open(struct sl_slowpath *slowpath);
void sl_slow_servers_close(struct sl_slowpath *slowpath);

struct sl_slow_learned {
	const char *name;
	enum sl_name_source source;
	uint64_t ttl_ns;
};
/* @server has that name, for @client and for anybody. */
void sl_slow_server_learn(struct sl_slowpath *slowpath, const struct sl_addr *server,
			  const struct sl_addr *client, const struct sl_slow_learned *learned);
/* A DNS message for @client. */
void sl_slow_server_dns(struct sl_slowpath *slowpath, const struct sl_addr *client,
			struct sl_slow_payload message);
/* What is known of @server for @client, else for anybody; NULL = nothing. */
struct sl_slow_server *sl_slow_server_find(const struct sl_slowpath *slowpath,
					   const struct sl_addr *server,
					   const struct sl_addr *client);
/* The name that DNS gave it last; NULL = none, or more than can be told apart. */
const char *sl_slow_server_dns_name(const struct sl_slow_server *server);
bool sl_slow_server_has(const struct sl_slow_server *server, const char *name);
/* Bits of the clauses that hold for every name of it. */
uint64_t sl_slow_server_word(const struct sl_slowpath *slowpath,
			     const struct sl_slow_server *server);
/* Forget names whose time is over: a slice of them. */
void sl_slow_servers_tick(struct sl_slowpath *slowpath);

/* ---- slowpath_word.c ---- */

void sl_slow_word_flow(struct sl_slowpath *slowpath, const struct sl_slow_flow *flow);
void sl_slow_word_server(struct sl_slowpath *slowpath, const struct sl_slow_server *server);
void sl_slow_word_forget_server(struct sl_slowpath *slowpath, const struct sl_slow_server *server);
/* Bits of the clauses that hold for @flow. */
uint64_t sl_slow_word_bits(const struct sl_slowpath *slowpath, const struct sl_slow_flow *flow);
/* All that is remembered, again. */
void sl_slow_word_all(struct sl_slowpath *slowpath);

/* ---- slowpath_other.c ---- */

/* @flow is read to its end: count it, if no service claims it. */
void sl_slow_other_count(struct sl_slowpath *slowpath, const struct sl_slow_flow *flow);

#endif
