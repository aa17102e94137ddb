/*
 * quic_keys.c - salts, labels, and the two steps that take the protection off
 *
 * HKDF is written out over libcrypto's HMAC (RFC 5869; RFC 8446 7.1): one block of SHA-256 is as
 * much as any key here needs.
 */
#include "quic_keys.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SALT_BYTES   20
#define SECRET_BYTES 32
#define SAMPLE_BYTES 16
#define NUMBER_MAX   4 /* bytes of a packet number */

struct family {
	const char *prefix; /* of the labels of key, iv and hp */
	uint8_t initial_type, crypto_frame;
	uint8_t salt[SALT_BYTES];
};

enum { V1, V2, DRAFT_29, DRAFT_23, DRAFT_21, V2_DRAFT, GOOGLE_T51, GOOGLE_T50, FAMILIES };

static const struct family families[FAMILIES] = {
	/* RFC 9001 5.2; drafts 33 and 34 already had it */
	[V1] = {"quic", 0, 6, {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}},
	/* RFC 9369 3.3.1 */
	[V2] = {"quicv2", 1, 6, {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
				 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9}},
	/* draft-ietf-quic-tls-29 5.2, to -32 */
	[DRAFT_29] = {"quic", 0, 6, {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
				     0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99}},
	/* draft-ietf-quic-tls-23 5.2, to -28 */
	[DRAFT_23] = {"quic", 0, 6, {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
				     0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02}},
	/* draft-ietf-quic-tls-21 5.2, and -22 */
	[DRAFT_21] = {"quic", 0, 6, {0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
				     0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a}},
	/* draft-ietf-quic-v2-00 3.3.1, and later ones under another number */
	[V2_DRAFT] = {"quicv2", 1, 6, {0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
				       0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3}},
	/* Google's, with TLS inside; frames are numbered otherwise than in the drafts */
	[GOOGLE_T51] = {"quic", 0, 8, {0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
				       0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d}},
	[GOOGLE_T50] = {"quic", 0, 8, {0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
				       0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10}},
};

/* From a version to another one, both included. */
static const struct {
	uint32_t from, to;
	int family;
} versions[] = {
	{0x00000001, 0x00000001, V1},
	{0x6b3343cf, 0x6b3343cf, V2},
	{0xff000021, 0xff000022, V1},
	{0xff00001d, 0xff000020, DRAFT_29},
	{0xff000017, 0xff00001c, DRAFT_23},
	{0xff000015, 0xff000016, DRAFT_21},
	{0x709a50c4, 0x709a50c4, V2_DRAFT},
	{0xff020000, 0xff020000, V2_DRAFT},
	{0x54303531, 0x54303531, GOOGLE_T51},
	{0x54303530, 0x54303530, GOOGLE_T50},
	/* mvfst: drafts 22 and 27, aliases of version 1, aliases of draft 27 */
	{0xfaceb001, 0xfaceb001, DRAFT_21},
	{0xfaceb002, 0xfaceb002, DRAFT_23},
	{0xfaceb003, 0xfaceb004, V1},
	{0xfaceb00d, 0xfaceb015, DRAFT_23},
};

uint32_t sl_quic_keys_families(void)
{
	return FAMILIES;
}

int sl_quic_keys_family(uint32_t version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (version >= versions[i].from && version <= versions[i].to)
			return versions[i].family;
	return -1;
}

uint8_t sl_quic_keys_initial_type(int family)
{
	return families[family].initial_type;
}

uint8_t sl_quic_keys_crypto_frame(int family)
{
	return families[family].crypto_frame;
}

static bool hmac(const uint8_t *key, uint32_t key_bytes, const uint8_t *data, uint32_t bytes,
		 uint8_t out[SECRET_BYTES])
{
	return HMAC(EVP_sha256(), key, (int)key_bytes, data, bytes, out, NULL) != NULL;
}

/* HKDF-Expand-Label(secret, "tls13 " @prefix @label, "", @bytes), of one block. */
static bool expand(const uint8_t secret[SECRET_BYTES], const char *prefix, const char *label,
		   uint8_t *out, uint8_t bytes)
{
	uint8_t info[40] = {0, bytes}, block[SECRET_BYTES];
	size_t used = 3, prefix_bytes = strlen(prefix), label_bytes = strlen(label);

	memcpy(info + used, "tls13 ", 6);
	memcpy(info + used + 6, prefix, prefix_bytes);
	memcpy(info + used + 6 + prefix_bytes, label, label_bytes);
	info[2] = (uint8_t)(6 + prefix_bytes + label_bytes);
	used += info[2];
	info[used++] = 0; /* no context */
	info[used++] = 1; /* block number */
	if (!hmac(secret, SECRET_BYTES, info, (uint32_t)used, block))
		return false;
	memcpy(out, block, bytes);
	return true;
}

bool sl_quic_keys_derive(struct sl_quic_keys *keys, int family, const uint8_t *id,
			 uint8_t id_length)
{
	const struct family *f = &families[family];
	uint8_t initial[SECRET_BYTES], client[SECRET_BYTES];

	return hmac(f->salt, SALT_BYTES, id, id_length, initial) &&
	       expand(initial, "", "client in", client, sizeof(client)) &&
	       expand(client, f->prefix, " key", keys->key, sizeof(keys->key)) &&
	       expand(client, f->prefix, " iv", keys->iv, sizeof(keys->iv)) &&
	       expand(client, f->prefix, " hp", keys->mask, sizeof(keys->mask));
}

