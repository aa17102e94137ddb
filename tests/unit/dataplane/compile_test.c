/*
 * compile_test.c - rules, name clauses, quotas and knobs of a policy, and what is carried over
 */
#include "memory_engine.h"

#include "dataplane/knobs.h"
#include "tests/unit/row.h"

#define HEAD                                                                                 \
	"site: s\nports:\n  lan0: {device: eth1, role: lan}\nuplinks:\n"                     \
	"  a: {device: eth0, gateway: 192.0.2.1}\n  b: {device: eth2, gateway: 192.0.2.2}\n" \
	"services:\n"

static const struct order_row {
	const char *name, *services;
	const char *expect; /* service of each rule, in order; s = the first */
} order_rows[] = {
	{"longer prefix first",
	 "  x: {match: [{dst: 203.0.113.0/24}], uplinks: [a]}\n  y: {match: [{dst: 203.0.113.7}], uplinks: [a]}\n",
	 "21"},
	{"source and destination add up",
	 "  x: {match: [{dst: 203.0.113.0/24}], uplinks: [a]}\n"
	 "  y: {match: [{src: 10.0.0.0/16, dst: 203.0.0.0/16}], uplinks: [a]}\n",
	 "21"},
	{"IPv4 counts as it is written, not as mapped into IPv6",
	 "  x: {match: [{dst: 203.0.0.0/8}], uplinks: [a]}\n  y: {match: [{dst: '2001:db8::/32'}], uplinks: [a]}\n",
	 "21"},
	{"equal prefixes: more clauses first",
	 "  x: {match: [{dst: 203.0.113.0/24}], uplinks: [a]}\n"
	 "  y: {match: [{dst: 203.0.113.0/24, port: tcp/443}], uplinks: [a]}\n",
	 "21"},
	{"equal everything: the policy's order",
	 "  x: {match: [{vlan: 20}], uplinks: [a]}\n  y: {match: [{dscp: 46}], uplinks: [a]}\n",
	 "12"},
	{"a name before the longest prefixes of either family",
	 "  guest: {match: [{src: [10.42.64.7, '2001:db8::7']}], uplinks: [a]}\n"
	 "  pos: {match: [{name: '*.payments.example'}], uplinks: [a]}\n",
	 "211"},
	{"a name before a prefix with every other clause",
	 "  guest: {match: [{vlan: 30, in: lan0, dscp: 0, src: 10.42.64.0/18, port: tcp/443}],"
	 " uplinks: [a]}\n"
	 "  pos: {match: [{name: pay.example}], uplinks: [a]}\n",
	 "21"},
	{"an exact name before the longest pattern",
	 "  x: {match: [{name: '*.a.very.long.way.down.payments.example'}], uplinks: [a]}\n"
	 "  y: {match: [{name: x.example}], uplinks: [a]}\n",
	 "21"},
	{"the longer pattern is inside the shorter",
	 "  x: {match: [{name: '*.example'}], uplinks: [a]}\n"
	 "  y: {match: [{name: '*.payments.example'}], uplinks: [a]}\n",
	 "21"},
	{"any name before an application, that before a prefix",
	 "  x: {match: [{dst: 203.0.113.7, port: tcp/443}], uplinks: [a]}\n"
	 "  y: {match: [{app: TLS}], uplinks: [a]}\n"
	 "  z: {match: [{name: '*.x'}], uplinks: [a]}\n",
	 "321"},
	{"a name and an application before the name alone",
	 "  x: {match: [{name: '*.example'}], uplinks: [a]}\n"
	 "  y: {match: [{name: '*.example', app: QUIC}], uplinks: [a]}\n",
	 "21"},
	{"equal names: prefixes, then clauses",
	 "  x: {match: [{name: '*.example'}], uplinks: [a]}\n"
	 "  y: {match: [{name: '*.example', port: tcp/443}], uplinks: [a]}\n"
	 "  z: {match: [{name: '*.example', src: 10.0.0.0/8}], uplinks: [a]}\n",
	 "321"},
	{"lists of names are alternatives, each with its own place",
	 "  x: {match: [{name: ['*.example', pay.example], port: [tcp/443, udp/443]}], uplinks: [a]}\n"
	 "  y: {match: [{name: '*.pay.example'}], uplinks: [a]}\n",
	 "11211"},
	{"lists are alternatives",
	 "  x: {match: [{src: [10.0.0.0/8, 10.1.0.0/16], port: [tcp/80, udp/53]}], uplinks: [a]}\n",
	 "1111"},
};

