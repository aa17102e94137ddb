/*
 * measures.c - the second line of a path: what only some services have; and a VLAN's trouble
 *
 * DNS, think time, transactions (p50 and p95, with the number of samples), media by
 * direction, hellos, requests, packets that got another DSCP, and what was not believed.  A
 * path without any has no such line.
 */
#include "print.h"

#include <stdarg.h>
#include <string.h>

struct line {
	char text[512];
	size_t at;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	size_t left = sizeof(line->text) - line->at;
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(line->text + line->at, left, format, list);
	va_end(list);
	if (length > 0)
		line->at += (size_t)length < left ? (size_t)length : left - 1;
}

static void begin(struct line *line)
{
	if (line->at)
		add(line, "; ");
}

static void times(struct line *line, const struct sl_latency_report *times, const char *what)
{
	if (!times->samples)
		return;
	begin(line);
	add(line, "%s p50 %.1f p95 %.1f ms (%u)", what, times->p50_us / 1e3, times->p95_us / 1e3,
	    times->samples);
}

static void queries(struct line *line, const struct sl_path_report *path)
{
	if (!path->queries && !path->queries_unanswered && !path->queries_failed)
		return;
	if (path->dns.samples)
		add(line, ", ");
	else
		begin(line);
	add(line, "%u queries %u unanswered %u failed", path->queries, path->queries_unanswered,
	    path->queries_failed);
}

static void media(struct line *line, const struct sl_media_report *media, const char *way)
{
	uint32_t lost = media->expected > media->packets ? media->expected - media->packets : 0;

	if (!media->expected)
		return;
	begin(line);
	add(line, "media %s loss %.2f %% of %u jitter %.1f ms", way, lost * 100.0 / media->expected,
	    media->expected, media->jitter_us / 1e3);
}

static void make(struct line *line, const struct sl_path_report *path)
{
	uint32_t duplicates = path->loss[0].duplicates + path->loss[1].duplicates;

	line->at = 0;
	line->text[0] = '\0';
	times(line, &path->dns, "dns");
	queries(line, path);
	times(line, &path->think, "think");
	times(line, &path->transaction, "transaction");
	media(line, &path->media[0], "out");
	media(line, &path->media[1], "in");
	if (path->hellos_unanswered) {
		begin(line);
		add(line, "%u hellos %u unanswered", path->hellos, path->hellos_unanswered);
	}
	if (path->requests_unanswered) {
		begin(line);
		add(line, "%u requests %u unanswered", path->requests, path->requests_unanswered);
	}
	if (path->idle_unanswered) {
		begin(line);
		add(line, "%u unanswered after %.1f s at rest", path->idle_unanswered,
		    path->idle_ms / 1e3);
	}
	if (duplicates) {
		begin(line);
		add(line, "%u duplicates", duplicates);
	}
	if (path->remarked) {
		begin(line);
		add(line, "%u remarked", path->remarked);
	}
	if (path->bogus) {
		begin(line);
		add(line, "%u bogus", path->bogus);
	}
}

unsigned int sl_print_measures(FILE *to, const struct sl_path_report *path)
{
	struct line line;

	make(&line, path);
	if (line.at && to)
		fprintf(to, "    %s\n", line.text);
	return line.at ? 1 : 0;
}

unsigned int sl_print_dhcp(FILE *to, const struct sl_dhcp_report *vlan)
{
	bool trouble = vlan->clients_unanswered || vlan->clients_refused || vlan->new_server[0];

	if (trouble && to)
		fprintf(to,
			"DHCP on VLAN %u: %u of %u asking in vain, %u refused%s%s; %u devices, %u "
			"with random MACs\n",
			vlan->vlan, vlan->clients_unanswered, vlan->clients_asking,
			vlan->clients_refused, vlan->new_server[0] ? ", new server " : "",
			vlan->new_server, vlan->clients, vlan->clients_randomised);
	return trouble;
}
