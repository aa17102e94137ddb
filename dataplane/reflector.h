/*
 * reflector.h - turns STAMP test packets (RFC 8762) round, for those who may ask
 *
 * Stateless, unauthenticated (4.3.1), by a socket of the kernel: what is sent to the box's own
 * addresses comes here under both engines (DPDK hands such packets to the kernel).  Where a program
 * stands on the uplinks (fastpath/reflect.h), it answers first what it can, by the same state,
 * as long as sl_reflector_tick() comes; what it lets pass is answered, or refused and
 * counted, here.  The answer is as long as the question, goes only to the policy's prefixes, so
 * many a second, by the device that it came by: nothing is amplified.
 * The agent's thread, on libevent.
 */
#ifndef SL_REFLECTOR_H
#define SL_REFLECTOR_H

#include "fastpath/reflect.h"
#include "proto/policy.h"

struct event_base;
struct sl_reflector;

#define SL_REFLECTOR_COUNTS(X)                             \
	X(reflected, "test packets answered")              \
	X(reflected_fast, "of these, by the program")      \
	X(fast_devices, "where the program stands")        \
	X(foreign, "from where nobody may ask")            \
	X(over_rate, "not answered: too many in a second") \
	X(malformed, "too short for a test packet, or a reflector's")

struct sl_reflector_counts {
#define X(name, text) uint64_t name;
	SL_REFLECTOR_COUNTS(X)
#undef X
};

/*
 * Listen on UDP @port (0 = any, sl_reflector_port() says which), IPv4 and IPv6.  0 and
 * *@reflector; or -errno (-EADDRINUSE: another listens there).
 */
int sl_reflector_open(struct sl_reflector **reflector, struct event_base *base, uint16_t port);
/* NULL is fine. */
void sl_reflector_close(struct sl_reflector *reflector);

/*
 * From now on by @policy (copied); @mark_base as in sl_tables, 0 = no marks; @program: the state
 * of the program that answers beside it, good until close; NULL = the socket is alone.
 */
void sl_reflector_apply(struct sl_reflector *reflector, const struct sl_policy *policy,
			uint32_t mark_base, struct sl_reflect_state *program);

/* Each 10 ms: the program may go on, by today's clock; or is to @rest. */
void sl_reflector_tick(struct sl_reflector *reflector, bool rest);

uint16_t sl_reflector_port(const struct sl_reflector *reflector);
const struct sl_reflector_counts *sl_reflector_counts(struct sl_reflector *reflector);

#endif
