/*
 * xdp_load.c - the BPF object into the kernel, on the maps that are pinned already
 *
 * Flows and counters outlive the process in pinned maps.  A map that another size
 * of flow table made is kept and its size adopted; a map of another layout cannot be
 * read, so all of them are dropped: flows are learned anew, traffic is not touched.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker.h"
#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

/* The last words of libbpf: the only place where it says why. */
static char words[4096];
static bool words_aloud;

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[4096];
	size_t used = strlen(words), length;

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	if (words_aloud)
		fputs(line, stderr);
	length = strlen(line);
	if (used + length >= sizeof(words)) /* keep the end */
		used = 0;
	memcpy(words + used, line, length + 1);
	return 0;
}

/* The line before the verifier's statistics is its verdict. */
static void verdict(char *to, size_t size)
{
	char *stop = strstr(words, "processed "), *line;

	if (stop)
		*stop = 0;
	for (size_t end = strlen(words); end && words[end - 1] == '\n';)
		words[--end] = 0;
	line = strrchr(words, '\n');
	snprintf(to, size, "%s", line ? line + 1 : words);
}

/* Can this process load BPF at all?  Tells "no rights" and "no BPF" from a refused program. */
static int probe(struct sl_xdp_why why)
{
	struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = BPF_REG_0,
		 .imm = 2 /* XDP_PASS */},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sl_probe", "GPL", pass, 2, NULL);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -EPERM || fd == -EACCES)
		return sl_xdp_fail(
			why, -EPERM,
			"not permitted to load BPF programs: run as root, or with CAP_BPF, "
			"CAP_NET_ADMIN and CAP_PERFMON");
	return sl_xdp_fail(why, -ENOSYS, "no BPF: this kernel cannot run XDP programs: %s",
			   strerror(-fd));
}

/* ---- pinned maps ---- */

static bool is_flow_sized(const char *name)
{
	return !strcmp(name, "sl_flows") || !strcmp(name, "sl_buckets");
}

/* Maps that libbpf makes of .rodata and the like belong to one load of the program. */
static bool is_ours(const struct bpf_map *map)
{
	return !strncmp(bpf_map__name(map), "sl_", 3);
}

static bool same_layout(const struct bpf_map *map, const struct bpf_map_info *info)
{
	return info->type == bpf_map__type(map) && info->key_size == bpf_map__key_size(map) &&
	       info->value_size == bpf_map__value_size(map) &&
	       info->map_flags == bpf_map__map_flags(map) &&
	       (is_flow_sized(bpf_map__name(map)) ||
		info->max_entries == bpf_map__max_entries(map));
}

/* The pinned map of the same name: its fd and info; or -ENOENT, -errno. */
static int pinned(const struct sl_xdp *xdp, const struct bpf_map *map, struct bpf_map_info *info)
{
	char path[PATH_MAX];
	uint32_t size = sizeof(*info);
	int fd;

	sl_xdp_pin_path(path, xdp->pin_dir, "map", bpf_map__name(map));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	if (bpf_obj_get_info_by_fd(fd, info, &size)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* 1: all maps are pinned in our layout, and *@buckets; 0: none; -ESTALE: they are others'. */
static int pins_usable(const struct sl_xdp *xdp, uint32_t *buckets)
{
	uint32_t found = 0, missing = 0, flows = 0, rows = 0;
	struct bpf_map *map;

	bpf_object__for_each_map(map, xdp->skel->obj)
	{
		struct bpf_map_info info;
		int fd = is_ours(map) ? pinned(xdp, map, &info) : -EAGAIN;

		if (fd == -EAGAIN)
			continue;
		if (fd < 0) {
			missing++;
			continue;
		}
		close(fd);
		found++;
		if (!same_layout(map, &info))
			return -ESTALE;
		if (!strcmp(bpf_map__name(map), "sl_flows"))
			flows = info.max_entries;
		if (!strcmp(bpf_map__name(map), "sl_buckets"))
			rows = info.max_entries;
	}
	if (!found)
		return 0;
	if (missing || flows != rows * SL_BUCKET_WAYS || (rows & (rows - 1)))
		return -ESTALE;
	*buckets = rows;
	return 1;
}

static int drop_map_pin(void *arg, const char *path, const char *kind, const char *name)
{
	if (!strcmp(kind, "map"))
		unlink(path);
	return 0;
}

static int reuse(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, xdp->skel->obj)
	{
		struct bpf_map_info info;
		int fd, err;

		if (!is_ours(map))
			continue;
		fd = pinned(xdp, map, &info);
		if (fd < 0)
			return sl_xdp_fail(why, fd, "pinned map %s: %s", bpf_map__name(map),
					   strerror(-fd));
		err = bpf_map__reuse_fd(map, fd);
		close(fd);
		if (err)
			return sl_xdp_fail(why, err, "reuse pinned map %s: %s", bpf_map__name(map),
					   strerror(-err));
	}
	return 0;
}

static int pin_maps(const struct sl_xdp *xdp, struct sl_xdp_why why)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, xdp->skel->obj)
	{
		char path[PATH_MAX];

		sl_xdp_pin_path(path, xdp->pin_dir, "map", bpf_map__name(map));
		if (is_ours(map) && bpf_obj_pin(bpf_map__fd(map), path))
			return sl_xdp_fail(why, -errno, "pin %s: %s", path, strerror(errno));
	}
	return 0;
}

