/*
 * agent_rhythm.c - each service's rhythm in the agent's loop, kept over restarts; silence is told
 *
 * Fed each 100 ms from the counters of all its paths, saved with each hour that is over.  A
 * service that rests where it never does has the uplink that it stands on asked at once, and
 * its path's reason says so; the path stays idle, for only an uplink without an answer is down.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_private.h"
#include "compile.h"
#include "crc32.h"
#include "knobs.h"
#include "rhythm.h"

#define FILE_NAME  "rhythm"
#define FILE_MAGIC 0x534c7231u /* "SLr1" */

struct file {
	uint32_t magic, crc;
	struct sl_rhythm_memory memory[SL_SERVICES_MAX];
};

struct sl_agent_rhythm {
	struct sl_rhythm rhythm;
	uint64_t packets[SL_SERVICES_MAX], flows[SL_SERVICES_MAX]; /* as of the last tick */
	bool started;
	uint32_t hour; /* of the last tick */
};

static uint32_t hour_now(void)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return (uint32_t)(tm.tm_wday * 24 + tm.tm_hour);
}

static void load(struct sl_agent *agent)
{
	static struct file file;

	if (sl_files_read(agent->config.state_dir, FILE_NAME, &file, sizeof(file)) !=
		    sizeof(file) ||
	    file.magic != FILE_MAGIC || file.crc != sl_crc32(0, file.memory, sizeof(file.memory)))
		return;
	memcpy(agent->rhythm->rhythm.memory, file.memory, sizeof(file.memory));
}

static void save(struct sl_agent *agent)
{
	static struct file file;

	file.magic = FILE_MAGIC;
	memcpy(file.memory, agent->rhythm->rhythm.memory, sizeof(file.memory));
	file.crc = sl_crc32(0, file.memory, sizeof(file.memory));
	if (sl_files_replace(agent->config.state_dir, FILE_NAME, &file, sizeof(file)))
		agent->apply.ledger.failures++;
}

int sl_agent_rhythm_open(struct sl_agent *agent)
{
	agent->rhythm = calloc(1, sizeof(*agent->rhythm));
	if (!agent->rhythm)
		return -ENOMEM;
	load(agent);
	return 0;
}

void sl_agent_rhythm_close(struct sl_agent *agent)
{
	if (agent->rhythm && agent->rhythm->started)
		save(agent);
	free(agent->rhythm);
	agent->rhythm = NULL;
}

void sl_agent_rhythm_apply(struct sl_agent *agent)
{
	const struct sl_policy *policy = &agent->apply.policy;
	static char name[SL_SERVICES_MAX][SL_NAME_MAX];

	for (uint32_t s = 0; s <= policy->services; s++)
		snprintf(name[s], SL_NAME_MAX, "%s", sl_compile_service_name(policy, s));
	sl_rhythm_name(&agent->rhythm->rhythm, policy->services + 1, name);
	agent->rhythm->started = false;
}

/* Of service @s since the start, over all its paths and workers. */
static void add_up(const struct sl_agent *agent, unsigned int s, uint64_t *packets, uint64_t *flows)
{
	struct sl_engine *engine = agent->config.engine;
	const struct sl_stats *stats;

	*packets = *flows = 0;
	for (unsigned int w = 0; (stats = engine->ops->stats(engine, w)) != NULL; w++)
		for (unsigned int u = 0; u < agent->liveness.uplinks; u++) {
			const struct sl_path_stats *path = &stats->path[SL_PATH(s, u)];

			*packets += path->side[0].packets + path->side[1].packets;
			*flows += path->flows;
		}
}

void sl_agent_rhythm_tick(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_agent_rhythm *r = agent->rhythm;
	uint32_t services = sl_agent_tables(agent)->services, hour = hour_now();
	bool over = r->started && hour != r->hour;

	/* Nothing is counted: that is no silence. */
	if (sl_agent_tables(agent)->knobs.bypass) {
		r->started = false;
		return;
	}
	for (unsigned int s = 0; s < services; s++) {
		uint64_t packets, flows;

		add_up(agent, s, &packets, &flows);
		if (r->started)
			sl_rhythm_feed(&r->rhythm, s, now_ns, hour, packets - r->packets[s],
				       flows - r->flows[s]);
		r->packets[s] = packets;
		r->flows[s] = flows;
	}
	r->started = true;
	r->hour = hour;
	if (over)
		save(agent);
}

bool sl_agent_rhythm_silent(const struct sl_agent *agent, unsigned int uplink)
{
	const struct sl_tables *tables = sl_agent_tables(agent);

	for (unsigned int s = 1; s < tables->services; s++) {
		struct sl_rhythm_view view;

		sl_rhythm_look(&agent->rhythm->rhythm, s, &view);
		if (view.word == SL_RHYTHM_SILENT && sl_knobs_steer(tables, s).uplink == uplink)
			return true;
	}
	return false;
}

/* What came of asking @uplink, in words. */
static const char *asked(const struct sl_agent *agent, unsigned int uplink)
{
	switch (agent->liveness.probe[uplink].word) {
	case SL_PROBE_CARRIES:
		return "its uplink answers a probe";
	case SL_PROBE_DEAD:
	case SL_PROBE_UNKNOWN:
		return "probes are not answered";
	default:
		return "nobody is known who would answer a probe";
	}
}

void sl_agent_rhythm_say(const struct sl_agent *agent, struct sl_agent_path *p)
{
	const struct sl_tables *tables = sl_agent_tables(agent);
	char *reason = p->report.reason;
	size_t used = strlen(reason);
	struct sl_rhythm_view view;

	if (p->report.state != SL_HEALTH_IDLE || p->service == SL_SERVICE_OTHER ||
	    sl_knobs_steer(tables, p->service).uplink != p->uplink)
		return;
	sl_rhythm_look(&agent->rhythm->rhythm, p->service, &view);
	if (view.word == SL_RHYTHM_SILENT)
		snprintf(reason, SL_TEXT_MAX,
			 "silent for %.0f s: in this hour of the week it never rests longer than "
			 "%.1f s (%u weeks known); %s",
			 (double)view.rest_ns / 1e9, (double)view.known_ns / 1e9, view.weeks,
			 asked(agent, p->uplink));
	else if (view.word == SL_RHYTHM_UNKNOWN)
		snprintf(reason + used, SL_TEXT_MAX - used,
			 "; whether that is usual is not known yet (%u of %d weeks)", view.weeks,
			 SL_RHYTHM_WEEKS_MIN);
}
