/*
 * reflector.c - one socket for both families, a question at a time
 */
#include "reflector.h"

#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "stamp.h"

#define READS_MOST  64   /* before the loop has its turn */
#define BYTES_MOST  1500 /* a sender may pad (RFC 8762 4.2.1) */
#define S           UINT64_C(1000000000)
#define TTL_UNKNOWN 0

struct sl_reflector {
	int fd;
	struct event *readable;
	struct sl_policy_reflector policy;
	struct sl_policy_uplink uplink[SL_WIRE_UPLINKS_MAX];
	uint32_t uplinks, mark_base;
	uint64_t paid_until_ns; /* as in probe.c: one word is the bucket */
	struct sl_reflector_counts counts;
};

/* A question, and what must be known to answer it. */
struct question {
	struct sockaddr_in6 from;
	struct in6_pktinfo to; /* our address, and the device that it came by */
	uint64_t unix_ns;
	uint8_t ttl;
	uint32_t length;
	uint8_t bytes[BYTES_MOST];
};

/* ---- who may ask, and how often ---- */

static bool in_prefix(const uint8_t address[16], const struct sl_policy_prefix *prefix)
{
	uint32_t whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (memcmp(address, prefix->address, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ prefix->address[whole]) >> (8 - rest) == 0;
}

static bool may_ask(const struct sl_reflector *r, const uint8_t address[16])
{
	for (uint32_t i = 0; i < r->policy.allows; i++)
		if (in_prefix(address, &r->policy.allow[i]))
			return true;
	return false;
}

/* A tenth of a second's worth may come at once. */
static bool in_time(struct sl_reflector *r)
{
	uint64_t now_ns = sl_clock_ns(), price_ns = S / r->policy.per_second;
	uint64_t ahead_ns = S / 10 > price_ns ? S / 10 : price_ns;
	uint64_t paid_ns = r->paid_until_ns > now_ns ? r->paid_until_ns : now_ns;

	if (paid_ns + price_ns - now_ns > ahead_ns)
		return false;
	r->paid_until_ns = paid_ns + price_ns;
	return true;
}

static bool is_answered(struct sl_reflector *r, const struct question *q)
{
	if (!may_ask(r, q->from.sin6_addr.s6_addr))
		r->counts.foreign++;
	else if (q->length < SL_STAMP_BYTES)
		r->counts.malformed++;
	else if (!in_time(r))
		r->counts.over_rate++;
	else
		return true;
	return false;
}

/* ---- reading and answering ---- */

static uint64_t unix_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
}

static void read_extra(struct msghdr *message, struct question *q)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct timespec at;
		int ttl;

		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&q->to, CMSG_DATA(c), sizeof(q->to));
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&at, CMSG_DATA(c), sizeof(at));
			q->unix_ns = (uint64_t)at.tv_sec * S + (uint64_t)at.tv_nsec;
		} else if ((c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) ||
			   (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			q->ttl = (uint8_t)ttl;
		}
	}
}

/* False: none waits. */
static bool read_question(int fd, struct question *q)
{
	union {
		struct cmsghdr align;
		char bytes[256];
	} extra;
	struct iovec data = {q->bytes, sizeof(q->bytes)};
	struct msghdr message = {
		.msg_name = &q->from,
		.msg_namelen = sizeof(q->from),
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = extra.bytes,
		.msg_controllen = sizeof(extra.bytes),
	};
	ssize_t got = recvmsg(fd, &message, 0);

	if (got < 0)
		return false;
	q->length = (uint32_t)got;
	q->unix_ns = unix_ns();
	q->ttl = TTL_UNKNOWN;
	memset(&q->to, 0, sizeof(q->to));
	read_extra(&message, q);
	return true;
}

static uint32_t mark_of(const struct sl_reflector *r, uint32_t ifindex)
{
	for (uint32_t u = 0; u < r->uplinks && r->mark_base; u++)
		if (strlen(r->uplink[u].device) < IFNAMSIZ &&
		    if_nametoindex(r->uplink[u].device) == ifindex)
			return r->mark_base + 1 + u;
	return 0;
}

/* From the address that was asked, by the device that it came by and that uplink's routes. */
static bool answer(const struct sl_reflector *r, struct question *q)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(q->to)) + CMSG_SPACE(sizeof(uint32_t))];
	} extra = {.bytes = {0}};
	struct iovec data = {q->bytes, q->length};
	struct msghdr message = {
		.msg_name = &q->from,
		.msg_namelen = sizeof(q->from),
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = extra.bytes,
		.msg_controllen = CMSG_SPACE(sizeof(q->to)),
	};
	uint32_t mark = mark_of(r, q->to.ipi6_ifindex);
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(q->to));
	memcpy(CMSG_DATA(c), &q->to, sizeof(q->to));
	if (mark) {
		message.msg_controllen = sizeof(extra.bytes);
		c = CMSG_NXTHDR(&message, c);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SO_MARK;
		c->cmsg_len = CMSG_LEN(sizeof(mark));
		memcpy(CMSG_DATA(c), &mark, sizeof(mark));
	}
	sl_stamp_reflect(q->bytes, q->length, q->ttl, q->unix_ns, unix_ns());
	return sendmsg(r->fd, &message, MSG_DONTWAIT) >= 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct sl_reflector *r = arg;
	static struct question question;

	for (int i = 0; i < READS_MOST && read_question(fd, &question); i++)
		if (is_answered(r, &question) && answer(r, &question))
			r->counts.reflected++;
}

/* ---- open, close ---- */

static int set_options(int fd)
{
	static const struct {
		int level, name;
	} on[] = {
		{IPPROTO_IPV6, IPV6_RECVPKTINFO},
		{IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
		{IPPROTO_IP, IP_RECVTTL},
		{SOL_SOCKET, SO_TIMESTAMPNS},
	};
	int yes = 1, no = 0;

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)))
		return -errno;
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		if (setsockopt(fd, on[i].level, on[i].name, &yes, sizeof(yes)))
			return -errno;
	return 0;
}

static int listen_on(struct sl_reflector *r, struct event_base *base, uint16_t port)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int err;

	r->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return -errno;
	err = set_options(r->fd);
	if (err)
		return err;
	if (bind(r->fd, (const struct sockaddr *)&any, sizeof(any)))
		return -errno;
	r->readable = event_new(base, r->fd, EV_READ | EV_PERSIST, on_readable, r);
	return r->readable && !event_add(r->readable, NULL) ? 0 : -ENOMEM;
}

int sl_reflector_open(struct sl_reflector **out, struct event_base *base, uint16_t port)
{
	struct sl_reflector *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = listen_on(r, base, port);
	if (err) {
		sl_reflector_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void sl_reflector_close(struct sl_reflector *r)
{
	if (!r)
		return;
	if (r->readable)
		event_free(r->readable);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

void sl_reflector_apply(struct sl_reflector *r, const struct sl_policy *policy, uint32_t mark_base)
{
	r->policy = policy->reflector;
	r->mark_base = mark_base;
	r->uplinks = policy->uplinks;
	memcpy(r->uplink, policy->uplink, sizeof(r->uplink));
}

uint16_t sl_reflector_port(const struct sl_reflector *r)
{
	struct sockaddr_in6 at = {.sin6_port = 0};
	socklen_t size = sizeof(at);

	return getsockname(r->fd, (struct sockaddr *)&at, &size) ? 0 : ntohs(at.sin6_port);
}

const struct sl_reflector_counts *sl_reflector_counts(const struct sl_reflector *r)
{
	return &r->counts;
}
