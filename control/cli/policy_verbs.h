/*
 * policy_verbs.h - what policy.c and policy_past.c do for `storeline policy`
 */
#ifndef SL_POLICY_VERBS_H
#define SL_POLICY_VERBS_H

#include "cli.h"

/* List the policies that are kept, newest first, with what each changed.  The exit code. */
int sl_cli_policy_history(struct sl_cli *cli);

/* Put the policy of @epoch, NULL = the one before, in force again as a new one.  The exit code. */
int sl_cli_policy_revert(struct sl_cli *cli, const char *epoch);

#endif
