/*
 * reflect_attach_test.c - the reflector's program on real devices: on, asked, taken over, in the way, off
 *
 * In network and mount namespaces of its own, so nothing is left behind: veth pairs lan0-client0
 * and wan0-server0.  Questions are sent into server0 by a packet socket, and answers read there;
 * no socket listens on the box, so that what is answered is the program's.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/clock.h"
#include "dataplane/stamp.h"
#include "dataplane/xdp.h"
#include "ground.h"
#include "tests/unit/row.h"

#define PINS      "/sys/fs/bpf/reflect-test/v1"
#define S         UINT64_C(1000000000)
#define ANSWER_MS 2000 /* a busy machine; */
#define SILENT_MS 100  /* and what is long for a frame that was turned in the kernel */

static struct sl_policy policy;
static struct sl_tables tables;
static char why[SL_TEXT_MAX];
static char said[2048]; /* what the engine told an operator */

static void hear(void *arg, const char *line)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", line);
}

static int pass_on(const char *device)
{
	struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
				  {.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", pass, 2, NULL), err;

	err = bpf_xdp_attach((int)if_nametoindex(device), fd, XDP_FLAGS_DRV_MODE, NULL);
	close(fd);
	return err;
}

/* A veth sends what XDP turned round only to an end that has XDP. */
static void wan_up(void)
{
	sh("ip link add wan0 type veth peer name server0 && ip link set wan0 up && "
	   "ip link set server0 up && ip addr add 192.0.2.2/24 dev wan0");
	assert_int_equal(pass_on("server0"), 0);
}

static int namespaces(void **state)
{
	if (geteuid()) {
		print_message("needs root: namespaces and BPF\n");
		return 0;
	}
	if (ground_enter())
		return -1;
	sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1 && "
	   "ip link set lo up && ip link add lan0 type veth peer name client0 && "
	   "ip link set lan0 up && ip link set client0 up && ip addr add 10.0.0.1/24 dev lan0");
	return 0;
}

static int fresh(void **state)
{
	const struct sl_policy_prefix from = {{[10] = 0xff, 0xff, 192, 0, 2, 0}, 120};

	if (geteuid())
		return 0;
	wan_up();
	said[0] = why[0] = 0;
	memset(&policy, 0, sizeof(policy));
	policy.placement = SL_PLACEMENT_GATEWAY;
	policy.ports = 1;
	policy.port[0] =
		(struct sl_policy_port){.name = "tills", .device = "lan0", .role = SL_ROLE_LAN};
	policy.uplinks = 1;
	policy.uplink[0] = (struct sl_policy_uplink){.name = "fibre", .device = "wan0"};
	policy.reflector = (struct sl_policy_reflector){1, {from}, 1000};
	memset(&tables, 0, sizeof(tables));
	tables.services = tables.uplinks = 1;
	tables.mark_base = 0x5100;
	tables.service[0].flow_quota = 1000;
	return 0;
}

static void nothing_left(void)
{
	assert_int_not_equal(access(PINS, F_OK), 0);
	assert_null(strstr(output("ip link show lan0; ip link show wan0"), "xdp"));
}

static int clean(void **state)
{
	if (geteuid())
		return 0;
	sl_xdp_detach(PINS, why, sizeof(why));
	nothing_left();
	sh("ip link del wan0");
	return 0;
}

static struct sl_engine *open_engine(bool generic)
{
	const struct sl_xdp_config config = {.policy = &policy,
					     .tables = &tables,
					     .pin_dir = PINS,
					     .flows = 1000,
					     .force_generic = generic,
					     .say = hear};
	struct sl_engine *engine = NULL;

	if (geteuid())
		skip();
	if (sl_xdp_open(&config, &engine, why, sizeof(why)))
		fail_msg("%s", why);
	return engine;
}

/* As the agent does (reflector.c), for @more_ns. */
static struct sl_reflect_state *allow(struct sl_engine *engine, uint64_t more_ns)
{
	struct sl_reflect_state *state = sl_xdp_reflect(engine, &policy);

	if (!state)
		return NULL;
	memset(state->allow, 0, sizeof(state->allow)); /* anybody */
	state->allows = 1;
	sl_reflect_set_rate(state, 1000);
	state->valid_until_ns = sl_clock_ns() + more_ns;
	return state;
}

/* ---- questions ---- */

static uint32_t sum(const uint8_t *p, uint32_t bytes)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < bytes; i += 2)
		all += (uint32_t)(p[i] << 8 | p[i + 1]);
	return (all & 0xffff) + (all >> 16);
}

