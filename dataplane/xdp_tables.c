/*
 * xdp_tables.c - a policy's generation as an inner map, swapped whole
 *
 * Every generation is a map of its own.  It is filled before the outer map names it,
 * so a packet reads the old one or the new one, never a mix.  The standing one stays
 * mapped: knobs are single words, stored into it in place.  So does the one before it,
 * until the next: DPDK's workers read the mapped memory itself.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

static size_t tables_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct sl_tables) + page - 1) / page * page;
}

static struct sl_tables *map_tables(int fd)
{
	void *memory = mmap(NULL, tables_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* The standing generation stays mapped, the one that was retired before it does not. */
static void retire(struct sl_xdp *xdp)
{
	if (xdp->retired)
		munmap(xdp->retired, tables_bytes());
	if (xdp->tables)
		close(xdp->tables_fd); /* the mapping holds the map */
	xdp->retired = xdp->tables;
	xdp->tables = NULL;
}

void sl_xdp_tables_close(struct sl_xdp *xdp)
{
	retire(xdp);
	retire(xdp);
}

int sl_xdp_tables_apply(struct sl_engine *engine, const struct sl_tables *next)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct sl_tables *memory;
	uint32_t slot = 0;
	int fd, err;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sl_generation", sizeof(slot),
			    sizeof(struct sl_tables), 1, &opts);
	if (fd < 0)
		return -errno;
	memory = map_tables(fd);
	if (!memory) {
		err = -errno;
		goto err_map;
	}
	*memory = *next;
	if (bpf_map_update_elem(bpf_map__fd(xdp->skel->maps.sl_tables), &slot, &fd, BPF_ANY)) {
		err = -errno;
		goto err_memory;
	}
	retire(xdp);
	xdp->tables = memory;
	xdp->tables_fd = fd;
	xdp->mark_base = next->mark_base;
	return 0;

err_memory:
	munmap(memory, tables_bytes());
err_map:
	close(fd);
	return err;
}

/* The inner map that the pinned outer one names; an fd, or -errno. */
static int standing_fd(const char *pin_dir)
{
	char path[PATH_MAX];
	uint32_t slot = 0, id = 0;
	int outer, inner;

	sl_xdp_pin_path(path, pin_dir, "map", "sl_tables");
	outer = bpf_obj_get(path);
	if (outer < 0)
		return -errno;
	inner = bpf_map_lookup_elem(outer, &slot, &id) ? -errno : bpf_map_get_fd_by_id(id);
	close(outer);
	return inner;
}

int sl_xdp_standing(const char *pin_dir, struct sl_tables *tables)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = standing_fd(pin_dir ? pin_dir : SL_XDP_PIN_DIR);
	struct sl_tables *memory = NULL;

	if (fd < 0)
		return fd;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.value_size == sizeof(*tables))
		memory = map_tables(fd);
	close(fd);
	if (!memory)
		return -ENOENT;
	*tables = *memory;
	munmap(memory, tables_bytes());
	return tables->generation ? 0 : -ENOENT;
}
