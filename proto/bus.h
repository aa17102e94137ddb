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
struct sl_policy_history;

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
/* Into the stream of 1 s roll-ups: so many are kept, and so much of each. */
int sl_bus_send_health(struct sl_bus *bus, const struct sl_telemetry *telemetry,
		       const struct sl_policy_history *history);
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

/*
 * The policies of before, and the one in force: a stream, one entry each.  Keeping what is kept
 * last already changes nothing.
 */
#define SL_BUS_POLICIES_MAX 16
int sl_bus_keep_policy(struct sl_bus *bus, const char *yaml, uint64_t version);
/*
 * Ask for them, newest first; @got is called for each, and at the end, or at once without a
 * connection, with NULL.  @at_unix_ns: when it came into force.
 */
typedef void (*sl_bus_kept_policy)(void *arg, const char *yaml, uint64_t version,
				   uint64_t at_unix_ns);
int sl_bus_fetch_policies(struct sl_bus *bus, sl_bus_kept_policy got, void *arg);

/* The hash of what no service claims, the last report only. */
int sl_bus_send_unclaimed(struct sl_bus *bus, const struct sl_unclaimed_report *report);
/*
 * Ask for it; @got is called once, with the report (the bus's own, until it returns); or with
 * NULL when there is none, when it cannot be read (also told as malformed), or
 * without a connection.
 */
typedef void (*sl_bus_unclaimed)(void *arg, const struct sl_unclaimed_report *report);
int sl_bus_fetch_unclaimed(struct sl_bus *bus, sl_bus_unclaimed got, void *arg);

/* A change of an incident, the whole of it, into its stream. */
int sl_bus_send_incident(struct sl_bus *bus, const struct sl_incident *incident, sl_bus_done done,
			 void *arg);
/* What this site has learnt: into its own hash, and into its place in the fleet's. */
int sl_bus_send_memory(struct sl_bus *bus, const struct sl_memory_report *report);
/* What another fleet has learnt: into the place of @report->site in the fleet's hash alone. */
int sl_bus_share_memory(struct sl_bus *bus, const struct sl_memory_report *report, sl_bus_done done,
			void *arg);

/*
 * Reading back.  @got is called for each message (the bus's own, until it returns), and at the
 * end, or at once without a connection, with NULL.  What cannot be read is told as malformed
 * and passed over.  Incidents and events come newest first, at most @count entries; of an
 * incident each change is an entry, so what comes first of an id is what stands.  Health comes
 * oldest first, at most @count roll-ups after the entry id @after ("" = from the first kept);
 * @id is what to go on after.
 */
typedef void (*sl_bus_incident)(void *arg, const struct sl_incident *incident);
typedef void (*sl_bus_event)(void *arg, const struct sl_event *event);
typedef void (*sl_bus_health)(void *arg, const struct sl_telemetry *telemetry, const char *id);
typedef void (*sl_bus_memory)(void *arg, const struct sl_memory_report *report);
int sl_bus_fetch_incidents(struct sl_bus *bus, unsigned int count, sl_bus_incident got, void *arg);
int sl_bus_fetch_events(struct sl_bus *bus, unsigned int count, sl_bus_event got, void *arg);
int sl_bus_fetch_health(struct sl_bus *bus, const char *after, unsigned int count,
			sl_bus_health got, void *arg);
/* What every site of the fleet has learnt, a report each, this one's among them. */
int sl_bus_fetch_memory(struct sl_bus *bus, sl_bus_memory got, void *arg);
/* The same of another site: its incidents, and its last roll-up at or before a time, if any. */
int sl_bus_fetch_incidents_of(struct sl_bus *bus, const char *site, unsigned int count,
			      sl_bus_incident got, void *arg);
int sl_bus_fetch_health_of(struct sl_bus *bus, const char *site, uint64_t at_unix_ns,
			   sl_bus_health got, void *arg);

/*
 * All sites that have keys in this Redis, in no order, each any number of times.  @fresh: by a key
 * that its control writes each second, and that is gone 10 s later.  At the end, or at once
 * without a connection, @site is NULL, and @fresh says whether all keys were looked through.
 */
typedef void (*sl_bus_site)(void *arg, const char *site, bool fresh);
int sl_bus_fetch_sites(struct sl_bus *bus, sl_bus_site got, void *arg);

/* What the server says of itself. */
struct sl_bus_server_report {
	char version[SL_NAME_MAX]; /* "7.0.15"; "" = not said */
	char maxmemory_policy[SL_NAME_MAX];
	bool has_config;          /* what follows was told */
	uint64_t maxmemory_bytes; /* 0 = no limit */
	bool snapshots, append_only, stops_on_error;
	bool protected_mode, has_password;
	uint32_t port;        /* 0 = no TCP */
	uint32_t socket_mode; /* of its unix socket; 0 = by the umask */
};
/* Ask for it; @got is called once, with NULL when there is no answer. */
typedef void (*sl_bus_server)(void *arg, const struct sl_bus_server_report *report);
int sl_bus_fetch_server(struct sl_bus *bus, sl_bus_server got, void *arg);

/* One path as flat numbers, for tools that read Redis alone.  [0]: LAN leg, or sender; [1]: WAN. */
struct sl_bus_flat {
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX];
	enum sl_health state;
	uint32_t samples[2], p50_us[2], p95_us[2], loss_ppm[2];
	uint64_t rate_bps[2];
};
/* Into its hash (gone 10 s after the last) and into its series of ten minutes. */
int sl_bus_send_flat(struct sl_bus *bus, const struct sl_bus_flat *path);

void sl_bus_stats(const struct sl_bus *bus, struct sl_bus_stats *stats);

#endif
