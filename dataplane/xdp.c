/*
 * xdp.c - the XDP engine as the agent sees it: open, place, tick, close
 */
#include "xdp.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "xdp_private.h"

#include "storeline.skel.h" /* behind maps.h, whose structs it holds */

/* ---- the engine's calls ---- */

static struct sl_tables *standing(struct sl_engine *engine)
{
	return ((struct sl_xdp *)engine)->tables;
}

static const struct sl_stats *stats(struct sl_engine *engine, unsigned int worker)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;

	return worker < xdp->cpus ? &xdp->stats[worker] : NULL;
}

static const char *port_line(struct sl_engine *engine, unsigned int port)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;

	if (port < xdp->ports)
		return xdp->port[port].line;
	port -= xdp->ports;
	return port < xdp->reflect.devices ? xdp->reflect.device[port].line : NULL;
}

static struct sl_names *names_of(struct sl_engine *engine)
{
	return ((struct sl_xdp *)engine)->names;
}

static bool records(struct sl_engine *engine, unsigned int worker, struct sl_record_view *view)
{
	const struct sl_xdp *xdp = (struct sl_xdp *)engine;

	if (worker >= xdp->cpus)
		return false;
	*view = (struct sl_record_view){
		xdp->record_heads + worker * SL_RECORD_RINGS,
		xdp->records + (size_t)worker * SL_RECORD_RINGS * xdp->record_slots,
		xdp->record_slots,
	};
	return true;
}

/* The clock of bpf_ktime_get_ns(). */
static uint64_t now_ns(struct sl_engine *engine)
{
	return sl_clock_ns();
}

static void xdp_close(struct sl_engine *engine, bool detach)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	char why[SL_TEXT_MAX];

	sl_xdp_tables_close(xdp);
	sl_xdp_handover_close(xdp, detach);
	sl_xdp_reflect_close(xdp);
	sl_xdp_unload(xdp);
	if (detach && !xdp->replay && sl_xdp_detach(xdp->pin_dir, why, sizeof(why)) < 0)
		sl_xdp_say(xdp, "%s", why);
	free(xdp);
}

static const struct sl_engine_ops ops = {
	.name = "xdp",
	.apply = sl_xdp_tables_apply,
	.tables = standing,
	.stats = stats,
	.port = port_line,
	.names = names_of,
	.inspect = sl_xdp_inspect,
	.records = records,
	.now_ns = now_ns,
	.close = xdp_close,
};

/* ---- ports of a policy ---- */

static int uplink_of(const struct sl_policy *policy, const char *device)
{
	for (uint32_t i = 0; i < policy->uplinks; i++)
		if (!strcmp(policy->uplink[i].device, device))
			return (int)i;
	return -1;
}

static void add_port(struct sl_xdp *xdp, const char *name, const char *device, uint8_t index,
		     enum sl_side ingress, int uplink)
{
	struct sl_xdp_port *port;
	bool aside;

	if (xdp->ports == SL_XDP_PORTS_MAX)
		return;
	/* A gateway measures and steers on the LAN side; its other ports only hand over. */
	aside = xdp->gateway && ingress != SL_SIDE_LAN;
	port = &xdp->port[xdp->ports++];
	*port = (struct sl_xdp_port){.mark = xdp->gateway && !aside};
	snprintf(port->name, sizeof(port->name), "%s", name);
	snprintf(port->device, sizeof(port->device), "%s", device);
	port->entry.index = index;
	port->entry.ingress = (uint8_t)ingress;
	port->entry.uplink = uplink < 0 ? SL_UPLINK_NONE : (uint8_t)uplink;
	if (xdp->handover)
		port->entry.flags = SL_PORT_HANDOVER | (aside ? SL_PORT_UNMEASURED : 0);
}

static bool has_port(const struct sl_xdp *xdp, const char *device)
{
	for (uint32_t i = 0; i < xdp->ports; i++)
		if (!strcmp(xdp->port[i].device, device))
			return true;
	return false;
}

static void plan_port(struct sl_xdp *xdp, const struct sl_policy *policy, uint32_t index)
{
	static const enum sl_side ingress[] = {[SL_ROLE_LAN] = SL_SIDE_LAN,
					       [SL_ROLE_UPLINK] = SL_SIDE_WAN,
					       [SL_ROLE_MIRROR] = SL_SIDE_UNKNOWN};
	const struct sl_policy_port *port = &policy->port[index];
	int uplink = port->role == SL_ROLE_UPLINK ? uplink_of(policy, port->device) : -1;

	if (xdp->gateway && port->role != SL_ROLE_LAN && !xdp->handover)
		return;
	add_port(xdp, port->name, port->device, (uint8_t)index, ingress[port->role], uplink);
}