static void order(void **state)
{
	const struct order_row *row = *state;
	static struct sl_policy policy;
	struct sl_tables t;
	char yaml[1024], why[SL_TEXT_MAX];

	snprintf(yaml, sizeof(yaml), HEAD "%s", row->services);
	read_policy(&policy, yaml);
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.rules, strlen(row->expect));
	for (uint32_t i = 0; i < t.rules; i++)
		assert_int_equal(t.rule[i].service, row->expect[i] - '0');
}

static void clauses(void **state)
{
	static struct sl_policy policy;
	struct sl_tables t;
	char why[SL_TEXT_MAX];

	read_policy(&policy,
		    HEAD "  x: {match: [{vlan: 20, dscp: 46, in: lan0, dst: 203.0.113.0/24, "
			 "port: tcp/443-445}], uplinks: [a]}\n");
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	const struct sl_rule *r = &t.rule[0];

	assert_int_equal(t.rules, 1);
	assert_int_equal(r->vlan, 20);
	assert_int_equal(r->vlan_mask, 0xfff);
	assert_int_equal(r->dscp, 46);
	assert_int_equal(r->dscp_mask, 0x3f);
	assert_int_equal(r->port_mask, 0xff);
	assert_int_equal(r->proto, 6);
	assert_int_equal(r->dst_port_min, 443);
	assert_int_equal(r->dst_port_max, 445);
	assert_true(r->dst.hi == 0 && r->dst.lo == UINT64_C(0x0000ffffcb007100));
	assert_true(r->dst_mask.hi == UINT64_MAX && r->dst_mask.lo == UINT64_C(0xffffffffffffff00));
	assert_true(r->src_mask.hi == 0 && r->src_mask.lo == 0);
}

static void any_port(void **state)
{
	static struct sl_policy policy;
	struct sl_tables t;
	char why[SL_TEXT_MAX];

	read_policy(&policy, HEAD "  x: {match: [{dst: 203.0.113.0/24}], uplinks: [a]}\n");
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.rule[0].dst_port_min, 0);
	assert_int_equal(t.rule[0].dst_port_max, 65535);
	assert_int_equal(t.rule[0].proto_mask, 0);
}

static void too_many(void **state)
{
	static struct sl_policy policy;
	struct sl_tables t = {.generation = 77};
	char why[SL_TEXT_MAX] = "";

	read_policy(&policy,
		    HEAD "  small: {match: [{vlan: 1}], uplinks: [a]}\n"
			 "  big: {match: [{src: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5,"
			 " 10.0.0.6], dst: [10.1.0.1, 10.1.0.2, 10.1.0.3, 10.1.0.4, 10.1.0.5],"
			 " port: [tcp/1, tcp/2, tcp/3, tcp/4, tcp/5]}], uplinks: [a]}\n");
	assert_int_equal(sl_compile(&t, &policy, 1000, why), -E2BIG);
	assert_non_null(strstr(why, "service big"));
	assert_int_equal(t.generation, 77);
}

