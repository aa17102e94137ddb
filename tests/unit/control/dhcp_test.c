/*
 * dhcp_test.c - trouble with a VLAN's DHCP: what is said, when it is over, and that nothing is done
 *
 * VLAN 30 is the guests', by the policy; VLAN 31 is nobody's.  A row has a report of one of them
 * stand for so long in a store at peace.  Hold-down is 5 s.
 */
#include "tests/unit/row.h"

#include "faults.h"

#include "control/dhcp.h"

#include <stdio.h>
#include <string.h>

#define HOLD_MS 5000
#define SAID_MS (SL_DHCP_STAND_MS + 1000)

static struct world world;

#define STARVED                                                                              \
	{                                                                                    \
		.vlan = 30, .clients = 210, .clients_randomised = 190, .clients_asking = 40, \
		.clients_unanswered = 12, .discovers = 400                                   \
	}

static const struct row {
	const char *name;
	struct sl_dhcp_report report;
	uint32_t for_ms;
	const char *said; /* the whole of it; NULL = nothing */
	bool shadow, observe, dark;
} rows[] = {
	{"the pool is full", STARVED, SAID_MS,
	 "guest/notify DHCP on VLAN 30 (guest): 12 devices ask for an address and get none; 210 in "
	 "10 min, 190 with random MACs: the pool is likely full, shorten the lease"},
	{"the server is silent",
	 {.vlan = 30,
	  .clients = 12,
	  .clients_randomised = 2,
	  .clients_asking = 4,
	  .clients_unanswered = 3},
	 SAID_MS,
	 "guest/notify DHCP on VLAN 30 (guest): 3 devices ask for an address and get none; 12 in 10 "
	 "min, 2 with random MACs: the server is silent or its pool is full"},
	{"a VLAN that no service is found by",
	 {.vlan = 31, .new_server = "10.9.9.9"},
	 SAID_MS,
	 "/notify DHCP on VLAN 31: server 10.9.9.9 answers that was not there before"},
	{"the LAN without a tag",
	 {.new_server = "10.9.9.9"},
	 SAID_MS,
	 "/notify DHCP on the untagged LAN: server 10.9.9.9 answers that was not there before"},
	{"refused again and again",
	 {.vlan = 30, .clients = 9, .clients_refused = 4, .naks = 20},
	 SAID_MS,
	 "guest/notify DHCP on VLAN 30 (guest): 4 devices are refused again and again"},
	{"all at once",
	 {.vlan = 30,
	  .clients = 9,
	  .clients_refused = 4,
	  .clients_asking = 5,
	  .clients_unanswered = 5,
	  .new_server = "255.255.255.255"},
	 SAID_MS,
	 "guest/notify DHCP on VLAN 30 (guest): server 255.255.255.255 answers that was not there "
	 "before; 4 devices are refused again and again; 5 devices ask for an address and get none; "
	 "9 in 10 min"},
	{"two devices may be ill themselves",
	 {.vlan = 30, .clients = 12, .clients_asking = 3, .clients_unanswered = 2},
	 60000,
	 NULL},
	{"a few of many that look for a server are not the pool",
	 {.vlan = 30, .clients = 90, .clients_asking = 50, .clients_unanswered = 12},
	 60000,
	 NULL},
	{"one NAK is usual", {.vlan = 30, .clients = 12, .naks = 30}, 60000, NULL},
	{"a moment", STARVED, SL_DHCP_STAND_MS - 500, NULL},
	{"shadow: nothing would be done, so it is said as ever", STARVED, SAID_MS,
	 "guest/notify DHCP on VLAN 30 (guest): 12 devices", .shadow = true},
	{"observe: nothing is decided", STARVED, SAID_MS, NULL, .observe = true},
	{"behind a dark uplink the server may stand", STARVED, SAID_MS, NULL, .dark = true},
};

static const struct sl_dhcp_report *shown; /* NULL = none */

static void show(struct world *w, uint64_t ms)
{
	w->picture.dhcp = shown != NULL;
	if (shown)
		w->picture.dhcp_vlan[0] = *shown;
}

static void begin(enum sl_mode mode)
{
	shown = NULL;
	fault_play(&world, fault_peace, mode, 0);
	world.site.policy.guardrails.hold_down_ms = HOLD_MS;
	world.site.policy.service[GUEST].matches = 1;
	world.site.policy.match[0] = (struct sl_policy_match){.has_vlan = true, .vlan = 30};
}

static void play(const struct sl_dhcp_report *report, uint32_t for_ms)
{
	shown = report;
	fault_go_on(&world, show, for_ms);
}

static uint32_t times_said(const char *what)
{
	uint32_t times = 0;

	for (const char *at = world.text; (at = strstr(at, what)); at++)
		times++;
	return times;
}

/* No row of these has anybody do anything. */
static void assert_nothing_done(void)
{
	assert_int_equal(world.reroutes + world.trials + world.throttles + world.clamps +
				 world.remarks,
			 0);
	assert_false(world.verdict[SL_VERDICT_UPLINK]);
}

