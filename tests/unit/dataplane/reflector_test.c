/*
 * reflector_test.c - questions over loopback sockets: who is answered, with what, how often
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/clock.h"
#include "dataplane/reflector.h"
#include "dataplane/stamp.h"
#include "tests/unit/row.h"

#define S UINT64_C(1000000000)

struct scene {
	struct event_base *base;
	struct sl_reflector *reflector;
	int fd;
};

static int open_scene(void **state)
{
	static struct scene scene;

	scene = (struct scene){.base = event_base_new(), .fd = -1};
	assert_int_equal(sl_reflector_open(&scene.reflector, scene.base, 0), 0);
	*state = &scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	sl_reflector_close(scene->reflector);
	event_base_free(scene->base);
	if (scene->fd >= 0)
		close(scene->fd);
	return 0;
}

static void allow_beside(struct scene *scene, const char *prefixes, uint32_t rate,
			 struct sl_reflect_state *program)
{
	static struct sl_policy policy;
	char yaml[400], why[SL_TEXT_MAX];

	snprintf(yaml, sizeof(yaml),
		 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g}}\n"
		 "reflector: {from: %s, rate: %u}\n",
		 prefixes, rate);
	if (sl_policy_read(&policy, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s", why);
	sl_reflector_apply(scene->reflector, &policy, 0x5100, program);
}

static void allow(struct scene *scene, const char *prefixes, uint32_t rate)
{
	allow_beside(scene, prefixes, rate, NULL);
}

static void ask_of(struct scene *scene, int family)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET,
				  .sin_port = htons(sl_reflector_port(scene->reflector)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = in4.sin_port,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	scene->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (family == AF_INET)
		assert_int_equal(connect(scene->fd, (struct sockaddr *)&in4, sizeof(in4)), 0);
	else if (connect(scene->fd, (struct sockaddr *)&in6, sizeof(in6)))
		skip(); /* a machine without IPv6 */
}

/* Send @length bytes of a question; bytes of the answer, -1 = none. */
static int exchange(struct scene *scene, uint8_t *packet, size_t length)
{
	assert_int_equal(send(scene->fd, packet, length, 0), length);
	event_base_loop(scene->base, EVLOOP_NONBLOCK);
	return (int)recv(scene->fd, packet, 1500, 0);
}

static void answered(struct scene *scene, size_t length)
{
	uint8_t packet[1500] = {0};
	struct sl_stamp_times times;
	uint32_t number;

	sl_stamp_write(packet, 4711, 1795608000 * S);
	assert_int_equal(exchange(scene, packet, length), length);
	assert_true(sl_stamp_read(packet, (uint32_t)length, 0, &number, &times));
	assert_int_equal(number, 4711);
	assert_in_range(times.sent_ns, 1795608000 * S - 1, 1795608000 * S);
	assert_true(times.replied_ns >= times.received_ns);
	assert_in_range(packet[40], 1, 255); /* the TTL of loopback is whatever the system's is */
}

static void ip4(void **state)
{
	allow(*state, "[127.0.0.0/8]", 1000);
	ask_of(*state, AF_INET);
	answered(*state, SL_STAMP_BYTES);
	answered(*state, 1400); /* padded: as long as it was */
}

static void ip6(void **state)
{
	allow(*state, "[\"::1\"]", 1000);
	ask_of(*state, AF_INET6);
	answered(*state, SL_STAMP_BYTES);
}

static void foreign(void **state)
{
	struct scene *scene = *state;
	uint8_t packet[1500];

	allow(scene, "[10.0.0.0/8, \"::1\", 126.0.0.0/9, 127.128.0.0/9]", 1000);
	ask_of(scene, AF_INET);
	sl_stamp_write(packet, 1, S);
	assert_int_equal(exchange(scene, packet, SL_STAMP_BYTES), -1);
	assert_int_equal(sl_reflector_counts(scene->reflector)->foreign, 1);
	assert_int_equal(sl_reflector_counts(scene->reflector)->reflected, 0);
}

static void malformed(void **state)
{
	struct scene *scene = *state;
	uint8_t packet[1500] = {0};

	allow(scene, "[127.0.0.0/8]", 1000);
	ask_of(scene, AF_INET);
	assert_int_equal(exchange(scene, packet, SL_STAMP_BYTES - 1), -1);
	assert_int_equal(exchange(scene, packet, 0), -1);
	assert_int_equal(sl_reflector_counts(scene->reflector)->malformed, 2);
}

