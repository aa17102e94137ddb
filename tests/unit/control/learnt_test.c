/*
 * learnt_test.c - memory added up, and a file of it that nobody vouches for
 */
#include "tests/unit/row.h"

#include "control/cli/learnt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY(helped, more)                                                                    \
	"{\"fingerprint\":\"f\",\"remedy\":\"reroute\",\"target\":\"lte\",\"helped\":" #helped \
	",\"failed\":1,\"repair_ms\":1000,\"last_unix_ns\":9" more "}"
#define FILE_OF(entries) \
	"{\"storeline_memory\":1,\n\"sites\":[{\"site\":\"a\",\"entries\":[" entries "]}]}\n"

static char folder[] = "/tmp/sl-learnt-XXXXXX", file[64];

static const struct row {
	const char *name, *text;
	int err;
	const char *why; /* after the file's name; or the site when it is good */
	uint32_t entries;
} rows[] = {
	{"one entry", FILE_OF(ENTRY(3, "")), 0, "imported-north-1", 1},
	{"nothing", "{\"storeline_memory\":1,\"sites\":[]}", 0, "imported-north-1", 0},
	{"two sites of one kind are added up",
	 "{\"storeline_memory\":1,\"sites\":[{\"entries\":[" ENTRY(3, "") "]},{\"entries\":[" ENTRY(
		 1, "") "]}]}",
	 0, "imported-north-1", 1},
	{"no JSON: line and column", "{\"storeline_memory\":1,\n\"sites\":[}", -1,
	 ":2:10: unexpected token near '}'", 0},
	{"nothing at all", "", -1, ":1:0: '[' or '{' expected near end of file", 0},
	{"another file", "{\"sites\":[]}", -1, ": storeline_memory: is not 1", 0},
	{"another version", "{\"storeline_memory\":2,\"sites\":[]}", -1,
	 ": storeline_memory: is not 1", 0},
	{"no sites", "{\"storeline_memory\":1}", -1, ": sites: is no list", 0},
	{"a list as the whole", "[1]", -1, ": storeline_memory: is not 1", 0},
	{"a site without entries", "{\"storeline_memory\":1,\"sites\":[7]}", -1,
	 ": sites[0].entries: is no list", 0},
	{"an entry that is none", FILE_OF("7"), -1, ": sites[0].entries[0]: is no object", 0},
	{"a key missing", FILE_OF("{\"fingerprint\":\"f\"}"), -1,
	 ": sites[0].entries[0].remedy: is missing", 0},
	{"an unknown key", FILE_OF(ENTRY(1, ",\"hurt\":1")), -1,
	 ": sites[0].entries[0].hurt: is not known", 0},
	{"a count below 0", FILE_OF(ENTRY(-1, "")), -1,
	 ": sites[0].entries[0].helped: is missing, or is not a whole number", 0},
	{"a count too large", FILE_OF(ENTRY(4294967296, "")), -1,
	 ": sites[0].entries[0].helped: is missing, or is not a whole number", 0},
	{"a count that is no whole number", FILE_OF(ENTRY(1.5, "")), -1,
	 ": sites[0].entries[0].helped: is missing, or is not a whole number", 0},
	{"the second entry", FILE_OF(ENTRY(1, "") "," ENTRY(-1, "")), -1,
	 ": sites[0].entries[1].helped: ", 0},
	{"an escape in a name", FILE_OF("{\"fingerprint\":\"\\u001b[2J\"}"), -1,
	 ": sites[0].entries[0].fingerprint: has a control character", 0},
	{"a name too long",
	 FILE_OF("{\"fingerprint\":\"f\",\"remedy\":\"0123456789012345678901234567890123\"}"), -1,
	 ": sites[0].entries[0].remedy: is too long", 0},
	{"a key twice", FILE_OF(ENTRY(1, ",\"helped\":2")), -1, ":2:", 0},
};

