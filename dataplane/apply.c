/*
 * apply.c - the checks that all commands pass, and those about one service
 */
#include "apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apply_policy.h"
#include "compile.h"
#include "knobs.h"
#include "proto/policy_units.h"

#define PPM     1000000u
#define DSCP_LE 1 /* Lower Effort, RFC 8622 */

struct job {
	struct sl_apply *apply;
	const struct sl_command *command;
	const struct sl_apply_time *now;
	struct sl_apply_action *action;
	char *why;
};

static enum sl_ack_status answer(const struct job *job, enum sl_ack_status status,
				 const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum sl_ack_status answer(const struct job *job, enum sl_ack_status status,
				 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(job->why, SL_TEXT_MAX, format, args);
	va_end(args);
	return status;
}

static struct sl_tables *tables(const struct sl_apply *apply)
{
	return apply->engine->ops->tables(apply->engine);
}

static const char *uplink_name(const struct sl_apply *apply, unsigned int uplink)
{
	return uplink < apply->policy.uplinks ? apply->policy.uplink[uplink].name : "";
}

static struct sl_ledger_service *entry(struct sl_apply *apply, unsigned int service)
{
	return sl_ledger_service(&apply->ledger, sl_compile_service_name(&apply->policy, service));
}

/* The words that this command will store: those noted before, when it was begun before a kill. */
static struct sl_ledger_begun begin(const struct job *job, const struct sl_ledger_begun *want)
{
	struct sl_ledger *ledger = &job->apply->ledger;

	if (strcmp(ledger->data.begun.id, job->command->id) == 0)
		return ledger->data.begun;
	ledger->data.begun = *want;
	snprintf(ledger->data.begun.id, SL_ID_MAX, "%s", job->command->id);
	sl_ledger_save(ledger);
	return ledger->data.begun;
}

static struct sl_ledger_begun standing(const struct job *job, unsigned int service)
{
	struct sl_tables *t = tables(job->apply);

	return (struct sl_ledger_begun){
		.service = (uint8_t)service,
		.steer = sl_knobs_steer(t, service),
		.rate = t->knobs.rate[service][0],
	};
}

static void store(const struct job *job, const struct sl_ledger_begun *words)
{
	struct sl_tables *t = tables(job->apply);

	if (sl_knobs_steer(t, words->service).uplink != words->steer.uplink)
		sl_reroute_switched(&job->apply->reroute, words->service, job->now->mono_ns);
	sl_knobs_set_steer(t, words->service, words->steer);
	sl_knobs_set_rate(t, words->service, words->rate);
}

static uint64_t hold_until(const struct job *job)
{
	return job->command->hold_ms ? job->now->mono_ns + job->command->hold_ms * UINT64_C(1000000)
				     : 0;
}

static void tell(const struct job *job, unsigned int service, const char *remedy)
{
	struct sl_apply_action *a = job->action;

	snprintf(a->service, sizeof(a->service), "%s",
		 sl_compile_service_name(&job->apply->policy, service));
	snprintf(a->remedy, sizeof(a->remedy), "%s", remedy);
	snprintf(a->text, sizeof(a->text), "%s", job->command->reason);
}

static void tell_move(const struct job *job, uint8_t from, uint8_t to)
{
	snprintf(job->action->from, SL_NAME_MAX, "%s", uplink_name(job->apply, from));
	snprintf(job->action->to, SL_NAME_MAX, "%s", uplink_name(job->apply, to));
}

static enum sl_ack_status reroute(const struct job *job, unsigned int service)
{
	const struct sl_command *c = job->command;
	int uplink = sl_policy_uplink_index(&job->apply->policy, c->uplink);
	struct sl_ledger_begun want = standing(job, service);
	uint8_t from = want.steer.uplink;

	if (tables(job->apply)->uplinks == 0)
		return answer(job, SL_ACK_REFUSED, "tap placement: there is no path to choose");
	if (uplink < 0)
		return answer(job, SL_ACK_REFUSED, "unknown uplink \"%s\"", c->uplink);
	if (!sl_compile_allows(&job->apply->policy, service, (unsigned int)uplink))
		return answer(job, SL_ACK_REFUSED, "the policy does not let %s use %s", c->service,
			      c->uplink);
	if (c->share_ppm == 0 || c->share_ppm > PPM)
		return answer(job, SL_ACK_REFUSED, "share_ppm %u is not in 1..1000000",
			      c->share_ppm);
	if (c->term && c->share_ppm == PPM && job->apply->reroute.uplink[uplink].down)
		return answer(job, SL_ACK_HELD, "%s is down", c->uplink);
	want.steer.trial_uplink = SL_UPLINK_NONE;
	want.steer.trial_share = 0;
	if (c->share_ppm == PPM) {
		want.steer.uplink = (uint8_t)uplink;
	} else {
		uint32_t share = (uint32_t)((uint64_t)c->share_ppm * SL_SHARE_WHOLE / PPM);

		want.steer.trial_uplink = (uint8_t)uplink;
		want.steer.trial_share = share ? (uint16_t)share : 1;
	}
	want.steer.move_epoch = (uint16_t)(want.steer.move_epoch + c->move_live);
	struct sl_ledger_begun words = begin(job, &want);
	struct sl_ledger_service *e = entry(job->apply, service);

	store(job, &words);
	if (e) {
		snprintf(e->cause, sizeof(e->cause), "%s", c->id);
		e->steer_until_ns = hold_until(job);
	}
	tell(job, service, "reroute");
	tell_move(job, from, (uint8_t)uplink);
	return answer(job, SL_ACK_APPLIED, "%s to %s, %u of %d shares%s", c->service, c->uplink,
		      words.steer.trial_share ? words.steer.trial_share : SL_SHARE_WHOLE,
		      SL_SHARE_WHOLE, c->move_live ? ", live flows too" : "");
}

/* "" or what forbids @bps for @service. */
static const char *limit_mistake(const struct job *job, unsigned int service, uint64_t bps)
{
	const struct sl_policy *policy = &job->apply->policy;

	if (bps == 0)
		return "";
	if (bps < SL_KNOBS_BPS_MIN)
		return "a limit below 8 kbit/s stops traffic";
	if (service == SL_SERVICE_OTHER)
		return job->command->term ? "\"other\" has no throttle in the policy" : "";
	const struct sl_policy_service *s = &policy->service[service - 1];

	if (!s->may_throttle && job->command->term)
		return "the policy does not let it be throttled";
	return bps < s->throttle_floor_bps ? "below the policy's floor" : "";
}

static enum sl_ack_status throttle(const struct job *job, unsigned int service)
{
	const struct sl_command *c = job->command;
	const char *mistake = limit_mistake(job, service, c->limit_bps);
	struct sl_ledger_begun want = standing(job, service);

	if (mistake[0])
		return answer(job, SL_ACK_REFUSED, "%s to %" PRIu64 " bit/s: %s", c->service,
			      c->limit_bps, mistake);
	want.rate = sl_knobs_rate(c->limit_bps);
	struct sl_ledger_begun words = begin(job, &want);
	struct sl_ledger_service *e = entry(job->apply, service);

	store(job, &words);
	if (e) {
		e->limit_bps = c->limit_bps;
		e->rate_until_ns = hold_until(job);
		if (c->limit_bps)
			snprintf(e->cause, sizeof(e->cause), "%s", c->id);
		else if (words.steer.uplink ==
			 sl_compile_first_uplink(&job->apply->policy, service))
			e->cause[0] = 0;
	}
	tell(job, service, "throttle");
	job->action->limit_bps = c->limit_bps;
	if (c->limit_bps == 0)
		return answer(job, SL_ACK_APPLIED, "%s: limit lifted", c->service);
	return answer(job, SL_ACK_APPLIED, "%s limited to %" PRIu64 " bit/s each way", c->service,
		      c->limit_bps);
}

/* What @service's packets leave with from now on, and by whose word; "" = the policy's. */
static void set_remark(const struct job *job, unsigned int service, const char *cause, uint8_t word)
{
	struct sl_ledger_service *e = entry(job->apply, service);

	sl_knobs_set_remark(tables(job->apply), service, word);
	if (!e)
		return;
	snprintf(e->remark_cause, sizeof(e->remark_cause), "%s", cause);
	e->remark_until_ns = cause[0] ? hold_until(job) : 0;
}

/* Control may not let what sells wait behind all else. */
static bool would_yield(const struct job *job, unsigned int service, uint8_t dscp)
{
	const struct sl_policy *policy = &job->apply->policy;

	return job->command->term && dscp == DSCP_LE && service != SL_SERVICE_OTHER &&
	       policy->service[service - 1].priority == SL_PRIORITY_CRITICAL;
}

static enum sl_ack_status remark(const struct job *job, unsigned int service)
{
	const struct sl_command *c = job->command;
	uint8_t dscp = 0, word = sl_compile_remark(&job->apply->policy, service);
	char text[SL_UNITS_TEXT_MAX];

	if (job->apply->policy.placement == SL_PLACEMENT_TAP)
		return answer(job, SL_ACK_REFUSED, "tap placement: no packet is changed");
	if (c->dscp[0] && !sl_units_read_dscp(c->dscp, &dscp))
		return answer(job, SL_ACK_REFUSED,
			      "\"%s\" is no DSCP: 0 to 63, EF, AF41, CS1, LE ...", c->dscp);
	if (c->dscp[0] && would_yield(job, service, dscp))
		return answer(job, SL_ACK_REFUSED, "%s is critical: only a person may mark it LE",
			      c->service);
	if (c->dscp[0])
		word = (uint8_t)(SL_REMARK | dscp);
	set_remark(job, service, c->dscp[0] ? c->id : "", word);
	tell(job, service, "remark");
	sl_units_write_dscp(word & SL_REMARK_DSCP, text);
	if (c->dscp[0])
		return answer(job, SL_ACK_APPLIED, "%s: its packets leave for the WAN as %s",
			      c->service, text);
	return answer(job, SL_ACK_APPLIED, "%s: its packets' DSCP is %s%s", c->service,
		      word ? "the policy's again, " : "their own again", word ? text : "");
}

static enum sl_ack_status restore(const struct job *job, unsigned int service)
{
	const struct sl_command *c = job->command;
	struct sl_ledger_begun want = standing(job, service);
	uint8_t from = want.steer.uplink;
	uint8_t first = tables(job->apply)->uplinks
				? sl_compile_first_uplink(&job->apply->policy, service)
				: 0;

	if (c->term && from != first && job->apply->reroute.uplink[first].down)
		return answer(job, SL_ACK_HELD, "%s is down", uplink_name(job->apply, first));
	want.steer.uplink = first;
	want.steer.trial_uplink = SL_UPLINK_NONE;
	want.steer.trial_share = 0;
	want.steer.move_epoch = (uint16_t)(want.steer.move_epoch + c->move_live);
	want.rate = (struct sl_rate){0, 0};
	struct sl_ledger_begun words = begin(job, &want);
	struct sl_ledger_service *e = entry(job->apply, service);

	store(job, &words);
	set_remark(job, service, "", sl_compile_remark(&job->apply->policy, service));
	if (e) {
		e->cause[0] = 0;
		e->limit_bps = e->steer_until_ns = e->rate_until_ns = 0;
	}
	tell(job, service, "restore");
	tell_move(job, from, first);
	return answer(job, SL_ACK_APPLIED, "%s is as the policy says%s%s", c->service,
		      from != first ? ", on " : "",
		      from != first ? uplink_name(job->apply, first) : "");
}

static enum sl_ack_status clamp(const struct job *job)
{
	const struct sl_command *c = job->command;
	int uplink = sl_policy_uplink_index(&job->apply->policy, c->uplink);
	struct sl_ledger_uplink *u;

	if (c->term && job->apply->policy.mode != SL_MODE_ENFORCE)
		return answer(job, SL_ACK_REFUSED, "mode is %s: only a person may act",
			      sl_mode_word(job->apply->policy.mode));
	if (uplink < 0)
		return answer(job, SL_ACK_REFUSED, "unknown uplink \"%s\"", c->uplink);
	if (c->packet_bytes &&
	    (c->packet_bytes < SL_KNOBS_CLAMP_MIN || c->packet_bytes > UINT16_MAX))
		return answer(job, SL_ACK_REFUSED, "packet_bytes %u is not in %u..65535",
			      c->packet_bytes, SL_KNOBS_CLAMP_MIN);
	sl_knobs_set_clamp(tables(job->apply), (unsigned int)uplink, (uint16_t)c->packet_bytes);
	u = sl_ledger_uplink(&job->apply->ledger, c->uplink);
	if (u) {
		snprintf(u->cause, sizeof(u->cause), "%s", c->packet_bytes ? c->id : "");
		u->clamp_until_ns = c->packet_bytes ? hold_until(job) : 0;
	}
	snprintf(job->action->remedy, SL_NAME_MAX, "clamp-mss");
	snprintf(job->action->service, SL_NAME_MAX, "%s", c->service);
	snprintf(job->action->from, SL_NAME_MAX, "%s", c->uplink);
	snprintf(job->action->text, SL_TEXT_MAX, "%s", c->reason);
	if (c->packet_bytes == 0)
		return answer(job, SL_ACK_APPLIED, "%s: its connections' MSS is theirs again",
			      c->uplink);
	return answer(job, SL_ACK_APPLIED, "%s: new connections' packets have %u bytes at most",
		      c->uplink, c->packet_bytes);
}

static enum sl_ack_status of_service(const struct job *job)
{
	const struct sl_command *c = job->command;
	int service = sl_compile_service(&job->apply->policy, c->service);

	if (service < 0)
		return answer(job, SL_ACK_REFUSED, "unknown service \"%s\"", c->service);
	if (c->term && job->apply->policy.mode != SL_MODE_ENFORCE)
		return answer(job, SL_ACK_REFUSED, "mode is %s: only a person may act",
			      sl_mode_word(job->apply->policy.mode));
	if (c->kind == SL_COMMAND_REROUTE)
		return reroute(job, (unsigned int)service);
	if (c->kind == SL_COMMAND_THROTTLE)
		return throttle(job, (unsigned int)service);
	if (c->kind == SL_COMMAND_REMARK)
		return remark(job, (unsigned int)service);
	return restore(job, (unsigned int)service);
}

static enum sl_ack_status set_switch(const struct job *job)
{
	struct sl_ledger_data *data = &job->apply->ledger.data;
	enum sl_command_kind kind = job->command->kind;

	data->frozen = kind != SL_COMMAND_RESUME && (data->frozen || kind == SL_COMMAND_FREEZE);
	data->bypassed = kind != SL_COMMAND_RESUME && (data->bypassed || kind == SL_COMMAND_BYPASS);
	sl_knobs_set_bypass(tables(job->apply), data->bypassed);
	snprintf(job->action->remedy, SL_NAME_MAX, "%s", sl_command_word(kind));
	snprintf(job->action->text, SL_TEXT_MAX, "%s", job->command->reason);
	return answer(job, SL_ACK_APPLIED, "frozen: %s, bypassed: %s", data->frozen ? "yes" : "no",
		      data->bypassed ? "yes" : "no");
}

static enum sl_ack_status of_policy(const struct job *job)
{
	const struct sl_command *c = job->command;
	enum sl_ack_status status;

	if (c->kind == SL_COMMAND_POLICY)
		status = sl_apply_policy_text(job->apply, c->policy, job->why);
	else if (c->term && job->apply->policy.mode != SL_MODE_ENFORCE)
		return answer(job, SL_ACK_REFUSED, "mode is %s: only a person may act",
			      sl_mode_word(job->apply->policy.mode));
	else
		status = sl_apply_policy_back(job->apply, c, job->why);
	if (status == SL_ACK_APPLIED)
		snprintf(job->action->remedy, SL_NAME_MAX, "%s", sl_command_word(c->kind));
	return status;
}

static enum sl_ack_status obey(const struct job *job)
{
	switch (job->command->kind) {
	case SL_COMMAND_REROUTE:
	case SL_COMMAND_THROTTLE:
	case SL_COMMAND_RESTORE:
	case SL_COMMAND_REMARK:
		return of_service(job);
	case SL_COMMAND_CLAMP:
		return clamp(job);
	case SL_COMMAND_FREEZE:
	case SL_COMMAND_BYPASS:
	case SL_COMMAND_RESUME:
		return set_switch(job);
	case SL_COMMAND_POLICY:
	case SL_COMMAND_ROLLBACK:
		return of_policy(job);
	case SL_COMMAND_NONE:
	case SL_COMMAND_KIND_COUNT:
		break;
	}
	return answer(job, SL_ACK_REFUSED, "unknown kind of command");
}

static bool is_switch(enum sl_command_kind kind)
{
	return kind == SL_COMMAND_FREEZE || kind == SL_COMMAND_BYPASS || kind == SL_COMMAND_RESUME;
}

/* SL_ACK_NONE: may be obeyed. */
static enum sl_ack_status check(const struct job *job)
{
	const struct sl_command *c = job->command;
	const struct sl_ledger_data *data = &job->apply->ledger.data;

	if (strcmp(c->site, job->apply->policy.site) != 0)
		return answer(job, SL_ACK_REFUSED, "for site \"%s\", this is \"%s\"", c->site,
			      job->apply->policy.site);
	if (!c->id[0])
		return answer(job, SL_ACK_REFUSED, "no id");
	if (sl_ledger_obeyed(&job->apply->ledger, c->id))
		return answer(job, SL_ACK_DUPLICATE, "obeyed before");
	if (c->expires_unix_ns && job->now->unix_ns > c->expires_unix_ns)
		return answer(job, SL_ACK_EXPIRED, "expired %" PRIu64 " ms ago",
			      (job->now->unix_ns - c->expires_unix_ns) / 1000000);
	if (c->term && c->term < data->term)
		return answer(job, SL_ACK_REFUSED, "term %" PRIu64 " is over: %" PRIu64 " was seen",
			      c->term, data->term);
	if (data->frozen && !is_switch(c->kind))
		return answer(job, SL_ACK_HELD, "frozen");
	if (data->bypassed && !is_switch(c->kind) && c->kind != SL_COMMAND_POLICY &&
	    c->kind != SL_COMMAND_ROLLBACK)
		return answer(job, SL_ACK_HELD, "bypassed: nothing acts on the traffic");
	return SL_ACK_NONE;
}

enum sl_ack_status sl_apply_command(struct sl_apply *apply, const struct sl_command *command,
				    const struct sl_apply_time *now, struct sl_apply_action *action,
				    char *why)
{
	struct job job = {apply, command, now, action, why};
	enum sl_ack_status status;

	*action = (struct sl_apply_action){0};
	status = check(&job);
	if (status == SL_ACK_NONE) {
		if (command->term > apply->ledger.data.term)
			apply->ledger.data.term = command->term;
		status = obey(&job);
	}
	if (status == SL_ACK_APPLIED) {
		sl_ledger_obey(&apply->ledger, command->id);
		if (!action->text[0])
			snprintf(action->text, sizeof(action->text), "%s", why);
	}
	sl_ledger_save(&apply->ledger);
	return status;
}

void sl_apply_position(struct sl_apply *apply, const char *position)
{
	snprintf(apply->ledger.data.position, sizeof(apply->ledger.data.position), "%s", position);
}
