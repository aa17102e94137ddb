/*
 * stamp.h - STAMP's unauthenticated test packets (RFC 8762): asked, answered, read
 *
 * Sender and stateless reflector.  Times are NTP's 64-bit format (RFC 5905 6): seconds since
 * 1900 and a binary fraction.  A stateless reflector repeats the sender's sequence number, so
 * loss cannot be told by direction; delay can, as far as both clocks agree, and how much it is above
 * the least seen can always.  Pure.
 */
#ifndef SL_STAMP_H
#define SL_STAMP_H

#include "fastpath/reflect.h"

/* The four times of an exchange, ns since 1970. */
struct sl_stamp_times {
	uint64_t sent_ns, received_ns; /* on the way out */
	uint64_t replied_ns, back_ns;  /* on the way back */
};

/* What is known of the path to one reflector and back; zero = nothing. */
struct sl_stamp_path {
	uint32_t samples;
	uint32_t rtt_us; /* of the last: without the reflector's own time */
	int64_t least_out_ns, least_back_ns;
	uint32_t out_us, back_us; /* of the last, above the least */
};

/* The sender's packet @number, sent at @unix_ns. */
void sl_stamp_write(uint8_t packet[SL_STAMP_BYTES], uint32_t number, uint64_t unix_ns);

/* Turn the sender's @length bytes in place (at least SL_STAMP_BYTES, which the reply has, too);
 * false: too short. */
bool sl_stamp_reflect(uint8_t *packet, uint32_t length, uint8_t ttl, uint64_t received_unix_ns,
		      uint64_t replied_unix_ns);

/* Read a reflector's reply of @length bytes that came at @back_unix_ns; false: it is none. */
bool sl_stamp_read(const uint8_t *packet, uint32_t length, uint64_t back_unix_ns, uint32_t *number,
		   struct sl_stamp_times *times);

void sl_stamp_note(struct sl_stamp_path *path, const struct sl_stamp_times *times);

#endif
