/*
 * world.h - a small world for the core under fuzzing: two workers that must agree
 *
 * Eight buckets, three services of different priority and small quotas, a rate limit: so
 * that full buckets, eviction and policing are a few packets away.  The first worker gets the
 * frames in bursts, the second one by one; worker.h says that it makes no difference.
 */
#ifndef SL_FUZZ_WORLD_H
#define SL_FUZZ_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/frame.h"
#include "holds.h"

/* What the tables say, by the bits of a byte that the input chooses. */
enum {
	WORLD_TUNNELS = 1 << 0, /* inner headers of all kinds of tunnel */
	WORLD_TAP = 1 << 1,     /* no uplinks, side unknown: a mirror port */
	WORLD_INSPECT = 1 << 2, /* first packets go to the slow path */
	WORLD_NAMES = 1 << 3,   /* a rule asks for a name */
	WORLD_BYPASS = 1 << 4,
};

/* Everything empty, tables by @options. */
void fuzz_world_start(uint8_t options);

/*
 * @count (at most SL_BURST_MAX) frames, sent by the LAN or the WAN side.  Checks that both workers say
 * the same, that results are in range, that counters only grow and that each packet has
 * one reason.
 */
void fuzz_world_burst(const struct sl_frame *frames, uint32_t count, bool from_lan);

/* Expire what rests too long at @now_ns. */
void fuzz_world_sweep(uint64_t now_ns);

/* At the end of a run: flows held are flows that are there, slot masks have only slots. */
void fuzz_world_end(void);

#endif
