/*
 * wire_make.h - ClientHellos and protected QUIC packets, made for the readers' tests
 *
 * Built by the RFCs that the readers read, from the writing side.
 */
#ifndef SL_WIRE_MAKE_H
#define SL_WIRE_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/quic_keys.h"

#define WIRE_MAX 20000

struct wire {
	uint8_t bytes[WIRE_MAX];
	uint32_t length;
};

void wire_put(struct wire *wire, const void *bytes, uint32_t length);
void wire_hex(struct wire *wire, const char *hex); /* spaces are free */
void wire_number(struct wire *wire, uint64_t value, uint32_t bytes);
void wire_varint(struct wire *wire, uint64_t value); /* RFC 9000 16, shortest */
void wire_zeros(struct wire *wire, uint32_t count);

/* A ClientHello; zeroed = TLS 1.3's least, without a name. */
struct wire_hello {
	const char *name; /* NULL = no server_name extension */
	const char *alpn; /* protocols, one space between them; NULL = none */
	bool grease;      /* RFC 8701, in ciphers, extensions and protocols */
	bool ech;
	bool name_last;
	bool no_extensions;
	uint32_t padding; /* bytes of a padding extension, before the name if that is last */
};
void wire_put_hello(struct wire *wire, const struct wire_hello *hello);

/* @length bytes of handshake in records of @size bytes each. */
void wire_records(struct wire *wire, const uint8_t *handshake, uint32_t length, uint32_t size);

/* One long-header packet. */
struct wire_packet {
	uint32_t version;
	int family;         /* whose keys */
	const char *id;     /* hex: destination connection ID in the header */
	const char *key_id; /* hex: the one that the keys are from; NULL = .id */
	const char *token;  /* hex */
	uint32_t number, number_bytes;
	uint8_t type;    /* 0 = Initial; as RFC 9000 numbers them */
	uint32_t pad_to; /* bytes of the whole packet; PADDING frames fill it */
};

/* Append @packet, protected, with @frames in it. */
void wire_put_packet(struct wire *wire, const struct wire_packet *packet,
		     const struct wire *frames);

/* Append a CRYPTO frame of bytes [@from, @to) of @message. */
void wire_put_crypto(struct wire *frames, const struct wire *message, uint32_t from, uint32_t to);

#endif
