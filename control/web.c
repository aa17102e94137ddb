/*
 * web.c - the page's server: fed by the daemon, asked by pages
 */
#include "web_private.h"

#include "log.h"
#include "web_listen.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TICK_MS      250
#define SAY_MS       1000 /* between two pictures told to pages */
#define SAY_SOON_MS  200  /* the same when its shape has changed */
#define READ_SOON_MS 300  /* after an event of an incident: its change has been written by then */
#define READ_EACH_MS 15000
#define READ_ALL     300 /* changes of incidents read at first: some 3 MB */
#define READ_NEW     64

uint64_t sl_web_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t unix_s(void)
{
	return (uint64_t)time(NULL);
}

/* Tell all pages the present. */
static void say_state(struct sl_web *web)
{
	struct sl_web_http_stats stats;
	char *frame;

	web->said_ms = sl_web_now_ms();
	sl_web_http_stats(web->http, &stats);
	frame = stats.streams ? sl_web_state_frame(web) : NULL;
	if (frame)
		sl_web_http_picture(web->http, frame);
	free(frame);
}

static void say(struct sl_web *web, const char *kind, const char *json)
{
	if (sl_web_stream_add(&web->stream, kind, json))
		sl_web_http_said(web->http);
}

static void got_incident(void *arg, const struct sl_incident *incident)
{
	struct sl_web *web = arg;
	enum sl_web_news news;

	if (!incident) {
		web->reading = false;
		return;
	}
	news = sl_web_store_incident(&web->store, incident, web->round);
	if (news == SL_WEB_OPENED)
		sl_web_metrics_incident(&web->metrics, incident);
	if (news != SL_WEB_OLD)
		say(web, "incident", sl_web_store_summary(&web->store, incident->id));
}

static void read_incidents(struct sl_web *web)
{
	uint64_t now = sl_web_now_ms();
	bool due = web->wanted_ms ? now >= web->wanted_ms : now - web->read_ms > READ_EACH_MS;

	if (!web->bus || !web->redis || web->reading || !due)
		return;
	web->wanted_ms = 0;
	web->read_ms = now;
	web->reading = true;
	web->round++;
	sl_bus_fetch_incidents(web->bus, web->read, got_incident, web);
	web->read = READ_NEW;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_web *web = arg;

	read_incidents(web);
	/* Also without a new picture: that the last one grows old is news. */
	if (sl_web_now_ms() - web->said_ms >= SAY_MS)
		say_state(web);
}

static int listen_on(struct sl_web *web, const char *text)
{
	struct sl_web_address address;
	char why[SL_TEXT_MAX], name[128];
	int err = sl_web_listen_parse(&address, text, why);

	if (!err) {
		web->fd = sl_web_listen_open(&address);
		err = web->fd < 0 ? web->fd : 0;
		snprintf(why, sizeof(why), "%s", strerror(-err));
	}
	if (err) {
		sl_note("error", "web_refused", "address=%s reason=\"%s\"", text, why);
		return err;
	}
	sl_web_listen_name(web->fd, name, sizeof(name));
	sl_note("info", "web", "address=%s", name);
	return 0;
}

static int start(struct sl_web *web, struct event_base *base)
{
	const struct sl_web_http_config config = {.base = base,
						  .fd = web->fd,
						  .stream = &web->stream,
						  .answer = sl_web_answer,
						  .arg = web};
	struct timeval tick = {.tv_usec = TICK_MS * 1000};
	uint64_t boot = 0;
	int err;

	if (getrandom(&boot, sizeof(boot), 0) != sizeof(boot))
		return -EIO;
	sl_web_stream_init(&web->stream, boot);
	err = sl_web_http_open(&web->http, &config);
	if (err)
		return err;
	web->tick = event_new(base, -1, EV_PERSIST, on_tick, web);
	return web->tick && !event_add(web->tick, &tick) ? 0 : -ENOMEM;
}

int sl_web_open(struct sl_web **web, const struct sl_web_config *config)
{
	struct sl_web *made = calloc(1, sizeof(*made));
	int err = 0;

	if (!made)
		return -ENOMEM;
	made->fd = -1;
	made->bus = config->bus;
	made->read = READ_ALL;
	made->redis_ms = sl_web_now_ms();
	made->metrics.start_unix_ns = unix_s() * 1000000000u;
	snprintf(made->site, sizeof(made->site), "%s", config->site);
	if (config->address)
		err = listen_on(made, config->address);
	if (config->address && !err)
		err = start(made, config->base);
	if (err) {
		sl_web_close(made);
		return err;
	}
	*web = made;
	return 0;
}

void sl_web_close(struct sl_web *web)
{
	if (!web)
		return;
	if (web->tick)
		event_free(web->tick);
	if (web->http)
		sl_web_http_close(web->http);
	if (web->fd >= 0)
		sl_web_listen_close(web->fd);
	sl_web_stream_free(&web->stream);
	sl_web_store_free(&web->store);
	free(web);
}

void sl_web_picture(struct sl_web *web, const struct sl_telemetry *picture)
{
	uint64_t now = sl_web_now_ms(), shape;

	if (!web)
		return;
	sl_web_flat_picture(&web->flat, web->bus, picture, now);
	if (!web->http)
		return;
	web->picture = *picture;
	web->picture_ms = now;
	web->has_picture = true;
	sl_web_history_add(&web->history, picture, unix_s());
	sl_web_metrics_picture(&web->metrics, picture, now);
	shape = sl_web_shape(picture);
	if (now - web->said_ms >= SAY_MS ||
	    (shape != web->shape && now - web->said_ms >= SAY_SOON_MS)) {
		web->shape = shape;
		say_state(web);
	}
}

void sl_web_event(struct sl_web *web, const struct sl_event *event)
{
	const char *json = web && web->http ? sl_web_store_event(&web->store, event) : NULL;

	if (!json)
		return;
	sl_web_metrics_event(&web->metrics, event);
	say(web, "event", json);
	if (event->incident && !web->wanted_ms)
		web->wanted_ms = sl_web_now_ms() + READ_SOON_MS;
}

void sl_web_policy(struct sl_web *web, const struct sl_policy *policy)
{
	if (!web || !web->http)
		return;
	web->policy = *policy;
	web->has_policy = true;
}

void sl_web_redis(struct sl_web *web, bool there)
{
	if (!web || !web->http || web->redis == there)
		return;
	web->redis = there;
	web->redis_ms = sl_web_now_ms();
	/* What was written while it was away is read as a whole. */
	web->reading = false;
	web->read = READ_ALL;
	web->wanted_ms = web->redis_ms;
	say_state(web);
}
