/*
 * probe_socket.c - ICMP, TCP and UDP sockets of an uplink, and one epoll over them all
 */
#include "probe_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SYNS       64 /* connections under way; the oldest gives way */
#define EVENTS     64
#define READS_MOST 64 /* of one socket, before others have their turn */

/* linux/icmp.h clashes with netinet's. */
#define ICMP_FILTER_OPTION 1

enum kind { ECHO4, ECHO6, STAMP, SYN };

struct syn {
	int fd; /* -1 = free */
	uint32_t number;
	uint8_t uplink;
};

struct sl_probe_sockets {
	sl_probe_answer *answer;
	void *arg;
	int epoll;
	uint16_t id;                 /* of our echoes */
	uint32_t magic;              /* likewise: an id is a small thing to guess */
	int fd[SL_UPLINKS_MAX][SYN]; /* by enum kind; -1 = not open */
	struct syn syn[SYNS];
	uint32_t next_syn;
};

/* What we send behind an echo's header, and get back. */
struct echo {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t id, sequence;
	uint32_t magic, number;
};

int sl_probe_sockets_open(struct sl_probe_sockets **out, sl_probe_answer *answer, void *arg)
{
	struct sl_probe_sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	memset(s->fd, 0xff, sizeof(s->fd));
	for (int i = 0; i < SYNS; i++)
		s->syn[i].fd = -1;
	s->answer = answer;
	s->arg = arg;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0 || getrandom(&s->magic, sizeof(s->magic), GRND_NONBLOCK) < 0) {
		int err = -errno;

		sl_probe_sockets_close(s);
		return err;
	}
	s->id = (uint16_t)(s->magic >> 7);
	*out = s;
	return 0;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void sl_probe_sockets_close(struct sl_probe_sockets *s)
{
	if (!s)
		return;
	for (int u = 0; u < SL_UPLINKS_MAX; u++)
		for (int kind = 0; kind < SYN; kind++)
			drop(&s->fd[u][kind]);
	for (int i = 0; i < SYNS; i++)
		drop(&s->syn[i].fd);
	drop(&s->epoll);
	free(s);
}

int sl_probe_sockets_fd(const struct sl_probe_sockets *s)
{
	return s->epoll;
}

/* ---- sending ---- */

static bool is_ip4(const struct sl_addr *a)
{
	return a->hi == 0 && a->lo >> 32 == 0xffff;
}

/* The address of @order, with its port; the length of it. */
static socklen_t address_of(const struct sl_probe_order *order, struct sockaddr_storage *to)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	uint16_t port = order->kind == SL_PROBE_ECHO ? 0 : htons(order->port);

	memset(to, 0, sizeof(*to));
	if (is_ip4(&order->addr)) {
		*in4 = (struct sockaddr_in){.sin_family = AF_INET,
					    .sin_port = port,
					    .sin_addr.s_addr = htonl((uint32_t)order->addr.lo)};
		return sizeof(*in4);
	}
	*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
	for (int i = 0; i < 8; i++) {
		in6->sin6_addr.s6_addr[i] = (uint8_t)(order->addr.hi >> (56 - 8 * i));
		in6->sin6_addr.s6_addr[8 + i] = (uint8_t)(order->addr.lo >> (56 - 8 * i));
	}
	return sizeof(*in6);
}

/* The kernel's device of @uplink: under DPDK's drivers that leave none, its exception port. */
static int bind_to(int fd, const struct sl_policy_uplink *uplink, uint32_t mark)
{
	char device[IFNAMSIZ];

	if (strlen(uplink->device) < sizeof(device) && if_nametoindex(uplink->device))
		snprintf(device, sizeof(device), "%.15s", uplink->device);
	else
		snprintf(device, sizeof(device), "sl-%.12s", uplink->name);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) ||
	    (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))))
		return -errno;
	return 0;
}

static int watch(struct sl_probe_sockets *s, int fd, uint32_t events, uint32_t where)
{
	struct epoll_event event = {.events = events, .data.u32 = where};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int make_socket(enum kind kind, bool ip4)
{
	int family = ip4 ? AF_INET : AF_INET6, flags = SOCK_NONBLOCK | SOCK_CLOEXEC;

	switch (kind) {
	case ECHO4:
		return socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP);
	case ECHO6:
		return socket(AF_INET6, SOCK_RAW | flags, IPPROTO_ICMPV6);
	case STAMP:
		return socket(family, SOCK_DGRAM | flags, 0);
	default:
		return socket(family, SOCK_STREAM | flags, 0);
	}
}

/* Only what can be ours wakes us: echo replies. */
static void filter(int fd, enum kind kind)
{
	uint32_t pass4 = ~(1u << ICMP_ECHOREPLY);
	struct icmp6_filter pass6;

	ICMP6_FILTER_SETBLOCKALL(&pass6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &pass6);
	if (kind == ECHO4)
		setsockopt(fd, SOL_RAW, ICMP_FILTER_OPTION, &pass4, sizeof(pass4));
	if (kind == ECHO6)
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &pass6, sizeof(pass6));
}

/* The socket of @kind for @order's uplink, made when there is none; or -errno. */
static int socket_of(struct sl_probe_sockets *s, enum kind kind, const struct sl_probe_order *order,
		     const struct sl_policy_uplink *uplink, uint32_t mark)
{
	int *fd = &s->fd[order->uplink][kind];
	int err;

	if (*fd >= 0)
		return *fd;
	*fd = make_socket(kind, is_ip4(&order->addr));
	if (*fd < 0)
		return -errno;
	filter(*fd, kind);
	err = bind_to(*fd, uplink, mark);
	if (!err)
		err = watch(s, *fd, EPOLLIN, order->uplink * 256u + kind);
	if (err)
		drop(fd);
	return err ? err : *fd;
}

