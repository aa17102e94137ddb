/*
 * book_private.h - the records of a book: book.c adds to them, book_write.c writes them
 */
#ifndef SL_BOOK_PRIVATE_H
#define SL_BOOK_PRIVATE_H

#include "book.h"

#define SL_BOOK_STREAMS_MAX 16 /* RTP sources of one direction that are written */

/* What the core said of one RTP source. */
struct sl_book_stream {
	uint32_t ssrc;
	uint64_t packets, expected;
	uint32_t jitter_ticks; /* the last */
};

/* Samples of one direction's data, by one method. */
struct sl_book_samples {
	uint32_t count, room;
	struct sl_sample *sample;
};

struct sl_book_direction {
	uint64_t packets, bytes;
	uint64_t lost_after, lost_before, spurious, reordered, duplicates, gaps, capture_miss;
	struct sl_book_samples seq, ts;
	struct sl_book_samples timed[SL_METHODS]; /* by the method of SL_SAMPLE_EVENT */
	struct sl_book_samples transaction;
	uint32_t streams;
	struct sl_book_stream stream[SL_BOOK_STREAMS_MAX];
};

/* What the slow path said of a flow, as it is written. */
struct sl_book_names {
	uint8_t source; /* enum sl_name_source of .name */
	bool guessed;   /* .app is a guess */
	char sni[SL_SERVER_NAME_MAX], name[SL_SERVER_NAME_MAX], app[SL_APP_MAX];
};

struct sl_book_record {
	struct sl_flow_key key;
	uint32_t chain; /* next record of the same hash */
	bool tagged;
	uint8_t initiator; /* 0 = key.a */
	uint8_t service;
	uint32_t incarnation;        /* the core's, of the last packet */
	struct sl_book_names *names; /* NULL = nothing was said */
	bool has_syn;
	uint32_t syn_seq;
	struct sl_book_direction direction[2]; /* data sent by the initiator, by the responder */
};

struct sl_book {
	uint32_t records, room, mask;
	struct sl_book_record *record; /* in order of first packet */
	uint32_t *head;                /* [mask + 1], newest record first */
};

#endif
