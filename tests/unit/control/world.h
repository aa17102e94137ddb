/*
 * world.h - a small store in memory: traffic, faults, and a dataplane that obeys
 *
 * Ten ticks a second.  Each path has samples and segments per tick; a picture is the
 * sum of the last ten, judged against the SLO as the dataplane judges.  Orders are
 * applied one tick later and acknowledged.  Deterministic.
 */
#ifndef SL_TEST_WORLD_H
#define SL_TEST_WORLD_H

#include "control/site.h"

#define WORLD_TICK_MS   100
#define WORLD_WINDOW    10
#define WORLD_UNIX_NS   UINT64_C(1795600000000000000) /* a Wednesday, 2026-11-25 */
#define WORLD_MONTH     (2026 * 12 + 10)
#define WORLD_INCIDENTS 64
#define WORLD_SAMPLES   40 /* a tick, at most */

enum { POS, COLLECT, GUEST, CCTV, WORLD_SERVICES };
enum { FIBRE, LTE, WORLD_UPLINKS };

struct world_tick {
	uint32_t samples, segments, lost_wan, lost_lan, flows;
	uint32_t rtt_us[WORLD_SAMPLES];
	uint64_t bytes;
	bool demand;
};

struct world {
	struct sl_site site;
	struct sl_site_out out;
	struct sl_policy policy;
	struct sl_telemetry picture;
	uint64_t now_ms;
	uint64_t random, seq;
	/* The network, set by a scenario. */
	uint32_t delay_ms[WORLD_UPLINKS], loss_ppm[WORLD_UPLINKS], jitter_ms;
	bool black[WORLD_UPLINKS];
	uint32_t path_loss_ppm[WORLD_SERVICES][WORLD_UPLINKS]; /* besides the uplink's */
	uint32_t far_ms[WORLD_SERVICES]; /* its server answers later, by any way */
	uint32_t lan_loss_ppm[WORLD_SERVICES];
	bool refused[WORLD_SERVICES][WORLD_UPLINKS]; /* its connections are, by that uplink */
	uint32_t unanswered[WORLD_SERVICES][WORLD_UPLINKS]; /* requests, of 40 times as many */
	uint32_t hole_bytes[WORLD_UPLINKS];                 /* larger packets vanish; 0 = none do */
	bool large[WORLD_SERVICES]; /* it sends packets of 1500 bytes, when it may */
	bool guest_up;              /* what the guest sends goes up, not down */
	bool yields; /* what is marked LE waits in a queue of its own, beyond the fibre */
	bool quiet[WORLD_SERVICES];
	uint64_t guest_bps, capacity_bps;
	uint32_t queue_ms;             /* of the bottleneck, filled by the guest */
	unsigned int bottleneck;       /* uplink */
	bool everywhere;               /* all services may use all uplinks */
	bool fast_reroute, deaf, mute; /* dataplane: does that; ignores orders; makes no pictures */
	bool blind[WORLD_SERVICES];    /* coverage is low */
	uint32_t least_lost;           /* dataplane: fewer lost segments in a window are chance */
	enum sl_ack_status (*go_back)(struct world *world, const struct sl_order *order);
	/* What the dataplane has set. */
	unsigned int where[WORLD_SERVICES];
	bool stays[WORLD_SERVICES];                      /* live flows stay on the old uplink */
	unsigned int trial[WORLD_SERVICES];              /* where a share of the new flows goes */
	uint32_t share_ppm[WORLD_SERVICES];              /* 0 = no trial */
	uint32_t flows_ps[WORLD_SERVICES];               /* new flows a second */
	uint32_t rest[WORLD_SERVICES][WORLD_UPLINKS][3]; /* parts of a sample, segment, flow */
	uint64_t limit_bps[WORLD_SERVICES];
	uint32_t clamp_bytes[WORLD_UPLINKS];
	char dscp[WORLD_SERVICES][SL_DSCP_MAX], dscp_cause[WORLD_SERVICES][SL_ID_MAX];
	uint32_t dscp_hold_ms[WORLD_SERVICES];
	uint32_t packet_bytes[WORLD_SERVICES]
			     [WORLD_UPLINKS]; /* of connections as they were opened */
	char cause[WORLD_SERVICES][SL_ID_MAX];
	uint64_t silent_ms[WORLD_UPLINKS];
	struct world_tick tick[WORLD_SERVICES][WORLD_UPLINKS][WORLD_WINDOW];
	/* What happened. */
	uint32_t clamps, unclamps, remarks, unmarks; /* orders */
	uint32_t trials, reroutes, restores, throttles, lifts, decisions, moves[WORLD_SERVICES];
	uint64_t trial_ms, away_ms, home_ms; /* POS: first trial, all on LTE; last time back */
	uint64_t slow_ms;                    /* POS: time that its window was over the SLO */
	bool verdict[SL_VERDICT_COUNT];
	char text[16384]; /* all that was said, remedy and text, line by line */
	struct sl_incident incident[WORLD_INCIDENTS]; /* as Redis has them, by id - 1 */
	uint32_t incidents;
	char records[65536]; /* how the decisions came about, the first that fit */
};

/* A store at peace, @mode, with its guardrails as in DESIGN.md 8 but @hold_ms. */
void world_start(struct world *world, enum sl_mode mode, uint32_t hold_ms);

/* One tick. */
void world_step(struct world *world);

/* Control is killed and comes back: what was durable survives. */
void world_restart_control(struct world *world);

#endif
