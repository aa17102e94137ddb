/*
 * dns.c - questions, alias chains and addresses of one DNS message
 *
 * Records may stand in any order (RFC 1034 3.6.2 promises none), so the chain of names
 * that the question leads to is grown until it stands still, then the addresses of those names
 * are taken.  RECORDS_MAX and CHAIN_MAX bound the work, whatever the message says.
 */
#include "dns.h"

#include <errno.h>
#include <string.h>

#define FLAG_ANSWER    0x8000
#define FLAG_TRUNCATED 0x0200
#define TYPE_A         1
#define TYPE_CNAME     5
#define TYPE_AAAA      28
#define TYPE_SVCB      64
#define TYPE_HTTPS     65
#define CLASS_IN       1
#define CLASS_MASK     0x7fff /* the high bit is multicast DNS's (RFC 6762 10.2) */
#define HINT_4         4      /* RFC 9460 7.3 */
#define HINT_6         6
#define WIRE_NAME_MAX  255
#define RECORDS_MAX    256
#define CHAIN_MAX      16

struct message {
	const uint8_t *bytes;
	uint32_t length, pos;
	bool bad;
};

struct record {
	char owner[SL_SERVER_NAME_MAX]; /* "" = no host name */
	uint16_t type, class;
	uint32_t ttl_s;
	uint32_t start, end; /* of its data */
};

/* The names that the question leads to, and how long each of them does. */
struct chain {
	uint32_t count;
	bool grew, overflow;
	struct {
		char name[SL_SERVER_NAME_MAX];
		uint32_t ttl_s;
	} link[CHAIN_MAX];
};

static uint32_t number(struct message *m, uint32_t bytes)
{
	uint32_t value = 0;

	if (m->bad || bytes > m->length - m->pos) {
		m->bad = true;
		return 0;
	}
	for (; bytes; bytes--)
		value = value << 8 | m->bytes[m->pos++];
	return value;
}

static void skip(struct message *m, uint32_t bytes)
{
	if (m->bad || bytes > m->length - m->pos)
		m->bad = true;
	else
		m->pos += bytes;
}

/* ---- names ---- */

/* Labels of a name, put together as text with dots. */
struct labels {
	uint8_t text[WIRE_NAME_MAX + 1];
	uint32_t used;
	bool odd; /* a dot inside a label: the text would be another name */
};

static bool add_label(struct labels *labels, const uint8_t *bytes, uint32_t length)
{
	if (labels->used + length + 1 > WIRE_NAME_MAX - 1)
		return false;
	labels->odd |= memchr(bytes, '.', length) != NULL;
	memcpy(labels->text + labels->used, bytes, length);
	labels->used += length;
	labels->text[labels->used++] = '.';
	return true;
}

/*
 * One label or pointer at *@at (RFC 1035 4.1.4); *@floor is where the last jump came to: one may only
 * go further back, so it ends.  1 = go on, 0 = the name is over, -1 = damaged.
 */
static int step(const struct message *m, uint32_t *at, uint32_t *floor, struct labels *labels)
{
	uint8_t length;

	if (*at >= m->length)
		return -1;
	length = m->bytes[*at];
	if (length >> 6 == 3) {
		uint32_t to;

		if (m->length - *at < 2)
			return -1;
		to = (uint32_t)(length & 0x3f) << 8 | m->bytes[*at + 1];
		if (to >= *floor)
			return -1;
		*at = *floor = to;
		return 1;
	}
	if (!length)
		return 0;
	if (length >> 6 || length > m->length - *at - 1 ||
	    !add_label(labels, m->bytes + *at + 1, length))
		return -1;
	*at += 1u + length;
	return 1;
}

/* The name at m->pos to @name: "" when it is the root or no host name. */
static void name(struct message *m, char *text)
{
	struct labels labels = {.used = 0};
	uint32_t at = m->pos, floor = m->pos, end = 0;
	int more = m->bad ? -1 : 1;

	while (more > 0) {
		uint32_t before = at, floor_before = floor;

		more = step(m, &at, &floor, &labels);
		if (!end && more >= 0 && floor != floor_before)
			end = before + 2; /* behind the first pointer goes the message on */
	}
	text[0] = 0;
	if (more < 0) {
		m->bad = true;
		return;
	}
	m->pos = end ? end : at + 1;
	if (labels.odd || !sl_hello_name(labels.text, labels.used, text))
		text[0] = 0;
}

