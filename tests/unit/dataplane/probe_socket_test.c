/*
 * probe_socket_test.c - probes over the loopback device: each kind, answered, refused, nobody there
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/probe_socket.h"
#include "dataplane/reflector.h"
#include "tests/unit/row.h"

#define WITHIN_MS 2000

static struct {
	uint32_t answers, number;
	bool times;
	uint64_t way_ns;
} heard;

static void on_answer(void *arg, unsigned int uplink, uint32_t number,
		      const struct sl_stamp_times *times)
{
	heard.answers += uplink == 1;
	heard.number = number;
	heard.times = times != NULL;
	if (times)
		heard.way_ns = times->back_ns - times->sent_ns;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 at = {.sin6_port = 0};
	socklen_t size = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin6_port);
}

/* A socket that listens for TCP, or only has a port: nobody is there. */
static int listener(bool listens, uint16_t *port)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	if (listens)
		assert_int_equal(listen(fd, 8), 0);
	*port = port_of(fd);
	return fd;
}

static const struct row {
	const char *name;
	enum sl_probe_kind kind;
	bool ip6, listens;
	const char *device;
	uint8_t last; /* byte of the address */
	bool answered;
} rows[] = {
	{"echo, IPv4", SL_PROBE_ECHO, false, false, "lo", 1, true},
	{"echo, IPv6", SL_PROBE_ECHO, true, false, "lo", 1, true},
	{"a SYN to who listens", SL_PROBE_SYN, false, true, "lo", 1, true},
	{"a SYN to who refuses: an answer, too", SL_PROBE_SYN, false, false, "lo", 1, true},
	{"a SYN, IPv6", SL_PROBE_SYN, true, true, "lo", 1, true},
	{"STAMP, IPv4", SL_PROBE_STAMP, false, false, "lo", 1, true},
	{"STAMP, IPv6", SL_PROBE_STAMP, true, false, "lo", 1, true},
	{"a device that is away", SL_PROBE_ECHO, false, false, "sl-nowhere", 1, false},
	{"a SYN by a device that is away", SL_PROBE_SYN, false, true, "sl-nowhere", 1, false},
	{"an address without anybody", SL_PROBE_ECHO, true, false, "lo", 2, false},
};

static struct sl_reflector *reflector(struct event_base *base)
{
	static struct sl_policy policy;
	struct sl_reflector *r = NULL;

	memset(&policy, 0, sizeof(policy));
	policy.reflector.allows = 1; /* anybody: ::/0 */
	policy.reflector.per_second = 1000;
	assert_int_equal(sl_reflector_open(&r, base, 0), 0);
	sl_reflector_apply(r, &policy, 0, NULL);
	return r;
}

static void wait_for_answer(struct event_base *base, struct sl_probe_sockets *sockets, int limit_ms)
{
	for (int ms = 0; ms < limit_ms && !heard.answers; ms += 5) {
		struct pollfd readable = {sl_probe_sockets_fd(sockets), POLLIN, 0};

		event_base_loop(base, EVLOOP_NONBLOCK);
		poll(&readable, 1, 5);
		sl_probe_sockets_drain(sockets);
	}
}

static void probed(void **state)
{
	const struct row *row = *state;
	const struct sl_addr v4 = {0, UINT64_C(0xffff7f000000) | row->last}, v6 = {0, row->last};
	struct sl_policy_uplink uplink = {.name = "nowhere-at-all"};
	struct event_base *base = event_base_new();
	struct sl_reflector *r = reflector(base);
	struct sl_probe_sockets *sockets;
	struct sl_probe_order order = {.uplink = 1,
				       .kind = row->kind,
				       .addr = row->ip6 ? v6 : v4,
				       .number = 4711};
	int fd = listener(row->listens, &order.port), err;

	if (row->kind == SL_PROBE_STAMP)
		order.port = sl_reflector_port(r);
	strcpy(uplink.device, row->device);
	memset(&heard, 0, sizeof(heard));
	assert_int_equal(sl_probe_sockets_open(&sockets, on_answer, NULL), 0);
	err = sl_probe_sockets_send(sockets, &order, &uplink, 0);
	if (err != -EPERM && err != -EACCES && err != -EAFNOSUPPORT) {
		assert_int_equal(err, 0);
		wait_for_answer(base, sockets, row->answered ? WITHIN_MS : 50);
		assert_int_equal(heard.answers, row->answered);
		if (row->answered)
			assert_int_equal(heard.number, 4711);
		assert_int_equal(heard.times, row->answered && row->kind == SL_PROBE_STAMP);
		if (heard.times)
			assert_in_range(heard.way_ns, 1, UINT64_C(2000000000));
	}
	sl_probe_sockets_close(sockets);
	sl_reflector_close(r);
	event_base_free(base);
	close(fd);
	if (err)
		skip(); /* no right to raw sockets, or no IPv6 */
}

int main(void)
{
	struct sl_row_tests tests = {0};

	SL_ROWS_ADD(&tests, rows, probed);
	return sl_row_run("probe sockets", &tests);
}
