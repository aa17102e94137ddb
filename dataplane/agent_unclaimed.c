/*
 * agent_unclaimed.c - the busiest traffic that no service claims, told each 10 s
 *
 * For `storeline discover`.  What it is comes from the slow path; without one there is
 * nothing to tell, and the key stays as it was.
 */
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "agent_private.h"

static void write_proto(char *out, size_t size, uint8_t proto)
{
	if (proto == SL_PROTO_TCP || proto == SL_PROTO_UDP)
		snprintf(out, size, "%s", proto == SL_PROTO_TCP ? "tcp" : "udp");
	else
		snprintf(out, size, "%u", proto);
}

_Static_assert(sizeof(((struct sl_unclaimed_entry *)0)->name) >= SL_SERVER_NAME_MAX &&
		       sizeof(((struct sl_unclaimed_entry *)0)->app) >= SL_APP_MAX,
	       "texts would be cut");

/* @age_ns ago, the last of them. */
static void fill(struct sl_unclaimed_entry *entry, const struct sl_unclaimed *kind,
		 uint64_t now_unix_ns, uint64_t age_ns)
{
	bool has_ports = kind->proto == SL_PROTO_TCP || kind->proto == SL_PROTO_UDP;

	*entry = (struct sl_unclaimed_entry){.port = has_ports ? kind->port : 0,
					     .flows = kind->flows,
					     .flows_over = kind->flows_over,
					     .first_bytes = kind->first_bytes,
					     .last_unix_ns = now_unix_ns - age_ns};
	memcpy(entry->name, kind->name, sizeof(kind->name));
	memcpy(entry->app, kind->app, sizeof(kind->app));
	if (kind->name[0])
		snprintf(entry->name_source, sizeof(entry->name_source), "%s",
			 sl_slowpath_source(kind->source));
	write_proto(entry->proto, sizeof(entry->proto), kind->proto);
	sl_address_text(&kind->server, entry->address);
}

bool sl_agent_unclaimed(struct sl_agent *agent, struct sl_unclaimed_report *report)
{
	static struct sl_unclaimed kinds[SL_WIRE_KINDS_MAX];
	uint64_t now_ns = sl_agent_mono_ns(agent);

	if (!agent->apply.slowpath)
		return false;
	report->entries = sl_slowpath_unclaimed(agent->apply.slowpath, kinds, SL_WIRE_KINDS_MAX);
	for (uint32_t i = 0; i < report->entries; i++)
		fill(&report->entry[i], &kinds[i], report->at_unix_ns,
		     now_ns > kinds[i].seen_ns ? now_ns - kinds[i].seen_ns : 0);
	return true;
}

void sl_agent_publish_unclaimed(struct sl_agent *agent)
{
	static struct sl_unclaimed_report report;

	report = (struct sl_unclaimed_report){.at_unix_ns = sl_agent_unix_ns()};
	memcpy(report.site, agent->apply.policy.site, sizeof(report.site));
	if (sl_agent_unclaimed(agent, &report))
		sl_bus_send_unclaimed(agent->bus, &report);
}
