/*
 * policy_engine_test.c - the engine of a policy, its pairs of ports, and the placement they make
 *
 * What each key gives, that it is written back, what a diff says of it, and what
 * is refused in which words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

/* Every key there is. */
static const char rich[] =
	"site: s\n"
	"placement: wire\n"
	"ports:\n" /* before the engine that says what a device is */
	"  a: {device: \"0000:03:00.0\", role: lan, pair: b}\n"
	"  b: {device: net_ring_of_thirty-one_bytes_31, role: uplink, pair: a}\n"
	"  c: {device: net_null0, role: lan, pair: d}\n" /* on one side is enough */
	"  d: {device: 0000:03:00.1, role: uplink}\n"
	"engine:\n"
	"  kind: dpdk\n"
	"  driver: eal\n"
	"  eal: [\"--vdev=net_null0,size=64\", -a, \"0000:03:00.0\", \"-m\", 512, --socket-mem=64,\n"
	"        --log-level, \"a \\\"b\\\" \\\\ 'c' #d: {e\"]\n"
	"  queues: 2\n"
	"  lcores: [3, 1023]\n"
	"  mbufs: 65536\n"
	"  flows: 1000000\n"
	"  huge_pages: false\n"
	"  idle_sleep: 50us\n";

#define LAN_PORT "ports: {l: {device: e, role: lan}}\n"
#define MIRROR   "ports: {l: {device: e, role: mirror}}\n"
#define PAIR     "ports: {a: {device: e, role: lan, pair: b}, b: {device: f, role: uplink}}\n"
#define UPLINK   "uplinks: {f: {device: g, gateway: 192.0.2.1}}\n"
#define DPDK     "site: s\nengine: {kind: dpdk}\n" /* 2 lines */

