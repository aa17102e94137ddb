/*
 * policy.h - the policy of a site: YAML to a plain struct, with errors that name the place
 *
 * DESIGN.md 8.  The only user of libyaml.  A policy is checked whole: what
 * is unknown, out of range, doubled or contradicts itself is refused, with
 * "file:line:column: key: what is wrong", and nothing changes.
 */
#ifndef SL_POLICY_H
#define SL_POLICY_H

#include "wire.h"

#define SL_PRIORITY_CRITICAL  3 /* what sells: sl_policy_service.priority */
#define SL_POLICY_PORTS_MAX   8
#define SL_POLICY_MATCHES_MAX 128 /* over all services */
#define SL_POLICY_LIST_MAX    16  /* entries of one list in a match */
#define SL_POLICY_CLAUSES_MAX 45  /* different names and applications, over all services */
#define SL_POLICY_MOVES_MAX   16  /* of a service in an hour, that a policy can allow */
#define SL_POLICY_CLAUSE_MAX  128 /* bytes of one, with its 0 */
#define SL_DEVICE_MAX         32  /* a kernel interface (IFNAMSIZ 16), or a device of DPDK's EAL */

enum sl_port_role { SL_ROLE_LAN, SL_ROLE_UPLINK, SL_ROLE_MIRROR };
enum sl_placement { SL_PLACEMENT_TAP, SL_PLACEMENT_GATEWAY, SL_PLACEMENT_WIRE };

#define SL_PORT_NONE 0xff

struct sl_policy_port {
	char name[SL_NAME_MAX];
	char device[SL_DEVICE_MAX];
	enum sl_port_role role;
	uint8_t pair; /* placement wire: index of the port at the wire's other end; else SL_PORT_NONE */
};

enum sl_engine_kind { SL_ENGINE_XDP, SL_ENGINE_DPDK };

/* What `device` names under DPDK, and by which driver its packets come. */
enum sl_engine_driver {
	SL_DRIVER_EAL,       /* a device of EAL: a PCI address, or a vdev that `eal` makes */
	SL_DRIVER_AF_XDP,    /* a kernel interface: XDP hands packets over, and keeps forwarding */
	SL_DRIVER_AF_PACKET, /* a kernel interface without addresses: a packet socket */
};

#define SL_ENGINE_EAL_MAX    24  /* words */
#define SL_ENGINE_WORD_MAX   160 /* bytes of one */
#define SL_ENGINE_LCORES_MAX 32

/* How packets come in; all but kind is for kind dpdk. */
struct sl_policy_engine {
	enum sl_engine_kind kind;     /* default xdp */
	enum sl_engine_driver driver; /* default eal */
	uint32_t eal_words;           /* passed to EAL as they are */
	char eal[SL_ENGINE_EAL_MAX][SL_ENGINE_WORD_MAX];
	uint32_t queues; /* of each port, with a worker each; default 1, or as many as lcores */
	uint32_t lcores; /* 0 = chosen at the start, else as many as queues */
	uint16_t lcore[SL_ENGINE_LCORES_MAX]; /* CPU of each worker */
	uint32_t mbufs;                       /* of the packet pool; 0 = by ports and queues */
	uint32_t flows;                       /* entries, of all workers together; 0 = 1 Mi */
	bool no_huge_pages;                   /* huge_pages: false */
	uint32_t idle_sleep_us;               /* rest of a worker that finds no packet; 0 = none */
};

/* What carries an uplink; what was learnt of one kind is tried on another of it. */
enum sl_uplink_kind {
	SL_UPLINK_OTHER, /* not said */
	SL_UPLINK_FIBRE,
	SL_UPLINK_CABLE,
	SL_UPLINK_DSL,
	SL_UPLINK_LTE,
	SL_UPLINK_LEO,
	SL_UPLINK_GEO,
	SL_UPLINK_KINDS
};

/* What the far side of an uplink makes of the DSCPs that packets leave with. */
enum sl_dscp_beyond {
	SL_DSCP_BLEACHED, /* nothing: most lines of the internet overwrite or ignore them */
	SL_DSCP_HONOURED, /* its queue serves them as RFC 4594 and 8622 say */
};

/* An address range, 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. */
struct sl_policy_prefix {
	uint8_t address[16];
	uint8_t bits; /* of 128 */
};

