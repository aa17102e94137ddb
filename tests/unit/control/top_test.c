/*
 * top_test.c - storeline top in a real terminal (tmux), on a real bus
 */
#include "tests/unit/row.h"

#include "lab.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PATIENCE_MS 10000

static struct lab lab;
static bool has_tmux;

/* One command of tmux; its exit code. */
static int tmux(const char *words)
{
	char all[768];

	snprintf(all, sizeof(all), "-S %s/tmux -f /dev/null %s", lab.dir, words);
	return lab_run(&lab, "TMUX_PROGRAM", all);
}

static bool shows(const char *said, const char *how)
{
	for (unsigned int waited = 0; waited < PATIENCE_MS; waited += 100) {
		if (!tmux(how) && strstr(lab.output, said))
			return true;
		lab_sleep(100);
	}
	print_message("no \"%s\" on the screen:\n%s\n", said, lab.output);
	return false;
}

/* @options: of new-session, before the program. */
static void open_terminal(const char *options)
{
	char words[512];

	if (!has_tmux)
		skip();
	tmux("kill-server"); /* of a row that failed */
	snprintf(words, sizeof(words), "trap : INT\n%s top\necho ended $?\nexec sleep 60\n",
		 getenv("STORELINE"));
	lab_write(&lab, "top.sh", words);
	snprintf(words, sizeof(words), "new-session -d -s t %s sh %s/top.sh", options, lab.dir);
	assert_int_equal(tmux(words), 0);
}

static void close_terminal(void)
{
	tmux("kill-server");
}

static const struct row {
	const char *name, *keys, *said;
} rows[] = {
	{"the board", "", ">pos             degr"},
	{"down", "j", ">click-collect"},
	{"down by an arrow", "Down", ">wifi-guest"},
	{"not beyond the last", "j j j j", ">cctv"},
	{"up", "k", ">wifi-guest"},
	{"up by an arrow", "Up", ">click-collect"},
	{"why", "Enter", "do nothing (incident 18)"},
	{"back", "q", ">click-collect"},
	{"why another", "k Enter", "New flows of pos go by lte, not by the policy's fibre"},
	{"scrolled", "NPage NPage", "Memory: reroute to lte helped"},
	{"back by Esc", "Escape", ">pos"},
	{"incidents, as soon as they are known", "i", "    16  "},
	{"the story of one", "j Enter", "The fault is on the uplink fibre"},
	{"back to incidents, then to the board", "q q", "LAST EVENTS"},
	{"help", "?", "traffic, but too few samples"},
	{"any key ends help", "x", "LAST EVENTS"},
	{"pause", "p", "PAUSED"},
	{"go on", "p", "LAST EVENTS"},
};

static void press(void **state)
{
	const struct row *row = *state;
	char words[128];

	if (!has_tmux)
		skip();
	if (row->keys[0]) {
		snprintf(words, sizeof(words), "send-keys %s", row->keys);
		assert_int_equal(tmux(words), 0);
	}
	assert_true(shows(row->said, "capture-pane -p"));
}

static void opened(void **state)
{
	open_terminal("-x 80 -y 24 -e LC_ALL=C.UTF-8 -e NO_COLOR=");
	assert_true(shows("LAST EVENTS", "capture-pane -p"));
}

static void coloured(void **state)
{
	if (!has_tmux)
		skip();
	assert_true(shows("\033[33m", "capture-pane -e -p"));
	assert_true(shows("\xe2\x96", "capture-pane -p"));
}

static void resized(void **state)
{
	if (!has_tmux)
		skip();
	assert_int_equal(tmux("resize-window -x 160 -y 50"), 0);
	assert_true(shows("p95, last 60 s", "capture-pane -p"));
	assert_true(shows("engine xdp, native", "capture-pane -p"));
}

