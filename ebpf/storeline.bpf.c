/*
 * storeline.bpf.c - XDP and tc entry points: look-ups around the pipeline's calls
 *
 * The core (dataplane/fastpath) does the thinking; here stand the maps, the clock
 * and the verdicts.  A packet is never held back for want of a map, a lock or
 * room: it passes, and is counted.  Maps and layouts: maps.h.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "../dataplane/fastpath/pipeline.h"
#include "handover.bpf.h"
#include "maps.bpf.h"
#include "parse.bpf.h"

/*
 * How often to try for a flow: about 8 us for a packet, since cold caches let another CPU work on
 * the flow's other direction for some of them; the sweep comes again anyway.
 */
#define SL_LOCK_TRIES       512
#define SL_LOCK_TRIES_SWEEP 16

char LICENSE[] SEC("license") = "GPL";

/* What a packet needs besides itself. */
struct context {
	struct sl_tables *tables;
	struct sl_stats *stats;
	struct sl_work *work;
	struct sl_shared *shared;
	struct sl_names *names;
};

static __always_inline bool find_context(struct context *x)
{
	uint32_t zero = 0;
	uint32_t cpu = bpf_get_smp_processor_id();
	void *inner = bpf_map_lookup_elem(&sl_tables, &zero);

	if (!inner)
		return false;
	x->tables = bpf_map_lookup_elem(inner, &zero);
	x->stats = bpf_map_lookup_elem(&sl_stats, &cpu);
	x->work = bpf_map_lookup_elem(&sl_work, &cpu);
	x->shared = bpf_map_lookup_elem(&sl_shared, &zero);
	x->names = bpf_map_lookup_elem(&sl_names, &zero);
	return x->tables && x->stats && x->work && x->shared && x->names;
}

/* Held for some microseconds at most; false = busy: the packet goes without flow state. */
static __always_inline bool lock_bucket(struct sl_bucket *bucket, int tries)
{
	for (int i = 0; i < tries; i++)
		if (!__sync_lock_test_and_set(&bucket->lock, 1))
			return true;
	return false;
}

static __always_inline void unlock_bucket(struct sl_bucket *bucket)
{
	__sync_lock_test_and_set(&bucket->lock, 0);
}

/* NULL: not ours. */
static __always_inline struct sl_port *port_of(uint32_t ifindex)
{
	uint32_t slot = ifindex & (SL_PORT_SLOTS - 1);
	struct sl_port *port = bpf_map_lookup_elem(&sl_ports, &slot);

	return port && port->ifindex == ifindex ? port : NULL;
}

/* The port that a packet came in by; replay has none and says the side itself. */
static __always_inline bool start(struct sl_work *work, uint32_t ifindex, bool egress,
				  uint32_t wire_bytes)
{
	uint32_t zero = 0;

	if (sl_config.replay) {
		struct sl_clock *clock = bpf_map_lookup_elem(&sl_clock, &zero);
		struct sl_port none = {.uplink = SL_UPLINK_NONE};

		if (!clock)
			return false;
		sl_pipeline_start(work, &none, (uint8_t)clock->side, clock->now_ns,
				  clock->wire_bytes);
		return true;
	}
	struct sl_port *port = port_of(ifindex);

	if (!port || (sl_config.handover && port->flags & SL_PORT_UNMEASURED))
		return false;
	uint8_t side = port->ingress;

	if (egress && side != SL_SIDE_UNKNOWN)
		side = side == SL_SIDE_LAN ? SL_SIDE_WAN : SL_SIDE_LAN;
	sl_pipeline_start(work, port, side, bpf_ktime_get_ns(), wire_bytes);
	return true;
}

/* False: not our port, or bypass is on (counted). */
static __always_inline bool enter(struct context *x, uint32_t ifindex, bool egress,
				  uint32_t wire_bytes)
{
	if (!start(x->work, ifindex, egress, wire_bytes))
		return false;
	if (!x->tables->knobs.bypass)
		return true;
	x->stats->reason[SL_REASON_BYPASSED]++;
	return false;
}

static __always_inline struct sl_fragment_slot *fragment_slot(struct context *x)
{
	uint32_t slot = sl_pipeline_fragment_tag(x->work, x->tables) >> 8 & (SL_FRAGMENT_SLOTS - 1);

	return bpf_map_lookup_elem(&sl_fragments, &slot);
}

/*
 * On its way to the cache: there is no prefetch in BPF, but a load that nobody waits for is
 * one, and lines that are asked for together come together.
 */
static __always_inline void fetch(const void *line)
{
	(void)*(const volatile uint8_t *)line;
}

