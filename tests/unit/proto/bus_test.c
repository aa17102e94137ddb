/*
 * bus_test.c - what is said over a real redis-server arrives
 *
 * What goes wrong is bus_faults_test.c; what is no Redis, bus_fake_test.c.
 */
#include "bus_lab.h"
#include "proto/policy.h"

static void event_arrives(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus_stats stats;
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	assert_true(reaches(&heard.events, 1, 5));
	assert_true(reaches(&heard.done, 1, 5));
	assert_int_equal(heard.done_err, 0);
	assert_string_equal(heard.done_text, heard.id);
	assert_int_equal(heard.seq, 1);
	sl_bus_stats(bus, &stats);
	assert_int_equal(stats.sent, 1);
	assert_int_equal(stats.received, 1);
	assert_true(stats.connected);
	assert_int_equal(stats.reconnects, 0);
	close_bus(bus);
	kill_server();
}

/* The entry carries both forms, under the keys that DESIGN.md 6 names. */
static void entry_has_its_mirror(void **state)
{
	struct sl_bus_config config = listening();
	redisContext *context;
	redisReply *reply, *fields;
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	assert_true(reaches(&heard.done, 1, 5));
	context = raw();
	reply = redisCommand(context, "XRANGE %s - +", EVENT_KEY);
	assert_int_equal(reply->elements, 1);
	fields = reply->element[0]->element[1];
	assert_int_equal(fields->elements, 4);
	assert_string_equal(fields->element[0]->str, "pb");
	assert_string_equal(fields->element[2]->str, "json");
	assert_non_null(strstr(fields->element[3]->str, "\"source\":\"dataplane\""));
	freeReplyObject(reply);
	redisFree(context);
	close_bus(bus);
	kill_server();
}

static void five_thousand_in_order(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	for (uint64_t seq = 1; seq <= 5000; seq++)
		say_event(bus, seq);
	assert_true(reaches(&heard.events, 5000, 20));
	assert_true(heard.in_order);
	assert_int_equal(heard.done, 5000);
	close_bus(bus);
	kill_server();
}

static void command_arrives(void **state)
{
	static const struct sl_command command = {.site = "s",
						  .id = "cli-1",
						  .kind = SL_COMMAND_REROUTE,
						  .share_ppm = 1000000};
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	assert_int_equal(sl_bus_send_command(bus, &command, on_done, NULL), 0);
	assert_true(reaches(&heard.commands, 1, 5));
	assert_memory_equal(&heard.command, &command, sizeof(command));
	close_bus(bus);
	kill_server();
}

static void picture_arrives(void **state)
{
	static struct sl_telemetry telemetry = {.site = "s", .version = 3, .paths = 64};
	struct sl_bus_config config = listening();
	redisContext *context;
	redisReply *reply;
	struct sl_bus *bus;

	start_plain();
	context = raw();
	freeReplyObject(redisCommand(context, "SUBSCRIBE sl:{s}:live.json"));
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	run_for(0.1); /* until the subscription stands: pictures are not kept */
	assert_int_equal(sl_bus_send_telemetry(bus, &telemetry), 0);
	assert_int_equal(sl_bus_send_health(bus, &telemetry, &(struct sl_policy_history){60}), 0);
	assert_true(reaches(&heard.telemetries, 1, 5));
	assert_memory_equal(&heard.telemetry, &telemetry, sizeof(telemetry));
	run_for(0.2); /* until the rest is out: the next line blocks the loop */
	assert_int_equal(redisGetReply(context, (void **)&reply), REDIS_OK);
	assert_non_null(strstr(reply->element[2]->str, "\"version\":3"));
	freeReplyObject(reply);
	redisFree(context);
	assert_int_equal(ask("XLEN sl:{s}:health"), 1);
	close_bus(bus);
	kill_server();
}

static void watermark_arrives(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	assert_int_equal(sl_bus_send_watermark(bus, "dataplane", UINT64_MAX, 7), 0);
	assert_true(reaches(&heard.watermarks, 1, 2));
	assert_true(heard.boot == UINT64_MAX && heard.acked == 7);
	run_for(0.4);
	assert_int_equal(heard.watermarks, 1); /* told when it moves, not each time it is read */
	assert_int_equal(sl_bus_send_watermark(bus, "dataplane", UINT64_MAX, 8), 0);
	assert_true(reaches(&heard.watermarks, 2, 2));
	ask("SET sl:{s}:ack:dataplane 12;8");
	assert_true(reaches(&heard.malformed, 1, 2));
	assert_string_equal(heard.malformed_why, "not boot:seq");
	assert_int_equal(heard.watermarks, 2);
	close_bus(bus);
	kill_server();
}

