/*
 * say.h - what goes out of a site: decisions in plain words, orders, guardrails
 *
 * Every action passes sl_say_allowed; every decision, also to hold, becomes one
 * event; a hold is said again only when its reason changes.  Part of the pure
 * pipeline (site.h).
 */
#ifndef SL_SAY_H
#define SL_SAY_H

#include "site.h"

struct sl_saying {
	struct sl_care *care; /* NULL = of the site as a whole */
	const char *remedy;
	const char *key; /* what is compared to find out whether the reason changed */
	unsigned int uplink, to_uplink;
	enum sl_verdict verdict;
	uint64_t limit_bps, incident;
	const char *command_id;  /* may be NULL */
	enum sl_outcome outcome; /* of the incident's remedy, when that is what is said */
};

/* What is decided on: this picture, and what is kept of the ones before. */
struct sl_scene sl_say_scene(const struct sl_site *site);

/*
 * It is @service's turn: what is said until sl_say_turn_over carries the record of the decision
 * (site->record, empty now), with the numbers of that service's path.  SL_SITE_SERVICES: of no
 * service, with the numbers that are put into the record.
 */
void sl_say_turn(struct sl_site *site, unsigned int service);
void sl_say_turn_over(struct sl_site *site);

/* Publish a decision. */
void sl_say(struct sl_site *site, const struct sl_saying *saying, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Publish a hold when its key is new and has stood for SL_SAY_STAND_MS. */
#define SL_SAY_STAND_MS 300
#define SL_SAY_SPACE_MS 5000 /* between two holds of one incident */
void sl_say_hold(struct sl_site *site, const struct sl_saying *saying, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Wall clock of a moment of our own clock, for people. */
uint64_t sl_say_unix_ns(const struct sl_site *site, uint64_t at_ms);

/* Open an incident for @care unless one is open; its number. */
uint64_t sl_say_incident(struct sl_site *site, struct sl_care *care);

/* May anything be done now?  NULL = yes; else why not ("frozen", "shadow", ...), a constant. */
const char *sl_say_barred(const struct sl_site *site);

/* Put what sl_say_allowed answered into the record, in plain words with its numbers. */
void sl_say_guardrail(struct sl_site *site, const char *why);

/* The same for a new action: also counts actions per minute. */
const char *sl_say_allowed(const struct sl_site *site);

/*
 * Make @order (kind, service, uplink, move_live, limit, incident) an order in
 * flight, with a fresh id, sent now and again until it is answered.  An older one
 * in flight for the same service and concern is dropped: it is not wanted any more.
 * @counts: against actions per minute.  Returns the id, NULL when too many are in flight.
 */
const char *sl_say_order(struct sl_site *site, const struct sl_order *order, bool counts,
			 const char *reason);

/* Send again what is due, drop what has expired; each expired one is given to @expired. */
void sl_say_resend(struct sl_site *site,
		   void (*expired)(struct sl_site *site, const struct sl_order *order));

/* Take the order @id out of flight.  False when it is not there. */
bool sl_say_answered(struct sl_site *site, const char *id, struct sl_order *order);

/* An order is in flight for @service: of a limit or mark, or (@limit false) of its path. */
bool sl_say_waiting(const struct sl_site *site, const char *service, bool limit);

#endif