/* The picture stays, marked; and lives again when Redis does. */
static void redis_lost(void **state)
{
	if (!has_tmux)
		skip();
	kill(lab.server, SIGSTOP);
	assert_true(shows("STALE", "capture-pane -p"));
	assert_non_null(strstr(lab.output, ">pos             degraded"));
	kill(lab.server, SIGCONT);
	for (unsigned int waited = 0; waited < PATIENCE_MS; waited += 100) {
		if (!tmux("capture-pane -p") && !strstr(lab.output, "STALE"))
			break;
		lab_sleep(100);
	}
	assert_null(strstr(lab.output, "STALE"));
}

static void quit(void **state)
{
	if (!has_tmux)
		skip();
	tmux("send-keys q");
	assert_true(shows("ended 0", "capture-pane -p"));
	close_terminal();
}

/* No colour is sent, and every state can still be read. */
static void colourless(void **state)
{
	open_terminal("-x 80 -y 24 -e NO_COLOR=1 -e LC_ALL=C");
	assert_true(shows("LAST EVENTS", "capture-pane -p"));
	tmux("capture-pane -e -p");
	for (const char *at = lab.output; (at = strstr(at, "\033[3")); at++)
		assert_int_equal(at[3], '9'); /* 39: the terminal's own colour */
	assert_null(strstr(lab.output, "\xe2\x96"));
	assert_non_null(strstr(lab.output, "degr"));
	tmux("send-keys C-c");
	assert_true(shows("ended 0", "capture-pane -p"));
	close_terminal();
}

/* A terminal that cannot be drawn on gets plain text, one picture after the other. */
static void dumb(void **state)
{
	open_terminal("-x 120 -y 60 -e TERM=dumb env TERM=dumb");
	assert_true(shows("LAST EVENTS", "capture-pane -p"));
	assert_non_null(strstr(lab.output, "SERVICE             UPLINK    STATE"));
	close_terminal();
}

/* So does a file. */
static void file(void **state)
{
	pid_t pid = lab_spawn(&lab, "STORELINE", "top");
	char words[160];
	int status;

	lab_sleep(2500);
	kill(pid, SIGINT);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	snprintf(words, sizeof(words), "-c LAST %s/STORELINE.log", lab.dir);
	assert_int_equal(lab_run(&lab, "GREP", words), 0);
	snprintf(words, sizeof(words), "-q \033 %s/STORELINE.log", lab.dir);
	assert_int_equal(lab_run(&lab, "GREP", words), 1);
}

int main(void)
{
	struct sl_row_tests *tests;
	char words[160];
	pid_t scene;
	int failed;

	setenv("TZ", "UTC", 1);
	setenv("TMUX_PROGRAM", "tmux", 1);
	setenv("GREP", "grep", 1);
	if (lab_open(&lab)) {
		printf("no redis-server\n");
		lab_close(&lab);
		return 1;
	}
	has_tmux = !lab_run(&lab, "TMUX_PROGRAM", "-V");
	if (!has_tmux)
		printf("no tmux: the rows that need a terminal are skipped\n");
	snprintf(words, sizeof(words), "%s 300", lab.redis);
	scene = lab_spawn(&lab, "SCENE", words);
	lab_redis_until(&lab, "EXISTS sl:fleet:memory", "1", 5000);
	tests = calloc(1, sizeof(*tests));
	sl_row_add(tests, "opened", opened, NULL);
	SL_ROWS_ADD(tests, rows, press);
	sl_row_add(tests, "coloured", coloured, NULL);
	sl_row_add(tests, "resized", resized, NULL);
	sl_row_add(tests, "Redis does not answer", redis_lost, NULL);
	sl_row_add(tests, "q quits", quit, NULL);
	sl_row_add(tests, "NO_COLOR, no UTF-8, Ctrl-C", colourless, NULL);
	sl_row_add(tests, "a dumb terminal", dumb, NULL);
	sl_row_add(tests, "a file", file, NULL);
	failed = sl_row_run("control top", tests);
	close_terminal();
	lab_kill(scene);
	lab_close(&lab);
	free(tests);
	return failed;
}
