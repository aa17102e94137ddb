/*
 * policy_sections.c - the sections of a policy: one key table each
 *
 * To add a key: a member in policy.h, a row here, a leaf in policy_list.c, a row
 * in the tests.  Sections are read in the order of sl_policy_keys, whatever their
 * order in the file, so that a service can name its uplinks, and what the name of a
 * device may be is known from the engine.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "policy_units.h"
#include "policy_yaml.h"

#define KBIT     UINT64_C(1000)
#define RATE_MAX (UINT64_C(10000) * 1000 * 1000 * 1000) /* 10 tbit/s: more is a typo */
#define SECOND   UINT64_C(1000000000)

#define AT(of, member) .offset = offsetof(struct of, member)

static const char *const mode_words[] = {"observe", "shadow", "enforce", NULL};
static const char *const placement_words[] = {"tap", "gateway", "wire", NULL};
static const char *const role_words[] = {"lan", "uplink", "mirror", NULL};
static const char *const bool_words[] = {"false", "true", NULL};
static const char *const kind_words[] = {"other", "fibre", "cable", "dsl",
					 "lte",   "leo",   "geo",   NULL};
static const char *const dscp_words[] = {"bleached", "honoured", NULL};
static const char *const revert_words[] = {"advise", "auto", NULL};
static const char *const priority_words[] = {"background", "normal", "high", "critical", NULL};

const char *sl_policy_kind_word(enum sl_uplink_kind kind)
{
	return kind < SL_UPLINK_KINDS ? kind_words[kind] : "?";
}

static bool device_ok(struct sl_reader *reader, const yaml_node_t *node, const char *text)
{
	const struct sl_policy_engine *engine = &reader->policy->engine;
	bool eal = engine->kind == SL_ENGINE_DPDK && engine->driver == SL_DRIVER_EAL;
	const char *also = eal ? "-_.:" : "-_.";
	size_t length = text ? strlen(text) : 0, most = (eal ? SL_DEVICE_MAX : IFNAMSIZ) - 1;
	bool sound = length && length <= most && isalnum((unsigned char)text[0]);

	for (const char *p = text; sound && *p; p++)
		sound = isalnum((unsigned char)*p) || strchr(also, *p);
	if (text && !sound)
		sl_reader_wrong(reader, node,
				"\"%.40s\" is no %s device: letters, digits, "
				"- _ %s, at most %zu",
				text, eal ? "EAL" : "network", eal ? ". and :" : "and .", most);
	return sound;
}

static void read_port_device(struct sl_reader *reader, const yaml_node_t *node,
			     const struct sl_reader_key *key, void *to)
{
	const struct sl_policy *policy = reader->policy;
	const char *text = sl_reader_text(reader, node);

	if (!device_ok(reader, node, text))
		return;
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (!strcmp(policy->port[i].device, text))
			return sl_reader_wrong(reader, node, "%s is already the device of port %s",
					       text, policy->port[i].name);
	}
	strcpy(to, text);
}

/* An uplink may lie on a port of role uplink; no other sharing makes sense. */
static void read_uplink_device(struct sl_reader *reader, const yaml_node_t *node,
			       const struct sl_reader_key *key, void *to)
{
	const struct sl_policy *policy = reader->policy;
	const char *text = sl_reader_text(reader, node);

	if (!device_ok(reader, node, text))
		return;
	for (uint32_t i = 0; i < policy->uplinks; i++) {
		if (!strcmp(policy->uplink[i].device, text))
			return sl_reader_wrong(reader, node,
					       "%s is already the device of uplink %s", text,
					       policy->uplink[i].name);
	}
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (policy->port[i].role == SL_ROLE_LAN && !strcmp(policy->port[i].device, text))
			return sl_reader_wrong(reader, node,
					       "%s is the device of port %s, whose role is lan",
					       text, policy->port[i].name);
	}
	strcpy(to, text);
}

