/*
 * bus_history_test.c - what Redis keeps for later, and reading it back
 */
#include "bus_lab.h"
#include "proto/policy.h"

/* What the readers were given, in order; a NULL is an end. */
static struct read {
	int given, ended;
	uint64_t number[64];
	char name[64][SL_NAME_MAX];
	char id[64];
	bool whole;
} read_back;

static void give(const char *name, uint64_t number)
{
	assert_in_range(read_back.given, 0, 63);
	snprintf(read_back.name[read_back.given], SL_NAME_MAX, "%s", name);
	read_back.number[read_back.given++] = number;
}

static void on_incident(void *arg, const struct sl_incident *incident)
{
	if (incident)
		give(incident->service, incident->id);
	else
		read_back.ended++;
}

static void on_event(void *arg, const struct sl_event *event)
{
	if (event)
		give(event->service, event->seq);
	else
		read_back.ended++;
}

static void on_health(void *arg, const struct sl_telemetry *telemetry, const char *id)
{
	if (!telemetry) {
		read_back.ended++;
		return;
	}
	give(telemetry->site, telemetry->version);
	snprintf(read_back.id, sizeof(read_back.id), "%s", id);
}

static void on_memory(void *arg, const struct sl_memory_report *report)
{
	if (report)
		give(report->site, report->entries ? report->entry[0].helped : 0);
	else
		read_back.ended++;
}

static struct sl_bus *start(void)
{
	static struct sl_bus_config config;
	struct sl_bus *bus;

	memset(&read_back, 0, sizeof(read_back));
	start_plain();
	config = listening();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	return bus;
}

static void finish(struct sl_bus *bus)
{
	close_bus(bus);
	kill_server();
}

static void send_incident(struct sl_bus *bus, uint64_t id, const char *service)
{
	struct sl_incident incident = {.site = "s", .id = id};

	snprintf(incident.service, sizeof(incident.service), "%s", service);
	assert_int_equal(sl_bus_send_incident(bus, &incident, on_done, NULL), 0);
}

