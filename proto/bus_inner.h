/*
 * bus_inner.h - the bus as its own files see it
 *
 * bus.c keeps the connections up, bus_hear.c reads, bus_say.c writes.  Two
 * connections, because a blocking XREAD holds its own, and a third for pub/sub;
 * they live and die together, so that there is one truth about "connected".
 * One thread: the loop's.
 */
#ifndef SL_BUS_INNER_H
#define SL_BUS_INNER_H

#include "bus.h"
#include "bus_link.h"

#define SL_BUS_KEY_MAX (SL_NAME_MAX * 3)
#define SL_BUS_ID_MAX  44 /* two 64-bit numbers in decimal, a dash, NUL */

enum sl_bus_state {
	SL_BUS_DOWN,     /* waiting for retry_at_ns */
	SL_BUS_GREETING, /* connected; is it a Redis, and where do its streams end? */
	SL_BUS_UP,
};

/* A stream that is listened to. */
struct sl_bus_stream {
	struct sl_bus *bus;
	bool heard;
	char key[SL_BUS_KEY_MAX];
	char after[SL_BUS_ID_MAX]; /* the last entry seen; "$" until the first connection */
};

struct sl_bus {
	struct sl_address address;
	char site[SL_NAME_MAX];
	struct event_base *base;
	struct sl_bus_handlers handlers;
	void *arg;
	struct event *tick;
	struct sl_link say, hear, live;
	enum sl_bus_state state;
	uint32_t greetings; /* answers that are still to come before it is up */
	uint32_t attempts;  /* without a lasting connection between them */
	uint64_t retry_at_ns, up_since_ns, asked_at_ns;
	bool was_up, closing, telemetry;
	int busy;              /* callbacks of libevent we are inside of */
	char why[SL_TEXT_MAX]; /* what was last told as lost */
	struct sl_bus_stream events, commands;
	char watermark_key[SL_BUS_KEY_MAX]; /* "" = not listened to */
	char watermark[SL_BUS_ID_MAX];      /* the last one seen */
	struct sl_bus_stats stats;
	uint8_t *bytes; /* SL_WIRE_BYTES_MAX, a message on its way out */
	union {         /* a message on its way in */
		struct sl_event event;
		struct sl_command command;
		struct sl_telemetry telemetry;
		struct sl_unclaimed_report unclaimed;
		struct sl_incident incident;
		struct sl_memory_report memory;
	} heard;
};

/* "sl:{site}:@what" into @key of SL_BUS_KEY_MAX bytes; returns it. */
const char *sl_bus_key(const struct sl_bus *bus, const char *what, char *key);
/* The same of another site. */
const char *sl_bus_key_of(const char *site, const char *what, char *key);

/* Drop all connections, say why, and try again later. */
void sl_bus_drop(struct sl_bus *bus, const char *why);
/* The same for an error reply of Redis to @what. */
void sl_bus_drop_for(struct sl_bus *bus, const char *what, const redisReply *error);

/* bus_hear.c: ask where a stream ends, then start listening when up. */
void sl_bus_hear_greet(struct sl_bus *bus);
void sl_bus_hear_begin(struct sl_bus *bus);
void sl_bus_hear_watermark(struct sl_bus *bus);
void sl_bus_hear_push(struct sl_bus *bus, const redisReply *reply);
/* The value of field `pb` in an entry's [field, value, ...]; NULL when there is none. */
const redisReply *sl_bus_pb(const redisReply *fields);
/* The id of an entry [id, [field, value, ...]]; NULL when it is none. */
const char *sl_bus_entry_id(const redisReply *entry);
/* Add an entry with @length bytes of bus->bytes and @json (freed here; "" = none) to stream @what. */
int sl_bus_add_entry(struct sl_bus *bus, const char *what, const char *cap, long length, char *json,
		     sl_bus_done done, void *arg);
/* Send @command whose answer nobody waits for; counted. */
int sl_bus_tell(struct sl_bus *bus, const struct sl_link_command *command);
/* Count and tell what could not be read. */
void sl_bus_malformed(struct sl_bus *bus, const char *key, const char *id, const char *why);
/* One greeting has been answered well. */
void sl_bus_greeted(struct sl_bus *bus);

#endif
