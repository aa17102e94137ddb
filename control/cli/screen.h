/*
 * screen.h - the board laid out on a grid
 *
 * Pure.  Every state is a word beside its colour, so that a screen without colours reads
 * the same.
 */
#ifndef SL_SCREEN_H
#define SL_SCREEN_H

#include "board.h"
#include "grid.h"

enum sl_view {
	SL_VIEW_BOARD,
	SL_VIEW_TEXT, /* why, or the story of an incident: look->text */
	SL_VIEW_INCIDENTS,
	SL_VIEW_HELP,
};

struct sl_look {
	enum sl_view view;
	bool paused;
	uint32_t service;  /* chosen, an index of sl_board_services */
	uint32_t incident; /* chosen, an index of board->incident */
	int scroll;        /* of the text */
	const char *title, *text;
};

/* Lay out; what @look chooses and scrolls to is brought back to what there is. */
void sl_screen_draw(struct sl_grid *grid, const struct sl_board *board, struct sl_look *look);

/* The parts of the board's view: from row @row; the next free row. */
int sl_screen_uplinks(struct sl_grid *grid, const struct sl_board *board, int row);
int sl_screen_services(struct sl_grid *grid, const struct sl_board *board,
		       const struct sl_look *look, int row, int end);
/* How many rows that wants. */
int sl_screen_services_rows(const struct sl_grid *grid, const struct sl_board *board);

/* "20.3", "152", "1.2s": at most 4 columns.  Returns @text. */
const char *sl_screen_ms(const struct sl_latency_report *rtt, uint32_t us, char text[16]);

#endif
