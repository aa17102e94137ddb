/*
 * quic_keys.h - how the client's Initial packets of each QUIC version are protected
 *
 * RFC 9001 5.2 to 5.4, RFC 9369 3.3: the keys follow from a salt, which is the version's, and
 * the first Destination Connection ID.  A family is the versions that share salt and labels.
 */
#ifndef SL_QUIC_KEYS_H
#define SL_QUIC_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define SL_QUIC_ID_MAX    20 /* RFC 9000 17.2 */
#define SL_QUIC_TAG_BYTES 16

struct sl_quic_keys {
	uint8_t key[16], iv[12], mask[16];
};

/* Number of families; a family is a number below it, the likeliest ones first. */
uint32_t sl_quic_keys_families(void);

/* The family of @version, or -1. */
int sl_quic_keys_family(uint32_t version);

/* The two type bits of a long header that say "Initial" in @family. */
uint8_t sl_quic_keys_initial_type(int family);

/* The type of a CRYPTO frame in @family. */
uint8_t sl_quic_keys_crypto_frame(int family);

/* Keys of the client's Initials in @family from @id.  False, *@keys undefined: libcrypto has no memory. */
bool sl_quic_keys_derive(struct sl_quic_keys *keys, int family, const uint8_t *id,
			 uint8_t id_length);

/* A protected packet: .head bytes (at least 1), then packet number, payload and tag up to .length. */
struct sl_quic_packet {
	const uint8_t *bytes;
	uint32_t head, length;
};

/*
 * Decrypt @packet to @plain (@packet->length bytes of room).  *@newest, the highest packet
 * number so far, is needed for this one's and moves with it.  Length of the plain text; -1,
 * *@newest untouched, @plain undefined: too short, or not protected with @keys.
 */
int sl_quic_keys_open(const struct sl_quic_keys *keys, const struct sl_quic_packet *packet,
		      uint64_t *newest, uint8_t *plain);

#endif
