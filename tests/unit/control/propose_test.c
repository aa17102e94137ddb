/*
 * propose_test.c - from unclaimed traffic to stanzas that the policy takes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/cli/propose.h"
#include "tests/unit/row.h"

#define TOP \
	"site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g}, h: {device: i}}\n"
#define POS "services:\n  pos: {match: [{vlan: 20}], uplinks: [f]}\n"

#define KINDS_MAX 20

/* name, address, app, port, proto, flows */
struct kind {
	const char *name, *address, *app;
	uint32_t port;
	const char *proto;
	uint64_t flows;
};

static const struct row {
	const char *name;
	const char *services; /* of the policy */
	struct kind kind[KINDS_MAX];
	const char *expect; /* "SERVICE FLOWS MATCH" of each proposal, each with a line end */
} rows[] = {
	{"one name",
	 POS,
	 {{"pay.example", "203.0.113.7", "TLS", 443, "tcp", 9}},
	 "pay 9 {name: [\"pay.example\"], port: [tcp/443]}\n"},
	{"one name by two protocols",
	 POS,
	 {{"www.pay.example", "203.0.113.7", "", 443, "tcp", 9},
	  {"www.pay.example", "203.0.113.7", "", 443, "udp", 2}},
	 "pay 11 {name: [\"www.pay.example\"], port: [tcp/443, udp/443]}\n"},
	{"names of one domain",
	 POS,
	 {{"a.pay.example", "203.0.113.7", "", 443, "tcp", 9},
	  {"b.c.pay.example", "203.0.113.8", "", 8443, "tcp", 2}},
	 "pay 11 {name: [\"*.pay.example\"], port: [tcp/443, tcp/8443]}\n"},
	{"names of one domain, and the domain",
	 POS,
	 {{"a.Pay.example", "203.0.113.7", "", 443, "tcp", 9},
	  {"pay.example", "203.0.113.8", "", 443, "tcp", 2}},
	 "pay 11 {name: [\"*.Pay.example\", \"Pay.example\"], port: [tcp/443]}\n"},
	{"names further down of one domain",
	 POS,
	 {{"a.cash.pay.example", "203.0.113.7", "", 443, "tcp", 9},
	  {"b.cash.pay.example", "203.0.113.8", "", 443, "tcp", 2}},
	 "pay 11 {name: [\"*.cash.pay.example\"], port: [tcp/443]}\n"},
	{"two domains, the busier first",
	 POS,
	 {{"a.pay.example", "203.0.113.7", "", 443, "tcp", 2},
	  {"a.news.example", "203.0.113.7", "", 443, "tcp", 9}},
	 "news 9 {name: [\"a.news.example\"], port: [tcp/443]}\n"
	 "pay 2 {name: [\"a.pay.example\"], port: [tcp/443]}\n"},
	{"a country's second level is no domain",
	 POS,
	 {{"www.shop.co.uk", "203.0.113.7", "", 443, "tcp", 9},
	  {"www.bank.co.uk", "203.0.113.8", "", 443, "tcp", 2}},
	 "shop 9 {name: [\"www.shop.co.uk\"], port: [tcp/443]}\n"
	 "bank 2 {name: [\"www.bank.co.uk\"], port: [tcp/443]}\n"},
	{"a hosting firm's customers have nothing in common",
	 POS,
	 {{"d1.cloudfront.net", "203.0.113.7", "", 443, "tcp", 9},
	  {"d2.cloudfront.net", "203.0.113.8", "", 443, "tcp", 2}},
	 "d1 9 {name: [\"d1.cloudfront.net\"], port: [tcp/443]}\n"
	 "d2 2 {name: [\"d2.cloudfront.net\"], port: [tcp/443]}\n"},
	{"no name: the application",
	 POS,
	 {{"", "203.0.113.7", "TLS.Netflix", 443, "tcp", 9},
	  {"", "198.51.100.1", "QUIC.NetFlix", 443, "udp", 2}},
	 "netflix 11 {app: \"Netflix\"}\n"},
	{"an application that says nothing: the address",
	 POS,
	 {{"", "203.0.113.7", "TLS", 443, "tcp", 9}},
	 "host-203-0-113-7 9 {dst: \"203.0.113.7\", port: [tcp/443]}\n"},
	{"addresses of one net by one port",
	 POS,
	 {{"", "203.0.113.7", "", 443, "tcp", 9}, {"", "203.0.113.9", "", 443, "tcp", 2}},
	 "net-203-0-113-0 11 {dst: \"203.0.113.0/24\", port: [tcp/443]}\n"},
	{"addresses of one net by two ports",
	 POS,
	 {{"", "203.0.113.7", "", 443, "tcp", 9}, {"", "203.0.113.7", "", 8883, "tcp", 2}},
	 "host-203-0-113-7 9 {dst: \"203.0.113.7\", port: [tcp/443]}\n"
	 "host-203-0-113-7-2 2 {dst: \"203.0.113.7\", port: [tcp/8883]}\n"},
	{"IPv6",
	 POS,
	 {{"", "2001:db8::7", "", 123, "udp", 9}, {"", "2001:db8::8", "", 123, "udp", 9}},
	 "net-2001-db8 18 {dst: \"2001:db8::/64\", port: [udp/123]}\n"},
	{"ICMP has no port",
	 POS,
	 {{"", "203.0.113.7", "", 0, "icmp", 9}},
	 "host-203-0-113-7 9 {dst: \"203.0.113.7\", port: [icmp]}\n"},
	{"a protocol that no policy can name",
	 POS,
	 {{"", "203.0.113.7", "", 0, "253", 9}},
	 "host-203-0-113-7 9 {dst: \"203.0.113.7\"}\n"},
	{"17 ports are not listed",
	 POS,
	 {{"p.example", "", "", 1, "tcp", 1},
	  {"p.example", "", "", 2, "tcp", 1},
	  {"p.example", "", "", 3, "tcp", 1},
	  {"p.example", "", "", 4, "tcp", 1},
	  {"p.example", "", "", 5, "tcp", 1},
	  {"p.example", "", "", 6, "tcp", 1},
	  {"p.example", "", "", 7, "tcp", 1},
	  {"p.example", "", "", 8, "tcp", 1},
	  {"p.example", "", "", 9, "tcp", 1},
	  {"p.example", "", "", 10, "tcp", 1},
	  {"p.example", "", "", 11, "tcp", 1},
	  {"p.example", "", "", 12, "tcp", 1},
	  {"p.example", "", "", 13, "tcp", 1},
	  {"p.example", "", "", 14, "tcp", 1},
	  {"p.example", "", "", 15, "tcp", 1},
	  {"p.example", "", "", 16, "tcp", 1},
	  {"p.example", "", "", 17, "tcp", 1}},
	 "p 17 {name: [\"p.example\"]}\n"},
	{"a name that the policy has already",
	 "services:\n  pay: {match: [{vlan: 1}], uplinks: f}\n  pay-2: {match: [{vlan: 2}], uplinks: f}\n",
	 {{"pay.example", "203.0.113.7", "", 443, "tcp", 9}},
	 "pay-3 9 {name: [\"pay.example\"], port: [tcp/443]}\n"},
	{"a domain called other",
	 POS,
	 {{"other.example", "203.0.113.7", "", 443, "tcp", 9}},
	 "other-2 9 {name: [\"other.example\"], port: [tcp/443]}\n"},
	{"a name longer than a service's",
	 POS,
	 {{"abcdefghijklmnopqrstuvwxyz0123456789.example", "", "", 443, "tcp", 9}},
	 "abcdefghijklmnopqrstuvwxyz01 9 {name: "
	 "[\"abcdefghijklmnopqrstuvwxyz0123456789.example\"], port: [tcp/443]}\n"},
	{"what is no host name is not written",
	 POS,
	 {{"x\"]}, {vlan: 1", "203.0.113.7", "A\"b", 443, "tcp", 9}},
	 "host-203-0-113-7 9 {dst: \"203.0.113.7\", port: [tcp/443]}\n"},
	{"what is nothing at all",
	 POS,
	 {{"a b", "nowhere", "A b", 443, "tcp", 9}, {"", "", "", 0, "", 9}},
	 ""},
	{"claimed by name meanwhile",
	 "services:\n  pay: {match: [{name: \"*.pay.example\", port: tcp/443}], uplinks: f}\n",
	 {{"a.pay.example", "203.0.113.7", "", 443, "tcp", 9},
	  {"pay.example", "203.0.113.7", "", 443, "tcp", 8},
	  {"b.pay.example", "203.0.113.7", "", 443, "udp", 7}},
	 "pay-2 15 {name: [\"*.pay.example\", \"pay.example\"], port: [tcp/443, udp/443]}\n"},
	{"claimed by application meanwhile",
	 "services:\n  video: {match: [{app: netflix}], uplinks: f}\n",
	 {{"", "203.0.113.7", "TLS.Netflix", 443, "tcp", 9}},
	 ""},
	{"claimed by address meanwhile",
	 "services:\n  x: {match: [{dst: 203.0.113.0/28}], uplinks: f}\n",
	 {{"", "203.0.113.7", "", 443, "tcp", 9}, {"", "203.0.113.16", "", 443, "tcp", 8}},
	 "host-203-0-113-16 8 {dst: \"203.0.113.16\", port: [tcp/443]}\n"},
	{"what asks for the client claims nothing here",
	 "services:\n  x: {match: [{src: 10.0.0.0/8, name: pay.example}], uplinks: f}\n",
	 {{"pay.example", "203.0.113.7", "", 443, "tcp", 9}},
	 "pay 9 {name: [\"pay.example\"], port: [tcp/443]}\n"},
	{"under one in a hundred is too rare",
	 POS,
	 {{"a.example", "", "", 443, "tcp", 9900},
	  {"b.example", "", "", 443, "tcp", 100},
	  {"c.example", "", "", 443, "tcp", 99}},
	 "a 9900 {name: [\"a.example\"], port: [tcp/443]}\n"
	 "b 100 {name: [\"b.example\"], port: [tcp/443]}\n"},
	{"nothing", POS, {{NULL}}, ""},
};

