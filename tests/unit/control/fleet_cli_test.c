/*
 * fleet_cli_test.c - storeline fleet on a real Redis that holds many sites
 */
#include "tests/unit/row.h"

#include "lab.h"
#include "proto/wire.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S      UINT64_C(1000000000)
#define STORES 12

static struct lab lab;
static redisContext *redis;
static uint64_t now_ns;

/* ---- what the sites have written ---- */

static void say(const char *format, ...)
{
	redisReply *reply;
	va_list list;

	va_start(list, format);
	reply = redisvCommand(redis, format, list);
	va_end(list);
	assert_non_null(reply);
	assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
	freeReplyObject(reply);
}

static const char *store(unsigned int number)
{
	static char name[SL_NAME_MAX];

	snprintf(name, sizeof(name), "store-%02u", number);
	return name;
}

/* Its control writes; does not. */
static void speak(const char *site)
{
	say("HSET sl:{%s}:path:pos:fibre state good", site);
}

static void hush(const char *site)
{
	say("DEL sl:{%s}:path:pos:fibre", site);
}

struct trouble {
	uint64_t id, ago_s, closed_ago_s; /* closed: 0 = open */
	const char *service, *uplink;
	enum sl_verdict verdict;
};

static void suffer(const char *site, const struct trouble *trouble)
{
	static uint8_t bytes[SL_WIRE_BYTES_MAX];
	struct sl_incident incident = {.id = trouble->id,
				       .verdict = trouble->verdict,
				       .first_bad_unix_ns = now_ns - trouble->ago_s * S,
				       .opened_unix_ns = now_ns - trouble->ago_s * S + S,
				       .located = "as the test says"};
	long length;

	if (trouble->closed_ago_s)
		incident.closed_unix_ns = now_ns - trouble->closed_ago_s * S;
	snprintf(incident.site, sizeof(incident.site), "%s", site);
	snprintf(incident.service, sizeof(incident.service), "%s", trouble->service);
	snprintf(incident.uplink, sizeof(incident.uplink), "%s", trouble->uplink);
	length = sl_wire_pack_incident(&incident, bytes, sizeof(bytes));
	assert_true(length > 0);
	say("XADD sl:{%s}:incident * pb %b", site, bytes, (size_t)length);
}

/* The second @ago_s ago of a site, under policy @version. */
static void live(const char *site, uint64_t ago_s, uint64_t version)
{
	static uint8_t bytes[SL_WIRE_BYTES_MAX];
	static struct sl_telemetry rollup;
	char id[32];
	long length;

	rollup.policy_version = version;
	snprintf(rollup.site, sizeof(rollup.site), "%s", site);
	snprintf(id, sizeof(id), "%llu-0", (unsigned long long)((now_ns - ago_s * S) / 1000000));
	length = sl_wire_pack_telemetry(&rollup, bytes, sizeof(bytes));
	assert_true(length > 0);
	say("XADD sl:{%s}:health %s pb %b", site, id, bytes, (size_t)length);
}

/* ---- scenes, each on top of the one before ---- */

static void all_well(void)
{
	for (unsigned int i = 0; i < STORES; i++) {
		say("HSET sl:{%s}:policy version 17", store(i));
		speak(store(i));
	}
	suffer(store(0), &(struct trouble){3, 90000, 89000, "pos", "fibre", SL_VERDICT_UPLINK});
	say("SET someone:else 1");
	say("XADD sl:{typo}:command * pb x");
}

static void trouble(void)
{
	/* Eight whose far end is out: its verdict came later, another uplink was bad first at some. */
	for (unsigned int i = 0; i < 8; i++) {
		struct trouble pos = {
			7, 300 - i * 5, 0, "pos", i & 1 ? "lte" : "fibre", SL_VERDICT_UNKNOWN};

		suffer(store(i), &pos);
		pos.verdict = SL_VERDICT_DESTINATION;
		suffer(store(i), &pos);
	}
	/* Four behind one provider, over at one. */
	for (unsigned int i = 0; i < 4; i++)
		suffer(store(i), &(struct trouble){8, 1000, i ? 0 : 900, "collect", "fibre",
						   SL_VERDICT_UPLINK});
	/* Five that were given policy 18. */
	for (unsigned int i = 4; i < 9; i++) {
		live(store(i), 700, 17);
		live(store(i), 645, 17);
		live(store(i), 599, 18);
		suffer(store(i),
		       &(struct trouble){9, 600 - i, 0, "guest", "fibre", SL_VERDICT_SELF});
	}
	suffer(store(11), &(struct trouble){4, 50, 0, "pos", "lte", SL_VERDICT_UPLINK});
	suffer(store(11), &(struct trouble){5, 40, 0, "cctv", "fibre", SL_VERDICT_LAN});
	/* One that is silent since it was in trouble, and one that is no more. */
	say("HSET sl:{store-98}:policy version 3");
	suffer("store-98", &(struct trouble){2, 800, 0, "pos", "fibre", SL_VERDICT_DNS});
	suffer("store-99", &(struct trouble){2, 90000, 0, "pos", "fibre", SL_VERDICT_DNS});
	say("XADD sl:{store-10}:incident * pb xx");
}

