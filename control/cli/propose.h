/*
 * propose.h - from traffic that no service claims to services that would claim it
 *
 * Kinds of traffic that look like one service are put together: names below one domain; flows
 * without a name by their application, else by their servers' addresses and port.  A
 * proposal is a stanza that the standing policy can take as it is; what nobody but
 * the retailer knows, what it must be like, is left to him.  Pure but for memory.
 */
#ifndef SL_PROPOSE_H
#define SL_PROPOSE_H

#include "proto/policy.h"

/* Less than one in so many unclaimed flows is not worth a service. */
#define SL_PROPOSE_LEAST 100

struct sl_proposal {
	char service[SL_NAME_MAX]; /* new in the policy */
	uint64_t flows, first_bytes, last_unix_ns;
	uint32_t kinds; /* of the report that it would claim */
	uint8_t kind[SL_WIRE_KINDS_MAX];
	/* Its match: names, else an application, else addresses; and ports. */
	uint32_t names;
	char name[2][SL_POLICY_CLAUSE_MAX];
	char app[SL_APP_NAME_MAX];
	char dst[64];
	uint32_t l4s;
	char l4[SL_POLICY_LIST_MAX][24]; /* "tcp/443" */
};

struct sl_proposals {
	uint32_t count; /* those with the most flows first */
	struct sl_proposal proposal[SL_WIRE_KINDS_MAX];
	uint32_t kinds, claimed; /* kinds that are unclaimed; that the policy claims by now */
	uint32_t rare, beyond;   /* groups left out: too few flows; no room for a service */
	uint64_t flows, rare_flows, beyond_flows; /* all that is unclaimed; of those left out */
};

/* Fill @out for @report under @policy.  0, or -ENOMEM and @out says nothing. */
int sl_propose(const struct sl_unclaimed_report *report, const struct sl_policy *policy,
	       struct sl_proposals *out);

/*
 * propose_write.c: the stanza of @proposal, indented to stand under `services:`, with what it was
 * seen by as comments.  The text is the caller's to free(); NULL when out of memory.
 */
char *sl_propose_yaml(const struct sl_proposal *proposal, const struct sl_unclaimed_report *report,
		      const struct sl_policy *policy);
/* The match alone: {name: ["*.payments.example"], port: [tcp/443]}. */
char *sl_propose_match(const struct sl_proposal *proposal);

/* propose_claims.c: does some match of @policy claim @entry, whoever the client is? */
bool sl_propose_is_claimed(const struct sl_unclaimed_entry *entry, const struct sl_policy *policy);

#endif
