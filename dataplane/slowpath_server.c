/*
 * slowpath_server.c - what names a server address has, for one client and for anybody
 *
 * From DNS answers, for as long as their TTL says within bounds, and from ClientHellos, for ten
 * minutes.  An address may have several names at once: then only what holds for all of them
 * holds for it, and with more than there is room for, nothing does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns.h"
#include "slowpath_private.h"

#define SECOND_NS UINT64_C(1000000000)
#define TTL_MIN_S 10        /* a TTL of 0 is common, and the connection comes a moment later */
#define TTL_MAX_S 7200      /* addresses change hands */
#define SCAN_NS   SECOND_NS /* within it every entry is looked at once */

static const struct sl_addr anybody;

int sl_slow_servers_open(struct sl_slowpath *slowpath)
{
	TAILQ_INIT(&slowpath->servers);
	TAILQ_INIT(&slowpath->free_servers);
	slowpath->server = calloc(SL_SLOW_SERVERS, sizeof(*slowpath->server));
	return slowpath->server ? 0 : -ENOMEM;
}

void sl_slow_servers_close(struct sl_slowpath *slowpath)
{
	free(slowpath->server);
}

/* ---- finding and making ---- */

static struct sl_slow_server **head_of(const struct sl_slowpath *slowpath,
				       const struct sl_addr *server, const struct sl_addr *client)
{
	uint64_t hash = sl_names_server_hash(server, client, 0);

	return (struct sl_slow_server **)&slowpath->server_head[hash >> 8 & (SL_SLOW_SERVERS - 1)];
}

