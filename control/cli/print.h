/*
 * print.h - pictures and events for people: tables, one-line events, colour
 */
#ifndef SL_PRINT_H
#define SL_PRINT_H

#include "proto/wire.h"

#include <stdio.h>

/* Colour the words of health when @to is a terminal and NO_COLOR is not set. */
bool sl_print_colour(FILE *to);

/* Services x uplinks: state, WAN p50 and p95, loss, rates, limits; the other measures below. */
void sl_print_picture(FILE *to, const struct sl_telemetry *picture, bool colour);

/* How many lines that takes. */
unsigned int sl_print_lines(const struct sl_telemetry *picture);

/*
 * DNS, think time, transactions, media, what was not believed, in one line for a path that
 * has any of it.  Returns the lines: 1 or 0.  @to NULL: count only.
 */
unsigned int sl_print_measures(FILE *to, const struct sl_path_report *path);

/* One line, with its end. */
void sl_print_event(FILE *to, const struct sl_event *event, bool colour);

/* Some path is degraded or down. */
bool sl_print_unhealthy(const struct sl_telemetry *picture);

/* 12.3M, 4.5k, 0. */
const char *sl_print_rate(uint64_t bps, char *text, size_t size);

#endif
