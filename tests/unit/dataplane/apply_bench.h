/*
 * apply_bench.h - a memory engine, a state directory and commands for the tests of apply.h
 */
#ifndef SL_APPLY_BENCH_H
#define SL_APPLY_BENCH_H
#include "memory_engine.h"

#include "dataplane/apply.h"
#include "dataplane/files.h"
#include "dataplane/knobs.h"
#include "tests/unit/row.h"

#define NOW_UNIX (UINT64_C(1700000000) * S)

struct bench {
	char *dir;
	struct memory_engine *engine;
	struct sl_apply apply;
	struct sl_apply_time now;
	struct sl_apply_action action;
	char why[SL_TEXT_MAX];
};

static void start(struct bench *b)
{
	static struct sl_policy policy;

	memset(&b->apply, 0, sizeof(b->apply));
	read_policy(&policy, STORE_YAML);
	policy.version = 1;
	b->apply.engine = &b->engine->engine;
	b->apply.state_dir = b->dir;
	b->apply.flows = 4096;
	b->apply.policy = policy;
	snprintf(b->apply.yaml, sizeof(b->apply.yaml), "%s", STORE_YAML);
	sl_ledger_open(&b->apply.ledger, b->dir);
	if (!b->apply.ledger.data.policy_version)
		b->apply.ledger.data.policy_version = 1;
	b->now = (struct sl_apply_time){100 * S, NOW_UNIX};
}

static struct bench *open_bench(void)
{
	static struct bench b;
	static struct sl_policy policy;

	read_policy(&policy, STORE_YAML);
	b.dir = make_dir();
	b.engine = memory_open(&policy);
	start(&b);
	return &b;
}

static void close_bench(struct bench *b)
{
	memory_close(&b->engine->engine, true);
	remove_dir(b->dir);
}

static struct sl_command *command(enum sl_command_kind kind, const char *service)
{
	static struct sl_command c;
	static unsigned int made;

	memset(&c, 0, sizeof(c));
	snprintf(c.site, sizeof(c.site), "store-0421");
	snprintf(c.id, sizeof(c.id), "control-5-%u", ++made);
	snprintf(c.service, sizeof(c.service), "%s", service);
	c.kind = kind;
	c.term = 5;
	c.expires_unix_ns = NOW_UNIX + 10 * S;
	c.share_ppm = 1000000;
	return &c;
}

static struct sl_command *to_lte(void)
{
	struct sl_command *c = command(SL_COMMAND_REROUTE, "pos");

	snprintf(c->uplink, sizeof(c->uplink), "lte");
	c->move_live = true;
	return c;
}

static enum sl_ack_status give(struct bench *b, const struct sl_command *c)
{
	return sl_apply_command(&b->apply, c, &b->now, &b->action, b->why);
}

#endif
