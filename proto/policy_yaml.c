/*
 * policy_yaml.c - the walk over the YAML document; see the header
 *
 * No recursion but over the depth that sl_reader_open has bounded.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_units.h"
#include "policy_yaml.h"

#define DEPTH_MAX 8  /* services, pos, match, element, port list: 5 */
#define KEYS_MAX  64 /* of one mapping: each is compared with each */

static void append_line(struct sl_reader *reader, const char *line)
{
	size_t left = reader->why_size - reader->why_used;
	bool first = !reader->why_used;
	size_t need = strlen(line) + (first ? 1 : 2);

	/* Whole lines only, but one in any case. */
	if (!left || (need > left && !first))
		return;
	snprintf(reader->why + reader->why_used, left, "%s%s", first ? "" : "\n", line);
	reader->why_used += strlen(reader->why + reader->why_used);
}

static void wrong_at(struct sl_reader *reader, yaml_mark_t mark, const char *what)
{
	char line[512];

	reader->mistakes++;
	snprintf(line, sizeof(line), "%.128s:%zu:%zu: %s: %s", reader->file, mark.line + 1,
		 mark.column + 1, reader->path[0] ? reader->path : "policy", what);
	append_line(reader, line);
}

void sl_reader_wrong(struct sl_reader *reader, const yaml_node_t *node, const char *format, ...)
{
	yaml_mark_t mark = node ? node->start_mark : (yaml_mark_t){0};
	char what[256];
	va_list list;

	va_start(list, format);
	vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	/* What is quoted from the file must not play tricks on a terminal. */
	for (char *p = what; *p; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	wrong_at(reader, mark, what);
}

size_t sl_reader_enter(struct sl_reader *reader, const char *name)
{
	size_t before = strlen(reader->path);

	snprintf(reader->path + before, sizeof(reader->path) - before, "%s%.40s", before ? "." : "",
		 name);
	for (char *p = reader->path + before; *p; p++) {
		if (!isprint((unsigned char)*p))
			*p = '?';
	}
	return before;
}

void sl_reader_leave(struct sl_reader *reader, size_t before)
{
	reader->path[before] = 0;
}

const char *sl_reader_text(struct sl_reader *reader, const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE) {
		sl_reader_wrong(reader, node, "one value is expected here");
		return NULL;
	}
	if (!node->data.scalar.length) {
		sl_reader_wrong(reader, node, "has no value");
		return NULL;
	}
	if (memchr(node->data.scalar.value, 0, node->data.scalar.length)) {
		sl_reader_wrong(reader, node, "has a NUL byte");
		return NULL;
	}
	return (const char *)node->data.scalar.value;
}

/* One event that no policy needs, as text; NULL = fine. */
static const char *event_wrong(const yaml_event_t *event, int *depth, int *documents)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return "aliases are not allowed";
	case YAML_DOCUMENT_START_EVENT:
		return ++*documents > 1 ? "a second document is not allowed" : NULL;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		++*depth;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		++*depth;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		--*depth;
		break;
	default:
		break;
	}
	if (*depth > DEPTH_MAX)
		return "nested too deep";
	return anchor ? "anchors are not allowed" : tag ? "tags are not allowed" : NULL;
}

static void parser_wrong(struct sl_reader *reader, const yaml_parser_t *parser)
{
	yaml_mark_t mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
	char what[160];

	snprintf(what, sizeof(what), "not YAML: %s",
		 parser->problem ? parser->problem : "out of memory");
	wrong_at(reader, mark, what);
}

static void parser_begin(yaml_parser_t *parser, const char *yaml, size_t size)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)yaml, size);
}