static void must_read(struct sl_policy *policy, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(policy, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s", why);
}

static void reads_every_key(void **state)
{
	struct sl_policy policy;
	const struct sl_policy_engine *engine = &policy.engine;

	must_read(&policy, rich);
	assert_int_equal(policy.placement, SL_PLACEMENT_WIRE);
	assert_int_equal(engine->kind, SL_ENGINE_DPDK);
	assert_int_equal(engine->driver, SL_DRIVER_EAL);
	assert_int_equal(engine->eal_words, 8);
	assert_string_equal(engine->eal[0], "--vdev=net_null0,size=64");
	assert_string_equal(engine->eal[1], "-a");
	assert_string_equal(engine->eal[2], "0000:03:00.0");
	assert_string_equal(engine->eal[7], "a \"b\" \\ 'c' #d: {e");
	assert_int_equal(engine->queues, 2);
	assert_int_equal(engine->lcores, 2);
	assert_int_equal(engine->lcore[0], 3);
	assert_int_equal(engine->lcore[1], 1023);
	assert_int_equal(engine->mbufs, 65536);
	assert_int_equal(engine->flows, 1000000);
	assert_true(engine->no_huge_pages);
	assert_int_equal(engine->idle_sleep_us, 50);
	assert_string_equal(policy.port[0].device, "0000:03:00.0");
	assert_string_equal(policy.port[1].device, "net_ring_of_thirty-one_bytes_31");
	assert_int_equal(policy.port[0].pair, 1);
	assert_int_equal(policy.port[1].pair, 0);
	assert_int_equal(policy.port[2].pair, 3);
	assert_int_equal(policy.port[3].pair, 2);
	for (int i = 4; i < SL_POLICY_PORTS_MAX; i++)
		assert_int_equal(policy.port[i].pair, SL_PORT_NONE);
}

static void no_engine_is_xdp(void **state)
{
	static const struct sl_policy_engine none;
	struct sl_policy policy;

	must_read(&policy, "site: s\n" LAN_PORT);
	assert_memory_equal(&policy.engine, &none, sizeof(none));
	for (int i = 0; i < SL_POLICY_PORTS_MAX; i++)
		assert_int_equal(policy.port[i].pair, SL_PORT_NONE);
	must_read(&policy, "site: s\nengine: {kind: xdp}\n" LAN_PORT);
	assert_memory_equal(&policy.engine, &none, sizeof(none));
}

/* What is not said of an engine of kind dpdk. */
static void dpdk_defaults(void **state)
{
	const struct sl_policy_engine usual = {.kind = SL_ENGINE_DPDK, .queues = 1};
	struct sl_policy policy;

	must_read(&policy, DPDK LAN_PORT);
	assert_memory_equal(&policy.engine, &usual, sizeof(usual));
	must_read(&policy, "site: s\nengine: {kind: dpdk, lcores: [7, 0, 5]}\n" LAN_PORT);
	assert_int_equal(policy.engine.queues, 3);
	must_read(&policy, "site: s\nengine: {kind: dpdk, queues: 3}\n" LAN_PORT);
	assert_int_equal(policy.engine.queues, 3);
	assert_int_equal(policy.engine.lcores, 0);
}

/* Accepted: the placement it makes; each is also written and read back equal. */
static const struct good_row {
	const char *name;
	const char *yaml;
	enum sl_placement placement;
} good_rows[] = {
	{"every key there is", rich, SL_PLACEMENT_WIRE},
	{"kind xdp said", "site: s\nengine: {kind: xdp}\n" LAN_PORT, SL_PLACEMENT_TAP},
	{"kind dpdk and nothing else", DPDK LAN_PORT, SL_PLACEMENT_TAP},
	{"a mirror port under dpdk", DPDK MIRROR, SL_PLACEMENT_TAP},
	{"pairs make a wire", DPDK PAIR, SL_PLACEMENT_WIRE},
	{"pairs make a wire, uplinks or not", DPDK PAIR UPLINK, SL_PLACEMENT_WIRE},
	{"a wire in shadow", DPDK "mode: shadow\nplacement: wire\n" PAIR, SL_PLACEMENT_WIRE},
	{"a wire needs no way for a service", DPDK PAIR "services: {pos: {match: [{vlan: 1}]}}\n",
	 SL_PLACEMENT_WIRE},
	{"a pair said at the later port",
	 DPDK "ports:\n  a: {device: e, role: lan}\n  b: {device: f, role: lan, pair: a}\n",
	 SL_PLACEMENT_WIRE},
	{"a gateway of kind dpdk", DPDK "mode: enforce\n" LAN_PORT UPLINK, SL_PLACEMENT_GATEWAY},
	{"a gateway of kind dpdk with IPv6 only",
	 DPDK LAN_PORT "uplinks: {f: {device: 0000:00:04.0, gateway6: \"fe80::1\"}}\n",
	 SL_PLACEMENT_GATEWAY},
	{"a tap of kind dpdk needs no next hop",
	 DPDK "placement: tap\n" LAN_PORT "uplinks: {f: {device: g}}\n", SL_PLACEMENT_TAP},
	{"a single word for EAL", "site: s\nengine: {kind: dpdk, eal: --no-pci}\n" LAN_PORT,
	 SL_PLACEMENT_TAP},
	{"a device that ends in a colon", DPDK "ports: {l: {device: \"e:\", role: lan}}\n",
	 SL_PLACEMENT_TAP},
	{"the least of everything",
	 "site: s\nengine: {kind: dpdk, driver: af_packet, queues: 1, lcores: [0], mbufs: 512, "
	 "flows: 64, huge_pages: true, idle_sleep: 0us}\n" LAN_PORT,
	 SL_PLACEMENT_TAP},
	{"the most of everything",
	 "site: s\nengine: {kind: dpdk, driver: af_xdp, queues: 32, mbufs: 16777216, flows: "
	 "67108864, idle_sleep: 1ms}\n" LAN_PORT,
	 SL_PLACEMENT_TAP},
};

static void round_trip(void **state)
{
	const struct good_row *row = *state;
	struct sl_policy before, after;
	char *yaml, *again, *diff;

	must_read(&before, row->yaml);
	assert_int_equal(before.placement, row->placement);
	yaml = sl_policy_write(&before);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	again = sl_policy_write(&after);
	for (uint32_t i = 0; i < before.matches; i++)
		before.match[i].line = after.match[i].line;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_string_equal(diff, "");
	assert_string_equal(yaml, again);
	free(yaml);
	free(again);
	free(diff);
}

static void written(void **state)
{
	struct sl_policy policy;
	char *yaml;

	must_read(&policy, rich);
	yaml = sl_policy_write(&policy);
	assert_string_equal(yaml, "site: s\n"
				  "mode: observe\n"
				  "placement: wire\n"
				  "engine:\n"
				  "  kind: dpdk\n"
				  "  driver: eal\n"
				  "  eal: [\"--vdev=net_null0,size=64\", \"-a\", \"0000:03:00.0\", "
				  "\"-m\", \"512\", \"--socket-mem=64\", \"--log-level\", "
				  "\"a \\\"b\\\" \\\\ 'c' #d: {e\"]\n"
				  "  queues: 2\n"
				  "  lcores: [3, 1023]\n"
				  "  mbufs: 65536\n"
				  "  flows: 1000000\n"
				  "  huge_pages: false\n"
				  "  idle_sleep: 50us\n"
				  "names: true\n"
				  "ports:\n"
				  "  a:\n"
				  "    device: \"0000:03:00.0\"\n"
				  "    role: lan\n"
				  "    pair: b\n"
				  "  b:\n"
				  "    device: net_ring_of_thirty-one_bytes_31\n"
				  "    role: uplink\n"
				  "    pair: a\n"
				  "  c:\n"
				  "    device: net_null0\n"
				  "    role: lan\n"
				  "    pair: d\n"
				  "  d:\n"
				  "    device: \"0000:03:00.1\"\n"
				  "    role: uplink\n"
				  "    pair: c\n"
				  "guardrails:\n"
				  "  actions_per_minute: 6\n"
				  "  moves_per_hour: 4\n"
				  "  hold_down: 30s\n"
				  "  revert: advise\n");
	free(yaml);
}

/* The longest words there can be: one line of 8 kB, which YAML must still take. */
static void most_words(void **state)
{
	char word[SL_ENGINE_WORD_MAX] = "-", yaml[8192];
	struct sl_policy policy, again;
	char *text;
	int used = snprintf(yaml, sizeof(yaml),
			    "site: s\n" LAN_PORT "engine:\n  kind: dpdk\n"
			    "  eal:\n");

	memset(word + 1, '\\', sizeof(word) - 2);
	for (int i = 0; i < SL_ENGINE_EAL_MAX; i++)
		used += snprintf(yaml + used, sizeof(yaml) - (size_t)used, "  - '%s'\n", word);
	must_read(&policy, yaml);
	assert_int_equal(policy.engine.eal_words, SL_ENGINE_EAL_MAX);
	assert_string_equal(policy.engine.eal[SL_ENGINE_EAL_MAX - 1], word);
	text = sl_policy_write(&policy);
	must_read(&again, text);
	assert_memory_equal(&policy, &again, sizeof(policy));
	free(text);
}

/* Any bytes: no crash, and what is read is written and read back equal. */
static void mutated_at_random(void **state)
{
	uint64_t seed = 422;
	char text[sizeof(rich)], why[512];
	int accepted = 0;

	for (int turn = 0; turn < 5000; turn++) {
		struct sl_policy policy, again;
		char *yaml;

		memcpy(text, rich, sizeof(text));
		for (int i = 0; i < 2; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % (sizeof(text) - 1)] =
				"{}[]:,-&*!#\"'\n\t 0129azAZ%/\x80"[(seed >> 20) % 27];
		}
		if (sl_policy_read(&policy, text, sizeof(text) - 1, "t", why, sizeof(why)))
			continue;
		accepted++;
		yaml = sl_policy_write(&policy);
		must_read(&again, yaml);
		assert_memory_equal(&policy, &again, sizeof(policy));
		free(yaml);
	}
	assert_true(accepted > 100);
}