static void trims_below(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	for (uint64_t seq = 1; seq <= 3; seq++)
		say_event(bus, seq);
	assert_true(reaches(&heard.events, 3, 5));
	assert_int_equal(sl_bus_trim_events(bus, heard.id), 0);
	say_event(bus, 4);
	assert_true(reaches(&heard.events, 4, 5));
	assert_int_equal(ask("XLEN %s", EVENT_KEY), 2);
	close_bus(bus);
	kill_server();
}

static void policy_is_kept(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_int_equal(sl_bus_fetch_policy(bus, on_policy, NULL), -ENOTCONN);
	assert_int_equal(heard.policies, 1);
	assert_string_equal(heard.current, "(none)");
	assert_true(reaches(&heard.connected, 1, 5));
	sl_bus_fetch_policy(bus, on_policy, NULL);
	assert_true(reaches(&heard.policies, 2, 5));
	assert_string_equal(heard.current, "(none)");
	sl_bus_publish_policy(bus, "site: a\n", NULL, NULL, 1);
	sl_bus_publish_policy(bus, "site: b\n", "site: a\n", "site: a\n", 2);
	sl_bus_fetch_policy(bus, on_policy, NULL);
	assert_true(reaches(&heard.policies, 3, 5));
	assert_string_equal(heard.current, "site: b\n");
	assert_string_equal(heard.previous, "site: a\n");
	assert_int_equal(heard.policy_version, 2);
	assert_int_equal(ask("HLEN sl:{s}:policy"), 4);
	ask("SET sl:{s}:policy x");
	sl_bus_fetch_policy(bus, on_policy, NULL);
	assert_true(reaches(&heard.malformed, 1, 5));
	assert_int_equal(heard.policies, 4);
	assert_non_null(strstr(heard.malformed_why, "WRONGTYPE"));
	close_bus(bus);
	kill_server();
}

/* What sl_bus_fetch_unclaimed() told. */
static struct told {
	int times;
	bool there;
	struct sl_unclaimed_report report;
} told;

static void on_unclaimed(void *arg, const struct sl_unclaimed_report *report)
{
	told.times++;
	told.there = report;
	if (report)
		told.report = *report;
}

static void unclaimed_is_kept(void **state)
{
	static struct sl_unclaimed_report report = {
		.site = "s",
		.entries = 2,
		.entry = {{.name = "a.example", .flows = 3}, {.address = "192.0.2.1", .flows = 1}}};
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	memset(&told, 0, sizeof(told));
	start_plain();
	bus = open_bus(&config);
	assert_int_equal(sl_bus_send_unclaimed(bus, &report), -ENOTCONN);
	assert_int_equal(sl_bus_fetch_unclaimed(bus, on_unclaimed, NULL), -ENOTCONN);
	assert_true(told.times == 1 && !told.there);
	assert_true(reaches(&heard.connected, 1, 5));
	sl_bus_fetch_unclaimed(bus, on_unclaimed, NULL);
	assert_true(reaches(&told.times, 2, 5));
	assert_false(told.there);
	assert_int_equal(heard.malformed, 0);
	assert_int_equal(sl_bus_send_unclaimed(bus, &report), 0);
	report.entry[0].flows = 4; /* the last one counts */
	assert_int_equal(sl_bus_send_unclaimed(bus, &report), 0);
	sl_bus_fetch_unclaimed(bus, on_unclaimed, NULL);
	assert_true(reaches(&told.times, 3, 5));
	assert_memory_equal(&told.report, &report, sizeof(report));
	assert_int_equal(ask("HLEN sl:{s}:unclaimed"), 2);
	ask("HSET sl:{s}:unclaimed pb x");
	sl_bus_fetch_unclaimed(bus, on_unclaimed, NULL);
	assert_true(reaches(&heard.malformed, 1, 5));
	assert_true(told.times == 4 && !told.there);
	ask("SET sl:{s}:unclaimed x");
	sl_bus_fetch_unclaimed(bus, on_unclaimed, NULL);
	assert_true(reaches(&heard.malformed, 2, 5));
	assert_true(told.times == 5 && !told.there);
	assert_non_null(strstr(heard.malformed_why, "WRONGTYPE"));
	close_bus(bus);
	kill_server();
}

static const struct case_row cases[] = {
	{"an event arrives", event_arrives},
	{"an entry has protobuf and JSON", entry_has_its_mirror},
	{"5000 events arrive in order", five_thousand_in_order},
	{"a command arrives", command_arrives},
	{"a picture arrives, as protobuf and JSON", picture_arrives},
	{"a watermark arrives when it moves", watermark_arrives},
	{"events below an id are trimmed", trims_below},
	{"the policy is kept and fetched", policy_is_kept},
	{"the unclaimed is kept and fetched", unclaimed_is_kept},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return lab_run("proto bus", &tests);
}
