/*
 * top.h - storeline top on a terminal of its own
 */
#ifndef SL_TOP_H
#define SL_TOP_H

#include "cli.h"

/* Set by SIGINT and SIGTERM, which the caller has arranged for. */
bool sl_top_interrupted(void);
void sl_top_catch(void);

/*
 * The screen, until q or a signal: an exit code.  SL_TOP_NO_SCREEN when the terminal
 * cannot show one; nothing was done then.
 */
#define SL_TOP_NO_SCREEN (-1)
int sl_top_screen(struct sl_cli *cli);

#endif
