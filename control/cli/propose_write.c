/*
 * propose_write.c - a proposal as YAML, and why it is proposed
 *
 * Nothing of a report is written that a policy has not been asked for first: names and
 * applications are those that it takes, addresses and ports were read and written again.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "propose.h"
#include "proto/policy_units.h"

#define SEEN_MAX 6 /* kinds that are listed; the rest is a number */

static void write_match(FILE *out, const struct sl_proposal *p)
{
	const char *before = "{";

	for (uint32_t i = 0; i < p->names; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "{name: [", p->name[i]);
	if (p->names) {
		fputs("]", out);
		before = ", ";
	}
	if (p->app[0]) {
		fprintf(out, "%sapp: \"%s\"", before, p->app);
		before = ", ";
	}
	if (p->dst[0]) {
		fprintf(out, "%sdst: \"%s\"", before, p->dst);
		before = ", ";
	}
	for (uint32_t i = 0; i < p->l4s; i++)
		fprintf(out, "%s%s%s", i ? ", " : before, i ? "" : "port: [", p->l4[i]);
	fputs(p->l4s ? "]}" : "}", out);
}

/* The server's address, as we write it; "?" when it is none. */
static const char *address_text(const char *address, char *text)
{
	uint8_t bytes[16];
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, address, bytes) != 1)
		return "?";
	return inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
}

/* One of those that it was seen by, on a line of its own. */
static void write_seen(FILE *out, const struct sl_unclaimed_entry *entry)
{
	const struct sl_protocol *protocol = sl_units_protocol(entry->proto, strlen(entry->proto));
	char text[INET6_ADDRSTRLEN];

	fputs("  #   ", out);
	if (sl_policy_is_host_pattern(entry->name))
		fprintf(out, "%s, ", entry->name);
	fputs(address_text(entry->address, text), out);
	if (protocol && protocol->has_ports)
		fprintf(out, ", %s/%u", protocol->name, entry->port);
	if (sl_policy_is_app(entry->app))
		fprintf(out, ", %s", entry->app);
	fprintf(out, ": %llu flows", (unsigned long long)entry->flows);
	if (entry->flows_over && entry->flows_over <= entry->flows)
		fprintf(out, " at most, %llu at least",
			(unsigned long long)(entry->flows - entry->flows_over));
	fputc('\n', out);
}

static void write_uplinks(FILE *out, const struct sl_policy *policy)
{
	if (policy->placement != SL_PLACEMENT_GATEWAY)
		return;
	for (uint32_t i = 0; i < policy->uplinks; i++)
		fprintf(out, "%s%s", i ? ", " : "    uplinks: [", policy->uplink[i].name);
	fputs("]\n", out);
}

static char *finish(FILE *out, char **text)
{
	if (!fclose(out))
		return *text;
	free(*text);
	return NULL;
}

char *sl_propose_match(const struct sl_proposal *proposal)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_match(out, proposal);
	return finish(out, &text);
}

char *sl_propose_yaml(const struct sl_proposal *proposal, const struct sl_unclaimed_report *report,
		      const struct sl_policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "  # %llu flows, %llu bytes in their first packets:\n",
		(unsigned long long)proposal->flows, (unsigned long long)proposal->first_bytes);
	for (uint32_t i = 0; i < proposal->kinds && i < SEEN_MAX; i++)
		write_seen(out, &report->entry[proposal->kind[i]]);
	if (proposal->kinds > SEEN_MAX)
		fprintf(out, "  #   and %u more\n", proposal->kinds - SEEN_MAX);
	fprintf(out, "  %s:\n    match:\n      - ", proposal->service);
	write_match(out, proposal);
	fputs("\n    # slo: none yet; measure first (storeline status), then say what it needs\n",
	      out);
	write_uplinks(out, policy);
	fputs("    priority: normal\n", out);
	return finish(out, &text);
}
