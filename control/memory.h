/*
 * memory.h - what helped against incidents like this one, and what did not
 *
 * An incident is known by its fingerprint, readable text of few parts: class of the service,
 * kind of uplink, verdict, state, buckets of magnitude, part of the week (UTC):
 *   critical/fibre/uplink/degraded/rtt0/loss3/fail0/dns0/load1/jit0/wk-day
 * The same fingerprint counts whole; else the nearest by weighted Hamming distance, where class,
 * verdict and state must be the same.  Of each remedy the times that it helped and failed make a
 * Beta posterior over a Beta(1, 1) prior; what other sites have learnt counts half.
 * Pure; times of entries are wall clock.
 */
#ifndef SL_MEMORY_H
#define SL_MEMORY_H

#include "locate.h"

#define SL_MEMORY_NEAR     6 /* a greater distance is another kind of incident */
#define SL_MEMORY_SAME     2 /* up to this it is the same one: no two windows are alike */
#define SL_RECALL_MAX      8
#define SL_MEMORY_NEVER_AT 2 /* failed so often and never helped */

struct sl_memory {
	uint32_t count;
	uint32_t version; /* grows with each change */
	struct sl_memory_entry entry[SL_WIRE_MEMORIES_MAX];
};

/* What is remembered of one remedy against incidents like this: counts, discounted. */
struct sl_recalled {
	char remedy[SL_NAME_MAX], target[SL_NAME_MAX];
	double helped, failed;
	int distance; /* of what was compared; 0 = the very same fingerprint */
	uint32_t repair_ms;
};

struct sl_recall {
	uint8_t refused; /* bit per uplink that the service's far end does not let in */
	uint32_t count;
	struct sl_recalled one[SL_RECALL_MAX];
};

/* The fingerprint of @service on @uplink, found @verdict and @state, into @text (SL_PRINT_MAX). */
struct sl_sighting {
	unsigned int service, uplink;
	enum sl_verdict verdict;
	enum sl_health state;
	uint64_t unix_ns;
};
void sl_memory_print(const struct sl_scene *scene, const struct sl_sighting *sighting, char *text);

/* Weighted distance of two fingerprints; -1 when they cannot be compared. */
int sl_memory_distance(const char *a, const char *b);

/* Remember what came of a remedy; the weakest, then oldest, entry gives way. */
struct sl_lesson {
	const char *print, *remedy, *target;
	bool helped;
	uint32_t times;     /* at least 1 */
	uint32_t repair_ms; /* of what helped: first bad picture to proof */
	uint64_t unix_ns;
};
void sl_memory_learn(struct sl_memory *memory, const struct sl_lesson *lesson);

/*
 * Where the far end of a service refuses what comes by an uplink (its address is not on a list, or
 * translation breaks it), no incident changes that: kept under a fingerprint of its own,
 * "service/NAME/refused", with the uplink as target.
 */
void sl_memory_refused(struct sl_memory *memory, const char *service, const char *uplink,
		       uint64_t unix_ns);
bool sl_memory_is_refused(const struct sl_memory *memory, const char *service, const char *uplink);
void sl_memory_forgive(struct sl_memory *memory, const char *service);

/* Add @entry as it is (of another site, or read back). */
void sl_memory_add(struct sl_memory *memory, const struct sl_memory_entry *entry);

/* What @own and @fleet know of incidents like @print.  @fleet may be NULL. */
void sl_memory_recall(const struct sl_memory *own, const struct sl_memory *fleet, const char *print,
		      struct sl_recall *recall);

/* Of one remedy; NULL = nothing known. */
const struct sl_recalled *sl_recall_find(const struct sl_recall *recall, const char *remedy,
					 const char *target);

/* Posterior mean; 0.5 for what is not known (NULL). */
double sl_recall_mean(const struct sl_recalled *recalled);

/* Enough evidence that it helps: it may go first, and is believed sooner. */
bool sl_recall_proven(const struct sl_recalled *recalled);

/* It failed each time: not to be tried. */
bool sl_recall_never(const struct sl_recalled *recalled);

/* All of it in words, for the record; "" for nothing. */
void sl_recall_tell(const struct sl_recall *recall, char *text);

#endif
