/*
 * xdp_reflect.c - the STAMP reflector's program on a gateway's uplinks: put on once, then replaced
 *
 * Held by a pinned link reflect_DEVICE, as some NICs lose their link for a moment when a program
 * comes or goes: it outlives the agent, but passes everything a second after its last
 * word.  The next one replaces the program in place, with its maps.  Native XDP only, and only
 * where no program stands, ours or another's, and XDP may send: else the socket answers alone, and
 * that is said.
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

#include "reflect.skel.h" /* behind reflect.h, whose structs it holds */

/* ---- where ---- */

static bool is_planned(const struct sl_xdp *xdp, const char *device)
{
	for (uint32_t i = 0; i < xdp->reflect.devices; i++)
		if (!strcmp(xdp->reflect.device[i].device, device))
			return true;
	return false;
}

static bool has_sl_xdp(const struct sl_xdp *xdp, const char *device)
{
	for (uint32_t i = 0; i < xdp->ports; i++)
		if (!strcmp(xdp->port[i].device, device))
			return true;
	return false;
}

static void add(struct sl_xdp *xdp, const char *name, const char *device)
{
	struct sl_xdp_reflect *reflect = &xdp->reflect;
	struct sl_xdp_reflector *at = &reflect->device[reflect->devices];

	if (reflect->devices == SL_XDP_PORTS_MAX || has_sl_xdp(xdp, device) ||
	    is_planned(xdp, device))
		return;
	*at = (struct sl_xdp_reflector){.ifindex = 0};
	snprintf(at->name, sizeof(at->name), "%s", name);
	snprintf(at->device, sizeof(at->device), "%s", device);
	reflect->devices++;
}

void sl_xdp_reflect_plan(struct sl_xdp *xdp, const struct sl_policy *policy)
{
	xdp->reflect.devices = 0;
	if (!policy->reflector.allows || !xdp->gateway || xdp->handover || xdp->replay)
		return;
	for (uint32_t i = 0; i < policy->uplinks; i++)
		add(xdp, policy->uplink[i].name, policy->uplink[i].device);
	for (uint32_t i = 0; i < policy->ports; i++)
		if (policy->port[i].role == SL_ROLE_UPLINK)
			add(xdp, policy->port[i].name, policy->port[i].device);
}

struct drop {
	const struct sl_xdp *keep;
	int dropped;
};

static int drop_pin(void *arg, const char *path, const char *kind, const char *device)
{
	struct drop *drop = arg;

	if (!strcmp(kind, SL_XDP_REFLECT_PIN) && !(drop->keep && is_planned(drop->keep, device)))
		drop->dropped += sl_xdp_link_drop(path);
	return 0;
}

int sl_xdp_reflect_drop(const char *dir, const struct sl_xdp *xdp)
{
	struct drop drop = {.keep = xdp};

	sl_xdp_pin_each(dir, drop_pin, &drop);
	return drop.dropped;
}

/* ---- on a device ---- */

static int program_fd(const struct sl_xdp *xdp)
{
	return bpf_program__fd(xdp->reflect.skel->progs.sl_reflect);
}

static uint32_t program_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* Does the link pinned at @path hold @ifindex?  Then it has our program. */
static bool stands(const struct sl_xdp *xdp, const char *path, uint32_t ifindex)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(path);
	bool there;

	if (fd < 0)
		return false;
	there = !bpf_obj_get_info_by_fd(fd, &info, &size) && info.xdp.ifindex == ifindex;
	if (there && info.prog_id != program_id(program_fd(xdp)))
		there = !bpf_link_update(fd, program_fd(xdp), NULL);
	close(fd);
	if (!there)
		sl_xdp_link_drop(path);
	return there;
}

