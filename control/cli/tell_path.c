/*
 * tell_path.c - the table of paths
 *
 * Failures are what was tried in vain over what was tried (connections, DNS queries, hellos,
 * requests), as health counts them.
 */
#include "tell.h"

#include "print.h"

#include <string.h>

#define CELL 44

static void leg(const struct sl_latency_report *rtt, char p50[CELL], char p95[CELL])
{
	if (rtt->samples) {
		snprintf(p50, CELL, "%.1f", rtt->p50_us / 1e3);
		snprintf(p95, CELL, "%.1f", rtt->p95_us / 1e3);
	} else {
		snprintf(p50, CELL, "-");
		snprintf(p95, CELL, "-");
	}
}

/* What was repeated may have been tried before the window. */
static void failures(const struct sl_path_report *path, char text[CELL])
{
	const uint32_t bad[] = {path->attempts_repeated + path->refused,
				path->queries_failed + path->queries_unanswered,
				path->hellos_unanswered, path->requests_unanswered};
	const uint32_t all[] = {path->attempts, path->queries, path->hellos, path->requests};
	uint64_t failed = 0, tried = 0;

	for (unsigned int i = 0; i < 4; i++) {
		failed += bad[i];
		tried += all[i] > bad[i] ? all[i] : bad[i];
	}
	if (tried)
		snprintf(text, CELL, "%llu/%llu", (unsigned long long)failed,
			 (unsigned long long)tried);
	else
		snprintf(text, CELL, "-");
}

static void row(const struct sl_paper *paper, int wide, const struct sl_path_report *path,
		bool here)
{
	char lan[2][CELL], wan[2][CELL], lost[CELL] = "-", failed[CELL];
	uint32_t of, segments;

	leg(&path->rtt[0], lan[0], lan[1]);
	leg(&path->rtt[1], wan[0], wan[1]);
	sl_print_lost(path, &of, &segments);
	if (segments)
		snprintf(lost, sizeof(lost), "%.2f", of * 100.0 / segments);
	failures(path, failed);
	fprintf(paper->to, "%s%-*s %s%-8s%s %6s %6s %6s %7s %6s %8s %7u%s%s\n", here ? "*" : " ",
		wide, path->uplink[0] ? path->uplink : "-",
		sl_print_paint(path->state, paper->colour), sl_health_word(path->state),
		sl_print_plain(paper->colour), lan[0], lan[1], wan[0], wan[1], lost, failed,
		path->rtt[1].samples, path->rtt[1].method[0] ? " " : "", path->rtt[1].method);
}

static void limits(const struct sl_paper *paper, int wide, const struct sl_policy_slo *slo)
{
	char latency[CELL] = "", lost[CELL] = "", failed[CELL] = "", where[CELL] = "";

	if (slo->latency_ns && slo->latency_quantile_ppm != 950000)
		snprintf(where, sizeof(where), " (p%u)", slo->latency_quantile_ppm / 10000);
	if (slo->latency_ns)
		snprintf(latency, sizeof(latency), "%.1f", (double)slo->latency_ns / 1e6);
	if (slo->loss_ppm != UINT32_MAX)
		snprintf(lost, sizeof(lost), "%.2f", slo->loss_ppm / 1e4);
	if (slo->failures_ppm != UINT32_MAX)
		snprintf(failed, sizeof(failed), "%.1f %%", slo->failures_ppm / 1e4);
	fprintf(paper->to, " %-*s %-8s %6s %6s %6s %7s %6s %8s\n", wide, "at most", where, "", "",
		"", latency, lost, failed);
}

void sl_tell_paths(const struct sl_paper *paper, const struct sl_path_report *const *path,
		   uint32_t paths, const char *here, const struct sl_policy_slo *slo)
{
	int wide = 8;

	for (uint32_t i = 0; i < paths; i++)
		wide = (int)strlen(path[i]->uplink) > wide ? (int)strlen(path[i]->uplink) : wide;
	sl_paper_head(paper, " %-*s %-8s %13s %14s", wide, "", "", "LAN, ms", "WAN, ms");
	sl_paper_head(paper, " %-*s %-8s %6s %6s %6s %7s %6s %8s %s", wide, "UPLINK", "STATE",
		      "p50", "p95", "p50", "p95", "LOST %", "FAILED", "SAMPLES");
	for (uint32_t i = 0; i < paths; i++)
		row(paper, wide, path[i], !strcmp(path[i]->uplink, here));
	if (slo)
		limits(paper, wide, slo);
}
