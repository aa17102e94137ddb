/*
 * cli_test.c - storeline as its user meets it: words, messages, exit codes
 */
#include "tests/unit/row.h"

#include "lab.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct lab lab;

static const struct row {
	const char *name, *words;
	int code;
	const char *said;
} alone_rows[] = {
	{"no verb", "", 2, "usage: storeline"},
	{"help", "--help", 0, "throttle"},
	{"help of a verb", "reroute --help", 0, "--live"},
	{"unknown verb", "rerout pos lte", 2, "unknown verb rerout"},
	{"unknown option", "status --jsno", 2, "unknown option --jsno"},
	{"an option without its value", "status --site", 2, "--site wants a value"},
	{"too few words", "reroute pos", 2, "usage: storeline reroute SERVICE UPLINK"},
	{"too many words", "freeze now", 2, "usage: storeline freeze"},
	{"an option that is another verb's", "freeze --live", 2, "freeze takes no --live"},
	{"a bad rate", "throttle pos fast", 2, "not a rate"},
	{"a bad time", "reroute pos lte --hold soon", 2, "not a time"},
	{"a bad share", "reroute pos lte --share 150", 2, "not a percentage"},
	{"a bad address", "status --redis nowhere", 2, "unix:PATH"},
	{"no site", "status --site=", 2, "which site"},
	{"no Redis", "status --redis unix:/nonexistent/sock --timeout 200ms", 6, "no Redis at"},
	{"no Redis for an action", "freeze --redis unix:/nonexistent/sock --timeout 200ms", 6,
	 "no Redis at"},
	{"no dataplane", "status --timeout 300ms", 6, "no dataplane answers"},
	{"no dataplane for an action", "freeze --timeout 300ms", 6, "no dataplane"},
	{"no policy yet", "policy show --timeout 300ms", 6, "no policy in Redis"},
	{"policy history: none yet", "policy history --timeout 300ms", 6, "no policies in Redis"},
	{"policy revert: none yet", "policy revert 3 --timeout 300ms", 6, "no policies in Redis"},
	{"policy revert: no dataplane", "policy revert --timeout 300ms", 6, "no dataplane"},
	{"policy history: too many words", "policy history 3", 2, "usage: storeline policy"},
	{"discover: no policy yet", "discover --timeout 300ms", 6, "no policy in Redis"},
	{"discover: too many words", "discover now", 2, "usage: storeline discover"},
	{"policy: which?", "policy", 2, "usage: storeline policy"},
	{"policy: unknown", "policy burn", 2, "usage: storeline policy"},
	{"policy that is not there", "policy validate /nonexistent.yaml", 3, "No such file"},
	{"a valid policy", "policy validate good.yaml", 0, "valid: site store-0421"},
	{"a valid policy, JSON", "policy validate good.yaml --json", 0, "\"valid\":true"},
	{"an unknown key, with its place", "policy validate bad.yaml", 2, "bad.yaml:3:"},
	{"the same, JSON", "policy validate bad.yaml --json", 2, "\"valid\":false"},
};

