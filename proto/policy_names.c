/*
 * policy_names.c - what is known of flows beyond their outer headers: names, applications, tunnels
 *
 * A name or an application stands once in the policy's list, whatever number of matches say
 * it, so that its index is its number in the fast path too (compile.h).  A host name is one of
 * RFC 1123 2.1, with the '_' that real ones have; "*." before it stands for every name below it.
 */
#include <ctype.h>
#include <string.h>

#include "policy_yaml.h"

#define LABEL_MAX 63 /* bytes between two dots: RFC 1035 2.3.4 */
#define APP_MAX   63

static const char *const bool_words[] = {"false", "true", NULL};

/* In the order of enum sl_policy_tunnel. */
static const char *const tunnel_words[] = {"gre", "ipip", "vxlan", "geneve", "gtp-u"};
#define TUNNELS (sizeof(tunnel_words) / sizeof(tunnel_words[0]))

static void add_tunnel(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	const char *text = sl_reader_text(reader, node);
	struct sl_policy *policy = to;

	for (uint32_t i = 0; text && i < TUNNELS; i++) {
		if (strcmp(text, tunnel_words[i]) != 0)
			continue;
		if (policy->tunnels & 1u << i)
			sl_reader_wrong(reader, node, "%s is said twice", text);
		policy->tunnels |= 1u << i;
		return;
	}
	if (text)
		sl_reader_wrong(reader, node,
				"\"%.40s\" is not one of gre, ipip, vxlan, geneve, gtp-u; or all, "
				"alone",
				text);
}

void sl_policy_read_tunnels(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {TUNNELS, true, add_tunnel};

	if (node->type == YAML_SCALAR_NODE && !strcmp((char *)node->data.scalar.value, "all"))
		reader->policy->tunnels = SL_POLICY_TUNNELS_ALL;
	else
		sl_reader_list(reader, node, &list, to);
}

void sl_policy_read_names(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to)
{
	const struct sl_reader_key words = {.units = bool_words};
	uint32_t yes = 1;

	sl_reader_word(reader, node, &words, &yes);
	reader->policy->no_names = !yes;
}

const char *sl_policy_no_names(const struct sl_reader *reader)
{
	return reader->policy->no_names ? "needs names, and names: false is said" : NULL;
}

/* Length of the label at @text, 0 when it is none; *@digits: it is a number. */
static size_t label_length(const char *text, bool *digits)
{
	size_t length = 0;

	for (*digits = true; text[length] && text[length] != '.'; length++) {
		if (!isalnum((unsigned char)text[length]) && !strchr("-_", text[length]))
			return 0;
		*digits = *digits && isdigit((unsigned char)text[length]);
	}
	if (!length || length > LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
		return 0;
	return length;
}

/* No address: the last label of a name is no number (RFC 1123 2.1). */
static bool is_host_name(const char *text)
{
	bool digits;

	for (size_t length = label_length(text, &digits); length;
	     length = label_length(text, &digits)) {
		text += length;
		if (!*text)
			return !digits;
		text++;
	}
	return false;
}

/* A host name, or all below one; of any length. */
static bool is_pattern(const char *text)
{
	return is_host_name(!strncmp(text, "*.", 2) ? text + 2 : text);
}

bool sl_policy_is_host_pattern(const char *text)
{
	return is_pattern(text) && strlen(text) < SL_POLICY_CLAUSE_MAX;
}

bool sl_policy_is_app(const char *text)
{
	size_t length = strlen(text);

	for (const char *p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			return false;
	}
	return length && length <= APP_MAX;
}

/* Index of the clause in the policy's list, added when it is new; -1: the list is full, told. */
static int clause_index(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_policy_clause *clause)
{
	struct sl_policy *policy = reader->policy;

	for (uint32_t i = 0; i < policy->clauses; i++) {
		if (policy->clause[i].is_app == clause->is_app &&
		    !strcmp(policy->clause[i].pattern, clause->pattern))
			return (int)i;
	}
	if (policy->clauses == SL_POLICY_CLAUSES_MAX) {
		sl_reader_wrong(reader, node, "more than %d different names and apps in all",
				SL_POLICY_CLAUSES_MAX);
		return -1;
	}
	policy->clause[policy->clauses] = *clause;
	return (int)policy->clauses++;
}

/* Add @clause to the @list of a match, which has room. */
static void add_clause(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_policy_clause *clause, uint8_t *list, uint32_t *count)
{
	int index = clause_index(reader, node, clause);

	if (index < 0)
		return;
	for (uint32_t i = 0; i < *count; i++) {
		if (list[i] == index)
			return sl_reader_wrong(reader, node, "%.128s is said twice",
					       clause->pattern);
	}
	list[(*count)++] = (uint8_t)index;
}

static void add_name(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	const char *text = sl_reader_text(reader, node);
	struct sl_policy_clause clause = {.is_app = false};
	struct sl_policy_match *match = to;

	if (!text)
		return;
	if (!is_pattern(text))
		return sl_reader_wrong(reader, node,
				       "\"%.60s\" is no host name, such as payments.example, and "
				       "not *. before one",
				       text);
	if (strlen(text) >= sizeof(clause.pattern))
		return sl_reader_wrong(reader, node, "\"%.40s...\" has %zu bytes, at most %zu",
				       text, strlen(text), sizeof(clause.pattern) - 1);
	for (size_t i = 0; text[i]; i++)
		clause.pattern[i] = (char)tolower((unsigned char)text[i]);
	add_clause(reader, node, &clause, match->name, &match->names);
}

static void add_app(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	const char *text = sl_reader_text(reader, node);
	struct sl_policy_clause clause = {.is_app = true};
	struct sl_policy_match *match = to;

	if (!text)
		return;
	if (!sl_policy_is_app(text))
		return sl_reader_wrong(reader, node,
				       "\"%.40s\" is no application: letters, digits, - _ and ., "
				       "at most %d",
				       text, APP_MAX);
	strcpy(clause.pattern, text);
	add_clause(reader, node, &clause, match->app, &match->apps);
}

void sl_policy_read_name(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_LIST_MAX, true, add_name};

	sl_reader_list(reader, node, &list, to);
}

void sl_policy_read_app(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_POLICY_LIST_MAX, true, add_app};

	sl_reader_list(reader, node, &list, to);
}
