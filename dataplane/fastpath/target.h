/*
 * target.h - what the core needs to know about the machine it is built for
 *
 * The same headers run as BPF (XDP, tc) and on the host (DPDK, replay, tests).
 * This file holds the only #ifdef between the two.
 */
#ifndef SL_TARGET_H
#define SL_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_INLINE static inline __attribute__((always_inline))

/*
 * SL_VERIFY_ONCE: a step that BPF verifies once, as a global function on plain
 * structs, and not once for each path that leads to it (17 k instructions against
 * 570 k, STYLE.md 2).  Its pointers may be NULL to the verifier: test them at the top.
 *
 * sl_load16, sl_load32: a word of a packet, in network order, at any alignment.  BPF's
 * clang would build a memcpy from single bytes; the kernel allows the plain load.
 */
#ifdef __bpf__
#define SL_VERIFY_ONCE __attribute__((noinline))
#define sl_load16(p)   (*(const uint16_t *)(p))
#define sl_load32(p)   (*(const uint32_t *)(p))
#else
#define SL_VERIFY_ONCE static inline __attribute__((unused))
#define sl_load16(p)              \
	((union {                 \
		 uint8_t byte[2]; \
		 uint16_t word;   \
	 }){{(p)[0], (p)[1]}}     \
		 .word)
#define sl_load32(p)                          \
	((union {                             \
		 uint8_t byte[4];             \
		 uint32_t word;               \
	 }){{(p)[0], (p)[1], (p)[2], (p)[3]}} \
		 .word)
#endif

/*
 * The compiler knows the range of @x from the callee's body and would drop the check
 * behind it; the verifier does not know it and needs the check.
 */
#define SL_OPAQUE(x) __asm__ volatile("" : "+r"(x))

/* Size checks that both sides of a shared layout compile. */
#define SL_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed size")

#endif
