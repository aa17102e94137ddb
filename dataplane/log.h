/*
 * log.h - one logfmt line on stderr: t=... level=info event=attached key=value ...
 */
#ifndef SL_LOG_H
#define SL_LOG_H

#include <stdbool.h>

enum sl_log_level { SL_LOG_DEBUG, SL_LOG_INFO, SL_LOG_WARN, SL_LOG_ERROR };

/* Also say debug lines (-v). */
void sl_log_verbose(bool verbose);

/* @event is one word; the rest is logfmt by the caller, or NULL. */
void sl_log(enum sl_log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
