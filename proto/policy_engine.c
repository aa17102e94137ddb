/*
 * policy_engine.c - the `engine:` section, and the pairs of ports that only DPDK has
 *
 * What the engine decides itself (cores, huge pages, being one process among
 * others) is no word for EAL: two answers to one question would fight.  EAL also
 * passes over a word that is no option, so such a word is refused here; it comes
 * of a comma in an unquoted list.
 */
#include <stdio.h>
#include <string.h>

#include "policy_units.h"
#include "policy_yaml.h"

#define AT(member)   .offset = offsetof(struct sl_policy_engine, member)
#define FOR_DPDK     .barred = other_kind
#define CPU_MAX      1023 /* CPU_SETSIZE of glibc */
#define SLEEP_MAX_NS 1000000

static const char *const kind_words[] = {"xdp", "dpdk", NULL};
static const char *const driver_words[] = {"eal", "af_xdp", "af_packet", NULL};
static const char *const bool_words[] = {"false", "true", NULL};

/* Long options of EAL (DPDK 22.11) that the engine sets, and the key that says it here. */
static const struct {
	const char *name, *key;
} own_options[] = {
	{"in-memory", NULL},  {"file-prefix", NULL},    {"proc-type", NULL},
	{"lcores", "lcores"}, {"main-lcore", "lcores"}, {"no-huge", "huge_pages"},
};

static const char *other_kind(const struct sl_reader *reader)
{
	return reader->policy->engine.kind == SL_ENGINE_DPDK ? NULL : "is only for kind dpdk";
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* Does the engine set the option @word?  Then *@key is the key that says it, or NULL. */
static bool is_own(const char *word, const char **key)
{
	size_t length = strcspn(word, "=");
	char option;

	if (!is_option(word))
		return false;
	if (word[1] != '-') {
		/* getopt lets flags stand before another option in one word: -vl0. */
		option = word[1 + strspn(word + 1, "hv")];
		*key = "lcores";
		return option == 'l' || option == 'c';
	}
	/* getopt takes any beginning of a name; of "--" alone it would read no further. */
	for (size_t i = 0; i < sizeof(own_options) / sizeof(own_options[0]); i++) {
		*key = own_options[i].key;
		if (!strncmp(own_options[i].name, word + 2, length - 2))
			return true;
	}
	return false;
}

/* Can a word after @word be its value? */
static bool wants_value(const char *word)
{
	return is_option(word) && (word[1] == '-' ? !strchr(word, '=') : !word[2]);
}

static bool word_fits(struct sl_reader *reader, const yaml_node_t *node, const char *text)
{
	if (strlen(text) >= SL_ENGINE_WORD_MAX) {
		sl_reader_wrong(reader, node, "\"%.40s...\" has %zu bytes, at most %d", text,
				strlen(text), SL_ENGINE_WORD_MAX - 1);
		return false;
	}
	for (const char *p = text; *p; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		sl_reader_wrong(reader, node, "\"%.40s\" is not plain ASCII text", text);
		return false;
	}
	return true;
}

static void add_word(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	struct sl_policy_engine *engine = to;
	const char *text = sl_reader_text(reader, node), *key;
	const char *before = engine->eal_words ? engine->eal[engine->eal_words - 1] : "";

	if (!text || !word_fits(reader, node, text))
		return;
	/* Also when it is refused: the next word may be its value, and no mistake of its own. */
	strcpy(engine->eal[engine->eal_words++], text);
	if (is_own(text, &key))
		sl_reader_wrong(reader, node, "\"%.40s\" is decided by the engine%s%s", text,
				key ? ": say it as " : "", key ? key : "");
	else if (!is_option(text) && !wants_value(before))
		sl_reader_wrong(reader, node,
				"\"%.40s\" is no option and follows none that takes it: quote a "
				"word that has a comma",
				text);
}

static void read_eal(struct sl_reader *reader, const yaml_node_t *node,
		     const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_ENGINE_EAL_MAX, true, add_word};

	sl_reader_list(reader, node, &list, to);
}

static void add_lcore(struct sl_reader *reader, const yaml_node_t *node, void *to)
{
	static const struct sl_reader_key range = {.max = CPU_MAX};
	struct sl_policy_engine *engine = to;
	uint32_t cpu = CPU_MAX + 1;

	sl_reader_number32(reader, node, &range, &cpu);
	if (cpu > CPU_MAX)
		return;
	for (uint32_t i = 0; i < engine->lcores; i++) {
		if (engine->lcore[i] == cpu)
			return sl_reader_wrong(reader, node, "CPU %u is said twice", cpu);
	}
	engine->lcore[engine->lcores++] = (uint16_t)cpu;
}

