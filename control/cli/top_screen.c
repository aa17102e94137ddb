/*
 * top_screen.c - storeline top: keys, what is asked of the bus, and the board it is put on
 *
 * The layout is screen.c's; terminal.c shows it.  Redis lost: the last picture stays, marked.
 */
#include "terminal.h"
#include "session.h"
#include "top.h"
#include "why.h"

#include <stdlib.h>
#include <string.h>

#define DRAW_MS      250
#define ASK_MS       2000 /* incidents; why */
#define PAST_MS      600000
#define PAGE_ROWS    10
#define PAST_ENTRIES 400 /* of a stream, each time */

struct top {
	struct sl_session *session;
	struct sl_board board, frozen;
	struct sl_look look;
	struct sl_grid grid;
	struct sl_past incidents, why;
	struct sl_policy *policy;
	uint64_t policy_version, drawn_ms, incidents_ms, why_ms;
	char service[SL_NAME_MAX]; /* whose why is shown; "" = a story */
	uint64_t story;            /* id of the incident whose story is shown */
	char title[SL_NAME_MAX + 32];
	char *text;
	bool quit, why_asked, incidents_asked;
};

static void on_event(struct sl_session *session, const struct sl_event *event)
{
	sl_board_event(&((struct top *)session->arg)->board, event);
}

static void on_picture(struct sl_session *session)
{
	sl_board_picture(&((struct top *)session->arg)->board, &session->picture,
			 session->picture_ms / 1000);
}

static void set_text(struct top *top, char *text)
{
	free(top->text);
	top->text = text;
	top->look.text = text;
}

/* A paper in memory; its text is the caller's. */
static struct sl_paper begin(const struct top *top, char **text, size_t *size)
{
	int cols = top->grid.cols - 2;

	return (struct sl_paper){open_memstream(text, size),
				 (unsigned int)(cols > 100  ? 100
						: cols > 40 ? cols
							    : 40),
				 true};
}

static void write_why(struct top *top)
{
	struct sl_why why = {.picture = &top->board.picture,
			     .policy = top->policy,
			     .past = &top->why,
			     .service = top->service,
			     .now_unix_ns = sl_paper_now(),
			     .age_ms = top->board.age_ms};
	char *text = NULL;
	size_t size;
	struct sl_paper paper = begin(top, &text, &size);

	if (!paper.to)
		return;
	sl_why_write(&paper, &why);
	fclose(paper.to);
	set_text(top, text);
}

static void write_story(struct top *top)
{
	const struct sl_incident *found = NULL;
	char *text = NULL;
	size_t size;
	struct sl_paper paper = begin(top, &text, &size);

	for (uint32_t i = 0; i < top->board.incidents; i++)
		if (top->board.incident[i].id == top->story)
			found = &top->board.incident[i];
	if (!paper.to)
		return;
	if (found) {
		sl_tell_incident(&paper, found, sl_paper_now());
		fputc('\n', paper.to);
		sl_tell_timeline(&paper, found, sl_paper_now());
	}
	fclose(paper.to);
	set_text(top, text);
}

/* The policy that the picture says is in force, for the SLO in "why". */
static void keep_policy(struct top *top)
{
	struct sl_session *session = top->session;
	char why[SL_TEXT_MAX * 4];

	if (session->has_policy && session->policy_version != top->policy_version) {
		top->policy_version = session->policy_version;
		if (session->current &&
		    sl_policy_read(top->policy, session->current, strlen(session->current),
				   "current", why, sizeof(why)))
			memset(top->policy, 0, sizeof(*top->policy));
	} else if (session->has_policy &&
		   session->picture.policy_version != session->policy_version) {
		sl_session_ask_policy(session);
	}
}

static void keep_incidents(struct top *top, uint64_t now_ms)
{
	struct sl_board *board = &top->board;

	if (top->incidents.waiting)
		return;
	if (top->incidents_asked && sl_past_whole(&top->incidents)) {
		board->incidents = top->incidents.incidents;
		for (uint32_t i = 0; i < board->incidents; i++)
			board->incident[i] = top->incidents.incident[i];
	}
	top->incidents_asked = false;
	if (top->incidents_ms && now_ms - top->incidents_ms < ASK_MS)
		return;
	top->incidents_ms = now_ms;
	top->incidents_asked = true;
	sl_past_ask_incidents(&top->incidents, top->session);
}

static void keep_why(struct top *top, uint64_t now_ms)
{
	if (top->look.view != SL_VIEW_TEXT || !top->service[0] || top->why.waiting)
		return;
	if (top->why_asked && sl_past_whole(&top->why))
		write_why(top);
	top->why_asked = false;
	if (top->text && now_ms - top->why_ms < ASK_MS)
		return;
	top->why_ms = now_ms;
	top->why_asked = true;
	sl_past_ask_incidents(&top->why, top->session);
	sl_past_ask_events(&top->why, top->session);
}

/* What is asked is answered on the next turns of the loop. */
static void keep(struct top *top)
{
	uint64_t now_ms = sl_session_now_ms();
	struct sl_board *board = &top->board;

	board->connected = top->session->connected;
	memcpy(board->lost, top->session->why, sizeof(board->lost));
	board->age_ms = now_ms - top->session->picture_ms;
	board->now_unix_ns = sl_paper_now();
	if (!board->connected)
		return;
	keep_policy(top);
	keep_incidents(top, now_ms);
	keep_why(top, now_ms);
}

