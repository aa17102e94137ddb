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

/*
 * In care_trial.c: the share of new flows to try with, in ppm, 0 = too few to try; one picture of
 * a trial; a trial of ours that stands and that nobody knows of any more is taken up (true).
 */
uint32_t sl_care_share(const struct sl_site *site, unsigned int service, unsigned int uplink);
void sl_care_try(struct sl_site *site, unsigned int service);
bool sl_care_finds_trial(struct sl_site *site, unsigned int service);

/* Shared by both files. */
unsigned int sl_care_uplink(const struct sl_site *site, const char *name);
unsigned int sl_care_home(const struct sl_site *site, unsigned int service);
/* The verdict on the path, into the record as well; @found (SL_TEXT_MAX): what it rests on. */
enum sl_verdict sl_care_locate(struct sl_site *site, unsigned int service, unsigned int uplink,
			       char *found);
/* The shortest rest after which connections were forgotten (sl_locate_idle), of late; 0 = none. */
uint32_t sl_care_idle_ms(const struct sl_site *site, unsigned int service);
/* Limit, or mark, the culprit of @choice for @service on @where; forbidden, the hold is said. */
void sl_care_relieve(struct sl_site *site, unsigned int service, unsigned int where,
		     const struct sl_choice *choice);
/* A limit is being tried on @where: let it show what it does, unless all is dark. */
bool sl_care_waits(struct sl_site *site, unsigned int service, unsigned int where);
/* Order and say the move to @uplink; false when a guardrail forbids it (then the hold is said). */
struct sl_move {
	unsigned int from, to;
	enum sl_verdict verdict;
	bool live;
	bool undo;          /* of a move that did not help: no hold-down */
	bool follows;       /* from a trial: the same action, counted once */
	uint32_t share_ppm; /* of new flows, a trial; 0 = all */
	const char *remedy; /* reroute, restore */
	const char *why;
};
bool sl_care_move(struct sl_site *site, unsigned int service, const struct sl_move *move);
/* It is on another uplink since now, by whomsoever. */
void sl_care_moved(const struct sl_site *site, struct sl_care *care);
void sl_care_set_ends(const struct sl_site *site, struct sl_care *care, unsigned int from,
		      unsigned int to);
void sl_care_hold(struct sl_site *site, unsigned int service, enum sl_verdict verdict,
		  const char *key, const char *why);
void sl_care_close(struct sl_site *site, unsigned int service, const char *why);

#endif
