/*
 * wire_unpack.c - protobuf bytes that nobody vouches for to a wire struct
 *
 * protobuf-c 1.4.1 checks the encoding only: it accepts any nesting, any UTF-8,
 * any enum value, and 1 MiB of empty messages makes it allocate 52 times that
 * (RELIABILITY.md 0.6).  So: no message refers to itself, the size is bounded
 * first, memory is an arena with a budget, and each value is held against its
 * row before the struct is handed out.  A NUL inside a text ends it: protobuf-c
 * does not tell.  Pure: any thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire_fields.h"

#define BUDGET_LEAST  (64 * 1024)
#define BUDGET_FACTOR 64 /* an empty PathReport is 2 bytes on the wire, 400 in memory */

static int message_get(const struct sl_fields *fields, const ProtobufCMessage *message, uint8_t *to,
		       char *why);

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, SL_TEXT_MAX, format, list);
	va_end(list);
	return -EPROTO;
}

/* "p95_us: ..." of path 3 becomes "paths[3].p95_us: ...". */
static void name_place(char *why, const char *field, const char *index)
{
	char inner[SL_TEXT_MAX];

	memcpy(inner, why, sizeof(inner));
	snprintf(why, SL_TEXT_MAX, "%s%s.%.180s", field, index, inner);
}

