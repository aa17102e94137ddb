/*
 * hello.c - a ClientHello, walked as far as it has come
 *
 * RFC 8446 4.1.2 and RFC 6066 3, and older clients whose hello has no extensions at all.
 * A reader of bytes is given two ends: where the message says that it ends, and where what
 * has come ends.  A length over the first is damage, over the second it is only early.
 */
#include "hello.h"

#include <stddef.h>
#include <string.h>

#include "stream.h"

#define CLIENT_HELLO      1
#define RECORD_HANDSHAKE  22
#define RECORD_HEAD       5
#define RECORD_MAX        (16384 + 2048) /* RFC 5246 6.2.3; 1.3 allows less */
#define SESSION_ID_MAX    32
#define RANDOM_BYTES      32
#define NAME_OF_HOST      0
#define EXT_SERVER_NAME   0
#define EXT_ALPN          16
#define EXT_ENCRYPTED     0xfe0d /* encrypted_client_hello */
#define EXT_ENCRYPTED_OLD 0xffce /* its forerunner, of the name alone */

/* Bytes from .pos on: .come of them are there, .left of them the message says that it has. */
struct span {
	const uint8_t *pos;
	uint32_t left, come;
};

enum got { GOT, EARLY, DAMAGED };

/* @length bytes off the front of @from, to *@taken. */
static enum got take(struct span *from, uint32_t length, struct span *taken)
{
	if (length > from->left)
		return DAMAGED;
	*taken = (struct span){from->pos, length, length < from->come ? length : from->come};
	from->pos += taken->come;
	from->left -= length;
	from->come -= taken->come;
	return GOT;
}

/* A number of @bytes bytes. */
static enum got number(struct span *from, uint32_t bytes, uint32_t *value)
{
	if (bytes > from->left)
		return DAMAGED;
	if (bytes > from->come)
		return EARLY;
	*value = 0;
	for (uint32_t i = 0; i < bytes; i++)
		*value = *value << 8 | from->pos[i];
	from->pos += bytes;
	from->left -= bytes;
	from->come -= bytes;
	return GOT;
}

/* What a length of @bytes bytes stands before. */
static enum got vector(struct span *from, uint32_t bytes, struct span *body)
{
	uint32_t length;
	enum got got = number(from, bytes, &length);

	return got == GOT ? take(from, length, body) : got;
}

static bool all_there(const struct span *s)
{
	return s->come == s->left;
}

/* ---- names ---- */

static char host_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
		return (char)c;
	return 0;
}

bool sl_hello_name(const uint8_t *bytes, uint32_t length, char *name)
{
	char text[SL_SERVER_NAME_MAX];

	if (length && bytes[length - 1] == '.')
		length--;
	if (!length || length >= sizeof(text))
		return false;
	for (uint32_t i = 0; i < length; i++) {
		text[i] = host_char(bytes[i]);
		/* No empty label: at the start, or between two dots, or another dot at the end. */
		if (!text[i] || (text[i] == '.' && (!i || text[i - 1] == '.' || i == length - 1)))
			return false;
	}
	memcpy(name, text, length);
	name[length] = 0;
	return true;
}

/* RFC 6066 3: a list of names by type; the first host name is it. */
static enum got server_name(struct span body, struct sl_hello_info *info)
{
	struct span list, name;
	uint32_t type;
	enum got got = vector(&body, 2, &list);

	while (got == GOT && list.left) {
		got = number(&list, 1, &type);
		if (got == GOT)
			got = vector(&list, 2, &name);
		if (got != GOT || type != NAME_OF_HOST)
			continue;
		if (!all_there(&name))
			return EARLY;
		return sl_hello_name(name.pos, name.left, info->name) ? GOT : DAMAGED;
	}
	return got;
}

/* RFC 8701: 0x?a?a, both bytes alike. */
static bool is_grease(const struct span *s)
{
	return s->left == 2 && s->pos[0] == s->pos[1] && (s->pos[0] & 0x0f) == 0x0a;
}

static void alpn(struct span body, struct sl_hello_info *info)
{
	struct span list, one;

	if (vector(&body, 2, &list) != GOT)
		return;
	while (list.left && vector(&list, 1, &one) == GOT && all_there(&one)) {
		if (!one.left || one.left >= sizeof(info->alpn) || is_grease(&one))
			continue;
		for (uint32_t i = 0; i < one.left; i++)
			if (one.pos[i] <= ' ' || one.pos[i] > '~')
				return;
		memcpy(info->alpn, one.pos, one.left);
		info->alpn[one.left] = 0;
		return;
	}
}

