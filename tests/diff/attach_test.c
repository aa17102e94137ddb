/*
 * attach_test.c - the XDP engine on real devices: on, over, away, back, and off
 *
 * In network and mount namespaces of its own, so nothing is left behind: veth pairs
 * lan0-client0 and wan0-server0.  Frames are sent into the far ends by packet sockets.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/xdp.h"
#include "ground.h"
#include "tests/unit/row.h"

#define PINS  "/sys/fs/bpf/attach-test/v1"
#define FLOWS 7000

static struct sl_policy policy;
static struct sl_tables tables;
static char why[SL_TEXT_MAX];
static char said[1024]; /* what the engine told an operator */

static void hear(void *arg, const char *line)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s\n", line);
}

static void lan_up(void)
{
	sh("ip link add lan0 type veth peer name client0 && ip link set lan0 up && "
	   "ip link set client0 up && ip addr add 10.0.0.1/24 dev lan0");
}

static int namespaces(void **state)
{
	if (geteuid()) {
		print_message("needs root: namespaces and BPF\n");
		return 0;
	}
	if (ground_enter())
		return -1;
	if (system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1 && "
		   "ip link set lo up && "
		   "ip link add wan0 type veth peer name server0 && ip link set wan0 up && "
		   "ip link set server0 up && ip addr add 192.0.2.2/24 dev wan0"))
		return -1;
	lan_up();
	return 0;
}

static void gateway_policy(void)
{
	memset(&policy, 0, sizeof(policy));
	policy.placement = SL_PLACEMENT_GATEWAY;
	policy.ports = 1;
	policy.port[0] =
		(struct sl_policy_port){.name = "tills", .device = "lan0", .role = SL_ROLE_LAN};
	policy.uplinks = 1;
	policy.uplink[0] = (struct sl_policy_uplink){.name = "fibre",
						     .device = "wan0",
						     .gateway = "192.0.2.1"};
}

static int fresh(void **state)
{
	gateway_policy();
	said[0] = why[0] = 0;
	memset(&tables, 0, sizeof(tables));
	tables.generation = 7;
	tables.services = tables.uplinks = 1;
	tables.mark_base = 0x5100;
	tables.service[0].flow_quota = FLOWS;
	return 0;
}

static int clean(void **state)
{
	if (!geteuid())
		sl_xdp_detach(PINS, why, sizeof(why));
	return 0;
}

static struct sl_xdp_config config(void)
{
	if (geteuid())
		skip();
	return (struct sl_xdp_config){
		.policy = &policy, .tables = &tables, .pin_dir = PINS, .flows = FLOWS, .say = hear};
}

static struct sl_engine *open_as(const struct sl_xdp_config *as)
{
	struct sl_engine *engine = NULL;

	if (sl_xdp_open(as, &engine, why, sizeof(why)))
		fail_msg("%s", why);
	return engine;
}

static const uint8_t asked[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0,  0,
				  0,    1,    8,    0, /* Ethernet, IPv4 */
				  0x45, 0,    0,    46,   0,    1,    0,  0, 64, 17,
				  0,    0,    10,   0,    0,    2,    10, 9, 9,  9,
				  0x13, 0x88, 0,    53,   0,    26,   0,  0};

/* UDP from the till 10.0.0.2 to 10.9.9.9, or its reply, sent out of @device. */
static void send_as(const char *device, int frames, bool reply)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t frame[sizeof(asked)];

	assert_true(fd >= 0);
	memcpy(frame, asked, sizeof(frame));
	if (reply) { /* addresses, then ports */
		memcpy(frame + 26, asked + 30, 4);
		memcpy(frame + 30, asked + 26, 4);
		memcpy(frame + 34, asked + 36, 2);
		memcpy(frame + 36, asked + 34, 2);
	}
	for (int i = 0; i < frames; i++)
		assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to,
					sizeof(to)),
				 sizeof(frame));
	close(fd);
}

static void send_frames(const char *device, int frames)
{
	send_as(device, frames, false);
}

static uint64_t packets(struct sl_engine *engine, enum sl_side side)
{
	const struct sl_stats *stats;
	uint64_t sum = 0;

	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++)
		for (int path = 0; path < SL_PATHS_MAX; path++)
			sum += stats->path[path].side[side].packets;
	return sum;
}

