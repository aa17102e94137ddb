/*
 * budget_test.c - how many instructions the verifier has to walk, program by program
 *
 * The kernel gives up at a million; older kernels walk more for the same source.
 * A program that grows past its budget shows up here and not at a customer's.  Each
 * is measured as the XDP engine loads it, and as it stands under DPDK.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "ebpf/maps.h"
#include "tests/unit/row.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

static const struct row {
	const char *name;
	const char *program;
	uint32_t handover;
	uint32_t instructions;
} rows[] = {
	{"sl_xdp", "sl_xdp", 0, 250000},
	{"sl_tc_egress", "sl_tc_egress", 0, 250000},
	{"sl_tc_mark", "sl_tc_mark", 0, 100},
	{"sl_sweep", "sl_sweep", 0, 15000},
	{"sl_xdp that hands over", "sl_xdp", 1, 250000},
	{"sl_tc_egress beside it", "sl_tc_egress", 1, 250000},
};

static struct storeline_bpf *loaded[2]; /* by .handover */

static struct storeline_bpf *load(uint32_t handover)
{
	struct storeline_bpf *skel = storeline_bpf__open();
	int err;

	assert_non_null(skel);
	bpf_map__set_max_entries(skel->maps.sl_buckets, 64);
	bpf_map__set_max_entries(skel->maps.sl_flows, SL_BUCKET_WAYS * 64);
	skel->rodata->sl_config.bucket_mask = 63;
	skel->rodata->sl_config.handover = handover;
	err = storeline_bpf__load(skel);
	if (err == -EPERM) {
		print_message("not permitted to load BPF programs\n");
		skip();
	}
	assert_int_equal(err, 0);
	return skel;
}

static void budget(void **state)
{
	const struct row *row = *state;
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	struct bpf_program *program;

	if (!loaded[row->handover])
		loaded[row->handover] = load(row->handover);
	program = bpf_object__find_program_by_name(loaded[row->handover]->obj, row->program);
	assert_non_null(program);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	print_message("%s: %u of %u instructions\n", row->name, info.verified_insns,
		      row->instructions);
	assert_in_range(info.verified_insns, 1, row->instructions);
}

int main(void)
{
	static struct sl_row_tests tests;
	int failed;

	SL_ROWS_ADD(&tests, rows, budget);
	failed = sl_row_run("verifier budget", &tests);
	storeline_bpf__destroy(loaded[0]);
	storeline_bpf__destroy(loaded[1]);
	return failed;
}
