/*
 * agent_recorder.c - when the flow recorder's rings are written down, and where
 *
 * An alarm of a recorded service or an uplink, or a command that belongs to an incident, freezes
 * them: AFTER_NS later, so that the first of the aftermath is in it and the incident's number
 * is known, what stands of the last 30 s goes to a file, in a thread of its own (a file may
 * have megabytes, and the loop has 10 ms).  One file at a time, one an incident, one a REST_NS without.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_private.h"
#include "compile.h"
#include "knobs.h"
#include "log.h"
#include "recorder.h"

#define S        UINT64_C(1000000000)
#define AFTER_NS (2 * S)
#define REST_NS  (300 * S)

struct sl_agent_recorder {
	struct {
		bool is;
		uint64_t due_ns, incident;
		char why[SL_TEXT_MAX];
	} pending;
	uint64_t frozen_ns, incident; /* of the last file */
	uint64_t seen[SL_RECORD_RINGS][SL_RECORDER_WORKERS_MAX];
	uint64_t files, failures, skipped;
	/* The thread's, while it runs. */
	pthread_t thread;
	bool running, finished;
	int err;
	char name[SL_FILES_PATH_MAX];
	struct sl_recorder_job job;
	struct sl_recorder_done done;
};

int sl_agent_recorder_open(struct sl_agent *agent)
{
	char dir[SL_FILES_PATH_MAX];

	if (!agent->config.engine->ops->records)
		return 0;
	agent->recorder = calloc(1, sizeof(*agent->recorder));
	if (!agent->recorder || sl_files_path(dir, agent->config.state_dir, SL_RECORDER_DIR))
		return -ENOMEM;
	if (sl_files_make_dir(dir)) /* said again, with the file that fails */
		sl_log(SL_LOG_WARN, "recorder", "dir=%s why=\"%s\"", dir, strerror(errno));
	return 0;
}

void sl_agent_recorder_close(struct sl_agent *agent)
{
	if (agent->recorder && agent->recorder->running)
		pthread_join(agent->recorder->thread, NULL);
	free(agent->recorder);
	agent->recorder = NULL;
}

void sl_agent_recorder_apply(struct sl_agent *agent)
{
	struct sl_record_knob knob[SL_SERVICES_MAX];

	sl_recorder_assign(&agent->apply.policy, knob);
	for (unsigned int s = 0; s < SL_SERVICES_MAX; s++)
		sl_knobs_set_record(sl_agent_tables(agent), s, knob[s]);
}

/* ---- how densely ---- */

/* Packets that a ring was offered since the last second, by its busiest worker. */
static uint64_t offered(struct sl_agent *agent, unsigned int ring, uint32_t *slots)
{
	struct sl_engine *engine = agent->config.engine;
	struct sl_agent_recorder *r = agent->recorder;
	struct sl_record_view view;
	uint64_t most = 0;

	for (unsigned int w = 0; w < SL_RECORDER_WORKERS_MAX; w++) {
		if (!engine->ops->records(engine, w, &view))
			break;
		uint64_t seen = view.head[ring].number + view.head[ring].skipped;

		if (r->seen[ring][w] && seen - r->seen[ring][w] > most)
			most = seen - r->seen[ring][w];
		r->seen[ring][w] = seen;
		r->skipped += view.head[ring].skipped;
		*slots = view.slots;
	}
	return most;
}

void sl_agent_recorder_second(struct sl_agent *agent)
{
	struct sl_tables *tables = sl_agent_tables(agent);

	if (!agent->recorder)
		return;
	agent->recorder->skipped = 0;
	for (unsigned int s = 0; s < tables->services; s++) {
		struct sl_record_knob knob = tables->knobs.record[s];
		uint32_t slots = 1;

		if (!knob.ring)
			continue;
		knob.mask = sl_recorder_mask(offered(agent, knob.ring - 1u, &slots), slots);
		if (knob.mask != tables->knobs.record[s].mask)
			sl_knobs_set_record(tables, s, knob);
	}
}

/* ---- freezing ---- */

static bool is_recorded(const struct sl_agent *agent, const char *service)
{
	int index = service[0] ? sl_compile_service(&agent->apply.policy, service) : -1;
	const struct sl_record_knob *knob = sl_agent_tables(agent)->knobs.record;

	for (int s = 0; s < SL_SERVICES_MAX; s++)
		if (knob[s].ring && (!service[0] || s == index))
			return true;
	return false;
}

void sl_agent_recorder_freeze(struct sl_agent *agent, const char *service, uint64_t incident,
			      const char *why)
{
	struct sl_agent_recorder *r = agent->recorder;
	uint64_t now_ns = sl_agent_mono_ns(agent);

	if (!r || !is_recorded(agent, service))
		return;
	if (r->pending.is) {
		if (incident)
			r->pending.incident = incident;
		return;
	}
	if (incident ? incident == r->incident : r->frozen_ns && now_ns - r->frozen_ns < REST_NS)
		return;
	r->pending.is = true;
	r->pending.due_ns = now_ns + AFTER_NS;
	r->pending.incident = incident;
	snprintf(r->pending.why, sizeof(r->pending.why), "%s", why);
}

