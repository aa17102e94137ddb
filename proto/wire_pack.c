/*
 * wire_pack.c - a wire struct to protobuf bytes
 *
 * Builds protobuf-c's own tree in an arena (texts are lent, not copied), then
 * has it serialised.  What a reader would refuse for its length or its count is
 * not sent.  Pure: any thread.
 */
#include <errno.h>
#include <string.h>

#include "wire_fields.h"

#define BUDGET (512 * 1024) /* a full telemetry takes about 150 KiB */

static int message_set(struct sl_arena *arena, const struct sl_fields *fields, const uint8_t *from,
		       ProtobufCMessage **message);

static int text_set(const struct sl_field *field, const char *from, char **to)
{
	if (!memchr(from, 0, field->limit))
		return -EMSGSIZE;
	*to = (char *)(uintptr_t)from;
	return 0;
}

static int list_set(struct sl_arena *arena, const struct sl_field *field, const uint8_t *from,
		    size_t count, ProtobufCMessage ***list)
{
	int err = 0;

	if (count > field->limit)
		return -EMSGSIZE;
	*list = sl_arena_take(arena, count * sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = message_set(arena, field->message, from + i * field->message->size,
				  &(*list)[i]);
	return err;
}

static int field_set(struct sl_arena *arena, const struct sl_field *field,
		     const ProtobufCFieldDescriptor *pb, const uint8_t *from, uint8_t *message)
{
	const uint8_t *value = from + field->offset;
	void *to = message + pb->offset;

	switch (field->kind) {
	case SL_FIELD_VERSION:
		*(uint32_t *)to = SL_WIRE_VERSION;
		return 0;
	case SL_FIELD_BOOL:
		*(protobuf_c_boolean *)to = *(const bool *)value;
		return 0;
	case SL_FIELD_U32:
	case SL_FIELD_ENUM:
		memcpy(to, value, sizeof(uint32_t));
		return 0;
	case SL_FIELD_U64:
	case SL_FIELD_ID:
		memcpy(to, value, sizeof(uint64_t));
		return 0;
	case SL_FIELD_TEXT:
	case SL_FIELD_LINES:
		return text_set(field, (const char *)value, to);
	case SL_FIELD_OPTIONAL:
		if (!*(const bool *)(from + field->count))
			return 0;
		return message_set(arena, field->message, value, to);
	case SL_FIELD_MESSAGE:
		return message_set(arena, field->message, value, to);
	case SL_FIELD_LIST:
		*(size_t *)(message + pb->quantifier_offset) =
			*(const uint32_t *)(from + field->count);
		return list_set(arena, field, value, *(const uint32_t *)(from + field->count), to);
	}
	return -EINVAL;
}

static int message_set(struct sl_arena *arena, const struct sl_fields *fields, const uint8_t *from,
		       ProtobufCMessage **message)
{
	ProtobufCMessage *made = sl_arena_take(arena, fields->descriptor->sizeof_message);
	int err = 0;

	if (!made)
		return -ENOMEM;
	protobuf_c_message_init(fields->descriptor, made);
	for (uint32_t i = 0; i < fields->fields && !err; i++)
		err = field_set(arena, &fields->field[i], &fields->descriptor->fields[i], from,
				(uint8_t *)made);
	*message = made;
	return err;
}

long sl_fields_pack(const struct sl_fields *fields, const void *from, uint8_t *bytes, size_t size)
{
	ProtobufCMessage *message;
	struct sl_arena arena;
	long length = sl_arena_open(&arena, BUDGET);

	if (length)
		return length;
	length = message_set(&arena, fields, from, &message);
	if (!length) {
		length = (long)protobuf_c_message_get_packed_size(message);
		if ((size_t)length > size || length > SL_WIRE_BYTES_MAX)
			length = -EMSGSIZE;
		else
			protobuf_c_message_pack(message, bytes);
	}
	sl_arena_close(&arena);
	return length;
}
