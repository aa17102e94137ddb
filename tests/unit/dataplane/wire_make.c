/*
 * wire_make.c - the writing side of RFC 8446 4.1.2, RFC 9000 17.2 and RFC 9001 5
 */
#include "wire_make.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BYTES 16

static void must(bool holds)
{
	if (!holds)
		abort();
}

void wire_put(struct wire *wire, const void *bytes, uint32_t length)
{
	must(length <= WIRE_MAX - wire->length);
	memcpy(wire->bytes + wire->length, bytes, length);
	wire->length += length;
}

void wire_number(struct wire *wire, uint64_t value, uint32_t bytes)
{
	while (bytes--) {
		uint8_t byte = (uint8_t)(value >> 8 * bytes);

		wire_put(wire, &byte, 1);
	}
}

void wire_hex(struct wire *wire, const char *hex)
{
	for (; *hex; hex++) {
		char pair[3] = {hex[0], hex[1], 0};

		if (*hex == ' ')
			continue;
		wire_number(wire, strtoul(pair, NULL, 16), 1);
		hex++;
	}
}

void wire_varint(struct wire *wire, uint64_t value)
{
	uint32_t log2 = value < 1 << 6 ? 0 : value < 1 << 14 ? 1 : value < 1 << 30 ? 2 : 3;

	wire_number(wire, value | (uint64_t)log2 << (8 * (1 << log2) - 2), 1u << log2);
}

void wire_zeros(struct wire *wire, uint32_t count)
{
	while (count--)
		wire_number(wire, 0, 1);
}

/* A length of @bytes bytes that stands at @at: what has come since. */
static void close_vector(struct wire *wire, uint32_t at, uint32_t bytes)
{
	uint32_t end = wire->length, value = end - at - bytes;

	wire->length = at;
	wire_number(wire, value, bytes);
	wire->length = end;
}

static uint32_t open_vector(struct wire *wire, uint32_t bytes)
{
	uint32_t at = wire->length;

	wire_number(wire, 0, bytes);
	return at;
}

/* ---- ClientHello ---- */

static void put_name(struct wire *w, const char *name)
{
	uint32_t extension, list;

	wire_number(w, 0, 2);
	extension = open_vector(w, 2);
	list = open_vector(w, 2);
	wire_number(w, 0, 1);
	wire_number(w, strlen(name), 2);
	wire_put(w, name, (uint32_t)strlen(name));
	close_vector(w, list, 2);
	close_vector(w, extension, 2);
}

static void put_alpn(struct wire *w, const char *protocols, bool grease)
{
	uint32_t extension, list;

	wire_number(w, 16, 2);
	extension = open_vector(w, 2);
	list = open_vector(w, 2);
	if (grease)
		wire_hex(w, "02 baba");
	while (*protocols) {
		uint32_t length = (uint32_t)strcspn(protocols, " ");

		wire_number(w, length, 1);
		wire_put(w, protocols, length);
		protocols += length + (protocols[length] == ' ');
	}
	close_vector(w, list, 2);
	close_vector(w, extension, 2);
}

static void put_extensions(struct wire *w, const struct wire_hello *hello)
{
	uint32_t all = open_vector(w, 2);

	if (hello->grease)
		wire_hex(w, "3a3a 0000");
	if (hello->name && !hello->name_last)
		put_name(w, hello->name);
	wire_hex(w, "002b 0003 02 0304"); /* supported_versions */
	if (hello->alpn)
		put_alpn(w, hello->alpn, hello->grease);
	if (hello->ech)
		wire_hex(w, "fe0d 0004 00 000100");
	if (hello->padding) {
		wire_number(w, 21, 2);
		wire_number(w, hello->padding, 2);
		wire_zeros(w, hello->padding);
	}
	if (hello->name && hello->name_last)
		put_name(w, hello->name);
	if (hello->grease)
		wire_hex(w, "dada 0001 00");
	close_vector(w, all, 2);
}

void wire_put_hello(struct wire *w, const struct wire_hello *hello)
{
	uint32_t message;

	wire_number(w, 1, 1);
	message = open_vector(w, 3);
	wire_number(w, 0x0303, 2);
	for (int i = 0; i < 32; i++)
		wire_number(w, (uint64_t)i * 7, 1);
	wire_hex(w, "04 01020304");
	wire_hex(w, hello->grease ? "0004 5a5a 1301" : "0002 1301");
	wire_hex(w, "01 00");
	if (!hello->no_extensions)
		put_extensions(w, hello);
	close_vector(w, message, 3);
}