static __always_inline void fetch_flow(const struct sl_flow *flow, const struct sl_packet *packet)
{
	fetch(flow);
	fetch(&flow->dir[0]);
	fetch(&flow->dir[1]);
	if (packet->has_ts) {
		fetch(&flow->dir[0].newest);
		fetch(&flow->dir[1].newest);
	}
}

/* Find or make the flow entry and measure the packet; @bucket is locked. */
static __always_inline enum sl_reason measure_locked(struct context *x, struct sl_bucket *bucket)
{
	struct sl_work *work = x->work;
	int way = sl_bucket_find(bucket, (uint32_t)(work->hash >> 32));

	if (way < 0 && work->packet.icmp_error)
		return SL_REASON_ICMP_ERROR;
	if (way < 0)
		way = sl_pipeline_claim(bucket, work, x->tables, x->shared, x->names);
	if (way < 0 || way >= SL_BUCKET_WAYS)
		return SL_REASON_FLOW_FULL;
	uint32_t index = work->bucket * SL_BUCKET_WAYS + (uint32_t)way;
	struct sl_flow *flow = bpf_map_lookup_elem(&sl_flows, &index);

	if (!flow)
		return SL_REASON_FLOW_FULL;
	fetch_flow(flow, &work->packet);
	if (work->result.flow_event == SL_FLOW_KNOWN && !sl_pipeline_is_ours(flow, work))
		return SL_REASON_FLOW_FULL;
	work->result.flow_index = index;
	if (sl_look_is_due(flow, work, x->tables))
		sl_look_flow(flow, work, x->tables, x->names);
	sl_pipeline_measure(&bucket->way[way], flow, work, x->tables, x->shared);
	return SL_REASON_MEASURED;
}

/* The packet of a flow: with its entry, or without when there is no room or no time. */
static __always_inline void measure_flow(struct context *x)
{
	struct sl_work *work = x->work;
	enum sl_reason reason = SL_REASON_FLOW_BUSY;

	sl_pipeline_key(work, x->tables);
	work->bucket = (uint32_t)work->hash & sl_config.bucket_mask;
	uint32_t index = work->bucket;
	struct sl_bucket *bucket = bpf_map_lookup_elem(&sl_buckets, &index);

	if (bucket && lock_bucket(bucket, SL_LOCK_TRIES)) {
		reason = measure_locked(x, bucket);
		unlock_bucket(bucket);
	}
	if (reason != SL_REASON_MEASURED)
		sl_pipeline_flowless(work, x->tables, reason);
}

/* After the parse: a flow's packet, or a later fragment of one. */
static __always_inline void measure(struct context *x)
{
	struct sl_work *work = x->work;

	if (work->packet.fragment != SL_FRAGMENT_LATER)
		measure_flow(x);
	if (work->packet.fragment != SL_FRAGMENT_NONE) {
		struct sl_fragment_slot *slot = fragment_slot(x);

		if (slot && work->packet.fragment != SL_FRAGMENT_FIRST)
			sl_pipeline_fragment(work, x->tables, slot);
		else if (slot && !sl_pipeline_note_fragment(work, x->tables, slot))
			x->stats->fragments_crowded++;
	}
	sl_pipeline_police(work, x->tables, x->shared);
}

/*
 * Everything between a frame and its verdict: a macro, because XDP and tc differ in
 * the type of @ctx and in the functions that parse it.  NULL: not ours, or bypassed: pass
 * it; else work->result says what to do.
 */
