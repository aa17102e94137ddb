/*
 * when.c - moments and spans of time as people write them
 *
 * A span is like 7d, 24h, 90m, 30s.  A moment is RFC 3339: 2026-11-24T08:00:00Z, or with +01:00;
 * parts of a second are passed over.  Pure.
 */
#include "cli.h"

#include "proto/policy_units.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define SPAN_MAX_S (31u * 86400)
#define YEAR_MIN   1970
#define YEAR_MAX   2500 /* ns since 1970 fit in 64 bits */

static const struct sl_unit spans[] = {{"d", 86400}, {"h", 3600}, {"m", 60},
				       {"min", 60},  {"s", 1},    {NULL, 0}};

bool sl_words_span(const char *text, uint32_t *seconds)
{
	uint64_t value;

	if (!sl_units_read(text, spans, &value) || !value || value > SPAN_MAX_S)
		return false;
	*seconds = (uint32_t)value;
	return true;
}

/* "Z", "+01:00", "-05:30"; minutes east of Greenwich. */
static bool read_zone(const char *text, int *minutes)
{
	int hour, minute, end = 0;

	if ((text[0] == 'Z' || text[0] == 'z') && !text[1]) {
		*minutes = 0;
		return true;
	}
	if ((text[0] != '+' && text[0] != '-') ||
	    sscanf(text + 1, "%2d:%2d%n", &hour, &minute, &end) != 2 || end != 5 || text[6] ||
	    !isdigit((unsigned char)text[1]) || hour > 23 || minute < 0 || minute > 59)
		return false;
	*minutes = (text[0] == '-' ? -1 : 1) * (hour * 60 + minute);
	return true;
}

static bool is_day(const struct tm *at)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = at->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= YEAR_MIN && year <= YEAR_MAX && at->tm_mon >= 0 && at->tm_mon < 12 &&
	       at->tm_mday >= 1 && at->tm_mday <= days[at->tm_mon] + (at->tm_mon == 1 && leap);
}

bool sl_words_when(const char *text, uint64_t *unix_ns)
{
	struct tm at = {0};
	int end = 0, zone;
	long long seconds;
	char t = 0;

	if (!isdigit((unsigned char)text[0]) ||
	    sscanf(text, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &at.tm_year, &at.tm_mon, &at.tm_mday, &t,
		   &at.tm_hour, &at.tm_min, &at.tm_sec, &end) != 7 ||
	    end != 19 || (t != 'T' && t != 't' && t != ' '))
		return false;
	at.tm_year -= 1900;
	at.tm_mon--;
	if (text[end] == '.')
		for (end++; isdigit((unsigned char)text[end]);)
			end++;
	if (!is_day(&at) || at.tm_hour < 0 || at.tm_hour > 23 || at.tm_min < 0 || at.tm_min > 59 ||
	    at.tm_sec < 0 || at.tm_sec > 60 || !read_zone(text + end, &zone))
		return false;
	seconds = (long long)timegm(&at) - zone * 60ll;
	if (seconds < 0)
		return false;
	*unix_ns = (uint64_t)seconds * 1000000000u;
	return true;
}
