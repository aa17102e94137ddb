/*
 * policy_list.h - a policy as a flat list of (path, value), in the order of the file
 *
 * What sl_policy_write prints and sl_policy_diff compares, so that a new key is
 * one line in policy_list.c for both.  Private to policy*.c.
 */
#ifndef SL_POLICY_LIST_H
#define SL_POLICY_LIST_H

#include "policy.h"

struct sl_leaf {
	char path[112]; /* "services.pos.slo.loss" */
	char *value;    /* as in YAML */
	bool item;      /* one element of the list at path */
};

struct sl_leaves {
	struct sl_leaf *leaf;
	size_t count, size;
	bool failed; /* out of memory: the list is not whole */
};

/* List @policy; 0 or -ENOMEM (and nothing to free). */
int sl_leaves_open(struct sl_leaves *leaves, const struct sl_policy *policy);
void sl_leaves_close(struct sl_leaves *leaves);

#endif