static const struct diff_row {
	const char *name;
	const char *from, *to; /* two policies */
	const char *diff;
} diff_rows[] = {
	{"a pair told on both sides or on one", DPDK PAIR,
	 DPDK "ports: {a: {device: e, role: lan}, b: {device: f, role: uplink, pair: a}}\n", ""},
	{"defaults of dpdk that are said", DPDK LAN_PORT,
	 "site: s\nengine: {kind: dpdk, driver: eal, queues: 1, huge_pages: true, idle_sleep: "
	 "0s}\n" LAN_PORT,
	 ""},
	{"more queues", DPDK LAN_PORT, "site: s\nengine: {kind: dpdk, queues: 2}\n" LAN_PORT,
	 "engine.queues: 1 -> 2\n"},
	{"every tuning",
	 "site: s\nengine: {kind: dpdk, eal: [-a, x], mbufs: 512, lcores: [1]}\n" LAN_PORT,
	 "site: s\nengine: {kind: dpdk, driver: af_xdp, eal: [-b, x], flows: 64, lcores: [2], "
	 "huge_pages: false, idle_sleep: 1ms}\n" LAN_PORT,
	 "engine.driver: eal -> af_xdp\n"
	 "engine.eal: [\"-a\", \"x\"] -> [\"-b\", \"x\"]\n"
	 "engine.lcores: [1] -> [2]\n"
	 "engine.mbufs: removed 512\n"
	 "engine.huge_pages: true -> false\n"
	 "engine.idle_sleep: 0ns -> 1ms\n"
	 "engine.flows: added 64\n"},
	{"from xdp to dpdk", "site: s\n" LAN_PORT, DPDK LAN_PORT,
	 "engine: added\n"
	 "engine.kind: added dpdk\n"
	 "engine.driver: added eal\n"
	 "engine.queues: added 1\n"
	 "engine.huge_pages: added true\n"
	 "engine.idle_sleep: added 0ns\n"},
	{"from dpdk to xdp", DPDK LAN_PORT, "site: s\nengine: {kind: xdp}\n" LAN_PORT,
	 "engine: removed\n"},
	{"a wire from a tap",
	 DPDK "ports: {a: {device: e, role: lan}, b: {device: f, role: uplink}}\n", DPDK PAIR,
	 "placement: tap -> wire\nports.a.pair: added b\nports.b.pair: added a\n"},
	{"pairs crossed",
	 DPDK "ports: {a: {device: a, role: lan, pair: b}, b: {device: b, role: lan},\n"
	      "c: {device: c, role: lan, pair: d}, d: {device: d, role: lan}}\n",
	 DPDK "ports: {a: {device: a, role: lan, pair: d}, b: {device: b, role: lan},\n"
	      "c: {device: c, role: lan, pair: b}, d: {device: d, role: lan}}\n",
	 "ports.a.pair: b -> d\nports.b.pair: a -> c\nports.c.pair: d -> b\n"
	 "ports.d.pair: c -> a\n"},
};

static void differs(void **state)
{
	const struct diff_row *row = *state;
	struct sl_policy before, after;
	char *diff;

	must_read(&before, row->from);
	must_read(&after, row->to);
	diff = sl_policy_diff(&before, &after);
	assert_string_equal(diff, row->diff);
	free(diff);
}

static const struct case_row {
	const char *name;
	CMUnitTestFunction run;
} cases[] = {
	{"every key, member by member", reads_every_key},
	{"no engine is kind xdp, all zero", no_engine_is_xdp},
	{"defaults of kind dpdk", dpdk_defaults},
	{"every key, as it is written", written},
	{"24 words of 159 bytes", most_words},
	{"5000 mutated engines", mutated_at_random},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	SL_ROWS_ADD(&tests, good_rows, round_trip);
	SL_ROWS_ADD(&tests, diff_rows, differs);
	return sl_row_run("proto policy engine", &tests);
}