static int attach(const struct sl_xdp *xdp, const char *path, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int fd, err = 0;

	if (xdp->force_generic)
		return -EOPNOTSUPP;
	fd = bpf_link_create(program_fd(xdp), (int)ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return fd;
	if (bpf_obj_pin(fd, path))
		err = -errno;
	close(fd); /* the pin holds it */
	return err;
}

static bool is_taken(int err)
{
	return err == -EBUSY || err == -EEXIST;
}

/* By others, while the device is the same. */
static bool may_change(int err)
{
	return is_taken(err) || err == -EHOSTUNREACH;
}

static const char *reason(int err)
{
	return is_taken(err)          ? "another XDP program is there"
	       : err == -EOPNOTSUPP   ? "no native XDP"
	       : err == -ENODEV       ? "no such device"
	       : err == -EHOSTUNREACH ? "a veth whose other end has no XDP"
				      : strerror(-err);
}

static void look_at(struct sl_xdp *xdp, struct sl_xdp_reflector *at)
{
	uint32_t ifindex = if_nametoindex(at->device);
	char path[PATH_MAX];
	int err = ifindex ? 0 : -ENODEV;

	sl_xdp_pin_path(path, xdp->pin_dir, SL_XDP_REFLECT_PIN, at->device);
	if (!err && !sl_xdp_sends(ifindex)) {
		sl_xdp_link_drop(path);
		err = -EHOSTUNREACH;
	} else if (!err && !stands(xdp, path, ifindex))
		err = at->refused == ifindex ? at->said_err : attach(xdp, path, ifindex);
	at->ifindex = err ? 0 : ifindex;
	at->refused = err && !may_change(err) ? ifindex : 0;
	snprintf(at->line, sizeof(at->line), "%s %s reflector %s", at->name, at->device,
		 err ? "socket" : "native");
	if (err && err != at->said_err)
		sl_xdp_say(xdp, "%s %s: STAMP is answered by the socket alone: %s", at->name,
			   at->device, reason(err));
	at->said_err = err;
}

void sl_xdp_reflect_look(struct sl_xdp *xdp)
{
	struct sl_xdp_reflect *reflect = &xdp->reflect;
	uint32_t devices = 0;
	int err;

	if (!reflect->skel)
		return;
	for (uint32_t i = 0; i < reflect->devices; i++) {
		look_at(xdp, &reflect->device[i]);
		devices += reflect->device[i].ifindex != 0;
	}
	reflect->state->devices = devices;
	err = sl_xdp_own_write(bpf_map__fd(reflect->skel->maps.sl_own), reflect);
	if (err && err != reflect->own_err)
		sl_xdp_say(xdp, "STAMP to some own addresses is answered by the socket: %s",
			   strerror(-err));
	reflect->own_err = err;
}

/* ---- the program ---- */

static int load(struct sl_xdp_reflect *reflect)
{
	struct reflect_bpf *skel = reflect_bpf__open_and_load();
	void *memory;

	if (!skel)
		return -errno;
	memory = mmap(NULL, sizeof(*reflect->state), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(skel->maps.sl_state), 0);
	if (memory == MAP_FAILED) {
		reflect_bpf__destroy(skel);
		return -ENOMEM;
	}
	reflect->skel = skel;
	reflect->state = memory;
	return 0;
}

struct sl_reflect_state *sl_xdp_reflect(struct sl_engine *engine, const struct sl_policy *policy)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	int err = 0;

	sl_xdp_reflect_plan(xdp, policy);
	sl_xdp_reflect_drop(xdp->pin_dir, xdp);
	if (xdp->reflect.devices && !xdp->reflect.skel)
		err = load(&xdp->reflect);
	if (err) {
		sl_xdp_say(xdp, "STAMP is answered by the socket alone: program refused: %s",
			   strerror(-err));
		xdp->reflect.devices = 0;
		sl_xdp_reflect_drop(xdp->pin_dir, xdp); /* a former one has no state of ours */
	}
	sl_xdp_reflect_look(xdp);
	return xdp->reflect.state;
}

void sl_xdp_reflect_close(struct sl_xdp *xdp)
{
	struct sl_xdp_reflect *reflect = &xdp->reflect;

	if (!reflect->skel)
		return;
	reflect->state->valid_until_ns = 0;
	munmap(reflect->state, sizeof(*reflect->state));
	reflect_bpf__destroy(reflect->skel);
	reflect->skel = NULL;
	reflect->state = NULL;
}