void wire_records(struct wire *w, const uint8_t *handshake, uint32_t length, uint32_t size)
{
	for (uint32_t at = 0; at < length; at += size) {
		uint32_t now = length - at < size ? length - at : size;

		wire_hex(w, "16 0301");
		wire_number(w, now, 2);
		wire_put(w, handshake + at, now);
	}
}

/* ---- QUIC ---- */

void wire_put_crypto(struct wire *frames, const struct wire *message, uint32_t from, uint32_t to)
{
	wire_number(frames, 6, 1);
	wire_varint(frames, from);
	wire_varint(frames, to - from);
	wire_put(frames, message->bytes + from, to - from);
}

static struct sl_quic_keys keys_of(const struct wire_packet *packet)
{
	struct wire id = {.length = 0};
	struct sl_quic_keys keys;

	wire_hex(&id, packet->key_id ? packet->key_id : packet->id);
	must(sl_quic_keys_derive(&keys, packet->family, id.bytes, (uint8_t)id.length));
	return keys;
}

/* Behind @w's @head bytes of header come @plain and its tag, encrypted. */
static void seal(struct wire *w, uint32_t start, const struct sl_quic_keys *keys, uint32_t number,
		 const struct wire *plain)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint32_t head = w->length - start;
	uint8_t nonce[sizeof(keys->iv)];
	int n = 0;

	memcpy(nonce, keys->iv, sizeof(nonce));
	for (uint32_t i = 0; i < 4; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(number >> 8 * i);
	must(plain->length + TAG_BYTES <= WIRE_MAX - w->length && cipher &&
	     EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, keys->key, nonce) &&
	     EVP_EncryptUpdate(cipher, NULL, &n, w->bytes + start, (int)head) &&
	     EVP_EncryptUpdate(cipher, w->bytes + w->length, &n, plain->bytes,
			       (int)plain->length) &&
	     EVP_EncryptFinal_ex(cipher, NULL, &n));
	w->length += plain->length;
	must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, w->bytes + w->length));
	w->length += TAG_BYTES;
	EVP_CIPHER_CTX_free(cipher);
}

static void hide(uint8_t *bytes, uint32_t number_at, uint32_t number_bytes,
		 const struct sl_quic_keys *keys)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t mask[32];
	int n = 0;

	must(cipher && EVP_EncryptInit_ex(cipher, EVP_aes_128_ecb(), NULL, keys->mask, NULL) &&
	     EVP_EncryptUpdate(cipher, mask, &n, bytes + number_at + 4, 16));
	bytes[0] ^= mask[0] & 0x0f;
	for (uint32_t i = 0; i < number_bytes; i++)
		bytes[number_at + i] ^= mask[1 + i];
	EVP_CIPHER_CTX_free(cipher);
}

static void put_vector(struct wire *w, const char *hex, bool varint)
{
	struct wire body = {.length = 0};

	wire_hex(&body, hex ? hex : "");
	if (varint)
		wire_varint(w, body.length);
	else
		wire_number(w, body.length, 1);
	wire_put(w, body.bytes, body.length);
}

void wire_put_packet(struct wire *w, const struct wire_packet *packet, const struct wire *frames)
{
	uint32_t start = w->length, number_bytes = packet->number_bytes ? packet->number_bytes : 1;
	uint8_t type = (packet->type + sl_quic_keys_initial_type(packet->family)) & 3;
	struct sl_quic_keys keys = keys_of(packet);
	struct wire plain = *frames;
	uint32_t head, number_at;

	wire_number(w, 0xc0u | (uint32_t)type << 4 | (number_bytes - 1), 1);
	wire_number(w, packet->version, 4);
	put_vector(w, packet->id, false);
	put_vector(w, "", false);
	if (packet->type == 0)
		put_vector(w, packet->token, true);
	head = w->length - start + 2 + number_bytes;
	if (packet->pad_to > head + plain.length + TAG_BYTES)
		wire_zeros(&plain, packet->pad_to - head - plain.length - TAG_BYTES);
	wire_number(w, 0x4000 | (number_bytes + plain.length + TAG_BYTES), 2);
	number_at = w->length - start;
	wire_number(w, packet->number, number_bytes);
	seal(w, start, &keys, packet->number, &plain);
	hide(w->bytes + start, number_at, number_bytes, &keys);
}
