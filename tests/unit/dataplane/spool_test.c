/*
 * spool_test.c - what was made is received or told in a GAP, whatever the disk does
 */
#include "memory_engine.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dataplane/spool.h"
#include "tests/unit/row.h"

static struct sl_spool *open_spool(const char *dir, uint64_t capacity, uint32_t segment)
{
	const struct sl_spool_config config = {
		.dir = dir,
		.site = "store-0421",
		.source = "dataplane",
		.capacity_bytes = capacity,
		.segment_bytes = segment,
	};
	struct sl_spool *spool;

	assert_int_equal(sl_spool_open(&spool, &config), 0);
	return spool;
}

static void make(struct sl_spool *spool, uint32_t count)
{
	static struct sl_event event;

	for (uint32_t i = 0; i < count; i++) {
		event = (struct sl_event){.kind = SL_EVENT_ACTION};
		snprintf(event.site, sizeof(event.site), "store-0421");
		snprintf(event.source, sizeof(event.source), "dataplane");
		snprintf(event.text, sizeof(event.text), "event %llu",
			 (unsigned long long)sl_spool_last(spool) + 1);
		assert_int_equal(sl_spool_append(spool, &event, true), 0);
	}
}

struct tally {
	uint64_t received, reported, last;
};

/* Read from @from to the end: contiguous, each event what it was, GAPs cover the rest. */
static struct tally drain(struct sl_spool *spool, uint64_t from)
{
	static struct sl_event event;
	struct tally tally = {0};
	char text[64];
	uint64_t seq = from;

	while (sl_spool_read(spool, seq, &event) == 0) {
		assert_true(event.boot == sl_spool_boot(spool));
		if (event.kind == SL_EVENT_GAP) {
			assert_true(event.lost > 0);
			assert_true(event.seq == seq + event.lost - 1);
			tally.reported += event.lost;
		} else {
			snprintf(text, sizeof(text), "event %llu", (unsigned long long)seq);
			assert_true(event.seq == seq);
			assert_string_equal(event.text, text);
			tally.received++;
		}
		seq = event.seq + 1;
	}
	tally.last = seq - 1;
	return tally;
}

/* The newest file of the spool. */
static char *newest(const char *dir)
{
	static char path[512];
	char best[256] = "";
	struct dirent *entry;
	DIR *d = opendir(dir);

	while ((entry = readdir(d)) != NULL)
		if (strstr(entry->d_name, ".seg") && strcmp(entry->d_name, best) > 0)
			snprintf(best, sizeof(best), "%s", entry->d_name);
	closedir(d);
	snprintf(path, sizeof(path), "%s/%s", dir, best);
	return path;
}

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (long)st.st_size;
}

static void restarts(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 0, 0);
	uint64_t boot = sl_spool_boot(spool);

	assert_true(boot != 0);
	assert_true(sl_spool_last(spool) == 0);
	make(spool, 10);
	sl_spool_ack(spool, boot, 4);
	sl_spool_close(spool);
	spool = open_spool(dir, 0, 0);
	assert_true(sl_spool_boot(spool) == boot);
	assert_true(sl_spool_last(spool) == 10);
	assert_true(sl_spool_acked(spool) == 4);
	make(spool, 5);
	struct tally t = drain(spool, 5);

	assert_int_equal(t.received, 11);
	assert_int_equal(t.reported, 0);
	assert_int_equal(t.last, 15);
	sl_spool_close(spool);
	remove_dir(dir);
}

/* A child appends and is killed without warning: all that it said was appended is there. */
static void killed(void **state)
{
	char *dir = make_dir();

	for (int life = 0; life < 20; life++) {
		int told[2];
		uint64_t said = 0, seq;

		assert_int_equal(pipe(told), 0);
		pid_t child = fork();

		if (child == 0) {
			struct sl_spool *spool = open_spool(dir, 0, 4096);

			for (;;) {
				make(spool, 1);
				seq = sl_spool_last(spool);
				if (write(told[1], &seq, sizeof(seq)) < 0)
					_exit(1);
			}
		}
		close(told[1]);
		usleep(2000 + 700u * (unsigned int)life);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (read(told[0], &seq, sizeof(seq)) == (ssize_t)sizeof(seq))
			said = seq;
		close(told[0]);
		struct sl_spool *spool = open_spool(dir, 0, 4096);

		assert_true(sl_spool_last(spool) >= said);
		assert_true(drain(spool, 1).received == sl_spool_last(spool));
		sl_spool_close(spool);
	}
	remove_dir(dir);
}

