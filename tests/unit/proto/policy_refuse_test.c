/*
 * policy_refuse_test.c - what a policy may not say, in the exact words that name it
 *
 * The rows are the specification of the messages: file, line, column, key, what
 * is wrong; a refused policy leaves the struct as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

#define HEAD \
	"site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g}}\n" /* 3 lines */
#define POS  HEAD "services:\n  pos:\n    uplinks: [f]\n"                          /* 6 lines */
#define GOOD "    match: [{vlan: 1}]\n"                                            /* 7 lines */

static const struct bad_row {
	const char *name;
	const char *yaml;
	const char *why;
} bad_rows[] = {
	{"nothing", "", "t:1:1: policy: is empty"},
	{"only a comment", "# todo\n", "t:1:1: policy: is empty"},
	{"a list", "- site\n", "t:1:1: policy: keys with values are expected here"},
	{"a word", "hello\n", "t:1:1: policy: keys with values are expected here"},
	{"no YAML", "site: [\n", "t:2:1: policy: not YAML: did not find expected node content"},
	{"a tab for indentation", "site: s\nports:\n\tl: 1\n",
	 "t:3:1: policy: not YAML: found character that cannot start any token"},
	{"bytes that are no UTF-8", "site: s\nmode: \xff\xfe\n",
	 "t:1:1: policy: not YAML: invalid leading UTF-8 octet"},
	{"an anchor", "site: &a s\n", "t:1:7: policy: anchors are not allowed"},
	{"an alias bomb", "site: [*a, *a]\n", "t:1:8: policy: aliases are not allowed"},
	{"a tag", "site: !!str s\n", "t:1:7: policy: tags are not allowed"},
	{"a second document", "site: s\n---\nsite: t\n",
	 "t:2:1: policy: a second document is not allowed"},
	{"nested without end", "[[[[[[[[[[[[[[[[[[[[", "t:1:9: policy: nested too deep"},
	{"a merge key", HEAD "<<: {mode: enforce}\n",
	 "t:4:1: <<: unknown key; here can be: site, version, mode, placement, engine, "
	 "tunnels, names, ports, uplinks, services, guardrails, probes, reflector, recorder, history"},
	{"no site and no ports", "mode: observe\n",
	 "t:1:1: site: is missing\nt:1:1: ports: is missing"},
	{"a key twice", "site: s\nmode: shadow\nsite: t\n",
	 "t:3:1: site: is said twice (first in line 1)"},
	{"an unknown key further in", HEAD "guardrails: {hold: 3s}\n",
	 "t:4:14: guardrails.hold: unknown key; here can be: actions_per_minute, moves_per_hour, "
	 "hold_down, revert"},
	{"a key that is a list", HEAD "guardrails: {[a]: 3s}\n",
	 "t:4:14: guardrails: one value is expected here"},
	{"a control character in a key", HEAD "\"\\e[2J\": 1\n",
	 "t:4:1: ?[2J: unknown key; here can be: site, version, mode, placement, engine, "
	 "tunnels, names, ports, uplinks, services, guardrails, probes, reflector, recorder, history"},
	{"a NUL in a value", "site: \"s\\0t\"\nports: {l: {device: e, role: lan}}\n",
	 "t:1:7: site: has a NUL byte"},
	{"a site without a value", "site:\nports: {l: {device: e, role: lan}}\n",
	 "t:1:6: site: has no value"},
	{"a site with a brace", "site: \"a}b\"\nports: {l: {device: e, role: lan}}\n",
	 "t:1:7: site: \"a}b\" is no name: letters, digits, - _ and ., at most 31"},
	{"a site of 32 letters",
	 "site: abcdefghijklmnopqrstuvwxyzabcdef\nports: {l: {device: e, role: lan}}\n",
	 "t:1:7: site: \"abcdefghijklmnopqrstuvwxyzabcdef\" is no name: letters, digits, - _ "
	 "and ., at most 31"},
	{"an unknown mode", HEAD "mode: fight\n",
	 "t:4:7: mode: \"fight\" is not one of observe, shadow, enforce"},
	{"mode as a list", HEAD "mode: [enforce]\n", "t:4:7: mode: one value is expected here"},
	{"version zero", HEAD "version: 0\n",
	 "t:4:10: version: 0 is out of range: 1 to 9223372036854775807"},
	{"version beyond 64 bits", HEAD "version: 18446744073709551616\n",
	 "t:4:10: version: \"18446744073709551616\" is not a whole number"},
	{"enforce on a tap", "site: s\nmode: enforce\nports: {m: {device: e, role: mirror}}\n",
	 "t:2:7: mode: a tap cannot enforce: that needs a port of role lan, an uplink, and "
	 "placement gateway"},
	{"gateway without an uplink",
	 "site: s\nplacement: gateway\nports: {l: {device: e, role: lan}}\n",
	 "t:2:12: placement: gateway needs a port of role lan and an uplink"},
	{"no port at all", "site: s\nports: {}\n", "t:2:8: ports: has no port"},
	{"ports as a list", "site: s\nports: [l]\n",
	 "t:2:8: ports: names with their keys are expected here"},
	{"a port without device and role", "site: s\nports:\n  l: {}\n",
	 "t:3:6: ports.l.device: is missing\nt:3:6: ports.l.role: is missing"},
	{"an unknown role", "site: s\nports: {l: {device: e, role: wan}}\n",
	 "t:2:30: ports.l.role: \"wan\" is not one of lan, uplink, mirror"},
	{"a device too long", "site: s\nports: {l: {device: abcdefghijklmnop, role: lan}}\n",
	 "t:2:21: ports.l.device: \"abcdefghijklmnop\" is no network device: letters, digits, - _ "
	 "and ., at most 15"},
	{"a device with a slash", "site: s\nports: {l: {device: ../e, role: lan}}\n",
	 "t:2:21: ports.l.device: \"../e\" is no network device: letters, digits, - _ and ., at "
	 "most 15"},
	{"one device for two ports",
	 "site: s\nports:\n  l: {device: e, role: lan}\n  m: {device: e, role: mirror}\n",
	 "t:4:15: ports.m.device: e is already the device of port l"},
	{"an uplink on another's device",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks:\n  f: {device: g}\n  h: {device: "
	 "g}\n",
	 "t:5:15: uplinks.h.device: g is already the device of uplink f"},
	{"an uplink on the LAN's device",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: e}}\n",
	 "t:3:23: uplinks.f.device: e is the device of port l, whose role is lan"},
	{"a name with a dot", "site: s\nports: {l.1: {device: e, role: lan}}\n",
	 "t:2:9: ports.l.1: is no name: letters, digits, - and _, at most 31"},
	{"five uplinks",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {a: {device: a}, b: {device: b}, "
	 "c: {device: c}, d: {device: d},\n  x: {device: x}}\n",
	 "t:4:3: uplinks.x: is one too many: at most 4"},
	{"an IPv6 gateway under gateway",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, gateway: fe80::1}}\n",
	 "t:3:35: uplinks.f.gateway: \"fe80::1\" is not an IPv4 address"},
	{"a gateway that is a name",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, gateway6: r1}}\n",
	 "t:3:36: uplinks.f.gateway6: \"r1\" is not an IPv6 address"},
	{"a capacity without a unit",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, capacity: 500}}\n",
	 "t:3:36: uplinks.f.capacity: \"500\" is not a rate such as 40mbit (bit, kbit, mbit, gbit)"},
	{"a capacity with junk after it",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, capacity: "
	 "5mbits}}\n",
	 "t:3:36: uplinks.f.capacity: \"5mbits\" is not a rate such as 40mbit (bit, kbit, mbit, "
	 "gbit)"},
	{"a capacity of nothing",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, capacity: 0bit}}\n",
	 "t:3:36: uplinks.f.capacity: 0bit is out of range: 64kbit to 10000gbit"},
	{"a capacity beyond 64 bits",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, capacity: "
	 "999999999999gbit}}\n",
	 "t:3:36: uplinks.f.capacity: \"999999999999gbit\" is not a rate such as 40mbit (bit, "
	 "kbit, mbit, gbit)"},
	{"metered without an amount",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, metered: {}}}\n",
	 "t:3:35: uplinks.f.metered.monthly: is missing"},
	{"metered perhaps",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, metered: maybe}}\n",
	 "t:3:35: uplinks.f.metered: \"maybe\" is not one of false, true"},
	{"a month of 5 Gb",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, metered: {monthly: "
	 "5Gb}}}\n",
	 "t:3:45: uplinks.f.metered.monthly: \"5Gb\" is not an amount such as 5GB (B, KB, MB, GB, "
	 "TB)"},
	{"a kind nobody knows",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, kind: string}}\n",
	 "t:3:32: uplinks.f.kind: \"string\" is not one of other, fibre, cable, dsl, lte, leo, geo"},
	{"a far side that does neither",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, dscp: kept}}\n",
	 "t:3:32: uplinks.f.dscp: \"kept\" is not one of bleached, honoured"},
	{"an MTU below what IP needs",
	 "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g, mtu: 500}}\n",
	 "t:3:31: uplinks.f.mtu: 500 is out of range: 576 to 9216"},
	{"pinned to what is not there",
	 HEAD "services: {pos: {match: [{vlan: 1}], uplinks: [f], pinned: [x]}}\n",
	 "t:4:61: services.pos.pinned: there is no uplink \"x\""},
	{"pinned twice",
	 HEAD "services: {pos: {match: [{vlan: 1}], uplinks: [f], pinned: [f, f]}}\n",
	 "t:4:64: services.pos.pinned: f is said twice"},
	{"reset perhaps", HEAD "services: {pos: {match: [{vlan: 1}], uplinks: [f], reset: yes}}\n",
	 "t:4:59: services.pos.reset: \"yes\" is not one of false, true"},
	{"a service called other", HEAD "services: {other: {match: [{vlan: 1}]}}\n",
	 "t:4:19: services.other: is the name for what no service matches"},
	{"a service without match", HEAD "services: {pos: {uplinks: [f]}}\n",
	 "t:4:17: services.pos.match: is missing"},
	{"a service without uplinks", HEAD "services: {pos: {match: [{vlan: 1}]}}\n",
	 "t:4:17: services.pos.uplinks: is missing: placement gateway needs to know the way"},
	{"a service that is a word", HEAD "services: {pos: yes}\n",
	 "t:4:17: services.pos: keys with values are expected here"},
	{"an unknown uplink", HEAD "services: {pos: {match: [{vlan: 1}], uplinks: [f, lte]}}\n",
	 "t:4:51: services.pos.uplinks: there is no uplink \"lte\""},
	{"an uplink twice", HEAD "services: {pos: {match: [{vlan: 1}], uplinks: [f, f]}}\n",
	 "t:4:51: services.pos.uplinks: f is said twice"},
	{"no uplinks in the list", HEAD "services: {pos: {match: [{vlan: 1}], uplinks: []}}\n",
	 "t:4:47: services.pos.uplinks: is an empty list"},
	{"a match that is no list", POS "    match: {vlan: 1}\n",
	 "t:7:12: services.pos.match: a list is expected here"},
	{"an empty match", POS "    match: []\n", "t:7:12: services.pos.match: is an empty list"},
	{"an element that matches everything", POS "    match: [{}]\n",
	 "t:7:13: services.pos.match: an empty element would match everything"},
	{"an unknown clause", POS "    match: [{vln: 1}]\n",
	 "t:7:14: services.pos.match.vln: unknown key; here can be: vlan, src, dst, port, dscp, "
	 "in, name, app"},
	{"VLAN 4095", POS "    match: [{vlan: 4095}]\n",
	 "t:7:20: services.pos.match.vlan: 4095 is out of range: 0 to 4094"},
	{"a negative VLAN", POS "    match: [{vlan: -1}]\n",
	 "t:7:20: services.pos.match.vlan: \"-1\" is not a whole number"},
	{"a VLAN in hex", POS "    match: [{vlan: 0x14}]\n",
	 "t:7:20: services.pos.match.vlan: \"0x14\" is not a whole number"},
	{"a prefix that is none", POS "    match: [{src: 10.0.0/8}]\n",
	 "t:7:19: services.pos.match.src: \"10.0.0/8\" is no address range such as 10.0.0.0/8"},
	{"a prefix too long", POS "    match: [{src: 10.0.0.0/33}]\n",
	 "t:7:19: services.pos.match.src: \"10.0.0.0/33\" is no address range such as 10.0.0.0/8"},
	{"a prefix length with junk", POS "    match: [{src: 10.0.0.0/8x}]\n",
	 "t:7:19: services.pos.match.src: \"10.0.0.0/8x\" is no address range such as 10.0.0.0/8"},
	{"a prefix with host bits", POS "    match: [{dst: 10.42.64.1/18}]\n",
	 "t:7:19: services.pos.match.dst: 10.42.64.1/18 has bits set beyond its length"},
	{"a prefix twice", POS "    match: [{dst: [10.0.0.0/8, 10.0.0.0/8]}]\n",
	 "t:7:32: services.pos.match.dst: 10.0.0.0/8 is said twice"},
	{"17 prefixes",
	 POS "    match: [{dst: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, "
	     "10.0.0.7, 10.0.0.8, 10.0.0.9, 10.0.0.10, 10.0.0.11, 10.0.0.12, 10.0.0.13, "
	     "10.0.0.14, 10.0.0.15, 10.0.0.16, 10.0.0.17]}]\n",
	 "t:7:19: services.pos.match.dst: has 17 entries, at most 16"},
	{"a port without a protocol", POS "    match: [{port: 443}]\n",
	 "t:7:20: services.pos.match.port: \"443\" is not like tcp/443, udp/1000-2000, tcp or "
	 "icmp"},
	{"port 65536", POS "    match: [{port: tcp/65536}]\n",
	 "t:7:20: services.pos.match.port: \"tcp/65536\" is not like tcp/443, udp/1000-2000, tcp "
	 "or icmp"},
	{"port 0", POS "    match: [{port: tcp/0}]\n",
	 "t:7:20: services.pos.match.port: \"tcp/0\" is not like tcp/443, udp/1000-2000, tcp or "
	 "icmp"},
	{"a port range backwards", POS "    match: [{port: udp/9-5}]\n",
	 "t:7:20: services.pos.match.port: \"udp/9-5\" is not like tcp/443, udp/1000-2000, tcp or "
	 "icmp"},
	{"a port of ICMP", POS "    match: [{port: icmp/8}]\n",
	 "t:7:20: services.pos.match.port: \"icmp/8\" is not like tcp/443, udp/1000-2000, tcp or "
	 "icmp"},
	{"a port twice", POS "    match: [{port: [tcp/443, tcp/443-443]}]\n",
	 "t:7:30: services.pos.match.port: tcp/443-443 is said twice"},
	{"an unknown DSCP", POS "    match: [{dscp: AF51}]\n",
	 "t:7:20: services.pos.match.dscp: \"AF51\" is no DSCP: 0 to 63, EF, AF41, CS1 ..."},
	{"DSCP 64", POS "    match: [{dscp: 64}]\n",
	 "t:7:20: services.pos.match.dscp: \"64\" is no DSCP: 0 to 63, EF, AF41, CS1 ..."},
	{"an unknown port name", POS "    match: [{in: lan9}]\n",
	 "t:7:18: services.pos.match.in: there is no port \"lan9\""},
	{"an SLO of nothing", POS GOOD "    slo: {}\n",
	 "t:8:10: services.pos.slo: promises nothing: a latency_pNN, loss or failures is needed"},
	{"an SLO of a window only", POS GOOD "    slo: {window: 1s}\n",
	 "t:8:10: services.pos.slo: promises nothing: a latency_pNN, loss or failures is needed"},
	{"an unknown quantile", POS GOOD "    slo: {latency_p97: 80ms}\n",
	 "t:8:11: services.pos.slo.latency_p97: unknown key; here can be: latency_p50, latency_p90, "
	 "latency_p95, latency_p99, loss, failures, window"},
	{"two quantiles", POS GOOD "    slo: {latency_p95: 80ms, latency_p99: 90ms}\n",
	 "t:8:43: services.pos.slo.latency_p99: a service has one latency quantile only"},
	{"a latency without a unit", POS GOOD "    slo: {latency_p95: 80}\n",
	 "t:8:24: services.pos.slo.latency_p95: \"80\" is not a time such as 80ms (us, ms, s, "
	 "min)"},
	{"a latency of two minutes", POS GOOD "    slo: {latency_p95: 2min}\n",
	 "t:8:24: services.pos.slo.latency_p95: 2min is out of range: 1us to 1min"},
	{"loss without a percent sign", POS GOOD "    slo: {loss: 0.5}\n",
	 "t:8:17: services.pos.slo.loss: \"0.5\" is not a share such as 0.5%"},
	{"loss above everything", POS GOOD "    slo: {loss: 101%}\n",
	 "t:8:17: services.pos.slo.loss: 101% is out of range: 0% to 100%"},
	{"loss finer than a millionth", POS GOOD "    slo: {loss: 0.00001%}\n",
	 "t:8:17: services.pos.slo.loss: \"0.00001%\" is not a share such as 0.5%"},
	{"a window of a minute and a bit", POS GOOD "    slo: {loss: 1%, window: 61s}\n",
	 "t:8:29: services.pos.slo.window: 61s is out of range: 100ms to 1min"},
	{"a window finer than a millisecond", POS GOOD "    slo: {loss: 1%, window: 100500us}\n",
	 "t:8:29: services.pos.slo.window: is finer than 1ms"},
	{"an unknown priority", POS GOOD "    priority: urgent\n",
	 "t:8:15: services.pos.priority: \"urgent\" is not one of background, normal, high, "
	 "critical"},
	{"a throttle without a floor", POS GOOD "    throttle: {}\n",
	 "t:8:15: services.pos.throttle.floor: is missing"},
	{"a remark without a DSCP", POS GOOD "    remark: {tos: 4}\n",
	 "t:8:14: services.pos.remark.tos: unknown key; here can be: dscp\n"
	 "t:8:13: services.pos.remark.dscp: is missing"},
	{"flow shares above the whole",
	 POS GOOD "    flow_share: 60%\n  bulk: {match: [{vlan: 2}], uplinks: [f], flow_share: "
		  "41%}\n",
	 "t:9:56: services.bulk.flow_share: the flow shares add up to more than 100%"},
	{"moves too few to come home", HEAD "guardrails: {moves_per_hour: 1}\n",
	 "t:4:30: guardrails.moves_per_hour: 1 is out of range: 2 to 16"},
	{"actions beyond reason", HEAD "guardrails: {actions_per_minute: 601}\n",
	 "t:4:34: guardrails.actions_per_minute: 601 is out of range: 0 to 600"},
	{"a revert that is no word", HEAD "guardrails: {revert: yes}\n",
	 "t:4:22: guardrails.revert: \"yes\" is not one of advise, auto"},
	{"a hold-down of a day", HEAD "guardrails: {hold_down: 1440min}\n",
	 "t:4:25: guardrails.hold_down: 1440min is out of range: 0ns to 60min"},
	{"several mistakes at once",
	 "site: \"a b\"\nmode: fight\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g}}\n"
	 "services:\n  pos:\n    match: [{vlan: 5000}, {src: x}]\n    uplinks: [g]\n",
	 "t:1:7: site: \"a b\" is no name: letters, digits, - _ and ., at most 31\n"
	 "t:2:7: mode: \"fight\" is not one of observe, shadow, enforce\n"
	 "t:7:20: services.pos.match.vlan: 5000 is out of range: 0 to 4094\n"
	 "t:7:33: services.pos.match.src: \"x\" is no address range such as 10.0.0.0/8\n"
	 "t:8:15: services.pos.uplinks: there is no uplink \"g\""},
};

