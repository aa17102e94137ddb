/*
 * worker.c - storeline.bpf.c's look-ups over plain memory, a burst at a time
 *
 * Keep it in step with measure() there: the differential test compares the two after
 * every packet.  One thread has the tables for itself, so no bucket is ever locked.
 */
#include "worker.h"

#include <string.h>

#include "fastpath/pipeline.h"

/*
 * On its way to the cache; called in loops of its own, and short ones: the first touch of a
 * page waits for the walk through the page tables, fetch or not, and only what is in flight
 * together waits together.  (Steps that take turns packet by packet cost three times as much
 * at 1 M flows.)  The empty asm is for gcc, which takes a function that only prefetches for
 * one without effect, and drops its calls.
 */
static inline void fetch(const void *line)
{
	__builtin_prefetch(line, 1);
	__asm__ volatile("" : : "r"(line));
}

uint32_t sl_worker_buckets(uint32_t flows)
{
	uint32_t wanted = flows / SL_BUCKET_WAYS + (flows % SL_BUCKET_WAYS != 0), buckets = 1;

	while (buckets < wanted)
		buckets <<= 1;
	return buckets;
}

void sl_worker_init(struct sl_worker *worker, const struct sl_worker_memory *memory,
		    uint32_t buckets, struct sl_shared *meters)
{
	*worker = (struct sl_worker){.memory = *memory, .bucket_mask = buckets - 1};
	worker->meters = meters ? meters : &worker->held;
}

/* ---- first pass: bytes to a key, and its bucket on the way to the cache ---- */

/* Parsed, and of a flow whose ports it shows. */
static inline bool has_key(const struct sl_work *work)
{
	return work->result.reason == SL_REASON_MEASURED &&
	       work->packet.fragment != SL_FRAGMENT_LATER;
}

static __attribute__((noinline)) void parse_any(const struct sl_frame *frame, struct sl_work *work,
						uint32_t inner)
{
	struct sl_cursor c = {frame->bytes, frame->bytes + frame->length};

	if (sl_pipeline_network(work, &c) && (!inner || sl_pipeline_inner(work, &c, inner)))
		sl_pipeline_transport(work, &c);
}

/* What all packets of a burst have in common.  Not inlined: gcc would do it for each of them. */
static __attribute__((noinline)) void start_burst(struct sl_work *start, const struct sl_port *port,
						  enum sl_side side)
{
	sl_pipeline_start(start, port, (uint8_t)side, 0, 0);
}

static inline void start_one(struct sl_work *work, const struct sl_work *start,
			     const struct sl_frame *frame)
{
	work->now_ns = frame->t_ns;
	work->now_tick = (uint32_t)(frame->t_ns >> SL_TICK_LOG2_NS);
	work->wire_bytes = frame->wire_bytes;
	work->origin = start->origin;
	work->names = SL_NAMES_NONE;
	work->given_up = SL_FLOW_FREE;
	work->result = start->result;
}

/* Where a packet's flow is: what one pass finds and the next uses. */
struct found {
	struct sl_bucket *bucket; /* NULL: the packet belongs to no flow */
	struct sl_way *way;       /* that held its tag in the second pass; or &nowhere */
	struct sl_flow *flow;
	uint32_t index; /* of .flow */
};

static struct sl_way nowhere = {.kind = SL_FLOW_FREE};

static inline void parse_one(const struct sl_worker *worker, const struct sl_tables *tables,
			     const struct sl_frame *frame, struct sl_work *work,
			     struct found *found)
{
	*found = (struct found){NULL, &nowhere, worker->memory.flow, 0};
	if (SL_UNLIKELY(
		    !sl_packet_plain(frame->bytes, frame->bytes + frame->length, &work->packet) ||
		    (tables->inner && sl_tunnel_is_plain(&work->packet, tables->inner)))) {
		parse_any(frame, work, tables->inner);
		if (!has_key(work))
			return;
	}
	sl_pipeline_key(work, tables);
	work->bucket = (uint32_t)work->hash & worker->bucket_mask;
	found->bucket = &worker->memory.bucket[work->bucket];
}

