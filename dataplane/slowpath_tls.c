/*
 * slowpath_tls.c - where in a flow its ClientHello is, and what it asks for
 *
 * TCP: a segment that looks like the start of a ClientHello begins one, whichever end sends it
 * and however late (STARTTLS, a proxy's CONNECT): its sequence number is the stream's first.
 * Segments of the initiator before it are kept for a while: they may have overtaken it.
 * QUIC: the client's Initials, in datagrams in any order (quic.h).
 */
#include <string.h>

#include "quic_keys.h"
#include "slowpath_private.h"

#define HELD_MAX    4                   /* segments kept that begin nothing: reordering is near */
#define HELD_BEFORE (SL_STREAM_MAX / 2) /* room for a start that lies before them */
#define TRIES_MAX   8                   /* datagrams that look like QUIC and cannot be read */

#define LONG_HEADER_MIN 7    /* RFC 9000 17.2, without IDs */
#define CLIENT_MIN      1200 /* 14.1 there */

#define RECORD_HANDSHAKE 22
#define CLIENT_HELLO     1

/* RFC 8446 5.1 and 4: type, version 3.0 to 3.4, length; ClientHello.  As far as it has come. */
static bool begins_hello(struct sl_slow_payload p)
{
	return p.length && p.bytes[0] == RECORD_HANDSHAKE && (p.length < 2 || p.bytes[1] == 3) &&
	       (p.length < 3 || p.bytes[2] <= 4) && (p.length < 6 || p.bytes[5] == CLIENT_HELLO);
}

/* What @flow->reader has of the stream from @from on, and nothing else, from 0 on. */
static void shift(struct sl_slowpath *slowpath, struct sl_stream *stream, uint32_t from)
{
	struct sl_stream *old = &slowpath->scratch;

	memcpy(old, stream, sizeof(*old));
	sl_stream_clear(stream);
	for (uint32_t i = from; i < old->highest; i++)
		if (i < old->filled || (old->there[i / 64] >> i % 64 & 1))
			sl_stream_add(stream, i - from, &old->bytes[i], 1);
}

/* Keep a segment of which we do not know where it stands. */
static void hold(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		 const struct sl_inspect *inspect, struct sl_slow_payload p)
{
	if (!inspect->from_initiator || flow->held >= HELD_MAX) {
		if (flow->held >= HELD_MAX)
			sl_slow_reader_drop(slowpath, flow);
		return;
	}
	if (!flow->held++) {
		sl_stream_clear(&sl_slow_reader_take(slowpath, flow)->stream);
		flow->base = inspect->tcp_seq - HELD_BEFORE;
		flow->side = 1;
	}
	if (flow->reader && inspect->tcp_seq - flow->base < SL_STREAM_MAX)
		sl_stream_add(&flow->reader->stream, inspect->tcp_seq - flow->base, p.bytes,
			      p.length);
}

/* The ClientHello begins with @inspect. */
static void begin(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		  const struct sl_inspect *inspect)
{
	uint32_t ahead = inspect->tcp_seq - flow->base;

	if (flow->reader && flow->side == inspect->from_initiator && ahead < SL_STREAM_MAX)
		shift(slowpath, &flow->reader->stream, ahead);
	else
		sl_slow_reader_drop(slowpath, flow);
	flow->base = inspect->tcp_seq;
	flow->side = inspect->from_initiator;
	flow->begun = true;
}

/* This was none; another may begin behind it. */
static void disappoint(struct sl_slowpath *slowpath, struct sl_slow_flow *flow)
{
	flow->begun = false;
	flow->held = HELD_MAX;
	sl_slow_reader_drop(slowpath, flow);
}

static bool found(struct sl_slow_flow *flow, enum sl_name_source source, enum sl_hello verdict,
		  const struct sl_hello_info *info)
{
	struct sl_flow_name *said = &flow->said;
	bool more = !flow->hello || strcmp(said->sni, info->name) != 0 ||
		    said->encrypted != info->encrypted;

	if (info->name[0])
		said->source = (uint8_t)source;
	memcpy(said->sni, info->name, sizeof(said->sni));
	said->encrypted = info->encrypted;
	flow->hello = true;
	flow->hello_done = info->whole || verdict == SL_HELLO_NAMELESS;
	return more || flow->hello_done;
}