static void nothing_left(void)
{
	assert_int_not_equal(access(PINS, F_OK), 0);
	assert_string_equal(output("ip rule | grep -c 510 | tr -d '\\n'"), "0");
	assert_string_equal(output("ip route show table 5101 2>/dev/null"), "");
	assert_null(strstr(output("ip link show lan0; ip link show wan0"), "xdp"));
	assert_null(strstr(output("tc qdisc show dev lan0"), "clsact"));
}

static void on_and_off(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = open_as(&as);

	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway native");
	assert_null(engine->ops->port(engine, 1));
	assert_non_null(strstr(output("ip rule"), "from all fwmark 0x5101 lookup 5101"));
	assert_non_null(
		strstr(output("ip route show table 5101"), "default via 192.0.2.1 dev wan0"));
	send_frames("client0", 10);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 10);
	engine->ops->close(engine, true);
	nothing_left();
}

/* kill -9: links, maps and counters live on, and the next process has them. */
static void killed(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_tables standing;
	struct sl_engine *engine;
	int status;
	pid_t child = fork();

	if (!child) {
		if (!sl_xdp_open(&as, &engine, why, sizeof(why)))
			send_frames("client0", 3);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	send_frames("client0", 5);
	assert_int_equal(sl_xdp_standing(PINS, &standing), 0);
	assert_int_equal(standing.generation, 7);
	as.flows = FLOWS * 8;
	engine = open_as(&as);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 8);
	assert_non_null(strstr(said, "kept the flow table of"));
	assert_int_equal(sl_xdp_capacity(engine), 7168);
	engine->ops->close(engine, false);
	send_frames("client0", 2);
	engine = open_as(&as);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 10);
	engine->ops->close(engine, false);
	assert_int_equal(sl_xdp_detach(PINS, why, sizeof(why)), 3); /* xdp, egress, mark */
	nothing_left();
	assert_int_equal(sl_xdp_standing(PINS, &standing), -ENOENT);
}

static void generic(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = open_as(&as); /* native first: the mode changes on request */

	engine->ops->close(engine, false);
	as.force_generic = true;
	engine = open_as(&as);
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway generic");
	send_frames("client0", 4);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 4);
	engine->ops->close(engine, true);
	nothing_left();
}

static void without_tcx(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine;

	as.no_tcx = true;
	engine = open_as(&as);
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway native clsact");
	assert_non_null(strstr(output("tc filter show dev lan0 egress"), "sl_tc_egress"));
	assert_non_null(strstr(output("tc filter show dev lan0 ingress"), "sl_tc_mark"));
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 0);
	sh("tc filter del dev lan0 egress");
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 1);
	assert_non_null(strstr(output("tc filter show dev lan0 egress"), "sl_tc_egress"));
	engine->ops->close(engine, true);
	nothing_left();
}

static void tap(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine;

	policy.placement = SL_PLACEMENT_TAP;
	engine = open_as(&as);
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 tap native");
	assert_string_equal(engine->ops->port(engine, 1), "fibre wan0 tap native");
	send_frames("client0", 3); /* in by lan0: from the LAN */
	assert_int_equal(packets(engine, SL_SIDE_LAN), 3);
	send_as("lan0", 5, true); /* out by lan0: from the WAN */
	assert_int_equal(packets(engine, SL_SIDE_WAN), 5);
	send_as("server0", 7, true); /* in by wan0 */
	assert_int_equal(packets(engine, SL_SIDE_WAN), 12);
	assert_null(strstr(output("ip rule"), "510"));
	engine->ops->close(engine, true);
	nothing_left();
}

static void device_away_and_back(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = open_as(&as);

	sh("ip link del lan0");
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "tills: no device lan0"));
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway absent");
	lan_up();
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 1);
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway native");
	send_frames("client0", 6);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 6);
	engine->ops->close(engine, true);
	nothing_left();
}

