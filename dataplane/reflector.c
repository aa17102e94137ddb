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
#define VALID_NS    S /* of the program, when the agent does not come: killed, or hung */

struct sl_reflector {
	int fd;
	struct event *readable;
	struct sl_policy_uplink uplink[SL_WIRE_UPLINKS_MAX];
	uint32_t uplinks, mark_base;
	struct sl_reflect_state own, *state; /* *state: of the program, where there is one */
	struct sl_reflector_counts counts;
	uint64_t by_socket;
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

static bool is_answered(struct sl_reflector *r, const struct question *q)
{
	struct sl_reflect_address from;

	memcpy(&from, &q->from.sin6_addr, sizeof(from));
	if (!sl_reflect_may_ask(r->state, &from))
		r->counts.foreign++;
	else if (q->length < SL_STAMP_BYTES || q->from.sin6_port == htons(SL_STAMP_PORT))
		r->counts.malformed++;
	else if (!sl_reflect_pay(r->state, sl_clock_ns()))
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
			r->by_socket++;
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
	r->state = &r->own;
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
	r->state->valid_until_ns = 0;
	if (r->readable)
		event_free(r->readable);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

static struct sl_reflect_prefix prefix_of(const struct sl_policy_prefix *policy)
{
	struct sl_reflect_prefix prefix;
	uint8_t mask[16] = {0};

	for (uint32_t bit = 0; bit < policy->bits; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	memcpy(&prefix.mask, mask, sizeof(prefix.mask));
	memcpy(&prefix.network, policy->address, sizeof(prefix.network));
	for (int i = 0; i < 2; i++)
		prefix.network.word[i] &= prefix.mask.word[i];
	return prefix;
}

/* The program may run meanwhile: it allows nobody until the last line. */
static void set_state(struct sl_reflect_state *state, const struct sl_policy_reflector *policy)
{
	__atomic_store_n(&state->allows, 0, __ATOMIC_RELEASE);
	sl_reflect_set_rate(state, policy->per_second);
	for (uint32_t i = 0; i < policy->allows; i++)
		state->allow[i] = prefix_of(&policy->allow[i]);
	__atomic_store_n(&state->allows, policy->allows, __ATOMIC_RELEASE);
}

void sl_reflector_apply(struct sl_reflector *r, const struct sl_policy *policy, uint32_t mark_base,
			struct sl_reflect_state *program)
{
	r->state = program ? program : &r->own;
	set_state(r->state, &policy->reflector);
	r->mark_base = mark_base;
	r->uplinks = policy->uplinks;
	memcpy(r->uplink, policy->uplink, sizeof(r->uplink));
}

void sl_reflector_tick(struct sl_reflector *r, bool rest)
{
	uint64_t before_ns = sl_clock_ns(), real_ns = unix_ns(), after_ns = sl_clock_ns();

	r->state->unix_offset_ns = real_ns - (before_ns + (after_ns - before_ns) / 2);
	__atomic_store_n(&r->state->valid_until_ns, rest ? 0 : after_ns + VALID_NS,
			 __ATOMIC_RELEASE);
}

uint16_t sl_reflector_port(const struct sl_reflector *r)
{
	struct sockaddr_in6 at = {.sin6_port = 0};
	socklen_t size = sizeof(at);

	return getsockname(r->fd, (struct sockaddr *)&at, &size) ? 0 : ntohs(at.sin6_port);
}

const struct sl_reflector_counts *sl_reflector_counts(struct sl_reflector *r)
{
	r->counts.reflected_fast = r->state->reflected;
	r->counts.reflected = r->by_socket + r->counts.reflected_fast;
	r->counts.fast_devices = r->state->devices;
	return &r->counts;
}
