/*
 * policy_match.c - the `match:` of a service
 *
 * Every clause of an element must hold; a list inside a clause is alternatives;
 * the elements are alternatives too.  Names (name:, app:) are policy_names.c.
 */
#include <arpa/inet.h>
#include <string.h>

#include "policy_units.h"
#include "policy_yaml.h"

static void read_vlan(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	const struct sl_reader_key range = {.min = 0, .max = 4094};
	struct sl_policy_match *match = to;
	uint32_t vlan = 0;

	sl_reader_number32(reader, node, &range, &vlan);
	match->vlan = (uint16_t)vlan;
	match->has_vlan = true;
}

static void read_dscp(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	const char *text = sl_reader_text(reader, node);
	struct sl_policy_match *match = to;

	match->has_dscp = true;
	if (text && !sl_units_read_dscp(text, &match->dscp))
		sl_reader_wrong(reader, node, "\"%.40s\" is no DSCP: 0 to 63, EF, AF41, CS1 ...",
				text);
}

static void read_in(struct sl_reader *reader, const yaml_node_t *node,
		    const struct sl_reader_key *key, void *to)
{
	const char *text = sl_reader_text(reader, node);
	const struct sl_policy *policy = reader->policy;
	struct sl_policy_match *match = to;

	match->has_in = true;
	for (uint32_t i = 0; text && i < policy->ports; i++) {
		if (!strcmp(policy->port[i].name, text)) {
			match->in_port = (uint8_t)i;
			return;
		}
	}
	if (text)
		sl_reader_wrong(reader, node, "there is no port \"%.40s\"", text);
}

/* The address before the slash, as 16 bytes; 32, 128, or 0 when it is none. */
static uint32_t read_address(const char *text, size_t length, uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char alone[INET6_ADDRSTRLEN];

	if (length >= sizeof(alone))
		return 0;
	memcpy(alone, text, length);
	alone[length] = 0;
	memcpy(address, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, alone, address + sizeof(mapped)) == 1)
		return 32;
	return inet_pton(AF_INET6, alone, address) == 1 ? 128 : 0;
}

static bool has_host_bits(const struct sl_policy_prefix *prefix)
{
	for (uint32_t bit = prefix->bits; bit < 128; bit++) {
		if (prefix->address[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}

void sl_policy_add_prefix(struct sl_reader *reader, const yaml_node_t *node,
			  struct sl_policy_prefix *list, uint32_t *count)
{
	const char *text = sl_reader_text(reader, node);
	const char *slash = text ? strchr(text, '/') : NULL;
	struct sl_policy_prefix prefix = {0};
	uint64_t bits;
	uint32_t width;

	if (!text)
		return;
	width = read_address(text, slash ? (size_t)(slash - text) : strlen(text), prefix.address);
	bits = width;
	if (!width || (slash && !sl_units_read_whole(slash + 1, &bits)) || bits > width)
		return sl_reader_wrong(reader, node,
				       "\"%.50s\" is no address range such as 10.0.0.0/8", text);
	prefix.bits = (uint8_t)(128 - width + bits);
	if (has_host_bits(&prefix))
		return sl_reader_wrong(reader, node, "%.50s has bits set beyond its length", text);
	for (uint32_t i = 0; i < *count; i++) {
		if (!memcmp(&list[i], &prefix, sizeof(prefix)))
			return sl_reader_wrong(reader, node, "%.50s is said twice", text);
	}
	list[(*count)++] = prefix;
}

static void add_src(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_match *match = to;

	sl_policy_add_prefix(reader, node, match->src, &match->srcs);
}

static void add_dst(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_match *match = to;

	sl_policy_add_prefix(reader, node, match->dst, &match->dsts);
}

/* "443" or "1000-2000". */
static bool read_range(const char *text, struct sl_policy_l4 *l4)
{
	const char *dash = strchr(text, '-');
	uint64_t min, max;
	char first[8];

	if (!dash) {
		if (!sl_units_read_whole(text, &min))
			return false;
		max = min;
	} else {
		if (dash - text >= (long)sizeof(first))
			return false;
		memcpy(first, text, (size_t)(dash - text));
		first[dash - text] = 0;
		if (!sl_units_read_whole(first, &min) || !sl_units_read_whole(dash + 1, &max))
			return false;
	}
	l4->port_min = (uint16_t)min;
	l4->port_max = (uint16_t)max;
	return min && min <= max && max <= UINT16_MAX;
}

static bool read_l4(const char *text, struct sl_policy_l4 *l4)
{
	size_t length = strcspn(text, "/");
	const struct sl_protocol *protocol = sl_units_protocol(text, length);

	if (!protocol)
		return false;
	*l4 = (struct sl_policy_l4){protocol->number, 0, UINT16_MAX};
	return !text[length] || (protocol->has_ports && read_range(text + length + 1, l4));
}

static void add_l4(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	const char *text = sl_reader_text(reader, node);
	struct sl_policy_match *match = to;
	struct sl_policy_l4 l4;

	if (!text)
		return;
	if (!read_l4(text, &l4))
		return sl_reader_wrong(reader, node,
				       "\"%.40s\" is not like tcp/443, udp/1000-2000, tcp or icmp",
				       text);
	for (uint32_t i = 0; i < match->l4s; i++) {
		if (match->l4[i].proto == l4.proto && match->l4[i].port_min == l4.port_min &&
		    match->l4[i].port_max == l4.port_max)
			return sl_reader_wrong(reader, node, "%.40s is said twice", text);
	}
	/* By members: the padding stays zero, and policies are compared as bytes. */
	match->l4[match->l4s].proto = l4.proto;
	match->l4[match->l4s].port_min = l4.port_min;
	match->l4[match->l4s].port_max = l4.port_max;
	match->l4s++;
	match->has_port = true;
}

static void read_src(struct sl_reader *reader, const yaml_node_t *node,
		     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_LIST_MAX, true, add_src};

	sl_reader_list(reader, node, &list, to);
}

static void read_dst(struct sl_reader *reader, const yaml_node_t *node,
		     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_LIST_MAX, true, add_dst};

	sl_reader_list(reader, node, &list, to);
}

static void read_port(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_LIST_MAX, true, add_l4};

	sl_reader_list(reader, node, &list, to);
}

static void read_element(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"vlan", read_vlan},
		{"src", read_src},
		{"dst", read_dst},
		{"port", read_port},
		{"dscp", read_dscp},
		{"in", read_in},
		{"name", sl_policy_read_name, .barred = sl_policy_no_names},
		{"app", sl_policy_read_app, .barred = sl_policy_no_names},
		{NULL},
	};
	struct sl_policy *policy = reader->policy;
	struct sl_policy_service *service = to;
	struct sl_policy_match *match;

	if (policy->matches == SL_POLICY_MATCHES_MAX)
		return sl_reader_wrong(reader, node, "more than %d match elements in all",
				       SL_POLICY_MATCHES_MAX);
	if (node->type == YAML_MAPPING_NODE &&
	    node->data.mapping.pairs.start == node->data.mapping.pairs.top)
		return sl_reader_wrong(reader, node, "an empty element would match everything");
	match = &policy->match[policy->matches++];
	match->line = (uint32_t)node->start_mark.line + 1;
	service->matches++;
	sl_reader_map(reader, node, keys, match);
}

void sl_policy_read_match(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_MATCHES_MAX, false, read_element};

	sl_reader_list(reader, node, &list, to);
}
