/*
 * say.c - decisions to events, orders in flight, guardrails
 */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000

static void text_copy(char *to, const char *from, size_t size)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void fill(struct sl_site *site, const struct sl_saying *saying, struct sl_event *event)
{
	*event = (struct sl_event){.kind = SL_EVENT_DECISION,
				   .verdict = saying->verdict,
				   .limit_bps = saying->limit_bps,
				   .incident = saying->incident};
	text_copy(event->site, site->name, sizeof(event->site));
	text_copy(event->source, "control", sizeof(event->source));
	text_copy(event->remedy, saying->remedy, sizeof(event->remedy));
	text_copy(event->command_id, saying->command_id, sizeof(event->command_id));
	if (saying->care)
		text_copy(event->service, saying->care->name, sizeof(event->service));
	text_copy(event->uplink, sl_view_uplink_name(&site->policy, saying->uplink),
		  sizeof(event->uplink));
	text_copy(event->to_uplink, sl_view_uplink_name(&site->policy, saying->to_uplink),
		  sizeof(event->to_uplink));
	if (saying->care && !event->incident)
		event->incident = saying->care->incident;
}

struct sl_scene sl_say_scene(const struct sl_site *site)
{
	return (struct sl_scene){.view = &site->view,
				 .judge = site->judge,
				 .used_bytes = site->used_bytes,
				 .ceiling = site->ceiling,
				 .now_ms = site->now_ms};
}

void sl_say_turn(struct sl_site *site, unsigned int service)
{
	site->record = (struct sl_decision){.inputs = 0};
	site->turn = service;
	site->in_turn = true;
}

void sl_say_turn_over(struct sl_site *site)
{
	site->in_turn = false;
}

static void attach_record(struct sl_site *site, const struct sl_saying *saying,
			  struct sl_event *event)
{
	struct sl_scene scene = sl_say_scene(site);
	unsigned int uplink = saying->uplink;

	if (!site->in_turn || !site->has_picture)
		return;
	if (uplink == SL_UPLINK_UNSET && site->turn < SL_SITE_SERVICES)
		uplink = sl_view_where(&site->view, site->turn);
	event->has_decision = true;
	event->decision = site->record;
	if (site->turn < SL_SITE_SERVICES)
		sl_record_inputs(&event->decision, &scene, site->turn, uplink);
}

uint64_t sl_say_unix_ns(const struct sl_site *site, uint64_t at_ms)
{
	return site->unix_zero_ns + at_ms * 1000000;
}

/* The first bad picture; of an uplink that the dataplane has left, the last sign of life. */
static uint64_t first_bad_ms(const struct sl_site *site, unsigned int uplink)
{
	const struct sl_judge *judge = &site->judge[site->turn][uplink];
	const struct sl_uplink_report *report = site->view.uplink[uplink];

	if (sl_judge_bad_now(judge, site->now_ms))
		return judge->first_bad_ms;
	if (report && report->state == SL_HEALTH_DOWN && report->silent_ms < site->now_ms)
		return site->now_ms - report->silent_ms;
	return site->now_ms;
}

/* Whoever suffers: whose turn it is when the incident is its own (a limit is set on another). */
static void note_incident(struct sl_site *site, const struct sl_saying *saying,
			  const struct sl_event *event)
{
	bool own = site->in_turn && site->turn < SL_SITE_SERVICES &&
		   site->care[site->turn].incident == event->incident;
	unsigned int uplink = saying->uplink;
	struct sl_incident_fact fact = {.event = event,
					.service =
						own ? site->care[site->turn].name : event->service,
					.outcome = saying->outcome,
					.at_unix_ns = sl_say_unix_ns(site, site->now_ms)};

	if (!event->incident)
		return;
	fact.first_bad_unix_ns = fact.at_unix_ns;
	if (own && uplink < SL_SITE_UPLINKS) {
		const struct sl_judge *judge = &site->judge[site->turn][uplink];

		fact.path = site->view.path[site->turn][uplink];
		fact.first_bad_unix_ns = sl_say_unix_ns(site, first_bad_ms(site, uplink));
		fact.well_unix_ns = judge->good_ms ? sl_say_unix_ns(site, judge->good_ms) : 0;
	}
	sl_incident_note(&site->cases, &fact);
}

static void publish(struct sl_site *site, const struct sl_saying *saying, const char *format,
		    va_list args)
{
	struct sl_event *event;

	if (site->out->events == SL_SITE_EVENTS_MAX)
		return;
	event = &site->out->event[site->out->events++];
	fill(site, saying, event);
	vsnprintf(event->text, sizeof(event->text), format, args);
	attach_record(site, saying, event);
	note_incident(site, saying, event);
	if (!saying->care)
		return;
	text_copy(saying->care->said, saying->key, SL_KEY_MAX);
	saying->care->said_ms = site->now_ms;
	saying->care->wants[0] = '\0';
}

void sl_say(struct sl_site *site, const struct sl_saying *saying, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	publish(site, saying, format, args);
	va_end(args);
}

static bool due(struct sl_site *site, struct sl_care *care, const char *key)
{
	if (!strncmp(care->said, key, SL_KEY_MAX - 1)) {
		care->wants[0] = '\0';
		return false;
	}
	if (strncmp(care->wants, key, SL_KEY_MAX - 1)) {
		text_copy(care->wants, key, SL_KEY_MAX);
		care->wants_ms = site->now_ms;
	}
	if (care->said[0] && site->now_ms - care->said_ms < SL_SAY_SPACE_MS)
		return false;
	return site->now_ms - care->wants_ms >= SL_SAY_STAND_MS;
}

