/*
 * scene_main.c - the scene on a real bus: control_scene unix:SOCKET SECONDS
 *
 * For the tests of what people see, and for looking at it oneself.  Says everything once,
 * then ten pictures a second.
 */
#include "scene.h"

#include "proto/bus.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>

struct stage {
	struct event_base *base;
	struct sl_bus *bus;
	uint64_t tick, last;
	bool told;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_connected(void *arg)
{
	static struct sl_event event;
	static struct sl_incident incident;
	static struct sl_memory_report memory;
	struct stage *stage = arg;
	uint64_t now = now_ns();

	sl_bus_publish_policy(stage->bus, scene_policy, NULL, scene_policy, 3);
	if (stage->told)
		return;
	stage->told = true;
	for (unsigned int i = 0; scene_event(&event, i, now); i++)
		sl_bus_send_event(stage->bus, &event, NULL, NULL);
	for (unsigned int i = 0; scene_incident(&incident, i, now); i++)
		sl_bus_send_incident(stage->bus, &incident, NULL, NULL);
	scene_memory(&memory);
	sl_bus_send_memory(stage->bus, &memory);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	static struct sl_telemetry picture;
	struct stage *stage = arg;

	if (stage->tick == stage->last)
		event_base_loopbreak(stage->base);
	scene_picture(&picture, stage->tick++, now_ns());
	sl_bus_send_telemetry(stage->bus, &picture);
}

int main(int argc, char **argv)
{
	static const struct sl_bus_handlers handlers = {.connected = on_connected};
	struct timeval tick = {.tv_usec = 100000};
	struct stage stage = {.base = event_base_new()};
	struct sl_bus_config config = {.site = SCENE_SITE,
				       .base = stage.base,
				       .handlers = &handlers,
				       .arg = &stage};
	struct event *timer = event_new(stage.base, -1, EV_PERSIST, on_tick, &stage);
	char why[SL_TEXT_MAX] = "";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 3) {
		fprintf(stderr, "usage: control_scene unix:SOCKET SECONDS\n");
		return 2;
	}
	config.redis = argv[1];
	stage.last = strtoul(argv[2], NULL, 10) * 10;
	if (sl_bus_open(&stage.bus, &config, why)) {
		fprintf(stderr, "control_scene: %s\n", why);
		return 1;
	}
	event_add(timer, &tick);
	event_base_dispatch(stage.base);
	event_free(timer);
	sl_bus_close(stage.bus);
	event_base_free(stage.base);
	return 0;
}
