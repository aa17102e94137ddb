/*
 * lab_tap.c - the real engine on the lab's box, without the agent: what it counted, as JSON
 *
 *   lab_tap --policy FILE --pin DIR
 *
 * Opens the engine that the policy names, prints "ready", ticks it as the agent does,
 * and at SIGTERM prints the sums over all workers and the paths of the policy's services:
 * counters of each sender's side, of each leg and method the samples and percentiles of its
 * histogram, and what status would tell of the leg.  Takes everything off the devices.  One thread, beside the engine's own workers.
 */
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/compile.h"
#include "dataplane/dpdk.h"
#include "dataplane/health.h"
#include "dataplane/xdp.h"

#define TICK_NS        100000000 /* xdp.h, dpdk.h: the 100 ms tick */
#define TICKS_A_SECOND 10

static const char *const leg_name[SL_LEGS] = {"lan", "wan"};

static const char *const method_name[SL_METHODS] = {
	[SL_METHOD_SEQ] = "seq",
	[SL_METHOD_TS] = "ts",
	[SL_METHOD_HANDSHAKE] = "hand",
	[SL_METHOD_QUIC] = "quic",
	[SL_METHOD_SPIN] = "spin",
	[SL_METHOD_DNS] = "dns",
	[SL_METHOD_ECHO] = "echo",
	[SL_METHOD_THINK] = "think",
	[SL_METHOD_TRANSACTION] = "transaction",
};

/* Counters of struct sl_direction_stats that tell of TCP, by name. */
static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(field)                                             \
	{                                                          \
#field, offsetof(struct sl_direction_stats, field) \
	}
	COUNTER(packets),      COUNTER(bytes),       COUNTER(unmeasured), COUNTER(segments),
	COUNTER(lost_after),   COUNTER(lost_before), COUNTER(spurious),   COUNTER(reordered),
	COUNTER(capture_miss), COUNTER(duplicates),  COUNTER(bogus_acks), COUNTER(bogus_seqs),
	COUNTER(bogus_echoes), COUNTER(stalls),
#undef COUNTER
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

struct sums {
	struct sl_path_stats path;
	uint64_t missed, unsent;
	uint64_t busy; /* passed while another CPU had their flow: in no service's path */
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = number;
}

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "lab_tap: %s: %s\n", what, why);
	return 1;
}

static uint64_t *counter_of(struct sl_direction_stats *side, const struct counter *counter)
{
	return (uint64_t *)(void *)((char *)side + counter->offset);
}

static void add_side(struct sl_direction_stats *sum, struct sl_direction_stats more)
{
	for (size_t i = 0; i < COUNTERS; i++)
		*counter_of(sum, &counters[i]) += *counter_of(&more, &counters[i]);
}

static void add_histogram(struct sl_histogram *sum, const struct sl_histogram *more)
{
	for (int i = 0; i < SL_HIST_BUCKETS; i++)
		sum->count[i] += more->count[i];
}

static void add_path(struct sl_path_stats *sum, const struct sl_path_stats *more)
{
	for (int side = 0; side < 2; side++)
		add_side(&sum->side[side], more->side[side]);
	for (int leg = 0; leg < SL_LEGS; leg++)
		for (int method = 0; method < SL_METHODS; method++)
			add_histogram(&sum->rtt[leg][method], &more->rtt[leg][method]);
}

static void add_all(struct sums *sums, struct sl_engine *engine)
{
	const struct sl_stats *stats;

	for (unsigned int worker = 0; (stats = engine->ops->stats(engine, worker)); worker++) {
		sums->missed += stats->missed;
		sums->unsent += stats->unsent;
		sums->busy += stats->reason[SL_REASON_FLOW_BUSY];
		for (int path = SL_PATH(SL_SERVICE_OTHER + 1, 0); path < SL_PATHS_MAX; path++)
			add_path(&sums->path, &stats->path[path]);
	}
}

static json_t *method_json(const struct sl_histogram *h)
{
	uint64_t n = 0;

	for (int i = 0; i < SL_HIST_BUCKETS; i++)
		n += h->count[i];
	return json_pack("{s:I, s:I, s:I}", "samples", (json_int_t)n, "p50_ns",
			 (json_int_t)sl_health_quantile_ns(h, 500000), "p95_ns",
			 (json_int_t)sl_health_quantile_ns(h, 950000));
}

