/*
 * mutations_test.c - 200 000 damaged frames: BPF and host say the same of each
 *
 * mutations_test DIR [COUNT]    frames of DIR's captures are the stock that is damaged
 *
 * The host runs on exact-size heap copies, so a sanitizer sees any read past the end.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define COUNT     200000
#define SLICES    20   /* named tests: a failure says where */
#define STOCK_MAX 4096 /* frames kept */
#define SEED      UINT64_C(0x9e3779b97f4a7c15)

static struct sl_pair pair;
static const char *directory;
static uint64_t count = COUNT, dice = SEED;
static struct sl_frame stock[STOCK_MAX];
static uint32_t stocked;

/* xorshift64*: the same mutations on every machine. */
static uint32_t roll(uint32_t sides)
{
	dice ^= dice >> 12;
	dice ^= dice << 25;
	dice ^= dice >> 27;
	return (uint32_t)((dice * UINT64_C(2685821657736338717)) >> 32) % sides;
}

/* The first @most frames of a recording: every recording has its share. */
static void stock_capture(const char *path, uint32_t most)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	char why[256];

	if (sl_capture_open(path, &capture, why, sizeof(why)))
		fail_msg("%s", why);
	for (; most && stocked < STOCK_MAX && sl_capture_next(capture, &frame); most--) {
		uint8_t *bytes = malloc(frame.length + 1);

		assert_non_null(bytes);
		memcpy(bytes, frame.bytes, frame.length);
		frame.bytes = bytes;
		stock[stocked++] = frame;
	}
	sl_capture_close(capture);
}

static int is_capture(const struct dirent *entry)
{
	return strstr(entry->d_name, ".pcap") && strncmp(entry->d_name, "format-", 7) &&
	       strncmp(entry->d_name, "snap-", 5);
}

static void fill_stock(void)
{
	struct dirent **names = NULL;
	int found = scandir(directory, &names, is_capture, alphasort);

	assert_true(found > 0);
	for (int i = 0; i < found; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]->d_name);
		stock_capture(path, STOCK_MAX / (uint32_t)found);
		free(names[i]);
	}
	free(names);
	assert_true(stocked > 500);
}

/* Headers live in the first bytes: damage there finds most. */
static void damage(uint8_t *bytes, uint32_t length)
{
	uint32_t head = length < 160 ? length : 160; /* a tunnel's, and those inside it */

	for (uint32_t hits = 1 + roll(3); length && hits; hits--) {
		uint8_t *at = &bytes[roll(4) ? roll(head) : roll(length)];

		switch (roll(4)) {
		case 0:
			*at ^= (uint8_t)(1 << roll(8));
			break;
		case 1:
			*at = (uint8_t)(roll(2) ? 0xff : 0);
			break;
		default:
			*at = (uint8_t)roll(256);
			break;
		}
	}
}

static void run_one(uint64_t now_ns)
{
	const struct sl_frame *from = &stock[roll(stocked)];
	struct sl_frame frame = *from;
	uint8_t *bytes;

	if (!roll(3))
		frame.length = roll(frame.length + 1);
	bytes = malloc(frame.length ? frame.length : 1);
	assert_non_null(bytes);
	memcpy(bytes, from->bytes, frame.length);
	if (roll(8))
		damage(bytes, frame.length);
	frame.bytes = bytes;
	frame.t_ns = now_ns;
	sl_pair_frame(&pair, &frame);
	free(bytes);
}

static void slice(void **state)
{
	static uint64_t now_ns = UINT64_C(1000000000000000000);
	static int slices;

	if (!pair.xdp) {
		sl_pair_open(&pair);
		sl_pair_reset(&pair);
		fill_stock();
	}
	if (slices++ == SLICES / 2) { /* the second half with what is in tunnels */
		sl_pair_ask(&pair, SL_PAIR_TUNNELS);
		sl_pair_reset(&pair);
	}
	for (uint64_t i = 0; i < count / SLICES; i++) {
		/* Mostly microseconds, at times long enough for flows to expire. */
		now_ns += roll(1000) ? roll(2000000) : (uint64_t)roll(4000000) * 100000;
		run_one(now_ns);
	}
	sl_pair_same_stats(&pair);
	sl_pair_same_books(&pair);
}

int main(int argc, char **argv)
{
	static struct sl_row_tests tests;
	static char names[SLICES][32];
	int failed;

	directory = argc > 1 ? argv[1] : ".";
	count = argc > 2 ? strtoull(argv[2], NULL, 10) : COUNT;
	for (int i = 0; i < SLICES; i++) {
		snprintf(names[i], sizeof(names[i]), "mutations, slice %d", i + 1);
		sl_row_add(&tests, names[i], slice, NULL);
	}
	failed = sl_row_run("mutations", &tests);
	sl_pair_close(&pair);
	for (uint32_t i = 0; i < stocked; i++)
		free((void *)(uintptr_t)stock[i].bytes);
	return failed;
}
