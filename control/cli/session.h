/*
 * session.h - a short talk with the site over its bus
 *
 * Opened by a verb, run until what it waits for is there, closed.  The verb sets the
 * callbacks it wants; pictures and the policy are kept here.
 */
#ifndef SL_SESSION_H
#define SL_SESSION_H

#include "cli.h"

struct event_base;
struct sl_bus;
struct sl_past;
struct sl_policy;

struct sl_session {
	const struct sl_cli *cli;
	struct event_base *base;
	struct sl_bus *bus;
	bool connected, stop;
	uint32_t losses;       /* of the connection, so far */
	char why[SL_TEXT_MAX]; /* of the last lost connection */
	bool has_picture;
	uint64_t picture_ms; /* when it came, monotonic */
	struct sl_telemetry picture;
	bool has_policy; /* asked, and the answer is below (NULL = there is none) */
	char *current, *previous;
	uint64_t policy_version;
	bool has_unclaimed; /* asked, and the answer is below (NULL = there is none) */
	struct sl_unclaimed_report *unclaimed;
	struct sl_past *past; /* what is waited for, past.h */
	/* Set by the verb, may be NULL. */
	void (*on_event)(struct sl_session *session, const struct sl_event *event);
	void (*on_picture)(struct sl_session *session);
	void (*on_malformed)(struct sl_session *session, const char *id); /* an entry */
	void *arg;
};

struct sl_session_wants {
	bool telemetry, events;
	uint32_t past_ms; /* events: from this long ago */
};

/* 0, or an exit code, told.  Close it also after a failure. */
int sl_session_open(struct sl_session *session, const struct sl_cli *cli,
		    const struct sl_session_wants *wants);
void sl_session_close(struct sl_session *session);

/* Run until @done says true, session->stop, or @timeout_ms (0 = for ever) is over. */
bool sl_session_run(struct sl_session *session, bool (*done)(const struct sl_session *session),
		    uint32_t timeout_ms);

/* Wait for the first connection, a picture, the policy, the unclaimed: 0, or SL_CLI_TIMEOUT and told. */
int sl_session_connect(struct sl_session *session);
int sl_session_picture(struct sl_session *session);
int sl_session_policy(struct sl_session *session);
int sl_session_unclaimed(struct sl_session *session);
/* Ask for the policy again; session->has_policy says when it is there. */
void sl_session_ask_policy(struct sl_session *session);

/* The policy there is, read; NULL and told (with *@code) when there is none.  Caller frees. */
struct sl_policy *sl_session_read_policy(struct sl_session *session, int *code);

uint64_t sl_session_now_ms(void);

#endif
