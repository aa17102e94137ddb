/*
 * workers_test.c - several workers on several queues count what one worker counts
 *
 * Each capture through one worker, and, spread as a NIC would by symmetric Toeplitz RSS
 * (DPDK's own software of it, under the engine's key), through 2 and 4: the sums of
 * their counters and histograms are the same to the byte.  Named exceptions: fragments and
 * ICMP errors, which NICs spread by address alone, away from their flow; they are left out.
 *
 * workers_test DIR    the captures of DIR; without one, of $SL_CAPTURES
 */
#include <dirent.h>
#include <rte_thash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/capture.h"
#include "dataplane/fastpath/pipeline.h"
#include "dataplane/worker.h"
#include "tests/unit/row.h"

#define WORKERS_MAX 4
#define BUCKETS     2048
#define ROOMS       5 /* of a worker */

static const char *directory;
static struct dirent **names;
static int found;
static struct sl_tables tables = {.generation = 1, .services = 3, .hash_seed = 4711};

/* Memory of a worker: most of it is never touched, and by calloc() costs nothing then. */
struct room {
	void *whole; /* what free() takes */
	void *at;    /* of it: from a cache line on */
};

/* The worker with this queue, and what it counted. */
struct crew {
	uint32_t count;
	struct sl_shared meters;
	struct sl_worker *worker[WORKERS_MAX];
	struct room room[WORKERS_MAX][ROOMS];
	struct sl_frame frame[WORKERS_MAX][SL_BURST_MAX];
	uint8_t bytes[WORKERS_MAX][SL_BURST_MAX][SL_FRAME_MAX];
	uint32_t waits[WORKERS_MAX];
	uint64_t got[WORKERS_MAX];
};

static void *zeroed(struct room *room, size_t bytes)
{
	room->whole = calloc(1, bytes + 63);
	assert_non_null(room->whole);
	room->at = (void *)(((uintptr_t)room->whole + 63) & ~(uintptr_t)63);
	return room->at;
}

static struct crew *open_crew(uint32_t count)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	assert_non_null(crew);
	crew->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct room *room = crew->room[i];
		struct sl_worker_memory memory = {
			.bucket = zeroed(&room[0], BUCKETS * sizeof(struct sl_bucket)),
			.flow = zeroed(&room[1], BUCKETS * SL_BUCKET_WAYS * sizeof(struct sl_flow)),
			.fragment = zeroed(&room[2],
					   SL_FRAGMENT_SLOTS * sizeof(struct sl_fragment_slot)),
			.stats = zeroed(&room[3], sizeof(struct sl_stats)),
		};

		crew->worker[i] = zeroed(&room[4], sizeof(struct sl_worker));
		sl_worker_init(crew->worker[i], &memory, BUCKETS, &crew->meters);
	}
	return crew;
}

static void close_crew(struct crew *crew)
{
	for (uint32_t i = 0; i < crew->count; i++)
		for (int room = 0; room < ROOMS; room++)
			free(crew->room[i][room].whole);
	free(crew);
}

static void run_burst(struct crew *crew, uint32_t queue)
{
	static const struct sl_port port = {.uplink = SL_UPLINK_NONE};

	sl_worker_burst(crew->worker[queue], &tables, &port, SL_SIDE_UNKNOWN, crew->frame[queue],
			crew->waits[queue]);
	crew->waits[queue] = 0;
}

static void give(struct crew *crew, uint32_t queue, const struct sl_frame *frame)
{
	uint32_t at = crew->waits[queue]++;

	memcpy(crew->bytes[queue][at], frame->bytes, frame->length);
	crew->frame[queue][at] = *frame;
	crew->frame[queue][at].bytes = crew->bytes[queue][at];
	crew->got[queue]++;
	if (crew->waits[queue] == SL_BURST_MAX)
		run_burst(crew, queue);
}

/* ---- spreading ---- */

/* Words as rte_softrss() takes them: host order, source before destination. */
static uint32_t rss(const struct sl_packet *packet)
{
	static uint8_t key[52];
	uint64_t address[4] = {packet->src.hi, packet->src.lo, packet->dst.hi, packet->dst.lo};
	uint32_t words[9], count = 0;
	bool ports = packet->proto == SL_PROTO_TCP || packet->proto == SL_PROTO_UDP;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = i & 1 ? 0x5a : 0x6d;
	for (int i = 0; i < 4; i++) {
		if (!packet->ip6 && i % 2 == 0)
			continue;
		if (packet->ip6)
			words[count++] = (uint32_t)(address[i] >> 32);
		words[count++] = (uint32_t)address[i];
	}
	if (ports)
		words[count++] = (uint32_t)packet->src_port << 16 | packet->dst_port;
	return rte_softrss(words, count, key);
}

