/*
 * slowpath.h - names for flows and servers, from copies of packets (inspect.h); DHCP
 *
 * The server name comes from our own readers of TLS, QUIC and DNS (hello.h, quic.h, dns.h):
 * alone, nDPI reads 82 % of split ClientHellos and 72 % of QUIC's (MEASUREMENT.md 4).  The
 * application and HTTP's host name come from nDPI, in our own process: a fault in it ends the agent,
 * not the traffic.  What it guesses by port or address is shown, never matched.
 *
 * What is found is said to the fast path as clauses of the policy (names.h), for the flow, and
 * for its server, so that the next flow is right from its first packet.  Memory is bounded: all
 * of it is taken at the start, the oldest gives way, which is counted.  One thread.
 */
#ifndef SL_SLOWPATH_H
#define SL_SLOWPATH_H

#include "clauses.h"
#include "fastpath/inspect.h"
#include "hello.h"
#include "leases.h"

#define SL_APP_MAX 48 /* "TLS.Netflix", with its 0 */

enum sl_name_source { SL_NAME_NONE, SL_NAME_TLS, SL_NAME_QUIC, SL_NAME_HTTP, SL_NAME_DNS };

/* What is known of one flow. */
struct sl_flow_name {
	struct sl_flow_key key;
	uint64_t hash;
	uint32_t incarnation;
	uint8_t initiator;             /* 0 = key.a */
	uint8_t lan;                   /* likewise */
	uint8_t service;               /* of its last packet that came here */
	uint8_t source;                /* enum sl_name_source of .name */
	bool encrypted;                /* its ClientHello has an ECH extension */
	bool guessed;                  /* .app is by port or address only: to show, not to match */
	char name[SL_SERVER_NAME_MAX]; /* of its server, as rules see it; "" = not known */
	char sni[SL_SERVER_NAME_MAX];  /* what its ClientHello asks for; "" = nothing */
	char server[SL_SERVER_NAME_MAX]; /* what DNS said of the server before the flow; or "" */
	char app[SL_APP_MAX];            /* as nDPI calls it; "" = not known */
};

/* All that is counted, since the start: member, and what it counts.  The last are levels. */
#define SL_SLOWPATH_COUNTS(X)                                               \
	X(packets, "copies read")                                           \
	X(skipped, "copies not read: the tick's time was over")             \
	X(names_tls, "flows named by a TLS ClientHello")                    \
	X(names_quic, "flows named by QUIC's")                              \
	X(names_http, "flows named by HTTP's Host")                         \
	X(names_dns, "flows whose server DNS had named")                    \
	X(apps, "flows whose application was found")                        \
	X(dns_answers, "DNS answers with addresses")                        \
	X(dns_malformed, "packets from port 53 that are no DNS")            \
	X(dhcp_messages, "DHCP messages read")                              \
	X(dhcp_malformed, "packets from and to DHCP's ports that are none") \
	X(dhcp_evicted, "DHCP clients, servers and VLANs forgotten early")  \
	X(flows_evicted, "flows given up half read, for room")              \
	X(servers_evicted, "servers forgotten before their time, for room") \
	X(flows, "flows that are remembered now")                           \
	X(servers, "servers, and pairs of client and server, that are remembered now")

struct sl_slowpath_counts {
#define X(name, text) uint64_t name;
	SL_SLOWPATH_COUNTS(X)
#undef X
};

/* Traffic of service "other" by what it is. */
struct sl_unclaimed {
	char name[SL_SERVER_NAME_MAX]; /* "" = .server has none that is known */
	char app[SL_APP_MAX];          /* "" = not known */
	struct sl_addr server;         /* of the last such flow */
	uint16_t port;                 /* of the server */
	uint8_t proto;
	uint8_t source;       /* enum sl_name_source of .name */
	uint64_t flows;       /* at most so many; at least .flows - .flows_over */
	uint64_t flows_over;  /* those of what stood in this place before */
	uint64_t first_bytes; /* payload of their first packets alone, not of the whole flows */
	uint64_t seen_ns;     /* the last of them */
};

struct sl_slowpath;

/* Told when more is known of a flow than before; @name stands until it returns. */
typedef void sl_slowpath_tell(void *arg, const struct sl_flow_name *name);

/* 0 and *@slowpath, whose memory is taken; or -ENOMEM.  @tell may be NULL. */
int sl_slowpath_open(struct sl_slowpath **slowpath, sl_slowpath_tell *tell, void *arg);
/* NULL is fine. */
void sl_slowpath_close(struct sl_slowpath *slowpath);

/*
 * From now on answer in @names for the tables of @generation, whose name clauses @clauses
 * are (copied) and whose hash_seed @seed is.  All that is remembered is said again, so it is
 * right for those tables when they are swapped in: call it before.  @names NULL: answer nobody.
 */
void sl_slowpath_apply(struct sl_slowpath *slowpath, const struct sl_clauses *clauses,
		       uint64_t generation, uint64_t seed, struct sl_names *names);

/* Read one copy. */
void sl_slowpath_take(struct sl_slowpath *slowpath, const struct sl_inspect *inspect);
/* It is not read, for want of time. */
void sl_slowpath_skip(struct sl_slowpath *slowpath, const struct sl_inspect *inspect);

/* Forget what has expired, give up what rests, at @now_ns of the copies' clock. */
void sl_slowpath_tick(struct sl_slowpath *slowpath, uint64_t now_ns);

/* What DHCP does on each VLAN (leases.h), as of the last copy or tick.  How many VLANs. */
uint32_t sl_slowpath_leases(const struct sl_slowpath *slowpath,
			    struct sl_leases_vlan out[SL_LEASES_VLANS]);

/* Nothing more will come of any flow: say what can be said of those half read. */
void sl_slowpath_settle(struct sl_slowpath *slowpath);

/* What is known of the flow, or NULL.  Stands until the next call. */
const struct sl_flow_name *sl_slowpath_name(const struct sl_slowpath *slowpath, uint64_t hash,
					    uint32_t incarnation);

/* Up to @max kinds of unclaimed traffic, those with the most flows first.  How many. */
uint32_t sl_slowpath_unclaimed(const struct sl_slowpath *slowpath, struct sl_unclaimed *out,
			       uint32_t max);

const struct sl_slowpath_counts *sl_slowpath_counts(const struct sl_slowpath *slowpath);

/* "tls", "quic", "http", "dns"; "" for SL_NAME_NONE. */
const char *sl_slowpath_source(enum sl_name_source source);

#endif
