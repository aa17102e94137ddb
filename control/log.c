/*
 * log.c - whole lines by one write, so that lines of two processes do not mix
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool verbose_lines;

void sl_note_verbose(bool verbose)
{
	verbose_lines = verbose;
}

static size_t head(char *line, size_t size, const char *level, const char *event)
{
	struct timespec now;
	struct tm tm;
	size_t at;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	at = strftime(line, size, "t=%Y-%m-%dT%H:%M:%S", &tm);
	return at + (size_t)snprintf(line + at, size - at, ".%03ldZ level=%s event=%s ",
				     now.tv_nsec / 1000000, level, event);
}

void sl_note(const char *level, const char *event, const char *format, ...)
{
	char line[1024];
	va_list args;
	size_t at;
	int n;

	if (!verbose_lines && !strcmp(level, "debug"))
		return;
	at = head(line, sizeof(line), level, event);
	va_start(args, format);
	n = vsnprintf(line + at, sizeof(line) - at - 1, format, args);
	va_end(args);
	at += (size_t)n < sizeof(line) - at - 1 ? (size_t)n : sizeof(line) - at - 2;
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* nobody reads: nothing better to do with a log line */
}