/* False: a named exception. */
static bool queue_of(const struct sl_frame *frame, uint32_t *hash)
{
	struct sl_cursor c = {frame->bytes, frame->bytes + frame->length};
	struct sl_work work = {.wire_bytes = frame->wire_bytes};

	*hash = 0; /* what a NIC cannot read goes to queue 0 */
	if (!sl_pipeline_network(&work, &c))
		return true;
	if (!sl_pipeline_transport(&work, &c) && work.packet.proto == SL_PROTO_TCP)
		return true;
	if (work.packet.fragment != SL_FRAGMENT_NONE || work.packet.icmp_error)
		return false;
	*hash = rss(&work.packet);
	return true;
}

/* ---- the comparison ---- */

static void sum(const struct crew *crew, struct sl_stats *all)
{
	memset(all, 0, sizeof(*all));
	for (uint32_t i = 0; i < crew->count; i++) {
		const uint64_t *from = (const uint64_t *)crew->worker[i]->memory.stats;

		for (size_t word = 0; word < sizeof(*all) / sizeof(uint64_t); word++)
			((uint64_t *)all)[word] += from[word];
	}
}

static void run_capture(struct crew *crew, const char *name)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	char path[4096], why[SL_FRAME_MAX];
	uint32_t hash;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (sl_capture_open(path, &capture, why, sizeof(why)))
		fail_msg("%s", why);
	while (sl_capture_next(capture, &frame))
		if (queue_of(&frame, &hash))
			give(crew, hash % crew->count, &frame);
	for (uint32_t i = 0; i < crew->count; i++)
		run_burst(crew, i);
	sl_capture_close(capture);
}

static void same_as_one(void **state)
{
	static const uint32_t counts[] = {2, WORKERS_MAX};
	struct crew *one = open_crew(1);
	static struct sl_stats expected, got;

	run_capture(one, *state);
	sum(one, &expected);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct crew *crew = open_crew(counts[i]);

		run_capture(crew, *state);
		sum(crew, &got);
		if (memcmp(&expected, &got, sizeof(got)))
			fail_msg("%u workers count something else than one", counts[i]);
		close_crew(crew);
	}
	close_crew(one);
}

/* Over all captures each of two workers has something to do. */
static void all_work(void **state)
{
	struct crew *crew = open_crew(2);

	for (int i = 0; i < found; i++)
		run_capture(crew, names[i]->d_name);
	assert_true(crew->got[0] * 10 > crew->got[1] && crew->got[1] * 10 > crew->got[0]);
	close_crew(crew);
}

static void missing(void **state)
{
	print_message("no SL_CAPTURES\n");
	skip();
}

static int is_capture(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && (!strcmp(dot, ".pcap") || !strcmp(dot, ".pcapng"));
}

static void set_tables(void)
{
	tables.rules = 2;
	tables.rule[0] = (struct sl_rule){.dst_port_min = 443, .dst_port_max = 443, .service = 1};
	tables.rule[1] = (struct sl_rule){.dst_port_max = UINT16_MAX,
					  .proto = SL_PROTO_UDP,
					  .proto_mask = 0xff,
					  .service = 2};
	for (int i = 0; i < 3; i++)
		tables.service[i].flow_quota = BUCKETS * SL_BUCKET_WAYS;
}

int main(int argc, char **argv)
{
	static struct sl_row_tests tests;
	int failed;

	set_tables();
	directory = argc > 1 ? argv[1] : getenv("SL_CAPTURES");
	found = directory ? scandir(directory, &names, is_capture, alphasort) : -1;
	if (found <= 0)
		sl_row_add(&tests, "workers", missing, NULL);
	for (int i = 0; i < found; i++)
		sl_row_add(&tests, names[i]->d_name, same_as_one, names[i]->d_name);
	if (found > 0 && argc == 1) /* the made captures are all of two hosts */
		sl_row_add(&tests, "two workers share the load", all_work, NULL);
	failed = sl_row_run("workers", &tests);
	for (int i = 0; i < found; i++)
		free(names[i]);
	free(names);
	return failed;
}
