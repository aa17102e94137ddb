/*
 * doctor_test.c - from facts to findings: one row a way in which a machine is not fit
 */
#include "tests/unit/row.h"

#include "control/cli/doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(capability) (UINT64_C(1) << (capability))

static struct sl_facts facts;
static struct sl_policy policy;
static struct sl_findings findings;

/* A machine that is fit: a NIC to the LAN, one to the WAN, a Redis as README starts it. */
static void fit(void)
{
	memset(&facts, 0, sizeof(facts));
	memset(&policy, 0, sizeof(policy));
	policy.placement = SL_PLACEMENT_GATEWAY;
	facts.policy = &policy;
	facts.policy_file = "store.yaml";
	facts.host = (struct sl_facts_host){
		.capabilities = BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON),
		.kernel = "6.1.0-13-amd64",
		.kernel_major = 6,
		.kernel_minor = 1,
		.btf = true,
		.bpffs = true,
		.jit = 1,
		.lockdown = "none",
		.clock = 1,
		.ip_forward = 1,
		.rp_filter_all = 2,
		.nat = 1,
		.huge_pages_free = 512,
		.huge_page_bytes = 2 << 20,
		.state_dir = "/var/lib",
		.state_free_bytes = UINT64_C(10) << 30,
		.cpus = 4,
	};
	facts.ports = 2;
	for (int i = 0; i < 2; i++)
		facts.port[i] = (struct sl_facts_port){.uplink = i == 1,
						       .kernels = true,
						       .exists = true,
						       .up = true,
						       .carrier = true,
						       .driver = "igc",
						       .has_features = true,
						       .features = SL_FACTS_XDP_BASIC,
						       .queues_rx = 4,
						       .queues_most = 4,
						       .mtu = 1500,
						       .speed_mbit = 1000,
						       .rp_filter = 0};
	snprintf(facts.port[0].name, SL_NAME_MAX, "lan0");
	snprintf(facts.port[0].device, SL_DEVICE_MAX, "eth1");
	snprintf(facts.port[1].name, SL_NAME_MAX, "fibre");
	snprintf(facts.port[1].device, SL_DEVICE_MAX, "eth0");
	facts.redis_named = facts.redis_answers = true;
	facts.redis = "unix:/run/s";
	facts.socket_mode = 0700;
	facts.server = (struct sl_bus_server_report){.version = "7.0.15",
						     .maxmemory_policy = "noeviction",
						     .has_config = true};
}

#define PORT  (&facts.port[1])
#define HOST  (&facts.host)
#define REDIS (&facts.server)

