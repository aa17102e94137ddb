/*
 * handover_test.c - what goes to a worker's AF_XDP socket, and what to the kernel
 *
 * The test plays DPDK's net_af_xdp driver: it loads the guard, attaches it and makes
 * a socket on queue 0.  In network and mount namespaces of its own, so nothing is left
 * behind: veth pairs lan0-client0 and wan0-server0.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/xdp.h"
#include "driver.h"
#include "handover_frames.h"
#include "ground.h"
#include "tests/unit/row.h"

#define PINS "/sys/fs/bpf/handover-test/v1"
#define MS   UINT64_C(1000000)

static struct sl_policy policy;
static struct sl_tables tables;
static struct sl_engine *engine;
static struct driver lan, wan;
static char why[SL_TEXT_MAX];

static bool says(const char *command, const char *word)
{
	return strstr(output(command), word);
}

/* Ready for DPDK's driver, the driver's work, and what follows it. */
static void hand_over(struct driver *driver, const char *device, uint32_t mode)
{
	if (sl_xdp_handover_clear(engine, device, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(driver_attach(driver, engine, device, mode), 0);
	driver_socket(driver);
	if (sl_xdp_handover_attach(engine, device, why, sizeof(why)))
		fail_msg("%s", why);
}

/* ---- set-up ---- */

static int namespaces(void **state)
{
	if (geteuid()) {
		print_message("needs root: namespaces and BPF\n");
		return 0;
	}
	if (ground_enter())
		return -1;
	return system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && ip link set lo up && "
		      "ip link add lan0 type veth peer name client0 && "
		      "ip link add wan0 type veth peer name server0 && "
		      "for d in lan0 client0 wan0 server0; do ip link set $d up || exit 1; done && "
		      "sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 && "
		      "ip addr add 10.0.0.1/24 dev lan0 && "
		      "ip addr add 2001:db8::1/128 dev lo && " /* there it is silent */
		      "ip addr add 192.0.2.2/24 dev wan0")
		       ? -1
		       : 0;
}

static int fresh(void **state)
{
	memset(&policy, 0, sizeof(policy));
	policy.placement = SL_PLACEMENT_GATEWAY;
	policy.ports = policy.uplinks = 1;
	policy.port[0] =
		(struct sl_policy_port){.name = "tills", .device = "lan0", .role = SL_ROLE_LAN};
	policy.uplink[0] = (struct sl_policy_uplink){.name = "fibre",
						     .device = "wan0",
						     .gateway = "192.0.2.1"};
	memset(&tables, 0, sizeof(tables));
	tables.generation = 7;
	tables.services = tables.uplinks = 1;
	tables.mark_base = 0x5100;
	tables.service[0].flow_quota = 7000;
	return 0;
}

static int clean(void **state)
{
	driver_close(&lan);
	driver_close(&wan);
	if (engine)
		engine->ops->close(engine, true);
	engine = NULL;
	if (!geteuid())
		sl_xdp_detach(PINS, why, sizeof(why));
	return 0;
}

static void open_engine(bool handover)
{
	const struct sl_xdp_config config = {.policy = &policy,
					     .tables = &tables,
					     .pin_dir = PINS,
					     .flows = 7000,
					     .handover = handover};

	if (geteuid())
		skip();
	if (sl_xdp_open(&config, &engine, why, sizeof(why)))
		fail_msg("%s", why);
}

static void close_engine(bool detach)
{
	engine->ops->close(engine, detach);
	engine = NULL;
}

/* Under DPDK: both ports handed over, a worker that lives for the next seconds. */
static void run_dpdk(void)
{
	open_engine(true);
	hand_over(&lan, "lan0", 0);
	hand_over(&wan, "wan0", 0);
	assert_int_equal(sl_xdp_handover_locals(engine), 0);
	*sl_xdp_heartbeat(engine) = engine->ops->now_ns(engine) + 60000 * MS;
}

/* ---- frames ---- */

static uint64_t measured(void)
{
	const struct sl_stats *stats;
	uint64_t sum = 0;

	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++)
		for (int path = 0; path < SL_PATHS_MAX; path++)
			sum += stats->path[path].side[SL_SIDE_LAN].packets +
			       stats->path[path].side[SL_SIDE_WAN].packets;
	return sum;
}

struct fate {
	int handed, heard, measured;
};

/* Three of @frame into @peer, which is wired to @driver's @device: where did they go? */
static struct fate send_frame(const struct frame *frame, const char *peer, struct driver *driver,
			      const char *device)
{
	int kernel = frame_socket(device);
	uint64_t before = engine ? measured() : 0;
	struct fate fate;

	frame_send(frame, peer, 3);
	fate.heard = frame_heard(kernel);
	fate.handed = driver_taken(driver);
	fate.measured = engine ? (int)(measured() - before) : 0;
	close(kernel);
	return fate;
}

#define ASSERT_GOES(fate_, handed_, heard_, measured_)        \
	do {                                                  \
		struct fate went = (fate_);                   \
		assert_int_equal(went.handed, (handed_));     \
		assert_int_equal(went.heard, (heard_));       \
		assert_int_equal(went.measured, (measured_)); \
	} while (0)
