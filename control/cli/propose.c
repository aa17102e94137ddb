/*
 * propose.c - which unclaimed traffic belongs together, and by what it is known
 *
 * Two names belong together when they are below one domain that one owner has: its last two labels,
 * or three where the last two are a country's (co.uk) or a hosting firm's, whose
 * customers have nothing in common.  That is a rule of thumb, and a person reads the outcome.
 */
#include "propose.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/policy_units.h"

/* Domains below which each name is another customer's. */
static const char *const shared[] = {
	"akamaiedge.net",    "akamaized.net",         "amazonaws.com",  "azureedge.net",
	"azurewebsites.net", "cloudapp.net",          "cloudfront.net", "fastly.net",
	"github.io",         "googleusercontent.com", "herokuapp.com",  "windows.net",
};

/* Applications that say how traffic is packed, not what it is. */
static const char *const generic[] = {
	"DNS", "DTLS", "HTTP", "HTTP_Proxy", "HTTP2", "QUIC", "SSL", "TCP", "TLS", "UDP", "Unknown",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(text, list[i]))
			return true;
	return false;
}

/* The last @labels labels of @name; all of it when there are not so many. */
static const char *last_labels(const char *name, unsigned int labels)
{
	const char *at = name + strlen(name);

	while (at > name) {
		if (at[-1] == '.' && --labels == 0)
			break;
		at--;
	}
	return at;
}

static const char *domain_of(const char *name)
{
	const char *two = last_labels(name, 2), *dot = strchr(two, '.');
	bool country = dot && strlen(dot + 1) == 2 && dot - two <= 3;

	return country || is_one_of(two, shared, COUNT(shared)) ? last_labels(name, 3) : two;
}

/* The part of "TLS.Netflix" that says what it is; "" = none does, or a policy could not say it. */
static const char *app_of(const struct sl_unclaimed_entry *entry)
{
	const char *dot = strrchr(entry->app, '.'), *app = dot ? dot + 1 : entry->app;

	return sl_policy_is_app(app) && !is_one_of(app, generic, COUNT(generic)) ? app : "";
}

static bool has_name(const struct sl_unclaimed_entry *entry)
{
	return entry->name[0] != '*' && sl_policy_is_host_pattern(entry->name);
}

/* The net that @address is in, as "203.0.113.0/24" or "2001:db8::/64"; false: it is no address. */
static bool net_of(const char *address, char *net, size_t size)
{
	uint8_t bytes[16];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET, address, bytes) == 1) {
		bytes[3] = 0;
		inet_ntop(AF_INET, bytes, text, sizeof(text));
		snprintf(net, size, "%s/24", text);
		return true;
	}
	if (inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	memset(bytes + 8, 0, 8);
	inet_ntop(AF_INET6, bytes, text, sizeof(text));
	snprintf(net, size, "%s/64", text);
	return true;
}

/* What a kind of traffic has in common with those of its group; "" = a policy cannot say it. */
static void key_of(const struct sl_unclaimed_entry *entry, char *key, size_t size)
{
	char net[64];

	key[0] = 0;
	if (has_name(entry))
		snprintf(key, size, "name %s", domain_of(entry->name));
	else if (app_of(entry)[0])
		snprintf(key, size, "app %s", app_of(entry));
	else if (net_of(entry->address, net, sizeof(net)))
		snprintf(key, size, "net %s %s/%u", net, entry->proto, entry->port);
}

/* ---- one group ---- */

static void add_l4(struct sl_proposal *p, const struct sl_unclaimed_entry *entry, bool *all)
{
	const struct sl_protocol *protocol = sl_units_protocol(entry->proto, strlen(entry->proto));
	char l4[24];

	if (!protocol || (protocol->has_ports && (!entry->port || entry->port > UINT16_MAX))) {
		*all = false;
		return;
	}
	if (protocol->has_ports)
		snprintf(l4, sizeof(l4), "%s/%u", protocol->name, entry->port);
	else
		snprintf(l4, sizeof(l4), "%s", protocol->name);
	for (uint32_t i = 0; i < p->l4s; i++)
		if (!strcmp(p->l4[i], l4))
			return;
	if (p->l4s < SL_POLICY_LIST_MAX)
		strcpy(p->l4[p->l4s++], l4);
	else
		*all = false;
}

/* Ports are said when all of them can be. */
static void set_l4s(struct sl_proposal *p, const struct sl_unclaimed_report *report)
{
	bool all = true;

	for (uint32_t i = 0; i < p->kinds; i++)
		add_l4(p, &report->entry[p->kind[i]], &all);
	if (!all)
		p->l4s = 0;
}

/* The end of @a, by whole labels, that @b has too; @a and @b are below one domain. */
static const char *common_end(const char *a, const char *b)
{
	const char *common = a + strlen(a);

	for (unsigned int labels = 1;; labels++) {
		const char *end = last_labels(a, labels);

		if (strcasecmp(end, last_labels(b, labels)) != 0)
			return common;
		common = end;
		if (end == a)
			return common;
	}
}

/* One name is said as it is; several by what they are below, and that itself when it was seen. */
static void set_names(struct sl_proposal *p, const struct sl_unclaimed_report *report)
{
	const char *first = report->entry[p->kind[0]].name, *common = first;
	bool several = false, bare = false;

	for (uint32_t i = 1; i < p->kinds; i++) {
		const char *name = report->entry[p->kind[i]].name;

		several |= strcasecmp(name, first) != 0;
		common = common_end(common, name);
	}
	for (uint32_t i = 0; i < p->kinds; i++)
		bare |= !strcasecmp(report->entry[p->kind[i]].name, common);
	if (several && strlen(common) + 2 < sizeof(p->name[0]))
		snprintf(p->name[p->names++], sizeof(p->name[0]), "*.%.125s", common);
	if (!several || bare)
		snprintf(p->name[p->names++], sizeof(p->name[0]), "%.127s", common);
}

