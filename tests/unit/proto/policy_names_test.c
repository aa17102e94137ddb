/*
 * policy_names_test.c - names, applications and tunnels in a policy: read, refused, compared, written
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy.h"
#include "tests/unit/row.h"

#define TOP "site: s\nports: {l: {device: e, role: lan}}\nuplinks: {f: {device: g}}\n" /* 3 lines */
#define POS TOP "services:\n  pos:\n    uplinks: [f]\n"                                /* 6 lines */

/* 63 bytes: a label as long as one may be; and an application. */
#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static const char everything[] = TOP
	"tunnels: [geneve, gre]\n"
	"names: true\n"
	"services:\n"
	"  pos:\n"
	"    match:\n"
	"      - {name: [\"*.Payments.example\", pay.example], port: tcp/443, app: [TLS, QUIC]}\n"
	"      - {app: TLS, src: 10.0.0.0/8}\n"
	"    uplinks: f\n"
	"  video: {match: [{app: Netflix}, {name: tls}, {name: pay.example}], uplinks: f}\n";

static void must_read(struct sl_policy *policy, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(policy, yaml, strlen(yaml), "t", why, sizeof(why)))
		fail_msg("%s", why);
}

static void reads_everything(void **state)
{
	static const struct sl_policy_clause clauses[] = {
		{false, "*.payments.example"},
		{false, "pay.example"},
		{true, "TLS"},
		{true, "QUIC"},
		{true, "Netflix"},
		{false, "tls"},
	};
	struct sl_policy policy;

	must_read(&policy, everything);
	assert_int_equal(policy.tunnels, SL_POLICY_GENEVE | SL_POLICY_GRE);
	assert_false(policy.no_names);
	assert_int_equal(policy.clauses, 6);
	for (uint32_t i = 0; i < policy.clauses; i++) {
		assert_int_equal(policy.clause[i].is_app, clauses[i].is_app);
		assert_string_equal(policy.clause[i].pattern, clauses[i].pattern);
	}
	assert_int_equal(policy.match[0].names, 2);
	assert_int_equal(policy.match[0].name[1], 1);
	assert_int_equal(policy.match[0].apps, 2);
	assert_int_equal(policy.match[0].app[1], 3);
	assert_int_equal(policy.match[0].l4s, 1);
	assert_int_equal(policy.match[1].names, 0);
	assert_int_equal(policy.match[1].app[0], 2);
	assert_int_equal(policy.match[1].srcs, 1);
	assert_int_equal(policy.match[3].name[0], 5);
	assert_int_equal(policy.match[4].name[0], 1);
}

