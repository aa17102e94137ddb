/*
 * policy_engine_refuse_test.c - what a policy may not say of its engine, of pairs and of a wire
 *
 * As policy_refuse_test.c: the rows are the specification of the messages; a
 * refused policy leaves the struct as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

#define LAN_PORT     "ports: {l: {device: e, role: lan}}\n"
#define ENGINE(more) "site: s\nengine: {kind: dpdk, " more "}\n" LAN_PORT
#define XDP(more)    "site: s\nengine: {kind: xdp, " more "}\n" LAN_PORT
#define DPDK         "site: s\nengine: {kind: dpdk}\n" /* 2 lines */
#define PAIR         "ports:\n  a: {device: e, role: lan, pair: b}\n  b: {device: f, role: lan}\n"
#define UPLINK       "uplinks: {f: {device: g, gateway: 192.0.2.1}}\n"
#define ONLY         "is only for kind dpdk"

static const struct bad_row {
	const char *name;
	const char *yaml;
	const char *why;
} bad_rows[] = {
	/* The engine. */
	{"an engine that is a word", "site: s\nengine: dpdk\n" LAN_PORT,
	 "t:2:9: engine: keys with values are expected here"},
	{"an engine without kind", "site: s\nengine: {queues: 2}\n" LAN_PORT,
	 "t:2:9: engine.kind: is missing"},
	{"an unknown kind, and no mistakes that only follow from it",
	 "site: s\nengine: {kind: DPDK, queues: 2}\n"
	 "ports: {l: {device: 0000:03:00.0, role: lan, pair: m}, m: {device: x, role: lan}}\n",
	 "t:2:16: engine.kind: \"DPDK\" is not one of xdp, dpdk"},
	{"an unknown key", ENGINE("cores: 2"),
	 "t:2:22: engine.cores: unknown key; here can be: kind, driver, eal, queues, lcores, mbufs, "
	 "flows, huge_pages, idle_sleep"},
	{"driver under xdp", XDP("driver: af_xdp"), "t:2:29: engine.driver: " ONLY},
	{"eal under xdp", XDP("eal: [-a, x]"), "t:2:26: engine.eal: " ONLY},
	{"queues under xdp", XDP("queues: 1"), "t:2:29: engine.queues: " ONLY},
	{"lcores under xdp", XDP("lcores: [1]"), "t:2:29: engine.lcores: " ONLY},
	{"mbufs under xdp", XDP("mbufs: 512"), "t:2:28: engine.mbufs: " ONLY},
	{"flows under xdp", XDP("flows: 64"), "t:2:28: engine.flows: " ONLY},
	{"huge_pages under xdp", XDP("huge_pages: true"), "t:2:33: engine.huge_pages: " ONLY},
	{"idle_sleep under xdp", XDP("idle_sleep: 0us"), "t:2:33: engine.idle_sleep: " ONLY},
	{"an unknown driver", ENGINE("driver: pcap"),
	 "t:2:30: engine.driver: \"pcap\" is not one of eal, af_xdp, af_packet"},
	{"no queue", ENGINE("queues: 0"), "t:2:30: engine.queues: 0 is out of range: 1 to 32"},
	{"33 queues", ENGINE("queues: 33"), "t:2:30: engine.queues: 33 is out of range: 1 to 32"},
	{"lcores that are one number", ENGINE("lcores: 2"),
	 "t:2:30: engine.lcores: a list is expected here"},
	{"no lcores", ENGINE("lcores: []"), "t:2:30: engine.lcores: is an empty list"},
	{"33 lcores",
	 ENGINE("lcores: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
		"20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]"),
	 "t:2:30: engine.lcores: has 33 entries, at most 32"},
	{"an lcore twice", ENGINE("lcores: [2, 3, 2]"),
	 "t:2:37: engine.lcores: CPU 2 is said twice"},
	{"lcore 1024", ENGINE("lcores: [0, 1024]"),
	 "t:2:34: engine.lcores: 1024 is out of range: 0 to 1023"},
	{"a range of lcores", ENGINE("lcores: [2-3]"),
	 "t:2:31: engine.lcores: \"2-3\" is not a whole number"},
	{"fewer lcores than queues", ENGINE("lcores: [2, 3], queues: 3"),
	 "t:2:30: engine.lcores: has 2 CPUs, and queues says 3: each queue needs one CPU"},
	{"more lcores than queues", ENGINE("queues: 1, lcores: [2, 3]"),
	 "t:2:41: engine.lcores: has 2 CPUs, and queues says 1: each queue needs one CPU"},
	{"511 mbufs", ENGINE("mbufs: 511"),
	 "t:2:29: engine.mbufs: 511 is out of range: 512 to 16777216"},
	{"mbufs beyond 16 Mi", ENGINE("mbufs: 16777217"),
	 "t:2:29: engine.mbufs: 16777217 is out of range: 512 to 16777216"},
	{"63 flows", ENGINE("flows: 63"),
	 "t:2:29: engine.flows: 63 is out of range: 64 to 67108864"},
	{"flows beyond 64 Mi", ENGINE("flows: 67108865"),
	 "t:2:29: engine.flows: 67108865 is out of range: 64 to 67108864"},
	{"flows with a unit", ENGINE("flows: 1M"),
	 "t:2:29: engine.flows: \"1M\" is not a whole number"},
	{"huge pages perhaps", ENGINE("huge_pages: yes"),
	 "t:2:34: engine.huge_pages: \"yes\" is not one of false, true"},
	{"a sleep above 1ms", ENGINE("idle_sleep: 1001us"),
	 "t:2:34: engine.idle_sleep: 1001us is out of range: 0ns to 1ms"},
	{"a sleep without a unit", ENGINE("idle_sleep: 50"),
	 "t:2:34: engine.idle_sleep: \"50\" is not a time such as 80ms (us, ms, s, min)"},
	{"a sleep finer than a microsecond", ENGINE("idle_sleep: 1.5us"),
	 "t:2:34: engine.idle_sleep: is finer than 1us"},

	/* Words for EAL. */
	{"no words", ENGINE("eal: []"), "t:2:27: engine.eal: is an empty list"},
	{"an empty word", ENGINE("eal: [-a, \"\"]"), "t:2:32: engine.eal: has no value"},
	{"words as keys", ENGINE("eal: {vdev: net_null0}"),
	 "t:2:27: engine.eal: a list is expected here"},
	{"a word that is a list", ENGINE("eal: [[-a]]"),
	 "t:2:28: engine.eal: one value is expected here"},
	{"25 words",
	 ENGINE("eal: [-v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, -v, "
		"-v, -v, -v, -v, -v, -v, -v]"),
	 "t:2:27: engine.eal: has 25 entries, at most 24"},
	{"a word with a line break", ENGINE("eal: [\"--vdev=a\\nb\"]"),
	 "t:2:28: engine.eal: \"--vdev=a?b\" is not plain ASCII text"},
	{"a word of other letters", ENGINE("eal: [\"--vdev=\\xe9\"]"),
	 "t:2:28: engine.eal: \"--vdev=\xc3\xa9\" is not plain ASCII text"},
	{"a comma in an unquoted word", ENGINE("eal: [--vdev=net_null0,size=64]"),
	 "t:2:45: engine.eal: \"size=64\" is no option and follows none that takes it: quote a word "
	 "that has a comma"},
	{"a first word that is no option", ENGINE("eal: eth0"),
	 "t:2:27: engine.eal: \"eth0\" is no option and follows none that takes it: quote a word "
	 "that has a comma"},
	{"a dash", ENGINE("eal: \"-\""),
	 "t:2:27: engine.eal: \"-\" is no option and follows none that takes it: quote a word that "
	 "has a comma"},
	{"-l", ENGINE("eal: [-l, \"0,1\"]"),
	 "t:2:28: engine.eal: \"-l\" is decided by the engine: say it as lcores"},
	{"-l in one word", ENGINE("eal: [\"-l0,1\"]"),
	 "t:2:28: engine.eal: \"-l0,1\" is decided by the engine: say it as lcores"},
	{"-l behind a flag", ENGINE("eal: [-vl0]"),
	 "t:2:28: engine.eal: \"-vl0\" is decided by the engine: say it as lcores"},
	{"-c", ENGINE("eal: [-a, x, -c, 3]"),
	 "t:2:35: engine.eal: \"-c\" is decided by the engine: say it as lcores"},
	{"-c in one word", ENGINE("eal: -c3"),
	 "t:2:27: engine.eal: \"-c3\" is decided by the engine: say it as lcores"},
	{"--lcores", ENGINE("eal: [--lcores, 1]"),
	 "t:2:28: engine.eal: \"--lcores\" is decided by the engine: say it as lcores"},
	{"--lcores=", ENGINE("eal: [\"--lcores=(0-3)@1\"]"),
	 "t:2:28: engine.eal: \"--lcores=(0-3)@1\" is decided by the engine: say it as lcores"},
	{"--lcores cut short", ENGINE("eal: [--lco=1]"),
	 "t:2:28: engine.eal: \"--lco=1\" is decided by the engine: say it as lcores"},
	{"--main-lcore", ENGINE("eal: [--main-lcore=1]"),
	 "t:2:28: engine.eal: \"--main-lcore=1\" is decided by the engine: say it as lcores"},
	{"--no-huge", ENGINE("eal: [--no-huge]"),
	 "t:2:28: engine.eal: \"--no-huge\" is decided by the engine: say it as huge_pages"},
	{"--in-memory", ENGINE("eal: [--in-memory]"),
	 "t:2:28: engine.eal: \"--in-memory\" is decided by the engine"},
	{"--file-prefix", ENGINE("eal: [--file-prefix, x, --no-pci]"),
	 "t:2:28: engine.eal: \"--file-prefix\" is decided by the engine"},
	{"--proc-type", ENGINE("eal: [--proc-type=secondary]"),
	 "t:2:28: engine.eal: \"--proc-type=secondary\" is decided by the engine"},
	{"the end of the options", ENGINE("eal: [--]"),
	 "t:2:28: engine.eal: \"--\" is decided by the engine"},

	/* Names of devices. */
	{"a PCI address under xdp", "site: s\nports: {l: {device: \"0000:03:00.0\", role: lan}}\n",
	 "t:2:21: ports.l.device: \"0000:03:00.0\" is no network device: letters, digits, - _ and "
	 "., at most 15"},
	{"a PCI address with af_xdp",
	 "site: s\nports: {l: {device: \"03:00.0\", role: lan}}\nengine: {kind: dpdk, driver: "
	 "af_xdp}\n",
	 "t:2:21: ports.l.device: \"03:00.0\" is no network device: letters, digits, - _ and ., at "
	 "most 15"},
	{"16 letters with af_packet",
	 "site: s\nengine: {kind: dpdk, driver: af_packet}\nports: {l: {device: abcdefghijklmnop, "
	 "role: lan}}\n",
	 "t:3:21: ports.l.device: \"abcdefghijklmnop\" is no network device: letters, digits, - _ "
	 "and ., at most 15"},
	{"32 letters under EAL",
	 DPDK "ports: {l: {device: abcdefghijklmnopqrstuvwxyzabcdef, role: lan}}\n",
	 "t:3:21: ports.l.device: \"abcdefghijklmnopqrstuvwxyzabcdef\" is no EAL device: letters, "
	 "digits, - _ . and :, at most 31"},
	{"a comma under EAL", DPDK "ports: {l: {device: \"net_null0,size=64\", role: lan}}\n",
	 "t:3:21: ports.l.device: \"net_null0,size=64\" is no EAL device: letters, digits, - _ . "
	 "and :, at most 31"},
	{"an uplink on a PCI address under xdp",
	 "site: s\n" LAN_PORT "uplinks: {f: {device: 03:00.0}}\n",
	 "t:3:23: uplinks.f.device: \"03:00.0\" is no network device: letters, digits, - _ and ., "
	 "at most 15"},

	/* Pairs. */
	{"a pair without an engine", "site: s\n" PAIR,
	 "t:3:35: ports.a.pair: needs engine kind dpdk"},
	{"a pair under xdp", "site: s\nengine: {kind: xdp}\n" PAIR,
	 "t:4:35: ports.a.pair: needs engine kind dpdk"},
	{"a pair with nobody", DPDK "ports: {a: {device: e, role: lan, pair: z}}\n",
	 "t:3:41: ports.a.pair: there is no port \"z\""},
	{"a pair with itself", DPDK "ports: {a: {device: e, role: lan, pair: a}}\n",
	 "t:3:41: ports.a.pair: a is the port itself"},
	{"a pair that is a list", DPDK "ports: {a: {device: e, role: lan, pair: [b]}}\n",
	 "t:3:41: ports.a.pair: one value is expected here"},
	{"a pair that does not agree",
	 DPDK PAIR "  c: {device: g, role: lan, pair: b}\n  d: {device: h, role: lan, pair: c}\n",
	 "t:6:35: ports.c.pair: b is already in a pair with a"},
	{"a partner that says another",
	 DPDK "ports:\n  a: {device: e, role: lan, pair: b}\n  b: {device: f, role: lan, pair: c}\n"
	      "  c: {device: g, role: lan}\n",
	 "t:5:35: ports.b.pair: b is already in a pair with a"},
	{"a mirror that has a pair",
	 DPDK "ports:\n  a: {device: e, role: mirror, pair: b}\n  b: {device: f, role: lan}\n",
	 "t:4:38: ports.a.pair: a is a mirror, which has no other end"},
	{"a pair with a mirror",
	 DPDK "ports:\n  a: {device: e, role: lan, pair: b}\n  b: {device: f, role: mirror}\n",
	 "t:4:35: ports.a.pair: b is a mirror, which has no other end"},

	/* Placements. */
	{"an unknown placement", DPDK "placement: bridge\n" LAN_PORT,
	 "t:3:12: placement: \"bridge\" is not one of tap, gateway, wire"},
	{"a wire under xdp", "site: s\nplacement: wire\n" LAN_PORT,
	 "t:2:12: placement: wire needs engine kind dpdk"},
	{"a wire without pairs",
	 DPDK "placement: wire\nports:\n  a: {device: e, role: lan}\n  b: {device: f, role: lan}\n",
	 "t:5:6: ports.a.pair: is missing: placement wire needs every port in a pair\n"
	 "t:6:6: ports.b.pair: is missing: placement wire needs every port in a pair"},
	{"a wire with one port left over",
	 DPDK "placement: wire\n" PAIR "  m: {device: g, role: mirror}\n",
	 "t:7:6: ports.m.pair: is missing: placement wire needs every port in a pair"},
	{"a pair and one port left over", DPDK PAIR "  c: {device: h, role: lan}\n" UPLINK,
	 "t:6:6: ports.c.pair: is missing: another port has one, and that makes placement wire, "
	 "where every port is in a pair"},
	{"a pair at a tap", DPDK "placement: tap\n" PAIR,
	 "t:5:35: ports.a.pair: is for placement wire, and tap is said"},
	{"a pair at a gateway",
	 DPDK "placement: gateway\nports:\n  a: {device: e, role: lan, pair: b}\n"
	      "  b: {device: g, role: uplink, pair: a}\n" UPLINK,
	 "t:5:35: ports.a.pair: is for placement wire, and gateway is said\n"
	 "t:6:38: ports.b.pair: is for placement wire, and gateway is said"},
	{"enforce on a wire", DPDK "mode: enforce\n" PAIR UPLINK,
	 "t:3:7: mode: a wire cannot choose an uplink: to enforce needs a port of role lan, an "
	 "uplink, and placement gateway"},
	{"enforce on a tap of kind dpdk", DPDK "mode: enforce\n" LAN_PORT,
	 "t:3:7: mode: a tap cannot enforce: that needs a port of role lan, an uplink, and "
	 "placement gateway"},
	{"a gateway of kind dpdk without an uplink", DPDK "placement: gateway\n" LAN_PORT,
	 "t:3:12: placement: gateway needs a port of role lan and an uplink"},
	{"a gateway of kind dpdk without a next hop",
	 DPDK LAN_PORT "uplinks:\n  f: {device: g, gateway: 192.0.2.1}\n  h: {device: i}\n",
	 "t:6:6: uplinks.h.gateway: is missing: engine kind dpdk forwards itself and needs the next "
	 "hop, here or as gateway6"},
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

static void refuses_160_bytes(void **state)
{
	char yaml[512], word[SL_ENGINE_WORD_MAX + 1] = "--vdev=";
	struct sl_policy policy;
	char why[256];

	memset(word + 7, 'x', sizeof(word) - 8);
	snprintf(yaml, sizeof(yaml), ENGINE("eal: [%s]"), word);
	assert_int_equal(sl_policy_read(&policy, yaml, strlen(yaml), "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why,
			    "t:2:28: engine.eal: \"--vdev=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" "
			    "has 160 bytes, at most 159");
	word[SL_ENGINE_WORD_MAX - 1] = 0;
	snprintf(yaml, sizeof(yaml), ENGINE("eal: [%s]"), word);
	assert_int_equal(sl_policy_read(&policy, yaml, strlen(yaml), "t", why, sizeof(why)), 0);
	assert_string_equal(policy.engine.eal[0], word);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, bad_rows, refuses);
	sl_row_add(&tests, "a word of 159 bytes is read, of 160 is not", refuses_160_bytes, NULL);
	return sl_row_run("proto policy engine refuse", &tests);
}