static void refuses(void **state)
{
	const struct bad_row *row = *state;
	struct sl_policy policy, untouched;
	char why[2048] = "";

	memset(&policy, 0x5a, sizeof(policy));
	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(sl_policy_read(&policy, row->yaml, strlen(row->yaml), "t", why,
					sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, row->why);
	assert_memory_equal(&policy, &untouched, sizeof(policy));
}

static void refuses_65536_bytes(void **state)
{
	char *text = malloc(SL_POLICY_BYTES_MAX), why[256];
	struct sl_policy policy;

	memset(text, ' ', SL_POLICY_BYTES_MAX);
	memcpy(text, POS GOOD, sizeof(POS GOOD) - 1);
	assert_int_equal(sl_policy_read(&policy, text, SL_POLICY_BYTES_MAX - 1, "t", why,
					sizeof(why)),
			 0);
	assert_int_equal(sl_policy_read(&policy, text, SL_POLICY_BYTES_MAX, "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "t:1:1: policy: is longer than 65535 bytes");
	free(text);
}

static void refuses_129_matches(void **state)
{
	static char text[8192];
	struct sl_policy policy;
	char why[256];
	int used = snprintf(text, sizeof(text), "%s    match:\n", POS);

	for (int i = 0; i < SL_POLICY_MATCHES_MAX; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "    - {vlan: %d}\n", i);
	assert_int_equal(sl_policy_read(&policy, text, strlen(text), "t", why, sizeof(why)), 0);
	snprintf(text + used, sizeof(text) - (size_t)used,
		 "  bulk: {uplinks: [f], match: [{vlan: 9}]}\n");
	assert_int_equal(sl_policy_read(&policy, text, strlen(text), "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why,
			    "t:136:32: services.bulk.match: more than 128 match elements in all");
}

static void refuses_65_keys(void **state)
{
	struct sl_policy policy;
	char text[2048], why[256];
	int used = snprintf(text, sizeof(text), "site: s\nports:\n");

	for (int i = 0; i < 65; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "  p: x\n");
	assert_int_equal(sl_policy_read(&policy, text, strlen(text), "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "t:3:3: ports: has 65 keys, at most 64");
}

static void refuses_16_services(void **state)
{
	static char text[4096];
	struct sl_policy policy;
	char why[256];
	int used = snprintf(text, sizeof(text), "%sservices:\n", HEAD);

	for (int i = 0; i < SL_WIRE_SERVICES_MAX; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 "  s%d: {match: [{vlan: %d}], uplinks: f}\n", i, i);
	assert_int_equal(sl_policy_read(&policy, text, strlen(text), "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "t:20:3: services.s15: is one too many: at most 15");
}

/* However little room there is: whole lines, or one cut line, and always an end. */
static void little_room_for_mistakes(void **state)
{
	const char *yaml = "mode: observe\n", *first = "t:1:1: site: is missing";
	struct sl_policy policy;
	char why[64];

	for (size_t room = 0; room < sizeof(why); room++) {
		memset(why, '#', sizeof(why));
		assert_int_equal(sl_policy_read(&policy, yaml, strlen(yaml), "t", why, room),
				 -EINVAL);
		assert_int_equal(why[room], '#');
		if (room)
			assert_true(strlen(why) < room);
		if (room > strlen(first) && room < 2 * strlen(first))
			assert_string_equal(why, first);
	}
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"65535 bytes are read, 65536 are not", refuses_65536_bytes},
	{"128 match elements are read, 129 are not", refuses_129_matches},
	{"65 keys", refuses_65_keys},
	{"16 services", refuses_16_services},
	{"little room for mistakes", little_room_for_mistakes},
};

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, bad_rows, refuses);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return sl_row_run("proto policy refuse", &tests);
}
