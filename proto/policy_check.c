/*
 * policy_check.c - contradictions that only the whole policy shows
 *
 * Called when every section has been read without a mistake.
 */
#include "policy_yaml.h"

static bool has_lan(const struct sl_policy *policy)
{
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (policy->port[i].role == SL_ROLE_LAN)
			return true;
	}
	return false;
}

/* At @node under the one key @name. */
static void wrong_under(struct sl_reader *reader, const char *name, const yaml_node_t *node,
			const char *what)
{
	size_t at = sl_reader_enter(reader, name);

	sl_reader_wrong(reader, node, "%s", what);
	sl_reader_leave(reader, at);
}

static void check_services(struct sl_reader *reader)
{
	const struct sl_policy *policy = reader->policy;

	for (uint32_t i = 0; i < policy->services; i++) {
		size_t at = sl_reader_enter(reader, "services");

		sl_reader_enter(reader, policy->service[i].name);
		if (!policy->service[i].uplinks)
			wrong_under(reader, "uplinks", reader->service[i],
				    "is missing: placement gateway needs to know the way");
		sl_reader_leave(reader, at);
	}
}

/* The kernel knows the next hop of an uplink that says none; DPDK does not. */
static void check_next_hops(struct sl_reader *reader)
{
	const struct sl_policy *policy = reader->policy;

	for (uint32_t i = 0; i < policy->uplinks; i++) {
		size_t at = sl_reader_enter(reader, "uplinks");

		sl_reader_enter(reader, policy->uplink[i].name);
		if (!policy->uplink[i].gateway[0] && !policy->uplink[i].gateway6[0])
			wrong_under(reader, "gateway", reader->uplink[i],
				    "is missing: engine kind dpdk forwards itself and needs the "
				    "next hop, here or as gateway6");
		sl_reader_leave(reader, at);
	}
}

static void wrong_pair(struct sl_reader *reader, uint32_t port, const yaml_node_t *node,
		       const char *what)
{
	size_t at = sl_reader_enter(reader, "ports");

	sl_reader_enter(reader, reader->policy->port[port].name);
	wrong_under(reader, "pair", node, what);
	sl_reader_leave(reader, at);
}

static bool has_pair(const struct sl_policy *policy)
{
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (policy->port[i].pair != SL_PORT_NONE)
			return true;
	}
	return false;
}

static void check_wire(struct sl_reader *reader)
{
	const struct sl_policy *policy = reader->policy;

	if (policy->engine.kind != SL_ENGINE_DPDK)
		return wrong_under(reader, "placement", reader->placement,
				   "wire needs engine kind dpdk");
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (policy->port[i].pair == SL_PORT_NONE)
			wrong_pair(reader, i, reader->port[i],
				   reader->placement
					   ? "is missing: placement wire needs every port in a pair"
					   : "is missing: another port has one, and that makes "
					     "placement wire, where every port is in a pair");
	}
}

static void refuse_pairs(struct sl_reader *reader)
{
	for (uint32_t i = 0; i < reader->policy->ports; i++) {
		if (reader->pair[i])
			wrong_pair(reader, i, reader->pair[i],
				   reader->policy->placement == SL_PLACEMENT_TAP
					   ? "is for placement wire, and tap is said"
					   : "is for placement wire, and gateway is said");
	}
}

static enum sl_placement usual_placement(const struct sl_policy *policy, bool can_steer)
{
	if (has_pair(policy))
		return SL_PLACEMENT_WIRE;
	return can_steer ? SL_PLACEMENT_GATEWAY : SL_PLACEMENT_TAP;
}

static void check_mode(struct sl_reader *reader)
{
	if (reader->policy->mode != SL_MODE_ENFORCE ||
	    reader->policy->placement == SL_PLACEMENT_GATEWAY)
		return;
	wrong_under(reader, "mode", reader->mode,
		    reader->policy->placement == SL_PLACEMENT_TAP
			    ? "a tap cannot enforce: that needs a port of role lan, an uplink, and "
			      "placement gateway"
			    : "a wire cannot choose an uplink: to enforce needs a port of role "
			      "lan, an uplink, and placement gateway");
}

void sl_policy_check(struct sl_reader *reader)
{
	struct sl_policy *policy = reader->policy;
	bool can_steer = has_lan(policy) && policy->uplinks;

	if (!reader->placement)
		policy->placement = usual_placement(policy, can_steer);
	else if (policy->placement == SL_PLACEMENT_GATEWAY && !can_steer)
		wrong_under(reader, "placement", reader->placement,
			    "gateway needs a port of role lan and an uplink");
	if (policy->placement == SL_PLACEMENT_WIRE)
		check_wire(reader);
	else
		refuse_pairs(reader);
	if (policy->placement == SL_PLACEMENT_GATEWAY)
		check_services(reader);
	if (policy->placement == SL_PLACEMENT_GATEWAY && policy->engine.kind == SL_ENGINE_DPDK)
		check_next_hops(reader);
	check_mode(reader);
}
