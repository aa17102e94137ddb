/*
 * web_metrics_test.c - a histogram's counts go on where the dataplane's begin anew
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "control/web_metrics.h"
#include "tests/unit/row.h"

#define PICTURES 4

/* What pictures say of pos on the fibre: so many round trips up to 20 ms, and longer than all. */
static const struct total_row {
	const char *name;
	struct {
		bool there;
		uint64_t to_20ms, longer, sum_us;
	} said[PICTURES];
	const char *at_10ms, *at_20ms, *at_3s, *at_inf, *sum; /* NULL = no histogram */
} rows[] = {
	{"a service that is not critical has none",
	 {{false, 3, 0, 1}},
	 NULL,
	 NULL,
	 NULL,
	 NULL,
	 NULL},
	{"one that nobody uses begins at zero", {{true, 0, 0, 0}}, "0", "0", "0", "0", "0"},
	{"each bucket holds those before it",
	 {{true, 3, 0, 33000}, {true, 5, 2, 30000000}},
	 "0",
	 "5",
	 "5",
	 "7",
	 "30"},
	{"a restart of the dataplane takes nothing away",
	 {{true, 5, 2, 30000000}, {true, 1, 0, 10000}, {true, 2, 0, 20000}},
	 "0",
	 "7",
	 "7",
	 "9",
	 "30.02"},
	{"two of them neither",
	 {{true, 5, 0, 50000}, {true, 1, 0, 10000}, {true, 0, 0, 0}, {true, 4, 0, 40000}},
	 "0",
	 "10",
	 "10",
	 "10",
	 "0.1"},
	{"no longer critical: what was counted stays",
	 {{true, 5, 0, 50000}, {false, 0, 0, 0}},
	 "0",
	 "5",
	 "5",
	 "5",
	 "0.05"},
};

/* The value of the sample that begins so; NULL when it is not in @text. */
static char *value_of(char *text, const char *sample, char *value, size_t size)
{
	char *found = strstr(text, sample);

	if (!found)
		return NULL;
	found = strchr(found, '}') + 2;
	snprintf(value, size, "%.*s", (int)strcspn(found, "\n"), found);
	return value;
}

static void says(char *text, const char *sample, const char *want)
{
	char value[64];

	if (!want)
		assert_null(value_of(text, sample, value, sizeof(value)));
	else
		assert_string_equal(value_of(text, sample, value, sizeof(value)), want);
}

static void totals(void **state)
{
	const struct total_row *row = *state;
	static struct sl_web_metrics metrics;
	static struct sl_telemetry picture;
	const struct sl_web_moment moment = {.now_ms = 1};
	struct evbuffer *to = evbuffer_new();
	char *text;

	memset(&metrics, 0, sizeof(metrics));
	picture.paths = 1;
	strcpy(picture.path[0].service, "pos");
	strcpy(picture.path[0].uplink, "fibre");
	for (int i = 0; i < PICTURES && (!i || row->said[i].there || row->said[i - 1].there); i++) {
		picture.path[0].has_rtt_wan_totals = row->said[i].there;
		picture.path[0].rtt_wan_totals = (struct sl_latency_totals){
			.count = {[4] = row->said[i].to_20ms,
				  [SL_LATENCY_BOUNDS] = row->said[i].longer},
			.sum_us = row->said[i].sum_us,
		};
		sl_web_metrics_picture(&metrics, &picture, 1000 + 100 * (uint64_t)i);
	}
	sl_web_metrics_text(&metrics, &moment, to);
	evbuffer_add(to, "", 1);
	text = (char *)evbuffer_pullup(to, -1);
#define OF "{service=\"pos\",uplink=\"fibre\",leg=\"wan\""
	says(text, "storeline_path_rtt_seconds_bucket" OF ",le=\"0.01\"}", row->at_10ms);
	says(text, "storeline_path_rtt_seconds_bucket" OF ",le=\"0.02\"}", row->at_20ms);
	says(text, "storeline_path_rtt_seconds_bucket" OF ",le=\"3\"}", row->at_3s);
	says(text, "storeline_path_rtt_seconds_bucket" OF ",le=\"+Inf\"}", row->at_inf);
	says(text, "storeline_path_rtt_seconds_count" OF "}", row->at_inf);
	says(text, "storeline_path_rtt_seconds_sum" OF "}", row->sum);
	evbuffer_free(to);
}

/* Where a service goes is said of the uplinks that it may use, and of no other. */
static void where(void **state)
{
	static struct sl_web_metrics metrics;
	static struct sl_telemetry picture = {.paths = 3,
					      .path = {{.service = "pos", .uplink = "fibre"},
						       {.service = "pos", .uplink = "lte"},
						       {.service = "cctv", .uplink = "fibre"}},
					      .services = 2,
					      .service = {{.name = "pos", .uplink = "lte"},
							  {.name = "cctv", .uplink = "fibre"}},
					      .uplinks = 2,
					      .uplink = {{.name = "fibre"}, {.name = "lte"}}};
	const struct sl_web_moment moment = {.now_ms = 1, .picture = &picture};
	struct evbuffer *to = evbuffer_new();
	char *text;

	sl_web_metrics_text(&metrics, &moment, to);
	evbuffer_add(to, "", 1);
	text = (char *)evbuffer_pullup(to, -1);
#define WHERE(service, uplink) \
	"storeline_service_uplink{service=\"" service "\",uplink=\"" uplink "\"}"
	says(text, WHERE("pos", "fibre"), "0");
	says(text, WHERE("pos", "lte"), "1");
	says(text, WHERE("cctv", "fibre"), "1");
	says(text, WHERE("cctv", "lte"), NULL);
	evbuffer_free(to);
}

int main(void)
{
	struct sl_row_tests tests = {.count = 0};

	SL_ROWS_ADD(&tests, rows, totals);
	sl_row_add(&tests, "where a service goes", where, NULL);
	return sl_row_run("web metrics", &tests);
}