/* Read every event before any node is made: an alias would already be followed in the document. */
static void check_events(struct sl_reader *reader, const char *yaml, size_t size)
{
	int depth = 0, documents = 0;
	bool done = false;
	yaml_parser_t parser;
	yaml_event_t event;
	const char *what;

	if (!yaml_parser_initialize(&parser))
		return sl_reader_wrong(reader, NULL, "out of memory");
	parser_begin(&parser, yaml, size);
	while (!done && !reader->mistakes) {
		if (!yaml_parser_parse(&parser, &event)) {
			parser_wrong(reader, &parser);
			break;
		}
		what = event_wrong(&event, &depth, &documents);
		if (what)
			wrong_at(reader, event.start_mark, what);
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
}

int sl_reader_open(struct sl_reader *reader, const char *yaml, size_t size)
{
	yaml_parser_t parser;

	check_events(reader, yaml, size);
	if (reader->mistakes)
		return -EINVAL;
	if (!yaml_parser_initialize(&parser)) {
		sl_reader_wrong(reader, NULL, "out of memory");
		return -EINVAL;
	}
	parser_begin(&parser, yaml, size);
	if (!yaml_parser_load(&parser, &reader->document))
		parser_wrong(reader, &parser);
	yaml_parser_delete(&parser);
	if (reader->mistakes)
		return -EINVAL;
	reader->root = yaml_document_get_root_node(&reader->document);
	if (!reader->root) {
		sl_reader_wrong(reader, NULL, "is empty");
		yaml_document_delete(&reader->document);
		return -EINVAL;
	}
	return 0;
}

void sl_reader_close(struct sl_reader *reader)
{
	yaml_document_delete(&reader->document);
}

static const yaml_node_t *node_at(struct sl_reader *reader, int index)
{
	return yaml_document_get_node(&reader->document, index);
}

static bool same_text(const yaml_node_t *a, const yaml_node_t *b)
{
	return a->type == YAML_SCALAR_NODE && b->type == YAML_SCALAR_NODE &&
	       a->data.scalar.length == b->data.scalar.length &&
	       !memcmp(a->data.scalar.value, b->data.scalar.value, a->data.scalar.length);
}

/* The keys of a mapping are texts and each is there once. */
static bool keys_sound(struct sl_reader *reader, const yaml_node_t *map)
{
	const yaml_node_pair_t *first = map->data.mapping.pairs.start;
	size_t count = (size_t)(map->data.mapping.pairs.top - first);
	uint32_t before = reader->mistakes;

	if (count > KEYS_MAX) {
		sl_reader_wrong(reader, map, "has %zu keys, at most %d", count, KEYS_MAX);
		return false;
	}
	for (const yaml_node_pair_t *p = first; p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_at(reader, p->key), *twin = NULL;
		size_t at;

		if (!sl_reader_text(reader, key))
			continue;
		for (const yaml_node_pair_t *q = first; q < p && !twin; q++)
			twin = same_text(key, node_at(reader, q->key)) ? node_at(reader, q->key)
								       : NULL;
		if (!twin)
			continue;
		at = sl_reader_enter(reader, (const char *)key->data.scalar.value);
		sl_reader_wrong(reader, key, "is said twice (first in line %zu)",
				twin->start_mark.line + 1);
		sl_reader_leave(reader, at);
	}
	return reader->mistakes == before;
}

static void unknown_key(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *keys)
{
	size_t at = sl_reader_enter(reader, (const char *)node->data.scalar.value);
	char known[200] = "";

	for (size_t used = 0; keys->name && used < sizeof(known); keys++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", keys->name);
	sl_reader_wrong(reader, node, "unknown key; here can be: %s", known);
	sl_reader_leave(reader, at);
}

static void check_unknown(struct sl_reader *reader, const yaml_node_t *map,
			  const struct sl_reader_key *keys)
{
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		const yaml_node_t *node = node_at(reader, p->key);
		const struct sl_reader_key *key = keys;

		while (key->name && strcmp(key->name, (char *)node->data.scalar.value) != 0)
			key++;
		if (!key->name)
			unknown_key(reader, node, keys);
	}
}

static const yaml_node_t *value_of(struct sl_reader *reader, const yaml_node_t *map,
				   const char *name)
{
	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	     p < map->data.mapping.pairs.top; p++) {
		if (!strcmp((char *)node_at(reader, p->key)->data.scalar.value, name))
			return node_at(reader, p->value);
	}
	return NULL;
}

void sl_reader_map(struct sl_reader *reader, const yaml_node_t *node,
		   const struct sl_reader_key *keys, void *to)
{
	if (node->type != YAML_MAPPING_NODE)
		return sl_reader_wrong(reader, node, "keys with values are expected here");
	if (!keys_sound(reader, node))
		return;
	check_unknown(reader, node, keys);
	for (const struct sl_reader_key *key = keys; key->name; key++) {
		const yaml_node_t *value = value_of(reader, node, key->name);
		const char *why = value && key->barred ? key->barred(reader) : NULL;
		size_t at = sl_reader_enter(reader, key->name);

		if (why)
			sl_reader_wrong(reader, value, "%s", why);
		else if (value)
			key->read(reader, value, key, (char *)to + key->offset);
		else if (key->required)
			sl_reader_wrong(reader, node, "is missing");
		sl_reader_leave(reader, at);
	}
}

bool sl_reader_is_name(const char *text, const char *also)
{
	size_t length = strlen(text);

	if (!length || length >= SL_NAME_MAX || !isalnum((unsigned char)text[0]))
		return false;
	for (const char *p = text; *p; p++) {
		if (!(isalnum((unsigned char)*p) || strchr(also, *p)))
			return false;
	}
	return true;
}

