/*
 * judge_test.c - what pictures settle besides times and segments (pieces_test.c), and how long it stands
 */
#include "tests/unit/row.h"

#include "control/judge.h"

static const struct sl_policy_slo slo = {80000000, 950000, 5000, 10000, 1000};

/* What a path has in its window. */
struct counts {
	uint32_t queries, unanswered, failed;
	uint32_t media, media_lost, lan_media_lost; /* from the WAN; of as many from the LAN */
};

static void put(struct sl_path_report *path, const struct counts *counts)
{
	path->queries = counts->queries;
	path->queries_unanswered = counts->unanswered;
	path->queries_failed = counts->failed;
	path->media[1].expected = path->media[0].expected = counts->media;
	path->media[1].packets = counts->media - counts->media_lost;
	path->media[0].packets = counts->media - counts->lan_media_lost;
}

/* Each new kind of bad sample lets a degraded picture count as bad. */
static const struct judge_row {
	const char *name;
	struct counts each; /* added with every so manieth picture of 100 ms ... */
	int every, number;  /* ... so often */
	enum sl_health state;
} judge_rows[] = {
	{"unanswered queries settle a brownout", {.unanswered = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"failed queries do", {.failed = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"lost media does", {.media = 50, .media_lost = 2}, 3, 4, SL_HEALTH_DEGRADED},
	{"lost media of the LAN does",
	 {.media = 50, .lan_media_lost = 2},
	 3,
	 4,
	 SL_HEALTH_DEGRADED},
	{"without a bad sample nothing does", {.queries = 9, .media = 50}, 3, 4, SL_HEALTH_GOOD},
	{"a burst is one, however many fail in it", {.unanswered = 9}, 1, 8, SL_HEALTH_GOOD},
	{"what fails in every picture is no burst after a second",
	 {.unanswered = 1},
	 1,
	 14,
	 SL_HEALTH_DEGRADED},
};

static void settles(void **state)
{
	const struct judge_row *row = *state;
	struct sl_judge_context context = {.slo = &slo, .now_ms = 100000, .hold_ms = 5000};
	struct sl_path_report path = {.state = SL_HEALTH_GOOD, .window_ms = 1000};
	struct sl_judge kept = {0};
	struct counts sum = {0};

	sl_judge_picture(&kept, &path, &context);
	path.state = SL_HEALTH_DEGRADED;
	for (int i = 0; i < 16; i++) {
		if (i % row->every == 0 && i / row->every < row->number) {
			sum.unanswered += row->each.unanswered;
			sum.failed += row->each.failed;
			sum.media += row->each.media;
			sum.media_lost += row->each.media_lost;
			sum.lan_media_lost += row->each.lan_media_lost;
		}
		put(&path, &sum);
		context.now_ms += 100;
		sl_judge_picture(&kept, &path, &context);
	}
	assert_int_equal(kept.state, row->state);
}

/* Pictures, ten a second: g good, i idle, d degraded; P degraded and p good, as one passed after all. */
static const struct passed_row {
	const char *name, *pictures;
	bool stands; /* it is still a word against an MTU black hole */
} passed_rows[] = {
	{"one passed a moment ago", "Pddddd", true},
	{"and all has been well for half a second", "Pggggg", true},
	{"and all has been well for more than a second: of a fault that is over", "Pgggggggggggg",
	 false},
	{"the next fault is another", "Pggggggggggggddd", false},
	{"and what passes in that counts", "PggggggggggggdPd", true},
	{"a service that bears it is well, and loses", "gggggggggggggpgggp", true},
	{"what is idle is not well", "Piiiiiiiiiiii", true},
};

static void passed(void **state)
{
	const struct passed_row *row = *state;
	struct sl_judge_context context = {.slo = &slo, .now_ms = 100000, .hold_ms = 5000};
	struct sl_judge judge = {0};

	for (const char *kind = row->pictures; *kind; kind++) {
		struct sl_path_report path = {.window_ms = 1000, .state = SL_HEALTH_DEGRADED};

		if (*kind == 'g' || *kind == 'p')
			path.state = SL_HEALTH_GOOD;
		if (*kind == 'i')
			path.state = SL_HEALTH_IDLE;
		path.large_passed[0] = *kind == 'p' || *kind == 'P';
		context.now_ms += 100;
		sl_judge_picture(&judge, &path, &context);
	}
	assert_int_equal(judge.passed_ms != 0, row->stands);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, judge_rows, settles);
	SL_ROWS_ADD(&tests, passed_rows, passed);
	return sl_row_run("judge", &tests);
}
