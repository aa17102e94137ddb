/*
 * generate.h - what the generator and the benchmark share
 */
#ifndef SL_BENCH_GENERATE_H
#define SL_BENCH_GENERATE_H

#include <stdint.h>

/* What runs behind the generator; slots of its jump table. */
enum sl_bench_slot { SL_BENCH_EMPTY, SL_BENCH_LRU, SL_BENCH_STORELINE, SL_BENCH_SLOTS };

#define SL_BENCH_PAYLOAD 100
#define SL_BENCH_FRAME   (14 + 20 + 32 + SL_BENCH_PAYLOAD) /* Ethernet, IPv4, TCP with timestamps */

#endif
