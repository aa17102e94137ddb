/*
 * why_test.c - what `why` and `incidents` say, in words: the scene, and what differs from it
 */
#include "tests/unit/row.h"

#include "control/cli/why.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW UINT64_C(1700000000000000000)

/* The scene as sl_past would keep it, newest first; a row changes what it likes. */
static struct world {
	struct sl_telemetry picture;
	struct sl_policy policy;
	struct sl_past past;
	struct sl_event event[16];
	struct sl_incident incident[3];
	struct sl_why why;
} world;

static void build(void)
{
	struct sl_event event;
	uint32_t events = 0;
	char why[256];

	memset(&world, 0, sizeof(world));
	scene_picture(&world.picture, 10, NOW);
	assert_int_equal(sl_policy_read(&world.policy, scene_policy, strlen(scene_policy), "scene",
					why, sizeof(why)),
			 0);
	while (scene_event(&event, events, NOW))
		events++;
	for (uint32_t i = events; i-- > 0;) {
		scene_event(&event, i, NOW);
		if (!strcmp(event.service, "pos") && event.kind != SL_EVENT_STATE_CHANGE)
			world.event[world.past.events++] = event;
	}
	for (unsigned int i = 0; i < 2; i++)
		scene_incident(&world.incident[i], i ? 0 : 2, NOW);
	world.past.event = world.event;
	world.past.incident = world.incident;
	world.past.incidents = 2;
	world.why = (struct sl_why){.picture = &world.picture,
				    .policy = &world.policy,
				    .past = &world.past,
				    .service = "pos",
				    .now_unix_ns = NOW,
				    .age_ms = 50};
}

static void none(void)
{
}

static void by_person(void)
{
	snprintf(world.picture.service[0].cause, SL_ID_MAX, "cli-00ff");
}

static void at_once(void)
{
	snprintf(world.picture.service[0].cause, SL_ID_MAX, "fast-reroute");
}

static void home(void)
{
	world.picture.service[0].rerouted = false;
	snprintf(world.picture.service[0].uplink, SL_NAME_MAX, "fibre");
}

static void guests(void)
{
	world.why.service = "wifi-guest";
	world.past.events = 0;
}

static void camera(void)
{
	world.why.service = "cctv";
	world.past.events = 0;
}

static void frozen(void)
{
	world.picture.frozen = true;
}

static void bypassed(void)
{
	world.picture.frozen = world.picture.bypassed = true;
}

static void shadow(void)
{
	world.picture.mode = SL_MODE_SHADOW;
}

static void silent(void)
{
	world.why.age_ms = 75000;
}

static void no_policy(void)
{
	world.why.policy = NULL;
}

static void trial(void)
{
	snprintf(world.picture.service[0].trial_uplink, SL_NAME_MAX, "lte");
	world.picture.service[0].trial_share_ppm = 50000;
}

static void closed(void)
{
	world.incident[0].closed_unix_ns = NOW;
}

static void lan_trouble(void)
{
	world.incident[0].uplink[0] = '\0';
}

static void alone(void)
{
	world.event[0].decision.guardrail[0] = '\0';
	world.event[0].decision.remembered[0] = '\0';
}

static void held(void)
{
	scene_event(&world.event[0], 6, NOW);
	world.past.events = 1;
}

