/*
 * screen_test.c - what `top` lays out, looked at as text; no terminal
 */
#include "tests/unit/row.h"

#include "control/cli/screen.h"
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW UINT64_C(1700000000000000000)

static struct sl_board board;
static struct sl_look look;
static struct sl_grid grid;

static void build(void)
{
	struct sl_telemetry picture;
	struct sl_event event;

	memset(&board, 0, sizeof(board));
	memset(&look, 0, sizeof(look));
	grid.utf8 = true;
	for (uint64_t tick = 0; tick < 700; tick += 5) {
		scene_picture(&picture, tick, NOW);
		sl_board_picture(&board, &picture, 1000 + tick / 10);
	}
	for (unsigned int i = 0; scene_event(&event, i, NOW); i++)
		sl_board_event(&board, &event);
	scene_incident(&board.incident[0], 2, NOW);
	scene_incident(&board.incident[1], 0, NOW);
	board.incidents = 2;
	board.connected = true;
	board.now_unix_ns = NOW;
}

static void none(void)
{
}

static void ascii(void)
{
	grid.utf8 = false;
}

static void silent(void)
{
	board.age_ms = 7000;
}

static void lost(void)
{
	board.connected = false;
	board.age_ms = 75000;
	snprintf(board.lost, sizeof(board.lost), "connection refused");
}

static void frozen(void)
{
	board.picture.frozen = true;
}

static void paused(void)
{
	look.paused = true;
}

static void last_service(void)
{
	look.service = 99;
}

static void incidents(void)
{
	look.view = SL_VIEW_INCIDENTS;
	look.incident = 99;
}

static void help(void)
{
	look.view = SL_VIEW_HELP;
}

static void text(void)
{
	look.view = SL_VIEW_TEXT;
	look.title = "WHY pos";
	look.text = "one\n\033[1mtwo\033[0m\nthree\nfour\nfive\nsix\nseven\n";
}

static void lan_trouble(void)
{
	board.incident[0].service[0] = board.incident[0].uplink[0] = '\0';
	board.incident[0].verdict = SL_VERDICT_LAN;
}

static void far(void)
{
	text();
	look.scroll = 1000;
}

static void asking(void)
{
	look.view = SL_VIEW_TEXT;
}

static void tap(void)
{
	for (uint32_t i = 0; i < board.picture.paths; i++)
		board.picture.path[i].uplink[0] = '\0';
	board.picture.uplinks = 0;
}

static void no_capacity(void)
{
	board.picture.uplink[0].capacity_bps = 0;
}

static void quiet(void)
{
	memset(&board.picture, 0, sizeof(board.picture));
	board.incidents = board.next = 0;
}

static void trial(void)
{
	snprintf(board.picture.service[1].trial_uplink, SL_NAME_MAX, "lte");
	board.picture.service[1].trial_share_ppm = 50000;
}

static const struct row {
	const char *name;
	void (*change)(void);
	int cols, rows;
	bool there;
	const char *said;
} rows[] = {
	{"who and how", none, 80, 24, true, " Storeline  store-0421  mode enforce  policy 3 "},
	{"an uplink against its capacity", none, 80, 24, true,
	 " lte          good     out   900k \xe2\x96\x8f        2%  in   38.3M "},
	{"its capacity", none, 80, 24, true, "50%  of 500M\n"},
	{"an uplink without a capacity", no_capacity, 80, 24, true,
	 " fibre        good     out  26.6M              in    249M\n"},
	{"a service: states as words, where it goes, times, loss", none, 80, 24, true,
	 ">pos             degr  152  "},
	{"the uplink that it uses", none, 80, 24, true, " *good 20.3 "},
	{"down, without numbers", none, 80, 24, true, " cctv           *down    -    -    -\n"},
	{"headings over the columns", none, 80, 24, true,
	 " SERVICE         fibre p50  p95 loss p95/60 s   lte   p50  p95 loss p95/60 s\n"},
	{"a minute of p95", none, 80, 24, true, "3.10 \xe2\x96\x85\xe2\x96\x85"},
	{"the same without UTF-8", ascii, 80, 24, true, "3.10 =="},
	{"bars without UTF-8", ascii, 80, 24, true, " 38.3M ######  96%"},
	{"nothing that is not ASCII", ascii, 160, 50, false, "\xe2"},
	{"what is not as the policy has it", none, 80, 24, true,
	 "\n pos goes by lte (control-7-12)\n"},
	{"a limit", none, 80, 24, true, " wifi-guest is limited to 20.0Mbit/s (control-7-11)\n"},
	{"a trial", trial, 80, 24, true, " click-collect: 5 % of its new flows try lte\n"},
	{"why a path is bad", none, 80, 24, true,
	 " cctv is down on fibre: 12 of 12 flows without an answer for 1.2 s\n"},
	{"open incidents", none, 80, 24, true,
	 "pos on fibre: fault uplink; reroute to lte; OPEN for 41 s\n"},
	{"an open incident of no service", lan_trouble, 80, 24, true, "  the LAN: fault lan; "},
	{"closed ones only in their list", none, 80, 24, false, "helped"},
	{"the last event", none, 80, 24, true,
	 "control   decision     click-collect on fibre: hold"},
	{"keys", none, 80, 24, true, " q quit   arrows j k choose   Enter why   i incidents"},
	{"wide: whole words and units", none, 160, 50, true,
	 " SERVICE         fibre    p50 ms p95 ms loss %  p95, last 60 s "},
	{"wide: room for all events", none, 160, 50, true,
	 "dataplane started      engine xdp, native\n"},
	{"narrow: a row a path", none, 60, 20, true, "                lte       *good 20.3 "},
	{"few rows: services first", none, 80, 10, true, ">pos "},
	{"few rows: the chosen service is among them", last_service, 80, 9, true, ">cctv "},
	{"tap: no uplinks", tap, 80, 24, true, "SERVICE        UPLINK"},
	{"nothing measured yet", quiet, 80, 24, true, "none in the last ten minutes"},
	{"the dataplane is silent", silent, 80, 24, true, "STALE 7.0 s: silent dataplane"},
	{"no Redis: the picture stays", lost, 80, 24, true, ">pos             degr  152  "},
	{"no Redis: and is marked", lost, 100, 24, true,
	 "STALE 75 s: no Redis: connection refused"},
	{"frozen", frozen, 80, 24, true, " FROZEN "},
	{"paused", paused, 80, 24, true, " PAUSED "},
	{"incidents: all, the chosen one marked", incidents, 80, 24, true,
	 "\n>   16  22:11:19  pos on fibre: fault uplink; reroute to lte; helped 10 s\n"},
	{"help: what the words mean", help, 80, 24, true, "idle        no traffic to judge by"},
	{"text", text, 80, 24, true, "\n WHY pos\n one\n two\n three\n"},
	{"text: all of it is there", text, 80, 24, false, "there is more"},
	{"text: scrolled to its end, not beyond", far, 80, 8, true,
	 "\n WHY pos\n four\n five\n six\n seven\n q back"},
	{"text that is still asked for", asking, 80, 24, true, " asking ..."},
};