static void read_site(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	const char *text = sl_reader_text(reader, node);

	if (!text)
		return;
	if (!sl_reader_is_name(text, "-_."))
		return sl_reader_wrong(reader, node,
				       "\"%.40s\" is no name: letters, digits, - _ "
				       "and ., at most 31",
				       text);
	strcpy(to, text);
}

static void read_mode(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	reader->mode = node;
	sl_reader_word(reader, node, key, to);
}

static void read_placement(struct sl_reader *reader, const yaml_node_t *node,
			   const struct sl_reader_key *key, void *to)
{
	reader->placement = node;
	sl_reader_word(reader, node, key, to);
}

static void read_port(struct sl_reader *reader, const char *name, const yaml_node_t *node)
{
	static const struct sl_reader_key keys[] = {
		{"device", read_port_device, AT(sl_policy_port, device), .required = true},
		{"role", sl_reader_word, AT(sl_policy_port, role), .required = true,
		 .units = role_words},
		{"pair", sl_policy_read_pair},
		{NULL},
	};
	struct sl_policy_port *port = &reader->policy->port[reader->policy->ports];

	strcpy(port->name, name);
	sl_reader_map(reader, node, keys, port);
	reader->port[reader->policy->ports++] = node;
}

static void read_ports(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_reader_key *key, void *to)
{
	sl_reader_names(reader, node, SL_POLICY_PORTS_MAX, read_port);
	sl_policy_pair_ports(reader);
	if (!reader->mistakes && !reader->policy->ports)
		sl_reader_wrong(reader, node, "has no port");
}

/* key->min is the address family. */
static void read_gateway(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	const char *text = sl_reader_text(reader, node);
	uint8_t address[16];

	if (!text)
		return;
	if (inet_pton((int)key->min, text, address) != 1)
		return sl_reader_wrong(reader, node, "\"%.40s\" is not an IPv%d address", text,
				       key->min == AF_INET ? 4 : 6);
	inet_ntop((int)key->min, address, to, sizeof(((struct sl_policy_uplink *)0)->gateway));
}

static void read_metered(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"monthly", sl_reader_number, AT(sl_policy_uplink, monthly_bytes), .required = true,
		 .min = 1000000, .max = UINT64_C(1000000000000000), .units = sl_units_bytes},
		{NULL},
	};
	struct sl_policy_uplink *link = to;
	const struct sl_reader_key word = {.units = bool_words};
	uint32_t yes = 1;

	if (node->type == YAML_MAPPING_NODE)
		sl_reader_map(reader, node, keys, link);
	else
		sl_reader_word(reader, node, &word, &yes);
	link->metered = yes;
}

static void read_uplink(struct sl_reader *reader, const char *name, const yaml_node_t *node)
{
	static const struct sl_reader_key keys[] = {
		{"device", read_uplink_device, AT(sl_policy_uplink, device), .required = true},
		{"gateway", read_gateway, AT(sl_policy_uplink, gateway), .min = AF_INET},
		{"gateway6", read_gateway, AT(sl_policy_uplink, gateway6), .min = AF_INET6},
		{"capacity", sl_reader_number, AT(sl_policy_uplink, capacity_bps), .min = 64 * KBIT,
		 .max = RATE_MAX, .units = sl_units_rate},
		{"metered", read_metered},
		{"kind", sl_reader_word, AT(sl_policy_uplink, kind), .units = kind_words},
		{"mtu", sl_reader_number32, AT(sl_policy_uplink, mtu), .min = 576, .max = 9216},
		{"dscp", sl_reader_word, AT(sl_policy_uplink, dscp), .units = dscp_words},
		{"stamp", sl_policy_read_stamp},
		{NULL},
	};
	struct sl_policy_uplink *link = &reader->policy->uplink[reader->policy->uplinks];

	strcpy(link->name, name);
	sl_reader_map(reader, node, keys, link);
	reader->uplink[reader->policy->uplinks++] = node;
}

static void read_uplinks(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	sl_reader_names(reader, node, SL_WIRE_UPLINKS_MAX, read_uplink);
}