static void set_dst(struct sl_proposal *p, const struct sl_unclaimed_report *report)
{
	const char *first = report->entry[p->kind[0]].address;

	snprintf(p->dst, sizeof(p->dst), "%s", first);
	for (uint32_t i = 1; i < p->kinds; i++)
		if (strcmp(report->entry[p->kind[i]].address, first) != 0)
			net_of(first, p->dst, sizeof(p->dst));
}

/* Letters, digits, '-' and '_' of @text up to its end or to '/'; begins with a letter or a digit. */
static void make_name(char *name, const char *text)
{
	size_t used = 0;

	for (; *text && *text != '/' && used < SL_NAME_MAX - 4; text++) {
		char c = (char)tolower((unsigned char)*text);

		if (!isalnum((unsigned char)c) && c != '-' && c != '_')
			c = '-';
		if (used || isalnum((unsigned char)c))
			name[used++] = c;
	}
	while (used && !isalnum((unsigned char)name[used - 1]))
		used--;
	name[used] = 0;
	if (!used)
		strcpy(name, "service");
}

static bool is_taken(const struct sl_proposals *out, const struct sl_policy *policy,
		     const char *name)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (!strcmp(out->proposal[i].service, name))
			return true;
	return sl_policy_service_index(policy, name) >= 0;
}

static void set_service(struct sl_proposal *p, const struct sl_unclaimed_report *report,
			const struct sl_proposals *out, const struct sl_policy *policy)
{
	char text[SL_HOST_MAX], name[SL_NAME_MAX];

	if (p->names)
		snprintf(text, sizeof(text), "%.*s",
			 (int)strcspn(domain_of(report->entry[p->kind[0]].name), "."),
			 domain_of(report->entry[p->kind[0]].name));
	else if (p->app[0])
		snprintf(text, sizeof(text), "%s", p->app);
	else
		snprintf(text, sizeof(text), "%s-%s", strchr(p->dst, '/') ? "net" : "host", p->dst);
	make_name(name, text);
	strcpy(p->service, name);
	for (unsigned int i = 2; is_taken(out, policy, p->service); i++)
		snprintf(p->service, sizeof(p->service), "%.*s-%u", SL_NAME_MAX - 5, name, i);
}

/* ---- all groups ---- */

struct group {
	char key[SL_HOST_MAX + 16];
	struct sl_proposal proposal;
};

struct groups {
	uint32_t count;
	struct group group[SL_WIRE_KINDS_MAX];
};

static void add_kind(struct groups *groups, const struct sl_unclaimed_report *report, uint32_t i)
{
	const struct sl_unclaimed_entry *entry = &report->entry[i];
	struct group *group = groups->group;
	char key[sizeof(group->key)];

	key_of(entry, key, sizeof(key));
	if (!key[0])
		return;
	while (group < groups->group + groups->count && strcasecmp(group->key, key) != 0)
		group++;
	if (group == groups->group + groups->count) {
		groups->count++;
		strcpy(group->key, key);
	}
	group->proposal.kind[group->proposal.kinds++] = (uint8_t)i;
	group->proposal.flows += entry->flows;
	group->proposal.first_bytes += entry->first_bytes;
	if (entry->last_unix_ns > group->proposal.last_unix_ns)
		group->proposal.last_unix_ns = entry->last_unix_ns;
}

static int by_flows(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->proposal.flows != b->proposal.flows)
		return a->proposal.flows > b->proposal.flows ? -1 : 1;
	return strcmp(a->key, b->key);
}

static void add_proposal(struct sl_proposals *out, const struct group *group,
			 const struct sl_unclaimed_report *report, const struct sl_policy *policy)
{
	struct sl_proposal p = group->proposal;
	const struct sl_unclaimed_entry *first = &report->entry[p.kind[0]];

	if (has_name(first))
		set_names(&p, report);
	else if (app_of(first)[0])
		snprintf(p.app, sizeof(p.app), "%s", app_of(first));
	else
		set_dst(&p, report);
	if (!p.app[0])
		set_l4s(&p, report);
	set_service(&p, report, out, policy);
	out->proposal[out->count++] = p;
}

/* Those that are worth a service while the policy has room for one. */
static void choose(struct sl_proposals *out, const struct groups *groups,
		   const struct sl_unclaimed_report *report, const struct sl_policy *policy)
{
	uint32_t room = SL_WIRE_SERVICES_MAX - 1 - policy->services;

	for (uint32_t i = 0; i < groups->count; i++) {
		uint64_t flows = groups->group[i].proposal.flows;

		if (flows < out->flows / SL_PROPOSE_LEAST) {
			out->rare++;
			out->rare_flows += flows;
		} else if (out->count == room) {
			out->beyond++;
			out->beyond_flows += flows;
		} else {
			add_proposal(out, &groups->group[i], report, policy);
		}
	}
}

int sl_propose(const struct sl_unclaimed_report *report, const struct sl_policy *policy,
	       struct sl_proposals *out)
{
	struct groups *groups = calloc(1, sizeof(*groups));

	*out = (struct sl_proposals){.count = 0};
	if (!groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < report->entries; i++) {
		if (sl_propose_is_claimed(&report->entry[i], policy)) {
			out->claimed++;
			continue;
		}
		out->kinds++;
		out->flows += report->entry[i].flows;
		add_kind(groups, report, i);
	}
	qsort(groups->group, groups->count, sizeof(groups->group[0]), by_flows);
	choose(out, groups, report, policy);
	free(groups);
	return 0;
}
