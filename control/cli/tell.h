/*
 * tell.h - paths, decisions and incidents in plain words, with their numbers
 *
 * To be read by someone who was not there.  Pure but for the paper written on.
 */
#ifndef SL_TELL_H
#define SL_TELL_H

#include "paper.h"

#include "proto/policy.h"

/* Where the fault is, as a sentence without its end: "The fault is on the uplink fibre". */
const char *sl_tell_fault(enum sl_verdict verdict, const char *uplink, char text[SL_TEXT_MAX]);
/* What a remedy does, with its target: "reroute to lte", "throttle wifi-guest". */
const char *sl_tell_remedy(const char *remedy, const char *target, char text[SL_TEXT_MAX]);
/* What an outcome means, as a sentence without its end. */
const char *sl_tell_outcome(enum sl_outcome outcome);

/*
 * Paths as a table: state, times per leg, loss, failures, samples; under them what the SLO
 * wants (@slo NULL: not known).  @here: the uplink that is marked.
 */
void sl_tell_paths(const struct sl_paper *paper, const struct sl_path_report *const *path,
		   uint32_t paths, const char *here, const struct sl_policy_slo *slo);

/* A decision of control, or what the dataplane did by itself: heading, words, numbers. */
void sl_tell_decision(const struct sl_paper *paper, const struct sl_event *event,
		      uint64_t now_unix_ns);

/* An incident in a few sentences; with all its steps. */
void sl_tell_incident(const struct sl_paper *paper, const struct sl_incident *incident,
		      uint64_t now_unix_ns);
void sl_tell_timeline(const struct sl_paper *paper, const struct sl_incident *incident,
		      uint64_t now_unix_ns);

#endif
