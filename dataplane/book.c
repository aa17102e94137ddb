/*
 * book.c - what the core said of each packet, by connection
 *
 * Format and conventions: the docstring of the comparator (MEASUREMENT.md 1).  A
 * record is keyed by protocol, both ends and VLAN; a connection that the core calls
 * restarted begins a new one.  Times are ticks of 64 ns, written as us with three
 * decimals, which is exact.
 */
#include "book.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MIN 4096 /* chains; doubled when there are as many records */
#define NO_RECORD UINT32_MAX

/* Samples of one direction's data, by one method. */
struct samples {
	uint32_t count, room;
	struct sl_sample *sample;
};

struct direction {
	uint64_t packets, bytes;
	uint64_t lost_after, lost_before, spurious, reordered, gaps, capture_miss;
	struct samples seq, ts;
	uint32_t handshake; /* ticks; of the half that this side's packet began */
	bool has_handshake;
};

struct record {
	struct sl_flow_key key;
	uint32_t chain; /* next record of the same hash */
	bool tagged;
	uint8_t initiator; /* 0 = key.a */
	uint8_t service;
	bool has_syn;
	uint32_t syn_seq;
	struct direction direction[2]; /* data sent by the initiator, by the responder */
};

struct sl_book {
	uint32_t records, room, mask;
	struct record *record; /* in order of first packet */
	uint32_t *head;        /* [mask + 1], newest record first */
};

static uint32_t key_hash(const struct sl_flow_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash ^ hash >> 15;
}

struct sl_book *sl_book_open(void)
{
	struct sl_book *book = calloc(1, sizeof(*book));

	if (!book)
		return NULL;
	book->mask = INDEX_MIN - 1;
	book->head = malloc(INDEX_MIN * sizeof(*book->head));
	if (!book->head) {
		free(book);
		return NULL;
	}
	memset(book->head, 0xff, INDEX_MIN * sizeof(*book->head)); /* NO_RECORD */
	return book;
}

void sl_book_close(struct sl_book *book)
{
	if (!book)
		return;
	for (uint32_t i = 0; i < book->records; i++)
		for (int d = 0; d < 2; d++) {
			free(book->record[i].direction[d].seq.sample);
			free(book->record[i].direction[d].ts.sample);
		}
	free(book->record);
	free(book->head);
	free(book);
}

/* ---- finding and beginning records ---- */

static int grow_index(struct sl_book *book)
{
	uint32_t mask = book->mask * 2 + 1;
	uint32_t *head = malloc(((size_t)mask + 1) * sizeof(*head));

	if (!head)
		return -ENOMEM;
	memset(head, 0xff, ((size_t)mask + 1) * sizeof(*head));
	for (uint32_t i = 0; i < book->records; i++) { /* in order: the newest ends up first */
		uint32_t *chain = &head[key_hash(&book->record[i].key) & mask];

		book->record[i].chain = *chain;
		*chain = i;
	}
	free(book->head);
	book->head = head;
	book->mask = mask;
	return 0;
}

static int grow_records(struct sl_book *book)
{
	uint32_t room = book->room ? book->room * 2 : 1024;
	struct record *record = realloc(book->record, room * sizeof(*record));

	if (!record)
		return -ENOMEM;
	book->record = record;
	book->room = room;
	return 0;
}

static struct record *find(struct sl_book *book, const struct sl_flow_key *key, bool tagged)
{
	for (uint32_t i = book->head[key_hash(key) & book->mask]; i != NO_RECORD;
	     i = book->record[i].chain)
		if (book->record[i].tagged == tagged &&
		    !memcmp(&book->record[i].key, key, sizeof(*key)))
			return &book->record[i];
	return NULL;
}