#define TO_LAN() send_frame(&frames[0], "client0", &lan, "lan0")
#define TO_WAN() send_frame(&frames[0], "server0", &wan, "wan0")

static void sorted(void **state)
{
	const struct frame *frame = *state;
	int handed = frame->handed ? 3 : 0, seen = frame->seen ? 3 : 0;
	struct fate fate;

	fresh(NULL);
	run_dpdk();
	fate = send_frame(frame, "client0", &lan, "lan0");
	assert_int_equal(fate.handed, handed);
	assert_int_equal(fate.heard, 3 - handed);
	assert_int_equal(fate.measured, seen);
	ASSERT_GOES(send_frame(frame, "server0", &wan, "wan0"), handed, 3 - handed, 0);
	clean(NULL);
}

static void nothing_left(void)
{
	assert_int_not_equal(access(PINS, F_OK), 0);
	assert_false(says("ip link show lan0; ip link show wan0", "xdp"));
	assert_false(says("ip rule", "510"));
	assert_false(says("tc qdisc show dev lan0; tc qdisc show dev wan0", "clsact"));
}

/* The text of the lines of both ports. */
static void ports_are(const char *tills, const char *fibre)
{
	assert_string_equal(engine->ops->port(engine, 0), tills);
	if (fibre)
		assert_string_equal(engine->ops->port(engine, 1), fibre);
	else
		assert_null(engine->ops->port(engine, 1));
}

/* ---- rows ---- */

static void on_and_off(void **state)
{
	open_engine(true);
	ports_are("tills lan0 gateway off", "fibre wan0 gateway off");
	assert_false(says("ip link show lan0; ip link show wan0", "xdp"));
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 0); /* not missed before */
	clean(NULL);
	run_dpdk();
	ports_are("tills lan0 gateway native af_xdp", "fibre wan0 gateway native af_xdp");
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 0);
	assert_int_equal(sl_xdp_place(engine, &policy, why, sizeof(why)), 0);
	ports_are("tills lan0 gateway native af_xdp", "fibre wan0 gateway native af_xdp");
	ASSERT_GOES(TO_WAN(), 3, 0, 0);
	close_engine(true);
	nothing_left();
}

/* A worker that turns once a millisecond. */
static pid_t worker(volatile uint64_t *last)
{
	pid_t child = fork();

	if (!child)
		for (;; usleep(1000))
			*last = engine->ops->now_ns(engine);
	usleep(5000);
	return child;
}

static void heartbeat(void **state)
{
	volatile uint64_t *last;
	pid_t child;

	run_dpdk();
	last = sl_xdp_heartbeat(engine);
	*last = engine->ops->now_ns(engine) - 51 * MS;
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	ASSERT_GOES(TO_WAN(), 0, 3, 0);
	last[1] = engine->ops->now_ns(engine) + 60000 * MS; /* another queue's is no help */
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	child = worker(last);
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	kill(child, SIGSTOP); /* it hangs */
	usleep(60000);
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	kill(child, SIGCONT);
	usleep(5000);
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	usleep(60000);
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
}

static void socket_gone(void **state)
{
	run_dpdk();
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	driver_kill(&lan);
	driver_kill(&wan);
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	ASSERT_GOES(TO_WAN(), 0, 3, 0);
}

/* kill -9: measured on, and the next process hands over again on the same maps. */
static void killed(void **state)
{
	int status;
	pid_t child;

	if (geteuid())
		skip();
	child = fork();
	if (!child) {
		run_dpdk();
		_exit(TO_LAN().handed != 3);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(says("ip link show lan0", "xdp"));
	ASSERT_GOES(TO_LAN(), 0, 3, 0); /* nobody here to read the counters */
	run_dpdk();
	assert_int_equal(measured(), 3);
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	close_engine(true);
	nothing_left();
}

/* Killed when the guard stood, and sl_xdp not yet. */
static void killed_half_way(void **state)
{
	open_engine(true);
	assert_int_equal(sl_xdp_handover_clear(engine, "lan0", why, sizeof(why)), 0);
	assert_int_equal(driver_attach(&lan, engine, "lan0", 0), 0);
	close_engine(false);
	driver_close(&lan);
	run_dpdk();
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
}

static void to_plain_and_back(void **state)
{
	run_dpdk();
	close_engine(false);
	driver_close(&lan);
	driver_close(&wan);
	open_engine(false);
	ports_are("tills lan0 gateway native", NULL);
	assert_false(says("ip link show wan0", "xdp"));
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 0);
	close_engine(false);
	run_dpdk();
	ports_are("tills lan0 gateway native af_xdp", "fibre wan0 gateway native af_xdp");
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	close_engine(true);
	nothing_left();
}

/* As the driver does when its device is closed; the engine, closed after it, goes on. */
static void driver_takes_off(void **state)
{
	run_dpdk();
	driver_kill(&lan);
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("lan0"), 0, NULL), 0);
	close_engine(false);
	assert_true(says("ip link show lan0", "xdp"));
	assert_int_equal(sl_xdp_detach(PINS, why, sizeof(why)), 4); /* xdp, egress, mark; xdp */
	nothing_left();
}

