/*
 * whatif_cli_test.c - storeline whatif on a real Redis; times as people write them
 */
#include "tests/unit/row.h"

#include "control/cli/cli.h"
#include "faults.h"
#include "lab.h"
#include "proto/bus.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S UINT64_C(1000000000)

static struct lab lab;

/* ---- times ---- */

static const struct span {
	const char *name, *text;
	bool good;
	uint32_t seconds;
} spans[] = {
	{"days", "7d", true, 604800},   {"hours", "24h", true, 86400},
	{"minutes", "90m", true, 5400}, {"seconds", "30s", true, 30},
	{"a half", "1.5h", true, 5400}, {"no unit", "7", false, 0},
	{"nothing", "0s", false, 0},    {"too much", "32d", false, 0},
	{"a word", "week", false, 0},   {"a sign", "-7d", false, 0},
};

static void read_span(void **state)
{
	const struct span *row = *state;
	uint32_t seconds = 0;

	assert_int_equal(sl_words_span(row->text, &seconds), row->good);
	assert_int_equal(seconds, row->seconds);
}

static const struct when {
	const char *name, *text;
	bool good;
	uint64_t unix_s;
} whens[] = {
	{"UTC", "2026-11-25T08:00:00Z", true, 1795593600},
	{"a zone in the east", "2026-11-25T09:30:00+01:30", true, 1795593600},
	{"a zone in the west", "2026-11-25T03:00:00-05:00", true, 1795593600},
	{"parts of a second", "2026-11-25T08:00:00.250Z", true, 1795593600},
	{"a leap day", "2028-02-29T00:00:00Z", true, 1835395200},
	{"no leap day", "2026-02-29T00:00:00Z", false, 0},
	{"no zone", "2026-11-25T08:00:00", false, 0},
	{"a day alone", "2026-11-25", false, 0},
	{"a month too many", "2026-13-25T08:00:00Z", false, 0},
	{"an hour too many", "2026-11-25T24:00:00Z", false, 0},
	{"something behind it", "2026-11-25T08:00:00Z!", false, 0},
	{"a short zone", "2026-11-25T08:00:00+1:00", false, 0},
	{"a word", "yesterday", false, 0},
};

static void read_when(void **state)
{
	const struct when *row = *state;
	uint64_t unix_ns = 0;

	assert_int_equal(sl_words_when(row->text, &unix_ns), row->good);
	assert_int_equal(unix_ns, row->unix_s * S);
}

/* ---- on Redis ---- */

#define STORE(mode)                                                                                  \
	"site: store-0421\n"                                                                         \
	"mode: " mode "\n"                                                                           \
	"ports: {lan0: {device: lan0, role: lan}}\n"                                                 \
	"uplinks:\n"                                                                                 \
	"  fibre: {device: up0, gateway: 192.0.2.1, capacity: 20mbit}\n"                             \
	"  lte: {device: up1, gateway: 198.51.100.1, capacity: 40mbit, metered: {monthly: 5GB}}\n"   \
	"services:\n"                                                                                \
	"  pos: {match: [{vlan: 20}], slo: {latency_p95: 80ms, loss: 0.5%}, uplinks: [fibre, lte], " \
	"priority: critical}\n"                                                                      \
	"  collect: {match: [{vlan: 30}], slo: {latency_p95: 120ms, loss: 1%}, "                     \
	"uplinks: [fibre, lte], priority: high}\n"                                                   \
	"  guest: {match: [{vlan: 40}], slo: {latency_p95: 250ms, loss: 10%}, uplinks: [fibre], "    \
	"throttle: {floor: 2mbit}}\n"                                                                \
	"  cctv: {match: [{vlan: 50}], slo: {latency_p95: 300ms, loss: 5%}, uplinks: [fibre]}\n"     \
	"guardrails: {hold_down: 10s}\n"

static const char bad_policy[] = "site: store-0421\n"
				 "ports: {lan0: {device: lan0, role: lan}}\n"
				 "guardrails: {hold: 3s}\n";

