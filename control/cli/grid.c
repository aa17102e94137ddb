/*
 * grid.c - cells
 */
#include "grid.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

void sl_grid_clear(struct sl_grid *grid, int rows, int cols)
{
	grid->rows = rows < SL_GRID_ROWS_MAX ? rows : SL_GRID_ROWS_MAX;
	grid->cols = cols < SL_GRID_COLS_MAX ? cols : SL_GRID_COLS_MAX;
	for (int row = 0; row < grid->rows; row++)
		for (int col = 0; col < grid->cols; col++)
			grid->cell[row][col] = (struct sl_cell){" ", SL_PAINT_PLAIN};
}

/* Bytes of the letter at @text, by its first byte; 1 when that begins none. */
static size_t letter_size(const char *text, size_t left)
{
	unsigned char first = (unsigned char)*text;
	size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;

	if (first >= 0xf5 || size > left)
		return 1;
	for (size_t i = 1; i < size; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 1;
	return size;
}

/*
 * Names and texts are nearly always ASCII.  What may be wide or take no column (East Asian,
 * combining, emoji) would shift the rest of a row: only Latin, Greek, Cyrillic, punctuation
 * and blocks are let through.
 */
static bool narrow(const char *letter, size_t size)
{
	unsigned int code = (unsigned char)letter[0];

	if (size == 1)
		return code >= ' ' && code < 0x7f;
	code = size == 2 ? code & 0x1f : size == 3 ? code & 0x0f : 0xffff;
	for (size_t i = 1; i < size; i++)
		code = code << 6 | ((unsigned char)letter[i] & 0x3f);
	return (code >= 0xa0 && code < 0x300) || (code >= 0x370 && code < 0x483) ||
	       (code >= 0x2010 && code < 0x2028) || code == 0x20ac ||
	       (code >= 0x2190 && code < 0x2200) || (code >= 0x2500 && code < 0x25a0);
}

static void set(struct sl_grid *grid, int row, int col, const char *letter, size_t size,
		uint8_t paint)
{
	struct sl_cell *cell;

	if (row < 0 || col < 0 || row >= grid->rows || col >= grid->cols)
		return;
	cell = &grid->cell[row][col];
	memset(cell->letter, 0, sizeof(cell->letter));
	if (narrow(letter, size) && (size == 1 || grid->utf8))
		memcpy(cell->letter, letter, size);
	else
		cell->letter[0] = '?';
	cell->paint = paint;
}

int sl_grid_put(struct sl_grid *grid, int row, int col, int width, uint8_t paint,
		const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	size_t left;
	int at = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	left = strlen(text);
	if (!width || width > grid->cols - col)
		width = grid->cols - col;
	for (const char *c = text; left && at < width; at++) {
		size_t size = letter_size(c, left);

		set(grid, row, col + at, c, size, paint);
		c += size;
		left -= size;
	}
	return at;
}

/* The escapes that print.c and paper.c write. */
static uint8_t escape(const char *code, uint8_t paint)
{
	static const struct {
		const char *code;
		uint8_t paint;
	} known[] = {{"\033[0m", SL_PAINT_PLAIN},     {"\033[1m", SL_PAINT_BOLD},
		     {"\033[2m", SL_PAINT_DIM},       {"\033[32m", SL_PAINT_GOOD},
		     {"\033[33m", SL_PAINT_DEGRADED}, {"\033[1;31m", SL_PAINT_DOWN},
		     {"\033[35m", SL_PAINT_BLIND}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strncmp(code, known[i].code, strlen(known[i].code)))
			return known[i].paint;
	return paint;
}

int sl_grid_painted(struct sl_grid *grid, int row, int col, const char *line, size_t left)
{
	uint8_t paint = SL_PAINT_PLAIN;
	int from = col;

	while (left && col < grid->cols) {
		size_t size = letter_size(line, left);

		if (*line == '\033') {
			paint = escape(line, paint);
			while (left && *line != 'm') {
				line++;
				left--;
			}
			size = left ? 1 : 0;
		} else {
			set(grid, row, col++, line, size, paint);
		}
		line += size;
		left -= size;
	}
	return col - from;
}

void sl_grid_mark(struct sl_grid *grid, int row, uint8_t bits)
{
	for (int col = 0; row >= 0 && row < grid->rows && col < grid->cols; col++)
		grid->cell[row][col].paint |= bits;
}

const char *sl_grid_text(const struct sl_grid *grid, int row, char *text, size_t size)
{
	size_t at = 0, end = 0;

	for (int col = 0; row < grid->rows && col < grid->cols; col++) {
		const char *letter = grid->cell[row][col].letter;

		if (at + strlen(letter) >= size)
			break;
		memcpy(text + at, letter, strlen(letter));
		at += strlen(letter);
		end = *letter != ' ' ? at : end;
	}
	text[end] = '\0';
	return text;
}

uint8_t sl_grid_paint_of(enum sl_health health)
{
	static const uint8_t paints[SL_HEALTH_COUNT] = {
		[SL_HEALTH_UNKNOWN] = SL_PAINT_DIM,       [SL_HEALTH_GOOD] = SL_PAINT_GOOD,
		[SL_HEALTH_DEGRADED] = SL_PAINT_DEGRADED, [SL_HEALTH_DOWN] = SL_PAINT_DOWN,
		[SL_HEALTH_IDLE] = SL_PAINT_DIM,          [SL_HEALTH_BLIND] = SL_PAINT_BLIND};

	return health < SL_HEALTH_COUNT ? paints[health] : (uint8_t)SL_PAINT_DIM;
}

/* Blocks of one to eight eighths, from below, and from the left. */
static const char *const from_below[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const from_left[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
static const char *const of_ascii[] = {" ", "_", ".", "-", ":", "=", "+", "*", "#"};

void sl_grid_level(struct sl_grid *grid, int row, int col, unsigned int level, uint8_t paint)
{
	level = level < 8 ? level : 8;
	sl_grid_put(grid, row, col, 1, paint, "%s",
		    grid->utf8 ? from_below[level] : of_ascii[level]);
}

void sl_grid_bar(struct sl_grid *grid, int row, int col, int width, double share, uint8_t paint)
{
	int eighths = (int)(share * width * 8 + 0.5);

	for (int i = 0; i < width; i++) {
		int here = eighths - i * 8;

		here = here < 0 ? 0 : here > 8 ? 8 : here;
		if (grid->utf8)
			sl_grid_put(grid, row, col + i, 1, paint, "%s", from_left[here]);
		else
			sl_grid_put(grid, row, col + i, 1, paint, "%s", here >= 4 ? "#" : ".");
	}
}
