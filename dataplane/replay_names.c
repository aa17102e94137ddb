/*
 * replay_names.c - the agent's ticks of the slow path, driven by a capture
 */
#include "replay_names.h"

#include <errno.h>
#include <stdlib.h>

#define TICK_NS    10000000u
#define FRAMES_MAX (SL_INSPECT_SLOTS / 2) /* between two ticks; a frame gives one copy at most */

struct sl_replay_names {
	struct sl_engine *engine;
	struct sl_slowpath *slowpath;
	struct sl_book *book;
	int err; /* of the book */
	bool started;
	uint64_t next_ns;
	uint32_t frames; /* since the last tick */
};

static void tell(void *arg, const struct sl_flow_name *name)
{
	struct sl_replay_names *names = arg;

	if (sl_book_name(names->book, name))
		names->err = -ENOMEM;
}

static void take(void *arg, const struct sl_inspect *inspect)
{
	sl_slowpath_take(((struct sl_replay_names *)arg)->slowpath, inspect);
}

struct sl_replay_names *sl_replay_names_open(struct sl_engine *engine,
					     const struct sl_clauses *clauses, struct sl_book *book)
{
	const struct sl_tables *tables = engine->ops->tables(engine);
	struct sl_replay_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->engine = engine;
	names->book = book;
	if (sl_slowpath_open(&names->slowpath, tell, names)) {
		free(names);
		return NULL;
	}
	sl_slowpath_apply(names->slowpath, clauses, tables->generation, tables->hash_seed,
			  engine->ops->names(engine));
	return names;
}

bool sl_replay_names_due(struct sl_replay_names *names, uint64_t t_ns)
{
	return names->frames++ >= FRAMES_MAX || !names->started || names->next_ns <= t_ns;
}

int sl_replay_names_tick(struct sl_replay_names *names, uint64_t t_ns)
{
	names->started = true;
	names->frames = 1;
	if (names->next_ns <= t_ns)
		names->next_ns = t_ns - t_ns % TICK_NS + TICK_NS;
	names->engine->ops->inspect(names->engine, take, names);
	sl_slowpath_tick(names->slowpath, t_ns);
	return names->err;
}

int sl_replay_names_settle(struct sl_replay_names *names)
{
	names->engine->ops->inspect(names->engine, take, names);
	sl_slowpath_settle(names->slowpath);
	return names->err;
}

void sl_replay_names_close(struct sl_replay_names *names)
{
	if (!names)
		return;
	sl_slowpath_close(names->slowpath);
	free(names);
}
