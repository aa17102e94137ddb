/*
 * state_dir.c - a lock beside the state file; a bad one renamed
 */
#include "state_dir.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only one control may write a state directory. */
int sl_state_dir_lock(const char *dir)
{
	char path[512];
	int fd;

	if (mkdir(dir, 0750) && errno != EEXIST)
		return -errno;
	if (access(dir, W_OK | X_OK))
		return -errno;
	snprintf(path, sizeof(path), "%s/control.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EBUSY;
	}
	return fd; /* held until the process ends */
}

void sl_state_dir_set_aside(const char *dir, const char *why)
{
	char from[512], to[520];

	snprintf(from, sizeof(from), "%s/control.json", dir);
	snprintf(to, sizeof(to), "%s.bad", from);
	sl_note("error", "state_unreadable", "reason=\"%s\" kept=%s next=\"starting afresh\"", why,
		rename(from, to) ? "no" : to);
}
