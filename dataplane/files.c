/*
 * files.c - write beside, sync, rename, sync the directory
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int sl_files_path(char path[SL_FILES_PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, SL_FILES_PATH_MAX, "%s/%s", dir, name);

	return n < SL_FILES_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int sl_files_make_dir(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0755) == 0)
		return 0;
	if (stat(dir, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	return -errno;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return fdatasync(fd) ? -errno : 0;
}

static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int sl_files_replace(const char *dir, const char *name, const void *bytes, size_t size)
{
	char path[SL_FILES_PATH_MAX], beside[SL_FILES_PATH_MAX];
	int err = sl_files_path(path, dir, name);

	if (!err && snprintf(beside, sizeof(beside), "%s/%s.new", dir, name) >= (int)sizeof(beside))
		err = -ENAMETOOLONG;
	if (err)
		return err;
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	err = write_all(fd, bytes, size);
	close(fd);
	if (!err && rename(beside, path))
		err = -errno;
	if (err) {
		unlink(beside);
		return err;
	}
	sync_dir(dir);
	return 0;
}

long sl_files_read(const char *dir, const char *name, void *bytes, size_t size)
{
	char path[SL_FILES_PATH_MAX];
	int err = sl_files_path(path, dir, name);
	long got = 0;

	if (err)
		return err;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (got >= 0 && (size_t)got < size) {
		ssize_t n = read(fd, (char *)bytes + got, size - (size_t)got);

		if (n == 0)
			break;
		if (n > 0)
			got += n;
		else if (errno != EINTR)
			got = -errno;
	}
	char more;

	if (got >= 0 && (size_t)got == size && read(fd, &more, 1) > 0)
		got = -EFBIG;
	close(fd);
	return got;
}

long sl_files_read_text(const char *dir, const char *name, char *text, size_t size)
{
	long got = sl_files_read(dir, name, text, size - 1);

	if (got >= 0)
		text[got] = 0;
	return got;
}
