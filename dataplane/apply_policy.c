/*
 * apply_policy.c - read, compare, compile, swap, keep
 */
#include "apply_policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "files.h"
#include "knobs.h"

/* The engine was opened on these devices and routes; another set, or another engine,
 * needs a restart. */
static bool same_ground(const struct sl_policy *a, const struct sl_policy *b)
{
	if (a->placement != b->placement || a->ports != b->ports || a->uplinks != b->uplinks)
		return false;
	/* As bytes, so that no new member is forgotten; sl_policy_read fills from zeros. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) padding is zero too */
	if (memcmp(&a->engine, &b->engine, sizeof(a->engine)) != 0)
		return false;
	for (uint32_t i = 0; i < a->ports; i++)
		if (strcmp(a->port[i].device, b->port[i].device) != 0 ||
		    a->port[i].role != b->port[i].role || a->port[i].pair != b->port[i].pair)
			return false;
	for (uint32_t i = 0; i < a->uplinks; i++)
		if (strcmp(a->uplink[i].device, b->uplink[i].device) != 0 ||
		    strcmp(a->uplink[i].gateway, b->uplink[i].gateway) != 0 ||
		    strcmp(a->uplink[i].gateway6, b->uplink[i].gateway6) != 0 ||
		    strcmp(a->uplink[i].name, b->uplink[i].name) != 0)
			return false;
	return true;
}

static void keep(struct sl_apply *apply)
{
	const char *dir = apply->state_dir;

	/* Previous first: a kill in between leaves the standing policy's own file true. */
	if (apply->previous[0] &&
	    sl_files_replace(dir, "previous.yaml", apply->previous, strlen(apply->previous)))
		apply->ledger.failures++;
	if (sl_files_replace(dir, "policy.yaml", apply->yaml, strlen(apply->yaml)))
		apply->ledger.failures++;
}

/* Entries of services that are gone make room; a setting of theirs is gone with them. */
static void forget_services(struct sl_apply *apply)
{
	for (int i = 0; i < SL_SERVICES_MAX; i++) {
		struct sl_ledger_service *s = &apply->ledger.data.service[i];

		if (s->name[0] && sl_compile_service(&apply->policy, s->name) < 0)
			memset(s, 0, sizeof(*s));
	}
}

/* Before the tables are swapped: a flow looks once when they are new to it, and must find its names. */
static void tell_names(struct sl_apply *apply, const struct sl_policy *policy,
		       const struct sl_tables *tables)
{
	static struct sl_clauses clauses;

	if (!apply->slowpath)
		return;
	sl_compile_clauses(policy, &clauses);
	sl_slowpath_apply(apply->slowpath, &clauses, tables->generation, tables->hash_seed,
			  apply->engine->ops->names(apply->engine));
}

int sl_apply_policy(struct sl_apply *apply, const struct sl_policy *policy, const char *yaml,
		    char *why)
{
	struct sl_tables *standing = apply->engine->ops->tables(apply->engine);
	struct sl_tables next;
	int err = sl_compile(&next, policy, apply->flows, why);

	if (err)
		return err;
	sl_compile_carry(&next, policy, standing, &apply->policy);
	tell_names(apply, policy, &next);
	err = apply->engine->ops->apply(apply->engine, &next);
	if (err) {
		tell_names(apply, &apply->policy, standing);
		snprintf(why, SL_TEXT_MAX, "the engine refused it: %s", strerror(-err));
		return err;
	}
	if (yaml != apply->yaml) {
		memcpy(apply->previous, apply->yaml, sizeof(apply->previous));
		snprintf(apply->yaml, sizeof(apply->yaml), "%s", yaml);
	}
	apply->policy = *policy;
	apply->ledger.data.policy_version = policy->version;
	apply->policies++;
	forget_services(apply);
	keep(apply);
	return 0;
}

static enum sl_ack_status refuse(char *why, const char *what)
{
	snprintf(why, SL_TEXT_MAX, "%s", what);
	return SL_ACK_REFUSED;
}

/* Is @policy of this site, and for the ground that the engine was opened on? */
static bool fits(const struct sl_apply *apply, struct sl_policy *policy, char *why)
{
	if (strcmp(policy->site, apply->policy.site) != 0) {
		refuse(why, "it is for another site");
		return false;
	}
	if (apply->keep_engine)
		policy->engine = apply->policy.engine;
	if (same_ground(policy, &apply->policy))
		return true;
	refuse(why, "ports, uplinks or engine differ: restart the dataplane with it");
	return false;
}

enum sl_ack_status sl_apply_policy_text(struct sl_apply *apply, const char *yaml, char *why)
{
	static struct sl_policy policy; /* 100 kB: not for the stack */
	uint64_t version = apply->ledger.data.policy_version;

	if (sl_policy_read(&policy, yaml, strlen(yaml), "policy", why, SL_TEXT_MAX))
		return SL_ACK_REFUSED;
	if (policy.version && policy.version < version)
		return refuse(why, "its version is older than the standing one's");
	if (!fits(apply, &policy, why))
		return SL_ACK_REFUSED;
	if (policy.version == 0)
		policy.version = version + 1;
	if (sl_apply_policy(apply, &policy, yaml, why))
		return SL_ACK_REFUSED;
	snprintf(why, SL_TEXT_MAX, "policy version %" PRIu64 " stands, generation %" PRIu64,
		 policy.version, apply->engine->ops->tables(apply->engine)->generation);
	return SL_ACK_APPLIED;
}

enum sl_ack_status sl_apply_policy_back(struct sl_apply *apply, const struct sl_command *command,
					char *why)
{
	static struct sl_policy policy;
	static char yaml[SL_POLICY_BYTES_MAX];
	bool earlier = command->policy[0] != '\0';
	uint64_t version = apply->ledger.data.policy_version;

	if (command->policy_version && command->policy_version != version) {
		snprintf(why, SL_TEXT_MAX,
			 "version %" PRIu64 " was to be taken back, and %" PRIu64 " stands by now",
			 command->policy_version, version);
		return SL_ACK_REFUSED;
	}
	if (!earlier && !apply->previous[0])
		return refuse(why, "there is no previous policy");
	memcpy(yaml, earlier ? command->policy : apply->previous, sizeof(yaml));
	if (sl_policy_read(&policy, yaml, strlen(yaml), earlier ? "policy" : "previous", why,
			   SL_TEXT_MAX) ||
	    !fits(apply, &policy, why))
		return SL_ACK_REFUSED;
	/* Versions only grow, also on the way back, so that nobody takes it for old news. */
	policy.version = version + 1;
	if (sl_apply_policy(apply, &policy, yaml, why))
		return SL_ACK_REFUSED;
	snprintf(why, SL_TEXT_MAX, "back to %s policy, as version %" PRIu64,
		 earlier ? "an earlier" : "the previous", policy.version);
	return SL_ACK_APPLIED;
}
