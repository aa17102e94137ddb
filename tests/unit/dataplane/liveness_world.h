/*
 * liveness_world.h - a shop's flows, simulated as TCP does it, before liveness
 *
 * A request, an answer a round trip later, or repeats at RTO = 200 ms + RTT, doubling.  A
 * flow may also knock at a dead address (SYNs after 1, 2, 4 s, never answered).
 */
#ifndef SL_LIVENESS_WORLD_H
#define SL_LIVENESS_WORLD_H

#include "memory_engine.h"

#include "dataplane/liveness.h"

#define FLOWS_MAX 128
#define TRUSTED   (1u << 1 | 1u << 2) /* tills, and click-and-collect; guests are 3 */
#define EVERYBODY UINT32_MAX
#define NEVER     UINT32_MAX

struct flow {
	unsigned int service, uplink;
	uint32_t period_ms, rtt_ms;
	bool dead;   /* nobody is there */
	bool oneway; /* UDP that nobody answers */
	bool liar;   /* a guest's data, seen here, that reaches nobody: made to expire on the way */
	/* Of the simulation. */
	uint32_t ask_ms, answer_ms, repeat_ms, rto_ms;
	bool waiting;
	uint32_t repeats;
};

struct world {
	struct sl_liveness l;
	struct sl_liveness_count count[SL_PATHS_MAX];
	struct flow flow[FLOWS_MAX];
	uint32_t flows;
	uint32_t now_ms;
	double loss;
	uint32_t dark_from_ms, dark_to_ms; /* uplink 0 carries nothing ... */
	uint32_t dark_services;            /* ... of these, bit each */
	uint64_t seed;
	uint32_t down_ms[2]; /* when an uplink was first seen down; NEVER = not */
	uint32_t path_down_ms[SL_PATHS_MAX];
	uint32_t falls;
};

/* Uniform in [0, 1). */
double world_draw(struct world *w);

/* Nothing is lost, there is no flow yet, and services 1 and 2 are trusted. */
void world_open(struct world *w, uint64_t seed);

/* @f from now on; @rtt_p95_us: what its uplink's is known to be from now on, 0 = no news. */
void world_add(struct world *w, struct flow f, uint32_t rtt_p95_us);

/* Traffic of a shop, @tills that ask twice a second and more of each other kind. */
void world_add_shop(struct world *w, int tills, uint32_t rtt_ms);

/* Whose word counts from now on, by either uplink. */
void world_trust(struct world *w, uint32_t services);

void world_run(struct world *w, uint32_t until_ms);

#endif
