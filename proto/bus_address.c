/*
 * bus_address.c - the address of Redis and the socket to it; see the header
 *
 * No name is resolved (that would block) and no TLS is spoken (hiredis 0.14 has
 * none, and Redis's own TLS port is not to be trusted, RELIABILITY.md 0.8): a
 * distant Redis is reached through stunnel on this machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "bus_address.h"

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, SL_TEXT_MAX, format, list);
	va_end(list);
	return -EINVAL;
}

static int read_unix(struct sl_address *address, const char *path, char *why)
{
	struct sockaddr_un *to = (struct sockaddr_un *)&address->socket;

	if (!path[0])
		return refuse(why, "unix: needs the path of a socket");
	if (strlen(path) >= sizeof(to->sun_path))
		return refuse(why, "unix: the path of a socket has at most %zu bytes",
			      sizeof(to->sun_path) - 1);
	to->sun_family = AF_UNIX;
	strcpy(to->sun_path, path);
	address->length = sizeof(*to);
	return 0;
}

static bool read_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || !value || value > UINT16_MAX)
		return false;
	*port = htons((uint16_t)value);
	return true;
}

/* @host as a loopback address of either family. */
static bool read_host(struct sl_address *address, const char *host, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address->socket;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->socket;

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		address->length = sizeof(*v4);
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	address->length = sizeof(*v6);
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int read_tcp(struct sl_address *address, const char *text, char *why)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	char *bare = host;
	uint16_t port;

	if (!colon || colon == text || colon - text >= (long)sizeof(host) ||
	    !read_port(colon + 1, &port))
		return refuse(why, "tcp:%.80s: expected tcp:HOST:PORT", text);
	memcpy(host, text, (size_t)(colon - text));
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = 0;
		bare++;
	}
	if (!read_host(address, bare, port))
		return refuse(why,
			      "tcp:%.60s: only loopback is spoken to, because nothing here is "
			      "encrypted: end TLS in stunnel on this machine and name its socket "
			      "or port",
			      text);
	return 0;
}

int sl_address_read(struct sl_address *address, const char *text, char *why)
{
	struct sl_address made = {.length = 0};
	int err;

	if (strlen(text) >= sizeof(made.text))
		return refuse(why, "the address of Redis has at most %zu bytes",
			      sizeof(made.text) - 1);
	strcpy(made.text, text);
	if (!strncmp(text, "unix:", 5))
		err = read_unix(&made, text + 5, why);
	else if (!strncmp(text, "tcp:", 4))
		err = read_tcp(&made, text + 4, why);
	else
		err = refuse(why, "%.100s: expected unix:PATH or tcp:HOST:PORT", text);
	if (!err)
		*address = made;
	return err;
}

int sl_address_connect(const struct sl_address *address)
{
	int family = address->socket.ss_family, yes = 1, err;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (!connect(fd, (const struct sockaddr *)&address->socket, address->length) ||
	    errno == EINPROGRESS)
		return fd;
	err = -errno;
	close(fd);
	return err;
}
