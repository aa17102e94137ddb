/*
 * fleet.h - which incidents of many sites are one
 *
 * A site cannot know that others have the same at the same minute: a far end that is out, a
 * provider's network, a policy that all were given.  A group is incidents of the same service with
 * the same verdict (on an uplink: of the same name) that begin within SL_FLEET_SPAN_S of each
 * other at enough sites.  Pure; times are each site's wall clock.
 */
#ifndef SL_FLEET_H
#define SL_FLEET_H

#include "proto/wire.h"

#define SL_FLEET_SPAN_S   120 /* a site notices when its traffic comes, and clocks differ */
#define SL_FLEET_POLICY_S 60  /* what begins this soon after a policy may be that policy's */
/*
 * How many sites are enough.  Let each have an incident a day of the same service and verdict.  Of 30
 * sites two then begin one in the same two minutes by chance once a day, three once in 40 days.  Of
 * 1000 one or two do at any time, a hundred never: three are enough for few sites only.
 */
#define SL_FLEET_LEAST 3  /* sites */
#define SL_FLEET_TENTH 10 /* and one of so many */

#define SL_FLEET_ALONE UINT32_MAX

/* An incident, as far as the fleet asks. */
struct sl_fleet_case {
	uint32_t site; /* its number */
	uint64_t id;
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX];
	enum sl_verdict verdict;
	char located[SL_TEXT_MAX];
	uint64_t began_unix_ns, closed_unix_ns; /* closed: 0 = open */
	uint64_t policy; /* took effect in the SL_FLEET_POLICY_S before; 0 = none, or not known */
	uint32_t group;  /* the number of its group, or SL_FLEET_ALONE */
};

struct sl_fleet_group {
	uint32_t number;
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX]; /* uplink: "" unless the fault is on it */
	enum sl_verdict verdict;
	uint32_t sites, open;                 /* different ones; where it is not over */
	uint64_t first_unix_ns, last_unix_ns; /* of the begins */
	uint64_t closed_unix_ns;              /* the last to end; 0 = it is open somewhere */
	uint32_t policy_sites;                /* that took a policy just before */
	uint64_t policy;                      /* its version; 0 = not all the same */
};

struct sl_fleet {
	uint32_t sites; /* numbers of sites are below this */
	uint32_t seen;  /* sites of which something is known: a tenth of these is enough */
	uint32_t cases, groups;
	struct sl_fleet_case *list;
	struct sl_fleet_group *group; /* room for cases / SL_FLEET_LEAST */
	uint32_t *mark;               /* room for .sites; a scratch pad */
};

uint32_t sl_fleet_enough(uint32_t seen);

/* Sort the cases and find the groups, those of most sites first. */
void sl_fleet_find(struct sl_fleet *fleet);

/* Once the cases in groups have their policies: count them by site. */
void sl_fleet_blame(struct sl_fleet *fleet);

/* Did (nearly) every site of it take a policy just before? */
bool sl_fleet_by_policy(const struct sl_fleet_group *group);

#endif
