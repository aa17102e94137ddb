/*
 * spool.c - files in a row, memory behind them when the disk refuses
 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "files.h"
#include "log.h"
#include "segment.h"
#include "spool_mark.h"
#include "spool_memory.h"

#define CAPACITY     (16u << 20)
#define SEGMENT      (256u << 10)
#define MEMORY       (1u << 20)
#define SEGMENTS_MAX 1024
#define SYNC_NS      UINT64_C(100000000)
#define RETRY_NS     UINT64_C(1000000000)

struct sl_spool {
	struct sl_spool_config config;
	struct sl_spool_stats stats;
	struct sl_spool_mark mark; /* boot, acked, next: what outlives the files */
	uint64_t synced;           /* on disk up to this seq */
	bool dirty, mark_dirty;
	uint64_t synced_ns, retry_ns;
	struct sl_segment segment[SEGMENTS_MAX];
	uint32_t segments;
	uint64_t disk_bytes;
	struct sl_spool_memory memory;
};

static uint64_t random_boot(void)
{
	uint64_t boot = 0;

	if (getrandom(&boot, sizeof(boot), GRND_NONBLOCK) != (ssize_t)sizeof(boot))
		boot = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)&boot;
	return boot ? boot : 1;
}

/* ---- a disk that refuses ---- */

static void fail(struct sl_spool *s, const char *what, int err)
{
	s->stats.failures++;
	if (s->stats.failing)
		return;
	s->stats.failing = true;
	sl_log(SL_LOG_WARN, "spool-disk", "dir=%s what=%s why=\"%s\" keeps=memory", s->config.dir,
	       what, strerror(-err));
	/* Seqs that only memory knows must not be given again after a kill: a new life then. */
	s->mark.broken = true;
	sl_spool_mark_save(s->config.dir, &s->mark);
}

static void heal(struct sl_spool *s)
{
	if (!s->stats.failing)
		return;
	s->stats.failing = false;
	s->mark.broken = false;
	sl_spool_mark_save(s->config.dir, &s->mark);
	sl_log(SL_LOG_INFO, "spool-disk", "dir=%s what=\"takes events again\"", s->config.dir);
}

/* ---- files ---- */

static void drop_oldest(struct sl_spool *s)
{
	struct sl_segment *oldest = &s->segment[0];
	char path[SL_FILES_PATH_MAX];

	if (!sl_files_path(path, s->config.dir, oldest->name))
		unlink(path);
	s->disk_bytes -= oldest->bytes;
	sl_segment_close(oldest);
	s->segments--;
	memmove(oldest, oldest + 1, s->segments * sizeof(*oldest));
}

static uint64_t end_of(const struct sl_segment *segment)
{
	return segment->first + segment->count; /* seq after its last */
}

static void fold_oldest(struct sl_spool *s)
{
	const struct sl_segment *oldest = &s->segment[0];
	uint64_t from = oldest->first > s->mark.acked ? oldest->first : s->mark.acked + 1;
	uint64_t lost = end_of(oldest) > from ? end_of(oldest) - from : 0;

	if (lost && s->stats.folded == 0) /* once; the counter and GAPs tell the rest */
		sl_log(SL_LOG_WARN, "spool-full", "dropped=%llu from=%llu",
		       (unsigned long long)lost, (unsigned long long)from);
	s->stats.folded += lost;
	drop_oldest(s);
}

static int new_segment(struct sl_spool *s, uint64_t first)
{
	struct sl_segment segment;
	int err;

	if (s->segments == SEGMENTS_MAX)
		fold_oldest(s);
	err = sl_segment_create(&segment, s->config.dir, s->mark.boot, first);
	if (err)
		return err;
	s->segment[s->segments++] = segment;
	s->disk_bytes += segment.bytes;
	s->mark_dirty = true;
	return 0;
}

static int write_record(struct sl_spool *s, uint64_t seq, const uint8_t *bytes, uint32_t length)
{
	uint32_t size = sl_segment_record_bytes(length);
	struct sl_segment *tail;
	int err = 0;

	while (s->segments > 1 && s->disk_bytes + size > s->config.capacity_bytes)
		fold_oldest(s);
	tail = s->segments ? &s->segment[s->segments - 1] : NULL;
	if (!tail || tail->bytes + size > s->config.segment_bytes || end_of(tail) != seq)
		err = new_segment(s, seq);
	if (err)
		return err;
	tail = &s->segment[s->segments - 1];
	err = sl_segment_append(tail, bytes, length);
	if (err)
		return err;
	s->disk_bytes += size;
	s->dirty = true;
	return 0;
}

static void sync_now(struct sl_spool *s, uint64_t upto)
{
	/* The file before the tail was synced when it was left: see write order in append. */
	if (s->segments && fdatasync(s->segment[s->segments - 1].fd)) {
		fail(s, "sync", -errno);
		/* A disk that lies is no reason to be silent: give out what there is. */
	}
	s->dirty = false;
	s->synced = upto;
}

/* ---- memory ---- */

static void keep(struct sl_spool *s, uint64_t seq, const uint8_t *bytes, uint32_t length)
{
	s->stats.folded += sl_spool_memory_keep(&s->memory, seq, bytes, length);
}

