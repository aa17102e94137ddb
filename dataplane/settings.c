/*
 * settings.c - what apply.h does unasked: settings end, services leave a dead uplink
 */
#include <stdio.h>
#include <string.h>

#include "apply.h"
#include "compile.h"
#include "knobs.h"

static struct sl_tables *tables(const struct sl_apply *apply)
{
	return apply->engine->ops->tables(apply->engine);
}

static void say(struct sl_apply_action *a, const char *service, const char *remedy)
{
	*a = (struct sl_apply_action){0};
	snprintf(a->service, sizeof(a->service), "%s", service);
	snprintf(a->remedy, sizeof(a->remedy), "%s", remedy);
}

/* The first uplink of @service that is not down; its first one when all are. */
static uint8_t best_uplink(const struct sl_apply *apply, unsigned int service)
{
	uint8_t first = sl_compile_first_uplink(&apply->policy, service);

	if (service == SL_SERVICE_OTHER || !apply->reroute.uplink[first].down)
		return first;
	const struct sl_policy_service *s = &apply->policy.service[service - 1];

	for (uint32_t i = 0; i < s->uplinks; i++)
		if (!apply->reroute.uplink[s->uplink[i]].down)
			return s->uplink[i];
	return first;
}

static void end_steer(struct sl_apply *apply, unsigned int service, uint64_t mono_ns,
		      struct sl_apply_action *a)
{
	struct sl_steer steer = sl_knobs_steer(tables(apply), service);
	uint8_t to = best_uplink(apply, service);

	snprintf(a->from, sizeof(a->from), "%s", apply->policy.uplink[steer.uplink].name);
	snprintf(a->to, sizeof(a->to), "%s", apply->policy.uplink[to].name);
	if (steer.uplink != to)
		sl_reroute_switched(&apply->reroute, service, mono_ns);
	steer.uplink = to;
	steer.trial_uplink = SL_UPLINK_NONE;
	steer.trial_share = 0;
	sl_knobs_set_steer(tables(apply), service, steer);
	snprintf(a->text, sizeof(a->text), "%s: the time of its path choice is over", a->service);
}

/* True when a clamp's time was over: @action tells it. */
static bool expire_clamp(struct sl_apply *apply, uint64_t mono_ns, struct sl_apply_action *action)
{
	for (int i = 0; i < SL_UPLINKS_MAX; i++) {
		struct sl_ledger_uplink *u = &apply->ledger.data.uplink[i];
		int uplink = sl_policy_uplink_index(&apply->policy, u->name);

		if (!u->name[0] || !u->clamp_until_ns || mono_ns < u->clamp_until_ns)
			continue;
		say(action, "", "clamp-mss");
		snprintf(action->from, sizeof(action->from), "%s", u->name);
		snprintf(action->text, sizeof(action->text),
			 "%s: the time of its smaller MSS is over", u->name);
		if (uplink >= 0)
			sl_knobs_set_clamp(tables(apply), (unsigned int)uplink, 0);
		memset(u, 0, sizeof(*u));
		sl_ledger_save(&apply->ledger);
		return true;
	}
	return false;
}

/* The same of a service's DSCP. */
static bool expire_remark(struct sl_apply *apply, uint64_t mono_ns, struct sl_apply_action *action)
{
	for (int i = 0; i < SL_SERVICES_MAX; i++) {
		struct sl_ledger_service *s = &apply->ledger.data.service[i];
		int service = sl_compile_service(&apply->policy, s->name);

		if (!s->name[0] || service < 0 || !s->remark_until_ns ||
		    mono_ns < s->remark_until_ns)
			continue;
		say(action, s->name, "remark");
		snprintf(action->text, sizeof(action->text), "%s: the time of its DSCP is over",
			 s->name);
		sl_knobs_set_remark(tables(apply), (unsigned int)service,
				    sl_compile_remark(&apply->policy, (unsigned int)service));
		s->remark_cause[0] = 0;
		s->remark_until_ns = 0;
		sl_ledger_save(&apply->ledger);
		return true;
	}
	return false;
}

bool sl_apply_expire(struct sl_apply *apply, uint64_t mono_ns, struct sl_apply_action *action)
{
	if (apply->ledger.data.frozen)
		return false;
	for (int i = 0; i < SL_SERVICES_MAX; i++) {
		struct sl_ledger_service *s = &apply->ledger.data.service[i];
		bool steer = s->steer_until_ns && mono_ns >= s->steer_until_ns;
		bool rate = s->rate_until_ns && mono_ns >= s->rate_until_ns;
		int service = sl_compile_service(&apply->policy, s->name);

		if (!s->name[0] || service < 0 || (!steer && !rate))
			continue;
		say(action, s->name, "restore");
		if (steer) {
			end_steer(apply, (unsigned int)service, mono_ns, action);
			s->steer_until_ns = 0;
		} else {
			sl_knobs_set_rate(tables(apply), (unsigned int)service,
					  (struct sl_rate){0, 0});
			snprintf(action->text, sizeof(action->text),
				 "%s: the time of its limit is over", s->name);
			s->rate_until_ns = s->limit_bps = 0;
		}
		if (!s->steer_until_ns && !s->rate_until_ns)
			s->cause[0] = 0;
		sl_ledger_save(&apply->ledger);
		return true;
	}
	return expire_clamp(apply, mono_ns, action) || expire_remark(apply, mono_ns, action);
}

static bool end_trial(struct sl_apply *apply, unsigned int service, unsigned int from)
{
	struct sl_steer steer = sl_knobs_steer(tables(apply), service);

	if (!steer.trial_share || steer.trial_uplink != from)
		return false;
	steer.trial_uplink = SL_UPLINK_NONE;
	steer.trial_share = 0;
	steer.move_epoch++;
	sl_knobs_set_steer(tables(apply), service, steer);
	return true;
}

bool sl_apply_fast_reroute(struct sl_apply *apply, unsigned int service, unsigned int from,
			   uint64_t mono_ns, struct sl_apply_action *action)
{
	const struct sl_reroute_ask ask = {&apply->policy, service, from, mono_ns};
	struct sl_steer steer = sl_knobs_steer(tables(apply), service);
	const char *name = sl_compile_service_name(&apply->policy, service);

	say(action, name, "fast-reroute");
	snprintf(action->from, sizeof(action->from), "%s", apply->policy.uplink[from].name);
	if (steer.uplink != from) {
		snprintf(action->to, sizeof(action->to), "%s",
			 steer.uplink < apply->policy.uplinks
				 ? apply->policy.uplink[steer.uplink].name
				 : "");
		snprintf(action->text, sizeof(action->text), "trial on %s ended: it is down",
			 action->from);
		return end_trial(apply, service, from);
	}
	int to = sl_reroute_choose(&apply->reroute, &ask, action->text);

	if (to < 0)
		return false;
	steer.uplink = (uint8_t)to;
	steer.trial_uplink = SL_UPLINK_NONE;
	steer.trial_share = 0;
	steer.move_epoch++;
	/* The packets first; the ledger is for people, and disks are slow. */
	sl_knobs_set_steer(tables(apply), service, steer);
	sl_reroute_switched(&apply->reroute, service, mono_ns);
	snprintf(action->to, sizeof(action->to), "%s", apply->policy.uplink[to].name);
	struct sl_ledger_service *s = sl_ledger_service(&apply->ledger, name);

	if (s) {
		snprintf(s->cause, sizeof(s->cause), "fast-reroute");
		s->steer_until_ns = 0;
	}
	return true;
}