static const struct row {
	const char *name, *words;
	int code;
	const char *said;
} alone_rows[] = {
	{"which policy?", "whatif", 2, "which policy? --policy FILE"},
	{"a bad policy, with its place", "whatif --policy bad.yaml", 2,
	 "bad.yaml:3:14: guardrails.hold: unknown key"},
	{"the same, JSON", "whatif --policy bad.yaml --json", 2, "\"valid\":false"},
	{"a policy that is not there", "whatif --policy /nonexistent", 3, "No such file"},
	{"a count is no time", "whatif --policy new.yaml --last 7", 2,
	 "--last 7: not a time from 1s to 31d"},
	{"a time is no count", "incidents --last 7d", 2, "--last 7d: not a number from 1 to 500"},
	{"no such time", "whatif --policy new.yaml --from yesterday", 2,
	 "--from yesterday: not a time like"},
	{"two beginnings", "whatif --policy new.yaml --last 1h --from 2026-11-25T08:00:00Z", 2,
	 "--last or --from, not both"},
	{"no time between",
	 "whatif --policy new.yaml --from 2026-11-25T08:00:00Z --to 2026-11-25T08:00:00Z", 2,
	 "there is no time from"},
	{"another verb's option", "whatif --policy new.yaml --live", 2, "whatif takes no --live"},
	{"no Redis", "whatif --policy new.yaml --redis unix:/nonexistent/s --timeout 200ms", 6,
	 "no Redis at"},
	{"no policy in force", "whatif --policy new.yaml", 6, "has no policy in Redis"},
};

static const struct row empty_rows[] = {
	{"nothing is recorded", "whatif --policy new.yaml", 0, "- Nothing is recorded"},
	{"nothing is recorded, JSON", "whatif --policy new.yaml --json", 0, "\"recorded_s\":0,"},
};

static const struct row told_rows[] = {
	{"moves", "whatif --policy new.yaml --last 1h", 0, "\npos moves 0 0 2\n"},
	{"flaps", "whatif --policy new.yaml --last 1h", 0, "\n flaps 0 0 1\n"},
	{"who has no other way stays", "whatif --policy new.yaml --last 1h", 0,
	 "\ncctv moves 0 0 0\n"},
	{"bytes of a metered uplink", "whatif --policy new.yaml --last 1h", 0,
	 "\nlte bytes, both ways 0.0 KB 0.0 KB 16"},
	{"each move, and why", "whatif --policy new.yaml --last 1h", 0, " pos from fibre to lte: "},
	{"how far history reaches", "whatif --policy new.yaml --last 1h", 0,
	 "- History begins at "},
	{"how much of it there is", "whatif --policy new.yaml --last 1h", 0,
	 "- 139 of 3600 seconds are on record."},
	{"a gap", "whatif --policy new.yaml --last 1h", 0, "- 1 gaps, of 1.0 s together"},
	{"what could not be read", "whatif --policy new.yaml --last 1h", 0,
	 "- 1 roll-ups could not be read."},
	{"another policy was in force", "whatif --policy new.yaml --last 1h", 0,
	 "another version than 3 was in force"},
	{"what is not known", "whatif --policy new.yaml --last 1h", 0,
	 "- Unknown: nobody was there to measure it"},
	{"the mode in force", "whatif --policy new.yaml --last 1h", 0,
	 "- The policy in force is in mode observe: its replay moves nothing."},
	{"the same policy does the same", "whatif --policy old.yaml --last 1h", 0,
	 "\npos moves 0 0 0\n"},
	{"one service", "whatif --policy new.yaml --last 1h --service collect", 0,
	 "\ncollect moves 0 0 2\n"},
	{"an unknown service", "whatif --policy new.yaml --service tills", 3, "no service tills"},
	{"an SLO that is not the same", "whatif --policy slow.yaml --last 1h", 0,
	 "- The SLO of pos is not the same"},
	{"what a service claims is not the same", "whatif --policy slow.yaml --last 1h", 0,
	 "- What pos claims (match) is not the same"},
	{"a time without any",
	 "whatif --policy new.yaml --from 2026-01-01T00:00:00Z --to "
	 "2026-01-01T01:00:00Z",
	 0, "- 0 of 3600 seconds are on record."},
	{"JSON", "whatif --policy new.yaml --last 1h --json", 0,
	 "\"new\":{\"services\":[{\"service\":\"pos\",\"recorded\":true,\"moves\":2,\"flaps\":1,"},
	{"JSON: what really happened", "whatif --policy new.yaml --last 1h --json", 0,
	 "\"happened\":{\"services\":[{\"service\":\"pos\",\"recorded\":true,\"moves\":0,"},
};

/* A table's columns, in single spaces. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ' || text[1] != ' ')
			*to++ = *text;
	*to = '\0';
}

static void run(void **state)
{
	const struct row *row = *state;
	char words[512], *file;
	int code;

	/* Files are in the lab's directory. */
	snprintf(words, sizeof(words), "%s", row->words);
	file = strstr(words, ".yaml");
	if (file) {
		while (file[-1] != ' ')
			file--;
		snprintf(words, sizeof(words), "%.*s%s/%s", (int)(file - words), row->words,
			 lab.dir, row->words + (file - words));
	}
	code = lab_run(&lab, "STORELINE", words);
	squeeze(lab.output);
	if (code != row->code || !strstr(lab.output, row->said))
		print_message("%s: exit %d: %s\n", row->words, code, lab.output);
	assert_int_equal(code, row->code);
	assert_non_null(strstr(lab.output, row->said));
}

