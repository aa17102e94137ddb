/*
 * web_past_test.c - what the page looks back at: history, stream, store, sums, flat numbers
 */
#include "tests/unit/row.h"

#include "control/web_flat.h"
#include "control/web_history.h"
#include "control/web_metrics.h"
#include "control/web_store.h"
#include "control/web_stream.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 UINT64_C(1700000000)

static struct sl_telemetry picture;
static struct sl_web_history history;
static struct sl_web_metrics metrics;
static struct sl_web_store store;
static struct sl_web_stream stream;

/* One path with @p95_us, 1000 bytes each way in a window of @window_ms. */
static void paint(uint32_t p95_us, uint32_t window_ms)
{
	struct sl_path_report *path = &picture.path[0];

	memset(&picture, 0, sizeof(picture));
	picture.paths = picture.uplinks = 1;
	strcpy(path->service, "pos");
	strcpy(path->uplink, "fibre");
	strcpy(picture.uplink[0].name, "fibre");
	picture.uplink[0].rate_bps[0] = 8000;
	path->state = SL_HEALTH_GOOD;
	path->window_ms = window_ms;
	path->rtt[1].samples = p95_us ? 10 : 0;
	path->rtt[1].p50_us = p95_us / 2;
	path->rtt[1].p95_us = p95_us;
	path->bytes[0] = path->bytes[1] = 1000;
	path->loss[0].segments = 100;
	path->loss[0].lost_after = 3;
}

/* ---- history ---- */

static const struct at_row {
	const char *name;
	uint64_t second[4]; /* pictures at T0 + so many seconds; 0 ends, but the first */
	uint64_t asked;
	bool seen;
} at_rows[] = {
	{"the first", {1, 0}, 1, true},
	{"a second without one is a hole", {1, 3, 0}, 2, false},
	{"before and after a hole", {1, 3, 0}, 1, true},
	{"the future", {1, 0}, 2, false},
	{"the last that is kept", {1, SL_WEB_HISTORY_S, 0}, 1, true},
	{"out of reach", {1, SL_WEB_HISTORY_S + 1, 0}, 1, false},
	{"its place is a hole, not the old one",
	 {1, 2, SL_WEB_HISTORY_S + 2, 0},
	 SL_WEB_HISTORY_S + 1,
	 false},
	{"a long silence clears all", {1, 5000, 0}, 4999, false},
	{"a clock a second back", {5, 4, 0}, 5, true},
	{"a clock an hour back begins anew", {5000, 1000, 0}, 1000, true},
	{"and forgets", {5000, 1000, 0}, 5000, false},
};

static void at(void **state)
{
	const struct at_row *row = *state;
	const struct sl_web_path_history *path;

	memset(&history, 0, sizeof(history));
	paint(20000, 1000);
	for (int i = 0; i < 4 && (i == 0 || row->second[i]); i++)
		sl_web_history_add(&history, &picture, T0 + row->second[i]);
	path = sl_web_history_path(&history, "pos", "fibre");
	assert_non_null(path);
	assert_int_equal(sl_web_history_at(&history, path, T0 + row->asked) != NULL, row->seen);
}

static void columns(void **state)
{
	json_t *root, *p95;
	char *text;

	memset(&history, 0, sizeof(history));
	paint(20000, 1000);
	sl_web_history_add(&history, &picture, T0);
	paint(0, 1000); /* traffic, no sample: no zero may be drawn */
	sl_web_history_add(&history, &picture, T0 + 2);
	assert_null(sl_web_history_json(&history, "pos", "lte"));
	text = sl_web_history_json(&history, "pos", "fibre");
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	p95 = json_object_get(root, "p95_wan_us");
	assert_int_equal(json_array_size(p95), SL_WEB_HISTORY_S);
	assert_int_equal(json_integer_value(json_array_get(p95, SL_WEB_HISTORY_S - 3)), 20000);
	assert_true(json_is_null(json_array_get(p95, SL_WEB_HISTORY_S - 2)));
	assert_true(json_is_null(json_array_get(p95, SL_WEB_HISTORY_S - 1)));
	assert_string_equal(json_string_value(json_object_get(root, "states")) + SL_WEB_HISTORY_S -
				    3,
			    "g.g");
	assert_int_equal(json_integer_value(json_array_get(json_object_get(root, "loss_wan_ppm"),
							   SL_WEB_HISTORY_S - 1)),
			 30000);
	json_decref(root);
	free(text);
	text = sl_web_history_sparks(&history);
	root = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(
				 json_array_get(json_object_get(root, "uplinks"), 0), "up_bps")),
			 SL_WEB_SPARK_S);
	json_decref(root);
	free(text);
}

