/*
 * clamp.c - one clamp an uplink, from its order to its proof or its end
 */
#include "clamp.h"
#include "care.h"
#include "learn.h"

#include <stdio.h>
#include <string.h>

#define CARRIES_BYTES 2400 /* in a window: more than small segments, of the side that was stuck */
#define GRACE_MS      3000 /* an order and a picture on their way */

static struct sl_saying saying_of(struct sl_site *site, const struct sl_clamp *clamp,
				  unsigned int uplink, const char *remedy, const char *key)
{
	int service = sl_policy_service_index(&site->policy, clamp->service);
	bool known = service >= 0 && service < (int)site->policy.services;

	return (struct sl_saying){.care = known ? &site->care[service] : NULL,
				  .remedy = remedy,
				  .key = key,
				  .uplink = uplink,
				  .to_uplink = SL_UPLINK_UNSET,
				  .verdict = SL_VERDICT_UPLINK,
				  .incident = clamp->incident};
}

/* Set what @clamp says (0 = lifted). */
static const char *order(struct sl_site *site, const struct sl_clamp *clamp, unsigned int uplink,
			 bool counts, const char *why)
{
	struct sl_order order = {.kind = SL_COMMAND_CLAMP,
				 .packet_bytes = clamp->bytes,
				 .hold_ms = clamp->bytes ? SL_CLAMP_HOLD_MS : 0,
				 .incident = clamp->incident};

	memcpy(order.service, clamp->service, sizeof(order.service));
	snprintf(order.uplink, SL_NAME_MAX, "%s", sl_view_uplink_name(&site->policy, uplink));
	return sl_say_order(site, &order, counts, why);
}

/* What was stuck before is no word against the clamp. */
static void forget_stuck(struct sl_site *site, unsigned int uplink)
{
	for (unsigned int s = 0; s < SL_SITE_SERVICES; s++)
		site->judge[s][uplink].stuck = 0;
}

static void say_forbidden(struct sl_site *site, unsigned int service,
			  const struct sl_choice *choice, const char *guardrail, const char *why)
{
	char key[SL_KEY_MAX], text[SL_TEXT_MAX];
	bool shadow = !strcmp(guardrail, "shadow");

	sl_say_guardrail(site, guardrail);
	snprintf(key, sizeof(key), "%.20s-clamp", guardrail);
	snprintf(text, sizeof(text), "%.160s: %s clamp-mss to %u bytes%s%s", why,
		 shadow ? "shadow: would" : "would", choice->packet_bytes,
		 shadow ? "" : ", but: ", shadow ? "" : guardrail);
	sl_care_hold(site, service, SL_VERDICT_UPLINK, key, text);
}

void sl_clamp_begin(struct sl_site *site, unsigned int service, unsigned int uplink,
		    const struct sl_choice *choice, const char *why)
{
	struct sl_care *care = &site->care[service];
	struct sl_clamp *clamp = &site->clamp[uplink];
	const char *guardrail = sl_say_allowed(site);
	struct sl_saying saying;

	if (guardrail) {
		say_forbidden(site, service, choice, guardrail, why);
		return;
	}
	*clamp = (struct sl_clamp){.on = true,
				   .known = choice->known,
				   .bytes = choice->packet_bytes,
				   .incident = sl_say_incident(site, care),
				   .since_ms = site->now_ms,
				   .bad_ms = site->judge[service][uplink].first_bad_ms};
	memcpy(clamp->service, care->name, sizeof(clamp->service));
	memcpy(clamp->print, site->record.fingerprint, sizeof(clamp->print));
	care->verdict = SL_VERDICT_UPLINK;
	forget_stuck(site, uplink);
	saying = saying_of(site, clamp, uplink, "clamp-mss", "clamp-mss");
	saying.command_id = order(site, clamp, uplink, true, why);
	sl_say(site, &saying, "new connections by %s get packets of %u bytes at most: %s",
	       sl_view_uplink_name(&site->policy, uplink), clamp->bytes, why);
}

/* It keeps its SLO and carries what was stuck. */
static bool is_proved(const struct sl_site *site, const struct sl_clamp *clamp,
		      unsigned int service, unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];
	const struct sl_judge *judge = &site->judge[service][uplink];
	uint64_t bytes;

	if (!path)
		return false;
	bytes = path->bytes[0] > path->bytes[1] ? path->bytes[0] : path->bytes[1];
	return path->state == SL_HEALTH_GOOD && !judge->stuck && bytes >= CARRIES_BYTES &&
	       sl_prove_move(judge, clamp->since_ms, site->now_ms, clamp->known) == SL_PROOF_GOOD;
}