/* ---- sizes ---- */

/* Adopt what is pinned, or set out with @flows.  Also tells whether to reuse(). */
static int choose_size(struct sl_xdp *xdp, uint32_t flows, bool *keep)
{
	uint32_t wanted = sl_worker_buckets(flows);
	int usable = xdp->replay ? 0 : pins_usable(xdp, &xdp->buckets);

	*keep = usable == 1;
	if (usable != 1)
		xdp->buckets = wanted;
	if (usable == -ESTALE) {
		sl_xdp_say(xdp,
			   "pinned maps in %s have another layout: dropped, flows are learned anew",
			   xdp->pin_dir);
		return sl_xdp_pin_each(xdp->pin_dir, drop_map_pin, NULL);
	}
	if (*keep && xdp->buckets != wanted)
		sl_xdp_say(xdp,
			   "kept the flow table of %u entries that is pinned in %s (asked for %u): "
			   "detach first to change it",
			   xdp->buckets * SL_BUCKET_WAYS, xdp->pin_dir, flows);
	return 0;
}

static void set_sizes(struct sl_xdp *xdp)
{
	struct storeline_bpf *skel = xdp->skel;

	bpf_map__set_max_entries(skel->maps.sl_stats, xdp->cpus);
	bpf_map__set_max_entries(skel->maps.sl_work, xdp->cpus);
	xdp->record_slots = sl_record_slots(xdp->cpus);
	bpf_map__set_max_entries(skel->maps.sl_records,
				 xdp->cpus * SL_RECORD_RINGS * xdp->record_slots);
	bpf_map__set_max_entries(skel->maps.sl_record_heads, xdp->cpus * SL_RECORD_RINGS);
	skel->rodata->sl_config.record_mask = xdp->record_slots - 1;
	skel->rodata->sl_config.cpus = xdp->cpus;
	skel->rodata->sl_config.replay = xdp->replay;
	skel->rodata->sl_config.handover = xdp->handover;
}

static void set_flow_sizes(struct sl_xdp *xdp)
{
	struct storeline_bpf *skel = xdp->skel;

	bpf_map__set_max_entries(skel->maps.sl_buckets, xdp->buckets);
	bpf_map__set_max_entries(skel->maps.sl_flows, xdp->buckets * SL_BUCKET_WAYS);
	skel->rodata->sl_config.bucket_mask = xdp->buckets - 1;
}

/* ---- memory that both sides see ---- */

static size_t memory_bytes(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t value = (bpf_map__value_size(map) + 7u) & ~(size_t)7; /* the kernel's stride */

	return (value * bpf_map__max_entries(map) + page - 1) / page * page;
}

