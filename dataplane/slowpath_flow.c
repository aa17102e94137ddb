/*
 * slowpath_flow.c - which flows the slow path remembers, and which it still reads
 *
 * Two lists in order of the last copy: of all flows, and of those in progress, which hold what
 * is dear (nDPI's state, a reader).  Where there is no more room the first of the list gives way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "slowpath_private.h"

static struct sl_slow_flow **head_of(const struct sl_slowpath *slowpath, uint64_t hash)
{
	return (struct sl_slow_flow **)&slowpath->flow_head[hash >> 8 & (SL_SLOW_FLOWS - 1)];
}

int sl_slow_flows_open(struct sl_slowpath *slowpath)
{
	TAILQ_INIT(&slowpath->all);
	TAILQ_INIT(&slowpath->busy);
	TAILQ_INIT(&slowpath->free);
	TAILQ_INIT(&slowpath->readers);
	TAILQ_INIT(&slowpath->free_readers);
	slowpath->flow = calloc(SL_SLOW_FLOWS, sizeof(*slowpath->flow));
	slowpath->reader = calloc(SL_SLOW_READERS, sizeof(*slowpath->reader));
	return slowpath->flow && slowpath->reader ? 0 : -ENOMEM;
}

void sl_slow_flows_close(struct sl_slowpath *slowpath)
{
	free(slowpath->flow);
	free(slowpath->reader);
}

struct sl_slow_flow *sl_slow_flow_find(const struct sl_slowpath *slowpath, uint64_t hash,
				       const struct sl_flow_key *key)
{
	struct sl_slow_flow *flow = *head_of(slowpath, hash);

	while (flow && (flow->said.hash != hash || !sl_flow_key_equal(&flow->said.key, key)))
		flow = flow->chain;
	return flow;
}

const struct sl_flow_name *sl_slowpath_name(const struct sl_slowpath *slowpath, uint64_t hash,
					    uint32_t incarnation)
{
	const struct sl_slow_flow *flow = *head_of(slowpath, hash);

	while (flow && (flow->said.hash != hash || flow->said.incarnation != incarnation))
		flow = flow->chain;
	return flow ? &flow->said : NULL;
}

static void unchain(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	struct sl_slow_flow **at = head_of(slowpath, flow->said.hash);

	while (*at != flow)
		at = &(*at)->chain;
	*at = flow->chain;
}

void sl_slow_flow_rest(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	sl_slow_reader_drop(slowpath, flow);
	sl_slow_app_drop(slowpath->app, flow);
	if (!flow->is_busy)
		return;
	TAILQ_REMOVE(&slowpath->busy, flow, busy);
	flow->is_busy = false;
	slowpath->busy_count--;
}

void sl_slow_flow_forget(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	sl_slow_flow_rest(slowpath, flow);
	unchain(slowpath, flow);
	TAILQ_REMOVE(&slowpath->all, flow, line);
	*flow = (struct sl_slow_flow){0};
	TAILQ_INSERT_HEAD(&slowpath->free, flow, line);
	slowpath->counts.flows--;
}

/* Give up the flow in progress that rests the longest. */
static void evict(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	if (!flow->is_busy)
		return;
	slowpath->counts.flows_evicted++;
	sl_slow_end(slowpath, flow);
}

/* A place that no flow has: the oldest flow's, when all are taken. */
static struct sl_slow_flow *place_of_flow(struct sl_slowpath *slowpath)
{
	struct sl_slow_flow *flow;

	if (TAILQ_EMPTY(&slowpath->free) && slowpath->flows_used < SL_SLOW_FLOWS)
		return &slowpath->flow[slowpath->flows_used++];
	if (TAILQ_EMPTY(&slowpath->free)) {
		flow = TAILQ_FIRST(&slowpath->all);
		evict(slowpath, flow);
		sl_slow_flow_forget(slowpath, flow);
	}
	flow = TAILQ_FIRST(&slowpath->free);
	TAILQ_REMOVE(&slowpath->free, flow, line);
	return flow;
}

struct sl_slow_flow *sl_slow_flow_begin(struct sl_slowpath *slowpath,
					const struct sl_inspect *inspect)
{
	struct sl_slow_flow *flow, **head = head_of(slowpath, inspect->hash);

	if (slowpath->busy_count == SL_SLOW_BUSY)
		evict(slowpath, TAILQ_FIRST(&slowpath->busy));
	flow = place_of_flow(slowpath);
	*flow = (struct sl_slow_flow){.used = true, .is_busy = true, .chain = *head};
	flow->said.key = inspect->key;
	flow->said.hash = inspect->hash;
	flow->said.incarnation = inspect->incarnation;
	flow->said.initiator = inspect->initiator;
	flow->said.lan = inspect->lan;
	*head = flow;
	TAILQ_INSERT_TAIL(&slowpath->all, flow, line);
	TAILQ_INSERT_TAIL(&slowpath->busy, flow, busy);
	slowpath->busy_count++;
	slowpath->counts.flows++;
	return flow;
}

void sl_slow_flow_touch(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	flow->seen_ns = slowpath->now_ns;
	TAILQ_REMOVE(&slowpath->all, flow, line);
	TAILQ_INSERT_TAIL(&slowpath->all, flow, line);
	if (!flow->is_busy)
		return;
	TAILQ_REMOVE(&slowpath->busy, flow, busy);
	TAILQ_INSERT_TAIL(&slowpath->busy, flow, busy);
}

/* ---- readers ---- */

/* A reader that no flow has: another flow's, when all are taken. */
static struct sl_slow_reader *place_of_reader(struct sl_slowpath *slowpath)
{
	struct sl_slow_reader *reader;

	if (TAILQ_EMPTY(&slowpath->free_readers) && slowpath->readers_used < SL_SLOW_READERS)
		return &slowpath->reader[slowpath->readers_used++];
	if (TAILQ_EMPTY(&slowpath->free_readers)) {
		struct sl_slow_flow *oldest = TAILQ_FIRST(&slowpath->readers)->flow;

		slowpath->counts.flows_evicted += oldest->begun;
		oldest->hello_done = true;
		sl_slow_reader_drop(slowpath, oldest);
	}
	reader = TAILQ_FIRST(&slowpath->free_readers);
	TAILQ_REMOVE(&slowpath->free_readers, reader, line);
	return reader;
}

struct sl_slow_reader *sl_slow_reader_take(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	struct sl_slow_reader *reader;

	if (flow->reader)
		return flow->reader;
	reader = place_of_reader(slowpath);
	TAILQ_INSERT_TAIL(&slowpath->readers, reader, line);
	reader->flow = flow;
	flow->reader = reader;
	return reader;
}

void sl_slow_reader_drop(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	if (!flow->reader)
		return;
	TAILQ_REMOVE(&slowpath->readers, flow->reader, line);
	TAILQ_INSERT_HEAD(&slowpath->free_readers, flow->reader, line);
	flow->reader->flow = NULL;
	flow->reader = NULL;
}