static void taken_off(void **state)
{
	run_dpdk();
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("lan0"), 0, NULL), 0);
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), -ENOENT);
	assert_string_equal(why,
			    "tills: the XDP program was taken off lan0; restart the dataplane");
	ports_are("tills lan0 gateway off", "fibre wan0 gateway native af_xdp");
	close_engine(true);
	nothing_left();
}

static void somebody_elses_program(void **state)
{
	struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
				  {.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", pass, 2, NULL);
	int ifindex = (int)if_nametoindex("lan0");

	open_engine(true);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(sl_xdp_handover_clear(engine, "lan0", why, sizeof(why)), -EBUSY);
	assert_string_equal(why, "tills: device lan0 already has another XDP program");
	assert_int_equal(sl_xdp_handover_attach(engine, "lan0", why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "tills: the XDP program on lan0 has no xsks_map");
	close_engine(true);
	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0); /* theirs was left alone */
	close(fd);
	nothing_left();
}

static void generic(void **state)
{
	open_engine(true);
	hand_over(&lan, "lan0", XDP_FLAGS_SKB_MODE);
	*sl_xdp_heartbeat(engine) = engine->ops->now_ns(engine) + 60000 * MS;
	ports_are("tills lan0 gateway generic af_xdp", "fibre wan0 gateway off");
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	*sl_xdp_heartbeat(engine) = 0;
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	close_engine(true);
	nothing_left();
}

/* Both ends are measured when nobody takes the frames. */
static void wire(void **state)
{
	policy.placement = SL_PLACEMENT_WIRE;
	run_dpdk();
	ports_are("tills lan0 wire native af_xdp", "fibre wan0 wire native af_xdp");
	ASSERT_GOES(TO_LAN(), 3, 0, 0);
	ASSERT_GOES(TO_WAN(), 3, 0, 0);
	*sl_xdp_heartbeat(engine) = 0;
	ASSERT_GOES(TO_LAN(), 0, 3, 3);
	ASSERT_GOES(TO_WAN(), 0, 3, 3);
}

/* Three frames out of lan0, as the kernel itself sends them: how many were measured? */
static int measured_leaving(void)
{
	uint64_t before = measured();

	frame_send(&frames[0], "lan0", 3);
	return (int)(measured() - before);
}

/* While a worker lives it measures both ways, and what the kernel sends besides is its own. */
static void leaving(void **state)
{
	run_dpdk();
	assert_int_equal(measured_leaving(), 0);
	*sl_xdp_heartbeat(engine) = 0;
	assert_int_equal(measured_leaving(), 3);
}

static void own_addresses(void **state)
{
	const struct frame *to_us = &frames[0];

	run_dpdk();
	sh("ip addr add 10.9.9.9/32 dev wan0");
	ASSERT_GOES(send_frame(to_us, "client0", &lan, "lan0"), 3, 0, 0);
	assert_int_equal(sl_xdp_handover_locals(engine), 0);
	ASSERT_GOES(send_frame(to_us, "client0", &lan, "lan0"), 0, 3, 0);
	sh("ip addr del 10.9.9.9/32 dev wan0");
	assert_int_equal(sl_xdp_handover_locals(engine), 0);
	ASSERT_GOES(send_frame(to_us, "client0", &lan, "lan0"), 3, 0, 0);
}

/* A worker may read the generation before this one until the next. */
static void retired_tables(void **state)
{
	const struct sl_tables *old;

	open_engine(true);
	old = engine->ops->tables(engine);
	tables.generation = 8;
	assert_int_equal(engine->ops->apply(engine, &tables), 0);
	assert_int_equal(old->generation, 7);
	assert_int_equal(engine->ops->tables(engine)->generation, 8);
}

static const struct row {
	const char *name;
	CMUnitTestFunction run;
} rows[] = {
	{"on, handing over, and off", on_and_off},
	{"a heartbeat that stops", heartbeat},
	{"a socket that goes", socket_gone},
	{"killed: measured on, and handed over again", killed},
	{"killed between the driver's attach and ours", killed_half_way},
	{"the plain engine takes over, and back", to_plain_and_back},
	{"the driver takes the program off as it closes", driver_takes_off},
	{"somebody takes the program off", taken_off},
	{"somebody else's program stays", somebody_elses_program},
	{"generic XDP", generic},
	{"a wire", wire},
	{"addresses come and go", own_addresses},
	{"what the kernel sends besides", leaving},
	{"the tables before these stay readable", retired_tables},
};

int main(void)
{
	static struct sl_row_tests tests;
	size_t count = sizeof(rows) / sizeof(rows[0]);

	SL_ROWS_ADD(&tests, rows, NULL);
	for (size_t i = 0; i < count; i++)
		tests.test[i] = (struct CMUnitTest){rows[i].name, rows[i].run, fresh, clean, NULL};
	for (size_t i = 0; i < frames_count; i++)
		sl_row_add(&tests, frames[i].name, sorted, &frames[i]);
	return _cmocka_run_group_tests("handover", tests.test, tests.count, namespaces, NULL);
}
