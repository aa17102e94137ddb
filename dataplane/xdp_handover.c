/*
 * xdp_handover.c - sl_xdp on devices whose packets DPDK takes by AF_XDP
 *
 * DPDK's net_af_xdp attaches by netlink and only where no program stands, and no link
 * can take over from netlink.  So for these ports: clear the device, let the driver
 * attach the guard (ebpf/handover.bpf.c) and make its sockets, then exchange the guard
 * for sl_xdp and give that the guard's map.  A pin handover_DEVICE says: the netlink
 * program on DEVICE is ours.  It is made before the guard comes, as we may be killed
 * at any moment, and holds the sl_xdp that is meant to stand there.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xdp_private.h"

#include "handover.skel.h"
#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

#define GUARD_MAPS_MAX 8 /* of the program that the driver attached; the guard has one */

/* What stands on a device. */
struct standing {
	uint32_t id;   /* of the program; 0 = none */
	uint32_t mode; /* XDP_FLAGS_DRV_MODE, … */
};

/* 0 and *@at, or -errno. */
static int query(uint32_t ifindex, struct standing *at)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, said);
	int err = bpf_xdp_query((int)ifindex, 0, &said);

	if (err)
		return err;
	if (said.drv_prog_id)
		*at = (struct standing){said.drv_prog_id, XDP_FLAGS_DRV_MODE};
	else if (said.skb_prog_id)
		*at = (struct standing){said.skb_prog_id, XDP_FLAGS_SKB_MODE};
	else
		*at = (struct standing){said.hw_prog_id, XDP_FLAGS_HW_MODE};
	return 0;
}

/* Exchange what stands for program @fd, -1 for none, if it stands there still.  0 or -errno. */
static int exchange(uint32_t ifindex, const struct standing *at, int fd)
{
	int old = bpf_prog_get_fd_by_id(at->id), err;

	if (old < 0)
		return old;
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = old);
	err = bpf_xdp_attach((int)ifindex, fd, at->mode | XDP_FLAGS_REPLACE, &opts);
	close(old);
	return err;
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static int sl_xdp_fd(const struct sl_xdp *xdp)
{
	return bpf_program__fd(xdp->skel->progs.sl_xdp);
}

static bool is_sl_xdp(const struct sl_xdp *xdp, uint32_t id)
{
	return id && id == program_id(sl_xdp_fd(xdp));
}

/* ---- the pin that remembers ---- */

/* The id of the program that the pin @path holds; 0 = no such pin. */
static uint32_t remembered(const char *path)
{
	int fd = bpf_obj_get(path);
	uint32_t id;

	if (fd < 0)
		return 0;
	id = program_id(fd);
	close(fd);
	return id;
}

static int remember(const struct sl_xdp *xdp, const char *path)
{
	unlink(path);
	return bpf_obj_pin(sl_xdp_fd(xdp), path) ? -errno : 0;
}

/* A process that was killed between the driver's attach and ours leaves the guard. */
static bool is_guard(uint32_t id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool guard;

	if (fd < 0)
		return false;
	guard = !bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, "sl_guard");
	close(fd);
	return guard;
}

static bool is_ours(const char *path, uint32_t id)
{
	uint32_t pinned = remembered(path);

	return pinned && (pinned == id || is_guard(id));
}

int sl_xdp_handover_drop(const char *path, const char *device)
{
	uint32_t ifindex = if_nametoindex(device);
	struct standing at;
	int dropped = 0;

	if (ifindex && !query(ifindex, &at) && at.id && is_ours(path, at.id))
		dropped = !exchange(ifindex, &at, -1);
	unlink(path);
	return dropped;
}

/* ---- the object for the driver ---- */

/* A memfd of the guard's ELF file, or -errno. */
static int object_file(void)
{
	size_t size, done = 0;
	const char *bytes = handover_bpf__elf_bytes(&size);
	int fd = memfd_create("sl_handover", MFD_CLOEXEC);

	while (fd >= 0 && done < size) {
		ssize_t wrote = write(fd, bytes + done, size - done);

		if (wrote <= 0) {
			int err = wrote ? -errno : -EIO;

			close(fd);
			return err;
		}
		done += (size_t)wrote;
	}
	return fd < 0 ? -errno : fd;
}