static char *all(void)
{
	static char text_of[SL_GRID_ROWS_MAX * SL_GRID_COLS_MAX * 4];
	size_t at = 0;

	for (int row = 0; row < grid.rows; row++) {
		sl_grid_text(&grid, row, text_of + at, sizeof(text_of) - at - 1);
		at += strlen(text_of + at);
		text_of[at++] = '\n';
	}
	text_of[at] = '\0';
	return text_of;
}

static void check(void **state)
{
	const struct row *row = *state;

	build();
	row->change();
	sl_grid_clear(&grid, row->rows, row->cols);
	sl_screen_draw(&grid, &board, &look);
	if ((strstr(all(), row->said) != NULL) != row->there)
		print_message("%s\n", all());
	assert_int_equal(strstr(all(), row->said) != NULL, row->there);
}

/* Any size, any view: nothing is written outside (the sanitizers look on). */
static void any_size(void **state)
{
	static void (*const views[])(void) = {none, incidents, help, far, tap, quiet, lost};

	for (int rows_of = 1; rows_of < 40; rows_of += 3)
		for (int cols = 1; cols < 200; cols += 13)
			for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
				build();
				views[i]();
				sl_grid_clear(&grid, rows_of, cols);
				sl_screen_draw(&grid, &board, &look);
				assert_int_equal(grid.rows, rows_of);
			}
}

static uint8_t paint_at(const char *word)
{
	for (int row = 0; row < grid.rows; row++)
		for (int col = 0; col + (int)strlen(word) <= grid.cols; col++) {
			size_t i = 0;

			while (word[i] && grid.cell[row][col + (int)i].letter[0] == word[i])
				i++;
			if (!word[i])
				return grid.cell[row][col].paint;
		}
	fail_msg("no %s", word);
	return 0;
}

static void paints(void **state)
{
	build();
	sl_grid_clear(&grid, 24, 80);
	sl_screen_draw(&grid, &board, &look);
	assert_int_equal(paint_at("degr "), SL_PAINT_DEGRADED);
	assert_int_equal(paint_at("good 20"), SL_PAINT_GOOD);
	assert_int_equal(paint_at("down  "), SL_PAINT_DOWN);
	assert_int_equal(paint_at(">pos") & SL_PAINT_REVERSE, SL_PAINT_REVERSE);
	assert_int_equal(paint_at(" cctv") & SL_PAINT_REVERSE, 0);
}

static const struct level_row {
	const char *name;
	uint32_t p95_us[6]; /* the last seconds */
	uint8_t level[6];
} level_rows[] = {
	{"steady: half height", {100, 100, 100, 100, 100, 100}, {4, 4, 4, 4, 4, 4}},
	{"a peak is full height", {100, 100, 800, 100, 100, 100}, {1, 1, 8, 1, 1, 1}},
	{"a gap is empty", {100, 0, 0, 100, 100, 0}, {4, 0, 0, 4, 4, 0}},
	{"no sample at all", {0}, {0}},
	{"the largest number", {UINT32_MAX, 1, 1, 1, 1, 1}, {8, 1, 1, 1, 1, 1}},
};

