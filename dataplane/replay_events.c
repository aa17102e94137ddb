/*
 * replay_events.c - the agent's ticks, driven by a capture
 */
#include "replay_events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "health.h"
#include "liveness.h"
#include "window.h"

#define TICK_NS      10000000u /* liveness */
#define HEALTH_TICKS 10        /* liveness ticks from one judgement to the next */
#define WINDOW_MS    1000      /* of a service whose SLO says none */

struct sl_replay_events {
	const struct sl_policy *policy;
	uint32_t services, uplinks; /* uplinks: at least 1 */
	bool started;
	uint64_t next_ns, ticks;
	uint64_t gap_ns; /* longer than the longest window: behind such a gap all are empty */
	struct sl_window *window;
	struct sl_liveness live;
	enum sl_health state[SL_PATHS_MAX];
	FILE *text; /* lines so far, in memory */
	char *bytes;
	size_t size;
};

static uint32_t longest_window(const struct sl_policy *policy)
{
	uint32_t longest = WINDOW_MS;

	for (uint32_t i = 0; i < policy->services; i++)
		if (policy->service[i].has_slo && policy->service[i].slo.window_ms > longest)
			longest = policy->service[i].slo.window_ms;
	return longest;
}

struct sl_replay_events *sl_replay_events_open(const struct sl_policy *policy)
{
	struct sl_replay_events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->policy = policy;
	events->services = policy->services + 1;
	events->uplinks = policy->uplinks ? policy->uplinks : 1;
	events->gap_ns = (longest_window(policy) + SL_WINDOW_LONGER_MS) * UINT64_C(1000000);
	sl_liveness_init(&events->live, events->services, policy->uplinks);
	for (uint32_t u = 0; u < events->uplinks; u++)
		sl_liveness_trust(&events->live, u, sl_compile_trusted(policy, u));
	events->text = open_memstream(&events->bytes, &events->size);
	if (events->text && !sl_window_open(&events->window, events->services, policy->uplinks,
					    longest_window(policy)))
		return events;
	sl_replay_events_close(events);
	return NULL;
}

void sl_replay_events_close(struct sl_replay_events *events)
{
	if (!events)
		return;
	if (events->window)
		sl_window_close(events->window);
	if (events->text)
		fclose(events->text);
	free(events->bytes);
	free(events);
}

static void tick_liveness(struct sl_replay_events *events, struct sl_engine *engine)
{
	static struct sl_liveness_count sum[SL_PATHS_MAX];
	const struct sl_stats *stats;

	memset(sum, 0, sizeof(sum));
	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++)
		for (uint32_t s = 0; s < events->services; s++)
			for (uint32_t u = 0; u < events->uplinks; u++)
				sl_liveness_count_add(&sum[SL_PATH(s, u)],
						      &stats->path[SL_PATH(s, u)]);
	sl_liveness_tick(&events->live, events->next_ns, sum);
}

static const char *state_name(enum sl_health state)
{
	static const char *const names[SL_HEALTH_COUNT] = {
		[SL_HEALTH_UNKNOWN] = "unknown",   [SL_HEALTH_GOOD] = "good",
		[SL_HEALTH_DEGRADED] = "degraded", [SL_HEALTH_DOWN] = "down",
		[SL_HEALTH_IDLE] = "idle",         [SL_HEALTH_BLIND] = "blind"};

	return names[state];
}

static void write_change(struct sl_replay_events *events, uint32_t service, uint32_t uplink,
			 enum sl_health from, const struct sl_path_report *report)
{
	const struct sl_policy *policy = events->policy;

	fprintf(events->text,
		"{\"t_ns\":%" PRIu64 ",\"kind\":\"health\",\"service\":\"%s\",\"uplink\":\"%s\","
		"\"from\":\"%s\",\"to\":\"%s\",\"window_ms\":%u,\"rtt_samples\":%u,"
		"\"segments\":%u,\"coverage_ppm\":%u,\"reason\":\"%s\"}\n",
		events->next_ns, sl_compile_service_name(policy, service),
		policy->uplinks ? policy->uplink[uplink].name : "tap", state_name(from),
		state_name(report->state), report->window_ms,
		report->rtt[0].samples + report->rtt[1].samples,
		report->loss[0].segments + report->loss[1].segments, report->coverage_ppm,
		report->reason);
}

/* Of @service of the tables; NULL = none. */
static const struct sl_policy_slo *slo_of(const struct sl_policy *policy, uint32_t service)
{
	if (!service || !policy->service[service - 1].has_slo)
		return NULL;
	return &policy->service[service - 1].slo;
}

static void judge(struct sl_replay_events *events, uint32_t service, uint32_t uplink)
{
	static struct sl_path_stats window, longer;
	const struct sl_policy_slo *slo = slo_of(events->policy, service);
	uint32_t path = SL_PATH(service, uplink), wanted = slo ? slo->window_ms : WINDOW_MS;
	struct sl_liveness_view live;
	struct sl_health_input in = {.window = &window, .slo = slo, .live = &live};
	struct sl_path_report report = {0};

	if (!sl_window_difference(events->window, path, wanted, &window, &in.window_ms))
		return;
	if (wanted < SL_WINDOW_LONGER_MS &&
	    sl_window_difference(events->window, path, SL_WINDOW_LONGER_MS, &longer, &in.longer_ms))
		in.longer = &longer;
	sl_liveness_path(&events->live, path, &live);
	sl_health_judge(&in, &report);
	if (report.state == events->state[path] ||
	    (report.state == SL_HEALTH_IDLE && events->state[path] == SL_HEALTH_UNKNOWN))
		return; /* a path without traffic from the start is no news */
	write_change(events, service, uplink, events->state[path], &report);
	events->state[path] = report.state;
}

static void tick_health(struct sl_replay_events *events, struct sl_engine *engine)
{
	const struct sl_stats *stats;

	sl_window_begin(events->window, events->next_ns);
	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++)
		sl_window_add(events->window, stats);
	sl_window_end(events->window);
	for (uint32_t s = 0; s < events->services; s++)
		for (uint32_t u = 0; u < events->uplinks; u++)
			judge(events, s, u);
}

bool sl_replay_events_due(const struct sl_replay_events *events, uint64_t t_ns)
{
	return !events->started || events->next_ns <= t_ns;
}

int sl_replay_events_tick(struct sl_replay_events *events, struct sl_engine *engine, uint64_t t_ns)
{
	if (!events->started) {
		events->started = true;
		events->next_ns = t_ns;
	}
	if (t_ns > events->next_ns && t_ns - events->next_ns > events->gap_ns)
		events->next_ns = t_ns - events->gap_ns;
	for (; events->next_ns <= t_ns; events->next_ns += TICK_NS) {
		tick_liveness(events, engine);
		if (events->ticks++ % HEALTH_TICKS == 0)
			tick_health(events, engine);
	}
	return ferror(events->text) ? -ENOMEM : 0;
}

int sl_replay_events_write(const struct sl_replay_events *events, FILE *out)
{
	fflush(events->text);
	return fwrite(events->bytes, 1, events->size, out) != events->size || fflush(out) ? -EIO
											  : 0;
}
