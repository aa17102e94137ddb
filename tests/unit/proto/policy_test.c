/*
 * policy_test.c - what a policy may say, that it is written back, what a diff says
 *
 * What a policy may not say is policy_refuse_test.c.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

/* DESIGN.md 8; names are policy_names_test.c. */
static const char example[] =
	"site: store-0421\n"
	"mode: enforce\n"
	"ports:\n"
	"  lan0: {device: eth1, role: lan}\n"
	"uplinks:\n"
	"  fibre: {device: eth0, gateway: 192.0.2.1, capacity: 500mbit}\n"
	"  lte:   {device: wwan0, gateway: 198.51.100.1, capacity: 40mbit, metered: {monthly: "
	"5GB}}\n"
	"services:\n"
	"  pos:\n"
	"    match:\n"
	"      - {vlan: 20}\n"
	"      - {dst: 203.0.113.0/24, port: [tcp/443, tcp/7003]}\n"
	"    slo: {latency_p95: 80ms, loss: 0.5%, failures: 1%, window: 1s}\n"
	"    uplinks: [fibre, lte]\n"
	"    priority: critical\n"
	"  wifi-guest:\n"
	"    match: [{src: 10.42.64.0/18}]\n"
	"    slo: {latency_p95: 250ms, loss: 2%}\n"
	"    uplinks: [fibre]\n"
	"    throttle: {floor: 2mbit}\n"
	"guardrails: {actions_per_minute: 6, hold_down: 30s}\n";

/* Every key there is, but for the engine and pairs (policy_engine_test.c), and names and
 * tunnels (policy_names_test.c). */
static const char rich[] =
	"version: 41\n"
	"site: dc.north_1\n"
	"mode: shadow\n"
	"placement: gateway\n"
	"services:\n" /* before what it names */
	"  voice:\n"
	"    match:\n"
	"      - {in: lan0, vlan: 0, dscp: EF, src: [10.0.0.0/8, \"2001:db8::/32\"]}\n"
	"      - {port: [udp/1000-2000, tcp, icmp, icmpv6, sctp/9], dst: [0.0.0.0/0, 192.0.2.7]}\n"
	"      - {dscp: 45}\n"
	"    slo: {latency_p99: 1500us, window: 100ms}\n"
	"    uplinks: [b, a]\n"
	"    priority: high\n"
	"    remark: {dscp: af41}\n"
	"    flow_share: 33.3333%\n"
	"    pinned: [b]\n"
	"    reset: true\n"
	"  bulk:\n"
	"    match: [{dst: \"::/0\"}]\n"
	"    slo: {failures: 100%}\n"
	"    uplinks: b\n"
	"    priority: background\n"
	"    throttle: {floor: 64kbit}\n"
	"ports:\n"
	"  lan0: {device: br-lan.7, role: lan}\n"
	"  up0: {device: eth0, role: uplink}\n"
	"  tap0: {device: eth9, role: mirror}\n"
	"uplinks:\n"
	"  a: {device: eth0, gateway: 192.0.2.1, gateway6: \"fe80::1\", capacity: 2.5gbit}\n"
	"  b: {device: ppp0, metered: true, kind: dsl, mtu: 1492}\n"
	"guardrails: {actions_per_minute: 0, hold_down: 2min, revert: auto}\n";

static const char tap[] = "site: s\n"
			  "ports: {m: {device: eth0, role: mirror}}\n"
			  "services: {pos: {match: [{vlan: 20}]}}\n";

