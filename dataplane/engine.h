/*
 * engine.h - what the agent knows of an engine: tables in, stats out
 *
 * An engine moves packets and runs the core on them (dataplane/fastpath).  The
 * agent drives it through these calls and never learns which one it is.
 * All calls come from the agent's one thread.
 */
#ifndef SL_ENGINE_H
#define SL_ENGINE_H

#include "fastpath/record.h"
#include "fastpath/stats.h"
#include "fastpath/tables.h"
#include "inspect_ring.h"

/* The flow recorder's rings of one worker, as that worker fills them. */
struct sl_record_view {
	const struct sl_record_head *head; /* [SL_RECORD_RINGS] */
	const struct sl_record *slot;      /* ring r from r * slots on */
	uint32_t slots;                    /* of a ring: a power of two */
};

struct sl_engine; /* the engine's own; first member is struct sl_engine_ops const * */

struct sl_engine_ops {
	const char *name; /* "xdp", "dpdk", "host" */
	/*
	 * Swap in a whole new generation; packets see either the old or the new one.
	 * 0, or -errno and the old one stands.  @next is copied.
	 */
	int (*apply)(struct sl_engine *engine, const struct sl_tables *next);
	/* The standing generation.  Only ->knobs may be written, word by word. */
	struct sl_tables *(*tables)(struct sl_engine *engine);
	/* Stats of worker @worker, or NULL past the last.  Valid until close. */
	const struct sl_stats *(*stats)(struct sl_engine *engine, unsigned int worker);
	/*
	 * One line per port of how the engine stands in the traffic, for status:
	 * "lan0 eth1 gateway native".  NULL past the last.
	 */
	const char *(*port)(struct sl_engine *engine, unsigned int port);
	/*
	 * What the slow path says of flows and servers (names.h): the agent's thread writes.
	 * NULL, also as a call: this engine has none.
	 */
	struct sl_names *(*names)(struct sl_engine *engine);
	/* Hand the copies that wait for the slow path to @take.  How many; may be NULL. */
	int (*inspect)(struct sl_engine *engine, sl_inspect_take *take, void *arg);
	/* The recorder's rings of @worker, valid until close; false past the last.  May be NULL. */
	bool (*records)(struct sl_engine *engine, unsigned int worker, struct sl_record_view *view);
	/* Monotonic clock of the core's timestamps, ns. */
	uint64_t (*now_ns)(struct sl_engine *engine);
	/*
	 * Let go.  @detach false: links and maps stay pinned and traffic is measured
	 * and steered on (a restart picks them up); true: nothing stays behind.
	 */
	void (*close)(struct sl_engine *engine, bool detach);
};

struct sl_engine {
	const struct sl_engine_ops *ops;
};

#endif
