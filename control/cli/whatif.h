/*
 * whatif.h - three stories of the same time, for people and for programs
 */
#ifndef SL_CLI_WHATIF_H
#define SL_CLI_WHATIF_H

#include "cli.h"

#include "control/whatif.h"
#include "proto/policy.h"

enum sl_story {
	SL_STORY_HAPPENED, /* what the record says */
	SL_STORY_IN_FORCE, /* replayed with the policy that is in force */
	SL_STORY_NEW,      /* replayed with the file's */
	SL_STORIES
};

#define SL_NOTES_MAX 32

/* What is to be known of the figures, a sentence or two each. */
struct sl_notes {
	uint32_t count;
	char *line[SL_NOTES_MAX];
};

struct sl_stories {
	const struct sl_cli *cli;
	const struct sl_policy *now; /* in force */
	const struct sl_policy *file;
	uint64_t version;         /* in force */
	uint64_t from_ns, to_ns;  /* asked for */
	uint64_t begins_ns;       /* the first roll-up that is kept; 0 = none is */
	uint64_t other_version_s; /* recorded while another version was in force */
	uint32_t unreadable;      /* roll-ups */
	uint32_t incidents;       /* on the bus, that began in this time */
	double took_s;
	const struct sl_whatif_result *result[SL_STORIES];
};

/* Of whom the story @which tells by index: the policy in force, or the file's. */
const struct sl_policy *sl_stories_policy(const struct sl_stories *all, enum sl_story which);
/* The tally of @service in it; NULL when that policy does not have it. */
const struct sl_whatif_tally *sl_stories_tally(const struct sl_stories *all, enum sl_story which,
					       const char *service);
/* Is @service asked for? */
bool sl_stories_wants(const struct sl_stories *all, const char *service);

void sl_stories_notes(const struct sl_stories *all, struct sl_notes *notes);
void sl_notes_free(struct sl_notes *notes);

/* To stdout. */
void sl_stories_print(const struct sl_stories *all, const struct sl_notes *notes);
int sl_stories_json(const struct sl_stories *all, const struct sl_notes *notes);

#endif