static const struct row {
	const char *name;
	void (*change)(void);
	bool there;
	const char *said;
} rows[] = {
	{"where it goes, who sent it, when", none, true,
	 "New flows of pos go by lte, not by the policy's fibre: control moved it at "},
	{"how long ago, and control's reason", none, true,
	 "(40 s ago). pos from fibre to lte: loss 3.10 % > 0.50 %."},
	{"how it stands there", none, true,
	 "On lte it keeps its SLO: p95 24.1 ms < 80 ms (198).\n"},
	{"the uplink that it left, with failures and samples", none, true,
	 " fibre    degraded    0.4    1.2  152.0   279.9   3.10     3/22      41 ts\n"},
	{"its own uplink is marked", none, true, "\n*lte      good "},
	{"what the SLO wants", none, true,
	 " at most                                   80.0   0.50    1.0 %\n"},
	{"why the other is bad", none, true,
	 "\nfibre: loss 3.10 % > 0.50 % (31 of 1000 segments).\n"},
	{"no limit", none, true, "No limit is set on its rate.\n"},
	{"the open incident", none, true, "\nOPEN INCIDENT 17\n  Open since "},
	{"how fast it was repaired", none, true,
	 "1.1 s after the first bad picture it was acted on (last: reroute to lte); after 3.0 s "
	 "the SLO was kept again."},
	{"an incident of an uplink", none, true, ": pos was bad first on fibre.\n"},
	{"an incident of none", lan_trouble, true, ": pos was bad first.\n"},
	{"a closed incident is not open", closed, false, "OPEN INCIDENT"},
	{"a decision: what was done", none, true, "  reroute to lte (incident 17)\n"},
	{"a decision: the verdict, and what it rests on", none, true,
	 "  The fault is on the uplink fibre: click-collect is bad on fibre too, and pos was good "
	 "on lte.\n"},
	{"a decision: a share with limit, usual, samples", none, true,
	 "    loss WAN                 3.10 %   limit 0.50 %      usual 0.02 %      1000 samples\n"},
	{"a decision: a time", none, true,
	 "    round trip WAN p95     301.0 ms   limit 80.0 ms     usual 21.0 ms     41 samples\n"},
	{"a decision: what was taken comes first", none, true,
	 "What was weighed:\n    taken: reroute to lte - good there: p95 24 ms; room for 38 of 40 "
	 "Mbit/s\n    not: throttle wifi-guest - not the culprit"},
	{"a decision: memory", none, true, "Memory: reroute to lte helped 3 of 3 times, in 2.9 s."},
	{"a decision: no memory yet", alone, true,
	 "Memory: nothing is known yet of such an incident."},
	{"a decision: the guardrail", held, true,
	 "Held back by a guardrail: hold-down: click-collect came back from lte 12 s ago, 30 s are "
	 "wanted."},
	{"nothing held it back", none, false, "guardrail"},
	{"what the dataplane did by itself", none, true,
	 "  reroute to lte, by the dataplane itself (incident 16)\n  fibre dark for 240 ms.\n"},
	{"the way back has no verdict", none, false, "The fault is on the uplink lte"},
	{"a person", by_person, true, "a person moved it, by the command line (cli-00ff).\n"},
	{"fast reroute", at_once, true,
	 "the dataplane moved it at once, because its uplink was dark at "},
	{"at home", home, true,
	 "New flows of pos go by fibre, as the policy says.\nOn fibre it is "
	 "degraded: it breaks its SLO: loss 3.10 %"},
	{"a limit", guests, true, "Its rate is limited to 20.0Mbit/s each way."},
	{"nothing decided", guests, true, "Nothing has been decided about it lately."},
	{"down, and no SLO", camera, true,
	 "On fibre it is down: 12 of 12 flows without an answer for 1.2 s.\n"},
	{"no SLO", camera, true, "No SLO is known for it."},
	{"frozen", frozen, true, "The site is frozen: no new action is taken."},
	{"bypassed goes over frozen", bypassed, true,
	 "The site is bypassed: every packet passes untouched."},
	{"shadow", shadow, true, "Mode shadow: control decides, and does not act."},
	{"an old picture", silent, true,
	 "The dataplane has been silent for 75 s: what follows is that old."},
	{"without a policy: no limits, but all else", no_policy, true,
	 "not by the policy's first uplink: control moved it"},
	{"a trial", trial, true, "On trial: 5 % of its new flows go by lte."},
};

