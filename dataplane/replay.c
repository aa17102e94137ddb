/*
 * replay.c - captures to lines: read, run, book, write
 */
#include "replay.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "book.h"
#include "capture.h"
#include "dpdk.h"
#include "host.h"
#include "replay_events.h"
#include "replay_names.h"
#include "xdp.h"

#define PATH_BYTES 4096

struct recording;

/* How an engine is opened and fed.  Those that work in bursts tell of frames later: .flush. */
struct runner {
	const char *name;
	int (*open)(struct recording *recording, uint32_t flows);
	int (*packet)(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		      const struct sl_work **work);
	int (*add)(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		   const struct sl_work **work, uint32_t *done);
	int (*flush)(struct sl_engine *engine, const struct sl_work **work, uint32_t *done);
	int (*reset)(struct sl_engine *engine);
};

/* One recording on its way: an engine with empty tables, and what is written of it. */
struct recording {
	const struct sl_replay_config *config;
	struct sl_replay_result *result;
	struct sl_engine *engine;
	const struct runner *runner;
	struct sl_book *book;
	struct sl_replay_events *events; /* NULL = none wanted */
	struct sl_replay_names *names;
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct recording *recording, int err,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(recording->why, recording->why_size, format, args);
	va_end(args);
	return err;
}

static int open_xdp(struct recording *recording, uint32_t flows)
{
	struct sl_xdp_config config = {.policy = recording->config->policy,
				       .tables = recording->config->tables,
				       .flows = flows,
				       .replay = true,
				       .verbose = recording->config->verbose};

	return sl_xdp_open(&config, &recording->engine, recording->why, recording->why_size);
}

static int open_host(struct recording *recording, uint32_t flows)
{
	int err = sl_host_open(flows, recording->config->tables, &recording->engine);

	return err ? fail(recording, err, "host engine: %s", strerror(-err)) : 0;
}

static int open_dpdk(struct recording *recording, uint32_t flows)
{
	return sl_dpdk_replay_open(flows, recording->config->tables, recording->config->verbose,
				   &recording->engine, recording->why, recording->why_size);
}

static const struct runner runners[] = {
	{.name = "xdp", .open = open_xdp, .packet = sl_xdp_packet, .reset = sl_xdp_reset},
	{.name = "host", .open = open_host, .packet = sl_host_packet, .reset = sl_host_reset},
	{.name = "dpdk",
	 .open = open_dpdk,
	 .add = sl_dpdk_add,
	 .flush = sl_dpdk_flush,
	 .reset = sl_dpdk_reset},
};

static const struct runner *find_runner(const char *name)
{
	for (size_t i = 0; i < sizeof(runners) / sizeof(runners[0]); i++)
		if (!strcmp(name, runners[i].name))
			return &runners[i];
	return NULL;
}

static int begin(struct recording *recording)
{
	int err = recording->runner->reset(recording->engine);

	if (err)
		return fail(recording, err, "empty the flow table: %s", strerror(-err));
	recording->book = sl_book_open();
	if (recording->book && recording->config->events_out)
		recording->events = sl_replay_events_open(recording->config->policy);
	if (recording->book)
		recording->names =
			sl_replay_names_open(recording->engine, recording->config->clauses,
					     recording->book);
	if (recording->names && (!recording->config->events_out || recording->events))
		return 0;
	return fail(recording, -ENOMEM, "out of memory");
}

static void end(struct recording *recording)
{
	sl_replay_events_close(recording->events);
	sl_replay_names_close(recording->names);
	sl_book_close(recording->book);
	recording->names = NULL;
	recording->book = NULL;
	recording->events = NULL;
}

static int book(struct recording *recording, const struct sl_work *work, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (sl_book_add(recording->book, &work[i]))
			return fail(recording, -ENOMEM, "out of memory");
	return 0;
}

static int flush(struct recording *recording)
{
	const struct sl_work *work = NULL;
	uint32_t done = 0;
	int err = recording->runner->flush
			  ? recording->runner->flush(recording->engine, &work, &done)
			  : 0;

	return err ? err : book(recording, work, done);
}

/* What is judged and read up to this frame's time must have run. */
static int tick(struct recording *recording, uint64_t t_ns)
{
	bool names = sl_replay_names_due(recording->names, t_ns);
	bool events = recording->events && sl_replay_events_due(recording->events, t_ns);
	int err = names || events ? flush(recording) : 0;

	if (!err && names)
		err = sl_replay_names_tick(recording->names, t_ns);
	if (!err && events)
		err = sl_replay_events_tick(recording->events, recording->engine, t_ns);
	return err;
}

