/*
 * attack.h - a till's traffic and an attacker's, on one host engine
 *
 * The till (service POS, critical) keeps some connections and asks a resolver; round trips and
 * losses are known.  Guests (service GUEST, background) are the attacker's own, and what he
 * forges into the till's flows has the right addresses and ports, and numbers by chance.
 */
#ifndef SL_TEST_ATTACK_H
#define SL_TEST_ATTACK_H

#include "dataplane/engine.h"
#include "dataplane/host.h"
#include "tests/unit/fastpath/maker.h"

#define ATTACK_POS   1
#define ATTACK_GUEST 2

#define ATTACK_FLOWS  7168 /* entries of the table */
#define ATTACK_TILLS  6
#define ATTACK_EVENTS 8192
#define ATTACK_TILL   0x0a000005u /* 10.0.0.5 and on */
#define ATTACK_SERVER 0xcb007107u
#define ATTACK_DNS    0xcb007135u
#define ATTACK_GUESTS 0x0a2a4000u /* 10.42.64.0/18 */

#define ATTACK_SECOND_NS UINT64_C(1000000000)

struct attack_event {
	uint64_t t_ns;
	enum sl_side side;
	struct maker_spec spec;
};

struct attack {
	struct sl_engine *engine;
	uint64_t now_ns;
	uint32_t events;
	uint64_t dice;
	uint64_t forged; /* frames of the attacker */
	struct attack_event event[ATTACK_EVENTS];
};

/* What the attacker does before the till's event @i, at @attack->now_ns. */
typedef void attack_step(struct attack *attack, uint32_t i);

/* An engine with @guest_quota entries for guests, and the till's traffic, not run yet. */
void attack_open(struct attack *attack, uint32_t guest_quota);
void attack_close(struct attack *attack);

/* Run the till's traffic, with @step before each event; NULL = alone. */
void attack_run(struct attack *attack, attack_step *step);

/* The next random number below @limit, which is not 0. */
uint32_t attack_dice(struct attack *attack, uint32_t limit);
uint32_t attack_word(struct attack *attack);

/* The attacker's frame, sent by @side, now. */
void attack_send(struct attack *attack, const struct maker_spec *spec, enum sl_side side);
void attack_send_made(struct attack *attack, const struct maker *made, enum sl_side side);

/* A segment of till @till's connection with random numbers; from the till, or to it. */
struct maker_spec attack_blind(struct attack *attack, uint32_t till, bool from_till);

const struct sl_stats *attack_stats(const struct attack *attack);

#endif
