/*
 * agent.h - the loop: stats to health, health to events, commands to tables
 *
 * One thread on libevent.  Every 10 ms liveness and fast reroute, every 100 ms windows, health
 * and the live picture, every 1 s the roll-up, every 10 s what no service claims.  Nothing here
 * waits for Redis: what cannot be said is in the spool (events) or lost by design (pictures).
 * When this process dies traffic goes on by the tables as they stand.
 */
#ifndef SL_AGENT_H
#define SL_AGENT_H

#include "engine.h"
#include "ledger.h"
#include "proto/policy.h"

struct event_base;
struct sl_agent;
struct sl_reflect_state;

/* What an engine wants done beside sl_engine_ops; any may be NULL. */
struct sl_agent_hooks {
	int (*sweep)(struct sl_engine *engine); /* each 100 ms; < 0 is counted */
	/* Each 1 s: ports that came back; how many, or < 0 and @why. */
	int (*reattach)(struct sl_engine *engine, char *why, size_t why_size);
	/* A policy's STAMP reflector in the engine: its state, the same each time; NULL = none. */
	struct sl_reflect_state *(*reflect)(struct sl_engine *engine,
					    const struct sl_policy *policy);
};

struct sl_agent_config {
	struct event_base *base;
	struct sl_engine *engine;       /* open; closed by the caller after the agent */
	const struct sl_policy *policy; /* what its tables were made of; copied, as the texts */
	const char *yaml, *previous;
	const struct sl_ledger *ledger; /* copied */
	const char *state_dir, *redis;  /* kept by reference */
	uint32_t flows;
	bool keep_engine; /* the command line named the engine: a policy's word on it is not heard */
	const char *how;  /* for the STARTED event: "first start", "took over pinned tables" */
	struct sl_agent_hooks hooks;
};

/* 0 and *@agent, whose timers run on the base; or -EINVAL (Redis address) or -ENOMEM, and @why. */
int sl_agent_open(struct sl_agent **agent, const struct sl_agent_config *config, char *why);
void sl_agent_close(struct sl_agent *agent);

#endif
