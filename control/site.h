/*
 * site.h - one site's pipeline: pictures and events in, decisions and orders out
 *
 * judge, locate, decide, prove are called here in that order, per service, the
 * most important first.  Pure: time comes in as milliseconds of a monotonic
 * clock, what is to be said and ordered goes out in struct sl_site_out; the
 * daemon (daemon.c) makes it durable, then sends it.  One thread.
 */
#ifndef SL_SITE_H
#define SL_SITE_H

#include "ceiling.h"
#include "decide.h"
#include "incident.h"
#include "prove.h"
#include "usage.h"

#define SL_SITE_EVENTS_MAX  48
#define SL_SITE_ORDERS_MAX  32 /* also in flight at once */
#define SL_SITE_ACTIONS_MAX 64
#define SL_SITE_SILENT_MS   1000
#define SL_SITE_SETTLE_MS   1200 /* after a break of the pictures: one window and a bit */
#define SL_ORDER_RESEND_MS  1000
#define SL_ORDER_EXPIRE_MS  10000
#define SL_KEY_MAX          32

/* A command before it has its envelope. */
struct sl_order {
	char id[SL_ID_MAX]; /* control-TERM-N */
	enum sl_command_kind kind;
	char service[SL_NAME_MAX];
	char uplink[SL_NAME_MAX];
	bool move_live;
	uint32_t share_ppm; /* REROUTE: of new flows, for a trial; 0 = all */
	uint64_t limit_bps;
	uint32_t packet_bytes;   /* CLAMP; 0 lifts it */
	char dscp[SL_DSCP_MAX];  /* REMARK; "" lifts it */
	uint32_t hold_ms;        /* it ends by itself after this; 0 = stays */
	uint64_t policy_version; /* ROLLBACK: which is taken back */
	uint64_t incident;
	uint64_t made_ms, sent_ms;
	char reason[SL_TEXT_MAX];
};

enum sl_phase {
	SL_PHASE_HOME,      /* where the policy wants it */
	SL_PHASE_MOVING,    /* ordered, not confirmed */
	SL_PHASE_PROVING,   /* moved: does it help? */
	SL_PHASE_AWAY,      /* elsewhere, waiting for the way home to be well */
	SL_PHASE_RETURNING, /* ordered home */
	SL_PHASE_TRYING     /* at home still, some new flows go elsewhere */
};

/* What is kept of one service. */
struct sl_care {
	char name[SL_NAME_MAX];
	enum sl_phase phase;
	uint64_t incident; /* 0 = none open */
	enum sl_verdict verdict;
	enum sl_verdict found; /* LAN, DESTINATION or DNS: seen last at .found_ms; 0 = not */
	uint64_t found_ms;
	uint32_t idle_ms; /* of .found: forgotten connections' rest, seen last at .idle_seen_ms */
	uint64_t idle_seen_ms;
	char from[SL_NAME_MAX], to[SL_NAME_MAX]; /* uplinks of the last move */
	bool person; /* a person set its uplink: hands off until the policy's stands again */
	struct sl_badness left;   /* how bad it was when it left home */
	char print[SL_PRINT_MAX]; /* of the incident that the move was chosen for; "" = none */
	uint64_t trial_ms;        /* since when the trial stands; 0 = it does not yet */
	uint32_t share_ppm;       /* of new flows, in the trial */
	bool known;               /* the move is a proven remedy */
	uint64_t first_bad_ms;    /* of the trouble that it left */
	struct sl_home home;
	uint64_t moved_ms;                        /* last move by anyone; 0 = never */
	uint32_t moved_unanswered;                /* requests at .to in the picture of that */
	uint64_t move_at_ms[SL_POLICY_MOVES_MAX]; /* ring of the last moves */
	uint32_t moves;                           /* counted into it */
	uint64_t changed_ms;   /* last change known from an answer: pictures may be older */
	uint64_t returned_ms;  /* last return home by us; 0 = never */
	uint64_t barred_ms;    /* no move before this */
	uint32_t returns;      /* faults that came back soon after the return home */
	uint32_t failures;     /* moves that did not help */
	char said[SL_KEY_MAX]; /* last decision published for the incident */
	uint64_t said_ms;
	char wants[SL_KEY_MAX]; /* hold about to be published, and since when */
	uint64_t wants_ms;
	struct sl_ladder ladder; /* as culprit */
	char ladder_uplink[SL_NAME_MAX];
	uint64_t ladder_incident;
	char ladder_print[SL_PRINT_MAX];
	uint64_t ladder_bad_ms;    /* the first bad picture of the served */
	uint64_t ladder_failed_ms; /* as victim: throttling did not help */
	uint64_t mark_failed_ms;   /* as victim: marking the culprit did not help */
};

/* What is kept of a VLAN whose DHCP is, or was just now, in trouble (dhcp.h). */
struct sl_vlan {
	bool used;
	uint32_t vlan;
	unsigned int trouble; /* in the last picture: bits of dhcp.c */
	unsigned int ever;    /* that was said of its incident so far */
	uint32_t most;        /* devices that suffered at once */
	uint64_t since_ms;    /* the first picture with trouble */
	uint64_t well_ms;     /* since when there is none; 0 = there is */
	struct sl_care care;  /* of it what say.h uses; its name: the VLAN's service, or "" */
};

