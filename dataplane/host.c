/*
 * host.c - storeline.bpf.c's look-ups, over calloc()
 *
 * Keep it in step with run() there: the differential test compares the two after
 * every packet.  One thread has the tables for itself, so no bucket is ever locked.
 */
#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fastpath/pipeline.h"

#define FLOWS_MAX (64u << 20) /* 28 GB of entries: more is a mistake */

struct sl_host {
	struct sl_engine engine;
	struct sl_tables tables;
	struct sl_stats stats;
	struct sl_work work;
	struct sl_shared shared;
	uint32_t bucket_mask;
	struct sl_bucket *bucket;
	struct sl_flow *flow;
	struct sl_fragment_slot fragment[SL_FRAGMENT_SLOTS];
};

/* ---- the packet's way ---- */

static struct sl_fragment_slot *fragment_slot(struct sl_host *host)
{
	uint64_t tag = sl_pipeline_fragment_tag(&host->work, &host->tables);

	return &host->fragment[tag >> 8 & (SL_FRAGMENT_SLOTS - 1)];
}

static enum sl_reason measure_in(struct sl_host *host, struct sl_bucket *bucket)
{
	struct sl_work *work = &host->work;
	int way = sl_bucket_find(bucket, (uint32_t)(work->hash >> 32));
	uint32_t index;

	if (way < 0 && work->packet.icmp_error)
		return SL_REASON_ICMP_ERROR;
	if (way < 0)
		way = sl_pipeline_claim(bucket, work, &host->tables, &host->shared);
	if (way < 0)
		return SL_REASON_FLOW_FULL;
	index = work->bucket * SL_BUCKET_WAYS + (uint32_t)way;
	if (work->result.flow_event == SL_FLOW_KNOWN &&
	    !sl_pipeline_is_ours(&host->flow[index], work))
		return SL_REASON_FLOW_FULL;
	work->way = (uint32_t)way;
	work->result.flow_index = index;
	sl_pipeline_measure(bucket, &host->flow[index], work, &host->tables, &host->shared);
	return SL_REASON_MEASURED;
}

static void measure_flow(struct sl_host *host)
{
	struct sl_work *work = &host->work;
	enum sl_reason reason;

	sl_pipeline_key(work, &host->tables);
	work->bucket = (uint32_t)work->hash & host->bucket_mask;
	reason = measure_in(host, &host->bucket[work->bucket]);
	if (reason != SL_REASON_MEASURED)
		sl_pipeline_flowless(work, &host->tables, reason);
}

/* After the parse: a flow's packet, or a later fragment of one. */
static void measure(struct sl_host *host)
{
	struct sl_work *work = &host->work;

	if (work->packet.fragment != SL_FRAGMENT_LATER)
		measure_flow(host);
	if (work->packet.fragment == SL_FRAGMENT_FIRST)
		sl_pipeline_note_fragment(work, &host->tables, fragment_slot(host));
	else if (work->packet.fragment == SL_FRAGMENT_LATER)
		sl_pipeline_fragment(work, &host->tables, fragment_slot(host));
	sl_pipeline_police(work, &host->tables, &host->shared);
}

static bool parse(struct sl_work *work, const struct sl_frame *frame)
{
	struct sl_cursor c = {frame->bytes, frame->bytes + frame->length};

	if (!sl_pipeline_network(work, &c))
		return false;
	c.pos = frame->bytes + work->packet.l4_offset;
	return sl_pipeline_transport(work, &c);
}

int sl_host_packet(struct sl_engine *engine, const struct sl_frame *frame, enum sl_side side,
		   const struct sl_work **work)
{
	struct sl_host *host = (struct sl_host *)engine;
	struct sl_port none = {.uplink = SL_UPLINK_NONE};

	*work = &host->work;
	sl_pipeline_start(&host->work, &none, (uint8_t)side, frame->t_ns, frame->wire_bytes);
	if (host->tables.knobs.bypass) {
		host->stats.reason[SL_REASON_BYPASSED]++;
		return 0;
	}
	if (parse(&host->work, frame))
		measure(host);
	sl_pipeline_account(&host->work, &host->stats);
	return 0;
}

uint32_t sl_host_sweep(struct sl_engine *engine, uint64_t now_ns)
{
	struct sl_host *host = (struct sl_host *)engine;
	uint16_t age = sl_flow_age(now_ns);
	uint32_t freed = 0;

	for (uint32_t i = 0; i < (host->bucket_mask + 1) * SL_BUCKET_WAYS; i++) {
		struct sl_way *way = &host->bucket[i / SL_BUCKET_WAYS].way[i % SL_BUCKET_WAYS];

		if (way->kind == SL_FLOW_FREE || !sl_way_expired(way, age))
			continue;
		way->kind = SL_FLOW_FREE;
		host->shared.flows_held[way->service & (SL_SERVICES_MAX - 1)]--;
		freed++;
	}
	host->stats.flows_expired += freed;
	return freed;
}

int sl_host_reset(struct sl_engine *engine)
{
	struct sl_host *host = (struct sl_host *)engine;
	size_t buckets = (size_t)host->bucket_mask + 1;

	memset(host->bucket, 0, buckets * sizeof(*host->bucket));
	memset(host->flow, 0, buckets * SL_BUCKET_WAYS * sizeof(*host->flow));
	memset(host->fragment, 0, sizeof(host->fragment));
	memset(&host->stats, 0, sizeof(host->stats));
	memset(&host->shared, 0, sizeof(host->shared));
	memset(&host->work, 0, sizeof(host->work));
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

static uint64_t now_ns(struct sl_engine *engine)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void host_close(struct sl_engine *engine, bool detach)
{
	struct sl_host *host = (struct sl_host *)engine;

	free(host->bucket);
	free(host->flow);
	free(host);
}

static const struct sl_engine_ops ops = {
	.name = "host",
	.apply = apply,
	.tables = standing,
	.stats = stats,
	.port = port_line,
	.now_ns = now_ns,
	.close = host_close,
};

int sl_host_open(uint32_t flows, const struct sl_tables *tables, struct sl_engine **engine)
{
	struct sl_host *host;
	uint32_t buckets = 1;

	if (!flows || flows > FLOWS_MAX)
		return -EINVAL;
	while (buckets * SL_BUCKET_WAYS < flows)
		buckets <<= 1;
	host = calloc(1, sizeof(*host));
	if (!host)
		return -ENOMEM;
	host->engine.ops = &ops;
	host->tables = *tables;
	host->bucket_mask = buckets - 1;
	host->bucket = calloc(buckets, sizeof(*host->bucket));
	host->flow = calloc((size_t)buckets * SL_BUCKET_WAYS, sizeof(*host->flow));
	if (!host->bucket || !host->flow) {
		host_close(&host->engine, false);
		return -ENOMEM;
	}
	*engine = &host->engine;
	return 0;
}
