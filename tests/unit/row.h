/*
 * row.h - one table row, one named cmocka test
 *
 * The row table of a test file reads as its specification: each row is reported
 * by its own name and reaches the test as *state.
 */
#ifndef SL_ROW_H
#define SL_ROW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SL_ROWS_MAX 512

struct sl_row_tests {
	struct CMUnitTest test[SL_ROWS_MAX];
	size_t count;
};

static inline void sl_row_add(struct sl_row_tests *tests, const char *name, CMUnitTestFunction run,
			      const void *row)
{
	if (tests->count == SL_ROWS_MAX)
		fail_msg("more than %d rows", SL_ROWS_MAX);
	tests->test[tests->count++] =
		(struct CMUnitTest){name, run, NULL, NULL, (void *)(uintptr_t)row};
}

/* Add each row of the array @rows (struct with .name) as a test run by @run. */
#define SL_ROWS_ADD(tests, rows, run)                                          \
	for (size_t row_ = 0; row_ < sizeof(rows) / sizeof((rows)[0]); row_++) \
	sl_row_add(tests, (rows)[row_].name, run, &(rows)[row_])

/* Run them all; the exit status of a test program. */
static inline int sl_row_run(const char *group, struct sl_row_tests *tests)
{
	return _cmocka_run_group_tests(group, tests->test, tests->count, NULL, NULL);
}

#endif
