/*
 * locate_private.h - what locate_ill.c and locate_compare.c find for locate.c
 */
#ifndef SL_LOCATE_PRIVATE_H
#define SL_LOCATE_PRIVATE_H

#include "locate.h"

/* Fewer are no evidence: round trips; what was lost, refused, asked in vain, opened. */
#define SL_LOCATE_SAMPLES 5
#define SL_LOCATE_LOST    3

/* What the dataplane says of @service by @uplink; NULL = nothing. */
const struct sl_path_report *sl_locate_path(const struct sl_scene *scene, unsigned int service,
					    unsigned int uplink);

/* In which ways a path is bad; bits of sl_badness.ills. */
enum sl_ill {
	SL_ILL_DOWN = 1,
	SL_ILL_SLOW = 2,
	SL_ILL_LOSSY = 4, /* on the WAN leg */
	SL_ILL_SHUT = 8,  /* connections do not open, or stall */
	SL_ILL_HANGS = 16,
	SL_ILL_REFUSED = 32,
	SL_ILL_LAN = 64, /* the LAN leg is, and the WAN leg is not, or far less */
};

/* The sum of them for @service by @uplink, which is in the picture; 0 = in none that is known. */
unsigned int sl_locate_ills(const struct sl_scene *scene, unsigned int service,
			    unsigned int uplink);

/* May one uplink be what makes one service ill in the ways of @ills and another in @others? */
bool sl_locate_alike(unsigned int ills, unsigned int others);

/* The fault of @path is on its LAN leg. */
bool sl_locate_lan(const struct sl_path_report *path, const struct sl_policy_slo *slo);

/* Most of its connections are refused. */
bool sl_locate_refused(const struct sl_path_report *path);

/* The loss of @leg, of segments or of media: shares are compared, never added up. */
uint32_t sl_locate_loss_ppm(const struct sl_path_report *path, unsigned int leg);

/* Does @path lose as where @loss_ppm are lost on the WAN leg? */
enum sl_evidence sl_locate_compare_loss(const struct sl_path_report *path, uint32_t loss_ppm);

/* Nothing is wrong with @service on @uplink but its queries. */
bool sl_locate_only_queries(const struct sl_scene *scene, unsigned int service,
			    unsigned int uplink);

/* Too few samples to say that it suffers, but those that there are say so. */
bool sl_locate_leans(const struct sl_scene *scene, unsigned int other, unsigned int uplink,
		     const struct sl_badness *badness);

#endif