int sl_xdp_handover_object(struct sl_engine *engine, char *path, size_t size)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;

	if (xdp->object_fd < 0)
		xdp->object_fd = object_file();
	if (xdp->object_fd < 0)
		return xdp->object_fd;
	return snprintf(path, size, "/proc/self/fd/%d", xdp->object_fd) < (int)size ? 0 : -ENOSPC;
}

/* ---- a device from the driver's hands to ours ---- */

/* The port of the plan, whose device is there; or NULL, *@err and @why. */
static struct sl_xdp_port *find_port(struct sl_xdp *xdp, const char *device, int *err,
				     struct sl_xdp_why why)
{
	for (uint32_t i = 0; i < xdp->ports; i++) {
		struct sl_xdp_port *port = &xdp->port[i];

		if (strcmp(port->device, device) || !(port->entry.flags & SL_PORT_HANDOVER))
			continue;
		if (port->entry.ifindex && port->entry.ifindex == if_nametoindex(device))
			return port;
		*err = sl_xdp_fail(why, -ENODEV, "%s: device %s went away", port->name, device);
		return NULL;
	}
	*err = sl_xdp_fail(why, -EINVAL, "%s is no device that hands over", device);
	return NULL;
}

/* Take off what a former process of ours left.  0 and the device is free; or -EBUSY, -errno. */
static int free_device(const struct sl_xdp *xdp, const struct sl_xdp_port *port, const char *pin)
{
	char link[PATH_MAX];
	struct standing at;
	int err;

	sl_xdp_pin_path(link, xdp->pin_dir, sl_xdp_hook_kind(SL_XDP_INGRESS), port->device);
	sl_xdp_link_drop(link);
	err = query(port->entry.ifindex, &at);
	if (err || !at.id)
		return err;
	return is_ours(pin, at.id) ? exchange(port->entry.ifindex, &at, -1) : -EBUSY;
}

int sl_xdp_handover_clear(struct sl_engine *engine, const char *device, char *why, size_t why_size)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	struct sl_xdp_why reason = {why, why_size};
	char pin[PATH_MAX];
	int err = 0;
	const struct sl_xdp_port *port = find_port(xdp, device, &err, reason);

	if (!port)
		return err;
	sl_xdp_pin_path(pin, xdp->pin_dir, SL_XDP_HANDOVER_PIN, device);
	err = free_device(xdp, port, pin);
	if (err == -EBUSY)
		return sl_xdp_fail(reason, err, "%s: device %s already has another XDP program",
				   port->name, device);
	if (err)
		return sl_xdp_fail(reason, err, "%s: clear device %s of XDP: %s", port->name,
				   device, strerror(-err));
	err = remember(xdp, pin);
	return err ? sl_xdp_fail(reason, err, "pin %s: %s", pin, strerror(-err)) : 0;
}

/* Is map @id the driver's sockets?  Its fd, or -ENOENT. */
static int sockets_fd(uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return -ENOENT;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_MAP_TYPE_XSKMAP &&
	    !strcmp(info.name, "xsks_map"))
		return fd;
	close(fd);
	return -ENOENT;
}

/* The sockets of the driver's program @id: an fd; -ENOENT, it has none. */
static int find_sockets(uint32_t id)
{
	uint32_t maps[GUARD_MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = GUARD_MAPS_MAX, .map_ids = (uintptr_t)maps};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id), err, sockets = -ENOENT;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size) ? -errno : 0;
	close(fd);
	for (uint32_t i = 0; !err && i < info.nr_map_ids && i < GUARD_MAPS_MAX && sockets < 0; i++)
		sockets = sockets_fd(maps[i]);
	return err ? err : sockets;
}

