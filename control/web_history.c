/*
 * web_history.c - rings of a sample a second, and their columns as JSON
 */
#include "web_history.h"

#include "view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char state_letters[SL_HEALTH_COUNT] = {
	[SL_HEALTH_UNKNOWN] = 'u', [SL_HEALTH_GOOD] = 'g', [SL_HEALTH_DEGRADED] = 'd',
	[SL_HEALTH_DOWN] = 'x',    [SL_HEALTH_IDLE] = 'i', [SL_HEALTH_BLIND] = 'b',
};

/* Columns of a path: one number each, or null. */
enum column { P50_LAN, P50_WAN, P95_LAN, P95_WAN, LOSS_LAN, LOSS_WAN, FAILURES, COLUMNS };

static const char *const column_names[COLUMNS] = {
	[P50_LAN] = "p50_lan_us",    [P50_WAN] = "p50_wan_us",    [P95_LAN] = "p95_lan_us",
	[P95_WAN] = "p95_wan_us",    [LOSS_LAN] = "loss_lan_ppm", [LOSS_WAN] = "loss_wan_ppm",
	[FAILURES] = "failures_ppm",
};

static struct sl_web_path_history *path_ring(struct sl_web_history *history,
					     const struct sl_path_report *report)
{
	struct sl_web_path_history *path, *oldest = &history->path[0];

	for (uint32_t i = 0; i < history->paths; i++) {
		path = &history->path[i];
		if (!strcmp(path->service, report->service) &&
		    !strcmp(path->uplink, report->uplink))
			return path;
		if (path->last_s < oldest->last_s)
			oldest = path;
	}
	/* A new policy may name others: the one not seen for longest gives way. */
	path = history->paths < SL_WIRE_PATHS_MAX ? &history->path[history->paths++] : oldest;
	memset(path, 0, sizeof(*path));
	memcpy(path->service, report->service, sizeof(path->service));
	memcpy(path->uplink, report->uplink, sizeof(path->uplink));
	return path;
}

static struct sl_web_uplink_history *uplink_ring(struct sl_web_history *history, const char *name)
{
	struct sl_web_uplink_history *uplink, *oldest = &history->uplink[0];

	for (uint32_t i = 0; i < history->uplinks; i++) {
		uplink = &history->uplink[i];
		if (!strcmp(uplink->name, name))
			return uplink;
		if (uplink->last_s < oldest->last_s)
			oldest = uplink;
	}
	uplink = history->uplinks < SL_WIRE_UPLINKS_MAX ? &history->uplink[history->uplinks++]
							: oldest;
	memset(uplink, 0, sizeof(*uplink));
	memcpy(uplink->name, name, strnlen(name, sizeof(uplink->name) - 1));
	return uplink;
}

static void take_path(struct sl_web_path_sample *sample, const struct sl_path_report *report)
{
	uint64_t tried = (uint64_t)report->attempts + report->queries + report->hellos;
	uint64_t bad = (uint64_t)sl_view_queries_bad(report) + sl_view_opens_bad(report);

	*sample = (struct sl_web_path_sample){.seen = true, .state = (uint8_t)report->state};
	for (unsigned int leg = 0; leg < 2; leg++) {
		sample->p50_us[leg] = report->rtt[leg].p50_us;
		sample->p95_us[leg] = report->rtt[leg].p95_us;
		sample->samples[leg] = report->rtt[leg].samples;
		uint32_t segments = sl_view_loss_ppm(report, leg);
		uint32_t media = sl_view_media_loss_ppm(report, leg);

		/* Never in one share, so the worse of the two tells. */
		sample->loss_ppm[leg] = media > segments ? media : segments;
		sample->has_loss |= report->media[leg].expected > 0;
	}
	sample->has_loss |= sl_view_segments(report) > 0;
	sample->has_failures = tried > 0;
	if (tried)
		sample->failures_ppm = (uint32_t)(bad >= tried ? 1000000 : bad * 1000000 / tried);
}

/* Forget what a ring holds of the seconds that were passed over. */
#define CLEAR_SKIPPED(ring, now_s)                                         \
	do {                                                               \
		uint64_t from_ = (ring)->last_s + 1;                       \
		if ((now_s) - (ring)->last_s >= SL_WEB_HISTORY_S)          \
			from_ = (now_s)-SL_WEB_HISTORY_S + 1;              \
		for (; from_ <= (now_s); from_++)                          \
			(ring)->at[from_ % SL_WEB_HISTORY_S].seen = false; \
		(ring)->last_s = (now_s);                                  \
	} while (0)

void sl_web_history_add(struct sl_web_history *history, const struct sl_telemetry *picture,
			uint64_t unix_s)
{
	/* Two minutes back is a step of the clock, less is jitter of it: that second is over. */
	if (unix_s + 120 < history->now_s)
		memset(history, 0, sizeof(*history));
	if (unix_s < history->now_s)
		unix_s = history->now_s;
	history->now_s = unix_s;
	for (uint32_t i = 0; i < picture->paths; i++) {
		struct sl_web_path_history *path = path_ring(history, &picture->path[i]);

		CLEAR_SKIPPED(path, unix_s);
		take_path(&path->at[unix_s % SL_WEB_HISTORY_S], &picture->path[i]);
	}
	for (uint32_t i = 0; i < picture->uplinks; i++) {
		const struct sl_uplink_report *report = &picture->uplink[i];
		struct sl_web_uplink_history *uplink = uplink_ring(history, report->name);

		CLEAR_SKIPPED(uplink, unix_s);
		uplink->at[unix_s % SL_WEB_HISTORY_S] =
			(struct sl_web_uplink_sample){.rate_bps = {report->rate_bps[0],
								   report->rate_bps[1]},
						      .state = (uint8_t)report->state,
						      .seen = true};
	}
}

