/*
 * daemon.h - the ends of the pipeline: bus, clock, state file
 *
 * What the pipeline puts out is made durable first, then sent.  One thread, one
 * libevent loop; the bus never blocks it.
 */
#ifndef SL_DAEMON_H
#define SL_DAEMON_H

#include <stdbool.h>

struct sl_daemon_config {
	const char *redis, *state_dir, *site;
	const char *web; /* where to serve the page (web.h); NULL = nowhere */
};

/*
 * Run until SIGTERM or SIGINT.  The exit code of the process: 0 stopped, 1 failed,
 * 2 bad address (of Redis or the page), 4 state directory not writable.
 */
int sl_daemon_run(const struct sl_daemon_config *config);

#endif
