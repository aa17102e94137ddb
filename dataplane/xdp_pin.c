/*
 * xdp_pin.c - names under the pin directory, and the bpffs that holds them
 *
 * bpffs is mounted where it is missing: on /sys/fs/bpf for a directory below that,
 * otherwise on the directory itself.  A mount made inside a private mount namespace
 * (`ip netns exec` makes one) goes with it, and the pins with the mount.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "xdp_private.h"

#define BPFFS_ROOT  "/sys/fs/bpf"
#define BPFFS_MAGIC 0xcafe4a11 /* BPF_FS_MAGIC of linux/magic.h */

int sl_xdp_fail(struct sl_xdp_why why, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, why.size, format, args);
	va_end(args);
	return err;
}

void sl_xdp_say(const struct sl_xdp *xdp, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!xdp->say)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	xdp->say(xdp->say_arg, line);
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPFFS_MAGIC;
}

/* mkdir -p; 0 or -errno. */
static int make_dirs(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int mount_bpffs(const char *at, struct sl_xdp_why why)
{
	if (is_bpffs(at) || !mount("bpf", at, "bpf", 0, "mode=0700"))
		return 0;
	return sl_xdp_fail(why, -errno, "mount bpffs on %s: %s", at, strerror(errno));
}

int sl_xdp_pin_dir(const char *dir, struct sl_xdp_why why)
{
	bool below_root = !strncmp(dir, BPFFS_ROOT "/", strlen(BPFFS_ROOT) + 1);
	int err;

	if (below_root && (err = mount_bpffs(BPFFS_ROOT, why)))
		return err;
	err = make_dirs(dir);
	if (err)
		return sl_xdp_fail(why, err, "%s: %s", dir, strerror(-err));
	return is_bpffs(dir) ? 0 : mount_bpffs(dir, why);
}

void sl_xdp_pin_path(char path[PATH_MAX], const char *dir, const char *kind, const char *name)
{
	int used = snprintf(path, PATH_MAX, "%s/%s_", dir, kind);

	for (; *name && used > 0 && used < PATH_MAX - 4; name++)
		used += *name == '.' || *name == '%'
				? snprintf(path + used, 4, "%%%02X", (unsigned char)*name)
				: snprintf(path + used, 2, "%c", *name);
}

/* Undo the escapes of sl_xdp_pin_path(). */
static void unescape(char *to, size_t size, const char *from)
{
	size_t used = 0;
	unsigned int byte;

	for (; *from && used + 1 < size; from++) {
		bool escaped = *from == '%' && sscanf(from + 1, "%2X", &byte) == 1;

		to[used++] = escaped ? (char)byte : *from;
		from += escaped ? 2 : 0;
	}
	to[used] = 0;
}

int sl_xdp_pin_each(const char *dir,
		    int (*visit)(void *arg, const char *path, const char *kind, const char *name),
		    void *arg)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	int stopped = 0;

	if (!entries)
		return -errno;
	while (!stopped && (entry = readdir(entries))) {
		char path[PATH_MAX], kind[32], name[64];
		const char *split = strchr(entry->d_name, '_');

		if (!split || (size_t)(split - entry->d_name) >= sizeof(kind))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		snprintf(kind, sizeof(kind), "%.*s", (int)(split - entry->d_name), entry->d_name);
		unescape(name, sizeof(name), split + 1);
		stopped = visit(arg, path, kind, name);
	}
	closedir(entries);
	return stopped;
}

static int unlink_pin(void *arg, const char *path, const char *kind, const char *name)
{
	unlink(path);
	return 0;
}

void sl_xdp_pin_remove(const char *dir)
{
	char parent[PATH_MAX];
	char *slash;

	sl_xdp_pin_each(dir, unlink_pin, NULL);
	if (rmdir(dir) && errno == EBUSY && !umount2(dir, 0)) /* the bpffs that we mounted on it */
		rmdir(dir);
	snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (slash && slash != parent && !strncmp(dir, BPFFS_ROOT "/", strlen(BPFFS_ROOT) + 1)) {
		*slash = 0;
		if (strcmp(parent, BPFFS_ROOT))
			rmdir(parent); /* fails while another layout lives there: right */
	}
}
