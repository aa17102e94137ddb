/*
 * fleet_test.c - which incidents of many sites are one, and how that is told
 */
#include "tests/unit/row.h"

#include "control/cli/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S         UINT64_C(1000000000)
#define BEGAN     (UINT64_C(1795593600) * S) /* 2026-11-25 08:00:00 UTC */
#define SITES_MAX 1000
#define CASES_MAX 1200

/* ---- what is one ---- */

/* Incidents of a fault, one at each of .sites sites from .from on, .apart_ms after one another. */
struct burst {
	const char *service, *uplink;
	enum sl_verdict verdict;
	uint32_t from, sites, at_s, apart_ms;
	uint64_t policy;
	bool over;
};

static const struct found {
	const char *name;
	uint32_t seen;
	struct burst burst[3];
	struct {
		uint32_t sites, open, within_s;
		uint64_t policy; /* by which it is; 0 = by none, or not by one */
	} group[3];
	uint32_t alone; /* cases */
} found_rows[] = {
	{"nothing", 10, {{NULL}}, {{0}}, 0},
	{"a far end that is out",
	 230,
	 {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 212, 0, 194}},
	 {{212, 212, 41}},
	 0},
	{"two are chance", 4, {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 2}}, {{0}}, 2},
	{"three of a few", 4, {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 3}}, {{3, 3}}, 0},
	{"three of thirty", 30, {{"pos", "fibre", SL_VERDICT_LAN, 0, 3}}, {{3, 3}}, 0},
	{"three of more than thirty", 31, {{"pos", "fibre", SL_VERDICT_LAN, 0, 3}}, {{0}}, 3},
	{"less than a tenth", 1000, {{"pos", "fibre", SL_VERDICT_LAN, 0, 99}}, {{0}}, 99},
	{"a tenth", 1000, {{"pos", "fibre", SL_VERDICT_LAN, 0, 100}}, {{100, 100}}, 0},
	{"the first and the last 120 s apart",
	 10,
	 {{"pos", "fibre", SL_VERDICT_DNS, 0, 3, 0, 60000}},
	 {{3, 3, 120}},
	 0},
	{"a little more than 120 s",
	 10,
	 {{"pos", "fibre", SL_VERDICT_DNS, 0, 3, 0, 60001}},
	 {{0}},
	 3},
	{"one after the other for an hour is none",
	 40,
	 {{"pos", "fibre", SL_VERDICT_UNKNOWN, 0, 40, 0, 90000}},
	 {{0}},
	 40},
	{"one that came before does not cut it short",
	 10,
	 {{"pos", "fibre", SL_VERDICT_UPLINK, 9, 1, 0},
	  {"pos", "fibre", SL_VERDICT_UPLINK, 0, 5, 100, 10000}},
	 {{5, 5, 40}},
	 1},
	{"the same again later",
	 10,
	 {{"pos", "fibre", SL_VERDICT_UPLINK, 0, 4, 0, 0, 0, true},
	  {"pos", "fibre", SL_VERDICT_UPLINK, 0, 6, 600}},
	 {{6, 6}, {4, 0}},
	 0},
	{"other services",
	 10,
	 {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 2},
	  {"collect", "fibre", SL_VERDICT_DESTINATION, 2, 2}},
	 {{0}},
	 4},
	{"other verdicts",
	 10,
	 {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 2}, {"pos", "fibre", SL_VERDICT_DNS, 2, 2}},
	 {{0}},
	 4},
	{"other uplinks, by which the far end was bad first",
	 10,
	 {{"pos", "fibre", SL_VERDICT_DESTINATION, 0, 2},
	  {"pos", "lte", SL_VERDICT_DESTINATION, 2, 2}},
	 {{4, 4}},
	 0},
	{"other uplinks, which are at fault",
	 10,
	 {{"pos", "fibre", SL_VERDICT_UPLINK, 0, 3}, {"pos", "lte", SL_VERDICT_UPLINK, 3, 4}},
	 {{4, 4}, {3, 3}},
	 0},
	{"one site again and again is one",
	 10,
	 {{"pos", "fibre", SL_VERDICT_LAN, 0, 2},
	  {"pos", "fibre", SL_VERDICT_LAN, 0, 2, 20},
	  {"pos", "fibre", SL_VERDICT_LAN, 0, 2, 40}},
	 {{0}},
	 6},
	{"over at some, and again at one",
	 10,
	 {{"pos", "fibre", SL_VERDICT_LAN, 0, 5, 0, 0, 0, true},
	  {"pos", "fibre", SL_VERDICT_LAN, 4, 2, 20}},
	 {{6, 2, 20}},
	 0},
	{"a policy",
	 230,
	 {{"pos", "fibre", SL_VERDICT_SELF, 0, 27, 0, 1000, 18},
	  {"pos", "fibre", SL_VERDICT_SELF, 27, 3, 30}},
	 {{30, 30, 30, 18}},
	 0},
	{"a policy that too few of them took",
	 230,
	 {{"pos", "fibre", SL_VERDICT_SELF, 0, 26, 0, 1000, 18},
	  {"pos", "fibre", SL_VERDICT_SELF, 26, 4, 30}},
	 {{30, 30, 30}},
	 0},
};

static uint32_t spread(const struct burst *burst, struct sl_fleet_case *list)
{
	for (uint32_t i = 0; i < burst->sites; i++) {
		struct sl_fleet_case *one = &list[i];

		*one = (struct sl_fleet_case){
			.site = burst->from + i,
			.id = i + 1,
			.verdict = burst->verdict,
			.began_unix_ns =
				BEGAN + burst->at_s * S + i * (uint64_t)burst->apart_ms * 1000000,
			.policy = burst->policy,
		};
		one->closed_unix_ns = burst->over ? one->began_unix_ns + 9 * S : 0;
		snprintf(one->service, sizeof(one->service), "%s", burst->service);
		snprintf(one->uplink, sizeof(one->uplink), "%s", burst->uplink);
	}
	return burst->sites;
}