static enum sl_hello read_stream(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
				 const struct sl_inspect *inspect, struct sl_slow_payload p,
				 struct sl_hello_info *info)
{
	enum sl_hello verdict = SL_HELLO_MORE;
	struct sl_stream *stream;

	if (!flow->reader) { /* nearly always it is in one segment */
		if (inspect->tcp_seq != flow->base)
			return SL_HELLO_MORE;
		verdict = sl_hello_read_records(p.bytes, p.length, info);
		if (verdict == SL_HELLO_BAD || verdict == SL_HELLO_NAMELESS ||
		    (verdict == SL_HELLO_NAMED && info->whole))
			return verdict;
		sl_stream_clear(&sl_slow_reader_take(slowpath, flow)->stream);
	}
	stream = &flow->reader->stream;
	if (inspect->tcp_seq - flow->base < SL_STREAM_MAX)
		sl_stream_add(stream, inspect->tcp_seq - flow->base, p.bytes, p.length);
	return sl_hello_read_records(stream->bytes, stream->filled, info);
}

bool sl_slow_tls(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		 const struct sl_inspect *inspect)
{
	struct sl_slow_payload p = sl_slow_payload(inspect);
	struct sl_hello_info info = {.name = ""};
	enum sl_hello verdict;

	if (!p.length || (flow->begun && flow->side != inspect->from_initiator))
		return false;
	if (!flow->begun && !begins_hello(p)) {
		hold(slowpath, flow, inspect, p);
		return false;
	}
	if (!flow->begun)
		begin(slowpath, flow, inspect);
	verdict = read_stream(slowpath, flow, inspect, p, &info);
	if (verdict == SL_HELLO_BAD && !flow->hello)
		disappoint(slowpath, flow);
	if (verdict != SL_HELLO_NAMED && verdict != SL_HELLO_NAMELESS)
		return false;
	return found(flow, SL_NAME_TLS, verdict, &info);
}

/*
 * A long header of a version that we know, or of one that only asks which there are, in a
 * datagram as large as a client's first must be (RFC 9000 17.2, 14.1, 15).
 */
static bool may_be_initial(const struct sl_slow_flow *flow, struct sl_slow_payload p)
{
	uint32_t version;

	if (p.length < LONG_HEADER_MIN || !(p.bytes[0] & 0x80))
		return false;
	version = (uint32_t)p.bytes[1] << 24 | (uint32_t)p.bytes[2] << 16 |
		  (uint32_t)p.bytes[3] << 8 | p.bytes[4];
	return flow->reader || sl_quic_keys_family(version) >= 0 ||
	       ((p.bytes[0] & 0x40) && p.length >= CLIENT_MIN);
}

bool sl_slow_quic(struct sl_slowpath *slowpath, struct sl_slow_flow *flow,
		  const struct sl_inspect *inspect)
{
	struct sl_slow_payload p = sl_slow_payload(inspect);
	struct sl_hello_info info = {.name = ""};
	enum sl_hello verdict;

	if (!inspect->from_initiator || !may_be_initial(flow, p)) {
		flow->hello_done = !flow->reader && inspect->from_initiator;
		return false;
	}
	if (!flow->reader)
		memset(&sl_slow_reader_take(slowpath, flow)->quic, 0, sizeof(struct sl_quic));
	verdict = sl_quic_read(&flow->reader->quic, p.bytes, p.length, &info);
	if (verdict == SL_HELLO_NAMED || verdict == SL_HELLO_NAMELESS)
		return found(flow, SL_NAME_QUIC, verdict, &info);
	flow->hello_done = verdict == SL_HELLO_BAD ||
			   (!flow->reader->quic.packets && ++flow->tries == TRIES_MAX);
	return false;
}
