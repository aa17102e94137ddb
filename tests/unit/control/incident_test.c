/*
 * incident_test.c - an incident's steps, its place, and when it may be forgotten
 */
#include "tests/unit/row.h"

#include "control/incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sl_cases *cases;

static int open_cases(void **state)
{
	cases = calloc(1, sizeof(*cases));
	return cases ? 0 : -1;
}

static int close_cases(void **state)
{
	free(cases);
	return 0;
}

static void say(uint64_t id, const char *remedy, const char *command, uint64_t at_ns)
{
	struct sl_event event = {.incident = id, .verdict = SL_VERDICT_UPLINK};
	struct sl_incident_fact fact = {.event = &event,
					.service = "pos",
					.at_unix_ns = at_ns,
					.first_bad_unix_ns = 1000000000};

	snprintf(event.remedy, sizeof(event.remedy), "%s", remedy);
	snprintf(event.uplink, sizeof(event.uplink), "fibre");
	snprintf(event.command_id, sizeof(event.command_id), "%s", command);
	snprintf(event.text, sizeof(event.text), "step at %llu", (unsigned long long)at_ns);
	sl_incident_note(cases, &fact);
}

/* --- steps: so many are said, these are kept --- */
static const struct steps_row {
	const char *name;
	unsigned int said, kept;
	unsigned int eighth, ninth; /* which stand there, from 1 */
} steps_rows[] = {
	{"few: all", 5, 5, 0, 0},
	{"as many as there is room for: all", 24, 24, 8, 9},
	{"one more: the ninth gives way", 25, 24, 8, 10},
	{"many: the first eight and the last sixteen", 100, 24, 8, 85},
};

static void steps(void **state)
{
	const struct steps_row *row = *state;
	const struct sl_incident *incident;

	open_cases(NULL);
	for (unsigned int i = 1; i <= row->said; i++)
		say(7, "hold", "", 1000000000ull * i);
	incident = &sl_incident_find(cases, 7)->incident;
	assert_int_equal(incident->steps, row->kept);
	if (row->eighth)
		assert_int_equal(incident->step[7].at_unix_ns, 1000000000ull * row->eighth);
	if (row->ninth)
		assert_int_equal(incident->step[8].at_unix_ns, 1000000000ull * row->ninth);
	assert_int_equal(incident->step[row->kept - 1].at_unix_ns, 1000000000ull * row->said);
	close_cases(NULL);
}

/* --- what ends how: "remedy" with ! is done by a command --- */
static const struct end_row {
	const char *name;
	const char *said[3];
	enum sl_outcome outcome;
	bool acted;
} end_rows[] = {
	{"only held", {"hold", "resolved"}, SL_OUTCOME_HELD, false},
	{"thought of, not done: held", {"reroute", "resolved"}, SL_OUTCOME_HELD, false},
	{"done, over before it was proved", {"!reroute", "resolved"}, SL_OUTCOME_PASSED, true},
	{"told", {"notify", "notify", "resolved"}, SL_OUTCOME_HELD, false},
};

static void ends(void **state)
{
	const struct end_row *row = *state;
	const struct sl_incident *incident;

	open_cases(NULL);
	for (unsigned int i = 0; i < 3 && row->said[i]; i++)
		say(1, row->said[i] + (row->said[i][0] == '!'),
		    row->said[i][0] == '!' ? "control-1-1" : "", 2000000000ull + i);
	incident = &sl_incident_find(cases, 1)->incident;
	assert_int_equal(incident->outcome, row->outcome);
	assert_int_equal(incident->acted_unix_ns != 0, row->acted);
	assert_true(incident->closed_unix_ns != 0);
	close_cases(NULL);
}

static void forgotten_when_over_and_taken(void **state)
{
	struct sl_case *one;

	say(1, "hold", "", 2000000000);
	one = sl_incident_unsent(cases, NULL);
	one->sent = one->version;
	assert_null(sl_incident_unsent(cases, NULL));
	sl_incident_taken(cases, 1, one->version);
	assert_non_null(sl_incident_find(cases, 1));
	say(1, "resolved", "", 3000000000);
	assert_non_null(sl_incident_unsent(cases, NULL));
	sl_incident_taken(cases, 1, 1); /* the version before */
	assert_non_null(sl_incident_find(cases, 1));
	sl_incident_taken(cases, 1, 2);
	assert_null(sl_incident_find(cases, 1));
}

static void resent_after_a_break(void **state)
{
	struct sl_case *one;

	say(1, "hold", "", 2000000000);
	one = sl_incident_unsent(cases, NULL);
	one->sent = one->version;
	sl_incident_resend(cases, false);
	assert_ptr_equal(sl_incident_unsent(cases, NULL), one);
	one->sent = one->version;
	sl_incident_taken(cases, 1, one->version);
	sl_incident_resend(cases, false);
	assert_null(sl_incident_unsent(cases, NULL));
	sl_incident_resend(cases, true);
	assert_ptr_equal(sl_incident_unsent(cases, NULL), one);
}

static void bounded(void **state)
{
	say(1, "hold", "", 2000000000);
	say(2, "hold", "", 2000000000);
	say(2, "resolved", "", 3000000000);
	for (uint64_t id = 3; id <= SL_CASES_MAX; id++)
		say(id, "hold", "", 2000000000);
	assert_int_equal(cases->count, SL_CASES_MAX);
	say(90, "hold", "", 2000000000);
	assert_null(sl_incident_find(cases, 2)); /* over: it goes first */
	say(91, "hold", "", 2000000000);
	assert_null(sl_incident_find(cases, 1)); /* then the oldest */
	assert_int_equal(cases->count, SL_CASES_MAX);
}

static void the_end_opens_none(void **state)
{
	say(5, "resolved", "", 2000000000);
	assert_null(sl_incident_find(cases, 5));
	say(0, "hold", "", 2000000000);
	assert_int_equal(cases->count, 0);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};
	static const struct {
		const char *name;
		void (*run)(void **state);
	} alone[] = {
		{"forgotten when it is over and Redis has it", forgotten_when_over_and_taken},
		{"sent again after a break", resent_after_a_break},
		{"bounded: what is over goes first", bounded},
		{"the end of what nobody knows opens none", the_end_opens_none},
	};

	SL_ROWS_ADD(&tests, steps_rows, steps);
	SL_ROWS_ADD(&tests, end_rows, ends);
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		tests.test[tests.count++] = (struct CMUnitTest){alone[i].name, alone[i].run,
								open_cases, close_cases, NULL};
	return sl_row_run("incident", &tests);
}
