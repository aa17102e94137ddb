/*
 * start.c - the file, the state directory, the pinned tables: what goes on
 */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "compile.h"
#include "crc32.h"
#include "files.h"
#include "knobs.h"
#include "log.h"

static int read_file(const char *file, char *yaml, char *why, size_t why_size)
{
	const char *slash = strrchr(file, '/');
	char dir[SL_FILES_PATH_MAX];
	long got;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - file) : 1, slash ? file : ".");
	got = sl_files_read_text(slash == file ? "" : dir, slash ? slash + 1 : file, yaml,
				 SL_POLICY_BYTES_MAX);
	if (got >= 0)
		return 0;
	snprintf(why, why_size, "%s: %s", file,
		 got == -EFBIG ? "a policy has at most 64 KiB" : strerror((int)-got));
	return (int)got;
}

/* The applied policy, when it can stand in for @file's: same site, and readable. */
static bool read_applied(struct sl_start *s, char *yaml)
{
	static struct sl_policy policy;
	char why[SL_TEXT_MAX];

	if (sl_files_read_text(s->ledger.dir, "policy.yaml", yaml, SL_POLICY_BYTES_MAX) <= 0)
		return false;
	if (sl_policy_read(&policy, yaml, strlen(yaml), "policy.yaml", why, sizeof(why))) {
		sl_log(SL_LOG_WARN, "state", "file=policy.yaml what=unreadable why=\"%s\"", why);
		return false;
	}
	s->before = policy;
	s->has_before = true;
	return strcmp(policy.site, s->policy.site) == 0;
}

static void take_applied(struct sl_start *s, const char *yaml)
{
	s->policy = s->before;
	memcpy(s->yaml, yaml, sizeof(s->yaml));
	s->from_state = true;
	if (sl_files_read_text(s->ledger.dir, "previous.yaml", s->previous, sizeof(s->previous)) <
	    0)
		s->previous[0] = 0;
}

int sl_start_policy(struct sl_start *s, const char *file, const char *state_dir, char *why,
		    size_t why_size)
{
	static char applied[SL_POLICY_BYTES_MAX];
	int err;

	memset(s, 0, sizeof(*s));
	err = read_file(file, s->yaml, why, why_size);
	if (!err)
		err = sl_policy_read(&s->policy, s->yaml, strlen(s->yaml), file, why, why_size);
	if (err)
		return err;
	uint32_t crc = sl_crc32(0, s->yaml, strlen(s->yaml));

	if (sl_files_make_dir(state_dir))
		sl_log(SL_LOG_WARN, "state", "dir=%s why=\"%s\"", state_dir, strerror(errno));
	bool known = sl_ledger_open(&s->ledger, state_dir);

	if (read_applied(s, applied)) {
		if (known && s->ledger.data.file_crc == crc)
			take_applied(s, applied);
		else
			memcpy(s->previous, applied, sizeof(s->previous));
	}
	uint64_t version = s->ledger.data.policy_version;

	if (s->from_state)
		s->policy.version = version ? version : 1;
	else if (s->policy.version == 0 || s->policy.version < version)
		s->policy.version = version + 1;
	s->ledger.data.file_crc = crc;
	return 0;
}

int sl_start_tables(struct sl_start *start, const struct sl_tables *standing, uint32_t flows,
		    struct sl_tables *tables, char *why)
{
	struct sl_tables t;
	int err = sl_compile(&t, &start->policy, flows, why);

	if (err)
		return err;
	if (standing && start->has_before && standing->services == start->before.services + 1)
		sl_compile_carry(&t, &start->policy, standing, &start->before);
	else if (standing)
		t.generation = standing->generation + 1;
	/* Not guessable from outside: a flood of colliding flows would crowd one bucket. */
	if (t.hash_seed == 0 && getrandom(&t.hash_seed, sizeof(t.hash_seed), GRND_NONBLOCK) !=
					(ssize_t)sizeof(t.hash_seed))
		t.hash_seed = 0;
	if (!standing) {
		memset(start->ledger.data.service, 0, sizeof(start->ledger.data.service));
		memset(start->ledger.data.uplink, 0, sizeof(start->ledger.data.uplink));
	}
	t.knobs.bypass = start->ledger.data.bypassed;
	*tables = t;
	return 0;
}
