/*
 * slowpath_check.h - what must hold of the slow path whatever it was shown
 */
#ifndef SL_FUZZ_SLOWPATH_CHECK_H
#define SL_FUZZ_SLOWPATH_CHECK_H

#include "dataplane/slowpath_private.h"
#include "holds.h"

/* What was told of the flow in a place of the slow path's memory; it may be another's by now. */
struct told {
	uint64_t hash;
	uint32_t incarnation;
	uint32_t sources; /* bits by enum sl_name_source */
	bool app;         /* found, not guessed */
};

struct check {
	struct sl_slowpath *slowpath;
	struct sl_names *names;
	struct told told[SL_SLOW_FLOWS];
	struct sl_slowpath_counts expect; /* those that can be counted from outside */
};

/* The sl_slowpath_tell of a slow path; @arg is the struct check. */
void check_told(void *arg, const struct sl_flow_name *name);
/* Memory is within its bounds, lists and counts agree, and every name is a host name. */
void check_all(struct check *check);
/* Right behind sl_slowpath_apply(): the fast path is told what holds. */
void check_words(const struct check *check);

#endif