static void flush_memory(struct sl_spool *s)
{
	const struct sl_spool_kept *first;

	while ((first = s->memory.first) != NULL) {
		int err = 0;

		if (first->seq > s->mark.acked)
			err = write_record(s, first->seq, first->bytes, first->length);
		if (err)
			return fail(s, "write", err);
		sl_spool_memory_drop(&s->memory, first->seq);
	}
	heal(s);
}

/* ---- open ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sl_segment *)a)->name, ((const struct sl_segment *)b)->name);
}

static void open_segment(struct sl_spool *s, const char *name)
{
	struct sl_segment segment;
	char path[SL_FILES_PATH_MAX];
	uint32_t cut = 0;
	int err = sl_segment_open(&segment, s->config.dir, name, &cut);

	s->stats.torn += cut;
	if (!err && s->segments < SEGMENTS_MAX) {
		s->segment[s->segments++] = segment;
		s->disk_bytes += segment.bytes;
		return;
	}
	if (!err)
		sl_segment_close(&segment);
	sl_log(SL_LOG_WARN, "spool-file", "name=%s what=\"not whole, put aside\" why=\"%s\"", name,
	       strerror(-err));
	if (err == -EINVAL && !sl_files_path(path, s->config.dir, name))
		unlink(path);
}

static void open_segments(struct sl_spool *s)
{
	DIR *dir = opendir(s->config.dir);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (length == 24 && strcmp(entry->d_name + 20, ".seg") == 0)
			open_segment(s, entry->d_name);
	}
	closedir(dir);
	qsort(s->segment, s->segments, sizeof(*s->segment), by_name);
}

/* Files of another life, left by a disk that would not delete them. */
static void close_strangers(struct sl_spool *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->segments; i++) {
		if (s->segment[i].boot == s->mark.boot)
			s->segment[kept++] = s->segment[i];
		else
			sl_segment_close(&s->segment[i]);
	}
	s->segments = kept;
}

/* Go on where the last process stopped. */
static void resume(struct sl_spool *s, bool marked)
{
	const struct sl_segment *tail;

	if (marked)
		close_strangers(s);
	tail = s->segments ? &s->segment[s->segments - 1] : NULL;
	if (!marked)
		s->mark = (struct sl_spool_mark){
			.boot = tail ? tail->boot : random_boot(),
			.acked = tail ? s->segment[0].first - 1 : 0,
		};
	if (s->mark.next <= s->mark.acked)
		s->mark.next = s->mark.acked + 1;
	if (tail && s->mark.next < end_of(tail))
		s->mark.next = end_of(tail);
	s->synced = s->mark.next - 1;
}

/*
 * The last process was killed while the disk refused (or it refuses now), and may have
 * given out seqs that the disk does not know.  What is there goes on under a new boot.
 */
static void begin_new_life(struct sl_spool *s)
{
	static uint8_t bytes[SL_SEGMENT_RECORD_MAX];
	static struct sl_event event;
	uint64_t acked = s->mark.acked;
	uint64_t boot = random_boot();

	s->mark = (struct sl_spool_mark){.boot = boot, .next = 1};
	for (uint32_t i = 0; i < s->segments; i++)
		for (uint32_t n = 0; n < s->segment[i].count; n++) {
			long length = sl_segment_read(&s->segment[i], n, bytes);

			if (s->segment[i].first + n <= acked || length < 0 ||
			    sl_wire_unpack_event(&event, bytes, (size_t)length, NULL))
				continue;
			event.boot = boot;
			event.seq = s->mark.next;
			length = sl_wire_pack_event(&event, bytes, sizeof(bytes));
			if (length > 0)
				keep(s, s->mark.next++, bytes, (uint32_t)length);
		}
	while (s->segments)
		drop_oldest(s);
	s->synced = s->mark.next - 1;
	if (!s->stats.failing && sl_spool_mark_save(s->config.dir, &s->mark) == 0)
		flush_memory(s);
}

static void set_defaults(struct sl_spool_config *c)
{
	c->capacity_bytes = c->capacity_bytes ? c->capacity_bytes : CAPACITY;
	c->segment_bytes = c->segment_bytes ? c->segment_bytes : SEGMENT;
	c->memory_bytes = c->memory_bytes ? c->memory_bytes : MEMORY;
}

int sl_spool_open(struct sl_spool **spool, const struct sl_spool_config *config)
{
	struct sl_spool *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->config = *config;
	set_defaults(&s->config);
	s->memory.limit = s->config.memory_bytes;
	int err = sl_files_make_dir(s->config.dir);
	bool marked = !err && sl_spool_mark_load(s->config.dir, &s->mark);

	open_segments(s);
	resume(s, marked);
	if (!err)
		err = sl_spool_mark_save(s->config.dir, &s->mark);
	if (err)
		fail(s, "open", err);
	/* When nothing can be kept, this life is this process's. */
	if (err || s->mark.broken)
		begin_new_life(s);
	*spool = s;
	return 0;
}

