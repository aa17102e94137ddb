/*
 * daemon_test.c - storeline-control on a real Redis: commands, deaths, what survives
 */
#include "tests/unit/row.h"

#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS    "sl:{store-0421}:event"
#define INCIDENTS "sl:{store-0421}:incident"

static struct lab lab;

static int open_lab(void **state)
{
	return lab_open(&lab);
}

static int close_lab(void **state)
{
	lab_close(&lab);
	return 0;
}

static pid_t control(void)
{
	char words[256];

	snprintf(words, sizeof(words), "--redis %s --state %s/control --site store-0421", lab.redis,
		 lab.dir);
	return lab_spawn(&lab, "STORELINE_CONTROL", words);
}

static const struct bad_row {
	const char *name, *words;
	int code;
	const char *said;
} bad_rows[] = {
	{"nothing said", "", 2, "--redis is missing"},
	{"no state", "--redis unix:/x --site s", 2, "--state is missing"},
	{"no site", "--redis unix:/x --state /tmp", 2, "--site is missing"},
	{"a site that is no name", "--redis unix:/x --state /tmp --site a{b}", 2, "--site"},
	{"unknown flag", "--wat", 2, "usage:"},
	{"a word", "run", 2, "no words"},
	{"help", "--help", 0, "usage:"},
	{"an address that is none", "--redis wat --state LAB/bad --site s", 2, "redis_address"},
	{"state directory not writable", "--redis unix:/x --state /proc/nowhere --site s", 4,
	 "state_dir"},
};

static void bad(void **state)
{
	const struct bad_row *row = *state;
	const char *at = strstr(row->words, "LAB");
	char words[256];
	int code;

	if (at)
		snprintf(words, sizeof(words), "%.*s%s%s", (int)(at - row->words), row->words,
			 lab.dir, at + 3);
	else
		snprintf(words, sizeof(words), "%s", row->words);
	code = lab_run(&lab, "STORELINE_CONTROL", words);
	assert_int_equal(code, row->code);
	assert_non_null(strstr(lab.output, row->said));
}