/* ---- the message ---- */

static enum got extensions(struct span *list, struct sl_hello_info *info)
{
	struct span body;
	uint32_t type;
	enum got got = GOT;

	while (list->left) {
		got = number(list, 2, &type);
		if (got == GOT)
			got = vector(list, 2, &body);
		if (got != GOT)
			return got;
		if (type == EXT_SERVER_NAME && !info->name[0])
			got = server_name(body, info);
		else if (type == EXT_ALPN && !info->alpn[0] && all_there(&body))
			alpn(body, info);
		else if (type == EXT_ENCRYPTED || type == EXT_ENCRYPTED_OLD)
			info->encrypted = true;
		if (got != GOT)
			return got;
		if (!all_there(&body))
			return EARLY;
	}
	return GOT;
}

/* Up to the extensions, which are the rest: session id, ciphers, compressions. */
static enum got before_extensions(struct span *m)
{
	struct span part;
	uint32_t version;
	enum got got = number(m, 2, &version);

	if (got == GOT && version >> 8 != 3)
		return DAMAGED;
	if (got == GOT)
		got = take(m, RANDOM_BYTES, &part);
	if (got == GOT)
		got = vector(m, 1, &part);
	if (got == GOT && part.left > SESSION_ID_MAX)
		return DAMAGED;
	if (got == GOT)
		got = vector(m, 2, &part);
	if (got == GOT && (!part.left || part.left & 1))
		return DAMAGED;
	if (got == GOT)
		got = vector(m, 1, &part);
	if (got != GOT || !part.left)
		return got == GOT ? DAMAGED : got;
	return all_there(&part) ? GOT : EARLY;
}

static enum got client_hello(struct span *m, struct sl_hello_info *info)
{
	struct span list;
	enum got got = before_extensions(m);

	if (got != GOT || !m->left)
		return got;
	got = vector(m, 2, &list);
	if (got == GOT && m->left)
		return DAMAGED;
	return got == GOT ? extensions(&list, info) : got;
}

enum sl_hello sl_hello_read(const uint8_t *handshake, uint32_t length, struct sl_hello_info *out)
{
	struct span all = {handshake, UINT32_MAX, length}, message;
	struct sl_hello_info info = {.name = ""};
	uint32_t type;
	enum got got = number(&all, 1, &type);

	if (got == GOT && type != CLIENT_HELLO)
		return SL_HELLO_BAD;
	if (got == GOT)
		got = vector(&all, 3, &message);
	if (got == GOT)
		got = client_hello(&message, &info);
	if (got == DAMAGED)
		return SL_HELLO_BAD;
	if (got == EARLY && !info.name[0])
		return SL_HELLO_MORE;
	info.whole = got == GOT;
	*out = info;
	return info.name[0] ? SL_HELLO_NAMED : SL_HELLO_NAMELESS;
}

/* ---- records ---- */

enum { NOT_TLS = -1, NOT_YET = -2 };

/* The record at @stream: its body's length as far as it has come, or NOT_TLS, or NOT_YET. */
static long record(const uint8_t *stream, uint32_t length, bool *cut)
{
	uint32_t body;

	if ((length > 0 && stream[0] != RECORD_HANDSHAKE) || (length > 1 && stream[1] != 3))
		return NOT_TLS;
	if (length < RECORD_HEAD)
		return NOT_YET;
	body = (uint32_t)stream[3] << 8 | stream[4];
	if (body > RECORD_MAX || stream[2] > 4)
		return NOT_TLS;
	*cut = body > length - RECORD_HEAD;
	return *cut ? length - RECORD_HEAD : body;
}

enum sl_hello sl_hello_read_records(const uint8_t *stream, uint32_t length,
				    struct sl_hello_info *out)
{
	uint8_t message[SL_STREAM_MAX];
	uint32_t filled = 0;
	bool cut = false;
	long body = 0;

	while (!cut && (body = record(stream, length, &cut)) >= 0) {
		uint32_t room = (uint32_t)sizeof(message) - filled;
		uint32_t kept = (uint32_t)body < room ? (uint32_t)body : room;

		memcpy(message + filled, stream + RECORD_HEAD, kept);
		filled += kept;
		stream += RECORD_HEAD + body;
		length -= RECORD_HEAD + (uint32_t)body;
	}
	/* What follows the hello is not its matter; before its end nothing else may stand. */
	enum sl_hello verdict = sl_hello_read(message, filled, out);

	return verdict == SL_HELLO_MORE && !cut && body == NOT_TLS ? SL_HELLO_BAD : verdict;
}