static bool same(const struct sl_addr *a, const struct sl_addr *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

static struct sl_slow_server *find_pair(const struct sl_slowpath *slowpath,
					const struct sl_addr *server, const struct sl_addr *client)
{
	struct sl_slow_server *entry = *head_of(slowpath, server, client);

	while (entry && (!same(&entry->server, server) || !same(&entry->client, client)))
		entry = entry->chain;
	return entry;
}

static void forget(struct sl_slowpath *slowpath, struct sl_slow_server *entry)
{
	struct sl_slow_server **at = head_of(slowpath, &entry->server, &entry->client);

	sl_slow_word_forget_server(slowpath, entry);
	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	TAILQ_REMOVE(&slowpath->servers, entry, line);
	entry->used = false;
	TAILQ_INSERT_HEAD(&slowpath->free_servers, entry, line);
	slowpath->counts.servers--;
}

/* A place that no server has: the oldest one's, when all are taken. */
static struct sl_slow_server *place_of_server(struct sl_slowpath *slowpath)
{
	struct sl_slow_server *entry;

	if (TAILQ_EMPTY(&slowpath->free_servers) && slowpath->servers_used < SL_SLOW_SERVERS)
		return &slowpath->server[slowpath->servers_used++];
	if (TAILQ_EMPTY(&slowpath->free_servers)) {
		slowpath->counts.servers_evicted++;
		forget(slowpath, TAILQ_FIRST(&slowpath->servers));
	}
	entry = TAILQ_FIRST(&slowpath->free_servers);
	TAILQ_REMOVE(&slowpath->free_servers, entry, line);
	return entry;
}

static struct sl_slow_server *make(struct sl_slowpath *slowpath, const struct sl_addr *server,
				   const struct sl_addr *client)
{
	struct sl_slow_server *entry = place_of_server(slowpath);
	struct sl_slow_server **head = head_of(slowpath, server, client);

	entry->server = *server;
	entry->client = *client;
	entry->names = 0;
	entry->crowded_until_ns = 0;
	entry->used = true;
	entry->chain = *head;
	*head = entry;
	TAILQ_INSERT_TAIL(&slowpath->servers, entry, line);
	slowpath->counts.servers++;
	return entry;
}

/* ---- names of one entry ---- */

static void drop_name(struct sl_slow_server *entry, uint32_t i)
{
	memmove(&entry->name[i], &entry->name[i + 1],
		(entry->names - i - 1) * sizeof(entry->name[0]));
	entry->names--;
}

/* True: something was over. */
static bool expire(struct sl_slow_server *entry, uint64_t now_ns)
{
	bool over = entry->crowded_until_ns && entry->crowded_until_ns <= now_ns;

	if (over)
		entry->crowded_until_ns = 0;
	for (uint32_t i = entry->names; i-- > 0;)
		if (entry->name[i].until_ns <= now_ns) {
			drop_name(entry, i);
			over = true;
		}
	return over;
}

/* The same name again stays for the longer of both times; it becomes the newest. */
static void add_name(struct sl_slow_server *entry, const struct sl_slow_learned *learned,
		     uint64_t until_ns)
{
	struct sl_slow_server_name *name;
	uint8_t source = (uint8_t)learned->source;

	for (uint32_t i = 0; i < entry->names; i++) {
		if (strcmp(entry->name[i].name, learned->name) != 0)
			continue;
		if (entry->name[i].until_ns > until_ns)
			until_ns = entry->name[i].until_ns;
		if (entry->name[i].source == SL_NAME_DNS) /* asked for by name: it stays so */
			source = SL_NAME_DNS;
		drop_name(entry, i);
		break;
	}
	if (entry->names == SL_SLOW_NAMES) {
		if (entry->name[0].until_ns > entry->crowded_until_ns)
			entry->crowded_until_ns = entry->name[0].until_ns;
		drop_name(entry, 0);
	}
	name = &entry->name[entry->names++];
	snprintf(name->name, sizeof(name->name), "%s", learned->name);
	name->until_ns = until_ns;
	name->source = source;
}

static void learn_one(struct sl_slowpath *slowpath, const struct sl_addr *server,
		      const struct sl_addr *client, const struct sl_slow_learned *learned)
{
	struct sl_slow_server *entry = find_pair(slowpath, server, client);

	if (!entry)
		entry = make(slowpath, server, client);
	expire(entry, slowpath->now_ns);
	add_name(entry, learned, slowpath->now_ns + learned->ttl_ns);
	TAILQ_REMOVE(&slowpath->servers, entry, line);
	TAILQ_INSERT_TAIL(&slowpath->servers, entry, line);
	sl_slow_word_server(slowpath, entry);
}

void sl_slow_server_learn(struct sl_slowpath *slowpath, const struct sl_addr *server,
			  const struct sl_addr *client, const struct sl_slow_learned *learned)
{
	learn_one(slowpath, server, client, learned);
	learn_one(slowpath, server, &anybody, learned);
}

struct sl_slow_server *sl_slow_server_find(const struct sl_slowpath *slowpath,
					   const struct sl_addr *server,
					   const struct sl_addr *client)
{
	const struct sl_addr *both[2] = {client, &anybody};

	for (int i = 0; i < 2; i++) {
		struct sl_slow_server *entry = find_pair(slowpath, server, both[i]);

		if (entry)
			expire(entry, slowpath->now_ns);
		if (entry && (entry->names || entry->crowded_until_ns))
			return entry;
	}
	return NULL;
}

const char *sl_slow_server_dns_name(const struct sl_slow_server *server)
{
	const char *newest = NULL;
	uint32_t found = 0;

	for (uint32_t i = 0; server && i < server->names; i++)
		if (server->name[i].source == SL_NAME_DNS) {
			newest = server->name[i].name;
			found++;
		}
	/* What one client asked for last it most likely talks to; of anybody's that is not so. */
	if (!newest || server->crowded_until_ns || (found > 1 && same(&server->client, &anybody)))
		return NULL;
	return newest;
}

bool sl_slow_server_has(const struct sl_slow_server *server, const char *name)
{
	for (uint32_t i = 0; server && i < server->names; i++)
		if (server->name[i].source == SL_NAME_DNS &&
		    strcmp(server->name[i].name, name) == 0)
			return true;
	return false;
}

uint64_t sl_slow_server_word(const struct sl_slowpath *slowpath,
			     const struct sl_slow_server *server)
{
	uint64_t bits = ~UINT64_C(0);
	char app[SL_APP_MAX];

	if (!server->names || server->crowded_until_ns)
		return 0;
	for (uint32_t i = 0; i < server->names && bits; i++) {
		sl_slow_app_of_name(slowpath->app, "", server->name[i].name, app);
		bits &= sl_clauses_match(&slowpath->clauses, server->name[i].name, app);
	}
	return bits;
}

/* ---- DNS ---- */

static uint64_t lifetime_ns(uint32_t ttl_s)
{
	if (ttl_s < TTL_MIN_S)
		ttl_s = TTL_MIN_S;
	return (ttl_s < TTL_MAX_S ? ttl_s : TTL_MAX_S) * SECOND_NS;
}

void sl_slow_server_dns(struct sl_slowpath *slowpath, const struct sl_addr *client,
			struct sl_slow_payload message)
{
	struct sl_dns_answer answer;

	if (sl_dns_read(message.bytes, message.length, &answer)) {
		slowpath->counts.dns_malformed++;
		return;
	}
	if (!answer.is_answer || answer.rcode || !answer.question[0] || !answer.addresses)
		return;
	slowpath->counts.dns_answers++;
	for (uint32_t i = 0; i < answer.addresses; i++) {
		struct sl_addr server = sl_addr6(answer.address[i].address);
		struct sl_slow_learned learned = {.name = answer.question,
						  .source = SL_NAME_DNS,
						  .ttl_ns = lifetime_ns(answer.address[i].ttl_s)};

		sl_slow_server_learn(slowpath, &server, client, &learned);
	}
}

/* ---- time ---- */

void sl_slow_servers_tick(struct sl_slowpath *slowpath)
{
	uint64_t since_ns = slowpath->now_ns - slowpath->scanned_ns, used = slowpath->servers_used;
	uint64_t slice = since_ns >= SCAN_NS ? used : (used * since_ns + SCAN_NS - 1) / SCAN_NS;

	if (slowpath->now_ns <= slowpath->scanned_ns || !slice)
		return;
	slowpath->scanned_ns = slowpath->now_ns;
	for (; slice--;
	     slowpath->server_scan = (slowpath->server_scan + 1) % slowpath->servers_used) {
		struct sl_slow_server *entry = &slowpath->server[slowpath->server_scan];
		bool over = entry->used && expire(entry, slowpath->now_ns);

		/* Also one that a look-up has found empty: there nothing is over any more. */
		if (entry->used && !entry->names && !entry->crowded_until_ns)
			forget(slowpath, entry);
		else if (over)
			sl_slow_word_server(slowpath, entry);
	}
}