static void *map_memory(const struct bpf_map *map, int protection)
{
	void *memory = mmap(NULL, memory_bytes(map), protection, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int map_memories(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	struct storeline_bpf *skel = xdp->skel;
	/* Replay counts frames too short for the kernel itself. */
	int stats = xdp->replay ? PROT_READ | PROT_WRITE : PROT_READ;

	xdp->stats = map_memory(skel->maps.sl_stats, stats);
	xdp->work = map_memory(skel->maps.sl_work, PROT_READ);
	xdp->clock = map_memory(skel->maps.sl_clock, PROT_READ | PROT_WRITE);
	xdp->heartbeat = map_memory(skel->maps.sl_heartbeat, PROT_READ | PROT_WRITE);
	xdp->records = map_memory(skel->maps.sl_records, stats);
	xdp->record_heads = map_memory(skel->maps.sl_record_heads, stats);
	xdp->names = map_memory(skel->maps.sl_names, PROT_READ | PROT_WRITE);
	if (!xdp->stats || !xdp->work || !xdp->clock || !xdp->heartbeat || !xdp->names ||
	    !xdp->records || !xdp->record_heads)
		return sl_xdp_fail(why, -errno, "map the counters into memory: %s",
				   strerror(errno));
	xdp->inspect =
		ring_buffer__new(bpf_map__fd(skel->maps.sl_inspects), sl_xdp_inspected, xdp, NULL);
	return xdp->inspect
		       ? 0
		       : sl_xdp_fail(why, -errno, "map the ring of copies: %s", strerror(errno));
}

static int load_object(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	char said[256];
	int err = storeline_bpf__load(xdp->skel);

	if (!err)
		return 0;
	if (err == -ENOMEM)
		return sl_xdp_fail(why, err, "no memory for a flow table of %u entries",
				   xdp->buckets * SL_BUCKET_WAYS);
	verdict(said, sizeof(said));
	return sl_xdp_fail(why, -ENOTSUP, "the kernel refused the BPF program: %s (%s)%s", said,
			   strerror(-err), words_aloud ? "" : "; -v shows all of it");
}

int sl_xdp_load(struct sl_xdp *xdp, uint32_t flows, bool verbose, struct sl_xdp_why why)
{
	bool keep = false;
	int err;

	words[0] = 0;
	words_aloud = verbose;
	libbpf_set_print(hear);
	err = probe(why);
	if (err)
		return err;
	xdp->cpus = (uint32_t)libbpf_num_possible_cpus();
	xdp->skel = storeline_bpf__open();
	if (!xdp->skel)
		return sl_xdp_fail(why, -errno, "open the BPF object: %s", strerror(errno));
	set_sizes(xdp);
	err = choose_size(xdp, flows, &keep);
	if (err)
		return sl_xdp_fail(why, err, "%s: %s", xdp->pin_dir, strerror(-err));
	set_flow_sizes(xdp);
	if (keep && (err = reuse(xdp, why)))
		return err;
	err = load_object(xdp, why);
	if (!err && !xdp->replay && !keep)
		err = pin_maps(xdp, why);
	return err ? err : map_memories(xdp, why);
}

static void unmap_memory(const struct bpf_map *map, void *memory)
{
	if (memory)
		munmap(memory, memory_bytes(map));
}

void sl_xdp_unload(struct sl_xdp *xdp)
{
	if (!xdp->skel)
		return;
	unmap_memory(xdp->skel->maps.sl_stats, xdp->stats);
	unmap_memory(xdp->skel->maps.sl_work, xdp->work);
	unmap_memory(xdp->skel->maps.sl_clock, xdp->clock);
	unmap_memory(xdp->skel->maps.sl_heartbeat, (void *)xdp->heartbeat);
	unmap_memory(xdp->skel->maps.sl_names, xdp->names);
	unmap_memory(xdp->skel->maps.sl_records, xdp->records);
	unmap_memory(xdp->skel->maps.sl_record_heads, xdp->record_heads);
	ring_buffer__free(xdp->inspect);
	storeline_bpf__destroy(xdp->skel);
	xdp->skel = NULL;
}
