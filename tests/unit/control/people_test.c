/*
 * people_test.c - why, incidents, memory on a real bus; completion and the manual
 */
#include "tests/unit/row.h"

#include "lab.h"
#include "scene.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lab lab;

struct row {
	const char *name, *words;
	int code;
	const char *said;
};

static const struct row alone_rows[] = {
	{"why: of what?", "why", 2, "usage: storeline why SERVICE"},
	{"why: no Redis", "why pos --redis unix:/nonexistent/s --timeout 200ms", 6, "no Redis at"},
	{"why: no dataplane", "why pos --timeout 300ms", 6, "no dataplane answers"},
	{"incidents: none yet", "incidents", 0, "no incidents\n"},
	{"incidents: none yet, JSON", "incidents --json", 0, "[]\n"},
	{"incidents: which?", "incidents show", 2, "usage: storeline incidents [show ID]"},
	{"incidents: no number", "incidents show last", 2, "last: not the number of an incident"},
	{"incidents: unknown word", "incidents list 3", 2, "usage: storeline incidents"},
	{"incidents: a bad count", "incidents --last 0", 2, "--last 0: not a number from 1"},
	{"memory: none yet", "memory", 0, "nothing has been learnt yet\n"},
	{"memory: none yet, JSON", "memory --json", 0, "[]\n"},
	{"memory: unknown word", "memory forget", 2, "usage: storeline memory"},
	{"memory: a file that is not there", "memory import /nonexistent.json", 2,
	 "/nonexistent.json: unable to open"},
	{"an option that is another verb's", "why pos --last 3", 2, "why takes no --last"},
	{"a flag that is given a value", "status --json=yes", 2, "unknown option --json=yes"},
	{"doctor: a policy that is not there", "doctor --policy /nonexistent.yaml", 3,
	 "/nonexistent.yaml: No such file"},
	{"doctor: a bad time", "doctor --confirm-within soon", 2, "not a number from 1 to 3600"},
	{"doctor: no Redis", "doctor --redis unix:/nonexistent/s --timeout 200ms", 7,
	 "fail    Redis: nobody answers at unix:/nonexistent/s"},
	{"completion: unknown shell", "completion csh", 2, "usage: storeline completion bash"},
};

static const struct row live_rows[] = {
	{"status: DHCP in trouble, and no other VLAN's", "status", 7,
	 "\nDHCP on VLAN 40: 12 of 40 asking in vain, 0 refused, new server 10.9.9.9; 210 devices, "
	 "190 with random MACs\n"},
	{"why", "why pos", 0, "New flows of pos go by lte, not by the policy's fibre: control"},
	{"why: SLO", "why pos", 0, " at most "},
	{"why: decisions, newest first", "why pos", 0, "LAST DECISIONS, newest first\n"},
	{"why: another's decision in its incident", "why pos", 0,
	 "  throttle wifi-guest (incident 16)\n"},
	{"why: the open incident", "why pos", 0, "OPEN INCIDENT 17\n"},
	{"why: an unknown service", "why tills", 3, "no service tills"},
	{"why, JSON: setting", "why pos --json", 0,
	 "\"setting\":{\"name\":\"pos\",\"uplink\":\"lte\""},
	{"why, JSON: the SLO", "why pos --json", 0, "\"slo\":{\"latency_us\":80000,"},
	{"why, JSON: the incident as it stands", "why pos --json", 0,
	 "\"remedy\":\"reroute\",\"target\":\"lte\",\"outcome\":\"none\""},
	{"why, JSON: inputs of the decision", "why pos --json", 0,
	 "{\"name\":\"loss_wan_ppm\",\"value\":31000,\"limit\":5000,\"usual\":200,\"samples\":1000}"},
	{"incidents", "incidents", 0, "reroute to lte         helped      1.1 s         10 s\n"},
	{"incidents: each once, the newest first", "incidents", 0, " open\n    16 "},
	{"incidents: the last one", "incidents --last 1", 0, " open\n"},
	{"incidents: show", "incidents show 16", 0, "+0.20 s  reroute to lte: fibre dark"},
	{"incidents: the path when it was opened", "incidents show 17", 0,
	 "THE PATH WHEN IT WAS OPENED\n"},
	{"incidents: unknown", "incidents show 99", 3, "no incident 99 at store-0421"},
	{"incidents, JSON", "incidents --json", 0, "[{\"wire_version\":1,"},
	{"incidents show, JSON", "incidents show 16 --json", 0, "\"outcome\":\"helped\""},
	{"memory", "memory", 0,
	 "  reroute to lte                   3       0       80 %        2.9 s"},
	{"memory: what failed", "memory", 0,
	 "  throttle                         0       2       25 %            -"},
	{"memory, JSON", "memory --json", 0, "\"helped\":3,\"failed\":0,\"chance\":0.8"},
	{"memory: show", "memory show " SCENE_PRINT, 0, "store-0421\n"},
	{"memory: show, JSON", "memory show " SCENE_PRINT " --json", 0,
	 "[{\"site\":\"store-0421\",\"remedy\":\"reroute\""},
	{"memory: show, unknown", "memory show nothing", 3, "nothing has been learnt of nothing"},
	{"memory: export", "memory export", 0, "{\"storeline_memory\":1,"},
	{"completion: services of the site", "completion services", 0,
	 "pos\nclick-collect\nwifi-guest\ncctv\n"},
	{"completion: uplinks of the site", "completion uplinks", 0, "fibre\nlte\n"},
};

static void check(void **state)
{
	const struct row *row = *state;

	lab_says(&lab, row->words, row->code, row->said);
}