static void quotas(void **state)
{
	static struct sl_policy policy;
	struct sl_tables t;
	char why[SL_TEXT_MAX];

	read_policy(
		&policy, HEAD
		"  x: {match: [{vlan: 1}], uplinks: [a]}\n  y: {match: [{vlan: 2}], uplinks: [a]}\n"
		"  z: {match: [{vlan: 3}], uplinks: [a], priority: critical, remark: {dscp: 46}}\n");
	policy.service[2].flow_share_ppm = 400000;
	assert_int_equal(sl_compile(&t, &policy, 10000, why), 0);
	assert_int_equal(t.services, 4);
	assert_int_equal(t.service[3].flow_quota, 4000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(t.service[i].flow_quota, 2000);
	assert_int_equal(t.service[3].priority, 3);
	assert_int_equal(t.knobs.remark[3], SL_REMARK | 46);
	assert_int_equal(t.knobs.remark[1], 0);
	policy.placement = SL_PLACEMENT_TAP;
	assert_int_equal(sl_compile(&t, &policy, 10000, why), 0);
	assert_int_equal(t.knobs.remark[3], 0);
}

static void placements(void **state)
{
	static struct sl_policy policy;
	struct sl_tables t;
	char why[SL_TEXT_MAX];

	read_policy(&policy, HEAD "  x: {match: [{vlan: 1}], uplinks: [b, a]}\n");
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.uplinks, 2);
	assert_int_equal(t.mark_base, 0x5100);
	assert_int_equal(t.knobs.steer[1].uplink, 1);
	assert_int_equal(t.knobs.steer[0].uplink, 0);
	assert_int_equal(t.knobs.steer[1].trial_uplink, SL_UPLINK_NONE);
	policy.placement = SL_PLACEMENT_TAP;
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.uplinks, 0);
	assert_int_equal(t.mark_base, 0);
	assert_int_equal(t.knobs.steer[1].uplink, 0);
}

/* What stands under the old policy, and what of it stands under the new one. */
static const struct carry_row {
	const char *name, *before, *after; /* services */
	struct sl_steer steer;             /* of the first service, before */
	uint8_t index, uplink;             /* after: where it is in the tables, what it uses */
	uint16_t trial_share;
} carry_rows[] = {
	{"not moved: follows the new policy's order",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 "  x: {match: [{vlan: 1}], uplinks: [b, a]}\n",
	 {0, 255, 0, 7, 0},
	 1,
	 1,
	 0},
	{"moved: stays moved",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 "  x: {match: [{vlan: 2}], uplinks: [a, b]}\n",
	 {1, 255, 0, 7, 0},
	 1,
	 1,
	 0},
	{"moved to what is no longer allowed: goes home",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 "  x: {match: [{vlan: 1}], uplinks: [a]}\n",
	 {1, 255, 0, 7, 0},
	 1,
	 0,
	 0},
	{"another place in the list: known by name",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 "  w: {match: [{vlan: 9}], uplinks: [a]}\n  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 {1, 255, 0, 7, 0},
	 2,
	 1,
	 0},
	{"a trial goes on",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b]}\n",
	 {0, 1, 13, 7, 0},
	 1,
	 0,
	 13},
};

static void carry(void **state)
{
	const struct carry_row *row = *state;
	static struct sl_policy before, after;
	struct sl_tables from, to;
	char yaml[1024], why[SL_TEXT_MAX];

	snprintf(yaml, sizeof(yaml), HEAD "%s", row->before);
	read_policy(&before, yaml);
	snprintf(yaml, sizeof(yaml), HEAD "%s", row->after);
	read_policy(&after, yaml);
	assert_int_equal(sl_compile(&from, &before, 1000, why), 0);
	assert_int_equal(sl_compile(&to, &after, 1000, why), 0);
	from.generation = 41;
	from.hash_seed = 99;
	from.knobs.steer[1] = row->steer;
	sl_knobs_set_rate(&from, 1, sl_knobs_rate(2000000));
	from.knobs.bypass = 1;
	from.knobs.clamp_bytes[1] = 1280;
	from.knobs.remark[1] = SL_REMARK | 8;
	sl_compile_carry(&to, &after, &from, &before);
	assert_int_equal(to.generation, 42);
	assert_int_equal(to.hash_seed, 99);
	assert_int_equal(to.knobs.bypass, 1);
	assert_int_equal(to.knobs.clamp_bytes[1], 1280);
	assert_int_equal(to.knobs.remark[row->index], SL_REMARK | 8);
	assert_int_equal(to.knobs.steer[row->index].uplink, row->uplink);
	assert_int_equal(to.knobs.steer[row->index].trial_share, row->trial_share);
	assert_int_equal(to.knobs.steer[row->index].move_epoch, 7);
	assert_int_equal(to.knobs.rate[row->index][0].ns_per_kib, from.knobs.rate[1][0].ns_per_kib);
	assert_int_equal(to.knobs.rate[0][0].ns_per_kib, 0);
}