static void many(void)
{
	char site[SL_NAME_MAX], service[SL_NAME_MAX];

	for (unsigned int i = 0; i < 25; i++) {
		snprintf(site, sizeof(site), "more-%02u", i);
		snprintf(service, sizeof(service), "own-%02u", i);
		speak(site);
		suffer(site, &(struct trouble){1, 20, 0, service, "fibre", SL_VERDICT_LAN});
	}
	for (uint64_t i = 1; i <= 70; i++)
		suffer("more-24", &(struct trouble){i, 20, i == 70 ? 0 : 10, "own-24", "fibre",
						    SL_VERDICT_LAN});
}

static void all_over(void)
{
	say("FLUSHALL");
	all_well();
	for (unsigned int i = 0; i < 3; i++)
		suffer(store(i),
		       &(struct trouble){7, 3000, 2000, "pos", "fibre", SL_VERDICT_DESTINATION});
	suffer(store(5), &(struct trouble){4, 500, 400, "pos", "lte", SL_VERDICT_UPLINK});
}

static void all_silent(void)
{
	for (unsigned int i = 0; i < STORES; i++)
		hush(store(i));
}

/* ---- what is told of them ---- */

struct row {
	const char *name, *words;
	int code;
	const char *said;
};

static const struct row empty_rows[] = {
	{"no Redis", "fleet --redis unix:/nonexistent/s --timeout 200ms", 6, "no Redis at"},
	{"no site", "fleet", 6, "no site has written to Redis at"},
	{"a count is no time", "fleet --last 7", 2, "--last 7: not a time from 1s to 31d"},
	{"a word too many", "fleet all", 2, "usage: storeline fleet"},
};

static const struct row well_rows[] = {
	{"all well", "fleet", 0, "12 sites: 12 well, 0 with something open, 0 silent\n"},
	{"all well, JSON", "fleet --json", 0,
	 "{\"sites\":12,\"seen\":12,\"well\":12,\"open\":0,\"silent\":[],\"groups\":[],\"alone\":[],"},
	{"a longer time", "fleet --last 2d", 0, "store-00: pos: uplink fibre, over, from "},
};

static const struct row trouble_rows[] = {
	{"a far end that is out", "fleet", 7, "pos: destination at 8 of 13 sites, since "},
	{"within how long, and what to do", "fleet", 7,
	 " (all within 35 s): the far end is out; no site can mend it: use offline mode\n"},
	{"a policy", "fleet", 7, "guest: self at 5 of 13 sites, since "},
	{"which policy", "fleet", 7, " (all within 4 s), within 60 s of policy 18: roll it back\n"},
	{"a provider's network", "fleet", 7,
	 "collect: uplink fibre at 4 of 13 sites (open at 3), since "},
	{"what it means", "fleet", 7, ": the provider's network; each site moves by itself\n"},
	{"alone, the newest of two", "fleet", 7, "store-11: cctv: lan, since "},
	{"alone, why and what else", "fleet", 7,
	 " (incident 5): as the test says; and 1 more there\n"},
	{"alone, the last word of a silent one", "fleet", 7, "store-98: pos: dns, since "},
	{"how many", "fleet", 7, "14 sites: 2 well, 11 with something open, 2 silent\n"},
	{"who is silent", "fleet", 7,
	 "silent (no word of their control for 10 s): store-98, store-99\n"},
	{"what could not be read", "fleet", 7, "\nentries that could not be read: 1\n"},
	{"what is long ago", "fleet --last 2d", 7, "store-99: pos: dns, since 20"},
	{"JSON: counts", "fleet --json", 7, "{\"sites\":14,\"seen\":13,\"well\":2,\"open\":11,"},
	{"JSON: silent", "fleet --json", 7, "\"silent\":[\"store-98\",\"store-99\"]"},
	{"JSON: a group", "fleet --json", 7,
	 "{\"service\":\"guest\",\"verdict\":\"self\",\"uplink\":\"\",\"sites\":5,\"open\":5,"},
	{"JSON: its policy", "fleet --json", 7,
	 "\"policy_version\":18,\"policy_sites\":5,\"by_policy\":true,"},
	{"JSON: where", "fleet --json", 7,
	 "\"at\":[\"store-04\",\"store-05\",\"store-06\",\"store-07\",\"store-08\"]"},
	{"JSON: alone", "fleet --json", 7,
	 "{\"site\":\"store-11\",\"incident\":4,\"service\":\"pos\",\"verdict\":\"uplink\",\"uplink\":\"lte\""},
	{"JSON: what could not be read", "fleet --json", 7, "\"unreadable\":1}"},
	{"whatever the site", "fleet --site store-11", 7, "pos: destination at 8 of 13 sites"},
};