/* sl_xdp in the guard's place; its sockets first, as no frame may find none. */
static int take_over(const struct sl_xdp *xdp, const struct sl_xdp_port *port,
		     const struct standing *at)
{
	uint32_t slot = port->entry.ifindex % SL_PORT_SLOTS;
	int sockets = find_sockets(at->id), err = 0;
	char pin[PATH_MAX];

	if (sockets < 0)
		return sockets;
	if (bpf_map_update_elem(bpf_map__fd(xdp->skel->maps.sl_handover), &slot, &sockets, BPF_ANY))
		err = -errno;
	close(sockets); /* sl_handover holds it */
	sl_xdp_pin_path(pin, xdp->pin_dir, SL_XDP_HANDOVER_PIN, port->device);
	if (!err)
		err = remember(xdp, pin);
	return err ? err : exchange(port->entry.ifindex, at, sl_xdp_fd(xdp));
}

int sl_xdp_handover_attach(struct sl_engine *engine, const char *device, char *why, size_t why_size)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	struct sl_xdp_why reason = {why, why_size};
	struct standing at = {0};
	int err = 0;
	struct sl_xdp_port *port = find_port(xdp, device, &err, reason);

	if (!port)
		return err;
	err = query(port->entry.ifindex, &at);
	if (!err && !at.id)
		return sl_xdp_fail(reason, -ENOENT, "%s: the driver put no XDP program on %s",
				   port->name, device);
	if (!err && !is_sl_xdp(xdp, at.id))
		err = take_over(xdp, port, &at);
	if (err == -ENOENT)
		return sl_xdp_fail(reason, err, "%s: the XDP program on %s has no xsks_map",
				   port->name, device);
	if (err)
		return sl_xdp_fail(reason, err, "%s: hand %s over: %s", port->name, device,
				   strerror(-err));
	err = sl_xdp_handover_stand(xdp, port, reason);
	sl_xdp_describe(xdp, port);
	return err;
}

/* ---- afterwards ---- */

/* Ours to stand there since sl_xdp_handover_clear(). */
static bool expected(const struct sl_xdp *xdp, const struct sl_xdp_port *port)
{
	char pin[PATH_MAX];

	sl_xdp_pin_path(pin, xdp->pin_dir, SL_XDP_HANDOVER_PIN, port->device);
	return is_sl_xdp(xdp, remembered(pin));
}

bool sl_xdp_handover_there(const struct sl_xdp *xdp, const struct sl_xdp_port *port)
{
	struct standing at;

	if (!expected(xdp, port))
		return true;
	return !query(port->entry.ifindex, &at) && is_sl_xdp(xdp, at.id);
}

int sl_xdp_handover_stand(struct sl_xdp *xdp, struct sl_xdp_port *port, struct sl_xdp_why why)
{
	struct standing at = {0};
	bool there = !query(port->entry.ifindex, &at) && is_sl_xdp(xdp, at.id);

	port->hold[SL_XDP_INGRESS] = there ? SL_XDP_HANDOVER : SL_XDP_FREE;
	port->generic = there && at.mode == XDP_FLAGS_SKB_MODE;
	if (there || !expected(xdp, port))
		return 0;
	return sl_xdp_fail(why, -ENOENT,
			   "%s: the XDP program was taken off %s; restart the dataplane",
			   port->name, port->device);
}

/* The driver takes off whatever stands when it closes the device; then sl_xdp goes back. */
static void put_back(const struct sl_xdp *xdp, const struct sl_xdp_port *port)
{
	uint32_t mode = port->generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	int err;

	if (port->hold[SL_XDP_INGRESS] != SL_XDP_HANDOVER)
		return;
	err = bpf_xdp_attach((int)port->entry.ifindex, sl_xdp_fd(xdp),
			     mode | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	if (err && err != -EBUSY && err != -EEXIST)
		sl_xdp_say(xdp, "%s: no XDP on %s until the next start: %s", port->name,
			   port->device, strerror(-err));
}

void sl_xdp_handover_close(struct sl_xdp *xdp, bool detach)
{
	for (uint32_t i = 0; i < xdp->ports && !detach; i++)
		put_back(xdp, &xdp->port[i]);
	if (xdp->object_fd >= 0)
		close(xdp->object_fd);
	xdp->object_fd = -1;
}

volatile uint64_t *sl_xdp_heartbeat(struct sl_engine *engine)
{
	return ((struct sl_xdp *)engine)->heartbeat;
}
