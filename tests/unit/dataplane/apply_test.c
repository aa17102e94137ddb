/*
 * apply_test.c - commands against the tables, the fence, the ledger over kills
 */
#include "apply_bench.h"

/* One command with one thing wrong, on a fresh table: the answer, and nothing changed. */
static void set_site(struct sl_command *c)
{
	snprintf(c->site, sizeof(c->site), "store-9");
}
static void set_no_id(struct sl_command *c)
{
	c->id[0] = 0;
}
static void set_late(struct sl_command *c)
{
	c->expires_unix_ns = NOW_UNIX - 5 * MS;
}
static void set_old_term(struct sl_command *c)
{
	c->term = 2;
}
static void set_service(struct sl_command *c)
{
	strcpy(c->service, "till");
}
static void set_uplink(struct sl_command *c)
{
	strcpy(c->uplink, "dsl");
}
static void set_guest(struct sl_command *c)
{
	strcpy(c->service, "guest");
}
static void set_share(struct sl_command *c)
{
	c->share_ppm = 1000001;
}
static void set_no_share(struct sl_command *c)
{
	c->share_ppm = 0;
}
static void set_kind(struct sl_command *c)
{
	c->kind = SL_COMMAND_KIND_COUNT;
}
static void set_throttle_pos(struct sl_command *c)
{
	c->kind = SL_COMMAND_THROTTLE;
	c->limit_bps = 5000000;
}
static void set_throttle_low(struct sl_command *c)
{
	set_guest(c);
	c->kind = SL_COMMAND_THROTTLE;
	c->limit_bps = 1999999;
}
static void set_throttle_tiny(struct sl_command *c)
{
	set_throttle_low(c);
	c->term = 0;
	c->limit_bps = 100;
}
static void set_remark(struct sl_command *c)
{
	c->kind = SL_COMMAND_REMARK;
	strcpy(c->dscp, "LE");
}
static void set_remark_word(struct sl_command *c)
{
	set_remark(c);
	strcpy(c->dscp, "AF51");
}
static void set_remark_service(struct sl_command *c)
{
	set_remark(c);
	set_service(c);
}
static const struct refuse_row {
	const char *name;
	void (*spoil)(struct sl_command *command);
	enum sl_ack_status status;
	const char *why;
} refuse_rows[] = {
	{"another site", set_site, SL_ACK_REFUSED, "for site \"store-9\""},
	{"no id", set_no_id, SL_ACK_REFUSED, "no id"},
	{"expired", set_late, SL_ACK_EXPIRED, "expired 5 ms ago"},
	{"a term that is over", set_old_term, SL_ACK_REFUSED, "term 2 is over: 3 was seen"},
	{"unknown service", set_service, SL_ACK_REFUSED, "unknown service \"till\""},
	{"unknown uplink", set_uplink, SL_ACK_REFUSED, "unknown uplink \"dsl\""},
	{"an uplink that the policy does not allow", set_guest, SL_ACK_REFUSED,
	 "does not let guest use lte"},
	{"more than the whole", set_share, SL_ACK_REFUSED, "share_ppm"},
	{"no share", set_no_share, SL_ACK_REFUSED, "share_ppm"},
	{"unknown kind", set_kind, SL_ACK_REFUSED, "unknown kind"},
	{"throttle what may not be", set_throttle_pos, SL_ACK_REFUSED,
	 "does not let it be throttled"},
	{"throttle below the floor", set_throttle_low, SL_ACK_REFUSED, "below the policy's floor"},
	{"throttle to nothing, by a person", set_throttle_tiny, SL_ACK_REFUSED, "stops traffic"},
	{"a DSCP that is none", set_remark_word, SL_ACK_REFUSED,
	 "\"AF51\" is no DSCP: 0 to 63, EF, AF41, CS1, LE"},
	{"a DSCP for nobody", set_remark_service, SL_ACK_REFUSED, "unknown service \"till\""},
	{"LE for what is critical, by control", set_remark, SL_ACK_REFUSED,
	 "pos is critical: only a person may mark it LE"},
};