const struct sl_web_path_history *sl_web_history_path(const struct sl_web_history *history,
						      const char *service, const char *uplink)
{
	for (uint32_t i = 0; i < history->paths; i++)
		if (!strcmp(history->path[i].service, service) &&
		    !strcmp(history->path[i].uplink, uplink))
			return &history->path[i];
	return NULL;
}

const struct sl_web_path_sample *sl_web_history_at(const struct sl_web_history *history,
						   const struct sl_web_path_history *path,
						   uint64_t unix_s)
{
	const struct sl_web_path_sample *sample = &path->at[unix_s % SL_WEB_HISTORY_S];

	if (unix_s > path->last_s || unix_s + SL_WEB_HISTORY_S <= path->last_s ||
	    unix_s + SL_WEB_HISTORY_S <= history->now_s || !sample->seen)
		return NULL;
	return sample;
}

static json_t *number(bool there, uint64_t value)
{
	return there ? json_integer((json_int_t)value) : json_null();
}

static json_t *cell(const struct sl_web_path_sample *sample, enum column column)
{
	unsigned int leg = column & 1;

	if (!sample)
		return json_null();
	switch (column) {
	case P50_LAN:
	case P50_WAN:
		return number(sample->samples[leg] > 0, sample->p50_us[leg]);
	case P95_LAN:
	case P95_WAN:
		return number(sample->samples[leg] > 0, sample->p95_us[leg]);
	case LOSS_LAN:
	case LOSS_WAN:
		return number(sample->has_loss, sample->loss_ppm[leg]);
	case FAILURES:
		return number(sample->has_failures, sample->failures_ppm);
	case COLUMNS:
		break;
	}
	return json_null();
}

/* One letter a second, '.' = a hole. */
static json_t *states(const struct sl_web_history *history, const struct sl_web_path_history *path,
		      uint32_t seconds)
{
	char text[SL_WEB_HISTORY_S + 1];
	uint64_t from = history->now_s + 1 - seconds;

	for (uint32_t i = 0; i < seconds; i++) {
		const struct sl_web_path_sample *sample =
			sl_web_history_at(history, path, from + i);

		text[i] = sample ? state_letters[sample->state % SL_HEALTH_COUNT] : '.';
	}
	return json_stringn(text, seconds);
}

static json_t *columns(const struct sl_web_history *history, const struct sl_web_path_history *path,
		       uint32_t seconds, uint32_t wanted)
{
	uint64_t from = history->now_s + 1 - seconds;
	json_t *object = json_object();

	json_object_set_new(object, "service", json_string(path->service));
	json_object_set_new(object, "uplink", json_string(path->uplink));
	json_object_set_new(object, "from_unix_s", json_integer((json_int_t)from));
	json_object_set_new(object, "step_s", json_integer(1));
	json_object_set_new(object, "states", states(history, path, seconds));
	for (enum column c = 0; c < COLUMNS; c++) {
		json_t *list = wanted & 1u << c ? json_array() : NULL;

		for (uint32_t i = 0; list && i < seconds; i++)
			json_array_append_new(list,
					      cell(sl_web_history_at(history, path, from + i), c));
		if (list)
			json_object_set_new(object, column_names[c], list);
	}
	return object;
}

static char *text_of(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

/* What there can be yet: a start is not 15 minutes of holes. */
static uint32_t reach(const struct sl_web_history *history, uint32_t seconds)
{
	return history->now_s < seconds ? (uint32_t)history->now_s + 1 : seconds;
}

char *sl_web_history_json(const struct sl_web_history *history, const char *service,
			  const char *uplink)
{
	const struct sl_web_path_history *path = sl_web_history_path(history, service, uplink);

	return path ? text_of(columns(history, path, reach(history, SL_WEB_HISTORY_S), ~0u)) : NULL;
}

static json_t *uplink_spark(const struct sl_web_history *history,
			    const struct sl_web_uplink_history *uplink)
{
	uint32_t seconds = reach(history, SL_WEB_SPARK_S);
	uint64_t from = history->now_s + 1 - seconds;
	json_t *object = json_object(), *rates[2] = {json_array(), json_array()};

	for (uint64_t s = from; s <= history->now_s; s++) {
		const struct sl_web_uplink_sample *sample = &uplink->at[s % SL_WEB_HISTORY_S];
		bool there = s <= uplink->last_s && s + SL_WEB_HISTORY_S > uplink->last_s &&
			     sample->seen;

		for (int side = 0; side < 2; side++)
			json_array_append_new(rates[side], number(there, sample->rate_bps[side]));
	}
	json_object_set_new(object, "name", json_string(uplink->name));
	json_object_set_new(object, "up_bps", rates[0]);
	json_object_set_new(object, "down_bps", rates[1]);
	return object;
}

char *sl_web_history_sparks(const struct sl_web_history *history)
{
	uint32_t seconds = reach(history, SL_WEB_SPARK_S);
	json_t *object = json_object(), *paths = json_array(), *uplinks = json_array();

	for (uint32_t i = 0; i < history->paths; i++)
		json_array_append_new(paths, columns(history, &history->path[i], seconds,
						     1u << P95_WAN | 1u << P95_LAN));
	for (uint32_t i = 0; i < history->uplinks; i++)
		json_array_append_new(uplinks, uplink_spark(history, &history->uplink[i]));
	json_object_set_new(object, "from_unix_s",
			    json_integer((json_int_t)(history->now_s + 1 - seconds)));
	json_object_set_new(object, "step_s", json_integer(1));
	json_object_set_new(object, "paths", paths);
	json_object_set_new(object, "uplinks", uplinks);
	return text_of(object);
}