static void route_away_and_back(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = open_as(&as);

	sh("ip link set wan0 down");
	assert_true(sl_xdp_reattach(engine, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "uplink fibre: route by 192.0.2.1 on wan0"));
	sh("ip link set wan0 up");
	assert_int_equal(sl_xdp_reattach(engine, why, sizeof(why)), 0);
	assert_non_null(
		strstr(output("ip route show table 5101"), "default via 192.0.2.1 dev wan0"));
	engine->ops->close(engine, true);
	nothing_left();
}

/* The policy drops a port: its hooks go, the rest stays. */
static void another_policy(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine;

	policy.placement = SL_PLACEMENT_TAP;
	engine = open_as(&as);
	gateway_policy();
	assert_int_equal(sl_xdp_place(engine, &policy, why, sizeof(why)), 0);
	assert_null(strstr(output("ip link show wan0"), "xdp"));
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway native");
	assert_non_null(strstr(output("ip rule"), "lookup 5101"));
	engine->ops->close(engine, true);
	nothing_left();
}

static void missing_device(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = NULL;

	strcpy(policy.port[0].device, "eth77");
	assert_int_equal(sl_xdp_open(&as, &engine, why, sizeof(why)), -ENODEV);
	assert_string_equal(why, "tills: no device eth77");
	assert_null(engine);
	nothing_left();
}

static void wire(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = NULL;

	policy.placement = SL_PLACEMENT_WIRE;
	assert_int_equal(sl_xdp_open(&as, &engine, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "placement wire needs engine kind dpdk");
	gateway_policy();
	engine = open_as(&as);
	policy.placement = SL_PLACEMENT_WIRE;
	assert_int_equal(sl_xdp_place(engine, &policy, why, sizeof(why)), -EINVAL);
	assert_string_equal(engine->ops->port(engine, 0), "tills lan0 gateway native");
	engine->ops->close(engine, true);
	nothing_left();
}

static void somebody_elses_program(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = NULL;
	struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 2},
				  {.code = BPF_JMP | BPF_EXIT}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "theirs", "GPL", pass, 2, NULL);
	int ifindex = (int)if_nametoindex("lan0");

	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(sl_xdp_open(&as, &engine, why, sizeof(why)), -EBUSY);
	assert_string_equal(why, "tills: device lan0 already has another XDP program");
	assert_int_equal(bpf_xdp_detach(ifindex, 0, NULL), 0); /* theirs was left alone */
	close(fd);
	nothing_left();
}

static void tables_swap(void **state)
{
	struct sl_xdp_config as = config();
	struct sl_engine *engine = open_as(&as);
	struct sl_tables standing;

	tables.generation = 8;
	assert_int_equal(engine->ops->apply(engine, &tables), 0);
	assert_int_equal(engine->ops->tables(engine)->generation, 8);
	engine->ops->tables(engine)->knobs.bypass = 1; /* in place, while it stands */
	assert_int_equal(sl_xdp_standing(PINS, &standing), 0);
	assert_int_equal(standing.knobs.bypass, 1);
	send_frames("client0", 3);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 0);
	engine->ops->tables(engine)->knobs.bypass = 0;
	send_frames("client0", 3);
	assert_int_equal(packets(engine, SL_SIDE_LAN), 3);
	for (int i = 0; i < 400; i++)
		assert_true(sl_xdp_sweep(engine) >= 0);
	engine->ops->close(engine, true);
}

static const struct row {
	const char *name;
	CMUnitTestFunction run;
} rows[] = {
	{"on, counting, and off", on_and_off},
	{"killed: traffic is measured on, the next process takes over", killed},
	{"generic on request", generic},
	{"clsact where there is no TCX", without_tcx},
	{"tap: both directions of every port", tap},
	{"a device goes and comes back", device_away_and_back},
	{"an uplink goes down and comes back", route_away_and_back},
	{"another policy takes a port off", another_policy},
	{"a device that does not exist", missing_device},
	{"a wire is not for XDP", wire},
	{"somebody else's program stays", somebody_elses_program},
	{"tables swapped, knobs in place, sweeps", tables_swap},
};

int main(void)
{
	struct CMUnitTest tests[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tests[i] = (struct CMUnitTest){rows[i].name, rows[i].run, fresh, clean, NULL};
	return _cmocka_run_group_tests("attach", tests, sizeof(rows) / sizeof(rows[0]), namespaces,
				       NULL);
}