static void refuse(void **state)
{
	const struct refuse_row *row = *state;
	struct bench *b = open_bench();
	struct sl_tables before = b->engine->tables;
	struct sl_command *c = to_lte();

	b->apply.ledger.data.term = 3;
	row->spoil(c);
	enum sl_ack_status status = give(b, c);

	if (status != row->status || !strstr(b->why, row->why))
		fail_msg("%s: \"%s\", wanted %s: \"%s\"", sl_ack_word(status), b->why,
			 sl_ack_word(row->status), row->why);
	assert_memory_equal(&before, &b->engine->tables, sizeof(before));
	assert_string_equal(b->action.remedy, "");
	close_bench(b);
}

static void moves(void **state)
{
	struct bench *b = open_bench();
	struct sl_steer *steer = &b->engine->tables.knobs.steer[POS];

	assert_int_equal(give(b, to_lte()), SL_ACK_APPLIED);
	assert_int_equal(steer->uplink, LTE);
	assert_int_equal(steer->move_epoch, 1);
	assert_string_equal(b->action.remedy, "reroute");
	assert_string_equal(b->action.from, "fibre");
	assert_string_equal(b->action.to, "lte");
	struct sl_command *c = to_lte();

	snprintf(c->uplink, sizeof(c->uplink), "fibre");
	c->share_ppm = 50000;
	c->move_live = false;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(steer->uplink, LTE);
	assert_int_equal(steer->trial_uplink, FIBRE);
	assert_int_equal(steer->trial_share, 12);
	assert_int_equal(steer->move_epoch, 1);
	c = command(SL_COMMAND_RESTORE, "pos");
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(steer->uplink, FIBRE);
	assert_int_equal(steer->trial_share, 0);
	assert_int_equal(b->apply.ledger.data.term, 5);
	close_bench(b);
}

static void throttles(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = command(SL_COMMAND_THROTTLE, "guest");

	c->limit_bps = 4000000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(b->engine->tables.knobs.rate[GUEST][side].ns_per_kib, 2048000);
		assert_int_equal(b->engine->tables.knobs.rate[GUEST][side].burst_us, 50000);
	}
	assert_true(b->action.limit_bps == 4000000);
	c = command(SL_COMMAND_THROTTLE, "guest");
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_int_equal(b->engine->tables.knobs.rate[GUEST][0].ns_per_kib, 0);
	close_bench(b);
}

static void once(void **state)
{
	struct bench *b = open_bench();
	struct sl_command c = *to_lte();

	assert_int_equal(give(b, &c), SL_ACK_APPLIED);
	assert_int_equal(give(b, &c), SL_ACK_DUPLICATE);
	start(b); /* killed, started again, delivered again */
	assert_int_equal(give(b, &c), SL_ACK_DUPLICATE);
	assert_int_equal(b->engine->tables.knobs.steer[POS].move_epoch, 1);
	for (int i = 0; i < SL_LEDGER_IDS - 1; i++)
		assert_int_equal(give(b, command(SL_COMMAND_FREEZE, "")), SL_ACK_APPLIED);
	assert_int_equal(give(b, &c), SL_ACK_DUPLICATE);
	close_bench(b);
}

/* Killed after the knob was stored, before the ledger knew that it was done. */
static void half_done(void **state)
{
	struct bench *b = open_bench();
	struct sl_command c = *to_lte();

	assert_int_equal(give(b, &c), SL_ACK_APPLIED);
	struct sl_steer done = b->engine->tables.knobs.steer[POS];

	b->apply.ledger.data.next--;
	b->apply.ledger.data.id[b->apply.ledger.data.next][0] = 0;
	b->apply.ledger.data.begun = (struct sl_ledger_begun){.service = POS, .steer = done};
	snprintf(b->apply.ledger.data.begun.id, SL_ID_MAX, "%s", c.id);
	assert_int_equal(sl_ledger_save(&b->apply.ledger), 0);
	start(b);
	assert_int_equal(give(b, &c), SL_ACK_APPLIED);
	assert_memory_equal(&b->engine->tables.knobs.steer[POS], &done, sizeof(done));
	assert_int_equal(give(b, &c), SL_ACK_DUPLICATE);
	close_bench(b);
}

