/*
 * reader_test.c - capture files: whole, damaged, and damaged at random
 *
 * reader_test DIR    the generated captures
 */
#include "dataplane/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/row.h"

#define FRAMES 195 /* of tcp-faults.pcap and its kin */

static const char *directory;

/* A whole file ends with ""; a damaged one says why, and gives what came before. */
static const struct row {
	const char *name;
	uint32_t frames;
	uint64_t first_ns; /* 0 = as tcp-faults.pcap */
	const char *end;
} rows[] = {
	{"tcp-faults.pcap", FRAMES, 0, ""},
	{"format-us-big.pcap", FRAMES, UINT64_C(1000000000000001000), ""},
	{"format-modified.pcap", FRAMES, UINT64_C(1000000000000001000), ""},
	{"format-cooked.pcap", FRAMES, 0, ""},
	{"format-cooked2.pcap", FRAMES, 0, ""},
	{"format-raw.pcap", FRAMES, 0, ""},
	{"format-null.pcap", FRAMES, 0, ""},
	{"format-ppp.pcap", FRAMES, 0, ""},
	{"format-ng.pcapng", FRAMES, 0, ""},
	{"format-ng-big-old.pcapng", FRAMES, 0, ""},
	{"format-ng-power-of-two.pcapng", FRAMES, UINT64_C(1000000000000001993), ""},
	{"format-ng-snapped.pcapng", FRAMES, UINT64_C(1000000000000001000), ""},
	{"snap-15.pcap", FRAMES, 0, ""},
	{"damage-cut-record.pcap", FRAMES - 1, 0, "record cut short"},
	{"damage-huge-record.pcap", 9, 0, "record of 2147483648 bytes"},
	{"damage-block-length.pcapng", 9, 0, "block length 13"},
};

static void file(void **state)
{
	const struct row *row = *state;
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	uint64_t first_ns = 0;
	uint32_t frames = 0;
	char path[4096], why[256];

	snprintf(path, sizeof(path), "%s/%s", directory, row->name);
	if (sl_capture_open(path, &capture, why, sizeof(why)))
		fail_msg("%s", why);
	for (; sl_capture_next(capture, &frame); frames++) {
		first_ns = frames ? first_ns : frame.t_ns;
		/* Whatever it was captured on, it comes out as Ethernet carrying IPv4. */
		assert_in_range(frame.length, 14, SL_FRAME_MAX);
		assert_memory_equal(frame.bytes + 12, "\x08\x00", 2);
		assert_true(frame.wire_bytes >= frame.length);
	}
	assert_int_equal(frames, row->frames);
	assert_int_equal(first_ns, row->first_ns ? row->first_ns : UINT64_C(1000000000000001994));
	assert_true(row->end[0] ? strstr(sl_capture_end(capture), row->end) != NULL
				: sl_capture_end(capture)[0] == 0);
	sl_capture_close(capture);
}

static const struct refusal {
	const char *name;
	const char *bytes;
	size_t size;
} refusals[] = {
	{"an empty file is refused", "", 0},
	{"three bytes are refused", "\xd4\xc3\xb2", 3},
	{"a cut file header is refused", "\xd4\xc3\xb2\xa1\2\0\4\0", 8},
	{"a text is refused", "not a capture at all, but long enough", 37},
	{"a section without byte order is refused", "\x0a\x0d\x0d\x0a\x1c\0\0\0\1\2\3\4", 12},
	{"a cut section header is refused", "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0", 14},
};

/* The file's bytes as a path that can be opened. */
static int memory_file(const void *bytes, size_t size, char path[64])
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void refused(void **state)
{
	const struct refusal *row = *state;
	struct sl_capture *capture = NULL;
	char path[64], why[256] = "";
	int fd = memory_file(row->bytes, row->size, path);

	assert_int_equal(sl_capture_open(path, &capture, why, sizeof(why)), -EBADMSG);
	assert_null(capture);
	assert_non_null(strstr(why, "neither pcap nor pcapng"));
	close(fd);
}

static void absent(void **state)
{
	struct sl_capture *capture = NULL;
	char why[256] = "";

	assert_int_equal(sl_capture_open("/nowhere/at.all", &capture, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/at.all: No such file"));
}

static uint64_t dice = 88172645463325252u;

static uint32_t roll(uint32_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 32) % sides;
}

static void read_all(const uint8_t *bytes, size_t size)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	char path[64], why[256];
	uint32_t frames = 0;
	int fd = memory_file(bytes, size, path);

	if (!sl_capture_open(path, &capture, why, sizeof(why))) {
		for (; sl_capture_next(capture, &frame); frames++)
			assert_in_range(frame.length, 0, SL_FRAME_MAX);
		assert_true(frames <= size / 4); /* bounded by the file, whatever it claims */
		assert_int_equal(sl_capture_next(capture, &frame), 0); /* the end stays the end */
	}
	sl_capture_close(capture);
	close(fd);
}

/* A thousand damaged copies of the file's first 8 KiB. */
static void damaged(void **state)
{
	const char *name = *state;
	static uint8_t whole[8192], copy[8192];
	char path[4096];
	size_t size;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	in = fopen(path, "rbe");
	assert_non_null(in);
	size = fread(whole, 1, sizeof(whole), in);
	fclose(in);
	for (int i = 0; i < 1000; i++) {
		memcpy(copy, whole, size);
		for (uint32_t hits = roll(6); hits; hits--)
			copy[roll(2) ? roll(200) : roll((uint32_t)size)] = (uint8_t)roll(256);
		read_all(copy, roll(2) ? size : roll((uint32_t)size));
	}
}

int main(int argc, char **argv)
{
	static const char *const stock[] = {"tcp-faults.pcap",    "format-modified.pcap",
					    "format-cooked.pcap", "format-ppp.pcap",
					    "format-ng.pcapng",   "format-ng-big-old.pcapng"};
	static char names[6][64];
	static struct sl_row_tests tests;

	directory = argc > 1 ? argv[1] : ".";
	SL_ROWS_ADD(&tests, rows, file);
	SL_ROWS_ADD(&tests, refusals, refused);
	sl_row_add(&tests, "a file that is not there", absent, NULL);
	for (int i = 0; i < 6; i++) {
		snprintf(names[i], sizeof(names[i]), "damaged %s", stock[i]);
		sl_row_add(&tests, names[i], damaged, stock[i]);
	}
	return sl_row_run("capture reader", &tests);
}
