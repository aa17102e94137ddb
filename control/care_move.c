/*
 * care_move.c - one move: may it be made, said and ordered
 *
 * Guardrails bind every move but the way back of one that did not help: that is only barred
 * when nothing at all may be done.
 */
#include "care.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS 3600000u

void sl_care_set_ends(const struct sl_site *site, struct sl_care *care, unsigned int from,
		      unsigned int to)
{
	snprintf(care->from, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, from));
	snprintf(care->to, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, to));
}

void sl_care_moved(const struct sl_site *site, struct sl_care *care)
{
	unsigned int service = (unsigned int)(care - site->care),
		     to = sl_care_uplink(site, care->to);
	const struct sl_path_report *path =
		to == SL_UPLINK_UNSET ? NULL : site->view.path[service][to];

	care->moved_unanswered = path ? path->requests_unanswered : 0;
	care->moved_ms = site->now_ms;
	care->move_at_ms[care->moves++ % SL_POLICY_MOVES_MAX] = site->now_ms;
}

static unsigned int moves_in_hour(const struct sl_site *site, const struct sl_care *care)
{
	unsigned int recent = 0;

	for (unsigned int i = 0; i < SL_POLICY_MOVES_MAX; i++)
		recent += care->move_at_ms[i] && site->now_ms - care->move_at_ms[i] < HOUR_MS;
	return recent;
}

/*
 * A path that comes and goes would be followed each time.  So many moves an hour, then it holds;
 * and the last one may not be the way home: where it is has been good since, and home had
 * gaps, so that is the better average.
 */
static bool moves_too_often(const struct sl_site *site, unsigned int service,
			    const struct sl_move *move)
{
	unsigned int most =
		site->policy.guardrails.moves_per_hour - (move->to == sl_care_home(site, service));

	return moves_in_hour(site, &site->care[service]) >= most;
}

/* Why this move may not be made now; NULL = it may.  The record says it with its numbers. */
static const char *forbidden(struct sl_site *site, unsigned int service, const struct sl_move *move)
{
	const struct sl_care *care = &site->care[service];
	bool down = site->judge[service][move->from].state == SL_HEALTH_DOWN;
	uint32_t hold_ms = site->policy.guardrails.hold_down_ms;
	char *guardrail = site->record.guardrail;
	const char *why = sl_say_allowed(site);

	if (move->follows)
		why = sl_say_barred(site);
	if (why) {
		sl_say_guardrail(site, why);
		return why;
	}
	if (move->undo || down)
		return NULL;
	if (site->now_ms < care->barred_ms) {
		snprintf(guardrail, SL_TEXT_MAX, "back-off: no move for %.0f s more",
			 (double)(care->barred_ms - site->now_ms) / 1e3);
		return "back-off";
	}
	if (care->moved_ms && site->now_ms - care->moved_ms < hold_ms) {
		snprintf(guardrail, SL_TEXT_MAX, "hold-down: moved %.1f s ago, %.0f s must pass",
			 (double)(site->now_ms - care->moved_ms) / 1e3, hold_ms / 1e3);
		return "hold-down";
	}
	if (moves_too_often(site, service, move)) {
		snprintf(guardrail, SL_TEXT_MAX, "moves-per-hour: %u of %u",
			 moves_in_hour(site, care), site->policy.guardrails.moves_per_hour);
		return "moves-per-hour";
	}
	return NULL;
}

static void say_forbidden(struct sl_site *site, unsigned int service, const struct sl_move *move,
			  const char *why)
{
	const char *to = sl_view_uplink_name(&site->policy, move->to);
	char key[SL_KEY_MAX], text[SL_TEXT_MAX];

	const char *what = move->share_ppm ? "reroute" : move->remedy;

	snprintf(key, sizeof(key), "%.20s-%s", why, what);
	snprintf(text, sizeof(text), "%s: would %s to %s, but: %s", move->why, what, to, why);
	sl_care_hold(site, service, move->verdict, key, text);
}

/* In shadow the decision is the outcome. */
static void say_shadow(struct sl_site *site, unsigned int service, const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	struct sl_saying saying = {.care = care,
				   .remedy = move->remedy,
				   .key = "shadow-move",
				   .uplink = move->from,
				   .to_uplink = move->to,
				   .verdict = move->verdict};

	care->verdict = move->verdict;
	sl_say_hold(site, &saying, "shadow: would move %s from %s to %s: %s", care->name,
		    sl_view_uplink_name(&site->policy, move->from),
		    sl_view_uplink_name(&site->policy, move->to), move->why);
}

static const char *order_move(struct sl_site *site, unsigned int service,
			      const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	bool home = move->to == sl_care_home(site, service);
	struct sl_order order = {.kind = SL_COMMAND_REROUTE,
				 .move_live = move->live,
				 .share_ppm = move->share_ppm,
				 .incident = care->incident};

	/* Restore also lifts a limit and a mark: only where there is none. */
	if (home && !sl_view_limited(&site->view, service) &&
	    !sl_view_remarked(&site->view, service))
		order.kind = SL_COMMAND_RESTORE;
	memcpy(order.service, care->name, sizeof(order.service));
	snprintf(order.uplink, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, move->to));
	return sl_say_order(site, &order, !move->follows, move->why);
}

static enum sl_phase phase_of(const struct sl_site *site, unsigned int service,
			      const struct sl_move *move)
{
	if (move->share_ppm)
		return SL_PHASE_TRYING;
	return move->to == sl_care_home(site, service) ? SL_PHASE_RETURNING : SL_PHASE_MOVING;
}

bool sl_care_move(struct sl_site *site, unsigned int service, const struct sl_move *move)
{
	struct sl_care *care = &site->care[service];
	const char *why = forbidden(site, service, move);
	struct sl_saying saying = {.care = care,
				   .remedy = move->remedy,
				   .key = move->remedy,
				   .uplink = move->from,
				   .to_uplink = move->to,
				   .outcome = move->undo ? SL_OUTCOME_UNDONE : SL_OUTCOME_NONE,
				   .verdict = move->verdict};

	if (why && !strcmp(why, "shadow")) {
		say_shadow(site, service, move);
		return false;
	}
	if (why) {
		say_forbidden(site, service, move, why);
		return false;
	}
	sl_say_incident(site, care);
	care->verdict = move->verdict;
	sl_care_set_ends(site, care, move->from, move->to);
	care->phase = phase_of(site, service, move);
	care->share_ppm = move->share_ppm ? move->share_ppm : care->share_ppm;
	care->trial_ms = move->share_ppm ? 0 : care->trial_ms;
	saying.command_id = order_move(site, service, move);
	if (move->share_ppm)
		sl_say(site, &saying, "%s from %s to %s, %.0f %% of new flows first: %s",
		       care->name, care->from, care->to, move->share_ppm / 1e4, move->why);
	else
		sl_say(site, &saying, "%s from %s to %s: %s", care->name, care->from, care->to,
		       move->why);
	return true;
}
