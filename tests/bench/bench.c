/*
 * bench.c - what the XDP program costs: ns per packet, above nothing and above one look-up
 *
 * Rounds of (empty, one LRU-hash look-up, Storeline) follow each other in one process,
 * over 1, 1 000 and 100 000 flows; each round's difference to its own empty run is
 * one figure, and the median over rounds with the spread is printed.  JSON lines:
 * name, value, unit, baseline, ratio = value / baseline, spread = [lowest, highest].
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ebpf/maps.h"
#include "generate.h"
#include "generate.skel.h"
#include "storeline.skel.h"

#define BUCKETS      32768 /* 229 376 entries */
#define ROUNDS       11
#define TURNS        1000000 /* of one run */
#define LOOPBACK     1       /* ifindex of what a test run "receives" on */
#define VERIFIER_MAX 1000000 /* BPF_COMPLEXITY_LIMIT_INSNS of the kernel */

struct bench {
	struct storeline_bpf *storeline;
	struct generate_bpf *generate;
	int program[SL_BENCH_SLOTS];
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* Sixteen rules before the one that holds: a first packet walks them all. */
static void make_tables(struct sl_tables *tables)
{
	*tables = (struct sl_tables){.generation = 1,
				     .rules = 17,
				     .services = 2,
				     .uplinks = 2,
				     .mark_base = 0x5100,
				     .hash_seed = UINT64_C(0x9e3779b97f4a7c15)};
	for (int i = 0; i < 17; i++)
		tables->rule[i] = (struct sl_rule){.dst_port_min = (uint16_t)(427 + i),
						   .dst_port_max = (uint16_t)(427 + i),
						   .proto = 6,
						   .proto_mask = 0xff,
						   .service = 1};
	tables->service[0].flow_quota = tables->service[1].flow_quota = BUCKETS * SL_BUCKET_WAYS;
	tables->knobs.rate[1][SL_SIDE_LAN] = (struct sl_rate){.ns_per_kib = 1, .burst_us = 1000000};
}

static int set_tables(const struct bench *bench)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	static struct sl_tables tables;
	struct sl_port port = {.ifindex = LOOPBACK,
			       .ingress = SL_SIDE_UNKNOWN,
			       .uplink = SL_UPLINK_NONE};
	uint32_t zero = 0, slot = LOOPBACK;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_tables", 4, sizeof(tables), 1, &opts);

	make_tables(&tables);
	if (fd < 0 || bpf_map_update_elem(fd, &zero, &tables, 0) ||
	    bpf_map_update_elem(bpf_map__fd(bench->storeline->maps.sl_tables), &zero, &fd, 0) ||
	    bpf_map_update_elem(bpf_map__fd(bench->storeline->maps.sl_ports), &slot, &port, 0))
		return -errno;
	return 0;
}

static int set_jumps(struct bench *bench)
{
	struct generate_bpf *generate = bench->generate;
	const struct bpf_program *to[SL_BENCH_SLOTS] = {generate->progs.empty,
							generate->progs.one_lru,
							bench->storeline->progs.sl_xdp};
	const struct bpf_program *from[SL_BENCH_SLOTS] = {generate->progs.generate_empty,
							  generate->progs.generate_lru,
							  generate->progs.generate_storeline};

	for (uint32_t slot = 0; slot < SL_BENCH_SLOTS; slot++) {
		int fd = bpf_program__fd(to[slot]);

		if (bpf_map_update_elem(bpf_map__fd(generate->maps.jump), &slot, &fd, 0))
			return -errno;
		bench->program[slot] = bpf_program__fd(from[slot]);
	}
	return 0;
}

static int load(struct bench *bench)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	int err;

	bench->storeline = storeline_bpf__open();
	bench->generate = generate_bpf__open_and_load();
	if (!bench->storeline || !bench->generate)
		return -errno;
	bpf_map__set_max_entries(bench->storeline->maps.sl_buckets, BUCKETS);
	bpf_map__set_max_entries(bench->storeline->maps.sl_flows, BUCKETS * SL_BUCKET_WAYS);
	bpf_map__set_max_entries(bench->storeline->maps.sl_stats, cpus);
	bpf_map__set_max_entries(bench->storeline->maps.sl_work, cpus);
	bench->storeline->rodata->sl_config.bucket_mask = BUCKETS - 1;
	bench->storeline->rodata->sl_config.cpus = cpus;
	err = storeline_bpf__load(bench->storeline);
	if (!err)
		err = set_tables(bench);
	return err ? err : set_jumps(bench);
}

/* ns per packet of @slot over @turns packets; negative: -errno. */
static double run(const struct bench *bench, enum sl_bench_slot slot, uint32_t turns)
{
	uint8_t frame[SL_BENCH_FRAME] = {[12] = 8,    [14] = 0x45, [17] = SL_BENCH_FRAME - 14,
					 [22] = 64,   [23] = 6,    [46] = 0x80,
					 [47] = 0x10, [48] = 1,    [54] = 1,
					 [55] = 1,    [56] = 8,    [57] = 10};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = (int)turns);

	if (bpf_prog_test_run_opts(bench->program[slot], &opts))
		return -errno;
	return opts.retval == 2 /* XDP_PASS */ ? (double)opts.duration : -EPROTO;
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct figure {
	double median, lowest, highest;
};

static struct figure figure_of(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(values[0]), ascending);
	return (struct figure){values[ROUNDS / 2], values[0], values[ROUNDS - 1]};
}