/* AES-128 of one block: the mask of header protection (RFC 9001 5.4.3). */
static bool mask_of(EVP_CIPHER_CTX *cipher, const uint8_t key[16], const uint8_t *sample,
		    uint8_t mask[SAMPLE_BYTES])
{
	int n = 0;

	return EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, key, NULL) &&
	       EVP_CIPHER_CTX_set_padding(cipher, 0) &&
	       EVP_EncryptUpdate(cipher, mask, &n, sample, SAMPLE_BYTES) && n == SAMPLE_BYTES;
}

/* The whole of a packet number from its last @bytes bytes (RFC 9000 A.3). */
static uint64_t whole_number(uint64_t newest, uint64_t low, uint32_t bytes)
{
	uint64_t window = UINT64_C(1) << 8 * bytes, expected = newest + 1;
	uint64_t number = (expected & ~(window - 1)) | low;

	if (number + window / 2 <= expected)
		return number + window;
	if (number > expected + window / 2 && number >= window)
		return number - window;
	return number;
}

/* What header protection hides. */
struct clear {
	uint8_t first, number[NUMBER_MAX];
	uint32_t number_bytes;
	uint64_t low; /* what .number says */
};

static struct clear unmask(const struct sl_quic_packet *packet, const uint8_t mask[SAMPLE_BYTES])
{
	struct clear clear = {.first = (uint8_t)(packet->bytes[0] ^ (mask[0] & 0x0f))};

	clear.number_bytes = (clear.first & 3u) + 1;
	for (uint32_t i = 0; i < clear.number_bytes; i++) {
		clear.number[i] = packet->bytes[packet->head + i] ^ mask[1 + i];
		clear.low = clear.low << 8 | clear.number[i];
	}
	return clear;
}

/* The header is authenticated as it was before its protection: only two places of it changed. */
static bool feed_head(EVP_CIPHER_CTX *cipher, const struct sl_quic_packet *packet,
		      const struct clear *clear)
{
	int n = 0;

	return EVP_DecryptUpdate(cipher, NULL, &n, &clear->first, 1) &&
	       EVP_DecryptUpdate(cipher, NULL, &n, packet->bytes + 1, (int)packet->head - 1) &&
	       EVP_DecryptUpdate(cipher, NULL, &n, clear->number, (int)clear->number_bytes);
}

static bool start_body(EVP_CIPHER_CTX *cipher, const struct sl_quic_keys *keys, uint64_t number)
{
	uint8_t nonce[sizeof(keys->iv)];

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (uint32_t i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(number >> 8 * i);
	return EVP_DecryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, keys->key, nonce);
}

/* AES-128-GCM (RFC 9001 5.3): bytes of plain text, or -1. */
static int open_body(EVP_CIPHER_CTX *cipher, const struct sl_quic_packet *packet,
		     const struct clear *clear, uint8_t *plain)
{
	uint32_t head = packet->head + clear->number_bytes;
	const uint8_t *body = packet->bytes + head;
	int bytes = (int)(packet->length - head - SL_QUIC_TAG_BYTES), n = 0, rest = 0;
	uint8_t tag[SL_QUIC_TAG_BYTES];

	memcpy(tag, body + bytes, sizeof(tag));
	if (!feed_head(cipher, packet, clear) ||
	    !EVP_DecryptUpdate(cipher, plain, &n, body, bytes) ||
	    !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) ||
	    EVP_DecryptFinal_ex(cipher, plain + n, &rest) <= 0)
		return -1;
	return n + rest;
}

static int open_packet(EVP_CIPHER_CTX *cipher, const struct sl_quic_keys *keys,
		       const struct sl_quic_packet *packet, uint64_t *newest, uint8_t *plain)
{
	uint8_t mask[SAMPLE_BYTES];
	struct clear clear;
	uint64_t number;
	int bytes;

	/* The sample is taken as if the number had all its four bytes (RFC 9001 5.4.2). */
	if (!mask_of(cipher, keys->mask, packet->bytes + packet->head + NUMBER_MAX, mask))
		return -1;
	clear = unmask(packet, mask);
	number = whole_number(*newest, clear.low, clear.number_bytes);
	if (!start_body(cipher, keys, number))
		return -1;
	bytes = open_body(cipher, packet, &clear, plain);
	if (bytes >= 0 && number > *newest)
		*newest = number;
	return bytes;
}

int sl_quic_keys_open(const struct sl_quic_keys *keys, const struct sl_quic_packet *packet,
		      uint64_t *newest, uint8_t *plain)
{
	EVP_CIPHER_CTX *cipher;
	int bytes;

	if (packet->length < packet->head + NUMBER_MAX + SAMPLE_BYTES)
		return -1;
	cipher = EVP_CIPHER_CTX_new();
	if (!cipher)
		return -1;
	bytes = open_packet(cipher, keys, packet, newest, plain);
	EVP_CIPHER_CTX_free(cipher);
	/* A tag that does not match leaves a message in libcrypto's queue of this thread. */
	ERR_clear_error();
	return bytes;
}
