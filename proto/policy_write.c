/*
 * policy_write.c - a policy as canonical YAML: the flat list with its paths unfolded
 *
 * Pure: any thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_list.h"

#define PARTS_MAX 5

/* "a.b.c" as its parts. */
struct parts {
	char part[PARTS_MAX][SL_NAME_MAX];
	int count;
};

static void split(const char *path, struct parts *parts)
{
	parts->count = 0;
	while (*path && parts->count < PARTS_MAX) {
		size_t length = strcspn(path, ".");

		snprintf(parts->part[parts->count++], SL_NAME_MAX, "%.*s", (int)length, path);
		path += length + (path[length] == '.');
	}
}

static int shared_parts(const struct parts *a, const struct parts *b)
{
	int shared = 0;

	while (shared < a->count && shared < b->count && !strcmp(a->part[shared], b->part[shared]))
		shared++;
	return shared;
}

/* Only the keys that @before has not opened yet. */
static void write_leaf(FILE *out, const struct sl_leaf *leaf, const struct parts *parts,
		       const struct parts *before)
{
	for (int i = shared_parts(parts, before); i < parts->count; i++) {
		fprintf(out, "%*s%s:", i * 2, "", parts->part[i]);
		if (i < parts->count - 1 || leaf->item)
			fputc('\n', out);
	}
	if (leaf->item)
		fprintf(out, "%*s- %s\n", parts->count * 2, "", leaf->value);
	else
		fprintf(out, " %s\n", leaf->value);
}

char *sl_policy_write(const struct sl_policy *policy)
{
	struct parts parts, before = {.count = 0};
	struct sl_leaves leaves;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (sl_leaves_open(&leaves, policy))
		return NULL;
	out = open_memstream(&text, &size);
	for (size_t i = 0; out && i < leaves.count; i++) {
		split(leaves.leaf[i].path, &parts);
		write_leaf(out, &leaves.leaf[i], &parts, &before);
		before = parts;
	}
	sl_leaves_close(&leaves);
	if (out && !fclose(out))
		return text;
	free(text);
	return NULL;
}
