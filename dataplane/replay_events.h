/*
 * replay_events.h - when the health of a path changed, by a capture's own clock
 *
 * The agent's own judgement (window.h, liveness.h, health.h) on the engine's counters,
 * ticked by the frames' times: liveness each 10 ms, health each 100 ms.  One JSON
 * line a change.  A clock that runs backwards waits until it has caught up; of a gap
 * longer than all windows only the end is ticked.
 */
#ifndef SL_REPLAY_EVENTS_H
#define SL_REPLAY_EVENTS_H

#include <stdio.h>

#include "../proto/policy.h"
#include "engine.h"

struct sl_replay_events;

/* NULL when out of memory. */
struct sl_replay_events *sl_replay_events_open(const struct sl_policy *policy);

/* Would a tick for a frame at @t_ns do anything? */
bool sl_replay_events_due(const struct sl_replay_events *events, uint64_t t_ns);

/* A frame is about to run at @t_ns: do the ticks that were due before it.  0 or -ENOMEM. */
int sl_replay_events_tick(struct sl_replay_events *events, struct sl_engine *engine, uint64_t t_ns);

/* Write what changed so far.  0 or -EIO. */
int sl_replay_events_write(const struct sl_replay_events *events, FILE *out);

void sl_replay_events_close(struct sl_replay_events *events);

#endif
