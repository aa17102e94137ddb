/*
 * screen.c - the whole screen: headline, board, notes, incidents, events; and the other views
 */
#include "screen.h"

#include "paper.h"
#include "print.h"
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOMY_ROWS   30 /* from here on there is an empty row between the parts */
#define EVENTS_LEAST 3  /* rows of them, with their heading, that the services leave */

/* What keeps the screen from being believed, or the site from acting; "" = nothing does. */
static void alarm_text(const struct sl_board *board, char text[SL_TEXT_MAX * 2])
{
	char span[SL_PAPER_SPAN_MAX];

	sl_paper_span(board->age_ms * 1000000, span);
	if (!board->connected)
		snprintf(text, SL_TEXT_MAX * 2, "STALE %s: no Redis: %s", span, board->lost);
	else if (board->age_ms > SL_BOARD_STALE_MS)
		snprintf(text, SL_TEXT_MAX * 2, "STALE %s: silent dataplane", span);
	else if (board->picture.bypassed)
		snprintf(text, SL_TEXT_MAX * 2, "BYPASSED");
	else
		snprintf(text, SL_TEXT_MAX * 2, "%s", board->picture.frozen ? "FROZEN" : "");
}

static void headline(struct sl_grid *grid, const struct sl_board *board, const struct sl_look *look)
{
	const struct sl_telemetry *picture = &board->picture;
	char clock[SL_PAPER_CLOCK_MAX], text[SL_TEXT_MAX * 2];
	int at;

	alarm_text(board, text);
	at = sl_grid_put(grid, 0, 0, 0, SL_PAINT_BOLD, " Storeline  %s  mode %s ", picture->site,
			 sl_mode_word(picture->mode));
	if (look->paused)
		at += sl_grid_put(grid, 0, at, 0, SL_PAINT_BOLD, " PAUSED ");
	if (text[0])
		sl_grid_put(grid, 0, at + 1, grid->cols - at - 11, SL_PAINT_DOWN | SL_PAINT_BOLD,
			    "%s", text);
	else
		sl_grid_put(grid, 0, at + 1, 0, SL_PAINT_PLAIN, "policy %llu",
			    (unsigned long long)picture->policy_version);
	sl_grid_mark(grid, 0, SL_PAINT_REVERSE);
	sl_paper_clock(board->now_unix_ns, board->now_unix_ns, clock);
	sl_grid_put(grid, 0, grid->cols - 9, 0, SL_PAINT_REVERSE, "%s", clock);
}

static void footer(struct sl_grid *grid, const char *keys)
{
	sl_grid_put(grid, grid->rows - 1, 0, 0, SL_PAINT_DIM, " %s", keys);
}

/* What is not as the policy would have it; what is bad, and why.  The next free row. */
static int notes(struct sl_grid *grid, const struct sl_board *board, int row, int end)
{
	char limit[16];

	for (uint32_t i = 0; i < board->picture.services && row < end; i++) {
		const struct sl_service_report *set = &board->picture.service[i];
		uint64_t bps = set->limit_bps[0] ? set->limit_bps[0] : set->limit_bps[1];

		if (set->trial_uplink[0] && row < end)
			sl_grid_put(grid, row++, 1, 0, SL_PAINT_PLAIN,
				    "%s: %.0f %% of its new flows try %s", set->name,
				    set->trial_share_ppm / 1e4, set->trial_uplink);
		if (set->rerouted && row < end)
			sl_grid_put(grid, row++, 1, 0, SL_PAINT_PLAIN, "%s goes by %s (%s)",
				    set->name, set->uplink, set->cause);
		if (bps && row < end)
			sl_grid_put(grid, row++, 1, 0, SL_PAINT_PLAIN,
				    "%s is limited to %sbit/s (%s)", set->name,
				    sl_print_rate(bps, limit, sizeof(limit)), set->cause);
		if (set->dscp_cause[0] && row < end)
			sl_grid_put(grid, row++, 1, 0, SL_PAINT_PLAIN,
				    "%s leaves with the DSCP %s (%s)", set->name, set->dscp,
				    set->dscp_cause);
	}
	for (uint32_t i = 0; i < board->picture.paths && row < end; i++) {
		const struct sl_path_report *path = &board->picture.path[i];

		if (path->state == SL_HEALTH_DEGRADED || path->state == SL_HEALTH_DOWN)
			sl_grid_put(grid, row++, 1, 0, sl_grid_paint_of(path->state),
				    "%s is %s on %s: %s", path->service,
				    sl_health_word(path->state),
				    path->uplink[0] ? path->uplink : "its port", path->reason);
	}
	return row;
}

