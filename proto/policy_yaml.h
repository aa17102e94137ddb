/*
 * policy_yaml.h - walking the YAML of a policy, with a place for every mistake
 *
 * libyaml's document is walked directly: libcyaml 1.3 can neither read mappings
 * with free keys (services: {pos: ...}) nor report several mistakes with their
 * columns.  A reader goes on after a mistake, so that one run shows them all;
 * what it filled until then is thrown away by sl_policy_read.  Private to policy*.c.
 */
#ifndef SL_POLICY_YAML_H
#define SL_POLICY_YAML_H

#include <yaml.h>

#include "policy.h"

struct sl_reader {
	struct sl_policy *policy; /* being filled */
	yaml_document_t document;
	const yaml_node_t *root, *mode, *placement;
	const yaml_node_t *service[SL_WIRE_SERVICES_MAX]; /* for checks across sections */
	const yaml_node_t *port[SL_POLICY_PORTS_MAX], *uplink[SL_WIRE_UPLINKS_MAX];
	const yaml_node_t *pair[SL_POLICY_PORTS_MAX]; /* what the port says of it; NULL = nothing */
	uint64_t flow_share_ppm;                      /* of all services so far */
	const char *file;
	char path[160]; /* "services.pos.slo" */
	char *why;
	size_t why_size, why_used;
	uint32_t mistakes;
};

struct sl_reader_key;

/* Reads @node into @to (the struct at key->offset of what the mapping fills). */
typedef void (*sl_reader_read)(struct sl_reader *reader, const yaml_node_t *node,
			       const struct sl_reader_key *key, void *to);

/*
 * One key that a mapping may have.  min, max and units are the read function's.
 * barred, where there is one, is asked for a key that is said: why it has no place
 * here, or NULL when it has.
 */
struct sl_reader_key {
	const char *name;
	sl_reader_read read;
	size_t offset;
	bool required;
	uint64_t min, max;
	const void *units;
	const char *(*barred)(const struct sl_reader *reader);
};

/* Parse and check what no policy needs (anchors, tags, several documents, depth).  0 or -EINVAL. */
int sl_reader_open(struct sl_reader *reader, const char *yaml, size_t size);
void sl_reader_close(struct sl_reader *reader);

/* Report a mistake at @node under the current path; NULL = the start of the file. */
__attribute__((format(printf, 3, 4))) void
sl_reader_wrong(struct sl_reader *reader, const yaml_node_t *node, const char *format, ...);

/* Go down to @name in the path; what is returned is given to leave. */
size_t sl_reader_enter(struct sl_reader *reader, const char *name);
void sl_reader_leave(struct sl_reader *reader, size_t before);

/* The text of a scalar; NULL, and reported, when @node is no scalar or is empty. */
const char *sl_reader_text(struct sl_reader *reader, const yaml_node_t *node);

/* A mapping with known keys (the list ends with a NULL name), read in the order of @keys. */
void sl_reader_map(struct sl_reader *reader, const yaml_node_t *node,
		   const struct sl_reader_key *keys, void *to);

/* A mapping from names to things: @each for up to @max, under the path of its name. */
typedef void (*sl_reader_named)(struct sl_reader *reader, const char *name,
				const yaml_node_t *node);
void sl_reader_names(struct sl_reader *reader, const yaml_node_t *node, uint32_t max,
		     sl_reader_named each);

/* The entries of a list, or @node itself when it is a scalar and @scalar_too; @each for up to @max. */
struct sl_reader_list {
	uint32_t max;
	bool scalar_too;
	void (*each)(struct sl_reader *reader, const yaml_node_t *node, void *to);
};
void sl_reader_list(struct sl_reader *reader, const yaml_node_t *node,
		    const struct sl_reader_list *list, void *to);

/* Read functions for keys. */
void sl_reader_number(struct sl_reader *reader, const yaml_node_t *node,
		      const struct sl_reader_key *key, void *to); /* uint64_t in key->units; units
								     NULL: a plain number */
void sl_reader_number32(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to); /* the same to uint32_t */
void sl_reader_time_ms(struct sl_reader *reader, const yaml_node_t *node,
		       const struct sl_reader_key *key, void *to); /* min, max in ms; uint32_t */
void sl_reader_word(struct sl_reader *reader, const yaml_node_t *node,
		    const struct sl_reader_key *key,
		    void *to); /* units: NULL-ended words; to enum */

/* Name of a port, an uplink or a service: letters, digits, '-' and '_', at most 31. */
bool sl_reader_is_name(const char *text, const char *also);

/* policy_match.c: the `match:` list of the service @to. */
void sl_policy_read_match(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to);
/* policy_names.c: `tunnels:` and `names:`; `name:` and `app:` of the match @to, and whether they may be. */
void sl_policy_read_tunnels(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to);
void sl_policy_read_names(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to);
void sl_policy_read_name(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to);
void sl_policy_read_app(struct sl_reader *reader, const yaml_node_t *node,
			const struct sl_reader_key *key, void *to);
const char *sl_policy_no_names(const struct sl_reader *reader);
/* Another prefix ("10.0.0.0/8", "::1") to @list, which has room. */
void sl_policy_add_prefix(struct sl_reader *reader, const yaml_node_t *node,
			  struct sl_policy_prefix *list, uint32_t *count);
/* policy_probes.c: `probes:`, `reflector:`, `recorder:`, `history:`; `stamp:` of the uplink @to. */
void sl_policy_probes_defaults(struct sl_policy *policy);
void sl_policy_read_probes(struct sl_reader *reader, const yaml_node_t *node,
			   const struct sl_reader_key *key, void *to);
void sl_policy_read_reflector(struct sl_reader *reader, const yaml_node_t *node,
			      const struct sl_reader_key *key, void *to);
void sl_policy_read_recorder(struct sl_reader *reader, const yaml_node_t *node,
			     const struct sl_reader_key *key, void *to);
void sl_policy_read_history(struct sl_reader *reader, const yaml_node_t *node,
			    const struct sl_reader_key *key, void *to);
void sl_policy_read_stamp(struct sl_reader *reader, const yaml_node_t *node,
			  const struct sl_reader_key *key, void *to);
/* policy_engine.c: the section; `pair:` of the port being read; and when all ports are known. */
void sl_policy_read_engine(struct sl_reader *reader, const yaml_node_t *node,
			   const struct sl_reader_key *key, void *to);
void sl_policy_read_pair(struct sl_reader *reader, const yaml_node_t *node,
			 const struct sl_reader_key *key, void *to);
void sl_policy_pair_ports(struct sl_reader *reader);
/* policy_check.c: what only the whole policy shows. */
void sl_policy_check(struct sl_reader *reader);
/* policy_sections.c: engine, tunnels, names, ports, uplinks, services, guardrails; filled in this order. */
extern const struct sl_reader_key sl_policy_keys[];

#endif