/* As they come from Redis: by site. */
static int by_site(const void *left, const void *right)
{
	const struct sl_fleet_case *a = left, *b = right;

	return (a->site > b->site) - (a->site < b->site);
}

static void finds(void **state)
{
	static struct sl_fleet_case list[CASES_MAX];
	static struct sl_fleet_group group[CASES_MAX / SL_FLEET_LEAST];
	static uint32_t mark[SITES_MAX];
	const struct found *row = *state;
	struct sl_fleet fleet = {SITES_MAX, row->seen, 0, 0, list, group, mark};
	uint32_t alone = 0, wanted = 0;

	for (int i = 0; i < 3 && row->burst[i].service; i++)
		fleet.cases += spread(&row->burst[i], &list[fleet.cases]);
	qsort(list, fleet.cases, sizeof(*list), by_site);
	sl_fleet_find(&fleet);
	sl_fleet_blame(&fleet);
	while (wanted < 3 && row->group[wanted].sites)
		wanted++;
	assert_int_equal(fleet.groups, wanted);
	for (uint32_t g = 0; g < wanted; g++) {
		assert_int_equal(group[g].sites, row->group[g].sites);
		assert_int_equal(group[g].open, row->group[g].open);
		assert_int_equal((group[g].last_unix_ns - group[g].first_unix_ns + S / 2) / S,
				 row->group[g].within_s);
		assert_int_equal(sl_fleet_by_policy(&group[g]) ? group[g].policy : 0,
				 row->group[g].policy);
		assert_int_equal(group[g].closed_unix_ns != 0, !row->group[g].open);
	}
	for (uint32_t i = 0; i < fleet.cases; i++)
		alone += list[i].group == SL_FLEET_ALONE;
	assert_int_equal(alone, row->alone);
}

/* ---- how it is told ---- */

#define SINCE "at 30 of 230 sites, since 08:00:00 (all within 41 s)"

static const struct told {
	const char *name;
	enum sl_verdict verdict;
	uint32_t open, policy_sites;
	uint64_t policy;
	const char *said; /* how it begins */
} told_rows[] = {
	{"destination", SL_VERDICT_DESTINATION, 30, 0, 0,
	 "pos: destination " SINCE ": the far end is out; no site can mend it: use offline mode"},
	{"uplink", SL_VERDICT_UPLINK, 30, 0, 0,
	 "pos: uplink fibre " SINCE ": the provider's network; each site moves by itself"},
	{"lan", SL_VERDICT_LAN, 30, 0, 0, "pos: lan " SINCE ": in the sites' own networks"},
	{"dns", SL_VERDICT_DNS, 30, 0, 0, "pos: dns " SINCE ": the resolver that they share"},
	{"unknown", SL_VERDICT_UNKNOWN, 30, 0, 0, "pos: unknown " SINCE ": no site can tell where"},
	{"self", SL_VERDICT_SELF, 30, 0, 0, "pos: self " SINCE ": no policy came just before"},
	{"a policy", SL_VERDICT_SELF, 30, 27, 18,
	 "pos: self " SINCE ", within 60 s of policy 18: roll it back"},
	{"a policy, of other numbers", SL_VERDICT_SELF, 30, 30, 0,
	 "pos: self " SINCE ", within 60 s of a new policy: roll it back"},
	{"a policy, and another verdict", SL_VERDICT_LAN, 30, 30, 18,
	 "pos: lan " SINCE ", within 60 s of policy 18: it may be the cause: roll it back"},
	{"a policy of too few", SL_VERDICT_LAN, 30, 26, 18,
	 "pos: lan " SINCE ": in the sites' own networks"},
	{"over at some", SL_VERDICT_DNS, 12, 0, 0,
	 "pos: dns at 30 of 230 sites (open at 12), since 08:00:00 (all within 41 s): "},
	{"over", SL_VERDICT_DNS, 0, 0, 0,
	 "pos: dns at 30 of 230 sites, from 08:00:00 to 08:10:00 (begun within 41 s): over"},
};

static void tells(void **state)
{
	const struct told *row = *state;
	const struct sl_fleet_group group = {
		.service = "pos",
		.uplink = {row->verdict == SL_VERDICT_UPLINK ? 'f' : '\0', 'i', 'b', 'r', 'e'},
		.verdict = row->verdict,
		.sites = 30,
		.open = row->open,
		.first_unix_ns = BEGAN,
		.last_unix_ns = BEGAN + 40 * S + 1,
		.closed_unix_ns = row->open ? 0 : BEGAN + 600 * S,
		.policy_sites = row->policy_sites,
		.policy = row->policy,
	};
	char text[SL_FLEET_SENTENCE_MAX];

	sl_fleet_sentence(&group, 230, BEGAN + 3600 * S, text);
	if (strncmp(text, row->said, strlen(row->said)) != 0)
		print_message("%s\n", text);
	assert_int_equal(strncmp(text, row->said, strlen(row->said)), 0);
}

int main(void)
{
	static struct sl_row_tests tests;

	setenv("TZ", "UTC", 1);
	SL_ROWS_ADD(&tests, found_rows, finds);
	SL_ROWS_ADD(&tests, told_rows, tells);
	return sl_row_run("fleet", &tests);
}
