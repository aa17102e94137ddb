/*
 * steer_test.c - shares of new flows, flows that stay, flows that move
 */
#include <string.h>

#include "dataplane/fastpath/steer.h"
#include "tests/unit/row.h"

static const struct row {
	const char *name;
	struct sl_steer steer;
	uint32_t on_trial_min, on_trial_max; /* of 10 000 flows */
} rows[] = {
	{"no trial", {.uplink = 0, .trial_uplink = 1, .trial_share = 0}, 0, 0},
	{"5 percent", {.uplink = 0, .trial_uplink = 1, .trial_share = 13}, 400, 620},
	{"half", {.uplink = 0, .trial_uplink = 1, .trial_share = 128}, 4700, 5300},
	{"all", {.uplink = 0, .trial_uplink = 1, .trial_share = 256}, 10000, 10000},
};

static struct sl_tables tables;

static void shares(void **state)
{
	const struct row *row = *state;
	uint32_t on_trial = 0;

	tables.knobs.steer[3] = row->steer;
	for (uint64_t i = 0; i < 10000; i++) {
		struct sl_flow_key key = {.a = {0, i}, .a_port = 443, .proto = 6};

		on_trial += sl_steer_choose(&tables, 3, sl_flow_hash(&key, 42)) == 1;
	}
	assert_in_range(on_trial, row->on_trial_min, row->on_trial_max);
}

static void live_flow_stays_until_the_epoch_moves(void **state)
{
	struct sl_work work = {.port_uplink = SL_UPLINK_NONE};
	struct sl_flow flow = {.service = 3, .uplink = 0, .move_epoch = 7};

	tables.uplinks = 2;
	tables.knobs.steer[3] = (struct sl_steer){.uplink = 1, .move_epoch = 7};
	assert_false(sl_steer_flow(&tables, &work, &flow));
	assert_int_equal(flow.uplink, 0);
	tables.knobs.steer[3].move_epoch = 8;
	assert_true(sl_steer_flow(&tables, &work, &flow));
	assert_int_equal(flow.uplink, 1);
	assert_false(sl_steer_flow(&tables, &work, &flow));
}

static void a_tapped_port_is_its_uplink(void **state)
{
	struct sl_work work = {.port_uplink = 2};
	struct sl_flow flow = {.service = 3, .uplink = 2, .move_epoch = 1};

	tables.uplinks = 3;
	tables.knobs.steer[3] = (struct sl_steer){.uplink = 1, .move_epoch = 9};
	assert_int_equal(sl_steer_uplink(&tables, &work, 3), 2);
	assert_false(sl_steer_flow(&tables, &work, &flow));
	assert_int_equal(flow.uplink, 2);
}

static void marks(void **state)
{
	struct sl_tables none = {0}, some = {.mark_base = 0x5100};

	assert_int_equal(sl_steer_mark(&none, 1), 0);
	assert_int_equal(sl_steer_mark(&some, 0), 0x5101);
	assert_int_equal(sl_steer_mark(&some, 3), 0x5104);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, shares);
	sl_row_add(&tests, "a live flow stays until the epoch moves",
		   live_flow_stays_until_the_epoch_moves, NULL);
	sl_row_add(&tests, "a tapped port is its uplink", a_tapped_port_is_its_uplink, NULL);
	sl_row_add(&tests, "marks name the uplink, 0 is none", marks, NULL);
	return sl_row_run("fastpath steer", &tests);
}
