/*
 * holds.c - how a run ends as a finding: libFuzzer keeps the input of what aborts
 */
#include "holds.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void fuzz_fails(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}
