/*
 * start_test.c - which policy stands after a start, and which settings with it
 */
#include "memory_engine.h"

#include "dataplane/files.h"
#include "dataplane/start.h"
#include "tests/unit/row.h"

static struct sl_start now;
static char why[1024];

static void write_text(const char *dir, const char *name, const char *text)
{
	assert_int_equal(sl_files_replace(dir, name, text, strlen(text)), 0);
}

static int start(const char *dir)
{
	static char state[512]; /* the ledger keeps it by reference */
	char file[512];

	snprintf(file, sizeof(file), "%s/site.yaml", dir);
	snprintf(state, sizeof(state), "%s/state", dir);
	return sl_start_policy(&now, file, state, why, sizeof(why));
}

/* As the agent does when it is up. */
static void keep(uint64_t version)
{
	now.ledger.data.policy_version = version;
	assert_int_equal(sl_ledger_save(&now.ledger), 0);
	write_text(now.ledger.dir, "policy.yaml", now.yaml);
}

static void bad(void **state)
{
	char *dir = make_dir();

	assert_int_equal(start(dir), -ENOENT);
	assert_non_null(strstr(why, "site.yaml: No such file"));
	write_text(dir, "site.yaml", "site: s\nmood: good\n");
	assert_int_equal(start(dir), -EINVAL);
	assert_non_null(strstr(why, "site.yaml:2:1: mood"));
	remove_dir(dir);
}

static void applied_goes_on(void **state)
{
	char *dir = make_dir();
	char applied[4096];

	write_text(dir, "site.yaml", STORE_YAML);
	assert_int_equal(start(dir), 0);
	assert_false(now.from_state);
	assert_true(now.policy.version == 1);
	keep(1);
	/* `policy apply` made another of it. */
	snprintf(applied, sizeof(applied), "%s", STORE_YAML);
	memcpy(strstr(applied, "203.0.113.0/24"), "203.0.113.9/32", 14);
	write_text(now.ledger.dir, "policy.yaml", applied);
	now.ledger.data.policy_version = 2;
	sl_ledger_save(&now.ledger);
	assert_int_equal(start(dir), 0);
	assert_true(now.from_state);
	assert_string_equal(now.yaml, applied);
	assert_true(now.policy.version == 2);
	/* The operator edits the file: that is the newer word. */
	snprintf(applied, sizeof(applied), "%s", STORE_YAML);
	memcpy(strstr(applied, "203.0.113.0/24"), "203.0.113.8/32", 14);
	write_text(dir, "site.yaml", applied);
	assert_int_equal(start(dir), 0);
	assert_false(now.from_state);
	assert_string_equal(now.yaml, applied);
	assert_true(now.policy.version == 3);
	assert_non_null(strstr(now.previous, "203.0.113.9/32"));
	remove_dir(dir);
}

static void settings_stay(void **state)
{
	char *dir = make_dir();
	struct sl_tables first, second;

	write_text(dir, "site.yaml", STORE_YAML);
	assert_int_equal(start(dir), 0);
	assert_int_equal(sl_start_tables(&now, NULL, 4096, &first, why), 0);
	assert_true(first.hash_seed != 0);
	keep(1);
	first.knobs.steer[POS].uplink = LTE;
	first.knobs.steer[POS].move_epoch = 3;
	first.knobs.rate[GUEST][1].ns_per_kib = 77;
	first.generation = 12;
	assert_int_equal(start(dir), 0);
	assert_int_equal(sl_start_tables(&now, &first, 4096, &second, why), 0);
	assert_int_equal(second.knobs.steer[POS].uplink, LTE);
	assert_int_equal(second.knobs.steer[POS].move_epoch, 3);
	assert_int_equal(second.knobs.rate[GUEST][1].ns_per_kib, 77);
	assert_true(second.hash_seed == first.hash_seed);
	assert_true(second.generation == 13);
	remove_dir(dir);
}

static void bypass_stays(void **state)
{
	char *dir = make_dir();
	struct sl_tables tables;

	write_text(dir, "site.yaml", STORE_YAML);
	assert_int_equal(start(dir), 0);
	now.ledger.data.bypassed = true;
	keep(1);
	assert_int_equal(start(dir), 0);
	assert_int_equal(sl_start_tables(&now, NULL, 4096, &tables, why), 0);
	assert_int_equal(tables.knobs.bypass, 1);
	remove_dir(dir);
}

static void spoilt_state(void **state)
{
	char *dir = make_dir();

	write_text(dir, "site.yaml", STORE_YAML);
	assert_int_equal(start(dir), 0);
	keep(1);
	write_text(now.ledger.dir, "policy.yaml", "site: [broken\n");
	assert_int_equal(start(dir), 0);
	assert_false(now.from_state);
	assert_string_equal(now.yaml, STORE_YAML);
	remove_dir(dir);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	sl_row_add(&tests, "no file, bad file", bad, NULL);
	sl_row_add(&tests, "an applied policy goes on until the file changes", applied_goes_on,
		   NULL);
	sl_row_add(&tests, "moves and limits of pinned tables stay", settings_stay, NULL);
	sl_row_add(&tests, "bypass outlives a reboot", bypass_stays, NULL);
	sl_row_add(&tests, "an unreadable applied policy gives way to the file", spoilt_state,
		   NULL);
	return sl_row_run("start", &tests);
}
