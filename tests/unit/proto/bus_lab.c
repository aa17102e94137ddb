/*
 * bus_lab.c - a redis-server of our own, a loop, and handlers that note what they hear
 */
#include <event2/event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "bus_lab.h"

char lab_folder[] = "/tmp/sl-bus-XXXXXX";
char lab_socket[64], lab_address[80];
struct event_base *lab_base;
pid_t lab_server;

/* What a bus's lab_handlers saw. */
struct heard heard;

static struct sl_bus *opened; /* what a test that failed has left open */

void close_bus(struct sl_bus *bus)
{
	if (bus == opened)
		opened = NULL;
	sl_bus_close(bus);
}

static void close_once(struct sl_bus **asked)
{
	struct sl_bus *bus = *asked;

	*asked = NULL;
	close_bus(bus);
}

static void on_connected(void *arg)
{
	heard.connected++;
	close_once(&heard.close);
}

static void on_lost(void *arg, const char *why)
{
	heard.lost++;
	snprintf(heard.why, sizeof(heard.why), "%s", why);
	close_once(&heard.close);
}

static void on_event(void *arg, const struct sl_event *event, const char *id)
{
	heard.events++;
	heard.in_order &= event->seq == heard.next_seq++;
	heard.seq = event->seq;
	snprintf(heard.id, sizeof(heard.id), "%s", id);
	close_once(&heard.close_at_event);
}

static void on_command(void *arg, const struct sl_command *command, const char *id)
{
	heard.commands++;
	heard.command = *command;
}

static void on_telemetry(void *arg, const struct sl_telemetry *telemetry)
{
	heard.telemetries++;
	heard.telemetry = *telemetry;
}

static void on_watermark(void *arg, uint64_t boot, uint64_t seq)
{
	heard.watermarks++;
	heard.boot = boot;
	heard.acked = seq;
}

static void on_malformed(void *arg, const char *key, const char *id, const char *why)
{
	heard.malformed++;
	snprintf(heard.malformed_why, sizeof(heard.malformed_why), "%s", why);
}

void on_done(void *arg, int err, const char *id)
{
	heard.done++;
	heard.done_err = err;
	snprintf(heard.done_text, sizeof(heard.done_text), "%s", id);
}

void on_policy(void *arg, const char *current, const char *previous, uint64_t version)
{
	heard.policies++;
	snprintf(heard.current, sizeof(heard.current), "%s", current ? current : "(none)");
	snprintf(heard.previous, sizeof(heard.previous), "%s", previous ? previous : "(none)");
	heard.policy_version = version;
}

const struct sl_bus_handlers lab_handlers = {
	on_connected, on_lost, on_event, on_command, on_telemetry, on_watermark, on_malformed,
};

struct sl_bus_config listening(void)
{
	return (struct sl_bus_config){
		.redis = lab_address,
		.site = "s",
		.base = lab_base,
		.handlers = &lab_handlers,
		.events = true,
		.commands = true,
		.telemetry = true,
		.events_from = "0",
		.commands_from = "$",
		.watermark_source = "dataplane",
	};
}

struct sl_bus *open_bus(const struct sl_bus_config *config)
{
	char why[SL_TEXT_MAX] = "";
	struct sl_bus *bus;

	close_bus(opened);
	memset(&heard, 0, sizeof(heard));
	heard.next_seq = 1;
	heard.in_order = true;
	if (sl_bus_open(&bus, config, why))
		fail_msg("%s", why);
	opened = bus;
	return bus;
}

double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
}

bool reaches(const int *count, int least, double seconds)
{
	double end = now_s() + seconds;
	struct event *wake = event_new(lab_base, -1, EV_PERSIST, on_wake, NULL);

	event_add(wake, &(struct timeval){.tv_usec = 5000});
	while (*count < least && now_s() < end)
		event_base_loop(lab_base, EVLOOP_ONCE);
	event_free(wake);
	return *count >= least;
}

void run_for(double seconds)
{
	int never = 0;

	reaches(&never, 1, seconds);
}

redisContext *raw(void)
{
	redisContext *context = redisConnectUnix(lab_socket);

	assert_non_null(context);
	redisSetTimeout(context, (struct timeval){.tv_sec = 5});
	return context;
}

long ask(const char *format, ...)
{
	redisContext *context = raw();
	redisReply *reply;
	va_list list;
	long answer = -1;

	va_start(list, format);
	reply = redisvCommand(context, format, list);
	va_end(list);
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		answer = (long)reply->integer;
	else if (reply && reply->type != REDIS_REPLY_ERROR)
		answer =
			reply->type == REDIS_REPLY_ARRAY ? (long)reply->elements : (long)reply->len;
	freeReplyObject(reply);
	redisFree(context);
	return answer;
}

static bool answers(void)
{
	redisContext *context = redisConnectUnix(lab_socket);
	redisReply *reply = context && !context->err ? redisCommand(context, "PING") : NULL;
	bool alive = reply != NULL;

	freeReplyObject(reply);
	redisFree(context);
	return alive;
}

void kill_server(void)
{
	kill(lab_server, SIGKILL);
	waitpid(lab_server, NULL, 0);
	unlink(lab_socket);
	lab_server = 0;
}

void start_server(const char *key, const char *value)
{
	if (lab_server)
		kill_server(); /* left by a test that failed */
	lab_server = fork();
	assert_true(lab_server >= 0);
	if (!lab_server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		freopen("/dev/null", "w", stdout);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", lab_socket,
		       "--save", "", "--dir", lab_folder, key, value, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && !answers(); i++)
		usleep(10000);
	assert_true(answers());
}

void start_plain(void)
{
	start_server("--appendonly", "no");
}

void say_event(struct sl_bus *bus, uint64_t seq)
{
	struct sl_event event = {.site = "s", .source = "dataplane", .boot = 9, .seq = seq};

	assert_int_equal(sl_bus_send_event(bus, &event, on_done, NULL), 0);
}

int lab_run(const char *group, struct sl_row_tests *tests)
{
	int failed;

	if (!mkdtemp(lab_folder))
		return 1;
	snprintf(lab_socket, sizeof(lab_socket), "%s/redis.sock", lab_folder);
	snprintf(lab_address, sizeof(lab_address), "unix:%s", lab_socket);
	lab_base = event_base_new();
	failed = sl_row_run(group, tests);
	event_base_free(lab_base);
	if (lab_server)
		kill_server();
	rmdir(lab_folder);
	return failed;
}
