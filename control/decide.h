/*
 * decide.h - which remedy for a bad path whose fault is located
 *
 * Clamp the MSS of an uplink that swallows what is large; mark the culprit of a bloated one
 * where that is honoured, else throttle it; else reroute to the next uplink of the service's
 * preference that nothing speaks against; else hold, and say why.
 * What has the best proven record against such incidents goes first, what mostly
 * failed last, what always failed not at all.
 * Never reroutes for a fault of the LAN, of the destination, or of ourselves.
 * Guardrails (rates, hold-down, switches) are the site's: they bind whoever decides.
 * Pure.
 */
#ifndef SL_DECIDE_H
#define SL_DECIDE_H

#include "memory.h"
#include "preflight.h"
#include "record.h"

/* What is asked: which remedy for policy service @service, bad on @uplink with @verdict? */
struct sl_question {
	unsigned int service, uplink;
	enum sl_verdict verdict;
	const char *found;          /* what the verdict rests on */
	uint32_t idle_ms;           /* it is forgotten connections, at rest for so long; 0 = not */
	uint64_t throttle_tried_ms; /* so long ago a limit was tried in vain; 0 = not lately */
	bool remark_failed;         /* marking the culprit was tried in vain lately */
	bool clamp_failed;          /* smaller packets were tried on the uplink in vain lately */
	const struct sl_recall *recall; /* what helped before; NULL = nothing known */
};

enum sl_remedy {
	SL_REMEDY_HOLD,
	SL_REMEDY_NOTIFY,
	SL_REMEDY_THROTTLE,
	SL_REMEDY_REROUTE,
	SL_REMEDY_CLAMP,
	SL_REMEDY_REMARK
};

/* Rungs of clamp-mss: bytes of an IP packet that each IPv6 link carries; that each host takes. */
#define SL_CLAMP_FIRST 1280u
#define SL_CLAMP_LAST  576u

#define SL_CHOICE_TEXT 120

struct sl_choice {
	enum sl_remedy remedy;
	unsigned int uplink;   /* REROUTE: to */
	unsigned int culprit;  /* THROTTLE, REMARK: whom */
	unsigned int side;     /* who fills it: 0 towards the WAN, 1 from it */
	uint64_t limit_bps;    /* THROTTLE: first step */
	uint64_t rate_bps;     /* THROTTLE, REMARK: what the culprit sends now */
	uint32_t packet_bytes; /* CLAMP */
	bool live;             /* REROUTE: move live flows too */
	bool known;            /* it is proven: it needs no trial, and is believed sooner */
	const char *key;       /* one word for what was chosen and why; a constant */
	char text[SL_CHOICE_TEXT];
};

/*
 * Choose for @question.  Each remedy and each uplink that was weighed goes into @record as an
 * option, the chosen one marked, with its reason.
 */
void sl_decide(const struct sl_scene *scene, const struct sl_question *question,
	       struct sl_choice *choice, struct sl_decision *record);

/*
 * The uplink to take instead, SL_UPLINK_UNSET when none will do, with the options in @record.
 * In a blackout the present one carries nothing, so what speaks against another counts less.
 */
unsigned int sl_decide_target(const struct sl_scene *scene, const struct sl_question *question,
			      struct sl_decision *record);

#endif
