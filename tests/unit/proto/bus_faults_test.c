/*
 * bus_faults_test.c - Redis late, killed, emptied, stopped, full, locked, or fed rubbish
 *
 * Each is done to a real redis-server under a living bus.
 */
#include "bus_lab.h"

static void waits_for_redis(void **state)
{
	struct sl_event event = {.seq = 1};
	struct sl_bus_config config = listening();
	struct sl_bus *bus = open_bus(&config);
	struct sl_bus_stats stats;
	char expected[160];

	assert_int_equal(sl_bus_send_event(bus, &event, on_done, NULL), -ENOTCONN);
	assert_true(reaches(&heard.lost, 1, 5));
	snprintf(expected, sizeof(expected), "%s: No such file or directory", lab_address);
	assert_string_equal(heard.why, expected);
	run_for(1);
	assert_int_equal(heard.lost, 1); /* the same reason is told once */
	sl_bus_stats(bus, &stats);
	assert_int_equal(stats.failed, 1);
	assert_int_equal(heard.done, 0);
	start_plain();
	assert_true(reaches(&heard.connected, 1, 7));
	close_bus(bus);
	kill_server();
}

static void comes_back_to_an_empty_redis(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus_stats stats;
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	assert_true(reaches(&heard.events, 1, 5));
	kill_server();
	assert_true(reaches(&heard.lost, 1, 5));
	start_plain();
	/* Older than anything seen: only who reads from the start finds it. */
	ask("XADD %s 5-1 pb %b", EVENT_KEY, "\x08\x01\x28\x02", (size_t)4);
	assert_true(reaches(&heard.connected, 2, 7));
	assert_true(reaches(&heard.events, 2, 5));
	assert_string_equal(heard.id, "5-1");
	say_event(bus, 3);
	assert_true(reaches(&heard.events, 3, 5));
	assert_true(heard.in_order);
	sl_bus_stats(bus, &stats);
	assert_int_equal(stats.reconnects, 1);
	close_bus(bus);
	kill_server();
}

static void goes_on_where_it_was(void **state)
{
	char key[] = "--appendonly", value[] = "yes", file[128];
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_server(key, value);
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	ask("CONFIG SET appendfsync always");
	say_event(bus, 1);
	assert_true(reaches(&heard.events, 1, 5));
	kill_server();
	start_server(key, value);
	assert_true(reaches(&heard.connected, 2, 7));
	say_event(bus, 2);
	assert_true(reaches(&heard.events, 2, 5));
	run_for(0.2);
	assert_int_equal(heard.events, 2); /* the first is not read again */
	assert_true(heard.in_order);
	close_bus(bus);
	kill_server();
	snprintf(file, sizeof(file), "rm -r %s/appendonlydir", lab_folder);
	assert_int_equal(system(file), 0);
}

static void ten_kills(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	for (int turn = 1; turn <= 10; turn++) {
		assert_true(reaches(&heard.connected, turn, 10));
		say_event(bus, (uint64_t)turn);
		assert_true(reaches(&heard.events, turn, 5));
		run_for(0.55); /* long enough for the next try to be a first one */
		kill_server();
		start_plain();
	}
	assert_true(heard.in_order);
	assert_int_equal(heard.done, 10);
	close_bus(bus);
	kill_server();
}

/* A stopped Redis takes bytes and says nothing. */
static void notices_a_stopped_redis(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;
	double start;

	config.watermark_source = NULL; /* then it is a PING that notices */
	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	kill(lab_server, SIGSTOP);
	say_event(bus, 1);
	start = now_s();
	assert_true(reaches(&heard.lost, 1, 5));
	assert_true(now_s() - start < 3.5);
	assert_non_null(strstr(heard.why, "no answer for 2 s"));
	assert_int_equal(heard.done, 1);
	assert_int_equal(heard.done_err, -ENOTCONN);
	kill(lab_server, SIGCONT);
	assert_true(reaches(&heard.connected, 2, 8));
	/* It had been taken in after all: that is why Redis's word counts for nothing. */
	assert_true(reaches(&heard.events, 1, 5));
	close_bus(bus);
	kill_server();
}

/* Answers that we did not come to read are not Redis's fault. */
static void does_not_blame_redis_for_itself(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	usleep(3500000);
	assert_true(reaches(&heard.events, 1, 5));
	assert_int_equal(heard.lost, 0);
	close_bus(bus);
	kill_server();
}

static void tells_a_full_redis(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	ask("CONFIG SET maxmemory 1");
	say_event(bus, 1);
	assert_true(reaches(&heard.done, 1, 5));
	assert_int_equal(heard.done_err, -ENOSPC);
	assert_non_null(strstr(heard.done_text, "OOM command not allowed"));
	ask("CONFIG SET maxmemory 0");
	say_event(bus, 1);
	assert_true(reaches(&heard.events, 1, 5));
	assert_int_equal(heard.lost, 0);
	close_bus(bus);
	kill_server();
}

