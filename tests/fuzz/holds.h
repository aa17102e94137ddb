/*
 * holds.h - what must hold whatever the input is; else the run ends as a finding
 */
#ifndef SL_FUZZ_HOLDS_H
#define SL_FUZZ_HOLDS_H

/* Not assert(): this one stands in every build. */
#define FUZZ_HOLDS(condition)                                       \
	do {                                                        \
		if (!(condition))                                   \
			fuzz_fails(__FILE__, __LINE__, #condition); \
	} while (0)

_Noreturn void fuzz_fails(const char *file, int line, const char *condition);

#endif
