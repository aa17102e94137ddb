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

void sl_policy_check(struct sl_reader *reader)
{
	struct sl_policy *policy = reader->policy;
	bool can_steer = has_lan(policy) && policy->uplinks;

	if (!reader->placement)
		policy->placement = can_steer ? SL_PLACEMENT_GATEWAY : SL_PLACEMENT_TAP;
	else if (policy->placement == SL_PLACEMENT_GATEWAY && !can_steer)
		wrong_under(reader, "placement", reader->placement,
			    "gateway needs a port of role lan and an uplink");
	if (policy->placement == SL_PLACEMENT_GATEWAY)
		check_services(reader);
	else if (policy->mode == SL_MODE_ENFORCE)
		wrong_under(reader, "mode", reader->mode,
			    "a tap cannot enforce: that needs a port of role lan, an uplink, and "
			    "placement gateway");
}