static void row_test(void **state)
{
	const struct row *row = *state;

	begin(row->observe ? SL_MODE_OBSERVE : row->shadow ? SL_MODE_SHADOW : SL_MODE_ENFORCE);
	if (row->dark) {
		world.black[LTE] = true;
		fault_go_on(&world, show, 2000);
	}
	play(&row->report, row->for_ms);
	if (row->said && times_said(row->said) != 1)
		fail_msg("not said once: \"%s\":\n%s", row->said, world.text);
	assert_int_equal(times_said("DHCP"), row->said != NULL);
	assert_int_equal(world.verdict[SL_VERDICT_LAN], row->said != NULL);
	if (!row->dark)
		assert_nothing_done();
}

static void it_is_an_incident_until_it_has_been_well(void **state)
{
	const struct sl_dhcp_report starved = STARVED;
	const struct sl_incident *incident = &world.incident[0];
	struct sl_dhcp_report one = starved, none = starved;

	one.clients_unanswered = 1;
	one.clients_asking = 4;
	none.clients_unanswered = 0;
	begin(SL_MODE_ENFORCE);
	play(&starved, SAID_MS);
	assert_int_equal(world.incidents, 1);
	assert_string_equal(incident->service, "guest");
	assert_string_equal(incident->uplink, "");
	assert_int_equal(incident->verdict, SL_VERDICT_LAN);
	assert_string_equal(incident->fingerprint, "dhcp/vlan30");
	play(&one, 60000); /* still somebody */
	play(&none, HOLD_MS - 1000);
	play(&starved, 1000);
	play(&none, HOLD_MS - 1000);
	assert_false(incident->closed_unix_ns);
	play(NULL, 2000); /* a VLAN that is not in the picture has no trouble */
	assert_true(incident->closed_unix_ns);
	assert_int_equal(incident->outcome, SL_OUTCOME_HELD);
	assert_non_null(strstr(incident->text, "DHCP on VLAN 30 (guest): 12 devices"));
	assert_non_null(strstr(incident->text, "nothing was done, verdict lan"));
	play(&starved, SAID_MS);
	assert_int_equal(world.incidents, 2);
	assert_nothing_done();
}

static void it_is_said_again_when_it_is_another(void **state)
{
	struct sl_dhcp_report report = STARVED;

	begin(SL_MODE_ENFORCE);
	play(&report, 60000);
	assert_int_equal(times_said("DHCP"), 1);
	report.clients_unanswered = 13; /* hardly more */
	play(&report, 10000);
	assert_int_equal(times_said("DHCP"), 1);
	report.clients_unanswered = 40;
	play(&report, 10000);
	assert_int_equal(times_said("DHCP"), 2);
	report.clients_unanswered = 12; /* and fewer again */
	play(&report, 10000);
	assert_int_equal(times_said("DHCP"), 2);
	snprintf(report.new_server, sizeof(report.new_server), "10.9.9.9");
	play(&report, 10000);
	assert_int_equal(times_said("DHCP"), 3);
	assert_int_equal(times_said("server 10.9.9.9"), 1);
	assert_int_equal(world.incidents, 1);
}

static void a_dark_uplink_adds_nothing(void **state)
{
	struct sl_dhcp_report report = STARVED;

	begin(SL_MODE_ENFORCE);
	snprintf(report.new_server, sizeof(report.new_server), "10.9.9.9");
	report.clients_unanswered = 0;
	play(&report, SAID_MS);
	world.black[LTE] = true;
	play(&report, 2000);
	report.clients_unanswered = 12;
	play(&report, 20000);
	assert_int_equal(times_said("DHCP"), 1);
	world.black[LTE] = false;
	play(&report, 20000);
	assert_int_equal(times_said("12 devices ask"), 1);
}

static void it_survives_a_restart_of_control(void **state)
{
	const struct sl_dhcp_report starved = STARVED;

	begin(SL_MODE_ENFORCE);
	play(&starved, SAID_MS);
	world_restart_control(&world);
	world.site.policy.guardrails.hold_down_ms = HOLD_MS;
	play(&starved, SAID_MS);
	assert_int_equal(world.incidents, 1);
	world_restart_control(&world);
	world.site.policy.guardrails.hold_down_ms = HOLD_MS;
	play(NULL, HOLD_MS + 2000);
	assert_int_equal(world.incidents, 1);
	assert_true(world.incident[0].closed_unix_ns);
}

/* A service's own trouble, on its own uplink, is judged as ever. */
static void it_hides_no_other_fault(void **state)
{
	const struct sl_dhcp_report starved = STARVED;

	begin(SL_MODE_ENFORCE);
	world.loss_ppm[FIBRE] = 40000;
	play(&starved, 10000);
	assert_true(world.verdict[SL_VERDICT_UPLINK] && world.verdict[SL_VERDICT_LAN]);
	assert_true(world.reroutes + world.trials > 0);
}

int main(void)
{
	static struct sl_row_tests tests;

	SL_ROWS_ADD(&tests, rows, row_test);
#define TEST(name) sl_row_add(&tests, #name, name, NULL)
	TEST(it_is_an_incident_until_it_has_been_well);
	TEST(it_is_said_again_when_it_is_another);
	TEST(a_dark_uplink_adds_nothing);
	TEST(it_survives_a_restart_of_control);
	TEST(it_hides_no_other_fault);
	return sl_row_run("control dhcp", &tests);
}
