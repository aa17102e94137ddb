/*
 * bus.c - the life of the bus: open, greet, keep up, retry, close
 *
 * A tick each 50 ms looks for overdue answers (a stopped Redis accepts bytes but
 * does not answer) and for the time of the next try; nothing else is timed.
 * Retries wait a random time up to a limit that doubles from 100 ms to 5 s, so
 * that a fleet does not come back in step.
 *
 * libevent writes without MSG_NOSIGNAL, so opening a bus has SIGPIPE ignored
 * where the program has not said what it wants.
 */
#include <ctype.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bus_inner.h"

#define MS               UINT64_C(1000000)
#define RETRY_FIRST      (100 * MS)
#define RETRY_LAST       (5000 * MS)
#define LASTING          (2000 * MS) /* a connection this old ends a series of tries */
#define WATERMARK_PERIOD (100 * MS)
#define PING_PERIOD      (1000 * MS)
#define REDIS_LEAST      5 /* the first with streams */

static const struct timeval tick_period = {.tv_usec = 50000};

const char *sl_bus_key_of(const char *site, const char *what, char *key)
{
	snprintf(key, SL_BUS_KEY_MAX, "sl:{%s}:%s", site, what);
	return key;
}

const char *sl_bus_key(const struct sl_bus *bus, const char *what, char *key)
{
	return sl_bus_key_of(bus->site, what, key);
}

static void bus_free(struct sl_bus *bus)
{
	if (bus->tick)
		event_free(bus->tick);
	free(bus->bytes);
	free(bus);
}

static void enter(void *arg)
{
	struct sl_bus *bus = arg;

	bus->busy++;
}

static void leave(void *arg)
{
	struct sl_bus *bus = arg;

	if (!--bus->busy && bus->closing)
		bus_free(bus);
}

static uint64_t random_below(uint64_t limit)
{
	uint64_t value = 0;

	/* Without randomness the delay is the shortest: still a retry. */
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
		return 0;
	return value % limit;
}

static void plan_retry(struct sl_bus *bus, uint64_t now_ns)
{
	uint64_t limit = RETRY_FIRST << (bus->attempts < 6 ? bus->attempts : 6);

	if (bus->state == SL_BUS_UP && now_ns - bus->up_since_ns > LASTING) {
		bus->attempts = 0;
		limit = RETRY_FIRST;
	}
	bus->attempts++;
	bus->retry_at_ns = now_ns + random_below(limit < RETRY_LAST ? limit : RETRY_LAST);
}

/* The same failure again and again is told once. */
static void tell_lost(struct sl_bus *bus, const char *why, bool was_up)
{
	if (!was_up && !strcmp(bus->why, why))
		return;
	snprintf(bus->why, sizeof(bus->why), "%s", why);
	if (bus->handlers.lost && !bus->closing)
		bus->handlers.lost(bus->arg, bus->why);
}

void sl_bus_drop(struct sl_bus *bus, const char *why)
{
	bool was_up = bus->state == SL_BUS_UP;
	char text[SL_TEXT_MAX];

	if (bus->state == SL_BUS_DOWN)
		return;
	snprintf(text, sizeof(text), "%s: %.120s", bus->address.text, why);
	plan_retry(bus, sl_link_now());
	/* Down first: what the unanswered do when told must not find a half-open bus. */
	bus->state = SL_BUS_DOWN;
	bus->stats.connected = false;
	sl_link_close(&bus->say, text);
	sl_link_close(&bus->hear, text);
	sl_link_close(&bus->live, text);
	tell_lost(bus, text, was_up);
}

void sl_bus_drop_for(struct sl_bus *bus, const char *what, const redisReply *error)
{
	char why[SL_TEXT_MAX];

	if (error->type == REDIS_REPLY_ERROR)
		snprintf(why, sizeof(why), "%s: %.100s", what, error->str);
	else
		snprintf(why, sizeof(why), "%s: not what Redis answers", what);
	sl_bus_drop(bus, why);
}

static void on_lost(void *arg, const char *why)
{
	sl_bus_drop(arg, why);
}

static void on_push(void *arg, const redisReply *reply)
{
	sl_bus_hear_push(arg, reply);
}

static const struct sl_link_handlers link_handlers = {on_lost, NULL, enter, leave};
static const struct sl_link_handlers live_handlers = {on_lost, on_push, enter, leave};

static void go_up(struct sl_bus *bus)
{
	bus->state = SL_BUS_UP;
	bus->up_since_ns = sl_link_now();
	bus->stats.connected = true;
	bus->stats.reconnects += bus->was_up;
	bus->was_up = true;
	bus->why[0] = 0;
	if (bus->handlers.connected)
		bus->handlers.connected(bus->arg);
	if (bus->state == SL_BUS_UP && !bus->closing)
		sl_bus_hear_begin(bus);
}

void sl_bus_greeted(struct sl_bus *bus)
{
	if (bus->state == SL_BUS_GREETING && !--bus->greetings)
		go_up(bus);
}

/* NULL when @info is of a Redis that will do, else what is wrong. */
static const char *info_wrong(const char *info, char *text)
{
	const char *version = strstr(info, "redis_version:");

	if (!version)
		return "INFO: says no redis_version: this is not Redis";
	version += strlen("redis_version:");
	if (atoi(version) >= REDIS_LEAST)
		return NULL;
	snprintf(text, SL_TEXT_MAX, "Redis %.8s has no streams: %d or newer is needed", version,
		 REDIS_LEAST);
	for (char *p = text; *p; p++)
		*p = isprint((unsigned char)*p) ? *p : ' ';
	return text;
}