static struct sl_policy policy;
static struct sl_unclaimed_report report;
static struct sl_proposals proposals;

static void read_policy(struct sl_policy *to, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(to, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s\n%s", why, yaml);
}

static void fill(const struct kind *kind)
{
	report = (struct sl_unclaimed_report){.site = "s"};
	for (; report.entries < KINDS_MAX && kind->name; kind++) {
		struct sl_unclaimed_entry *e = &report.entry[report.entries++];

		snprintf(e->name, sizeof(e->name), "%s", kind->name);
		snprintf(e->address, sizeof(e->address), "%s", kind->address);
		snprintf(e->app, sizeof(e->app), "%s", kind->app);
		snprintf(e->proto, sizeof(e->proto), "%s", kind->proto);
		e->port = kind->port;
		e->flows = kind->flows;
	}
}

/* The stanzas, behind the services that there are, make a policy that claims what they are for. */
static void check_stanzas(const struct row *row)
{
	static struct sl_policy after;
	char text[16384];
	int used = snprintf(text, sizeof(text), "%s%s", TOP, row->services);

	for (uint32_t i = 0; i < proposals.count; i++) {
		char *yaml = sl_propose_yaml(&proposals.proposal[i], &report, &policy);

		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s", yaml);
		free(yaml);
	}
	read_policy(&after, text);
	assert_int_equal(after.services, policy.services + proposals.count);
	for (uint32_t i = 0; i < proposals.count; i++)
		for (uint32_t j = 0; j < proposals.proposal[i].kinds; j++)
			assert_true(
				sl_propose_is_claimed(&report.entry[proposals.proposal[i].kind[j]],
						      &after));
}

static void proposes(void **state)
{
	const struct row *row = *state;
	char yaml[1024], got[4096] = "";
	int used = 0;

	snprintf(yaml, sizeof(yaml), "%s%s", TOP, row->services);
	read_policy(&policy, yaml);
	fill(row->kind);
	assert_int_equal(sl_propose(&report, &policy, &proposals), 0);
	for (uint32_t i = 0; i < proposals.count; i++) {
		char *match = sl_propose_match(&proposals.proposal[i]);

		used += snprintf(got + used, sizeof(got) - (size_t)used, "%s %llu %s\n",
				 proposals.proposal[i].service,
				 (unsigned long long)proposals.proposal[i].flows, match);
		free(match);
	}
	assert_string_equal(got, row->expect);
	check_stanzas(row);
}

/* A policy has room for 15 services. */
static void room(void **state)
{
	char yaml[2048];
	int used = snprintf(yaml, sizeof(yaml), "%sservices:\n", TOP);

	for (int i = 0; i < 14; i++)
		used += snprintf(yaml + used, sizeof(yaml) - (size_t)used,
				 "  s%d: {match: [{vlan: %d}], uplinks: f}\n", i, i);
	read_policy(&policy, yaml);
	fill((const struct kind[KINDS_MAX]){{"a.example", "", "", 443, "tcp", 9},
					    {"b.example", "", "", 443, "tcp", 8},
					    {"c.example", "", "", 443, "tcp", 7}});
	assert_int_equal(sl_propose(&report, &policy, &proposals), 0);
	assert_int_equal(proposals.count, 1);
	assert_int_equal(proposals.beyond, 2);
	assert_int_equal(proposals.beyond_flows, 15);
	assert_int_equal(proposals.kinds, 3);
}

static void stanza_in_full(void **state)
{
	char *yaml;

	read_policy(&policy, TOP POS);
	fill((const struct kind[KINDS_MAX]){{"a.pay.example", "203.0.113.7", "TLS", 443, "tcp", 90},
					    {"b.pay.example", "nowhere\n", "a b", 0, "x", 8}});
	report.entry[0].first_bytes = 1000;
	report.entry[0].flows_over = 20;
	report.entry[1].flows_over = 9; /* more than there are: not said */
	assert_int_equal(sl_propose(&report, &policy, &proposals), 0);
	yaml = sl_propose_yaml(&proposals.proposal[0], &report, &policy);
	assert_string_equal(
		yaml,
		"  # 98 flows, 1000 bytes in their first packets:\n"
		"  #   a.pay.example, 203.0.113.7, tcp/443, TLS: 90 flows at most, 70 at least\n"
		"  #   b.pay.example, ?: 8 flows\n"
		"  pay:\n"
		"    match:\n"
		"      - {name: [\"*.pay.example\"]}\n"
		"    # slo: none yet; measure first (storeline status), then say what it needs\n"
		"    uplinks: [f, h]\n"
		"    priority: normal\n");
	free(yaml);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, proposes);
	sl_row_add(&tests, "no more than the policy has room for", room, NULL);
	sl_row_add(&tests, "a stanza, in full", stanza_in_full, NULL);
	return sl_row_run("control propose", &tests);
}
