/*
 * log.c - whole lines by one write, so that lines of two processes do not mix
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static bool verbose_lines;

void sl_log_verbose(bool verbose)
{
	verbose_lines = verbose;
}

void sl_log(enum sl_log_level level, const char *event, const char *format, ...)
{
	static const char *const words[] = {"debug", "info", "warn", "error"};
	char line[1024];
	struct timespec ts;
	struct tm tm;

	if (level == SL_LOG_DEBUG && !verbose_lines)
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	size_t at = strftime(line, sizeof(line), "t=%Y-%m-%dT%H:%M:%S", &tm);

	at += (size_t)snprintf(line + at, sizeof(line) - at, ".%03ldZ level=%s event=%s",
			       ts.tv_nsec / 1000000, words[level], event);
	if (format && *format) {
		va_list args;

		line[at++] = ' ';
		va_start(args, format);
		int n = vsnprintf(line + at, sizeof(line) - at - 1, format, args);

		va_end(args);
		at += (size_t)n < sizeof(line) - at - 1 ? (size_t)n : sizeof(line) - at - 2;
	}
	line[at++] = '\n';
	if (write(STDERR_FILENO, line, at) < 0)
		return; /* nobody reads: nothing better to do with a log line */
}
