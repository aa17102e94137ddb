/*
 * screen_grid.c - uplinks, and services x uplinks
 *
 * A column an uplink, a row a service, while a cell has room for state, p50, p95, loss and a
 * minute of p95; else a row a path.
 */
#include "screen.h"

#include "print.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLS  16 /* of a service, with the mark of the chosen one */
#define CELL_COLS  31 /* least of a cell: 22 of numbers and a short line */
#define WIDE_COLS  52 /* from here on whole words and units */
#define SPARK_COLS 60

const char *sl_screen_ms(const struct sl_latency_report *rtt, uint32_t us, char text[16])
{
	double ms = us / 1e3;

	if (!rtt->samples)
		snprintf(text, 16, "-");
	else if (ms >= 999.5)
		snprintf(text, 16, "%.*fs", ms < 9950, ms / 1e3);
	else
		snprintf(text, 16, "%.*f", ms < 99.95, ms);
	return text;
}

static void loss(const struct sl_path_report *path, char text[16])
{
	uint32_t lost, segments;
	double percent;

	sl_print_lost(path, &lost, &segments);
	percent = segments ? lost * 100.0 / segments : 0;
	if (!segments)
		snprintf(text, 16, "-");
	else
		snprintf(text, 16, "%.*f", percent < 9.995 ? 2 : percent < 99.95, percent);
}

static void rate(struct sl_grid *grid, int row, int col, int bar,
		 const struct sl_uplink_report *uplink, unsigned int side)
{
	double share = uplink->capacity_bps
			       ? (double)uplink->rate_bps[side] / (double)uplink->capacity_bps
			       : 0;
	uint8_t paint = share > 0.9    ? SL_PAINT_DOWN
			: share > 0.75 ? SL_PAINT_DEGRADED
				       : SL_PAINT_GOOD;
	char text[16];

	sl_grid_put(grid, row, col, 0, SL_PAINT_PLAIN, "%s %6s", side ? "in " : "out",
		    sl_print_rate(uplink->rate_bps[side], text, sizeof(text)));
	if (!uplink->capacity_bps)
		return;
	sl_grid_bar(grid, row, col + 11, bar, share > 1 ? 1 : share, paint);
	sl_grid_put(grid, row, col + 12 + bar, 0, SL_PAINT_PLAIN, "%3.0f%%", share * 100);
}

int sl_screen_uplinks(struct sl_grid *grid, const struct sl_board *board, int row)
{
	int bar = (grid->cols - 68) / 2;
	char capacity[16];

	bar = bar < 4 ? 4 : bar > 30 ? 30 : bar;
	sl_grid_put(grid, row++, 1, 0, SL_PAINT_BOLD, "%-12s %-9s", "UPLINK", "STATE");
	for (uint32_t i = 0; i < board->picture.uplinks; i++, row++) {
		const struct sl_uplink_report *uplink = &board->picture.uplink[i];

		sl_grid_put(grid, row, 1, 12, SL_PAINT_PLAIN, "%s", uplink->name);
		sl_grid_put(grid, row, 14, 9, sl_grid_paint_of(uplink->state), "%s",
			    sl_health_word(uplink->state));
		rate(grid, row, 23, bar, uplink, 0);
		rate(grid, row, 41 + bar, bar, uplink, 1);
		if (uplink->capacity_bps)
			sl_grid_put(grid, row, 59 + 2 * bar, 0, SL_PAINT_DIM, "of %s",
				    sl_print_rate(uplink->capacity_bps, capacity,
						  sizeof(capacity)));
	}
	return row;
}

static const char *short_word(enum sl_health health)
{
	static const char *const words[SL_HEALTH_COUNT] = {"?",    "good", "degr",
							   "down", "idle", "blnd"};

	return health < SL_HEALTH_COUNT ? words[health] : "?";
}

static void spark(struct sl_grid *grid, int row, int col, int width, const struct sl_trace *trace,
		  uint8_t paint)
{
	uint8_t level[SPARK_COLS] = {0};

	width = width < SPARK_COLS ? width : SPARK_COLS;
	if (!trace || width < 1)
		return;
	sl_board_levels(trace, level, (unsigned int)width);
	for (int i = 0; i < width; i++)
		sl_grid_level(grid, row, col + i, level[i], paint);
}

/* State, times, loss, a minute of p95; in @width columns. */
static void cell(struct sl_grid *grid, int row, int col, int width, const struct sl_board *board,
		 const struct sl_path_report *path)
{
	const struct sl_service_report *set = sl_print_setting(&board->picture, path->service);
	bool here = set && !strcmp(set->uplink, path->uplink), wide = width >= WIDE_COLS;
	uint8_t paint = sl_grid_paint_of(path->state);
	char p50[16], p95[16], lost[16];
	int at = col + (wide ? 10 : 6);

	sl_grid_put(grid, row, col, 1, SL_PAINT_BOLD, "%s", here ? "*" : " ");
	sl_grid_put(grid, row, col + 1, wide ? 8 : 4, paint, "%s",
		    wide ? sl_health_word(path->state) : short_word(path->state));
	loss(path, lost);
	sl_screen_ms(&path->rtt[1], path->rtt[1].p50_us, p50);
	sl_screen_ms(&path->rtt[1], path->rtt[1].p95_us, p95);
	at += sl_grid_put(grid, row, at, 0, SL_PAINT_PLAIN, wide ? "%6s %6s %6s " : "%4s %4s %4s ",
			  p50, p95, lost);
	spark(grid, row, at, col + width - 1 - at, sl_board_trace(board, path), paint);
}

