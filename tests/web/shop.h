/*
 * shop.h - a store that is only said to be one: pictures, events, incidents on a real bus
 */
#ifndef SL_TEST_SHOP_H
#define SL_TEST_SHOP_H

#include "proto/bus.h"

#define SHOP_SITE "store-0421"

enum shop_mood { SHOP_GOOD, SHOP_BROWNOUT, SHOP_MOVED, SHOP_DOWN };

extern const char shop_policy[];

/* Fill @picture as it is in @mood; @tick counts pictures. */
void shop_picture(struct sl_telemetry *picture, enum shop_mood mood, uint64_t tick);

/* The state change, the decision, the incident of a brownout of pos on fibre. */
void shop_change(struct sl_event *event, enum shop_mood mood);
void shop_decision(struct sl_event *event, uint64_t incident);
void shop_incident(struct sl_incident *incident, uint64_t id, bool closed);

uint64_t shop_unix_ns(void);

#endif