/* clang-format off */
#define CHANGE(name, ...) static void name(void) { __VA_ARGS__; }
CHANGE(none, (void)0)
CHANGE(no_rights, HOST->capabilities = 0)
CHANGE(admin, HOST->capabilities = BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN))
CHANGE(no_net, HOST->capabilities &= ~BIT(CAP_NET_ADMIN))
CHANGE(kernel_old, HOST->kernel_major = 5; HOST->kernel_minor = 10)
CHANGE(kernel_515, HOST->kernel_major = 5; HOST->kernel_minor = 15)
CHANGE(kernel_10, HOST->kernel_major = 10; HOST->kernel_minor = 0)
CHANGE(no_btf, HOST->btf = false)
CHANGE(no_bpffs, HOST->bpffs = false)
CHANGE(no_jit, HOST->jit = 0)
CHANGE(locked, snprintf(HOST->lockdown, 20, "confidentiality"))
CHANGE(locked_dpdk, locked(); policy.engine.kind = SL_ENGINE_DPDK)
CHANGE(clock_off, HOST->clock = 0)
CHANGE(clock_unknown, HOST->clock = SL_FACTS_UNKNOWN)
CHANGE(disk_full, HOST->state_free_bytes = 1 << 20)
CHANGE(disk_low, HOST->state_free_bytes = 100 << 20)
CHANGE(disk_readonly, HOST->state_error = EROFS)
CHANGE(dpdk, policy.engine.kind = SL_ENGINE_DPDK)
CHANGE(dpdk_no_pages, dpdk(); HOST->huge_pages_free = 10)
CHANGE(dpdk_ordinary, dpdk(); policy.engine.no_huge_pages = true)
CHANGE(dpdk_device, dpdk(); PORT->kernels = false; PORT->exists = false)
CHANGE(dpdk_copies, dpdk(); policy.engine.driver = SL_DRIVER_AF_PACKET)
CHANGE(dpdk_copies_alone, dpdk_copies(); HOST->ip_forward = 0)
CHANGE(dpdk_copies_tap, dpdk_copies(); policy.placement = SL_PLACEMENT_TAP)
CHANGE(dpdk_af_xdp, dpdk(); policy.engine.driver = SL_DRIVER_AF_XDP)
CHANGE(no_pages, HOST->huge_pages_free = 0)
CHANGE(no_forward, HOST->ip_forward = 0)
CHANGE(tap_no_forward, HOST->ip_forward = 0; HOST->nat = 0; policy.placement = SL_PLACEMENT_TAP)
CHANGE(no_nat, HOST->nat = 0)
CHANGE(nat_unknown, HOST->nat = SL_FACTS_UNKNOWN)
CHANGE(gone, PORT->exists = false)
CHANGE(down, PORT->up = PORT->carrier = false)
CHANGE(unplugged, PORT->carrier = false)
CHANGE(half, PORT->half_duplex = 1)
CHANGE(no_native, PORT->features = 0; snprintf(PORT->driver, 32, "r8169"))
CHANGE(jumbo, PORT->mtu = 9000)
CHANGE(jumbo_generic, no_native(); jumbo())
CHANGE(guess, PORT->has_features = false)
CHANGE(guess_no, PORT->has_features = false; snprintf(PORT->driver, 32, "qmi_wwan"))
CHANGE(taken, PORT->attached = 1)
CHANGE(taken_reflector, taken(); policy.reflector.allows = 1)
CHANGE(few_queues, PORT->queues_rx = 1)
CHANGE(few_queues_most, PORT->queues_rx = 1; PORT->queues_most = 2)
CHANGE(one_queue, PORT->queues_rx = PORT->queues_most = 1)
CHANGE(vlan, snprintf(PORT->kind, 20, "vlan"))
CHANGE(bridge, snprintf(PORT->kind, 20, "bridge"))
CHANGE(member, snprintf(PORT->master, 16, "br0"); snprintf(PORT->master_kind, 20, "bridge"))
CHANGE(lro, PORT->lro = 1)
CHANGE(strict, PORT->rp_filter = 1; HOST->rp_filter_all = 0)
CHANGE(strict_all, HOST->rp_filter_all = 1)
CHANGE(loose_over_strict, PORT->rp_filter = 2; HOST->rp_filter_all = 1)
CHANGE(strict_lan, facts.port[0].rp_filter = 1; HOST->rp_filter_all = 0)
CHANGE(by_ssh, facts.has_ssh = true; snprintf(facts.ssh_address, 64, "192.0.2.7"); PORT->carries_ssh = true)
CHANGE(by_ssh_confirmed, by_ssh(); facts.confirm_s = 60)
CHANGE(ssh_elsewhere, facts.has_ssh = true)
CHANGE(ssh_and_broken, by_ssh(); HOST->btf = false)
CHANGE(no_policy, facts.policy = NULL; facts.ports = 0)
CHANGE(no_redis, facts.redis_named = false)
CHANGE(redis_dead, facts.redis_answers = false; snprintf(facts.redis_why, 256, "connection refused"))
CHANGE(redis_old, snprintf(REDIS->version, 32, "6.2.14"))
CHANGE(redis_unpatched, snprintf(REDIS->version, 32, "7.0.11"))
CHANGE(redis_newer, snprintf(REDIS->version, 32, "8.2.1"))
CHANGE(redis_other, snprintf(REDIS->version, 32, "valkey"))
CHANGE(evicts, snprintf(REDIS->maxmemory_policy, 32, "allkeys-lru"); REDIS->maxmemory_bytes = 1 << 20)
CHANGE(may_evict, snprintf(REDIS->maxmemory_policy, 32, "allkeys-lru"))
CHANGE(snapshots, REDIS->snapshots = REDIS->stops_on_error = true)
CHANGE(append_only, REDIS->append_only = true)
CHANGE(open_port, REDIS->port = 6379)
CHANGE(loopback, REDIS->port = 6379; REDIS->protected_mode = true)
CHANGE(password, REDIS->port = 6379; REDIS->has_password = true)
CHANGE(open_socket, facts.socket_mode = 0777)
CHANGE(no_config, REDIS->has_config = false)
/* clang-format on */

