/*
 * bus_server.c - what Redis says of itself, for `storeline doctor`
 *
 * INFO, then CONFIG GET: a server may bar the second, then .has_config is false.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"

struct asked {
	struct sl_bus *bus;
	sl_bus_server got;
	void *arg;
	struct sl_bus_server_report report;
};

/* The word after "@key:" at the begin of a line of INFO; "" when there is none. */
static void info(const char *text, const char *key, char *to, size_t size)
{
	size_t length = strlen(key);

	to[0] = '\0';
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) != 0 || line[length] != ':')
			continue;
		snprintf(to, size, "%.*s", (int)strcspn(line + length + 1, "\r\n"),
			 line + length + 1);
		return;
	}
}

static void setting(struct sl_bus_server_report *report, const char *name, const char *value)
{
	if (!strcmp(name, "maxmemory"))
		report->maxmemory_bytes = strtoull(value, NULL, 10);
	else if (!strcmp(name, "maxmemory-policy"))
		snprintf(report->maxmemory_policy, sizeof(report->maxmemory_policy), "%s", value);
	else if (!strcmp(name, "save"))
		report->snapshots = value[0] != '\0';
	else if (!strcmp(name, "appendonly"))
		report->append_only = !strcmp(value, "yes");
	else if (!strcmp(name, "stop-writes-on-bgsave-error"))
		report->stops_on_error = !strcmp(value, "yes");
	else if (!strcmp(name, "protected-mode"))
		report->protected_mode = !strcmp(value, "yes");
	else if (!strcmp(name, "requirepass"))
		report->has_password = value[0] != '\0';
	else if (!strcmp(name, "port"))
		report->port = (uint32_t)strtoul(value, NULL, 10);
	else if (!strcmp(name, "unixsocketperm"))
		report->socket_mode = (uint32_t)strtoul(value, NULL, 8);
}

static void end(struct asked *asked, bool answered)
{
	struct asked last = *asked;

	free(asked);
	last.got(last.arg, answered ? &last.report : NULL);
}

static void on_config(void *arg, const redisReply *reply, const char *why)
{
	struct asked *asked = arg;

	if (!reply) {
		end(asked, false);
		return;
	}
	asked->report.has_config = reply->type == REDIS_REPLY_ARRAY && reply->elements > 1;
	for (size_t i = 0; asked->report.has_config && i + 1 < reply->elements; i += 2)
		if (reply->element[i]->type == REDIS_REPLY_STRING &&
		    reply->element[i + 1]->type == REDIS_REPLY_STRING)
			setting(&asked->report, reply->element[i]->str, reply->element[i + 1]->str);
	end(asked, true);
}

static void on_info(void *arg, const redisReply *reply, const char *why)
{
	struct sl_link_command command = {.words = 0};
	struct asked *asked = arg;

	if (!reply || reply->type != REDIS_REPLY_STRING) {
		end(asked, false);
		return;
	}
	info(reply->str, "redis_version", asked->report.version, sizeof(asked->report.version));
	info(reply->str, "maxmemory_policy", asked->report.maxmemory_policy,
	     sizeof(asked->report.maxmemory_policy));
	sl_link_text(&command, "CONFIG");
	sl_link_text(&command, "GET");
	sl_link_text(&command, "*");
	if (sl_link_ask(&asked->bus->say, &command, SL_LINK_PATIENCE, on_config, asked))
		end(asked, false);
}

int sl_bus_fetch_server(struct sl_bus *bus, sl_bus_server got, void *arg)
{
	struct sl_link_command command = {.words = 0};
	struct asked *asked = bus->state == SL_BUS_UP ? calloc(1, sizeof(*asked)) : NULL;
	int err = bus->state == SL_BUS_UP ? -ENOMEM : -ENOTCONN;

	if (asked) {
		*asked = (struct asked){.bus = bus, .got = got, .arg = arg};
		sl_link_text(&command, "INFO");
		err = sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, on_info, asked);
	}
	if (err) {
		free(asked);
		bus->stats.failed++;
		got(arg, NULL);
	}
	return err;
}
