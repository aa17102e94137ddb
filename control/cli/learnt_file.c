/*
 * learnt_file.c - a file of memory, read and checked whole
 *
 * It may come from another retailer's fleet: what is unknown, missing, out of range or too
 * long is refused, with its place.  jansson tells line and column of bad JSON only; of a bad
 * value its place is told as sites[0].entries[3].helped.
 */
#include "learnt.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FILE_VERSION 1
#define SITE_PREFIX  "imported-"

/* Where in the file we are, and what is wrong there. */
struct reading {
	const char *file;
	char *why; /* SL_TEXT_MAX * 2 */
	size_t site, entry;
};

static int wrong(const struct reading *at, const char *key, const char *what)
{
	snprintf(at->why, SL_TEXT_MAX * 2, "%s: sites[%zu].entries[%zu]%s%s: %s", at->file,
		 at->site, at->entry, key[0] ? "." : "", key, what);
	return -1;
}

static int read_text(const struct reading *at, const json_t *from, const char *key, char *to,
		     size_t size, bool needed)
{
	const char *text = json_string_value(json_object_get(from, key));

	if (!text || (needed && !*text))
		return wrong(at, key, "is missing, or is no text");
	if (strlen(text) >= size)
		return wrong(at, key, "is too long");
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return wrong(at, key, "has a control character");
	snprintf(to, size, "%s", text);
	return 0;
}

static int read_number(const struct reading *at, const json_t *from, const char *key, uint64_t most,
		       uint64_t *to)
{
	const json_t *value = json_object_get(from, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most)
		return wrong(at, key, "is missing, or is not a whole number in its range");
	*to = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_entry(const struct reading *at, const json_t *from, struct sl_memory_entry *to)
{
	static const char *const known[] = {"fingerprint", "remedy",    "target",      "helped",
					    "failed",      "repair_ms", "last_unix_ns"};
	uint64_t helped, failed, repair;
	const char *key;
	json_t *value;

	if (!json_is_object(from))
		return wrong(at, "", "is no object");
	json_object_foreach((json_t *)(uintptr_t)from, key, value)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], key) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return wrong(at, key, "is not known");
	}
	if (read_text(at, from, "fingerprint", to->fingerprint, sizeof(to->fingerprint), true) ||
	    read_text(at, from, "remedy", to->remedy, sizeof(to->remedy), true) ||
	    read_text(at, from, "target", to->target, sizeof(to->target), false) ||
	    read_number(at, from, "helped", UINT32_MAX, &helped) ||
	    read_number(at, from, "failed", UINT32_MAX, &failed) ||
	    read_number(at, from, "repair_ms", UINT32_MAX, &repair) ||
	    read_number(at, from, "last_unix_ns", INT64_MAX, &to->last_unix_ns))
		return -1;
	to->helped = (uint32_t)helped;
	to->failed = (uint32_t)failed;
	to->repair_ms = (uint32_t)repair;
	return 0;
}

static int read_all(struct reading *at, const json_t *sites, struct sl_learnt **list,
		    uint32_t *count)
{
	json_t *site, *entry;

	json_array_foreach((json_t *)(uintptr_t)sites, at->site, site)
	{
		const json_t *entries = json_object_get(site, "entries");

		if (!json_is_array(entries)) {
			snprintf(at->why, SL_TEXT_MAX * 2, "%s: sites[%zu].entries: is no list",
				 at->file, at->site);
			return -1;
		}
		json_array_foreach((json_t *)(uintptr_t)entries, at->entry, entry)
		{
			struct sl_memory_entry read = {.helped = 0};

			if (read_entry(at, entry, &read))
				return -1;
			if (sl_learnt_add(list, count, &read)) {
				snprintf(at->why, SL_TEXT_MAX * 2, "%s: out of memory", at->file);
				return -1;
			}
		}
	}
	return 0;
}

static int most_tried(const void *left, const void *right)
{
	const struct sl_memory_entry *a = &((const struct sl_learnt *)left)->entry;
	const struct sl_memory_entry *b = &((const struct sl_learnt *)right)->entry;
	uint64_t tried_a = (uint64_t)a->helped + a->failed,
		 tried_b = (uint64_t)b->helped + b->failed;

	return tried_a < tried_b ? 1 : tried_a > tried_b ? -1 : 0;
}

/* imported-FILE, of what a site's name may be made of. */
static void name_site(struct sl_memory_report *report, const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	size_t length = strcspn(base, "."), at = strlen(SITE_PREFIX);

	snprintf(report->site, sizeof(report->site), "%s", SITE_PREFIX);
	for (size_t i = 0; i < length && at + 1 < sizeof(report->site); i++) {
		bool plain = (base[i] >= '0' && base[i] <= '9') ||
			     ((base[i] | 0x20) >= 'a' && (base[i] | 0x20) <= 'z') ||
			     base[i] == '-' || base[i] == '_';

		report->site[at++] = plain ? base[i] : '-';
	}
	report->site[at] = '\0';
}

static void keep(struct sl_memory_report *report, struct sl_learnt *list, uint32_t count,
		 uint32_t *left_out)
{
	if (count > SL_WIRE_MEMORIES_MAX)
		qsort(list, count, sizeof(*list), most_tried);
	report->entries = count < SL_WIRE_MEMORIES_MAX ? count : SL_WIRE_MEMORIES_MAX;
	*left_out = count - report->entries;
	for (uint32_t i = 0; i < report->entries; i++)
		report->entry[i] = list[i].entry;
}

int sl_learnt_read(struct sl_memory_report *report, const char *file, uint32_t *left_out,
		   char why[SL_TEXT_MAX * 2])
{
	struct reading at = {.file = file, .why = why};
	struct sl_learnt *list = NULL;
	uint32_t count = 0;
	json_error_t error;
	json_t *all = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	int err = -1;

	if (!all && error.line < 1)
		snprintf(why, SL_TEXT_MAX * 2, "%s: %s", file, error.text);
	else if (!all)
		snprintf(why, SL_TEXT_MAX * 2, "%s:%d:%d: %s", file, error.line, error.column,
			 error.text);
	else if (json_integer_value(json_object_get(all, "storeline_memory")) != FILE_VERSION)
		snprintf(why, SL_TEXT_MAX * 2,
			 "%s: storeline_memory: is not %d: no file that `storeline memory export` "
			 "wrote",
			 file, FILE_VERSION);
	else if (!json_is_array(json_object_get(all, "sites")))
		snprintf(why, SL_TEXT_MAX * 2, "%s: sites: is no list", file);
	else
		err = read_all(&at, json_object_get(all, "sites"), &list, &count);
	json_decref(all);
	if (!err) {
		name_site(report, file);
		keep(report, list, count, left_out);
	}
	free(list);
	return err;
}