/* A DSCP goes where the policy goes, unless a command has set it. */
static void carry_remark(void **state)
{
	static struct sl_policy before, after;
	struct sl_tables from, to;
	char why[SL_TEXT_MAX];

	read_policy(&before, HEAD "  x: {match: [{vlan: 1}], uplinks: [a], remark: {dscp: EF}}\n"
				  "  y: {match: [{vlan: 2}], uplinks: [a], remark: {dscp: EF}}\n"
				  "  z: {match: [{vlan: 3}], uplinks: [a], remark: {dscp: EF}}\n");
	read_policy(&after, HEAD "  x: {match: [{vlan: 1}], uplinks: [a], remark: {dscp: CS1}}\n"
				 "  y: {match: [{vlan: 2}], uplinks: [a]}\n"
				 "  z: {match: [{vlan: 3}], uplinks: [a], remark: {dscp: CS1}}\n");
	assert_int_equal(sl_compile(&from, &before, 1000, why), 0);
	assert_int_equal(sl_compile(&to, &after, 1000, why), 0);
	from.knobs.remark[3] = SL_REMARK | 1;
	sl_compile_carry(&to, &after, &from, &before);
	assert_int_equal(to.knobs.remark[1], SL_REMARK | 8);
	assert_int_equal(to.knobs.remark[2], 0);
	assert_int_equal(to.knobs.remark[3], SL_REMARK | 1);
}

/* Numbers by first appearance over the services; the same pattern of the same kind has one. */
static void numbers(void **state)
{
	static struct sl_policy policy;
	static struct sl_clauses clauses;
	static const struct {
		uint8_t service, name, app;
	} rules[] = {{3, 5, 0}, {1, 2, 3}, {1, 1, 3}, {2, 1, 0}, {3, 0, 4}, {2, 0, 3}, {2, 0, 0}};
	struct sl_tables t;
	char why[SL_TEXT_MAX];

	read_policy(
		&policy, HEAD
		"  x: {match: [{name: ['*.pay.example', pay.example], app: TLS}], uplinks: [a]}\n"
		"  y: {match: [{name: '*.Pay.example'}, {app: TLS}, {vlan: 1}], uplinks: [a]}\n"
		"  z: {match: [{app: tls}, {name: tls, port: tcp/443}], uplinks: [a]}\n");
	sl_compile_clauses(&policy, &clauses);
	assert_int_equal(clauses.count, 5);
	assert_string_equal(clauses.clause[1].pattern, "*.pay.example");
	assert_string_equal(clauses.clause[2].pattern, "pay.example");
	assert_string_equal(clauses.clause[3].pattern, "TLS");
	assert_true(clauses.clause[3].is_app);
	assert_string_equal(clauses.clause[4].pattern, "tls");
	assert_true(clauses.clause[4].is_app);
	assert_string_equal(clauses.clause[5].pattern, "tls");
	assert_false(clauses.clause[5].is_app);
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.rules, sizeof(rules) / sizeof(rules[0]));
	for (uint32_t i = 0; i < t.rules; i++) {
		int at = -1;

		for (uint32_t j = 0; j < t.rules; j++)
			if (t.rule[j].service == rules[i].service &&
			    t.rule[j].name == rules[i].name && t.rule[j].app == rules[i].app)
				at = (int)j;
		if (at < 0)
			fail_msg("no rule of service %u with name %u and app %u", rules[i].service,
				 rules[i].name, rules[i].app);
	}
}

