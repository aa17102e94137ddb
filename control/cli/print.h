/*
 * print.h - pictures and events for people: tables, one-line events, colour
 */
#ifndef SL_PRINT_H
#define SL_PRINT_H

#include "proto/wire.h"

#include <stdio.h>

/* Colour the words of health when @to is a terminal and NO_COLOR is not set. */
bool sl_print_colour(FILE *to);

/* The escapes before and after a word of that colour; "" when @colour is false. */
const char *sl_print_paint(enum sl_health health, bool colour);
const char *sl_print_plain(bool colour);

/* Lost of the WAN leg, of so many segments of both directions: its share needs both. */
void sl_print_lost(const struct sl_path_report *path, uint32_t *lost, uint32_t *segments);
/* By sender, bit/s over the window. */
uint64_t sl_print_path_rate(const struct sl_path_report *path, unsigned int side);
/* What is set for a service; NULL when the picture does not say. */
const struct sl_service_report *sl_print_setting(const struct sl_telemetry *picture,
						 const char *service);

/* Services x uplinks: state, WAN p50 and p95, loss, rates, limits; the other measures below. */
void sl_print_picture(FILE *to, const struct sl_telemetry *picture, bool colour);

/* How many lines that takes. */
unsigned int sl_print_lines(const struct sl_telemetry *picture);

/*
 * DNS, think time, transactions, media, what was not believed, in one line for a path that
 * has any of it.  Returns the lines: 1 or 0.  @to NULL: count only.
 */
unsigned int sl_print_measures(FILE *to, const struct sl_path_report *path);

/* A VLAN whose DHCP is in trouble, in one line.  Returns the lines, as above. */
unsigned int sl_print_dhcp(FILE *to, const struct sl_dhcp_report *vlan);

/* One line, with its end. */
void sl_print_event(FILE *to, const struct sl_event *event, bool colour);

/* Some path is degraded or down. */
bool sl_print_unhealthy(const struct sl_telemetry *picture);

/* 12.3M, 4.5k, 0. */
const char *sl_print_rate(uint64_t bps, char *text, size_t size);

#endif