/* key->max is the quantile in ppm. */
static void read_latency(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	const struct sl_reader_key range = {.min = 1000,
					    .max = 60 * SECOND,
					    .units = sl_units_time};
	struct sl_policy_slo *slo = to;

	if (slo->latency_quantile_ppm)
		return sl_reader_wrong(reader, node, "a service has one latency quantile only");
	slo->latency_quantile_ppm = (uint32_t)key->max;
	sl_reader_number(reader, node, &range, &slo->latency_ns);
}

static void read_slo(struct sl_reader *reader, const yaml_node_t *node,
		     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"latency_p50", read_latency, .max = 500000},
		{"latency_p90", read_latency, .max = 900000},
		{"latency_p95", read_latency, .max = 950000},
		{"latency_p99", read_latency, .max = 990000},
		{"loss", sl_reader_number32, AT(sl_policy_slo, loss_ppm), .max = 1000000,
		 .units = sl_units_share},
		{"failures", sl_reader_number32, AT(sl_policy_slo, failures_ppm), .max = 1000000,
		 .units = sl_units_share},
		{"window", sl_reader_time_ms, AT(sl_policy_slo, window_ms), .min = 100,
		 .max = 60000},
		{NULL},
	};
	struct sl_policy_service *service = to;
	struct sl_policy_slo *slo = &service->slo;
	uint32_t before = reader->mistakes;

	service->has_slo = true;
	sl_reader_map(reader, node, keys, slo);
	if (reader->mistakes == before && !slo->latency_ns && slo->loss_ppm == UINT32_MAX &&
	    slo->failures_ppm == UINT32_MAX)
		sl_reader_wrong(reader, node,
				"promises nothing: a latency_pNN, loss or failures "
				"is needed");
}

/* Index of the uplink that @node names, with its name in *@text; -1, and told, when there is none. */
static int read_uplink_name(struct sl_reader *reader, const yaml_node_t *node, const char **text)
{
	int index;

	*text = sl_reader_text(reader, node);
	if (!*text)
		return -1;
	index = sl_policy_uplink_index(reader->policy, *text);
	if (index < 0)
		sl_reader_wrong(reader, node, "there is no uplink \"%.40s\"", *text);
	return index;
}

static void read_preference(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_service *service = to;
	const char *text;
	int index = read_uplink_name(reader, node, &text);

	if (index < 0)
		return;
	for (uint32_t i = 0; i < service->uplinks; i++) {
		if (service->uplink[i] == index)
			return sl_reader_wrong(reader, node, "%s is said twice", text);
	}
	service->uplink[service->uplinks++] = (uint8_t)index;
}

static void read_preferences(struct sl_reader *reader, const yaml_node_t *node,
			     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_WIRE_UPLINKS_MAX, true, read_preference};

	sl_reader_list(reader, node, &list, to);
}

static void read_pin(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_service *service = to;
	const char *text;
	int index = read_uplink_name(reader, node, &text);

	if (index < 0)
		return;
	if (service->pinned & 1u << index)
		return sl_reader_wrong(reader, node, "%s is said twice", text);
	service->pinned = (uint8_t)(service->pinned | 1u << index);
}

static void read_pins(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_WIRE_UPLINKS_MAX, true, read_pin};

	sl_reader_list(reader, node, &list, to);
}

static void read_reset(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_reader_key *key, void *to)
{
	const struct sl_reader_key word = {.units = bool_words};
	uint32_t yes = 0;

	sl_reader_word(reader, node, &word, &yes);
	*(bool *)to = yes;
}

static void read_priority(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	uint32_t priority = 0;

	sl_reader_word(reader, node, key, &priority);
	*(uint8_t *)to = (uint8_t)priority;
}

static void read_throttle(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"floor", sl_reader_number, AT(sl_policy_service, throttle_floor_bps),
		 .required = true, .min = 64 * KBIT, .max = RATE_MAX, .units = sl_units_rate},
		{NULL},
	};

	((struct sl_policy_service *)to)->may_throttle = true;
	sl_reader_map(reader, node, keys, to);
}

