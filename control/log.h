/*
 * log.h - one logfmt line on stderr: t=... level=info event=connected key=value ...
 */
#ifndef SL_CONTROL_LOG_H
#define SL_CONTROL_LOG_H

#include <stdbool.h>

/* Also say debug lines (-v). */
void sl_note_verbose(bool verbose);

/* @level: debug, info, warn, error.  @event is one word; the rest is logfmt by the caller. */
void sl_note(const char *level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
