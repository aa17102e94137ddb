/*
 * book.c - what the core said of each packet, by connection
 *
 * Format and conventions: the docstring of the comparator (MEASUREMENT.md 1).  A
 * record is keyed by protocol, both ends and VLAN; a connection that the core calls
 * restarted begins a new one.  Times are ticks of 64 ns, written as us with three
 * decimals, which is exact.
 */
#include "book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "book_private.h"

#define INDEX_MIN 4096 /* chains; doubled when there are as many records */
#define NO_RECORD UINT32_MAX

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

static void drop_samples(struct sl_book_direction *direction)
{
	free(direction->seq.sample);
	free(direction->ts.sample);
	free(direction->transaction.sample);
	for (int m = 0; m < SL_METHODS; m++)
		free(direction->timed[m].sample);
}

void sl_book_close(struct sl_book *book)
{
	if (!book)
		return;
	for (uint32_t i = 0; i < book->records; i++) {
		free(book->record[i].names);
		for (int d = 0; d < 2; d++)
			drop_samples(&book->record[i].direction[d]);
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
	struct sl_book_record *record = realloc(book->record, room * sizeof(*record));

	if (!record)
		return -ENOMEM;
	book->record = record;
	book->room = room;
	return 0;
}

static struct sl_book_record *find(struct sl_book *book, const struct sl_flow_key *key, bool tagged)
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

static struct sl_book_record *begin(struct sl_book *book, const struct sl_work *work)
{
	struct sl_book_record *record;
	uint32_t *chain;

	if (book->records == book->room && grow_records(book))
		return NULL;
	if (book->records > book->mask && grow_index(book))
		return NULL;
	chain = &book->head[key_hash(&work->key) & book->mask];
	record = &book->record[book->records];
	*record = (struct sl_book_record){.key = work->key,
					  .chain = *chain,
					  .tagged = work->packet.tags != 0,
					  .initiator = initiator(work),
					  .has_syn = is_syn(&work->packet),
					  .syn_seq = work->packet.seq};
	*chain = book->records++;
	return record;
}

/* Is this packet the first of another connection than @record's? */
static bool is_another(const struct sl_book_record *record, const struct sl_work *work)
{
	if (work->result.flow_event == SL_FLOW_RESTARTED)
		return true;
	/* The old entry expired: only a SYN tells a new connection from a long silence. */
	return work->result.flow_event == SL_FLOW_NEW && is_syn(&work->packet) &&
	       !(record->has_syn && record->syn_seq == work->packet.seq);
}

/* ---- adding up ---- */

static int add_sample(struct sl_book_samples *samples, const struct sl_sample *sample)
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

static void add_seen(struct sl_book_direction *sent, const struct sl_work *work)
{
	uint32_t seen = work->result.seen;

	sent->packets++;
	sent->bytes += work->packet.ip_bytes;
	sent->lost_after += !!(seen & SL_SEEN_LOST_AFTER);
	sent->lost_before += !!(seen & SL_SEEN_LOST_BEFORE);
	sent->spurious += !!(seen & SL_SEEN_SPURIOUS);
	sent->reordered += !!(seen & SL_SEEN_REORDERED);
	sent->duplicates += !!(seen & SL_SEEN_DUPLICATE);
	sent->gaps += !!(seen & SL_SEEN_GAP);
}

/* A packet's samples are of the data that it answers: the other direction's. */
static int add_answers(struct sl_book_direction *answered, const struct sl_result *result)
{
	const struct sl_sample *sample = result->sample;

	answered->capture_miss += result->capture_miss;
	return add_sample(&answered->seq, &sample[SL_SAMPLE_SEQ]) ||
			       add_sample(&answered->ts, &sample[SL_SAMPLE_TS]) ||
			       add_sample(&answered->timed[result->method],
					  &sample[SL_SAMPLE_EVENT]) ||
			       add_sample(&answered->transaction, &sample[SL_SAMPLE_TRANSACTION])
		       ? -ENOMEM
		       : 0;
}

/* An RTP packet: of the source that its header names (RFC 3550 5.1). */
static void add_media(struct sl_book_direction *sent, const struct sl_work *work)
{
	const struct sl_result *result = &work->result;
	uint32_t ssrc = work->packet.head8, i = 0;

	if (!(result->seen & SL_SEEN_MEDIA))
		return;
	while (i < sent->streams && sent->stream[i].ssrc != ssrc)
		i++;
	if (i == SL_BOOK_STREAMS_MAX)
		return;
	if (i == sent->streams)
		sent->stream[sent->streams++].ssrc = ssrc;
	sent->stream[i].packets += result->media_packets;
	sent->stream[i].expected += result->media_ahead;
	sent->stream[i].jitter_ticks = result->media_jitter_ticks;
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
	struct sl_book_record *record;
	uint32_t from;

	if (!belongs(work))
		return 0;
	record = find(book, &work->key, work->packet.tags != 0);
	if (!record || is_another(record, work))
		record = begin(book, work);
	if (!record)
		return -ENOMEM;
	if (work->result.flow_index != UINT32_MAX) {
		record->service = work->result.service;
		record->incarnation = work->result.incarnation;
	}
	from = work->sender != record->initiator;
	add_seen(&record->direction[from], work);
	add_media(&record->direction[from], work);
	return add_answers(&record->direction[1 - from], &work->result);
}

/* ---- names ---- */

/* The newest record of the flow that the core knew by that incarnation, else its newest. */
static struct sl_book_record *find_named(struct sl_book *book, const struct sl_flow_name *name)
{
	struct sl_book_record *newest = NULL;
	uint32_t i = book->head[key_hash(&name->key) & book->mask];

	for (; i != NO_RECORD; i = book->record[i].chain) {
		struct sl_book_record *record = &book->record[i];

		if (memcmp(&record->key, &name->key, sizeof(record->key)) != 0)
			continue;
		if (record->incarnation == name->incarnation)
			return record;
		if (!newest)
			newest = record;
	}
	return newest;
}

int sl_book_name(struct sl_book *book, const struct sl_flow_name *name)
{
	struct sl_book_record *record = find_named(book, name);

	if (!record)
		return 0;
	if (!record->names)
		record->names = calloc(1, sizeof(*record->names));
	if (!record->names)
		return -ENOMEM;
	record->names->source = name->source;
	record->names->guessed = name->guessed;
	memcpy(record->names->name, name->name, sizeof(record->names->name));
	memcpy(record->names->app, name->app, sizeof(record->names->app));
	if (name->sni[0])
		memcpy(record->names->sni, name->sni, sizeof(record->names->sni));
	return 0;
}