struct sl_policy_uplink {
	char name[SL_NAME_MAX];
	char device[SL_DEVICE_MAX];
	char gateway[46]; /* next hop, as text; "" = none (point to point) */
	char gateway6[46];
	uint64_t capacity_bps; /* 0 = not said */
	bool metered;
	uint64_t monthly_bytes;
	enum sl_uplink_kind kind;
	uint32_t mtu; /* bytes of an IP packet; 0 = not said */
	enum sl_dscp_beyond dscp;
	/* A site behind it that reflects STAMP (RFC 8762); bits 0 = none. */
	struct sl_policy_prefix stamp; /* a whole address: bits 128 */
	uint16_t stamp_port;
};

struct sl_policy_l4 {
	uint8_t proto; /* IPPROTO_*; 0 = any */
	uint16_t port_min, port_max;
};

/*
 * What a flow can be known by once the slow path has read its first packets: a host name
 * ("payments.example", or "*.payments.example" for every name below it, not itself; lower
 * case), or an application as nDPI calls it (as written).
 */
struct sl_policy_clause {
	bool is_app;
	char pattern[SL_POLICY_CLAUSE_MAX];
};

/* Bits of sl_policy.tunnels: what is measured and classified by its inner headers. */
enum sl_policy_tunnel {
	SL_POLICY_GRE = 1 << 0,
	SL_POLICY_IPIP = 1 << 1,
	SL_POLICY_VXLAN = 1 << 2,
	SL_POLICY_GENEVE = 1 << 3,
	SL_POLICY_GTPU = 1 << 4,
	SL_POLICY_TUNNELS_ALL = (1 << 5) - 1,
};

/* One element of `match:`; every clause that is there must hold; lists are alternatives. */
struct sl_policy_match {
	uint32_t line; /* of the YAML, for messages */
	bool has_vlan, has_dscp, has_port;
	uint16_t vlan; /* 0 = untagged */
	uint8_t dscp;
	uint8_t in_port; /* `in:` name of a port, as its index */
	bool has_in;
	uint32_t srcs, dsts, l4s; /* 0 = any */
	struct sl_policy_prefix src[SL_POLICY_LIST_MAX];
	struct sl_policy_prefix dst[SL_POLICY_LIST_MAX];
	struct sl_policy_l4 l4[SL_POLICY_LIST_MAX]; /* `port:` tcp/443, udp/1000-2000, icmp */
	uint32_t names, apps;                       /* 0 = any */
	uint8_t name[SL_POLICY_LIST_MAX];           /* indexes of sl_policy.clause[] */
	uint8_t app[SL_POLICY_LIST_MAX];
};

struct sl_policy_slo {
	uint64_t latency_ns;           /* 0 = not said */
	uint32_t latency_quantile_ppm; /* latency_p95: 950000 (p50, p90, p95, p99 are known) */
	uint32_t loss_ppm;             /* UINT32_MAX = not said */
	uint32_t failures_ppm;         /* UINT32_MAX = not said */
	uint32_t window_ms;            /* default 1000; 100..60000 */
};

struct sl_policy_service {
	char name[SL_NAME_MAX];
	uint32_t matches; /* from first_match in the policy's list */
	uint32_t first_match;
	struct sl_policy_slo slo;
	bool has_slo;
	uint32_t uplinks; /* in order of preference, as indexes of uplink[] */
	uint8_t uplink[SL_WIRE_UPLINKS_MAX];
	uint8_t priority; /* background 0, normal 1, high 2, SL_PRIORITY_CRITICAL */
	bool may_throttle;
	uint64_t throttle_floor_bps;
	bool has_remark;
	uint8_t remark_dscp;
	uint32_t flow_share_ppm; /* of the flow table; 0 = an equal share of what is left */
	uint8_t pinned;          /* bit per uplink whose address the far end accepts; 0 = any */
	bool reset;              /* a hard move may end its connections towards the LAN */
};

/* A policy that is to blame for what befalls a service: control says so, or also takes it back. */
enum sl_revert { SL_REVERT_ADVISE, SL_REVERT_AUTO };

struct sl_policy_guardrails {
	uint32_t actions_per_minute; /* default 6 */
	uint32_t moves_per_hour;     /* of one service; default 4 */
	uint32_t hold_down_ms;       /* default 30000 */
	enum sl_revert revert;       /* default advise */
};

/* When an uplink is asked at Storeline's own expense whether it carries anything. */
enum sl_probe_when { SL_PROBE_SUSPECTED, SL_PROBE_ALWAYS, SL_PROBE_NEVER };

struct sl_policy_probes {
	enum sl_probe_when when; /* default: suspected, or silent when it should not be */
	uint32_t interval_ms;    /* of a row of probes; default 10 */
	uint64_t budget_bps;     /* of each uplink, both directions together; default 20 kbit/s */
	uint64_t monthly_bytes;  /* of each metered uplink; 0 = 1 % of what it has a month */
};