static const struct row {
	const char *name;
	void (*change)(void);
	int code;
	enum sl_doctor_grade grade; /* of the finding below */
	const char *check, *found, *cure;
} rows[] = {
	{"rights", none, 0, SL_DOCTOR_OK, "rights", "CAP_BPF", ""},
	{"no rights", no_rights, 7, SL_DOCTOR_FAIL, "rights",
	 "missing: CAP_BPF CAP_NET_ADMIN CAP_PERFMON", "setcap"},
	{"CAP_SYS_ADMIN stands for the newer two", admin, 0, SL_DOCTOR_OK, "rights", "", ""},
	{"one right is missing", no_net, 7, SL_DOCTOR_FAIL, "rights", "missing: CAP_NET_ADMIN", ""},
	{"kernel too old", kernel_old, 7, SL_DOCTOR_FAIL, "kernel", "Linux 6.1.0", "newer kernel"},
	{"kernel not tested", kernel_515, 0, SL_DOCTOR_WARN, "kernel", "Linux", "newer kernel"},
	{"kernel of the future", kernel_10, 0, SL_DOCTOR_OK, "kernel", "Linux", ""},
	{"no BTF", no_btf, 7, SL_DOCTOR_FAIL, "BTF", "no /sys/kernel/btf/vmlinux", "CONFIG_DEBUG"},
	{"no bpffs", no_bpffs, 7, SL_DOCTOR_FAIL, "bpffs", "not a BPF", "mount -t bpf bpf"},
	{"no JIT", no_jit, 0, SL_DOCTOR_WARN, "BPF JIT", "off", "bpf_jit_enable=1"},
	{"lockdown does not touch XDP", locked, 0, SL_DOCTOR_OK, "lockdown", "confidentiality", ""},
	{"lockdown and DPDK", locked_dpdk, 0, SL_DOCTOR_WARN, "lockdown", "confidentiality",
	 "vfio-pci"},
	{"clock not in step", clock_off, 0, SL_DOCTOR_WARN, "clock", "not in step", "chrony"},
	{"clock not known", clock_unknown, 0, SL_DOCTOR_SKIP, "clock", "does not tell", ""},
	{"no room", disk_full, 7, SL_DOCTOR_FAIL, "state folder", "1 MiB are free", "--state DIR"},
	{"little room", disk_low, 0, SL_DOCTOR_WARN, "state folder", "100 MiB", "make room"},
	{"read-only", disk_readonly, 7, SL_DOCTOR_FAIL, "state folder", "Read-only", "--state"},
	{"huge pages are DPDK's matter", no_pages, 0, SL_DOCTOR_OK, "clock", "", ""},
	{"DPDK with huge pages", dpdk, 0, SL_DOCTOR_OK, "huge pages", "1024 MiB", ""},
	{"DPDK without", dpdk_no_pages, 7, SL_DOCTOR_FAIL, "huge pages", "20 MiB are free",
	 "vm.nr_hugepages"},
	{"DPDK on ordinary memory", dpdk_ordinary, 0, SL_DOCTOR_WARN, "huge pages", "not used",
	 "policy"},
	{"a device of EAL", dpdk_device, 0, SL_DOCTOR_SKIP, "fibre (eth0) device", "DPDK", ""},
	{"forwarding off", no_forward, 7, SL_DOCTOR_FAIL, "forwarding", "off", "ip_forward=1"},
	{"DPDK forwards by copies, and the kernel does as well", dpdk_copies, 0, SL_DOCTOR_WARN,
	 "forwarding", "on, beside a DPDK gateway", "ip_forward=0"},
	{"DPDK forwards by copies, alone", dpdk_copies_alone, 0, SL_DOCTOR_OK, "forwarding", "off",
	 ""},
	{"a tap forwards nothing", tap_no_forward, 0, SL_DOCTOR_OK, "clock", "", ""},
	{"no NAT", no_nat, 0, SL_DOCTOR_WARN, "NAT", "no masquerade", "masquerade"},
	{"NAT not known", nat_unknown, 0, SL_DOCTOR_SKIP, "NAT", "could not be listed", ""},
	{"a device that is not there", gone, 7, SL_DOCTOR_FAIL, "fibre (eth0) device",
	 "there is no eth0", "ip -br link"},
	{"link", none, 0, SL_DOCTOR_OK, "fibre (eth0) link", "up, 1000 Mbit/s, MTU 1500", ""},
	{"link down", down, 7, SL_DOCTOR_FAIL, "fibre (eth0) link", "down", "ip link set eth0 up"},
	{"no carrier", unplugged, 0, SL_DOCTOR_WARN, "fibre (eth0) link", "no carrier", "cable"},
	{"half duplex", half, 0, SL_DOCTOR_WARN, "fibre (eth0) link", "half duplex", "negotiate"},
	{"native XDP, told", none, 0, SL_DOCTOR_OK, "fibre (eth0) XDP", "native (driver igc)", ""},
	{"generic XDP, told", no_native, 0, SL_DOCTOR_WARN, "fibre (eth0) XDP",
	 "generic only (driver r8169)", "CPU keeps up"},
	{"native, a guess that says so", guess, 0, SL_DOCTOR_OK, "fibre (eth0) XDP",
	 "to judge by its name (driver igc)", ""},
	{"generic, a guess that says so", guess_no, 0, SL_DOCTOR_WARN, "fibre (eth0) XDP",
	 "probably generic (driver qmi_wwan)", "status"},
	{"jumbo frames", jumbo, 0, SL_DOCTOR_WARN, "fibre (eth0) MTU", "9000", "3498"},
	{"jumbo frames where XDP is generic anyway", jumbo_generic, 0, SL_DOCTOR_WARN,
	 "fibre (eth0) XDP", "generic only", ""},
	{"an XDP program is there", taken, 0, SL_DOCTOR_WARN, "fibre (eth0) XDP program",
	 "there is one", "bpftool net"},
	{"where the reflector's would be", taken_reflector, 0, SL_DOCTOR_WARN,
	 "fibre (eth0) XDP program", "on an uplink that reflects STAMP", "bpftool net"},
	{"fewer queues than CPUs", few_queues, 0, SL_DOCTOR_WARN, "fibre (eth0) queues",
	 "1 of 4, 4 CPUs", "ethtool -L eth0 combined 4"},
	{"as many as it can", few_queues_most, 0, SL_DOCTOR_WARN, "fibre (eth0) queues", "1 of 2",
	 "combined 2"},
	{"it has no more", one_queue, 0, SL_DOCTOR_OK, "fibre (eth0) queues", "1, 4 CPUs", ""},
	{"a VLAN device", vlan, 0, SL_DOCTOR_WARN, "fibre (eth0) kind", "VLAN", "vlan:"},
	{"a bridge", bridge, 0, SL_DOCTOR_WARN, "fibre (eth0) kind", "a bridge", "ports"},
	{"a member of a bridge", member, 0, SL_DOCTOR_WARN, "fibre (eth0) kind",
	 "a member of br0 (bridge)", "name br0 in the policy instead of eth0"},
	{"LRO", lro, 7, SL_DOCTOR_FAIL, "fibre (eth0) LRO", "on", "ethtool -K eth0 lro off"},
	{"strict rp_filter", strict, 7, SL_DOCTOR_FAIL, "fibre (eth0) rp_filter", "1",
	 "net.ipv4.conf.eth0.rp_filter=2"},
	{"strict for all", strict_all, 7, SL_DOCTOR_FAIL, "fibre (eth0) rp_filter", "1", "all.rp"},
	{"the looser of the two counts", loose_over_strict, 0, SL_DOCTOR_OK,
	 "fibre (eth0) rp_filter", "not strict", ""},
	{"strict on the LAN does no harm", strict_lan, 0, SL_DOCTOR_OK, "fibre (eth0) rp_filter",
	 "not strict", ""},
	{"ssh comes in by it", by_ssh, 5, SL_DOCTOR_REFUSE, "fibre (eth0) ssh", "(192.0.2.7)",
	 "--confirm-within 60"},
	{"ssh, with a way back", by_ssh_confirmed, 0, SL_DOCTOR_WARN, "fibre (eth0) ssh",
	 "(192.0.2.7)", "timeout 60 storeline-dataplane run --policy store.yaml --detach-on-exit"},
	{"ssh by another device", ssh_elsewhere, 0, SL_DOCTOR_OK, "clock", "", ""},
	{"ssh goes over failures", ssh_and_broken, 5, SL_DOCTOR_FAIL, "BTF", "", ""},
	{"no policy", no_policy, 0, SL_DOCTOR_SKIP, "devices", "no policy", ""},
	{"no Redis named", no_redis, 0, SL_DOCTOR_SKIP, "Redis", "no address", ""},
	{"Redis is dead", redis_dead, 7, SL_DOCTOR_FAIL, "Redis", "nobody answers at unix:/run/s",
	 "redis-server --port 0"},
	{"Redis too old", redis_old, 7, SL_DOCTOR_FAIL, "Redis version", "6.2.14", "apt install"},
	{"Redis not patched", redis_unpatched, 0, SL_DOCTOR_WARN, "Redis version", "7.0.11",
	 "apt upgrade"},
	{"a newer Redis", redis_newer, 0, SL_DOCTOR_OK, "Redis version", "8.2.1", ""},
	{"a version that is none", redis_other, 7, SL_DOCTOR_FAIL, "Redis version", "valkey", ""},
	{"it evicts", evicts, 7, SL_DOCTOR_FAIL, "Redis memory", "allkeys-lru", "noeviction"},
	{"it would evict, without a limit", may_evict, 0, SL_DOCTOR_WARN, "Redis memory",
	 "allkeys-lru", "noeviction"},
	{"snapshots that stop writes", snapshots, 0, SL_DOCTOR_WARN, "Redis disk", "snapshots",
	 "save ''"},
	{"an append-only file", append_only, 0, SL_DOCTOR_OK, "Redis disk", "append-only", ""},
	{"an open port", open_port, 7, SL_DOCTOR_FAIL, "Redis access",
	 "no password, protected-mode", "--port 0"},
	{"a port on loopback", loopback, 0, SL_DOCTOR_WARN, "Redis access", "loopback", "--port 0"},
	{"a port with a password", password, 0, SL_DOCTOR_OK, "Redis access", "password", ""},
	{"an open socket", open_socket, 0, SL_DOCTOR_WARN, "Redis access", "(777)", "700"},
	{"CONFIG is barred", no_config, 0, SL_DOCTOR_SKIP, "Redis settings", "barred", ""},
};

