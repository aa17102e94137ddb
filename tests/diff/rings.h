/*
 * rings.h - the DPDK engine, alive, on ports that are rings: what it makes of a frame's bytes
 *
 * All is as in a shop's box but for the devices: EAL (without huge pages), policy, a worker that
 * polls on its own core.  One engine at a time; EAL starts once a process.
 */
#ifndef SL_DIFF_RINGS_H
#define SL_DIFF_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/engine.h"

enum { RINGS_KERNEL = -1, RINGS_LAN, RINGS_FIBRE, RINGS_LTE, RINGS_PORTS };

/* MAC of who is behind each port of the gateway. */
extern const uint8_t rings_mac[RINGS_PORTS][6];

/* Into a network namespace of this process's own, where the kernel says nothing by itself. */
bool rings_alone(void);

/*
 * A wire from RINGS_LAN to RINGS_FIBRE, or a @gateway from RINGS_LAN to both uplinks, which
 * knows the next hop of each, running on @tables; the caller's to close.  Root.
 */
struct sl_engine *rings_open(bool gateway, const struct sl_tables *tables);

/* MAC of the engine's @port. */
const uint8_t *rings_own(struct sl_engine *engine, int port);

/*
 * Let @length bytes of @in come in by port @from.  What leaves by port @to is in @out (@room
 * bytes); how many there are; 0 where @to is the kernel.  Fails the test when nothing leaves there,
 * or something by another port.
 */
uint32_t rings_pass(struct sl_engine *engine, int from, int to, const uint8_t *in, uint32_t length,
		    uint8_t *out, uint32_t room);

void rings_close(struct sl_engine *engine);

#endif