static void fence(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_lte();

	c->term = 9;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	start(b);
	c = command(SL_COMMAND_RESTORE, "pos");
	c->term = 8;
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	c = command(SL_COMMAND_RESTORE, "pos");
	c->term = 0; /* a person */
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	assert_true(b->apply.ledger.data.term == 9);
	close_bench(b);
}

static void switches(void **state)
{
	struct bench *b = open_bench();

	assert_int_equal(give(b, command(SL_COMMAND_FREEZE, "")), SL_ACK_APPLIED);
	assert_int_equal(give(b, to_lte()), SL_ACK_HELD);
	assert_string_equal(b->why, "frozen");
	assert_int_equal(b->engine->tables.knobs.steer[POS].uplink, FIBRE);
	start(b);
	assert_int_equal(give(b, to_lte()), SL_ACK_HELD);
	assert_int_equal(give(b, command(SL_COMMAND_BYPASS, "")), SL_ACK_APPLIED);
	assert_int_equal(b->engine->tables.knobs.bypass, 1);
	assert_int_equal(give(b, command(SL_COMMAND_RESUME, "")), SL_ACK_APPLIED);
	assert_int_equal(b->engine->tables.knobs.bypass, 0);
	assert_int_equal(give(b, to_lte()), SL_ACK_APPLIED);
	assert_int_equal(give(b, command(SL_COMMAND_BYPASS, "")), SL_ACK_APPLIED);
	assert_int_equal(give(b, command(SL_COMMAND_RESTORE, "pos")), SL_ACK_HELD);
	close_bench(b);
}

static void modes(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_lte();

	b->apply.policy.mode = SL_MODE_SHADOW;
	assert_int_equal(give(b, c), SL_ACK_REFUSED);
	assert_non_null(strstr(b->why, "shadow"));
	c = to_lte();
	c->term = 0;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	close_bench(b);
}

static void dead_uplink(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_lte();

	sl_reroute_observe(&b->apply.reroute, LTE, true, 90 * S);
	assert_int_equal(give(b, c), SL_ACK_HELD);
	assert_string_equal(b->why, "lte is down");
	c = to_lte();
	c->share_ppm = 50000; /* a trial may find out */
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	c = to_lte();
	c->term = 0;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	sl_reroute_observe(&b->apply.reroute, FIBRE, true, 91 * S);
	assert_int_equal(give(b, command(SL_COMMAND_RESTORE, "pos")), SL_ACK_HELD);
	close_bench(b);
}

static void holds(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_lte();

	c->hold_ms = 5000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	c = command(SL_COMMAND_THROTTLE, "guest");
	c->limit_bps = 4000000;
	c->hold_ms = 8000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	start(b); /* the clock goes on over a restart */
	assert_false(sl_apply_expire(&b->apply, 104 * S, &b->action));
	b->apply.ledger.data.frozen = true;
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	b->apply.ledger.data.frozen = false;
	assert_true(sl_apply_expire(&b->apply, 106 * S, &b->action));
	assert_string_equal(b->action.service, "pos");
	assert_string_equal(b->action.to, "fibre");
	assert_int_equal(b->engine->tables.knobs.steer[POS].uplink, FIBRE);
	assert_int_not_equal(b->engine->tables.knobs.rate[GUEST][0].ns_per_kib, 0);
	assert_false(sl_apply_expire(&b->apply, 106 * S, &b->action));
	assert_true(sl_apply_expire(&b->apply, 108 * S, &b->action));
	assert_int_equal(b->engine->tables.knobs.rate[GUEST][0].ns_per_kib, 0);
	close_bench(b);
}

