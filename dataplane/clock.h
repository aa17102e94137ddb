/*
 * clock.h - the clock of every engine: CLOCK_MONOTONIC, as bpf_ktime_get_ns() has it
 */
#ifndef SL_CLOCK_H
#define SL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Now, ns.  By the vDSO: no system call where the kernel's clock source allows it. */
static inline uint64_t sl_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#endif