#define RUN(ctx, kind, ifindex, egress, wire_bytes)                                            \
	({                                                                                     \
		struct context x_;                                                             \
		struct sl_work *work_ = NULL;                                                  \
                                                                                               \
		if (find_context(&x_) && enter(&x_, ifindex, egress, wire_bytes)) {            \
			uint32_t inner_ = x_.tables->inner;                                    \
                                                                                               \
			work_ = x_.work;                                                       \
			if ((parse_plain_##kind(ctx, work_) &&                                 \
			     !(inner_ && sl_tunnel_is_plain(&work_->packet, inner_))) ||       \
			    (parse_network_##kind(ctx, work_) &&                               \
			     (!inner_ || parse_inner_##kind(ctx, work_, inner_)) &&            \
			     parse_transport_##kind(ctx, work_)))                              \
				measure(&x_);                                                  \
			sl_account_packet(work_, x_.stats);                                    \
			if (work_->result.inspect)                                             \
				inspect_##kind(ctx, work_, x_.stats,                           \
					       (uint32_t)x_.tables->generation);               \
			const struct sl_record_knob *knob_ = sl_record_knob(work_, x_.tables); \
                                                                                               \
			if (knob_->ring)                                                       \
				record_##kind(ctx, work_, knob_);                              \
		}                                                                              \
		work_;                                                                         \
	})

/* Make the MSS of a SYN smaller; verified once. */
SL_VERIFY_ONCE int clamp_xdp(struct xdp_md *ctx, struct sl_work *work)
{
	if (!work)
		return 0;
	uint8_t *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return sl_clamp_apply(data + (work->packet.l4_offset & 0xfff), end, work->result.clamp_mss);
}

/* Turn a packet that cannot move round; true: send it back by the port that it came by. */
SL_VERIFY_ONCE int turn_xdp(struct xdp_md *ctx, struct sl_work *work)
{
	if (!work)
		return 0;
	uint8_t *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	uint32_t had = (uint32_t)(end - data), l3 = work->packet.l3_offset & 0x3f;
	uint32_t has = sl_reset_turn(data, end, l3, work->packet.l4_offset & 0xff);

	return has && !bpf_xdp_adjust_tail(ctx, (int)has - (int)had);
}

/* clamp_xdp() by the kernel's helpers, which know of checksums that the NIC is yet to finish. */
SL_VERIFY_ONCE int clamp_tc(struct __sk_buff *skb, struct sl_work *work)
{
	if (!work)
		return 0;
	uint8_t *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	uint32_t tcp = work->packet.l4_offset & 0xfff, at = sl_clamp_find(data + tcp, end);
	uint16_t mss = work->result.clamp_mss, wire = __builtin_bswap16(mss), old;

	if (!at || bpf_skb_load_bytes(skb, tcp + at, &old, sizeof(old)) ||
	    __builtin_bswap16(old) <= mss)
		return 0;
	if (bpf_skb_store_bytes(skb, tcp + at, &wire, sizeof(wire), 0))
		return 0;
	bpf_l4_csum_replace(skb, tcp + 16, sl_clamp_term(old, at), sl_clamp_term(wire, at),
			    sizeof(wire));
	return 1;
}

/* Hand the uplink to sl_tc_mark, in front of the packet.  Without it the kernel routes as ever. */
static __always_inline void hand_over_mark(struct xdp_md *ctx, uint32_t mark)
{
	uint32_t cpu = bpf_get_smp_processor_id();

	if (!bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct sl_meta))) {
		struct sl_meta *meta = (void *)(long)ctx->data_meta;

		if ((void *)(meta + 1) <= (void *)(long)ctx->data) {
			*meta = (struct sl_meta){SL_META_MAGIC, mark};
			return;
		}
	}
	struct sl_stats *stats = bpf_map_lookup_elem(&sl_stats, &cpu);

	if (stats)
		stats->unsteered++;
}

/* XDP_REDIRECT, XDP_PASS: a DPDK worker sees to this port; -1: none does. */
static __always_inline int hand_over(struct xdp_md *ctx)
{
	struct sl_port *port;

	if (!sl_config.handover)
		return -1;
	port = port_of(ctx->ingress_ifindex);
	return port ? sl_handover_give(ctx, port) : -1;
}

/* Does a DPDK worker measure what leaves by this port?  What is seen here then is the kernel's own. */
static __always_inline bool measured_elsewhere(uint32_t ifindex)
{
	struct sl_port *port;

	if (!sl_config.handover)
		return false;
	port = port_of(ifindex);
	return port && (port->flags & SL_PORT_HANDOVER) && sl_handover_alive(0);
}

SEC("xdp")
int sl_xdp(struct xdp_md *ctx)
{
	int handed = hand_over(ctx);

	if (handed >= 0)
		return handed;
	uint8_t *data = (void *)(long)ctx->data;
	uint8_t *end = (void *)(long)ctx->data_end;
	struct sl_work *work = RUN(ctx, xdp, ctx->ingress_ifindex, false, (uint32_t)(end - data));

	if (!work)
		return XDP_PASS;
	if (work->result.action == SL_ACTION_DROP)
		return XDP_DROP;
	if (work->result.action != SL_ACTION_RESET)
		sl_remark_apply(work, data, end);
	else if (turn_xdp(ctx, work))
		return XDP_TX;
	if (work->result.action == SL_ACTION_CLAMP)
		clamp_xdp(ctx, work);
	if (work->result.mark && !sl_config.replay)
		hand_over_mark(ctx, work->result.mark);
	return XDP_PASS;
}

