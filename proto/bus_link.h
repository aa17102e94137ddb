/*
 * bus_link.h - one connection to Redis: questions in order, answers in order
 *
 * hiredis's own asynchronous layer asserts on what the other side sends (an
 * answer to no question, an odd push) and so dies of a server that is not Redis.
 * Here only its parser and its formatter are used, on a libevent bufferevent:
 * whatever arrives is answered by dropping the connection.  One thread: the loop's.
 */
#ifndef SL_BUS_LINK_H
#define SL_BUS_LINK_H

#include <hiredis/hiredis.h>
#include <sys/queue.h>

#include "bus_address.h"

struct bufferevent;
struct event_base;

#define SL_LINK_WORDS_MAX  24
#define SL_LINK_PATIENCE   UINT64_C(2000000000) /* ns without an answer: the connection is dropped */
#define SL_LINK_OUTPUT_MAX (16 * 1024 * 1024)   /* unsent bytes */
#define SL_LINK_INPUT_MAX  (32 * 1024 * 1024)   /* 64 entries of each stream, with their mirrors */

/* A Redis command as its words, which the caller keeps until it is asked. */
struct sl_link_command {
	int words;
	const char *word[SL_LINK_WORDS_MAX];
	size_t length[SL_LINK_WORDS_MAX];
};

/* The answer, lent for the call; or NULL when it will never come, and why. */
typedef void (*sl_link_answer)(void *arg, const redisReply *reply, const char *why);

struct sl_link_handlers {
	/* The connection is unusable: called once; close it. */
	void (*lost)(void *arg, const char *why);
	/* A reply that nobody asked for; NULL = that is an error. */
	void (*pushed)(void *arg, const redisReply *reply);
	/* Around everything that libevent calls: @arg may be freed only after the last leave. */
	void (*enter)(void *arg);
	void (*leave)(void *arg);
};

struct sl_link_question;

struct sl_link {
	struct bufferevent *stream; /* NULL = closed */
	redisReader *reader;
	const struct sl_link_handlers *handlers;
	void *arg;
	STAILQ_HEAD(, sl_link_question) questions;
	uint64_t waited_ns, checked_ns; /* for an answer, since the last one; when last checked */
};

/* 0, or -errno when it fails at once; later failures come by handlers->lost. */
int sl_link_open(struct sl_link *link, struct event_base *base, const struct sl_address *address);
/* Close (also what is closed); what is unanswered is told @why. */
void sl_link_close(struct sl_link *link, const char *why);

/* Add @text, or @size bytes, to @command. */
void sl_link_text(struct sl_link_command *command, const char *text);
void sl_link_bytes(struct sl_link_command *command, const void *bytes, size_t size);

/*
 * Send @command; @answer is called once if and only if this returns 0.
 * @patience_ns: how long to wait for it.  -ENOTCONN, -EAGAIN (too much unsent), -ENOMEM.
 */
int sl_link_ask(struct sl_link *link, const struct sl_link_command *command, uint64_t patience_ns,
		sl_link_answer answer, void *arg);
/* Send what has no answer of its own (SUBSCRIBE). */
int sl_link_tell(struct sl_link *link, const struct sl_link_command *command);

/*
 * To be called each 50 ms or so: is the oldest question overdue?  Then handlers->lost
 * is called.  What is counted is time in which the loop ran: a process that was
 * busy or stopped itself does not blame Redis.
 */
void sl_link_check(struct sl_link *link, uint64_t now_ns);

bool sl_link_idle(const struct sl_link *link);
size_t sl_link_unsent(const struct sl_link *link);
uint64_t sl_link_now(void); /* ns, monotonic */

#endif