/* ---- second pass: the lines of a known flow that nearly every segment touches ---- */

static inline uint32_t tag_of(const struct sl_work *work)
{
	return (uint32_t)(work->hash >> 32);
}

static inline void set_found(const struct sl_worker *worker, const struct sl_work *work, int way,
			     struct found *found)
{
	found->index = work->bucket * SL_BUCKET_WAYS + (uint32_t)way;
	found->way = &found->bucket->way[way];
	found->flow = &worker->memory.flow[found->index];
}

typedef uint32_t words __attribute__((vector_size(16)));

/* sl_bucket_find(), four words of the bucket at a time: which way it is, no branch can guess. */
static inline int find_way(const struct sl_bucket *bucket, uint32_t tag)
{
	const words *word = (const words *)bucket;
	const words tags = {tag, tag, tag, tag};
	words hits = ((words)(word[0] == tags) & (words){0, 0, 1 << 0, 0}) |
		     ((words)(word[1] == tags) & (words){1 << 1, 0, 1 << 2, 0}) |
		     ((words)(word[2] == tags) & (words){1 << 3, 0, 1 << 4, 0}) |
		     ((words)(word[3] == tags) & (words){1 << 5, 0, 1 << 6, 0});

	_Static_assert(offsetof(struct sl_bucket, way) == 8 && SL_BUCKET_WAYS == 7,
		       "way 0 is in words 2 and 3 of 16");
	for (uint32_t left = hits[0] | hits[2]; left; left &= left - 1) {
		int way = __builtin_ctz(left);

		if (SL_LIKELY(bucket->way[way].kind != SL_FLOW_FREE))
			return way;
	}
	return -1;
}

static inline void find_one(const struct sl_worker *worker, const struct sl_work *work,
			    struct found *found)
{
	int way = find_way(found->bucket, tag_of(work));

	if (SL_LIKELY(way >= 0))
		set_found(worker, work, way, found);
}

static inline void fetch_flow(const struct sl_work *work, const struct found *found)
{
	fetch(found->flow);
	fetch(&found->flow->dir[0]);
	fetch(&found->flow->dir[1]);
	if (work->packet.has_ts) {
		fetch(&found->flow->dir[0].newest);
		fetch(&found->flow->dir[1].newest);
	}
}

/* ---- third pass: each packet in its turn ---- */

/* The flow was not there when the second pass looked, or has lost its way since. */
static __attribute__((noinline)) enum sl_reason find_again(struct sl_worker *worker,
							   const struct sl_tables *tables,
							   struct sl_work *work,
							   struct found *found)
{
	int way = sl_bucket_find(found->bucket, tag_of(work));

	if (way < 0 && work->packet.icmp_error)
		return SL_REASON_ICMP_ERROR;
	if (way < 0)
		way = sl_pipeline_claim(found->bucket, work, tables, &worker->held,
					worker->memory.names);
	if (way < 0)
		return SL_REASON_FLOW_FULL;
	set_found(worker, work, way, found);
	return SL_REASON_MEASURED;
}

static inline enum sl_reason measure_in(struct sl_worker *worker, const struct sl_tables *tables,
					struct sl_work *work, struct found *found)
{
	if (SL_UNLIKELY(!sl_way_holds(found->way, tag_of(work)))) {
		enum sl_reason reason = find_again(worker, tables, work, found);

		if (reason != SL_REASON_MEASURED)
			return reason;
	}
	struct sl_flow *flow = found->flow;

	if (SL_UNLIKELY(!sl_pipeline_is_ours(flow, work)) &&
	    work->result.flow_event == SL_FLOW_KNOWN)
		return SL_REASON_FLOW_FULL;
	work->result.flow_index = found->index;
	if (SL_UNLIKELY(sl_look_is_due(flow, work, tables)))
		sl_look_flow(flow, work, tables, worker->memory.names);
	sl_pipeline_measure(found->way, flow, work, tables, &worker->held);
	return SL_REASON_MEASURED;
}

