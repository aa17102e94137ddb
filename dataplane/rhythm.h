/*
 * rhythm.h - when is a service never quiet?  by hour of the week, learnt slowly
 *
 * Of each service and each of the week's 168 hours (local time): how many weeks were watched,
 * packets and new flows, and the longest rest between two packets, an upper bound that sinks by
 * an eighth a week, and at most doubles in one.  A rest that is three times as long (and 3 s at least) is no rest: silence
 * is not health.  An hour in which it rests for 10 minutes and more expects nothing, so shops
 * that are closed, or open late today, raise no suspicion; nor do the first two weeks.
 * The mean alone could not tell: a till that pays once a minute is as seldom
 * seen as one that broke.  Pure; the agent's thread calls it.
 */
#ifndef SL_RHYTHM_H
#define SL_RHYTHM_H

#include "fastpath/tables.h"
#include "proto/wire.h"

#define SL_RHYTHM_HOURS     168
#define SL_RHYTHM_WEEKS_MIN 2

/* One hour of the week of one service. */
struct sl_rhythm_hour {
	uint16_t weeks;       /* in which it was watched */
	uint16_t rest_100ms;  /* the longest; at most an hour */
	float packets, flows; /* of a whole hour, smoothed over about 4 weeks */
};

/* What outlives the process, by the service's name. */
struct sl_rhythm_memory {
	char name[SL_NAME_MAX]; /* "" = free */
	struct sl_rhythm_hour hour[SL_RHYTHM_HOURS];
};

/* The hour that is watched now. */
struct sl_rhythm_now {
	uint64_t last_ns; /* the last packet, or since when it is watched */
	uint64_t longest_ns, watched_ns, tick_ns;
	uint64_t packets, flows;
	uint32_t hour; /* SL_RHYTHM_HOURS = none yet */
};

struct sl_rhythm {
	struct sl_rhythm_memory memory[SL_SERVICES_MAX]; /* by index in the tables */
	struct sl_rhythm_now now[SL_SERVICES_MAX];
};

enum sl_rhythm_word {
	SL_RHYTHM_UNKNOWN, /* too few weeks */
	SL_RHYTHM_USUAL,
	SL_RHYTHM_SILENT,
};

struct sl_rhythm_view {
	enum sl_rhythm_word word;
	uint32_t weeks;             /* of this hour */
	uint64_t rest_ns, known_ns; /* the present rest, and the longest that is known */
};

/* The services of a policy by name; what was learnt of a name stays with it. */
void sl_rhythm_name(struct sl_rhythm *r, uint32_t services, const char (*name)[SL_NAME_MAX]);

/* At @now_ns, in @hour of the week, @service had so many packets and new flows more. */
void sl_rhythm_feed(struct sl_rhythm *r, unsigned int service, uint64_t now_ns, uint32_t hour,
		    uint64_t packets, uint64_t flows);

/* How @service stands, as of its last feed. */
void sl_rhythm_look(const struct sl_rhythm *r, unsigned int service, struct sl_rhythm_view *view);

#endif