static const struct switch_row {
	const char *name, *top;
	uint32_t inner, inspect;
} switch_rows[] = {
	{"by default: names, no tunnels", "", 0, 1},
	{"names off", "names: false\n", 0, 0},
	{"GRE", "tunnels: gre\n", SL_TUNNEL_GRE, 1},
	{"IP in IP", "tunnels: ipip\n", SL_TUNNEL_IPIP, 1},
	{"VXLAN", "tunnels: vxlan\n", SL_TUNNEL_VXLAN, 1},
	{"Geneve", "tunnels: geneve\n", SL_TUNNEL_GENEVE, 1},
	{"GTP-U", "tunnels: gtp-u\n", SL_TUNNEL_GTPU, 1},
	{"all", "names: false\ntunnels: all\n",
	 SL_TUNNEL_GRE | SL_TUNNEL_IPIP | SL_TUNNEL_VXLAN | SL_TUNNEL_GENEVE | SL_TUNNEL_GTPU, 0},
};

static void switches(void **state)
{
	const struct switch_row *row = *state;
	static struct sl_policy policy;
	struct sl_tables t;
	char yaml[1024], why[SL_TEXT_MAX];

	snprintf(yaml, sizeof(yaml), "%s%s  x: {match: [{vlan: 1}], uplinks: [a]}\n", row->top,
		 HEAD);
	read_policy(&policy, yaml);
	assert_int_equal(sl_compile(&t, &policy, 1000, why), 0);
	assert_int_equal(t.inner, row->inner);
	assert_int_equal(t.inspect, row->inspect);
}

static const struct same_row {
	const char *name, *a, *b;
	bool same;
} same_rows[] = {
	{"the same text", "  x: {match: [{name: pay.example}], uplinks: [a]}\n",
	 "  x: {match: [{name: pay.example}], uplinks: [a]}\n", true},
	{"a name in other letters", "  x: {match: [{name: pay.example}], uplinks: [a]}\n",
	 "  x: {match: [{name: PAY.example}], uplinks: [a]}\n", true},
	{"another name", "  x: {match: [{name: pay.example}], uplinks: [a]}\n",
	 "  x: {match: [{name: cash.example}], uplinks: [a]}\n", false},
	{"an application for a name", "  x: {match: [{app: tls}], uplinks: [a]}\n",
	 "  x: {match: [{name: tls}], uplinks: [a]}\n", false},
	{"an SLO", "  x: {match: [{vlan: 1}], slo: {loss: 1%}, uplinks: [a]}\n",
	 "  x: {match: [{vlan: 1}], slo: {loss: 2%}, uplinks: [a]}\n", true},
	{"a VLAN", "  x: {match: [{vlan: 1}], uplinks: [a]}\n",
	 "  x: {match: [{vlan: 2}], uplinks: [a]}\n", false},
	{"tunnels", "  x: {match: [{vlan: 1}], uplinks: [a]}\n",
	 "  x: {match: [{vlan: 1}], uplinks: [a]}\ntunnels: gre\n", false},
	{"names off", "  x: {match: [{vlan: 1}], uplinks: [a]}\n",
	 "  x: {match: [{vlan: 1}], uplinks: [a]}\nnames: false\n", false},
};

