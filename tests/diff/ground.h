/*
 * ground.h - namespaces of a test's own for real devices, and the shell in them
 */
#ifndef SL_DIFF_GROUND_H
#define SL_DIFF_GROUND_H

/*
 * Network and mount namespaces of this process's own, and a bpffs in them: what a test leaves goes
 * with them.  0, or -1.
 */
int ground_enter(void);

/* Run @command; the test fails when it does. */
void sh(const char *command);

/* What @command prints; static. */
const char *output(const char *command);

#endif