static void must_read(struct sl_policy *policy, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(policy, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s", why);
}

static void reads_the_example(void **state)
{
	struct sl_policy policy;
	const struct sl_policy_service *pos = &policy.service[0], *guest = &policy.service[1];

	must_read(&policy, example);
	assert_string_equal(policy.site, "store-0421");
	assert_int_equal(policy.version, 0);
	assert_int_equal(policy.mode, SL_MODE_ENFORCE);
	assert_int_equal(policy.placement, SL_PLACEMENT_GATEWAY);
	assert_int_equal(policy.ports, 1);
	assert_string_equal(policy.port[0].name, "lan0");
	assert_string_equal(policy.port[0].device, "eth1");
	assert_int_equal(policy.port[0].role, SL_ROLE_LAN);
	assert_int_equal(policy.uplinks, 2);
	assert_string_equal(policy.uplink[0].gateway, "192.0.2.1");
	assert_int_equal(policy.uplink[0].capacity_bps, 500000000);
	assert_false(policy.uplink[0].metered);
	assert_true(policy.uplink[1].metered);
	assert_int_equal(policy.uplink[1].monthly_bytes, 5000000000);
	assert_int_equal(policy.services, 2);
	assert_int_equal(policy.matches, 3);
	assert_int_equal(pos->matches, 2);
	assert_int_equal(pos->slo.latency_ns, 80000000);
	assert_int_equal(pos->slo.latency_quantile_ppm, 950000);
	assert_int_equal(pos->slo.loss_ppm, 5000);
	assert_int_equal(pos->slo.failures_ppm, 10000);
	assert_int_equal(pos->slo.window_ms, 1000);
	assert_int_equal(pos->uplinks, 2);
	assert_int_equal(pos->uplink[1], 1);
	assert_int_equal(pos->priority, 3);
	assert_int_equal(guest->first_match, 2);
	assert_int_equal(guest->slo.failures_ppm, UINT32_MAX);
	assert_int_equal(guest->priority, 1);
	assert_true(guest->may_throttle);
	assert_int_equal(guest->throttle_floor_bps, 2000000);
	assert_int_equal(policy.guardrails.actions_per_minute, 6);
	assert_int_equal(policy.guardrails.hold_down_ms, 30000);
	assert_int_equal(policy.guardrails.revert, SL_REVERT_ADVISE);
}

static void reads_matches(void **state)
{
	static const uint8_t ten[16] = {[10] = 0xff, [11] = 0xff, [12] = 10};
	static const uint8_t doc[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct sl_policy policy;
	const struct sl_policy_match *match = policy.match;

	must_read(&policy, rich);
	assert_true(match[0].has_in && match[0].has_vlan && match[0].has_dscp);
	assert_int_equal(match[0].in_port, 0);
	assert_int_equal(match[0].vlan, 0);
	assert_int_equal(match[0].dscp, 46);
	assert_int_equal(match[0].line, 8);
	assert_int_equal(match[0].srcs, 2);
	assert_memory_equal(match[0].src[0].address, ten, 16);
	assert_int_equal(match[0].src[0].bits, 104);
	assert_memory_equal(match[0].src[1].address, doc, 16);
	assert_int_equal(match[0].src[1].bits, 32);
	assert_false(match[1].has_in || match[1].has_vlan || match[1].has_dscp);
	assert_int_equal(match[1].l4s, 5);
	assert_int_equal(match[1].l4[0].proto, IPPROTO_UDP);
	assert_int_equal(match[1].l4[0].port_min, 1000);
	assert_int_equal(match[1].l4[0].port_max, 2000);
	assert_int_equal(match[1].l4[1].port_min, 0);
	assert_int_equal(match[1].l4[1].port_max, 65535);
	assert_int_equal(match[1].l4[3].proto, IPPROTO_ICMPV6);
	assert_int_equal(match[1].l4[4].port_max, 9);
	assert_int_equal(match[1].dst[0].bits, 96);
	assert_int_equal(match[1].dst[1].bits, 128);
	assert_int_equal(match[3].dst[0].bits, 0);
	assert_int_equal(policy.service[0].remark_dscp, 34);
	assert_int_equal(policy.service[0].flow_share_ppm, 333333);
	assert_int_equal(policy.service[0].slo.latency_ns, 1500000);
	assert_int_equal(policy.service[0].slo.latency_quantile_ppm, 990000);
	assert_int_equal(policy.service[0].pinned, 1 << 1);
	assert_true(policy.service[0].reset);
	assert_int_equal(policy.guardrails.revert, SL_REVERT_AUTO);
	assert_int_equal(policy.service[1].pinned, 0);
	assert_false(policy.service[1].reset);
	assert_int_equal(policy.uplink[0].kind, SL_UPLINK_OTHER);
	assert_int_equal(policy.uplink[1].kind, SL_UPLINK_DSL);
	assert_int_equal(policy.uplink[1].mtu, 1492);
}

static const struct good_row {
	const char *name;
	const char *yaml;
} good_rows[] = {
	{"the example of DESIGN.md", example},
	{"every key there is", rich},
	{"a tap without uplinks", tap},
	{"no services", "site: s\nports: {l: {device: e, role: lan}}\n"},
	{"placement tap said where a gateway could be",
	 "site: s\nplacement: tap\nports: {l: {device: e, role: lan}}\n"
	 "uplinks: {f: {device: g}}\nservices: {pos: {match: [{vlan: 1}]}}\n"},
	{"quoted values and comments",
	 "site: \"s\" # the shop\nports: {'l': {device: 'e', role: \"lan\"}}\n"},
	{"JSON is YAML",
	 "{\"site\": \"s\", \"ports\": {\"l\": {\"device\": \"e\", \"role\": \"lan\"}}}"},
};

/* What is equal but for where it stood in the file. */
static void forget_lines(struct sl_policy *policy)
{
	for (uint32_t i = 0; i < policy->matches; i++)
		policy->match[i].line = 0;
}

static void round_trip(void **state)
{
	const struct good_row *row = *state;
	struct sl_policy before, after;
	char *yaml, *again, *diff;

	must_read(&before, row->yaml);
	yaml = sl_policy_write(&before);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	again = sl_policy_write(&after);
	forget_lines(&before);
	forget_lines(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_string_equal(diff, "");
	assert_string_equal(yaml, again);
	free(yaml);
	free(again);
	free(diff);
}

/* Any bytes: no crash, and what is read can be written and read again. */
static void mutated_at_random(void **state)
{
	uint64_t seed = 421;
	char text[sizeof(rich)], why[512];

	for (int turn = 0; turn < 5000; turn++) {
		struct sl_policy policy;
		char *yaml;

		memcpy(text, rich, sizeof(text));
		for (int i = 0; i < 3; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % (sizeof(text) - 1)] =
				"{}[]:,-&*!#\"'\n\t 0129azAZ%/\x80"[(seed >> 20) % 26];
		}
		if (sl_policy_read(&policy, text, sizeof(text) - 1, "t", why, sizeof(why)))
			continue;
		yaml = sl_policy_write(&policy);
		must_read(&policy, yaml);
		free(yaml);
	}
}

static const struct diff_row {
	const char *name;
	const char *from, *to; /* replaced in the example */
	const char *diff;
} diff_rows[] = {
	{"nothing", "site", "site", ""},
	{"a default that is said", "mode: enforce\n", "mode: enforce\nplacement: gateway\n", ""},
	{"a limit", "loss: 0.5%", "loss: 1%", "services.pos.slo.loss: 0.5% -> 1%\n"},
	{"a mode", "mode: enforce", "mode: shadow", "mode: enforce -> shadow\n"},
	{"preferences", "[fibre, lte]", "[lte]", "services.pos.uplinks: [fibre, lte] -> [lte]\n"},
	{"an element of a match", "{vlan: 20}", "{vlan: 30}",
	 "services.pos.match: removed {vlan: 20}\nservices.pos.match: added {vlan: 30}\n"},
	{"a limit taken away", ", failures: 1%", "", "services.pos.slo.failures: removed 1%\n"},
	{"a service renamed", "  wifi-guest:\n", "  guest:\n",
	 "services.wifi-guest: removed\n"
	 "services.guest: added\n"
	 "services.guest.match: added {src: [10.42.64.0/18]}\n"
	 "services.guest.slo.latency_p95: added 250ms\n"
	 "services.guest.slo.loss: added 2%\n"
	 "services.guest.slo.window: added 1s\n"
	 "services.guest.uplinks: added [fibre]\n"
	 "services.guest.priority: added normal\n"
	 "services.guest.throttle.floor: added 2mbit\n"},
	{"a port added", "  lan0: {device: eth1, role: lan}\n",
	 "  lan0: {device: eth1, role: lan}\n  m: {device: eth3, role: mirror}\n",
	 "ports.m: added\nports.m.device: added eth3\nports.m.role: added mirror\n"},
	{"what carries an uplink, and its MTU", "capacity: 500mbit",
	 "capacity: 500mbit, kind: fibre, mtu: 1500",
	 "uplinks.fibre.kind: added fibre\nuplinks.fibre.mtu: added 1500\n"},
	{"what its far side makes of DSCPs", "capacity: 500mbit",
	 "capacity: 500mbit, dscp: honoured", "uplinks.fibre.dscp: added honoured\n"},
	{"where the far end lets it in", "priority: critical",
	 "priority: critical\n    pinned: lte", "services.pos.pinned: added [lte]\n"},
	{"a guardrail", "hold_down: 30s", "hold_down: 1500ms",
	 "guardrails.hold_down: 30s -> 1500ms\n"},
	{"a policy that may be taken back", "hold_down: 30s", "hold_down: 30s, revert: auto",
	 "guardrails.revert: advise -> auto\n"},
};

static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *made;

	assert_non_null(at);
	assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
	return made;
}

static void differs(void **state)
{
	const struct diff_row *row = *state;
	struct sl_policy before, after;
	char *yaml = replaced(example, row->from, row->to), *diff;

	must_read(&before, example);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	assert_string_equal(diff, row->diff);
	free(yaml);
	free(diff);
}

static void tells_another_order(void **state)
{
	static const char head[] = "site: s\nports: {l: {device: e, role: lan}}\n"
				   "uplinks: {f: {device: g}}\nservices:\n";
	static const char pos[] = "  pos: {match: [{vlan: 1}], uplinks: [f]}\n";
	static const char bulk[] = "  bulk: {match: [{vlan: 2}], uplinks: [f]}\n";
	struct sl_policy before, after;
	char yaml[512], *diff;

	snprintf(yaml, sizeof(yaml), "%s%s%s", head, pos, bulk);
	must_read(&before, yaml);
	snprintf(yaml, sizeof(yaml), "%s%s%s", head, bulk, pos);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	assert_string_equal(diff, "services: order pos, bulk -> bulk, pos\n");
	free(diff);
}

static void finds_by_name(void **state)
{
	struct sl_policy policy;

	must_read(&policy, example);
	assert_int_equal(sl_policy_service_index(&policy, "wifi-guest"), 1);
	assert_int_equal(sl_policy_service_index(&policy, "other"), SL_POLICY_OTHER);
	assert_int_equal(sl_policy_service_index(&policy, "x"), -1);
	assert_int_equal(sl_policy_uplink_index(&policy, "lte"), 1);
	assert_int_equal(sl_policy_uplink_index(&policy, ""), -1);
}

static void loads_a_file(void **state)
{
	char folder[] = "/tmp/sl-policy-XXXXXX", file[64], why[256], expected[128];
	struct sl_policy policy;
	FILE *out;

	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/p.yaml", folder);
	assert_int_equal(sl_policy_load(&policy, file, why, sizeof(why)), -ENOENT);
	snprintf(expected, sizeof(expected), "%s: No such file or directory", file);
	assert_string_equal(why, expected);
	assert_int_equal(sl_policy_load(&policy, folder, why, sizeof(why)), -EISDIR);
	out = fopen(file, "w");
	fputs(example, out);
	fclose(out);
	assert_int_equal(sl_policy_load(&policy, file, why, sizeof(why)), 0);
	out = fopen(file, "w");
	fputs("mode: x\n", out);
	fclose(out);
	assert_int_equal(sl_policy_load(&policy, file, why, sizeof(why)), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:1:1: site: is missing\n", file);
	assert_memory_equal(why, expected, strlen(expected));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"the example of DESIGN.md, member by member", reads_the_example},
	{"match clauses, member by member", reads_matches},
	{"5000 mutated policies", mutated_at_random},
	{"another order of services is told", tells_another_order},
	{"finding by name", finds_by_name},
	{"loading a file", loads_a_file},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	SL_ROWS_ADD(&tests, good_rows, round_trip);
	SL_ROWS_ADD(&tests, diff_rows, differs);
	return sl_row_run("proto policy", &tests);
}
