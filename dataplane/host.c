/*
 * host.c - one worker over calloc(), a burst of one frame
 */
#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "worker.h"

#define FLOWS_MAX (64u << 20) /* 28 GB of entries: more is a mistake */

#define RECORD_SLOTS SL_RECORD_SLOTS_MIN

struct sl_host {
	struct sl_engine engine;
	struct sl_tables tables;
	struct sl_stats stats;
	struct sl_fragment_slot fragment[SL_FRAGMENT_SLOTS];
	struct sl_worker worker;
	struct sl_names names;
	struct sl_inspect_ring inspect;
	struct sl_record record[SL_RECORD_RINGS * RECORD_SLOTS];
	struct sl_record_head record_head[SL_RECORD_RINGS];
};

int sl_host_packet(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		   const struct sl_work **work)
{
	struct sl_host *host = (struct sl_host *)engine;
	static const struct sl_port none = {.uplink = SL_UPLINK_NONE};

	sl_worker_burst(&host->worker, &host->tables, &none, side, frame, 1);
	*work = &host->worker.work[0];
	return 0;
}

uint32_t sl_host_sweep(struct sl_engine *engine, uint64_t now_ns)
{
	struct sl_worker *worker = &((struct sl_host *)engine)->worker;

	return sl_worker_sweep(worker, now_ns, worker->bucket_mask + 1);
}

int sl_host_reset(struct sl_engine *engine)
{
	struct sl_host *host = (struct sl_host *)engine;

	sl_worker_reset(&host->worker);
	memset(&host->names, 0, sizeof(host->names));
	host->inspect.head = host->inspect.tail = 0;
	return 0;
}

/* ---- the engine's calls ---- */

static int apply(struct sl_engine *engine, const struct sl_tables *next)
{
	((struct sl_host *)engine)->tables = *next;
	return 0;
}

static struct sl_tables *standing(struct sl_engine *engine)
{
	return &((struct sl_host *)engine)->tables;
}

static const struct sl_stats *stats(struct sl_engine *engine, unsigned int worker)
{
	return worker ? NULL : &((struct sl_host *)engine)->stats;
}

static const char *port_line(struct sl_engine *engine, unsigned int port)
{
	return port ? NULL : "replay - tap host";
}

static struct sl_names *host_names(struct sl_engine *engine)
{
	return &((struct sl_host *)engine)->names;
}

static int inspect(struct sl_engine *engine, sl_inspect_take *take, void *arg)
{
	return sl_inspect_ring_drain(&((struct sl_host *)engine)->inspect, take, arg);
}

static bool records(struct sl_engine *engine, unsigned int worker, struct sl_record_view *view)
{
	const struct sl_host *host = (struct sl_host *)engine;

	*view = (struct sl_record_view){host->record_head, host->record, RECORD_SLOTS};
	return worker == 0;
}

static uint64_t now_ns(struct sl_engine *engine)
{
	return sl_clock_ns();
}

static void host_close(struct sl_engine *engine, bool detach)
{
	struct sl_host *host = (struct sl_host *)engine;

	free(host->worker.memory.bucket);
	free(host->worker.memory.flow);
	free(host);
}

static const struct sl_engine_ops ops = {
	.name = "host",
	.apply = apply,
	.tables = standing,
	.stats = stats,
	.port = port_line,
	.names = host_names,
	.inspect = inspect,
	.records = records,
	.now_ns = now_ns,
	.close = host_close,
};

int sl_host_open(uint32_t flows, const struct sl_tables *tables, struct sl_engine **engine)
{
	struct sl_worker_memory memory = {0};
	struct sl_host *host;
	uint32_t buckets;

	if (!flows || flows > FLOWS_MAX)
		return -EINVAL;
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	buckets = sl_worker_buckets(flows);
	memory.bucket = calloc(buckets, sizeof(*memory.bucket));
	memory.flow = calloc((size_t)buckets * SL_BUCKET_WAYS, sizeof(*memory.flow));
	memory.fragment = host->fragment;
	memory.stats = &host->stats;
	memory.inspect = &host->inspect;
	memory.record = host->record;
	memory.record_head = host->record_head;
	memory.record_slots = RECORD_SLOTS;
	memory.names = &host->names;
	host->engine.ops = &ops;
	host->tables = *tables;
	sl_worker_init(&host->worker, &memory, buckets, NULL);
	if (!memory.bucket || !memory.flow) {
		host_close(&host->engine, false);
		return -ENOMEM;
	}
	*engine = &host->engine;
	return 0;
}
