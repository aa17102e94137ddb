/*
 * agent_names.c - the slow path in the agent's loop: when it reads, and for how long
 *
 * Each 10 ms, behind liveness, copies are read for at most READ_NS; those that are left are
 * thrown away and counted, so that names never delay fast reroute.  fair.h says whose are left.
 */
#include <errno.h>
#include <stdio.h>

#include "agent_private.h"
#include "clock.h"
#include "compile.h"
#include "fair.h"

#define READ_NS 3000000 /* of each 10 ms */

int sl_agent_names_open(struct sl_agent *agent)
{
	static struct sl_clauses clauses;
	struct sl_engine *engine = agent->config.engine;
	const struct sl_tables *tables = sl_agent_tables(agent);
	int err;

	if (!engine->ops->inspect || !engine->ops->names)
		return 0;
	err = sl_slowpath_open(&agent->apply.slowpath, NULL, NULL);
	if (err)
		return err;
	sl_compile_clauses(&agent->apply.policy, &clauses);
	sl_slowpath_apply(agent->apply.slowpath, &clauses, tables->generation, tables->hash_seed,
			  engine->ops->names(engine));
	return 0;
}

void sl_agent_names_close(struct sl_agent *agent)
{
	sl_slowpath_close(agent->apply.slowpath);
	agent->apply.slowpath = NULL;
}

struct reading {
	struct sl_agent *agent;
	struct sl_slowpath *slowpath;
	struct sl_fair fair;
	uint64_t begun_ns;
	bool over; /* something was left */
};

static void take(void *arg, const struct sl_inspect *inspect)
{
	struct reading *reading = arg;
	const struct sl_flow_key *key = &inspect->key;

	sl_agent_probes_learn(reading->agent, inspect);
	if (sl_fair_take(&reading->fair, inspect->initiator ? &key->b : &key->a,
			 sl_clock_ns() - reading->begun_ns)) {
		sl_slowpath_take(reading->slowpath, inspect);
		return;
	}
	reading->over = true;
	sl_slowpath_skip(reading->slowpath, inspect);
}

void sl_agent_names_tick(struct sl_agent *agent)
{
	struct sl_engine *engine = agent->config.engine;
	uint64_t now_ns = sl_clock_ns();
	struct reading reading = {.agent = agent,
				  .slowpath = agent->apply.slowpath,
				  .fair = {.budget_ns = READ_NS, .seed = now_ns},
				  .begun_ns = now_ns};

	if (!reading.slowpath)
		return;
	engine->ops->inspect(engine, take, &reading);
	agent->names_late += reading.over;
	sl_slowpath_tick(reading.slowpath, sl_agent_mono_ns(agent));
}

/* ---- what is counted ---- */

void sl_agent_names_count(struct sl_agent *agent, sl_agent_counter *add, void *arg)
{
	const struct sl_slowpath_counts *counts;

	if (!agent->apply.slowpath)
		return;
	add(arg, "slowpath.over_budget", agent->names_late);
	counts = sl_slowpath_counts(agent->apply.slowpath);
#define X(name, text) add(arg, "slowpath." #name, counts->name);
	SL_SLOWPATH_COUNTS(X)
#undef X
}
