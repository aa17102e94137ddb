/*
 * xdp_attach.c - each port's hooks: attached once, afterwards only replaced in place
 *
 * XDP links are made with BPF_XDP as attach type and tc links by TCX (kernel 6.6);
 * libbpf 1.1 knows no TCX, but its bpf_link_create() passes the raw type on.  Older
 * kernels get clsact filters.  All are held by pins or by the qdisc, never by us.  The
 * XDP hook of a port that hands over is DPDK's driver's first (xdp_handover.c).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46) /* BPF_TCX_INGRESS, linux 6.6 */
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)
#define TC_PRIORITY        0x534c /* "SL": where our clsact filters are found again */
#define TC_HANDLE          1

static const struct {
	const char *kind;   /* of the pin */
	const char *clsact; /* pin that says: the filter is held by the qdisc */
	enum bpf_attach_type attach;
	enum bpf_tc_attach_point tc;
} hooks[SL_XDP_HOOKS] = {
	[SL_XDP_INGRESS] = {"xdp", "", BPF_XDP, 0},
	[SL_XDP_EGRESS] = {"egress", "clsactegress", ATTACH_TCX_EGRESS, BPF_TC_EGRESS},
	[SL_XDP_MARK] = {"mark", "clsactmark", ATTACH_TCX_INGRESS, BPF_TC_INGRESS},
};

const char *sl_xdp_hook_kind(enum sl_xdp_hook hook)
{
	return hooks[hook].kind;
}

static int program_fd(const struct sl_xdp *xdp, enum sl_xdp_hook hook)
{
	switch (hook) {
	case SL_XDP_INGRESS:
		return bpf_program__fd(xdp->skel->progs.sl_xdp);
	case SL_XDP_EGRESS:
		return bpf_program__fd(xdp->skel->progs.sl_tc_egress);
	default:
		return bpf_program__fd(xdp->skel->progs.sl_tc_mark);
	}
}

static bool wants(const struct sl_xdp_port *port, enum sl_xdp_hook hook)
{
	if (hook == SL_XDP_EGRESS)
		return !(port->entry.flags & SL_PORT_UNMEASURED);
	return hook != SL_XDP_MARK || port->mark;
}

/* Its XDP hook waits for DPDK's driver. */
static bool waits(const struct sl_xdp_port *port, enum sl_xdp_hook hook)
{
	return hook == SL_XDP_INGRESS && port->entry.flags & SL_PORT_HANDOVER;
}

/* The device that link @fd holds; 0 = none, it is gone. */
static uint32_t link_ifindex(int fd)
{
	/* linux 6.1's bpf_link_info; xdp and tcx both begin with the ifindex. */
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.xdp.ifindex;
}

static bool is_generic(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return !bpf_xdp_query((int)ifindex, 0, &query) && query.attach_mode == XDP_ATTACHED_SKB;
}

/* ---- clsact, where there is no TCX ---- */

/* memset: libbpf refuses a struct whose padding is not zero. */
static void tc_hook(struct bpf_tc_hook *hook, uint32_t ifindex, enum bpf_tc_attach_point point)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = (int)ifindex;
	hook->attach_point = point;
}

/* The pin names the filter for sl_xdp_detach(), and "qdisc" that the qdisc is ours too. */
static int clsact_attach(const struct sl_xdp *xdp, const struct sl_xdp_port *port,
			 enum sl_xdp_hook hook)
{
	struct bpf_tc_hook at;
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .prog_fd = program_fd(xdp, hook), .flags = BPF_TC_F_REPLACE);
	char path[PATH_MAX];
	int err;

	tc_hook(&at, port->entry.ifindex, hooks[hook].tc);
	err = bpf_tc_hook_create(&at);
	if (err && err != -EEXIST)
		return err;
	if (!err) {
		sl_xdp_pin_path(path, xdp->pin_dir, "qdisc", port->device);
		bpf_obj_pin(filter.prog_fd, path);
	}
	err = bpf_tc_attach(&at, &filter);
	if (err)
		return err;
	sl_xdp_pin_path(path, xdp->pin_dir, hooks[hook].clsact, port->device);
	unlink(path);
	return bpf_obj_pin(program_fd(xdp, hook), path) ? -errno : 0;
}