static void incident_line(struct sl_grid *grid, int row, const struct sl_incident *incident,
			  uint64_t now)
{
	char since[SL_PAPER_CLOCK_MAX], span[SL_PAPER_SPAN_MAX], remedy[SL_TEXT_MAX];
	bool open = !incident->closed_unix_ns;

	sl_paper_between(incident->first_bad_unix_ns, open ? now : incident->closed_unix_ns, span);
	sl_grid_put(grid, row, 1, 0, open ? SL_PAINT_DEGRADED : SL_PAINT_PLAIN,
		    "%5llu  %s  %s%s%s: fault %s; %s; %s %s", (unsigned long long)incident->id,
		    sl_paper_clock(incident->first_bad_unix_ns, now, since),
		    incident->service[0] ? incident->service : "the LAN",
		    incident->uplink[0] ? " on " : "", incident->uplink,
		    sl_verdict_word(incident->verdict),
		    sl_tell_remedy(incident->remedy, incident->target, remedy),
		    open ? "OPEN for" : sl_outcome_word(incident->outcome), span);
}

static int open_incidents(struct sl_grid *grid, const struct sl_board *board, int row, int end)
{
	bool headed = false;

	for (uint32_t i = 0; i < board->incidents && row < end; i++) {
		if (board->incident[i].closed_unix_ns)
			continue;
		if (!headed && row + 1 < end)
			sl_grid_put(grid, row++, 1, 0, SL_PAINT_BOLD, "OPEN INCIDENTS");
		headed = true;
		incident_line(grid, row++, &board->incident[i], board->now_unix_ns);
	}
	return row;
}

static void event_line(struct sl_grid *grid, int row, const struct sl_event *event)
{
	size_t size = 0;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	sl_print_event(to, event, true);
	fclose(to);
	if (text && size)
		sl_grid_painted(grid, row, 1, text, size - 1);
	free(text);
}

/* The newest at the bottom, as in a log. */
static void events(struct sl_grid *grid, const struct sl_board *board, int row, int end)
{
	uint32_t count = board->next < SL_BOARD_EVENTS ? board->next : SL_BOARD_EVENTS;

	if (row + 1 >= end)
		return;
	sl_grid_put(grid, row++, 1, 0, SL_PAINT_BOLD, "LAST EVENTS");
	if ((int)count > end - row)
		count = (uint32_t)(end - row);
	for (uint32_t i = board->next - count; i != board->next; i++)
		event_line(grid, row++, &board->event[i % SL_BOARD_EVENTS]);
	if (!count)
		sl_grid_put(grid, row, 1, 0, SL_PAINT_DIM, "none in the last ten minutes");
}

static void draw_board(struct sl_grid *grid, const struct sl_board *board,
		       const struct sl_look *look)
{
	int gap = grid->rows >= ROOMY_ROWS, end = grid->rows - 1;
	int row = sl_screen_uplinks(grid, board, 1 + gap) + 1, room;

	room = end - row - EVENTS_LEAST;
	if (sl_screen_services_rows(grid, board) < room)
		room = sl_screen_services_rows(grid, board);
	row = sl_screen_services(grid, board, look, row, row + (room > 2 ? room : 2)) + 1;
	/* Notes may take half of what is left, incidents half of that. */
	room = notes(grid, board, row, row + (end - row) / 2);
	row = room > row ? room + gap : row;
	room = open_incidents(grid, board, row, row + (end - row) / 2);
	row = room > row ? room + gap : row;
	events(grid, board, row, end);
	footer(grid, "q quit   arrows j k choose   Enter why   i incidents   p pause   ? help");
}

