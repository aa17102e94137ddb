/*
 * bus_fleet.c - the other sites that this Redis holds: which there are, which are spoken for
 *
 * There is no list of them to go stale: a site is there when its programs keep keys there.  SCAN
 * goes through all keys a piece at a time, so that Redis serves the sites in between.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"

#define PIECE      "512" /* keys of an answer, or a few more */
#define PIECES_MAX 4096  /* two million keys: some 50 000 sites of six services on two uplinks */

struct scan {
	struct sl_bus *bus;
	sl_bus_site got;
	void *arg;
	uint32_t pieces;
	char cursor[24];
};

/* WHAT of "sl:{SITE}:WHAT", and SITE into @site; NULL when it is another key, or SITE no name. */
static const char *take_apart(const redisReply *key, char site[SL_NAME_MAX])
{
	static const char before[] = "sl:{", after[] = "}:";
	const char *name = key->str + sizeof(before) - 1;
	size_t length;

	if (key->type != REDIS_REPLY_STRING || strncmp(key->str, before, sizeof(before) - 1))
		return NULL;
	for (length = 0;
	     isalnum((unsigned char)name[length]) || (name[length] && strchr("-_.", name[length]));)
		length++;
	if (!length || length >= SL_NAME_MAX || strncmp(name + length, after, sizeof(after) - 1))
		return NULL;
	snprintf(site, SL_NAME_MAX, "%.*s", (int)length, name);
	return name + length + sizeof(after) - 1;
}

static void give(const struct scan *scan, const redisReply *keys)
{
	char site[SL_NAME_MAX];

	for (size_t i = 0; i < keys->elements; i++) {
		const char *what = take_apart(keys->element[i], site);

		/* A command may be a person's, to a site that never was. */
		if (what && strcmp(what, "command"))
			scan->got(scan->arg, site, !strncmp(what, "path:", strlen("path:")));
	}
}

static void end(struct scan *scan, bool whole)
{
	struct scan last = *scan;

	free(scan);
	last.got(last.arg, NULL, whole);
}

static int ask(struct scan *scan);

static void on_keys(void *arg, const redisReply *reply, const char *why)
{
	struct scan *scan = arg;
	bool keys = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		    reply->element[0]->type == REDIS_REPLY_STRING &&
		    reply->element[1]->type == REDIS_REPLY_ARRAY;

	if (reply && !keys)
		sl_bus_malformed(scan->bus, "SCAN", "",
				 reply->type == REDIS_REPLY_ERROR ? reply->str
								  : "not what Redis answers");
	if (!keys) {
		end(scan, false);
		return;
	}
	give(scan, reply->element[1]);
	snprintf(scan->cursor, sizeof(scan->cursor), "%s", reply->element[0]->str);
	if (!strcmp(scan->cursor, "0"))
		end(scan, true);
	else if (++scan->pieces == PIECES_MAX || ask(scan))
		end(scan, false);
}

static int ask(struct scan *scan)
{
	struct sl_link_command command = {.words = 0};

	sl_link_text(&command, "SCAN");
	sl_link_text(&command, scan->cursor);
	sl_link_text(&command, "MATCH");
	sl_link_text(&command, "sl:{*}:*");
	sl_link_text(&command, "COUNT");
	sl_link_text(&command, PIECE);
	return sl_link_ask(&scan->bus->say, &command, SL_LINK_PATIENCE, on_keys, scan);
}

int sl_bus_fetch_sites(struct sl_bus *bus, sl_bus_site got, void *arg)
{
	struct scan *scan = bus->state == SL_BUS_UP ? calloc(1, sizeof(*scan)) : NULL;
	int err = bus->state == SL_BUS_UP ? -ENOMEM : -ENOTCONN;

	if (scan) {
		*scan = (struct scan){.bus = bus, .got = got, .arg = arg, .cursor = "0"};
		err = ask(scan);
	}
	if (err) {
		free(scan);
		bus->stats.failed++;
		got(arg, NULL, false);
	}
	return err;
}