static const struct row live_rows[] = {
	{"status: unhealthy", "status", 7, "degraded"},
	{"status: DNS, with samples and failures", "status", 7,
	 "    dns p50 12.3 p95 40.1 ms (30), 33 queries 2 unanswered 1 failed; think"},
	{"status: a server's own time", "status", 7, "think p50 3.1 p95 20.0 ms (44)"},
	{"status: transactions", "status", 7, "transaction p50 41.0 p95 92.0 ms (40)"},
	{"status: media of the direction that has it", "status", 7,
	 "(40); media in loss 3.00 % of 1000 jitter 1.2 ms"},
	{"status: hellos, duplicates, what is not believed", "status", 7,
	 "9 hellos 4 unanswered; 6 duplicates; 5 bogus\n"},
	{"status: a path without them has no second line", "status", 7, "5 bogus\npos  "},
	{"status, JSON", "status --json", 7, "\"site\""},
	{"status, JSON: DNS", "status --json", 7, "\"dns\":{\"method\":\"dns\",\"samples\":30,"},
	{"status, JSON: media", "status --json", 7,
	 "\"media_from_wan\":{\"packets\":970,\"expected\":1000,\"jitter_us\":1200}"},
	{"status, JSON: what is not believed, by kind", "status --json", 7,
	 "\"bogus_acks\":5,\"bogus_seqs\":0,"},
	{"unknown service", "reroute tills lte", 3, "no service tills"},
	{"unknown uplink", "reroute pos satellite", 3, "no uplink satellite"},
	{"reroute", "reroute pos lte --live --share 50 --hold 10m", 0, "applied"},
	{"and it shows: healthy", "status", 0, "rerouted by cli-"},
	{"restore", "restore pos", 0, "applied"},
	{"throttle", "throttle pos 2mbit --hold 30s", 0, "applied"},
	{"and it shows", "status", 7, "limit 2.0Mbit/s"},
	{"lift", "throttle pos off", 0, "applied"},
	{"another DSCP", "remark pos ef --hold 10m", 0, "applied"},
	{"another DSCP: lifted", "remark pos off", 0, "applied"},
	{"no DSCP", "remark pos 64", 2, "64: not a DSCP: le, ef"},
	{"another DSCP for what is not there", "remark till le", 3, "no service till"},
	{"smaller packets", "clamp fibre 1280 --hold 10m", 0, "applied"},
	{"smaller packets: lifted", "clamp fibre off", 0, "applied"},
	{"packets too small", "clamp fibre 100", 2, "not bytes of an IP packet"},
	{"smaller packets on what is not there", "clamp satellite 1280", 3, "no uplink satellite"},
	{"the ack, JSON", "restore pos --json", 0, "\"ack\""},
	{"discover: a stanza", "discover", 0,
	 "  news:\n    match:\n      - {name: [\"a.news.example\"], port: [tcp/443]}\n"},
	{"discover: ways that the policy has", "discover", 0, "    uplinks: [fibre, lte]\n"},
	{"discover: what is claimed by now", "discover", 0,
	 "# kinds that the policy claims by now: 1"},
	{"discover, JSON: a proposal", "discover --json", 0,
	 "{\"proposals\":[{\"service\":\"news\",\"flows\":12,"},
	{"discover, JSON: all that was told", "discover --json", 0,
	 "\"unclaimed\":{\"wire_version\":1,"},
	{"policy show", "policy show", 0, "hold_down"},
	{"policy show, JSON", "policy show --json", 0, "\"version\":1"},
	{"policy diff, equal", "policy diff good.yaml", 0, "no difference"},
	{"policy diff", "policy diff other.yaml", 0, "->"},
	{"policy diff, JSON", "policy diff other.yaml --json", 0, "\"changes\""},
	{"policy history: the first", "policy history", 0, "(older ones are not kept)"},
	{"policy revert: nothing before the first", "policy revert", 5, "no previous"},
	{"policy apply", "policy apply other.yaml", 0, "applied: as brought, version 2"},
	{"policy apply, bad: nothing is sent", "policy apply bad.yaml", 2, "bad.yaml:3:"},
	{"policy history: what each changed", "policy history", 0,
	 "  services.pos.slo.loss: 0.5% -> 1%\n       1  "},
	{"policy history, JSON", "policy history --json", 0, "[{\"version\":2,\"at_unix_ns\":"},
	{"policy history, JSON: in words", "policy history --json", 0,
	 "\"in_force\":true,\"changes\":\"services.pos.slo.loss: 0.5% -> 1%\\n\"}"},
	{"policy revert to what is in force", "policy revert 2", 5, "policy 2 is the one in force"},
	{"policy revert to what is not kept", "policy revert 99", 3, "no policy 99 at store-0421"},
	{"policy revert to no number", "policy revert last", 2, "last: not the number of a policy"},
	{"policy revert: too many words", "policy revert 1 2", 2, "usage: storeline policy"},
	{"nothing has changed by those", "policy show --json", 0, "\"version\":2"},
	{"policy revert", "policy revert", 0, "applied: the previous, version 3"},
	{"and it shows", "policy show", 0, "loss: 0.5%"},
	{"policy revert to an earlier one", "policy revert 2", 0, "applied: as brought, version 4"},
	{"and it shows, too", "policy show", 0, "loss: 1%"},
	{"policy history: a way back is an entry", "policy history", 0,
	 "  services.pos.slo.loss: 1% -> 0.5%\n       2  "},
	{"policy rollback", "policy rollback", 0, "applied: the previous, version 5"},
};

