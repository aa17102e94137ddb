/*
 * facts_ports.c - the devices of a policy, and by which of them this session comes in
 *
 * sudo takes SSH_CONNECTION away: then the environment of the processes above is looked
 * into.  The address may stand on the device, on the bridge or bond over it, or on a VLAN of it.
 */
#include "facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE    "SSH_CONNECTION"
#define PARENTS_MAX 32

/* "CLIENT CLIENTPORT SERVER SERVERPORT": the third word. */
static bool server_of(const char *connection, char *address, size_t size)
{
	return sscanf(connection, "%*s %*s %63s", address) == 1 && size >= 64;
}

/* The value in /proc/PID/environ. */
static bool in_process(pid_t pid, char *address, size_t size)
{
	char path[40], *each = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && !found && getdelim(&each, &room, '\0', file) > 0)
		if (!strncmp(each, VARIABLE "=", sizeof(VARIABLE)))
			found = server_of(each + sizeof(VARIABLE), address, size);
	free(each);
	if (file)
		fclose(file);
	return found;
}

static pid_t parent_of(pid_t pid)
{
	char path[40], line[256];
	pid_t parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "PPid:", 5))
			parent = (pid_t)strtol(line + 5, NULL, 10);
	if (file)
		fclose(file);
	return parent;
}

static bool find_session(char *address, size_t size)
{
	const char *own = getenv(VARIABLE);
	pid_t pid = getpid();

	if (own && *own)
		return server_of(own, address, size);
	for (unsigned int i = 0; i < PARENTS_MAX && (pid = parent_of(pid)) > 1; i++)
		if (in_process(pid, address, size))
			return true;
	return false;
}

static bool same_address(const struct sockaddr *address, const char *text)
{
	char buffer[INET6_ADDRSTRLEN] = "";

	if (!strncmp(text, "::ffff:", 7) && strchr(text, '.'))
		text += 7;
	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			  buffer, sizeof(buffer));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6,
			  &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, buffer,
			  sizeof(buffer));
	return buffer[0] && !strncmp(text, buffer, strlen(buffer)) &&
	       (!text[strlen(buffer)] || text[strlen(buffer)] == '%');
}

/* eth0 of "eth0" and, for a VLAN named after it, of "eth0.20"; a master by its name. */
static bool carries(const struct sl_facts_port *port, const char *interface)
{
	size_t length = strlen(port->device);

	return !strcmp(interface, port->device) ||
	       (port->master[0] && !strcmp(interface, port->master)) ||
	       (!strncmp(interface, port->device, length) && interface[length] == '.');
}

static void find_ssh(struct sl_facts *facts)
{
	struct ifaddrs *all = NULL;

	facts->has_ssh = find_session(facts->ssh_address, sizeof(facts->ssh_address));
	if (!facts->has_ssh || getifaddrs(&all))
		return;
	for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
		if (!same_address(at->ifa_addr, facts->ssh_address))
			continue;
		for (uint32_t i = 0; i < facts->ports; i++)
			if (carries(&facts->port[i], at->ifa_name))
				facts->port[i].carries_ssh = true;
	}
	freeifaddrs(all);
}

/* The device of a port that is an uplink too is looked at once. */
static struct sl_facts_port *add(struct sl_facts *facts, const char *name, const char *device)
{
	struct sl_facts_port *port;

	for (uint32_t i = 0; i < facts->ports; i++)
		if (!strcmp(facts->port[i].device, device))
			return &facts->port[i];
	if (facts->ports == SL_FACTS_PORTS_MAX)
		return NULL;
	port = &facts->port[facts->ports++];
	snprintf(port->name, sizeof(port->name), "%s", name);
	snprintf(port->device, sizeof(port->device), "%s", device);
	port->kernels = facts->policy->engine.kind == SL_ENGINE_XDP ||
			facts->policy->engine.driver != SL_DRIVER_EAL;
	if (port->kernels)
		sl_facts_link(port);
	return port;
}

void sl_facts_ports(struct sl_facts *facts)
{
	const struct sl_policy *policy = facts->policy;

	for (uint32_t i = 0; i < policy->ports; i++)
		add(facts, policy->port[i].name, policy->port[i].device);
	for (uint32_t i = 0; i < policy->uplinks; i++) {
		struct sl_facts_port *port =
			policy->uplink[i].device[0]
				? add(facts, policy->uplink[i].name, policy->uplink[i].device)
				: NULL;

		if (port)
			port->uplink = true;
	}
	find_ssh(facts);
}