/* On paper so wide that no sentence is wrapped. */
static char *text_of(void (*write)(const struct sl_paper *paper))
{
	size_t size;
	char *text;
	FILE *file = open_memstream(&text, &size);
	const struct sl_paper paper = {file, 1000, false};

	if (!file)
		exit(1);
	write(&paper);
	fclose(file);
	if (!text)
		exit(1);
	return text;
}

static void write_why(const struct sl_paper *paper)
{
	sl_why_write(paper, &world.why);
}

static void check(void **state)
{
	const struct row *row = *state;
	char *text;

	build();
	row->change();
	text = text_of(write_why);
	if ((strstr(text, row->said) != NULL) != row->there)
		print_message("%s\n", text);
	assert_int_equal((strstr(text, row->said) != NULL), row->there);
	free(text);
}

static void knows(void **state)
{
	build();
	assert_true(sl_why_knows(&world.why));
	world.why.service = "tills";
	assert_false(sl_why_knows(&world.why));
}

static void write_timeline(const struct sl_paper *paper)
{
	sl_tell_timeline(paper, &world.incident[1], NOW);
}

/* In the order of time, whatever the order of the steps; times since the first bad picture. */
static void timeline(void **state)
{
	static const char *const order[] = {"the first bad picture\n",
					    "+0.20 s  reroute to lte: fibre dark",
					    "+0.50 s  opened\n",
					    "+3.0 s  the SLO is kept again\n",
					    "+10 s  back to fibre: fibre keeps",
					    "+10 s  over\n"};
	const char *at;
	char *text;

	build();
	at = text = text_of(write_timeline);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = strstr(at, order[i]);
		if (!at) {
			fail_msg("not in its place: %s in\n%s", order[i], text);
			return; /* clang-tidy does not see that it never comes here */
		}
	}
	free(text);
}

/* No line of sentences is wider than the paper. */
static void write_narrow(const struct sl_paper *paper)
{
	struct sl_paper narrow = *paper;

	narrow.width = 60;
	sl_paper_say(
		&narrow, 2, 2, "%s",
		"an answer of many words, over more than one line, \xc3\xbc\xc3\xbc counted by "
		"letters and not by bytes");
}

static void narrow(void **state)
{
	char *text = text_of(write_narrow);

	assert_string_equal(text,
			    "  an answer of many words, over more than one line, \xc3\xbc\xc3\xbc\n"
			    "    counted by letters and not by bytes\n");
	free(text);
}

static const struct value_row {
	const char *name, *measure;
	uint64_t value;
	const char *said, *called;
} value_rows[] = {
	{"microseconds", "rtt_lan_p50_us", 1250, "1.2 ms", "round trip LAN p50"},
	{"share", "loss_wan_ppm", 31000, "3.10 %", "loss WAN"},
	{"milliseconds", "silent_ms", 1500, "1.5 s", "silence"},
	{"a long time", "hold_down_ms", 3661000, "1 h 1 min", "hold down"},
	{"rate", "rate_bps", 38300000, "38.3Mbit/s", "rate"},
	{"bytes", "used_bytes", 5000000000, "5.0GB", "used"},
	{"a count", "failures", 7, "7", "failures"},
	{"a name that is all unit", "_ms", 7, "7", "ms"},
};

static void value(void **state)
{
	const struct value_row *row = *state;
	char text[SL_PAPER_VALUE_MAX], called[64];

	assert_string_equal(sl_paper_value(row->measure, row->value, text), row->said);
	assert_string_equal(sl_paper_measure(row->measure, called, sizeof(called)), row->called);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	setenv("TZ", "UTC", 1);
	SL_ROWS_ADD(tests, rows, check);
	SL_ROWS_ADD(tests, value_rows, value);
	sl_row_add(tests, "an unknown service", knows, NULL);
	sl_row_add(tests, "a timeline", timeline, NULL);
	sl_row_add(tests, "wrapping", narrow, NULL);
	failed = sl_row_run("control why", tests);
	free(tests);
	return failed;
}
