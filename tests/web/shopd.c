/*
 * shopd.c - publishes the shop on a real bus; what happens in it is said on stdin
 *
 * Lines: good, brownout, moved, down (ten pictures a second from then on), quiet (none);
 * change, decide, open, close (one event or incident).  Each is answered by "ok" on stdout
 * once Redis has it.  Ends with stdin.
 */
#include "shop.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCIDENT 7

static struct {
	struct event_base *base;
	struct sl_bus *bus;
	enum shop_mood mood;
	bool quiet;
	uint64_t tick, seq;
	struct sl_telemetry picture;
	struct sl_event event;
	struct sl_incident incident;
} shop;

static void said(void *arg, int err, const char *id)
{
	printf("%s\n", err ? id : "ok");
	fflush(stdout);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	if (shop.quiet)
		return;
	shop_picture(&shop.picture, shop.mood, ++shop.tick);
	sl_bus_send_telemetry(shop.bus, &shop.picture);
}

static void send_event(void)
{
	shop.event.boot = strcmp(shop.event.source, "control") ? 77 : 78;
	shop.event.seq = ++shop.seq;
	sl_bus_send_event(shop.bus, &shop.event, said, NULL);
}

static void obey(const char *word)
{
	static const char *const moods[] = {"good", "brownout", "moved", "down"};

	if (!strcmp(word, "quiet"))
		shop.quiet = true;
	for (unsigned int i = 0; i < sizeof(moods) / sizeof(moods[0]); i++) {
		if (strcmp(word, moods[i]))
			continue;
		shop.mood = i;
		shop.quiet = false;
	}
	if (!strcmp(word, "change")) {
		shop_change(&shop.event, shop.mood);
		send_event();
	} else if (!strcmp(word, "decide")) {
		shop_decision(&shop.event, INCIDENT);
		send_event();
	} else if (!strcmp(word, "open") || !strcmp(word, "close")) {
		shop_incident(&shop.incident, INCIDENT, !strcmp(word, "close"));
		sl_bus_send_incident(shop.bus, &shop.incident, said, NULL);
	} else {
		said(NULL, 0, "");
	}
}

static void on_line(evutil_socket_t fd, short what, void *arg)
{
	char text[512];
	ssize_t got = read(fd, text, sizeof(text) - 1);
	char *rest, *word;

	if (got <= 0) {
		event_base_loopbreak(shop.base);
		return;
	}
	text[got] = '\0';
	for (word = strtok_r(text, "\n", &rest); word; word = strtok_r(NULL, "\n", &rest))
		obey(word);
}

static void on_connected(void *arg)
{
	sl_bus_publish_policy(shop.bus, shop_policy, NULL, shop_policy, 3);
	said(NULL, 0, "");
}

int main(int argc, char **argv)
{
	static const struct sl_bus_handlers handlers = {.connected = on_connected};
	const struct timeval tick = {.tv_usec = 100000};
	struct sl_bus_config config = {.site = SHOP_SITE, .handlers = &handlers};
	char why[SL_TEXT_MAX] = "";
	struct event *timer, *line;

	if (argc != 2)
		return 2;
	config.redis = argv[1];
	config.base = shop.base = event_base_new();
	if (!shop.base || sl_bus_open(&shop.bus, &config, why)) {
		fprintf(stderr, "shopd: %s\n", why);
		return 1;
	}
	timer = event_new(shop.base, -1, EV_PERSIST, on_tick, NULL);
	line = event_new(shop.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_line, NULL);
	event_add(timer, &tick);
	event_add(line, NULL);
	event_base_dispatch(shop.base);
	event_free(line);
	event_free(timer);
	sl_bus_close(shop.bus);
	event_base_free(shop.base);
	return 0;
}
