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

/* What nearly every packet does and what next to none does: which way the code runs straight. */
#define SL_LIKELY(x)   __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * SL_VERIFY_ONCE: a step that BPF verifies once, as a global function on plain
 * structs, and not once for each path that leads to it (17 k instructions against
 * 570 k, STYLE.md 2).  Its pointers may be NULL to the verifier: test them at the top.
 *
 * SL_RARE: the same for a step that few packets take; on the host it stands apart from
 * the hot code.
 *
 * SL_KEEP: pointer @p stays in a register.  gcc would compute &array[i] again for each use.
 *
 * sl_load16, 32, 64: a word of a packet, in network order, at any alignment.  BPF's
 * clang would build a memcpy from single bytes; the kernel allows the plain load.
 *
 * sl_load_tcp: the first 16 bytes of a TCP header at @p to host order at @to: two words of
 * 16 bits, two of 32, two bytes, one of 16 bits.
 *
 * sl_log2: position of the highest set bit of @value, which is not 0.  BPF v3 has no clz.
 */
#ifdef __bpf__
#define SL_VERIFY_ONCE __attribute__((noinline))
#define SL_RARE        __attribute__((noinline))
#define SL_KEEP(p)
#define sl_load16(p) (*(const uint16_t *)(p))
#define sl_load32(p) (*(const uint32_t *)(p))
#define sl_load64(p) (*(const uint64_t *)(p))

SL_INLINE void sl_load_tcp(void *to, const uint8_t *p)
{
	*(uint16_t *)to = __builtin_bswap16(sl_load16(p));
	*(uint16_t *)(to + 2) = __builtin_bswap16(sl_load16(p + 2));
	*(uint32_t *)(to + 4) = __builtin_bswap32(sl_load32(p + 4));
	*(uint32_t *)(to + 8) = __builtin_bswap32(sl_load32(p + 8));
	*(uint16_t *)(to + 12) = sl_load16(p + 12);
	*(uint16_t *)(to + 14) = __builtin_bswap16(sl_load16(p + 14));
}

SL_INLINE uint32_t sl_log2(uint32_t value)
{
	uint32_t log = 0;

	log |= (uint32_t)(value > 0xffff) << 4;
	value >>= log;
	uint32_t s = (uint32_t)(value > 0xff) << 3;

	value >>= s;
	log |= s;
	s = (uint32_t)(value > 0xf) << 2;
	value >>= s;
	log |= s;
	s = (uint32_t)(value > 0x3) << 1;
	value >>= s;
	log |= s;
	return log | (value >> 1);
}
#else
#define SL_VERIFY_ONCE static inline __attribute__((unused))
#define SL_RARE        static __attribute__((noinline, unused))
#define SL_KEEP(p)     __asm__("" : "+r"(p))

SL_INLINE uint16_t sl_load16(const void *p)
{
	uint16_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

SL_INLINE uint32_t sl_load32(const void *p)
{
	uint32_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

SL_INLINE uint64_t sl_load64(const void *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

SL_INLINE void sl_load_tcp(void *to, const uint8_t *p)
{
	typedef uint8_t bytes __attribute__((vector_size(16)));
	bytes header;

	__builtin_memcpy(&header, p, sizeof(header));
	header = __builtin_shufflevector(header, header, 1, 0, 3, 2, 7, 6, 5, 4, 11, 10, 9, 8, 12,
					 13, 15, 14);
	__builtin_memcpy(to, &header, sizeof(header));
}

SL_INLINE uint32_t sl_log2(uint32_t value)
{
	return 31 - (uint32_t)__builtin_clz(value);
}
#endif

/*
 * The compiler knows the range of @x from the callee's body and would drop the check
 * behind it; the verifier does not know it and needs the check.
 */
#define SL_OPAQUE(x) __asm__ volatile("" : "+r"(x))

/* Size checks that both sides of a shared layout compile. */
#define SL_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed size")

#endif
