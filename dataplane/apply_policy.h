/*
 * apply_policy.h - a policy as a command: the part of apply.h that replaces whole generations
 */
#ifndef SL_APPLY_POLICY_H
#define SL_APPLY_POLICY_H

#include "apply.h"

/* Read @yaml, check that it may follow the standing one, apply.  @why says what came of it. */
enum sl_ack_status sl_apply_policy_text(struct sl_apply *apply, const char *yaml, char *why);

/*
 * Back to the policy that @command brings, "" = to the previous one, as a new version; what stood
 * becomes the previous one.  Refused when another version stands than the one it names.
 */
enum sl_ack_status sl_apply_policy_back(struct sl_apply *apply, const struct sl_command *command,
					char *why);

#endif
