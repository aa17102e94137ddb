/*
 * lab_dataplane.c - the child that stands for a dataplane on the bus
 */
#include "lab.h"

#include "proto/bus.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define SPOOL_MAX 512
#define BOOT      UINT64_C(77)
#define IDS_MAX   64

const char lab_policy[] = "site: store-0421\n"
			  "mode: enforce\n"
			  "ports:\n"
			  "  lan0: {device: lan0, role: lan}\n"
			  "uplinks:\n"
			  "  fibre: {device: up0, gateway: 192.0.2.1, capacity: 20mbit}\n"
			  "  lte: {device: up1, gateway: 198.51.100.1, capacity: 40mbit}\n"
			  "services:\n"
			  "  pos:\n"
			  "    match: [{dst: 203.0.113.0/24}]\n"
			  "    slo: {latency_p95: 80ms, loss: 0.5%, window: 1s}\n"
			  "    uplinks: [fibre, lte]\n"
			  "    priority: critical\n"
			  "guardrails: {actions_per_minute: 6, hold_down: 5s}\n";

struct dataplane {
	struct lab_dataplane how;
	struct event_base *base;
	struct sl_bus *bus;
	struct sl_event spool[SPOOL_MAX];
	uint64_t seq, marked, marked_ms, picture;
	unsigned int reported, ticks, limit;
	bool away;
	char cause[SL_ID_MAX];
	char id[IDS_MAX][SL_ID_MAX];
	unsigned int ids;
	struct sl_telemetry telemetry;
	uint64_t version; /* of the policy in force */
	char policy[SL_POLICY_BYTES_MAX], previous[SL_POLICY_BYTES_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say(struct dataplane *dataplane, struct sl_event *event)
{
	if (dataplane->seq == SPOOL_MAX)
		return;
	snprintf(event->site, SL_NAME_MAX, "store-0421");
	snprintf(event->source, SL_NAME_MAX, "dataplane");
	event->boot = BOOT;
	event->seq = ++dataplane->seq;
	event->at_unix_ns = (uint64_t)time(NULL) * 1000000000;
	dataplane->spool[event->seq - 1] = *event;
	if (!dataplane->how.lossy || event->seq % 3)
		sl_bus_send_event(dataplane->bus, event, NULL, NULL);
}

static void resend(struct dataplane *dataplane)
{
	if (dataplane->marked == dataplane->seq || now_ms() - dataplane->marked_ms < 500)
		return;
	dataplane->marked_ms = now_ms();
	for (uint64_t seq = dataplane->marked; seq < dataplane->seq; seq++)
		sl_bus_send_event(dataplane->bus, &dataplane->spool[seq], NULL, NULL);
}

static void on_watermark(void *arg, uint64_t boot, uint64_t seq)
{
	struct dataplane *dataplane = arg;

	if (boot == BOOT && seq > dataplane->marked) {
		dataplane->marked = seq;
		dataplane->marked_ms = now_ms();
	}
}

static bool seen(struct dataplane *dataplane, const char *id)
{
	for (unsigned int i = 0; i < dataplane->ids; i++)
		if (!strcmp(dataplane->id[i], id))
			return true;
	snprintf(dataplane->id[dataplane->ids++ % IDS_MAX], SL_ID_MAX, "%s", id);
	return false;
}

static void publish_policy(struct dataplane *dataplane)
{
	sl_bus_publish_policy(dataplane->bus, dataplane->policy, dataplane->previous,
			      dataplane->policy, dataplane->version);
	sl_bus_keep_policy(dataplane->bus, dataplane->policy, dataplane->version);
}

/* What the command brings; a way back without it is to the one before. */
static enum sl_ack_status take_policy(struct dataplane *dataplane, const struct sl_command *command,
				      char *why)
{
	static char text[SL_POLICY_BYTES_MAX];
	bool back = command->kind == SL_COMMAND_ROLLBACK && !command->policy[0];

	memcpy(text, back ? dataplane->previous : command->policy, sizeof(text));
	if (!text[0] ||
	    (command->policy_version && command->policy_version != dataplane->version)) {
		snprintf(why, SL_TEXT_MAX, text[0] ? "another version stands" : "no previous");
		return SL_ACK_REFUSED;
	}
	memcpy(dataplane->previous, dataplane->policy, sizeof(text));
	memcpy(dataplane->policy, text, sizeof(text));
	dataplane->version++;
	snprintf(why, SL_TEXT_MAX, "%s, version %llu", back ? "the previous" : "as brought",
		 (unsigned long long)dataplane->version);
	publish_policy(dataplane);
	return SL_ACK_APPLIED;
}

static enum sl_ack_status obey(struct dataplane *dataplane, const struct sl_command *command,
			       char *why)
{
	if (seen(dataplane, command->id))
		return SL_ACK_DUPLICATE;
	if (dataplane->how.frozen && command->kind != SL_COMMAND_RESUME)
		return SL_ACK_HELD;
	if (command->kind == SL_COMMAND_POLICY || command->kind == SL_COMMAND_ROLLBACK)
		return take_policy(dataplane, command, why);
	if (command->kind == SL_COMMAND_REROUTE)
		dataplane->away = !strcmp(command->uplink, "lte");
	else if (command->kind == SL_COMMAND_RESTORE)
		dataplane->away = false;
	else if (command->kind == SL_COMMAND_THROTTLE)
		dataplane->limit = (unsigned int)command->limit_bps;
	else if (command->kind == SL_COMMAND_RESUME)
		dataplane->how.frozen = false;
	if (command->service[0])
		snprintf(dataplane->cause, SL_ID_MAX, "%s", command->id);
	return SL_ACK_APPLIED;
}

static void on_command(void *arg, const struct sl_command *command, const char *id)
{
	struct dataplane *dataplane = arg;
	struct sl_event ack = {.kind = SL_EVENT_ACK};

	ack.ack = obey(dataplane, command, ack.text);
	memcpy(ack.command_id, command->id, sizeof(ack.command_id));
	if (ack.ack == SL_ACK_HELD)
		snprintf(ack.text, sizeof(ack.text), "frozen");
	say(dataplane, &ack);
}

/* A frozen one has just started: it has nothing to say yet. */
static void say_unclaimed(struct dataplane *dataplane)
{
	static struct sl_unclaimed_report report = {
		.site = "store-0421",
		.entries = 2,
		.entry = {{.name = "a.news.example",
			   .name_source = "tls",
			   .address = "198.51.100.7",
			   .port = 443,
			   .proto = "tcp",
			   .flows = 12},
			  {.address = "203.0.113.9", .port = 443, .proto = "tcp", .flows = 3}},
	};
	struct timespec now;

	if (dataplane->how.frozen)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	report.at_unix_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	sl_bus_send_unclaimed(dataplane->bus, &report);
}

static void on_connected(void *arg)
{
	struct dataplane *dataplane = arg;

	publish_policy(dataplane);
	say_unclaimed(dataplane);
	for (uint64_t seq = dataplane->marked; seq < dataplane->seq; seq++)
		sl_bus_send_event(dataplane->bus, &dataplane->spool[seq], NULL, NULL);
}

/* What only some services have. */
static void measures(struct sl_path_report *path)
{
	path->dns = (struct sl_latency_report){"dns", 30, 0, 12300, 40100, 52000};
	path->queries = 33;
	path->queries_unanswered = 2;
	path->queries_failed = 1;
	path->think = (struct sl_latency_report){"think", 44, 0, 3100, 20000, 21000};
	path->transaction = (struct sl_latency_report){"transaction", 40, 0, 41000, 92000, 99000};
	path->media[1] = (struct sl_media_report){970, 1000, 1200};
	path->hellos = 9;
	path->hellos_unanswered = 4;
	path->loss[1].duplicates = 6;
	path->bogus = path->bogus_acks = 5;
}

static void path(struct sl_path_report *path, const char *uplink, bool used, bool bad)
{
	snprintf(path->service, SL_NAME_MAX, "pos");
	snprintf(path->uplink, SL_NAME_MAX, "%s", uplink);
	path->window_ms = 1000;
	path->coverage_ppm = 1000000;
	path->state = !used ? SL_HEALTH_IDLE : bad ? SL_HEALTH_DEGRADED : SL_HEALTH_GOOD;
	snprintf(path->reason, SL_TEXT_MAX, "%s", bad ? "p95 170 ms above 80 ms" : "");
	if (!used)
		return;
	path->rtt[1] = (struct sl_latency_report){"ts",
						  50,
						  bad ? 50 : 0,
						  bad ? 170000 : 20000,
						  bad ? 170000 : 20000,
						  bad ? 170000 : 20000};
	path->loss[0].segments = 100;
	path->bytes[0] = path->bytes[1] = 100000;
	measures(path);
}

static void picture(struct dataplane *dataplane)
{
	struct sl_telemetry *t = &dataplane->telemetry;

	memset(t, 0, sizeof(*t));
	snprintf(t->site, SL_NAME_MAX, "store-0421");
	t->boot = BOOT;
	t->version = ++dataplane->picture;
	t->mode = SL_MODE_ENFORCE;
	t->policy_version = dataplane->version;
	t->event_seq = dataplane->seq;
	t->frozen = dataplane->how.frozen;
	t->paths = t->uplinks = 2;
	path(&t->path[0], "fibre", !dataplane->away, dataplane->how.brownout);
	path(&t->path[1], "lte", dataplane->away, false);
	snprintf(t->uplink[0].name, SL_NAME_MAX, "fibre");
	snprintf(t->uplink[1].name, SL_NAME_MAX, "lte");
	t->uplink[0].state = t->uplink[1].state = SL_HEALTH_GOOD;
	t->services = 1;
	snprintf(t->service[0].name, SL_NAME_MAX, "pos");
	snprintf(t->service[0].uplink, SL_NAME_MAX, "%s", dataplane->away ? "lte" : "fibre");
	snprintf(t->service[0].cause, SL_ID_MAX, "%s", dataplane->cause);
	t->service[0].rerouted = dataplane->away;
	t->service[0].limit_bps[0] = t->service[0].limit_bps[1] = dataplane->limit;
	sl_bus_send_telemetry(dataplane->bus, t);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct dataplane *dataplane = arg;
	struct sl_event change = {.kind = SL_EVENT_STATE_CHANGE,
				  .service = "pos",
				  .uplink = "fibre",
				  .before = SL_HEALTH_GOOD,
				  .after = SL_HEALTH_DEGRADED};

	if (dataplane->ticks++ % 2 == 0)
		picture(dataplane);
	if (dataplane->reported < dataplane->how.events) {
		dataplane->reported++;
		say(dataplane, &change);
	}
	resend(dataplane);
}

static int live(const char *redis, const struct lab_dataplane *how)
{
	static const struct sl_bus_handlers handlers = {.connected = on_connected,
							.command = on_command,
							.watermark = on_watermark};
	static struct dataplane dataplane; /* the child's own */
	struct timeval tick = {.tv_usec = 50000};
	struct sl_bus_config config = {.redis = redis,
				       .site = "store-0421",
				       .handlers = &handlers,
				       .arg = &dataplane,
				       .commands = true,
				       .commands_from = "0",
				       .watermark_source = "dataplane"};
	struct event *timer;

	dataplane.how = *how;
	dataplane.version = 1;
	snprintf(dataplane.policy, sizeof(dataplane.policy), "%s", lab_policy);
	dataplane.base = config.base = event_base_new();
	if (sl_bus_open(&dataplane.bus, &config, NULL))
		return 1;
	timer = event_new(dataplane.base, -1, EV_PERSIST, on_tick, &dataplane);
	event_add(timer, &tick);
	return event_base_dispatch(dataplane.base);
}

void lab_start_dataplane(struct lab *lab, const struct lab_dataplane *how)
{
	fflush(NULL);
	lab->dataplane = fork();
	if (lab->dataplane)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(live(lab->redis, how));
}
