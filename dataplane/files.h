/*
 * files.h - whole files in the state directory, replaced at once
 *
 * A reader sees the old or the new content, also after a power cut: written
 * beside, synced, renamed.
 */
#ifndef SL_FILES_H
#define SL_FILES_H

#include <stddef.h>

#define SL_FILES_PATH_MAX 512

/* @path = @dir/@name.  0, or -ENAMETOOLONG. */
int sl_files_path(char path[SL_FILES_PATH_MAX], const char *dir, const char *name);

/* Make @dir when it is not there (its parent must be).  0 or -errno. */
int sl_files_make_dir(const char *dir);

/* Replace @dir/@name.  0 or -errno, and the old content stands. */
int sl_files_replace(const char *dir, const char *name, const void *bytes, size_t size);

/*
 * Read @dir/@name, up to @size bytes.  Its length (-EFBIG when longer than @size), or
 * -errno.
 */
long sl_files_read(const char *dir, const char *name, void *bytes, size_t size);

/* The same as text: up to @size - 1 bytes, NUL at the end. */
long sl_files_read_text(const char *dir, const char *name, char *text, size_t size);

#endif
