/*
 * histogram.h - which bucket a time falls in, and which time a bucket stands for
 *
 * Log-linear: values below 16 ticks have a bucket each, above that every power of
 * two is cut into 16 (the layout of HdrHistogram, here with 4 significant bits).
 * Pure; the core adds, the agent reads.
 */
#ifndef SL_HISTOGRAM_H
#define SL_HISTOGRAM_H

#include "stats.h"

/* Bucket of @ticks (64 ns each); what is longer than the last bucket counts in it. */
SL_INLINE uint32_t sl_histogram_bucket(uint32_t ticks)
{
	if (ticks < SL_HIST_STEPS)
		return ticks;
	uint32_t octave = sl_log2(ticks) - SL_HIST_STEPS_LOG2;
	uint32_t bucket = octave * SL_HIST_STEPS + (ticks >> octave);

	return bucket < SL_HIST_BUCKETS ? bucket : SL_HIST_BUCKETS - 1;
}

/* The time in the middle of @bucket, ns. */
SL_INLINE uint64_t sl_histogram_middle_ns(uint32_t bucket)
{
	if (bucket < SL_HIST_STEPS)
		return ((uint64_t)bucket << SL_TICK_LOG2_NS) + (1u << (SL_TICK_LOG2_NS - 1));
	uint32_t octave = bucket / SL_HIST_STEPS - 1;
	uint64_t low = (uint64_t)(SL_HIST_STEPS + bucket % SL_HIST_STEPS) << octave;

	return ((low << 1) + ((uint64_t)1 << octave)) << (SL_TICK_LOG2_NS - 1);
}

/* Add a sample of @ticks that stands for @weight of its kind. */
SL_INLINE void sl_histogram_add(struct sl_histogram *h, uint32_t ticks, uint32_t weight)
{
	h->count[sl_histogram_bucket(ticks)] += weight;
}

#endif