/* What @policy wants; entries say nothing yet of how they stand. */
static void plan(struct sl_xdp *xdp, const struct sl_policy *policy)
{
	xdp->placement = policy->placement;
	xdp->gateway = policy->placement == SL_PLACEMENT_GATEWAY;
	xdp->ports = 0;
	for (uint32_t i = 0; i < policy->ports; i++)
		plan_port(xdp, policy, i);
	for (uint32_t i = 0; i < policy->uplinks && (!xdp->gateway || xdp->handover); i++)
		if (!has_port(xdp, policy->uplink[i].device))
			add_port(xdp, policy->uplink[i].name, policy->uplink[i].device,
				 (uint8_t)(policy->ports + i), SL_SIDE_WAN, (int)i);
	xdp->uplinks = policy->uplinks;
	memcpy(xdp->uplink, policy->uplink, sizeof(xdp->uplink));
	sl_xdp_reflect_plan(xdp, policy);
}

/* A wire is DPDK's alone: the kernel forwards by routes. */
static int check_placement(const struct sl_xdp *xdp, const struct sl_policy *policy,
			   struct sl_xdp_why why)
{
	if (policy->placement == SL_PLACEMENT_WIRE && !xdp->handover)
		return sl_xdp_fail(why, -EINVAL, "placement wire needs engine kind dpdk");
	return 0;
}

/* Every device of the plan exists; said before anything is touched. */
static int check_devices(const struct sl_xdp *xdp, struct sl_xdp_why why)
{
	if (!xdp->ports)
		return sl_xdp_fail(why, -EINVAL, "the policy has no port to attach to");
	for (uint32_t i = 0; i < xdp->ports; i++)
		if (!if_nametoindex(xdp->port[i].device))
			return sl_xdp_fail(why, -ENODEV, "%s: no device %s", xdp->port[i].name,
					   xdp->port[i].device);
	return 0;
}

static int routes(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	if (!xdp->gateway)
		return 0;
	return sl_route_apply(xdp->uplink, xdp->uplinks, xdp->mark_base, why.text, why.size);
}

/* Attach what is not; *@again counts them.  The first failure is the answer, the rest is done. */
static int attach_ports(struct sl_xdp *xdp, struct sl_xdp_why why, int *again)
{
	int first = 0;

	for (uint32_t i = 0; i < xdp->ports; i++) {
		struct sl_xdp_port *port = &xdp->port[i];
		char text[SL_TEXT_MAX];
		int err;

		if (sl_xdp_attached(xdp, port) && port->line[0])
			continue;
		err = sl_xdp_attach(xdp, port, (struct sl_xdp_why){text, sizeof(text)});
		*again += !err;
		if (err && !first)
			first = sl_xdp_fail(why, err, "%s", text);
	}
	return first;
}

static int place(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	int again = 0, err, route_err;
	char text[SL_TEXT_MAX];

	sl_xdp_reflect_drop(xdp->pin_dir, xdp);
	err = attach_ports(xdp, why, &again);
	sl_xdp_attach_drop(xdp->pin_dir, xdp);
	route_err = routes(xdp, (struct sl_xdp_why){text, sizeof(text)});
	return err || !route_err ? err : sl_xdp_fail(why, route_err, "%s", text);
}

int sl_xdp_place(struct sl_engine *engine, const struct sl_policy *policy, char *why,
		 size_t why_size)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	struct sl_xdp_why reason = {why, why_size};
	bool was_gateway = xdp->gateway;
	int err = check_placement(xdp, policy, reason);

	if (err)
		return err;
	plan(xdp, policy); /* attaching again replaces in place */
	err = place(xdp, reason);
	if (was_gateway && !xdp->gateway)
		sl_route_remove(why, why_size);
	return err;
}

int sl_xdp_reattach(struct sl_engine *engine, char *why, size_t why_size)
{
	struct sl_xdp *xdp = (struct sl_xdp *)engine;
	struct sl_xdp_why reason = {why, why_size};
	char text[SL_TEXT_MAX];
	int again = 0, err = attach_ports(xdp, reason, &again);
	int route_err = routes(xdp, (struct sl_xdp_why){text, sizeof(text)});

	sl_xdp_reflect_look(xdp);
	if (!err && route_err)
		err = sl_xdp_fail(reason, route_err, "%s", text);
	return err ? err : again;
}

/* ---- open ---- */