static int cell_width(const struct sl_grid *grid, const struct sl_board *board)
{
	int uplinks = (int)board->picture.uplinks;

	return uplinks ? (grid->cols - NAME_COLS - 1) / uplinks : 0;
}

/* Does each path have an uplink, and room beside the others? */
static bool fits(const struct sl_grid *grid, const struct sl_board *board)
{
	for (uint32_t i = 0; i < board->picture.paths; i++)
		if (!board->picture.path[i].uplink[0])
			return false;
	return cell_width(grid, board) >= CELL_COLS;
}

static void heading(struct sl_grid *grid, int row, int col, int width, const char *name)
{
	bool wide = width >= WIDE_COLS;

	sl_grid_put(grid, row, col + 1, wide ? 9 : 5, SL_PAINT_BOLD, "%s", name);
	sl_grid_put(grid, row, col + (wide ? 10 : 6), width - (wide ? 10 : 6), SL_PAINT_BOLD, "%s",
		    wide ? "p50 ms p95 ms loss %  p95, last 60 s" : " p50  p95 loss p95/60 s");
}

static void name(struct sl_grid *grid, int row, const char *service, bool chosen)
{
	sl_grid_put(grid, row, 0, NAME_COLS - 1,
		    chosen ? SL_PAINT_BOLD | SL_PAINT_REVERSE : SL_PAINT_PLAIN, "%s%-14.14s",
		    chosen ? ">" : " ", service);
}

/* The first service shown, so that the chosen one is. */
static uint32_t first(uint32_t chosen, uint32_t count, int room)
{
	if ((int)count <= room)
		return 0;
	return (int)chosen < room ? 0 : chosen - (uint32_t)room + 1;
}

static int as_columns(struct sl_grid *grid, const struct sl_board *board,
		      const struct sl_look *look, int row, int end)
{
	const char *service[SL_WIRE_PATHS_MAX];
	uint32_t count = sl_board_services(board, service), from;
	int width = cell_width(grid, board);

	sl_grid_put(grid, row, 1, 0, SL_PAINT_BOLD, "SERVICE");
	for (uint32_t k = 0; k < board->picture.uplinks; k++)
		heading(grid, row, NAME_COLS + (int)k * width, width,
			board->picture.uplink[k].name);
	from = first(look->service, count, end - ++row);
	for (uint32_t i = from; i < count && row < end; i++, row++) {
		name(grid, row, service[i], i == look->service);
		for (uint32_t k = 0; k < board->picture.uplinks; k++) {
			const struct sl_path_report *path =
				sl_board_path(board, service[i], board->picture.uplink[k].name);

			if (path)
				cell(grid, row, NAME_COLS + (int)k * width, width, board, path);
		}
	}
	return row;
}

static int as_rows(struct sl_grid *grid, const struct sl_board *board, const struct sl_look *look,
		   int row, int end)
{
	const char *service[SL_WIRE_PATHS_MAX];
	uint32_t count = sl_board_services(board, service), from;
	int col = NAME_COLS + 10, width = grid->cols - NAME_COLS - 10;

	sl_grid_put(grid, row, 1, 0, SL_PAINT_BOLD, "SERVICE");
	heading(grid, row, col, width, "STATE");
	sl_grid_put(grid, row, NAME_COLS, 9, SL_PAINT_BOLD, "UPLINK");
	from = first(look->service, count, (end - ++row) / 2);
	for (uint32_t i = from; i < count && row < end; i++) {
		bool named = false;

		for (uint32_t k = 0; k < board->picture.paths && row < end; k++) {
			const struct sl_path_report *path = &board->picture.path[k];

			if (strcmp(path->service, service[i]) != 0)
				continue;
			if (!named)
				name(grid, row, service[i], i == look->service);
			named = true;
			sl_grid_put(grid, row, NAME_COLS, 9, SL_PAINT_PLAIN, "%s",
				    path->uplink[0] ? path->uplink : "-");
			cell(grid, row++, col, width, board, path);
		}
	}
	return row;
}

int sl_screen_services(struct sl_grid *grid, const struct sl_board *board,
		       const struct sl_look *look, int row, int end)
{
	return fits(grid, board) ? as_columns(grid, board, look, row, end)
				 : as_rows(grid, board, look, row, end);
}

int sl_screen_services_rows(const struct sl_grid *grid, const struct sl_board *board)
{
	const char *service[SL_WIRE_PATHS_MAX];

	return 1 +
	       (int)(fits(grid, board) ? sl_board_services(board, service) : board->picture.paths);
}
