/*
 * fleet.h - what was read of many sites, for people and for programs
 */
#ifndef SL_CLI_FLEET_H
#define SL_CLI_FLEET_H

#include "cli.h"

#include "control/fleet.h"

#define SL_FLEET_SITES_MAX    5000
#define SL_FLEET_ENTRIES      64 /* of a site's incidents: changes looked through */
#define SL_FLEET_SILENT_S     10 /* without its control's word (proto/README.md, path) */
#define SL_FLEET_SENTENCE_MAX 384

struct sl_fleet_site {
	char name[SL_NAME_MAX];
	bool speaks; /* its control does, at this moment */
	uint32_t cases, open;
};

struct sl_fleet_view {
	uint64_t now_unix_ns, since_unix_ns;
	struct sl_fleet fleet;
	struct sl_fleet_site
		*site; /* fleet.sites of them, by name; a case's .site is its place here */
	/* What is not in it. */
	uint32_t cut;        /* sites with more changes than SL_FLEET_ENTRIES in that time */
	uint32_t unreadable; /* entries */
	bool more;           /* sites than SL_FLEET_SITES_MAX */
	bool part;           /* not all keys were looked through */
};

/* How many sites: those that speak and have nothing open, have something open, do not speak. */
struct sl_fleet_count {
	uint32_t well, open, silent;
};
struct sl_fleet_count sl_fleet_counted(const struct sl_fleet_view *view);

/* A group in one line, without its end.  Returns @text. */
const char *sl_fleet_sentence(const struct sl_fleet_group *group, uint32_t seen,
			      uint64_t now_unix_ns, char text[SL_FLEET_SENTENCE_MAX]);

void sl_fleet_print(const struct sl_fleet_view *view);
/* The exit code; a failure is told. */
int sl_fleet_json(const struct sl_fleet_view *view);

#endif
