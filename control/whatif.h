/*
 * whatif.h - what another policy would have made of recorded time
 *
 * Roll-ups of a second, oldest first, go through the pipeline that runs live (site.h), with a
 * store in memory that obeys it; what really happened is counted from the same roll-ups.
 * A roll-up knows each path with the traffic that was on it.  So each second is KNOWN (the
 * service is where it really was), ESTIMATED (it is elsewhere: what that uplink measured then
 * for it, else for others on it), or UNKNOWN.  Pure: no clock, no I/O, one thread.
 */
#ifndef SL_WHATIF_H
#define SL_WHATIF_H

#include "view.h"

#define SL_WHATIF_MOVES     64     /* told one by one, the first */
#define SL_WHATIF_FLAP_MS   300000 /* a move that undoes the one before, within this */
#define SL_WHATIF_SECOND_NS UINT64_C(1000000000)

enum sl_whatif_grade {
	SL_WHATIF_KNOWN,
	SL_WHATIF_ESTIMATED,
	SL_WHATIF_UNKNOWN,
};

/* Of one service.  Seconds with [KNOWN], [ESTIMATED] health; a move home is a move as well. */
struct sl_whatif_tally {
	uint32_t moves, flaps; /* not by people, whose moves are made in every replay */
	uint32_t trials, limits, by_people;
	uint32_t holds;     /* decisions to do nothing; not known of what happened */
	uint32_t out_s[2];  /* its SLO broken, or its path down */
	uint32_t kept_s[2]; /* its SLO kept, with enough samples */
	uint32_t idle_s;    /* no traffic, or too little to judge */
	uint32_t unknown_s; /* it would have been where nothing is known of */
};

struct sl_whatif_move {
	uint64_t at_unix_ns;
	char service[SL_NAME_MAX], from[SL_NAME_MAX], to[SL_NAME_MAX];
	char why[SL_TEXT_MAX];
};

/* By the policy's indexes: the replayed one's; in what happened, the recorded one's. */
struct sl_whatif_result {
	uint32_t rollups;  /* seconds replayed */
	uint32_t doubled;  /* roll-ups of a second that was there already: left out */
	uint32_t gaps;     /* times that one or more seconds are missing ... */
	uint64_t gap_s;    /* ... and how many; nothing is said of them */
	uint32_t restarts; /* of the dataplane */
	uint32_t barred_s; /* frozen or bypassed: as it was, so it is replayed */
	uint64_t first_unix_ns, last_unix_ns;
	bool seen[SL_SITE_SERVICES]; /* the record knows it */
	struct sl_whatif_tally service[SL_SITE_SERVICES];
	uint64_t bytes[SL_SITE_UPLINKS]; /* both ways */
	uint64_t moved_bytes
		[SL_SITE_UPLINKS]; /* of them or missing: of services that were elsewhere */
	char held[SL_SITE_SERVICES][SL_TEXT_MAX]; /* why the last of them was one; "" = none */
	uint64_t incidents;
	uint32_t moves; /* of all services; the first are in move[] */
	struct sl_whatif_move move[SL_WHATIF_MOVES];
};

struct sl_whatif_config {
	const struct sl_policy *policy;   /* to replay; NULL = count what really happened */
	const struct sl_policy *recorded; /* in force when it was recorded */
	const struct sl_policy
		*yard; /* whose SLOs the seconds are judged by, where it has the service */
};

struct sl_whatif;

/* 0 and *@run, which sl_whatif_close frees; -ENOMEM.  The policies are copied. */
int sl_whatif_open(struct sl_whatif **run, const struct sl_whatif_config *config);
void sl_whatif_close(struct sl_whatif *run);

/* The next roll-up.  One that is not newer than the one before is left out and counted. */
void sl_whatif_take(struct sl_whatif *run, const struct sl_telemetry *rollup);

/* What came of it so far; the run's own. */
const struct sl_whatif_result *sl_whatif_result(const struct sl_whatif *run);

/*
 * The state that @path would have had under @slo (NULL = none), by the dataplane's own rule, into
 * @path->state, and the samples above its latency into @path->rtt[1].above_slo.  Exact for the
 * percentiles that a roll-up has (p50, p95), between them by a straight line.
 */
void sl_whatif_judge(struct sl_path_report *path, const struct sl_policy_slo *slo);

#endif
