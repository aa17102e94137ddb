/*
 * agent_world.h - a shop for agent_test.c: a memory engine, a redis-server, and control's ears
 *
 * The test plays the network (counters in the engine's stats) and control (a second
 * bus on the same Redis).
 */
#ifndef SL_AGENT_WORLD_H
#define SL_AGENT_WORLD_H
#include "memory_engine.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dataplane/agent.h"
#include "dataplane/knobs.h"
#include "dataplane/start.h"
#include "proto/bus.h"
#include "tests/unit/row.h"

#define EVENTS_MAX 256

struct world {
	char *dir;
	char state[300], address[320], socket[310];
	pid_t redis;
	struct event_base *base;
	struct memory_engine *engine;
	struct sl_start start;
	struct sl_agent *agent;
	struct sl_bus *control;
	struct event *traffic;
	bool lossy;  /* the NIC loses a packet for each that is seen */
	bool dark;   /* the fibre carries nothing */
	bool quiet;  /* nobody asks for anything */
	bool lying;  /* guests' packets, by the fibre, reach nobody, and nobody else asks */
	bool forged; /* half of what comes from the WAN side is not to be believed */
	unsigned int ticks;
	struct sl_event event[EVENTS_MAX]; /* each seq once */
	uint32_t events;
	uint64_t version;
	struct sl_telemetry picture;
	char policy[SL_POLICY_BYTES_MAX];
	uint64_t policy_version;
};

static struct world w;

static void start_redis(void)
{
	w.redis = fork();
	if (w.redis == 0) {
		int null = open("/dev/null", 1);

		dup2(null, 1);
		dup2(null, 2);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", w.socket,
		       "--save", "", "--appendonly", "no", "--dir", w.dir, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 300 && access(w.socket, F_OK); i++)
		usleep(10000);
	assert_int_equal(access(w.socket, F_OK), 0);
}

static void stop_redis(void)
{
	if (!w.redis)
		return;
	kill(w.redis, SIGKILL);
	waitpid(w.redis, NULL, 0);
	w.redis = 0;
	unlink(w.socket);
}

static void run_ms(int ms)
{
	const struct timeval time = {ms / 1000, ms % 1000 * 1000};

	event_base_loopexit(w.base, &time);
	event_base_dispatch(w.base);
}

/* Run until @done or the time is over; how long it took, ms. */
static int run_until(bool (*done)(void), int limit_ms)
{
	int ms = 0;

	for (; ms < limit_ms && !done(); ms += 10)
		run_ms(10);
	assert_true(done());
	return ms;
}

/* Three tills on the fibre, or on lte once they are steered there. */
static void on_traffic(evutil_socket_t fd, short what, void *arg)
{
	struct sl_path_stats *path = w.engine->stats.path;
	uint8_t pos = sl_knobs_steer(&w.engine->tables, POS).uplink;

	w.ticks = w.dark || w.lying ? w.ticks + 1 : 0;
	for (unsigned int s = POS; s <= GUEST && !w.quiet; s++) {
		unsigned int uplink = s == POS ? pos : FIBRE;
		struct sl_path_stats *p = &path[SL_PATH(s, uplink)];
		bool dead = (w.dark || w.lying) && uplink == FIBRE;

		if (w.lying && s != GUEST)
			continue;
		w.engine->stats.reason[SL_REASON_MEASURED]++;
		w.engine->stats.missed += w.lossy;
		p->side[SL_SIDE_LAN].packets++;
		p->side[SL_SIDE_LAN].demand++;
		p->side[SL_SIDE_LAN].segments++;
		/* 20 ticks of 10 ms after the dark began the first RTOs are over. */
		if (dead && w.ticks > 20)
			p->side[SL_SIDE_LAN].stalls += w.ticks % 5 == 0;
		if (dead)
			continue;
		p->side[SL_SIDE_WAN].packets++;
		p->side[SL_SIDE_LAN].progress++;
		p->side[SL_SIDE_WAN].bogus_acks += w.forged;
		p->bogus_icmp += w.forged;
		p->rtt[SL_LEG_WAN][SL_METHOD_SEQ].count[(12 - 4) * 16 + 5 + 16 * 6]++;
	}
}

static void on_event(void *arg, const struct sl_event *event, const char *id)
{
	for (uint32_t i = 0; i < w.events; i++)
		if (w.event[i].seq == event->seq && w.event[i].boot == event->boot)
			return;
	if (w.events < EVENTS_MAX)
		w.event[w.events++] = *event;
}

static void on_telemetry(void *arg, const struct sl_telemetry *picture)
{
	w.picture = *picture;
}

