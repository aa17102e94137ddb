/*
 * compile.h - a policy into one generation of the fast path's tables
 *
 * Pure.  Policy service i is service i + 1 of the tables; "other" is 0.  Lists of
 * a match are alternatives, so one match may become many rules; rules are put in
 * order of specificity: names, sum of prefix bits (an IPv4 /24 counts 24), number
 * of clauses, the order of the policy.  The skb mark of uplink i is
 * mark_base + 1 + i, so 0 stays "no mark".
 */
#ifndef SL_COMPILE_H
#define SL_COMPILE_H

#include "clauses.h"
#include "fastpath/tables.h"
#include "proto/policy.h"

/*
 * Names come before prefixes: an exact name, else the longer pattern, else an application, else none.
 * A name says what a flow is for, a prefix only between whom it is.  Take guests as
 * {src: 10.42.64.0/18} and tills as {name: "*.payments.example"}.  Were the prefix first, a till
 * inside any src rule would silently be no till, and lose its protection in the very brownout that it
 * is there for; with the name first the worst is a guest who pays in the shop's app, or who feigns the
 * name, and is served as a till until the policy says who tills are, {vlan: 20, name: ...}.  It
 * is no number of bits beside those of prefixes, since a /48 of IPv6 would then beat the
 * name that a /18 of IPv4 yields to, and the service would hang on which of the two a phone tries
 * first.  Of two patterns that hold for one name the longer is inside the other.  An
 * application is often broad (TLS): it yields to any name; where it must yield to a prefix
 * too, say the prefix with it.  Until its name is known a flow has the service of the rules without.
 */

#define SL_COMPILE_MARK_BASE 0x5100
#define SL_COMPILE_QUOTA_MIN 16 /* flow entries that even the smallest service gets */

/*
 * Build generation 1 of @policy for a flow table of @flows entries.  0; or -E2BIG,
 * *@tables untouched, and @why (SL_TEXT_MAX bytes) names the service with too many rules.
 */
int sl_compile(struct sl_tables *tables, const struct sl_policy *policy, uint32_t flows, char *why);

/*
 * Let what was set in @from stand in @next: the path choice of a service that was
 * moved (when the new policy still allows that uplink), limits, DSCPs, bypass; by name.
 * A service that stood where @from_policy put it goes where @policy puts it; so its DSCP.
 * Also sets @next's generation to the one after @from's, and keeps the hash seed.
 */
void sl_compile_carry(struct sl_tables *next, const struct sl_policy *policy,
		      const struct sl_tables *from, const struct sl_policy *from_policy);

/* Tables, and the policy that they were made of: only it knows what its name clauses ask for. */
struct sl_compiled {
	const struct sl_tables *tables;
	const struct sl_policy *policy;
};

/* Do both treat packets alike, but for knobs, generation and seed? */
bool sl_compile_same(struct sl_compiled a, struct sl_compiled b);

/*
 * The name clauses of @policy, by the numbers that its rules have: 1 for the first to
 * appear in the services' order; the same pattern of the same kind has one number.
 */
void sl_compile_clauses(const struct sl_policy *policy, struct sl_clauses *out);

/* Index in the tables of the service @name ("other" is 0); -1 = none. */
int sl_compile_service(const struct sl_policy *policy, const char *name);

/* Name of service @service of the tables. */
const char *sl_compile_service_name(const struct sl_policy *policy, unsigned int service);

/* May @service of the tables use @uplink?  "other" may use all. */
bool sl_compile_allows(const struct sl_policy *policy, unsigned int service, unsigned int uplink);

/*
 * The services (bit each, of the tables) whose stalls are evidence against @uplink.  Not so those
 * of the background (guests) nor "other": anyone on their network can stall.  All of them where
 * no other may use @uplink: there is nobody whom their word could harm.
 */
uint32_t sl_compile_trusted(const struct sl_policy *policy, unsigned int uplink);

/*
 * What @policy writes into the packets of @service of the tables: a word of sl_knobs.remark.  A tap
 * writes nothing.
 */
uint8_t sl_compile_remark(const struct sl_policy *policy, unsigned int service);

/* The uplink that @policy prefers for @service of the tables. */
uint8_t sl_compile_first_uplink(const struct sl_policy *policy, unsigned int service);

#endif
