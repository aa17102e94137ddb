/*
 * spool_mark.c - two slots in turn
 */
#include "spool_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "crc32.h"
#include "files.h"

#define NAME  "mark"
#define MAGIC 0x314b524du /* "MRK1" */

struct slot {
	uint32_t magic, crc;
	struct sl_spool_mark mark;
};

static bool whole(const struct slot *slot)
{
	return slot->magic == MAGIC && slot->crc == sl_crc32(0, &slot->mark, sizeof(slot->mark));
}

bool sl_spool_mark_load(const char *dir, struct sl_spool_mark *mark)
{
	struct slot slot[2] = {{0}};
	const struct slot *newest = NULL;

	if (sl_files_read(dir, NAME, slot, sizeof(slot)) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		if (whole(&slot[i]) && (!newest || slot[i].mark.turn > newest->mark.turn))
			newest = &slot[i];
	if (newest)
		*mark = newest->mark;
	return newest != NULL;
}

int sl_spool_mark_save(const char *dir, struct sl_spool_mark *mark)
{
	char path[SL_FILES_PATH_MAX];
	int err = sl_files_path(path, dir, NAME);

	if (err)
		return err;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	mark->turn++;
	struct slot slot = {.magic = MAGIC, .mark = *mark};

	slot.crc = sl_crc32(0, &slot.mark, sizeof(slot.mark));
	ssize_t n = pwrite(fd, &slot, sizeof(slot), (off_t)(mark->turn % 2 * sizeof(slot)));

	if (n != (ssize_t)sizeof(slot))
		err = n < 0 ? -errno : -ENOSPC;
	else if (fdatasync(fd))
		err = -errno;
	close(fd);
	return err;
}