static const struct sl_bus_handlers control_handlers = {
	.event = on_event,
	.telemetry = on_telemetry,
};

static void open_control(void)
{
	char why[SL_TEXT_MAX];
	const struct sl_bus_config config = {
		.redis = w.address,
		.site = "store-0421",
		.base = w.base,
		.handlers = &control_handlers,
		.events = true,
		.telemetry = true,
		.events_from = "0",
	};

	assert_int_equal(sl_bus_open(&w.control, &config, why), 0);
}

static void open_agent(void)
{
	char why[SL_TEXT_MAX], file[320];

	snprintf(file, sizeof(file), "%s/site.yaml", w.dir);
	FILE *f = fopen(file, "w");

	fputs(STORE_YAML, f);
	fclose(f);
	assert_int_equal(sl_start_policy(&w.start, file, w.state, why, sizeof(why)), 0);
	const struct sl_agent_config config = {
		.base = w.base,
		.engine = &w.engine->engine,
		.policy = &w.start.policy,
		.yaml = w.start.yaml,
		.previous = w.start.previous,
		.ledger = &w.start.ledger,
		.state_dir = w.state,
		.redis = w.address,
		.flows = 4096,
	};

	assert_int_equal(sl_agent_open(&w.agent, &config, why), 0);
}

static void close_agent(void)
{
	sl_agent_close(w.agent);
	w.agent = NULL;
}

static int open_world(void **state)
{
	const struct timeval every = {0, 10000};
	static struct sl_policy policy;

	memset(&w, 0, sizeof(w));
	read_policy(&policy, STORE_YAML);
	w.dir = make_dir();
	chmod(w.dir, 0700);
	snprintf(w.state, sizeof(w.state), "%s/state", w.dir);
	snprintf(w.socket, sizeof(w.socket), "%s/redis", w.dir);
	snprintf(w.address, sizeof(w.address), "unix:%s", w.socket);
	w.base = event_base_new();
	w.engine = memory_open(&policy);
	w.traffic = event_new(w.base, -1, EV_PERSIST, on_traffic, NULL);
	event_add(w.traffic, &every);
	return 0;
}

static int close_world(void **state)
{
	close_agent();
	sl_bus_close(w.control);
	event_free(w.traffic);
	event_base_free(w.base);
	memory_close(&w.engine->engine, true);
	stop_redis();
	remove_dir(w.dir);
	return 0;
}

static const struct sl_event *find(enum sl_event_kind kind, const char *service, const char *text)
{
	for (uint32_t i = 0; i < w.events; i++)
		if (w.event[i].kind == kind && strcmp(w.event[i].service, service) == 0 &&
		    strstr(w.event[i].text, text))
			return &w.event[i];
	return NULL;
}

static uint64_t counter(const char *name)
{
	for (uint32_t i = 0; i < w.picture.counters; i++)
		if (strcmp(w.picture.counter[i].name, name) == 0)
			return w.picture.counter[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static const struct sl_path_report *path(const char *service, const char *uplink)
{
	for (uint32_t i = 0; i < w.picture.paths; i++)
		if (strcmp(w.picture.path[i].service, service) == 0 &&
		    strcmp(w.picture.path[i].uplink, uplink) == 0)
			return &w.picture.path[i];
	fail_msg("no path %s on %s", service, uplink);
	return NULL;
}

static bool pos_on_lte(void)
{
	return sl_knobs_steer(&w.engine->tables, POS).uplink == LTE;
}

static bool has_action(void)
{
	return find(SL_EVENT_ACTION, "pos", "fibre is down") != NULL;
}

static bool has_ack(void)
{
	return find(SL_EVENT_ACK, "pos", "") != NULL;
}

static bool has_duplicate(void)
{
	for (uint32_t i = 0; i < w.events; i++)
		if (w.event[i].kind == SL_EVENT_ACK && w.event[i].ack == SL_ACK_DUPLICATE)
			return true;
	return false;
}

static bool has_picture(void)
{
	return w.picture.version > 12;
}

static bool has_started(void)
{
	return find(SL_EVENT_STARTED, "", "engine memory") != NULL;
}

static bool nothing_pending(void)
{
	return w.picture.counters && counter("spool.pending") == 0;
}

static void on_policy(void *arg, const char *current, const char *previous, uint64_t version)
{
	snprintf(w.policy, sizeof(w.policy), "%s", current ? current : "");
	w.policy_version = version;
}

static bool has_policy(void)
{
	return w.policy_version != 0;
}

#endif