/* To @address (on wan0 or over it), behind @vlan (0 = no tag), from 192.0.2.1; its length. */
static uint32_t question(uint8_t frame[128], const char *address, uint16_t vlan)
{
	static const uint8_t ip4[20] = {0x45, 0, 0, 72, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1};
	uint8_t *at = frame + 12;
	uint32_t check;
	struct ifreq ask = {.ifr_name = "wan0"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &ask), 0);
	close(fd);
	memset(frame, 0, 128);
	memcpy(frame, ask.ifr_hwaddr.sa_data, 6);
	frame[6] = 2;
	if (vlan) {
		memcpy(at, (const uint8_t[]){0x81, 0, (uint8_t)(vlan >> 8), (uint8_t)vlan}, 4);
		at += 4;
	}
	at[0] = 8;
	at += 2;
	memcpy(at, ip4, sizeof(ip4));
	assert_int_equal(inet_pton(AF_INET, address, at + 16), 1);
	check = ~sum(at, 20);
	at[10] = (uint8_t)(check >> 8);
	at[11] = (uint8_t)check;
	memcpy(at + 20, (const uint8_t[]){0xc3, 0x50, 862 >> 8, 862 & 255, 0, 52}, 6);
	sl_stamp_write(at + 28, 7, S);
	return (uint32_t)(at + 72 - frame);
}

/* Ask so from server0: does an answer come back there? */
static bool answered(const char *address, uint16_t vlan)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("server0")};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	uint8_t frame[128], came[256];
	uint32_t length = question(frame, address, vlan), l4 = length - 52;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	bool found = false;

	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, frame, length, 0), length);
	while (!found && poll(&wait, 1, SILENT_MS) > 0) {
		ssize_t got = recv(fd, came, sizeof(came), 0);

		/* A tag is taken off what comes in: look from the end. */
		found = got >= 72 && !memcmp(came + got - 52, frame + l4 + 2, 2) &&
			!memcmp(came + got - 50, frame + l4, 2) && came[got - 4] == 64;
	}
	close(fd);
	return found;
}

static void soon_answered(const char *address, uint16_t vlan)
{
	for (int i = 0; i < ANSWER_MS / SILENT_MS; i++)
		if (answered(address, vlan))
			return;
	fail_msg("no answer of %s", address);
}

/* ---- rows ---- */

static void on_and_off(void **arg)
{
	struct sl_engine *engine = open_engine(false);
	struct sl_reflect_state *state = allow(engine, 60 * S);

	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector native");
	assert_null(engine->ops->port(engine, 2));
	assert_int_equal(state->devices, 1);
	soon_answered("192.0.2.2", 0);
	assert_in_range(state->reflected, 1, ANSWER_MS / SILENT_MS);
	assert_false(answered("10.0.0.1", 0)); /* of another device: the socket's */
	state->valid_until_ns = 0;
	assert_false(answered("192.0.2.2", 0));
	policy.reflector.allows = 0;
	sl_xdp_reflect(engine, &policy);
	assert_null(strstr(output("ip link show wan0"), "xdp"));
	assert_null(engine->ops->port(engine, 1));
	engine->ops->close(engine, true);
	nothing_left();
}

/* An address that comes and goes, and one behind a tag. */
static void addresses(void **arg)
{
	struct sl_engine *engine = open_engine(false);

	allow(engine, 60 * S);
	sh("ip addr del 192.0.2.2/24 dev wan0 && ip addr add 192.0.2.77/24 dev wan0");
	sl_xdp_reattach(engine, why, sizeof(why));
	soon_answered("192.0.2.77", 0);
	assert_false(answered("192.0.2.2", 0));
	if (system("ip link add link wan0 name wan0.100 type vlan id 100 2>/dev/null"))
		print_message("no VLAN devices here\n");
	else {
		sh("ip link set wan0.100 up && ip addr add 198.51.100.2/24 dev wan0.100");
		sl_xdp_reattach(engine, why, sizeof(why));
		soon_answered("198.51.100.2", 100);
		assert_false(answered("198.51.100.2", 0));
		assert_false(answered("192.0.2.77", 100));
	}
	engine->ops->close(engine, true);
}

static uint32_t link_id(void)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(PINS "/reflect_wan0");

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

