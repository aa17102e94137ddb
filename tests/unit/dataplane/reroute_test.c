/*
 * reroute_test.c - where a service goes from a dead uplink, and when it must not
 */
#include "memory_engine.h"

#include "dataplane/reroute.h"
#include "tests/unit/row.h"

/* Three uplinks; x prefers a, then b, then c; y has only a. */
#define YAML                                                                             \
	"site: s\nports:\n  lan0: {device: eth1, role: lan}\nuplinks:\n"                 \
	"  a: {device: e0, gateway: 192.0.2.1}\n  b: {device: e2, gateway: 192.0.2.2}\n" \
	"  c: {device: e3, gateway: 192.0.2.3}\n"                                        \
	"services:\n  x: {match: [{vlan: 1}], uplinks: [a, b, c]}\n"                     \
	"  y: {match: [{vlan: 2}], uplinks: [a]}\n"

enum { A, B, C };

/* What happened, at which second; then the question. */
struct step {
	uint32_t at_s;
	char what; /* a, b, c: goes down; A, B, C: is back; s: x is switched */
};

static const struct row {
	const char *name;
	struct step step[16];
	unsigned int service, from;
	uint32_t now_s;
	int to;
	const char *why;
} rows[] = {
	{"the policy's next", {{100, 'a'}}, 1, A, 100, B, "a is down, b is the policy's next"},
	{"the next is down too: the one after", {{90, 'b'}, {100, 'a'}}, 1, A, 100, C, "c is"},
	{"all down: it stays",
	 {{90, 'b'}, {95, 'c'}, {100, 'a'}},
	 1,
	 A,
	 100,
	 -1,
	 "no other uplink"},
	{"no alternative in the policy", {{100, 'a'}}, 2, A, 100, -1, "no other uplink"},
	{"\"other\" is not moved", {{100, 'a'}}, 0, A, 100, -1, "names no uplinks"},
	{"back to the first when the second dies", {{100, 'b'}}, 1, B, 100, A, "a is the policy's"},
	{"switched a moment ago: on to one not tried",
	 {{100, 'a'}, {100, 's'}, {101, 'b'}},
	 1,
	 B,
	 101,
	 C,
	 "c is"},
	{"switched a moment ago: not back to one that was dead",
	 {{90, 'c'}, {100, 'a'}, {100, 's'}, {105, 'A'}, {110, 'b'}},
	 1,
	 B,
	 110,
	 -1,
	 "held: switched, and a was down, within 30000 ms"},
	{"after the hold-down, back",
	 {{90, 'c'}, {100, 'a'}, {100, 's'}, {105, 'A'}, {110, 'b'}},
	 1,
	 B,
	 136,
	 A,
	 "a is"},
	{"twenty blackouts of one uplink: the other was never down",
	 {{100, 'a'},
	  {100, 's'},
	  {110, 'A'},
	  {112, 's'},
	  {120, 'a'},
	  {120, 's'},
	  {130, 'A'},
	  {132, 's'},
	  {140, 'a'},
	  {140, 's'},
	  {150, 'A'},
	  {152, 's'},
	  {160, 'a'}},
	 1,
	 A,
	 160,
	 B,
	 "b is"},
	{"two unsteady ones, often: held",
	 {{90, 'c'},
	  {100, 'a'},
	  {100, 's'},
	  {110, 'A'},
	  {200, 'b'},
	  {200, 's'},
	  {210, 'B'},
	  {300, 'a'},
	  {300, 's'},
	  {310, 'A'},
	  {400, 'b'},
	  {400, 's'},
	  {440, 'B'},
	  {450, 'a'}},
	 1,
	 A,
	 452,
	 -1,
	 "held: 4 switches within the hour, and b was down in it"},
	{"... but not for ever on a dead one",
	 {{90, 'c'},
	  {100, 'a'},
	  {100, 's'},
	  {110, 'A'},
	  {200, 'b'},
	  {200, 's'},
	  {210, 'B'},
	  {300, 'a'},
	  {300, 's'},
	  {310, 'A'},
	  {400, 'b'},
	  {400, 's'},
	  {440, 'B'},
	  {450, 'a'}},
	 1,
	 A,
	 461,
	 B,
	 "b is"},
	{"an hour later all is forgotten",
	 {{90, 'c'},
	  {100, 'a'},
	  {100, 's'},
	  {110, 'A'},
	  {200, 'b'},
	  {200, 's'},
	  {210, 'B'},
	  {300, 'a'},
	  {300, 's'},
	  {310, 'A'},
	  {400, 'b'},
	  {400, 's'},
	  {440, 'B'},
	  {4200, 'a'}},
	 1,
	 A,
	 4200,
	 B,
	 "b is"},
};

static void choose(void **state)
{
	const struct row *row = *state;
	static struct sl_policy policy;
	struct sl_reroute r = {0};
	char why[SL_TEXT_MAX] = "";

	read_policy(&policy, YAML);
	for (const struct step *s = row->step; s->what; s++) {
		uint64_t at_ns = s->at_s * S;

		if (s->what == 's')
			sl_reroute_switched(&r, 1, at_ns);
		else if (s->what >= 'a')
			sl_reroute_observe(&r, (unsigned int)(s->what - 'a'), true, at_ns);
		else
			sl_reroute_observe(&r, (unsigned int)(s->what - 'A'), false, at_ns);
	}
	const struct sl_reroute_ask ask = {&policy, row->service, row->from, row->now_s * S};
	int to = sl_reroute_choose(&r, &ask, why);

	if (to != row->to || !strstr(why, row->why))
		fail_msg("to %d: \"%s\", wanted %d: \"%s\"", to, why, row->to, row->why);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, choose);
	return sl_row_run("reroute", &tests);
}