static void *write_down(void *arg)
{
	struct sl_agent_recorder *r = arg;

	r->err = sl_recorder_write(&r->job, r->name, &r->done);
	__atomic_store_n(&r->finished, true, __ATOMIC_RELEASE);
	return NULL;
}

static void fill_job(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_engine *engine = agent->config.engine;
	struct sl_recorder_job *job = &agent->recorder->job;
	const struct sl_policy *policy = &agent->apply.policy;

	job->from_ns = now_ns > SL_RECORDER_SPAN_NS ? now_ns - SL_RECORDER_SPAN_NS : 0;
	job->to_ns = now_ns;
	job->unix_offset_ns = sl_agent_unix_ns() - now_ns;
	job->rings = (1u << SL_RECORD_RINGS) - 1;
	job->views = 0;
	while (job->views < SL_RECORDER_WORKERS_MAX &&
	       engine->ops->records(engine, job->views, &job->view[job->views]))
		job->views++;
	snprintf(job->comment, sizeof(job->comment), "incident %" PRIu64 " of %s: %.180s",
		 agent->recorder->pending.incident, policy->site, agent->recorder->pending.why);
	for (unsigned int s = 0; s <= policy->services; s++)
		for (unsigned int u = 0; u < SL_UPLINKS_MAX; u++)
			snprintf(job->path[s][u], sizeof(job->path[s][u]), "%s/%s",
				 sl_compile_service_name(policy, s),
				 u < policy->uplinks ? policy->uplink[u].name : "tap");
}

/* STATE/recordings/TIME-incident-N.pcapng; false: too long. */
static bool name_file(struct sl_agent *agent)
{
	struct sl_agent_recorder *r = agent->recorder;
	char dir[SL_FILES_PATH_MAX], name[80], at[32];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(name, sizeof(name), "%s-incident-%" PRIu64 ".pcapng", at, r->pending.incident);
	return !sl_files_path(dir, agent->config.state_dir, SL_RECORDER_DIR) &&
	       !sl_files_path(r->name, dir, name);
}

static void start_writing(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_agent_recorder *r = agent->recorder;

	r->pending.is = false;
	r->frozen_ns = now_ns;
	r->incident = r->pending.incident;
	fill_job(agent, now_ns);
	r->finished = false;
	r->running = name_file(agent) && !pthread_create(&r->thread, NULL, write_down, r);
	r->failures += !r->running;
}

static void say_written(struct sl_agent *agent)
{
	static struct sl_event event;
	struct sl_agent_recorder *r = agent->recorder;
	const struct sl_recorder_done *d = &r->done;
	double span_s = d->first_ns ? (double)(r->job.to_ns - d->first_ns) / 1e9 : 0;

	event = (struct sl_event){.kind = SL_EVENT_DECISION, .remedy = "record"};
	event.incident = r->incident;
	if (r->err)
		snprintf(event.text, sizeof(event.text), "no recording: %s", strerror(-r->err));
	else
		snprintf(event.text, sizeof(event.text),
			 "%u packets of the last %.1f s are in %s%s", d->packets, span_s,
			 strrchr(r->name, '/') + 1,
			 d->overwritten ? "; older ones were overwritten" : "");
	sl_log(r->err ? SL_LOG_WARN : SL_LOG_INFO, "recorder", "incident=%" PRIu64 " what=\"%s\"",
	       r->incident, event.text);
	sl_agent_say(agent, &event);
}

static void end_writing(struct sl_agent *agent)
{
	struct sl_agent_recorder *r = agent->recorder;
	char dir[SL_FILES_PATH_MAX];

	pthread_join(r->thread, NULL);
	r->running = false;
	r->files += r->err == 0;
	r->failures += r->err != 0;
	if (!sl_files_path(dir, agent->config.state_dir, SL_RECORDER_DIR))
		sl_recorder_prune(dir, agent->apply.policy.recorder.files);
	say_written(agent);
}

void sl_agent_recorder_tick(struct sl_agent *agent, uint64_t now_ns)
{
	struct sl_agent_recorder *r = agent->recorder;

	if (!r)
		return;
	if (r->running && __atomic_load_n(&r->finished, __ATOMIC_ACQUIRE))
		end_writing(agent);
	if (r->pending.is && !r->running && now_ns >= r->pending.due_ns)
		start_writing(agent, now_ns);
}

void sl_agent_recorder_count(struct sl_agent *agent, sl_agent_counter *add, void *arg)
{
	if (!agent->recorder)
		return;
	add(arg, "recorder.files", agent->recorder->files);
	add(arg, "recorder.failures", agent->recorder->failures);
	add(arg, "recorder.skipped", agent->recorder->skipped);
}
