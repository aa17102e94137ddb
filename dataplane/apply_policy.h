/*
 * apply_policy.h - a policy as a command: the part of apply.h that replaces whole generations
 */
#ifndef SL_APPLY_POLICY_H
#define SL_APPLY_POLICY_H

#include "apply.h"

/* Read @yaml, check that it may follow the standing one, apply.  @why says what came of it. */
enum sl_ack_status sl_apply_policy_text(struct sl_apply *apply, const char *yaml, char *why);

/* Back to the previous policy; what stood becomes the previous one. */
enum sl_ack_status sl_apply_policy_back(struct sl_apply *apply, char *why);

#endif
