/*
 * agent_private.h - the agent's parts, for its own files: loop, measure, hear, publish
 */
#ifndef SL_AGENT_PRIVATE_H
#define SL_AGENT_PRIVATE_H

#include "agent.h"
#include "apply.h"
#include "files.h"
#include "liveness.h"
#include "outbox.h"
#include "proto/bus.h"
#include "reflector.h"
#include "requests.h"
#include "spool.h"
#include "window.h"

struct event;

/* A path that is judged, and what was last said of it. */
struct sl_agent_path {
	uint8_t service, uplink; /* of the tables */
	bool said_down;          /* liveness, as of the last judgement */
	enum sl_health announced;
	uint64_t announced_ns;
	uint64_t moved_ns;               /* live flows were moved here; 0 = never */
	bool critical;                   /* its service: totals are kept */
	struct sl_latency_totals totals; /* WAN leg, since the policy was laid out */
	struct sl_path_report report;
};

struct sl_agent_uplink {
	enum sl_health announced;
	uint64_t announced_ns;
	struct sl_liveness_view view;
};

/* What the engine's ports had seen and lost, at each of the last ticks of 100 ms. */
#define SL_AGENT_LOSS_TICKS 11 /* a difference spans 1 s */
struct sl_agent_loss {
	uint64_t seen[SL_AGENT_LOSS_TICKS], lost[SL_AGENT_LOSS_TICKS];
	uint32_t ticks;
};

struct sl_agent {
	struct sl_agent_config config;
	struct sl_apply apply;
	struct sl_bus *bus;
	char spool_dir[SL_FILES_PATH_MAX];
	struct sl_spool *spool;
	struct sl_outbox outbox;
	struct sl_window *window;
	struct sl_liveness liveness;
	struct event *tick10, *tick100, *tick1000, *tick10000;
	uint32_t paths;
	struct sl_agent_path path[SL_PATHS_MAX];
	struct sl_agent_uplink uplink[SL_UPLINKS_MAX];
	uint16_t held[SL_SERVICES_MAX];  /* bit per uplink: said that a service stays on it */
	uint64_t version;                /* of the picture */
	uint64_t last10_ns, late_max_us; /* how late the 10 ms tick came, at worst */
	uint64_t hook_failures;
	uint64_t names_late; /* ticks whose time for the slow path was over */
	struct sl_agent_loss loss;
	struct sl_requests requests;
	struct sl_agent_probes *probes; /* NULL = none: nothing is steered */
	struct sl_agent_rhythm *rhythm;
	struct sl_agent_recorder *recorder; /* NULL = the engine keeps nothing */
	struct sl_reflector *reflector;     /* NULL = none: nobody may ask */
	uint32_t policies_said;
	struct sl_telemetry picture;
};

/* measure: lay out paths for the standing policy; -ENOMEM. */
int sl_agent_lay_out(struct sl_agent *agent);
/* Live flows of @service (by name) were moved to @uplink: what they repeat is not its fault. */
void sl_agent_excuse(struct sl_agent *agent, const char *service, const char *uplink);
void sl_agent_tick10(struct sl_agent *agent);
void sl_agent_tick100(struct sl_agent *agent);

/* names: the slow path, when the engine has what it needs; 0 or -ENOMEM. */
int sl_agent_names_open(struct sl_agent *agent);
void sl_agent_names_close(struct sl_agent *agent);
void sl_agent_names_tick(struct sl_agent *agent);
typedef void sl_agent_counter(void *arg, const char *name, uint64_t value);
/* Hand each of its counters to @add. */
void sl_agent_names_count(struct sl_agent *agent, sl_agent_counter *add, void *arg);

/*
 * probes: 0 or -errno; the reflector's 10 ms; what they said before liveness looks, what is to be asked after it; a
 * server that a flow uses; limits of the standing policy; their counters, and words on an uplink.
 */
int sl_agent_probes_open(struct sl_agent *agent);
void sl_agent_probes_close(struct sl_agent *agent);
void sl_agent_reflector_tick(struct sl_agent *agent);
void sl_agent_probes_begin(struct sl_agent *agent, uint64_t now_ns);
void sl_agent_probes_send(struct sl_agent *agent, uint64_t now_ns);
void sl_agent_probes_learn(struct sl_agent *agent, const struct sl_inspect *inspect);
void sl_agent_probes_apply(struct sl_agent *agent);
void sl_agent_probes_count(struct sl_agent *agent, sl_agent_counter *add, void *arg);
void sl_agent_probes_say(struct sl_agent *agent, unsigned int uplink, char *text, size_t size);

/*
 * rhythm: 0 or -ENOMEM; each 100 ms; a new policy; does a service on @uplink rest where it
 * never does; and what is said of that in an idle path's reason.
 */
int sl_agent_rhythm_open(struct sl_agent *agent);
void sl_agent_rhythm_close(struct sl_agent *agent);
void sl_agent_rhythm_apply(struct sl_agent *agent);
void sl_agent_rhythm_tick(struct sl_agent *agent, uint64_t now_ns);
bool sl_agent_rhythm_silent(const struct sl_agent *agent, unsigned int uplink);
void sl_agent_rhythm_say(const struct sl_agent *agent, struct sl_agent_path *p);

/*
 * recorder: 0 or -ENOMEM; a new policy; each second and each 100 ms; write down what is kept of
 * the last 30 s, because of @service ("" = any; one that is not recorded is no reason) and @why.
 */
int sl_agent_recorder_open(struct sl_agent *agent);
void sl_agent_recorder_close(struct sl_agent *agent);
void sl_agent_recorder_apply(struct sl_agent *agent);
void sl_agent_recorder_second(struct sl_agent *agent);
void sl_agent_recorder_tick(struct sl_agent *agent, uint64_t now_ns);
void sl_agent_recorder_freeze(struct sl_agent *agent, const char *service, uint64_t incident,
			      const char *why);
void sl_agent_recorder_count(struct sl_agent *agent, sl_agent_counter *add, void *arg);

/* publish */
void sl_agent_fill_picture(struct sl_agent *agent);
/* Stamp, keep, send.  Kind and content are the caller's. */
void sl_agent_say(struct sl_agent *agent, struct sl_event *event);
void sl_agent_say_action(struct sl_agent *agent, const struct sl_apply_action *action,
			 const char *cause);
void sl_agent_publish_policy(struct sl_agent *agent);

/*
 * unclaimed: up to SL_WIRE_KINDS_MAX kinds of traffic of service "other", the busiest first, to
 * @report, whose site and time are set.  False: there is nobody who knows.
 */
bool sl_agent_unclaimed(struct sl_agent *agent, struct sl_unclaimed_report *report);
void sl_agent_publish_unclaimed(struct sl_agent *agent);

/* hear: the bus's handlers; arg is the agent. */
extern const struct sl_bus_handlers sl_agent_handlers;

/* Clocks. */
uint64_t sl_agent_mono_ns(const struct sl_agent *agent);
uint64_t sl_agent_unix_ns(void);
struct sl_tables *sl_agent_tables(const struct sl_agent *agent);

#endif
