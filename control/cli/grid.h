/*
 * grid.h - a screen as cells: one letter and one paint each
 *
 * Pure: what `top` shows is laid out here and looked at by tests; curses only copies it.
 */
#ifndef SL_GRID_H
#define SL_GRID_H

#include "proto/wire.h"

#include <stdarg.h>

#define SL_GRID_ROWS_MAX 200
#define SL_GRID_COLS_MAX 400

enum sl_paint {
	SL_PAINT_PLAIN,
	SL_PAINT_GOOD,
	SL_PAINT_DEGRADED,
	SL_PAINT_DOWN,
	SL_PAINT_BLIND,
	SL_PAINT_DIM,
	SL_PAINT_COUNT,
	SL_PAINT_BOLD = 0x40, /* beside any of them */
	SL_PAINT_REVERSE = 0x80,
};

struct sl_cell {
	char letter[5]; /* UTF-8, one column wide */
	uint8_t paint;
};

struct sl_grid {
	int rows, cols;
	bool utf8; /* else what is not ASCII becomes '?' */
	struct sl_cell cell[SL_GRID_ROWS_MAX][SL_GRID_COLS_MAX];
};

/* Empty it to that size, cut to what there is room for. */
void sl_grid_clear(struct sl_grid *grid, int rows, int cols);

/*
 * Write from (@row, @col), at most @width columns (0 = to the edge).  What is outside is not
 * written; control letters and wide ones become '?'.  Returns the columns written.
 */
int sl_grid_put(struct sl_grid *grid, int row, int col, int width, uint8_t paint,
		const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The same for a line that has the colours of print.h and paper.h in it. */
int sl_grid_painted(struct sl_grid *grid, int row, int col, const char *line, size_t size);

/* Add @bits to the paint of a row. */
void sl_grid_mark(struct sl_grid *grid, int row, uint8_t bits);

/* Row @row as text without trailing blanks; for tests.  Returns @text. */
const char *sl_grid_text(const struct sl_grid *grid, int row, char *text, size_t size);

uint8_t sl_grid_paint_of(enum sl_health health);

/* A bar of @width columns, filled by @share (0 to 1); and one column of @level of 8. */
void sl_grid_bar(struct sl_grid *grid, int row, int col, int width, double share, uint8_t paint);
void sl_grid_level(struct sl_grid *grid, int row, int col, unsigned int level, uint8_t paint);

#endif