static bool is_syn(const struct sl_packet *packet)
{
	return packet->proto == SL_PROTO_TCP &&
	       (packet->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN;
}

/* The end that opened the connection whose first packet is @work's: 0 = key.a. */
static uint8_t initiator(const struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	bool from_initiator = work->result.from_initiator;

	if (packet->icmp_echo) /* known by itself, whoever came first */
		from_initiator = packet->icmp_echo == 1;
	else if (work->result.flow_index == UINT32_MAX) /* the core has no entry to ask */
		from_initiator = packet->proto != SL_PROTO_TCP ||
				 (packet->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) !=
					 (SL_TCP_SYN | SL_TCP_ACK);
	return from_initiator ? work->sender : 1 - work->sender;
}

static struct record *begin(struct sl_book *book, const struct sl_work *work)
{
	struct record *record;
	uint32_t *chain;

	if (book->records == book->room && grow_records(book))
		return NULL;
	if (book->records > book->mask && grow_index(book))
		return NULL;
	chain = &book->head[key_hash(&work->key) & book->mask];
	record = &book->record[book->records];
	*record = (struct record){.key = work->key,
				  .chain = *chain,
				  .tagged = work->packet.tags != 0,
				  .initiator = initiator(work),
				  .has_syn = is_syn(&work->packet),
				  .syn_seq = work->packet.seq};
	*chain = book->records++;
	return record;
}

/* Is this packet the first of another connection than @record's? */
static bool is_another(const struct record *record, const struct sl_work *work)
{
	if (work->result.flow_event == SL_FLOW_RESTARTED)
		return true;
	/* The old entry expired: only a SYN tells a new connection from a long silence. */
	return work->result.flow_event == SL_FLOW_NEW && is_syn(&work->packet) &&
	       !(record->has_syn && record->syn_seq == work->packet.seq);
}

/* ---- adding up ---- */

static int add_sample(struct samples *samples, const struct sl_sample *sample)
{
	if (!sample->weight)
		return 0;
	if (samples->count == samples->room) {
		uint32_t room = samples->room ? samples->room * 2 : 16;
		struct sl_sample *grown = realloc(samples->sample, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		samples->sample = grown;
		samples->room = room;
	}
	samples->sample[samples->count++] = *sample;
	return 0;
}

static void add_seen(struct direction *sent, const struct sl_work *work)
{
	uint32_t seen = work->result.seen;

	sent->packets++;
	sent->bytes += work->packet.ip_bytes;
	sent->lost_after += !!(seen & SL_SEEN_LOST_AFTER);
	sent->lost_before += !!(seen & SL_SEEN_LOST_BEFORE);
	sent->spurious += !!(seen & SL_SEEN_SPURIOUS);
	sent->reordered += !!(seen & SL_SEEN_REORDERED);
	sent->gaps += !!(seen & SL_SEEN_GAP);
}

/* A packet's samples are of the data that it answers: the other direction's. */
static int add_answers(struct direction *answered, const struct sl_result *result)
{
	const struct sl_sample *handshake = &result->sample[SL_METHOD_HANDSHAKE];

	answered->capture_miss += result->capture_miss;
	if (handshake->weight && !answered->has_handshake) {
		answered->handshake = handshake->ticks;
		answered->has_handshake = true;
	}
	return add_sample(&answered->seq, &result->sample[SL_METHOD_SEQ]) ||
			       add_sample(&answered->ts, &result->sample[SL_METHOD_TS])
		       ? -ENOMEM
		       : 0;
}

/* Packets with a TCP, UDP or ICMP echo header of their own; not errors, not later fragments. */
static bool belongs(const struct sl_work *work)
{
	switch (work->result.reason) {
	case SL_REASON_MEASURED:
	case SL_REASON_FLOW_FULL:
	case SL_REASON_FLOW_BUSY:
		return work->packet.fragment != SL_FRAGMENT_LATER && !work->packet.icmp_error;
	default:
		return false;
	}
}

int sl_book_add(struct sl_book *book, const struct sl_work *work)
{
	struct record *record;
	uint32_t from;

	if (!belongs(work))
		return 0;
	record = find(book, &work->key, work->packet.tags != 0);
	if (!record || is_another(record, work))
		record = begin(book, work);
	if (!record)
		return -ENOMEM;
	if (work->result.flow_index != UINT32_MAX)
		record->service = work->result.service;
	from = work->sender != record->initiator;
	add_seen(&record->direction[from], work);
	return add_answers(&record->direction[1 - from], &work->result);
}

/* ---- writing ---- */

static int by_ticks(const void *a, const void *b)
{
	const struct sl_sample *x = a, *y = b;

	return (x->ticks > y->ticks) - (x->ticks < y->ticks);
}

/* Nearest rank by weight, of sorted samples; @part of 100. */
static uint32_t quantile(const struct samples *samples, uint64_t total, uint64_t part)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < samples->count; i++) {
		sum += samples->sample[i].weight;
		if (sum * 100 >= total * part)
			return samples->sample[i].ticks;
	}
	return samples->sample[samples->count - 1].ticks;
}

static void write_us(FILE *out, const char *name, uint64_t ticks)
{
	uint64_t ns = ticks << SL_TICK_LOG2_NS;

	fprintf(out, "\"%s\":%" PRIu64 ".%03" PRIu64, name, ns / 1000, ns % 1000);
}

static void write_samples(FILE *out, const char *name, struct samples *samples)
{
	static const char none[] = "{\"n\":0,\"min\":null,\"p50\":null,\"p95\":null,\"max\":null}";
	uint64_t total = 0;

	fprintf(out, "\"%s\":", name);
	if (!samples->count) {
		fputs(none, out);
		return;
	}
	qsort(samples->sample, samples->count, sizeof(*samples->sample), by_ticks);
	for (uint32_t i = 0; i < samples->count; i++)
		total += samples->sample[i].weight;
	fprintf(out, "{\"n\":%" PRIu32 ",", samples->count);
	write_us(out, "min", samples->sample[0].ticks);
	fputc(',', out);
	write_us(out, "p50", quantile(samples, total, 50));
	fputc(',', out);
	write_us(out, "p95", quantile(samples, total, 95));
	fputc(',', out);
	write_us(out, "max", samples->sample[samples->count - 1].ticks);
	fputc('}', out);
}

