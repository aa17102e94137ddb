/*
 * record.c - options as they are weighed, inputs as they were seen
 */
#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PPM              1000000u
#define COVERAGE_MIN_PPM 500000 /* locate.c calls itself blind below it */

void sl_record_option(struct sl_decision *record, const char *remedy, const char *target,
		      bool chosen, const char *format, ...)
{
	struct sl_decision_option *option = &record->option[record->options];
	va_list args;

	if (record->options == SL_WIRE_OPTIONS_MAX)
		return;
	record->options++;
	snprintf(option->remedy, sizeof(option->remedy), "%s", remedy);
	snprintf(option->target, sizeof(option->target), "%s", target);
	option->chosen = chosen;
	va_start(args, format);
	vsnprintf(option->why, sizeof(option->why), format, args);
	va_end(args);
}

void sl_record_input(struct sl_decision *record, const struct sl_decision_input *input)
{
	if (record->inputs < SL_WIRE_INPUTS_MAX)
		record->input[record->inputs++] = *input;
}

/* What every input is taken from. */
struct sight {
	struct sl_decision *record;
	const struct sl_path_report *path;
	const struct sl_judge *judge;
	const struct sl_policy_slo *slo; /* may be NULL */
};

static uint64_t limit_of(const struct sight *sight, uint32_t ppm)
{
	return sight->slo && ppm != UINT32_MAX ? ppm : 0;
}

static void latency(const struct sight *sight)
{
	uint64_t limit_us = sight->slo ? sight->slo->latency_ns / 1000 : 0;
	const struct sl_latency_report *rtt = sight->path->rtt;

	if (rtt[SL_LEG_WAN].samples)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"rtt_wan_p95_us",
							    rtt[SL_LEG_WAN].p95_us, limit_us,
							    sight->judge->base_p95_us,
							    rtt[SL_LEG_WAN].samples});
	if (rtt[SL_LEG_LAN].samples)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"rtt_lan_p95_us",
							    rtt[SL_LEG_LAN].p95_us, limit_us, 0,
							    rtt[SL_LEG_LAN].samples});
}

static void loss(const struct sight *sight)
{
	uint64_t limit = sight->slo ? limit_of(sight, sight->slo->loss_ppm) : 0;
	static const char *const names[2] = {"loss_lan_ppm", "loss_wan_ppm"};
	static const char *const media[2] = {"media_loss_lan_ppm", "media_loss_wan_ppm"};

	for (unsigned int leg = 2; leg-- > 0;) {
		struct sl_decision_input segments = {.value = sl_view_loss_ppm(sight->path, leg),
						     .limit = limit,
						     .samples = sl_view_segments(sight->path)};
		struct sl_decision_input rtp = {.value = sl_view_media_loss_ppm(sight->path, leg),
						.limit = limit,
						.samples = sight->path->media[leg].expected};

		snprintf(segments.name, sizeof(segments.name), "%s", names[leg]);
		snprintf(rtp.name, sizeof(rtp.name), "%s", media[leg]);
		if (segments.samples && (leg == SL_LEG_WAN || segments.value))
			sl_record_input(sight->record, &segments);
		if (rtp.samples)
			sl_record_input(sight->record, &rtp);
	}
}

/* As the dataplane reckons it: of all that was tried, what was not answered as it should. */
static void failures(const struct sight *sight)
{
	const struct sl_path_report *path = sight->path;
	uint64_t bad = (uint64_t)sl_view_opens_bad(path) + sl_view_queries_bad(path);
	uint64_t tried = (uint64_t)path->attempts + path->queries + path->hellos;
	uint64_t ppm = tried && bad < tried ? bad * PPM / tried : bad ? PPM : 0;

	if (tried || bad)
		sl_record_input(sight->record,
				&(struct sl_decision_input){
					"failures_ppm", ppm,
					sight->slo ? limit_of(sight, sight->slo->failures_ppm) : 0,
					0, (uint32_t)tried});
	if (path->requests_unanswered)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"requests_unanswered",
							    path->requests_unanswered, 0, 0,
							    path->requests});
	if (path->refused)
		sl_record_input(sight->record, &(struct sl_decision_input){"refused", path->refused,
									   0, 0, path->attempts});
	if (sl_view_queries_bad(path))
		sl_record_input(sight->record,
				&(struct sl_decision_input){"queries_bad",
							    sl_view_queries_bad(path), 0, 0,
							    path->queries});
}

static void silence(const struct sight *sight, uint64_t now_ms)
{
	const struct sl_path_report *path = sight->path;
	uint64_t packets = (uint64_t)path->packets[0] + path->packets[1];

	if (path->silent_ms)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"silent_ms", path->silent_ms, 0, 0,
							    path->demand});
	if (sl_judge_bad_now(sight->judge, now_ms))
		sl_record_input(sight->record,
				&(struct sl_decision_input){"bad_ms",
							    now_ms - sight->judge->first_bad_ms, 0,
							    0, sight->judge->bad_run});
	if (sl_judge_gaps(sight->judge, now_ms) > 1)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"gaps_10min",
							    sl_judge_gaps(sight->judge, now_ms),
							    SL_JUDGE_FLAPS, 0, 0});
	if (packets && path->coverage_ppm < COVERAGE_MIN_PPM)
		sl_record_input(sight->record,
				&(struct sl_decision_input){"coverage_ppm", path->coverage_ppm,
							    COVERAGE_MIN_PPM, 0,
							    (uint32_t)packets});
}

static void load(const struct sight *sight, const struct sl_uplink_report *uplink,
		 uint64_t capacity_bps)
{
	static const char *const names[2] = {"uplink_up_bps", "uplink_down_bps"};

	for (unsigned int side = 0; uplink && side < 2; side++) {
		struct sl_decision_input rate = {.value = uplink->rate_bps[side],
						 .limit = capacity_bps};

		snprintf(rate.name, sizeof(rate.name), "%s", names[side]);
		if (rate.value)
			sl_record_input(sight->record, &rate);
	}
}

void sl_record_inputs(struct sl_decision *record, const struct sl_scene *scene,
		      unsigned int service, unsigned int uplink)
{
	const struct sl_policy *policy = scene->view->policy;
	struct sight sight = {.record = record};

	record->inputs = 0;
	if (service >= SL_SITE_SERVICES || uplink >= SL_SITE_UPLINKS)
		return;
	sight.path = scene->view->path[service][uplink];
	sight.judge = &scene->judge[service][uplink];
	sight.slo = sl_view_slo(policy, service);
	if (!sight.path)
		return;
	latency(&sight);
	loss(&sight);
	failures(&sight);
	silence(&sight, scene->now_ms);
	load(&sight, scene->view->uplink[uplink],
	     uplink < policy->uplinks ? policy->uplink[uplink].capacity_bps : 0);
}
