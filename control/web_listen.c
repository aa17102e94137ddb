/*
 * web_listen.c - loopback and unix sockets, nothing else
 */
#include "web_listen.h"

#include "proto/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int refuse(char *why, const char *reason)
{
	snprintf(why, SL_TEXT_MAX, "%s", reason);
	return -EINVAL;
}

static int parse_unix(struct sl_web_address *to, const char *path, char *why)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	if (path[0] != '/')
		return refuse(why,
			      "unix: needs a path from the root, unix:/run/storeline/web.sock");
	if (strlen(path) >= sizeof(name.sun_path))
		return refuse(why, "the path of a unix socket has at most 107 bytes");
	memcpy(name.sun_path, path, strlen(path));
	memset(to, 0, sizeof(*to));
	memcpy(&to->socket, &name, sizeof(name));
	to->length = sizeof(name);
	return 0;
}

/* A decimal port without sign or blanks; -1 = it is none. */
static int port_of(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return *text < '0' || *text > '9' || *end || port > 65535 ? -1 : (int)port;
}

static int parse_v4(struct sl_web_address *to, const char *host, int port, char *why)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, host, &name.sin_addr) != 1)
		return refuse(why, "not an address: 127.0.0.1:PORT, [::1]:PORT or unix:/PATH");
	if (ntohl(name.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return refuse(why,
			      "not loopback: the page asks for no password, so it is served only "
			      "on 127.0.0.0/8, [::1] or a unix socket (ssh -L reaches it)");
	memset(to, 0, sizeof(*to));
	memcpy(&to->socket, &name, sizeof(name));
	to->length = sizeof(name);
	return 0;
}

static int parse_v6(struct sl_web_address *to, const char *host, int port, char *why)
{
	struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET6, host, &name.sin6_addr) != 1)
		return refuse(why, "not an IPv6 address in [ ]");
	if (!IN6_IS_ADDR_LOOPBACK(&name.sin6_addr))
		return refuse(why, "not loopback: of IPv6 only [::1]");
	memset(to, 0, sizeof(*to));
	memcpy(&to->socket, &name, sizeof(name));
	to->length = sizeof(name);
	return 0;
}

int sl_web_listen_parse(struct sl_web_address *to, const char *text, char *why)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t length;
	int port;

	if (!strncmp(text, "unix:", 5))
		return parse_unix(to, text + 5, why);
	length = colon ? (size_t)(colon - text) : 0;
	if (!length || length >= sizeof(host))
		return refuse(why, "needs 127.0.0.1:PORT, [::1]:PORT or unix:/PATH");
	memcpy(host, text, length);
	host[length] = '\0';
	port = port_of(colon + 1);
	if (port < 0)
		return refuse(why, "the port is no number from 0 to 65535");
	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		return parse_v6(to, host + 1, port, why);
	}
	return parse_v4(to, strcmp(host, "localhost") ? host : "127.0.0.1", port, why);
}

/* A socket file that a dead process left; one that is served is not ours to take. */
static bool left_over(const struct sl_web_address *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool dead = fd >= 0 &&
		    connect(fd, (const struct sockaddr *)&address->socket, address->length) &&
		    errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return dead;
}

static int bind_to(int fd, const struct sl_web_address *address)
{
	const struct sockaddr *name = (const struct sockaddr *)&address->socket;
	const char *path = ((const struct sockaddr_un *)&address->socket)->sun_path;
	int on = 1;

	if (name->sa_family != AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		return bind(fd, name, address->length) ? -errno : 0;
	}
	/* Before bind, so that there is no moment in which others may connect. */
	fchmod(fd, 0660);
	if (!bind(fd, name, address->length))
		return 0;
	if (errno != EADDRINUSE || !left_over(address))
		return -errno;
	unlink(path);
	return bind(fd, name, address->length) ? -errno : 0;
}

int sl_web_listen_open(const struct sl_web_address *address)
{
	int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = bind_to(fd, address);
	if (!err && listen(fd, BACKLOG))
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

void sl_web_listen_name(int fd, char *text, size_t size)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);
	char host[INET6_ADDRSTRLEN] = "?";

	text[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&name, &length))
		return;
	if (name.ss_family == AF_UNIX) {
		snprintf(text, size, "unix:%s", ((struct sockaddr_un *)&name)->sun_path);
	} else if (name.ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, &name, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in.sin_port));
	} else {
		struct sockaddr_in6 in6;

		memcpy(&in6, &name, sizeof(in6));
		inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in6.sin6_port));
	}
}

void sl_web_listen_close(int fd)
{
	char name[128];

	sl_web_listen_name(fd, name, sizeof(name));
	close(fd);
	if (!strncmp(name, "unix:", 5))
		unlink(name + 5);
}