static const struct sl_finding *finding(const char *check)
{
	for (uint32_t i = 0; i < findings.count; i++)
		if (!strcmp(findings.finding[i].check, check))
			return &findings.finding[i];
	return NULL;
}

static void check(void **state)
{
	const struct row *row = *state;
	const struct sl_finding *found;

	fit();
	row->change();
	sl_doctor_check(&findings, &facts);
	found = finding(row->check);
	assert_non_null(found);
	if (!strstr(found->found, row->found) || !strstr(found->cure, row->cure))
		print_message("%s: %s\n  %s\n", found->check, found->found, found->cure);
	assert_string_equal(sl_doctor_word(found->grade), sl_doctor_word(row->grade));
	assert_non_null(strstr(found->found, row->found));
	assert_non_null(strstr(found->cure, row->cure));
	assert_int_equal(sl_doctor_code(&findings), row->code);
}

/* A fit machine has nothing but ok; and what is not, says its cause and its cure. */
static void all_fit(void **state)
{
	fit();
	sl_doctor_check(&findings, &facts);
	for (uint32_t i = 0; i < findings.count; i++)
		assert_int_equal(findings.finding[i].grade, SL_DOCTOR_OK);
}

static void cause_and_cure(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fit();
		rows[i].change();
		sl_doctor_check(&findings, &facts);
		for (uint32_t k = 0; k < findings.count; k++) {
			const struct sl_finding *each = &findings.finding[k];

			if (each->grade < SL_DOCTOR_WARN)
				continue;
			assert_true(each->cause[0] != '\0');
			assert_true(each->cure[0] != '\0');
		}
	}
}