/* A smaller MSS of an uplink's new connections (clamp.h); zero = never set. */
struct sl_clamp {
	bool on, proved, known;    /* known: proven before */
	char service[SL_NAME_MAX]; /* for whom */
	uint32_t bytes;            /* of an IP packet */
	uint64_t incident;
	uint64_t since_ms;
	uint64_t bad_ms;          /* the first bad picture of the served */
	uint64_t failed_ms;       /* when it was lifted, having helped nobody; 0 = never */
	char print[SL_PRINT_MAX]; /* of the incident that it was chosen for; "" = learnt */
};

/* The policy in force, and how things stood in the last picture before it (change.h). */
struct sl_change {
	uint64_t version, before; /* 0 = none was seen */
	uint64_t at_ms;           /* when it took effect; 0 = it was there when we came */
	uint64_t back_ms;         /* when somebody last went back to an earlier one; 0 = never */
	bool ordered, refused;    /* to take it back: by us, for .incident; by the dataplane */
	uint64_t incident;        /* for which it, or the one before it, is taken back; 0 = none */
	struct sl_was {
		char name[SL_NAME_MAX];
		char uplink[SL_NAME_MAX]; /* where it was, by the policy's leave; "" = nowhere */
		bool good, yielded;
	} was[SL_SITE_SERVICES];
};

struct sl_site_out {
	uint32_t events, orders;
	struct sl_event event[SL_SITE_EVENTS_MAX];
	struct sl_order order[SL_SITE_ORDERS_MAX];
};

struct sl_site {
	char name[SL_NAME_MAX];
	/* Durable (state.c). */
	uint64_t term, orders, incidents;
	uint64_t state_changes; /* of the dataplane's paths and uplinks, each counted once */
	struct sl_care care[SL_SITE_SERVICES];
	struct sl_clamp clamp[SL_SITE_UPLINKS];     /* by uplink of the policy */
	char clamped[SL_SITE_UPLINKS][SL_NAME_MAX]; /* whose they are */
	struct sl_memory memory;                    /* what this site has learnt */
	struct sl_usage usage;
	struct sl_cases cases; /* incidents: open, or not yet in Redis */
	/* Of this life. */
	struct sl_memory fleet; /* what the others have */
	bool has_policy;
	uint64_t policy_version;
	struct sl_change change;
	struct sl_policy policy;
	struct sl_judge judge[SL_SITE_SERVICES][SL_SITE_UPLINKS];
	uint64_t up_ms[SL_SITE_UPLINKS]; /* since when it has not been down; 0 = it is */
	struct sl_ceiling ceiling[SL_SITE_UPLINKS];
	struct sl_vlan vlan[SL_WIRE_VLANS_MAX];
	struct sl_telemetry picture;
	struct sl_view view; /* of picture */
	bool has_picture, silent;
	uint64_t picture_ms, settle_ms;          /* last picture; no decision before */
	uint64_t action_ms[SL_SITE_ACTIONS_MAX]; /* ring of the last actions */
	uint32_t actions;
	uint32_t pending_count;
	struct sl_order pending[SL_SITE_ORDERS_MAX];
	uint64_t now_ms;                      /* of the call under way */
	uint64_t unix_zero_ns;                /* wall clock when our clock was 0 */
	uint64_t used_bytes[SL_SITE_UPLINKS]; /* of the month, by each uplink */
	struct sl_decision record;            /* of the service whose turn it is (say.h) */
	unsigned int turn;                    /* SL_SITE_SERVICES = of no service */
	bool in_turn;
	struct sl_site_out *out;
};

/* An empty site.  term, orders, incidents and care[] may then be filled from the state file. */
void sl_site_init(struct sl_site *site, const char *name);

/* A policy (again).  What is kept of a service stays with its name. */
void sl_site_set_policy(struct sl_site *site, const struct sl_policy *policy, uint64_t version);

/* What the wall clock shows at @now_ms; again when it may have been set. */
void sl_site_clock(struct sl_site *site, uint64_t unix_ns, uint64_t now_ms);

/* Take in a picture, an event of the dataplane (each once, in order), the passing of time. */
void sl_site_picture(struct sl_site *site, const struct sl_telemetry *picture, uint64_t now_ms,
		     struct sl_site_out *out);
void sl_site_event(struct sl_site *site, const struct sl_event *event, uint64_t now_ms,
		   struct sl_site_out *out);
void sl_site_tick(struct sl_site *site, uint64_t now_ms, struct sl_site_out *out);

/* The last picture stood for @times more like it: what is usual is learnt from them as well. */
void sl_site_still(struct sl_site *site, unsigned int times);

/* Restored from a state file of an earlier boot of the machine: its clock is not ours. */
void sl_site_rebase(struct sl_site *site, uint64_t now_ms);

#endif