/* 10 a second: of 100 at once one is answered (and hardly more on a slow machine). */
static void over_rate(void **state)
{
	struct scene *scene = *state;
	const struct sl_reflector_counts *counts;
	uint8_t packet[1500];

	allow(scene, "[127.0.0.0/8]", 10);
	ask_of(scene, AF_INET);
	for (int i = 0; i < 50; i++) {
		sl_stamp_write(packet, 1, S);
		exchange(scene, packet, SL_STAMP_BYTES);
	}
	counts = sl_reflector_counts(scene->reflector);
	assert_in_range(counts->reflected, 1, 49);
	assert_int_equal(counts->reflected + counts->over_rate, 50);
}

/* Two reflectors must not ask each other for ever. */
static void reflectors_port(void **state)
{
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(SL_STAMP_PORT)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct scene *scene = *state;
	uint8_t packet[1500];

	allow(scene, "[127.0.0.0/8]", 1000);
	scene->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(scene->fd, (const struct sockaddr *)&from, sizeof(from)))
		skip(); /* no right to, or taken */
	to.sin_port = htons(sl_reflector_port(scene->reflector));
	assert_int_equal(connect(scene->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	sl_stamp_write(packet, 1, S);
	assert_int_equal(exchange(scene, packet, SL_STAMP_BYTES), -1);
	assert_int_equal(sl_reflector_counts(scene->reflector)->malformed, 1);
}

/* A program answers beside it: it has the clock, the rules and the bucket from here. */
static void beside_a_program(void **state)
{
	static struct sl_reflect_state program;
	struct scene *scene = *state;
	uint8_t packet[1500];
	struct timespec now;
	int64_t off_ns;

	program = (struct sl_reflect_state){.reflected = 5, .devices = 2};
	allow_beside(scene, "[127.0.0.0/8]", 10, &program);
	assert_int_equal(program.allows, 1);
	sl_reflector_tick(scene->reflector, false);
	assert_in_range(program.valid_until_ns, sl_clock_ns(), sl_clock_ns() + S);
	clock_gettime(CLOCK_REALTIME, &now);
	off_ns = (int64_t)((uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec - sl_clock_ns() -
			   program.unix_offset_ns);
	assert_true(off_ns < 50000000 && off_ns > -50000000); /* a busy machine's */
	ask_of(scene, AF_INET);
	answered(scene, SL_STAMP_BYTES);
	assert_int_equal(sl_reflector_counts(scene->reflector)->reflected, 6);
	assert_int_equal(sl_reflector_counts(scene->reflector)->reflected_fast, 5);
	assert_int_equal(sl_reflector_counts(scene->reflector)->fast_devices, 2);
	program.paid_until_ns = sl_clock_ns() + 10 * S; /* the program spent it */
	sl_stamp_write(packet, 1, S);
	assert_int_equal(exchange(scene, packet, SL_STAMP_BYTES), -1);
	assert_int_equal(sl_reflector_counts(scene->reflector)->over_rate, 1);
	sl_reflector_tick(scene->reflector, true);
	assert_int_equal(program.valid_until_ns, 0);
	sl_reflector_tick(scene->reflector, false);
	sl_reflector_close(scene->reflector);
	assert_int_equal(program.valid_until_ns, 0);
	scene->reflector = NULL;
}

static void nobody(void **state)
{
	struct scene *scene = *state;
	uint8_t packet[1500];

	ask_of(scene, AF_INET); /* no policy yet */
	sl_stamp_write(packet, 1, S);
	assert_int_equal(exchange(scene, packet, SL_STAMP_BYTES), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name, run) {name, run, open_scene, close_scene, NULL}
		SCENE("IPv4, also padded", ip4),
		SCENE("IPv6", ip6),
		SCENE("not from there", foreign),
		SCENE("too short", malformed),
		SCENE("too often", over_rate),
		SCENE("no policy, no answer", nobody),
		SCENE("from a reflector's port", reflectors_port),
		SCENE("beside a program", beside_a_program),
	};

	return _cmocka_run_group_tests("reflector", tests, sizeof(tests) / sizeof(tests[0]), NULL,
				       NULL);
}
