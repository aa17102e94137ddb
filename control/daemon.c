/*
 * daemon.c - storeline-control's loop: messages in, durable, messages out
 */
#include "daemon.h"
#include "log.h"
#include "post.h"
#include "state.h"
#include "state_dir.h"
#include "web.h"

#include "proto/bus.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS        100
#define EXIT_FAILED    1
#define EXIT_USAGE     2
#define EXIT_NO_RIGHTS 4
#define POLICY_ASK_MS  1000
#define TRIM_KEEP      1024 /* entries left in the stream below the watermark, for people */
#define TRIM_EACH_MS   10000

struct daemon {
	const struct sl_daemon_config *config;
	struct event_base *base;
	struct sl_bus *bus;
	struct sl_web *web;
	struct sl_state state;
	struct sl_site_out *out;
	struct sl_policy *policy; /* to read into */
	struct sl_command *command;
	struct sl_post post;
	bool dirty, acknowledge, unsaved_said, lost_said;
	uint64_t policy_ms;     /* last asked for */
	uint64_t policy_wanted; /* version seen in a picture */
	uint64_t trim_ms;
	uint32_t trim_next;
	char trim_id[TRIM_KEEP][32]; /* ring of the last entries' ids */
};

struct sent {
	struct daemon *daemon;
	uint64_t seq;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static bool save(struct daemon *daemon)
{
	int err = sl_state_save(&daemon->state, daemon->config->state_dir);

	if (err && !daemon->unsaved_said)
		sl_note("error", "state_not_saved",
			"dir=%s reason=\"%s\" consequence=\"no commands\"",
			daemon->config->state_dir, strerror(-err));
	if (!err && daemon->unsaved_said)
		sl_note("info", "state_saved", "dir=%s", daemon->config->state_dir);
	daemon->unsaved_said = err != 0;
	daemon->dirty = daemon->dirty && err;
	return !err;
}

static void on_taken(void *arg, int err, const char *id)
{
	struct sent *sent = arg;

	if (!err) {
		sl_outbox_taken(&sent->daemon->state.outbox, sent->seq);
		sent->daemon->dirty = true;
	}
	free(sent);
}

static void send_event(struct daemon *daemon, const struct sl_event *event)
{
	struct sent *sent = malloc(sizeof(*sent));

	if (!sent)
		return; /* kept: said again after the next reconnect */
	*sent = (struct sent){daemon, event->seq};
	if (sl_bus_send_event(daemon->bus, event, on_taken, sent))
		free(sent);
}

static void send_order(struct daemon *daemon, const struct sl_order *order)
{
	struct sl_command *command = daemon->command;
	uint64_t age_ms = now_ms() - order->made_ms, unix_ns = clock_ns(CLOCK_REALTIME);

	memset(command, 0, sizeof(*command));
	snprintf(command->site, sizeof(command->site), "%s", daemon->config->site);
	snprintf(command->controller, sizeof(command->controller), "control");
	memcpy(command->id, order->id, sizeof(command->id));
	memcpy(command->service, order->service, sizeof(command->service));
	memcpy(command->reason, order->reason, sizeof(command->reason));
	if (order->kind == SL_COMMAND_REROUTE || order->kind == SL_COMMAND_CLAMP)
		memcpy(command->uplink, order->uplink, sizeof(command->uplink));
	command->term = daemon->state.site->term;
	command->issued_unix_ns = unix_ns;
	command->expires_unix_ns =
		unix_ns + (age_ms < SL_ORDER_EXPIRE_MS ? SL_ORDER_EXPIRE_MS - age_ms : 0) * 1000000;
	command->kind = order->kind;
	if (order->kind == SL_COMMAND_REROUTE)
		command->share_ppm = order->share_ppm ? order->share_ppm : 1000000;
	command->move_live = order->move_live;
	command->limit_bps = order->limit_bps;
	command->packet_bytes = order->packet_bytes;
	memcpy(command->dscp, order->dscp, sizeof(command->dscp));
	command->hold_ms = order->hold_ms;
	command->policy_version = order->policy_version;
	command->incident = order->incident;
	sl_note("info", "command", "id=%s kind=%s service=%s uplink=%s limit_bps=%llu", order->id,
		sl_command_word(order->kind), order->service, order->uplink,
		(unsigned long long)order->limit_bps);
	sl_bus_send_command(daemon->bus, command, NULL, NULL);
}

static void keep(struct daemon *daemon, struct sl_event *event)
{
	event->at_unix_ns = clock_ns(CLOCK_REALTIME);
	event->at_mono_ns = clock_ns(CLOCK_MONOTONIC);
	sl_outbox_add(&daemon->state.outbox, event);
	sl_note("info", sl_event_kind_word(event->kind),
		"incident=%llu service=%s remedy=%s verdict=%s text=\"%s\"",
		(unsigned long long)event->incident, event->service, event->remedy,
		sl_verdict_word(event->verdict), event->text);
}

/* Durable first, then said. */
static void flush(struct daemon *daemon)
{
	struct sl_site_out *out = daemon->out;
	struct sl_outbox *outbox = &daemon->state.outbox;
	bool saved;

	if (!out->events && !out->orders)
		return;
	for (uint32_t i = 0; i < out->events; i++)
		keep(daemon, &out->event[i]);
	saved = save(daemon);
	sl_post_step(&daemon->post, now_ms());
	for (uint32_t i = outbox->count - out->events; i < outbox->count; i++)
		send_event(daemon, &outbox->event[i]);
	for (uint32_t i = 0; saved && i < out->orders; i++)
		send_order(daemon, &out->order[i]);
	out->events = out->orders = 0;
}

static void say_started(struct daemon *daemon)
{
	struct sl_event *event = &daemon->out->event[daemon->out->events++];
	const struct sl_site *site = daemon->state.site;
	unsigned int open = 0;

	for (unsigned int i = 0; i < SL_SITE_SERVICES; i++)
		open += site->care[i].incident != 0;
	*event = (struct sl_event){.kind = SL_EVENT_STARTED};
	memcpy(event->site, site->name, sizeof(event->site));
	snprintf(event->source, sizeof(event->source), "control");
	snprintf(event->text, sizeof(event->text),
		 "control started, term %llu, %u incidents open, watermark %llu",
		 (unsigned long long)site->term, open,
		 (unsigned long long)daemon->state.inbox.now.seq);
	flush(daemon);
}

static void got_policy(void *arg, const char *current, const char *previous, uint64_t version)
{
	struct daemon *daemon = arg;
	char why[1024];

	if (!current)
		return;
	if (sl_policy_read(daemon->policy, current, strlen(current), "policy", why, sizeof(why))) {
		why[strcspn(why, "\n")] = '\0';
		sl_note("error", "policy_refused", "version=%llu reason=\"%s\"",
			(unsigned long long)version, why);
		return;
	}
	sl_site_set_policy(daemon->state.site, daemon->policy, version);
	sl_web_policy(daemon->web, daemon->policy);
	sl_note("info", "policy", "version=%llu services=%u uplinks=%u mode=%s",
		(unsigned long long)version, daemon->policy->services, daemon->policy->uplinks,
		sl_mode_word(daemon->policy->mode));
}

static void ask_policy(struct daemon *daemon)
{
	const struct sl_site *site = daemon->state.site;

	if (site->has_policy && site->policy_version == daemon->policy_wanted)
		return;
	if (daemon->policy_ms && now_ms() - daemon->policy_ms < POLICY_ASK_MS)
		return;
	daemon->policy_ms = now_ms();
	sl_bus_fetch_policy(daemon->bus, got_policy, daemon);
}

static void on_connected(void *arg)
{
	struct daemon *daemon = arg;
	struct sl_state *state = &daemon->state;

	sl_note("info", "connected", "redis=%s", daemon->config->redis);
	daemon->lost_said = false;
	sl_web_redis(daemon->web, true);
	daemon->policy_ms = 0;
	ask_policy(daemon);
	for (uint32_t i = 0; i < state->outbox.count; i++)
		send_event(daemon, &state->outbox.event[i]);
	daemon->acknowledge = state->inbox.now.boot != 0;
	sl_post_connected(&daemon->post);
}

static void on_lost(void *arg, const char *why)
{
	struct daemon *daemon = arg;

	if (!daemon->lost_said)
		sl_note("warn", "no_redis", "redis=%s reason=\"%s\" next=\"trying on\"",
			daemon->config->redis, why);
	daemon->lost_said = true;
	sl_web_redis(daemon->web, false);
}

/* Somebody has seen a later term than ours (our state was lost): take the next. */
static void learn_term(struct daemon *daemon, const char *format, const char *text)
{
	struct sl_site *site = daemon->state.site;
	unsigned long long term;

	if (sscanf(text, format, &term) != 1 || term <= site->term)
		return;
	sl_note("warn", "term", "ours=%llu seen=%llu", (unsigned long long)site->term, term);
	site->term = term + 1;
	save(daemon);
}

static void remember_id(struct daemon *daemon, const char *id)
{
	snprintf(daemon->trim_id[daemon->trim_next++ % TRIM_KEEP], 32, "%s", id);
}

static void on_event(void *arg, const struct sl_event *event, const char *id)
{
	struct daemon *daemon = arg;
	uint64_t missed = daemon->state.inbox.missed;

	sl_web_event(daemon->web, event);
	if (strcmp(event->source, "dataplane")) {
		remember_id(daemon, id);
		return;
	}
	if (sl_inbox_take(&daemon->state.inbox, event, now_ms()) != SL_INBOX_TAKE)
		return;
	if (daemon->state.inbox.missed != missed)
		sl_note("error", "events_missing", "count=%llu before_seq=%llu",
			(unsigned long long)(daemon->state.inbox.missed - missed),
			(unsigned long long)event->seq);
	remember_id(daemon, id);
	daemon->dirty = daemon->acknowledge = true;
	if (event->kind == SL_EVENT_ACK)
		learn_term(daemon, "term %*u is over: %llu", event->text);
	sl_site_event(daemon->state.site, event, now_ms(), daemon->out);
	flush(daemon);
}

static void on_telemetry(void *arg, const struct sl_telemetry *telemetry)
{
	struct daemon *daemon = arg;

	daemon->policy_wanted = telemetry->policy_version;
	for (uint32_t i = 0; i < telemetry->services; i++)
		learn_term(daemon, "control-%llu-", telemetry->service[i].cause);
	ask_policy(daemon);
	sl_web_picture(daemon->web, telemetry);
	sl_site_picture(daemon->state.site, telemetry, now_ms(), daemon->out);
	flush(daemon);
}

static void on_watermark(void *arg, uint64_t boot, uint64_t seq)
{
	struct daemon *daemon = arg;

	/* Ours, read back: only news when our state was lost. */
	if (!daemon->state.inbox.now.boot) {
		sl_inbox_remember(&daemon->state.inbox, boot, seq);
		daemon->dirty = true;
	}
}

static void on_malformed(void *arg, const char *key, const char *id, const char *why)
{
	sl_note("warn", "malformed", "key=%s id=%s reason=\"%s\"", key, id, why);
}

static void trim(struct daemon *daemon)
{
	const char *oldest = daemon->trim_id[daemon->trim_next % TRIM_KEEP];

	if (daemon->trim_next < TRIM_KEEP || now_ms() - daemon->trim_ms < TRIM_EACH_MS)
		return;
	daemon->trim_ms = now_ms();
	sl_bus_trim_events(daemon->bus, oldest);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;
	struct sl_inbox_mark mark = daemon->state.inbox.now;

	sl_site_clock(daemon->state.site, clock_ns(CLOCK_REALTIME), now_ms());
	sl_site_tick(daemon->state.site, now_ms(), daemon->out);
	flush(daemon);
	sl_post_step(&daemon->post, now_ms());
	daemon->dirty |= daemon->post.dirty;
	daemon->post.dirty = false;
	/* The watermark promises that its effect is on disk. */
	if (daemon->dirty && !save(daemon))
		return;
	if (daemon->acknowledge && mark.boot &&
	    !sl_bus_send_watermark(daemon->bus, "dataplane", mark.boot, mark.seq))
		daemon->acknowledge = false;
	ask_policy(daemon);
	trim(daemon);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;

	event_base_loopbreak(daemon->base);
}

static int open_bus(struct daemon *daemon)
{
	static const struct sl_bus_handlers handlers = {
		.connected = on_connected,
		.lost = on_lost,
		.event = on_event,
		.telemetry = on_telemetry,
		.watermark = on_watermark,
		.malformed = on_malformed,
	};
	struct sl_bus_config config = {.redis = daemon->config->redis,
				       .site = daemon->config->site,
				       .base = daemon->base,
				       .handlers = &handlers,
				       .arg = daemon,
				       .events = true,
				       .telemetry = true,
				       .events_from = "0",
				       .watermark_source = "dataplane"};
	char why[SL_TEXT_MAX] = "";
	int err = sl_bus_open(&daemon->bus, &config, why);

	if (err)
		sl_note("error", "redis_address", "redis=%s reason=\"%s\"", daemon->config->redis,
			why[0] ? why : strerror(-err));
	return err;
}

static int load(struct daemon *daemon)
{
	const char *dir = daemon->config->state_dir;
	char why[SL_TEXT_MAX];
	int err = sl_state_dir_lock(dir);

	if (err == -EBUSY) {
		sl_note("error", "state_locked", "dir=%s reason=\"another storeline-control runs\"",
			dir);
		return EXIT_FAILED;
	}
	if (err >= 0 && sl_state_load(&daemon->state, dir, why) == -EINVAL)
		sl_state_dir_set_aside(dir, why);
	while (!daemon->state.outbox.boot)
		if (getrandom(&daemon->state.outbox.boot, sizeof(uint64_t), 0) < 0)
			return EXIT_FAILED;
	daemon->state.site->term++;
	if (err >= 0)
		err = sl_state_save(&daemon->state, dir);
	if (err < 0) {
		sl_note("error", "state_dir", "dir=%s reason=\"%s\"", dir, strerror(-err));
		return EXIT_NO_RIGHTS;
	}
	return 0;
}

static int loop(struct daemon *daemon)
{
	struct timeval tick = {.tv_usec = TICK_MS * 1000};
	struct event *timer = event_new(daemon->base, -1, EV_PERSIST, on_tick, daemon);
	struct event *term = evsignal_new(daemon->base, SIGTERM, on_signal, daemon);
	struct event *interrupt = evsignal_new(daemon->base, SIGINT, on_signal, daemon);

	if (!timer || !term || !interrupt)
		return EXIT_FAILED;
	event_add(timer, &tick);
	event_add(term, NULL);
	event_add(interrupt, NULL);
	say_started(daemon);
	event_base_dispatch(daemon->base);
	save(daemon);
	event_free(interrupt);
	event_free(term);
	event_free(timer);
	return 0;
}

static bool allocate(struct daemon *daemon)
{
	daemon->state.site = calloc(1, sizeof(*daemon->state.site));
	daemon->out = calloc(1, sizeof(*daemon->out));
	daemon->policy = calloc(1, sizeof(*daemon->policy));
	daemon->command = calloc(1, sizeof(*daemon->command));
	daemon->base = event_base_new();
	return daemon->state.site && daemon->out && daemon->policy && daemon->command &&
	       daemon->base;
}

static void release(struct daemon *daemon)
{
	if (daemon->bus)
		sl_bus_close(daemon->bus);
	sl_web_close(daemon->web); /* after the bus: what it waits for is told to it */
	if (daemon->base)
		event_base_free(daemon->base);
	sl_post_close(&daemon->post);
	free(daemon->command);
	free(daemon->policy);
	free(daemon->out);
	free(daemon->state.site);
	free(daemon);
}

int sl_daemon_run(const struct sl_daemon_config *config)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int code = EXIT_FAILED;

	if (!daemon)
		return EXIT_FAILED;
	daemon->config = config;
	signal(SIGPIPE, SIG_IGN);
	if (allocate(daemon)) {
		sl_site_init(daemon->state.site, config->site);
		code = load(daemon);
	}
	if (!code && open_bus(daemon))
		code = EXIT_USAGE;
	if (!code && !sl_post_open(&daemon->post, daemon->bus, daemon->state.site))
		code = EXIT_FAILED;
	sl_site_clock(daemon->state.site, clock_ns(CLOCK_REALTIME), now_ms());
	if (!code && sl_web_open(&daemon->web, &(struct sl_web_config){daemon->base, daemon->bus,
								       config->site, config->web}))
		code = EXIT_USAGE;
	if (!code)
		code = loop(daemon);
	release(daemon);
	return code;
}