/* ---- stream ---- */

static const struct frame_row {
	const char *name, *data, *frame;
} frame_rows[] = {
	{"one line", "{}", "id: 00000000000000ab-0\nevent: state\ndata: {}\n\n"},
	{"two lines", "a\nb", "id: 00000000000000ab-0\nevent: state\ndata: a\ndata: b\n\n"},
	{"a carriage return ends a line too", "a\r\nb\rc",
	 "id: 00000000000000ab-0\nevent: state\ndata: a\ndata: b\ndata: c\n\n"},
	{"nothing", "", "id: 00000000000000ab-0\nevent: state\ndata: \n\n"},
};

static void frame(void **state)
{
	const struct frame_row *row = *state;
	char *text;

	sl_web_stream_init(&stream, 0xab);
	text = sl_web_stream_frame(&stream, "state", row->data);
	assert_string_equal(text, row->frame);
	free(text);
	sl_web_stream_free(&stream);
}

static const struct again_row {
	const char *name, *id;
	unsigned int said; /* messages in all */
	size_t size;       /* of each */
	bool known, possible;
	unsigned int again;
} again_rows[] = {
	{"nothing missed", "00000000000000ab-3", 3, 8, true, true, 0},
	{"two missed", "00000000000000ab-1", 3, 8, true, true, 2},
	{"all of them", "00000000000000ab-0", 3, 8, true, true, 3},
	{"as many as are kept", "00000000000000ab-0", SL_WEB_KEPT, 8, true, true, SL_WEB_KEPT},
	{"one more", "00000000000000ab-0", SL_WEB_KEPT + 1, 8, true, false, 0},
	{"too many bytes", "00000000000000ab-0", 10, 8192, true, false, 0},
	{"of another life", "00000000000000ac-1", 3, 8, false, false, 0},
	{"of the future", "00000000000000ab-4", 3, 8, false, false, 0},
	{"no number", "00000000000000ab-", 3, 8, false, false, 0},
	{"a number and more", "00000000000000ab-1x", 3, 8, false, false, 0},
	{"no id", "", 3, 8, false, false, 0},
};

static void again(void **state)
{
	const struct again_row *row = *state;
	struct evbuffer *out = evbuffer_new();
	char *data = calloc(1, row->size + 1);
	unsigned int found = 0;
	uint64_t after;
	char *text;

	memset(data, 'x', row->size);
	sl_web_stream_init(&stream, 0xab);
	for (unsigned int i = 0; i < row->said; i++)
		assert_non_null(sl_web_stream_add(&stream, "event", data));
	after = sl_web_stream_number(&stream, row->id);
	assert_int_equal(after != UINT64_MAX, row->known);
	assert_int_equal(sl_web_stream_again(&stream, after, out), row->possible);
	evbuffer_add(out, "", 1);
	text = (char *)evbuffer_pullup(out, -1);
	for (char *found_at = text; (found_at = strstr(found_at, "id: ")) != NULL; found_at++)
		found++;
	assert_int_equal(found, row->again);
	free(data);
	evbuffer_free(out);
	sl_web_stream_free(&stream);
}

/* ---- store ---- */

