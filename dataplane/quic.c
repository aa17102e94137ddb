/*
 * quic.c - datagrams to packets, packets to frames, CRYPTO frames to a ClientHello
 *
 * A client sends several Initials: the hello in pieces, ACKs, retransmissions.  Its Destination
 * Connection ID changes when the server has answered, the keys do not; after a Retry, after
 * version negotiation, and for another connection between the same ports they do.  So a
 * packet is tried with the keys that are known, then with those of its own ID; what
 * authenticates is right.  A version that nobody has told us of may only be a new name for an old one: its first
 * packet is tried with each salt, when it is as long as a client's must be (RFC 9000 14.1).
 */
#include "quic.h"

#include <string.h>

#define LONG_HEADER   0x80
#define FIXED_BIT     0x40
#define FRAME_PADDING 0
#define FRAME_PING    1
#define FRAME_ACK     2
#define FRAME_ACK_ECN 3
#define CLIENT_MIN    1200  /* of a datagram with a client's Initial */
#define PACKET_MAX    16384 /* no path has a longer one; what is longer is not read */

#define TYPE_INITIAL 0
#define TYPE_RETRY   3
#define FAMILY_ANY   (-1) /* unknown: each is tried */
#define FAMILY_NONE  (-2)

struct reader {
	const uint8_t *pos;
	uint32_t left;
	bool bad; /* asked for more than there is */
};

static const uint8_t *take(struct reader *r, uint64_t length)
{
	const uint8_t *taken = r->pos;

	if (r->bad || length > r->left) {
		r->bad = true;
		return NULL;
	}
	r->pos += length;
	r->left -= (uint32_t)length;
	return taken;
}

static uint8_t byte(struct reader *r)
{
	const uint8_t *p = take(r, 1);

	return p ? *p : 0;
}

/* RFC 9000 16: the first two bits say how long the number is. */
static uint64_t varint(struct reader *r)
{
	uint8_t first = byte(r);
	uint64_t value = first & 0x3f;

	for (int more = (1 << (first >> 6)) - 1; more; more--)
		value = value << 8 | byte(r);
	return value;
}

/* ---- frames (RFC 9000 19) ---- */

static void ack(struct reader *r, bool with_ecn)
{
	uint64_t ranges;

	varint(r); /* largest */
	varint(r); /* delay */
	ranges = varint(r);
	varint(r); /* first range */
	for (; ranges && !r->bad; ranges--) {
		varint(r);
		varint(r);
	}
	for (int i = 0; with_ecn && i < 3; i++)
		varint(r);
}

static void crypto(struct reader *r, struct sl_stream *stream)
{
	uint64_t offset = varint(r), length = varint(r);
	const uint8_t *bytes = take(r, length);

	/* What lies behind the window would not be read anyway. */
	if (bytes && offset < SL_STREAM_MAX)
		sl_stream_add(stream, (uint32_t)offset, bytes, (uint32_t)length);
}

/* No other frame of those that may stand in an Initial has anything behind it for us. */
static void frames(struct sl_quic *quic, const uint8_t *plain, uint32_t length)
{
	struct reader r = {plain, length, false};

	while (r.left && !r.bad) {
		uint64_t type = varint(&r);

		if (type == sl_quic_keys_crypto_frame(quic->family))
			crypto(&r, &quic->crypto);
		else if (type == FRAME_ACK || type == FRAME_ACK_ECN)
			ack(&r, type == FRAME_ACK_ECN);
		else if (type != FRAME_PADDING && type != FRAME_PING)
			return;
	}
}

/* ---- packets (RFC 9000 17.2) ---- */

struct initial {
	uint32_t version;
	const uint8_t *id;
	uint8_t id_length, type; /* the type bits as they stand */
	struct sl_quic_packet packet;
};

/* Try @initial with the keys that its own ID gives in @family; if they fit they are the connection's. */
static int adopt(struct sl_quic *quic, const struct initial *initial, int family, uint8_t *plain)
{
	struct sl_quic_keys keys;
	uint64_t newest = 0;
	int length;

	if (!sl_quic_keys_derive(&keys, family, initial->id, initial->id_length))
		return -1;
	length = sl_quic_keys_open(&keys, &initial->packet, &newest, plain);
	if (length < 0)
		return -1;
	/* A server that answered with Retry has kept nothing: the hello comes again from its start. */
	sl_stream_clear(&quic->crypto);
	quic->keys = keys;
	quic->newest = newest;
	quic->version = initial->version;
	quic->family = (uint8_t)family;
	quic->id_length = initial->id_length;
	memcpy(quic->id, initial->id, initial->id_length);
	return length;
}