static struct {
	struct event_base *base;
	struct sl_bus *bus;
	bool connected;
} stage;

static void on_connected(void *arg)
{
	stage.connected = true;
}

static void turn(void)
{
	struct timeval step = {.tv_usec = 10000};

	event_base_loopexit(stage.base, &step);
	event_base_dispatch(stage.base);
}

static void open_stage(void)
{
	static const struct sl_bus_handlers handlers = {.connected = on_connected};
	struct sl_bus_config config = {.redis = lab.redis,
				       .site = "store-0421",
				       .handlers = &handlers};
	char why[SL_TEXT_MAX] = "";

	config.base = stage.base = event_base_new();
	if (!stage.base || sl_bus_open(&stage.bus, &config, why))
		exit(1);
	for (int i = 0; i < 500 && !stage.connected; i++)
		turn();
}

static void close_stage(void)
{
	for (int i = 0; i < 20; i++)
		turn();
	sl_bus_close(stage.bus);
	event_base_free(stage.base);
}

/* One second, but for the hundredth: that is missing. */
static void tell(const struct world *world, unsigned int second, uint64_t from_ns)
{
	static const struct sl_policy_history keep = {86400, SL_HISTORY_LEAN};
	static struct sl_telemetry picture;

	if (second == 100)
		return;
	picture = world->picture;
	picture.at_unix_ns = from_ns + second * S;
	picture.policy_version = second < 10 ? 2 : 3;
	sl_bus_send_health(stage.bus, &picture, &keep);
	turn();
}

/* A store that only observed, told as its dataplane would have: slow for 15 s. */
static void tell_story(void)
{
	static struct world world;
	uint64_t from_ns = ((uint64_t)time(NULL) - 200) * S;
	unsigned int second = 0;

	world_start(&world, SL_MODE_OBSERVE, 10000);
	for (uint64_t ms = 0; ms < 140000; ms += WORLD_TICK_MS) {
		fault_brownout_delay_passes(&world, ms > FAULT_MS ? ms - FAULT_MS : 0);
		world_step(&world);
		if (world.now_ms % 1000 == 0)
			tell(&world, second++, from_ns);
	}
}

/* It reads, and nothing else: no command, no event, no key that was not there. */
static void writes_nothing(void **state)
{
	assert_true(lab_redis_says(&lab, "DBSIZE", "2\n"));
	assert_true(lab_redis_says(&lab, "XLEN sl:{store-0421}:health", "140\n"));
	assert_true(lab_redis_says(&lab, "EXISTS sl:{store-0421}:command", "0\n"));
}

#define GROUP(name, rows) group(name, rows, sizeof(rows) / sizeof((rows)[0]))

static int group(const char *name, const struct row *rows, size_t count)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++)
		sl_row_add(tests, rows[i].name, run, &rows[i]);
	if (rows == told_rows)
		sl_row_add(tests, "nothing is written", writes_nothing, NULL);
	failed = sl_row_run(name, tests);
	free(tests);
	return failed;
}

static int times(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, spans, read_span);
	SL_ROWS_ADD(&tests, whens, read_when);
	return sl_row_run("whatif times", &tests);
}

int main(void)
{
	int failed = times();

	setenv("TZ", "UTC", 1);
	if (lab_open(&lab)) {
		printf("no redis-server\n");
		lab_close(&lab);
		return 1;
	}
	lab_write(&lab, "bad.yaml", bad_policy);
	lab_write(&lab, "old.yaml", STORE("observe"));
	lab_write(&lab, "new.yaml", STORE("enforce"));
	lab_write(
		&lab, "slow.yaml",
		"site: store-0421\n"
		"ports: {lan0: {device: lan0, role: lan}}\n"
		"uplinks: {fibre: {device: up0, gateway: 192.0.2.1}}\n"
		"services: {pos: {match: [{vlan: 21}], slo: {latency_p95: 900ms}, uplinks: [fibre]}}\n");
	failed += GROUP("whatif alone", alone_rows);
	open_stage();
	sl_bus_publish_policy(stage.bus, STORE("observe"), NULL, STORE("observe"), 3);
	turn();
	failed += GROUP("whatif, nothing recorded", empty_rows);
	tell_story();
	lab_redis_says(&lab, "XADD sl:{store-0421}:health * pb xx", "-");
	failed += GROUP("whatif", told_rows);
	close_stage();
	lab_close(&lab);
	return failed;
}