/* What one row is about: jumbo frames say nothing where XDP is generic anyway. */
static void said_once(void **state)
{
	fit();
	jumbo_generic();
	sl_doctor_check(&findings, &facts);
	assert_null(finding("fibre (eth0) MTU"));
	fit();
	no_pages();
	sl_doctor_check(&findings, &facts);
	assert_null(finding("huge pages"));
	fit();
	tap_no_forward();
	sl_doctor_check(&findings, &facts);
	assert_null(finding("forwarding"));
	/* What DPDK takes is a copy only with af_packet; and a tap's is thrown away. */
	for (int i = 0; i < 2; i++) {
		fit();
		(i ? dpdk_copies_tap : dpdk_af_xdp)();
		sl_doctor_check(&findings, &facts);
		assert_null(finding("forwarding"));
	}
}

/* More devices than there is room for findings: the list ends, nothing is overwritten. */
static void full(void **state)
{
	fit();
	for (uint32_t i = 0; i < SL_FACTS_PORTS_MAX; i++) {
		by_ssh_confirmed();
		facts.port[i] = facts.port[1];
		facts.port[i].lro = facts.port[i].attached = 1;
		facts.port[i].mtu = 9000;
	}
	facts.ports = SL_FACTS_PORTS_MAX;
	sl_doctor_check(&findings, &facts);
	assert_in_range(findings.count, 100, SL_FINDINGS_MAX);
	assert_non_null(finding("Redis access"));
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	SL_ROWS_ADD(tests, rows, check);
	sl_row_add(tests, "a fit machine", all_fit, NULL);
	sl_row_add(tests, "cause and cure", cause_and_cure, NULL);
	sl_row_add(tests, "what does not matter is not said", said_once, NULL);
	sl_row_add(tests, "many devices", full, NULL);
	failed = sl_row_run("control doctor", tests);
	free(tests);
	return failed;
}
