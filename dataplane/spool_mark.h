/*
 * spool_mark.h - what the spool must know beside its files: boot, watermark, next seq
 *
 * Two slots of one small file, written in turn and in place: a torn write leaves the
 * other one, and a full disk still takes it.
 */
#ifndef SL_SPOOL_MARK_H
#define SL_SPOOL_MARK_H

#include <stdbool.h>
#include <stdint.h>

struct sl_spool_mark {
	uint64_t boot;
	uint64_t acked;
	uint64_t next;
	uint64_t turn; /* counts the writes */
	bool broken;   /* the disk refused events: seqs beyond the files may have been given */
	uint8_t pad[7];
};

/* The newer whole slot in @dir; false, *@mark untouched, when there is none. */
bool sl_spool_mark_load(const char *dir, struct sl_spool_mark *mark);

/* 0 or -errno. */
int sl_spool_mark_save(const char *dir, struct sl_spool_mark *mark);

#endif