SEC("tc")
int sl_tc_egress(struct __sk_buff *skb)
{
	if (measured_elsewhere(skb->ifindex))
		return TC_ACT_UNSPEC;
	if (skb->data_end - skb->data < 128 && skb->len > skb->data_end - skb->data)
		bpf_skb_pull_data(skb, skb->len < 128 ? skb->len : 128);
	uint8_t *data = (void *)(long)skb->data;
	uint8_t *end = (void *)(long)skb->data_end;
	struct sl_work *work = RUN(skb, tc, skb->ifindex, true, skb->len);

	if (!work)
		return TC_ACT_UNSPEC;
	if (work->result.action == SL_ACTION_DROP)
		return TC_ACT_SHOT;
	sl_remark_apply(work, data, end);
	if (work->result.action == SL_ACTION_CLAMP)
		clamp_tc(skb, work);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int sl_tc_mark(struct __sk_buff *skb)
{
	struct sl_meta *meta = (void *)(long)skb->data_meta;

	if ((void *)(meta + 1) <= (void *)(long)skb->data && meta->magic == SL_META_MAGIC)
		skb->mark = meta->mark;
	return TC_ACT_UNSPEC;
}

struct sweep {
	uint64_t now_ns;
	uint32_t bucket;
	uint32_t freed;
};

/* Flow @index waits for an answer: has its @way expired, or does it ask too long? */
static __always_inline void waits(struct sl_way *way, uint32_t index, const struct sweep *sweep)
{
	uint32_t cpu = bpf_get_smp_processor_id();
	struct sl_flow *flow = bpf_map_lookup_elem(&sl_flows, &index);
	struct sl_stats *stats = bpf_map_lookup_elem(&sl_stats, &cpu);

	if (!flow || !stats)
		return;
	if (way->kind == SL_FLOW_ASKING)
		sl_account_asking(way, flow, sweep->now_ns, stats);
	else
		sl_account_expired(way, flow, stats);
}

/* Way @way of an open flow with a gap has rested: is a large segment stuck? */
static __always_inline void look_at_gap(struct sl_way *way, uint32_t index)
{
	uint32_t cpu = bpf_get_smp_processor_id();
	struct sl_flow *flow = bpf_map_lookup_elem(&sl_flows, &index);
	struct sl_stats *stats = bpf_map_lookup_elem(&sl_stats, &cpu);

	if (flow && stats && sl_large_is_stuck(way, flow))
		sl_account_stuck(flow, stats);
}

static long sweep_bucket(uint32_t i, struct sweep *sweep)
{
	uint32_t index = (sweep->bucket + i) & sl_config.bucket_mask, zero = 0;
	struct sl_bucket *bucket = bpf_map_lookup_elem(&sl_buckets, &index);
	struct sl_shared *shared = bpf_map_lookup_elem(&sl_shared, &zero);

	if (!bucket || !shared || !lock_bucket(bucket, SL_LOCK_TRIES_SWEEP))
		return 0;
	for (int w = 0; w < SL_BUCKET_WAYS; w++) {
		struct sl_way *way = &bucket->way[w];
		bool expired = sl_way_expired(way, sl_flow_age(sweep->now_ns));

		if (sl_large_is_due(way, sl_flow_age(sweep->now_ns)))
			look_at_gap(way, index * SL_BUCKET_WAYS + (uint32_t)w);
		if (way->kind == SL_FLOW_ASKING || (expired && sl_way_waited(way)))
			waits(way, index * SL_BUCKET_WAYS + (uint32_t)w, sweep);
		if (way->kind == SL_FLOW_FREE || !expired)
			continue;
		way->kind = SL_FLOW_FREE;
		__sync_fetch_and_add(&shared->flows_held[way->service & (SL_SERVICES_MAX - 1)],
				     (uint32_t)-1);
		sweep->freed++;
	}
	unlock_bucket(bucket);
	return 0;
}

/* The time of the sweep; in a replay that of the last frame. */
static __always_inline uint64_t sweep_time(void)
{
	uint32_t zero = 0;
	struct sl_clock *clock = bpf_map_lookup_elem(&sl_clock, &zero);

	return sl_config.replay && clock ? clock->now_ns : bpf_ktime_get_ns();
}

SEC("xdp")
int sl_sweep(struct xdp_md *ctx)
{
	struct sl_sweep_args *args = (void *)(long)ctx->data;
	uint32_t cpu = bpf_get_smp_processor_id();
	struct sweep sweep = {.now_ns = sweep_time()};

	if ((void *)(args + 1) > (void *)(long)ctx->data_end)
		return 0;
	sweep.bucket = args->bucket;
	bpf_loop(args->count > SL_SWEEP_MAX ? SL_SWEEP_MAX : args->count, sweep_bucket, &sweep, 0);
	struct sl_stats *stats = bpf_map_lookup_elem(&sl_stats, &cpu);

	if (stats)
		stats->flows_expired += sweep.freed;
	return (int)sweep.freed;
}