static void incidents_newest_first(void **state)
{
	struct sl_bus *bus = start();

	send_incident(bus, 1, "opened");
	send_incident(bus, 2, "pos");
	send_incident(bus, 1, "closed");
	assert_true(reaches(&heard.done, 3, 5));
	sl_bus_fetch_incidents(bus, 2, on_incident, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(read_back.given, 2);
	assert_string_equal(read_back.name[0], "closed");
	assert_int_equal(read_back.number[1], 2);
	finish(bus);
}

static void events_newest_first(void **state)
{
	struct sl_bus *bus = start();

	for (uint64_t seq = 1; seq <= 5; seq++)
		say_event(bus, seq);
	assert_true(reaches(&heard.done, 5, 5));
	sl_bus_fetch_events(bus, 3, on_event, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(read_back.given, 3);
	assert_int_equal(read_back.number[0], 5);
	assert_int_equal(read_back.number[2], 3);
	finish(bus);
}

static const struct sl_policy_history day = {86400, SL_HISTORY_FULL};

static void health_page_by_page(void **state)
{
	static struct sl_telemetry telemetry = {.site = "s"};
	struct sl_bus *bus = start();

	for (telemetry.version = 1; telemetry.version <= 5; telemetry.version++)
		assert_int_equal(sl_bus_send_health(bus, &telemetry, &day), 0);
	sl_bus_fetch_health(bus, "", 3, on_health, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(read_back.given, 3);
	sl_bus_fetch_health(bus, read_back.id, 3, on_health, NULL);
	assert_true(reaches(&read_back.ended, 2, 5));
	assert_int_equal(read_back.given, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(read_back.number[i], i + 1);
	sl_bus_fetch_health(bus, read_back.id, 3, on_health, NULL);
	assert_true(reaches(&read_back.ended, 3, 5));
	assert_int_equal(read_back.given, 5);
	finish(bus);
}

static struct sl_telemetry came;

static void on_lean(void *arg, const struct sl_telemetry *telemetry, const char *id)
{
	if (telemetry)
		came = *telemetry;
	else
		read_back.ended++;
}

/* Lean: what is judged, in a fraction of the bytes; no more of them than are to be kept. */
static void health_lean(void **state)
{
	static struct sl_telemetry telemetry = {
		.site = "s",
		.paths = 2,
		.path = {{.service = "pos", .state = SL_HEALTH_IDLE, .reason = "no packets"},
			 {.service = "pos",
			  .uplink = "lte",
			  .state = SL_HEALTH_GOOD,
			  .reason = "p95 20 ms",
			  .dns = {"dns", 3},
			  .rtt = {{"seq", 9}, {"seq", 7, 1, 10000, 20000, 30000}}}},
		.counters = 1,
		.counter = {{"packets.ok", 7}},
		.dhcp = 2,
		.dhcp_vlan = {{.vlan = 20, .clients = 5},
			      {.vlan = 30, .clients = 9, .clients_unanswered = 3}},
	};
	static const struct sl_policy_history lean = {60, SL_HISTORY_LEAN};
	struct sl_bus *bus = start();

	for (int i = 0; i < 400; i++)
		assert_int_equal(sl_bus_send_health(bus, &telemetry, &lean), 0);
	run_for(0.3);
	assert_in_range(ask("XLEN sl:{s}:health"), 60, 200); /* Redis drops whole nodes */
	sl_bus_fetch_health(bus, "", 1, on_lean, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(came.paths, 1);
	assert_string_equal(came.path[0].uplink, "lte");
	assert_int_equal(came.path[0].rtt[1].p95_us, 20000);
	assert_int_equal(came.counters + came.path[0].dns.samples, 0);
	assert_string_equal(came.path[0].reason, "");
	assert_int_equal(came.dhcp, 1);
	assert_int_equal(came.dhcp_vlan[0].vlan, 30);
	assert_int_equal(came.dhcp_vlan[0].clients_unanswered, 3);
	assert_int_equal(telemetry.paths, 2);
	finish(bus);
}

static void on_kept(void *arg, const char *yaml, uint64_t version, uint64_t at_unix_ns)
{
	if (!yaml) {
		read_back.ended++;
		return;
	}
	assert_true(at_unix_ns > UINT64_C(1600000000000000000));
	give(yaml, version);
}

/* Each once, however often it is said; the newest SL_BUS_POLICIES_MAX of them. */
static void policies(void **state)
{
	struct sl_bus *bus = start();
	char yaml[16];

	for (uint64_t version = 1; version <= 20; version++)
		for (int twice = 0; twice < 2; twice++) {
			snprintf(yaml, sizeof(yaml), "text %u", (unsigned int)version);
			assert_int_equal(sl_bus_keep_policy(bus, yaml, version), 0);
			run_for(0.02);
		}
	sl_bus_keep_policy(bus, "text of a life anew", 1);
	run_for(0.05);
	assert_int_equal(ask("XLEN sl:{s}:policies"), SL_BUS_POLICIES_MAX);
	ask("XADD sl:{s}:policies * version 3 text nothing");
	sl_bus_fetch_policies(bus, on_kept, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(heard.malformed, 1);
	assert_int_equal(read_back.given, SL_BUS_POLICIES_MAX - 1);
	assert_int_equal(read_back.number[0], 1);
	assert_int_equal(read_back.number[1], 20);
	assert_string_equal(read_back.name[1], "text 20");
	assert_int_equal(read_back.number[SL_BUS_POLICIES_MAX - 2], 7);
	finish(bus);
}

static void memory_of_the_fleet(void **state)
{
	static struct sl_memory_report report = {.site = "s", .entries = 1};
	struct sl_bus *bus = start();

	report.entry[0].helped = 1;
	assert_int_equal(sl_bus_send_memory(bus, &report), 0);
	report.entry[0].helped = 2; /* the last one counts */
	assert_int_equal(sl_bus_send_memory(bus, &report), 0);
	run_for(0.1);
	assert_int_equal(ask("HLEN sl:{s}:memory"), 2);
	ask("HSET sl:fleet:memory other x");
	sl_bus_fetch_memory(bus, on_memory, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(read_back.given, 1);
	assert_int_equal(read_back.number[0], 2);
	assert_int_equal(heard.malformed, 1);
	finish(bus);
}

static void what_cannot_be_read(void **state)
{
	struct sl_bus *bus = start();

	ask("XADD sl:{s}:incident * pb x");
	ask("XADD sl:{s}:incident * json {}");
	send_incident(bus, 3, "pos");
	assert_true(reaches(&heard.done, 1, 5));
	sl_bus_fetch_incidents(bus, 9, on_incident, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_int_equal(read_back.given, 1);
	assert_int_equal(heard.malformed, 2);
	ask("SET sl:fleet:memory x");
	sl_bus_fetch_memory(bus, on_memory, NULL);
	assert_true(reaches(&read_back.ended, 2, 5));
	assert_int_equal(heard.malformed, 3);
	assert_non_null(strstr(heard.malformed_why, "WRONGTYPE"));
	finish(bus);
}

/* What had samples and has none keeps no number. */
static void flat_paths(void **state)
{
	struct sl_bus_flat path = {.service = "pos",
				   .uplink = "fibre",
				   .state = SL_HEALTH_GOOD,
				   .samples = {0, 9},
				   .p95_us = {0, 12345}};
	struct sl_bus *bus = start();

	assert_int_equal(sl_bus_send_flat(bus, &path), 0);
	run_for(0.3);
	assert_int_equal(ask("HSTRLEN sl:{s}:path:pos:fibre state"), strlen("good"));
	assert_int_equal(ask("HSTRLEN sl:{s}:path:pos:fibre p95_us"), strlen("12345"));
	assert_int_equal(ask("HSTRLEN sl:{s}:path:pos:fibre lan_p95_us"), 0);
	assert_in_range(ask("TTL sl:{s}:path:pos:fibre"), 1, 10);
	path.samples[1] = 0;
	assert_int_equal(sl_bus_send_flat(bus, &path), 0);
	run_for(0.3);
	assert_int_equal(ask("HSTRLEN sl:{s}:path:pos:fibre p95_us"), 0);
	assert_int_equal(ask("XLEN sl:{s}:ts:pos:fibre"), 2);
	assert_in_range(ask("TTL sl:{s}:ts:pos:fibre"), 600, 900);
	finish(bus);
}

static void on_site(void *arg, const char *site, bool fresh)
{
	if (site) {
		give(site, fresh);
		return;
	}
	read_back.ended++;
	read_back.whole = fresh;
}

static bool was_given(const char *name, uint64_t number)
{
	for (int i = 0; i < read_back.given; i++)
		if (!strcmp(read_back.name[i], name) && read_back.number[i] == number)
			return true;
	return false;
}

/* Found by their keys among others', in more than one piece; what is no site's is passed over. */
static void sites_of_the_fleet(void **state)
{
	struct sl_bus *bus = start();

	ask("EVAL for\ti=1,2000\tdo\tredis.call('SET','k'..i,1)\tend 0");
	ask("HSET sl:{north.1}:path:pos:fibre state good");
	ask("HSET sl:{north.1}:policy version 3");
	ask("XADD sl:{south-2}:incident * pb x");
	ask("XADD sl:{typo}:command * pb x"); /* nobody's word but a person's */
	ask("HSET sl:{a_name_that_is_longer_than_31_letters}:policy version 1");
	ask("HSET sl:{}:policy version 1");
	ask("HSET sl:{a\033b}:policy version 1");
	ask("HSET sl:fleet:memory other x");
	sl_bus_fetch_sites(bus, on_site, NULL);
	assert_true(reaches(&read_back.ended, 1, 5));
	assert_true(read_back.whole);
	assert_int_equal(read_back.given, 3);
	assert_true(was_given("north.1", true));
	assert_true(was_given("north.1", false));
	assert_true(was_given("south-2", false));
	finish(bus);
}

/* Of another site than the bus's own; a roll-up is the last one of that time. */
static void of_another_site(void **state)
{
	static struct sl_telemetry telemetry = {.site = "s", .version = 1};
	struct sl_bus *bus = start();
	uint64_t between_ns;
	struct timespec now;

	send_incident(bus, 7, "pos");
	assert_int_equal(sl_bus_send_health(bus, &telemetry, &day), 0);
	run_for(0.2);
	clock_gettime(CLOCK_REALTIME, &now);
	between_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	run_for(0.2);
	telemetry.version = 2;
	assert_int_equal(sl_bus_send_health(bus, &telemetry, &day), 0);
	run_for(0.2);
	ask("RENAME sl:{s}:incident sl:{north}:incident");
	ask("RENAME sl:{s}:health sl:{north}:health");
	sl_bus_fetch_incidents_of(bus, "north", 9, on_incident, NULL);
	sl_bus_fetch_health_of(bus, "north", between_ns, on_health, NULL);
	sl_bus_fetch_health_of(bus, "north", between_ns - UINT64_C(60000000000), on_health, NULL);
	assert_true(reaches(&read_back.ended, 3, 5));
	assert_int_equal(read_back.given, 2);
	assert_int_equal(read_back.number[0], 7);
	assert_int_equal(read_back.number[1], 1);
	finish(bus);
}

static void without_a_connection(void **state)
{
	static const struct sl_memory_report report = {.site = "s"};
	static const struct sl_incident incident = {.site = "s"};
	static const struct sl_bus_flat path = {.service = "pos", .uplink = "fibre"};
	struct sl_bus_config config = listening();
	struct sl_bus *bus = open_bus(&config);

	memset(&read_back, 0, sizeof(read_back));
	assert_int_equal(sl_bus_send_incident(bus, &incident, NULL, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_send_memory(bus, &report), -ENOTCONN);
	assert_int_equal(sl_bus_send_flat(bus, &path), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_incidents(bus, 1, on_incident, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_events(bus, 1, on_event, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_health(bus, "", 1, on_health, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_memory(bus, on_memory, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_policies(bus, on_kept, NULL), -ENOTCONN);
	assert_int_equal(sl_bus_keep_policy(bus, "text", 1), -ENOTCONN);
	read_back.whole = true;
	assert_int_equal(sl_bus_fetch_sites(bus, on_site, NULL), -ENOTCONN);
	assert_int_equal(read_back.ended, 6);
	assert_false(read_back.whole);
	close_bus(bus);
}

static const struct case_row cases[] = {
	{"incidents are read back, newest first", incidents_newest_first},
	{"events are read back, newest first", events_newest_first},
	{"health is read back page by page", health_page_by_page},
	{"lean health, and no more than is kept", health_lean},
	{"memory is every site's", memory_of_the_fleet},
	{"policies, each once, and no more than are kept", policies},
	{"sites by their keys", sites_of_the_fleet},
	{"incidents and health of another site", of_another_site},
	{"flat paths, and what they no longer have", flat_paths},
	{"what cannot be read is told and passed over", what_cannot_be_read},
	{"without a connection each ends at once", without_a_connection},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return lab_run("proto bus history", &tests);
}