/* The last file ends anywhere: every length is survived, and the seqs go on without a hole. */
static void torn(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 0, 0);

	make(spool, 3);
	sl_spool_close(spool);
	long whole = size_of(newest(dir));
	static char bytes[4096];
	char path[512];

	snprintf(path, sizeof(path), "%s", newest(dir));
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, bytes, sizeof(bytes)) == whole);
	close(fd);
	for (long cut = 0; cut < whole; cut++) {
		char *copy = make_dir();
		char name[600];

		snprintf(name, sizeof(name), "%s/%s", copy, strrchr(path, '/') + 1);
		fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		assert_true(write(fd, bytes, (size_t)cut) == cut);
		close(fd);
		spool = open_spool(copy, 0, 0);
		uint64_t kept = sl_spool_last(spool);

		assert_true(kept < 3);
		make(spool, 2);
		struct tally t = drain(spool, 1);

		assert_true(t.received == kept + 2);
		assert_int_equal(t.reported, 0);
		sl_spool_close(spool);
		remove_dir(copy);
	}
	remove_dir(dir);
}

/* One bit of a middle file flips: what cannot be believed is told as lost, the rest comes. */
static void corrupt(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 0, 1024);
	char path[512];
	uint8_t byte;

	make(spool, 12);
	snprintf(path, sizeof(path), "%s", newest(dir));
	make(spool, 40);
	sl_spool_close(spool);
	assert_string_not_equal(path, newest(dir));
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(pread(fd, &byte, 1, size_of(path) - 5) == 1);
	byte ^= 4;
	assert_true(pwrite(fd, &byte, 1, size_of(path) - 5) == 1);
	close(fd);
	spool = open_spool(dir, 0, 1024);
	struct tally t = drain(spool, 1);

	assert_int_equal(t.received + t.reported, 52);
	assert_in_range(t.reported, 1, 12);
	sl_spool_close(spool);
	remove_dir(dir);
}

static void full(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 8192, 1024);
	struct sl_spool_stats stats;

	make(spool, 1000);
	sl_spool_stats(spool, &stats);
	struct tally t = drain(spool, 1);

	assert_int_equal(t.received + t.reported, 1000);
	assert_int_equal(t.reported, stats.folded);
	assert_in_range(t.received, 30, 200);
	assert_int_equal(stats.pending, 1000);
	/* The reader got the GAP and says so: nothing is left to tell. */
	sl_spool_ack(spool, sl_spool_boot(spool), 1000);
	sl_spool_stats(spool, &stats);
	assert_int_equal(stats.pending, 0);
	sl_spool_close(spool);
	spool = open_spool(dir, 8192, 1024);
	assert_true(sl_spool_last(spool) == 1000);
	make(spool, 1);
	t = drain(spool, 1001);
	assert_int_equal(t.received, 1);
	assert_int_equal(t.reported, 0);
	sl_spool_close(spool);
	remove_dir(dir);
}

static void acked_files_go(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 0, 1024);
	struct dirent *entry;
	int files = 0;
	DIR *d;

	make(spool, 500);
	sl_spool_ack(spool, sl_spool_boot(spool), 499);
	sl_spool_ack(spool, sl_spool_boot(spool) + 1, 500); /* another life's */
	sl_spool_ack(spool, sl_spool_boot(spool), 501);     /* not made yet */
	assert_true(sl_spool_acked(spool) == 499);
	d = opendir(dir);
	while ((entry = readdir(d)) != NULL)
		files += strstr(entry->d_name, ".seg") != NULL;
	closedir(d);
	assert_in_range(files, 1, 2);
	assert_int_equal(drain(spool, 500).received, 1);
	sl_spool_close(spool);
	remove_dir(dir);
}

/* What is not urgent is given out only when it is on disk. */
static void patient(void **state)
{
	static struct sl_event event;
	char *dir = make_dir();
	struct sl_spool *spool = open_spool(dir, 0, 0);

	event = (struct sl_event){.kind = SL_EVENT_ACTION};
	assert_int_equal(sl_spool_append(spool, &event, false), 0);
	assert_int_equal(sl_spool_read(spool, 1, &event), -EAGAIN);
	assert_int_equal(sl_spool_read(spool, 2, &event), -ENOENT);
	sl_spool_tick(spool, 50 * S);
	assert_int_equal(sl_spool_read(spool, 1, &event), 0);
	sl_spool_close(spool);
	remove_dir(dir);
}

