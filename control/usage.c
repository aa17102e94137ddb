/*
 * usage.c - rates over time to bytes of a month
 */
#include "usage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint32_t month_of(uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000);
	struct tm day;

	gmtime_r(&seconds, &day);
	return (uint32_t)(day.tm_year + 1900) * 12 + (uint32_t)day.tm_mon;
}

static uint64_t *bytes_of(struct sl_usage *usage, const char *name)
{
	for (uint32_t i = 0; i < usage->count; i++)
		if (!strcmp(usage->uplink[i].name, name))
			return &usage->uplink[i].bytes;
	if (usage->count == SL_SITE_UPLINKS)
		return NULL;
	snprintf(usage->uplink[usage->count].name, SL_NAME_MAX, "%s", name);
	usage->uplink[usage->count].bytes = 0;
	return &usage->uplink[usage->count++].bytes;
}

void sl_usage_count(struct sl_usage *usage, const struct sl_view *view, uint64_t unix_ns,
		    uint64_t for_ms)
{
	uint32_t month = month_of(unix_ns);

	if (month != usage->month)
		*usage = (struct sl_usage){.month = month};
	for (uint32_t u = 0; u < view->policy->uplinks; u++) {
		const struct sl_uplink_report *report = view->uplink[u];
		uint64_t *bytes = report ? bytes_of(usage, view->policy->uplink[u].name) : NULL;

		if (bytes)
			*bytes += (report->rate_bps[0] + report->rate_bps[1]) * for_ms / 8000;
	}
}

uint64_t sl_usage_of(const struct sl_usage *usage, const char *name)
{
	for (uint32_t i = 0; i < usage->count; i++)
		if (!strcmp(usage->uplink[i].name, name))
			return usage->uplink[i].bytes;
	return 0;
}
