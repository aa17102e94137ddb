/*
 * state_test.c - what survives: inbox, outbox, the state file
 */
#include "tests/unit/row.h"

#include "control/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- inbox: events as "boot:seq" or "boot:seq-lost" (a GAP), and the answer to each:
 * T taken, O old, A ahead.  Each is 100 ms after the one before; '~' is 10 s. --- */
static const struct inbox_row {
	const char *name, *events, *answers;
	uint64_t boot, seq, missed;
} inbox_rows[] = {
	{"in order", "1:1 1:2 1:3", "TTT", 1, 3, 0},
	{"again", "1:1 1:1 1:2 1:1", "TOTO", 1, 2, 0},
	{"a hole waits for the resend", "1:1 1:3 1:2 1:3", "TATT", 1, 3, 0},
	{"a GAP covers it", "1:1 1:5-3 1:6", "TTT", 1, 6, 0},
	{"a GAP that does not reach is ahead", "1:1 1:7-2", "TA", 1, 1, 0},
	{"a GAP from the beginning", "1:9-8", "T", 1, 9, 0},
	{"a new spool begins at one", "1:1 1:2 2:1 2:2", "TTTT", 2, 2, 0},
	{"what the old one said stays old", "1:1 2:1 1:1 1:2 2:2", "TTOOT", 2, 2, 0},
	{"a hole nobody fills is given up, and counted", "1:1 1:4 1:4 ~ 1:4 1:5", "TAATT", 1, 5, 2},
	{"but not at once", "1:1 1:4 1:4 1:4", "TAAA", 1, 1, 0},
};

static void inbox(void **state)
{
	const struct inbox_row *row = *state;
	const char *answer = row->answers, *at = row->events;
	struct sl_inbox kept = {0};
	uint64_t now_ms = 1000;
	int used;

	for (; *at; at += strspn(at, " ")) {
		struct sl_event event = {.kind = SL_EVENT_STATE_CHANGE};

		if (*at == '~') {
			now_ms += SL_INBOX_STUCK_MS;
			at++;
			continue;
		}
		assert_int_equal(sscanf(at, "%lu:%lu%n", &event.boot, &event.seq, &used), 2);
		at += used;
		if (*at == '-') {
			event.kind = SL_EVENT_GAP;
			event.lost = strtoull(at + 1, (char **)&at, 10);
		}
		now_ms += 100;
		assert_int_equal("TOA"[sl_inbox_take(&kept, &event, now_ms)], *answer++);
	}
	assert_int_equal(*answer, 0);
	assert_int_equal(kept.now.boot, row->boot);
	assert_int_equal(kept.now.seq, row->seq);
	assert_int_equal(kept.missed, row->missed);
}

static void inbox_remembers(void **state)
{
	struct sl_inbox kept = {0};
	struct sl_event event = {.boot = 5, .seq = 40};

	sl_inbox_remember(&kept, 5, 40);
	assert_int_equal(sl_inbox_take(&kept, &event, 1), SL_INBOX_OLD);
	event.seq = 41;
	assert_int_equal(sl_inbox_take(&kept, &event, 1), SL_INBOX_TAKE);
	sl_inbox_remember(&kept, 5, 3);
	assert_int_equal(kept.now.seq, 41);
}

static void outbox_counts_what_it_drops(void **state)
{
	struct sl_outbox *outbox = calloc(1, sizeof(*outbox));
	struct sl_event event = {.kind = SL_EVENT_DECISION, .source = "control"};
	uint64_t covered = 0;

	outbox->boot = 9;
	for (unsigned int i = 0; i < SL_OUTBOX_MAX + 50; i++)
		assert_int_equal(sl_outbox_add(outbox, &event)->seq, i + 1);
	assert_int_equal(outbox->count, SL_OUTBOX_MAX);
	assert_int_equal(outbox->event[0].kind, SL_EVENT_GAP);
	assert_int_equal(outbox->event[0].seq - outbox->event[0].lost, 1);
	for (uint32_t i = 0; i < outbox->count; i++)
		covered += 1 + outbox->event[i].lost;
	assert_int_equal(covered, SL_OUTBOX_MAX + 50);
	sl_outbox_taken(outbox, outbox->event[3].seq);
	assert_int_equal(outbox->count, SL_OUTBOX_MAX - 1);
	sl_outbox_taken(outbox, 1);
	assert_int_equal(outbox->count, SL_OUTBOX_MAX - 1);
	free(outbox);
}

/* --- state file --- */
static char dir[64];

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/sl-state-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/control.json", dir);
	unlink(path);
	return rmdir(dir);
}

