/*
 * quic.h - the ClientHello in the Initial packets that a QUIC client sends
 *
 * RFC 9000 17.2.2 and 19, RFC 9001 5, RFC 9369 (version 2), and older drafts of both whose
 * salts are public.  Initial packets are protected by keys that everybody can derive from the
 * Destination Connection ID of the client's first one; the AES and the hashing are libcrypto's.
 * No state outlives a call but *@quic; a connection belongs to one thread.
 */
#ifndef SL_QUIC_READER_H
#define SL_QUIC_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "hello.h"
#include "quic_keys.h"
#include "stream.h"

/* One direction of one UDP flow.  Zeroed = nothing seen; owns no memory. */
struct sl_quic {
	uint32_t version;                      /* of .keys; 0: no Initial packet was read yet */
	uint8_t family;                        /* of .version */
	uint8_t id[SL_QUIC_ID_MAX], id_length; /* that .keys were derived from */
	struct sl_quic_keys keys;
	uint64_t newest;  /* packet number, highest so far */
	uint32_t packets; /* Initial packets that were decrypted */
	uint32_t failed; /* Initial packets that were not: another client's keys, damaged, or cut */
	struct sl_stream crypto;
};

/*
 * Read a UDP payload that the client sent: decrypt every Initial packet coalesced in it, add
 * their CRYPTO frames to ->crypto, then read that as a ClientHello.  SL_HELLO_MORE also when a
 * packet looks like QUIC but cannot be decrypted (the first one may be late: the caller sets an
 * end); SL_HELLO_BAD when this is not QUIC, and nothing before it was.  *@out as by sl_hello_read().
 */
enum sl_hello sl_quic_read(struct sl_quic *quic, const uint8_t *datagram, uint32_t length,
			   struct sl_hello_info *out);

#endif
