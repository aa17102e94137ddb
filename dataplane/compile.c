/*
 * compile.c - rules in order of specificity, name clauses, quotas, first path choices
 */
#include "compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000

/* Of a rule by the names that it asks for; a pattern has its length, at least that of "*.x". */
#define RANK_APP   1
#define RANK_EXACT (2 * SL_POLICY_CLAUSE_MAX)

_Static_assert(SL_POLICY_CLAUSES_MAX == SL_NAMES_MAX, "each clause has a bit in a word");
_Static_assert(SL_POLICY_CLAUSE_MAX == SL_CLAUSE_MAX, "a pattern fits");

struct draft {
	struct sl_rule rule;
	uint32_t rank, bits, clauses, order;
};

struct drafts {
	struct draft draft[SL_RULES_MAX];
	uint32_t count;
};

/* How many alternatives a list of @count has: a clause that is not there is one. */
static uint32_t one_or(uint32_t count)
{
	return count ? count : 1;
}

static uint64_t be64(const uint8_t *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

static uint64_t mask64(uint32_t bits)
{
	return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static void set_prefix(const struct sl_policy_prefix *prefix, struct sl_addr *addr,
		       struct sl_addr *mask)
{
	mask->hi = mask64(prefix->bits);
	mask->lo = prefix->bits > 64 ? mask64(prefix->bits - 64u) : 0;
	addr->hi = be64(prefix->address) & mask->hi;
	addr->lo = be64(prefix->address + 8) & mask->lo;
}

/* The bits that a person wrote: a mapped IPv4 /24 is kept as /120. */
static uint32_t said_bits(const struct sl_policy_prefix *prefix)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (prefix->bits >= 96 && memcmp(prefix->address, mapped, sizeof(mapped)) == 0)
		return prefix->bits - 96u;
	return prefix->bits;
}

static void draft_common(struct draft *d, const struct sl_policy_match *m)
{
	d->rule.dst_port_max = UINT16_MAX;
	if (m->has_vlan) {
		d->rule.vlan = m->vlan;
		d->rule.vlan_mask = 0xfff;
	}
	if (m->has_dscp) {
		d->rule.dscp = m->dscp;
		d->rule.dscp_mask = 0x3f;
	}
	if (m->has_in) {
		d->rule.port = m->in_port;
		d->rule.port_mask = 0xff;
	}
	d->clauses = (uint32_t)m->has_vlan + m->has_dscp + m->has_in;
}

static void draft_l4(struct draft *d, const struct sl_policy_l4 *l4)
{
	if (l4->proto) {
		d->rule.proto = l4->proto;
		d->rule.proto_mask = 0xff;
		d->clauses++;
	}
	if (l4->port_min > 0 || (l4->port_max > 0 && l4->port_max < UINT16_MAX)) {
		d->rule.dst_port_min = l4->port_min;
		d->rule.dst_port_max = l4->port_max;
		d->clauses++;
	}
}

static uint32_t name_rank(const char *pattern)
{
	return pattern[0] == '*' ? (uint32_t)strlen(pattern) : RANK_EXACT;
}

static void draft_names(struct draft *d, const struct sl_policy *policy,
			const struct sl_policy_match *m, uint32_t n)
{
	if (m->names) {
		uint8_t index = m->name[n % m->names];

		d->rule.name = (uint8_t)(index + 1);
		d->rank += name_rank(policy->clause[index].pattern);
		d->clauses++;
	}
	if (m->apps) {
		d->rule.app = (uint8_t)(m->app[n / one_or(m->names) % m->apps] + 1);
		d->rank += RANK_APP;
		d->clauses++;
	}
}

/* Alternative @n of @m: its digits in the mixed base srcs x dsts x l4s x names x apps. */
static void draft_alternative(struct draft *d, const struct sl_policy *policy,
			      const struct sl_policy_match *m, uint32_t n)
{
	if (m->srcs) {
		const struct sl_policy_prefix *src = &m->src[n % m->srcs];

		n /= m->srcs;
		set_prefix(src, &d->rule.src, &d->rule.src_mask);
		d->bits += said_bits(src);
		d->clauses++;
	}
	if (m->dsts) {
		const struct sl_policy_prefix *dst = &m->dst[n % m->dsts];

		n /= m->dsts;
		set_prefix(dst, &d->rule.dst, &d->rule.dst_mask);
		d->bits += said_bits(dst);
		d->clauses++;
	}
	if (m->l4s) {
		draft_l4(d, &m->l4[n % m->l4s]);
		n /= m->l4s;
	}
	draft_names(d, policy, m, n);
}

static bool expand(struct drafts *all, const struct sl_policy *policy,
		   const struct sl_policy_match *m, uint8_t service)
{
	/* At most 16^5: no overflow. */
	uint32_t count = one_or(m->srcs) * one_or(m->dsts) * one_or(m->l4s) * one_or(m->names) *
			 one_or(m->apps);

	for (uint32_t n = 0; n < count; n++) {
		if (all->count == SL_RULES_MAX)
			return false;
		struct draft *d = &all->draft[all->count];

		*d = (struct draft){.order = all->count++, .rule.service = service};
		draft_common(d, m);
		draft_alternative(d, policy, m, n);
	}
	return true;
}

static int by_specificity(const void *left, const void *right)
{
	const struct draft *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits > b->bits ? -1 : 1;
	if (a->clauses != b->clauses)
		return a->clauses > b->clauses ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static int set_rules(struct sl_tables *t, const struct sl_policy *policy, char *why)
{
	struct drafts all = {.count = 0};

	for (uint32_t i = 0; i < policy->services; i++) {
		const struct sl_policy_service *s = &policy->service[i];

		for (uint32_t m = 0; m < s->matches; m++)
			if (!expand(&all, policy, &policy->match[s->first_match + m],
				    (uint8_t)(i + 1))) {
				snprintf(why, SL_TEXT_MAX,
					 "service %s: its lists make more than %d rules in all",
					 s->name, SL_RULES_MAX);
				return -E2BIG;
			}
	}
	qsort(all.draft, all.count, sizeof(all.draft[0]), by_specificity);
	for (uint32_t i = 0; i < all.count; i++)
		t->rule[i] = all.draft[i].rule;
	t->rules = all.count;
	return 0;
}

static uint32_t quota(uint32_t flows, uint64_t share_ppm)
{
	uint64_t entries = flows * share_ppm / PPM;

	return entries > SL_COMPILE_QUOTA_MIN ? (uint32_t)entries : SL_COMPILE_QUOTA_MIN;
}

static void set_services(struct sl_tables *t, const struct sl_policy *policy, uint32_t flows)
{
	uint64_t said_ppm = 0;
	uint32_t unsaid = 1; /* "other" */

	for (uint32_t i = 0; i < policy->services; i++) {
		said_ppm += policy->service[i].flow_share_ppm;
		unsaid += policy->service[i].flow_share_ppm == 0;
	}
	uint64_t equal_ppm = said_ppm < PPM ? (PPM - said_ppm) / unsaid : 0;

	t->service[SL_SERVICE_OTHER] = (struct sl_service){.flow_quota = quota(flows, equal_ppm)};
	for (uint32_t i = 0; i < policy->services; i++) {
		const struct sl_policy_service *s = &policy->service[i];
		uint64_t share_ppm = s->flow_share_ppm ? s->flow_share_ppm : equal_ppm;

		t->service[i + 1] = (struct sl_service){
			.flow_quota = quota(flows, share_ppm),
			.priority = s->priority,
			.reset = s->reset,
		};
	}
}

static uint32_t inner_of(uint32_t tunnels)
{
	static const struct {
		uint32_t said, inner;
	} pairs[] = {
		{SL_POLICY_GRE, SL_TUNNEL_GRE},     {SL_POLICY_IPIP, SL_TUNNEL_IPIP},
		{SL_POLICY_VXLAN, SL_TUNNEL_VXLAN}, {SL_POLICY_GENEVE, SL_TUNNEL_GENEVE},
		{SL_POLICY_GTPU, SL_TUNNEL_GTPU},
	};
	uint32_t inner = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (tunnels & pairs[i].said)
			inner |= pairs[i].inner;
	return inner;
}

int sl_compile(struct sl_tables *tables, const struct sl_policy *policy, uint32_t flows, char *why)
{
	struct sl_tables t = {
		.generation = 1,
		.services = policy->services + 1,
		.inner = inner_of(policy->tunnels),
		.inspect = !policy->no_names,
	};
	int err = set_rules(&t, policy, why);

	if (err)
		return err;
	if (policy->placement == SL_PLACEMENT_GATEWAY) {
		t.uplinks = policy->uplinks;
		t.mark_base = SL_COMPILE_MARK_BASE;
	}
	set_services(&t, policy, flows);
	for (unsigned int i = 0; i < SL_SERVICES_MAX; i++) {
		t.knobs.steer[i] = (struct sl_steer){
			.uplink = t.uplinks ? sl_compile_first_uplink(policy, i) : 0,
			.trial_uplink = SL_UPLINK_NONE,
		};
		t.knobs.remark[i] = sl_compile_remark(policy, i);
	}
	*tables = t;
	return 0;
}

/* The uplink of @policy with the name that @uplink has in @from; -1 = none. */
static int same_uplink(const struct sl_policy *policy, const struct sl_policy *from,
		       uint32_t uplink)
{
	return uplink < from->uplinks ? sl_policy_uplink_index(policy, from->uplink[uplink].name)
				      : -1;
}

static void carry_steer(struct sl_steer *to, unsigned int service, const struct sl_policy *policy,
			const struct sl_steer *from, const struct sl_policy *from_policy)
{
	int was = sl_compile_service(from_policy, sl_compile_service_name(policy, service));
	int uplink = same_uplink(policy, from_policy, from->uplink);
	int trial = same_uplink(policy, from_policy, from->trial_uplink);

	to->move_epoch = from->move_epoch;
	if (uplink >= 0 &&
	    from->uplink != sl_compile_first_uplink(from_policy, (unsigned int)was) &&
	    sl_compile_allows(policy, service, (unsigned int)uplink))
		to->uplink = (uint8_t)uplink;
	if (trial >= 0 && from->trial_share &&
	    sl_compile_allows(policy, service, (unsigned int)trial)) {
		to->trial_uplink = (uint8_t)trial;
		to->trial_share = from->trial_share;
	}
}

void sl_compile_carry(struct sl_tables *next, const struct sl_policy *policy,
		      const struct sl_tables *from, const struct sl_policy *from_policy)
{
	next->generation = from->generation + 1;
	next->hash_seed = from->hash_seed;
	next->knobs.bypass = from->knobs.bypass;
	for (unsigned int u = 0; u < from->uplinks && u < SL_UPLINKS_MAX; u++) {
		int now = same_uplink(policy, from_policy, (uint8_t)u);

		if (now >= 0)
			next->knobs.clamp_bytes[now] = from->knobs.clamp_bytes[u];
	}
	for (unsigned int i = 0; i < next->services; i++) {
		int was = sl_compile_service(from_policy, sl_compile_service_name(policy, i));

		if (was < 0 || (uint32_t)was >= from->services)
			continue;
		memcpy(next->knobs.rate[i], from->knobs.rate[was], sizeof(next->knobs.rate[i]));
		if (from->knobs.remark[was] != sl_compile_remark(from_policy, (unsigned int)was))
			next->knobs.remark[i] = from->knobs.remark[was];
		if (next->uplinks)
			carry_steer(&next->knobs.steer[i], i, policy, &from->knobs.steer[was],
				    from_policy);
	}
}

static bool same_clauses(const struct sl_policy *a, const struct sl_policy *b)
{
	if (a->clauses != b->clauses)
		return false;
	for (uint32_t i = 0; i < a->clauses; i++)
		if (a->clause[i].is_app != b->clause[i].is_app ||
		    strcmp(a->clause[i].pattern, b->clause[i].pattern) != 0)
			return false;
	return true;
}

static bool same_tables(const struct sl_tables *a, const struct sl_tables *b)
{
	return a->rules == b->rules && a->services == b->services && a->uplinks == b->uplinks &&
	       a->mark_base == b->mark_base && a->inner == b->inner && a->inspect == b->inspect &&
	       memcmp(a->service, b->service, sizeof(a->service)) == 0 &&
	       memcmp(a->rule, b->rule, a->rules * sizeof(a->rule[0])) == 0;
}

bool sl_compile_same(struct sl_compiled a, struct sl_compiled b)
{
	return same_tables(a.tables, b.tables) && same_clauses(a.policy, b.policy);
}

void sl_compile_clauses(const struct sl_policy *policy, struct sl_clauses *out)
{
	*out = (struct sl_clauses){.count = policy->clauses};
	for (uint32_t i = 0; i < policy->clauses; i++) {
		struct sl_clause *clause = &out->clause[i + 1];

		clause->is_app = policy->clause[i].is_app;
		memcpy(clause->pattern, policy->clause[i].pattern, sizeof(clause->pattern));
	}
}

int sl_compile_service(const struct sl_policy *policy, const char *name)
{
	int index = sl_policy_service_index(policy, name);

	if (index == SL_POLICY_OTHER)
		return SL_SERVICE_OTHER;
	return index < 0 ? -1 : index + 1;
}

const char *sl_compile_service_name(const struct sl_policy *policy, unsigned int service)
{
	return service == SL_SERVICE_OTHER ? "other" : policy->service[service - 1].name;
}

bool sl_compile_allows(const struct sl_policy *policy, unsigned int service, unsigned int uplink)
{
	if (uplink >= policy->uplinks)
		return false;
	if (service == SL_SERVICE_OTHER)
		return true;
	const struct sl_policy_service *s = &policy->service[service - 1];

	for (uint32_t i = 0; i < s->uplinks; i++)
		if (s->uplink[i] == uplink)
			return true;
	return false;
}

uint32_t sl_compile_trusted(const struct sl_policy *policy, unsigned int uplink)
{
	uint32_t trusted = 0;

	for (unsigned int s = 1; s <= policy->services; s++)
		if (policy->service[s - 1].priority > 0 &&
		    (!policy->uplinks || sl_compile_allows(policy, s, uplink)))
			trusted |= 1u << s;
	return trusted ? trusted : UINT32_MAX;
}

uint8_t sl_compile_remark(const struct sl_policy *policy, unsigned int service)
{
	if (service == SL_SERVICE_OTHER || service > policy->services ||
	    policy->placement == SL_PLACEMENT_TAP)
		return 0;
	const struct sl_policy_service *s = &policy->service[service - 1];

	return s->has_remark ? SL_REMARK | s->remark_dscp : 0;
}

uint8_t sl_compile_first_uplink(const struct sl_policy *policy, unsigned int service)
{
	if (service == SL_SERVICE_OTHER || service > policy->services)
		return 0;
	const struct sl_policy_service *s = &policy->service[service - 1];

	return s->uplinks ? s->uplink[0] : 0;
}