static const struct row frozen_rows[] = {
	{"held", "reroute pos lte", 5, "frozen"},
	{"held, JSON", "reroute pos lte --json", 5, "\"ack\":\"held\""},
	{"policy revert: held", "policy revert", 5, "frozen"},
	{"discover: nothing is known yet", "discover", 6, "10 s after its start"},
	{"resume", "resume", 0, "applied"},
	{"not held any more", "reroute pos lte", 0, "applied"},
};

static void run(void **state)
{
	const struct row *row = *state;
	char words[256], *file;

	/* Files are in the lab's directory. */
	snprintf(words, sizeof(words), "%s", row->words);
	file = strstr(words, ".yaml");
	if (file && !strstr(words, "/nonexistent")) {
		while (file > words && file[-1] != ' ')
			file--;
		snprintf(words, sizeof(words), "%.*s%s/%s", (int)(file - words), row->words,
			 lab.dir, row->words + (file - words));
	}
	lab_says(&lab, words, row->code, row->said);
}

/* watch says the events of others, once each, as they come. */
static void watch(void **state)
{
	char path[128], line[4096];
	pid_t pid = lab_spawn(&lab, "STORELINE", "watch --json");
	unsigned int acks = 0;
	int status;
	FILE *file;

	lab_sleep(300);
	assert_int_equal(lab_run(&lab, "STORELINE", "restore pos"), 0);
	lab_sleep(300);
	kill(pid, SIGINT);
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	snprintf(path, sizeof(path), "%s/STORELINE.log", lab.dir);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(line[0], '{');
		acks += strstr(line, "\"kind\":\"ack\"") != NULL;
	}
	fclose(file);
	assert_true(acks >= 1);
}

static void top(void **state)
{
	pid_t pid = lab_spawn(&lab, "STORELINE", "top --json");
	int status;

	lab_sleep(800);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int group(const char *name, const struct row *rows, size_t count,
		 const struct lab_dataplane *how)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	if (how) {
		lab_start_dataplane(&lab, how);
		lab_redis_until(&lab, "EXISTS sl:{store-0421}:policy", "1", 5000);
	}
	for (size_t i = 0; i < count; i++)
		sl_row_add(tests, rows[i].name, run, &rows[i]);
	if (how && how->brownout) {
		sl_row_add(tests, "watch", watch, NULL);
		sl_row_add(tests, "top", top, NULL);
	}
	failed = sl_row_run(name, tests);
	lab_stop_dataplane(&lab);
	free(tests);
	return failed;
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

int main(void)
{
	char other[2048];
	const char *at;
	int failed;

	if (lab_open(&lab)) {
		printf("no redis-server\n");
		lab_close(&lab);
		return 1;
	}
	at = strstr(lab_policy, "0.5%");
	snprintf(other, sizeof(other), "%.*s1%%%s", (int)(at - lab_policy), lab_policy, at + 4);
	lab_write(&lab, "good.yaml", lab_policy);
	lab_write(&lab, "other.yaml", other);
	lab_write(&lab, "bad.yaml", "site: store-0421\nmode: enforce\nport: {}\n");
	failed = group("cli alone", ROWS(alone_rows), NULL);
	failed += group("cli live", ROWS(live_rows), &(struct lab_dataplane){.brownout = true});
	lab_restart_redis(&lab);
	failed += group("cli frozen", ROWS(frozen_rows), &(struct lab_dataplane){.frozen = true});
	lab_close(&lab);
	return failed;
}