static bool is_known(const struct sl_quic *quic, const struct initial *initial)
{
	return quic->packets && quic->version == initial->version;
}

static bool has_known_id(const struct sl_quic *quic, const struct initial *initial)
{
	return is_known(quic, initial) && quic->id_length == initial->id_length &&
	       !memcmp(quic->id, initial->id, initial->id_length);
}

/* Length of the plain text, or -1. */
static int decrypt(struct sl_quic *quic, const struct initial *initial, int family, uint8_t *plain)
{
	int length = -1;

	if (is_known(quic, initial))
		length = sl_quic_keys_open(&quic->keys, &initial->packet, &quic->newest, plain);
	if (length >= 0 || has_known_id(quic, initial))
		return length;
	if (family >= 0)
		return adopt(quic, initial, family, plain);
	for (int f = 0; length < 0 && f < (int)sl_quic_keys_families(); f++)
		if (sl_quic_keys_initial_type(f) == initial->type)
			length = adopt(quic, initial, f, plain);
	return length;
}

static void read_initial(struct sl_quic *quic, const struct initial *initial, int family)
{
	uint8_t plain[PACKET_MAX];
	int length = -1;

	if (initial->packet.length <= sizeof(plain))
		length = decrypt(quic, initial, family, plain);
	if (length < 0) {
		quic->failed++;
		return;
	}
	quic->packets++;
	frames(quic, plain, (uint32_t)length);
}

/* The family of a long header's version, or one of the two above. */
static int family_of(const struct sl_quic *quic, uint32_t version, uint8_t first, bool padded)
{
	int family = sl_quic_keys_family(version);

	if (family >= 0)
		return family;
	if (quic->packets && quic->version == version)
		return quic->family;
	return version && padded && first & FIXED_BIT ? FAMILY_ANY : FAMILY_NONE;
}

/* What RFC 9000 17.2 says is at the front of each long header.  False: it is not there. */
static bool long_header(struct reader *r, struct initial *initial)
{
	uint8_t first = byte(r);
	const uint8_t *version = take(r, 4);

	if (!version || !(first & LONG_HEADER))
		return false;
	initial->type = first >> 4 & 3;
	initial->version = (uint32_t)version[0] << 24 | (uint32_t)version[1] << 16 |
			   (uint32_t)version[2] << 8 | version[3];
	initial->id_length = byte(r);
	initial->id = take(r, initial->id_length);
	take(r, byte(r)); /* the client's own ID */
	return !r->bad && initial->id_length <= SL_QUIC_ID_MAX;
}

/* Initial, 0-RTT, Handshake, Retry: 0 to 3 in every version (RFC 9369 3.2 turns them round by one). */
static uint8_t type_of(const struct initial *initial, int family)
{
	if (family < 0)
		return initial->type == 1 ? 0 : initial->type;
	return (uint8_t)(initial->type - sl_quic_keys_initial_type(family)) & 3;
}

/* Read the packet at the front of @r.  False: it is none with a long header that we can follow. */
static bool next_packet(struct sl_quic *quic, struct reader *r, bool padded)
{
	struct initial initial = {.packet.bytes = r->pos};
	uint64_t length;
	uint8_t type;
	int family;

	if (!long_header(r, &initial))
		return false;
	family = family_of(quic, initial.version, initial.packet.bytes[0], padded);
	type = type_of(&initial, family);
	if (family == FAMILY_NONE || type == TYPE_RETRY)
		return false;
	if (type == TYPE_INITIAL)
		take(r, varint(r)); /* token */
	length = varint(r);
	initial.packet.head = (uint32_t)(r->pos - initial.packet.bytes);
	if (take(r, length)) {
		initial.packet.length = initial.packet.head + (uint32_t)length;
		if (type == TYPE_INITIAL)
			read_initial(quic, &initial, family);
	}
	return true;
}

enum sl_hello sl_quic_read(struct sl_quic *quic, const uint8_t *datagram, uint32_t length,
			   struct sl_hello_info *out)
{
	struct reader r = {datagram, length, false};
	bool is_quic = quic->packets > 0;

	while (r.left && !r.bad && next_packet(quic, &r, length >= CLIENT_MIN))
		is_quic = true;
	return is_quic ? sl_hello_read(quic->crypto.bytes, quic->crypto.filled, out) : SL_HELLO_BAD;
}
