/*
 * capture_fuzz.c - any bytes as a capture file
 *
 * The reader takes a path, so the bytes lie in a memory file that is opened by its number.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/capture.h"
#include "holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file = -1;

static void fill(const uint8_t *data, size_t size)
{
	if (file < 0)
		file = memfd_create("capture", MFD_CLOEXEC);
	FUZZ_HOLDS(file >= 0 && ftruncate(file, 0) == 0);
	FUZZ_HOLDS(pwrite(file, data, size, 0) == (ssize_t)size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	uint8_t sum = 0;
	size_t frames = 0;
	char path[32], why[256] = "";

	fill(data, size);
	snprintf(path, sizeof(path), "/dev/fd/%d", file);
	if (sl_capture_open(path, &capture, why, sizeof(why))) {
		FUZZ_HOLDS(!capture && why[0]);
		return 0;
	}
	while (sl_capture_next(capture, &frame)) {
		FUZZ_HOLDS(frame.length <= SL_FRAME_MAX);
		FUZZ_HOLDS(++frames <= size / 12); /* no packet is shorter than its block */
		for (uint32_t i = 0; i < frame.length; i++)
			sum ^= frame.bytes[i];
	}
	FUZZ_HOLDS(strlen(sl_capture_end(capture)) < 128);
	/* Read in earnest: the sum keeps the compiler from leaving the loop out. */
	__asm__ volatile("" : : "r"(sum));
	sl_capture_close(capture);
	return 0;
}
