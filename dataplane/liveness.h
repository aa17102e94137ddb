/*
 * liveness.h - is anything coming back?  from real traffic, and probes, every 10 ms
 *
 * Demand asks for an answer, progress is one, a stall is a flow that had to repeat
 * itself meanwhile (stats.h).  An uplink is down when demand over all its trusted
 * services has been silent for max(100 ms, 4 x RTT p95 up to 400 ms); two flows stalled or
 * there were three repeats, and these had time to be answered (1.5 x RTT p95,
 * 20..200 ms), with up to 4 more asked for where stalls were answered after all in
 * the last 10 s; and data was repeated, not only SYNs: in two services, or twice
 * where answers had come within 10 s.  So devices that call dead addresses in a
 * sleeping shop are no blackout.  Not in the first 2 s.  Three answers within 1 s
 * end it (one may be a straggler), and 60 s without demand: then nobody can say.
 * Probes (probe.h) are quicker: an uplink dead by their word, on which nothing comes in
 * either, is down; answers to them count for a return; an answered one is for 1 s a veto.
 */
#ifndef SL_LIVENESS_H
#define SL_LIVENESS_H

#include "fastpath/stats.h"
#include "probe.h"
#include "proto/wire.h"

/* Demand that nobody repeats for so long is given up; answers of so long ago are no news. */
#define SL_LIVENESS_STANDS_NS UINT64_C(10000000000)
#define SL_LIVENESS_BACK      3 /* answers that end a darkness */

/* What liveness needs of a path's counters. */
struct sl_liveness_count {
	uint64_t demand, progress, stalls, repeats;
	uint64_t syn_repeats; /* part of stalls + repeats: connections never made */
	uint64_t rejections;  /* RST, refusals: no progress, but somebody answers */
	uint64_t inbound;     /* packets from the WAN side */
};

/* One silence: of a path, or of an uplink over all its services. */
struct sl_liveness_silence {
	bool met; /* any demand since start */
	bool down;
	uint64_t progress_ns; /* last answer; 0 = none since start */
	uint64_t demand_ns;   /* first demand after it; 0 = none stands */
	uint64_t maybe_ns;    /* demand in the same tick as an answer: before or after it? */
	uint64_t last_demand_ns;
	uint64_t first_stall_ns, enough_ns;    /* since the last answer; 0 = not yet */
	uint32_t stalls, repeats, syn_repeats; /* since the last answer */
	uint32_t stalled_services;             /* bit per service */
	uint32_t lossy, lossy_before; /* stalls that were answered, in this 10 s and the last */
	uint64_t lossy_ns;            /* since when this */
	uint64_t excused_until_ns;    /* evidence does not count before this */
	uint64_t down_ns, back_ns;    /* since when down; first answer of a return */
	uint32_t back;                /* answers since back_ns */
};

/*
 * Whose word counts.  A guest makes stalls as he likes, so only the demand and stalls of
 * trusted services (sl_liveness_trust) can call an uplink dark; those of others raise a
 * suspicion, that is probes, and keep a dark one dark as long as nothing answers.  Answers
 * nobody on the LAN can feign: those of all services end a silence.  But an uplink may carry
 * a guest to an accomplice and nothing else: where trusted data of two services stalls,
 * answers of others are a veto for 1 s only, and then no return: trusted ones and probes are.
 * The price: where most of the demand is guests' and no probe runs, a blackout is found later.
 */
struct sl_liveness {
	uint32_t services, uplinks;
	uint64_t now_ns;
	bool started;
	uint64_t started_ns;
	struct sl_liveness_count last[SL_PATHS_MAX];
	struct sl_liveness_silence path[SL_PATHS_MAX];
	/* Of uplinks: trusted demand, anybody's answers; all trusted; anybody's demand as well. */
	struct sl_liveness_silence uplink[SL_UPLINKS_MAX];
	struct sl_liveness_silence firm[SL_UPLINKS_MAX];
	struct sl_liveness_silence any[SL_UPLINKS_MAX];
	uint32_t trusted[SL_UPLINKS_MAX];    /* bit per service */
	uint32_t rtt_p95_us[SL_UPLINKS_MAX]; /* recent; 0 = not known */
	struct sl_probe_view probe[SL_UPLINKS_MAX];
	uint32_t answers[SL_UPLINKS_MAX];    /* to probes, as of the last tick */
	uint64_t inbound_ns[SL_UPLINKS_MAX]; /* the last packet that came in by it; 0 = none */
	uint32_t usual[SL_UPLINKS_MAX];      /* packets that come in in a tick, 1/1024ths */
};

struct sl_liveness_view {
	enum sl_health state; /* good, down, idle; unknown before the first tick */
	uint32_t silent_ms;   /* since demand stands unanswered; 0 = none stands */
	uint64_t down_ns;     /* since when; 0 = not down */
	char reason[SL_TEXT_MAX];
};

/* @uplinks 0 (tap) counts as one.  All services are trusted until told. */
void sl_liveness_init(struct sl_liveness *l, uint32_t services, uint32_t uplinks);

/* Only @services (bit each, as in the tables) can call @uplink dark; kept until told anew. */
void sl_liveness_trust(struct sl_liveness *l, unsigned int uplink, uint32_t services);

/*
 * The uplinks of @was are those of @l, under another policy: what is down stays down.  Other
 * evidence is not taken over: its services may have other numbers now, and other trust.
 */
void sl_liveness_carry(struct sl_liveness *l, const struct sl_liveness *was);

/* @sum += the counters of @path, one worker's. */
void sl_liveness_count_add(struct sl_liveness_count *sum, const struct sl_path_stats *path);

/* Recent RTT p95 of @uplink (WAN leg), us; kept until told anew. */
void sl_liveness_set_rtt(struct sl_liveness *l, unsigned int uplink, uint32_t p95_us);

/* What probes say of @uplink, for the next tick. */
void sl_liveness_probe(struct sl_liveness *l, unsigned int uplink,
		       const struct sl_probe_view *view);

/*
 * Is there reason to ask whether @uplink is dead: a stall; or, when @eager, an answer that
 * is due (RTT p95 + 5 ms), or nothing that came in where 4 packets usually had.
 */
bool sl_liveness_suspects(const struct sl_liveness *l, unsigned int uplink, bool eager);

/* A tick: the sums over all workers, by SL_PATH(service, uplink). */
void sl_liveness_tick(struct sl_liveness *l, uint64_t now_ns,
		      const struct sl_liveness_count count[SL_PATHS_MAX]);

/* Flows were just moved to @uplink: what they repeat at first is not its fault. */
void sl_liveness_excuse(struct sl_liveness *l, unsigned int uplink);

/* Forget all evidence (bypass: nothing is counted any more). */
void sl_liveness_forget(struct sl_liveness *l);

/* The silence that has called @uplink down, .uplink[] or .firm[]; NULL = it is not down. */
const struct sl_liveness_silence *sl_liveness_dark(const struct sl_liveness *l,
						   unsigned int uplink);

void sl_liveness_uplink(const struct sl_liveness *l, unsigned int uplink,
			struct sl_liveness_view *view);
void sl_liveness_path(const struct sl_liveness *l, unsigned int path,
		      struct sl_liveness_view *view);

#endif
