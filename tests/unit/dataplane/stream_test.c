/*
 * stream_test.c - pieces in any order make the same stream; the window is a window
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/stream.h"
#include "tests/unit/row.h"

#define TEXT "abcdefghijklmnop"

static const struct row {
	const char *name;
	struct {
		uint32_t offset;
		const char *bytes;
	} piece[6];
	uint32_t filled;
	const char *text; /* of the filled bytes */
} rows[] = {
	{"nothing", {{0, NULL}}, 0, ""},
	{"one piece", {{0, "abc"}}, 3, "abc"},
	{"in order", {{0, "abc"}, {3, "de"}, {5, "f"}}, 6, "abcdef"},
	{"the first is missing", {{3, "def"}}, 0, ""},
	{"the second comes first", {{3, "def"}, {0, "abc"}}, 6, "abcdef"},
	{"backwards", {{4, "e"}, {3, "d"}, {2, "c"}, {1, "b"}, {0, "a"}}, 5, "abcde"},
	{"a gap stays", {{0, "abc"}, {4, "ef"}}, 3, "abc"},
	{"two gaps, the later one closed first",
	 {{0, "a"}, {2, "c"}, {4, "e"}, {3, "d"}, {1, "b"}},
	 5,
	 "abcde"},
	{"the same again", {{0, "abc"}, {0, "abc"}}, 3, "abc"},
	{"the first to come wins, in order", {{0, "abc"}, {1, "XYZ"}}, 4, "abcZ"},
	{"the first to come wins, behind a gap", {{2, "cd"}, {0, "WXYZV"}}, 5, "WXcdV"},
	{"a piece with nothing in it", {{0, "ab"}, {2, ""}}, 2, "ab"},
};

static void row_test(void **state)
{
	const struct row *row = *state;
	struct sl_stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	for (size_t i = 0; i < 6 && row->piece[i].bytes; i++)
		assert_true(sl_stream_add(s, row->piece[i].offset,
					  (const uint8_t *)row->piece[i].bytes,
					  (uint32_t)strlen(row->piece[i].bytes)));
	assert_int_equal(s->filled, row->filled);
	assert_memory_equal(s->bytes, row->text, strlen(row->text));
	free(s);
}

static const struct edge {
	const char *name;
	uint32_t offset, length;
	bool fits;
	uint32_t highest;
} edges[] = {
	{"up to the last byte", SL_STREAM_MAX - 3, 3, true, SL_STREAM_MAX},
	{"over the end: what fits is kept", SL_STREAM_MAX - 2, 3, false, SL_STREAM_MAX},
	{"at the end", SL_STREAM_MAX, 1, false, 0},
	{"nothing at the end", SL_STREAM_MAX, 0, true, 0},
	{"a byte before the start, as TCP counts", UINT32_MAX, 3, false, 0},
};

static void edge_test(void **state)
{
	const struct edge *edge = *state;
	struct sl_stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(sl_stream_add(s, edge->offset, (const uint8_t *)TEXT, edge->length),
			 edge->fits);
	assert_int_equal(s->filled, 0);
	assert_int_equal(s->highest, edge->highest);
	free(s);
}

static void fills_the_whole_window(void **state)
{
	struct sl_stream *s = calloc(1, sizeof(*s));
	uint8_t byte;

	assert_non_null(s);
	/* Every odd byte, then every even one: as many gaps as there can be. */
	for (uint32_t i = 1; i < 2 * SL_STREAM_MAX; i += 2) {
		uint32_t at = i < SL_STREAM_MAX ? i : i - SL_STREAM_MAX - 1;

		byte = (uint8_t)(at * 31);
		assert_int_equal(s->filled, i < SL_STREAM_MAX || !at ? 0 : at);
		assert_true(sl_stream_add(s, at, &byte, 1));
	}
	assert_int_equal(s->filled, SL_STREAM_MAX);
	for (uint32_t i = 0; i < SL_STREAM_MAX; i++)
		assert_int_equal(s->bytes[i], (uint8_t)(i * 31));
	free(s);
}

static void a_cleared_stream_is_empty(void **state)
{
	struct sl_stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	sl_stream_add(s, 0, (const uint8_t *)"ab", 2);
	sl_stream_add(s, 3, (const uint8_t *)"d", 1);
	sl_stream_clear(s);
	assert_int_equal(s->filled, 0);
	assert_int_equal(s->highest, 0);
	sl_stream_add(s, 0, (const uint8_t *)"xyz", 3);
	assert_int_equal(s->filled, 3); /* not 4: the old "d" is gone */
	free(s);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, row_test);
	SL_ROWS_ADD(&tests, edges, edge_test);
	sl_row_add(&tests, "every second byte, then the others: full", fills_the_whole_window,
		   NULL);
	sl_row_add(&tests, "a cleared stream is empty", a_cleared_stream_is_empty, NULL);
	return sl_row_run("stream", &tests);
}
