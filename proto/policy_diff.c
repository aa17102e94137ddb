/*
 * policy_diff.c - what changes from one policy to another, in plain words
 *
 * Compares the two flat lists by path.  The elements of a match have no order, so
 * one is added or removed; of a port, uplink, service or engine that is gone only
 * its name is said.  The order of sections is said when nothing else tells it.  Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_list.h"

/* Keys of these have a value with or without their section. */
static bool is_settings(const char *path)
{
	return !strncmp(path, "guardrails.", 11) || !strncmp(path, "probes.", 7) ||
	       !strncmp(path, "recorder.", 9);
}

/* Length of "services.pos" in "services.pos.slo.loss", of "engine" in its keys; 0 when there is no such part. */
static size_t section_length(const char *path)
{
	const char *dot = strchr(path, '.');

	if (!dot || is_settings(path))
		return 0;
	if (!strncmp(path, "engine.", 7) || !strncmp(path, "reflector.", 10))
		return (size_t)(dot - path);
	return (size_t)(dot - path) + 1 + strcspn(dot + 1, ".");
}

static bool has_section(const struct sl_leaves *in, const char *path)
{
	size_t length = section_length(path);

	if (!length)
		return true;
	for (size_t i = 0; i < in->count; i++) {
		if (section_length(in->leaf[i].path) == length &&
		    !memcmp(in->leaf[i].path, path, length))
			return true;
	}
	return false;
}

/* The leaf of @in that @leaf is compared with; NULL = none. */
static const struct sl_leaf *twin_of(const struct sl_leaves *in, const struct sl_leaf *leaf)
{
	for (size_t i = 0; i < in->count; i++) {
		if (strcmp(in->leaf[i].path, leaf->path) != 0)
			continue;
		if (!leaf->item || !strcmp(in->leaf[i].value, leaf->value))
			return &in->leaf[i];
	}
	return NULL;
}

/* Is leaf @index the first of its section? */
static bool begins_section(const struct sl_leaves *in, size_t index)
{
	size_t length = section_length(in->leaf[index].path);

	return !index || section_length(in->leaf[index - 1].path) != length ||
	       memcmp(in->leaf[index - 1].path, in->leaf[index].path, length) != 0;
}

static void print_gone(FILE *out, const struct sl_leaves *before, const struct sl_leaves *after)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct sl_leaf *leaf = &before->leaf[i], *twin = twin_of(after, leaf);

		if (!has_section(after, leaf->path)) {
			if (begins_section(before, i))
				fprintf(out, "%.*s: removed\n", (int)section_length(leaf->path),
					leaf->path);
		} else if (!twin) {
			fprintf(out, "%s: removed %s\n", leaf->path, leaf->value);
		} else if (strcmp(twin->value, leaf->value) != 0) {
			fprintf(out, "%s: %s -> %s\n", leaf->path, leaf->value, twin->value);
		}
	}
}

static void print_new(FILE *out, const struct sl_leaves *before, const struct sl_leaves *after)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct sl_leaf *leaf = &after->leaf[i];

		if (!has_section(before, leaf->path) && begins_section(after, i))
			fprintf(out, "%.*s: added\n", (int)section_length(leaf->path), leaf->path);
		if (!twin_of(before, leaf))
			fprintf(out, "%s: added %s\n", leaf->path, leaf->value);
	}
}

struct names {
	char text[SL_WIRE_SERVICES_MAX * (SL_NAME_MAX + 2)];
	size_t used;
	uint32_t count;
};

static void add_name(struct names *names, const char *name)
{
	names->used +=
		(size_t)snprintf(names->text + names->used, sizeof(names->text) - names->used,
				 "%s%s", names->used ? ", " : "", name);
	names->count++;
}

/* The names of one kind of section ("services.") that @other has too, in order. */
static void names_of(const struct sl_leaves *leaves, const struct sl_leaves *other,
		     const char *kind, struct names *names)
{
	char name[SL_NAME_MAX];
	size_t skip = strlen(kind);

	*names = (struct names){.used = 0};
	for (size_t i = 0; i < leaves->count; i++) {
		const char *path = leaves->leaf[i].path;

		if (strncmp(path, kind, skip) != 0 || !begins_section(leaves, i) ||
		    !has_section(other, path))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(section_length(path) - skip),
			 path + skip);
		add_name(names, name);
	}
}

static void print_order(FILE *out, const struct sl_leaves *before, const struct sl_leaves *after,
			const char *kind)
{
	struct names a, b;

	names_of(before, after, kind, &a);
	names_of(after, before, kind, &b);
	if (strcmp(a.text, b.text) != 0)
		fprintf(out, "%.*s: order %s -> %s\n", (int)strlen(kind) - 1, kind, a.text, b.text);
}

static char *print_all(const struct sl_leaves *before, const struct sl_leaves *after)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_gone(out, before, after);
	print_new(out, before, after);
	print_order(out, before, after, "ports.");
	print_order(out, before, after, "uplinks.");
	print_order(out, before, after, "services.");
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

char *sl_policy_diff(const struct sl_policy *before, const struct sl_policy *after)
{
	struct sl_leaves a, b;
	char *text;

	if (sl_leaves_open(&a, before))
		return NULL;
	if (sl_leaves_open(&b, after)) {
		sl_leaves_close(&a);
		return NULL;
	}
	text = print_all(&a, &b);
	sl_leaves_close(&a);
	sl_leaves_close(&b);
	return text;
}
