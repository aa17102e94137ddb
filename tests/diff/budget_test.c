/*
 * budget_test.c - how many instructions the verifier has to walk, program by program
 *
 * The kernel gives up at a million; older kernels walk more for the same source.
 * A program that grows past its budget shows up here and not at a customer's.
 *
 * budget_test OBJECT
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>

#include "ebpf/maps.h"
#include "tests/unit/row.h"

static const struct row {
	const char *name;
	uint32_t instructions;
} rows[] = {
	{"sl_xdp", 200000},
	{"sl_tc_egress", 200000},
	{"sl_tc_mark", 100},
	{"sl_sweep", 5000},
};

static const char *path;
static struct bpf_object *object;

static void load(void)
{
	struct bpf_map *map;
	int err;

	object = bpf_object__open(path);
	assert_non_null(object);
	bpf_object__for_each_map(map, object) if (bpf_map__max_entries(map) == SL_BUCKET_WAYS)
		bpf_map__set_max_entries(map, SL_BUCKET_WAYS * 64);
	err = bpf_object__load(object);
	if (err == -EPERM) {
		print_message("not permitted to load BPF programs\n");
		skip();
	}
	assert_int_equal(err, 0);
}

static void budget(void **state)
{
	const struct row *row = *state;
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	struct bpf_program *program;

	if (!object)
		load();
	program = bpf_object__find_program_by_name(object, row->name);
	assert_non_null(program);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	print_message("%s: %u of %u instructions\n", row->name, info.verified_insns,
		      row->instructions);
	assert_in_range(info.verified_insns, 1, row->instructions);
}

int main(int argc, char **argv)
{
	static struct sl_row_tests tests;
	int failed;

	path = argc > 1 ? argv[1] : "storeline.bpf.o";
	SL_ROWS_ADD(&tests, rows, budget);
	failed = sl_row_run("verifier budget", &tests);
	bpf_object__close(object);
	return failed;
}
