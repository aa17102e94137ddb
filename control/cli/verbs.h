/*
 * verbs.h - the table of verbs: what the command line, its help, its completion and its
 * manual page know of them
 */
#ifndef SL_VERBS_H
#define SL_VERBS_H

#include "cli.h"

#include <stdio.h>

extern const struct sl_cli_verb sl_verbs[];
extern const size_t sl_verbs_count;

/* NULL when there is none of that name. */
const struct sl_cli_verb *sl_verbs_find(const char *name);

/* All verbs, or one with its options; to @to. */
void sl_verbs_help(FILE *to);
void sl_verbs_help_one(FILE *to, const struct sl_cli_verb *verb);

/* Are there as many words as it takes, and no option of another?  0, or SL_CLI_USAGE and told. */
int sl_verbs_check(struct sl_cli *cli, const struct sl_cli_verb *verb);

/* For bash, sourced by a person's shell. */
void sl_completion_write(FILE *to);
/* storeline(1), in mdoc(7). */
void sl_manual_write(FILE *to);

#endif
