/*
 * wire_json.c - a wire struct as one line of JSON
 *
 * The mirror for dashboards that do not speak protobuf: keys in the order of the
 * field numbers, every field each time (an optional message only when it is
 * there).  JSON integers end at 2^63 - 1 here; a count that large stays there,
 * an identity (SL_FIELD_ID) is a string and keeps all its bits.  Pure: any thread.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "wire_fields.h"

static json_t *message_json(const struct sl_fields *fields, const uint8_t *from);

/* Text of our own that is not UTF-8 must not cost the whole message. */
static json_t *text_json(const struct sl_field *field, const char *text)
{
	json_t *made = json_stringn(text, strnlen(text, field->limit));

	return made ? made : json_string("?");
}

static json_t *id_json(uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, id);
	return json_string(text);
}

static json_t *list_json(const struct sl_field *field, const uint8_t *from, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < count && i < field->limit; i++) {
		if (json_array_append_new(list, message_json(field->message,
							     from + i * field->message->size))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *enum_json(const struct sl_field *field, uint32_t value)
{
	return json_string(value < field->words->count ? field->words->word[value] : "?");
}

static json_t *field_json(const struct sl_field *field, const uint8_t *from)
{
	const void *value = from + field->offset;
	uint64_t number;

	switch (field->kind) {
	case SL_FIELD_VERSION:
		return json_integer(SL_WIRE_VERSION);
	case SL_FIELD_BOOL:
		return json_boolean(*(const bool *)value);
	case SL_FIELD_U32:
		return json_integer(*(const uint32_t *)value);
	case SL_FIELD_U64:
		number = *(const uint64_t *)value;
		return json_integer(number < INT64_MAX ? (json_int_t)number : INT64_MAX);
	case SL_FIELD_ID:
		return id_json(*(const uint64_t *)value);
	case SL_FIELD_ENUM:
		return enum_json(field, *(const uint32_t *)value);
	case SL_FIELD_TEXT:
	case SL_FIELD_LINES:
		return text_json(field, value);
	case SL_FIELD_OPTIONAL:
	case SL_FIELD_MESSAGE:
		return message_json(field->message, value);
	case SL_FIELD_LIST:
		return list_json(field, value, *(const uint32_t *)(from + field->count));
	}
	return NULL;
}

static json_t *message_json(const struct sl_fields *fields, const uint8_t *from)
{
	json_t *object = json_object();

	for (uint32_t i = 0; object && i < fields->fields; i++) {
		const struct sl_field *field = &fields->field[i];

		if (field->kind == SL_FIELD_OPTIONAL && !*(const bool *)(from + field->count))
			continue;
		if (json_object_set_new_nocheck(object, field->name, field_json(field, from))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

char *sl_fields_json(const struct sl_fields *fields, const void *from)
{
	json_t *object = message_json(fields, from);
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}