static void proved(struct sl_site *site, struct sl_clamp *clamp, unsigned int service,
		   unsigned int uplink)
{
	const struct sl_path_report *path = site->view.path[service][uplink];
	struct sl_saying saying = saying_of(site, clamp, uplink, "proved", "clamp-proved");

	clamp->proved = true;
	saying.outcome = SL_OUTCOME_HELPED;
	sl_say_turn(site, service);
	sl_say(site, &saying,
	       "SLO kept on %s, p95 %.1f ms of %u samples, %llu bytes in %.1f s and no large "
	       "segment stuck: packets of %u bytes pass",
	       sl_view_uplink_name(&site->policy, uplink), path->rtt[SL_LEG_WAN].p95_us / 1e3,
	       path->rtt[SL_LEG_WAN].samples, (unsigned long long)path->bytes[1],
	       path->window_ms / 1e3, clamp->bytes);
	sl_say_turn_over(site);
	sl_learn_clamp(site, clamp, true);
}

/* Large segments are stuck below the last rung: that was not it. */
static void undo(struct sl_site *site, struct sl_clamp *clamp, unsigned int service,
		 unsigned int uplink)
{
	struct sl_saying saying = saying_of(site, clamp, uplink, "clamp-mss", "clamp-failed");
	char why[SL_TEXT_MAX];

	snprintf(why, sizeof(why), "segments are stuck with packets of %u bytes as well",
		 clamp->bytes);
	clamp->bytes = 0;
	clamp->on = false;
	clamp->failed_ms = site->now_ms;
	saying.outcome = SL_OUTCOME_UNDONE;
	sl_say_turn(site, service);
	saying.command_id = order(site, clamp, uplink, false, why);
	sl_say(site, &saying, "%s: smaller packets lifted: %s",
	       sl_view_uplink_name(&site->policy, uplink), why);
	sl_say_turn_over(site);
	sl_learn_clamp(site, clamp, false);
}

void sl_clamp_step(struct sl_site *site, unsigned int uplink)
{
	struct sl_clamp *clamp = &site->clamp[uplink];
	const struct sl_uplink_report *report = site->view.uplink[uplink];
	struct sl_scene scene = sl_say_scene(site);
	int service = sl_policy_service_index(&site->policy, clamp->service);
	char why[SL_TEXT_MAX];

	if (!clamp->on || !report || service < 0 || service >= (int)site->policy.services)
		return;
	if (site->now_ms - clamp->since_ms < SL_CLAMP_SETTLE_MS)
		forget_stuck(site, uplink);
	/* Its time is over, or a person lifted it. */
	if (site->now_ms - clamp->since_ms >= GRACE_MS && report->clamp_bytes != clamp->bytes) {
		clamp->on = false;
		return;
	}
	if (sl_say_barred(site))
		return;
	if (!clamp->proved && is_proved(site, clamp, (unsigned int)service, uplink))
		proved(site, clamp, (unsigned int)service, uplink);
	else if (clamp->bytes <= SL_CLAMP_LAST &&
		 sl_locate_mtu(&scene, (unsigned int)service, uplink, why))
		undo(site, clamp, (unsigned int)service, uplink);
}

void sl_clamp_refused(struct sl_site *site, const struct sl_order *order, const char *why)
{
	int uplink = sl_policy_uplink_index(&site->policy, order->uplink);
	struct sl_clamp *clamp = uplink < 0 ? NULL : &site->clamp[uplink];
	struct sl_saying saying;

	if (!clamp || !order->packet_bytes || !clamp->on)
		return;
	clamp->on = false;
	clamp->failed_ms = site->now_ms;
	saying = saying_of(site, clamp, (unsigned int)uplink, "hold", "clamp-refused");
	sl_say(site, &saying, "%s keeps its MSS: %s", order->uplink, why);
}

bool sl_clamp_failed(const struct sl_site *site, unsigned int uplink)
{
	const struct sl_clamp *clamp = &site->clamp[uplink];

	return clamp->failed_ms && site->now_ms - clamp->failed_ms < SL_CLAMP_FAILED_MS;
}

bool sl_clamp_waits(const struct sl_site *site, unsigned int uplink, uint64_t incident)
{
	const struct sl_clamp *clamp = &site->clamp[uplink];

	return clamp->on && !clamp->proved && incident && clamp->incident == incident &&
	       site->now_ms - clamp->since_ms < SL_CLAMP_PROVE_MS;
}

bool sl_clamp_settles(const struct sl_site *site, unsigned int uplink)
{
	const struct sl_clamp *clamp = &site->clamp[uplink];

	return clamp->on && site->now_ms - clamp->since_ms < SL_CLAMP_SETTLE_MS;
}