static void print(const char *name, uint32_t flows, struct figure figure, double baseline)
{
	printf("{\"name\":\"%s, %" PRIu32 " flows\",\"value\":%.1f,\"unit\":\"ns/packet\","
	       "\"baseline\":%.1f,\"ratio\":%.2f,\"spread\":[%.1f,%.1f]}\n",
	       name, flows, figure.median, baseline, baseline > 0 ? figure.median / baseline : 0,
	       figure.lowest, figure.highest);
	fflush(stdout);
}

/* Counters of the loaded program, summed over CPUs: [0] measured, [1] all. */
static void count_reasons(const struct bench *bench, uint64_t counts[2])
{
	static struct sl_stats stats;
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();

	counts[0] = counts[1] = 0;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		if (bpf_map_lookup_elem(bpf_map__fd(bench->storeline->maps.sl_stats), &cpu, &stats))
			continue;
		counts[0] += stats.reason[SL_REASON_MEASURED];
		for (int i = 0; i < SL_REASON_COUNT; i++)
			counts[1] += stats.reason[i];
	}
}

static uint64_t count_samples(const struct bench *bench)
{
	static struct sl_stats stats;
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		if (bpf_map_lookup_elem(bpf_map__fd(bench->storeline->maps.sl_stats), &cpu, &stats))
			continue;
		for (int path = 0; path < SL_PATHS_MAX; path++)
			for (int leg = 0; leg < SL_LEGS; leg++)
				for (int i = 0; i < SL_HIST_BUCKETS; i++)
					sum += stats.path[path].rtt[leg][SL_METHOD_SEQ].count[i];
	}
	return sum;
}

/* A figure without samples would be the cost of not measuring. */
static void print_shares(const struct bench *bench, uint32_t flows, const uint64_t before[2],
			 uint64_t samples_before)
{
	uint64_t after[2], samples = count_samples(bench) - samples_before;
	double all;

	count_reasons(bench, after);
	all = (double)(after[1] - before[1]);
	printf("{\"name\":\"packets measured in a flow, %" PRIu32
	       " flows\",\"value\":%.2f,\"unit\":\"%%\",\"baseline\":100,\"ratio\":%.4f}\n",
	       flows, 100 * (double)(after[0] - before[0]) / all,
	       (double)(after[0] - before[0]) / all);
	printf("{\"name\":\"RTT samples by sequence, %" PRIu32
	       " flows\",\"value\":%.2f,\"unit\":\"%% of packets\",\"baseline\":100,\"ratio\":%.4f}\n",
	       flows, 100 * (double)samples / all, (double)samples / all);
}

static int measure(struct bench *bench, uint32_t flows)
{
	double empty[ROUNDS], lru[ROUNDS], storeline[ROUNDS];
	uint64_t before[2], samples;
	struct figure above_empty;

	bench->generate->bss->turn[SL_BENCH_STORELINE] = 0;
	bench->generate->bss->turn[SL_BENCH_LRU] = 0;
	bench->generate->data->flows = flows;
	for (enum sl_bench_slot slot = 0; slot < SL_BENCH_SLOTS; slot++) /* flows begin here */
		if (run(bench, slot, flows * 4 + 1000) < 0)
			return -EIO;
	count_reasons(bench, before);
	samples = count_samples(bench);
	for (int i = 0; i < ROUNDS; i++) {
		double nothing = run(bench, SL_BENCH_EMPTY, TURNS);

		empty[i] = nothing;
		lru[i] = run(bench, SL_BENCH_LRU, TURNS) - nothing;
		storeline[i] = run(bench, SL_BENCH_STORELINE, TURNS) - nothing;
		if (nothing < 0 || lru[i] + nothing < 0 || storeline[i] + nothing < 0)
			return -EIO;
	}
	print("empty program with generator", flows, figure_of(empty), 0);
	print("one LRU-hash look-up, net", flows, figure_of(lru), 0);
	above_empty = figure_of(storeline);
	print("sl_xdp, net", flows, above_empty, lru[ROUNDS / 2]);
	for (int i = 0; i < ROUNDS; i++)
		storeline[i] -= lru[ROUNDS / 2];
	print("sl_xdp above one LRU-hash look-up", flows, figure_of(storeline), lru[ROUNDS / 2]);
	print_shares(bench, flows, before, samples);
	return 0;
}

static void print_instructions(const struct bench *bench)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bench->storeline->obj)
	{
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			continue;
		printf("{\"name\":\"verifier instructions of %s\",\"value\":%u,\"unit\":"
		       "\"instructions\",\"baseline\":%d,\"ratio\":%.4f}\n",
		       bpf_program__name(program), info.verified_insns, VERIFIER_MAX,
		       (double)info.verified_insns / VERIFIER_MAX);
	}
}

/* One CPU for all: caches stay warm, and the programs' per-CPU counters are one. */
static void stay(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(void)
{
	static const uint32_t flows[] = {1, 1000, 100000};
	struct bench bench = {0};
	int err;

	libbpf_set_print(quiet);
	stay();
	err = load(&bench);
	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]) && !err; i++)
		err = measure(&bench, flows[i]);
	if (err)
		fprintf(stderr, "bench: %s\n", strerror(-err));
	else
		print_instructions(&bench);
	generate_bpf__destroy(bench.generate);
	storeline_bpf__destroy(bench.storeline);
	return err == -EPERM ? 4 : err ? 1 : 0;
}