static const struct row many_rows[] = {
	{"no more than 20 lines of those alone", "fleet", 7,
	 "\nand 7 more, 7 of them with something open\n"},
	{"four are a tenth of 38", "fleet", 7, "collect: uplink fibre at 4 of 38 sites"},
	{"more changes than are read", "fleet", 7,
	 "\nsites of which only the last 64 changes were read: 1\n"},
	{"JSON has them all", "fleet --json", 7, "{\"site\":\"more-00\",\"incident\":1,"},
};

static const struct row over_rows[] = {
	{"over", "fleet", 0, "pos: destination at 3 of 12 sites, from "},
	{"over, and what it means", "fleet", 0, " (begun within 1 s): over\n"},
	{"alone, over", "fleet", 0, "store-05: pos: uplink lte, over, from "},
	{"nothing open", "fleet", 0, "12 sites: 12 well, 0 with something open, 0 silent\n"},
	{"before that time", "fleet --last 5m", 0, "12 sites: 12 well,"},
};

static const struct row silent_rows[] = {
	{"nobody speaks", "fleet --last 5m", 6, "storeline: no site's control writes"},
	{"what is left is told", "fleet", 6, "12 sites: 0 well, 0 with something open, 12 silent"},
	{"not all by name", "fleet", 6, "store-09 and 2 more\n"},
};

static void check(void **state)
{
	const struct row *row = *state;

	lab_says(&lab, row->words, row->code, row->said);
}

/* Who is well, or no site, or long ago, is not told; and nothing is written. */
static void not_said(void **state)
{
	static const char *const words[] = {"store-10", "typo", "store-99: ", "unknown"};
	char keys[32];

	assert_true(lab_redis_says(&lab, "DBSIZE", "\n"));
	snprintf(keys, sizeof(keys), "%.20s", lab.output);
	assert_int_equal(lab_run(&lab, "STORELINE", "fleet"), 7);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(strstr(lab.output, words[i]));
	assert_true(lab_redis_says(&lab, "DBSIZE", keys));
}

/* Redis may be told not to let keys be listed. */
static void forbidden(void **state)
{
	say("ACL SETUSER default -scan");
	assert_int_equal(lab_run(&lab, "STORELINE", "fleet"), 1);
	assert_non_null(strstr(lab.output, "does not let its keys be listed"));
	say("ACL SETUSER default +@all");
}

static int group(const char *name, const struct row *rows, size_t count, const char *also,
		 CMUnitTestFunction run)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++)
		sl_row_add(tests, rows[i].name, check, &rows[i]);
	if (also)
		sl_row_add(tests, also, run, NULL);
	failed = sl_row_run(name, tests);
	free(tests);
	return failed;
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

static int play(void)
{
	struct timespec now;
	int failed = group("fleet, none", ROWS(empty_rows), NULL, NULL);

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * S;
	all_well();
	failed += group("fleet, well", ROWS(well_rows), NULL, NULL);
	trouble();
	failed += group("fleet, in trouble", ROWS(trouble_rows),
			"who is not told of; nothing is written", not_said);
	many();
	failed += group("fleet, of many", ROWS(many_rows), "a Redis that lists no keys", forbidden);
	all_over();
	failed += group("fleet, over", ROWS(over_rows), NULL, NULL);
	all_silent();
	return failed + group("fleet, silent", ROWS(silent_rows), NULL, NULL);
}

int main(void)
{
	int failed;

	setenv("TZ", "UTC", 1);
	if (lab_open(&lab)) {
		printf("no redis-server\n");
		lab_close(&lab);
		return 1;
	}
	redis = redisConnectUnix(lab.redis + strlen("unix:"));
	failed = redis && !redis->err ? play() : 1;
	if (redis)
		redisFree(redis);
	lab_close(&lab);
	return failed;
}