static void on_info(void *arg, const redisReply *reply, const char *why)
{
	struct sl_bus *bus = arg;
	char text[SL_TEXT_MAX];
	const char *wrong;

	if (!reply)
		return;
	if (reply->type != REDIS_REPLY_STRING)
		return sl_bus_drop_for(bus, "INFO", reply);
	wrong = info_wrong(reply->str, text);
	if (wrong)
		return sl_bus_drop(bus, wrong);
	sl_bus_hear_greet(bus);
	sl_bus_greeted(bus);
}

static int open_links(struct sl_bus *bus)
{
	int err = sl_link_open(&bus->say, bus->base, &bus->address);

	if (!err && (bus->events.heard || bus->commands.heard))
		err = sl_link_open(&bus->hear, bus->base, &bus->address);
	if (!err && bus->telemetry)
		err = sl_link_open(&bus->live, bus->base, &bus->address);
	return err;
}

static void greet(struct sl_bus *bus)
{
	struct sl_link_command info = {.words = 0};
	int err;

	bus->state = SL_BUS_GREETING;
	bus->greetings = 1;
	bus->asked_at_ns = 0;
	sl_link_text(&info, "INFO");
	sl_link_text(&info, "server");
	err = open_links(bus);
	if (!err)
		err = sl_link_ask(&bus->say, &info, SL_LINK_PATIENCE, on_info, bus);
	if (err)
		sl_bus_drop(bus, strerror(-err));
}

static void on_pong(void *arg, const redisReply *reply, const char *why)
{
	if (reply && reply->type != REDIS_REPLY_STATUS)
		sl_bus_drop_for(arg, "PING", reply);
}

static void ping(struct sl_bus *bus)
{
	struct sl_link_command command = {.words = 0};

	sl_link_text(&command, "PING");
	sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, on_pong, bus);
}

/* A question now and then, so that silence is noticed. */
static void keep_asking(struct sl_bus *bus, uint64_t now_ns)
{
	bool watermark = bus->watermark_key[0];

	if (now_ns - bus->asked_at_ns < (watermark ? WATERMARK_PERIOD : PING_PERIOD) ||
	    !sl_link_idle(&bus->say))
		return;
	bus->asked_at_ns = now_ns;
	if (watermark)
		sl_bus_hear_watermark(bus);
	else
		ping(bus);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now_ns = sl_link_now();
	struct sl_bus *bus = arg;

	enter(bus);
	event_add(bus->tick, &tick_period);
	if (bus->state == SL_BUS_DOWN && now_ns >= bus->retry_at_ns)
		greet(bus);
	sl_link_check(&bus->say, now_ns);
	sl_link_check(&bus->hear, now_ns);
	if (bus->state == SL_BUS_UP && !bus->closing)
		keep_asking(bus, now_ns);
	leave(bus);
}

static bool site_ok(const char *site)
{
	for (const char *p = site; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	}
	return site[0] && strlen(site) < SL_NAME_MAX;
}

static void listen_to(struct sl_bus *bus, struct sl_bus_stream *stream, const char *what,
		      const char *after)
{
	stream->bus = bus;
	stream->heard = true;
	sl_bus_key(bus, what, stream->key);
	snprintf(stream->after, sizeof(stream->after), "%s", after ? after : "$");
}

static void configure(struct sl_bus *bus, const struct sl_bus_config *config)
{
	char what[SL_NAME_MAX + 8];

	strcpy(bus->site, config->site);
	bus->base = config->base;
	if (config->handlers)
		bus->handlers = *config->handlers;
	bus->arg = config->arg;
	bus->telemetry = config->telemetry;
	bus->say = bus->hear = (struct sl_link){.handlers = &link_handlers, .arg = bus};
	bus->live = (struct sl_link){.handlers = &live_handlers, .arg = bus};
	if (config->events)
		listen_to(bus, &bus->events, "event", config->events_from);
	if (config->commands)
		listen_to(bus, &bus->commands, "command", config->commands_from);
	if (config->watermark_source) {
		snprintf(what, sizeof(what), "ack:%.*s", SL_NAME_MAX - 1, config->watermark_source);
		sl_bus_key(bus, what, bus->watermark_key);
	}
}

static void ignore_broken_pipes(void)
{
	struct sigaction now;

	if (!sigaction(SIGPIPE, NULL, &now) && now.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int sl_bus_open(struct sl_bus **bus, const struct sl_bus_config *config, char *why)
{
	char unheard[SL_TEXT_MAX];
	struct sl_address address;
	struct sl_bus *made;

	if (!why)
		why = unheard;
	if (sl_address_read(&address, config->redis, why))
		return -EINVAL;
	if (!site_ok(config->site)) {
		snprintf(why, SL_TEXT_MAX, "site \"%.40s\": letters, digits, - _ and ., at most %d",
			 config->site, SL_NAME_MAX - 1);
		return -EINVAL;
	}
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->address = address;
	configure(made, config);
	made->bytes = malloc(SL_WIRE_BYTES_MAX);
	made->tick = evtimer_new(made->base, on_tick, made);
	/* At once, but not before the caller has the bus in hand. */
	if (!made->bytes || !made->tick || event_add(made->tick, &(struct timeval){0})) {
		bus_free(made);
		return -ENOMEM;
	}
	ignore_broken_pipes();
	*bus = made;
	return 0;
}

void sl_bus_close(struct sl_bus *bus)
{
	if (!bus || bus->closing)
		return;
	bus->busy++;
	bus->closing = true;
	sl_bus_drop(bus, "closed");
	event_del(bus->tick);
	leave(bus);
}

void sl_bus_stats(const struct sl_bus *bus, struct sl_bus_stats *stats)
{
	*stats = bus->stats;
}
