/*
 * state_wire.h - messages in the state file: their protobuf bytes as hexadecimal text
 *
 * What has a message of its own is kept in it, so that a new field is kept without a line
 * here.  What cannot be read is left out.  Part of state.c.
 */
#ifndef SL_STATE_WIRE_H
#define SL_STATE_WIRE_H

#include "site.h"

#include <jansson.h>

json_t *sl_state_event_write(const struct sl_event *event);
bool sl_state_event_read(struct sl_event *event, const char *text);

/* The incidents that are open, or that Redis is not known to have. */
json_t *sl_state_cases_write(const struct sl_cases *cases);
void sl_state_cases_read(struct sl_cases *cases, const json_t *array);

/* The clamps that stand, by the names of their uplinks. */
json_t *sl_state_clamps_write(const struct sl_site *site);
void sl_state_clamps_read(struct sl_site *site, const json_t *array);

/* What the site has learnt. */
json_t *sl_state_memory_write(const struct sl_site *site);
void sl_state_memory_read(struct sl_site *site, const char *text);

#endif