static void holds_dead(void **state)
{
	struct bench *b = open_bench();
	struct sl_command *c = to_lte();

	c->hold_ms = 1000;
	assert_int_equal(give(b, c), SL_ACK_APPLIED);
	sl_reroute_observe(&b->apply.reroute, FIBRE, true, 100 * S);
	assert_true(sl_apply_expire(&b->apply, 106 * S, &b->action));
	assert_int_equal(b->engine->tables.knobs.steer[POS].uplink, LTE);
	close_bench(b);
}

static void fast(void **state)
{
	struct bench *b = open_bench();
	struct sl_steer *steer = &b->engine->tables.knobs.steer[POS];

	sl_reroute_observe(&b->apply.reroute, FIBRE, true, 100 * S);
	assert_true(sl_apply_fast_reroute(&b->apply, POS, FIBRE, 100 * S, &b->action));
	assert_int_equal(steer->uplink, LTE);
	assert_int_equal(steer->move_epoch, 1);
	assert_string_equal(b->action.remedy, "fast-reroute");
	assert_string_equal(b->action.from, "fibre");
	assert_string_equal(b->action.to, "lte");
	assert_false(sl_apply_fast_reroute(&b->apply, GUEST, FIBRE, 100 * S, &b->action));
	assert_int_equal(b->engine->tables.knobs.steer[GUEST].uplink, FIBRE);
	/* A trial on the dead one ends. */
	steer->trial_uplink = FIBRE;
	steer->trial_share = 20;
	assert_true(sl_apply_fast_reroute(&b->apply, POS, FIBRE, 101 * S, &b->action));
	assert_int_equal(steer->trial_share, 0);
	assert_int_equal(steer->uplink, LTE);
	close_bench(b);
}

static void bad_ledger(void **state)
{
	struct bench *b = open_bench();
	struct sl_command c = *to_lte();
	char path[512];

	assert_int_equal(give(b, &c), SL_ACK_APPLIED);
	snprintf(path, sizeof(path), "%s/ledger", b->dir);
	FILE *file = fopen(path, "r+");

	fseek(file, 5000, SEEK_SET);
	fputc('x', file);
	fclose(file);
	struct sl_ledger ledger;

	assert_false(sl_ledger_open(&ledger, b->dir));
	assert_true(ledger.data.term == 0);
	close_bench(b);
}

static void no_disk(void **state)
{
	struct bench *b = open_bench();
	struct sl_command c = *to_lte();

	b->apply.ledger.dir = "/proc/nowhere";
	assert_int_equal(give(b, &c), SL_ACK_APPLIED);
	assert_int_equal(give(b, &c), SL_ACK_DUPLICATE);
	assert_true(b->apply.ledger.failures > 0);
	close_bench(b);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, refuse_rows, refuse);
	sl_row_add(&tests, "reroute, trial, restore", moves, NULL);
	sl_row_add(&tests, "throttle both ways, and lift", throttles, NULL);
	sl_row_add(&tests, "delivered again: not applied again, over a restart", once, NULL);
	sl_row_add(&tests, "killed half-way: finished with the same words", half_done, NULL);
	sl_row_add(&tests, "the fence stands over a restart; a person passes", fence, NULL);
	sl_row_add(&tests, "freeze, bypass, resume", switches, NULL);
	sl_row_add(&tests, "in shadow only a person acts", modes, NULL);
	sl_row_add(&tests, "no controller moves onto a dead uplink", dead_uplink, NULL);
	sl_row_add(&tests, "hold_ms ends by itself, not while frozen", holds, NULL);
	sl_row_add(&tests, "its end does not lead onto a dead uplink", holds_dead, NULL);
	sl_row_add(&tests, "fast reroute moves what may move", fast, NULL);
	sl_row_add(&tests, "a damaged ledger is not believed", bad_ledger, NULL);
	sl_row_add(&tests, "a disk that refuses does not stop commands", no_disk, NULL);
	return sl_row_run("apply", &tests);
}
