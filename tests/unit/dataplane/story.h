/*
 * story.h - what passes the slow path, step by step, for its tests
 *
 * Names under *.pay.example satisfy clause 1, cdn.example 2, TLS 3, NetFlix 4, HTTP 5.
 */
#ifndef SL_STORY_H
#define SL_STORY_H

#include "dataplane/slowpath.h"
#include "tests/unit/dataplane/copies.h"

#define PAY    (1u << 1)
#define CDN    (1u << 2)
#define TLS    (1u << 3)
#define NFLX   (1u << 4)
#define HTTP   (1u << 5)
#define NONE   1u         /* the slow path has spoken, no clause holds */
#define SILENT UINT32_MAX /* it has said nothing */

#define SECOND UINT64_C(1000000000)

enum what {
	END,
	HELLO,  /* TCP, of the client: .from .. .to percent of a ClientHello for .name */
	DNS,    /* .client hears that .name is server .server, for .value seconds */
	FORGED, /* the same, but it asked nothing */
	DATA,   /* TCP, of the client: the text .name */
	REPLY,  /* likewise, of the server */
	LAST,   /* DATA that is the last of the flow that is copied */
	QUIC,   /* a client's Initial with a ClientHello for .name */
	WAIT,   /* .value seconds */
	POLICY, /* another generation: a.pay.example is clause 2, nothing is 1 */
	OTHERS, /* DNS: .value names below .name are server 1 */
};

struct step {
	enum what what;
	uint16_t client, server; /* 0 = 1 */
	const char *name;
	uint32_t from, to; /* 0, 0 = all */
	uint32_t value;    /* else: bytes that are copied; 0 = all */
	bool ech, again;   /* again: the same ports, a connection later */
	uint16_t port;     /* of the client, above 1000 */
};

struct run {
	struct sl_slowpath *slowpath;
	struct sl_clauses clauses;
	uint64_t generation;
	uint32_t seq[2]; /* what each end sends next, on the TCP flow */
	uint32_t incarnation;
	uint8_t number;
	struct sl_inspect copy; /* the last; .now_ns is the clock */
};

/* A slow path of its own; there is one memory of names. */
void story_begin(struct run *run);
void story_step(struct run *run, const struct step *step);
void story_end(struct run *run);

/* The flow of @step; of {0}: of client 1, port 1000, to server 1, TCP. */
struct copies_flow story_flow(const struct run *run, const struct step *step);

/* As the core asks (look.h): clauses and flags; 0 or SILENT = the slow path has said nothing. */
uint64_t story_flow_word(const struct run *run, const struct copies_flow *flow);
uint32_t story_server_word(const struct run *run, uint16_t client, uint16_t server);

#endif