static bool clsact_there(uint32_t ifindex, enum sl_xdp_hook hook)
{
	struct bpf_tc_hook at;
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	tc_hook(&at, ifindex, hooks[hook].tc);
	return !bpf_tc_query(&at, &filter);
}

static void clsact_detach(uint32_t ifindex, enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook at;
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	tc_hook(&at, ifindex, point);
	bpf_tc_detach(&at, &filter);
}

/* ---- links ---- */

static int link_create(const struct sl_xdp *xdp, struct sl_xdp_port *port, enum sl_xdp_hook hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	int fd = -EOPNOTSUPP, ifindex = (int)port->entry.ifindex;

	if (hook != SL_XDP_INGRESS && xdp->no_tcx)
		return -EINVAL;
	if (hook != SL_XDP_INGRESS)
		return bpf_link_create(program_fd(xdp, hook), ifindex, hooks[hook].attach, NULL);
	port->generic = false;
	opts.flags = XDP_FLAGS_DRV_MODE;
	if (!xdp->force_generic)
		fd = bpf_link_create(program_fd(xdp, hook), ifindex, BPF_XDP, &opts);
	if (fd >= 0 || fd == -EBUSY || fd == -EEXIST || fd == -EPERM)
		return fd;
	if (!xdp->force_generic)
		sl_xdp_say(xdp, "%s %s: no native XDP (%s): generic, slower, is used instead",
			   port->name, port->device, strerror(-fd));
	port->generic = true;
	opts.flags = XDP_FLAGS_SKB_MODE;
	return bpf_link_create(program_fd(xdp, hook), ifindex, BPF_XDP, &opts);
}

/* Replace the program of the pinned link.  False: there is none that holds this device. */
static bool link_update(const struct sl_xdp *xdp, struct sl_xdp_port *port, enum sl_xdp_hook hook,
			const char *path)
{
	int fd = bpf_obj_get(path);
	bool updated;

	if (fd < 0)
		return false;
	updated = link_ifindex(fd) == port->entry.ifindex;
	if (updated && hook == SL_XDP_INGRESS) {
		port->generic = is_generic(port->entry.ifindex);
		updated = port->generic || !xdp->force_generic;
	}
	updated = updated && !bpf_link_update(fd, program_fd(xdp, hook), NULL);
	if (!updated) {
		bpf_link_detach(fd);
		unlink(path);
	}
	close(fd);
	return updated;
}

/* A former process ran under DPDK: no link can be made while its netlink program stands. */
static void end_handover(const struct sl_xdp *xdp, const char *device)
{
	char path[PATH_MAX];

	sl_xdp_pin_path(path, xdp->pin_dir, SL_XDP_HANDOVER_PIN, device);
	sl_xdp_handover_drop(path, device);
}

static int link_attach(struct sl_xdp *xdp, struct sl_xdp_port *port, enum sl_xdp_hook hook)
{
	char path[PATH_MAX];
	int fd, err = 0;

	sl_xdp_pin_path(path, xdp->pin_dir, hooks[hook].kind, port->device);
	if (link_update(xdp, port, hook, path))
		return 0;
	if (hook == SL_XDP_INGRESS)
		end_handover(xdp, port->device);
	fd = link_create(xdp, port, hook);
	if (fd < 0)
		return fd;
	if (bpf_obj_pin(fd, path))
		err = -errno;
	close(fd); /* the pin holds it */
	return err;
}

static int hook_attach(struct sl_xdp *xdp, struct sl_xdp_port *port, enum sl_xdp_hook hook)
{
	int err = link_attach(xdp, port, hook);

	if (!err)
		port->hold[hook] = SL_XDP_LINK;
	if (err != -EINVAL || hook == SL_XDP_INGRESS) /* EINVAL: an attach type it does not know */
		return err;
	err = clsact_attach(xdp, port, hook);
	if (!err)
		port->hold[hook] = SL_XDP_CLSACT;
	return err;
}