void sl_reader_names(struct sl_reader *reader, const yaml_node_t *node, uint32_t max,
		     sl_reader_named each)
{
	uint32_t count = 0;

	if (node->type != YAML_MAPPING_NODE)
		return sl_reader_wrong(reader, node, "names with their keys are expected here");
	if (!keys_sound(reader, node))
		return;
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = node_at(reader, p->key);
		const char *name = (const char *)key->data.scalar.value;
		size_t at = sl_reader_enter(reader, name);

		if (++count == max + 1)
			sl_reader_wrong(reader, key, "is one too many: at most %u", max);
		else if (!sl_reader_is_name(name, "-_"))
			sl_reader_wrong(reader, key,
					"is no name: letters, digits, - and _, at "
					"most 31");
		else if (count <= max)
			each(reader, name, node_at(reader, p->value));
		sl_reader_leave(reader, at);
	}
}

void sl_reader_list(struct sl_reader *reader, const yaml_node_t *node,
		    const struct sl_reader_list *list, void *to)
{
	const yaml_node_item_t *item;
	size_t count;

	if (node->type == YAML_SCALAR_NODE && list->scalar_too)
		return list->each(reader, node, to);
	if (node->type != YAML_SEQUENCE_NODE)
		return sl_reader_wrong(reader, node, "a list is expected here");
	item = node->data.sequence.items.start;
	count = (size_t)(node->data.sequence.items.top - item);
	if (!count)
		return sl_reader_wrong(reader, node, "is an empty list");
	if (count > list->max)
		return sl_reader_wrong(reader, node, "has %zu entries, at most %u", count,
				       list->max);
	for (; item < node->data.sequence.items.top; item++)
		list->each(reader, node_at(reader, *item), to);
}

static const char *unit_example(const struct sl_unit *units)
{
	return units == sl_units_rate    ? "a rate such as 40mbit (bit, kbit, mbit, gbit)"
	       : units == sl_units_bytes ? "an amount such as 5GB (B, KB, MB, GB, TB)"
	       : units == sl_units_time  ? "a time such as 80ms (us, ms, s, min)"
	       : units == sl_units_span  ? "a time such as 7d (s, min, h, d)"
	       : units == sl_units_share ? "a share such as 0.5%"
					 : "a whole number";
}

static bool number_ok(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, uint64_t *value)
{
	const char *text = sl_reader_text(reader, node);
	char min[SL_UNITS_TEXT_MAX], max[SL_UNITS_TEXT_MAX];

	if (!text)
		return false;
	if (!(key->units ? sl_units_read(text, key->units, value)
			 : sl_units_read_whole(text, value))) {
		sl_reader_wrong(reader, node, "\"%.40s\" is not %s", text,
				unit_example(key->units));
		return false;
	}
	if (*value >= key->min && *value <= key->max)
		return true;
	if (key->units) {
		sl_units_write(key->min, key->units, min);
		sl_units_write(key->max, key->units, max);
	} else {
		snprintf(min, sizeof(min), "%llu", (unsigned long long)key->min);
		snprintf(max, sizeof(max), "%llu", (unsigned long long)key->max);
	}
	sl_reader_wrong(reader, node, "%.40s is out of range: %s to %s", text, min, max);
	return false;
}

void sl_reader_number(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to)
{
	uint64_t value;

	if (number_ok(reader, node, key, &value))
		*(uint64_t *)to = value;
}

void sl_reader_number32(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to)
{
	uint64_t value;

	if (number_ok(reader, node, key, &value))
		*(uint32_t *)to = (uint32_t)value;
}

void sl_reader_time_ms(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_reader_key *key, void *to)
{
	const uint64_t ns = 1000000;
	struct sl_reader_key in_ns = *key;
	uint64_t value;

	in_ns.units = sl_units_time;
	in_ns.min = key->min * ns;
	in_ns.max = key->max * ns;
	if (!number_ok(reader, node, &in_ns, &value))
		return;
	if (value % ns)
		return sl_reader_wrong(reader, node, "is finer than 1ms");
	*(uint32_t *)to = (uint32_t)(value / ns);
}

void sl_reader_word(struct sl_reader *reader, const yaml_node_t *node,
		    const struct sl_reader_key *key, void *to)
{
	const char *const *words = key->units, *text = sl_reader_text(reader, node);
	char known[120] = "";
	size_t used = 0;

	if (!text)
		return;
	for (uint32_t i = 0; words[i]; i++) {
		if (!strcmp(text, words[i])) {
			*(uint32_t *)to = i;
			return;
		}
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", words[i]);
	}
	sl_reader_wrong(reader, node, "\"%.40s\" is not one of %s", text, known);
}
