/*
 * handover.bpf.h - which frames go to the DPDK worker of their queue, while it lives
 *
 * A worker writes the time of its last turn into sl_heartbeat.  While that is fresh
 * and its AF_XDP socket is there, a frame is its; else, and for what the kernel itself
 * must hear (neighbours, groups, the box's own addresses), the frame goes the way it
 * would go without DPDK; not measured but for DHCP.  Maps and layouts: maps.h.
 */
#ifndef SL_HANDOVER_BPF_H
#define SL_HANDOVER_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../dataplane/fastpath/datagram.h"
#include "../dataplane/fastpath/work.h"
#include "maps.h"

#define SL_ND_FIRST 133 /* router solicitation, RFC 4861 4: neighbour discovery is */
#define SL_ND_LAST  137 /* redirect             ICMPv6 types 133 to 137 */

struct sl_sockets {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, SL_HANDOVER_QUEUES);
	__type(key, uint32_t);
	__type(value, uint32_t);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, SL_PORT_SLOTS);
	__type(key, uint32_t);
	__array(values, struct sl_sockets);
} sl_handover SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SL_HANDOVER_QUEUES);
	__type(key, uint32_t);
	__type(value, uint64_t);
} sl_heartbeat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SL_LOCALS_MAX);
	__type(key, struct sl_local);
	__type(value, uint32_t);
} sl_locals SEC(".maps");

static __always_inline bool sl_handover_local4(struct sl_cursor *c)
{
	struct sl_local to = {{[10] = 0xff, [11] = 0xff}};
	const uint8_t *ip = sl_take(c, 20);

	if (!ip)
		return true;
	__builtin_memcpy(to.byte + 12, ip + 16, 4);
	return bpf_map_lookup_elem(&sl_locals, &to);
}

static __always_inline bool sl_handover_local6(struct sl_cursor *c)
{
	const uint8_t *ip = sl_take(c, 40);
	struct sl_local to;

	if (!ip)
		return true;
	__builtin_memcpy(to.byte, ip + 24, 16);
	if (ip[6] == SL_PROTO_ICMP6) {
		const uint8_t *type = sl_take(c, 1);

		if (!type || (*type >= SL_ND_FIRST && *type <= SL_ND_LAST))
			return true;
	}
	return bpf_map_lookup_elem(&sl_locals, &to);
}

/* Of a frame to a group: DHCP, of which nearly all that clients say is to all (datagram.h). */
static __always_inline bool sl_handover_dhcp(struct sl_cursor *c)
{
	const uint8_t *ip = sl_take(c, 24);

	return ip && ip[0] == 0x45 && ip[9] == SL_PROTO_UDP && sl_dhcp_is_port(sl_be16(ip + 20)) &&
	       sl_dhcp_is_port(sl_be16(ip + 22));
}

enum sl_handover_for {
	SL_HANDOVER_WORKER,
	SL_HANDOVER_KERNEL, /* its own, or cut short, which the kernel may judge */
	SL_HANDOVER_SEEN,   /* the kernel's too, but to be seen on the way */
};

/* Whose frame it is.  Verified once: its many paths must not multiply sl_xdp's. */
SL_VERIFY_ONCE int sl_handover_for(struct xdp_md *ctx)
{
	struct sl_cursor c = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	const uint8_t *p = sl_take(&c, 14);

	if (!p)
		return SL_HANDOVER_KERNEL;
	uint16_t type = sl_be16(p + 12);
	bool group = p[0] & 1;

	for (int i = 0; i < SL_VLAN_TAGS_MAX && sl_link_is_tag(type); i++) {
		p = sl_take(&c, 4);
		if (!p)
			return SL_HANDOVER_KERNEL;
		type = sl_be16(p + 2);
	}
	if (group)
		return type == SL_ETHERTYPE_IP4 && sl_handover_dhcp(&c) ? SL_HANDOVER_SEEN
									: SL_HANDOVER_KERNEL;
	if (type == SL_ETHERTYPE_IP4)
		return sl_handover_local4(&c) ? SL_HANDOVER_KERNEL : SL_HANDOVER_WORKER;
	if (type == SL_ETHERTYPE_IP6)
		return sl_handover_local6(&c) ? SL_HANDOVER_KERNEL : SL_HANDOVER_WORKER;
	return SL_HANDOVER_KERNEL;
}

static __always_inline bool sl_handover_alive(uint32_t queue)
{
	volatile uint64_t *heartbeat = bpf_map_lookup_elem(&sl_heartbeat, &queue);

	/* Signed: the worker's clock was read on another CPU, and may be a little ahead. */
	return heartbeat && (int64_t)(bpf_ktime_get_ns() - *heartbeat) <= SL_HANDOVER_STALE_NS;
}

/*
 * What becomes of the frame while a worker lives: XDP_REDIRECT, it is on its way to the
 * worker; XDP_PASS, it is for the kernel, and not measured, as its answers are not.  -1: the
 * frame is to be judged here, as there is no worker or it is DHCP, and goes to the kernel.
 */
static __always_inline int sl_handover_give(struct xdp_md *ctx, const struct sl_port *port)
{
	uint32_t slot = ctx->ingress_ifindex & (SL_PORT_SLOTS - 1), queue = ctx->rx_queue_index;

	if (!(port->flags & SL_PORT_HANDOVER) || !sl_handover_alive(queue))
		return -1;
	int whose = sl_handover_for(ctx);

	if (whose != SL_HANDOVER_WORKER)
		return whose == SL_HANDOVER_KERNEL ? XDP_PASS : -1;
	void *sockets = bpf_map_lookup_elem(&sl_handover, &slot);

	/* 0 is no verdict of ours: no socket, as its process was killed. */
	return sockets && bpf_redirect_map(sockets, queue, 0) == XDP_REDIRECT ? XDP_REDIRECT : -1;
}

#endif
