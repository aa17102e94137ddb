/*
 * doctor_redis.c - checks of the bus
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

#define VERSION(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))

static unsigned int version_of(const char *text)
{
	unsigned int major = 0, minor = 0, patch = 0;

	if (sscanf(text, "%3u.%3u.%3u", &major, &minor, &patch) < 2)
		return 0;
	return VERSION(major, minor, patch);
}

static void version(struct sl_findings *findings, const struct sl_bus_server_report *server)
{
	unsigned int number = version_of(server->version);

	if (number < VERSION(7, 0, 0))
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "Redis version",
			      "Storeline is tested with 7.0.15 and newer",
			      "apt install redis-server (Debian 12 has 7.0.15)", "%s",
			      server->version[0] ? server->version : "not told");
	else if (number < VERSION(7, 0, 15))
		sl_doctor_add(findings, SL_DOCTOR_WARN, "Redis version",
			      "it lacks repairs of security faults that 7.0.15 has",
			      "apt upgrade redis-server", "%s", server->version);
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "Redis version", NULL, NULL, "%s",
			      server->version);
}

static void memory(struct sl_findings *findings, const struct sl_bus_server_report *server)
{
	bool keeps = !strcmp(server->maxmemory_policy, "noeviction");

	if (keeps)
		sl_doctor_add(findings, SL_DOCTOR_OK, "Redis memory", NULL, NULL,
			      "noeviction: when it is full it says so, and the spool keeps the "
			      "events");
	else
		sl_doctor_add(findings,
			      server->has_config && !server->maxmemory_bytes ? SL_DOCTOR_WARN
									     : SL_DOCTOR_FAIL,
			      "Redis memory",
			      "when it is full it throws away commands and policies, and nobody is "
			      "told",
			      "redis-cli config set maxmemory-policy noeviction (and in its "
			      "configuration)",
			      "maxmemory-policy %s", server->maxmemory_policy);
}

/* Nothing needs it: events live in the spool, what control knows in its state folder. */
static void disk(struct sl_findings *findings, const struct sl_bus_server_report *server)
{
	if (server->snapshots && server->stops_on_error)
		sl_doctor_add(
			findings, SL_DOCTOR_WARN, "Redis disk",
			"when a snapshot fails, as on a full disk, Redis refuses every write: "
			"commands stop",
			"redis-cli config set save '' (nothing here needs snapshots)",
			"snapshots, stop-writes-on-bgsave-error yes");
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "Redis disk", NULL, NULL, "%s",
			      server->append_only ? "append-only file"
			      : server->snapshots ? "snapshots"
						  : "nothing is written, nothing here needs it");
}

static void access_to(struct sl_findings *findings, const struct sl_facts *facts)
{
	const struct sl_bus_server_report *server = &facts->server;
	bool open_socket = facts->socket_mode != SL_FACTS_UNKNOWN && (facts->socket_mode & 2);

	if (server->port && !server->has_password && !server->protected_mode)
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "Redis access",
			      "whoever reaches the port may command the dataplane",
			      "redis-server --port 0 --unixsocket PATH; or a password, and "
			      "protected-mode yes",
			      "TCP port %u, no password, protected-mode no", server->port);
	else if (server->port && !server->has_password)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "Redis access",
			      "any process on this machine may command the dataplane",
			      "redis-server --port 0 --unixsocket PATH --unixsocketperm 700",
			      "TCP port %u on loopback, no password", server->port);
	else if (open_socket)
		sl_doctor_add(findings, SL_DOCTOR_WARN, "Redis access",
			      "any user of this machine may command the dataplane",
			      "redis-server ... --unixsocketperm 700",
			      "its socket may be written by everybody (%03o)",
			      (unsigned int)facts->socket_mode & 0777);
	else
		sl_doctor_add(findings, SL_DOCTOR_OK, "Redis access", NULL, NULL, "%s",
			      server->port ? "TCP, with a password" : "a unix socket alone");
}

void sl_doctor_redis(struct sl_findings *findings, const struct sl_facts *facts)
{
	if (!facts->redis_named) {
		sl_doctor_add(findings, SL_DOCTOR_SKIP, "Redis", NULL, NULL,
			      "no address is named: --redis unix:PATH");
		return;
	}
	if (!facts->redis_answers) {
		sl_doctor_add(findings, SL_DOCTOR_FAIL, "Redis", facts->redis_why,
			      "start it: redis-server --port 0 --unixsocket PATH --save '' "
			      "--maxmemory-policy noeviction",
			      "nobody answers at %s", facts->redis);
		return;
	}
	version(findings, &facts->server);
	memory(findings, &facts->server);
	if (!facts->server.has_config) {
		sl_doctor_add(findings, SL_DOCTOR_SKIP, "Redis settings", NULL, NULL,
			      "it does not tell its configuration (CONFIG GET is barred)");
		return;
	}
	disk(findings, &facts->server);
	access_to(findings, facts);
}

void sl_doctor_check(struct sl_findings *findings, const struct sl_facts *facts)
{
	findings->count = 0;
	sl_doctor_host(findings, facts);
	sl_doctor_site(findings, facts);
	sl_doctor_redis(findings, facts);
}