static void no_redis(void **state)
{
	char words[256], log[128], line[1024];
	unsigned int said = 0;
	FILE *file;
	pid_t pid;

	snprintf(words, sizeof(words), "--redis unix:%s/nobody.sock --state %s/alone --site s",
		 lab.dir, lab.dir);
	pid = lab_spawn(&lab, "STORELINE_CONTROL", words);
	lab_sleep(1500);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	lab_kill(pid);
	snprintf(log, sizeof(log), "%s/STORELINE_CONTROL.log", lab.dir);
	file = fopen(log, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		said += strstr(line, "event=no_redis") != NULL;
	fclose(file);
	assert_int_equal(said, 1);
}

static void locked(void **state)
{
	char words[256];
	pid_t pid = control();

	lab_sleep(500);
	snprintf(words, sizeof(words), "--redis %s --state %s/control --site store-0421", lab.redis,
		 lab.dir);
	assert_int_equal(lab_run(&lab, "STORELINE_CONTROL", words), 1);
	assert_non_null(strstr(lab.output, "another storeline-control"));
	lab_kill(pid);
}

/* A brownout is met by a command; the decision is on the stream with its numbers. */
static void reroutes(void **state)
{
	pid_t pid;

	lab_start_dataplane(&lab, &(struct lab_dataplane){.brownout = true});
	pid = control();
	assert_true(
		lab_redis_until(&lab, "XRANGE sl:{store-0421}:command - +", "control-1-1", 15000));
	assert_true(lab_redis_until(&lab, "XRANGE " EVENTS " - +", "the move helped", 15000));
	assert_true(lab_redis_says(&lab, "XRANGE " EVENTS " - +", "p95 170 ms above 80 ms"));
	assert_true(lab_redis_until(&lab, "--no-raw XREVRANGE " INCIDENTS " + - COUNT 1", "helped",
				    15000));
	assert_true(
		lab_redis_until(&lab, "HGET sl:{store-0421}:memory json", "\"helped\":1", 15000));
	assert_true(lab_redis_says(&lab, "HKEYS sl:fleet:memory", "store-0421"));
	/* Who looks at the fleet finds this site, hears it, and sees what is open. */
	assert_int_equal(lab_run(&lab, "STORELINE", "fleet"), 7);
	assert_non_null(strstr(lab.output, "1 site: 0 well, 1 with something open, 0 silent\n"));
	assert_non_null(strstr(lab.output, "store-0421: pos: "));
	lab_kill(pid);
	/* It comes back, a term later, and finds what stands: no second command. */
	pid = control();
	lab_sleep(3000);
	assert_int_equal(lab_number(&lab, "control/control.json", "term"), 2);
	assert_true(lab_redis_says(&lab, "XLEN sl:{store-0421}:command", "1"));
	assert_false(lab_redis_says(&lab, "XRANGE sl:{store-0421}:command - +", "control-2"));
	/* The incident is still open: a Redis that comes back empty gets it again. */
	lab_restart_redis(&lab);
	assert_true(lab_redis_until(&lab, "--no-raw XREVRANGE " INCIDENTS " + - COUNT 1", "helped",
				    9000));
	assert_true(
		lab_redis_until(&lab, "HGET sl:{store-0421}:memory json", "\"helped\":1", 15000));
	lab_kill(pid);
	lab_stop_dataplane(&lab);
}

#define CHANGES 80

static const struct death_row {
	const char *name;
	bool lossy, control, redis;
} death_rows[] = {
	{"all state changes arrive", false, false, false},
	{"events lost on the way are waited for", true, false, false},
	{"control dies again and again", true, true, false},
	{"Redis dies, empty", true, false, true},
	{"both die", true, true, true},
};

/* No state change lost, none counted twice, the watermark at the last. */
static void deaths(void **state)
{
	const struct death_row *row = *state;
	struct lab_dataplane how = {.lossy = row->lossy, .events = CHANGES};
	unsigned long changes = 0, waited;
	char mark[32];
	pid_t pid;

	assert_int_equal(lab_open(&lab), 0);
	lab_start_dataplane(&lab, &how);
	pid = control();
	for (unsigned int i = 0; i < 8; i++) {
		lab_sleep(300 + 37 * i);
		if (row->control) {
			lab_kill(pid);
			pid = control();
		}
		if (row->redis && i % 3 == 1)
			lab_restart_redis(&lab);
	}
	for (waited = 0; waited < 60000 && changes < CHANGES; waited += 100) {
		lab_sleep(100);
		changes = lab_number(&lab, "control/control.json", "state_changes");
	}
	lab_sleep(1200);
	changes = lab_number(&lab, "control/control.json", "state_changes");
	snprintf(mark, sizeof(mark), "77:%d", CHANGES);
	assert_int_equal(changes, CHANGES);
	assert_true(lab_redis_until(&lab, "GET sl:{store-0421}:ack:dataplane", mark, 15000));
	lab_kill(pid);
	lab_close(&lab);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	SL_ROWS_ADD(tests, bad_rows, bad);
	sl_row_add(tests, "no Redis: tries on, says so once", no_redis, NULL);
	sl_row_add(tests, "one control per state directory", locked, NULL);
	for (size_t i = 0; i < tests->count; i++) {
		tests->test[i].setup_func = open_lab;
		tests->test[i].teardown_func = close_lab;
	}
	sl_row_add(tests, "a brownout is met, once, also over a restart", reroutes, NULL);
	tests->test[tests->count - 1].setup_func = open_lab;
	tests->test[tests->count - 1].teardown_func = close_lab;
	SL_ROWS_ADD(tests, death_rows, deaths);
	failed = sl_row_run("daemon", tests);
	free(tests);
	return failed;
}
