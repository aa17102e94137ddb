/*
 * start.h - which policy stands at a start, and with which tables
 *
 * The --policy file is what the operator wrote; policy.yaml in the state directory is
 * what a later `policy apply` made of it.  As long as the file has not changed since,
 * the applied one goes on; when it has, the file is the newer word and wins.
 * Settings (moves, limits) that stand in pinned tables or the ledger are kept.
 */
#ifndef SL_START_H
#define SL_START_H

#include "fastpath/tables.h"
#include "ledger.h"
#include "proto/policy.h"

struct sl_start {
	struct sl_policy policy;
	char yaml[SL_POLICY_BYTES_MAX];
	char previous[SL_POLICY_BYTES_MAX];
	struct sl_policy before; /* what the pinned tables were made of */
	bool has_before;
	bool from_state; /* the applied policy goes on, not the file */
	struct sl_ledger ledger;
};

/*
 * Read the file and the state directory (made when not there; one that refuses is no
 * error).  0; or -errno and @why ("file:line:column: ..."), one line per mistake.
 */
int sl_start_policy(struct sl_start *start, const char *file, const char *state_dir, char *why,
		    size_t why_size);

/*
 * The first generation, for a flow table of @flows: with the settings of @standing (NULL =
 * nothing was pinned: then the ledger's settings are over too).  0; or -errno and @why (SL_TEXT_MAX).
 */
int sl_start_tables(struct sl_start *start, const struct sl_tables *standing, uint32_t flows,
		    struct sl_tables *tables, char *why);

#endif
