/*
 * apply.h - a command, checked, into the tables
 *
 * The only writer of knobs and generations once the engine runs; the agent's
 * thread calls it.  A command is checked in this order: site, obeyed before,
 * expiry, term, frozen, its own content.  Desired state: the same command twice
 * sets the same words.  A controller (term > 0) is bound by the policy's mode and
 * may not move a service onto a dead uplink; a person (term 0) may.
 */
#ifndef SL_APPLY_H
#define SL_APPLY_H

#include "engine.h"
#include "ledger.h"
#include "proto/policy.h"
#include "reroute.h"
#include "slowpath.h"

/* What stands, and what keeps it. */
struct sl_apply {
	struct sl_engine *engine;
	const char *state_dir;
	uint32_t flows;   /* capacity of the flow table, of one worker where there are several */
	bool keep_engine; /* a policy's word on the engine is not heard */
	struct sl_policy policy;
	char yaml[SL_POLICY_BYTES_MAX];
	char previous[SL_POLICY_BYTES_MAX]; /* "" = none */
	struct sl_ledger ledger;
	struct sl_reroute reroute;    /* the agent observes, fast reroute asks */
	struct sl_slowpath *slowpath; /* the agent's; NULL = none */
	uint32_t policies;            /* counts changes of the policy, for who must publish it */
};

struct sl_apply_time {
	uint64_t mono_ns, unix_ns;
};

/* What was changed, for the ACTION event; service "" = nothing of the traffic's. */
struct sl_apply_action {
	char service[SL_NAME_MAX];
	char from[SL_NAME_MAX], to[SL_NAME_MAX]; /* uplinks, "" = not a move */
	char remedy[SL_NAME_MAX];
	uint64_t limit_bps;
	char text[SL_TEXT_MAX];
};

/*
 * Deal with @command, whose stream entry is @position.  The ledger is on disk when
 * this returns (or its failure counted).  @why gets up to SL_TEXT_MAX bytes; @action is
 * filled when the answer is SL_ACK_APPLIED, else its remedy is "".
 */
enum sl_ack_status sl_apply_command(struct sl_apply *apply, const struct sl_command *command,
				    const struct sl_apply_time *now, struct sl_apply_action *action,
				    char *why);

/* Note @position as dealt with (the ledger is written with the next command). */
void sl_apply_position(struct sl_apply *apply, const char *position);

/*
 * Settings whose time is over go back to the policy's, not while frozen.  True when one
 * did: @action tells it; call again.
 */
bool sl_apply_expire(struct sl_apply *apply, uint64_t mono_ns, struct sl_apply_action *action);

/*
 * Move @service (of the tables) off @from, which is down, live flows too; end a trial on
 * it.  True: done, @action tells it.  False: it stays, @action->text says why.
 */
bool sl_apply_fast_reroute(struct sl_apply *apply, unsigned int service, unsigned int from,
			   uint64_t mono_ns, struct sl_apply_action *action);

/*
 * Make @policy (from the text @yaml) the standing one: compile, carry over what stands,
 * swap, write to the state directory.  0; or -errno, @why says it, and all is as before.
 */
int sl_apply_policy(struct sl_apply *apply, const struct sl_policy *policy, const char *yaml,
		    char *why);

#endif
