/*
 * board.h - what `top` knows: the last picture, a minute of p95 per path, events, incidents
 *
 * One board is fed; a copy of it is what a paused screen goes on showing.
 */
#ifndef SL_BOARD_H
#define SL_BOARD_H

#include "proto/wire.h"

#define SL_TRACE_SECONDS   60
#define SL_BOARD_EVENTS    64
#define SL_BOARD_INCIDENTS 32
#define SL_BOARD_STALE_MS  1000

/* The highest WAN p95 of each second, of one path. */
struct sl_trace {
	char service[SL_NAME_MAX], uplink[SL_NAME_MAX];
	uint64_t second;                   /* the last that was written */
	uint32_t p95_us[SL_TRACE_SECONDS]; /* by second % 60; 0 = no sample */
};

struct sl_board {
	bool has_picture, connected;
	char lost[SL_TEXT_MAX]; /* why there is no Redis */
	uint64_t age_ms;        /* of the picture */
	uint64_t now_unix_ns;
	struct sl_telemetry picture;
	uint32_t traces;
	struct sl_trace trace[SL_WIRE_PATHS_MAX];
	uint32_t next; /* events heard; the ring's end */
	struct sl_event event[SL_BOARD_EVENTS];
	uint32_t incidents;
	struct sl_incident incident[SL_BOARD_INCIDENTS]; /* newest first */
};

/* A picture at @second (any clock that goes on). */
void sl_board_picture(struct sl_board *board, const struct sl_telemetry *picture, uint64_t second);
/* What is told again is not shown again. */
void sl_board_event(struct sl_board *board, const struct sl_event *event);

/* NULL when there is none. */
const struct sl_trace *sl_board_trace(const struct sl_board *board,
				      const struct sl_path_report *path);
/* A minute in @slots levels of 0 (no sample) to 8, the newest last. */
void sl_board_levels(const struct sl_trace *trace, uint8_t *level, unsigned int slots);

/* The services there are, in the order of the picture; at most SL_WIRE_PATHS_MAX. */
uint32_t sl_board_services(const struct sl_board *board, const char **name);
const struct sl_path_report *sl_board_path(const struct sl_board *board, const char *service,
					   const char *uplink);

#endif