static json_t *leg_json(const struct sl_path_stats *path, enum sl_leg leg)
{
	struct sl_latency_report told;
	json_t *all = json_object();

	for (int method = 0; method < SL_METHODS; method++)
		json_object_set_new(all, method_name[method], method_json(&path->rtt[leg][method]));
	sl_health_latency(path, leg, 0, &told);
	json_object_set_new(all, "told", json_string(told.method));
	return all;
}

static void say(struct sums *sums, const char *engine)
{
	json_t *all = json_pack("{s:s, s:I, s:I, s:I}", "engine", engine, "missed",
				(json_int_t)sums->missed, "unsent", (json_int_t)sums->unsent,
				"busy", (json_int_t)sums->busy);

	/* Side and leg have one name: a side's packets measure the leg that they come by. */
	for (int side = 0; side < 2; side++) {
		json_t *of = json_object();

		for (size_t i = 0; i < COUNTERS; i++)
			json_object_set_new(of, counters[i].name,
					    json_integer(
						    (json_int_t)*counter_of(&sums->path.side[side],
									    &counters[i])));
		json_object_set_new(of, "rtt", leg_json(&sums->path, (enum sl_leg)side));
		json_object_set_new(all, leg_name[side], of);
	}
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static void say_line(void *arg, const char *line)
{
	fprintf(stderr, "lab_tap: %s\n", line);
}

static int open_dpdk(const struct sl_policy *policy, const struct sl_tables *tables,
		     const char *pin, struct sl_engine **engine)
{
	const struct sl_dpdk_config config = {.policy = policy,
					      .tables = tables,
					      .pin_dir = pin,
					      .say = say_line};
	char why[SL_TEXT_MAX] = "";
	int err = sl_dpdk_open(&config, engine, why, sizeof(why));

	if (err)
		return refuse("dpdk", why);
	err = sl_dpdk_start(*engine, why, sizeof(why));
	if (!err)
		return 0;
	(*engine)->ops->close(*engine, true);
	return refuse("dpdk", why);
}

static int open_xdp(const struct sl_policy *policy, const struct sl_tables *tables, const char *pin,
		    struct sl_engine **engine)
{
	const struct sl_xdp_config config = {.policy = policy,
					     .tables = tables,
					     .pin_dir = pin,
					     .say = say_line};
	char why[SL_TEXT_MAX] = "";

	return sl_xdp_open(&config, engine, why, sizeof(why)) ? refuse("xdp", why) : 0;
}

/* Tick the engine until a signal. */
static int tend(struct sl_engine *engine, bool dpdk)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	char why[SL_TEXT_MAX] = "";
	int err = 0;

	for (unsigned int n = 1; !stop && err >= 0; n++) {
		nanosleep(&tick, NULL);
		err = dpdk ? sl_dpdk_tick(engine) : sl_xdp_sweep(engine);
		if (err >= 0 && dpdk && n % TICKS_A_SECOND == 0)
			err = sl_dpdk_second(engine, why, sizeof(why));
	}
	return err < 0 ? refuse("tick", *why ? why : strerror(-err)) : 0;
}

static int measure(const struct sl_policy *policy, const char *pin)
{
	static struct sl_tables tables;
	static struct sums sums;
	bool dpdk = policy->engine.kind == SL_ENGINE_DPDK;
	struct sl_engine *engine;
	char why[SL_TEXT_MAX];
	uint32_t flows = dpdk ? sl_dpdk_flows(&policy->engine) : SL_XDP_FLOWS;
	int err;

	if (sl_compile(&tables, policy, flows, why))
		return refuse("policy", why);
	err = dpdk ? open_dpdk(policy, &tables, pin, &engine)
		   : open_xdp(policy, &tables, pin, &engine);
	if (err)
		return err;
	fprintf(stderr, "lab_tap: %s\nevent=ready\n", engine->ops->port(engine, 0));
	err = tend(engine, dpdk);
	add_all(&sums, engine);
	say(&sums, engine->ops->name);
	engine->ops->close(engine, true);
	return err;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"policy", required_argument, NULL, 'p'},
		{"pin", required_argument, NULL, 'd'},
		{0},
	};
	static struct sl_policy policy;
	const char *file = NULL, *pin = NULL;
	char why[SL_TEXT_MAX];
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'p')
			file = optarg;
		else if (option == 'd')
			pin = optarg;
		else
			return 2;
	}
	if (optind != argc || !file || !pin) {
		fprintf(stderr, "usage: lab_tap --policy FILE --pin DIR\n");
		return 2;
	}
	if (sl_policy_load(&policy, file, why, sizeof(why)))
		return refuse(file, why);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	return measure(&policy, pin);
}
