/*
 * spool.h - events that must arrive, kept on disk until control has them
 *
 * RELIABILITY.md 1.2.  An event is identified by (boot, seq): boot is random per
 * life of the spool and kept over restarts, seq contiguous from 1.  Events are
 * given out only when they are on disk, so a seq is never given twice.  When full,
 * the oldest file is dropped; whoever reads there gets one GAP event: it carries
 * the seq of the last one lost and how many in `lost`, so it covers
 * seq - lost + 1 .. seq.  A disk that is full or read-only does not stop
 * anything: memory keeps what it can, and the disk is tried again each second.
 * One thread.
 */
#ifndef SL_SPOOL_H
#define SL_SPOOL_H

#include "proto/wire.h"

struct sl_spool;

struct sl_spool_config {
	const char *dir;           /* made when it is not there */
	const char *site, *source; /* for GAP events; kept by reference */
	uint64_t capacity_bytes;   /* 0 = 16 MiB */
	uint32_t segment_bytes;    /* 0 = 256 KiB */
	uint32_t memory_bytes;     /* 0 = 1 MiB */
};

struct sl_spool_stats {
	uint64_t pending;  /* made, not acknowledged */
	uint64_t folded;   /* dropped for room, told in GAPs */
	uint64_t failures; /* writes that the disk refused */
	uint64_t torn;     /* bytes at ends of files that were not whole */
	bool failing;      /* in memory at this moment */
};

/* 0 and *@spool, also when the disk refuses (stats tell); -ENOMEM. */
int sl_spool_open(struct sl_spool **spool, const struct sl_spool_config *config);
/* To disk, and free. */
void sl_spool_close(struct sl_spool *spool);

uint64_t sl_spool_boot(const struct sl_spool *spool);
uint64_t sl_spool_last(const struct sl_spool *spool);  /* last seq given; 0 = none */
uint64_t sl_spool_acked(const struct sl_spool *spool); /* all up to here have arrived */

/*
 * Take @event: its boot and seq are set.  @urgent: on disk when this returns; else
 * within 100 ms by sl_spool_tick().  0, or -EMSGSIZE.
 */
int sl_spool_append(struct sl_spool *spool, struct sl_event *event, bool urgent);

/* Sync what waits for it, try a refusing disk again.  At least every 100 ms. */
void sl_spool_tick(struct sl_spool *spool, uint64_t now_ns);

/*
 * The event @seq, or a GAP that covers it.  0; -EAGAIN: not on disk yet; -ENOENT: not
 * made yet.
 */
int sl_spool_read(struct sl_spool *spool, uint64_t seq, struct sl_event *event);

/* The reader has all of @boot up to @seq.  Another life's @boot is ignored. */
void sl_spool_ack(struct sl_spool *spool, uint64_t boot, uint64_t seq);

void sl_spool_stats(const struct sl_spool *spool, struct sl_spool_stats *stats);

#endif