static uint16_t checksum(const void *data, size_t size)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size / 2; i++)
		sum += word[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t) ~(sum + (sum >> 16));
}

static int send_echo(const struct sl_probe_sockets *s, int fd, const struct sl_probe_order *order)
{
	bool ip4 = is_ip4(&order->addr);
	struct echo echo = {.type = ip4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
			    .id = htons(s->id),
			    .sequence = htons((uint16_t)order->number),
			    .magic = s->magic,
			    .number = order->number};
	struct sockaddr_storage to;
	socklen_t length = address_of(order, &to);

	if (ip4) /* the kernel does it for IPv6 */
		echo.checksum = checksum(&echo, sizeof(echo));
	return sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to, length) < 0 ? -errno : 0;
}

static uint64_t unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int send_stamp(int fd, const struct sl_probe_order *order)
{
	uint8_t packet[SL_STAMP_BYTES];
	struct sockaddr_storage to;
	socklen_t length = address_of(order, &to);

	sl_stamp_write(packet, order->number, unix_ns());
	return sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, length) < 0 ? -errno
											 : 0;
}

static int send_syn(struct sl_probe_sockets *s, const struct sl_probe_order *order,
		    const struct sl_policy_uplink *uplink, uint32_t mark)
{
	uint32_t index = s->next_syn++ % SYNS;
	struct syn *syn = &s->syn[index];
	const struct linger reset = {.l_onoff = 1};
	struct sockaddr_storage to;
	socklen_t length = address_of(order, &to);
	int err, once = 1;

	drop(&syn->fd);
	*syn = (struct syn){make_socket(SYN, is_ip4(&order->addr)), order->number, order->uplink};
	if (syn->fd < 0)
		return -errno;
	setsockopt(syn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	setsockopt(syn->fd, IPPROTO_TCP, TCP_SYNCNT, &once, sizeof(once));
	err = bind_to(syn->fd, uplink, mark);
	if (!err && connect(syn->fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS &&
	    errno != ECONNREFUSED)
		err = -errno;
	if (!err)
		err = watch(s, syn->fd, EPOLLOUT, SYN + index * 256u * SL_UPLINKS_MAX);
	if (err)
		drop(&syn->fd);
	return err;
}

/* The uplink itself is away: as good as no answer. */
static bool is_evidence(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -ENETDOWN || err == -ENODEV ||
	       err == -ENXIO;
}

int sl_probe_sockets_send(struct sl_probe_sockets *s, const struct sl_probe_order *order,
			  const struct sl_policy_uplink *uplink, uint32_t mark)
{
	static const enum kind echo[] = {ECHO6, ECHO4};
	enum kind kind = order->kind == SL_PROBE_STAMP ? STAMP : echo[is_ip4(&order->addr)];
	int fd, err;

	if (order->kind == SL_PROBE_SYN) {
		err = send_syn(s, order, uplink, mark);
		return is_evidence(err) ? 0 : err;
	}
	fd = socket_of(s, kind, order, uplink, mark);
	if (fd < 0)
		return is_evidence(fd) ? 0 : fd;
	err = kind == STAMP ? send_stamp(fd, order) : send_echo(s, fd, order);
	/* A device that came back has another index: bound anew with the next. */
	if (err && err != -EAGAIN && err != -ENOBUFS)
		drop(&s->fd[order->uplink][kind]);
	return is_evidence(err) ? 0 : err;
}

/* ---- answers ---- */

/* The echo reply in @bytes, of which the first are an IPv4 header when @ip4; false: not ours. */
static bool read_echo(const struct sl_probe_sockets *s, const uint8_t *bytes, size_t length,
		      bool ip4, uint32_t *number)
{
	size_t skip = ip4 && length ? (bytes[0] & 0xfu) * 4 : 0;
	struct echo echo;

	if (length < skip + sizeof(echo))
		return false;
	memcpy(&echo, bytes + skip, sizeof(echo));
	*number = echo.number;
	return echo.type == (ip4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && echo.id == htons(s->id) &&
	       echo.magic == s->magic && echo.sequence == htons((uint16_t)echo.number);
}

static void read_socket(struct sl_probe_sockets *s, unsigned int uplink, enum kind kind)
{
	uint8_t bytes[256];
	uint32_t number;

	for (int i = 0; i < READS_MOST && s->fd[uplink][kind] >= 0; i++) {
		struct sl_stamp_times times;
		ssize_t got = recv(s->fd[uplink][kind], bytes, sizeof(bytes), 0);

		if (got < 0)
			return;
		if (kind == STAMP &&
		    sl_stamp_read(bytes, (uint32_t)got, unix_ns(), &number, &times))
			s->answer(s->arg, uplink, number, &times);
		else if (kind != STAMP && read_echo(s, bytes, (size_t)got, kind == ECHO4, &number))
			s->answer(s->arg, uplink, number, NULL);
	}
}

/* Connected or refused: in any case there was an answer. */
static void read_syn(struct sl_probe_sockets *s, struct syn *syn)
{
	int err = 0;
	socklen_t size = sizeof(err);

	if (syn->fd < 0 || getsockopt(syn->fd, SOL_SOCKET, SO_ERROR, &err, &size))
		return;
	drop(&syn->fd);
	if (err == 0 || err == ECONNREFUSED || err == ECONNRESET)
		s->answer(s->arg, syn->uplink, syn->number, NULL);
}

void sl_probe_sockets_drain(struct sl_probe_sockets *s)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(s->epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		uint32_t where = events[i].data.u32;

		if (where % 256 == SYN)
			read_syn(s, &s->syn[where / (256 * SL_UPLINKS_MAX) % SYNS]);
		else
			read_socket(s, where / 256, where % 256);
	}
}