static int explain(const struct sl_xdp_port *port, enum sl_xdp_hook hook, int err,
		   struct sl_xdp_why why)
{
	if (err == -EBUSY || err == -EEXIST)
		return sl_xdp_fail(why, -EBUSY, "%s: device %s already has another XDP program",
				   port->name, port->device);
	if (err == -EPERM)
		return sl_xdp_fail(why, err,
				   "%s: not permitted to attach to %s: needs CAP_NET_ADMIN",
				   port->name, port->device);
	return sl_xdp_fail(why, err, "%s: attach %s to %s: %s", port->name, hooks[hook].kind,
			   port->device, strerror(-err));
}

/* In a word: is the device there, and is XDP on it? */
static const char *how(const struct sl_xdp_port *port)
{
	if (!port->entry.ifindex)
		return "absent";
	if (waits(port, SL_XDP_INGRESS) && port->hold[SL_XDP_INGRESS] != SL_XDP_HANDOVER)
		return "off";
	return port->generic ? "generic" : "native";
}

void sl_xdp_describe(const struct sl_xdp *xdp, struct sl_xdp_port *port)
{
	static const char *const placements[] = {[SL_PLACEMENT_TAP] = "tap",
						 [SL_PLACEMENT_GATEWAY] = "gateway",
						 [SL_PLACEMENT_WIRE] = "wire"};
	bool there = port->entry.ifindex;

	snprintf(port->line, sizeof(port->line), "%s %s %s %s%s%s", port->name, port->device,
		 placements[xdp->placement], how(port),
		 there && port->hold[SL_XDP_INGRESS] == SL_XDP_HANDOVER ? " af_xdp" : "",
		 there && port->hold[SL_XDP_EGRESS] == SL_XDP_CLSACT ? " clsact" : "");
}

int sl_xdp_attach(struct sl_xdp *xdp, struct sl_xdp_port *port, struct sl_xdp_why why)
{
	int err = 0;

	port->entry.ifindex = if_nametoindex(port->device);
	memset(port->hold, 0, sizeof(port->hold));
	if (!port->entry.ifindex) {
		sl_xdp_describe(xdp, port);
		return sl_xdp_fail(why, -ENODEV, "%s: no device %s", port->name, port->device);
	}
	err = sl_xdp_ports_write(xdp, why); /* first: no packet may meet a port without its entry */
	for (int hook = 0; hook < SL_XDP_HOOKS && !err; hook++) {
		if (!wants(port, hook) || waits(port, hook))
			continue;
		err = hook_attach(xdp, port, hook);
		if (err)
			err = explain(port, hook, err, why);
	}
	if (!err && waits(port, SL_XDP_INGRESS))
		err = sl_xdp_handover_stand(xdp, port, why);
	sl_xdp_describe(xdp, port);
	return err;
}

/* Does @hook still hold @port's device? */
static bool hook_there(const struct sl_xdp *xdp, const struct sl_xdp_port *port,
		       enum sl_xdp_hook hook)
{
	char path[PATH_MAX];
	bool there;
	int fd;

	if (waits(port, hook))
		return sl_xdp_handover_there(xdp, port);
	if (port->hold[hook] == SL_XDP_CLSACT)
		return clsact_there(port->entry.ifindex, hook);
	sl_xdp_pin_path(path, xdp->pin_dir, hooks[hook].kind, port->device);
	fd = bpf_obj_get(path);
	there = fd >= 0 && link_ifindex(fd) == port->entry.ifindex;
	if (fd >= 0)
		close(fd);
	return there;
}

bool sl_xdp_attached(const struct sl_xdp *xdp, const struct sl_xdp_port *port)
{
	uint32_t ifindex = if_nametoindex(port->device);

	if (!ifindex || ifindex != port->entry.ifindex)
		return false;
	for (int hook = 0; hook < SL_XDP_HOOKS; hook++)
		if (wants(port, hook) && !hook_there(xdp, port, hook))
			return false;
	return true;
}