void sl_spool_close(struct sl_spool *s)
{
	if (!s)
		return;
	flush_memory(s);
	sync_now(s, s->mark.next - 1);
	sl_spool_mark_save(s->config.dir, &s->mark);
	sl_spool_memory_drop(&s->memory, UINT64_MAX);
	for (uint32_t i = 0; i < s->segments; i++)
		sl_segment_close(&s->segment[i]);
	free(s);
}

/* ---- use ---- */

uint64_t sl_spool_boot(const struct sl_spool *s)
{
	return s->mark.boot;
}

uint64_t sl_spool_last(const struct sl_spool *s)
{
	return s->mark.next - 1;
}

uint64_t sl_spool_acked(const struct sl_spool *s)
{
	return s->mark.acked;
}

int sl_spool_append(struct sl_spool *s, struct sl_event *event, bool urgent)
{
	static uint8_t bytes[SL_SEGMENT_RECORD_MAX];
	uint64_t seq = s->mark.next;
	int err = 0;

	event->boot = s->mark.boot;
	event->seq = seq;
	long length = sl_wire_pack_event(event, bytes, sizeof(bytes));

	if (length < 0)
		return (int)length;
	s->mark.next++;
	/* Leaving a file: what it holds must be down before the next one is. */
	if (s->dirty && s->segments &&
	    s->segment[s->segments - 1].bytes + sl_segment_record_bytes((uint32_t)length) >
		    s->config.segment_bytes)
		sync_now(s, seq - 1);
	if (!s->stats.failing)
		err = write_record(s, seq, bytes, (uint32_t)length);
	if (err)
		fail(s, "write", err);
	if (s->stats.failing)
		keep(s, seq, bytes, (uint32_t)length);
	else if (urgent)
		sync_now(s, seq);
	return 0;
}

void sl_spool_tick(struct sl_spool *s, uint64_t now_ns)
{
	if (s->dirty && now_ns - s->synced_ns >= SYNC_NS) {
		sync_now(s, s->stats.failing ? s->synced : s->mark.next - 1);
		s->synced_ns = now_ns;
	}
	if (now_ns - s->retry_ns < RETRY_NS)
		return;
	s->retry_ns = now_ns;
	if (s->stats.failing)
		flush_memory(s);
	if (s->mark_dirty && !s->stats.failing)
		s->mark_dirty = sl_spool_mark_save(s->config.dir, &s->mark) != 0;
}

static void gap(const struct sl_spool *s, uint64_t seq, uint64_t upto, struct sl_event *event)
{
	*event = (struct sl_event){
		.boot = s->mark.boot,
		.seq = upto,
		.kind = SL_EVENT_GAP,
		.lost = upto - seq + 1,
	};
	snprintf(event->site, sizeof(event->site), "%s", s->config.site);
	snprintf(event->source, sizeof(event->source), "%s", s->config.source);
	snprintf(event->text, sizeof(event->text), "%llu events did not fit the spool",
		 (unsigned long long)event->lost);
}

/* The first record at or after @seq: its seq and, in @bytes, what it holds; 0 = none. */
static uint64_t find(const struct sl_spool *s, uint64_t seq, uint8_t *bytes, long *length)
{
	for (uint32_t i = 0; i < s->segments; i++) {
		const struct sl_segment *segment = &s->segment[i];
		uint64_t at = seq > segment->first ? seq : segment->first;

		if (at >= end_of(segment))
			continue;
		*length = sl_segment_read(segment, (uint32_t)(at - segment->first), bytes);
		return at;
	}
	const struct sl_spool_kept *k = sl_spool_memory_find(&s->memory, seq);

	if (k) {
		memcpy(bytes, k->bytes, k->length);
		*length = k->length;
		return k->seq;
	}
	return 0;
}

int sl_spool_read(struct sl_spool *s, uint64_t seq, struct sl_event *event)
{
	static uint8_t bytes[SL_SEGMENT_RECORD_MAX];
	long length = 0;

	if (seq >= s->mark.next)
		return -ENOENT;
	uint64_t at = find(s, seq, bytes, &length);

	if (at == 0) { /* nothing kept from here to the end */
		gap(s, seq, s->mark.next - 1, event);
		return 0;
	}
	if (at > seq) {
		gap(s, seq, at - 1, event);
		return 0;
	}
	if (!s->stats.failing && at > s->synced)
		return -EAGAIN;
	if (length < 0 || sl_wire_unpack_event(event, bytes, (size_t)length, NULL))
		gap(s, seq, seq, event);
	return 0;
}

void sl_spool_ack(struct sl_spool *s, uint64_t boot, uint64_t seq)
{
	if (boot != s->mark.boot || seq <= s->mark.acked || seq >= s->mark.next)
		return;
	s->mark.acked = seq;
	s->mark_dirty = true;
	sl_spool_memory_drop(&s->memory, seq);
	/* The last file stays: it remembers where the seqs stand. */
	while (s->segments > 1 && end_of(&s->segment[0]) <= seq + 1)
		drop_oldest(s);
}

void sl_spool_stats(const struct sl_spool *s, struct sl_spool_stats *stats)
{
	*stats = s->stats;
	stats->pending = s->mark.next - 1 - s->mark.acked;
}