static inline void measure_flow(struct sl_worker *worker, const struct sl_tables *tables,
				struct sl_work *work, struct found *found)
{
	enum sl_reason reason = measure_in(worker, tables, work, found);

	if (SL_UNLIKELY(reason != SL_REASON_MEASURED))
		sl_pipeline_flowless(work, tables, reason);
}

static __attribute__((noinline)) void
note_fragment(struct sl_worker *worker, const struct sl_tables *tables, struct sl_work *work)
{
	uint64_t tag = sl_pipeline_fragment_tag(work, tables);
	struct sl_fragment_slot *slot =
		&worker->memory.fragment[tag >> 8 & (SL_FRAGMENT_SLOTS - 1)];

	if (work->packet.fragment != SL_FRAGMENT_FIRST)
		sl_pipeline_fragment(work, tables, slot);
	else if (!sl_pipeline_note_fragment(work, tables, slot))
		worker->memory.stats->fragments_crowded++;
}

/* A copy for the slow path, as far as there is room. */
static __attribute__((noinline)) void inspect(struct sl_worker *worker,
					      const struct sl_tables *tables,
					      const struct sl_work *work,
					      const struct sl_frame *frame)
{
	struct sl_inspect_ring *ring = worker->memory.inspect;

	if (ring && sl_inspect_ring_put(ring, work, frame, (uint32_t)tables->generation))
		worker->memory.stats->inspected++;
	else
		worker->memory.stats->inspect_lost++;
}

/* The headers into the ring of the packet's service. */
static __attribute__((noinline)) void record(struct sl_worker *worker, const struct sl_work *work,
					     const struct sl_frame *frame,
					     const struct sl_record_knob *knob)
{
	const struct sl_worker_memory *memory = &worker->memory;
	uint32_t ring = (knob->ring - 1u) & (SL_RECORD_RINGS - 1), mask = memory->record_slots - 1;
	uint32_t length = sl_record_length(work, frame->length, knob->whole);
	struct sl_record_head *head = &memory->record_head[ring];

	if (!memory->record || !sl_record_is_parsed(work))
		return;
	if (!sl_record_is_chosen(work, knob->mask)) {
		head->skipped++;
		return;
	}
	uint64_t number = ++head->number;
	struct sl_record *to = &memory->record[ring * memory->record_slots + (number & mask)];

	/* Whoever reads it meanwhile must see that it is not whole. */
	sl_record_describe(to, work, length);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(to->bytes, frame->bytes, length);
	__atomic_store_n(&to->number, number, __ATOMIC_RELEASE);
}

static inline void finish_one(struct sl_worker *worker, const struct sl_tables *tables,
			      const struct sl_frame *frame, struct sl_work *work,
			      struct found *found)
{
	if (SL_LIKELY(found->bucket)) {
		measure_flow(worker, tables, work, found);
		if (SL_UNLIKELY(work->packet.fragment == SL_FRAGMENT_FIRST))
			note_fragment(worker, tables, work);
		sl_pipeline_police(work, tables, worker->meters);
	} else if (work->result.reason == SL_REASON_MEASURED) {
		note_fragment(worker, tables, work); /* a later one */
		sl_pipeline_police(work, tables, worker->meters);
	}
	sl_account_packet(work, worker->memory.stats);
	if (SL_UNLIKELY(work->result.inspect))
		inspect(worker, tables, work, frame);
	const struct sl_record_knob *knob = sl_record_knob(work, tables);

	if (SL_UNLIKELY(knob->ring))
		record(worker, work, frame, knob);
}

