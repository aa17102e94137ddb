/*
 * run.h - the daemon: policy, rights, engine, agent, in this order, and back
 */
#ifndef SL_RUN_H
#define SL_RUN_H

#include "exits.h"
#include "options.h"

/* Run until SIGTERM or SIGINT.  Says on stderr what stops it. */
enum sl_exit sl_run(const struct sl_options *options);

/* May this process load and attach BPF?  Root may; else CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON. */
bool sl_run_has_rights(void);

#endif
