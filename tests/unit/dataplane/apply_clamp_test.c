/*
 * apply_clamp_test.c - smaller packets for an uplink, another DSCP for a service: set, ended, lifted
 */
#include "apply_bench.h"

static struct sl_command *to_bytes(uint32_t bytes)
{
	struct sl_command *c = to_lte();

	c->kind = SL_COMMAND_CLAMP;
	c->packet_bytes = bytes;
	return c;
}

static void set_and_over(void **state)
{
	struct bench *b = open_bench();
	uint16_t *bytes = &b->engine->tables.knobs.clamp_bytes[LTE];
	struct sl_command *c = to_bytes(1280);

	c->hold_ms = 5000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(*bytes, 1280);
	assert_string_equal(b->action.remedy, "clamp-mss");
	assert_string_equal(b->action.from, "lte");
	assert_string_equal(sl_ledger_uplink(&b->apply.ledger, "lte")->cause, c->id);
	assert_false(sl_apply_expire(&b->apply, 104 * S, &b->action));
	b->apply.ledger.data.frozen = true;
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	b->apply.ledger.data.frozen = false;
	assert_true(sl_apply_expire(&b->apply, 106 * S, &b->action));
	assert_int_equal(*bytes, 0);
	assert_non_null(strstr(b->action.text, "lte: the time of its smaller MSS is over"));
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	close_bench(b);
}

static void lifted(void **state)
{
	struct bench *b = open_bench();
	uint16_t *bytes = &b->engine->tables.knobs.clamp_bytes[LTE];

	*bytes = 1280;
	assert_int_equal(give(b, to_bytes(0)), SL_ACK_APPLIED);
	assert_int_equal(*bytes, 0);
	assert_string_equal(sl_ledger_uplink(&b->apply.ledger, "lte")->cause, "");
	close_bench(b);
}

static void refused(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_bytes(575);

	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "not in 576..65535"));
	c = to_bytes(65536);
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	c = to_bytes(1280);
	snprintf(c->uplink, sizeof(c->uplink), "dsl");
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "unknown uplink \"dsl\""));
	b->apply.policy.mode = SL_MODE_SHADOW;
	assert_int_equal(give(b, to_bytes(1280)), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "only a person may act"));
	assert_int_equal(b->engine->tables.knobs.clamp_bytes[LTE], 0);
	close_bench(b);
}

static struct sl_command *remark(const char *service, const char *dscp)
{
	struct sl_command *c = command(SL_COMMAND_REMARK, service);

	snprintf(c->dscp, sizeof(c->dscp), "%s", dscp);
	return c;
}

static void marked_and_over(void **state)
{
	struct bench *b = open_bench();
	uint8_t *word = &b->engine->tables.knobs.remark[GUEST];
	struct sl_command *c = remark("guest", "le");

	c->hold_ms = 5000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(*word, SL_REMARK | 1);
	assert_string_equal(b->why, "guest: its packets leave for the WAN as LE");
	assert_string_equal(b->action.remedy, "remark");
	assert_string_equal(b->action.service, "guest");
	assert_string_equal(sl_ledger_service(&b->apply.ledger, "guest")->remark_cause, c->id);
	/* Where it goes, and its limit, are nobody's word for that. */
	assert_string_equal(sl_ledger_service(&b->apply.ledger, "guest")->cause, "");
	assert_false(sl_apply_expire(&b->apply, 104 * S, &b->action));
	b->apply.ledger.data.frozen = true;
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	b->apply.ledger.data.frozen = false;
	assert_true(sl_apply_expire(&b->apply, 106 * S, &b->action));
	assert_int_equal(*word, 0);
	assert_string_equal(b->action.remedy, "remark");
	assert_string_equal(b->action.text, "guest: the time of its DSCP is over");
	assert_string_equal(sl_ledger_service(&b->apply.ledger, "guest")->remark_cause, "");
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	close_bench(b);
}

/* Back to the policy's, by its own verb and by restore. */
static void marked_and_lifted(void **state)
{
	struct bench *b = open_bench();
	uint8_t *word = &b->engine->tables.knobs.remark[GUEST];

	b->apply.policy.service[GUEST - 1].has_remark = true;
	b->apply.policy.service[GUEST - 1].remark_dscp = 8;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(give(b, remark("guest", "0")), SL_ACK_APPLIED);
		assert_int_equal(*word, SL_REMARK);
		assert_int_equal(give(b, i ? command(SL_COMMAND_RESTORE, "guest")
					   : remark("guest", "")),
				 SL_ACK_APPLIED);
		assert_int_equal(*word, SL_REMARK | 8);
		assert_string_equal(sl_ledger_service(&b->apply.ledger, "guest")->remark_cause, "");
		assert_string_equal(b->why,
				    i ? "guest is as the policy says"
				      : "guest: its packets' DSCP is the policy's again, CS1");
	}
	close_bench(b);
}

/* A person may let what is critical yield; nobody, where packets only pass by; control, in enforce. */
static void marks_refused(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = remark("pos", "LE");

	c->term = 0;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(b->engine->tables.knobs.remark[POS], SL_REMARK | 1);
	assert_int_equal(give(b, remark("guest", "64")), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "\"64\" is no DSCP"));
	b->apply.policy.mode = SL_MODE_SHADOW;
	assert_int_equal(give(b, remark("guest", "LE")), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "mode is shadow: only a person may act"));
	b->apply.policy.placement = SL_PLACEMENT_TAP;
	c = remark("guest", "LE");
	c->term = 0;
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "tap placement: no packet is changed"));
	assert_int_equal(b->engine->tables.knobs.remark[GUEST], 0);
	close_bench(b);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	sl_row_add(&tests, "set, and over by itself, not while frozen", set_and_over, NULL);
	sl_row_add(&tests, "lifted", lifted, NULL);
	sl_row_add(&tests, "refused", refused, NULL);
	sl_row_add(&tests, "a DSCP: set, and over by itself, not while frozen", marked_and_over,
		   NULL);
	sl_row_add(&tests, "a DSCP: lifted", marked_and_lifted, NULL);
	sl_row_add(&tests, "a DSCP: refused", marks_refused, NULL);
	return sl_row_run("apply clamp", &tests);
}
