/*
 * top.c - storeline top: the picture redrawn in place, with the last events
 *
 * Plain ANSI on the alternate screen; not a terminal: one picture a second, one
 * after the other.
 */
#include "print.h"
#include "session.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define EVENTS_KEPT 32
#define DRAW_MS     250
#define SILENT_MS   1000
#define PAST_MS     600000

struct top {
	struct sl_event event[EVENTS_KEPT]; /* ring */
	uint32_t next;
	uint64_t drawn_ms;
	bool tty;
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

static unsigned int rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return 40;
	return size.ws_row;
}

static void draw_events(const struct top *top, unsigned int most, bool colour)
{
	uint32_t count = top->next < EVENTS_KEPT ? top->next : EVENTS_KEPT;

	count = count < most ? count : most;
	printf("\n%sLAST EVENTS%s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
	for (uint32_t i = top->next - count; i != top->next; i++)
		sl_print_event(stdout, &top->event[i % EVENTS_KEPT], colour);
}

/* Each line ends by clearing what an older, longer one left. */
static void draw(struct sl_session *session)
{
	struct top *top = session->arg;
	const struct sl_telemetry *picture = &session->picture;
	bool colour = sl_print_colour(stdout);
	/* Below it: an empty line, a heading, and one that says what is wrong with the bus. */
	unsigned int used = sl_print_lines(picture) + 3, most = rows();
	uint64_t age_ms = sl_session_now_ms() - session->picture_ms;

	fputs(top->tty ? "\033[H\033[J" : "", stdout);
	sl_print_picture(stdout, picture, colour);
	draw_events(top, most > used + 1 ? most - used - 1 : 1, colour);
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

	if (!session->cli->json &&
	    sl_session_now_ms() - top->drawn_ms >= (top->tty ? DRAW_MS : 1000))
		draw((struct sl_session *)(uintptr_t)session);
	return interrupted || ferror(stdout);
}

static int run(struct sl_session *session, struct top *top)
{
	int code = sl_session_picture(session);

	if (code)
		return code;
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	fputs(top->tty ? "\033[?1049h\033[?25l" : "", stdout);
	sl_session_run(session, turn, 0);
	fputs(top->tty ? "\033[?25h\033[?1049l" : "", stdout);
	fflush(stdout);
	return SL_CLI_OK;
}

int sl_cli_top(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct top *top = calloc(1, sizeof(*top));
	int code = SL_CLI_ERROR;

	if (session && top) {
		top->tty = !cli->json && isatty(STDOUT_FILENO);
		session->arg = top;
		session->on_event = on_event;
		session->on_picture = on_picture;
		code = sl_session_open(session, cli,
				       &(struct sl_session_wants){true, true, PAST_MS});
		if (!code)
			code = run(session, top);
		sl_session_close(session);
	}
	free(top);
	free(session);
	return code;
}
