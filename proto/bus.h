/*
 * bus.h - Redis as the mailbox between dataplane, control, CLI and dashboards
 *
 * DESIGN.md 6.  The only user of hiredis.  Asynchronous on libevent for the two
 * daemons: a call never blocks; a lost connection is made again with full-jitter
 * back-off (100 ms to 5 s); what could not be said is counted, never waited for.
 * A short-lived CLI uses the same bus and runs the loop until it has its answer.
 *
 * Redis saying OK means nothing for an event: it is kept in the source's spool
 * until the reader's watermark covers it (spool.h).
 */
#ifndef SL_BUS_H
#define SL_BUS_H

#include "wire.h"

struct event_base;
struct sl_bus;

/* What a daemon hears.  Any may be NULL.  @arg is the config's. */
struct sl_bus_handlers {
	void (*connected)(void *arg);
	void (*lost)(void *arg, const char *why);
	/* Entry @id of the event stream. */
	void (*event)(void *arg, const struct sl_event *event, const char *id);
	/* Entry @id of the command stream. */
	void (*command)(void *arg, const struct sl_command *command, const char *id);
	/* A picture from `live`. */
	void (*telemetry)(void *arg, const struct sl_telemetry *telemetry);
	/* The watermark of @reader for this bus's source moved to (@boot, @seq). */
	void (*watermark)(void *arg, uint64_t boot, uint64_t seq);
	/* An entry that could not be read: counted, passed over. */
	void (*malformed)(void *arg, const char *key, const char *id, const char *why);
};

struct sl_bus_config {
	const char *redis; /* "unix:/path" or "tcp:host:port" (loopback only); copied */
	const char *site;  /* copied */
	struct event_base *base;
	const struct sl_bus_handlers *handlers;
	void *arg;
	bool events, commands, telemetry; /* which to listen to */
	/* Read events/commands after this entry id; "0" = from the first kept, "$" = only new. */
	const char *events_from, *commands_from;
	const char
		*watermark_source; /* listen to control's watermark for this source; NULL = not */
};

struct sl_bus_stats {
	uint64_t sent, failed, received, malformed, reconnects;
	bool connected;
};

/* Open.  0 and *@bus, also when Redis is not there yet (it is tried on); -EINVAL for a bad address (@why says it); -ENOMEM. */
int sl_bus_open(struct sl_bus **bus, const struct sl_bus_config *config, char *why);
void sl_bus_close(struct sl_bus *bus);

/*
 * Say.  0 when handed to the connection, -ENOTCONN when there is none (counted),
 * -EMSGSIZE, -EAGAIN when too much waits unsent, -ENOMEM.  After 0, done (may be NULL)
 * is called once: with 0 and the entry's @id when Redis took it; or with -errno
 * (-ENOSPC out of memory there, -EINVAL wrong type, -ENOTCONN connection lost, -EIO)
 * and in @id the reason in words.
 */
typedef void (*sl_bus_done)(void *arg, int err, const char *id);
int sl_bus_send_event(struct sl_bus *bus, const struct sl_event *event, sl_bus_done done,
		      void *arg);
int sl_bus_send_command(struct sl_bus *bus, const struct sl_command *command, sl_bus_done done,
			void *arg);
int sl_bus_send_telemetry(struct sl_bus *bus,
			  const struct sl_telemetry *telemetry); /* live + live.json */
int sl_bus_send_health(struct sl_bus *bus,
		       const struct sl_telemetry *telemetry); /* capped stream of 1 s roll-ups */
int sl_bus_send_watermark(struct sl_bus *bus, const char *source, uint64_t boot, uint64_t seq);
/* Drop event entries older than the entry @id (all below the watermark). */
int sl_bus_trim_events(struct sl_bus *bus, const char *id);

/* The policy hash: fields current, previous, last_good, version.  @yaml may be NULL: not set. */
int sl_bus_publish_policy(struct sl_bus *bus, const char *current, const char *previous,
			  const char *last_good, uint64_t version);
/* Ask for the policy; @got is called once with NULLs when there is none or no connection. */
typedef void (*sl_bus_policy)(void *arg, const char *current, const char *previous,
			      uint64_t version);
int sl_bus_fetch_policy(struct sl_bus *bus, sl_bus_policy got, void *arg);

/* The hash of what no service claims, the last report only. */
int sl_bus_send_unclaimed(struct sl_bus *bus, const struct sl_unclaimed_report *report);
/*
 * Ask for it; @got is called once, with the report (the bus's own, until it returns); or with
 * NULL when there is none, when it cannot be read (also told as malformed), or
 * without a connection.
 */
typedef void (*sl_bus_unclaimed)(void *arg, const struct sl_unclaimed_report *report);
int sl_bus_fetch_unclaimed(struct sl_bus *bus, sl_bus_unclaimed got, void *arg);

void sl_bus_stats(const struct sl_bus *bus, struct sl_bus_stats *stats);

#endif