static void read_remark_dscp(struct sl_reader *reader, const yaml_node_t *node,
			     const struct sl_reader_key *key, void *to)
{
	const char *text = sl_reader_text(reader, node);

	if (text && !sl_units_read_dscp(text, to))
		sl_reader_wrong(reader, node, "\"%.40s\" is no DSCP: 0 to 63, EF, AF41, CS1 ...",
				text);
}

static void read_remark(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"dscp", read_remark_dscp, AT(sl_policy_service, remark_dscp), .required = true},
		{NULL},
	};

	((struct sl_policy_service *)to)->has_remark = true;
	sl_reader_map(reader, node, keys, to);
}

static void read_flow_share(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to)
{
	uint32_t share = 0;

	sl_reader_number32(reader, node, key, &share);
	reader->flow_share_ppm += share;
	if (reader->flow_share_ppm > 1000000)
		sl_reader_wrong(reader, node, "the flow shares add up to more than 100%%");
	*(uint32_t *)to = share;
}

static void read_service(struct sl_reader *reader, const char *name, const yaml_node_t *node)
{
	static const struct sl_reader_key keys[] = {
		{"match", sl_policy_read_match, .required = true},
		{"slo", read_slo},
		{"uplinks", read_preferences},
		{"pinned", read_pins},
		{"reset", read_reset, AT(sl_policy_service, reset)},
		{"priority", read_priority, AT(sl_policy_service, priority),
		 .units = priority_words},
		{"throttle", read_throttle},
		{"remark", read_remark},
		{"flow_share", read_flow_share, AT(sl_policy_service, flow_share_ppm), .min = 1,
		 .max = 1000000, .units = sl_units_share},
		{NULL},
	};
	struct sl_policy *policy = reader->policy;
	struct sl_policy_service *service = &policy->service[policy->services];

	if (!strcmp(name, "other"))
		return sl_reader_wrong(reader, node, "is the name for what no service matches");
	*service = (struct sl_policy_service){
		.first_match = policy->matches,
		.priority = 1,
		.slo = {.loss_ppm = UINT32_MAX, .failures_ppm = UINT32_MAX, .window_ms = 1000},
	};
	strcpy(service->name, name);
	sl_reader_map(reader, node, keys, service);
	reader->service[policy->services++] = node;
}

static void read_services(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	sl_reader_names(reader, node, SL_WIRE_SERVICES_MAX - 1, read_service);
}

static void read_guardrails(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"actions_per_minute", sl_reader_number32,
		 AT(sl_policy_guardrails, actions_per_minute), .max = 600},
		{"moves_per_hour", sl_reader_number32, AT(sl_policy_guardrails, moves_per_hour),
		 .min = 2, .max = SL_POLICY_MOVES_MAX},
		{"hold_down", sl_reader_time_ms, AT(sl_policy_guardrails, hold_down_ms),
		 .max = 3600000},
		{"revert", sl_reader_word, AT(sl_policy_guardrails, revert), .units = revert_words},
		{NULL},
	};

	sl_reader_map(reader, node, keys, to);
}

const struct sl_reader_key sl_policy_keys[] = {
	{"site", read_site, AT(sl_policy, site), .required = true},
	{"version", sl_reader_number, AT(sl_policy, version), .min = 1, .max = INT64_MAX},
	{"mode", read_mode, AT(sl_policy, mode), .units = mode_words},
	{"placement", read_placement, AT(sl_policy, placement), .units = placement_words},
	{"engine", sl_policy_read_engine, AT(sl_policy, engine)},
	{"tunnels", sl_policy_read_tunnels},
	{"names", sl_policy_read_names},
	{"ports", read_ports, .required = true},
	{"uplinks", read_uplinks},
	{"services", read_services},
	{"guardrails", read_guardrails, AT(sl_policy, guardrails)},
	{"probes", sl_policy_read_probes, AT(sl_policy, probes)},
	{"reflector", sl_policy_read_reflector, AT(sl_policy, reflector)},
	{"recorder", sl_policy_read_recorder, AT(sl_policy, recorder)},
	{"history", sl_policy_read_history, AT(sl_policy, history)},
	{NULL},
};
