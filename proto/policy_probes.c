/*
 * policy_probes.c - `probes:`, `reflector:`, `recorder:`, `history:`, and `stamp:` of an uplink
 *
 * What Storeline may send of its own, to whom it answers, and what it keeps of passing
 * packets and of its own pictures.  Defaults stand here, beside the keys.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "policy_units.h"
#include "policy_yaml.h"

#define STAMP_PORT 862 /* RFC 8762 4.1 */

#define AT(of, member) .offset = offsetof(struct of, member)

static const char *const when_words[] = {"suspected", "always", "never", NULL};
static const char *const which_words[] = {"critical", "all", "none", NULL};
static const char *const payload_words[] = {"none", "head", NULL};
static const char *const detail_words[] = {"full", "lean", NULL};

void sl_policy_probes_defaults(struct sl_policy *policy)
{
	policy->probes = (struct sl_policy_probes){
		.when = SL_PROBE_SUSPECTED,
		.interval_ms = 10,
		.budget_bps = 20000,
	};
	policy->reflector.per_second = 1000;
	policy->recorder.files = 16;
	policy->history.keep_s = SL_POLICY_KEEP_S;
}

void sl_policy_read_probes(struct sl_reader *reader, const yaml_node_t *node,
			   const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"when", sl_reader_word, AT(sl_policy_probes, when), .units = when_words},
		{"interval", sl_reader_time_ms, AT(sl_policy_probes, interval_ms), .min = 10,
		 .max = 10000},
		{"budget", sl_reader_number, AT(sl_policy_probes, budget_bps), .min = 1000,
		 .max = 10000000, .units = sl_units_rate},
		{"monthly", sl_reader_number, AT(sl_policy_probes, monthly_bytes), .min = 100000,
		 .max = UINT64_C(1000000000000), .units = sl_units_bytes},
		{NULL},
	};

	sl_reader_map(reader, node, keys, to);
}

static void add_allowed(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_reflector *reflector = to;

	sl_policy_add_prefix(reader, node, reflector->allow, &reflector->allows);
}

static void read_allowed(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_ALLOW_MAX, true, add_allowed};

	sl_reader_list(reader, node, &list, to);
}

void sl_policy_read_reflector(struct sl_reader *reader, const yaml_node_t *node,
			      const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"from", read_allowed, .required = true},
		{"rate", sl_reader_number32, AT(sl_policy_reflector, per_second), .min = 1,
		 .max = 100000},
		{NULL},
	};

	sl_reader_map(reader, node, keys, to);
}

void sl_policy_read_recorder(struct sl_reader *reader, const yaml_node_t *node,
			     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"services", sl_reader_word, AT(sl_policy_recorder, services),
		 .units = which_words},
		{"payload", sl_reader_word, AT(sl_policy_recorder, payload),
		 .units = payload_words},
		{"files", sl_reader_number32, AT(sl_policy_recorder, files), .min = 1, .max = 1000},
		{NULL},
	};

	sl_reader_map(reader, node, keys, to);
}

void sl_policy_read_history(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"keep", sl_reader_number32, AT(sl_policy_history, keep_s), .min = 60,
		 .max = UINT64_C(31) * 86400, .units = sl_units_span},
		{"detail", sl_reader_word, AT(sl_policy_history, detail), .units = detail_words},
		{NULL},
	};

	sl_reader_map(reader, node, keys, to);
}

/* "192.0.2.1", "192.0.2.1:862", "2001:db8::1", "[2001:db8::1]:862" into address and port. */
static bool split(const char *text, char address[INET6_ADDRSTRLEN], uint64_t *port)
{
	const char *colon = strrchr(text, ':');
	const char *end = text + strlen(text);

	*port = STAMP_PORT;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		colon = end[1] ? end + 1 : NULL;
		text++;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL;
	}
	if (end - text >= INET6_ADDRSTRLEN || (colon && !sl_units_read_whole(colon + 1, port)))
		return false;
	snprintf(address, INET6_ADDRSTRLEN, "%.*s", (int)(end - text), text);
	return *port >= 1 && *port <= UINT16_MAX;
}

void sl_policy_read_stamp(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *text = sl_reader_text(reader, node);
	struct sl_policy_uplink *uplink = to;
	char address[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!text)
		return;
	struct sl_policy_prefix stamp = {.bits = 128};
	bool sound = split(text, address, &port);

	memcpy(stamp.address, mapped, sizeof(mapped));
	if (sound && inet_pton(AF_INET, address, stamp.address + 12) != 1)
		sound = inet_pton(AF_INET6, address, stamp.address) == 1;
	if (!sound)
		return sl_reader_wrong(reader, node,
				       "\"%.50s\" is no reflector such as 192.0.2.1:862", text);
	uplink->stamp = stamp;
	uplink->stamp_port = (uint16_t)port;
}