static void draw_incidents(struct sl_grid *grid, const struct sl_board *board,
			   const struct sl_look *look)
{
	int row = 3, room = grid->rows - 5;
	uint32_t from = 0;

	sl_grid_put(grid, 2, 1, 0, SL_PAINT_BOLD, "INCIDENTS, newest first");
	if (room > 0 && (int)look->incident >= room)
		from = look->incident - (uint32_t)room + 1;
	for (uint32_t i = from; i < board->incidents && row < grid->rows - 2; i++, row++) {
		incident_line(grid, row, &board->incident[i], board->now_unix_ns);
		if (i == look->incident) {
			sl_grid_put(grid, row, 0, 1, SL_PAINT_BOLD, ">");
			sl_grid_mark(grid, row, SL_PAINT_REVERSE);
		}
	}
	if (!board->incidents)
		sl_grid_put(grid, row, 1, 0, SL_PAINT_DIM, "none");
	footer(grid, "q back   arrows j k choose   Enter its story   ? help");
}

static int lines_of(const char *text)
{
	int lines = 0;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		lines++;
	return lines;
}

static void draw_text(struct sl_grid *grid, struct sl_look *look)
{
	const char *text = look->text ? look->text : "asking ...";
	int room = grid->rows - 4, lines = lines_of(text), line = 0;
	int most = lines > room ? lines - room : 0;

	look->scroll = look->scroll > most ? most : look->scroll < 0 ? 0 : look->scroll;
	sl_grid_put(grid, 2, 1, 0, SL_PAINT_BOLD, "%s", look->title ? look->title : "");
	for (const char *at = text; *at; line++) {
		size_t size = strcspn(at, "\n");
		int row = 3 + line - look->scroll;

		if (line >= look->scroll && row < grid->rows - 1)
			sl_grid_painted(grid, row, 1, at, size);
		at += size;
		at += *at == '\n';
	}
	footer(grid, most ? "q back   arrows j k, PgUp PgDn scroll   (there is more)" : "q back");
}

static void draw_help(struct sl_grid *grid)
{
	static const char *const help[] = {
		"q        back, or quit",
		"j k      or arrows: choose a service, an incident; scroll a text",
		"Enter    why the service stands as it does; the story of the incident",
		"i        incidents",
		"p        pause: the screen stands still, the site goes on",
		"?        this",
		"",
		"*        where new flows of the service go",
		"good     keeps its SLO            degr(aded)  breaks its SLO: a brownout",
		"down     a blackout               idle        no traffic to judge by",
		"blnd     blind: traffic, but too few samples to judge by",
		"",
		"Times are of the WAN leg, in milliseconds (s: in seconds); loss is in percent.",
		"The line of blocks is the p95 of the last 60 s: full height is its own highest",
		"value, or twice its lowest when that is more; a gap is a time without samples.",
		"Bars of an uplink: its rate against its capacity in the policy.",
	};

	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++)
		sl_grid_put(grid, 2 + (int)i, 2, 0, SL_PAINT_PLAIN, "%s", help[i]);
	footer(grid, "any key: back");
}

void sl_screen_draw(struct sl_grid *grid, const struct sl_board *board, struct sl_look *look)
{
	const char *service[SL_WIRE_PATHS_MAX];
	uint32_t services = sl_board_services(board, service);

	if (look->service >= services)
		look->service = services ? services - 1 : 0;
	if (look->incident >= board->incidents)
		look->incident = board->incidents ? board->incidents - 1 : 0;
	headline(grid, board, look);
	switch (look->view) {
	case SL_VIEW_TEXT:
		draw_text(grid, look);
		break;
	case SL_VIEW_INCIDENTS:
		draw_incidents(grid, board, look);
		break;
	case SL_VIEW_HELP:
		draw_help(grid);
		break;
	default:
		draw_board(grid, board, look);
	}
}
