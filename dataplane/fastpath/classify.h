/*
 * classify.h - which service a flow belongs to: once per flow, by header fields
 *
 * Rules stand in order of specificity, so the first that holds is the longest
 * match.  Each rule is tested without a branch: the verifier walks one path per
 * rule, not one per clause.
 */
#ifndef SL_CLASSIFY_H
#define SL_CLASSIFY_H

#include "work.h"

/* A flow as rules see it: by side, whichever end opened it. */
struct sl_class {
	struct sl_addr lan, wan;
	uint16_t port; /* of the responder: the service's port */
	uint16_t vlan;
	uint8_t proto;
	uint8_t dscp;
	uint8_t in_port;
	uint8_t pad;
	uint64_t names; /* bit i: name clause i holds (names.h) */
};

/* True when every clause of @rule holds for @class. */
SL_INLINE bool sl_rule_holds(const struct sl_rule *rule, const struct sl_class *class)
{
	uint64_t differ = ((class->lan.hi ^ rule->src.hi) & rule->src_mask.hi) |
			  ((class->lan.lo ^ rule->src.lo) & rule->src_mask.lo) |
			  ((class->wan.hi ^ rule->dst.hi) & rule->dst_mask.hi) |
			  ((class->wan.lo ^ rule->dst.lo) & rule->dst_mask.lo);

	differ |= (uint32_t)((class->vlan ^ rule->vlan) & rule->vlan_mask);
	differ |= (uint32_t)((class->proto ^ rule->proto) & rule->proto_mask);
	differ |= (uint32_t)((class->dscp ^ rule->dscp) & rule->dscp_mask);
	differ |= (uint32_t)((class->in_port ^ rule->port) & rule->port_mask);
	differ |= ~(class->names >> (rule->name & 63) & class->names >> (rule->app & 63)) & 1;
	/* The sign of a difference, where a compare would be a branch. */
	differ |= ((uint32_t) class->port - rule->dst_port_min) >> 31;
	differ |= ((uint32_t)rule->dst_port_max - class->port) >> 31;
	return differ == 0;
}

/* The service of @class; SL_SERVICE_OTHER when no rule claims it. */
SL_VERIFY_ONCE int sl_classify(const struct sl_tables *tables, const struct sl_class *class)
{
	if (!tables || !class)
		return SL_SERVICE_OTHER;
	for (uint32_t i = 0; i < SL_RULES_MAX; i++) {
		if (i >= tables->rules)
			break;
		if (sl_rule_holds(&tables->rule[i], class))
			return tables->rule[i].service & (SL_SERVICES_MAX - 1);
	}
	return SL_SERVICE_OTHER;
}

#endif
