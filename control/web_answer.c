/*
 * web_answer.c - what each path of the page, the API and /metrics answers
 */
#include "web_private.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

/* A JSON text of ours to give away; NULL = 404. */
static void give(struct sl_web_reply *reply, char *json)
{
	if (!json) {
		reply->status = 404;
		return;
	}
	evbuffer_add(reply->body, json, strlen(json));
	free(json);
}

static void answer_asset(const char *path, struct sl_web_reply *reply)
{
	if (!strcmp(path, "/"))
		path = "/index.html";
	for (size_t i = 0; i < sl_web_assets_count; i++) {
		const struct sl_web_asset *asset = &sl_web_assets[i];

		if (strcmp(asset->path, path))
			continue;
		reply->type = asset->type;
		reply->etag = asset->etag;
		evbuffer_add_reference(reply->body, asset->bytes, asset->size, NULL, NULL);
		return;
	}
	reply->status = 404;
}

static void answer_history(const struct sl_web *web, const struct sl_web_request *request,
			   struct sl_web_reply *reply)
{
	char service[SL_WEB_WORD_MAX], uplink[SL_WEB_WORD_MAX];

	if (!request->query[0])
		give(reply, sl_web_history_sparks(&web->history));
	else if (sl_web_request_value(request, "service", service) &&
		 sl_web_request_value(request, "uplink", uplink))
		give(reply, sl_web_history_json(&web->history, service, uplink));
	else
		reply->status = 400;
}

static void answer_incident(const struct sl_web *web, const char *number,
			    struct sl_web_reply *reply)
{
	const char *whole = NULL;
	char *end;
	unsigned long long id = strtoull(number, &end, 10);

	if (*number >= '0' && *number <= '9' && !*end)
		whole = sl_web_store_whole(&web->store, id);
	if (whole)
		evbuffer_add(reply->body, whole, strlen(whole));
	else
		reply->status = 404;
}

static bool is_service(const struct sl_web *web, const char *name)
{
	for (uint32_t i = 0; i < web->picture.services; i++)
		if (!strcmp(web->picture.service[i].name, name))
			return true;
	return web->has_policy && sl_policy_service_index(&web->policy, name) >= 0;
}

static void answer_why(const struct sl_web *web, const char *service, struct sl_web_reply *reply)
{
	if (is_service(web, service))
		sl_web_store_put_decisions(&web->store, service, reply->body);
	else
		reply->status = 404;
}

static void answer_metrics(const struct sl_web *web, struct sl_web_reply *reply)
{
	struct sl_web_http_stats http;
	struct sl_web_moment moment = {.picture = web->has_picture ? &web->picture : NULL,
				       .policy = web->has_policy ? &web->policy : NULL,
				       .now_ms = sl_web_now_ms(),
				       .redis = web->redis,
				       .incidents_open = sl_web_store_open(&web->store)};

	sl_web_http_stats(web->http, &http);
	moment.streams = http.streams;
	moment.requests = http.requests;
	moment.refused = http.refused;
	moment.cut = http.cut;
	moment.skipped = http.skipped;
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	sl_web_metrics_text(&web->metrics, &moment, reply->body);
}

static void answer_stream(const struct sl_web *web, struct sl_web_reply *reply)
{
	char *frame = sl_web_state_frame(web);

	reply->type = "text/event-stream";
	reply->stream = true;
	give(reply, frame);
}

void sl_web_answer(void *arg, const struct sl_web_request *request, struct sl_web_reply *reply)
{
	const struct sl_web *web = arg;
	const char *argument;

	reply->type = "application/json";
	switch (sl_web_request_route(request->path, &argument)) {
	case SL_WEB_ASSET:
		answer_asset(argument, reply);
		break;
	case SL_WEB_STATE:
		sl_web_put_state(web, reply->body);
		break;
	case SL_WEB_HISTORY:
		answer_history(web, request, reply);
		break;
	case SL_WEB_INCIDENTS:
		sl_web_store_put_incidents(&web->store, false, reply->body);
		break;
	case SL_WEB_INCIDENT:
		answer_incident(web, argument, reply);
		break;
	case SL_WEB_EVENTS:
		sl_web_store_put_events(&web->store, reply->body);
		break;
	case SL_WEB_WHY:
		answer_why(web, argument, reply);
		break;
	case SL_WEB_STREAM:
		answer_stream(web, reply);
		break;
	case SL_WEB_METRICS:
		answer_metrics(web, reply);
		break;
	case SL_WEB_NOTHING:
		reply->status = 404;
		break;
	}
}