static void read_lcores(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_list list = {SL_ENGINE_LCORES_MAX, false, add_lcore};
	const struct sl_policy_engine *engine = to;
	uint32_t before = reader->mistakes;

	sl_reader_list(reader, node, &list, to);
	if (reader->mistakes == before && engine->queues && engine->lcores != engine->queues)
		sl_reader_wrong(reader, node,
				"has %u CPUs, and queues says %u: each queue needs one CPU",
				engine->lcores, engine->queues);
}

static void read_huge_pages(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to)
{
	uint32_t yes = 1;

	sl_reader_word(reader, node, key, &yes);
	*(bool *)to = !yes;
}

static void read_sleep(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_reader_key *key, void *to)
{
	uint64_t ns = 0;

	sl_reader_number(reader, node, key, &ns);
	if (ns % 1000)
		return sl_reader_wrong(reader, node, "is finer than 1us");
	*(uint32_t *)to = (uint32_t)(ns / 1000);
}

void sl_policy_read_engine(struct sl_reader *reader, const yaml_node_t *node,
			   const struct sl_reader_key *key, void *to)
{
	static const struct sl_reader_key keys[] = {
		{"kind", sl_reader_word, AT(kind), .required = true, .units = kind_words},
		{"driver", sl_reader_word, AT(driver), .units = driver_words, FOR_DPDK},
		{"eal", read_eal, FOR_DPDK},
		{"queues", sl_reader_number32, AT(queues), .min = 1, .max = SL_ENGINE_LCORES_MAX,
		 FOR_DPDK},
		{"lcores", read_lcores, FOR_DPDK},
		{"mbufs", sl_reader_number32, AT(mbufs), .min = 512, .max = 16777216, FOR_DPDK},
		{"flows", sl_reader_number32, AT(flows), .min = 64, .max = 67108864, FOR_DPDK},
		{"huge_pages", read_huge_pages, AT(no_huge_pages), .units = bool_words, FOR_DPDK},
		{"idle_sleep", read_sleep, AT(idle_sleep_us), .max = SLEEP_MAX_NS,
		 .units = sl_units_time, FOR_DPDK},
		{NULL},
	};
	struct sl_policy_engine *engine = to;

	/* Until kind is read, and when that fails: so that one mistake there is not many. */
	engine->kind = SL_ENGINE_DPDK;
	sl_reader_map(reader, node, keys, engine);
	if (engine->kind == SL_ENGINE_DPDK && !engine->queues)
		engine->queues = engine->lcores ? engine->lcores : 1;
}

void sl_policy_read_pair(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to)
{
	const struct sl_policy *policy = reader->policy;

	if (policy->engine.kind != SL_ENGINE_DPDK)
		return sl_reader_wrong(reader, node, "needs engine kind dpdk");
	/* The other port may stand later in the file. */
	reader->pair[policy->ports] = node;
}

static int port_index(const struct sl_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->ports; i++) {
		if (!strcmp(policy->port[i].name, name))
			return (int)i;
	}
	return -1;
}

/* Is @port free, or in a pair with @other already? */
static bool is_free(struct sl_reader *reader, const yaml_node_t *node, uint32_t port,
		    uint32_t other)
{
	const struct sl_policy_port *list = reader->policy->port;

	if (list[port].role == SL_ROLE_MIRROR)
		sl_reader_wrong(reader, node, "%s is a mirror, which has no other end",
				list[port].name);
	else if (list[port].pair != SL_PORT_NONE && list[port].pair != other)
		sl_reader_wrong(reader, node, "%s is already in a pair with %s", list[port].name,
				list[list[port].pair].name);
	else
		return true;
	return false;
}

static void pair_port(struct sl_reader *reader, const yaml_node_t *node, uint32_t port)
{
	const char *text = sl_reader_text(reader, node);
	int other = text ? port_index(reader->policy, text) : -1;

	if (!text)
		return;
	if (other < 0)
		return sl_reader_wrong(reader, node, "there is no port \"%.40s\"", text);
	if ((uint32_t)other == port)
		return sl_reader_wrong(reader, node, "%s is the port itself", text);
	if (!is_free(reader, node, port, (uint32_t)other) ||
	    !is_free(reader, node, (uint32_t)other, port))
		return;
	reader->policy->port[port].pair = (uint8_t)other;
	reader->policy->port[other].pair = (uint8_t)port;
}

void sl_policy_pair_ports(struct sl_reader *reader)
{
	for (uint32_t i = 0; i < reader->policy->ports; i++) {
		size_t at;

		if (!reader->pair[i])
			continue;
		at = sl_reader_enter(reader, reader->policy->port[i].name);
		sl_reader_enter(reader, "pair");
		pair_port(reader, reader->pair[i], i);
		sl_reader_leave(reader, at);
	}
}