static void tells_a_key_of_another_kind(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	ask("SET %s x", EVENT_KEY);
	bus = open_bus(&config);
	assert_true(reaches(&heard.lost, 1, 5));
	assert_non_null(strstr(heard.why, "sl:{s}:event: WRONGTYPE"));
	assert_int_equal(heard.connected, 0);
	ask("DEL %s", EVENT_KEY);
	assert_true(reaches(&heard.connected, 1, 7));
	ask("SET %s x", EVENT_KEY); /* and while it is up: the next XREAD is refused */
	assert_true(reaches(&heard.lost, 2, 5));
	assert_non_null(strstr(heard.why, "XREAD: WRONGTYPE"));
	close_bus(bus);
	kill_server();
}

/* Who only sends hears it from each entry. */
static void tells_a_sender_of_another_kind(void **state)
{
	struct sl_bus_config config = {.redis = lab_address,
				       .site = "s",
				       .base = lab_base,
				       .handlers = &lab_handlers};
	struct sl_bus_stats stats;
	struct sl_bus *bus;

	start_plain();
	ask("SET %s x", EVENT_KEY);
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	assert_true(reaches(&heard.done, 1, 5));
	assert_int_equal(heard.done_err, -EINVAL);
	assert_non_null(strstr(heard.done_text, "WRONGTYPE"));
	sl_bus_stats(bus, &stats);
	assert_int_equal(stats.failed, 1);
	assert_int_equal(heard.lost, 0);
	close_bus(bus);
	kill_server();
}

static void tells_a_password(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_server("--requirepass", "secret");
	bus = open_bus(&config);
	assert_true(reaches(&heard.lost, 1, 5));
	assert_non_null(strstr(heard.why, "INFO: NOAUTH Authentication required"));
	assert_int_equal(heard.connected, 0);
	close_bus(bus);
	kill_server();
}

static void passes_over_the_malformed(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus_stats stats;
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	ask("XADD %s * json {}", EVENT_KEY);
	assert_true(reaches(&heard.malformed, 1, 5));
	assert_string_equal(heard.malformed_why, "no field pb");
	ask("XADD %s * pb garbage", EVENT_KEY);
	assert_true(reaches(&heard.malformed, 2, 5));
	assert_string_equal(heard.malformed_why,
			    "Event: not a protobuf of this kind, or over the memory budget");
	run_for(0.1);
	ask("PUBLISH sl:{s}:live garbage");
	assert_true(reaches(&heard.malformed, 3, 5));
	say_event(bus, 1);
	assert_true(reaches(&heard.events, 1, 5));
	sl_bus_stats(bus, &stats);
	assert_int_equal(stats.malformed, 3);
	assert_int_equal(heard.lost, 0);
	close_bus(bus);
	kill_server();
}

static void may_be_closed_by_its_handlers(void **state)
{
	struct sl_bus_config config = listening();

	heard.close = open_bus(&config); /* at the first failure: no lab_server yet */
	assert_true(reaches(&heard.lost, 1, 5));
	start_plain();
	heard.close = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	run_for(0.1);
	assert_int_equal(heard.connected, 1);
	assert_int_equal(heard.lost, 0);
	kill_server();
}

/* In the middle of a reply with two entries. */
static void may_be_closed_while_it_reads(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	for (int i = 0; i < 2; i++)
		ask("XADD %s * pb %b", EVENT_KEY, "\x08\x01", (size_t)2);
	bus = open_bus(&config);
	heard.close_at_event = bus;
	assert_true(reaches(&heard.events, 1, 5));
	run_for(0.2);
	assert_int_equal(heard.events, 1);
	assert_int_equal(heard.lost, 0);
	kill_server();
}

static void closing_tells_who_waits(void **state)
{
	struct sl_bus_config config = listening();
	struct sl_bus *bus;

	start_plain();
	bus = open_bus(&config);
	assert_true(reaches(&heard.connected, 1, 5));
	say_event(bus, 1);
	sl_bus_fetch_policy(bus, on_policy, NULL);
	close_bus(bus);
	assert_int_equal(heard.done, 1);
	assert_int_equal(heard.done_err, -ENOTCONN);
	assert_int_equal(heard.policies, 1);
	assert_int_equal(heard.lost, 0);
	kill_server();
}

static const struct case_row cases[] = {
	{"no Redis yet: tells it once, tries on", waits_for_redis},
	{"Redis killed, restarted empty: reads from its start", comes_back_to_an_empty_redis},
	{"Redis killed, restarted with its data: reads on", goes_on_where_it_was},
	{"ten kills of Redis", ten_kills},
	{"a stopped Redis is noticed", notices_a_stopped_redis},
	{"a process that stalls itself keeps its connection", does_not_blame_redis_for_itself},
	{"a full Redis is told, the connection stays", tells_a_full_redis},
	{"a key of another kind is told", tells_a_key_of_another_kind},
	{"a key of another kind is told to who sends", tells_a_sender_of_another_kind},
	{"a password is told", tells_a_password},
	{"malformed entries are told and passed over", passes_over_the_malformed},
	{"closed by its lab_handlers", may_be_closed_by_its_handlers},
	{"closed while it reads", may_be_closed_while_it_reads},
	{"closing tells who waits", closing_tells_who_waits},
};

int main(void)
{
	static struct sl_row_tests tests;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sl_row_add(&tests, cases[i].name, cases[i].run, NULL);
	return lab_run("proto bus faults", &tests);
}
