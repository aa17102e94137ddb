/*
 * terminal.h - a grid on the terminal, and keys from it
 *
 * The only user of ncurses.  One terminal, one thread.
 */
#ifndef SL_TERMINAL_H
#define SL_TERMINAL_H

#include "screen.h"

enum sl_key {
	SL_KEY_NONE,
	SL_KEY_OTHER,
	SL_KEY_QUIT,
	SL_KEY_UP,
	SL_KEY_DOWN,
	SL_KEY_PAGE_UP,
	SL_KEY_PAGE_DOWN,
	SL_KEY_ENTER,
	SL_KEY_PAUSE,
	SL_KEY_INCIDENTS,
	SL_KEY_HELP,
	SL_KEY_RESIZE,
};

/* Take the terminal over; false when it cannot show a screen.  @grid learns whether it has UTF-8. */
bool sl_terminal_open(struct sl_grid *grid);
void sl_terminal_close(void);

/* Empty @grid to the size that the terminal has now. */
void sl_terminal_clear(struct sl_grid *grid);
void sl_terminal_show(const struct sl_grid *grid);

/* The next key that was pressed; SL_KEY_NONE when none is.  Does not wait. */
enum sl_key sl_terminal_key(void);

#endif
