/*
 * reflect.bpf.c - STAMP test packets turned round where they arrive: XDP on a gateway's uplinks
 *
 * A program of its own, as sl_xdp stands on the LAN side there.  What it does not answer passes,
 * and the agent's socket does, counting the refused ones.  It works only while the agent
 * renews .valid_until_ns: without an agent, nobody answers.  Its maps live and die with the
 * program (dataplane/xdp_reflect.c).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../dataplane/fastpath/reflect.h"
#include "maps.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct sl_reflect_state);
} sl_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SL_REFLECT_OWN_MAX);
	__type(key, struct sl_reflect_local);
	__type(value, struct sl_reflect_mac);
} sl_own SEC(".maps");

/* sl_reflect_sum() of the datagram @l4 bytes in.  Verified once: it has many ends. */
SL_VERIFY_ONCE uint64_t sl_sum(struct xdp_md *ctx, uint32_t l4, uint32_t bytes)
{
	const uint8_t *frame = (void *)(long)ctx->data;

	if (l4 > 14 + 4 * SL_VLAN_TAGS_MAX + 40)
		return 0;
	return sl_reflect_sum(frame + l4, (void *)(long)ctx->data_end, bytes);
}

/* Asked here, by one who may, in a frame that is whole. */
static __always_inline bool may(struct xdp_md *ctx, const struct sl_reflect_state *state,
				struct sl_reflect_question *q)
{
	const uint8_t *frame = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct sl_reflect_mac *mac;

	if (!sl_reflect_read(frame, end, q))
		return false;
	q->to.ifindex = ctx->ingress_ifindex;
	mac = bpf_map_lookup_elem(&sl_own, &q->to);
	if (!mac || !sl_reflect_is_for(frame, mac) || !sl_reflect_may_ask(state, &q->from))
		return false;
	return !q->summed || sl_reflect_holds(q, sl_sum(ctx, q->l4, q->udp_bytes));
}

SEC("xdp")
int sl_reflect(struct xdp_md *ctx)
{
	struct sl_reflect_question q = {0};
	uint64_t received_ns = bpf_ktime_get_ns();
	uint32_t zero = 0;
	struct sl_reflect_state *state = bpf_map_lookup_elem(&sl_state, &zero);

	if (!state || state->valid_until_ns < received_ns || !may(ctx, state, &q) ||
	    !sl_reflect_pay(state, received_ns))
		return XDP_PASS;
	if (!sl_reflect_turn((void *)(long)ctx->data, (void *)(long)ctx->data_end, &q,
			     received_ns + state->unix_offset_ns,
			     bpf_ktime_get_ns() + state->unix_offset_ns))
		return XDP_PASS;
	__sync_fetch_and_add(&state->reflected, 1);
	return XDP_TX;
}
