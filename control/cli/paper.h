/*
 * paper.h - sentences, wrapped, and headings, for people
 *
 * A verb writes on it; it goes to stdout, or into memory for `top`.  Not for programs.
 */
#ifndef SL_PAPER_H
#define SL_PAPER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SL_PAPER_CLOCK_MAX 24
#define SL_PAPER_SPAN_MAX  24
#define SL_PAPER_VALUE_MAX 32

struct sl_paper {
	FILE *to;
	unsigned int width; /* columns; nothing but a long word goes over it */
	bool colour;
};

/* On stdout: as wide as the terminal, at most 100 columns, and 100 when it is none. */
struct sl_paper sl_paper_stdout(void);

/* Words, wrapped; each line begins @indent columns in, those after the first @hang more. */
void sl_paper_say(const struct sl_paper *paper, unsigned int indent, unsigned int hang,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A line of its own that stands out; not wrapped. */
void sl_paper_head(const struct sl_paper *paper, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Local time "10:41:07", or with the day before it when it is another than @now's.  Returns @text. */
const char *sl_paper_clock(uint64_t at_unix_ns, uint64_t now_unix_ns,
			   char text[SL_PAPER_CLOCK_MAX]);
/* "0.32 s", "36 s", "4 min 10 s", "3 h 20 min", "2 d 4 h".  Returns @text. */
const char *sl_paper_span(uint64_t ns, char text[SL_PAPER_SPAN_MAX]);
/* The same between two wall clocks; "-" when either is 0 or they run backwards. */
const char *sl_paper_between(uint64_t from_unix_ns, uint64_t to_unix_ns,
			     char text[SL_PAPER_SPAN_MAX]);

/*
 * A measure by its name with its unit (rtt_wan_p95_us, loss_wan_ppm, rate_bps, silent_ms): the
 * value for people ("301.0 ms", "3.10 %"), and what it is called.  Return @text.
 */
const char *sl_paper_value(const char *name, uint64_t value, char text[SL_PAPER_VALUE_MAX]);
const char *sl_paper_measure(const char *name, char *text, size_t size);

uint64_t sl_paper_now(void); /* wall clock, ns */

#endif
