/*
 * memory_engine.h - an engine over plain memory: tables and stats that a test writes
 *
 * No packets: the test counts what it says happened.  Also the policy that most tests use.
 */
#ifndef SL_MEMORY_ENGINE_H
#define SL_MEMORY_ENGINE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/compile.h"
#include "dataplane/engine.h"
#include "proto/policy.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

struct memory_engine {
	struct sl_engine engine;
	struct sl_tables tables;
	struct sl_stats stats;
	int refuse; /* what apply answers */
	unsigned int swaps;
};

static inline int memory_apply(struct sl_engine *engine, const struct sl_tables *next)
{
	struct memory_engine *m = (struct memory_engine *)engine;

	if (m->refuse)
		return m->refuse;
	m->tables = *next;
	m->swaps++;
	return 0;
}

static inline struct sl_tables *memory_tables(struct sl_engine *engine)
{
	return &((struct memory_engine *)engine)->tables;
}

static inline const struct sl_stats *memory_stats(struct sl_engine *engine, unsigned int worker)
{
	return worker == 0 ? &((struct memory_engine *)engine)->stats : NULL;
}

static inline const char *memory_port(struct sl_engine *engine, unsigned int port)
{
	return NULL;
}

static inline uint64_t memory_now_ns(struct sl_engine *engine)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * S + (uint64_t)now.tv_nsec;
}

static inline void memory_close(struct sl_engine *engine, bool detach)
{
	free(engine);
}

static inline struct memory_engine *memory_open(const struct sl_policy *policy)
{
	static const struct sl_engine_ops ops = {
		.name = "memory",
		.apply = memory_apply,
		.tables = memory_tables,
		.stats = memory_stats,
		.port = memory_port,
		.now_ns = memory_now_ns,
		.close = memory_close,
	};
	struct memory_engine *m = calloc(1, sizeof(*m));
	char why[SL_TEXT_MAX];

	if (!m)
		abort();
	m->engine.ops = &ops;
	if (sl_compile(&m->tables, policy, 4096, why)) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	return m;
}

/* Two uplinks; pos may use both, guest only fibre and may be throttled. */
#define STORE_YAML                                                             \
	"site: store-0421\n"                                                   \
	"mode: enforce\n"                                                      \
	"ports:\n"                                                             \
	"  lan0: {device: eth1, role: lan}\n"                                  \
	"uplinks:\n"                                                           \
	"  fibre: {device: eth0, gateway: 192.0.2.1, capacity: 500mbit}\n"     \
	"  lte: {device: wwan0, gateway: 198.51.100.1, capacity: 40mbit}\n"    \
	"services:\n"                                                          \
	"  pos:\n"                                                             \
	"    match: [{dst: 203.0.113.0/24}]\n"                                 \
	"    slo: {latency_p95: 80ms, loss: 0.5%, failures: 1%, window: 1s}\n" \
	"    uplinks: [fibre, lte]\n"                                          \
	"    priority: critical\n"                                             \
	"  guest:\n"                                                           \
	"    match: [{src: 10.42.64.0/18}]\n"                                  \
	"    slo: {latency_p95: 250ms, loss: 2%}\n"                            \
	"    uplinks: [fibre]\n"                                               \
	"    throttle: {floor: 2mbit}\n"

#define POS   1
#define GUEST 2
#define FIBRE 0
#define LTE   1

static inline void read_policy(struct sl_policy *policy, const char *yaml)
{
	char why[1024];

	if (sl_policy_read(policy, yaml, strlen(yaml), "test", why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
}

/* A new directory of this test's own under the working directory's temporary place. */
static inline char *make_dir(void)
{
	const char *base = getenv("TMPDIR");
	char path[256];

	snprintf(path, sizeof(path), "%s/storeline-test-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(path))
		abort();
	return strdup(path);
}

static inline void remove_dir(char *dir)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		fprintf(stderr, "left behind: %s\n", dir);
	free(dir);
}

#endif