#define SL_POLICY_ALLOW_MAX 8

/* Turns STAMP test packets (RFC 8762) round, for those who may ask. */
struct sl_policy_reflector {
	uint32_t allows; /* 0 = no reflector */
	struct sl_policy_prefix allow[SL_POLICY_ALLOW_MAX];
	uint32_t per_second; /* packets; default 1000 */
};

enum sl_record_which { SL_RECORD_CRITICAL, SL_RECORD_ALL, SL_RECORD_NONE };
enum sl_record_payload { SL_RECORD_HEADERS, SL_RECORD_HEAD };

/* The last packets' headers of a service, kept for an incident. */
struct sl_policy_recorder {
	enum sl_record_which services;
	enum sl_record_payload
		payload; /* head: the frame's first 96 bytes; never of a critical one */
	uint32_t files;  /* kept, the oldest go; default 16 */
};

/* How much of each second's picture is kept in Redis, for people and for what-if. */
enum sl_history_detail {
	SL_HISTORY_FULL, /* the whole of it, and its mirror in JSON */
	SL_HISTORY_LEAN, /* what is judged, no JSON: a twentieth of the memory */
};

#define SL_POLICY_KEEP_S 86400

struct sl_policy_history {
	uint32_t keep_s; /* so many of them; default a day */
	enum sl_history_detail detail;
};

struct sl_policy {
	char site[SL_NAME_MAX];
	uint64_t
		version; /* of the document; 0 = not said: the dataplane counts on from what it had */
	enum sl_mode mode;
	enum sl_placement
		placement; /* said, or: wire when ports are pairs; gateway when there is a lan port
			      and an uplink; else tap */
	struct sl_policy_engine engine;
	uint32_t tunnels; /* enum sl_policy_tunnel bits; default none */
	bool no_names;    /* names: false, first packets do not go to the slow path */
	uint32_t clauses; /* in order of first appearance; each is there once */
	struct sl_policy_clause clause[SL_POLICY_CLAUSES_MAX];
	uint32_t ports, uplinks, services, matches;
	struct sl_policy_port port[SL_POLICY_PORTS_MAX];
	struct sl_policy_uplink uplink[SL_WIRE_UPLINKS_MAX];
	struct sl_policy_service service[SL_WIRE_SERVICES_MAX - 1]; /* "other" is not in it */
	struct sl_policy_match match[SL_POLICY_MATCHES_MAX];
	struct sl_policy_guardrails guardrails;
	struct sl_policy_probes probes;
	struct sl_policy_reflector reflector;
	struct sl_policy_recorder recorder;
	struct sl_policy_history history;
};

/*
 * Read a policy from YAML text of @size bytes; @file only names it in messages.
 * 0; or -EINVAL, *@policy untouched, and up to @why_size bytes of @why get one
 * line per mistake, each "file:line:column: key: what is wrong".
 */
int sl_policy_read(struct sl_policy *policy, const char *yaml, size_t size, const char *file,
		   char *why, size_t why_size);

/* The same from a file; also -errno of open/read (then @why says "file: reason"). */
int sl_policy_load(struct sl_policy *policy, const char *file, char *why, size_t why_size);

/*
 * What changes from @before to @after, one line each in plain words ("services.pos.slo.loss:
 * 0.5% -> 1%").  The text is the caller's to free(); "" when nothing does; NULL
 * when out of memory.
 */
char *sl_policy_diff(const struct sl_policy *before, const struct sl_policy *after);

/* The policy as canonical YAML that reads back equal.  Caller frees; NULL when out of memory. */
char *sl_policy_write(const struct sl_policy *policy);

/*
 * May @text stand as `name:` ("payments.example", "*.payments.example"; at most
 * SL_POLICY_CLAUSE_MAX - 1 bytes), as `app:`?
 */
bool sl_policy_is_host_pattern(const char *text);
bool sl_policy_is_app(const char *text);

/* The word of `kind:` ("fibre", "lte", "other"); "?" out of range. */
const char *sl_policy_kind_word(enum sl_uplink_kind kind);

/* Index of a service or uplink by name; -1 = none.  "other" is the service SL_POLICY_OTHER. */
#define SL_POLICY_OTHER (SL_WIRE_SERVICES_MAX - 1)
int sl_policy_service_index(const struct sl_policy *policy, const char *name);
int sl_policy_uplink_index(const struct sl_policy *policy, const char *name);

#endif
