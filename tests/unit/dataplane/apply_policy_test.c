/*
 * apply_policy_test.c - a policy as a command, and the ways back from it
 */
#include "apply_bench.h"

/* One command with one thing wrong, on a fresh table: the answer, and nothing changed. */
static void set_bad_policy(struct sl_command *c)
{
	c->kind = SL_COMMAND_POLICY;
	strcpy(c->policy, "site: store-0421\nmode: heroic\n");
}
static void set_other_site_policy(struct sl_command *c)
{
	c->kind = SL_COMMAND_POLICY;
	snprintf(c->policy, sizeof(c->policy), "site: store-9\n%s", strchr(STORE_YAML, '\n') + 1);
}
static void set_other_ports_policy(struct sl_command *c)
{
	c->kind = SL_COMMAND_POLICY;
	snprintf(c->policy, sizeof(c->policy), "%s", STORE_YAML);
	memcpy(strstr(c->policy, "eth1"), "eth7", 4);
}
static void set_rollback(struct sl_command *c)
{
	c->kind = SL_COMMAND_ROLLBACK;
}
static void set_rollback_of_another(struct sl_command *c)
{
	set_rollback(c);
	c->policy_version = 7;
}
static void set_rollback_to_bad(struct sl_command *c)
{
	set_bad_policy(c);
	set_rollback(c);
}
static void set_rollback_to_other_site(struct sl_command *c)
{
	set_other_site_policy(c);
	set_rollback(c);
}

static void set_rollback_in_shadow(struct sl_command *c)
{
	set_rollback(c);
	snprintf(c->policy, sizeof(c->policy), "%s", STORE_YAML);
}

static const struct refuse_row {
	const char *name;
	void (*spoil)(struct sl_command *command);
	const char *why;
	bool shadow;
} refuse_rows[] = {
	{"a bad policy", set_bad_policy, "policy:2:7: mode"},
	{"another site's policy", set_other_site_policy, "for another site"},
	{"a policy for other devices", set_other_ports_policy, "restart the dataplane"},
	{"rollback to nothing", set_rollback, "no previous policy"},
	{"rollback of what does not stand any more", set_rollback_of_another,
	 "version 7 was to be taken back, and 1 stands by now"},
	{"rollback to what is no policy", set_rollback_to_bad, "policy:2:7: mode"},
	{"rollback to another site's", set_rollback_to_other_site, "another site"},
	{"rollback in shadow, by control", set_rollback_in_shadow,
	 "mode is shadow: only a person may act", true},
};

static void refuse(void **state)
{
	const struct refuse_row *row = *state;
	struct bench *b = open_bench();
	struct sl_tables before = b->engine->tables;
	struct sl_command *c = command(SL_COMMAND_POLICY, "");

	b->apply.policy.mode = row->shadow ? SL_MODE_SHADOW : SL_MODE_ENFORCE;
	row->spoil(c);
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	if (!strstr(b->why, row->why))
		fail_msg("\"%s\", wanted \"%s\"", b->why, row->why);
	assert_memory_equal(&before, &b->engine->tables, sizeof(before));
	assert_string_equal(b->action.remedy, "");
	close_bench(b);
}

static void policies(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c;
	static char text[SL_POLICY_BYTES_MAX];

	assert_int_equal(give(b, to_lte()), SL_ACK_APPLIED);
	c = command(SL_COMMAND_POLICY, "");
	snprintf(c->policy, sizeof(c->policy), "%s", STORE_YAML);
	memcpy(strstr(c->policy, "203.0.113.0/24"), "203.0.113.9/32", 14);
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(b->engine->swaps, 1);
	assert_true(b->engine->tables.generation == 2);
	assert_true(b->apply.policy.version == 2);
	assert_int_equal(b->engine->tables.knobs.steer[POS].uplink, LTE);
	assert_true(sl_files_read_text(b->dir, "policy.yaml", text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "203.0.113.9/32"));
	assert_true(sl_files_read_text(b->dir, "previous.yaml", text, sizeof(text)) > 0);
	assert_string_equal(text, STORE_YAML);
	assert_int_equal(give(b, command(SL_COMMAND_ROLLBACK, "")), SL_ACK_APPLIED);
	assert_true(b->apply.policy.version == 3);
	assert_true(sl_files_read_text(b->dir, "policy.yaml", text, sizeof(text)) > 0);
	assert_string_equal(text, STORE_YAML);
	c = command(SL_COMMAND_POLICY, "");
	snprintf(c->policy, sizeof(c->policy), "version: 2\n%s", STORE_YAML);
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "older"));
	/* On the way back it is counted on, whatever it says of itself. */
	c->kind = SL_COMMAND_ROLLBACK;
	c->policy_version = 3;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_string_equal(b->why, "back to an earlier policy, as version 4");
	assert_string_equal(b->apply.yaml, c->policy);
	assert_string_equal(b->apply.previous, STORE_YAML);
	close_bench(b);
}

static struct sl_command *policy_with(const char *more)
{
	struct sl_command *c = command(SL_COMMAND_POLICY, "");

	snprintf(c->policy, sizeof(c->policy), "%s%s", STORE_YAML, more);
	return c;
}

/* The engine runs: another one needs a restart, unless the command line had named it. */
static void other_engine(void **state)
{
	static const char dpdk[] = "engine: {kind: dpdk, driver: af_packet}\n";
	struct bench *b = open_bench();

	assert_int_equal(give(b, policy_with(dpdk)), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "engine differ: restart"));
	b->apply.keep_engine = true;
	assert_int_equal(give(b, policy_with(dpdk)), SL_ACK_APPLIED);
	assert_int_equal(b->apply.policy.engine.kind, SL_ENGINE_XDP);
	assert_int_equal(give(b, command(SL_COMMAND_ROLLBACK, "")), SL_ACK_APPLIED);
	close_bench(b);
}

static void engine_refuses(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = command(SL_COMMAND_POLICY, "");
	struct sl_tables before = b->engine->tables;

	b->engine->refuse = -ENOMEM;
	snprintf(c->policy, sizeof(c->policy), "%s", STORE_YAML);
	memcpy(strstr(c->policy, "203.0.113.0/24"), "203.0.113.9/32", 14);
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "the engine refused it"));
	assert_memory_equal(&before, &b->engine->tables, sizeof(before));
	assert_string_equal(b->apply.yaml, STORE_YAML);
	assert_string_equal(b->apply.previous, "");
	assert_true(b->apply.policy.version == 1);
	close_bench(b);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, refuse_rows, refuse);
	sl_row_add(&tests, "policy, previous, rollback, older version", policies, NULL);
	sl_row_add(&tests, "another engine needs a restart", other_engine, NULL);
	sl_row_add(&tests, "the engine refuses: all as before", engine_refuses, NULL);
	return sl_row_run("apply policy", &tests);
}