static void same(void **state)
{
	const struct same_row *row = *state;
	static struct sl_policy before, after;
	struct sl_tables a, b;
	char yaml[1024], why[SL_TEXT_MAX];

	snprintf(yaml, sizeof(yaml), HEAD "%s", row->a);
	read_policy(&before, yaml);
	snprintf(yaml, sizeof(yaml), HEAD "%s", row->b);
	read_policy(&after, yaml);
	assert_int_equal(sl_compile(&a, &before, 1000, why), 0);
	assert_int_equal(sl_compile(&b, &after, 1000, why), 0);
	/* What is no part of sameness. */
	b.generation = 9;
	b.hash_seed = 99;
	b.knobs.bypass = 1;
	assert_int_equal(sl_compile_same((struct sl_compiled){&a, &before},
					 (struct sl_compiled){&b, &after}),
			 row->same);
}

static const struct rate_row {
	const char *name;
	uint64_t bps;
	uint32_t ns_per_kib, burst_us;
} rate_rows[] = {
	{"none", 0, 0, 0},
	{"1 Mbit/s: ten packets last longer than 50 ms", 1000000, 8192000, 120000},
	{"2.4 Mbit/s: ten packets are 50 ms", 2400000, 3413333, 50000},
	{"100 Mbit/s", 100000000, 81920, 50000},
	{"10 Gbit/s", UINT64_C(10000000000), 819, 50000},
	{"faster than the unit tells is still a limit", UINT64_C(90000000000000), 1, 50000},
};

static void rate(void **state)
{
	const struct rate_row *row = *state;
	struct sl_rate r = sl_knobs_rate(row->bps);

	assert_int_equal(r.ns_per_kib, row->ns_per_kib);
	assert_int_equal(r.burst_us, row->burst_us);
	if (row->bps && row->bps <= UINT64_C(10000000000)) {
		double back = (double)sl_knobs_bps(r) / (double)row->bps;

		assert_true(back > 0.998 && back < 1.002);
	}
}

static const struct trusted_row {
	const char *name, *services;
	uint32_t a, b; /* whose word counts on these uplinks */
} trusted_rows[] = {
	{"all but guests and other",
	 "  x: {match: [{vlan: 1}], uplinks: [a, b], priority: critical}\n"
	 "  y: {match: [{vlan: 2}], uplinks: [a, b], priority: background}\n"
	 "  z: {match: [{vlan: 3}], uplinks: [a, b]}\n",
	 1u << 1 | 1u << 3, 1u << 1 | 1u << 3},
	{"where it may go",
	 "  x: {match: [{vlan: 1}], uplinks: [a]}\n  z: {match: [{vlan: 3}], uplinks: [b, a]}\n",
	 1u << 1 | 1u << 2, 1u << 2},
	{"everybody, where only guests may go",
	 "  x: {match: [{vlan: 1}], uplinks: [a]}\n"
	 "  y: {match: [{vlan: 2}], uplinks: [a, b], priority: background}\n",
	 1u << 1, UINT32_MAX},
};

static void trusted(void **state)
{
	const struct trusted_row *row = *state;
	static struct sl_policy policy;
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "%s%s", HEAD, row->services);
	read_policy(&policy, yaml);
	assert_int_equal(sl_compile_trusted(&policy, 0), row->a);
	assert_int_equal(sl_compile_trusted(&policy, 1), row->b);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, order_rows, order);
	SL_ROWS_ADD(&tests, carry_rows, carry);
	sl_row_add(&tests, "a DSCP is carried when a command set it", carry_remark, NULL);
	SL_ROWS_ADD(&tests, rate_rows, rate);
	SL_ROWS_ADD(&tests, switch_rows, switches);
	SL_ROWS_ADD(&tests, same_rows, same);
	SL_ROWS_ADD(&tests, trusted_rows, trusted);
	sl_row_add(&tests, "every clause of a match", clauses, NULL);
	sl_row_add(&tests, "no port clause is any port", any_port, NULL);
	sl_row_add(&tests, "too many rules name the service", too_many, NULL);
	sl_row_add(&tests, "quotas: said, and equal shares of the rest", quotas, NULL);
	sl_row_add(&tests, "gateway and tap", placements, NULL);
	sl_row_add(&tests, "name clauses have numbers", numbers, NULL);
	return sl_row_run("compile", &tests);
}
