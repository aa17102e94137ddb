/*
 * terminal.c - the terminal
 *
 * Colours when it has them and NO_COLOR is not set; bold and reverse always: what they
 * mark is also a word or a letter.
 */
#include "terminal.h"

#include "print.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE_MS 25 /* after Esc: a key alone, or the beginning of an arrow? */

static SCREEN *screen;
static bool coloured;

static void colours(void)
{
	static const short colour[SL_PAINT_COUNT] = {[SL_PAINT_PLAIN] = -1,
						     [SL_PAINT_GOOD] = COLOR_GREEN,
						     [SL_PAINT_DEGRADED] = COLOR_YELLOW,
						     [SL_PAINT_DOWN] = COLOR_RED,
						     [SL_PAINT_BLIND] = COLOR_MAGENTA,
						     [SL_PAINT_DIM] = -1};

	coloured = sl_print_colour(stdout) && has_colors() && start_color() == OK &&
		   use_default_colors() == OK;
	for (short i = 1; coloured && i < SL_PAINT_COUNT; i++)
		init_pair(i, colour[i], -1);
}

/* A "dumb" terminal opens too, but cannot put the cursor anywhere. */
static bool can_move(void)
{
	static char name[] = "cup";
	const char *how = tigetstr(name);

	return how && how != (const char *)-1;
}

bool sl_terminal_open(struct sl_grid *grid)
{
	/* Only letters are the locale's: numbers keep their point. */
	setlocale(LC_CTYPE, "");
	grid->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	if (!can_move()) {
		sl_terminal_close();
		return false;
	}
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	colours();
	return true;
}

void sl_terminal_close(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

void sl_terminal_clear(struct sl_grid *grid)
{
	sl_grid_clear(grid, LINES, COLS);
}

static attr_t attributes(uint8_t paint)
{
	uint8_t plain = paint & (SL_PAINT_BOLD - 1);
	attr_t made = A_NORMAL;

	if (paint & SL_PAINT_BOLD || plain == SL_PAINT_DOWN)
		made |= A_BOLD;
	if (paint & SL_PAINT_REVERSE)
		made |= A_REVERSE;
	if (plain == SL_PAINT_DIM)
		made |= A_DIM;
	return coloured && plain ? made | COLOR_PAIR(plain) : made;
}

void sl_terminal_show(const struct sl_grid *grid)
{
	erase();
	for (int row = 0; row < grid->rows; row++)
		for (int col = 0; col < grid->cols; col++) {
			const struct sl_cell *cell = &grid->cell[row][col];

			if (cell->letter[0] == ' ' && !cell->paint)
				continue;
			attrset((int)attributes(cell->paint));
			mvaddstr(row, col, cell->letter);
		}
	attrset(A_NORMAL);
	refresh();
}

enum sl_key sl_terminal_key(void)
{
	static const struct {
		int code;
		enum sl_key key;
	} keys[] = {
		{'q', SL_KEY_QUIT},
		{'Q', SL_KEY_QUIT},
		{27, SL_KEY_QUIT},
		{'k', SL_KEY_UP},
		{KEY_UP, SL_KEY_UP},
		{KEY_LEFT, SL_KEY_UP},
		{'j', SL_KEY_DOWN},
		{KEY_DOWN, SL_KEY_DOWN},
		{KEY_RIGHT, SL_KEY_DOWN},
		{KEY_PPAGE, SL_KEY_PAGE_UP},
		{KEY_NPAGE, SL_KEY_PAGE_DOWN},
		{' ', SL_KEY_PAGE_DOWN},
		{'\r', SL_KEY_ENTER},
		{'\n', SL_KEY_ENTER},
		{KEY_ENTER, SL_KEY_ENTER},
		{'p', SL_KEY_PAUSE},
		{'i', SL_KEY_INCIDENTS},
		{'?', SL_KEY_HELP},
		{'h', SL_KEY_HELP},
		{KEY_RESIZE, SL_KEY_RESIZE},
	};
	int code = getch();

	if (code == ERR)
		return SL_KEY_NONE;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].code == code)
			return keys[i].key;
	return SL_KEY_OTHER;
}
