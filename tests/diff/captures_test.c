/*
 * captures_test.c - every capture: BPF, host and DPDK say the same of every packet, twice
 *
 * captures_test DIR    the captures of DIR; without one, of $SL_CAPTURES
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

#define INSIDE_MAX 200 /* captures: each is two rows, or three */

#define SECOND_NS UINT64_C(1000000000)

static struct sl_pair pair;
static const char *directory;
static struct dirent **names;
static int found;

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", directory, name);
}

/* Twice, because the second run must not remember the first. */
static void both_runs(const char *name, uint32_t inner)
{
	char path[4096], *first, *second;

	if (!pair.xdp)
		sl_pair_open(&pair);
	sl_pair_ask(&pair, inner);
	path_of(path, sizeof(path), name);
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	sl_pair_same_stats(&pair);
	sl_pair_same_books(&pair);
	first = sl_pair_lines(&pair);
	sl_pair_same_sweep(&pair, 6 * SECOND_NS);
	sl_pair_same_sweep(&pair, 300 * SECOND_NS);
	if (!strcmp(name, "hanging.pcap"))
		assert_int_equal(pair.unanswered, 2 * 14); /* counted at both sweeps */
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	second = sl_pair_lines(&pair);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void capture(void **state)
{
	both_runs(*state, 0);
}

/* With what is in tunnels; a recording of ours that is named for one has packets inside. */
static void inside(void **state)
{
	both_runs(*state, SL_PAIR_TUNNELS);
	if (!strncmp(*state, "tunnel-", 7))
		assert_true(pair.inside > 100);
}

/* So that what the rows compare is not nothing. */
static void some_are_copied_and_named(void **state)
{
	char path[4096];

	if (!pair.xdp)
		sl_pair_open(&pair);
	sl_pair_ask(&pair, 0);
	path_of(path, sizeof(path), "many-flows.pcap");
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	sl_pair_same_stats(&pair);
	assert_true(pair.copied > 500);
	assert_true(pair.recorded > 500);
	assert_true(pair.named > 50);
}

/* Each of them, however many of its flow there were before it. */
static void all_of_dhcp_is_copied(void **state)
{
	char path[4096];

	if (!pair.xdp)
		sl_pair_open(&pair);
	sl_pair_ask(&pair, 0);
	path_of(path, sizeof(path), "leases.pcap");
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	sl_pair_same_stats(&pair);
	assert_int_equal(pair.copied, 3 * 66);
	assert_int_equal(pair.copies[0].copy[0].key.vlan, 100);
}

/* The same frames in another file format are the same flows. */
static void format(void **state)
{
	char path[4096], *plain, *other;

	if (!pair.xdp)
		sl_pair_open(&pair);
	sl_pair_ask(&pair, 0);
	path_of(path, sizeof(path), "tcp-faults.pcap");
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	plain = sl_pair_lines(&pair);
	assert_true(plain[0]);
	path_of(path, sizeof(path), *state);
	sl_pair_reset(&pair);
	sl_pair_capture(&pair, path);
	other = sl_pair_lines(&pair);
	assert_string_equal(plain, other);
	free(plain);
	free(other);
}

static int is_capture(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && (!strcmp(dot, ".pcap") || !strcmp(dot, ".pcapng"));
}

static void missing(void **state)
{
	print_message("no SL_CAPTURES\n");
	skip();
}

/* ns resolution: the formats that cannot hold it are compared by their own rows only. */
static bool is_same_frames(const char *name)
{
	return !strncmp(name, "format-", 7) && !strstr(name, "snapped") && !strstr(name, "power");
}

int main(int argc, char **argv)
{
	static struct sl_row_tests tests;
	static char row_names[INSIDE_MAX][320];
	int failed;

	directory = argc > 1 ? argv[1] : getenv("SL_CAPTURES");
	found = directory ? scandir(directory, &names, is_capture, alphasort) : -1;
	if (found <= 0)
		sl_row_add(&tests, "captures", missing, NULL);
	if (argc > 1) {
		sl_row_add(&tests, "copies and names", some_are_copied_and_named, NULL);
		sl_row_add(&tests, "copies of DHCP", all_of_dhcp_is_copied, NULL);
	}
	for (int i = 0; i < found; i++) {
		sl_row_add(&tests, names[i]->d_name, capture, names[i]->d_name);
		if (i < INSIDE_MAX) {
			snprintf(row_names[i], sizeof(row_names[i]), "inside: %s",
				 names[i]->d_name);
			sl_row_add(&tests, row_names[i], inside, names[i]->d_name);
		}
		if (argc > 1 && is_same_frames(names[i]->d_name))
			sl_row_add(&tests, names[i]->d_name, format, names[i]->d_name);
	}
	failed = sl_row_run("captures", &tests);
	sl_pair_close(&pair);
	for (int i = 0; i < found; i++)
		free(names[i]);
	free(names);
	return failed;
}