void sl_say_hold(struct sl_site *site, const struct sl_saying *saying, const char *format, ...)
{
	va_list args;

	if (site->picture.mode == SL_MODE_OBSERVE || !due(site, saying->care, saying->key))
		return;
	sl_say_incident(site, saying->care);
	va_start(args, format);
	publish(site, saying, format, args);
	va_end(args);
}

uint64_t sl_say_incident(struct sl_site *site, struct sl_care *care)
{
	if (!care->incident)
		care->incident = ++site->incidents;
	return care->incident;
}

const char *sl_say_barred(const struct sl_site *site)
{
	if (site->picture.bypassed)
		return "bypassed";
	if (site->picture.frozen)
		return "frozen";
	if (site->picture.mode == SL_MODE_OBSERVE)
		return "observe";
	return site->picture.mode == SL_MODE_SHADOW ? "shadow" : NULL;
}

static uint32_t recent_actions(const struct sl_site *site)
{
	uint32_t recent = 0;

	for (uint32_t i = 0; i < SL_SITE_ACTIONS_MAX && i < site->actions; i++)
		recent += site->now_ms - site->action_ms[i] < MINUTE_MS;
	return recent;
}

void sl_say_guardrail(struct sl_site *site, const char *why)
{
	static const struct {
		const char *why, *text;
	} words[] = {
		{"bypassed", "bypassed: every packet passes untouched until resume"},
		{"frozen", "frozen: no new action until resume"},
		{"shadow", "mode shadow: decided, not done"},
		{"orders in flight", "too many orders wait for the dataplane's answer"},
	};
	char *text = site->record.guardrail;

	snprintf(text, SL_TEXT_MAX, "%s: %u of %u in the last minute", why, recent_actions(site),
		 site->policy.guardrails.actions_per_minute);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].why, why))
			snprintf(text, SL_TEXT_MAX, "%s", words[i].text);
}

const char *sl_say_allowed(const struct sl_site *site)
{
	uint32_t most = site->policy.guardrails.actions_per_minute, recent;

	if (sl_say_barred(site))
		return sl_say_barred(site);
	recent = recent_actions(site);
	if (recent >= most || recent >= SL_SITE_ACTIONS_MAX)
		return "actions-per-minute";
	return site->pending_count == SL_SITE_ORDERS_MAX ? "orders in flight" : NULL;
}

/* What an order is about: reroute and restore both say where a service goes. */
static enum sl_command_kind concern(const struct sl_order *order)
{
	return order->kind == SL_COMMAND_RESTORE ? SL_COMMAND_REROUTE : order->kind;
}

static bool same_concern(const struct sl_order *a, const struct sl_order *b)
{
	if (concern(a) != concern(b))
		return false;
	return a->kind == SL_COMMAND_CLAMP ? !strcmp(a->uplink, b->uplink)
					   : !strcmp(a->service, b->service);
}

static void drop(struct sl_site *site, uint32_t i)
{
	site->pending[i] = site->pending[--site->pending_count];
}

static void emit(struct sl_site *site, struct sl_order *order)
{
	order->sent_ms = site->now_ms;
	if (site->out->orders < SL_SITE_ORDERS_MAX)
		site->out->order[site->out->orders++] = *order;
}

const char *sl_say_order(struct sl_site *site, const struct sl_order *order, bool counts,
			 const char *reason)
{
	struct sl_order *made;

	for (uint32_t i = site->pending_count; i-- > 0;)
		if (same_concern(&site->pending[i], order))
			drop(site, i);
	if (site->pending_count == SL_SITE_ORDERS_MAX)
		return NULL;
	made = &site->pending[site->pending_count++];
	*made = *order;
	snprintf(made->id, sizeof(made->id), "control-%llu-%llu", (unsigned long long)site->term,
		 (unsigned long long)++site->orders);
	text_copy(made->reason, reason, sizeof(made->reason));
	made->made_ms = site->now_ms;
	if (counts)
		site->action_ms[site->actions++ % SL_SITE_ACTIONS_MAX] = site->now_ms;
	emit(site, made);
	return made->id;
}

void sl_say_resend(struct sl_site *site,
		   void (*expired)(struct sl_site *site, const struct sl_order *order))
{
	for (uint32_t i = site->pending_count; i-- > 0;) {
		struct sl_order *order = &site->pending[i];

		if (site->now_ms - order->made_ms >= SL_ORDER_EXPIRE_MS) {
			struct sl_order gone = *order;

			drop(site, i);
			expired(site, &gone);
		} else if (site->now_ms - order->sent_ms >= SL_ORDER_RESEND_MS) {
			emit(site, order);
		}
	}
}

bool sl_say_answered(struct sl_site *site, const char *id, struct sl_order *order)
{
	for (uint32_t i = 0; i < site->pending_count; i++) {
		if (strcmp(site->pending[i].id, id))
			continue;
		*order = site->pending[i];
		drop(site, i);
		return true;
	}
	return false;
}

bool sl_say_waiting(const struct sl_site *site, const char *service, bool limit)
{
	for (uint32_t i = 0; i < site->pending_count; i++)
		if (site->pending[i].kind != SL_COMMAND_CLAMP &&
		    site->pending[i].kind != SL_COMMAND_ROLLBACK &&
		    (concern(&site->pending[i]) != SL_COMMAND_REROUTE) == limit &&
		    !strcmp(site->pending[i].service, service))
			return true;
	return false;
}