static int run_frame(struct recording *recording, const struct sl_frame *frame)
{
	const struct runner *runner = recording->runner;
	const struct sl_work *work = NULL;
	uint32_t done = 1;
	int err = tick(recording, frame->t_ns);

	if (!err && runner->add)
		err = runner->add(recording->engine, frame, SL_SIDE_UNKNOWN, &work, &done);
	else if (!err)
		err = runner->packet(recording->engine, frame, SL_SIDE_UNKNOWN, &work);
	if (err)
		return fail(recording, err, "run the program on a frame: %s", strerror(-err));
	recording->result->frames++;
	return book(recording, work, done);
}

static int run_capture(struct recording *recording, const char *path)
{
	struct sl_capture *capture = NULL;
	struct sl_frame frame;
	int err = sl_capture_open(path, &capture, recording->why, recording->why_size);

	if (err)
		return err;
	while (!err && sl_capture_next(capture, &frame))
		err = run_frame(recording, &frame);
	if (sl_capture_end(capture)[0]) {
		fprintf(stderr, "%s: %s: the rest is not read\n", path, sl_capture_end(capture));
		recording->result->damaged++;
	}
	sl_capture_close(capture);
	return err ? err : flush(recording);
}

/* ---- output ---- */

static int write_to(struct recording *recording, const char *path,
		    int (*write)(struct recording *recording, FILE *out))
{
	FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int err;

	if (!out)
		return fail(recording, -errno, "%s: %s", path, strerror(errno));
	err = write(recording, out);
	if (out != stdout && fclose(out) && !err)
		err = -errno;
	return err ? fail(recording, err, "%s: %s", path, strerror(-err)) : 0;
}

static int write_flows(struct recording *recording, FILE *out)
{
	return sl_book_write(recording->book, recording->config->policy, out);
}

static int write_events(struct recording *recording, FILE *out)
{
	return sl_replay_events_write(recording->events, out);
}

static bool is_directory(const char *out)
{
	return *out && out[strlen(out) - 1] == '/';
}

/* OUT, or OUT/NAME.kind.jsonl when OUT is a directory. */
static void out_path(char path[PATH_BYTES], const char *out, const char *capture, const char *kind)
{
	const char *slash = strrchr(capture, '/');
	const char *name = slash ? slash + 1 : capture;
	const char *dot = strrchr(name, '.');
	size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	if (is_directory(out))
		snprintf(path, PATH_BYTES, "%s%.*s.%s.jsonl", out, (int)length, name, kind);
	else
		snprintf(path, PATH_BYTES, "%s", out);
}

static int write_out(struct recording *recording, const char *capture)
{
	char path[PATH_BYTES];
	int err;

	out_path(path, recording->config->flows_out, capture, "flows");
	err = write_to(recording, path, write_flows);
	if (err || !recording->events)
		return err;
	out_path(path, recording->config->events_out, capture, "events");
	return write_to(recording, path, write_events);
}

/* ---- recordings ---- */

/* Captures @from..@to - 1 as one recording.  One that is no capture does not stop the rest. */
static int run_recording(struct recording *recording, uint32_t from, uint32_t to)
{
	int err = begin(recording), none = 0, write_err;

	for (uint32_t i = from; i < to && !err; i++) {
		err = run_capture(recording, recording->config->capture[i]);
		if (err == -EBADMSG) {
			none = err;
			err = 0;
		}
	}
	if (!err)
		err = sl_replay_names_settle(recording->names);
	if (!err) {
		write_err = write_out(recording, recording->config->capture[from]);
		err = write_err ? write_err : none;
	}
	end(recording);
	return err;
}

static int make_directory(const struct recording *recording, const char *out)
{
	if (!is_directory(out) || !mkdir(out, 0777) || errno == EEXIST)
		return 0;
	return fail(recording, -errno, "%s: %s", out, strerror(errno));
}

static int run_all(struct recording *recording)
{
	const struct sl_replay_config *config = recording->config;
	int none = 0;

	if (!is_directory(config->flows_out))
		return run_recording(recording, 0, config->captures);
	for (uint32_t i = 0; i < config->captures; i++) {
		int err = run_recording(recording, i, i + 1);

		if (err == -EBADMSG)
			none = err;
		else if (err)
			return err;
	}
	return none;
}

int sl_replay_run(const struct sl_replay_config *config, struct sl_replay_result *result, char *why,
		  size_t why_size)
{
	struct recording recording = {.config = config,
				      .result = result,
				      .runner = find_runner(config->engine),
				      .why = why,
				      .why_size = why_size};
	int err;

	*result = (struct sl_replay_result){0};
	if (!recording.runner)
		return fail(&recording, -EINVAL, "no engine %s: xdp, dpdk or host", config->engine);
	err = make_directory(&recording, config->flows_out);
	if (!err && config->events_out)
		err = make_directory(&recording, config->events_out);
	if (!err)
		err = recording.runner->open(&recording,
					     config->flows ? config->flows : SL_REPLAY_FLOWS);
	if (!err)
		err = run_all(&recording);
	if (recording.engine)
		recording.engine->ops->close(recording.engine, true);
	return err;
}
