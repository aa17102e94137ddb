/*
 * propose_claims.c - what the standing policy claims by now, though it was counted as unclaimed
 *
 * The dataplane counts since its start; a service that was added meanwhile must not be
 * proposed again.  A report knows the server alone: a match that asks for the client (src, vlan,
 * in) or for a DSCP is taken for one that claims nothing.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "propose.h"
#include "proto/policy_units.h"

static bool name_holds(const char *pattern, const char *name)
{
	size_t tail, length = strlen(name);

	if (pattern[0] != '*')
		return strcasecmp(pattern, name) == 0;
	tail = strlen(++pattern);
	return length > tail && strcasecmp(name + length - tail, pattern) == 0;
}

/* As a whole, or as a part between dots. */
static bool app_holds(const char *wanted, const char *app)
{
	size_t size = strlen(wanted);

	if (strcasecmp(wanted, app) == 0)
		return true;
	for (const char *part = app; *part;) {
		size_t length = strcspn(part, ".");

		if (length == size && strncasecmp(part, wanted, length) == 0)
			return true;
		part += length + (part[length] == '.');
	}
	return false;
}

static bool prefix_holds(const struct sl_policy_prefix *prefix, const uint8_t address[16])
{
	for (uint32_t bit = 0; bit < prefix->bits; bit++)
		if ((prefix->address[bit / 8] ^ address[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* As 16 bytes, IPv4 mapped. */
static bool address_of(const char *text, uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memcpy(address, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, address + sizeof(mapped)) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

static bool any_dst(const struct sl_policy_match *match, const char *text)
{
	uint8_t address[16];

	if (!match->dsts)
		return true;
	if (!address_of(text, address))
		return false;
	for (uint32_t i = 0; i < match->dsts; i++)
		if (prefix_holds(&match->dst[i], address))
			return true;
	return false;
}

static bool any_l4(const struct sl_policy_match *match, const struct sl_unclaimed_entry *entry)
{
	const struct sl_protocol *protocol = sl_units_protocol(entry->proto, strlen(entry->proto));

	if (!match->l4s)
		return true;
	for (uint32_t i = 0; protocol && i < match->l4s; i++)
		if (match->l4[i].proto == protocol->number &&
		    entry->port >= match->l4[i].port_min && entry->port <= match->l4[i].port_max)
			return true;
	return false;
}

static bool any_name(const struct sl_policy *policy, const struct sl_policy_match *match,
		     const struct sl_unclaimed_entry *entry)
{
	bool name = !match->names, app = !match->apps;

	for (uint32_t i = 0; i < match->names; i++)
		name |= name_holds(policy->clause[match->name[i]].pattern, entry->name);
	for (uint32_t i = 0; i < match->apps; i++)
		app |= app_holds(policy->clause[match->app[i]].pattern, entry->app);
	return name && app;
}

bool sl_propose_is_claimed(const struct sl_unclaimed_entry *entry, const struct sl_policy *policy)
{
	for (uint32_t i = 0; i < policy->matches; i++) {
		const struct sl_policy_match *match = &policy->match[i];

		if (match->has_vlan || match->has_dscp || match->has_in || match->srcs)
			continue;
		if (any_name(policy, match, entry) && any_dst(match, entry->address) &&
		    any_l4(match, entry))
			return true;
	}
	return false;
}
