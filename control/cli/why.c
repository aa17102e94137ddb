/*
 * why.c - storeline why SERVICE
 */
#include "why.h"

#include "print.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The objects of list @key in @from that are of this service; new. */
static json_t *only(const json_t *from, const char *key, const char *name, const char *service)
{
	json_t *made = json_array(), *each;
	size_t i;

	json_array_foreach(json_object_get(from, key), i,
			   each) if (!strcmp(json_string_value(json_object_get(each, name)),
					     service)) json_array_append(made, each);
	return made;
}

static json_t *loads(char *text)
{
	json_t *made = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return made;
}

static json_t *slo_json(const struct sl_why *why)
{
	int index = why->policy ? sl_policy_service_index(why->policy, why->service) : -1;
	const struct sl_policy_slo *slo;
	json_t *made;

	if (index < 0 || index == SL_POLICY_OTHER || !why->policy->service[index].has_slo)
		return json_null();
	slo = &why->policy->service[index].slo;
	made = json_pack("{s:I,s:I,s:I}", "latency_us", (json_int_t)(slo->latency_ns / 1000),
			 "latency_quantile_ppm", (json_int_t)slo->latency_quantile_ppm, "window_ms",
			 (json_int_t)slo->window_ms);
	if (slo->loss_ppm != UINT32_MAX)
		json_object_set_new(made, "loss_ppm", json_integer(slo->loss_ppm));
	if (slo->failures_ppm != UINT32_MAX)
		json_object_set_new(made, "failures_ppm", json_integer(slo->failures_ppm));
	return made;
}

char *sl_why_json(const struct sl_why *why)
{
	json_t *picture = loads(sl_wire_json_telemetry(why->picture)), *decisions = json_array();
	const struct sl_incident *open = sl_past_open(why->past, why->service);
	json_t *settings, *all;
	char *text = NULL;

	if (!picture || !decisions)
		goto out;
	for (uint32_t i = 0; i < why->past->events && i < SL_WHY_DECISIONS; i++)
		json_array_append_new(decisions, loads(sl_wire_json_event(&why->past->event[i])));
	settings = only(picture, "services", "name", why->service);
	all = json_pack("{s:s,s:s,s:s,s:b,s:b,s:I,s:O?,s:o,s:o,s:o,s:O}", "site",
			why->picture->site, "service", why->service, "mode",
			sl_mode_word(why->picture->mode), "frozen", why->picture->frozen,
			"bypassed", why->picture->bypassed, "age_ms", (json_int_t)why->age_ms,
			"setting", json_array_get(settings, 0), "slo", slo_json(why), "paths",
			only(picture, "paths", "service", why->service), "incident",
			open ? loads(sl_wire_json_incident(open)) : json_null(), "decisions",
			decisions);
	json_decref(settings);
	if (all)
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
out:
	json_decref(picture);
	json_decref(decisions);
	return text;
}

static int show(const struct sl_session *session, const struct sl_why *why)
{
	const struct sl_paper paper = sl_paper_stdout();
	char *json;

	if (!sl_why_knows(why))
		return sl_cli_fail(SL_CLI_NOT_FOUND, "no service %s", why->service);
	if (!session->cli->json) {
		sl_why_write(&paper, why);
		return SL_CLI_OK;
	}
	json = sl_why_json(why);
	if (!json)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	puts(json);
	free(json);
	return SL_CLI_OK;
}

/* Without a policy there are no limits to show; that is told, and no reason to end. */
static struct sl_policy *read_policy(struct sl_session *session, int *code)
{
	struct sl_policy *policy;

	*code = sl_session_policy(session);
	if (*code || !session->current)
		return NULL;
	policy = sl_session_read_policy(session, code);
	*code = 0;
	return policy;
}

static int run(struct sl_session *session, struct sl_past *past)
{
	struct sl_why why = {.picture = &session->picture,
			     .past = past,
			     .service = session->cli->word[0]};
	struct sl_policy *policy = NULL;
	int code = sl_session_picture(session);

	if (!code)
		policy = read_policy(session, &code);
	if (!code) {
		/* Incidents first: decisions about others belong to them too. */
		sl_past_ask_incidents(past, session);
		sl_past_ask_events(past, session);
		code = sl_past_wait(past, session);
	}
	if (!code) {
		why.policy = policy;
		why.now_unix_ns = sl_paper_now();
		why.age_ms = sl_session_now_ms() - session->picture_ms;
		code = show(session, &why);
	}
	free(policy);
	return code;
}

int sl_cli_why(struct sl_cli *cli)
{
	struct sl_session *session = calloc(1, sizeof(*session));
	struct sl_past past = {0};
	int code;

	if (!session)
		return sl_cli_fail(SL_CLI_ERROR, "out of memory");
	sl_why_wants(&past, cli->word[0]);
	code = sl_session_open(session, cli, &(struct sl_session_wants){.telemetry = true});
	if (!code)
		code = run(session, &past);
	sl_session_close(session);
	sl_past_free(&past);
	free(session);
	return code;
}