/* kill -9: it passes everything soon after; the next process has it in place, by the same link. */
static void killed(void **arg)
{
	struct sl_engine *engine;
	uint32_t id;
	int status;
	pid_t child;

	if (geteuid())
		skip();
	child = fork();
	if (!child) {
		engine = open_engine(false);
		_exit(allow(engine, S / 10) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	id = link_id();
	usleep(150000);
	assert_false(answered("192.0.2.2", 0));
	engine = open_engine(false);
	assert_int_equal(link_id(), id);
	allow(engine, 60 * S);
	assert_int_equal(link_id(), id);
	soon_answered("192.0.2.2", 0);
	engine->ops->close(engine, false); /* in good order: at once */
	assert_false(answered("192.0.2.2", 0));
	assert_int_equal(sl_xdp_detach(PINS, why, sizeof(why)), 4); /* xdp, egress, mark, reflect */
	nothing_left();
}

static void somebody_elses_program(void **arg)
{
	struct sl_engine *engine = open_engine(false);
	struct sl_reflect_state *state;
	int ifindex = (int)if_nametoindex("wan0");
	uint32_t theirs, now;

	assert_int_equal(pass_on("wan0"), 0);
	assert_int_equal(bpf_xdp_query_id(ifindex, 0, &theirs), 0);
	state = allow(engine, 60 * S);
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector socket");
	assert_non_null(strstr(said, "fibre wan0: STAMP is answered by the socket alone: another "
				     "XDP program is there"));
	assert_int_equal(state->devices, 0);
	said[0] = 0;
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(said, ""); /* once */
	policy.reflector.allows = 0;
	sl_xdp_reflect(engine, &policy);
	assert_int_equal(bpf_xdp_query_id(ifindex, 0, &now), 0);
	assert_int_equal(now, theirs);
	policy.reflector.allows = 1;
	allow(engine, 60 * S);
	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0);
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector native");
	soon_answered("192.0.2.2", 0);
	engine->ops->close(engine, true);
}

static void no_native(void **arg)
{
	struct sl_engine *engine = open_engine(true);

	allow(engine, 60 * S);
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector socket");
	assert_null(strstr(output("ip link show wan0"), "xdp"));
	engine->ops->close(engine, true);
}

/* What XDP would send on such a veth stays in it: so it is the socket's, while that lasts. */
static void deaf_veth(void **arg)
{
	struct sl_engine *engine = open_engine(false);
	int server = (int)if_nametoindex("server0");

	allow(engine, 60 * S);
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector native");
	assert_int_equal(bpf_xdp_detach(server, 0, NULL), 0);
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector socket");
	assert_non_null(strstr(said, "a veth whose other end has no XDP"));
	assert_null(strstr(output("ip link show wan0"), "xdp"));
	assert_int_equal(pass_on("server0"), 0);
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector native");
	soon_answered("192.0.2.2", 0);
	engine->ops->close(engine, true);
}

/* As a tap sl_xdp itself stands there, and finds its place free. */
static void another_placement(void **arg)
{
	struct sl_engine *engine = open_engine(false);

	allow(engine, 60 * S);
	engine->ops->close(engine, false);
	policy.placement = SL_PLACEMENT_TAP;
	engine = open_engine(false);
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 tap native");
	assert_null(allow(engine, 60 * S));
	assert_null(engine->ops->port(engine, 2));
	engine->ops->close(engine, true);
}

static void device_away_and_back(void **arg)
{
	struct sl_engine *engine = open_engine(false);

	allow(engine, 60 * S);
	sh("ip link del wan0");
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector socket");
	wan_up();
	sl_xdp_reattach(engine, why, sizeof(why));
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 reflector native");
	soon_answered("192.0.2.2", 0);
	engine->ops->close(engine, true);
}

static const struct row {
	const char *name;
	CMUnitTestFunction run;
} rows[] = {
	{"on, asked, and off", on_and_off},
	{"own addresses that change, and tags", addresses},
	{"killed: silent soon, and taken over in place", killed},
	{"somebody else's program stays", somebody_elses_program},
	{"no native XDP", no_native},
	{"a veth to one without XDP", deaf_veth},
	{"a tap has no room for it", another_placement},
	{"a device goes and comes back", device_away_and_back},
};

int main(void)
{
	struct CMUnitTest tests[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tests[i] = (struct CMUnitTest){rows[i].name, rows[i].run, fresh, clean, NULL};
	return _cmocka_run_group_tests("reflect attach", tests, sizeof(rows) / sizeof(rows[0]),
				       namespaces, NULL);
}
