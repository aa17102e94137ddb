/*
 * remark_test.c - which packets get another DSCP, what of the header changes, and its checksum
 */
#include "dataplane/fastpath/remark.h"

#include "tests/unit/fastpath/hex.h"
#include "tests/unit/remark_frames.h"
#include "tests/unit/row.h"

static void written(void **state)
{
	const struct remark_frame *frame = *state;
	uint8_t in[REMARK_BYTES] = {0}, want[REMARK_BYTES] = {0};
	uint32_t length = remark_make(frame, in, want);
	struct sl_work work = {.result = {.from_lan = 1}};
	bool changes = remark_changes(frame, in);

	assert_int_equal(hex_parse(in, length, length, frame->inside ? UINT32_MAX : 0,
				   &work.packet),
			 SL_REASON_MEASURED);
	assert_int_equal(work.packet.inner != 0, frame->inside);
	sl_remark_note(&work, SL_REMARK | frame->dscp);
	assert_int_equal(work.result.dscp_rewrite, changes);
	sl_remark_apply(&work, in, in + length);
	assert_memory_equal(in, want, sizeof(in));
}

/* Each TOS byte to each DSCP, the rest of the header as it comes. */
static void checksum_follows(void **state)
{
	uint32_t random = 1;

	for (uint32_t tos = 0; tos < 256; tos++)
		for (uint8_t dscp = 0; dscp < 64; dscp++) {
			struct sl_work work = {.packet = {.tos = (uint8_t)tos}};
			uint8_t ip[20];

			for (int i = 0; i < 20; i++) {
				random = random * 1664525 + 1013904223;
				ip[i] = (uint8_t)(random >> 24);
			}
			ip[0] = 0x45;
			ip[1] = (uint8_t)tos;
			remark_close(ip);
			sl_remark_note(&work, SL_REMARK | dscp);
			sl_remark_apply(&work, ip, ip + sizeof(ip));
			assert_int_equal(ip[1], dscp << 2 | (tos & 3));
			assert_int_equal(ip[10] << 8 | ip[11], remark_checksum(ip));
		}
}

static const struct left_row {
	const char *name;
	uint8_t knob, action;
} left_rows[] = {
	{"no knob", 0, SL_ACTION_PASS},
	{"dropped by its limit", SL_REMARK | 1, SL_ACTION_DROP},
	{"turned round into a RST", SL_REMARK | 1, SL_ACTION_RESET},
};

static void left_alone(void **state)
{
	const struct left_row *row = *state;
	struct sl_work work = {.packet = {.tos = 0xb8}, .result = {.action = row->action}};

	sl_remark_note(&work, row->knob);
	assert_int_equal(work.result.rare, 0);
}

static void a_clamped_syn_is_marked_too(void **state)
{
	struct sl_work work = {.result = {.action = SL_ACTION_CLAMP}};

	sl_remark_note(&work, SL_REMARK | 1);
	assert_int_equal(work.result.dscp_rewrite, 1);
}

/* The meter's CE mark goes with it. */
static void with_a_mark_of_the_meter(void **state)
{
	struct sl_work work = {.packet = {.tos = 2}, .result = {.mark_ecn = 1}};

	assert_int_equal(sl_remark_tos(&work), 3);
	sl_remark_note(&work, SL_REMARK | 1);
	assert_int_equal(sl_remark_tos(&work), 1 << 2 | 3);
}

static void a_header_cut_short_stays(void **state)
{
	const struct remark_frame *frame = &remark_frames[0];
	uint8_t in[REMARK_BYTES] = {0}, want[REMARK_BYTES] = {0}, before[REMARK_BYTES];
	struct sl_work work = {.packet = {.l3_offset = 14}};

	remark_make(frame, in, want);
	memcpy(before, in, sizeof(in));
	sl_remark_note(&work, SL_REMARK | frame->dscp);
	sl_remark_apply(&work, in, in + frame->l3 + 19);
	assert_memory_equal(in, before, sizeof(in));
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, remark_frames, written);
	SL_ROWS_ADD(&tests, left_rows, left_alone);
	sl_row_add(&tests, "the checksum follows", checksum_follows, NULL);
	sl_row_add(&tests, "a clamped SYN is marked, too", a_clamped_syn_is_marked_too, NULL);
	sl_row_add(&tests, "with a mark of the meter", with_a_mark_of_the_meter, NULL);
	sl_row_add(&tests, "a header cut short stays", a_header_cut_short_stays, NULL);
	return sl_row_run("fastpath remark", &tests);
}
