/*
 * replay_names.h - the slow path in a replay, by a capture's own clock
 *
 * Copies are read each 10 ms, as the agent does, and at the latest after as many frames as the
 * smallest engine's ring has room for: at the same frames whatever the engine, so that all
 * write the same lines.  A recording has a slow path of its own: it does not know the one before.
 */
#ifndef SL_REPLAY_NAMES_H
#define SL_REPLAY_NAMES_H

#include "book.h"
#include "engine.h"
#include "slowpath.h"

struct sl_replay_names;

/* For a recording on @engine, whose tables stand; what is found goes to @book.  NULL: no memory. */
struct sl_replay_names *sl_replay_names_open(struct sl_engine *engine,
					     const struct sl_clauses *clauses,
					     struct sl_book *book);

/*
 * A frame is about to run at @t_ns: is a tick due before it?  Ask once a frame, then have
 * all frames before it run, then tick.
 */
bool sl_replay_names_due(struct sl_replay_names *names, uint64_t t_ns);
/* 0; or -ENOMEM: a name is missing in the book. */
int sl_replay_names_tick(struct sl_replay_names *names, uint64_t t_ns);

/* The recording is over.  0 or -ENOMEM, as above. */
int sl_replay_names_settle(struct sl_replay_names *names);

/* NULL is fine. */
void sl_replay_names_close(struct sl_replay_names *names);

#endif
