/*
 * agent_unclaimed.c - the busiest traffic that no service claims, told each 10 s
 *
 * For `storeline discover`.  What it is comes from the slow path; without one there is
 * nothing to tell, and the key stays as it was.
 */
#include <string.h>

#include "agent_private.h"

bool sl_agent_unclaimed(struct sl_agent *agent, struct sl_unclaimed_report *report)
{
	/* Until there is a slow path. */
	return false;
}

void sl_agent_publish_unclaimed(struct sl_agent *agent)
{
	static struct sl_unclaimed_report report;

	report = (struct sl_unclaimed_report){.at_unix_ns = sl_agent_unix_ns()};
	memcpy(report.site, agent->apply.policy.site, sizeof(report.site));
	if (sl_agent_unclaimed(agent, &report))
		sl_bus_send_unclaimed(agent->bus, &report);
}