static void fill(struct sl_state *state)
{
	struct sl_event event = {.kind = SL_EVENT_DECISION,
				 .site = "s",
				 .source = "control",
				 .text = "p95 182 ms \"quoted\" > 80 ms",
				 .incident = 3};
	struct sl_care *care = &state->site->care[0];

	sl_site_init(state->site, "s");
	state->site->term = 7;
	state->site->orders = 19;
	state->site->incidents = 3;
	state->site->state_changes = 12;
	state->inbox.now = (struct sl_inbox_mark){UINT64_MAX - 1, 44};
	state->inbox.past[0] = (struct sl_inbox_mark){5, 6};
	state->outbox.boot = UINT64_MAX;
	sl_outbox_add(&state->outbox, &event);
	snprintf(care->name, SL_NAME_MAX, "pos");
	snprintf(care->from, SL_NAME_MAX, "fibre");
	snprintf(care->to, SL_NAME_MAX, "lte");
	care->phase = SL_PHASE_AWAY;
	care->incident = 3;
	care->verdict = SL_VERDICT_UPLINK;
	care->left = (struct sl_badness){true, 150000, 30000};
	care->moved_ms = 123456;
	care->returns = 2;
	care->ladder.on = true;
	care->ladder.limit_bps = 5000000;
	care->ladder.marks = true;
	care->mark_failed_ms = 777;
	snprintf(care->print, SL_PRINT_MAX, "critical/fibre");
	care->known = true;
	care->first_bad_ms = 99;
	state->site->usage = (struct sl_usage){24323, 1, {{"lte", 4900000000}}};
	state->site->clamp[1] = (struct sl_clamp){.on = true,
						  .bytes = 1280,
						  .service = "pos",
						  .incident = 3,
						  .since_ms = 1234567890123,
						  .failed_ms = 5,
						  .print = "critical/fibre"};
	snprintf(state->site->clamped[1], SL_NAME_MAX, "lte");
	state->site->memory.count = 1;
	state->site->memory.entry[0] =
		(struct sl_memory_entry){"critical/fibre",   "reroute", "lte", 3, 1, 4200,
					 1795600000000000000};
	state->site->cases.count = 1;
	state->site->cases.one[0] =
		(struct sl_case){.incident = {.site = "s", .id = 3, .service = "pos", .steps = 1},
				 .version = 9};
	snprintf(state->site->cases.one[0].incident.step[0].text, SL_TEXT_MAX, "moved \"it\"");
}

static void saved_and_loaded(void **unused)
{
	struct sl_state *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	char why[SL_TEXT_MAX];

	a->site = calloc(1, sizeof(*a->site));
	b->site = calloc(1, sizeof(*b->site));
	fill(a);
	assert_int_equal(sl_state_load(b, dir, why), -ENOENT);
	assert_int_equal(sl_state_save(a, dir), 0);
	assert_int_equal(sl_state_load(b, dir, why), 0);
	assert_int_equal(b->site->term, 7);
	assert_int_equal(b->site->orders, 19);
	assert_int_equal(b->site->state_changes, 12);
	assert_memory_equal(&b->inbox.now, &a->inbox.now, sizeof(a->inbox.now));
	assert_memory_equal(b->inbox.past, a->inbox.past, sizeof(a->inbox.past));
	assert_int_equal(b->outbox.boot, UINT64_MAX);
	assert_int_equal(b->outbox.count, 1);
	assert_string_equal(b->outbox.event[0].text, a->outbox.event[0].text);
	assert_memory_equal(&b->site->care[0], &a->site->care[0], sizeof(struct sl_care));
	assert_memory_equal(&b->site->usage, &a->site->usage, sizeof(a->site->usage));
	/* By name: its place is the policy's to say. */
	assert_string_equal(b->site->clamped[0], "lte");
	assert_true(b->site->clamp[0].on);
	assert_int_equal(b->site->clamp[0].bytes, 1280);
	assert_true(b->site->clamp[0].since_ms == 1234567890123);
	assert_int_equal(b->site->clamp[0].failed_ms, 5);
	assert_string_equal(b->site->clamp[0].service, "pos");
	assert_string_equal(b->site->clamp[0].print, "critical/fibre");
	assert_int_equal(b->site->memory.count, 1);
	assert_memory_equal(&b->site->memory.entry[0], &a->site->memory.entry[0],
			    sizeof(struct sl_memory_entry));
	assert_int_equal(b->site->cases.count, 1);
	assert_memory_equal(&b->site->cases.one[0].incident, &a->site->cases.one[0].incident,
			    sizeof(struct sl_incident));
	assert_non_null(sl_incident_unsent(&b->site->cases, NULL));
	free(a->site);
	free(b->site);
	free(a);
	free(b);
}

static const struct broken_row {
	const char *name, *content;
} broken_rows[] = {
	{"empty", ""},
	{"half a file", "{\"format\": 1, \"term\": \"4"},
	{"not an object", "[]"},
	{"another format", "{\"format\": 9}"},
};

static void broken(void **unused)
{
	const struct broken_row *row = *unused;
	struct sl_state *state = calloc(1, sizeof(*state));
	char path[128], why[SL_TEXT_MAX] = "";
	FILE *file;

	make_dir(NULL);
	snprintf(path, sizeof(path), "%s/control.json", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(row->content, file);
	fclose(file);
	state->site = calloc(1, sizeof(*state->site));
	assert_int_equal(sl_state_load(state, dir, why), -EINVAL);
	assert_non_null(strstr(why, "control.json"));
	assert_int_equal(state->site->term, 0);
	free(state->site);
	free(state);
	remove_dir(NULL);
}

static void not_there(void **unused)
{
	struct sl_state *state = calloc(1, sizeof(*state));

	state->site = calloc(1, sizeof(*state->site));
	assert_int_equal(sl_state_save(state, "/nonexistent/dir"), -ENOENT);
	free(state->site);
	free(state);
}

int main(void)
{
	struct sl_row_tests *tests = calloc(1, sizeof(*tests));
	int failed;

	SL_ROWS_ADD(tests, inbox_rows, inbox);
	sl_row_add(tests, "a watermark read back is kept", inbox_remembers, NULL);
	sl_row_add(tests, "the outbox counts what it drops", outbox_counts_what_it_drops, NULL);
	tests->test[tests->count++] =
		(struct CMUnitTest){"all is read back as it was", saved_and_loaded, make_dir,
				    remove_dir, NULL};
	SL_ROWS_ADD(tests, broken_rows, broken);
	sl_row_add(tests, "a directory that is not there", not_there, NULL);
	failed = sl_row_run("state", tests);
	free(tests);
	return failed;
}