/* Length of the UTF-8 character at @p (RFC 3629), 0 when it is none; *@code is its number. */
static size_t utf8_length(const uint8_t *p, uint32_t *code)
{
	const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = p[0] < 0x80             ? 1
			: (p[0] & 0xe0) == 0xc0 ? 2
			: (p[0] & 0xf0) == 0xe0 ? 3
			: (p[0] & 0xf8) == 0xf0 ? 4
						: 0;

	if (length < 2) {
		*code = p[0];
		return length;
	}
	*code = p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3f);
	}
	if (*code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

static bool is_control(uint32_t code, bool lines)
{
	if (lines && (code == '\n' || code == '\r' || code == '\t'))
		return false;
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static int text_get(const struct sl_field *field, const char *text, char *to, char *why)
{
	size_t size = strlen(text), length;
	uint32_t code;

	if (size >= field->limit)
		return refuse(why, "%s: %zu bytes, at most %u", field->name, size,
			      field->limit - 1);
	for (const char *p = text; *p; p += length) {
		length = utf8_length((const uint8_t *)p, &code);
		if (!length)
			return refuse(why, "%s: not UTF-8", field->name);
		if (is_control(code, field->kind == SL_FIELD_LINES))
			return refuse(why, "%s: has control characters", field->name);
	}
	memcpy(to, text, size + 1);
	return 0;
}

static int enum_get(const struct sl_field *field, uint32_t value, void *to, char *why)
{
	if (value >= field->words->count)
		return refuse(why, "%s: %d is no known value", field->name, (int)value);
	memcpy(to, &value, sizeof(value));
	return 0;
}

static int version_get(const struct sl_field *field, uint32_t version, char *why)
{
	if (version != SL_WIRE_VERSION)
		return refuse(why, "%s: %u, this program speaks %d", field->name, version,
			      SL_WIRE_VERSION);
	return 0;
}

static int inner_get(const struct sl_field *field, const char *index,
		     const ProtobufCMessage *message, uint8_t *to, char *why)
{
	int err = message_get(field->message, message, to, why);

	if (err)
		name_place(why, field->name, index);
	return err;
}

static int list_get(const struct sl_field *field, ProtobufCMessage *const *list, size_t count,
		    uint8_t *to, char *why)
{
	char index[16];
	int err = 0;

	if (count > field->limit)
		return refuse(why, "%s: %zu entries, at most %u", field->name, count, field->limit);
	for (size_t i = 0; i < count && !err; i++) {
		snprintf(index, sizeof(index), "[%zu]", i);
		err = inner_get(field, index, list[i], to + i * field->message->size, why);
	}
	return err;
}

static int field_get(const struct sl_field *field, const ProtobufCFieldDescriptor *pb,
		     const uint8_t *message, uint8_t *to, char *why)
{
	const void *from = message + pb->offset;
	const ProtobufCMessage *inner;
	size_t count;

	switch (field->kind) {
	case SL_FIELD_VERSION:
		return version_get(field, *(const uint32_t *)from, why);
	case SL_FIELD_BOOL:
		*(bool *)(to + field->offset) = *(const protobuf_c_boolean *)from != 0;
		return 0;
	case SL_FIELD_U32:
		memcpy(to + field->offset, from, sizeof(uint32_t));
		return 0;
	case SL_FIELD_U64:
	case SL_FIELD_ID:
		memcpy(to + field->offset, from, sizeof(uint64_t));
		return 0;
	case SL_FIELD_ENUM:
		return enum_get(field, *(const uint32_t *)from, to + field->offset, why);
	case SL_FIELD_TEXT:
	case SL_FIELD_LINES:
		return text_get(field, *(char *const *)from, (char *)to + field->offset, why);
	case SL_FIELD_OPTIONAL:
	case SL_FIELD_MESSAGE:
		inner = *(ProtobufCMessage *const *)from;
		if (field->kind == SL_FIELD_OPTIONAL)
			*(bool *)(to + field->count) = inner;
		return inner ? inner_get(field, "", inner, to + field->offset, why) : 0;
	case SL_FIELD_LIST:
		count = *(const size_t *)(message + pb->quantifier_offset);
		*(uint32_t *)(to + field->count) = (uint32_t)count;
		return list_get(field, *(ProtobufCMessage *const *const *)from, count,
				to + field->offset, why);
	}
	return -EPROTO;
}

static int message_get(const struct sl_fields *fields, const ProtobufCMessage *message, uint8_t *to,
		       char *why)
{
	int err = 0;

	for (uint32_t i = 0; i < fields->fields && !err; i++)
		err = field_get(&fields->field[i], &fields->descriptor->fields[i],
				(const uint8_t *)message, to, why);
	return err;
}

static void *budget_take(void *arena, size_t size)
{
	return sl_arena_take(arena, size);
}

/* Pieces go back with the arena. */
static void budget_give(void *arena, void *piece)
{
}

static int decode(const struct sl_fields *fields, void *to, struct sl_arena *arena,
		  const ProtobufCBinaryData *in, char *why)
{
	ProtobufCAllocator budget = {budget_take, budget_give, arena};
	const ProtobufCMessage *message =
		protobuf_c_message_unpack(fields->descriptor, &budget, in->len, in->data);
	uint8_t *made;
	int err;

	if (!message)
		return refuse(why, "%s: not a protobuf of this kind, or over the memory budget",
			      fields->descriptor->short_name);
	made = calloc(1, fields->size);
	if (!made)
		return refuse(why, "out of memory");
	err = message_get(fields, message, made, why);
	if (!err)
		memcpy(to, made, fields->size);
	free(made);
	return err;
}

int sl_fields_unpack(const struct sl_fields *fields, void *to, const uint8_t *bytes, size_t size,
		     char *why)
{
	const ProtobufCBinaryData in = {size, (uint8_t *)(uintptr_t)bytes};
	char unheard[SL_TEXT_MAX];
	struct sl_arena arena;
	size_t budget = BUDGET_LEAST + size * BUDGET_FACTOR;
	int err;

	if (!why)
		why = unheard;
	if (size > SL_WIRE_BYTES_MAX)
		return refuse(why, "%s: %zu bytes, at most %d", fields->descriptor->short_name,
			      size, SL_WIRE_BYTES_MAX);
	if (sl_arena_open(&arena, budget < SL_WIRE_BUDGET_MAX ? budget : SL_WIRE_BUDGET_MAX))
		return refuse(why, "out of memory");
	err = decode(fields, to, &arena, &in, why);
	sl_arena_close(&arena);
	return err;
}