static int visit_link(void *arg, const char *path, const char *kind, const char *name)
{
	return strcmp(kind, "map") != 0;
}

/* First attachment, or a take-over of what a former process left. */
static int open_live(struct sl_xdp *xdp, const struct sl_xdp_config *config, struct sl_xdp_why why)
{
	bool take_over = sl_xdp_pin_each(xdp->pin_dir, visit_link, NULL) == 1;
	char text[SL_TEXT_MAX];
	int again = 0, err;

	sl_xdp_reflect_drop(xdp->pin_dir, xdp);
	err = attach_ports(xdp, why, &again);
	if (err && !take_over) {
		sl_xdp_detach(xdp->pin_dir, text, sizeof(text));
		return err;
	}
	if (err)
		return err;
	sl_xdp_attach_drop(xdp->pin_dir, xdp);
	/* An uplink that is away must not keep the box from measuring: the tick tries again. */
	if (routes(xdp, (struct sl_xdp_why){text, sizeof(text)}))
		sl_xdp_say(xdp, "%s", text);
	return 0;
}

/* Replay: what runs is "received" by the loopback device of this namespace. */
static int open_replay(struct sl_xdp *xdp, struct sl_xdp_why why)
{
	int cpu = sched_getcpu();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return sl_xdp_fail(why, -errno, "stay on CPU %d: %s", cpu, strerror(errno));
	xdp->ports = 0;
	xdp->gateway = false;
	add_port(xdp, "replay", "lo", 0, SL_SIDE_UNKNOWN, -1);
	xdp->port[0].entry.ifindex = if_nametoindex("lo");
	snprintf(xdp->port[0].line, sizeof(xdp->port[0].line), "replay lo tap test-run");
	return sl_xdp_ports_write(xdp, why);
}

static void fill(struct sl_xdp *xdp, const struct sl_xdp_config *config)
{
	xdp->engine.ops = &ops;
	xdp->replay = config->replay;
	xdp->handover = config->handover && !config->replay;
	xdp->object_fd = -1;
	xdp->force_generic = config->force_generic;
	xdp->no_tcx = config->no_tcx;
	xdp->say = config->say;
	xdp->say_arg = config->say_arg;
	snprintf(xdp->pin_dir, sizeof(xdp->pin_dir), "%s",
		 config->pin_dir ? config->pin_dir : SL_XDP_PIN_DIR);
	if (!config->replay)
		plan(xdp, config->policy);
}

static int open_steps(struct sl_xdp *xdp, const struct sl_xdp_config *config, struct sl_xdp_why why)
{
	uint32_t flows = config->flows ? config->flows : SL_XDP_FLOWS;
	int err = 0;

	if (flows > SL_XDP_FLOWS_MAX)
		return sl_xdp_fail(why, -EINVAL, "%u flows: at most %u", flows, SL_XDP_FLOWS_MAX);
	if (!config->replay && (err = check_placement(xdp, config->policy, why)))
		return err;
	if (!config->replay && (err = check_devices(xdp, why)))
		return err;
	if (!config->replay && (err = sl_xdp_pin_dir(xdp->pin_dir, why)))
		return err;
	err = sl_xdp_load(xdp, flows, config->verbose, why);
	if (err)
		return err;
	err = sl_xdp_tables_apply(&xdp->engine, config->tables);
	if (err)
		return sl_xdp_fail(why, err, "write the first tables: %s", strerror(-err));
	return config->replay ? open_replay(xdp, why) : open_live(xdp, config, why);
}

int sl_xdp_open(const struct sl_xdp_config *config, struct sl_engine **engine, char *why,
		size_t why_size)
{
	struct sl_xdp *xdp = calloc(1, sizeof(*xdp));
	int err;

	if (!xdp)
		return -ENOMEM;
	fill(xdp, config);
	err = open_steps(xdp, config, (struct sl_xdp_why){why, why_size});
	if (err) {
		xdp_close(&xdp->engine, false);
		return err;
	}
	*engine = &xdp->engine;
	return 0;
}

uint32_t sl_xdp_capacity(const struct sl_engine *engine)
{
	return ((const struct sl_xdp *)engine)->buckets * SL_BUCKET_WAYS;
}

int sl_xdp_detach(const char *pin_dir, char *why, size_t why_size)
{
	const char *dir = pin_dir ? pin_dir : SL_XDP_PIN_DIR;
	int dropped = sl_xdp_attach_drop(dir, NULL) + sl_xdp_reflect_drop(dir, NULL);
	int err = sl_route_remove(why, why_size);

	sl_xdp_pin_remove(dir);
	return err ? err : dropped;
}
