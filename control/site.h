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

#include "decide.h"
#include "prove.h"

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
	uint64_t limit_bps;
	uint64_t incident;
	uint64_t made_ms, sent_ms;
	char reason[SL_TEXT_MAX];
};

enum sl_phase {
	SL_PHASE_HOME,     /* where the policy wants it */
	SL_PHASE_MOVING,   /* ordered, not confirmed */
	SL_PHASE_PROVING,  /* moved: does it help? */
	SL_PHASE_AWAY,     /* elsewhere, waiting for the way home to be well */
	SL_PHASE_RETURNING /* ordered home */
};

/* What is kept of one service. */
struct sl_care {
	char name[SL_NAME_MAX];
	enum sl_phase phase;
	uint64_t incident; /* 0 = none open */
	enum sl_verdict verdict;
	char from[SL_NAME_MAX], to[SL_NAME_MAX]; /* uplinks of the last move */
	bool person; /* a person set its uplink: hands off until the policy's stands again */
	struct sl_badness left; /* how bad it was when it left home */
	struct sl_home home;
	uint64_t moved_ms;     /* last move by anyone; 0 = never */
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
	uint64_t ladder_failed_ms; /* as victim: throttling did not help */
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
	/* Of this life. */
	bool has_policy;
	uint64_t policy_version;
	struct sl_policy policy;
	struct sl_judge judge[SL_SITE_SERVICES][SL_SITE_UPLINKS];
	struct sl_telemetry picture;
	struct sl_view view; /* of picture */
	bool has_picture, silent;
	uint64_t picture_ms, settle_ms;          /* last picture; no decision before */
	uint64_t action_ms[SL_SITE_ACTIONS_MAX]; /* ring of the last actions */
	uint32_t actions;
	uint32_t pending_count;
	struct sl_order pending[SL_SITE_ORDERS_MAX];
	uint64_t now_ms; /* of the call under way */
	struct sl_site_out *out;
};

/* An empty site.  term, orders, incidents and care[] may then be filled from the state file. */
void sl_site_init(struct sl_site *site, const char *name);

/* A policy (again).  What is kept of a service stays with its name. */
void sl_site_set_policy(struct sl_site *site, const struct sl_policy *policy, uint64_t version);

/* Take in a picture, an event of the dataplane (each once, in order), the passing of time. */
void sl_site_picture(struct sl_site *site, const struct sl_telemetry *picture, uint64_t now_ms,
		     struct sl_site_out *out);
void sl_site_event(struct sl_site *site, const struct sl_event *event, uint64_t now_ms,
		   struct sl_site_out *out);
void sl_site_tick(struct sl_site *site, uint64_t now_ms, struct sl_site_out *out);

/* Restored from a state file of an earlier boot of the machine: its clock is not ours. */
void sl_site_rebase(struct sl_site *site, uint64_t now_ms);

#endif