bool sl_worker_burst(struct sl_worker *worker, const struct sl_tables *tables,
		     const struct sl_port *port, enum sl_side side, const struct sl_frame *frames,
		     uint32_t count)
{
	struct sl_work *work = worker->work, start;
	bool bypass = tables->knobs.bypass;
	struct found found[SL_BURST_MAX];

	start_burst(&start, port, side);
	for (uint32_t i = 0; bypass && i < count; i++)
		start_one(&work[i], &start, &frames[i]);
	if (bypass) {
		worker->memory.stats->reason[SL_REASON_BYPASSED] += count;
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		start_one(&work[i], &start, &frames[i]);
		parse_one(worker, tables, &frames[i], &work[i], &found[i]);
	}
	for (uint32_t i = 0; i < count; i++)
		fetch(found[i].bucket);
	for (uint32_t i = 0; i < count; i++)
		if (SL_LIKELY(found[i].bucket))
			find_one(worker, &work[i], &found[i]);
	for (uint32_t i = 0; i < count; i++)
		if (SL_LIKELY(found[i].bucket))
			fetch_flow(&work[i], &found[i]);
	for (uint32_t i = 0; i < count; i++)
		finish_one(worker, tables, &frames[i], &work[i], &found[i]);
	return true;
}

/* ---- not for packets ---- */

static uint32_t sweep_bucket(struct sl_worker *worker, struct sl_bucket *bucket, uint64_t now_ns)
{
	uint16_t age = sl_flow_age(now_ns);
	uint32_t freed = 0;

	struct sl_flow *flows =
		&worker->memory.flow[(bucket - worker->memory.bucket) * SL_BUCKET_WAYS];

	for (int w = 0; w < SL_BUCKET_WAYS; w++) {
		struct sl_way *way = &bucket->way[w];

		if (SL_UNLIKELY(sl_large_is_due(way, age)) && sl_large_is_stuck(way, &flows[w]))
			sl_account_stuck(&flows[w], worker->memory.stats);
		if (SL_UNLIKELY(way->kind == SL_FLOW_ASKING))
			sl_account_asking(way, &flows[w], now_ns, worker->memory.stats);
		if (way->kind == SL_FLOW_FREE || !sl_way_expired(way, age))
			continue;
		if (SL_UNLIKELY(sl_way_waited(way)))
			sl_account_expired(way, &flows[w], worker->memory.stats);
		way->kind = SL_FLOW_FREE;
		worker->held.flows_held[way->service & (SL_SERVICES_MAX - 1)]--;
		freed++;
	}
	return freed;
}

uint32_t sl_worker_sweep(struct sl_worker *worker, uint64_t now_ns, uint32_t buckets)
{
	uint32_t freed = 0;

	for (; buckets; buckets--) {
		freed += sweep_bucket(worker, &worker->memory.bucket[worker->sweep_bucket], now_ns);
		worker->sweep_bucket = (worker->sweep_bucket + 1) & worker->bucket_mask;
	}
	worker->memory.stats->flows_expired += freed;
	return freed;
}

void sl_worker_reset(struct sl_worker *worker)
{
	const struct sl_worker_memory *memory = &worker->memory;
	size_t buckets = (size_t)worker->bucket_mask + 1;

	memset(memory->bucket, 0, buckets * sizeof(*memory->bucket));
	memset(memory->flow, 0, buckets * SL_BUCKET_WAYS * sizeof(*memory->flow));
	memset(memory->fragment, 0, SL_FRAGMENT_SLOTS * sizeof(*memory->fragment));
	memset(memory->stats, 0, sizeof(*memory->stats));
	if (memory->record) {
		memset(memory->record, 0,
		       sizeof(*memory->record) * SL_RECORD_RINGS * memory->record_slots);
		memset(memory->record_head, 0, sizeof(*memory->record_head) * SL_RECORD_RINGS);
	}
	memset(&worker->held, 0, sizeof(worker->held));
	memset(worker->work, 0, sizeof(worker->work));
	worker->sweep_bucket = 0;
}