static void write_address(FILE *out, const char *name, const struct sl_addr *address)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	for (int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(address->hi >> (56 - 8 * i));
		bytes[8 + i] = (uint8_t)(address->lo >> (56 - 8 * i));
	}
	if (!address->hi && address->lo >> 32 == 0xffff) /* RFC 4291 2.5.5.2 */
		inet_ntop(AF_INET, bytes + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
	fprintf(out, "\"%s\":\"%s\",", name, text);
}

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case SL_PROTO_TCP:
		return "tcp";
	case SL_PROTO_UDP:
		return "udp";
	case SL_PROTO_ICMP6:
		return "icmp6";
	default:
		return "icmp";
	}
}

static void write_key(FILE *out, const struct record *record)
{
	const struct sl_flow_key *key = &record->key;
	bool flip = record->initiator;

	fprintf(out, "{\"proto\":\"%s\",", proto_name(key->proto));
	write_address(out, "src", flip ? &key->b : &key->a);
	fprintf(out, "\"sport\":%u,", flip ? key->b_port : key->a_port);
	write_address(out, "dst", flip ? &key->a : &key->b);
	fprintf(out, "\"dport\":%u,", flip ? key->a_port : key->b_port);
	if (record->tagged)
		fprintf(out, "\"vlan\":%u,", key->vlan);
	else
		fputs("\"vlan\":null,", out);
}

static void write_pair(FILE *out, const char *name, uint64_t forward, uint64_t reverse)
{
	fprintf(out, "\"%s\":[%" PRIu64 ",%" PRIu64 "],", name, forward, reverse);
}

static uint64_t retransmitted(const struct direction *direction)
{
	return direction->lost_after + direction->lost_before + direction->spurious;
}

static void write_counts(FILE *out, const struct direction *forward,
			 const struct direction *reverse)
{
	write_pair(out, "packets", forward->packets, reverse->packets);
	write_pair(out, "bytes", forward->bytes, reverse->bytes);
	write_pair(out, "retrans", retransmitted(forward), retransmitted(reverse));
	write_pair(out, "out_of_order", forward->reordered, reverse->reordered);
	write_pair(out, "gaps", forward->gaps, reverse->gaps);
	fputs("\"loss\":{", out);
	write_pair(out, "down", forward->lost_after, reverse->lost_after);
	write_pair(out, "up", forward->lost_before, reverse->lost_before);
	write_pair(out, "reorder", forward->reordered, reverse->reordered);
	write_pair(out, "spurious", forward->spurious, reverse->spurious);
	fprintf(out, "\"capture_miss\":[%" PRIu64 ",%" PRIu64 "]},", forward->capture_miss,
		reverse->capture_miss);
}

static void write_half(FILE *out, const char *name, const struct direction *direction)
{
	if (direction->has_handshake)
		write_us(out, name, direction->handshake);
	else
		fprintf(out, "\"%s\":null", name);
	fputc(',', out);
}

static void write_times(FILE *out, struct direction *forward, struct direction *reverse)
{
	fputs("\"rtt_us\":{", out);
	write_samples(out, "fwd", &forward->seq);
	fputc(',', out);
	write_samples(out, "rev", &reverse->seq);
	fputs("},\"ts_rtt_us\":{", out);
	write_samples(out, "fwd", &forward->ts);
	fputc(',', out);
	write_samples(out, "rev", &reverse->ts);
	fputs("},", out);
	if (forward->has_handshake && reverse->has_handshake)
		write_us(out, "handshake_us", (uint64_t)forward->handshake + reverse->handshake);
	else
		fputs("\"handshake_us\":null", out);
	fputc(',', out);
	write_half(out, "handshake_fwd_us", forward);
	write_half(out, "handshake_rev_us", reverse);
}

static void write_service(FILE *out, uint8_t service, const struct sl_policy *policy)
{
	if (!policy)
		fputs("null", out);
	else if (service && service <= policy->services)
		fprintf(out, "\"%s\"", policy->service[service - 1].name);
	else
		fputs("\"other\"", out);
}

int sl_book_write(struct sl_book *book, const struct sl_policy *policy, FILE *out)
{
	for (uint32_t i = 0; i < book->records; i++) {
		struct record *record = &book->record[i];
		struct direction *forward = &record->direction[0], *reverse = &record->direction[1];

		write_key(out, record);
		write_counts(out, forward, reverse);
		write_times(out, forward, reverse);
		fputs("\"sni\":null,\"service\":", out);
		write_service(out, record->service, policy);
		fputs("}\n", out);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
