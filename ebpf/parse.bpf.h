/*
 * parse.bpf.h - bytes of an XDP or tc packet to the core: its parse, and copies of packets
 *
 * Each step twice, because XDP and tc differ in the type of the context, and each a global
 * function, so that it is verified once and not once for each path that leads to it.
 */
#ifndef SL_PARSE_BPF_H
#define SL_PARSE_BPF_H

#include "../dataplane/fastpath/pipeline.h"
#include "maps.bpf.h"

/* The rest of the frame from @offset on; offsets of headers fit 12 bits. */
static __always_inline struct sl_cursor cursor_at(uint8_t *data, uint8_t *end, uint32_t offset)
{
	return (struct sl_cursor){data + (offset & 0xfff), end};
}

/* The parse: its short lane, and its two halves; each verified once, per kind of context. */
SL_VERIFY_ONCE int parse_plain_xdp(struct xdp_md *ctx, struct sl_work *work)
{
	if (!work)
		return 0;
	return sl_packet_plain((void *)(long)ctx->data, (void *)(long)ctx->data_end, &work->packet);
}

SL_VERIFY_ONCE int parse_network_xdp(struct xdp_md *ctx, struct sl_work *work)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end, 0);

	return sl_pipeline_network(work, &c);
}

SL_VERIFY_ONCE int parse_transport_xdp(struct xdp_md *ctx, struct sl_work *work)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end,
				       work->packet.l4_offset);

	return sl_pipeline_transport(work, &c);
}

SL_VERIFY_ONCE int parse_plain_tc(struct __sk_buff *skb, struct sl_work *work)
{
	if (!work)
		return 0;
	return sl_packet_plain((void *)(long)skb->data, (void *)(long)skb->data_end, &work->packet);
}

SL_VERIFY_ONCE int parse_network_tc(struct __sk_buff *skb, struct sl_work *work)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)skb->data, (void *)(long)skb->data_end, 0);

	return sl_pipeline_network(work, &c);
}

SL_VERIFY_ONCE int parse_transport_tc(struct __sk_buff *skb, struct sl_work *work)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)skb->data, (void *)(long)skb->data_end,
				       work->packet.l4_offset);

	return sl_pipeline_transport(work, &c);
}

/* Into the tunnels that the policy asks about. */
SL_VERIFY_ONCE int parse_inner_xdp(struct xdp_md *ctx, struct sl_work *work, uint32_t asked)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)ctx->data, (void *)(long)ctx->data_end,
				       work->packet.l4_offset);

	return sl_pipeline_inner(work, &c, asked);
}

SL_VERIFY_ONCE int parse_inner_tc(struct __sk_buff *skb, struct sl_work *work, uint32_t asked)
{
	if (!work)
		return 0;
	struct sl_cursor c = cursor_at((void *)(long)skb->data, (void *)(long)skb->data_end,
				       work->packet.l4_offset);

	return sl_pipeline_inner(work, &c, asked);
}

/*
 * A copy of the packet for the slow path, as far as the ring has room.  Nobody is woken:
 * the agent looks each 10 ms.  A macro, because XDP and tc differ in how bytes are loaded.
 */
#define INSPECT(ctx, work, stats, generation, frame_bytes, load)                                 \
	({                                                                                       \
		struct sl_inspect *copy_ = bpf_ringbuf_reserve(&sl_inspects, sizeof(*copy_), 0); \
		uint32_t length_ = sl_inspect_length(work, frame_bytes);                         \
                                                                                                 \
		if (!copy_) {                                                                    \
			stats->inspect_lost++;                                                   \
			return 0;                                                                \
		}                                                                                \
		sl_inspect_describe(copy_, work, generation);                                    \
		SL_OPAQUE(length_);                                                              \
		if (length_ < 1 || length_ > SL_INSPECT_BYTES ||                                 \
		    load(ctx, work->packet.l3_offset, copy_->bytes, length_)) {                  \
			stats->inspect_lost++;                                                   \
			bpf_ringbuf_discard(copy_, BPF_RB_NO_WAKEUP);                            \
			return 0;                                                                \
		}                                                                                \
		copy_->length = (uint16_t)length_;                                               \
		stats->inspected++;                                                              \
		bpf_ringbuf_submit(copy_, BPF_RB_NO_WAKEUP);                                     \
	})

/*
 * The packet's headers into the ring of its service on this CPU.  A macro for the same reason.
 */
#define RECORD(ctx, work, knob, frame_bytes, load)                                            \
	({                                                                                    \
		uint32_t ring_ = bpf_get_smp_processor_id() * SL_RECORD_RINGS +               \
				 (((knob)->ring - 1) & (SL_RECORD_RINGS - 1));                \
		struct sl_record_head *head_ = bpf_map_lookup_elem(&sl_record_heads, &ring_); \
		uint32_t length_ = sl_record_length(work, frame_bytes, (knob)->whole);        \
                                                                                              \
		if (!head_ || !sl_record_is_parsed(work))                                     \
			return 0;                                                             \
		if (!sl_record_is_chosen(work, (knob)->mask)) {                               \
			head_->skipped++;                                                     \
			return 0;                                                             \
		}                                                                             \
		uint64_t number_ = ++head_->number;                                           \
		uint32_t slot_ = ring_ * (sl_config.record_mask + 1) +                        \
				 ((uint32_t)number_ & sl_config.record_mask);                 \
		struct sl_record *record_ = bpf_map_lookup_elem(&sl_records, &slot_);         \
                                                                                              \
		if (!record_)                                                                 \
			return 0;                                                             \
		sl_record_describe(record_, work, length_);                                   \
		SL_OPAQUE(length_);                                                           \
		if (length_ < 1 || length_ > SL_RECORD_BYTES ||                               \
		    load(ctx, 0, record_->bytes, length_))                                    \
			return 0;                                                             \
		record_->number = number_;                                                    \
	})

SL_VERIFY_ONCE int record_xdp(struct xdp_md *ctx, struct sl_work *work,
			      const struct sl_record_knob *knob)
{
	if (!work || !knob)
		return 0;
	RECORD(ctx, work, knob, (uint32_t)(ctx->data_end - ctx->data), bpf_xdp_load_bytes);
	return 0;
}

SL_VERIFY_ONCE int record_tc(struct __sk_buff *skb, struct sl_work *work,
			     const struct sl_record_knob *knob)
{
	if (!work || !knob)
		return 0;
	RECORD(skb, work, knob, skb->len, bpf_skb_load_bytes);
	return 0;
}

SL_VERIFY_ONCE int inspect_xdp(struct xdp_md *ctx, struct sl_work *work, struct sl_stats *stats,
			       uint32_t generation)
{
	if (!work || !stats)
		return 0;
	INSPECT(ctx, work, stats, generation, (uint32_t)(ctx->data_end - ctx->data),
		bpf_xdp_load_bytes);
	return 0;
}

SL_VERIFY_ONCE int inspect_tc(struct __sk_buff *skb, struct sl_work *work, struct sl_stats *stats,
			      uint32_t generation)
{
	if (!work || !stats)
		return 0;
	INSPECT(skb, work, stats, generation, skb->len, bpf_skb_load_bytes);
	return 0;
}

#endif