/* A file that export wrote goes in as another site's; again, in its own place. */
static void travels(void **state)
{
	char words[256];

	assert_int_equal(lab_run(&lab, "STORELINE", "memory export"), 0);
	lab_write(&lab, "north.json", lab.output);
	snprintf(words, sizeof(words), "memory import %s/north.json", lab.dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lab_run(&lab, "STORELINE", words), 0);
		assert_non_null(strstr(lab.output, "2 entries are now in the fleet's memory as "
						   "those of imported-north"));
		assert_int_equal(lab_run(&lab, "STORELINE", i ? "memory --json" : "memory"), 0);
	}
	assert_non_null(strstr(lab.output, "\"helped\":6,\"failed\":0,"));
	assert_non_null(strstr(lab.output, "\"sites\":2}"));
	assert_true(lab_redis_says(&lab, "HLEN sl:fleet:memory", "2"));
}

/* Bad bytes in Redis cost what they are, not the rest. */
static void bad_bytes(void **state)
{
	assert_true(lab_redis_says(&lab, "HSET sl:fleet:memory evil xx", "1"));
	assert_true(lab_redis_says(&lab, "XADD sl:{store-0421}:incident * pb xx", "-"));
	assert_true(lab_redis_says(&lab, "XADD sl:{store-0421}:event * pb xx", "-"));
	assert_int_equal(lab_run(&lab, "STORELINE", "memory"), 0);
	assert_int_equal(lab_run(&lab, "STORELINE", "incidents"), 0);
	assert_int_equal(lab_run(&lab, "STORELINE", "why pos"), 0);
	assert_non_null(strstr(lab.output, "reroute to lte (incident 17)"));
}

static const char doctor_policy[] = "site: store-0421\n"
				    "ports:\n"
				    "  lan0: {device: lo, role: lan}\n"
				    "uplinks:\n"
				    "  fibre: {device: nodev0, gateway: 192.0.2.1}\n"
				    "services:\n"
				    "  pos: {match: [{vlan: 20}], uplinks: [fibre]}\n";

static void doctor_says(const char *said)
{
	if (!strstr(lab.output, said))
		print_message("no %s in %s\n", said, lab.output);
	assert_non_null(strstr(lab.output, said));
}

/* In a network of its own, where lo is down and there is nothing else. */
static void doctor(void **state)
{
	char words[512];

	if (geteuid())
		skip();
	lab_write(&lab, "doctor.yaml", doctor_policy);
	snprintf(words, sizeof(words), "-n %s doctor --json --policy %s/doctor.yaml --state %s",
		 getenv("STORELINE"), lab.dir, lab.dir);
	assert_int_equal(lab_run(&lab, "UNSHARE", words), 7);
	doctor_says("{\"exit\":7,\"checks\":[");
	doctor_says("{\"check\":\"lan0 (lo) link\",\"grade\":\"fail\",\"found\":\"down\"");
	doctor_says("\"found\":\"there is no nodev0\"");
	doctor_says("\"check\":\"Redis version\",\"grade\":\"");
	doctor_says("\"check\":\"Redis memory\",\"grade\":\"ok\"");
	doctor_says("\"check\":\"Redis disk\",\"grade\":\"ok\"");
	doctor_says("\"check\":\"Redis access\",\"grade\":\"");
}

/* This session comes in by 127.0.0.1, as far as its environment says. */
static void doctor_ssh(void **state)
{
	char words[256];

	lab_write(&lab, "doctor.yaml", doctor_policy);
	snprintf(words, sizeof(words), "doctor --policy %s/doctor.yaml", lab.dir);
	setenv("SSH_CONNECTION", "192.0.2.9 50000 127.0.0.1 22", 1);
	assert_int_equal(lab_run(&lab, "STORELINE", words), 5);
	doctor_says("refuse  lan0 (lo) ssh: your ssh session (127.0.0.1) comes in by it\n");
	snprintf(words, sizeof(words), "doctor --confirm-within 60 --policy %s/doctor.yaml",
		 lab.dir);
	assert_int_equal(lab_run(&lab, "STORELINE", words), 7);
	doctor_says("warn    lan0 (lo) ssh: ");
	unsetenv("SSH_CONNECTION");
}

static int group(const char *name, const struct row *rows, size_t count, bool live)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	for (size_t i = 0; i < count; i++)
		sl_row_add(tests, rows[i].name, check, &rows[i]);
	if (live) {
		sl_row_add(tests, "memory travels", travels, NULL);
		sl_row_add(tests, "bad bytes in Redis", bad_bytes, NULL);
		sl_row_add(tests, "doctor, of a machine without devices", doctor, NULL);
		sl_row_add(tests, "doctor, over ssh", doctor_ssh, NULL);
	}
	failed = sl_row_run(name, tests);
	free(tests);
	return failed;
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

int main(void)
{
	char words[160];
	pid_t scene;
	int failed;

	setenv("TZ", "UTC", 1);
	setenv("UNSHARE", "unshare", 1);
	unsetenv("SSH_CONNECTION");
	if (lab_open(&lab)) {
		printf("no redis-server\n");
		lab_close(&lab);
		return 1;
	}
	failed = group("people alone", ROWS(alone_rows), false);
	snprintf(words, sizeof(words), "%s 100", lab.redis);
	scene = lab_spawn(&lab, "SCENE", words);
	lab_redis_until(&lab, "EXISTS sl:fleet:memory", "1", 5000);
	failed += group("people", ROWS(live_rows), true);
	lab_kill(scene);
	lab_close(&lab);
	return failed;
}