static void show_why(struct top *top)
{
	const char *service[SL_WIRE_PATHS_MAX];
	uint32_t count = sl_board_services(&top->board, service);

	if (top->look.service >= count || top->why.waiting)
		return;
	snprintf(top->service, sizeof(top->service), "%s", service[top->look.service]);
	snprintf(top->title, sizeof(top->title), "WHY %s", top->service);
	sl_why_wants(&top->why, top->service);
	set_text(top, NULL);
	top->why_asked = false;
	top->look.view = SL_VIEW_TEXT;
	top->look.title = top->title;
	top->look.scroll = 0;
}

static void show_story(struct top *top)
{
	if (top->look.incident >= top->board.incidents)
		return;
	top->story = top->board.incident[top->look.incident].id;
	top->service[0] = '\0';
	snprintf(top->title, sizeof(top->title), "INCIDENT %llu", (unsigned long long)top->story);
	write_story(top);
	top->look.view = SL_VIEW_TEXT;
	top->look.title = top->title;
	top->look.scroll = 0;
}

/* By @rows; @look is brought back to what there is when it is drawn. */
static void move(struct sl_look *look, int rows)
{
	uint32_t *chosen = look->view == SL_VIEW_INCIDENTS ? &look->incident : &look->service;

	if (look->view == SL_VIEW_TEXT)
		look->scroll += rows;
	else if (rows < 0 && *chosen < (uint32_t)-rows)
		*chosen = 0;
	else
		*chosen += (uint32_t)rows;
}

static void back(struct top *top)
{
	if (top->look.view == SL_VIEW_BOARD)
		top->quit = true;
	else if (top->look.view == SL_VIEW_TEXT && !top->service[0])
		top->look.view = SL_VIEW_INCIDENTS;
	else
		top->look.view = SL_VIEW_BOARD;
}

static void enter(struct top *top)
{
	if (top->look.view == SL_VIEW_BOARD)
		show_why(top);
	else if (top->look.view == SL_VIEW_INCIDENTS)
		show_story(top);
}

static void pause_or_go_on(struct top *top)
{
	top->look.paused = !top->look.paused;
	if (top->look.paused)
		top->frozen = top->board;
}

static void take(struct top *top, enum sl_key key)
{
	struct sl_look *look = &top->look;

	if (look->view == SL_VIEW_HELP && key != SL_KEY_NONE && key != SL_KEY_RESIZE) {
		look->view = SL_VIEW_BOARD;
		return;
	}
	switch (key) {
	case SL_KEY_QUIT:
		return back(top);
	case SL_KEY_UP:
		return move(look, -1);
	case SL_KEY_DOWN:
		return move(look, 1);
	case SL_KEY_PAGE_UP:
		return move(look, -PAGE_ROWS);
	case SL_KEY_PAGE_DOWN:
		return move(look, PAGE_ROWS);
	case SL_KEY_ENTER:
		return enter(top);
	case SL_KEY_PAUSE:
		return pause_or_go_on(top);
	case SL_KEY_INCIDENTS:
		look->view = SL_VIEW_INCIDENTS;
		return;
	case SL_KEY_HELP:
		look->view = SL_VIEW_HELP;
		return;
	default:
		return;
	}
}

static void draw(struct top *top)
{
	struct sl_board *board = &top->board;

	if (top->look.paused) { /* the picture stands; what is wrong with the bus does not */
		board = &top->frozen;
		board->connected = top->board.connected;
		board->now_unix_ns = top->board.now_unix_ns;
	}
	sl_terminal_clear(&top->grid);
	sl_screen_draw(&top->grid, board, &top->look);
	sl_terminal_show(&top->grid);
	top->drawn_ms = sl_session_now_ms();
}

static bool turn(const struct sl_session *session)
{
	struct top *top = session->arg;
	enum sl_key key;
	bool pressed = false;

	keep(top);
	while ((key = sl_terminal_key()) != SL_KEY_NONE) {
		take(top, key);
		pressed = true;
	}
	if (pressed || sl_session_now_ms() - top->drawn_ms >= DRAW_MS)
		draw(top);
	return top->quit || sl_top_interrupted();
}

static int run(struct top *top)
{
	struct sl_session *session = top->session;
	int code = sl_session_picture(session);

	if (!code)
		code = sl_session_policy(session);
	if (code)
		return code;
	on_picture(session);
	if (!sl_terminal_open(&top->grid))
		return SL_TOP_NO_SCREEN;
	sl_top_catch();
	sl_session_run(session, turn, 0);
	sl_terminal_close();
	return SL_CLI_OK;
}

int sl_top_screen(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct top *top = calloc(1, sizeof(*top));
	int code = SL_CLI_ERROR;

	if (top)
		top->policy = calloc(1, sizeof(*top->policy));
	if (session && top && top->policy) {
		top->session = session;
		top->incidents.most_incidents = SL_BOARD_INCIDENTS;
		top->incidents.entries = top->why.entries = PAST_ENTRIES;
		session->arg = top;
		session->on_event = on_event;
		session->on_picture = on_picture;
		code = sl_session_open(session, cli,
				       &(struct sl_session_wants){true, true, PAST_MS});
		if (!code)
			code = run(top);
		sl_session_close(session);
		sl_past_free(&top->incidents);
		sl_past_free(&top->why);
		free(top->text);
	}
	if (top)
		free(top->policy);
	free(top);
	free(session);
	return code;
}
