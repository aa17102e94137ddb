/*
 * bus_lab.h - what the tests of the bus share: a real redis-server and a listening bus
 *
 * The server runs on a unix socket in a folder of its own and dies with the test.
 * One test at a time: what the handlers heard is one struct, zeroed by open_bus.
 */
#ifndef SL_BUS_LAB_H
#define SL_BUS_LAB_H

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/bus.h"
#include "tests/unit/row.h"

#define EVENT_KEY "sl:{s}:event"

struct case_row {
	const char *name;
	CMUnitTestFunction run;
};

extern char lab_folder[], lab_socket[64], lab_address[80];
extern struct event_base *lab_base;
extern pid_t lab_server;
extern const struct sl_bus_handlers lab_handlers;

extern struct heard {
	int connected, lost, events, commands, telemetries, watermarks, malformed, done, policies;
	int done_err;
	char why[SL_TEXT_MAX], malformed_why[SL_TEXT_MAX], id[64], done_text[SL_TEXT_MAX];
	char current[256], previous[256];
	uint64_t seq, next_seq, boot, acked, policy_version;
	bool in_order;
	struct sl_command command;
	struct sl_telemetry telemetry;
	struct sl_bus *close;          /* to be closed when it is connected or lost */
	struct sl_bus *close_at_event; /* to be closed by the first event */
} heard;

/* A bus that listens to everything of site `s`. */
struct sl_bus_config listening(void);
struct sl_bus *open_bus(const struct sl_bus_config *config);
void close_bus(struct sl_bus *bus);
void say_event(struct sl_bus *bus, uint64_t seq);
void on_done(void *arg, int err, const char *id);
void on_policy(void *arg, const char *current, const char *previous, uint64_t version);

/* Run the loop until *@count is at least @least; false after @seconds. */
bool reaches(const int *count, int least, double seconds);
void run_for(double seconds);
double now_s(void);

/* Start with one more option, and wait until it answers. */
void start_server(const char *key, const char *value);
void start_plain(void);
void kill_server(void);

redisContext *raw(void);
/* One command (in hiredis's format) on a connection of its own; what it said, as a number. */
long ask(const char *format, ...);

/* Run the tests in a folder of their own. */
int lab_run(const char *group, struct sl_row_tests *tests);

#endif
