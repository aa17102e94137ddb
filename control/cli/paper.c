/*
 * paper.c - wrapping, and numbers as people say them
 */
#include "paper.h"

#include "print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH_MAX 100
#define WIDTH_MIN 40
#define SAID_MAX  2048
#define NS        UINT64_C(1000000000)

uint64_t sl_paper_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

struct sl_paper sl_paper_stdout(void)
{
	struct sl_paper paper = {stdout, WIDTH_MAX, sl_print_colour(stdout)};
	struct winsize size;

	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) &&
	    size.ws_col < WIDTH_MAX)
		paper.width = size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
	return paper;
}

/* Columns of UTF-8: what continues a letter takes none. */
static unsigned int columns(const char *text, size_t size)
{
	unsigned int count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void wrap(const struct sl_paper *paper, unsigned int indent, unsigned int hang,
		 const char *text)
{
	unsigned int at = indent, gap = 0;

	fprintf(paper->to, "%*s", (int)indent, "");
	while (*text) {
		size_t size = strcspn(text, " ");
		unsigned int wide = columns(text, size);

		if (gap && at + gap + wide > paper->width) {
			at = indent + hang;
			fprintf(paper->to, "\n%*s", (int)at, "");
		} else {
			fprintf(paper->to, "%*s", (int)gap, "");
			at += gap;
		}
		fprintf(paper->to, "%.*s", (int)size, text);
		at += wide;
		text += size;
		gap = (unsigned int)strspn(text, " ");
		text += gap;
	}
	fputc('\n', paper->to);
}

void sl_paper_say(const struct sl_paper *paper, unsigned int indent, unsigned int hang,
		  const char *format, ...)
{
	char text[SAID_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	wrap(paper, indent, hang, text);
}

void sl_paper_head(const struct sl_paper *paper, const char *format, ...)
{
	va_list args;

	fputs(paper->colour ? "\033[1m" : "", paper->to);
	va_start(args, format);
	vfprintf(paper->to, format, args);
	va_end(args);
	fputs(paper->colour ? "\033[0m\n" : "\n", paper->to);
}

const char *sl_paper_clock(uint64_t at_unix_ns, uint64_t now_unix_ns, char text[SL_PAPER_CLOCK_MAX])
{
	time_t at = (time_t)(at_unix_ns / NS), now = (time_t)(now_unix_ns / NS);
	struct tm then, today;
	bool same;

	localtime_r(&at, &then);
	localtime_r(&now, &today);
	same = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
	strftime(text, SL_PAPER_CLOCK_MAX, same ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
	return text;
}

const char *sl_paper_span(uint64_t ns, char text[SL_PAPER_SPAN_MAX])
{
	unsigned long s = (unsigned long)(ns / NS);

	if (s < 10)
		snprintf(text, SL_PAPER_SPAN_MAX, "%.*f s", s ? 1 : 2, (double)ns / 1e9);
	else if (s < 120)
		snprintf(text, SL_PAPER_SPAN_MAX, "%lu s", s);
	else if (s < 3600)
		snprintf(text, SL_PAPER_SPAN_MAX, "%lu min %lu s", s / 60, s % 60);
	else if (s < 48 * 3600)
		snprintf(text, SL_PAPER_SPAN_MAX, "%lu h %lu min", s / 3600, s / 60 % 60);
	else
		snprintf(text, SL_PAPER_SPAN_MAX, "%lu d %lu h", s / 86400, s / 3600 % 24);
	return text;
}

const char *sl_paper_between(uint64_t from_unix_ns, uint64_t to_unix_ns,
			     char text[SL_PAPER_SPAN_MAX])
{
	if (!from_unix_ns || to_unix_ns < from_unix_ns)
		return strcpy(text, "-");
	return sl_paper_span(to_unix_ns - from_unix_ns, text);
}

/* The last word of a name with its unit: "_us"; "" when it has none of those known. */
static const char *unit_of(const char *name)
{
	static const char *const units[] = {"_us", "_ms", "_ns", "_ppm", "_bps", "_bytes", "_s"};
	size_t length = strlen(name);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (length > strlen(units[i]) &&
		    !strcmp(name + length - strlen(units[i]), units[i]))
			return name + length - strlen(units[i]);
	return name + length;
}

const char *sl_paper_value(const char *name, uint64_t value, char text[SL_PAPER_VALUE_MAX])
{
	const char *unit = unit_of(name);
	double number = (double)value;
	char rate[16];

	if (!strcmp(unit, "_us"))
		snprintf(text, SL_PAPER_VALUE_MAX, "%.1f ms", number / 1e3);
	else if (!strcmp(unit, "_ns"))
		snprintf(text, SL_PAPER_VALUE_MAX, "%.1f ms", number / 1e6);
	else if (!strcmp(unit, "_ms") || !strcmp(unit, "_s"))
		return sl_paper_span(value * (unit[1] == 'm' ? NS / 1000 : NS), text);
	else if (!strcmp(unit, "_ppm"))
		snprintf(text, SL_PAPER_VALUE_MAX, "%.2f %%", number / 1e4);
	else if (!strcmp(unit, "_bps"))
		snprintf(text, SL_PAPER_VALUE_MAX, "%sbit/s",
			 sl_print_rate(value, rate, sizeof(rate)));
	else if (!strcmp(unit, "_bytes"))
		snprintf(text, SL_PAPER_VALUE_MAX, "%sB", sl_print_rate(value, rate, sizeof(rate)));
	else
		snprintf(text, SL_PAPER_VALUE_MAX, "%llu", (unsigned long long)value);
	return text;
}

/* Words of a name that are said otherwise. */
static const struct {
	const char *word, *said;
} said[] = {
	{"rtt", "round trip"}, {"wan", "WAN"},        {"lan", "LAN"},
	{"dns", "DNS"},        {"silent", "silence"}, {"syn", "SYN"},
	{"mtu", "MTU"},        {"bps", "bit/s"},      {"slo", "SLO"},
};

const char *sl_paper_measure(const char *name, char *text, size_t size)
{
	const char *unit = unit_of(name);
	size_t at = 0;

	text[0] = '\0';
	while (name < unit && at + 1 < size) {
		size_t length = strcspn(name, "_"), i;
		int put;

		length = name + length > unit ? (size_t)(unit - name) : length;
		for (i = 0; i < sizeof(said) / sizeof(said[0]); i++)
			if (strlen(said[i].word) == length && !strncmp(said[i].word, name, length))
				break;
		if (i < sizeof(said) / sizeof(said[0]))
			put = snprintf(text + at, size - at, "%s%s", at ? " " : "", said[i].said);
		else
			put = snprintf(text + at, size - at, "%s%.*s", at ? " " : "", (int)length,
				       name);
		at += put > 0 ? (size_t)put : 0;
		name += length;
		name += *name == '_';
	}
	return text;
}