static void write_file(const char *text)
{
	FILE *to = fopen(file, "w");

	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static void read_file(void **state)
{
	static struct sl_memory_report report;
	const struct row *row = *state;
	char why[SL_TEXT_MAX * 2] = "";
	uint32_t left_out = 7;

	memset(&report, 0, sizeof(report));
	write_file(row->text);
	assert_int_equal(sl_learnt_read(&report, file, &left_out, why), row->err);
	if (row->err) {
		assert_memory_equal(why, file, strlen(file));
		if (strncmp(why + strlen(file), row->why, strlen(row->why)) != 0)
			print_message("%s\n", why);
		assert_memory_equal(why + strlen(file), row->why, strlen(row->why));
		assert_int_equal(report.entries, 0);
		return;
	}
	assert_string_equal(report.site, row->why);
	assert_int_equal(report.entries, row->entries);
	assert_int_equal(left_out, 0);
}

/* Counts add up; the mean repair is weighed by what helped; the last is the last. */
static void sums(void **state)
{
	const struct sl_memory_entry a = {"f", "reroute", "lte", 3, 1, 1000, 5};
	const struct sl_memory_entry b = {"f", "reroute", "lte", 1, 0, 5000, 9};
	struct sl_learnt *list = NULL;
	uint32_t count = 0;

	assert_int_equal(sl_learnt_add(&list, &count, &a), 0);
	assert_int_equal(sl_learnt_add(&list, &count, &b), 0);
	assert_int_equal(count, 1);
	assert_int_equal(list[0].sites, 2);
	assert_int_equal(list[0].entry.helped, 4);
	assert_int_equal(list[0].entry.failed, 1);
	assert_int_equal(list[0].entry.repair_ms, 2000);
	assert_int_equal(list[0].entry.last_unix_ns, 9);
	assert_true(sl_learnt_chance(&list[0].entry) > 0.71 &&
		    sl_learnt_chance(&list[0].entry) < 0.72);
	free(list);
}

static void order(void **state)
{
	const struct sl_memory_entry entries[] = {{"f", "throttle", "", 0, 2, 0, 1},
						  {"f", "reroute", "lte", 2, 0, 1, 1},
						  {"e", "notify", "", 0, 0, 0, 1}};
	struct sl_learnt *list = NULL;
	uint32_t count = 0;

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(sl_learnt_add(&list, &count, &entries[i]), 0);
	sl_learnt_sort(list, count);
	assert_string_equal(list[0].entry.remedy, "notify");
	assert_string_equal(list[1].entry.remedy, "reroute");
	assert_string_equal(list[2].entry.remedy, "throttle");
	free(list);
}

/* More kinds than a site may have: those tried most are kept. */
static void too_many(void **state)
{
	static struct sl_memory_report report;
	char why[SL_TEXT_MAX * 2] = "";
	FILE *to = fopen(file, "w");
	uint32_t left_out;

	assert_non_null(to);
	fputs("{\"storeline_memory\":1,\"sites\":[{\"entries\":[", to);
	for (int i = 0; i < SL_WIRE_MEMORIES_MAX + 10; i++)
		fprintf(to,
			"%s{\"fingerprint\":\"f%d\",\"remedy\":\"r\",\"target\":\"\",\"helped\":%d,"
			"\"failed\":0,\"repair_ms\":0,\"last_unix_ns\":0}",
			i ? "," : "", i, i);
	fputs("]}]}", to);
	fclose(to);
	assert_int_equal(sl_learnt_read(&report, file, &left_out, why), 0);
	assert_int_equal(report.entries, SL_WIRE_MEMORIES_MAX);
	assert_int_equal(left_out, 10);
	for (uint32_t i = 0; i < report.entries; i++)
		assert_true(report.entry[i].helped >= 10);
}

int main(void)
{
	struct sl_row_tests *tests;
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(file, sizeof(file), "%s/north 1.json", folder);
	tests = calloc(1, sizeof(*tests));
	SL_ROWS_ADD(tests, rows, read_file);
	sl_row_add(tests, "sums", sums, NULL);
	sl_row_add(tests, "order", order, NULL);
	sl_row_add(tests, "more than there is room for", too_many, NULL);
	failed = sl_row_run("control learnt", tests);
	unlink(file);
	rmdir(folder);
	free(tests);
	return failed;
}
