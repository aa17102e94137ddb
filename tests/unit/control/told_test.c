/*
 * told_test.c - what is told of whole stories: the records of decisions, the incidents
 */
#include "tests/unit/row.h"

#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPLINK      SL_VERDICT_UPLINK
#define DESTINATION SL_VERDICT_DESTINATION

/* What a decision says of how it came about: parts of its record. */
static const struct record_row {
	const char *name;
	fault play;
	unsigned int pos_at;
	const char *parts[4];
} record_rows[] = {
	{"the measures with limit, usual value and samples",
	 fault_brownout_delay,
	 LTE,
	 {"input rtt_wan_p95_us 1", " limit 80000 usual 2", "input bad_ms 200 ",
	  "input loss_wan_ppm 0 limit 5000"}},
	{"what was chosen and what not",
	 fault_brownout_delay,
	 LTE,
	 {" suffers on fibre as well", "rejected throttle : nobody is seen to fill fibre",
	  "chosen reroute lte: nothing is known against it"}},
	{"it began when another policy did: said",
	 fault_after_policy,
	 LTE,
	 {" suffers on fibre as well; policy 41 took effect 5 s before; `storeline policy revert` puts "
	  "1 back"}},
	{"a throttle is chosen: whom, and how much it sends",
	 fault_bloat,
	 FIBRE,
	 {"chosen throttle guest: guest fills fibre with ", "the limit of guest serves"}},
	{"no headroom on the target: not moved",
	 fault_lte_full,
	 FIBRE,
	 {"rejected reroute lte: no headroom: ", "0.2 of 0.2 Mbit/s with it",
	  "chosen hold : no other uplink"}},
	{"the month of the target is spent: not moved",
	 fault_lte_spent,
	 FIBRE,
	 {"rejected reroute lte: metered: 4.90 of 5.00 GB of this month are used"}},
	{"a smaller MTU: not moved in a brownout",
	 fault_lte_narrow,
	 FIBRE,
	 {"rejected reroute lte: MTU 1420 there, 1500 here"}},
	{"a smaller MTU: moved in a blackout",
	 fault_lte_narrow_blackout,
	 LTE,
	 {"chosen reroute lte: better than a dark path, though: MTU 1420 there"}},
	{"pinned: not even in a blackout",
	 fault_pos_pinned,
	 FIBRE,
	 {"rejected reroute lte: pinned: its far end lets in only fibre"}},
	{"the destination: no uplink mends it",
	 fault_far_end,
	 FIBRE,
	 {"chosen notify : destination:", "rejected reroute lte: another uplink does not mend"}},
	{"bad on both: a trial finds it, no till is moved",
	 fault_lte_bad_too,
	 FIBRE,
	 {"as well; its new flows fare no better by lte",
	  "rejected reroute lte: the trial: p95 1"}},
	{"frozen: the guardrail is named",
	 fault_frozen,
	 FIBRE,
	 {"guardrail frozen: no new action until resume", "chosen reroute lte"}},
	{"actions per minute: the numbers",
	 fault_few_actions,
	 LTE,
	 {"guardrail actions-per-minute: 1 of 1 in the last minute"}},
};

static void record(void **state)
{
	const struct record_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	fault_play(world, row->play, SL_MODE_ENFORCE, 20000);
	if (getenv("STORY"))
		printf("%s\n%s", row->name, world->records);
	assert_int_equal(world->where[POS], row->pos_at);
	for (size_t i = 0; i < 4 && row->parts[i]; i++)
		if (!strstr(world->records, row->parts[i]))
			fail_msg("no record says \"%s\"", row->parts[i]);
	free(world);
}

