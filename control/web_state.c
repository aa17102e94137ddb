/*
 * web_state.c - the present of a site as one JSON object: picture, SLOs, open incidents
 */
#include "web_private.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static json_t *slo_json(const struct sl_policy_slo *slo)
{
	json_t *object = json_object();

	if (slo->latency_ns) {
		json_object_set_new(object, "latency_us",
				    json_integer((json_int_t)(slo->latency_ns / 1000)));
		json_object_set_new(object, "latency_quantile_ppm",
				    json_integer(slo->latency_quantile_ppm));
	}
	if (slo->loss_ppm != UINT32_MAX)
		json_object_set_new(object, "loss_ppm", json_integer(slo->loss_ppm));
	if (slo->failures_ppm != UINT32_MAX)
		json_object_set_new(object, "failures_ppm", json_integer(slo->failures_ppm));
	json_object_set_new(object, "window_ms", json_integer(slo->window_ms));
	return object;
}

static json_t *service_json(const struct sl_policy *policy, uint32_t s)
{
	static const char *const priorities[] = {"background", "normal", "high", "critical"};
	const struct sl_policy_service *service = &policy->service[s];
	json_t *object = json_object(), *uplinks = json_array();

	for (uint32_t u = 0; u < service->uplinks; u++)
		json_array_append_new(uplinks,
				      json_string(policy->uplink[service->uplink[u]].name));
	json_object_set_new(object, "name", json_string(service->name));
	json_object_set_new(object, "priority", json_string(priorities[service->priority & 3]));
	json_object_set_new(object, "uplinks", uplinks);
	if (service->has_slo)
		json_object_set_new(object, "slo", slo_json(&service->slo));
	return object;
}

/* What of the policy a reader of the page needs. */
static char *policy_json(const struct sl_policy *policy)
{
	json_t *object = json_object(), *services = json_array(), *uplinks = json_array();
	char *text;

	for (uint32_t s = 0; s < policy->services; s++)
		json_array_append_new(services, service_json(policy, s));
	for (uint32_t u = 0; u < policy->uplinks; u++) {
		json_t *uplink = json_object();

		json_object_set_new(uplink, "name", json_string(policy->uplink[u].name));
		json_object_set_new(uplink, "metered", json_boolean(policy->uplink[u].metered));
		json_array_append_new(uplinks, uplink);
	}
	json_object_set_new(object, "services", services);
	json_object_set_new(object, "uplinks", uplinks);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

static void put_owned(struct evbuffer *to, char *json)
{
	evbuffer_add_printf(to, "%s", json ? json : "null");
	free(json);
}

void sl_web_put_state(const struct sl_web *web, struct evbuffer *to)
{
	uint64_t now = sl_web_now_ms();
	struct timespec unix_time;

	clock_gettime(CLOCK_REALTIME, &unix_time);
	evbuffer_add_printf(to,
			    "{\"site\":\"%s\",\"now_unix_ms\":%" PRIu64
			    ",\"redis\":%s,\"redis_ms\":%" PRIu64 ",\"picture_ms\":",
			    web->site,
			    (uint64_t)unix_time.tv_sec * 1000 +
				    (uint64_t)unix_time.tv_nsec / 1000000,
			    web->redis ? "true" : "false", now - web->redis_ms);
	if (web->has_picture)
		evbuffer_add_printf(to, "%" PRIu64, now - web->picture_ms);
	else
		evbuffer_add_printf(to, "null");
	evbuffer_add_printf(to, ",\"last_id\":\"%s-%" PRIu64 "\",\"policy\":", web->stream.boot,
			    web->stream.last);
	put_owned(to, web->has_policy ? policy_json(&web->policy) : NULL);
	evbuffer_add_printf(to, ",\"incidents\":");
	sl_web_store_put_incidents(&web->store, true, to);
	evbuffer_add_printf(to, ",\"picture\":");
	put_owned(to, web->has_picture ? sl_wire_json_telemetry(&web->picture) : NULL);
	evbuffer_add_printf(to, "}");
}

char *sl_web_state_frame(const struct sl_web *web)
{
	struct evbuffer *state = evbuffer_new();
	char *frame = NULL;

	if (!state)
		return NULL;
	sl_web_put_state(web, state);
	if (!evbuffer_add(state, "", 1))
		frame = sl_web_stream_frame(&web->stream, "state",
					    (char *)evbuffer_pullup(state, -1));
	evbuffer_free(state);
	return frame;
}

/* FNV-1a, 64 bits */
static void mix(uint64_t *sum, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size--)
		*sum = (*sum ^ *at++) * UINT64_C(1099511628211);
}

uint64_t sl_web_shape(const struct sl_telemetry *picture)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	mix(&sum, &picture->mode, sizeof(picture->mode));
	mix(&sum, &picture->frozen, sizeof(picture->frozen));
	mix(&sum, &picture->bypassed, sizeof(picture->bypassed));
	for (uint32_t i = 0; i < picture->paths; i++)
		mix(&sum, &picture->path[i].state, sizeof(picture->path[i].state));
	for (uint32_t i = 0; i < picture->uplinks; i++)
		mix(&sum, &picture->uplink[i].state, sizeof(picture->uplink[i].state));
	for (uint32_t i = 0; i < picture->services; i++) {
		const struct sl_service_report *service = &picture->service[i];

		mix(&sum, service->uplink, strlen(service->uplink));
		mix(&sum, service->trial_uplink, strlen(service->trial_uplink));
		mix(&sum, service->limit_bps, sizeof(service->limit_bps));
		mix(&sum, service->dscp, strlen(service->dscp));
	}
	return sum;
}
