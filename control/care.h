/*
 * care.h - one service's way through an incident: home, moving, proving, away, returning
 *
 * What stands is read from the pictures, never assumed: a service that is found
 * elsewhere (fast reroute, an earlier life of control) is adopted, one that a person
 * has moved is left alone.  Part of the pure pipeline (site.h).
 */
#ifndef SL_CARE_H
#define SL_CARE_H

#include "say.h"

/* One picture later: what is to be done for policy service @service. */
void sl_care_step(struct sl_site *site, unsigned int service);

/* The dataplane answered @order of policy service @service. */
void sl_care_answer(struct sl_site *site, unsigned int service, const struct sl_order *order,
		    enum sl_ack_status status, const char *why);

/* A person has put policy service @service back: nothing is held against it any more. */
void sl_care_person(struct sl_site *site, unsigned int service);

/* Parts of the step, in care_away.c: while a move is being proved, and while away. */
void sl_care_prove(struct sl_site *site, unsigned int service);
void sl_care_away(struct sl_site *site, unsigned int service);

/* Shared by both files. */
struct sl_scene sl_care_scene(const struct sl_site *site);
unsigned int sl_care_uplink(const struct sl_site *site, const char *name);
unsigned int sl_care_home(const struct sl_site *site, unsigned int service);
/* Order and say the move to @uplink; false when a guardrail forbids it (then the hold is said). */
struct sl_move {
	unsigned int from, to;
	enum sl_verdict verdict;
	bool live;
	bool undo;          /* of a move that did not help: no hold-down */
	const char *remedy; /* reroute, restore */
	const char *why;
};
bool sl_care_move(struct sl_site *site, unsigned int service, const struct sl_move *move);
void sl_care_hold(struct sl_site *site, unsigned int service, enum sl_verdict verdict,
		  const char *key, const char *why);
void sl_care_close(struct sl_site *site, unsigned int service, const char *why);

#endif