/* The incidents of a story: the first one's fields, and how many there were. */
static const struct incident_row {
	const char *name;
	fault play;
	uint32_t for_ms;
	uint32_t incidents;
	const char *service, *uplink, *remedy, *target;
	enum sl_verdict verdict;
	enum sl_outcome outcome;
	bool acted, proved, closed;
	const char *text; /* a part of it */
} incident_rows[] = {
	{"a brownout, moved, over", fault_brownout_delay_passes, 40000, 2, "pos", "fibre",
	 "reroute", "lte", UPLINK, SL_OUTCOME_HELPED, true, true, true,
	 "pos was degraded on fibre for 0."},
	{"its text says what was done and that it helped", fault_brownout_delay_passes, 40000, 2,
	 "pos", "fibre", "reroute", "lte", UPLINK, SL_OUTCOME_HELPED, true, true, true,
	 "; SLO kept on lte, p95 4"},
	{"still open while away", fault_brownout_delay, 10000, 2, "pos", "fibre", "reroute", "lte",
	 UPLINK, SL_OUTCOME_HELPED, true, true, false, "the move helped"},
	{"fast reroute: adopted, and what the dataplane did counts as the action",
	 fault_blackout_fast, 40000, 4, "pos", "fibre", "reroute", "lte", UPLINK, SL_OUTCOME_HELPED,
	 true, true, true, "pos was cut off on fibre for 0.5 s; moved to lte after 0.5 s"},
	{"the far end: held on purpose", fault_far_end_passes, 60000, 1, "pos", "fibre", "", "",
	 DESTINATION, SL_OUTCOME_HELD, false, false, true, "nothing was done, verdict destination"},
	{"bloat: the victim's incident, the culprit is the target", fault_bloat_passes, 120000, 1,
	 "pos", "fibre", "throttle", "guest", UPLINK, SL_OUTCOME_HELPED, true, true, true,
	 "; limited guest after 0."},
	{"frozen: held", fault_frozen_passes, 60000, 2, "pos", "fibre", "", "", UPLINK,
	 SL_OUTCOME_HELD, false, false, true, "nothing was done, verdict uplink"},
	{"control dies every 3 s: one incident each, whole", fault_restarts, 60000, 2, "pos",
	 "fibre", "reroute", "lte", UPLINK, SL_OUTCOME_HELPED, true, true, true, "SLO kept on lte"},
};

static void check_times(const struct sl_incident *incident, const struct incident_row *row)
{
	uint64_t fault_ns = WORLD_UNIX_NS + (1000000 + FAULT_MS) * 1000000ull;

	assert_in_range(incident->first_bad_unix_ns, fault_ns, fault_ns + 1500000000);
	assert_true(incident->opened_unix_ns >= incident->first_bad_unix_ns);
	assert_int_equal(incident->acted_unix_ns != 0, row->acted);
	assert_int_equal(incident->proved_unix_ns != 0, row->proved);
	assert_int_equal(incident->closed_unix_ns != 0, row->closed);
	if (row->proved)
		assert_true(incident->proved_unix_ns > incident->acted_unix_ns);
	for (uint32_t i = 1; i < incident->steps; i++)
		assert_true(incident->step[i].at_unix_ns >= incident->step[i - 1].at_unix_ns);
}

static void incident(void **state)
{
	const struct incident_row *row = *state;
	struct world *world = calloc(1, sizeof(*world));
	const struct sl_incident *first = &world->incident[0];

	assert_non_null(world);
	fault_play(world, row->play, SL_MODE_ENFORCE, row->for_ms);
	if (getenv("STORY"))
		for (uint32_t i = 0; i < world->incidents; i++)
			printf("%s: %s\n", sl_outcome_word(world->incident[i].outcome),
			       world->incident[i].text);
	assert_int_equal(world->incidents, row->incidents);
	assert_string_equal(first->service, row->service);
	assert_string_equal(first->uplink, row->uplink);
	assert_string_equal(first->remedy, row->remedy);
	assert_string_equal(first->target, row->target);
	assert_int_equal(first->verdict, row->verdict);
	assert_int_equal(first->outcome, row->outcome);
	assert_true(first->has_path && first->steps && first->located[0]);
	if (!strstr(first->text, row->text))
		fail_msg("\"%s\" does not say \"%s\"", first->text, row->text);
	check_times(first, row);
	free(world);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, record_rows, record);
	SL_ROWS_ADD(&tests, incident_rows, incident);
	return sl_row_run("told", &tests);
}
