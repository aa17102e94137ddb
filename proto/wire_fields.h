/*
 * wire_fields.h - which member of a wire struct is which field of storeline.proto
 *
 * One table per message, in the order of the field numbers, so that row i is
 * field i of the message's descriptor.  Packing, unpacking and JSON are each one
 * walk over these tables; a new field is a line in storeline.proto, a member in
 * wire.h and a row in wire_fields.c.  Private to the wire files and their tests.
 */
#ifndef SL_WIRE_FIELDS_H
#define SL_WIRE_FIELDS_H

#include <protobuf-c/protobuf-c.h>

#include "wire.h"

#define SL_WIRE_BUDGET_MAX (4 * 1024 * 1024) /* what one message may make protobuf-c allocate */

enum sl_field_kind {
	SL_FIELD_VERSION, /* SL_WIRE_VERSION itself: no member */
	SL_FIELD_BOOL,
	SL_FIELD_U32,
	SL_FIELD_U64,
	SL_FIELD_ID,    /* 64 random bits: a decimal string in JSON, where numbers are doubles */
	SL_FIELD_ENUM,  /* one of words */
	SL_FIELD_TEXT,  /* limit bytes with the NUL */
	SL_FIELD_LINES, /* the same; line ends and tabs are allowed */
	SL_FIELD_MESSAGE,
	SL_FIELD_OPTIONAL, /* a message; a bool at count says whether it is there */
	SL_FIELD_LIST,     /* up to limit messages; a uint32_t at count says how many */
};

struct sl_words {
	const char *const *word;
	uint32_t count;
};

struct sl_field {
	const char *name; /* in storeline.proto and JSON */
	enum sl_field_kind kind;
	size_t offset, count;
	uint32_t limit;
	const struct sl_words *words;
	const struct sl_fields *message;
};

struct sl_fields {
	const ProtobufCMessageDescriptor *descriptor;
	size_t size; /* of the struct */
	const struct sl_field *field;
	uint32_t fields;
};

extern const struct sl_fields sl_fields_telemetry, sl_fields_event, sl_fields_command,
	sl_fields_unclaimed, sl_fields_incident, sl_fields_memory;
extern const struct sl_words sl_words_health, sl_words_mode, sl_words_verdict, sl_words_event,
	sl_words_ack, sl_words_command, sl_words_outcome;

/* Memory for one message: taken piece by piece, given back as a whole. */
struct sl_arena {
	uint8_t *base;
	size_t size, used;
};

/* 0 or -ENOMEM. */
int sl_arena_open(struct sl_arena *arena, size_t size);
/* @size zeroed bytes; NULL when the budget is spent. */
void *sl_arena_take(struct sl_arena *arena, size_t size);
void sl_arena_close(struct sl_arena *arena);

/* The one walk for each way; see sl_wire_* in wire.h for what they return. */
long sl_fields_pack(const struct sl_fields *fields, const void *from, uint8_t *bytes, size_t size);
int sl_fields_unpack(const struct sl_fields *fields, void *to, const uint8_t *bytes, size_t size,
		     char *why);
char *sl_fields_json(const struct sl_fields *fields, const void *from);

#endif
