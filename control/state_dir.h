/*
 * state_dir.h - the state directory: who may write it, and what is set aside
 */
#ifndef SL_STATE_DIR_H
#define SL_STATE_DIR_H

/* Make @dir when it is missing, and lock it until the process ends.  A descriptor, or -errno (-EBUSY: another control has it). */
int sl_state_dir_lock(const char *dir);

/* What cannot be understood is set aside, never silently thrown away. */
void sl_state_dir_set_aside(const char *dir, const char *why);

#endif
