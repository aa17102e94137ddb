/*
 * probe.h - does an uplink carry anything?  asked at Storeline's own expense, within a budget
 *
 * Servers that services really use are learnt, and tried now and then in calm: by ICMP echo, or
 * by a TCP SYN where echoes are not answered.  One that answers by an uplink is proven there:
 * when it then answers no more, that tells something.  Three in a row without an answer (more
 * where single ones get lost) are a dead uplink, when two servers or a reflector agree, or when
 * the one server there is answers by another uplink meanwhile; else it may be the server that
 * is gone, and nothing is proven.  The time to wait is TCP's: smoothed round trip + 4 x its
 * deviation (RFC 6298 2).  Bytes, of probe and answer together, are charged here and nowhere else.
 * Pure; the agent's thread calls it.
 */
#ifndef SL_PROBE_H
#define SL_PROBE_H

#include "fastpath/tables.h"

#define SL_PROBE_TARGETS 8
#define SL_PROBE_FLIGHTS 64 /* of an uplink; a row at 10 ms is waited for 400 ms at most */
#define SL_PROBE_ROW     3

enum sl_probe_kind { SL_PROBE_ECHO, SL_PROBE_SYN, SL_PROBE_STAMP, SL_PROBE_KINDS };

/* A server: port and proto (IPPROTO_TCP, or any other) as services use it. */
struct sl_probe_server {
	struct sl_addr addr;
	uint16_t port;
	uint8_t proto;
	uint8_t rank;    /* the priority of the service that uses it */
	uint8_t uplinks; /* bit each: by which it may be asked */
};

/* What a target is by one uplink. */
struct sl_probe_reply {
	uint64_t sent_ns, answered_ns;           /* the last; 0 = never */
	uint32_t tried, answered;                /* since its kind was chosen */
	uint32_t srtt_us, deviation_us, unheard; /* unheard: in calm, one after the other */
};

struct sl_probe_target {
	struct sl_probe_server server;
	enum sl_probe_kind kind;
	bool used;
	uint64_t seen_ns;
	uint64_t mute_until_ns; /* answers nobody: not asked before */
	struct sl_probe_reply reply[SL_UPLINKS_MAX];
};

struct sl_probe_flight {
	uint64_t sent_ns, due_ns;
	uint32_t number;
	uint8_t target;
	bool waiting, proven;
};

enum sl_probe_word {
	SL_PROBE_SILENT,  /* not asked of late */
	SL_PROBE_CARRIES, /* answered of late */
	SL_PROBE_DEAD,
	SL_PROBE_UNKNOWN, /* not answered, but that may be the server */
};

struct sl_probe_view {
	enum sl_probe_word word;
	uint32_t lost, servers; /* unanswered in a row, of so many servers */
	uint64_t first_lost_ns; /* when the first of them was sent */
	uint64_t answered_ns;   /* the last answer; 0 = none yet */
	uint32_t answers;       /* all of them; wraps */
	bool always;            /* it is asked all the time, for the quickest word */
};

/* Members, and what they count, over all uplinks. */
#define SL_PROBE_COUNTS(X)                                            \
	X(sent, "probes sent")                                        \
	X(answered, "answered, in time or not")                       \
	X(lost, "not answered in time by a server that answers else") \
	X(unheard, "not answered by a server that never was heard")   \
	X(held, "not sent, for want of budget")                       \
	X(failed, "not sent: the system refused")                     \
	X(bytes, "of all that was sent, and of the answers they ask for")

struct sl_probe_counts {
#define X(name, text) uint64_t name;
	SL_PROBE_COUNTS(X)
#undef X
};

struct sl_probe_limits {
	uint64_t budget_bps;
	uint64_t month_bytes; /* 0 = no limit */
	bool metered;         /* asked more seldom in calm */
};

struct sl_probe_uplink {
	struct sl_probe_limits limits;
	uint64_t
		paid_until_ns; /* all that was sent is paid for at this time, at the budget's rate */
	uint64_t month_used;
	uint64_t last_ns;    /* when the last was sent */
	uint64_t suspect_ns; /* since when it is suspected; 0 = it is not */
	uint32_t number, turn;
	uint32_t row, row_targets;    /* lost one after the other; bit per target */
	uint64_t row_ns;              /* the first of them was sent */
	uint32_t blips, blips_before; /* rows that ended well, in these 10 s and the last */
	uint64_t blips_ns, answered_ns;
	uint32_t answers;
	struct sl_probe_flight flight[SL_PROBE_FLIGHTS];
};

struct sl_probe {
	uint32_t uplinks;
	uint64_t interval_ns;
	bool always;
	struct sl_probe_counts counts;
	struct sl_probe_target target[SL_PROBE_TARGETS];
	struct sl_probe_uplink uplink[SL_UPLINKS_MAX];
};

/* What an uplink is wanted to be asked for. */
enum sl_probe_wish {
	SL_PROBE_CALM,    /* only so that targets stay proven */
	SL_PROBE_SUSPECT, /* is it dead? */
	SL_PROBE_RETURN,  /* it is down: is it back? */
};

/* A probe to send now. */
struct sl_probe_order {
	uint8_t uplink;
	enum sl_probe_kind kind;
	struct sl_addr addr;
	uint16_t port;
	uint32_t number; /* comes back with the answer */
};

#define SL_PROBE_ORDERS_MAX (2 * SL_UPLINKS_MAX)

/* No targets yet.  Limits are set in .uplink[]. */
void sl_probe_init(struct sl_probe *p, uint32_t uplinks, uint64_t interval_ns, bool always);

/* A service was seen to use @server at @now_ns. */
void sl_probe_learn(struct sl_probe *p, const struct sl_probe_server *server, uint64_t now_ns);

/* The reflector @server behind @uplink (STAMP). */
void sl_probe_reflector(struct sl_probe *p, unsigned int uplink,
			const struct sl_probe_server *server);

/* Give up what is overdue at @now_ns. */
void sl_probe_expire(struct sl_probe *p, uint64_t now_ns);

/* What is to be sent at @now_ns, charged already; how many orders. */
uint32_t sl_probe_tick(struct sl_probe *p, uint64_t now_ns,
		       const enum sl_probe_wish wish[SL_UPLINKS_MAX],
		       struct sl_probe_order order[SL_PROBE_ORDERS_MAX]);

/* Probe @number of @uplink was answered; false: there is none such. */
bool sl_probe_answered(struct sl_probe *p, unsigned int uplink, uint32_t number, uint64_t now_ns);

/* It could not be sent, for a reason of this box's: it tells nothing. */
void sl_probe_failed(struct sl_probe *p, unsigned int uplink, uint32_t number);

void sl_probe_look(const struct sl_probe *p, unsigned int uplink, uint64_t now_ns,
		   struct sl_probe_view *view);

#endif