static void incidents(void **state)
{
	struct sl_incident *incident = calloc(1, sizeof(*incident));

	memset(&store, 0, sizeof(store));
	strcpy(incident->site, "s");
	incident->id = 7;
	incident->steps = 1;
	assert_int_equal(sl_web_store_incident(&store, incident, 1), SL_WEB_OPENED);
	assert_int_equal(sl_web_store_open(&store), 1);
	/* Read newest first: what comes later in the same reading is older. */
	incident->closed_unix_ns = 5;
	assert_int_equal(sl_web_store_incident(&store, incident, 1), SL_WEB_OLD);
	assert_int_equal(sl_web_store_incident(&store, incident, 2), SL_WEB_CHANGED);
	assert_int_equal(sl_web_store_incident(&store, incident, 3), SL_WEB_OLD);
	assert_int_equal(sl_web_store_open(&store), 0);
	assert_non_null(strstr(sl_web_store_whole(&store, 7), "\"steps\":[{"));
	assert_non_null(strstr(sl_web_store_summary(&store, 7), "\"steps\":[]"));
	assert_null(sl_web_store_whole(&store, 8));
	for (incident->id = 1; incident->id <= SL_WEB_INCIDENTS_MAX + 50; incident->id++)
		sl_web_store_incident(&store, incident, 4);
	assert_int_equal(store.incidents, SL_WEB_INCIDENTS_MAX);
	assert_int_equal(store.incident[0].id, SL_WEB_INCIDENTS_MAX + 50);
	assert_null(sl_web_store_whole(&store, 7));
	incident->id = 3;
	assert_int_equal(sl_web_store_incident(&store, incident, 5), SL_WEB_OLD);
	sl_web_store_free(&store);
	free(incident);
}

static void events(void **state)
{
	struct sl_event *event = calloc(1, sizeof(*event));
	struct evbuffer *out = evbuffer_new();
	json_t *list;

	memset(&store, 0, sizeof(store));
	strcpy(event->source, "control");
	strcpy(event->service, "pos");
	event->boot = 1;
	for (event->seq = 1; event->seq <= 300; event->seq++) {
		event->kind = event->seq % 2 ? SL_EVENT_DECISION : SL_EVENT_ACTION;
		assert_non_null(sl_web_store_event(&store, event));
		assert_null(sl_web_store_event(&store, event)); /* said again */
	}
	sl_web_store_put_events(&store, out);
	list = json_loadb((char *)evbuffer_pullup(out, -1), evbuffer_get_length(out), 0, NULL);
	assert_int_equal(json_array_size(list), SL_WEB_EVENTS_MAX);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "seq")), 300);
	json_decref(list);
	evbuffer_drain(out, evbuffer_get_length(out));
	sl_web_store_put_decisions(&store, "pos", out);
	list = json_loadb((char *)evbuffer_pullup(out, -1), evbuffer_get_length(out), 0, NULL);
	assert_int_equal(json_array_size(list), SL_WEB_WHY_MAX);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "seq")), 299);
	json_decref(list);
	evbuffer_drain(out, evbuffer_get_length(out));
	sl_web_store_put_decisions(&store, "cctv", out);
	assert_int_equal(evbuffer_get_length(out), 2);
	evbuffer_free(out);
	sl_web_store_free(&store);
	free(event);
}

/* ---- sums ---- */

static const struct sum_row {
	const char *name;
	uint32_t window_ms, each_ms, pictures;
	double bytes; /* 1000 a window */
} sum_rows[] = {
	{"windows that overlap ten times", 1000, 100, 101, 10000},
	{"windows side by side", 1000, 1000, 11, 10000},
	{"five second windows", 5000, 100, 101, 2000},
	{"the first picture alone is no time", 1000, 100, 1, 0},
	{"a gap is filled for two seconds only", 1000, 60000, 2, 2000},
	{"a window that is none", 0, 100, 101, 0},
};

static void sum(void **state)
{
	const struct sum_row *row = *state;

	memset(&metrics, 0, sizeof(metrics));
	paint(20000, row->window_ms);
	for (uint32_t i = 0; i < row->pictures; i++)
		sl_web_metrics_picture(&metrics, &picture, 5000 + (uint64_t)i * row->each_ms);
	assert_int_equal((int64_t)(metrics.path[0].sum[SL_WEB_SENT_BYTES] + 0.5),
			 (int64_t)row->bytes);
}

static const struct counter_row {
	const char *name;
	uint64_t value[4], total;
} counter_rows[] = {
	{"grows", {1, 5, 9, 9}, 9},
	{"begins anew at nothing", {5, 9, 0, 2}, 11},
	{"begins anew twice", {5, 2, 4, 1}, 10},
};

/* What counter @name stands at in the exposition; -1 = it is not there. */
static long exposed(const char *name)
{
	struct sl_web_moment moment = {.picture = &picture, .now_ms = 9000};
	struct evbuffer *out = evbuffer_new();
	char *text, *line;
	long value = -1;

	sl_web_metrics_text(&metrics, &moment, out);
	evbuffer_add(out, "", 1);
	text = (char *)evbuffer_pullup(out, -1);
	line = strstr(text, name);
	if (line)
		value = strtol(line + strlen(name), NULL, 10);
	evbuffer_free(out);
	return value;
}

