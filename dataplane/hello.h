/*
 * hello.h - the server name that a TLS ClientHello asks for (RFC 8446 4.1.2, RFC 6066 3)
 *
 * Reads the start of a stream as far as it has come: a name is told as soon as it stands
 * there.  Pure functions, safe on any bytes.
 */
#ifndef SL_HELLO_H
#define SL_HELLO_H

#include <stdbool.h>
#include <stdint.h>

/* With its 0.  Lower case, no dot at the end; letters, digits, '-', '_' and '.' alone. */
#define SL_SERVER_NAME_MAX 256

enum sl_hello {
	SL_HELLO_MORE,     /* so far a ClientHello, its name may yet come */
	SL_HELLO_NAMED,    /* .name is there */
	SL_HELLO_NAMELESS, /* a whole ClientHello without a server name */
	SL_HELLO_BAD,      /* not a ClientHello, or damaged, or its name is no host name */
};

struct sl_hello_info {
	char name[SL_SERVER_NAME_MAX];
	/*
	 * There is an ECH extension: if it is meant, .name is the public one of the front.  Browsers
	 * send it as GREASE to everyone, which cannot be told apart (draft-ietf-tls-esni 6.2).
	 */
	bool encrypted;
	bool whole; /* the ClientHello was read to its end; if not, .encrypted and .alpn may yet come */
	char alpn[16]; /* the first protocol offered that is not GREASE (RFC 7301 3.1); "" = none */
};

/*
 * Read @length bytes of the handshake message itself, as in QUIC CRYPTO frames.  *@out is
 * written on SL_HELLO_NAMED and SL_HELLO_NAMELESS (.name is "" then), untouched otherwise.
 */
enum sl_hello sl_hello_read(const uint8_t *handshake, uint32_t length, struct sl_hello_info *out);

/* The same of a TCP stream: the message is in TLS records, any number of them (RFC 8446 5.1). */
enum sl_hello sl_hello_read_records(const uint8_t *stream, uint32_t length,
				    struct sl_hello_info *out);

/*
 * Write the @length wire bytes of a host name as text to @name (SL_SERVER_NAME_MAX): lower
 * case, without the dot at its end.  False, @name untouched: no host name, or an empty one.
 */
bool sl_hello_name(const uint8_t *bytes, uint32_t length, char *name);

#endif
