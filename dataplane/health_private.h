/*
 * health_private.h - what health.c finds in a window, for health_say.c to put into words
 *
 * Each measure is a share of bad ones among its own n; two of them are never added up.
 */
#ifndef SL_HEALTH_PRIVATE_H
#define SL_HEALTH_PRIVATE_H

#include "health.h"

#define SL_PPM 1000000u

enum sl_grade { SL_GRADE_NOTHING, SL_GRADE_THIN, SL_GRADE_UNSURE, SL_GRADE_KEPT, SL_GRADE_BROKEN };

enum sl_measure_kind {
	SL_MEASURE_LATENCY,
	SL_MEASURE_LOSS,  /* TCP segments */
	SL_MEASURE_MEDIA, /* RTP packets */
	SL_MEASURE_FAILURES,
	SL_MEASURE_REQUESTS,
	SL_MEASURE_LARGE, /* large segments that were stuck: do they pass after all? */
	SL_MEASURES
};

/* A share: so many bad ones of n; bad <= n. */
struct sl_share {
	uint64_t bad, n;
};

struct sl_measure {
	enum sl_grade grade;
	struct sl_share share;
	double limit;
};

struct sl_finding {
	struct sl_measure of[SL_MEASURES];
	struct sl_share attempts, queries, hellos; /* their sum is the failures' share */
	uint64_t queries_failed;                   /* of the bad ones of queries */
	enum sl_method method;                     /* of the latency; SL_METHODS = none */
};

static inline bool sl_health_says(uint32_t limit_ppm)
{
	return limit_ppm != UINT32_MAX;
}

/* The least n that @kind is judged by. */
uint32_t sl_health_least(enum sl_measure_kind kind);
/* The measure that must have been taken before a path with @slo may be called good. */
enum sl_measure_kind sl_health_key(const struct sl_finding *f, const struct sl_policy_slo *slo);

/* health_report.c: the numbers of @w to @r; bad limits count against @slo (may be NULL). */
void sl_health_fill(const struct sl_path_stats *w, const struct sl_policy_slo *slo,
		    struct sl_path_report *r);
/* The method that tells @leg's round-trip time; SL_METHODS when there is no sample at all. */
enum sl_method sl_health_method(const struct sl_path_stats *w, enum sl_leg leg);
const char *sl_health_method_word(enum sl_method method);
/* RTP packets that one side sent and we never saw. */
uint64_t sl_health_media_lost(const struct sl_direction_stats *d);

/* health_say.c: the reason of a state, to r->reason; @w is the window that decided. */
void sl_health_say_broken(const struct sl_finding *f, const struct sl_policy_slo *slo,
			  const struct sl_path_stats *w, struct sl_path_report *r);
void sl_health_say_good(const struct sl_finding *f, struct sl_path_report *r);
void sl_health_say_blind(const struct sl_finding *f, const struct sl_policy_slo *slo,
			 struct sl_path_report *r);

#endif
