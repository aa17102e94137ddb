/*
 * whatif_private.h - a replay as its own files see it
 *
 * whatif.c takes roll-ups and counts, whatif_store.c is the dataplane that obeys, whatif_sight.c
 * says what a service would have met where it is, whatif_blend.c makes ten pictures of a second.
 */
#ifndef SL_WHATIF_PRIVATE_H
#define SL_WHATIF_PRIVATE_H

#include "site.h"
#include "whatif.h"

#define SL_WHATIF_SLICES 10 /* pictures a second, as live */

/* What is set for a service in the replayed store. */
struct sl_whatif_set {
	unsigned int where;        /* SL_UPLINK_UNSET = nowhere that the policy knows */
	unsigned int trial;        /* where a share of its new flows goes */
	uint32_t share_ppm;        /* 0 = no trial */
	uint64_t limit_bps;        /* 0 = none */
	bool stays;                /* moved without its live flows: the old path goes on */
	bool person, person_limit; /* a person sent it there; limits it */
	char cause[SL_ID_MAX];
	uint64_t fast_ms;  /* last fast reroute; 0 = none */
	unsigned int left; /* by the last move ... */
	uint64_t left_ms;  /* ... at; 0 = none */
	bool has_usual;
	struct sl_path_report usual; /* the last good one that was known */
};

/* A roll-up as the replayed store would have met it. */
struct sl_whatif_roll {
	struct sl_telemetry recorded;
	struct sl_view view; /* of recorded, by the replayed policy */
	bool has[SL_SITE_SERVICES][SL_SITE_UPLINKS];
	uint8_t grade[SL_SITE_SERVICES][SL_SITE_UPLINKS]; /* enum sl_whatif_grade */
	bool burst[SL_SITE_SERVICES][SL_SITE_UPLINKS];    /* the first trouble after none */
	struct sl_path_report path[SL_SITE_SERVICES][SL_SITE_UPLINKS];
	struct sl_uplink_report uplink[SL_SITE_UPLINKS];
	uint64_t moved_bps[SL_SITE_UPLINKS]; /* of its rate or missing in it: by moves */
	bool limited[SL_SITE_SERVICES];      /* it was, in the roll-up before */
	bool calm;                           /* nothing in it is bad */
};

struct sl_whatif {
	bool replays; /* else only what happened is counted */
	struct sl_policy policy, recorded, yard;
	/* SLO of a service of policy when it was recorded, and by the yardstick: not its own */
	bool other_slo[SL_SITE_SERVICES], other_yard[SL_SITE_SERVICES];
	struct sl_site site;
	struct sl_site_out out;
	struct sl_telemetry picture; /* the next one for the site */
	struct sl_whatif_set set[SL_SITE_SERVICES];
	struct sl_whatif_roll roll[2], *last, *next;
	bool has_last, placed, changed; /* changed: since the rolls were made */
	uint32_t calm_s;
	uint64_t now_ms, now_unix_ns, version;
	struct sl_whatif_result result;
};

/* whatif_store.c: the first settings; those that people made; what the site ordered. */
void sl_whatif_place(struct sl_whatif *run, const struct sl_view *view);
void sl_whatif_people(struct sl_whatif *run, const struct sl_view *view);
void sl_whatif_obey(struct sl_whatif *run);
/* The dataplane's own: who stands on an uplink that is down goes to the next that is not. */
void sl_whatif_fast(struct sl_whatif *run, const struct sl_whatif_roll *roll);
void sl_whatif_settings(const struct sl_whatif *run, struct sl_telemetry *picture);
/* A move of @service, counted and told. */
struct sl_whatif_step {
	unsigned int service, from, to;
	uint64_t now_ms, at_unix_ns;
	const char *why;
};
void sl_whatif_count(struct sl_whatif_result *result, struct sl_whatif_set *set,
		     const struct sl_policy *policy, const struct sl_whatif_step *step);

/* whatif_sight.c: fill all of @roll but .recorded and .view. */
void sl_whatif_sight(struct sl_whatif *run, struct sl_whatif_roll *roll,
		     const struct sl_whatif_roll *before);

/* The picture @slice (1..SL_WHATIF_SLICES) tenths of a second after @before; NULL = none before. */
void sl_whatif_blend(const struct sl_whatif *run, const struct sl_whatif_roll *before,
		     const struct sl_whatif_roll *now, unsigned int slice,
		     struct sl_telemetry *picture);
/* Bad samples in the window, of all kinds that are judged. */
uint32_t sl_whatif_bad(const struct sl_path_report *path);

/* The same SLO, or none both. */
bool sl_whatif_same_slo(const struct sl_policy_slo *a, const struct sl_policy_slo *b);

#endif