/* A disk of 64 kB, full of other things: events go on in memory, and to disk when there is room. */
static void disk_full(void **state)
{
	char *dir = make_dir();
	char path[512];
	static char junk[128 * 1024];

	if (mount("none", dir, "tmpfs", 0, "size=64k")) {
		remove_dir(dir);
		skip();
		return; /* skip() leaves; clang-tidy does not know */
	}
	struct sl_spool *spool = open_spool(dir, 0, 0);
	struct sl_spool_stats stats;

	make(spool, 5);
	snprintf(path, sizeof(path), "%s/junk", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t n = write(fd, junk, sizeof(junk));

	close(fd);
	assert_true(n > 0 && n < (ssize_t)sizeof(junk));
	make(spool, 200);
	sl_spool_stats(spool, &stats);
	assert_true(stats.failing);
	assert_true(stats.failures > 0);
	assert_int_equal(drain(spool, 1).received, 205);
	unlink(path);
	sl_spool_tick(spool, 50 * S);
	sl_spool_stats(spool, &stats);
	assert_false(stats.failing);
	sl_spool_close(spool);
	spool = open_spool(dir, 0, 0);
	assert_int_equal(drain(spool, 1).received, 205);
	sl_spool_close(spool);
	umount(dir);
	remove_dir(dir);
}

/* Killed while the disk refused: the seqs that only memory knew are not given again. */
static void killed_while_full(void **state)
{
	char *dir = make_dir();
	char path[512];
	static char junk[128 * 1024];
	static struct sl_event event;
	uint64_t boot = 0;
	int told[2];

	if (mount("none", dir, "tmpfs", 0, "size=64k")) {
		remove_dir(dir);
		skip();
		return; /* skip() leaves; clang-tidy does not know */
	}
	assert_int_equal(pipe(told), 0);
	if (fork() == 0) {
		struct sl_spool *spool = open_spool(dir, 0, 0);

		make(spool, 5);
		snprintf(path, sizeof(path), "%s/junk", dir);
		int fd = open(path, O_WRONLY | O_CREAT, 0644);

		if (write(fd, junk, sizeof(junk)) < 0)
			_exit(1);
		make(spool, 100);
		boot = sl_spool_boot(spool);
		_exit(write(told[1], &boot, sizeof(boot)) < 0);
	}
	assert_true(read(told[0], &boot, sizeof(boot)) == (ssize_t)sizeof(boot));
	wait(NULL);
	snprintf(path, sizeof(path), "%s/junk", dir);
	unlink(path);
	struct sl_spool *spool = open_spool(dir, 0, 0);

	assert_true(sl_spool_boot(spool) != boot);
	assert_in_range(sl_spool_last(spool), 5, 100);
	assert_int_equal(sl_spool_read(spool, 1, &event), 0);
	assert_string_equal(event.text, "event 1");
	assert_true(event.boot == sl_spool_boot(spool));
	sl_spool_close(spool);
	umount(dir);
	close(told[0]);
	close(told[1]);
	remove_dir(dir);
}

static void read_only(void **state)
{
	char *dir = make_dir();
	struct sl_spool *spool;
	struct sl_spool_stats stats;

	if (mount("none", dir, "tmpfs", 0, "size=1m")) {
		remove_dir(dir);
		skip();
		return; /* skip() leaves; clang-tidy does not know */
	}
	spool = open_spool(dir, 0, 0);
	make(spool, 3);
	sl_spool_close(spool);
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	spool = open_spool(dir, 0, 0);
	sl_spool_stats(spool, &stats);
	assert_true(stats.failing);
	make(spool, 4);
	sl_spool_tick(spool, 50 * S);
	assert_int_equal(drain(spool, 1).received, 7);
	sl_spool_close(spool);
	umount(dir);
	remove_dir(dir);
}

/* A place that is no directory at all. */
static void nowhere(void **state)
{
	struct sl_spool *spool = open_spool("/proc/nowhere/spool", 0, 0);
	struct sl_spool_stats stats;

	make(spool, 3);
	assert_int_equal(drain(spool, 1).received, 3);
	sl_spool_stats(spool, &stats);
	assert_true(stats.failing);
	sl_spool_close(spool);
}

static void memory_full(void **state)
{
	const struct sl_spool_config config = {
		.dir = "/proc/nowhere/spool",
		.site = "s",
		.source = "dataplane",
		.memory_bytes = 4096,
	};
	struct sl_spool *spool;

	assert_int_equal(sl_spool_open(&spool, &config), 0);
	make(spool, 500);
	struct tally t = drain(spool, 1);

	assert_int_equal(t.received + t.reported, 500);
	assert_in_range(t.received, 10, 200);
	sl_spool_close(spool);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	sl_row_add(&tests, "boot and seq go on over a restart", restarts, NULL);
	sl_row_add(&tests, "kill -9 twenty times: nothing appended is lost", killed, NULL);
	sl_row_add(&tests, "a torn end at every length", torn, NULL);
	sl_row_add(&tests, "a flipped bit: told in a GAP", corrupt, NULL);
	sl_row_add(&tests, "full: made = received + reported", full, NULL);
	sl_row_add(&tests, "acknowledged files go", acked_files_go, NULL);
	sl_row_add(&tests, "given out only when on disk", patient, NULL);
	sl_row_add(&tests, "disk full, then room again", disk_full, NULL);
	sl_row_add(&tests, "killed while the disk was full: a new life", killed_while_full, NULL);
	sl_row_add(&tests, "read-only disk", read_only, NULL);
	sl_row_add(&tests, "no directory", nowhere, NULL);
	sl_row_add(&tests, "memory full too", memory_full, NULL);
	return sl_row_run("spool", &tests);
}