/* ---- sl_ports ---- */

int sl_xdp_ports_write(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	static const struct sl_port none;
	const struct sl_port *slot[SL_PORT_SLOTS] = {0};
	int fd = bpf_map__fd(xdp->skel->maps.sl_ports);

	for (uint32_t i = 0; i < xdp->ports; i++) {
		const struct sl_xdp_port *port = &xdp->port[i];
		uint32_t at = port->entry.ifindex % SL_PORT_SLOTS;

		if (!port->entry.ifindex)
			continue;
		if (slot[at])
			return sl_xdp_fail(why, -ENOSPC,
					   "%s: ifindex %u of %s shares its slot with ifindex %u: "
					   "recreate the device",
					   port->name, port->entry.ifindex, port->device,
					   slot[at]->ifindex);
		slot[at] = &port->entry;
	}
	for (uint32_t at = 0; at < SL_PORT_SLOTS; at++)
		if (bpf_map_update_elem(fd, &at, slot[at] ? slot[at] : &none, BPF_ANY))
			return sl_xdp_fail(why, -errno, "write sl_ports: %s", strerror(errno));
	return 0;
}

/* ---- taking off ---- */

struct drop {
	const struct sl_xdp *keep;
	int dropped;
};

static bool kept(const struct sl_xdp *xdp, enum sl_xdp_hook hook, const char *device)
{
	for (uint32_t i = 0; xdp && i < xdp->ports; i++)
		if (!strcmp(xdp->port[i].device, device))
			return wants(&xdp->port[i], hook);
	return false;
}

static bool kept_handover(const struct sl_xdp *xdp, const char *device)
{
	for (uint32_t i = 0; xdp && i < xdp->ports; i++)
		if (!strcmp(xdp->port[i].device, device))
			return waits(&xdp->port[i], SL_XDP_INGRESS);
	return false;
}

bool sl_xdp_link_drop(const char *path)
{
	int fd = bpf_obj_get(path);
	bool dropped;

	if (fd < 0)
		return false;
	dropped = !bpf_link_detach(fd);
	close(fd);
	unlink(path);
	return dropped;
}

static void drop_filter(struct drop *drop, const char *path, enum sl_xdp_hook hook,
			const char *device)
{
	uint32_t ifindex = if_nametoindex(device);

	if (ifindex && clsact_there(ifindex, hook)) {
		clsact_detach(ifindex, hooks[hook].tc);
		drop->dropped++;
	}
	unlink(path);
}

static int drop_pin(void *arg, const char *path, const char *kind, const char *device)
{
	struct drop *drop = arg;

	if (!strcmp(kind, SL_XDP_HANDOVER_PIN) && !kept_handover(drop->keep, device))
		drop->dropped += sl_xdp_handover_drop(path, device);
	for (int hook = 0; hook < SL_XDP_HOOKS; hook++) {
		if (kept(drop->keep, hook, device))
			continue;
		if (!strcmp(kind, hooks[hook].kind))
			drop->dropped += sl_xdp_link_drop(path);
		else if (!strcmp(kind, hooks[hook].clsact))
			drop_filter(drop, path, hook, device);
	}
	return 0;
}

/* After the filters: a qdisc that we made goes when none of our ports needs it. */
static int drop_qdisc(void *arg, const char *path, const char *kind, const char *device)
{
	struct drop *drop = arg;
	struct bpf_tc_hook at;

	if (strcmp(kind, "qdisc") || kept(drop->keep, SL_XDP_EGRESS, device))
		return 0;
	tc_hook(&at, if_nametoindex(device), BPF_TC_INGRESS | BPF_TC_EGRESS);
	if (at.ifindex)
		bpf_tc_hook_destroy(&at);
	unlink(path);
	return 0;
}

int sl_xdp_attach_drop(const char *dir, const struct sl_xdp *xdp)
{
	struct drop drop = {.keep = xdp};

	sl_xdp_pin_each(dir, drop_pin, &drop);
	sl_xdp_pin_each(dir, drop_qdisc, &drop);
	return drop.dropped;
}
