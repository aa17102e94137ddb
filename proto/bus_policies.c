/*
 * bus_policies.c - the policies of a site one after the other, so that an earlier one can be put back
 *
 * A stream of SL_BUS_POLICIES_MAX entries with the fields `version` and `yaml`; the id of an entry
 * is its time.  The dataplane says its policy again at each connection: what is the newest
 * already is not added, so the newest is read first.  One writer, so nothing comes in between.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus_inner.h"

#define WHAT "policies"

/* A policy on its way in, or a question. */
struct keeping {
	struct sl_bus *bus;
	uint64_t version;
	sl_bus_kept_policy got;
	void *arg;
	char yaml[]; /* "" in a question */
};

/* One field of an entry's [field, value, ...]; NULL when it is not there or no text. */
static const char *field(const redisReply *fields, const char *name)
{
	for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
		const redisReply *value = fields->element[i + 1];

		if (fields->element[i]->type != REDIS_REPLY_STRING ||
		    strcmp(fields->element[i]->str, name) != 0)
			continue;
		if (value->type == REDIS_REPLY_STRING && value->len < SL_POLICY_BYTES_MAX &&
		    strlen(value->str) == value->len)
			return value->str;
	}
	return NULL;
}

/* What an entry holds; false when it is no policy. */
struct entry {
	const char *yaml;
	uint64_t version, at_unix_ns;
};

static bool read_entry(const redisReply *reply, struct entry *entry)
{
	const char *id = sl_bus_entry_id(reply), *version;

	if (!id)
		return false;
	version = field(reply->element[1], "version");
	entry->yaml = field(reply->element[1], "yaml");
	entry->version = version ? strtoull(version, NULL, 10) : 0;
	entry->at_unix_ns = strtoull(id, NULL, 10) * 1000000;
	return entry->yaml && entry->version;
}

static void add(const struct keeping *keeping)
{
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX], cap[12], number[24];

	snprintf(cap, sizeof(cap), "%d", SL_BUS_POLICIES_MAX);
	snprintf(number, sizeof(number), "%" PRIu64, keeping->version);
	sl_link_text(&command, "XADD");
	sl_link_text(&command, sl_bus_key(keeping->bus, WHAT, key));
	sl_link_text(&command, "MAXLEN");
	sl_link_text(&command, cap);
	sl_link_text(&command, "*");
	sl_link_text(&command, "version");
	sl_link_text(&command, number);
	sl_link_text(&command, "yaml");
	sl_link_text(&command, keeping->yaml);
	sl_bus_tell(keeping->bus, &command);
}

static void on_newest(void *arg, const redisReply *reply, const char *why)
{
	struct keeping *keeping = arg;
	struct entry newest = {.version = 0};
	bool list = reply && reply->type == REDIS_REPLY_ARRAY;
	bool known = list && reply->elements && read_entry(reply->element[0], &newest) &&
		     newest.version == keeping->version && !strcmp(newest.yaml, keeping->yaml);

	if (!list)
		keeping->bus->stats.failed++;
	else if (!known)
		add(keeping);
	free(keeping);
}

/* Each as far as it can be read; then the end. */
static void on_policies(void *arg, const redisReply *reply, const char *why)
{
	struct keeping asked = *(struct keeping *)arg;
	struct entry entry;
	char key[SL_BUS_KEY_MAX];

	free(arg);
	for (size_t i = 0; reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
		if (read_entry(reply->element[i], &entry))
			asked.got(asked.arg, entry.yaml, entry.version, entry.at_unix_ns);
		else
			sl_bus_malformed(asked.bus, sl_bus_key(asked.bus, WHAT, key), "",
					 "no policy");
	}
	if (reply && reply->type != REDIS_REPLY_ARRAY)
		sl_bus_malformed(asked.bus, sl_bus_key(asked.bus, WHAT, key), "",
				 reply->str ? reply->str : "not what Redis answers");
	asked.got(asked.arg, NULL, 0, 0);
}

/* The newest @count; @keeping is the answer's when this is 0, else freed and counted. */
static int ask_newest(struct keeping *keeping, const char *count, sl_link_answer answer)
{
	struct sl_bus *bus = keeping->bus;
	struct sl_link_command command = {.words = 0};
	char key[SL_BUS_KEY_MAX];
	int err = -ENOTCONN;

	sl_link_text(&command, "XREVRANGE");
	sl_link_text(&command, sl_bus_key(bus, WHAT, key));
	sl_link_text(&command, "+");
	sl_link_text(&command, "-");
	sl_link_text(&command, "COUNT");
	sl_link_text(&command, count);
	if (bus->state == SL_BUS_UP)
		err = sl_link_ask(&bus->say, &command, SL_LINK_PATIENCE, answer, keeping);
	if (err) {
		bus->stats.failed++;
		free(keeping);
	}
	return err;
}

static struct keeping *make(struct sl_bus *bus, const char *yaml)
{
	size_t size = strlen(yaml) + 1;
	struct keeping *keeping = malloc(sizeof(*keeping) + size);

	if (!keeping) {
		bus->stats.failed++;
		return NULL;
	}
	keeping->bus = bus;
	memcpy(keeping->yaml, yaml, size);
	return keeping;
}

int sl_bus_keep_policy(struct sl_bus *bus, const char *yaml, uint64_t version)
{
	struct keeping *keeping = make(bus, yaml);

	if (!keeping)
		return -ENOMEM;
	keeping->version = version;
	return ask_newest(keeping, "1", on_newest);
}

int sl_bus_fetch_policies(struct sl_bus *bus, sl_bus_kept_policy got, void *arg)
{
	struct keeping *asked = make(bus, "");
	char count[12];
	int err = -ENOMEM;

	snprintf(count, sizeof(count), "%d", SL_BUS_POLICIES_MAX);
	if (asked) {
		asked->got = got;
		asked->arg = arg;
		err = ask_newest(asked, count, on_policies);
	}
	if (err)
		got(arg, NULL, 0, 0);
	return err;
}