static void counts(void **state)
{
	const struct counter_row *row = *state;
	long before = 0;

	memset(&metrics, 0, sizeof(metrics));
	paint(20000, 1000);
	picture.counters = 1;
	strcpy(picture.counter[0].name, "packets.ok");
	for (int i = 0; i < 4; i++) {
		long now;

		picture.counter[0].value = row->value[i];
		sl_web_metrics_picture(&metrics, &picture, 1000 + (uint64_t)i * 100);
		now = exposed("\nstoreline_dataplane_packets_ok_total ");
		assert_true(now >= before);
		before = now;
	}
	assert_int_equal(metrics.counter[0].before + metrics.counter[0].now, row->total);
}

static const struct text_row {
	const char *name, *line;
	bool there;
} text_rows[] = {
	{"help and type come once", "# TYPE storeline_path_rtt_p95_seconds gauge\n", true},
	{"seconds, not micro",
	 "storeline_path_rtt_p95_seconds{service=\"a\\\"b\\\\\",uplink=\"fibre\",leg=\"wan\"} 0.02\n",
	 true},
	{"no zero where nothing was measured",
	 "storeline_path_rtt_p95_seconds{service=\"a\\\"b\\\\\",uplink=\"fibre\",leg=\"lan\"}",
	 false},
	{"a ratio",
	 "storeline_path_loss_ratio{service=\"a\\\"b\\\\\",uplink=\"fibre\",leg=\"wan\"} 0.03\n",
	 true},
	{"unix time with all its digits", "storeline_start_time_seconds 1700000000\n", true},
	{"decisions since the start", "storeline_decisions_total{service=\"pos\"} 1\n", true},
};

static void text(void **state)
{
	const struct text_row *row = *state;
	struct sl_web_moment moment = {.picture = &picture, .now_ms = 9000};
	struct evbuffer *out = evbuffer_new();
	struct sl_event *event = calloc(1, sizeof(*event));

	memset(&metrics, 0, sizeof(metrics));
	metrics.start_unix_ns = T0 * 1000000000u;
	paint(20000, 1000);
	strcpy(picture.path[0].service, "a\"b\\");
	sl_web_metrics_picture(&metrics, &picture, 8000);
	event->kind = SL_EVENT_DECISION;
	strcpy(event->service, "pos");
	event->at_unix_ns = metrics.start_unix_ns - 1; /* history: not counted again */
	sl_web_metrics_event(&metrics, event);
	event->at_unix_ns = metrics.start_unix_ns;
	sl_web_metrics_event(&metrics, event);
	sl_web_metrics_text(&metrics, &moment, out);
	evbuffer_add(out, "", 1);
	assert_int_equal(strstr((char *)evbuffer_pullup(out, -1), row->line) != NULL, row->there);
	evbuffer_free(out);
	free(event);
}

static void flat(void **state)
{
	struct sl_bus_flat made;

	paint(20000, 500);
	sl_web_flat_of(&made, &picture.path[0]);
	assert_string_equal(made.service, "pos");
	assert_int_equal(made.p95_us[1], 20000);
	assert_int_equal(made.samples[0], 0);
	assert_int_equal(made.loss_ppm[1], 30000);
	assert_int_equal(made.rate_bps[0], 16000);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, at_rows, at);
	sl_row_add(&tests, "columns are of one length, null in holes", columns, NULL);
	SL_ROWS_ADD(&tests, frame_rows, frame);
	SL_ROWS_ADD(&tests, again_rows, again);
	sl_row_add(&tests, "incidents: newest first, bounded, each once", incidents, NULL);
	sl_row_add(&tests, "events: each once, bounded, decisions by service", events, NULL);
	SL_ROWS_ADD(&tests, sum_rows, sum);
	SL_ROWS_ADD(&tests, counter_rows, counts);
	SL_ROWS_ADD(&tests, text_rows, text);
	sl_row_add(&tests, "flat numbers of a path", flat, NULL);
	return sl_row_run("web past", &tests);
}