static const struct good_row {
	const char *name, *yaml, *written; /* a line of what is written for it */
} good_rows[] = {
	{"all that can be said", everything,
	 "- {port: [tcp/443], name: [\"*.payments.example\", \"pay.example\"], app: [\"TLS\", \"QUIC\"]}"},
	{"nothing of it", POS "    match: [{vlan: 1}]\n", "\nnames: true\n"},
	{"a name of one label", POS "    match: [{name: till-7}]\n", "{name: [\"till-7\"]}"},
	{"a pattern of one label", POS "    match: [{name: \"*.example\"}]\n",
	 "{name: [\"*.example\"]}"},
	{"labels that begin with digits, and underscores",
	 POS "    match: [{name: _sip.3com.xn--9ca}]\n", "{name: [\"_sip.3com.xn--9ca\"]}"},
	{"a label of 63 bytes", POS "    match: [{name: " LABEL ".example}]\n",
	 "{name: [\"" LABEL ".example\"]}"},
	{"a name of 127 bytes", POS "    match: [{name: " LABEL "." LABEL "}]\n",
	 "{name: [\"" LABEL "." LABEL "\"]}"},
	{"an application, as written", POS "    match: [{app: Ms_Teams.2-x}]\n",
	 "{app: [\"Ms_Teams.2-x\"]}"},
	{"an application that YAML takes for true", POS "    match: [{app: yes}]\n",
	 "{app: [\"yes\"]}"},
	{"an application of 63 bytes", POS "    match: [{app: " LABEL "}]\n", LABEL},
	{"names are off", POS "    match: [{vlan: 1}]\nnames: false\n", "\nnames: false\n"},
	{"one tunnel", POS "    match: [{vlan: 1}]\ntunnels: gtp-u\n", "\ntunnels: [gtp-u]\n"},
	{"all tunnels, by one word", POS "    match: [{vlan: 1}]\ntunnels: all\n",
	 "\ntunnels: all\n"},
	{"all tunnels, one by one",
	 POS "    match: [{vlan: 1}]\ntunnels: [gre, vxlan, geneve, gtp-u, ipip]\n",
	 "\ntunnels: all\n"},
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
	char *yaml, *diff;

	must_read(&before, row->yaml);
	yaml = sl_policy_write(&before);
	if (!strstr(yaml, row->written))
		fail_msg("not in: %s", yaml);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	forget_lines(&before);
	forget_lines(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_string_equal(diff, "");
	free(yaml);
	free(diff);
}

#define NO_NAME " is no host name, such as payments.example, and not *. before one"
#define NO_APP  " is no application: letters, digits, - _ and ., at most 63"

static const struct bad_row {
	const char *name, *yaml, *why;
} bad_rows[] = {
	{"a star alone", POS "    match: [{name: \"*\"}]\n",
	 "t:7:20: services.pos.match.name: \"*\"" NO_NAME},
	{"a star with nothing behind", POS "    match: [{name: \"*.\"}]\n",
	 "t:7:20: services.pos.match.name: \"*.\"" NO_NAME},
	{"a star that is part of a label", POS "    match: [{name: \"*pay.example\"}]\n",
	 "t:7:20: services.pos.match.name: \"*pay.example\"" NO_NAME},
	{"a star in the middle", POS "    match: [{name: pay.*.example}]\n",
	 "t:7:20: services.pos.match.name: \"pay.*.example\"" NO_NAME},
	{"two stars", POS "    match: [{name: \"*.*.example\"}]\n",
	 "t:7:20: services.pos.match.name: \"*.*.example\"" NO_NAME},
	{"a star not quoted is an alias", POS "    match: [{name: *.example}]\n",
	 "t:7:21: policy: not YAML: did not find expected alphabetic or numeric character"},
	{"a dot at the end", POS "    match: [{name: pay.example.}]\n",
	 "t:7:20: services.pos.match.name: \"pay.example.\"" NO_NAME},
	{"two dots", POS "    match: [{name: pay..example}]\n",
	 "t:7:20: services.pos.match.name: \"pay..example\"" NO_NAME},
	{"a label that begins with a dash", POS "    match: [{name: -pay.example}]\n",
	 "t:7:20: services.pos.match.name: \"-pay.example\"" NO_NAME},
	{"a label that ends with a dash", POS "    match: [{name: pay-.example}]\n",
	 "t:7:20: services.pos.match.name: \"pay-.example\"" NO_NAME},
	{"a label of 64 bytes", POS "    match: [{name: " LABEL "x.example}]\n",
	 "t:7:20: services.pos.match.name: "
	 "\"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwx\"" NO_NAME},
	{"an address", POS "    match: [{name: 203.0.113.7}]\n",
	 "t:7:20: services.pos.match.name: \"203.0.113.7\"" NO_NAME},
	{"a URL", POS "    match: [{name: \"https://pay.example\"}]\n",
	 "t:7:20: services.pos.match.name: \"https://pay.example\"" NO_NAME},
	{"letters that are not ASCII", POS "    match: [{name: caf\xc3\xa9.example}]\n",
	 "t:7:20: services.pos.match.name: \"caf\xc3\xa9.example\"" NO_NAME},
	{"a space", POS "    match: [{name: pay example}]\n",
	 "t:7:20: services.pos.match.name: \"pay example\"" NO_NAME},
	{"a name of 128 bytes", POS "    match: [{name: a." LABEL "." LABEL "}]\n",
	 "t:7:20: services.pos.match.name: \"a.abcdefghijklmnopqrstuvwxyz0123456789ab...\" has "
	 "129 bytes, at most 127"},
	{"no name", POS "    match: [{name: }]\n", "t:7:20: services.pos.match.name: has no value"},
	{"no names", POS "    match: [{name: []}]\n",
	 "t:7:20: services.pos.match.name: is an empty list"},
	{"a mapping", POS "    match: [{name: {is: pay.example}}]\n",
	 "t:7:20: services.pos.match.name: a list is expected here"},
	{"a name twice, in other letters",
	 POS "    match: [{name: [pay.example, cash.example, Pay.Example]}]\n",
	 "t:7:48: services.pos.match.name: pay.example is said twice"},
	{"an application with a space", POS "    match: [{app: Microsoft Teams}]\n",
	 "t:7:19: services.pos.match.app: \"Microsoft Teams\"" NO_APP},
	{"an application with a slash", POS "    match: [{app: TLS/Teams}]\n",
	 "t:7:19: services.pos.match.app: \"TLS/Teams\"" NO_APP},
	{"an application of 64 bytes", POS "    match: [{app: " LABEL "x}]\n",
	 "t:7:19: services.pos.match.app: \"abcdefghijklmnopqrstuvwxyz0123456789abcd\"" NO_APP},
	{"an application twice", POS "    match: [{app: [TLS, TLS]}]\n",
	 "t:7:25: services.pos.match.app: TLS is said twice"},
	{"a name where names are off, in whatever order",
	 POS "    match: [{vlan: 1, name: pay.example}]\nnames: false\n",
	 "t:7:29: services.pos.match.name: needs names, and names: false is said"},
	{"an application where names are off", "names: false\n" POS "    match: [{app: [TLS]}]\n",
	 "t:8:19: services.pos.match.app: needs names, and names: false is said"},
	{"names perhaps", POS "    match: [{vlan: 1}]\nnames: maybe\n",
	 "t:8:8: names: \"maybe\" is not one of false, true"},
	{"an unknown tunnel", TOP "tunnels: [gre, l2tp]\n",
	 "t:4:16: tunnels: \"l2tp\" is not one of gre, ipip, vxlan, geneve, gtp-u; or all, alone"},
	{"all among others", TOP "tunnels: [all, gre]\n",
	 "t:4:11: tunnels: \"all\" is not one of gre, ipip, vxlan, geneve, gtp-u; or all, alone"},
	{"a tunnel twice", TOP "tunnels: [gre, ipip, gre]\n", "t:4:22: tunnels: gre is said twice"},
	{"no tunnels", TOP "tunnels: []\n", "t:4:10: tunnels: is an empty list"},
	{"six tunnels", TOP "tunnels: [gre, ipip, vxlan, geneve, gtp-u, gre]\n",
	 "t:4:10: tunnels: has 6 entries, at most 5"},
};

static void refuses(void **state)
{
	const struct bad_row *row = *state;
	struct sl_policy policy, untouched;
	char why[1024] = "";

	memset(&policy, 0x5a, sizeof(policy));
	memset(&untouched, 0x5a, sizeof(untouched));
	assert_int_equal(sl_policy_read(&policy, row->yaml, strlen(row->yaml), "t", why,
					sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, row->why);
	assert_memory_equal(&policy, &untouched, sizeof(policy));
}

/* As many as the fast path has bits for; one that is there already costs nothing. */
static void refuses_46_different(void **state)
{
	static char text[8192];
	struct sl_policy policy;
	char why[256];
	int used = snprintf(text, sizeof(text), "%s    match:\n", POS);

	for (int i = 0; i < SL_POLICY_CLAUSES_MAX - 1; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "    - {name: n%d}\n",
				 i);
	used += snprintf(text + used, sizeof(text) - (size_t)used,
			 "    - {name: N7, app: n7}\n    - {name: n8}\n");
	must_read(&policy, text);
	assert_int_equal(policy.clauses, SL_POLICY_CLAUSES_MAX);
	snprintf(text + used, sizeof(text) - (size_t)used, "    - {app: [n7, n8]}\n");
	assert_int_equal(sl_policy_read(&policy, text, strlen(text), "t", why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why, "t:54:18: services.pos.match.app: more than 45 different names "
				 "and apps in all");
}

static const struct diff_row {
	const char *name, *before, *after, *diff;
} diff_rows[] = {
	{"a pattern for a name", "    match: [{name: pay.example}]\n",
	 "    match: [{name: \"*.pay.example\"}]\n",
	 "services.pos.match: removed {name: [\"pay.example\"]}\n"
	 "services.pos.match: added {name: [\"*.pay.example\"]}\n"},
	{"an application for a name", "    match: [{name: tls}]\n", "    match: [{app: tls}]\n",
	 "services.pos.match: removed {name: [\"tls\"]}\n"
	 "services.pos.match: added {app: [\"tls\"]}\n"},
	{"other letters are the same name", "    match: [{name: Pay.example}]\n",
	 "    match: [{name: pay.EXAMPLE}]\n", ""},
	{"names switched off", "    match: [{vlan: 1}]\n", "    match: [{vlan: 1}]\nnames: false\n",
	 "names: true -> false\n"},
	{"tunnels", "    match: [{vlan: 1}]\ntunnels: gre\n",
	 "    match: [{vlan: 1}]\ntunnels: all\n", "tunnels: [gre] -> all\n"},
	{"no more tunnels", "    match: [{vlan: 1}]\ntunnels: gre\n", "    match: [{vlan: 1}]\n",
	 "tunnels: removed [gre]\n"},
};

static void differs(void **state)
{
	const struct diff_row *row = *state;
	struct sl_policy before, after;
	char yaml[512], *diff;

	snprintf(yaml, sizeof(yaml), "%s%s", POS, row->before);
	must_read(&before, yaml);
	snprintf(yaml, sizeof(yaml), "%s%s", POS, row->after);
	must_read(&after, yaml);
	diff = sl_policy_diff(&before, &after);
	assert_string_equal(diff, row->diff);
	free(diff);
}

int main(void)
{
	static struct sl_row_tests tests;

	sl_row_add(&tests, "names, applications and tunnels, member by member", reads_everything,
		   NULL);
	SL_ROWS_ADD(&tests, good_rows, round_trip);
	SL_ROWS_ADD(&tests, bad_rows, refuses);
	sl_row_add(&tests, "45 different names and applications are read, 46 are not",
		   refuses_46_different, NULL);
	SL_ROWS_ADD(&tests, diff_rows, differs);
	return sl_row_run("proto policy names", &tests);
}