/* ---- records ---- */

static void record(struct message *m, struct record *r)
{
	name(m, r->owner);
	r->type = (uint16_t)number(m, 2);
	r->class = (uint16_t)(number(m, 2) & CLASS_MASK);
	r->ttl_s = number(m, 4);
	if (r->ttl_s >> 31)
		r->ttl_s = 0; /* RFC 2181 8 */
	r->end = number(m, 2);
	r->start = m->pos;
	skip(m, r->end);
	r->end += r->start;
}

/* The data of @r alone, with the message before it for pointers. */
static struct message data_of(const struct message *m, const struct record *r)
{
	return (struct message){m->bytes, r->end, r->start, false};
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Which link of @chain is @text, or -1. */
static int find(const struct chain *chain, const char *text)
{
	for (uint32_t i = 0; text[0] && i < chain->count; i++)
		if (!strcmp(chain->link[i].name, text))
			return (int)i;
	return -1;
}

static void add_link(struct chain *chain, const char *text, uint32_t ttl_s)
{
	if (!text[0] || find(chain, text) >= 0)
		return;
	if (chain->count == CHAIN_MAX) {
		chain->overflow = true;
		return;
	}
	strcpy(chain->link[chain->count].name, text);
	chain->link[chain->count++].ttl_s = ttl_s;
	chain->grew = true;
}

static void add_address(struct sl_dns_answer *out, const uint8_t *bytes, uint32_t length,
			uint32_t ttl_s)
{
	struct sl_dns_address one = {.ttl_s = ttl_s};

	if (length == 4)
		one.address[10] = one.address[11] = 0xff;
	memcpy(one.address + sizeof(one.address) - length, bytes, length);
	for (uint32_t i = 0; i < out->addresses; i++) {
		if (memcmp(out->address[i].address, one.address, sizeof(one.address)) != 0)
			continue;
		/* Said twice, by a hint and by a record: true as long as one of them is. */
		if (out->address[i].ttl_s < ttl_s)
			out->address[i].ttl_s = ttl_s;
		return;
	}
	if (out->addresses == SL_DNS_ADDRESSES_MAX)
		out->overflow = true;
	else
		out->address[out->addresses++] = one;
}

/* Parameters of a service (RFC 9460 2.2): its address hints to @out, if that is there. */
static bool hints(struct message *m, uint32_t ttl_s, struct sl_dns_answer *out)
{
	while (!m->bad && m->pos < m->length) {
		uint32_t key = number(m, 2), length = number(m, 2), start = m->pos;
		uint32_t size = key == HINT_4 ? 4 : key == HINT_6 ? 16 : 0;

		skip(m, length);
		if (m->bad || (size && (!length || length % size)))
			return false;
		for (uint32_t at = 0; out && size && at < length; at += size)
			add_address(out, m->bytes + start + at, size, ttl_s);
	}
	return !m->bad;
}

static bool is_service(const struct record *r)
{
	return r->type == TYPE_HTTPS || r->type == TYPE_SVCB;
}

/* ---- the passes over all records; false: the data of @r is not what its type says ---- */

struct pass {
	const struct message *message;
	struct chain *chain;
	struct sl_dns_answer *out;
};

/* Another name for the chain: of a CNAME, or of a service (RFC 9460 2.4.2 and 2.4.3). */
static bool follow(const struct pass *pass, const struct record *r)
{
	struct message data = data_of(pass->message, r);
	char target[SL_SERVER_NAME_MAX];
	int at = find(pass->chain, r->owner);

	if (r->type != TYPE_CNAME && !is_service(r))
		return true;
	if (is_service(r))
		number(&data, 2); /* priority */
	name(&data, target);
	if (!data.bad && at >= 0)
		add_link(pass->chain, target, least(pass->chain->link[at].ttl_s, r->ttl_s));
	return !data.bad;
}

static bool collect(const struct pass *pass, const struct record *r)
{
	struct message data = data_of(pass->message, r);
	char target[SL_SERVER_NAME_MAX];
	int at = find(pass->chain, r->owner);
	uint32_t size = r->type == TYPE_A ? 4 : 16, priority;
	uint32_t ttl_s = at < 0 ? 0 : least(pass->chain->link[at].ttl_s, r->ttl_s);

	if (is_service(r)) {
		priority = number(&data, 2);
		name(&data, target);
		/* Priority 0 is an alias, which has no parameters of its own. */
		return hints(&data, ttl_s, at >= 0 && priority ? pass->out : NULL);
	}
	if (r->type != TYPE_A && r->type != TYPE_AAAA)
		return true;
	if (r->end - r->start != size)
		return false;
	if (at >= 0)
		add_address(pass->out, data.bytes + r->start, size, ttl_s);
	return true;
}

/* Where the records are, and how many of each section. */
struct body {
	uint32_t start, answers, authorities, additional;
};

/* @visit each record of the answer and the additional section, @limit of them at most. */
static bool walk(const struct pass *pass, const struct body *body, uint32_t limit,
		 bool (*visit)(const struct pass *, const struct record *))
{
	struct message m = *pass->message;
	uint32_t count = body->answers + body->authorities + body->additional;
	struct record r;

	m.pos = body->start;
	for (uint32_t i = 0; i < count && i < limit; i++) {
		bool authority = i >= body->answers && i < body->answers + body->authorities;

		record(&m, &r);
		if (m.bad || (!authority && r.class == CLASS_IN && !visit(pass, &r)))
			return false;
	}
	return true;
}

/* The chain first, then its addresses.  The first two passes see every record: damage is found. */
static bool read_records(const struct pass *pass, const struct body *body)
{
	struct chain *chain = pass->chain;
	uint32_t count = body->answers + body->authorities + body->additional, limit = UINT32_MAX;

	do {
		chain->grew = false;
		if (!walk(pass, body, limit, follow))
			return false;
		limit = RECORDS_MAX;
	} while (chain->grew && chain->count < CHAIN_MAX);
	pass->out->overflow = chain->overflow || count > RECORDS_MAX;
	return walk(pass, body, UINT32_MAX, collect);
}

static void header(struct message *m, struct sl_dns_answer *out, struct body *body,
		   uint32_t *questions)
{
	uint32_t flags;

	out->id = (uint16_t)number(m, 2);
	flags = number(m, 2);
	out->is_answer = flags & FLAG_ANSWER;
	out->truncated = flags & FLAG_TRUNCATED;
	out->rcode = flags & 0x0f;
	*questions = number(m, 2);
	body->answers = number(m, 2);
	body->authorities = number(m, 2);
	body->additional = number(m, 2);
}

static void question(struct message *m, struct sl_dns_answer *out, bool first)
{
	char text[SL_SERVER_NAME_MAX];
	uint16_t type;

	name(m, text);
	type = (uint16_t)number(m, 2);
	number(m, 2); /* class */
	if (!first)
		return;
	strcpy(out->question, text);
	out->question_type = type;
}

int sl_dns_read(const uint8_t *message, uint32_t length, struct sl_dns_answer *out)
{
	struct message m = {message, length, 0, false};
	struct sl_dns_answer answer = {.id = 0};
	struct chain chain = {.count = 0};
	struct pass pass = {&m, &chain, &answer};
	struct body body;
	uint32_t questions;

	header(&m, &answer, &body, &questions);
	for (uint32_t i = 0; i < questions && !m.bad; i++)
		question(&m, &answer, i == 0);
	if (m.bad)
		return -EBADMSG;
	body.start = m.pos;
	add_link(&chain, answer.question, UINT32_MAX);
	if (!read_records(&pass, &body))
		return -EBADMSG;
	*out = answer;
	return 0;
}
