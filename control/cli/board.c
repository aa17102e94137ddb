/*
 * board.c - feeding what `top` shows
 */
#include "board.h"

#include <string.h>

static struct sl_trace *trace_of(struct sl_board *board, const struct sl_path_report *path)
{
	struct sl_trace *made;
	const struct sl_trace *found = sl_board_trace(board, path);

	if (found)
		return &board->trace[found - board->trace];
	if (board->traces == SL_WIRE_PATHS_MAX)
		board->traces = 0; /* a policy after another: begin again */
	made = &board->trace[board->traces++];
	memset(made, 0, sizeof(*made));
	memcpy(made->service, path->service, sizeof(made->service));
	memcpy(made->uplink, path->uplink, sizeof(made->uplink));
	return made;
}

static void note(struct sl_trace *trace, const struct sl_latency_report *rtt, uint64_t second)
{
	uint32_t *slot = &trace->p95_us[second % SL_TRACE_SECONDS];
	uint64_t from = trace->second + 1;

	if (second >= SL_TRACE_SECONDS && from + SL_TRACE_SECONDS <= second)
		from = second - SL_TRACE_SECONDS + 1;
	for (uint64_t at = from; at <= second; at++) /* seconds without a picture */
		trace->p95_us[at % SL_TRACE_SECONDS] = 0;
	trace->second = second;
	if (rtt->samples && rtt->p95_us > *slot)
		*slot = rtt->p95_us;
}

void sl_board_picture(struct sl_board *board, const struct sl_telemetry *picture, uint64_t second)
{
	board->picture = *picture;
	board->has_picture = true;
	for (uint32_t i = 0; i < picture->paths; i++)
		note(trace_of(board, &picture->path[i]), &picture->path[i].rtt[1], second);
}

void sl_board_event(struct sl_board *board, const struct sl_event *event)
{
	uint32_t kept = board->next < SL_BOARD_EVENTS ? board->next : SL_BOARD_EVENTS;

	for (uint32_t i = 0; i < kept; i++)
		if (board->event[i].seq == event->seq && board->event[i].boot == event->boot &&
		    !strcmp(board->event[i].source, event->source))
			return;
	board->event[board->next++ % SL_BOARD_EVENTS] = *event;
}

const struct sl_trace *sl_board_trace(const struct sl_board *board,
				      const struct sl_path_report *path)
{
	for (uint32_t i = 0; i < board->traces; i++)
		if (!strcmp(board->trace[i].service, path->service) &&
		    !strcmp(board->trace[i].uplink, path->uplink))
			return &board->trace[i];
	return NULL;
}

/* The scale ends at the highest, or at twice the lowest: a steady path is a line at half height. */
static uint32_t scale(const struct sl_trace *trace)
{
	uint32_t highest = 0, lowest = UINT32_MAX;

	for (unsigned int i = 0; i < SL_TRACE_SECONDS; i++) {
		uint32_t p95 = trace->p95_us[i];

		highest = p95 > highest ? p95 : highest;
		lowest = p95 && p95 < lowest ? p95 : lowest;
	}
	return highest && highest / 2 < lowest ? lowest * 2 : highest;
}

void sl_board_levels(const struct sl_trace *trace, uint8_t *level, unsigned int slots)
{
	uint32_t top = scale(trace);

	for (unsigned int i = 0; i < slots; i++) {
		unsigned int from = i * SL_TRACE_SECONDS / slots,
			     to = (i + 1) * SL_TRACE_SECONDS / slots;
		uint32_t highest = 0;

		for (unsigned int s = from; s < to; s++) {
			uint32_t p95 = trace->p95_us[(trace->second + 1 + s) % SL_TRACE_SECONDS];

			highest = p95 > highest ? p95 : highest;
		}
		level[i] = (uint8_t)(highest ? ((uint64_t)highest * 8 + top - 1) / top : 0);
	}
}

static bool add(const char **name, uint32_t *count, const char *service)
{
	for (uint32_t i = 0; i < *count; i++)
		if (!strcmp(name[i], service))
			return false;
	if (*count == SL_WIRE_PATHS_MAX)
		return false;
	name[(*count)++] = service;
	return true;
}

uint32_t sl_board_services(const struct sl_board *board, const char **name)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < board->picture.services; i++)
		add(name, &count, board->picture.service[i].name);
	for (uint32_t i = 0; i < board->picture.paths; i++)
		add(name, &count, board->picture.path[i].service);
	return count;
}

const struct sl_path_report *sl_board_path(const struct sl_board *board, const char *service,
					   const char *uplink)
{
	for (uint32_t i = 0; i < board->picture.paths; i++)
		if (!strcmp(board->picture.path[i].service, service) &&
		    !strcmp(board->picture.path[i].uplink, uplink))
			return &board->picture.path[i];
	return NULL;
}