static void levels(void **state)
{
	const struct level_row *row = *state;
	struct sl_telemetry *picture = calloc(1, sizeof(*picture));
	uint8_t level[SL_TRACE_SECONDS];

	memset(&board, 0, sizeof(board));
	picture->paths = 1;
	for (unsigned int i = 0; i < 6; i++) {
		picture->path[0].rtt[1].samples = row->p95_us[i] != 0;
		picture->path[0].rtt[1].p95_us = row->p95_us[i];
		sl_board_picture(&board, picture, 5000 + i);
	}
	sl_board_levels(&board.trace[0], level, SL_TRACE_SECONDS);
	assert_memory_equal(level + SL_TRACE_SECONDS - 6, row->level, 6);
	for (unsigned int i = 0; i < SL_TRACE_SECONDS - 6; i++)
		assert_int_equal(level[i], 0);
	free(picture);
}

/* Seconds without a picture are gaps; after more than a minute nothing old is left. */
static void silence(void **state)
{
	struct sl_telemetry *picture = calloc(1, sizeof(*picture));
	uint8_t level[SL_TRACE_SECONDS];

	memset(&board, 0, sizeof(board));
	picture->paths = 1;
	picture->path[0].rtt[1] = (struct sl_latency_report){.samples = 1, .p95_us = 100};
	sl_board_picture(&board, picture, 5000);
	sl_board_picture(&board, picture, 5003);
	sl_board_levels(&board.trace[0], level, SL_TRACE_SECONDS);
	assert_memory_equal(level + SL_TRACE_SECONDS - 4, ((uint8_t[]){4, 0, 0, 4}), 4);
	sl_board_picture(&board, picture, 9000);
	sl_board_levels(&board.trace[0], level, SL_TRACE_SECONDS);
	for (unsigned int i = 0; i < SL_TRACE_SECONDS - 1; i++)
		assert_int_equal(level[i], 0);
	assert_int_equal(level[SL_TRACE_SECONDS - 1], 4);
	free(picture);
}

static void told_again(void **state)
{
	struct sl_event event;

	memset(&board, 0, sizeof(board));
	for (int i = 0; i < 3; i++) {
		scene_event(&event, 1, NOW);
		sl_board_event(&board, &event);
	}
	assert_int_equal(board.next, 1);
}

static const struct letter_row {
	const char *name, *text, *shown;
	bool utf8;
} letter_rows[] = {
	{"ASCII", "pos-1", "pos-1", true},
	{"Latin", "Z\xc3\xbcrich", "Z\xc3\xbcrich", true},
	{"Latin on an ASCII screen", "Z\xc3\xbcrich", "Z?rich", false},
	{"a wide letter takes one column",
	 "a\xe4\xb8\xad"
	 "b",
	 "a?b", true},
	{"a combining one takes one column too",
	 "e\xcc\x81"
	 "b",
	 "e?b", true},
	{"an emoji",
	 "a\xf0\x9f\x98\x80"
	 "b",
	 "a?b", true},
	{"bytes that are no UTF-8",
	 "a\xff\xc3"
	 "b",
	 "a??b", true},
	{"an escape is not obeyed", "a\033[2Jb", "a?[2Jb", true},
};

static void letters(void **state)
{
	const struct letter_row *row = *state;
	char shown[64];

	grid.utf8 = row->utf8;
	sl_grid_clear(&grid, 1, 20);
	sl_grid_put(&grid, 0, 0, 0, SL_PAINT_PLAIN, "%s", row->text);
	assert_string_equal(sl_grid_text(&grid, 0, shown, sizeof(shown)), row->shown);
}

static const struct time_row {
	const char *name;
	uint32_t us;
	const char *said;
} time_rows[] = {
	{"under a millisecond", 400, "0.4"},
	{"tens", 20300, "20.3"},
	{"just under a hundred", 99949, "99.9"},
	{"rounded to a hundred", 99960, "100"},
	{"hundreds", 301000, "301"},
	{"rounded to a second", 999600, "1.0s"},
	{"seconds", 1234000, "1.2s"},
	{"many seconds", 60000000, "60s"},
};

static void times(void **state)
{
	const struct time_row *row = *state;
	const struct sl_latency_report rtt = {.samples = 1};
	char said[16];

	assert_string_equal(sl_screen_ms(&rtt, row->us, said), row->said);
	assert_true(strlen(said) <= 4);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	setenv("TZ", "UTC", 1);
	SL_ROWS_ADD(tests, rows, check);
	SL_ROWS_ADD(tests, level_rows, levels);
	SL_ROWS_ADD(tests, letter_rows, letters);
	SL_ROWS_ADD(tests, time_rows, times);
	sl_row_add(tests, "any size", any_size, NULL);
	sl_row_add(tests, "paints", paints, NULL);
	sl_row_add(tests, "silence is a gap", silence, NULL);
	sl_row_add(tests, "told again", told_again, NULL);
	failed = sl_row_run("control screen", tests);
	free(tests);
	return failed;
}
