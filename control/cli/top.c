/*
 * top.c - storeline top where there is no screen: one picture a second, with the last events
 *
 * A file, a pipe, or a terminal that cannot be drawn on; with --json each picture as it
 * comes.  Anywhere else it is top_screen.c's.
 */
#include "print.h"
#include "session.h"
#include "top.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_KEPT  32
#define EVENTS_SHOWN 12
#define DRAW_MS      1000
#define SILENT_MS    1000
#define PAST_MS      600000

struct top {
	struct sl_event event[EVENTS_KEPT]; /* ring */
	uint32_t next;
	uint64_t drawn_ms;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

static void on_event(struct sl_session *session, const struct sl_event *event)
{
	struct top *top = session->arg;

	top->event[top->next++ % EVENTS_KEPT] = *event;
}

bool sl_top_interrupted(void)
{
	return interrupted != 0;
}

void sl_top_catch(void)
{
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
}

static void draw_events(const struct top *top, unsigned int most, bool colour)
{
	uint32_t count = top->next < EVENTS_KEPT ? top->next : EVENTS_KEPT;

	count = count < most ? count : most;
	printf("\n%sLAST EVENTS%s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
	for (uint32_t i = top->next - count; i != top->next; i++)
		sl_print_event(stdout, &top->event[i % EVENTS_KEPT], colour);
}

static void draw(struct sl_session *session)
{
	struct top *top = session->arg;
	bool colour = sl_print_colour(stdout);
	uint64_t age_ms = sl_session_now_ms() - session->picture_ms;

	sl_print_picture(stdout, &session->picture, colour);
	draw_events(top, EVENTS_SHOWN, colour);
	if (!session->connected)
		printf("%sno Redis: %s%s\n", colour ? "\033[1;31m" : "", session->why,
		       colour ? "\033[0m" : "");
	else if (age_ms > SILENT_MS)
		printf("%sthe dataplane has been silent for %llu s%s\n", colour ? "\033[1;31m" : "",
		       (unsigned long long)age_ms / 1000, colour ? "\033[0m" : "");
	fflush(stdout);
	top->drawn_ms = sl_session_now_ms();
}

static void on_picture(struct sl_session *session)
{
	char *json;

	if (!session->cli->json)
		return;
	json = sl_wire_json_telemetry(&session->picture);
	if (json)
		puts(json);
	free(json);
	fflush(stdout);
}

static bool turn(const struct sl_session *session)
{
	struct top *top = session->arg;

	if (!session->cli->json && sl_session_now_ms() - top->drawn_ms >= DRAW_MS)
		draw((struct sl_session *)(uintptr_t)session);
	return interrupted || ferror(stdout);
}

static int run(struct sl_session *session)
{
	int code = sl_session_picture(session);

	if (code)
		return code;
	sl_top_catch();
	sl_session_run(session, turn, 0);
	fflush(stdout);
	return SL_CLI_OK;
}

static int plain(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct top *top = calloc(1, sizeof(*top));
	int code = SL_CLI_ERROR;

	if (session && top) {
		session->arg = top;
		session->on_event = on_event;
		session->on_picture = on_picture;
		code = sl_session_open(session, cli,
				       &(struct sl_session_wants){true, true, PAST_MS});
		if (!code)
			code = run(session);
		sl_session_close(session);
	}
	free(top);
	free(session);
	return code;
}

int sl_cli_top(struct sl_cli *cli)
{
	int code = SL_TOP_NO_SCREEN;

	if (!cli->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		code = sl_top_screen(cli);
	return code == SL_TOP_NO_SCREEN ? plain(cli) : code;
}
